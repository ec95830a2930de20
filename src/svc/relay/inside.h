/* What the files of this folder share. */
#pragma once

#include "base/map.h"
#include "auth/sign_window.h"
#include "svc/relay/relay.h"
#include "wire/stun/stun.h"
#include "wire/turn/msturn.h"

/* Bits a second that may pass: full after one second without any. */
struct bucket {
	uint32_t kbps; /* 0: no limit */
	usec_t at;
	int64_t left; /* bytes */
};
void bucket_set(struct bucket *b, uint32_t kbps, usec_t now);
/* Takes so many bytes out; false: they are too many. */
bool bucket_take(struct bucket *b, size_t bytes, usec_t now);
/* Takes them though they are too many: how long until it is even again; 0: it is. */
usec_t bucket_owe(struct bucket *b, size_t bytes, usec_t now);

/* What the users of one hash may ask still; below 0 they owe. */
struct asks {
	usec_t at; /* 0: nobody has asked */
	int64_t left;
};

/* Somebody with allocations. */
struct relay_user {
	struct map_node node;
	unsigned n;          /* allocations */
	unsigned n_tcp;      /* connections with peers */
	unsigned n_partings; /* of them, those in tcp_part.c */
	bool is_server;      /* it has as much as there is */
	struct bucket bucket;
	size_t len;
	char name[];
};

struct permission {
	struct addr peer; /* its port means nothing */
	usec_t until;
};

struct channel {
	struct addr peer;
	usec_t until;
	uint16_t number;
};

/* One end of an allocation: a socket of one family. */
struct relayed {
	struct relay_alloc *alloc;
	bool open;                /* there is one of that family */
	struct packet_port *port; /* NULL: TCP */
	struct addr external;
};

/* What [MS-TURN] has besides. */
struct lync {
	struct addr
	        active; /* all that is no control message is from and to there; AF_UNSPEC: nobody */
	struct sign_window window; /* of the sequence numbers that came */
	uint8_t connection[MSTURN_CONNECTION_LEN];
};

struct relay_alloc {
	struct map_node by_client; /* of clients over UDP */
	struct list node;          /* in relay->allocs */
	struct relay *relay;
	struct relay_user *user;
	const struct relay_face *face;
	struct relay_stream *stream; /* NULL: over UDP */
	struct addr client;
	uint64_t number;
	struct relayed ends[2]; /* IPv4, IPv6 */
	uint8_t key[16];        /* of its user's credentials */
	/* Of the request that made it, which may come again, and what was answered besides. */
	uint8_t id[STUN_ID_LEN];
	uint64_t token;     /* of the reservation; 0: none */
	bool lacks;         /* the additional family that was wanted */
	usec_t grant_until; /* monotonic: the end of the credentials */
	usec_t began, until;
	struct timer expiry;
	struct bucket bucket;
	struct relay_tcp *tcp; /* tcp.c; NULL: UDP */
	struct lync *lync;     /* of a client with that dialect; or NULL */
	struct permission *permissions;
	struct channel *channels;
	uint8_t n_permissions, n_channels, last_permission, last_channel;
	uint64_t packets_in, packets_out, bytes_in, bytes_out, dropped;
};

static inline bool is_lync_tcp(const struct relay_alloc *a)
{
	return a->tcp && a->lync;
}

struct relay_stream {
	struct relay *relay;
	const struct relay_face *face;
	struct relay_alloc *alloc;
	void *owner;
	struct addr peer;
	enum turn_framing framing;
	unsigned strange;   /* answers without credentials */
	bool leaving;       /* it is hung up: what was read of it already is dropped */
	usec_t rests_until; /* its user has asked too much */
	/* ConnectionBind */
	enum relay_joining joining;
	struct relay_pass wanted;
	uint8_t asked[STUN_ID_LEN]; /* PASSING: of the request */
};

/* A port that is kept for who shows the token (reserve.c). */
struct reservation {
	struct list node;
	struct relay *relay;
	struct relay_user *user;
	struct addr external;
	unsigned times; /* it was kept: 1, and for every time before that has not ended */
	struct timer expiry;
};

enum { STRANGERS = 4096, ASKERS = 4096 };

