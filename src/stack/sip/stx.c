#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "stack/sip/stack.h"

/* Server transactions.
 *
 *   INVITE:  PROCEEDING -300..699-> COMPLETED -ACK-> CONFIRMED -timer I-> gone
 *            PROCEEDING -2xx-> ACCEPTED -timer L-> gone              (RFC 6026)
 *   others:  PROCEEDING -final-> gone; the answer alone is kept until timer J (kept.h)
 *
 * On a stream the timers I and J are zero; what would be kept for nothing is not kept.
 *
 * By a trunk (flow.h) come many users' requests, and its process is soon there again: an INVITE
 * whose trunk has gone waits SIP_TRUNK_BACK_MS for the same request by the next one. */
enum stx_state { PROCEEDING, COMPLETED, CONFIRMED, ACCEPTED };

struct sip_stx {
	struct map_node node;
	struct sip_stack *s;
	struct sip_flow *flow;
	struct sip_watch watch;
	uint8_t state; /* enum stx_state */
	uint8_t method;
	bool forget; /* the final answer is not kept */
	bool waits;  /* its trunk has gone */
	const struct sip_stx_ops *ops;
	void *arg;
	void *block;         /* of req */
	struct sip_msg *req; /* NULL once a final answer went out */
	struct buf last;     /* the last answer, where it may have to be sent again */
	struct timer life, again;
	usec_t interval; /* of timer G; before an answer `again` is for the 100 */
};

/* The part of the key that says where the request comes from: nobody else can join. */
static uint64_t origin_hash(struct sip_stack *s, const struct sip_flow *f)
{
	uint8_t packed[18];
	if (sip_flow_is_trunk(f))
		return f->sock;
	if (f->id)
		return f->id;
	size_t n = addr_pack(&f->peer, packed);
	return hash_bytes(&s->stxs.key, packed, n - 2);
}

/* RFC 3261 section 17.2.3: by branch and sent-by, or by the fields of RFC 2543. */
static uint64_t key_hash(struct sip_stack *s, const struct sip_flow *f, const struct sip_msg *m,
                         enum sip_method method)
{
	const struct hash_key *k = &s->stxs.key;
	const struct sip_via *via = sip_top_via(m);
	struct str from = sip_value(m, SIP_H_FROM);
	uint64_t part[5] = { origin_hash(s, f), method };
	if (!via)
		return 0;
	if (str_istarts(via->branch, STR("z9hG4bK")) && via->branch.len > 7) {
		part[2] = hash_bytes(k, via->branch.p, via->branch.len);
		part[3] = hash_lower(k, via->host) + via->port;
	} else {
		part[2] = hash_bytes(k, via->all.p, via->all.len);
		part[3] = hash_bytes(k, m->call_id.p, m->call_id.len) + m->cseq;
		part[4] = hash_bytes(k, from.p, from.len);
	}
	return hash_bytes(k, part, sizeof(part));
}

struct sip_stx *stx_find(struct sip_stack *s, const struct sip_flow *f, const struct sip_msg *m,
                         enum sip_method method, uint64_t *ret_hash)
{
	uint64_t h = key_hash(s, f, m, method);
	if (ret_hash)
		*ret_hash = h;
	struct map_node *n = map_first(&s->stxs, h);
	return n ? container_of(n, struct sip_stx, node) : NULL;
}

static void stx_free(struct sip_stx *t)
{
	map_del(&t->s->stxs, &t->node);
	t->s->stats.stx--;
	t->flow->n_stx--;
	sip_flow_unwatch(&t->watch);
	sip_flow_unref(&t->flow);
	timer_stop(&t->life);
	timer_stop(&t->again);
	buf_free(&t->last);
	free(t->block);
	free(t);
}

void stx_free_all(struct sip_stack *s)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&s->stxs, &slot, &after)) != NULL;)
		stx_free(container_of(n, struct sip_stx, node));
}

/* Ends it; whoever still waits is told. */
static void finish(struct sip_stx *t, bool lost)
{
	const struct sip_stx_ops *ops = t->ops;
	t->ops = NULL;
	if (ops)
		ops->ended(t->arg, lost);
	stx_free(t);
}

static void on_life(void *arg)
{
	struct sip_stx *t = arg;
	if (t->method == SIP_INVITE && t->state == COMPLETED)
		t->s->stats.timeouts++;    /* timer H: no ACK came */
	finish(t, t->state == PROCEEDING); /* nobody took it up */
}

