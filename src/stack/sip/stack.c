#include "stack/sip/stack.h"

#include <assert.h>
#include <stdlib.h>

#include "base/rand.h"

void stack_count_answer(struct sip_stack *s, int code)
{
	s->stats.responses_out[code / 100]++;
	s->stats.codes_out[code]++;
}

static void plan_kept_end(struct sip_stack *s)
{
	timer_set(&s->kept_end, kept_next(s->kept));
}

static void on_kept_end(void *arg)
{
	struct sip_stack *s = arg;
	s->stats.stx -= (uint32_t)kept_expire(s->kept, loop_now(s->loop));
	plan_kept_end(s);
}

void stack_keep(struct sip_stack *s, uint64_t hash, const struct kept_answer *a)
{
	bool first = kept_count(s->kept) == 0;
	kept_put(s->kept, hash, a, stack_in(s, 64 * SIP_T1_MS));
	s->stats.stx++;
	if (first)
		plan_kept_end(s);
}

static void put_hex64(char ret[16], uint64_t v)
{
	static const char hex[] = "0123456789abcdef";
	for (int i = 0; i < 16; i++)
		ret[i] = hex[v >> (60 - 4 * i) & 15];
}

void sip_req_tag(const struct sip_req *rq, char ret[SIP_TAG_LEN + 1])
{
	put_hex64(ret, hash_bytes(&rq->stack->branch_key, &rq->hash, 8));
	ret[SIP_TAG_LEN] = '\0';
}

/* Composes an answer into the scratch buffer. */
static struct str compose(struct sip_req *rq, int code, struct str reason, struct str lines,
                          struct str type, struct str body)
{
	char tag[SIP_TAG_LEN + 1];
	struct buf *b = sip_transport_out(rq->stack->tp);
	sip_req_tag(rq, tag);
	if (reason.len == 0)
		reason = str_of(sip_reason(code));
	sip_put_response(b, rq->msg, code, reason, str_n(tag, SIP_TAG_LEN), &rq->flow->peer);
	buf_str(b, lines);
	sip_put_body(b, type, body);
	return buf_view(b);
}

void sip_reply_forget(struct sip_req *rq, int code, struct str reason, struct str lines)
{
	assert(!rq->done);
	rq->done = true;
	stack_count_answer(rq->stack, code);
	(void)sip_flow_send(rq->flow, compose(rq, code, reason, lines, STR(""), STR("")));
}

void sip_reply(struct sip_req *rq, int code, struct str reason, struct str lines, struct str type,
               struct str body)
{
	assert(!rq->done);
	rq->done = true;
	stack_count_answer(rq->stack, code);
	struct str answer = compose(rq, code, reason, lines, type, body);
	(void)sip_flow_send(rq->flow, answer);
	if (sip_flow_reliable(rq->flow))
		return;
	struct kept_answer parts = { .code = (uint16_t)code, .reason = reason, .text = lines };
	struct kept_answer all = { .text = answer };
	stx_keep_answer(rq, type.len || body.len ? &all : &parts, answer);
}

void sip_ignore(struct sip_req *rq)
{
	rq->done = true;
}

/* A message that cannot be served: the protocol's answer, or silence where none is due. */
static void refuse(struct sip_req *rq, struct sip_fault fault)
{
	rq->stack->stats.bad++;
	if (rq->msg->method == SIP_ACK || sip_first(rq->msg, SIP_H_VIA) == NULL)
		sip_ignore(rq);
	else
		sip_reply_forget(rq, fault.code, str_of(fault.reason), STR(""));
}

/* Answers a retransmission of a request that has been answered for good; false if it is none. */
static bool answer_again(struct sip_req *rq)
{
	struct kept_answer a;
	if (sip_flow_reliable(rq->flow) || !kept_find(rq->stack->kept, rq->hash, &a))
		return false;
	rq->stack->stats.retransmits_in++;
	rq->stack->stats.retransmits_out++;
	if (a.code)
		a.text = compose(rq, a.code, a.reason, a.text, STR(""), STR(""));
	(void)sip_flow_send(rq->flow, a.text);
	return true;
}

static void handle_cancel(struct sip_req *rq)
{
	struct sip_stx *t = stx_find(rq->stack, rq->flow, rq->msg, SIP_INVITE, NULL);
	if (!t) {
		sip_reply_forget(rq, 481, STR(""), STR(""));
		return;
	}
	sip_reply(rq, 200, STR(""), STR(""), STR(""), STR(""));
	stx_cancel(t, rq->flow->server ? sip_value(rq->msg, SIP_H_REASON) : STR(""));
}

static void handle_ack(struct sip_req *rq)
{
	struct sip_stx *t = stx_find(rq->stack, rq->flow, rq->msg, SIP_INVITE, NULL);
	if (t && stx_is_negative(t)) {
		stx_ack(t);
		return;
	}
	rq->stack->ops.request(rq->stack->arg, rq);
}

/* One client alone cannot take all: others are still served. */
static bool is_full(const struct sip_stack *s, const struct sip_flow *f)
{
	return s->stats.stx >= SIP_TXN_MAX || (f->client && f->n_stx >= SIP_CLIENT_TXN_MAX);
}

