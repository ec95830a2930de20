#include <stdlib.h>

#include "base/rand.h"
#include "role/web/wb.h"
#include "svc/bridge/route.h"

/* SIP of a session, as any client of a front end speaks it; but each request shows the ticket of
 * the log-in, for all endpoints share the link. */

enum { RENEW_EARLY = 2, RETRY_S = 5, SUB_EXPIRES_S = 3600 };

struct ask {
	struct list node; /* in session->asks */
	struct session *s;
	struct sip_ctx *ctx;
	web_done_fn *done;
	void (*dropped)(void *arg);
	void *arg;
	int code;            /* why it could not be sent ... */
	struct defer failed; /* ... as is said from the loop */
};

static void ask_free(struct ask *c)
{
	list_del(&c->node);
	c->s->n_asks--;
	defer_cancel(&c->failed);
	free(c);
}

static void end_ask(struct ask *c, int code, const struct sip_msg *m)
{
	struct session *s = c->s;
	web_done_fn *done = c->done;
	void *arg = c->arg;
	if (c->ctx)
		sip_ctx_forget(c->ctx);
	ask_free(c);
	if (done)
		done(s, arg, code, m);
}

static void on_response(void *arg, struct sip_ctx *t UNUSED, struct sip_msg *m)
{
	if (m->status >= 200)
		end_ask(arg, m->status, m);
}

static void on_failed(void *arg, struct sip_ctx *t UNUSED, enum sip_fail why)
{
	end_ask(arg, why == SIP_FAIL_TIMEOUT ? 408 : 503, NULL);
}

static void on_ended(void *arg UNUSED, struct sip_ctx *t UNUSED)
{
}

static const struct sip_ctx_ops ctx_ops = { .response = on_response,
	                                    .failed = on_failed,
	                                    .ended = on_ended };

static void on_unsent(void *arg)
{
	struct ask *c = arg;
	end_ask(c, c->code, NULL);
}

void web_asks_drop(struct session *s)
{
	list_for(it, &s->asks)
	{
		struct ask *c = list_entry(it, struct ask, node);
		if (c->ctx)
			sip_ctx_forget(c->ctx);
		if (c->dropped)
			c->dropped(c->arg);
		ask_free(c);
	}
}

/* --- requests -------------------------------------------------------------------------------- */

struct str web_sip_uri(struct str bare, char space[WEB_SIP_URI_MAX + 1])
{
	struct buf b = { .p = space, .cap = WEB_SIP_URI_MAX, .max = WEB_SIP_URI_MAX };
	buf_lit(&b, "sip:");
	buf_str(&b, bare);
	return b.full ? STR("") : buf_view(&b);
}

void web_put_contact(struct buf *b, const struct session *s)
{
	buf_printf(b,
	           "Contact: <sip:%s@web-%u." BRIDGE_LINK_DOMAIN
	           ">;+sip.instance=\"<urn:uuid:%s>\"",
	           s->id, s->web->env->slot + 1, s->instance);
}

static void put_dialog(struct buf *b, const struct session *s, const struct web_out *o,
                       struct str uri)
{
	buf_printf(b, "\r\nFrom: <sip:%s>;tag=", s->who.uri);
	if (o->from_tag.len)
		buf_str(b, o->from_tag);
	else
		rand_token(b, 12);
	buf_lit(b, "\r\nTo: ");
	if (o->to.len) {
		buf_str(b, o->to);
	} else {
		buf_char(b, '<');
		buf_str(b, uri);
		buf_char(b, '>');
	}
	buf_lit(b, "\r\nCall-ID: ");
	if (o->call_id.len)
		buf_str(b, o->call_id);
	else
		rand_token(b, 24);
	buf_printf(b, "\r\nCSeq: %u ", o->cseq ? o->cseq : 1);
	buf_str(b, sip_method_name(o->method));
	buf_lit(b, "\r\n");
}

struct str web_compose(const struct session *s, const struct web_out *o, struct sip_flow *f,
                       const char *branch)
{
	struct buf *b = sip_transport_out(sip_stack_transport(s->web->stack));
	char space[WEB_SIP_URI_MAX + 1];
	struct str own = web_sip_uri(str_of(s->who.uri), space), uri = o->uri.len ? o->uri : own;
	buf_str(b, sip_method_name(o->method));
	buf_char(b, ' ');
	buf_str(b, uri);
	buf_lit(b, " SIP/2.0\r\nVia: ");
	sip_via_put(b, f, branch);
	put_dialog(b, s, o, o->method == SIP_REGISTER ? own : uri);
	web_put_contact(b, s);
	buf_printf(b,
	           "\r\nMax-Forwards: 70\r\nAuthorization: Dialtone ticket=\"%s\"\r\n"
	           "User-Agent: Dialtone-Web/" DIALTONE_VERSION "\r\n",
	           s->who.ticket);
	buf_str(b, o->lines);
	sip_put_body(b, o->type, o->body);
	/* The front end would end the link, which is all users'. */
	return b->full || b->len > SIP_CLIENT_MAX ? STR("") : buf_view(b);
}

