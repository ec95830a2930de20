#include "svc/bridge/relays.h"

#include "../../stack/turn/house.h"
#include "tap.h"

/* Pairs of a relay on loopback, the real engine; the clock is the test's. */

enum { TEXT_MAX = 256 };

/* Who has taken a pair. */
struct taker {
	struct relay_pair *pair;
	unsigned n_data, n_refused, n_lost, component;
	struct addr from, host;
	char last[TEXT_MAX];
	size_t len;
};

struct world {
	struct house h;
	struct relays *relays;
	unsigned n_lost, n_full;
	struct udp *peer; /* with whom something is exchanged */
	struct addr heard_from;
	char heard[TEXT_MAX];
	size_t heard_len;
};

static void on_lost(void *arg, const char *why)
{
	struct world *w = arg;
	OK(why[0] != '\0');
	w->n_lost++;
}

static void on_full(void *arg, const char *why)
{
	struct world *w = arg;
	OK(why[0] != '\0');
	w->n_full++;
}

static const struct relays_ops ops = { .lost = on_lost, .full = on_full };

static void on_data(void *arg, unsigned component, const struct addr *from, struct str data)
{
	struct taker *t = arg;
	t->n_data++;
	t->component = component;
	t->from = *from;
	t->len = MIN(data.len, sizeof(t->last));
	memcpy(t->last, data.p, t->len);
}

static void on_refused(void *arg, unsigned component, const struct addr *host)
{
	struct taker *t = arg;
	t->n_refused++;
	t->component = component;
	t->host = *host;
}

static void on_pair_lost(void *arg)
{
	struct taker *t = arg;
	t->n_lost++;
}

static const struct relay_pair_ops pair_ops = { .data = on_data,
	                                        .refused = on_refused,
	                                        .lost = on_pair_lost };

static void on_heard(void *arg, struct udp *u UNUSED, const struct addr *from, struct str data)
{
	struct world *w = arg;
	w->heard_from = *from;
	w->heard_len = MIN(data.len, sizeof(w->heard));
	memcpy(w->heard, data.p, w->heard_len);
}

/* The clock stands: what is due later comes with house_wait() alone. */
static void start(struct world *w)
{
	struct addr at;
	*w = (struct world){ .n_lost = 0 };
	house_start(&w->h);
	w->h.cfg.user_allocations = w->h.cfg.allocations_max = 200;
	relay_configure(w->h.relay, &w->h.cfg);
	w->relays = relays_new(w->h.loop, &ops, w);
	EQ(addr_parse(&at, STR("127.0.0.1"), 0), 0);
	w->peer = udp_new(w->h.loop, udp_bind(&at), on_heard, w);
	house_wait(&w->h, 1);
}

static void use(struct world *w, const char *password)
{
	struct relays_config cfg = { .server = house_at(&w->h, TURN_BY_UDP),
		                     .user = str_of(w->h.user),
		                     .password = str_of(password) };
	EQ(relays_use(w->relays, &cfg), 0);
}

static unsigned ready(const struct world *w)
{
	return relays_counts(w->relays).ready;
}

static void start_ready(struct world *w)
{
	start(w);
	use(w, w->h.password);
	WAIT(w->h.loop, ready(w) == RELAYS_READY_MIN);
}

static void stop(struct world *w)
{
	udp_free(&w->peer);
	relays_free(&w->relays);
	house_stop(&w->h);
}

static void takes(struct world *w, struct taker *t)
{
	*t = (struct taker){ .n_data = 0 };
	t->pair = relays_take(w->relays, &pair_ops, t);
	OK(t->pair != NULL);
}

/* All that the relay has ended. */
static unsigned ended(const struct world *w)
{
	unsigned n = 0;
	for (unsigned i = 0; i < RELAY_N_ENDS; i++)
		n += w->h.n_ended[i];
	return n;
}

static unsigned there(const struct world *w)
{
	return w->h.n_began - ended(w);
}

static void without_credentials_there_is_none(void)
{
	static struct world w;
	struct taker t = { .n_data = 0 };
	start(&w);
	house_wait(&w.h, 60);
	OK(!relays_is_on(w.relays));
	EQ(ready(&w), 0);
	OK(!relays_take(w.relays, &pair_ops, &t));
	EQ(w.n_lost, 0);
	EQ(w.h.n_began, 0);
	stop(&w);
}

