#include "store/sql.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <sqlite3.h>

enum { BUSY_MS = 5000 };

struct sql_stmt {
	const char *sql;
	sqlite3_stmt *stmt;
	unsigned n_params;
	uint8_t param[STORE_PARAMS_MAX]; /* SQLite's index - 1 -> ours: $N is N - 1 */
};

/* --- errors -------------------------------------------------------------------------- */

static int to_errno(sqlite3 *db)
{
	int code = sqlite3_extended_errcode(db);
	switch (code & 0xff) {
	case SQLITE_CONSTRAINT:
		return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
		                       code == SQLITE_CONSTRAINT_ROWID
		               ? -EEXIST
		               : -EINVAL;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_TOOBIG:
		return -E2BIG;
	default:
		return -EIO;
	}
}

/* --- opening ------------------------------------------------------------------------- */

static const char *const pragmas[] = {
	"pragma journal_mode = wal",   "pragma synchronous = full",  "pragma foreign_keys = on",
	"pragma trusted_schema = off", "pragma temp_store = memory",
};

static int set_up(struct sql *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(pragmas); i++)
		if (sqlite3_exec(s->db, pragmas[i], NULL, NULL, NULL) != SQLITE_OK)
			return to_errno(s->db);
	return 0;
}

/* What helps against it; a text that begins with a blank, or none. */
static const char *remedy(sqlite3 *db)
{
	switch (sqlite3_extended_errcode(db) & 0xff) {
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return STORE_WAY_RIGHTS;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return STORE_WAY_DAMAGE;
	default:
		return "";
	}
}

int sql_open(struct sql *ret, const char *path, struct buf *why)
{
	struct sql s = { 0 };
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
	            SQLITE_OPEN_EXRESCODE;
	int r = sqlite3_open_v2(path, &s.db, flags, NULL) == SQLITE_OK ? 0 : -EIO;
	if (r == 0) {
		(void)sqlite3_busy_timeout(s.db, BUSY_MS);
		r = set_up(&s);
	}
	if (r < 0) {
		buf_printf(why, "The store %s cannot be opened: %s.%s", path,
		           s.db ? sqlite3_errmsg(s.db) : "no memory", s.db ? remedy(s.db) : "");
		(void)sqlite3_close(s.db);
		return r;
	}
	s.cache = xcalloc(SQL_CACHE_MAX, sizeof(*s.cache));
	*ret = s;
	return 0;
}

void sql_close(struct sql *s)
{
	for (unsigned i = 0; i < s->n_cached; i++)
		(void)sqlite3_finalize(s->cache[i].stmt);
	free(s->cache);
	(void)sqlite3_close(s->db);
	*s = (struct sql){ 0 };
}

/* --- statements ---------------------------------------------------------------------- */

/* SQLite numbers "$2 ... $1" by first appearance; we go by the name. */
static int map_params(struct sql_stmt *c)
{
	int n = sqlite3_bind_parameter_count(c->stmt);
	if (n > STORE_PARAMS_MAX)
		return -E2BIG;
	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_bind_parameter_name(c->stmt, i + 1);
		uint32_t number = 0;
		if (!name || name[0] != '$' ||
		    str_to_u32(str_of(name + 1), STORE_PARAMS_MAX, &number) < 0 || number == 0)
			return -EINVAL;
		c->param[i] = (uint8_t)(number - 1);
	}
	c->n_params = (unsigned)n;
	return 0;
}

static int prepare(struct sql *s, const char *sql, struct sql_stmt **ret)
{
	struct sql_stmt c = { .sql = sql };
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &c.stmt, NULL) !=
	    SQLITE_OK)
		return to_errno(s->db);
	int r = map_params(&c);
	if (r < 0) {
		(void)sqlite3_finalize(c.stmt);
		return r;
	}
	if (s->n_cached == SQL_CACHE_MAX)
		(void)sqlite3_finalize(s->cache[--s->n_cached].stmt);
	s->cache[s->n_cached] = c;
	*ret = &s->cache[s->n_cached++];
	return 0;
}

static int find(struct sql *s, const char *sql, struct sql_stmt **ret)
{
	for (unsigned i = 0; i < s->n_cached; i++) {
		if (s->cache[i].sql == sql) {
			*ret = &s->cache[i];
			return 0;
		}
	}
	return prepare(s, sql, ret);
}

