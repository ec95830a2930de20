#include "topo/setting.h"

#include <errno.h>

struct unit {
	const char *name;
	uint32_t factor;
};

static const struct unit seconds_units[] = {
	{ "d", 86400 }, { "h", 3600 }, { "min", 60 }, { "s", 1 }, { NULL, 0 }
};
static const struct unit bytes_units[] = {
	{ "GB", 1u << 30 }, { "MB", 1u << 20 }, { "kB", 1u << 10 }, { "B", 1 }, { NULL, 0 }
};

static const struct unit *units_of(enum setting_type type)
{
	return type == SET_SECONDS ? seconds_units : type == SET_BYTES ? bytes_units : NULL;
}

/* The value in the largest unit that divides it: 900 is "15 min". */
static void put_number(struct buf *b, const struct setting *s, uint32_t v)
{
	const struct unit *u = units_of(s->type);
	if (!u) {
		buf_dec(b, v);
		return;
	}
	while (u[1].name && (v == 0 || v % u->factor != 0))
		u++;
	buf_printf(b, "%u %s", v / u->factor, u->name);
}

static void put_choices(struct buf *b, const char *choices)
{
	struct str rest = str_of(choices), word;
	bool first = true;
	while (rest.len > 0) {
		(void)str_cut(rest, ' ', &word, &rest);
		buf_printf(b, "%s%" STR_FMT,
		           first          ? ""
		           : rest.len > 0 ? ", "
		                          : " or ",
		           STR_ARG(word));
		first = false;
	}
}

void setting_put_range(struct buf *b, const struct setting *s)
{
	switch (s->type) {
	case SET_BOOL:
		buf_lit(b, "yes or no");
		break;
	case SET_CHOICE:
		put_choices(b, s->choices);
		break;
	case SET_TEXT:
		buf_printf(b, "text of %u to %u bytes", s->min, s->max);
		break;
	case SET_UINT:
	case SET_SECONDS:
	case SET_BYTES:
		put_number(b, s, s->min);
		buf_lit(b, " to ");
		put_number(b, s, s->max);
		break;
	}
}

static int parse_bool(struct str text, uint32_t *ret)
{
	bool yes = str_eq(text, STR("yes"));
	if (!yes && !str_eq(text, STR("no")))
		return -EINVAL;
	*ret = yes;
	return 0;
}

static int parse_choice(const char *choices, struct str text, uint32_t *ret)
{
	struct str rest = str_of(choices), word;
	for (uint32_t i = 0; rest.len > 0; i++) {
		(void)str_cut(rest, ' ', &word, &rest);
		if (str_eq(word, text)) {
			*ret = i;
			return 0;
		}
	}
	return -EINVAL;
}

static size_t count_digits(struct str s)
{
	size_t n = 0;
	while (n < s.len && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	return n;
}

static int parse_number(const struct setting *s, struct str text, uint32_t *ret)
{
	const struct unit *u = units_of(s->type);
	size_t digits = count_digits(text);
	struct str unit = str_trim(str_sub(text, digits, text.len));
	uint32_t v, factor = 1;
	if (unit.len > 0) {
		while (u && u->name && !str_eq(str_of(u->name), unit))
			u++;
		if (!u || !u->name)
			return -EINVAL;
		factor = u->factor;
	}
	if (str_to_u32(str_sub(text, 0, digits), UINT32_MAX / factor, &v) < 0)
		return -EINVAL;
	if (v * factor < s->min || v * factor > s->max)
		return -EINVAL;
	*ret = v * factor;
	return 0;
}

int setting_parse(const struct setting *s, struct str text, struct setting_value *ret,
                  struct buf *why)
{
	struct setting_value v = { .s = text };
	int r = -EINVAL;
	switch (s->type) {
	case SET_BOOL:
		r = parse_bool(text, &v.u);
		break;
	case SET_CHOICE:
		r = parse_choice(s->choices, text, &v.u);
		break;
	case SET_TEXT:
		r = text.len >= s->min && text.len <= s->max ? 0 : -EINVAL;
		break;
	case SET_UINT:
	case SET_SECONDS:
	case SET_BYTES:
		r = parse_number(s, text, &v.u);
		break;
	}
	if (r < 0) {
		buf_printf(why, "\"%s\" must be ", s->name);
		setting_put_range(why, s);
		return r;
	}
	*ret = v;
	return 0;
}

void setting_store(const struct setting *s, const struct setting_value *v, void *cfg)
{
	void *field = (char *)cfg + s->offset;
	switch (s->type) {
	case SET_BOOL:
		*(bool *)field = v->u != 0;
		break;
	case SET_CHOICE:
		*(int *)field = (int)v->u;
		break;
	case SET_TEXT:
		*(struct str *)field = v->s;
		break;
	case SET_UINT:
	case SET_SECONDS:
	case SET_BYTES:
		*(uint32_t *)field = v->u;
		break;
	}
}

const struct setting *setting_find(const struct setting *table, struct str name)
{
	for (; table->name; table++)
		if (str_eq(str_of(table->name), name))
			return table;
	return NULL;
}
