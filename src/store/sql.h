/* One SQLite connection with its prepared statements; used by one thread at a time. */
#pragma once

#include "store/store.h"

enum { SQL_CACHE_MAX = 128 };

/* What to do about a file that cannot be opened, behind the sentence that says so. */
#define STORE_WAY_RIGHTS                                                                     \
	"  It, the files beside it and their directory must belong to the account that the " \
	"server runs its roles as; after `chown` to that one it can be opened."
#define STORE_WAY_DAMAGE \
	"  It is damaged: put back a backup of the whole directory, as dialtoned(8) says."

struct sqlite3;
struct sql_stmt;

struct sql {
	struct sqlite3 *db;
	struct sql_stmt *cache; /* SQL_CACHE_MAX */
	unsigned n_cached;
	bool enough; /* of the rows that are being read */
};

/* 0, or -errno with text for people. */
int sql_open(struct sql *ret, const char *path, struct buf *why) MUST_CHECK;
void sql_close(struct sql *s);
/* Runs one statement; rows or -errno as store_read() and store_write() return them.  sql is a
 * static text: its address is the key of the cache. */
int sql_run(struct sql *s, const char *sql, const struct store_val *params, size_t n_params,
            store_row_fn *fn, void *arg) MUST_CHECK;
/* Rows changed by the last statement that changed any. */
int64_t sql_changes(const struct sql *s);
/* False if SQLite has given up the transaction by itself. */
bool sql_in_transaction(const struct sql *s);
/* Brings the file up to the last migration.  0, or -errno with text for people. */
int sql_migrate(struct sql *s, const char *path, const struct store_migration *m,
                struct buf *why) MUST_CHECK;
