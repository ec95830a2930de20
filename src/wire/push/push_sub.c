#include "wire/push/push_sub.h"

#include <errno.h>

#include "base/code.h"

/* --- the address --------------------------------------------------------------------------- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_label(struct str s)
{
	static const struct charset good = { CHARSET_DIGITS | CHARSET_ONE('-'), CHARSET_LETTERS };
	for (size_t i = 0; i < s.len; i++)
		if (!str_in(s.p[i], &good))
			return false;
	return s.len > 0 && s.len <= 63;
}

/* A name of at least two labels.  What ends with a digit or a number is an address in one of the
 * forms that some software reads: "127.1", "10.0x7f000001". */
static bool is_host(struct str host)
{
	struct str label, rest = host;
	unsigned n = 0;
	bool more = true;
	if (host.len > PUSH_HOST_MAX)
		return false;
	while (more) {
		more = str_cut(rest, '.', &label, &rest);
		if (!is_label(label))
			return false;
		n++;
	}
	return n >= 2 && is_letter(label.p[0]);
}

static bool is_path(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || strchr("\"<>\\^`{|}#", s.p[i]))
			return false;
	return true;
}

/* "push.example.net:8443", and what follows from its '/' or '?' on. */
static int read_authority(struct push_sub *ret, struct str s)
{
	uint32_t port = 443;
	struct str text;
	if (str_cut(s, ':', &ret->host, &text) &&
	    (str_to_u32(text, UINT16_MAX, &port) < 0 || !port))
		return -EINVAL;
	ret->port = (uint16_t)port;
	return is_host(ret->host) ? 0 : -EINVAL;
}

int push_url_read(struct push_sub *ret, struct str url)
{
	static const struct str scheme = STR_INIT("https://");
	struct push_sub s = { .url = url };
	if (url.len > PUSH_URL_MAX || !str_istarts(url, scheme))
		return -EINVAL;
	struct str rest = str_sub(url, scheme.len, url.len);
	size_t end = 0;
	while (end < rest.len && rest.p[end] != '/')
		end++;
	s.target = str_sub(rest, end, rest.len);
	if (s.target.len == 0 || !is_path(s.target) ||
	    read_authority(&s, str_sub(rest, 0, end)) < 0)
		return -EINVAL;
	*ret = s;
	return 0;
}

/* --- the keys ------------------------------------------------------------------------------ */

static int read_fixed(uint8_t *ret, size_t len, struct str text)
{
	char space[PUSH_POINT_LEN + 3];
	struct buf b = BUF_ON(space);
	if (base64url_get(text, &b) < 0 || b.full || b.len != len)
		return -EINVAL;
	memcpy(ret, b.p, len);
	return 0;
}

int push_keys_read(struct push_to *ret, struct str p256dh, struct str auth)
{
	struct push_to to;
	if (read_fixed(to.point, sizeof(to.point), p256dh) < 0 ||
	    read_fixed(to.auth, sizeof(to.auth), auth) < 0 || !push_is_point(to.point))
		return -EINVAL;
	*ret = to;
	return 0;
}

/* --- both ---------------------------------------------------------------------------------- */

int push_sub_read(struct push_sub *ret, struct str text)
{
	struct str url, keys, point, auth;
	struct push_sub s;
	if (!str_cut(text, ' ', &url, &keys) || !str_cut(keys, ' ', &point, &auth) ||
	    push_url_read(&s, url) < 0 || push_keys_read(&s.to, point, auth) < 0)
		return -EINVAL;
	*ret = s;
	return 0;
}

void push_sub_put(struct buf *b, struct str url, const struct push_to *to)
{
	buf_str(b, url);
	buf_char(b, ' ');
	base64url_put(b, to->point, sizeof(to->point));
	buf_char(b, ' ');
	base64url_put(b, to->auth, sizeof(to->auth));
}

void push_origin_put(struct buf *b, const struct push_sub *s)
{
	buf_lit(b, "https://");
	buf_str(b, s->host);
	if (s->port != 443)
		buf_printf(b, ":%u", s->port);
}
