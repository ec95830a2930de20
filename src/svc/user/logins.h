/* Log-ins: made when somebody signs in to the web with the account's password.  The browser gets a
 * ticket and shows it from then on, so that the password is typed once.  Rows of the user store.
 *
 * A ticket is the log-in's number and a secret, of which only the hash is kept.  A log-in ends when
 * it was not used for its life (userdb_set_logins()); when it is ended by itself; with its
 * credential, and so by a new password (but for the one that the user sets it in) or when the user
 * is removed or disabled; and when the user makes more than the most, the longest unused first. Who
 * keeps something open by a ticket shows it again now and then: the end of a life is no change of
 * the feed. */
#pragma once

#include "svc/user/ticket.h"
#include "svc/user/userdb.h"

enum {
	LOGINS_MAX = 100,      /* of a user, that can be set */
	LOGINS_PROVED_S = 600, /* a typed password vouches for what needs it so long */
	LOGINS_TICKET_LEN = TICKET_LEN,
};

struct login {
	uint64_t number; /* never reused */
	uint64_t account, credential;
	bool token; /* it is an app token (tokens.h): made by no credential, 0 */
	int64_t made_at, used_at, ends_at; /* seconds since 1970 */
	int64_t proved_at;                 /* when the password was typed; not of a list */
	bool vouched; /* made by the OpenID provider, which has its own second factor; likewise */
	struct str peer;  /* "192.0.2.1": where it was made from; may be empty */
	struct str agent; /* what the browser said it is; clean text, may be empty */
};

/* --- reading ------------------------------------------------------------------------- */

/* The log-in of a ticket, without its texts.  -ENOENT: unknown, ended, out of life; -EIO. */
int logins_find(struct userdb *db, struct str ticket, struct login *ret) MUST_CHECK;
/* The number that a ticket claims to be of, 0 if it is no ticket at all. */
uint64_t logins_number(struct str ticket);
/* A user's, the last used first; rows or -errno.  Texts are valid in fn, which must not call
 * userdb. */
typedef void logins_fn(void *arg, const struct login *l);
int logins_list(struct userdb *db, uint64_t account, logins_fn *fn, void *arg) MUST_CHECK;
/* All users'; -1 if the store cannot be read. */
int64_t logins_count(struct userdb *db);

/* --- changing ------------------------------------------------------------------------ */

struct logins_new {
	uint64_t account, credential;
	const struct addr *peer;
	struct str agent; /* as it came; cut to ACCT_TEXT_MAX bytes, what is no text becomes '?' */
	bool vouched;
	int64_t vouched_at; /* when the user showed the provider who is there: counts as proof */
};
/* The ticket is written at once, without NUL, and good when done is called with 0 and the number as
 * id.  -ENOENT: the user is disabled, or the user or the credential is gone. */
void logins_add(struct userdb *db, const struct logins_new *n, char ret_ticket[LOGINS_TICKET_LEN],
                userdb_done_fn *done, void *arg);
/* Ends one; done may be NULL.  -ENOENT: there was none. */
void logins_end(struct userdb *db, uint64_t account, uint64_t number, userdb_done_fn *done,
                void *arg);
/* Ends all of the account's but that one (0: all); returns how many.  With 0 and -errno done is not
 * called. */
int logins_end_others(struct userdb *db, uint64_t account, uint64_t number, userdb_done_fn *done,
                      void *arg) MUST_CHECK;
/* The password was typed again.  -ENOENT: it has ended. */
void logins_prove(struct userdb *db, uint64_t account, uint64_t number, userdb_done_fn *done,
                  void *arg);
/* It was used now; written behind. */
void logins_touch(struct userdb *db, const struct login *l);
