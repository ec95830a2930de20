#include <stdio.h>
#include <stdlib.h>

#include "base/code.h"
#include "base/rand.h"
#include "role/web/call.h"
#include "role/web/people.h"
#include "stack/sip/txn.h"

/* Calls.  The browser makes and reads descriptions of media (SDP); here they are carried by INVITE
 * dialogs (RFC 3261 sections 12 to 15), as one end of them.  A call outlives the browser's
 * connection as its session does. */

/* An INVITE of ours.  It is there as long as its transaction, for its ACK may have to be repeated.
 */
struct offer {
	struct list node;
	struct call *call;
	struct sip_ctx *ctx;
	bool first;      /* it makes the call */
	uint64_t number; /* of the browser's request that waits for its answer; 0: none */
	uint32_t cseq;
	char *ack;
};

/* --- words to the browser -------------------------------------------------------------------- */

struct told {
	const char *state;
	struct str sdp, name, to;
	const char *reason;
};

static void tell(const struct call *c, const struct told *t)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	if (c->s->ending)
		return;
	buf_printf(&b, "\"call\":\"%s\",\"state\":\"%s\"", c->id, t->state);
	json_put_member(&b, "with", str_of(c->peer));
	if (t->name.len > 0)
		json_put_member(&b, "name", t->name);
	if (t->sdp.len > 0)
		json_put_member(&b, "sdp", t->sdp);
	if (t->to.len > 0)
		json_put_member(&b, "to", t->to);
	if (t->reason)
		json_put_member(&b, "reason", str_of(t->reason));
	session_event(c->s, "call", buf_view(&b));
}

/* Why it came to nothing. */
static const char *reason_of(int code)
{
	static const struct {
		int code;
		const char *reason;
	} reasons[] = {
		{ 403, "refused" },   { 404, "not_found" },     { 408, "no_answer" },
		{ 415, "no_media" },  { 480, "not_reachable" }, { 486, "busy" },
		{ 487, "no_answer" }, { 488, "no_media" },      { 503, "no_server" },
		{ 600, "busy" },      { 603, "declined" },      { 604, "not_found" },
		{ 606, "no_media" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].code == code)
			return reasons[i].reason;
	return "failed";
}

void wb_call_tell_refer(const struct call *c)
{
	tell(c, &(struct told){ .state = "refer", .to = str_of(c->refer.to) });
}

void wb_call_tell_not_transferred(const struct call *c, int code)
{
	tell(c, &(struct told){ .state = "not_transferred", .reason = reason_of(code) });
}

/* --- a call's life --------------------------------------------------------------------------- */

static void offer_free(struct offer *o)
{
	if (o->ctx)
		sip_ctx_forget(o->ctx);
	if (o->number)
		web_fail(o->call->s, o->number, "no_call", "This call is over.", "");
	if (o->call->offer == o)
		o->call->offer = NULL;
	list_del(&o->node);
	free(o->ack);
	free(o);
}

static void ok_done(struct call *c)
{
	timer_stop(&c->ok.again);
	buf_free(&c->ok.text);
	c->ok.cseq = 0;
}

static void call_free(struct call *c)
{
	list_for(it, &c->offers) offer_free(list_entry(it, struct offer, node));
	if (c->asks)
		sip_stx_set_ops(c->asks, NULL, NULL);
	ok_done(c);
	timer_stop(&c->life);
	wb_transfer_progress(c, 487);
	wb_transfer_free(c);
	list_del(&c->node);
	c->s->n_calls--;
	free(c->peer);
	free(c->referred_by);
	free(c->call_id);
	free(c->local_tag);
	free(c->remote);
	free(c->remote_tag);
	free(c->target);
	free(c->routes);
	free(c);
}

static void call_over(struct call *c, const char *reason)
{
	if (c->phase != CALL_OVER)
		tell(c, &(struct told){ .state = "ended", .reason = reason });
	call_free(c);
}

