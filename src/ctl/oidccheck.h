/* What `dialtone doctor` says of the company's OpenID provider. */
#pragma once

#include <cjson/cJSON.h>

#include "topo/topo.h"

/* Asks it for its metadata, and adds a finding; none if the topology names no provider. */
void oidccheck(cJSON *findings, const struct topo *t);
