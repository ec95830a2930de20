/* Passwords: what is good enough, device passwords, and the slow hash of account passwords. */
#pragma once

#include "base/str.h"

enum {
	PASSWORD_MIN = 8,       /* characters */
	PASSWORD_MAX = 255,     /* bytes */
	PASSWORD_KINDS_MIN = 5, /* different bytes */
	PASSWORD_DEVICE_LEN = 20,
	PASSWORD_HASH_MAX = 128, /* bytes of a hash in text, with its NUL */
};

/* Is it fit for the account `user` (the part before the @)?  -EINVAL, with a sentence for people in
 * *why. */
int password_check(struct str password, struct str user, const char **why) MUST_CHECK;
/* A random one of about 99 bits that can be typed on a telephone: small letters and digits without
 * those that look alike.  Ends with NUL. */
void password_make(char ret[PASSWORD_DEVICE_LEN + 1]);

/* yescrypt of about 20 ms: on a job thread alone.  -EIO: libcrypt refused. */
int password_hash(char ret[PASSWORD_HASH_MAX], struct str password) MUST_CHECK;
/* True if it is the password of this hash; as slow. */
bool password_is(struct str password, const char *hash) MUST_CHECK;
/* What no password is the password of, and as slow to check: for who does not exist.  -EIO. */
int password_decoy(char ret[PASSWORD_HASH_MAX]) MUST_CHECK;
/* MD4 of the UTF-16 text: the NT hash of [MS-NLMP] section 3.3.1.  -EINVAL: not UTF-8. */
int password_nt_hash(uint8_t ret[16], struct str password) MUST_CHECK;
