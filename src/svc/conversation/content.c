#include "svc/conversation/content.h"

#include "wire/xml/xml.h"

enum { ENTITY_MAX = 10 };

static bool is_type(struct str value, struct str type)
{
	struct str head, rest;
	(void)str_cut(value, ';', &head, &rest);
	return str_ieq(str_trim(head), type);
}

/* RFC 3994. */
static void read_composing(struct content *c)
{
	struct xml *x;
	auto_(arena_free) struct arena *a = arena_new();
	if (xml_parse(&x, a, c->body) < 0 || !xml_is(x, "isComposing"))
		return;
	c->kind = CONTENT_TYPING;
	c->active = str_ieq(xml_child_text(x, "state"), STR("active"));
}

static void read_keyboard(struct content *c)
{
	struct xml *x;
	auto_(arena_free) struct arena *a = arena_new();
	if (xml_parse(&x, a, c->body) < 0 || !xml_is(x, "KeyboardActivity"))
		return;
	c->kind = CONTENT_TYPING;
	c->active = str_ieq(xml_attr(xml_child(x, "status"), "status"), STR("type"));
}

void content_read(struct content *ret, const struct sip_msg *m)
{
	*ret = (struct content){ .type = sip_value(m, SIP_H_CONTENT_TYPE), .body = m->body };
	if (m->body.len > CONTENT_MAX)
		return;
	if (is_type(ret->type, STR("text/plain"))) {
		ret->kind = CONTENT_TEXT;
	} else if (is_type(ret->type, STR("text/html"))) {
		ret->kind = CONTENT_TEXT;
		ret->html = true;
	} else if (is_type(ret->type, STR("application/im-iscomposing+xml"))) {
		read_composing(ret);
	} else if (is_type(ret->type, STR("application/xml"))) {
		read_keyboard(ret);
	}
}

/* HTML. */

static void put_utf8(struct buf *b, uint32_t c)
{
	if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
		c = 0xFFFD;
	if (c < 0x80) {
		buf_char(b, (char)c);
	} else if (c < 0x800) {
		buf_u8(b, (uint8_t)(0xC0 | c >> 6));
		buf_u8(b, (uint8_t)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		buf_u8(b, (uint8_t)(0xE0 | c >> 12));
		buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 63)));
		buf_u8(b, (uint8_t)(0x80 | (c & 63)));
	} else {
		buf_u8(b, (uint8_t)(0xF0 | c >> 18));
		buf_u8(b, (uint8_t)(0x80 | (c >> 12 & 63)));
		buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 63)));
		buf_u8(b, (uint8_t)(0x80 | (c & 63)));
	}
}

/* "#228", "#xE4"; false for anything else. */
static bool number_of(struct str name, uint32_t *ret)
{
	uint32_t v = 0, base = 10;
	size_t i = 1;
	if (name.len < 2 || name.p[0] != '#')
		return false;
	if (name.p[1] == 'x' || name.p[1] == 'X') {
		base = 16;
		i = 2;
	}
	if (i == name.len)
		return false;
	for (; i < name.len; i++) {
		char c = name.p[i];
		uint32_t d = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
		             : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
		             : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
		                                    : 99;
		if (d >= base || v > 0x10FFFF)
			return false;
		v = v * base + d;
	}
	*ret = v;
	return true;
}

static bool named_entity(struct str name, uint32_t *ret)
{
	static const struct {
		struct str name;
		uint32_t c;
	} known[] = {
		{ STR_INIT("amp"), '&' },  { STR_INIT("lt"), '<' },    { STR_INIT("gt"), '>' },
		{ STR_INIT("quot"), '"' }, { STR_INIT("apos"), '\'' }, { STR_INIT("nbsp"), ' ' },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (str_eq(known[i].name, name)) {
			*ret = known[i].c;
			return true;
		}
	}
	return false;
}

/* s starts with '&'; how many bytes were used. */
static size_t put_entity(struct buf *b, struct str s)
{
	ssize_t end = str_chr(str_sub(s, 0, ENTITY_MAX), ';');
	uint32_t c;
	if (end > 1) {
		struct str name = str_sub(s, 1, (size_t)end - 1);
		if (number_of(name, &c) || named_entity(name, &c)) {
			put_utf8(b, c);
			return (size_t)end + 1;
		}
	}
	buf_char(b, '&');
	return 1;
}

static bool breaks_line(struct str tag)
{
	static const struct str names[] = { STR_INIT("br"), STR_INIT("/p"), STR_INIT("/div"),
		                            STR_INIT("/li"), STR_INIT("/tr") };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct str n = names[i];
		if (str_istarts(tag, n) &&
		    (tag.len == n.len || strchr(" \t\r\n/", tag.p[n.len]) != NULL))
			return true;
	}
	return false;
}

/* s starts with '<'; how many bytes were used. */
static size_t put_tag(struct buf *b, struct str s)
{
	ssize_t end = str_chr(s, '>');
	if (end < 0)
		return s.len;
	if (breaks_line(str_sub(s, 1, (size_t)end - 1)))
		buf_char(b, '\n');
	return (size_t)end + 1;
}

void content_put_plain(struct buf *b, struct str html)
{
	size_t i = 0;
	while (i < html.len) {
		struct str rest = str_sub(html, i, html.len);
		if (rest.p[0] == '<') {
			i += put_tag(b, rest);
		} else if (rest.p[0] == '&') {
			i += put_entity(b, rest);
		} else {
			buf_char(b, rest.p[0] == '\r' || rest.p[0] == '\n' ? ' ' : rest.p[0]);
			i++;
		}
	}
}

/* The two sides. */

void content_put_pager(struct buf *b, const struct content *c, struct str *ret_type)
{
	if (c->kind == CONTENT_TYPING) {
		*ret_type = STR("application/im-iscomposing+xml");
		buf_lit(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
		           "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>");
		buf_str(b, c->active ? STR("active") : STR("idle"));
		buf_lit(b, "</state><contenttype>text/plain</contenttype></isComposing>\r\n");
		return;
	}
	*ret_type = STR("text/plain;charset=UTF-8");
	if (c->html)
		content_put_plain(b, c->body);
	else
		buf_str(b, c->body);
}

void content_put_session(struct buf *b, const struct content *c, struct str *ret_type)
{
	if (c->kind == CONTENT_TYPING) {
		*ret_type = STR("application/xml");
		buf_lit(b, "<?xml version=\"1.0\"?><KeyboardActivity><status status=\"");
		buf_str(b, c->active ? STR("type") : STR("idle"));
		buf_lit(b, "\" /></KeyboardActivity>");
		return;
	}
	*ret_type = c->html ? STR("text/html; charset=UTF-8") : STR("text/plain; charset=UTF-8");
	buf_str(b, c->body);
}
