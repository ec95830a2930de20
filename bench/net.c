#include "net.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "net_tls.h"
#include "sock.h"

enum { EVENTS_MAX = 256, READ_MAX = 64 * 1024, DATAGRAMS_MAX = 32, DATAGRAM_MAX = 8 * 1024 };

struct net {
	int ep;
	struct net_config config;
	const struct net_events *events;
	void *arg;
	SSL_CTX *tls;
	struct conn *dirty;
	int watched;
	char *buf; /* what is read now; DATAGRAMS_MAX * DATAGRAM_MAX */
};

struct net *net_new(const struct net_config *config, const struct net_events *events, void *arg)
{
	struct net *n = xalloc(1, sizeof(*n));
	n->config = *config;
	n->events = events;
	n->arg = arg;
	n->watched = -1;
	n->buf = xalloc(DATAGRAMS_MAX, DATAGRAM_MAX);
	n->ep = epoll_create1(EPOLL_CLOEXEC);
	if (n->ep < 0)
		die("epoll: %s", strerror(errno));
	if (config->transport == TLS)
		n->tls = net_tls_client(config->ca_file, config->tls12);
	return n;
}

void net_free(struct net **np)
{
	struct net *n = *np;
	if (n) {
		SSL_CTX_free(n->tls);
		(void)close(n->ep);
		free(n->buf);
	}
	free(n);
	*np = NULL;
}

/* --- beginning and ending ------------------------------------------------------------ */

static void set_options(int fd, enum transport t)
{
	int on = 1, size = 4 << 20;
	if (t == UDP)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	else
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void remember_local(struct conn *c)
{
	struct sockaddr_storage a = { 0 };
	socklen_t len = sizeof(a);
	(void)getsockname(c->fd, (struct sockaddr *)&a, &len);
	sock_text(c->local, sizeof(c->local), &a);
}

static void open_now(struct net *n, struct conn *c)
{
	c->state = CONN_OPEN;
	n->events->opened(n->arg, c);
}

static int begin(struct net *n, struct conn *c)
{
	const struct net_config *k = &n->config;
	/* Edge-triggered: a UDP socket is writable at once, which opens it in the next turn. */
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		                  .data.ptr = c };
	set_options(c->fd, k->transport);
	if (connect(c->fd, (const struct sockaddr *)&k->server, k->server_len) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	if (epoll_ctl(n->ep, EPOLL_CTL_ADD, c->fd, &ev) < 0)
		return -errno;
	return 0;
}

int net_connect(struct net *n, struct conn *c)
{
	int type = n->config.transport == UDP ? SOCK_DGRAM : SOCK_STREAM;
	assert(c->state == CONN_CLOSED);
	c->fd = socket(n->config.server.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	int r = begin(n, c);
	if (r < 0) {
		(void)close(c->fd);
		return r;
	}
	c->state = CONN_CONNECTING;
	return 0;
}

void net_close(struct net *n UNUSED, struct conn *c)
{
	if (c->state == CONN_CLOSED)
		return;
	SSL_free(c->ssl);
	c->ssl = NULL;
	(void)close(c->fd);
	free(c->rx);
	free(c->tx);
	c->rx = c->tx = NULL;
	c->rx_n = c->rx_cap = c->tx_n = c->tx_cap = 0;
	c->state = CONN_CLOSED;
}

static void lose(struct net *n, struct conn *c, const char *why)
{
	net_close(n, c);
	n->events->lost(n->arg, c, why);
}

static const char *word_of(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return "refused";
	case ECONNRESET:
	case EPIPE:
		return "reset";
	default:
		return "socket";
	}
}

static void handshake(struct net *n, struct conn *c)
{
	int r = net_tls_handshake(c->ssl);
	if (r == 0)
		open_now(n, c);
	else if (r != -EAGAIN)
		lose(n, c, r == -EPROTO ? "handshake" : word_of(-r));
}

static void connected(struct net *n, struct conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);
	(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err != 0) {
		lose(n, c, word_of(err));
		return;
	}
	remember_local(c);
	if (n->config.transport != TLS) {
		open_now(n, c);
		return;
	}
	c->ssl = net_tls_new(n->tls, c->fd, n->config.host);
	c->state = CONN_HANDSHAKE;
	handshake(n, c);
}

/* --- sending ------------------------------------------------------------------------- */

static void append(char **p, size_t *n, size_t *cap, struct str s)
{
	if (*n + s.n > *cap) {
		*cap = 2 * (*n + s.n);
		*p = realloc(*p, *cap);
		if (!*p)
			die("out of memory");
	}
	memcpy(*p + *n, s.p, s.n);
	*n += s.n;
}

static void mark_dirty(struct net *n, struct conn *c)
{
	if (c->dirty)
		return;
	c->dirty = true;
	c->next_dirty = n->dirty;
	n->dirty = c;
}

void net_send(struct net *n, struct conn *c, struct str bytes)
{
	assert(c->state == CONN_OPEN);
	if (n->config.transport == UDP) {
		(void)send(c->fd, bytes.p, bytes.n, 0); /* what is lost is sent again */
		return;
	}
	append(&c->tx, &c->tx_n, &c->tx_cap, bytes);
	mark_dirty(n, c);
}

