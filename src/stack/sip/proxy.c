#include "stack/sip/proxy.h"

#include <assert.h>
#include <stdlib.h>

#include "stack/sip/large.h"
#include "stack/sip/orphan.h"
#include "stack/sip/stack.h"

struct branch {
	struct sip_proxy *p;
	struct sip_ctx *ctx; /* NULL once it has ended */
	uint64_t tag;
	int lost_code;
	int code;          /* the final answer; 0 while pending */
	unsigned n_routes; /* Record-Route values that we added */
	/* The body that its 2xx was given, for the repetitions of it. */
	char *body, *body_type;
	struct str body_text;
	/* While a large request is on its way over TCP: the flow, the message and its branch for
	 * UDP, in case that there is no connection. */
	struct sip_flow *udp;
	struct buf udp_request;
	char udp_branch[SIP_BRANCH_LEN + 1];
	struct timer c; /* INVITE */
};

struct sip_proxy {
	struct sip_stack *s;
	struct sip_stx *stx; /* NULL once it has been handed back or is gone */
	const struct sip_proxy_ops *ops;
	void *arg;
	const uint8_t *strip;
	uint32_t loop;
	bool invite;
	bool started;
	bool expects;  /* further branches */
	bool stopping; /* CANCEL, 6xx or 2xx: no further branch is wanted */
	bool accepted; /* a 2xx went up */
	size_t n;
	struct branch *branches[SIP_BRANCHES_MAX];
	int empty_code;
	char *empty_reason, *empty_lines;
	int best_code;
	void *best_block;
	struct sip_msg *best;   /* NULL: best_code has no message (time-out, lost, judged) */
	struct branch *held_by; /* whose 2xx is kept back */
	struct sip_msg *held;
	void *held_block;
	char *judged_lines; /* of the judged one */
	int judged_code;
	struct defer reap;
};

static void maybe_finish(struct sip_proxy *p);

static void forget_udp(struct branch *b)
{
	sip_flow_unref(&b->udp);
	buf_free(&b->udp_request);
}

static void proxy_free(void *arg)
{
	struct sip_proxy *p = arg;
	for (size_t i = 0; i < p->n; i++) {
		forget_udp(p->branches[i]);
		free(p->branches[i]->body);
		free(p->branches[i]->body_type);
		free(p->branches[i]);
	}
	free(p->empty_reason);
	free(p->empty_lines);
	free(p->judged_lines);
	free(p->best_block);
	free(p->held_block);
	free(p);
}

/* The object goes when neither side needs it: from the loop, as we may be in its own callback. */
static void maybe_reap(struct sip_proxy *p)
{
	if (p->stx || !p->started)
		return;
	for (size_t i = 0; i < p->n; i++)
		if (p->branches[i]->ctx)
			return;
	loop_defer(p->s->loop, &p->reap);
}

static void tell_done(struct sip_proxy *p, int code)
{
	const struct sip_proxy_ops *ops = p->ops;
	p->ops = NULL;
	if (ops && ops->done)
		ops->done(p->arg, code);
}

static void stop_others(struct sip_proxy *p, const struct branch *but, struct str reason)
{
	p->stopping = true;
	for (size_t i = 0; i < p->n; i++) {
		struct branch *b = p->branches[i];
		if (b != but && b->ctx && b->code == 0 && p->invite)
			sip_ctx_cancel(b->ctx, reason);
	}
}

/* RFC 3326 section 2: a device that rang in vain can tell a call that another one took or declined
 * from one that was missed. */
#define ANSWERED_ELSEWHERE STR("SIP;cause=200;text=\"Call completed elsewhere\"")

static void stop_declined(struct sip_proxy *p, const struct branch *but, int code)
{
	char text[64];
	struct buf b = BUF_ON(text);
	buf_printf(&b, "SIP;cause=%d;text=\"Declined elsewhere\"", code);
	stop_others(p, but, buf_view(&b));
}

/* Nobody above is asked again once the final answer has gone, but a 2xx comes until its ACK does
 * (RFC 3261 section 13.3.1.4), and the first one may have been lost behind us. */
static void keep_body(struct branch *b, const struct sip_msg *m, const struct sip_edit *e)
{
	if (!b->p->invite || m->status / 100 != 2 || !e->body || b->body)
		return;
	b->body = str_dup(*e->body);
	b->body_text = str_n(b->body, e->body->len);
	b->body_type = str_dup(e->body_type);
}

static void put_kept_body(const struct branch *b, struct sip_edit *e)
{
	if (!b->body)
		return;
	e->body = &b->body_text;
	e->body_type = str_of(b->body_type);
}

