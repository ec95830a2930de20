#include "svc/bridge/bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "await.h"
#include "clients.h"

/* Calls over real sockets of the loopback interface; the clock is the test's. */

enum { STEP_MS = 10, STEPS = 300, PORTS = 8 };

struct world {
	struct loop *loop;
	struct bridge *bridge;
	struct bridge_config cfg;
	struct bridge_call *call;
	struct client phone, lync;
	enum bridge_side phone_side;
	struct buf message, out;
};

/* Below the ports that the kernel gives out, and another for each process. */
static uint16_t first_port(void)
{
	return (uint16_t)(20000 + getpid() % 1000 * PORTS);
}

static struct world *world_start(bool lync_calls)
{
	struct world *w = xnew(struct world);
	w->loop = loop_new();
	loop_clock_move(w->loop, USEC_PER_SEC);
	w->cfg = (struct bridge_config){ .port_min = first_port(),
		                         .port_max = (uint16_t)(first_port() + PORTS - 1),
		                         .all_min = first_port(),
		                         .all_max = (uint16_t)(first_port() + PORTS - 1),
		                         .calls_max = 100,
		                         .user_calls_max = 100,
		                         .loopback = true };
	OK(addr_parse(&w->cfg.own, STR("127.0.0.1"), 0) == 0);
	w->bridge = bridge_new(w->loop, &w->cfg);
	w->phone_side = lync_calls ? BRIDGE_CALLED : BRIDGE_CALLER;
	client_start(&w->phone, w->loop, "127.0.0.1", false);
	client_start(&w->lync, w->loop, "127.0.0.1", true);
	w->message = buf_of(32 * 1024);
	w->out = buf_of(SOUND_BYTES_MAX);
	return w;
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	bridge_free(&w->bridge);
	client_stop(&w->phone);
	client_stop(&w->lync);
	buf_free(&w->message);
	buf_free(&w->out);
	loop_free(&w->loop);
	free(w);
}

static struct bridge_start start_of(const struct world *w, const char *id, const char *who)
{
	struct bridge_start s = { .id = str_of(id),
		                  .caller_tag = STR("caller"),
		                  .who = str_of(who),
		                  .caller_lync = w->phone_side == BRIDGE_CALLED };
	OK(addr_parse(&s.towards[0], STR("127.0.0.1"), 5060) == 0);
	s.towards[1] = s.towards[0];
	return s;
}

static struct bridge_call *opens(struct world *w, const char *id, const char *who)
{
	struct bridge_start s = start_of(w, id, who);
	return bridge_open(w->bridge, &s);
}

static void steps(struct world *w, unsigned n)
{
	while (n--) {
		loop_clock_move(w->loop, STEP_MS * USEC_PER_MSEC);
		loop_turn(w->loop, 0);
	}
}

static void pass_s(struct world *w, uint64_t s)
{
	loop_clock_move(w->loop, s * USEC_PER_SEC);
	loop_turn(w->loop, 0);
}

static int translate_text(struct world *w, enum bridge_side from, struct str type, struct str body,
                          bool answers)
{
	struct sip_msg m;
	w->message.len = w->out.len = 0;
	buf_printf(&w->message,
	           "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n"
	           "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
	           "Content-Type: %" STR_FMT "\r\nContent-Length: %zu\r\n\r\n",
	           STR_ARG(type), body.len);
	buf_str(&w->message, body);
	EQ(sip_parse(&m, buf_view(&w->message)), 0);
	return bridge_translate(w->call, from, &m, answers, &w->out);
}

static int translate(struct world *w, enum bridge_side from, struct str body, bool answers)
{
	return translate_text(w, from, STR("application/sdp"), body, answers);
}

static enum bridge_side other(enum bridge_side s)
{
	return s == BRIDGE_CALLER ? BRIDGE_CALLED : BRIDGE_CALLER;
}

static int phone_says(struct world *w, struct str text, bool answers)
{
	int r = translate(w, w->phone_side, text, answers);
	if (r == 0)
		client_takes(&w->lync, buf_view(&w->out));
	return r;
}

static int lync_says(struct world *w, struct str text, bool answers)
{
	int r = translate(w, other(w->phone_side), text, answers);
	if (r == 0)
		client_takes(&w->phone, buf_view(&w->out));
	return r;
}

