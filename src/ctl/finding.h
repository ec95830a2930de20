/* What a check found: a list of findings, each with its remedy, and the exit status from it. */
#pragma once

#include <cjson/cJSON.h>

#include "ctl/tool.h"

enum finding_level { FINDING_OK, FINDING_NOTE, FINDING_WARNING, FINDING_ERROR };

/* Adds {"level","about","what","remedy"} to the array.  An empty remedy is left out. */
void finding_add(cJSON *list, enum finding_level level, const char *about, const char *remedy,
                 const char *fmt, ...) PRINTF_LIKE(5, 6);
/* Shows the list (people: a line each, remedies below; --json: the array), takes it, and returns
 * EXIT_FAILED if there is an error among them, or a warning and `strict`. */
int finding_show(const struct tool *t, cJSON *list, bool strict);
