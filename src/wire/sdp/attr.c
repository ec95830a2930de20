#include "wire/sdp/attr.h"

#include <errno.h>

#include "base/code.h"

static int to_port(struct str s, uint16_t *ret)
{
	uint32_t v;
	if (str_to_u32(s, UINT16_MAX, &v) < 0)
		return -EBADMSG;
	*ret = (uint16_t)v;
	return 0;
}

int sdp_rtpmap_parse(struct sdp_rtpmap *ret, struct str value)
{
	struct sdp_rtpmap m;
	struct str type, map, more;
	uint32_t v;
	if (!sdp_word_next(&value, &type) || !sdp_word_next(&value, &map) ||
	    sdp_word_next(&value, &more) || str_to_u32(type, 127, &v) < 0)
		return -EBADMSG;
	m.type = (uint8_t)v;
	struct str rate;
	(void)str_cut(map, '/', &m.encoding, &rate);
	(void)str_cut(rate, '/', &rate, &m.params);
	if (m.encoding.len == 0 || str_to_u32(rate, UINT32_MAX, &m.rate) < 0)
		return -EBADMSG;
	*ret = m;
	return 0;
}

/* The value of the first attribute `name` that begins with the word `format`. */
static bool of_format(const struct sdp *s, const struct sdp_media *m, struct str name,
                      struct str format, struct str *ret, struct str *rest)
{
	unsigned i = 0;
	struct str value, word;
	while (sdp_attr_named(s, &m->part, name, &i, &value)) {
		*rest = value;
		if (sdp_word_next(rest, &word) && str_eq(word, format)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

int sdp_rtpmap_of(const struct sdp *s, const struct sdp_media *m, struct str format,
                  struct sdp_rtpmap *ret)
{
	struct str value, rest;
	if (!of_format(s, m, STR("rtpmap"), format, &value, &rest))
		return -ENOENT;
	return sdp_rtpmap_parse(ret, value);
}

bool sdp_fmtp_of(const struct sdp *s, const struct sdp_media *m, struct str format, struct str *ret)
{
	struct str value, rest;
	if (!of_format(s, m, STR("fmtp"), format, &value, &rest))
		return false;
	*ret = str_trim(rest);
	return true;
}

bool sdp_fmtp_param(struct str params, struct str name, struct str *ret)
{
	struct scan sc = scan_of(params);
	while (sc.p < sc.end) {
		struct str key, value, one = scan_until(&sc, "; \t");
		if (str_cut(one, '=', &key, &value) && str_ieq(key, name)) {
			*ret = value;
			return true;
		}
		if (sc.p < sc.end)
			sc.p++;
	}
	return false;
}

int sdp_crypto_parse(struct sdp_crypto *ret, struct str value)
{
	struct sdp_crypto c;
	struct str tag;
	/* At most nine digits (RFC 4568 section 9.1). */
	if (!sdp_word_next(&value, &tag) || !sdp_word_next(&value, &c.suite) ||
	    !sdp_word_next(&value, &c.keys) || str_to_u32(tag, 999999999, &c.tag) < 0)
		return -EBADMSG;
	c.params = str_trim(value);
	*ret = c;
	return 0;
}

/* "2^31" or "1048576". */
static int parse_lifetime(struct str s, struct sdp_key *k)
{
	uint32_t power;
	if (!str_starts(s, STR("2^"))) {
		int r = str_to_u64(s, UINT64_MAX, &k->lifetime);
		return r < 0 || k->lifetime == 0 ? -EBADMSG : 0;
	}
	if (str_to_u32(str_sub(s, 2, s.len), 48, &power) < 0)
		return -EBADMSG;
	k->lifetime = (uint64_t)1 << power;
	k->lifetime_log2 = (uint8_t)power;
	return 0;
}

/* "1:4": value and length. */
static int parse_mki(struct str s, struct sdp_key *k)
{
	struct str len;
	uint32_t n;
	if (!str_cut(s, ':', &k->mki, &len) || k->mki.len == 0 || str_to_u32(len, 128, &n) < 0 ||
	    n == 0)
		return -EBADMSG;
	for (size_t i = 0; i < k->mki.len; i++)
		if (k->mki.p[i] < '0' || k->mki.p[i] > '9')
			return -EBADMSG;
	k->mki_len = (uint8_t)n;
	return 0;
}

int sdp_key_next(struct str *keys, struct sdp_key *ret)
{
	struct sdp_key k = { 0 };
	struct str one, field, rest = *keys;
	if (rest.len == 0)
		return 0;
	(void)str_cut(rest, ';', &one, &rest);
	if (!str_istarts(one, STR("inline:")))
		return -EBADMSG;
	bool more = str_cut(str_sub(one, 7, one.len), '|', &k.key, &one);
	if (k.key.len == 0)
		return -EBADMSG;
	for (int i = 0; more; i++) {
		more = str_cut(one, '|', &field, &one);
		/* The lifetime stands first and has no colon; both may be left out. */
		bool is_mki = str_chr(field, ':') >= 0;
		if (i > 1 || (!is_mki && i > 0) || (is_mki && more) ||
		    (is_mki ? parse_mki(field, &k) : parse_lifetime(field, &k)) < 0)
			return -EBADMSG;
	}
	*ret = k;
	*keys = rest;
	return 1;
}

size_t sdp_suite_key_len(struct str suite)
{
	static const struct {
		struct str name;
		size_t len;
	} known[] = {
		{ STR_INIT("AES_CM_128_HMAC_SHA1_80"), 30 },
		{ STR_INIT("AES_CM_128_HMAC_SHA1_32"), 30 },
		{ STR_INIT("F8_128_HMAC_SHA1_80"), 30 },
		{ STR_INIT("AES_192_CM_HMAC_SHA1_80"), 38 },
		{ STR_INIT("AES_192_CM_HMAC_SHA1_32"), 38 },
		{ STR_INIT("AES_256_CM_HMAC_SHA1_80"), 46 },
		{ STR_INIT("AES_256_CM_HMAC_SHA1_32"), 46 },
		{ STR_INIT("AEAD_AES_128_GCM"), 28 },
		{ STR_INIT("AEAD_AES_256_GCM"), 44 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_ieq(suite, known[i].name))
			return known[i].len;
	return 0;
}

int sdp_key_bytes(struct str suite, const struct sdp_key *key, uint8_t ret[SDP_SRTP_KEY_MAX])
{
	char out[SDP_SRTP_KEY_MAX + 3]; /* base64_get may ask for room for its padding */
	struct buf b = BUF_ON(out);
	size_t want = sdp_suite_key_len(suite);
	int r = base64_get(key->key, &b) < 0 || b.full || b.len != want || want == 0 ? -EBADMSG : 0;
	if (r == 0)
		memcpy(ret, out, want);
	wipe(out, sizeof(out));
	return r;
}

static enum sdp_transport transport_of(struct str name)
{
	static const struct {
		struct str name;
		enum sdp_transport transport;
	} known[] = {
		{ STR_INIT("UDP"), SDP_UDP },
		{ STR_INIT("TCP"), SDP_TCP },
		{ STR_INIT("TCP-ACT"), SDP_TCP_ACT },
		{ STR_INIT("TCP-PASS"), SDP_TCP_PASS },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_ieq(name, known[i].name))
			return known[i].transport;
	return SDP_OTHER;
}

static enum sdp_cand_type cand_type(struct str name)
{
	static const struct {
		struct str name;
		enum sdp_cand_type type;
	} known[] = {
		{ STR_INIT("host"), SDP_HOST },
		{ STR_INIT("srflx"), SDP_SRFLX },
		{ STR_INIT("prflx"), SDP_PRFLX },
		{ STR_INIT("relay"), SDP_RELAY },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_ieq(name, known[i].name))
			return known[i].type;
	return SDP_CAND_OTHER;
}

/* What stands behind the type, in any order: pairs of name and value. */
static int candidate_pairs(struct sdp_candidate *c, struct str rest)
{
	struct str name, value;
	c->ext = str_trim(rest);
	while (sdp_word_next(&rest, &name)) {
		if (!sdp_word_next(&rest, &value))
			return -EBADMSG;
		if (str_ieq(name, STR("raddr")))
			c->raddr = value;
		else if (str_ieq(name, STR("rport")) && to_port(value, &c->rport) < 0)
			return -EBADMSG;
		else if (str_ieq(name, STR("tcptype")))
			c->tcp_type = value;
	}
	return 0;
}

static int component_of(struct str s, uint16_t *ret)
{
	uint32_t v;
	if (str_to_u32(s, 256, &v) < 0 || v == 0)
		return -EBADMSG;
	*ret = (uint16_t)v;
	return 0;
}

/* user component password transport preference address port: nothing follows. */
static int parse_draft6(struct sdp_candidate *c, const struct str w[7], struct str rest)
{
	struct str more;
	c->draft6 = true;
	c->foundation = w[0];
	c->password = w[2];
	c->transport_name = w[3];
	c->preference = w[4];
	c->address = w[5];
	return to_port(w[6], &c->port) < 0 || sdp_word_next(&rest, &more) ? -EBADMSG : 0;
}

/* foundation component transport priority address port "typ", and the type is next. */
static int parse_ice(struct sdp_candidate *c, const struct str w[7], struct str rest)
{
	c->foundation = w[0];
	c->transport_name = w[2];
	c->address = w[4];
	if (str_to_u32(w[3], UINT32_MAX, &c->priority) < 0 || to_port(w[5], &c->port) < 0 ||
	    !sdp_word_next(&rest, &c->type_name))
		return -EBADMSG;
	c->type = (uint8_t)cand_type(c->type_name);
	return candidate_pairs(c, rest);
}

int sdp_candidate_parse(struct sdp_candidate *ret, struct str value)
{
	struct sdp_candidate c = { 0 };
	struct str w[7];
	for (size_t i = 0; i < ARRAY_SIZE(w); i++)
		if (!sdp_word_next(&value, &w[i]))
			return -EBADMSG;
	if (component_of(w[1], &c.component) < 0)
		return -EBADMSG;
	int r = str_ieq(w[6], STR("typ")) ? parse_ice(&c, w, value) : parse_draft6(&c, w, value);
	if (r < 0)
		return r;
	c.transport = (uint8_t)transport_of(c.transport_name);
	*ret = c;
	return 0;
}

int sdp_rtcp_parse(struct sdp_rtcp *ret, struct str value)
{
	struct sdp_rtcp rtcp = { 0 };
	struct sdp_connection c;
	struct str port;
	if (!sdp_word_next(&value, &port) || to_port(port, &rtcp.port) < 0)
		return -EBADMSG;
	value = str_trim(value);
	if (value.len > 0) {
		if (sdp_connection_parse(&c, value) < 0)
			return -EBADMSG;
		rtcp.addr_type = c.addr_type;
		rtcp.address = c.address;
	}
	*ret = rtcp;
	return 0;
}

static bool direction_in(const struct sdp *s, const struct sdp_part *p, enum sdp_direction *ret)
{
	static const struct str names[] = {
		[SDP_INACTIVE] = STR_INIT("inactive"),
		[SDP_SENDONLY] = STR_INIT("sendonly"),
		[SDP_RECVONLY] = STR_INIT("recvonly"),
		[SDP_SENDRECV] = STR_INIT("sendrecv"),
	};
	unsigned i = 0;
	struct str name, value;
	while (sdp_attr_next(s, p, &i, &name, &value)) {
		for (unsigned d = 0; d < ARRAY_SIZE(names); d++) {
			if (str_eq(name, names[d])) {
				*ret = (enum sdp_direction)d;
				return true;
			}
		}
	}
	return false;
}

enum sdp_direction sdp_direction(const struct sdp *s, const struct sdp_media *m)
{
	enum sdp_direction d = SDP_SENDRECV;
	if (!direction_in(s, &m->part, &d))
		(void)direction_in(s, &s->session, &d);
	return d;
}

bool sdp_ice(const struct sdp *s, const struct sdp_media *m, struct str *ufrag, struct str *pwd)
{
	struct str u, p;
	if (!sdp_attr_inherited(s, m, STR("ice-ufrag"), &u) ||
	    !sdp_attr_inherited(s, m, STR("ice-pwd"), &p) || u.len == 0 || p.len == 0)
		return false;
	*ufrag = u;
	*pwd = p;
	return true;
}

enum sdp_setup sdp_setup(const struct sdp *s, const struct sdp_media *m)
{
	static const struct str names[] = {
		[SDP_ACTIVE] = STR_INIT("active"),
		[SDP_PASSIVE] = STR_INIT("passive"),
		[SDP_ACTPASS] = STR_INIT("actpass"),
		[SDP_HOLDCONN] = STR_INIT("holdconn"),
	};
	struct str value;
	if (!sdp_attr_inherited(s, m, STR("setup"), &value))
		return SDP_SETUP_NONE;
	for (unsigned i = SDP_ACTIVE; i < ARRAY_SIZE(names); i++)
		if (str_ieq(value, names[i]))
			return (enum sdp_setup)i;
	return SDP_SETUP_NONE;
}

int sdp_fingerprint_parse(struct sdp_fingerprint *ret, struct str value)
{
	struct sdp_fingerprint f = { 0 };
	struct str digits, one, more;
	if (!sdp_word_next(&value, &f.hash) || !sdp_word_next(&value, &digits) ||
	    sdp_word_next(&value, &more))
		return -EBADMSG;
	for (bool next = true; next;) {
		next = str_cut(digits, ':', &one, &digits);
		if (f.len == SDP_FINGERPRINT_MAX || one.len != 2 ||
		    hex_get(one, &f.bytes[f.len], 1) < 0)
			return -EBADMSG;
		f.len++;
	}
	*ret = f;
	return 0;
}
