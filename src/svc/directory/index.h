/* People by the beginnings of their words: what a search of the directory runs on.
 *
 * All words of all people stand in one sorted array, so that those with a common beginning are one
 * range of it; a search marks the people of each of its words' ranges and cuts these sets.  Its
 * cost is that of reading the ranges once: bounded by the number of words there are, 16 bytes each.
 * New words stand in a second, small array until there are enough of them to be merged. */
#pragma once

#include "svc/directory/words.h"

struct index; /* opaque */

enum { INDEX_PEOPLE_MAX = 4 * 1024 * 1024 };

struct index *index_new(void);
void index_free(struct index **ip);
/* Adds a person, or replaces who has that id.  order: what the people found are ordered by, a
 * folded name; copied, and cut to 255 bytes.  Beyond INDEX_PEOPLE_MAX nobody is added. */
void index_put(struct index *ix, uint64_t id, const struct words *w, struct str order);
/* Nothing happens if there is nobody with that id. */
void index_drop(struct index *ix, uint64_t id);
/* Merges what was added if it is much; call it after changes, a search does not.  It takes as long
 * as reading all words. */
void index_settle(struct index *ix);
size_t index_count(const struct index *ix);

/* The ids of the first `max` people, in their order, who have all these words; returns how many.
 * *ret_more: there are others.  No words: nobody. */
size_t index_search(struct index *ix, const struct words *asked, uint64_t *ret_ids, size_t max,
                    bool *ret_more);
