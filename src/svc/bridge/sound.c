#include "svc/bridge/sound.h"

#include <errno.h>
#include <string.h>

#include "base/code.h"
#include "wire/mime/mime.h"
#include "wire/sdp/attr.h"
#include "wire/sdp/compose.h"

int sound_find(struct sdp *ret, const struct sip_msg *m)
{
	struct mime_part part;
	int r = mime_pick(sip_value(m, SIP_H_CONTENT_TYPE), m->body, STR("application/sdp"), 1,
	                  &part);
	if (m->body.len == 0 || r == -ENOENT)
		return -ENOENT;
	return r < 0 || sdp_parse(ret, part.body) < 0 ? -EBADMSG : 0;
}

/* Reading. */

static bool is_usable(const struct sdp_crypto *c, struct sdp_key *k, struct sound_key *ret)
{
	uint8_t bytes[SDP_SRTP_KEY_MAX];
	struct str keys = c->keys;
	if (srtp_suite_of(c->suite, &ret->suite) < 0 || c->params.len > 0 ||
	    sdp_key_next(&keys, k) <= 0 || keys.len > 0 || k->mki_len > 0 ||
	    sdp_key_bytes(c->suite, k, bytes) < 0)
		return false;
	memcpy(ret->bytes, bytes, SRTP_KEY_LEN);
	wipe(bytes, sizeof(bytes));
	ret->tag = c->tag;
	ret->there = true;
	return true;
}

/* The first that is usable; a Lync client has but one suite. */
static void read_key(struct sound *o, const struct sdp *s, enum sound_dialect d)
{
	unsigned i = 0;
	struct str value;
	struct sdp_crypto c;
	struct sdp_key k;
	while (!o->key.there && sdp_attr_named(s, &o->m->part, STR("crypto"), &i, &value))
		if (sdp_crypto_parse(&c, value) == 0 && is_usable(&c, &k, &o->key) &&
		    d == SOUND_LYNC && o->key.suite != SRTP_AES_CM_128_HMAC_SHA1_80)
			o->key.there = false;
}

static int read_address(struct sound *o, const struct sdp *s)
{
	struct sdp_connection c;
	struct sdp_rtcp r;
	struct str value;
	if (sdp_connection(s, o->m, &c) < 0 || addr_parse(&o->at[0], c.address, o->m->port) < 0)
		return -EBADMSG;
	o->at[1] = o->at[0];
	addr_set_port(&o->at[1], (uint16_t)(o->m->port + 1));
	if (!sdp_attr(s, &o->m->part, STR("rtcp"), &value) || sdp_rtcp_parse(&r, value) < 0)
		return 0;
	addr_set_port(&o->at[1], r.port);
	return r.address.len > 0 && addr_parse(&o->at[1], r.address, r.port) < 0 ? -EBADMSG : 0;
}

static const struct sdp_media *first_audio(const struct sdp *s)
{
	const struct sdp_media *m = NULL;
	while ((m = sdp_media_next(s, m, STR("audio"))) != NULL)
		if (m->port != 0)
			return m;
	return NULL;
}

/* 0.0.0.0 is the old way to say that nothing is wanted (RFC 3264 section 8.4). */
static enum sdp_direction direction(const struct sdp *s, const struct sdp_media *m)
{
	struct sdp_connection c;
	struct addr a;
	enum sdp_direction dir = sdp_direction(s, m);
	bool held = sdp_connection(s, m, &c) == 0 && addr_parse(&a, c.address, 0) == 0 &&
	            addr_is_any(&a);
	return held ? dir & SDP_SENDONLY : dir;
}

int sound_read(struct sound *ret, const struct sdp *s, enum sound_dialect d)
{
	struct sound o = { .m = first_audio(s) };
	if (!o.m)
		return -ENOENT;
	if (read_address(&o, s) < 0)
		return -EBADMSG;
	if (o.m->rtp == SDP_NO_RTP || o.m->transport.len > 0) /* TCP, TLS over UDP */
		return -EPROTONOSUPPORT;
	read_key(&o, s, d);
	o.wants_srtp = o.m->rtp == SDP_SAVP || o.m->rtp == SDP_SAVPF;
	o.ice = sdp_attr(s, &o.m->part, STR("candidate"), NULL) &&
	        sdp_ice(s, o.m, &o.ufrag, &o.pwd);
	o.held = !(direction(s, o.m) & SDP_RECVONLY);
	if ((d == SOUND_LYNC && !o.ice) || (o.wants_srtp && !o.key.there)) {
		wipe(&o.key, sizeof(o.key));
		return -EPROTONOSUPPORT;
	}
	*ret = o;
	return 0;
}

