#include <inttypes.h>
#include <stdlib.h>

#include "role/frontend/fe.h"

/* A MESSAGE that passes the homes of its sender and its recipient: each remembers what was said
 * when the recipient's client has taken it, and the 200 goes on when that is on disk.  What is said
 * in a conference is remembered by each home for its own user: of who says it as it goes to the
 * MCU, of the others as it comes from there.
 *
 * Who has no endpoints but those that want it by the history alone gets it so: the recipient's home
 * answers when it is on disk. */

struct tap {
	struct frontend *fe;
	struct fork *fork;
	struct sip_proxy *proxy; /* NULL: the sender has gone */
	bool writing;
	enum fe_room_way room;
	uint64_t accounts[2]; /* whose homes are here; the second may be 0 */
	struct change change; /* of another message; its text is not kept.  message 0: it is none */
	uint64_t sequence;    /* of its row */
	uint64_t to;          /* of these, whom it is for; 0: none */
	uint16_t author_len, peer_len;
	size_t body_len; /* of another body than the request's; 0: that */
	char text[];     /* author, peer, body */
};

static void tap_free(struct tap *p)
{
	fe_fork_free(&p->fork);
	free(p);
}

static void on_written(void *arg, int err, int64_t id UNUSED)
{
	struct tap *p = arg;
	struct frontend *fe = p->fe;
	p->writing = false;
	if (err < 0)
		fe_history_lost(fe, err); /* it was delivered all the same */
	bool told = err == 0 && !fe->store_closing;
	if (told && p->change.message)
		fe_changed(fe, p->accounts, &p->change, p->sequence);
	else if (told)
		fe_conversation_news_of(fe, p->accounts, p->sequence);
	if (p->proxy && !fe->store_closing)  /* else the stack has ended */
		sip_proxy_release(p->proxy); /* and it is done */
	else
		tap_free(p);
}

/* What has been said, to be remembered. */
struct heard {
	struct frontend *fe;
	const struct sip_msg *m;
	struct str body;   /* the message's, or what goes on in its place */
	struct str number; /* Message-Id, that an MCU gave it; empty: none */
	struct str author, peer;
	enum fe_room_way room;
	uint64_t account; /* whose home is here */
};

/* Every client of a user gets what is said in a conference; remembered it is once.  False: it was,
 * or it is nothing that was said (the MCU gave it no number). */
static bool read_room(const struct heard *h, struct said *s)
{
	const struct hash_key *k = &h->fe->key.mac;
	if (h->number.len == 0)
		return false;
	s->conversation = said_conversation(k, s->peer, STR(""));
	s->message = said_in_room(k, s->peer, h->number);
	return fe_history_is_new(h->fe, h->account, s->message);
}

/* Of a conference, to who hears it by a phone: without its author's name in front. */
static struct str without_name(enum fe_room_way room, const struct sip_msg *m, struct str text)
{
	uint32_t n;
	struct str named = sip_value_named(m, STR(CONF_NAMED)), rest;
	(void)str_cut(named, ';', &named, &rest);
	bool has = room == FE_FROM_ROOM && str_to_u32(named, UINT32_MAX, &n) == 0 && n < text.len;
	return has ? str_sub(text, n, text.len) : text;
}

/* As read_room(). */
static bool read_said(const struct heard *h, enum said_state state, struct said *ret)
{
	const struct hash_key *k = &h->fe->key.mac;
	struct content c;
	content_read_body(&c, sip_value(h->m, SIP_H_CONTENT_TYPE), h->body);
	*ret = (struct said){ .author = h->author,
		              .peer = h->peer,
		              .message = said_message(k, h->m),
		              .state = state,
		              .type = c.type,
		              .text = without_name(h->room, h->m, c.body) };
	ret->conversation = said_conversation(k, h->author, h->peer);
	return !h->room || read_room(h, ret);
}

static bool write_row(struct tap *p, struct said *s)
{
	int r = fe_history_add(p->fe, p->accounts, s, on_written, p);
	p->sequence = s->sequence;
	if (r < 0)
		fe_history_lost(p->fe, r);
	p->writing = r == 0;
	return p->writing;
}

