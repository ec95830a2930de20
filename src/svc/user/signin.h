/* The decision about one sign-in: reads the user's credentials, checks what the client proved,
 * counts failures (svc/user/lockout.h).
 *
 * A user who does not exist, one who is disabled and a wrong password look the same: same answer,
 * same counting, same number of hashes (the check goes on against decoys). */
#pragma once

#include "svc/user/lockout.h"
#include "svc/user/userdb.h"

struct signin; /* opaque */

/* Borrows the store. */
struct signin *signin_new(struct userdb *db);
void signin_free(struct signin **sp);

/* Fills the verdict of ret (type and verdict members; id is the caller's) for an ACCT_AUTH.  Its
 * slices are valid until the next call.  now: monotonic. */
void signin_step(struct signin *s, const struct acct_msg *req, usec_t now, struct acct_msg *ret);
/* An ACCT_KNOWN: another process saw a right password come from there. */
void signin_known(struct signin *s, const struct acct_msg *m);

struct signin_counts {
	uint64_t accepted, refused, slowed;
	uint64_t checks; /* secrets opened and hashed against */
	size_t slow_now;
};
struct signin_counts signin_counts(const struct signin *s, usec_t now);
