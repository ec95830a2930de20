#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "await.h"
#include "store/failing.h"
#include "tmpdir.h"

#define FIRST "create table t (k integer primary key, v text unique)"
static const struct store_migration schema[] = {
	{ 1, FIRST },
	{ 2,
	  "alter table t add column b blob; create table o (t integer not null references t(k))" },
	{ 0, NULL },
};
static const char insert[] = "insert into t (k, v) values ($1, $2)";
static const char count[] = "select count(*) from t";

struct done {
	int calls, err;
	int64_t id;
};

static void on_done(void *arg, int err, int64_t id)
{
	struct done *d = arg;
	d->calls++;
	d->err = err;
	d->id = id;
}

static struct store *open_at(struct loop *l, struct tmpdir *dir)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct store *s = store_open(l, tmpdir_file(dir, "s.db"), schema, &why);
	if (!OK(s != NULL))
		printf("# %.*s\n", (int)why.len, why.p);
	return s;
}

static int put(struct store *s, enum store_durability how, int64_t k, const char *v, struct done *d)
{
	struct store_val params[] = { STORE_I(k), v ? STORE_S(str_of(v)) : STORE_NONE };
	return store_write(s, how, &(struct store_stmt){ insert, params, 2 }, 1, on_done, d);
}

static void take_int(void *arg, const struct store_val *cols, int n UNUSED)
{
	*(int64_t *)arg = cols[0].i;
}

static int64_t rows(struct store *s)
{
	int64_t n = -1;
	EQ(store_read(s, count, NULL, 0, take_int, &n), 1);
	return n;
}

static bool has(struct store *s, int64_t k)
{
	struct store_val key = STORE_I(k);
	return store_read(s, "select 1 from t where k = $1", &key, 1, NULL, NULL) == 1;
}

/* --- values and statements ----------------------------------------------------------- */

struct row {
	int64_t k;
	char v[16], b[16];
	size_t v_len, b_len;
	enum store_type v_type, b_type;
};

static void take_row(void *arg, const struct store_val *c, int n)
{
	struct row *r = arg;
	EQ(n, 3);
	r->k = c[0].i;
	r->v_type = c[1].type;
	r->v_len = c[1].s.len;
	r->b_type = c[2].type;
	r->b_len = c[2].s.len;
	memcpy(r->b, c[2].s.p, c[2].s.len);
}

static void values_of_all_types_come_back(void)
{
	struct loop *l = loop_new();
	struct tmpdir dir;
	tmpdir_make(&dir);
	struct store *s = open_at(l, &dir);
	struct done d = { 0 };
	/* Numbered parameters in any order. */
	struct store_val params[] = { STORE_I(-5), STORE_B(bytes_of(STR("\0\xff\0"))),
		                      STORE_S(STR("")) };
	struct store_stmt st = { "insert into t (b, v, k) values ($2, $3, $1)", params, 3 };
	EQ(store_write(s, STORE_MUST, &st, 1, on_done, &d), 0);
	AWAIT(l, d.calls == 1);
	EQ(d.err, 0);
	EQ(d.id, 1);
	struct row r = { 0 };
	EQ(store_read(s, "select k, v, b from t", NULL, 0, take_row, &r), 1);
	EQ(r.k, -5);
	EQ(r.v_type, STORE_TEXT);
	EQ(r.v_len, 0);
	EQ(r.b_type, STORE_BLOB);
	OK(r.b_len == 3 && memcmp(r.b, "\0\xff\0", 3) == 0);
	EQ(store_read(s, "select no such", NULL, 0, NULL, NULL), -EIO);
	store_close(&s);
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
}

