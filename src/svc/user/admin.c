#include "svc/user/admin.h"

#include "base/code.h"

enum {
	SHOWN_MAX = 300, /* bytes of one argument, as JSON */
	SHORT_MAX = 60,  /* and where they are too long together */
};

/* What is not here is no command of the pages: the server is not stopped, no certificate made, no
 * file read by them. */
/* clang-format off */
const struct admin_command admin_commands[] = {
	{ "user list",         .changes = false },
	{ "user show",         .changes = false },
	{ "user add",          .changes = true },
	{ "user import",       .changes = true, .without = "file" },
	{ "user set",          .changes = true, .without = "photo" },
	{ "user photo",        .changes = true, .without = "photo" },
	{ "user passwd",       .changes = true },
	{ "user reset-factor", .changes = true },
	{ "user disable",      .changes = true },
	{ "user enable",       .changes = true },
	{ "user remove",       .changes = true },
	{ "device list",       .changes = false },
	{ "device add",        .changes = true },
	{ "device remove",     .changes = true },
	{ "login list",        .changes = false },
	{ "login end",         .changes = true },
	{ "audit list",        .changes = false },
	{ "directory search",  .changes = false },
	{ "group list",        .changes = false },
	{ "group show",        .changes = false },
	{ "status",            .changes = false },
	{ "role list",         .changes = false },
	{ "role rights",       .changes = false },
	{ "role status",       .changes = false },
	{ "metrics",           .changes = false },
	{ "log",               .changes = false },
	{ "endpoint list",     .changes = false },
	{ "endpoint kick",     .changes = true },
	{ "call list",         .changes = false },
	{ "bridge list",       .changes = false },
	{ "bridge status",     .changes = false },
	{ "explain",           .changes = false },
	{ "trust",             .changes = false },
	{ "trace",             .changes = false, .streams = true },
	{ "conference list",   .changes = false },
	{ "relay status",      .changes = false },
	{ "allocation list",   .changes = false },
	{ "topology show",     .changes = false },
	{ "topology check",    .changes = false },
	{ "config show",       .changes = false },
	{ "cert show",         .changes = false },
	{ "cert check",        .changes = false },
	{ "dns",               .changes = false, .without = "server" },
	{ "doctor",            .changes = false, .without = "server" },
	{ .name = NULL },
};
/* clang-format on */

const struct admin_command *admin_command_find(struct str name)
{
	for (const struct admin_command *c = admin_commands; c->name; c++)
		if (str_eq(str_of(c->name), name))
			return c;
	return NULL;
}

bool admin_command_takes(const struct admin_command *c, const char *arg)
{
	struct str rest = str_of(c->without), one;
	while (rest.len > 0) {
		(void)str_cut(rest, ' ', &one, &rest);
		if (str_eq(one, str_of(arg)))
			return false;
	}
	return true;
}

static void put_text(struct buf *b, const char *name, struct str text, size_t max)
{
	size_t begin = b->len;
	if (str_eq(str_of(name), STR("password"))) {
		buf_lit(b, "\"***\"");
		return;
	}
	if (!str_eq(str_of(name), STR("list")) && text.len <= max) /* passwords in it, perhaps */
		json_put_str(b, text);
	if (b->full || (b->len > begin && b->len - begin <= max + 2))
		return;
	b->len = begin;
	buf_printf(b, "\"(%zu bytes)\"", text.len);
}

static void put_one(struct buf *b, const cJSON *v, size_t max)
{
	bool whom = str_eq(str_of(v->string), STR("user"));
	json_put_str(b, str_of(v->string));
	buf_char(b, ':');
	if (cJSON_IsString(v))
		put_text(b, v->string, str_of(v->valuestring), whom ? (size_t)SHOWN_MAX : max);
	else if (cJSON_IsNumber(v))
		buf_printf(b, "%.17g", v->valuedouble);
	else
		buf_str(b, cJSON_IsTrue(v) ? STR("true") : STR("false"));
}

static bool put_all(struct buf *b, const cJSON *args, size_t max)
{
	b->len = 0;
	b->full = false;
	buf_char(b, '{');
	for (const cJSON *v = args ? args->child : NULL; v; v = v->next) {
		if (b->len > 1)
			buf_char(b, ',');
		put_one(b, v, max);
	}
	buf_char(b, '}');
	return !b->full;
}

/* What else stands there must not hide what was done. */
void admin_put_args(struct buf *b, const cJSON *args)
{
	auto_(buf_free) struct buf all = buf_of(ADMIN_ARGS_MAX);
	bool whole = put_all(&all, args, SHOWN_MAX) || put_all(&all, args, SHORT_MAX);
	buf_str(b, whole ? buf_view(&all) : STR("{}"));
}