static void pass_up(struct branch *b, const struct sip_msg *m)
{
	struct sip_proxy *p = b->p;
	struct sip_edit e = { .pop_via = true, .max_forwards = -1, .strip = p->strip };
	if (!p->stx)
		return;
	if (p->ops && p->ops->forwarding) {
		p->ops->forwarding(p->arg, b->tag, m, &e);
		keep_body(b, m, &e);
	} else {
		put_kept_body(b, &e);
	}
	sip_stx_forward(p->stx, m, &e);
}

/* RFC 3261 section 16.7 step 6: lower is better. */
static int rank(int code)
{
	if (code / 100 == 6)
		return 0;
	switch (code) {
	case 401:
	case 407:
	case 415:
	case 420:
	case 484:
		return 1;
	case 408:
	case 480:
		return code / 100 + 3; /* an endpoint that said something is better */
	default:
		return code / 100 == 3 ? 2 : code / 100;
	}
}

static void keep_best(struct sip_proxy *p, int code, const struct sip_msg *m)
{
	if (p->best_code && rank(p->best_code) <= rank(code))
		return;
	free(p->best_block);
	p->best_block = NULL;
	p->best = NULL;
	p->best_code = code;
	if (m)
		p->best = sip_msg_copy(m, 0, &p->best_block);
}

/* A 2xx that nobody above can receive any more: the dialog it made is ended (ACK, then BYE). */
static void end_orphan(struct branch *b, const struct sip_msg *m);

static void got_negative(struct branch *b, int code, const struct sip_msg *m);

/* True if somebody above does not want this 2xx. */
static bool is_judged(struct branch *b, const struct sip_msg *m)
{
	struct sip_proxy *p = b->p;
	struct str lines = STR("");
	if (b->code >= 300) {
		end_orphan(b, m); /* it comes again */
		return true;
	}
	if (!p->invite || p->accepted || !p->stx || !p->ops || !p->ops->judge)
		return false;
	int code = p->ops->judge(p->arg, b->tag, m, &lines);
	if (code == 0)
		return false;
	free(p->judged_lines);
	p->judged_lines = str_dup(lines);
	p->judged_code = code;
	end_orphan(b, m);
	got_negative(b, code, NULL);
	return true;
}

/* True if the answer has to wait for somebody above, or for another one that does. */
static bool is_held(struct branch *b, const struct sip_msg *m)
{
	struct sip_proxy *p = b->p;
	if (p->held_by)
		return true;
	if (p->invite || p->accepted || !p->stx || !p->ops || !p->ops->hold ||
	    !p->ops->hold(p->arg, b->tag, m))
		return false;
	p->held_by = b;
	p->held = sip_msg_copy(m, 0, &p->held_block);
	p->accepted = true;
	return true;
}

void sip_proxy_release(struct sip_proxy *p)
{
	struct branch *b = take(&p->held_by);
	assert(b && p->stx);
	pass_up(b, p->held);
	tell_done(p, p->held->status);
	p->stx = NULL; /* handed back by the final answer */
	maybe_reap(p);
}

static void got_success(struct branch *b, const struct sip_msg *m)
{
	struct sip_proxy *p = b->p;
	if (is_judged(b, m))
		return;
	b->code = m->status;
	timer_stop(&b->c);
	if (p->invite && !p->stx) {
		end_orphan(b, m);
		return;
	}
	if (is_held(b, m))
		return;
	pass_up(b, m);
	if (!p->accepted)
		tell_done(p, m->status);
	p->accepted = true;
	if (!p->invite)
		p->stx = NULL; /* handed back by the final answer */
	stop_others(p, b, ANSWERED_ELSEWHERE);
}

static void got_negative(struct branch *b, int code, const struct sip_msg *m)
{
	struct sip_proxy *p = b->p;
	b->code = code;
	timer_stop(&b->c);
	/* 503 speaks of the endpoint, not of us (RFC 3261 section 16.7 step 6). */
	keep_best(p, code == 503 ? 500 : code, code == 503 ? NULL : m);
	if (code / 100 == 6)
		stop_declined(p, b, code);
	maybe_finish(p);
}

/* No endpoint has spoken: the caller's way to another one may be left. */
static void branch_failed(struct branch *b, enum sip_fail why, int code)
{
	struct sip_proxy *p = b->p;
	if (p->ops && p->ops->branch_failed && p->stx && !p->stopping)
		p->ops->branch_failed(p->arg, b->tag, why);
	got_negative(b, code, NULL);
}

