#include "world.h"

#include <errno.h>

#include "tap.h"

/* What one agent does, and two with the addresses of their hosts. */

/* Messages that the test makes. */

struct forged {
	enum stun_dialect dialect;
	enum stun_class class;
	struct str to, by, key; /* ufrags, password */
	uint16_t role;          /* attribute, 0 for none */
	uint64_t tie_breaker;
	uint32_t priority;
	uint16_t extra; /* an attribute without a value */
	bool nominates, no_name, no_fingerprint;
};

static void put_name(struct stun_out *o, const struct forged *f)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "%.*s:%.*s", (int)f->to.len, f->to.p, (int)f->by.len,
	               f->by.p);
	stun_put(o, STUN_USERNAME, str_of(name));
}

static struct str forge(struct stun_out *o, const struct forged *f)
{
	static const uint8_t id[STUN_ID_LEN] = "forged by us";
	stun_begin(o, f->class, STUN_BINDING, id);
	if (!f->no_name)
		put_name(o, f);
	stun_put_u32(o, STUN_PRIORITY, f->priority);
	if (f->nominates)
		stun_put(o, STUN_USE_CANDIDATE, STR(""));
	if (f->role)
		stun_put_u64(o, f->role, f->tie_breaker);
	if (f->extra)
		stun_put(o, f->extra, STR(""));
	stun_end(o, f->dialect, f->key);
	struct str s = stun_text(o);
	if (f->no_fingerprint) { /* 8 bytes, last */
		o->bytes[3] = (uint8_t)(o->bytes[3] - 8);
		s.len -= 8;
	}
	return s;
}

static struct forged good_request(const struct side *s, enum stun_dialect d)
{
	return (struct forged){ .dialect = d,
		                .to = ice_ufrag(s->ice),
		                .by = STR("them"),
		                .key = ice_pwd(s->ice),
		                .priority = 1000 };
}

static void send_forged(struct side *s, const struct forged *f)
{
	struct stun_out o;
	ice_input(s->ice, 0, by_host(stranger()), forge(&o, f));
}

static unsigned sent(const struct side *s)
{
	unsigned n = 0;
	for (unsigned k = 0; k < ARRAY_SIZE(s->n_sent); k++)
		n += s->n_sent[k];
	return n;
}

/* The tests. */

static void agents_find_each_other_in_both_dialects(void)
{
	static const enum stun_dialect dialects[] = { STUN_STANDARD, STUN_LYNC };
	for (size_t i = 0; i < ARRAY_SIZE(dialects) * 2; i++) {
		static struct world w;
		world_start(&w, dialects[i / 2], i % 2, !(i % 2));
		both_learn(&w);
		steps(&w, SECOND);
		OK(have_found_each_other(&w));
		EQ(w.a.n_sent[STUN_ERROR] + w.b.n_sent[STUN_ERROR], 0);
		OK((w.a.n_nominations > 0) == (i % 2) && (w.b.n_nominations > 0) == !(i % 2));
		world_end(&w);
	}
}

static void agents_of_different_dialects_do_not_understand_each_other(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	ice_free(&w.b.ice);
	side_start(&w, &w.b, "192.0.2.2", STUN_STANDARD, false);
	both_learn(&w);
	steps(&w, 2 * SECOND);
	OK(!has_chosen(&w.a, &w.b) && !has_chosen(&w.b, &w.a));
	EQ(w.a.n_sent[STUN_SUCCESS] + w.b.n_sent[STUN_SUCCESS], 0);
	world_end(&w);
}

static void a_lost_check_is_repeated(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	both_learn(&w);
	w.a.mute = w.b.mute = true;
	steps(&w, 2 * SECOND);
	OK(!has_chosen(&w.a, &w.b));
	w.a.mute = w.b.mute = false;
	steps(&w, 2 * SECOND);
	OK(have_found_each_other(&w));
	world_end(&w);
}

static void a_candidate_that_does_not_answer_is_given_up(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	w.b.mute = true;
	learn(&w.a, &w.b);
	steps(&w, 20 * SECOND);
	EQ(w.a.n_sent[STUN_REQUEST], ICE_COMPONENTS * ICE_TRIES);
	steps(&w, 60 * SECOND);
	EQ(w.a.n_sent[STUN_REQUEST], ICE_COMPONENTS * ICE_TRIES);
	EQ(sent(&w.a), ICE_COMPONENTS * ICE_TRIES);
	world_end(&w);
}

