#include "wire/sip/uri.h"

#include <errno.h>

/* Characters. */

/* RFC 3261 section 25.1: mark, and user-unreserved. */
#define MARKS_LOW                                                                    \
	(CHARSET_ONE('-') | CHARSET_ONE('.') | CHARSET_ONE('!') | CHARSET_ONE('*') | \
	 CHARSET_ONE('\'') | CHARSET_ONE('(') | CHARSET_ONE(')'))
#define MARKS_HIGH (CHARSET_ONE('_') | CHARSET_ONE('~'))
#define USER_LOW                                                                     \
	(CHARSET_ONE('&') | CHARSET_ONE('=') | CHARSET_ONE('+') | CHARSET_ONE('$') | \
	 CHARSET_ONE(',') | CHARSET_ONE(';') | CHARSET_ONE('?') | CHARSET_ONE('/'))

static const struct charset unreserved = { CHARSET_DIGITS | MARKS_LOW,
	                                   CHARSET_LETTERS | MARKS_HIGH };
static const struct charset user_chars = { CHARSET_DIGITS | MARKS_LOW | USER_LOW,
	                                   CHARSET_LETTERS | MARKS_HIGH };
static const struct charset scheme_chars = {
	CHARSET_DIGITS | CHARSET_ONE('+') | CHARSET_ONE('-') | CHARSET_ONE('.'), CHARSET_LETTERS
};
static const struct charset host_chars = { CHARSET_DIGITS | CHARSET_ONE('.') | CHARSET_ONE('-'),
	                                   CHARSET_LETTERS | CHARSET_ONE('_') };
static const struct charset host6_chars = { CHARSET_DIGITS | CHARSET_ONE('.') | CHARSET_ONE(':'),
	                                    CHARSET_LETTERS };

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A well-formed escape at s.p[i]; its byte, or -1. */
static int escape_at(struct str s, size_t i)
{
	if (i + 2 >= s.len)
		return -1;
	int hi = hex_value(s.p[i + 1]), lo = hex_value(s.p[i + 2]);
	return hi < 0 || lo < 0 ? -1 : hi << 4 | lo;
}

static bool is_user(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '%') {
			if (escape_at(s, i) < 0)
				return false;
			i += 2;
		} else if (!str_in(s.p[i], &user_chars)) {
			return false;
		}
	}
	return true;
}

static bool is_host(struct str s, bool v6)
{
	const struct charset *set = v6 ? &host6_chars : &host_chars;
	for (size_t i = 0; i < s.len; i++)
		if (!str_in(s.p[i], set))
			return false;
	return s.len > 0;
}

/* URIs. */

int sip_host_port_parse(struct str s, struct str *ret_host, bool *ret_v6, uint16_t *ret_port)
{
	uint32_t port = 0;
	struct str host = s, rest = STR("");
	bool v6 = s.len > 0 && s.p[0] == '[', has_port;
	if (v6) {
		ssize_t close = str_chr(s, ']');
		if (close < 0)
			return -EBADMSG;
		host = str_sub(s, 1, (size_t)close - 1);
		rest = str_sub(s, (size_t)close + 1, s.len);
		has_port = rest.len > 0;
		if (has_port && rest.p[0] != ':')
			return -EBADMSG;
		rest = str_sub(rest, 1, rest.len);
	} else {
		has_port = str_cut(s, ':', &host, &rest);
	}
	host = str_trim(host);
	rest = str_trim(rest);
	if (!is_host(host, v6) || (has_port && str_to_u32(rest, UINT16_MAX, &port) < 0))
		return -EBADMSG;
	*ret_host = host;
	*ret_v6 = v6;
	*ret_port = (uint16_t)port;
	return 0;
}

/* user[:password]@ in front of the host. */
static int parse_userinfo(struct sip_uri *u, struct str s)
{
	(void)str_cut(s, ':', &u->user, &u->password);
	return u->user.len > 0 && is_user(u->user) && is_user(u->password) ? 0 : -EBADMSG;
}

static int parse_tel(struct sip_uri *u, struct str rest)
{
	ssize_t semi = str_chr(rest, ';');
	u->user = semi < 0 ? rest : str_sub(rest, 0, (size_t)semi);
	u->params = semi < 0 ? STR("") : str_sub(rest, (size_t)semi, rest.len);
	return u->user.len > 0 ? 0 : -EBADMSG;
}

/* Where parameters or headers begin behind the host. */
static size_t host_len(struct str s)
{
	size_t i = 0;
	if (s.len && s.p[0] == '[')
		while (i < s.len && s.p[i] != ']')
			i++;
	while (i < s.len && s.p[i] != ';' && s.p[i] != '?')
		i++;
	return i;
}

static int parse_sip(struct sip_uri *u, struct str rest)
{
	ssize_t at = str_chr(rest, '@');
	if (at >= 0) {
		if (parse_userinfo(u, str_sub(rest, 0, (size_t)at)) < 0)
			return -EBADMSG;
		rest = str_sub(rest, (size_t)at + 1, rest.len);
	}
	size_t n = host_len(rest);
	struct str tail = str_sub(rest, n, rest.len);
	if (sip_host_port_parse(str_sub(rest, 0, n), &u->host, &u->host_is_v6, &u->port) < 0)
		return -EBADMSG;
	(void)str_cut(tail, '?', &u->params, &u->headers);
	return 0;
}

