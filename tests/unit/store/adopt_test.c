#include "store/adopt.h"

#include "store/record.h"
#include "store/sql.h"
#include "tap.h"
#include "tmpdir.h"

static const struct store_migration schema[] = {
	{ 1, "create table t (k integer primary key, g integer not null, v text)" },
	{ 0, NULL },
};
static const struct store_migration other_schema[] = {
	{ 1, "create table unrelated (k integer primary key)" },
	{ 0, NULL },
};

static bool is_even(void *arg UNUSED, uint64_t key)
{
	return key % 2 == 0;
}

static const struct store_adoption even = {
	.read = "select k, g, v from t",
	.get = "select g from t where k = $1",
	.put = "insert or replace into t (k, g, v) values ($1, $2, $3)",
	.drop = "delete from t where k = $1",
	.is_mine = is_even,
};

static void put(const char *path, int64_t k, int64_t g, const char *v)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct sql s;
	struct store_val vals[] = { STORE_I(k), STORE_I(g), STORE_S(str_of(v)) };
	EQ(sql_open(&s, path, &why), 0);
	EQ(sql_migrate(&s, path, schema, &why), 0);
	OK(sql_run(&s, even.put, vals, 3, NULL, NULL) >= 0);
	sql_close(&s);
}

struct found {
	int64_t g;
	char v[16];
};

static void take_row(void *arg, const struct store_val *c, int n UNUSED)
{
	struct found *f = arg;
	f->g = c[0].i;
	(void)snprintf(f->v, sizeof(f->v), "%.*s", (int)c[1].s.len, c[1].s.p);
}

static struct found get(const char *path, int64_t k)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct found f = { .g = -1 };
	struct sql s;
	struct store_val vals[] = { STORE_I(k) };
	EQ(sql_open(&s, path, &why), 0);
	OK(sql_run(&s, "select g, v from t where k = $1", vals, 1, take_row, &f) >= 0);
	sql_close(&s);
	return f;
}

static int adopt(const char *own, const char *other)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	return store_adopt(own, schema, other, &even, &why);
}

struct files {
	struct tmpdir dir;
	char own[128], other[128];
};

static void make_files(struct files *f)
{
	tmpdir_make(&f->dir);
	(void)snprintf(f->own, sizeof(f->own), "%s", tmpdir_file(&f->dir, "own.db"));
	(void)snprintf(f->other, sizeof(f->other), "%s", tmpdir_file(&f->dir, "other.db"));
}

static void remove_files(struct files *f)
{
	tmpdir_remove(&f->dir, "other.db");
	tmpdir_remove(&f->dir, "own.db");
}

static void own_keys_are_taken_and_counted_up(void)
{
	struct files f;
	make_files(&f);
	put(f.other, 2, 1, "two");
	put(f.other, 3, 1, "three");
	EQ(adopt(f.own, f.other), 1);
	struct found two = get(f.own, 2);
	EQ(two.g, 2);
	OK(strcmp(two.v, "two") == 0);
	EQ(get(f.own, 3).g, -1);
	EQ(adopt(f.own, f.other), 0); /* again: nothing new */
	EQ(get(f.own, 2).g, 2);
	remove_files(&f);
}

static void the_higher_generation_wins(void)
{
	struct files f;
	make_files(&f);
	put(f.own, 2, 5, "mine");
	put(f.own, 4, 1, "old");
	put(f.other, 2, 4, "old");
	put(f.other, 4, 2, "new");
	EQ(adopt(f.own, f.other), 1);
	OK(strcmp(get(f.own, 2).v, "mine") == 0);
	OK(strcmp(get(f.own, 4).v, "new") == 0);
	remove_files(&f);
}

static void what_its_owner_has_newer_is_dropped(void)
{
	struct files f;
	make_files(&f);
	put(f.own, 3, 1, "stale");
	put(f.own, 5, 3, "still newest");
	put(f.other, 3, 2, "new");
	put(f.other, 5, 2, "older");
	EQ(adopt(f.own, f.other), 0);
	EQ(get(f.own, 3).g, -1);
	EQ(get(f.own, 5).g, 3);
	remove_files(&f);
}

static void a_file_without_the_table_has_nothing(void)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct files f;
	struct sql s;
	make_files(&f);
	EQ(sql_open(&s, f.other, &why), 0);
	EQ(sql_migrate(&s, f.other, other_schema, &why), 0);
	sql_close(&s);
	EQ(adopt(f.own, f.other), 0);
	remove_files(&f);
}

