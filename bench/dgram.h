/* A UDP socket that is cheap for a generator: it is read and written in batches, and a burst to or
 * from one address is one packet to the kernel (UDP_GRO, UDP_SEGMENT).  It stands for many hosts:
 * each datagram says which of the local addresses it is from or to. */
#pragma once

#include <netinet/in.h>

#include "text.h"

enum { DGRAM_BATCH = 64, DGRAM_MAX = 65535 };

struct dgram; /* opaque */

/* One datagram, or several of `size` bytes each, the last perhaps shorter. */
struct dgram_some {
	const uint8_t *p;
	size_t n, size;
	struct in_addr local;
	struct sockaddr_in remote;
};
typedef void dgram_fn(void *arg, const struct dgram_some *d);

/* Bound to a free port of the address; ends the program if it cannot. */
struct dgram *dgram_new(struct in_addr local);
/* Its port, of network order. */
in_port_t dgram_port(const struct dgram *d);
/* What is there, up to a batch: fn for each, whose bytes are valid until the next call.  How many.
 */
unsigned dgram_receive(struct dgram *d, dgram_fn *fn, void *arg);
/* To be sent with the next dgram_flush(), until when the bytes are borrowed; a batch that is full
 * goes at once. */
void dgram_queue(struct dgram *d, const struct dgram_some *some);
void dgram_flush(struct dgram *d);
/* How many the kernel did not take. */
uint64_t dgram_failed(const struct dgram *d);
