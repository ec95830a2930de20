#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "role/frontend/fe.h"
#include "store/adopt.h"

/* Bindings that must survive the process (design section 4, durability class "should"): of phones
 * without a connection, and of connections that another process holds.  Written behind when
 * something changed, never for a refresh. */

/* clang-format off */
static const struct store_migration migrations[] = {
	{ 1, "create table binding ("
	     " account integer not null, endpoint integer not null, reg_id integer not null,"
	     " aor text not null, credential integer not null, q integer not null,"
	     " since integer not null, hint blob not null, contact text not null,"
	     " instance text not null, call_id text not null, cseq integer not null,"
	     " user_agent text not null, path text not null,"
	     " primary key (account, endpoint, reg_id)) without rowid;" },
	{ 2, "alter table binding add column lync integer not null default 0;" },
	{ 3, "create table home ("
	     " account integer primary key, generation integer not null,"
	     " presence text not null, contacts text not null);" },
	{ 4, "create table said ("
	     " seq integer primary key, one integer not null, other integer not null,"
	     " conversation integer not null, message integer not null, author text not null,"
	     " peer text not null, state integer not null, type text not null,"
	     " text text not null);"
	     "create table said_of ("
	     " account integer not null, seq integer not null, primary key (account, seq))"
	     " without rowid;"
	     "create table said_mark (id integer primary key, seq integer not null);"
	     "insert into said_mark (id, seq) values (1, 0);" },
	{ 5, "create table kept ("
	     " seq integer primary key, account integer not null, expires integer not null,"
	     " done integer not null, sender text not null, head text not null,"
	     " type text not null, body blob not null);"
	     "create index kept_of_account on kept (account, done, seq);"
	     "create index kept_by_age on kept (expires);" },
	{ 6, "create table published ("
	     " account integer not null, number integer not null, hint blob not null,"
	     " ends integer not null, etag text not null, body text not null,"
	     " primary key (account, number)) without rowid;"
	     "create table subscription ("
	     " account integer not null, id integer not null, aor text not null,"
	     " event text not null, hint blob not null, life integer not null,"
	     " cseq integer not null, eventlist integer not null, call_id text not null,"
	     " local text not null, remote text not null, target text not null,"
	     " event_line text not null, here text not null, kept text not null,"
	     " primary key (account, id)) without rowid;" },
	{ 7, "create table conference ("
	     " key integer primary key, generation integer not null, account integer not null,"
	     " organizer text not null, name text not null, id text not null,"
	     " subject text not null, admission text not null, promote integer not null,"
	     " lobby integer not null, mcus integer not null, invited text not null,"
	     " created integer not null, expires integer not null,"
	     " last_active integer not null, revision integer not null);" },
	/* The index comes with the rows, now that a log is before them. */
	{ 8, "insert or ignore into said_of (account, seq) select account, seq from ("
	     " select one as account, seq from said where seq > (select seq from said_mark) union"
	     " select other, seq from said where other <> 0 and"
	     " seq > (select seq from said_mark)) order by account, seq;"
	     "update said_mark set seq = 9223372036854775807;" },
	{ 9, "alter table conference add column lasting integer not null default 0;" },
	{ 10, "create index said_change on said (message, state, seq) where state >= 16;" },
	/* In a group each member has a row of a change: by account too. */
	{ 11, "drop index said_change;"
	      "create index said_change on said (message, one, state, seq) where state >= 16;"
	      "create index said_change_of_other on said (message, other, state, seq)"
	      " where state >= 16 and other <> 0;" },
	{ 12, "alter table kept add column noted integer not null default 0;" },
	{ 13, "create index said_call on said (one, seq) where state = 2;"
	      "create index said_call_of_other on said (other, seq)"
	      " where state = 2 and other <> 0;" },
	{ 14, "alter table kept add column message integer not null default 0;"
	      "create index kept_owed on kept (seq) where done = 2;" },
	{ 15, "create table call ("
	      " id text primary key, caller integer not null, callee integer not null,"
	      " caller_endpoint integer not null, callee_endpoint integer not null,"
	      " started integer not null, answered integer not null, video integer not null,"
	      " hidden integer not null, author text not null, dialed text not null,"
	      " peer text not null, cseq integer not null) without rowid;" },
	{ 0, NULL },
};
/* clang-format on */

