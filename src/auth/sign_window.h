/* Which numbers of signed messages were seen ([MS-SIPAE] section 3.3.5): each is good once, in any
 * order within the window.  The first one may have any value. */
#pragma once

#include "base/base.h"

enum { SIGN_WINDOW = 256 };

/* All zero: nothing seen. */
struct sign_window {
	bool any;
	uint32_t top;                    /* the highest one */
	uint64_t seen[SIGN_WINDOW / 64]; /* by number modulo SIGN_WINDOW; of the last ones alone */
};

/* False: seen, or too old to tell. */
bool sign_window_fresh(const struct sign_window *w, uint32_t num) MUST_CHECK;
/* Marks a fresh one. */
void sign_window_use(struct sign_window *w, uint32_t num);