/* Offer and answer, and ICE comes to an end. */
static void talk(struct world *w, bool phone_keyed)
{
	bool lync_calls = w->phone_side == BRIDGE_CALLED;
	w->call = opens(w, "call", "");
	if (!OK(w->call != NULL))
		return;
	if (lync_calls) {
		EQ(lync_says(w, client_says(&w->lync, true, 1, ""), false), 0);
		EQ(phone_says(w, client_says(&w->phone, phone_keyed, 1, ""), true), 0);
	} else {
		EQ(phone_says(w, client_says(&w->phone, phone_keyed, 1, ""), false), 0);
		EQ(lync_says(w, client_says(&w->lync, true, 1, ""), true), 0);
	}
	bridge_called_tag(w->call, STR("called"));
	bridge_answered(w->call);
	struct ice_way none;
	for (unsigned i = 0; i < STEPS && !(ice_selected(w->lync.ice, 0, &none) &&
	                                    ice_selected(w->lync.ice, 1, &none));
	     i++)
		steps(w, 1);
	steps(w, 20);
}

static bool passes(struct world *w, struct client *from, struct client *to, unsigned component,
                   uint16_t number)
{
	unsigned n = to->n_heard;
	client_sends(from, component, number);
	for (unsigned i = 0; i < 20 && to->n_heard == n; i++)
		steps(w, 1);
	return to->n_heard == n + 1 && client_heard(to, component, number);
}

static bool both_ways(struct world *w, uint16_t number)
{
	bool all = true;
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		all = passes(w, &w->phone, &w->lync, c, number) && all;
		all = passes(w, &w->lync, &w->phone, c, number) && all;
	}
	return all;
}

/* Calls. */

static void sound_passes_both_ways_encrypted_to_the_lync_client(void)
{
	for (int i = 0; i < 4; i++) {
		auto_(world_free) struct world *w = world_start(i & 1);
		bool keyed = (i & 2) && w->phone_side == BRIDGE_CALLER;
		talk(w, keyed);
		OK(both_ways(w, 1) && both_ways(w, 2));
		client_sends(&w->phone, 0, 3);
		steps(w, 5);
		OK(memcmp(w->lync.raw + 12, "packet", 6) != 0);
		client_sends(&w->lync, 0, 3);
		steps(w, 5);
		EQ(memcmp(w->phone.raw + 12, "packet", 6) != 0, keyed);
		struct bridge_counts n = bridge_counts(w->bridge);
		EQ(n.now, 1);
		EQ(n.calls, 1);
		EQ(n.packets, 10);
		EQ(n.dropped, 0);
		EQ(w->phone.n_bad + w->lync.n_bad, 0);
	}
}

static void packets_from_elsewhere_are_dropped_and_counted(void)
{
	auto_(world_free) struct world *w = world_start(false);
	struct client stranger;
	talk(w, false);
	client_start(&stranger, w->loop, "127.0.0.2", false);
	for (int i = 0; i < 2; i++) {
		const struct client *like = i ? &w->lync : &w->phone;
		memcpy(stranger.to, like->to, sizeof(stranger.to));
		client_sends(&stranger, 0, 1);
		client_sends(&stranger, 1, 1);
	}
	steps(w, 10);
	EQ(w->lync.n_heard + w->phone.n_heard, 0);
	EQ(bridge_counts(w->bridge).dropped, 4);
	EQ(bridge_counts(w->bridge).packets, 0);
	OK(both_ways(w, 1));
	client_stop(&stranger);
}

static void what_is_no_media_is_dropped(void)
{
	static const struct str junk[] = { STR_INIT("x"), STR_INIT("\x80\x00\x00"),
		                           STR_INIT("GET / HTTP/1.0\r\n\r\n"),
		                           STR_INIT("\x16\xfe\xff a handshake of DTLS, say") };
	auto_(world_free) struct world *w = world_start(false);
	char big[LEG_PACKET_MAX + 1] = { (char)0x80 };
	talk(w, false);
	for (size_t i = 0; i < ARRAY_SIZE(junk); i++) {
		client_sends_raw(&w->phone, 0, junk[i]);
		client_sends_raw(&w->phone, 1, junk[i]);
		client_sends_raw(&w->lync, 0, junk[i]);
	}
	client_sends_raw(&w->phone, 0, str_n(big, sizeof(big)));
	steps(w, 10);
	EQ(w->lync.n_heard + w->phone.n_heard, 0);
	EQ(bridge_counts(w->bridge).dropped, 3 * ARRAY_SIZE(junk) + 1);
	client_sends_raw(&w->phone, 0, str_n(big, LEG_PACKET_MAX));
	steps(w, 10);
	EQ(w->lync.n_heard, 1);
	EQ(w->lync.last_len, LEG_PACKET_MAX);
}

