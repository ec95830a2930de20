#include "wire/sdp/sdp.h"

#include <errno.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool sdp_word_next(struct str *rest, struct str *ret)
{
	if (rest->len == 0)
		return false;
	const char *p = rest->p, *end = p + rest->len;
	while (p < end && is_blank(*p))
		p++;
	const char *from = p;
	while (p < end && !is_blank(*p))
		p++;
	*rest = str_n(p, (size_t)(end - p));
	if (p == from)
		return false;
	*ret = str_n(from, (size_t)(p - from));
	return true;
}

/* Number, or number/number. */
static int parse_port(struct sdp_media *m, struct str word)
{
	struct str port, count;
	uint32_t v;
	bool ranged = str_cut(word, '/', &port, &count);
	m->n_ports = 1;
	if (str_to_u32(port, UINT16_MAX, &v) < 0)
		return -EBADMSG;
	m->port = (uint16_t)v;
	if (ranged && (str_to_u32(count, UINT16_MAX, &m->n_ports) < 0 || m->n_ports == 0))
		return -EBADMSG;
	return 0;
}

static enum sdp_profile rtp_profile(struct str profile)
{
	static const struct {
		struct str name;
		enum sdp_profile profile;
	} known[] = {
		{ STR_INIT("RTP/AVP"), SDP_AVP },
		{ STR_INIT("RTP/AVPF"), SDP_AVPF },
		{ STR_INIT("RTP/SAVP"), SDP_SAVP },
		{ STR_INIT("RTP/SAVPF"), SDP_SAVPF },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_ieq(profile, known[i].name))
			return known[i].profile;
	return SDP_NO_RTP;
}

/* "TCP/RTP/AVP" is TCP and RTP/AVP; what is not RTP is cut at its last slash. */
static void split_proto(struct sdp_media *m)
{
	ssize_t at = str_rchr(m->proto, '/');
	if (at > 0) {
		ssize_t before = str_rchr(str_sub(m->proto, 0, (size_t)at), '/');
		struct str two = str_sub(m->proto, (size_t)(before + 1), m->proto.len);
		if (str_istarts(two, STR("RTP/")))
			at = before;
	}
	m->transport = at > 0 ? str_sub(m->proto, 0, (size_t)at) : str_sub(m->proto, 0, 0);
	m->profile = str_sub(m->proto, at > 0 ? (size_t)at + 1 : 0, m->proto.len);
	m->rtp = (uint8_t)rtp_profile(m->profile);
}

static int parse_media(struct sdp_media *m, struct str value)
{
	struct str port, word;
	*m = (struct sdp_media){ 0 };
	if (!sdp_word_next(&value, &m->media) || !sdp_word_next(&value, &port) ||
	    !sdp_word_next(&value, &m->proto) || parse_port(m, port) < 0)
		return -EBADMSG;
	m->formats = str_trim(value);
	split_proto(m);
	unsigned n = 0;
	for (struct str rest = m->formats; sdp_word_next(&rest, &word);)
		if (++n > SDP_FORMATS_MAX)
			return -E2BIG;
	return 0;
}

static struct sdp_part *current_part(struct sdp *s)
{
	return s->n_media > 0 ? &s->media[s->n_media - 1].part : &s->session;
}

static int start_media(struct sdp *s, const struct sdp_line *l)
{
	if (s->n_media == SDP_MEDIA_MAX)
		return -E2BIG;
	struct sdp_media *m = &s->media[s->n_media];
	int r = parse_media(m, sdp_line_value(s, l));
	if (r < 0)
		return r;
	m->part.first = s->n_lines;
	s->n_media++;
	return 0;
}

/* Where a line may stand, and what it begins. */
static int add_line(struct sdp *s, const struct sdp_line *l, unsigned *n_attrs)
{
	bool first = s->n_lines == 0;
	if (s->n_lines == SDP_LINES_MAX)
		return -E2BIG;
	if (first ? l->type != 'v' && l->type != 'o' : l->type == 'v')
		return -EBADMSG;
	if (l->type == 'v' && !str_eq(sdp_line_value(s, l), STR("0")))
		return -EBADMSG;
	if (l->type == 'o' && (s->n_media > 0 || sdp_value(s, &s->session, 'o').p))
		return -EBADMSG;
	if (l->type == 'm') {
		int r = start_media(s, l);
		if (r < 0)
			return r;
		*n_attrs = 0;
	}
	if (l->type == 'a' && ++*n_attrs > SDP_ATTRS_MAX)
		return -E2BIG;
	s->lines[s->n_lines++] = *l;
	current_part(s)->n++;
	return 0;
}

/* One line without its LF: 1 if it is one, 0 if it is empty, -EBADMSG. */
static int split_line(const struct sdp *s, struct str line, struct sdp_line *ret)
{
	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	struct str rest = line;
	while (rest.len > 0 && is_blank(rest.p[rest.len - 1]))
		rest.len--;
	if (rest.len == 0)
		return 0;
	if (rest.len < 2 || rest.p[0] < 'a' || rest.p[0] > 'z' || rest.p[1] != '=' ||
	    str_chr(rest, '\r') >= 0)
		return -EBADMSG;
	ret->type = rest.p[0];
	ret->at = (uint32_t)(rest.p - s->text.p);
	ret->value = ret->at + 2;
	ret->end = ret->at + (uint32_t)rest.len;
	return 1;
}

