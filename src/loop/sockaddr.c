#include <netinet/tcp.h>

#include "loop/inside.h"
#include "loop/stream.h"

struct addr loop_socket_addr(int fd, bool peer)
{
	struct sockaddr_storage ss;
	struct addr a;
	socklen_t len = sizeof(ss);
	struct sockaddr *sa = (struct sockaddr *)&ss;
	int r = peer ? getpeername(fd, sa, &len) : getsockname(fd, sa, &len);
	if (r < 0 || addr_from_sockaddr(&a, sa, len) < 0)
		a = (struct addr){ .sa.sa_family = AF_UNSPEC };
	return a;
}

/* With TCP_USER_TIMEOUT the number of probes does not count: the time without any answer does. */
static void set_probes(int fd, usec_t after)
{
	int one = 1, idle_s = (int)(after / USEC_PER_SEC), again_s = STREAM_PROBE_AGAIN_S;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &again_s, sizeof(again_s));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

void loop_set_tcp_options(int fd, usec_t probe_after)
{
	int one = 1, unacked_ms = STREAM_UNACKED_MAX_S * 1000;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof(unacked_ms));
	if (probe_after)
		set_probes(fd, probe_after);
}

int loop_socket_error(int fd, int otherwise)
{
	int err = 0;
	socklen_t len = sizeof(err);
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err ? -err : otherwise;
}
