#include "lync_client.h"
#include "rfc6062.h"

/* How often a user may ask; and who is no stranger though the host's time was set. */

enum { HOURS_10 = 10 * 3600 };

static unsigned full(const struct edge *e)
{
	return RELAY_ASKS_BURST + RELAY_ASKS_EACH * e->cfg.user_allocations;
}

/* --- by datagrams ---------------------------------------------------------------------- */

struct world {
	struct edge e;
	struct party client, other;
	struct account alice, bob;
	struct addr relayed;
};

static void start(struct world *w)
{
	edge_start(&w->e);
	party_start(&w->client, w->e.loop);
	party_start(&w->other, w->e.loop);
	account_get(&w->alice, &w->e, "alice@example.test", 8 * 3600);
	account_get(&w->bob, &w->e, "bob@example.test", 8 * 3600);
	EQ(edge_allocate(&w->e, &w->client, &w->alice, &w->relayed), 200);
	EQ(edge_allocate(&w->e, &w->other, &w->bob, &w->relayed), 200);
}

/* Alice's allocation ends, and there is another one: two requests. */
static void renew(struct world *w)
{
	struct stun_out o;
	struct stun_msg m;
	EQ(edge_refresh(&w->e, &w->client, &w->alice, 0), 200);
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	EQ(edge_ask(&w->e, &w->client, &o, &w->alice, &m), 200);
}

static void stop(struct world *w)
{
	party_stop(&w->client);
	party_stop(&w->other);
	edge_stop(&w->e);
}

/* The count outlives what a user has. */
static void who_asks_too_much_is_not_answered_for_a_while(void)
{
	struct world w;
	unsigned n = 1; /* the first Allocate; the challenge is nobody's */
	start(&w);
	for (; n + 2 < full(&w.e); n += 2)
		renew(&w);
	for (; n < full(&w.e); n++)
		EQ(edge_refresh(&w.e, &w.client, &w.alice, 600), 200);
	EQ(relay_stats(w.e.relay)->unanswered, 0);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 600), 0);
	EQ(relay_stats(w.e.relay)->unanswered, 1);
	EQ(edge_refresh(&w.e, &w.other, &w.bob, 600), 200);
	edge_wait(&w.e, 1);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 600), 200);
	stop(&w);
}

static void a_server_asks_for_many(void)
{
	struct world w;
	start(&w);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 0), 200);
	account_get_server(&w.alice, &w.e, "media-bridge/1@sip.example.test");
	EQ(edge_allocate(&w.e, &w.client, &w.alice, &w.relayed), 200);
	for (unsigned n = 0; n < full(&w.e); n++)
		EQ(edge_refresh(&w.e, &w.client, &w.alice, 600), 200);
	stop(&w);
}

/* --- by connections -------------------------------------------------------------------- */

static unsigned ask_refresh(struct rfc *w)
{
	struct stun_out o;
	edge_begin(&o, STUN_REFRESH);
	return rfc_ask(w, &o);
}

/* Nothing is lost: what is too much is served, and has to be waited for. */
static void by_a_connection_it_is_not_read_for_a_while(void)
{
	struct rfc w;
	usec_t before = 0;
	rfc_start(&w);
	for (unsigned n = 1; n < full(&w.e); n++)
		EQ(ask_refresh(&w), 200);
	EQ(relay_stream_rest(w.control), 0);
	for (int i = 0; i < 10; i++) {
		EQ(ask_refresh(&w), 200);
		OK(relay_stream_rest(w.control) > before);
		before = relay_stream_rest(w.control);
	}
	edge_wait(&w.e, 1 + (unsigned)(before / USEC_PER_SEC));
	EQ(relay_stream_rest(w.control), 0);
	EQ(ask_refresh(&w), 200);
	EQ(relay_stream_rest(w.control), 0);
	/* However much it was, a whole time is enough. */
	for (unsigned n = 0; n < 3 * full(&w.e); n++)
		EQ(ask_refresh(&w), 200);
	OK(relay_stream_rest(w.control) <= RELAY_ASKS_FULL_S * USEC_PER_SEC);
	rfc_stop(&w);
}