static void returning_gives_the_value(void)
{
	struct loop *l = loop_new();
	struct tmpdir dir;
	tmpdir_make(&dir);
	struct store *s = open_at(l, &dir);
	struct done d = { 0 }, none = { 0 };
	struct store_stmt st = { "insert into t (v) values ('a') returning k + 40", NULL, 0 };
	struct store_stmt update = { "update t set v = 'b' where k = 99", NULL, 0 };
	EQ(store_write(s, STORE_MUST, &st, 1, on_done, &d), 0);
	EQ(store_write(s, STORE_MUST, &update, 1, on_done, &none), 0);
	OK(d.calls == 0);
	AWAIT(l, none.calls == 1);
	EQ(d.id, 41);
	EQ(none.id, 0);
	store_close(&s);
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
}

struct some {
	struct store *s;
	int n, max;
};

static void take_some(void *arg, const struct store_val *c UNUSED, int n UNUSED)
{
	struct some *x = arg;
	if (++x->n == x->max)
		store_enough(x->s);
}

static void who_reads_ends_when_it_is_enough(void)
{
	static const char five[] = "select 1 union all select 2 union all select 3 union all"
	                           " select 4 union all select 5";
	struct loop *l = loop_new();
	struct tmpdir dir;
	tmpdir_make(&dir);
	struct store *s = open_at(l, &dir);
	struct some x = { s, 0, 2 };
	EQ(store_read(s, five, NULL, 0, take_some, &x), 2);
	EQ(x.n, 2);
	x = (struct some){ s, 0, 9 };
	EQ(store_read(s, five, NULL, 0, take_some, &x), 5);
	store_close(&s);
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
}

static void statements_of_one_write_are_all_or_none(void)
{
	struct loop *l = loop_new();
	struct tmpdir dir;
	tmpdir_make(&dir);
	struct store *s = open_at(l, &dir);
	struct done bad = { 0 }, good = { 0 }, orphan = { 0 };
	struct store_val one[] = { STORE_I(1), STORE_S(STR("x")) };
	struct store_val two[] = { STORE_I(2), STORE_S(STR("x")) };
	struct store_val three[] = { STORE_I(3), STORE_S(STR("y")) };
	struct store_stmt clash[] = { { insert, one, 2 }, { insert, two, 2 } };
	struct store_stmt fine[] = { { insert, one, 2 }, { insert, three, 2 } };
	struct store_stmt no_parent = { "insert into o (t) values (77)", NULL, 0 };
	EQ(store_write(s, STORE_MUST, clash, 2, on_done, &bad), 0);
	EQ(store_write(s, STORE_MUST, fine, 2, on_done, &good), 0);
	EQ(store_write(s, STORE_MUST, &no_parent, 1, on_done, &orphan), 0);
	AWAIT(l, orphan.calls == 1);
	EQ(bad.err, -EEXIST);
	EQ(good.err, 0);
	EQ(orphan.err, -EINVAL);
	EQ(rows(s), 2);
	store_close(&s);
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
}

static void limits_are_kept(void)
{
	struct loop *l = loop_new();
	struct tmpdir dir;
	tmpdir_make(&dir);
	struct store *s = open_at(l, &dir);
	struct done d = { 0 };
	char *big = xcalloc(1, STORE_WRITE_MAX + 1);
	struct store_val v = STORE_B(((struct bytes){ (uint8_t *)big, STORE_WRITE_MAX + 1 }));
	struct store_stmt st = { "insert into t (b) values ($1)", &v, 1 };
	EQ(store_write(s, STORE_MUST, &st, 1, on_done, &d), -E2BIG);
	EQ(store_write(s, STORE_MUST, &st, 0, on_done, &d), -E2BIG);
	int n = 0;
	while (put(s, STORE_SHOULD, ++n, NULL, &d) == 0)
		;
	EQ(n, STORE_QUEUE_MAX + 1);
	EQ(put(s, STORE_MUST, n, NULL, &d), -EAGAIN);
	AWAIT(l, d.calls == STORE_QUEUE_MAX);
	EQ(put(s, STORE_MUST, n, NULL, &d), 0);
	store_close(&s);
	EQ(d.calls, STORE_QUEUE_MAX + 1);
	free(big);
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
}

