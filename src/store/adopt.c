#include "store/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/inside.h"
#include "store/record.h"

struct adopting {
	struct sql own;
	const struct store_adoption *a;
	int n, err;
};

static void take_generation(void *arg, const struct store_val *c, int n UNUSED)
{
	*(int64_t *)arg = c[0].i;
}

static void adopt_row(struct adopting *me, const struct store_val *c, int n)
{
	struct store_val v[STORE_COLS_MAX];
	memcpy(v, c, (size_t)n * sizeof(*v));
	v[1].i++;
	int r = sql_run(&me->own, me->a->put, v, (size_t)n, NULL, NULL);
	me->err = MIN(r, 0);
	me->n += r >= 0;
}

static void on_row(void *arg, const struct store_val *c, int n)
{
	struct adopting *me = arg;
	int64_t generation = -1;
	if (me->err < 0)
		return;
	int r = sql_run(&me->own, me->a->get, c, 1, take_generation, &generation);
	if (r < 0 || generation >= c[1].i) {
		me->err = MIN(r, 0);
		return;
	}
	if (me->a->is_mine(me->a->arg, (uint64_t)c[me->a->owner].i))
		adopt_row(me, c, n);
	else if (generation >= 0)
		me->err = MIN(sql_run(&me->own, me->a->drop, c, 1, NULL, NULL), 0);
}

static int adopt_all(struct adopting *me, struct sql *other)
{
	int r = sql_run(&me->own, "begin immediate", NULL, 0, NULL, NULL);
	if (r < 0)
		return r;
	/* A file from before there was such a table has nothing to take. */
	if (sql_run(other, me->a->read, NULL, 0, on_row, me) < 0)
		me->n = 0;
	r = sql_run(&me->own, me->err < 0 ? "rollback" : "commit", NULL, 0, NULL, NULL);
	return me->err < 0 ? me->err : MIN(r, 0);
}

