#include "stack/sip/kept.h"

#include "tap.h"

#define AT(s) ((usec_t)(s)*USEC_PER_SEC)

static void put(struct kept *k, uint64_t hash, const char *text, usec_t until)
{
	kept_put(k, hash, &(struct kept_answer){ .text = str_of(text) }, until);
}

static void answer_is_found_until_its_end(void)
{
	auto_(kept_free) struct kept *k = kept_new();
	struct kept_answer a;
	OK(kept_next(k) == USEC_INFINITY);
	OK(!kept_find(k, 7, &a));
	put(k, 7, "SIP/2.0 200 OK", AT(32));
	OK(kept_next(k) == AT(32));
	EQ(kept_expire(k, AT(32) - 1), 0);
	OK(kept_find(k, 7, &a));
	EQ(a.code, 0);
	EQ_STR(a.text, "SIP/2.0 200 OK");
	EQ(kept_expire(k, AT(32)), 1);
	OK(!kept_find(k, 7, &a));
	EQ(kept_count(k), 0);
	OK(kept_next(k) == USEC_INFINITY);
}

static void parts_of_an_answer_come_back_apart(void)
{
	auto_(kept_free) struct kept *k = kept_new();
	struct kept_answer a = { .code = 403, .reason = STR("Not You"), .text = STR("A: b\r\n") };
	kept_put(k, 1, &a, AT(32));
	a = (struct kept_answer){ .code = 200 };
	kept_put(k, 2, &a, AT(32));
	OK(kept_find(k, 1, &a));
	EQ(a.code, 403);
	EQ_STR(a.reason, "Not You");
	EQ_STR(a.text, "A: b\r\n");
	OK(kept_find(k, 2, &a));
	EQ(a.code, 200);
	EQ(a.reason.len + a.text.len, 0);
}

static void end_is_rounded_up_and_in_the_order_of_coming(void)
{
	auto_(kept_free) struct kept *k = kept_new();
	put(k, 1, "one", AT(10) + 1);
	put(k, 2, "two", AT(5));
	OK(kept_next(k) == AT(11));
	EQ(kept_expire(k, AT(10) + 1), 0);
	EQ(kept_expire(k, AT(11)), 2);
}

static void answer_larger_than_a_block_is_kept(void)
{
	static char text[3 * KEPT_BLOCK_SIZE];
	auto_(kept_free) struct kept *k = kept_new();
	struct kept_answer a;
	memset(text, 'x', sizeof(text));
	put(k, 1, "before", AT(1));
	kept_put(k, 2, &(struct kept_answer){ .text = str_n(text, sizeof(text)) }, AT(2));
	put(k, 3, "behind", AT(3));
	OK(kept_find(k, 2, &a) && a.text.len == sizeof(text) &&
	   memcmp(a.text.p, text, sizeof(text)) == 0);
	OK(kept_find(k, 3, &a) && str_eq(a.text, STR("behind")));
	EQ(kept_expire(k, AT(2)), 2);
	OK(kept_find(k, 3, &a) && str_eq(a.text, STR("behind")));
}

/* Some thousand answers over many blocks, while the old ones end. */
static void thousands_come_and_go(void)
{
	enum { N = 5000, LIFE_S = 32, A_SECOND = 10 };
	auto_(kept_free) struct kept *k = kept_new();
	struct kept_answer a;
	char text[80];
	size_t gone = 0;
	bool right = true;
	for (uint64_t i = 0; i < N; i++) {
		usec_t now = AT(i / A_SECOND);
		gone += kept_expire(k, now);
		(void)snprintf(text, sizeof(text), "answer %llu%.*s", (unsigned long long)i,
		               (int)(i % 40), "........................................");
		put(k, i, text, now + AT(LIFE_S));
		right = right && kept_find(k, i, &a) && str_eq(a.text, str_of(text)) &&
		        kept_count(k) + gone == i + 1 &&
		        kept_find(k, i - MIN(i, (LIFE_S - 1) * A_SECOND), &a);
	}
	OK(right);
	OK(!kept_find(k, N - LIFE_S * A_SECOND - A_SECOND, &a));
	EQ(kept_count(k), LIFE_S * A_SECOND);
	EQ(kept_expire(k, AT(N)), LIFE_S * A_SECOND);
}

int main(void)
{
	RUN(answer_is_found_until_its_end);
	RUN(parts_of_an_answer_come_back_apart);
	RUN(end_is_rounded_up_and_in_the_order_of_coming);
	RUN(answer_larger_than_a_block_is_kept);
	RUN(thousands_come_and_go);
	return tap_done();
}
