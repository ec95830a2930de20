#include "loop/pipe.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "await.h"
#include "ends.h"

/* far A == near A -- pipe -- near B == far B: the test has the far ends. */

enum {
	SOCKET_BUFFER = 16 * 1024, /* so little that a test reaches what waits in the pipe */
	MUCH = 2 * 1024 * 1024,
	PART = 10 * 1024,
	IDLE_TURNS = 20,
	UNSENT_MAX = PIPE_UNSENT_MAX + 64 * 1024, /* with one read on top */
};

struct far {
	int fd; /* -1: it has ended */
	size_t put, got;
	bool ended; /* the end of what comes was seen */
	int err;    /* it was an error */
};

struct world {
	struct loop *loop;
	struct far far[2];
	struct stream *near[2]; /* borrowed from the pipe once there is one */
	struct pipe *pipe;
	size_t passed[2];
	usec_t rest; /* what passed() says, once */
	unsigned n_ended;
	enum pipe_end by;
	/* for a stream that was somebody else's before */
	size_t taken;
	bool joins;
};

/* --- the pipe's owner ------------------------------------------------------------------ */

static usec_t on_passed(void *arg, enum pipe_end from, size_t bytes)
{
	struct world *w = arg;
	usec_t rest = w->rest;
	w->passed[from] += bytes;
	w->rest = 0;
	return rest;
}

static void on_ended(void *arg, enum pipe_end by)
{
	struct world *w = arg;
	w->n_ended++;
	w->by = by;
	w->pipe = NULL; /* it is freed behind this */
}

static const struct pipe_ops pipe_ops = { .passed = on_passed, .ended = on_ended };

/* --- who had the streams before -------------------------------------------------------- */

static void join(struct world *w)
{
	w->pipe = pipe_new(w->loop, w->near[PIPE_A], w->near[PIPE_B], &pipe_ops, w);
}

/* Takes the first bytes for itself, and may join the streams in the same call. */
static ssize_t on_data(void *arg, struct str in)
{
	struct world *w = arg;
	if (in.len < w->taken)
		return 0;
	if (w->joins)
		join(w);
	w->joins = false;
	return (ssize_t)w->taken;
}

static void on_closed(void *arg UNUSED, int err UNUSED, const char *why UNUSED)
{
}

static const struct stream_ops former_ops = { .data = on_data, .closed = on_closed };

static void shrink(int fd)
{
	int n = SOCKET_BUFFER;
	EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n)), 0);
	EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n)), 0);
}

static void start(struct world *w)
{
	static const struct stream_limits limits = { .read_max = MUCH, .write_max = MUCH };
	*w = (struct world){ .loop = loop_new() };
	loop_clock_move(w->loop, USEC_PER_SEC);
	for (int i = 0; i < 2; i++) {
		int fds[2];
		ends_pair(fds);
		shrink(fds[0]);
		shrink(fds[1]);
		w->far[i] = (struct far){ .fd = fds[0] };
		w->near[i] = stream_accept(w->loop, fds[1], NULL, &limits, &former_ops, w);
	}
}

static void start_joined(struct world *w)
{
	start(w);
	join(w);
}

static void far_close(struct far *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
}

static void stop(struct world *w)
{
	pipe_free(&w->pipe);
	far_close(&w->far[PIPE_A]);
	far_close(&w->far[PIPE_B]);
	loop_free(&w->loop);
}

static void turns(struct world *w, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		loop_turn(w->loop, USEC_PER_MSEC);
}

/* --- bytes, of which each says where it stands ----------------------------------------- */

static char byte_at(size_t i)
{
	return (char)(i * 7 + i / 251 + i / 65537);
}

/* As many of the next n as the kernel takes. */
static void put(struct far *f, size_t n)
{
	char part[PART];
	while (n > 0) {
		size_t want = MIN(n, sizeof(part));
		for (size_t i = 0; i < want; i++)
			part[i] = byte_at(f->put + i);
		ssize_t r = send(f->fd, part, want, MSG_NOSIGNAL);
		if (r <= 0)
			return;
		f->put += (size_t)r;
		n -= (size_t)r;
	}
}

