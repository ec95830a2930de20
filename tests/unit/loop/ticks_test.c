#include "loop/ticks.h"

#include "await.h"

struct thing {
	struct tick tick;
	unsigned fired;
};

struct world {
	struct loop *loop;
	struct ticks *kind;
	struct thing things[4];
	struct thing *frees; /* the object of this one is gone after it has fired */
	unsigned n;
};

static void on_tick(void *arg, struct tick *t)
{
	struct world *w = arg;
	struct thing *x = container_of(t, struct thing, tick);
	OK(t->deadline == USEC_INFINITY);
	w->n++;
	x->fired++;
	if (x == w->frees)
		memset(x, 0xff, sizeof(*x));
}

static void world_start(struct world *w)
{
	*w = (struct world){ .loop = loop_new() };
	loop_clock_move(w->loop, USEC_PER_MSEC - loop_now(w->loop) % USEC_PER_MSEC);
	w->kind = ticks_new(w->loop, on_tick, w);
	for (size_t i = 0; i < ARRAY_SIZE(w->things); i++)
		tick_init(&w->things[i].tick);
}

static void world_end(struct world *w)
{
	ticks_free(&w->kind);
	loop_free(&w->loop);
}

static void set(struct world *w, size_t i, uint64_t ms)
{
	tick_set(w->kind, &w->things[i].tick, loop_now(w->loop) + ms * USEC_PER_MSEC);
}

static void pass(struct world *w, uint64_t ms)
{
	loop_clock_move(w->loop, ms * USEC_PER_MSEC);
	loop_turn(w->loop, 0);
}

static void each_fires_once_at_its_time(void)
{
	struct world w;
	world_start(&w);
	set(&w, 0, 600000);
	set(&w, 1, 1);
	set(&w, 2, 900000);
	set(&w, 3, 600001);
	pass(&w, 1);
	EQ(w.n, 1);
	EQ(w.things[1].fired, 1);
	pass(&w, 599998);
	EQ(w.n, 1);
	pass(&w, 1);
	EQ(w.things[0].fired, 1);
	EQ(w.n, 2);
	pass(&w, 1);
	EQ(w.things[3].fired, 1);
	pass(&w, 1000000);
	EQ(w.things[2].fired, 1);
	EQ(w.n, 4);
	world_end(&w);
}

static void a_tick_can_be_moved_and_stopped(void)
{
	struct world w;
	world_start(&w);
	set(&w, 0, 100);
	set(&w, 0, 5000);
	set(&w, 1, 100);
	tick_stop(&w.things[1].tick);
	tick_stop(&w.things[1].tick);
	OK(w.things[1].tick.deadline == USEC_INFINITY);
	tick_set(w.kind, &w.things[2].tick, USEC_INFINITY);
	pass(&w, 4999);
	EQ(w.n, 0);
	set(&w, 0, 10); /* and earlier than it was */
	pass(&w, 10);
	EQ(w.n, 1);
	pass(&w, 100000);
	EQ(w.n, 1);
	world_end(&w);
}

static void the_object_may_end_when_it_fires(void)
{
	struct world w;
	world_start(&w);
	w.frees = &w.things[0];
	set(&w, 0, 10);
	set(&w, 1, 10);
	set(&w, 2, 70); /* the same slot of the second level */
	pass(&w, 10);
	EQ(w.n, 2);
	pass(&w, 60);
	EQ(w.n, 3);
	world_end(&w);
}

static void idle_time_in_between_does_not_matter(void)
{
	struct world w;
	world_start(&w);
	pass(&w, 12345678);
	set(&w, 0, 30000);
	pass(&w, 29999);
	EQ(w.n, 0);
	pass(&w, 1);
	EQ(w.n, 1);
	world_end(&w);
}

int main(void)
{
	RUN(each_fires_once_at_its_time);
	RUN(a_tick_can_be_moved_and_stopped);
	RUN(the_object_may_end_when_it_fires);
	RUN(idle_time_in_between_does_not_matter);
	return tap_done();
}
