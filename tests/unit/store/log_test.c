#include "store/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "await.h"
#include "store/failing.h"
#include "tmpdir.h"

static const struct store_migration schema[] = {
	{ 1, "create table t (n integer primary key, k integer, v text);"
	     "create table folds (first integer, last integer)" },
	{ 0, NULL },
};

/* --- a disk that fails: writes and syncs of the log's files alone ---------------------------- */

static atomic_uint steps, fail_at, syncs;
static atomic_int fail_errno;

static bool is_log(int fd)
{
	char link[64], path[256];
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path));
	return n > 5 && memcmp(path + n - 5, "-log", 4) == 0;
}

static bool fails(void)
{
	unsigned n = ++steps;
	if (fail_at == 0 || n < fail_at)
		return false;
	errno = fail_errno;
	return true;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	if (is_log(fd) && fails()) {
		/* Half of it is there. */
		(void)!syscall(SYS_pwrite64, fd, p, n / 2, at);
		errno = fail_errno;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, p, n, at);
}

int fdatasync(int fd)
{
	if (is_log(fd)) {
		if (fails())
			return -1;
		syncs++;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static void fail_from(unsigned n, int err)
{
	steps = 0;
	fail_errno = err;
	fail_at = n;
}

/* --- the log under test ----------------------------------------------------------------------- */

struct bed {
	struct loop *l;
	struct tmpdir dir;
	struct store *s;
	struct store_log *log;
	int failed; /* folds */
};

static void on_failed(void *arg, int err)
{
	struct bed *b = arg;
	OK(err < 0);
	b->failed++;
}

static struct store_log_def def = {
	.put = "insert or ignore into t (n, k, v) values ($1, $2, $3)",
	.then = "insert into folds (first, last) values ($1, $2)",
	.failed = on_failed,
};

static void bed_open(struct bed *b)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	def.arg = b;
	b->s = store_open(b->l, tmpdir_file(&b->dir, "s.db"), schema, &why);
	b->log = b->s ? store_log_open(b->s, b->dir.file, &def, &why) : NULL;
	if (!OK(b->log != NULL))
		printf("# %.*s\n", (int)why.len, why.p);
}

static void bed_start(struct bed *b)
{
	*b = (struct bed){ .l = loop_new() };
	tmpdir_make(&b->dir);
	bed_open(b);
}

/* A millisecond more, which is the resolution of timers. */
static void pass(struct bed *b, unsigned ms)
{
	loop_clock_move(b->l, (ms + 1) * USEC_PER_MSEC);
}

static void bed_end(struct bed *b)
{
	store_close(&b->s);
	loop_free(&b->l);
	tmpdir_remove(&b->dir, "s.db");
}

struct done {
	int calls, err;
};

static void on_done(void *arg, int err, int64_t id UNUSED)
{
	struct done *d = arg;
	d->calls++;
	d->err = err;
}

static int add(struct bed *b, int64_t n, struct str text, struct done *d)
{
	struct store_val v[] = { STORE_I(n), STORE_I(n % 3), STORE_S(text) };
	return store_log_add(b->log, v, ARRAY_SIZE(v), on_done, d);
}

static void add_all(struct bed *b, int64_t first, int64_t last)
{
	struct done d = { 0 };
	for (int64_t n = first; n <= last; n++)
		EQ(add(b, n, STR("text"), &d), 0);
	AWAIT(b->l, d.calls == (int)(last - first + 1));
	EQ(d.err, 0);
}

static void take_int(void *arg, const struct store_val *c, int n UNUSED)
{
	*(int64_t *)arg = c[0].i;
}

static int64_t number(struct bed *b, const char *sql)
{
	int64_t n = -1;
	EQ(store_read(b->s, sql, NULL, 0, take_int, &n), 1);
	return n;
}

static const char in_tables[] = "select count(*) from t";
static const char n_folds[] = "select count(*) from folds";

struct since {
	int64_t n, last;
};

static void take_record(void *arg, const struct store_val *c, int n)
{
	struct since *s = arg;
	EQ(n, 3);
	EQ(c[1].i, c[0].i % 3);
	OK(c[0].i > s->last);
	s->last = c[0].i;
	s->n++;
}

/* With that key, of three. */
static struct since since_of(struct bed *b, int64_t after, int64_t key)
{
	struct since s = { 0, after };
	store_log_since(b->log, after, key, take_record, &s);
	OK(s.n == 0 || s.last % 3 == key);
	return s;
}

static int64_t since(struct bed *b, int64_t after)
{
	int64_t n = 0;
	for (int64_t key = 0; key < 3; key++)
		n += since_of(b, after, key).n;
	return n;
}

/* --- adding and reading ----------------------------------------------------------------------- */

static void what_comes_together_is_one_sync_and_then_done(void)
{
	struct bed b;
	struct done d = { 0 };
	bed_start(&b);
	syncs = 0;
	for (int64_t n = 1; n <= 100; n++)
		EQ(add(&b, n, STR("text"), &d), 0);
	EQ(since(&b, 0), 0); /* it is not on the disk */
	EQ(store_log_first(b.log), INT64_MAX);
	loop_turn(b.l, 0);
	while (syncs == 0)
		EQ(d.calls, 0);
	AWAIT(b.l, d.calls == 100);
	EQ(syncs, 1);
	EQ(since(&b, 0), 100);
	EQ(store_log_first(b.log), 1);
	EQ(since(&b, 97), 3);
	EQ(since(&b, 100), 0);
	EQ(store_log_last(b.log), 100);
	EQ(number(&b, in_tables), 0);
	bed_end(&b);
}

static void rows_go_into_the_tables_after_a_while(void)
{
	struct bed b;
	bed_start(&b);
	loop_clock_move(b.l, USEC_PER_SEC);
	add_all(&b, 1, 10);
	pass(&b, STORE_LOG_FOLD_MS);
	AWAIT(b.l, since(&b, 0) == 0);
	EQ(number(&b, in_tables), 10);
	EQ(number(&b, "select first * 100 + last from folds"), 110);
	bed_end(&b);
}

static void many_rows_go_into_the_tables_while_more_come(void)
{
	struct bed b;
	struct done d = { 0 };
	int64_t n = 0;
	bed_start(&b);
	while (n < 3 * STORE_LOG_ROWS) {
		for (int i = 0; i < 500; i++)
			EQ(add(&b, ++n, STR("text"), &d), 0);
		AWAIT(b.l, d.calls == (int)n);
		OK(number(&b, in_tables) + since(&b, 0) >= n);
	}
	EQ(d.err, 0);
	AWAIT(b.l, number(&b, n_folds) >= 2);
	store_close(&b.s);
	bed_open(&b);
	EQ(number(&b, in_tables), n);
	EQ(since(&b, 0), 0);
	bed_end(&b);
}

static void limits_are_kept(void)
{
	struct bed b;
	struct done d = { 0 };
	char *big = xcalloc(1, STORE_WRITE_MAX);
	int n = 0;
	bed_start(&b);
	EQ(add(&b, 1, str_n(big, STORE_WRITE_MAX), &d), -E2BIG);
	EQ(store_log_add(b.log, NULL, 0, on_done, &d), -E2BIG);
	while (add(&b, n + 1, str_n(big, STORE_WRITE_MAX - 100), &d) == 0)
		n++;
	EQ(n, STORE_LOG_MAX / STORE_WRITE_MAX);
	EQ(add(&b, n + 1, str_n(big, STORE_WRITE_MAX - 100), &d), -EAGAIN);
	AWAIT(b.l, d.calls == n && since(&b, 0) < n);
	EQ(add(&b, n + 1, str_n(big, STORE_WRITE_MAX - 100), &d), 0);
	bed_end(&b);
	EQ(d.calls, n + 1);
	EQ(d.err, 0);
	free(big);
}

/* --- ends ------------------------------------------------------------------------------------- */

static void an_orderly_end_leaves_all_in_the_tables(void)
{
	struct bed b;
	struct done d = { 0 };
	bed_start(&b);
	add_all(&b, 1, 5);
	EQ(add(&b, 6, STR("late"), &d), 0);
	store_close(&b.s);
	EQ(d.calls, 1);
	EQ(d.err, 0);
	bed_open(&b);
	EQ(number(&b, in_tables), 6);
	EQ(since(&b, 0), 0);
	EQ(number(&b, n_folds), 1);
	bed_end(&b);
}

/* A child that adds from `first` on, and says on fd which ones are acknowledged, until it is
 * killed. */
static void add_for_ever(struct tmpdir *dir, int64_t first, int fd)
{
	struct bed b = { .l = loop_new(), .dir = *dir };
	struct done d = { 0 };
	int64_t n = first - 1, acked = n;
	bed_open(&b);
	for (;;) {
		for (int i = 0; i < 40; i++)
			if (add(&b, n + 1, STR("text of a message"), &d) == 0)
				n++;
		loop_turn(b.l, 1000);
		acked = first - 1 + d.calls;
		if (d.err < 0 || write(fd, &acked, sizeof(acked)) != sizeof(acked))
			_exit(1);
	}
}

/* Kills it once so many are acknowledged; the last one that was. */
static int64_t kill_after(struct tmpdir *dir, int64_t first, int64_t many)
{
	int ready[2];
	int64_t acked = first - 1, got;
	if (!OK(pipe(ready) == 0))
		return 0;
	pid_t pid = fork();
	if (pid == 0) {
		(void)close(ready[0]);
		add_for_ever(dir, first, ready[1]);
	}
	(void)close(ready[1]);
	bool alive = true;
	while (read(ready[0], &got, sizeof(got)) == sizeof(got)) {
		acked = got;
		if (alive && acked >= first + many && kill(pid, SIGKILL) == 0)
			alive = false;
	}
	OK(waitpid(pid, NULL, 0) == pid);
	OK(!alive);
	(void)close(ready[0]);
	return acked;
}

/* Also in the middle of a fold, of which the last rounds see some. */
static void what_was_acknowledged_survives_a_kill(void)
{
	static const int64_t many[] = {
		1, 100, 3000, STORE_LOG_ROWS, STORE_LOG_ROWS + 500, 2 * STORE_LOG_ROWS + 100
	};
	struct bed b = { .l = loop_new() };
	int64_t last = 0;
	tmpdir_make(&b.dir);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
		int64_t acked = kill_after(&b.dir, last + 1, many[i]);
		OK(acked > last);
		bed_open(&b);
		last = MAX(store_log_last(b.log), number(&b, "select coalesce(max(n), 0) from t"));
		OK(last >= acked);
		store_close(&b.s); /* all into the tables */
		bed_open(&b);
		EQ(number(&b, in_tables), last); /* from 1 without a gap */
		store_close(&b.s);
	}
	loop_free(&b.l);
	tmpdir_remove(&b.dir, "s.db");
}

