#include "wire/mime/mime.h"

#include <errno.h>

#include "wire/sip/uri.h"

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 127 || strchr("()<>@,;:\\\"/[]?=", s.p[i]))
			return false;
	return s.len > 0;
}

int mime_type_parse(struct mime_type *ret, struct str value)
{
	struct mime_type t;
	struct str type, subtype, name, v;
	value = str_trim(value);
	ssize_t semi = str_chr(value, ';');
	t.name = str_trim(semi < 0 ? value : str_sub(value, 0, (size_t)semi));
	t.params = str_sub(value, semi < 0 ? value.len : (size_t)semi, value.len);
	if (!str_cut(t.name, '/', &type, &subtype) || !is_token(type) || !is_token(subtype))
		return -EBADMSG;
	struct str rest = t.params;
	for (int i = 0; sip_param_next(&rest, &name, &v); i++)
		if (i == SIP_PARAMS_MAX || !is_token(name))
			return -EBADMSG;
	if (rest.len > 0)
		return -EBADMSG;
	*ret = t;
	return 0;
}

bool mime_type_is(const struct mime_type *t, struct str name)
{
	return str_ends(name, STR("/")) ? str_istarts(t->name, name) : str_ieq(t->name, name);
}

bool mime_type_param(const struct mime_type *t, struct str name, struct str *ret)
{
	return sip_param(t->params, name, ret);
}

static bool is_boundary(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool alnum =
		        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!alnum && (c == '\0' || !strchr("'()+_,-./:=? ", c)))
			return false;
	}
	return s.len > 0 && s.len <= MIME_BOUNDARY_MAX && s.p[s.len - 1] != ' ';
}

/* What stands in the delimiter's line behind the boundary: 1 for a delimiter, 2 for the closing
 * one, 0 if the line only begins like one. */
static int delimiter_kind(struct str behind)
{
	struct str line, rest;
	bool closing = str_starts(behind, STR("--"));
	(void)str_cut(str_sub(behind, closing ? 2 : 0, behind.len), '\n', &line, &rest);
	return str_trim(line).len > 0 ? 0 : closing ? 2 : 1;
}

/* Finds the next delimiter at the start of a line.  *content is what stands before it, without the
 * line end that belongs to it; *behind begins after the boundary.  The kind, or 0. */
static int find_delimiter(struct str s, struct str boundary, struct str *content,
                          struct str *behind)
{
	for (size_t from = 0; from < s.len;) {
		ssize_t at = str_find(str_sub(s, from, s.len), boundary);
		if (at < 0)
			return 0;
		size_t pos = from + (size_t)at;
		from = pos + 1;
		if (pos < 2 || s.p[pos - 1] != '-' || s.p[pos - 2] != '-')
			continue;
		size_t line = pos - 2;
		if (line > 0 && s.p[line - 1] != '\n')
			continue;
		struct str after = str_sub(s, pos + boundary.len, s.len);
		int kind = delimiter_kind(after);
		if (kind == 0)
			continue;
		line -= line > 0;
		line -= line > 0 && s.p[line - 1] == '\r';
		*content = str_sub(s, 0, line);
		*behind = after;
		return kind;
	}
	return 0;
}

int mime_open(struct mime *ret, struct str content_type, struct str body)
{
	struct mime_type t;
	struct str preamble, behind, boundary = STR("");
	if (mime_type_parse(&t, content_type) < 0)
		return -EBADMSG;
	if (!mime_type_is(&t, STR("multipart/")))
		return -ENOENT;
	if (!mime_type_param(&t, STR("boundary"), &boundary) || !is_boundary(boundary))
		return -EBADMSG;
	int kind = find_delimiter(body, boundary, &preamble, &behind);
	if (kind == 0)
		return -EBADMSG;
	*ret = (struct mime){ .rest = behind, .boundary = boundary, .ended = kind == 2 };
	return 0;
}

int mime_field_next(struct str *rest, struct str *name, struct str *value)
{
	struct str s = *rest;
	size_t end = 0;
	if (s.len == 0)
		return 0;
	do { /* a line that begins with a blank goes on */
		ssize_t lf = str_chr(str_sub(s, end, s.len), '\n');
		end = lf < 0 ? s.len : end + (size_t)lf + 1;
	} while (end < s.len && (s.p[end] == ' ' || s.p[end] == '\t'));
	struct str n, v;
	if (!str_cut(str_sub(s, 0, end), ':', &n, &v))
		return -EBADMSG;
	n = str_trim(n);
	if (!is_token(n))
		return -EBADMSG;
	*rest = str_sub(s, end, s.len);
	*name = n;
	*value = str_trim(v);
	return 1;
}

struct str mime_field(const struct mime_part *p, struct str name)
{
	struct str rest = p->head, n, v;
	while (mime_field_next(&rest, &n, &v) > 0)
		if (str_ieq(n, name))
			return v;
	return (struct str){ NULL, 0 };
}

