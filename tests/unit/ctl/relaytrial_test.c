#include "ctl/relaytrial.h"

#include <errno.h>

#include "stack/turn/house.h"

/* Against the real engine; what a firewall does is in tests/flow/relay_tool_test.py. */

static void begin(struct trial *t, struct house *h, enum turn_way way)
{
	struct turn_client_config cfg = guest_config(h, way, false);
	trial_start(t, h->loop, &cfg);
}

static void end(struct trial *t, struct house *h)
{
	WAIT(h->loop, trial_is_clean(t));
	trial_free(t);
}

static void what_works_is_told_and_leaves_nothing(void)
{
	for (int way = 0; way < TURN_N_WAYS; way++) {
		struct house h;
		struct trial t;
		house_start(&h);
		begin(&t, &h, (enum turn_way)way);
		WAIT(h.loop, trial_is_over(&t));
		EQ(t.state, TRIAL_WORKS);
		OK(!addr_eq(&t.sides[0].allocation.relayed, &t.sides[1].allocation.relayed));
		EQ(h.n_began, 2);
		end(&t, &h);
		WAIT(h.loop, h.n_ended[RELAY_RELEASED] + h.n_ended[RELAY_GONE] == 2);
		EQ(h.n_ended[RELAY_RELEASED], way == TURN_BY_UDP ? 2 : 0);
		house_stop(&h);
	}
}

static void a_refused_peer_is_told(void)
{
	for (int way = 0; way < TURN_N_WAYS; way++) {
		struct house h;
		struct trial t;
		house_start(&h);
		h.cfg.n_open = 0;
		relay_configure(h.relay, &h.cfg);
		begin(&t, &h, (enum turn_way)way);
		WAIT(h.loop, trial_is_over(&t));
		EQ(t.state, TRIAL_FAILED);
		EQ(t.failure.code, 403);
		OK(!t.failure.over && strlen(t.why) > 0);
		end(&t, &h);
		house_stop(&h);
	}
}

static void the_first_failure_is_told(void)
{
	struct house h;
	struct trial t;
	house_start(&h);
	h.cfg.user_allocations = 1;
	relay_configure(h.relay, &h.cfg);
	begin(&t, &h, TURN_BY_UDP);
	WAIT(h.loop, trial_is_over(&t));
	EQ(t.state, TRIAL_FAILED);
	EQ(t.failure.where, TURN_AT_ALLOCATE);
	EQ(t.failure.code, 486);
	end(&t, &h); /* the other side's allocation is released */
	EQ(h.n_ended[RELAY_RELEASED], 1);
	house_stop(&h);
}

static void data_that_do_not_come_are_told(void)
{
	struct house h;
	struct trial t;
	house_start(&h);
	begin(&t, &h, TURN_BY_UDP);
	WAIT(h.loop, t.state == TRIAL_SENDING);
	EQ(relay_revoke(h.relay, STR(""), 0), 2); /* nothing is relayed any more */
	loop_clock_move(h.loop, 0);
	for (int i = 0; i < 2 * TRIAL_DATA_S; i++)
		house_wait(&h, 1);
	EQ(t.state, TRIAL_NOTHING_CAME);
	end(&t, &h);
	house_stop(&h);
}

int main(void)
{
	RUN(what_works_is_told_and_leaves_nothing);
	RUN(a_refused_peer_is_told);
	RUN(the_first_failure_is_told);
	RUN(data_that_do_not_come_are_told);
	return tap_done();
}
