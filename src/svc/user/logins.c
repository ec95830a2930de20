#include "svc/user/logins.h"

#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "svc/user/ticket.h"
#include "svc/user/userdb_priv.h"

enum { PEER_MAX = 64 };

/* --- reading ------------------------------------------------------------------------- */

uint64_t logins_number(struct str ticket)
{
	struct ticket t;
	return ticket_read(&t, ticket) == 0 ? t.number : 0;
}

struct finding {
	const struct ticket *ticket;
	struct login *ret;
	bool found;
};

static void take_login(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	struct finding *f = arg;
	if (!ticket_is(f->ticket, c[5].s))
		return;
	f->found = true;
	*f->ret = (struct login){ .number = f->ticket->number,
		                  .account = (uint64_t)c[0].i,
		                  .credential = (uint64_t)c[1].i,
		                  .made_at = c[2].i,
		                  .used_at = c[3].i,
		                  .ends_at = c[4].i,
		                  .proved_at = c[6].i,
		                  .vouched = c[7].i };
}

int logins_find(struct userdb *db, struct str ticket, struct login *ret)
{
	static const char sql[] =
	        "select account, credential, made_at, used_at, ends_at, secret, proved_at, vouched"
	        " from login where number = $1 and ends_at > $2";
	struct ticket t;
	struct finding f = { .ticket = &t, .ret = ret };
	if (ticket_read(&t, ticket) < 0)
		return -ENOENT;
	struct store_val params[] = { STORE_I(t.number), STORE_I(userdb_now_s(db)) };
	int n = store_read(db->store, sql, params, ARRAY_SIZE(params), take_login, &f);
	return n < 0 ? n : f.found ? 0 : -ENOENT;
}

struct listing {
	logins_fn *fn;
	void *arg;
};

static void give_login(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	struct listing *l = arg;
	struct login login = { .number = (uint64_t)c[0].i,
		               .account = (uint64_t)c[1].i,
		               .credential = (uint64_t)c[2].i,
		               .made_at = c[3].i,
		               .used_at = c[4].i,
		               .ends_at = c[5].i,
		               .peer = c[6].s,
		               .agent = c[7].s };
	l->fn(l->arg, &login);
}

int logins_list(struct userdb *db, uint64_t account, logins_fn *fn, void *arg)
{
	static const char sql[] = "select number, account, credential, made_at, used_at, ends_at,"
	                          " peer, agent from login where account = $1 and ends_at > $2"
	                          " order by used_at desc, number desc limit $3";
	struct listing l = { fn, arg };
	struct store_val params[] = { STORE_I(account), STORE_I(userdb_now_s(db)),
		                      STORE_I(2 * LOGINS_MAX) };
	return store_read(db->store, sql, params, ARRAY_SIZE(params), give_login, &l);
}

static void take_count(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	*(int64_t *)arg = c[0].i;
}

int64_t logins_count(struct userdb *db)
{
	int64_t n = 0;
	struct store_val now = STORE_I(userdb_now_s(db));
	int r = store_read(db->store, "select count(*) from login where ends_at > $1", &now, 1,
	                   take_count, &n);
	return r < 0 ? -1 : n;
}

/* --- making --------------------------------------------------------------------------- */

/* Those that a new one pushes out. */
struct surplus {
	uint64_t number[2 * LOGINS_MAX];
	size_t n, seen, keep;
};

static void take_surplus(void *arg, const struct login *l)
{
	struct surplus *s = arg;
	if (s->seen++ >= s->keep && s->n < ARRAY_SIZE(s->number))
		s->number[s->n++] = l->number;
}

static void make_room(struct userdb *db, uint64_t account)
{
	struct surplus s = { .keep = MAX(db->logins.max, 1u) - 1 };
	/* If they cannot be read now, the next log-in pushes out more. */
	(void)!logins_list(db, account, take_surplus, &s);
	for (size_t i = 0; i < s.n; i++)
		logins_end(db, account, s.number[i], NULL, NULL);
}

/* It is shown to people, in terminals too. */
static void put_clean(struct buf *b, struct str s)
{
	for (size_t len; s.len > 0; s = str_sub(s, len, s.len)) {
		len = utf8_seq_len(s);
		bool good = len > 0 && (uint8_t)s.p[0] >= ' ' && s.p[0] != 0x7f;
		len = MAX(len, (size_t)1);
		if (b->len + len > ACCT_TEXT_MAX)
			break;
		if (good)
			buf_put(b, s.p, len);
		else
			buf_char(b, '?');
	}
}

