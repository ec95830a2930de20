/* The local links between role processes: one Unix stream socket pair per row of the roles' tables
 * and pair of slots, made anew when one of the two processes is started anew, and when a link ended
 * although both live. */
#pragma once

#include "daemon/slot.h"

enum {
	LINK_PAUSE_MIN_MS =
	        100, /* an end of a process is known by then: its start makes the link */
	LINK_PAUSE_MAX_MS = 10000,
	LINK_STABLE_S = 30, /* after so long the pause starts small again */
};

struct links; /* opaque */

/* Draws the links between `n` slots from the roles' tables.  Borrows the slots. */
struct links *links_new(struct loop *loop, struct slot *slots, size_t n);
void links_free(struct links **lp);
/* Sends the process that is being started in `s` its LINK messages (in the order of their index)
 * and tells the running ones at the other ends of their new end.  0 or -errno. */
int links_prepare(struct links *l, struct slot *s) MUST_CHECK;
/* The process in `s` says that link `number` at its index ended: it is made anew after a pause,
 * once, if both processes still live then. */
void links_lost(struct links *l, const struct slot *s, uint32_t index, uint32_t number);
/* The number of link ends of that slot. */
size_t links_of(const struct links *l, const struct slot *s);