/* It was changed where it is: so it is here. */
static bool write_change(struct tap *p, struct str body)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct hash_key *k = &p->fe->key.mac;
	struct said s = {
		.author = str_n(p->text, p->author_len),
		.peer = str_n(p->text + p->author_len, p->peer_len),
	};
	if (change_read(&p->change, a, body) < 0)
		return false;
	s.conversation = p->room ? said_conversation(k, s.peer, STR(""))
	                         : said_conversation(k, s.author, s.peer);
	fe_change_row(&s, &p->change);
	p->change.text = STR("");
	return write_row(p, &s);
}

static struct str aor_of(struct frontend *fe, uint64_t account)
{
	struct home_user *u = account ? registrar_user(fe->registrar, account) : NULL;
	return u ? home_user_aor(u) : STR("");
}

/* A device has it; browsers without a page may want to know. */
static void tell(const struct heard *h, uint64_t to, const struct said *s)
{
	struct fe_news n = { .account = to,
		             .user = aor_of(h->fe, to),
		             .chat = h->room ? s->peer : s->author,
		             .from = s->author,
		             .type = s->type,
		             .text = s->text };
	struct news *news = to ? fe_news_new(h->fe, &n) : NULL;
	fe_news_tell(&news);
}

static bool on_answer(void *arg, uint64_t tag UNUSED, const struct sip_msg *resp)
{
	struct tap *p = arg;
	const struct sip_msg *m = sip_proxy_request(p->proxy);
	struct said s;
	struct heard h = {
		.fe = p->fe,
		.m = m,
		.body = m->body,
		.number = sip_value_named(p->room == FE_TO_ROOM ? resp : m, STR("Message-Id")),
		.author = str_n(p->text, p->author_len),
		.peer = str_n(p->text + p->author_len, p->peer_len),
		.room = p->room,
		.account = p->accounts[0],
	};
	if (p->body_len)
		h.body = str_n(p->text + p->author_len + p->peer_len, p->body_len);
	if (fe_is_change(m))
		return write_change(p, h.body);
	if (!read_said(&h, resp->status == 202 ? SAID_ACCEPTED : SAID_DELIVERED, &s))
		return false;
	tell(&h, p->to, &s);
	return write_row(p, &s);
}

static void on_branch_failed(void *arg, uint64_t endpoint, enum sip_fail why)
{
	struct tap *p = arg;
	if (p->fork)
		fe_fork_again(p->fork, endpoint, why);
}

static void on_done(void *arg, int code UNUSED)
{
	struct tap *p = arg;
	p->proxy = NULL;
	if (!p->writing)
		tap_free(p);
}

static const struct sip_proxy_ops tap_ops = { .hold = on_answer,
	                                      .branch_failed = on_branch_failed,
	                                      .done = on_done };

/* --- whose message it is ------------------------------------------------------------------- */

/* As the directory has it, if the address was looked up here. */
static struct str callee_of(const struct task *t)
{
	bool absent;
	struct str aor = aor_of(t->fe, t->tap_to);
	if (aor.len > 0 || t->key_now >= t->target.n_keys)
		return aor;
	const struct account *acc =
	        accounts_cached(t->fe->accounts, t->target.keys[t->key_now], &absent);
	return acc ? acc->uri : STR("");
}

static bool is_text(const struct sip_msg *m)
{
	struct content c;
	content_read(&c, m);
	return c.kind == CONTENT_TEXT;
}

/* From a conference, which an MCU has asserted: a link says so, no client. */
static bool is_from_room(const struct task *t)
{
	char text[ACCESS_URI_MAX + 8];
	struct buf b = BUF_ON(text);
	buf_lit(&b, "sip:");
	buf_str(&b, t->who.uri);
	return t->from_link && t->who.uri.len > 0 && conf_uri_is_for_phones(buf_view(&b));
}

bool fe_is_tapped(const struct task *t)
{
	return t->msg->method == SIP_MESSAGE && t->fe->cfg.history && !t->noted &&
	       (t->tap_from || t->tap_to) && (is_text(t->msg) || fe_is_change(t->msg)) &&
	       (!fe_is_of_conference(t->msg) || is_from_room(t));
}

/* A conference's address for phones, which means it everywhere. */
static struct str room_of(const struct task *t, struct buf *b)
{
	char text[CONF_URI_MAX + 1];
	struct buf organizer = BUF_ON(text);
	struct conf_uri cu;
	if (conf_uri_read(&cu, &organizer, t->msg->uri) < 0)
		return STR("");
	conf_uri_put_for_phones(b, buf_view(&organizer), cu.id);
	return str_sub(buf_view(b), 4, b->len);
}

