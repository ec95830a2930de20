/* dialtone role status, metrics, log: what each process says of itself. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "ctl/commands.h"
#include "ctl/print.h"
#include "ctl/remote.h"
#include "daemon/roles.h"

enum { METRIC_LINES_MAX = 50000, ROLES_MAX = 64, LOG_LINES = 200, LOG_LINES_MAX = 1000 };

/* Two processes' answers become a list; a list stays one. */
static cJSON *gather(cJSON *a, cJSON *b)
{
	cJSON *list = cJSON_IsArray(a) ? a : cJSON_CreateArray();
	if (list != a)
		cJSON_AddItemToArray(list, a);
	cJSON_AddItemToArray(list, b);
	return list;
}

typedef void process_fn(void *arg, const cJSON *answer);

struct question {
	struct str role; /* empty: of all, ... */
	bool supervisor; /* ... and of the process that looks after them */
	const char *cmd;
	const cJSON *args; /* NULL: none */
};

/* Asks every process; one that does not answer is not there.  False, told: there is no such role.
 */
static bool ask_each(struct tool *t, const struct question *q, process_fn *fn, void *arg)
{
	static const char supervisor[] = "dialtoned";
	const char *names[ROLES_MAX + 1] = { supervisor };
	size_t n = 1, first = q->supervisor ? 0 : 1;
	bool known = q->role.len == 0;
	for (const struct role *const *r = roles_all; *r && n <= ROLES_MAX; r++)
		names[n++] = (*r)->name;
	for (size_t i = first; i < n; i++) {
		if (q->role.len > 0 && !str_eq(q->role, str_of(names[i])))
			continue;
		known = true;
		cJSON *answer = remote_ask(t, names[i], q->cmd, q->args, gather), *one;
		if (cJSON_IsArray(answer))
			cJSON_ArrayForEach(one, answer) fn(arg, one);
		else if (answer)
			fn(arg, answer);
		cJSON_Delete(answer);
	}
	if (!known)
		(void)tool_fail("There is no role \"%" STR_FMT
		                "\".  `dialtone role list` shows those "
		                "that run.",
		                STR_ARG(str_sub(q->role, 0, 40)));
	return known;
}

/* --- role status ---------------------------------------------------------------------------- */

static void add_status(void *arg, const cJSON *answer)
{
	static const char *const common[] = { "role",      "process",      "pid",  "started_at",
		                              "running_s", "memory_bytes", "cpu_s" };
	cJSON *rows = arg, *row = cJSON_CreateObject(), *figures = cJSON_CreateObject();
	for (const cJSON *v = answer->child; v; v = v->next) {
		bool is_common = false;
		for (size_t i = 0; i < ARRAY_SIZE(common); i++)
			is_common |= strcmp(v->string, common[i]) == 0;
		cJSON_AddItemToObject(is_common ? row : figures, v->string,
		                      cJSON_Duplicate(v, true));
	}
	cJSON_AddItemToObject(row, "figures", figures);
	cJSON_AddItemToArray(rows, row);
}

static int role_status(struct tool *t, cJSON *args)
{
	cJSON *rows = cJSON_CreateArray();
	struct question q = { .role = ctl_text(args, "role"), .cmd = "status" };
	if (!ask_each(t, &q, add_status, rows)) {
		cJSON_Delete(rows);
		return EXIT_FAILED;
	}
	tool_show(t, rows);
	return EXIT_FINE;
}

/* --- metrics -------------------------------------------------------------------------------- */

struct scrape {
	cJSON *rows;
	struct str name;    /* only those with this text in their names */
	char process[64];   /* "frontend/1" */
	struct str kind[2]; /* of the last "# TYPE": name, kind */
	struct str help[2];
	size_t n;
};

/* "# TYPE name kind" and "# HELP name text". */
static void take_comment(struct scrape *s, struct str line)
{
	struct str word, rest, name;
	(void)str_cut(str_sub(line, 2, line.len), ' ', &word, &rest);
	(void)str_cut(rest, ' ', &name, &rest);
	struct str *to = str_eq(word, STR("TYPE"))   ? s->kind
	                 : str_eq(word, STR("HELP")) ? s->help
	                                             : NULL;
	if (to) {
		to[0] = name;
		to[1] = rest;
	}
}

