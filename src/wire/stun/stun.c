#include "wire/stun/stun.h"

#include <assert.h>
#include <errno.h>

#include "base/rd.h"

enum { LEN_AT = 2, COOKIE_AT = 4, ID_AT = 8, ATTR_HEADER_LEN = 4, CRC_LEN = 4 };
enum { COMPREHENSION_OPTIONAL = 0x8000 };
enum { CODE_MIN = 300, CODE_MAX = 699 };
static const uint8_t cookie[4] = { 0x21, 0x12, 0xa4, 0x42 };

/* --- hashes, for both directions ----------------------------------------------------- */

/* The MAC of a message whose MESSAGE-INTEGRITY follows `text`, and whose length field was or will
 * be `len` in the end. */
static void hash(uint8_t ret[STUN_MAC_LEN], struct str text, size_t len, enum stun_dialect d,
                 struct str key)
{
	if (d == STUN_STANDARD)
		len = text.len + ATTR_HEADER_LEN + STUN_MAC_LEN - STUN_HEADER_LEN;
	stun_mac(ret, text, len, d == STUN_LYNC, key);
}

/* CRC-32 of ISO 3309, four bits at a time, and the XOR of RFC 8489 section 14.7. */
static uint32_t fingerprint(struct str text)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	uint32_t crc = 0xffffffff;
	for (size_t i = 0; i < text.len; i++) {
		crc ^= (uint8_t)text.p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc ^ 0x5354554e;
}

/* --- reading ------------------------------------------------------------------------- */

bool stun_looks_like(struct str datagram)
{
	const uint8_t *p = (const uint8_t *)datagram.p;
	return datagram.len >= STUN_HEADER_LEN && p[0] < 4 &&
	       memcmp(p + COOKIE_AT, cookie, sizeof(cookie)) == 0 &&
	       stun_get_u16(p + LEN_AT) == datagram.len - STUN_HEADER_LEN;
}

/* May an attribute of the type stand behind those that were read? */
static bool counts(const struct stun_msg *m, uint16_t type)
{
	uint16_t last = m->n_attrs > 0 ? m->attrs[m->n_attrs - 1].type : 0;
	if (last == STUN_MESSAGE_INTEGRITY)
		return type == STUN_FINGERPRINT;
	return last != STUN_FINGERPRINT;
}

static int get_attrs(struct stun_msg *m, struct rd *r)
{
	bool padded = stun_padding(m->raw.len) == 0;
	while (rd_left(r) > 0) {
		struct stun_attr a = { .type = rd_u16(r), .len = rd_u16(r) };
		a.at = (uint16_t)(m->raw.len - rd_left(r));
		(void)rd_take(r, a.len + (padded ? stun_padding(a.len) : 0));
		if (r->bad)
			return -EBADMSG;
		if (!counts(m, a.type))
			continue;
		if (m->n_attrs == STUN_ATTRS_MAX)
			return -E2BIG;
		m->attrs[m->n_attrs++] = a;
	}
	return 0;
}

int stun_parse(struct stun_msg *ret, struct str datagram)
{
	struct stun_msg m = { .raw = datagram };
	struct rd r = rd_of(bytes_of(datagram));
	if (!stun_looks_like(datagram))
		return -EBADMSG;
	if (datagram.len > STUN_READ_MAX)
		return -E2BIG;
	m.type = rd_u16(&r);
	m.class = (uint8_t)((m.type >> 7 & 2) | (m.type >> 4 & 1));
	m.method = (uint16_t)((m.type >> 2 & 0x80) | (m.type >> 1 & 0x70) | (m.type & 0xf));
	(void)rd_take(&r, ID_AT - LEN_AT);
	m.id = rd_take(&r, STUN_ID_LEN).p;
	int e = get_attrs(&m, &r);
	if (e == 0)
		*ret = m;
	return e;
}

static const struct stun_attr *find(const struct stun_msg *m, uint16_t type)
{
	for (unsigned i = 0; i < m->n_attrs; i++)
		if (m->attrs[i].type == type)
			return &m->attrs[i];
	return NULL;
}

bool stun_attr(const struct stun_msg *m, uint16_t type, struct str *ret)
{
	const struct stun_attr *a = find(m, type);
	if (a)
		*ret = str_sub(m->raw, a->at, a->len);
	return a != NULL;
}

bool stun_next(const struct stun_msg *m, uint16_t type, unsigned *at, struct str *ret)
{
	while (*at < m->n_attrs) {
		const struct stun_attr *a = &m->attrs[(*at)++];
		if (a->type == type) {
			*ret = str_sub(m->raw, a->at, a->len);
			return true;
		}
	}
	return false;
}

