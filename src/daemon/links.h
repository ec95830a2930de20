/* The local links between role processes: one Unix stream socket pair per drawn arrow and pair of
 * slots, made anew when one of the two processes is started anew. */
#pragma once

#include "daemon/slot.h"

struct links; /* opaque */

/* Draws the links between `n` slots from the roles' tables.  Borrows the slots. */
struct links *links_new(struct slot *slots, size_t n);
void links_free(struct links **lp);
/* Sends the process that is being started in `s` its LINK messages (in the order of their index)
 * and tells the running ones at the other ends of their new end.  0 or -errno. */
int links_prepare(struct links *l, struct slot *s) MUST_CHECK;
/* The number of link ends of that slot. */
size_t links_of(const struct links *l, const struct slot *s);
