#include "wire/xml/xml.h"

#include <errno.h>

#include "tap.h"

static struct arena *arena;

static struct xml *parse(const char *text)
{
	struct xml *x = NULL;
	arena_free(&arena);
	arena = arena_new();
	OK(xml_parse(&x, arena, str_of(text)) == 0);
	return x;
}

static int refused(struct str text)
{
	struct xml *x = NULL;
	auto_(arena_free) struct arena *a = arena_new();
	int r = xml_parse(&x, a, text);
	OK(x == NULL);
	return r;
}

static void a_document_becomes_a_tree(void)
{
	struct xml *x = parse("<?xml version=\"1.0\"?><a xmlns='urn:x' k='v&amp;w'>one<b n='1'/>"
	                      "<c/><b n='2'>t&#228;xt</b>two</a>");
	EQ_STR(x->name, "a");
	EQ_STR(x->space, "urn:x");
	EQ_STR(xml_attr(x, "k"), "v&w");
	EQ_STR(x->text, "onetwo");
	struct xml *b = xml_child(x, "b");
	EQ_STR(xml_attr(b, "n"), "1");
	b = xml_again(b);
	EQ_STR(xml_attr(b, "n"), "2");
	EQ_STR(b->text, "t\xc3\xa4xt");
	OK(xml_again(b) == NULL);
	OK(xml_child(x, "d") == NULL && xml_child(NULL, "d") == NULL);
	OK(xml_attr(x, "none").p == NULL && xml_attr(NULL, "k").p == NULL);
}

static void prefixes_are_resolved(void)
{
	struct xml *x = parse("<m:a xmlns:m='urn:m' xmlns:xsi='urn:i' xsi:type='T'><m:b/></m:a>");
	EQ_STR(x->name, "a");
	EQ_STR(xml_attr(x, "type"), "T");
	EQ_STR(xml_child(x, "b")->space, "urn:m");
}

static void the_source_of_an_element_is_kept_as_it_stands(void)
{
	struct xml *x = parse("<a> <b  c = 'd' ><e/></b ><f/></a>");
	EQ_STR(xml_child(x, "b")->source, "<b  c = 'd' ><e/></b >");
	EQ_STR(xml_child(x, "f")->source, "<f/>");
	EQ_STR(x->source, "<a> <b  c = 'd' ><e/></b ><f/></a>");
}

static void what_is_not_well_formed_is_refused(void)
{
	EQ(refused(STR("")), -EBADMSG);
	EQ(refused(STR("<a>")), -EBADMSG);
	EQ(refused(STR("<a></b>")), -EBADMSG);
	EQ(refused(STR("<a/><b/>")), -EBADMSG);
	EQ(refused(STR("<p:a/>")), -EBADMSG);
	EQ(refused(STR("<a>\xff</a>")), -EBADMSG);
	EQ(refused(STR("<a>&unknown;</a>")), -EBADMSG);
}

static void an_error_is_told_with_its_line(void)
{
	static const struct {
		const char *text;
		uint32_t line;
		const char *what;
	} rows[] = {
		{ "<a>\n<b>\n</a>", 3, "mismatched tag" },
		{ "<a>\n\n", 3, "no element found" },
		{ "<a/>\n<!DOCTYPE a>", 2, "junk after document element" },
		{ "\n<!DOCTYPE a><a/>", 2, "a DOCTYPE is not allowed" },
	};
	struct xml *x = NULL;
	struct xml_error e;
	auto_(arena_free) struct arena *a = arena_new();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EQ(xml_parse_told(&x, a, str_of(rows[i].text), &e), -EBADMSG);
		EQ(e.line, rows[i].line);
		EQ_STR(str_of(e.what), rows[i].what);
	}
	struct str text = STR("<a>\n<b/>\n\n<b\nk='v'/></a>");
	EQ(xml_parse_told(&x, a, text, &e), 0);
	EQ(xml_line(x, text), 1);
	EQ(xml_line(xml_child(x, "b"), text), 2);
	EQ(xml_line(xml_again(xml_child(x, "b")), text), 4);
}

static void a_doctype_is_refused(void)
{
	EQ(refused(STR("<!DOCTYPE a><a/>")), -EBADMSG);
	EQ(refused(STR("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>")), -EBADMSG);
}

