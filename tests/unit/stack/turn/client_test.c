#include "house.h"

#include <errno.h>

#include "base/rand.h"

/* A client against the real engine, by every way and in both dialects. */

struct way {
	enum turn_way way;
	bool lync;
};
static const struct way ways[] = {
	{ TURN_BY_UDP, false },       { TURN_BY_TCP, false }, { TURN_BY_TLS, false },
	{ TURN_BY_UDP, true },        { TURN_BY_TCP, true },  { TURN_BY_TLS, true },
	{ TURN_BY_PSEUDO_TLS, true },
};

struct world {
	struct house h;
	struct guest a, b;
	const struct way *w;
};

static void start(struct world *w, const struct way *way)
{
	w->w = way;
	house_start(&w->h);
	guest_start_allocated(&w->a, &w->h, way->way, way->lync);
	guest_start_allocated(&w->b, &w->h, way->way, way->lync);
}

static void stop(struct world *w)
{
	guest_stop(&w->a);
	guest_stop(&w->b);
	house_stop(&w->h);
}

static void bind_each_other(struct world *w)
{
	EQ(turn_client_bind(w->a.client, &w->b.allocation.relayed), 0);
	EQ(turn_client_bind(w->b.client, &w->a.allocation.relayed), 0);
	WAIT(w->h.loop, w->a.n_bound == 1 && w->b.n_bound == 1);
}

static void passes(struct world *w, struct guest *from, struct guest *to, struct str data)
{
	unsigned before = to->n_data;
	EQ(turn_client_send(from->client, &to->allocation.relayed, data), 0);
	WAIT(w->h.loop, to->n_data > before);
	OK(str_eq(str_n(to->last, to->len), data));
	OK(addr_eq(&to->from, &from->allocation.relayed));
}

/* --- every way ------------------------------------------------------------------------- */

static void who_has_credentials_gets_an_allocation(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct world w;
		start(&w, &ways[i]);
		EQ(w.h.n_began, 2);
		struct addr local = turn_client_local(w.a.client);
		OK(addr_eq(&w.a.allocation.mapped, &local));
		OK(!addr_eq(&w.a.allocation.relayed, &w.b.allocation.relayed));
		OK(w.a.allocation.life_s >= RELAY_LIFE_DEFAULT_S);
		EQ(turn_client_allocate(w.a.client), -EINVAL);
		EQ(turn_client_release(w.a.client), 0);
		WAIT(w.h.loop, w.a.n_released == 1);
		EQ(w.h.n_ended[RELAY_RELEASED], 1);
		/* And again. */
		EQ(turn_client_allocate(w.a.client), 0);
		WAIT(w.h.loop, w.a.n_allocated == 2);
		EQ(w.a.n_failed, 0);
		stop(&w);
	}
}

static void data_pass_both_ways_by_channels(void)
{
	static char big[1200];
	rand_bytes(big, sizeof(big));
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct world w;
		start(&w, &ways[i]);
		bind_each_other(&w);
		passes(&w, &w.a, &w.b, STR("hello"));
		passes(&w, &w.b, &w.a, STR("\x80 back"));
		passes(&w, &w.a, &w.b, str_n(big, sizeof(big)));
		passes(&w, &w.b, &w.a, str_n(big, 1));
		EQ(turn_client_stats(w.a.client)->sent, 2);
		EQ(turn_client_stats(w.a.client)->received, 2);
		EQ(turn_client_stats(w.a.client)->dropped, 0);
		EQ(turn_client_bind(w.a.client, &w.b.allocation.relayed), -EALREADY);
		stop(&w);
	}
}

static void data_pass_by_indications(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct world w;
		if (ways[i].lync)
			continue;
		start(&w, &ways[i]);
		EQ(turn_client_send(w.a.client, &w.b.allocation.relayed, STR("x")), -EACCES);
		EQ(turn_client_permit(w.a.client, &w.b.allocation.relayed), 0);
		EQ(turn_client_permit(w.a.client, &w.b.allocation.relayed), -EALREADY);
		EQ(turn_client_permit(w.b.client, &w.a.allocation.relayed), 0);
		WAIT(w.h.loop, w.a.n_permitted == 1 && w.b.n_permitted == 1);
		passes(&w, &w.a, &w.b, STR("hello"));
		passes(&w, &w.b, &w.a, STR("back"));
		stop(&w);
	}
}

/* Whom something was sent to may answer: what comes before is dropped by UDP.  By a connection the
 * relay's other side is a stream, and it waits there. */