/* --- opening ------------------------------------------------------------------------- */

static void what_was_written_is_there_after_closing(void)
{
	struct loop *l = loop_new();
	struct tmpdir dir;
	tmpdir_make(&dir);
	struct store *s = open_at(l, &dir);
	struct done d = { 0 };
	EQ(put(s, STORE_SHOULD, 1, "a", &d), 0);
	EQ(put(s, STORE_SHOULD, 2, "b", &d), 0);
	store_close(&s);
	EQ(d.calls, 2);
	s = open_at(l, &dir);
	EQ(rows(s), 2);
	struct stat st;
	EQ(stat(tmpdir_file(&dir, "s.db"), &st), 0);
	EQ(st.st_mode & 0777, 0600);
	store_close(&s);
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
}

static void write_behind_is_written_without_being_asked(void)
{
	struct loop *l = loop_new();
	struct tmpdir dir;
	tmpdir_make(&dir);
	struct store *s = open_at(l, &dir);
	struct done d = { 0 };
	EQ(put(s, STORE_SHOULD, 1, "a", &d), 0);
	AWAIT(l, d.calls == 1);
	EQ(rows(s), 1);
	store_close(&s);
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
}

static void refused(struct loop *l, const char *path, const struct store_migration *m,
                    const char *reason)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	OK(store_open(l, path, m, &why) == NULL);
	if (!OK(str_find(buf_view(&why), str_of(reason)) >= 0))
		printf("# %.*s\n", (int)why.len, why.p);
}

static void files_that_cannot_be_used_are_explained(void)
{
	static const struct store_migration old[] = { { 1, FIRST }, { 0, NULL } };
	static const struct store_migration broken[] = { { 3, "create nonsense" }, { 0, NULL } };
	struct loop *l = loop_new();
	struct tmpdir dir;
	tmpdir_make(&dir);
	struct store *s = open_at(l, &dir);
	refused(l, tmpdir_file(&dir, "s.db"), schema, "in use by another process");
	store_close(&s);
	refused(l, tmpdir_file(&dir, "s.db"), old, "newer version");
	refused(l, tmpdir_file(&dir, "s.db"), broken, "cannot be read or brought up to date");
	refused(l, tmpdir_file(&dir, "no/s.db"), schema, "No such file");
	FILE *f = fopen(tmpdir_file(&dir, "s.db"), "r+");
	OK(f && fputs("this is no SQLite file any more", f) > 0 && fclose(f) == 0);
	refused(l, tmpdir_file(&dir, "s.db"), schema, "cannot be opened");
	refused(l, tmpdir_file(&dir, "s.db"), schema, "put back a backup of the whole directory");
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
}

/* The child has the file open, says so, and goes a moment later. */
static pid_t hold_for_a_moment(struct tmpdir *dir)
{
	int ready[2];
	char c;
	if (!OK(pipe(ready) == 0))
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		auto_(buf_free) struct buf why = buf_of(4096);
		struct loop *l = loop_new();
		bool good = store_open(l, tmpdir_file(dir, "s.db"), schema, &why) != NULL;
		(void)!write(ready[1], good ? "y" : "n", 1);
		(void)usleep(200000);
		_exit(0);
	}
	OK(read(ready[0], &c, 1) == 1 && c == 'y');
	(void)close(ready[0]);
	(void)close(ready[1]);
	return pid;
}

static void an_owner_that_is_about_to_go_is_waited_for(void)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct tmpdir dir;
	tmpdir_make(&dir);
	pid_t pid = hold_for_a_moment(&dir);
	struct loop *l = loop_new();
	struct store *s = store_open(l, tmpdir_file(&dir, "s.db"), schema, &why);
	OK(s != NULL);
	OK(waitpid(pid, NULL, 0) == pid);
	store_close(&s);
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
}

