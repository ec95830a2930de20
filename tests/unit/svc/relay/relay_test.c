#include "edge.h"

#include <errno.h>

enum { CHANNEL = 0x4000, NO_ANSWER = 0 };

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
}

static void stop(struct world *w)
{
	party_stop(&w->client);
	party_stop(&w->peer);
	edge_stop(&w->e);
}

static void start_allocated(struct world *w)
{
	start(w);
	EQ(edge_allocate(&w->e, &w->client, &w->alice, &w->relayed), 200);
}

static void turns(struct world *w)
{
	for (int i = 0; i < 3; i++)
		loop_turn(w->e.loop, EDGE_STEP_MS * USEC_PER_MSEC);
}

/* A datagram, and whether it arrives. */
static bool arrives(struct world *w, struct party *from, const struct addr *to, struct str data,
                    struct party *at)
{
	unsigned before = at->n;
	EQ(udp_send(from->u, to, data), 0);
	for (int i = 0; i < 20 && at->n == before; i++)
		loop_turn(w->e.loop, EDGE_STEP_MS * USEC_PER_MSEC);
	return at->n > before;
}

static struct str channel_data(struct str data)
{
	static uint8_t space[2048];
	memcpy(space + 64, data.p, data.len);
	struct bytes whole = turn_put_channel(space + 64, data.len, CHANNEL, TURN_DATAGRAM);
	return str_from_bytes(whole);
}

/* --- the host's time is set ------------------------------------------------------------- */

enum { DAY_S = 86400 };

/* A refresh that is told a new nonce. */
static void learn_nonce(struct world *w)
{
	struct stun_out o;
	struct stun_msg m;
	edge_begin(&o, STUN_REFRESH);
	EQ(edge_ask(&w->e, &w->client, &o, &w->alice, &m), 438);
	edge_learn(&w->alice, &m);
}

/* Whoever has an allocation keeps it, and needs no more than a new nonce; new ones are made with
 * what is good by the new time. */
static void a_clock_that_is_set_ends_no_allocation(void)
{
	static const int64_t jumps[] = { 2 * 3600, -2 * 3600, 3 * DAY_S, -3 * DAY_S, 400 * DAY_S };
	for (size_t i = 0; i < ARRAY_SIZE(jumps); i++) {
		struct world w;
		struct account now;
		struct addr relayed;
		start_allocated(&w);
		EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &w.peer.at), 200);
		loop_wall_move(w.e.loop, jumps[i] * (int64_t)USEC_PER_SEC);
		OK(arrives(&w, &w.client, &w.e.face.local, channel_data(STR("on")), &w.peer));
		learn_nonce(&w);
		EQ(edge_refresh(&w.e, &w.client, &w.alice, 600), 200);
		EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &w.peer.at), 200);
		OK(arrives(&w, &w.client, &w.e.face.local, channel_data(STR("on")), &w.peer));
		account_get(&now, &w.e, "bob@example.test", 3600);
		EQ(edge_allocate(&w.e, &w.peer, &now, &relayed), 200);
		/* What is over by the new time gives no new one. */
		if (jumps[i] > 0) {
			struct party other;
			party_start(&other, w.e.loop);
			EQ(edge_allocate(&w.e, &other, &w.alice, &relayed),
			   jumps[i] > 8 * 3600 ? 401 : 200);
			party_stop(&other);
		}
		stop(&w);
	}
}

/* The key of a day: credentials outlive it, and those of the next day are good at once. */
static void credentials_outlive_the_day_of_their_key(void)
{
	struct world w;
	struct account today, tomorrow;
	struct addr relayed;
	start(&w);
	account_get(&today, &w.e, "alice@example.test", 2 * DAY_S);
	loop_wall_move(w.e.loop, (int64_t)DAY_S * USEC_PER_SEC);
	account_get(&tomorrow, &w.e, "alice@example.test", 2 * DAY_S);
	EQ(edge_allocate(&w.e, &w.client, &today, &relayed), 200);
	EQ(edge_allocate(&w.e, &w.peer, &tomorrow, &relayed), 200);
	EQ(edge_refresh(&w.e, &w.client, &today, 0), 200);
	loop_wall_move(w.e.loop, (int64_t)(DAY_S + 1) * USEC_PER_SEC);
	EQ(edge_allocate(&w.e, &w.client, &today, &relayed), 401);
	stop(&w);
}

/* --- who may --------------------------------------------------------------------------- */

