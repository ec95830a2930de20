#include "svc/user/userdb.h"
#include "svc/user/userdb_priv.h"

/* --- reading -------------------------------------------------------------------------- */

struct member_reading {
	userdb_member_fn *fn;
	void *arg;
};

static void give_member(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	struct member_reading *r = arg;
	struct userdb_member m = { .uri = c[0].s,
		                   .display_name = c[1].s,
		                   .account = (uint64_t)c[2].i,
		                   .disabled = c[3].i };
	r->fn(r->arg, &m);
}

int userdb_members(struct userdb *db, uint64_t group, uint32_t max, userdb_member_fn *fn, void *arg)
{
	static const char sql[] =
	        "select m.uri, coalesce(a.display_name, ''), coalesce(a.id, 0),"
	        " coalesce(a.disabled, 0) from member m left join account a on a.id = m.account"
	        " where m.grp = $1 order by m.uri limit $2";
	struct store_val params[] = { STORE_I(group), STORE_I(max) };
	struct member_reading r = { fn, arg };
	return store_read(db->store, sql, params, ARRAY_SIZE(params), give_member, &r);
}

static void take_count(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	*(int64_t *)arg = c[0].i;
}

int64_t userdb_count_members(struct userdb *db, uint64_t group)
{
	int64_t n = 0;
	struct store_val key = STORE_I(group);
	int r = store_read(db->store, "select count(*) from member where grp = $1", &key, 1,
	                   take_count, &n);
	return r < 0 ? -1 : n;
}

/* --- changing ------------------------------------------------------------------------- */

void userdb_add_group(struct userdb *db, struct str uri, struct str display_name,
                      userdb_done_fn *done, void *arg)
{
	struct store_val params[] = { STORE_I(db->last_account + 1), STORE_I(db->last_change + 1),
		                      STORE_S(uri), STORE_S(display_name),
		                      STORE_I(userdb_now_s(db)) };
	struct store_stmt stmt = { "insert into account (id, change, uri, display_name, created_at,"
		                   " kind) values ($1, $2, $3, $4, $5, 1)",
		                   params, ARRAY_SIZE(params) };
	userdb_write_rows(db, 0, &stmt, 1, done, arg);
}

/* The group's row changes with its members. */
static struct store_stmt touch(const struct store_val params[2])
{
	return (struct store_stmt){ "update account set change = $1 where id = $2", params, 2 };
}

void userdb_add_member(struct userdb *db, uint64_t group, struct str uri, uint64_t account,
                       userdb_done_fn *done, void *arg)
{
	struct store_val change[] = { STORE_I(db->last_change + 1), STORE_I(group) };
	struct store_val row[] = { STORE_I(group), STORE_S(uri),
		                   account ? STORE_I(account) : STORE_NONE,
		                   STORE_I(ACCT_MEMBERS_MAX) };
	const struct store_stmt stmts[] = {
		touch(change),
		{ "insert into member (grp, uri, account) select $1, $2, $3"
		  " where exists (select 1 from account where id = $1 and kind = 1)"
		  " and (select count(*) from member where grp = $1) < $4",
		  row, ARRAY_SIZE(row) },
	};
	userdb_write_rows(db, group, stmts, ARRAY_SIZE(stmts), done, arg);
}

void userdb_remove_member(struct userdb *db, uint64_t group, struct str uri, userdb_done_fn *done,
                          void *arg)
{
	struct store_val change[] = { STORE_I(db->last_change + 1), STORE_I(group) };
	struct store_val row[] = { STORE_I(group), STORE_S(uri) };
	const struct store_stmt stmts[] = {
		touch(change),
		{ "delete from member where grp = $1 and uri = $2", row, ARRAY_SIZE(row) },
	};
	userdb_write_rows(db, group, stmts, ARRAY_SIZE(stmts), done, arg);
}
