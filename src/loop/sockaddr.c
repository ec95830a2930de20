#include "loop/inside.h"

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