static void what_a_killed_process_left_is_read_and_goes_on(void)
{
	struct bed b = { .l = loop_new() };
	tmpdir_make(&b.dir);
	int64_t acked = kill_after(&b.dir, 1, 100);
	bed_open(&b);
	int64_t n = since(&b, 0);
	OK(n >= acked);
	EQ(store_log_last(b.log), n);
	EQ(store_log_left(b.log).n_rows, n);
	EQ(store_log_left(b.log).n_damaged, 0);
	add_all(&b, n + 1, n + 10);
	EQ(since(&b, 0), n + 10);
	bed_end(&b);
}

static void its_files_are_for_the_owner_alone(void)
{
	struct bed b;
	struct stat st;
	mode_t before = umask(0);
	bed_start(&b);
	for (int i = 0; i < 2; i++) {
		const char *path = tmpdir_file(&b.dir, i ? "s.db-log1" : "s.db-log0");
		OK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
	}
	(void)umask(before);
	bed_end(&b);
}

static void a_file_of_nonsense_is_an_empty_log(void)
{
	struct bed b = { .l = loop_new() };
	tmpdir_make(&b.dir);
	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(tmpdir_file(&b.dir, i ? "s.db-log1" : "s.db-log0"), "w");
		OK(f && fputs("dtlog-1 and then nothing that makes sense at all", f) > 0 &&
		   fclose(f) == 0);
	}
	bed_open(&b);
	EQ(since(&b, 0), 0);
	EQ(store_log_left(b.log).n_damaged, 2);
	add_all(&b, 1, 10);
	EQ(since(&b, 0), 10);
	store_close(&b.s);
	bed_open(&b); /* after an orderly end there is nothing, and nothing wrong */
	EQ(store_log_left(b.log).n_rows, 0);
	EQ(store_log_left(b.log).n_damaged, 0);
	bed_end(&b);
}

