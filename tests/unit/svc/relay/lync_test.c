#include "lync_client.h"

/* Clients with the dialect of Lync, by datagrams; by a connection: tcp_lync_test.c. */

struct world {
	struct edge e;
	struct lync_client c;
	struct party peer;
};

static void start(struct world *w, bool stream)
{
	edge_start(&w->e);
	lync_start(&w->c, &w->e, "alice@example.test", stream);
	party_start(&w->peer, w->e.loop);
}

static void stop(struct world *w)
{
	lync_stop(&w->c);
	party_stop(&w->peer);
	edge_stop(&w->e);
}

static void start_allocated(struct world *w, bool stream)
{
	start(w, stream);
	EQ(lync_allocate(&w->c), 200);
}

static bool reaches(struct world *w, struct party *p, unsigned before)
{
	for (int i = 0; i < 20 && p->n == before; i++)
		loop_turn(w->e.loop, EDGE_STEP_MS * USEC_PER_MSEC);
	return p->n > before;
}

static bool send_reaches(struct world *w, struct str data)
{
	struct msturn_out o;
	unsigned before = w->peer.n;
	lync_make_send(&w->c, &o, &w->peer.at, data);
	lync_put(&w->c, msturn_text(&o), TURN_MS_FRAME_CONTROL);
	return reaches(w, &w->peer, before);
}

static bool peer_reaches(struct world *w, const char *text)
{
	unsigned before = w->c.at.n;
	EQ(udp_send(w->peer.u, &w->c.relayed, str_of(text)), 0);
	return reaches(w, &w->c.at, before);
}

/* --- tests, of datagrams and of a connection ------------------------------------------- */

static void who_has_credentials_gets_an_allocation(void)
{
	for (int stream = 0; stream < 2; stream++) {
		struct world w;
		struct msturn_out o;
		uint32_t life_s;
		start_allocated(&w, stream);
		/* By a connection it lives as long as its credentials. */
		OK(msturn_attr_u32(&w.c.m, MSTURN_LIFETIME, &life_s));
		OK(stream ? life_s > 3590 : life_s == RELAY_LIFE_DEFAULT_S);
		EQ(w.e.n_began, 1);
		/* The same again refreshes; a lifetime of 0 releases. */
		lync_begin(&o, MSTURN_ALLOCATE);
		msturn_put_u32(&o, MSTURN_LIFETIME, 900);
		lync_sign(&w.c, &o);
		EQ(lync_ask(&w.c, &o), 200);
		OK(msturn_attr_u32(&w.c.m, MSTURN_LIFETIME, &life_s));
		OK(stream ? life_s > 3590 : life_s == 900);
		EQ(w.e.n_began, 1);
		lync_begin(&o, MSTURN_ALLOCATE);
		msturn_put_u32(&o, MSTURN_LIFETIME, 0);
		lync_sign(&w.c, &o);
		EQ(lync_ask(&w.c, &o), 200);
		EQ(w.e.n_ended[RELAY_RELEASED], 1);
		stop(&w);
	}
}

static void wrong_credentials_are_refused(void)
{
	struct world w;
	start(&w, false);
	w.c.key[3] ^= 1;
	EQ(lync_allocate(&w.c), 401);
	w.c.key[3] ^= 1;
	w.c.name[9] ^= 1;
	EQ(lync_allocate(&w.c), 401);
	EQ(w.e.n_began, 0);
	stop(&w);
}

static void data_pass_by_messages_both_ways(void)
{
	struct world w;
	struct str data;
	struct addr from;
	start_allocated(&w, false);
	OK(!peer_reaches(&w, "early")); /* nobody was written to yet */
	OK(send_reaches(&w, STR("hello")));
	EQ_STR(str_n(w.peer.last, w.peer.len), "hello");
	OK(addr_eq(&w.peer.from, &w.c.relayed));
	OK(peer_reaches(&w, "back"));
	EQ(msturn_parse(&w.c.m, lync_got(&w.c, TURN_MS_FRAME_CONTROL)), 0);
	EQ(w.c.m.type, MSTURN_DATA_INDICATION);
	OK(msturn_attr(&w.c.m, MSTURN_DATA, &data));
	EQ_STR(data, "back");
	OK(msturn_attr_addr(&w.c.m, MSTURN_REMOTE_ADDRESS, &from) && addr_eq(&from, &w.peer.at));
	stop(&w);
}

static void the_chosen_peer_needs_no_heads(void)
{
	struct world w;
	unsigned before;
	start_allocated(&w, false);
	before = w.peer.n;
	lync_put(&w.c, STR("too early"), TURN_MS_FRAME_DATA);
	OK(!reaches(&w, &w.peer, before));
	EQ(lync_set_active(&w.c, &w.peer.at), 200);
	before = w.peer.n;
	lync_put(&w.c, STR("\x80 media"), TURN_MS_FRAME_DATA);
	OK(reaches(&w, &w.peer, before));
	EQ_STR(str_n(w.peer.last, w.peer.len), "\x80 media");
	OK(peer_reaches(&w, "\x80 back"));
	EQ_STR(lync_got(&w.c, TURN_MS_FRAME_DATA), "\x80 back");
	OK(send_reaches(&w, STR("still"))); /* messages go on as well */
	stop(&w);
}

