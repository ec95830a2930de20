#include "base/str.h"

#include <errno.h>
#include <stdlib.h>

#include "tap.h"

static void equality_counts_every_byte(void)
{
	OK(str_eq(STR("abc"), STR("abc")));
	OK(!str_eq(STR("abc"), STR("abC")));
	OK(!str_eq(STR("abc"), STR("ab")));
	OK(str_eq(str_n(NULL, 0), STR("")));
	OK(!str_eq(STR("a\0b"), STR("a\0c")));
}

static void case_is_ignored_for_ascii_letters_only(void)
{
	OK(str_ieq(STR("Via-Z"), STR("vIA-z")));
	OK(!str_ieq(STR("@"), STR("`")));
	OK(!str_ieq(STR("["), STR("{")));
	OK(!str_ieq(STR("\xc4"), STR("\xe4")));
	OK(!str_ieq(STR("ab"), STR("abc")));
}

static void prefixes_and_suffixes(void)
{
	OK(str_starts(STR("sip:a"), STR("sip:")));
	OK(!str_starts(STR("SIP:a"), STR("sip:")));
	OK(str_istarts(STR("SIP:a"), STR("sip:")));
	OK(!str_istarts(STR("si"), STR("sip:")));
	OK(str_ends(STR("a.test"), STR(".test")));
	OK(!str_ends(STR("test"), STR(".test")));
	OK(str_ends(STR("a"), STR("")));
	OK(str_starts(str_n(NULL, 0), STR("")));
}

static void order_is_by_bytes_then_length(void)
{
	OK(str_cmp(STR("a"), STR("b")) < 0);
	OK(str_cmp(STR("b"), STR("a")) > 0);
	OK(str_cmp(STR("a"), STR("ab")) < 0);
	OK(str_cmp(STR("ab"), STR("a")) > 0);
	OK(str_cmp(STR("\xff"), STR("a")) > 0);
	EQ(str_cmp(STR("x"), STR("x")), 0);
	EQ(str_cmp(str_n(NULL, 0), STR("")), 0);
}

static void sub_is_cut_to_what_is_there(void)
{
	EQ_STR(str_sub(STR("hello"), 1, 3), "ell");
	EQ_STR(str_sub(STR("hello"), 3, 99), "lo");
	EQ_STR(str_sub(STR("hello"), 9, 1), "");
	EQ_STR(str_sub(str_n(NULL, 0), 1, SIZE_MAX), "");
}

static void trim_takes_blanks_off_both_ends(void)
{
	EQ_STR(str_trim(STR(" \t\r\n a b \r\n")), "a b");
	EQ_STR(str_trim(STR("  ")), "");
	EQ_STR(str_trim(STR("")), "");
	EQ_STR(str_trim(STR("x")), "x");
}

static void positions_are_found_or_minus_one(void)
{
	EQ(str_chr(STR("a:b:c"), ':'), 1);
	EQ(str_rchr(STR("a:b:c"), ':'), 3);
	EQ(str_chr(STR("abc"), ':'), -1);
	EQ(str_rchr(STR(""), ':'), -1);
	EQ(str_chr(str_n(NULL, 0), 'a'), -1);
	EQ(str_find(STR("abcabd"), STR("abd")), 3);
	EQ(str_find(STR("abc"), STR("abcd")), -1);
	EQ(str_find(STR("abc"), STR("")), 0);
	EQ(str_find(str_n(NULL, 0), STR("a")), -1);
}

static void cut_splits_at_the_first(void)
{
	struct str head, tail = STR("a=b=c");
	OK(str_cut(tail, '=', &head, &tail));
	EQ_STR(head, "a");
	EQ_STR(tail, "b=c");
	OK(!str_cut(STR("abc"), '=', &head, &tail));
	EQ_STR(head, "abc");
	EQ_STR(tail, "");
	OK(str_cut(STR("="), '=', &head, &tail));
	EQ_STR(head, "");
	EQ_STR(tail, "");
}