/* What only somebody with the key could have sent, from an address that has proved itself. */
static void packets_of_a_lync_client_must_be_authentic(void)
{
	auto_(world_free) struct world *w = world_start(false);
	uint8_t p[CLIENT_PACKET_MAX];
	talk(w, false);
	size_t n = client_packet(p, 0, 1);
	client_sends_raw(&w->lync, 0, str_n((const char *)p, n));
	EQ(srtp_protect(w->lync.out, p, &n), 0);
	p[n - 1] ^= 1;
	client_sends_raw(&w->lync, 0, str_n((const char *)p, n));
	p[n - 1] ^= 1;
	client_sends_raw(&w->lync, 0, str_n((const char *)p, n));
	client_sends_raw(&w->lync, 0, str_n((const char *)p, n)); /* again */
	steps(w, 10);
	EQ(w->phone.n_heard, 1);
	OK(client_heard(&w->phone, 0, 1));
	EQ(bridge_counts(w->bridge).dropped, 3);
}

static void before_the_answer_nothing_is_sent(void)
{
	auto_(world_free) struct world *w = world_start(false);
	w->call = opens(w, "call", "");
	EQ(phone_says(w, client_says(&w->phone, false, 1, ""), false), 0);
	RAW_MEMORY struct sdp s;
	struct sound o;
	EQ(sdp_parse(&s, buf_view(&w->out)), 0);
	EQ(sound_read(&o, &s, SOUND_LYNC), 0);
	memcpy(w->phone.to, o.at, sizeof(o.at)); /* the wrong leg */
	client_sends(&w->phone, 0, 1);
	steps(w, 100);
	EQ(w->lync.n_heard + w->phone.n_heard, 0);
	EQ(bridge_counts(w->bridge).dropped, 1);
}

/* Ports of a phone. */

static void move(struct world *w, struct client *other_socket)
{
	client_start(other_socket, w->loop, "127.0.0.1", false);
	memcpy(other_socket->to, w->phone.to, sizeof(w->phone.to));
}

static void the_port_of_a_phone_may_be_another_once(void)
{
	auto_(world_free) struct world *w = world_start(false);
	struct client nat, late;
	talk(w, false);
	move(w, &nat);
	move(w, &late);
	OK(passes(w, &nat, &w->lync, 0, 1));
	OK(passes(w, &w->lync, &nat, 0, 1));
	client_sends(&late, 0, 2);
	client_sends(&w->phone, 0, 3);
	steps(w, 10);
	OK(client_heard(&w->lync, 0, 1));
	EQ(bridge_counts(w->bridge).dropped, 2);
	OK(passes(w, &w->lync, &nat, 0, 4));
	/* The same description again changes nothing. */
	EQ(phone_says(w, client_says(&w->phone, false, 1, ""), false), 0);
	OK(passes(w, &w->lync, &nat, 0, 5));
	client_stop(&nat);
	client_stop(&late);
}

static void a_new_description_moves_a_phone(void)
{
	auto_(world_free) struct world *w = world_start(false);
	struct client moved;
	talk(w, false);
	OK(both_ways(w, 1));
	move(w, &moved);
	EQ(phone_says(w, client_says(&moved, false, 1, ""), false), 0);
	OK(passes(w, &w->lync, &moved, 0, 2));
	OK(passes(w, &moved, &w->lync, 0, 2));
	client_sends(&w->phone, 0, 3);
	steps(w, 10);
	OK(client_heard(&w->lync, 0, 2));
	client_stop(&moved);
}

/* A phone with another port and another key for each offer. */
static void an_offer_that_is_refused_changes_nothing(void)
{
	for (int keyed = 0; keyed < 2; keyed++) {
		auto_(world_free) struct world *w = world_start(false);
		struct client moved;
		talk(w, keyed);
		OK(both_ways(w, 1));
		for (uint16_t i = 0; i < 2; i++) {
			move(w, &moved);
			EQ(translate(w, BRIDGE_CALLER, client_says(&moved, keyed ^ i, 1, ""),
			             false),
			   0);
			bridge_refused(w->call, BRIDGE_CALLER);
			OK(both_ways(w, (uint16_t)(2 + i)));
			client_stop(&moved);
		}
		/* One that is answered is the new state. */
		EQ(phone_says(w, client_says(&w->phone, keyed, 1, ""), false), 0);
		EQ(lync_says(w, client_says(&w->lync, true, 1, ""), true), 0);
		bridge_refused(w->call, BRIDGE_CALLER);
		OK(both_ways(w, 4));
	}
}

