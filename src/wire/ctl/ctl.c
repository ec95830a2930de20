#include "wire/ctl/ctl.h"

#include <errno.h>
#include <math.h>

#include "base/code.h"

/* --- reading -------------------------------------------------------------------------------- */

static bool is_utf8(struct str s)
{
	for (size_t i = 0, n; i < s.len; i += n) {
		n = utf8_seq_len(str_sub(s, i, s.len));
		if (n == 0)
			return false;
	}
	return true;
}

/* Walks over the text before cJSON sees it: depth and number of values are ours to bound, for the
 * tree costs some 64 bytes a value.  NULL, or what is wrong. */
static const char *check_bounds(struct str s)
{
	size_t depth = 0, values = 1;
	bool quoted = false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		if (c == '\0')
			return "a zero byte in the line";
		if (quoted) {
			if (c == '\\')
				i++;
			else if (c == '"')
				quoted = false;
			continue;
		}
		quoted = c == '"';
		if ((c == '{' || c == '[') && ++depth > CTL_DEPTH_MAX)
			return "nested too deep";
		if ((c == '}' || c == ']') && depth-- == 0)
			return "not JSON";
		if ((c == ',' || c == '{' || c == '[') && ++values > CTL_VALUES_MAX)
			return "too many values";
	}
	return NULL;
}

cJSON *ctl_parse_json(struct str text, const char **why)
{
	text = str_trim(text);
	*why = text.len > CTL_LINE_MAX ? "the line is too long"
	       : !is_utf8(text)        ? "not UTF-8"
	                               : check_bounds(text);
	if (*why)
		return NULL;
	const char *end = NULL;
	cJSON *v = cJSON_ParseWithLengthOpts(text.p, text.len, &end, false);
	if (!v || end != text.p + text.len) {
		cJSON_Delete(v);
		*why = "not JSON";
		return NULL;
	}
	return v;
}

