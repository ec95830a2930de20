/* The system calls that a role process may make once it has started. */
#pragma once

#include "base/buf.h"

/* Closes the sandbox for all threads: from now on a call that is not on the list ends the process
 * (SIGSYS), after one log line that names it.  `extra` (NULL-terminated, or NULL) are further
 * names. 0, or -errno with text. */
int sandbox_close(const char *const *extra, struct buf *why) MUST_CHECK;
