/* A set of keys that remembers the youngest and is never wrong about a key in practice: of each it
 * keeps a keyed hash of 64 bits, in sets of eight, so that there can be many. */
#pragma once

#include "base/str.h"

enum {
	KNOWN_WAYS = 8,
	KNOWN_SETS_MAX = 16384, /* 1 MB: 65,536 keys are not crowded, 131,072 is the most */
};

struct known; /* opaque */

struct known *known_new(void);
void known_free(struct known **kp);
/* Now the youngest.  Where its place is full the oldest of the eight there is forgotten. */
void known_add(struct known *k, struct str key);
bool known_has(const struct known *k, struct str key);
