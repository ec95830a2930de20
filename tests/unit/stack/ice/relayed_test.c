#include "world.h"

#include "tap.h"

/* Agents of which one, or both, have a relayed address beside that of their host. */

static const enum stun_dialect dialects[] = { STUN_STANDARD, STUN_LYNC };

/* a has a relay; whoever of the two is not in the way has a host that is reached. */
static void start(struct world *w, enum stun_dialect d, bool a_controls)
{
	world_start(w, d, a_controls, !a_controls);
	side_relayed(&w->a, "203.0.113.1");
}

static bool goes(const struct side *s, unsigned component, enum ice_base base,
                 const struct addr *peer)
{
	struct ice_way got;
	return ice_selected(s->ice, component, &got) && got.base == base &&
	       addr_eq(&got.peer, peer) && s->chosen[component].base == base &&
	       addr_eq(&s->chosen[component].peer, peer);
}

/* From the relay of a to the host of b. */
static bool meet_by_relay(const struct world *w)
{
	bool all = true;
	for (unsigned c = 0; c < ICE_COMPONENTS; c++)
		all = all && goes(&w->a, c, ICE_RELAYED, &w->b.at[c]) &&
		      goes(&w->b, c, ICE_HOST, &w->a.relayed[c]);
	return all;
}

static void the_relay_is_the_way_where_the_host_is_not(void)
{
	for (size_t i = 0; i < 2 * ARRAY_SIZE(dialects); i++) {
		static struct world w;
		start(&w, dialects[i / 2], i % 2);
		w.a.cut = true;
		both_learn(&w);
		steps(&w, 5 * SECOND);
		OK(meet_by_relay(&w));
		world_end(&w);
	}
}

static void hosts_that_reach_each_other_need_no_relay(void)
{
	for (size_t i = 0; i < 2 * ARRAY_SIZE(dialects); i++) {
		static struct world w;
		start(&w, dialects[i / 2], i % 2);
		side_relayed(&w.b, "203.0.113.2");
		both_learn(&w);
		steps(&w, 10 * SECOND);
		OK(have_found_each_other(&w));
		world_end(&w);
	}
}

static void two_that_have_their_relays_alone_meet_by_both(void)
{
	for (size_t i = 0; i < 2 * ARRAY_SIZE(dialects); i++) {
		static struct world w;
		start(&w, dialects[i / 2], i % 2);
		side_relayed(&w.b, "203.0.113.2");
		w.a.cut = w.b.cut = true;
		both_learn(&w);
		steps(&w, 10 * SECOND);
		for (unsigned c = 0; c < ICE_COMPONENTS; c++)
			OK(goes(&w.a, c, ICE_RELAYED, &w.b.relayed[c]) &&
			   goes(&w.b, c, ICE_RELAYED, &w.a.relayed[c]));
		world_end(&w);
	}
}

/* The host is heard later: a firewall opened, or packets were lost. */
static void the_host_takes_over_when_it_works(void)
{
	static struct world w;
	start(&w, STUN_LYNC, true);
	w.a.cut = true;
	both_learn(&w);
	steps(&w, 2 * SECOND);
	OK(meet_by_relay(&w));
	w.a.cut = false;
	steps(&w, 5 * SECOND);
	OK(have_found_each_other(&w));
	world_end(&w);
}

static void what_is_known_by_the_relay_is_not_known_by_the_host(void)
{
	static struct world w;
	start(&w, STUN_LYNC, true);
	w.a.cut = true;
	both_learn(&w);
	steps(&w, 2 * SECOND);
	struct ice_way way = { ICE_RELAYED, w.b.at[0] };
	OK(ice_knows(w.a.ice, 0, &way));
	way.base = ICE_HOST;
	OK(!ice_knows(w.a.ice, 0, &way));
	world_end(&w);
}

static void a_relay_that_is_lost_is_no_way_any_more(void)
{
	static struct world w;
	struct ice_way none;
	start(&w, STUN_LYNC, true);
	w.a.cut = true;
	both_learn(&w);
	steps(&w, 2 * SECOND);
	OK(meet_by_relay(&w));
	ice_lose_relayed(w.a.ice);
	OK(!ice_selected(w.a.ice, 0, &none) && !ice_selected(w.a.ice, 1, &none));
	struct ice_way way = { ICE_RELAYED, w.b.at[0] };
	OK(!ice_knows(w.a.ice, 0, &way));
	unsigned n = w.a.n_sent[STUN_SUCCESS];
	steps(&w, 2 * SECOND);
	EQ(w.a.n_sent[STUN_SUCCESS], n);
	world_end(&w);
}

static void what_the_host_can_still_do_is_chosen_when_the_relay_is_lost(void)
{
	static struct world w;
	start(&w, STUN_LYNC, true);
	both_learn(&w);
	steps(&w, 5 * SECOND);
	ice_lose_relayed(w.a.ice);
	OK(have_found_each_other(&w));
	world_end(&w);
}

static void nothing_is_asked_where_the_relay_does_not_let_us(void)
{
	static struct world w;
	start(&w, STUN_LYNC, true);
	w.a.cut = true;
	w.b.mute = true;
	learn(&w.a, &w.b);
	ice_refuse_relayed(w.a.ice, 0, &w.b.at[0]);
	steps(&w, 30 * SECOND);
	/* Of two components by two bases one was left out. */
	EQ(w.a.n_sent[STUN_REQUEST], (2 * ICE_COMPONENTS - 1) * ICE_TRIES);
	world_end(&w);
}

static void without_a_relay_nothing_is_taken_by_one(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	w.a.relayed[0] = at("203.0.113.1", 50000);
	learn(&w.b, &w.a);
	steps(&w, SECOND);
	struct ice_way way = { ICE_RELAYED, w.b.at[0] };
	OK(!ice_knows(w.a.ice, 0, &way));
	way.base = ICE_HOST;
	OK(ice_knows(w.a.ice, 0, &way));
	world_end(&w);
}

static void each_base_has_its_own_limit_of_addresses(void)
{
	static struct world w;
	start(&w, STUN_LYNC, true);
	learn_names(&w.a, &w.b);
	for (uint16_t i = 0; i < ICE_PAIRS_MAX + 5; i++) {
		struct addr a = at("198.51.100.1", (uint16_t)(6000 + i));
		ice_add_remote(w.a.ice, 0, &a, i);
	}
	ice_start(w.a.ice);
	steps(&w, 30 * SECOND);
	EQ(w.a.n_sent[STUN_REQUEST], ICE_BASES * ICE_PAIRS_MAX * ICE_TRIES);
	world_end(&w);
}

int main(void)
{
	RUN(the_relay_is_the_way_where_the_host_is_not);
	RUN(hosts_that_reach_each_other_need_no_relay);
	RUN(two_that_have_their_relays_alone_meet_by_both);
	RUN(the_host_takes_over_when_it_works);
	RUN(what_is_known_by_the_relay_is_not_known_by_the_host);
	RUN(a_relay_that_is_lost_is_no_way_any_more);
	RUN(what_the_host_can_still_do_is_chosen_when_the_relay_is_lost);
	RUN(nothing_is_asked_where_the_relay_does_not_let_us);
	RUN(without_a_relay_nothing_is_taken_by_one);
	RUN(each_base_has_its_own_limit_of_addresses);
	return tap_done();
}
