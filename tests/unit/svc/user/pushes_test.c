#include "svc/user/pushes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "await.h"
#include "svc/user/logins.h"
#include "svc/user/userdb_priv.h"
#include "tmpdir.h"

#define POINT \
	"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
#define KEYS POINT " BTBZMqHH6r4Tts7J_aSIgg"

static const struct str domains[] = { STR_INIT("example.test") };
static const uint8_t key[SEAL_KEY_LEN] = { 1, 2, 3 };

struct fixture {
	struct loop *l;
	struct tmpdir dir;
	struct userdb *db;
	uint64_t alice, bob, password[2];
	unsigned calls;
	int err;
	uint64_t id;
	unsigned n_changed; /* of alice */
};

static void on_done(void *arg, int err, uint64_t id)
{
	struct fixture *f = arg;
	f->calls++;
	f->err = err;
	f->id = id;
}

static int await(struct fixture *f, unsigned before)
{
	AWAIT(f->l, f->calls == before + 1);
	return f->err;
}

static void on_change(void *arg, const struct userdb_change *c)
{
	struct fixture *f = arg;
	f->n_changed += c->account == f->alice && c->event == ACCOUNTS_CHANGED;
}

static void take_password(void *arg, const struct userdb_cred *c)
{
	*(uint64_t *)arg = c->id;
}

static uint64_t add_user(struct fixture *f, const char *uri, uint64_t *ret_password)
{
	unsigned before = f->calls;
	struct userdb_new n = { .uri = str_of(uri), .password = STR("correct horse") };
	userdb_add(f->db, &n, on_done, f);
	EQ(await(f, before), 0);
	uint64_t id = f->id;
	EQ(userdb_creds(f->db, id, take_password, ret_password), 1);
	return id;
}

static void reopen(struct fixture *f)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct userdb_config c = { .realm = STR("realm.test"),
		                   .domains = domains,
		                   .n_domains = 1,
		                   .seal_key = key,
		                   .logins = { .life_s = 1000, .max = 20 } };
	userdb_close(&f->db);
	f->db = userdb_open(f->l, tmpdir_file(&f->dir, "users.db"), &c, &why);
	OK(f->db != NULL);
	userdb_on_change(f->db, on_change, f);
}

static struct fixture *start(void)
{
	struct fixture *f = xnew(struct fixture);
	f->l = loop_new();
	tmpdir_make(&f->dir);
	reopen(f);
	f->alice = add_user(f, "alice@example.test", &f->password[0]);
	f->bob = add_user(f, "bob@example.test", &f->password[1]);
	f->n_changed = 0;
	return f;
}

static void end(struct fixture *f)
{
	userdb_close(&f->db);
	loop_free(&f->l);
	tmpdir_remove(&f->dir, "users.db");
	free(f);
}

static uint64_t log_in(struct fixture *f, uint64_t account)
{
	unsigned before = f->calls;
	char ticket[LOGINS_TICKET_LEN];
	struct addr nowhere = { .sa = { .sa_family = AF_UNSPEC } };
	struct logins_new n = { .account = account,
		                .credential = f->password[account == f->bob],
		                .peer = &nowhere };
	logins_add(f->db, &n, ticket, on_done, f);
	EQ(await(f, before), 0);
	return f->id;
}

static int subscribe(struct fixture *f, uint64_t account, uint64_t login, const char *name)
{
	char text[PUSH_SUB_MAX];
	struct push_sub sub;
	unsigned before = f->calls;
	(void)snprintf(text, sizeof(text), "https://push.example.net/%s " KEYS, name);
	EQ(push_sub_read(&sub, str_of(text)), 0);
	pushes_add(f->db, account, login, &sub, on_done, f);
	return await(f, before);
}

struct seen {
	char text[ACCT_PUSHES_MAX + 1][PUSH_SUB_MAX];
	uint64_t login[ACCT_PUSHES_MAX + 1], number[ACCT_PUSHES_MAX + 1];
	size_t n;
};

static void take_push(void *arg, const struct acct_push *p)
{
	struct seen *s = arg;
	if (!OK(s->n <= ACCT_PUSHES_MAX))
		return;
	(void)snprintf(s->text[s->n], sizeof(s->text[0]), "%" STR_FMT, STR_ARG(p->text));
	s->login[s->n] = p->login;
	s->number[s->n++] = p->number;
}

static struct seen look(struct fixture *f, uint64_t account)
{
	struct seen s = { .n = 0 };
	int n = pushes_list(f->db, account, take_push, &s);
	EQ(n, s.n);
	return s;
}

static bool is_told(struct fixture *f, uint64_t id)
{
	struct account a;
	EQ(userdb_by_id(f->db, id, &a), 0);
	return a.pushes;
}

static bool has(struct fixture *f, uint64_t login)
{
	bool on = false;
	EQ(pushes_of_login(f->db, login, &on), 0);
	return on;
}

