#include "svc/user/logins.h"

#include <errno.h>
#include <stdlib.h>

#include "await.h"
#include "svc/user/schema.h"
#include "svc/user/userdb_priv.h"
#include "tmpdir.h"

enum { NEWS_MAX = 32, LIFE_S = 1000 };

static const struct str domains[] = { STR_INIT("example.test") };
static const uint8_t key[SEAL_KEY_LEN] = { 1, 2, 3 };

struct done {
	int calls, err;
	uint64_t id;
};

static void on_done(void *arg, int err, uint64_t id)
{
	struct done *d = arg;
	d->calls++;
	d->err = err;
	d->id = id;
}

/* A store in a folder of its own with one user, and the changes it told. */
struct fixture {
	struct loop *l;
	struct tmpdir dir;
	struct userdb *db;
	uint64_t alice, password; /* the account's credential */
	struct userdb_change news[NEWS_MAX];
	size_t n_news;
};

static void on_change(void *arg, const struct userdb_change *c)
{
	struct fixture *f = arg;
	if (f->n_news < NEWS_MAX)
		f->news[f->n_news++] = *c;
}

static void reopen(struct fixture *f)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct userdb_config c = { .realm = STR("realm.test"),
		                   .domains = domains,
		                   .n_domains = 1,
		                   .seal_key = key,
		                   .logins = { .life_s = LIFE_S, .max = 3 } };
	userdb_close(&f->db);
	f->db = userdb_open(f->l, tmpdir_file(&f->dir, "users.db"), &c, &why);
	OK(f->db && why.len == 0);
	userdb_on_change(f->db, on_change, f);
}

static void take_password(void *arg, const struct userdb_cred *c)
{
	if (c->device.len == 0)
		*(uint64_t *)arg = c->id;
}

