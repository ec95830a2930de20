/* Flows: what a SIP message came in on and what an answer goes out on (RFC 5626 section 3.1).
 *
 * A flow is a connection (TCP, TLS, a local link between two processes) or a pair of UDP socket and
 * remote address, or what somebody else carries (WebSocket, RFC 7118).  The transport frames
 * streams, answers keep-alives, counts, and hands whole messages up; nothing above it touches a
 * socket. */
#pragma once

#include "loop/stream.h"
#include "base/map.h"
#include "loop/udp.h"
#include "wire/sip/compose.h"
#include "wire/sip/msg.h"

enum sip_kind { SIP_UDP, SIP_TCP, SIP_TLS, SIP_WSS, SIP_LINK, SIP_N_KINDS };

enum {
	SIP_UDP_SAFE_MAX = 1300,     /* larger requests want a stream (RFC 3261 section 18.1.1) */
	SIP_OPEN_MAX_S = 10,         /* connect and handshake */
	SIP_WRITE_MAX = 1024 * 1024, /* bytes a slow client may leave unread */
	SIP_LINK_WRITE_MAX = 256 * 1024 * 1024,
	SIP_ACCEPTS_PER_TURN = 64,
};

struct sip_transport; /* opaque */
struct sip_flow;

/* Security of the hop (design section 4): checked before anything is believed, signed last, once a
 * message.  A flow without it is taken as it is. */
struct sip_sec_ops {
	/* 0; -EACCES: the message is dropped with one log line. */
	int (*verify)(void *state, struct sip_flow *f, const struct sip_msg *m);
	/* Adds to the composed message what signs it; 0, or -EMSGSIZE: it cannot be signed, and is
	 * not sent. */
	int (*sign)(void *state, struct sip_flow *f, struct buf *msg);
};

/* Somebody who wants to know when the flow ends. */
struct sip_watch {
	struct list node;
	void (*lost)(void *arg);
	void *arg;
};

/* Who carries a flow that is no socket of ours: each message whole, as WebSocket does. */
struct sip_carrier {
	void (*send)(void *arg, struct str message);
	/* End it after what was sent; sip_flow_lost() follows, not from inside this call. */
	void (*close)(void *arg);
};

struct sip_flow {
	struct sip_transport *tp;
	uint32_t refs;
	uint8_t kind; /* enum sip_kind */
	bool closed;
	bool inbound;  /* the peer opened it */
	bool client;   /* at the other end is a client, whoever opened it */
	bool server;   /* at the other end is a role of ours: a local link, or another host's */
	bool opened;   /* streams that we opened: it is there */
	uint16_t sock; /* UDP: index of the socket; else of the listener; of a server: who it is */
	uint64_t id;   /* streams: never used twice by a process; UDP: 0 */
	struct addr peer, local;
	const struct sip_sec_ops *sec;
	void *sec_state;
	void *user;     /* of the transport's owner (svc/access) */
	uint32_t n_stx; /* of the stack: server transactions whose request came here */
	/* private */
	struct stream *stream;
	const struct sip_carrier *carrier; /* NULL: it has a stream or a socket */
	void *carrier_arg;
	struct sip_framer framer;
	struct list watches;
	struct list node;
	struct map_node by_id;
};

struct sip_transport_ops {
	/* A connection came in or a link is up; false refuses it. */
	bool (*opened)(void *arg, struct sip_flow *f);
	/* A whole message, not yet checked. */
	void (*message)(void *arg, struct sip_flow *f, struct sip_msg *m);
	/* The connection is gone; watches have been told.  Also for outgoing ones. */
	void (*closed)(void *arg, struct sip_flow *f, const char *why);
	/* Something other than SIP on a UDP socket (STUN); may be NULL. */
	void (*other)(void *arg, struct sip_flow *f, struct str datagram);
	/* Each message in or out, for `dialtone trace`; NULL while nobody looks. */
	void (*tap)(void *arg, const struct sip_flow *f, bool out, struct str msg);
	/* A connection was not taken: -EMFILE and the like (stream.h), -EUSERS above max_flows. */
	void (*refused)(void *arg, int err);
};

struct sip_transport_config {
	uint32_t client_max; /* bytes of a message from a client */
	uint32_t max_flows;  /* connections of clients; above: refused, counted */
	struct tls_server *tls;
	struct hash_key loop_key; /* of loop detection: the same in all processes of a pool */
	uint32_t probe_s;         /* idle TCP and TLS peers are probed after; 0: never */
	const char *link_name;    /* sent-by on links: "frontend-1.dialtone.invalid" */
};

struct sip_transport_stats {
	uint64_t msgs_in[SIP_N_KINDS], msgs_out[SIP_N_KINDS];
	uint64_t opened[SIP_N_KINDS], flows[SIP_N_KINDS];
	uint64_t refused, broken, pings;
	uint64_t refused_full; /* of refused: at the descriptor limit */
	uint64_t large_tcp,
	        large_udp; /* large requests to UDP peers: tried over TCP; UDP at once */
};

