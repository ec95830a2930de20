#include <stdlib.h>

#include "base/code.h"
#include "role/frontend/fe.h"
#include "svc/access/trust.h"
#include "svc/conversation/html.h"

/* What comes for a user whose browsers want to know of it while they show no page: the web role is
 * told, by NOTIFY of the event package `dialtone-news` over the link to it, and decides whom to
 * tell (docs/protocols/push.md).  Whether an account has such browsers its record says. */

enum {
	TEXT_MAX = 1024, /* bytes of a message that are told; it is cut once more there */
	BODY_MAX = 16 * 1024,
	NEWS_MAX = 1000, /* whose record is being looked up */
};

struct news {
	struct list node; /* of fe->news, while its user's record is looked up */
	struct frontend *fe;
	struct accounts_req *asking;
	bool known; /* that the user has such browsers */
	char *user, *body;
};

static struct sip_flow *any_web(const struct frontend *fe)
{
	for (uint32_t i = 0; i < FE_SLOTS_MAX; i++)
		if (fe->webs[i] && !fe->webs[i]->closed)
			return fe->webs[i];
	return NULL;
}

/* Without a web role nobody has a browser to be told. */
static void tell(struct frontend *fe, struct str body)
{
	fe_notice(fe, any_web(fe), "dialtone-news", body);
}

void fe_news_drop(struct news **np)
{
	struct news *n = take(np);
	if (!n)
		return;
	n->fe->n_news -= !list_empty(&n->node);
	list_del(&n->node);
	accounts_req_free(&n->asking);
	free(n->user);
	free(n->body);
	free(n);
}

static void on_record(void *arg, int err, const struct account *acc)
{
	struct news *n = arg;
	n->asking = NULL;
	if (err == 0 && acc->pushes)
		tell(n->fe, str_of(n->body));
	fe_news_drop(&n);
}

void fe_news_tell(struct news **np)
{
	struct news *n = take(np);
	if (!n)
		return;
	if (n->known)
		tell(n->fe, str_of(n->body));
	if (n->known || n->fe->n_news >= NEWS_MAX) {
		fe_news_drop(&n);
		return;
	}
	list_add(&n->fe->news, &n->node);
	n->fe->n_news++;
	n->asking = accounts_lookup(n->fe->accounts, str_of(n->user), on_record, n);
}

/* Whole characters; what is no text is none either in JSON. */
static struct str head_of(struct str s)
{
	size_t n = MIN(s.len, (size_t)TEXT_MAX);
	while (n > 0 && n < s.len && ((uint8_t)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_sub(s, 0, n);
}

static void compose(struct buf *b, const struct fe_news *n)
{
	auto_(buf_free) struct buf plain = buf_of(CONTENT_MAX);
	buf_printf(b, "{\"account\":%llu,\"kind\":\"%s\"", (unsigned long long)n->account,
	           n->call ? "call" : "message");
	json_put_member(b, "user", n->user);
	json_put_member(b, "chat", n->chat);
	json_put_member(b, "from", n->from);
	json_put_member(b, "text", head_of(html_read(&plain, n->type, n->text)));
	buf_char(b, '}');
}

struct news *fe_news_new(struct frontend *fe, const struct fe_news *what)
{
	auto_(buf_free) struct buf b = buf_of(BODY_MAX);
	bool absent = false;
	const struct account *acc = accounts_cached(fe->accounts, what->user, &absent);
	if (what->user.len == 0 || what->from.len == 0 || str_ieq(what->user, what->from) ||
	    (acc ? !acc->pushes : absent) || !any_web(fe) ||
	    fe_is_quiet(fe, what->user, what->from))
		return NULL;
	compose(&b, what);
	if (b.full)
		return NULL;
	struct news *n = xnew(struct news);
	list_init(&n->node);
	n->fe = fe;
	n->known = acc;
	n->user = str_dup(what->user);
	n->body = str_dup(buf_view(&b));
	return n;
}

struct str fe_known_callee(const struct task *t)
{
	bool absent;
	struct home_user *u = registrar_user(t->fe->registrar, t->callee);
	const struct account *acc =
	        t->key_now < t->target.n_keys
	                ? accounts_cached(t->fe->accounts, t->target.keys[t->key_now], &absent)
	                : NULL;
	return acc ? acc->uri : u ? home_user_aor(u) : STR("");
}

struct str fe_callee(const struct task *t, struct buf *b)
{
	struct str known = fe_known_callee(t);
	return known.len > 0 ? known : sip_bare_aor(sip_to_uri(t->msg), b);
}

void fe_tell_call(struct task *t)
{
	char space[ACCESS_URI_MAX + 8];
	struct buf b = BUF_ON(space);
	struct fe_news n = { .account = t->callee,
		             .call = true,
		             .user = fe_callee(t, &b),
		             .chat = t->who.uri,
		             .from = t->who.uri };
	/* There is no news of nobody. */
	if (!fe_is_call(t) || t->has_peer || trust_hides_sender(t->msg))
		return;
	struct news *news = fe_news_new(t->fe, &n);
	fe_news_tell(&news);
}

void fe_news_free(struct frontend *fe)
{
	list_for(it, &fe->news)
	{
		struct news *n = list_entry(it, struct news, node);
		fe_news_drop(&n);
	}
}