static void handle_request(struct sip_stack *s, struct sip_flow *f, struct sip_msg *m)
{
	struct sip_req rq = { .stack = s, .flow = f, .msg = m };
	struct sip_fault fault = sip_check(m);
	s->stats.requests_in[m->method]++;
	if (fault.code) {
		refuse(&rq, fault);
		return;
	}
	if (m->method == SIP_ACK) {
		handle_ack(&rq);
		return;
	}
	struct sip_stx *t = stx_find(s, f, m, m->method, &rq.hash);
	if (t) {
		s->stats.retransmits_in++;
		stx_again(t, f);
		return;
	}
	if (answer_again(&rq))
		return;
	if (m->method == SIP_CANCEL) {
		handle_cancel(&rq);
		return;
	}
	if (is_full(s, f)) {
		sip_reply_forget(&rq, 503, STR("Too Busy"), STR("Retry-After: 10\r\n"));
		return;
	}
	s->ops.request(s->arg, &rq);
	assert(rq.done);
}

static void on_message(void *arg, struct sip_flow *f, struct sip_msg *m)
{
	struct sip_stack *s = arg;
	if (m->is_request)
		handle_request(s, f, m);
	else if (sip_check(m).code == 0)
		ctx_response(s, f, m);
	else
		s->stats.bad++;
}

static bool on_opened(void *arg, struct sip_flow *f)
{
	struct sip_stack *s = arg;
	return s->ops.opened(s->arg, f);
}

static void on_closed(void *arg, struct sip_flow *f, const char *why)
{
	struct sip_stack *s = arg;
	s->ops.closed(s->arg, f, why);
}

static void on_other(void *arg, struct sip_flow *f, struct str datagram)
{
	struct sip_stack *s = arg;
	if (s->ops.other)
		s->ops.other(s->arg, f, datagram);
}

static void on_tap(void *arg, const struct sip_flow *f, bool out, struct str msg)
{
	struct sip_stack *s = arg;
	s->ops.tap(s->arg, f, out, msg);
}

static void on_refused(void *arg, int err)
{
	struct sip_stack *s = arg;
	if (s->ops.refused)
		s->ops.refused(s->arg, err);
}

struct sip_stack *sip_stack_new(struct loop *l, const struct sip_transport_config *cfg,
                                const struct sip_stack_ops *ops, void *arg)
{
	struct sip_transport_ops tops = {
		.opened = on_opened,
		.message = on_message,
		.closed = on_closed,
		.other = on_other,
		.refused = on_refused,
	};
	struct sip_stack *s = xnew(struct sip_stack);
	s->loop = l;
	s->ops = *ops;
	s->arg = arg;
	s->tp = sip_transport_new(l, cfg, &tops, s);
	map_init(&s->stxs);
	map_init(&s->ctxs);
	s->kept = kept_new();
	timer_init(&s->kept_end, l, on_kept_end, s);
	rand_bytes(&s->branch_key, sizeof(s->branch_key));
	s->loop_key = cfg->loop_key;
	return s;
}

void sip_stack_free(struct sip_stack **sp)
{
	struct sip_stack *s = take(sp);
	if (!s)
		return;
	sip_transport_free(&s->tp);
	ctx_free_all(s);
	stx_free_all(s);
	timer_stop(&s->kept_end);
	kept_free(&s->kept);
	map_done(&s->stxs);
	map_done(&s->ctxs);
	free(s);
}

void sip_stack_tap(struct sip_stack *s, bool on)
{
	sip_transport_tap(s->tp, on ? on_tap : NULL);
}

struct sip_transport *sip_stack_transport(struct sip_stack *s)
{
	return s->tp;
}

const struct sip_stack_stats *sip_stack_stats(const struct sip_stack *s)
{
	return &s->stats;
}

void sip_branch_tail(uint32_t loop, char ret[9])
{
	static const char hex[] = "0123456789abcdef";
	for (int i = 0; i < 8; i++)
		ret[i] = hex[loop >> (28 - 4 * i) & 15];
	ret[8] = '\0';
}

void sip_branch_make(struct sip_stack *s, uint32_t loop, char ret[SIP_BRANCH_LEN + 1])
{
	uint64_t serial = ++s->n_branches;
	uint64_t unique = hash_bytes(&s->branch_key, &serial, sizeof(serial));
	memcpy(ret, "z9hG4bK", 7);
	put_hex64(ret + 7, unique);
	sip_branch_tail(loop, ret + 23);
}

void sip_via_put(struct buf *b, const struct sip_flow *f, const char *branch)
{
	buf_lit(b, "SIP/2.0/");
	buf_str(b, str_of(sip_kind_name(f->kind)));
	buf_char(b, ' ');
	sip_flow_put_sent_by(b, f);
	if (f->kind == SIP_UDP)
		buf_lit(b, ";rport");
	buf_lit(b, ";branch=");
	buf_put(b, branch, SIP_BRANCH_LEN);
}

void sip_send_once(struct sip_stack *s, struct sip_flow *f, struct str request)
{
	s->stats.requests_out[str_starts(request, STR("ACK ")) ? SIP_ACK : SIP_BENOTIFY]++;
	(void)sip_flow_send(f, request);
}
