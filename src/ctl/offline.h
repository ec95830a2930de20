/* Commands of the accounts role while the server is stopped: the role is started in this process,
 * without links and sockets, does the one command on the store, and is stopped in good order. */
#pragma once

#include "ctl/tool.h"

/* As client_ask(): 0 with *ret_result; -EREMOTEIO: the role refused, its text in `why`; another
 * -errno with a text.  As root it becomes the account that the roles run as, for good. */
int offline_ask(struct tool *t, const char *role, struct str cmd, const cJSON *args,
                cJSON **ret_result, struct buf *why) MUST_CHECK;
