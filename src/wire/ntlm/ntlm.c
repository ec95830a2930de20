#include "wire/ntlm/ntlm.h"

#include <errno.h>

#include "base/code.h"
#include "base/rd.h"

enum { CHALLENGE_TYPE = 2, AUTHENTICATE_TYPE = 3 };
enum { CHALLENGE_FIXED = 56, AUTHENTICATE_FIXED = 64 };
/* Attributes of target information ([MS-NLMP] section 2.2.2.1). */
enum {
	AV_EOL = 0,
	AV_COMPUTER = 1,
	AV_LABEL = 2,
	AV_COMPUTER_FQDN = 3,
	AV_DOMAIN = 4,
	AV_TIMESTAMP = 7,
};
enum { TIME_LEN = 8 };
/* From 1601, where the protocol's clock begins, to 1970; its ticks are of 100 ns. */
#define EPOCH_S UINT64_C(11644473600)
enum { TICKS_PER_USEC = 10 };

static const char signature[8] = "NTLMSSP";
/* Windows 7's; revision 15 of the protocol.  Clients do nothing with it. */
static const uint8_t version[8] = { 6, 1, 0xb1, 0x1d, 0, 0, 0, 15 };

/* --- text ---------------------------------------------------------------------------- */

static void put_le(struct buf *b, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_u8(b, (uint8_t)(v >> 8 * i));
}

/* The code point of a checked UTF-8 sequence of len bytes. */
static uint32_t code_point(const char *p, size_t len)
{
	static const uint8_t mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (uint8_t)p[0] & mask[len];
	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((uint8_t)p[i] & 0x3f);
	return c;
}

