#include "svc/user/userdb.h"

#include <errno.h>

#include "await.h"
#include "tmpdir.h"

static const struct str domains[] = { STR_INIT("example.test") };
static const uint8_t key[SEAL_KEY_LEN] = { 1, 2, 3 };

struct fixture {
	struct loop *l;
	struct tmpdir dir;
	struct userdb *db;
};

static struct fixture *start(void)
{
	struct fixture *f = xnew(struct fixture);
	auto_(buf_free) struct buf why = buf_of(4096);
	struct userdb_config c = {
		.realm = STR("realm.test"), .domains = domains, .n_domains = 1, .seal_key = key
	};
	f->l = loop_new();
	tmpdir_make(&f->dir);
	f->db = userdb_open(f->l, tmpdir_file(&f->dir, "users.db"), &c, &why);
	OK(f->db && why.len == 0);
	return f;
}

static void end(struct fixture *f)
{
	userdb_close(&f->db);
	loop_free(&f->l);
	tmpdir_remove(&f->dir, "users.db");
	free(f);
}

struct done {
	int calls, err;
	uint64_t id;
};

static void on_done(void *arg, int err, uint64_t id)
{
	*(struct done *)arg = (struct done){ 1, err, id };
}

static uint64_t add(struct fixture *f, const char *uri, const char *name)
{
	struct userdb_new n = { .uri = str_of(uri), .password = STR("a good password") };
	struct done d = { 0 };
	n.field[USER_NAME] = str_of(name);
	userdb_add(f->db, &n, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	return d.id;
}

static uint64_t add_group(struct fixture *f, const char *uri)
{
	struct done d = { 0 };
	userdb_add_group(f->db, str_of(uri), STR("A Group"), on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	return d.id;
}

static int join(struct fixture *f, uint64_t group, const char *uri, uint64_t account)
{
	struct done d = { 0 };
	userdb_add_member(f->db, group, str_of(uri), account, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	return d.err;
}

static void put_uri(void *arg, const struct userdb_member *m)
{
	struct buf *b = arg;
	buf_printf(b, "%s%" STR_FMT "%s", b->len ? " " : "", STR_ARG(m->uri),
	           m->account ? "*" : "");
}

static const char *members(struct fixture *f, uint64_t group, uint32_t max)
{
	static char text[1024];
	struct buf b = BUF_ON(text);
	OK(userdb_members(f->db, group, max, put_uri, &b) >= 0);
	text[b.len] = 0;
	return text;
}

static void members_stand_in_order_and_once(void)
{
	struct fixture *f = start();
	uint64_t bob = add(f, "bob@example.test", "Bob"),
	         group = add_group(f, "staff@example.test");
	EQ(join(f, group, "x@other.test", 0), 0);
	EQ(join(f, group, "bob@example.test", bob), 0);
	EQ(join(f, group, "x@other.test", 0), -EEXIST);
	EQ_STR(str_of(members(f, group, 10)), "bob@example.test* x@other.test");
	EQ_STR(str_of(members(f, group, 1)), "bob@example.test*");
	struct done d = { 0 };
	userdb_remove_member(f->db, group, STR("nobody@other.test"), on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, -ENOENT);
	EQ(userdb_count_members(f->db, group), 2);
	end(f);
}

static void who_is_removed_is_no_member_any_more(void)
{
	struct fixture *f = start();
	uint64_t bob = add(f, "bob@example.test", "Bob"),
	         group = add_group(f, "staff@example.test");
	struct done d = { 0 };
	EQ(join(f, group, "bob@example.test", bob), 0);
	userdb_remove(f->db, bob, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(userdb_count_members(f->db, group), 0);
	EQ(join(f, group, "x@other.test", 0), 0);
	d.calls = 0;
	userdb_remove(f->db, group, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(userdb_count_members(f->db, group), 0);
	EQ(join(f, group, "x@other.test", 0), -ENOENT);
	end(f);
}

static void a_user_has_no_members(void)
{
	struct fixture *f = start();
	uint64_t bob = add(f, "bob@example.test", "Bob");
	EQ(join(f, bob, "x@other.test", 0), -ENOENT);
	EQ(userdb_count_members(f->db, bob), 0);
	end(f);
}

static void users_and_groups_share_addresses_and_ids(void)
{
	struct fixture *f = start();
	uint64_t bob = add(f, "bob@example.test", "Bob"),
	         group = add_group(f, "staff@example.test");
	struct done d = { 0 };
	struct account acc;
	OK(group > bob);
	userdb_add_group(f->db, STR("bob@example.test"), STR(""), on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, -EEXIST);
	EQ(userdb_lookup(f->db, STR("staff"), &acc), 0);
	OK(acc.group);
	EQ(userdb_lookup(f->db, STR("bob"), &acc), 0);
	OK(!acc.group);
	EQ(userdb_count(f->db), 1);
	end(f);
}

struct count {
	unsigned ok, full, other;
};

static void count_done(void *arg, int err, uint64_t id UNUSED)
{
	struct count *c = arg;
	c->ok += err == 0;
	c->full += err == -ENOENT;
	c->other += err != 0 && err != -ENOENT;
}

static void a_group_has_at_most_a_thousand_members(void)
{
	struct fixture *f = start();
	uint64_t group = add_group(f, "staff@example.test");
	struct count c = { 0 };
	char who[64];
	for (unsigned i = 0; i < ACCT_MEMBERS_MAX + 2; i++) {
		(void)snprintf(who, sizeof(who), "member%04u@other.test", i);
		userdb_add_member(f->db, group, str_of(who), 0, count_done, &c);
	}
	AWAIT(f->l, c.ok + c.full + c.other == ACCT_MEMBERS_MAX + 2);
	EQ(c.ok, ACCT_MEMBERS_MAX);
	EQ(c.full, 2);
	EQ(userdb_count_members(f->db, group), ACCT_MEMBERS_MAX);
	end(f);
}

int main(void)
{
	RUN(members_stand_in_order_and_once);
	RUN(who_is_removed_is_no_member_any_more);
	RUN(a_user_has_no_members);
	RUN(users_and_groups_share_addresses_and_ids);
	RUN(a_group_has_at_most_a_thousand_members);
	return tap_done();
}
