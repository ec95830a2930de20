#include "loop/peek.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct peek {
	struct io *io;
	struct timer timer;
	int fd;
	size_t seen; /* bytes */
	peek_fn *fn;
	void *arg;
};

/* The kernel wakes us when so many bytes are there: what we leave unread would wake us for ever. */
static void want(const struct peek *p, size_t n)
{
	int low = (int)n;
	(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
}

static void done(struct peek *p)
{
	io_free(&p->io);
	timer_stop(&p->timer);
	free(p);
}

int peek_take(struct peek **pp)
{
	struct peek *p = take(pp);
	int fd = p->fd;
	want(p, 1);
	done(p);
	return fd;
}

void peek_free(struct peek **pp)
{
	struct peek *p = take(pp);
	if (!p)
		return;
	(void)close(p->fd);
	done(p);
}

static void fail(struct peek *p, int err)
{
	p->fn(p->arg, p, (struct bytes){ NULL, 0 }, err);
	peek_free(&p);
}

static void on_readable(void *arg, int events UNUSED)
{
	struct peek *p = arg;
	uint8_t bytes[PEEK_MAX];
	ssize_t n = recv(p->fd, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* Woken without another byte: the peer has ended. */
	if (n < 0 || (size_t)n == p->seen) {
		fail(p, n < 0 ? -errno : -EPIPE);
		return;
	}
	p->seen = (size_t)n;
	want(p, p->seen + 1);
	p->fn(p->arg, p, (struct bytes){ bytes, (size_t)n }, 0);
}

static void on_late(void *arg)
{
	fail(arg, -ETIMEDOUT);
}

struct peek *peek_new(struct loop *l, int fd, usec_t max, peek_fn *fn, void *arg)
{
	struct peek *p = xnew(struct peek);
	p->fd = fd;
	p->fn = fn;
	p->arg = arg;
	p->io = io_new(l, fd, on_readable, p);
	timer_init(&p->timer, l, on_late, p);
	timer_set(&p->timer, loop_now(l) + max);
	io_want(p->io, IO_READ);
	return p;
}
