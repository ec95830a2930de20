/* What the running processes say of their stores. */
#pragma once

#include <cjson/cJSON.h>

#include "ctl/tool.h"

/* {"unsaved_bindings": over all front ends, "store": "ok" or why writing fails}; NULL if none
 * answers.  The caller owns it. */
cJSON *stores_ask(struct tool *t);
