#include "wire/mime/deflate.h"

#include <errno.h>

#include "tap.h"

/* "hello hello hello hello" as RFC 1950, and without its head and its sum. */
static const char packed[] = "\x78\x9c\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\x01\x68\x03\x08\xb1";
enum { HEAD = 2, SUM = 4 };

static void packed_text_is_read_with_and_without_its_head(void)
{
	auto_(buf_free) struct buf b = buf_of(1000);
	struct str in = str_n(packed, sizeof(packed) - 1);
	EQ(deflate_get(&b, in), 0);
	EQ_STR(buf_view(&b), "hello hello hello hello");
	b.len = 0;
	EQ(deflate_get(&b, str_sub(in, HEAD, in.len - HEAD - SUM)), 0);
	EQ_STR(buf_view(&b), "hello hello hello hello");
}

static void broken_and_cut_text_is_refused(void)
{
	struct str in = str_n(packed, sizeof(packed) - 1);
	for (size_t n = 0; n + 1 < in.len; n++) {
		auto_(buf_free) struct buf b = buf_of(1000);
		EQ(deflate_get(&b, str_sub(in, 0, n)), -EBADMSG);
	}
	auto_(buf_free) struct buf b = buf_of(1000);
	EQ(deflate_get(&b, STR("hello hello")), -EBADMSG);
}

static void what_unpacks_to_too_much_is_refused(void)
{
	auto_(buf_free) struct buf b = buf_of(10);
	EQ(deflate_get(&b, str_n(packed, sizeof(packed) - 1)), -E2BIG);
}

int main(void)
{
	RUN(packed_text_is_read_with_and_without_its_head);
	RUN(broken_and_cut_text_is_refused);
	RUN(what_unpacks_to_too_much_is_refused);
	return tap_done();
}
