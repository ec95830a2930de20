/* What users ask and change of their own accounts. */
#include "svc/user/signin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "await.h"
#include "svc/user/factor.h"
#include "svc/user/logins.h"
#include "svc/user/tokens.h"
#include "svc/user/userdb_priv.h"
#include "tmpdir.h"

enum { ROWS_MAX = 32 };

static const struct str domains[] = { STR_INIT("example.test") };
static const uint8_t key[SEAL_KEY_LEN] = { 1, 2, 3 };

/* A store with alice and bob, and who decides by it. */
struct fixture {
	struct loop *l;
	struct tmpdir dir;
	struct userdb *db;
	struct signin *s;
	uint64_t alice, bob, last;
	unsigned done;
	int err;
};

static void on_done(void *arg, int err, uint64_t id)
{
	struct fixture *f = arg;
	f->done++;
	f->err = err;
	f->last = id;
}

static uint64_t add(struct fixture *f, const char *uri)
{
	unsigned before = f->done;
	struct userdb_new n = { .uri = str_of(uri), .password = STR("correct horse") };
	userdb_add(f->db, &n, on_done, f);
	AWAIT(f->l, f->done == before + 1);
	EQ(f->err, 0);
	return f->last;
}

static struct fixture *start(void)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct fixture *f = xnew(struct fixture);
	struct userdb_config c = { .realm = STR("realm.test"),
		                   .domains = domains,
		                   .n_domains = 1,
		                   .seal_key = key,
		                   .logins = { .life_s = 1000, .max = 20 } };
	f->l = loop_new();
	tmpdir_make(&f->dir);
	f->db = userdb_open(f->l, tmpdir_file(&f->dir, "users.db"), &c, &why);
	OK(f->db != NULL);
	f->s = signin_new(f->db);
	OK(f->s != NULL);
	f->alice = add(f, "alice@example.test");
	f->bob = add(f, "bob@example.test");
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

/* --- log-ins ----------------------------------------------------------------------------- */

struct login_made {
	unsigned calls;
	uint64_t number;
	char ticket[LOGINS_TICKET_LEN + 1];
};

static void on_login(void *arg, const struct acct_msg *m)
{
	struct login_made *l = arg;
	l->calls++;
	EQ(m->verdict.verdict, ACCOUNTS_ACCEPT);
	l->number = m->verdict.session;
	EQ(m->verdict.blob.len, LOGINS_TICKET_LEN);
	memcpy(l->ticket, m->verdict.blob.p, LOGINS_TICKET_LEN);
}

static struct addr at(const char *host)
{
	struct addr peer;
	EQ(addr_parse(&peer, str_of(host), 443), 0);
	return peer;
}

static struct login_made log_in(struct fixture *f, const char *user, const char *agent)
{
	struct login_made l = { .calls = 0 };
	struct acct_msg ret, req = { .type = ACCT_AUTH };
	req.auth.mech = ACCOUNTS_LOGIN;
	req.auth.user = str_of(user);
	req.auth.blob = bytes_of(STR("correct horse"));
	req.auth.agent = str_of(agent);
	req.auth.peer = at("192.0.2.1");
	OK(signin_step(f->s, &req, loop_now(f->l), &ret, on_login, &l) != NULL);
	AWAIT(f->l, l.calls == 1);
	return l;
}

/* --- asking ------------------------------------------------------------------------------ */

struct asked {
	unsigned calls;
	uint32_t id;
	enum acct_own_status status;
	uint32_t retry_s;
	uint64_t number;
	unsigned flags;
	char text[512];
	size_t n;
	uint64_t rows[ROWS_MAX];
	char name[ROWS_MAX][64], from[ROWS_MAX][64];
};

static void on_row(void *arg, const struct acct_msg *m)
{
	struct asked *a = arg;
	EQ(m->type, ACCT_OWN_ROW);
	EQ(m->id, 77);
	OK(a->n < ROWS_MAX && m->own_row.made_at > 0);
	a->rows[a->n] = m->own_row.number;
	(void)snprintf(a->name[a->n], sizeof(a->name[0]), "%" STR_FMT, STR_ARG(m->own_row.name));
	(void)snprintf(a->from[a->n], sizeof(a->from[0]), "%" STR_FMT, STR_ARG(m->own_row.from));
	a->n++;
}

static void on_owned(void *arg, const struct acct_msg *m)
{
	struct asked *a = arg;
	EQ(m->type, ACCT_OWNED);
	EQ(m->id, 77);
	a->calls++;
	a->status = m->owned.status;
	a->retry_s = m->owned.retry_s;
	a->number = m->owned.number;
	a->flags = m->owned.flags;
	OK(a->status == ACCT_OWN_DONE || m->owned.text.len == 0);
	(void)snprintf(a->text, sizeof(a->text), "%" STR_FMT, STR_ARG(m->owned.text));
}

static struct signin_req *begin(struct fixture *f, struct asked *a, const char *ticket,
                                enum acct_own_op op, uint64_t number, const char *text)
{
	struct acct_msg ret, req = { .type = ACCT_OWN, .id = 77 };
	req.own = (struct acct_own){ op, str_of(ticket), number, str_of(text), at("192.0.2.1") };
	*a = (struct asked){ .calls = 0 };
	struct signin_req *r = signin_own(f->s, &req, loop_now(f->l), on_row, a, &ret, on_owned, a);
	EQ(a->calls, 0);
	if (!r)
		on_owned(a, &ret);
	return r;
}

