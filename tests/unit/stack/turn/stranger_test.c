#include "far.h"

#include <errno.h>

/* Relays that do not behave: each answer is held against what was asked. */

static uint8_t wrong_key[STUN_KEY_LEN] = "somebody else's";

static uint64_t dropped(const struct far *f)
{
	return turn_client_stats(f->g.client)->dropped;
}

/* --- silence --------------------------------------------------------------------------- */

static void requests_are_repeated_and_then_given_up(void)
{
	struct far f;
	uint8_t first[FAR_MAX];
	far_start(&f, TURN_BY_UDP, false);
	WAIT(f.loop, f.g.n_opened == 1);
	EQ(turn_client_allocate(f.g.client), 0);
	far_hear(&f, 0);
	memcpy(first, f.last, f.len);
	static const unsigned after_ms[] = { 500, 1000, 2000 };
	for (unsigned i = 0; i < ARRAY_SIZE(after_ms); i++) {
		far_wait(&f, after_ms[i] - 10);
		EQ(f.n, i + 1);
		far_wait(&f, 20);
		EQ(f.n, i + 2);
		EQ(memcmp(f.last, first, f.len), 0);
	}
	EQ(turn_client_stats(f.g.client)->repeated, 3);
	far_wait(&f, 7950);
	EQ(f.g.n_failed, 0);
	far_wait(&f, 60);
	EQ(f.n, 4);
	EQ(f.g.n_failed, 1);
	EQ(f.g.failure.err, -ETIMEDOUT);
	EQ(f.g.failure.where, TURN_AT_ALLOCATE);
	EQ_STR(str_of(f.g.why), "the relay does not answer");
	far_stop(&f);
}

static void requests_by_a_connection_are_not_repeated(void)
{
	struct far f;
	far_start(&f, TURN_BY_TCP, false);
	WAIT(f.loop, f.g.n_opened == 1);
	EQ(turn_client_allocate(f.g.client), 0);
	far_hear(&f, 0);
	far_wait(&f, 11000);
	EQ(f.g.n_failed, 0);
	far_wait(&f, 600);
	EQ(f.g.n_failed, 1);
	EQ(f.n, 1);
	EQ(f.g.failure.err, -ETIMEDOUT);
	far_stop(&f);
}

static void a_release_without_an_answer_is_one(void)
{
	struct far f;
	far_start(&f, TURN_BY_UDP, false);
	far_open(&f);
	EQ(turn_client_release(f.g.client), 0);
	for (int i = 0; i < 20; i++)
		far_wait(&f, 1000);
	EQ(f.g.n_released, 1);
	EQ(f.g.n_failed, 0);
	far_stop(&f);
}

/* --- what is no answer ----------------------------------------------------------------- */

static void answers_of_others_are_dropped(void)
{
	struct far f;
	struct udp *other;
	struct addr at;
	struct stun_out o;
	far_start(&f, TURN_BY_UDP, false);
	far_allocate(&f);
	EQ(addr_parse(&at, STR("127.0.0.1"), 0), 0);
	other = udp_new(f.loop, udp_bind(&at), NULL, NULL);
	far_begin(&f, &o, STUN_ERROR);
	stun_put_error(&o, 401, STR(""));
	stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
	EQ(udp_send(other, &f.client, stun_text(&o)), 0);
	WAIT(f.loop, dropped(&f) == 1);
	EQ(f.g.n_failed, 0);
	udp_free(&other);
	far_stop(&f);
}