static void a_binding_request_tells_the_own_address(void)
{
	struct world w;
	struct stun_out o;
	struct stun_msg m;
	struct addr mapped;
	start(&w);
	edge_begin(&o, STUN_BINDING);
	EQ(edge_ask(&w.e, &w.client, &o, NULL, &m), 200);
	OK(stun_attr_addr(&m, STUN_XOR_MAPPED_ADDRESS, &mapped) && addr_eq(&mapped, &w.client.at));
	EQ(relay_stats(w.e.relay)->allocations, 0);
	stop(&w);
}

static void who_has_credentials_gets_an_allocation(void)
{
	struct world w;
	start_allocated(&w);
	EQ(w.e.n_began, 1);
	EQ(relay_stats(w.e.relay)->allocations, 1);
	EQ(relay_stats(w.e.relay)->users, 1);
	OK(addr_is_loopback(&w.relayed) && addr_port(&w.relayed) != 0);
	/* Another one for the same client: 437. */
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 437);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
	EQ(w.e.n_ended[RELAY_RELEASED], 1);
	EQ(relay_stats(w.e.relay)->users, 0);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 600), 437);
	stop(&w);
}

static void wrong_credentials_are_refused_and_leave_nothing(void)
{
	struct world w;
	struct account bad;
	start(&w);
	bad = w.alice;
	bad.key[0] ^= 1;
	EQ(edge_allocate(&w.e, &w.client, &bad, &w.relayed), 401);
	bad = w.alice;
	bad.name[20] ^= 1;
	EQ(edge_allocate(&w.e, &w.client, &bad, &w.relayed), 401);
	bad = w.alice;
	(void)snprintf(bad.realm, sizeof(bad.realm), "other.test");
	EQ(edge_allocate(&w.e, &w.client, &bad, &w.relayed), 401);
	account_get(&bad, &w.e, "alice@example.test", 0);
	EQ(edge_allocate(&w.e, &w.client, &bad, &w.relayed), 401); /* over already */
	EQ(w.e.n_began, 0);
	EQ(relay_stats(w.e.relay)->users, 0);
	stop(&w);
}

static void a_nonce_is_good_for_its_address_and_its_time(void)
{
	struct world w;
	struct account other;
	start_allocated(&w);
	other = w.alice;
	(void)snprintf(other.nonce, sizeof(other.nonce), "0123456789abcdef01234567");
	EQ(edge_refresh(&w.e, &w.client, &other, 600), 438);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 600), 200);
	stop(&w);
}

static void strangers_by_a_connection_are_answered_a_few_times_alone(void)
{
	static const struct addr from = { .in4 = { .sin_family = AF_INET } };
	static uint8_t space[PACKET_HEADROOM + STUN_BYTES_MAX];
	struct world w;
	struct stun_out o;
	struct relay_stream *s;
	unsigned taken = 0;
	start(&w);
	s = relay_stream_new(w.e.relay, &w.e.face, &from, TURN_STANDARD, &w.e.stream);
	edge_begin(&o, STUN_BINDING);
	stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
	memcpy(space + PACKET_HEADROOM, o.bytes, o.len);
	while (taken <= RELAY_STRANGER_STREAM_MAX &&
	       relay_frame(s, (struct bytes){ space + PACKET_HEADROOM, o.len }))
		taken++;
	EQ(taken, RELAY_STRANGER_STREAM_MAX);
	EQ(w.e.stream.n, RELAY_STRANGER_STREAM_MAX);
	relay_stream_free(&s);
	stop(&w);
}

static void strangers_are_answered_a_few_times_alone(void)
{
	struct world w;
	struct stun_out o;
	struct stun_msg m;
	unsigned answered = 0;
	start(&w);
	for (int i = 0; i < 3 * RELAY_STRANGER_BURST; i++) {
		edge_begin(&o, STUN_ALLOCATE);
		stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
		EQ(udp_send(w.client.u, &w.e.face.local, stun_text(&o)), 0);
		if (i % 16 == 15)
			turns(&w);
	}
	turns(&w);
	answered = w.client.n;
	EQ(answered, RELAY_STRANGER_BURST);
	EQ(relay_stats(w.e.relay)->unanswered, 2 * RELAY_STRANGER_BURST);
	edge_wait(&w.e, 1);
	edge_begin(&o, STUN_ALLOCATE);
	EQ(edge_ask(&w.e, &w.client, &o, NULL, &m), 401);
	stop(&w);
}