static struct asked ask(struct fixture *f, const char *ticket, enum acct_own_op op, uint64_t number)
{
	struct asked a;
	(void)begin(f, &a, ticket, op, number, "");
	AWAIT(f->l, a.calls == 1);
	return a;
}

static struct asked say(struct fixture *f, const char *ticket, enum acct_own_op op,
                        const char *text)
{
	struct asked a;
	(void)begin(f, &a, ticket, op, 0, text);
	AWAIT(f->l, a.calls == 1);
	return a;
}

static size_t n_logins(struct fixture *f, const struct login_made *l)
{
	struct asked a = ask(f, l->ticket, ACCT_OWN_LOGINS, 0);
	EQ(a.status, ACCT_OWN_DONE);
	return a.n;
}

static void own_logins_are_listed_and_nobody_elses(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "Firefox"), b = log_in(f, "alice", "Chrome");
	struct login_made other = log_in(f, "bob", "Safari");
	struct asked q = ask(f, a.ticket, ACCT_OWN_LOGINS, 0);
	EQ(q.status, ACCT_OWN_DONE);
	EQ(q.n, 2);
	EQ(q.number, a.number);
	OK((q.rows[0] == a.number && q.rows[1] == b.number) ||
	   (q.rows[0] == b.number && q.rows[1] == a.number));
	for (size_t i = 0; i < q.n; i++) {
		OK(strcmp(q.name[i], q.rows[i] == a.number ? "Firefox" : "Chrome") == 0);
		OK(strcmp(q.from[i], "192.0.2.1") == 0);
	}
	q = ask(f, other.ticket, ACCT_OWN_LOGINS, 0);
	EQ(q.n, 1);
	EQ(q.rows[0], other.number);
	end(f);
}

static void one_or_all_others_are_ended(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "A"), b = log_in(f, "alice", "B");
	struct login_made other = log_in(f, "bob", "O");
	EQ(ask(f, a.ticket, ACCT_OWN_LOGIN_END, b.number).status, ACCT_OWN_DONE);
	EQ(ask(f, b.ticket, ACCT_OWN_LOGINS, 0).status, ACCT_OWN_SIGNED_OUT);
	EQ(ask(f, a.ticket, ACCT_OWN_LOGIN_END, b.number).status, ACCT_OWN_NONE);
	EQ(ask(f, a.ticket, ACCT_OWN_LOGIN_END, other.number).status, ACCT_OWN_NONE);
	(void)log_in(f, "alice", "C");
	(void)log_in(f, "alice", "D");
	EQ(n_logins(f, &a), 3);
	EQ(ask(f, a.ticket, ACCT_OWN_LOGIN_END, 0).status, ACCT_OWN_DONE);
	EQ(n_logins(f, &a), 1);
	/* There are no others: so it is as it was wanted. */
	EQ(ask(f, a.ticket, ACCT_OWN_LOGIN_END, 0).status, ACCT_OWN_DONE);
	EQ(n_logins(f, &other), 1);
	EQ(ask(f, a.ticket, ACCT_OWN_LOGIN_END, a.number).status, ACCT_OWN_DONE);
	EQ(ask(f, a.ticket, ACCT_OWN_LOGINS, 0).status, ACCT_OWN_SIGNED_OUT);
	EQ(signin_counts(f->s, loop_now(f->l)).under_way, 0);
	end(f);
}

static void what_is_no_ticket_is_signed_out(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "A");
	EQ(ask(f, "", ACCT_OWN_LOGINS, 0).status, ACCT_OWN_SIGNED_OUT);
	a.ticket[20] = a.ticket[20] == 'A' ? 'B' : 'A';
	EQ(ask(f, a.ticket, ACCT_OWN_LOGINS, 0).status, ACCT_OWN_SIGNED_OUT);
	EQ(ask(f, a.ticket, ACCT_OWN_LOGIN_END, 0).status, ACCT_OWN_SIGNED_OUT);
	end(f);
}

/* Counted by account: another one is not slowed. */
static void who_asks_too_much_waits(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "A"), other = log_in(f, "bob", "O");
	struct asked q;
	unsigned n = 0;
	do {
		q = ask(f, a.ticket, ACCT_OWN_LOGINS, 0);
		n++;
	} while (q.status == ACCT_OWN_DONE && n < 10000);
	EQ(q.status, ACCT_OWN_SLOW);
	OK(n > SIGNIN_OWN_BURST && q.retry_s > 0);
	EQ(ask(f, other.ticket, ACCT_OWN_LOGINS, 0).status, ACCT_OWN_DONE);
	end(f);
}

static void end_comes_while_log_ins_are_ended(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "A");
	struct asked q[2];
	(void)log_in(f, "alice", "B");
	OK(begin(f, &q[0], a.ticket, ACCT_OWN_LOGIN_END, 0, "") != NULL);
	struct signin_req *r = begin(f, &q[1], a.ticket, ACCT_OWN_LOGIN_END, a.number, "");
	signin_req_free(&r);
	end(f);
	EQ(q[0].calls, 0);
	EQ(q[1].calls, 0);
}

/* --- the second factor ------------------------------------------------------------------- */