bool sound_candidate(const struct sdp *s, const struct sound *o, unsigned *i,
                     unsigned *ret_component, struct addr *ret_at, uint32_t *ret_priority)
{
	struct str value;
	struct sdp_candidate c;
	while (sdp_attr_named(s, &o->m->part, STR("candidate"), i, &value)) {
		if (sdp_candidate_parse(&c, value) < 0 || c.transport != SDP_UDP || c.draft6 ||
		    c.component > ICE_COMPONENTS || addr_parse(ret_at, c.address, c.port) < 0)
			continue;
		*ret_component = c.component - 1u;
		*ret_priority = c.priority;
		return true;
	}
	return false;
}

/* Writing. */

/* How the media of the other end travels, and with which keys, ends here: the first lines are of
 * ICE and RTP, the next of keys (RFC 4568, 4567, 5763, 6189, [MS-SDPEXT]), then directions, which
 * are written anew, and what binds sections together that are refused (RFC 9143). */
static const struct str always[] = {
	STR_INIT("candidate"),
	STR_INIT("remote-candidates"),
	STR_INIT("x-candidate-ipv6"),
	STR_INIT("ice-ufrag"),
	STR_INIT("ice-pwd"),
	STR_INIT("ice-options"),
	STR_INIT("ice-lite"),
	STR_INIT("ice-mismatch"),
	STR_INIT("ice-pacing"),
	STR_INIT("end-of-candidates"),
	STR_INIT("rtcp"),
	STR_INIT("rtcp-mux"),
	STR_INIT("rtcp-mux-only"),
	STR_INIT("crypto"),
	STR_INIT("encryption"),
	STR_INIT("cryptoscale"),
	STR_INIT("key-mgmt"),
	STR_INIT("fingerprint"),
	STR_INIT("setup"),
	STR_INIT("tls-id"),
	STR_INIT("zrtp-hash"),
	STR_INIT("sendonly"),
	STR_INIT("recvonly"),
	STR_INIT("inactive"),
	STR_INIT("sendrecv"),
	STR_INIT("group"),
	STR_INIT("bundle-only"),
};

static void put_key(struct buf *b, const struct sound_end *e)
{
	if (!e->key)
		return;
	buf_lit(b, "a=crypto:");
	buf_dec(b, e->key->tag);
	buf_char(b, ' ');
	buf_str(b, srtp_suite_name(e->key->suite));
	buf_lit(b, " inline:");
	base64_put(b, e->key->bytes, SRTP_KEY_LEN);
	/* The only form that such a client reads; other ends need no word of it. */
	if (e->dialect == SOUND_LYNC)
		buf_lit(b, "|2^31");
	buf_lit(b, "\r\n");
}

static void put_candidate(struct buf *b, enum ice_base base, unsigned c, const struct addr *at)
{
	buf_printf(b, "a=candidate:%" STR_FMT " %u UDP %u ", STR_ARG(ice_foundation(base)), c + 1,
	           ice_priority(base, c));
	addr_put_bare(b, at);
	buf_printf(b, " %u typ %s", addr_port(at), base == ICE_HOST ? "host" : "relay");
}

static void put_candidates(struct buf *b, const struct sound_end *e)
{
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		put_candidate(b, ICE_HOST, c, &e->at[c]);
		buf_lit(b, "\r\n");
	}
	for (unsigned c = 0; e->relayed && c < ICE_COMPONENTS; c++) {
		const struct addr *from = &e->relayed->mapped[c];
		put_candidate(b, ICE_RELAYED, c, &e->relayed->at[c]);
		buf_lit(b, " raddr ");
		addr_put_bare(b, from);
		buf_printf(b, " rport %u\r\n", addr_port(from));
	}
}

/* Once ICE is done (RFC 8839 section 5.2). */
static void put_remote(struct buf *b, const struct sound_end *e)
{
	struct ice_way at[ICE_COMPONENTS];
	if (!ice_selected(e->ice, 0, &at[0]) || !ice_selected(e->ice, 1, &at[1]))
		return;
	buf_lit(b, "a=remote-candidates:");
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		buf_printf(b, c ? " %u " : "%u ", c + 1);
		addr_put_bare(b, &at[c].peer);
		buf_printf(b, " %u", addr_port(&at[c].peer));
	}
	buf_lit(b, "\r\n");
}

/* Such a client knows a payload type by its rtpmap alone; those of RFC 3551 section 6 may come
 * without one. */