static struct fixture *start(void)
{
	struct fixture *f = xnew(struct fixture);
	struct userdb_new n = { .uri = STR("alice@example.test"),
		                .password = STR("correct horse") };
	struct done d = { 0 };
	f->l = loop_new();
	tmpdir_make(&f->dir);
	reopen(f);
	userdb_add(f->db, &n, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	f->alice = d.id;
	EQ(userdb_creds(f->db, f->alice, take_password, &f->password), 1);
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
	char ticket[LOGINS_TICKET_LEN];
	int err;
	uint64_t number;
};

static struct made add(struct fixture *f, const char *agent)
{
	struct made m = { .err = 0 };
	struct done d = { 0 };
	struct addr peer;
	EQ(addr_parse(&peer, STR("192.0.2.7"), 4321), 0);
	struct logins_new n = { .account = f->alice,
		                .credential = f->password,
		                .peer = &peer,
		                .agent = str_of(agent) };
	logins_add(f->db, &n, m.ticket, on_done, &d);
	EQ(d.calls, 0);
	AWAIT(f->l, d.calls == 1);
	m.err = d.err;
	m.number = d.id;
	return m;
}

static struct str text(const struct made *m)
{
	return str_n(m->ticket, sizeof(m->ticket));
}

static int find(struct fixture *f, const struct made *m)
{
	struct login l;
	return logins_find(f->db, text(m), &l);
}

static int end_login(struct fixture *f, uint64_t number)
{
	struct done d = { 0 };
	logins_end(f->db, f->alice, number, on_done, &d);
	EQ(d.calls, 0);
	AWAIT(f->l, d.calls == 1);
	return d.err;
}

/* As if the last use of all log-ins were that long ago. */
static void pass(struct fixture *f, int64_t seconds)
{
	struct store_val s = STORE_I(seconds);
	struct done d = { 0 };
	struct store_stmt stmt = {
		"update login set used_at = used_at - $1, ends_at = ends_at - $1", &s, 1
	};
	userdb_write_own(f->db, 0, &stmt, 1, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	memset(f->db->touched, 0, sizeof(f->db->touched));
}

struct seen {
	uint64_t number[16];
	char peer[64], agent[300];
	size_t n;
};

static void on_login(void *arg, const struct login *l)
{
	struct seen *s = arg;
	s->number[s->n++ % 16] = l->number;
	(void)snprintf(s->peer, sizeof(s->peer), "%" STR_FMT, STR_ARG(l->peer));
	(void)snprintf(s->agent, sizeof(s->agent), "%" STR_FMT, STR_ARG(l->agent));
}

static void a_ticket_finds_its_login(void)
{
	struct fixture *f = start();
	struct made m = add(f, "Firefox");
	struct login l;
	struct seen s = { .n = 0 };
	EQ(m.err, 0);
	EQ(logins_find(f->db, text(&m), &l), 0);
	EQ(l.number, m.number);
	EQ(l.account, f->alice);
	EQ(l.credential, f->password);
	EQ(l.ends_at, l.used_at + LIFE_S);
	EQ(logins_number(text(&m)), m.number);
	EQ(logins_list(f->db, f->alice, on_login, &s), 1);
	OK(strcmp(s.peer, "192.0.2.7") == 0 && strcmp(s.agent, "Firefox") == 0);
	EQ(logins_count(f->db), 1);
	EQ(f->n_news, 0); /* nobody else's records changed */
	reopen(f);
	EQ(find(f, &m), 0);
	end(f);
}

static void any_other_text_finds_nothing(void)
{
	struct fixture *f = start();
	struct made a = add(f, ""), b = add(f, ""), mixed = a;
	OK(a.number != b.number && memcmp(a.ticket, b.ticket, sizeof(a.ticket)) != 0);
	/* The number of one, the secret of the other. */
	memcpy(mixed.ticket + 12, b.ticket + 12, sizeof(mixed.ticket) - 12);
	EQ(find(f, &mixed), -ENOENT);
	for (size_t i = 0; i + 1 < sizeof(a.ticket); i++) {
		struct made m = a;
		m.ticket[i] = m.ticket[i] == 'A' ? 'B' : 'A';
		EQ(find(f, &m), -ENOENT);
		m.ticket[i] = '.';
		EQ(find(f, &m), -ENOENT);
		EQ(logins_number(text(&m)), 0);
	}
	struct login l;
	for (size_t n = 0; n < sizeof(a.ticket); n++)
		EQ(logins_find(f->db, str_n(a.ticket, n), &l), -ENOENT);
	end(f);
}

static void what_is_no_text_in_an_agent_is_not_kept(void)
{
	struct fixture *f = start();
	struct seen s = { .n = 0 };
	char longest[400];
	struct made m = add(f, "a\x1b[1m\xff\xc3\xa4\x7f");
	EQ(m.err, 0);
	EQ(logins_list(f->db, f->alice, on_login, &s), 1);
	OK(strcmp(s.agent, "a?[1m?\xc3\xa4?") == 0);
	EQ(end_login(f, m.number), 0);
	memset(longest, 'x', sizeof(longest));
	longest[254] = '\xc3';
	longest[255] = '\xa4';
	longest[399] = 0;
	EQ(add(f, longest).err, 0);
	EQ(logins_list(f->db, f->alice, on_login, &s), 1);
	EQ(strlen(s.agent), 254); /* no half character */
	end(f);
}

static void an_ended_login_is_told_once(void)
{
	struct fixture *f = start();
	struct made a = add(f, ""), b = add(f, "");
	EQ(end_login(f, a.number), 0);
	EQ(f->n_news, 1);
	EQ(f->news[0].event, ACCOUNTS_LOGIN_ENDED);
	EQ(f->news[0].account, f->alice);
	EQ(f->news[0].credential, a.number);
	OK(f->news[0].number > 0);
	EQ(find(f, &a), -ENOENT);
	EQ(find(f, &b), 0);
	EQ(end_login(f, a.number), -ENOENT);
	EQ(f->n_news, 1);
	end(f);
}

static void all_of_a_user_end_together(void)
{
	struct fixture *f = start();
	struct made a = add(f, ""), b = add(f, "");
	struct done d = { 0 };
	EQ(logins_end_others(f->db, f->alice, 0, on_done, &d), 2);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	EQ(f->n_news, 2);
	OK(find(f, &a) == -ENOENT && find(f, &b) == -ENOENT);
	EQ(logins_end_others(f->db, f->alice, 0, on_done, &d), 0);
	EQ(end_login(f, 0), -ENOENT);
	end(f);
}

static void nobody_ends_another_users_login(void)
{
	struct fixture *f = start();
	struct made a = add(f, "");
	uint64_t alice = f->alice;
	f->alice = alice + 1;
	EQ(end_login(f, a.number), -ENOENT);
	f->alice = alice;
	EQ(find(f, &a), 0);
	end(f);
}

static void the_longest_unused_goes_when_there_are_too_many(void)
{
	struct fixture *f = start();
	struct made m[3];
	struct login l;
	for (int i = 0; i < 3; i++)
		m[i] = add(f, "");
	pass(f, 100);
	EQ(logins_find(f->db, text(&m[0]), &l), 0);
	int64_t before = l.used_at;
	logins_touch(f->db, &l);
	AWAIT(f->l, logins_find(f->db, text(&m[0]), &l) == 0 && l.used_at > before);
	struct made next = add(f, "");
	EQ(next.err, 0);
	AWAIT(f->l, f->n_news == 1);
	EQ(f->news[0].event, ACCOUNTS_LOGIN_ENDED);
	EQ(f->news[0].credential, m[1].number);
	OK(find(f, &m[0]) == 0 && find(f, &m[1]) == -ENOENT && find(f, &m[2]) == 0);
	EQ(find(f, &next), 0);
	/* A smaller most holds from the next log-in on. */
	userdb_set_logins(f->db, &(struct userdb_logins){ LIFE_S, 1, false });
	next = add(f, "");
	AWAIT(f->l, f->n_news == 4);
	EQ(logins_count(f->db), 1);
	EQ(find(f, &next), 0);
	end(f);
}

static void a_login_without_use_ends(void)
{
	struct fixture *f = start();
	struct made a = add(f, "");
	struct login l;
	struct seen s = { .n = 0 };
	pass(f, LIFE_S - 100);
	EQ(logins_find(f->db, text(&a), &l), 0);
	logins_touch(f->db, &l);
	AWAIT(f->l, logins_find(f->db, text(&a), &l) == 0 &&
	                    l.ends_at > userdb_now_s(f->db) + LIFE_S - 100);
	pass(f, LIFE_S + 1);
	EQ(find(f, &a), -ENOENT);
	EQ(logins_list(f->db, f->alice, on_login, &s), 0);
	EQ(logins_count(f->db), 0);
	end(f);
}

static void a_use_is_written_once_a_minute(void)
{
	struct fixture *f = start();
	struct made a = add(f, "");
	struct login l, again;
	EQ(logins_find(f->db, text(&a), &l), 0);
	pass(f, 30);
	EQ(logins_find(f->db, text(&a), &l), 0);
	logins_touch(f->db, &l);
	EQ(end_login(f, a.number + 1), -ENOENT); /* what is queued is written with it */
	EQ(logins_find(f->db, text(&a), &again), 0);
	EQ(again.used_at, l.used_at);
	pass(f, 30);
	EQ(logins_find(f->db, text(&a), &l), 0);
	logins_touch(f->db, &l);
	EQ(end_login(f, a.number + 1), -ENOENT);
	EQ(logins_find(f->db, text(&a), &again), 0);
	OK(again.used_at >= l.used_at + 60);
	/* The old reading does not write it again. */
	EQ(f->db->touched[a.number % USERDB_TOUCHED].number, a.number);
	int64_t at = f->db->touched[a.number % USERDB_TOUCHED].at;
	logins_touch(f->db, &l);
	EQ(f->db->touched[a.number % USERDB_TOUCHED].at, at);
	end(f);
}

static void logins_end_with_the_password(void)
{
	struct fixture *f = start();
	struct made a = add(f, "");
	struct account acc;
	struct done d = { 0 };
	EQ(userdb_by_id(f->db, f->alice, &acc), 0);
	userdb_set_password(f->db, &acc, STR("another horse"), on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(d.err, 0);
	EQ(find(f, &a), -ENOENT);
	EQ(f->news[0].event, ACCOUNTS_PASSWORD);
	EQ(f->news[0].credential, f->password);
	EQ(add(f, "").err, -ENOENT); /* the old credential */
	end(f);
}

static struct done set_own(struct fixture *f, uint64_t login, const char *password)
{
	struct account acc;
	struct done d = { 0 };
	EQ(userdb_by_id(f->db, f->alice, &acc), 0);
	userdb_set_own_password(f->db, &acc, login, str_of(password), on_done, &d);
	AWAIT(f->l, d.calls == 1);
	return d;
}

static void the_login_in_which_the_password_is_changed_goes_on(void)
{
	struct fixture *f = start();
	struct made a = add(f, ""), b = add(f, "");
	uint64_t now = 0;
	struct login l;
	EQ(set_own(f, a.number, "another horse").err, 0);
	EQ(userdb_creds(f->db, f->alice, take_password, &now), 1);
	OK(now != f->password);
	EQ(logins_find(f->db, text(&a), &l), 0);
	EQ(l.credential, now);
	EQ(find(f, &b), -ENOENT);
	EQ(f->n_news, 1);
	EQ(f->news[0].event, ACCOUNTS_PASSWORD);
	EQ(f->news[0].credential, f->password);
	/* It ends with the next one that somebody else sets. */
	struct account acc;
	struct done d = { 0 };
	EQ(userdb_by_id(f->db, f->alice, &acc), 0);
	userdb_set_password(f->db, &acc, STR("a third horse"), on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(f->news[1].credential, now);
	EQ(find(f, &a), -ENOENT);
	end(f);
}

static void without_its_login_no_password_is_changed(void)
{
	struct fixture *f = start();
	struct made a = add(f, ""), b = add(f, "");
	struct done d[2] = { { 0 } };
	struct account acc;
	uint64_t now = 0;
	EQ(end_login(f, b.number), 0);
	EQ(set_own(f, b.number, "another horse").err, -ENOENT);
	EQ(userdb_creds(f->db, f->alice, take_password, &now), 1);
	EQ(now, f->password);
	EQ(find(f, &a), 0);
	/* Of two at once, the second is of a log-in that has ended with the first. */
	b = add(f, "");
	EQ(userdb_by_id(f->db, f->alice, &acc), 0);
	userdb_set_own_password(f->db, &acc, a.number, STR("another horse"), on_done, &d[0]);
	userdb_set_own_password(f->db, &acc, b.number, STR("a third horse"), on_done, &d[1]);
	AWAIT(f->l, d[0].calls + d[1].calls == 2);
	/* Their hashes are made at once: either may be the first. */
	bool a_first = d[0].err == 0;
	EQ(d[0].err, a_first ? 0 : -ENOENT);
	EQ(d[1].err, a_first ? -ENOENT : 0);
	EQ(userdb_creds(f->db, f->alice, take_password, &now), 1);
	OK(now != f->password);
	EQ(find(f, &a), a_first ? 0 : -ENOENT);
	EQ(find(f, &b), a_first ? -ENOENT : 0);
	end(f);
}

static void logins_end_with_the_account(void)
{
	struct fixture *f = start();
	struct made a = add(f, "");
	struct done d = { 0 };
	userdb_set_disabled(f->db, f->alice, true, on_done, &d);
	AWAIT(f->l, d.calls == 1);
	EQ(find(f, &a), -ENOENT);
	EQ(add(f, "").err, -ENOENT);
	userdb_set_disabled(f->db, f->alice, false, on_done, &d);
	AWAIT(f->l, d.calls == 2);
	EQ(find(f, &a), -ENOENT);
	a = add(f, "");
	EQ(a.err, 0);
	userdb_remove(f->db, f->alice, on_done, &d);
	AWAIT(f->l, d.calls == 3);
	EQ(find(f, &a), -ENOENT);
	EQ(logins_count(f->db), 0);
	end(f);
}

static void numbers_are_never_used_again(void)
{
	struct fixture *f = start();
	struct made a = add(f, "");
	EQ(end_login(f, a.number), 0);
	reopen(f);
	OK(add(f, "").number > a.number);
	end(f);
}

/* Two migrations made it. */
static void a_store_of_before_takes_logins(void)
{
	const struct store_migration before[] = { user_schema[0], user_schema[1], { 0, NULL } };
	auto_(buf_free) struct buf why = buf_of(4096);
	struct fixture *f = start();
	struct store_stmt stmt = { "insert into account (change, uri, created_at)"
		                   " values (1, 'bob@example.test', 1)",
		                   NULL, 0 };
	userdb_close(&f->db);
	tmpdir_remove(&f->dir, "users.db");
	tmpdir_make(&f->dir);
	struct store *s = store_open(f->l, tmpdir_file(&f->dir, "users.db"), before, &why);
	OK(s && store_write(s, STORE_MUST, &stmt, 1, NULL, NULL) == 0);
	store_close(&s);
	reopen(f);
	EQ(userdb_count(f->db), 1);
	EQ(logins_count(f->db), 0);
	EQ(add(f, "").err, -ENOENT); /* alice is not there, but a table to look for her */
	end(f);
}

int main(void)
{
	RUN(a_ticket_finds_its_login);
	RUN(any_other_text_finds_nothing);
	RUN(what_is_no_text_in_an_agent_is_not_kept);
	RUN(an_ended_login_is_told_once);
	RUN(all_of_a_user_end_together);
	RUN(nobody_ends_another_users_login);
	RUN(the_longest_unused_goes_when_there_are_too_many);
	RUN(a_login_without_use_ends);
	RUN(a_use_is_written_once_a_minute);
	RUN(logins_end_with_the_password);
	RUN(the_login_in_which_the_password_is_changed_goes_on);
	RUN(without_its_login_no_password_is_changed);
	RUN(logins_end_with_the_account);
	RUN(numbers_are_never_used_again);
	RUN(a_store_of_before_takes_logins);
	return tap_done();
}
