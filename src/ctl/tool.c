#include "ctl/tool.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/print.h"
#include "daemon/config.h"
#include "daemon/roles.h"
#include "topo/conf.h"

int tool_fail(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)fputs("dialtone: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	return EXIT_FAILED;
}

const struct topo *tool_topo(struct tool *t)
{
	if (t->config)
		return t->config->topo;
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	t->config = config_load(t->config_dir, roles_all, &errors);
	if (t->config)
		return t->config->topo;
	(void)tool_fail("The configuration in %s cannot be used:", t->config_dir);
	(void)fwrite(errors.p, 1, errors.len, stderr);
	return NULL;
}

struct str tool_run_dir(struct tool *t)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	if (!t->config)
		t->config = config_load(t->config_dir, roles_all, &errors);
	if (t->config)
		return t->config->topo->run_dir;
	if (!t->run_dir) {
		auto_(buf_free) struct buf b = buf_of(PATH_MAX);
		topo_put_run_dir(&b, t->config_dir);
		t->run_dir = str_dup(buf_view(&b));
	}
	return str_of(t->run_dir);
}

void tool_become_text(cJSON *result, struct str text)
{
	auto_(xfreep) char *copy = str_dup(text);
	cJSON *made = cJSON_CreateString(copy);
	cJSON_Delete(result->child);
	cJSON_free(result->valuestring);
	result->child = NULL;
	result->type = cJSON_String;
	result->valuestring = take(&made->valuestring);
	cJSON_Delete(made);
}

void tool_show(const struct tool *t, cJSON *result)
{
	auto_(buf_free) struct buf b = buf_of(PRINT_MAX);
	if (t->json) {
		ctl_put_json(&b, result);
		buf_char(&b, '\n');
	} else {
		print_value(&b, result, t->verb->columns);
	}
	(void)fwrite(b.p, 1, b.len, stdout);
	cJSON_Delete(result);
}
