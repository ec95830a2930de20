#include "wire/http/body.h"

#include <errno.h>

#include "base/buf.h"
#include "tap.h"

static struct http_body chunked(void)
{
	struct http_msg m = { .framing = HTTP_BODY_CHUNKED };
	return http_body_of(&m);
}

/* Feeds the input in steps of so many bytes, as a stream would; the content goes to *got.  The
 * number of bytes consumed when the body is done, 0 if more must come, or an error. */
static ssize_t feed(struct http_body *b, struct str in, size_t by, struct buf *got)
{
	size_t start = 0;
	for (size_t end = MIN(by, in.len);; end = MIN(end + by, in.len)) {
		size_t n = 0;
		struct str piece;
		int r = 1;
		while (r > 0) {
			r = http_body_next(b, str_sub(in, start, end - start), &n, &piece);
			if (r < 0)
				return r;
			start += n;
			buf_str(got, piece);
		}
		if (http_body_is_done(b))
			return (ssize_t)start;
		if (end == in.len)
			return 0;
	}
}

/* The same with steps of 1 to 9 bytes and all at once: always the same end. */
static ssize_t read_chunks(const char *in, const char *want)
{
	ssize_t all = 0;
	for (size_t by = 1; by <= 10; by++) {
		auto_(buf_free) struct buf got = buf_of(10000);
		struct http_body b = chunked();
		struct str s = str_of(in);
		ssize_t r = feed(&b, s, by < 10 ? by : s.len, &got);
		if (by > 1)
			EQ(r, all);
		all = r;
		if (want)
			EQ_STR(buf_view(&got), want);
	}
	return all;
}

static void chunks_are_put_together(void)
{
	EQ(read_chunks("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET", "hello world"), 26);
	EQ(read_chunks("0\r\n\r\n", ""), 5);
	EQ(read_chunks("000a\r\n0123456789\r\n000\r\n\r\n", "0123456789"), 25);
	EQ(read_chunks("A;x=y;\"z\"\r\n0123456789\r\n0;last\r\n\r\n", "0123456789"), 33);
	EQ(read_chunks("1\r\na\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n", "a"), 25);
	EQ(read_chunks("5\r\nhel", "hel"), 0);
	EQ(read_chunks("5\r\nhello\r\n0\r\n", "hello"), 0);
}

static void broken_chunks_are_refused(void)
{
	static const char *const t[] = {
		"\r\n",           ";x\r\n",          " 5\r\n",         "5 \r\nhello\r\n",
		"5 ;x\r\n",       "0x5\r\n",         "+5\r\n",         "-1\r\n",
		"5\nhello\r\n",   "g\r\n",           "5\r\nhello0",    "5\r\nhello\n0\r\n\r\n",
		"5\r\nhello\r0",  "5;\x01\r\n",      "5;a\rb\r\n",     "0\r\nnocolon\r\n\r\n",
		"0\r\nA : b\r\n", "0\r\nA: b\n\r\n", "0\r\n A: b\r\n", "1000000000000000\r\n",
		"0\r\n\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		if (!EQ(read_chunks(t[i], NULL), -EBADMSG))
			(void)fprintf(stderr, "# %s\n", t[i]);
}

static ssize_t feed_buf(const struct buf *in)
{
	auto_(buf_free) struct buf got = buf_of(1 << 20);
	struct http_body b = chunked();
	return feed(&b, buf_view(in), in->len, &got);
}

static void what_surrounds_the_content_is_limited(void)
{
	auto_(buf_free) struct buf in = buf_of(1 << 20);
	buf_lit(&in, "1;");
	while (in.len < HTTP_CHUNK_LINE_MAX)
		buf_char(&in, 'e');
	EQ(feed_buf(&in), -E2BIG);
	in.len = 0;
	for (int i = 0; i < 200; i++)
		buf_printf(&in, "1;%0200d\r\nx\r\n", 0);
	EQ(feed_buf(&in), -E2BIG);
	in.len = 0;
	for (int i = 0; i < 70; i++)
		buf_printf(&in, "1;%0200d\r\nx\r\n", 0);
	EQ(feed_buf(&in), 0);
	in.len = 0;
	buf_lit(&in, "0\r\n");
	for (int i = 0; i <= HTTP_TRAILER_FIELDS_MAX; i++)
		buf_lit(&in, "A: b\r\n");
	EQ(feed_buf(&in), -E2BIG);
	in.len = 0;
	buf_lit(&in, "0\r\n");
	for (int i = 0; i < 20; i++)
		buf_printf(&in, "A: %0500d\r\n", 0);
	EQ(feed_buf(&in), -E2BIG);
}

static void a_length_is_counted(void)
{
	auto_(buf_free) struct buf got = buf_of(100);
	struct http_msg m = { .framing = HTTP_BODY_LENGTH, .body_len = 5 };
	struct http_body b = http_body_of(&m);
	EQ(http_body_eof(&b), -EPIPE);
	EQ(feed(&b, STR("helloGET /"), 3, &got), 5);
	EQ_STR(buf_view(&got), "hello");
	EQ(http_body_eof(&b), 0);
	EQ(b.total, 5);
	m.framing = HTTP_BODY_NONE;
	b = http_body_of(&m);
	OK(http_body_is_done(&b));
}

static void the_end_of_the_connection_may_be_the_end_of_the_body(void)
{
	auto_(buf_free) struct buf got = buf_of(100);
	struct http_msg m = { .framing = HTTP_BODY_CLOSE };
	struct http_body b = http_body_of(&m);
	EQ(feed(&b, STR("all of it"), 2, &got), 0);
	EQ_STR(buf_view(&got), "all of it");
	EQ(http_body_eof(&b), 0);
	b = chunked();
	EQ(http_body_eof(&b), -EPIPE);
}

int main(void)
{
	RUN(chunks_are_put_together);
	RUN(broken_chunks_are_refused);
	RUN(what_surrounds_the_content_is_limited);
	RUN(a_length_is_counted);
	RUN(the_end_of_the_connection_may_be_the_end_of_the_body);
	return tap_done();
}
