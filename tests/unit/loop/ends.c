#include "ends.h"

#include <fcntl.h>
#include <unistd.h>

static void on_opened(void *arg)
{
	struct end *e = arg;
	e->n_opened++;
}

static ssize_t on_data(void *arg, struct str in)
{
	struct end *e = arg;
	if (e->refuse)
		return e->refuse;
	size_t n = in.len > e->leave ? in.len - e->leave : 0;
	buf_put(&e->got, in.p, n);
	return (ssize_t)n;
}

static void on_closed(void *arg, int err, const char *why)
{
	struct end *e = arg;
	e->n_closed++;
	e->err = err;
	(void)snprintf(e->why, sizeof(e->why), "%s", why);
}

static void on_room(void *arg)
{
	struct end *e = arg;
	e->n_room++;
}

const struct stream_ops end_ops = {
	.opened = on_opened,
	.data = on_data,
	.closed = on_closed,
	.room = on_room,
};

const struct stream_limits end_limits = {
	.read_max = 1000,
	.write_max = 1024 * 1024,
	.open_max = 30 * USEC_PER_SEC,
};

void end_done(struct end *e)
{
	stream_free(&e->s);
	buf_free(&e->got);
}

int door_socket(int type, const char *host, struct addr *ret_at)
{
	OK(addr_parse(ret_at, str_of(host), 0) == 0);
	socklen_t len = addr_len(ret_at);
	int fd = socket(ret_at->sa.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	OK(bind(fd, &ret_at->sa, len) == 0);
	OK(type == SOCK_DGRAM || listen(fd, 64) == 0);
	OK(getsockname(fd, &ret_at->sa, &len) == 0);
	return fd;
}

void ends_pair(int ret[2])
{
	struct addr at;
	int door = door_socket(SOCK_STREAM, "127.0.0.1", &at);
	ret[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	EQ(connect(ret[0], &at.sa, addr_len(&at)), 0);
	EQ(fcntl(ret[0], F_SETFL, O_NONBLOCK), 0);
	do
		ret[1] = accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (ret[1] < 0);
	(void)close(door);
}

static void on_accept(void *arg, struct listener *ls UNUSED, int fd, const struct addr *peer UNUSED)
{
	struct door *d = arg;
	struct end *e = &d->accepted[d->n++];
	OK(d->n < ARRAY_SIZE(d->accepted));
	e->got = buf_of(END_MAX);
	e->s = stream_accept(d->loop, fd, d->tls, &d->lim, &end_ops, e);
}

void door_open(struct door *d, struct loop *l, struct tls_server *tls)
{
	*d = (struct door){ .loop = l, .tls = tls, .lim = end_limits };
	d->ls = listener_new(l, door_socket(SOCK_STREAM, "127.0.0.1", &d->at), 64, on_accept, d);
}

void door_close(struct door *d)
{
	for (unsigned i = 0; i < d->n; i++)
		end_done(&d->accepted[i]);
	listener_free(&d->ls);
}

void door_connect(struct door *d, struct end *e, struct tls_client *tls, struct str name)
{
	*e = (struct end){ .got = buf_of(END_MAX) };
	e->s = stream_connect(d->loop, &d->at, tls, name, &end_limits, &end_ops, e);
}
