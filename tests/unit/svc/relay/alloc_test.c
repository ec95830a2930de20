#include "edge.h"

/* What an allocation has: channels that lapse, permissions, and what is answered when it is asked
 * for once more. */

enum { CHANNEL = 0x4000 };

struct world {
	struct edge e;
	struct party client, peer;
	struct account alice;
	struct addr relayed;
};

static void start(struct world *w)
{
	edge_start(&w->e);
	party_start(&w->client, w->e.loop);
	party_start(&w->peer, w->e.loop);
	account_get(&w->alice, &w->e, "alice@example.test", 8 * 3600);
	EQ(edge_allocate(&w->e, &w->client, &w->alice, &w->relayed), 200);
}

static void stop(struct world *w)
{
	party_stop(&w->client);
	party_stop(&w->peer);
	edge_stop(&w->e);
}

/* --- channels -------------------------------------------------------------------------- */

static bool passes(struct world *w, unsigned number)
{
	uint8_t space[PACKET_HEADROOM + 8] = { 0 };
	unsigned before = w->peer.n;
	struct bytes whole =
	        turn_put_channel(space + PACKET_HEADROOM, 2, (uint16_t)number, TURN_DATAGRAM);
	EQ(udp_send(w->client.u, &w->e.face.local, str_from_bytes(whole)), 0);
	for (int i = 0; i < 20 && w->peer.n == before; i++)
		loop_turn(w->e.loop, EDGE_STEP_MS * USEC_PER_MSEC);
	return w->peer.n > before;
}

/* It takes the place of the first one that has lapsed, behind which its old one still stands. */
static void a_channel_that_lapsed_is_bound_again(void)
{
	struct world w;
	struct party other;
	start(&w);
	party_start(&other, w.e.loop);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &other.at), 200);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL + 1, &w.peer.at), 200);
	OK(passes(&w, CHANNEL + 1));
	edge_wait(&w.e, 400);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 3600), 200);
	edge_wait(&w.e, 400);
	OK(!passes(&w, CHANNEL + 1));
	for (int i = 0; i < 2; i++) { /* and renewed */
		EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL + 1, &w.peer.at), 200);
		OK(passes(&w, CHANNEL + 1));
	}
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL + 1, &other.at), 400);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL + 2, &w.peer.at), 400);
	party_stop(&other);
	stop(&w);
}

/* --- permissions ----------------------------------------------------------------------- */

static struct addr host(unsigned i)
{
	struct addr a;
	char text[32];
	(void)snprintf(text, sizeof(text), "127.7.%u.%u", i / 200, i % 200 + 1);
	EQ(addr_parse(&a, str_of(text), 5000), 0);
	return a;
}

static unsigned permit_two(struct world *w, unsigned i, unsigned k)
{
	struct addr a = host(i), b = host(k);
	struct stun_out o;
	struct stun_msg m;
	edge_begin(&o, STUN_CREATE_PERMISSION);
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, &a);
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, &b);
	return edge_ask(&w->e, &w->client, &o, &w->alice, &m);
}

static uint32_t n_permissions(struct world *w)
{
	struct relay_info i;
	relay_describe(relay_next(w->e.relay, NULL), &i);
	return i.peers;
}

static void permissions_are_given_all_or_none(void)
{
	struct world w;
	struct addr a;
	start(&w);
	for (unsigned i = 0; i + 1 < RELAY_PERMISSIONS_MAX; i++) {
		a = host(i);
		EQ(edge_permit(&w.e, &w.client, &w.alice, &a), 200);
	}
	EQ(permit_two(&w, 900, 901), 508);
	EQ(n_permissions(&w), RELAY_PERMISSIONS_MAX - 1);
	EQ(permit_two(&w, 900, 900), 200); /* which is one */
	EQ(permit_two(&w, 0, 900), 200);   /* both are there */
	EQ(permit_two(&w, 0, 901), 508);
	EQ(n_permissions(&w), RELAY_PERMISSIONS_MAX);
	edge_wait(&w.e, RELAY_PERMISSION_S);
	EQ(permit_two(&w, 901, 902), 200); /* those that lapsed make room */
	EQ(n_permissions(&w), RELAY_PERMISSIONS_MAX);
	stop(&w);
}

/* --- an Allocate that comes again -------------------------------------------------------- */

static void ask_twice(struct world *w, uint16_t type, struct str value, uint16_t answered)
{
	struct stun_out o;
	struct stun_msg m;
	struct str first, again;
	static char kept[64];
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(&o, type, value);
	EQ(edge_ask(&w->e, &w->client, &o, &w->alice, &m), 200);
	if (!OK(stun_attr(&m, answered, &first) && first.len <= sizeof(kept)))
		return;
	memcpy(kept, first.p, first.len);
	unsigned before = w->client.n;
	EQ(udp_send(w->client.u, &w->e.face.local, stun_text(&o)), 0);
	AWAIT(w->e.loop, w->client.n > before);
	EQ(edge_read_answer(&w->client, &o, &m), 200);
	if (OK(stun_attr(&m, answered, &again)))
		OK(str_eq(again, str_n(kept, first.len)));
	EQ(edge_refresh(&w->e, &w->client, &w->alice, 0), 200);
}

static void what_comes_again_is_answered_as_before(void)
{
	struct world w;
	start(&w);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
	ask_twice(&w, STUN_EVEN_PORT, str_n("\x80", 1), STUN_RESERVATION_TOKEN);
	w.e.no_v6 = true;
	ask_twice(&w, STUN_ADDITIONAL_ADDRESS_FAMILY, str_n("\2\0\0\0", 4),
	          STUN_ADDRESS_ERROR_CODE);
	edge_wait(&w.e, RELAY_RESERVATION_S + 1);
	stop(&w);
}

/* A token of another edge with the same pool, at which that port may be kept for somebody else. */
static void a_token_is_good_at_its_own_edge_alone(void)
{
	for (int moved = 0; moved < 2; moved++) {
		struct world w;
		struct stun_out o;
		struct stun_msg m;
		struct party other;
		uint64_t token = 0;
		start(&w);
		party_start(&other, w.e.loop);
		EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
		edge_begin(&o, STUN_ALLOCATE);
		stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
		stun_put(&o, STUN_EVEN_PORT, str_n("\x80", 1));
		EQ(edge_ask(&w.e, &w.client, &o, &w.alice, &m), 200);
		OK(stun_attr_u64(&m, STUN_RESERVATION_TOKEN, &token));
		if (moved) {
			EQ(addr_parse(&w.e.cfg.own[0].external, STR("198.51.100.7"), 0), 0);
			relay_configure(w.e.relay, &w.e.cfg);
		}
		edge_begin(&o, STUN_ALLOCATE);
		stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
		stun_put_u64(&o, STUN_RESERVATION_TOKEN, token);
		EQ(edge_ask(&w.e, &other, &o, &w.alice, &m), moved ? 508 : 200);
		edge_wait(&w.e, RELAY_RESERVATION_S + 1);
		party_stop(&other);
		stop(&w);
	}
}

int main(void)
{
	RUN(a_channel_that_lapsed_is_bound_again);
	RUN(permissions_are_given_all_or_none);
	RUN(what_comes_again_is_answered_as_before);
	RUN(a_token_is_good_at_its_own_edge_alone);
	return tap_done();
}
