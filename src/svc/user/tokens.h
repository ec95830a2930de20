/* App tokens: what a program signs in to the web with as a user, in the place of a log-in.  Rows of
 * the user store.
 *
 * A token is the prefix and a ticket; of its secret the hash alone is kept.  It has a name and
 * perhaps a life, however much it is used.  It comes from no password: it ends by itself, by being
 * removed, and with its user.  A new password does not end it, and while the user is disabled it
 * signs nobody in.  Its number is none of a log-in: what ended is told alike
 * (ACCOUNTS_LOGIN_ENDED). */
#pragma once

#include "svc/user/logins.h"

#define TOKENS_PREFIX "dtk_"

enum {
	TOKENS_LEN = sizeof(TOKENS_PREFIX) - 1 + TICKET_LEN,
	TOKENS_MAX = 32, /* of a user */
	TOKENS_LIFE_MAX_S = 10 * 365 * 86400,
	TOKENS_LISTED_MAX = 10000,
};

/* Does that claim to be one? */
bool tokens_is(struct str text);
/* The number that it claims to be of, 0 if it is none at all. */
uint64_t tokens_number(struct str text);
/* As a log-in without credential.  -ENOENT: unknown, removed, out of life; -EIO. */
int tokens_find(struct userdb *db, struct str text, struct login *ret) MUST_CHECK;

struct token {
	uint64_t number; /* never reused, and no log-in's */
	uint64_t account;
	int64_t made_at, used_at, ends_at; /* seconds since 1970; 0: never */
	struct str user, name;             /* user: its address */
};
typedef void tokens_fn(void *arg, const struct token *t);
/* A user's, or all (account 0), in the order of users and names; rows or -errno.  Texts are valid
 * in fn, which must not call userdb. */
int tokens_list(struct userdb *db, uint64_t account, tokens_fn *fn, void *arg) MUST_CHECK;
/* May the user have another one of that name?  -EINVAL: it is no name; -EEXIST: there is one of it;
 * -EMFILE: there are TOKENS_MAX; -EIO. */
int tokens_check(struct userdb *db, uint64_t account, struct str name) MUST_CHECK;
/* The token is written at once, without NUL, and good when done is called with 0 and its number as
 * id.  life_s 0: for ever.  -EEXIST: the name is taken; -ENOENT: the user is disabled or gone. */
void tokens_add(struct userdb *db, uint64_t account, struct str name, uint32_t life_s,
                char ret_text[TOKENS_LEN], userdb_done_fn *done, void *arg);
/* -ENOENT: there was none of this user. */
void tokens_remove(struct userdb *db, uint64_t account, uint64_t number, userdb_done_fn *done,
                   void *arg);
/* It was used now; written behind. */
void tokens_touch(struct userdb *db, const struct login *l);
