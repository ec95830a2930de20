#include "role/frontend/kept.h"

#include <errno.h>
#include <stdlib.h>

enum { SWEEP_EVERY_S = 60 };

/* done: 0 it waits; 1 it was delivered; 2 that too, and its sender is still to be told. */
static const char sql_add[] = "insert into kept (seq, account, expires, done, sender, head, type,"
                              " body, noted) values ($1, $2, $3, 0, $4, $5, $6, $7, $8)";
static const char sql_next[] = "select seq, sender, head, type, body, noted from kept"
                               " where account = $1 and done = 0 and seq > $2 and expires > $3"
                               " order by seq limit 1";
static const char sql_delivered[] =
        "update kept set done = $2, head = $3, type = '', body = '', message = $4"
        " where seq = $1 and done = 0";
static const char sql_all[] = "select account, sender, length(body) from kept where done = 0";
static const char sql_expired[] = "select account, sender, length(body), seq from kept"
                                  " where expires <= $1 and done = 0 limit 500";
static const char sql_expire[] = "delete from kept where seq = $1 and done = 0";
static const char sql_forget[] = "delete from kept where expires <= $1 and done >= 1";

/* --- how many ------------------------------------------------------------------------------ */

/* Of a user, or of a sender. */
struct count {
	struct map_node node;
	uint64_t key;
	uint32_t n;
	uint64_t bytes;
};

static uint64_t hash_of(const struct map *m, uint64_t key)
{
	return hash_bytes(&m->key, &key, sizeof(key));
}

static struct count *find(const struct map *m, uint64_t key)
{
	for (struct map_node *n = map_first(m, hash_of(m, key)); n; n = map_next(n)) {
		struct count *c = container_of(n, struct count, node);
		if (c->key == key)
			return c;
	}
	return NULL;
}

static void count(struct map *m, uint64_t key, size_t bytes)
{
	struct count *c = find(m, key);
	if (!c) {
		c = xnew(struct count);
		c->key = key;
		map_add(m, &c->node, hash_of(m, key));
	}
	c->n++;
	c->bytes += bytes;
}

static void uncount(struct map *m, uint64_t key, size_t bytes)
{
	struct count *c = find(m, key);
	if (!c)
		return;
	c->bytes -= MIN(bytes, c->bytes);
	if (--c->n > 0)
		return;
	map_del(m, &c->node);
	free(c);
}

static uint64_t sender_key(const struct frontend *fe, struct str sender)
{
	return hash_lower(&fe->kept.of_sender.key, sender);
}

static void remember(struct frontend *fe, uint64_t account, struct str sender, size_t bytes)
{
	fe->kept.n++;
	count(&fe->kept.of_user, account, bytes);
	count(&fe->kept.of_sender, sender_key(fe, sender), bytes);
}

void fe_kept_forget(struct frontend *fe, uint64_t account, struct str sender, size_t bytes)
{
	fe->kept.n--;
	uncount(&fe->kept.of_user, account, bytes);
	uncount(&fe->kept.of_sender, sender_key(fe, sender), bytes);
}

bool fe_kept_has(const struct frontend *fe, uint64_t account)
{
	return find(&fe->kept.of_user, account) != NULL;
}

static bool is_full(const struct frontend *fe, uint64_t account, struct str sender, size_t bytes)
{
	const struct count *u = find(&fe->kept.of_user, account);
	const struct count *s = find(&fe->kept.of_sender, sender_key(fe, sender));
	return fe->kept.n >= KEPT_MAX || (s && s->n >= KEPT_OF_SENDER_MAX) ||
	       (u && (u->n >= KEPT_OF_USER_MAX || u->bytes + bytes > KEPT_BYTES_OF_USER_MAX));
}

/* --- the table ----------------------------------------------------------------------------- */

static int64_t wall_s(const struct frontend *fe)
{
	return (int64_t)(loop_wall(fe->loop) / USEC_PER_SEC);
}

struct reading {
	fe_kept_fn *fn;
	void *arg;
};

static void on_row(void *arg, const struct store_val *c, int n UNUSED)
{
	struct reading *r = arg;
	struct kept k = { (uint64_t)c[0].i, c[1].s, c[2].s, c[3].s, c[4].s, c[5].i != 0 };
	r->fn(r->arg, &k);
}

int fe_kept_next(struct frontend *fe, uint64_t account, uint64_t after, fe_kept_fn *fn, void *arg)
{
	struct reading r = { fn, arg };
	struct store_val v[] = { STORE_I(account), STORE_I(after), STORE_I(wall_s(fe)) };
	return store_read(fe->store, sql_next, v, ARRAY_SIZE(v), on_row, &r);
}

