/* Which process holds a port: for the error that a taken port is. */
#pragma once

#include "base/addr.h"

/* Appends "pid 123 (nginx)" for each process that has a socket bound to the address and port (or to
 * the any-address), separated by ", ".  False if none is found: another user's, or gone. */
bool holder_find(const struct addr *a, bool udp, struct buf *ret);
