/* The inside of the access half, for access.c, lync.c, vouch.c and sweep.c. */
#pragma once

#include "auth/digest.h"
#include "svc/access/access.h"
#include "svc/access/sa.h"

struct access {
	struct loop *loop;
	struct access_config cfg;
	struct sip_transport *tp;
	char *realm, *fqdn;
	struct digest *digest;
	const struct auth_mech *mech;    /* of phones: Digest */
	void *mech_state, *sha256_state; /* the second for listeners with that policy */
	const struct auth_mech *ntlm;    /* of Lync clients */
	void *ntlm_state;
	struct map vouches; /* by connection and user */
	struct map nat;     /* UDP phones behind NAT, by address */
	struct timer sweep;
	struct access_wait *last;
	sa_wrong_fn *wrong;
	void *wrong_arg;
	struct access_stats stats;
};

/* What the access half keeps of a client's connection (sip_flow.user). */
struct access_conn {
	struct list vouches;
	uint32_t n_vouches;
	usec_t opened;
	struct sa_list sas;
};

/* One sign-in under way, or the last one's answer. */
struct access_wait {
	struct access *a;
	struct sip_flow *flow;    /* borrowed: its end frees us first */
	struct auth_assoc *assoc; /* Digest: owned */
	struct sa *sa;            /* a leg of this association; the connection's */
	access_done_fn *done;
	void *arg;
	bool now; /* inside access_identify(): the result is kept, not told */
	bool proxy;
	struct access_result result;
	struct buf lines;
	char uri[ACCESS_URI_MAX];
};

/* The result, from a row of the table; Lync clients need other codes for some. */
void access_refuse(struct access_wait *w, enum refusal why, int code);
void access_accept(struct access_wait *w, const struct access_identity *id);
/* The end of a step, now or later. */
void access_decided(struct access_wait *w);
/* A Lync client's request: true if it is decided. */
bool access_step_lync(struct access_wait *w, const struct sip_msg *m);

void access_sweep_init(struct access *a);
void access_sweep_done(struct access *a);