enum { CODE_LEN = TOTP_DIGITS + 1 };

/* What the account's secret makes, so many steps from now. */
static void code_of(struct fixture *f, uint64_t account, int off, char ret[CODE_LEN])
{
	struct factor fa;
	EQ(factor_read(f->db, account, &fa), 0);
	OK(fa.state != FACTOR_NONE);
	totp_code(ret, fa.secret, userdb_now_s(f->db) / TOTP_STEP_S + off);
}

static int64_t last_step(struct fixture *f)
{
	struct factor fa;
	EQ(factor_read(f->db, f->alice, &fa), 0);
	return fa.step;
}

/* As if all steps so far were long ago, so that the codes of now are good. */
static void pass_steps(struct fixture *f)
{
	unsigned before = f->done;
	struct store_stmt stmt = { "update factor set step = 1", NULL, 0 };
	userdb_write_own(f->db, 0, &stmt, 1, on_done, f);
	AWAIT(f->l, f->done == before + 1);
	EQ(f->err, 0);
}

struct question {
	unsigned calls;
	enum accounts_verdict verdict;
	uint64_t session;
	char ticket[LOGINS_TICKET_LEN + 1];
};

static void on_answer(void *arg, const struct acct_msg *m)
{
	struct question *q = arg;
	q->calls++;
	q->verdict = m->verdict.verdict;
	q->session = m->verdict.session;
	if (m->verdict.blob.len > 0)
		memcpy(q->ticket, m->verdict.blob.p, LOGINS_TICKET_LEN);
}

static struct question sign_in(struct fixture *f, enum accounts_mech mech, uint64_t session,
                               const char *password, const char *code, const char *from)
{
	struct question q = { .calls = 0 };
	struct acct_msg ret, req = { .type = ACCT_AUTH };
	req.auth.mech = mech;
	req.auth.session = session;
	req.auth.user = STR("alice");
	req.auth.blob = bytes_of(str_of(password));
	req.auth.code = str_of(code);
	req.auth.peer = at(from);
	if (!signin_step(f->s, &req, loop_now(f->l), &ret, on_answer, &q))
		on_answer(&q, &ret);
	AWAIT(f->l, q.calls == 1);
	return q;
}

static enum accounts_verdict with_code(struct fixture *f, const char *code)
{
	return sign_in(f, ACCOUNTS_LOGIN, 0, "correct horse", code, "192.0.2.1").verdict;
}

/* The log-in that it was set up by; codes: the recovery codes. */
static struct login_made set_up(struct fixture *f, char codes[256])
{
	struct login_made l = log_in(f, "alice", "A");
	char code[CODE_LEN];
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR_BEGIN, 0).status, ACCT_OWN_DONE);
	code_of(f, f->alice, 0, code);
	struct asked a = say(f, l.ticket, ACCT_OWN_FACTOR_CONFIRM, code);
	EQ(a.status, ACCT_OWN_DONE);
	EQ(strlen(a.text), RECOVERY_N * (RECOVERY_TEXT + 1) - 1);
	memcpy(codes, a.text, sizeof(a.text) < 256 ? sizeof(a.text) : 256);
	return l;
}

static void password_alone_is_enough_until_the_first_code(void)
{
	struct fixture *f = start();
	char codes[256], code[CODE_LEN];
	struct login_made l = log_in(f, "alice", "A");
	struct asked a = ask(f, l.ticket, ACCT_OWN_FACTOR, 0);
	EQ(a.status, ACCT_OWN_DONE);
	EQ(a.flags, 0);
	EQ(say(f, l.ticket, ACCT_OWN_FACTOR_CONFIRM, "123456").status, ACCT_OWN_NONE);
	a = ask(f, l.ticket, ACCT_OWN_FACTOR_BEGIN, 0);
	EQ(a.status, ACCT_OWN_DONE);
	OK(strstr(a.text, " otpauth://totp/Dialtone:alice%40example.test?secret=") != NULL);
	EQ(with_code(f, ""), ACCOUNTS_ACCEPT); /* begun counts for nothing */
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR_BEGIN, 0).status, ACCT_OWN_DONE);
	code_of(f, f->alice, 0, code);
	code[0] = code[0] == '0' ? '1' : '0';
	EQ(say(f, l.ticket, ACCT_OWN_FACTOR_CONFIRM, code).status, ACCT_OWN_WRONG);
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR, 0).flags, 0);
	l = set_up(f, codes);
	a = ask(f, l.ticket, ACCT_OWN_FACTOR, 0);
	EQ(a.flags, ACCT_OWN_ON);
	EQ(a.number, RECOVERY_N);
	EQ(n_logins(f, &l), 1); /* the others have ended */
	EQ(with_code(f, ""), ACCOUNTS_CONTINUE);
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR_BEGIN, 0).status, ACCT_OWN_EXISTS);
	EQ(say(f, l.ticket, ACCT_OWN_FACTOR_CONFIRM, "123456").status, ACCT_OWN_EXISTS);
	end(f);
}