static void nothing_is_sent_to_a_phone_that_holds_with_0_0_0_0(void)
{
	auto_(world_free) struct world *w = world_start(false);
	talk(w, false);
	OK(both_ways(w, 1));
	struct addr at = w->phone.at[0];
	uint16_t port = addr_port(&at);
	OK(addr_parse(&w->phone.at[0], STR("0.0.0.0"), port) == 0);
	EQ(phone_says(w, client_says(&w->phone, false, 1, ""), false), 0);
	OK(str_find(buf_view(&w->out), STR("a=inactive\r\n")) >= 0);
	unsigned n = w->phone.n_heard;
	client_sends(&w->lync, 0, 2);
	steps(w, 10);
	EQ(w->phone.n_heard, n);
	w->phone.at[0] = at;
	EQ(phone_says(w, client_says(&w->phone, false, 1, ""), false), 0);
	OK(passes(w, &w->lync, &w->phone, 0, 3) && passes(w, &w->phone, &w->lync, 0, 3));
}

/* A call may begin on hold; its leg is not bound to the loopback interface for that. */
static void media_goes_to_hosts_that_may_be_clients_alone(void)
{
	static const char *const hosts[] = { "127.0.0.1", "224.0.0.1", "255.255.255.255",
		                             "0.0.0.0" };
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		auto_(world_free) struct world *w = world_start(false);
		char text[256];
		w->cfg.loopback = false;
		bridge_configure(w->bridge, &w->cfg);
		(void)snprintf(text, sizeof(text), "v=0\r\nc=IN IP4 %s\r\nm=audio %u RTP/AVP 0\r\n",
		               hosts[i], addr_port(&w->phone.at[0]));
		w->call = opens(w, "call", "");
		EQ(translate(w, BRIDGE_CALLER, str_of(text), false), 0);
		EQ(translate(w, BRIDGE_CALLED, client_says(&w->lync, true, 1, ""), true), 0);
		steps(w, 50);
		EQ(w->phone.n_heard, 0);
		EQ(w->lync.n_stun, 0); /* its candidates are here */
	}
}

/* Two calls that are each other's clients would hand the same packet round for ever.  Here the
 * phone of one is at a leg of the other, whose phone is at a port of another process. */
static void nothing_is_taken_from_the_bridges_own_ports(void)
{
	auto_(world_free) struct world *w = world_start(false);
	struct client *p = &w->phone;
	talk(w, false);
	OK(both_ways(w, 1));
	/* As if the clients were legs of another process. */
	w->cfg.all_max = 65535;
	bridge_configure(w->bridge, &w->cfg);
	OK(!passes(w, &w->lync, p, 0, 2) && !passes(w, p, &w->lync, 0, 3));
	w->cfg.all_max = w->cfg.port_max;
	bridge_configure(w->bridge, &w->cfg);
	OK(both_ways(w, 4));
	/* The phone says that it is where its own leg is: what goes there comes back once. */
	uint64_t n = bridge_counts(w->bridge).dropped;
	memcpy(p->at, p->to, sizeof(p->at));
	EQ(phone_says(w, client_says(p, false, 1, ""), false), 0);
	EQ(lync_says(w, client_says(&w->lync, true, 1, ""), true), 0);
	unsigned heard = w->lync.n_heard;
	client_sends(&w->lync, 0, 5);
	steps(w, 10);
	EQ(w->lync.n_heard, heard);
	EQ(bridge_counts(w->bridge).dropped, n + 1);
}

/* To the kernel it is this host. */
static void no_check_goes_to_0_0_0_0(void)
{
	auto_(world_free) struct world *w = world_start(false);
	char text[128];
	w->cfg.loopback = false;
	bridge_configure(w->bridge, &w->cfg);
	(void)snprintf(text, sizeof(text), "a=candidate:1 1 UDP 9 0.0.0.0 %u typ host\r\n",
	               addr_port(&w->lync.at[0]));
	w->call = opens(w, "call", "");
	EQ(translate(w, BRIDGE_CALLER, client_says(&w->phone, false, 1, ""), false), 0);
	EQ(translate(w, BRIDGE_CALLED, client_says(&w->lync, true, 1, text), true), 0);
	steps(w, 50);
	EQ(w->lync.n_stun, 0);
}

/* 2001:db8::/32 leads nowhere (RFC 3849); what the kernel says of it depends on the host. */
static void only_a_phones_media_needs_a_way_to_just_that_address(void)
{
	auto_(world_free) struct world *w = world_start(false);
	struct bridge_start s = start_of(w, "call", "");
	OK(addr_parse(&s.towards[BRIDGE_CALLED], STR("2001:db8::1"), 5060) == 0);
	w->call = bridge_open(w->bridge, &s);
	EQ(translate(w, BRIDGE_CALLER, client_says(&w->phone, false, 1, ""), false), 0);
	bridge_close(w->call);
	w->call = opens(w, "call", "");
	OK(addr_parse(&w->lync.at[0], STR("2001:db8::1"), 9) == 0);
	EQ(translate(w, BRIDGE_CALLED, client_says(&w->lync, true, 1, ""), false), 0);
}

