#include "svc/conversation/html.h"

enum {
	ENTITY_MAX = 10, /* bytes with & and ; */
	NBSP = 160,
	WINDOWS_1252 = 128, /* .. 159: what pages mean by these numbers */
};

struct plain {
	struct buf *b;
	size_t start; /* of our text in b */
	struct str in;
	size_t at;
	bool line_due;  /* a new line, if there is more */
	bool blank_due; /* a blank, if there is more in the line */
	bool pre;
	bool odd_quotes; /* the last quote of a tag never ends */
	struct str href; /* of the link that is open */
	size_t href_at;
};

static bool is_line_start(const struct plain *p)
{
	return p->b->len == p->start || p->b->p[p->b->len - 1] == '\n';
}

/* What was due before the next visible thing. */
static void settle(struct plain *p)
{
	if (p->line_due && !is_line_start(p))
		buf_char(p->b, '\n');
	else if (p->blank_due && !is_line_start(p))
		buf_char(p->b, ' ');
	p->line_due = p->blank_due = false;
}

/* --- references ---------------------------------------------------------------------------- */

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

static uint32_t digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (uint32_t)(c - 'a' + 10);
	return c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) : 99;
}

static uint32_t of_windows(uint32_t c)
{
	static const uint16_t meant[] = {
		0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021,
		0x2C6,  0x2030, 0x160,  0x2039, 0x152,  0x8D,   0x17D,  0x8F,
		0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
		0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178,
	};
	return c >= WINDOWS_1252 && c < NBSP ? meant[c - WINDOWS_1252] : c;
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
		uint32_t d = digit_of(name.p[i]);
		if (d >= base || v > 0x10FFFF)
			return false;
		v = v * base + d;
	}
	*ret = of_windows(v);
	return true;
}

/* clang-format off */
/* From U+00A0 on, in their order. */
static const char latin[] =
	"nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr "
	"deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 "
	"iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave "
	"Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute "
	"Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave "
	"eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml "
	"divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

static const struct {
	struct str name;
	uint32_t c;
} known[] = {
	{ STR_INIT("amp"), '&' },     { STR_INIT("lt"), '<' },        { STR_INIT("gt"), '>' },
	{ STR_INIT("quot"), '"' },    { STR_INIT("apos"), '\'' },     { STR_INIT("euro"), 0x20AC },
	{ STR_INIT("ndash"), 0x2013 }, { STR_INIT("mdash"), 0x2014 },  { STR_INIT("lsquo"), 0x2018 },
	{ STR_INIT("rsquo"), 0x2019 }, { STR_INIT("sbquo"), 0x201A },  { STR_INIT("ldquo"), 0x201C },
	{ STR_INIT("rdquo"), 0x201D }, { STR_INIT("bdquo"), 0x201E },  { STR_INIT("bull"), 0x2022 },
	{ STR_INIT("hellip"), 0x2026 }, { STR_INIT("trade"), 0x2122 }, { STR_INIT("larr"), 0x2190 },
	{ STR_INIT("rarr"), 0x2192 },  { STR_INIT("hearts"), 0x2665 }, { STR_INIT("OElig"), 0x152 },
	{ STR_INIT("oelig"), 0x153 },  { STR_INIT("Scaron"), 0x160 },  { STR_INIT("scaron"), 0x161 },
	{ STR_INIT("Yuml"), 0x178 },   { STR_INIT("lsaquo"), 0x2039 }, { STR_INIT("rsaquo"), 0x203A },
	{ STR_INIT("thinsp"), ' ' },   { STR_INIT("ensp"), ' ' },      { STR_INIT("emsp"), ' ' },
};
/* clang-format on */

static bool named(struct str name, uint32_t *ret)
{
	struct str rest = STR(latin), word;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (str_eq(known[i].name, name)) {
			*ret = known[i].c;
			return true;
		}
	}
	for (uint32_t c = NBSP; rest.len > 0; c++) {
		(void)str_cut(rest, ' ', &word, &rest);
		if (str_eq(word, name)) {
			*ret = c;
			return true;
		}
	}
	return false;
}

