#include "store/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rand.h"
#include "store/inside.h"
#include "store/record.h"
#include "store/rowkeys.h"
#include "store/writer.h"

enum {
	HALVES = 2,
	BATCH_MAX = 1000,             /* records of a commit */
	FILE_MAX = 2 * STORE_LOG_MAX, /* bytes that are read of one: more it cannot hold */
	OUT_KEPT_MAX = 256 * 1024,    /* bytes of a commit whose buffer is kept for the next */
	GROW_BY = 256 * 1024,         /* a file: a multiple of ... */
	ZEROS_LEN = 32 * 1024,
};

/* One file.  It takes records; then it is sealed, its rows go into the tables, and it begins anew.
 * Rows never go there before those of the other file, if those are older.
 * The writer's thread has `at` and `size` while a record is open, the loop the others. */
struct half {
	struct store_log *log;
	int fd;
	off_t at;   /* where the next record goes; 0: behind a new head */
	off_t size; /* of the file */
	struct hash_key key;
	struct arena *memory;  /* of its rows; NULL: none yet */
	struct list rows;      /* on the disk */
	struct row_keys *keys; /* of them; NULL: they are not asked for */
	size_t n_rows, n_bytes, n_open;
	bool sealed, folding;
	bool damaged; /* what was there when it was opened is no log */
};

struct store_log {
	struct store *store;
	const struct store_log_def *def;
	struct writer *writer;
	struct half half[HALVES];
	struct half *active;
	struct buf out; /* the thread's */
	size_t n_bytes; /* in both files, and on their way */
	int64_t last;
	struct timer fold;
	struct store_log_left left;
	bool closing;
};

static struct half *other(const struct half *h)
{
	return &h->log->half[h == h->log->half];
}

/* --- the thread: records to the disk ------------------------------------------------------- */

