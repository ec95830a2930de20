#include "daemon/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/rd.h"

enum { HEAD_LEN = 1 + 4 * 4 + 2 };

int channel_pair(int ret_fds[2])
{
	int r = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret_fds);
	return r < 0 ? -errno : 0;
}

int channel_set_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);
	if (flags < 0)
		return -errno;
	flags = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

union fd_space {
	char room[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void attach(struct msghdr *h, union fd_space *space, int fd)
{
	memset(space, 0, sizeof *space);
	h->msg_control = space->room;
	h->msg_controllen = sizeof space->room;
	struct cmsghdr *c = CMSG_FIRSTHDR(h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
}

int channel_send(int fd, const struct channel_msg *m)
{
	auto_(buf_free) struct buf b = buf_of(HEAD_LEN + CHANNEL_TEXT_MAX);
	union fd_space space;
	buf_u8(&b, (uint8_t)m->type);
	buf_u32(&b, m->a);
	buf_u32(&b, m->b);
	buf_u32(&b, m->c);
	buf_u32(&b, m->d);
	buf_str16(&b, str_sub(m->text, 0, CHANNEL_TEXT_MAX));
	struct iovec iov = { .iov_base = b.p, .iov_len = b.len };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (m->fd >= 0)
		attach(&h, &space, m->fd);
	ssize_t n;
	do
		n = sendmsg(fd, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int detach(struct msghdr *h)
{
	int fd = -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

static int decode(struct bytes in, struct channel_msg *ret, char *text)
{
	struct rd r = rd_of(in);
	struct channel_msg m = { .type = rd_u8(&r) };
	m.a = rd_u32(&r);
	m.b = rd_u32(&r);
	m.c = rd_u32(&r);
	m.d = rd_u32(&r);
	struct str s = rd_str16(&r);
	if (r.bad || rd_left(&r) > 0 || s.len > CHANNEL_TEXT_MAX)
		return -EBADMSG;
	if (m.type == 0 || m.type >= CHANNEL_N_TYPES)
		return -EBADMSG;
	if (s.len > 0)
		memcpy(text, s.p, s.len);
	m.text = str_n(text, s.len);
	*ret = m;
	return 1;
}

int channel_recv(int fd, struct channel_msg *ret, char text[CHANNEL_TEXT_MAX])
{
	uint8_t in[HEAD_LEN + CHANNEL_TEXT_MAX];
	union fd_space space;
	struct iovec iov = { .iov_base = in, .iov_len = sizeof in };
	struct msghdr h = { .msg_iov = &iov,
		            .msg_iovlen = 1,
		            .msg_control = space.room,
		            .msg_controllen = sizeof space.room };
	ssize_t n;
	do
		n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n == 0 || errno == ECONNRESET ? 0 : -errno;
	int passed = detach(&h);
	int r = h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)
	                ? -EBADMSG
	                : decode((struct bytes){ in, (size_t)n }, ret, text);
	if (r == 1)
		ret->fd = passed;
	else if (passed >= 0)
		(void)close(passed);
	return r;
}
