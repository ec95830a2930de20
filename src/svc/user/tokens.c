#include "svc/user/tokens.h"

#include <errno.h>

#include "svc/user/userdb_priv.h"

enum { PREFIX_LEN = sizeof(TOKENS_PREFIX) - 1 };

/* --- reading ------------------------------------------------------------------------- */

bool tokens_is(struct str text)
{
	return str_starts(text, STR(TOKENS_PREFIX));
}

static int read_text(struct ticket *ret, struct str text)
{
	return tokens_is(text) ? ticket_read(ret, str_sub(text, PREFIX_LEN, text.len)) : -EBADMSG;
}

uint64_t tokens_number(struct str text)
{
	struct ticket t;
	return read_text(&t, text) == 0 ? t.number : 0;
}

struct finding {
	const struct ticket *ticket;
	struct login *ret;
	bool found;
};

static void take_token(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	struct finding *f = arg;
	if (!ticket_is(f->ticket, c[4].s))
		return;
	f->found = true;
	*f->ret = (struct login){ .number = f->ticket->number,
		                  .account = (uint64_t)c[0].i,
		                  .token = true,
		                  .made_at = c[1].i,
		                  .used_at = c[2].i,
		                  .ends_at = c[3].i };
}

int tokens_find(struct userdb *db, struct str text, struct login *ret)
{
	static const char sql[] = "select account, made_at, used_at, ends_at, secret from token"
	                          " where number = $1 and (ends_at = 0 or ends_at > $2)";
	struct ticket t;
	struct finding f = { .ticket = &t, .ret = ret };
	if (read_text(&t, text) < 0)
		return -ENOENT;
	struct store_val params[] = { STORE_I(t.number), STORE_I(userdb_now_s(db)) };
	int n = store_read(db->store, sql, params, ARRAY_SIZE(params), take_token, &f);
	return n < 0 ? n : f.found ? 0 : -ENOENT;
}

struct listing {
	tokens_fn *fn;
	void *arg;
};

static void give_token(void *arg, const struct store_val *c, int n_cols UNUSED)
{
	struct listing *l = arg;
	struct token t = { .number = (uint64_t)c[0].i,
		           .account = (uint64_t)c[1].i,
		           .made_at = c[2].i,
		           .used_at = c[3].i,
		           .ends_at = c[4].i,
		           .name = c[5].s,
		           .user = c[6].s };
	l->fn(l->arg, &t);
}

int tokens_list(struct userdb *db, uint64_t account, tokens_fn *fn, void *arg)
{
	static const char sql[] =
	        "select t.number, t.account, t.made_at, t.used_at, t.ends_at, t.name, a.uri"
	        " from token t join account a on a.id = t.account"
	        " where ($1 = 0 or t.account = $1) and (t.ends_at = 0 or t.ends_at > $2)"
	        " order by a.uri, t.name limit $3";
	struct listing l = { fn, arg };
	struct store_val params[] = { STORE_I(account), STORE_I(userdb_now_s(db)),
		                      STORE_I(TOKENS_LISTED_MAX) };
	return store_read(db->store, sql, params, ARRAY_SIZE(params), give_token, &l);
}

struct search {
	struct str name;
	bool found;
	unsigned n;
};

static void look_for(void *arg, const struct token *t)
{
	struct search *s = arg;
	s->n++;
	s->found |= str_ieq(t->name, s->name);
}

int tokens_check(struct userdb *db, uint64_t account, struct str name)
{
	auto_(buf_free) struct buf why = buf_of(1024);
	struct search s = { .name = name };
	if (user_device_check(name, &why) < 0)
		return -EINVAL;
	int r = tokens_list(db, account, look_for, &s);
	return r < 0 ? r : s.found ? -EEXIST : s.n >= TOKENS_MAX ? -EMFILE : 0;
}

/* --- changing ------------------------------------------------------------------------ */

void tokens_add(struct userdb *db, uint64_t account, struct str name, uint32_t life_s,
                char ret_text[TOKENS_LEN], userdb_done_fn *done, void *arg)
{
	struct ticket t;
	int64_t now = userdb_now_s(db);
	memcpy(ret_text, TOKENS_PREFIX, PREFIX_LEN);
	ticket_make(&t, ret_text + PREFIX_LEN, ++db->last_login);
	struct store_val old = STORE_I(now);
	struct store_val row[] = {
		STORE_I(t.number), STORE_I(account),
		STORE_S(name),     STORE_B(((struct bytes){ t.hash, sizeof(t.hash) })),
		STORE_I(now),      STORE_I(life_s > 0 ? now + life_s : 0)
	};
	const struct store_stmt stmts[] = {
		{ "delete from token where ends_at <> 0 and ends_at <= $1", &old, 1 },
		{ "insert into token (number, account, name, secret, made_at, ends_at)"
		  " select $1, $2, $3, $4, $5, $6"
		  " where exists (select 1 from account where id = $2 and disabled = 0)",
		  row, ARRAY_SIZE(row) },
	};
	userdb_write_own(db, t.number, stmts, ARRAY_SIZE(stmts), done, arg);
}

void tokens_remove(struct userdb *db, uint64_t account, uint64_t number, userdb_done_fn *done,
                   void *arg)
{
	const struct userdb_change c = { .event = ACCOUNTS_LOGIN_ENDED,
		                         .account = account,
		                         .credential = number };
	struct store_val key[] = { STORE_I(account), STORE_I(number) };
	struct store_stmt stmt = { "delete from token where account = $1 and number = $2", key,
		                   ARRAY_SIZE(key) };
	userdb_write_change(db, &c, &stmt, 1, done, arg);
}

void tokens_touch(struct userdb *db, const struct login *l)
{
	int64_t now = userdb_now_s(db);
	struct store_val params[] = { STORE_I(l->number), STORE_I(now) };
	struct store_stmt stmt = { "update token set used_at = $2 where number = $1", params,
		                   ARRAY_SIZE(params) };
	/* As of a log-in. */
	if (userdb_touch_is_due(db, l->number, l->used_at, now))
		(void)!store_write(db->store, STORE_SHOULD, &stmt, 1, NULL, NULL);
}
