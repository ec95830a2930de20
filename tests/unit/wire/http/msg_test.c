#include "wire/http/msg.h"

#include <errno.h>

#include "base/buf.h"
#include "tap.h"

static struct http_fault request(struct http_msg *m, const char *head)
{
	return http_parse_request(m, str_of(head));
}

static void a_request_is_indexed(void)
{
	struct http_msg m;
	EQ(request(&m, "POST /a/b?x=1&y HTTP/1.1\r\nHost: web.test:4443\r\n"
	               "content-length:   12 \t\r\nX-One: 1\r\nCookie: a\r\nCookie: b\r\n"
	               "x-one: 2\r\nEmpty:\r\n\r\n")
	           .status,
	   0);
	OK(m.is_request && m.minor == 1 && m.keep_alive && !m.upgrade && !m.expects_continue);
	EQ(m.method, HTTP_POST);
	EQ(m.form, HTTP_FORM_ORIGIN);
	EQ_STR(m.target, "/a/b?x=1&y");
	EQ_STR(m.path, "/a/b");
	EQ_STR(m.query, "x=1&y");
	EQ_STR(m.host, "web.test");
	EQ_STR(m.port, "4443");
	EQ(m.framing, HTTP_BODY_LENGTH);
	EQ(m.body_len, 12);
	EQ(m.n_hdrs, 7);
	EQ_STR(http_value(&m, HTTP_H_CONTENT_LENGTH), "12");
	EQ_STR(http_value_named(&m, STR("X-ONE")), "1");
	EQ_STR(http_value_named(&m, STR("empty")), "");
	EQ_STR(http_value_named(&m, STR("HOST")), "web.test:4443");
	OK(http_value_named(&m, STR("none")).p == NULL && http_value(&m, HTTP_H_RANGE).p == NULL);
	unsigned n = 0;
	for (const struct http_hdr *h = http_first(&m, HTTP_H_COOKIE); h; h = http_next(&m, h))
		EQ_STR(http_hdr_value(&m, h), n++ ? "b" : "a");
	EQ(n, 2);
}

static void a_copy_stands_alone(void)
{
	char text[] = "GET /p?q HTTP/1.1\r\nHost: h\r\nX-Y: z\r\n\r\n";
	_Alignas(struct http_msg) char to[1024];
	struct http_msg m;
	EQ(request(&m, text).status, 0);
	OK(http_msg_size(&m) <= sizeof(to));
	struct http_msg *c = http_msg_copy(to, &m);
	memset(text, '#', sizeof(text));
	EQ_STR(c->path, "/p");
	EQ_STR(c->query, "q");
	EQ_STR(c->host, "h");
	EQ_STR(http_value_named(c, STR("x-y")), "z");
	/* The path that an absolute target leaves out is in no message. */
	EQ(request(&m, "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n").status, 0);
	c = http_msg_copy(to, &m);
	EQ_STR(c->path, "/");
}

/* The rest of a good request behind this line. */
#define HOST " HTTP/1.1\r\nHost: a\r\n\r\n"
#define FIELDS(lines) "POST / HTTP/1.1\r\nHost: a\r\n" lines "\r\n"

/* A head and what it is answered with; 0: it is good. */
struct row {
	unsigned status;
	const char *head;
};

static void check(const struct row *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct http_msg m;
		struct http_fault f = request(&m, t[i].head);
		if (!EQ(f.status, t[i].status))
			(void)fprintf(stderr, "# %s: %s\n", t[i].head, f.why ? f.why : "fine");
		OK(f.status == 0 || (f.why && !m.keep_alive));
	}
}

static void broken_start_lines_are_refused(void)
{
	/* clang-format off */
	static const struct row t[] = {
		{ 0, "GET /" HOST },
		{ 0, "BREW /" HOST },
		{ 400, "GET  /" HOST },
		{ 400, "GET /  HTTP/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET / HTTP/1.1 \r\nHost: a\r\n\r\n" },
		{ 400, " GET /" HOST },
		{ 400, "GET\t/" HOST },
		{ 400, "GET /\r\nHost: a\r\n\r\n" },
		{ 400, "GET / http/1.1\r\nHost: a\r\n\r\n" },
		{ 400, "GET / HTTP/1.10\r\nHost: a\r\n\r\n" },
		{ 400, "GET / HTTP/1\r\nHost: a\r\n\r\n" },
		{ 400, "G@T /" HOST },
		{ 505, "GET / HTTP/2.0\r\nHost: a\r\n\r\n" },
		{ 505, "PRI * HTTP/2.0\r\n\r\n" },
		{ 505, "GET / HTTP/0.9\r\nHost: a\r\n\r\n" },
		{ 501, "AVERYLONGMETHODTHATNOBODYHASEVERSEEN /" HOST },
	};
	/* clang-format on */
	check(t, ARRAY_SIZE(t));
}