static void a_check_of_the_peer_revives_what_was_given_up(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	learn(&w.a, &w.b);
	w.b.mute = true;
	steps(&w, 20 * SECOND);
	w.b.mute = false;
	learn(&w.b, &w.a);
	steps(&w, SECOND);
	OK(have_found_each_other(&w));
	world_end(&w);
}

/* What is wrong with it, and whether a good one follows that is answered. */
static void refused(enum stun_dialect d, void (*spoil)(struct forged *f))
{
	static struct world w;
	world_start(&w, d, false, true);
	struct forged f = good_request(&w.a, d);
	spoil(&f);
	send_forged(&w.a, &f);
	steps(&w, SECOND);
	EQ(sent(&w.a), 0);
	OK(!ice_knows(w.a.ice, 0, by_host(stranger())));
	f = good_request(&w.a, d);
	send_forged(&w.a, &f);
	EQ(w.a.n_sent[STUN_SUCCESS], 1);
	OK(ice_knows(w.a.ice, 0, by_host(stranger())) &&
	   !ice_knows(w.a.ice, 1, by_host(stranger())));
	world_end(&w);
}

static void wrong_password(struct forged *f)
{
	f->key = STR("another");
}

static void no_signature(struct forged *f)
{
	f->key = (struct str){ NULL, 0 };
}

static void wrong_user(struct forged *f)
{
	f->to = STR("somebody");
}

static void no_user(struct forged *f)
{
	f->no_name = true;
}

static void no_fingerprint(struct forged *f)
{
	f->no_fingerprint = true;
}

static void unknown_required(struct forged *f)
{
	f->extra = 0x0002;
}

static void other_dialect(struct forged *f)
{
	f->dialect = f->dialect == STUN_LYNC ? STUN_STANDARD : STUN_LYNC;
}

static void an_indication(struct forged *f)
{
	f->class = STUN_INDICATION;
}

static void an_answer(struct forged *f)
{
	f->class = STUN_SUCCESS;
}

static void what_is_not_for_us_gets_no_answer_and_leaves_no_state(void)
{
	static void (*const spoil[])(struct forged *) = {
		wrong_password,   no_signature,  wrong_user,    no_user,   no_fingerprint,
		unknown_required, other_dialect, an_indication, an_answer,
	};
	for (size_t i = 0; i < ARRAY_SIZE(spoil); i++) {
		refused(STUN_STANDARD, spoil[i]);
		refused(STUN_LYNC, spoil[i]);
	}
}

static void the_peers_name_counts_once_it_is_known(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, false, true);
	learn_names(&w.a, &w.b);
	struct forged f = good_request(&w.a, STUN_LYNC);
	send_forged(&w.a, &f);
	EQ(sent(&w.a), 0);
	f.by = ice_ufrag(w.b.ice);
	send_forged(&w.a, &f);
	EQ(w.a.n_sent[STUN_SUCCESS], 1);
	world_end(&w);
}

static void garbage_is_ignored(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, false, true);
	ice_input(w.a.ice, 0, by_host(stranger()), STR(""));
	ice_input(w.a.ice, 0, by_host(stranger()),
	          STR("nothing that is STUN at all, but long enough"));
	struct stun_out o;
	struct forged f = good_request(&w.a, STUN_LYNC);
	ice_input(w.a.ice, ICE_COMPONENTS, by_host(stranger()), forge(&o, &f));
	EQ(sent(&w.a), 0);
	world_end(&w);
}

/* The called one checks before the caller has read the answer. */
static void requests_before_the_description_are_answered_and_remembered(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	learn(&w.b, &w.a);
	steps(&w, SECOND);
	OK(w.a.n_sent[STUN_SUCCESS] > 0);
	EQ(w.a.n_sent[STUN_REQUEST], 0);
	OK(ice_knows(w.a.ice, 0, by_host(&w.b.at[0])));
	OK(!has_chosen(&w.a, &w.b));
	learn_names(&w.a, &w.b); /* its candidates are known from its checks */
	ice_start(w.a.ice);
	steps(&w, SECOND);
	OK(have_found_each_other(&w));
	world_end(&w);
}

