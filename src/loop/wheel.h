/* A hierarchical timer wheel: milliseconds, 64 slots a level, setting and stopping in constant
 * time. */
#pragma once

#include "loop/loop.h"

enum { WHEEL_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_BITS, WHEEL_LEVELS = 7 };

struct wheel {
	uint64_t now; /* ms; everything up to it has fired */
	uint64_t used[WHEEL_LEVELS];
	struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, uint64_t now_ms);
/* Puts t in by its deadline; at the earliest in the next millisecond. */
void wheel_add(struct wheel *w, struct timer *t);
/* The time of the next slot that may hold a timer; UINT64_MAX if there is none. */
uint64_t wheel_next(const struct wheel *w);
/* Fires everything due up to to_ms, in order of the slots. */
void wheel_advance(struct wheel *w, uint64_t to_ms);
