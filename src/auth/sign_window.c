#include "auth/sign_window.h"

#include <string.h>

static uint64_t bit(uint32_t num)
{
	return UINT64_C(1) << num % 64;
}

bool sign_window_fresh(const struct sign_window *w, uint32_t num)
{
	if (!w->any || num > w->top)
		return true;
	return w->top - num < SIGN_WINDOW && !(w->seen[num % SIGN_WINDOW / 64] & bit(num));
}

void sign_window_use(struct sign_window *w, uint32_t num)
{
	if (!w->any || (num > w->top && num - w->top >= SIGN_WINDOW)) {
		memset(w->seen, 0, sizeof(w->seen));
		w->top = num;
		w->any = true;
	}
	/* What comes into the window takes the places of what leaves it. */
	while (w->top < num) {
		w->top++;
		w->seen[w->top % SIGN_WINDOW / 64] &= ~bit(w->top);
	}
	w->seen[num % SIGN_WINDOW / 64] |= bit(num);
}
