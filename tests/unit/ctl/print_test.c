#include "ctl/print.h"

#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include "tap.h"

static struct buf shown(const char *json, const char *columns)
{
	struct buf b = buf_of(100000);
	cJSON *v = cJSON_Parse(json);
	OK(v != NULL);
	print_value(&b, v, columns);
	cJSON_Delete(v);
	return b;
}

static void expect(const char *json, const char *columns, const char *want)
{
	auto_(buf_free) struct buf b = shown(json, columns);
	EQ_STR(buf_view(&b), want);
}

static void objects_in_a_list_are_a_table(void)
{
	expect("[{\"user\":\"alice\",\"calls\":2,\"since_s\":75},{\"user\":\"bo\",\"calls\":10}]",
	       NULL,
	       "USER   CALLS  SINCE\n"
	       "alice      2  1 min 15 s\n"
	       "bo        10  -\n");
}

static void columns_are_chosen_and_ordered(void)
{
	expect("[{\"a\":1,\"long_name\":true,\"c\":[\"x\",\"y\"]}]", "c long_name",
	       "C     LONG NAME\n"
	       "x, y  yes\n");
}

static void letters_of_two_bytes_take_one_column(void)
{
	expect("[{\"n\":\"J\\u00f6rg\",\"x\":\"1\"},{\"n\":\"Anna\",\"x\":\"2\"}]", NULL,
	       "N     X\nJ\xc3\xb6rg  1\nAnna  2\n");
	EQ(print_width(STR("\xe4\xbd\xa0")), 2);
}

static void objects_are_lines(void)
{
	expect("{\"name\":\"a\",\"started_at\":0,\"empty\":\"\",\"none\":null}", NULL,
	       "name:    a\nstarted: 1970-01-01 00:00:00\nempty:   -\nnone:    -\n");
}

static void lists_in_objects_are_tables(void)
{
	expect("{\"version\":\"1\",\"roles\":[{\"role\":\"fe\"}]}", NULL,
	       "version: 1\nroles:\nROLE\nfe\n");
}

static void sentences_in_objects_are_lines(void)
{
	expect("{\"code\":480,\"steps\":[\"looks up bob\",\"bob is away\"],\"tags\":[\"a\",\"b\"]}",
	       NULL, "code: 480\nsteps:\n  looks up bob\n  bob is away\ntags: a, b\n");
}

static void nothing_is_shown_for_null(void)
{
	expect("null", NULL, "");
	expect("[]", NULL, "(none)\n");
	expect("\"two\\nlines\"", NULL, "two\nlines\n");
}

static void bytes_that_steer_a_terminal_are_escaped(void)
{
	expect("\"a\\u001b[2J\\u009bb\\r\"", NULL, "a\\x1b[2J\\x9bb\\x0d\n");
	expect("[{\"u\":\"x\\ny\"}]", NULL, "U\nx\\x0ay\n");
	expect("{\"a\\u0007\":1}", NULL, "a\\x07: 1\n");
}

static void spans_have_two_units(void)
{
	static const struct {
		uint64_t s;
		const char *want;
	} spans[] = { { 0, "0 s" },
		      { 59, "59 s" },
		      { 60, "1 min 0 s" },
		      { 3725, "1 h 2 min" },
		      { 90000, "1 d 1 h" } };
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		auto_(buf_free) struct buf b = buf_of(100);
		print_span(&b, spans[i].s);
		EQ_STR(buf_view(&b), spans[i].want);
	}
}

int main(void)
{
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	(void)setenv("TZ", "UTC", 1);
	tzset();
	RUN(objects_in_a_list_are_a_table);
	RUN(columns_are_chosen_and_ordered);
	RUN(letters_of_two_bytes_take_one_column);
	RUN(objects_are_lines);
	RUN(lists_in_objects_are_tables);
	RUN(sentences_in_objects_are_lines);
	RUN(nothing_is_shown_for_null);
	RUN(bytes_that_steer_a_terminal_are_escaped);
	RUN(spans_have_two_units);
	return tap_done();
}