/* --- failures --------------------------------------------------------------------------------- */

enum { WRITES = 6 };

static bool has(struct bed *b, int64_t n)
{
	struct store_val v = STORE_I(n);
	return store_read(b->s, "select 1 from t where n = $1", &v, 1, NULL, NULL) == 1 ||
	       since(b, n - 1) > since(b, n);
}

/* From step n on all writes and syncs of the log fail: what was acknowledged is there, and the log
 * works again, at once and after the next start. */
static bool survives_failure_at(unsigned n, int err)
{
	struct bed b;
	struct done d[WRITES] = { { 0 } };
	bed_start(&b);
	fail_from(n, err);
	for (int i = 0; i < WRITES; i++) {
		EQ(add(&b, i + 1, STR("text"), &d[i]), 0);
		AWAIT(b.l, d[i].calls == 1);
		OK(d[i].err == 0 || d[i].err == -err);
	}
	unsigned taken = steps;
	fail_from(0, 0);
	add_all(&b, 100, 100);
	for (int again = 0; again < 2; again++) {
		for (int i = 0; i < WRITES; i++)
			OK(has(&b, i + 1) == (d[i].err == 0));
		OK(has(&b, 100));
		store_close(&b.s);
		bed_open(&b);
	}
	bed_end(&b);
	return taken < n;
}

static void failure_at_every_step_loses_nothing_acknowledged(void)
{
	for (int full = 0; full < 2; full++) {
		unsigned n = 1;
		while (n < 1000 && !survives_failure_at(n, full ? ENOSPC : EIO))
			n++;
		OK(n > WRITES && n < 1000);
	}
}