static void older_file_is_brought_up_to_date(void)
{
	static const struct store_migration old[] = { { 1, FIRST }, { 0, NULL } };
	auto_(buf_free) struct buf why = buf_of(4096);
	struct loop *l = loop_new();
	struct tmpdir dir;
	struct done d = { 0 };
	tmpdir_make(&dir);
	struct store *s = store_open(l, tmpdir_file(&dir, "s.db"), old, &why);
	EQ(put(s, STORE_MUST, 1, "a", &d), 0);
	store_close(&s);
	s = open_at(l, &dir);
	EQ(store_read(s, "select b from t where k = 1", NULL, 0, NULL, NULL), 1);
	store_close(&s);
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
}

/* --- failures ------------------------------------------------------------------------ */

enum { WRITES = 6 };

/* Writes while step n and all later ones fail.  Returns the steps taken; *ret_acked tells which
 * writes were said to be on disk. */
static unsigned write_failing(struct store *s, struct loop *l, unsigned n, int full,
                              bool ret_acked[WRITES])
{
	struct done d[WRITES] = { { 0 } };
	failing_from(n, full);
	for (int i = 0; i < WRITES; i++) {
		EQ(put(s, STORE_MUST, i, NULL, &d[i]), 0);
		AWAIT(l, d[i].calls == 1);
		OK(d[i].err == 0 || d[i].err == (full ? -ENOSPC : -EIO));
		ret_acked[i] = d[i].err == 0;
	}
	unsigned steps = failing_steps();
	failing_from(0, 0);
	return steps;
}

/* After every failure: what was acknowledged is there, what was refused is not, and the store works
 * again, at once and after the next start. */
static bool survives_failure_at(unsigned n, int full)
{
	struct loop *l = loop_new();
	struct tmpdir dir;
	bool acked[WRITES];
	struct done d = { 0 };
	tmpdir_make(&dir);
	struct store *s = open_at(l, &dir);
	unsigned steps = write_failing(s, l, n, full, acked);
	EQ(put(s, STORE_MUST, 100, NULL, &d), 0);
	AWAIT(l, d.calls == 1);
	EQ(d.err, 0);
	for (int again = 0; again < 2; again++) {
		for (int i = 0; i < WRITES; i++)
			OK(has(s, i) == acked[i]);
		OK(has(s, 100));
		EQ(store_read(s, "pragma integrity_check", NULL, 0, NULL, NULL), 1);
		store_close(&s);
		s = open_at(l, &dir);
	}
	store_close(&s);
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
	return steps < n;
}

static void failure_at_every_step_loses_nothing_acknowledged(void)
{
	for (int full = 0; full < 2; full++) {
		unsigned n = 1;
		while (n < 1000 && !survives_failure_at(n, full))
			n++;
		OK(n > WRITES && n < 1000);
	}
}

/* Fills the file system; returns the rows that were acknowledged. */
static int fill(struct store *s, struct loop *l)
{
	struct done d = { 0 };
	char text[4096];
	int acked = 0;
	memset(text, 'x', sizeof(text) - 8);
	for (int i = 0; i < 2000 && d.err == 0; i++) {
		(void)snprintf(text + sizeof(text) - 8, 8, "%d", i);
		d.calls = 0;
		EQ(put(s, STORE_MUST, i, text, &d), 0);
		AWAIT(l, d.calls == 1);
		acked += d.err == 0;
	}
	EQ(d.err, -ENOSPC);
	OK(acked > 0);
	return acked;
}

