/* Whose use of the relay a command is about, and what becomes of it with the account. */
#pragma once

#include "ctl/tool.h"

/* The `run` of a verb whose argument `user` is anybody, with an account or not any more: it becomes
 * a whole address, and that there is no such user is said.  EXIT_FINE, also if it is absent; else
 * told. */
int relayuse_anybody(struct tool *t, cJSON *args);
/* The same for somebody who may use it: she must have an account that is not disabled, if accounts
 * can be asked. */
int relayuse_account(struct tool *t, cJSON *args);

/* The `after` of verbs that end an account's use, or let it begin again: tells the edge of this
 * host, and people what is to be done on others. */
int relayuse_end(struct tool *t, const cJSON *args, cJSON *result);
int relayuse_begin(struct tool *t, const cJSON *args, cJSON *result);
/* Of a new account, whose address may have been that of a removed one: quietly, here alone. */
void relayuse_admit(struct tool *t, const char *address);
