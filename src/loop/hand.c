#include "loop/hand.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct hand {
	struct io *io;
	int fd;
	unsigned per_turn;
	const struct hand_ops *ops;
	void *arg;
};

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

int hand_pair(int ret[2])
{
	int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	return socketpair(AF_UNIX, type, 0, ret) < 0 ? -errno : 0;
}

int hand_over(struct hand *h, int fd, const uint8_t text[HAND_LEN])
{
	union control c = { .space = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)text, HAND_LEN };
	struct msghdr m = { .msg_iov = &iov,
		            .msg_iovlen = 1,
		            .msg_control = c.space,
		            .msg_controllen = sizeof(c.space) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&m);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
	ssize_t n = sendmsg(h->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	int r = n == HAND_LEN ? 0 : n < 0 ? -errno : -EIO;
	(void)close(fd);
	return r;
}

static int taken(struct msghdr *m)
{
	int fd = -1;
	struct cmsghdr *head = CMSG_FIRSTHDR(m);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
	    head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(head), sizeof(int));
	return fd;
}

/* One message; a descriptor keeps it apart from the next one.  0, -EAGAIN, or the link has ended.
 * There is room for one descriptor exactly: the kernel does not give us others, which we would have
 * to close. */
static int take_one(struct hand *h)
{
	uint8_t text[HAND_LEN];
	union control c;
	struct iovec iov = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &iov,
		            .msg_iovlen = 1,
		            .msg_control = c.space,
		            .msg_controllen = CMSG_LEN(sizeof(int)) };
	ssize_t n = recvmsg(h->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	int fd = n > 0 ? taken(&m) : -1;
	/* We have no descriptor left: the kernel has closed this one, which its other end sees. */
	if (n == HAND_LEN && fd < 0 && (m.msg_flags & MSG_CTRUNC)) {
		if (h->ops->full)
			h->ops->full(h->arg);
		return 0;
	}
	if (n != HAND_LEN || fd < 0 || (m.msg_flags & MSG_CTRUNC)) {
		if (fd >= 0)
			(void)close(fd);
		return -EPIPE;
	}
	h->ops->got(h->arg, fd, text);
	return 0;
}

static void on_readable(void *arg, int events UNUSED)
{
	struct hand *h = arg;
	int r = 0;
	for (unsigned i = 0; i < h->per_turn && r == 0; i++)
		r = take_one(h);
	if (r == 0 || r == -EAGAIN)
		return;
	h->ops->lost(h->arg);
	hand_free(&h);
}

struct hand *hand_new(struct loop *l, int fd, const struct hand_ops *ops, void *arg)
{
	struct hand *h = xnew(struct hand);
	h->fd = fd;
	h->per_turn = HAND_PER_TURN;
	h->ops = ops;
	h->arg = arg;
	h->io = io_new(l, fd, on_readable, h);
	io_want(h->io, IO_READ);
	return h;
}

void hand_set_per_turn(struct hand *h, unsigned per_turn)
{
	h->per_turn = per_turn;
}

void hand_free(struct hand **hp)
{
	struct hand *h = take(hp);
	if (!h)
		return;
	io_free(&h->io);
	(void)close(h->fd);
	free(h);
}
