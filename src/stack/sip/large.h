/* Requests that are too large for UDP (RFC 3261 section 18.1.1): they go over TCP to the very
 * address and port of the UDP peer, and nowhere else.
 *
 *     no entry --connect--> OPENING --opened--> OPEN --idle, ended--> no entry
 *                           OPENING --ended, too late--> REFUSED --timer--> no entry
 *
 * A peer that refused is not asked again for a while, so that its next request is not delayed. */
#pragma once

#include "stack/sip/flow.h"

enum {
	SIP_LARGE_OPEN_MS = 1000,  /* the connection must be there within; else UDP */
	SIP_LARGE_REFUSED_S = 600, /* no further attempt for so long */
	SIP_LARGE_IDLE_S = 120,    /* a connection that was not used is closed */
	SIP_LARGE_PEERS_MAX = 10000,
};

/* The connection for large requests to the peer of a UDP flow: the one that is there, or a new one
 * (messages wait in it until it is open); the caller's reference.  NULL: use UDP.  It is a client's
 * connection as any other: what comes in on it is not trusted more. */
struct sip_flow *sip_large_connect(struct sip_transport *tp, const struct sip_flow *udp);
/* The connection if it is there and open, or NULL; borrowed. */
struct sip_flow *sip_large_open(struct sip_transport *tp, const struct sip_flow *udp);
/* Nothing answered over this connection of the function above: the peer counts as one that refused.
 */
void sip_large_give_up(struct sip_flow *f);

/* For the transport. */
void large_init(struct sip_transport *tp);
void large_done(struct sip_transport *tp);