/* Who says it, as the MCU has it: "<sip:alice@example.test>". */
static struct str sender_of(const struct sip_msg *m, struct buf *b)
{
	struct sip_addr a;
	struct sip_uri u;
	struct str rest = sip_value_named(m, STR("Ms-Sender"));
	if (sip_addr_next(&rest, &a) <= 0 || sip_uri_parse(&u, a.uri) < 0)
		return STR("");
	return sip_bare_aor(&u, b);
}

/* Clients write a conference's id as they like; it is remembered in one way. */
static struct str lower(struct buf *b, struct str s)
{
	b->len = 0;
	for (size_t i = 0; i < s.len; i++)
		buf_char(b, (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 'a' - 'A' : s.p[i]));
	return buf_view(b);
}

void fe_read_ends(struct fe_ends *e, const struct task *t)
{
	char room[CONF_WHOLE_URI_MAX];
	struct buf ab = BUF_ON(e->space[0]), pb = BUF_ON(e->space[1]), rb = BUF_ON(room);
	e->who[0] = t->tap_from;
	e->who[1] = t->tap_to != t->tap_from ? t->tap_to : 0;
	e->room = FE_NO_ROOM;
	if (fe_is_of_conference(t->msg)) {
		e->room = FE_FROM_ROOM;
		e->author = sender_of(t->msg, &ab);
		e->peer = lower(&pb, t->who.uri);
	} else if (fe_is_conference(t)) {
		e->room = FE_TO_ROOM;
		e->author = t->who.uri;
		e->peer = lower(&pb, room_of(t, &rb));
	} else {
		e->author = t->has_peer ? sip_bare_aor(sip_from_uri(t->msg), &ab) : t->who.uri;
		e->peer = callee_of(t);
		if (e->peer.len == 0)
			e->peer = sip_bare_aor(sip_to_uri(t->msg), &pb);
	}
	if (e->room && (e->author.len == 0 || e->peer.len == 0))
		e->who[0] = e->who[1] = 0;
}

void fe_ends_homes(const struct fe_ends *e, uint64_t ret[2])
{
	ret[0] = e->who[0] ? e->who[0] : e->who[1];
	ret[1] = e->who[0] ? e->who[1] : 0;
}

struct news *fe_tap_news(const struct task *t, uint64_t account, struct str user)
{
	struct fe_ends e;
	struct content c;
	content_read_body(&c, sip_value(t->msg, SIP_H_CONTENT_TYPE), task_body(t));
	if (c.kind != CONTENT_TEXT || t->redelivered || fe_is_change(t->msg))
		return NULL;
	fe_read_ends(&e, t);
	struct fe_news n = { .account = account,
		             .user = user,
		             .chat = e.room ? e.peer : e.author,
		             .from = e.author,
		             .type = c.type,
		             .text = without_name(e.room, t->msg, c.body) };
	return fe_news_new(t->fe, &n);
}

static struct tap *tap_new(const struct task *t, struct fork *f)
{
	struct fe_ends e;
	fe_read_ends(&e, t);
	struct tap *p = xcalloc(1, sizeof(*p) + e.author.len + e.peer.len + t->new_text.len);
	p->fe = t->fe;
	p->fork = f;
	p->room = e.room;
	fe_ends_homes(&e, p->accounts);
	p->to = t->redelivered ? 0 : e.who[1];
	p->author_len = (uint16_t)e.author.len;
	p->peer_len = (uint16_t)e.peer.len;
	memcpy(p->text, e.author.p, e.author.len);
	memcpy(p->text + e.author.len, e.peer.p, e.peer.len);
	p->body_len = t->new_text.len;
	if (p->body_len)
		memcpy(p->text + e.author.len + e.peer.len, t->new_text.p, p->body_len);
	return p;
}

struct sip_proxy *fe_tap_proxy(struct task *t, struct fork *f)
{
	struct tap *p = tap_new(t, f);
	bool ours = p->accounts[0] != 0;
	p->proxy = sip_proxy_new(t->fe->stack, task_stx(t), ours || f ? &tap_ops : NULL, p);
	if (ours || f)
		return p->proxy;
	struct sip_proxy *proxy = p->proxy;
	tap_free(p);
	return proxy;
}