static unsigned refresh(struct world *w)
{
	struct msturn_out o;
	lync_begin(&o, MSTURN_ALLOCATE);
	msturn_put_u32(&o, MSTURN_LIFETIME, RELAY_LIFE_MAX_S_EACH);
	lync_sign(&w->c, &o);
	return lync_ask(&w->c, &o);
}

/* Nothing but media and refreshes comes from the client. */
static void a_call_of_hours_goes_on(void)
{
	struct world w;
	unsigned before;
	start_allocated(&w, false);
	EQ(lync_set_active(&w.c, &w.peer.at), 200);
	for (unsigned s = 0; s < 2 * RELAY_LIFE_MAX_S_EACH; s += RELAY_LIFE_MAX_S_EACH / 2) {
		EQ(refresh(&w), 200);
		edge_wait(&w.e, RELAY_LIFE_MAX_S_EACH / 2);
	}
	before = w.peer.n;
	lync_put(&w.c, STR("\x80 media"), TURN_MS_FRAME_DATA);
	OK(reaches(&w, &w.peer, before));
	OK(peer_reaches(&w, "\x80 back"));
	stop(&w);
}

/* STUN between the ends is theirs, though it looks like what is for the relay. */
static void checks_of_the_ends_pass_through(void)
{
	struct world w;
	struct stun_out o;
	static const uint8_t id[STUN_ID_LEN] = { 5 };
	start_allocated(&w, false);
	EQ(lync_set_active(&w.c, &w.peer.at), 200);
	stun_begin(&o, STUN_REQUEST, STUN_BINDING, id);
	stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
	unsigned before = w.peer.n;
	lync_put(&w.c, stun_text(&o), TURN_MS_FRAME_DATA);
	OK(reaches(&w, &w.peer, before));
	EQ(w.peer.len, o.len);
	stop(&w);
}

static void what_was_captured_is_of_no_use(void)
{
	struct world w;
	struct msturn_out o;
	start_allocated(&w, false);
	lync_make_send(&w.c, &o, &w.peer.at, STR("once"));
	unsigned before = w.peer.n;
	lync_put(&w.c, msturn_text(&o), TURN_MS_FRAME_CONTROL);
	OK(reaches(&w, &w.peer, before));
	before = w.peer.n;
	lync_put(&w.c, msturn_text(&o), TURN_MS_FRAME_CONTROL);
	OK(!reaches(&w, &w.peer, before));
	/* Nor is one that is not signed, or by another's key. */
	lync_begin(&o, MSTURN_SET_ACTIVE);
	msturn_put_addr(&o, MSTURN_DESTINATION_ADDRESS, &w.peer.at);
	EQ(lync_ask(&w.c, &o), 401);
	w.c.key[0] ^= 1;
	EQ(lync_set_active(&w.c, &w.peer.at), 401);
	w.c.key[0] ^= 1;
	EQ(lync_set_active(&w.c, &w.peer.at), 200);
	stop(&w);
}

static void forbidden_peers_are_refused(void)
{
	static const char *const rows[] = { "10.0.0.1", "192.168.7.7", "224.0.0.1", "169.254.0.1" };
	struct world w;
	struct addr a;
	struct msturn_out o;
	start_allocated(&w, false);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EQ(addr_parse(&a, str_of(rows[i]), 5000), 0);
		EQ(lync_set_active(&w.c, &a), 403);
		lync_make_send(&w.c, &o, &a, STR("x"));
		EQ(lync_ask(&w.c, &o), 0);
	}
	EQ(relay_stats(w.e.relay)->dropped, ARRAY_SIZE(rows));
	stop(&w);
}

/* The two dialects do not meet in one allocation. */
static void requests_of_the_other_dialect_are_refused(void)
{
	struct world w;
	struct account a;
	struct addr at;
	start(&w, false);
	account_get(&a, &w.e, "alice@example.test", 3600);
	EQ(edge_allocate(&w.e, &w.c.at, &a, &at), 200);
	EQ(lync_allocate(&w.c), 437);
	w.c.relayed = at;
	EQ(lync_set_active(&w.c, &w.peer.at), 437);
	EQ(relay_stats(w.e.relay)->allocations, 1);
	stop(&w);
}

int main(void)
{
	RUN(who_has_credentials_gets_an_allocation);
	RUN(wrong_credentials_are_refused);
	RUN(data_pass_by_messages_both_ways);
	RUN(the_chosen_peer_needs_no_heads);
	RUN(a_call_of_hours_goes_on);
	RUN(checks_of_the_ends_pass_through);
	RUN(what_was_captured_is_of_no_use);
	RUN(forbidden_peers_are_refused);
	RUN(requests_of_the_other_dialect_are_refused);
	return tap_done();
}
