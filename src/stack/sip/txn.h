/* SIP transactions (RFC 3261 section 17, RFC 6026, RFC 4320), over UDP and streams.
 *
 * A server transaction is made only when something has to be remembered: a request that is answered
 * at once over a stream, or refused with a challenge, leaves no trace.  Requests without the RFC
 * 3261 branch cookie (pidgin-sipe's) are matched by the rules of section 17.2.3's second half. */
#pragma once

#include "stack/sip/flow.h"
#include "wire/sip/compose.h"

enum {
	SIP_T1_MS = 500,
	SIP_T2_MS = 4000,
	SIP_T4_MS = 5000,
	SIP_TRYING_MS = 3500, /* until timer E of a client has grown to T2 (RFC 4320 section 4.1) */
	SIP_TXN_MAX = 1000000,         /* transactions of a process; above: 503 */
	SIP_CLIENT_TXN_MAX = 100000,   /* of them, on one connection of a client; above: 503 */
	SIP_REASON_MAX = 256,          /* bytes of a Reason that is passed on */
	SIP_TRUNK_BACK_MS = 15 * 1000, /* an INVITE waits for whom a trunk's process speaks for */
	SIP_BRANCH_LEN = 7 + 24,
	SIP_TAG_LEN = 16,
};

struct sip_stack; /* opaque */
struct sip_stx;   /* server transaction */
struct sip_ctx;   /* client transaction */

/* A request that has just come in.  Lives on the stack of the call; exactly one of sip_reply,
 * sip_reply_forget, sip_accept, sip_ignore must be called before the handler returns. */
struct sip_req {
	struct sip_stack *stack;
	struct sip_flow *flow;
	const struct sip_msg *msg;
	uint64_t hash; /* of the transaction key */
	bool done;
};

struct sip_stack_ops {
	/* A new request, ACK of a 2xx included (which can only be ignored or passed on). */
	void (*request)(void *arg, struct sip_req *rq);
	bool (*opened)(void *arg, struct sip_flow *f);
	void (*closed)(void *arg, struct sip_flow *f, const char *why);
	void (*other)(void *arg, struct sip_flow *f, struct str datagram);
	void (*tap)(void *arg, const struct sip_flow *f, bool out, struct str msg);
	void (*refused)(void *arg, int err); /* a connection; see sip_transport_ops */
};

struct sip_stack_stats {
	uint64_t requests_in[SIP_N_METHODS], requests_out[SIP_N_METHODS];
	uint64_t responses_in[7], responses_out[7]; /* by code / 100 */
	uint32_t codes_out[700];
	uint64_t retransmits_in, retransmits_out, timeouts, strays, bad;
	uint32_t stx, ctx; /* transactions now */
};

struct sip_stack *sip_stack_new(struct loop *l, const struct sip_transport_config *cfg,
                                const struct sip_stack_ops *ops, void *arg);
void sip_stack_free(struct sip_stack **sp);
/* Turns the tap op on or off; off at the start. */
void sip_stack_tap(struct sip_stack *s, bool on);
struct sip_transport *sip_stack_transport(struct sip_stack *s);
const struct sip_stack_stats *sip_stack_stats(const struct sip_stack *s);

/* Answers at once.  `lines`: further header lines, each with CRLF; type and body may be empty.  The
 * answer is kept for retransmissions where the transport may lose it. */
void sip_reply(struct sip_req *rq, int code, struct str reason, struct str lines, struct str type,
               struct str body);
/* The same without keeping anything: challenges and refusals of strangers (RFC 3261 26.3.2.4), and
 * what is answered anew when the request comes again. */
void sip_reply_forget(struct sip_req *rq, int code, struct str reason, struct str lines);
/* No answer: ACK, overload towards clients that an answer would harm. */
void sip_ignore(struct sip_req *rq);

struct sip_stx_ops {
	/* CANCEL came (it has been answered); the final answer is still ours to give.  reason: the
	 * value of its Reason (RFC 3326); empty if it has none, or came from no server of ours:
	 * what a client says of another's call is not passed on. */
	void (*cancel)(void *arg, struct str reason);
	/* The transaction is gone (do not use it any more): its connection broke before the final
	 * answer (lost; of an INVITE by a trunk, SIP_TRUNK_BACK_MS later, if it did not come again
	 * by another one), or the time after a 2xx to INVITE is over.  Any other final answer hands
	 * the transaction back: the giver must not use it again and hears nothing more. */
	void (*ended)(void *arg, bool lost);
};