static void data_pass_by_messages_of_lync(void)
{
	static const char large[1024];
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct world w;
		bool waits = ways[i].way != TURN_BY_UDP;
		if (!ways[i].lync)
			continue;
		start(&w, &ways[i]);
		EQ(turn_client_permit(w.a.client, &w.b.allocation.relayed), -EOPNOTSUPP);
		EQ(turn_client_send(w.b.client, &w.a.allocation.relayed, STR("early")), 0);
		WAIT(w.h.loop, waits || relay_stats(w.h.relay)->dropped == 1);
		passes(&w, &w.a, &w.b, STR("hello"));
		WAIT(w.h.loop, w.a.n_data == waits);
		passes(&w, &w.b, &w.a, STR("back"));
		EQ(turn_client_send(w.a.client, &w.b.allocation.relayed,
		                    str_n(large, sizeof(large))),
		   -EMSGSIZE);
		stop(&w);
	}
}

static void the_relay_tells_how_it_sees_us(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct house h;
		struct guest g;
		house_start(&h);
		guest_start(&g, &h, ways[i].way, ways[i].lync);
		int want = ways[i].lync ? -EOPNOTSUPP : 0;
		EQ(turn_client_binding(g.client), want);
		if (want == 0) {
			struct addr local = turn_client_local(g.client);
			EQ(turn_client_binding(g.client), -EALREADY);
			WAIT(h.loop, g.n_mapped == 1);
			OK(addr_eq(&g.mapped, &local));
		}
		guest_stop(&g);
		house_stop(&h);
	}
}

static void wrong_credentials_are_told(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct house h;
		struct guest g;
		house_start(&h);
		h.password[3] = h.password[3] == 'A' ? 'B' : 'A';
		guest_start(&g, &h, ways[i].way, ways[i].lync);
		EQ(turn_client_allocate(g.client), 0);
		WAIT(h.loop, g.n_failed == 1);
		EQ(g.failure.where, TURN_AT_ALLOCATE);
		EQ(g.failure.code, 401);
		OK(g.failure.over && str_find(str_of(g.why), STR("401")) > 0);
		EQ(turn_client_allocate(g.client), -EINVAL);
		EQ(h.n_began, 0);
		guest_stop(&g);
		house_stop(&h);
	}
}

static void forbidden_peers_are_told(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct world w;
		struct addr peer;
		start(&w, &ways[i]);
		EQ(addr_parse(&peer, STR("10.0.0.1"), 5000), 0);
		EQ(turn_client_bind(w.a.client, &peer), 0);
		WAIT(w.h.loop, w.a.n_failed == 1);
		EQ(w.a.failure.where, TURN_AT_CHANNEL);
		EQ(w.a.failure.code, 403);
		OK(!w.a.failure.over && addr_eq(&w.a.peer, &peer));
		if (!ways[i].lync) {
			EQ(turn_client_permit(w.a.client, &peer), 0);
			WAIT(w.h.loop, w.a.n_failed == 2);
			EQ(w.a.failure.where, TURN_AT_PERMISSION);
		}
		bind_each_other(&w); /* the allocation goes on */
		stop(&w);
	}
}

/* --- time ------------------------------------------------------------------------------ */

/* Two hours, in which the nonce becomes stale, and without a word of the owner. */
static void all_is_kept_alive(void)
{
	enum { STEP_S = 50, STEPS = 2 * 3600 / STEP_S };
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct world w;
		start(&w, &ways[i]);
		bind_each_other(&w);
		for (int k = 0; k < STEPS; k++)
			house_wait(&w.h, STEP_S);
		passes(&w, &w.a, &w.b, STR("hello"));
		passes(&w, &w.b, &w.a, STR("back"));
		EQ(w.a.n_failed + w.b.n_failed, 0);
		EQ(w.h.n_ended[RELAY_EXPIRED], 0);
		EQ(w.a.n_bound, 1);
		stop(&w);
	}
}

static void permissions_are_kept_alive(void)
{
	struct world w;
	start(&w, &ways[0]);
	EQ(turn_client_permit(w.a.client, &w.b.allocation.relayed), 0);
	EQ(turn_client_permit(w.b.client, &w.a.allocation.relayed), 0);
	WAIT(w.h.loop, w.a.n_permitted == 1 && w.b.n_permitted == 1);
	for (int k = 0; k < 40; k++)
		house_wait(&w.h, 30);
	passes(&w, &w.a, &w.b, STR("hello"));
	EQ(w.a.n_permitted, 1);
	stop(&w);
}

/* Forgotten, they run out. */
static void what_is_forgotten_ends(void)
{
	struct world w;
	start(&w, &ways[0]);
	bind_each_other(&w);
	turn_client_forget(w.b.client, &w.a.allocation.relayed);
	EQ(turn_client_send(w.b.client, &w.a.allocation.relayed, STR("x")), -EACCES);
	for (int k = 0; k < 12; k++)
		house_wait(&w.h, 30);
	uint64_t dropped = relay_stats(w.h.relay)->dropped;
	EQ(turn_client_send(w.a.client, &w.b.allocation.relayed, STR("x")), 0);
	WAIT(w.h.loop, relay_stats(w.h.relay)->dropped == dropped + 1);
	EQ(w.b.n_data, 0);
	stop(&w);
}

