#include "loop/ticks.h"

#include <stdlib.h>

#include "loop/wheel.h"

struct ticks {
	struct wheel wheel;
	struct timer next; /* the wheel's next slot */
	void (*fn)(void *arg, struct tick *t);
	void *arg;
};

static uint64_t now_ms(const struct ticks *k)
{
	return loop_now(k->next.loop) / USEC_PER_MSEC;
}

static void arm(struct ticks *k)
{
	uint64_t at = wheel_next(&k->wheel);
	usec_t due = at == UINT64_MAX ? USEC_INFINITY : at * USEC_PER_MSEC;
	if (due != k->next.tick.deadline)
		timer_set(&k->next, due);
}

static void on_next(void *arg)
{
	struct ticks *k = arg;
	wheel_advance(&k->wheel, now_ms(k));
	arm(k);
}

static void fire(struct wheel *w, struct tick *t)
{
	struct ticks *k = container_of(w, struct ticks, wheel);
	k->fn(k->arg, t);
}

struct ticks *ticks_new(struct loop *l, void (*fn)(void *arg, struct tick *t), void *arg)
{
	struct ticks *k = xnew(struct ticks);
	k->fn = fn;
	k->arg = arg;
	timer_init(&k->next, l, on_next, k);
	wheel_init(&k->wheel, now_ms(k), fire);
	return k;
}

void ticks_free(struct ticks **kp)
{
	struct ticks *k = take(kp);
	if (!k)
		return;
	timer_stop(&k->next);
	free(k);
}

void tick_init(struct tick *t)
{
	t->deadline = USEC_INFINITY;
	list_init(&t->node);
}

void tick_set(struct ticks *k, struct tick *t, usec_t deadline)
{
	tick_stop(t);
	t->deadline = deadline;
	if (deadline == USEC_INFINITY)
		return;
	wheel_add(&k->wheel, t);
	arm(k);
}

void tick_stop(struct tick *t)
{
	list_del(&t->node);
	t->deadline = USEC_INFINITY;
}
