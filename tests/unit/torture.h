/* The torture messages of RFC 4475 and RFC 5118 in tests/data/sip, with what is expected of each:
 * `expected` there explains the columns. */
#pragma once

#include <stdlib.h>

#include "base/buf.h"
#include "tap.h"

enum { TORTURE_MESSAGES = 49 + 12, TORTURE_MAX = 64 * 1024, TORTURE_DROP = -1 };

struct torture_row {
	char name[48];
	int check; /* TORTURE_DROP, 0, or a code */
	int stack; /* 0: silence */
};

struct torture {
	struct torture_row rows[TORTURE_MESSAGES];
	size_t n;
};

static inline void torture_file(const char *name, struct buf *ret)
{
	char path[128], chunk[4096];
	size_t n;
	(void)snprintf(path, sizeof(path), "tests/data/sip/%s", name);
	FILE *f = fopen(path, "rb");
	OK(f != NULL);
	while (f && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_put(ret, chunk, n);
	if (f)
		(void)fclose(f);
}

/* Appends the message of this name. */
static inline void torture_put(struct buf *b, const char *name)
{
	char file[64];
	(void)snprintf(file, sizeof(file), "%s.sip", name);
	torture_file(file, b);
}

/* The message of this name; free the buffer. */
static inline struct buf torture_message(const char *name)
{
	struct buf b = buf_of(TORTURE_MAX);
	torture_put(&b, name);
	return b;
}

static inline struct str torture_word(struct str *line)
{
	struct str word;
	*line = str_trim(*line);
	(void)str_cut(*line, ' ', &word, line);
	return word;
}

static inline int torture_code(struct str word)
{
	uint32_t code = 0;
	if (str_eq(word, STR("drop")))
		return TORTURE_DROP;
	OK(str_eq(word, STR("none")) || str_to_u32(word, 699, &code) == 0);
	return (int)code;
}

static inline struct torture *torture_new(void)
{
	struct torture *t = xnew(struct torture);
	auto_(buf_free) struct buf b = buf_of(TORTURE_MAX);
	torture_file("expected", &b);
	struct str rest = buf_view(&b), line;
	while (rest.len > 0) {
		(void)str_cut(rest, '\n', &line, &rest);
		if (line.len == 0 || line.p[0] == '#' || t->n == TORTURE_MESSAGES)
			continue;
		struct torture_row *r = &t->rows[t->n++];
		struct str name = torture_word(&line);
		(void)snprintf(r->name, sizeof(r->name), "%.*s", (int)name.len, name.p);
		(void)torture_word(&line); /* the section */
		r->check = torture_code(torture_word(&line));
		r->stack = torture_code(torture_word(&line));
	}
	EQ(t->n, TORTURE_MESSAGES);
	return t;
}

static inline void torture_free(struct torture **tp)
{
	free(take(tp));
}

/* Equal, else the message's name is said. */
static inline void torture_eq(const struct torture_row *r, int got, int want)
{
	if (got != want)
		(void)fprintf(stderr, "# %s:\n", r->name);
	EQ(got, want);
}