static void a_code_is_good_once(void)
{
	struct fixture *f = start();
	char codes[256], code[CODE_LEN], next[CODE_LEN];
	(void)set_up(f, codes);
	/* The one that it was confirmed with has been used. */
	OK(last_step(f) > 0);
	pass_steps(f);
	code_of(f, f->alice, 0, code);
	EQ(with_code(f, code), ACCOUNTS_ACCEPT);
	EQ(with_code(f, code), ACCOUNTS_REFUSE);
	EQ(sign_in(f, ACCOUNTS_LOGIN, 0, "wrong horse", code, "192.0.2.1").verdict,
	   ACCOUNTS_REFUSE);
	code_of(f, f->alice, 1, next);
	EQ(with_code(f, next), ACCOUNTS_ACCEPT);
	EQ(with_code(f, code), ACCOUNTS_REFUSE);
	end(f);
}

/* Both are checked before either is written. */
static void of_two_with_one_code_one_comes_in(void)
{
	struct fixture *f = start();
	char codes[256], code[CODE_LEN];
	struct question q[2] = { { .calls = 0 } };
	(void)set_up(f, codes);
	pass_steps(f);
	code_of(f, f->alice, 0, code);
	for (size_t i = 0; i < 2; i++) {
		struct acct_msg ret, req = { .type = ACCT_AUTH };
		req.auth.mech = ACCOUNTS_LOGIN;
		req.auth.user = STR("alice");
		req.auth.blob = bytes_of(STR("correct horse"));
		req.auth.code = str_of(code);
		req.auth.peer = at(i ? "192.0.2.1" : "192.0.2.2");
		OK(signin_step(f->s, &req, loop_now(f->l), &ret, on_answer, &q[i]) != NULL);
	}
	AWAIT(f->l, q[0].calls == 1 && q[1].calls == 1);
	OK((q[0].verdict == ACCOUNTS_ACCEPT) + (q[1].verdict == ACCOUNTS_ACCEPT) == 1);
	OK((q[0].verdict == ACCOUNTS_REFUSE) + (q[1].verdict == ACCOUNTS_REFUSE) == 1);
	end(f);
}

static void recovery_codes_are_good_once_each(void)
{
	struct fixture *f = start();
	char codes[256], one[RECOVERY_TEXT + 1] = { 0 }, other[RECOVERY_TEXT + 1] = { 0 };
	struct login_made l = set_up(f, codes);
	memcpy(one, codes, RECOVERY_TEXT);
	memcpy(other, codes + RECOVERY_TEXT + 1, RECOVERY_TEXT);
	EQ(with_code(f, one), ACCOUNTS_ACCEPT);
	EQ(with_code(f, one), ACCOUNTS_REFUSE);
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR, 0).number, RECOVERY_N - 1);
	struct asked a = ask(f, l.ticket, ACCT_OWN_FACTOR_CODES, 0);
	EQ(a.status, ACCT_OWN_DONE);
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR, 0).number, RECOVERY_N);
	EQ(with_code(f, other), ACCOUNTS_REFUSE);
	memcpy(one, a.text, RECOVERY_TEXT);
	EQ(with_code(f, one), ACCOUNTS_ACCEPT);
	end(f);
}

/* From many addresses too: the account's own count. */
static void wrong_codes_lock_out(void)
{
	struct fixture *f = start();
	char codes[256], code[CODE_LEN], from[32];
	(void)set_up(f, codes);
	pass_steps(f);
	code_of(f, f->alice, 0, code);
	code[0] = code[0] == '0' ? '1' : '0';
	struct question q = { .verdict = ACCOUNTS_REFUSE };
	unsigned n = 0;
	for (; q.verdict != ACCOUNTS_SLOW && n < 100; n++) {
		(void)snprintf(from, sizeof(from), "198.51.100.%u", n + 1);
		q = sign_in(f, ACCOUNTS_LOGIN, 0, "correct horse", code, from);
	}
	EQ(q.verdict, ACCOUNTS_SLOW);
	EQ(n, LOCKOUT_PAIR_FAILURES + 1);
	/* The right one waits as well. */
	code_of(f, f->alice, 0, code);
	EQ(sign_in(f, ACCOUNTS_LOGIN, 0, "correct horse", code, "203.0.113.1").verdict,
	   ACCOUNTS_SLOW);
	/* A phone's password is not concerned, nor who has only the password to type. */
	EQ(sign_in(f, ACCOUNTS_LOGIN, 0, "correct horse", "", "203.0.113.2").verdict,
	   ACCOUNTS_CONTINUE);
	end(f);
}

static void wrong_codes_count_as_wrong_passwords_do(void)
{
	struct fixture *f = start();
	char codes[256];
	uint64_t before;
	(void)set_up(f, codes);
	before = signin_counts(f->s, loop_now(f->l)).refused;
	for (unsigned i = 0; i < 3; i++)
		EQ(sign_in(f, ACCOUNTS_LOGIN, 0, "correct horse", "nonsense", "203.0.113.1")
		           .verdict,
		   ACCOUNTS_REFUSE);
	EQ(signin_counts(f->s, loop_now(f->l)).refused, before + 3);
	/* A password that is right alone makes nobody known, and forgets no failure. */
	for (unsigned i = 3; i < LOCKOUT_PAIR_FAILURES; i++) {
		EQ(sign_in(f, ACCOUNTS_LOGIN, 0, "correct horse", "", "203.0.113.1").verdict,
		   ACCOUNTS_CONTINUE);
		(void)sign_in(f, ACCOUNTS_LOGIN, 0, "wrong horse", "", "203.0.113.1");
	}
	EQ(sign_in(f, ACCOUNTS_LOGIN, 0, "correct horse", "", "203.0.113.1").verdict,
	   ACCOUNTS_SLOW);
	end(f);
}