/* A request inside the dialog; target and routes are empty before there is one. */
struct web_out wb_in_dialog(const struct call *c, enum sip_method method, uint32_t cseq)
{
	return (struct web_out){ .method = method,
		                 .uri = str_of(c->target),
		                 .to = str_of(c->remote),
		                 .call_id = str_of(c->call_id),
		                 .from_tag = str_of(c->local_tag),
		                 .cseq = cseq,
		                 .lines = str_of(c->routes) };
}

static void send_bye(struct call *c)
{
	struct web_out o = wb_in_dialog(c, SIP_BYE, ++c->cseq);
	web_send(c->s, &o, NULL, NULL);
}

/* Says no to what waits for the browser's answer. */
static void refuse(struct call *c, int code)
{
	struct sip_stx *t = take(&c->asks);
	if (t)
		sip_stx_reply(t, code, STR(""), STR(""), STR(""), STR(""));
}

/* Ends it from this side.  One whose INVITE is not answered stays until it is: the answer may be
 * that somebody has taken the call. */
static void hang_up(struct call *c, int code)
{
	refuse(c, c->phase == CALL_IN ? code : 487);
	if (c->phase == CALL_UP)
		send_bye(c);
	if (c->phase == CALL_OUT && c->offer) {
		sip_ctx_cancel(c->offer->ctx, STR(""));
		c->phase = CALL_OVER;
	} else {
		call_free(c);
	}
}

/* Rings unanswered for too long, or our 2xx was never acknowledged. */
static void on_life(void *arg)
{
	struct call *c = arg;
	int code = c->phase == CALL_IN ? 480 : 408;
	if (c->phase != CALL_OVER)
		tell(c, &(struct told){ .state = "ended", .reason = "no_answer" });
	hang_up(c, code);
}

static void on_ok_again(void *arg)
{
	struct call *c = arg;
	usec_t now = loop_now(c->s->web->env->loop);
	struct sip_flow *f = c->s->web->fes[c->ok.slot];
	if (now >= c->ok.until) {
		on_life(c);
		return;
	}
	if (f && !f->closed)
		(void)sip_flow_send(f, buf_view(&c->ok.text));
	c->ok.ms = MIN(2 * c->ok.ms, (uint64_t)SIP_T2_MS);
	timer_set(&c->ok.again, now + c->ok.ms * USEC_PER_MSEC);
}

struct call *wb_call_find(const struct session *s, struct str id)
{
	list_for(it, &s->calls)
	{
		struct call *c = list_entry(it, struct call, node);
		if (str_eq(str_of(c->id), id))
			return c;
	}
	return NULL;
}

struct call *wb_call_new(struct session *s, struct str peer)
{
	struct call *c = xnew(struct call);
	struct buf ib = BUF_ON(c->id);
	rand_token(&ib, WEB_CALL_ID_LEN);
	c->s = s;
	c->peer = str_dup(peer);
	list_init(&c->offers);
	timer_init(&c->life, s->web->env->loop, on_life, c);
	timer_init(&c->ok.again, s->web->env->loop, on_ok_again, c);
	wb_transfer_init(c);
	timer_set(&c->life, loop_now(s->web->env->loop) + WEB_RING_S * USEC_PER_SEC);
	list_add(&s->calls, &c->node);
	s->n_calls++;
	return c;
}

/* --- dialogs --------------------------------------------------------------------------------- */

static void set_text(char **p, struct str s)
{
	free(*p);
	*p = str_dup(s);
}

/* The route set: as it comes for who was called, backwards for who called (RFC 3261 section
 * 12.1). */
static void take_routes(struct call *c, const struct sip_msg *m, bool backwards)
{
	auto_(buf_free) struct buf b = buf_of(SIP_HEAD_MAX);
	struct str values[16], rest;
	size_t n = 0;
	struct sip_addr a;
	for (const struct sip_hdr *h = sip_first(m, SIP_H_RECORD_ROUTE); h; h = sip_next(m, h)) {
		rest = sip_hdr_value(m, h);
		while (n < ARRAY_SIZE(values) && sip_addr_next(&rest, &a) > 0)
			values[n++] = a.all;
	}
	for (size_t i = 0; i < n; i++) {
		buf_lit(&b, "Route: ");
		buf_str(&b, values[backwards ? n - 1 - i : i]);
		buf_lit(&b, "\r\n");
	}
	set_text(&c->routes, buf_view(&b));
}

