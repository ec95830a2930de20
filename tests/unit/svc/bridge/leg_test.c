#include "svc/bridge/leg.h"

#include <unistd.h>

#include "../../stack/turn/house.h"
#include "clients.h"
#include "svc/bridge/bridge.h"
#include "tap.h"

/* Calls of a Lync client that hears nothing of the bridge's host, but what comes by a relay: the
 * real engine on loopback.  The clock is the test's. */

enum { STEP_MS = 10, STEPS = 600, PORTS = 8, TEXT_MAX = 8192 };

struct world {
	struct house h;
	struct relays *relays;
	struct bridge *bridge;
	struct bridge_call *call;
	struct client phone, lync;
	enum bridge_side lync_side;
	struct buf message, out;
};

/* Below the ports that the kernel gives out, and others for each process. */
static uint16_t first_port(void)
{
	return (uint16_t)(28000 + getpid() % 400 * PORTS);
}

static void steps(struct world *w, unsigned n)
{
	while (n--) {
		loop_clock_move(w->h.loop, STEP_MS * USEC_PER_MSEC);
		loop_turn(w->h.loop, 0);
	}
}

#define REACH(w, cond)                                        \
	do {                                                  \
		for (int n_ = 0; n_ < STEPS && !(cond); n_++) \
			steps((w), 1);                        \
		OK(cond);                                     \
	} while (0)

static void use_relay(struct world *w)
{
	struct relays_config cfg = { .server = house_at(&w->h, TURN_BY_UDP),
		                     .user = str_of(w->h.user),
		                     .password = str_of(w->h.password) };
	EQ(relays_use(w->relays, &cfg), 0);
	WAIT(w->h.loop, relays_counts(w->relays).ready == RELAYS_READY_MIN);
}

static void start(struct world *w, bool lync_calls)
{
	struct bridge_config cfg = { .port_min = first_port(),
		                     .port_max = (uint16_t)(first_port() + PORTS - 1),
		                     .all_min = first_port(),
		                     .all_max = (uint16_t)(first_port() + PORTS - 1),
		                     .calls_max = 10,
		                     .user_calls_max = 10,
		                     .loopback = true };
	*w = (struct world){ .lync_side = lync_calls ? BRIDGE_CALLER : BRIDGE_CALLED };
	house_start(&w->h);
	w->h.cfg.user_allocations = w->h.cfg.allocations_max = 100;
	relay_configure(w->h.relay, &w->h.cfg);
	loop_clock_move(w->h.loop, USEC_PER_SEC);
	w->relays = relays_new(w->h.loop, NULL, NULL);
	EQ(addr_parse(&cfg.own, STR("127.0.0.1"), 0), 0);
	w->bridge = bridge_new(w->h.loop, &cfg);
	bridge_set_relays(w->bridge, w->relays);
	client_start(&w->phone, w->h.loop, "127.0.0.1", false);
	client_start(&w->lync, w->h.loop, "127.0.0.1", true);
	w->lync.deaf_min = cfg.all_min;
	w->lync.deaf_max = cfg.all_max;
	w->message = w->out = buf_of(SOUND_BYTES_MAX);
}

static void stop(struct world *w)
{
	bridge_free(&w->bridge);
	relays_free(&w->relays);
	client_stop(&w->phone);
	client_stop(&w->lync);
	buf_free(&w->message);
	buf_free(&w->out);
	house_stop(&w->h);
}

static struct leg *lync_leg(const struct world *w)
{
	return w->call->legs[w->lync_side];
}

/* What the bridge makes of it is in w->out. */
static void translate(struct world *w, bool by_lync, struct str body, bool answers)
{
	struct sip_msg m;
	enum bridge_side from =
	        by_lync == (w->lync_side == BRIDGE_CALLER) ? BRIDGE_CALLER : BRIDGE_CALLED;
	w->message.len = w->out.len = 0;
	buf_printf(&w->message,
	           "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
	           "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
	           "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n",
	           body.len);
	buf_str(&w->message, body);
	EQ(sip_parse(&m, buf_view(&w->message)), 0);
	EQ(bridge_translate(w->call, from, &m, answers, &w->out), 0);
}

