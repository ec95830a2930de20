/* The tool's end of the control sockets: one request to one or several processes of a role. */
#pragma once

#include "wire/ctl/ctl.h"

enum { CLIENT_SLOTS_MAX = 64, CLIENT_WAIT_S = 60 };

struct client_request {
	const char *run_dir; /* of the sockets */
	const char *role;    /* "frontend": every "frontend-<number>.ctl"; "dialtoned": its one */
	bool every_slot;     /* ask all; else the first that can be reached */
	struct str cmd;
	const cJSON *args;
	/* Puts two processes' answers together: returns one of them or both in one, frees the rest.
	 * NULL: lists are put together; of other answers the first stands. */
	cJSON *(*join)(cJSON *a, cJSON *b);
	/* Streaming: called for each event until the server closes; NULL: one answer. */
	void (*event)(void *arg, const cJSON *value);
	bool until_stdin_ends; /* ... or until standard input does */
	void *arg;
};

/* Sends, waits (CLIENT_WAIT_S without a byte is too long, except for a stream), joins what several
 * processes answered.  0 with
 * *ret_result (the caller's; may be JSON null).  -ENOENT, -ECONNREFUSED: no process of the role
 * runs; -EACCES; -EREMOTEIO: refused by the role, its text in `why`; -ETIMEDOUT; -EPIPE: closed
 * before the answer; -EBADMSG.  `why` always has a text for people. */
int client_ask(cJSON **ret_result, const struct client_request *rq, struct buf *why) MUST_CHECK;
/* The process that answers there, as a descriptor that can be read when it has ended
 * (pidfd_open(2)): the caller's.  -ENOENT, -ECONNREFUSED, -EACCES; -ESRCH: it cannot be seen from
 * here. */
int client_process(const char *run_dir, const char *role) MUST_CHECK;
/* Does anything answer there?  0 for a socket that accepts connections; -ENOENT, -ECONNREFUSED,
 * -EACCES: this account may not ask. */
int client_reach(const char *run_dir, const char *role);
static inline bool client_can_reach(const char *run_dir, const char *role)
{
	return client_reach(run_dir, role) == 0;
}
