#include "wire/turn/msturn.h"

#include <assert.h>
#include <errno.h>

#include "base/rd.h"

enum { LEN_AT = 2, ID_AT = 4, ATTR_HEADER_LEN = 4 };
enum { COMPREHENSION_OPTIONAL = 0x8000 };
enum { CODE_MIN = 300, CODE_MAX = 699 };
enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 };
static const uint32_t cookie = 0x72c64bc6;

/* --- reading ------------------------------------------------------------------------- */

static bool ends_signed(const struct msturn_msg *m)
{
	return m->n_attrs > 0 && m->attrs[m->n_attrs - 1].type == MSTURN_MESSAGE_INTEGRITY;
}

static int get_attrs(struct msturn_msg *m, struct rd *r)
{
	while (rd_left(r) > 0) {
		struct msturn_attr a = { .type = rd_u16(r), .len = rd_u16(r) };
		a.at = (uint16_t)(m->raw.len - rd_left(r));
		(void)rd_take(r, a.len);
		if (r->bad)
			return -EBADMSG;
		if (ends_signed(m))
			continue;
		if (m->n_attrs == MSTURN_ATTRS_MAX)
			return -E2BIG;
		m->attrs[m->n_attrs++] = a;
	}
	return 0;
}

static bool begins_with_cookie(const struct msturn_msg *m)
{
	uint32_t v;
	return m->n_attrs > 0 && m->attrs[0].type == MSTURN_MAGIC_COOKIE &&
	       msturn_attr_u32(m, MSTURN_MAGIC_COOKIE, &v) && v == cookie;
}

int msturn_parse(struct msturn_msg *ret, struct str message)
{
	struct msturn_msg m = { .raw = message };
	struct rd r = rd_of(bytes_of(message));
	m.type = rd_u16(&r);
	size_t len = rd_u16(&r);
	m.id = rd_take(&r, MSTURN_ID_LEN).p;
	if (r.bad || m.type >> 14 != 0 || len != rd_left(&r))
		return -EBADMSG;
	if (message.len > MSTURN_READ_MAX)
		return -E2BIG;
	int e = get_attrs(&m, &r);
	if (e < 0)
		return e;
	if (!begins_with_cookie(&m))
		return -EBADMSG;
	*ret = m;
	return 0;
}

static const struct msturn_attr *find(const struct msturn_msg *m, uint16_t type)
{
	for (unsigned i = 0; i < m->n_attrs; i++)
		if (m->attrs[i].type == type)
			return &m->attrs[i];
	return NULL;
}

bool msturn_attr(const struct msturn_msg *m, uint16_t type, struct str *ret)
{
	const struct msturn_attr *a = find(m, type);
	if (a)
		*ret = str_sub(m->raw, a->at, a->len);
	return a != NULL;
}

/* A reader on the value if it has that length; else empty and bad. */
static struct rd reader(const struct msturn_msg *m, uint16_t type, size_t len)
{
	struct str value = { m->raw.p, 0 };
	bool fits = msturn_attr(m, type, &value) && value.len == len;
	struct rd r = rd_of(bytes_of(fits ? value : (struct str){ m->raw.p, 0 }));
	r.bad = !fits;
	return r;
}

bool msturn_attr_u32(const struct msturn_msg *m, uint16_t type, uint32_t *ret)
{
	struct rd r = reader(m, type, 4);
	uint32_t v = rd_u32(&r);
	if (!r.bad)
		*ret = v;
	return !r.bad;
}

bool msturn_attr_addr(const struct msturn_msg *m, uint16_t type, struct addr *ret)
{
	struct str value;
	return msturn_attr(m, type, &value) && stun_addr_get(ret, bytes_of(value), NULL);
}

bool msturn_attr_xor_addr(const struct msturn_msg *m, uint16_t type, struct addr *ret)
{
	struct str value;
	return msturn_attr(m, type, &value) && stun_addr_get(ret, bytes_of(value), m->id);
}

bool msturn_attr_error(const struct msturn_msg *m, unsigned *ret_code, struct str *ret_reason)
{
	struct str value;
	return msturn_attr(m, MSTURN_ERROR_CODE, &value) &&
	       stun_error_get(ret_code, ret_reason, bytes_of(value));
}

