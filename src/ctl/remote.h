/* Commands that a role answers over its control socket. */
#pragma once

#include "ctl/tool.h"

/* Does a command, whoever it is that does it; takes its arguments.  The exit status; errors are
 * told.
 */
int remote_do(struct tool *t, const struct verb *v, cJSON *args);
/* Sends the tool's verb with these arguments (without the local ones), shows the answer or the
 * stream.  The exit status; errors are told. */
int remote_run(struct tool *t, cJSON *args);
/* Asks accounts for a user by name, address or number.  0 with *ret, the caller's: what `user show`
 * says; -ENOENT with its reason in `why`; -EAGAIN: accounts does not answer, so that nobody knows.
 */
int remote_find_user(struct tool *t, const char *user, cJSON **ret, struct buf *why) MUST_CHECK;
/* Whether there is a user of the name, address or number that this argument holds: EXIT_FINE, also
 * if accounts does not answer or the argument is absent; else EXIT_FAILED, told. */
int remote_check_user(struct tool *t, const cJSON *args, const char *arg);
/* The same; the argument becomes the user's address, for roles know nobody by name or number. */
int remote_name_user(struct tool *t, cJSON *args, const char *arg);
/* The `run` of a verb whose argument `user` is one. */
int remote_with_user(struct tool *t, cJSON *args);
/* Appends "edge-av runs on host b (b.example.com)", all of them, or that none has it; `but`: leaves
 * that host out, and then says nothing if there is no other.  True: there is one. */
bool remote_put_where(struct buf *b, const struct topo *t, const char *role,
                      const struct topo_host *but);
/* Asks every process of the role quietly, with these arguments (NULL: none): NULL if nothing
 * answers or it refuses.  join: client.h. The caller owns the result. */
cJSON *remote_ask(struct tool *t, const char *role, const char *cmd, const cJSON *args,
                  cJSON *(*join)(cJSON *a, cJSON *b));
/* Asks one process with these arguments (NULL: none): EXIT_FINE and *ret, the caller's, or
 * EXIT_FAILED, told. */
int remote_get(struct tool *t, const char *role, const char *cmd, const cJSON *args,
               cJSON **ret) MUST_CHECK;
/* Frees arguments; their texts, which may be secrets, are overwritten. */
void remote_forget(cJSON *args);
