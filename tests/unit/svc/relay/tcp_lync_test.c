#include <sys/socket.h>
#include <unistd.h>

#include "far.h"
#include "loop/pipe.h"
#include "lync_client.h"

/* TCP allocations of Lync clients: one connection of the client's for the bytes of all peers. */

enum { MUCH = 1024 * 1024, PART = 500 /* bytes of a Send */, BLOCK = 60 * 1024 };

struct world {
	struct edge e;
	struct lync_client alice;
	struct far peer;
};

static void client_start(struct lync_client *c, struct edge *e, const char *user)
{
	lync_start(c, e, user, true);
	EQ(lync_allocate(c), 200);
}

static void start_limited(struct world *w, uint32_t port_kbps)
{
	edge_start(&w->e);
	w->e.cfg.port_kbps = port_kbps;
	relay_configure(w->e.relay, &w->e.cfg);
	client_start(&w->alice, &w->e, "alice@example.test");
	far_listen(&w->peer, &w->e, NULL);
}

static void start(struct world *w)
{
	start_limited(w, 0);
}

static void stop(struct world *w)
{
	far_stop(&w->peer);
	lync_stop(&w->alice);
	edge_stop(&w->e);
}

/* --- what a client says and hears ------------------------------------------------------ */

/* Waits for so many bytes in indications, or in data frames. */
static bool is_told(struct lync_client *k, const char *text)
{
	UNTIL(k->e, (lync_hear(k), k->told.len >= strlen(text)));
	bool right = str_eq(buf_view(&k->told), str_of(text));
	buf_free(&k->told);
	return right;
}

static bool gets(struct lync_client *k, const char *text)
{
	UNTIL(k->e, (lync_hear(k), k->raw.len >= strlen(text)));
	bool right = str_eq(buf_view(&k->raw), str_of(text));
	buf_free(&k->raw);
	return right;
}

static void say(struct lync_client *k, const struct addr *to, const char *text)
{
	lync_send(k, to, str_of(text));
}

static void say_raw(struct lync_client *k, struct str s)
{
	lync_put(k, s, TURN_MS_FRAME_DATA);
}

/* A data frame with the next n bytes of the pattern that far_saw() checks. */
static void say_block(struct lync_client *k, size_t *put, size_t n)
{
	static char block[UINT16_MAX];
	for (size_t i = 0; i < n; i++)
		block[i] = far_byte((*put)++);
	say_raw(k, str_n(block, n));
}

/* Alice and the peer have a connection, and she has chosen it. */
static void start_active(struct world *w, uint32_t port_kbps)
{
	struct addr from;
	start_limited(w, port_kbps);
	say(&w->alice, &w->peer.at, "a");
	OK(far_accept(&w->peer, &from));
	OK(far_hears(&w->peer, "a"));
	EQ(lync_set_active(&w->alice, &w->peer.at), 200);
}

/* --- to peers -------------------------------------------------------------------------- */

static void send_connects_from_the_relayed_address(void)
{
	struct world w;
	struct addr from;
	start(&w);
	/* All of these are there before the connection is. */
	say(&w.alice, &w.peer.at, "check, ");
	say(&w.alice, &w.peer.at, "once more, ");
	say(&w.alice, &w.peer.at, "and again");
	OK(far_accept(&w.peer, &from) && addr_eq(&from, &w.alice.relayed));
	OK(far_hears(&w.peer, "check, once more, and again"));
	say(&w.alice, &w.peer.at, " by the same connection");
	OK(far_hears(&w.peer, " by the same connection"));
	EQ(relay_stats(w.e.relay)->dropped, 0);
	stop(&w);
}

static void the_chosen_peer_needs_no_heads(void)
{
	struct world w;
	struct addr from;
	start(&w);
	say_raw(&w.alice, STR("whom is it for?"));
	EQ(relay_stats(w.e.relay)->dropped, 1);
	say(&w.alice, &w.peer.at, "a");
	OK(far_accept(&w.peer, &from));
	far_say(&w.peer, STR("b"));
	OK(is_told(&w.alice, "b"));
	OK(addr_eq(&w.alice.from, &w.peer.at));
	EQ(lync_set_active(&w.alice, &w.peer.at), 200);
	say_raw(&w.alice, STR("c"));
	OK(far_hears(&w.peer, "ac"));
	far_say(&w.peer, STR("d"));
	OK(gets(&w.alice, "d"));
	say(&w.alice, &w.peer.at, "e"); /* indications go on as well */
	OK(far_hears(&w.peer, "e"));
	stop(&w);
}

