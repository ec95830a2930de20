/* Connections with peers of TCP allocations, in both dialects: shared by tcp.c (RFC 6062),
 * tcp_lync.c ([MS-TURN]) and tcp_conn.c, which makes and ends them. */
#pragma once

#include "loop/pipe.h"
#include "svc/relay/inside.h"

enum tcp_state {
	TCP_DIALING,
	TCP_WAITING, /* for the client's connection; of Lync, for a permission */
	TCP_JOINED,  /* of RFC 6062: pipe */
	TCP_AWAITED, /* of Lync: the peer is connecting to us at the same moment */
	TCP_OPEN,    /* of Lync */
};

struct tcp_conn {
	struct map_node by_id; /* of RFC 6062 */
	struct list node;      /* in alloc->tcp->conns */
	struct relay_alloc *alloc;
	uint32_t id;
	enum tcp_state state;
	struct addr peer;
	struct stream *stream;      /* the peer's; NULL when JOINED or AWAITED */
	struct pipe *pipe;          /* JOINED */
	uint8_t asked[STUN_ID_LEN]; /* RFC 6062, DIALING: of the request */
	struct buf early;           /* Lync: bytes for a peer with whom no connection is open yet */
	bool full;                  /* Lync: its client is not read, for this one takes nothing */
	struct timer late;
};

struct relay_tcp {
	struct listener *listener;
	struct list conns;
	unsigned n;
	/* Lync: why the client's connection and the peers' are not read */
	unsigned n_full;
	bool client_full, resting;
	struct timer rest;
};

extern const struct stream_limits tcp_peer_limits;

/* It has all connections that it may have, or its user has. */
bool tcp_is_full(const struct relay_alloc *a);
/* Not yet of any state; the caller sets one, and the stream. */
struct tcp_conn *tcp_conn_new(struct relay_alloc *a, const struct addr *peer);
void tcp_conn_free(struct tcp_conn *c);
/* Frees it too, but what was sent to the peer arrives. */
void tcp_part(struct tcp_conn *c);
/* Of that number; NULL. */
struct tcp_conn *tcp_conn_of(const struct relay *r, uint32_t id);
/* With that peer; NULL. */
struct tcp_conn *tcp_conn_with(const struct relay_alloc *a, const struct addr *peer);
/* Sets the state, and how long it may last. */
void tcp_wait(struct tcp_conn *c, enum tcp_state state);
/* From the relayed address to where the peer is reached: 0 or -errno. */
int tcp_dial(struct tcp_conn *c, const struct addr *to, const struct stream_ops *ops);
void tcp_count(struct relay_alloc *a, bool in, size_t bytes);
/* For how long nothing is to be read, since a limit is reached; 0: it is not. */
usec_t tcp_owe(struct relay_alloc *a, size_t bytes);

/* What the states are to a dialect. */
void tcp_rfc_came(struct relay_alloc *a, int fd, const struct addr *peer);
void tcp_rfc_late(struct tcp_conn *c);
void tcp_lync_came(struct relay_alloc *a, int fd, const struct addr *peer);
void tcp_lync_late(struct tcp_conn *c);
void tcp_lync_gone(struct tcp_conn *c);
/* All connections are gone: the client's is read, if it lives on. */
void tcp_lync_closed(struct relay_alloc *a);
void tcp_lync_rested(struct relay_alloc *a);
