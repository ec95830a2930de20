#include "wire/stun/part.h"

#include <assert.h>

#include <nettle/hmac.h>
#include <nettle/md5.h>

#include "base/rd.h"

enum { HEADER_LEN = 20, LEN_AT = 2, LEN_END = 4, BLOCK_LEN = 64 };
enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2, ADDR_HEADER_LEN = 4 };
enum { CODE_MIN = 300, CODE_MAX = 699 };

/* --- addresses ----------------------------------------------------------------------- */

/* `from` XOR the mask, or as it is. */
static void mix(uint8_t *to, const uint8_t *from, size_t n, const uint8_t *mask)
{
	for (size_t i = 0; i < n; i++)
		to[i] = mask ? from[i] ^ mask[i] : from[i];
}

bool stun_addr_get(struct addr *ret, struct bytes value, const uint8_t *mask)
{
	struct rd r = rd_of(value);
	(void)rd_u8(&r);
	unsigned family = rd_u8(&r);
	struct bytes port = rd_take(&r, 2), host = rd_take(&r, rd_left(&r));
	uint8_t packed[STUN_MASK_LEN + 2];
	if (r.bad || host.len != (family == FAMILY_IPV4 ? 4 : 16) ||
	    (family != FAMILY_IPV4 && family != FAMILY_IPV6))
		return false;
	mix(packed, host.p, host.len, mask);
	mix(packed + host.len, port.p, port.len, mask);
	return addr_unpack(ret, (struct bytes){ packed, host.len + port.len }) == 0;
}

size_t stun_addr_set(uint8_t ret[STUN_ADDR_MAX], const struct addr *a, const uint8_t *mask)
{
	uint8_t packed[STUN_MASK_LEN + 2];
	size_t n = addr_pack(a, packed) - 2;
	assert(n == 4 || n == 16);
	ret[0] = 0;
	ret[1] = n == 4 ? FAMILY_IPV4 : FAMILY_IPV6;
	mix(ret + 2, packed + n, 2, mask);
	mix(ret + ADDR_HEADER_LEN, packed, n, mask);
	return ADDR_HEADER_LEN + n;
}

/* --- errors -------------------------------------------------------------------------- */

struct str stun_without_zeros(struct str s)
{
	while (s.len > 0 && s.p[s.len - 1] == '\0')
		s.len--;
	return s;
}

bool stun_error_get(unsigned *ret_code, struct str *ret_reason, struct bytes value)
{
	struct rd r = rd_of(value);
	uint32_t v = rd_u32(&r);
	unsigned hundreds = v >> 8 & 7, rest = v & 0xff;
	if (r.bad || hundreds < CODE_MIN / 100 || hundreds > CODE_MAX / 100 || rest > 99)
		return false;
	*ret_code = hundreds * 100 + rest;
	*ret_reason = stun_without_zeros(str_from_bytes(rd_take(&r, rd_left(&r))));
	return true;
}

struct str stun_reason(unsigned code)
{
	/* clang-format off */
	static const struct { unsigned code; struct str text; } reasons[] = {
		{ 300, STR_INIT("Try Alternate") },
		{ 400, STR_INIT("Bad Request") },
		{ 401, STR_INIT("Unauthenticated") },
		{ 403, STR_INIT("Forbidden") },
		{ 420, STR_INIT("Unknown Attribute") },
		{ 437, STR_INIT("Allocation Mismatch") },
		{ 438, STR_INIT("Stale Nonce") },
		{ 440, STR_INIT("Address Family not Supported") },
		{ 441, STR_INIT("Wrong Credentials") },
		{ 442, STR_INIT("Unsupported Transport Protocol") },
		{ 443, STR_INIT("Peer Address Family Mismatch") },
		{ 446, STR_INIT("Connection Already Exists") },
		{ 447, STR_INIT("Connection Timeout or Failure") },
		{ 486, STR_INIT("Allocation Quota Reached") },
		{ 487, STR_INIT("Role Conflict") },
		{ 500, STR_INIT("Server Error") },
		{ 508, STR_INIT("Insufficient Capacity") },
	};
	/* clang-format on */
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].code == code)
			return reasons[i].text;
	return STR("Error");
}

/* --- hashes -------------------------------------------------------------------------- */

void stun_mac(uint8_t ret[STUN_MAC_LEN], struct str text, size_t len, bool padded, struct str key)
{
	static const uint8_t zeros[BLOCK_LEN];
	const uint8_t *p = (const uint8_t *)text.p;
	uint8_t field[2];
	struct hmac_sha1_ctx h;
	assert(text.len >= HEADER_LEN);
	stun_set_u16(field, len);
	hmac_sha1_set_key(&h, key.len, (const uint8_t *)key.p);
	hmac_sha1_update(&h, LEN_AT, p);
	hmac_sha1_update(&h, sizeof(field), field);
	hmac_sha1_update(&h, text.len - LEN_END, p + LEN_END);
	if (padded)
		hmac_sha1_update(&h, -text.len % BLOCK_LEN, zeros);
	hmac_sha1_digest(&h, STUN_MAC_LEN, ret);
}

static void add(struct md5_ctx *h, struct str s)
{
	if (s.len > 0)
		md5_update(h, s.len, (const uint8_t *)s.p);
}

void stun_long_term_key(uint8_t ret[STUN_KEY_LEN], struct str user, struct str realm,
                        struct str password)
{
	struct md5_ctx h;
	md5_init(&h);
	add(&h, user);
	add(&h, STR(":"));
	add(&h, realm);
	add(&h, STR(":"));
	add(&h, password);
	md5_digest(&h, STUN_KEY_LEN, ret);
}
