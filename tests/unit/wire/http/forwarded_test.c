#include "wire/http/forwarded.h"

#include "base/buf.h"
#include "tap.h"

static struct addr_range own[3];

/* A request with these fields; lives until the next one. */
static const struct http_msg *request(const char *fields)
{
	static struct http_msg m;
	static char text[8192];
	struct buf b = BUF_ON(text);
	buf_lit(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
	buf_str(&b, str_of(fields));
	buf_lit(&b, "\r\n");
	OK(!b.full);
	EQ(http_parse_request(&m, buf_view(&b)).status, 0);
	return &m;
}

static void client_is(const char *peer, const char *fields, const char *wanted)
{
	struct addr p, w;
	EQ(addr_parse(&p, str_of(peer), 4711), 0);
	EQ(addr_parse(&w, str_of(wanted), 0), 0);
	struct addr c = http_client_of(request(fields), &p, own, ARRAY_SIZE(own));
	OK(addr_eq_host(&c, &w));
}

static void what_proxies_of_ours_add_is_believed(void)
{
	static const struct {
		const char *fields, *client;
	} rows[] = {
		{ "", "10.1.2.3" },
		{ "X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7" },
		{ "X-Forwarded-For: 192.0.2.7:5678\r\n", "192.0.2.7" },
		{ "x-forwarded-for:2001:db8::7\r\n", "2001:db8::7" },
		{ "X-Forwarded-For: [2001:db8::7]\r\n", "2001:db8::7" },
		{ "X-Forwarded-For: [2001:db8::7]:5678\r\n", "2001:db8::7" },
		{ "X-Forwarded-For: ::ffff:192.0.2.7\r\n", "192.0.2.7" },
		/* Another proxy of ours in between. */
		{ "X-Forwarded-For: 192.0.2.7, 10.9.9.9\r\n", "192.0.2.7" },
		{ "X-Forwarded-For: 192.0.2.7,2001:db8:1::5 , 10.9.9.9\r\n", "192.0.2.7" },
		{ "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 10.9.9.9\r\n", "192.0.2.7" },
		/* Whoever sends the field to a proxy has its own address behind it. */
		{ "X-Forwarded-For: 203.0.113.1, 192.0.2.7\r\n", "192.0.2.7" },
		{ "X-Forwarded-For: 10.9.9.9, 192.0.2.7\r\n", "192.0.2.7" },
		{ "X-Forwarded-For: 203.0.113.1\r\nX-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7" },
		{ "X-Forwarded-For: unknown, \"\", 192.0.2.7\r\n", "192.0.2.7" },
		{ "X-Forwarded-For: ,, 192.0.2.7, ,10.9.9.9,\r\n", "192.0.2.7" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		client_is("10.1.2.3", rows[i].fields, rows[i].client);
		client_is("::ffff:10.1.2.3", rows[i].fields, rows[i].client);
	}
}

static void what_is_no_address_ends_it(void)
{
	static const char *const items[] = { "unknown",         "_hidden",          "192.0.2.300",
		                             "192.0.2.7x",      "0.0.0.0",          "::",
		                             "224.0.0.1",       "fe80::1%eth0",     "\"192.0.2.7\"",
		                             "192.0.2.7:99999", "http://192.0.2.7", "1 2" };
	char fields[256];
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		struct buf b = BUF_ON(fields);
		buf_printf(&b, "X-Forwarded-For: 203.0.113.1, %s\r\n", items[i]);
		buf_char(&b, '\0');
		client_is("10.1.2.3", fields, "10.1.2.3");
		b.len = 0;
		buf_printf(&b, "X-Forwarded-For: 203.0.113.1, %s, 10.9.9.9\r\n", items[i]);
		buf_char(&b, '\0');
		client_is("10.1.2.3", fields, "10.9.9.9");
	}
}

static void strangers_say_what_they_like(void)
{
	client_is("192.0.2.1", "X-Forwarded-For: 203.0.113.1\r\n", "192.0.2.1");
	client_is("2001:db8:2::1", "X-Forwarded-For: 203.0.113.1\r\n", "2001:db8:2::1");
	client_is("::1", "X-Forwarded-For: 203.0.113.1\r\n", "::1");
	struct addr none = { 0 };
	struct addr c = http_client_of(request("X-Forwarded-For: 203.0.113.1\r\n"), &none, own,
	                               ARRAY_SIZE(own));
	EQ(c.sa.sa_family, AF_UNSPEC);
}

static void too_many_proxies_are_not_followed(void)
{
	char fields[4096];
	struct buf b = BUF_ON(fields);
	buf_lit(&b, "X-Forwarded-For: 203.0.113.1");
	for (int i = 0; i < HTTP_PROXIES_MAX - 1; i++)
		buf_printf(&b, ", 10.0.0.%d", i + 1);
	struct buf one_more = b;
	buf_lit(&b, "\r\n");
	buf_char(&b, '\0');
	client_is("10.1.2.3", fields, "203.0.113.1");
	buf_lit(&one_more, ", 10.0.1.1\r\n");
	buf_char(&one_more, '\0');
	client_is("10.1.2.3", fields, "10.0.0.1");
}

static void how_it_came_is_what_the_nearest_says(void)
{
	OK(!http_came_plain(request("")));
	OK(!http_came_plain(request("X-Forwarded-Proto: https\r\n")));
	OK(!http_came_plain(request("X-Forwarded-Proto: HTTPS\r\n")));
	OK(http_came_plain(request("X-Forwarded-Proto: http\r\n")));
	OK(http_came_plain(request("X-Forwarded-Proto: https, http\r\n")));
	OK(!http_came_plain(request("X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n")));
	OK(!http_came_plain(request("X-Forwarded-Proto:\r\n")));
}

int main(void)
{
	EQ(addr_range_parse(&own[0], STR("10.0.0.0/8")), 0);
	EQ(addr_range_parse(&own[1], STR("2001:db8:1::/48")), 0);
	EQ(addr_range_parse(&own[2], STR("198.51.100.9")), 0);
	RUN(what_proxies_of_ours_add_is_believed);
	RUN(what_is_no_address_ends_it);
	RUN(strangers_say_what_they_like);
	RUN(too_many_proxies_are_not_followed);
	RUN(how_it_came_is_what_the_nearest_says);
	return tap_done();
}