/* As many as are there, at most n; false: one of them was not the next. */
static bool get(struct far *f, size_t n)
{
	char part[PART];
	bool right = true;
	while (n > 0 && !f->ended) {
		ssize_t r = recv(f->fd, part, MIN(n, sizeof(part)), 0);
		if (r < 0 && errno == EAGAIN)
			break;
		f->err = r < 0 ? errno : 0;
		f->ended = r <= 0;
		for (ssize_t i = 0; i < r; i++)
			right &= part[i] == byte_at(f->got++);
		n -= (size_t)MAX(r, 0);
	}
	return right;
}

/* From that end to the other one, until all have come. */
static void carry(struct world *w, enum pipe_end from, size_t n)
{
	struct far *a = &w->far[from], *b = &w->far[from == PIPE_A];
	bool right = true;
	size_t all = a->put + n;
	for (unsigned i = 0; b->got < all && !b->ended && right && i < 100000; i++) {
		put(a, all - a->put);
		loop_turn(w->loop, USEC_PER_MSEC);
		right = get(b, all);
	}
	OK(right);
	EQ(b->got, all);
}

/* That end writes until nothing goes any more. */
static void fill(struct world *w, enum pipe_end from)
{
	struct far *a = &w->far[from];
	size_t before;
	do {
		before = a->put;
		put(a, MUCH);
		turns(w, IDLE_TURNS);
	} while (a->put != before);
}

/* --- tests ----------------------------------------------------------------------------- */

static void bytes_pass_both_ways_whole_and_in_order(void)
{
	struct world w;
	start_joined(&w);
	carry(&w, PIPE_A, 5);
	carry(&w, PIPE_B, 7);
	carry(&w, PIPE_A, MUCH);
	carry(&w, PIPE_B, MUCH);
	EQ(w.passed[PIPE_A], MUCH + 5);
	EQ(w.passed[PIPE_B], MUCH + 7);
	EQ(w.n_ended, 0);
	stop(&w);
}

static void who_is_faster_is_not_read_and_loses_nothing(void)
{
	for (int from = PIPE_A; from <= PIPE_B; from++) {
		struct world w;
		enum pipe_end to = from == PIPE_A ? PIPE_B : PIPE_A;
		start_joined(&w);
		fill(&w, (enum pipe_end)from);
		size_t unsent = stream_unsent(w.near[to]);
		OK(unsent > PIPE_UNSENT_MAX && unsent <= UNSENT_MAX);
		OK(w.passed[from] < w.far[from].put); /* the rest waits in the kernel */
		carry(&w, to, PART);                  /* the other way is free */
		carry(&w, (enum pipe_end)from, MUCH);
		EQ(w.passed[from], w.far[from].put);
		stop(&w);
	}
}

static void what_was_unread_before_passes_first(void)
{
	struct world w;
	start(&w);
	stream_pause(w.near[PIPE_B], true);
	put(&w.far[PIPE_A], 1000);
	put(&w.far[PIPE_B], 50);
	turns(&w, IDLE_TURNS); /* it is in the stream, which keeps it */
	join(&w);
	carry(&w, PIPE_A, 500);
	AWAIT(w.loop, !get(&w.far[PIPE_A], 50) || w.far[PIPE_A].got == 50);
	EQ(w.far[PIPE_A].got, 50);
	EQ(w.passed[PIPE_A], 1500);
	stop(&w);
}

/* As ConnectionBind does it: what follows the request in the same read is the peer's. */
static void streams_are_joined_from_their_own_data(void)
{
	struct world w;
	start(&w);
	w.taken = 20;
	w.joins = true;
	put(&w.far[PIPE_A], 100);
	AWAIT(w.loop, w.pipe != NULL);
	w.far[PIPE_B].got = 20;
	carry(&w, PIPE_A, 100);
	EQ(w.passed[PIPE_A], 180);
	stop(&w);
}

