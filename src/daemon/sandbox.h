/* The system calls that a role process may make once it has started. */
#pragma once

#include "base/buf.h"

/* Before the loop is made: io_uring_setup() does not exist any more for this process.  What goes
 * through a ring passes by every filter, so the sandbox has no place for one, but libuv since 1.45
 * has its epoll_ctl() calls done by a ring wherever it gets one.  0, or -errno with text. */
int sandbox_refuse_rings(struct buf *why) MUST_CHECK;

/* Closes the sandbox for all threads: from now on a call that is not on the list ends the process
 * (SIGSYS), after one log line that names it.  `extra` (NULL-terminated, or NULL) are further
 * names. 0, or -errno with text. */
int sandbox_close(const char *const *extra, struct buf *why) MUST_CHECK;
