/* Descriptors that one process hands to another over a local link, each with a few bytes that say
 * what it is for. */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"

struct hand; /* opaque */

enum {
	HAND_LEN = 32,      /* bytes with each */
	HAND_PER_TURN = 64, /* are taken, unless set otherwise */
};

struct hand_ops {
	/* fd: the callee's from now on. */
	void (*got)(void *arg, int fd, const uint8_t text[HAND_LEN]);
	/* One was lost because this process has no descriptor left; may be NULL. */
	void (*full)(void *arg);
	/* The link has ended; the hand is freed behind the call. */
	void (*lost)(void *arg);
};

/* Takes one end of a Unix stream socket pair, non-blocking. */
struct hand *hand_new(struct loop *l, int fd, const struct hand_ops *ops, void *arg);
void hand_free(struct hand **hp);
/* How many are taken in one turn of the loop; 1 or more. */
void hand_set_per_turn(struct hand *h, unsigned per_turn);
/* Takes fd: 0; -errno if it cannot go now, and it is closed. */
int hand_over(struct hand *h, int fd, const uint8_t text[HAND_LEN]);
/* Two ends of a new socket pair, non-blocking: 0 or -errno. */
int hand_pair(int ret[2]);