static void depth_and_counts_are_bounded(void)
{
	auto_(buf_free) struct buf b = buf_of(2 * XML_TEXT_MAX);
	for (int i = 0; i <= XML_DEPTH_MAX; i++)
		buf_lit(&b, "<a>");
	for (int i = 0; i <= XML_DEPTH_MAX; i++)
		buf_lit(&b, "</a>");
	EQ(refused(buf_view(&b)), -E2BIG);
	b.len = 0;
	buf_lit(&b, "<a>");
	for (int i = 0; i < XML_NODES_MAX; i++)
		buf_lit(&b, "<b/>");
	buf_lit(&b, "</a>");
	EQ(refused(buf_view(&b)), -E2BIG);
	b.len = 0;
	buf_lit(&b, "<a");
	for (int i = 0; i <= XML_ATTRS_MAX; i++)
		buf_printf(&b, " a%d=''", i);
	buf_lit(&b, "/>");
	EQ(refused(buf_view(&b)), -E2BIG);
	b.len = 0;
	while (b.len <= XML_TEXT_MAX)
		buf_lit(&b, "          ");
	EQ(refused(buf_view(&b)), -E2BIG);
}

/* <a xmlns="xxx..."> with n bytes of URI and as many empty children as asked for. */
static struct str with_space(struct buf *b, size_t n, int children)
{
	b->len = 0;
	buf_lit(b, "<a xmlns='");
	for (size_t i = 0; i < n; i++)
		buf_char(b, 'x');
	buf_lit(b, "'>");
	for (int i = 0; i < children; i++)
		buf_lit(b, "<b/>");
	buf_lit(b, "</a>");
	return buf_view(b);
}

static void elements_share_the_name_of_their_namespace(void)
{
	enum { CHILDREN = 1000 };
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	auto_(arena_free) struct arena *a = arena_new();
	struct xml *x;
	EQ(xml_parse(&x, a, with_space(&b, XML_SPACE_MAX, CHILDREN)), 0);
	EQ(x->space.len, XML_SPACE_MAX);
	OK(x->child->space.p == x->space.p);
	OK(arena_used(a) < CHILDREN * 2 * sizeof(struct xml));
	x = parse("<xml:a><b/></xml:a>");
	EQ_STR(x->space, "http://www.w3.org/XML/1998/namespace");
	EQ_STR(x->child->space, "");
	x = parse("<a xmlns='urn:a'><b xmlns=''/><c xmlns='urn:a'/></a>");
	EQ_STR(xml_child(x, "b")->space, "");
	OK(xml_child(x, "c")->space.p == x->space.p);
}

static void namespaces_are_bounded(void)
{
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	EQ(refused(with_space(&b, XML_SPACE_MAX + 1, 1)), -E2BIG);
	for (int n = XML_SPACES_MAX - 1; n <= XML_SPACES_MAX; n++) {
		auto_(arena_free) struct arena *a = arena_new();
		struct xml *x;
		b.len = 0;
		buf_lit(&b, "<a");
		for (int i = 0; i < n; i++)
			buf_printf(&b, " xmlns:p%d='urn:%d'", i, i);
		buf_lit(&b, "/>");
		/* One is that of `xml`. */
		EQ(xml_parse(&x, a, buf_view(&b)), n < XML_SPACES_MAX ? 0 : -E2BIG);
	}
}

static void what_is_written_can_be_read_again(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	struct str nasty = STR("a<b>&\"'\t\r\n\x7f\x01\xff\xed\xa0\x80\xef\xbf\xbf\xc3\xa4");
	buf_lit(&b, "<r");
	xml_put_attr(&b, "k", nasty);
	buf_char(&b, '>');
	xml_put_element(&b, "t", nasty);
	buf_lit(&b, "</r>");
	buf_char(&b, '\0');
	struct xml *x = parse(b.p);
	static const char want[] =
	        "a<b>&\"'\t\r\n\x7f\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
	        "\xef\xbf\xbd\xef\xbf\xbd\xc3\xa4";
	EQ_STR(xml_attr(x, "k"), want);
	EQ_STR(xml_child(x, "t")->text, want);
	EQ_STR(xml_child_text(x, "t"), want);
}

static void what_is_empty_is_written_only_if_asked_for(void)
{
	char text[64];
	struct buf b = BUF_ON(text);
	xml_put_attr(&b, "a", STR(""));
	xml_put_attr_if(&b, "b", STR(""));
	xml_put_attr_if(&b, "c", STR("1"));
	xml_put_element(&b, "d", STR(""));
	xml_put_element_if(&b, "e", STR(""));
	xml_put_element_if(&b, "f", STR("2"));
	EQ_STR(buf_view(&b), " a=\"\" c=\"1\"<d></d><f>2</f>");
}

int main(void)
{
	RUN(a_document_becomes_a_tree);
	RUN(prefixes_are_resolved);
	RUN(the_source_of_an_element_is_kept_as_it_stands);
	RUN(what_is_not_well_formed_is_refused);
	RUN(an_error_is_told_with_its_line);
	RUN(a_doctype_is_refused);
	RUN(depth_and_counts_are_bounded);
	RUN(elements_share_the_name_of_their_namespace);
	RUN(namespaces_are_bounded);
	RUN(what_is_written_can_be_read_again);
	RUN(what_is_empty_is_written_only_if_asked_for);
	arena_free(&arena);
	return tap_done();
}