/* A NAT forgets who is silent: every 15 s there is a datagram. */
static void the_way_of_datagrams_is_kept_open(void)
{
	struct world w;
	start(&w, &ways[0]);
	house_wait(&w.h, 0);
	uint64_t before = packets_stats(w.h.packets)->received;
	for (int k = 0; k < 8; k++)
		house_wait(&w.h, TURN_CLIENT_ALIVE_S + 1);
	EQ(packets_stats(w.h.packets)->received, before + 2 * 8);
	stop(&w);
}

static void an_end_by_the_relay_is_told(void)
{
	struct world w;
	start(&w, &ways[0]);
	EQ(relay_revoke(w.h.relay, STR("alice@example.test"), 0), 2);
	for (int k = 0; k < 20 && w.a.n_failed == 0; k++)
		house_wait(&w.h, 30);
	EQ(w.a.n_failed, 1);
	EQ(w.a.failure.where, TURN_AT_REFRESH);
	EQ(w.a.failure.code, 437);
	OK(w.a.failure.over);
	stop(&w);
}

/* --- what is asked for ----------------------------------------------------------------- */

static void family_port_and_life_are_asked_for(void)
{
	for (int lync = 0; lync < 2; lync++) {
		struct house h;
		struct guest g = { .client = NULL };
		house_start(&h);
		struct turn_client_config cfg = guest_config(&h, TURN_BY_UDP, lync);
		cfg.family = AF_INET6;
		cfg.life_s = 1800;
		cfg.even = !lync;
		g.client = turn_client_new(h.loop, &cfg, &guest_ops, &g);
		WAIT(h.loop, g.n_opened == 1);
		EQ(turn_client_allocate(g.client), 0);
		WAIT(h.loop, g.n_allocated == 1);
		EQ(g.allocation.relayed.sa.sa_family, AF_INET6);
		EQ(g.allocation.life_s, 1800);
		OK(lync || addr_port(&g.allocation.relayed) % 2 == 0);
		guest_stop(&g);
		house_stop(&h);
	}
}

/* In Lync's dialect one peer at a time needs no heads; the others are reached by messages. */
static void another_destination_takes_the_place(void)
{
	struct world w;
	struct guest third;
	start(&w, &ways[3]);
	guest_start_allocated(&third, &w.h, TURN_BY_UDP, true);
	bind_each_other(&w);
	EQ(turn_client_bind(third.client, &w.a.allocation.relayed), 0);
	EQ(turn_client_bind(w.a.client, &third.allocation.relayed), 0);
	EQ(turn_client_bind(w.a.client, &w.b.allocation.relayed), -EBUSY);
	WAIT(w.h.loop, w.a.n_bound == 2 && third.n_bound == 1);
	passes(&w, &w.a, &third, STR("to the new one"));
	passes(&w, &third, &w.a, STR("back"));
	passes(&w, &w.a, &w.b, STR("to the old one"));
	passes(&w, &w.b, &w.a, STR("back"));
	guest_stop(&third);
	stop(&w);
}

/* To the relay they would be a message of ours: a head tells them apart. */
static void data_that_look_like_a_message_pass(void)
{
	static const char text[] = "\0\3\0\x08"
	                           "0123456789abcdef"
	                           "\0\x0f\0\4\x72\xc6\x4b\xc6";
	struct world w;
	start(&w, &ways[3]);
	EQ(turn_client_bind(w.a.client, &w.b.allocation.relayed), 0);
	EQ(turn_client_send(w.b.client, &w.a.allocation.relayed, STR("opens")), 0);
	WAIT(w.h.loop, w.a.n_bound == 1);
	passes(&w, &w.a, &w.b, str_n(text, sizeof(text) - 1));
	stop(&w);
}

/* --- ends ------------------------------------------------------------------------------ */

static void a_connection_that_ends_is_told(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct world w;
		if (ways[i].way == TURN_BY_UDP)
			continue;
		start(&w, &ways[i]);
		stream_close(w.h.conns[0].stream);
		WAIT(w.h.loop, w.a.n_failed == 1);
		EQ(w.a.failure.where, TURN_AT_CONNECTION);
		OK(w.a.failure.over && w.a.failure.err < 0 && w.b.n_failed == 0);
		EQ(turn_client_send(w.a.client, &w.b.allocation.relayed, STR("x")), -ENOTCONN);
		stop(&w);
	}
}

static void freeing_a_client_of_a_connection_ends_its_allocation(void)
{
	struct world w;
	start(&w, &ways[1]);
	guest_stop(&w.a);
	WAIT(w.h.loop, w.h.n_ended[RELAY_GONE] == 1);
	stop(&w);
}

