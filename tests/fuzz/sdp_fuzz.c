#include <assert.h>

#include "wire/sdp/compose.h"
#include "wire/sdp/security.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const struct sdp *s, struct str v)
{
	assert(v.len == 0 || (v.p >= s->text.p && v.p + v.len <= s->text.p + s->text.len));
	assert(str_chr(v, '\n') < 0 && str_chr(v, '\0') < 0);
}

/* What is written from a value that was read is read as the same. */
static void attribute(const struct sdp *s, struct str value)
{
	char out[2 * SDP_BYTES_MAX];
	struct buf b = BUF_ON(out);
	struct sdp_candidate c, c2;
	struct sdp_rtpmap m, m2;
	struct sdp_crypto k;
	struct sdp_key key;
	struct sdp_fingerprint f;
	struct sdp_rtcp r;
	if (sdp_candidate_parse(&c, value) == 0) {
		inside(s, c.address);
		sdp_put_candidate(&b, &c);
		assert(sdp_candidate_parse(&c2, str_sub(str_trim(buf_view(&b)), 12, b.len)) == 0);
		assert(c.port == c2.port && c.draft6 == c2.draft6 && str_eq(c.raddr, c2.raddr));
	}
	b.len = 0;
	if (sdp_rtpmap_parse(&m, value) == 0) {
		sdp_put_rtpmap(&b, &m);
		assert(sdp_rtpmap_parse(&m2, str_sub(str_trim(buf_view(&b)), 9, b.len)) == 0);
		assert(m.type == m2.type && m.rate == m2.rate && str_eq(m.encoding, m2.encoding));
	}
	if (sdp_crypto_parse(&k, value) == 0)
		while (sdp_key_next(&k.keys, &key) > 0)
			inside(s, key.key);
	if (sdp_fingerprint_parse(&f, value) == 0)
		assert(f.len > 0);
	if (sdp_rtcp_parse(&r, value) == 0)
		inside(s, r.address);
}

static void walk(const struct sdp *s, const struct sdp_part *p)
{
	unsigned i = 0;
	struct str name, value;
	assert(p->first + p->n <= s->n_lines);
	while (sdp_attr_next(s, p, &i, &name, &value)) {
		inside(s, name);
		inside(s, value);
		attribute(s, value);
	}
}

static void walk_media(const struct sdp *s, const struct sdp_media *m)
{
	struct sdp_connection c;
	struct sdp_rtpmap map;
	struct str word, rest = m->formats, params, a, b;
	inside(s, m->transport);
	inside(s, m->profile);
	walk(s, &m->part);
	if (sdp_connection(s, m, &c) == 0)
		inside(s, c.address);
	while (sdp_word_next(&rest, &word)) {
		if (sdp_rtpmap_of(s, m, word, &map) == 0)
			inside(s, map.encoding);
		if (sdp_fmtp_of(s, m, word, &params) && sdp_fmtp_param(params, STR("apt"), &a))
			inside(s, a);
	}
	if (sdp_ice(s, m, &a, &b))
		inside(s, a);
	assert(sdp_security(s, m) < 16 && sdp_direction(s, m) <= SDP_SENDRECV &&
	       sdp_setup(s, m) <= SDP_HOLDCONN);
}

/* Unchanged it is the same bytes; changed it is a description again, with the changes. */
static void write_again(const struct sdp *s)
{
	static const struct str drop[] = { STR_INIT("crypto"), STR_INIT("rtpmap:0") };
	RAW_MEMORY struct sdp again;
	auto_(buf_free) struct buf b = buf_of(4 * SDP_BYTES_MAX);
	struct sdp_edit e = { .set_port = true,
		              .port = 4711,
		              .proto = STR("RTP/SAVP"),
		              .connection = STR("IN IP4 192.0.2.7"),
		              .drop = drop,
		              .n_drop = ARRAY_SIZE(drop),
		              .add = STR("a=x-added\r\n") };
	sdp_put_edited(&b, s, NULL, NULL, 0);
	assert(str_eq(buf_view(&b), s->text));
	b.len = 0;
	sdp_put_edited(&b, s, NULL, &e, 1);
	int r = sdp_parse(&again, buf_view(&b));
	if (s->n_media == 0 || s->n_lines > SDP_LINES_MAX - 2 || s->text.len > SDP_BYTES_MAX - 99 ||
	    s->media[0].part.n > SDP_ATTRS_MAX)
		return;
	assert(r == 0 && again.n_media == s->n_media && again.media[0].port == 4711);
	assert(again.media[0].rtp == SDP_SAVP && str_eq(again.media[0].media, s->media[0].media));
	assert(!sdp_attr(&again, &again.media[0].part, STR("crypto"), NULL));
	assert(sdp_attr(&again, &again.media[0].part, STR("x-added"), NULL));
	assert(str_eq(sdp_value(&again, &again.media[0].part, 'c'), STR("IN IP4 192.0.2.7")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	RAW_MEMORY struct sdp s;
	struct sdp_origin o;
	if (sdp_parse(&s, str_n((const char *)data, size)) < 0)
		return 0;
	walk(&s, &s.session);
	for (unsigned i = 0; i < s.n_media; i++)
		walk_media(&s, &s.media[i]);
	if (sdp_origin(&s, &o) == 0)
		inside(&s, o.address);
	(void)sdp_refusal(&s, STR("audio"), SDP_SEC_PLAIN);
	write_again(&s);
	return 0;
}
