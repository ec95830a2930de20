#include "svc/user/lockout.h"

#include "tap.h"

static const usec_t second = USEC_PER_SEC;

static struct addr at(const char *host)
{
	struct addr a;
	EQ(addr_parse(&a, str_of(host), 0), 0);
	return a;
}

static int before(struct lockout *l, const char *user, const char *host, usec_t now)
{
	struct addr a = at(host);
	uint32_t retry = 0;
	enum lockout_verdict v = lockout_before(l, str_of(user), &a, now, &retry);
	OK((v == LOCKOUT_WAIT) == (retry > 0));
	return (int)v;
}

static uint32_t fail(struct lockout *l, const char *user, const char *host, usec_t now)
{
	struct addr a = at(host);
	return lockout_failure(l, str_of(user), &a, now);
}

static void succeed(struct lockout *l, const char *user, const char *host)
{
	struct addr a = at(host);
	lockout_success(l, str_of(user), &a);
}

static void ten_failures_slow_the_pair(void)
{
	struct lockout *l = lockout_new();
	usec_t now = 1000 * second;
	for (int i = 0; i < LOCKOUT_PAIR_FAILURES - 1; i++) {
		EQ(before(l, "alice@x", "192.0.2.1", now), LOCKOUT_CHECK);
		EQ(fail(l, "alice@x", "192.0.2.1", now += second), 0);
	}
	EQ(fail(l, "alice@x", "192.0.2.1", now), LOCKOUT_TRY_EVERY_S);
	EQ(before(l, "alice@x", "192.0.2.1", now), LOCKOUT_WAIT);
	EQ(before(l, "ALICE@x", "192.0.2.1", now), LOCKOUT_WAIT);
	EQ(lockout_n_slow(l, now), 1);
	/* Neither another user there, nor the user elsewhere. */
	EQ(before(l, "bob@x", "192.0.2.1", now), LOCKOUT_CHECK);
	EQ(before(l, "alice@x", "192.0.2.2", now), LOCKOUT_CHECK);
	lockout_free(&l);
}

static void slow_means_one_try_in_ten_seconds(void)
{
	struct lockout *l = lockout_new();
	usec_t now = 1000 * second;
	for (int i = 0; i < LOCKOUT_PAIR_FAILURES; i++)
		(void)fail(l, "alice@x", "192.0.2.1", now);
	for (int i = 0; i < 5; i++) {
		EQ(before(l, "alice@x", "192.0.2.1", now + 10 * second - 1), LOCKOUT_WAIT);
		now += 10 * second;
		EQ(before(l, "alice@x", "192.0.2.1", now), LOCKOUT_CHECK);
		EQ(fail(l, "alice@x", "192.0.2.1", now), LOCKOUT_TRY_EVERY_S);
	}
	now += LOCKOUT_WINDOW_S * second;
	EQ(lockout_n_slow(l, now), 0);
	EQ(before(l, "alice@x", "192.0.2.1", now), LOCKOUT_CHECK);
	EQ(fail(l, "alice@x", "192.0.2.1", now), 0);
	lockout_free(&l);
}

static void failures_spread_over_more_than_ten_minutes_do_not_count(void)
{
	struct lockout *l = lockout_new();
	usec_t now = 1000 * second;
	for (int i = 0; i < 50; i++)
		EQ(fail(l, "alice@x", "192.0.2.1", now += 70 * second), 0);
	lockout_free(&l);
}

static void right_password_forgets_the_failures(void)
{
	struct lockout *l = lockout_new();
	usec_t now = 1000 * second;
	for (int i = 0; i < 3 * LOCKOUT_PAIR_FAILURES; i++) {
		if (i % 5 == 4)
			succeed(l, "alice@x", "192.0.2.1");
		EQ(fail(l, "alice@x", "192.0.2.1", now), 0);
	}
	lockout_free(&l);
}

static void hundred_failures_slow_the_address_for_all(void)
{
	struct lockout *l = lockout_new();
	usec_t now = 1000 * second;
	char user[16];
	for (int i = 0; i < LOCKOUT_ADDR_FAILURES; i++) {
		(void)snprintf(user, sizeof(user), "u%d@x", i);
		EQ(before(l, user, "192.0.2.1", now), LOCKOUT_CHECK);
		EQ(fail(l, user, "192.0.2.1", now),
		   i == LOCKOUT_ADDR_FAILURES - 1 ? LOCKOUT_TRY_EVERY_S : 0);
	}
	EQ(before(l, "new@x", "192.0.2.1", now), LOCKOUT_WAIT);
	EQ(before(l, "new@x", "192.0.2.2", now), LOCKOUT_CHECK);
	lockout_free(&l);
}

static void known_pair_is_never_shut_out(void)
{
	struct lockout *l = lockout_new();
	usec_t now = 1000 * second;
	succeed(l, "alice@x", "192.0.2.1");
	for (int i = 0; i < LOCKOUT_ADDR_FAILURES; i++)
		(void)fail(l, i % 2 ? "alice@x" : "mallory@x", "192.0.2.1", now);
	EQ(before(l, "mallory@x", "192.0.2.1", now), LOCKOUT_WAIT);
	EQ(before(l, "alice@x", "192.0.2.1", now), LOCKOUT_KNOWN);
	EQ(before(l, "alice@x", "192.0.2.2", now), LOCKOUT_CHECK);
	lockout_free(&l);
}

static void neighbours_of_an_ipv6_network_are_one_address(void)
{
	struct lockout *l = lockout_new();
	usec_t now = 1000 * second;
	char host[64];
	for (int i = 0; i < LOCKOUT_PAIR_FAILURES; i++) {
		(void)snprintf(host, sizeof(host), "2001:db8:1:2::%x", i + 1);
		(void)fail(l, "alice@x", host, now);
	}
	EQ(before(l, "alice@x", "2001:db8:1:2:ffff::1", now), LOCKOUT_WAIT);
	EQ(before(l, "alice@x", "2001:db8:1:3::1", now), LOCKOUT_CHECK);
	lockout_free(&l);
}

static void tables_are_bounded_and_keep_the_youngest(void)
{
	struct lockout *l = lockout_new();
	usec_t now = 1000 * second;
	char host[64];
	for (int i = 0; i < LOCKOUT_PAIR_FAILURES; i++)
		(void)fail(l, "old@x", "192.0.2.1", now);
	for (int i = 0; i < LOCKOUT_ENTRIES_MAX; i++) {
		(void)snprintf(host, sizeof(host), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		(void)fail(l, "alice@x", host, now);
	}
	EQ(before(l, "old@x", "192.0.2.1", now), LOCKOUT_CHECK);
	for (int i = 1; i < LOCKOUT_PAIR_FAILURES; i++)
		(void)fail(l, "alice@x", host, now);
	EQ(before(l, "alice@x", host, now), LOCKOUT_WAIT);
	lockout_free(&l);
}

int main(void)
{
	RUN(ten_failures_slow_the_pair);
	RUN(slow_means_one_try_in_ten_seconds);
	RUN(failures_spread_over_more_than_ten_minutes_do_not_count);
	RUN(right_password_forgets_the_failures);
	RUN(hundred_failures_slow_the_address_for_all);
	RUN(known_pair_is_never_shut_out);
	RUN(neighbours_of_an_ipv6_network_are_one_address);
	RUN(tables_are_bounded_and_keep_the_youngest);
	return tap_done();
}
