#include "base/rd.h"

#include "base/buf.h"
#include "tap.h"

static void reads_what_a_buffer_wrote(void)
{
	auto_(buf_free) struct buf b = buf_of(100);
	buf_u8(&b, 0x12);
	buf_u16(&b, 0x3456);
	buf_u32(&b, 0x789abcde);
	buf_u64(&b, 0xfedcba9876543210);
	buf_str16(&b, STR("text"));
	buf_str16(&b, STR(""));
	struct rd r = rd_of(bytes_of(buf_view(&b)));
	EQ(rd_u8(&r), 0x12);
	EQ(rd_u16(&r), 0x3456);
	EQ(rd_u32(&r), 0x789abcde);
	OK(rd_u64(&r) == 0xfedcba9876543210);
	EQ_STR(rd_str16(&r), "text");
	EQ_STR(rd_str16(&r), "");
	EQ(rd_left(&r), 0);
	OK(!r.bad);
}

static void slices_point_into_the_input(void)
{
	static const uint8_t in[] = { 1, 2, 3, 4 };
	struct rd r = rd_of((struct bytes){ in, sizeof(in) });
	struct bytes b = rd_take(&r, 3);
	OK(b.p == in);
	EQ(b.len, 3);
	EQ(rd_left(&r), 1);
}

static void error_sticks(void)
{
	static const uint8_t in[] = { 0, 9, 'x' };
	struct rd r = rd_of((struct bytes){ in, sizeof(in) });
	EQ(rd_str16(&r).len, 0);
	OK(r.bad);
	EQ(rd_u8(&r), 0); /* there is one byte, but the record is bad */
	EQ(rd_take(&r, 0).len, 0);
	OK(r.bad);
}

static void every_truncation_is_bad(void)
{
	static const uint8_t in[15] = { 0 };
	for (size_t n = 0; n < sizeof(in); n++) {
		struct rd r = rd_of((struct bytes){ in, n });
		(void)rd_u8(&r);
		(void)rd_u16(&r);
		(void)rd_u32(&r);
		(void)rd_u64(&r);
		OK(r.bad);
	}
}

static void empty_input_is_fine_until_read(void)
{
	struct rd r = rd_of((struct bytes){ NULL, 0 });
	EQ(rd_take(&r, 0).len, 0);
	OK(!r.bad);
	EQ(rd_take(&r, SIZE_MAX).len, 0);
	OK(r.bad);
}

int main(void)
{
	RUN(reads_what_a_buffer_wrote);
	RUN(slices_point_into_the_input);
	RUN(error_sticks);
	RUN(every_truncation_is_bad);
	RUN(empty_input_is_fine_until_read);
	return tap_done();
}
