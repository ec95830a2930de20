/* The users of this installation: one SQLite file, owned by the accounts process (or by `dialtone`
 * while the server is stopped).
 *
 * Reads answer at once from what is committed; changes are asynchronous, checked here, numbered,
 * and told to listeners once they are on disk.  Every secret is sealed and bound to its row. */
#pragma once

#include "auth/seal.h"
#include "loop/loop.h"
#include "store/store.h"
#include "svc/user/fields.h"
#include "svc/user/secrets.h"
#include "wire/accounts/acct.h"

enum {
	USERDB_DEVICES_MAX = 16, /* device passwords of a user */
	USERDB_CREDS_MAX = 1 + USERDB_DEVICES_MAX,
	USERDB_CHANGES_KEPT = 100000, /* rows of the change feed */
	USERDB_LIST_MAX = 100000,     /* rows of a list */
};

struct userdb; /* opaque */

/* What holds for log-ins (logins.h). */
struct userdb_logins {
	uint32_t life_s;     /* without use */
	uint32_t max;        /* of a user */
	bool require_factor; /* of users whose own policy does not say: factor.h */
};
/* A user's own policy. */
enum userdb_factor { USERDB_FACTOR_DEFAULT, USERDB_FACTOR_REQUIRED, USERDB_FACTOR_OPTIONAL };

struct userdb_config {
	struct str realm;
	const struct str *domains; /* the first is the main one; borrowed */
	size_t n_domains;
	const uint8_t *seal_key; /* SEAL_KEY_LEN; copied */
	bool ntlm;               /* new users get an NT hash */
	struct userdb_logins logins;
};

/* NULL with a sentence for people: also when the file was sealed with another key. */
struct userdb *userdb_open(struct loop *l, const char *path, const struct userdb_config *c,
                           struct buf *why);
/* Changes under way are finished, or end with -ECANCELED if their password was not hashed yet. */
void userdb_close(struct userdb **dp);
/* A reload brought other domains. */
void userdb_set_domains(struct userdb *db, const struct str *domains, size_t n_domains);
/* Log-ins that are there take the new life when they are used the next time. */
void userdb_set_logins(struct userdb *db, const struct userdb_logins *logins);
struct str userdb_realm(const struct userdb *db);
/* user_uri() by this installation's domains; -EINVAL.  why may be NULL. */
int userdb_uri(struct userdb *db, struct buf *ret, struct str name, struct buf *why) MUST_CHECK;
/* The SIP domain that a Windows client means by a DNS or NetBIOS name; empty if none of ours. */
struct str userdb_domain(const struct userdb *db, struct str name);
/* The wall clock in seconds, as in created_at and used_at. */
int64_t userdb_now_s(const struct userdb *db);

/* --- reading; texts are valid until the next call ------------------------------------ */

/* By user name, address of record, telephone number or extension; groups by their address.
 * -ENOENT, -EIO. */
int userdb_lookup(struct userdb *db, struct str key, struct account *ret) MUST_CHECK;
int userdb_by_id(struct userdb *db, uint64_t id, struct account *ret) MUST_CHECK;
/* The one user with that e-mail address, in whatever case.  -ENOENT; -EEXIST: there are several;
 * -EIO.
 */
int userdb_by_email(struct userdb *db, struct str email, struct account *ret) MUST_CHECK;
/* All users, without groups, in the order of their names; rows or -errno.  fn must not call userdb.
 */
typedef void userdb_list_fn(void *arg, const struct account *acc);
int userdb_list(struct userdb *db, userdb_list_fn *fn, void *arg) MUST_CHECK;
/* The same of those whose address, name, numbers or department have that text (ASCII letters in
 * either case; empty: all), behind an address (empty: from the first), at most `max`. */
struct userdb_find {
	struct str text, after;
	uint32_t max; /* up to USERDB_LIST_MAX */
};
int userdb_find(struct userdb *db, const struct userdb_find *q, userdb_list_fn *fn,
                void *arg) MUST_CHECK;
/* What the directory shows of a user. */
struct userdb_person {
	struct acct_person person;
	bool disabled, hidden;
};
/* -ENOENT for groups too. */
int userdb_person(struct userdb *db, uint64_t id, struct userdb_person *ret) MUST_CHECK;
/* All users, however many; rows or -errno.  fn must not call userdb. */
typedef void userdb_person_fn(void *arg, const struct userdb_person *p);
int userdb_people(struct userdb *db, userdb_person_fn *fn, void *arg) MUST_CHECK;
/* Appends the photo; -ENOENT if there is none. */
int userdb_photo(struct userdb *db, uint64_t id, struct buf *ret) MUST_CHECK;
/* The same by its name, which the record has; not of who is disabled. */
int userdb_photo_named(struct userdb *db, struct str name, struct buf *ret) MUST_CHECK;
/* Users, without groups; -1 if the store cannot be read. */
int64_t userdb_count(struct userdb *db);

struct userdb_cred {
	uint64_t id;
	struct str device;           /* empty: the account's password */
	int64_t created_at, used_at; /* seconds since 1970; 0: never */
	struct bytes sealed;
};
/* The user's credentials, the account's password first; at most USERDB_CREDS_MAX.  Rows or -errno.
 */
typedef void userdb_cred_fn(void *arg, const struct userdb_cred *c);
int userdb_creds(struct userdb *db, uint64_t account, userdb_cred_fn *fn, void *arg) MUST_CHECK;
/* Opens one; wipe it after use.  -EBADMSG: not of this row, or broken. */
int userdb_unseal(struct userdb *db, struct secrets *ret, uint64_t account,
                  const struct userdb_cred *c) MUST_CHECK;
