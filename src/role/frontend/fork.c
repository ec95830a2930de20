#include <inttypes.h>
#include <stdlib.h>

#include "role/frontend/fe.h"
#include "svc/access/dialect.h"
#include "svc/access/trust.h"

/* The callee's home: one branch to each endpoint, over its newest flow.  Where an endpoint has
 * registered several flows (RFC 5626), the next one is tried when the newest fails.
 *
 * Browsers share one flow.  When their process has gone, they are back in a moment, and are called
 * again: until then the call is under way. */

enum {
	BROWSERS_MAX = 16, /* of those that are called at once, which are waited for */
	BACK_S = 15,       /* the time that they have for it */
};

struct browser {
	uint64_t endpoint;
	bool away;
};

struct fork {
	struct frontend *fe;
	struct sip_proxy *p;
	struct sip_edit here, there;
	bool secure, makes_dialog, invite;
	bool keepable; /* is kept for its callee if the only endpoint turns out to be gone */
	uint64_t callee;
	struct tried tried;
	struct str sender_route, lines;
	struct str here_lines; /* a client is not told who wants to stay unknown */
	char route_text[256], lines_text[512];
	char *body; /* where the request has another; owned */
	struct str body_text;
	struct browser browsers[BROWSERS_MAX];
	unsigned n_browsers;
	struct list absent;    /* in fe->absent, while one of them is away */
	struct timer patience; /* with those */
	bool bridged;          /* endpoints of the other dialect are behind the media bridge */
	bool from_lync;        /* if bridged */
};

static bool is_tried(const struct tried *tried, const struct token_hint *h)
{
	for (unsigned i = 0; tried && i < tried->n; i++)
		if (token_hint_eq(&tried->hints[i], h))
			return true;
	return false;
}

static bool is_tls(const struct binding *b)
{
	return b->reach == TOKEN_STREAM && b->sock;
}

struct binding *fe_newest_flow(struct home_user *u, uint64_t endpoint, bool secure,
                               const struct tried *tried)
{
	struct binding *found = NULL;
	binding_for(b, u)
	{
		struct token_hint h = binding_hint(b);
		if (b->endpoint == endpoint && (!secure || is_tls(b)) && !is_tried(tried, &h))
			found = b;
	}
	return found;
}

bool fe_is_conf_invite(const struct sip_msg *m)
{
	return m->method == SIP_INVITE &&
	       str_istarts(sip_value(m, SIP_H_CONTENT_TYPE), STR("application/ms-conf-invite+xml"));
}

static bool is_wanted(const struct task *t, const struct binding *b)
{
	if (t->callee_endpoint && b->endpoint != t->callee_endpoint)
		return false;
	/* A Lync client decides itself whom it lets through; a phone does not know. */
	if (t->quiet && !b->lync)
		return false;
	if (t->one_dialect && fe_crosses(t->msg, b))
		return false;
	/* A session is for clients that hold sessions, a pager message for those that do not. */
	if ((t->msg->method == SIP_MESSAGE && b->lync) ||
	    (!b->lync && (im_is_invite(t->msg) || fe_is_conf_invite(t->msg))))
		return false;
	if (b->user->account == t->who.account && b->endpoint == t->who.endpoint)
		return false; /* the very endpoint that sends */
	return fe_newest_flow(b->user, b->endpoint, t->secure, NULL) == b;
}

bool fe_has_endpoint(const struct task *t, struct home_user *callee)
{
	binding_for(b, callee) if (is_wanted(t, b)) return true;
	return false;
}

bool fe_all_read_alone(const struct task *t, struct home_user *callee)
{
	unsigned n = 0;
	binding_for(b, callee)
	{
		if (!is_wanted(t, b))
			continue;
		if (!fe_reads_alone(t->fe, callee->account, b->endpoint))
			return false;
		n++;
	}
	return n > 0;
}

bool fe_is_browser(const struct binding *b)
{
	struct sip_uri u;
	return sip_uri_parse(&u, binding_text(b, BINDING_CONTACT)) == 0 &&
	       str_ends(u.host, STR("." FE_LINK_DOMAIN));
}

static bool has_browser(struct home_user *callee)
{
	binding_for(b, callee) if (fe_is_browser(b)) return true;
	return false;
}

static bool has_older_flows(struct home_user *callee)
{
	binding_for(b, callee) if (registrar_endpoint(callee, b->endpoint) != b) return true;
	return false;
}

/* A branch to a client whose flow is here: both ends go into Record-Route, the callee's on top. */
static void fork_here(struct fork *f, struct sip_flow *flow, const struct token *end,
                      struct str uri)
{
	char rr[512];
	struct buf rb = BUF_ON(rr);
	struct sip_branch_spec b = { .flow = flow, .tag = end->endpoint, .edit = f->here };
	struct task like = { .fe = f->fe, .secure = f->secure };
	b.tcp_too = fe_takes_tcp(f->fe, flow, uri);
	b.edit.uri = uri;
	b.edit.add = f->here_lines;
	if (f->makes_dialog) {
		fe_put_record_route(&like, &rb, flow, end);
		if (f->sender_route.len) {
			buf_lit(&rb, ", ");
			buf_str(&rb, f->sender_route);
		}
		b.edit.record_route = buf_view(&rb);
	}
	sip_proxy_fork(f->p, &b);
}

