#include "store/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/sql.h"

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
	if (me->a->is_mine(me->a->arg, (uint64_t)c[0].i))
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

int store_adopt(const char *path, const struct store_migration *m, const char *other,
                const struct store_adoption *a, struct buf *why)
{
	struct adopting me = { .a = a };
	struct sql from;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600); /* for its owner's eyes alone */
	if (fd >= 0)
		(void)close(fd);
	int r = sql_open(&me.own, path, why);
	if (r < 0)
		return r;
	r = sql_migrate(&me.own, path, m, why);
	if (r == 0)
		r = sql_open(&from, other, why);
	if (r == 0) {
		r = adopt_all(&me, &from);
		sql_close(&from);
		if (r < 0)
			buf_printf(why, "Users could not be taken over from %s: %s.", other,
			           strerror(-r));
	}
	sql_close(&me.own);
	return r < 0 ? r : me.n;
}
