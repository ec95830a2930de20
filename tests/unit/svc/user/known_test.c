#include "svc/user/known.h"

#include "tap.h"

static struct str key(char space[16], unsigned i)
{
	return str_n(space, (size_t)snprintf(space, 16, "key%u", i));
}

static unsigned n_known(const struct known *k, unsigned from, unsigned to)
{
	char space[16];
	unsigned n = 0;
	for (unsigned i = from; i < to; i++)
		n += known_has(k, key(space, i));
	return n;
}

static void add(struct known *k, unsigned from, unsigned to)
{
	char space[16];
	for (unsigned i = from; i < to; i++)
		known_add(k, key(space, i));
}

static void what_was_added_is_known_and_nothing_else(void)
{
	auto_(known_free) struct known *k = known_new();
	EQ(n_known(k, 0, 100), 0);
	add(k, 0, 10);
	add(k, 0, 10);
	EQ(n_known(k, 0, 10), 10);
	EQ(n_known(k, 10, 10000), 0);
	OK(!known_has(k, STR("")));
	known_add(k, STR(""));
	OK(known_has(k, STR("")));
}

static void many_are_known_while_it_grows(void)
{
	auto_(known_free) struct known *k = known_new();
	enum { MANY = KNOWN_SETS_MAX * KNOWN_WAYS / 2 };
	add(k, 0, MANY);
	/* Chance crowds a few places: two of a hundred sets have more than twice their share. */
	OK(n_known(k, 0, MANY) >= MANY / 100 * 96);
	EQ(n_known(k, MANY - 1000, MANY), 1000);
	EQ(n_known(k, MANY, 2 * MANY), 0);
}

static void who_comes_again_stays_and_the_quiet_are_forgotten(void)
{
	auto_(known_free) struct known *k = known_new();
	enum { MOST = KNOWN_SETS_MAX * KNOWN_WAYS };
	add(k, 0, 100);
	for (unsigned i = 1; i <= 40; i++) {
		add(k, i * MOST / 10, (i + 1) * MOST / 10);
		add(k, 0, 100);
	}
	EQ(n_known(k, 0, 100), 100);
	OK(n_known(k, 0, 5 * MOST) <= MOST);
	OK(n_known(k, MOST / 10, 2 * MOST / 10) < MOST / 10 / 10);
}

int main(void)
{
	RUN(what_was_added_is_known_and_nothing_else);
	RUN(many_are_known_while_it_grows);
	RUN(who_comes_again_stays_and_the_quiet_are_forgotten);
	return tap_done();
}
