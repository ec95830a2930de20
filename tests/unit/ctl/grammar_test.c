#include "ctl/grammar.h"

#include <stdlib.h>

#include "ctl/args.h"
#include "daemon/roles.h"
#include "tap.h"

enum { TEXT_MAX = 64 * 1024 };

static const struct verb *find(const char *noun, const char *verb)
{
	auto_(buf_free) struct buf why = buf_of(TEXT_MAX);
	char *words[2] = { str_dup(str_of(noun)), str_dup(str_of(verb ? verb : "")) };
	int used = 0;
	const struct verb *v = grammar_find(verb ? 2 : 1, words, &used, &why);
	OK(!v || used == (verb ? 2 : 1));
	free(words[0]);
	free(words[1]);
	return v;
}

static const struct ctl_arg *arg_of(const struct ctl_command *c, const char *name)
{
	for (size_t i = 0; i < CTL_ARGS_MAX && c->args[i].name; i++) {
		if (strcmp(c->args[i].name, name) == 0)
			return &c->args[i];
	}
	return NULL;
}

static bool is_local(const struct verb *v, const char *name)
{
	struct str rest = str_of(v->local_args), word;
	while (rest.len > 0) {
		(void)str_cut(rest, ' ', &word, &rest);
		if (str_eq(word, str_of(name)))
			return true;
	}
	return false;
}

static bool same_arg(const struct ctl_arg *a, const struct ctl_arg *b)
{
	return a && b && a->type == b->type && a->positional == b->positional &&
	       a->required == b->required;
}

/* Every argument that the role takes can be given, but for a password, which the tool gets in its
 * own ways; and the tool sends nothing that the role does not take. */
static void compare_args(const struct ctl_command *role, const struct verb *v)
{
	for (size_t i = 0; i < CTL_ARGS_MAX && role->args[i].name; i++) {
		const struct ctl_arg *a = &role->args[i];
		bool secret = strcmp(a->name, "password") == 0 && v->run;
		if (!OK(secret || same_arg(a, arg_of(&v->cmd, a->name))))
			printf("# %s %s: %s\n", role->noun, role->verb, a->name);
	}
	for (size_t i = 0; i < CTL_ARGS_MAX && v->cmd.args[i].name; i++) {
		const struct ctl_arg *a = &v->cmd.args[i];
		if (!OK(is_local(v, a->name) || arg_of(role, a->name)))
			printf("# %s %s: %s\n", role->noun, role->verb, a->name);
	}
}

static void tool_knows_every_command_of_the_roles(void)
{
	for (const struct role *const *r = roles_all; *r; r++) {
		for (const struct ctl_command *c = (*r)->commands; c && c->noun; c++) {
			const struct verb *v = find(c->noun, c->verb);
			if (!OK(v && v->role && strcmp(v->role, (*r)->name) == 0)) {
				printf("# %s: %s %s\n", (*r)->name, c->noun,
				       c->verb ? c->verb : "");
				continue;
			}
			EQ(v->cmd.streams, c->streams);
			compare_args(c, v);
		}
	}
}

static void roles_know_every_command_that_the_tool_sends(void)
{
	for (const struct verb *const *t = grammar_tables(); *t; t++) {
		for (const struct verb *v = *t; v->cmd.noun; v++) {
			auto_(buf_free) struct buf b = buf_of(TEXT_MAX);
			const struct role *r =
			        v->role ? roles_find(roles_all, str_of(v->role)) : NULL;
			if (!r) /* the supervisor's are compared by the flow tests */
				continue;
			buf_printf(&b, "%s%s%s", v->cmd.noun, v->cmd.verb ? " " : "",
			           v->cmd.verb ? v->cmd.verb : "");
			if (!OK(ctl_find(r->commands, buf_view(&b)) != NULL))
				printf("# %s %s\n", v->cmd.noun, v->cmd.verb ? v->cmd.verb : "");
		}
	}
}

static void no_two_commands_have_the_same_words(void)
{
	for (const struct verb *const *t = grammar_tables(); *t; t++) {
		for (const struct verb *v = *t; v->cmd.noun; v++) {
			OK(find(v->cmd.noun, v->cmd.verb) == v);
			OK(v->cmd.help && *v->cmd.help && (v->run || v->role));
		}
	}
}

static void help_has_every_command(void)
{
	auto_(buf_free) struct buf all = buf_of(TEXT_MAX);
	EQ(grammar_help(&all, STR(""), STR("")), 0);
	for (const struct verb *const *t = grammar_tables(); *t; t++) {
		for (const struct verb *v = *t; v->cmd.noun; v++) {
			auto_(buf_free) struct buf b = buf_of(TEXT_MAX);
			EQ(grammar_help(&b, str_of(v->cmd.noun), str_of(v->cmd.verb)), 0);
			OK(str_find(buf_view(&b), str_of(v->cmd.help)) > 0);
			OK(str_find(buf_view(&all), str_of(v->cmd.help)) > 0);
		}
	}
	OK(grammar_help(&all, STR("zebra"), STR("")) < 0);
	OK(grammar_help(&all, STR("user"), STR("zebra")) < 0);
}

static void wrong_words_are_explained(void)
{
	auto_(buf_free) struct buf why = buf_of(TEXT_MAX);
	char user[] = "user", lst[] = "lst", usr[] = "usr";
	char *words[2] = { user, lst };
	int used = 0;
	OK(grammar_find(2, words, &used, &why) == NULL);
	OK(str_find(buf_view(&why), STR("Did you mean \"user list\"?")) > 0);
	why.len = 0;
	words[0] = usr;
	OK(grammar_find(1, words, &used, &why) == NULL);
	OK(str_find(buf_view(&why), STR("Did you mean \"user\"?")) > 0);
}

int main(void)
{
	RUN(tool_knows_every_command_of_the_roles);
	RUN(roles_know_every_command_that_the_tool_sends);
	RUN(no_two_commands_have_the_same_words);
	RUN(help_has_every_command);
	RUN(wrong_words_are_explained);
	return tap_done();
}
