#include "stack/media/srtp_window.h"

enum { WORD = 64, WINDOW = 2 * WORD, HALF = 1 << 15, ROUND = 1 << 16 };

static bool is_empty(const struct srtp_window *w)
{
	return !(w->seen[0] & 1);
}

/* The first packet fixes the place within round 0.  A number that seems to come from the round
 * before that is ahead, since there was none: so many packets were lost. */
uint64_t srtp_window_index(const struct srtp_window *w, uint16_t seq)
{
	uint64_t index = (w->top & ~(uint64_t)(ROUND - 1)) | seq;
	if (is_empty(w))
		return seq;
	if (index > w->top + HALF && index >= ROUND)
		return index - ROUND;
	if (index + HALF < w->top)
		return index + ROUND;
	return index;
}

bool srtp_window_is_fresh(const struct srtp_window *w, uint64_t index)
{
	uint64_t age = w->top - index;
	if (is_empty(w) || index > w->top)
		return true;
	return age < WINDOW && !(w->seen[age / WORD] >> age % WORD & 1);
}

static void slide(struct srtp_window *w, uint64_t n)
{
	if (n >= WINDOW) {
		w->seen[0] = w->seen[1] = 0;
	} else if (n >= WORD) {
		w->seen[1] = w->seen[0] << (n - WORD);
		w->seen[0] = 0;
	} else if (n > 0) {
		w->seen[1] = w->seen[1] << n | w->seen[0] >> (WORD - n);
		w->seen[0] <<= n;
	}
}

void srtp_window_mark(struct srtp_window *w, uint64_t index)
{
	if (is_empty(w) || index > w->top) {
		slide(w, index - w->top);
		w->top = index;
	}
	uint64_t age = w->top - index;
	w->seen[age / WORD] |= (uint64_t)1 << age % WORD;
}

uint64_t srtp_window_next(const struct srtp_window *w)
{
	return is_empty(w) ? 0 : w->top + 1;
}
