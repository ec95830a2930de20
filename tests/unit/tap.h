/* Unit tests print TAP.  A test file is a list of functions whose names are sentences:
 *
 *     static void empty_string_is_no_number(void) { OK(str_to_u32(STR(""), 9, &v) == -EINVAL); }
 *     int main(void) { RUN(empty_string_is_no_number); return tap_done(); }
 *
 * What failed is said on standard error; meson test shows it. */
#pragma once

#include <stdio.h>
#include <string.h>

static int tap_n, tap_failed, tap_bad;

/* A check inside a test; the test goes on after a failed one. */
#define OK(cond) tap_check((cond), #cond, __FILE__, __LINE__)
/* Two integers. */
#define EQ(a, b) tap_eq((long long)(a), (long long)(b), #a " == " #b, __FILE__, __LINE__)
/* A struct str and a literal or C string. */
#define EQ_STR(s, want)                                                                    \
	({                                                                                 \
		__auto_type got_ = (s);                                                    \
		tap_eq_str(got_.p, got_.len, (want), #s " is " #want, __FILE__, __LINE__); \
	})
/* Runs one test function and prints its line. */
#define RUN(test) (tap_bad = 0, (test)(), tap_line(#test))
/* Prints the line of a test that cannot run here, with the reason. */
#define SKIP(test, why) printf("ok %d - %s # SKIP %s\n", ++tap_n, #test, (why))

static inline int tap_check(int ok, const char *what, const char *file, int line)
{
	if (!ok) {
		tap_bad++;
		(void)fprintf(stderr, "# %s:%d: %s\n", file, line, what);
	}
	return ok;
}

static inline int tap_eq(long long a, long long b, const char *what, const char *file, int line)
{
	if (a != b)
		(void)fprintf(stderr, "# %lld != %lld\n", a, b);
	return tap_check(a == b, what, file, line);
}

static inline int tap_eq_str(const char *p, size_t n, const char *want, const char *what,
                             const char *file, int line)
{
	int ok = n == strlen(want) && (n == 0 || memcmp(p, want, n) == 0);
	if (!ok)
		(void)fprintf(stderr, "# got \"%.*s\", want \"%s\"\n", (int)n, p ? p : "", want);
	return tap_check(ok, what, file, line);
}

static inline void tap_line(const char *test)
{
	tap_failed += tap_bad != 0;
	printf("%sok %d - %s\n", tap_bad ? "not " : "", ++tap_n, test);
	(void)fflush(stdout);
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_n);
	return tap_failed != 0;
}