static void add_text(cJSON *row, const char *name, struct str text)
{
	auto_(xfreep) char *copy = str_dup(text);
	cJSON_AddStringToObject(row, name, copy);
}

static struct str of_name(const struct str pair[2], struct str name)
{
	return str_eq(pair[0], name) ? pair[1] : STR("");
}

/* name{labels} value */
static void take_sample(struct scrape *s, struct str line)
{
	struct str name = line, labels = STR(""), number = STR("");
	ssize_t brace = str_chr(line, '{'), end = str_find(line, STR("} "));
	if (brace >= 0 && end > brace) {
		name = str_sub(line, 0, (size_t)brace);
		labels = str_sub(line, (size_t)brace + 1, (size_t)(end - brace - 1));
		number = str_sub(line, (size_t)end + 2, line.len);
	} else {
		(void)str_cut(line, ' ', &name, &number);
	}
	if (s->n >= METRIC_LINES_MAX || (s->name.len > 0 && str_find(name, s->name) < 0))
		return;
	auto_(xfreep) char *text = str_dup(number);
	cJSON *row = cJSON_CreateObject();
	cJSON_AddStringToObject(row, "process", s->process);
	add_text(row, "name", name);
	add_text(row, "labels", labels);
	cJSON_AddNumberToObject(row, "value", strtod(text, NULL));
	add_text(row, "kind", of_name(s->kind, name));
	add_text(row, "help", of_name(s->help, name));
	cJSON_AddItemToArray(s->rows, row);
	s->n++;
}

/* Which process it is, the text itself says. */
static void take_process(struct scrape *s, struct str text)
{
	static const struct str role_label = STR_INIT("role=\""),
	                        process_label = STR_INIT("process=\"");
	struct str role, process, rest;
	struct buf b = BUF_ON(s->process);
	ssize_t info = str_find(text, STR("dialtone_info{"));
	text = info < 0 ? STR("") : str_sub(text, (size_t)info, text.len);
	ssize_t at = str_find(text, role_label), number = str_find(text, process_label);
	if (at < 0 || number < 0)
		return;
	(void)str_cut(str_sub(text, (size_t)at + role_label.len, text.len), '"', &role, &rest);
	(void)str_cut(str_sub(text, (size_t)number + process_label.len, text.len), '"', &process,
	              &rest);
	buf_printf(&b, "%" STR_FMT "/%" STR_FMT, STR_ARG(role), STR_ARG(process));
	buf_char(&b, '\0');
}

static void add_metrics(void *arg, const cJSON *answer)
{
	struct scrape *s = arg;
	struct str line, rest = str_of(cJSON_GetStringValue(answer));
	s->process[0] = '\0';
	take_process(s, rest);
	while (rest.len > 0) {
		(void)str_cut(rest, '\n', &line, &rest);
		if (str_starts(line, STR("# ")))
			take_comment(s, line);
		else if (line.len > 0)
			take_sample(s, line);
	}
	s->kind[0] = s->help[0] = STR(""); /* the text goes with the answer */
}

static int metrics(struct tool *t, cJSON *args)
{
	struct scrape s = { .rows = cJSON_CreateArray(), .name = ctl_text(args, "name") };
	struct question q = { .role = ctl_text(args, "role"), .cmd = "metrics" };
	if (!ask_each(t, &q, add_metrics, &s)) {
		cJSON_Delete(s.rows);
		return EXIT_FAILED;
	}
	tool_show(t, s.rows);
	return EXIT_FINE;
}

/* --- log ------------------------------------------------------------------------------------ */

/* A process's lines are a list, those of several, which gather() has put together, lists in one:
 * what comes here is a line, or a list of them. */
static void add_lines(void *arg, const cJSON *answer)
{
	const cJSON *one;
	if (cJSON_IsArray(answer))
		cJSON_ArrayForEach(one, answer) add_lines(arg, one);
	else
		cJSON_AddItemToArray(arg, cJSON_Duplicate(answer, true));
}

