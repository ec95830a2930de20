/* Final answers that are kept for retransmissions of their requests (RFC 3261 section 17.2.2: 32
 * seconds over UDP, timer J).
 *
 * At a busy server they are most of what it remembers.  So they stand packed one behind the other
 * in blocks, in the order in which they end, and a block goes back to the heap as a whole. */
#pragma once

#include "base/str.h"

enum { KEPT_BLOCK_SIZE = 16 * 1024 };

struct kept; /* opaque */

struct kept_answer {
	uint16_t code;     /* 0: `text` is the whole message */
	struct str reason; /* else the phrase, and in `text` the header lines: what is not the */
	struct str text;   /* request's, which a retransmission brings along again */
};

struct kept *kept_new(void);
void kept_free(struct kept **kp);
/* Keeps a copy until then (monotonic; rounded up to the second, and never before one that was put
 * in earlier). */
void kept_put(struct kept *k, uint64_t hash, const struct kept_answer *a, usec_t until);
/* The answer with this hash of the transaction key; its slices are valid until the next change. */
bool kept_find(const struct kept *k, uint64_t hash, struct kept_answer *ret);
/* When kept_expire() has something to do again; USEC_INFINITY if nothing is kept. */
usec_t kept_next(const struct kept *k);
/* Forgets what has ended; returns how many. */
size_t kept_expire(struct kept *k, usec_t now);
size_t kept_count(const struct kept *k);
