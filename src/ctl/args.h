/* The words behind noun and verb, read by the row of the command. */
#pragma once

#include "wire/ctl/ctl.h"

enum { WORD_MAX = 64 };

/* Positional words in the order of the row; "--name value", "--name=value", "--flag"; "--" ends the
 * options.  *ret belongs to the caller.  -EINVAL with a text for people. */
int args_parse(cJSON **ret, const struct ctl_command *cmd, int argc, char *const *argv,
               struct buf *why) MUST_CHECK;
/* How many letters must be changed, added, left out or swapped with the next one. */
size_t word_distance(struct str a, struct str b);
/* Is `word` so near to `known` that it may be a slip of the finger? */
bool word_is_near(struct str word, struct str known);
/* Appends "user add USER [--phone TEXT]". */
void args_put_usage(struct buf *b, const struct ctl_command *cmd);