static void says(struct world *w, bool by_lync, bool answers)
{
	struct client *c = by_lync ? &w->lync : &w->phone;
	translate(w, by_lync, client_says(c, by_lync, 1, ""), answers);
	client_takes(by_lync ? &w->phone : &w->lync, buf_view(&w->out));
}

static void connects(struct world *w)
{
	struct bridge_start s = { .id = STR("call"),
		                  .caller_tag = STR("caller"),
		                  .caller_lync = w->lync_side == BRIDGE_CALLER };
	EQ(addr_parse(&s.towards[0], STR("127.0.0.1"), 5060), 0);
	s.towards[1] = s.towards[0];
	w->call = bridge_open(w->bridge, &s);
	if (!OK(w->call != NULL))
		return;
	says(w, s.caller_lync, false);
	says(w, !s.caller_lync, true);
	bridge_called_tag(w->call, STR("called"));
	bridge_answered(w->call);
}

/* The Lync client sends where ICE has led it. */
static void aim(struct world *w)
{
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		struct ice_way way;
		if (OK(ice_selected(w->lync.ice, c, &way)))
			w->lync.to[c] = way.peer;
	}
}

static bool have_found_each_other(const struct world *w)
{
	struct ice_way none;
	return bridge_has_way(w->call) && ice_selected(w->lync.ice, 0, &none) &&
	       ice_selected(w->lync.ice, 1, &none);
}

static bool passes(struct world *w, bool by_lync, unsigned component, uint16_t number)
{
	struct client *from = by_lync ? &w->lync : &w->phone;
	struct client *to = by_lync ? &w->phone : &w->lync;
	unsigned n = to->n_heard;
	client_sends(from, component, number);
	for (unsigned i = 0; i < 50 && to->n_heard == n; i++)
		steps(w, 1);
	return to->n_heard == n + 1 && client_heard(to, component, number);
}

static bool both_ways(struct world *w, uint16_t number)
{
	bool all = true;
	for (unsigned c = 0; c < 2 * ICE_COMPONENTS; c++)
		all = passes(w, c % 2, c / 2, number) && all;
	return all;
}

static void start_call(struct world *w, bool lync_calls)
{
	start(w, lync_calls);
	use_relay(w);
	connects(w);
	REACH(w, have_found_each_other(w));
	steps(w, 50); /* RTCP of the bridge's end as well */
	aim(w);
}

static void a_client_that_only_a_relay_reaches_is_heard_and_hears(void)
{
	for (int i = 0; i < 2; i++) {
		static struct world w;
		start_call(&w, i);
		EQ(leg_relay(lync_leg(&w)), LEG_RELAY_USED);
		EQ(leg_relay(w.call->legs[!w.lync_side]), LEG_NO_RELAY);
		OK(both_ways(&w, 1) && both_ways(&w, 2));
		EQ(w.phone.n_bad + w.lync.n_bad, 0);
		EQ(bridge_counts(w.bridge).without_relay, 0);
		bridge_close(w.call);
		WAIT(w.h.loop, w.h.n_ended[RELAY_RELEASED] == ICE_COMPONENTS);
		stop(&w);
	}
}

static void a_client_that_hears_the_host_is_spoken_with_without_the_relay(void)
{
	static struct world w;
	start(&w, true);
	use_relay(&w);
	w.lync.deaf_max = 0;
	connects(&w);
	REACH(&w, have_found_each_other(&w));
	steps(&w, 100);
	aim(&w);
	EQ(leg_relay(lync_leg(&w)), LEG_RELAY_OFFERED);
	OK(both_ways(&w, 1));
	stop(&w);
}

static void a_call_that_finds_no_pair_has_its_host_alone(void)
{
	static struct world w;
	start(&w, false);
	w.lync.deaf_max = 0;
	connects(&w);
	EQ(bridge_counts(w.bridge).without_relay, 1);
	EQ(leg_relay(lync_leg(&w)), LEG_NO_RELAY);
	REACH(&w, have_found_each_other(&w));
	aim(&w);
	OK(both_ways(&w, 1));
	bridge_set_relays(w.bridge, NULL); /* no edge: nothing is missed */
	bridge_close(w.call);
	connects(&w);
	EQ(bridge_counts(w.bridge).without_relay, 1);
	stop(&w);
}