int sdp_parse(struct sdp *ret, struct str text)
{
	unsigned n_attrs = 0;
	struct str rest = text, one;
	if (text.len > SDP_BYTES_MAX)
		return -E2BIG;
	if (str_chr(text, '\0') >= 0)
		return -EBADMSG;
	ret->text = text;
	ret->n_lines = ret->n_media = 0;
	ret->session = (struct sdp_part){ 0 };
	while (rest.len > 0) {
		struct sdp_line l;
		(void)str_cut(rest, '\n', &one, &rest);
		int r = split_line(ret, one, &l);
		if (r > 0)
			r = add_line(ret, &l, &n_attrs);
		if (r < 0)
			return r;
	}
	return ret->n_lines > 0 ? 0 : -EBADMSG;
}

struct str sdp_line_raw(const struct sdp *s, unsigned line)
{
	/* Empty lines before the first go with it. */
	size_t from = line > 0 ? s->lines[line].at : 0;
	size_t to = line + 1U < s->n_lines ? s->lines[line + 1].at : s->text.len;
	return str_sub(s->text, from, to - from);
}

bool sdp_line_next(const struct sdp *s, const struct sdp_part *p, char type, unsigned *i,
                   struct str *ret)
{
	while (*i < p->n) {
		const struct sdp_line *l = &s->lines[p->first + (*i)++];
		if (l->type == type) {
			*ret = sdp_line_value(s, l);
			return true;
		}
	}
	return false;
}

struct str sdp_value(const struct sdp *s, const struct sdp_part *p, char type)
{
	unsigned i = 0;
	struct str v = { NULL, 0 };
	(void)sdp_line_next(s, p, type, &i, &v);
	return v;
}

bool sdp_attr_next(const struct sdp *s, const struct sdp_part *p, unsigned *i, struct str *name,
                   struct str *value)
{
	struct str line;
	if (!sdp_line_next(s, p, 'a', i, &line))
		return false;
	if (!str_cut(line, ':', name, value))
		*value = (struct str){ NULL, 0 };
	return true;
}

bool sdp_attr_named(const struct sdp *s, const struct sdp_part *p, struct str name, unsigned *i,
                    struct str *value)
{
	struct str n, v;
	while (sdp_attr_next(s, p, i, &n, &v)) {
		if (str_eq(n, name)) {
			*value = v;
			return true;
		}
	}
	return false;
}

bool sdp_attr(const struct sdp *s, const struct sdp_part *p, struct str name, struct str *ret)
{
	unsigned i = 0;
	struct str v;
	if (!sdp_attr_named(s, p, name, &i, &v))
		return false;
	if (ret)
		*ret = v;
	return true;
}

bool sdp_attr_inherited(const struct sdp *s, const struct sdp_media *m, struct str name,
                        struct str *ret)
{
	return sdp_attr(s, &m->part, name, ret) || sdp_attr(s, &s->session, name, ret);
}

const struct sdp_media *sdp_media_next(const struct sdp *s, const struct sdp_media *prev,
                                       struct str media)
{
	for (const struct sdp_media *m = prev ? prev + 1 : s->media; m < s->media + s->n_media; m++)
		if (str_ieq(m->media, media))
			return m;
	return NULL;
}

int sdp_origin(const struct sdp *s, struct sdp_origin *ret)
{
	struct sdp_origin o;
	struct str v = sdp_value(s, &s->session, 'o'), more;
	if (!v.p)
		return -ENOENT;
	if (!sdp_word_next(&v, &o.user) || !sdp_word_next(&v, &o.id) ||
	    !sdp_word_next(&v, &o.version) || !sdp_word_next(&v, &o.net_type) ||
	    !sdp_word_next(&v, &o.addr_type) || !sdp_word_next(&v, &o.address) ||
	    sdp_word_next(&v, &more))
		return -EBADMSG;
	*ret = o;
	return 0;
}

int sdp_connection_parse(struct sdp_connection *ret, struct str value)
{
	struct sdp_connection c;
	struct str more;
	if (!sdp_word_next(&value, &c.net_type) || !sdp_word_next(&value, &c.addr_type) ||
	    !sdp_word_next(&value, &c.address) || sdp_word_next(&value, &more))
		return -EBADMSG;
	(void)str_cut(c.address, '/', &c.address, &c.suffix);
	*ret = c;
	return 0;
}

int sdp_connection(const struct sdp *s, const struct sdp_media *m, struct sdp_connection *ret)
{
	struct str v = sdp_value(s, &m->part, 'c');
	if (!v.p)
		v = sdp_value(s, &s->session, 'c');
	return v.p ? sdp_connection_parse(ret, v) : -ENOENT;
}

int sdp_bandwidth(const struct sdp *s, const struct sdp_part *p, struct str type, uint32_t *ret)
{
	unsigned i = 0;
	struct str v, name, number;
	while (sdp_line_next(s, p, 'b', &i, &v)) {
		if (str_cut(v, ':', &name, &number) && str_eq(name, type))
			return str_to_u32(number, UINT32_MAX, ret) < 0 ? -EBADMSG : 0;
	}
	return -ENOENT;
}