static void who_is_above_a_limit_waits(void)
{
	struct world w;
	start_joined(&w);
	w.rest = USEC_PER_SEC;
	carry(&w, PIPE_A, 10);
	put(&w.far[PIPE_A], 10);
	put(&w.far[PIPE_B], 10); /* neither is read */
	turns(&w, IDLE_TURNS);
	EQ(w.passed[PIPE_A] + w.passed[PIPE_B], 10);
	loop_clock_move(w.loop, 2 * USEC_PER_SEC);
	AWAIT(w.loop, w.passed[PIPE_A] == 20 && w.passed[PIPE_B] == 10);
	carry(&w, PIPE_A, MUCH);
	carry(&w, PIPE_B, MUCH);
	stop(&w);
}

/* One that waits for the other end and for a limit waits for both. */
static void a_limit_that_is_over_does_not_hurry_a_slow_end(void)
{
	struct world w;
	start_joined(&w);
	fill(&w, PIPE_A);
	w.rest = USEC_PER_SEC;
	carry(&w, PIPE_B, 1);
	size_t passed = w.passed[PIPE_A];
	loop_clock_move(w.loop, 2 * USEC_PER_SEC);
	turns(&w, IDLE_TURNS);
	EQ(w.passed[PIPE_A], passed);
	carry(&w, PIPE_A, MUCH);
	stop(&w);
}

static void the_end_of_either_end_is_the_end_of_both(void)
{
	for (int from = PIPE_A; from <= PIPE_B; from++) {
		struct world w;
		start_joined(&w);
		struct far *a = &w.far[from], *b = &w.far[from == PIPE_A];
		fill(&w, (enum pipe_end)from);
		far_close(a);
		AWAIT(w.loop, !get(b, MUCH) || b->ended);
		EQ(b->err, 0);
		EQ(b->got, a->put); /* all that was sent came before the end */
		far_close(b);
		AWAIT(w.loop, w.n_ended > 0);
		EQ(w.by, from);
		turns(&w, IDLE_TURNS);
		EQ(w.n_ended, 1);
		stop(&w);
	}
}

/* A has said a little more than what B's kernel takes, and ended. */
static void end_with_some_left(struct world *w)
{
	start_joined(w);
	for (int i = 0; i < 100 && stream_unsent(w->near[PIPE_B]) <= SOCKET_BUFFER; i++) {
		put(&w->far[PIPE_A], PART);
		turns(w, 2);
	}
	EQ(shutdown(w->far[PIPE_A].fd, SHUT_WR), 0);
	turns(w, IDLE_TURNS);
	OK(stream_unsent(w->near[PIPE_B]) > SOCKET_BUFFER);
}

/* A descriptor that is closed with unread bytes takes what was sent with it. */
static void the_end_loses_nothing_though_the_other_end_still_talks(void)
{
	struct world w;
	struct far *b = &w.far[PIPE_B];
	end_with_some_left(&w);
	put(b, 1000);
	AWAIT(w.loop, !get(b, PART) || b->ended);
	EQ(b->err, 0);
	EQ(b->got, w.far[PIPE_A].put);
	stop(&w);
}

static void the_end_waits_for_who_reads_slowly(void)
{
	struct world w;
	struct far *b = &w.far[PIPE_B];
	end_with_some_left(&w);
	for (int i = 0; i < PIPE_LEFT_S - 1; i++) {
		OK(get(b, 100));
		loop_clock_move(w.loop, USEC_PER_SEC);
		turns(&w, 2);
	}
	AWAIT(w.loop, !get(b, PART) || b->ended);
	EQ(b->got, w.far[PIPE_A].put);
	stop(&w);
}

static void who_reads_nothing_is_ended_some_time(void)
{
	struct world w;
	end_with_some_left(&w);
	/* From one step to the next: the streams' own times begin with them. */
	for (int i = 0; i < 4 && w.n_ended == 0; i++) {
		turns(&w, IDLE_TURNS);
		loop_clock_move(w.loop, PIPE_LEFT_S * USEC_PER_SEC);
	}
	turns(&w, IDLE_TURNS);
	EQ(w.n_ended, 1);
	EQ(w.by, PIPE_A);
	stop(&w);
}