static void nothing_is_said_to_what_is_no_request(void)
{
	static const char *const rows[] = { "", "x", "GET / HTTP/1.1\r\n\r\n",
		                            "@\001\001\004abcd" };
	struct world w;
	start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		OK(!arrives(&w, &w.client, &w.e.face.local, str_of(rows[i]), &w.client));
	OK(!arrives(&w, &w.client, &w.e.face.local, channel_data(STR("x")), &w.peer));
	stop(&w);
}

/* --- requests -------------------------------------------------------------------------- */

static void what_is_wrong_with_a_request_is_said(void)
{
	static const struct {
		unsigned method, attr;
		const char *value;
		size_t len;
		unsigned code;
	} rows[] = {
		{ STUN_ALLOCATE, 0, NULL, 0, 400 },
		{ STUN_ALLOCATE, STUN_REQUESTED_TRANSPORT, "\x84\0\0\0", 4, 442 },
		/* TCP comes by a connection alone (RFC 6062 section 5.1) */
		{ STUN_ALLOCATE, STUN_REQUESTED_TRANSPORT, "\x06\0\0\0", 4, 400 },
		{ STUN_ALLOCATE, STUN_REQUESTED_TRANSPORT, "\x11", 1, 400 },
		{ STUN_ALLOCATE, 0x0033, "x", 1, 420 },
		{ STUN_REFRESH, 0, NULL, 0, 437 },
		{ STUN_CREATE_PERMISSION, 0, NULL, 0, 437 },
		{ STUN_CHANNEL_BIND, 0, NULL, 0, 437 },
		{ STUN_CONNECT, 0, NULL, 0, 437 },
		{ STUN_CONNECTION_BIND, 0, NULL, 0, 400 },
		{ STUN_DATA_METHOD, 0, NULL, 0, 400 },
	};
	struct world w;
	start(&w);
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 200);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stun_out o;
		struct stun_msg m;
		edge_begin(&o, rows[i].method);
		if (rows[i].attr)
			stun_put(&o, (uint16_t)rows[i].attr, str_n(rows[i].value, rows[i].len));
		EQ(edge_ask(&w.e, &w.client, &o, &w.alice, &m), rows[i].code);
	}
	EQ(relay_stats(w.e.relay)->allocations, 0);
	stop(&w);
}

static void a_request_that_comes_again_is_answered_again(void)
{
	struct world w;
	struct stun_out o;
	struct stun_msg m;
	struct addr first, again;
	start(&w);
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &first), 200);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	EQ(edge_ask(&w.e, &w.client, &o, &w.alice, &m), 200);
	OK(stun_attr_addr(&m, STUN_XOR_RELAYED_ADDRESS, &first));
	unsigned before = w.client.n;
	EQ(udp_send(w.client.u, &w.e.face.local, stun_text(&o)), 0);
	AWAIT(w.e.loop, w.client.n > before);
	EQ(stun_parse(&m, str_n(w.client.last, w.client.len)), 0);
	EQ(m.class, STUN_SUCCESS);
	OK(stun_attr_addr(&m, STUN_XOR_RELAYED_ADDRESS, &again) && addr_eq(&first, &again));
	EQ(relay_stats(w.e.relay)->allocations, 1);
	stop(&w);
}

static void both_families_and_ports_side_by_side_can_be_had(void)
{
	struct account bob;
	struct world w;
	struct stun_out o;
	struct stun_msg m;
	struct addr a;
	unsigned at = 0;
	uint64_t token = 0;
	start(&w);
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 200);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u32(&o, STUN_ADDITIONAL_ADDRESS_FAMILY, 2u << 24);
	EQ(edge_ask(&w.e, &w.client, &o, &w.alice, &m), 200);
	EQ(stun_next_addr(&m, STUN_XOR_RELAYED_ADDRESS, &at, &a), 1);
	EQ(a.sa.sa_family, AF_INET);
	EQ(stun_next_addr(&m, STUN_XOR_RELAYED_ADDRESS, &at, &a), 1);
	EQ(a.sa.sa_family, AF_INET6);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
	/* An even port, and the next one for somebody with the token. */
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(&o, STUN_EVEN_PORT, str_n("\x80", 1));
	EQ(edge_ask(&w.e, &w.client, &o, &w.alice, &m), 200);
	OK(stun_attr_addr(&m, STUN_XOR_RELAYED_ADDRESS, &w.relayed));
	EQ(addr_port(&w.relayed) % 2, 0);
	OK(stun_attr_u64(&m, STUN_RESERVATION_TOKEN, &token));
	/* Of another user, or changed: not. */
	account_get(&bob, &w.e, "bob@example.test", 3600);
	memcpy(bob.nonce, w.alice.nonce, sizeof(bob.nonce)); /* of the same host */
	for (int i = 0; i < 3; i++) {
		edge_begin(&o, STUN_ALLOCATE);
		stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
		stun_put_u64(&o, STUN_RESERVATION_TOKEN,
		             i ? token ^ UINT64_C(1) << (i * 20) : token);
		EQ(edge_ask(&w.e, &w.peer, &o, i ? &w.alice : &bob, &m), 508);
	}
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u64(&o, STUN_RESERVATION_TOKEN, token);
	EQ(edge_ask(&w.e, &w.peer, &o, &w.alice, &m), 200);
	OK(stun_attr_addr(&m, STUN_XOR_RELAYED_ADDRESS, &a));
	EQ(addr_port(&a), addr_port(&w.relayed) + 1);
	EQ(relay_stats(w.e.relay)->allocations, 2);
	stop(&w);
}

