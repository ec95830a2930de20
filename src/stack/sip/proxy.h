/* A stateful forking proxy (RFC 3261 section 16, RFC 6026): one server transaction, parallel
 * branches, the best answer back.
 *
 * Who is called is decided above; the proxy is given branches, passes provisional and 2xx answers
 * on, cancels, waits (timer C), and chooses the best of the negative answers.  A branch may have
 * its own body and headers. */
#pragma once

#include "stack/sip/txn.h"

enum {
	SIP_TIMER_C_S = 185,
	SIP_BRANCHES_MAX = 64,
};

struct sip_proxy; /* opaque */

/* One branch: where to, and how the request differs from the one that came. */
struct sip_branch_spec {
	struct sip_flow *flow;
	struct sip_edit edit; /* push_via and received are filled in by the proxy */
	uint64_t tag;         /* of the caller's; comes back in the callbacks */
	bool tcp_too;  /* UDP: a large request may go over TCP to the same address (large.h) */
	int lost_code; /* what a broken connection counts as; 0: 480 */
};

struct sip_proxy_ops {
	/* A response is about to be passed on: may change *e (strip, add, body).  A body that a 2xx
	 * to an INVITE is given, its repetitions have too. */
	void (*forwarding)(void *arg, uint64_t tag, const struct sip_msg *resp, struct sip_edit *e);
	/* A 2xx to an INVITE: 0 to pass it on; or the code that it counts as, with the header
	 * lines of that answer: its dialog is ended, nobody above hears of it.  May be NULL. */
	int (*judge)(void *arg, uint64_t tag, const struct sip_msg *resp, struct str *ret_lines);
	/* The first 2xx to another request than INVITE: true to keep it back until
	 * sip_proxy_release().  If the caller goes meanwhile, done() says so, and there is nothing
	 * to release any more.  May be NULL. */
	bool (*hold)(void *arg, uint64_t tag, const struct sip_msg *resp);
	/* A branch got no answer or a broken connection (430 tells of one behind another hop, RFC
	 * 5626 section 5.3).  A branch added meanwhile takes its place. */
	void (*branch_failed)(void *arg, uint64_t tag, enum sip_fail why);
	/* A branch was refused (300 to 699).  True: it does not count, a branch added meanwhile has
	 * taken its place.  May be NULL. */
	bool (*refused)(void *arg, uint64_t tag, const struct sip_msg *resp);
	/* The final answer has gone (code), or the caller has: 0.  Exactly once.  Late 2xx are
	 * still handled by the proxy itself afterwards; arg is not used any more. */
	void (*done)(void *arg, int code);
};

/* Takes over the transaction.  ops may be NULL.  The request must have passed Max-Forwards. */
struct sip_proxy *sip_proxy_new(struct sip_stack *s, struct sip_stx *stx,
                                const struct sip_proxy_ops *ops, void *arg);
/* The request that is being answered, for the callbacks; NULL once the caller has gone or been
 * answered. */
const struct sip_msg *sip_proxy_request(const struct sip_proxy *p);
/* What is left out of every response that is passed on: SIP_H_N_IDS flags, borrowed. */
void sip_proxy_strip(struct sip_proxy *p, const uint8_t *flags);
/* Adds branches; call sip_proxy_start after the last. */
void sip_proxy_fork(struct sip_proxy *p, const struct sip_branch_spec *b);
/* No more branches are to come now: if none is pending the best answer is sent (`empty_code` if
 * there never was one). */
void sip_proxy_start(struct sip_proxy *p, int empty_code, struct str reason, struct str lines);

/* A branch may still come (true), or not any more: while one may, no negative answer is given. */
void sip_proxy_expect(struct sip_proxy *p, bool more);

/* The answer that was kept back goes on, as it came. */
void sip_proxy_release(struct sip_proxy *p);
/* As if the caller had sent CANCEL: what still rings is told, the answer follows from theirs. */
void sip_proxy_cancel(struct sip_proxy *p);

/* RFC 3261 section 16.3 steps 3 and 4, before anything else: 0, or 483 / 482.  *ret_left is the new
 * Max-Forwards. */
int sip_proxy_check(const struct sip_req *rq, int *ret_left);
/* What decides the routing, as the tail of our branches. */
uint32_t sip_proxy_loop_hash(const struct sip_stack *s, const struct sip_msg *m);
/* Passes a request on without state: ACK of a 2xx (RFC 3261 section 16.11), BENOTIFY. */
void sip_proxy_pass(struct sip_req *rq, struct sip_flow *to, struct sip_edit *e);
/* The same of a BENOTIFY that had to wait; its transaction is gone, without an answer. */
void sip_proxy_pass_kept(struct sip_stack *s, struct sip_stx *t, struct sip_flow *to,
                         struct sip_edit *e);
