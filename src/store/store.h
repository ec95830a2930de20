/* A small asynchronous interface to a relational store; SQLite behind it (WAL, one writer thread,
 * group commit), PostgreSQL later.  One dialect: $1.., `on conflict`, `returning`. */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"

struct store; /* opaque */

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

/* Numbered migrations, applied in order in one transaction each; the file remembers the number.
 * A file newer than the table is refused. */
struct store_migration {
	uint32_t number;
	const char *sql;
};

enum store_durability {
	STORE_MUST,   /* done is called after the group commit is on disk */
	STORE_SHOULD, /* written behind; done (if any) when queued */
};

/* Opens (makes) the file, migrates, starts the writer thread.  NULL with text for people. */
struct store *store_open(struct loop *l, const char *path, const struct store_migration *m,
			 struct buf *why);
/* Waits for what is queued, closes. */
void store_close(struct store **sp);

/* Reads at once on the loop thread; fn for each row; returns rows or -errno. */
typedef void store_row_fn(void *arg, const struct store_val *cols, int n_cols);
int store_read(struct store *s, const char *sql, const struct store_val *params, size_t n_params,
	       store_row_fn *fn, void *arg) MUST_CHECK;

/* Queues one statement (sql is a static text: prepared once) or several that belong together.
 * done(arg, err, rowid/affected) on the loop: err 0, -EEXIST (unique), -ENOSPC, -EIO. */
typedef void store_done_fn(void *arg, int err, int64_t id);
struct store_stmt {
	const char *sql;
	const struct store_val *params; /* copied */
	size_t n_params;
};
int store_write(struct store *s, enum store_durability d, const struct store_stmt *stmts, size_t n,
		store_done_fn *done, void *arg) MUST_CHECK; /* -EAGAIN: queue full */
