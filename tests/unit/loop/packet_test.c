#include "loop/packet.h"

#include <errno.h>

#include "ends.h"
#include "loop/udp.h"

/* A client and a peer, and a relay between them: what the client sends begins with a head of four
 * bytes that is taken off; what the peer sends gets one in front. */

enum { TEXTS = 400, HEAD = 4, BURST = 16 };

struct speaker {
	struct udp *u;
	struct addr at;
	unsigned n, wrong;
	unsigned next; /* number that is expected, in the first two bytes of what is said */
	size_t bytes;
};

struct world {
	struct loop *loop;
	struct packets *packets;
	struct packet_port *front, *back;
	struct addr front_at, back_at;
	struct speaker client, peer;
	unsigned free_after; /* so many packets of the client; 0: never */
	bool free_front;
};

static void on_text(void *arg, struct udp *u UNUSED, const struct addr *from UNUSED,
                    struct str data)
{
	struct speaker *e = arg;
	const uint8_t *p = (const uint8_t *)data.p;
	e->n++;
	e->bytes += data.len;
	if (data.len < 2)
		return;
	unsigned number = (unsigned)p[0] << 8 | p[1];
	for (size_t i = 2; i < data.len; i++)
		e->wrong += p[i] != (uint8_t)number;
	e->wrong += number != e->next;
	e->next = number + 1;
}

static void from_client(void *arg, struct packet_port *port UNUSED, const struct addr *from UNUSED,
                        struct packet data)
{
	struct world *w = arg;
	if (w->free_after > 0 && --w->free_after == 0)
		packet_port_free(w->free_front ? &w->front : &w->back);
	if (data.len < HEAD || !w->back)
		return;
	packet_forward(w->back, &w->peer.at, (struct packet){ data.p + HEAD, data.len - HEAD });
}

static void from_peer(void *arg, struct packet_port *port UNUSED, const struct addr *from UNUSED,
                      struct packet data)
{
	struct world *w = arg;
	memmove(data.p - HEAD, data.p, MIN(data.len, (size_t)2)); /* its number stays in front */
	memset(data.p - 2, data.len > 1 ? data.p[1] : 0, HEAD);
	packet_forward(w->front, &w->client.at, (struct packet){ data.p - HEAD, data.len + HEAD });
}

static void world_start(struct world *w)
{
	*w = (struct world){ .loop = loop_new() };
	w->packets = packets_new(w->loop);
	w->front = packet_port_new(w->packets, door_socket(SOCK_DGRAM, "127.0.0.1", &w->front_at),
	                           from_client, w);
	w->back = packet_port_new(w->packets, door_socket(SOCK_DGRAM, "127.0.0.1", &w->back_at),
	                          from_peer, w);
	OK(addr_eq(packet_port_local(w->front), &w->front_at));
	w->client.u = udp_new(w->loop, door_socket(SOCK_DGRAM, "127.0.0.1", &w->client.at), on_text,
	                      &w->client);
	w->peer.u = udp_new(w->loop, door_socket(SOCK_DGRAM, "127.0.0.1", &w->peer.at), on_text,
	                    &w->peer);
}

static void world_end(struct world *w)
{
	udp_free(&w->client.u);
	udp_free(&w->peer.u);
	packet_port_free(&w->front);
	packet_port_free(&w->back);
	loop_free(&w->loop);
	packets_free(&w->packets);
}

/* `head` bytes of zeros, then the number and len - 2 bytes that repeat it. */
static void say(struct speaker *e, const struct addr *to, size_t head, unsigned number, size_t len)
{
	static char text[PACKET_MAX];
	memset(text, 0, head);
	memset(text + head, (int)number, len);
	text[head] = (char)(number >> 8);
	if (len > 1)
		text[head + 1] = (char)number;
	EQ(udp_send(e->u, to, str_n(text, head + len)), 0);
}

static void heads_come_off_and_are_put_in_front_in_place(void)
{
	struct world w;
	world_start(&w);
	say(&w.client, &w.front_at, HEAD, 0, 172);
	say(&w.peer, &w.back_at, 0, 0, 172);
	AWAIT(w.loop, w.client.n == 1 && w.peer.n == 1);
	EQ(w.peer.bytes, 172);
	EQ(w.client.bytes, 172 + HEAD);
	EQ(w.peer.wrong + w.client.wrong, 0);
	EQ(packets_stats(w.packets)->received, 2);
	EQ(packets_stats(w.packets)->sent, 2);
	world_end(&w);
}

/* Sizes as of voice, of a picture's packets with a short last one, of nothing, and mixed. */
static void order_and_borders_are_kept_whatever_goes_together(void)
{
	static const size_t sizes[] = { 172,  172,  1200, 1200, 1200, 1200, 300,
		                        2,    1200, 1300, 1300, 1200, 2000, 2000,
		                        2000, 2000, 2000, 2000, 2000, 2000, 40 };
	struct world w;
	size_t bytes = 0;
	world_start(&w);
	for (unsigned i = 0; i < TEXTS; i++) {
		size_t len = sizes[i % ARRAY_SIZE(sizes)];
		say(&w.client, &w.front_at, HEAD, i, len);
		bytes += len;
		if (i % BURST == BURST - 1) /* not more than a socket holds */
			AWAIT(w.loop, w.peer.n == i + 1);
	}
	AWAIT(w.loop, w.peer.n == TEXTS);
	EQ(w.peer.bytes, bytes);
	EQ(w.peer.wrong, 0);
	EQ(packets_stats(w.packets)->failed, 0);
	world_end(&w);
}

