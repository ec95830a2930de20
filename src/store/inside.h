/* What the files of store/ know of one another. */
#pragma once

#include "base/arena.h"
#include "store/sql.h"

struct store_log;

struct store {
	struct loop *loop;
	struct sql reader; /* the loop thread's */
	struct sql sql;    /* the writer thread's */
	int lock_fd;       /* holds the file against other processes */
	struct writer *writer;
	struct store_log *log; /* NULL: none */
};

/* Queues, as store_write() with STORE_MUST, what is no statement: on the writer's thread, all or
 * nothing; 0 or more, or -errno. */
typedef int store_work_fn(struct sql *s, void *arg);
void store_work(struct store *s, store_work_fn *work, store_done_fn *done, void *arg);
/* The same at once, when the writer has ended; 0 or -errno. */
int store_work_now(struct store *s, store_work_fn *work, void *arg);

/* log.c, at the end of a store: what was added is on the disk, and no more goes to the store's
 * writer; then, when that has ended, the rest into the tables. */
void log_stop(struct store_log *l);
void log_finish(struct store_log *l);
void log_free(struct store_log **lp);

enum { LOG_KEYS = 2 }; /* values behind the number by which rows are found (rowkeys.h) */

/* A record of a log, in memory. */
struct log_row {
	struct list node;
	struct half *half;
	store_done_fn *done;
	void *arg;
	int err;
	unsigned n_keys;
	int64_t number, keys[LOG_KEYS];
	struct log_row *older[LOG_KEYS]; /* of the slot of that key */
	struct log_row *found;           /* the next one of an answer */
	size_t len;
	uint8_t bytes[]; /* as in the file */
};

static inline struct bytes log_row_bytes(const struct log_row *r)
{
	return (struct bytes){ r->bytes, r->len };
}

static inline int64_t log_row_number(struct list *node)
{
	return list_entry(node, struct log_row, node)->number;
}

/* Adds to the list what the log of the store at `path` has, in the order of the numbers; no log is
 * an empty one.  0 or -errno. */
int log_load(struct arena *a, struct list *rows, const char *path) MUST_CHECK;
