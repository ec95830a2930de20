/* Two agents joined in memory: what one sends is with the other in the next step, unless the test
 * loses it.  A step is STEP_MS of the test's clock. */
#pragma once

#include "stack/ice/ice.h"

enum { STEP_MS = 10, QUEUE_MAX = 512, SECOND = 1000 / STEP_MS };

struct packet {
	struct addr from, to;
	unsigned component;
	size_t len;
	char bytes[STUN_BYTES_MAX];
};

struct side {
	struct ice *ice;
	struct world *w;
	struct addr at[ICE_COMPONENTS], relayed[ICE_COMPONENTS];
	struct ice_way chosen[ICE_COMPONENTS];
	unsigned n_chosen[ICE_COMPONENTS];
	unsigned n_sent[4];     /* by class */
	unsigned n_nominations; /* of the other side */
	bool mute;              /* what it sends is lost */
	bool cut;               /* what its host sends and what comes to it, but not its relay */
};

struct world {
	struct loop *loop;
	struct side a, b;
	struct packet queue[QUEUE_MAX];
	unsigned n;
};

struct addr at(const char *host, uint16_t port);
/* Who is neither of the two. */
const struct addr *stranger(void);
/* Between the host and that address; valid until the next. */
const struct ice_way *by_host(const struct addr *peer);

void side_start(struct world *w, struct side *s, const char *host, enum stun_dialect d,
                bool controlling);
void world_start(struct world *w, enum stun_dialect d, bool a_controls, bool b_controls);
void world_end(struct world *w);
void steps(struct world *w, unsigned n);

/* It has a relay at that host. */
void side_relayed(struct side *s, const char *host);
/* What the description of `of` says: its names alone, or its candidates too, and checks begin. */
void learn_names(struct side *s, const struct side *of);
void learn(struct side *s, const struct side *of);
void both_learn(struct world *w);
/* Media of `s` goes straight to the host of `peer`. */
bool has_chosen(const struct side *s, const struct side *peer);
bool have_found_each_other(const struct world *w);
