#include "svc/access/overload.h"

#include "tap.h"

static void feed(struct overload *o, enum overload_signal s, unsigned n)
{
	while (n-- > 0)
		(void)overload_feed(o, s);
}

static void a_turn_is_high_at_the_bound_and_low_below_half_of_it(void)
{
	EQ(overload_signal(0, 100), OVERLOAD_LOW);
	EQ(overload_signal(49, 100), OVERLOAD_LOW);
	EQ(overload_signal(50, 100), OVERLOAD_MIDDLE);
	EQ(overload_signal(99, 100), OVERLOAD_MIDDLE);
	EQ(overload_signal(100, 100), OVERLOAD_HIGH);
}

static void one_long_turn_changes_nothing(void)
{
	struct overload o = { 0 };
	for (int i = 0; i < 10; i++) {
		OK(!overload_feed(&o, OVERLOAD_HIGH));
		OK(!overload_feed(&o, OVERLOAD_LOW));
	}
	EQ(o.state, OVERLOAD_CALM);
}

static void lasting_load_is_entered_step_by_step(void)
{
	struct overload o = { 0 };
	OK(!overload_feed(&o, OVERLOAD_HIGH));
	OK(overload_feed(&o, OVERLOAD_HIGH));
	EQ(o.state, OVERLOAD_BUSY);
	feed(&o, OVERLOAD_HIGH, 2);
	EQ(o.state, OVERLOAD_BUSY);
	OK(overload_feed(&o, OVERLOAD_HIGH));
	EQ(o.state, OVERLOAD_FULL);
	feed(&o, OVERLOAD_HIGH, 100);
	EQ(o.state, OVERLOAD_FULL);
}

static void it_is_left_later_than_entered_and_step_by_step(void)
{
	struct overload o = { .state = OVERLOAD_FULL };
	feed(&o, OVERLOAD_LOW, 4);
	EQ(o.state, OVERLOAD_FULL);
	OK(overload_feed(&o, OVERLOAD_LOW));
	EQ(o.state, OVERLOAD_BUSY);
	feed(&o, OVERLOAD_LOW, 4);
	EQ(o.state, OVERLOAD_BUSY);
	OK(overload_feed(&o, OVERLOAD_LOW));
	EQ(o.state, OVERLOAD_CALM);
}

static void between_the_bounds_every_state_stays(void)
{
	for (enum overload_state s = 0; s < OVERLOAD_N_STATES; s++) {
		struct overload o = { .state = s };
		feed(&o, OVERLOAD_MIDDLE, 100);
		EQ(o.state, s);
	}
}

static void a_signal_between_starts_the_count_anew(void)
{
	struct overload o = { .state = OVERLOAD_FULL };
	feed(&o, OVERLOAD_LOW, 4);
	feed(&o, OVERLOAD_MIDDLE, 1);
	feed(&o, OVERLOAD_LOW, 4);
	EQ(o.state, OVERLOAD_FULL);
}

static void more_load_allows_less(void)
{
	for (enum overload_state s = 1; s < OVERLOAD_N_STATES; s++) {
		const struct overload_limits *a = overload_limits(s - 1), *b = overload_limits(s);
		OK(b->accepts < a->accepts && b->accepts > 0);
		OK(b->handshakes < a->handshakes && b->handshakes > 0);
	}
	OK(overload_limits(OVERLOAD_BUSY)->new_clients);
	OK(!overload_limits(OVERLOAD_FULL)->new_clients);
}

int main(void)
{
	RUN(a_turn_is_high_at_the_bound_and_low_below_half_of_it);
	RUN(one_long_turn_changes_nothing);
	RUN(lasting_load_is_entered_step_by_step);
	RUN(it_is_left_later_than_entered_and_step_by_step);
	RUN(between_the_bounds_every_state_stays);
	RUN(a_signal_between_starts_the_count_anew);
	RUN(more_load_allows_less);
	return tap_done();
}