/* Each is a success but for one thing. */
static void answers_to_something_else_are_dropped(void)
{
	for (int i = 0; i < 5; i++) {
		struct far f;
		struct stun_out o;
		far_start(&f, i % 2 ? TURN_BY_TCP : TURN_BY_UDP, false);
		far_allocate(&f);
		far_begin(&f, &o, STUN_SUCCESS);
		if (i == 0) /* another id */
			o.bytes[10] ^= 1;
		if (i == 1) /* another method */
			stun_begin(&o, STUN_SUCCESS, STUN_REFRESH, f.last + 8);
		if (i == 2) /* a request */
			stun_begin(&o, STUN_REQUEST, STUN_ALLOCATE, f.last + 8);
		if (i == 3) /* an attribute that must be understood */
			stun_put_u32(&o, 0x7abc, 1);
		if (i == 4) /* an error without a code */
			stun_begin(&o, STUN_ERROR, STUN_ALLOCATE, f.last + 8);
		far_end(&f, &o, f.key);
		EQ(dropped(&f), 1);
		EQ(f.g.n_failed + f.g.n_allocated, 0);
		far_grant(&f, STR("192.0.2.1:50000"), 600, f.key);
		EQ(f.g.n_allocated, 1);
		far_stop(&f);
	}
}

static void a_wrong_fingerprint_is_dropped(void)
{
	struct far f;
	struct stun_out o;
	far_start(&f, TURN_BY_UDP, false);
	far_allocate(&f);
	far_begin(&f, &o, STUN_SUCCESS);
	stun_end(&o, STUN_STANDARD, str_n((const char *)f.key, sizeof(f.key)));
	o.bytes[o.len - 1] ^= 1;
	far_say(&f, o.bytes, o.len);
	EQ(dropped(&f), 1);
	EQ(f.g.n_failed, 0);
	far_stop(&f);
}

/* --- signatures ------------------------------------------------------------------------ */

/* By UDP the right one may come yet. */
static void unsigned_answers_by_datagrams_are_not_believed(void)
{
	struct far f;
	far_start(&f, TURN_BY_UDP, false);
	far_allocate(&f);
	far_grant(&f, STR("192.0.2.66:50000"), 600, NULL);
	far_grant(&f, STR("192.0.2.66:50000"), 600, wrong_key);
	far_refuse(&f, 508, NULL);
	EQ(dropped(&f), 3);
	EQ(f.g.n_allocated + f.g.n_failed, 0);
	far_grant(&f, STR("192.0.2.1:50000"), 600, f.key);
	EQ(f.g.n_allocated, 1);
	struct addr want;
	EQ(addr_parse_port(&want, STR("192.0.2.1:50000")), 0);
	OK(addr_eq(&f.g.allocation.relayed, &want));
	far_stop(&f);
}

static void unsigned_answers_tell_more_than_silence(void)
{
	for (int refusal = 0; refusal < 2; refusal++) {
		struct far f;
		far_start(&f, TURN_BY_UDP, false);
		far_allocate(&f);
		if (refusal)
			far_refuse(&f, 508, NULL);
		else
			far_grant(&f, STR("192.0.2.1:50000"), 600, NULL);
		for (int i = 0; i < 20; i++)
			far_wait(&f, 1000);
		EQ(f.g.n_failed, 1);
		EQ(f.g.failure.code, refusal ? 508 : 0);
		EQ(f.g.failure.err, refusal ? 0 : -EBADMSG);
		far_stop(&f);
	}
}

static void unsigned_answers_by_a_connection_are_its_last(void)
{
	for (int refusal = 0; refusal < 2; refusal++) {
		struct far f;
		far_start(&f, TURN_BY_TCP, false);
		far_allocate(&f);
		if (refusal)
			far_refuse(&f, 508, wrong_key);
		else
			far_grant(&f, STR("192.0.2.1:50000"), 600, NULL);
		EQ(f.g.n_failed, 1);
		EQ(f.g.failure.code, refusal ? 508 : 0);
		far_stop(&f);
	}
}

static void the_words_of_a_relay_steer_no_terminal(void)
{
	struct far f;
	far_start(&f, TURN_BY_UDP, false);
	far_allocate(&f);
	far_refuse(&f, 508, f.key);
	EQ_STR(str_of(f.g.why), "the relay refuses: 508 No?[2J");
	far_stop(&f);
}

/* --- challenges ------------------------------------------------------------------------ */

