/* What signin.c (users, counting, the verdict) and the schemes share. */
#pragma once

#include "auth/ntlm.h"
#include "base/list.h"
#include "svc/oidc/flow.h"
#include "svc/oidc/provider.h"
#include "svc/user/factor.h"
#include "svc/user/logins.h"
#include "svc/user/signin.h"
#include "svc/user/tokens.h"

enum { SIGNIN_KEY_MAX = DIGEST_HA1_MAX, SIGNIN_PACES = 1024 };

struct signin_scheme;

/* One try at the credentials of one user. */
struct trial {
	struct signin *s;
	const struct signin_scheme *scheme;
	union {
		struct {
			struct digest_creds creds;
			const char *ha2;
			enum secrets_name name;
		} digest;
		struct {
			struct ntlm_auth auth;
			const uint8_t *challenge;
		} ntlm;
	};
	uint64_t account;
	bool named, proved; /* named: the user name is one of this account's */
	unsigned n;
	uint64_t credential;
	int64_t used_at;
	size_t key_len;
};

struct signin_scheme {
	/* Reads the blob of an ACCT_AUTH into t, which borrows from it; -EBADMSG. */
	int (*read)(struct trial *t, const struct acct_msg *req);
	/* Is the name that was read one of this account's? */
	bool (*names)(struct trial *t, struct str uri);
	/* Hashes against one password, always the same amount.  True if it is proved; then sets
	 * the key that goes to the asker.  device: it is a device's. */
	bool (*proves)(struct trial *t, const struct secrets *secrets, bool device,
	               uint8_t ret_key[SIGNIN_KEY_MAX]);
};

extern const struct signin_scheme signin_digest, signin_ntlm;

/* How fast an account may ask for its own matters. */
struct signin_pace {
	uint64_t account;
	usec_t full; /* when all of the burst is there again */
};

struct signin {
	struct userdb *db;
	struct lockout *lockout;
	struct lockout *tickets; /* the same for tickets, by their log-ins' numbers */
	struct lockout *codes;   /* for wrong codes, by account and from wherever they come */
	struct buf decoy;        /* sealed secrets that nobody knows, of account 0 */
	char decoy_hash[PASSWORD_HASH_MAX];
	struct buf uri; /* of the last try */
	uint8_t key[SIGNIN_KEY_MAX];
	/* Sign-in by the company's OpenID provider; NULL: there is none. */
	struct provider *provider;
	struct seal *flow_seal;
	struct flows_used *flows_used;
	signin_oidc_fn *oidc_refused;
	void *oidc_refused_arg;
	struct list reqs; /* under way, in the order of their coming */
	size_t n_reqs;
	struct signin_pace pace[SIGNIN_PACES]; /* by the account's last bits */
	struct signin_counts counts;
};

/* A password waits for its turn, for the hash, for its log-in to be on disk; the end of a log-in
 * for the latter alone; a sign-in by the OpenID provider for that, and its log-in likewise. */
enum signin_state { SIGNIN_WAITS, SIGNIN_HASHES, SIGNIN_WRITES, SIGNIN_ASKS };

struct signin_req {
	struct list node;
	enum signin_state state;
	struct signin *s; /* NULL: has gone */
	signin_fn *fn;    /* NULL: nobody wants to know any more */
	void *arg;
	uint32_t id;

	/* Of a password. */
	struct addr peer;
	char *user, *agent;
	char password[PASSWORD_MAX];
	size_t password_len;
	struct job job;
	char hash[PASSWORD_HASH_MAX]; /* the account's, or the decoy */
	bool right;
	bool wants_nt; /* the account is to have an NT hash, and has none */
	uint8_t nt[16];
	uint64_t account, credential; /* 0: none that may sign in */
	int64_t used_at;
	char ticket[LOGINS_TICKET_LEN];
	uint64_t proves; /* this log-in, of the account; 0: makes one */
	bool limited;    /* the log-in is good for setting up the second factor alone */
	char code[ACCT_CODE_MAX + 1];

	/* Of the OpenID provider. */
	struct provider_ask *ask;
	struct flow *flow; /* under way */
	bool vouched;
	int64_t vouched_at;

	/* Of a user's own matters. */
	uint64_t login;
	struct buf text; /* of the answer: a secret */
};

/* A verdict for the request with that id. */
struct acct_msg signin_verdict(uint32_t id, enum accounts_verdict verdict);
/* The name under which a try is counted: "alice@example.test" for all ways to write it.  Valid
 * until the next call, or as long as `user`. */
struct str signin_canonical(struct signin *s, struct str user);
/* Is it to be refused unchecked?  Then *ret is SLOW. */
bool signin_must_wait(struct signin *s, struct str user, const struct addr *peer, usec_t now,
                      struct acct_msg *ret);
/* Counts a wrong one; *ret is REFUSE or SLOW. */
void signin_refuse(struct signin *s, struct str user, const struct addr *peer, usec_t now,
                   struct acct_msg *ret);
/* Counts a right one of an account's credential. */
void signin_proved(struct signin *s, struct str uri, const struct addr *peer, uint64_t credential,
                   int64_t used_at);

/* Must a code of that account wait?  *ret_retry_s is set then. */
bool signin_code_waits(struct signin *s, uint64_t account, usec_t now, uint32_t *ret_retry_s);
/* Counts a wrong one, for the account alone. */
void signin_wrong_code(struct signin *s, uint64_t account, usec_t now);
/* Does the account ask for more of its own matters than it may?  Counts it else. */
bool signin_is_too_fast(struct signin *s, uint64_t account, usec_t now);
/* Was the password of that log-in typed lately? */
bool signin_is_proved(const struct signin *s, const struct login *l);
/* A request that is under way from now on; NULL with *ret SLOW if there are too many. */
struct signin_req *signin_req_new(struct signin *s, const struct acct_msg *req,
                                  struct acct_msg *ret, signin_fn *fn, void *arg);
/* Tells the verdict and frees. */
void signin_answer(struct signin_req *r, struct acct_msg *verdict);
/* The verdict when what is written could not be. */
enum accounts_verdict signin_failure(int err);

/* Makes the log-in of r->account and r->credential, or proves r->proves; answers. */
void signin_make_login(struct signin_req *r);

/* The mechanisms of the web; as signin_step(). */
struct signin_req *signin_oidc(struct signin *s, const struct acct_msg *req, usec_t now,
                               struct acct_msg *ret, signin_fn *fn, void *arg);
struct signin_req *signin_oidc_back(struct signin *s, const struct acct_msg *req, usec_t now,
                                    struct acct_msg *ret, signin_fn *fn, void *arg);
struct signin_req *signin_password(struct signin *s, const struct acct_msg *req, usec_t now,
                                   struct acct_msg *ret, signin_fn *fn, void *arg);
/* A ticket has been given to that address, which is so known to show it. */
void signin_ticket_made(struct signin *s, uint64_t number, const struct addr *peer);
void signin_ticket(struct signin *s, const struct acct_msg *req, usec_t now, struct acct_msg *ret);
/* The log-in (or app token) of a ticket and its account; 0, -ENOENT, -EIO; -EAGAIN with
 * *ret_retry_s: must wait.
 */
int signin_ticket_find(struct signin *s, struct str ticket, const struct addr *peer, usec_t now,
                       struct login *ret, struct account *ret_acc, uint32_t *ret_retry_s);
/* That log-in or app token was used now. */
void signin_touch(struct signin *s, const struct login *l);
struct signin_req *signin_ticket_end(struct signin *s, const struct acct_msg *req, usec_t now,
                                     struct acct_msg *ret, signin_fn *fn, void *arg);