static int by_time(const void *a, const void *b)
{
	const cJSON *const *x = a, *const *y = b;
	int order = str_cmp(ctl_text(*x, "time"), ctl_text(*y, "time"));
	double nx = ctl_number(*x, "number", 0), ny = ctl_number(*y, "number", 0);
	return order != 0 ? order : nx < ny ? -1 : nx > ny;
}

/* The last `max` of them, the oldest first; takes rows. */
static cJSON *last_lines(cJSON *rows, size_t max)
{
	size_t n = 0, all = (size_t)cJSON_GetArraySize(rows);
	cJSON **list = xcalloc(MAX(all, (size_t)1), sizeof(cJSON *)), *result = cJSON_CreateArray();
	while (rows->child)
		list[n++] = cJSON_DetachItemViaPointer(rows, rows->child);
	qsort(list, n, sizeof(cJSON *), by_time);
	for (size_t i = 0; i < n; i++) {
		if (n - i <= max)
			cJSON_AddItemToArray(result, list[i]);
		else
			cJSON_Delete(list[i]);
	}
	free(list);
	cJSON_Delete(rows);
	return result;
}

static void print_lines(const cJSON *rows)
{
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	const cJSON *row;
	cJSON_ArrayForEach(row, rows)
	{
		static const char *const words[] = { "time", "level", "who", "text" };
		for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
			print_text(&b, ctl_text(row, words[i]));
			buf_char(&b, i + 1 < ARRAY_SIZE(words) ? ' ' : '\n');
		}
	}
	(void)fwrite(b.p, 1, b.len, stdout);
}

static int show_log(struct tool *t, cJSON *args)
{
	double max = ctl_number(args, "max", LOG_LINES);
	enum log_level level = LOG_DEBUG;
	struct str name = ctl_text(args, "level");
	if (name.len > 0 && log_level_parse(name.p, &level) < 0)
		return tool_fail("--level takes error, warning, info or debug.");
	if (!(max >= 1 && max <= LOG_LINES_MAX))
		return tool_fail("--max takes 1 to %d.", LOG_LINES_MAX);
	cJSON *rows = cJSON_CreateArray(), *asked = cJSON_Duplicate(args, true);
	cJSON_DeleteItemFromObjectCaseSensitive(asked, "role");
	struct question q = {
		.role = ctl_text(args, "role"), .supervisor = true, .cmd = "log", .args = asked
	};
	bool known = ask_each(t, &q, add_lines, rows);
	cJSON_Delete(asked);
	rows = last_lines(rows, (size_t)max);
	if (known && t->json)
		tool_show(t, cJSON_Duplicate(rows, true));
	else if (known)
		print_lines(rows);
	cJSON_Delete(rows);
	return known ? EXIT_FINE : EXIT_FAILED;
}

/* clang-format off */
const struct verb ctl_process_verbs[] = {
	{ .cmd = { .noun = "role", .verb = "status",
	           .help = "Show what each process needs and does",
	           .args = { { "role", CTL_TEXT, true, false, "of this role alone" } } },
	  .run = role_status, .columns = "role process pid running_s memory_bytes cpu_s" },
	{ .cmd = { .noun = "metrics", .help = "Show the metrics of the processes",
	           .args = { { "role", CTL_TEXT, true, false, "of this role alone" },
	                     { "name", CTL_TEXT, false, false, "those with this text in their names" } } },
	  .run = metrics, .columns = "process name labels value" },
	{ .cmd = { .noun = "log", .help = "Show what the processes logged last",
	           .args = { { "role", CTL_TEXT, true, false, "of this role alone; dialtoned: what looks after them" },
	                     { "level", CTL_TEXT, false, false, "error, warning, info or debug: these and worse" },
	                     { "since", CTL_TEXT, false, false, "a moment: 2026-11-27T12:00" },
	                     { "text", CTL_TEXT, false, false, "lines with this text" },
	                     { "max", CTL_NUMBER, false, false, "the last ones, 1 to 1000; 200 if absent" } } },
	  .run = show_log },
	{ .cmd = { .noun = NULL } },
};
/* clang-format on */