/* In a file system of 1 MB. */
static void full_disk_is_reported_and_survived(void)
{
	struct tmpdir dir;
	struct done d = { 0 };
	tmpdir_make(&dir);
	EQ(mount("none", dir.path, "tmpfs", 0, "size=1m"), 0);
	struct loop *l = loop_new();
	FILE *ballast = fopen(tmpdir_file(&dir, "ballast"), "w");
	OK(ballast && posix_fallocate(fileno(ballast), 0, 300 * 1024) == 0);
	struct store *s = open_at(l, &dir);
	int acked = fill(s, l);
	EQ(rows(s), acked);
	OK(unlink(tmpdir_file(&dir, "ballast")) == 0 && fclose(ballast) == 0);
	EQ(put(s, STORE_MUST, 10000, "room again", &d), 0);
	AWAIT(l, d.calls == 1);
	EQ(d.err, 0);
	store_close(&s);
	s = open_at(l, &dir);
	EQ(rows(s), acked + 1);
	store_close(&s);
	loop_free(&l);
	tmpdir_remove(&dir, "s.db");
	EQ(umount(dir.path), 0);
	(void)rmdir(dir.path);
}

/* Mounts of our own, where the system lets us. */
static bool can_mount(void)
{
	return (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* --- death --------------------------------------------------------------------------- */

struct writing {
	struct store *s;
	int fd;
	int64_t next;
};

static void tell_parent(void *arg, int err, int64_t id)
{
	struct writing *w = arg;
	if (err == 0 && write(w->fd, &id, sizeof(id)) != sizeof(id))
		_exit(1);
	struct store_val k = STORE_I(w->next++);
	static const char sql[] = "insert into t (k) values ($1) returning k";
	if (store_write(w->s, STORE_MUST, &(struct store_stmt){ sql, &k, 1 }, 1, tell_parent, w) <
	    0)
		_exit(1);
}

/* The child: writes for ever, tells the parent each row that is said to be on disk. */
static void write_for_ever(struct tmpdir *dir, int fd)
{
	struct loop *l = loop_new();
	struct writing w = { .s = open_at(l, dir), .fd = fd, .next = 1 };
	for (int i = 0; i < 5; i++)
		tell_parent(&w, -1, 0);
	loop_run(l);
	_exit(1);
}

static void killed_writer_loses_nothing_acknowledged(void)
{
	for (int round = 0; round < 5; round++) {
		struct tmpdir dir;
		int fds[2];
		int64_t k, last = 0;
		tmpdir_make(&dir);
		EQ(pipe(fds), 0);
		pid_t pid = fork();
		if (pid == 0)
			write_for_ever(&dir, fds[1]);
		(void)close(fds[1]);
		for (int i = 0; i < 50 + 37 * round; i++)
			OK(read(fds[0], &k, sizeof(k)) == sizeof(k));
		EQ(kill(pid, SIGKILL), 0);
		int status;
		EQ(waitpid(pid, &status, 0), pid);
		last = k;
		while (read(fds[0], &k, sizeof(k)) == sizeof(k))
			last = MAX(last, k);
		(void)close(fds[0]);
		struct loop *l = loop_new();
		struct store *s = open_at(l, &dir);
		OK(last >= 50 && rows(s) >= last);
		for (k = 1; k <= last; k++)
			OK(has(s, k));
		store_close(&s);
		loop_free(&l);
		tmpdir_remove(&dir, "s.db");
	}
}

int main(void)
{
	failing_install();
	RUN(values_of_all_types_come_back);
	RUN(returning_gives_the_value);
	RUN(who_reads_ends_when_it_is_enough);
	RUN(statements_of_one_write_are_all_or_none);
	RUN(limits_are_kept);
	RUN(what_was_written_is_there_after_closing);
	RUN(write_behind_is_written_without_being_asked);
	RUN(files_that_cannot_be_used_are_explained);
	RUN(an_owner_that_is_about_to_go_is_waited_for);
	RUN(older_file_is_brought_up_to_date);
	RUN(failure_at_every_step_loses_nothing_acknowledged);
	RUN(killed_writer_loses_nothing_acknowledged);
	if (can_mount())
		RUN(full_disk_is_reported_and_survived);
	else
		SKIP(full_disk_is_reported_and_survived, "no file system may be mounted here");
	return tap_done();
}