static struct ask *ask_new(struct session *s, web_done_fn *done, void *arg)
{
	struct ask *c = xnew(struct ask);
	c->s = s;
	c->done = done;
	c->arg = arg;
	c->code = 503;
	defer_init(&c->failed, on_unsent, c);
	list_add(&s->asks, &c->node);
	s->n_asks++;
	return c;
}

/* Nothing can be sent: done, from the loop. */
static void end_soon(struct session *s, web_done_fn *done)
{
	loop_defer(s->web->env->loop, &ask_new(s, done, NULL)->failed);
}

void web_send(struct session *s, const struct web_out *o, web_done_fn *done, void *arg)
{
	struct web *w = s->web;
	struct sip_flow *f = w->fes[s->slot];
	struct ask *c = ask_new(s, done, arg);
	c->dropped = o->dropped;
	char branch[SIP_BRANCH_LEN + 1];
	if (!f || f->closed || s->n_asks > WEB_ASKS_MAX) {
		loop_defer(w->env->loop, &c->failed);
		return;
	}
	sip_branch_make(w->stack, 0, branch);
	struct str text = web_compose(s, o, f, branch);
	if (text.len == 0) {
		c->code = 413;
		loop_defer(w->env->loop, &c->failed);
		return;
	}
	c->ctx = sip_ctx_new(w->stack, f, text, o->method, branch, &ctx_ops, c);
}

/* --- registration ---------------------------------------------------------------------------- */

static void begin(struct session *s)
{
	s->registered = true;
	for (int k = 0; k < WEB_N_SUBS; k++)
		if (k != WEB_SUB_PRESENCE)
			web_subscribe(s, (enum web_sub_kind)k);
	wb_conferences_begin(s);
	wb_people_start(s);
	wb_people_ask(s);
}

static void on_registered(struct session *s, void *arg UNUSED, int code,
                          const struct sip_msg *m UNUSED)
{
	usec_t now = loop_now(s->web->env->loop);
	s->registering = false;
	if (code == 403) {
		session_end(s, WEB_SIGNED_OUT, "The log-in has ended.");
		return;
	}
	if (code / 100 != 2) {
		if (log_allow(&s->web->limit, now, WEB_LINES_PER_S))
			log_warning(NULL, "not-signed-in", "user=%s code=%d",
			            log_esc(str_of(s->who.uri)), code);
		timer_set(&s->refresh, now + RETRY_S * USEC_PER_SEC);
		return;
	}
	timer_set(&s->refresh, now + WEB_EXPIRES_S * USEC_PER_SEC / RENEW_EARLY);
	if (!s->registered)
		begin(s);
}

static void send_register(struct session *s, uint32_t expires_s, web_done_fn *done)
{
	char lines[256];
	struct buf lb = BUF_ON(lines);
	struct str domain, user;
	char uri[WEB_SIP_URI_MAX + 1];
	(void)str_cut(str_of(s->who.uri), '@', &user, &domain);
	buf_printf(&lb, "Expires: %u\r\nSupported: gruu, eventlist\r\n", expires_s);
	struct web_out o = { .method = SIP_REGISTER,
		             .uri = web_sip_uri(domain, uri),
		             .call_id = str_of(s->reg_call),
		             .cseq = ++s->cseq,
		             .lines = buf_view(&lb) };
	web_send(s, &o, done, NULL);
}

void web_register(struct session *s)
{
	s->registering = true;
	send_register(s, WEB_EXPIRES_S, on_registered);
}

void web_unregister(struct session *s, web_done_fn *done)
{
	struct web *w = s->web;
	/* One whose answer is still to come may have signed in as well. */
	if ((s->registered || s->registering) && w->fes[s->slot] && !w->fes[s->slot]->closed)
		send_register(s, 0, done);
	else
		end_soon(s, done);
}

/* --- subscriptions --------------------------------------------------------------------------- */

void web_sub_forget(struct web_sub *d)
{
	if (d->call_id)
		map_del(&d->session->web->by_call, &d->by_call);
	timer_stop(&d->renew);
	free(take(&d->call_id));
	free(take(&d->local_tag));
	free(take(&d->remote));
	free(take(&d->target));
	d->there = d->asked = false;
	d->cseq = 0;
}

