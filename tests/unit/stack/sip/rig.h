/* A SIP stack on loopback sockets whose clock the test moves, and the peers that talk to it over
 * plain sockets of their own. */
#pragma once

#include "await.h"
#include "stack/sip/txn.h"

enum { PEER_MAX = 80 * 1024 };

struct rig {
	struct loop *loop;
	struct sip_stack *stack;
	struct sip_transport *tp;
	void (*handle)(struct rig *r, struct sip_req *rq);
	void *user; /* of the test */
	unsigned n_requests, n_closed;
	struct sip_flow *opened; /* the last connection that came; borrowed */
	struct addr udp_at, tcp_at;
};

/* A message that was heard. */
struct heard {
	char text[PEER_MAX + 1];
	size_t len;
	struct sip_msg msg;
};

struct peer {
	struct rig *rig;
	enum sip_kind kind; /* SIP_UDP or SIP_TCP */
	int fd;
	struct addr at;
	char in[PEER_MAX]; /* TCP: what has not been cut into messages yet */
	size_t n_in;
	struct heard last, invite; /* the last message; the last INVITE */
};

/* What is particular about a request; what is NULL or 0 is usual. */
struct ask {
	const char *method, *branch, *lines, *via; /* via: the whole value instead */
	const char *uri, *to_tag, *call_id, *body;
	unsigned cseq;
};

/* Each request that the stack hands up goes to `handle`. */
void rig_start(struct rig *r, void (*handle)(struct rig *r, struct sip_req *rq), void *user);
void rig_stop(struct rig *r);
/* Everything that can happen without time passing. */
void rig_turn(struct rig *r);
/* Time passes, in steps of 50 ms. */
void rig_pass(struct rig *r, unsigned ms);
/* Time passes, in steps of a second, until no transaction is left. */
void rig_drain(struct rig *r);

/* peer_open takes memory: close it. */
struct peer *peer_open(struct rig *r, enum sip_kind kind);
void peer_close(struct peer **pp);
void peer_send(struct peer *p, struct str bytes);
void peer_ask(struct peer *p, const struct ask *a);
/* Waits for nothing: the next message that is there goes to p->last; false if there is none. */
bool peer_hears(struct peer *p);
/* True if the next message there begins like this: "SIP/2.0 200", "INVITE ". */
bool peer_hears_start(struct peer *p, const char *start);
/* Takes all messages that are there; how many of them begin like this. */
unsigned peer_count(struct peer *p, const char *start);
/* Answers a request that it heard, with further lines and a To tag. */
void peer_answer(struct peer *p, const struct heard *req, int code, const char *lines);
/* The value of a field of the last message. */
struct str peer_field(const struct peer *p, enum sip_hdr_id id);
/* The flow on which the stack reaches this peer; the caller's reference. */
struct sip_flow *peer_flow(struct peer *p);
