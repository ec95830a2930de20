#include "loop/loop.h"

#include <unistd.h>

#include "await.h"

struct seen {
	struct loop *loop;
	struct timer t;
	struct defer d;
	unsigned n;
	usec_t at;
};

static void on_time(void *arg)
{
	struct seen *s = arg;
	s->n++;
	s->at = loop_now(s->loop);
}

static void ms_later(struct seen *s, uint64_t ms)
{
	timer_set(&s->t, loop_now(s->loop) + ms * USEC_PER_MSEC);
}

/* A loop whose clock stands at a whole millisecond. */
static struct loop *still_loop(void)
{
	struct loop *l = loop_new();
	loop_clock_move(l, USEC_PER_MSEC - loop_now(l) % USEC_PER_MSEC);
	return l;
}

static void a_timer_fires_once_and_not_before_its_time(void)
{
	static const uint64_t spans[] = { 1, 63, 64, 65, 4095, 4096, 32000, 185000, 86400000 };
	auto_(loop_free) struct loop *l = still_loop();
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		struct seen s = { .loop = l };
		timer_init(&s.t, l, on_time, &s);
		ms_later(&s, spans[i]);
		usec_t due = s.t.tick.deadline;
		loop_clock_move(l, (spans[i] - 1) * USEC_PER_MSEC);
		loop_turn(l, 0);
		EQ(s.n, 0);
		loop_clock_move(l, USEC_PER_MSEC);
		loop_turn(l, 0);
		EQ(s.n, 1);
		OK(s.at == due && s.t.tick.deadline == USEC_INFINITY);
		loop_clock_move(l, 1000 * USEC_PER_SEC);
		loop_turn(l, 0);
		EQ(s.n, 1);
	}
}

static void a_timer_can_be_moved_and_stopped(void)
{
	auto_(loop_free) struct loop *l = still_loop();
	struct seen s = { .loop = l };
	timer_init(&s.t, l, on_time, &s);
	ms_later(&s, 100);
	ms_later(&s, 5000); /* later than it was */
	loop_clock_move(l, 1000 * USEC_PER_MSEC);
	loop_turn(l, 0);
	EQ(s.n, 0);
	ms_later(&s, 10); /* and earlier */
	loop_clock_move(l, 10 * USEC_PER_MSEC);
	loop_turn(l, 0);
	EQ(s.n, 1);
	ms_later(&s, 10);
	timer_stop(&s.t);
	timer_stop(&s.t);
	loop_clock_move(l, 10000 * USEC_PER_MSEC);
	loop_turn(l, 0);
	EQ(s.n, 1);
}

static void a_timer_in_the_past_fires_in_the_next_turn(void)
{
	auto_(loop_free) struct loop *l = still_loop();
	struct seen s = { .loop = l };
	timer_init(&s.t, l, on_time, &s);
	timer_set(&s.t, 0);
	EQ(s.n, 0);
	loop_clock_move(l, USEC_PER_MSEC);
	loop_turn(l, 0);
	EQ(s.n, 1);
}

static void the_clock_runs_by_itself_until_a_test_holds_it(void)
{
	auto_(loop_free) struct loop *l = loop_new();
	usec_t start = loop_now(l);
	AWAIT(l, loop_now(l) > start);
	loop_clock_move(l, 0);
	usec_t held = loop_now(l);
	for (int i = 0; i < 5; i++)
		loop_turn(l, USEC_PER_MSEC);
	EQ(loop_now(l), held);
	loop_clock_move(l, 7);
	EQ(loop_now(l), held + 7);
}

static void on_defer(void *arg)
{
	struct seen *s = arg;
	s->n++;
}

static void deferred_work_is_done_once_at_the_end_of_the_turn(void)
{
	auto_(loop_free) struct loop *l = loop_new();
	struct seen s = { .loop = l };
	defer_init(&s.d, on_defer, &s);
	loop_defer(l, &s.d);
	loop_defer(l, &s.d);
	EQ(s.n, 0);
	loop_turn(l, 0);
	EQ(s.n, 1);
	loop_defer(l, &s.d);
	defer_cancel(&s.d);
	loop_turn(l, 0);
	EQ(s.n, 1);
}

struct sum {
	struct job job;
	int a, b, result;
	bool done;
};

static void add(struct job *j)
{
	struct sum *s = container_of(j, struct sum, job);
	s->result = s->a + s->b;
}

static void on_done(struct job *j)
{
	container_of(j, struct sum, job)->done = true;
}

static void a_job_comes_back_on_the_loop(void)
{
	auto_(loop_free) struct loop *l = loop_new();
	struct sum s = { .job = { .work = add, .done = on_done }, .a = 3, .b = 4 };
	EQ(loop_job(l, &s.job), 0);
	OK(!s.done);
	AWAIT(l, s.done);
	EQ(s.result, 7);
}

static void on_io(void *arg, int events)
{
	int *seen = arg;
	*seen |= events;
}

static void a_watched_descriptor_tells_what_it_is_ready_for(void)
{
	auto_(loop_free) struct loop *l = loop_new();
	int p[2], seen = 0;
	EQ(pipe(p), 0);
	struct io *io = io_new(l, p[0], on_io, &seen);
	io_want(io, IO_READ);
	loop_turn(l, 0);
	EQ(seen, 0);
	EQ(write(p[1], "x", 1), 1);
	AWAIT(l, seen == IO_READ);
	io_want(io, 0);
	seen = 0;
	loop_turn(l, 0);
	EQ(seen, 0);
	io_free(&io);
	loop_turn(l, 0);
	(void)close(p[0]);
	(void)close(p[1]);
}

/* The time of a turn is over before it comes to wait, because a timer of libuv's that the turn
 * before has left is due first.  If the turn waits all the same, it is for longer than a test may
 * take. */
static void a_turn_whose_time_is_over_does_not_wait(void)
{
	auto_(loop_free) struct loop *l = still_loop();
	struct seen far = { .loop = l };
	int p[2], seen = 0;
	timer_init(&far.t, l, on_time, &far);
	ms_later(&far, 1000 * 1000);
	EQ(pipe(p), 0);
	EQ(write(p[1], "x", 1), 1);
	struct io *io = io_new(l, p[0], on_io, &seen);
	io_want(io, IO_READ);
	loop_turn(l, 3 * USEC_PER_MSEC); /* ends early */
	EQ(seen, IO_READ);
	io_want(io, 0);
	loop_clock_move(l, 5 * USEC_PER_MSEC);
	(void)usleep(5000);
	loop_turn(l, 0);
	EQ(far.n, 0);
	timer_stop(&far.t);
	io_free(&io);
	(void)close(p[0]);
	(void)close(p[1]);
}

int main(void)
{
	RUN(a_timer_fires_once_and_not_before_its_time);
	RUN(a_timer_can_be_moved_and_stopped);
	RUN(a_timer_in_the_past_fires_in_the_next_turn);
	RUN(the_clock_runs_by_itself_until_a_test_holds_it);
	RUN(deferred_work_is_done_once_at_the_end_of_the_turn);
	RUN(a_job_comes_back_on_the_loop);
	RUN(a_watched_descriptor_tells_what_it_is_ready_for);
	RUN(a_turn_whose_time_is_over_does_not_wait);
	return tap_done();
}
