/* The words behind noun and verb, read by the row of the command. */
#pragma once

#include "base/word.h"
#include "wire/ctl/ctl.h"

/* Positional words in the order of the row; "--name value", "--name=value", "--flag"; "--" ends the
 * options.  *ret belongs to the caller.  -EINVAL with a text for people. */
int args_parse(cJSON **ret, const struct ctl_command *cmd, int argc, char *const *argv,
               struct buf *why) MUST_CHECK;
/* Appends " USER", " [--phone PHONE]". */
void args_put_one(struct buf *b, const struct ctl_arg *a);
/* Appends "user add USER [--phone PHONE]". */
void args_put_usage(struct buf *b, const struct ctl_command *cmd);