bool msturn_attr_family(const struct msturn_msg *m, int *ret)
{
	struct rd r = reader(m, MSTURN_REQUESTED_ADDRESS_FAMILY, 4);
	uint8_t family = rd_u8(&r);
	if (r.bad || (family != FAMILY_IPV4 && family != FAMILY_IPV6))
		return false;
	*ret = family == FAMILY_IPV4 ? AF_INET : AF_INET6;
	return true;
}

bool msturn_attr_sequence(const struct msturn_msg *m, struct msturn_sequence *ret)
{
	struct rd r = reader(m, MSTURN_SEQUENCE_NUMBER, MSTURN_CONNECTION_LEN + 4);
	struct bytes connection = rd_take(&r, MSTURN_CONNECTION_LEN);
	uint32_t number = rd_u32(&r);
	if (r.bad)
		return false;
	memcpy(ret->connection, connection.p, MSTURN_CONNECTION_LEN);
	ret->number = number;
	return true;
}

bool msturn_attr_service(const struct msturn_msg *m, struct msturn_service *ret)
{
	struct rd r = reader(m, MSTURN_SERVICE_QUALITY, 4);
	unsigned stream = rd_u16(&r), quality = rd_u16(&r);
	if (r.bad || stream < MSTURN_AUDIO || stream > MSTURN_DATA_STREAM ||
	    quality > MSTURN_RELIABLE)
		return false;
	ret->stream = (enum msturn_stream)stream;
	ret->quality = (enum msturn_quality)quality;
	return true;
}

static struct str key_text(const uint8_t key[STUN_KEY_LEN])
{
	return str_n((const char *)key, STUN_KEY_LEN);
}

bool msturn_is_signed(const struct msturn_msg *m, const uint8_t key[STUN_KEY_LEN])
{
	const struct msturn_attr *a = find(m, MSTURN_MESSAGE_INTEGRITY);
	uint8_t mac[STUN_MAC_LEN];
	if (!a || a->len != STUN_MAC_LEN)
		return false;
	struct str text = str_sub(m->raw, 0, a->at - ATTR_HEADER_LEN);
	stun_mac(mac, text, m->raw.len - MSTURN_HEADER_LEN, true, key_text(key));
	return same_secret(mac, m->raw.p + a->at, STUN_MAC_LEN);
}

static bool is_known(uint16_t type)
{
	/* clang-format off */
	static const uint16_t known[] = {
		MSTURN_MAPPED_ADDRESS, MSTURN_USERNAME, MSTURN_MESSAGE_INTEGRITY,
		MSTURN_ERROR_CODE, MSTURN_UNKNOWN_ATTRIBUTES, MSTURN_LIFETIME,
		MSTURN_ALTERNATE_SERVER, MSTURN_MAGIC_COOKIE, MSTURN_BANDWIDTH,
		MSTURN_DESTINATION_ADDRESS, MSTURN_REMOTE_ADDRESS, MSTURN_DATA,
		MSTURN_NONCE, MSTURN_REALM, MSTURN_REQUESTED_ADDRESS_FAMILY,
	};
	/* clang-format on */
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i] == type)
			return true;
	return false;
}

size_t msturn_unknown(const struct msturn_msg *m, uint16_t *ret, size_t max)
{
	size_t found = 0;
	for (unsigned i = 0; i < m->n_attrs && found < max; i++) {
		uint16_t type = m->attrs[i].type;
		if (type < COMPREHENSION_OPTIONAL && !is_known(type))
			ret[found++] = type;
	}
	return found;
}

/* --- writing ------------------------------------------------------------------------- */

void msturn_begin(struct msturn_out *o, enum msturn_type type, const uint8_t id[MSTURN_ID_LEN])
{
	o->len = MSTURN_HEADER_LEN;
	o->full = false;
	stun_set_u16(o->bytes, type);
	stun_set_u16(o->bytes + LEN_AT, 0);
	memcpy(o->bytes + ID_AT, id, MSTURN_ID_LEN);
	msturn_put_u32(o, MSTURN_MAGIC_COOKIE, cookie);
}