static const char sql_put[] =
        "insert into binding (account, endpoint, reg_id, aor, credential, q, since, hint, contact,"
        " instance, call_id, cseq, user_agent, path, lync)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        " on conflict (account, endpoint, reg_id) do update set aor = excluded.aor,"
        " credential = excluded.credential, q = excluded.q, since = excluded.since,"
        " hint = excluded.hint, contact = excluded.contact, instance = excluded.instance,"
        " call_id = excluded.call_id, cseq = excluded.cseq, user_agent = excluded.user_agent,"
        " path = excluded.path, lync = excluded.lync";
static const char sql_drop[] =
        "delete from binding where account = $1 and endpoint = $2 and reg_id = $3";
static const char sql_all[] =
        "select account, endpoint, reg_id, aor, credential, q, since, hint, contact, instance,"
        " call_id, cseq, user_agent, path, lync from binding";

static bool is_mine(void *arg, uint64_t account)
{
	const struct frontend *fe = arg;
	return fe_owner(fe, account) == fe->env->slot;
}

/* Users who lived in another process when there were more, or fewer, of them. */
static int adopt_users(struct frontend *fe, const char *const path[2], struct buf *why)
{
	const struct store_adoption a = {
		.read = "select account, generation, presence, contacts from home",
		.get = "select generation from home where account = $1",
		.put = "insert or replace into home (account, generation, presence, contacts)"
		       " values ($1, $2, $3, $4)",
		.drop = "delete from home where account = $1",
		.is_mine = is_mine,
		.arg = fe,
	};
	return store_adopt(path[0], migrations, path[1], &a, why);
}

/* What they said: whatever is newer than what is here, of the tables and of the log before them.  A
 * row is taken for its one user: the other one may have older ones there, and would seem to have
 * them here. */
static int adopt_history(struct frontend *fe, const char *const path[2], struct buf *why)
{
#define THEIRS                                                                         \
	" (select seq from said_of where account = $1 and seq > coalesce($2, 0) union" \
	" select seq from said where seq > (select seq from said_mark) and"            \
	" seq > coalesce($2, 0) and (one = $1 or other = $1))"
	const struct store_merging a = {
		.keys = "select min(account) from (select min(account) as account from said_of"
		        " where account > $1 union all select min(one) from said where one > $1"
		        " and seq > (select seq from said_mark) union all select min(other) from"
		        " said where other > $1 and seq > (select seq from said_mark))",
		.mark = "select max(seq) from said_of where account = $1",
		.table = {
			{ .read = "select seq, $1, 0, conversation, message, author, peer, state,"
			          " type, text from said where seq in" THEIRS,
			  .put = "insert or ignore into said (seq, one, other, conversation,"
			         " message, author, peer, state, type, text)"
			         " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
			  .put_record = "insert or ignore into said (seq, one, other, conversation,"
			                " message, author, peer, state, type, text)"
			                " values ($1, $11, 0, $4, $5, $6, $7, $8, $9, $10)" },
			{ .read = "select $1, seq from said where seq in" THEIRS,
			  .put = "insert or ignore into said_of (account, seq) values ($1, $2)",
			  .put_record = "insert or ignore into said_of (account, seq)"
			                " values ($11, $1)" },
		},
		.record_keys = { 1, 2 },
		.is_mine = is_mine,
		.arg = fe,
	};
	return store_merge(path[0], migrations, path[1], &a, why);
}

/* What waits for them.  A message that has been delivered leaves its row until it would have
 * expired, so that an old file brings none back. */
