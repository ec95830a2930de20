/* The mechanisms of the web; Digest and NTLM have their tests in tests/role/accounts. */
#include "svc/user/signin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "await.h"
#include "svc/user/logins.h"
#include "tmpdir.h"

enum { LIFE_S = 1000 };

static const struct str domains[] = { STR_INIT("example.test") };
static const uint8_t key[SEAL_KEY_LEN] = { 1, 2, 3 };

/* A store with alice, and who decides by it. */
struct fixture {
	struct loop *l;
	struct tmpdir dir;
	struct userdb *db;
	struct signin *s;
	uint64_t alice;
	unsigned done;
	int err;
};

static void on_done(void *arg, int err, uint64_t id)
{
	struct fixture *f = arg;
	f->done++;
	f->err = err;
	f->alice = f->alice ? f->alice : id;
}

static struct fixture *start(void)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct fixture *f = xnew(struct fixture);
	struct userdb_config c = { .realm = STR("realm.test"),
		                   .domains = domains,
		                   .n_domains = 1,
		                   .seal_key = key,
		                   .ntlm = true,
		                   .logins = { .life_s = LIFE_S, .max = 20 } };
	struct userdb_new n = { .uri = STR("alice@example.test"),
		                .password = STR("correct horse") };
	f->l = loop_new();
	tmpdir_make(&f->dir);
	f->db = userdb_open(f->l, tmpdir_file(&f->dir, "users.db"), &c, &why);
	OK(f->db != NULL);
	f->s = signin_new(f->db);
	OK(f->s != NULL);
	userdb_add(f->db, &n, on_done, f);
	AWAIT(f->l, f->done == 1);
	EQ(f->err, 0);
	return f;
}

static void end(struct fixture *f)
{
	signin_free(&f->s);
	userdb_close(&f->db);
	loop_free(&f->l);
	tmpdir_remove(&f->dir, "users.db");
	free(f);
}

static void disable(struct fixture *f, bool disabled)
{
	unsigned before = f->done;
	userdb_set_disabled(f->db, f->alice, disabled, on_done, f);
	AWAIT(f->l, f->done == before + 1);
	EQ(f->err, 0);
}

static struct account alice(struct fixture *f)
{
	struct account acc = { 0 };
	EQ(userdb_by_id(f->db, f->alice, &acc), 0);
	return acc;
}

/* One leg and its verdict. */
struct
try {
	unsigned calls;
	struct signin_req *req;
	enum accounts_verdict verdict;
	uint64_t account, credential, session;
	uint32_t id, retry_s;
	char uri[128], ticket[ACCT_TICKET_MAX + 1];
};

static void keep(struct try *t, const struct acct_msg *m)
{
	t->calls++;
	t->req = NULL;
	EQ(m->type, ACCT_VERDICT);
	t->id = m->id;
	t->verdict = m->verdict.verdict;
	t->account = m->verdict.account;
	t->credential = m->verdict.credential;
	t->session = m->verdict.session;
	t->retry_s = m->verdict.retry_s;
	OK(m->verdict.blob.len <= ACCT_TICKET_MAX);
	OK(t->verdict == ACCOUNTS_ACCEPT || m->verdict.blob.len == 0);
	(void)snprintf(t->uri, sizeof(t->uri), "%" STR_FMT, STR_ARG(m->verdict.uri));
	(void)snprintf(t->ticket, sizeof(t->ticket), "%" STR_FMT,
	               STR_ARG(str_from_bytes(m->verdict.blob)));
}

static void on_verdict(void *arg, const struct acct_msg *m)
{
	keep(arg, m);
}

static void ask(struct fixture *f, struct try *t, enum accounts_mech mech, struct str user,
                struct str blob, const char *at)
{
	struct acct_msg ret, req = { .type = ACCT_AUTH, .id = 77 };
	req.auth.mech = mech;
	req.auth.user = user;
	req.auth.blob = bytes_of(blob);
	req.auth.agent = STR("Firefox");
	req.auth.peer = (struct addr){ .sa = { .sa_family = AF_UNSPEC } };
	if (at)
		EQ(addr_parse(&req.auth.peer, str_of(at), 5061), 0);
	*t = (struct try){ .calls = 0 };
	struct signin_req *r = signin_step(f->s, &req, loop_now(f->l), &ret, on_verdict, t);
	EQ(t->calls, 0);
	if (r)
		t->req = r;
	else
		keep(t, &ret);
}

static struct try log_in(struct fixture *f, const char *user, const char *password, const char *at)
{
	struct try t;
	ask(f, &t, ACCOUNTS_LOGIN, str_of(user), str_of(password), at);
	AWAIT(f->l, t.calls == 1);
	EQ(t.id, 77);
	return t;
}

