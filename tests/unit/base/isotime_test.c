#include "base/isotime.h"

#include <errno.h>

#include "tap.h"

static long long seconds(const char *text)
{
	usec_t t = 0;
	int r = isotime_parse(&t, str_of(text));
	return r < 0 ? r : (long long)(t / USEC_PER_SEC);
}

static void moments_are_read_with_their_offset(void)
{
	EQ(seconds("1970-01-01T00:00:00Z"), 0);
	EQ(seconds("2026-01-02T03:04:05Z"), 1767323045);
	EQ(seconds("2026-01-02t03:04:05z"), 1767323045);
	EQ(seconds("2026-01-02T03:04:05"), 1767323045);
	EQ(seconds("2026-01-02T05:34:05+02:30"), 1767323045);
	EQ(seconds("2026-01-01T22:04:05-05:00"), 1767323045);
	EQ(seconds("2024-02-29T12:00:00Z"), 1709208000);
	EQ(seconds("2016-12-31T23:59:60Z"), seconds("2016-12-31T23:59:59Z"));
	EQ(seconds("9999-12-31T23:59:59Z"), ISOTIME_MAX_S);
}

static void six_digits_of_a_fraction_count(void)
{
	usec_t t = 0;
	EQ(isotime_parse(&t, STR("1970-01-01T00:00:01.5Z")), 0);
	EQ(t, 1500000);
	EQ(isotime_parse(&t, STR("1970-01-01T00:00:01.1234567890123Z")), 0);
	EQ(t, 1123456);
}

static void what_is_no_moment_is_refused(void)
{
	static const char *const bad[] = {
		"",
		"2026-01-02",
		"2026-01-02 03:04:05Z",
		"2026-1-02T03:04:05Z",
		"2026-01-02T03:04Z",
		"2026-01-02T03:04:05.Z",
		"2026-01-02T03:04:05Zx",
		"2026-01-02T03:04:05+0100",
		"2026-01-02T03:04:05+14:01",
		"2026-01-02T03:04:05+01:60",
		"2026-13-02T03:04:05Z",
		"2026-00-02T03:04:05Z",
		"2026-02-29T03:04:05Z",
		"2026-01-00T03:04:05Z",
		"2026-01-02T24:00:00Z",
		"2026-01-02T03:60:05Z",
		"2026-01-02T03:04:61Z",
		"+026-01-02T03:04:05Z",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!EQ(seconds(bad[i]), -EINVAL))
			printf("# %s\n", bad[i]);
	EQ(seconds("1969-12-31T23:59:59Z"), -ERANGE);
	EQ(seconds("1970-01-01T00:00:00+00:01"), -ERANGE);
	EQ(seconds("9999-12-31T23:59:59-00:01"), -ERANGE);
}

static void moments_are_written_in_utc(void)
{
	char text[128];
	struct buf b = BUF_ON(text);
	isotime_put(&b, 1767323045 * USEC_PER_SEC);
	buf_char(&b, ' ');
	isotime_put(&b, 1767323045 * USEC_PER_SEC + 60);
	buf_char(&b, ' ');
	isotime_put(&b, USEC_INFINITY);
	EQ_STR(buf_view(&b),
	       "2026-01-02T03:04:05Z 2026-01-02T03:04:05.000060Z 9999-12-31T23:59:59Z");
}

int main(void)
{
	RUN(moments_are_read_with_their_offset);
	RUN(six_digits_of_a_fraction_count);
	RUN(what_is_no_moment_is_refused);
	RUN(moments_are_written_in_utc);
	return tap_done();
}
