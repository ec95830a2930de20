/* Relayed addresses for the legs of calls: pairs of allocations (RTP and RTCP) of the A/V edge, by
 * UDP (RFC 8656).  Some are kept ready, so that a description is written without waiting: more of
 * them when many calls come.
 *
 * A relay that does not know a ready pair any more was started anew, and gets another; one that
 * does not answer, or does not take the credentials, is given up until relays_use() is called
 * again. */
#pragma once

#include "base/addr.h"
#include "loop/loop.h"
#include "stack/ice/ice.h"

enum {
	RELAYS_READY_MIN = 2,    /* pairs that are kept ready when nobody calls; with calls, as many
	                          * more as were taken ... */
	RELAYS_RATE_S = 10,      /* ... in such a time, */
	RELAYS_READY_MAX = 32,   /* but no more than these */
	RELAYS_PAIRS_MAX = 1500, /* with those of calls: two sockets each */
	RELAYS_TRIES = 5,        /* of a request */
	RELAYS_PAUSE_MAX_S = 60, /* after a relay without room; doubles from one second on */
};

struct relays;     /* opaque */
struct relay_pair; /* opaque */

/* Where, and the credentials as they were issued; copied. */
struct relays_config {
	struct addr server;
	struct str user, password;
};

/* From the loop. */
struct relays_ops {
	/* No pair is made any more, nor is one ready, until relays_use() is called again. */
	void (*lost)(void *arg, const char *why);
	/* The relay has no room: it is asked again after a pause. */
	void (*full)(void *arg, const char *why);
};

/* Without a relay at first.  Borrows ops, which may be NULL. */
struct relays *relays_new(struct loop *l, const struct relays_ops *ops, void *arg);
/* Pairs that were taken must have been released. */
void relays_free(struct relays **rp);
/* With these from now on.  What is ready with others is replaced as soon as there is something in
 * its place; what is taken stays.  -EINVAL: a text is too long. */
int relays_use(struct relays *r, const struct relays_config *cfg) MUST_CHECK;
/* No relay is there to be used. */
void relays_stop(struct relays *r);
bool relays_is_on(const struct relays *r);
/* Is that a relayed address of ours? */
bool relays_has(const struct relays *r, const struct addr *a);

struct relays_counts {
	uint32_t ready, taken; /* pairs, now */
	uint64_t used, lost;   /* ever: taken; gone while they were ready or taken */
};
struct relays_counts relays_counts(const struct relays *r);

/* --- pairs */

/* From the loop; the pair is not to be released in them. */
struct relay_pair_ops {
	/* `data` is valid during the call. */
	void (*data)(void *arg, unsigned component, const struct addr *from, struct str data);
	/* The relay does not let us reach that host. */
	void (*refused)(void *arg, unsigned component, const struct addr *host);
	/* Nothing comes or goes any more. */
	void (*lost)(void *arg);
};

/* One that is ready, which is the caller's until it is released; NULL: there is none.  Borrows
 * ops. */
struct relay_pair *relays_take(struct relays *r, const struct relay_pair_ops *ops, void *arg);
void relay_pair_release(struct relay_pair **pp);
/* Where peers send to, and where the relay sees us. */
const struct addr *relay_pair_at(const struct relay_pair *p, unsigned component);
const struct addr *relay_pair_mapped(const struct relay_pair *p, unsigned component);
/* What is sent to a host for the first time is lost: the relay is asked to let it through, and lets
 * through what follows. */
void relay_pair_send(struct relay_pair *p, unsigned component, const struct addr *to,
                     struct str data);
/* Much will be sent there: it gets a channel. */
void relay_pair_bind(struct relay_pair *p, unsigned component, const struct addr *to);
