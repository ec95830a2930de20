#include "svc/presence/aggregate.h"

static bool is_live(uint32_t availability)
{
	return availability >= AVAIL_ONLINE && availability < AVAIL_OFFLINE;
}

/* The strongest publications of each kind. */
struct strongest {
	const struct publication *machine, *user, *calendar, *phone;
};

static bool is_newer(const struct publication *a, const struct publication *b)
{
	return !b || a->published >= b->published;
}

/* Whether somebody is at a machine is all that it knows: what else is said there (pidgin-sipe
 * repeats the user's own state) is not the machine's. */
static uint32_t machine_level(const struct publication *p)
{
	uint32_t v = p->body->availability;
	if (v >= AVAIL_BRB)
		return STATE_AWAY;
	bool idle = (v >= AVAIL_IDLE && v < AVAIL_BUSY) || (v >= AVAIL_BUSY_IDLE && v < AVAIL_DND);
	return idle ? STATE_IDLE : STATE_ONLINE;
}

/* The most active machine; of two alike the one that spoke last. */
static bool is_more_active(const struct publication *a, const struct publication *b)
{
	if (!b || machine_level(a) != machine_level(b))
		return !b || machine_level(a) < machine_level(b);
	return is_newer(a, b);
}

/* What keeps the user busier. */
static bool is_busier(const struct publication *a, const struct publication *b)
{
	return !b || a->body->availability > b->body->availability;
}

static void weigh(struct strongest *s, const struct publication *p)
{
	bool live = is_live(p->body->availability);
	switch (p->body->kind) {
	case STATE_MACHINE:
		if (live && is_more_active(p, s->machine))
			s->machine = p;
		break;
	case STATE_USER:
		if (p->body->availability >= AVAIL_ONLINE && is_newer(p, s->user))
			s->user = p;
		break;
	case STATE_CALENDAR:
		if (live && is_busier(p, s->calendar))
			s->calendar = p;
		break;
	case STATE_PHONE:
		if (live && is_busier(p, s->phone))
			s->phone = p;
		break;
	case STATE_AGGREGATE:
	case STATE_NONE:
		break;
	}
}

static struct strongest find(const struct aggregate_input *in)
{
	struct strongest s = { 0 };
	for (const struct publication *p = in->pubs->first; p; p = p->next)
		if (p->key.category == CATEGORY_STATE && p->key.container == in->container &&
		    p->body)
			weigh(&s, p);
	return s;
}

static void take_state(struct aggregate *a, const struct publication *p)
{
	a->from = p;
	a->availability = p->body->availability;
	a->token = p->body->token;
	a->custom = p->body->custom;
}

/* A call or a meeting makes busier, never freer. */
static void raise(struct aggregate *a, const struct publication *p)
{
	if (!p)
		return;
	if (p->body->availability >= a->availability)
		take_state(a, p);
	if (p->body->subject.len > 0)
		a->subject = p->body->subject;
	if (p->body->location.len > 0)
		a->location = p->body->location;
}

/* Nobody is at the machine: the idle form of what is said. */
static void make_idle(struct aggregate *a, uint32_t level)
{
	if (level == STATE_ONLINE)
		return;
	if (a->availability >= AVAIL_ONLINE && a->availability < AVAIL_IDLE)
		a->availability = level;
	else if (a->availability >= AVAIL_BUSY && a->availability < AVAIL_BUSY_IDLE)
		a->availability = STATE_BUSY_IDLE;
}

struct aggregate aggregate_of(const struct aggregate_input *in)
{
	struct aggregate a = { .availability = STATE_OFFLINE };
	if (!in->signed_in)
		return a;
	struct strongest s = find(in);
	if (s.user && s.user->body->availability >= AVAIL_OFFLINE) {
		a.from = s.user; /* "appear offline" */
		return a;
	}
	if (!s.machine && !in->phone_online)
		return a;
	uint32_t level = s.machine ? machine_level(s.machine) : STATE_ONLINE;
	a.availability = level;
	a.from = s.machine;
	if (s.user)
		take_state(&a, s.user);
	raise(&a, s.calendar);
	raise(&a, s.phone);
	make_idle(&a, level);
	return a;
}
