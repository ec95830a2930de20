/* A client of RFC 6062 at an edge: alice's control connection, and her data connections.  For the
 * tests of the engine. */
#pragma once

#include "far.h"

enum { MUCH = 4 * 1024 * 1024 }; /* more than the kernel keeps between two ends */

struct rfc {
	struct edge e;
	struct account alice, bob;
	struct relay_stream *control; /* owned by e.stream */
	struct party data;            /* owns the connection that is to be bound */
	struct relay_stream *binding;
	struct addr relayed;
	struct stun_msg m; /* the last answer */
};

/* Both know a nonce; nobody has an allocation. */
void rfc_start_with(struct rfc *w, uint32_t port_kbps, uint32_t user_kbps);
/* Alice has one, without limits. */
void rfc_start(struct rfc *w);
void rfc_stop(struct rfc *w);

/* By alice's control connection: the code, 0 if the answer comes later. */
unsigned rfc_ask(struct rfc *w, struct stun_out *o);
/* Of a request with that peer. */
unsigned rfc_ask_of(struct rfc *w, struct stun_out *o, unsigned method, const struct addr *peer);
void rfc_begin_allocate(struct stun_out *o);
void rfc_allocate(struct rfc *w);
unsigned rfc_permit(struct rfc *w, const struct addr *peer);
/* Connect: the code, sooner or later; *ret_id if it is 200. */
unsigned rfc_connect_to(struct rfc *w, const struct addr *peer, uint32_t *ret_id);

/* A connection of the client's as its owner has it; *ret is the client's end of it. */
struct stream *rfc_connection(struct rfc *w, struct far *ret);
/* ConnectionBind by a new connection, w->binding: the code. */
unsigned rfc_ask_bind(struct rfc *w, uint32_t id, const struct account *a);
/* The same to the end; *ret is the client's end. */
void rfc_bind_to(struct rfc *w, uint32_t id, struct far *ret);
/* Alice has connected to a peer, and is bound. */
void rfc_start_joined(struct rfc *w, struct far *peer, struct far *client);
void rfc_stop_joined(struct rfc *w, struct far *peer, struct far *client);
