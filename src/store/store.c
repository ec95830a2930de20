#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "store/inside.h"
#include "store/writer.h"

enum { HOLD_POLL_MS = 20 };

/* One store_write(): one block of memory with copies of all parameters. */
struct write {
	struct list node;
	store_done_fn *done;
	void *arg;
	store_work_fn *work; /* instead of statements */
	int err;
	int64_t id;
	size_t n;
	struct store_stmt stmts[]; /* then the values, then their bytes */
};

/* --- the writer thread --------------------------------------------------------------- */

static void take_id(void *arg, const struct store_val *cols, int n_cols UNUSED)
{
	*(int64_t *)arg = cols[0].i;
}

static int command(struct store *s, const char *sql)
{
	return sql_run(&s->sql, sql, NULL, 0, NULL, NULL);
}

static int run_stmts(struct store *s, struct write *w)
{
	int r = w->work ? w->work(&s->sql, w->arg) : 0;
	for (size_t i = 0; i < w->n && r >= 0; i++) {
		const struct store_stmt *st = &w->stmts[i];
		r = sql_run(&s->sql, st->sql, st->params, st->n_params, take_id, &w->id);
		if (r == 0)
			w->id = sql_changes(&s->sql);
	}
	return MIN(r, 0);
}

/* Several statements are undone together when one fails; a single one undoes itself. */
static void run_write(struct store *s, struct write *w)
{
	bool several = w->n > 1 || w->work;
	if (several)
		w->err = MIN(command(s, "savepoint one"), 0);
	if (w->err == 0)
		w->err = run_stmts(s, w);
	if (several && sql_in_transaction(&s->sql)) {
		if (w->err < 0)
			(void)command(s, "rollback to one");
		(void)command(s, "release one");
	}
}

static void fail_all(struct list *batch, int err)
{
	list_for(it, batch) list_entry(it, struct write, node)->err = err;
}

/* A full disk and the like make SQLite give up the whole transaction: then nothing of the batch is
 * there, whatever the single writes said. */
static void run_batch(void *arg, struct list *batch)
{
	struct store *s = arg;
	int r = command(s, "begin immediate");
	if (r < 0) {
		fail_all(batch, r);
		return;
	}
	list_for(it, batch)
	{
		struct write *w = list_entry(it, struct write, node);
		run_write(s, w);
		if (!sql_in_transaction(&s->sql)) {
			fail_all(batch, w->err < 0 ? w->err : -EIO);
			return;
		}
	}
	r = command(s, "commit");
	if (r < 0) {
		fail_all(batch, r);
		if (sql_in_transaction(&s->sql))
			(void)command(s, "rollback");
	}
}

/* --- the loop's side ----------------------------------------------------------------- */

static void on_done(void *arg UNUSED, struct list *node)
{
	struct write *w = list_entry(node, struct write, node);
	if (w->done)
		w->done(w->arg, w->err, w->id);
	free(w);
}

static const struct writer_ops writer_ops = { .run = run_batch,
	                                      .done = on_done,
	                                      .batch_max = STORE_BATCH_MAX };

/* The bytes of all parameters; n_vals their number. */
static size_t weigh(const struct store_stmt *stmts, size_t n, size_t *ret_n_vals)
{
	size_t bytes = 0;
	*ret_n_vals = 0;
	for (size_t i = 0; i < n; i++) {
		*ret_n_vals += stmts[i].n_params;
		for (size_t k = 0; k < stmts[i].n_params; k++)
			bytes += stmts[i].params[k].s.len;
	}
	return bytes;
}

static struct write *copy_write(const struct store_stmt *stmts, size_t n)
{
	size_t n_vals, bytes = weigh(stmts, n, &n_vals);
	if (n == 0 || n > STORE_STMTS_MAX || bytes > STORE_WRITE_MAX)
		return NULL;
	struct write *w = xcalloc(1, sizeof(*w) + n * sizeof(w->stmts[0]) +
	                                     n_vals * sizeof(struct store_val) + bytes);
	struct store_val *val = (struct store_val *)(void *)&w->stmts[n];
	char *p = (char *)(val + n_vals);
	list_init(&w->node);
	w->n = n;
	for (size_t i = 0; i < n; i++) {
		w->stmts[i] = stmts[i];
		w->stmts[i].params = val;
		for (size_t k = 0; k < stmts[i].n_params; k++, val++) {
			*val = stmts[i].params[k];
			if (val->s.len > 0)
				memcpy(p, val->s.p, val->s.len);
			val->s.p = p;
			p += val->s.len;
		}
	}
	return w;
}

