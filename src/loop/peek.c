#include "loop/peek.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/inside.h"

_Static_assert((int)PEEK_MAX <= (int)LOOP_READ_SIZE,
               "they have room in what all streams read into");

struct peek {
	struct loop *loop;
	struct io *io;
	struct timer timer;
	int fd;
	size_t seen; /* bytes */
	size_t low;  /* so many wake us */
	peek_fn *fn;
	void *arg;
};

/* The kernel wakes us when so many bytes are there: what we leave unread would wake us for ever. */
static void want(struct peek *p, size_t n)
{
	int low = (int)n;
	if (p->low != n)
		(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
	p->low = n;
}

void peek_want(struct peek *p, size_t n)
{
	want(p, MAX(n, p->seen + 1));
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
	uint8_t *bytes = (uint8_t *)p->loop->read_buf;
	ssize_t n = recv(p->fd, bytes, PEEK_MAX, MSG_PEEK | MSG_DONTWAIT);
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
	p->loop = l;
	p->fd = fd;
	p->low = 1;
	p->fn = fn;
	p->arg = arg;
	p->io = io_new(l, fd, on_readable, p);
	timer_init(&p->timer, l, on_late, p);
	timer_set(&p->timer, loop_now(l) + max);
	io_want(p->io, IO_READ);
	return p;
}