static const cJSON *member(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static cJSON *parse_object(struct str line, const char **why)
{
	cJSON *v = ctl_parse_json(line, why);
	if (v && !cJSON_IsObject(v)) {
		cJSON_Delete(v);
		*why = "not a JSON object";
		return NULL;
	}
	return v;
}

int ctl_parse_request(struct str line, cJSON **ret_json, struct str *ret_cmd,
                      const cJSON **ret_args, const char **why)
{
	cJSON *v = parse_object(line, why);
	if (!v)
		return -EBADMSG;
	cJSON *args = cJSON_GetObjectItemCaseSensitive(v, "args");
	const cJSON *cmd = member(v, "cmd");
	*why = !cJSON_IsString(cmd)            ? "no \"cmd\""
	       : args && !cJSON_IsObject(args) ? "\"args\" is not an object"
	                                       : NULL;
	if (!*why && !args) {
		args = cJSON_AddObjectToObject(v, "args");
		*why = args ? NULL : "out of memory";
	}
	if (*why) {
		cJSON_Delete(v);
		return -EBADMSG;
	}
	*ret_json = v;
	*ret_cmd = str_of(cmd->valuestring);
	*ret_args = args;
	return 0;
}

int ctl_parse_answer(struct str line, struct ctl_answer *ret, const char **why)
{
	cJSON *v = parse_object(line, why);
	if (!v)
		return -EBADMSG;
	struct ctl_answer a = { .kind = CTL_OK, .json = v };
	const cJSON *ok = member(v, "ok"), *error = member(v, "error");
	if (cJSON_IsTrue(ok)) {
		a.value = member(v, "result");
	} else if (cJSON_IsFalse(ok) && cJSON_IsString(error)) {
		a.kind = CTL_FAIL;
		a.error = str_of(error->valuestring);
	} else {
		a.kind = CTL_EVENT;
		a.value = ok ? NULL : member(v, "event");
	}
	if (a.kind != CTL_FAIL && !a.value) {
		cJSON_Delete(v);
		*why = "neither result, error nor event";
		return -EBADMSG;
	}
	*ret = a;
	return 0;
}

void ctl_answer_done(struct ctl_answer *a)
{
	cJSON_Delete(a->json);
	*a = (struct ctl_answer){ .kind = CTL_FAIL };
}

/* --- arguments ------------------------------------------------------------------------------ */

static bool has_type(const cJSON *v, enum ctl_arg_type type)
{
	switch (type) {
	case CTL_TEXT:
		return cJSON_IsString(v);
	case CTL_NUMBER:
		return cJSON_IsNumber(v) && isfinite(v->valuedouble);
	case CTL_FLAG:
		return cJSON_IsBool(v);
	}
	return false;
}

static const struct ctl_arg *find_arg(const struct ctl_command *cmd, const char *name)
{
	for (size_t i = 0; i < CTL_ARGS_MAX && cmd->args[i].name; i++) {
		if (strcmp(cmd->args[i].name, name) == 0)
			return &cmd->args[i];
	}
	return NULL;
}

static void put_arg_name(struct buf *b, const struct ctl_arg *a)
{
	buf_printf(b, a->positional ? "%s" : "--%s", a->name);
}

int ctl_check_args(const struct ctl_command *cmd, const cJSON *args, struct buf *why)
{
	static const char *const need[] = {
		[CTL_TEXT] = "a text", [CTL_NUMBER] = "a number", [CTL_FLAG] = "true or false"
	};
	for (const cJSON *v = args->child; v; v = v->next) {
		const struct ctl_arg *a = find_arg(cmd, v->string);
		if (!a) {
			buf_printf(why, "--%.40s is not an argument of %s %s", v->string, cmd->noun,
			           cmd->verb ? cmd->verb : "");
			return -EINVAL;
		}
		if (!has_type(v, a->type)) {
			put_arg_name(why, a);
			buf_printf(why, " must be %s", need[a->type]);
			return -EINVAL;
		}
		if (member(args, v->string) != v) {
			put_arg_name(why, a);
			buf_lit(why, " stands there twice");
			return -EINVAL;
		}
	}
	for (size_t i = 0; i < CTL_ARGS_MAX && cmd->args[i].name; i++) {
		if (cmd->args[i].required && !member(args, cmd->args[i].name)) {
			put_arg_name(why, &cmd->args[i]);
			buf_lit(why, " is missing");
			return -EINVAL;
		}
	}
	return 0;
}

struct str ctl_text(const cJSON *args, const char *name)
{
	return str_of(cJSON_GetStringValue(member(args, name)));
}

double ctl_number(const cJSON *args, const char *name, double def)
{
	const cJSON *v = member(args, name);
	return cJSON_IsNumber(v) ? v->valuedouble : def;
}

bool ctl_flag(const cJSON *args, const char *name)
{
	return cJSON_IsTrue(member(args, name));
}

/* --- tables --------------------------------------------------------------------------------- */

/* Does cmd read "noun verb"? */
static bool named(const struct ctl_command *c, struct str cmd)
{
	struct str noun, verb;
	bool two = str_cut(cmd, ' ', &noun, &verb);
	return str_eq(noun, str_of(c->noun)) &&
	       (c->verb ? two && str_eq(verb, str_of(c->verb)) : !two);
}

const struct ctl_command *ctl_find(const struct ctl_command *table, struct str cmd)
{
	for (const struct ctl_command *c = table; c && c->noun; c++) {
		if (named(c, cmd))
			return c;
	}
	return NULL;
}

static void put_arg(struct buf *b, const struct ctl_arg *a)
{
	static const char *const type[] = {
		[CTL_TEXT] = "text", [CTL_NUMBER] = "number", [CTL_FLAG] = "flag"
	};
	buf_lit(b, "{\"name\":");
	json_put_str(b, str_of(a->name));
	buf_printf(b, ",\"type\":\"%s\",\"positional\":%s,\"required\":%s,\"help\":", type[a->type],
	           a->positional ? "true" : "false", a->required ? "true" : "false");
	json_put_str(b, str_of(a->help));
	buf_char(b, '}');
}

static void put_command(struct buf *b, const struct ctl_command *c)
{
	buf_lit(b, "{\"noun\":");
	json_put_str(b, str_of(c->noun));
	if (c->verb)
		json_put_member(b, "verb", str_of(c->verb));
	buf_printf(b, ",\"streams\":%s,\"help\":", c->streams ? "true" : "false");
	json_put_str(b, str_of(c->help));
	buf_lit(b, ",\"args\":[");
	for (size_t i = 0; i < CTL_ARGS_MAX && c->args[i].name; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_arg(b, &c->args[i]);
	}
	buf_lit(b, "]}");
}

void ctl_put_commands(struct buf *b, const struct ctl_command *table)
{
	buf_char(b, '[');
	for (const struct ctl_command *c = table; c && c->noun; c++) {
		if (c != table)
			buf_char(b, ',');
		put_command(b, c);
	}
	buf_char(b, ']');
}

/* --- writing -------------------------------------------------------------------------------- */

void ctl_put_json(struct buf *b, const cJSON *v)
{
	char *text = cJSON_PrintUnformatted(v);
	if (!text) {
		b->full = true;
		return;
	}
	buf_str(b, str_of(text));
	cJSON_free(text);
}

void ctl_put_request(struct buf *b, struct str cmd, const cJSON *args)
{
	buf_lit(b, "{\"cmd\":");
	json_put_str(b, cmd);
	if (args) {
		buf_lit(b, ",\"args\":");
		ctl_put_json(b, args);
	}
	buf_lit(b, "}\n");
}

void ctl_put_ok(struct buf *b, struct str result_json)
{
	buf_lit(b, "{\"ok\":true,\"result\":");
	buf_str(b, result_json.len > 0 ? result_json : STR("null"));
	buf_lit(b, "}\n");
}

void ctl_put_fail(struct buf *b, struct str error)
{
	buf_lit(b, "{\"ok\":false,\"error\":");
	json_put_str(b, error);
	buf_lit(b, "}\n");
}

void ctl_put_event(struct buf *b, struct str json)
{
	buf_lit(b, "{\"event\":");
	buf_str(b, json);
	buf_lit(b, "}\n");
}
