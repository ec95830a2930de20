/* The generator: clients that share connections, and a fixed number of operations at once.
 *
 * An operation is a slot.  Its number and generation stand in the Call-ID and in every Via branch,
 * so that each message that comes in, at either end, finds its operation without a table. */
#pragma once

#include "digest.h"
#include "lync.h"
#include "net.h"
#include "options.h"
#include "sipmsg.h"
#include "stats.h"

enum {
	REQUEST_MAX = 4096, /* bytes of a message that we send */
	ROUTE_MAX = 1024,
	TARGET_MAX = 256,
	TAG_MAX = 128,
};
#define SIP_T1 (500 * USEC_PER_MSEC)
#define SIP_T2 (4 * USEC_PER_SEC)

enum method { M_REGISTER, M_MESSAGE, M_INVITE, M_ACK, M_BYE };

/* A's side of a dialog. */
struct dialog {
	char to_tag[TAG_MAX], target[TARGET_MAX], route[ROUTE_MAX];
	uint32_t cseq;
};

struct op;

struct user {
	uint32_t number;
	uint32_t cseq;                /* of REGISTER */
	struct op *op;                /* that it takes part in */
	struct conn *conn, *sends_on; /* where it registered; where its MESSAGE and INVITE leave */
	struct digest_cred www, proxy;
	struct lync_user *lync; /* NULL: a phone of the standard */
	struct dialog *kept;    /* with the same other user all the time; NULL: none */
};

enum op_state {
	OP_IDLE,
	OP_CONNECTING,  /* waits for the connection */
	OP_WAITING,     /* waits for a final response */
	OP_ESTABLISHED, /* a call: ACK is sent, but B has not seen it */
	OP_BACKOFF,     /* a sign-in that is tried again */
};

struct op {
	uint32_t slot, generation;
	enum op_kind kind;
	enum op_state state;
	struct user *a, *b;
	struct conn *from;       /* A's side */
	struct op *next_waiting; /* for the same connection */
	usec_t began, deadline;
	unsigned attempts;

	/* The transaction under way. */
	enum method method;
	uint32_t txn, cseq;
	unsigned challenged;               /* how often this request was challenged */
	bool auth_www, auth_proxy;         /* which credentials it carries */
	usec_t resend_at, resend_interval; /* 0: not at all */
	char *request;                     /* kept for sending again; UDP only */
	size_t request_n;

	struct dialog d;
	uint32_t invite_txn, invite_cseq, ack_txn;

	/* B's side: the 2xx, sent until ACK comes. */
	bool answered, acked, hung_up;
	char *answer;
	size_t answer_n;
	unsigned answers_sent;
	usec_t answer_at, answer_interval; /* 0: not at all */
};

struct load {
	struct options o;
	struct net *net;
	struct digest *digest;
	struct ntlm *ntlm; /* NULL: no --lync */
	uint32_t run;      /* random: nothing of an earlier run is taken for ours */
	struct user *user;
	struct conn *conn;
	struct op *op;
	uint32_t n_ops;
	uint32_t *idle, n_idle; /* free slots */
	/* Of this step: the greatest number of operations, in all and at once. */
	const struct step *step;
	uint32_t most, most_at_once, begun, cursor;
	struct stats stats;
	char *scratch; /* REQUEST_MAX */
};

/* --- uac.c: the caller's side --------------------------------------------------------- */

/* Begins an operation of the current step in a free slot. */
void op_begin(struct load *l);
void op_opened(struct load *l, struct conn *c);
void op_lost(struct load *l, struct conn *c, const char *why);
void op_response(struct load *l, const struct sip_msg *m);
/* An echo came back. */
void op_echoed(struct load *l, struct str bytes);
/* Sends again, gives up, tries again. */
void op_tick(struct load *l, usec_t now);
/* B has the ACK: A hangs up, or the dialog stays. */
void op_acked(struct load *l, struct op *op);
/* By a Call-ID or by what stands behind the cookie of a branch: "SLOT.GENERATION" or
 * "SLOT.GENERATION.TXN" behind `run`, or "kRUN.USER" of a dialog that stays; NULL if it is not of
 * a running operation. ret_txn may be NULL. */
struct op *op_find(struct load *l, struct str id, uint32_t *ret_txn);

/* --- sipload.c ------------------------------------------------------------------------- */

/* Sends on the connection, signed if its user speaks the Lync dialect. */
void load_send(struct load *l, struct conn *c, struct out *o);
/* Signs what is kept to be sent again as it is. */
void load_sign(struct load *l, const struct conn *c, struct out *o);

/* --- uas.c: the called side ------------------------------------------------------------ */

void uas_request(struct load *l, struct conn *c, const struct sip_msg *m);
/* Sends the 2xx of an operation that is due, first or again. */
void uas_tick(struct load *l, struct op *op, usec_t now);

/* --- compose.c: messages ---------------------------------------------------------------- */

extern const struct str method_names[];
extern const struct str text_body;

/* What INVITE carries. */
struct str compose_offer(const struct load *l);

/* The request m of the operation, as its fields say; txn makes its branch. */
void compose_request(struct load *l, struct op *op, enum method m, uint32_t txn, struct out *o);
/* A response to m; contact: the called user's Contact and, with 200 to INVITE, a body. */
void compose_response(const struct sip_msg *m, struct out *o, struct str status, struct str to_tag,
                      struct str contact, struct str body);
/* "<sip:user1@127.0.0.1:40000;transport=tcp>"; of the Lync dialect: the GRUU. */
void compose_contact(const struct load *l, const struct user *u, const struct conn *c,
                     struct out *o);
void compose_user(const struct load *l, const struct user *u, struct out *o);