static void peers_are_told_apart(void)
{
	struct world w;
	struct far other;
	struct addr from;
	start_active(&w, 0);
	far_listen(&other, &w.e, "127.0.0.2");
	say(&w.alice, &other.at, "x");
	OK(far_accept(&other, &from) && addr_eq(&from, &w.alice.relayed));
	OK(far_hears(&other, "x"));
	far_say(&other, STR("from the other"));
	OK(is_told(&w.alice, "from the other"));
	OK(addr_eq(&w.alice.from, &other.at));
	far_say(&w.peer, STR("from the chosen"));
	OK(gets(&w.alice, "from the chosen"));
	EQ(lync_set_active(&w.alice, &other.at), 200);
	far_say(&other, STR("now"));
	OK(gets(&w.alice, "now"));
	far_say(&w.peer, STR("then"));
	OK(is_told(&w.alice, "then"));
	far_stop(&other);
	stop(&w);
}

/* From the peer, in cuts of any size, in indications or data frames. */
static void a_stream_comes_whole(void)
{
	for (int active = 0; active < 2; active++) {
		struct world w;
		struct lync_client *k = &w.alice;
		struct buf *got = active ? &k->raw : &k->told;
		start_active(&w, 0);
		if (!active) {
			struct addr other = w.peer.at;
			addr_set_port(&other, 9);
			EQ(lync_set_active(k, &other), 200);
		}
		for (size_t i = 1; got->len < MUCH && i < AWAIT_S * 1000; i++) {
			far_put(&w.peer, MIN(i * i % 70000, MUCH - w.peer.put));
			loop_turn(w.e.loop, USEC_PER_MSEC);
			lync_hear(k);
		}
		EQ(got->len, MUCH);
		OK(far_saw(&w.peer, buf_view(got)));
		OK(active || addr_eq(&k->from, &w.peer.at));
		stop(&w);
	}
}

/* --- peers that come ------------------------------------------------------------------- */

static void a_peer_that_comes_early_is_held_until_it_is_known(void)
{
	struct world w;
	struct far came;
	struct addr known;
	start(&w);
	far_dial(&came, &w.e, &w.alice.relayed, NULL);
	edge_turns(&w.e);
	far_say(&came, STR("I was first"));
	edge_turns(&w.e);
	lync_hear(&w.alice);
	EQ(w.alice.n_told, 0);
	OK(!far_is_ended(&came));
	/* Whose host is known may come from any port. */
	known = came.at;
	addr_set_port(&known, addr_port(&w.peer.at));
	say(&w.alice, &known, "x");
	OK(is_told(&w.alice, "I was first"));
	OK(addr_eq(&w.alice.from, &came.at));
	say(&w.alice, &came.at, "welcome"); /* by its own connection */
	OK(far_hears(&came, "welcome"));
	far_stop(&came);
	stop(&w);
}

static void who_stays_unknown_is_ended(void)
{
	struct world w;
	struct far came;
	start(&w);
	far_dial(&came, &w.e, &w.alice.relayed, NULL);
	edge_turns(&w.e);
	edge_wait(&w.e, RELAY_TCP_WAIT_S - 1);
	OK(!far_is_ended(&came));
	edge_wait(&w.e, 2);
	UNTIL(&w.e, far_is_ended(&came));
	far_stop(&came);
	stop(&w);
}

static void strangers_take_no_room_from_peers(void)
{
	struct world w;
	struct far strangers[RELAY_TCP_HELD_MAX + 1];
	struct addr from;
	start(&w);
	for (unsigned i = 0; i < ARRAY_SIZE(strangers); i++) {
		far_dial(&strangers[i], &w.e, &w.alice.relayed, "127.0.0.2");
		edge_turns(&w.e);
	}
	UNTIL(&w.e, far_is_ended(&strangers[0])); /* the oldest one goes */
	for (unsigned i = 1; i < ARRAY_SIZE(strangers); i++)
		OK(!far_is_ended(&strangers[i]));
	say(&w.alice, &w.peer.at, "x");
	OK(far_accept(&w.peer, &from));
	OK(far_hears(&w.peer, "x"));
	for (unsigned i = 0; i < ARRAY_SIZE(strangers); i++)
		far_stop(&strangers[i]);
	stop(&w);
}

