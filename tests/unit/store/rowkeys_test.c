#include "store/rowkeys.h"

#include "tap.h"

enum { ROWS = 3000, ACCOUNTS = 40 };

static struct log_row rows[ROWS];

/* Of two who talk, or of one with herself. */
static void fill(struct row_keys *k)
{
	for (int i = 0; i < ROWS; i++) {
		struct store_val v[] = { STORE_I(i + 1), STORE_I(i % ACCOUNTS),
			                 STORE_I(i / 7 % ACCOUNTS), STORE_S(STR("text")) };
		row_keys_read(&rows[i], v, ARRAY_SIZE(v));
		row_keys_add(k, &rows[i]);
	}
}

/* Exactly those that a look at each of them finds, once each, in their order. */
static bool finds(const struct row_keys *k, int64_t number, int64_t key)
{
	const struct log_row *r = row_keys_find(k, number, key);
	for (int64_t i = number; i < ROWS; i++) {
		if (i % ACCOUNTS != key && i / 7 % ACCOUNTS != key)
			continue;
		if (!r || r->number != i + 1)
			return false;
		r = r->found;
	}
	return !r;
}

static void rows_are_found_by_either_key(void)
{
	struct row_keys *k = row_keys_new();
	fill(k);
	for (int64_t key = 0; key < ACCOUNTS; key++)
		for (int64_t number = 0; number <= ROWS; number += 100)
			OK(finds(k, number, key));
	OK(!row_keys_find(k, 0, ACCOUNTS));
	row_keys_clear(k);
	OK(!row_keys_find(k, 0, 0));
	row_keys_free(&k);
}

static void keys_in_one_slot_are_told_apart(void)
{
	struct row_keys *k = row_keys_new();
	int n = 0;
	for (int i = 0; i < ROWS;
	     i++) { /* each account's slot has another one's too, in the mean */
		struct store_val v[] = { STORE_I(i + 1), STORE_I(2 * i), STORE_I(2 * i + 1) };
		row_keys_read(&rows[i], v, ARRAY_SIZE(v));
		row_keys_add(k, &rows[i]);
	}
	for (int i = 0; i < 2 * ROWS; i++) {
		const struct log_row *r = row_keys_find(k, 0, i);
		n += r && r->number == i / 2 + 1 && !r->found;
	}
	EQ(n, 2 * ROWS);
	row_keys_free(&k);
}

static void what_is_no_number_is_no_key(void)
{
	struct row_keys *k = row_keys_new();
	struct store_val v[] = { STORE_I(1), STORE_S(STR("text")), STORE_I(7), STORE_I(8) };
	row_keys_read(&rows[0], v, ARRAY_SIZE(v));
	row_keys_add(k, &rows[0]);
	OK(row_keys_find(k, 0, 7) == &rows[0]);
	OK(!row_keys_find(k, 0, 8));
	OK(!row_keys_find(k, 0, 0));
	row_keys_read(&rows[1], v, 1);
	EQ(rows[1].n_keys, 0);
	row_keys_add(k, &rows[1]);
	row_keys_free(&k);
}

int main(void)
{
	RUN(rows_are_found_by_either_key);
	RUN(keys_in_one_slot_are_told_apart);
	RUN(what_is_no_number_is_no_key);
	return tap_done();
}
