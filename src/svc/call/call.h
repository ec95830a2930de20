/* Calls, as soft state observed from the dialogs that pass (design section 5).
 *
 * Nothing depends on it being complete: it feeds `call list`, lamps, and later records.  It ends
 * by BYE, by a negative answer, with its last endpoint, or when its session was not refreshed. */
#pragma once

#include "base/map.h"
#include "base/str.h"
#include "loop/loop.h"

enum {
	CALLS_MAX = 200000,
	CALL_RING_MAX_S = 300,
	CALL_SILENT_MAX_S = 24 * 3600, /* without a session timer (RFC 4028) */
};

enum call_state { CALL_TRYING, CALL_RINGING, CALL_CONNECTED };

struct call {
	struct map_node node;
	struct timer end;
	enum call_state state;
	uint64_t caller, callee;                   /* accounts; 0: not of ours */
	uint64_t caller_endpoint, callee_endpoint; /* of users who live here; else 0 */
	usec_t started, answered;                  /* wall clock; 0: not yet */
	bool video;                                /* it was offered */
	bool hidden;                               /* the callee is not to know the caller */
	uint32_t cseq;                             /* of the INVITE that began it */
	bool restored;           /* answered before this process began: it may be over */
	int code;                /* of the refusal that ended it; 0: none */
	struct str id, from, to; /* Call-ID, addresses for people */
	struct str callee_uri;   /* as the directory has it */
};

struct calls; /* opaque */

struct calls *calls_new(struct loop *l);
void calls_free(struct calls **cp);
/* Called after each change of a call, and before it is forgotten. */
typedef void calls_changed_fn(void *arg, const struct call *k, bool ended);
void calls_on_change(struct calls *c, calls_changed_fn *fn, void *arg);
/* An INVITE outside a dialog passed.  The one that is already known by its Call-ID is kept. */
struct call *calls_started(struct calls *c, struct str id, const struct call *what);
/* An answered one, that was seen by the process before: nobody is told of it.  If it ends without a
 * word it is forgotten so. */
void calls_restore(struct calls *c, struct str id, const struct call *what);
struct call *calls_find(struct calls *c, struct str id);
/* It rings at the callee's. */
void calls_rings(struct calls *c, struct str id);
/* Answered, or refreshed; session_s of Session-Expires, 0 without. */
void calls_answered(struct calls *c, struct str id, uint64_t callee_endpoint, uint32_t session_s);
/* code: of the refusal; 0: of none, by BYE. */
void calls_ended(struct calls *c, struct str id, int code);
/* Ends the answered calls whose endpoints, as far as they are of users who live here, are all gone.
 */
typedef bool calls_alive_fn(void *arg, uint64_t account, uint64_t endpoint);
void calls_prune(struct calls *c, calls_alive_fn *alive, void *arg);
struct call *calls_walk(struct calls *c, size_t *slot, struct map_node **after);
size_t calls_count(const struct calls *c);