/* Type and length of an attribute; returns where its value stands. */
static uint8_t *put_head(uint8_t *p, size_t type, size_t len)
{
	stun_set_u16(p, type);
	stun_set_u16(p + 2, len);
	return p + ATTR_HEADER_LEN;
}

/* The value is for the caller to fill.  NULL: full. */
static uint8_t *put_attr(struct msturn_out *o, uint16_t type, size_t len)
{
	size_t room = sizeof(o->bytes) - o->len;
	o->full |= room < ATTR_HEADER_LEN || len > room - ATTR_HEADER_LEN;
	if (o->full)
		return NULL;
	uint8_t *value = put_head(o->bytes + o->len, type, len);
	o->len += ATTR_HEADER_LEN + len;
	stun_set_u16(o->bytes + LEN_AT, o->len - MSTURN_HEADER_LEN);
	return value;
}

void msturn_put(struct msturn_out *o, uint16_t type, struct str value)
{
	uint8_t *p = put_attr(o, type, value.len);
	if (p && value.len > 0)
		memcpy(p, value.p, value.len);
}

void msturn_put_u32(struct msturn_out *o, uint16_t type, uint32_t value)
{
	value = htobe32(value);
	msturn_put(o, type, str_n((const char *)&value, sizeof(value)));
}

void msturn_put_addr(struct msturn_out *o, uint16_t type, const struct addr *a)
{
	uint8_t value[STUN_ADDR_MAX];
	size_t n = stun_addr_set(value, a, NULL);
	msturn_put(o, type, str_n((const char *)value, n));
}

void msturn_put_xor_addr(struct msturn_out *o, uint16_t type, const struct addr *a)
{
	uint8_t value[STUN_ADDR_MAX];
	size_t n = stun_addr_set(value, a, o->bytes + ID_AT);
	msturn_put(o, type, str_n((const char *)value, n));
}

void msturn_put_error(struct msturn_out *o, unsigned code, struct str reason)
{
	assert(code >= CODE_MIN && code <= CODE_MAX);
	o->full |= reason.len > sizeof(o->bytes);
	uint8_t *p = o->full ? NULL : put_attr(o, MSTURN_ERROR_CODE, 4 + reason.len);
	if (!p)
		return;
	stun_set_u16(p, 0);
	p[2] = (uint8_t)(code / 100);
	p[3] = (uint8_t)(code % 100);
	if (reason.len > 0)
		memcpy(p + 4, reason.p, reason.len);
}

void msturn_put_sequence(struct msturn_out *o, const struct msturn_sequence *s)
{
	uint32_t number = htobe32(s->number);
	uint8_t *p = put_attr(o, MSTURN_SEQUENCE_NUMBER, MSTURN_CONNECTION_LEN + sizeof(number));
	if (!p)
		return;
	memcpy(p, s->connection, MSTURN_CONNECTION_LEN);
	memcpy(p + MSTURN_CONNECTION_LEN, &number, sizeof(number));
}

void msturn_sign(struct msturn_out *o, const uint8_t key[STUN_KEY_LEN])
{
	struct str text = msturn_text(o);
	uint8_t *mac = put_attr(o, MSTURN_MESSAGE_INTEGRITY, STUN_MAC_LEN);
	if (mac)
		stun_mac(mac, text, o->len - MSTURN_HEADER_LEN, true, key_text(key));
}

/* --- answers ------------------------------------------------------------------------- */

struct str msturn_reason(unsigned code)
{
	/* clang-format off */
	static const struct { unsigned code; struct str text; } reasons[] = {
		{ 401, STR_INIT("Unauthorized") },
		{ 431, STR_INIT("Integrity Check Failure") },
		{ 432, STR_INIT("Missing Username") },
		{ 434, STR_INIT("Missing Realm") },
		{ 435, STR_INIT("Missing Nonce") },
		{ 436, STR_INIT("Unknown User") },
	};
	/* clang-format on */
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].code == code)
			return reasons[i].text;
	return stun_reason(code);
}

