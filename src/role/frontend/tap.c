#include <stdlib.h>

#include "role/frontend/fe.h"

/* A MESSAGE that passes the homes of its sender and its recipient: each remembers what was said
 * when the recipient's client has taken it, and the 200 goes on when that is on disk. */

struct tap {
	struct frontend *fe;
	struct fork *fork;
	struct sip_proxy *proxy; /* NULL: the sender has gone */
	bool writing;
	uint64_t accounts[2]; /* whose homes are here; the second may be 0 */
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
	for (unsigned i = 0; i < 2 && err == 0 && !fe->store_closing; i++)
		fe_conversation_news(fe, p->accounts[i]);
	if (p->proxy && !fe->store_closing)  /* else the stack has ended */
		sip_proxy_release(p->proxy); /* and it is done */
	else
		tap_free(p);
}

static bool on_answer(void *arg, uint64_t tag UNUSED, const struct sip_msg *resp)
{
	struct tap *p = arg;
	struct frontend *fe = p->fe;
	const struct sip_msg *m = sip_proxy_request(p->proxy);
	struct str body =
	        p->body_len ? str_n(p->text + p->author_len + p->peer_len, p->body_len) : m->body;
	struct content c;
	content_read_body(&c, sip_value(m, SIP_H_CONTENT_TYPE), body);
	struct said s = {
		.author = str_n(p->text, p->author_len),
		.peer = str_n(p->text + p->author_len, p->peer_len),
		.message = said_message(&fe->key.mac, m),
		.state = resp->status == 202 ? SAID_ACCEPTED : SAID_DELIVERED,
		.type = c.type,
		.text = c.body,
	};
	s.conversation = said_conversation(&fe->key.mac, s.author, s.peer);
	int r = fe_history_add(fe, p->accounts, &s, on_written, p);
	if (r < 0)
		fe_history_lost(fe, r);
	p->writing = r == 0;
	return p->writing;
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

static struct str aor_of(struct frontend *fe, uint64_t account)
{
	struct home_user *u = account ? registrar_user(fe->registrar, account) : NULL;
	return u ? home_user_aor(u) : STR("");
}

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

bool fe_is_tapped(const struct task *t)
{
	/* What is said in a conference is not said by its address. */
	return t->msg->method == SIP_MESSAGE && !fe_is_of_conference(t->msg) &&
	       t->fe->cfg.history && (t->tap_from || t->tap_to) && is_text(t->msg);
}

/* Inside a dialog nobody has been authenticated: what a home remembers of its own user must bear
 * her name. */
static void check_sender(struct frontend *fe, uint64_t accounts[2], struct str author)
{
	if (accounts[0] && !str_ieq(aor_of(fe, accounts[0]), author))
		accounts[0] = 0;
}

struct sip_proxy *fe_tap_proxy(struct task *t, struct fork *f)
{
	char from[ACCESS_URI_MAX + 8], to[ACCESS_URI_MAX + 8];
	struct buf fb = BUF_ON(from), tb = BUF_ON(to);
	uint64_t who[2] = { t->tap_from, t->tap_to != t->tap_from ? t->tap_to : 0 };
	struct str author = t->has_peer ? sip_bare_aor(sip_from_uri(t->msg), &fb) : t->who.uri;
	struct str peer = callee_of(t);
	if (peer.len == 0)
		peer = sip_bare_aor(sip_to_uri(t->msg), &tb);
	if (t->has_peer)
		check_sender(t->fe, who, author);
	struct tap *p = xcalloc(1, sizeof(*p) + author.len + peer.len + t->new_text.len);
	p->fe = t->fe;
	p->fork = f;
	p->accounts[0] = who[0] ? who[0] : who[1];
	p->accounts[1] = who[0] ? who[1] : 0;
	p->author_len = (uint16_t)author.len;
	p->peer_len = (uint16_t)peer.len;
	memcpy(p->text, author.p, author.len);
	memcpy(p->text + author.len, peer.p, peer.len);
	p->body_len = t->new_text.len;
	if (p->body_len)
		memcpy(p->text + author.len + peer.len, t->new_text.p, p->body_len);
	bool ours = p->accounts[0] != 0;
	p->proxy = sip_proxy_new(t->fe->stack, task_stx(t), ours || f ? &tap_ops : NULL, p);
	if (ours || f)
		return p->proxy;
	struct sip_proxy *proxy = p->proxy;
	tap_free(p);
	return proxy;
}
