#include "tlsline.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_tls.h"

enum { EVENTS_MAX = 256, LINE_BYTES = 32 * 1024 /* that wait to be whole */ };

struct line {
	int fd;
	SSL *ssl;
	size_t n;
	char in[LINE_BYTES];
};

struct tlslines {
	int ep;
	uint32_t n;
	SSL_CTX *tls;
	struct line line[];
};

static int connect_from(const struct sockaddr_in *server, struct in_addr local)
{
	const struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = local };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&from, sizeof(from)) < 0 ||
	    connect(fd, (const struct sockaddr *)server, sizeof(*server)) < 0)
		die("cannot connect: %s", strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void open_line(struct tlslines *t, uint32_t i, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u32 = i };
	struct line *l = &t->line[i];
	l->fd = fd;
	l->ssl = net_tls_new(t->tls, fd, NULL);
	int r = net_tls_handshake(l->ssl);
	if (r < 0)
		die("no TLS with the server: %s", strerror(-r));
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 || epoll_ctl(t->ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll: %s", strerror(errno));
}

struct tlslines *tlslines_new(const struct sockaddr_in *server, const struct in_addr *local,
                              uint32_t n)
{
	struct tlslines *t = xalloc(1, sizeof(*t) + n * sizeof(t->line[0]));
	t->n = n;
	t->tls = net_tls_client(NULL, false);
	t->ep = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < n; i++)
		open_line(t, i, connect_from(server, local[i]));
	return t;
}

/* Reads until the socket is empty: it tells of new bytes once. */
static void read_line(struct tlslines *t, uint32_t i, tlsline_fn *fn, void *arg)
{
	struct line *l = &t->line[i];
	for (;;) {
		ssize_t r = net_tls_read(l->ssl, l->in + l->n, LINE_BYTES - l->n);
		if (r == -EAGAIN)
			return;
		if (r <= 0)
			die("a connection ended: %s", r < 0 ? strerror((int)-r) : "closed");
		l->n += (size_t)r;
		size_t used = fn(arg, i, (struct str){ l->in, l->n });
		l->n -= used;
		memmove(l->in, l->in + used, l->n);
		if (l->n == LINE_BYTES)
			die("a message is longer than %d bytes", (int)LINE_BYTES);
	}
}

unsigned tlslines_receive(struct tlslines *t, tlsline_fn *fn, void *arg)
{
	struct epoll_event ev[EVENTS_MAX];
	int n = epoll_wait(t->ep, ev, EVENTS_MAX, 0);
	for (int i = 0; i < n; i++)
		read_line(t, ev[i].data.u32, fn, arg);
	return n > 0 ? (unsigned)n : 0;
}

void tlslines_send(struct tlslines *t, uint32_t line, struct str bytes)
{
	ssize_t r = net_tls_write(t->line[line].ssl, bytes.p, bytes.n);
	if (r != (ssize_t)bytes.n)
		die("a connection takes no more: %s", r < 0 ? strerror((int)-r) : "a part of it");
}