void logins_add(struct userdb *db, const struct logins_new *n, char ret_ticket[LOGINS_TICKET_LEN],
                userdb_done_fn *done, void *arg)
{
	char peer_space[PEER_MAX], agent_space[ACCT_TEXT_MAX + 1];
	struct buf peer = BUF_ON(peer_space), agent = BUF_ON(agent_space);
	int64_t now = userdb_now_s(db);
	struct ticket t;
	make_room(db, n->account);
	ticket_make(&t, ret_ticket, ++db->last_login);
	if (n->peer->sa.sa_family != AF_UNSPEC)
		addr_put_bare(&peer, n->peer);
	put_clean(&agent, n->agent);
	struct store_val old = STORE_I(now);
	struct store_val row[] = { STORE_I(t.number),
		                   STORE_I(n->account),
		                   STORE_I(n->credential),
		                   STORE_B(((struct bytes){ t.hash, sizeof(t.hash) })),
		                   STORE_I(now),
		                   STORE_I(now + db->logins.life_s),
		                   STORE_S(buf_view(&peer)),
		                   STORE_S(buf_view(&agent)),
		                   STORE_I(n->vouched ? n->vouched_at : now),
		                   STORE_I(n->vouched) };
	const struct store_stmt stmts[] = {
		{ "delete from login where ends_at <= $1", &old, 1 },
		{ "insert into login (number, account, credential, secret, made_at, used_at,"
		  " ends_at, peer, agent, proved_at, vouched)"
		  " select $1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10"
		  " where exists (select 1 from account, credential where account.id = $2"
		  " and credential.id = $3 and credential.account = $2 and disabled = 0)",
		  row, ARRAY_SIZE(row) },
	};
	userdb_write_own(db, t.number, stmts, ARRAY_SIZE(stmts), done, arg);
}

/* --- using, ending --------------------------------------------------------------------- */

void logins_end(struct userdb *db, uint64_t account, uint64_t number, userdb_done_fn *done,
                void *arg)
{
	const struct userdb_change c = { .event = ACCOUNTS_LOGIN_ENDED,
		                         .account = account,
		                         .credential = number };
	struct store_val key[] = { STORE_I(account), STORE_I(number) };
	struct store_stmt stmt = { "delete from login where account = $1 and number = $2", key,
		                   ARRAY_SIZE(key) };
	userdb_write_change(db, &c, &stmt, 1, done, arg);
}

/* Some that end together. */
struct ending {
	uint64_t number[2 * LOGINS_MAX], keep;
	size_t n, left;
	int err;
	userdb_done_fn *done;
	void *arg;
};

static void take_other(void *arg, const struct login *l)
{
	struct ending *e = arg;
	if (l->number != e->keep && e->n < ARRAY_SIZE(e->number))
		e->number[e->n++] = l->number;
}

/* What had ended meanwhile has ended. */
static void on_one_ended(void *arg, int err, uint64_t number UNUSED)
{
	struct ending *e = arg;
	if (err < 0 && err != -ENOENT)
		e->err = err;
	if (--e->left > 0)
		return;
	if (e->done)
		e->done(e->arg, e->err, e->keep);
	free(e);
}

int logins_end_others(struct userdb *db, uint64_t account, uint64_t number, userdb_done_fn *done,
                      void *arg)
{
	struct ending *e = xnew(struct ending);
	e->keep = number;
	e->done = done;
	e->arg = arg;
	int r = logins_list(db, account, take_other, e);
	size_t n = e->left = e->n;
	for (size_t i = 0; i < n; i++)
		logins_end(db, account, e->number[i], on_one_ended, e);
	if (r >= 0 && n > 0)
		return (int)n;
	free(e);
	return MIN(r, 0);
}

void logins_prove(struct userdb *db, uint64_t account, uint64_t number, userdb_done_fn *done,
                  void *arg)
{
	struct store_val p[] = { STORE_I(number), STORE_I(account), STORE_I(userdb_now_s(db)) };
	struct store_stmt stmt = {
		"update login set proved_at = $3 where number = $1 and account = $2", p,
		ARRAY_SIZE(p)
	};
	userdb_write_own(db, number, &stmt, 1, done, arg);
}

void logins_touch(struct userdb *db, const struct login *l)
{
	int64_t now = userdb_now_s(db);
	struct store_val params[] = { STORE_I(l->number), STORE_I(now),
		                      STORE_I(now + db->logins.life_s) };
	struct store_stmt stmt = { "update login set used_at = $2, ends_at = $3 where number = $1",
		                   params, ARRAY_SIZE(params) };
	/* Nobody waits for it; when the queue is full the next use is written. */
	if (userdb_touch_is_due(db, l->number, l->used_at, now))
		(void)!store_write(db->store, STORE_SHOULD, &stmt, 1, NULL, NULL);
}