/* Keys. */

static void a_key_that_stays_keeps_its_counters(void)
{
	auto_(world_free) struct world *w = world_start(true);
	uint8_t old[CLIENT_PACKET_MAX];
	talk(w, false);
	OK(both_ways(w, 1));
	size_t n = client_packet(old, 0, 2);
	EQ(srtp_protect(w->lync.out, old, &n), 0);
	client_sends_raw(&w->lync, 0, str_n((const char *)old, n));
	steps(w, 10);
	OK(client_heard(&w->phone, 0, 2));
	EQ(lync_says(w, client_says(&w->lync, true, 1, ""), false), 0);
	EQ(phone_says(w, client_says(&w->phone, false, 1, ""), true), 0);
	unsigned heard = w->phone.n_heard;
	client_sends_raw(&w->lync, 0, str_n((const char *)old, n));
	steps(w, 10);
	EQ(w->phone.n_heard, heard);
	OK(both_ways(w, 3));
}

static void read_key(struct world *w, struct sound_key *ret, enum sound_dialect d)
{
	RAW_MEMORY struct sdp s;
	struct sound o;
	EQ(sdp_parse(&s, buf_view(&w->out)), 0);
	if (EQ(sound_read(&o, &s, d), 0))
		*ret = o.key;
}

static void an_answer_has_the_tag_of_the_offer_even_if_only_that_is_new(void)
{
	auto_(world_free) struct world *w = world_start(true);
	struct sound_key key;
	talk(w, false);
	EQ(lync_says(w, client_says(&w->lync, true, 5, ""), false), 0);
	EQ(phone_says(w, client_says(&w->phone, false, 1, ""), true), 0);
	read_key(w, &key, SOUND_LYNC);
	EQ(key.tag, 5);
	OK(both_ways(w, 1));
}

/* Its counters begin anew: the same key would give the same key stream twice. */
static void a_key_of_ours_that_was_dropped_does_not_come_again(void)
{
	auto_(world_free) struct world *w = world_start(false);
	struct sound_key first, second;
	talk(w, true);
	EQ(phone_says(w, client_says(&w->phone, true, 1, ""), false), 0);
	EQ(lync_says(w, client_says(&w->lync, true, 1, ""), true), 0);
	read_key(w, &first, SOUND_PLAIN);
	OK(both_ways(w, 1));
	EQ(phone_says(w, client_says(&w->phone, false, 1, ""), false), 0);
	EQ(lync_says(w, client_says(&w->lync, true, 1, ""), true), 0);
	OK(both_ways(w, 2));
	EQ(phone_says(w, client_says(&w->phone, true, 1, ""), false), 0);
	EQ(lync_says(w, client_says(&w->lync, true, 1, ""), true), 0);
	read_key(w, &second, SOUND_PLAIN);
	OK(first.there && second.there);
	OK(memcmp(first.bytes, second.bytes, SRTP_KEY_LEN) != 0);
	OK(both_ways(w, 3));
}

static void an_answer_with_other_keys_than_were_asked_for_is_refused(void)
{
	auto_(world_free) struct world *w = world_start(false);
	w->call = opens(w, "call", "");
	EQ(phone_says(w, client_says(&w->phone, false, 1, ""), false), 0);
	/* None, another tag. */
	EQ(lync_says(w, client_says(&w->lync, false, 1, ""), true), -EPROTONOSUPPORT);
	EQ(lync_says(w, client_says(&w->lync, true, 2, ""), true), -EPROTONOSUPPORT);
	EQ(lync_says(w, client_says(&w->lync, true, 1, ""), true), 0);
	/* A key beside RTP: another tag. */
	EQ(lync_says(w, client_says(&w->lync, true, 1, ""), false), 0);
	EQ(phone_says(w, client_says(&w->phone, true, 2, ""), true), -EPROTONOSUPPORT);
	EQ(phone_says(w, client_says(&w->phone, false, 1, ""), true), 0);
}

static void a_phone_may_take_the_key_that_is_offered_beside_rtp(void)
{
	auto_(world_free) struct world *w = world_start(true);
	w->phone.takes_beside = true;
	talk(w, true);
	OK(both_ways(w, 1));
	client_sends(&w->lync, 0, 2);
	steps(w, 5);
	OK(memcmp(w->phone.raw + 12, "packet", 6) != 0);
}