static int bind(sqlite3_stmt *stmt, int at, const struct store_val *v)
{
	const char *p = v->s.p ? v->s.p : "";
	switch (v->type) {
	case STORE_INT:
		return sqlite3_bind_int64(stmt, at, v->i);
	case STORE_TEXT:
		return sqlite3_bind_text64(stmt, at, p, v->s.len, SQLITE_STATIC, SQLITE_UTF8);
	case STORE_BLOB:
		return sqlite3_bind_blob64(stmt, at, p, v->s.len, SQLITE_STATIC);
	case STORE_NULL:
		break;
	}
	return sqlite3_bind_null(stmt, at);
}

static struct store_val column(sqlite3_stmt *stmt, int i)
{
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		return STORE_I(sqlite3_column_int64(stmt, i));
	case SQLITE_NULL:
		return STORE_NONE;
	case SQLITE_BLOB: {
		const void *p = sqlite3_column_blob(stmt, i);
		return (struct store_val){ .type = STORE_BLOB,
			                   .s = { p, (size_t)sqlite3_column_bytes(stmt, i) } };
	}
	default: {
		const void *p = sqlite3_column_text(stmt, i);
		return STORE_S(str_n(p, (size_t)sqlite3_column_bytes(stmt, i)));
	}
	}
}

static void give_row(sqlite3_stmt *stmt, store_row_fn *fn, void *arg)
{
	struct store_val cols[STORE_COLS_MAX];
	int n = MIN(sqlite3_column_count(stmt), (int)STORE_COLS_MAX);
	if (!fn)
		return;
	for (int i = 0; i < n; i++)
		cols[i] = column(stmt, i);
	fn(arg, cols, n);
}

static int step_all(struct sql *s, sqlite3_stmt *stmt, store_row_fn *fn, void *arg)
{
	int rows = 0;
	for (s->enough = false; !s->enough; rows++) {
		int r = sqlite3_step(stmt);
		if (r == SQLITE_DONE)
			return rows;
		if (r != SQLITE_ROW)
			return to_errno(s->db);
		give_row(stmt, fn, arg);
	}
	return rows;
}

int sql_run(struct sql *s, const char *sql, const struct store_val *params, size_t n_params,
            store_row_fn *fn, void *arg)
{
	struct sql_stmt *c;
	int r = find(s, sql, &c);
	if (r < 0)
		return r;
	sqlite3_stmt *stmt = c->stmt;
	bool bound = true;
	for (unsigned i = 0; i < c->n_params; i++) {
		assert(c->param[i] < n_params);
		bound = bound && bind(stmt, (int)i + 1, &params[c->param[i]]) == SQLITE_OK;
	}
	r = bound ? step_all(s, stmt, fn, arg) : to_errno(s->db);
	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	return r;
}

int64_t sql_changes(const struct sql *s)
{
	return sqlite3_changes64(s->db);
}

bool sql_in_transaction(const struct sql *s)
{
	return !sqlite3_get_autocommit(s->db);
}

/* --- migrations ---------------------------------------------------------------------- */

static void take_int(void *arg, const struct store_val *cols, int n_cols UNUSED)
{
	*(int64_t *)arg = cols[0].i;
}

static int apply(struct sql *s, const struct store_migration *m)
{
	struct buf b = buf_of(64 * 1024);
	buf_printf(&b, "begin immediate;%s;pragma user_version = %u;commit", m->sql, m->number);
	buf_char(&b, 0);
	assert(!b.full);
	int r = 0;
	if (sqlite3_exec(s->db, b.p, NULL, NULL, NULL) != SQLITE_OK) {
		r = to_errno(s->db);
		if (sql_in_transaction(s))
			(void)sqlite3_exec(s->db, "rollback", NULL, NULL, NULL);
	}
	buf_free(&b);
	return r;
}

int sql_migrate(struct sql *s, const char *path, const struct store_migration *m, struct buf *why)
{
	int64_t have = 0, last = 0;
	for (const struct store_migration *i = m; i->sql; i++)
		last = i->number;
	int r = sql_run(s, "pragma user_version", NULL, 0, take_int, &have);
	if (r >= 0 && have > last) {
		buf_printf(why,
		           "The store %s was written by a newer version of Dialtone (format %lld, "
		           "this program knows %lld). Start the newer version, or put back the "
		           "backup made before the upgrade.",
		           path, (long long)have, (long long)last);
		return -EPROTO;
	}
	for (; r >= 0 && m->sql; m++)
		if (m->number > have)
			r = apply(s, m);
	if (r < 0)
		buf_printf(why, "The store %s cannot be read or brought up to date: %s.", path,
		           r == -ENOSPC ? "the disk is full" : sqlite3_errmsg(s->db));
	return MIN(r, 0);
}