static bool is_replaced(struct branch *b, const struct sip_msg *m)
{
	struct sip_proxy *p = b->p;
	if (!p->stx || p->stopping || p->accepted || !p->ops || !p->ops->refused ||
	    !p->ops->refused(p->arg, b->tag, m))
		return false;
	b->code = m->status;
	timer_stop(&b->c);
	return true;
}

static void on_response(void *arg, struct sip_ctx *t UNUSED, struct sip_msg *m)
{
	struct branch *b = arg;
	struct sip_proxy *p = b->p;
	forget_udp(b);
	if (m->status == 430) {
		branch_failed(b, SIP_FAIL_TRANSPORT, 480);
	} else if (m->status >= 300) {
		if (!is_replaced(b, m))
			got_negative(b, m->status, m);
	} else if (m->status >= 200) {
		got_success(b, m);
	} else if (m->status > 100) {
		if (p->invite)
			timer_set(&b->c, stack_in(p->s, SIP_TIMER_C_S * 1000));
		/* RFC 4320 section 4.1: other requests know 100 alone, which we send ourselves. */
		if (p->invite && !p->accepted)
			pass_up(b, m);
	}
}

static const struct sip_ctx_ops branch_ops;

/* There is no connection to the peer of UDP: the datagrams that it gets are fragments then. */
static void go_over_udp(struct branch *b)
{
	struct sip_proxy *p = b->p;
	enum sip_method method = p->invite ? SIP_INVITE : sip_stx_request(p->stx)->method;
	b->ctx = sip_ctx_new(p->s, b->udp, buf_view(&b->udp_request), method, b->udp_branch,
	                     &branch_ops, b);
	forget_udp(b);
}

static int failure_code(const struct branch *b, enum sip_fail why)
{
	switch (why) {
	case SIP_FAIL_TRANSPORT:
		return b->lost_code ? b->lost_code : 480;
	case SIP_FAIL_TOO_LARGE:
		return 513;
	case SIP_FAIL_TIMEOUT:
		break;
	}
	return 408;
}

static void on_failed(void *arg, struct sip_ctx *t, enum sip_fail why)
{
	struct branch *b = arg;
	struct sip_proxy *p = b->p;
	if (b->udp && why == SIP_FAIL_TIMEOUT)
		sip_large_give_up(sip_ctx_flow(t));
	if (b->udp && why == SIP_FAIL_TRANSPORT && p->stx && !p->stopping)
		go_over_udp(b);
	else
		branch_failed(b, why, failure_code(b, why));
}

static void on_ended(void *arg, struct sip_ctx *t)
{
	struct branch *b = arg;
	if (b->ctx != t)
		return; /* it goes on over UDP */
	timer_stop(&b->c);
	b->ctx = NULL;
	maybe_reap(b->p);
}

static const struct sip_ctx_ops branch_ops = {
	.response = on_response,
	.failed = on_failed,
	.ended = on_ended,
};

/* Timer C: the callee rang too long. */
static void on_timer_c(void *arg)
{
	struct branch *b = arg;
	if (b->ctx && b->code == 0)
		sip_ctx_cancel(b->ctx, STR(""));
}

static void end_orphan(struct branch *b, const struct sip_msg *m)
{
	struct sip_stack *s = b->p->s;
	struct sip_flow *f = sip_ctx_flow(b->ctx);
	char branch[SIP_BRANCH_LEN + 1];
	struct str invite = sip_ctx_request(b->ctx);
	sip_branch_make(s, 0, branch);
	sip_send_once(s, f, orphan_request(s, f, invite, m, SIP_ACK, b->n_routes, branch));
	sip_branch_make(s, 0, branch);
	struct str bye = orphan_request(s, f, invite, m, SIP_BYE, b->n_routes, branch);
	(void)sip_ctx_new(s, f, bye, SIP_BYE, branch, NULL, NULL);
}

/* The upper side. */

static void on_cancel(void *arg, struct str reason)
{
	struct sip_proxy *p = arg;
	if (p->expects)
		keep_best(p, 487, NULL); /* as the branch that did not come would say */
	stop_others(p, NULL, reason);
	maybe_finish(p);
}

static void on_stx_ended(void *arg, bool lost)
{
	struct sip_proxy *p = arg;
	p->stx = NULL;
	p->held_by = NULL;
	if (lost) {
		tell_done(p, 0);
		stop_others(p, NULL, STR(""));
	}
	maybe_reap(p);
}

static const struct sip_stx_ops proxy_stx_ops = { .cancel = on_cancel, .ended = on_stx_ended };

