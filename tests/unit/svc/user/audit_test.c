#include "svc/user/audit.h"

#include <stdlib.h>

#include "await.h"
#include "svc/user/schema.h"
#include "svc/user/userdb_priv.h"
#include "tmpdir.h"

enum { ROWS_MAX = 16 };

static const struct str domains[] = { STR_INIT("example.test") };
static const uint8_t key[SEAL_KEY_LEN] = { 1, 2, 3 };

struct fixture {
	struct loop *l;
	struct tmpdir dir;
	struct userdb *db;
	unsigned done;
	int err;
	uint64_t number[ROWS_MAX];
	char result[ROWS_MAX][64];
	size_t n;
};

static void reopen(struct fixture *f)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct userdb_config c = {
		.realm = STR("realm.test"), .domains = domains, .n_domains = 1, .seal_key = key
	};
	userdb_close(&f->db);
	f->db = userdb_open(f->l, tmpdir_file(&f->dir, "users.db"), &c, &why);
	OK(f->db && why.len == 0);
}

static struct fixture *start(void)
{
	struct fixture *f = xnew(struct fixture);
	f->l = loop_new();
	tmpdir_make(&f->dir);
	reopen(f);
	return f;
}

static void end(struct fixture *f)
{
	userdb_close(&f->db);
	loop_free(&f->l);
	tmpdir_remove(&f->dir, "users.db");
	free(f);
}

static void on_done(void *arg, int err, uint64_t id UNUSED)
{
	struct fixture *f = arg;
	f->done++;
	f->err = err;
}

static uint64_t begin(struct fixture *f, const char *user, const char *command)
{
	unsigned before = f->done;
	struct audit_row row = { .user = str_of(user),
		                 .peer = STR("192.0.2.1"),
		                 .command = str_of(command),
		                 .args = STR("{}") };
	uint64_t number = audit_begin(f->db, &row, on_done, f);
	AWAIT(f->l, f->done == before + 1);
	EQ(f->err, 0);
	return number;
}

static void take_row(void *arg, const struct audit_row *row)
{
	struct fixture *f = arg;
	EQ_STR(row->peer, "192.0.2.1");
	OK(row->at > 0);
	if (f->n == ROWS_MAX)
		return;
	struct buf b = BUF_ON(f->result[f->n]);
	buf_str(&b, row->result);
	buf_char(&b, '\0');
	f->number[f->n++] = row->number;
}

static size_t list(struct fixture *f, const char *user, uint64_t before, uint32_t max)
{
	f->n = 0;
	int n = audit_list(f->db, &(struct audit_query){ str_of(user), before, max }, take_row, f);
	EQ(n, (int)f->n);
	return f->n;
}

/* What was written before this is on the disk. */
static void settle(struct fixture *f)
{
	(void)begin(f, "settle@example.test", "status");
}

static void rows_are_listed_the_last_first(void)
{
	struct fixture *f = start();
	uint64_t a = begin(f, "alice@example.test", "user add");
	uint64_t b = begin(f, "bob@example.test", "user disable");
	uint64_t c = begin(f, "alice@example.test", "user enable");
	EQ(list(f, "", 0, 10), 3);
	EQ(f->number[0], c);
	EQ(f->number[2], a);
	EQ(list(f, "alice@example.test", 0, 10), 2);
	EQ(f->number[1], a);
	EQ(list(f, "", c, 1), 1);
	EQ(f->number[0], b);
	EQ(list(f, "", a, 10), 0);
	EQ(list(f, "nobody@example.test", 0, 10), 0);
	end(f);
}

static void the_end_is_added_and_stays(void)
{
	struct fixture *f = start();
	uint64_t a = begin(f, "alice@example.test", "user add");
	uint64_t b = begin(f, "alice@example.test", "user set");
	audit_end(f->db, a, STR("done"));
	settle(f);
	EQ(list(f, "alice@example.test", 0, 10), 2);
	EQ_STR(str_of(f->result[0]), "begun");
	EQ_STR(str_of(f->result[1]), "done");
	reopen(f);
	EQ(list(f, "alice@example.test", 0, 10), 2);
	EQ(f->number[0], b);
	OK(begin(f, "alice@example.test", "status") > b + 1); /* numbers go on */
	end(f);
}

/* So that the next row is one at which is looked what goes. */
static void come_to_prune(struct fixture *f)
{
	while ((f->db->last_audit + 1) % AUDIT_PRUNE_EVERY != 0)
		f->db->last_audit++;
	(void)begin(f, "prune@example.test", "status");
	settle(f);
}

static void what_is_too_old_goes(void)
{
	struct fixture *f = start();
	uint64_t a = begin(f, "alice@example.test", "user add");
	uint64_t b = begin(f, "alice@example.test", "user set");
	struct store_val p[] = { STORE_I(a), STORE_I(AUDIT_DAYS_KEPT * 86400 + 1) };
	struct store_stmt old = { "update audit set at = at - $2 where number = $1", p, 2 };
	userdb_write_own(f->db, 0, &old, 1, NULL, NULL);
	come_to_prune(f);
	EQ(list(f, "alice@example.test", 0, 10), 1);
	EQ(f->number[0], b);
	end(f);
}

/* Many questions, which a statement makes, not the clock. */
static void what_is_too_many_goes_but_no_change_for_a_question(void)
{
	struct fixture *f = start();
	uint64_t change = begin(f, "alice@example.test", "user add");
	struct store_val c = STORE_I(change), n = STORE_I(AUDIT_ROWS_KEPT + 10);
	const struct store_stmt stmts[] = {
		{ "update audit set changes = 1 where number = $1", &c, 1 },
		{ "insert into audit (at, user, peer, command, args, result, changes)"
		  " with recursive n(i) as (select 1 union all select i + 1 from n where i < $1)"
		  " select (select max(at) from audit), 'bob@example.test', '192.0.2.1', 'status',"
		  " '{}', 'done', 0 from n",
		  &n, 1 },
	};
	userdb_write_own(f->db, 0, stmts, ARRAY_SIZE(stmts), NULL, NULL);
	f->db->last_audit += AUDIT_ROWS_KEPT + 10;
	come_to_prune(f);
	EQ(list(f, "alice@example.test", 0, 10), 1);
	EQ(f->number[0], change);
	EQ(list(f, "bob@example.test", change + 12, 10), 0); /* with the one that pruned: 11 gone */
	EQ(list(f, "bob@example.test", change + 16, 10), 4);
	end(f);
}

int main(void)
{
	RUN(rows_are_listed_the_last_first);
	RUN(the_end_is_added_and_stays);
	RUN(what_is_too_old_goes);
	RUN(what_is_too_many_goes_but_no_change_for_a_question);
	return tap_done();
}
