#include "wire/ctl/ctl.h"

#include <errno.h>

#include "tap.h"

static int parse(const char *line, cJSON **json, struct str *cmd, const cJSON **args)
{
	const char *why = NULL;
	int r = ctl_parse_request(str_of(line), json, cmd, args, &why);
	OK(r == 0 ? why == NULL : why != NULL);
	return r;
}

static bool refused(const char *line)
{
	cJSON *json = NULL;
	struct str cmd;
	const cJSON *args;
	int r = parse(line, &json, &cmd, &args);
	cJSON_Delete(json);
	return r == -EBADMSG && json == NULL;
}

static void request_with_arguments_is_read(void)
{
	cJSON *json;
	struct str cmd;
	const cJSON *args;
	EQ(parse("{\"cmd\":\"user add\",\"args\":{\"user\":\"alice\",\"n\":3.5,\"all\":true}}\n",
	         &json, &cmd, &args),
	   0);
	EQ_STR(cmd, "user add");
	EQ_STR(ctl_text(args, "user"), "alice");
	OK(ctl_number(args, "n", 0) == 3.5);
	OK(ctl_flag(args, "all"));
	cJSON_Delete(json);
}

static void absent_arguments_have_empty_values(void)
{
	cJSON *json;
	struct str cmd;
	const cJSON *args;
	EQ(parse("{\"cmd\":\"status\"}", &json, &cmd, &args), 0);
	EQ_STR(ctl_text(args, "user"), "");
	OK(ctl_number(args, "n", 7) == 7);
	OK(!ctl_flag(args, "all"));
	cJSON_Delete(json);
}

static void broken_requests_are_refused(void)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"\"status\"",
		"{\"args\":{}}",
		"{\"cmd\":5}",
		"{\"cmd\":\"x\",\"args\":[]}",
		"{\"cmd\":\"x\"} y",
		"{\"cmd\":\"x\"}}",
		"]{\"cmd\":\"x\"}",
		"{\"cmd\":\"\xff\"}",
		"{\"cmd\":\"\xc0\x80\"}",
		"{\"Cmd\":\"x\"}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (!OK(refused(bad[i])))
			printf("# %s\n", bad[i]);
	}
}

static void depth_is_limited(void)
{
	auto_(buf_free) struct buf b = buf_of(CTL_LINE_MAX);
	const char *why;
	for (int i = 0; i < CTL_DEPTH_MAX; i++)
		buf_char(&b, '[');
	for (int i = 0; i < CTL_DEPTH_MAX; i++)
		buf_char(&b, ']');
	cJSON *v = ctl_parse_json(buf_view(&b), &why);
	OK(v != NULL);
	cJSON_Delete(v);
	b.p[0] = '[';
	auto_(buf_free) struct buf deeper = buf_of(CTL_LINE_MAX);
	buf_printf(&deeper, "[%" STR_FMT "]", STR_ARG(buf_view(&b)));
	OK(ctl_parse_json(buf_view(&deeper), &why) == NULL);
	EQ_STR(str_of(why), "nested too deep");
}

static void number_of_values_is_limited(void)
{
	auto_(buf_free) struct buf b = buf_of(CTL_LINE_MAX);
	const char *why;
	buf_char(&b, '[');
	for (int i = 0; i < CTL_VALUES_MAX; i++)
		buf_lit(&b, "0,");
	buf_lit(&b, "0]");
	OK(ctl_parse_json(buf_view(&b), &why) == NULL);
	EQ_STR(str_of(why), "too many values");
}

static void length_is_limited(void)
{
	auto_(buf_free) struct buf b = buf_of(CTL_LINE_MAX + 16);
	const char *why;
	buf_char(&b, '"');
	while (b.len < CTL_LINE_MAX)
		buf_char(&b, 'x');
	buf_char(&b, '"');
	OK(ctl_parse_json(buf_view(&b), &why) == NULL);
	EQ_STR(str_of(why), "the line is too long");
}

static void brackets_in_text_do_not_count(void)
{
	const char *why;
	cJSON *v = ctl_parse_json(STR("[\"]]]]{{{{[[[[[[[[[[[[[[[[[[[[[[\\\"]\"]"), &why);
	OK(v != NULL);
	cJSON_Delete(v);
}

static const struct ctl_command table[] = {
	{ .noun = "endpoint",
	  .verb = "kick",
	  .help = "Signs one off",
	  .args = { { "user", CTL_TEXT, true, true, "whose" },
	            { "after", CTL_NUMBER, false, false, "seconds" },
	            { "all", CTL_FLAG, false, false, "all of them" } } },
	{ .noun = "trace", .streams = true, .help = "Shows \"SIP\"" },
	{ .noun = NULL },
};

static int check(const char *args_json, struct buf *why)
{
	const char *parse_why;
	cJSON *args = ctl_parse_json(str_of(args_json), &parse_why);
	OK(args != NULL);
	why->len = 0;
	int r = ctl_check_args(&table[0], args, why);
	cJSON_Delete(args);
	return r;
}

