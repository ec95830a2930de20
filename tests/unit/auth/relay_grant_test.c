#include "auth/relay_grant.h"

#include <errno.h>

#include "tap.h"

enum { DAY = 86400 };
#define NOON (UINT64_C(20780) * DAY + DAY / 2)

static const uint8_t pool_key[32] = { 1, 2, 3 }, other_key[32] = { 1, 2, 4 };

static char space[RELAY_NAME_MAX + 1];
static uint8_t password[RELAY_PASSWORD_LEN];

static struct relay_grant of_alice(uint64_t expires_s)
{
	return (struct relay_grant){ .user = STR("alice@example.test"),
		                     .expires_s = expires_s,
		                     .port_kbps = 3000,
		                     .user_kbps = 10000 };
}

/* The name of a grant that begins at that time. */
static struct bytes grant(struct relay_keys *k, uint64_t now_s, uint64_t expires_s)
{
	struct buf b = BUF_ON(space);
	struct relay_grant g = of_alice(expires_s);
	EQ(relay_grant_put(k, now_s, &g, &b, password), 0);
	return bytes_of(buf_view(&b));
}

static int get(struct relay_keys *k, uint64_t now_s, struct bytes name)
{
	struct relay_grant g;
	uint8_t again[RELAY_PASSWORD_LEN];
	return relay_grant_get(&g, k, now_s, name, again);
}

static void a_grant_says_who_until_when_and_how_much(void)
{
	struct relay_keys *issuer = relay_keys_new(pool_key), *relay = relay_keys_new(pool_key);
	struct relay_grant g;
	uint8_t again[RELAY_PASSWORD_LEN];
	struct bytes name = grant(issuer, NOON, NOON + 8 * 3600);
	EQ(relay_grant_get(&g, relay, NOON + 60, name, again), 0);
	EQ_STR(g.user, "alice@example.test");
	EQ(g.expires_s, NOON + 8 * 3600);
	EQ(g.port_kbps, 3000);
	EQ(g.user_kbps, 10000);
	OK(memcmp(again, password, sizeof(again)) == 0);
	relay_keys_free(&issuer);
	relay_keys_free(&relay);
}

static void it_is_good_until_it_expires_over_midnights(void)
{
	struct relay_keys *k = relay_keys_new(pool_key);
	for (unsigned days = 0; days < RELAY_LIFE_MAX_S / DAY; days++) {
		uint64_t end = NOON + (uint64_t)days * DAY + 100;
		struct bytes name = grant(k, NOON, end);
		EQ(get(k, end - 1, name), 0);
		EQ(get(k, end, name), -ESTALE);
	}
	relay_keys_free(&k);
}

static void one_of_a_day_that_is_over_is_stale_whatever_it_says(void)
{
	struct relay_keys *k = relay_keys_new(pool_key);
	struct bytes name = grant(k, NOON, NOON + RELAY_LIFE_MAX_S);
	EQ(get(k, NOON + RELAY_LIFE_MAX_S - 1, name), 0);
	EQ(get(k, NOON + RELAY_LIFE_MAX_S + DAY, name), -ESTALE);
	/* One host's clock is ahead: a grant of tomorrow. */
	uint64_t midnight = NOON - NOON % DAY + DAY;
	name = grant(k, midnight, midnight + 3600);
	EQ(get(k, midnight - RELAY_SKEW_S, name), 0);
	EQ(get(k, midnight - RELAY_SKEW_S - 1, name), -ESTALE);
	relay_keys_free(&k);
}

static void every_changed_byte_is_seen_and_every_cut(void)
{
	struct relay_keys *k = relay_keys_new(pool_key), *other = relay_keys_new(other_key);
	struct bytes name = grant(k, NOON, NOON + 3600);
	EQ(get(other, NOON, name), -EBADMSG);
	for (size_t i = 0; i < name.len; i++) {
		space[i] ^= 1;
		int r = get(k, NOON, name);
		OK(r == -EBADMSG || r == -ESTALE);
		space[i] ^= 1;
		EQ(get(k, NOON, (struct bytes){ name.p, i }), -EBADMSG);
	}
	EQ(get(k, NOON, name), 0);
	relay_keys_free(&k);
	relay_keys_free(&other);
}

static void passwords_differ_by_user_time_and_pool(void)
{
	struct relay_keys *k = relay_keys_new(pool_key), *other = relay_keys_new(other_key);
	uint8_t have[3][RELAY_PASSWORD_LEN];
	(void)grant(k, NOON, NOON + 3600);
	memcpy(have[0], password, sizeof(password));
	(void)grant(k, NOON, NOON + 3601);
	memcpy(have[1], password, sizeof(password));
	(void)grant(other, NOON, NOON + 3600);
	memcpy(have[2], password, sizeof(password));
	OK(memcmp(have[0], have[1], sizeof(have[0])) != 0);
	OK(memcmp(have[0], have[2], sizeof(have[0])) != 0);
	relay_keys_free(&k);
	relay_keys_free(&other);
}

static void what_cannot_be_granted_is_not(void)
{
	struct relay_keys *k = relay_keys_new(pool_key);
	char text[RELAY_USER_MAX + 2];
	struct buf b = BUF_ON(space);
	struct relay_grant g = of_alice(NOON + RELAY_LIFE_MAX_S + 1);
	memset(text, 'x', sizeof(text));
	EQ(relay_grant_put(k, NOON, &g, &b, password), -EINVAL);
	g = of_alice(NOON + 1);
	g.user = STR("");
	EQ(relay_grant_put(k, NOON, &g, &b, password), -EINVAL);
	g.user = str_n(text, RELAY_USER_MAX + 1);
	EQ(relay_grant_put(k, NOON, &g, &b, password), -EINVAL);
	EQ(b.len, 0);
	g.user = str_n(text, RELAY_USER_MAX);
	EQ(relay_grant_put(k, NOON, &g, &b, password), 0);
	EQ(b.len, RELAY_NAME_MAX);
	EQ(get(k, NOON, bytes_of(buf_view(&b))), 0);
	relay_keys_free(&k);
}

/* An issuer and a relay of different builds must agree: the bytes of one grant. */
static void the_bytes_stay_what_they_are(void)
{
	struct relay_keys *k = relay_keys_new(pool_key);
	struct bytes name = grant(k, NOON, NOON + 3600);
	static const uint8_t head[] = { 1, 0, 0, 0x51, 0x2c };
	OK(memcmp(name.p, head, sizeof(head)) == 0);
	EQ(name.len, 1 + 4 + 8 + 4 + 4 + 1 + strlen("alice@example.test") + 16 + 1);
	uint32_t sum = 0;
	for (size_t i = 0; i < name.len; i++)
		sum = sum * 31 + name.p[i];
	for (size_t i = 0; i < sizeof(password); i++)
		sum = sum * 31 + password[i];
	EQ(sum, 1408658573u); /* made by another program, of RFC 5869 and the fields */
	relay_keys_free(&k);
}

int main(void)
{
	RUN(a_grant_says_who_until_when_and_how_much);
	RUN(it_is_good_until_it_expires_over_midnights);
	RUN(one_of_a_day_that_is_over_is_stale_whatever_it_says);
	RUN(every_changed_byte_is_seen_and_every_cut);
	RUN(passwords_differ_by_user_time_and_pool);
	RUN(what_cannot_be_granted_is_not);
	RUN(the_bytes_stay_what_they_are);
	return tap_done();
}
