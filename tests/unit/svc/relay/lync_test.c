#include "edge.h"

#include "base/code.h"
#include "base/rand.h"
#include "wire/turn/msturn.h"

/* Clients with the dialect of Lync, by datagrams and by a connection. */

struct world {
	struct edge e;
	struct party client, peer;
	struct relay_stream *stream; /* NULL: datagrams */
	char name[512];
	size_t name_len;
	uint8_t key[STUN_KEY_LEN];
	char nonce[64];
	struct msturn_sequence sequence;
	struct addr relayed;
	struct msturn_msg m; /* the last answer */
};

static void start(struct world *w, bool stream)
{
	struct account a;
	edge_start(&w->e);
	w->stream = NULL;
	party_start(&w->client, w->e.loop);
	party_start(&w->peer, w->e.loop);
	account_get(&a, &w->e, "alice@example.test", 3600);
	/* What is text to others is bytes here. */
	struct buf name = BUF_ON(w->name);
	char secret[64];
	struct buf password = BUF_ON(secret);
	OK(base64_get(str_of(a.name), &name) == 0 &&
	   base64_get(str_of(a.password), &password) == 0);
	w->name_len = name.len;
	stun_long_term_key(w->key, buf_view(&name), str_of(a.realm), buf_view(&password));
	if (stream)
		w->stream = relay_stream_new(w->e.relay, &w->e.face, &w->client.at, TURN_MS,
		                             &w->e.stream);
}

static void stop(struct world *w)
{
	relay_stream_free(&w->stream);
	party_stop(&w->client);
	party_stop(&w->peer);
	edge_stop(&w->e);
}

/* --- messages -------------------------------------------------------------------------- */

static void begin(struct msturn_out *o, enum msturn_type type)
{
	uint8_t id[MSTURN_ID_LEN];
	rand_bytes(id, sizeof(id));
	msturn_begin(o, type, id);
	msturn_put_u32(o, MSTURN_VERSION, MSTURN_ICE);
}

static void sign(struct world *w, struct msturn_out *o)
{
	msturn_put(o, MSTURN_USERNAME, str_n(w->name, w->name_len));
	msturn_put(o, MSTURN_NONCE, str_of(w->nonce));
	msturn_put(o, MSTURN_REALM, STR("example.test"));
	if (w->relayed.sa.sa_family != AF_UNSPEC)
		msturn_put_sequence(o, &w->sequence);
	w->sequence.number++;
	msturn_sign(o, w->key);
}

static struct party *client_of(struct world *w)
{
	return w->stream ? &w->e.stream : &w->client;
}

/* As a frame of that type by a connection, or as it is. */
static void send_bytes(struct world *w, struct str s, enum turn_ms_frame type)
{
	static uint8_t space[PACKET_HEADROOM + 4096];
	if (!w->stream) {
		EQ(udp_send(w->client.u, &w->e.face.local, s), 0);
		return;
	}
	memcpy(space + PACKET_HEADROOM, s.p, s.len);
	struct bytes whole = turn_put_ms_frame(space + PACKET_HEADROOM, s.len, type);
	OK(relay_frame(w->stream, (struct bytes){ space + PACKET_HEADROOM - TURN_MS_FRAME_HEAD_LEN,
	                                          whole.len }));
}

/* What the client got last, without the head of a frame of that type. */
static struct str got(struct world *w, enum turn_ms_frame type)
{
	struct party *p = client_of(w);
	if (!w->stream)
		return str_n(p->last, p->len);
	EQ(p->last[0], type);
	return str_n(p->last + TURN_MS_FRAME_HEAD_LEN, p->len - TURN_MS_FRAME_HEAD_LEN);
}

/* 200, the code of the error, or 0 if nobody answers. */
static unsigned ask(struct world *w, const struct msturn_out *o)
{
	struct party *p = client_of(w);
	unsigned before = p->n, code = 200;
	struct str reason;
	send_bytes(w, msturn_text(o), TURN_MS_FRAME_CONTROL);
	for (int i = 0; i < 20 && p->n == before; i++)
		loop_turn(w->e.loop, EDGE_STEP_MS * USEC_PER_MSEC);
	if (p->n == before)
		return 0;
	if (!OK(msturn_parse(&w->m, got(w, TURN_MS_FRAME_CONTROL)) == 0))
		return 0;
	(void)msturn_attr_error(&w->m, &code, &reason);
	return code;
}