static void some_are_ready_and_what_is_taken_is_replaced(void)
{
	static struct world w;
	struct taker t;
	start_ready(&w);
	OK(relays_is_on(w.relays));
	EQ(there(&w), RELAYS_READY_MIN * ICE_COMPONENTS);
	takes(&w, &t);
	OK(relays_has(w.relays, relay_pair_at(t.pair, 0)) &&
	   relays_has(w.relays, relay_pair_at(t.pair, 1)));
	OK(!addr_eq(relay_pair_at(t.pair, 0), relay_pair_at(t.pair, 1)));
	OK(addr_is_loopback(relay_pair_mapped(t.pair, 0)));
	WAIT(w.h.loop, ready(&w) == RELAYS_READY_MIN + 1); /* one more is wanted now */
	EQ(relays_counts(w.relays).taken, 1);
	struct addr at = *relay_pair_at(t.pair, 0);
	relay_pair_release(&t.pair);
	OK(!t.pair);
	WAIT(w.h.loop, w.h.n_ended[RELAY_RELEASED] == ICE_COMPONENTS);
	OK(!relays_has(w.relays, &at));
	EQ(relays_counts(w.relays).taken, 0);
	EQ(relays_counts(w.relays).used, 1);
	stop(&w);
}

static void many_calls_have_many_ready_up_to_a_limit(void)
{
	static struct world w;
	static struct taker t[RELAYS_READY_MAX + 4];
	start_ready(&w);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		WAIT(w.h.loop, ready(&w) > 0);
		takes(&w, &t[i]);
	}
	WAIT(w.h.loop, ready(&w) == RELAYS_READY_MAX);
	/* Whoever has been challenged once tells the others: strangers are answered but slowly. */
	EQ(relay_stats(w.h.relay)->unanswered, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		relay_pair_release(&t[i].pair);
	for (unsigned i = 0; i < 3; i++)
		house_wait(&w.h, RELAYS_RATE_S + 1);
	WAIT(w.h.loop, there(&w) == RELAYS_READY_MIN * ICE_COMPONENTS);
	EQ(ready(&w), RELAYS_READY_MIN);
	stop(&w);
}

static void what_is_sent_arrives_and_what_comes_is_told(void)
{
	static struct world w;
	struct taker t;
	const struct addr *peer;
	start_ready(&w);
	takes(&w, &t);
	peer = udp_local(w.peer);
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		w.heard_len = t.len = 0;
		/* The first one asks for the way. */
		relay_pair_send(t.pair, c, peer, STR("first"));
		for (unsigned i = 0; i < 5; i++)
			loop_turn(w.h.loop, USEC_PER_MSEC);
		EQ(w.heard_len, 0);
		relay_pair_send(t.pair, c, peer, STR("second"));
		WAIT(w.h.loop, str_eq(str_n(w.heard, w.heard_len), STR("second")));
		OK(addr_eq(&w.heard_from, relay_pair_at(t.pair, c)));
		EQ(udp_send(w.peer, &w.heard_from, STR("back")), 0);
		WAIT(w.h.loop, str_eq(str_n(t.last, t.len), STR("back")));
		EQ(t.component, c);
		OK(addr_eq(&t.from, peer));
		relay_pair_bind(t.pair, c, peer);
		for (unsigned i = 0; i < 5; i++)
			loop_turn(w.h.loop, USEC_PER_MSEC);
		relay_pair_send(t.pair, c, peer, STR("third"));
		WAIT(w.h.loop, str_eq(str_n(w.heard, w.heard_len), STR("third")));
	}
	EQ(t.n_refused, 0);
	relay_pair_release(&t.pair);
	stop(&w);
}

static void a_host_that_may_not_be_reached_is_told(void)
{
	static struct world w;
	struct taker t;
	struct addr private;
	start_ready(&w);
	takes(&w, &t);
	EQ(addr_parse(&private, STR("10.1.2.3"), 4000), 0);
	relay_pair_send(t.pair, 1, &private, STR("x"));
	WAIT(w.h.loop, t.n_refused == 1);
	OK(addr_eq_host(&t.host, &private));
	EQ(t.component, 1);
	EQ(t.n_lost, 0);
	relay_pair_release(&t.pair);
	stop(&w);
}

/* A process of the edge was started again: nobody knows its allocations. */
static void a_relay_that_was_started_anew_gets_other_pairs(void)
{
	static struct world w;
	start_ready(&w);
	EQ(relay_revoke(w.h.relay, STR(""), 0), RELAYS_READY_MIN * ICE_COMPONENTS);
	house_wait(&w.h, RELAYS_RATE_S + 1);
	WAIT(w.h.loop,
	     ready(&w) == RELAYS_READY_MIN && there(&w) == RELAYS_READY_MIN * ICE_COMPONENTS);
	EQ(w.n_lost, 0);
	EQ(relays_counts(w.relays).lost, RELAYS_READY_MIN);
	stop(&w);
}

static void who_has_a_pair_is_told_that_it_is_lost(void)
{
	static struct world w;
	struct taker t;
	start_ready(&w);
	takes(&w, &t);
	(void)relay_revoke(w.h.relay, STR(""), 0);
	house_wait(&w.h, TURN_CLIENT_LIFE_S);
	WAIT(w.h.loop, t.n_lost == 1);
	relay_pair_send(t.pair, 0, udp_local(w.peer), STR("x"));
	relay_pair_bind(t.pair, 0, udp_local(w.peer));
	relay_pair_release(&t.pair);
	WAIT(w.h.loop, ready(&w) >= RELAYS_READY_MIN);
	EQ(t.n_lost, 1);
	stop(&w);
}

