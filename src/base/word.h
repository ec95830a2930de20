/* Words that are nearly the same: for the hints behind "there is no such thing". */
#pragma once

#include "base/str.h"

enum { WORD_MAX = 64 }; /* bytes that are looked at */

/* How many letters must be changed, added, left out or swapped with the next one. */
size_t word_distance(struct str a, struct str b);
/* Is `word` so near to `known` that it may be a slip of the finger? */
bool word_is_near(struct str word, struct str known);
