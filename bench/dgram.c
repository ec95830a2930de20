#include "dgram.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SOCKET_BYTES = 4 << 20, /* of its buffers, as far as the system allows */
	CONTROL_MAX = 64,
};

union control {
	char bytes[CONTROL_MAX];
	struct cmsghdr aligned;
};

struct slot {
	struct iovec iov;
	struct sockaddr_in name;
	union control control;
};

struct dgram {
	int fd;
	in_port_t port;
	unsigned n_out;
	uint64_t failed;
	struct mmsghdr in[DGRAM_BATCH], out[DGRAM_BATCH];
	struct slot in_slot[DGRAM_BATCH], out_slot[DGRAM_BATCH];
	uint8_t bytes[DGRAM_BATCH][DGRAM_MAX];
};

static void set(int fd, int level, int name, int value, const char *what)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)) < 0)
		die("%s: %s", what, strerror(errno));
}

/* Root may have more than the limit of the system. */
static void set_buffer(int fd, int name, int force)
{
	int size = SOCKET_BYTES;
	if (setsockopt(fd, SOL_SOCKET, force, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, name, &size, sizeof(size));
}

struct dgram *dgram_new(struct in_addr local)
{
	struct dgram *d = xalloc(1, sizeof(*d));
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = local };
	socklen_t len = sizeof(a);
	d->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd < 0 || bind(d->fd, (const struct sockaddr *)&a, len) < 0 ||
	    getsockname(d->fd, (struct sockaddr *)&a, &len) < 0)
		die("a UDP socket: %s", strerror(errno));
	d->port = a.sin_port;
	set(d->fd, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO");
	set(d->fd, SOL_UDP, UDP_GRO, 1, "UDP_GRO");
	set_buffer(d->fd, SO_RCVBUF, SO_RCVBUFFORCE);
	set_buffer(d->fd, SO_SNDBUF, SO_SNDBUFFORCE);
	return d;
}

in_port_t dgram_port(const struct dgram *d)
{
	return d->port;
}

uint64_t dgram_failed(const struct dgram *d)
{
	return d->failed;
}

/* --- in -------------------------------------------------------------------------------- */

static void ready(struct dgram *d, unsigned i)
{
	struct slot *s = &d->in_slot[i];
	s->iov = (struct iovec){ d->bytes[i], DGRAM_MAX };
	d->in[i].msg_hdr = (struct msghdr){ .msg_name = &s->name,
		                            .msg_namelen = sizeof(s->name),
		                            .msg_iov = &s->iov,
		                            .msg_iovlen = 1,
		                            .msg_control = s->control.bytes,
		                            .msg_controllen = sizeof(s->control.bytes) };
}

static void read_control(struct msghdr *h, struct dgram_some *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			ret->local = info.ipi_addr;
		} else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
			int size;
			memcpy(&size, CMSG_DATA(c), sizeof(size));
			ret->size = (size_t)size;
		}
	}
}

unsigned dgram_receive(struct dgram *d, dgram_fn *fn, void *arg)
{
	for (unsigned i = 0; i < DGRAM_BATCH; i++)
		ready(d, i);
	int n = recvmmsg(d->fd, d->in, DGRAM_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		struct dgram_some some = { .p = d->bytes[i],
			                   .n = d->in[i].msg_len,
			                   .size = d->in[i].msg_len,
			                   .remote = d->in_slot[i].name };
		read_control(&d->in[i].msg_hdr, &some);
		fn(arg, &some);
	}
	return n > 0 ? (unsigned)n : 0;
}

/* --- out ------------------------------------------------------------------------------- */

static void *put_control(struct msghdr *h, void *at, int level, int type, size_t n)
{
	struct cmsghdr *c = at;
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(n), .cmsg_level = level, .cmsg_type = type };
	h->msg_controllen += CMSG_SPACE(n);
	return CMSG_DATA(c);
}

void dgram_queue(struct dgram *d, const struct dgram_some *some)
{
	if (d->n_out == DGRAM_BATCH)
		dgram_flush(d);
	struct slot *s = &d->out_slot[d->n_out];
	struct msghdr *h = &d->out[d->n_out++].msg_hdr;
	struct in_pktinfo info = { .ipi_spec_dst = some->local };
	uint16_t size = (uint16_t)some->size;
	s->name = some->remote;
	s->iov = (struct iovec){ (void *)(uintptr_t)some->p, some->n };
	*h = (struct msghdr){ .msg_name = &s->name,
		              .msg_namelen = sizeof(s->name),
		              .msg_iov = &s->iov,
		              .msg_iovlen = 1,
		              .msg_control = s->control.bytes };
	void *at = put_control(h, s->control.bytes, IPPROTO_IP, IP_PKTINFO, sizeof(info));
	memcpy(at, &info, sizeof(info));
	if (some->n <= some->size)
		return;
	at = put_control(h, s->control.bytes + h->msg_controllen, SOL_UDP, UDP_SEGMENT,
	                 sizeof(size));
	memcpy(at, &size, sizeof(size));
}

void dgram_flush(struct dgram *d)
{
	for (unsigned i = 0; i < d->n_out;) {
		int n = sendmmsg(d->fd, d->out + i, d->n_out - i, MSG_DONTWAIT);
		d->failed += n <= 0; /* lost, as datagrams may be */
		i += n > 0 ? (unsigned)n : 1;
	}
	d->n_out = 0;
}