static unsigned allocate(struct world *w)
{
	struct msturn_out o;
	struct str nonce;
	begin(&o, MSTURN_ALLOCATE);
	unsigned code = ask(w, &o);
	if (code != 401 || !OK(msturn_attr(&w->m, MSTURN_NONCE, &nonce)))
		return code;
	memcpy(w->nonce, nonce.p, MIN(nonce.len, sizeof(w->nonce) - 1));
	w->nonce[MIN(nonce.len, sizeof(w->nonce) - 1)] = '\0';
	begin(&o, MSTURN_ALLOCATE);
	sign(w, &o);
	code = ask(w, &o);
	if (code == 200) {
		OK(msturn_attr_addr(&w->m, MSTURN_MAPPED_ADDRESS, &w->relayed));
		OK(msturn_attr_sequence(&w->m, &w->sequence));
		OK(msturn_is_signed(&w->m, w->key));
		w->sequence.number++;
	}
	return code;
}

static void start_allocated(struct world *w, bool stream)
{
	start(w, stream);
	w->relayed.sa.sa_family = AF_UNSPEC;
	EQ(allocate(w), 200);
}

static void make_send(struct world *w, struct msturn_out *o, const struct addr *to, struct str data)
{
	begin(o, MSTURN_SEND);
	msturn_put_addr(o, MSTURN_DESTINATION_ADDRESS, to);
	msturn_put(o, MSTURN_DATA, data);
	sign(w, o);
}

static unsigned set_active(struct world *w, const struct addr *to)
{
	struct msturn_out o;
	begin(&o, MSTURN_SET_ACTIVE);
	msturn_put_addr(&o, MSTURN_DESTINATION_ADDRESS, to);
	sign(w, &o);
	return ask(w, &o);
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
	make_send(w, &o, &w->peer.at, data);
	send_bytes(w, msturn_text(&o), TURN_MS_FRAME_CONTROL);
	return reaches(w, &w->peer, before);
}

static bool peer_reaches(struct world *w, const char *text)
{
	unsigned before = client_of(w)->n;
	EQ(udp_send(w->peer.u, &w->relayed, str_of(text)), 0);
	return reaches(w, client_of(w), before);
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
		OK(msturn_attr_u32(&w.m, MSTURN_LIFETIME, &life_s));
		OK(stream ? life_s > 3590 : life_s == RELAY_LIFE_DEFAULT_S);
		EQ(w.e.n_began, 1);
		/* The same again refreshes; a lifetime of 0 releases. */
		begin(&o, MSTURN_ALLOCATE);
		msturn_put_u32(&o, MSTURN_LIFETIME, 900);
		sign(&w, &o);
		EQ(ask(&w, &o), 200);
		OK(msturn_attr_u32(&w.m, MSTURN_LIFETIME, &life_s));
		OK(stream ? life_s > 3590 : life_s == 900);
		EQ(w.e.n_began, 1);
		begin(&o, MSTURN_ALLOCATE);
		msturn_put_u32(&o, MSTURN_LIFETIME, 0);
		sign(&w, &o);
		EQ(ask(&w, &o), 200);
		EQ(w.e.n_ended[RELAY_RELEASED], 1);
		stop(&w);
	}
}

static void wrong_credentials_are_refused(void)
{
	struct world w;
	start(&w, false);
	w.relayed.sa.sa_family = AF_UNSPEC;
	w.key[3] ^= 1;
	EQ(allocate(&w), 401);
	w.key[3] ^= 1;
	w.name[9] ^= 1;
	EQ(allocate(&w), 401);
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
	OK(addr_eq(&w.peer.from, &w.relayed));
	OK(peer_reaches(&w, "back"));
	EQ(msturn_parse(&w.m, got(&w, TURN_MS_FRAME_CONTROL)), 0);
	EQ(w.m.type, MSTURN_DATA_INDICATION);
	OK(msturn_attr(&w.m, MSTURN_DATA, &data));
	EQ_STR(data, "back");
	OK(msturn_attr_addr(&w.m, MSTURN_REMOTE_ADDRESS, &from) && addr_eq(&from, &w.peer.at));
	stop(&w);
}

