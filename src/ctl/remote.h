/* Commands that a role answers over its control socket. */
#pragma once

#include "ctl/tool.h"

/* Sends the tool's verb with these arguments (without the local ones), shows the answer or the
 * stream.  The exit status; errors are told. */
int remote_run(struct tool *t, cJSON *args);
/* Whether there is a user of the name, address or number that this argument holds: EXIT_FINE, also
 * if accounts does not answer or the argument is absent; else EXIT_FAILED, told. */
int remote_check_user(struct tool *t, const cJSON *args, const char *arg);
/* The same; the argument becomes the user's address, for roles know nobody by name or number. */
int remote_name_user(struct tool *t, cJSON *args, const char *arg);
/* The `run` of a verb whose argument `user` is one. */
int remote_with_user(struct tool *t, cJSON *args);
/* Asks every process of the role quietly: NULL if nothing answers or it refuses.  join: client.h.
 * The caller owns the result. */
cJSON *remote_ask(struct tool *t, const char *role, const char *cmd,
                  cJSON *(*join)(cJSON *a, cJSON *b));
/* Asks one process with these arguments (NULL: none): EXIT_FINE and *ret, the caller's, or
 * EXIT_FAILED, told. */
int remote_get(struct tool *t, const char *role, const char *cmd, const cJSON *args,
               cJSON **ret) MUST_CHECK;
/* Frees arguments; their texts, which may be secrets, are overwritten. */
void remote_forget(cJSON *args);