static void who_does_not_listen_is_told(void)
{
	struct house h;
	struct guest g = { .client = NULL };
	house_start(&h);
	struct turn_client_config cfg = guest_config(&h, TURN_BY_TCP, false);
	listener_free(&h.tcp);
	g.client = turn_client_new(h.loop, &cfg, &guest_ops, &g);
	WAIT(h.loop, g.n_failed == 1);
	EQ(g.failure.where, TURN_AT_OPENING);
	EQ(g.failure.err, -ECONNREFUSED);
	OK(g.failure.over);
	guest_stop(&g);
	house_stop(&h);
}

static void a_certificate_of_another_name_is_told(void)
{
	struct house h;
	struct guest g = { .client = NULL };
	house_start(&h);
	struct turn_client_config cfg = guest_config(&h, TURN_BY_TLS, false);
	cfg.server_name = STR("other.test");
	g.client = turn_client_new(h.loop, &cfg, &guest_ops, &g);
	WAIT(h.loop, g.n_failed == 1);
	EQ(g.failure.where, TURN_AT_OPENING);
	OK(strlen(g.why) > 0 && g.n_opened == 0);
	guest_stop(&g);
	house_stop(&h);
}

static void credentials_that_are_none_are_told(void)
{
	struct house h;
	struct guest g = { .client = NULL };
	house_start(&h);
	struct turn_client_config cfg = guest_config(&h, TURN_BY_UDP, true);
	cfg.password = STR("not base64!");
	g.client = turn_client_new(h.loop, &cfg, &guest_ops, &g);
	EQ(g.n_failed, 0);
	WAIT(h.loop, g.n_failed == 1);
	EQ(g.failure.err, -EINVAL);
	OK(g.failure.over);
	guest_stop(&g);
	house_stop(&h);
}

static void an_allocation_that_is_gone_is_told_before_it_is_due(void)
{
	struct house h;
	struct guest g;
	house_start(&h);
	guest_start(&g, &h, TURN_BY_UDP, false);
	EQ(turn_client_refresh(g.client), -EINVAL);
	guest_stop(&g);
	guest_start_allocated(&g, &h, TURN_BY_UDP, false);
	EQ(turn_client_refresh(g.client), 0);
	EQ(turn_client_refresh(g.client), -EALREADY);
	for (int k = 0; k < 10; k++) /* it is answered */
		loop_turn(h.loop, USEC_PER_MSEC);
	EQ(g.n_failed, 0);
	EQ(relay_revoke(h.relay, STR(""), 0), 1);
	EQ(turn_client_refresh(g.client), 0);
	WAIT(h.loop, g.n_failed == 1);
	EQ(g.failure.where, TURN_AT_REFRESH);
	EQ(g.failure.code, 437);
	guest_stop(&g);
	house_stop(&h);
}

static void who_learns_of_another_is_not_challenged(void)
{
	static const bool lync[] = { false, true };
	for (size_t i = 0; i < ARRAY_SIZE(lync); i++) {
		struct house h;
		struct guest g, again;
		house_start(&h);
		guest_start(&again, &h, TURN_BY_UDP, lync[i]);
		guest_start_allocated(&g, &h, TURN_BY_UDP, lync[i]);
		uint64_t challenged = relay_stats(h.relay)->challenged;
		WAIT(h.loop, again.n_opened == 1);
		turn_client_learn(again.client, g.client);
		EQ(turn_client_allocate(again.client), 0);
		WAIT(h.loop, again.n_allocated == 1);
		EQ(relay_stats(h.relay)->challenged, challenged);
		guest_stop(&g);
		guest_stop(&again);
		house_stop(&h);
	}
}

int main(void)
{
	RUN(who_has_credentials_gets_an_allocation);
	RUN(data_pass_both_ways_by_channels);
	RUN(data_pass_by_indications);
	RUN(data_pass_by_messages_of_lync);
	RUN(the_relay_tells_how_it_sees_us);
	RUN(wrong_credentials_are_told);
	RUN(forbidden_peers_are_told);
	RUN(all_is_kept_alive);
	RUN(permissions_are_kept_alive);
	RUN(what_is_forgotten_ends);
	RUN(the_way_of_datagrams_is_kept_open);
	RUN(an_end_by_the_relay_is_told);
	RUN(family_port_and_life_are_asked_for);
	RUN(another_destination_takes_the_place);
	RUN(data_that_look_like_a_message_pass);
	RUN(a_connection_that_ends_is_told);
	RUN(freeing_a_client_of_a_connection_ends_its_allocation);
	RUN(who_does_not_listen_is_told);
	RUN(a_certificate_of_another_name_is_told);
	RUN(credentials_that_are_none_are_told);
	RUN(an_allocation_that_is_gone_is_told_before_it_is_due);
	RUN(who_learns_of_another_is_not_challenged);
	return tap_done();
}