/* A branch to a client whose connection another process holds. */
static void fork_there(struct fork *f, struct sip_flow *link, const struct token *end,
                       struct str uri)
{
	char route[TOKEN_TEXT_MAX + 64];
	struct buf rb = BUF_ON(route);
	struct sip_branch_spec b = { .flow = link, .tag = end->endpoint, .edit = f->there };
	buf_str(&rb, f->secure ? STR("<sips:") : STR("<sip:"));
	token_put(&rb, &f->fe->key, end);
	buf_lit(&rb, "@" FE_LINK_DOMAIN ";lr>");
	b.edit.uri = uri;
	b.edit.push_routes = buf_view(&rb);
	b.edit.add = f->lines;
	b.edit.record_route = f->sender_route;
	sip_proxy_fork(f->p, &b);
}

/* A branch to a client of the other dialect: through the media bridge, and back to the process that
 * holds the connection. */
static void fork_bridged(struct fork *f, const struct token *end, struct str uri)
{
	char route[TOKEN_TEXT_MAX + 128];
	struct buf rb = BUF_ON(route);
	struct sip_branch_spec b = { .tag = end->endpoint, .edit = f->there };
	struct task like = { .fe = f->fe, .secure = f->secure, .msg = sip_proxy_request(f->p) };
	if (!like.msg)
		return; /* the caller has gone meanwhile */
	/* Looked for each time: a fork may outlive the link. */
	b.flow = fe_bridge(f->fe, like.msg);
	if (!b.flow)
		return;
	fe_put_bridge_route(&like, &rb, end);
	b.edit.uri = uri;
	b.edit.push_routes = buf_view(&rb);
	b.edit.add = f->lines;
	b.edit.record_route = f->sender_route;
	sip_proxy_fork(f->p, &b);
}

/* A branch to this home itself: its conversation, which translates, or what it keeps. */
static void fork_inside(struct fork *f, char stage)
{
	char route[96];
	struct buf rb = BUF_ON(route);
	struct sip_branch_spec b = { .flow = fe_own_link(f->fe), .edit = f->there };
	buf_printf(&rb, "<sip:%c.%" PRIx64 "@" FE_LINK_DOMAIN ";lr>", stage, f->callee);
	b.edit.push_routes = buf_view(&rb);
	b.edit.add = f->lines;
	b.edit.record_route = f->sender_route;
	sip_proxy_fork(f->p, &b);
}

static struct browser *find_browser(struct fork *f, uint64_t endpoint)
{
	for (unsigned i = 0; i < f->n_browsers; i++)
		if (f->browsers[i].endpoint == endpoint)
			return &f->browsers[i];
	return NULL;
}

static void note_browser(struct fork *f, uint64_t endpoint)
{
	struct browser *w = find_browser(f, endpoint);
	if (w)
		w->away = false;
	else if (f->n_browsers < BROWSERS_MAX)
		f->browsers[f->n_browsers++] = (struct browser){ .endpoint = endpoint };
}

/* False if the flow is known to be gone. */
static bool fork_to(struct fork *f, const struct binding *b)
{
	struct frontend *fe = f->fe;
	struct token end = { b->user->account, b->endpoint, binding_hint(b) };
	struct str contact = binding_text(b, BINDING_CONTACT);
	struct sip_flow *flow = token_flow(&end.hint, fe->tp, fe->env->slot);
	struct sip_flow *link = fe_link_to(fe, b->slot);
	bool here = flow != NULL;
	bool there = !here && b->slot != fe->env->slot && link;
	if (f->invite && fe_is_browser(b))
		note_browser(f, b->endpoint);
	if (f->tried.n < FE_FLOWS_TRIED_MAX)
		f->tried.hints[f->tried.n++] = end.hint;
	if ((here || there) && f->bridged && b->lync != f->from_lync)
		fork_bridged(f, &end, contact);
	else if (here)
		fork_here(f, flow, &end, contact);
	else if (there)
		fork_there(f, link, &end, contact);
	sip_flow_unref(&flow);
	return here || there;
}

static bool fork_next(struct fork *f, uint64_t endpoint)
{
	struct home_user *u = registrar_user(f->fe->registrar, f->callee);
	struct binding *b = NULL;
	do {
		if (!u || f->tried.n == FE_FLOWS_TRIED_MAX)
			return false;
		b = fe_newest_flow(u, endpoint, f->secure, &f->tried);
	} while (b && !fork_to(f, b));
	return b != NULL;
}

/* Nobody is waited for any more: the fork may be gone afterwards. */
static void no_more(struct fork *f)
{
	timer_stop(&f->patience);
	list_del(&f->absent);
	sip_proxy_expect(f->p, false);
}