static void on_lost(void *arg)
{
	struct sip_stx *t = arg;
	if (t->method != SIP_INVITE || !sip_flow_is_trunk(t->flow)) {
		finish(t, true);
		return;
	}
	t->waits = true;
	if (t->state == PROCEEDING)
		timer_set(&t->life, stack_in(t->s, SIP_TRUNK_BACK_MS));
}

static void send_trying(struct sip_stx *t)
{
	sip_stx_reply(t, 100, STR(""), STR(""), STR(""), STR(""));
}

/* Timer G: the negative answer again until it is acknowledged.  Before any answer to a request that
 * is no INVITE: the time to say that it is being worked on. */
static void on_again(void *arg)
{
	struct sip_stx *t = arg;
	if (t->state == PROCEEDING) {
		send_trying(t);
		return;
	}
	t->s->stats.retransmits_out++;
	(void)sip_flow_send(t->flow, buf_view(&t->last));
	t->interval = MIN(t->interval * 2, SIP_T2_MS * USEC_PER_MSEC);
	timer_set(&t->again, loop_now(t->s->loop) + t->interval);
}

static struct sip_stx *stx_new(struct sip_req *rq)
{
	struct sip_stack *s = rq->stack;
	struct sip_stx *t = xnew(struct sip_stx);
	t->s = s;
	t->flow = sip_flow_ref(rq->flow);
	t->method = rq->msg->method;
	t->last = buf_of(SIP_SERVER_MAX + SIP_HEAD_MAX);
	timer_init(&t->life, s->loop, on_life, t);
	timer_init(&t->again, s->loop, on_again, t);
	sip_flow_watch(t->flow, &t->watch, on_lost, t);
	map_add(&s->stxs, &t->node, rq->hash);
	s->stats.stx++;
	t->flow->n_stx++;
	return t;
}

/* In memory of just its size: it is held for half a minute. */
static void keep(struct sip_stx *t, struct str answer)
{
	buf_free(&t->last);
	t->last =
	        (struct buf){ .p = xmalloc(answer.len + 1), .cap = answer.len, .max = answer.len };
	buf_str(&t->last, answer);
}

/* The negative answer to an INVITE went out. */
static void completed(struct sip_stx *t)
{
	t->state = COMPLETED;
	timer_set(&t->life, stack_in(t->s, 64 * SIP_T1_MS));
	if (!sip_flow_reliable(t->flow)) {
		t->interval = SIP_T1_MS * USEC_PER_MSEC;
		timer_set(&t->again, loop_now(t->s->loop) + t->interval);
	}
}

void stx_keep_answer(struct sip_req *rq, const struct kept_answer *a, struct str whole)
{
	if (rq->msg->method != SIP_INVITE) {
		stack_keep(rq->stack, rq->hash, a);
		return;
	}
	struct sip_stx *t = stx_new(rq); /* waits for the ACK */
	keep(t, whole);
	completed(t);
}

struct sip_stx *sip_accept(struct sip_req *rq, const struct sip_stx_ops *ops, void *arg)
{
	assert(!rq->done);
	struct sip_stx *t = stx_new(rq);
	rq->done = true;
	t->ops = ops;
	t->arg = arg;
	t->req = sip_msg_copy(rq->msg, 0, &t->block);
	if (t->method == SIP_INVITE)
		send_trying(t);
	else
		timer_set(&t->again, stack_in(t->s, SIP_TRYING_MS));
	return t;
}

void sip_stx_set_ops(struct sip_stx *t, const struct sip_stx_ops *ops, void *arg)
{
	t->ops = ops;
	t->arg = arg;
}

const struct sip_msg *sip_stx_request(const struct sip_stx *t)
{
	return t->req;
}

struct sip_flow *sip_stx_flow(const struct sip_stx *t)
{
	return t->flow;
}

void sip_stx_forget(struct sip_stx *t)
{
	t->forget = true;
}

bool sip_stx_answered(const struct sip_stx *t)
{
	return t->state != PROCEEDING;
}

/* What a final answer does to the transaction.  The user is let go, but after a 2xx to INVITE. */
static void final_sent(struct sip_stx *t, int code, const struct kept_answer *a, struct str whole)
{
	if (t->method != SIP_INVITE) {
		if (!sip_flow_reliable(t->flow) && !t->forget)
			stack_keep(t->s, t->node.hash, a);
		stx_free(t);
		return;
	}
	t->req = NULL;
	free(take(&t->block));
	timer_stop(&t->again);
	if (code < 300) {
		t->state = ACCEPTED;
		buf_free(&t->last);
		timer_set(&t->life, stack_in(t->s, 64 * SIP_T1_MS));
		return;
	}
	t->ops = NULL;
	keep(t, whole);
	completed(t);
}

