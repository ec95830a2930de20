/* Connections of the roles here with roles of other hosts, as `dialtone status` and `dialtone
 * doctor` show them. */
#pragma once

#include <cjson/cJSON.h>

#include "ctl/tool.h"

/* Rows {"role","process","peer","link","state","why"} of all processes that have some; NULL: no
 * role here speaks with roles of other hosts, or none answers. */
cJSON *peers_ask(struct tool *t);
