/* What userdb.c (reading) and userdb_write.c (changing) share. */
#pragma once

#include "base/list.h"
#include "svc/user/userdb.h"

/* A log-in's use that is being written. */
struct userdb_touched {
	uint64_t number;
	int64_t at; /* seconds since 1970 */
};
enum {
	USERDB_TOUCHED = 256,      /* remembered, by the number's last bits */
	USERDB_TOUCH_EVERY_S = 60, /* a use is written at most this often */
};

struct userdb {
	struct loop *loop;
	struct store *store;
	struct seal *seal;
	char *realm;
	const struct str *domains;
	size_t n_domains;
	bool ntlm;
	bool closing;
	struct userdb_logins logins;
	struct userdb_touched touched[USERDB_TOUCHED];

	uint64_t last_account, last_cred, last_change, last_audit; /* given out */
	uint64_t last_login;                                       /* of log-ins and app tokens */
	uint64_t stored_change;                                    /* on disk */
	userdb_change_fn *on_change;
	void *on_change_arg;
	struct list ops;  /* changes under way */
	struct buf texts; /* of the last record read */
};

/* Ends what waits for its password's hash; call it before the store closes. */
void userdb_cancel_ops(struct userdb *db);
/* The row that a sealed value is bound to. */
struct bytes userdb_row_of(uint8_t ret[40], uint64_t account, uint64_t cred);
/* Writes the rows of a change (ACCOUNTS_CHANGED) of an account, all or none, and tells it; the last
 * statement must change a row, or the change ends with -ENOENT.  account 0: a new one, whose id is
 * db->last_account + 1; its number is db->last_change + 1. */
void userdb_write_rows(struct userdb *db, uint64_t account, const struct store_stmt *stmts,
                       size_t n, userdb_done_fn *done, void *arg);
/* The same of another event; c's number is given out here, its credential is the id of done. */
void userdb_write_change(struct userdb *db, const struct userdb_change *c,
                         const struct store_stmt *stmts, size_t n, userdb_done_fn *done, void *arg);
/* Rows that nobody else keeps: no change of the feed.  id: for done. */
void userdb_write_own(struct userdb *db, uint64_t id, const struct store_stmt *stmts, size_t n,
                      userdb_done_fn *done, void *arg);
/* Is the use of a log-in or an app token to be written, which says of itself that it was used then?
 * It counts as written from now on. */
bool userdb_touch_is_due(struct userdb *db, uint64_t number, int64_t used_at, int64_t now);
