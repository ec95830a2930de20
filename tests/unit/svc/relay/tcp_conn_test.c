#include "loop/pipe.h"
#include "rfc6062.h"

/* Connections of TCP allocations: how many, how fast, how long. */

static void connections_of_an_allocation_are_bounded(void)
{
	static struct far peers[RELAY_TCP_CONNS_MAX + 1];
	struct rfc w;
	struct far late;
	uint32_t id;
	rfc_start(&w);
	for (unsigned i = 0; i < RELAY_TCP_CONNS_MAX; i++) {
		far_listen(&peers[i], &w.e, NULL);
		EQ(rfc_connect_to(&w, &peers[i].at, &id), 200);
	}
	far_listen(&peers[RELAY_TCP_CONNS_MAX], &w.e, NULL);
	EQ(rfc_connect_to(&w, &peers[RELAY_TCP_CONNS_MAX].at, &id), 508);
	/* A peer that comes is one too many as well. */
	EQ(rfc_permit(&w, &peers[0].at), 200);
	far_dial(&late, &w.e, &w.relayed, NULL);
	UNTIL(&w.e, far_is_ended(&late));
	for (unsigned i = 0; i <= RELAY_TCP_CONNS_MAX; i++)
		far_stop(&peers[i]);
	far_stop(&late);
	rfc_stop(&w);
}

/* Of a port, or of its user: what it takes out is what passes. */
static void limits_delay_and_lose_nothing(void)
{
	enum { KBPS = 80, PER_S = KBPS * 1000 / 8, PART = PER_S / 2 };
	for (int of_user = 0; of_user < 2; of_user++) {
		struct rfc w;
		struct far peer, client;
		struct addr from;
		uint32_t id;
		rfc_start_with(&w, of_user ? 0 : KBPS, of_user ? KBPS : 0);
		rfc_allocate(&w);
		far_listen(&peer, &w.e, NULL);
		EQ(rfc_connect_to(&w, &peer.at, &id), 200);
		OK(far_accept(&peer, &from));
		rfc_bind_to(&w, id, &client);
		/* What may pass in a second passes at once, in two parts ... */
		for (size_t all = PART; all <= PER_S; all += PART) {
			far_put(&peer, PART);
			UNTIL(&w.e, (far_read(&client, PER_S), client.got.len == all));
		}
		/* ... what comes next, too, and is what has to be waited for. */
		far_put(&peer, 3 * PER_S / 10);
		UNTIL(&w.e, (far_read(&client, MUCH), client.got.len == peer.put));
		far_put(&peer, 10);
		far_say(&client, STR("x"));
		edge_turns(&w.e);
		far_read(&client, MUCH);
		EQ(client.got.len, peer.put - 10);
		loop_clock_move(w.e.loop, 310 * USEC_PER_MSEC);
		UNTIL(&w.e, (far_read(&client, MUCH), client.got.len == peer.put));
		OK(far_hears(&peer, "x"));
		OK(far_saw(&peer, buf_view(&client.got)));
		rfc_stop_joined(&w, &peer, &client);
	}
}

/* However much is owed, it has been paid when that time has passed. */
static void what_is_owed_does_not_grow(void)
{
	enum { KBPS = 8, PER_S = KBPS * 1000 / 8, BLOCK = 8 * PER_S };
	struct rfc w;
	struct far peer, client;
	struct addr from;
	uint32_t id;
	rfc_start_with(&w, KBPS, 0);
	rfc_allocate(&w);
	far_listen(&peer, &w.e, NULL);
	EQ(rfc_connect_to(&w, &peer.at, &id), 200);
	OK(far_accept(&peer, &from));
	rfc_bind_to(&w, id, &client);
	for (int i = 0; i < 5; i++) {
		far_put(&peer, BLOCK);
		UNTIL(&w.e, (far_read(&client, MUCH), client.got.len == peer.put));
		edge_wait(&w.e, BLOCK / PER_S + 1);
	}
	OK(far_saw(&peer, buf_view(&client.got)));
	rfc_stop_joined(&w, &peer, &client);
}

/* --- the end of the allocation --------------------------------------------------------- */

static void release(struct rfc *w)
{
	struct stun_out o;
	edge_begin(&o, STUN_REFRESH);
	stun_put_u32(&o, STUN_LIFETIME, 0);
	EQ(rfc_ask(w, &o), 200);
}

static void lose_control(struct rfc *w)
{
	relay_stream_free(&w->control);
}

static void expire(struct rfc *w)
{
	edge_wait(&w->e, RELAY_LIFE_DEFAULT_S + 1);
}

