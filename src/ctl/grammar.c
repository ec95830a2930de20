#include "ctl/grammar.h"

#include <errno.h>

#include "ctl/args.h"
#include "ctl/commands.h"

enum { USAGE_WIDTH = 34 };

const struct verb *const *grammar_tables(void)
{
	/* clang-format off */
	static const struct verb *const tables[] = {
		ctl_user_verbs,
		ctl_import_verbs,
		ctl_directory_verbs,
		ctl_admin_verbs,
		ctl_server_verbs,
		ctl_process_verbs,
		ctl_call_verbs,
		ctl_presence_verbs,
		ctl_conference_verbs,
		ctl_relay_verbs,
		ctl_topology_verbs,
		ctl_cert_verbs,
		ctl_dns_verbs,
		ctl_doctor_verbs,
		ctl_page_verbs,
		NULL,
	};
	/* clang-format on */
	return tables;
}

/* --- looking up ----------------------------------------------------------------------------- */

/* The n-th row of all tables, or NULL behind the last. */
static const struct verb *row(size_t n)
{
	for (const struct verb *const *t = grammar_tables(); *t; t++) {
		for (const struct verb *v = *t; v->cmd.noun; v++) {
			if (n-- == 0)
				return v;
		}
	}
	return NULL;
}

static bool noun_exists(struct str noun)
{
	const struct verb *v;
	for (size_t i = 0; (v = row(i)); i++) {
		if (str_eq(str_of(v->cmd.noun), noun))
			return true;
	}
	return false;
}

static const struct verb *find(struct str noun, struct str verb)
{
	const struct verb *v;
	for (size_t i = 0; (v = row(i)); i++) {
		if (str_eq(str_of(v->cmd.noun), noun) && str_eq(str_of(v->cmd.verb), verb))
			return v;
	}
	return NULL;
}

static const char *near_noun(struct str noun)
{
	const struct verb *v;
	for (size_t i = 0; (v = row(i)); i++) {
		if (word_is_near(noun, str_of(v->cmd.noun)))
			return v->cmd.noun;
	}
	return NULL;
}

/* verb: what stands behind it; the two may be the wrong way round. */
static void suggest_noun(struct str noun, struct str verb, struct buf *why)
{
	const struct verb *turned = verb.len > 0 ? find(verb, noun) : NULL;
	const char *near = near_noun(noun);
	buf_printf(why, "There is no command \"%" STR_FMT "\".",
	           STR_ARG(str_sub(noun, 0, WORD_MAX)));
	if (turned)
		buf_printf(why, "  Did you mean \"%s %s\"?", turned->cmd.noun, turned->cmd.verb);
	else if (near)
		buf_printf(why, "  Did you mean \"%s\"?", near);
	buf_lit(why, "  `dialtone help` lists all.");
}

static void suggest_verb(struct str noun, struct str verb, struct buf *why)
{
	const struct verb *v, *near = NULL;
	if (verb.len > 0)
		buf_printf(why, "%" STR_FMT " cannot \"%" STR_FMT "\".", STR_ARG(noun),
		           STR_ARG(str_sub(verb, 0, WORD_MAX)));
	else
		buf_printf(why, "What about %" STR_FMT "?", STR_ARG(noun));
	buf_lit(why, "  There is:");
	for (size_t i = 0, n = 0; (v = row(i)); i++) {
		if (!str_eq(str_of(v->cmd.noun), noun) || !v->cmd.verb)
			continue;
		buf_printf(why, "%s %s", n++ > 0 ? "," : "", v->cmd.verb);
		if (!near && verb.len > 0 && word_is_near(verb, str_of(v->cmd.verb)))
			near = v;
	}
	buf_char(why, '.');
	if (near)
		buf_printf(why, "  Did you mean \"%s %s\"?", near->cmd.noun, near->cmd.verb);
}

const struct verb *grammar_find(int argc, char *const *argv, int *ret_used, struct buf *why)
{
	struct str noun = str_of(argc > 0 ? argv[0] : ""), verb = str_of(argc > 1 ? argv[1] : "");
	const struct verb *v = verb.len > 0 ? find(noun, verb) : NULL;
	*ret_used = v ? 2 : 1;
	v = v ? v : find(noun, STR(""));
	if (!v && noun_exists(noun))
		suggest_verb(noun, str_starts(verb, STR("-")) ? STR("") : verb, why);
	else if (!v)
		suggest_noun(noun, verb, why);
	return v;
}

/* --- help ----------------------------------------------------------------------------------- */

static void put_line(struct buf *b, const struct verb *v)
{
	size_t start = b->len;
	buf_printf(b, "  %s%s%s", v->cmd.noun, v->cmd.verb ? " " : "",
	           v->cmd.verb ? v->cmd.verb : "");
	for (size_t i = 0; i < CTL_ARGS_MAX && v->cmd.args[i].name; i++) {
		if (v->cmd.args[i].positional)
			args_put_one(b, &v->cmd.args[i]);
	}
	buf_char(b, ' ');
	do
		buf_char(b, ' ');
	while (b->len - start < USAGE_WIDTH);
	buf_printf(b, "%s\n", v->cmd.help);
}

static void put_command(struct buf *b, const struct verb *v)
{
	buf_lit(b, "dialtone ");
	args_put_usage(b, &v->cmd);
	buf_printf(b, "\n\n%s.\n", v->cmd.help);
	for (size_t i = 0; i < CTL_ARGS_MAX && v->cmd.args[i].name; i++) {
		const struct ctl_arg *a = &v->cmd.args[i];
		buf_printf(b, "%s  %s%-*s %s\n", i == 0 ? "\n" : "", a->positional ? "" : "--",
		           a->positional ? 20 : 18, a->name, a->help);
	}
}

static const char help_head[] =
        "dialtone: looks after a Dialtone server.\n\n"
        "  dialtone [--config DIR] [--json] COMMAND ...\n\n"
        "  --config DIR  where topology.conf and local.conf are; else $DIALTONE_CONFIG, else\n"
        "                /etc/dialtone\n"
        "  --json        answers for programs\n"
        "  --version     says which version this is\n\n";

static void put_all(struct buf *b)
{
	const struct verb *v;
	buf_lit(b, help_head);
	for (size_t i = 0; (v = row(i)); i++)
		put_line(b, v);
	buf_lit(b, "\n`dialtone help NOUN` and `dialtone help NOUN VERB` say more.\n");
}

int grammar_help(struct buf *b, struct str noun, struct str verb)
{
	const struct verb *v = verb.len > 0 ? find(noun, verb) : NULL;
	if (noun.len == 0) {
		put_all(b);
		return 0;
	}
	if (v) {
		put_command(b, v);
		return 0;
	}
	if (!noun_exists(noun) || verb.len > 0)
		return -ENOENT;
	for (size_t i = 0, n = 0; (v = row(i)); i++) {
		if (!str_eq(str_of(v->cmd.noun), noun))
			continue;
		if (n++ > 0)
			buf_char(b, '\n');
		put_command(b, v);
	}
	return 0;
}
