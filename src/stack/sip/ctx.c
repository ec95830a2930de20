#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "stack/sip/stack.h"

/* Client transactions.
 *
 *   INVITE:  CALLING -1xx-> PROCEEDING -300..699-> COMPLETED -timer D-> gone
 *            CALLING, PROCEEDING -2xx-> ACCEPTED -timer M-> gone     (RFC 6026)
 *   others:  CALLING -1xx-> PROCEEDING -final-> COMPLETED -timer K-> gone
 *   timer B or F, or the end of the connection: failed, gone. */
enum ctx_state { CALLING, CTX_PROCEEDING, CTX_COMPLETED, CTX_ACCEPTED };

struct sip_ctx {
	struct map_node node;
	struct sip_stack *s;
	struct sip_flow *flow;
	struct sip_watch watch;
	uint8_t state; /* enum ctx_state */
	uint8_t method;
	bool cancel;    /* wanted */
	bool cancelled; /* sent */
	bool too_large; /* for the transport: never sent */
	char branch[SIP_BRANCH_LEN];
	const struct sip_ctx_ops *ops;
	void *arg;
	char *reason;   /* of the CANCEL that is wanted; NULL: it says none */
	struct buf req; /* as sent */
	struct timer life, again;
	usec_t interval; /* of timers A and E */
};

static void ctx_free(struct sip_ctx *t)
{
	map_del(&t->s->ctxs, &t->node);
	t->s->stats.ctx--;
	sip_flow_unwatch(&t->watch);
	sip_flow_unref(&t->flow);
	timer_stop(&t->life);
	timer_stop(&t->again);
	buf_free(&t->req);
	free(t->reason);
	free(t);
}

void ctx_free_all(struct sip_stack *s)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&s->ctxs, &slot, &after)) != NULL;)
		ctx_free(container_of(n, struct sip_ctx, node));
}

static void finish(struct sip_ctx *t)
{
	const struct sip_ctx_ops *ops = t->ops;
	t->ops = NULL;
	if (ops)
		ops->ended(t->arg, t);
	ctx_free(t);
}

static void fail(struct sip_ctx *t, enum sip_fail why)
{
	if (t->ops && t->state < CTX_COMPLETED)
		t->ops->failed(t->arg, t, why);
	finish(t);
}

static void on_life(void *arg)
{
	struct sip_ctx *t = arg;
	if (t->too_large) {
		fail(t, SIP_FAIL_TOO_LARGE);
		return;
	}
	if (t->state < CTX_COMPLETED)
		t->s->stats.timeouts++;
	fail(t, t->flow->closed ? SIP_FAIL_TRANSPORT : SIP_FAIL_TIMEOUT);
}

static void on_lost(void *arg)
{
	fail(arg, SIP_FAIL_TRANSPORT);
}

/* Timers A and E. */
static void on_again(void *arg)
{
	struct sip_ctx *t = arg;
	t->s->stats.retransmits_out++;
	(void)sip_flow_send(t->flow, buf_view(&t->req));
	t->interval *= 2;
	if (t->method != SIP_INVITE)
		t->interval = MIN(t->interval, SIP_T2_MS * USEC_PER_MSEC);
	timer_set(&t->again, loop_now(t->s->loop) + t->interval);
}

static struct sip_ctx *ctx_find(struct sip_stack *s, struct str branch, uint8_t method)
{
	uint64_t h = hash_bytes(&s->ctxs.key, branch.p, branch.len);
	for (struct map_node *n = map_first(&s->ctxs, h); n; n = map_next(n)) {
		struct sip_ctx *t = container_of(n, struct sip_ctx, node);
		if (t->method == method && str_eq(str_n(t->branch, SIP_BRANCH_LEN), branch))
			return t;
	}
	return NULL;
}

static void ctx_start(struct sip_ctx *t)
{
	/* A flow that is already gone fails from the loop, as one that breaks later does. */
	timer_set(&t->life, t->flow->closed ? 0 : stack_in(t->s, 64 * SIP_T1_MS));
	if (sip_flow_reliable(t->flow))
		return;
	t->interval = SIP_T1_MS * USEC_PER_MSEC;
	timer_set(&t->again, loop_now(t->s->loop) + t->interval);
}

struct sip_ctx *sip_ctx_new(struct sip_stack *s, struct sip_flow *f, struct str request,
                            enum sip_method method, const char *branch,
                            const struct sip_ctx_ops *ops, void *arg)
{
	struct sip_ctx *t = xnew(struct sip_ctx);
	t->s = s;
	t->flow = sip_flow_ref(f);
	t->method = (uint8_t)method;
	memcpy(t->branch, branch, SIP_BRANCH_LEN);
	t->ops = ops;
	t->arg = arg;
	t->req = buf_of(SIP_SERVER_MAX + SIP_HEAD_MAX);
	if (method == SIP_INVITE || !sip_flow_reliable(f))
		buf_str(&t->req, request);
	timer_init(&t->life, s->loop, on_life, t);
	timer_init(&t->again, s->loop, on_again, t);
	sip_flow_watch(f, &t->watch, on_lost, t);
	map_add(&s->ctxs, &t->node, hash_bytes(&s->ctxs.key, t->branch, SIP_BRANCH_LEN));
	s->stats.ctx++;
	s->stats.requests_out[method]++;
	ctx_start(t);
	if (sip_flow_send(f, request) == -EMSGSIZE) {
		t->too_large = true;
		timer_stop(&t->again);
		timer_set(&t->life, 0); /* fails from the loop */
	}
	return t;
}

/* A request that goes the way of the first one: ACK of a negative answer, CANCEL (RFC 3261 sections
 * 17.1.1.3 and 9.1). */
