#include "far.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FAR_TURNS = 30, PART = 10 * 1024 };

void edge_turns(struct edge *e)
{
	for (int i = 0; i < FAR_TURNS; i++)
		loop_turn(e->loop, USEC_PER_MSEC);
}

static void shrink(int fd)
{
	int n = FAR_BUFFER;
	EQ(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n)), 0);
	EQ(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n)), 0);
}

void far_of(struct far *f, struct edge *e, int fd)
{
	*f = (struct far){ .e = e, .door = -1, .fd = fd, .got = buf_of(EDGE_SAID_MAX) };
}

static int bound(const char *host, struct addr *ret)
{
	socklen_t n = sizeof(ret->in6);
	EQ(addr_parse(ret, str_of(host ? host : "127.0.0.1"), 0), 0);
	int fd = tcp_bind(ret);
	shrink(fd);
	EQ(getsockname(fd, &ret->sa, &n), 0);
	return fd;
}

void far_listen(struct far *f, struct edge *e, const char *on_host)
{
	far_of(f, e, -1);
	f->door = bound(on_host, &f->at);
	EQ(tcp_listen(f->door, 8), 0);
}

static void dial(struct far *f, const struct addr *to)
{
	int r = connect(f->fd, &to->sa, addr_len(to));
	OK(r == 0 || errno == EINPROGRESS);
}

void far_dial(struct far *f, struct edge *e, const struct addr *to, const char *from_host)
{
	far_of(f, e, -1);
	f->fd = bound(from_host, &f->at);
	dial(f, to);
}

void far_dial_from_door(struct far *f, const struct addr *to)
{
	f->fd = tcp_bind(&f->at);
	shrink(f->fd);
	dial(f, to);
}

void far_fill(struct far *peer, struct far *fillers, unsigned n)
{
	EQ(tcp_listen(peer->door, 0), 0);
	for (unsigned i = 0; i < n; i++)
		far_dial(&fillers[i], peer->e, &peer->at, NULL);
	edge_turns(peer->e);
}

bool far_accept(struct far *f, struct addr *ret_from)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	for (int i = 0; i < FAR_TURNS && f->fd < 0; i++) {
		f->fd = accept4(f->door, (struct sockaddr *)&ss, &n, SOCK_NONBLOCK);
		loop_turn(f->e->loop, USEC_PER_MSEC);
	}
	return f->fd >= 0 && addr_from_sockaddr(ret_from, (struct sockaddr *)&ss, n) == 0;
}

void far_hang_up(struct far *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
}

void far_stop(struct far *f)
{
	far_hang_up(f);
	if (f->door >= 0)
		(void)close(f->door);
	f->door = -1;
	buf_free(&f->got);
}

void far_say(struct far *f, struct str s)
{
	EQ(send(f->fd, s.p, s.len, MSG_NOSIGNAL), (ssize_t)s.len);
}

void far_read(struct far *f, size_t n)
{
	char part[PART];
	while (n > 0 && !f->ended) {
		ssize_t r = recv(f->fd, part, MIN(n, sizeof(part)), MSG_DONTWAIT);
		if (r < 0 && errno == EAGAIN)
			return;
		f->ended = r <= 0;
		f->err = r < 0 ? errno : 0;
		buf_put(&f->got, part, (size_t)MAX(r, 0));
		n -= (size_t)MAX(r, 0);
	}
}

bool far_hears(struct far *f, const char *text)
{
	for (int i = 0; i < AWAIT_S * 1000 && f->got.len < strlen(text) && !f->ended; i++) {
		loop_turn(f->e->loop, USEC_PER_MSEC);
		far_read(f, PART);
	}
	bool right = str_eq(buf_view(&f->got), str_of(text));
	if (!right)
		(void)fprintf(stderr, "# got \"%.*s\", want \"%s\"\n", (int)f->got.len, f->got.p,
		              text);
	buf_free(&f->got);
	return right;
}

bool far_is_ended(struct far *f)
{
	far_read(f, SIZE_MAX);
	return f->ended;
}

char far_byte(size_t i)
{
	return (char)(i * 7 + i / 251 + i / 65537);
}

void far_put(struct far *f, size_t n)
{
	char part[PART];
	while (n > 0) {
		size_t want = MIN(n, sizeof(part));
		for (size_t i = 0; i < want; i++)
			part[i] = far_byte(f->put + i);
		ssize_t r = send(f->fd, part, want, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (r <= 0)
			return;
		f->put += (size_t)r;
		n -= (size_t)r;
	}
}

bool far_saw(struct far *f, struct str s)
{
	bool right = true;
	for (size_t i = 0; i < s.len; i++)
		right &= s.p[i] == far_byte(f->seen++);
	return right;
}