bool stun_attr_text(const struct stun_msg *m, uint16_t type, struct str *ret)
{
	bool found = stun_attr(m, type, ret);
	if (found)
		*ret = stun_without_zeros(*ret);
	return found;
}

/* A reader on the value; empty and bad if there is none. */
static struct rd reader(const struct stun_msg *m, uint16_t type)
{
	struct str value = { m->raw.p, 0 };
	bool found = stun_attr(m, type, &value);
	struct rd r = rd_of(bytes_of(value));
	r.bad = !found;
	return r;
}

bool stun_attr_u32(const struct stun_msg *m, uint16_t type, uint32_t *ret)
{
	struct rd r = reader(m, type);
	uint32_t v = rd_u32(&r);
	if (r.bad || rd_left(&r) > 0)
		return false;
	*ret = v;
	return true;
}

bool stun_attr_u64(const struct stun_msg *m, uint16_t type, uint64_t *ret)
{
	struct rd r = reader(m, type);
	uint64_t v = rd_u64(&r);
	if (r.bad || rd_left(&r) > 0)
		return false;
	*ret = v;
	return true;
}

/* What addresses are XORed with: the cookie and the id. */
static const uint8_t *mask_of(const struct stun_msg *m)
{
	return (const uint8_t *)m->raw.p + COOKIE_AT;
}

bool stun_attr_addr(const struct stun_msg *m, uint16_t type, struct addr *ret)
{
	struct str value;
	return stun_attr(m, type, &value) && stun_addr_get(ret, bytes_of(value), mask_of(m));
}

bool stun_attr_plain_addr(const struct stun_msg *m, uint16_t type, struct addr *ret)
{
	struct str value;
	return stun_attr(m, type, &value) && stun_addr_get(ret, bytes_of(value), NULL);
}

int stun_next_addr(const struct stun_msg *m, uint16_t type, unsigned *at, struct addr *ret)
{
	struct str value;
	if (!stun_next(m, type, at, &value))
		return 0;
	return stun_addr_get(ret, bytes_of(value), mask_of(m)) ? 1 : -EBADMSG;
}

bool stun_attr_error(const struct stun_msg *m, unsigned *ret_code, struct str *ret_reason)
{
	struct str value;
	return stun_attr(m, STUN_ERROR_CODE, &value) &&
	       stun_error_get(ret_code, ret_reason, bytes_of(value));
}

bool stun_is_signed(const struct stun_msg *m, enum stun_dialect d, struct str key)
{
	const struct stun_attr *a = find(m, STUN_MESSAGE_INTEGRITY);
	uint8_t mac[STUN_MAC_LEN];
	if (!a || a->len != STUN_MAC_LEN || !key.p)
		return false;
	struct str text = str_sub(m->raw, 0, a->at - ATTR_HEADER_LEN);
	hash(mac, text, m->raw.len - STUN_HEADER_LEN, d, key);
	return same_secret(mac, m->raw.p + a->at, STUN_MAC_LEN);
}

bool stun_has_fingerprint(const struct stun_msg *m)
{
	const struct stun_attr *a = find(m, STUN_FINGERPRINT);
	uint32_t v;
	return a && a->at + (size_t)CRC_LEN == m->raw.len &&
	       stun_attr_u32(m, STUN_FINGERPRINT, &v) &&
	       v == fingerprint(str_sub(m->raw, 0, a->at - ATTR_HEADER_LEN));
}

static bool is_one_of(uint16_t type, const uint16_t *known, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (known[i] == type)
			return true;
	return false;
}

size_t stun_unknown(const struct stun_msg *m, const uint16_t *known, size_t n, uint16_t *ret,
                    size_t max)
{
	size_t found = 0;
	for (unsigned i = 0; i < m->n_attrs && found < max; i++) {
		uint16_t type = m->attrs[i].type;
		if (type < COMPREHENSION_OPTIONAL && !is_one_of(type, known, n))
			ret[found++] = type;
	}
	return found;
}

/* --- writing ------------------------------------------------------------------------- */

/* Room for n more bytes, which are counted in the header; NULL: full. */
static uint8_t *more(struct stun_out *o, size_t n)
{
	o->full |= n > sizeof(o->bytes) - o->len;
	if (o->full)
		return NULL;
	uint8_t *p = o->bytes + o->len;
	o->len += n;
	stun_set_u16(o->bytes + LEN_AT, o->len - STUN_HEADER_LEN);
	return p;
}

