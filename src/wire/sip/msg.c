#include "wire/sip/msg.h"

#include <errno.h>
#include <stdlib.h>

/* A cursor over the head. */
struct head {
	const char *base, *p, *end;
};

static const char *find_lf(const char *p, const char *end)
{
	return p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
}

/* One line without its CRLF (or bare LF); false if there is no line end. */
static bool next_line(struct head *h, struct str *ret)
{
	const char *lf = find_lf(h->p, h->end);
	if (!lf)
		return false;
	size_t n = (size_t)(lf - h->p);
	if (n > 0 && h->p[n - 1] == '\r')
		n--;
	*ret = str_n(h->p, n);
	h->p = lf + 1;
	return true;
}

static int parse_status(struct sip_msg *m, struct str line)
{
	struct str code = str_sub(line, 8, 3);
	uint32_t n;
	if (line.len < 11 || str_to_u32(code, 699, &n) < 0 || n < 100 ||
	    (line.len > 11 && line.p[11] != ' '))
		return -EBADMSG;
	m->is_request = false;
	m->status = (uint16_t)n;
	m->reason = str_sub(line, 12, line.len);
	return 0;
}

static int parse_request_line(struct sip_msg *m, struct str line)
{
	ssize_t first = str_chr(line, ' '), last = str_rchr(line, ' ');
	if (first <= 0 || last <= first)
		return -EBADMSG;
	m->is_request = true;
	m->method_name = str_n(line.p, (size_t)first);
	m->method = (uint8_t)sip_method_of(m->method_name);
	m->uri = str_n(line.p + first + 1, (size_t)(last - first - 1));
	return 0;
}

