#include "loop/wheel.h"

/* A timer stands on the level of the highest digit (of 6 bits) in which its time differs from now,
 * in the slot of that digit.  So a level's slots all lie ahead of now and behind those of the level
 * below: the next one is the lowest level's first. */

void wheel_init(struct wheel *w, uint64_t now_ms, void (*fire)(struct wheel *w, struct tick *t))
{
	w->now = now_ms;
	w->fire = fire;
	for (int l = 0; l < WHEEL_LEVELS; l++) {
		w->used[l] = 0;
		for (int s = 0; s < WHEEL_SLOTS; s++)
			list_init(&w->slot[l][s]);
	}
}

static uint64_t due_ms(const struct tick *t)
{
	return t->deadline / USEC_PER_MSEC + (t->deadline % USEC_PER_MSEC != 0);
}

void wheel_add(struct wheel *w, struct tick *t)
{
	const uint64_t span = (uint64_t)1 << (WHEEL_BITS * WHEEL_LEVELS);
	uint64_t due = due_ms(t);
	if (due <= w->now)
		due = w->now + 1;
	/* Beyond the last level (more than a hundred years): looked at again when the wheel is
	 * full. */
	if ((due ^ w->now) >= span)
		due = w->now | (span - 1);
	uint64_t differ = due ^ w->now;
	int level = differ ? (63 - __builtin_clzll(differ)) / WHEEL_BITS : 0;
	unsigned slot = due >> (WHEEL_BITS * level) & (WHEEL_SLOTS - 1);
	w->used[level] |= (uint64_t)1 << slot;
	list_add(&w->slot[level][slot], &t->node);
}

/* The first used slot of a level that lies ahead, or -1. */
static int next_slot(const struct wheel *w, int level)
{
	unsigned here = w->now >> (WHEEL_BITS * level) & (WHEEL_SLOTS - 1);
	uint64_t ahead = here == WHEEL_SLOTS - 1 ? 0 : w->used[level] >> (here + 1);
	return ahead ? (int)here + 1 + __builtin_ctzll(ahead) : -1;
}

static uint64_t slot_time(const struct wheel *w, int level, int slot)
{
	int shift = WHEEL_BITS * level;
	uint64_t above = w->now >> shift >> WHEEL_BITS << WHEEL_BITS << shift;
	return above | (uint64_t)slot << shift;
}

static int next_level(const struct wheel *w, int *ret_slot)
{
	for (int l = 0; l < WHEEL_LEVELS; l++)
		if ((*ret_slot = next_slot(w, l)) >= 0)
			return l;
	return -1;
}

uint64_t wheel_next(const struct wheel *w)
{
	int slot, level = next_level(w, &slot);
	return level < 0 ? UINT64_MAX : slot_time(w, level, slot);
}

static void take_list(struct list *to, struct list *from)
{
	list_init(to);
	if (list_empty(from))
		return;
	*to = *from;
	to->next->prev = to->prev->next = to;
	list_init(from);
}

/* Everything in one slot: due now, or moved to a lower level. */
static void empty_slot(struct wheel *w, int level, int slot)
{
	struct list due;
	take_list(&due, &w->slot[level][slot]);
	w->used[level] &= ~((uint64_t)1 << slot);
	while (!list_empty(&due)) {
		struct tick *t = list_entry(due.next, struct tick, node);
		list_del(&t->node);
		if (due_ms(t) > w->now) {
			wheel_add(w, t);
			continue;
		}
		t->deadline = USEC_INFINITY;
		w->fire(w, t);
	}
}

void wheel_advance(struct wheel *w, uint64_t to_ms)
{
	int slot, level;
	while ((level = next_level(w, &slot)) >= 0) {
		uint64_t at = slot_time(w, level, slot);
		if (at > to_ms)
			break;
		w->now = at;
		empty_slot(w, level, slot);
	}
	w->now = MAX(w->now, to_ms);
}
