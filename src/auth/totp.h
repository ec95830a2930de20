/* The second factor: one-time passwords by time (RFC 6238 with SHA-1, six digits and steps of 30 s,
 * as all programs for telephones make them), by liboath; and the recovery codes for who has lost
 * the telephone.
 *
 * Pure: the caller keeps the secret and the last step, and brings the time. */
#pragma once

#include "base/buf.h"

enum {
	TOTP_SECRET_LEN = 20,
	TOTP_SECRET_TEXT_LEN = 32, /* of it in base32 */
	TOTP_DIGITS = 6,
	TOTP_STEP_S = 30,
	TOTP_WINDOW = 1,    /* steps that a clock may be off, to either side */
	TOTP_CODE_MAX = 32, /* bytes of what is typed, spaces among them */
	RECOVERY_LEN = 16,  /* letters of a recovery code: 80 bits */
	RECOVERY_TEXT = 19, /* of it with its hyphens: "abcd-efgh-2345-6789" */
	RECOVERY_N = 10,
	RECOVERY_HASH_LEN = 32,
};

/* Once, before all others; -EIO. */
int totp_init(void) MUST_CHECK;
void totp_make_secret(uint8_t ret[TOTP_SECRET_LEN]);
/* The step whose code it is, of those in the window that come after `last`; -EACCES: none.  Takes
 * the same time whichever it is. */
int64_t totp_check(const uint8_t secret[TOTP_SECRET_LEN], struct str code, int64_t now_s,
                   int64_t last) MUST_CHECK;
/* The code of a step. */
void totp_code(char ret[TOTP_DIGITS + 1], const uint8_t secret[TOTP_SECRET_LEN], int64_t step);
void totp_put_secret(struct buf *b, const uint8_t secret[TOTP_SECRET_LEN]);
/* "otpauth://totp/...", which programs for telephones read from a QR code. */
void totp_put_uri(struct buf *b, const uint8_t secret[TOTP_SECRET_LEN], struct str issuer,
                  struct str user);

/* Appends one. */
void recovery_make(struct buf *b);
/* What is kept of one.  Case, spaces and hyphens do not count; -EINVAL: it is no recovery code. The
 * codes are random enough for a fast hash: nobody tries 2^80. */
int recovery_hash(uint8_t ret[RECOVERY_HASH_LEN], uint64_t account, struct str code) MUST_CHECK;
