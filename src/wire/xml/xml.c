#include "wire/xml/xml.h"

#include <errno.h>
#include <expat.h>

#include "base/code.h"

/* Expat joins namespace and local name with this: no URI holds it. */
#define SEPARATOR '\n'

struct reader {
	struct arena *arena;
	XML_Parser parser;
	struct str in;
	struct xml *root, *now;
	struct buf text;                /* of all open elements, the innermost last */
	size_t from[XML_DEPTH_MAX + 1]; /* where each one's text begins */
	unsigned depth, n, n_spaces;
	struct str spaces[XML_SPACES_MAX]; /* one copy of each for all elements */
	int err;
};

/* Expat 2.9 has its positions under new names and warns of the old ones. */
#if XML_MAJOR_VERSION == 2 && XML_MINOR_VERSION < 9
#define XML_GetCurrentByteIndex64 XML_GetCurrentByteIndex
#define XML_GetCurrentByteCount64 XML_GetCurrentByteCount
#define XML_GetCurrentLineNumber64 XML_GetCurrentLineNumber
#endif

static void stop(struct reader *r, int err)
{
	if (r->err == 0)
		r->err = err;
	(void)XML_StopParser(r->parser, XML_FALSE);
}

/* The copy of a namespace's URI: its elements share it, or a long URI and many short elements would
 * need their product in memory.  Empty if there is none. */
static struct str shared_space(const struct reader *r, struct str space)
{
	for (unsigned i = 0; i < r->n_spaces; i++)
		if (str_eq(r->spaces[i], space))
			return r->spaces[i];
	return STR("");
}

/* Comes before the element that declares it; uri is NULL where it ends the default one. */
static void XMLCALL on_space(void *user, const char *prefix UNUSED, const char *uri)
{
	struct reader *r = user;
	struct str space = str_of(uri);
	if (r->err < 0 || space.len == 0 || shared_space(r, space).len > 0)
		return;
	if (space.len > XML_SPACE_MAX || r->n_spaces == XML_SPACES_MAX)
		stop(r, -E2BIG);
	else
		r->spaces[r->n_spaces++] = arena_str(r->arena, space);
}

/* Cuts "urn:x\nname" or "name". */
static struct str local_name(const char *joined, struct str *ret_space)
{
	struct str space, name, all = str_of(joined);
	bool cut = str_cut(all, SEPARATOR, &space, &name);
	*ret_space = cut ? space : STR("");
	return cut ? name : all;
}

static bool add_attrs(struct reader *r, struct xml *e, const char **atts)
{
	struct xml_attr **end = &e->attrs;
	struct str space;
	for (unsigned n = 0; atts[0]; atts += 2, n++) {
		if (n == XML_ATTRS_MAX)
			return false;
		struct xml_attr *at = arena_alloc(r->arena, sizeof(*at));
		at->name = arena_str(r->arena, local_name(atts[0], &space));
		at->value = arena_str(r->arena, str_of(atts[1]));
		*end = at;
		end = &at->next;
	}
	return true;
}

static void link_child(struct xml *parent, struct xml *e)
{
	e->parent = parent;
	if (!parent)
		return;
	if (parent->last)
		parent->last->next = e;
	else
		parent->child = e;
	parent->last = e;
}

static void XMLCALL on_start(void *user, const char *name, const char **atts)
{
	struct reader *r = user;
	if (r->err < 0)
		return; /* expat ends only behind what it is in */
	if (r->depth == XML_DEPTH_MAX || r->n++ == XML_NODES_MAX) {
		stop(r, -E2BIG);
		return;
	}
	struct str space;
	struct xml *e = arena_alloc(r->arena, sizeof(*e));
	e->name = arena_str(r->arena, local_name(name, &space));
	e->space = shared_space(r, space);
	link_child(r->now, e);
	if (!r->root)
		r->root = e;
	r->now = e;
	r->from[r->depth++] = r->text.len;
	e->source.p = r->in.p + XML_GetCurrentByteIndex64(r->parser);
	if (!add_attrs(r, e, atts))
		stop(r, -E2BIG);
}

static void XMLCALL on_end(void *user, const char *name UNUSED)
{
	struct reader *r = user;
	if (r->err < 0)
		return; /* of an empty element whose start was refused */
	struct xml *e = r->now;
	size_t from = r->from[--r->depth];
	const char *end = r->in.p + XML_GetCurrentByteIndex64(r->parser) +
	                  XML_GetCurrentByteCount64(r->parser);
	e->text = arena_str(r->arena, str_n(r->text.p ? r->text.p + from : "", r->text.len - from));
	e->source.len = (size_t)(end - e->source.p);
	r->text.len = from;
	r->now = e->parent;
}

/* The text of an element goes behind that of the ones it is in; a child's is cut off again when it
 * ends. */
static void XMLCALL on_text(void *user, const char *s, int len)
{
	struct reader *r = user;
	buf_put(&r->text, s, (size_t)len);
}

static void XMLCALL on_doctype(void *user, const char *name UNUSED, const char *sysid UNUSED,
                               const char *pubid UNUSED, int internal UNUSED)
{
	stop(user, -EBADMSG);
}