static void challenges_without_end_are_given_up(void)
{
	struct far f;
	unsigned n = 0;
	far_start(&f, TURN_BY_UDP, false);
	far_allocate(&f);
	for (; f.g.n_failed == 0 && n < 10; n++)
		far_challenge(&f, 438, STR("realm"), STR("another"));
	EQ(n, TURN_CLIENT_CHALLENGES_MAX);
	EQ(f.g.failure.code, 438);
	far_stop(&f);
}

static void challenges_that_make_no_sense_are_told(void)
{
	static const char long_text[TURN_CLIENT_TEXT_MAX + 1];
	struct str rows[][2] = {
		{ STR(""), STR("nonce") },
		{ STR("realm"), STR("") },
		{ STR("realm"), str_n(memset((char[256]){ 0 }, 'x', 256), sizeof(long_text)) },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct far f;
		far_start(&f, TURN_BY_UDP, false);
		WAIT(f.loop, f.g.n_opened == 1);
		EQ(turn_client_allocate(f.g.client), 0);
		far_hear(&f, 0);
		far_challenge(&f, 401, rows[i][0], rows[i][1]);
		EQ(f.g.n_failed, 1);
		EQ(f.g.failure.err, -EBADMSG);
		EQ(f.n, 1);
		far_stop(&f);
	}
}

/* The key is that of the first realm: what comes later unsigned does not change it. */
static void a_stale_nonce_is_answered_with_the_new_one(void)
{
	struct far f;
	struct stun_msg m;
	struct str s = STR("");
	far_start(&f, TURN_BY_UDP, false);
	far_open(&f);
	struct addr peer;
	EQ(addr_parse_port(&peer, STR("192.0.2.9:9")), 0);
	unsigned before = f.n;
	EQ(turn_client_permit(f.g.client, &peer), 0);
	far_hear(&f, before);
	m = far_request(&f, STUN_CREATE_PERMISSION);
	uint8_t id[STUN_ID_LEN];
	memcpy(id, m.id, sizeof(id));
	before = f.n;
	far_challenge(&f, 438, STR("evil"), STR("fresh"));
	far_hear(&f, before);
	m = far_request(&f, STUN_CREATE_PERMISSION);
	OK(memcmp(id, m.id, sizeof(id)) != 0);
	OK(stun_attr_text(&m, STUN_NONCE, &s) && str_eq(s, STR("fresh")));
	OK(stun_attr_text(&m, STUN_REALM, &s) && str_eq(s, STR("realm")));
	OK(stun_is_signed(&m, STUN_STANDARD, str_n((const char *)f.key, sizeof(f.key))));
	struct stun_out o;
	far_begin(&f, &o, STUN_SUCCESS);
	far_end(&f, &o, f.key);
	EQ(f.g.n_permitted, 1);
	far_stop(&f);
}

static void credentials_that_no_request_holds_are_told(void)
{
	struct far f;
	char name[1001];
	struct guest g = { .client = NULL };
	far_start(&f, TURN_BY_UDP, false);
	memset(name, 'x', sizeof(name));
	struct turn_client_config cfg = { .server = *udp_local(f.u),
		                          .user = str_n(name, sizeof(name) - 1),
		                          .password = STR("p") };
	turn_client_free(&f.g.client);
	g.client = turn_client_new(f.loop, &cfg, &guest_ops, &g);
	WAIT(f.loop, g.n_opened == 1);
	EQ(turn_client_allocate(g.client), 0);
	far_hear(&f, 0);
	far_challenge(&f, 401, str_n(name, 200), str_n(name, 200));
	EQ(g.n_failed, 1);
	EQ(g.failure.err, -EMSGSIZE);
	guest_stop(&g);
	far_stop(&f);
}

/* --- what an allocation says ------------------------------------------------------------ */