static void on_renew(void *arg)
{
	struct web_sub *d = arg;
	if (d->kind == WEB_SUB_PRESENCE && !d->call_id)
		wb_people_ask(d->session); /* for all of them again */
	else
		web_sub_ask(d);
}

void web_sub_init(struct web_sub *d, struct session *s, enum web_sub_kind kind)
{
	d->session = s;
	d->kind = (uint8_t)kind;
	timer_init(&d->renew, s->web->env->loop, on_renew, d);
}

void web_subs_init(struct session *s)
{
	for (int k = 0; k < WEB_N_SUBS; k++)
		web_sub_init(&s->subs[k], s, (enum web_sub_kind)k);
}

void web_subs_drop(struct session *s)
{
	for (int k = 0; k < WEB_N_SUBS; k++)
		web_sub_forget(&s->subs[k]);
	wb_conferences_drop(s);
}

void web_sub_again(struct web_sub *d)
{
	web_sub_forget(d);
	timer_set(&d->renew, loop_now(d->session->web->env->loop) + RETRY_S * USEC_PER_SEC);
}

static uint64_t hash_of(const struct web *w, struct str call_id)
{
	return hash_bytes(&w->by_call.key, call_id.p, call_id.len);
}

static void sub_begin(struct web_sub *d)
{
	char id[33], tag[17];
	struct buf ib = BUF_ON(id), tb = BUF_ON(tag);
	struct web *w = d->session->web;
	rand_token(&ib, 24);
	rand_token(&tb, 12);
	d->call_id = str_dup(buf_view(&ib));
	d->local_tag = str_dup(buf_view(&tb));
	map_add(&w->by_call, &d->by_call, hash_of(w, buf_view(&ib)));
}

static bool read_dialog(struct web_sub *d, const struct sip_msg *m)
{
	const struct sip_addr *c = sip_contact(m);
	if (!c || c->star)
		return false;
	free(d->remote);
	free(d->target);
	d->remote = str_dup(sip_value(m, SIP_H_TO));
	d->target = str_dup(c->uri);
	return true;
}

/* The session has ended, and with it whoever waited for the answer. */
static void on_sub_dropped(void *arg)
{
	struct web_sub *d = arg;
	d->pending--;
	if (d->orphan && d->pending == 0)
		wb_conference_free(d);
}

static void on_subscribed(struct session *s, void *arg, int code, const struct sip_msg *m)
{
	struct web_sub *d = arg;
	usec_t now = loop_now(s->web->env->loop);
	if (d->orphan) {
		on_sub_dropped(d);
		return;
	}
	d->pending--;
	d->asked = false;
	if (code / 100 == 2 && (d->there || read_dialog(d, m))) {
		d->there = true;
		timer_set(&d->renew, now + SUB_EXPIRES_S * USEC_PER_SEC / RENEW_EARLY);
		if (d->kind == WEB_SUB_PRESENCE)
			wb_people_ask(s); /* whoever came meanwhile */
		return;
	}
	web_sub_forget(d);
	if (d->kind == WEB_SUB_CONFERENCE && (code == 403 || code == 404)) {
		wb_conference_refused(d);
		return;
	}
	if (d->kind == WEB_SUB_TALK && code == 489) {
		chat_forgets(s); /* the history is switched off: not all that soon it will be on */
		return;
	}
	if (code != 403)
		timer_set(&d->renew, now + RETRY_S * USEC_PER_SEC);
}

static struct str event_of(enum web_sub_kind kind)
{
	static const struct str events[WEB_SUB_CONFERENCE + 1] = {
		[WEB_SUB_CONTACTS] = STR_INIT("vnd-microsoft-roaming-contacts"),
		[WEB_SUB_SELF] = STR_INIT("vnd-microsoft-roaming-self"),
		[WEB_SUB_PRESENCE] = STR_INIT("presence"),
		[WEB_SUB_TALK] = STR_INIT("dialtone-conversation"),
		[WEB_SUB_CONFERENCE] = STR_INIT("conference"),
	};
	return events[kind];
}

void web_subscribe(struct session *s, enum web_sub_kind kind)
{
	web_sub_ask(&s->subs[kind]);
}