static void put_static_types(struct buf *b, const struct sdp *s, const struct sdp_media *m)
{
	static const struct {
		struct str format;
		struct sdp_rtpmap map;
	} types[] = {
		{ STR_INIT("0"), { .type = 0, .encoding = STR_INIT("PCMU"), .rate = 8000 } },
		{ STR_INIT("3"), { .type = 3, .encoding = STR_INIT("GSM"), .rate = 8000 } },
		{ STR_INIT("8"), { .type = 8, .encoding = STR_INIT("PCMA"), .rate = 8000 } },
		{ STR_INIT("9"), { .type = 9, .encoding = STR_INIT("G722"), .rate = 8000 } },
	};
	struct str formats = m->formats, one;
	struct sdp_rtpmap known;
	while (sdp_word_next(&formats, &one))
		for (size_t i = 0; i < ARRAY_SIZE(types); i++)
			if (str_eq(one, types[i].format) &&
			    sdp_rtpmap_of(s, m, one, &known) == -ENOENT)
				sdp_put_rtpmap(b, &types[i].map);
}

/* A Lync client knows held and not held; others are told as it was said. */
static void put_direction(struct buf *b, const struct sdp *s, const struct sdp_media *m,
                          enum sound_dialect d)
{
	static const char *const names[] = { [SDP_INACTIVE] = "inactive",
		                             [SDP_SENDONLY] = "sendonly",
		                             [SDP_RECVONLY] = "recvonly",
		                             [SDP_SENDRECV] = "sendrecv" };
	enum sdp_direction dir = direction(s, m);
	if (d == SOUND_LYNC)
		dir = dir & SDP_RECVONLY ? SDP_SENDRECV : SDP_INACTIVE;
	if (d == SOUND_PLAIN || dir == SDP_INACTIVE)
		buf_printf(b, "a=%s\r\n", names[dir]);
}

/* Where media comes that does without ICE: once it is done, the address that it has chosen (RFC
 * 8839 section 4.2.2.1). */
static const struct addr *default_at(const struct sound_end *e)
{
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		struct ice_way way;
		if (!e->relayed || !ice_selected(e->ice, c, &way) || way.base != ICE_RELAYED)
			return e->at;
	}
	return e->relayed->at;
}

/* RFC 3605. */
static void put_rtcp(struct buf *b, const struct addr *at)
{
	buf_printf(b, "a=rtcp:%u", addr_port(&at[1]));
	if (!addr_eq_host(&at[0], &at[1])) {
		char text[100], host[80];
		struct buf cb = BUF_ON(text), hb = BUF_ON(host);
		addr_put_bare(&hb, &at[1]);
		sdp_put_connection(&cb, buf_view(&hb));
		buf_char(b, ' ');
		buf_str(b, buf_view(&cb));
	}
	buf_lit(b, "\r\n");
}

static void put_lines(struct buf *b, const struct sdp *s, const struct sdp_media *m,
                      const struct sound_end *e)
{
	put_key(b, e);
	put_direction(b, s, m, e->dialect);
	if (e->dialect != SOUND_LYNC)
		return;
	put_static_types(b, s, m);
	put_candidates(b, e);
	put_remote(b, e);
	put_rtcp(b, default_at(e));
	sdp_put_attr(b, STR("ice-ufrag"), ice_ufrag(e->ice));
	sdp_put_attr(b, STR("ice-pwd"), ice_pwd(e->ice));
}

bool sound_write(struct buf *b, const struct sdp *s, const struct sdp_media *m,
                 const struct sound_end *e)
{
	const struct addr *at = default_at(e);
	char host[80];
	struct buf hb = BUF_ON(host), cb = BUF_ON((char[100]){ 0 });
	auto_(buf_free) struct buf lines = buf_of(SOUND_BYTES_MAX);
	struct sdp_edit session = { .drop = always, .n_drop = ARRAY_SIZE(always) };
	struct sdp_edit media[SDP_MEDIA_MAX] = { 0 };
	addr_put_bare(&hb, &at[0]);
	sdp_put_connection(&cb, buf_view(&hb));
	session.connection = buf_view(&cb);
	for (unsigned i = 0; i < s->n_media; i++) /* port 0 */
		media[i] = (struct sdp_edit){ .set_port = true,
			                      .drop = always,
			                      .n_drop = ARRAY_SIZE(always) };
	put_lines(&lines, s, m, e);
	struct sdp_edit *own = &media[m - s->media];
	*own = (struct sdp_edit){ .set_port = true,
		                  .port = addr_port(&at[0]),
		                  .proto = e->proto.len ? e->proto
		                           : e->key     ? STR("RTP/SAVP")
		                                        : STR("RTP/AVP"),
		                  .connection = session.connection,
		                  .drop = always,
		                  .n_drop = ARRAY_SIZE(always),
		                  .add = buf_view(&lines) };
	sdp_put_edited(b, s, &session, media, s->n_media);
	return !b->full && !lines.full;
}
