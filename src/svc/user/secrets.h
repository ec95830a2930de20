/* What is kept of one password: the values that the sign-in schemes check against.  Sealed at rest
 * (auth/seal.h), in the clear only while a try is checked. */
#pragma once

#include "auth/digest.h"
#include "auth/password.h"

/* A client may give "alice" or "alice@example.test" as its user name; Digest hashes the name too.
 */
enum secrets_name { SECRETS_LOCAL, SECRETS_FULL, SECRETS_N_NAMES };
enum { SECRETS_MAX = 512 /* bytes encoded */ };

struct secrets {
	uint8_t md5[SECRETS_N_NAMES][16], sha256[SECRETS_N_NAMES][32];
	bool has_nt;
	uint8_t nt[16];
	char slow_hash[PASSWORD_HASH_MAX]; /* yescrypt; empty for device passwords */
};

/* What is derived, without the slow hash and the NT hash.  uri: "alice@example.test". */
void secrets_derive(struct secrets *ret, struct str uri, struct str realm, struct str password);
/* Which of the names this user name is; -ENOENT for another text. */
int secrets_name_of(enum secrets_name *ret, struct str username, struct str uri) MUST_CHECK;
const uint8_t *secrets_ha1(const struct secrets *s, enum digest_alg alg, enum secrets_name name);

void secrets_put(struct buf *b, const struct secrets *s);
int secrets_get(struct secrets *ret, struct bytes b) MUST_CHECK; /* -EBADMSG */
void secrets_wipe(struct secrets *s);