static int adopt_kept(struct frontend *fe, const char *const path[2], struct buf *why)
{
	const struct store_merging a = {
		.keys = "select min(account) from kept where account > $1",
		.mark = "select cast(strftime('%s', 'now') as integer) where $1 >= 0",
		.table = { { .read = "select seq, account, expires, done, sender, head, type, body,"
		                     " noted, message from kept where account = $1 and expires > "
		                     "$2",
		             .put = "insert into kept (seq, account, expires, done, sender, head,"
		                    " type, body, noted, message) values ($1, $2, $3, $4, $5, $6,"
		                    " $7, $8, $9, $10) on conflict (seq) do update set"
		                    " done = excluded.done, head = excluded.head, body = '',"
		                    " message = excluded.message"
		                    " where excluded.done > 0 and kept.done = 0" } },
		.is_mine = is_mine,
		.arg = fe,
	};
	return store_merge(path[0], migrations, path[1], &a, why);
}

/* The conferences that they organize. */
static int adopt_conferences(struct frontend *fe, const char *const path[2], struct buf *why)
{
	const struct store_adoption a = {
		.read = "select key, generation, account, organizer, name, id, subject, admission,"
		        " promote, lobby, mcus, invited, created, expires, last_active, revision,"
		        " lasting from conference",
		.get = "select generation from conference where key = $1",
		.put = "insert or replace into conference (key, generation, account, organizer,"
		       " name, id, subject, admission, promote, lobby, mcus, invited, created,"
		       " expires, last_active, revision, lasting) values ($1, $2, $3, $4, $5, $6,"
		       " $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
		.drop = "delete from conference where key = $1",
		.owner = 2,
		.is_mine = is_mine,
		.arg = fe,
	};
	return store_adopt(path[0], migrations, path[1], &a, why);
}

static int adopt_from(struct frontend *fe, const char *const path[2], struct buf *why)
{
	int users = adopt_users(fe, path, why);
	int said = users < 0 ? users : adopt_history(fe, path, why);
	int kept = said < 0 ? said : adopt_kept(fe, path, why);
	int conferences = kept < 0 ? kept : adopt_conferences(fe, path, why);
	return conferences < 0 ? conferences : users + said + kept + conferences;
}

static int adopt(struct frontend *fe, const char *path, struct buf *why)
{
	char other[4096];
	for (uint32_t i = 0; i < FE_SLOTS_MAX; i++) {
		(void)snprintf(other, sizeof(other), "%s/home-%u.db", fe->env->data_dir, i + 1);
		if (i == fe->env->slot || access(other, F_OK) < 0)
			continue;
		int n = adopt_from(fe, (const char *const[]){ path, other }, why);
		if (n < 0)
			return n;
		if (n > 0)
			log_info(NULL, "users-taken-over", "n=%d from=%u", n, i + 1);
	}
	return 0;
}

int fe_store_open(struct frontend *fe, struct buf *why)
{
	char path[4096];
	(void)snprintf(path, sizeof(path), "%s/home-%u.db", fe->env->data_dir, fe->env->slot + 1);
	if (adopt(fe, path, why) < 0)
		return -1;
	fe->store = store_open(fe->loop, path, migrations, why);
	return fe->store ? fe_history_open(fe, path, why) : -1;
}

static bool must_survive(const struct frontend *fe, uint8_t reach, uint8_t slot)
{
	return reach == TOKEN_UDP || (reach == TOKEN_STREAM && slot != fe->env->slot);
}

bool fe_must_survive(const struct frontend *fe, const struct token_hint *h)
{
	return must_survive(fe, h->reach, h->slot);
}

/* The first three parameters are the key. */
static void queue(struct frontend *fe, const char *sql, const struct store_val *v, size_t n)
{
	const struct row_key key = { ROW_BINDING, (uint64_t)v[0].i, (uint64_t)v[1].i,
		                     (uint32_t)v[2].i };
	struct store_stmt s = { .sql = sql, .params = v, .n_params = n };
	fe_behind_write(fe, &key, &s);
}

