#include "ctl/csv.h"

#include <errno.h>

#include "tap.h"

/* "1:a|b 3:c|d": each row's line and values; or what is wrong. */
static void check(const char *text, const char *rows)
{
	auto_(buf_free) struct buf b = buf_of(4096), why = buf_of(4096);
	struct csv c;
	int r;
	csv_init(&c, str_of(text));
	while ((r = csv_next(&c, &why)) == 1) {
		buf_printf(&b, "%s%u:", b.len > 0 ? " " : "", c.line);
		for (size_t i = 0; i < c.n; i++)
			buf_printf(&b, "%s%" STR_FMT, i > 0 ? "|" : "", STR_ARG(c.values[i]));
	}
	if (r < 0)
		buf_str(&b, buf_view(&why));
	EQ_STR(buf_view(&b), rows);
	csv_done(&c);
}

static void rows_have_values_and_lines(void)
{
	check("", "");
	check("\n\n  \n", "");
	check("a,b\n1,2\n", "1:a|b 2:1|2");
	check("a,b\r\n1,2\r\n\r\n3,4", "1:a|b 2:1|2 4:3|4");
	check(" a , b \n,2\n1,\n", "1:a|b 2:|2 3:1|");
	check("\xef\xbb\xbf"
	      "a,b\n",
	      "1:a|b");
}

static void the_separator_is_that_of_the_first_line(void)
{
	check("a;b\n1,5;2", "1:a|b 2:1,5|2");
	check("a\tb\n1,5\t2", "1:a|b 2:1,5|2");
	check("a\n1;5", "1:a 2:1;5");
}

static void quotes_keep_what_separates(void)
{
	check("a,b\n\"x, y\",\"say \"\"hi\"\"\"\n", "1:a|b 2:x, y|say \"hi\"");
	check("a,b\n\"two\nlines\",2\n3,4", "1:a|b 2:two\nlines|2 4:3|4");
	check("a,b\n  \"x\"  ,2", "1:a|b 2:x|2");
	check("a\n5\" tube", "1:a 2:5\" tube");
	check("a,b\n\"x,2\n", "1:a|bA quote that begins in line 2 does not end.");
}

static void what_is_no_table_is_refused(void)
{
	check("a,b\n\xff\xfe,2", "1:a|bLine 2 is no UTF-8 text: save the table as CSV UTF-8.");
	auto_(buf_free) struct buf b = buf_of(4096);
	for (unsigned i = 0; i < CSV_COLUMNS_MAX; i++)
		buf_lit(&b, "x,");
	buf_char(&b, '\0');
	check(b.p, "Line 1 has more than 32 columns.");
}

int main(void)
{
	RUN(rows_have_values_and_lines);
	RUN(the_separator_is_that_of_the_first_line);
	RUN(quotes_keep_what_separates);
	RUN(what_is_no_table_is_refused);
	return tap_done();
}
