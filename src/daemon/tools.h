/* `dialtone admin request` for the accounts process: the command line tool as a process of its own,
 * with the account of the supervisor, which speaks with the process that asked over one socket. */
#pragma once

#include "loop/loop.h"

enum {
	TOOLS_MAX = 12,    /* that run; the next one is refused */
	TOOL_LIFE_S = 660, /* then it is killed: longer than any command takes (svc/user/admin.h) */
};

struct tools {
	struct loop *loop;
	struct tool_process {
		pid_t pid; /* 0: none */
		struct timer timer;
	} all[TOOLS_MAX];
};

void tools_init(struct tools *t, struct loop *l);
/* Kills those that run. */
void tools_done(struct tools *t);
/* Starts one with the socket as its standard input and output; it stays the caller's.  That it
 * could not be started is logged. */
void tools_run(struct tools *t, const char *config_dir, int fd);
/* After SIGCHLD. */
void tools_reap(struct tools *t);
