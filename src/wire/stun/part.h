/* What the dialects of STUN and TURN have in common below their messages: the values of addresses
 * and errors, MESSAGE-INTEGRITY, and the key of a user.  No heap. */
#pragma once

#include "base/addr.h"

enum {
	STUN_ADDR_MAX = 20, /* bytes of an address attribute's value */
	STUN_MASK_LEN = 16, /* what is XORed: the header behind its length field */
	STUN_MAC_LEN = 20,
	STUN_KEY_LEN = 16,
};

/* Lengths and types as messages hold them. */
static inline size_t stun_get_u16(const uint8_t *p)
{
	return (size_t)p[0] << 8 | p[1];
}

static inline void stun_set_u16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* What is missing to a multiple of 4. */
static inline size_t stun_padding(size_t len)
{
	return -len & 3;
}

/* The value of an address attribute, XORed with the mask unless that is NULL (RFC 8489 sections
 * 14.1 and 14.2).  False if it is malformed. */
bool stun_addr_get(struct addr *ret, struct bytes value, const uint8_t *mask);
/* Writes such a value; returns its length, 8 or 20. */
size_t stun_addr_set(uint8_t ret[STUN_ADDR_MAX], const struct addr *a, const uint8_t *mask);
/* The value of ERROR-CODE: false if it is malformed or the code is none of 300 to 699. */
bool stun_error_get(unsigned *ret_code, struct str *ret_reason, struct bytes value);
/* The length of the text without zeros at its end. */
struct str stun_without_zeros(struct str s);
/* HMAC-SHA1 of a message that ends in front of its MESSAGE-INTEGRITY; `len` goes into its length
 * field.  `padded`: zeros up to whole blocks of SHA-1 are hashed too (RFC 3489 section 11.2.8).
 * The text is not copied. */
void stun_mac(uint8_t ret[STUN_MAC_LEN], struct str text, size_t len, bool padded, struct str key);
/* The key of a long-term credential: MD5 of user:realm:password (RFC 8489 section 9.2.2).  The
 * texts are taken as they are: who has Unicode prepares it before (RFC 8265). */
void stun_long_term_key(uint8_t ret[STUN_KEY_LEN], struct str user, struct str realm,
                        struct str password);
/* The reason phrase of an error of STUN, ICE or TURN (RFC 8489, 8445, 8656, 6062); "Error". */
struct str stun_reason(unsigned code);