static void a_phone_that_refused_is_offered_srtp_alone_once(void)
{
	auto_(world_free) struct world *w = world_start(true);
	w->call = opens(w, "call", "");
	EQ(lync_says(w, client_says(&w->lync, true, 1, ""), false), 0);
	OK(bridge_try_again(w->call));
	OK(!bridge_try_again(w->call));
	EQ(lync_says(w, client_says(&w->lync, true, 1, ""), false), 0);
	OK(str_find(buf_view(&w->out), STR("RTP/SAVP")) >= 0);
	EQ(phone_says(w, client_says(&w->phone, false, 1, ""), true), -EPROTONOSUPPORT);
	EQ(phone_says(w, client_says(&w->phone, true, 1, ""), true), 0);
}

/* Descriptions. */

static void what_has_no_description_passes_and_what_is_wrong_is_told(void)
{
	static const struct {
		const char *type, *body;
		int r;
	} row[] = {
		{ "application/sdp", "", -ENOENT },
		{ "text/plain", "hello", -ENOENT },
		{ "application/sdp", "hello", -EBADMSG },
		{ "application/sdp", "v=0\r\nc=IN IP4 127.0.0.1\r\n", -ENODATA },
		{ "application/sdp", "v=0\r\nm=audio 5 RTP/AVP 0\r\n", -EBADMSG },
		{ "application/sdp", "v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 5 RTP/SAVP 0\r\n",
		  -EPROTONOSUPPORT },
		{ "application/sdp", "v=0\r\nc=IN IP4 127.0.0.1\r\nm=video 5 RTP/AVP 31\r\n",
		  -ENODATA },
	};
	auto_(world_free) struct world *w = world_start(false);
	w->call = opens(w, "call", "");
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		EQ(translate_text(w, BRIDGE_CALLER, str_of(row[i].type), str_of(row[i].body),
		                  false),
		   row[i].r);
		EQ(w->out.len, 0);
		OK(!w->call->legs[0] && !w->call->legs[1]);
	}
}

static void it_is_known_whose_answer_is_awaited(void)
{
	auto_(world_free) struct world *w = world_start(false);
	w->call = opens(w, "call", "");
	OK(!bridge_awaits(w->call, BRIDGE_CALLER) && !bridge_awaits(w->call, BRIDGE_CALLED));
	/* The INVITE had none, a reliable answer offers, PRACK answers (RFC 3262 section 5). */
	EQ(translate(w, BRIDGE_CALLED, client_says(&w->lync, true, 1, ""), false), 0);
	OK(bridge_awaits(w->call, BRIDGE_CALLER) && !bridge_awaits(w->call, BRIDGE_CALLED));
	EQ(translate(w, BRIDGE_CALLER, client_says(&w->phone, false, 1, ""), true), 0);
	OK(!bridge_awaits(w->call, BRIDGE_CALLER) && !bridge_awaits(w->call, BRIDGE_CALLED));
}

/* Ports and limits. */

static void ports_of_a_call_that_is_closed_are_free(void)
{
	auto_(world_free) struct world *w = world_start(false);
	w->cfg.port_max = (uint16_t)(w->cfg.port_min + 3);
	bridge_configure(w->bridge, &w->cfg);
	for (int i = 0; i < 3; i++) {
		w->call = opens(w, "call", "");
		EQ(phone_says(w, client_says(&w->phone, false, 1, ""), false), 0);
		bridge_close(w->call);
		loop_turn(w->loop, 0);
	}
	for (uint16_t p = w->cfg.port_min; p <= w->cfg.port_max; p++) {
		struct addr at;
		OK(addr_parse(&at, STR("127.0.0.1"), p) == 0);
		int fd = udp_bind(&at);
		OK(fd >= 0);
		(void)close(fd);
	}
	EQ(bridge_counts(w->bridge).now, 0);
	EQ(bridge_counts(w->bridge).calls, 3);
}

static void without_a_free_port_a_call_is_refused(void)
{
	auto_(world_free) struct world *w = world_start(false);
	struct bridge_call *calls[PORTS / 4 + 1];
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "call-%zu", i);
		w->call = calls[i] = opens(w, id, "");
		EQ(translate(w, BRIDGE_CALLER, client_says(&w->phone, false, 1, ""), false),
		   i < PORTS / 4 ? 0 : -EADDRINUSE);
	}
	EQ(bridge_counts(w->bridge).refused, 1);
	bridge_close(calls[0]);
	EQ(translate(w, BRIDGE_CALLER, client_says(&w->phone, false, 1, ""), false), 0);
}