static void without_a_description_nothing_starts(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	ice_add_remote(w.a.ice, 0, &w.b.at[0], 1);
	ice_start(w.a.ice);
	steps(&w, SECOND);
	EQ(sent(&w.a), 0);
	EQ(ice_set_remote(w.a.ice, STR(""), STR("pwd")), -EMSGSIZE);
	EQ(ice_set_remote(w.a.ice, STR("ufrag"), STR("")), -EMSGSIZE);
	char long_name[ICE_NAME_MAX + 1];
	memset(long_name, 'n', sizeof(long_name));
	EQ(ice_set_remote(w.a.ice, str_n(long_name, sizeof(long_name)), STR("pwd")), -EMSGSIZE);
	EQ(ice_set_remote(w.a.ice, STR("u"), str_n(long_name, sizeof(long_name))), -EMSGSIZE);
	EQ(ice_set_remote(w.a.ice, str_n(long_name, ICE_NAME_MAX), STR("pwd")), 0);
	ice_start(w.a.ice);
	steps(&w, SECOND / 10);
	EQ(w.a.n_sent[STUN_REQUEST], 1);
	world_end(&w);
}

/* RTP and RTCP are refused with 487 both: the role changes once. */
static void two_agents_of_one_role_agree(void)
{
	for (int i = 0; i < 2 * 8; i++) { /* the tie-breakers fall either way */
		static struct world w;
		world_start(&w, i % 2 ? STUN_LYNC : STUN_STANDARD, i & 2, i & 2);
		both_learn(&w);
		steps(&w, 3 * SECOND);
		OK(have_found_each_other(&w));
		OK(w.a.n_nominations + w.b.n_nominations > 0);
		OK(w.a.n_sent[STUN_ERROR] + w.b.n_sent[STUN_ERROR] <= 2 * ICE_COMPONENTS);
		unsigned n = w.a.n_sent[STUN_REQUEST] + w.b.n_sent[STUN_REQUEST];
		steps(&w, 10 * SECOND);
		EQ(w.a.n_sent[STUN_REQUEST] + w.b.n_sent[STUN_REQUEST], n);
		world_end(&w);
	}
}

static void conflict(bool controlling, uint64_t theirs, bool refuses)
{
	static struct world w;
	world_start(&w, STUN_STANDARD, controlling, false);
	struct forged f = good_request(&w.a, STUN_STANDARD);
	f.role = controlling ? STUN_ICE_CONTROLLING : STUN_ICE_CONTROLLED;
	f.tie_breaker = theirs;
	send_forged(&w.a, &f);
	EQ(w.a.n_sent[STUN_ERROR], refuses);
	EQ(w.a.n_sent[STUN_SUCCESS], !refuses);
	EQ(ice_knows(w.a.ice, 0, by_host(stranger())), !refuses);
	ice_add_remote(w.a.ice, 0, &w.b.at[0], 1);
	learn_names(&w.a, &w.b);
	ice_start(w.a.ice);
	w.a.mute = true;
	steps(&w, SECOND / 10);
	/* Who refuses keeps its role. */
	EQ(w.a.n_nominations > 0, controlling == refuses);
	world_end(&w);
}

static void the_larger_tie_breaker_controls(void)
{
	conflict(true, 0, true);
	conflict(true, UINT64_MAX, false);
	conflict(false, 0, false);
	conflict(false, UINT64_MAX, true);
}

/* It worked while we were controlled: now we have to nominate. */
static void who_becomes_controlling_nominates_what_works(void)
{
	static struct world w;
	world_start(&w, STUN_STANDARD, false, true);
	both_learn(&w);
	steps(&w, SECOND);
	OK(have_found_each_other(&w));
	EQ(w.a.n_nominations, 0);
	struct forged f = good_request(&w.a, STUN_STANDARD);
	f.by = ice_ufrag(w.b.ice);
	f.role = STUN_ICE_CONTROLLED;
	send_forged(&w.a, &f);
	steps(&w, SECOND);
	OK(w.a.n_nominations > 0);
	world_end(&w);
}

/* A request may come with a false source: media goes only where our check was answered. */
static void a_nomination_without_our_own_check_selects_nothing(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, false, true);
	learn_names(&w.a, &w.b);
	ice_start(w.a.ice);
	struct forged f = good_request(&w.a, STUN_LYNC);
	f.by = ice_ufrag(w.b.ice);
	f.nominates = true;
	send_forged(&w.a, &f);
	steps(&w, 15 * SECOND);
	EQ(w.a.n_chosen[0], 0);
	EQ(w.a.n_sent[STUN_REQUEST], ICE_TRIES);
	world_end(&w);
}