/* What is not signed counts too, as long as the connection has an allocation. */
static void what_is_refused_counts_as_well(void)
{
	struct rfc w;
	struct stun_out o;
	rfc_start(&w);
	for (unsigned n = 0; n < full(&w.e); n++) {
		edge_begin(&o, n % 2 ? STUN_REFRESH : STUN_BINDING);
		EQ(edge_ask_stream(w.control, &w.e.stream, &o, NULL, &w.m), n % 2 ? 401 : 200);
	}
	OK(relay_stream_rest(w.control) > 0);
	rfc_stop(&w);
}

static void a_connect_is_as_dear_as_several_requests(void)
{
	struct rfc w;
	struct far peer;
	struct stun_out o;
	rfc_start(&w);
	far_listen(&peer, &w.e, NULL);
	unsigned n = 1;
	for (; n + RELAY_CONNECT_COST <= full(&w.e); n += RELAY_CONNECT_COST) {
		OK(relay_stream_rest(w.control) == 0);
		(void)rfc_ask_of(&w, &o, STUN_CONNECT, &peer.at);
	}
	(void)rfc_ask_of(&w, &o, STUN_CONNECT, &peer.at);
	OK(relay_stream_rest(w.control) > 0);
	far_stop(&peer);
	rfc_stop(&w);
}

/* A Lync client connects by sending to somebody: nothing is read of it then. */
static void so_it_is_for_lync_clients(void)
{
	static struct far peers[RELAY_TCP_CONNS_MAX];
	struct edge e;
	struct lync_client c;
	unsigned n = 0;
	edge_start(&e);
	lync_start(&c, &e, "alice@example.test", true);
	EQ(lync_allocate(&c), 200);
	for (unsigned i = 0; i < full(&e) - RELAY_CONNECT_COST * RELAY_TCP_CONNS_MAX; i++)
		EQ(lync_set_active(&c, &c.relayed), 200);
	for (; n < RELAY_TCP_CONNS_MAX; n++) {
		far_listen(&peers[n], &e, NULL);
		lync_send(&c, &peers[n].at, STR("x"));
	}
	OK(c.at.paused);
	edge_wait(&e, RELAY_ASKS_FULL_S);
	OK(!c.at.paused);
	while (n-- > 0)
		far_stop(&peers[n]);
	lync_stop(&c);
	edge_stop(&e);
}

/* --- the host's time is set ------------------------------------------------------------- */

/* Somebody else behind the same NAT asks often, and the owner's nonce is too old. */
static void an_owner_gets_a_new_nonce_whatever_strangers_ask(void)
{
	struct world w;
	struct stun_out o;
	struct stun_msg m;
	start(&w);
	loop_wall_move(w.e.loop, (int64_t)(2 * 3600) * (int64_t)USEC_PER_SEC);
	EQ(edge_refresh(&w.e, &w.other, &w.bob, 600), 438);
	EQ(edge_refresh(&w.e, &w.other, &w.bob, 0), 438);
	party_stop(&w.other);
	party_start(&w.other, w.e.loop);
	for (int i = 0; i < 2 * RELAY_STRANGER_BURST; i++) {
		edge_begin(&o, STUN_BINDING);
		(void)edge_ask(&w.e, &w.other, &o, NULL, &m);
	}
	EQ(edge_ask(&w.e, &w.other, &o, NULL, &m), 0);
	EQ(edge_refresh(&w.e, &w.client, &w.alice, 600), 438);
	/* But not who merely comes from his address. */
	EQ(edge_refresh(&w.e, &w.client, &w.bob, 600), 0);
	stop(&w);
}