/* What the first request or its answer makes; later ones change the target alone (RFC 3261 section
 * 12.2).  false: it says nobody to whom requests could go. */
static bool take_dialog(struct call *c, const struct sip_msg *m)
{
	const struct sip_addr *to = sip_contact(m);
	enum sip_hdr_id other = m->is_request ? SIP_H_FROM : SIP_H_TO;
	const struct sip_addr *who = m->is_request ? sip_from(m) : sip_to(m);
	if (!to || to->star || !who || sip_tag(who).len == 0)
		return false;
	set_text(&c->target, to->uri);
	if (c->remote)
		return true;
	set_text(&c->remote, sip_value(m, other));
	set_text(&c->remote_tag, sip_tag(who));
	take_routes(c, m, !m->is_request);
	return true;
}

static struct str sdp_in(const struct sip_msg *m)
{
	bool fits = str_istarts(sip_value(m, SIP_H_CONTENT_TYPE), STR("application/sdp")) &&
	            m->body.len <= WEB_SDP_MAX;
	return fits ? m->body : STR("");
}

static struct call *find_dialog(const struct session *s, const struct sip_msg *m)
{
	const struct sip_addr *from = sip_from(m);
	list_for(it, &s->calls)
	{
		struct call *c = list_entry(it, struct call, node);
		if (c->call_id && str_eq(str_of(c->call_id), m->call_id) && c->remote_tag && from &&
		    str_eq(str_of(c->remote_tag), sip_tag(from)))
			return c;
	}
	return NULL;
}

/* --- what we offer --------------------------------------------------------------------------- */

static void send_ack(struct call *c, struct offer *o)
{
	struct sip_flow *f = c->s->web->fes[c->s->slot];
	char branch[SIP_BRANCH_LEN + 1];
	struct web_out out = wb_in_dialog(c, SIP_ACK, o->cseq);
	if (!f || f->closed)
		return;
	sip_branch_make(c->s->web->stack, 0, branch);
	struct str text = web_compose(c->s, &out, f, branch);
	set_text(&o->ack, text);
	sip_send_once(c->s->web->stack, f, str_of(o->ack));
}

/* Another one of those that were called has taken it too: it is told that there is no call. */
static void end_second(struct call *c, struct offer *o, const struct sip_msg *m)
{
	struct call other = {
		.s = c->s, .call_id = c->call_id, .local_tag = c->local_tag, .cseq = c->cseq
	};
	struct offer again = { .cseq = o->cseq };
	if (take_dialog(&other, m)) {
		send_ack(&other, &again);
		send_bye(&other);
	}
	free(again.ack);
	free(other.remote);
	free(other.remote_tag);
	free(other.target);
	free(other.routes);
}

static void answered_again(struct offer *o, const struct sip_msg *m)
{
	struct call *c = o->call;
	struct sip_flow *f = c->s->web->fes[c->s->slot];
	if (!str_eq(sip_tag(sip_to(m)), str_of(c->remote_tag)))
		end_second(c, o, m);
	else if (f && !f->closed && o->ack)
		sip_send_once(c->s->web->stack, f, str_of(o->ack));
}

static void tell_answer(struct offer *o, struct str sdp)
{
	struct call *c = o->call;
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	if (o->first) {
		tell(c, &(struct told){ .state = "answered", .sdp = sdp });
		return;
	}
	buf_lit(&b, "\"sdp\":");
	json_put_str(&b, sdp);
	web_ok(c->s, o->number, buf_view(&b));
	o->number = 0;
}

static void accepted(struct offer *o, const struct sip_msg *m)
{
	struct call *c = o->call;
	bool over = c->phase == CALL_OVER;
	struct str sdp = sdp_in(m);
	if (o->ack) {
		answered_again(o, m);
		return;
	}
	c->offer = NULL;
	if (!take_dialog(c, m)) {
		call_over(c, "failed");
		return;
	}
	send_ack(c, o);
	timer_stop(&c->life);
	c->phase = over ? CALL_OVER : CALL_UP;
	if (!over && sdp.len > 0) {
		wb_transfer_progress(c, 200);
		tell_answer(o, sdp);
		wb_call_keep(c);
		return;
	}
	send_bye(c);
	call_over(c, "no_media");
}