static void refused_peers_reach_nobody_and_are_not_reached(void)
{
	struct world w;
	struct far came, listens;
	struct addr from;
	struct addr_range closed = { .bits = 32 };
	start(&w);
	EQ(addr_parse(&closed.net, STR("127.0.0.3"), 0), 0);
	w.e.cfg.closed = &closed;
	w.e.cfg.n_closed = 1;
	relay_configure(w.e.relay, &w.e.cfg);
	far_dial(&came, &w.e, &w.alice.relayed, "127.0.0.3");
	UNTIL(&w.e, far_is_ended(&came));
	far_listen(&listens, &w.e, "127.0.0.3");
	say(&w.alice, &listens.at, "x");
	OK(!far_accept(&listens, &from));
	EQ(lync_set_active(&w.alice, &listens.at), 403);
	EQ(relay_stats(w.e.relay)->dropped, 1);
	far_stop(&came);
	far_stop(&listens);
	stop(&w);
}

/* Both checks are on their way when the first connection is made: there is one, for both. */
static void two_that_connect_to_each_other_have_one_connection(void)
{
	struct world w;
	struct lync_client bob;
	start(&w);
	client_start(&bob, &w.e, "bob@example.test");
	say(&w.alice, &bob.relayed, "from alice");
	say(&bob, &w.alice.relayed, "from bob");
	OK(is_told(&w.alice, "from bob"));
	OK(addr_eq(&w.alice.from, &bob.relayed));
	OK(is_told(&bob, "from alice"));
	OK(addr_eq(&bob.from, &w.alice.relayed));
	EQ(lync_set_active(&w.alice, &bob.relayed), 200);
	EQ(lync_set_active(&bob, &w.alice.relayed), 200);
	say_raw(&w.alice, STR("ping"));
	OK(gets(&bob, "ping"));
	say_raw(&bob, STR("pong"));
	OK(gets(&w.alice, "pong"));
	edge_wait(&w.e, RELAY_TCP_WAIT_S + 1); /* none is late */
	say_raw(&w.alice, STR("still"));
	OK(gets(&bob, "still"));
	EQ(w.alice.at.n_hung_up + bob.at.n_hung_up, 0);
	EQ(relay_stats(w.e.relay)->dropped, 0);
	lync_stop(&bob);
	stop(&w);
}

/* --- who is full, and limits ------------------------------------------------------------ */

/* Until the kernel takes no more, and the relay neither. */
static void fill_peer(struct world *w, size_t *put)
{
	while (*put < EDGE_SAID_MAX - 4 * BLOCK && !w->alice.at.paused) {
		say_block(&w->alice, put, BLOCK);
		loop_turn(w->e.loop, USEC_PER_MSEC);
	}
}

static void a_slow_peer_pauses_the_client(void)
{
	struct world w;
	struct lync_client *k = &w.alice;
	size_t put = 0;
	start_active(&w, 0);
	fill_peer(&w, &put);
	OK(k->at.paused);
	say_block(k, &put, UINT16_MAX); /* what was read already */
	UNTIL(&w.e, (far_read(&w.peer, BLOCK), !k->at.paused));
	say_block(k, &put, BLOCK);
	UNTIL(&w.e, (far_read(&w.peer, BLOCK), w.peer.got.len == put));
	OK(far_saw(&w.peer, buf_view(&w.peer.got)));
	stop(&w);
}

static void the_end_of_a_slow_peer_lets_the_client_go_on(void)
{
	struct world w;
	struct lync_client *k = &w.alice;
	size_t put = 0;
	struct addr other;
	start_active(&w, 0);
	fill_peer(&w, &put);
	OK(k->at.paused);
	other = w.peer.at;
	addr_set_port(&other, 9);
	EQ(lync_set_active(k, &other), 200);
	far_hang_up(&w.peer);
	UNTIL(&w.e, !k->at.paused);
	EQ(k->at.n_hung_up, 0);
	stop(&w);
}