static void a_port_that_was_kept_for_nobody_is_free_again(void)
{
	struct world w;
	struct stun_out o;
	struct stun_msg m;
	uint64_t token = 0;
	start(&w);
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 200);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(&o, STUN_EVEN_PORT, str_n("\x80", 1));
	EQ(edge_ask(&w.e, &w.client, &o, &w.alice, &m), 200);
	OK(stun_attr_u64(&m, STUN_RESERVATION_TOKEN, &token));
	EQ(w.e.kept_ports, 1);
	edge_wait(&w.e, RELAY_RESERVATION_S + 1);
	EQ(w.e.kept_ports, 0);
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u64(&o, STUN_RESERVATION_TOKEN, token);
	EQ(edge_ask(&w.e, &w.peer, &o, &w.alice, &m), 508);
	stop(&w);
}

static unsigned allocate_pair(struct world *w, uint64_t *ret_token)
{
	struct stun_out o;
	struct stun_msg m;
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put(&o, STUN_EVEN_PORT, str_n("\x80", 1));
	unsigned code = edge_ask(&w->e, &w->client, &o, &w->alice, &m);
	OK(stun_attr_u64(&m, STUN_RESERVATION_TOKEN, ret_token));
	OK(stun_attr_addr(&m, STUN_XOR_RELAYED_ADDRESS, &w->relayed));
	return code;
}

/* The end of the first time is not that of the second one. */
static void a_port_that_is_kept_again_is_kept_as_long(void)
{
	struct world w;
	struct stun_out o;
	struct stun_msg m;
	uint64_t first = 0, second = 0;
	start(&w);
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 200);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
	EQ(allocate_pair(&w, &first), 200);
	w.e.even_at = addr_port(&w.relayed);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
	edge_wait(&w.e, RELAY_RESERVATION_S - 5);
	EQ(allocate_pair(&w, &second), 200);
	EQ(addr_port(&w.relayed), w.e.even_at);
	edge_wait(&w.e, RELAY_RESERVATION_S - 5);
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u64(&o, STUN_RESERVATION_TOKEN, second);
	EQ(edge_ask(&w.e, &w.peer, &o, &w.alice, &m), 200);
	edge_wait(&w.e, 10);
	EQ(w.e.kept_ports, 0);
	stop(&w);
}

/* Its allocations are those of many users; the edge's own limit holds. */
static void a_server_is_not_held_to_the_limits_of_a_user(void)
{
	enum { LEN = 1000, ALLOCATIONS_MAX = 6 };
	struct world w;
	struct party more[ALLOCATIONS_MAX];
	struct account server;
	struct addr a;
	static char text[LEN];
	start(&w);
	account_get_server(&server, &w.e, "media-bridge/1@sip.example.test");
	w.e.cfg.user_kbps = 8; /* one such packet a second */
	w.e.cfg.allocations_max = ALLOCATIONS_MAX;
	relay_configure(w.e.relay, &w.e.cfg);
	EQ(edge_allocate(&w.e, &w.client, &server, &w.relayed), 200);
	EQ(edge_bind(&w.e, &w.client, &server, CHANNEL, &w.peer.at), 200);
	for (unsigned i = 0; i < ALLOCATIONS_MAX; i++) {
		party_start(&more[i], w.e.loop);
		EQ(edge_allocate(&w.e, &more[i], &server, &a), i < ALLOCATIONS_MAX - 1 ? 200 : 486);
	}
	for (int i = 0; i < 30; i++)
		EQ(udp_send(w.client.u, &w.e.face.local, channel_data(str_n(text, LEN))), 0);
	for (int i = 0; i < 10; i++)
		turns(&w);
	EQ(w.peer.n, 30);
	for (unsigned i = 0; i < ALLOCATIONS_MAX; i++)
		party_stop(&more[i]);
	stop(&w);
}

