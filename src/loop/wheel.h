/* A hierarchical timer wheel: milliseconds, 64 slots a level, setting and stopping in constant
 * time. */
#pragma once

#include "loop/loop.h"

enum { WHEEL_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_BITS, WHEEL_LEVELS = 7 };

struct wheel {
	void (*fire)(struct wheel *w, struct tick *t);
	uint64_t now; /* ms; everything up to it has fired */
	uint64_t used[WHEEL_LEVELS];
	struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* fire: called when a time has come; it may free the tick, and add others. */
void wheel_init(struct wheel *w, uint64_t now_ms, void (*fire)(struct wheel *w, struct tick *t));
/* Puts t in by its deadline; at the earliest in the next millisecond. */
void wheel_add(struct wheel *w, struct tick *t);
/* The time of the next slot that may hold something; UINT64_MAX if there is none. */
uint64_t wheel_next(const struct wheel *w);
/* Fires everything due up to to_ms, in order of the slots. */
void wheel_advance(struct wheel *w, uint64_t to_ms);