static void targets_have_the_form_of_their_method(void)
{
	/* clang-format off */
	static const struct row t[] = {
		{ 0, "GET /%41?%3f=/?" HOST },
		{ 0, "GET http://a.test:80/x" HOST },
		{ 0, "GET HTTPS://[::1]:443" HOST },
		{ 0, "OPTIONS *" HOST },
		{ 0, "CONNECT a:443" HOST },
		{ 400, "GET *" HOST },
		{ 400, "GET a:443" HOST },
		{ 400, "GET a" HOST },
		{ 400, "GET ftp://a/" HOST },
		{ 400, "GET http:///" HOST },
		{ 400, "GET http://u@a/" HOST },
		{ 400, "GET http://a:99999/" HOST },
		{ 400, "GET http://[::1/" HOST },
		{ 400, "GET http://[zz]/" HOST },
		{ 400, "GET http://[::1]x:1/" HOST },
		{ 400, "CONNECT /" HOST },
		{ 400, "CONNECT a" HOST },
		{ 400, "GET /#f" HOST },
		{ 400, "GET /\\x" HOST },
		{ 0, "GET /?\\|^`{}" HOST },
		{ 400, "GET /<a>" HOST },
		{ 400, "GET /\x7f" HOST },
		{ 400, "GET /\xc3\xa4" HOST },
		{ 400, "GET /\x01" HOST },
	};
	/* clang-format on */
	check(t, ARRAY_SIZE(t));
}

static void there_is_exactly_one_host(void)
{
	/* clang-format off */
	static const struct row t[] = {
		{ 400, "GET / HTTP/1.1\r\n\r\n" },
		{ 0, "GET / HTTP/1.0\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" },
		{ 400, "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: \r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" },
		{ 400, "GET / HTTP/1.1\r\nHost: a:x\r\n\r\n" },
		{ 400, "GET http://a/ HTTP/1.1\r\n\r\n" },
	};
	/* clang-format on */
	check(t, ARRAY_SIZE(t));
}

static void field_lines_are_taken_at_their_word(void)
{
	/* clang-format off */
	static const struct row t[] = {
		{ 400, FIELDS("A : b\r\n") },
		{ 400, FIELDS("A\r\n") },
		{ 400, FIELDS(": b\r\n") },
		{ 400, FIELDS("A: b\r\n c\r\n") },
		{ 400, FIELDS("A: b\r\n\tc: d\r\n") },
		{ 400, FIELDS("A: b\n") },
		{ 400, FIELDS("A: b\rc\r\n") },
		{ 400, FIELDS("A: b\x01\r\n") },
		{ 400, FIELDS("A(): b\r\n") },
		{ 400, FIELDS("\xe4: b\r\n") },
		{ 0, FIELDS("A: \xe4\tb\r\n") },
	};
	/* clang-format on */
	check(t, ARRAY_SIZE(t));
}