static struct str follow_up(struct sip_ctx *t, struct str method, struct str to, struct str reason)
{
	RAW_MEMORY struct sip_msg m;
	struct buf *b = sip_transport_out(t->s->tp);
	if (sip_parse(&m, buf_view(&t->req)) < 0)
		return STR("");
	struct str vias = sip_value(&m, SIP_H_VIA);
	struct sip_via via;
	if (sip_via_next(&vias, &via) <= 0)
		return STR("");
	buf_str(b, method);
	buf_char(b, ' ');
	buf_str(b, m.uri);
	buf_lit(b, " SIP/2.0\r\n");
	sip_put_hdr(b, STR("Via"), via.all);
	for (const struct sip_hdr *h = sip_first(&m, SIP_H_ROUTE); h; h = sip_next(&m, h))
		sip_put_hdr(b, STR("Route"), sip_hdr_value(&m, h));
	sip_put_hdr(b, STR("From"), sip_value(&m, SIP_H_FROM));
	sip_put_hdr(b, STR("To"), to.len ? to : sip_value(&m, SIP_H_TO));
	sip_put_hdr(b, STR("Call-ID"), m.call_id);
	buf_lit(b, "CSeq: ");
	buf_dec(b, m.cseq);
	buf_char(b, ' ');
	buf_str(b, method);
	buf_lit(b, "\r\nMax-Forwards: 70\r\n");
	if (reason.len > 0)
		sip_put_hdr(b, STR("Reason"), reason);
	sip_put_body(b, STR(""), STR(""));
	return buf_view(b);
}

static void send_cancel(struct sip_ctx *t)
{
	struct str cancel =
	        follow_up(t, STR("CANCEL"), STR(""), t->reason ? str_of(t->reason) : STR(""));
	t->cancelled = true;
	if (cancel.len == 0)
		return;
	(void)sip_ctx_new(t->s, t->flow, cancel, SIP_CANCEL, t->branch, NULL, NULL);
	/* No answer to a cancelled INVITE is waited for longer than this. */
	timer_set(&t->life, stack_in(t->s, 64 * SIP_T1_MS));
}

void sip_ctx_cancel(struct sip_ctx *t, struct str reason)
{
	assert(t->method == SIP_INVITE);
	if (!t->cancel && reason.len > 0 && reason.len <= SIP_REASON_MAX)
		t->reason = str_dup(reason);
	t->cancel = true;
	if (t->state == CTX_PROCEEDING && !t->cancelled)
		send_cancel(t);
}

void sip_ctx_forget(struct sip_ctx *t)
{
	t->ops = NULL;
}

bool sip_ctx_provisional(const struct sip_ctx *t)
{
	return t->state == CTX_PROCEEDING;
}

struct sip_flow *sip_ctx_flow(const struct sip_ctx *t)
{
	return t->flow;
}

struct str sip_ctx_request(const struct sip_ctx *t)
{
	return buf_view(&t->req);
}

static void got_provisional(struct sip_ctx *t, struct sip_msg *m)
{
	if (t->state >= CTX_COMPLETED)
		return;
	if (t->state == CALLING) {
		t->state = CTX_PROCEEDING;
		if (t->method == SIP_INVITE) {
			timer_stop(&t->again);
			timer_stop(&t->life);
		} else {
			t->interval = SIP_T2_MS * USEC_PER_MSEC;
		}
	}
	if (t->cancel && !t->cancelled)
		send_cancel(t);
	else if (t->ops)
		t->ops->response(t->arg, t, m);
}

static void ack_negative(struct sip_ctx *t, const struct sip_msg *m)
{
	struct str ack = follow_up(t, STR("ACK"), sip_value(m, SIP_H_TO), STR(""));
	if (ack.len)
		sip_send_once(t->s, t->flow, ack);
}

/* A final answer that ends the waiting.  Timers D and K are zero on streams. */
static void got_final(struct sip_ctx *t, struct sip_msg *m)
{
	bool first = t->state < CTX_COMPLETED;
	usec_t keep_ms = t->method == SIP_INVITE ? 64 * SIP_T1_MS : SIP_T4_MS;
	t->state = CTX_COMPLETED;
	timer_stop(&t->again);
	if (t->method == SIP_INVITE)
		ack_negative(t, m);
	if (!first)
		return;
	if (t->ops)
		t->ops->response(t->arg, t, m);
	if (sip_flow_reliable(t->flow)) {
		finish(t);
		return;
	}
	if (t->method != SIP_INVITE)
		buf_free(&t->req); /* it will not be sent again */
	timer_set(&t->life, stack_in(t->s, keep_ms));
}

static void got_accepted(struct sip_ctx *t, struct sip_msg *m)
{
	if (t->state == CTX_COMPLETED)
		return;
	if (t->state != CTX_ACCEPTED) {
		t->state = CTX_ACCEPTED;
		timer_stop(&t->again);
		timer_set(&t->life, stack_in(t->s, 64 * SIP_T1_MS));
	}
	if (t->ops)
		t->ops->response(t->arg, t, m);
}

/* The branch of the topmost Via, which must be ours. */
static struct str top_branch(const struct sip_msg *m)
{
	const struct sip_via *via = sip_top_via(m);
	return via ? via->branch : STR("");
}

void ctx_response(struct sip_stack *s, struct sip_flow *f, struct sip_msg *m)
{
	struct sip_ctx *t = ctx_find(s, top_branch(m), m->method);
	if (!t || (f->id != 0 && f != t->flow)) {
		s->stats.strays++;
		return;
	}
	s->stats.responses_in[m->status / 100]++;
	if (m->status < 200)
		got_provisional(t, m);
	else if (t->method == SIP_INVITE && m->status < 300)
		got_accepted(t, m);
	else
		got_final(t, m);
}