static void limits_of_users_and_of_the_edge_are_kept(void)
{
	struct world w;
	struct party more[4];
	struct addr a;
	start_allocated(&w);
	for (unsigned i = 0; i < ARRAY_SIZE(more); i++) {
		party_start(&more[i], w.e.loop);
		EQ(edge_allocate(&w.e, &more[i], &w.alice, &a), i < 3 ? 200 : 486);
	}
	struct account bob;
	account_get(&bob, &w.e, "bob@example.test", 3600);
	w.e.no_ports = true;
	EQ(edge_allocate(&w.e, &more[3], &bob, &a), 508);
	w.e.no_ports = false;
	relay_drain(w.e.relay, true);
	EQ(edge_allocate(&w.e, &more[3], &bob, &a), 486);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 600), 200);
	relay_drain(w.e.relay, false);
	EQ(edge_allocate(&w.e, &more[3], &bob, &a), 200);
	EQ(relay_revoke(w.e.relay, STR("alice@example.test"), 0), 4);
	EQ(relay_revoke(w.e.relay, STR("Bob@Example.test"), 0), 1);
	EQ(relay_revoke(w.e.relay, STR("bob@example.test"), 0), 0);
	EQ(w.e.n_ended[RELAY_REVOKED], 5);
	for (unsigned i = 0; i < ARRAY_SIZE(more); i++)
		party_stop(&more[i]);
	stop(&w);
}

/* --- packets --------------------------------------------------------------------------- */

static void data_pass_by_indications_both_ways(void)
{
	struct world w;
	struct stun_out o;
	struct stun_msg m;
	struct str data;
	struct addr from;
	static const uint8_t id[STUN_ID_LEN] = { 1 };
	start_allocated(&w);
	/* Without a permission nothing passes. */
	OK(!arrives(&w, &w.peer, &w.relayed, STR("early"), &w.client));
	stun_begin(&o, STUN_INDICATION, STUN_SEND, id);
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, &w.peer.at);
	stun_put(&o, STUN_DATA, STR("hello"));
	stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
	OK(!arrives(&w, &w.client, &w.e.face.local, stun_text(&o), &w.peer));
	EQ(relay_stats(w.e.relay)->dropped, 2);
	EQ(edge_permit(&w.e, &w.client, &w.alice, &w.peer.at), 200);
	OK(arrives(&w, &w.client, &w.e.face.local, stun_text(&o), &w.peer));
	EQ_STR(str_n(w.peer.last, w.peer.len), "hello");
	OK(addr_eq(&w.peer.from, &w.relayed));
	OK(arrives(&w, &w.peer, &w.relayed, STR("back"), &w.client));
	EQ(stun_parse(&m, str_n(w.client.last, w.client.len)), 0);
	EQ(m.class, STUN_INDICATION);
	EQ(m.method, STUN_DATA_METHOD);
	OK(stun_attr(&m, STUN_DATA, &data));
	EQ_STR(data, "back");
	OK(stun_attr_addr(&m, STUN_XOR_PEER_ADDRESS, &from) && addr_eq(&from, &w.peer.at));
	stop(&w);
}

static void data_pass_by_channels_both_ways(void)
{
	struct world w;
	struct turn_channel t;
	start_allocated(&w);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &w.peer.at), 200);
	OK(arrives(&w, &w.client, &w.e.face.local, channel_data(STR("hello")), &w.peer));
	EQ_STR(str_n(w.peer.last, w.peer.len), "hello");
	OK(arrives(&w, &w.peer, &w.relayed, STR("back"), &w.client));
	EQ(turn_channel_get(&t, (struct bytes){ (uint8_t *)w.client.last, w.client.len },
	                    TURN_DATAGRAM),
	   0);
	EQ(t.number, CHANNEL);
	EQ_STR(str_from_bytes(t.data), "back");
	/* Neither the number nor the peer can be bound otherwise. */
	struct addr other = w.peer.at;
	addr_set_port(&other, (uint16_t)(addr_port(&other) ^ 1));
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &other), 400);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL + 1, &w.peer.at), 400);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &w.peer.at), 200);
	EQ(edge_bind(&w.e, &w.client, &w.alice, 0x3fff, &other), 400);
	EQ(edge_bind(&w.e, &w.client, &w.alice, 0x8000, &other), 400);
	stop(&w);
}

