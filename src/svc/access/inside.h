/* The inside of the access half, for access.c, vouch.c and sweep.c. */
#pragma once

#include "auth/digest.h"
#include "svc/access/access.h"

struct access {
	struct loop *loop;
	struct access_config cfg;
	struct sip_transport *tp;
	char *realm;
	struct digest *digest;
	const struct auth_mech *mech;
	void *mech_state;
	struct map vouches; /* by connection and user */
	struct map nat;     /* UDP phones behind NAT, by address */
	struct timer sweep;
	struct access_wait *last;
	struct access_stats stats;
};

/* What the access half keeps of a client's connection (sip_flow.user). */
struct access_conn {
	struct list vouches;
	uint32_t n_vouches;
	usec_t opened;
};

void access_sweep_init(struct access *a);
void access_sweep_done(struct access *a);