/* An offer inside the call leaves it as it is, unless the other side knows of no call. */
static void refused(struct offer *o, int code)
{
	struct call *c = o->call;
	uint64_t number = o->number;
	bool first = o->first;
	o->number = 0;
	offer_free(o);
	if (!first)
		web_fail_sip(c->s, number, code);
	wb_transfer_progress(c, code);
	if (first || code == 481 || code == 408)
		call_over(c, first ? reason_of(code) : "lost");
}

static void on_response(void *arg, struct sip_ctx *t UNUSED, struct sip_msg *m)
{
	struct offer *o = arg;
	struct call *c = o->call;
	if (m->status >= 300) {
		refused(o, m->status);
	} else if (m->status >= 200) {
		accepted(o, m);
	} else if (m->status >= 180 && c->phase == CALL_OUT && !c->rings) {
		c->rings = true;
		wb_transfer_progress(c, 180);
		tell(c, &(struct told){ .state = "ringing" });
	}
}

static void on_failed(void *arg, struct sip_ctx *t UNUSED, enum sip_fail why)
{
	refused(arg, why == SIP_FAIL_TIMEOUT ? 408 : 503);
}

static void on_ended(void *arg, struct sip_ctx *t UNUSED)
{
	struct offer *o = arg;
	o->ctx = NULL;
	offer_free(o);
}

static const struct sip_ctx_ops offer_ops = { .response = on_response,
	                                      .failed = on_failed,
	                                      .ended = on_ended };

/* number: of the request whose answer it brings; 0: it makes the call.  false: it cannot be sent.
 */
static bool make_offer(struct call *c, struct str uri, uint64_t number, struct str sdp)
{
	auto_(buf_free) struct buf lines = buf_of(SIP_HEAD_MAX);
	struct web *w = c->s->web;
	struct sip_flow *f = w->fes[c->s->slot];
	char branch[SIP_BRANCH_LEN + 1];
	if (!f || f->closed)
		return false;
	buf_str(&lines, str_of(c->routes));
	buf_lit(&lines, WEB_ALLOW);
	if (c->referred_by)
		buf_printf(&lines, "Referred-By: <sip:%s>\r\n", c->referred_by);
	struct web_out out = wb_in_dialog(c, SIP_INVITE, ++c->cseq);
	out.uri = uri;
	out.lines = buf_view(&lines);
	out.type = STR("application/sdp");
	out.body = sdp;
	if (number == 0 && c->branch[0])
		memcpy(branch, c->branch, sizeof(branch)); /* it was sent before */
	else
		sip_branch_make(w->stack, 0, branch);
	if (number == 0)
		memcpy(c->branch, branch, sizeof(branch));
	struct str text = web_compose(c->s, &out, f, branch);
	if (text.len == 0)
		return false;
	struct offer *o = xnew(struct offer);
	o->call = c;
	o->first = number == 0;
	o->number = number;
	o->cseq = c->cseq;
	list_add(&c->offers, &o->node);
	c->offer = o;
	o->ctx = sip_ctx_new(w->stack, f, text, SIP_INVITE, branch, &offer_ops, o);
	return true;
}

/* RFC 3326: which answer of another device of the user has ended it. */
static const char *cancel_reason(struct str reason)
{
	struct str cause;
	if (!str_istarts(reason, STR("SIP;")) ||
	    !sip_param(str_sub(reason, STR("SIP").len, reason.len), STR("cause"), &cause))
		return "cancelled";
	return str_eq(cause, STR("200"))     ? "answered_elsewhere"
	       : str_starts(cause, STR("6")) ? "declined_elsewhere"
	                                     : "cancelled";
}

/* --- what they offer ------------------------------------------------------------------------- */

static void on_cancel(void *arg, struct str reason)
{
	struct call *c = arg;
	bool rings = c->phase == CALL_IN;
	refuse(c, 487);
	if (rings)
		call_over(c, cancel_reason(reason));
	else
		tell(c, &(struct told){ .state = "withdrawn" });
}

