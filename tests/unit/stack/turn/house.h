/* A relay on loopback, the real engine behind UDP, TCP and TLS, and clients of it that note what
 * they are told: for the tests of stack/turn. */
#pragma once

#include "auth/ca.h"
#include "await.h"
#include "loop/stream.h"
#include "loop/udp.h"
#include "stack/turn/client.h"
#include "svc/relay/relay.h"

enum { HOUSE_CONNS_MAX = 8, HOUSE_TURNS_MAX = 3000 };

/* Turns the loop until the condition holds.  The clock may stand, so turns are counted. */
#define WAIT(l, cond)                                                               \
	do {                                                                        \
		for (int turns_ = 0; turns_ < HOUSE_TURNS_MAX && !(cond); turns_++) \
			loop_turn((l), 20 * USEC_PER_MSEC);                         \
		OK(cond);                                                           \
	} while (0)

struct house;
/* A client's connection. */
struct house_conn {
	struct house *house;
	struct stream *stream;
	struct relay_stream *relayed; /* NULL until it is known how it begins */
	enum turn_framing framing;
	bool ended;
};

struct house {
	struct loop *loop;
	struct packets *packets;
	struct relay *relay;
	struct relay_keys *issuer;
	struct relay_face face;
	struct relay_config cfg;
	struct addr_range open[2];
	struct listener *tcp, *tls;
	struct tls_server *tls_server;
	struct tls_client *tls_client;
	struct house_conn conns[HOUSE_CONNS_MAX];
	unsigned n_conns, open_ports;
	unsigned n_began, n_ended[RELAY_N_ENDS];
	char user[512], password[64]; /* credentials, as they are issued */
};

void house_start(struct house *h);
void house_stop(struct house *h);
/* Its clock stands from now on, and time goes on by so much. */
void house_wait(struct house *h, unsigned seconds);
/* Where a client goes that comes that way. */
struct addr house_at(const struct house *h, enum turn_way way);

/* A client and what it was told. */
struct guest {
	struct turn_client *client;
	unsigned n_opened, n_mapped, n_allocated, n_permitted, n_bound, n_released, n_failed,
	        n_data;
	struct addr mapped, peer; /* peer: of the last permission or channel */
	struct turn_allocation allocation;
	struct turn_failure failure;
	char why[TURN_CLIENT_WHY_MAX];
	struct addr from; /* of the last data */
	char last[2048];
	size_t len;
};
extern const struct turn_client_ops guest_ops;
/* Fills what the house's clients need. */
struct turn_client_config guest_config(const struct house *h, enum turn_way way, bool lync);
void guest_start(struct guest *g, struct house *h, enum turn_way way, bool lync);
/* With an allocation. */
void guest_start_allocated(struct guest *g, struct house *h, enum turn_way way, bool lync);
void guest_stop(struct guest *g);