static void a_better_address_that_answers_later_takes_over(void)
{
	static struct world w;
	struct addr worse = at("192.0.2.22", 4000);
	world_start(&w, STUN_LYNC, true, false);
	learn_names(&w.a, &w.b);
	learn_names(&w.b, &w.a);
	struct addr best = w.b.at[0];
	w.b.at[0] = worse;
	ice_add_remote(w.a.ice, 0, &best, 1000);
	ice_add_remote(w.a.ice, 0, &worse, 10);
	ice_start(w.a.ice);
	steps(&w, SECOND);
	EQ(w.a.n_chosen[0], 1);
	OK(addr_eq(&w.a.chosen[0].peer, &worse));
	w.b.at[0] = best;
	steps(&w, 2 * SECOND);
	EQ(w.a.n_chosen[0], 2);
	OK(addr_eq(&w.a.chosen[0].peer, &best));
	OK(ice_knows(w.a.ice, 0, by_host(&worse)) && ice_knows(w.a.ice, 0, by_host(&best)));
	world_end(&w);
}

/* It was first heard with the priority of an address that is learnt. */
static void the_description_says_the_priority_of_what_was_learnt(void)
{
	static struct world w;
	struct addr other = at("192.0.2.22", 4000);
	world_start(&w, STUN_LYNC, true, false);
	learn(&w.b, &w.a);
	steps(&w, SECOND);
	learn_names(&w.a, &w.b);
	ice_add_remote(w.a.ice, 0, &w.b.at[0], 50);
	ice_add_remote(w.a.ice, 0, &other, 60);
	ice_start(w.a.ice);
	steps(&w, SECOND);
	OK(addr_eq(&w.a.chosen[0].peer, &w.b.at[0]));
	w.b.at[0] = other;
	steps(&w, 2 * SECOND);
	OK(addr_eq(&w.a.chosen[0].peer, &other));
	world_end(&w);
}

static void a_candidate_that_is_told_later_is_checked(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	learn_names(&w.b, &w.a);
	learn_names(&w.a, &w.b);
	ice_start(w.a.ice);
	steps(&w, SECOND);
	EQ(w.a.n_sent[STUN_REQUEST], 0);
	ice_add_remote(w.a.ice, 0, &w.b.at[0], 1);
	ice_add_remote(w.a.ice, ICE_COMPONENTS, &w.b.at[0], 1);
	steps(&w, SECOND);
	EQ(w.a.n_chosen[0], 1);
	world_end(&w);
}

static void a_selected_pair_is_kept_alive(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	both_learn(&w);
	steps(&w, SECOND);
	unsigned requests = w.a.n_sent[STUN_REQUEST];
	EQ(w.a.n_sent[STUN_INDICATION], 0);
	steps(&w, 3 * ICE_KEEP_S * SECOND);
	EQ(w.a.n_sent[STUN_INDICATION], 3 * ICE_COMPONENTS);
	EQ(w.b.n_sent[STUN_INDICATION], 3 * ICE_COMPONENTS);
	EQ(w.a.n_sent[STUN_REQUEST], requests);
	EQ(w.b.n_sent[STUN_ERROR], 0);
	world_end(&w);
}

static void addresses_over_the_limit_are_ignored(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	learn_names(&w.a, &w.b);
	for (uint16_t i = 0; i < ICE_PAIRS_MAX; i++) {
		struct addr a = at("198.51.100.1", (uint16_t)(6000 + i));
		ice_add_remote(w.a.ice, 0, &a, i);
		ice_add_remote(w.a.ice, 0, &a, i); /* twice is once */
	}
	ice_add_remote(w.a.ice, 0, stranger(), 1);
	struct forged f = good_request(&w.a, STUN_LYNC);
	f.by = ice_ufrag(w.b.ice);
	ice_start(w.a.ice);
	send_forged(&w.a, &f);
	EQ(w.a.n_sent[STUN_SUCCESS], 1);
	OK(!ice_knows(w.a.ice, 0, by_host(stranger())));
	steps(&w, 20 * SECOND);
	EQ(w.a.n_sent[STUN_REQUEST], ICE_PAIRS_MAX * ICE_TRIES);
	world_end(&w);
}

static void a_new_check_goes_out_every_20_ms_at_most(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	learn_names(&w.a, &w.b);
	for (uint16_t i = 0; i < ICE_PAIRS_MAX; i++) {
		struct addr a = at("198.51.100.1", (uint16_t)(6000 + i));
		ice_add_remote(w.a.ice, i % ICE_COMPONENTS, &a, i);
	}
	ice_start(w.a.ice);
	steps(&w, 20); /* 200 ms, before the first repetition */
	OK(w.a.n_sent[STUN_REQUEST] > 5 && w.a.n_sent[STUN_REQUEST] <= 11);
	world_end(&w);
}

/* They come every 10 ms: the timer for what is lost must come round nevertheless, and requests must
 * not make more checks than one at a time. */
