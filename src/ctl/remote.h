/* Commands that a role answers over its control socket. */
#pragma once

#include "ctl/tool.h"

/* Sends the tool's verb with these arguments (without the local ones), shows the answer or the
 * stream.  The exit status; errors are told. */
int remote_run(struct tool *t, cJSON *args);
/* Whether there is a user of that name, address or number: EXIT_FINE, also if accounts does not
 * answer; else EXIT_FAILED, told. */
int remote_check_user(struct tool *t, struct str user);
/* Asks every process of the role quietly: NULL if nothing answers or it refuses.  join: client.h.
 * The caller owns the result. */
cJSON *remote_ask(struct tool *t, const char *role, const char *cmd,
                  cJSON *(*join)(cJSON *a, cJSON *b));
/* Frees arguments; their texts, which may be secrets, are overwritten. */
void remote_forget(cJSON *args);