static void take_away(struct rfc *w)
{
	EQ(relay_revoke(w->e.relay, STR("alice@example.test"), 0), 1);
}

static void with_the_allocation_all_its_connections_end(void)
{
	static void (*const ends[])(struct rfc * w) = { release, lose_control, expire, take_away };
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct rfc w;
		struct far peer, client, waits, dials, fillers[4];
		struct stun_out o;
		uint32_t id;
		rfc_start_joined(&w, &peer, &client);
		far_listen(&waits, &w.e, NULL);
		EQ(rfc_connect_to(&w, &waits.at, &id), 200);
		OK(far_accept(&waits, &dials.at));
		far_listen(&dials, &w.e, NULL);
		far_fill(&dials, fillers, ARRAY_SIZE(fillers));
		EQ(rfc_ask_of(&w, &o, STUN_CONNECT, &dials.at), 0);
		ends[i](&w);
		edge_wait(&w.e, PIPE_QUIET_S + 1);
		UNTIL(&w.e, far_is_ended(&peer) && far_is_ended(&client) && far_is_ended(&waits));
		EQ(w.e.open_ports, 0);
		EQ(rfc_ask_bind(&w, id, &w.alice), 400);
		for (size_t k = 0; k < ARRAY_SIZE(fillers); k++)
			far_stop(&fillers[k]);
		far_stop(&waits);
		far_stop(&dials);
		rfc_stop_joined(&w, &peer, &client);
	}
}

static void fill(struct rfc *w, struct far *client)
{
	size_t before;
	do {
		before = client->put;
		far_put(client, 4 * PIPE_UNSENT_MAX);
		edge_turns(&w->e);
	} while (client->put != before);
}

/* The client hangs up behind its last byte. */
static void what_the_client_sent_arrives_though_the_allocation_ends(void)
{
	static void (*const ends[])(struct rfc * w) = { release, lose_control, expire };
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct rfc w;
		struct far peer, client;
		rfc_start_joined(&w, &peer, &client);
		fill(&w, &client);
		OK(relay_stats(w.e.relay)->relayed_bytes < client.put); /* the kernel has some */
		ends[i](&w);
		EQ(w.e.open_ports, 0);
		EQ(relay_stats(w.e.relay)->users, 1);
		UNTIL(&w.e, (far_read(&peer, FAR_BUFFER), peer.got.len == client.put));
		far_hang_up(&client);
		UNTIL(&w.e, far_is_ended(&peer));
		EQ(peer.err, 0);
		OK(far_saw(&client, buf_view(&peer.got)));
		far_hang_up(&peer);
		UNTIL(&w.e, relay_stats(w.e.relay)->users == 0);
		rfc_stop_joined(&w, &peer, &client);
	}
}

/* By command it is cut, and so is what is on its way of an allocation before. */
static void by_command_nothing_more_arrives(void)
{
	for (int released = 0; released < 2; released++) {
		struct rfc w;
		struct far peer, client;
		rfc_start_joined(&w, &peer, &client);
		fill(&w, &client);
		if (released)
			release(&w);
		EQ(relay_stats(w.e.relay)->tcp_conns, 1);
		EQ(relay_revoke(w.e.relay, STR("bob@example.test"), 0), 0);
		EQ(relay_stats(w.e.relay)->tcp_conns, 1);
		EQ(relay_revoke(w.e.relay, STR("alice@example.test"), 0), released ? 0 : 1);
		EQ(relay_stats(w.e.relay)->tcp_conns, 0);
		EQ(relay_stats(w.e.relay)->users, 0);
		UNTIL(&w.e, (far_read(&peer, FAR_BUFFER), far_is_ended(&peer)));
		OK(peer.got.len < client.put);
		rfc_stop_joined(&w, &peer, &client);
	}
}

/* --- whose allocation is over ---------------------------------------------------------- */

enum { ROUNDS = RELAY_USER_TCP_CONNS_MAX / RELAY_TCP_CONNS_MAX };

/* So many connections with the same peer that takes nothing, and then the allocation ends. */
static unsigned leave_some(struct rfc *w, struct far *peer, unsigned n)
{
	unsigned code = 200, had = 0;
	rfc_allocate(w);
	for (unsigned i = 0; code == 200 && i < n; i++) {
		struct far client;
		struct addr from;
		uint32_t id = 0;
		struct far door;
		far_listen(&door, &w->e, NULL);
		code = rfc_connect_to(w, &door.at, &id);
		if (code == 200) {
			OK(far_accept(&door, &from));
			rfc_bind_to(w, id, &client);
			far_put(&client, 100);
			far_stop(&client); /* it has an end, and its peer has not */
			had++;
		}
		peer[i] = door;
	}
	release(w);
	return had;
}

