/* The event loop of a process: one thread, on libuv.  Only loop/ reads clocks and makes system
 * calls on sockets.  Callbacks are called from the loop, never from inside the call that
 * registered them. */
#pragma once

#include "base/base.h"
#include "base/list.h"

struct loop; /* opaque */

struct loop *loop_new(void);
/* Everything that used the loop must be freed before. */
void loop_free(struct loop **lp);
/* Runs until loop_stop(). */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
/* One turn that does not block longer than max; for tests. */
void loop_turn(struct loop *l, usec_t max);
/* Stops the clock, for tests: from now on it moves by what this is told alone, and timers that are
 * due by then fire in the next turn. */
void loop_clock_move(struct loop *l, usec_t by);
/* Moves the wall clock, for tests: as when somebody sets the host's. */
void loop_wall_move(struct loop *l, int64_t by);
/* The monotonic time of this turn. */
usec_t loop_now(const struct loop *l);
/* The wall clock, microseconds since 1970. */
usec_t loop_wall(const struct loop *l);
/* The libuv loop, for the other files of loop/ alone. */
struct uv_loop_s *loop_uv(struct loop *l);

/* A piece of work for the end of this turn (before the loop blocks): flushing batches, freeing an
 * object that is in its own callback.  Embedded in the object; adding it twice is one call. */
struct defer {
	struct list node;
	void (*fn)(void *arg);
	void *arg;
};
void defer_init(struct defer *d, void (*fn)(void *arg), void *arg);
void loop_defer(struct loop *l, struct defer *d);
void defer_cancel(struct defer *d);

/* Timers are members of the object they serve: no allocation to set one.  Resolution 1 ms, O(1)
 * or O(log n) to set and stop, so that each transaction can have several. */
struct tick {
	usec_t deadline;  /* USEC_INFINITY while stopped */
	struct list node; /* of a timer wheel */
};
struct timer {
	struct loop *loop;
	void (*fn)(void *arg);
	void *arg;
	struct tick tick;
};
void timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg);
/* Fires once at `deadline` (monotonic); sets anew if already set. */
void timer_set(struct timer *t, usec_t deadline);
void timer_stop(struct timer *t);

/* Work on the thread pool: `work` runs on a pool thread and sees only what is in `job`; `done` runs
 * on the loop afterwards.  Bounded: -EAGAIN when JOBS_MAX are waiting.  The embedding object must
 * live until done has been called (a job cannot be cancelled once queued). */
enum { JOBS_MAX = 1000 };
struct job {
	void (*work)(struct job *j);
	void (*done)(struct job *j);
	void *priv; /* loop/ */
};
int loop_job(struct loop *l, struct job *j) MUST_CHECK;
/* Starts the pool threads now (before a sandbox closes). */
void loop_job_start(struct loop *l, unsigned n_threads);

/* Watches a descriptor that another library owns (c-ares, a control socket).  Level triggered. */
struct io;
enum { IO_READ = 1, IO_WRITE = 2 };
struct io *io_new(struct loop *l, int fd, void (*fn)(void *arg, int events), void *arg);
void io_want(struct io *io, int events); /* 0 stops */
void io_free(struct io **iop);           /* does not close the descriptor */

/* Delivered on the loop; one handler a signal. */
void loop_on_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo), void *arg);

/* Longest turn (time between two polls) since the last call for this reader. */
enum loop_turns { LOOP_TURNS_METRIC, LOOP_TURNS_LOAD, LOOP_N_TURNS };
usec_t loop_take_longest_turn(struct loop *l, enum loop_turns reader);
