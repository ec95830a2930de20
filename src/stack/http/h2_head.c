#include <stdlib.h>

#include "stack/http/h2.h"

/* Heads of HTTP/2: a request is written down in the form of HTTP/1.1 and read as such, so that
 * there is one set of rules. */

static struct http_fault fault(unsigned status, const char *why)
{
	return (struct http_fault){ status, why };
}

static void reuse(struct buf *b, size_t max)
{
	b->len = 0;
	b->full = false;
	b->max = max;
}

void h2_head_reset(struct h2_head *h, size_t max)
{
	reuse(&h->values, max);
	reuse(&h->lines, max);
	reuse(&h->cookies, max);
	h->method = h->scheme = h->authority = h->path = h->host = (struct h2_part){ 0 };
	h->size = 0;
	h->max = max;
	h->fault = fault(0, NULL);
}

void h2_head_free(struct h2_head *h)
{
	buf_free(&h->values);
	buf_free(&h->lines);
	buf_free(&h->cookies);
}

/* Small letters, digits and the other characters of a token (RFC 9113 section 8.2.1). */
static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return false;
	return http_is_token(s);
}

/* What belongs to a connection, not to a message (RFC 9113 section 8.2.2). */
static bool is_of_connection(struct str name)
{
	static const struct str names[] = { STR_INIT("connection"), STR_INIT("keep-alive"),
		                            STR_INIT("proxy-connection"),
		                            STR_INIT("transfer-encoding"), STR_INIT("upgrade") };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_ieq(name, names[i]))
			return true;
	return false;
}

static bool is_value(struct str v)
{
	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.p[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static void keep(struct h2_head *h, struct h2_part *part, struct str value)
{
	if (part->is_there)
		h->fault = fault(400, "A field that stands for the request line is there twice.");
	*part = (struct h2_part){ h->values.len, value.len, true };
	buf_str(&h->values, value);
}

static struct h2_part *part_of(struct h2_head *h, struct str name)
{
	return str_eq(name, STR(":method"))      ? &h->method
	       : str_eq(name, STR(":scheme"))    ? &h->scheme
	       : str_eq(name, STR(":authority")) ? &h->authority
	       : str_eq(name, STR(":path"))      ? &h->path
	       : str_eq(name, STR("host"))       ? &h->host
	                                         : NULL;
}

static void add_line(struct h2_head *h, struct str name, struct str value)
{
	if (str_eq(name, STR("cookie"))) {
		if (h->cookies.len)
			buf_lit(&h->cookies, "; ");
		buf_str(&h->cookies, value);
	} else {
		http_put_field(&h->lines, name, value);
	}
}

bool h2_head_add(struct h2_head *h, struct str name, struct str value)
{
	h->size += name.len + value.len + 4;
	if (h->size > h->max) {
		h->fault = fault(431, "The header is too large.");
		return h->size <= H2_HEAD_SKIP_MAX * h->max;
	}
	struct h2_part *part = part_of(h, name);
	if (!is_value(value))
		h->fault = fault(400, "The value of a header field has a bad character.");
	else if (part)
		keep(h, part, value);
	else if (!is_name(name))
		h->fault = fault(400, "The name of a header field has a bad character.");
	else if (is_of_connection(name))
		h->fault = fault(400, "A header field belongs to connections of HTTP/1.1.");
	else
		add_line(h, name, value);
	return true;
}

static struct str value_of(const struct h2_head *h, const struct h2_part *part)
{
	return str_sub(buf_view(&h->values), part->at, part->len);
}

/* No blank, so that the request line has three parts. */
static bool is_word(struct str s)
{
	return s.len > 0 && str_chr(s, ' ') < 0 && str_chr(s, '\t') < 0;
}

/* The parts of the request line (RFC 9113 sections 8.3.1 and 8.5). */
static struct http_fault check(const struct h2_head *h, bool tls, struct str *ret_target,
                               struct str *ret_host)
{
	struct str method = value_of(h, &h->method), path = value_of(h, &h->path);
	struct str authority = value_of(h, &h->authority), host = value_of(h, &h->host);
	bool connect = str_eq(method, STR("CONNECT"));
	if (connect ? h->scheme.is_there || h->path.is_there : !is_word(path))
		return fault(400, "The fields of the request line do not fit the method.");
	if (!connect && !str_eq(value_of(h, &h->scheme), tls ? STR("https") : STR("http")))
		return fault(400, "The scheme is not that of the connection.");
	if (!connect && path.p[0] != '/' && !str_eq(path, STR("*")))
		return fault(400, "The path does not begin with a slash.");
	if (h->authority.is_there && h->host.is_there && !str_ieq(authority, host))
		return fault(400, "Two hosts are named.");
	*ret_host = h->authority.is_there ? authority : host;
	*ret_target = connect ? authority : path;
	return is_word(method) && is_word(*ret_host)
	               ? fault(0, NULL)
	               : fault(400, "The method or the host is missing.");
}

struct http_fault h2_head_parse(struct h2_head *h, bool tls, bool in_end, struct buf *b,
                                struct http_msg *ret)
{
	struct str target, host;
	struct http_fault f = h->fault;
	if (!f.status)
		f = check(h, tls, &target, &host);
	if (f.status)
		return f;
	http_put_request(b, value_of(h, &h->method), target);
	http_put_field(b, STR("host"), host);
	buf_str(b, buf_view(&h->lines));
	if (h->cookies.len)
		http_put_field(b, STR("cookie"), buf_view(&h->cookies));
	http_put_end(b);
	f = http_parse_request(ret, buf_view(b));
	if (f.status)
		return f;
	/* The end of the content is told by the stream; a length is only a promise. */
	if (in_end)
		ret->framing = HTTP_BODY_NONE;
	else if (ret->framing == HTTP_BODY_NONE)
		ret->framing = HTTP_BODY_CHUNKED;
	ret->expects_continue = !in_end && http_first(ret, HTTP_H_EXPECT);
	return f;
}

/* Answers. */

static void to_small(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] >= 'A' && p[i] <= 'Z')
			p[i] = (char)(p[i] + ('a' - 'A'));
}

static nghttp2_nv nv_of(struct str name, struct str value, uint8_t flags)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name.p, (uint8_t *)(uintptr_t)value.p, name.len,
		             value.len, flags };
}

/* One line of the head, without its CRLF; 1 if it is for the peer. */
static size_t read_line(nghttp2_nv *ret, struct str line)
{
	struct str name, value;
	if (!str_cut(line, ':', &name, &value) || name.len == 0)
		return 0;
	to_small((char *)(uintptr_t)name.p, name.len);
	if (is_of_connection(name))
		return 0;
	bool secret = str_eq(name, STR("set-cookie"));
	*ret = nv_of(name, str_trim(value), secret ? NGHTTP2_NV_FLAG_NO_INDEX : 0);
	return 1;
}

size_t h2_head_fields(struct buf *head, struct str status, nghttp2_nv *ret, size_t max)
{
	size_t n = 0;
	struct str rest = buf_view(head), line;
	ret[n++] = nv_of(STR(":status"), status, NGHTTP2_NV_FLAG_NONE);
	(void)str_cut(rest, '\n', &line, &rest); /* the status line */
	while (n < max && str_cut(rest, '\n', &line, &rest))
		n += read_line(&ret[n], str_sub(line, 0, line.len ? line.len - 1 : 0));
	return n;
}