static struct try show(struct fixture *f, const char *ticket, const char *at)
{
	struct try t;
	ask(f, &t, ACCOUNTS_TICKET, STR(""), str_of(ticket), at);
	EQ(t.calls, 1);
	EQ(t.id, 77);
	return t;
}

static enum accounts_verdict log_out(struct fixture *f, const char *ticket)
{
	struct try t;
	ask(f, &t, ACCOUNTS_TICKET_END, STR(""), str_of(ticket), "192.0.2.1");
	AWAIT(f->l, t.calls == 1);
	return t.verdict;
}

/* --- passwords --------------------------------------------------------------------------- */

static void right_password_gives_a_ticket_that_is_good(void)
{
	static const char *const names[] = { "alice", "Alice@Example.Test", "EXAMPLE\\alice" };
	struct fixture *f = start();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct try t = log_in(f, names[i], "correct horse", "192.0.2.1");
		EQ(t.verdict, ACCOUNTS_ACCEPT);
		EQ(t.account, f->alice);
		OK(t.credential != 0 && t.session != 0 && t.ticket[0]);
		OK(strcmp(t.uri, "alice@example.test") == 0);
		struct try s = show(f, t.ticket, "192.0.2.1");
		EQ(s.verdict, ACCOUNTS_ACCEPT);
		EQ(s.account, f->alice);
		EQ(s.credential, t.credential);
		EQ(s.session, t.session);
		OK(strcmp(s.uri, "alice@example.test") == 0 && !s.ticket[0]);
	}
	EQ(logins_count(f->db), 3);
	EQ(signin_counts(f->s, loop_now(f->l)).under_way, 0);
	end(f);
}

