/* The text form of the configuration: sections, keys, comments.  Knows no key; topo.c does.
 *
 *     # a comment
 *     [role frontend]
 *     udp = 127.0.0.1:5060, [::1]:5060
 *
 * Everything is bounded by the constants below.  Syntax: docs/decisions/0001. */
#pragma once

#include "base/buf.h"

enum {
	CONF_TEXT_MAX = 1024 * 1024,
	CONF_LINE_MAX = 4096,
	CONF_SECTIONS_MAX = 1000,
	CONF_ENTRIES_MAX = 10000,
	CONF_ERRORS_MAX = 16 * 1024, /* bytes of error text that topo_read() writes at most */
};

struct conf_entry {
	struct str key, value; /* trimmed; neither is empty */
	uint32_t line;
};

struct conf_section {
	const char *file;      /* as given to conf_parse() */
	struct str kind, name; /* `[role frontend]`; name may be empty: `[deployment]` */
	uint32_t line;
	struct conf_entry *entries;
	size_t n_entries;
};

struct conf {
	struct conf_section *sections;
	size_t n_sections;
	char *text; /* what the slices point into */
	struct conf_entry *entries;
	size_t n_entries;
};

/* Reads a text; `file` (a base name, for errors) must outlive the result.  Errors are appended to
 * `errors`, one a line as "file:line: what"; NULL if there was one. */
struct conf *conf_parse(struct str text, const char *file, struct buf *errors);
void conf_free(struct conf **cp);
/* The entry of a key, or NULL. */
const struct conf_entry *conf_get(const struct conf_section *s, struct str key);
/* Appends "file:line: " and the text. */
void conf_error(struct buf *errors, const struct conf_section *s, uint32_t line, const char *fmt,
                ...) PRINTF_LIKE(4, 5);
/* The next item of a comma separated list, trimmed; false at the end.  An empty item is returned
 * as an empty slice (an error for the caller). */
bool conf_next_item(struct str *rest, struct str *item);

/* The name of `names` (NULL-terminated) nearest to `s`, or NULL if none is near: for hints. */
const char *conf_nearest(struct str s, const char *const *names);