/* `a`: what has to be kept of it. */
static void send_answer(struct sip_stx *t, int code, const struct kept_answer *a, struct str whole)
{
	if (sip_flow_send(t->flow, whole) == -EMSGSIZE && code >= 200 && t->state == PROCEEDING) {
		/* Who asked is told that there was an answer which cannot reach it. */
		sip_stx_reply(t, 513, STR("Response Too Large"), STR(""), STR(""), STR(""));
		return;
	}
	stack_count_answer(t->s, code);
	if (t->state == ACCEPTED)
		return;
	if (code >= 200)
		final_sent(t, code, a, whole);
	else if (!sip_flow_reliable(t->flow) || t->waits)
		keep(t, whole);
}

void sip_stx_tag(const struct sip_stx *t, char ret[SIP_TAG_LEN + 1])
{
	struct sip_req rq = { .stack = t->s, .hash = t->node.hash };
	sip_req_tag(&rq, ret);
}

void sip_stx_reply(struct sip_stx *t, int code, struct str reason, struct str lines,
                   struct str type, struct str body)
{
	char tag[SIP_TAG_LEN + 1];
	assert(t->state == PROCEEDING);
	struct buf *b = sip_transport_out(t->s->tp);
	struct kept_answer a = { .code = (uint16_t)code, .reason = reason, .text = lines };
	sip_stx_tag(t, tag);
	if (reason.len == 0)
		reason = str_of(sip_reason(code));
	sip_put_response(b, t->req, code, reason, str_n(tag, SIP_TAG_LEN), &t->flow->peer);
	buf_str(b, lines);
	sip_put_body(b, type, body);
	if (type.len || body.len)
		a = (struct kept_answer){ .text = buf_view(b) };
	send_answer(t, code, &a, buf_view(b));
}

void sip_stx_forward(struct sip_stx *t, const struct sip_msg *resp, const struct sip_edit *e)
{
	bool late = t->state == ACCEPTED && t->method == SIP_INVITE && resp->status / 100 == 2;
	if (t->state != PROCEEDING && !late)
		return;
	struct buf *b = sip_transport_out(t->s->tp);
	sip_put_edited(b, resp, e);
	struct kept_answer all = { .text = buf_view(b) };
	send_answer(t, resp->status, &all, all.text);
}

void sip_stx_drop(struct sip_stx *t)
{
	assert(t->state == PROCEEDING);
	stx_free(t);
}

/* By another trunk than it came by. */
static void take_up(struct sip_stx *t, struct sip_flow *f)
{
	t->waits = false;
	sip_flow_unwatch(&t->watch);
	t->flow->n_stx--;
	sip_flow_unref(&t->flow);
	t->flow = sip_flow_ref(f);
	t->flow->n_stx++;
	sip_flow_watch(f, &t->watch, on_lost, t);
	if (t->state == PROCEEDING)
		timer_stop(&t->life);
}

void stx_again(struct sip_stx *t, struct sip_flow *f)
{
	if (t->flow != f && sip_flow_is_trunk(f))
		take_up(t, f);
	if (t->last.len > 0 && t->state != CONFIRMED) {
		t->s->stats.retransmits_out++;
		(void)sip_flow_send(t->flow, buf_view(&t->last));
	}
}

bool stx_is_negative(const struct sip_stx *t)
{
	return t->state == COMPLETED || t->state == CONFIRMED;
}

void stx_ack(struct sip_stx *t)
{
	if (t->state == CONFIRMED)
		return;
	if (sip_flow_reliable(t->flow)) {
		stx_free(t);
		return;
	}
	t->state = CONFIRMED;
	timer_stop(&t->again);
	timer_set(&t->life, stack_in(t->s, SIP_T4_MS));
}

void stx_cancel(struct sip_stx *t, struct str reason)
{
	if (t->state != PROCEEDING)
		return;
	if (t->ops && t->ops->cancel)
		t->ops->cancel(t->arg, reason);
	else
		sip_stx_reply(t, 487, STR(""), STR(""), STR(""), STR(""));
}
