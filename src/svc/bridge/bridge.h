/* The media bridge's calls: sound between a Lync client and another device, each in the dialect
 * that it speaks (sound.h, leg.h), without touching what is in the packets but their encryption.
 *
 * A call has two legs, the caller's and the called one's; a caller who rings several devices has a
 * call for each.  Calls are memory alone: after a restart their sound is gone, and what comes for
 * them is told so. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "svc/bridge/leg.h"

enum {
	BRIDGE_RING_S = 300,        /* a call that was not answered by then is forgotten */
	BRIDGE_SILENT_S = 2 * 3600, /* one in which nothing was heard for so long */
	BRIDGE_SWEEP_S = 10,
	BRIDGE_WAY_S = 15,   /* an answered call that has no way by then leaves a warning */
	BRIDGE_ID_MAX = 512, /* bytes of Call-ID, and of a tag */
};

enum bridge_side { BRIDGE_CALLER, BRIDGE_CALLED };

struct bridge; /* opaque */

struct bridge_config {
	uint16_t port_min, port_max; /* UDP */
	uint16_t all_min, all_max;   /* those of all processes of the role on this host */
	uint32_t calls_max, user_calls_max;
	struct addr own; /* an address of this host, for legs of which nothing better is known */
	bool loopback;   /* clients may be on this very host */
};

struct bridge_counts {
	uint64_t calls;            /* ever */
	uint64_t packets, dropped; /* of calls that are over, and those of now */
	uint64_t refused;          /* no room, for all or for one user, or no ports */
	uint64_t without_relay;    /* calls of a Lync client for whom no pair was ready */
	uint32_t now;
};

struct bridge *bridge_new(struct loop *l, const struct bridge_config *cfg);
void bridge_free(struct bridge **bp);
/* Calls that are there stay as they are. */
void bridge_configure(struct bridge *b, const struct bridge_config *cfg);
struct bridge_counts bridge_counts(const struct bridge *b);
/* The legs of Lync clients get relayed addresses from there, from now on; NULL: there is no relay.
 * Borrows; it must outlive the calls. */
void bridge_set_relays(struct bridge *b, struct relays *relays);

struct bridge_call {
	struct bridge *bridge;
	struct map_node node; /* by Call-ID */
	struct list all;
	struct str id, caller_tag; /* in `text` */
	char called_tag[BRIDGE_ID_MAX];
	size_t called_tag_len;
	uint64_t who; /* hash of the caller's name; 0: nobody's */
	unsigned refs;
	bool caller_lync, answered;
	bool warned;        /* that it has no way */
	uint8_t offered_by; /* 1 + the side whose last description was not answered yet; or 0 */
	bool closed;        /* it has no legs any more, and is in no table */
	struct leg *legs[2];
	struct addr towards[2]; /* where both are, as far as their Contacts say */
	usec_t since;
	char text[]; /* Call-ID, caller's tag */
};

/* How a call begins. */
struct bridge_start {
	struct str id, caller_tag;
	struct str who; /* the caller, who may have so many calls at a time; empty: not counted */
	bool caller_lync;
	struct addr towards[2]; /* addresses in the direction of both sides */
};
/* A new call.  NULL: there are too many, or too many of this caller, or Call-ID or tag are too
 * long. */
struct bridge_call *bridge_open(struct bridge *b, const struct bridge_start *s);
/* The call of a message inside a dialog, and which side sent it: NULL if there is none. */
struct bridge_call *bridge_find(struct bridge *b, struct str id, struct str from_tag,
                                struct str to_tag, enum bridge_side *ret_from);
/* The tag of the called device, from its answers; the last one counts. */
void bridge_called_tag(struct bridge_call *c, struct str tag);
void bridge_answered(struct bridge_call *c);
bool bridge_is_lync(const struct bridge_call *c, enum bridge_side side);
/* Would a description of this side's answer one of the other's? */
bool bridge_awaits(const struct bridge_call *c, enum bridge_side side);
/* Its sound ends; whoever holds a reference still has the object. */
void bridge_close(struct bridge_call *c);
struct bridge_call *bridge_ref(struct bridge_call *c);
void bridge_unref(struct bridge_call **cp);

/* Writes the description in m, which `from` sent, for the other side.  answers: m answers an offer.
 * 0 and the description in *ret; -ENOENT: m has none, it passes as it is; else the call cannot have
 * sound: -EBADMSG (no description that can be read), -EPROTONOSUPPORT (not what the sender's
 * dialect needs), -ENODATA (no sound in it), -EADDRINUSE, -EMFILE, -ENOMEM. */
int bridge_translate(struct bridge_call *c, enum bridge_side from, const struct sip_msg *m,
                     bool answers, struct buf *ret) MUST_CHECK;

/* Do both ends know where to send?  A Lync client whose checks do not arrive (a firewall) has none.
 */
bool bridge_has_way(const struct bridge_call *c);
/* What `from` offered within the call was refused: its sound goes on as before. */
void bridge_refused(struct bridge_call *c, enum bridge_side from);

/* The called device refused the caller's offer: true if another form of it is worth a try, which
 * bridge_translate() writes from then on. */
bool bridge_try_again(struct bridge_call *c);

/* Steps through the calls: NULL to start, NULL at the end. */
struct bridge_call *bridge_next(struct bridge *b, struct bridge_call *after);