static void a_burst_to_one_peer_is_one_call(void)
{
	struct world w;
	world_start(&w);
	for (unsigned i = 0; i < BURST; i++)
		say(&w.client, &w.front_at, HEAD, i, i == BURST - 1 ? 700 : 1200);
	AWAIT(w.loop, w.peer.n == BURST);
	EQ(w.peer.wrong, 0);
	const struct packet_stats *s = packets_stats(w.packets);
	EQ(s->sent, BURST);
	OK(s->calls < BURST / 2); /* one for each batch in which they came */
	world_end(&w);
}

/* Two relayed sockets, in turn. */
struct pair {
	struct world w;
	struct packet_port *second;
	struct addr second_at;
};

static void to_both(void *arg, struct packet_port *port UNUSED, const struct addr *from UNUSED,
                    struct packet data)
{
	struct pair *p = arg;
	packet_forward(p->w.back, &p->w.peer.at, data);
	packet_forward(p->second, &p->w.client.at, data);
}

static void what_goes_out_by_several_sockets_goes_by_each_in_order(void)
{
	struct pair p;
	struct addr at;
	world_start(&p.w);
	p.second = packet_port_new(p.w.packets, door_socket(SOCK_DGRAM, "127.0.0.1", &p.second_at),
	                           from_peer, &p.w);
	struct packet_port *in = packet_port_new(
	        p.w.packets, door_socket(SOCK_DGRAM, "127.0.0.1", &at), to_both, &p);
	for (unsigned i = 0; i < PACKET_BATCH; i++)
		say(&p.w.client, &at, 0, i, 100);
	AWAIT(p.w.loop, p.w.peer.n == PACKET_BATCH && p.w.client.n == PACKET_BATCH);
	EQ(p.w.peer.wrong + p.w.client.wrong, 0);
	packet_port_free(&p.second);
	packet_port_free(&in);
	world_end(&p.w);
}

/* As voice comes: a packet at each of many relayed sockets, and all to clients of one port. */
static void what_several_sockets_receive_goes_out_together(void)
{
	struct world w;
	struct packet_port *more[PACKET_BATCH];
	struct addr at[PACKET_BATCH];
	world_start(&w);
	for (unsigned i = 0; i < PACKET_BATCH; i++)
		more[i] = packet_port_new(w.packets, door_socket(SOCK_DGRAM, "127.0.0.1", &at[i]),
		                          from_peer, &w);
	for (unsigned n = 0; n < BURST * PACKET_BATCH; n++) {
		say(&w.peer, &at[n % PACKET_BATCH], 0, 7, 10);
		if (n % PACKET_BATCH == PACKET_BATCH - 1)
			AWAIT(w.loop, w.client.n == n + 1);
	}
	EQ(w.client.bytes, (size_t)BURST * PACKET_BATCH * (10 + HEAD));
	const struct packet_stats *s = packets_stats(w.packets);
	EQ(s->sent, BURST * PACKET_BATCH);
	OK(s->calls < BURST * PACKET_BATCH / 2);
	for (unsigned i = 0; i < PACKET_BATCH; i++)
		packet_port_free(&more[i]);
	world_end(&w);
}

/* After many single ones, of which it expects the next. */
static void a_burst_behind_single_packets_is_whole(void)
{
	struct world w;
	world_start(&w);
	unsigned n = 0;
	for (; n < 10; n++) {
		say(&w.client, &w.front_at, HEAD, n, 172);
		AWAIT(w.loop, w.peer.n == n + 1);
	}
	for (; n < 10 + PACKET_BATCH; n++)
		say(&w.client, &w.front_at, HEAD, n, 172);
	AWAIT(w.loop, w.peer.n == 10 + PACKET_BATCH);
	EQ(w.peer.wrong, 0);
	world_end(&w);
}

static void a_port_may_end_while_packets_are_on_their_way(void)
{
	for (int front = 0; front < 2; front++) {
		struct world w;
		world_start(&w);
		w.free_after = 5;
		w.free_front = front;
		for (unsigned i = 0; i < BURST; i++)
			say(&w.client, &w.front_at, HEAD, i, 172);
		AWAIT(w.loop, w.free_after == 0);
		/* What came before the end of the receiving one goes on; of the other nothing must.
		 */
		OK(w.peer.n <= 5);
		say(&w.peer, &w.client.at, 0, 7, 10);
		w.client.next = 7;
		AWAIT(w.loop, w.client.n == 1);
		world_end(&w);
	}
}

static void what_the_kernel_does_not_take_disturbs_nothing_else(void)
{
	struct world w;
	world_start(&w);
	struct addr real = w.peer.at;
	EQ(addr_parse(&w.peer.at, STR("255.255.255.255"), 9), 0); /* not allowed without a switch */
	for (unsigned i = 0; i < 3; i++)
		say(&w.client, &w.front_at, HEAD, i, 172);
	AWAIT(w.loop, packets_stats(w.packets)->failed == 3);
	OK(packet_send(w.back, &w.peer.at, STR("x")) < 0);
	w.peer.at = real;
	EQ(packet_send(w.back, &real, STR("x")), 0);
	say(&w.client, &w.front_at, HEAD, 0, 172);
	AWAIT(w.loop, w.peer.n == 2);
	EQ(w.peer.wrong, 0);
	world_end(&w);
}

int main(void)
{
	RUN(heads_come_off_and_are_put_in_front_in_place);
	RUN(order_and_borders_are_kept_whatever_goes_together);
	RUN(a_burst_to_one_peer_is_one_call);
	RUN(what_goes_out_by_several_sockets_goes_by_each_in_order);
	RUN(what_several_sockets_receive_goes_out_together);
	RUN(a_burst_behind_single_packets_is_whole);
	RUN(a_port_may_end_while_packets_are_on_their_way);
	RUN(what_the_kernel_does_not_take_disturbs_nothing_else);
	return tap_done();
}
