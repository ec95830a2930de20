#include "svc/user/admin.h"

#include <string.h>

#include "tap.h"

static void only_what_is_listed_is_found(void)
{
	OK(admin_command_find(STR("user show")) != NULL);
	OK(admin_command_find(STR("user  show")) == NULL);
	OK(admin_command_find(STR("user")) == NULL);
	OK(admin_command_find(STR("")) == NULL);
	OK(admin_command_find(STR("stop")) == NULL);
	OK(admin_command_find(STR("cert import")) == NULL);
}

static void what_changes_something_says_so(void)
{
	static const char *const verbs[] = { " add",     " import", " set",    " passwd",
		                             " disable", " enable", " remove", " reset-f",
		                             " end",     " kick" };
	for (const struct admin_command *c = admin_commands; c->name; c++)
		for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
			OK(!strstr(c->name, verbs[i]) || c->changes);
}

static void files_of_the_server_are_no_arguments(void)
{
	const struct admin_command *set = admin_command_find(STR("user set"));
	OK(admin_command_takes(set, "name"));
	OK(admin_command_takes(set, "phot"));
	OK(!admin_command_takes(set, "photo"));
	OK(!admin_command_takes(admin_command_find(STR("doctor")), "server"));
	OK(admin_command_takes(admin_command_find(STR("user show")), "photo"));
}

static void check_args(const char *json, const char *shown)
{
	auto_(buf_free) struct buf b = buf_of(ADMIN_ARGS_MAX + 8);
	cJSON *args = cJSON_Parse(json);
	admin_put_args(&b, args);
	EQ_STR(buf_view(&b), shown);
	cJSON_Delete(args);
}

static void arguments_are_shown_without_secrets(void)
{
	check_args("{}", "{}");
	check_args("{\"user\":\"bob\",\"password\":\"secret\"}",
	           "{\"user\":\"bob\",\"password\":\"***\"}");
	check_args("{\"list\":\"user,password\"}", "{\"list\":\"(13 bytes)\"}");
	check_args("{\"max\":7,\"generate\":true,\"x\":false}",
	           "{\"max\":7,\"generate\":true,\"x\":false}");
	check_args("{\"a\\nb\":\"c\\\"d\"}", "{\"a\\nb\":\"c\\\"d\"}");
}

static void what_is_long_is_told_by_its_length(void)
{
	auto_(buf_free) struct buf b = buf_of(8 * ADMIN_ARGS_MAX);
	buf_lit(&b, "{\"list\":\"");
	for (unsigned i = 0; i < 1000; i++)
		buf_char(&b, 'x');
	buf_lit(&b, "\"}");
	buf_char(&b, '\0');
	check_args(b.p, "{\"list\":\"(1000 bytes)\"}");
	b.len = 0;
	buf_char(&b, '{');
	for (unsigned i = 0; i < 200; i++)
		buf_printf(&b, "%s\"name%u\":\"value %u\"", i > 0 ? "," : "", i, i);
	buf_lit(&b, "}");
	buf_char(&b, '\0');
	check_args(b.p, "{}");
}

static void what_is_long_hides_nothing_else(void)
{
	auto_(buf_free) struct buf b = buf_of(8 * ADMIN_ARGS_MAX);
	buf_lit(&b, "{\"user\":\"mallory\"");
	for (unsigned i = 0; i < 12; i++) {
		buf_printf(&b, ",\"a%u\":\"", i);
		for (unsigned k = 0; k < 100; k++)
			buf_lit(&b, "\\\"");
		buf_lit(&b, "\"");
	}
	buf_lit(&b, ",\"admin\":\"yes\"}");
	buf_char(&b, '\0');
	auto_(buf_free) struct buf shown = buf_of(ADMIN_ARGS_MAX + 8);
	cJSON *args = cJSON_Parse(b.p);
	admin_put_args(&shown, args);
	OK(str_starts(buf_view(&shown), STR("{\"user\":\"mallory\",\"a0\":\"(100 bytes)\",")));
	OK(str_ends(buf_view(&shown), STR(",\"admin\":\"yes\"}")));
	cJSON_Delete(args);
}

int main(void)
{
	RUN(only_what_is_listed_is_found);
	RUN(what_changes_something_says_so);
	RUN(files_of_the_server_are_no_arguments);
	RUN(arguments_are_shown_without_secrets);
	RUN(what_is_long_is_told_by_its_length);
	RUN(what_is_long_hides_nothing_else);
	return tap_done();
}
