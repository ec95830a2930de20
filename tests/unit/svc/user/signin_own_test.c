/* What users ask and change of their own accounts. */
#include "svc/user/signin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "await.h"
#include "svc/user/logins.h"
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
}

static struct signin_req *begin(struct fixture *f, struct asked *a, const char *ticket,
                                enum acct_own_op op, uint64_t number)
{
	struct acct_msg ret, req = { .type = ACCT_OWN, .id = 77 };
	req.own = (struct acct_own){ op, str_of(ticket), number, STR(""), at("192.0.2.1") };
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
	(void)begin(f, &a, ticket, op, number);
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
	OK(begin(f, &q[0], a.ticket, ACCT_OWN_LOGIN_END, 0) != NULL);
	struct signin_req *r = begin(f, &q[1], a.ticket, ACCT_OWN_LOGIN_END, a.number);
	signin_req_free(&r);
	end(f);
	EQ(q[0].calls, 0);
	EQ(q[1].calls, 0);
}

int main(void)
{
	RUN(own_logins_are_listed_and_nobody_elses);
	RUN(one_or_all_others_are_ended);
	RUN(what_is_no_ticket_is_signed_out);
	RUN(who_asks_too_much_waits);
	RUN(end_comes_while_log_ins_are_ended);
	return tap_done();
}