int sip_uri_parse(struct sip_uri *ret, struct str s)
{
	struct sip_uri u = { .all = s };
	struct str rest;
	if (!str_cut(s, ':', &u.scheme_name, &rest) || u.scheme_name.len == 0)
		return -EBADMSG;
	for (size_t i = 0; i < u.scheme_name.len; i++)
		if (!str_in(u.scheme_name.p[i], &scheme_chars))
			return -EBADMSG;
	int r = 0;
	if (str_ieq(u.scheme_name, STR("sip"))) {
		u.scheme = SIP_SCHEME_SIP;
		r = parse_sip(&u, rest);
	} else if (str_ieq(u.scheme_name, STR("sips"))) {
		u.scheme = SIP_SCHEME_SIPS;
		r = parse_sip(&u, rest);
	} else if (str_ieq(u.scheme_name, STR("tel"))) {
		u.scheme = SIP_SCHEME_TEL;
		r = parse_tel(&u, rest);
	}
	if (r == 0)
		*ret = u;
	return r;
}

int sip_unescape(struct str s, struct buf *ret)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] != '%') {
			buf_char(ret, s.p[i]);
			continue;
		}
		int c = escape_at(s, i);
		if (c < 0)
			return -EBADMSG;
		buf_char(ret, (char)c);
		i += 2;
	}
	return 0;
}

void sip_escape_user(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (str_in(s.p[i], &user_chars) && s.p[i] != ';' && s.p[i] != '?' && s.p[i] != '/')
			buf_char(b, s.p[i]);
		else
			buf_printf(b, "%%%02X", (unsigned char)s.p[i]);
	}
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The canonical form of a user part, never longer than it; behind it, or NULL. */
static char *put_user(char *to, struct str user)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < user.len; i++) {
		char c = user.p[i];
		if (c == '%') {
			int v = escape_at(user, i);
			i += 2;
			c = (char)v;
			if (v < 0)
				return NULL;
			/* Only what needs no escape is unescaped: the form stays unique. */
			if (!str_in(c, &unreserved)) {
				*to++ = '%';
				*to++ = hex[v >> 4];
				*to++ = hex[v & 15];
				continue;
			}
		}
		*to++ = lower(c);
	}
	return to;
}

int sip_uri_aor(const struct sip_uri *u, struct buf *ret)
{
	if (u->user.len == 0 || u->host.len == 0)
		return -EBADMSG;
	char *start = buf_room(ret, 4 + u->user.len + 1 + u->host.len);
	if (!start)
		return 0;
	memcpy(start, "sip:", 4);
	char *to = put_user(start + 4, u->user);
	if (!to)
		return -EBADMSG;
	*to++ = '@';
	for (size_t i = 0; i < u->host.len; i++)
		*to++ = lower(u->host.p[i]);
	ret->len += (size_t)(to - start);
	return 0;
}

/* Comparison (RFC 3261 section 19.1.4). */

/* The next byte with its escape resolved, in a form that tells reserved characters from escapes. */
static int next_unit(struct str s, size_t *i)
{
	int c = (unsigned char)s.p[*i];
	if (c == '%') {
		int v = escape_at(s, *i);
		if (v >= 0) {
			*i += 3;
			return str_in((char)v, &unreserved) ? v : v + 256;
		}
	}
	*i += 1;
	return c;
}

static bool same_text(struct str a, struct str b, bool any_case)
{
	size_t i = 0, k = 0;
	while (i < a.len && k < b.len) {
		int x = next_unit(a, &i), y = next_unit(b, &k);
		if (any_case && x < 256 && y < 256) {
			x = lower((char)x);
			y = lower((char)y);
		}
		if (x != y)
			return false;
	}
	return i == a.len && k == b.len;
}

/* Parameters that must not stand in one URI alone. */
static bool matters(struct str name)
{
	static const struct str names[] = { STR_INIT("user"), STR_INIT("ttl"), STR_INIT("method"),
		                            STR_INIT("maddr"), STR_INIT("transport") };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_ieq(names[i], name))
			return true;
	return false;
}

static bool params_agree(struct str a, struct str b)
{
	struct str name, value, other;
	while (sip_param_next(&a, &name, &value)) {
		if (!sip_param(b, name, &other)) {
			if (matters(name))
				return false;
		} else if (!same_text(value, other, true)) {
			return false;
		}
	}
	return true;
}

/* One header "name=value" of the list behind '?'. */
static bool next_header(struct str *rest, struct str *name, struct str *value)
{
	struct str one;
	if (rest->len == 0)
		return false;
	(void)str_cut(*rest, '&', &one, rest);
	(void)str_cut(one, '=', name, value);
	return true;
}

static bool headers_within(struct str a, struct str b)
{
	struct str name, value, n2, v2;
	while (next_header(&a, &name, &value)) {
		struct str rest = b;
		bool found = false;
		while (!found && next_header(&rest, &n2, &v2))
			found = str_ieq(name, n2) && same_text(value, v2, false);
		if (!found)
			return false;
	}
	return true;
}

bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->scheme != b->scheme)
		return false;
	if (a->scheme == SIP_SCHEME_OTHER)
		return str_eq(a->all, b->all);
	return same_text(a->user, b->user, false) && same_text(a->password, b->password, false) &&
	       str_ieq(a->host, b->host) && a->port == b->port &&
	       params_agree(a->params, b->params) && params_agree(b->params, a->params) &&
	       headers_within(a->headers, b->headers) && headers_within(b->headers, a->headers);
}