static int write_all(int fd, struct str s, off_t at)
{
	while (s.len > 0) {
		ssize_t n = pwrite(fd, s.p, s.len, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		s = str_sub(s, (size_t)n, s.len);
		at += n;
	}
	return 0;
}

/* A file that grows costs a sync of its size and blocks too: it is made longer by many commits at
 * once, which is no loss if it fails. */
static void grow(struct half *h, off_t need)
{
	static const char zeros[ZEROS_LEN];
	for (off_t to = need + GROW_BY; h->size < to; h->size += ZEROS_LEN)
		if (write_all(h->fd, str_n(zeros, sizeof(zeros)), h->size) < 0)
			return;
}

/* The records of one file, from `first` to before `end`. */
static int commit(struct store_log *l, struct list *first, const struct list *end)
{
	struct half *h = list_entry(first, struct log_row, node)->half;
	l->out.len = 0;
	if (h->at == 0)
		record_put_head(&l->out, &h->key);
	for (struct list *it = first; it != end; it = it->next) {
		struct log_row *r = list_entry(it, struct log_row, node);
		buf_put(&l->out, r->bytes, r->len);
	}
	if (h->at + (off_t)l->out.len > h->size)
		grow(h, h->at + (off_t)l->out.len);
	int r = l->out.full ? -ENOMEM : write_all(h->fd, buf_view(&l->out), h->at);
	if (r == 0 && fdatasync(h->fd) < 0)
		r = -errno;
	if (r == 0) {
		h->at += (off_t)l->out.len;
		h->size = MAX(h->size, h->at);
	}
	if (l->out.full || l->out.cap > OUT_KEPT_MAX)
		buf_free(&l->out);
	return r;
}

static void run_batch(void *arg, struct list *batch)
{
	struct store_log *l = arg;
	for (struct list *first = batch->next, *end; first != batch; first = end) {
		struct half *h = list_entry(first, struct log_row, node)->half;
		end = first->next;
		while (end != batch && list_entry(end, struct log_row, node)->half == h)
			end = end->next;
		int err = commit(l, first, end);
		for (struct list *it = first; it != end; it = it->next)
			list_entry(it, struct log_row, node)->err = err;
	}
}

/* --- the store's thread: into the tables --------------------------------------------------- */

static int fold_rows(struct sql *s, void *arg)
{
	struct half *h = arg;
	const struct store_log_def *def = h->log->def;
	struct store_val v[STORE_PARAMS_MAX];
	int r = 0;
	for (struct list *it = h->rows.next; it != &h->rows && r >= 0; it = it->next) {
		r = record_get(v, log_row_bytes(list_entry(it, struct log_row, node)));
		if (r >= 0)
			r = sql_run(s, def->put, v, (size_t)r, NULL, NULL);
	}
	if (r < 0 || !def->then || list_empty(&h->rows))
		return r;
	v[0] = STORE_I(log_row_number(h->rows.next));
	v[1] = STORE_I(log_row_number(h->rows.prev));
	return sql_run(s, def->then, v, 2, NULL, NULL);
}

/* --- the loop's side ----------------------------------------------------------------------- */

static void begin_anew(struct half *h)
{
	arena_free(&h->memory);
	list_init(&h->rows);
	row_keys_clear(h->keys);
	h->at = 0;
	rand_bytes(&h->key, sizeof(h->key));
	h->n_rows = h->n_bytes = 0;
	h->sealed = false;
}

static bool is_full(const struct half *h)
{
	return h->n_rows + h->n_open >= STORE_LOG_ROWS || h->n_bytes >= STORE_LOG_BYTES;
}

static void fold_within(struct store_log *l, unsigned ms)
{
	usec_t due = loop_now(l->store->loop) + ms * USEC_PER_MSEC;
	if (due < l->fold.tick.deadline)
		timer_set(&l->fold, due);
}

static void on_folded(void *arg, int err, int64_t id);

static void fold(struct half *h)
{
	if (!h->sealed || h->folding || h->n_open > 0 || h->log->closing)
		return;
	h->folding = true;
	store_work(h->log->store, fold_rows, on_folded, h);
}

/* New records go to the other file, if it has room, and those of this one into the tables. */
static void seal(struct store_log *l)
{
	struct half *h = l->active;
	if ((h->n_rows == 0 && h->n_open == 0) || other(h)->sealed)
		return;
	h->sealed = true;
	l->active = other(h);
	timer_stop(&l->fold);
	fold(h);
}

/* It need not be read again.  Without a sync, for it would do no harm. */
static void forget_file(const struct half *h)
{
	static const char nothing[RECORD_HEAD_LEN];
	(void)!write_all(h->fd, str_n(nothing, sizeof(nothing)), 0);
}

static void on_not_folded(struct store_log *l, int err)
{
	if (l->def->failed)
		l->def->failed(l->def->arg, err);
	if (!l->closing)
		fold_within(l, STORE_LOG_RETRY_MS);
}

static void forget(struct half *h)
{
	h->log->n_bytes -= h->n_bytes;
	begin_anew(h);
	forget_file(h);
}

static void on_folded(void *arg, int err, int64_t id UNUSED)
{
	struct half *h = arg;
	struct store_log *l = h->log;
	h->folding = false;
	if (err < 0) {
		on_not_folded(l, err);
		return;
	}
	forget(h);
	if (is_full(l->active))
		seal(l);
	else if (!l->closing && l->active->n_rows + l->active->n_open > 0)
		fold_within(l, STORE_LOG_FOLD_MS);
}

static void on_fold_due(void *arg)
{
	struct store_log *l = arg;
	seal(l);
	fold(other(l->active)); /* again, if it failed */
}

static void on_failed_row(struct half *h)
{
	struct store_log *l = h->log;
	if (h->n_rows == 0 && h->n_open == 0) {
		l->n_bytes -= h->n_bytes;
		begin_anew(h);
	} else if (h == l->active && h->n_rows > 0) {
		seal(l); /* what is on the disk is safer elsewhere */
	}
}

static void on_recorded(void *arg UNUSED, struct list *node)
{
	struct log_row *r = list_entry(node, struct log_row, node);
	struct half *h = r->half;
	store_done_fn *done = r->done;
	void *done_arg = r->arg;
	int err = r->err;
	h->n_open--;
	if (err == 0) {
		list_add(&h->rows, &r->node);
		row_keys_add(h->keys, r);
		h->n_rows++;
	} else {
		on_failed_row(h);
	}
	if (h->sealed)
		fold(h);
	if (done)
		done(done_arg, err, 0);
}

static const struct writer_ops writer_ops = { .run = run_batch,
	                                      .done = on_recorded,
	                                      .batch_max = BATCH_MAX };

static struct log_row *row_new(struct half *h, struct bytes record, size_t max_len)
{
	if (!h->memory)
		h->memory = arena_new();
	struct log_row *r = arena_alloc(h->memory, sizeof(*r) + max_len);
	r->half = h;
	r->len = record.len;
	if (record.len > 0)
		memcpy(r->bytes, record.p, record.len);
	list_init(&r->node);
	return r;
}

static struct log_row *add_row(struct half *h, const struct store_val *vals, size_t n, size_t len)
{
	struct log_row *r = row_new(h, (struct bytes){ 0 }, len);
	struct buf b = { .p = (char *)r->bytes, .cap = len, .max = len };
	record_put(&b, &h->key, vals, n);
	assert(!b.full && b.len == len);
	r->len = len;
	row_keys_read(r, vals, n);
	h->n_open++;
	h->n_bytes += len;
	h->log->n_bytes += len;
	return r;
}

int store_log_add(struct store_log *l, const struct store_val *vals, size_t n, store_done_fn *done,
                  void *arg)
{
	if (n == 0 || n > STORE_PARAMS_MAX)
		return -E2BIG;
	size_t len = record_len(vals, n);
	if (len > STORE_WRITE_MAX)
		return -E2BIG;
	if (writer_open(l->writer) >= STORE_QUEUE_MAX || l->n_bytes + len > STORE_LOG_MAX)
		return -EAGAIN;
	assert(vals[0].type == STORE_INT && vals[0].i > l->last);
	l->last = vals[0].i;
	struct half *h = l->active;
	struct log_row *r = add_row(h, vals, n, len);
	r->done = done;
	r->arg = arg;
	writer_add(l->writer, &r->node, 0);
	if (is_full(h))
		seal(l);
	else
		fold_within(l, STORE_LOG_FOLD_MS);
	return 0;
}

static void give(const struct half *h, int64_t number, int64_t key, store_row_fn *fn, void *arg)
{
	struct store_val v[STORE_PARAMS_MAX];
	for (const struct log_row *r = row_keys_find(h->keys, number, key); r; r = r->found) {
		int n = record_get(v, log_row_bytes(r));
		if (n > 0)
			fn(arg, v, n);
	}
}

void store_log_since(const struct store_log *l, int64_t number, int64_t key, store_row_fn *fn,
                     void *arg)
{
	give(other(l->active), number, key, fn, arg);
	give(l->active, number, key, fn, arg);
}

static int64_t first_of(const struct half *h)
{
	return list_empty(&h->rows) ? INT64_MAX : log_row_number(h->rows.next);
}

int64_t store_log_first(const struct store_log *l)
{
	return MIN(first_of(&l->half[0]), first_of(&l->half[1]));
}

int64_t store_log_last(const struct store_log *l)
{
	return l->last;
}

/* --- what a process has left --------------------------------------------------------------- */

static int read_all(int fd, struct buf *b)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	size_t size = (size_t)MIN(st.st_size, FILE_MAX);
	char *p = buf_room(b, size);
	while (p && size > 0) {
		ssize_t n = pread(fd, p, size, (off_t)b->len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		if (n > 0) {
			p += n;
			b->len += (size_t)n;
			size -= (size_t)n;
		}
	}
	return 0;
}

/* Of a file that is new, or whose rows are in the tables (forget_file()). */
static bool is_blank_head(struct bytes file)
{
	for (size_t i = 0; i < MIN(file.len, (size_t)RECORD_HEAD_LEN); i++)
		if (file.p[i] != 0)
			return false;
	return true;
}

/* The records of a file and where they end. */
static void get_rows(struct half *h, struct bytes file)
{
	struct rd r = rd_of(file);
	struct bytes record;
	int64_t before = 0;
	if (record_get_head(&h->key, &r) < 0) {
		h->damaged = !is_blank_head(file);
		return;
	}
	while (record_next(&r, &h->key, &record)) {
		struct store_val v[STORE_PARAMS_MAX];
		int64_t number = record_number(record);
		int n = record_get(v, record);
		if (n < 0 || number <= before)
			break; /* one that was never acknowledged, from before */
		before = number;
		h->at = (off_t)(record.p + record.len - file.p);
		struct log_row *row = row_new(h, record, record.len);
		list_add(&h->rows, &row->node);
		row_keys_read(row, v, (size_t)n);
		if (h->keys)
			row_keys_add(h->keys, row);
		h->n_rows++;
		h->n_bytes += record.len;
	}
}

static int load(struct half *h)
{
	auto_(buf_free) struct buf b = buf_of(FILE_MAX);
	int r = read_all(h->fd, &b);
	if (r == 0)
		get_rows(h, bytes_of(buf_view(&b)));
	return r;
}

/* The one whose rows are older, if both have some. */
static struct half *older(struct half half[HALVES])
{
	if (list_empty(&half[0].rows) || list_empty(&half[1].rows))
		return &half[list_empty(&half[0].rows)];
	return &half[log_row_number(half[1].rows.next) < log_row_number(half[0].rows.next)];
}

static void put_path(char *ret, size_t size, const char *path, int i)
{
	(void)snprintf(ret, size, "%s-log%d", path, i);
}

static void take_rows(struct list *to, struct list *from)
{
	list_for(it, from)
	{
		list_del(it);
		list_add(to, it);
	}
}

static int load_file(struct half *h, struct arena *a, const char *path, int i)
{
	char file[PATH_MAX];
	*h = (struct half){ .memory = a };
	list_init(&h->rows);
	put_path(file, sizeof(file), path, i);
	h->fd = open(file, O_RDONLY | O_CLOEXEC);
	if (h->fd < 0)
		return errno == ENOENT ? 0 : -errno;
	int r = load(h);
	(void)close(h->fd);
	return r;
}

int log_load(struct arena *a, struct list *rows, const char *path)
{
	struct half half[HALVES];
	for (int i = 0; i < HALVES; i++) {
		int r = load_file(&half[i], a, path, i);
		if (r < 0)
			return r;
	}
	struct half *first = older(half);
	take_rows(rows, &first->rows);
	take_rows(rows, &half[first == half].rows);
	return 0;
}

/* --- its life ------------------------------------------------------------------------------ */

static int open_half(struct half *h, const char *path, int i)
{
	char file[PATH_MAX];
	put_path(file, sizeof(file), path, i);
	h->fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int r = h->fd < 0 ? -errno : load(h);
	if (r < 0)
		return r;
	h->size = lseek(h->fd, 0, SEEK_END);
	if (h->n_rows == 0)
		begin_anew(h);
	if (h->damaged)
		forget_file(h);
	return h->size < 0 ? -errno : 0;
}

/* The names of new files are on the disk too. */
static int sync_folder(const char *path)
{
	char *copy = xstrndup(path, strlen(path)), *slash = strrchr(copy, '/');
	if (slash)
		*slash = 0;
	int fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		(void)close(fd);
	free(copy);
	return r;
}

static int open_halves(struct store_log *l, const char *path)
{
	int r = 0;
	for (int i = 0; i < HALVES && r == 0; i++)
		r = open_half(&l->half[i], path, i);
	return r < 0 ? r : sync_folder(path);
}

/* As it was when the last process ended: the older rows on their way to the tables. */
static void go_on(struct store_log *l)
{
	struct half *first = older(l->half);
	l->active = other(first);
	if (l->active->n_rows == 0)
		l->active = first;
	for (int i = 0; i < HALVES; i++) {
		l->left.n_rows += l->half[i].n_rows;
		l->left.n_damaged += l->half[i].damaged;
		l->n_bytes += l->half[i].n_bytes;
		if (l->half[i].n_rows > 0)
			l->last = MAX(l->last, log_row_number(l->half[i].rows.prev));
	}
	first->sealed = first != l->active;
	fold(first);
	if (l->active->n_rows > 0)
		fold_within(l, STORE_LOG_FOLD_MS);
}

struct store_log *store_log_open(struct store *s, const char *path, const struct store_log_def *def,
                                 struct buf *why)
{
	struct store_log *l = xnew(struct store_log);
	l->store = s;
	l->def = def;
	l->out = buf_of(2 * STORE_LOG_MAX);
	timer_init(&l->fold, s->loop, on_fold_due, l);
	for (int i = 0; i < HALVES; i++) {
		l->half[i] = (struct half){ .log = l, .fd = -1, .keys = row_keys_new() };
		list_init(&l->half[i].rows);
	}
	int r = open_halves(l, path);
	if (r < 0) {
		buf_printf(why, "The log of the store %s cannot be opened: %s.%s", path,
		           strerror(-r), r == -EACCES ? STORE_WAY_RIGHTS : "");
		log_free(&l);
		return NULL;
	}
	l->writer = writer_new(s->loop, &writer_ops, l);
	s->log = l;
	go_on(l);
	return l;
}

struct store_log_left store_log_left(const struct store_log *l)
{
	return l->left;
}

void log_stop(struct store_log *l)
{
	timer_stop(&l->fold);
	l->closing = true;
	writer_free(&l->writer);
}

/* The older ones first: a reader, and who takes the users over, sees by the newest row of the
 * tables what of the log they have. */
void log_finish(struct store_log *l)
{
	struct half *first = older(l->half), *both[HALVES] = { first, other(first) };
	int r = 0;
	for (int i = 0; i < HALVES && r == 0; i++) {
		if (both[i]->n_rows == 0)
			continue;
		r = store_work_now(l->store, fold_rows, both[i]);
		if (r < 0)
			on_not_folded(l, r);
		else
			forget(both[i]);
	}
}

void log_free(struct store_log **lp)
{
	struct store_log *l = take(lp);
	if (!l)
		return;
	for (int i = 0; i < HALVES; i++) {
		arena_free(&l->half[i].memory);
		row_keys_free(&l->half[i].keys);
		if (l->half[i].fd >= 0)
			(void)close(l->half[i].fd);
	}
	buf_free(&l->out);
	free(l);
}
