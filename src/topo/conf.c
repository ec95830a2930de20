#include "topo/conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/word.h"

enum { NEAREST_NAME_MAX = 40 };

struct reader {
	struct conf *conf;
	const char *file;
	struct buf *errors;
	struct conf_section *section; /* the one that lines go to, or NULL */
	uint32_t line;
	bool bad;
};

static void put_error(struct buf *errors, const char *file, uint32_t line, const char *text)
{
	if (line > 0)
		buf_printf(errors, "%s:%u: %s\n", file, line, text);
	else
		buf_printf(errors, "%s: %s\n", file, text);
}

static void fail(struct reader *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void fail(struct reader *r, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	put_error(r->errors, r->file, r->line, text);
	r->bad = true;
}

void conf_error(struct buf *errors, const struct conf_section *s, uint32_t line, const char *fmt,
                ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	put_error(errors, s->file, line, text);
}

static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
		if (!ok)
			return false;
	}
	return s.len > 0;
}

static bool is_clean(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.p[i] < 0x20 && s.p[i] != '\t')
			return false;
	return memchr(s.p, 0x7f, s.len) == NULL;
}

static void read_heading(struct reader *r, struct str line)
{
	struct str in = str_trim(str_sub(line, 1, line.len - 2)), kind, name;
	r->section = NULL;
	(void)str_cut(in, ' ', &kind, &name);
	name = str_trim(name);
	if (line.p[line.len - 1] != ']')
		fail(r, "a section heading ends with ]");
	else if (!is_word(kind) || (name.len > 0 && !is_word(name)))
		fail(r,
		     "a section heading is [kind] or [kind name], in small letters, digits and -");
	else if (r->conf->n_sections == CONF_SECTIONS_MAX)
		fail(r, "more than %d sections", CONF_SECTIONS_MAX);
	else {
		r->section = &r->conf->sections[r->conf->n_sections++];
		*r->section = (struct conf_section){
			.file = r->file,
			.kind = kind,
			.name = name,
			.line = r->line,
			.entries = r->conf->entries + r->conf->n_entries,
		};
	}
}

static void read_entry(struct reader *r, struct str line)
{
	struct str key, value;
	bool cut = str_cut(line, '=', &key, &value);
	key = str_trim(key);
	value = str_trim(value);
	if (!cut || !is_word(key)) {
		fail(r, "not a line of the form  key = value");
		return;
	}
	if (value.len == 0) {
		fail(r, "\"%" STR_FMT "\" has no value", STR_ARG(key));
		return;
	}
	if (!r->section) {
		if (r->conf->n_sections == 0)
			fail(r, "\"%" STR_FMT "\" stands before the first [section]", STR_ARG(key));
		return; /* the heading was wrong and has been reported */
	}
	const struct conf_entry *old = conf_get(r->section, key);
	if (old) {
		fail(r, "\"%" STR_FMT "\" was already set in line %u", STR_ARG(key), old->line);
		return;
	}
	if (r->conf->n_entries == CONF_ENTRIES_MAX) {
		fail(r, "more than %d keys", CONF_ENTRIES_MAX);
		return;
	}
	r->section->entries[r->section->n_entries++] =
	        (struct conf_entry){ .key = key, .value = value, .line = r->line };
	r->conf->n_entries++;
}

/* A # starts a comment at the start of a line or after a blank. */
static struct str strip_comment(struct str line)
{
	for (size_t i = 0; i < line.len; i++)
		if (line.p[i] == '#' && (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
			return str_sub(line, 0, i);
	return line;
}

static void read_line(struct reader *r, struct str line)
{
	if (line.len > CONF_LINE_MAX) {
		fail(r, "a line longer than %d bytes", CONF_LINE_MAX);
		return;
	}
	line = str_trim(strip_comment(line));
	if (line.len == 0)
		return;
	if (!is_clean(line))
		fail(r, "a control character");
	else if (line.p[0] == '[')
		read_heading(r, line);
	else
		read_entry(r, line);
}

static size_t count_lines(struct str text, char first)
{
	size_t n = 0;
	struct str rest = text, line;
	while (rest.len > 0) {
		(void)str_cut(rest, '\n', &line, &rest);
		line = str_trim(line);
		n += line.len > 0 && (first == 0 || line.p[0] == first);
	}
	return n;
}

static struct conf *conf_new(struct str text)
{
	struct conf *c = xnew(struct conf);
	c->text = str_dup(text);
	size_t lines = count_lines(text, 0), headings = count_lines(text, '[');
	c->entries = xcalloc(MIN(lines, CONF_ENTRIES_MAX) + 1, sizeof *c->entries);
	c->sections = xcalloc(MIN(headings, CONF_SECTIONS_MAX) + 1, sizeof *c->sections);
	return c;
}

struct conf *conf_parse(struct str text, const char *file, struct buf *errors)
{
	struct reader r = { .file = file, .errors = errors };
	if (text.len > CONF_TEXT_MAX) {
		fail(&r, "longer than %d bytes", CONF_TEXT_MAX);
		return NULL;
	}
	auto_(conf_free) struct conf *c = conf_new(text);
	r.conf = c;
	struct str rest = { c->text, text.len }, line;
	while (rest.len > 0) {
		r.line++;
		(void)str_cut(rest, '\n', &line, &rest);
		read_line(&r, line);
	}
	return r.bad ? NULL : take(&c);
}

void conf_free(struct conf **cp)
{
	struct conf *c = *cp;
	*cp = NULL;
	if (!c)
		return;
	free(c->sections);
	free(c->entries);
	free(c->text);
	free(c);
}

const struct conf_entry *conf_get(const struct conf_section *s, struct str key)
{
	for (size_t i = 0; i < s->n_entries; i++)
		if (str_eq(s->entries[i].key, key))
			return &s->entries[i];
	return NULL;
}

bool conf_next_item(struct str *rest, struct str *item)
{
	if (!rest->p)
		return false;
	struct str in = *rest;
	if (!str_cut(in, ',', item, rest))
		*rest = (struct str){ NULL, 0 };
	else if (!rest->p)
		*rest = str_sub(in, in.len, 0);
	*item = str_trim(*item);
	return true;
}

const char *conf_nearest(struct str s, const char *const *names)
{
	const char *best = NULL;
	size_t best_distance = MIN(s.len / 2, 4) + 1; /* further away is no hint */
	if (s.len > NEAREST_NAME_MAX)
		return NULL;
	for (; *names; names++) {
		struct str name = str_of(*names);
		if (name.len > NEAREST_NAME_MAX)
			continue;
		size_t d = word_distance(s, name);
		if (d < best_distance) {
			best = *names;
			best_distance = d;
		}
	}
	return best;
}
