/* The engine of the A/V edge: TURN allocations (RFC 8656) for clients over UDP and streams, from
 * the first packet of a stranger to the packets that are relayed; and those of Lync clients
 * ([MS-TURN]), told apart by each message.
 *
 * It takes packets and frames, answers, and passes on; sockets are made by its owner, who knows the
 * ports (ops).  A relayed packet goes out from where it was received (loop/packet.h).  Users are
 * known by grants (auth/relay_grant.h); nothing is kept of who has none. */
#pragma once

#include "auth/relay_grant.h"
#include "loop/packet.h"
#include "loop/stream.h"
#include "wire/turn/turn.h"

enum {
	RELAY_ALLOCATIONS_MAX = 15000, /* of a process: 486 beyond; its descriptors end at 20,000 */
	RELAY_PERMISSIONS_MAX = 64,    /* of an allocation: 508 beyond */
	RELAY_CHANNELS_MAX = 64,
	RELAY_LIFE_DEFAULT_S = 600, /* RFC 8656 section 3.2 */
	RELAY_LIFE_MAX_S_EACH = 3600,
	RELAY_PERMISSION_S = 300,
	RELAY_CHANNEL_S = 600,
	RELAY_RESERVATION_S = 30,
	RELAY_NONCE_S = 3600, /* then 438 */
	RELAY_REALM_MAX = 128,
	RELAY_ID_BITS = 26,       /* of the number of a TCP connection, beside its process's */
	RELAY_TCP_CONNS_MAX = 32, /* of a TCP allocation: 508 beyond */
	RELAY_USER_TCP_CONNS_MAX = 256, /* of a user, in a process: 508 beyond */
	RELAY_TCP_HELD_MAX = 8,         /* Lync: of these, strangers: the oldest one goes beyond */
	/* Of these, whose allocation is over, in a process: the oldest one goes of who has most. */
	RELAY_PARTINGS_MAX = 256,
	RELAY_TCP_WAIT_S = 30,     /* RFC 6062: for a peer's answer, and for the client to come */
	RELAY_BARS_MAX = 1024,     /* users whose credentials are refused, in a process */
	RELAY_TCP_PORT_MIN = 1024, /* of peers: services of hosts are not for a relay's clients */
	RELAY_TCP_EARLY_MAX = 16 * 1024, /* Lync: bytes for a peer that is not connected yet */
	/* Answers to who has shown no credentials: of one address (IPv6: of one /64, and so many
	 * times as much of one /48) ... */
	RELAY_STRANGER_BURST = 20,
	RELAY_STRANGER_PER_S = 5,
	RELAY_STRANGER_SITE = 8,
	RELAY_STRANGER_STREAM_MAX = 64, /* ... and by one connection: it is ended beyond */
	/* Requests of one user in a process: so many at once, and more for each allocation that
	 * he may have; when none comes, all may come again after that time. */
	RELAY_ASKS_BURST = 300,
	RELAY_ASKS_EACH = 5,
	RELAY_ASKS_FULL_S = 10,
	RELAY_CONNECT_COST = 5, /* in requests: so nobody looks for open ports through us */
	/* bounds and defaults of the settings */
	RELAY_PORT_KBPS_DEFAULT = 3000, /* F-134 */
	RELAY_USER_KBPS_DEFAULT = 10000,
	RELAY_USER_ALLOCATIONS_DEFAULT = 60,
	RELAY_FACES_MAX = 8,
	RELAY_RANGES_MAX = 32, /* of closed and open networks each */
	RELAY_HOSTS_MAX = 640, /* addresses of the deployment */
	RELAY_EDGES_MAX = 256,
};

struct relay;        /* opaque */
struct relay_alloc;  /* opaque */
struct relay_stream; /* opaque: a client's connection */

/* Where relayed sockets are, of one family. */
struct relay_address {
	struct addr local;    /* where they are bound; its port means nothing */
	struct addr external; /* as peers see it: the same, or what a NAT shows */
};

/* A relayed address of another edge of the deployment: that host, and these ports. */
struct relay_edge {
	struct addr host;
	uint16_t first, last;
};

