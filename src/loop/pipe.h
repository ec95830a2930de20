/* Two streams whose bytes pass from each to the other: as fast as the slower one takes them, and no
 * faster than the owner wants.  When one ends, the other one is sent what is left, in its own time,
 * and ends too. */
#pragma once

#include "loop/stream.h"

struct pipe; /* opaque */

enum {
	/* Bytes that wait for a slow end: the other one is not read.  Little, for it is what each
	 * of many slow ends costs; with one read on top. */
	PIPE_UNSENT_MAX = 64 * 1024,
	PIPE_UNSENT_LOW = 16 * 1024, /* then it is read again */
	/* What a stream may bring along that its owner before had read, and left. */
	PIPE_BROUGHT_MAX = 256 * 1024,
	/* When one has ended the other one is given so long to take what is left ... */
	PIPE_LEFT_S = 60,
	PIPE_LINGER_S = 10, /* ... and then to end too: what it still says is dropped */
	/* pipe_leave(): who has said nothing for so long has said all ... */
	PIPE_QUIET_S = 2,
	PIPE_LAST_MAX = 16 * 1024 * 1024, /* ... and so many bytes are all that was on the way */
};

enum pipe_end { PIPE_A, PIPE_B };

struct pipe_ops {
	/* So many bytes came from that end.  Returns for how long neither is to be read: 0, or
	 * until a limit is kept. */
	usec_t (*passed)(void *arg, enum pipe_end from, size_t bytes);
	/* It has ended by that end; freed behind the call. */
	void (*ended)(void *arg, enum pipe_end by);
};

/* Takes both streams, which are open and may have been paused; what they have not delivered yet
 * passes first.  May be called from their data(). */
struct pipe *pipe_new(struct loop *l, struct stream *a, struct stream *b,
                      const struct pipe_ops *ops, void *arg);
/* The owner has enough of it.  What `from` has sent still passes, to its end, or what stands for
 * that (PIPE_QUIET_S, PIPE_LAST_MAX, PIPE_LEFT_S altogether); the other one is not read any more.
 * Then both are sent what is left, and end.  passed() and ended() of these follow. */
void pipe_leave(struct pipe *p, enum pipe_end from, const struct pipe_ops *ops, void *arg);
/* Ends both; ended() is not called. */
void pipe_free(struct pipe **pp);