/* Makes a sealed value as userdb_unseal() reads it. */
void userdb_seal(struct userdb *db, struct buf *b, uint64_t account, uint64_t cred,
                 const struct secrets *s);

/* --- the change feed
 * ------------------------------------------------------------------------------ */

struct userdb_change {
	enum accounts_event event;
	uint64_t number, account, credential;
};
typedef void userdb_change_fn(void *arg, const struct userdb_change *c);
/* One listener, called when a change is on disk. */
void userdb_on_change(struct userdb *db, userdb_change_fn *fn, void *arg);
/* The last number on disk. */
uint64_t userdb_last_change(struct userdb *db);
/* The changes after `since` in order.  Rows; -ERANGE: some of them are forgotten. */
int userdb_changes_since(struct userdb *db, uint64_t since, userdb_change_fn *fn,
                         void *arg) MUST_CHECK;

/* --- changing
 * ------------------------------------------------------------------------------------- */

/* Called once, from the loop, never from inside.  err: 0; -EEXIST: a name, number or device that is
 * taken; -ENOENT: gone meanwhile; -ENOSPC; -EIO; -EAGAIN: too much at once; -ECANCELED. */
typedef void userdb_done_fn(void *arg, int err, uint64_t id);

/* What the caller checked with fields.h and password_check().  uri is canonical. */
struct userdb_new {
	struct str uri, password;
	struct str field[USER_N_FIELDS];
};
void userdb_add(struct userdb *db, const struct userdb_new *n, userdb_done_fn *done, void *arg);
/* Several data of one user, all or none. */
struct userdb_set {
	struct str field[USER_N_FIELDS]; /* p NULL: as it is; empty: cleared */
	int ntlm, sha256_only, hidden;   /* 0, 1; -1: as it is */
	int64_t max_endpoints;           /* -1: as it is */
	int second_factor;               /* enum userdb_factor; -1: as it is */
	int admin;                       /* as ntlm */
	bool has_photo;
	struct bytes photo; /* empty: none */
};
#define USERDB_SET_NOTHING                         \
	((struct userdb_set){ .ntlm = -1,          \
	                      .sha256_only = -1,   \
	                      .hidden = -1,        \
	                      .max_endpoints = -1, \
	                      .second_factor = -1, \
	                      .admin = -1 })
/* NTLM switched off forgets the NT hash; switched on, it comes with the next password that is set
 * or typed (userdb_add_nt()). */
void userdb_set(struct userdb *db, uint64_t account, const struct userdb_set *set,
                userdb_done_fn *done, void *arg);
void userdb_set_password(struct userdb *db, const struct account *acc, struct str password,
                         userdb_done_fn *done, void *arg);
/* The same by the user, in one of the account's log-ins: that one goes on, with the new password in
 * the place of the old; all others end with it.  -ENOENT: it has ended, or is not of the password
 * that there is any more; then nothing has changed. */
void userdb_set_own_password(struct userdb *db, const struct account *acc, uint64_t login,
                             struct str password, userdb_done_fn *done, void *arg);
void userdb_set_disabled(struct userdb *db, uint64_t account, bool disabled, userdb_done_fn *done,
                         void *arg);
void userdb_remove(struct userdb *db, uint64_t account, userdb_done_fn *done, void *arg);
void userdb_add_device(struct userdb *db, const struct account *acc, struct str name,
                       struct str password, userdb_done_fn *done, void *arg);
void userdb_remove_device(struct userdb *db, uint64_t account, uint64_t cred, userdb_done_fn *done,
                          void *arg);
/* Keeps the NT hash of the account's password, which was just found right; written behind, and no
 * news for anybody.  Nothing happens if the account is not to have one. */
void userdb_add_nt(struct userdb *db, uint64_t account, uint64_t cred, const uint8_t nt[16]);
/* Remembers when a credential was used; written behind. */
void userdb_touch(struct userdb *db, uint64_t cred);

/* --- distribution groups ----------------------------------------------------------------- */

/* All groups in the order of their addresses; rows or -errno.  fn must not call userdb. */
int userdb_groups(struct userdb *db, userdb_list_fn *fn, void *arg) MUST_CHECK;
/* A group without members yet; uri is canonical. */
void userdb_add_group(struct userdb *db, struct str uri, struct str display_name,
                      userdb_done_fn *done, void *arg);

struct userdb_member {
	struct str uri, display_name;
	uint64_t account; /* 0: no user of this server */
	bool disabled;
};
/* The first `max` members in the order of their addresses; rows or -errno.  fn must not call
 * userdb. */
typedef void userdb_member_fn(void *arg, const struct userdb_member *m);
int userdb_members(struct userdb *db, uint64_t group, uint32_t max, userdb_member_fn *fn,
                   void *arg) MUST_CHECK;
/* -1 if the store cannot be read. */
int64_t userdb_count_members(struct userdb *db, uint64_t group);
/* account: of a user, whom the member follows when it is removed; or 0.  -EEXIST: is one already;
 * -ENOENT: the group is gone, or full. */
void userdb_add_member(struct userdb *db, uint64_t group, struct str uri, uint64_t account,
                       userdb_done_fn *done, void *arg);
/* -ENOENT: is none. */
void userdb_remove_member(struct userdb *db, uint64_t group, struct str uri, userdb_done_fn *done,
                          void *arg);
