/* The decision about one sign-in: reads the user's credentials, checks what the client proved,
 * counts failures (svc/user/lockout.h).
 *
 * A user who does not exist, one who is disabled and a wrong password look the same: same answer,
 * same counting, same number of hashes (the check goes on against decoys).
 *
 * A password itself is checked by the loop's jobs, for its hash is slow.  One try of an address is
 * under way at a time: so the failures before it are counted, and nobody has the threads alone.
 *
 * Where the account has a second factor (factor.h), a password alone proves nothing: it is neither
 * counted as right nor as wrong, and answered that a code is needed.  A wrong code is counted as a
 * wrong password is, and for the account besides. */
#pragma once

#include "svc/oidc/provider.h"
#include "svc/user/lockout.h"
#include "svc/user/userdb.h"

enum {
	SIGNIN_PASSWORDS_MAX = 200, /* decisions under way; another password is SLOW then */
	SIGNIN_REQS_MAX = 400,      /* with log-outs, which passwords do not keep out */
	SIGNIN_ADDR_REQS_MAX = 16,  /* of them, of one address */
	SIGNIN_BUSY_S = 1,          /* when to try again then */
	SIGNIN_OWN_BURST = 40,      /* requests of an account for its own matters at once ... */
	SIGNIN_OWN_EVERY_MS = 250,  /* and then one in so long */
};

struct signin; /* opaque */

/* Borrows the store.  NULL: no decoys could be made, libcrypt refuses. */
struct signin *signin_new(struct userdb *db);
/* Decisions under way are not told any more; who asked frees them before. */
void signin_free(struct signin **sp);

/* A decision under way; freeing it cancels.  It ends with the call of its function: forget it then,
 * do not free it. */
struct signin_req;
void signin_req_free(struct signin_req **rp);
/* The verdict, with slices that are valid during the call.  Never called from inside. */
typedef void signin_fn(void *arg, const struct acct_msg *verdict);

/* Decides about an ACCT_AUTH.  NULL: *ret is the answer (type, id, verdict members), its slices
 * valid until the next call.  Else the answer comes later by fn.  now: monotonic. */
struct signin_req *signin_step(struct signin *s, const struct acct_msg *req, usec_t now,
                               struct acct_msg *ret, signin_fn *fn, void *arg);
/* Does an ACCT_OWN.  NULL: after the rows, which row is called with from inside, *ret is the answer
 * (ACCT_OWNED).  Else that comes later by fn, and there are no rows. */
struct signin_req *signin_own(struct signin *s, const struct acct_msg *req, usec_t now,
                              signin_fn *row, void *row_arg, struct acct_msg *ret, signin_fn *fn,
                              void *arg);
/* Sign-in by the company's OpenID provider from now on; takes it, in place of the one before, whose
 * sign-ins under way end.  NULL: there is none. */
void signin_set_provider(struct signin *s, struct provider *p);
/* Told of each sign-in by it that was refused: word is that of docs/protocols/oidc.md; why, for
 * people, may hold bytes of the provider's or of the browser's. */
typedef void signin_oidc_fn(void *arg, const struct addr *peer, const char *word, struct str why);
void signin_on_oidc_refused(struct signin *s, signin_oidc_fn *fn, void *arg);
/* Who shows the ticket of an administrator.  DONE; SIGNED_OUT; SLOW with *ret_retry_s; NONE: is
 * no administrator; REFUSED: must set up a second factor first; FAILED. */
struct signin_admin {
	uint64_t account, login;
	bool proved;    /* the password was typed lately */
	struct str uri; /* valid until the store is read again */
};
enum acct_own_status signin_admin(struct signin *s, const struct acct_command *c, usec_t now,
                                  struct signin_admin *ret, uint32_t *ret_retry_s);
/* An ACCT_KNOWN: another process saw a right password come from there. */
void signin_known(struct signin *s, const struct acct_msg *m);

struct signin_counts {
	uint64_t accepted, refused, slowed;
	uint64_t checks;              /* secrets opened and hashed against */
	uint64_t tickets, no_tickets; /* shown: good ones, others */
	uint64_t vouched, unvouched;  /* sign-ins by the OpenID provider: good ones, others */
	size_t slow_now, under_way;
};
struct signin_counts signin_counts(const struct signin *s, usec_t now);
