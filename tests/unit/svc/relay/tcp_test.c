#include <unistd.h>

#include "rfc6062.h"

/* TCP allocations of RFC 6062: what is asked for and answered, and what passes. */

/* --- Allocate -------------------------------------------------------------------------- */

static void what_is_for_udp_does_not_go_with_tcp(void)
{
	static const struct {
		unsigned attr;
		const char *value;
		size_t len;
	} rows[] = {
		{ STUN_EVEN_PORT, "\0\0\0\0", 4 },
		{ STUN_EVEN_PORT, "\x80\0\0\0", 4 },
		{ STUN_RESERVATION_TOKEN, "12345678", 8 },
		{ STUN_ADDITIONAL_ADDRESS_FAMILY, "\2\0\0\0", 4 },
	};
	struct rfc w;
	struct party client;
	struct stun_out o;
	struct addr at;
	rfc_start_with(&w, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rfc_begin_allocate(&o);
		stun_put(&o, (uint16_t)rows[i].attr, str_n(rows[i].value, rows[i].len));
		EQ(rfc_ask(&w, &o), 400);
	}
	/* Nor does it come by datagrams (section 5.1). */
	party_start(&client, w.e.loop);
	EQ(edge_allocate(&w.e, &client, &w.bob, &at), 200);
	EQ(edge_refresh(&w.e, &client, &w.bob, 0), 200);
	rfc_begin_allocate(&o);
	EQ(edge_ask(&w.e, &client, &o, &w.bob, &w.m), 400);
	EQ(relay_stats(w.e.relay)->allocations, 0);
	rfc_allocate(&w);
	OK(w.relayed.sa.sa_family == AF_INET);
	party_stop(&client);
	rfc_stop(&w);
}

static void an_allocation_of_ipv6_reaches_peers_of_ipv6(void)
{
	struct rfc w;
	struct far peer;
	struct stun_out o;
	struct addr from;
	uint32_t id;
	rfc_start_with(&w, 0, 0);
	rfc_begin_allocate(&o);
	stun_put_u32(&o, STUN_REQUESTED_ADDRESS_FAMILY, 2u << 24);
	EQ(rfc_ask(&w, &o), 200);
	OK(stun_attr_addr(&w.m, STUN_XOR_RELAYED_ADDRESS, &w.relayed));
	far_listen(&peer, &w.e, "::1");
	EQ(rfc_connect_to(&w, &peer.at, &id), 200);
	OK(far_accept(&peer, &from) && addr_eq(&from, &w.relayed));
	far_stop(&peer);
	far_listen(&peer, &w.e, NULL);
	EQ(rfc_connect_to(&w, &peer.at, &id), 443);
	far_stop(&peer);
	rfc_stop(&w);
}

/* --- Connect --------------------------------------------------------------------------- */

static void connect_comes_from_the_relayed_address(void)
{
	struct rfc w;
	struct far peer;
	struct addr from;
	uint32_t id;
	rfc_start(&w);
	far_listen(&peer, &w.e, NULL);
	EQ(rfc_connect_to(&w, &peer.at, &id), 200);
	OK(stun_is_signed(&w.m, STUN_STANDARD,
	                  str_n((const char *)w.alice.key, sizeof(w.alice.key))));
	OK(far_accept(&peer, &from) && addr_eq(&from, &w.relayed));
	EQ(rfc_connect_to(&w, &peer.at, &id), 446);
	far_stop(&peer);
	rfc_stop(&w);
}

static void who_refuses_is_told_of_and_may_be_asked_again(void)
{
	struct rfc w;
	struct far peer;
	uint32_t id;
	rfc_start(&w);
	far_listen(&peer, &w.e, NULL);
	(void)close(peer.door);
	peer.door = -1;
	EQ(rfc_connect_to(&w, &peer.at, &id), 447);
	EQ(rfc_connect_to(&w, &peer.at, &id), 447);
	far_stop(&peer);
	rfc_stop(&w);
}

