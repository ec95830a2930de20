#include "ctl/print.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <time.h>
#include <wchar.h>

enum { COLUMNS_MAX = 32, CELL_MAX = 64 * 1024, GAP = 2 };

/* --- cells ---------------------------------------------------------------------------------- */

void print_text(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = (uint8_t)s.p[i];
		uint8_t next = i + 1 < s.len ? (uint8_t)s.p[i + 1] : 0;
		if (c < 0x20 || c == 0x7f)
			buf_printf(b, "\\x%02x", c);
		else if (c == 0xc2 && next >= 0x80 && next < 0xa0) /* U+0080 to U+009F */
			buf_printf(b, "\\x%02x", s.p[++i] & 0xff);
		else
			buf_char(b, (char)c);
	}
}

void print_span(struct buf *b, uint64_t s)
{
	if (s >= 86400)
		buf_printf(b, "%llu d %llu h", (unsigned long long)(s / 86400),
		           (unsigned long long)(s % 86400 / 3600));
	else if (s >= 3600)
		buf_printf(b, "%llu h %llu min", (unsigned long long)(s / 3600),
		           (unsigned long long)(s % 3600 / 60));
	else if (s >= 60)
		buf_printf(b, "%llu min %llu s", (unsigned long long)(s / 60),
		           (unsigned long long)(s % 60));
	else
		buf_printf(b, "%llu s", (unsigned long long)s);
}

static void print_moment(struct buf *b, double at)
{
	time_t t = (time_t)at;
	struct tm tm;
	char text[32];
	if (localtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm) > 0)
		buf_str(b, str_of(text));
}

static void print_number(struct buf *b, const char *key, double v)
{
	struct str k = str_of(key);
	if (str_ends(k, STR("_at")) && v >= 0)
		print_moment(b, v);
	else if (str_ends(k, STR("_s")) && v >= 0)
		print_span(b, (uint64_t)v);
	else if (floor(v) == v && fabs(v) < 1e15)
		buf_printf(b, "%.0f", v);
	else
		buf_printf(b, "%.6g", v);
}

static void print_list(struct buf *b, const char *key, const cJSON *v)
{
	for (const cJSON *item = v->child; item; item = item->next) {
		if (item != v->child)
			buf_lit(b, ", ");
		if (cJSON_IsObject(v) && item->string) {
			print_text(b, str_of(item->string));
			buf_char(b, ' ');
		}
		print_cell(b, cJSON_IsObject(v) ? item->string : key, item);
	}
}

void print_cell(struct buf *b, const char *key, const cJSON *v)
{
	if (cJSON_IsString(v) && v->valuestring[0] != '\0')
		print_text(b, str_of(v->valuestring));
	else if (cJSON_IsNumber(v))
		print_number(b, key ? key : "", v->valuedouble);
	else if (cJSON_IsBool(v))
		buf_str(b, str_of(cJSON_IsTrue(v) ? "yes" : "no"));
	else if ((cJSON_IsArray(v) || cJSON_IsObject(v)) && v->child)
		print_list(b, key, v);
	else
		buf_char(b, '-');
}

size_t print_width(struct str s)
{
	size_t width = 0;
	mbstate_t st = { 0 };
	for (size_t i = 0; i < s.len;) {
		wchar_t wc = 0;
		size_t n = mbrtowc(&wc, s.p + i, s.len - i, &st);
		if (n == 0 || n > s.len - i) { /* not text of this locale: a column a byte */
			st = (mbstate_t){ 0 };
			n = 1;
			wc = L'?';
		}
		int w = wcwidth(wc);
		width += w > 0 ? (size_t)w : 0;
		i += n;
	}
	return width;
}

static void print_pad(struct buf *b, size_t n)
{
	for (; n > 0; n--)
		buf_char(b, ' ');
}

/* The key without its unit, blanks for underlines. */
static void print_title(struct buf *b, struct str key, bool upper)
{
	if (str_ends(key, STR("_at")))
		key.len -= 3;
	else if (str_ends(key, STR("_s")))
		key.len -= 2;
	auto_(buf_free) struct buf title = buf_of(CELL_MAX);
	for (size_t i = 0; i < key.len; i++) {
		char c = key.p[i] == '_' ? ' ' : key.p[i];
		buf_char(&title, upper ? (char)toupper((unsigned char)c) : c);
	}
	print_text(b, buf_view(&title));
}

/* --- tables --------------------------------------------------------------------------------- */

struct table {
	struct str keys[COLUMNS_MAX];
	size_t width[COLUMNS_MAX];
	bool right[COLUMNS_MAX]; /* numbers stand at the right */
	size_t n;
};

static const cJSON *cell_of(const cJSON *row, struct str key)
{
	for (const cJSON *v = row->child; v; v = v->next) {
		if (str_eq(str_of(v->string), key))
			return v;
	}
	return NULL;
}

static void choose_columns(struct table *t, const cJSON *first, const char *columns)
{
	struct str rest = str_of(columns), key;
	while (columns && rest.len > 0 && t->n < COLUMNS_MAX) {
		(void)str_cut(rest, ' ', &key, &rest);
		if (key.len > 0)
			t->keys[t->n++] = key;
	}
	for (const cJSON *v = columns ? NULL : first->child; v && t->n < COLUMNS_MAX; v = v->next)
		t->keys[t->n++] = str_of(v->string);
}

