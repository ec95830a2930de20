/* The ports of relayed sockets: of each address of the edge a range, of which this process has a
 * part of its own. */
#pragma once

#include "svc/relay/relay.h"

enum {
	RELAY_SLOTS_MAX = 62,
	RELAY_PORT_TRIES = 64, /* ports that another program may have */
};

struct relay_ports; /* opaque */

/* Which of the ports are whose. */
struct relay_port_range {
	uint16_t first, last;   /* this process's */
	uint32_t slot, n_slots; /* its number, from 0; at most RELAY_SLOTS_MAX of them */
};
/* Addresses: of IPv4 and of IPv6, either of AF_UNSPEC: none; copied.  `live` (svc/relay/live.h) is
 * shared by the processes; what a process before this one left in it goes. */
struct relay_ports *relay_ports_new(const struct relay_address addresses[2],
                                    const struct relay_port_range *range, uint8_t *live);
void relay_ports_free(struct relay_ports **pp);
/* Can sockets be bound there?  0; or why not of the first address where they cannot, *ret_at:
 * -EADDRNOTAVAIL: the host does not have it. */
int relay_ports_try(const struct relay_address addresses[2], struct addr *ret_at) MUST_CHECK;
/* A socket on a port that nobody can foretell.  0; -EAFNOSUPPORT: there is no address of that
 * family; -EADDRINUSE: no port is free; -EMFILE and the like. */
int relay_ports_open(struct relay_ports *p, const struct relay_want *want,
                     struct relay_opened *ret) MUST_CHECK;
/* The port of that external address is free again. */
void relay_ports_closed(struct relay_ports *p, const struct addr *external);
/* That port of a pair is free again if nobody has opened it. */
void relay_ports_unkeep(struct relay_ports *p, const struct addr *external);
/* Is that external address a relayed socket, of TCP or of UDP, of any process? */
bool relay_ports_is_live(const struct relay_ports *p, const struct addr *external, bool tcp);
/* How many are taken. */
uint32_t relay_ports_taken(const struct relay_ports *p);