/* Its connection has broken. */
static void on_asks_ended(void *arg, bool lost)
{
	struct call *c = arg;
	c->asks = NULL;
	if (lost && c->phase == CALL_IN)
		call_over(c, "lost");
}

static const struct sip_stx_ops asks_ops = { .cancel = on_cancel, .ended = on_asks_ended };

static void accept_asks(struct call *c, struct str sdp)
{
	char tag[SIP_TAG_LEN + 1];
	auto_(buf_free) struct buf lines = buf_of(SIP_HEAD_MAX);
	struct sip_stx *t = take(&c->asks);
	usec_t now = loop_now(c->s->web->env->loop);
	web_put_contact(&lines, c->s);
	buf_lit(&lines, "\r\n" WEB_ALLOW);
	ok_done(c);
	sip_stx_tag(t, tag);
	c->ok.text = buf_of(2 * SIP_CLIENT_MAX);
	c->ok.slot = sip_stx_flow(t)->sock;
	c->ok.cseq = sip_stx_request(t)->cseq;
	c->ok.ms = SIP_T1_MS;
	c->ok.until = now + 64 * SIP_T1_MS * USEC_PER_MSEC;
	sip_put_response(&c->ok.text, sip_stx_request(t), 200, STR("OK"), str_of(tag),
	                 &sip_stx_flow(t)->peer);
	buf_str(&c->ok.text, buf_view(&lines));
	sip_put_body(&c->ok.text, STR("application/sdp"), sdp);
	timer_set(&c->ok.again, now + c->ok.ms * USEC_PER_MSEC);
	sip_stx_set_ops(t, NULL, NULL);
	sip_stx_reply(t, 200, STR(""), buf_view(&lines), STR("application/sdp"), sdp);
	timer_stop(&c->life);
	c->phase = CALL_UP;
	wb_call_keep(c);
}

static void say_no(struct sip_req *rq, int code, struct str lines)
{
	sip_reply(rq, code, STR(""), lines, STR(""), STR(""));
}

/* What a browser can take part in: SRTP with keys from DTLS, over ICE (RFC 8826, RFC 8834). */
static bool is_for_browsers(struct str sdp)
{
	return str_find(sdp, STR("a=fingerprint:")) >= 0 && str_find(sdp, STR("a=ice-ufrag:")) >= 0;
}

/* The same for the same INVITE: one that comes again, to the process after this one, is the call
 * that rings already. */
static void name_incoming(struct call *c, const struct sip_msg *m)
{
	static const struct hash_key key = { 0x6469616c746f6e65, 0x7765622d63616c6c };
	struct str tag = sip_tag(sip_from(m));
	uint64_t part[] = { hash_bytes(&key, m->call_id.p, m->call_id.len),
		            hash_bytes(&key, tag.p, tag.len) };
	char id[WEB_CALL_ID_LEN + 1];
	(void)snprintf(id, sizeof(id), "%016llx",
	               (unsigned long long)hash_bytes(&key, part, sizeof(part)));
	if (!wb_call_find(c->s, str_of(id)))
		memcpy(c->id, id, sizeof(id));
}

static void ring(struct session *s, struct sip_req *rq, struct str from)
{
	char tag[SIP_TAG_LEN + 1];
	auto_(buf_free) struct buf lines = buf_of(SIP_HEAD_MAX);
	struct call *c = wb_call_new(s, from);
	c->phase = CALL_IN;
	name_incoming(c, rq->msg);
	set_text(&c->call_id, rq->msg->call_id);
	c->remote_cseq = rq->msg->cseq;
	sip_req_tag(rq, tag);
	set_text(&c->local_tag, str_of(tag));
	if (!take_dialog(c, rq->msg)) {
		say_no(rq, 400, STR(""));
		call_free(c);
		return;
	}
	tell(c, &(struct told){ .state = "incoming",
	                        .sdp = rq->msg->body,
	                        .name = sip_from(rq->msg)->display });
	c->asks = sip_accept(rq, &asks_ops, c);
	web_put_contact(&lines, s);
	buf_lit(&lines, "\r\n");
	sip_stx_reply(c->asks, 180, STR(""), buf_view(&lines), STR(""), STR(""));
}