static void what_weakens_needs_the_password_again(void)
{
	struct fixture *f = start();
	char codes[256], code[CODE_LEN];
	struct login_made l = set_up(f, codes);
	unsigned before = f->done;
	struct store_stmt stmt = { "update login set proved_at = 1", NULL, 0 };
	userdb_write_own(f->db, 0, &stmt, 1, on_done, f);
	AWAIT(f->l, f->done == before + 1);
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR, 0).status, ACCT_OWN_DONE);
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR_CODES, 0).status, ACCT_OWN_UNPROVED);
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR_END, 0).status, ACCT_OWN_UNPROVED);
	EQ(sign_in(f, ACCOUNTS_PROVE, l.number, "wrong horse", "", "192.0.2.1").verdict,
	   ACCOUNTS_REFUSE);
	EQ(sign_in(f, ACCOUNTS_PROVE, l.number, "correct horse", "", "192.0.2.1").verdict,
	   ACCOUNTS_CONTINUE);
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR_END, 0).status, ACCT_OWN_UNPROVED);
	pass_steps(f);
	code_of(f, f->alice, 0, code);
	struct question q =
	        sign_in(f, ACCOUNTS_PROVE, l.number, "correct horse", code, "192.0.2.1");
	EQ(q.verdict, ACCOUNTS_ACCEPT);
	EQ(q.session, l.number);
	OK(!q.ticket[0]);
	EQ(n_logins(f, &l), 1); /* no other one was made */
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR_END, 0).status, ACCT_OWN_DONE);
	EQ(ask(f, l.ticket, ACCT_OWN_FACTOR_END, 0).status, ACCT_OWN_NONE);
	EQ(with_code(f, ""), ACCOUNTS_ACCEPT);
	end(f);
}

static void nobody_proves_for_another(void)
{
	struct fixture *f = start();
	struct login_made other = log_in(f, "bob", "O");
	EQ(sign_in(f, ACCOUNTS_PROVE, other.number, "correct horse", "", "192.0.2.1").verdict,
	   ACCOUNTS_REFUSE);
	EQ(sign_in(f, ACCOUNTS_PROVE, 0, "correct horse", "", "192.0.2.1").verdict,
	   ACCOUNTS_FAILED);
	end(f);
}

static enum accounts_verdict show(struct fixture *f, const char *ticket)
{
	struct acct_msg ret, req = { .type = ACCT_AUTH };
	req.auth.mech = ACCOUNTS_TICKET;
	req.auth.blob = bytes_of(str_of(ticket));
	req.auth.peer = at("192.0.2.1");
	OK(!signin_step(f->s, &req, loop_now(f->l), &ret, NULL, NULL));
	return ret.verdict.verdict;
}

static void set_policy(struct fixture *f, int policy)
{
	struct userdb_set set = USERDB_SET_NOTHING;
	unsigned before = f->done;
	set.second_factor = policy;
	userdb_set(f->db, f->alice, &set, on_done, f);
	AWAIT(f->l, f->done == before + 1);
	EQ(f->err, 0);
}

static void who_must_have_one_sets_it_up_first(void)
{
	struct fixture *f = start();
	char code[CODE_LEN];
	set_policy(f, USERDB_FACTOR_REQUIRED);
	struct question q = sign_in(f, ACCOUNTS_LOGIN, 0, "correct horse", "", "192.0.2.1");
	EQ(q.verdict, ACCOUNTS_CONTINUE);
	OK(q.session != 0 && q.ticket[0]);
	EQ(show(f, q.ticket), ACCOUNTS_CONTINUE);
	EQ(ask(f, q.ticket, ACCT_OWN_FACTOR, 0).flags, ACCT_OWN_REQUIRED);
	EQ(ask(f, q.ticket, ACCT_OWN_FACTOR_CODES, 0).status, ACCT_OWN_REFUSED);
	EQ(ask(f, q.ticket, ACCT_OWN_FACTOR_END, 0).status, ACCT_OWN_REFUSED);
	EQ(ask(f, q.ticket, ACCT_OWN_FACTOR_BEGIN, 0).status, ACCT_OWN_DONE);
	code_of(f, f->alice, 0, code);
	EQ(say(f, q.ticket, ACCT_OWN_FACTOR_CONFIRM, code).status, ACCT_OWN_DONE);
	EQ(show(f, q.ticket), ACCOUNTS_ACCEPT);
	EQ(ask(f, q.ticket, ACCT_OWN_FACTOR_END, 0).status, ACCT_OWN_REFUSED);
	set_policy(f, USERDB_FACTOR_OPTIONAL);
	EQ(ask(f, q.ticket, ACCT_OWN_FACTOR_END, 0).status, ACCT_OWN_DONE);
	EQ(show(f, q.ticket), ACCOUNTS_ACCEPT);
	end(f);
}

