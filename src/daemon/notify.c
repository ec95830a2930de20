#include "daemon/notify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

struct notify {
	int fd; /* -1: no service manager */
	struct sockaddr_un to;
	socklen_t to_len;
	usec_t watchdog;
};

/* "/path" or "@abstract". */
static bool set_address(struct notify *n, const char *path)
{
	size_t len = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || len >= sizeof n->to.sun_path)
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, path, len);
	if (path[0] == '@')
		n->to.sun_path[0] = '\0';
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

static usec_t watchdog_from_environment(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	uint64_t allowed;
	uint32_t for_pid;
	if (!usec || str_to_u64(str_of(usec), USEC_PER_SEC * 86400, &allowed) < 0)
		return 0;
	if (pid && (str_to_u32(str_of(pid), INT32_MAX, &for_pid) < 0 || (pid_t)for_pid != getpid()))
		return 0;
	return allowed / 2;
}

struct notify *notify_new(void)
{
	struct notify *n = xnew(struct notify);
	const char *path = getenv("NOTIFY_SOCKET");
	n->fd = -1;
	if (path && set_address(n, path)) {
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		n->watchdog = watchdog_from_environment();
	}
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	return n;
}

void notify_free(struct notify **np)
{
	if (*np && (*np)->fd >= 0)
		(void)close((*np)->fd);
	free(*np);
	*np = NULL;
}

void notify_send(const struct notify *n, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	if (n->fd < 0)
		return;
	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	len = MIN(len, (int)sizeof text - 1);
	(void)!sendto(n->fd, text, (size_t)MAX(len, 0), MSG_NOSIGNAL,
	              (const struct sockaddr *)&n->to, n->to_len);
}

usec_t notify_watchdog_interval(const struct notify *n)
{
	return n->watchdog;
}