static void invited(struct session *s, struct sip_req *rq)
{
	char space[WEB_SIP_URI_MAX + 1];
	const struct sip_addr *a = sip_from(rq->msg);
	struct str from = a ? wb_people_bare(a->uri, space) : STR("");
	if (!s)
		say_no(rq, 480, STR(""));
	else if (from.len == 0)
		say_no(rq, 400, STR(""));
	else if (!is_for_browsers(sdp_in(rq->msg)))
		say_no(rq, 488, STR("Warning: 399 web \"a browser needs DTLS-SRTP and ICE\"\r\n"));
	else if (s->n_calls >= WEB_DIALOGS_MAX)
		say_no(rq, 486, STR(""));
	else
		ring(s, rq, from);
}

/* Another offer inside the call (RFC 3261 section 14.2). */
static void invited_again(struct call *c, struct sip_req *rq)
{
	struct str sdp = sdp_in(rq->msg);
	if (!take_dialog(c, rq->msg) || sdp.len == 0) {
		say_no(rq, 488, STR(""));
		return;
	}
	tell(c, &(struct told){ .state = "update", .sdp = sdp });
	c->asks = sip_accept(rq, &asks_ops, c);
}

static void dialog_request(struct call *c, struct sip_req *rq)
{
	const struct sip_msg *m = rq->msg;
	if (m->method == SIP_ACK) {
		if (c->ok.cseq == m->cseq)
			ok_done(c);
		sip_ignore(rq);
		return;
	}
	if (m->cseq <= c->remote_cseq) {
		say_no(rq, 500, STR(""));
		return;
	}
	c->remote_cseq = m->cseq;
	if (m->method == SIP_BYE) {
		say_no(rq, 200, STR(""));
		refuse(c, 487);
		call_over(c, "hung_up");
	} else if (m->method == SIP_REFER) {
		wb_transfer_asked(c, rq);
	} else if (m->method == SIP_NOTIFY) {
		if (wb_transfer_notified(c, rq)) {
			refuse(c, 487);
			send_bye(c);
			call_over(c, "transferred");
		}
	} else if (c->phase != CALL_UP || c->asks || c->offer) {
		say_no(rq, 491, STR(""));
	} else {
		invited_again(c, rq);
	}
}

void wb_calls_request(struct session *s, struct sip_req *rq)
{
	struct call *c = s ? find_dialog(s, rq->msg) : NULL;
	if (c)
		dialog_request(c, rq);
	else if (rq->msg->method == SIP_ACK)
		sip_ignore(rq);
	else if (rq->msg->method == SIP_INVITE && sip_tag(sip_to(rq->msg)).len == 0)
		invited(s, rq);
	else
		say_no(rq, 481, STR(""));
}

/* --- requests of the browser ----------------------------------------------------------------- */

struct call *wb_call_of(struct session *s, uint64_t number, const cJSON *args)
{
	struct call *c = wb_call_find(s, web_text(args, "call"));
	if (c && c->phase != CALL_OVER)
		return c;
	web_fail(s, number, "no_call", "This call is over.", "");
	return NULL;
}

/* The member sdp; empty: the request has been answered. */
static struct str sdp_of(struct session *s, uint64_t number, const cJSON *args)
{
	struct str sdp = web_text(args, "sdp");
	if (sdp.len > 0 && sdp.len <= WEB_SDP_MAX)
		return sdp;
	web_bad(s, number, "sdp is missing, or too long");
	return STR("");
}

static struct call *new_outgoing(struct session *s, struct str to)
{
	char id[33], tag[TAG_LEN + 1];
	struct buf ib = BUF_ON(id), tb = BUF_ON(tag);
	struct call *c = wb_call_new(s, to);
	rand_token(&ib, 24);
	rand_token(&tb, TAG_LEN);
	set_text(&c->call_id, buf_view(&ib));
	set_text(&c->local_tag, buf_view(&tb));
	return c;
}

