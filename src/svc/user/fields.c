#include "svc/user/fields.h"

#include <errno.h>

#include "base/code.h"
#include "svc/conference/conf_uri.h"
#include "wire/picture/picture.h"

enum { PHONE_MIN = 7, PHONE_MAX = 15, EXTENSION_MIN = 2, EXTENSION_MAX = 10 };

const char *user_field_name(enum user_field f)
{
	static const char *const names[] = {
		[USER_NAME] = "name",
		[USER_EMAIL] = "email",
		[USER_PHONE] = "phone",
		[USER_EXTENSION] = "extension",
		[USER_DEPARTMENT] = "department",
		[USER_TITLE] = "title",
		[USER_MANAGER] = "manager",
		[USER_OFFICE] = "office",
		[USER_COMPANY] = "company",
		[USER_CITY] = "city",
		[USER_STATE] = "state",
		[USER_COUNTRY] = "country",
	};
	return names[f];
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

bool user_is_phone(struct str s)
{
	return s.len > PHONE_MIN && s.len <= PHONE_MAX + 1 && s.p[0] == '+' && s.p[1] != '0' &&
	       all_digits(str_sub(s, 1, s.len));
}

bool user_is_extension(struct str s)
{
	return s.len >= EXTENSION_MIN && s.len <= EXTENSION_MAX && all_digits(s);
}

/* One line of clean UTF-8. */
static bool is_line(struct str s)
{
	while (s.len > 0) {
		size_t n = utf8_seq_len(s);
		if (n == 0 || (uint8_t)s.p[0] < ' ' || s.p[0] == 0x7f)
			return false;
		s = str_sub(s, n, s.len);
	}
	return true;
}

static bool is_email(struct str s)
{
	struct str local, host;
	return str_cut(s, '@', &local, &host) && local.len > 0 && str_chr(host, '.') > 0 &&
	       str_chr(host, '@') < 0 && str_chr(s, ' ') < 0;
}

int user_field_check(enum user_field f, struct str value, struct buf *why)
{
	if (value.len > USER_TEXT_MAX)
		buf_printf(why, "The %s is longer than %d bytes.", user_field_name(f),
		           USER_TEXT_MAX);
	else if (!is_line(value))
		buf_printf(why, "The %s must be one line of UTF-8 text.", user_field_name(f));
	else if (value.len == 0)
		return 0;
	else if (f == USER_PHONE && !user_is_phone(value))
		buf_printf(why,
		           "\"%" STR_FMT "\" is no telephone number in the form E.164: write it "
		           "with + and country code and without blanks, such as +4930123456.",
		           STR_ARG(value));
	else if (f == USER_EXTENSION && !user_is_extension(value))
		buf_printf(why, "\"%" STR_FMT "\" is no extension: it must be two to ten digits.",
		           STR_ARG(value));
	else if (f == USER_EMAIL && !is_email(value))
		buf_printf(why, "\"%" STR_FMT "\" is no e-mail address.", STR_ARG(value));
	else
		return 0;
	return -EINVAL;
}

/* Characters that no client has to escape in a SIP URI, and that are no telephone number. */
static bool is_local_part(struct str s)
{
	bool letter = false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
		if (!word && (c == 0 || !strchr("-_.", c)))
			return false;
		letter |= c >= 'a' && c <= 'z';
	}
	return letter && s.len <= USER_LOCAL_MAX && s.p[0] != '.' && s.p[s.len - 1] != '.';
}

static bool is_ours(struct str host, const struct str *domains, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq(host, domains[i]))
			return true;
	return false;
}

static void put_lower(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_char(b, (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 'a' - 'A' : s.p[i]));
}

int user_uri(struct buf *ret, struct str name, const struct str *domains, size_t n_domains,
             struct buf *why)
{
	struct str local, host;
	auto_(buf_free) struct buf b = buf_of(USER_TEXT_MAX);
	if (str_istarts(name, STR("sip:")))
		name = str_sub(name, 4, name.len);
	if (!str_cut(name, '@', &local, &host))
		host = domains[0];
	put_lower(&b, local);
	if (!is_local_part(buf_view(&b))) {
		buf_printf(why,
		           "\"%" STR_FMT "\" is no user name: it must be at most %d letters "
		           "(a-z), digits, dots, hyphens and underscores, with at least one "
		           "letter.",
		           STR_ARG(str_sub(local, 0, USER_TEXT_MAX)), USER_LOCAL_MAX);
		return -EINVAL;
	}
	if (!is_ours(host, domains, n_domains)) {
		buf_printf(why,
		           "\"%" STR_FMT "\" is none of this server's domains; its main one is "
		           "%" STR_FMT ".",
		           STR_ARG(str_sub(host, 0, USER_TEXT_MAX)), STR_ARG(domains[0]));
		return -EINVAL;
	}
	if (conf_uri_names_one(buf_view(&b))) {
		buf_printf(why,
		           "\"%" STR_FMT "\" is no user name: names of this form are addresses of "
		           "conferences.",
		           STR_ARG(buf_view(&b)));
		return -EINVAL;
	}
	buf_char(&b, '@');
	put_lower(&b, host);
	if (b.full) {
		buf_lit(why, "The user's name is too long.");
		return -EINVAL;
	}
	buf_str(ret, buf_view(&b));
	return 0;
}

int user_photo_check(struct bytes photo, struct buf *why)
{
	struct picture p;
	if (photo.len > USER_PHOTO_MAX) {
		buf_printf(why,
		           "The photo has %zu bytes; at most %d are allowed. Make it smaller, 96 "
		           "pixels square will do.",
		           photo.len, USER_PHOTO_MAX);
		return -EINVAL;
	}
	if (picture_read(&p, photo) < 0) {
		buf_lit(why, "The photo is no JPEG, PNG or GIF.");
		return -EINVAL;
	}
	if (MAX(p.width, p.height) > USER_PHOTO_SIDE_MAX) {
		buf_printf(why,
		           "The photo has %u x %u pixels; at most %d x %d are allowed. Make it "
		           "smaller, 96 pixels square will do.",
		           p.width, p.height, USER_PHOTO_SIDE_MAX, USER_PHOTO_SIDE_MAX);
		return -EINVAL;
	}
	return 0;
}

/* One line, as a person writes it on a label. */
int user_device_check(struct str name, struct buf *why)
{
	if (name.len > 0 && name.len <= USER_DEVICE_MAX &&
	    user_field_check(USER_NAME, name, why) == 0)
		return 0;
	why->len = 0;
	buf_printf(why,
	           "A device needs a name of 1 to %d bytes on one line, such as \"desk phone\".",
	           USER_DEVICE_MAX);
	return -EINVAL;
}