static void credentials_that_are_not_taken_are_told_once(void)
{
	static struct world w;
	start(&w);
	use(&w, "c2VjcmV0");
	WAIT(w.h.loop, w.n_lost == 1);
	OK(!relays_is_on(w.relays));
	house_wait(&w.h, 300);
	EQ(w.n_lost, 1);
	EQ(ready(&w) + there(&w), 0);
	use(&w, w.h.password);
	WAIT(w.h.loop, ready(&w) == RELAYS_READY_MIN);
	stop(&w);
}

static void a_relay_that_does_not_answer_is_given_up(void)
{
	static struct world w;
	start_ready(&w);
	packet_port_free(&w.h.face.udp);
	for (unsigned i = 0; i < 60 && w.n_lost == 0; i++)
		house_wait(&w.h, 1);
	EQ(w.n_lost, 1);
	EQ(ready(&w), 0);
	stop(&w);
}

static void a_relay_without_room_is_asked_again(void)
{
	static struct world w;
	start(&w);
	w.h.cfg.allocations_max = 1;
	relay_configure(w.h.relay, &w.h.cfg);
	use(&w, w.h.password);
	WAIT(w.h.loop, w.n_full > 0);
	EQ(w.n_lost, 0);
	EQ(ready(&w), 0);
	w.h.cfg.allocations_max = 200;
	relay_configure(w.h.relay, &w.h.cfg);
	for (unsigned i = 0; i < 2 * RELAYS_PAUSE_MAX_S && ready(&w) < RELAYS_READY_MIN; i++)
		house_wait(&w.h, 1);
	EQ(ready(&w), RELAYS_READY_MIN);
	EQ(w.n_lost, 0);
	stop(&w);
}

static void new_credentials_leave_no_gap(void)
{
	static struct world w;
	struct taker t;
	start_ready(&w);
	unsigned before = w.h.n_began;
	use(&w, w.h.password);
	EQ(ready(&w), RELAYS_READY_MIN);
	WAIT(w.h.loop, w.h.n_began == before + RELAYS_READY_MIN * ICE_COMPONENTS);
	WAIT(w.h.loop, there(&w) == RELAYS_READY_MIN * ICE_COMPONENTS);
	EQ(ready(&w), RELAYS_READY_MIN);
	takes(&w, &t);
	use(&w, w.h.password); /* what is taken stays */
	WAIT(w.h.loop, ready(&w) == RELAYS_READY_MIN + 1);
	house_wait(&w.h, RELAYS_RATE_S + 1);
	EQ(t.n_lost, 0);
	relay_pair_release(&t.pair);
	stop(&w);
}

static void what_is_stopped_is_released(void)
{
	static struct world w;
	struct taker t;
	start_ready(&w);
	takes(&w, &t);
	relays_stop(w.relays); /* what is just being made as well */
	WAIT(w.h.loop, there(&w) == ICE_COMPONENTS);
	EQ(ready(&w), 0);
	relay_pair_release(&t.pair);
	WAIT(w.h.loop, there(&w) == 0);
	EQ(w.n_lost, 0);
	stop(&w);
}

static void who_ends_tells_the_relay(void)
{
	static struct world w;
	start_ready(&w);
	relays_free(&w.relays);
	WAIT(w.h.loop, there(&w) == 0);
	stop(&w);
}

static void credentials_are_bounded(void)
{
	static struct world w;
	static char text[2000];
	memset(text, 'x', sizeof(text) - 1);
	start(&w);
	struct relays_config cfg = { .server = house_at(&w.h, TURN_BY_UDP),
		                     .user = str_of(text),
		                     .password = STR("x") };
	OK(relays_use(w.relays, &cfg) < 0);
	OK(!relays_is_on(w.relays));
	stop(&w);
}

int main(void)
{
	RUN(without_credentials_there_is_none);
	RUN(some_are_ready_and_what_is_taken_is_replaced);
	RUN(many_calls_have_many_ready_up_to_a_limit);
	RUN(what_is_sent_arrives_and_what_comes_is_told);
	RUN(a_host_that_may_not_be_reached_is_told);
	RUN(a_relay_that_was_started_anew_gets_other_pairs);
	RUN(who_has_a_pair_is_told_that_it_is_lost);
	RUN(credentials_that_are_not_taken_are_told_once);
	RUN(a_relay_that_does_not_answer_is_given_up);
	RUN(a_relay_without_room_is_asked_again);
	RUN(new_credentials_leave_no_gap);
	RUN(what_is_stopped_is_released);
	RUN(who_ends_tells_the_relay);
	RUN(credentials_are_bounded);
	return tap_done();
}