/* s starts with '&': how many bytes the reference has, 0 if it is none. */
static size_t read_entity(struct str s, uint32_t *ret)
{
	ssize_t end = str_chr(str_sub(s, 0, ENTITY_MAX), ';');
	if (end < 2)
		return 0;
	struct str name = str_sub(s, 1, (size_t)end - 1);
	return number_of(name, ret) || named(name, ret) ? (size_t)end + 1 : 0;
}

/* --- text ---------------------------------------------------------------------------------- */

static void put_visible(struct plain *p, uint32_t c)
{
	if (c < ' ' && c != '\t')
		return;
	settle(p);
	if (c == NBSP)
		c = ' ';
	put_utf8(p->b, c);
}

static size_t put_reference(struct plain *p, struct str rest)
{
	uint32_t c = '&';
	size_t n = read_entity(rest, &c);
	put_visible(p, c);
	return n ? n : 1;
}

static void put_byte(struct plain *p, char c)
{
	if (p->pre && c == '\n') {
		buf_char(p->b, c);
	} else if (str_is_space(c) && !(p->pre && c != '\r')) {
		p->blank_due |= !p->pre;
	} else if ((uint8_t)c >= ' ' || c == '\t') {
		settle(p);
		buf_char(p->b, c);
	}
}

/* --- tags ---------------------------------------------------------------------------------- */

static bool ends_name(struct str tag, size_t at)
{
	return at >= tag.len || str_is_space(tag.p[at]) || tag.p[at] == '/' || tag.p[at] == '>';
}

static bool is_tag(struct str tag, struct str name)
{
	return str_istarts(tag, name) && ends_name(tag, name.len);
}

static bool is_among(struct str tag, const struct str *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_tag(tag, names[i]))
			return true;
	return false;
}

static bool is_block(struct str tag)
{
	static const struct str names[] = {
		STR_INIT("p"),          STR_INIT("div"),   STR_INIT("li"), STR_INIT("tr"),
		STR_INIT("ul"),         STR_INIT("ol"),    STR_INIT("h1"), STR_INIT("h2"),
		STR_INIT("h3"),         STR_INIT("h4"),    STR_INIT("h5"), STR_INIT("h6"),
		STR_INIT("hr"),         STR_INIT("pre"),   STR_INIT("dt"), STR_INIT("dd"),
		STR_INIT("blockquote"), STR_INIT("table"),
	};
	return is_among(tag, names, ARRAY_SIZE(names));
}

/* Elements whose content nobody reads. */
static const struct str hidden[] = { STR_INIT("script"), STR_INIT("style"), STR_INIT("title"),
	                             STR_INIT("template") };

/* Past the end tag, or everything if there is none. */
static size_t skip_hidden(struct str in, size_t at, struct str name)
{
	for (; at < in.len; at++) {
		struct str rest = str_sub(in, at, in.len);
		const char *p = memchr(rest.p, '<', rest.len);
		if (!p)
			return in.len;
		at += (size_t)(p - rest.p);
		rest = str_sub(in, at, in.len);
		if (str_starts(rest, STR("</")) && is_tag(str_sub(rest, 2, rest.len), name)) {
			ssize_t end = str_chr(rest, '>');
			return end < 0 ? in.len : at + (size_t)end + 1;
		}
	}
	return in.len;
}

/* The index of the '>' that ends the tag at the start of s: one in quotes does not. */
static ssize_t tag_end(struct plain *p, struct str s)
{
	char quote = 0;
	if (p->odd_quotes)
		return str_chr(s, '>');
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		if (quote)
			quote = c == quote ? 0 : quote;
		else if (c == '>')
			return (ssize_t)i;
		else if ((c == '"' || c == '\'') && i > 0 && s.p[i - 1] == '=')
			quote = c;
	}
	p->odd_quotes = true;
	return str_chr(s, '>');
}