/* A connection that is joined is in no other limit, and takes two descriptors. */
static void the_connections_of_a_user_are_bounded(void)
{
	enum { ALLOCATIONS = RELAY_USER_TCP_CONNS_MAX / RELAY_TCP_CONNS_MAX + 1 };
	static const struct addr from = { .in4 = { .sin_family = AF_INET } };
	struct rfc w;
	struct relay_stream *s[ALLOCATIONS];
	struct addr peer;
	struct stun_out o;
	unsigned n = 0;
	rfc_start_with(&w, 0, 0);
	w.e.cfg.user_allocations = ALLOCATIONS;
	relay_configure(w.e.relay, &w.e.cfg);
	EQ(addr_parse(&peer, STR("127.0.0.2"), RELAY_TCP_PORT_MIN), 0);
	for (unsigned i = 0; i < ALLOCATIONS; i++) {
		s[i] = relay_stream_new(w.e.relay, &w.e.face, &from, TURN_STANDARD, &w.e.stream);
		rfc_begin_allocate(&o);
		EQ(edge_ask_stream(s[i], &w.e.stream, &o, &w.alice, &w.m), 200);
		for (unsigned k = 0; k < RELAY_TCP_CONNS_MAX; k++, n++) {
			addr_set_port(&peer, (uint16_t)(RELAY_TCP_PORT_MIN + k));
			edge_begin(&o, STUN_CONNECT);
			stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, &peer);
			/* Not refused: it is answered later. */
			EQ(edge_ask_stream(s[i], &w.e.stream, &o, &w.alice, &w.m),
			   n < RELAY_USER_TCP_CONNS_MAX ? 0 : 508);
		}
	}
	for (unsigned i = 0; i < ALLOCATIONS; i++)
		relay_stream_free(&s[i]);
	rfc_stop(&w);
}

static void who_does_not_answer_is_told_of_after_a_time(void)
{
	struct rfc w;
	struct far peer, fillers[4];
	struct stun_out o, again;
	rfc_start(&w);
	far_listen(&peer, &w.e, NULL);
	far_fill(&peer, fillers, ARRAY_SIZE(fillers));
	EQ(rfc_ask_of(&w, &o, STUN_CONNECT, &peer.at), 0);
	EQ(rfc_ask_of(&w, &again, STUN_CONNECT, &peer.at), 446); /* it is being made */
	unsigned before = w.e.stream.n;
	edge_wait(&w.e, RELAY_TCP_WAIT_S - 1);
	EQ(w.e.stream.n, before);
	edge_wait(&w.e, 2);
	UNTIL(&w.e, w.e.stream.n > before);
	EQ(edge_read_answer(&w.e.stream, &o, &w.m), 447);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++)
		far_stop(&fillers[i]);
	far_stop(&peer);
	rfc_stop(&w);
}

static void what_connect_refuses_at_once(void)
{
	static const struct {
		const char *peer;
		uint16_t port;
		unsigned code;
	} rows[] = {
		{ "10.0.0.1", 80, 403 }, { "224.0.0.1", 80, 403 }, { "0.0.0.0", 80, 403 },
		{ "127.0.0.1", 0, 403 }, { "::1", 80, 443 },       { "192.168.1.1", 443, 403 },
	};
	struct rfc w;
	struct stun_out o;
	struct addr peer;
	rfc_start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EQ(addr_parse(&peer, str_of(rows[i].peer), rows[i].port), 0);
		EQ(rfc_ask_of(&w, &o, STUN_CONNECT, &peer), rows[i].code);
	}
	edge_begin(&o, STUN_CONNECT);
	EQ(rfc_ask(&w, &o), 400);
	rfc_stop(&w);
}

static void connect_wants_an_allocation_of_tcp(void)
{
	struct rfc w;
	struct stun_out o;
	struct addr peer;
	rfc_start_with(&w, 0, 0);
	EQ(addr_parse(&peer, STR("127.0.0.1"), 9), 0);
	EQ(rfc_ask_of(&w, &o, STUN_CONNECT, &peer), 437);
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	EQ(rfc_ask(&w, &o), 200);
	EQ(rfc_ask_of(&w, &o, STUN_CONNECT, &peer), 400);
	rfc_stop(&w);
}

/* --- ConnectionBind -------------------------------------------------------------------- */