/* The INVITE goes out: for a call that was brought back, the one that there was. */
static void call_out(struct call *c, uint64_t number, struct str sdp)
{
	char uri[WEB_SIP_URI_MAX + 1];
	auto_(buf_free) struct buf b = buf_of(256);
	struct session *s = c->s;
	if (!make_offer(c, web_sip_uri(str_of(c->peer), uri), 0, sdp)) {
		call_free(c);
		web_fail_sip(s, number, 503);
		return;
	}
	buf_printf(&b, "\"call\":\"%s\"", c->id);
	web_ok(s, number, buf_view(&b));
	wb_call_keep(c);
}

static void start_again(struct session *s, uint64_t number, const cJSON *args)
{
	struct call *c = wb_call_of(s, number, args);
	struct str sdp = c ? sdp_of(s, number, args) : STR("");
	if (sdp.len == 0)
		return;
	if (c->phase == CALL_OUT && !c->offer)
		call_out(c, number, sdp);
	else
		web_bad(s, number, "this call was not brought back");
}

void wb_call_start(struct session *s, uint64_t number, const cJSON *args)
{
	char space[WEB_SIP_URI_MAX + 1];
	if (cJSON_HasObjectItem(args, "call")) {
		start_again(s, number, args);
		return;
	}
	struct str to = wb_people_bare(web_text(args, "to"), space);
	if (to.len == 0) {
		web_bad(s, number, "to is no address");
		return;
	}
	struct str sdp = sdp_of(s, number, args), refer = web_text(args, "refer");
	struct call *first = refer.len > 0 ? wb_transfer_of(s, refer, to) : NULL;
	if (sdp.len == 0)
		return;
	if (refer.len > 0 && !first) {
		web_bad(s, number, "nobody has asked in that call to call this address");
	} else if (s->n_calls >= WEB_DIALOGS_MAX) {
		web_fail(s, number, "too_many", "There are too many calls.", "End one of them.");
	} else {
		struct call *c = new_outgoing(s, to);
		if (first)
			wb_transfer_begins(c, first);
		call_out(c, number, sdp);
	}
}

/* The browser's answer to what was asked of it in that phase. */
static void answer(struct session *s, uint64_t number, const cJSON *args, enum phase phase,
                   const char *wrong)
{
	struct call *c = wb_call_of(s, number, args);
	struct str sdp = c ? sdp_of(s, number, args) : STR("");
	if (sdp.len == 0)
		return;
	if (c->phase != phase || !c->asks) {
		web_bad(s, number, wrong);
		return;
	}
	accept_asks(c, sdp);
	web_ok(s, number, STR(""));
}

void wb_call_answer(struct session *s, uint64_t number, const cJSON *args)
{
	answer(s, number, args, CALL_IN, "this call does not ring here");
}

void wb_call_accept(struct session *s, uint64_t number, const cJSON *args)
{
	answer(s, number, args, CALL_UP, "nothing was offered in this call");
}

void wb_call_update(struct session *s, uint64_t number, const cJSON *args)
{
	struct call *c = wb_call_of(s, number, args);
	struct str sdp = c ? sdp_of(s, number, args) : STR("");
	if (sdp.len == 0)
		return;
	if (c->phase != CALL_UP || c->asks || c->offer)
		web_fail_sip(s, number, 491);
	else if (!make_offer(c, str_of(c->target), number, sdp))
		web_fail_sip(s, number, 503);
}

void wb_call_end(struct session *s, uint64_t number, const cJSON *args)
{
	struct call *c = wb_call_of(s, number, args);
	if (!c)
		return;
	bool busy = str_eq(web_text(args, "reason"), STR("busy"));
	tell(c, &(struct told){ .state = "ended", .reason = "ended_here" });
	hang_up(c, busy ? 486 : 603);
	web_ok(s, number, STR(""));
}

void wb_calls_end(struct session *s)
{
	list_for(it, &s->calls)
	{
		struct call *c = list_entry(it, struct call, node);
		if (c->phase != CALL_OVER)
			hang_up(c, 480);
	}
}

void wb_calls_free(struct session *s)
{
	list_for(it, &s->calls) call_free(list_entry(it, struct call, node));
}
