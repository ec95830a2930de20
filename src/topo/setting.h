/* Settings as tables: each module describes what can be set in one table, from which reading,
 * checking, `dialtone config` and the manual are made. */
#pragma once

#include "base/buf.h"

enum setting_type {
	SET_BOOL,    /* yes | no */
	SET_UINT,    /* uint32_t, with bounds */
	SET_SECONDS, /* uint32_t; "90", "90 s", "15 min", "8 h", "7 d" */
	SET_BYTES,   /* uint32_t; "128 kB", "4 MB" (1024) */
	SET_TEXT,    /* struct str; bounds are lengths */
	SET_CHOICE,  /* int (an enum); `choices` names the values 0.. separated by blanks */
};

struct setting {
	const char *name; /* "max-endpoints" */
	enum setting_type type;
	uint32_t offset; /* of the field in the module's config struct */
	uint32_t min, max;
	const char *def;    /* as a person would write it */
	const char *absent; /* what counts if it is absent, for the manual; NULL: def */
	const char *choices;
	const char *help; /* one line */
	bool restart;     /* a change needs a restart of the role (said by reload) */
};

/* Tables end with a row without name. */
/* clang-format off */
#define SETTING_END { .name = NULL }
/* One row: the field's type is checked at compile time by these. */
#define SETTING_U32(sname, stype, cfg, field, ...) \
	{ .name = (sname), .type = (stype), \
	  .offset = offsetof(cfg, field) + 0 * sizeof(&((cfg *)0)->field == (uint32_t *)0), \
	  __VA_ARGS__ }
#define SETTING_FLAG(sname, cfg, field, ...) \
	{ .name = (sname), .type = SET_BOOL, \
	  .offset = offsetof(cfg, field) + 0 * sizeof(&((cfg *)0)->field == (bool *)0), \
	  __VA_ARGS__ }
#define SETTING_STR(sname, cfg, field, ...) \
	{ .name = (sname), .type = SET_TEXT, \
	  .offset = offsetof(cfg, field) + 0 * sizeof(&((cfg *)0)->field == (struct str *)0), \
	  __VA_ARGS__ }
#define SETTING_ENUM(sname, cfg, field, ...) \
	{ .name = (sname), .type = SET_CHOICE, .offset = offsetof(cfg, field), __VA_ARGS__ }
/* clang-format on */

/* A value as read; which member holds it depends on the type (SET_TEXT: s; all others: u). */
struct setting_value {
	uint32_t u;
	struct str s; /* borrows from the text */
};

/* Reads a text as a person wrote it.  0, or -EINVAL with what is expected appended to `why`. */
int setting_parse(const struct setting *s, struct str text, struct setting_value *ret,
                  struct buf *why) MUST_CHECK;
/* Puts a value into its field of the module's config struct. */
void setting_store(const struct setting *s, const struct setting_value *v, void *cfg);
/* The row of that name, or NULL. */
const struct setting *setting_find(const struct setting *table, struct str name);
/* What may be written, for people: "15 s to 7 d", "yes or no", "md5, sha256 or both". */
void setting_put_range(struct buf *b, const struct setting *s);
