#include "wire/http/msg.h"

#include <errno.h>

#include "wire/http/target.h"
#include "wire/sip/uri.h"

#define FINE ((struct http_fault){ 0, NULL })

static struct http_fault fault(unsigned status, const char *why)
{
	return (struct http_fault){ status, why };
}

/* The longest good start line: method, target, version, blanks and CRLF. */
enum { START_MAX = HTTP_METHOD_MAX + HTTP_URL_MAX + 16 };

int http_frame(struct http_framer *f, struct str in, uint32_t *ret_len)
{
	size_t i = f->scanned;
	const char *lf;
	if (i == 0 && in.len > 0 && !str_in(in.p[0], &http_token_chars))
		return -EBADMSG;
	while (i < in.len && i < HTTP_HEAD_MAX && (lf = memchr(in.p + i, '\n', in.len - i))) {
		size_t at = (size_t)(lf - in.p);
		if (at == 0 || in.p[at - 1] != '\r')
			return -EBADMSG;
		if (!f->line)
			f->line = (uint32_t)MIN(at + 1, (size_t)UINT32_MAX);
		if (at >= 3 && in.p[at - 2] == '\n') {
			*ret_len = (uint32_t)(at + 1);
			return at + 1 > HTTP_HEAD_MAX ? -E2BIG
			       : f->line > START_MAX  ? -ENAMETOOLONG
			                              : 1;
		}
		i = at + 1;
	}
	f->scanned = (uint32_t)MIN(MAX(i, in.len), (size_t)HTTP_HEAD_MAX);
	if (f->line > START_MAX || (!f->line && in.len > START_MAX))
		return -ENAMETOOLONG;
	return in.len >= HTTP_HEAD_MAX ? -E2BIG : 0;
}

struct http_fault http_frame_fault(int err)
{
	if (err == -ENAMETOOLONG)
		return fault(414, "The request line is too long.");
	if (err == -E2BIG)
		return fault(431, "The header is too large.");
	return fault(400, "This is no HTTP/1.1: a line does not end with CR LF, or does not begin "
	                  "as one.");
}

/* Header fields. */