static void everything_else_is_refused(void)
{
	struct fixture *f = start();
	struct account acc = alice(f);
	userdb_add_device(f->db, &acc, STR("desk"), STR("device secret"), on_done, f);
	AWAIT(f->l, f->done == 2);
	EQ(log_in(f, "alice", "correct horsf", "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	EQ(log_in(f, "alice", "device secret", "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	EQ(log_in(f, "alice", "", "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	EQ(log_in(f, "nobody", "correct horse", "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	EQ(log_in(f, "", "correct horse", "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	EQ(logins_count(f->db), 0);
	end(f);
}

/* libcrypt would see what stands before it alone; the counters all of it. */
static void a_nul_hides_nothing(void)
{
	struct fixture *f = start();
	struct try t;
	ask(f, &t, ACCOUNTS_LOGIN, STR("alice"), STR("correct horse\0x"), "192.0.2.1");
	EQ(t.calls, 1);
	EQ(t.verdict, ACCOUNTS_REFUSE);
	ask(f, &t, ACCOUNTS_LOGIN, STR("alice\0x"), STR("correct horse"), "192.0.2.1");
	EQ(t.calls, 1);
	EQ(t.verdict, ACCOUNTS_REFUSE);
	end(f);
}

static void longest_password_is_checked_and_a_longer_one_not(void)
{
	struct fixture *f = start();
	char text[PASSWORD_MAX + 2];
	struct account acc = alice(f);
	memset(text, 'x', sizeof(text));
	text[PASSWORD_MAX + 1] = 0;
	userdb_set_password(f->db, &acc, str_n(text, PASSWORD_MAX), on_done, f);
	AWAIT(f->l, f->done == 2);
	EQ(f->err, 0);
	EQ(log_in(f, "alice", text, "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	text[PASSWORD_MAX] = 0;
	EQ(log_in(f, "alice", text, "192.0.2.1").verdict, ACCOUNTS_ACCEPT);
	end(f);
}

/* Counted, not timed: whoever it is, one hash. */
static void failures_cost_the_same_for_everyone(void)
{
	static const char *const users[] = { "nobody", "alice", "x\\y", "12", "alice@other.test" };
	struct fixture *f = start();
	for (int i = 0; i < 2; i++) {
		for (size_t u = 0; u < ARRAY_SIZE(users); u++) {
			uint64_t before = signin_counts(f->s, 0).checks;
			EQ(log_in(f, users[u], "wrong horse", "192.0.2.1").verdict,
			   ACCOUNTS_REFUSE);
			EQ(signin_counts(f->s, 0).checks, before + 1);
		}
		disable(f, true);
	}
	end(f);
}

static void disabled_user_is_refused_with_the_right_password(void)
{
	struct fixture *f = start();
	struct try t = log_in(f, "alice", "correct horse", "192.0.2.1");
	disable(f, true);
	EQ(log_in(f, "alice", "correct horse", "192.0.2.2").verdict, ACCOUNTS_REFUSE);
	EQ(show(f, t.ticket, "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	disable(f, false);
	EQ(log_in(f, "alice", "correct horse", "192.0.2.2").verdict, ACCOUNTS_ACCEPT);
	EQ(show(f, t.ticket, "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	end(f);
}

/* All asked at once: each sees the failures before it. */
static void guesses_at_once_are_slowed_as_others(void)
{
	static const char *const users[] = { "alice", "nobody" };
	struct fixture *f = start();
	for (size_t u = 0; u < ARRAY_SIZE(users); u++) {
		struct try t[SIGNIN_ADDR_REQS_MAX];
		unsigned n = 0, refused = 0, slow = 0;
		uint64_t before = signin_counts(f->s, 0).checks;
		for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
			ask(f, &t[i], ACCOUNTS_LOGIN, str_of(users[u]), STR("wrong horse"),
			    "192.0.2.1");
		for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
			AWAIT(f->l, t[i].calls == 1);
		for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
			n += t[i].calls;
			refused += t[i].verdict == ACCOUNTS_REFUSE;
			slow += t[i].verdict == ACCOUNTS_SLOW;
		}
		EQ(n, ARRAY_SIZE(t));
		EQ(refused, LOCKOUT_PAIR_FAILURES - 1);
		EQ(slow, ARRAY_SIZE(t) - LOCKOUT_PAIR_FAILURES + 1);
		EQ(signin_counts(f->s, 0).checks - before, LOCKOUT_PAIR_FAILURES);
		/* The right one too, there, but not elsewhere. */
		EQ(log_in(f, users[u], "correct horse", "192.0.2.1").verdict, ACCOUNTS_SLOW);
	}
	EQ(log_in(f, "alice", "correct horse", "192.0.2.2").verdict, ACCOUNTS_ACCEPT);
	end(f);
}

static void too_many_at_once_are_slow(void)
{
	struct fixture *f = start();
	static struct try t[SIGNIN_PASSWORDS_MAX];
	struct try more, out, login = log_in(f, "alice", "correct horse", "192.0.2.2");
	for (unsigned i = 0; i < SIGNIN_ADDR_REQS_MAX; i++)
		ask(f, &t[i], ACCOUNTS_LOGIN, STR("alice"), STR("correct horse"), "192.0.2.1");
	ask(f, &more, ACCOUNTS_LOGIN, STR("alice"), STR("correct horse"), "192.0.2.1");
	EQ(more.calls, 1);
	EQ(more.verdict, ACCOUNTS_SLOW);
	EQ(more.retry_s, SIGNIN_BUSY_S);
	for (unsigned i = SIGNIN_ADDR_REQS_MAX; i < ARRAY_SIZE(t); i++) {
		char at[32];
		(void)snprintf(at, sizeof(at), "198.51.100.%u", i);
		ask(f, &t[i], ACCOUNTS_LOGIN, STR("nobody"), STR("wrong horse"), at);
		EQ(t[i].calls, 0);
	}
	ask(f, &more, ACCOUNTS_LOGIN, STR("alice"), STR("correct horse"), "203.0.113.1");
	EQ(more.calls, 1);
	EQ(more.verdict, ACCOUNTS_SLOW);
	/* But who wants to go can. */
	ask(f, &out, ACCOUNTS_TICKET_END, STR(""), str_of(login.ticket), "192.0.2.2");
	EQ(out.calls, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		AWAIT(f->l, t[i].calls == 1);
		EQ(t[i].verdict, i < SIGNIN_ADDR_REQS_MAX ? ACCOUNTS_ACCEPT : ACCOUNTS_REFUSE);
	}
	AWAIT(f->l, out.calls == 1);
	EQ(out.verdict, ACCOUNTS_ACCEPT);
	EQ(log_in(f, "alice", "correct horse", "203.0.113.1").verdict, ACCOUNTS_ACCEPT);
	end(f);
}

static void what_nobody_waits_for_makes_no_login(void)
{
	struct fixture *f = start();
	struct try hashing, waiting, t;
	ask(f, &hashing, ACCOUNTS_LOGIN, STR("alice"), STR("correct horse"), "192.0.2.1");
	ask(f, &waiting, ACCOUNTS_LOGIN, STR("alice"), STR("correct horse"), "192.0.2.1");
	signin_req_free(&waiting.req);
	signin_req_free(&hashing.req);
	OK(!waiting.req && !hashing.req);
	t = log_in(f, "alice", "correct horse", "192.0.2.1");
	EQ(t.verdict, ACCOUNTS_ACCEPT);
	OK(hashing.calls == 0 && waiting.calls == 0);
	EQ(logins_count(f->db), 1);
	end(f);
}

/* Cancelled after the password was found right, while its log-in is being written. */
static void a_login_whose_asker_went_is_ended(void)
{
	struct fixture *f = start();
	struct try t;
	ask(f, &t, ACCOUNTS_LOGIN, STR("alice"), STR("correct horse"), "192.0.2.1");
	AWAIT(f->l, signin_counts(f->s, 0).accepted == 1);
	signin_req_free(&t.req);
	AWAIT(f->l, signin_counts(f->s, 0).under_way == 0 && logins_count(f->db) == 0);
	EQ(t.calls, 0);
	end(f);
}

static void end_comes_while_passwords_are_hashed(void)
{
	struct fixture *f = start();
	struct try t[3];
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		ask(f, &t[i], ACCOUNTS_LOGIN, STR("alice"), STR("correct horse"),
		    i < 2 ? "192.0.2.1" : "192.0.2.2");
	end(f);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		EQ(t[i].calls, 0);
}

static void user_who_is_disabled_meanwhile_gets_nothing(void)
{
	struct fixture *f = start();
	struct try t;
	unsigned before = f->done;
	userdb_set_disabled(f->db, f->alice, true, on_done, f);
	ask(f, &t, ACCOUNTS_LOGIN, STR("alice"), STR("correct horse"), "192.0.2.1");
	EQ(t.calls, 0);
	AWAIT(f->l, f->done == before + 1 && t.calls == 1);
	EQ(t.verdict, ACCOUNTS_REFUSE);
	EQ(logins_count(f->db), 0);
	end(f);
}

static void new_password_ends_logins(void)
{
	struct fixture *f = start();
	struct try t = log_in(f, "alice", "correct horse", "192.0.2.1");
	struct account acc = alice(f);
	userdb_set_password(f->db, &acc, STR("another horse"), on_done, f);
	AWAIT(f->l, f->done == 2);
	EQ(show(f, t.ticket, "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	EQ(log_in(f, "alice", "correct horse", "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	EQ(log_in(f, "alice", "another horse", "192.0.2.1").verdict, ACCOUNTS_ACCEPT);
	end(f);
}

struct nt_seen {
	struct fixture *f;
	bool has;
	uint8_t nt[16];
};

static void look_at_nt(void *arg, const struct userdb_cred *c)
{
	struct nt_seen *n = arg;
	struct secrets s;
	EQ(userdb_unseal(n->f->db, &s, n->f->alice, c), 0);
	n->has = s.has_nt;
	memcpy(n->nt, s.nt, sizeof(n->nt));
	secrets_wipe(&s);
}

static struct nt_seen nt_of(struct fixture *f)
{
	struct nt_seen n = { .f = f };
	EQ(userdb_creds(f->db, f->alice, look_at_nt, &n), 1);
	return n;
}

static void allow_ntlm(struct fixture *f, bool allowed)
{
	struct userdb_set set = USERDB_SET_NOTHING;
	unsigned before = f->done;
	set.ntlm = allowed;
	userdb_set(f->db, f->alice, &set, on_done, f);
	AWAIT(f->l, f->done == before + 1);
	EQ(f->err, 0);
}

static void typed_password_brings_the_nt_hash_that_is_allowed(void)
{
	struct fixture *f = start();
	uint8_t want[16];
	EQ(password_nt_hash(want, STR("correct horse")), 0);
	allow_ntlm(f, false);
	EQ(log_in(f, "alice", "correct horse", "192.0.2.1").verdict, ACCOUNTS_ACCEPT);
	OK(!nt_of(f).has);
	allow_ntlm(f, true);
	EQ(log_in(f, "alice", "wrong horse", "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	OK(!nt_of(f).has);
	EQ(log_in(f, "alice", "correct horse", "192.0.2.1").verdict, ACCOUNTS_ACCEPT);
	AWAIT(f->l, nt_of(f).has);
	OK(memcmp(nt_of(f).nt, want, sizeof(want)) == 0);
	/* The hash that the password was checked against is there still. */
	EQ(log_in(f, "alice", "correct horse", "192.0.2.1").verdict, ACCOUNTS_ACCEPT);
	end(f);
}

/* --- tickets ----------------------------------------------------------------------------- */

static void log_out_ends_the_login_for_good(void)
{
	struct fixture *f = start();
	struct try a = log_in(f, "alice", "correct horse", "192.0.2.1");
	struct try b = log_in(f, "alice", "correct horse", "192.0.2.1");
	EQ(log_out(f, a.ticket), ACCOUNTS_ACCEPT);
	EQ(show(f, a.ticket, "192.0.2.1").verdict, ACCOUNTS_REFUSE);
	EQ(show(f, b.ticket, "192.0.2.1").verdict, ACCOUNTS_ACCEPT);
	EQ(log_out(f, a.ticket), ACCOUNTS_ACCEPT);
	EQ(log_out(f, "no ticket"), ACCOUNTS_ACCEPT);
	EQ(logins_count(f->db), 1);
	end(f);
}

static void two_who_log_out_at_once_both_succeed(void)
{
	struct fixture *f = start();
	struct try a = log_in(f, "alice", "correct horse", "192.0.2.1"), t[2];
	for (unsigned i = 0; i < 2; i++) {
		ask(f, &t[i], ACCOUNTS_TICKET_END, STR(""), str_of(a.ticket), NULL);
		EQ(t[i].calls, 0);
	}
	AWAIT(f->l, t[0].calls == 1 && t[1].calls == 1);
	OK(t[0].verdict == ACCOUNTS_ACCEPT && t[1].verdict == ACCOUNTS_ACCEPT);
	end(f);
}

static void wrong_tickets_slow_their_address_alone(void)
{
	struct fixture *f = start();
	struct try a = log_in(f, "alice", "correct horse", "192.0.2.1");
	EQ(show(f, a.ticket, "192.0.2.9").verdict, ACCOUNTS_ACCEPT);
	unsigned refused = 0;
	while (show(f, "", "192.0.2.9").verdict == ACCOUNTS_REFUSE && refused < 1000)
		refused++;
	OK(refused >= 1 && refused <= LOCKOUT_ADDR_FAILURES);
	/* Who was good from there is good still; passwords are counted apart. */
	EQ(show(f, a.ticket, "192.0.2.9").verdict, ACCOUNTS_ACCEPT);
	EQ(show(f, a.ticket, "192.0.2.10").verdict, ACCOUNTS_ACCEPT);
	EQ(log_in(f, "alice", "correct horse", "192.0.2.9").verdict, ACCOUNTS_ACCEPT);
	OK(signin_counts(f->s, loop_now(f->l)).slow_now > 0);
	end(f);
}

static void many_numbers_slow_their_address_too(void)
{
	struct fixture *f = start();
	struct try a = log_in(f, "alice", "correct horse", "192.0.2.1"), t = { .calls = 0 };
	unsigned n = 0;
	for (; n < 1000 && t.verdict != ACCOUNTS_SLOW; n++) {
		char ticket[LOGINS_TICKET_LEN + 1];
		memcpy(ticket, a.ticket, sizeof(ticket));
		ticket[5] = (char)('a' + n % 26);
		ticket[6] = (char)('a' + n / 26 % 26);
		t = show(f, ticket, "192.0.2.9");
		OK(t.verdict != ACCOUNTS_ACCEPT);
	}
	OK(n > LOCKOUT_PAIR_FAILURES && n <= LOCKOUT_ADDR_FAILURES + 1);
	OK(t.retry_s > 0 && t.retry_s <= LOCKOUT_TRY_EVERY_S);
	EQ(show(f, a.ticket, "192.0.2.9").verdict, ACCOUNTS_SLOW);
	/* An asker that has no client's address has counted itself. */
	EQ(show(f, a.ticket, NULL).verdict, ACCOUNTS_ACCEPT);
	end(f);
}

int main(void)
{
	RUN(right_password_gives_a_ticket_that_is_good);
	RUN(everything_else_is_refused);
	RUN(a_nul_hides_nothing);
	RUN(longest_password_is_checked_and_a_longer_one_not);
	RUN(failures_cost_the_same_for_everyone);
	RUN(disabled_user_is_refused_with_the_right_password);
	RUN(guesses_at_once_are_slowed_as_others);
	RUN(too_many_at_once_are_slow);
	RUN(what_nobody_waits_for_makes_no_login);
	RUN(a_login_whose_asker_went_is_ended);
	RUN(end_comes_while_passwords_are_hashed);
	RUN(user_who_is_disabled_meanwhile_gets_nothing);
	RUN(new_password_ends_logins);
	RUN(typed_password_brings_the_nt_hash_that_is_allowed);
	RUN(log_out_ends_the_login_for_good);
	RUN(two_who_log_out_at_once_both_succeed);
	RUN(wrong_tickets_slow_their_address_alone);
	RUN(many_numbers_slow_their_address_too);
	return tap_done();
}