struct sip_transport *sip_transport_new(struct loop *l, const struct sip_transport_config *cfg,
                                        const struct sip_transport_ops *ops, void *arg);
/* Closes everything; no callback follows. */
void sip_transport_free(struct sip_transport **tp);
/* Takes the tap on or off. */
void sip_transport_tap(struct sip_transport *tp,
                       void (*tap)(void *arg, const struct sip_flow *f, bool out, struct str msg));
/* Takes a bound socket (UDP), or a listening one (TCP, TLS). */
void sip_transport_listen(struct sip_transport *tp, enum sip_kind kind, int fd);
/* Takes a client's connection that was accepted elsewhere, for TLS; it is ended if there are too
 * many.
 */
void sip_transport_take(struct sip_transport *tp, int fd);
/* Takes one end of a local link to the process `slot`. */
struct sip_flow *sip_transport_link(struct sip_transport *tp, uint16_t slot, int fd);
/* The same, but what comes by it are clients' messages, of many of them, which that process speaks
 * for: the flow is a client's. */
struct sip_flow *sip_transport_trunk(struct sip_transport *tp, uint16_t slot, int fd);
/* Takes an open stream to a role of another host, who has been looked at; opened() is not called.
 */
struct sip_flow *sip_transport_adopt(struct sip_transport *tp, uint16_t sock, struct stream *s);
/* A client's connection that the caller carries.  NULL: there are too many (refused() was told), or
 * the owner does not want it.  Borrowed: it lives until sip_flow_lost() or the transport's end, and
 * after the latter the carrier is not called any more. */
struct sip_flow *sip_transport_carry(struct sip_transport *tp, enum sip_kind kind,
                                     const struct addr *peer, const struct addr *local,
                                     const struct sip_carrier *carrier, void *arg);
/* One message of the peer came to the carrier.  What is above client_max is answered with 513, and
 * the flow goes on: where the next one begins is known. */
void sip_flow_take(struct sip_flow *f, struct str message);
/* The carried connection is gone. */
void sip_flow_lost(struct sip_flow *f, const char *why);
/* New connections use these from now on. */
void sip_transport_set_tls(struct sip_transport *tp, struct tls_server *tls);
/* Stops or starts taking new connections (shutdown). */
void sip_transport_pause(struct sip_transport *tp, bool paused);
/* How many new connections are taken in one turn (SIP_ACCEPTS_PER_TURN at the start). */
void sip_transport_set_accepts(struct sip_transport *tp, unsigned per_turn);
const struct sip_transport_stats *sip_transport_stats(const struct sip_transport *tp);

/* A connection to a server of the topology: the one that is there, or a new one (RFC 5923 reuse).
 */
struct sip_flow *sip_transport_connect(struct sip_transport *tp, enum sip_kind kind,
                                       const struct addr *to, struct tls_client *tls,
                                       struct str server_name);
/* The open stream with this id, or NULL. Borrowed. */
struct sip_flow *sip_flow_find(struct sip_transport *tp, uint64_t id);
/* A flow object for a UDP socket and a peer; the caller owns the reference. NULL: no such socket.
 */
struct sip_flow *sip_flow_udp(struct sip_transport *tp, uint16_t sock, const struct addr *peer);
/* All connections of clients, oldest first: NULL to start, NULL at the end. */
struct sip_flow *sip_flow_next(struct sip_transport *tp, struct sip_flow *after);

struct sip_flow *sip_flow_ref(struct sip_flow *f);
void sip_flow_unref(struct sip_flow **fp);
/* Sends a whole message (signs it, if the flow has security).  0; -EPIPE: the flow is closed;
 * -EMSGSIZE: no datagram can be so large. */
int sip_flow_send(struct sip_flow *f, struct str msg);
/* The same without security or tap: keep-alives. */
int sip_flow_send_raw(struct sip_flow *f, struct str bytes);
/* Ends a connection after what is queued was sent; no effect on UDP. */
void sip_flow_close(struct sip_flow *f);
void sip_flow_watch(struct sip_flow *f, struct sip_watch *w, void (*lost)(void *arg), void *arg);
void sip_flow_unwatch(struct sip_watch *w);

static inline bool sip_flow_reliable(const struct sip_flow *f)
{
	return f->kind != SIP_UDP;
}

/* See sip_transport_trunk(). */
static inline bool sip_flow_is_trunk(const struct sip_flow *f)
{
	return f->client && f->kind == SIP_LINK;
}

/* "UDP", "TCP", "TLS", "WSS", "LINK": as in Via. */
const char *sip_kind_name(enum sip_kind k);
/* The sent-by of our Via on this flow. */
void sip_flow_put_sent_by(struct buf *b, const struct sip_flow *f);
/* A buffer to compose one message in, emptied by each call; used up before control returns. */
struct buf *sip_transport_out(struct sip_transport *tp);
struct loop *sip_transport_loop(struct sip_transport *tp);