/* Of a request that no proxy has yet. */
static void hear(struct heard *h, const struct task *t, const struct fe_ends *e)
{
	uint64_t homes[2];
	fe_ends_homes(e, homes);
	*h = (struct heard){ .fe = t->fe,
		             .m = t->msg,
		             .body = task_body(t),
		             .number = sip_value_named(t->msg, STR("Message-Id")),
		             .author = e->author,
		             .peer = e->peer,
		             .room = e->room,
		             .account = homes[0] };
}

enum fe_noting fe_room_said(struct task *t, struct arena *a, struct said *ret)
{
	struct fe_ends e;
	struct heard h;
	t->tap_from = 0;
	t->tap_to = t->callee;
	fe_read_ends(&e, t);
	hear(&h, t, &e);
	if (!fe_is_tapped(t) || fe_is_change(t->msg) || !h.account || h.number.len == 0)
		return FE_NOT_NOTED;
	if (!read_said(&h, SAID_ACCEPTED, ret))
		return FE_NOTED;
	ret->author = arena_str(a, ret->author);
	ret->peer = arena_str(a, ret->peer);
	ret->type = arena_str(a, ret->type);
	ret->text = arena_str(a, ret->text);
	return FE_NOTES;
}

/* --- who is told by the history alone -------------------------------------------------------- */

struct telling {
	struct task *t; /* NULL: its sender has gone */
	struct frontend *fe;
	uint64_t accounts[2], sequence, message;
	bool as_sent; /* what is remembered is word for word what the sender has */
};

/* The sender's endpoint learns from the answer what its own message has become, if nothing else is
 * new for it. */
static void answer_told(struct telling *w)
{
	struct task *t = w->t;
	char text[80];
	struct buf b = BUF_ON(text);
	if (w->as_sent &&
	    fe_conversation_takes(w->fe, t->who.account, t->who.endpoint, w->sequence))
		buf_printf(&b, SAID_LINE ": %016" PRIx64 ";sequence=%" PRIu64 "\r\n", w->message,
		           w->sequence);
	task_reply(t, 200, STR(""), buf_view(&b));
}

static void on_told(void *arg, int err, int64_t id UNUSED)
{
	struct telling *w = arg;
	struct frontend *fe = w->fe;
	if (err < 0)
		fe_history_take_back(fe, w->accounts[0], w->message);
	if (w->t)
		w->t->holder = NULL;
	if (w->t && err < 0)
		task_refuse(w->t, REFUSE_HOME_DOWN, STR("Retry-After: 5\r\n"));
	else if (w->t)
		answer_told(w);
	if (err == 0 && !fe->store_closing)
		fe_conversation_news_of(fe, w->accounts, w->sequence);
	free(w);
}

static void write_told(struct task *t, const struct fe_ends *e, struct said *s)
{
	char space[ACCESS_URI_MAX + 8];
	struct buf to = BUF_ON(space);
	struct telling *w = xnew(struct telling);
	w->fe = t->fe;
	fe_ends_homes(e, w->accounts);
	w->message = s->message;
	w->as_sent = !e->room && e->who[0] && !t->new_text.p && !t->redelivered &&
	             str_eq(sip_bare_aor(sip_to_uri(t->msg), &to), s->peer);
	int r = fe_history_add(t->fe, w->accounts, s, on_told, w);
	w->sequence = s->sequence;
	if (r < 0) {
		fe_history_take_back(t->fe, w->accounts[0], w->message);
		free(w);
		task_refuse(t, REFUSE_HOME_DOWN, STR("Retry-After: 5\r\n"));
		return;
	}
	w->t = task_keep(t);
	w->t->holder = &w->t;
}

bool fe_told_by_history(struct task *t, struct home_user *callee)
{
	struct fe_ends e;
	struct said s;
	struct heard h;
	if (t->noted && fe_all_read_alone(t, callee)) {
		task_reply(t, 200, STR(""), STR("")); /* she was told when it was kept */
		return true;
	}
	if (!fe_is_tapped(t) || fe_is_change(t->msg) || !fe_all_read_alone(t, callee))
		return false;
	fe_read_ends(&e, t);
	hear(&h, t, &e);
	if (!h.account || (e.room && h.number.len == 0))
		return false;
	if (!read_said(&h, SAID_DELIVERED, &s)) {
		task_reply(t, 200, STR(""), STR("")); /* another way brought it before */
		return true;
	}
	tell(&h, t->redelivered ? 0 : e.who[1], &s);
	write_told(t, &e, &s);
	return true;
}
