#include "ctl/args.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct words {
	int argc;
	char *const *argv;
	int i;
	bool options_over;
};

/* --- usage ---------------------------------------------------------------------------------- */

/* What stands for a value in usages, where it is not the argument's name in capitals.  With "--" of
 * an option alone; with a word behind it, of one whose help begins so. */
static const struct {
	const char *arg, *word;
} value_words[] = {
	{ "action", "add|remove" },
	{ "which", "all|USER" },
	{ "as", "WATCHER" },
	{ "server", "ADDRESS" },
	{ "peer", "ADDRESS" },
	{ "photo", "FILE" },
	{ "manager", "USER" },
	{ "ntlm", "yes|no" },
	{ "hidden", "yes|no" },
	{ "admin", "yes|no" },
	{ "--before", "NUMBER" },
	{ "--since", "MOMENT" },
	{ "--list the table", "TABLE" },
	{ "list", "FILE" },
	{ "max", "N" },
	{ "sha256-only", "yes|no" },
	{ "max-endpoints", "N" },
	{ "--host", "NAME" },
	{ "--to host", "HOST[:PORT]" },
	{ "--to", "DIR" },
	{ "on", "on|off" },
	{ "life", "TIME" },
	{ "--udp-port", "PORT" },
	{ "--tcp-port", "PORT" },
	{ "--username", "NAME" },
	{ "--ca", "FILE" },
	{ "--after", "USER" },
	{ "second-factor", "required|optional|default" },
};

static bool is_named(const struct ctl_arg *a, struct str word)
{
	struct str help;
	bool of_option = str_starts(word, STR("--"));
	(void)str_cut(word, ' ', &word, &help);
	return (!of_option || !a->positional) && str_starts(str_of(a->help), help) &&
	       str_eq(of_option ? str_sub(word, 2, SIZE_MAX) : word, str_of(a->name));
}

static void put_word(struct buf *b, const struct ctl_arg *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(value_words); i++)
		if (is_named(a, str_of(value_words[i].arg))) {
			buf_str(b, str_of(value_words[i].word));
			return;
		}
	for (const char *s = a->name; *s; s++)
		buf_char(b, (char)toupper((unsigned char)*s));
}

void args_put_one(struct buf *b, const struct ctl_arg *a)
{
	buf_str(b, str_of(a->required ? " " : " ["));
	if (!a->positional)
		buf_printf(b, "--%s%s", a->name, a->type == CTL_FLAG ? "" : " ");
	if (a->positional || a->type != CTL_FLAG)
		put_word(b, a);
	if (!a->required)
		buf_char(b, ']');
}

void args_put_usage(struct buf *b, const struct ctl_command *cmd)
{
	buf_str(b, str_of(cmd->noun));
	if (cmd->verb)
		buf_printf(b, " %s", cmd->verb);
	for (size_t i = 0; i < CTL_ARGS_MAX && cmd->args[i].name; i++)
		args_put_one(b, &cmd->args[i]);
}

/* --- reading -------------------------------------------------------------------------------- */

/* A positional argument may be given by its name too. */
static const struct ctl_arg *option_named(const struct ctl_command *cmd, struct str name)
{
	for (size_t i = 0; i < CTL_ARGS_MAX && cmd->args[i].name; i++) {
		if (str_eq(str_of(cmd->args[i].name), name))
			return &cmd->args[i];
	}
	return NULL;
}

static const struct ctl_arg *next_positional(const struct ctl_command *cmd, const cJSON *args)
{
	for (size_t i = 0; i < CTL_ARGS_MAX && cmd->args[i].name; i++) {
		if (cmd->args[i].positional &&
		    !cJSON_GetObjectItemCaseSensitive(args, cmd->args[i].name))
			return &cmd->args[i];
	}
	return NULL;
}

