#include "topo/keys.h"

#include <errno.h>

enum { WHY_MAX = 400 };

static int read_row(const struct conf_section *s, const struct setting *row, void *cfg,
                    struct buf *errors)
{
	const struct conf_entry *e = conf_get(s, str_of(row->name));
	struct setting_value v;
	auto_(buf_free) struct buf why = buf_of(WHY_MAX);
	if (!e && !row->def) {
		conf_error(errors, s, s->line, "[%" STR_FMT "%s%" STR_FMT "] needs \"%s\"",
		           STR_ARG(s->kind), s->name.len > 0 ? " " : "", STR_ARG(s->name),
		           row->name);
		return -EINVAL;
	}
	if (setting_parse(row, e ? e->value : str_of(row->def), &v, &why) < 0) {
		conf_error(errors, s, e ? e->line : s->line, "%" STR_FMT, STR_ARG(buf_view(&why)));
		return -EINVAL;
	}
	setting_store(row, &v, cfg);
	return 0;
}

int keys_read(const struct conf_section *s, const struct setting *table, void *cfg,
              struct buf *errors)
{
	int r = 0;
	for (; table->name; table++)
		if (read_row(s, table, cfg, errors) < 0)
			r = -EINVAL;
	return r;
}

static const struct setting *find(const struct setting *const *tables, struct str key)
{
	const struct setting *row = NULL;
	for (; *tables && !row; tables++)
		row = setting_find(*tables, key);
	return row;
}

static void unknown_key(const struct conf_section *s, const struct conf_entry *e,
                        const struct setting *const *tables, struct buf *errors)
{
	const char *names[KEYS_NAMES_MAX + 1];
	size_t n = 0;
	for (; *tables; tables++)
		for (const struct setting *row = *tables; row->name && n < KEYS_NAMES_MAX; row++)
			names[n++] = row->name;
	names[n] = NULL;
	const char *near = conf_nearest(e->key, names);
	conf_error(errors, s, e->line,
	           "unknown key \"%" STR_FMT "\" in [%" STR_FMT "%s%" STR_FMT "]%s%s%s",
	           STR_ARG(e->key), STR_ARG(s->kind), s->name.len > 0 ? " " : "", STR_ARG(s->name),
	           near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

int keys_check(const struct conf_section *s, const struct setting *const *tables,
               struct buf *errors)
{
	int r = 0;
	for (size_t i = 0; i < s->n_entries; i++) {
		const struct conf_entry *e = &s->entries[i];
		const struct setting *row = find(tables, e->key);
		struct setting_value v;
		auto_(buf_free) struct buf why = buf_of(WHY_MAX);
		if (!row) {
			unknown_key(s, e, tables, errors);
			r = -EINVAL;
		} else if (setting_parse(row, e->value, &v, &why) < 0) {
			conf_error(errors, s, e->line, "%" STR_FMT, STR_ARG(buf_view(&why)));
			r = -EINVAL;
		}
	}
	return r;
}
