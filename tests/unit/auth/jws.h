/* Signed tokens for tests: keys of libcjose's own making, and what they sign. */
#pragma once

#include <stdlib.h>

#include <cjose/cjose.h>

#include "base/buf.h"

static inline void jws_must(bool ok)
{
	if (!ok)
		abort();
}

static inline cjose_jwk_t *jws_key(bool rsa, size_t rsa_bits, const char *kid)
{
	static const uint8_t exponent[] = { 1, 0, 1 };
	cjose_err err;
	cjose_jwk_t *k =
	        rsa ? cjose_jwk_create_RSA_random(rsa_bits, exponent, sizeof(exponent), &err)
	            : cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &err);
	jws_must(k && cjose_jwk_set_kid(k, kid, strlen(kid), &err));
	return k;
}

/* Appends its public part. */
static inline void jws_put_key(struct buf *b, cjose_jwk_t *k)
{
	cjose_err err;
	char *json = cjose_jwk_to_json(k, false, &err);
	jws_must(json != NULL);
	buf_str(b, str_of(json));
	free(json);
}

/* Appends a token of that key. */
static inline void jws_put(struct buf *b, cjose_jwk_t *k, const char *alg, const char *kid,
                           struct str claims)
{
	cjose_err err;
	const char *text = NULL;
	cjose_header_t *head = cjose_header_new(&err);
	jws_must(head && cjose_header_set(head, CJOSE_HDR_ALG, alg, &err));
	jws_must(!kid || cjose_header_set(head, CJOSE_HDR_KID, kid, &err));
	cjose_jws_t *jws = cjose_jws_sign(k, head, (const uint8_t *)claims.p, claims.len, &err);
	jws_must(jws && cjose_jws_export(jws, &text, &err));
	buf_str(b, str_of(text));
	cjose_jws_release(jws);
	cjose_header_release(head);
}
