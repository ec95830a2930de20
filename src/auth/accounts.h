/* The client of the accounts link: what other roles ask of the accounts process (design section 3).
 *
 * Reconnects by itself (accounts_link_up); while the link is down requests wait up to
 * ACCOUNTS_WAIT_S and then fail with -ETIMEDOUT.  Keeps a bounded cache of user records, kept right
 * by the change feed.  The types that both ends share are in wire/accounts/acct.h. */
#pragma once

#include "base/addr.h"
#include "loop/loop.h"
#include "wire/accounts/acct.h"

enum {
	ACCOUNTS_WAIT_S = 5,
	ACCOUNTS_OIDC_WAIT_S = 20,            /* where accounts asks the OpenID provider */
	ACCOUNTS_CACHE_MAX = 200000,          /* records */
	ACCOUNTS_ABSENT_MAX = 10000,          /* keys without a record; peers choose them */
	ACCOUNTS_REQS_MAX = 50000,            /* under way; the next one fails */
	ACCOUNTS_SAID_MAX = 1024 * 1024 + 64, /* bytes of what a command says */
};

struct accounts; /* opaque */

/* account id 0 for LOST and BACK; PASSWORD of account 0: the feed has a gap, anything may have
 * changed.  credential 0: all of the account's; LOGIN_ENDED has a log-in's number there. */
typedef void accounts_event_fn(void *arg, enum accounts_event ev, uint64_t account,
                               uint64_t credential);

/* link_fd: a connected Unix stream socket, taken; -1 if there is none yet.  Functions are called
 * from the loop; they must not free the client. */
struct accounts *accounts_new(struct loop *l, int link_fd, accounts_event_fn *fn, void *arg);
/* Requests under way are not called any more; who asked frees them still. */
void accounts_free(struct accounts **ap);
/* The link was made anew: takes the descriptor, asks again what is open.  Each end of a link is
 * told as ACCOUNTS_LOST; if accounts_is_up() then, this one has taken its place already. */
void accounts_link_up(struct accounts *a, int link_fd);
bool accounts_is_up(const struct accounts *a);
/* A second listener of events, beside accounts_new()'s: sign-in mechanisms that keep keys. */
void accounts_listen(struct accounts *a, accounts_event_fn *fn, void *arg);

/* A request under way; freeing it cancels.  It ends with the call of its function: forget it then,
 * do not free it. */
struct accounts_req;
void accounts_req_free(struct accounts_req **rp);

/* By "alice@example.test", "+4930123" or an extension.  err: 0; -ENOENT; -ETIMEDOUT; -EIO.  The
 * record is valid during the call.  Never called back from inside. */
typedef void accounts_lookup_fn(void *arg, int err, const struct account *acc);
struct accounts_req *accounts_lookup(struct accounts *a, struct str key, accounts_lookup_fn *fn,
                                     void *arg);
/* The cached record at once, or NULL if it must be asked for.  A cached "there is none" is
 * *ret_absent = true.  Valid until the next turn. */
const struct account *accounts_cached(struct accounts *a, struct str key, bool *ret_absent);

/* What a search or a group's members are answered with. */
struct accounts_found {
	int err; /* 0; -ENOENT: no such group; -ETIMEDOUT; -EIO; -EMSGSIZE: outside acct.h's limits
	          */
	const struct acct_person
	        *people; /* in the order of their names, members of their addresses */
	size_t n;
	bool more; /* there are others */
};
/* Valid during the call.  Never called back from inside. */
typedef void accounts_found_fn(void *arg, const struct accounts_found *f);
/* People whom the query means; who is hidden or disabled is not among them. */
struct accounts_req *accounts_search(struct accounts *a, const struct acct_query *q,
                                     accounts_found_fn *fn, void *arg);
/* The members of a distribution group (a record with `group`), by its address; at most `max`, 1 to
 * ACCT_MEMBERS_MAX.  Disabled users are left out. */
struct accounts_req *accounts_members(struct accounts *a, struct str group, uint32_t max,
                                      accounts_found_fn *fn, void *arg);

