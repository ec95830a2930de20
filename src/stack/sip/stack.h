/* The inside of the transaction layer, for stack.c, stx.c and ctx.c. */
#pragma once

#include "base/map.h"
#include "stack/sip/kept.h"
#include "stack/sip/txn.h"

struct sip_stack {
	struct loop *loop;
	struct sip_transport *tp;
	struct sip_stack_ops ops;
	void *arg;
	struct map stxs, ctxs;
	struct kept *kept; /* answers of server transactions that have nothing else to do */
	struct timer kept_end;
	struct hash_key branch_key, loop_key;
	uint64_t n_branches;
	struct sip_stack_stats stats;
};

/* The transaction that this request belongs to as a message of `method`, or NULL. */
struct sip_stx *stx_find(struct sip_stack *s, const struct sip_flow *f, const struct sip_msg *m,
                         enum sip_method method, uint64_t *ret_hash);
/* A retransmission, which came by f; or the ACK of a negative answer. */
void stx_again(struct sip_stx *t, struct sip_flow *f);
void stx_ack(struct sip_stx *t);
void stx_cancel(struct sip_stx *t, struct str reason);
bool stx_is_negative(const struct sip_stx *t);
/* Keeps an answer that was given at once over a transport that may lose it: `a` as it was composed,
 * or the whole of it. */
void stx_keep_answer(struct sip_req *rq, const struct kept_answer *a, struct str whole);
void stx_free_all(struct sip_stack *s);

/* Keeps what a retransmission with this hash is answered with. */
void stack_keep(struct sip_stack *s, uint64_t hash, const struct kept_answer *a);
void stack_count_answer(struct sip_stack *s, int code);

void ctx_response(struct sip_stack *s, struct sip_flow *f, struct sip_msg *m);
void ctx_free_all(struct sip_stack *s);

static inline usec_t stack_in(const struct sip_stack *s, uint64_t ms)
{
	return loop_now(s->loop) + ms * USEC_PER_MSEC;
}
