/* Which rows of a log are of one account: rows are found by their second and third value without
 * looking at the others. */
#pragma once

#include "store/inside.h"

struct row_keys; /* opaque */

struct row_keys *row_keys_new(void);
void row_keys_free(struct row_keys **kp);
/* Forgets all rows, whose memory goes. */
void row_keys_clear(struct row_keys *k);
/* What the row can be found by: those of its values that are numbers.  Before it is added. */
void row_keys_read(struct log_row *r, const struct store_val *vals, size_t n);
/* Rows are added in the order of their numbers.  Borrows the row. */
void row_keys_add(struct row_keys *k, struct log_row *r);
/* The rows above the number that have the key, in their order, chained by `found` until the next
 * call; NULL: none. */
struct log_row *row_keys_find(const struct row_keys *k, int64_t number, int64_t key);
