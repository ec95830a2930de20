#include <errno.h>
#include <stdlib.h>

#include "role/frontend/fe.h"

/* A message is changed (svc/conversation/change.h).  The change is a MESSAGE from home to home: the
 * sender's looks whether she may, and remembers it when the other one has; the recipient's looks
 * too, for it knows nothing of the other, writes it down, and tells those endpoints that read the
 * history.  No other client gets it, for it could do nothing with it. */

bool fe_is_change(const struct sip_msg *m)
{
	return m->method == SIP_MESSAGE &&
	       str_istarts(sip_value(m, SIP_H_CONTENT_TYPE), STR(CHANGE_TYPE));
}

void fe_change_row(struct said *s, const struct change *c)
{
	s->message = c->message;
	s->state = c->kind;
	s->type = STR("text/plain;charset=UTF-8");
	s->text = c->text;
}

/* --- who may --------------------------------------------------------------------------------- */

/* Anybody in the conversation reacts; what is delivered its recipient's home says; the rest is its
 * author's. */
static bool may(const struct change *c, bool is_author)
{
	bool reacts = c->kind == SAID_REACT || c->kind == SAID_UNREACT;
	return reacts || is_author == (c->kind != SAID_DELIVER);
}

static enum refusal look(struct frontend *fe, uint64_t account, struct str who,
                         const struct change *c, uint64_t conversation)
{
	struct fe_said_found f;
	int r = fe_history_find(fe, account, c, &f);
	if (r == -EUSERS)
		return REFUSE_CHANGES;
	if (r < 0)
		return r == -ENOENT ? REFUSE_NO_MESSAGE : REFUSE_HOME_DOWN;
	if (conversation && f.conversation != conversation)
		return REFUSE_NO_MESSAGE;
	return may(c, str_ieq(str_of(f.author), who)) ? REFUSE_NOTHING : REFUSE_NOT_AUTHOR;
}

static enum refusal look_at(struct task *t, struct arena *a)
{
	struct change c;
	if (!t->fe->cfg.history)
		return REFUSE_CONTENT;
	if (change_read(&c, a, task_body(t)) < 0 || (c.kind == SAID_DELIVER && !t->receipt))
		return REFUSE_BAD_BODY;
	return c.kind == SAID_DELIVER ? REFUSE_NOTHING
	                              : look(t->fe, t->who.account, t->who.uri, &c, 0);
}

bool fe_may_change(struct task *t)
{
	auto_(arena_free) struct arena *a = arena_new();
	enum refusal why = fe_is_change(t->msg) && !t->redelivered ? look_at(t, a) : REFUSE_NOTHING;
	if (why)
		task_refuse(t, why, STR(""));
	return !why;
}

/* --- writing --------------------------------------------------------------------------------- */

void fe_changed(struct frontend *fe, const uint64_t accounts[2], const struct change *c,
                uint64_t sequence)
{
	struct fe_said_found f;
	bool replaces = c->kind == SAID_DELETE || c->kind == SAID_EDIT;
	for (unsigned i = 0; i < 2; i++) {
		if (accounts[i] == 0)
			continue;
		fe_conversation_news(fe, accounts[i], sequence);
		if (replaces && fe_history_find(fe, accounts[i], c, &f) != -ENOENT)
			fe_history_erase(fe, accounts[i], f.sequence, c);
	}
}

struct writing {
	struct task *t; /* NULL: its sender has gone */
	struct frontend *fe;
	uint64_t accounts[2], callee, sequence;
	struct change change;
};

/* Each endpoint that can show it reads the history. */
static bool is_shown(const struct frontend *fe, uint64_t account)
{
	struct home_user *u = registrar_user(fe->registrar, account);
	unsigned n = 0, readers = fe_conversation_readers(fe, account);
	if (!u)
		return true;
	binding_for(b, u) n++;
	return n <= readers;
}

static void on_written(void *arg, int err, int64_t id UNUSED)
{
	struct writing *w = arg;
	if (err == 0 && !w->fe->store_closing)
		fe_changed(w->fe, w->accounts, &w->change, w->sequence);
	if (w->t)
		w->t->holder = NULL;
	if (w->t && err < 0)
		task_refuse(w->t, REFUSE_HOME_DOWN, STR("Retry-After: 5\r\n"));
	else if (w->t)
		task_reply(w->t, 200, STR(""),
		           is_shown(w->fe, w->callee) ? STR("") : STR(CHANGE_NOT_SHOWN));
	free(w);
}

static void write_row(struct task *t, const struct fe_ends *e, const struct change *c,
                      uint64_t conversation)
{
	struct writing *w = xnew(struct writing);
	struct said s = { .conversation = conversation, .author = e->author, .peer = e->peer };
	w->fe = t->fe;
	w->callee = t->callee;
	fe_ends_homes(e, w->accounts);
	w->change = *c;
	w->change.text = STR("");
	fe_change_row(&s, c);
	int r = fe_history_add(t->fe, w->accounts, &s, on_written, w);
	w->sequence = s.sequence;
	if (r < 0) {
		free(w);
		task_refuse(t, REFUSE_HOME_DOWN, STR("Retry-After: 5\r\n"));
		return;
	}
	w->t = task_keep(t);
	w->t->holder = &w->t;
}

/* --- at the recipient's home ----------------------------------------------------------------- */

/* In a conference each of her clients might bring it; it counts once. */
static bool is_old(const struct task *t, const struct fe_ends *e)
{
	const struct hash_key *k = &t->fe->key.mac;
	struct str number = sip_value_named(t->msg, STR("Message-Id"));
	return e->room == FE_FROM_ROOM &&
	       !fe_history_is_new(t->fe, t->callee, said_in_room(k, e->peer, number));
}

/* What it changes may be kept as well, and come before it. */
static bool may_come_later(const struct task *t, const struct change *c)
{
	return c->kind != SAID_DELIVER && !t->redelivered &&
	       !registrar_user(t->fe->registrar, t->callee);
}

bool fe_change(struct task *t)
{
	auto_(arena_free) struct arena *a = arena_new();
	const struct hash_key *k = &t->fe->key.mac;
	struct fe_ends e;
	struct change c;
	if (!fe_is_change(t->msg))
		return false;
	if (!t->fe->cfg.history || change_read(&c, a, task_body(t)) < 0) {
		task_refuse(t, t->fe->cfg.history ? REFUSE_BAD_BODY : REFUSE_CONTENT, STR(""));
		return true;
	}
	fe_read_ends(&e, t);
	uint64_t conversation = e.room ? said_conversation(k, e.peer, STR(""))
	                               : said_conversation(k, e.author, e.peer);
	enum refusal why = look(t->fe, t->callee, e.author, &c, conversation);
	if (why == REFUSE_NO_MESSAGE && may_come_later(t, &c) && t->fe->cfg.keep)
		return false;
	if (why && !t->redelivered)
		task_refuse(t, why, STR(""));
	else if (why || is_old(t, &e)) /* it must not come again */
		task_reply(t, 200, STR(""), STR(""));
	else
		write_row(t, &e, &c, conversation);
	return true;
}