/* Strangers of one hash of the address: how many answers they may have still. */
struct stranger {
	uint32_t at_ms;
	uint16_t left;
};

struct relay {
	struct loop *loop;
	struct packets *packets;
	const struct relay_ops *ops;
	void *arg;
	struct relay_config cfg;
	struct addr_range closed[RELAY_RANGES_MAX], open[RELAY_RANGES_MAX], hosts[RELAY_HOSTS_MAX];
	struct relay_edge edges[RELAY_EDGES_MAX];
	bool hidden; /* an own address that peers see is another one than we have */
	char realm[RELAY_REALM_MAX + 1];
	struct relay_keys *keys;
	struct hash_key nonce_key;
	struct map by_client, users, tcp_conns;
	struct list allocs, reservations;
	struct map bars; /* grants.c */
	struct list bar_order;
	struct list partings; /* tcp_part.c */
	unsigned n_partings;
	bool draining;
	uint64_t last_number;
	struct relay_stats stats;
	struct stranger strangers[STRANGERS], sites[STRANGERS]; /* by a hash of the address */
	struct asks asks[ASKERS];                               /* by a hash of the user */
	usec_t began, wall_began;                               /* on both clocks */
};

/* Who sends a message, and how it is answered. */
struct from {
	struct relay *relay;
	const struct relay_face *face;
	struct relay_stream *stream; /* NULL: a datagram */
	const struct addr *peer;
	struct relay_alloc *alloc; /* NULL: there is none */
};
void from_answer(const struct from *f, struct str message);
void from_answer_lync(const struct from *f, struct str message);
/* May its address have another answer without credentials?  (nonce.c) */
bool stranger_may(const struct from *f);

/* --- asks.c */

/* A request of that user: may it be served?  No: it came by a datagram, and is one too many. */
bool asks_let(const struct from *f, struct str user, unsigned cost);
/* It is served: until it may be again, 0: at once. */
usec_t asks_owe(struct relay *r, struct str user, unsigned cost);
static inline struct str user_of(const struct relay_alloc *a)
{
	return str_n(a->user->name, a->user->len);
}

/* --- nonce.c */

void nonce_put(struct buf *b, const struct relay *r, const struct addr *peer);
/* 0; -ESTALE: of this edge, but too old; -EBADMSG. */
int nonce_check(const struct relay *r, struct str nonce, const struct addr *peer);

/* --- grants.c: credentials */

/* A name that relay_grant_get() did not take, and its error. */
void grant_unread(const struct from *f, struct str name, int err);
/* One that it took: are its credentials good for the message?  is_signed: it is signed with them.
 */
bool grant_is_good(const struct from *f, const struct relay_grant *g, bool is_signed);
void bars_end(struct relay *r);

/* --- peers.c: whom nobody may reach through us */

bool peer_is_refused(const struct relay *r, const struct addr *peer);
/* Is it a relayed address of this edge, at this moment, or one of another edge? */
bool peer_is_ours(const struct relay *r, const struct addr *peer, bool tcp);
/* Where what is for this peer is sent: there, or, if it is a relayed socket of this edge, to that.
 * NULL: nowhere.  `space` holds the result. */
const struct addr *peer_way(const struct relay *r, const struct addr *peer, bool tcp,
                            struct addr *space);
/* Who sent this, as others see it. */
const struct addr *peer_seen(const struct relay *r, const struct addr *from, struct addr *space);

/* --- alloc.c */

struct relay_alloc *alloc_of(const struct relay *r, const struct relay_face *f,
                             const struct addr *client);
/* What was asked for, by whom. */
struct alloc_want {
	const struct relay_grant *grant;
	const uint8_t *key;
	const uint8_t *id; /* STUN_ID_LEN bytes; or NULL */
	bool lync;
	bool family[2]; /* the second beside the first is additional: it may be missing */
	bool even, pair, tcp;
	bool whole;     /* it will send packets with DF */
	uint64_t token; /* of a reservation; 0: none */
	uint32_t life_s;
};
/* 0 and *ret; or an error code of RFC 8656: 437, 440, 486, 508. */
unsigned alloc_new(const struct from *f, const struct alloc_want *w, struct relay_alloc **ret);
void alloc_end(struct relay_alloc *a, enum relay_end why);
/* Its life from now on; not longer than its credentials'. */
uint32_t alloc_extend(struct relay_alloc *a, uint32_t life_s);
/* Seconds. */
uint32_t alloc_left(const struct relay_alloc *a);
struct relayed *alloc_end_of(struct relay_alloc *a, int family);
/* For so many seconds.  0, 443 (another family), 403 (refused), 508 (too many). */
unsigned alloc_permit(struct relay_alloc *a, const struct addr *peer, unsigned seconds);
/* The same of several: all or none. */
unsigned alloc_permit_all(struct relay_alloc *a, const struct addr *peers, unsigned n,
                          unsigned seconds);