static void put(struct frontend *fe, const struct binding *b)
{
	char text[TOKEN_TEXT_MAX + 1];
	struct buf hint = BUF_ON(text);
	struct token t = { b->user->account, b->endpoint, binding_hint(b) };
	token_put(&hint, &fe->key, &t);
	struct store_val v[] = {
		STORE_I(b->user->account),
		STORE_I(b->endpoint),
		STORE_I(b->reg_id),
		STORE_S(home_user_aor(b->user)),
		STORE_I(b->credential),
		STORE_I(b->q),
		STORE_I(b->since),
		STORE_S(buf_view(&hint)),
		STORE_S(binding_text(b, BINDING_CONTACT)),
		STORE_S(binding_text(b, BINDING_INSTANCE)),
		STORE_S(binding_text(b, BINDING_CALL_ID)),
		STORE_I(b->cseq),
		STORE_S(binding_text(b, BINDING_USER_AGENT)),
		STORE_S(binding_text(b, BINDING_PATH)),
		STORE_I(b->lync),
	};
	queue(fe, sql_put, v, ARRAY_SIZE(v));
}

static void drop(struct frontend *fe, uint64_t account, uint64_t endpoint, uint32_t reg_id)
{
	struct store_val v[] = { STORE_I(account), STORE_I(endpoint), STORE_I(reg_id) };
	queue(fe, sql_drop, v, ARRAY_SIZE(v));
}

static void store_binding(struct frontend *fe, const struct row_key *key)
{
	struct home_user *u = registrar_user(fe->registrar, key->account);
	for (const struct binding *b = u ? u->first : NULL; b; b = b->next) {
		if (b->endpoint == key->id && b->reg_id == key->more &&
		    must_survive(fe, b->reach, b->slot)) {
			put(fe, b);
			return;
		}
	}
	drop(fe, key->account, key->id, key->more);
}

void fe_store_row(struct frontend *fe, const struct row_key *key)
{
	switch (key->kind) {
	case ROW_BINDING:
		store_binding(fe, key);
		break;
	case ROW_PUBLISHED:
		fe_keep_published(fe, key);
		break;
	case ROW_SUB:
		fe_keep_sub(fe, key);
		break;
	}
}

void fe_store_event(struct frontend *fe, const struct binding *b, enum registrar_event ev)
{
	struct binding *mine = (struct binding *)(uintptr_t)b;
	bool keep = !registrar_is_end(ev) && must_survive(fe, b->reach, b->slot);
	if (keep)
		put(fe, b);
	else if (b->stored)
		drop(fe, b->user->account, b->endpoint, b->reg_id);
	mine->stored = keep;
}

static void on_row(void *arg, const struct store_val *c, int n UNUSED)
{
	struct frontend *fe = arg;
	struct token t;
	if (token_get(&t, &fe->key, c[7].s) < 0 || fe_owner(fe, t.account) != fe->env->slot)
		return;
	struct binding_data d = {
		.endpoint = (uint64_t)c[1].i,
		.reg_id = (uint32_t)c[2].i,
		.credential = (uint64_t)c[4].i,
		.q = (uint16_t)c[5].i,
		.since = (usec_t)c[6].i,
		.hint = t.hint,
		.cseq = (uint32_t)c[11].i,
		.text = {
			[BINDING_CONTACT] = c[8].s,
			[BINDING_INSTANCE] = c[9].s,
			[BINDING_CALL_ID] = c[10].s,
			[BINDING_USER_AGENT] = c[12].s,
			[BINDING_PATH] = c[13].s,
		},
		.gruu = c[9].s.len > 0,
		.lync = c[14].i != 0,
		.stored = true,
	};
	/* Connections of this process ended with the one that was here before. */
	if (!must_survive(fe, d.hint.reach, d.hint.slot))
		return;
	(void)registrar_restore(fe->registrar, &d, t.account, c[3].s,
	                        fe->registrar_cfg.max_expires_s);
}

void fe_store_load(struct frontend *fe)
{
	int n = store_read(fe->store, sql_all, NULL, 0, on_row, fe);
	if (n < 0)
		log_warning(NULL, "bindings-not-read", "error=%d", n);
	else
		log_info(NULL, "bindings-restored", "n=%zu", registrar_count(fe->registrar));
}
