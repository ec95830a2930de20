/* Datagrams that a relay passes on: what the sockets receive in a turn goes out by others at its
 * end, from the memory in which it was received.  So a packet is not copied, there is one system
 * call for all that go out by one socket, and equal ones to one peer are one packet to the kernel
 * until they reach the device (UDP_SEGMENT).
 *
 * A port is small: it has no memory of its own for packets, in neither direction. */
#pragma once

#include "base/addr.h"
#include "loop/loop.h"

struct packets;     /* opaque: what all ports of a loop share */
struct packet_port; /* opaque: one socket */

enum {
	PACKET_BATCH = 64,    /* datagrams that are received at a time */
	PACKET_HEADROOM = 64, /* writable bytes in front of a received datagram */
	PACKET_MAX = 65535,
	PACKET_OUT_MAX = 2, /* messages of one datagram: it may be answered and passed on */
};

/* Bytes that were received: valid, and writable with the PACKET_HEADROOM bytes in front of them and
 * 4 behind them, until fn returns; but what was given to packet_forward() stays as it is. */
struct packet {
	uint8_t *p;
	size_t len;
};
typedef void packet_fn(void *arg, struct packet_port *port, const struct addr *from,
                       struct packet data);

struct packets *packets_new(struct loop *l);
/* After its ports. */
void packets_free(struct packets **pp);

/* Takes a bound, non-blocking socket.  Datagrams are read from the next turn on. */
struct packet_port *packet_port_new(struct packets *ps, int fd, packet_fn *fn, void *arg);
/* Closes the descriptor, when what was forwarded has gone.  May be called from fn. */
void packet_port_free(struct packet_port **pp);
const struct addr *packet_port_local(const struct packet_port *port);

/* Inside fn, PACKET_OUT_MAX times: sends bytes of the datagram that was received, or of the room
 * around them, by the end of the turn.  The order of what goes out by one port is kept. */
void packet_forward(struct packet_port *out, const struct addr *to, struct packet data);
/* Sends other bytes at once.  0 or -errno. */
int packet_send(struct packet_port *out, const struct addr *to, struct str data);

/* The same, never in fragments: DF is set (IPv6: none are made here).  -EMSGSIZE: it is larger than
 * the path is known to take. */
int packet_send_whole(struct packet_port *out, const struct addr *to, struct str data);
/* Packets of this port are cut into fragments by whom it pleases, DF is never set: as a relay's are
 * unless its client wants something else (RFC 8656 section 12). */
void packet_port_let_fragment(struct packet_port *port);

struct packet_stats {
	uint64_t received, sent;
	uint64_t failed; /* the kernel did not take them */
	uint64_t calls;  /* to send, for all that were forwarded */
};
const struct packet_stats *packets_stats(const struct packets *ps);