static void allocations_that_make_no_sense_are_told(void)
{
	static const struct {
		const char *relayed;
		uint32_t life_s;
	} rows[] = { { "", 600 },
		     { "[2001:db8::1]:50000", 600 }, /* IPv4 was asked for */
		     { "192.0.2.1:0", 600 },
		     { "0.0.0.0:50000", 600 },
		     { "224.0.0.1:50000", 600 },
		     { "192.0.2.1:50000", 0 } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct far f;
		far_start(&f, TURN_BY_UDP, false);
		far_allocate(&f);
		far_grant(&f, str_of(rows[i].relayed), rows[i].life_s, f.key);
		EQ(f.g.n_allocated, 0);
		EQ(f.g.n_failed, 1);
		EQ(f.g.failure.err, -EBADMSG);
		far_stop(&f);
	}
}

static void refreshes_are_neither_too_many_nor_too_late(void)
{
	static const struct {
		uint32_t life_s;
		unsigned after_s;
	} rows[] = { { 1, TURN_CLIENT_REFRESH_MIN_S },
		     { 60, 30 },
		     { 600, 540 },
		     { UINT32_MAX, TURN_CLIENT_REFRESH_MAX_S } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct far f;
		far_start(&f, TURN_BY_TCP, false);
		far_allocate(&f);
		far_grant(&f, STR("192.0.2.1:50000"), rows[i].life_s, f.key);
		EQ(f.g.n_allocated, 1);
		far_wait(&f, rows[i].after_s * 1000 - 100);
		EQ(far_method(&f), STUN_ALLOCATE);
		far_wait(&f, 200);
		EQ(far_method(&f), STUN_REFRESH);
		far_stop(&f);
	}
}

static void an_answer_of_binding_needs_an_address(void)
{
	struct far f;
	struct stun_out o;
	far_start(&f, TURN_BY_UDP, false);
	WAIT(f.loop, f.g.n_opened == 1);
	EQ(turn_client_binding(f.g.client), 0);
	far_hear(&f, 0);
	far_begin(&f, &o, STUN_SUCCESS);
	far_end(&f, &o, NULL);
	EQ(f.g.n_failed, 1);
	EQ(f.g.failure.where, TURN_AT_BINDING);
	OK(!f.g.failure.over);
	far_stop(&f);
}

/* --- data ------------------------------------------------------------------------------ */

static void say_data(struct far *f, const char *peer)
{
	static const uint8_t id[STUN_ID_LEN];
	struct stun_out o;
	struct addr a;
	EQ(addr_parse_port(&a, str_of(peer)), 0);
	stun_begin(&o, STUN_INDICATION, STUN_DATA_METHOD, id);
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, &a);
	stun_put(&o, STUN_DATA, STR("data"));
	far_say(f, o.bytes, o.len);
}

static void say_channel(struct far *f, uint16_t number)
{
	uint8_t room[TURN_HEADROOM + 4 + TURN_TAILROOM];
	struct bytes whole = turn_put_channel(room + TURN_HEADROOM, 4, number, TURN_STREAM);
	far_say(f, whole.p, whole.len);
}

static void data_from_nobody_we_know_are_dropped(void)
{
	for (int way = TURN_BY_UDP; way <= TURN_BY_TCP; way++) {
		struct far f;
		struct stun_out o;
		struct addr peer;
		far_start(&f, (enum turn_way)way, false);
		far_open(&f);
		EQ(addr_parse_port(&peer, STR("192.0.2.9:9")), 0);
		say_data(&f, "192.0.2.9:9");
		EQ(dropped(&f), 1);
		unsigned before = f.n;
		EQ(turn_client_bind(f.g.client, &peer), 0);
		far_hear(&f, before);
		say_channel(&f, TURN_CHANNEL_MIN);
		EQ(dropped(&f), 2);
		far_begin(&f, &o, STUN_SUCCESS);
		far_end(&f, &o, f.key);
		say_channel(&f, TURN_CHANNEL_MIN);
		say_data(&f, "192.0.2.9:10"); /* another port of the host */
		say_data(&f, "192.0.2.10:9");
		say_channel(&f, TURN_CHANNEL_MIN + 1);
		EQ(f.g.n_data, 2);
		EQ(dropped(&f), 4);
		far_stop(&f);
	}
}