/* Both files, the own one migrated. */
static int open_both(struct sql *own, struct sql *from, const char *const path[2],
                     const struct store_migration *m, struct buf *why)
{
	int fd = open(path[0], O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* for its owner's eyes alone */
	if (fd >= 0)
		(void)close(fd);
	int r = sql_open(own, path[0], why);
	if (r < 0)
		return r;
	r = sql_migrate(own, path[0], m, why);
	if (r == 0)
		r = sql_open(from, path[1], why);
	if (r < 0)
		sql_close(own);
	return r;
}

static int close_both(struct sql *own, struct sql *from, const char *other, int r, struct buf *why)
{
	sql_close(from);
	sql_close(own);
	if (r < 0)
		buf_printf(why, "Users could not be taken over from %s: %s.", other, strerror(-r));
	return r;
}

int store_adopt(const char *path, const struct store_migration *m, const char *other,
                const struct store_adoption *a, struct buf *why)
{
	struct adopting me = { .a = a };
	struct sql from;
	int r = open_both(&me.own, &from, (const char *const[]){ path, other }, m, why);
	if (r < 0)
		return r;
	r = adopt_all(&me, &from);
	r = close_both(&me.own, &from, other, r, why);
	return r < 0 ? r : me.n;
}

/* --- rows that only come ------------------------------------------------------------------- */

struct merging {
	struct sql own, from;
	const struct store_merging *a;
	const char *put;
	int n, err;
};

static void take_value(void *arg, const struct store_val *c, int n UNUSED)
{
	*(struct store_val *)arg = c[0].type == STORE_INT ? STORE_I(c[0].i) : STORE_NONE;
}

static void merge_row(void *arg, const struct store_val *c, int n)
{
	struct merging *me = arg;
	if (me->err < 0)
		return;
	int r = sql_run(&me->own, me->put, c, (size_t)n, NULL, NULL);
	if (r < 0)
		me->err = r;
	else if (me->put == me->a->table[0].put)
		me->n += (int)sql_changes(&me->own);
}

static int merge_key(struct merging *me, struct store_val key)
{
	struct store_val v[2] = { key, STORE_NONE };
	int r = sql_run(&me->own, me->a->mark, v, 1, take_value, &v[1]);
	for (int i = 0; i < STORE_MERGE_TABLES_MAX && me->a->table[i].read && r >= 0; i++) {
		me->put = me->a->table[i].put;
		r = sql_run(&me->from, me->a->table[i].read, v, 2, merge_row, me);
		r = r < 0 ? r : me->err;
	}
	return r;
}

static int merge_keys(struct merging *me)
{
	struct store_val key = STORE_I(0);
	for (;;) {
		struct store_val after = key;
		/* A file from before there was such a table has nothing to take. */
		if (sql_run(&me->from, me->a->keys, &after, 1, take_value, &key) < 0 ||
		    key.type != STORE_INT || key.i == after.i)
			return 0;
		if (!me->a->is_mine(me->a->arg, (uint64_t)key.i))
			continue;
		int r = merge_key(me, key);
		if (r < 0)
			return r;
	}
}

/* --- and are in its log alone -------------------------------------------------------------- */

/* v: the values of the record, and room for one more. */
static int merge_record(struct merging *me, struct store_val *v, int n, struct store_val key)
{
	struct store_val mark = STORE_NONE;
	int r = sql_run(&me->own, me->a->mark, &key, 1, take_value, &mark);
	if (r < 0 || (mark.type == STORE_INT && mark.i >= v[0].i))
		return MIN(r, 0);
	v[n] = key;
	for (int i = 0; i < STORE_MERGE_TABLES_MAX && me->a->table[i].put_record && r >= 0; i++)
		r = sql_run(&me->own, me->a->table[i].put_record, v, (size_t)n + 1, NULL, NULL);
	me->n += r >= 0;
	return MIN(r, 0);
}

static int merge_log(struct merging *me, const struct list *rows)
{
	struct store_val v[STORE_PARAMS_MAX + 1];
	int r = 0;
	for (struct list *it = rows->next; it != rows && r >= 0; it = it->next) {
		const struct log_row *row = list_entry(it, struct log_row, node);
		int n = record_get(v, log_row_bytes(row));
		for (size_t i = 0; i < ARRAY_SIZE(me->a->record_keys) && r >= 0; i++) {
			unsigned at = me->a->record_keys[i];
			if ((int)at < n && v[at].i != 0 &&
			    me->a->is_mine(me->a->arg, (uint64_t)v[at].i))
				r = merge_record(me, v, n, v[at]);
		}
	}
	return r;
}

/* The log is read first, and the tables as they are at one moment: what goes from the one into the
 * other meanwhile is seen in one of them at least. */
static int merge_all(struct merging *me, const struct list *rows)
{
	int r = sql_run(&me->from, "begin", NULL, 0, NULL, NULL);
	if (r >= 0)
		r = sql_run(&me->own, "begin immediate", NULL, 0, NULL, NULL);
	if (r >= 0)
		r = merge_keys(me);
	if (r >= 0)
		r = merge_log(me, rows);
	if (r >= 0)
		r = sql_run(&me->own, "commit", NULL, 0, NULL, NULL);
	return MIN(r, 0);
}

int store_merge(const char *path, const struct store_migration *m, const char *other,
                const struct store_merging *a, struct buf *why)
{
	struct merging me = { .a = a };
	struct list rows;
	list_init(&rows);
	auto_(arena_free) struct arena *memory = arena_new();
	int r = a->table[0].put_record ? log_load(memory, &rows, other) : 0;
	if (r < 0) {
		buf_printf(why, "The log of %s cannot be read: %s.", other, strerror(-r));
		return r;
	}
	r = open_both(&me.own, &me.from, (const char *const[]){ path, other }, m, why);
	if (r < 0)
		return r;
	r = close_both(&me.own, &me.from, other, merge_all(&me, &rows), why);
	return r < 0 ? r : me.n;
}