/* What a user's own matters are answered with.  FAILED: also that the link is down. */
struct accounts_owned {
	struct acct_owned end;
	const struct acct_own_row *rows; /* of DONE */
	size_t n;
};
/* Valid during the call.  Never called back from inside. */
typedef void accounts_owned_fn(void *arg, const struct accounts_owned *o);
/* Asks, or changes, by the ticket of a log-in. */
struct accounts_req *accounts_own(struct accounts *a, const struct acct_own *own,
                                  accounts_owned_fn *fn, void *arg);

/* Where a user is told by push. */
struct accounts_pushed {
	int err; /* 0; -ETIMEDOUT; -EIO */
	const struct acct_push *rows;
	size_t n;
};
/* Valid during the call.  Never called back from inside. */
typedef void accounts_pushed_fn(void *arg, const struct accounts_pushed *p);
struct accounts_req *accounts_pushes(struct accounts *a, uint64_t account, accounts_pushed_fn *fn,
                                     void *arg);
/* Tells that the push service knows one of them no more. */
void accounts_push_gone(struct accounts *a, uint64_t account, uint64_t number);

/* A user's picture, by the name that the record has.  err: 0; -ENOENT: there is none, or another by
 * now; -ETIMEDOUT; -EIO.  bytes is valid during the call.  Never called back from inside. */
typedef void accounts_photo_fn(void *arg, int err, struct bytes bytes);
struct accounts_req *accounts_photo(struct accounts *a, struct str name, accounts_photo_fn *fn,
                                    void *arg);

/* What an administrator's command says: lines of wire/ctl (docs/protocols/web-api.md). */
struct accounts_said {
	bool over;                   /* this was the last call */
	enum acct_own_status status; /* FAILED: also that the link is, or went, down */
	uint32_t retry_s;
	struct str text; /* of a stream: what came meanwhile; else all of it, with the last call */
};
/* Valid during the call.  Never called back from inside; with `over` for the last time. */
typedef void accounts_said_fn(void *arg, const struct accounts_said *said);
/* Has a command done, once: it is not asked again by another link.  It takes the time that it
 * takes; freeing it says that nobody wants to know any more. */
struct accounts_req *accounts_command(struct accounts *a, const struct acct_command *c,
                                      bool streams, accounts_said_fn *fn, void *arg);

/* One leg of a sign-in. */
struct accounts_leg {
	enum accounts_mech mech;
	uint64_t session;        /* 0 for a first leg, else the value of the last CONTINUE */
	struct str user;         /* as the client names it: "alice", "alice@example.test" */
	struct bytes blob;       /* what the mechanism says; Digest: digest_put_blob() */
	const struct addr *peer; /* the client's address, for the failure counters */
	struct str agent;        /* what the client says it is; only of a password's log-in */
	struct str code;         /* likewise, of the second factor */
};
struct accounts_auth {
	enum accounts_verdict verdict;
	uint64_t account;    /* of ACCEPT */
	uint64_t credential; /* which password (account's or a device's) was used */
	uint64_t session;    /* of CONTINUE; of ACCEPT by a log-in: its number */
	struct str uri;      /* of ACCEPT: canonical AOR without scheme */
	struct bytes key;    /* ACCEPT: session key; for Digest the HA1 (16 or 32 bytes) */
	struct bytes blob;   /* CONTINUE: the challenge; for Digest empty: again, by SHA-256;
	                      * ACCEPT of a password's log-in: the ticket */
	uint32_t retry_s;    /* of SLOW */
};
/* Slices are valid during the call; a failure of the link is ACCOUNTS_FAILED. */
typedef void accounts_auth_fn(void *arg, const struct accounts_auth *r);
struct accounts_req *accounts_auth(struct accounts *a, const struct accounts_leg *leg,
                                   accounts_auth_fn *fn, void *arg);
/* Tells of a success that was decided here with a session key, so that the address counts as one
 * from which the user signs in. */
void accounts_known(struct accounts *a, uint64_t account, uint64_t credential,
                    const struct addr *peer);