static void two_allocations_of_one_edge_reach_each_other(void)
{
	struct world w;
	struct addr b_relayed;
	struct account bob;
	start_allocated(&w);
	account_get(&bob, &w.e, "bob@example.test", 3600);
	EQ(edge_allocate(&w.e, &w.peer, &bob, &b_relayed), 200);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &b_relayed), 200);
	EQ(edge_bind(&w.e, &w.peer, &bob, CHANNEL, &w.relayed), 200);
	OK(arrives(&w, &w.client, &w.e.face.local, channel_data(STR("over both")), &w.peer));
	EQ_STR(str_n(w.peer.last + TURN_CHANNEL_HEAD_LEN, w.peer.len - TURN_CHANNEL_HEAD_LEN),
	       "over both");
	stop(&w);
}

static void networks_inside_are_refused_by_ipv6_too(void)
{
	static const char *const rows[] = { "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::1",
		                            "::a00:1",        "fec0::1",          "::ffff:0:a00:1",
		                            "2001:0:a00:1::1" };
	struct world w;
	struct stun_out o;
	struct stun_msg m;
	struct addr a;
	start_allocated(&w);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	stun_put_u32(&o, STUN_REQUESTED_ADDRESS_FAMILY, 2u << 24);
	EQ(edge_ask(&w.e, &w.client, &o, &w.alice, &m), 200);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EQ(addr_parse(&a, str_of(rows[i]), 5000), 0);
		EQ(edge_permit(&w.e, &w.client, &w.alice, &a), 403);
	}
	EQ(addr_parse(&a, STR("2001:db8::1"), 5000), 0);
	EQ(edge_permit(&w.e, &w.client, &w.alice, &a), 200);
	stop(&w);
}

static void forbidden_peers_are_refused(void)
{
	static const char *const rows[] = {
		"10.0.0.1",  "172.16.3.4",      "192.168.1.1",  "169.254.1.1", "224.0.0.1",
		"0.0.0.0",   "255.255.255.255", "100.64.0.1",   "240.0.0.1",   "0.1.2.3",
		"192.0.0.8", "198.18.0.1",      "198.19.255.1",
	};
	struct world w;
	struct addr a;
	start_allocated(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EQ(addr_parse(&a, str_of(rows[i]), 5000), 0);
		EQ(edge_permit(&w.e, &w.client, &w.alice, &a), 403);
		EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &a), 403);
	}
	EQ(addr_parse(&a, STR("192.0.2.1"), 5000), 0);
	EQ(edge_permit(&w.e, &w.client, &w.alice, &a), 200);
	EQ(addr_parse(&a, STR("2001:db8::1"), 5000), 0);
	EQ(edge_permit(&w.e, &w.client, &w.alice, &a), 443); /* there is no such end */
	stop(&w);
}

static void what_is_closed_stays_closed_though_a_range_is_open(void)
{
	struct world w;
	struct addr_range closed = { .bits = 32 };
	start(&w);
	closed.net = w.peer.at;
	w.e.cfg.closed = &closed;
	w.e.cfg.n_closed = 1;
	relay_configure(w.e.relay, &w.e.cfg);
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 200);
	EQ(edge_permit(&w.e, &w.client, &w.alice, &w.peer.at), 403);
	stop(&w);
}

static void own_hosts_are_refused_unless_a_range_is_open(void)
{
	struct world w;
	struct addr_range host = { .bits = 32 };
	start(&w);
	host.net = w.peer.at;
	w.e.cfg.hosts = &host;
	w.e.cfg.n_hosts = 1;
	w.e.cfg.n_open = 0;
	relay_configure(w.e.relay, &w.e.cfg);
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 200);
	EQ(edge_permit(&w.e, &w.client, &w.alice, &w.peer.at), 403);
	w.e.cfg.n_open = 1;
	relay_configure(w.e.relay, &w.e.cfg);
	EQ(edge_permit(&w.e, &w.client, &w.alice, &w.peer.at), 200);
	stop(&w);
}

static void another_edge_is_reached_by_its_relayed_ports_alone(void)
{
	struct world w;
	struct addr_range host = { .bits = 8 };
	struct relay_edge edge;
	start(&w);
	host.net = w.peer.at;
	edge = (struct relay_edge){ w.peer.at, addr_port(&w.peer.at), addr_port(&w.peer.at) };
	w.e.cfg.hosts = &host;
	w.e.cfg.n_hosts = 1;
	w.e.cfg.edges = &edge;
	w.e.cfg.n_edges = 1;
	w.e.cfg.n_open = 0;
	relay_configure(w.e.relay, &w.e.cfg);
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 200);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &w.peer.at), 200);
	OK(arrives(&w, &w.client, &w.e.face.local, channel_data(STR("there")), &w.peer));
	edge.first++, edge.last++;
	relay_configure(w.e.relay, &w.e.cfg);
	OK(!arrives(&w, &w.client, &w.e.face.local, channel_data(STR("beside")), &w.peer));
	stop(&w);
}

