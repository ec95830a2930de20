#include "wire/http/cond.h"

#include "base/buf.h"
#include "tap.h"

/* A request with these fields; lives until the next one. */
static const struct http_msg *request(const char *fields)
{
	static struct http_msg m;
	static char text[4096];
	struct buf b = BUF_ON(text);
	buf_lit(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
	buf_str(&b, str_of(fields));
	buf_lit(&b, "\r\n");
	EQ(http_parse_request(&m, buf_view(&b)).status, 0);
	return &m;
}

static void codings_have_weights(void)
{
	static const struct {
		const char *fields;
		unsigned br, gzip, identity;
	} rows[] = {
		{ "", 0, 0, 1 },
		{ "Accept-Encoding: gzip, deflate, br\r\n", 1000, 1000, 1 },
		{ "Accept-Encoding: gzip;q=0.5, BR ; q=0.75\r\n", 750, 500, 1 },
		{ "Accept-Encoding: gzip;q=1.000\r\nAccept-Encoding: br;q=0\r\n", 0, 1000, 1 },
		{ "Accept-Encoding: *;q=0.1, identity;q=0\r\n", 100, 100, 0 },
		{ "Accept-Encoding: br;q=2, gzip;q=0.5555\r\n", 0, 0, 1 },
		{ "Accept-Encoding: br;q=, gzip;q=-1\r\n", 0, 0, 1 },
		{ "Accept-Encoding: ,,br;x=y;q=0.3\r\n", 300, 0, 1 },
		{ "Accept-Encoding:\r\n", 0, 0, 1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct http_msg *m = request(rows[i].fields);
		EQ(http_coding_weight(m, STR("br")), rows[i].br);
		EQ(http_coding_weight(m, STR("gzip")), rows[i].gzip);
		EQ(http_coding_weight(m, STR("identity")), rows[i].identity);
	}
}

static void tags_are_found_in_lists(void)
{
	static const struct {
		const char *fields;
		bool weakly, strongly;
	} rows[] = {
		{ "", false, false },
		{ "If-None-Match: \"x\"\r\n", true, true },
		{ "If-None-Match: W/\"x\"\r\n", true, false },
		{ "If-None-Match: \"a\", W/\"b\",\"x\"\r\n", true, true },
		{ "If-None-Match: \"a\"\r\nIf-None-Match: \"x\"\r\n", true, true },
		{ "If-None-Match: *\r\n", true, true },
		{ "If-None-Match: x\r\n", false, false },
		{ "If-None-Match: \"a, \"x\"\r\n", false, false },
		{ "If-None-Match: \"X\"\r\n", false, false },
		{ "If-None-Match: \"x\r\n", false, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct http_msg *m = request(rows[i].fields);
		EQ(http_etag_in(m, HTTP_H_IF_NONE_MATCH, STR("\"x\""), false), rows[i].weakly);
		EQ(http_etag_in(m, HTTP_H_IF_NONE_MATCH, STR("\"x\""), true), rows[i].strongly);
	}
}

static void ranges_are_cut_to_what_is_there(void)
{
	static const struct {
		const char *value;
		enum http_range kind;
		uint64_t from, n;
	} rows[] = {
		{ "bytes=0-0", HTTP_RANGE_PART, 0, 1 },
		{ "bytes=10-19", HTTP_RANGE_PART, 10, 10 },
		{ "Bytes=10-", HTTP_RANGE_PART, 10, 90 },
		{ "bytes=90-200", HTTP_RANGE_PART, 90, 10 },
		{ "bytes=-1", HTTP_RANGE_PART, 99, 1 },
		{ "bytes=-1000", HTTP_RANGE_PART, 0, 100 },
		{ "bytes=100-", HTTP_RANGE_OUT, 0, 0 },
		{ "bytes=-0", HTTP_RANGE_OUT, 0, 0 },
		{ "bytes=5-4", HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=0-1,3-4", HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=-", HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=", HTTP_RANGE_NONE, 0, 0 },
		{ "lines=0-1", HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=0x1-2", HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=99999999999999999999-", HTTP_RANGE_NONE, 0, 0 },
		{ "bytes=--1", HTTP_RANGE_NONE, 0, 0 },
	};
	uint64_t from, n;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[200];
		(void)snprintf(text, sizeof(text), "Range: %s\r\n", rows[i].value);
		from = n = 0;
		OK(http_range_of(request(text), 100, &from, &n) == rows[i].kind);
		OK(from == rows[i].from && n == rows[i].n);
	}
	OK(http_range_of(request(""), 100, &from, &n) == HTTP_RANGE_NONE);
	OK(http_range_of(request("Range: bytes=0-\r\n"), 0, &from, &n) == HTTP_RANGE_OUT);
}

int main(void)
{
	RUN(codings_have_weights);
	RUN(tags_are_found_in_lists);
	RUN(ranges_are_cut_to_what_is_there);
	return tap_done();
}