static void the_servers_policy_holds_for_who_has_none_of_his_own(void)
{
	struct fixture *f = start();
	userdb_set_logins(f->db, &(struct userdb_logins){
	                                 .life_s = 1000, .max = 20, .require_factor = true });
	EQ(sign_in(f, ACCOUNTS_LOGIN, 0, "correct horse", "", "192.0.2.1").verdict,
	   ACCOUNTS_CONTINUE);
	set_policy(f, USERDB_FACTOR_OPTIONAL);
	EQ(sign_in(f, ACCOUNTS_LOGIN, 0, "correct horse", "", "192.0.2.1").verdict,
	   ACCOUNTS_ACCEPT);
	end(f);
}

static void devices_are_made_and_revoked(void)
{
	struct fixture *f = start();
	struct login_made l = log_in(f, "alice", "A"), other = log_in(f, "bob", "O");
	struct asked a = say(f, l.ticket, ACCT_OWN_DEVICE_ADD, " desk phone ");
	EQ(a.status, ACCT_OWN_DONE);
	EQ(strlen(a.text), PASSWORD_DEVICE_LEN);
	EQ(say(f, l.ticket, ACCT_OWN_DEVICE_ADD, "Desk Phone").status, ACCT_OWN_EXISTS);
	EQ(say(f, l.ticket, ACCT_OWN_DEVICE_ADD, " ").status, ACCT_OWN_BAD);
	EQ(say(f, l.ticket, ACCT_OWN_DEVICE_ADD, "a\nb").status, ACCT_OWN_BAD);
	EQ(say(f, other.ticket, ACCT_OWN_DEVICE_ADD, "desk phone").status, ACCT_OWN_DONE);
	a = ask(f, l.ticket, ACCT_OWN_DEVICES, 0);
	EQ(a.n, 1);
	OK(strcmp(a.name[0], "desk phone") == 0);
	EQ(ask(f, other.ticket, ACCT_OWN_DEVICE_REMOVE, a.rows[0]).status, ACCT_OWN_NONE);
	EQ(ask(f, l.ticket, ACCT_OWN_DEVICE_REMOVE, l.number + 1000).status, ACCT_OWN_NONE);
	EQ(ask(f, l.ticket, ACCT_OWN_DEVICE_REMOVE, a.rows[0]).status, ACCT_OWN_DONE);
	EQ(ask(f, l.ticket, ACCT_OWN_DEVICES, 0).n, 0);
	/* The account's own password is none of a device. */
	EQ(with_code(f, ""), ACCOUNTS_ACCEPT);
	end(f);
}

static void no_more_devices_than_may_be(void)
{
	struct fixture *f = start();
	struct login_made l = log_in(f, "alice", "A");
	char name[16];
	for (unsigned i = 0; i < USERDB_DEVICES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "phone %u", i);
		EQ(say(f, l.ticket, ACCT_OWN_DEVICE_ADD, name).status, ACCT_OWN_DONE);
	}
	EQ(say(f, l.ticket, ACCT_OWN_DEVICE_ADD, "one more").status, ACCT_OWN_FULL);
	end(f);
}

static bool holds(const char *path, const void *what, size_t n)
{
	static char data[4 * 1024 * 1024];
	FILE *file = fopen(path, "rb");
	if (!file)
		return false;
	size_t len = fread(data, 1, sizeof(data), file);
	OK(len < sizeof(data));
	(void)fclose(file);
	return memmem(data, len, what, n) != NULL;
}

/* In the file and in what is written before it. */
static bool is_on_disk(struct fixture *f, const void *what, size_t n)
{
	char path[1024];
	const char *base = tmpdir_file(&f->dir, "users.db");
	(void)snprintf(path, sizeof(path), "%s-wal", base);
	return holds(base, what, n) || holds(path, what, n);
}

static void nothing_secret_is_on_the_disk(void)
{
	struct fixture *f = start();
	char codes[256], text[64];
	struct buf b = BUF_ON(text);
	struct factor fa;
	(void)set_up(f, codes);
	EQ(factor_read(f->db, f->alice, &fa), 0);
	totp_put_secret(&b, fa.secret);
	OK(is_on_disk(f, "alice@example.test", 18)); /* it is looked for in the right place */
	OK(!is_on_disk(f, fa.secret, sizeof(fa.secret)));
	OK(!is_on_disk(f, text, TOTP_SECRET_TEXT_LEN));
	OK(!is_on_disk(f, codes, RECOVERY_TEXT));
	/* What was sealed for alice does not open for bob. */
	unsigned before = f->done;
	struct store_val p[] = { STORE_I(f->bob), STORE_I(f->alice) };
	struct store_stmt stmt = { "update factor set account = $1 where account = $2", p, 2 };
	struct store_stmt codes_go[] = { { "delete from recovery", NULL, 0 }, stmt };
	userdb_write_own(f->db, 0, codes_go, 2, on_done, f);
	AWAIT(f->l, f->done == before + 1);
	EQ(f->err, 0);
	EQ(factor_read(f->db, f->bob, &fa), -EBADMSG);
	end(f);
}

/* --- app tokens -------------------------------------------------------------------------- */

static struct asked add_token(struct fixture *f, const struct login_made *l, const char *name,
                              uint64_t life_s)
{
	struct asked a;
	(void)begin(f, &a, l->ticket, ACCT_OWN_TOKEN_ADD, life_s, name);
	AWAIT(f->l, a.calls == 1);
	return a;
}

