/* What every command of the `dialtone` tool is given, and the row that describes a command. */
#pragma once

#include "topo/topo.h"
#include "wire/ctl/ctl.h"

enum tool_exit { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct verb;
struct config;
struct tool {
	const char *config_dir;
	bool json;               /* --json: machine form on stdout */
	bool events;             /* `admin request`: a stream's events as lines of wire/ctl, as long
	                          * as somebody holds the other end of standard input */
	const struct verb *verb; /* the one that runs */
	struct config *config;   /* after tool_topo; owned */
	char *run_dir;           /* owned; when there is no topology */
};

/* One command: grammar, help, who serves it and how the answer is shown.  Tables end with a row
 * without noun. */
struct verb {
	struct ctl_command cmd; /* its fn stays NULL */
	const char *role;       /* whose control socket answers; NULL: `run` does it all */
	bool every_slot;        /* ask all processes of the role and join the answers */
	cJSON *(*join)(cJSON *a, cJSON *b); /* of two processes' answers; see client.h */
	bool offline;           /* while the server is stopped the tool does it itself */
	const char *columns;    /* of a table: keys in order, with blanks; NULL: as they come */
	const char *local_args; /* arguments that stay in the tool, separated by blanks */
	/* Local command: does it.  Remote: changes args before they are sent, or NULL.  0, or the
	 * exit status with the error already told. */
	int (*run)(struct tool *t, cJSON *args);
	/* Remote: after the good answer, before it is shown, or NULL: may add to it (a secret to
	 * show once) and chooses the exit status. */
	int (*after)(struct tool *t, const cJSON *args, cJSON *result);
	/* Streaming: one event for people; NULL: as print_value() does. */
	void (*put_event)(struct buf *b, const cJSON *event);
};

/* "dialtone: " and the text on standard error; returns EXIT_FAILED. */
int tool_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Reads the topology once; NULL when it is broken, with its errors told. */
const struct topo *tool_topo(struct tool *t);
/* The directory of the control sockets, also when the topology cannot be read. */
struct str tool_run_dir(struct tool *t);
/* The answer becomes this text, for people. */
void tool_become_text(cJSON *result, struct str text);
/* Shows a command's result in the form asked for; takes it. */
void tool_show(const struct tool *t, cJSON *result);
