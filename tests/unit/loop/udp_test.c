#include "loop/udp.h"

#include <errno.h>

#include "ends.h"

struct side {
	struct udp *u;
	struct addr at, from;
	unsigned n;
	size_t bytes;
	char last[64];
	bool echo;
};

static void on_datagram(void *arg, struct udp *u, const struct addr *peer, struct str data)
{
	struct side *s = arg;
	s->n++;
	s->bytes += data.len;
	s->from = *peer;
	(void)snprintf(s->last, sizeof(s->last), "%.*s", (int)MIN(data.len, 60), data.p);
	if (s->echo)
		EQ(udp_send(u, peer, data), 0);
}

struct world {
	struct loop *loop;
	struct side a, b;
};

static void side_start(struct side *s, struct loop *l, const char *host)
{
	s->u = udp_new(l, door_socket(SOCK_DGRAM, host, &s->at), on_datagram, s);
	OK(addr_eq(udp_local(s->u), &s->at));
}

static void world_start(struct world *w, const char *host)
{
	*w = (struct world){ .loop = loop_new() };
	side_start(&w->a, w->loop, host);
	side_start(&w->b, w->loop, host);
}

static void world_end(struct world *w)
{
	udp_free(&w->a.u);
	udp_free(&w->b.u);
	loop_free(&w->loop);
}

static void a_datagram_goes_out_at_the_end_of_the_turn(void)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct world w;
		world_start(&w, hosts[i]);
		w.b.echo = true;
		EQ(udp_send(w.a.u, &w.b.at, STR("hello")), 0);
		AWAIT(w.loop, w.a.n == 1);
		EQ_STR(str_of(w.b.last), "hello");
		EQ_STR(str_of(w.a.last), "hello");
		OK(addr_eq(&w.b.from, &w.a.at) && addr_eq(&w.a.from, &w.b.at));
		EQ(udp_send_errors(w.a.u), 0);
		world_end(&w);
	}
}

static void more_than_one_batch_goes_out_and_comes_in(void)
{
	struct world w;
	world_start(&w, "127.0.0.1");
	for (int i = 0; i < 2 * UDP_BATCH + 5; i++)
		EQ(udp_send(w.a.u, &w.b.at, STR("x")), 0);
	AWAIT(w.loop, w.b.n == 2 * UDP_BATCH + 5);
	EQ(w.b.bytes, 2 * UDP_BATCH + 5);
	world_end(&w);
}

static void the_largest_datagram_passes_whole_and_a_larger_one_is_refused(void)
{
	enum { IP_MAX = 65507 }; /* what fits in an IPv4 packet */
	struct world w;
	auto_(buf_free) struct buf big = buf_of(UDP_DATAGRAM_MAX + 1);
	world_start(&w, "127.0.0.1");
	while (big.len <= UDP_DATAGRAM_MAX)
		buf_char(&big, 'z');
	EQ(udp_send(w.a.u, &w.b.at, buf_view(&big)), -EMSGSIZE);
	EQ(udp_send(w.a.u, &w.b.at, str_n(big.p, IP_MAX + 1)), -EMSGSIZE);
	EQ(udp_send(w.a.u, &w.b.at, str_n(big.p, IP_MAX)), 0);
	AWAIT(w.loop, w.b.n == 1);
	EQ(w.b.bytes, IP_MAX);
	world_end(&w);
}

/* One that the kernel refuses costs neither its neighbours nor the socket. */
static void what_the_kernel_refuses_is_counted_and_the_others_go(void)
{
	struct world w;
	world_start(&w, "127.0.0.1");
	struct addr no_port = w.b.at;
	addr_set_port(&no_port, 0);
	EQ(udp_send(w.a.u, &w.b.at, STR("one")), 0);
	EQ(udp_send(w.a.u, &no_port, STR("nobody")), 0);
	EQ(udp_send(w.a.u, &w.b.at, STR("two")), 0);
	AWAIT(w.loop, w.b.n == 2);
	EQ_STR(str_of(w.b.last), "two");
	EQ(udp_send_errors(w.a.u), 1);
	world_end(&w);
}

static void an_icmp_error_does_not_stop_the_socket(void)
{
	struct world w;
	struct addr nobody;
	world_start(&w, "127.0.0.1");
	nobody = w.b.at;
	udp_free(&w.b.u);
	for (int i = 0; i < 3; i++) {
		EQ(udp_send(w.a.u, &nobody, STR("anybody?")), 0);
		loop_turn(w.loop, USEC_PER_MSEC);
	}
	side_start(&w.b, w.loop, "127.0.0.1");
	w.b.echo = true;
	EQ(udp_send(w.a.u, &w.b.at, STR("you?")), 0);
	AWAIT(w.loop, w.a.n == 1);
	world_end(&w);
}

static void what_is_queued_goes_out_when_the_socket_is_freed(void)
{
	struct world w;
	world_start(&w, "127.0.0.1");
	EQ(udp_send(w.a.u, &w.b.at, STR("last")), 0);
	udp_free(&w.a.u);
	AWAIT(w.loop, w.b.n == 1);
	EQ_STR(str_of(w.b.last), "last");
	world_end(&w);
}

int main(void)
{
	RUN(a_datagram_goes_out_at_the_end_of_the_turn);
	RUN(more_than_one_batch_goes_out_and_comes_in);
	RUN(the_largest_datagram_passes_whole_and_a_larger_one_is_refused);
	RUN(what_the_kernel_refuses_is_counted_and_the_others_go);
	RUN(an_icmp_error_does_not_stop_the_socket);
	RUN(what_is_queued_goes_out_when_the_socket_is_freed);
	return tap_done();
}
