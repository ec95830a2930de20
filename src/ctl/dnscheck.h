/* Asks the DNS for each record of a zone. */
#pragma once

#include <cjson/cJSON.h>

#include "ctl/zone.h"

/* Adds a finding for each record: found, missing or wrong with the exact line to add.  `server`:
 * "address" or "address:port", NULL: the system's.  0, or -EINVAL for a server that is no address.
 */
int dnscheck(cJSON *findings, const struct zone *z, const char *server) MUST_CHECK;
/* The same in few lines: one for all that are there, one with how many are missing and wrong and
 * the command that shows each, and what could not be asked. */
int dnscheck_briefly(cJSON *findings, const struct zone *z, const char *server) MUST_CHECK;
/* Has that name an address, in the DNS or in the hosts file?  0, -ENOENT: no; -EINVAL: the server
 * is no address; else the reason why it is not known. */
int dnscheck_resolve(struct str name, const char *server) MUST_CHECK;
