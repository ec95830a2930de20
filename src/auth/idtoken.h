/* ID tokens of an OpenID provider (OpenID Connect Core 1.0, section 3.1.3.7): are they the
 * provider's, for us, for this sign-in, and still good?
 *
 * A token says itself how it is signed, and anybody can write one: so RS256 and ES256 alone are
 * taken, each with a key of its kind out of the provider's set (RFC 7517); never "none", and none
 * by a secret.  libcjose checks the signature. */
#pragma once

#include "base/buf.h"

enum {
	IDTOKEN_MAX = 64 * 1024,
	IDTOKEN_KEYS_MAX = 64,      /* of a set; others are not looked at */
	IDTOKEN_CHECKS_MAX = 4,     /* keys tried, where the token does not say which */
	IDTOKEN_RSA_MIN = 2048 / 8, /* bytes of a modulus */
	IDTOKEN_RSA_MAX = 8192 / 8,
	IDTOKEN_LEEWAY_S = 60,   /* by which clocks may differ */
	IDTOKEN_AGE_MAX_S = 600, /* since it was issued */
	IDTOKEN_TEXT_MAX = 255,
};

/* What it must say. */
struct idtoken_want {
	struct str issuer, client, nonce;
	int64_t now_s; /* seconds since 1970 */
};

struct idtoken {
	char sub[IDTOKEN_TEXT_MAX + 1];
	char email[IDTOKEN_TEXT_MAX + 1], preferred_username[IDTOKEN_TEXT_MAX + 1]; /* or empty */
	bool email_verified;
	int64_t auth_time; /* when the user showed who is there; 0: it does not say */
};

/* keys: the provider's set, as JSON.  0; -ENOKEY: none of it is the one that the token names, so
 * newer ones may help; -EBADMSG: it is no token, or refused.  Both with a static text for people.
 */
int idtoken_verify(struct idtoken *ret, struct str token, struct str keys,
                   const struct idtoken_want *want, const char **why) MUST_CHECK;