int store_write(struct store *s, enum store_durability d, const struct store_stmt *stmts, size_t n,
                store_done_fn *done, void *arg)
{
	if (writer_open(s->writer) >= STORE_QUEUE_MAX)
		return -EAGAIN;
	struct write *w = copy_write(stmts, n);
	if (!w)
		return -E2BIG;
	w->done = done;
	w->arg = arg;
	usec_t due = d == STORE_MUST ? 0 : loop_now(s->loop) + STORE_BEHIND_MS * USEC_PER_MSEC;
	writer_add(s->writer, &w->node, due);
	return 0;
}

void store_work(struct store *s, store_work_fn *work, store_done_fn *done, void *arg)
{
	struct write *w = xcalloc(1, sizeof(*w));
	list_init(&w->node);
	w->work = work;
	w->done = done;
	w->arg = arg;
	writer_add(s->writer, &w->node, 0);
}

int store_work_now(struct store *s, store_work_fn *work, void *arg)
{
	struct write w = { .work = work, .arg = arg };
	struct list batch;
	list_init(&batch);
	list_add(&batch, &w.node);
	run_batch(s, &batch);
	return w.err;
}

int store_read(struct store *s, const char *sql, const struct store_val *params, size_t n_params,
               store_row_fn *fn, void *arg)
{
	return sql_run(&s->reader, sql, params, n_params, fn, arg);
}

void store_enough(struct store *s)
{
	s->reader.enough = true;
}

/* --- opening and closing ------------------------------------------------------------- */

/* 0 once the file is ours alone.  Whoever has it may be the tool at its last change while the
 * server starts: it is given a moment. */
static int lock_file(int fd)
{
	const struct timespec pause = { .tv_nsec = HOLD_POLL_MS * 1000000L };
	for (int waited_ms = 0;; waited_ms += HOLD_POLL_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (waited_ms >= STORE_HOLD_MS)
			return -EBUSY;
		(void)nanosleep(&pause, NULL);
	}
}

/* Makes the file for its owner's eyes alone, and holds it. */
static int hold_file(const char *path, struct buf *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		buf_printf(why, "The store %s cannot be opened: %s.%s", path, strerror(errno),
		           errno == EACCES ? STORE_WAY_RIGHTS : "");
		return -1;
	}
	if (lock_file(fd) == 0)
		return fd;
	buf_printf(why,
	           "The store %s is in use by another process. Stop it, or ask it through its "
	           "control socket.",
	           path);
	(void)close(fd);
	return -1;
}

static bool open_both(struct store *s, const char *path, const struct store_migration *m,
                      struct buf *why)
{
	if (sql_open(&s->sql, path, why) < 0)
		return false;
	if (sql_migrate(&s->sql, path, m, why) == 0 && sql_open(&s->reader, path, why) == 0)
		return true;
	sql_close(&s->sql);
	return false;
}

struct store *store_open(struct loop *l, const char *path, const struct store_migration *m,
                         struct buf *why)
{
	int lock_fd = hold_file(path, why);
	if (lock_fd < 0)
		return NULL;
	struct store *s = xnew(struct store);
	s->loop = l;
	s->lock_fd = lock_fd;
	if (!open_both(s, path, m, why)) {
		(void)close(lock_fd);
		free(s);
		return NULL;
	}
	s->writer = writer_new(l, &writer_ops, s);
	return s;
}

void store_close(struct store **sp)
{
	struct store *s = take(sp);
	if (!s)
		return;
	if (s->log)
		log_stop(s->log);
	writer_free(&s->writer);
	if (s->log)
		log_finish(s->log);
	log_free(&s->log);
	sql_close(&s->reader);
	sql_close(&s->sql);
	(void)close(s->lock_fd);
	free(s);
}