/* The tables take nothing: the rows stay in the log, are read from there, and go later. */
static void a_fold_that_fails_is_tried_again(void)
{
	struct bed b;
	bed_start(&b);
	loop_clock_move(b.l, USEC_PER_SEC);
	add_all(&b, 1, 10);
	failing_from(1, 1);
	pass(&b, STORE_LOG_FOLD_MS);
	AWAIT(b.l, b.failed == 1);
	pass(&b, STORE_LOG_RETRY_MS);
	AWAIT(b.l, b.failed == 2);
	loop_clock_move(b.l, USEC_PER_SEC / 10);
	add_all(&b, 11, 20);
	EQ(since(&b, 0), 20);
	EQ(number(&b, in_tables), 0);
	failing_from(0, 0);
	pass(&b, STORE_LOG_RETRY_MS);
	AWAIT(b.l, number(&b, in_tables) == 10);
	pass(&b, STORE_LOG_FOLD_MS);
	AWAIT(b.l, number(&b, in_tables) == 20);
	EQ(since(&b, 0), 0);
	bed_end(&b);
}

/* What a reader sees: the tables, then what of the log is newer. */
static int64_t readable(struct bed *b)
{
	return number(b, in_tables) + since(b, number(b, "select coalesce(max(n), 0) from t"));
}

/* It ends at any step of the store's disk: the next process has all of it, once, also if both files
 * had some. */
static bool survives_fold_that_ends_at(unsigned n, bool both)
{
	struct bed b;
	bed_start(&b);
	loop_clock_move(b.l, USEC_PER_SEC);
	add_all(&b, 1, 25);
	failing_from(1, 0);
	if (both) {
		pass(&b, STORE_LOG_FOLD_MS);
		AWAIT(b.l, b.failed == 1);
	}
	add_all(&b, 26, 50);
	failing_from(n, 0);
	store_close(&b.s); /* folds */
	unsigned taken = failing_steps();
	failing_from(0, 0);
	bed_open(&b);
	EQ(readable(&b), 50);
	store_close(&b.s);
	bed_open(&b);
	EQ(number(&b, in_tables), 50);
	EQ(since(&b, 0), 0);
	EQ(number(&b, "select count(*) from t where v = 'text'"), 50);
	bed_end(&b);
	return taken < n;
}

static void a_fold_that_ends_anywhere_loses_nothing(void)
{
	for (int both = 0; both < 2; both++) {
		unsigned n = 1;
		while (n < 1000 && !survives_fold_that_ends_at(n, both))
			n++;
		OK(n > 3 && n < 1000);
	}
}

/* In a file system of 1 MB. */
static void full_disk_is_reported_and_survived(void)
{
	struct bed b = { .l = loop_new() };
	struct done d = { 0 };
	char text[4096];
	int64_t n = 0, acked = 0;
	memset(text, 'x', sizeof(text));
	tmpdir_make(&b.dir);
	EQ(mount("none", b.dir.path, "tmpfs", 0, "size=1m"), 0);
	bed_open(&b);
	while (n < 2000 && d.err == 0) {
		d.calls = 0;
		EQ(add(&b, ++n, str_n(text, sizeof(text)), &d), 0);
		AWAIT(b.l, d.calls == 1);
		acked += d.err == 0;
	}
	EQ(d.err, -ENOSPC);
	OK(acked > 0);
	for (int again = 0; again < 2; again++) {
		AWAIT(b.l, number(&b, in_tables) + since(&b, 0) == acked);
		store_close(&b.s);
		bed_open(&b);
	}
	bed_end(&b);
	EQ(umount(b.dir.path), 0);
	(void)rmdir(b.dir.path);
}

/* Mounts of our own, where the system lets us. */
static bool may_mount(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

int main(void)
{
	failing_install();
	RUN(what_comes_together_is_one_sync_and_then_done);
	RUN(rows_go_into_the_tables_after_a_while);
	RUN(many_rows_go_into_the_tables_while_more_come);
	RUN(limits_are_kept);
	RUN(an_orderly_end_leaves_all_in_the_tables);
	RUN(what_was_acknowledged_survives_a_kill);
	RUN(what_a_killed_process_left_is_read_and_goes_on);
	RUN(its_files_are_for_the_owner_alone);
	RUN(a_file_of_nonsense_is_an_empty_log);
	RUN(failure_at_every_step_loses_nothing_acknowledged);
	RUN(a_fold_that_fails_is_tried_again);
	RUN(a_fold_that_ends_anywhere_loses_nothing);
	if (may_mount())
		RUN(full_disk_is_reported_and_survived);
	else
		SKIP(full_disk_is_reported_and_survived, "no mounts allowed");
	return tap_done();
}
