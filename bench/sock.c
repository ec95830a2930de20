#include "sock.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static socklen_t address6(struct sockaddr_storage *ret, const char *host, uint16_t port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	if (inet_pton(AF_INET6, host, &a.sin6_addr) != 1)
		return 0;
	memcpy(ret, &a, sizeof(a));
	return sizeof(a);
}

static socklen_t address4(struct sockaddr_storage *ret, const char *host, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
		return 0;
	memcpy(ret, &a, sizeof(a));
	return sizeof(a);
}

socklen_t sock_address(struct sockaddr_storage *ret, const char *text)
{
	char host[64];
	uint32_t port = 0;
	const char *colon = strrchr(text, ':');
	if (!colon || (size_t)(colon - text) >= sizeof(host) ||
	    !str_u32(str_of(colon + 1), 10, &port))
		return 0;
	struct str h = { text, (size_t)(colon - text) };
	bool v6 = h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']';
	if (v6)
		h = (struct str){ h.p + 1, h.n - 2 };
	if (port > UINT16_MAX)
		return 0;
	memcpy(host, h.p, h.n);
	host[h.n] = '\0';
	return v6 ? address6(ret, host, (uint16_t)port) : address4(ret, host, (uint16_t)port);
}

void sock_text(char *ret, size_t cap, const struct sockaddr_storage *a)
{
	char host[INET6_ADDRSTRLEN] = "";
	if (a->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, a, sizeof(in6));
		(void)inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof(host));
		(void)snprintf(ret, cap, "[%s]:%u", host, (unsigned)ntohs(in6.sin6_port));
	} else {
		struct sockaddr_in in4;
		memcpy(&in4, a, sizeof(in4));
		(void)inet_ntop(AF_INET, &in4.sin_addr, host, sizeof(host));
		(void)snprintf(ret, cap, "%s:%u", host, (unsigned)ntohs(in4.sin_port));
	}
}

void sock_raise_limit(void)
{
	struct rlimit l;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}
