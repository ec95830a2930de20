/* Digest as a sign-in mechanism (auth/mech.h).
 *
 * One algorithm in a challenge, never both: there are clients that refuse two (baresip 1.0) and
 * clients that take the first (linphonec).  MD5 is offered unless the listener's policy says
 * SHA-256; a user whose account says so is asked again by SHA-256 once MD5 has proved the password.
 *
 * Keys that the accounts process has accepted are kept for all flows of the process, so that only
 * first sign-ins and wrong passwords ask. */
#pragma once

#include "auth/digest.h"
#include "auth/mech.h"

struct mech_digest; /* the `mech` of the functions below */

/* Answers that wait for the accounts process on one flow; more are turned away for a moment. */
enum { MECH_DIGEST_STEPS_MAX = 100 };

extern const struct auth_mech mech_digest;

/* Borrows both; listens to the events of `accounts`, which must not be called any more when
 * the mechanism is freed.
 * alg: what challenges ask for. */
struct mech_digest *mech_digest_new(struct digest *d, struct accounts *accounts,
                                    enum digest_alg alg);
/* A second one for a listener with another policy: shares the keys of `first`, which must live
 * longer. */
struct mech_digest *mech_digest_share(struct mech_digest *first, enum digest_alg alg);
void mech_digest_free(struct mech_digest **mp);

struct mech_digest_counts {
	uint64_t by_key; /* decided here */
	uint64_t asked;  /* accounts was asked */
	size_t keys;
};
struct mech_digest_counts mech_digest_counts(const struct mech_digest *m);