/* Behind a NAT that shows 192.0.2.77 and sends nothing back in (RFC 5382's hairpin). */
static void a_live_relayed_address_of_the_edge_is_reached_and_nothing_beside_it(void)
{
	struct world w;
	struct addr shown;
	start(&w);
	EQ(addr_parse(&shown, STR("192.0.2.77"), addr_port(&w.peer.at)), 0);
	w.e.cfg.own[0] = (struct relay_address){ w.peer.at, shown };
	w.e.cfg.n_open = 0;
	relay_configure(w.e.relay, &w.e.cfg);
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 200);
	EQ(edge_permit(&w.e, &w.client, &w.alice, &w.peer.at), 403);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &shown), 200);
	OK(!arrives(&w, &w.client, &w.e.face.local, channel_data(STR("not live")), &w.peer));
	w.e.live = shown;
	OK(arrives(&w, &w.client, &w.e.face.local, channel_data(STR("live")), &w.peer));
	EQ_STR(str_n(w.peer.last, w.peer.len), "live");
	OK(arrives(&w, &w.peer, &w.relayed, STR("back"), &w.client));
	EQ_STR(str_sub(str_n(w.client.last, w.client.len), TURN_CHANNEL_HEAD_LEN, 8), "back");
	stop(&w);
}

static void a_permission_lasts_five_minutes_a_channel_ten(void)
{
	struct world w;
	start_allocated(&w);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 3600), 200);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &w.peer.at), 200);
	edge_wait(&w.e, RELAY_PERMISSION_S + 1);
	OK(!arrives(&w, &w.peer, &w.relayed, STR("late"), &w.client));
	OK(!arrives(&w, &w.client, &w.e.face.local, channel_data(STR("late")), &w.peer));
	EQ(edge_permit(&w.e, &w.client, &w.alice, &w.peer.at), 200);
	OK(arrives(&w, &w.client, &w.e.face.local, channel_data(STR("again")), &w.peer));
	edge_wait(&w.e, RELAY_CHANNEL_S - RELAY_PERMISSION_S);
	EQ(edge_permit(&w.e, &w.client, &w.alice, &w.peer.at), 200);
	OK(!arrives(&w, &w.client, &w.e.face.local, channel_data(STR("late")), &w.peer));
	OK(arrives(&w, &w.peer, &w.relayed, STR("by indication"), &w.client));
	stop(&w);
}

static void permissions_and_channels_are_bounded(void)
{
	struct world w;
	struct addr a;
	char text[32];
	start_allocated(&w);
	for (unsigned i = 0; i <= RELAY_PERMISSIONS_MAX; i++) {
		(void)snprintf(text, sizeof(text), "198.51.100.%u", i + 1);
		EQ(addr_parse(&a, str_of(text), 5000), 0);
		EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL + i, &a),
		   i < RELAY_PERMISSIONS_MAX ? 200 : 508);
	}
	/* Those that are over make room. */
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 3600), 200);
	edge_wait(&w.e, RELAY_CHANNEL_S + 1);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL + 200, &a), 200);
	stop(&w);
}

static void an_allocation_that_is_not_refreshed_ends(void)
{
	struct world w;
	start_allocated(&w);
	edge_wait(&w.e, RELAY_LIFE_DEFAULT_S - 1);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 600), 200);
	edge_wait(&w.e, RELAY_LIFE_DEFAULT_S - 1);
	EQ(relay_stats(w.e.relay)->allocations, 1);
	edge_wait(&w.e, 2);
	EQ(w.e.n_ended[RELAY_EXPIRED], 1);
	EQ(relay_stats(w.e.relay)->allocations, 0);
	EQ(w.e.open_ports, 0);
	stop(&w);
}

