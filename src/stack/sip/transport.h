/* The inside of the transport, for the files of stack/sip that make it up (flow.c, transport.c). */
#pragma once

#include "base/map.h"
#include "stack/sip/flow.h"

enum { SIP_SOCKETS_MAX = 32 };

struct sip_transport {
	struct loop *loop;
	struct sip_transport_ops ops;
	void *arg;
	void (*tap)(void *arg, const struct sip_flow *f, bool out, struct str msg);
	uint32_t client_max, max_flows, n_clients;
	usec_t probe_after;
	struct tls_server *tls;
	char link_name[64];
	struct udp *udp[SIP_SOCKETS_MAX];
	size_t n_udp;
	struct sip_listen {
		struct sip_transport *tp;
		struct listener *ls;
		enum sip_kind kind;
	} listens[SIP_SOCKETS_MAX];
	size_t n_listens;
	struct sip_flow
	        *udp_now;    /* flow object of the datagram at hand; reused if nobody kept it */
	struct map flows;    /* streams by id */
	struct map large;    /* UDP peers by address (large.h) */
	struct list streams; /* all streams, oldest first */
	uint64_t last_id;
	struct buf out, signed_out;
	struct sip_transport_stats stats;
};

/* A connection to the address of a UDP peer; the caller's reference.  NULL: there are too many, or
 * the owner does not want it. */
struct sip_flow *transport_connect_client(struct sip_transport *tp, const struct sip_flow *udp);
struct sip_flow *flow_alloc(struct sip_transport *tp, enum sip_kind kind);
void flow_tell_lost(struct sip_flow *f);