static void a_lync_client_refreshes_after_the_time_was_set(void)
{
	struct edge e;
	struct lync_client c;
	struct msturn_out o;
	struct str nonce;
	struct party noisy;
	struct stun_msg m;
	struct stun_out s;
	edge_start(&e);
	party_start(&noisy, e.loop);
	lync_start(&c, &e, "alice@example.test", false);
	EQ(lync_allocate(&c), 200);
	loop_wall_move(e.loop, (int64_t)HOURS_10 * (int64_t)USEC_PER_SEC);
	for (int i = 0; i < 2 * RELAY_STRANGER_BURST; i++) {
		edge_begin(&s, STUN_BINDING);
		(void)edge_ask(&e, &noisy, &s, NULL, &m);
	}
	lync_begin(&o, MSTURN_ALLOCATE);
	lync_sign(&c, &o);
	EQ(lync_ask(&c, &o), 438);
	OK(msturn_attr(&c.m, MSTURN_NONCE, &nonce) && nonce.len < sizeof(c.nonce));
	memcpy(c.nonce, nonce.p, nonce.len);
	lync_begin(&o, MSTURN_ALLOCATE);
	lync_sign(&c, &o);
	EQ(lync_ask(&c, &o), 200);
	party_stop(&noisy);
	lync_stop(&c);
	edge_stop(&e);
}

/* Here, and in another process, which knows the key of what waits there. */
static void a_connection_is_bound_after_the_time_was_set(void)
{
	enum { OTHER = 5 };
	struct rfc w;
	struct far peer, client;
	struct addr from;
	uint32_t id = 0;
	rfc_start(&w);
	far_listen(&peer, &w.e, NULL);
	EQ(rfc_connect_to(&w, &peer.at, &id), 200);
	OK(far_accept(&peer, &from));
	loop_wall_move(w.e.loop, (int64_t)HOURS_10 * (int64_t)USEC_PER_SEC);
	EQ(rfc_ask_bind(&w, id, &w.alice), 438);
	edge_learn(&w.alice, &w.m);
	edge_learn(&w.bob, &w.m);
	EQ(rfc_ask_bind(&w, id, &w.bob), 400);
	w.e.passes = true;
	EQ(rfc_ask_bind(&w, OTHER << RELAY_ID_BITS | 77, &w.alice), 0);
	EQ(memcmp(w.e.passed.key, w.alice.key, STUN_KEY_LEN), 0);
	rfc_bind_to(&w, id, &client);
	far_say(&peer, STR("on"));
	OK(far_hears(&client, "on"));
	rfc_stop_joined(&w, &peer, &client);
}

/* Whoever has a /48 has 65,536 /64s, each of which would have answers of its own. */
static void strangers_of_one_site_have_a_share(void)
{
	enum { NETWORKS = 2 * RELAY_STRANGER_BURST * RELAY_STRANGER_SITE };
	struct edge e;
	struct stun_out o;
	struct addr from;
	char text[64];
	uint8_t space[PACKET_HEADROOM + STUN_BYTES_MAX];
	edge_start(&e);
	edge_begin(&o, STUN_BINDING);
	stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
	for (unsigned i = 0; i <= NETWORKS; i++) {
		(void)snprintf(text, sizeof(text), "2001:db8:%u:%x::1", i == NETWORKS ? 2 : 1, i);
		EQ(addr_parse(&from, str_of(text), 5000), 0);
		memcpy(space + PACKET_HEADROOM, o.bytes, o.len);
		relay_datagram(e.relay, &e.face, &from,
		               (struct packet){ space + PACKET_HEADROOM, o.len });
		if (i == NETWORKS - 1)
			EQ(relay_stats(e.relay)->unanswered,
			   NETWORKS - RELAY_STRANGER_BURST * RELAY_STRANGER_SITE);
	}
	EQ(relay_stats(e.relay)->unanswered, NETWORKS - RELAY_STRANGER_BURST * RELAY_STRANGER_SITE);
	edge_stop(&e);
}

int main(void)
{
	RUN(strangers_of_one_site_have_a_share);
	RUN(who_asks_too_much_is_not_answered_for_a_while);
	RUN(a_server_asks_for_many);
	RUN(by_a_connection_it_is_not_read_for_a_while);
	RUN(what_is_refused_counts_as_well);
	RUN(a_connect_is_as_dear_as_several_requests);
	RUN(so_it_is_for_lync_clients);
	RUN(an_owner_gets_a_new_nonce_whatever_strangers_ask);
	RUN(a_lync_client_refreshes_after_the_time_was_set);
	RUN(a_connection_is_bound_after_the_time_was_set);
	return tap_done();
}