static void send_best(struct sip_proxy *p)
{
	struct sip_stx *stx = p->stx;
	struct sip_edit e = { .pop_via = true, .max_forwards = -1, .strip = p->strip };
	int code = p->best_code ? p->best_code : p->empty_code;
	if (p->best && p->ops && p->ops->forwarding)
		p->ops->forwarding(p->arg, 0, p->best, &e);
	p->stx = NULL; /* the final answer hands it back */
	if (code == 408 && !p->invite)
		sip_stx_drop(stx); /* RFC 4320 section 4.2: it would come too late */
	else if (p->best)
		sip_stx_forward(stx, p->best, &e);
	else if (p->best_code)
		sip_stx_reply(stx, code, STR(""),
		              code == p->judged_code ? str_of(p->judged_lines) : STR(""), STR(""),
		              STR(""));
	else
		sip_stx_reply(stx, code, str_of(p->empty_reason), str_of(p->empty_lines), STR(""),
		              STR(""));
	tell_done(p, code);
}

static void maybe_finish(struct sip_proxy *p)
{
	if (!p->stx || !p->started || p->accepted || (p->expects && !p->stopping))
		return;
	for (size_t i = 0; i < p->n; i++)
		if (p->branches[i]->code == 0)
			return;
	send_best(p);
	maybe_reap(p);
}

struct sip_proxy *sip_proxy_new(struct sip_stack *s, struct sip_stx *stx,
                                const struct sip_proxy_ops *ops, void *arg)
{
	struct sip_proxy *p = xnew(struct sip_proxy);
	const struct sip_msg *req = sip_stx_request(stx);
	p->s = s;
	p->stx = stx;
	p->ops = ops;
	p->arg = arg;
	p->invite = req->method == SIP_INVITE;
	p->loop = sip_proxy_loop_hash(s, req);
	defer_init(&p->reap, proxy_free, p);
	sip_stx_set_ops(stx, &proxy_stx_ops, p);
	return p;
}

void sip_proxy_cancel(struct sip_proxy *p)
{
	on_cancel(p, STR(""));
}

const struct sip_msg *sip_proxy_request(const struct sip_proxy *p)
{
	return p->stx ? sip_stx_request(p->stx) : NULL;
}

void sip_proxy_strip(struct sip_proxy *p, const uint8_t *flags)
{
	p->strip = flags;
}

static unsigned count_values(struct str list)
{
	struct str one;
	unsigned n = 0;
	while (sip_list_next(&list, &one))
		n++;
	return n;
}

/* The request for this flow in the scratch buffer, and the branch it was given. */
static struct str compose(struct sip_proxy *p, const struct sip_branch_spec *spec,
                          const struct sip_flow *f, char branch[SIP_BRANCH_LEN + 1])
{
	char via[256];
	struct buf vb = BUF_ON(via);
	struct sip_edit e = spec->edit;
	sip_branch_make(p->s, p->loop, branch);
	sip_via_put(&vb, f, branch);
	e.push_via = buf_view(&vb);
	e.received = &sip_stx_flow(p->stx)->peer;
	struct buf *out = sip_transport_out(p->s->tp);
	sip_put_edited(out, sip_stx_request(p->stx), &e);
	return buf_view(out);
}

/* RFC 3261 section 18.1.1: the TCP connection for this request, which is kept for UDP meanwhile;
 * NULL: it goes as it is.  The caller's reference. */
static struct sip_flow *large_flow(struct branch *b, const struct sip_branch_spec *spec,
                                   struct str request, const char *branch)
{
	if (!spec->tcp_too || spec->flow->kind != SIP_UDP || request.len <= SIP_UDP_SAFE_MAX)
		return NULL;
	struct sip_flow *tcp = sip_large_connect(b->p->s->tp, spec->flow);
	if (!tcp)
		return NULL;
	b->udp = sip_flow_ref(spec->flow);
	b->udp_request = buf_of(request.len);
	buf_str(&b->udp_request, request);
	memcpy(b->udp_branch, branch, sizeof(b->udp_branch));
	return tcp;
}

void sip_proxy_fork(struct sip_proxy *p, const struct sip_branch_spec *spec)
{
	char branch[SIP_BRANCH_LEN + 1];
	if (p->n == SIP_BRANCHES_MAX || p->stopping || !p->stx)
		return;
	struct branch *b = p->branches[p->n++] = xnew(struct branch);
	b->p = p;
	b->tag = spec->tag;
	b->lost_code = spec->lost_code;
	b->n_routes = count_values(spec->edit.record_route);
	timer_init(&b->c, p->s->loop, on_timer_c, b);
	struct str request = compose(p, spec, spec->flow, branch);
	struct sip_flow *tcp = large_flow(b, spec, request, branch);
	if (tcp)
		request = compose(p, spec, tcp, branch);
	b->ctx = sip_ctx_new(p->s, tcp ? tcp : spec->flow, request, sip_stx_request(p->stx)->method,
	                     branch, &branch_ops, b);
	sip_flow_unref(&tcp);
	if (p->invite)
		timer_set(&b->c, stack_in(p->s, SIP_TIMER_C_S * 1000));
}