/* What is told once ICE is done: the address that it has chosen, and the peer's. */
static void a_later_description_names_the_relay(void)
{
	static struct world w;
	char line[100];
	start_call(&w, true);
	translate(&w, false, client_says(&w.phone, false, 1, ""), false);
	struct str text = buf_view(&w.out);
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		(void)snprintf(line, sizeof(line), c ? "a=rtcp:%u\r\n" : "m=audio %u ",
		               addr_port(&w.lync.to[c]));
		OK(str_find(text, str_of(line)) >= 0);
		(void)snprintf(line, sizeof(line), " 127.0.0.1 %u typ relay raddr 127.0.0.1 rport ",
		               addr_port(&w.lync.to[c]));
		OK(str_find(text, str_of(line)) >= 0);
	}
	OK(str_find(text, STR("a=remote-candidates:1 127.0.0.1 ")) >= 0);
	stop(&w);
}

static void media_is_taken_of_the_peer_alone_by_the_relay_too(void)
{
	static struct world w;
	struct client stranger;
	uint8_t p[CLIENT_PACKET_MAX];
	start_call(&w, true);
	/* Its host has a permission, it has not: only the channel's port is the peer's. */
	client_start(&stranger, w.h.loop, "127.0.0.1", false);
	size_t n = client_packet(p, 0, 7);
	uint64_t dropped = leg_counts(lync_leg(&w))->dropped;
	EQ(udp_send(stranger.udp[0], &w.lync.to[0], str_n((const char *)p, n)), 0);
	REACH(&w, leg_counts(lync_leg(&w))->dropped == dropped + 1);
	EQ(w.phone.n_heard, 0);
	/* Nor what makes no sense, or is not encrypted. */
	client_sends_raw(&w.lync, 0, str_n((const char *)p, n));
	REACH(&w, leg_counts(lync_leg(&w))->dropped == dropped + 2);
	EQ(w.phone.n_heard, 0);
	OK(passes(&w, true, 0, 8));
	client_stop(&stranger);
	stop(&w);
}

static void a_packet_that_is_too_long_is_dropped(void)
{
	static struct world w;
	static char text[LEG_PACKET_MAX + 1] = { (char)0x80 };
	start_call(&w, true);
	client_sends_raw(&w.lync, 0, str_n(text, sizeof(text)));
	REACH(&w, leg_counts(lync_leg(&w))->dropped == 1);
	EQ(w.phone.n_heard, 0);
	stop(&w);
}

static void a_call_whose_relay_is_lost_has_no_way(void)
{
	static struct world w;
	start_call(&w, true);
	OK(relay_revoke(w.h.relay, STR(""), 0) > 0);
	house_wait(&w.h, TURN_CLIENT_LIFE_S);
	REACH(&w, leg_relay(lync_leg(&w)) == LEG_RELAY_LOST);
	OK(!bridge_has_way(w.call));
	client_sends(&w.phone, 0, 1);
	steps(&w, 20);
	EQ(w.lync.n_heard, 0);
	translate(&w, false, client_says(&w.phone, false, 1, ""), false);
	OK(str_find(buf_view(&w.out), STR("typ relay")) < 0);
	bridge_close(w.call);
	REACH(&w, relays_counts(w.relays).ready >= RELAYS_READY_MIN);
	stop(&w);
}

int main(void)
{
	RUN(a_client_that_only_a_relay_reaches_is_heard_and_hears);
	RUN(a_client_that_hears_the_host_is_spoken_with_without_the_relay);
	RUN(a_call_that_finds_no_pair_has_its_host_alone);
	RUN(a_later_description_names_the_relay);
	RUN(media_is_taken_of_the_peer_alone_by_the_relay_too);
	RUN(a_packet_that_is_too_long_is_dropped);
	RUN(a_call_whose_relay_is_lost_has_no_way);
	return tap_done();
}
