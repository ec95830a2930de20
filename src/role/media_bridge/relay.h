/* The media bridge's credentials for the relay ([MS-AVEDGEA]): asked of the A/V edge through a
 * front end of this host as soon as there is an edge, anew when half their life is over, and again
 * after growing pauses as long as there are none.  With them relayed addresses are kept ready
 * (svc/bridge/relays). */
#pragma once

#include "svc/bridge/relays.h"

enum {
	MB_RELAY_PAUSE_MIN_S = 1, /* after a failure; doubles */
	MB_RELAY_PAUSE_MAX_S = 30,
	MB_RELAY_TELL = 3, /* failures in a row: a warning; an edge may start after us */
};

struct media_bridge;
struct mb_relay; /* opaque */

/* Borrows mb, whose stack and bridge are there. */
struct mb_relay *mb_relay_new(struct media_bridge *mb);
/* Nothing is asked any more, and calls that begin have no relay: before the stack is freed. */
void mb_relay_quit(struct mb_relay *r);
/* When the bridge's calls are gone. */
void mb_relay_free(struct mb_relay **rp);
/* The topology may have got an edge, or lost its last. */
void mb_relay_configure(struct mb_relay *r);
/* "no edge", "asking", ...: for people. */
const char *mb_relay_state(const struct mb_relay *r);
const struct relays *mb_relay_pairs(const struct mb_relay *r);