int fe_kept_delivered(struct frontend *fe, const struct fe_receipt *r, store_done_fn *done,
                      void *arg)
{
	struct store_val v[] = { STORE_I(r->sequence), STORE_I(r->message ? 2 : 1),
		                 STORE_S(r->recipient), STORE_I(r->message) };
	struct store_stmt st = { .sql = sql_delivered, .params = v, .n_params = ARRAY_SIZE(v) };
	return store_write(fe->store, STORE_MUST, &st, 1, done, arg);
}

/* --- what comes in ------------------------------------------------------------------------- */

/* A message that is being written, or whose time is over.
 *
 * Who says it to one user remembers it behind that, as accepted; she herself when she has it.  What
 * is said in a conference she remembers before, and so also what cannot be kept any more: its
 * author is told nothing of her. */
struct keeping {
	struct list node; /* of those that expire */
	struct frontend *fe;
	struct task *t;       /* NULL: its sender has gone */
	struct arena *memory; /* of said and of row */
	struct kept row;
	bool counted;      /* it is kept; else it is remembered alone */
	bool of_room;      /* said in a conference */
	uint64_t noted_of; /* who remembers it; 0: nobody */
	struct said said;  /* what she does */
	struct news *news; /* for her browsers; NULL: none */
	uint64_t account;
	size_t bytes, sender_len;
	char sender[];
};

static struct keeping *keeping_new(struct frontend *fe, uint64_t account, struct str sender,
                                   size_t bytes)
{
	struct keeping *k = xcalloc(1, sizeof(*k) + sender.len);
	k->fe = fe;
	k->account = account;
	k->bytes = bytes;
	k->sender_len = sender.len;
	memcpy(k->sender, sender.p, sender.len);
	return k;
}

static void uncount_kept(const struct keeping *k)
{
	fe_kept_forget(k->fe, k->account, str_n(k->sender, k->sender_len), k->bytes);
}

/* Who says it in a conference, and what of it is remembered. */
static void put_conference(struct buf *b, const struct sip_msg *m)
{
	static const struct str lines[] = { STR_INIT("Ms-Sender"), STR_INIT("Message-Id"),
		                            STR_INIT(CONF_NAMED) };
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct str value = sip_value_named(m, lines[i]);
		if (value.len > 0)
			sip_put_hdr(b, lines[i], value);
	}
}

static void put_head(struct buf *b, const struct sip_msg *m)
{
	if (fe_is_of_conference(m))
		put_conference(b, m);
	sip_put_hdr(b, STR("From"), sip_value(m, SIP_H_FROM));
	sip_put_hdr(b, STR("Call-ID"), m->call_id);
	sip_put_hdr(b, STR("CSeq"), sip_value(m, SIP_H_CSEQ));
}

/* All of it is written, or not: the sender is told. */
static void finish(struct keeping *k, int err)
{
	struct frontend *fe = k->fe;
	if (err < 0 && k->counted && !fe->store_closing)
		uncount_kept(k);
	if (err < 0 && k->t)
		task_refuse(k->t, REFUSE_STORE, STR(""));
	else if (k->t)
		task_reply(k->t, 202, STR(""), STR(""));
	if (err == 0 && !fe->store_closing) {
		fe_news_tell(&k->news);
		if (k->said.sequence)
			fe_conversation_news(fe, k->noted_of, k->said.sequence);
		if (registrar_user(fe->registrar, k->account))
			fe_deliver(fe, k->account); /* signed in meanwhile */
	}
	fe_news_drop(&k->news);
	arena_free(&k->memory);
	free(k);
}

static void keep_row(struct keeping *k);

/* It is remembered: now it is kept, or it was. */
static void on_noted(void *arg, int err, int64_t id UNUSED)
{
	struct keeping *k = arg;
	if (err < 0) {
		fe_history_lost(k->fe, err);
		if (k->of_room)
			fe_history_take_back(k->fe, k->noted_of, k->said.message);
		k->noted_of = 0;
	}
	if (!k->of_room)
		finish(k, 0);
	else if (!k->counted || k->fe->store_closing)
		finish(k, err);
	else
		keep_row(k);
}

static void note(struct keeping *k)
{
	const uint64_t accounts[2] = { k->noted_of, 0 };
	int r = fe_history_add(k->fe, accounts, &k->said, on_noted, k);
	if (r < 0)
		on_noted(k, r, 0);
}