static void bytes_pass_between_peer_and_client(void)
{
	struct rfc w;
	struct far peer, client;
	struct addr from;
	uint32_t id;
	rfc_start(&w);
	far_listen(&peer, &w.e, NULL);
	EQ(rfc_connect_to(&w, &peer.at, &id), 200);
	OK(far_accept(&peer, &from));
	far_say(&peer, STR("220 ready; ")); /* it speaks first */
	edge_turns(&w.e);
	rfc_bind_to(&w, id, &client);
	far_say(&peer, STR("more"));
	OK(far_hears(&client, "220 ready; more"));
	far_say(&client, STR("HELO"));
	OK(far_hears(&peer, "HELO"));
	EQ(relay_stats(w.e.relay)->relayed_bytes, 19);
	rfc_stop_joined(&w, &peer, &client);
}

static void much_passes_whole_and_a_slow_end_is_waited_for(void)
{
	struct rfc w;
	struct far peer, client;
	rfc_start_joined(&w, &peer, &client);
	for (unsigned i = 0; i < 200; i++) { /* nobody reads */
		far_put(&peer, MUCH - peer.put);
		loop_turn(w.e.loop, USEC_PER_MSEC);
	}
	OK(peer.put < MUCH);
	for (int i = 0; i < AWAIT_S * 1000 && client.got.len < MUCH; i++) {
		far_put(&peer, MUCH - peer.put);
		loop_turn(w.e.loop, USEC_PER_MSEC);
		far_read(&client, MUCH);
	}
	EQ(client.got.len, MUCH);
	OK(far_saw(&peer, buf_view(&client.got)));
	rfc_stop_joined(&w, &peer, &client);
}

static void who_may_not_bind_is_refused(void)
{
	struct rfc w;
	struct far peer, client;
	struct addr from;
	struct stun_out o;
	uint32_t id;
	rfc_start(&w);
	far_listen(&peer, &w.e, NULL);
	EQ(rfc_connect_to(&w, &peer.at, &id), 200);
	OK(far_accept(&peer, &from));
	EQ(rfc_ask_bind(&w, id ^ 1, &w.alice), 400);
	EQ(rfc_ask_bind(&w, id, &w.bob), 400);
	edge_begin(&o, STUN_CONNECTION_BIND);
	EQ(edge_ask_stream(w.binding, &w.data, &o, &w.alice, &w.m), 400); /* which? */
	edge_begin(&o, STUN_CONNECTION_BIND);
	stun_put_u32(&o, STUN_CONNECTION_ID, id);
	EQ(rfc_ask(&w, &o), 400); /* this one has an allocation */
	EQ(relay_stream_joining(w.binding), RELAY_NOT_JOINING);
	rfc_bind_to(&w, id, &client);            /* none of this did harm */
	EQ(rfc_ask_bind(&w, id, &w.alice), 400); /* but once is enough */
	far_say(&client, STR("x"));
	OK(far_hears(&peer, "x"));
	rfc_stop_joined(&w, &peer, &client);
}

static void the_end_of_either_side_ends_the_other(void)
{
	for (int peer_first = 0; peer_first < 2; peer_first++) {
		struct rfc w;
		struct far peer, client;
		uint32_t id;
		rfc_start_joined(&w, &peer, &client);
		far_say(peer_first ? &peer : &client, STR("bye"));
		far_hang_up(peer_first ? &peer : &client);
		OK(far_hears(peer_first ? &client : &peer, "bye"));
		UNTIL(&w.e, far_is_ended(peer_first ? &client : &peer));
		far_hang_up(peer_first ? &client : &peer);
		edge_turns(&w.e);
		/* The allocation goes on: the same peer can be connected to, but for the kernel's
		 * memory of the first connection. */
		OK(rfc_connect_to(&w, &peer.at, &id) != 446);
		EQ(relay_stats(w.e.relay)->allocations, 1);
		rfc_stop_joined(&w, &peer, &client);
	}
}

/* --- peers that come ------------------------------------------------------------------- */

