#include "svc/user/tokens.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "await.h"
#include "svc/user/userdb_priv.h"
#include "tmpdir.h"

static const struct str domains[] = { STR_INIT("example.test") };
static const uint8_t key[SEAL_KEY_LEN] = { 1, 2, 3 };

/* A store with alice and bob, and what it told last. */
struct fixture {
	struct loop *l;
	struct tmpdir dir;
	struct userdb *db;
	uint64_t alice, bob;
	struct userdb_change last;
	unsigned n_news, done;
	int err;
	uint64_t id;
};

static void on_done(void *arg, int err, uint64_t id)
{
	struct fixture *f = arg;
	f->done++;
	f->err = err;
	f->id = id;
}

static void on_change(void *arg, const struct userdb_change *c)
{
	struct fixture *f = arg;
	f->last = *c;
	f->n_news++;
}

static void reopen(struct fixture *f)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct userdb_config c = { .realm = STR("realm.test"),
		                   .domains = domains,
		                   .n_domains = 1,
		                   .seal_key = key,
		                   .logins = { .life_s = 1000, .max = 3 } };
	userdb_close(&f->db);
	f->db = userdb_open(f->l, tmpdir_file(&f->dir, "users.db"), &c, &why);
	OK(f->db && why.len == 0);
	userdb_on_change(f->db, on_change, f);
}

/* Waits for what was asked last; its result. */
static int result(struct fixture *f)
{
	AWAIT(f->l, f->done == 1);
	f->done = 0;
	return f->err;
}

static uint64_t add_user(struct fixture *f, const char *uri)
{
	struct userdb_new n = { .uri = str_of(uri), .password = STR("correct horse") };
	userdb_add(f->db, &n, on_done, f);
	EQ(result(f), 0);
	return f->id;
}

static struct fixture *start(void)
{
	struct fixture *f = xnew(struct fixture);
	f->l = loop_new();
	tmpdir_make(&f->dir);
	reopen(f);
	f->alice = add_user(f, "alice@example.test");
	f->bob = add_user(f, "bob@example.test");
	f->n_news = 0;
	return f;
}

static void end(struct fixture *f)
{
	userdb_close(&f->db);
	loop_free(&f->l);
	tmpdir_remove(&f->dir, "users.db");
	free(f);
}

struct made {
	char text[TOKENS_LEN];
	int err;
	uint64_t number;
};

static struct made add(struct fixture *f, uint64_t account, const char *name, uint32_t life_s)
{
	struct made m;
	tokens_add(f->db, account, str_of(name), life_s, m.text, on_done, f);
	EQ(f->done, 0);
	m.err = result(f);
	m.number = f->id;
	return m;
}

static int find(struct fixture *f, const struct made *m, struct login *ret)
{
	return tokens_find(f->db, str_n(m->text, sizeof(m->text)), ret);
}

static int remove_token(struct fixture *f, uint64_t account, uint64_t number)
{
	tokens_remove(f->db, account, number, on_done, f);
	return result(f);
}

/* As if so much time had gone by. */
static void pass(struct fixture *f, int64_t seconds)
{
	struct store_val s = STORE_I(seconds);
	struct store_stmt stmt = {
		"update token set used_at = used_at - $1, ends_at = max(ends_at - $1, 0)", &s, 1
	};
	userdb_write_own(f->db, 0, &stmt, 1, on_done, f);
	EQ(result(f), 0);
	memset(f->db->touched, 0, sizeof(f->db->touched));
}

static void on_token(void *arg, const struct token *t)
{
	struct buf *b = arg;
	buf_printf(b, "%" STR_FMT ":%" STR_FMT " ", STR_ARG(t->user), STR_ARG(t->name));
}

static void list_is(struct fixture *f, uint64_t account, const char *wanted)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	OK(tokens_list(f->db, account, on_token, &b) >= 0);
	OK(str_eq(buf_view(&b), str_of(wanted)));
}

static void a_token_finds_its_user(void)
{
	struct fixture *f = start();
	struct made m = add(f, f->alice, "build bot", 0);
	struct login l;
	EQ(m.err, 0);
	OK(tokens_is(str_n(m.text, sizeof(m.text))) && memcmp(m.text, "dtk_", 4) == 0);
	EQ(tokens_number(str_n(m.text, sizeof(m.text))), m.number);
	EQ(find(f, &m, &l), 0);
	OK(l.token && l.number == m.number && l.account == f->alice && l.credential == 0);
	OK(l.ends_at == 0 && l.used_at == 0);
	reopen(f);
	EQ(find(f, &m, &l), 0);
	EQ(f->n_news, 0);
	end(f);
}

static void any_other_text_finds_nothing(void)
{
	struct fixture *f = start();
	struct made a = add(f, f->alice, "a", 0), b = add(f, f->alice, "b", 0), mixed = a;
	struct login l;
	memcpy(mixed.text + 16, b.text + 16, sizeof(mixed.text) - 16);
	EQ(find(f, &mixed, &l), -ENOENT);
	for (size_t i = 0; i + 1 < sizeof(a.text); i++) {
		struct made m = a;
		m.text[i] = m.text[i] == 'A' ? 'B' : 'A';
		EQ(find(f, &m, &l), -ENOENT);
	}
	for (size_t n = 0; n < sizeof(a.text); n++)
		EQ(tokens_find(f->db, str_n(a.text, n), &l), -ENOENT);
	/* Nor is it the ticket of a log-in, with or without its prefix. */
	EQ(logins_find(f->db, str_n(a.text, sizeof(a.text)), &l), -ENOENT);
	EQ(logins_find(f->db, str_n(a.text + 4, TICKET_LEN), &l), -ENOENT);
	end(f);
}

