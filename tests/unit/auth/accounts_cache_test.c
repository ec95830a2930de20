#include "auth/accounts_cache.h"

#include "tap.h"

static const struct account alice = { .id = 7,
	                              .uri = STR_INIT("alice@example.test"),
	                              .extension = STR_INIT("12") };
static bool absent;

static void keys_lead_to_copies_in_any_case(void)
{
	struct accounts_cache c;
	char uri[] = "bob@example.test";
	accounts_cache_init(&c, 10, 10);
	OK(!accounts_cache_get(&c, STR("bob@example.test"), &absent) && !absent);
	accounts_cache_put(&c, str_of(uri), &(struct account){ .id = 1, .uri = str_of(uri) });
	uri[0] = 'x';
	const struct account *a = accounts_cache_get(&c, STR("BOB@example.test"), &absent);
	OK(a && !absent);
	if (a)
		EQ_STR(a->uri, "bob@example.test");
	accounts_cache_done(&c);
}

static void change_forgets_all_keys_of_the_account_and_all_absences(void)
{
	struct accounts_cache c;
	accounts_cache_init(&c, 10, 10);
	accounts_cache_put(&c, alice.uri, &alice);
	accounts_cache_put(&c, alice.extension, &alice);
	accounts_cache_put(&c, STR("other"), &(struct account){ .id = 8 });
	accounts_cache_put(&c, STR("nobody"), NULL);
	OK(!accounts_cache_get(&c, STR("nobody"), &absent) && absent);
	accounts_cache_forget(&c, alice.id);
	OK(!accounts_cache_get(&c, alice.uri, &absent) && !absent);
	OK(!accounts_cache_get(&c, alice.extension, &absent) && !absent);
	OK(!accounts_cache_get(&c, STR("nobody"), &absent) && !absent);
	OK(accounts_cache_get(&c, STR("other"), &absent) != NULL);
	accounts_cache_done(&c);
}

static void absence_becomes_a_record(void)
{
	struct accounts_cache c;
	accounts_cache_init(&c, 10, 10);
	accounts_cache_put(&c, alice.uri, NULL);
	accounts_cache_put(&c, alice.uri, &alice);
	OK(accounts_cache_get(&c, alice.uri, &absent) && !absent);
	EQ(c.n[0], 1);
	EQ(c.n[1], 0);
	accounts_cache_done(&c);
}

static void least_used_goes_and_absences_push_out_no_records(void)
{
	struct accounts_cache c;
	char key[8];
	accounts_cache_init(&c, 3, 2);
	for (int i = 0; i < 3; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		accounts_cache_put(&c, str_of(key), &(struct account){ .id = (uint64_t)i + 1 });
	}
	OK(accounts_cache_get(&c, STR("k0"), &absent) != NULL);
	accounts_cache_put(&c, STR("k3"), &(struct account){ .id = 9 });
	OK(accounts_cache_get(&c, STR("k0"), &absent) != NULL);
	OK(!accounts_cache_get(&c, STR("k1"), &absent));
	for (int i = 0; i < 10; i++) {
		(void)snprintf(key, sizeof(key), "no%d", i);
		accounts_cache_put(&c, str_of(key), NULL);
	}
	EQ(c.n[0], 3);
	EQ(c.n[1], 2);
	accounts_cache_clear(&c);
	EQ(c.by_key.n, 0);
	EQ(c.by_id.n, 0);
	accounts_cache_done(&c);
}

int main(void)
{
	RUN(keys_lead_to_copies_in_any_case);
	RUN(change_forgets_all_keys_of_the_account_and_all_absences);
	RUN(absence_becomes_a_record);
	RUN(least_used_goes_and_absences_push_out_no_records);
	return tap_done();
}