static void requests_all_the_time_do_not_stop_repetitions(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	learn(&w.a, &w.b);
	w.b.mute = true;
	struct forged f = good_request(&w.a, STUN_LYNC);
	f.by = ice_ufrag(w.b.ice);
	for (unsigned i = 0; i < 12 * SECOND; i++) {
		send_forged(&w.a, &f);
		steps(&w, 1);
	}
	EQ(w.a.n_sent[STUN_SUCCESS], 12 * SECOND);
	/* Both candidates were given up; the address that asks is asked again. */
	OK(w.a.n_sent[STUN_REQUEST] > 3 * ICE_TRIES);
	OK(w.a.n_sent[STUN_REQUEST] <= 4 * ICE_TRIES);
	world_end(&w);
}

/* Signed with another password, or from elsewhere. */
static void an_answer_from_elsewhere_or_without_the_password_is_ignored(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	learn(&w.a, &w.b);
	w.b.mute = true;
	steps(&w, 5);
	struct packet *p = &w.queue[0];
	OK(w.n == 0);
	loop_clock_move(w.loop, 250 * USEC_PER_MSEC);
	loop_turn(w.loop, 0); /* repetitions */
	if (!OK(w.n > 0))
		return;
	struct stun_msg m;
	struct stun_out o;
	OK(stun_parse(&m, str_n(p->bytes, p->len)) == 0);
	stun_begin(&o, STUN_SUCCESS, STUN_BINDING, m.id);
	stun_end(&o, STUN_LYNC, STR("another"));
	ice_input(w.a.ice, p->component, by_host(&p->to), stun_text(&o));
	stun_begin(&o, STUN_SUCCESS, STUN_BINDING, m.id);
	stun_end(&o, STUN_LYNC, ice_pwd(w.b.ice));
	ice_input(w.a.ice, p->component, by_host(stranger()), stun_text(&o));
	ice_input(w.a.ice, !p->component, by_host(&p->to), stun_text(&o));
	EQ(w.a.n_chosen[0] + w.a.n_chosen[1], 0);
	ice_input(w.a.ice, p->component, by_host(&p->to), stun_text(&o));
	EQ(w.a.n_chosen[0] + w.a.n_chosen[1], 1);
	world_end(&w);
}

static void names_and_passwords_are_fresh_and_long_enough(void)
{
	static struct world w;
	world_start(&w, STUN_LYNC, true, false);
	EQ(ice_ufrag(w.a.ice).len, ICE_UFRAG_LEN);
	EQ(ice_pwd(w.a.ice).len, ICE_PWD_LEN);
	OK(!str_eq(ice_ufrag(w.a.ice), ice_ufrag(w.b.ice)));
	OK(!str_eq(ice_pwd(w.a.ice), ice_pwd(w.b.ice)));
	OK(str_chr(ice_pwd(w.a.ice), '\0') < 0);
	OK(ice_priority(ICE_HOST, 0) > ice_priority(ICE_HOST, 1));
	OK(ice_priority(ICE_HOST, 1) > ice_priority(ICE_RELAYED, 0));
	world_end(&w);
}

int main(void)
{
	RUN(agents_find_each_other_in_both_dialects);
	RUN(agents_of_different_dialects_do_not_understand_each_other);
	RUN(a_lost_check_is_repeated);
	RUN(a_candidate_that_does_not_answer_is_given_up);
	RUN(a_check_of_the_peer_revives_what_was_given_up);
	RUN(what_is_not_for_us_gets_no_answer_and_leaves_no_state);
	RUN(the_peers_name_counts_once_it_is_known);
	RUN(garbage_is_ignored);
	RUN(requests_before_the_description_are_answered_and_remembered);
	RUN(without_a_description_nothing_starts);
	RUN(two_agents_of_one_role_agree);
	RUN(the_larger_tie_breaker_controls);
	RUN(who_becomes_controlling_nominates_what_works);
	RUN(a_nomination_without_our_own_check_selects_nothing);
	RUN(a_better_address_that_answers_later_takes_over);
	RUN(the_description_says_the_priority_of_what_was_learnt);
	RUN(a_candidate_that_is_told_later_is_checked);
	RUN(a_selected_pair_is_kept_alive);
	RUN(addresses_over_the_limit_are_ignored);
	RUN(a_new_check_goes_out_every_20_ms_at_most);
	RUN(requests_all_the_time_do_not_stop_repetitions);
	RUN(an_answer_from_elsewhere_or_without_the_password_is_ignored);
	RUN(names_and_passwords_are_fresh_and_long_enough);
	return tap_done();
}