/* One port of a pair is taken by somebody else. */
static void a_port_that_is_taken_is_passed_by(void)
{
	auto_(world_free) struct world *w = world_start(false);
	struct addr at;
	OK(addr_parse(&at, STR("127.0.0.1"), (uint16_t)(first_port() + 1)) == 0);
	int fd = udp_bind(&at);
	OK(fd >= 0);
	w->call = opens(w, "call", "");
	EQ(translate(w, BRIDGE_CALLER, client_says(&w->phone, false, 1, ""), false), 0);
	RAW_MEMORY struct sdp s;
	struct sound o;
	EQ(sdp_parse(&s, buf_view(&w->out)), 0);
	EQ(sound_read(&o, &s, SOUND_LYNC), 0);
	OK(addr_port(&o.at[0]) > first_port() + 1 && addr_port(&o.at[0]) % 2 == 0);
	EQ(addr_port(&o.at[1]), addr_port(&o.at[0]) + 1);
	(void)close(fd);
}

static void there_are_so_many_calls_and_so_many_of_one_user(void)
{
	auto_(world_free) struct world *w = world_start(false);
	w->cfg.calls_max = 3;
	w->cfg.user_calls_max = 2;
	bridge_configure(w->bridge, &w->cfg);
	struct bridge_call *first = opens(w, "1", "alice");
	OK(first && opens(w, "2", "alice"));
	OK(!opens(w, "3", "alice"));
	OK(opens(w, "4", "bob") != NULL);
	OK(!opens(w, "5", "carol"));
	EQ(bridge_counts(w->bridge).refused, 2);
	EQ(bridge_counts(w->bridge).now, 3);
	bridge_close(first);
	OK(opens(w, "6", "alice") != NULL);
	/* More now; who is not named is not counted. */
	w->cfg.calls_max = 100;
	bridge_configure(w->bridge, &w->cfg);
	for (int i = 0; i < 5; i++)
		OK(opens(w, "7", "") != NULL);
}

static void names_that_are_too_long_are_refused(void)
{
	auto_(world_free) struct world *w = world_start(false);
	char name[BRIDGE_ID_MAX + 1];
	memset(name, 'n', sizeof(name));
	struct bridge_start s = start_of(w, "call", "");
	s.id = str_n(name, sizeof(name));
	OK(!bridge_open(w->bridge, &s));
	s.id = str_n(name, BRIDGE_ID_MAX);
	s.caller_tag = str_n(name, sizeof(name));
	OK(!bridge_open(w->bridge, &s));
	s.caller_tag = str_n(name, BRIDGE_ID_MAX);
	struct bridge_call *c = bridge_open(w->bridge, &s);
	if (!OK(c != NULL))
		return;
	bridge_called_tag(c, STR("short"));
	bridge_called_tag(c, str_n(name, sizeof(name)));
	enum bridge_side from;
	OK(bridge_find(w->bridge, s.id, s.caller_tag, STR("short"), &from) == c);
}

/* Finding and forgetting. */

static void a_call_is_found_by_its_tags_from_both_sides(void)
{
	auto_(world_free) struct world *w = world_start(false);
	enum bridge_side from = BRIDGE_CALLED;
	struct bridge_call *a = opens(w, "call", ""), *b = opens(w, "call", ""); /* a fork */
	bridge_called_tag(a, STR("early"));
	bridge_called_tag(a, STR("x"));
	bridge_answered(a);
	bridge_called_tag(a, STR("late"));
	bridge_called_tag(b, STR("y"));
	OK(bridge_find(w->bridge, STR("call"), STR("caller"), STR("x"), &from) == a);
	EQ(from, BRIDGE_CALLER);
	OK(bridge_find(w->bridge, STR("call"), STR("y"), STR("caller"), &from) == b);
	EQ(from, BRIDGE_CALLED);
	OK(!bridge_find(w->bridge, STR("call"), STR("caller"), STR("late"), &from));
	OK(!bridge_find(w->bridge, STR("call"), STR("caller"), STR("early"), &from));
	OK(!bridge_find(w->bridge, STR("call"), STR("x"), STR("y"), &from));
	OK(!bridge_find(w->bridge, STR("Call"), STR("caller"), STR("x"), &from));
	bridge_close(a);
	OK(!bridge_find(w->bridge, STR("call"), STR("caller"), STR("x"), &from));
}

static void a_call_that_is_not_answered_is_forgotten(void)
{
	auto_(world_free) struct world *w = world_start(false);
	OK(opens(w, "ringing", "") != NULL);
	struct bridge_call *up = opens(w, "up", "");
	bridge_answered(up);
	pass_s(w, BRIDGE_RING_S - 1);
	pass_s(w, 0);
	EQ(bridge_counts(w->bridge).now, 2);
	pass_s(w, BRIDGE_SWEEP_S + 1);
	EQ(bridge_counts(w->bridge).now, 1);
	pass_s(w, BRIDGE_SILENT_S - BRIDGE_RING_S - 2 * BRIDGE_SWEEP_S);
	EQ(bridge_counts(w->bridge).now, 1);
	pass_s(w, 3 * BRIDGE_SWEEP_S);
	EQ(bridge_counts(w->bridge).now, 0);
}

