/* A log before the tables of a store, for rows that only come, and must be on the disk at once.
 *
 * What has come together is one write and one sync in a file that is overwritten again and again:
 * no page, no index, no size of a file changes.  Later all of it goes into the tables in one
 * transaction (the fold), and its space is free.  There are two files, PATH-log0 and PATH-log1:
 * while the rows of one go into the tables, new ones go to the other.  Until then they are in
 * memory too, for store_log_since(), and after a crash they are read from the files. */
#pragma once

#include "store/store.h"

struct store_log; /* opaque */

enum {
	STORE_LOG_ROWS = 16000,            /* of a file: then they go into the tables, ... */
	STORE_LOG_BYTES = 8 * 1024 * 1024, /* ... or then, ... */
	STORE_LOG_FOLD_MS = 5000,          /* ... or so long after the first of them */
	STORE_LOG_RETRY_MS = 2000,         /* if the tables did not take them */
	STORE_LOG_MAX = 32 * 1024 * 1024,  /* bytes that are not in the tables: no more then */
};

struct store_log_def {
	/* A record's values are $1, $2 ... of this.  After a power failure it may be there already.
	 */
	const char *put;
	/* After the last one of a fold: $1 is the number of its first one, $2 of the last.  Or
	 * NULL. */
	const char *then;
	/* The tables did not take them (on the loop); they will be tried again.  Or NULL. */
	void (*failed)(void *arg, int err);
	void *arg;
};

/* Opens (makes, mode 0600) the log of a store that has just been opened at `path`, with what an
 * earlier process left in it.  It ends with the store, after all of it has gone into the tables.
 * Borrows def.  NULL with text for people. */
struct store_log *store_log_open(struct store *s, const char *path, const struct store_log_def *def,
                                 struct buf *why);
/* What it found when it was opened. */
struct store_log_left {
	size_t n_rows;      /* an earlier process had no time to bring them into the tables */
	unsigned n_damaged; /* files that are no log of ours, which begin anew */
};
struct store_log_left store_log_left(const struct store_log *l);
/* Adds a record of n values.  The first is its number, which grows from one to the next.
 * done(arg, err, 0) on the loop once it is on the disk: err 0, -ENOSPC, -EIO.
 * -EAGAIN: too much waits; -E2BIG: above the limits of a store_write().  done is not called then.
 */
int store_log_add(struct store_log *l, const struct store_val *vals, size_t n, store_done_fn *done,
                  void *arg) MUST_CHECK;
/* Calls fn for each record above the number whose second or third value is the key, if it is on the
 * disk and may not be in the tables yet, in their order; fn must not use the store.  What it costs
 * does not depend on how many other records there are. */
void store_log_since(const struct store_log *l, int64_t number, int64_t key, store_row_fn *fn,
                     void *arg);
/* The number from which on it gives all records that are on the disk; INT64_MAX: it has none. */
int64_t store_log_first(const struct store_log *l);
/* The greatest number that the log has had since it was opened, or had in it then; 0: none. */
int64_t store_log_last(const struct store_log *l);