static void tokens_are_made_listed_and_removed(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "A"), other = log_in(f, "bob", "O");
	struct asked made = add_token(f, &a, " build bot ", 0);
	EQ(made.status, ACCT_OWN_DONE);
	EQ(strlen(made.text), TOKENS_LEN);
	EQ(show(f, made.text), ACCOUNTS_ACCEPT);
	EQ(add_token(f, &a, "Build Bot", 0).status, ACCT_OWN_EXISTS);
	EQ(add_token(f, &a, "", 0).status, ACCT_OWN_BAD);
	EQ(add_token(f, &a, "x", TOKENS_LIFE_MAX_S + 1ULL).status, ACCT_OWN_BAD);
	struct asked list = ask(f, a.ticket, ACCT_OWN_TOKENS, 0);
	EQ(list.n, 1);
	OK(strcmp(list.name[0], "build bot") == 0);
	EQ(ask(f, other.ticket, ACCT_OWN_TOKENS, 0).n, 0);
	EQ(ask(f, other.ticket, ACCT_OWN_TOKEN_REMOVE, list.rows[0]).status, ACCT_OWN_NONE);
	EQ(show(f, made.text), ACCOUNTS_ACCEPT);
	EQ(ask(f, a.ticket, ACCT_OWN_TOKEN_REMOVE, list.rows[0]).status, ACCT_OWN_DONE);
	EQ(show(f, made.text), ACCOUNTS_REFUSE);
	EQ(ask(f, a.ticket, ACCT_OWN_TOKENS, 0).n, 0);
	end(f);
}

/* Whoever has it can do nothing about the account, nor stay when it has been removed. */
static void a_token_is_no_log_in(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "A");
	struct asked made = add_token(f, &a, "bot", 0);
	struct acct_msg ret, req = { .type = ACCT_AUTH };
	for (int op = 0; op < ACCT_OWN_N_OPS; op++)
		EQ(ask(f, made.text, (enum acct_own_op)op, a.number).status, ACCT_OWN_REFUSED);
	req.auth.mech = ACCOUNTS_TICKET_END;
	req.auth.blob = bytes_of(str_of(made.text));
	OK(!signin_step(f->s, &req, loop_now(f->l), &ret, NULL, NULL));
	EQ(ret.verdict.verdict, ACCOUNTS_REFUSE);
	EQ(show(f, made.text), ACCOUNTS_ACCEPT);
	EQ(ask(f, a.ticket, ACCT_OWN_LOGIN_END, 0).status, ACCT_OWN_DONE);
	EQ(n_logins(f, &a), 1);
	uint64_t number = ask(f, a.ticket, ACCT_OWN_TOKENS, 0).rows[0];
	EQ(ask(f, a.ticket, ACCT_OWN_LOGIN_END, number).status, ACCT_OWN_NONE);
	EQ(ask(f, a.ticket, ACCT_OWN_TOKEN_REMOVE, a.number).status, ACCT_OWN_NONE);
	EQ(sign_in(f, ACCOUNTS_PROVE, number, "correct horse", "", "192.0.2.1").verdict,
	   ACCOUNTS_REFUSE);
	end(f);
}

static void wrong_tokens_must_wait(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "A");
	struct asked made = add_token(f, &a, "bot", 0);
	enum accounts_verdict v = ACCOUNTS_REFUSE;
	made.text[20] = made.text[20] == 'A' ? 'B' : 'A';
	for (int i = 0; i < 1000 && v == ACCOUNTS_REFUSE; i++)
		v = show(f, made.text);
	EQ(v, ACCOUNTS_SLOW);
	end(f);
}

static void a_new_token_needs_the_password_again(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "A");
	struct asked made = add_token(f, &a, "bot", 0);
	unsigned before = f->done;
	struct store_stmt stmt = { "update login set proved_at = 1", NULL, 0 };
	userdb_write_own(f->db, 0, &stmt, 1, on_done, f);
	AWAIT(f->l, f->done == before + 1);
	EQ(add_token(f, &a, "another", 0).status, ACCT_OWN_UNPROVED);
	/* What takes access away does not. */
	EQ(ask(f, a.ticket, ACCT_OWN_TOKEN_REMOVE, ask(f, a.ticket, ACCT_OWN_TOKENS, 0).rows[0])
	           .status,
	   ACCT_OWN_DONE);
	EQ(show(f, made.text), ACCOUNTS_REFUSE);
	/* Nobody makes one who must set up a second factor first; those that there are go on. */
	a = log_in(f, "alice", "A");
	made = add_token(f, &a, "bot", 0);
	set_policy(f, USERDB_FACTOR_REQUIRED);
	EQ(show(f, a.ticket), ACCOUNTS_CONTINUE);
	EQ(add_token(f, &a, "another", 0).status, ACCT_OWN_REFUSED);
	EQ(show(f, made.text), ACCOUNTS_ACCEPT);
	end(f);
}

#define SUBSCRIPTION                                                 \
	"https://push.example.net/a BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-" \
	"JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4 BTBZMqHH6r4Tts7J_aSIgg"