void sip_proxy_start(struct sip_proxy *p, int empty_code, struct str reason, struct str lines)
{
	p->started = true;
	p->empty_code = empty_code;
	if (p->n == 0) {
		p->empty_reason = str_dup(reason);
		p->empty_lines = str_dup(lines);
	}
	maybe_finish(p);
	maybe_reap(p);
}

void sip_proxy_expect(struct sip_proxy *p, bool more)
{
	p->expects = more;
	maybe_finish(p);
}

uint32_t sip_proxy_loop_hash(const struct sip_stack *s, const struct sip_msg *m)
{
	struct str routes = sip_value(m, SIP_H_ROUTE), from = sip_value(m, SIP_H_FROM);
	uint64_t part[] = {
		hash_bytes(&s->loop_key, m->uri.p, m->uri.len),
		hash_bytes(&s->loop_key, routes.p, routes.len),
		hash_bytes(&s->loop_key, from.p, from.len),
		hash_bytes(&s->loop_key, m->call_id.p, m->call_id.len) + m->cseq,
	};
	return (uint32_t)hash_bytes(&s->loop_key, part, sizeof(part));
}

/* A message that came straight from its sender has passed nobody. */
static bool has_one_via(const struct sip_msg *m)
{
	const struct sip_hdr *h = sip_first(m, SIP_H_VIA);
	return h && !sip_next(m, h) && str_chr(sip_hdr_value(m, h), ',') < 0;
}

/* True if a Via below the top one is ours and was made with the same hash. */
static bool is_loop(const struct sip_stack *s, const struct sip_msg *m)
{
	char end[9];
	struct sip_via via;
	int n = 0;
	if (has_one_via(m))
		return false;
	sip_branch_tail(sip_proxy_loop_hash(s, m), end);
	for (const struct sip_hdr *h = sip_first(m, SIP_H_VIA); h; h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h);
		while (n < SIP_LIST_MAX && sip_via_next(&rest, &via) > 0) {
			n++;
			if (via.branch.len == SIP_BRANCH_LEN && str_ends(via.branch, str_n(end, 8)))
				return true;
		}
	}
	return false;
}

int sip_proxy_check(const struct sip_req *rq, int *ret_left)
{
	uint32_t left = 70;
	struct str v = sip_value(rq->msg, SIP_H_MAX_FORWARDS);
	if (v.len && str_to_u32(v, 255, &left) < 0)
		return 400;
	if (left == 0)
		return 483;
	if (is_loop(rq->stack, rq->msg))
		return 482;
	*ret_left = (int)left - 1;
	return 0;
}

static struct str compose_passed(struct sip_stack *s, const struct sip_msg *m,
                                 const struct sip_flow *from, struct sip_flow *to,
                                 struct sip_edit *e)
{
	char via[256], branch[SIP_BRANCH_LEN + 1];
	struct buf vb = BUF_ON(via);
	sip_branch_make(s, 0, branch);
	sip_via_put(&vb, to, branch);
	e->push_via = buf_view(&vb);
	e->received = &from->peer;
	struct buf *out = sip_transport_out(s->tp);
	sip_put_edited(out, m, e);
	return buf_view(out);
}

static void pass(struct sip_stack *s, const struct sip_msg *m, const struct sip_flow *from,
                 struct sip_flow *to, struct sip_edit *e)
{
	struct str request = compose_passed(s, m, from, to, e);
	/* Large, and the INVITE went over TCP as well. */
	struct sip_flow *tcp = to->kind == SIP_UDP && request.len > SIP_UDP_SAFE_MAX
	                               ? sip_large_open(s->tp, to)
	                               : NULL;
	if (tcp)
		request = compose_passed(s, m, from, tcp, e);
	sip_send_once(s, tcp ? tcp : to, request);
}

void sip_proxy_pass(struct sip_req *rq, struct sip_flow *to, struct sip_edit *e)
{
	pass(rq->stack, rq->msg, rq->flow, to, e);
	sip_ignore(rq);
}

void sip_proxy_pass_kept(struct sip_stack *s, struct sip_stx *t, struct sip_flow *to,
                         struct sip_edit *e)
{
	pass(s, sip_stx_request(t), sip_stx_flow(t), to, e);
	sip_stx_drop(t);
}