/* href="..." of an <a ...>. */
static struct str href_of(struct str tag)
{
	for (size_t i = 1; i + 6 < tag.len; i++) {
		if (!str_is_space(tag.p[i - 1]) || !str_istarts(str_sub(tag, i, 5), STR("href=")))
			continue;
		struct str v = str_sub(tag, i + 5, tag.len), rest;
		char q = v.p[0];
		if (q != '"' && q != '\'')
			return STR("");
		(void)str_cut(str_sub(v, 1, v.len), q, &v, &rest);
		return str_trim(v);
	}
	return STR("");
}

static bool is_web(struct str url)
{
	return str_istarts(url, STR("http://")) || str_istarts(url, STR("https://")) ||
	       str_istarts(url, STR("ftp://"));
}

static void open_link(struct plain *p, struct str tag)
{
	p->href = href_of(tag);
	p->href_at = p->b->len;
}

static void put_address(struct plain *p, struct str url)
{
	for (size_t i = 0; i < url.len;) {
		uint32_t c;
		size_t n = url.p[i] == '&' ? read_entity(str_sub(url, i, url.len), &c) : 0;
		if (n)
			put_visible(p, c);
		else
			put_byte(p, url.p[i]);
		i += n ? n : 1;
	}
}

/* The address behind the text, unless it is the text. */
static void close_link(struct plain *p)
{
	struct str url = p->href;
	char text[512];
	struct buf address = BUF_ON(text);
	struct plain other = { .b = &address };
	p->href = STR("");
	put_address(&other, url);
	if (!is_web(buf_view(&address)))
		return;
	struct str said = str_sub(buf_view(p->b), p->href_at, p->b->len);
	if (!address.full && str_find(said, str_trim(buf_view(&address))) >= 0)
		return;
	p->blank_due = true;
	put_visible(p, '(');
	put_address(p, url);
	put_visible(p, ')');
}

static void take_tag(struct plain *p, struct str tag)
{
	bool closes = str_starts(tag, STR("/"));
	struct str name = str_sub(tag, closes, tag.len);
	if (is_tag(name, STR("br")))
		buf_char(p->b, '\n');
	else if (is_block(name))
		p->line_due = true;
	else if (is_tag(name, STR("a")) && closes)
		close_link(p);
	else if (is_tag(name, STR("a")))
		open_link(p, tag);
	else if (is_tag(name, STR("td")) || is_tag(name, STR("th")))
		p->blank_due = true;
	if (is_tag(name, STR("br")) || is_tag(name, STR("pre")))
		p->blank_due = false;
	if (is_tag(name, STR("pre")))
		p->pre = !closes;
}

static void take_markup(struct plain *p, struct str rest)
{
	if (str_starts(rest, STR("<!--"))) {
		ssize_t end = str_find(str_sub(rest, 4, rest.len), STR("-->"));
		p->at = end < 0 ? p->in.len : p->at + (size_t)end + 7;
		return;
	}
	ssize_t end = tag_end(p, rest);
	if (end < 0) {
		p->at = p->in.len;
		return;
	}
	struct str tag = str_sub(rest, 1, (size_t)end - 1);
	p->at += (size_t)end + 1;
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++)
		if (is_tag(tag, hidden[i]))
			p->at = skip_hidden(p->in, p->at, hidden[i]);
	take_tag(p, tag);
}

/* "<3" and "a < b" are no tags. */
static bool begins_markup(struct str rest)
{
	char c = rest.len > 1 ? rest.p[1] : 0;
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == '!' || c == '?';
}

void html_put_plain(struct buf *b, struct str html)
{
	struct plain p = { .b = b, .start = b->len, .in = html };
	while (p.at < html.len) {
		struct str rest = str_sub(html, p.at, html.len);
		if (rest.p[0] == '<' && begins_markup(rest))
			take_markup(&p, rest);
		else if (rest.p[0] == '&')
			p.at += put_reference(&p, rest);
		else
			put_byte(&p, html.p[p.at++]);
	}
}

struct str html_read(struct buf *b, struct str type, struct str text)
{
	if (!str_istarts(type, STR("text/html")))
		return text;
	html_put_plain(b, text);
	return buf_view(b);
}