static void put_challenge(struct msturn_out *o, const struct msturn_challenge *c)
{
	o->full |= c->realm.len > MSTURN_TEXT_MAX || c->nonce.len > MSTURN_TEXT_MAX;
	if (c->realm.len > 0)
		msturn_put(o, MSTURN_REALM, c->realm);
	if (c->nonce.len > 0)
		msturn_put(o, MSTURN_NONCE, c->nonce);
}

void msturn_allocated(struct msturn_out *o, const uint8_t id[MSTURN_ID_LEN],
                      const struct msturn_allocation *a, const uint8_t *key)
{
	msturn_begin(o, MSTURN_ALLOCATE_SUCCESS, id);
	msturn_put_addr(o, MSTURN_MAPPED_ADDRESS, &a->relayed);
	msturn_put_xor_addr(o, MSTURN_XOR_MAPPED_ADDRESS, &a->mapped);
	if (a->alternate)
		msturn_put_addr(o, MSTURN_ALTERNATE_MAPPED_ADDRESS, a->alternate);
	msturn_put_u32(o, MSTURN_LIFETIME, a->lifetime_s);
	if (a->bandwidth_kbps > 0)
		msturn_put_u32(o, MSTURN_BANDWIDTH, a->bandwidth_kbps);
	msturn_put_u32(o, MSTURN_VERSION, a->version);
	msturn_put_sequence(o, &a->sequence);
	put_challenge(o, &a->challenge);
	if (key)
		msturn_sign(o, key);
}

void msturn_activated(struct msturn_out *o, const uint8_t id[MSTURN_ID_LEN],
                      const struct msturn_sequence *s, const uint8_t *key)
{
	msturn_begin(o, MSTURN_SET_ACTIVE_SUCCESS, id);
	msturn_put_sequence(o, s);
	if (key)
		msturn_sign(o, key);
}

static void put_unknown(struct msturn_out *o, const struct msturn_refusal *r)
{
	assert(r->n_unknown <= MSTURN_ATTRS_MAX);
	uint8_t *p = put_attr(o, MSTURN_UNKNOWN_ATTRIBUTES, 2 * r->n_unknown);
	for (size_t i = 0; p && i < r->n_unknown; i++)
		stun_set_u16(p + 2 * i, r->unknown[i]);
}

void msturn_refused(struct msturn_out *o, const uint8_t id[MSTURN_ID_LEN],
                    const struct msturn_refusal *r, const uint8_t *key)
{
	msturn_begin(o, r->type, id);
	msturn_put_error(o, r->code, r->reason.len > 0 ? r->reason : msturn_reason(r->code));
	if (r->n_unknown > 0)
		put_unknown(o, r);
	put_challenge(o, &r->challenge);
	if (key)
		msturn_sign(o, key);
}

struct bytes msturn_put_data(uint8_t *payload, size_t len, const struct addr *peer,
                             const uint8_t id[MSTURN_ID_LEN])
{
	uint8_t value[STUN_ADDR_MAX];
	uint32_t be_cookie = htobe32(cookie);
	size_t n = stun_addr_set(value, peer, NULL);
	size_t head = MSTURN_HEADER_LEN + 3 * ATTR_HEADER_LEN + sizeof(be_cookie) + n;
	if (len > MSTURN_READ_MAX - head)
		return (struct bytes){ NULL, 0 };
	uint8_t *start = payload - head, *p = start + MSTURN_HEADER_LEN;
	stun_set_u16(start, MSTURN_DATA_INDICATION);
	stun_set_u16(start + LEN_AT, head + len - MSTURN_HEADER_LEN);
	memcpy(start + ID_AT, id, MSTURN_ID_LEN);
	p = put_head(p, MSTURN_MAGIC_COOKIE, sizeof(be_cookie));
	memcpy(p, &be_cookie, sizeof(be_cookie));
	p = put_head(p + sizeof(be_cookie), MSTURN_REMOTE_ADDRESS, n);
	memcpy(p, value, n);
	p = put_head(p + n, MSTURN_DATA, len);
	assert(p == payload);
	return (struct bytes){ start, head + len };
}