static void on_patience(void *arg)
{
	no_more(arg);
}

static void expect_back(struct fork *f, struct browser *w)
{
	bool first = list_empty(&f->absent);
	w->away = true;
	if (!first)
		return;
	list_add(&f->fe->absent, &f->absent);
	timer_set(&f->patience, loop_now(f->fe->loop) + BACK_S * USEC_PER_SEC);
	sip_proxy_expect(f->p, true);
}

/* Nobody says it again to who was there a moment ago, and will be there in a moment. */
static void keep_instead(struct fork *f, uint64_t endpoint)
{
	struct home_user *u = registrar_user(f->fe->registrar, f->callee);
	if (!f->keepable || !fe_own_link(f->fe))
		return;
	if (u)
		binding_for(b, u) if (b->endpoint != endpoint) return;
	f->keepable = false;
	fork_inside(f, 'w');
}

void fe_fork_again(struct fork *f, uint64_t endpoint, enum sip_fail why)
{
	struct browser *w = find_browser(f, endpoint);
	if (why == SIP_FAIL_TIMEOUT && !f->invite)
		return; /* the sender has given up at the same time */
	if (fork_next(f, endpoint))
		return;
	if (w && why == SIP_FAIL_TRANSPORT)
		expect_back(f, w);
	else
		keep_instead(f, endpoint);
}

static void come_back(struct fork *f, struct browser *w, struct home_user *u)
{
	struct binding *b = fe_newest_flow(u, w->endpoint, f->secure, NULL);
	if (!b || !fork_to(f, b))
		return;
	for (unsigned i = 0; i < f->n_browsers; i++)
		if (f->browsers[i].away)
			return;
	no_more(f);
}

void fe_fork_back(struct frontend *fe, const struct binding *b)
{
	list_for(it, &fe->absent)
	{
		struct fork *f = list_entry(it, struct fork, absent);
		struct browser *w =
		        f->callee == b->user->account ? find_browser(f, b->endpoint) : NULL;
		if (w && w->away)
			come_back(f, w, b->user);
	}
}

static void fork_init(struct fork *f, struct task *t)
{
	struct buf rb = BUF_ON(f->route_text), lb = BUF_ON(f->lines_text);
	f->fe = t->fe;
	f->tried.n = 0;
	f->n_browsers = 0;
	list_init(&f->absent);
	timer_init(&f->patience, t->fe->loop, on_patience, f);
	f->secure = t->secure;
	f->invite = t->msg->method == SIP_INVITE;
	f->makes_dialog = fe_makes_dialog(t->msg);
	f->keepable = t->msg->method == SIP_MESSAGE && fe_is_of_conference(t->msg) &&
	              t->fe->cfg.keep && !t->redelivered;
	f->callee = t->callee;
	f->bridged = t->bridged;
	f->from_lync = t->bridged && dialect_of(t->msg) == DIALECT_LYNC;
	fe_edit(t, &f->here, true);
	fe_edit(t, &f->there, false);
	fe_put_sender(t, &rb, &lb);
	f->sender_route = buf_view(&rb);
	f->lines = buf_view(&lb);
	f->here_lines = trust_hides_sender(t->msg) ? STR("") : f->lines;
}

/* What is kept of the fork outlives the task. */
static void keep_body(struct fork *f)
{
	if (!f->here.body)
		return;
	f->body = str_dup(*f->here.body);
	f->body_text = str_n(f->body, f->here.body->len);
	f->here.body = f->there.body = &f->body_text;
}

void fe_fork_free(struct fork **fp)
{
	struct fork *f = take(fp);
	if (!f)
		return;
	timer_stop(&f->patience);
	list_del(&f->absent);
	free(f->body);
	free(f);
}

void fe_fork(struct task *t, struct home_user *callee, char stage)
{
	RAW_MEMORY struct fork here; /* enough where each endpoint has one flow */
	bool keep = has_older_flows(callee) || fe_is_of_conference(t->msg) ||
	            (t->msg->method == SIP_INVITE && has_browser(callee));
	struct fork *f = keep ? xnew(struct fork) : &here;
	const struct refusal_row *row = refusal_row(REFUSE_NOT_REACHED);
	char line[512];
	struct buf lb = BUF_ON(line);
	fork_init(f, t);
	if (keep)
		keep_body(f);
	struct sip_proxy *p = f->p = fe_proxy(t, keep ? f : NULL);
	binding_for(b, callee)
	{
		if (is_wanted(t, b) && !fork_to(f, b))
			fe_fork_again(f, b->endpoint, SIP_FAIL_TRANSPORT);
	}
	if (stage && fe_own_link(t->fe))
		fork_inside(f, stage);
	refusal_put(&lb, REFUSE_NOT_REACHED, t->fe->env->self->fqdn);
	sip_proxy_start(p, row->code, str_of(row->phrase), buf_view(&lb));
	task_done(t);
}
