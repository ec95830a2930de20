#include "loop/udp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/inside.h"

enum { QUEUE_MAX = 4 * 1024 * 1024 };

/* What one recvmmsg() fills; one for all sockets of the loop. */
struct udp_batch {
	struct mmsghdr hdr[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	struct sockaddr_storage from[UDP_BATCH];
	char data[UDP_BATCH][UDP_DATAGRAM_MAX + 1];
};

struct udp {
	uv_poll_t poll;
	struct loop *loop;
	int fd;
	struct addr local;
	udp_recv_fn *fn;
	void *arg;
	struct defer flush;
	struct buf out; /* the datagrams of this turn, one behind the other */
	unsigned n_out;
	struct {
		uint32_t len;
		struct addr to;
	} queue[UDP_BATCH];
	uint64_t errors;
};

int udp_bind(const struct addr *a)
{
	int fd = socket(a->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, &a->sa, addr_len(a)) == 0)
		return fd;
	int r = -errno;
	(void)close(fd);
	return r;
}

int udp_source(const struct addr *to, struct addr *ret)
{
	struct addr any_port = *to;
	int fd = socket(to->sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (addr_port(to) == 0)
		addr_set_port(&any_port, 9); /* discard; nothing is sent */
	int r = connect(fd, &any_port.sa, addr_len(&any_port)) < 0 ? -errno : 0;
	if (r == 0) {
		*ret = loop_socket_addr(fd, false);
		addr_set_port(ret, 0);
	}
	(void)close(fd);
	return r;
}

static struct udp_batch *batch_new(void)
{
	struct udp_batch *b = xmalloc(sizeof(*b)); /* its pages come into being when used */
	memset(b->hdr, 0, sizeof(b->hdr));
	for (int i = 0; i < UDP_BATCH; i++) {
		b->iov[i] = (struct iovec){ b->data[i], UDP_DATAGRAM_MAX };
		b->hdr[i].msg_hdr.msg_iov = &b->iov[i];
		b->hdr[i].msg_hdr.msg_iovlen = 1;
		b->hdr[i].msg_hdr.msg_name = &b->from[i];
	}
	return b;
}

static void deliver(struct udp *u, struct udp_batch *b, int n)
{
	for (int i = 0; i < n; i++) {
		struct addr peer;
		const struct sockaddr *sa = (const struct sockaddr *)&b->from[i];
		if (b->hdr[i].msg_len == 0 ||
		    addr_from_sockaddr(&peer, sa, b->hdr[i].msg_hdr.msg_namelen) < 0)
			continue;
		u->fn(u->arg, u, &peer, str_n(b->data[i], b->hdr[i].msg_len));
	}
}

static void on_readable(uv_poll_t *h, int status UNUSED, int events UNUSED)
{
	struct udp *u = h->data;
	struct udp_batch *b = u->loop->udp;
	loop_note_wake(u->loop);
	for (int i = 0; i < UDP_BATCH; i++)
		b->hdr[i].msg_hdr.msg_namelen = sizeof(b->from[i]);
	int n = recvmmsg(u->fd, b->hdr, UDP_BATCH, MSG_DONTWAIT, NULL);
	/* Negative: nothing there, or the ICMP error of an earlier datagram, which is now cleared.
	 */
	deliver(u, b, n);
}

static void send_queue(void *arg)
{
	struct udp *u = arg;
	RAW_MEMORY struct mmsghdr hdr[UDP_BATCH];
	RAW_MEMORY struct iovec iov[UDP_BATCH];
	char none[1], *p = u->out.p ? u->out.p : none; /* empty datagrams alone */
	memset(hdr, 0, sizeof(hdr[0]) * u->n_out);
	for (unsigned i = 0; i < u->n_out; i++) {
		iov[i] = (struct iovec){ p, u->queue[i].len };
		p += u->queue[i].len;
		hdr[i].msg_hdr.msg_iov = &iov[i];
		hdr[i].msg_hdr.msg_iovlen = 1;
		hdr[i].msg_hdr.msg_name = &u->queue[i].to;
		hdr[i].msg_hdr.msg_namelen = addr_len(&u->queue[i].to);
	}
	for (unsigned i = 0; i < u->n_out;) {
		int n = sendmmsg(u->fd, hdr + i, u->n_out - i, MSG_DONTWAIT);
		if (n <= 0)
			u->errors++; /* this one is lost, as datagrams may be */
		i += n > 0 ? (unsigned)n : 1;
	}
	u->n_out = 0;
	u->out.len = 0;
}

/* What the 16 bits of the length leave after the headers of IP and UDP. */
static size_t datagram_max(const struct addr *peer)
{
	return UDP_DATAGRAM_MAX - 8 - (peer->sa.sa_family == AF_INET ? 20 : 0);
}

int udp_send(struct udp *u, const struct addr *peer, struct str data)
{
	if (data.len > datagram_max(peer))
		return -EMSGSIZE;
	if (u->n_out == UDP_BATCH || u->out.len + data.len > QUEUE_MAX)
		send_queue(u);
	buf_str(&u->out, data);
	u->queue[u->n_out].len = (uint32_t)data.len;
	u->queue[u->n_out].to = *peer;
	u->n_out++;
	loop_defer(u->loop, &u->flush);
	return 0;
}

struct udp *udp_new(struct loop *l, int fd, udp_recv_fn *fn, void *arg)
{
	struct udp *u = xnew(struct udp);
	u->loop = l;
	u->fd = fd;
	u->fn = fn;
	u->arg = arg;
	u->out = buf_of(QUEUE_MAX + UDP_DATAGRAM_MAX);
	defer_init(&u->flush, send_queue, u);
	if (!l->udp)
		l->udp = batch_new();
	u->local = loop_socket_addr(fd, false);
	int r = uv_poll_init(&l->uv, &u->poll, fd);
	assert(r == 0);
	u->poll.data = u;
	(void)uv_poll_start(&u->poll, UV_READABLE, on_readable);
	return u;
}

static void free_udp(uv_handle_t *h)
{
	struct udp *u = h->data;
	buf_free(&u->out);
	free(u);
}

void udp_free(struct udp **up)
{
	struct udp *u = take(up);
	if (!u)
		return;
	defer_cancel(&u->flush);
	if (u->n_out)
		send_queue(u);
	(void)uv_poll_stop(&u->poll);
	(void)close(u->fd);
	uv_close((uv_handle_t *)&u->poll, free_udp);
}

const struct addr *udp_local(const struct udp *u)
{
	return &u->local;
}

uint64_t udp_send_errors(const struct udp *u)
{
	return u->errors;
}
