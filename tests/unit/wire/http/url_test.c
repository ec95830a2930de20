#include "wire/http/url.h"

#include <errno.h>

#include "tap.h"

static struct http_url parts(const char *text)
{
	struct http_url u = { .port = 0 };
	EQ(http_url_parse(&u, str_of(text)), 0);
	return u;
}

static void urls_are_taken_apart(void)
{
	struct http_url u = parts("https://login.test:8443/a/b?c=d&e");
	EQ_STR(u.authority, "login.test:8443");
	EQ_STR(u.host, "login.test");
	EQ(u.port, 8443);
	EQ_STR(u.path, "/a/b");
	EQ_STR(u.query, "c=d&e");
	u = parts("HTTPS://login.test");
	EQ_STR(u.path, "/");
	EQ(u.port, 443);
	OK(!u.query.p);
	u = parts("https://[2001:db8::1]:1?");
	EQ_STR(u.host, "2001:db8::1");
	EQ_STR(u.path, "/");
	OK(u.query.p && u.query.len == 0);
}

static void what_is_no_url_is_refused(void)
{
	static const char *const rows[] = {
		"",
		"https://",
		"http://login.test/",
		"login.test",
		"https:login.test",
		"//login.test",
		"https://a@login.test/",
		"https://login.test/#x",
		"https://login.test:0/",
		"https://login.test:65536/",
		"https://login.test:x/",
		"https://login.test/a b",
		"https://login.test/\r\nX: y",
		"https://[::1/",
		"https://login.test\\@evil.test/",
		"javascript:alert(1)",
	};
	static char longest[HTTP_ABSOLUTE_MAX + 2] = "https://login.test/";
	struct http_url u;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EQ(http_url_parse(&u, str_of(rows[i])), -EBADMSG);
	for (size_t i = strlen(longest); i < sizeof(longest) - 1; i++)
		longest[i] = 'a';
	EQ(http_url_parse(&u, str_n(longest, HTTP_ABSOLUTE_MAX)), 0);
	EQ(http_url_parse(&u, str_n(longest, HTTP_ABSOLUTE_MAX + 1)), -EBADMSG);
}

int main(void)
{
	RUN(urls_are_taken_apart);
	RUN(what_is_no_url_is_refused);
	return tap_done();
}