static void a_full_client_pauses_its_peers(void)
{
	struct world w;
	struct lync_client *k = &w.alice;
	struct far other;
	size_t before;
	start_active(&w, 0);
	k->at.full = true;
	far_dial(&other, &w.e, &k->relayed, NULL);
	edge_turns(&w.e);
	do {
		before = w.peer.put;
		far_put(&w.peer, MUCH);
		edge_turns(&w.e);
	} while (w.peer.put != before);
	far_say(&other, STR("me too"));
	edge_turns(&w.e);
	lync_hear(k);
	OK(k->raw.len < w.peer.put); /* the rest is in the kernel */
	EQ(k->n_told, 0);
	k->at.full = false;
	relay_stream_room(k->stream);
	OK(is_told(k, "me too"));
	for (int i = 0; k->raw.len < MUCH && i < AWAIT_S * 1000; i++) {
		far_put(&w.peer, MUCH - w.peer.put);
		loop_turn(w.e.loop, USEC_PER_MSEC);
		lync_hear(k);
	}
	EQ(k->raw.len, MUCH);
	OK(far_saw(&w.peer, buf_view(&k->raw)));
	relay_stream_room(k->stream); /* nobody waits for it */
	far_stop(&other);
	stop(&w);
}

enum { KBPS = 80, PER_S = KBPS * 1000 / 8 };

static void limits_delay_and_lose_nothing(void)
{
	struct world w;
	struct lync_client *k = &w.alice;
	size_t put = 0;
	start_active(&w, KBPS);
	say_block(k, &put, PER_S - 100);
	OK(!k->at.paused);
	say_block(k, &put, PER_S); /* is taken: it has been read */
	OK(k->at.paused);
	UNTIL(&w.e, (far_read(&w.peer, MUCH), w.peer.got.len == put));
	far_put(&w.peer, 10);
	edge_turns(&w.e);
	lync_hear(k);
	EQ(k->raw.len, 0);
	loop_clock_move(w.e.loop, USEC_PER_SEC);
	UNTIL(&w.e, (lync_hear(k), k->raw.len == 10));
	OK(!k->at.paused);
	far_put(&w.peer, 2 * PER_S);
	UNTIL(&w.e, (lync_hear(k), k->raw.len == w.peer.put));
	OK(k->at.paused);
	far_put(&w.peer, PER_S);
	edge_wait(&w.e, 3);
	UNTIL(&w.e, (lync_hear(k), k->raw.len == w.peer.put));
	OK(far_saw(&w.peer, buf_view(&k->raw)));
	stop(&w);
}

static void with_the_allocation_its_reasons_to_pause_end(void)
{
	struct world w;
	struct lync_client *k = &w.alice;
	size_t put = 0;
	start_active(&w, KBPS);
	say_block(k, &put, 2 * PER_S);
	OK(k->at.paused);
	EQ(relay_revoke(w.e.relay, STR(""), 0), 1);
	OK(!k->at.paused);
	UNTIL(&w.e, far_is_ended(&w.peer));
	stop(&w);
}

/* --- ends ------------------------------------------------------------------------------ */

static void what_the_client_sent_arrives_though_its_connection_ends(void)
{
	struct world w;
	struct lync_client *k = &w.alice;
	size_t put = 0;
	start_active(&w, 0);
	fill_peer(&w, &put);
	OK(k->at.paused);
	relay_stream_free(&k->stream);
	EQ(w.e.open_ports, 0);
	UNTIL(&w.e, (far_read(&w.peer, BLOCK), far_is_ended(&w.peer)));
	EQ(w.peer.got.len, put);
	EQ(w.peer.err, 0);
	OK(far_saw(&w.peer, buf_view(&w.peer.got)));
	stop(&w);
}

static void with_the_chosen_peer_the_client_ends(void)
{
	struct world w;
	struct far other;
	struct addr from;
	start_active(&w, 0);
	far_listen(&other, &w.e, "127.0.0.2");
	say(&w.alice, &other.at, "x");
	OK(far_accept(&other, &from));
	far_stop(&other);
	edge_turns(&w.e);
	EQ(w.alice.at.n_hung_up, 0); /* that one it can do without */
	far_say(&w.peer, STR("bye"));
	far_hang_up(&w.peer);
	UNTIL(&w.e, w.alice.at.n_hung_up == 1);
	OK(gets(&w.alice, "bye"));
	stop(&w);
}

