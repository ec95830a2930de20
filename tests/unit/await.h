/* Tests wait for states, never for times: turns the loop until the condition holds, at most 60 s.
 */
#pragma once

#include "loop/loop.h"
#include "tap.h"

enum { AWAIT_S = 60 };

#define AWAIT(l, cond)                                                    \
	do {                                                              \
		usec_t await_end_ = loop_now(l) + AWAIT_S * USEC_PER_SEC; \
		while (!(cond) && loop_now(l) < await_end_)               \
			loop_turn((l), 20 * USEC_PER_MSEC);               \
		OK(cond);                                                 \
	} while (0)
