#include "burst.h"

#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "sock.h"

enum { BATCH = 64, BYTES_MAX = 2048, SEGMENTED_MAX = 65000 };

struct bursts {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_iov[BATCH], out_iov[BATCH];
	struct sockaddr_storage from[BATCH];
	union {
		char bytes[CMSG_SPACE(sizeof(uint16_t))];
		struct cmsghdr aligned;
	} control[BATCH];
	char bytes[BATCH][BYTES_MAX];
};

static bool is_alike(const struct bursts *b, int first, int i)
{
	const struct msghdr *f = &b->in[first].msg_hdr, *h = &b->in[i].msg_hdr;
	return b->in[i].msg_len == b->in[first].msg_len && h->msg_namelen == f->msg_namelen &&
	       memcmp(h->msg_name, f->msg_name, f->msg_namelen) == 0;
}

/* One message of the datagrams from `first` on that are alike; returns how many. */
static int gather(struct bursts *b, int first, int n, struct mmsghdr *ret, int at)
{
	size_t total = 0;
	uint16_t size = (uint16_t)b->in[first].msg_len;
	int i = first;
	for (; i < n && is_alike(b, first, i) && total + size <= SEGMENTED_MAX; i++) {
		b->out_iov[i] = (struct iovec){ b->bytes[i], size };
		total += size;
	}
	struct msghdr *h = &ret->msg_hdr;
	*h = (struct msghdr){ .msg_name = &b->from[first],
		              .msg_namelen = b->in[first].msg_hdr.msg_namelen,
		              .msg_iov = &b->out_iov[first],
		              .msg_iovlen = (size_t)(i - first) };
	if (i - first > 1) {
		h->msg_control = b->control[at].bytes;
		h->msg_controllen = sizeof(b->control[at].bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(h);
		*c = (struct cmsghdr){ CMSG_LEN(sizeof(size)), SOL_UDP, UDP_SEGMENT };
		memcpy(CMSG_DATA(c), &size, sizeof(size));
	}
	return i - first;
}

static void send_back(struct bursts *b, int fd, int n)
{
	int n_out = 0;
	for (int i = 0; i < n; n_out++)
		i += gather(b, i, n, &b->out[n_out], n_out);
	for (int i = 0; i < n_out;) {
		int sent = sendmmsg(fd, b->out + i, (unsigned)(n_out - i), MSG_DONTWAIT);
		i += sent > 0 ? sent : 1; /* lost, as datagrams may be */
	}
}

void burst_serve(int fd)
{
	struct bursts *b = xalloc(1, sizeof(*b));
	struct pollfd p = { .fd = fd, .events = POLLIN };
	for (;;) {
		for (int i = 0; i < BATCH; i++) {
			b->in_iov[i] = (struct iovec){ b->bytes[i], BYTES_MAX };
			b->in[i].msg_hdr = (struct msghdr){ .msg_name = &b->from[i],
				                            .msg_namelen = sizeof(b->from[i]),
				                            .msg_iov = &b->in_iov[i],
				                            .msg_iovlen = 1 };
		}
		int n = recvmmsg(fd, b->in, BATCH, MSG_DONTWAIT, NULL);
		if (n > 0)
			send_back(b, fd, n);
		else
			(void)poll(&p, 1, -1);
	}
}
