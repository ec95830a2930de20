/* Who has guessed too often: failures are counted for each pair of user and address, and for each
 * address, whether the user exists or not.
 *
 * Ten failures of a pair within ten minutes, or a hundred of an address, make it *slow*: one try in
 * ten seconds, until ten minutes have passed without a failure.  A pair that signed in before is
 * *known*: it is never shut out, its tries are always checked.  All in memory and bounded; when a
 * table is full the entry that was quiet for longest goes.  Pure: the caller brings the time. */
#pragma once

#include "base/addr.h"

enum {
	LOCKOUT_PAIR_FAILURES = 10,
	LOCKOUT_ADDR_FAILURES = 100,
	LOCKOUT_WINDOW_S = 600,
	LOCKOUT_TRY_EVERY_S = 10,
	LOCKOUT_ENTRIES_MAX = 65536, /* pairs; and addresses; of known pairs: known.h */
};

struct lockout; /* opaque */

struct lockout *lockout_new(void);
void lockout_free(struct lockout **lp);

enum lockout_verdict {
	LOCKOUT_CHECK, /* check the password */
	LOCKOUT_KNOWN, /* slow, but a pair that signed in before: check; say slow if it is wrong */
	LOCKOUT_WAIT,  /* do not check */
};
/* Before a try.  WAIT sets *ret_retry_s. */
enum lockout_verdict lockout_before(struct lockout *l, struct str user, const struct addr *peer,
                                    usec_t now, uint32_t *ret_retry_s);
/* After a wrong password: the seconds until the next try is welcome, 0 if at once. */
uint32_t lockout_failure(struct lockout *l, struct str user, const struct addr *peer, usec_t now);
/* After a right one: the pair's failures are forgotten, the pair is known. */
void lockout_success(struct lockout *l, struct str user, const struct addr *peer);
/* Is it one address to the counters? */
bool lockout_same_addr(const struct addr *a, const struct addr *b);
/* Pairs and addresses that are slow now, for metrics. */
size_t lockout_n_slow(const struct lockout *l, usec_t now);
