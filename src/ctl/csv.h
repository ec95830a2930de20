/* Tables as spreadsheets write them (RFC 4180): a line of names, then rows of values. */
#pragma once

#include "base/buf.h"

enum { CSV_COLUMNS_MAX = 32, CSV_ROWS_MAX = 5000, CSV_BYTES_MAX = 1024 * 1024 };

/* Reads row by row.  Separated by what stands in the first line between its names: a comma, a
 * semicolon or a tab.  A mark of the byte order and empty lines are skipped. */
struct csv {
	struct str rest;
	char separator;
	unsigned line;      /* where the row that was read last began; from 1 */
	unsigned next_line; /* private */
	struct buf text;    /* of the last row's values */
	size_t n;
	struct str values[CSV_COLUMNS_MAX]; /* of the last row, without blanks around them */
};
/* Borrows the text; csv_done() in the end. */
void csv_init(struct csv *c, struct str text);
void csv_done(struct csv *c);
/* 1: a row; 0: the end; -EINVAL with a sentence: more columns than there may be, a quote that does
 * not end, what is no UTF-8. */
int csv_next(struct csv *c, struct buf *why) MUST_CHECK;