static struct xml_error error_of(const struct reader *r)
{
	enum XML_Error code = XML_GetErrorCode(r->parser);
	struct xml_error e = { (uint32_t)XML_GetCurrentLineNumber64(r->parser), "" };
	if (r->err == -E2BIG)
		e.what = "it is larger, or nested more deeply, than is allowed";
	else if (code == XML_ERROR_ABORTED)
		e.what = "a DOCTYPE is not allowed";
	else
		e.what = XML_ErrorString(code);
	return e;
}

int xml_parse_told(struct xml **ret, struct arena *a, struct str in, struct xml_error *ret_error)
{
	*ret_error = (struct xml_error){ 1, "it is larger than is allowed" };
	if (in.len > XML_TEXT_MAX)
		return -E2BIG;
	struct reader r = {
		.arena = a,
		.in = in,
		.text = buf_of(XML_TEXT_MAX + 1),
		.spaces = { STR("http://www.w3.org/XML/1998/namespace") }, /* never declared */
		.n_spaces = 1,
	};
	r.parser = XML_ParserCreateNS("UTF-8", SEPARATOR);
	if (!r.parser)
		return -ENOMEM;
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetStartNamespaceDeclHandler(r.parser, on_space);
	XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
	if (XML_Parse(r.parser, in.p, (int)in.len, XML_TRUE) != XML_STATUS_OK && r.err == 0)
		r.err = -EBADMSG;
	if (r.err < 0)
		*ret_error = error_of(&r);
	else
		*ret = r.root;
	XML_ParserFree(r.parser);
	buf_free(&r.text);
	return r.err;
}

int xml_parse(struct xml **ret, struct arena *a, struct str in)
{
	struct xml_error ignored;
	return xml_parse_told(ret, a, in, &ignored);
}

uint32_t xml_line(const struct xml *e, struct str in)
{
	uint32_t line = 1;
	for (const char *p = in.p; p < e->source.p; p++)
		line += *p == '\n';
	return line;
}

/* --- looking around ------------------------------------------------------------------- */

bool xml_is(const struct xml *e, const char *name)
{
	return e && str_eq(e->name, str_of(name));
}

static struct xml *named(struct xml *e, const char *name)
{
	while (e && !xml_is(e, name))
		e = e->next;
	return e;
}

struct xml *xml_child(const struct xml *parent, const char *name)
{
	return parent ? named(parent->child, name) : NULL;
}

struct xml *xml_again(const struct xml *e)
{
	for (struct xml *n = e->next; n; n = n->next)
		if (str_eq(n->name, e->name))
			return n;
	return NULL;
}

struct str xml_attr(const struct xml *e, const char *name)
{
	for (const struct xml_attr *a = e ? e->attrs : NULL; a; a = a->next)
		if (str_eq(a->name, str_of(name)))
			return a->value;
	return (struct str){ NULL, 0 };
}

struct str xml_child_text(const struct xml *parent, const char *name)
{
	const struct xml *e = xml_child(parent, name);
	return e ? str_trim(e->text) : STR("");
}

/* --- writing -------------------------------------------------------------------------- */

static struct str entity_of(char c)
{
	switch (c) {
	case '&':
		return STR("&amp;");
	case '<':
		return STR("&lt;");
	case '>':
		return STR("&gt;");
	case '"':
		return STR("&quot;");
	case '\r':
		return STR("&#13;");
	case '\n':
		return STR("&#10;");
	case '\t':
		return STR("&#9;");
	default:
		return (struct str){ NULL, 0 };
	}
}

/* The characters of XML 1.0 (section 2.2): no controls but DEL, no U+FFFE, U+FFFF. */
static bool is_char(struct str seq)
{
	const uint8_t *p = (const uint8_t *)seq.p;
	if (seq.len == 1)
		return p[0] >= 0x20;
	return !(seq.len == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe);
}

/* How much of it stands as it is; most does. */
static size_t plain_len(struct str s)
{
	size_t n = 0;
	while (n < s.len && s.p[n] >= ' ' && s.p[n] <= '~' && !entity_of(s.p[n]).p)
		n++;
	return n;
}

void xml_put_text(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len;) {
		size_t plain = plain_len(str_sub(s, i, s.len));
		buf_str(b, str_sub(s, i, plain));
		i += plain;
		if (i == s.len)
			break;
		struct str rest = str_sub(s, i, s.len);
		size_t n = utf8_seq_len(rest);
		struct str seq = str_sub(rest, 0, n), entity = entity_of(rest.p[0]);
		if (entity.p)
			buf_str(b, entity);
		else if (n > 0 && is_char(seq))
			buf_str(b, seq);
		else
			buf_lit(b, "\xef\xbf\xbd");
		i += n ? n : 1;
	}
}

void xml_put_attr(struct buf *b, const char *name, struct str value)
{
	buf_char(b, ' ');
	buf_str(b, str_of(name));
	buf_lit(b, "=\"");
	xml_put_text(b, value);
	buf_char(b, '"');
}

void xml_put_element(struct buf *b, const char *name, struct str text)
{
	buf_char(b, '<');
	buf_str(b, str_of(name));
	buf_char(b, '>');
	xml_put_text(b, text);
	buf_lit(b, "</");
	buf_str(b, str_of(name));
	buf_char(b, '>');
}

void xml_put_attr_if(struct buf *b, const char *name, struct str value)
{
	if (value.len > 0)
		xml_put_attr(b, name, value);
}

void xml_put_element_if(struct buf *b, const char *name, struct str text)
{
	if (text.len > 0)
		xml_put_element(b, name, text);
}
