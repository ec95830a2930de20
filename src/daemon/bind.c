#include "daemon/bind.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/holder.h"

enum {
	BACKLOG = 4096,
	CTL_BACKLOG = 64,
	UDP_BUFFER = 4 * 1024 * 1024,
	LEAVING_MS = 3000, /* so long a port may be held by nobody who can be seen */
	LEAVING_POLL_MS = 50,
};

static int set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof value) < 0 ? -errno : 0;
}

/* A bound socket, or -errno.  With `group` it joins (or starts) a group of equal owners. */
static int bind_one(const struct addr *a, bool udp, bool group)
{
	int type = (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(a->sa.sa_family, type, 0);
	int r = fd < 0 ? -errno : 0;
	if (r == 0 && !udp)
		r = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0 && group)
		r = set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r == 0 && a->sa.sa_family == AF_INET6)
		r = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (r == 0 && bind(fd, &a->sa, addr_len(a)) < 0)
		r = -errno;
	if (r == 0 && !udp && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return r;
}

/* Bursts of datagrams wait in the kernel while a process is busy or being restarted. */
static void set_udp_buffers(int fd)
{
	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, UDP_BUFFER) < 0)
		(void)set(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER);
	if (set(fd, SOL_SOCKET, SO_SNDBUFFORCE, UDP_BUFFER) < 0)
		(void)set(fd, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER);
}

static int explain(const struct addr *a, const char *proto, int err, struct buf *why)
{
	bool udp = strcmp(proto, "udp") == 0;
	buf_printf(why, "%s ", proto);
	addr_put(why, a);
	if (err == -EADDRINUSE) {
		buf_lit(why, " is already in use by ");
		if (holder_find(a, udp, why) != HOLDER_FOUND)
			buf_lit(why, "a process that cannot be seen from here");
		buf_lit(why,
		        "; stop it, or choose another port (or a port-offset in local.conf)\n");
	} else if (err == -EADDRNOTAVAIL) {
		buf_lit(why, ": this host has no such address; `ip address` shows those it has, "
		             "topology.conf says which are used (\"addresses\" of the host, or "
		             "the role's own)\n");
	} else if (err == -EACCES) {
		buf_lit(why,
		        ": not permitted; start as root, or set a port-offset in local.conf\n");
	} else {
		buf_printf(why, ": %s\n", strerror(-err));
	}
	return err;
}

static void close_all(int *fds, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		(void)close(fds[i]);
}

static bool is_held(const struct addr *a, bool udp)
{
	char text[512];
	struct buf who = BUF_ON(text);
	return holder_find(a, udp, &who) == HOLDER_FOUND;
}

/* A server that was killed has its ports until the kernel has taken its processes apart; they
 * cannot be seen any more by then. */
static int bind_probe(const struct addr *a, bool udp)
{
	const struct timespec pause = { .tv_nsec = LEAVING_POLL_MS * 1000000L };
	int fd = bind_one(a, udp, false);
	for (int i = 0; fd == -EADDRINUSE && i < LEAVING_MS / LEAVING_POLL_MS && !is_held(a, udp);
	     i++) {
		(void)nanosleep(&pause, NULL);
		fd = bind_one(a, udp, false);
	}
	return fd;
}

int bind_group(const struct topo_listen *l, uint32_t n_slots, int *ret_fds, struct buf *why)
{
	bool udp = l->proto == TOPO_UDP;
	/* Alone first: the kernel would let a second server of the same user join the group. */
	int probe = bind_probe(&l->addr, udp);
	if (probe < 0)
		return explain(&l->addr, topo_proto_name(l->proto), probe, why);
	(void)close(probe);
	for (uint32_t i = 0; i < n_slots; i++) {
		int fd = bind_one(&l->addr, udp, true);
		if (fd < 0) {
			close_all(ret_fds, i);
			return explain(&l->addr, topo_proto_name(l->proto), fd, why);
		}
		if (udp)
			set_udp_buffers(fd);
		ret_fds[i] = fd;
	}
	return 0;
}

int bind_loopback(uint16_t port, int *ret_fd, struct buf *why)
{
	struct addr a = { .in4 = { .sin_family = AF_INET,
		                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	addr_set_port(&a, port);
	int fd = bind_one(&a, false, false);
	if (fd < 0)
		return explain(&a, "metrics", fd, why);
	*ret_fd = fd;
	return 0;
}

static int own_file(const char *path, uid_t uid, gid_t gid)
{
	if (chmod(path, 0600) < 0 || (geteuid() == 0 && chown(path, uid, gid) < 0))
		return -errno;
	return 0;
}

int bind_unix(const char *path, uid_t uid, gid_t gid, int *ret_fd, struct buf *why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	if (len >= sizeof un.sun_path) {
		buf_printf(why,
		           "%s: longer than %zu bytes; choose a shorter \"run\" directory in "
		           "local.conf\n",
		           path, sizeof un.sun_path - 1);
		return -ENAMETOOLONG;
	}
	memcpy(un.sun_path, path, len);
	(void)unlink(path);
	mode_t old = umask(0177);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof un) < 0 ? -errno : 0;
	(void)umask(old);
	if (r == 0)
		r = own_file(path, uid, gid);
	if (r == 0 && listen(fd, CTL_BACKLOG) < 0)
		r = -errno;
	if (r < 0) {
		buf_printf(why, "%s: %s\n", path, strerror(-r));
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}