static int parse_start(struct sip_msg *m, struct str line)
{
	m->start = line;
	if (str_istarts(line, STR("SIP/2.0 ")))
		return parse_status(m, line);
	return parse_request_line(m, line);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The field's value runs on over folded lines; *end is behind its last byte that counts. */
static bool value_end(struct head *h, const char **ret_end)
{
	const char *end = NULL;
	do {
		const char *lf = find_lf(h->p, h->end);
		if (!lf)
			return false;
		end = lf;
		h->p = lf + 1;
	} while (h->p < h->end && is_blank(*h->p));
	*ret_end = end;
	return true;
}

static void index_header(struct sip_msg *m, struct sip_hdr *h, uint8_t last[SIP_H_N_IDS])
{
	uint8_t here = (uint8_t)m->n_hdrs;
	h->next = 0;
	if (h->id != SIP_H_OTHER) {
		if (m->first[h->id])
			m->hdrs[last[h->id]].next = here;
		else
			m->first[h->id] = (uint8_t)(here + 1);
		last[h->id] = here;
	}
	m->n_hdrs++;
}

static int parse_header(struct sip_msg *m, struct head *hd, uint8_t last[SIP_H_N_IDS])
{
	const char *start = hd->p, *end;
	if (!value_end(hd, &end)) {
		hd->p = hd->end;
		return -EBADMSG;
	}
	const char *colon = memchr(start, ':', (size_t)(end - start));
	if (m->n_hdrs == SIP_HEADERS_MAX)
		return -E2BIG;
	struct sip_hdr *h = &m->hdrs[m->n_hdrs];
	if (!colon || colon - start > UINT16_MAX)
		return -EBADMSG;
	const char *name_end = colon, *value = colon + 1;
	while (name_end > start && is_blank(name_end[-1]))
		name_end--;
	while (value < end && (is_blank(*value) || *value == '\r' || *value == '\n'))
		value++;
	while (end > value && (is_blank(end[-1]) || end[-1] == '\r' || end[-1] == '\n'))
		end--;
	if (name_end == start || is_blank(*start)) /* a fold of nothing */
		return -EBADMSG;
	h->name = (uint32_t)(start - hd->base);
	h->name_len = (uint16_t)(name_end - start);
	h->value = (uint32_t)(value - hd->base);
	h->end = (uint32_t)(end - hd->base);
	h->id = (uint8_t)sip_hdr_id_of(str_n(start, h->name_len));
	index_header(m, h, last);
	return 0;
}

/* CSeq: number and method. */
int sip_cseq_parse(struct str v, uint32_t *ret, struct str *ret_method)
{
	size_t i = 0;
	while (i < v.len && v.p[i] >= '0' && v.p[i] <= '9')
		i++;
	if (str_to_u32(str_sub(v, 0, i), UINT32_MAX, ret) < 0)
		return -EBADMSG;
	*ret_method = str_trim(str_sub(v, i, v.len));
	return i < v.len && ret_method->len ? 0 : -EBADMSG;
}

static void fill_common(struct sip_msg *m)
{
	struct str cseq = sip_value(m, SIP_H_CSEQ), name = { NULL, 0 };
	m->call_id = sip_value(m, SIP_H_CALL_ID);
	m->cseq = 0;
	if (sip_cseq_parse(cseq, &m->cseq, &name) < 0)
		name = STR("");
	if (!m->is_request) {
		m->method_name = name;
		m->method = name.len ? (uint8_t)sip_method_of(name) : SIP_OTHER_METHOD;
	}
}

/* The body is what Content-Length says, or all that came. */
static void fill_body(struct sip_msg *m)
{
	struct str v = sip_value(m, SIP_H_CONTENT_LENGTH);
	uint32_t n, came = m->len - m->head_len;
	if (v.len == 0 || str_to_u32(v, UINT32_MAX, &n) < 0 || n > came)
		n = came;
	m->body = str_n(m->base + m->head_len, n);
}

static void skip_line_ends(struct str *in)
{
	size_t i = 0;
	while (i < in->len && (in->p[i] == '\r' || in->p[i] == '\n'))
		i++;
	*in = str_sub(*in, i, in->len);
}

int sip_parse(struct sip_msg *ret, struct str in)
{
	uint8_t last[SIP_H_N_IDS];
	struct str line;
	skip_line_ends(&in);
	struct head h = { in.p, in.p, in.p + in.len };
	if (in.len > SIP_SERVER_MAX + SIP_HEAD_MAX)
		return -EBADMSG;
	/* Everything before `parts`: those and the fields are touched when there is one. */
	memset(ret, 0, offsetof(struct sip_msg, parts));
	ret->base = in.p;
	ret->len = (uint32_t)in.len;
	if (!next_line(&h, &line) || parse_start(ret, line) < 0)
		return -EBADMSG;
	while (h.p < h.end && *h.p != '\r' && *h.p != '\n') {
		int r = parse_header(ret, &h, last);
		ret->broken_line |= r == -EBADMSG;
		if (r == -E2BIG) {
			ret->too_many = true;
			break;
		}
	}
	if (ret->too_many)
		while (next_line(&h, &line) && line.len > 0)
			;
	else if (!next_line(&h, &line))
		ret->broken_line = true; /* the empty line is missing */
	ret->head_len = (uint32_t)(h.p - h.base);
	fill_common(ret);
	fill_body(ret);
	return 0;
}

size_t sip_msg_size(const struct sip_msg *m)
{
	return offsetof(struct sip_msg, hdrs) + m->n_hdrs * sizeof(struct sip_hdr);
}

static void move_slice(struct str *s, const char *from, const char *to)
{
	if (s->p)
		s->p = to + (s->p - from);
}

struct sip_msg *sip_msg_copy(const struct sip_msg *m, size_t extra, void **ret_extra)
{
	size_t size = sip_msg_size(m);
	extra = (extra + 15) & ~(size_t)15;
	char *block = xmalloc(extra + size + m->len);
	struct sip_msg *c = (struct sip_msg *)(void *)(block + extra);
	char *bytes = block + extra + size;
	memset(block, 0, extra);
	memcpy(c, m, size);
	memcpy(bytes, m->base, m->len);
	struct str *slices[] = { &c->start,  &c->method_name, &c->uri,
		                 &c->reason, &c->body,        &c->call_id };
	for (size_t i = 0; i < ARRAY_SIZE(slices); i++)
		move_slice(slices[i], m->base, bytes);
	c->base = bytes;
	c->parts_read = c->parts_good = 0; /* slices of the other message */
	*ret_extra = block;
	return c;
}

struct str sip_value_named(const struct sip_msg *m, struct str name)
{
	enum sip_hdr_id id = sip_hdr_id_of(name);
	if (id != SIP_H_OTHER)
		return sip_value(m, id);
	for (unsigned i = 0; i < m->n_hdrs; i++)
		if (m->hdrs[i].id == SIP_H_OTHER && str_ieq(sip_hdr_name(m, &m->hdrs[i]), name))
			return sip_hdr_value(m, &m->hdrs[i]);
	return (struct str){ NULL, 0 };
}
