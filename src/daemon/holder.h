/* Who holds a port: for the error that a taken port is. */
#pragma once

#include "base/addr.h"

enum holder {
	HOLDER_NONE,   /* nobody has it */
	HOLDER_HIDDEN, /* a process that this account may not look into */
	HOLDER_FOUND,
};
/* Appends "pid 123 (nginx)" for each process that has a socket bound to the address and port (or to
 * the any-address), separated by ", ". */
enum holder holder_find(const struct addr *a, bool udp, struct buf *ret);
