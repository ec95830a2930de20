/* A SIP connection to a role of another host: kept open, and of use once the other end has answered
 * our first request, which says which of our processes has it. */
#pragma once

#include "role/frontend/fe.h"
#include "role/line.h"

struct fe_far {
	struct frontend *fe;
	size_t peer;            /* of env->peers */
	uint16_t sock;          /* of its flows */
	struct sip_flow **good; /* the flow is put here, and NULL when it has gone */
	struct line *line;
	struct sip_flow *flow; /* whose first request has not been answered */
	bool refused;          /* ... or not as we hoped */
};

/* Dials from the next turn on.  The struct is the caller's, and stays where it is. */
void fe_far_open(struct fe_far *f, struct tls_client *tls);
void fe_far_close(struct fe_far *f);
/* The flow has ended, for that reason. */
void fe_far_lost(struct fe_far *f, const struct sip_flow *flow, const char *why);
/* Is there a connection, of use or not? */
static inline bool fe_far_is_open(const struct fe_far *f)
{
	return f->flow || *f->good;
}
