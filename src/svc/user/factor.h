/* The second factor of accounts: a secret for codes (auth/totp.h), which is sealed and bound to its
 * row, and the hashes of recovery codes.  Rows of the user store, which go with the account.
 *
 * A code is good once: its step is written under the condition that no later one was used, a
 * recovery code is deleted; so of two that come at once, one alone is good. */
#pragma once

#include "auth/totp.h"
#include "svc/user/userdb.h"

enum factor_state {
	FACTOR_NONE,
	FACTOR_BEGUN, /* a secret was made and no code of it seen yet: it counts for nothing */
	FACTOR_ON,
};
struct factor {
	enum factor_state state;
	bool required; /* by the account's policy, or the server's */
	int64_t step;  /* the last one used */
	uint8_t secret[TOTP_SECRET_LEN];
	unsigned recovery; /* codes that are left */
};

/* Wipe it after use.  -ENOENT: no such account; -EBADMSG: it does not open; -EIO. */
int factor_read(struct userdb *db, uint64_t account, struct factor *ret) MUST_CHECK;
/* Must the account have one, and has none?  -ENOENT, -EIO. */
int factor_is_missing(struct userdb *db, uint64_t account, bool *ret) MUST_CHECK;

/* Makes a secret in the place of one that was begun.  -EEXIST: one is on. */
void factor_begin(struct userdb *db, uint64_t account, uint8_t ret_secret[TOTP_SECRET_LEN],
                  userdb_done_fn *done, void *arg);
/* The recovery codes are appended to *ret_codes at once, with a space between, in place of those
 * there were; good when done is called with 0. */
void factor_confirm(struct userdb *db, uint64_t account, int64_t step, struct buf *ret_codes,
                    userdb_done_fn *done, void *arg);
void factor_renew(struct userdb *db, uint64_t account, struct buf *ret_codes, userdb_done_fn *done,
                  void *arg);
/* -ENOENT: the step, or a later one, was used before; there is no such recovery code. */
void factor_use(struct userdb *db, uint64_t account, int64_t step, userdb_done_fn *done, void *arg);
void factor_use_recovery(struct userdb *db, uint64_t account, const uint8_t hash[RECOVERY_HASH_LEN],
                         userdb_done_fn *done, void *arg);
/* -ENOENT: there was none. */
void factor_end(struct userdb *db, uint64_t account, userdb_done_fn *done, void *arg);
