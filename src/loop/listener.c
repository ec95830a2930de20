#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop/inside.h"
#include "loop/stream.h"

/* Listening sockets.
 *
 * A process without a descriptor left cannot accept, and what it does not accept would wait in the
 * kernel for ever: each listener holds one in reserve, which is given up for a moment to take the
 * connection and end it. */

enum { FULL_PAUSE_MS = 100 };

struct listener {
	uv_poll_t poll;
	struct loop *loop;
	int fd;
	int spare; /* the descriptor in reserve; -1: it could not be had again */
	unsigned per_turn;
	listener_fn *fn;
	listener_refused_fn *tell;
	void *arg;
	struct addr local;
	bool paused;
	uint64_t refused;
	struct timer full; /* no descriptor is left: a moment's rest */
};

static void watch(struct listener *ls);

static int spare_open(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Takes the connection that waits and ends it: 0, -EAGAIN if none waits (the kernel looks for a
 * descriptor first), or why even that cannot be done now. */
static int refuse(struct listener *ls)
{
	if (ls->spare < 0)
		ls->spare = spare_open();
	if (ls->spare < 0)
		return -errno;
	(void)close(ls->spare);
	int fd = accept4(ls->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int r = fd < 0 ? -errno : 0;
	if (fd >= 0)
		(void)close(fd);
	ls->spare = spare_open();
	return r;
}

/* No connection can be taken.  True if this one has been ended and the next can be looked at. */
static bool full(struct listener *ls, int err)
{
	int r = err == EMFILE || err == ENFILE ? refuse(ls) : -err;
	if (r == -EAGAIN)
		return false;
	ls->refused += r == 0;
	if (ls->tell)
		ls->tell(ls->arg, ls, -err);
	if (r == 0)
		return true;
	(void)uv_poll_stop(&ls->poll);
	timer_set(&ls->full, loop_now(ls->loop) + FULL_PAUSE_MS * USEC_PER_MSEC);
	return false;
}

static bool is_full(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS;
}

static void on_connections(uv_poll_t *h, int status UNUSED, int events UNUSED)
{
	struct listener *ls = h->data;
	loop_note_wake(ls->loop);
	for (unsigned i = 0; i < ls->per_turn && !ls->paused; i++) {
		struct sockaddr_storage ss;
		struct addr peer = { .sa.sa_family = AF_UNSPEC };
		socklen_t len = sizeof(ss);
		int fd =
		        accept4(ls->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && is_full(errno) && full(ls, errno))
			continue;
		if (fd < 0)
			return;
		if (addr_from_sockaddr(&peer, (struct sockaddr *)&ss, len) < 0)
			peer.sa.sa_family = AF_UNSPEC;
		ls->fn(ls->arg, ls, fd, &peer);
	}
}

static void watch(struct listener *ls)
{
	if (ls->paused)
		(void)uv_poll_stop(&ls->poll);
	else
		(void)uv_poll_start(&ls->poll, UV_READABLE, on_connections);
}

static void on_full_over(void *arg)
{
	watch(arg);
}

struct listener *listener_new(struct loop *l, int fd, unsigned per_turn, listener_fn *fn, void *arg)
{
	struct listener *ls = xnew(struct listener);
	ls->loop = l;
	ls->fd = fd;
	ls->spare = spare_open();
	ls->per_turn = per_turn;
	ls->fn = fn;
	ls->arg = arg;
	timer_init(&ls->full, l, on_full_over, ls);
	ls->local = loop_socket_addr(fd, false);
	(void)uv_poll_init(&l->uv, &ls->poll, fd);
	ls->poll.data = ls;
	watch(ls);
	return ls;
}

static void free_listener(uv_handle_t *h)
{
	free(h->data);
}

void listener_free(struct listener **lp)
{
	struct listener *ls = take(lp);
	if (!ls)
		return;
	timer_stop(&ls->full);
	(void)uv_poll_stop(&ls->poll);
	(void)close(ls->fd);
	if (ls->spare >= 0)
		(void)close(ls->spare);
	uv_close((uv_handle_t *)&ls->poll, free_listener);
}

int tcp_bind(const struct addr *a)
{
	int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0 &&
	    bind(fd, &a->sa, addr_len(a)) == 0)
		return fd;
	int r = -errno;
	(void)close(fd);
	return r;
}

int tcp_listen(int fd, int backlog)
{
	return listen(fd, backlog) < 0 ? -errno : 0;
}

struct addr tcp_peer(int fd)
{
	return loop_socket_addr(fd, true);
}

void listener_pause(struct listener *ls, bool paused)
{
	ls->paused = paused;
	timer_stop(&ls->full);
	watch(ls);
}

void listener_set_per_turn(struct listener *ls, unsigned per_turn)
{
	ls->per_turn = per_turn;
}

void listener_tell_refused(struct listener *ls, listener_refused_fn *fn)
{
	ls->tell = fn;
}

const struct addr *listener_local(const struct listener *ls)
{
	return &ls->local;
}

uint64_t listener_refused(const struct listener *ls)
{
	return ls->refused;
}