bool alloc_permits(struct relay_alloc *a, const struct addr *peer, usec_t now);
/* 0, 400 (bound otherwise), 443, 403, 508. */
unsigned alloc_bind(struct relay_alloc *a, uint16_t number, const struct addr *peer);
struct channel *channel_numbered(struct relay_alloc *a, uint16_t number, usec_t now);
struct channel *channel_to(struct relay_alloc *a, const struct addr *peer, usec_t now);

/* NULL: nothing is kept for him. */
struct relay_user *user_find(const struct relay *r, struct str name);
/* A user for whom something is kept: user_put() ends him when nothing is. */
void user_put(struct relay *r, struct relay_user *u);

/* --- reserve.c */

/* Keeps the port behind this one for the user; the token. */
uint64_t reserve(struct relay *r, struct relay_user *u, const struct addr *before);
/* Of a token that this user got, of whichever process: 0 and the port with its family; -ENOENT. */
int reserve_claim(const struct relay *r, const struct relay_user *u, uint64_t token,
                  int *ret_family, uint16_t *ret_port);
void reservations_end(struct relay *r);

/* --- tcp.c */

/* The relayed socket of a TCP allocation, which it takes: 0 or -errno. */
int tcp_open(struct relay_alloc *a, const struct relay_opened *o);
/* cut: what the client has sent does not go out any more. */
void tcp_close(struct relay_alloc *a, bool cut);
/* Of that user, or of all (NULL). */
void tcp_partings_end(struct relay *r, const struct relay_user *u);
/* Connect; answered later.  Or an error code: 403, 443, 446, 508. */
unsigned tcp_connect(struct relay_alloc *a, const struct addr *peer, const uint8_t id[STUN_ID_LEN]);
/* Does that connection of this process wait for a client with that key? */
bool tcp_is_waiting(const struct relay *r, const struct relay_pass *what);
bool tcp_is_of_other_process(const struct relay *r, uint32_t id);
/* The allocation of RFC 6062 that has the connection of that number here; NULL. */
const struct relay_alloc *tcp_alloc_of(const struct relay *r, uint32_t id);
/* Joins it with the client's connection, which it takes; false: it does not wait any more. */
bool tcp_join(struct relay *r, const struct relay_pass *what, struct stream *client);
/* Of a Lync client: bytes of its stream to that peer. */
void tcp_lync_send(struct relay_alloc *a, const struct addr *peer, struct str data);
/* The host of that peer has a permission now. */
void tcp_lync_permitted(struct relay_alloc *a, const struct addr *peer);

/* --- request.c */

/* STUN and TURN with the cookie, but Send. */
void request(struct from *f, const struct stun_msg *m);

/* --- lync.c */

/* A control message of [MS-TURN]; data points to memory that is writable as a packet's.  False: it
 * is none. */
bool lync_message(struct from *f, struct packet data);

/* --- data.c */

/* Is it the one that a Lync client has chosen? */
bool is_active(const struct relay_alloc *a, const struct addr *peer);
/* Indications have an id of their own that nobody answers. */
void make_id(uint8_t ret[STUN_ID_LEN], const struct relay_alloc *a);
void data_from_peer(void *arg, struct packet_port *port, const struct addr *from,
                    struct packet data);
void data_to_peer(struct relay_alloc *a, const struct addr *peer, struct packet data);
/* Of a Lync client, to the peer that it has chosen. */
void data_to_active(struct relay_alloc *a, struct packet data);
void data_by_channel(struct relay_alloc *a, struct packet in, enum turn_carrier c);
void data_by_send(struct relay_alloc *a, const struct stun_msg *m);