static int unknown_option(const struct ctl_command *cmd, struct str name, struct buf *why)
{
	buf_printf(why, "There is no --%" STR_FMT " here.", STR_ARG(str_sub(name, 0, WORD_MAX)));
	for (size_t i = 0; i < CTL_ARGS_MAX && cmd->args[i].name; i++) {
		const struct ctl_arg *a = &cmd->args[i];
		if (!a->positional && word_is_near(name, str_of(a->name))) {
			buf_printf(why, "  Did you mean --%s?", a->name);
			break;
		}
	}
	return -EINVAL;
}

static int add_value(cJSON *args, const struct ctl_arg *a, struct str value, struct buf *why)
{
	auto_(xfreep) char *text = str_dup(value);
	char *end = NULL;
	double number = a->type == CTL_NUMBER ? strtod(text, &end) : 0;
	if (a->type == CTL_NUMBER && (end == text || *end != '\0' || !isfinite(number))) {
		buf_printf(why, "\"%s\" is not a number (%s).", text, a->help);
		return -EINVAL;
	}
	cJSON *v = a->type == CTL_NUMBER ? cJSON_AddNumberToObject(args, a->name, number)
	                                 : cJSON_AddStringToObject(args, a->name, text);
	return v ? 0 : -ENOMEM;
}

static int read_option(const struct ctl_command *cmd, struct words *w, cJSON *args, struct buf *why)
{
	struct str name, value, word = str_of(w->argv[w->i] + 2);
	bool has_value = str_cut(word, '=', &name, &value);
	const struct ctl_arg *a = option_named(cmd, name);
	if (!a)
		return unknown_option(cmd, name, why);
	if (cJSON_GetObjectItemCaseSensitive(args, a->name)) {
		buf_printf(why, "--%s is given twice.", a->name);
		return -EINVAL;
	}
	if (a->type == CTL_FLAG && has_value) {
		buf_printf(why, "--%s takes no value.", a->name);
		return -EINVAL;
	}
	if (a->type == CTL_FLAG)
		return cJSON_AddTrueToObject(args, a->name) ? 0 : -ENOMEM;
	if (!has_value && w->i + 1 == w->argc) {
		buf_printf(why, "--%s needs a value: %s.", a->name, a->help);
		return -EINVAL;
	}
	return add_value(args, a, has_value ? value : str_of(w->argv[++w->i]), why);
}

static int read_word(const struct ctl_command *cmd, struct words *w, cJSON *args, struct buf *why)
{
	struct str word = str_of(w->argv[w->i]);
	if (!w->options_over && str_eq(word, STR("--"))) {
		w->options_over = true;
		return 0;
	}
	if (!w->options_over && str_starts(word, STR("--")))
		return read_option(cmd, w, args, why);
	const struct ctl_arg *a = next_positional(cmd, args);
	if (!a) {
		buf_printf(why, "\"%s\" is one word too many.", w->argv[w->i]);
		return -EINVAL;
	}
	return add_value(args, a, word, why);
}

static int check_required(const struct ctl_command *cmd, const cJSON *args, struct buf *why)
{
	for (size_t i = 0; i < CTL_ARGS_MAX && cmd->args[i].name; i++) {
		const struct ctl_arg *a = &cmd->args[i];
		if (!a->required || cJSON_GetObjectItemCaseSensitive(args, a->name))
			continue;
		if (!a->positional)
			buf_lit(why, "--");
		if (a->positional)
			put_word(why, a);
		else
			buf_str(why, str_of(a->name));
		buf_printf(why, " is missing: %s.", a->help);
		return -EINVAL;
	}
	return 0;
}

int args_parse(cJSON **ret, const struct ctl_command *cmd, int argc, char *const *argv,
               struct buf *why)
{
	struct words w = { .argc = argc, .argv = argv };
	cJSON *args = cJSON_CreateObject();
	int r = args ? 0 : -ENOMEM;
	for (; r == 0 && w.i < argc; w.i++)
		r = read_word(cmd, &w, args, why);
	if (r == 0)
		r = check_required(cmd, args, why);
	if (r < 0)
		cJSON_Delete(args);
	else
		*ret = args;
	return r;
}
