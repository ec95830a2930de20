#include "base/buf.h"

#include "tap.h"

static void appends_in_every_form(void)
{
	auto_(buf_free) struct buf b = buf_of(1000);
	buf_lit(&b, "a");
	buf_char(&b, 'b');
	buf_str(&b, STR("cd"));
	buf_put(&b, "ef", 2);
	buf_put(&b, NULL, 0);
	buf_printf(&b, "<%d>", 42);
	buf_dec(&b, 0);
	buf_dec(&b, UINT64_MAX);
	OK(!b.full);
	EQ_STR(buf_view(&b), "abcdef<42>018446744073709551615");
}

static void numbers_are_in_network_order(void)
{
	static const char want[] = "\x01\x02\x03\x04\x05\x06\x07"
	                           "\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x00\x02hi";
	auto_(buf_free) struct buf b = buf_of(100);
	buf_u8(&b, 1);
	buf_u16(&b, 0x0203);
	buf_u32(&b, 0x04050607);
	buf_u64(&b, 0x08090a0b0c0d0e0f);
	buf_str16(&b, STR("hi"));
	OK(str_eq(buf_view(&b), str_n(want, sizeof(want) - 1)));
}

static void full_at_the_maximum_and_then_deaf(void)
{
	auto_(buf_free) struct buf b = buf_of(4);
	buf_lit(&b, "abcd");
	OK(!b.full);
	buf_char(&b, 'e');
	OK(b.full);
	buf_put(&b, "", 0);
	buf_printf(&b, "%s", "");
	EQ_STR(buf_view(&b), "abcd");
	OK(buf_room(&b, 0) == NULL);
}

static void too_long_an_append_leaves_nothing_behind(void)
{
	auto_(buf_free) struct buf b = buf_of(4);
	buf_lit(&b, "ab");
	buf_printf(&b, "%s", "cde");
	OK(b.full);
	EQ_STR(buf_view(&b), "ab");
}

static void printf_fills_to_the_last_byte(void)
{
	for (size_t max = 0; max < 300; max++) {
		auto_(buf_free) struct buf b = buf_of(max);
		for (size_t i = 0; i < max; i++)
			buf_printf(&b, "%c", 'x');
		OK(!b.full);
		EQ(b.len, max);
		buf_printf(&b, "%c", 'x');
		OK(b.full);
	}
}

static void grows_far_beyond_its_start(void)
{
	auto_(buf_free) struct buf b = buf_of(100000);
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "%09d\n", i);
	OK(!b.full);
	EQ(b.len, 100000);
	EQ_STR(str_sub(buf_view(&b), 99990, 10), "000009999\n");
}

static void room_of_a_huge_size_is_refused(void)
{
	auto_(buf_free) struct buf b = buf_of(100);
	buf_char(&b, 'x');
	OK(buf_room(&b, SIZE_MAX) == NULL);
	OK(b.full);
}

static void str16_knows_its_limit(void)
{
	static char big[UINT16_MAX + 1];
	auto_(buf_free) struct buf b = buf_of(1 << 20);
	buf_str16(&b, str_n(big, UINT16_MAX));
	OK(!b.full);
	EQ(b.len, UINT16_MAX + 2);
	buf_str16(&b, str_n(big, sizeof(big)));
	OK(b.full);
	EQ(b.len, UINT16_MAX + 2);
}

static void drop_takes_from_the_front(void)
{
	auto_(buf_free) struct buf b = buf_of(100);
	buf_drop(&b, 0);
	buf_lit(&b, "hello");
	buf_drop(&b, 2);
	EQ_STR(buf_view(&b), "llo");
	buf_drop(&b, 3);
	EQ(b.len, 0);
}

static void can_be_used_again_after_free(void)
{
	struct buf b = buf_of(4);
	buf_lit(&b, "abcde");
	OK(b.full);
	buf_free(&b);
	OK(!b.full && !b.p);
	buf_lit(&b, "abc");
	EQ_STR(buf_view(&b), "abc");
	buf_free(&b);
}

int main(void)
{
	RUN(appends_in_every_form);
	RUN(numbers_are_in_network_order);
	RUN(full_at_the_maximum_and_then_deaf);
	RUN(too_long_an_append_leaves_nothing_behind);
	RUN(printf_fills_to_the_last_byte);
	RUN(grows_far_beyond_its_start);
	RUN(room_of_a_huge_size_is_refused);
	RUN(str16_knows_its_limit);
	RUN(drop_takes_from_the_front);
	RUN(can_be_used_again_after_free);
	return tap_done();
}