static void arguments_are_checked_against_the_row(void)
{
	auto_(buf_free) struct buf why = buf_of(1000);
	EQ(check("{\"user\":\"a\",\"after\":3,\"all\":false}", &why), 0);
	EQ(check("{\"user\":\"a\"}", &why), 0);
	EQ(check("{}", &why), -EINVAL);
	EQ_STR(buf_view(&why), "user is missing");
	EQ(check("{\"user\":7}", &why), -EINVAL);
	EQ_STR(buf_view(&why), "user must be a text");
	EQ(check("{\"user\":\"a\",\"after\":\"b\"}", &why), -EINVAL);
	EQ_STR(buf_view(&why), "--after must be a number");
	EQ(check("{\"user\":\"a\",\"after\":1e999}", &why), -EINVAL);
	EQ(check("{\"user\":\"a\",\"after\":1,\"after\":2}", &why), -EINVAL);
	EQ_STR(buf_view(&why), "--after stands there twice");
	EQ(check("{\"user\":\"a\",\"all\":1}", &why), -EINVAL);
	EQ(check("{\"user\":\"a\",\"other\":1}", &why), -EINVAL);
	EQ_STR(buf_view(&why), "--other is not an argument of endpoint kick");
}

static void commands_are_found_by_their_words(void)
{
	OK(ctl_find(table, STR("endpoint kick")) == &table[0]);
	OK(ctl_find(table, STR("trace")) == &table[1]);
	OK(ctl_find(table, STR("endpoint")) == NULL);
	OK(ctl_find(table, STR("endpoint kick x")) == NULL);
	OK(ctl_find(table, STR("trace x")) == NULL);
	OK(ctl_find(table, STR("")) == NULL);
}

static void grammar_is_written_as_json(void)
{
	auto_(buf_free) struct buf b = buf_of(10000);
	const char *why;
	ctl_put_commands(&b, table);
	cJSON *v = ctl_parse_json(buf_view(&b), &why);
	EQ(cJSON_GetArraySize(v), 2);
	const cJSON *kick = cJSON_GetArrayItem(v, 0), *trace = cJSON_GetArrayItem(v, 1);
	EQ_STR(ctl_text(kick, "verb"), "kick");
	EQ(cJSON_GetArraySize(cJSON_GetObjectItem(kick, "args")), 3);
	OK(!cJSON_GetObjectItem(trace, "verb"));
	OK(ctl_flag(trace, "streams"));
	EQ_STR(ctl_text(trace, "help"), "Shows \"SIP\"");
	cJSON_Delete(v);
}

static void answer_lines_come_back(void)
{
	auto_(buf_free) struct buf b = buf_of(1000);
	struct ctl_answer a;
	const char *why;
	ctl_put_ok(&b, STR("[1,2]"));
	EQ(ctl_parse_answer(buf_view(&b), &a, &why), 0);
	OK(a.kind == CTL_OK && cJSON_GetArraySize(a.value) == 2);
	ctl_answer_done(&a);
	b.len = 0;
	ctl_put_ok(&b, STR(""));
	EQ(ctl_parse_answer(buf_view(&b), &a, &why), 0);
	OK(a.kind == CTL_OK && cJSON_IsNull(a.value));
	ctl_answer_done(&a);
	b.len = 0;
	ctl_put_fail(&b, STR("no \"such\"\nuser"));
	EQ(ctl_parse_answer(buf_view(&b), &a, &why), 0);
	EQ(a.kind, CTL_FAIL);
	EQ_STR(a.error, "no \"such\"\nuser");
	ctl_answer_done(&a);
	b.len = 0;
	ctl_put_event(&b, STR("{\"x\":1}"));
	EQ(ctl_parse_answer(buf_view(&b), &a, &why), 0);
	EQ(a.kind, CTL_EVENT);
	OK(ctl_number(a.value, "x", 0) == 1);
	ctl_answer_done(&a);
}

static void answers_that_say_nothing_are_refused(void)
{
	struct ctl_answer a;
	const char *why;
	EQ(ctl_parse_answer(STR("{}"), &a, &why), -EBADMSG);
	EQ(ctl_parse_answer(STR("{\"ok\":true}"), &a, &why), -EBADMSG);
	EQ(ctl_parse_answer(STR("{\"ok\":false}"), &a, &why), -EBADMSG);
	EQ(ctl_parse_answer(STR("{\"ok\":1,\"result\":2}"), &a, &why), -EBADMSG);
	EQ(ctl_parse_answer(STR("no"), &a, &why), -EBADMSG);
}

static void request_line_comes_back(void)
{
	auto_(buf_free) struct buf b = buf_of(1000);
	cJSON *args = cJSON_CreateObject(), *json;
	struct str cmd;
	const cJSON *got;
	cJSON_AddStringToObject(args, "user", "a \"b\"\n\xc3\xa4");
	ctl_put_request(&b, STR("user add"), args);
	OK(str_ends(buf_view(&b), STR("}\n")) && str_chr(buf_view(&b), '\n') == (ssize_t)b.len - 1);
	buf_char(&b, '\0');
	EQ(parse(b.p, &json, &cmd, &got), 0);
	EQ_STR(cmd, "user add");
	EQ_STR(ctl_text(got, "user"), "a \"b\"\n\xc3\xa4");
	cJSON_Delete(json);
	cJSON_Delete(args);
}

int main(void)
{
	RUN(request_with_arguments_is_read);
	RUN(absent_arguments_have_empty_values);
	RUN(broken_requests_are_refused);
	RUN(depth_is_limited);
	RUN(number_of_values_is_limited);
	RUN(length_is_limited);
	RUN(brackets_in_text_do_not_count);
	RUN(arguments_are_checked_against_the_row);
	RUN(commands_are_found_by_their_words);
	RUN(grammar_is_written_as_json);
	RUN(answer_lines_come_back);
	RUN(answers_that_say_nothing_are_refused);
	RUN(request_line_comes_back);
	return tap_done();
}
