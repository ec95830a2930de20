/* The client of the accounts link: what other roles ask of the accounts process (design section 3).
 *
 * Reconnects by itself (accounts_link_up); while the link is down requests wait up to
 * ACCOUNTS_WAIT_S and then fail with -ETIMEDOUT.  Keeps a bounded cache of user records, kept right
 * by the change feed. */
#pragma once

#include "base/addr.h"
#include "loop/loop.h"

enum { ACCOUNTS_WAIT_S = 5, ACCOUNTS_CACHE_MAX = 200000 };

struct accounts; /* opaque */

/* A user as other roles see it: no secret in it. */
struct account {
	uint64_t id;          /* never reused */
	uint64_t change;      /* change number of the row */
	bool disabled;
	struct str uri;       /* AOR without scheme, lower case: "alice@example.test" */
	struct str display_name, email, phone /* E.164 "+..." or empty */, extension;
	struct str department, title, manager;
	bool ntlm;            /* has an NT hash (policy) */
	bool sha256_only;     /* Digest by SHA-256 instead of MD5 */
	uint32_t max_endpoints; /* 0: the policy's */
};

enum accounts_event {
	ACCOUNTS_CHANGED,  /* data changed; sign-ins stay */
	ACCOUNTS_PASSWORD, /* a credential was changed or revoked: sessions made with it must go */
	ACCOUNTS_DISABLED, /* disabled or removed: kick at once */
	ACCOUNTS_LOST,     /* the link broke; all cached state may be stale until ACCOUNTS_BACK */
	ACCOUNTS_BACK,
};
/* account id 0 for LOST and BACK; credential 0: all of the account's. */
typedef void accounts_event_fn(void *arg, enum accounts_event ev, uint64_t account,
			       uint64_t credential);

struct accounts *accounts_new(struct loop *l, int link_fd, accounts_event_fn *fn, void *arg);
void accounts_free(struct accounts **ap);
void accounts_link_up(struct accounts *a, int link_fd);

/* A request under way; freeing it cancels. */
struct accounts_req;
void accounts_req_free(struct accounts_req **rp);

/* By "alice@example.test", "+4930123" or an extension.  err: 0; -ENOENT; -ETIMEDOUT.  The record is
 * valid during the call.  Never called back from inside. */
typedef void accounts_lookup_fn(void *arg, int err, const struct account *acc);
struct accounts_req *accounts_lookup(struct accounts *a, struct str key, accounts_lookup_fn *fn,
				     void *arg);
/* The cached record at once, or NULL if it must be asked for.  A cached "there is none" is
 * *ret_absent = true. Valid until the next turn. */
const struct account *accounts_cached(struct accounts *a, struct str key, bool *ret_absent);

enum accounts_mech { ACCOUNTS_DIGEST_MD5, ACCOUNTS_DIGEST_SHA256, ACCOUNTS_FAKE_FOURLEG };
enum accounts_verdict {
	ACCOUNTS_ACCEPT,
	ACCOUNTS_REFUSE,   /* wrong name or password: looks the same */
	ACCOUNTS_SLOW,     /* too many failures: try again in retry_s */
	ACCOUNTS_CONTINUE, /* another leg: blob is the challenge */
	ACCOUNTS_FAILED,   /* link down or store broken */
};
struct accounts_auth {
	enum accounts_verdict verdict;
	uint64_t account;     /* of ACCEPT */
	uint64_t credential;  /* which password (account's or a device's) was used */
	struct str uri;       /* of ACCEPT: canonical AOR without scheme */
	struct bytes key;     /* ACCEPT: session key; for Digest the HA1 (16 or 32 bytes) */
	struct bytes blob;    /* CONTINUE */
	uint32_t retry_s;
};
typedef void accounts_auth_fn(void *arg, const struct accounts_auth *r);

/* One leg.  For Digest `blob` holds what the check needs (auth/digest.h encodes it).  `peer` is the
 * client's address, for the failure counters.  session: 0 for a first leg, else the value of the
 * first CONTINUE's (mechanisms with several legs). */
struct accounts_req *accounts_auth(struct accounts *a, enum accounts_mech mech, struct str user,
				   struct bytes blob, const struct addr *peer,
				   accounts_auth_fn *fn, void *arg);
/* Tells of a success that was decided here with a session key, so that the address counts as known. */
