/* httpload: the least that a client of kept connections can do.  Sends one request on each of many
 * connections and the next when the answer is there, whose length is learned from the first one.
 *
 * usage: httpload http|echo IP:PORT CONNS N
 *
 * With `echo` the server sends the same bytes back: the floor.  Prints a line of JSON with the
 * number of answers and the seconds that they took.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sock.h"

enum { EVENTS_MAX = 256, READ_MAX = 64 * 1024, CONNS_MAX = 10000 };

/* What a browser sends for something small. */
static const char request[] = "GET /hello HTTP/1.1\r\n"
                              "Host: web.bench.test:8080\r\n"
                              "User-Agent: httpload/1.0 (a browser names itself at length)\r\n"
                              "Accept: application/json, text/plain, */*\r\n"
                              "Accept-Language: en-GB,en;q=0.7\r\n"
                              "Accept-Encoding: gzip, deflate\r\n"
                              "Cookie: session=0123456789abcdef0123456789abcdef\r\n"
                              "\r\n";

struct load {
	int ep;
	size_t answer; /* bytes of one; 0: not known */
	uint32_t n, started, done;
	char buf[READ_MAX];
};

struct conn {
	int fd;
	size_t got;
};

/* Head and content of an answer that has come whole; 0 if it has not. */
static size_t answer_length(const char *p, size_t n)
{
	static const char name[] = "Content-Length: ";
	const char *end = memmem(p, n, "\r\n\r\n", 4), *len = memmem(p, n, name, sizeof(name) - 1);
	if (!end || !len || strncmp(p, "HTTP/1.1 200 ", 13) != 0)
		return 0;
	size_t all = (size_t)(end - p) + 4 + strtoul(len + sizeof(name) - 1, NULL, 10);
	return all <= n ? all : 0;
}

static void send_one(struct load *l, struct conn *c)
{
	if (l->started == l->n)
		return;
	l->started++;
	if (send(c->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != sizeof(request) - 1)
		die("cannot send: %s", strerror(errno));
}

static void on_bytes(struct load *l, struct conn *c)
{
	ssize_t r = recv(c->fd, l->buf, READ_MAX, 0);
	if (r <= 0)
		die("the connection ended: %s", r < 0 ? strerror(errno) : "closed");
	if (l->answer == 0 && (l->answer = answer_length(l->buf, (size_t)r)) == 0)
		die("no answer of 200: %.*s", (int)r, l->buf);
	c->got += (size_t)r;
	if (c->got > l->answer)
		die("more than an answer came");
	if (c->got < l->answer)
		return;
	c->got = 0;
	l->done++;
	send_one(l, c);
}

static int open_conn(const struct sockaddr_storage *to, socklen_t len)
{
	int on = 1, fd = socket(to->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)to, len) < 0)
		die("cannot connect: %s", strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static uint32_t number(const char *text, uint32_t max)
{
	uint32_t v;
	if (!str_u32(str_of(text), 10, &v) || v == 0 || v > max)
		die("%s is not from 1 to %u", text, max);
	return v;
}

int main(int argc, char **argv)
{
	struct sockaddr_storage to;
	struct epoll_event ev[EVENTS_MAX];
	if (argc != 5)
		die("usage: httpload http|echo IP:PORT CONNS N");
	socklen_t len = sock_address(&to, argv[2]);
	struct load *l = xalloc(1, sizeof(*l));
	uint32_t n_conns = number(argv[3], CONNS_MAX);
	l->n = number(argv[4], UINT32_MAX);
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	l->answer = strcmp(argv[1], "echo") == 0 ? sizeof(request) - 1 : 0;
	struct conn *conns = xalloc(n_conns, sizeof(*conns));
	sock_raise_limit();
	for (uint32_t i = 0; i < n_conns; i++) {
		struct epoll_event in = { .events = EPOLLIN, .data.ptr = &conns[i] };
		conns[i].fd = open_conn(&to, len);
		if (epoll_ctl(l->ep, EPOLL_CTL_ADD, conns[i].fd, &in) < 0)
			die("epoll: %s", strerror(errno));
	}
	usec_t began = now_usec();
	for (uint32_t i = 0; i < n_conns; i++)
		send_one(l, &conns[i]);
	while (l->done < l->n) {
		int n = epoll_wait(l->ep, ev, EVENTS_MAX, -1);
		for (int i = 0; i < n; i++)
			on_bytes(l, ev[i].data.ptr);
	}
	printf("{\"answers\":%u,\"wall_s\":%.3f}\n", l->done,
	       (double)(now_usec() - began) / USEC_PER_SEC);
	free(conns);
	free(l);
	return 0;
}