static void permissions_are_limited(void)
{
	struct far f;
	struct addr peer;
	far_start(&f, TURN_BY_UDP, false);
	far_open(&f);
	for (uint16_t i = 0; i < TURN_CLIENT_BONDS_MAX; i++) {
		EQ(addr_parse(&peer, STR("192.0.2.9"), i + 1), 0);
		EQ(turn_client_bind(f.g.client, &peer), 0);
	}
	addr_set_port(&peer, 9999);
	EQ(turn_client_bind(f.g.client, &peer), -ENOSPC);
	EQ(turn_client_permit(f.g.client, &peer), -ENOSPC);
	addr_set_port(&peer, 1);
	turn_client_forget(f.g.client, &peer);
	EQ(turn_client_permit(f.g.client, &peer), 0);
	far_stop(&f);
}

/* --- connections ----------------------------------------------------------------------- */

static void what_is_no_turn_ends_the_connection(void)
{
	struct far f;
	far_start(&f, TURN_BY_TCP, false);
	far_open(&f);
	far_say(&f, "HTTP/1.1 400 Bad Request\r\n", 26);
	EQ(f.g.n_failed, 1);
	EQ(f.g.failure.where, TURN_AT_CONNECTION);
	EQ_STR(str_of(f.g.why), "what answers there does not speak TURN");
	far_stop(&f);
}

static void a_greeting_that_is_none_is_told(void)
{
	for (int silent = 0; silent < 2; silent++) {
		struct far f;
		far_start(&f, TURN_BY_PSEUDO_TLS, true);
		far_settle(&f);
		if (silent)
			far_wait(&f, (TURN_CLIENT_OPEN_S + 1) * 1000);
		else
			far_say(&f, "\x15\x03\x01\x00\x02\x02\x28", 7); /* an alert */
		EQ(f.g.n_failed, 1);
		EQ(f.g.failure.where, TURN_AT_OPENING);
		OK(str_find(str_of(f.g.why), STR("pseudo-TLS")) > 0);
		far_stop(&f);
	}
}

/* Nothing is read at the other end. */
static void a_relay_that_does_not_read_costs_a_bounded_memory(void)
{
	static char packet[1200];
	struct far f;
	struct addr peer;
	struct stun_out o;
	int r = 0, n = 0;
	far_start(&f, TURN_BY_TCP, false);
	far_open(&f);
	EQ(addr_parse_port(&peer, STR("192.0.2.9:9")), 0);
	unsigned before = f.n;
	EQ(turn_client_bind(f.g.client, &peer), 0);
	far_hear(&f, before);
	far_begin(&f, &o, STUN_SUCCESS);
	far_end(&f, &o, f.key);
	stream_pause(f.s, true);
	for (; r == 0 && n < 10000; n++) {
		r = turn_client_send(f.g.client, &peer, str_n(packet, sizeof(packet)));
		if (n % 16 == 0)
			loop_turn(f.loop, 0);
	}
	EQ(r, -ENOBUFS);
	EQ(f.g.n_failed, 0);
	far_stop(&f);
}

/* --- the dialect of Lync --------------------------------------------------------------- */

static void answers_to_lync_are_held_against_the_request_too(void)
{
	for (int i = 0; i < 5; i++) {
		struct far f;
		struct msturn_out o;
		struct addr peer;
		enum turn_way way = i % 2 ? TURN_BY_TCP : TURN_BY_UDP;
		far_start(&f, way, true);
		far_open(&f);
		EQ(addr_parse_port(&peer, STR("192.0.2.9:9")), 0);
		unsigned before = f.n;
		EQ(turn_client_bind(f.g.client, &peer), 0);
		far_hear(&f, before);
		far_begin_lync(&f, &o, MSTURN_SET_ACTIVE_SUCCESS);
		if (i == 0) /* another id */
			o.bytes[4] ^= 1;
		if (i == 1) /* another method */
			far_begin_lync(&f, &o, MSTURN_ALLOCATE_SUCCESS);
		if (i == 2) /* an attribute that must be understood */
			msturn_put_u32(&o, 0x7abc, 1);
		if (i == 3) /* an error without a code */
			far_begin_lync(&f, &o, MSTURN_SET_ACTIVE_ERROR);
		if (i == 4) /* a message that is none of an answer */
			far_begin_lync(&f, &o, MSTURN_SEND);
		far_end_lync(&f, &o, f.key);
		EQ(dropped(&f), 1);
		EQ(f.g.n_bound + f.g.n_failed, 0);
		far_begin_lync(&f, &o, MSTURN_SET_ACTIVE_SUCCESS);
		far_end_lync(&f, &o, f.key);
		EQ(f.g.n_bound, 1);
		far_stop(&f);
	}
}