static void who_never_ends_is_ended_some_time(void)
{
	struct world w;
	start_joined(&w);
	carry(&w, PIPE_A, 10);
	far_close(&w.far[PIPE_A]);
	AWAIT(w.loop, !get(&w.far[PIPE_B], MUCH) || w.far[PIPE_B].ended);
	EQ(w.n_ended, 0);
	loop_clock_move(w.loop, (PIPE_LINGER_S + 1) * USEC_PER_SEC);
	AWAIT(w.loop, w.n_ended == 1);
	stop(&w);
}

static void both_may_end_at_once(void)
{
	struct world w;
	start_joined(&w);
	put(&w.far[PIPE_A], PART);
	put(&w.far[PIPE_B], PART);
	far_close(&w.far[PIPE_A]);
	far_close(&w.far[PIPE_B]);
	AWAIT(w.loop, w.n_ended > 0);
	turns(&w, IDLE_TURNS);
	EQ(w.n_ended, 1);
	stop(&w);
}

/* --- freed at any moment --------------------------------------------------------------- */

static void has_just_begun(struct world *w UNUSED)
{
}

static void has_bytes_on_their_way(struct world *w)
{
	put(&w->far[PIPE_A], PART);
	put(&w->far[PIPE_B], PART);
	turns(w, 1);
}

static void is_full(struct world *w)
{
	fill(w, PIPE_A);
}

static void rests(struct world *w)
{
	w->rest = USEC_PER_SEC;
	carry(w, PIPE_A, 10);
}

static void is_ending(struct world *w)
{
	fill(w, PIPE_A);
	far_close(&w->far[PIPE_A]);
	turns(w, IDLE_TURNS);
	while (get(&w->far[PIPE_B], PART) && !w->far[PIPE_B].ended && w->far[PIPE_B].got < MUCH / 4)
		turns(w, 1);
}

static void lingers(struct world *w)
{
	far_close(&w->far[PIPE_A]);
	AWAIT(w->loop, !get(&w->far[PIPE_B], MUCH) || w->far[PIPE_B].ended);
}

static void a_freed_pipe_ends_both_and_says_nothing(void)
{
	static void (*const moments[])(struct world * w) = {
		has_just_begun, has_bytes_on_their_way, is_full, rests, is_ending, lingers,
	};
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		struct world w;
		start_joined(&w);
		moments[i](&w);
		pipe_free(&w.pipe);
		OK(w.pipe == NULL);
		loop_clock_move(w.loop, PIPE_LEFT_S * USEC_PER_SEC);
		for (int k = PIPE_A; k <= PIPE_B; k++)
			if (w.far[k].fd >= 0)
				AWAIT(w.loop, !get(&w.far[k], MUCH) || w.far[k].ended);
		EQ(w.n_ended, 0);
		stop(&w);
	}
}

/* What the owner of a pipe knows of it, once it has left. */
static void on_left(void *arg, enum pipe_end by UNUSED)
{
	*(bool *)arg = true;
}

static usec_t on_last(void *arg UNUSED, enum pipe_end from, size_t bytes UNUSED)
{
	EQ(from, PIPE_A);
	return 0;
}

static const struct pipe_ops leaving_ops = { .passed = on_last, .ended = on_left };

/* What waits in the kernel too; and of the other end nothing more is read. */
static void a_pipe_that_leaves_passes_all_that_one_end_has_sent(void)
{
	for (int ends = 0; ends < 2; ends++) { /* or it is silent */
		struct world w;
		bool left = false;
		start_joined(&w);
		struct far *a = &w.far[PIPE_A], *b = &w.far[PIPE_B];
		fill(&w, PIPE_A);
		put(b, PART);
		turns(&w, IDLE_TURNS);
		size_t told = w.passed[PIPE_B];
		OK(a->put > w.passed[PIPE_A]);
		pipe_leave(take(&w.pipe), PIPE_A, &leaving_ops, &left);
		put(b, PART);
		if (ends)
			EQ(shutdown(a->fd, SHUT_WR), 0);
		AWAIT(w.loop, !get(b, PART) || b->got == a->put); /* slowly */
		if (!ends) {
			turns(&w, IDLE_TURNS);
			put(a, PART); /* so it is not silent yet */
			loop_clock_move(w.loop, PIPE_QUIET_S * USEC_PER_SEC);
			AWAIT(w.loop, !get(b, PART) || b->got == a->put);
			OK(!b->ended);
			for (int i = 0; i < 4; i++) {
				loop_clock_move(w.loop, PIPE_QUIET_S * USEC_PER_SEC);
				turns(&w, IDLE_TURNS);
			}
		}
		AWAIT(w.loop, !get(b, PART) || b->ended);
		EQ(b->got, a->put);
		EQ(b->err, 0);
		AWAIT(w.loop, !get(a, MUCH) || a->ended);
		EQ(a->got, told);
		OK(!left);
		far_close(a);
		far_close(b);
		AWAIT(w.loop, left);
		EQ(w.n_ended, 0);
		stop(&w);
	}
}