static const struct store_migration log_schema[] = {
	{ 1, "create table t (k integer primary key, g integer not null, v text);"
	     "create table l (n integer primary key, k integer not null, v text)" },
	{ 0, NULL },
};
static const struct store_merging merging = {
	.keys = "select min(k) from l where k > $1",
	.mark = "select max(n) from l where k = $1",
	.table = { { .read = "select n, k, v from l where k = $1 and n > coalesce($2, 0)",
	             .put = "insert or ignore into l (n, k, v) values ($1, $2, $3)",
	             .put_record = "insert or ignore into l (n, k, v) values ($1, $5, $4)" } },
	.record_keys = { 1, 2 },
	.is_mine = is_even,
};

static void put_log(const char *path, int64_t n, int64_t k)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct sql s;
	struct store_val vals[] = { STORE_I(n), STORE_I(k), STORE_S(STR("x")) };
	EQ(sql_open(&s, path, &why), 0);
	EQ(sql_migrate(&s, path, log_schema, &why), 0);
	OK(sql_run(&s, merging.table[0].put, vals, 3, NULL, NULL) >= 0);
	sql_close(&s);
}

static int merge(const char *own, const char *other)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	return store_merge(own, log_schema, other, &merging, &why);
}

static void rows_that_only_come_are_copied_once(void)
{
	struct files f;
	make_files(&f);
	put_log(f.other, 1, 2);
	put_log(f.other, 2, 3);
	put_log(f.other, 3, 2);
	put_log(f.other, 4, 4);
	EQ(merge(f.own, f.other), 3);
	EQ(merge(f.own, f.other), 0);
	put_log(f.other, 5, 2);
	EQ(merge(f.own, f.other), 1);
	remove_files(&f);
}

static void a_file_without_such_rows_has_nothing_to_copy(void)
{
	struct files f;
	make_files(&f);
	put(f.other, 2, 1, "two");
	EQ(merge(f.own, f.other), 0);
	remove_files(&f);
}

/* A log that a killed process has left: records {number, key, other key, text}. */
static void leave_log(const char *path, int i, const int64_t records[][3], size_t n)
{
	char file[160];
	const struct hash_key key = { 1, 2 };
	auto_(buf_free) struct buf b = buf_of(4096);
	record_put_head(&b, &key);
	for (size_t k = 0; k < n; k++) {
		const int64_t *r = records[k];
		struct store_val v[] = { STORE_I(r[0]), STORE_I(r[1]), STORE_I(r[2]),
			                 STORE_S(STR("logged")) };
		record_put(&b, &key, v, ARRAY_SIZE(v));
	}
	(void)snprintf(file, sizeof(file), "%s-log%d", path, i);
	FILE *f = fopen(file, "w");
	OK(f && fwrite(b.p, 1, b.len, f) == b.len && fclose(f) == 0);
}

static void drop_logs(const char *path)
{
	char file[160];
	for (int i = 0; i < 2; i++) {
		(void)snprintf(file, sizeof(file), "%s-log%d", path, i);
		(void)unlink(file);
	}
}

static void what_is_in_the_log_alone_is_copied_too(void)
{
	static const int64_t older[][3] = { { 11, 2, 3 }, { 12, 5, 0 } };
	static const int64_t newer[][3] = { { 13, 3, 4 }, { 14, 2, 0 } };
	struct files f;
	make_files(&f);
	put_log(f.other, 1, 2);
	leave_log(f.other, 1, older, 2);
	leave_log(f.other, 0, newer, 2);
	/* 1 of the table; 11, 13 for the key 4 and 14 of the log. */
	EQ(merge(f.own, f.other), 4);
	EQ(merge(f.own, f.other), 0);
	/* What has gone into the tables meanwhile is the same. */
	put_log(f.other, 11, 2);
	put_log(f.other, 14, 2);
	EQ(merge(f.own, f.other), 0);
	drop_logs(f.other);
	remove_files(&f);
}

static void what_is_newer_here_is_not_taken_from_an_old_log(void)
{
	static const int64_t old[][3] = { { 11, 2, 4 } };
	struct files f;
	make_files(&f);
	put_log(f.own, 20, 2);
	leave_log(f.other, 0, old, 1);
	EQ(merge(f.own, f.other), 1); /* for the key 4 */
	drop_logs(f.other);
	remove_files(&f);
}

int main(void)
{
	RUN(own_keys_are_taken_and_counted_up);
	RUN(the_higher_generation_wins);
	RUN(what_its_owner_has_newer_is_dropped);
	RUN(a_file_without_the_table_has_nothing);
	RUN(rows_that_only_come_are_copied_once);
	RUN(a_file_without_such_rows_has_nothing_to_copy);
	RUN(what_is_in_the_log_alone_is_copied_too);
	RUN(what_is_newer_here_is_not_taken_from_an_old_log);
	return tap_done();
}