static void a_permitted_peer_that_comes_is_told_of(void)
{
	struct rfc w;
	struct far peer, client;
	struct addr from;
	uint32_t id = 0;
	rfc_start(&w);
	EQ(addr_parse(&from, STR("127.0.0.1"), 1), 0);
	EQ(rfc_permit(&w, &from), 200);
	far_dial(&peer, &w.e, &w.relayed, NULL);
	far_say(&peer, STR("hello")); /* the kernel has connected it */
	unsigned before = w.e.stream.n;
	UNTIL(&w.e, w.e.stream.n > before);
	EQ(stun_parse(&w.m, str_n(w.e.stream.last, w.e.stream.len)), 0);
	EQ(w.m.class, STUN_INDICATION);
	EQ(w.m.method, STUN_CONNECTION_ATTEMPT);
	OK(stun_attr_u32(&w.m, STUN_CONNECTION_ID, &id));
	OK(stun_attr_addr(&w.m, STUN_XOR_PEER_ADDRESS, &from) && addr_eq(&from, &peer.at));
	rfc_bind_to(&w, id, &client);
	OK(far_hears(&client, "hello"));
	far_say(&client, STR("welcome"));
	OK(far_hears(&peer, "welcome"));
	rfc_stop_joined(&w, &peer, &client);
}

static void others_that_come_are_ended(void)
{
	struct rfc w;
	struct far stranger, refused;
	struct addr other;
	struct addr_range closed = { .bits = 32 };
	rfc_start(&w);
	/* without a permission; after one has ended; and whom nobody may reach */
	EQ(addr_parse(&closed.net, STR("127.0.0.3"), 0), 0);
	EQ(rfc_permit(&w, &closed.net), 200);
	w.e.cfg.closed = &closed;
	w.e.cfg.n_closed = 1;
	relay_configure(w.e.relay, &w.e.cfg);
	EQ(addr_parse(&other, STR("127.0.0.2"), 0), 0);
	EQ(rfc_permit(&w, &other), 200);
	edge_wait(&w.e, RELAY_PERMISSION_S + 1);
	unsigned before = w.e.stream.n;
	for (int i = 0; i < 2; i++) {
		far_dial(&stranger, &w.e, &w.relayed, i ? "127.0.0.2" : NULL);
		UNTIL(&w.e, far_is_ended(&stranger));
		far_stop(&stranger);
	}
	far_dial(&refused, &w.e, &w.relayed, "127.0.0.3");
	UNTIL(&w.e, far_is_ended(&refused));
	EQ(w.e.stream.n, before);
	EQ(relay_stats(w.e.relay)->dropped, 2);
	far_stop(&refused);
	rfc_stop(&w);
}

static void for_whom_nobody_comes_is_ended(void)
{
	struct rfc w;
	struct far asked, came;
	struct addr from;
	uint32_t id;
	rfc_start(&w);
	far_listen(&asked, &w.e, NULL);
	EQ(rfc_connect_to(&w, &asked.at, &id), 200);
	OK(far_accept(&asked, &from));
	EQ(rfc_permit(&w, &asked.at), 200);
	unsigned before = w.e.stream.n;
	far_dial(&came, &w.e, &w.relayed, NULL);
	UNTIL(&w.e, w.e.stream.n > before);
	edge_wait(&w.e, RELAY_TCP_WAIT_S - 1);
	OK(!far_is_ended(&asked) && !far_is_ended(&came));
	edge_wait(&w.e, 2);
	UNTIL(&w.e, far_is_ended(&asked) && far_is_ended(&came));
	EQ(rfc_ask_bind(&w, id, &w.alice), 400);
	far_stop(&asked);
	far_stop(&came);
	rfc_stop(&w);
}

/* --- several processes ----------------------------------------------------------------- */

