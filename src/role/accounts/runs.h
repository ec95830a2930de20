/* Commands of administrators, who give them by the web: lets in, audits, and has `dialtone` do
 * them.
 *
 * The supervisor starts the tool for that (role_env.run_tool), with a socket as its standard input
 * and output, on which wire/ctl is spoken.  So whatever a page does is what the tool does. */
#pragma once

#include "role/role.h"
#include "svc/user/signin.h"

enum {
	RUNS_MAX = 8,      /* under way */
	RUNS_USER_MAX = 4, /* of them, of one administrator */
	RUNS_READ_S = 600, /* the same question of the same log-in is audited once in so long */
	RUNS_READS_KEPT = 256,
};

struct runs; /* opaque */

/* Borrows all. */
struct runs *runs_new(struct role_env *env, struct userdb *db, struct signin *signin);
/* Nobody is told any more; what changes something goes on by itself. */
void runs_free(struct runs **rp);

/* A PART (an empty one when a stream has begun) or, at the end, the COMMANDED; with slices that are
 * valid during the call.  Never called from inside. */
typedef void run_fn(void *arg, const struct acct_msg *m);
/* One command under way; freeing it means that nobody wants to know: what only asks is given up.
 * It ends with the call of its function with COMMANDED: forget it then, do not free it. */
struct run;
void run_free(struct run **rp);
/* An ACCT_COMMAND.  NULL: *ret is the COMMANDED. */
struct run *run_begin(struct runs *rs, const struct acct_msg *req, usec_t now, struct acct_msg *ret,
                      run_fn *fn, void *arg);
/* An account has changed: what it goes on to see, and may not any more, ends. */
void runs_changed(struct runs *rs, const struct userdb_change *c);
/* Commands given so far. */
uint64_t runs_count(const struct runs *rs);