static bool is_count(struct str key, const cJSON *v)
{
	return cJSON_IsNumber(v) && !str_ends(key, STR("_at"));
}

static void measure(struct table *t, const cJSON *rows)
{
	auto_(buf_free) struct buf b = buf_of(CELL_MAX);
	for (size_t i = 0; i < t->n; i++) {
		b.len = 0;
		print_title(&b, t->keys[i], true);
		t->width[i] = print_width(buf_view(&b));
		t->right[i] = true;
		for (const cJSON *row = rows->child; row; row = row->next) {
			const cJSON *v = cell_of(row, t->keys[i]);
			b.len = 0;
			print_cell(&b, v ? v->string : "", v);
			t->width[i] = MAX(t->width[i], print_width(buf_view(&b)));
			t->right[i] = t->right[i] && is_count(t->keys[i], v);
		}
	}
}

static void put_cell(struct buf *b, const struct table *t, size_t i, struct str text)
{
	size_t pad = t->width[i] - MIN(t->width[i], print_width(text));
	if (t->right[i])
		print_pad(b, pad);
	buf_str(b, text);
	if (i + 1 == t->n)
		return;
	print_pad(b, (t->right[i] ? 0 : pad) + GAP);
}

static void put_row(struct buf *b, const struct table *t, const cJSON *row)
{
	auto_(buf_free) struct buf cell = buf_of(CELL_MAX);
	for (size_t i = 0; i < t->n; i++) {
		const cJSON *v = row ? cell_of(row, t->keys[i]) : NULL;
		cell.len = 0;
		if (row)
			print_cell(&cell, v ? v->string : "", v);
		else
			print_title(&cell, t->keys[i], true);
		put_cell(b, t, i, buf_view(&cell));
	}
	buf_char(b, '\n');
}

static void print_table(struct buf *b, const cJSON *rows, const char *columns)
{
	struct table t = { .n = 0 };
	choose_columns(&t, rows->child, columns);
	measure(&t, rows);
	put_row(b, &t, NULL);
	for (const cJSON *row = rows->child; row; row = row->next)
		put_row(b, &t, row);
}

static void print_array(struct buf *b, const cJSON *v, const char *columns)
{
	if (cJSON_IsObject(v->child)) {
		print_table(b, v, columns);
		return;
	}
	for (const cJSON *item = v->child; item; item = item->next) {
		print_cell(b, "", item);
		buf_char(b, '\n');
	}
	if (!v->child)
		buf_lit(b, "(none)\n");
}

/* --- lines ---------------------------------------------------------------------------------- */

static bool is_table(const cJSON *v)
{
	return cJSON_IsArray(v) && cJSON_IsObject(v->child);
}

/* Several sentences are a list below their title, one a line. */
static bool is_story(const cJSON *v)
{
	return cJSON_IsArray(v) && cJSON_GetArraySize(v) > 1 && cJSON_IsString(v->child) &&
	       strchr(v->child->valuestring, ' ');
}

static void print_story(struct buf *b, const cJSON *v)
{
	for (const cJSON *item = v->child; item; item = item->next) {
		buf_lit(b, "  ");
		print_cell(b, "", item);
		buf_char(b, '\n');
	}
}

static size_t title_width(const cJSON *object)
{
	size_t width = 0;
	auto_(buf_free) struct buf title = buf_of(CELL_MAX);
	for (const cJSON *v = object->child; v; v = v->next) {
		title.len = 0;
		print_title(&title, str_of(v->string), false);
		width = MAX(width,
		            is_table(v) || is_story(v) ? 0 : print_width(buf_view(&title)) + 1);
	}
	return width;
}

static void print_object(struct buf *b, const cJSON *object)
{
	size_t width = title_width(object);
	for (const cJSON *v = object->child; v; v = v->next) {
		size_t start = b->len;
		print_title(b, str_of(v->string), false);
		buf_char(b, ':');
		if (is_table(v) || is_story(v)) {
			buf_char(b, '\n');
			if (is_table(v))
				print_table(b, v, NULL);
			else
				print_story(b, v);
			continue;
		}
		print_pad(b, width + 1 - MIN(width, b->len - start));
		print_cell(b, v->string, v);
		buf_char(b, '\n');
	}
}

/* Text of our own roles may have several lines. */
static void print_lines(struct buf *b, struct str s)
{
	while (s.len > 0) {
		struct str line;
		(void)str_cut(s, '\n', &line, &s);
		print_text(b, line);
		buf_char(b, '\n');
	}
}

void print_value(struct buf *b, const cJSON *v, const char *columns)
{
	if (cJSON_IsArray(v))
		print_array(b, v, columns);
	else if (cJSON_IsObject(v))
		print_object(b, v);
	else if (cJSON_IsString(v))
		print_lines(b, str_of(v->valuestring));
	else if (v && !cJSON_IsNull(v)) {
		print_cell(b, "", v);
		buf_char(b, '\n');
	}
}
