/* The inside of the A/V edge: shared by the files of this folder. */
#pragma once

#include "auth/relay_grant.h"
#include "base/hash.h"
#include "base/log.h"
#include "loop/pipe.h"
#include "role/by_door.h"
#include "role/gate.h"
#include "stack/sip/txn.h"
#include "svc/relay/settings.h"
#include "wire/mrasp/mrasp.h"

enum {
	EA_SLOTS_MAX = RELAY_SLOTS_MAX,
	EA_FACES_MAX = 32, /* addresses and ports where clients come to */
	EA_OPENING_S = 10, /* so long a connection may take to say what it speaks */
	EA_IDLE_S = 30,    /* so long it may be without an allocation */
	EA_LINGER_S = 2,   /* so long one that we close is still read */
	/* Connections without an allocation: beyond, the oldest goes of the host with most. */
	EA_WAITING_MAX = 1024,
	EA_HOSTS = 2048, /* that are told apart there */
	EA_ACCEPTS_PER_TURN = 32,
	EA_UNSENT_MAX = 128 * 1024, /* bytes that wait for a slow client: packets are dropped */
	EA_ROOM = 32 * 1024,        /* so many, and peers of its TCP allocation are not read */
	EA_FRAME_MAX = 65535 + 4,
	/* What one connection may have done in a turn: packets, and requests, each of which is as
	 * much work as so many of them. */
	EA_TURN_WORK = 256,
	EA_REQUEST_WORK = 16,
	EA_LINES_PER_S = 20, /* of what strangers can cause */
	EA_ALLOCATION_LINES_PER_S = 1000,
	EA_USER_LINES_PER_S = 50, /* of one user's allocations */
	EA_USER_LIMITS = 1024,    /* users who are told apart there */
	EA_ASKED_PER_S = 200,     /* requests for credentials, of all: 500 beyond */
	EA_ASKED_PER_MIN = 60,    /* of one user */
	EA_ASKERS = 4096,         /* who are told apart there */
};

struct ea_face {
	struct edge_av *ea;
	struct relay_face face;
	struct listener *listener; /* NULL: UDP, or connections come by the door */
};

struct edge_av {
	struct role_env *env;
	struct relay_setup setup;
	uint8_t *live; /* svc/relay/live.h */
	struct packets *packets;
	struct relay_ports *ports;
	struct relay *relay;
	struct relay_keys *keys; /* for issuing */
	struct ea_face faces[EA_FACES_MAX];
	size_t n_faces;
	struct tls_server *tls; /* NULL: there is no certificate, and no TLS for clients */
	struct by_door *by_door;
	struct ea_passing *passing; /* pass.c */
	struct list waiting, conns; /* conn.c: without and with an allocation */
	unsigned n_waiting, n_conns;
	struct {
		uint64_t taken, refused, silent, foreign, dropped;
	} conn_stats;
	/* relay authentication */
	struct sip_stack *stack;
	struct sip_flow *fes[EA_SLOTS_MAX]; /* links to the front ends of this host, by slot */
	struct peer_tls peer_tls;
	struct gate *gate; /* front ends of other hosts; NULL: none */
	struct log_limit issued_limit, refusal_limit, alloc_limit, conn_limit, denied_limit;
	struct log_limit user_limits[EA_USER_LIMITS]; /* of allocations too */
	struct hash_key host_key; /* strangers choose addresses, and users names */
	struct ea_asked {
		usec_t since;
		uint32_t n;
	} asked, asked_by[EA_ASKERS];
	uint64_t granted, not_granted;
	struct defer stopped;
	void (*on_stopped)(void *arg);
	void *on_stopped_arg;
};

/* conn.c: clients that come by TCP and TLS. */
void ea_conn_accept(void *arg, struct listener *ls, int fd, const struct addr *peer);
/* One that came by the door. */
void ea_conn_by_door(void *arg, const struct topo_listen *at, int fd, const struct addr *peer);
/* An allocation has ended; owner: of relay_info. */
void ea_conn_ended(void *owner, enum relay_end why);
/* "tcp", "tls" */
const char *ea_conn_transport(void *owner);
/* relay_ops */
void ea_conn_send(void *arg, void *owner, struct bytes frame, bool droppable);
bool ea_conn_has_room(void *arg, void *owner);
void ea_conn_pause(void *arg, void *owner, bool paused);
void ea_conn_hang_up(void *arg, void *owner);
bool ea_conn_pass(void *arg, void *owner, uint32_t slot, const struct relay_pass *what);
void ea_conn_free_all(struct edge_av *ea);

/* pass.c: connections for another process of the edge. */
void ea_pass_start(struct edge_av *ea);
void ea_pass_stop(struct edge_av *ea);
void ea_pass_link(struct edge_av *ea, const struct role_link *link);
extern const struct stream_limits ea_pass_limits;
/* A descriptor from which "1" comes if that process has what is wanted, or the end; -errno. */
int ea_pass(struct edge_av *ea, uint32_t slot, const struct relay_pass *what) MUST_CHECK;
/* Takes both: bytes pass from each to the other. */
void ea_ferry(struct edge_av *ea, struct stream *client, struct stream *far);

/* mras.c: who asks for credentials, and gets them. */
struct ea_grant {
	char user[4 * (RELAY_NAME_MAX / 3 + 1) + 1], password[4 * (RELAY_PASSWORD_LEN / 3 + 1) + 1];
	uint32_t life_s;
};
/* -EINVAL: the user's name is empty or too long; -EACCES: her credentials are revoked. */
int ea_grant(struct edge_av *ea, struct str user, uint32_t life_s, struct ea_grant *ret) MUST_CHECK;
void ea_request(void *arg, struct sip_req *rq);
/* Where clients of a kind come to, for who gets credentials: those of the Internet or inside first;
 * how many there are, one or two. */
size_t ea_list_relays(const struct edge_av *ea, enum mrasp_location first,
                      struct mrasp_relay ret[2]);

/* hosts.c: front ends, of this host by links and of others by the gate. */
int ea_hosts_start(struct edge_av *ea, struct buf *why) MUST_CHECK;
int ea_hosts_reload(struct edge_av *ea, struct buf *why) MUST_CHECK;
void ea_hosts_free(struct edge_av *ea);
void ea_link_up(void *state, size_t i);
/* What the front end at the other end may ask; NULL: nothing. */
const struct role_right *ea_right_of(const struct edge_av *ea, const struct sip_flow *f);

/* commands.c */
extern const struct ctl_command ea_commands[];

/* figures.c */
void ea_metrics(void *state, struct buf *b);
void ea_status(void *state, struct buf *b);
enum role_load ea_load(void *state);
/* For the log: one line at the begin and one at the end of an allocation. */
void ea_began(void *arg, const struct relay_info *info);
void ea_ended(void *arg, const struct relay_info *info, enum relay_end why);
/* And of credentials that were refused. */
void ea_denied(void *arg, const struct addr *client, struct str user, enum relay_denial why);
extern const char *const ea_denials[RELAY_N_DENIALS]; /* "expired" */
/* "udp", "tcp", "tls" */
const char *ea_transport(const struct relay_info *i);
/* "192.0.2.7:50000", and the second one behind `between`. */
void ea_put_relayed(struct buf *b, const struct relay_info *i, const char *between);