static void more_than_the_limits_allow_is_dropped(void)
{
	enum { LEN = 1000, KBPS = 80 };
	struct world w;
	static char text[LEN];
	start(&w);
	w.e.cfg.port_kbps = KBPS; /* ten such packets a second */
	relay_configure(w.e.relay, &w.e.cfg);
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 200);
	EQ(edge_bind(&w.e, &w.client, &w.alice, CHANNEL, &w.peer.at), 200);
	for (int i = 0; i < 30; i++)
		EQ(udp_send(w.client.u, &w.e.face.local, channel_data(str_n(text, LEN))), 0);
	for (int i = 0; i < 10; i++)
		turns(&w);
	EQ(w.peer.n, 10);
	EQ(relay_stats(w.e.relay)->dropped, 20);
	edge_wait(&w.e, 1);
	OK(arrives(&w, &w.client, &w.e.face.local, channel_data(str_n(text, LEN)), &w.peer));
	stop(&w);
}

/* --- connections ----------------------------------------------------------------------- */

static void a_connection_has_its_allocation_until_it_ends(void)
{
	struct world w;
	struct stun_out o;
	struct stun_msg m;
	static uint8_t space[PACKET_HEADROOM + 64];
	start(&w);
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 200); /* learns the nonce */
	struct relay_stream *s =
	        relay_stream_new(w.e.relay, &w.e.face, &w.client.at, TURN_STANDARD, &w.e.stream);
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	EQ(edge_ask_stream(s, &w.e.stream, &o, &w.alice, &m), 200);
	OK(stun_attr_addr(&m, STUN_XOR_RELAYED_ADDRESS, &w.relayed));
	edge_begin(&o, STUN_CHANNEL_BIND);
	stun_put_u32(&o, STUN_CHANNEL_NUMBER, (uint32_t)CHANNEL << 16);
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, &w.peer.at);
	EQ(edge_ask_stream(s, &w.e.stream, &o, &w.alice, &m), 200);
	memcpy(space + PACKET_HEADROOM, "\x40\x00\x00\x05hello\0\0\0", 12);
	OK(relay_frame(s, (struct bytes){ space + PACKET_HEADROOM, 12 }));
	AWAIT(w.e.loop, w.peer.n == 1);
	EQ_STR(str_n(w.peer.last, w.peer.len), "hello");
	unsigned before = w.e.stream.n;
	EQ(udp_send(w.peer.u, &w.relayed, STR("back!")), 0);
	AWAIT(w.e.loop, w.e.stream.n > before);
	EQ(w.e.stream.len, 12);
	OK(memcmp(w.e.stream.last,
	          "\x40\x00\x00\x05"
	          "back!\0\0\0",
	          12) == 0);
	OK(!relay_frame(s, (struct bytes){ space, 20 })); /* nothing of ours */
	relay_stream_free(&s);
	EQ(w.e.n_ended[RELAY_GONE], 1);
	EQ(relay_stats(w.e.relay)->allocations, 1);
	stop(&w);
}

int main(void)
{
	RUN(a_binding_request_tells_the_own_address);
	RUN(who_has_credentials_gets_an_allocation);
	RUN(wrong_credentials_are_refused_and_leave_nothing);
	RUN(a_nonce_is_good_for_its_address_and_its_time);
	RUN(strangers_are_answered_a_few_times_alone);
	RUN(strangers_by_a_connection_are_answered_a_few_times_alone);
	RUN(nothing_is_said_to_what_is_no_request);
	RUN(what_is_wrong_with_a_request_is_said);
	RUN(a_request_that_comes_again_is_answered_again);
	RUN(both_families_and_ports_side_by_side_can_be_had);
	RUN(a_port_that_was_kept_for_nobody_is_free_again);
	RUN(a_clock_that_is_set_ends_no_allocation);
	RUN(credentials_outlive_the_day_of_their_key);
	RUN(a_port_that_is_kept_again_is_kept_as_long);
	RUN(a_server_is_not_held_to_the_limits_of_a_user);
	RUN(limits_of_users_and_of_the_edge_are_kept);
	RUN(data_pass_by_indications_both_ways);
	RUN(data_pass_by_channels_both_ways);
	RUN(two_allocations_of_one_edge_reach_each_other);
	RUN(networks_inside_are_refused_by_ipv6_too);
	RUN(forbidden_peers_are_refused);
	RUN(own_hosts_are_refused_unless_a_range_is_open);
	RUN(another_edge_is_reached_by_its_relayed_ports_alone);
	RUN(a_live_relayed_address_of_the_edge_is_reached_and_nothing_beside_it);
	RUN(what_is_closed_stays_closed_though_a_range_is_open);
	RUN(a_permission_lasts_five_minutes_a_channel_ten);
	RUN(permissions_and_channels_are_bounded);
	RUN(an_allocation_that_is_not_refreshed_ends);
	RUN(more_than_the_limits_allow_is_dropped);
	RUN(a_connection_has_its_allocation_until_it_ends);
	return tap_done();
}