static void on_kept(void *arg, int err, int64_t id UNUSED)
{
	struct keeping *k = arg;
	if (err == 0 && k->noted_of && !k->of_room && !k->fe->store_closing)
		note(k);
	else
		finish(k, err);
}

static void keep_row(struct keeping *k)
{
	const struct kept *row = &k->row;
	struct store_val v[] = {
		STORE_I(row->sequence),
		STORE_I(k->account),
		STORE_I(wall_s(k->fe) + k->fe->cfg.keep_s),
		STORE_S(row->sender),
		STORE_S(row->head),
		STORE_S(row->type),
		STORE_B(bytes_of(row->body)),
		STORE_I(k->of_room && k->noted_of),
	};
	struct store_stmt st = { .sql = sql_add, .params = v, .n_params = ARRAY_SIZE(v) };
	int r = store_write(k->fe->store, STORE_MUST, &st, 1, on_kept, k);
	if (r < 0)
		on_kept(k, r, 0);
}

/* What the sender remembers. */
static void read_note(struct keeping *k, const struct task *t)
{
	struct frontend *fe = t->fe;
	struct said *s = &k->said;
	char text[ACCESS_URI_MAX + 8];
	struct buf b = BUF_ON(text);
	struct content c;
	struct change change;
	content_read_body(&c, sip_value(t->msg, SIP_H_CONTENT_TYPE), task_body(t));
	*s = (struct said){ .author = arena_str(k->memory, t->who.uri),
		            .peer = arena_str(k->memory, fe_callee(t, &b)),
		            .message = said_message(&fe->key.mac, t->msg),
		            .state = SAID_ACCEPTED,
		            .type = arena_str(k->memory, c.type),
		            .text = arena_str(k->memory, c.body) };
	s->conversation = said_conversation(&fe->key.mac, s->author, s->peer);
	if (c.kind == CONTENT_CHANGE && change_read(&change, k->memory, c.body) == 0)
		fe_change_row(s, &change);
	k->noted_of = t->tap_from;
}

/* Its message may have gone when it is written.  -E2BIG: it is too long to be kept. */
static int read_row(struct keeping *k, const struct task *t)
{
	auto_(buf_free) struct buf head = buf_of(KEPT_HEAD_MAX);
	struct str body = task_body(t);
	put_head(&head, t->msg);
	if (head.full || body.len > KEPT_BODY_MAX)
		return -E2BIG;
	k->row = (struct kept){
		.sequence = fe_sequence(t->fe),
		.sender = str_n(k->sender, k->sender_len),
		.head = arena_str(k->memory, buf_view(&head)),
		.type = arena_str(k->memory, sip_value(t->msg, SIP_H_CONTENT_TYPE)),
		.body = arena_str(k->memory, body),
	};
	return 0;
}

/* True if there is something to remember first. */
static bool read_said(struct keeping *k, struct task *t)
{
	enum fe_noting noting = FE_NOT_NOTED;
	k->of_room = fe_is_of_conference(t->msg);
	if (k->of_room)
		noting = fe_room_said(t, k->memory, &k->said);
	else if (fe_is_tapped(t))
		read_note(k, t);
	if (noting != FE_NOT_NOTED)
		k->noted_of = t->callee;
	return noting == FE_NOTES;
}

static void keep(struct task *t)
{
	struct frontend *fe = t->fe;
	char callee_text[ACCESS_URI_MAX + 8];
	struct buf callee = BUF_ON(callee_text);
	struct keeping *k = keeping_new(fe, t->callee, t->who.uri, task_body(t).len);
	k->memory = arena_new();
	t->tap_to = 0; /* she is told when she has it */
	bool first = read_said(k, t);
	k->counted = read_row(k, t) == 0 && !is_full(fe, t->callee, t->who.uri, k->bytes);
	if (!k->counted && !(k->of_room && k->noted_of)) {
		task_refuse(t, REFUSE_KEPT_FULL, STR(""));
		arena_free(&k->memory);
		free(k);
		return;
	}
	if (k->counted)
		remember(fe, k->account, t->who.uri, k->bytes);
	else
		task_log_refusal(t, REFUSE_KEPT_FULL);
	k->news = fe_tap_news(t, t->callee, fe_callee(t, &callee));
	k->t = task_keep(t);
	k->t->holder = &k->t;
	if (first)
		note(k);
	else if (k->counted)
		keep_row(k);
	else
		finish(k, 0); /* another way brought it before */
}

