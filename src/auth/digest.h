/* HTTP Digest for SIP (RFC 3261 section 22, RFC 7616, RFC 8760): challenges, nonces, checking.
 *
 * Nonces carry their time, a realm-bound authenticator and a serial; any process with the pool key
 * checks them, and the process that issued one counts nc. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "wire/sip/msg.h"
#include "wire/sip/uri.h"

enum digest_alg { DIGEST_MD5, DIGEST_SHA256 };
enum { DIGEST_NONCE_LIFE_S = 300, DIGEST_NC_TABLE_MAX = 65536 };

/* What came in an Authorization field; slices of the message. */
struct digest_creds {
	enum digest_alg alg;
	struct str username; /* unescaped copy is the caller's affair; quotes removed */
	struct str realm, nonce, uri, response, cnonce, opaque, nc, qop;
	uint32_t nc_value;   /* 0 without qop */
};
/* -EBADMSG: not Digest or broken; -ENOTSUP: algorithm or qop unknown. */
int digest_parse(struct digest_creds *ret, struct str header_value) MUST_CHECK;

struct digest; /* nonce authority of one process: keys, nc table */
struct digest *digest_new(struct str realm, const uint8_t pool_key[32]);
void digest_free(struct digest **dp);

/* Appends a challenge "Digest realm=..., nonce=..., ..." (without the field name). */
void digest_challenge(struct digest *d, struct buf *b, enum digest_alg alg, bool stale, usec_t now);
enum digest_nonce { DIGEST_FRESH, DIGEST_STALE /* right but old, or nc seen */, DIGEST_FOREIGN };
/* Checks nonce, realm and nc replay; marks nc as used. */
enum digest_nonce digest_check_nonce(struct digest *d, const struct digest_creds *c, usec_t now);

/* The response that the right password would give; compare with same_secret (lower-case hex). */
void digest_response(char ret_hex[64], size_t *ret_len, const struct digest_creds *c,
		     struct str method, const uint8_t *ha1, struct str body);
/* True if the credentials prove knowledge of ha1 (16 bytes for MD5, 32 for SHA-256). */
bool digest_proves(const struct digest_creds *c, struct str method, struct str body,
		   const uint8_t *ha1);
void digest_ha1(uint8_t *ret, enum digest_alg alg, struct str user, struct str realm,
		struct str password);
/* The blob of accounts_auth() for these credentials, and back. */
void digest_put_blob(struct buf *b, const struct digest_creds *c, struct str method,
		     struct str body_hash_hex);
int digest_get_blob(struct digest_creds *ret, struct str *ret_method, struct str *ret_body_hash,
		    struct bytes blob) MUST_CHECK;
