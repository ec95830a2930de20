/* HTTP Digest for SIP (RFC 3261 section 22, RFC 7616, RFC 8760): challenges, nonces, checking.
 *
 * Pure: the caller brings the time.  `now` is the wall clock here (loop_wall), for nonces are
 * checked by other processes and hosts too.  Nonces carry their time, the process that made them, a
 * serial and an authenticator bound to the realm; any process with the pool key knows a true one,
 * and the process that made it counts its use. */
#pragma once

#include "base/buf.h"

enum digest_alg { DIGEST_MD5, DIGEST_SHA256 };
enum {
	DIGEST_NONCE_LIFE_S = 300,
	DIGEST_NC_TABLE_MAX = 65536, /* nonces whose use is remembered */
	DIGEST_NC_WINDOW = 64,       /* how far nc values may overtake one another */
	DIGEST_VALUE_MAX = 255,      /* bytes of a user name, realm, nonce, cnonce, opaque */
	DIGEST_URI_MAX = 2048,
	DIGEST_HEADER_MAX = 4096, /* bytes of a whole field value */
	DIGEST_PARAMS_MAX = 32,
	DIGEST_HA1_MAX = 32, /* 16 for MD5, 32 for SHA-256 */
	DIGEST_HEX_MAX = 64,
	DIGEST_BLOB_MAX = 2048,
};

/* What came in an Authorization field; slices of the message. */
struct digest_creds {
	enum digest_alg alg;
	struct str username; /* between the quotes, backslashes kept */
	struct str realm, nonce, uri, response, cnonce, opaque, nc, qop;
	uint32_t nc_value;     /* 0 without qop */
	uint64_t nonce_serial; /* set by digest_check_nonce(); 0: not of this process */
};
/* Without qop (RFC 2069 clients) is fine.  -EBADMSG: not Digest, broken, or over the limits above;
 * -ENOTSUP: algorithm or qop unknown. */
int digest_parse(struct digest_creds *ret, struct str header_value) MUST_CHECK;

struct digest; /* nonce authority of one process: keys, nc table */
/* realm: DIGEST_VALUE_MAX bytes at most, without quotes and backslashes. */
struct digest *digest_new(struct str realm, const uint8_t pool_key[32]);
void digest_free(struct digest **dp);
struct str digest_realm(const struct digest *d);

/* Appends a challenge "Digest realm=..., nonce=..., ..." (without the field name). */
void digest_challenge(struct digest *d, struct buf *b, enum digest_alg alg, bool stale, usec_t now);
enum digest_nonce {
	DIGEST_FRESH,
	DIGEST_USED,    /* the same, but with this nc it was used before */
	DIGEST_STALE,   /* ours but old, or made by another process */
	DIGEST_FOREIGN, /* not from us, or for another realm */
};
/* Checks nonce, realm and nc replay.  Marks nothing: that is digest_use_nonce's, so that nobody
 * without a password can fill the table.  Sets c->nonce_serial. */
enum digest_nonce digest_check_nonce(const struct digest *d, struct digest_creds *c, usec_t now);
/* Marks nc_value of the nonce nonce_serial as used, after the proof.  False if it was used
 * meanwhile: stale. */
bool digest_use_nonce(struct digest *d, const struct digest_creds *c) MUST_CHECK;

size_t digest_ha1_len(enum digest_alg alg); /* 16, 32 */
void digest_ha1(uint8_t ret[DIGEST_HA1_MAX], enum digest_alg alg, struct str user, struct str realm,
                struct str password);
/* The hash of method, URI and, for auth-int, body: lower-case hex of twice digest_ha1_len(). */
void digest_ha2(char ret_hex[DIGEST_HEX_MAX], const struct digest_creds *c, struct str method,
                struct str body);
/* The response that the right password gives: lower-case hex, *ret_len digits. */
void digest_response(char ret_hex[DIGEST_HEX_MAX], size_t *ret_len, const struct digest_creds *c,
                     struct str method, const uint8_t *ha1, struct str body);
/* True if the credentials prove knowledge of ha1 (16 bytes for MD5, 32 for SHA-256). */
bool digest_proves(const struct digest_creds *c, struct str method, struct str body,
                   const uint8_t *ha1) MUST_CHECK;
/* The same with a ha2 made before: to try several ha1. */
bool digest_proves_ha2(const struct digest_creds *c, const char *ha2_hex,
                       const uint8_t *ha1) MUST_CHECK;

/* The blob of accounts_auth() for these credentials, and back; ret_ha2 borrows from blob.  The
 * realm and the URI stay behind (realm is the accounts process's own, the URI is in ha2). */
void digest_put_blob(struct buf *b, const struct digest_creds *c, const char *ha2_hex);
int digest_get_blob(struct digest_creds *ret, const char **ret_ha2, struct bytes blob) MUST_CHECK;
