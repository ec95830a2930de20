#include "base/rd.h"
#include "role/frontend/fe.h"

/* What is kept of what phones publish and subscribe to (durability class "should", design section
 * 4): of those whose flow outlives this process, as with their bindings (persist.c).  Written
 * behind. */

/* --- publications -------------------------------------------------------------------------- */

static const char sql_put_published[] =
        "insert into published (account, number, hint, ends, etag, body)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (account, number) do update set"
        " hint = excluded.hint, ends = excluded.ends, etag = excluded.etag,"
        " body = excluded.body";
static const char sql_drop_published[] = "delete from published where account = $1 and number = $2";
static const char sql_get_published[] =
        "select number, hint, ends, etag, body from published where account = $1";

/* Endpoint and hint, as one token. */
static struct str put_end(struct frontend *fe, struct buf *b, uint64_t account, uint64_t endpoint,
                          const struct token_hint *hint)
{
	struct token t = { account, endpoint, *hint };
	token_put(b, &fe->key, &t);
	return buf_view(b);
}

void fe_keep_published(struct frontend *fe, const struct row_key *key)
{
	struct person *p = people_by_account(fe->people, key->account);
	struct published_row row = { 0 };
	char text[TOKEN_TEXT_MAX + 1];
	struct buf hint = BUF_ON(text);
	bool keep = p && fe_published_get(p, (uint32_t)key->id, &row);
	struct store_val v[] = {
		STORE_I(key->account),
		STORE_I(key->id),
		STORE_S(put_end(fe, &hint, key->account, row.endpoint, &row.hint)),
		STORE_I(row.ends),
		STORE_S(row.etag),
		STORE_S(row.body),
	};
	struct store_stmt s = { .sql = keep ? sql_put_published : sql_drop_published,
		                .params = v,
		                .n_params = keep ? ARRAY_SIZE(v) : 2 };
	fe_behind_write(fe, key, &s);
}

static void on_published(void *arg, const struct store_val *c, int n UNUSED)
{
	struct person *p = arg;
	struct frontend *fe = p->owner;
	struct token end;
	if (token_get(&end, &fe->key, c[1].s) < 0 || end.account != p->p.account)
		return;
	struct published_row row = { (uint32_t)c[0].i, end.endpoint, end.hint,
		                     (usec_t)c[2].i,   c[3].s,       c[4].s };
	fe_published_restore(p, &row);
}

void fe_keep_load_published(struct person *p)
{
	struct frontend *fe = p->owner;
	struct store_val v[] = { STORE_I(p->p.account) };
	if (store_read(fe->store, sql_get_published, v, ARRAY_SIZE(v), on_published, p) < 0)
		log_warning(NULL, "publications-not-read", "user=%s", log_esc(str_of(p->aor)));
}

enum { PUBLISHERS_MAX = 1 << 20 };

static void on_publisher(void *arg, const struct store_val *c, int n UNUSED)
{
	buf_u64(arg, (uint64_t)c[0].i);
}

/* Whose phones have said something is known from the start: it may be that they are not to ring. */
void fe_keep_load_publishers(struct frontend *fe)
{
	static const char sql[] = "select distinct account from published";
	auto_(buf_free) struct buf accounts = buf_of(PUBLISHERS_MAX * sizeof(uint64_t));
	if (store_read(fe->store, sql, NULL, 0, on_publisher, &accounts) < 0)
		log_warning(NULL, "publications-not-read", "");
	struct rd r = rd_of(bytes_of(buf_view(&accounts)));
	while (rd_left(&r) > 0) {
		const struct home_user *u = registrar_user(fe->registrar, rd_u64(&r));
		if (u)
			(void)people_get(fe->people, home_user_aor(u));
	}
}

/* --- subscriptions ------------------------------------------------------------------------- */

enum { KEPT_MAX = 256 * 1024 }; /* bytes of what a package needs besides */

static const char sql_put_sub[] =
        "insert into subscription (account, id, aor, event, hint, life, cseq, eventlist, call_id,"
        " local, remote, target, event_line, here, kept)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        " on conflict (account, id) do update set hint = excluded.hint, life = excluded.life,"
        " cseq = excluded.cseq, remote = excluded.remote, target = excluded.target,"
        " here = excluded.here, kept = excluded.kept";