static void a_length_that_can_be_misunderstood_is_refused(void)
{
	/* clang-format off */
	static const struct row t[] = {
		{ 0, FIELDS("Content-Length: 0\r\n") },
		{ 0, FIELDS("Transfer-Encoding: chunked\r\n") },
		{ 0, FIELDS("Transfer-Encoding: Chunked \r\n") },
		{ 400, FIELDS("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n") },
		{ 400, FIELDS("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") },
		{ 400, FIELDS("Content-Length: 1\r\nContent-Length: 2\r\n") },
		{ 400, FIELDS("Content-Length: 1\r\nContent-Length: 1\r\n") },
		{ 400, FIELDS("Content-Length: 1, 1\r\n") },
		{ 400, FIELDS("Content-Length: +1\r\n") },
		{ 400, FIELDS("Content-Length: -1\r\n") },
		{ 400, FIELDS("Content-Length: 0x1\r\n") },
		{ 400, FIELDS("Content-Length: 1 1\r\n") },
		{ 400, FIELDS("Content-Length:\r\n") },
		{ 400, FIELDS("Content-Length: 99999999999999999999\r\n") },
		{ 400, FIELDS("Content-Length: 9223372036854775808\r\n") },
		{ 400, FIELDS("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") },
		{ 400, FIELDS("Transfer-Encoding: chunked, gzip\r\n") },
		{ 400, FIELDS("Transfer-Encoding: identity\r\n") },
		{ 400, FIELDS("Transfer-Encoding: xchunked\r\n") },
		{ 400, FIELDS("Transfer-Encoding: chunked;a=b\r\n") },
		{ 400, FIELDS("Transfer-Encoding:\r\n") },
		{ 400, FIELDS("Transfer-Encoding: \x0b" "chunked\r\n") },
		{ 501, FIELDS("Transfer-Encoding: gzip, chunked\r\n") },
		{ 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" },
		{ 411, "POST / HTTP/1.0\r\n\r\n" },
		{ 0, "POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n" },
		{ 0, FIELDS("") },
	};
	/* clang-format on */
	check(t, ARRAY_SIZE(t));
}

static void expectations_and_connection_are_checked(void)
{
	/* clang-format off */
	static const struct row t[] = {
		{ 0, FIELDS("Expect: 100-Continue\r\nContent-Length: 1\r\n") },
		{ 417, FIELDS("Expect: money\r\n") },
		{ 417, FIELDS("Expect: 100-continue\r\nExpect: 100-continue\r\n") },
		{ 400, FIELDS("Connection: \"close\r\n") },
		{ 400, FIELDS("Connection: a b\r\n") },
	};
	/* clang-format on */
	check(t, ARRAY_SIZE(t));
}

static void an_empty_or_endless_head_is_refused(void)
{
	struct http_msg m;
	EQ(request(&m, "").status, 400);
	EQ(request(&m, "\r\n").status, 400);
	EQ(request(&m, "\r\n\r\n").status, 400);
	EQ(request(&m, "GET / HTTP/1.1\r\nHost: a\r\n").status, 400);
	EQ(request(&m, "GET / HTTP/1.1\r\nHost: a\r\n\r\nmore").status, 400);
	EQ(http_parse_request(&m, str_n("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28)).status, 400);
	EQ(http_parse_request(&m, str_n("GET / HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n", 33)).status,
	   400);
}

static void the_host_of_the_target_wins(void)
{
	struct http_msg m;
	EQ(request(&m, "GET http://b.test:81/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n").status, 0);
	EQ(m.form, HTTP_FORM_ABSOLUTE);
	EQ_STR(m.host, "b.test");
	EQ_STR(m.port, "81");
	EQ_STR(m.path, "/x");
	EQ_STR(m.query, "y");
	EQ(request(&m, "GET http://b.test?y HTTP/1.1\r\nHost: a\r\n\r\n").status, 0);
	EQ_STR(m.path, "/");
	EQ_STR(m.query, "y");
	EQ(request(&m, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8\r\n\r\n").status, 0);
	EQ_STR(m.host, "[2001:db8::1]");
	EQ_STR(m.port, "8");
	EQ(request(&m, "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").status, 0);
	EQ(m.form, HTTP_FORM_STAR);
	EQ_STR(m.path, "*");
	OK(m.query.p == NULL);
}

static bool keeps(const char *version, const char *connection)
{
	char head[256];
	struct http_msg m;
	(void)snprintf(head, sizeof(head), "GET / HTTP/%s\r\nHost: a\r\nConnection: %s\r\n\r\n",
	               version, connection);
	EQ(request(&m, head).status, 0);
	return m.keep_alive;
}

static void the_connection_is_kept_as_the_version_says(void)
{
	OK(keeps("1.1", ""));
	OK(keeps("1.1", "keep-alive"));
	OK(keeps("1.7", "x"));
	OK(!keeps("1.1", "Close"));
	OK(!keeps("1.1", "x, close , keep-alive"));
	OK(!keeps("1.0", ""));
	OK(keeps("1.0", "Keep-Alive"));
	OK(!keeps("1.0", "keep-alive, close"));
}

static void an_upgrade_needs_both_fields(void)
{
	struct http_msg m;
	EQ(request(&m, FIELDS("Upgrade: websocket\r\nConnection: Upgrade\r\n")).status, 0);
	OK(m.upgrade);
	EQ(request(&m, FIELDS("Upgrade: websocket\r\n")).status, 0);
	OK(!m.upgrade);
	EQ(request(&m, FIELDS("Connection: upgrade\r\n")).status, 0);
	OK(!m.upgrade);
}

static void only_content_is_waited_for(void)
{
	struct http_msg m;
	EQ(request(&m, FIELDS("Expect: 100-continue\r\nContent-Length: 5\r\n")).status, 0);
	OK(m.expects_continue);
	EQ(request(&m, FIELDS("Expect: 100-continue\r\n")).status, 0);
	OK(!m.expects_continue);
	EQ(request(&m, "POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	           .status,
	   0);
	OK(!m.expects_continue);
}

static void limits_are_named_to_the_client(void)
{
	struct http_msg m;
	auto_(buf_free) struct buf b = buf_of(4 * HTTP_HEAD_MAX);
	buf_lit(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 1; i < HTTP_HEADERS_MAX; i++)
		buf_lit(&b, "A: b\r\n");
	buf_lit(&b, "\r\n");
	EQ(http_parse_request(&m, buf_view(&b)).status, 0);
	EQ(m.n_hdrs, HTTP_HEADERS_MAX);
	b.len -= 2;
	buf_lit(&b, "A: b\r\n\r\n");
	EQ(http_parse_request(&m, buf_view(&b)).status, 431);

	b.len = 0;
	buf_lit(&b, "GET /");
	while (b.len < 5 + HTTP_URL_MAX)
		buf_char(&b, 'x');
	buf_lit(&b, HOST);
	EQ(http_parse_request(&m, buf_view(&b)).status, 414);

	b.len = 0;
	buf_lit(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i <= HTTP_NAME_MAX; i++)
		buf_char(&b, 'n');
	buf_lit(&b, ": v\r\n\r\n");
	EQ(http_parse_request(&m, buf_view(&b)).status, 431);

	b.len = 0;
	buf_lit(&b, "GET / HTTP/1.1\r\nHost: a\r\nA: ");
	while (b.len < HTTP_HEAD_MAX)
		buf_char(&b, 'v');
	buf_lit(&b, "\r\n\r\n");
	EQ(http_parse_request(&m, buf_view(&b)).status, 431);
}

/* Frames what comes in pieces of one byte: the length of the head, or an error. */
static int frame(struct str s)
{
	struct http_framer f = { 0 };
	uint32_t len = 0;
	int r = 0;
	for (size_t n = 1; n <= s.len && r == 0; n++)
		r = http_frame(&f, str_sub(s, 0, n), &len);
	return r == 1 ? (int)len : r;
}

static void heads_are_cut_out_of_a_stream(void)
{
	EQ(frame(STR("GET / HTTP/1.1\r\nA: b\r\n\r\nbody")), 24);
	EQ(frame(STR("GET / HTTP/1.1\r\n\r\n")), 18);
	EQ(frame(STR("GET / HTTP/1.1\r\nA: b\r\n")), 0);
	EQ(frame(STR("GET / HTTP/1.1\nA: b\n\n")), -EBADMSG);
	EQ(frame(STR("GET / HTTP/1.1\r\nA: b\r\n\nbody")), -EBADMSG);
	EQ(frame(STR("\n")), -EBADMSG);
	EQ(frame(STR("\x16\x03\x01")), -EBADMSG);
	EQ(http_skip_line(STR("\r\nGET")), 2);
	EQ(http_skip_line(STR("\rG")), 0);
}

static void what_does_not_end_is_refused_early(void)
{
	auto_(buf_free) struct buf b = buf_of(HTTP_HEAD_MAX + 100);
	struct http_framer f = { 0 };
	uint32_t len;
	while (b.len < HTTP_URL_MAX + 100)
		buf_char(&b, 'x');
	EQ(http_frame(&f, buf_view(&b), &len), -ENAMETOOLONG);
	EQ(http_frame_fault(-ENAMETOOLONG).status, 414);
	b.len = 0;
	f = (struct http_framer){ 0 };
	buf_lit(&b, "GET / HTTP/1.1\r\n");
	while (b.len < HTTP_HEAD_MAX - 6)
		buf_lit(&b, "A: b\r\n");
	EQ(http_frame(&f, buf_view(&b), &len), 0);
	while (b.len <= HTTP_HEAD_MAX)
		buf_lit(&b, "A: b\r\n");
	EQ(http_frame(&f, buf_view(&b), &len), -E2BIG);
	EQ(http_frame_fault(-E2BIG).status, 431);
}

static unsigned response(struct http_msg *m, const char *head, enum http_method of)
{
	return http_parse_response(m, str_of(head), of).status;
}

static void a_response_is_framed_by_its_request_too(void)
{
	struct http_msg m;
	EQ(response(&m, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_GET), 0);
	OK(!m.is_request && m.status == 200 && m.keep_alive);
	EQ_STR(m.reason, "OK");
	EQ(m.framing, HTTP_BODY_LENGTH);
	EQ(response(&m, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", HTTP_HEAD), 0);
	EQ(m.framing, HTTP_BODY_NONE);
	EQ(response(&m, "HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n", HTTP_GET), 0);
	EQ(m.framing, HTTP_BODY_NONE);
	EQ(response(&m, "HTTP/1.1 204\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_GET), 0);
	EQ(m.framing, HTTP_BODY_NONE);
	EQ(response(&m, "HTTP/1.1 100 Continue\r\n\r\n", HTTP_POST), 0);
	EQ(m.framing, HTTP_BODY_NONE);
	EQ(response(&m, "HTTP/1.1 200 \xe4\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_GET), 0);
	EQ(m.framing, HTTP_BODY_CHUNKED);
	EQ(response(&m, "HTTP/1.1 200 OK\r\n\r\n", HTTP_GET), 0);
	EQ(m.framing, HTTP_BODY_CLOSE);
	OK(!m.keep_alive);
	EQ(response(&m, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", HTTP_GET), 0);
	EQ(m.framing, HTTP_BODY_NONE);
	OK(!m.keep_alive);
}

static void a_broken_response_is_refused(void)
{
	static const char *const t[] = {
		"HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 600 OK\r\n\r\n",
		"HTTP/1.1 2x0 OK\r\n\r\n",
		"HTTP/1.1 200 O\x01K\r\n\r\n",
		"ICY 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"",
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct http_msg m;
		if (!EQ(response(&m, t[i], HTTP_GET), 502))
			(void)fprintf(stderr, "# %s\n", t[i]);
	}
}

static void names_are_found_in_any_case(void)
{
	for (int id = 1; id < HTTP_H_N_IDS; id++)
		EQ(http_hdr_id_of(http_hdr_id_name((enum http_hdr_id)id)), id);
	EQ(http_hdr_id_of(STR("content-LENGTH")), HTTP_H_CONTENT_LENGTH);
	EQ(http_hdr_id_of(STR("Content-Lengt")), HTTP_H_OTHER);
	for (int m = 1; m < HTTP_N_METHODS; m++)
		EQ(http_method_of(http_method_name((enum http_method)m)), m);
	EQ(http_method_of(STR("get")), HTTP_OTHER_METHOD);
	OK(http_is_idempotent(HTTP_PUT) && !http_is_idempotent(HTTP_POST));
	EQ_STR(http_reason(413), "Content Too Large");
	EQ_STR(http_reason(299), "Unknown");
}

static void tokens_are_found_in_lists(void)
{
	struct http_msg m;
	EQ(request(&m, FIELDS("TE: a, trailers\r\nTE: b\r\n")).status, 0);
	OK(http_has_token(&m, HTTP_H_TE, STR("Trailers")));
	OK(http_has_token(&m, HTTP_H_TE, STR("b")));
	OK(!http_has_token(&m, HTTP_H_TE, STR("c")));
}

int main(void)
{
	RUN(a_request_is_indexed);
	RUN(a_copy_stands_alone);
	RUN(broken_start_lines_are_refused);
	RUN(targets_have_the_form_of_their_method);
	RUN(there_is_exactly_one_host);
	RUN(field_lines_are_taken_at_their_word);
	RUN(a_length_that_can_be_misunderstood_is_refused);
	RUN(expectations_and_connection_are_checked);
	RUN(an_empty_or_endless_head_is_refused);
	RUN(the_host_of_the_target_wins);
	RUN(the_connection_is_kept_as_the_version_says);
	RUN(an_upgrade_needs_both_fields);
	RUN(only_content_is_waited_for);
	RUN(limits_are_named_to_the_client);
	RUN(heads_are_cut_out_of_a_stream);
	RUN(what_does_not_end_is_refused_early);
	RUN(a_response_is_framed_by_its_request_too);
	RUN(a_broken_response_is_refused);
	RUN(names_are_found_in_any_case);
	RUN(tokens_are_found_in_lists);
	return tap_done();
}
