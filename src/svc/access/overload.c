#include "svc/access/overload.h"

#include "loop/stream.h"
#include "stack/sip/flow.h"

/* clang-format off */
static const struct overload_limits limits[OVERLOAD_N_STATES] = {
	[OVERLOAD_CALM] = { SIP_ACCEPTS_PER_TURN, TLS_HANDSHAKES_PER_TURN, true },
	[OVERLOAD_BUSY] = { 4, 2, true },
	[OVERLOAD_FULL] = { 1, 1, false },
};

/* After so many equal signals in a row; an empty cell stays. */
static const struct edge {
	unsigned after;
	enum overload_state next;
} edges[OVERLOAD_N_STATES][OVERLOAD_N_SIGNALS] = {
	[OVERLOAD_CALM] = { [OVERLOAD_HIGH] = { 2, OVERLOAD_BUSY } },
	[OVERLOAD_BUSY] = { [OVERLOAD_HIGH] = { 3, OVERLOAD_FULL },
			    [OVERLOAD_LOW]  = { 5, OVERLOAD_CALM } },
	[OVERLOAD_FULL] = { [OVERLOAD_LOW]  = { 5, OVERLOAD_BUSY } },
};
/* clang-format on */

enum overload_signal overload_signal(usec_t longest_turn, usec_t bound)
{
	if (longest_turn >= bound)
		return OVERLOAD_HIGH;
	return longest_turn < bound / 2 ? OVERLOAD_LOW : OVERLOAD_MIDDLE;
}

bool overload_feed(struct overload *o, enum overload_signal s)
{
	const struct edge *e = &edges[o->state][s];
	o->run = s == o->last ? o->run + 1 : 1;
	o->last = s;
	if (e->after == 0 || o->run < e->after)
		return false;
	o->state = e->next;
	o->run = 0;
	return true;
}

const struct overload_limits *overload_limits(enum overload_state s)
{
	return &limits[s];
}

const char *overload_name(enum overload_state s)
{
	static const char *const names[OVERLOAD_N_STATES] = { "calm", "busy", "full" };
	return names[s];
}