/* Keeps the request to answer later.  ops may be NULL (nobody waits).  Sends 100 for an INVITE at
 * once, for others when there is no answer after SIP_TRYING_MS. */
struct sip_stx *sip_accept(struct sip_req *rq, const struct sip_stx_ops *ops, void *arg);
/* Changes who is told. */
void sip_stx_set_ops(struct sip_stx *t, const struct sip_stx_ops *ops, void *arg);
/* The request, until the final answer. */
const struct sip_msg *sip_stx_request(const struct sip_stx *t);
struct sip_flow *sip_stx_flow(const struct sip_stx *t);
/* True once a final answer went out. */
bool sip_stx_answered(const struct sip_stx *t);
void sip_stx_reply(struct sip_stx *t, int code, struct str reason, struct str lines,
                   struct str type, struct str body);
/* Its final answer is not kept for retransmissions: who gives it answers those anew. */
void sip_stx_forget(struct sip_stx *t);
/* Passes a response on (top Via popped by `e`). */
void sip_stx_forward(struct sip_stx *t, const struct sip_msg *resp, const struct sip_edit *e);
/* Ends the transaction without an answer (RFC 4320 section 4.2). */
void sip_stx_drop(struct sip_stx *t);

enum sip_fail { SIP_FAIL_TIMEOUT, SIP_FAIL_TRANSPORT, SIP_FAIL_TOO_LARGE };
struct sip_ctx_ops {
	/* Every response but retransmissions; 2xx of INVITE each time (RFC 6026). */
	void (*response)(void *arg, struct sip_ctx *t, struct sip_msg *m);
	/* No final answer will come. */
	void (*failed)(void *arg, struct sip_ctx *t, enum sip_fail why);
	/* The object is gone after the call.  Exactly once, last. */
	void (*ended)(void *arg, struct sip_ctx *t);
};

/* A new branch parameter: cookie, unique part, 8 digits of loop (RFC 3261 section 16.6 step 8). */
void sip_branch_make(struct sip_stack *s, uint32_t loop, char ret[SIP_BRANCH_LEN + 1]);
/* The last digits of a branch made with this loop. */
void sip_branch_tail(uint32_t loop, char ret[9]);
/* Appends the value of our Via on a flow. */
void sip_via_put(struct buf *b, const struct sip_flow *f, const char *branch);
/* Sends a composed request whose top Via holds `branch`, and waits for its answers.  Not for ACK.
 */
struct sip_ctx *sip_ctx_new(struct sip_stack *s, struct sip_flow *f, struct str request,
                            enum sip_method method, const char *branch,
                            const struct sip_ctx_ops *ops, void *arg);
/* CANCEL, once a provisional answer allows it; nothing if the final one is there.  reason: the
 * value of its Reason (RFC 3326); empty: none; longer than SIP_REASON_MAX: none. */
void sip_ctx_cancel(struct sip_ctx *t, struct str reason);
/* Nobody waits any more; the transaction still absorbs what comes. */
void sip_ctx_forget(struct sip_ctx *t);
bool sip_ctx_provisional(const struct sip_ctx *t);
struct sip_flow *sip_ctx_flow(const struct sip_ctx *t);
/* The request as sent (reliable flows: INVITE alone keeps it), for ACK and BYE of a lost dialog. */
struct str sip_ctx_request(const struct sip_ctx *t);

/* Sends a request that has no transaction: ACK of a 2xx, BENOTIFY. */
void sip_send_once(struct sip_stack *s, struct sip_flow *f, struct str request);
/* Our To tag for this request: the same for each retransmission. */
void sip_req_tag(const struct sip_req *rq, char ret[SIP_TAG_LEN + 1]);
/* The same of a request that is kept. */
void sip_stx_tag(const struct sip_stx *t, char ret[SIP_TAG_LEN + 1]);
