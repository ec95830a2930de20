/* Which ports are relayed sockets at this moment, as a table that all processes of an edge share: a
 * client of one may have a peer that is a client of another (svc/relay/ports.h). */
#pragma once

#include "base/base.h"

enum { RELAY_LIVE_LEN = 2 * 65536 /* a byte for each port, of IPv4 and then of IPv6 */ };

/* Maps the file, which is made if it is not there.  NULL with errno. */
uint8_t *relay_live_open(const char *path);
void relay_live_close(uint8_t **tp);