int ntlm_put_utf16(struct buf *b, struct str s)
{
	size_t start = b->len;
	while (s.len > 0) {
		size_t len = utf8_seq_len(s);
		if (len == 0) {
			b->len = start;
			return -EINVAL;
		}
		uint32_t c = code_point(s.p, len);
		if (c > 0xffff) {
			put_le(b, 0xd800 + ((c - 0x10000) >> 10), 2);
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		put_le(b, c, 2);
		s = str_sub(s, len, s.len);
	}
	return 0;
}

static void put_code_point(struct buf *b, uint32_t c)
{
	static const uint8_t lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	buf_u8(b, (uint8_t)(lead[more] | c >> 6 * more));
	while (more-- > 0)
		buf_u8(b, (uint8_t)(0x80 | (c >> 6 * more & 0x3f)));
}

static uint32_t get_le(struct rd *r, unsigned n)
{
	struct bytes b = rd_take(r, n);
	uint32_t v = 0;
	for (unsigned i = 0; i < b.len; i++)
		v |= (uint32_t)b.p[i] << 8 * i;
	return v;
}

int ntlm_put_utf8(struct buf *b, struct bytes s)
{
	struct rd r = rd_of(s);
	size_t start = b->len;
	while (rd_left(&r) > 0 && !r.bad) {
		uint32_t c = get_le(&r, 2);
		if (c >= 0xd800 && c < 0xdc00) {
			uint32_t low = get_le(&r, 2);
			r.bad |= low < 0xdc00 || low > 0xdfff;
			c = 0x10000 + ((c - 0xd800) << 10) + (low & 0x3ff);
		} else if (c >= 0xdc00 && c < 0xe000) {
			r.bad = true;
		}
		if (!r.bad)
			put_code_point(b, c);
	}
	if (r.bad)
		b->len = start;
	return r.bad ? -EINVAL : 0;
}

struct str ntlm_label(struct str domain)
{
	struct str label, rest;
	(void)str_cut(domain, '.', &label, &rest);
	return str_sub(label, 0, NTLM_LABEL_MAX);
}

bool ntlm_means_domain(struct str name, struct str domain)
{
	return name.len > 0 && (str_ieq(name, domain) || str_ieq(name, ntlm_label(domain)));
}

/* --- CHALLENGE ----------------------------------------------------------------------- */

static void put_attribute(struct buf *b, unsigned id, struct str utf16)
{
	put_le(b, id, 2);
	put_le(b, utf16.len, 2);
	buf_str(b, utf16);
}

/* A name as an attribute; too long or no text: b->full. */
static void put_name(struct buf *b, unsigned id, struct str name, size_t max)
{
	char space[2 * NTLM_HOST_MAX + 1];
	struct buf text = BUF_ON(space);
	if (name.len > max || ntlm_put_utf16(&text, name) < 0)
		b->full = true;
	else
		put_attribute(b, id, buf_view(&text));
}

static void put_target_info(struct buf *b, const struct ntlm_challenge *c)
{
	put_name(b, AV_LABEL, c->label, NTLM_LABEL_MAX);
	put_name(b, AV_COMPUTER, c->computer, NTLM_LABEL_MAX);
	put_name(b, AV_DOMAIN, c->domain, NTLM_HOST_MAX);
	put_name(b, AV_COMPUTER_FQDN, c->computer_fqdn, NTLM_HOST_MAX);
	put_le(b, AV_TIMESTAMP, 2);
	put_le(b, TIME_LEN, 2);
	put_le(b, (c->now + EPOCH_S * USEC_PER_SEC) * TICKS_PER_USEC, TIME_LEN);
	put_attribute(b, AV_EOL, STR(""));
}

/* Length, room and offset of a payload ([MS-NLMP] section 2.2.1). */
static void put_field(struct buf *b, size_t len, size_t offset)
{
	put_le(b, len, 2);
	put_le(b, len, 2);
	put_le(b, offset, 4);
}

void ntlm_put_challenge(struct buf *b, const struct ntlm_challenge *c)
{
	char names[8 * NTLM_HOST_MAX];
	struct buf payload = BUF_ON(names);
	if (ntlm_put_utf16(&payload, c->label) < 0)
		payload.full = true;
	size_t label_len = payload.len;
	put_target_info(&payload, c);
	if (payload.full) {
		b->full = true;
		return;
	}
	buf_put(b, signature, sizeof(signature));
	put_le(b, CHALLENGE_TYPE, 4);
	put_field(b, label_len, CHALLENGE_FIXED);
	put_le(b, c->plain ? NTLM_OFFERED_PLAIN : NTLM_OFFERED, 4);
	buf_put(b, c->server, sizeof(c->server));
	put_le(b, 0, 8); /* reserved */
	put_field(b, payload.len - label_len, CHALLENGE_FIXED + label_len);
	buf_put(b, version, sizeof(version));
	buf_str(b, buf_view(&payload));
}

/* --- AUTHENTICATE -------------------------------------------------------------------- */

/* A payload of the whole message; an empty one has an offset of no meaning. */
static struct bytes get_field(struct rd *r, struct bytes in, size_t max)
{
	size_t len = get_le(r, 2);
	(void)get_le(r, 2);
	size_t offset = get_le(r, 4);
	if (r->bad || len == 0)
		return (struct bytes){ NULL, 0 };
	if (len > max || offset < AUTHENTICATE_FIXED || offset > in.len || len > in.len - offset) {
		r->bad = true;
		return (struct bytes){ NULL, 0 };
	}
	return (struct bytes){ in.p + offset, len };
}

static bool is_name(struct bytes b)
{
	return b.len % 2 == 0;
}

int ntlm_get_auth(struct ntlm_auth *ret, struct bytes in)
{
	struct rd r = rd_of(in);
	struct bytes sig = rd_take(&r, sizeof(signature));
	uint32_t type = get_le(&r, 4);
	struct ntlm_auth a = { .lm = get_field(&r, in, NTLM_RESPONSE_MAX) };
	a.nt = get_field(&r, in, NTLM_RESPONSE_MAX);
	a.domain = get_field(&r, in, NTLM_NAME_MAX);
	a.user = get_field(&r, in, NTLM_NAME_MAX);
	a.workstation = get_field(&r, in, NTLM_NAME_MAX);
	a.session_key = get_field(&r, in, NTLM_KEY_LEN);
	a.flags = get_le(&r, 4);
	if (r.bad || in.len > NTLM_AUTH_MAX || memcmp(sig.p, signature, sizeof(signature)) != 0 ||
	    type != AUTHENTICATE_TYPE)
		return -EBADMSG;
	if (!(a.flags & NTLM_UNICODE))
		return -ENOTSUP;
	if (!is_name(a.domain) || !is_name(a.user) || !is_name(a.workstation))
		return -EBADMSG;
	*ret = a;
	return 0;
}
