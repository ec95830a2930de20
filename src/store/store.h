/* A small asynchronous interface to a relational store; SQLite behind it (WAL, one writer thread,
 * group commit), PostgreSQL later.  One dialect: $1.., `on conflict`, `returning`.
 *
 * A file has one owning process: a second store_open() of it is refused (after STORE_HOLD_MS). */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"

struct store; /* opaque */

enum {
	STORE_PARAMS_MAX = 32,         /* $1 .. $32 of a statement */
	STORE_COLS_MAX = 32,           /* of a row */
	STORE_STMTS_MAX = 16,          /* of one write */
	STORE_WRITE_MAX = 1024 * 1024, /* bytes of the parameters of one write */
	STORE_QUEUE_MAX = 10000,       /* writes that wait */
	STORE_BATCH_MAX = 1000,        /* writes in one commit */
	STORE_HOLD_MS = 2000,          /* how long an opener waits for the owner to go */
	STORE_BEHIND_MS = 500,         /* how long a STORE_SHOULD write waits for company */
};

/* A value of a parameter or a column. */
enum store_type { STORE_NULL, STORE_INT, STORE_TEXT, STORE_BLOB };
struct store_val {
	enum store_type type;
	int64_t i;
	struct str s;
};
#define STORE_I(v) ((struct store_val){ .type = STORE_INT, .i = (int64_t)(v) })
#define STORE_S(v) ((struct store_val){ .type = STORE_TEXT, .s = (v) })
#define STORE_B(v) ((struct store_val){ .type = STORE_BLOB, .s = str_from_bytes(v) })
#define STORE_NONE ((struct store_val){ .type = STORE_NULL })

/* Numbered migrations, applied in order in one transaction each; the file remembers the number. The
 * table ends with a row without sql.  A file newer than the table is refused. */
struct store_migration {
	uint32_t number;
	const char *sql;
};

enum store_durability {
	STORE_MUST,   /* done is called after the group commit is on disk */
	STORE_SHOULD, /* written behind: with the next MUST, at the latest after STORE_BEHIND_MS */
};

/* Opens (makes, mode 0600) the file, migrates, starts the writer thread.  NULL with text for
 * people. */
struct store *store_open(struct loop *l, const char *path, const struct store_migration *m,
                         struct buf *why);
/* Writes what is queued, calls the done functions that are due, closes. */
void store_close(struct store **sp);

/* Reads at once on the loop thread, what is committed; fn for each row; returns rows or -errno. sql
 * is a static text: prepared once.  The columns are valid in fn alone, which must not read or write
 * the store. */
typedef void store_row_fn(void *arg, const struct store_val *cols, int n_cols);
int store_read(struct store *s, const char *sql, const struct store_val *params, size_t n_params,
               store_row_fn *fn, void *arg) MUST_CHECK;
/* From within fn: no further row is read. */
void store_enough(struct store *s);

/* Queues one statement (static text) or several that belong together: all or none.
 * done(arg, err, id) on the loop when it is written: err 0; -EEXIST (unique), -EINVAL (another
 * constraint), -ENOSPC, -EIO.  id: what a `returning` of the last statement gave, else the number
 * of rows it changed. */
typedef void store_done_fn(void *arg, int err, int64_t id);
struct store_stmt {
	const char *sql;
	const struct store_val *params; /* copied */
	size_t n_params;
};
/* -EAGAIN: queue full; -E2BIG: above the limits.  done is not called then. */
int store_write(struct store *s, enum store_durability d, const struct store_stmt *stmts, size_t n,
                store_done_fn *done, void *arg) MUST_CHECK;
