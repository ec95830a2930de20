/* An edge of one face on loopback, with clients that speak TURN by the project's own codec, and
 * peers: for the tests of the engine.  The clock is the test's. */
#pragma once

#include "await.h"
#include "loop/udp.h"
#include "svc/relay/relay.h"
#include "wire/stun/stun.h"
#include "wire/turn/turn.h"

enum { EDGE_INBOX = 64, EDGE_STEP_MS = 10, EDGE_SAID_MAX = 16 * 1024 * 1024 };

/* A socket of the test, or the owner of a client's connection: what it got last. */
struct party {
	struct udp *u;
	struct addr at, from;
	unsigned n;
	char last[2048];
	size_t len;
	/* by a connection: all that it got, one after the other; it takes no more; it is not read;
	 * so often it was told to end */
	struct buf all;
	bool full, paused;
	unsigned n_hung_up;
};

struct edge {
	struct loop *loop;
	struct packets *packets;
	struct relay *relay;
	struct relay_keys *issuer;
	struct relay_face face;
	struct relay_config cfg;
	struct addr_range open[2];
	unsigned open_ports;       /* relayed sockets */
	unsigned kept_ports, kept; /* of pairs: how many, and the last one */
	uint16_t even_at;          /* where a pair is made; 0: anywhere */
	struct addr live;          /* what is a relayed socket, as the edge is told */
	bool no_ports;             /* there are none */
	bool no_v6;                /* of IPv6 */
	unsigned n_began, n_ended[RELAY_N_ENDS];
	bool passes;      /* other processes can be asked */
	uint32_t pass_to; /* the one that was asked last, and for what */
	struct relay_pass passed;
	struct party stream;    /* what goes to the client of a connection, in `last` */
	struct relay_info info; /* of the last end */
	unsigned n_denied;      /* credentials, and the last ones */
	enum relay_denial denied;
	char denied_user[RELAY_USER_MAX + 1];
};

void edge_start(struct edge *e);
void edge_stop(struct edge *e);
/* Its time goes on, and what is due happens. */
void edge_wait(struct edge *e, unsigned seconds);

void party_start(struct party *p, struct loop *l);
/* One without a socket, who owns a connection. */
void party_own(struct party *p);
void party_stop(struct party *p);

/* Somebody with credentials. */
struct account {
	char name[512], password[64], realm[64], nonce[64];
	uint8_t key[STUN_KEY_LEN];
};
void account_get(struct account *a, struct edge *e, const char *user, unsigned life_s);
/* Those of a server. */
void account_get_server(struct account *a, struct edge *e, const char *name);

/* A request that is being written; edge_ask() signs it, if a is not NULL, sends it from the party,
 * or by the connection, and reads the answer into *ret, which borrows the party's memory: the code,
 * 200 for success, or 0 if there is no answer after some turns. */
unsigned edge_ask(struct edge *e, struct party *p, struct stun_out *o, const struct account *a,
                  struct stun_msg *ret);
/* The same by a connection of that owner; 0: there is no answer at once. */
unsigned edge_ask_stream(struct relay_stream *s, struct party *owner, struct stun_out *o,
                         const struct account *a, struct stun_msg *ret);
/* What has come as an answer to that: the code. */
unsigned edge_read_answer(const struct party *p, const struct stun_out *o, struct stun_msg *ret);
/* Learns the nonce of a challenge. */
void edge_learn(struct account *a, const struct stun_msg *m);
void edge_begin(struct stun_out *o, unsigned method);
/* Learns realm and nonce; then allocates.  The code, and *ret_relayed. */
unsigned edge_allocate(struct edge *e, struct party *p, struct account *a,
                       struct addr *ret_relayed);
unsigned edge_permit(struct edge *e, struct party *p, const struct account *a,
                     const struct addr *peer);
unsigned edge_bind(struct edge *e, struct party *p, const struct account *a, unsigned number,
                   const struct addr *peer);
unsigned edge_refresh(struct edge *e, struct party *p, const struct account *a, uint32_t life_s);
