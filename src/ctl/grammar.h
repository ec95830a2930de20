/* All commands of the tool: the modules' tables, looked up by noun and verb, and help from them. */
#pragma once

#include "ctl/tool.h"

/* The tables in the order of `dialtone help`; each ends with a row without noun; NULL at the end.
 */
const struct verb *const *grammar_tables(void);
/* The row that the words name; *ret_used is how many of them (1 or 2).  NULL: none, with a text for
 * people that names what is near. */
const struct verb *grammar_find(int argc, char *const *argv, int *ret_used, struct buf *why);
/* Help on everything (noun empty), on a noun, or on a command (verb not empty).  -ENOENT. */
int grammar_help(struct buf *b, struct str noun, struct str verb) MUST_CHECK;
