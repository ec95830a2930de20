/* What the administration pages can do: the commands of the `dialtone` tool that a user with the
 * right `admin` may give by the web.  One table for accounts, which lets in, and for the tool,
 * which does nothing else when it is asked in the pages' name (`dialtone admin request`). */
#pragma once

#include <cjson/cJSON.h>

#include "base/buf.h"

struct admin_command {
	const char *name;    /* "user add" */
	bool changes;        /* the password must have been typed lately */
	bool streams;        /* goes on until nobody wants it any more */
	const char *without; /* arguments that it has not here, with blanks between; may be NULL:
	                      * files of the server, addresses that it would send to */
};
enum {
	ADMIN_COMMAND_S = 60, /* so long a command may take ... */
	ADMIN_STREAM_S = 600, /* ... and one that streams */
	ADMIN_ARGS_MAX = 2000 /* bytes of what is kept of a command's arguments */
};

/* Ends with a row without name. */
extern const struct admin_command admin_commands[];
/* NULL: the pages have no such command. */
const struct admin_command *admin_command_find(struct str name);
/* May it have this argument? */
bool admin_command_takes(const struct admin_command *c, const char *arg);
/* Appends the arguments as people may see them: JSON without secrets, of at most ADMIN_ARGS_MAX
 * bytes.  What is long (a list of users) is told by its length. */
void admin_put_args(struct buf *b, const cJSON *args);
