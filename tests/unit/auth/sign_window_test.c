#include "auth/sign_window.h"

#include "tap.h"

static bool use(struct sign_window *w, uint32_t num)
{
	bool fresh = sign_window_fresh(w, num);
	if (fresh)
		sign_window_use(w, num);
	return fresh;
}

static void each_number_is_good_once(void)
{
	struct sign_window w = { .any = false };
	for (uint32_t n = 1; n <= 1000; n++)
		OK(use(&w, n) && !use(&w, n));
}

static void numbers_may_overtake_one_another(void)
{
	struct sign_window w = { .any = false };
	OK(use(&w, 1000));
	for (uint32_t n = 999; n > 1000 - SIGN_WINDOW; n--)
		OK(use(&w, n) && !use(&w, n));
	OK(!use(&w, 1000 - SIGN_WINDOW));
	OK(use(&w, 1001) && !use(&w, 1001 - SIGN_WINDOW));
	OK(!use(&w, 1000));
}

static void any_number_may_be_the_first(void)
{
	static const uint32_t firsts[] = { 0, 1, 63, 64, 255, 256, 70000, UINT32_MAX };
	for (size_t i = 0; i < ARRAY_SIZE(firsts); i++) {
		struct sign_window w = { .any = false };
		OK(use(&w, firsts[i]) && !use(&w, firsts[i]));
	}
}

static void jump_forgets_what_is_left_behind(void)
{
	struct sign_window w = { .any = false };
	OK(use(&w, 5) && use(&w, 5 + SIGN_WINDOW));
	OK(!use(&w, 5) && use(&w, 6));
	OK(use(&w, UINT32_MAX) && !use(&w, 5 + SIGN_WINDOW));
	OK(use(&w, UINT32_MAX - 1) && !use(&w, UINT32_MAX));
}

int main(void)
{
	RUN(each_number_is_good_once);
	RUN(numbers_may_overtake_one_another);
	RUN(any_number_may_be_the_first);
	RUN(jump_forgets_what_is_left_behind);
	return tap_done();
}