static void push_is_of_the_log_in_that_asks(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "A"), b = log_in(f, "alice", "B");
	EQ(ask(f, a.ticket, ACCT_OWN_PUSH, 0).flags, 0);
	EQ(say(f, a.ticket, ACCT_OWN_PUSH_ADD, SUBSCRIPTION).status, ACCT_OWN_DONE);
	EQ(ask(f, a.ticket, ACCT_OWN_PUSH, 0).flags, ACCT_OWN_ON);
	EQ(ask(f, b.ticket, ACCT_OWN_PUSH, 0).flags, 0);
	EQ(ask(f, b.ticket, ACCT_OWN_PUSH_END, 0).status, ACCT_OWN_NONE);
	EQ(say(f, b.ticket, ACCT_OWN_PUSH_ADD, "http://push.example.net/ x y").status,
	   ACCT_OWN_BAD);
	EQ(say(f, b.ticket, ACCT_OWN_PUSH_ADD, "").status, ACCT_OWN_BAD);
	EQ(ask(f, a.ticket, ACCT_OWN_PUSH_END, 0).status, ACCT_OWN_DONE);
	EQ(ask(f, a.ticket, ACCT_OWN_PUSH, 0).flags, 0);
	end(f);
}

/* --- the password ------------------------------------------------------------------------ */

static enum accounts_verdict with_password(struct fixture *f, const char *password)
{
	return sign_in(f, ACCOUNTS_LOGIN, 0, password, "", "192.0.2.1").verdict;
}

static void a_new_password_ends_all_other_log_ins(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "A"), b = log_in(f, "alice", "B");
	struct login_made other = log_in(f, "bob", "O");
	EQ(say(f, a.ticket, ACCT_OWN_DEVICE_ADD, "desk").status, ACCT_OWN_DONE);
	EQ(say(f, a.ticket, ACCT_OWN_PASSWORD, "staple battery").status, ACCT_OWN_DONE);
	EQ(n_logins(f, &a), 1);
	EQ(ask(f, b.ticket, ACCT_OWN_LOGINS, 0).status, ACCT_OWN_SIGNED_OUT);
	EQ(n_logins(f, &other), 1);
	EQ(ask(f, a.ticket, ACCT_OWN_DEVICES, 0).n, 1);
	EQ(with_password(f, "correct horse"), ACCOUNTS_REFUSE);
	EQ(with_password(f, "staple battery"), ACCOUNTS_ACCEPT);
	end(f);
}

static void a_new_password_needs_the_old_one_and_is_a_good_one(void)
{
	struct fixture *f = start();
	struct login_made a = log_in(f, "alice", "A"), b = log_in(f, "alice", "B");
	EQ(say(f, a.ticket, ACCT_OWN_PASSWORD, "short").status, ACCT_OWN_BAD);
	EQ(say(f, a.ticket, ACCT_OWN_PASSWORD, "my name is Alice").status, ACCT_OWN_BAD);
	EQ(say(f, a.ticket, ACCT_OWN_PASSWORD, "").status, ACCT_OWN_BAD);
	unsigned before = f->done;
	struct store_stmt stmt = { "update login set proved_at = 1", NULL, 0 };
	userdb_write_own(f->db, 0, &stmt, 1, on_done, f);
	AWAIT(f->l, f->done == before + 1);
	EQ(say(f, a.ticket, ACCT_OWN_PASSWORD, "staple battery").status, ACCT_OWN_UNPROVED);
	EQ(sign_in(f, ACCOUNTS_PROVE, b.number, "correct horse", "", "192.0.2.1").verdict,
	   ACCOUNTS_ACCEPT);
	EQ(say(f, a.ticket, ACCT_OWN_PASSWORD, "staple battery").status, ACCT_OWN_UNPROVED);
	set_policy(f, USERDB_FACTOR_REQUIRED);
	EQ(say(f, b.ticket, ACCT_OWN_PASSWORD, "staple battery").status, ACCT_OWN_REFUSED);
	set_policy(f, USERDB_FACTOR_OPTIONAL);
	EQ(say(f, b.ticket, ACCT_OWN_PASSWORD, "staple battery").status, ACCT_OWN_DONE);
	end(f);
}

int main(void)
{
	RUN(own_logins_are_listed_and_nobody_elses);
	RUN(one_or_all_others_are_ended);
	RUN(what_is_no_ticket_is_signed_out);
	RUN(who_asks_too_much_waits);
	RUN(end_comes_while_log_ins_are_ended);
	RUN(password_alone_is_enough_until_the_first_code);
	RUN(a_code_is_good_once);
	RUN(of_two_with_one_code_one_comes_in);
	RUN(recovery_codes_are_good_once_each);
	RUN(wrong_codes_lock_out);
	RUN(wrong_codes_count_as_wrong_passwords_do);
	RUN(what_weakens_needs_the_password_again);
	RUN(nobody_proves_for_another);
	RUN(who_must_have_one_sets_it_up_first);
	RUN(the_servers_policy_holds_for_who_has_none_of_his_own);
	RUN(devices_are_made_and_revoked);
	RUN(no_more_devices_than_may_be);
	RUN(nothing_secret_is_on_the_disk);
	RUN(tokens_are_made_listed_and_removed);
	RUN(a_token_is_no_log_in);
	RUN(wrong_tokens_must_wait);
	RUN(a_new_token_needs_the_password_again);
	RUN(push_is_of_the_log_in_that_asks);
	RUN(a_new_password_ends_all_other_log_ins);
	RUN(a_new_password_needs_the_old_one_and_is_a_good_one);
	return tap_done();
}