static void what_is_on_its_way_counts_for_its_user(void)
{
	static struct far peers[ROUNDS][RELAY_TCP_CONNS_MAX];
	struct far more[1];
	struct rfc w;
	rfc_start_with(&w, 0, 0);
	for (unsigned i = 0; i < ROUNDS; i++)
		EQ(leave_some(&w, peers[i], RELAY_TCP_CONNS_MAX), RELAY_TCP_CONNS_MAX);
	EQ(relay_stats(w.e.relay)->allocations, 0);
	EQ(relay_stats(w.e.relay)->tcp_conns, RELAY_USER_TCP_CONNS_MAX);
	EQ(leave_some(&w, more, 1), 0);
	far_stop(&more[0]);
	for (unsigned i = 0; i < ROUNDS; i++)
		for (unsigned k = 0; k < RELAY_TCP_CONNS_MAX; k++)
			far_stop(&peers[i][k]);
	UNTIL(&w.e, relay_stats(w.e.relay)->tcp_conns == 0);
	rfc_stop(&w);
}

/* Beyond what a process lets go on, it is the oldest of who has most: not this one of alice. */
static void who_leaves_much_behind_pushes_out_his_own(void)
{
	static struct far peers[ROUNDS][RELAY_TCP_CONNS_MAX];
	struct far alices;
	struct rfc w;
	rfc_start_with(&w, 0, 0);
	EQ(leave_some(&w, &alices, 1), 1);
	w.alice = w.bob;
	for (unsigned i = 0; i < ROUNDS; i++)
		EQ(leave_some(&w, peers[i], RELAY_TCP_CONNS_MAX), RELAY_TCP_CONNS_MAX);
	EQ(relay_stats(w.e.relay)->tcp_conns, RELAY_PARTINGS_MAX);
	UNTIL(&w.e, (far_read(&peers[0][0], 1000), far_is_ended(&peers[0][0])));
	EQ(relay_revoke(w.e.relay, STR("bob@example.test"), 0), 0);
	EQ(relay_stats(w.e.relay)->tcp_conns, 1);
	UNTIL(&w.e, (far_read(&alices, 1000), far_is_ended(&alices)));
	EQ(alices.got.len, 100);
	far_stop(&alices);
	for (unsigned i = 0; i < ROUNDS; i++)
		for (unsigned k = 0; k < RELAY_TCP_CONNS_MAX; k++)
			far_stop(&peers[i][k]);
	rfc_stop(&w);
}

static void the_connections_of_a_process_are_bounded(void)
{
	struct rfc w;
	struct far peer, other;
	uint32_t id;
	rfc_start_with(&w, 0, 0);
	w.e.cfg.tcp_conns_max = 1;
	relay_configure(w.e.relay, &w.e.cfg);
	rfc_allocate(&w);
	far_listen(&peer, &w.e, NULL);
	far_listen(&other, &w.e, NULL);
	EQ(rfc_connect_to(&w, &peer.at, &id), 200);
	EQ(rfc_connect_to(&w, &other.at, &id), 508);
	far_stop(&peer);
	far_stop(&other);
	rfc_stop(&w);
}

static void refreshed_it_goes_on(void)
{
	struct rfc w;
	struct far peer, client;
	struct stun_out o;
	uint32_t life_s = 0;
	rfc_start_joined(&w, &peer, &client);
	for (int i = 0; i < 3; i++) {
		edge_wait(&w.e, RELAY_LIFE_DEFAULT_S - 1);
		edge_begin(&o, STUN_REFRESH);
		EQ(rfc_ask(&w, &o), 200);
		OK(stun_attr_u32(&w.m, STUN_LIFETIME, &life_s));
		EQ(life_s, RELAY_LIFE_DEFAULT_S);
	}
	far_say(&peer, STR("still here"));
	OK(far_hears(&client, "still here"));
	rfc_stop_joined(&w, &peer, &client);
}

int main(void)
{
	RUN(connections_of_an_allocation_are_bounded);
	RUN(limits_delay_and_lose_nothing);
	RUN(what_is_owed_does_not_grow);
	RUN(with_the_allocation_all_its_connections_end);
	RUN(what_the_client_sent_arrives_though_the_allocation_ends);
	RUN(by_command_nothing_more_arrives);
	RUN(what_is_on_its_way_counts_for_its_user);
	RUN(who_leaves_much_behind_pushes_out_his_own);
	RUN(the_connections_of_a_process_are_bounded);
	RUN(refreshed_it_goes_on);
	return tap_done();
}
