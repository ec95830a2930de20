/* The supervisor: binds sockets, starts the role processes, keeps them running, passes on what
 * changes.  Takes no network input: signals, its control socket and the channels of its children
 * are all it reads. */
#pragma once

#include "base/buf.h"
#include "role/role.h"

struct supervisor; /* opaque */

/* Reads the configuration of a directory and gets everything that can fail: keys, certificates,
 * sockets.  NULL with text for people, one error a line. */
struct supervisor *supervisor_new(const char *dir, const struct role *const *roles,
                                  struct buf *why);
void supervisor_free(struct supervisor **sp);
/* Runs until it is stopped: the program's exit status. */
int supervisor_run(struct supervisor *s);