static void a_subscription_is_kept_and_its_account_says_so(void)
{
	struct fixture *f = start();
	uint64_t login = log_in(f, f->alice);
	OK(!is_told(f, f->alice) && !has(f, login));
	EQ(subscribe(f, f->alice, login, "a"), 0);
	EQ(f->n_changed, 1);
	reopen(f);
	struct seen s = look(f, f->alice);
	EQ(s.n, 1);
	EQ_STR(str_of(s.text[0]), "https://push.example.net/a " KEYS);
	EQ(s.login[0], login);
	OK(is_told(f, f->alice) && has(f, login));
	OK(!is_told(f, f->bob));
	EQ(look(f, f->bob).n, 0);
	end(f);
}

static void it_stands_sealed_in_the_file(void)
{
	struct fixture *f = start();
	EQ(subscribe(f, f->alice, log_in(f, f->alice), "a-secret-address"), 0);
	reopen(f); /* all is in the file, or beside it */
	FILE *in = fopen(tmpdir_file(&f->dir, "users.db"), "rb");
	static char all[4 << 20];
	size_t n = fread(all, 1, sizeof(all), in);
	(void)fclose(in);
	OK(n > 0 && n < sizeof(all));
	OK(str_find(str_n(all, n), STR("alice@example.test")) >= 0);
	OK(str_find(str_n(all, n), STR("a-secret-address")) < 0);
	OK(str_find(str_n(all, n), STR("push.example.net")) < 0);
	end(f);
}

static void a_log_in_has_one_and_it_goes_with_it(void)
{
	struct fixture *f = start();
	uint64_t first = log_in(f, f->alice), second = log_in(f, f->alice);
	EQ(subscribe(f, f->alice, first, "a"), 0);
	EQ(subscribe(f, f->alice, first, "b"), 0);
	EQ(subscribe(f, f->alice, second, "c"), 0);
	struct seen s = look(f, f->alice);
	EQ(s.n, 2);
	EQ_STR(str_of(s.text[0]), "https://push.example.net/b " KEYS);
	unsigned before = f->calls;
	logins_end(f->db, f->alice, first, on_done, f);
	EQ(await(f, before), 0);
	s = look(f, f->alice);
	EQ(s.n, 1);
	EQ(s.login[0], second);
	before = f->calls;
	logins_end(f->db, f->alice, second, on_done, f);
	EQ(await(f, before), 0);
	EQ(look(f, f->alice).n, 0);
	OK(!is_told(f, f->alice));
	EQ(subscribe(f, f->alice, first, "a"), -ENOENT);
	end(f);
}

static void an_address_is_told_for_one_log_in(void)
{
	struct fixture *f = start();
	uint64_t alice = log_in(f, f->alice), bob = log_in(f, f->bob);
	EQ(subscribe(f, f->alice, alice, "same"), 0);
	EQ(subscribe(f, f->bob, bob, "same"), 0);
	EQ(look(f, f->alice).n, 0);
	EQ(look(f, f->bob).n, 1);
	EQ(subscribe(f, f->alice, bob, "other"), -ENOENT); /* not hers */
	EQ(look(f, f->alice).n, 0);
	end(f);
}

static void the_oldest_makes_room(void)
{
	struct fixture *f = start();
	char name[16];
	uint64_t second = 0;
	for (unsigned i = 0; i < ACCT_PUSHES_MAX + 1; i++) {
		uint64_t login = log_in(f, f->alice);
		second = i == 1 ? login : second;
		(void)snprintf(name, sizeof(name), "%u", i);
		EQ(subscribe(f, f->alice, login, name), 0);
	}
	struct seen s = look(f, f->alice);
	EQ(s.n, ACCT_PUSHES_MAX);
	EQ(s.login[0], second);
	end(f);
}

static void one_ends_by_its_log_in_or_its_number(void)
{
	struct fixture *f = start();
	uint64_t first = log_in(f, f->alice), second = log_in(f, f->alice);
	EQ(subscribe(f, f->alice, first, "a"), 0);
	EQ(subscribe(f, f->alice, second, "b"), 0);
	unsigned before = f->calls;
	pushes_end(f->db, f->alice, first, on_done, f);
	EQ(await(f, before), 0);
	struct seen s = look(f, f->alice);
	EQ(s.n, 1);
	EQ(s.login[0], second);
	before = f->calls;
	pushes_end(f->db, f->alice, first, on_done, f);
	EQ(await(f, before), -ENOENT);
	pushes_gone(f->db, f->bob, s.number[0]); /* not bob's */
	unsigned changed = f->n_changed;
	pushes_gone(f->db, f->alice, s.number[0]);
	AWAIT(f->l, f->n_changed == changed + 1);
	EQ(look(f, f->alice).n, 0);
	OK(!is_told(f, f->alice));
	end(f);
}

int main(void)
{
	RUN(a_subscription_is_kept_and_its_account_says_so);
	RUN(it_stands_sealed_in_the_file);
	RUN(a_log_in_has_one_and_it_goes_with_it);
	RUN(an_address_is_told_for_one_log_in);
	RUN(the_oldest_makes_room);
	RUN(one_ends_by_its_log_in_or_its_number);
	return tap_done();
}