/* HTAB, visible characters and obs-text (RFC 9110 section 5.5). */
static bool is_field_value(struct str v)
{
	for (size_t i = 0; i < v.len; i++) {
		unsigned char c = (unsigned char)v.p[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static struct str trim_blanks(struct str s)
{
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	while (s.len > 0 && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.len--;
	}
	return s;
}

static struct http_fault check_field(struct str line, struct str name)
{
	if (line.p[0] == ' ' || line.p[0] == '\t')
		return fault(400, "A header line begins with a blank.");
	if (name.len == line.len)
		return fault(400, "A header line has no colon.");
	if (!http_is_token(name)) /* a blank before the colon, too (RFC 9112 section 5.1) */
		return fault(400, "The name of a header field has a bad character.");
	if (name.len > HTTP_NAME_MAX)
		return fault(431, "The name of a header field is too long.");
	return FINE;
}

static void index_field(struct http_msg *m, struct http_hdr *h, uint8_t last[HTTP_H_N_IDS])
{
	uint8_t here = (uint8_t)m->n_hdrs;
	h->next = 0;
	if (h->id != HTTP_H_OTHER) {
		if (m->first[h->id])
			m->hdrs[last[h->id]].next = here;
		else
			m->first[h->id] = (uint8_t)(here + 1);
		last[h->id] = here;
	}
	m->n_hdrs++;
}

static struct http_fault parse_field(struct http_msg *m, struct str line,
                                     uint8_t last[HTTP_H_N_IDS])
{
	struct str name, value;
	(void)str_cut(line, ':', &name, &value);
	struct http_fault f = check_field(line, name);
	if (f.status)
		return f;
	if (!is_field_value(value))
		return fault(400, "The value of a header field has a bad character.");
	if (m->n_hdrs == HTTP_HEADERS_MAX)
		return fault(431, "There are too many header fields.");
	value = trim_blanks(value);
	struct http_hdr *h = &m->hdrs[m->n_hdrs];
	h->name = (uint32_t)(name.p - m->base);
	h->name_len = (uint16_t)name.len;
	h->value = (uint32_t)(value.p - m->base);
	h->end = (uint32_t)(h->value + value.len);
	h->id = (uint8_t)http_hdr_id_of(name);
	index_field(m, h, last);
	return FINE;
}

/* Cuts one line off the front, without its CRLF; false if there is none. */
static bool cut_line(struct str *rest, struct str *line)
{
	if (!str_cut(*rest, '\n', line, rest) || line->len == 0 || line->p[line->len - 1] != '\r')
		return false;
	line->len--;
	return true;
}

static struct http_fault parse_fields(struct http_msg *m, struct str rest)
{
	RAW_MEMORY uint8_t last[HTTP_H_N_IDS];
	struct str line;
	while (cut_line(&rest, &line)) {
		if (line.len == 0)
			return rest.len == 0 ? FINE : fault(400, "The header ends early.");
		struct http_fault f = parse_field(m, line, last);
		if (f.status)
			return f;
	}
	return fault(400, "A line of the header does not end with CR LF.");
}

/* The version: 1 if the minor one is known, 0 if the major one is another, -EBADMSG. */
static int parse_version(struct http_msg *m, struct str v)
{
	if (v.len != 8 || !str_starts(v, STR("HTTP/")) || v.p[6] != '.' || v.p[5] < '0' ||
	    v.p[5] > '9' || v.p[7] < '0' || v.p[7] > '9')
		return -EBADMSG;
	m->minor = v.p[7] != '0';
	return v.p[5] == '1';
}

static struct http_fault parse_request_line(struct http_msg *m, struct str line)
{
	struct str version, target;
	if (!str_cut(line, ' ', &m->method_name, &target) ||
	    !str_cut(target, ' ', &target, &version) || !http_is_token(m->method_name))
		return fault(400, "The request line is broken.");
	int r = parse_version(m, version);
	if (r < 0)
		return fault(400, "The request line is broken.");
	if (r == 0)
		return fault(505, "This server speaks HTTP/1.1 and HTTP/1.0.");
	if (m->method_name.len > HTTP_METHOD_MAX)
		return fault(501, "This method is not known here.");
	if (target.len > HTTP_URL_MAX)
		return fault(414, "The address is too long.");
	m->method = (uint8_t)http_method_of(m->method_name);
	m->target = target;
	if (http_target_parse(m, target) < 0)
		return fault(400, "The address in the request line is broken.");
	return FINE;
}

/* The start line and the fields; *m is empty and has its base. */
static struct http_fault parse_head(struct http_msg *m, struct str head, struct str *ret_start)
{
	memset(m, 0, offsetof(struct http_msg, hdrs));
	m->base = head.p;
	m->head_len = (uint32_t)head.len;
	if (head.len > HTTP_HEAD_MAX)
		return http_frame_fault(-E2BIG);
	struct str rest = head;
	if (!cut_line(&rest, ret_start))
		return http_frame_fault(-EBADMSG);
	return parse_fields(m, rest);
}

/* What the fields mean for the connection. */

static bool is_single(const struct http_msg *m, enum http_hdr_id id)
{
	const struct http_hdr *h = http_first(m, id);
	return !h || !http_next(m, h);
}

/* Transfer-Encoding: only "chunked" alone is known (RFC 9112 section 6.1). */
static struct http_fault check_coding(const struct http_msg *m)
{
	struct str v = http_value(m, HTTP_H_TRANSFER_ENCODING);
	if (m->minor == 0)
		return fault(400, "Transfer-Encoding does not belong into HTTP/1.0.");
	if (http_first(m, HTTP_H_CONTENT_LENGTH))
		return fault(400, "Content-Length and Transfer-Encoding exclude each other.");
	if (!is_single(m, HTTP_H_TRANSFER_ENCODING))
		return fault(400, "Transfer-Encoding is there more than once.");
	if (str_ieq(v, STR("chunked")))
		return FINE;
	ssize_t comma = str_rchr(v, ',');
	bool ends_well =
	        str_ieq(trim_blanks(str_sub(v, (size_t)(comma + 1), v.len)), STR("chunked"));
	return ends_well ? fault(501, "No transfer coding but chunked is known here.")
	                 : fault(400, "The length of the content cannot be known.");
}

/* HTTP/1.0 has no other way to say that there is content (RFC 1945 section 8.3); in HTTP/1.1 a
 * request without a length has none. */
static bool needs_length(const struct http_msg *m)
{
	return m->is_request && m->minor == 0 && (m->method == HTTP_POST || m->method == HTTP_PUT);
}

/* What the fields say of the body's length; nothing said is HTTP_BODY_NONE. */
static struct http_fault find_framing(struct http_msg *m)
{
	struct str v = http_value(m, HTTP_H_CONTENT_LENGTH);
	if (http_first(m, HTTP_H_TRANSFER_ENCODING)) {
		m->framing = HTTP_BODY_CHUNKED;
		return check_coding(m);
	}
	if (!v.p)
		return needs_length(m) ? fault(411, "The length of the content is missing.") : FINE;
	if (!is_single(m, HTTP_H_CONTENT_LENGTH) || str_to_u64(v, INT64_MAX, &m->body_len) < 0)
		return fault(400, "Content-Length is broken.");
	m->framing = HTTP_BODY_LENGTH;
	return FINE;
}

static struct http_fault read_connection(struct http_msg *m)
{
	unsigned n = 0;
	bool wants_upgrade = false, wants_close = false;
	m->keep_alive = m->minor == 1;
	for (const struct http_hdr *h = http_first(m, HTTP_H_CONNECTION); h; h = http_next(m, h)) {
		struct str rest = http_hdr_value(m, h), one;
		while (sip_list_next(&rest, &one)) {
			if (++n > HTTP_LIST_MAX || !http_is_token(one))
				return fault(400, "The Connection header field is broken.");
			m->keep_alive |= str_ieq(one, STR("keep-alive"));
			wants_close |= str_ieq(one, STR("close"));
			wants_upgrade |= str_ieq(one, STR("upgrade"));
		}
	}
	m->keep_alive &= !wants_close;
	m->upgrade = wants_upgrade && m->minor == 1 && http_first(m, HTTP_H_UPGRADE);
	return FINE;
}

/* Exactly one Host in HTTP/1.1, at most one in HTTP/1.0; a target with a host of its own wins (RFC
 * 9112 section 3.2). */
static struct http_fault read_host(struct http_msg *m)
{
	struct str v = http_value(m, HTTP_H_HOST), host, port;
	if (!v.p)
		return m->minor ? fault(400, "The Host header field is missing.") : FINE;
	if (!is_single(m, HTTP_H_HOST) || http_authority_parse(v, &host, &port) < 0)
		return fault(400, "The Host header field is broken.");
	if (m->host.len == 0) {
		m->host = host;
		m->port = port;
	}
	return FINE;
}

/* 100-continue is the only expectation there is (RFC 9110 section 10.1.1); HTTP/1.0 has none. */
static struct http_fault read_expect(struct http_msg *m)
{
	struct str v = http_value(m, HTTP_H_EXPECT);
	if (!v.p || m->minor == 0)
		return FINE;
	if (!is_single(m, HTTP_H_EXPECT) || !str_ieq(v, STR("100-continue")))
		return fault(417, "No expectation but 100-continue is known here.");
	m->expects_continue = m->framing == HTTP_BODY_CHUNKED || m->body_len > 0;
	return FINE;
}

struct http_fault http_parse_request(struct http_msg *ret, struct str head)
{
	static struct http_fault (*const steps[])(struct http_msg * m) = {
		find_framing,
		read_host,
		read_expect,
		read_connection,
	};
	struct str start = { NULL, 0 };
	struct http_fault f = parse_head(ret, head, &start);
	ret->is_request = true;
	/* A client that does not speak our version hears that first. */
	struct http_fault line = start.p ? parse_request_line(ret, start) : f;
	if (line.status)
		f = line;
	for (size_t i = 0; i < ARRAY_SIZE(steps) && !f.status; i++)
		f = steps[i](ret);
	if (f.status)
		ret->keep_alive = false;
	else if (ret->framing == HTTP_BODY_LENGTH && ret->body_len == 0)
		ret->framing = HTTP_BODY_NONE;
	return f;
}

static struct http_fault parse_status_line(struct http_msg *m, struct str line)
{
	uint32_t status;
	if (parse_version(m, str_sub(line, 0, 8)) != 1 || line.len < 12 || line.p[8] != ' ' ||
	    str_to_u32(str_sub(line, 9, 3), 599, &status) < 0 || status < 100 ||
	    (line.len > 12 && line.p[12] != ' '))
		return fault(502, "The status line is broken.");
	m->status = (uint16_t)status;
	m->reason = str_sub(line, 13, line.len);
	return is_field_value(m->reason) ? FINE : fault(502, "The status line is broken.");
}

/* RFC 9112 section 6.3, for responses: these have no body, whatever the fields say. */
static bool is_bodyless(unsigned status, enum http_method method)
{
	return method == HTTP_HEAD || status < 200 || status == 204 || status == 304;
}

struct http_fault http_parse_response(struct http_msg *ret, struct str head,
                                      enum http_method method)
{
	struct str start = STR("");
	struct http_fault f = parse_head(ret, head, &start);
	if (!f.status)
		f = parse_status_line(ret, start);
	if (!f.status)
		f = find_framing(ret);
	if (!f.status)
		f = read_connection(ret);
	ret->method = (uint8_t)method;
	if (f.status)
		return fault(502, f.why);
	bool is_empty = ret->framing == HTTP_BODY_LENGTH && ret->body_len == 0;
	if (is_empty || is_bodyless(ret->status, method)) {
		ret->framing = HTTP_BODY_NONE;
	} else if (ret->framing == HTTP_BODY_NONE) {
		ret->framing = HTTP_BODY_CLOSE;
		ret->keep_alive = false;
	}
	return f;
}

/* Copies. */

static size_t index_size(const struct http_msg *m)
{
	return offsetof(struct http_msg, hdrs) + m->n_hdrs * sizeof(struct http_hdr);
}

size_t http_msg_size(const struct http_msg *m)
{
	return index_size(m) + m->head_len;
}

struct http_msg *http_msg_copy(void *to, const struct http_msg *m)
{
	struct http_msg *c = to;
	size_t size = index_size(m);
	char *bytes = (char *)to + size;
	memcpy(to, m, size);
	memcpy(bytes, m->base, m->head_len);
	struct str *slices[] = { &c->method_name, &c->target, &c->host,  &c->port,
		                 &c->path,        &c->query,  &c->reason };
	for (size_t i = 0; i < ARRAY_SIZE(slices); i++) {
		const char *p = slices[i]->p;
		if (p >= m->base && p <= m->base + m->head_len) /* not the path that nobody wrote */
			slices[i]->p = bytes + (p - m->base);
	}
	c->base = bytes;
	return c;
}

struct str http_value_named(const struct http_msg *m, struct str name)
{
	enum http_hdr_id id = name.len ? http_hdr_id_of(name) : HTTP_H_OTHER;
	if (id != HTTP_H_OTHER)
		return http_value(m, id);
	for (unsigned i = 0; i < m->n_hdrs; i++)
		if (m->hdrs[i].id == HTTP_H_OTHER && str_ieq(http_hdr_name(m, &m->hdrs[i]), name))
			return http_hdr_value(m, &m->hdrs[i]);
	return (struct str){ NULL, 0 };
}

bool http_has_token(const struct http_msg *m, enum http_hdr_id id, struct str token)
{
	for (const struct http_hdr *h = http_first(m, id); h; h = http_next(m, h)) {
		struct str rest = http_hdr_value(m, h), one;
		while (sip_list_next(&rest, &one))
			if (str_ieq(one, token))
				return true;
	}
	return false;
}