static void numbers_are_whole_and_in_range(void)
{
	uint32_t v = 77;
	uint64_t w = 77;
	EQ(str_to_u32(STR("0"), 9, &v), 0);
	EQ(v, 0);
	EQ(str_to_u32(STR("4294967295"), UINT32_MAX, &v), 0);
	EQ(v, UINT32_MAX);
	EQ(str_to_u32(STR("00012"), 12, &v), 0);
	EQ(v, 12);
	EQ(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &w), 0);
	OK(w == UINT64_MAX);
}

static void bad_numbers_leave_the_output_alone(void)
{
	static const char *const bad[] = { "", " 1", "1 ", "-1", "+1", "0x1", "1.0", "a" };
	uint32_t v = 77;
	uint64_t w = 77;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EQ(str_to_u32(str_of(bad[i]), UINT32_MAX, &v), -EINVAL);
	EQ(str_to_u32(STR("13"), 12, &v), -ERANGE);
	EQ(str_to_u32(STR("4294967296"), UINT32_MAX, &v), -ERANGE);
	EQ(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &w), -ERANGE);
	EQ(str_to_u64(STR("184467440737095516150"), UINT64_MAX, &w), -ERANGE);
	EQ(str_to_u64(STR("99999999999999999999999999999999999"), UINT64_MAX, &w), -ERANGE);
	EQ(str_to_u64(STR("99999999999999999999999999999999x"), UINT64_MAX, &w), -EINVAL);
	EQ(v, 77);
	EQ(w, 77);
}

static void dup_makes_a_c_string(void)
{
	char *s = str_dup(str_n("abcdef", 3));
	OK(strcmp(s, "abc") == 0);
	free(s);
}

static void scan_walks_over_a_header(void)
{
	struct scan sc = scan_of(STR(" \t\r\n ;a = \"x\""));
	scan_blanks(&sc);
	OK(scan_char(&sc, ';'));
	OK(!scan_char(&sc, ';'));
	EQ_STR(scan_until(&sc, " ="), "a");
	scan_blanks(&sc);
	OK(scan_char(&sc, '='));
	scan_blanks(&sc);
	EQ_STR(scan_left(&sc), "\"x\"");
	EQ_STR(scan_until(&sc, ";"), "\"x\"");
	OK(!scan_char(&sc, ';'));
	EQ_STR(scan_until(&sc, ";"), "");
}

static void line_end_is_a_blank_only_when_folded(void)
{
	struct scan sc = scan_of(STR("\r\nx"));
	scan_blanks(&sc);
	EQ_STR(scan_left(&sc), "\r\nx");
	sc = scan_of(STR("\n\tx"));
	scan_blanks(&sc);
	EQ_STR(scan_left(&sc), "x");
	sc = scan_of(STR(" \r\n"));
	scan_blanks(&sc);
	EQ_STR(scan_left(&sc), "\r\n");
	sc = scan_of(STR(" \r"));
	scan_blanks(&sc);
	EQ_STR(scan_left(&sc), "\r");
}

static void scan_stops_at_named_bytes_not_at_nul(void)
{
	struct scan sc = scan_of(STR("a\0b;c"));
	struct str s = scan_until(&sc, ";");
	EQ(s.len, 3);
	OK(scan_char(&sc, ';'));
}

static void a_slice_without_memory_can_be_scanned(void)
{
	struct scan sc = scan_of(str_n(NULL, 0));
	scan_blanks(&sc);
	OK(!scan_char(&sc, ' '));
	EQ(scan_until(&sc, ";").len, 0);
	EQ(scan_left(&sc).len, 0);
}

int main(void)
{
	RUN(equality_counts_every_byte);
	RUN(case_is_ignored_for_ascii_letters_only);
	RUN(prefixes_and_suffixes);
	RUN(order_is_by_bytes_then_length);
	RUN(sub_is_cut_to_what_is_there);
	RUN(trim_takes_blanks_off_both_ends);
	RUN(positions_are_found_or_minus_one);
	RUN(cut_splits_at_the_first);
	RUN(numbers_are_whole_and_in_range);
	RUN(bad_numbers_leave_the_output_alone);
	RUN(dup_makes_a_c_string);
	RUN(scan_walks_over_a_header);
	RUN(line_end_is_a_blank_only_when_folded);
	RUN(a_slice_without_memory_can_be_scanned);
	RUN(scan_stops_at_named_bytes_not_at_nul);
	return tap_done();
}