int mime_split(struct mime_part *ret, struct str all)
{
	struct mime_part p;
	struct str line, rest = all, name, value;
	for (;;) {
		const char *at = rest.p;
		bool more = str_cut(rest, '\n', &line, &rest);
		if (str_trim(line).len == 0 && (more || rest.len == 0)) {
			p.head = str_n(all.p, (size_t)(at - all.p));
			p.body = rest;
			break;
		}
		if (!more)
			return -EBADMSG;
	}
	if (p.head.len > MIME_HEAD_MAX)
		return -E2BIG;
	rest = p.head;
	int r;
	for (int i = 0; (r = mime_field_next(&rest, &name, &value)) > 0; i++)
		if (i == MIME_HEADERS_MAX)
			return -E2BIG;
	if (r == 0)
		*ret = p;
	return r;
}

int mime_next(struct mime *m, struct mime_part *ret)
{
	struct mime_part p;
	struct str line, all, behind;
	if (m->ended)
		return 0;
	if (m->n == MIME_PARTS_MAX)
		return -E2BIG;
	if (!str_cut(m->rest, '\n', &line, &all))
		return -EBADMSG;
	int kind = find_delimiter(all, m->boundary, &all, &behind);
	if (kind == 0)
		return -EBADMSG;
	int r = mime_split(&p, all);
	if (r < 0)
		return r;
	m->n++;
	m->rest = behind;
	m->ended = kind == 2;
	*ret = p;
	return 1;
}

/* Neither for the servers of 2007 nor in an encoding that has to be undone. */
static bool is_for_us(const struct mime_part *p)
{
	struct str how = mime_field(p, STR("Content-Transfer-Encoding"));
	struct str where = mime_field(p, STR("Content-Disposition"));
	ssize_t semi = str_chr(where, ';');
	if (str_ieq(how, STR("base64")) || str_ieq(how, STR("quoted-printable")))
		return false;
	return semi < 0 || !sip_param(str_sub(where, (size_t)semi, where.len),
	                              STR("ms-proxy-2007fallback"), NULL);
}

static int pick_part(struct mime *m, bool alternative, struct str want, unsigned depth,
                     struct mime_part *ret)
{
	struct mime_part p, inner;
	struct mime_type t;
	int r, found = -ENOENT;
	while ((r = mime_next(m, &p)) > 0) {
		struct str type = mime_field(&p, STR("Content-Type"));
		if (!type.p)
			type = STR("text/plain"); /* RFC 2045 section 5.2 */
		if ((found == 0 && !alternative) || !is_for_us(&p) || mime_type_parse(&t, type) < 0)
			continue;
		int one = mime_pick(type, p.body, want, depth - 1, &inner);
		if (one < 0 && one != -ENOENT)
			return one;
		if (one < 0)
			continue;
		found = 0;
		*ret = inner;
		if (!inner.head.p)
			ret->head = p.head;
	}
	return r < 0 ? r : found;
}

int mime_pick(struct str content_type, struct str body, struct str want, unsigned depth,
              struct mime_part *ret)
{
	struct mime_type t;
	struct mime m;
	struct mime_part p;
	if (mime_type_parse(&t, content_type) < 0)
		return -EBADMSG;
	if (mime_type_is(&t, want)) {
		*ret = (struct mime_part){ .body = body };
		return 0;
	}
	if (depth == 0 || !mime_type_is(&t, STR("multipart/")))
		return -ENOENT;
	int r = mime_open(&m, content_type, body);
	if (r == 0)
		r = pick_part(&m, mime_type_is(&t, STR("multipart/alternative")), want, depth, &p);
	if (r == 0)
		*ret = p;
	return r;
}

void mime_put_part(struct buf *b, struct str boundary)
{
	buf_lit(b, "--");
	buf_str(b, boundary);
	buf_lit(b, "\r\n");
}

static void put_clean(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0')
			buf_char(b, s.p[i]);
}

void mime_put_field(struct buf *b, struct str name, struct str value)
{
	put_clean(b, name);
	buf_lit(b, ": ");
	put_clean(b, value);
	buf_lit(b, "\r\n");
}

void mime_put_content(struct buf *b, struct str content)
{
	buf_lit(b, "\r\n");
	buf_str(b, content);
	if (!str_ends(content, STR("\r\n")))
		buf_lit(b, "\r\n");
	buf_lit(b, "\r\n"); /* of the delimiter that follows */
}

void mime_put_end(struct buf *b, struct str boundary)
{
	buf_lit(b, "--");
	buf_str(b, boundary);
	buf_lit(b, "--\r\n");
}

bool mime_boundary_fits(struct str boundary, struct str content)
{
	return is_boundary(boundary) && str_find(content, boundary) < 0;
}
