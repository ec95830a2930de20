#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "store/sql.h"

enum { HOLD_POLL_MS = 20 };

/* One store_write(): one block of memory with copies of all parameters. */
struct write {
	struct list node;
	store_done_fn *done;
	void *arg;
	int err;
	int64_t id;
	size_t n;
	struct store_stmt stmts[]; /* then the values, then their bytes */
};

struct store {
	struct loop *loop;
	struct sql reader; /* the loop thread's */
	int lock_fd;       /* holds the file against other processes */
	int event_fd;      /* the writer has something in `finished` */
	struct io *io;
	struct timer behind;
	struct defer handover;
	struct list waiting; /* loop thread: writes that are not queued yet */
	size_t n_open;       /* loop thread: writes not yet completed */

	pthread_t thread;
	struct sql writer;    /* the writer thread's */
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct list queued, finished;
	bool stop;
};

/* --- the writer thread --------------------------------------------------------------- */

static void take_id(void *arg, const struct store_val *cols, int n_cols UNUSED)
{
	*(int64_t *)arg = cols[0].i;
}

static int command(struct store *s, const char *sql)
{
	return sql_run(&s->writer, sql, NULL, 0, NULL, NULL);
}

static int run_stmts(struct store *s, struct write *w)
{
	int r = 0;
	for (size_t i = 0; i < w->n && r >= 0; i++) {
		const struct store_stmt *st = &w->stmts[i];
		r = sql_run(&s->writer, st->sql, st->params, st->n_params, take_id, &w->id);
		if (r == 0)
			w->id = sql_changes(&s->writer);
	}
	return MIN(r, 0);
}

/* Several statements are undone together when one fails; a single one undoes itself. */
static void run_write(struct store *s, struct write *w)
{
	if (w->n > 1)
		w->err = MIN(command(s, "savepoint one"), 0);
	if (w->err == 0)
		w->err = run_stmts(s, w);
	if (w->n > 1 && sql_in_transaction(&s->writer)) {
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
static void run_batch(struct store *s, struct list *batch)
{
	int r = command(s, "begin immediate");
	if (r < 0) {
		fail_all(batch, r);
		return;
	}
	list_for(it, batch)
	{
		struct write *w = list_entry(it, struct write, node);
		run_write(s, w);
		if (!sql_in_transaction(&s->writer)) {
			fail_all(batch, w->err < 0 ? w->err : -EIO);
			return;
		}
	}
	r = command(s, "commit");
	if (r < 0) {
		fail_all(batch, r);
		if (sql_in_transaction(&s->writer))
			(void)command(s, "rollback");
	}
}

static void move(struct list *to, struct list *from, size_t max)
{
	for (size_t i = 0; i < max && !list_empty(from); i++) {
		struct list *n = from->next;
		list_del(n);
		list_add(to, n);
	}
}

static void tell_loop(struct store *s)
{
	uint64_t one = 1;
	ssize_t r = write(s->event_fd, &one, sizeof(one));
	assert(r == sizeof(one));
	(void)r;
}

static void *write_forever(void *arg)
{
	struct store *s = arg;
	(void)pthread_mutex_lock(&s->lock);
	for (;;) {
		struct list batch;
		list_init(&batch);
		while (list_empty(&s->queued) && !s->stop)
			(void)pthread_cond_wait(&s->wake, &s->lock);
		if (list_empty(&s->queued))
			break;
		move(&batch, &s->queued, STORE_BATCH_MAX);
		(void)pthread_mutex_unlock(&s->lock);
		run_batch(s, &batch);
		(void)pthread_mutex_lock(&s->lock);
		move(&s->finished, &batch, STORE_BATCH_MAX);
		tell_loop(s);
	}
	(void)pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* --- the loop's side ----------------------------------------------------------------- */

static void complete(struct store *s)
{
	struct list done;
	list_init(&done);
	(void)pthread_mutex_lock(&s->lock);
	move(&done, &s->finished, SIZE_MAX);
	(void)pthread_mutex_unlock(&s->lock);
	while (!list_empty(&done)) {
		struct write *w = list_entry(done.next, struct write, node);
		list_del(&w->node);
		s->n_open--;
		if (w->done)
			w->done(w->arg, w->err, w->id);
		free(w);
	}
}

static void on_event(void *arg, int events UNUSED)
{
	struct store *s = arg;
	uint64_t n;
	(void)!read(s->event_fd, &n, sizeof(n));
	complete(s);
}

/* Hands over what waits: a turn's writes at once, for the other thread is woken once. */
static void queue(void *arg)
{
	struct store *s = arg;
	timer_stop(&s->behind);
	(void)pthread_mutex_lock(&s->lock);
	move(&s->queued, &s->waiting, SIZE_MAX);
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
}

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
	if (s->n_open >= STORE_QUEUE_MAX)
		return -EAGAIN;
	struct write *w = copy_write(stmts, n);
	if (!w)
		return -E2BIG;
	w->done = done;
	w->arg = arg;
	s->n_open++;
	if (d == STORE_MUST)
		loop_defer(s->loop, &s->handover);
	else if (list_empty(&s->waiting))
		timer_set(&s->behind, loop_now(s->loop) + STORE_BEHIND_MS * USEC_PER_MSEC);
	list_add(&s->waiting, &w->node);
	return 0;
}

int store_read(struct store *s, const char *sql, const struct store_val *params, size_t n_params,
               store_row_fn *fn, void *arg)
{
	return sql_run(&s->reader, sql, params, n_params, fn, arg);
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
		buf_printf(why, "The store %s cannot be opened: %s.", path, strerror(errno));
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
	if (sql_open(&s->writer, path, why) < 0)
		return false;
	if (sql_migrate(&s->writer, path, m, why) == 0 && sql_open(&s->reader, path, why) == 0)
		return true;
	sql_close(&s->writer);
	return false;
}

static void start_writer(struct store *s)
{
	s->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int r = s->event_fd < 0 ? errno : pthread_create(&s->thread, NULL, write_forever, s);
	assert(r == 0);
	(void)r;
	s->io = io_new(s->loop, s->event_fd, on_event, s);
	io_want(s->io, IO_READ);
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
	list_init(&s->waiting);
	list_init(&s->queued);
	list_init(&s->finished);
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_cond_init(&s->wake, NULL);
	timer_init(&s->behind, l, queue, s);
	defer_init(&s->handover, queue, s);
	start_writer(s);
	return s;
}

void store_close(struct store **sp)
{
	struct store *s = take(sp);
	if (!s)
		return;
	defer_cancel(&s->handover);
	queue(s);
	(void)pthread_mutex_lock(&s->lock);
	s->stop = true;
	(void)pthread_cond_signal(&s->wake);
	(void)pthread_mutex_unlock(&s->lock);
	(void)pthread_join(s->thread, NULL);
	complete(s);
	assert(s->n_open == 0 && "a done function must not write while the store closes");
	io_free(&s->io);
	(void)close(s->event_fd);
	sql_close(&s->reader);
	sql_close(&s->writer);
	(void)close(s->lock_fd);
	(void)pthread_cond_destroy(&s->wake);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}
