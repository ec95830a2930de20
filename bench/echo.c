/* echo: the least that a server of this transport can do.  Sends back what comes, over UDP, TCP or
 * TLS, with one epoll loop; nothing is parsed, nothing is kept.  `burst`: bursts over UDP
 * (burst.h).
 *
 * usage: echo udp|burst|tcp IP:PORT
 *        echo tls IP:PORT CERT KEY */
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "burst.h"
#include "net_tls.h"
#include "sock.h"

enum { EVENTS_MAX = 256, READ_MAX = 64 * 1024, BACKLOG = 4096 };

struct peer {
	int fd;
	bool is_open; /* the handshake is done */
	SSL *ssl;
	char *left; /* what the socket did not take */
	size_t left_n;
};

struct echo {
	int ep, listener;
	SSL_CTX *tls;
	char buf[READ_MAX];
};

static void peer_free(struct peer *p)
{
	SSL_free(p->ssl);
	(void)close(p->fd);
	free(p->left);
	free(p);
}

static ssize_t peer_read(struct echo *e, struct peer *p)
{
	if (p->ssl)
		return net_tls_read(p->ssl, e->buf, READ_MAX);
	ssize_t r = recv(p->fd, e->buf, READ_MAX, 0);
	return r < 0 ? -errno : r;
}

static ssize_t peer_write(struct peer *p, const char *bytes, size_t n)
{
	if (p->ssl)
		return net_tls_write(p->ssl, bytes, n);
	ssize_t r = send(p->fd, bytes, n, MSG_NOSIGNAL);
	return r < 0 ? -errno : r;
}

/* Writes what it can and keeps the rest.  0 or -errno. */
static int send_back(struct peer *p, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t r = peer_write(p, bytes, n);
		if (r == -EAGAIN)
			break;
		if (r <= 0)
			return r == 0 ? -EPIPE : (int)r;
		bytes += r;
		n -= (size_t)r;
	}
	char *left = n > 0 ? str_dup((struct str){ bytes, n }) : NULL;
	free(p->left);
	p->left = left;
	p->left_n = n;
	return 0;
}

/* Reads while there is something to read and nothing waits to be written.  0 or -errno. */
static int exchange(struct echo *e, struct peer *p)
{
	if (!p->is_open) {
		int r = net_tls_handshake(p->ssl);
		if (r < 0)
			return r == -EAGAIN ? 0 : r;
		p->is_open = true;
	}
	if (p->left_n > 0 && send_back(p, p->left, p->left_n) < 0)
		return -EPIPE;
	while (p->left_n == 0) {
		ssize_t r = peer_read(e, p);
		if (r == -EAGAIN)
			return 0;
		if (r <= 0)
			return r == 0 ? -EPIPE : (int)r;
		if (send_back(p, e->buf, (size_t)r) < 0)
			return -EPIPE;
		if (!p->ssl && (size_t)r < READ_MAX)
			return 0; /* a short read has emptied it; its end is another event */
	}
	return 0;
}

static void accept_all(struct echo *e)
{
	int fd, on = 1;
	while ((fd = accept4(e->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct peer *p = xalloc(1, sizeof(*p));
		struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = p };
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		p->fd = fd;
		p->is_open = !e->tls;
		if (e->tls) {
			p->ssl = SSL_new(e->tls);
			if (!p->ssl || SSL_set_fd(p->ssl, fd) != 1)
				die("out of memory");
			SSL_set_accept_state(p->ssl);
		}
		if (epoll_ctl(e->ep, EPOLL_CTL_ADD, fd, &ev) < 0)
			die("epoll: %s", strerror(errno));
	}
}

static void serve_streams(struct echo *e)
{
	struct epoll_event ev[EVENTS_MAX];
	for (;;) {
		int n = epoll_wait(e->ep, ev, EVENTS_MAX, -1);
		for (int i = 0; i < n; i++) {
			struct peer *p = ev[i].data.ptr;
			if (!p)
				accept_all(e);
			else if (exchange(e, p) < 0 || (ev[i].events & (EPOLLHUP | EPOLLERR)))
				peer_free(p);
		}
	}
}

static void serve_datagrams(struct echo *e)
{
	struct epoll_event ev;
	for (;;) {
		(void)epoll_wait(e->ep, &ev, 1, -1);
		for (;;) {
			struct sockaddr_storage from;
			socklen_t len = sizeof(from);
			ssize_t r = recvfrom(e->listener, e->buf, READ_MAX, 0,
			                     (struct sockaddr *)&from, &len);
			if (r < 0)
				break;
			(void)sendto(e->listener, e->buf, (size_t)r, 0, (struct sockaddr *)&from,
			             len);
		}
	}
}

static void open_listener(struct echo *e, const char *address, bool is_udp)
{
	struct sockaddr_storage a;
	struct epoll_event ev = { .events = EPOLLIN };
	int on = 1, size = 4 << 20;
	socklen_t len = sock_address(&a, address);
	if (len == 0)
		die("\"%s\" is not like 127.0.0.1:5060", address);
	e->ep = epoll_create1(EPOLL_CLOEXEC);
	e->listener = socket(a.ss_family,
	                     (is_udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	(void)setsockopt(e->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(e->listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(e->listener, (const struct sockaddr *)&a, len) < 0 ||
	    (!is_udp && listen(e->listener, BACKLOG) < 0) ||
	    epoll_ctl(e->ep, EPOLL_CTL_ADD, e->listener, &ev) < 0)
		die("%s: %s", address, strerror(errno));
}

int main(int argc, char **argv)
{
	bool is_burst = argc == 3 && strcmp(argv[1], "burst") == 0;
	bool is_udp = is_burst || (argc == 3 && strcmp(argv[1], "udp") == 0);
	bool is_tcp = argc == 3 && strcmp(argv[1], "tcp") == 0;
	bool is_tls = argc == 5 && strcmp(argv[1], "tls") == 0;
	if (!is_udp && !is_tcp && !is_tls)
		die("usage: echo udp|burst|tcp IP:PORT\n       echo tls IP:PORT CERT KEY");
	struct echo *e = xalloc(1, sizeof(*e));
	(void)signal(SIGPIPE, SIG_IGN);
	sock_raise_limit();
	if (is_tls)
		e->tls = net_tls_server(argv[3], argv[4]);
	open_listener(e, argv[2], is_udp);
	printf("ready\n");
	(void)fflush(stdout);
	if (is_burst)
		burst_serve(e->listener);
	else if (is_udp)
		serve_datagrams(e);
	else
		serve_streams(e);
	return 0;
}
