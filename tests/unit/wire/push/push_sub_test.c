#include "wire/push/push_sub.h"

#include <errno.h>

#include "tap.h"

#define POINT \
	"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
#define AUTH "BTBZMqHH6r4Tts7J_aSIgg"

static void an_address_has_host_port_and_target(void)
{
	struct push_sub s;
	EQ(push_url_read(&s, STR("https://fcm.googleapis.com/fcm/send/a:B-_?x=1&y=%20")), 0);
	EQ_STR(s.host, "fcm.googleapis.com");
	EQ(s.port, 443);
	EQ_STR(s.target, "/fcm/send/a:B-_?x=1&y=%20");
	EQ(push_url_read(&s, STR("HTTPS://push.example.net:8443/")), 0);
	EQ_STR(s.host, "push.example.net");
	EQ(s.port, 8443);
	EQ_STR(s.target, "/");
}

static void what_is_not_sent_to_is_refused(void)
{
	static const char *const bad[] = {
		"",
		"https://",
		"http://push.example.net/a",
		"ftp://push.example.net/a",
		"https://push.example.net",
		"https:///a",
		"https://push/a",      /* a name of the own network */
		"https://localhost/a", /* likewise */
		"https://127.0.0.1/a", /* addresses ... */
		"https://[::1]/a",
		"https://2130706433/a",
		"https://0x7f000001/a",
		"https://127.1/a",
		"https://10.0x7f000001/a",
		"https://push.example.net./a", /* ... and names in another form */
		"https://push..example.net/a",
		"https://.example.net/a",
		"https://u:p@push.example.net/a", /* who it is, is not said there */
		"https://push.example.net@evil.test/a",
		"https://push.example.net:0/a",
		"https://push.example.net:65536/a",
		"https://push.example.net:/a",
		"https://push.example.net:44a/a",
		"https://push.example.net/a b",
		"https://push.example.net/a\r\nHost: x",
		"https://push.example.net/a#b",
		"https://push.example.net/\xc3\xa4",
		"https://push.example.net?x",
		"https://push.ex%61mple.net/a",
		"https://push.ex_ample.net/a",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct push_sub s;
		if (!EQ(push_url_read(&s, str_of(bad[i])), -EINVAL))
			(void)fprintf(stderr, "# %s\n", bad[i]);
	}
}

static void an_address_has_a_bound(void)
{
	struct push_sub s;
	auto_(buf_free) struct buf b = buf_of(4096);
	buf_lit(&b, "https://push.example.net/");
	while (b.len < PUSH_URL_MAX)
		buf_char(&b, 'x');
	EQ(push_url_read(&s, buf_view(&b)), 0);
	buf_char(&b, 'x');
	EQ(push_url_read(&s, buf_view(&b)), -EINVAL);
}

static void keys_are_of_their_length_and_a_point(void)
{
	struct push_to to;
	EQ(push_keys_read(&to, STR(POINT), STR(AUTH)), 0);
	EQ(push_keys_read(&to, STR(POINT "="), STR(AUTH "==")), 0);
	EQ(push_keys_read(&to, STR(AUTH), STR(AUTH)), -EINVAL);
	EQ(push_keys_read(&to, STR(POINT), STR(POINT)), -EINVAL);
	EQ(push_keys_read(&to, STR(POINT "AAAA"), STR(AUTH)), -EINVAL);
	EQ(push_keys_read(&to, STR(POINT), STR("")), -EINVAL);
	EQ(push_keys_read(&to, STR(POINT), STR("BTBZMqHH6r4Tts7J/aSIgg")), -EINVAL);
	/* One bit of the second coordinate. */
	EQ(push_keys_read(&to,
	                  STR("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-"
	                      "AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw8"),
	                  STR(AUTH)),
	   -EINVAL);
}

static void a_text_is_written_as_it_is_read(void)
{
	struct push_sub s, again;
	auto_(buf_free) struct buf b = buf_of(PUSH_SUB_MAX), origin = buf_of(300);
	static const char text[] = "https://push.example.net:8443/a?b " POINT " " AUTH;
	EQ(push_sub_read(&s, STR(text)), 0);
	push_sub_put(&b, s.url, &s.to);
	EQ_STR(buf_view(&b), text);
	EQ(push_sub_read(&again, buf_view(&b)), 0);
	OK(memcmp(&again.to, &s.to, sizeof(s.to)) == 0);
	push_origin_put(&origin, &s);
	EQ_STR(buf_view(&origin), "https://push.example.net:8443");
	EQ(push_sub_read(&s, STR("https://a.b/ " POINT)), -EINVAL);
	EQ(push_sub_read(&s, STR("https://a.b/ " POINT " " AUTH " ")), -EINVAL);
	EQ(push_sub_read(&s, STR("https://a.b/ " POINT " " AUTH)), 0);
	origin.len = 0;
	push_origin_put(&origin, &s);
	EQ_STR(buf_view(&origin), "https://a.b");
}

int main(void)
{
	RUN(an_address_has_host_port_and_target);
	RUN(what_is_not_sent_to_is_refused);
	RUN(an_address_has_a_bound);
	RUN(keys_are_of_their_length_and_a_point);
	RUN(a_text_is_written_as_it_is_read);
	return tap_done();
}