struct relay_config {
	struct str realm;                                /* copied */
	const uint8_t *pool_key;                         /* 32 bytes */
	uint32_t port_kbps, user_kbps, user_allocations; /* where the grant says nothing */
	uint32_t allocations_max;
	uint32_t tcp_conns_max; /* with peers: 508 beyond; 0: no limit */
	uint32_t slot;          /* of this process; at most 63 */
	/* Of IPv4 and of IPv6, either of AF_UNSPEC: none.  Who is behind these is reached if it is
	 * a relayed socket (ops.is_live), however the network around the edge is made. */
	struct relay_address own[2];
	/* No connections from peers to relayed addresses of TCP, but from those of this edge. */
	bool closed_tcp;
	/* Peers that nobody may reach; those that may be reached though they are private or
	 * `hosts`; and the deployment's own hosts.  The first list counts before the second, that
	 * before the third.  Copied. */
	const struct addr_range *closed, *open, *hosts;
	size_t n_closed, n_open, n_hosts;
	/* Whom clients may reach though they are `hosts`.  Copied. */
	const struct relay_edge *edges;
	size_t n_edges;
};

/* Where clients come to. */
struct relay_face {
	struct packet_port *udp; /* for answers; NULL: streams alone */
	struct addr local;
};

/* A relayed socket that is wanted. */
struct relay_want {
	int family;       /* AF_INET or AF_INET6 */
	bool tcp;         /* it is to listen, and to be the source of connections */
	bool even;        /* an even port */
	bool pair;        /* with it the next one is kept, for who asks for it exactly */
	uint16_t exactly; /* a port that was kept, by any process of the edge; 0: any */
};
/* What was opened. */
struct relay_opened {
	int fd;               /* the callee's from now on */
	struct addr external; /* as peers see it: what the client is told */
};

enum relay_end {
	RELAY_RELEASED, /* by its client */
	RELAY_EXPIRED,
	RELAY_GONE, /* the client's connection ended */
	RELAY_REVOKED,
	RELAY_STOPPED,
	RELAY_N_ENDS,
};

/* Why credentials that somebody shows are not taken (401). */
enum relay_denial {
	RELAY_DENIED_EXPIRED,
	RELAY_DENIED_PASSWORD, /* they are ours, but what was signed is not signed with them */
	RELAY_DENIED_KEY,      /* of another pool's key, changed, or no credentials at all */
	RELAY_DENIED_REVOKED,  /* relay_bar() */
	RELAY_N_DENIALS,
};

/* What is told of an allocation, at its end and on the way. */
struct relay_info {
	struct str user;
	uint64_t number;                /* this process's */
	void *owner;                    /* of the client's connection; NULL: over UDP */
	struct addr client, relayed[2]; /* the second of AF_UNSPEC: there is none */
	bool lync;
	uint32_t peers, channels;
	uint64_t packets_in, packets_out, bytes_in, bytes_out; /* in: from peers */
	uint64_t dropped;
	usec_t began, until;
};

/* What a process has to know to give another one's client a connection with a peer. */
struct relay_pass {
	uint32_t id;
	uint8_t key[16];
};

struct relay_ops {
	/* 0, or -errno: no port is free, no descriptor. */
	int (*open)(void *arg, const struct relay_want *want, struct relay_opened *ret);
	/* The port is free again; the descriptor has been closed. */
	void (*closed)(void *arg, const struct addr *external);
	/* The port of a pair is free again if nobody has come for it. */
	void (*unkeep)(void *arg, const struct addr *external);
	/* Is this external address a relayed socket at this moment, of any process of the edge? */
	bool (*is_live)(void *arg, const struct addr *external, bool tcp);
	void (*began)(void *arg, const struct relay_info *info);
	void (*ended)(void *arg, const struct relay_info *info, enum relay_end why);
	/* Credentials were refused; user: as they say, which is true of PASSWORD and REVOKED alone,
	 * or what stood in their place, bytes of a stranger.  NULL: nobody is told. */
	void (*denied)(void *arg, const struct addr *client, struct str user,
	               enum relay_denial why);
	/* To a client by its connection, whole.  droppable: it is a packet, which may be lost if
	 * the client reads too slowly; all else may not. */
	void (*to_stream)(void *arg, void *owner, struct bytes frame, bool droppable);
	/* Does it take more at the moment?  If not, relay_stream_room() follows when it does. */
	bool (*has_room)(void *arg, void *owner);
	/* Nothing more is read from it, or all again. */
	void (*pause)(void *arg, void *owner, bool paused);
	/* It ends, when what was sent has gone. */
	void (*hang_up)(void *arg, void *owner);
	/* The client's connection wants one that process `slot` of the edge has: it is asked by
	 * relay_join() there, and relay_stream_passed() follows here.  False: it cannot be asked.
	 */
	bool (*pass)(void *arg, void *owner, uint32_t slot, const struct relay_pass *what);
};

