/* Timers of one kind, for objects of which there are many: the function and the loop are the
 * kind's, so that a tick takes 24 bytes where a timer takes 48. */
#pragma once

#include "loop/loop.h"

struct ticks; /* opaque: the kind */

/* `fn` gets the tick that is due, stopped; it may free the object that it is in. */
struct ticks *ticks_new(struct loop *l, void (*fn)(void *arg, struct tick *t), void *arg);
/* Nothing fires any more.  Ticks that are set must be stopped before. */
void ticks_free(struct ticks **kp);

void tick_init(struct tick *t);
/* Fires once at `deadline` (monotonic), by the clock of a timer; sets anew if already set. */
void tick_set(struct ticks *k, struct tick *t, usec_t deadline);
void tick_stop(struct tick *t);