/* The number says whose it is; the client is answered when that process has. */
static void what_another_process_has_is_asked_for_there(void)
{
	enum { OTHER = 5 };
	uint32_t id = OTHER << RELAY_ID_BITS | 77;
	struct rfc w;
	rfc_start(&w);
	EQ(rfc_ask_bind(&w, id, &w.alice), 400); /* it cannot be asked */
	EQ(w.e.pass_to, OTHER);
	w.e.passes = true;
	for (int taken = 0; taken < 2; taken++) {
		EQ(rfc_ask_bind(&w, id, &w.alice), 0);
		EQ(relay_stream_joining(w.binding), RELAY_PASSING);
		EQ(w.e.pass_to, OTHER);
		EQ(w.e.passed.id, id);
		OK(memcmp(w.e.passed.key, w.alice.key, sizeof(w.alice.key)) == 0);
		relay_stream_passed(w.binding, taken);
		EQ(relay_stream_joining(w.binding), RELAY_NOT_JOINING);
		EQ(stun_parse(&w.m, str_n(w.data.last, w.data.len)), 0);
		EQ(w.m.class, taken ? STUN_SUCCESS : STUN_ERROR);
		EQ(w.m.method, STUN_CONNECTION_BIND);
		OK(stun_is_signed(&w.m, STUN_STANDARD,
		                  str_n((const char *)w.alice.key, sizeof(w.alice.key))));
	}
	rfc_stop(&w);
}

static void another_process_gets_what_waits_here(void)
{
	struct rfc w;
	struct far peer, client;
	struct addr from;
	struct relay_pass what = { .id = 0 };
	rfc_start_with(&w, 0, 0);
	w.e.cfg.slot = 63;
	relay_configure(w.e.relay, &w.e.cfg);
	rfc_allocate(&w);
	far_listen(&peer, &w.e, NULL);
	EQ(rfc_connect_to(&w, &peer.at, &what.id), 200);
	EQ(what.id >> RELAY_ID_BITS, 63);
	OK(far_accept(&peer, &from));
	struct stream *s = rfc_connection(&w, &client);
	OK(!relay_join(w.e.relay, &what, s)); /* another key */
	memcpy(what.key, w.alice.key, sizeof(what.key));
	what.id ^= 1;
	OK(!relay_join(w.e.relay, &what, s));
	what.id ^= 1;
	OK(relay_join(w.e.relay, &what, s));
	stream_write(s, STR("1")); /* as the role does: before what the peer said */
	far_say(&peer, STR("hello"));
	OK(far_hears(&client, "1hello"));
	rfc_stop_joined(&w, &peer, &client);
}

/* --- what there is not ----------------------------------------------------------------- */

static void there_are_neither_channels_nor_indications(void)
{
	struct rfc w;
	struct far peer;
	struct stun_out o;
	struct addr from;
	rfc_start(&w);
	far_listen(&peer, &w.e, NULL);
	EQ(rfc_permit(&w, &peer.at), 200);
	edge_begin(&o, STUN_CHANNEL_BIND);
	stun_put_u32(&o, STUN_CHANNEL_NUMBER, 0x40000000);
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, &peer.at);
	EQ(rfc_ask(&w, &o), 400);
	stun_begin(&o, STUN_INDICATION, STUN_SEND, (const uint8_t *)"123456789012");
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, &peer.at);
	stun_put(&o, STUN_DATA, STR("x"));
	EQ(edge_ask_stream(w.control, &w.e.stream, &o, NULL, &w.m), 0);
	EQ(relay_stats(w.e.relay)->dropped, 1);
	OK(!far_accept(&peer, &from));
	far_stop(&peer);
	rfc_stop(&w);
}

int main(void)
{
	RUN(what_is_for_udp_does_not_go_with_tcp);
	RUN(an_allocation_of_ipv6_reaches_peers_of_ipv6);
	RUN(connect_comes_from_the_relayed_address);
	RUN(who_refuses_is_told_of_and_may_be_asked_again);
	RUN(the_connections_of_a_user_are_bounded);
	RUN(who_does_not_answer_is_told_of_after_a_time);
	RUN(what_connect_refuses_at_once);
	RUN(connect_wants_an_allocation_of_tcp);
	RUN(bytes_pass_between_peer_and_client);
	RUN(much_passes_whole_and_a_slow_end_is_waited_for);
	RUN(who_may_not_bind_is_refused);
	RUN(the_end_of_either_side_ends_the_other);
	RUN(a_permitted_peer_that_comes_is_told_of);
	RUN(others_that_come_are_ended);
	RUN(for_whom_nobody_comes_is_ended);
	RUN(what_another_process_has_is_asked_for_there);
	RUN(another_process_gets_what_waits_here);
	RUN(there_are_neither_channels_nor_indications);
	return tap_done();
}
