#include "ctl/finding.h"

#include <stdarg.h>
#include <stdio.h>

#include "ctl/print.h"

enum { FINDING_MAX = 8192 };

static const char *const level_name[] = {
	[FINDING_OK] = "ok",
	[FINDING_NOTE] = "note",
	[FINDING_WARNING] = "warning",
	[FINDING_ERROR] = "error",
};

void finding_add(cJSON *list, enum finding_level level, const char *about, const char *remedy,
                 const char *fmt, ...)
{
	char text[FINDING_MAX];
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON *f = cJSON_CreateObject();
	cJSON_AddStringToObject(f, "level", level_name[level]);
	cJSON_AddStringToObject(f, "about", about);
	cJSON_AddStringToObject(f, "what", text);
	if (remedy && *remedy)
		cJSON_AddStringToObject(f, "remedy", remedy);
	cJSON_AddItemToArray(list, f);
}

static int count(const cJSON *list, enum finding_level level)
{
	int n = 0;
	for (const cJSON *f = list->child; f; f = f->next)
		n += str_eq(ctl_text(f, "level"), str_of(level_name[level]));
	return n;
}

/* Remedies may have several lines (zone lines); all are indented. */
static void put_remedy(struct buf *b, struct str remedy)
{
	while (remedy.len > 0) {
		struct str line;
		(void)str_cut(remedy, '\n', &line, &remedy);
		buf_lit(b, "           ");
		print_text(b, line);
		buf_char(b, '\n');
	}
}

static void put_finding(struct buf *b, const cJSON *f)
{
	struct str level = ctl_text(f, "level");
	buf_printf(b, "%-8" STR_FMT " ", STR_ARG(level));
	print_text(b, ctl_text(f, "about"));
	buf_lit(b, ": ");
	print_text(b, ctl_text(f, "what"));
	buf_char(b, '\n');
	put_remedy(b, ctl_text(f, "remedy"));
}

static void put_summary(struct buf *b, const cJSON *list)
{
	int errors = count(list, FINDING_ERROR), warnings = count(list, FINDING_WARNING);
	if (errors + warnings == 0)
		buf_lit(b, "All is well.\n");
	else
		buf_printf(b, "%d error%s, %d warning%s.\n", errors, errors == 1 ? "" : "s",
		           warnings, warnings == 1 ? "" : "s");
}

int finding_show(const struct tool *t, cJSON *list, bool strict)
{
	int bad = count(list, FINDING_ERROR) + (strict ? count(list, FINDING_WARNING) : 0);
	if (t->json) {
		tool_show(t, list);
		return bad > 0 ? EXIT_FAILED : EXIT_FINE;
	}
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	for (const cJSON *f = list->child; f; f = f->next)
		put_finding(&b, f);
	put_summary(&b, list);
	(void)fwrite(b.p, 1, b.len, stdout);
	cJSON_Delete(list);
	return bad > 0 ? EXIT_FAILED : EXIT_FINE;
}
