/* The generator of the relay's load: clients with an allocation each and the peer that sends all
 * back, in one process.
 *
 * It never waits for a packet.  It looks at its sockets, and when there is nothing it sleeps for
 * some microseconds by the clock: so no server pays for waking it, as none would whose packets
 * leave by a wire.  Each client has a loopback address of its own. */
#pragma once

#include "dgram.h"
#include "text.h"
#include "tlsline.h"
#include "turnmsg.h"

enum {
	FLOWS_MAX = 15000,
	NONCE_MAX = 128,
	REALM_MAX = 128,
	STEPS_MAX = 128,
	VOICE_BYTES = 172,
	VIDEO_BYTES = 1200,
	BURST = 16,      /* packets of a burst */
	BURST_FLOWS = 8, /* that send one at the same time */
	CHANNEL = 0x4000,
};

/* One word of the command line: what, and how many packets of clients. */
enum kind { K_ALLOCATE, K_VOICE, K_PACED, K_BURST, K_N };
struct step {
	enum kind kind;
	bool by_send; /* Send and Data indications instead of ChannelData */
	const char *name;
	uint32_t count; /* seconds, if paced */
};

/* How far an allocation is. */
enum stage { S_IDLE, S_CHALLENGE, S_ALLOCATE, S_PERMIT, S_BIND, S_READY, S_FAILED };

struct flow {
	struct in_addr host;
	enum stage stage;
	uint32_t seq;     /* of the last packet or burst */
	uint32_t missing; /* packets of it that have not come back */
	usec_t sent;
	unsigned tries; /* of the request under way */
	uint8_t *bytes; /* what it sends: packets of `stride` bytes */
	size_t nonce_n;
	char nonce[NONCE_MAX];
};

/* What a step found. */
struct found {
	uint64_t ops; /* packets that a server passed on, or allocations */
	uint64_t lost, wrong, stray, refused, resent;
	unsigned code; /* of the first refusal */
	usec_t began, ended;
};

struct load {
	struct sockaddr_in server;
	bool is_tls, is_echo, waits;
	struct str user, password;
	uint32_t n, rate; /* flows; packets a second of each, if paced */
	usec_t patience;  /* then a packet is lost; a request is sent again after half of it */
	struct step steps[STEPS_MAX];
	unsigned n_steps;

	struct flow *flow;
	struct dgram *clients;  /* over UDP */
	struct tlslines *lines; /* over TLS */
	struct dgram *peers[2]; /* with a channel; with a permission alone */
	struct sockaddr_in peer_at[2];

	/* Of the credentials, when the realm is known. */
	char realm[REALM_MAX];
	size_t realm_n;
	uint8_t key[TURN_KEY_LEN];

	/* Of the step. */
	const struct step *step;
	size_t head, payload, stride; /* bytes of a packet: head and payload */
	uint32_t packets;             /* that a flow sends at once */
	uint64_t done, todo;
	struct found found;
};

/* --- relayload.c */

/* Packets of `size` bytes each from that client to the server. */
void load_send(struct load *l, uint32_t flow, const uint8_t *p, size_t n, size_t size);
/* Looks at the sockets of the clients, of the peers; what was sent in answer leaves.  How many
 * datagrams or connections there were. */
unsigned load_clients(struct load *l);
unsigned load_peers(struct load *l);
/* Sleeps for so long, or until then, by the monotonic clock. */
void load_nap(usec_t us);
void load_sleep_until(uint64_t ns);
uint64_t load_now_ns(void);

/* --- relayalloc.c */

/* All allocations with a permission and a channel each. */
void alloc_all(struct load *l);
void alloc_answer(struct load *l, uint32_t flow, struct str message);

/* --- relayflow.c */

/* One step of packets. */
void flow_run(struct load *l);
void flow_returned(struct load *l, uint32_t flow, struct str payload);