void web_sub_ask(struct web_sub *d)
{
	auto_(buf_free) struct buf lines = buf_of(2048), body = buf_of(WEB_DOC_MAX);
	struct session *s = d->session;
	char space[WEB_SIP_URI_MAX + 1];
	struct str type = STR(""), uri = STR("");
	if (!s->registered || d->asked)
		return;
	if (!d->call_id)
		sub_begin(d);
	buf_lit(&lines, "Event: ");
	buf_str(&lines, event_of(d->kind));
	/* What is lost went with the link, and then they are made anew. */
	buf_printf(&lines, "\r\nExpires: %d\r\nSupported: ms-benotify\r\n", SUB_EXPIRES_S);
	if (d->kind == WEB_SUB_CONFERENCE)
		wb_conference_put_sub(d, &lines, space, &uri);
	else if (d->kind == WEB_SUB_TALK)
		chat_put_sub(s, &lines, &body, &type);
	else
		wb_people_put_sub(s, d->kind, &lines, &body, &type);
	struct web_out o = { .method = SIP_SUBSCRIBE,
		             .uri = d->target ? str_of(d->target) : uri,
		             .to = str_of(d->remote),
		             .call_id = str_of(d->call_id),
		             .from_tag = str_of(d->local_tag),
		             .cseq = ++d->cseq,
		             .lines = buf_view(&lines),
		             .type = type,
		             .body = buf_view(&body),
		             .dropped = on_sub_dropped };
	d->asked = true;
	d->pending++;
	web_send(s, &o, on_subscribed, d);
}

/* --- what comes ------------------------------------------------------------------------------ */

static struct web_sub *sub_of(const struct web *w, const struct sip_msg *m)
{
	struct str id = sip_value(m, SIP_H_CALL_ID);
	for (struct map_node *n = map_first(&w->by_call, hash_of(w, id)); n; n = map_next(n)) {
		struct web_sub *d = container_of(n, struct web_sub, by_call);
		if (str_eq(str_of(d->call_id), id))
			return d;
	}
	return NULL;
}

static bool is_over(const struct sip_msg *m)
{
	return str_istarts(sip_value(m, SIP_H_SUBSCRIPTION_STATE), STR("terminated"));
}

/* RFC 6665 section 4.1.3: to ask again is of no use. */
static bool is_no_more(const struct sip_msg *m)
{
	return str_ends(sip_value(m, SIP_H_SUBSCRIPTION_STATE), STR("reason=noresource"));
}

static void notified(struct web_sub *d, const struct sip_msg *m)
{
	struct session *s = d->session;
	if (m->body.len > 0 && d->kind == WEB_SUB_CONFERENCE)
		wb_conference_notified(d, m);
	else if (m->body.len > 0)
		(d->kind == WEB_SUB_TALK ? chat_notified : wb_people_notified)(s, m);
	if (!is_over(m))
		return;
	web_sub_again(d);
	if (d->kind == WEB_SUB_CONFERENCE && is_no_more(m)) {
		timer_stop(&d->renew);
		wb_conference_refused(d);
	}
}

static void on_notify(struct web *w, struct session *s, struct sip_req *rq)
{
	struct web_sub *d = sub_of(w, rq->msg);
	if (!d && s && rq->msg->method == SIP_NOTIFY &&
	    str_istarts(sip_value(rq->msg, SIP_H_EVENT), STR("refer"))) {
		wb_calls_request(s, rq);
		return;
	}
	bool news = !d && str_eq(sip_value(rq->msg, SIP_H_EVENT), STR("dialtone-news"));
	if (rq->msg->method == SIP_BENOTIFY)
		sip_ignore(rq); /* nobody answers those ([MS-SIP] section 2.2.1.2) */
	else
		sip_reply(rq, d || news ? 200 : 481, STR(""), STR(""), STR(""), STR(""));
	if (d)
		notified(d, rq->msg);
	else if (news)
		web_push_news(w, rq->msg);
}

/* The session is the user part of its Contact. */
static struct session *addressee(struct web *w, const struct sip_msg *m)
{
	struct sip_uri u;
	if (sip_uri_parse(&u, m->uri) < 0)
		return NULL;
	return session_find(w, u.user, NULL);
}

void web_sip_request(void *arg, struct sip_req *rq)
{
	struct web *w = arg;
	struct session *s = addressee(w, rq->msg);
	switch (rq->msg->method) {
	case SIP_NOTIFY:
	case SIP_BENOTIFY:
		on_notify(w, s, rq);
		break;
	case SIP_MESSAGE:
		if (s)
			chat_message(s, rq);
		else
			sip_reply(rq, 480, STR(""), STR(""), STR(""), STR(""));
		break;
	case SIP_OPTIONS:
		sip_reply(rq, s ? 200 : 404, STR(""), STR(WEB_ALLOW), STR(""), STR(""));
		break;
	case SIP_INVITE:
	case SIP_ACK:
	case SIP_BYE:
	case SIP_REFER:
		wb_calls_request(s, rq);
		break;
	default:
		sip_reply(rq, 405, STR(""), STR(WEB_ALLOW), STR(""), STR(""));
	}
}