/* Copies cfg; borrows ops and arg. */
struct relay *relay_new(struct loop *l, struct packets *ps, const struct relay_config *cfg,
                        const struct relay_ops *ops, void *arg);
/* Ends all allocations. */
void relay_free(struct relay **rp);
void relay_configure(struct relay *r, const struct relay_config *cfg);
/* No new allocations: 300 to the address, or without one 486; those that are there go on. */
void relay_drain(struct relay *r, bool on);
bool relay_is_draining(const struct relay *r);

/* A datagram of a client, from packet_fn of the face's port. */
void relay_datagram(struct relay *r, const struct relay_face *f, const struct addr *from,
                    struct packet data);

/* A connection of a client; owner comes back in to_stream.  The framing is how it began. */
struct relay_stream *relay_stream_new(struct relay *r, const struct relay_face *f,
                                      const struct addr *peer, enum turn_framing framing,
                                      void *owner);
/* Its allocation ends. */
void relay_stream_free(struct relay_stream **sp);
/* A whole frame (wire/turn/turn.h).  False: it is nothing of ours, or one more of a stranger than
 * are answered, and the connection is to be ended. */
bool relay_frame(struct relay_stream *s, struct bytes frame);
/* After each frame: for how long no other one is to be given, since its user asks too much; 0. */
usec_t relay_stream_rest(const struct relay_stream *s);
bool relay_stream_has_allocation(const struct relay_stream *s);

/* TCP allocations (RFC 6062): a client's connection that has been bound to one with a peer is no
 * stream of frames any more. */
enum relay_joining { RELAY_NOT_JOINING, RELAY_JOINING, RELAY_PASSING };
/* After each frame: JOINING, relay_stream_join() is due; PASSING, nothing is to be read until
 * relay_stream_passed() has been called. */
enum relay_joining relay_stream_joining(const struct relay_stream *s);
/* Takes the connection itself. */
void relay_stream_join(struct relay_stream **sp, struct stream *client);
/* The other process has taken it, or not: answers the client. */
void relay_stream_passed(struct relay_stream *s, bool taken);
/* ops.has_room said no, and it would say yes now. */
void relay_stream_room(struct relay_stream *s);
/* For a client of another process: takes its stream, or false. */
bool relay_join(struct relay *r, const struct relay_pass *what, struct stream *client);

/* Ends the allocations of a user (empty: of all), and what of those before is still on its way, or
 * the one of that number alone if it is not 0; returns how many allocations. */
unsigned relay_revoke(struct relay *r, struct str user, uint64_t number);

/* Ends the allocations of a user and refuses her credentials, those too that are made later, until
 * relay_admit(), or until all that were made before are over (RELAY_LIFE_MAX_S).  How many have
 * ended; -EINVAL: the name is empty or longer than RELAY_USER_MAX; -ENOSPC: RELAY_BARS_MAX are
 * refused already. */
int relay_bar(struct relay *r, struct str user) MUST_CHECK;
/* Was she refused? */
bool relay_admit(struct relay *r, struct str user);
bool relay_is_barred(const struct relay *r, struct str user);
/* One after the other, the first one for "" and "" at the end; until: on the loop's clock. Borrows,
 * until one is barred or admitted. */
struct str relay_next_barred(const struct relay *r, struct str after, usec_t *ret_until);

struct relay_stats {
	uint32_t allocations, users, barred;
	uint32_t tcp_conns; /* with peers, of allocations that have ended too */
	uint64_t allocated, ended[RELAY_N_ENDS];
	uint64_t relayed_packets, relayed_bytes;
	uint64_t refused;                 /* requests, for any reason but a missing credential */
	uint64_t challenged;              /* 401 and 438 */
	uint64_t denied[RELAY_N_DENIALS]; /* of them: credentials that are not good */
	uint64_t unanswered; /* by datagrams, of strangers and users who asked too often */
	uint64_t dropped; /* packets: without a permission, above the limits, to a refused peer */
};
const struct relay_stats *relay_stats(const struct relay *r);
/* One after the other; NULL to begin, and at the end.  Nothing may end in between. */
struct relay_alloc *relay_next(const struct relay *r, const struct relay_alloc *after);
void relay_describe(const struct relay_alloc *a, struct relay_info *ret);
