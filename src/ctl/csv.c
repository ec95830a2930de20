#include "ctl/csv.h"

#include <errno.h>

#include "base/code.h"

/* What stands between the names of the first line; the first of these that does. */
static char find_separator(struct str text)
{
	struct str line, rest;
	(void)str_cut(text, '\n', &line, &rest);
	return str_chr(line, ';') >= 0 ? ';' : str_chr(line, '\t') >= 0 ? '\t' : ',';
}

void csv_init(struct csv *c, struct str text)
{
	static const struct str mark = STR_INIT("\xef\xbb\xbf");
	if (str_starts(text, mark))
		text = str_sub(text, mark.len, text.len);
	*c = (struct csv){ .rest = text,
		           .separator = find_separator(text),
		           .next_line = 1,
		           .text = buf_of(CSV_BYTES_MAX) };
}

/* The values may be passwords. */
void csv_done(struct csv *c)
{
	if (c->text.p)
		wipe(c->text.p, c->text.len);
	buf_free(&c->text);
}

static char next_byte(struct csv *c)
{
	char byte = c->rest.p[0];
	c->rest = str_sub(c->rest, 1, c->rest.len);
	c->next_line += byte == '\n';
	return byte;
}

/* Behind the first quote, up to the last; two are one. */
static int take_quoted(struct csv *c)
{
	while (c->rest.len > 0) {
		char byte = next_byte(c);
		if (byte != '"')
			buf_char(&c->text, byte);
		else if (c->rest.len > 0 && c->rest.p[0] == '"')
			buf_char(&c->text, next_byte(c));
		else
			return 0;
	}
	return -EINVAL;
}

/* Its text goes behind the others; 0, or -EINVAL for a quote without end. */
static int take_value(struct csv *c)
{
	while (c->rest.len > 0 && (c->rest.p[0] == ' ' || c->rest.p[0] == '"')) {
		if (next_byte(c) == '"')
			return take_quoted(c);
	}
	while (c->rest.len > 0 && c->rest.p[0] != c->separator && c->rest.p[0] != '\n')
		buf_char(&c->text, next_byte(c));
	return 0;
}

static bool is_utf8(struct str s)
{
	for (size_t i = 0, n; i < s.len; i += n) {
		n = utf8_seq_len(str_sub(s, i, s.len));
		if (n == 0)
			return false;
	}
	return true;
}

/* The ends of the values in c->text. */
static int take_row(struct csv *c, size_t ends[CSV_COLUMNS_MAX], struct buf *why)
{
	for (;;) {
		if (c->n == CSV_COLUMNS_MAX) {
			buf_printf(why, "Line %u has more than %d columns.", c->line,
			           CSV_COLUMNS_MAX);
			return -EINVAL;
		}
		if (take_value(c) < 0) {
			buf_printf(why, "A quote that begins in line %u does not end.", c->line);
			return -EINVAL;
		}
		ends[c->n++] = c->text.len;
		while (c->rest.len > 0 && c->rest.p[0] != c->separator && c->rest.p[0] != '\n')
			(void)next_byte(c); /* blanks behind a quote */
		if (c->rest.len == 0 || next_byte(c) == '\n')
			return 0;
	}
}

int csv_next(struct csv *c, struct buf *why)
{
	size_t ends[CSV_COLUMNS_MAX], start = 0;
	bool empty = true;
	while (c->rest.len > 0 && empty) {
		csv_done(c);
		c->text = buf_of(CSV_BYTES_MAX);
		c->n = 0;
		c->line = c->next_line;
		int r = take_row(c, ends, why);
		if (r < 0)
			return r;
		start = 0;
		for (size_t i = 0; i < c->n; i++) {
			c->values[i] =
			        str_trim(str_sub(buf_view(&c->text), start, ends[i] - start));
			empty = empty && c->values[i].len == 0;
			start = ends[i];
		}
	}
	if (empty)
		return 0;
	if (!is_utf8(buf_view(&c->text))) {
		buf_printf(why, "Line %u is no UTF-8 text: save the table as CSV UTF-8.", c->line);
		return -EINVAL;
	}
	return 1;
}