void stun_begin(struct stun_out *o, enum stun_class class, uint16_t method,
                const uint8_t id[STUN_ID_LEN])
{
	assert(method <= 0xff);
	size_t type = (class & 2) << 7 | (class & 1) << 4;
	type |= (method & 0x80) << 2 | (method & 0x70) << 1 | (method & 0xf);
	o->len = STUN_HEADER_LEN;
	o->full = false;
	stun_set_u16(o->bytes, type);
	stun_set_u16(o->bytes + LEN_AT, 0);
	memcpy(o->bytes + COOKIE_AT, cookie, sizeof(cookie));
	memcpy(o->bytes + ID_AT, id, STUN_ID_LEN);
}

/* An attribute of zeros; the value is for the caller to fill.  NULL: full. */
static uint8_t *put_attr(struct stun_out *o, uint16_t type, size_t len)
{
	uint8_t *p =
	        len <= sizeof(o->bytes) ? more(o, ATTR_HEADER_LEN + len + stun_padding(len)) : NULL;
	if (!p) {
		o->full = true;
		return NULL;
	}
	stun_set_u16(p, type);
	stun_set_u16(p + 2, len);
	memset(p + ATTR_HEADER_LEN, 0, len + stun_padding(len));
	return p + ATTR_HEADER_LEN;
}

void stun_put(struct stun_out *o, uint16_t type, struct str value)
{
	uint8_t *p = put_attr(o, type, value.len);
	if (p && value.len > 0)
		memcpy(p, value.p, value.len);
}

void stun_put_u32(struct stun_out *o, uint16_t type, uint32_t value)
{
	value = htobe32(value);
	stun_put(o, type, str_n((const char *)&value, sizeof(value)));
}

void stun_put_u64(struct stun_out *o, uint16_t type, uint64_t value)
{
	value = htobe64(value);
	stun_put(o, type, str_n((const char *)&value, sizeof(value)));
}

void stun_put_xor_addr(struct stun_out *o, uint16_t type, const struct addr *a)
{
	uint8_t value[STUN_ADDR_MAX];
	size_t n = stun_addr_set(value, a, o->bytes + COOKIE_AT);
	stun_put(o, type, str_n((const char *)value, n));
}

void stun_put_plain_addr(struct stun_out *o, uint16_t type, const struct addr *a)
{
	uint8_t value[STUN_ADDR_MAX];
	size_t n = stun_addr_set(value, a, NULL);
	stun_put(o, type, str_n((const char *)value, n));
}

void stun_put_unknown(struct stun_out *o, const uint16_t *types, size_t n)
{
	uint8_t *p = n <= STUN_ATTRS_MAX ? put_attr(o, STUN_UNKNOWN_ATTRIBUTES, 2 * n) : NULL;
	assert(n <= STUN_ATTRS_MAX);
	for (size_t i = 0; p && i < n; i++)
		stun_set_u16(p + 2 * i, types[i]);
}

void stun_put_error(struct stun_out *o, unsigned code, struct str reason)
{
	assert(code >= CODE_MIN && code <= CODE_MAX);
	uint8_t *p = put_attr(o, STUN_ERROR_CODE, 4 + reason.len);
	if (!p)
		return;
	p[2] = (uint8_t)(code / 100);
	p[3] = (uint8_t)(code % 100);
	if (reason.len > 0)
		memcpy(p + 4, reason.p, reason.len);
}

/* Makes the padding of each value a part of it. */
static void count_padding(struct stun_out *o)
{
	for (size_t at = STUN_HEADER_LEN; at < o->len;) {
		size_t len = stun_get_u16(o->bytes + at + 2);
		len += stun_padding(len);
		stun_set_u16(o->bytes + at + 2, len);
		at += ATTR_HEADER_LEN + len;
	}
}

static void put_integrity(struct stun_out *o, enum stun_dialect d, struct str key)
{
	struct str text = stun_text(o);
	uint8_t *mac = put_attr(o, STUN_MESSAGE_INTEGRITY, STUN_MAC_LEN);
	size_t len = o->len + ATTR_HEADER_LEN + CRC_LEN - STUN_HEADER_LEN;
	if (mac)
		hash(mac, text, len, d, key);
}

void stun_end(struct stun_out *o, enum stun_dialect d, struct str key)
{
	if (d == STUN_LYNC)
		count_padding(o);
	if (key.p)
		put_integrity(o, d, key);
	size_t n = o->len;
	uint8_t *p = put_attr(o, STUN_FINGERPRINT, CRC_LEN);
	if (!p)
		return;
	uint32_t crc = htobe32(fingerprint(str_n((const char *)o->bytes, n)));
	memcpy(p, &crc, sizeof(crc));
}
