#include "wire/http/target.h"

#include <errno.h>

#include "base/addr.h"
#include "base/code.h"

static const struct charset host_chars = {
	CHARSET_DIGITS | CHARSET_ONE('-') | CHARSET_ONE('.'),
	CHARSET_LETTERS | CHARSET_ONE('_'),
};
static const struct charset unreserved = {
	CHARSET_DIGITS | CHARSET_ONE('-') | CHARSET_ONE('.'),
	CHARSET_LETTERS | CHARSET_ONE('_') | CHARSET_ONE('~'),
};
/* Visible, without `"`, `#`, `<`, `>` and (in the path) `\`. */
static const struct charset query_chars = {
	CHARSET_SPAN('!', '?') &
	        ~(CHARSET_ONE('"') | CHARSET_ONE('#') | CHARSET_ONE('<') | CHARSET_ONE('>')),
	CHARSET_SPAN('@', '~'),
};

static bool all_in(struct str s, const struct charset *set)
{
	for (size_t i = 0; i < s.len; i++)
		if (!str_in(s.p[i], set))
			return false;
	return true;
}

static int check_literal(struct str host)
{
	struct addr a;
	return host.len < 64 && addr_parse(&a, host, 0) == 0 ? 0 : -EBADMSG;
}

int http_authority_parse(struct str s, struct str *ret_host, struct str *ret_port)
{
	struct str host = s, port = STR("");
	uint32_t n;
	ssize_t end = s.len > 0 && s.p[0] == '[' ? str_chr(s, ']') : 0;
	if (end < 0)
		return -EBADMSG;
	ssize_t colon = str_chr(str_sub(s, (size_t)end, s.len), ':');
	if (colon >= 0) {
		host = str_sub(s, 0, (size_t)(end + colon));
		port = str_sub(s, host.len + 1, s.len);
	}
	if (port.len > 0 && str_to_u32(port, 65535, &n) < 0)
		return -EBADMSG;
	if (host.len == 0 || host.len > HTTP_HOST_MAX)
		return -EBADMSG;
	if (end > 0 ? check_literal(host) < 0 : !all_in(host, &host_chars))
		return -EBADMSG;
	*ret_host = host;
	*ret_port = port;
	return 0;
}

static int parse_origin(struct http_msg *m, struct str t)
{
	struct str path = t, query = { NULL, 0 };
	ssize_t mark = str_chr(t, '?');
	if (mark >= 0) {
		path = str_sub(t, 0, (size_t)mark);
		query = str_sub(t, (size_t)mark + 1, t.len);
	}
	if (!all_in(path, &query_chars) || str_chr(path, '\\') >= 0 || !all_in(query, &query_chars))
		return -EBADMSG;
	m->path = path;
	m->query = query;
	return 0;
}

static int parse_absolute(struct http_msg *m, struct str t)
{
	struct str authority;
	size_t skip = str_istarts(t, STR("http://")) ? 7 : str_istarts(t, STR("https://")) ? 8 : 0;
	if (skip == 0)
		return -EBADMSG;
	m->form = HTTP_FORM_ABSOLUTE;
	t = str_sub(t, skip, t.len);
	size_t n = 0;
	while (n < t.len && t.p[n] != '/' && t.p[n] != '?')
		n++;
	authority = str_sub(t, 0, n);
	if (http_authority_parse(authority, &m->host, &m->port) < 0 ||
	    parse_origin(m, str_sub(t, n, t.len)) < 0)
		return -EBADMSG;
	if (m->path.len == 0)
		m->path = STR("/");
	return 0;
}

int http_target_parse(struct http_msg *m, struct str target)
{
	if (m->method == HTTP_CONNECT) {
		m->form = HTTP_FORM_AUTHORITY;
		int r = http_authority_parse(target, &m->host, &m->port);
		return r == 0 && m->port.len > 0 ? 0 : -EBADMSG;
	}
	if (str_eq(target, STR("*"))) {
		m->form = HTTP_FORM_STAR;
		m->path = target;
		return m->method == HTTP_OPTIONS ? 0 : -EBADMSG;
	}
	m->form = HTTP_FORM_ORIGIN;
	return target.len > 0 && target.p[0] == '/' ? parse_origin(m, target)
	                                            : parse_absolute(m, target);
}

/* Escapes. */

/* One byte, escaped or not, off the front; -EBADMSG. */
static int next_byte(struct str *s, bool *ret_escaped)
{
	uint8_t v = (uint8_t)s->p[0];
	*ret_escaped = v == '%';
	if (v == '%' && hex_get(str_sub(*s, 1, 2), &v, 1) < 0)
		return -EBADMSG;
	*s = str_sub(*s, *ret_escaped ? 3 : 1, s->len);
	return v;
}

static bool is_utf8(struct str s)
{
	while (s.len > 0) {
		size_t n = utf8_seq_len(s);
		if (n == 0)
			return false;
		s = str_sub(s, n, s.len);
	}
	return true;
}

static bool has_dots(struct str path)
{
	struct str segment;
	bool more = true;
	while (more) {
		more = str_cut(path, '/', &segment, &path);
		if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
			return true;
	}
	return false;
}

int http_path_decode(struct buf *b, struct str path)
{
	size_t start = b->len;
	while (path.len > 0) {
		bool escaped;
		int c = next_byte(&path, &escaped);
		if (c < ' ' || c == 0x7f || (escaped && (c == '/' || c == '\\')))
			return -EBADMSG;
		buf_char(b, (char)c);
	}
	struct str got = str_sub(buf_view(b), start, b->len);
	return is_utf8(got) && !has_dots(got) ? 0 : -EBADMSG;
}

bool http_query_next(struct str *rest, struct str *name, struct str *value)
{
	struct str pair = STR("");
	while (pair.len == 0) {
		if (rest->len == 0)
			return false;
		(void)str_cut(*rest, '&', &pair, rest);
	}
	if (!str_cut(pair, '=', name, value))
		*value = (struct str){ NULL, 0 };
	return true;
}

int http_query_decode(struct buf *b, struct str s)
{
	size_t start = b->len;
	while (s.len > 0) {
		bool escaped;
		int c = next_byte(&s, &escaped);
		if (c <= 0)
			return -EBADMSG;
		buf_char(b, c == '+' && !escaped ? ' ' : (char)c);
	}
	return is_utf8(str_sub(buf_view(b), start, b->len)) ? 0 : -EBADMSG;
}

bool http_query_param(struct str query, struct str name, struct str *ret)
{
	struct str n, value;
	while (http_query_next(&query, &n, &value)) {
		char text[256];
		struct buf b = BUF_ON(text);
		if (http_query_decode(&b, n) == 0 && !b.full && str_eq(buf_view(&b), name)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

void http_escape(struct buf *b, struct str s)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (str_in(s.p[i], &unreserved)) {
			buf_char(b, s.p[i]);
			continue;
		}
		buf_char(b, '%');
		buf_char(b, digits[c >> 4]);
		buf_char(b, digits[c & 15]);
	}
}
