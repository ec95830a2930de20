#include "svc/user/fields.h"

#include <errno.h>

#include "tap.h"

static const struct str domains[] = { STR_INIT("example.test"), STR_INIT("example.org") };

static bool is_uri(const char *name, const char *want)
{
	auto_(buf_free) struct buf b = buf_of(USER_TEXT_MAX), why = buf_of(1024);
	int r = user_uri(&b, str_of(name), domains, ARRAY_SIZE(domains), &why);
	OK((r < 0) == (why.len > 0));
	return r < 0 ? want == NULL : want && str_eq(buf_view(&b), str_of(want));
}

static void names_become_canonical(void)
{
	OK(is_uri("alice", "alice@example.test"));
	OK(is_uri("Alice.B-c_1", "alice.b-c_1@example.test"));
	OK(is_uri("sip:ALICE@Example.ORG", "alice@example.org"));
}

static void names_that_are_none_are_explained(void)
{
	OK(is_uri("", NULL));
	OK(is_uri("12345", NULL));
	OK(is_uri("+4930123456", NULL));
	OK(is_uri("al ice", NULL));
	OK(is_uri("al@ice@example.test", NULL));
	OK(is_uri("alice@other.test", NULL));
	OK(is_uri(".alice", NULL));
	OK(is_uri("alice.", NULL));
	OK(is_uri("conf-12345678.alice", NULL)); /* of a conference */
	OK(is_uri("conf-1234567.alice", "conf-1234567.alice@example.test"));
	OK(is_uri("\xc3\xa4lice", NULL));
	OK(is_uri("a2345678901234567890123456789012345678901234567890123456789012345", NULL));
}

static void telephone_numbers_are_e164(void)
{
	OK(user_is_phone(STR("+4930123456")));
	OK(user_is_phone(STR("+1234567")));
	OK(user_is_phone(STR("+123456789012345")));
	OK(!user_is_phone(STR("+1234567890123456")));
	OK(!user_is_phone(STR("+123456")));
	OK(!user_is_phone(STR("4930123456")));
	OK(!user_is_phone(STR("+0930123456")));
	OK(!user_is_phone(STR("+49 30 123456")));
	OK(!user_is_phone(STR("")));
}

static void extensions_are_short_digits(void)
{
	OK(user_is_extension(STR("10")));
	OK(user_is_extension(STR("1234567890")));
	OK(!user_is_extension(STR("1")));
	OK(!user_is_extension(STR("12345678901")));
	OK(!user_is_extension(STR("12a")));
}

static int check(enum user_field f, struct str value)
{
	auto_(buf_free) struct buf why = buf_of(1024);
	int r = user_field_check(f, value, &why);
	OK((r < 0) == (why.len > 0));
	return r;
}

static void fields_are_lines_of_utf8(void)
{
	EQ(check(USER_NAME, STR("Alice \xc3\x84nders")), 0);
	EQ(check(USER_NAME, STR("")), 0);
	EQ(check(USER_NAME, STR("a\r\nVia: x")), -EINVAL);
	EQ(check(USER_TITLE, STR("\xff\xfe")), -EINVAL);
	EQ(check(USER_DEPARTMENT, STR("a\0b")), -EINVAL);
	EQ(check(USER_EMAIL, STR("a@example.test")), 0);
	EQ(check(USER_EMAIL, STR("example.test")), -EINVAL);
	EQ(check(USER_PHONE, STR("030 123456")), -EINVAL);
	EQ(check(USER_EXTENSION, STR("x")), -EINVAL);
	char big[USER_TEXT_MAX + 1];
	memset(big, 'a', sizeof(big));
	EQ(check(USER_NAME, str_n(big, USER_TEXT_MAX)), 0);
	EQ(check(USER_NAME, str_n(big, USER_TEXT_MAX + 1)), -EINVAL);
}

static void photos_are_pictures_of_thirty_kilobytes(void)
{
	auto_(buf_free) struct buf why = buf_of(1024);
	static char big[USER_PHOTO_MAX + 1] =
	        "\xff\xd8\xff\xc0\x00\x0b\x08\x04\x00\x04\x00"; /* 1024 x 1024 pixels */
	EQ(user_photo_check(bytes_of(str_n(big, USER_PHOTO_MAX)), &why), 0);
	EQ(user_photo_check(bytes_of(str_n(big, USER_PHOTO_MAX + 1)), &why), -EINVAL);
	OK(why.len > 0);
	why.len = 0;
	EQ(user_photo_check(bytes_of(STR("<svg/>")), &why), -EINVAL);
	OK(str_find(buf_view(&why), STR("no JPEG")) >= 0);
	why.len = 0;
	EQ(user_photo_check(bytes_of(STR("GIF89a\x01\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0")), &why),
	   -EINVAL);
	OK(str_find(buf_view(&why), STR("1025 x 1 pixels")) >= 0);
}

int main(void)
{
	RUN(names_become_canonical);
	RUN(names_that_are_none_are_explained);
	RUN(telephone_numbers_are_e164);
	RUN(extensions_are_short_digits);
	RUN(fields_are_lines_of_utf8);
	RUN(photos_are_pictures_of_thirty_kilobytes);
	return tap_done();
}
