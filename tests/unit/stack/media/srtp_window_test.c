#include "stack/media/srtp_window.h"

#include "tap.h"

static void see(struct srtp_window *w, uint64_t index)
{
	OK(srtp_window_is_fresh(w, index));
	srtp_window_mark(w, index);
	OK(!srtp_window_is_fresh(w, index));
}

static void the_first_number_is_its_own_index(void)
{
	struct srtp_window w = { .top = 0 };
	EQ(srtp_window_index(&w, 65535), 65535);
	EQ(srtp_window_next(&w), 0);
	see(&w, 0);
	EQ(srtp_window_next(&w), 1);
	EQ(srtp_window_index(&w, 0), 0);
}

static void number_wraps_into_the_next_round(void)
{
	struct srtp_window w = { .top = 0 };
	see(&w, 65535);
	EQ(srtp_window_index(&w, 65534), 65534);
	EQ(srtp_window_index(&w, 0), 65536);
	EQ(srtp_window_index(&w, 32766), 65536 + 32766);
	EQ(srtp_window_index(&w, 32767), 32767);
}

static void late_number_belongs_to_the_round_before(void)
{
	struct srtp_window w = { .top = 0 };
	see(&w, 3 * 65536 + 2);
	EQ(srtp_window_index(&w, 65535), 3 * 65536 - 1);
	EQ(srtp_window_index(&w, 32770), 3 * 65536 + 32770);
	EQ(srtp_window_index(&w, 32771), 2 * 65536 + 32771);
}

static void nothing_is_before_round_0(void)
{
	struct srtp_window w = { .top = 0 };
	see(&w, 2);
	EQ(srtp_window_index(&w, 65535), 65535);
}

static void window_holds_128_packets(void)
{
	struct srtp_window w = { .top = 0 };
	see(&w, 1000);
	OK(srtp_window_is_fresh(&w, 873));
	OK(!srtp_window_is_fresh(&w, 872));
	see(&w, 873);
	see(&w, 936);
	see(&w, 937);
	OK(srtp_window_is_fresh(&w, 999));
}

static void window_slides_by_any_step(void)
{
	static const uint64_t steps[] = { 1, 63, 64, 65, 127 };
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct srtp_window w = { .top = 0 };
		see(&w, 498);
		see(&w, 500);
		see(&w, 500 + steps[i]);
		OK(!srtp_window_is_fresh(&w, 498));
		OK(srtp_window_is_fresh(&w, 499) == (steps[i] < 127));
		OK(srtp_window_is_fresh(&w, 498 + steps[i]));
		OK(!srtp_window_is_fresh(&w, 500));
		OK(srtp_window_is_fresh(&w, 500 + steps[i] - 1) == (steps[i] > 1));
		OK(srtp_window_is_fresh(&w, 501) == (steps[i] > 1));
	}
	struct srtp_window w = { .top = 0 };
	see(&w, 500);
	see(&w, 628);
	for (uint64_t i = 501; i < 628; i++)
		OK(srtp_window_is_fresh(&w, i));
	OK(!srtp_window_is_fresh(&w, 500));
}

int main(void)
{
	RUN(the_first_number_is_its_own_index);
	RUN(number_wraps_into_the_next_round);
	RUN(late_number_belongs_to_the_round_before);
	RUN(nothing_is_before_round_0);
	RUN(window_holds_128_packets);
	RUN(window_slides_by_any_step);
	return tap_done();
}
