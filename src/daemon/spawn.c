#include "daemon/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int spawn_user_find(const char *name, struct spawn_user *ret, struct buf *why)
{
	*ret = (struct spawn_user){ .uid = geteuid(), .gid = getegid() };
	if (geteuid() != 0)
		return 0;
	errno = 0;
	const struct passwd *pw = getpwnam(name);
	if (!pw) {
		buf_printf(why,
		           "there is no account \"%s\" for the roles to run as; make it (adduser "
		           "--system --group %s) or set \"user\" in local.conf\n",
		           name, name);
		return -ENOENT;
	}
	*ret = (struct spawn_user){ .change = pw->pw_uid != 0,
		                    .uid = pw->pw_uid,
		                    .gid = pw->pw_gid };
	return 0;
}

static bool drop_privileges(const struct spawn_user *u)
{
	if (u->change && (setgroups(0, NULL) < 0 || setgid(u->gid) < 0 || setuid(u->uid) < 0))
		return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static void reset_signals(void)
{
	sigset_t none;
	(void)sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the new process; returns only if something failed. */
static void become(const char *arg, int channel, const struct spawn_user *user, pid_t parent)
{
	static char program[] = "dialtoned", exe[] = "/proc/self/exe";
	char word[80];
	(void)snprintf(word, sizeof word, "--role=%s", arg);
	char *const argv[] = { program, word, NULL };
	const struct rlimit no_core = { 0, 0 };
	reset_signals();
	if (dup2(channel, SPAWN_CHANNEL_FD) < 0 || setrlimit(RLIMIT_CORE, &no_core) < 0)
		return;
	if (channel == SPAWN_CHANNEL_FD && fcntl(channel, F_SETFD, 0) < 0)
		return;
	if (!drop_privileges(user))
		return;
	/* After the change of user, which would clear it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		return;
	(void)execv(exe, argv);
}

pid_t spawn_role(const char *what, int channel, const struct spawn_user *user)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		become(what, channel, user, parent);
		(void)dprintf(2, "dialtoned: cannot start %s: %s\n", what, strerror(errno));
		_exit(127);
	}
	return pid;
}

/* exec() takes words as writable, and writes to none. */
static char *tool_word(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* In the new process; returns only if something failed. */
static void become_tool(const char *path, const char *config_dir, int fd, pid_t parent)
{
	char *const argv[] = { tool_word("dialtone"), tool_word("--config"), tool_word(config_dir),
		               tool_word("admin"),    tool_word("request"),  NULL };
	const struct rlimit no_core = { 0, 0 };
	reset_signals();
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
	    setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
		return;
	(void)execv(path, argv);
}

pid_t spawn_tool(const char *path, const char *config_dir, int fd)
{
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		become_tool(path, config_dir, fd, parent);
		(void)dprintf(STDERR_FILENO, "dialtoned: cannot start %s: %s\n", path,
		              strerror(errno));
		_exit(127);
	}
	return pid;
}