static void who_has_ended_can_be_connected_to_again(void)
{
	struct world w;
	struct addr from;
	start(&w);
	say(&w.alice, &w.peer.at, "x");
	OK(far_accept(&w.peer, &from));
	/* By a reset, of which no memory remains. */
	struct linger at_once = { .l_onoff = 1 };
	EQ(setsockopt(w.peer.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	far_hang_up(&w.peer);
	edge_turns(&w.e);
	say(&w.alice, &w.peer.at, "y");
	OK(far_accept(&w.peer, &from));
	OK(far_hears(&w.peer, "y"));
	stop(&w);
}

/* Its end was not seen yet, for nothing is read from it. */
static void who_comes_again_has_another_stream(void)
{
	struct world w;
	struct lync_client *k = &w.alice;
	struct linger at_once = { .l_onoff = 1 };
	start_active(&w, 0);
	k->at.full = true;
	far_say(&w.peer, STR("first"));
	edge_turns(&w.e);
	EQ(setsockopt(w.peer.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
	far_hang_up(&w.peer);
	edge_turns(&w.e);
	EQ(k->at.n_hung_up, 0);
	far_dial_from_door(&w.peer, &k->relayed);
	UNTIL(&w.e, k->at.n_hung_up == 1);
	stop(&w);
}

/* What was read of it with the frame that was too much would be the begin of another stream. */
static void a_client_that_is_hung_up_connects_to_nobody(void)
{
	struct world w;
	uint64_t before;
	size_t put = 0;
	start(&w);
	EQ(lync_set_active(&w.alice, &w.peer.at), 200);
	say_block(&w.alice, &put, RELAY_TCP_EARLY_MAX / 2);
	say_block(&w.alice, &put, RELAY_TCP_EARLY_MAX / 2 + 1);
	EQ(w.alice.at.n_hung_up, 1);
	before = relay_stats(w.e.relay)->relayed_packets;
	say_raw(&w.alice, STR("from the middle"));
	EQ(relay_stats(w.e.relay)->relayed_packets, before);
	stop(&w);
}

static void a_chosen_peer_that_is_not_there_ends_the_client(void)
{
	struct world w;
	start(&w);
	(void)close(w.peer.door);
	w.peer.door = -1;
	say(&w.alice, &w.peer.at, "x"); /* a check may be in vain */
	edge_turns(&w.e);
	EQ(w.alice.at.n_hung_up, 0);
	EQ(lync_set_active(&w.alice, &w.peer.at), 200);
	say_raw(&w.alice, STR("a part of a stream"));
	UNTIL(&w.e, w.alice.at.n_hung_up == 1);
	stop(&w);
}

/* --- bounds ---------------------------------------------------------------------------- */

static void early_bytes_are_bounded(void)
{
	char part[PART + 1];
	struct world w;
	struct addr from;
	size_t n = 0;
	memset(part, 'x', PART);
	part[PART] = '\0';
	start(&w);
	for (; n + PART <= RELAY_TCP_EARLY_MAX; n += PART)
		say(&w.alice, &w.peer.at, part);
	EQ(relay_stats(w.e.relay)->dropped, 0);
	/* One more, and there is no such stream: what has a hole is not sent. */
	say(&w.alice, &w.peer.at, part);
	EQ(relay_stats(w.e.relay)->dropped, 1);
	if (far_accept(&w.peer, &from))
		UNTIL(&w.e, far_is_ended(&w.peer));
	EQ(w.peer.got.len, 0);
	EQ(relay_stats(w.e.relay)->allocations, 1);
	stop(&w);
}

static void connections_of_an_allocation_are_bounded(void)
{
	static struct far peers[RELAY_TCP_CONNS_MAX + 1];
	struct world w;
	struct addr from;
	start(&w);
	for (unsigned i = 0; i <= RELAY_TCP_CONNS_MAX; i++) {
		far_listen(&peers[i], &w.e, NULL);
		say(&w.alice, &peers[i].at, "x");
	}
	EQ(relay_stats(w.e.relay)->dropped, 1);
	for (unsigned i = 0; i < RELAY_TCP_CONNS_MAX; i++)
		OK(far_accept(&peers[i], &from));
	OK(!far_accept(&peers[RELAY_TCP_CONNS_MAX], &from));
	far_stop(&peers[0]);
	edge_turns(&w.e);
	say(&w.alice, &peers[RELAY_TCP_CONNS_MAX].at, "y"); /* there is room again */
	OK(far_accept(&peers[RELAY_TCP_CONNS_MAX], &from));
	for (unsigned i = 1; i <= RELAY_TCP_CONNS_MAX; i++)
		far_stop(&peers[i]);
	stop(&w);
}

/* --- the client is gone ---------------------------------------------------------------- */

/* The kernel has what was sent, and the peer has said something that nobody has read. */
static void what_was_sent_arrives_though_the_peer_was_not_heard(void)
{
	struct world w;
	struct lync_client *k = &w.alice;
	size_t put = 0;
	start_active(&w, 0);
	say_block(k, &put, FAR_BUFFER);
	edge_turns(&w.e);
	k->at.full = true;
	for (int i = 0; i < 2; i++) {
		far_say(&w.peer, STR("x"));
		edge_turns(&w.e);
	}
	relay_stream_free(&k->stream);
	edge_turns(&w.e);
	UNTIL(&w.e, (far_read(&w.peer, BLOCK), far_is_ended(&w.peer)));
	EQ(w.peer.got.len, put);
	EQ(w.peer.err, 0);
	stop(&w);
}

static void what_was_said_before_it_was_connected_arrives(void)
{
	struct world w;
	struct addr from;
	start(&w);
	say(&w.alice, &w.peer.at, "a whole message");
	relay_stream_free(&w.alice.stream);
	edge_turns(&w.e);
	OK(far_accept(&w.peer, &from));
	OK(far_hears(&w.peer, "a whole message"));
	UNTIL(&w.e, far_is_ended(&w.peer));
	EQ(w.peer.err, 0);
	far_hang_up(&w.peer);
	UNTIL(&w.e, relay_stats(w.e.relay)->users == 0);
	stop(&w);
}

static void a_slow_peer_has_time(void)
{
	struct world w;
	size_t put = 0;
	start_active(&w, 0);
	fill_peer(&w, &put);
	relay_stream_free(&w.alice.stream);
	edge_wait(&w.e, PIPE_LEFT_S - 1);
	UNTIL(&w.e, (far_read(&w.peer, BLOCK), far_is_ended(&w.peer)));
	EQ(w.peer.got.len, put);
	EQ(w.peer.err, 0);
	stop(&w);
}

static void a_peer_that_takes_nothing_is_ended_some_time(void)
{
	struct world w;
	size_t put = 0;
	start_active(&w, 0);
	fill_peer(&w, &put);
	relay_stream_free(&w.alice.stream);
	EQ(relay_stats(w.e.relay)->users, 1);
	for (int i = 0; i < 4; i++)
		edge_wait(&w.e, PIPE_LEFT_S);
	EQ(relay_stats(w.e.relay)->users, 0);
	stop(&w);
}

int main(void)
{
	RUN(what_was_sent_arrives_though_the_peer_was_not_heard);
	RUN(what_was_said_before_it_was_connected_arrives);
	RUN(a_slow_peer_has_time);
	RUN(a_peer_that_takes_nothing_is_ended_some_time);
	RUN(send_connects_from_the_relayed_address);
	RUN(the_chosen_peer_needs_no_heads);
	RUN(peers_are_told_apart);
	RUN(a_stream_comes_whole);
	RUN(a_peer_that_comes_early_is_held_until_it_is_known);
	RUN(who_stays_unknown_is_ended);
	RUN(strangers_take_no_room_from_peers);
	RUN(refused_peers_reach_nobody_and_are_not_reached);
	RUN(two_that_connect_to_each_other_have_one_connection);
	RUN(a_slow_peer_pauses_the_client);
	RUN(the_end_of_a_slow_peer_lets_the_client_go_on);
	RUN(a_full_client_pauses_its_peers);
	RUN(limits_delay_and_lose_nothing);
	RUN(with_the_allocation_its_reasons_to_pause_end);
	RUN(what_the_client_sent_arrives_though_its_connection_ends);
	RUN(with_the_chosen_peer_the_client_ends);
	RUN(who_has_ended_can_be_connected_to_again);
	RUN(who_comes_again_has_another_stream);
	RUN(a_client_that_is_hung_up_connects_to_nobody);
	RUN(a_chosen_peer_that_is_not_there_ends_the_client);
	RUN(early_bytes_are_bounded);
	RUN(connections_of_an_allocation_are_bounded);
	return tap_done();
}
