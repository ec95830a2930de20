/* Starts a role process: this program again, with the other end of its channel. */
#pragma once

#include "base/buf.h"

enum { SPAWN_CHANNEL_FD = 3 };

/* The account that roles run as. */
struct spawn_user {
	bool change; /* false: stay who we are (not started as root) */
	uid_t uid;
	gid_t gid;
};

/* Looks the account up.  0, or -errno with text. */
int spawn_user_find(const char *name, struct spawn_user *ret, struct buf *why) MUST_CHECK;

/* The process has dropped its privileges, cannot get new ones, dies with us, dumps no core and has
 * `channel` (which stays the caller's here) as its SPAWN_CHANNEL_FD.  `what` ("frontend/1") shows
 * in its command line.  The pid, or -errno. */
pid_t spawn_role(const char *what, int channel, const struct spawn_user *user) MUST_CHECK;
/* The tool at that path does one command, which comes by the socket `fd`: its standard input and
 * output.  It keeps our account, for which the control sockets are; it cannot get more, and dies
 * with us.  The pid, or -errno. */
pid_t spawn_tool(const char *path, const char *config_dir, int fd) MUST_CHECK;