static void numbers_are_of_one_token_or_one_log_in(void)
{
	struct fixture *f = start();
	struct addr nobody = { .sa = { .sa_family = AF_UNSPEC } };
	struct logins_new n = {
		.account = f->alice, .credential = 1, .peer = &nobody, .agent = STR("")
	};
	char ticket[LOGINS_TICKET_LEN];
	uint64_t a = add(f, f->alice, "a", 0).number;
	reopen(f);
	logins_add(f->db, &n, ticket, on_done, f);
	EQ(result(f), 0);
	uint64_t b = f->id;
	reopen(f);
	uint64_t c = add(f, f->alice, "c", 0).number;
	OK(a < b && b < c);
	EQ(remove_token(f, f->alice, c), 0);
	reopen(f);
	OK(add(f, f->alice, "d", 0).number > c);
	end(f);
}

static void names_are_checked(void)
{
	struct fixture *f = start();
	char name[16], longest[66];
	memset(longest, 'x', 65);
	longest[65] = 0;
	EQ(tokens_check(f->db, f->alice, STR("")), -EINVAL);
	EQ(tokens_check(f->db, f->alice, str_of(longest)), -EINVAL);
	EQ(tokens_check(f->db, f->alice, STR("a\nb")), -EINVAL);
	EQ(add(f, f->alice, "Bot", 0).err, 0);
	EQ(tokens_check(f->db, f->alice, STR("bot")), -EEXIST);
	EQ(add(f, f->alice, "bOT", 0).err, -EEXIST);
	EQ(tokens_check(f->db, f->bob, STR("bot")), 0);
	EQ(add(f, f->bob, "bot", 0).err, 0);
	for (int i = 1; i < TOKENS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "bot %d", i);
		EQ(tokens_check(f->db, f->alice, str_of(name)), 0);
		EQ(add(f, f->alice, name, 0).err, 0);
	}
	EQ(tokens_check(f->db, f->alice, STR("another")), -EMFILE);
	end(f);
}

static void a_removed_token_is_told_and_nobody_elses_goes(void)
{
	struct fixture *f = start();
	struct made a = add(f, f->alice, "a", 0), b = add(f, f->bob, "b", 0);
	struct login l;
	list_is(f, 0, "alice@example.test:a bob@example.test:b ");
	list_is(f, f->bob, "bob@example.test:b ");
	EQ(remove_token(f, f->alice, b.number), -ENOENT);
	EQ(f->n_news, 0);
	EQ(remove_token(f, f->alice, a.number), 0);
	EQ(f->n_news, 1);
	EQ(f->last.event, ACCOUNTS_LOGIN_ENDED);
	OK(f->last.account == f->alice && f->last.credential == a.number);
	EQ(find(f, &a, &l), -ENOENT);
	EQ(find(f, &b, &l), 0);
	EQ(remove_token(f, f->alice, a.number), -ENOENT);
	list_is(f, 0, "bob@example.test:b ");
	end(f);
}

static void a_life_ends_however_much_it_is_used(void)
{
	struct fixture *f = start();
	struct made a = add(f, f->alice, "a", 1000), b = add(f, f->alice, "b", 0);
	struct login l;
	EQ(find(f, &a, &l), 0);
	EQ(l.ends_at, l.made_at + 1000);
	tokens_touch(f->db, &l);
	AWAIT(f->l, find(f, &a, &l) == 0 && l.used_at > 0);
	EQ(l.ends_at, l.made_at + 1000);
	pass(f, 1000);
	EQ(find(f, &a, &l), -ENOENT);
	EQ(find(f, &b, &l), 0);
	list_is(f, f->alice, "alice@example.test:b ");
	EQ(add(f, f->alice, "a", 0).err, 0); /* the name is free again */
	end(f);
}

static void a_new_password_leaves_it_and_the_user_takes_it_along(void)
{
	struct fixture *f = start();
	struct made a = add(f, f->alice, "a", 0);
	struct account acc;
	struct login l;
	EQ(userdb_by_id(f->db, f->alice, &acc), 0);
	userdb_set_password(f->db, &acc, STR("another horse"), on_done, f);
	EQ(result(f), 0);
	EQ(find(f, &a, &l), 0);
	EQ(logins_end_others(f->db, f->alice, 0, NULL, NULL), 0);
	userdb_set_disabled(f->db, f->alice, true, on_done, f);
	EQ(result(f), 0);
	EQ(add(f, f->alice, "b", 0).err, -ENOENT);
	userdb_remove(f->db, f->alice, on_done, f);
	EQ(result(f), 0);
	EQ(find(f, &a, &l), -ENOENT);
	end(f);
}

int main(void)
{
	RUN(a_token_finds_its_user);
	RUN(any_other_text_finds_nothing);
	RUN(numbers_are_of_one_token_or_one_log_in);
	RUN(names_are_checked);
	RUN(a_removed_token_is_told_and_nobody_elses_goes);
	RUN(a_life_ends_however_much_it_is_used);
	RUN(a_new_password_leaves_it_and_the_user_takes_it_along);
	return tap_done();
}
