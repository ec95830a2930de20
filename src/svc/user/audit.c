#include "svc/user/audit.h"

#include "base/base.h"
#include "svc/user/userdb_priv.h"

static const int64_t day_s = 86400;

/* Now and then: the index has to be walked over what stays. */
static void prune(struct userdb *db, int64_t now)
{
	struct store_val old = STORE_I(now - AUDIT_DAYS_KEPT * day_s);
	struct store_val kept = STORE_I(AUDIT_ROWS_KEPT);
	const struct store_stmt stmts[] = {
		{ "delete from audit where at < $1", &old, 1 },
		{ "delete from audit where changes = 0 and number <= (select number from audit"
		  " where changes = 0 order by number desc limit 1 offset $1)",
		  &kept, 1 },
		{ "delete from audit where changes = 1 and number <= (select number from audit"
		  " where changes = 1 order by number desc limit 1 offset $1)",
		  &kept, 1 },
	};
	userdb_write_own(db, 0, stmts, ARRAY_SIZE(stmts), NULL, NULL);
}

uint64_t audit_begin(struct userdb *db, const struct audit_row *row, userdb_done_fn *done,
                     void *arg)
{
	uint64_t number = ++db->last_audit;
	int64_t now = userdb_now_s(db);
	struct store_val p[] = { STORE_I(number),      STORE_I(now),          STORE_S(row->user),
		                 STORE_S(row->peer),   STORE_S(row->command), STORE_S(row->args),
		                 STORE_I(row->changes) };
	const struct store_stmt stmt = {
		"insert into audit (number, at, user, peer, command, args, result, changes)"
		" values ($1, $2, $3, $4, $5, $6, 'begun', $7)",
		p, ARRAY_SIZE(p)
	};
	userdb_write_own(db, number, &stmt, 1, done, arg);
	if (number % AUDIT_PRUNE_EVERY == 0)
		prune(db, now);
	return number;
}

void audit_end(struct userdb *db, uint64_t number, struct str result)
{
	struct store_val p[] = { STORE_I(number), STORE_S(str_sub(result, 0, AUDIT_RESULT_MAX)) };
	struct store_stmt stmt = { "update audit set result = $2 where number = $1", p,
		                   ARRAY_SIZE(p) };
	userdb_write_own(db, number, &stmt, 1, NULL, NULL);
}

struct listing {
	audit_fn *fn;
	void *arg;
};

static void give_row(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	struct listing *l = arg;
	struct audit_row row = { .number = (uint64_t)c[0].i,
		                 .at = c[1].i,
		                 .user = c[2].s,
		                 .peer = c[3].s,
		                 .command = c[4].s,
		                 .args = c[5].s,
		                 .result = c[6].s };
	l->fn(l->arg, &row);
}

int audit_list(struct userdb *db, const struct audit_query *q, audit_fn *fn, void *arg)
{
	static const char all[] = "select number, at, user, peer, command, args, result from audit"
	                          " where ($1 = 0 or number < $1) order by number desc limit $2";
	static const char of_user[] =
	        "select number, at, user, peer, command, args, result from audit"
	        " where ($1 = 0 or number < $1) and user = $3 order by number desc limit $2";
	struct listing l = { fn, arg };
	struct store_val p[] = { STORE_I(q->before), STORE_I(MIN(q->max, (uint32_t)AUDIT_LIST_MAX)),
		                 STORE_S(q->user) };
	bool one = q->user.len > 0;
	return store_read(db->store, one ? of_user : all, p, one ? 3 : 2, give_row, &l);
}
