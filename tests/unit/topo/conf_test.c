#include "topo/conf.h"
#include "tap.h"

static struct conf *parse(const char *text, struct buf *errors)
{
	return conf_parse(str_of(text), "x.conf", errors);
}

static void expect_error(const char *text, const char *want)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	auto_(conf_free) struct conf *c = parse(text, &errors);
	OK(c == NULL);
	EQ_STR(buf_view(&errors), want);
}

static void sections_keys_and_comments_are_read(void)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	auto_(conf_free) struct conf *c =
	        parse("# first\n\n[deployment]\n domains = a.test # main\r\n"
	              "[role frontend]\nudp=1.2.3.4:5#060\nlast = x",
	              &errors);
	EQ(errors.len, 0);
	if (!OK(c && c->n_sections == 2))
		return;
	EQ_STR(c->sections[0].kind, "deployment");
	EQ(c->sections[0].name.len, 0);
	EQ_STR(c->sections[0].entries[0].value, "a.test");
	EQ(c->sections[0].entries[0].line, 4);
	EQ_STR(c->sections[1].name, "frontend");
	EQ(c->sections[1].n_entries, 2);
	EQ_STR(conf_get(&c->sections[1], STR("udp"))->value, "1.2.3.4:5#060");
	EQ_STR(conf_get(&c->sections[1], STR("last"))->value, "x");
	OK(conf_get(&c->sections[1], STR("domains")) == NULL);
}

static void each_error_names_file_and_line(void)
{
	expect_error("a = 1\n", "x.conf:1: \"a\" stands before the first [section]\n");
	expect_error("[x\n", "x.conf:1: a section heading ends with ]\n");
	expect_error("[X]\n", "x.conf:1: a section heading is [kind] or [kind name], in small "
	                      "letters, digits and -\n");
	expect_error("[x]\n\nfoo\n", "x.conf:3: not a line of the form  key = value\n");
	expect_error("[x]\na =\n", "x.conf:2: \"a\" has no value\n");
	expect_error("[x]\na = 1\nb = 2\na = 3\n", "x.conf:4: \"a\" was already set in line 2\n");
	expect_error("[x]\na = 1\x01\n", "x.conf:2: a control character\n");
}

static void all_errors_are_reported_at_once(void)
{
	expect_error("[x]\na\nb\n", "x.conf:2: not a line of the form  key = value\n"
	                            "x.conf:3: not a line of the form  key = value\n");
}

static void long_lines_and_texts_are_refused(void)
{
	auto_(buf_free) struct buf b = buf_of(2 * CONF_TEXT_MAX), errors = buf_of(CONF_ERRORS_MAX);
	buf_lit(&b, "[x]\na = ");
	for (int i = 0; i < CONF_LINE_MAX; i++)
		buf_char(&b, 'x');
	auto_(conf_free) struct conf *c = conf_parse(buf_view(&b), "x.conf", &errors);
	OK(c == NULL);
	EQ_STR(buf_view(&errors), "x.conf:2: a line longer than 4096 bytes\n");
	while (b.len <= CONF_TEXT_MAX)
		buf_lit(&b, "\n# comment");
	errors.len = 0;
	auto_(conf_free) struct conf *d = conf_parse(buf_view(&b), "x.conf", &errors);
	OK(d == NULL);
	EQ_STR(buf_view(&errors), "x.conf: longer than 1048576 bytes\n");
}

static void too_many_sections_are_refused(void)
{
	auto_(buf_free) struct buf b = buf_of(CONF_TEXT_MAX), errors = buf_of(CONF_ERRORS_MAX);
	for (int i = 0; i <= CONF_SECTIONS_MAX; i++)
		buf_lit(&b, "[x]\n");
	auto_(conf_free) struct conf *c = conf_parse(buf_view(&b), "x.conf", &errors);
	OK(c == NULL);
	EQ_STR(buf_view(&errors), "x.conf:1001: more than 1000 sections\n");
}

static void lists_give_their_items(void)
{
	struct str rest = STR(" a ,b,, c,"), item;
	OK(conf_next_item(&rest, &item));
	EQ_STR(item, "a");
	OK(conf_next_item(&rest, &item));
	EQ_STR(item, "b");
	OK(conf_next_item(&rest, &item));
	EQ(item.len, 0);
	OK(conf_next_item(&rest, &item));
	EQ_STR(item, "c");
	OK(conf_next_item(&rest, &item));
	EQ(item.len, 0);
	OK(!conf_next_item(&rest, &item));
}

static void the_nearest_name_is_found_and_far_ones_are_not(void)
{
	static const char *const names[] = { "addresses", "name", "processes", NULL };
	const char *n = conf_nearest(STR("adresses"), names);
	OK(n && strcmp(n, "addresses") == 0);
	n = conf_nearest(STR("proceses"), names);
	OK(n && strcmp(n, "processes") == 0);
	OK(conf_nearest(STR("x"), names) == NULL);
	OK(conf_nearest(STR("telephone"), names) == NULL);
}

int main(void)
{
	RUN(sections_keys_and_comments_are_read);
	RUN(each_error_names_file_and_line);
	RUN(all_errors_are_reported_at_once);
	RUN(long_lines_and_texts_are_refused);
	RUN(too_many_sections_are_refused);
	RUN(lists_give_their_items);
	RUN(the_nearest_name_is_found_and_far_ones_are_not);
	return tap_done();
}
