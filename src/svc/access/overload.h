/* When a process has more to do than it can: what it then does less of (design section 4).
 *
 * Pure logic.  Once a second it is fed how long the longest turn of the loop took, which is what a
 * message had to wait.  A single long turn changes nothing, and a state is left later than it is
 * entered:
 *
 *     CALM --high for 2 s--> BUSY --high for 3 s--> FULL
 *     CALM <--low for 5 s--- BUSY <--low for 5 s--- FULL
 *
 * High: at the bound or above; low: below half of it; between them nothing changes.  BUSY takes
 * fewer connections and handshakes a turn, so that those who are signed in are served in between;
 * FULL turns the REGISTERs of new clients away, too. */
#pragma once

#include "base/base.h"

enum overload_state { OVERLOAD_CALM, OVERLOAD_BUSY, OVERLOAD_FULL, OVERLOAD_N_STATES };
enum overload_signal { OVERLOAD_LOW, OVERLOAD_MIDDLE, OVERLOAD_HIGH, OVERLOAD_N_SIGNALS };

enum { OVERLOAD_SAMPLE_S = 1 };

struct overload {
	enum overload_state state;
	enum overload_signal last; /* signal ... */
	unsigned run;              /* ... and how often it has come in a row, in this state */
};

/* What is allowed in a state. */
struct overload_limits {
	unsigned accepts, handshakes; /* begun in one turn of the loop */
	bool new_clients;             /* may register */
};

enum overload_signal overload_signal(usec_t longest_turn, usec_t bound);
/* One sample; true if the state has changed. */
bool overload_feed(struct overload *o, enum overload_signal s);
const struct overload_limits *overload_limits(enum overload_state s);
const char *overload_name(enum overload_state s); /* "calm" */
