#include "wire/http/compose.h"

#include <errno.h>

#include "tap.h"

static void a_message_is_written(void)
{
	char text[512];
	struct buf b = BUF_ON(text);
	struct http_msg m;
	http_put_status(&b, 404);
	http_put_field(&b, STR("Content-Type"), STR("text/plain"));
	http_put_number(&b, STR("Content-Length"), 0);
	http_put_end(&b);
	EQ_STR(buf_view(&b), "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"
	                     "Content-Length: 0\r\n\r\n");
	EQ(http_parse_response(&m, buf_view(&b), HTTP_GET).status, 0);
	b.len = 0;
	http_put_request(&b, STR("GET"), STR("/x?y"));
	http_put_field(&b, STR("Host"), STR("a:1"));
	http_put_end(&b);
	EQ_STR(buf_view(&b), "GET /x?y HTTP/1.1\r\nHost: a:1\r\n\r\n");
	EQ(http_parse_request(&m, buf_view(&b)).status, 0);
}

static void nothing_handed_in_begins_a_line(void)
{
	char text[512];
	struct buf b = BUF_ON(text);
	http_put_field(&b, STR("Loca\r\ntion"), STR("/x\r\nSet-Cookie: y\r\n\r\n<html>"));
	EQ_STR(buf_view(&b), "Location: /xSet-Cookie: y<html>\r\n");
	b.len = 0;
	http_put_request(&b, STR("GET"), STR("/\r\nA: b"));
	EQ_STR(buf_view(&b), "GET /A: b HTTP/1.1\r\n");
}

static void chunks_are_written(void)
{
	char text[64];
	struct buf b = BUF_ON(text);
	http_put_chunk(&b, 255);
	http_put_last_chunk(&b);
	EQ_STR(buf_view(&b), "ff\r\n0\r\n\r\n");
}

static void dates_are_written_and_read(void)
{
	char text[64];
	struct buf b = BUF_ON(text);
	uint64_t s = 0;
	http_put_date(&b, 784111777);
	EQ_STR(buf_view(&b), "Sun, 06 Nov 1994 08:49:37 GMT");
	EQ(http_date_parse(buf_view(&b), &s), 0);
	EQ(s, 784111777);
	static const char *const bad[] = {
		"",
		"Mon, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 25:49:37 GMT",
		"Sun, 31 Feb 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun, x6 Nov 1994 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994     ",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EQ(http_date_parse(str_of(bad[i]), &s), -EBADMSG);
}

int main(void)
{
	RUN(a_message_is_written);
	RUN(nothing_handed_in_begins_a_line);
	RUN(chunks_are_written);
	RUN(dates_are_written_and_read);
	return tap_done();
}