/* As long as the other one takes nothing, nobody is silent; but some time is enough. */
static void a_pipe_that_leaves_waits_for_who_reads_slowly(void)
{
	struct world w;
	bool left = false;
	start_joined(&w);
	struct far *a = &w.far[PIPE_A], *b = &w.far[PIPE_B];
	fill(&w, PIPE_A);
	pipe_leave(w.pipe, PIPE_A, &leaving_ops, &left);
	for (int i = 0; i < PIPE_LEFT_S - 2 * PIPE_QUIET_S; i++) {
		loop_clock_move(w.loop, USEC_PER_SEC);
		turns(&w, 2);
	}
	AWAIT(w.loop, !get(b, PART) || b->got == a->put);
	OK(!b->ended);
	OK(!left);
	stop(&w);
}

/* Who never stops to talk has said more than what was on the way. */
static void a_pipe_that_leaves_is_no_way_to_go_on(void)
{
	struct world w;
	bool left = false;
	start_joined(&w);
	struct far *a = &w.far[PIPE_A], *b = &w.far[PIPE_B];
	carry(&w, PIPE_A, 10);
	pipe_leave(w.pipe, PIPE_A, &leaving_ops, &left);
	for (unsigned i = 0; i < 100000 && !b->ended; i++) {
		put(a, MUCH);
		loop_turn(w.loop, 0);
		OK(get(b, MUCH));
	}
	OK(b->ended && b->got >= PIPE_LAST_MAX && b->got < PIPE_LAST_MAX + MUCH);
	OK(!left);
	stop(&w);
}

/* Neither end reads, or ends by itself. */
static void a_pipe_that_leaves_is_gone_some_time(void)
{
	struct world w;
	bool left = false;
	start_joined(&w);
	fill(&w, PIPE_A);
	fill(&w, PIPE_B);
	pipe_leave(take(&w.pipe), PIPE_A, &leaving_ops, &left);
	for (int i = 0; i < 3 && !left; i++) {
		turns(&w, IDLE_TURNS);
		loop_clock_move(w.loop, PIPE_LEFT_S * USEC_PER_SEC);
	}
	AWAIT(w.loop, left);
	stop(&w);
}

int main(void)
{
	RUN(bytes_pass_both_ways_whole_and_in_order);
	RUN(who_is_faster_is_not_read_and_loses_nothing);
	RUN(what_was_unread_before_passes_first);
	RUN(streams_are_joined_from_their_own_data);
	RUN(who_is_above_a_limit_waits);
	RUN(a_limit_that_is_over_does_not_hurry_a_slow_end);
	RUN(the_end_of_either_end_is_the_end_of_both);
	RUN(the_end_loses_nothing_though_the_other_end_still_talks);
	RUN(the_end_waits_for_who_reads_slowly);
	RUN(who_reads_nothing_is_ended_some_time);
	RUN(who_never_ends_is_ended_some_time);
	RUN(both_may_end_at_once);
	RUN(a_pipe_that_leaves_passes_all_that_one_end_has_sent);
	RUN(a_pipe_that_leaves_waits_for_who_reads_slowly);
	RUN(a_pipe_that_leaves_is_no_way_to_go_on);
	RUN(a_pipe_that_leaves_is_gone_some_time);
	RUN(a_freed_pipe_ends_both_and_says_nothing);
	return tap_done();
}