static ssize_t write_some(struct conn *c, const char *p, size_t n)
{
	if (c->ssl)
		return net_tls_write(c->ssl, p, n);
	ssize_t r = send(c->fd, p, n, MSG_NOSIGNAL);
	return r < 0 ? -errno : r;
}

static void flush_conn(struct net *n, struct conn *c)
{
	size_t done = 0;
	while (done < c->tx_n) {
		ssize_t r = write_some(c, c->tx + done, c->tx_n - done);
		if (r == -EAGAIN)
			break;
		if (r < 0) {
			lose(n, c, word_of((int)-r));
			return;
		}
		done += (size_t)r;
	}
	if (done > 0 && done < c->tx_n)
		memmove(c->tx, c->tx + done, c->tx_n - done);
	c->tx_n -= done;
	if (c->tx_n > 0)
		return;
	free(c->tx);
	c->tx = NULL;
	c->tx_cap = 0;
}

static void flush(struct net *n)
{
	while (n->dirty) {
		struct conn *c = n->dirty;
		n->dirty = c->next_dirty;
		c->dirty = false;
		if (c->state == CONN_OPEN)
			flush_conn(n, c);
	}
}

/* --- receiving ----------------------------------------------------------------------- */

/* Hands over what was read after what was left of before, and keeps what is left now. */
static int deliver(struct net *n, struct conn *c, struct str in)
{
	bool kept = c->rx_n > 0;
	if (kept) {
		append(&c->rx, &c->rx_n, &c->rx_cap, in);
		in = (struct str){ c->rx, c->rx_n };
	}
	ssize_t used = n->events->data(n->arg, c, in);
	if (used < 0 || c->state == CONN_CLOSED)
		return -EPROTO;
	struct str left = { in.p + used, in.n - (size_t)used };
	if (kept && left.n > 0) {
		memmove(c->rx, left.p, left.n);
		c->rx_n = left.n;
	} else if (left.n > 0) {
		append(&c->rx, &c->rx_n, &c->rx_cap, left);
	} else if (kept) {
		free(c->rx);
		c->rx = NULL;
		c->rx_n = c->rx_cap = 0;
	}
	return 0;
}

static ssize_t read_some(struct net *n, struct conn *c)
{
	if (c->ssl)
		return net_tls_read(c->ssl, n->buf, READ_MAX);
	ssize_t r = recv(c->fd, n->buf, READ_MAX, 0);
	return r < 0 ? -errno : r;
}

/* A short read of a plain socket has emptied it, unless its end (`ended`) is still to be read. */
static void read_stream(struct net *n, struct conn *c, bool ended)
{
	while (c->state == CONN_OPEN) {
		ssize_t r = read_some(n, c);
		if (r == -EAGAIN)
			return;
		if (r <= 0) {
			lose(n, c, r == 0 ? "closed" : word_of((int)-r));
			return;
		}
		if (deliver(n, c, (struct str){ n->buf, (size_t)r }) < 0 && c->state == CONN_OPEN)
			lose(n, c, "malformed");
		if (!c->ssl && !ended && (size_t)r < READ_MAX)
			return;
	}
}

static void read_datagrams(struct net *n, struct conn *c)
{
	struct mmsghdr m[DATAGRAMS_MAX] = { 0 };
	struct iovec io[DATAGRAMS_MAX];
	for (unsigned i = 0; i < DATAGRAMS_MAX; i++) {
		io[i] = (struct iovec){ n->buf + (size_t)i * DATAGRAM_MAX, DATAGRAM_MAX };
		m[i].msg_hdr.msg_iov = &io[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	int got = DATAGRAMS_MAX;
	while (got == DATAGRAMS_MAX && c->state == CONN_OPEN) {
		got = recvmmsg(c->fd, m, DATAGRAMS_MAX, 0, NULL);
		if (got < 0 && errno == ECONNREFUSED)
			got = DATAGRAMS_MAX; /* an ICMP message took the place of data */
		else
			for (int i = 0; i < got; i++)
				(void)n->events->data(n->arg, c,
				                      (struct str){ io[i].iov_base, m[i].msg_len });
	}
}

static void on_event(struct net *n, struct conn *c, uint32_t events)
{
	if (c->state == CONN_CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		connected(n, c);
	else if (c->state == CONN_HANDSHAKE)
		handshake(n, c);
	else if (c->state == CONN_OPEN && (events & EPOLLOUT) && c->tx_n > 0)
		mark_dirty(n, c);
	if (c->state != CONN_OPEN || !(events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
		return;
	if (n->config.transport == UDP)
		read_datagrams(n, c);
	else
		read_stream(n, c, events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
}

void net_watch(struct net *n, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = n };
	n->watched = fd;
	if (epoll_ctl(n->ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("the standard input can not be waited for: %s", strerror(errno));
}

bool net_poll(struct net *n, int timeout_ms)
{
	struct epoll_event ev[EVENTS_MAX];
	bool seen = false;
	flush(n);
	int got = epoll_wait(n->ep, ev, EVENTS_MAX, timeout_ms);
	for (int i = 0; i < got; i++) {
		if (ev[i].data.ptr == n)
			seen = true;
		else
			on_event(n, ev[i].data.ptr, ev[i].events);
	}
	flush(n);
	return seen;
}
