#include "daemon/tools.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/spawn.h"

static void on_timer(void *arg)
{
	struct tool_process *p = arg;
	log_warning(NULL, "tool-killed", "pid=%d seconds=%d", (int)p->pid, TOOL_LIFE_S);
	(void)kill(p->pid, SIGKILL);
}

void tools_init(struct tools *t, struct loop *l)
{
	t->loop = l;
	for (size_t i = 0; i < ARRAY_SIZE(t->all); i++)
		timer_init(&t->all[i].timer, l, on_timer, &t->all[i]);
}

void tools_done(struct tools *t)
{
	for (size_t i = 0; t->loop && i < ARRAY_SIZE(t->all); i++) {
		struct tool_process *p = &t->all[i];
		timer_stop(&p->timer);
		if (p->pid <= 0)
			continue;
		(void)kill(p->pid, SIGKILL);
		(void)waitpid(p->pid, NULL, 0);
		p->pid = 0;
	}
}

/* It lies beside this program, as it is built, or in bin where this one is in sbin. */
static int find_tool(char *ret, size_t size)
{
	static const char *const places[] = { "dialtone", "../bin/dialtone" };
	ssize_t n = readlink("/proc/self/exe", ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	char *slash = strrchr(ret, '/');
	for (size_t i = 0; slash && i < ARRAY_SIZE(places); i++) {
		size_t len = strlen(places[i]) + 1;
		if (len > size - (size_t)(slash + 1 - ret))
			return -ENAMETOOLONG;
		memcpy(slash + 1, places[i], len);
		if (access(ret, X_OK) == 0)
			return 0;
	}
	return -ENOENT;
}

static struct tool_process *find_place(struct tools *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->all); i++)
		if (t->all[i].pid == 0)
			return &t->all[i];
	return NULL;
}

void tools_run(struct tools *t, const char *config_dir, int fd)
{
	char path[PATH_MAX];
	struct tool_process *p = find_place(t);
	int r = p ? find_tool(path, sizeof(path)) : -EAGAIN;
	pid_t pid = r == 0 ? spawn_tool(path, config_dir, fd) : r;
	if (pid < 0) {
		log_error(NULL, "tool-not-started", "reason=%s",
		          log_text(str_of(strerror((int)-pid))));
		return;
	}
	p->pid = pid;
	timer_set(&p->timer, loop_now(t->loop) + TOOL_LIFE_S * USEC_PER_SEC);
}

void tools_reap(struct tools *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->all); i++) {
		struct tool_process *p = &t->all[i];
		if (p->pid <= 0 || waitpid(p->pid, NULL, WNOHANG) != p->pid)
			continue;
		p->pid = 0;
		timer_stop(&p->timer);
	}
}