static void a_call_in_which_something_is_heard_is_not_forgotten(void)
{
	auto_(world_free) struct world *w = world_start(false);
	talk(w, false);
	for (uint16_t i = 0; i < 4; i++) {
		pass_s(w, BRIDGE_SILENT_S - BRIDGE_SWEEP_S);
		OK(passes(w, &w->phone, &w->lync, 0, i));
	}
	EQ(bridge_counts(w->bridge).now, 1);
	pass_s(w, BRIDGE_SILENT_S + BRIDGE_SWEEP_S);
	EQ(bridge_counts(w->bridge).now, 0);
	EQ(bridge_counts(w->bridge).packets, 4); /* they are not forgotten */
}

static void who_holds_a_reference_has_the_call_after_its_end(void)
{
	auto_(world_free) struct world *w = world_start(false);
	talk(w, false);
	struct bridge_call *kept = bridge_ref(w->call);
	bridge_close(kept);
	bridge_close(kept); /* twice is once */
	EQ(bridge_counts(w->bridge).now, 0);
	OK(kept->closed && !kept->legs[0] && !kept->legs[1]);
	EQ(translate(w, BRIDGE_CALLED, client_says(&w->lync, true, 1, ""), true), -ENODATA);
	EQ(translate(w, BRIDGE_CALLED, STR(""), true), -ENOENT);
	bridge_called_tag(kept, STR("x"));
	bridge_answered(kept);
	client_sends(&w->phone, 0, 1);
	steps(w, 5);
	EQ(w->lync.n_heard, 0);
	bridge_unref(&kept);
	OK(!kept);
	bridge_unref(&kept);
}

static void a_reference_may_outlive_the_sweep(void)
{
	auto_(world_free) struct world *w = world_start(false);
	struct bridge_call *kept = bridge_ref(opens(w, "call", ""));
	pass_s(w, BRIDGE_RING_S + BRIDGE_SWEEP_S);
	OK(kept->closed);
	bridge_unref(&kept);
}

static void all_calls_can_be_walked(void)
{
	auto_(world_free) struct world *w = world_start(false);
	OK(!bridge_next(w->bridge, NULL));
	struct bridge_call *a = opens(w, "a", ""), *b = opens(w, "b", "");
	OK(bridge_next(w->bridge, NULL) == a && bridge_next(w->bridge, a) == b);
	OK(!bridge_next(w->bridge, b));
}

int main(void)
{
	RUN(sound_passes_both_ways_encrypted_to_the_lync_client);
	RUN(packets_from_elsewhere_are_dropped_and_counted);
	RUN(what_is_no_media_is_dropped);
	RUN(packets_of_a_lync_client_must_be_authentic);
	RUN(before_the_answer_nothing_is_sent);
	RUN(the_port_of_a_phone_may_be_another_once);
	RUN(a_new_description_moves_a_phone);
	RUN(an_offer_that_is_refused_changes_nothing);
	RUN(nothing_is_sent_to_a_phone_that_holds_with_0_0_0_0);
	RUN(media_goes_to_hosts_that_may_be_clients_alone);
	RUN(nothing_is_taken_from_the_bridges_own_ports);
	RUN(no_check_goes_to_0_0_0_0);
	RUN(only_a_phones_media_needs_a_way_to_just_that_address);
	RUN(a_key_that_stays_keeps_its_counters);
	RUN(an_answer_has_the_tag_of_the_offer_even_if_only_that_is_new);
	RUN(a_key_of_ours_that_was_dropped_does_not_come_again);
	RUN(an_answer_with_other_keys_than_were_asked_for_is_refused);
	RUN(a_phone_may_take_the_key_that_is_offered_beside_rtp);
	RUN(a_phone_that_refused_is_offered_srtp_alone_once);
	RUN(what_has_no_description_passes_and_what_is_wrong_is_told);
	RUN(it_is_known_whose_answer_is_awaited);
	RUN(ports_of_a_call_that_is_closed_are_free);
	RUN(without_a_free_port_a_call_is_refused);
	RUN(a_port_that_is_taken_is_passed_by);
	RUN(there_are_so_many_calls_and_so_many_of_one_user);
	RUN(names_that_are_too_long_are_refused);
	RUN(a_call_is_found_by_its_tags_from_both_sides);
	RUN(a_call_that_is_not_answered_is_forgotten);
	RUN(a_call_in_which_something_is_heard_is_not_forgotten);
	RUN(who_holds_a_reference_has_the_call_after_its_end);
	RUN(a_reference_may_outlive_the_sweep);
	RUN(all_calls_can_be_walked);
	return tap_done();
}