static const char sql_drop_sub[] = "delete from subscription where account = $1 and id = $2";
static const char sql_all_subs[] =
        "select account, id, aor, event, hint, life, cseq, eventlist, call_id, local, remote,"
        " target, event_line, here, kept from subscription";

static void drop_sub(struct frontend *fe, const struct row_key *key)
{
	struct store_val v[] = { STORE_I(key->account), STORE_I(key->id) };
	struct store_stmt s = { .sql = sql_drop_sub, .params = v, .n_params = ARRAY_SIZE(v) };
	fe_behind_write(fe, key, &s);
}

/* To of our requests is the subscriber. */
static struct str subscriber_of(const struct sub *s, struct buf *b)
{
	struct sip_addr a;
	struct sip_uri u;
	if (sip_addr_parse(&a, sub_text(s, SUB_REMOTE)) < 0 || sip_uri_parse(&u, a.uri) < 0)
		return STR("");
	return sip_bare_aor(&u, b);
}

void fe_keep_sub(struct frontend *fe, const struct row_key *key)
{
	struct sub *s = sub_by_id(fe->subs, key->account, key->id);
	auto_(buf_free) struct buf kept = buf_of(KEPT_MAX);
	char text[TOKEN_TEXT_MAX + 1];
	char name[PERSON_AOR_MAX + 16];
	struct buf hint = BUF_ON(text), aor = BUF_ON(name);
	if (!s || !s->stored) {
		drop_sub(fe, key);
		return;
	}
	s->package->put_kept(s, &kept);
	struct store_val v[] = {
		STORE_I(s->account),
		STORE_I(s->id),
		STORE_S(subscriber_of(s, &aor)),
		STORE_S(s->package->event),
		STORE_S(put_end(fe, &hint, s->account, s->endpoint, &s->hint)),
		STORE_I(s->life_s),
		STORE_I(s->cseq_kept),
		STORE_I(s->eventlist),
		STORE_S(sub_text(s, SUB_CALL_ID)),
		STORE_S(sub_text(s, SUB_LOCAL)),
		STORE_S(sub_text(s, SUB_REMOTE)),
		STORE_S(sub_text(s, SUB_TARGET)),
		STORE_S(sub_text(s, SUB_EVENT)),
		STORE_S(sub_text(s, SUB_HERE)),
		STORE_S(buf_view(&kept)),
	};
	struct store_stmt st = { .sql = sql_put_sub, .params = v, .n_params = ARRAY_SIZE(v) };
	if (!kept.full)
		fe_behind_write(fe, key, &st);
}

static void on_sub(void *arg, const struct store_val *c, int n UNUSED)
{
	struct frontend *fe = arg;
	struct token end;
	if (token_get(&end, &fe->key, c[4].s) < 0 || end.account != (uint64_t)c[0].i ||
	    fe_owner(fe, end.account) != fe->env->slot)
		return;
	struct sub_row row = {
		.id = (uint64_t)c[1].i,
		.account = end.account,
		.endpoint = end.endpoint,
		.hint = end.hint,
		.life_s = (uint32_t)c[5].i,
		.cseq = (uint32_t)c[6].i,
		.eventlist = c[7].i != 0,
		.texts = { [SUB_CALL_ID] = c[8].s,
		           [SUB_LOCAL] = c[9].s,
		           [SUB_REMOTE] = c[10].s,
		           [SUB_TARGET] = c[11].s,
		           [SUB_EVENT] = c[12].s,
		           [SUB_HERE] = c[13].s },
	};
	fe_restore_sub(fe, c[2].s, c[3].s, &row, c[14].s);
}

void fe_keep_load_subs(struct frontend *fe)
{
	if (store_read(fe->store, sql_all_subs, NULL, 0, on_sub, fe) < 0)
		log_warning(NULL, "subscriptions-not-read", "");
	log_info(NULL, "subscriptions-restored", "n=%u", subs_stats(fe->subs)->n);
	subs_keep_all(fe->subs);
}
