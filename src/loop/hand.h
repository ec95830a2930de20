/* Descriptors that one process hands to another over a local link, each with a few bytes that say
 * what it is for. */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"

struct hand; /* opaque */

enum { HAND_LEN = 32 /* bytes with each */ };

struct hand_ops {
	/* fd: the callee's from now on. */
	void (*got)(void *arg, int fd, const uint8_t text[HAND_LEN]);
	/* The link has ended; the hand is freed behind the call. */
	void (*lost)(void *arg);
};

/* Takes one end of a Unix stream socket pair, non-blocking. */
struct hand *hand_new(struct loop *l, int fd, const struct hand_ops *ops, void *arg);
void hand_free(struct hand **hp);
/* Takes fd: 0; -errno if it cannot go now, and it is closed. */
int hand_over(struct hand *h, int fd, const uint8_t text[HAND_LEN]);
/* Two ends of a new socket pair, non-blocking: 0 or -errno. */
int hand_pair(int ret[2]);
