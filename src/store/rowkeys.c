#include "store/rowkeys.h"

#include <stdlib.h>

enum { SLOT_BITS = 12, SLOTS = 1 << SLOT_BITS /* a quarter of STORE_LOG_ROWS */ };

/* The newest row of each slot, and from there to the older ones. */
struct row_keys {
	struct log_row *newest[SLOTS];
};

/* Keys are numbers that the server gave, one after the other: no peer chooses where they fall. */
static size_t slot_of(int64_t key)
{
	return (size_t)(((uint64_t)key * 0x9e3779b97f4a7c15u) >> (64 - SLOT_BITS));
}

struct row_keys *row_keys_new(void)
{
	return xnew(struct row_keys);
}

void row_keys_free(struct row_keys **kp)
{
	free(take(kp));
}

void row_keys_clear(struct row_keys *k)
{
	memset(k->newest, 0, sizeof(k->newest));
}

void row_keys_read(struct log_row *r, const struct store_val *vals, size_t n)
{
	r->number = vals[0].i;
	r->n_keys = 0;
	for (size_t i = 1; i < n && i <= LOG_KEYS; i++)
		if (vals[i].type == STORE_INT)
			r->keys[r->n_keys++] = vals[i].i;
}

/* Which of the chains through the row is that of the slot: a row stands in it once. */
static unsigned chain_of(const struct log_row *r, size_t slot)
{
	unsigned i = 0;
	while (i < r->n_keys && slot_of(r->keys[i]) != slot)
		i++;
	return i;
}

void row_keys_add(struct row_keys *k, struct log_row *r)
{
	for (unsigned i = 0; i < r->n_keys; i++) {
		size_t slot = slot_of(r->keys[i]);
		if (chain_of(r, slot) != i)
			continue;
		r->older[i] = k->newest[slot];
		k->newest[slot] = r;
	}
}

static bool has_key(const struct log_row *r, int64_t key)
{
	for (unsigned i = 0; i < r->n_keys; i++)
		if (r->keys[i] == key)
			return true;
	return false;
}

struct log_row *row_keys_find(const struct row_keys *k, int64_t number, int64_t key)
{
	size_t slot = slot_of(key);
	struct log_row *first = NULL;
	for (struct log_row *r = k->newest[slot]; r && r->number > number;
	     r = r->older[chain_of(r, slot)]) {
		if (!has_key(r, key))
			continue;
		r->found = first;
		first = r;
	}
	return first;
}
