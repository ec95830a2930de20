/* Presence as documents of [MS-PRES]: what is told to the user's own endpoints, to watchers, and
 * what the store and other homes keep.  Pure. */
#pragma once

#include "svc/presence/presentity.h"

/* Which parts of the own data; masks of nothing leave a part out. */
struct self_parts {
	uint32_t categories; /* mask */
	bool has_containers;
	uint32_t containers; /* bits by index */
	bool subscribers;
	bool replica; /* also what another home must know to decide who sees what */
	bool kept;    /* only what a restart must keep */
	const struct presence_dirty *removed; /* names categories that are gone; NULL: none */
};
#define SELF_CONTAINERS ((1u << N_CONTAINERS) - 1)
#define SELF_EVERYTHING                                                                    \
	.categories = CATEGORY_ALL, .has_containers = true, .containers = SELF_CONTAINERS, \
	.subscribers = true
#define SELF_REPLICA ((struct self_parts){ SELF_EVERYTHING, .replica = true })
#define SELF_KEPT ((struct self_parts){ SELF_EVERYTHING, .kept = true })
/* <roamingData>: of each category in the mask all publications in all containers. */
void doc_put_self(struct buf *b, const struct presentity *p, const struct self_parts *parts);

/* <categories> for a watcher of that container; a category in the mask that has no publication
 * there is named without a body, which takes it away at the watcher's.  Of those that the server
 * does not know these are named that she may have: that went from the containers in `was` (bits
 * by index: where she was told from before; 0: of nothing yet), or that only these have. */
void doc_put_view(struct buf *b, const struct presentity *p, uint32_t container, uint32_t mask,
                  uint32_t was);

/* Takes over what a <roamingData> says (its kept parts, or, for a replica, everything) and marks
 * what is different as dirty.  -EBADMSG: unreadable; nothing has changed then. */
int presentity_read(struct presentity *p, struct str document) MUST_CHECK;

/* 409: which versions are true ([MS-PRES] section 2.2.2.4). */
void doc_put_conflicts(struct buf *b, const struct conflict *c, size_t n);

/* Bodies of publications that the server makes. */
void doc_put_state(struct buf *b, const struct aggregate *a, uint32_t container,
                   usec_t last_active);
void doc_put_card(struct buf *b, const struct card *c);
void doc_put_lines(struct buf *b, struct str phone);
