/* Instant messages between clients that hold sessions and clients that send pager messages.
 *
 * A Lync client opens a session (INVITE with m=message), sends MESSAGE inside it and ends it with
 * BYE ([MS-CONVID], [MS-SIP]); a SIP phone sends and takes single MESSAGEs (RFC 3428).  Where the
 * two meet, the home half is the other end of the session:
 *
 *   phone  --MESSAGE-->  home  --INVITE, MESSAGE-->  Lync client     im_deliver()
 *   Lync client  --INVITE, MESSAGE-->  home  --MESSAGE-->  phone     im_invite(), im_request()
 *
 * A message is answered when the far client has answered it.  Sessions are memory: after a restart
 * the client gets 481 and opens a new one.  Requests leave through a local link of the process to
 * itself, so that they take the ways of all others (design section 4). */
#pragma once

#include "stack/sip/txn.h"
#include "svc/access/token.h"

enum {
	IM_SESSIONS_MAX = 100000, /* of a process: 503 */
	IM_SENDER_MAX = 1000,     /* of them, opened by the messages of one user: 503 */
	IM_WAITING_MAX = 16,      /* messages of a session that wait for an answer: 503 */
	IM_INVITE_MAX_S = 60,     /* a session nobody takes up */
	IM_IDLE_MAX_S = 600,      /* without a message; then BYE */
	IM_AOR_MAX = 255,
	IM_PART_MAX = 1024, /* bytes of Call-ID, From, To, Contact of a session: 503 */
};

struct im; /* opaque */

/* The stages of a request's way inside the box. */
enum im_route {
	IM_TO_USER,   /* all endpoints of a user who lives here */
	IM_FROM_USER, /* to an address, on behalf of a user of ours */
	IM_IN_DIALOG, /* to the other end of a dialog of a user who lives here */
};

struct im_ops {
	/* The link to this very process, or to the home of the account for what is on its behalf;
	 * NULL if it is down. */
	struct sip_flow *(*link)(void *arg, enum im_route way, uint64_t account);
	/* Appends the Route values for that way; end: of IN_DIALOG. */
	void (*put_route)(void *arg, struct buf *b, enum im_route way, uint64_t account,
	                  const struct token *end);
	/* Appends the URI by which clients reach dialog `id` of this process. */
	void (*put_contact)(void *arg, struct buf *b, uint64_t account, uint64_t id);
	/* Appends the header line that tells why. */
	void (*put_reason)(void *arg, struct buf *b, int code);
};

struct im_config {
	struct loop *loop;
	struct sip_stack *stack;
	const struct token_key *key;
	const struct im_ops *ops;
	void *arg;
};

struct im *im_new(const struct im_config *cfg);
/* The stack must have been freed before, with the transactions that are open. */
void im_free(struct im **ip);

/* One side of a conversation: a user of ours and the address of the other. */
struct im_who {
	uint64_t account; /* of the user who lives here */
	struct str user;  /* "bob@example.test" */
	struct str peer;  /* the authenticated sender, "alice@example.test" */
};

/* A pager MESSAGE for the sessions of a user who lives here. */
void im_deliver(struct im *im, struct sip_req *rq, const struct im_who *who);
/* An INVITE for a session with a user who lives here and has phones alone. */
void im_invite(struct im *im, struct sip_req *rq, const struct im_who *who);
/* A request inside dialog `id`. */
void im_request(struct im *im, struct sip_req *rq, uint64_t id);
/* Is it an INVITE for an IM session: SDP with m=message? */
bool im_is_invite(const struct sip_msg *m);

struct im_stats {
	uint32_t sessions;
	uint64_t opened, messages_in, messages_out;
};
const struct im_stats *im_stats(const struct im *im);
