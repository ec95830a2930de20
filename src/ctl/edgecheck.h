/* What `dialtone doctor` says of the A/V edge of this host: names that clients are told, addresses
 * that they cannot reach, ports that others may take. */
#pragma once

#include <cjson/cJSON.h>

#include "topo/topo.h"

/* Adds findings; none if the topology has no edge here. */
void edgecheck(cJSON *findings, const struct topo *t);
/* Adds a finding for each name that clients are told and that does not resolve.  `server`: as
 * dnscheck() has it. */
void edgecheck_names(cJSON *findings, const struct topo *t, const char *server);

/* Is each port from first to last in the kernel's list ("8080,50000-59999", in ascending order)? */
bool edgecheck_is_reserved(struct str list, uint32_t first, uint32_t last);