static void unsigned_answers_to_lync_are_not_believed(void)
{
	struct far f;
	struct msturn_out o;
	struct addr peer;
	far_start(&f, TURN_BY_UDP, true);
	far_open(&f);
	EQ(addr_parse_port(&peer, STR("192.0.2.9:9")), 0);
	unsigned before = f.n;
	EQ(turn_client_bind(f.g.client, &peer), 0);
	far_hear(&f, before);
	far_begin_lync(&f, &o, MSTURN_SET_ACTIVE_SUCCESS);
	far_end_lync(&f, &o, NULL);
	far_begin_lync(&f, &o, MSTURN_SET_ACTIVE_SUCCESS);
	far_end_lync(&f, &o, wrong_key);
	EQ(f.g.n_bound, 0);
	EQ(dropped(&f), 2);
	far_stop(&f);
}

/* A number is good once: what is repeated has the next one. */
static void repetitions_in_lyncs_dialect_count_on(void)
{
	struct far f;
	struct msturn_msg m;
	struct msturn_sequence s = { .number = 0 };
	struct addr peer;
	far_start(&f, TURN_BY_UDP, true);
	far_open(&f);
	EQ(addr_parse_port(&peer, STR("192.0.2.9:9")), 0);
	EQ(turn_client_bind(f.g.client, &peer), 0);
	for (uint32_t want = 1; want < 4; want++) {
		far_wait(&f, 600u << (want - 1));
		EQ(msturn_parse(&m, str_n((const char *)f.last, f.len)), 0);
		EQ(m.type, MSTURN_SET_ACTIVE);
		OK(msturn_attr_sequence(&m, &s) && msturn_is_signed(&m, f.key));
		OK(s.number >= want);
	}
	EQ(s.number, f.n - 2);
	far_stop(&f);
}

int main(void)
{
	RUN(requests_are_repeated_and_then_given_up);
	RUN(requests_by_a_connection_are_not_repeated);
	RUN(a_release_without_an_answer_is_one);
	RUN(answers_of_others_are_dropped);
	RUN(answers_to_something_else_are_dropped);
	RUN(a_wrong_fingerprint_is_dropped);
	RUN(unsigned_answers_by_datagrams_are_not_believed);
	RUN(unsigned_answers_tell_more_than_silence);
	RUN(unsigned_answers_by_a_connection_are_its_last);
	RUN(the_words_of_a_relay_steer_no_terminal);
	RUN(challenges_without_end_are_given_up);
	RUN(challenges_that_make_no_sense_are_told);
	RUN(a_stale_nonce_is_answered_with_the_new_one);
	RUN(credentials_that_no_request_holds_are_told);
	RUN(allocations_that_make_no_sense_are_told);
	RUN(refreshes_are_neither_too_many_nor_too_late);
	RUN(an_answer_of_binding_needs_an_address);
	RUN(data_from_nobody_we_know_are_dropped);
	RUN(permissions_are_limited);
	RUN(what_is_no_turn_ends_the_connection);
	RUN(a_greeting_that_is_none_is_told);
	RUN(a_relay_that_does_not_read_costs_a_bounded_memory);
	RUN(answers_to_lync_are_held_against_the_request_too);
	RUN(unsigned_answers_to_lync_are_not_believed);
	RUN(repetitions_in_lyncs_dialect_count_on);
	return tap_done();
}