bool fe_keep(struct task *t)
{
	struct content c;
	if (t->msg->method != SIP_MESSAGE || !t->fe->cfg.keep || t->redelivered || t->has_peer ||
	    t->secure || t->callee_endpoint || t->who.uri.len == 0)
		return false;
	content_read(&c, t->msg);
	if (c.kind == CONTENT_TYPING)
		return false;
	keep(t);
	return true;
}

bool fe_keeps_order(struct task *t)
{
	return fe_is_delivering(t->fe, t->callee) && fe_keep(t);
}

/* --- the end ------------------------------------------------------------------------------- */

static void remember_row(void *arg, const struct store_val *c, int n UNUSED)
{
	struct frontend *fe = arg;
	uint64_t account = (uint64_t)c[0].i;
	if (fe_owner(fe, account) != fe->env->slot)
		return;
	remember(fe, account, c[1].s, (size_t)c[2].i);
	if (registrar_user(fe->registrar, account))
		fe_deliver(fe, account); /* the last process ended meanwhile */
}

struct expiring {
	struct frontend *fe;
	struct list rows; /* struct keeping */
};

static void on_expired_row(void *arg, const struct store_val *c, int n UNUSED)
{
	struct expiring *e = arg;
	struct keeping *k = keeping_new(e->fe, (uint64_t)c[0].i, c[1].s, (size_t)c[2].i);
	k->row.sequence = (uint64_t)c[3].i;
	list_add(&e->rows, &k->node);
}

static void on_expired(void *arg, int err, int64_t changed)
{
	struct keeping *k = arg;
	struct frontend *fe = k->fe;
	fe->kept.n_expiring--;
	if (err == 0 && changed > 0 && !fe->store_closing) {
		fe->kept.n_expired++;
		if (fe_owner(fe, k->account) == fe->env->slot)
			uncount_kept(k);
	}
	free(k);
}

static void expire(struct keeping *k)
{
	struct store_val v = STORE_I(k->row.sequence);
	struct store_stmt st = { .sql = sql_expire, .params = &v, .n_params = 1 };
	list_del(&k->node);
	k->fe->kept.n_expiring++;
	int r = store_write(k->fe->store, STORE_SHOULD, &st, 1, on_expired, k);
	if (r < 0)
		on_expired(k, r, 0);
}

/* What nobody came for is forgotten, and so are the marks of what was delivered. */
static void sweep(struct frontend *fe)
{
	struct expiring e = { .fe = fe };
	struct store_val v = STORE_I(wall_s(fe));
	struct store_stmt st = { .sql = sql_forget, .params = &v, .n_params = 1 };
	list_init(&e.rows);
	if (fe->kept.n_expiring > 0)
		return;
	int n = store_read(fe->store, sql_expired, &v, 1, on_expired_row, &e);
	list_for(it, &e.rows) expire(list_entry(it, struct keeping, node));
	if (n > 0)
		log_info(NULL, "kept-messages-expired", "n=%d", n);
	(void)!store_write(fe->store, STORE_SHOULD, &st, 1, NULL, NULL); /* the next time */
	fe_receipts_again(fe);
}

static void on_sweep(void *arg)
{
	struct frontend *fe = arg;
	fe->kept.sweeps_soon = false;
	sweep(fe);
	timer_set(&fe->kept.sweep,
	          loop_now(fe->loop) + MIN(SWEEP_EVERY_S, fe->cfg.keep_s) * USEC_PER_SEC);
}

void fe_kept_init(struct frontend *fe)
{
	map_init(&fe->kept.of_user);
	map_init(&fe->kept.of_sender);
	map_init(&fe->kept.delivering);
	list_init(&fe->kept.receipts);
	timer_init(&fe->kept.sweep, fe->loop, on_sweep, fe);
}

/* What is kept for too long by the new settings need not wait for the next round. */
void fe_kept_configure(struct frontend *fe)
{
	timer_set(&fe->kept.sweep, loop_now(fe->loop) + USEC_PER_SEC);
}

void fe_kept_start(struct frontend *fe)
{
	int r = store_read(fe->store, sql_all, NULL, 0, remember_row, fe);
	if (r < 0)
		log_error(NULL, "kept-messages-not-read", "error=%d", r);
	fe_kept_configure(fe);
}

static void drop_counts(struct map *m)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(m, &slot, &after)) != NULL;)
		free(container_of(n, struct count, node));
	map_done(m);
}

void fe_kept_stop(struct frontend *fe)
{
	timer_stop(&fe->kept.sweep);
}

void fe_kept_free(struct frontend *fe)
{
	fe_deliver_free(fe);
	fe_receipts_free(fe);
	drop_counts(&fe->kept.of_user);
	drop_counts(&fe->kept.of_sender);
}