static void the_chosen_peer_needs_no_heads(void)
{
	struct world w;
	unsigned before;
	start_allocated(&w, false);
	before = w.peer.n;
	send_bytes(&w, STR("too early"), TURN_MS_FRAME_DATA);
	OK(!reaches(&w, &w.peer, before));
	EQ(set_active(&w, &w.peer.at), 200);
	before = w.peer.n;
	send_bytes(&w, STR("\x80 media"), TURN_MS_FRAME_DATA);
	OK(reaches(&w, &w.peer, before));
	EQ_STR(str_n(w.peer.last, w.peer.len), "\x80 media");
	OK(peer_reaches(&w, "\x80 back"));
	EQ_STR(got(&w, TURN_MS_FRAME_DATA), "\x80 back");
	OK(send_reaches(&w, STR("still"))); /* messages go on as well */
	stop(&w);
}

/* STUN between the ends is theirs, though it looks like what is for the relay. */
static void checks_of_the_ends_pass_through(void)
{
	struct world w;
	struct stun_out o;
	static const uint8_t id[STUN_ID_LEN] = { 5 };
	start_allocated(&w, false);
	EQ(set_active(&w, &w.peer.at), 200);
	stun_begin(&o, STUN_REQUEST, STUN_BINDING, id);
	stun_end(&o, STUN_STANDARD, (struct str){ NULL, 0 });
	unsigned before = w.peer.n;
	send_bytes(&w, stun_text(&o), TURN_MS_FRAME_DATA);
	OK(reaches(&w, &w.peer, before));
	EQ(w.peer.len, o.len);
	stop(&w);
}

static void what_was_captured_is_of_no_use(void)
{
	struct world w;
	struct msturn_out o;
	start_allocated(&w, false);
	make_send(&w, &o, &w.peer.at, STR("once"));
	unsigned before = w.peer.n;
	send_bytes(&w, msturn_text(&o), TURN_MS_FRAME_CONTROL);
	OK(reaches(&w, &w.peer, before));
	before = w.peer.n;
	send_bytes(&w, msturn_text(&o), TURN_MS_FRAME_CONTROL);
	OK(!reaches(&w, &w.peer, before));
	/* Nor is one that is not signed, or by another's key. */
	begin(&o, MSTURN_SET_ACTIVE);
	msturn_put_addr(&o, MSTURN_DESTINATION_ADDRESS, &w.peer.at);
	EQ(ask(&w, &o), 401);
	w.key[0] ^= 1;
	EQ(set_active(&w, &w.peer.at), 401);
	w.key[0] ^= 1;
	EQ(set_active(&w, &w.peer.at), 200);
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
		EQ(set_active(&w, &a), 403);
		make_send(&w, &o, &a, STR("x"));
		EQ(ask(&w, &o), 0);
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
	w.relayed.sa.sa_family = AF_UNSPEC;
	account_get(&a, &w.e, "alice@example.test", 3600);
	EQ(edge_allocate(&w.e, &w.client, &a, &at), 200);
	EQ(allocate(&w), 437);
	w.relayed = at;
	EQ(set_active(&w, &w.peer.at), 437);
	EQ(relay_stats(w.e.relay)->allocations, 1);
	stop(&w);
}

int main(void)
{
	RUN(who_has_credentials_gets_an_allocation);
	RUN(wrong_credentials_are_refused);
	RUN(data_pass_by_messages_both_ways);
	RUN(the_chosen_peer_needs_no_heads);
	RUN(checks_of_the_ends_pass_through);
	RUN(what_was_captured_is_of_no_use);
	RUN(forbidden_peers_are_refused);
	RUN(requests_of_the_other_dialect_are_refused);
	return tap_done();
}
