/* Results as text for people: tables, lines of "key: value", plain text. */
#pragma once

#include <cjson/cJSON.h>

#include "base/buf.h"

enum { PRINT_MAX = 64 * 1024 * 1024 };

/* An array of objects becomes an aligned table (columns: keys in order, separated by blanks, or
 * NULL: all keys of the first object), an object lines, a text itself, null nothing.  Keys that
 * end in _at are moments (seconds since 1970), in _s spans.  Bytes that could steer a terminal are
 * escaped. */
void print_value(struct buf *b, const cJSON *v, const char *columns);
/* One cell, as it stands in a table: "-" for null, yes and no, numbers, texts, lists. */
void print_cell(struct buf *b, const char *key, const cJSON *v);
/* Text with control bytes escaped. */
void print_text(struct buf *b, struct str s);
/* "3 d 4 h", "5 min 20 s". */
void print_span(struct buf *b, uint64_t seconds);
/* Columns that the text takes on a terminal. */
size_t print_width(struct str s);
