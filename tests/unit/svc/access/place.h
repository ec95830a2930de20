/* The access half over a transport on loopback, and clients on plain sockets; a test moves the
 * clock. */
#pragma once

#include "await.h"
#include "svc/access/access.h"

struct place {
	struct loop *loop;
	struct accounts *accounts; /* nobody answers: these tests ask for nothing */
	struct sip_transport *tp;
	struct access *access;
	struct addr tcp_at, udp_at;
	struct sip_flow *opened; /* the last that came; borrowed */
	unsigned n_closed;
};

void place_start(struct place *p);
void place_stop(struct place *p);
/* A TCP connection; *ret_fd is the client's end.  Borrowed. */
struct sip_flow *place_connect(struct place *p, int *ret_fd);
/* A bound UDP socket of a phone, and its address. */
int place_phone(struct place *p, struct addr *ret_at);
/* Time passes in steps of a second. */
void place_pass(struct place *p, unsigned seconds);
