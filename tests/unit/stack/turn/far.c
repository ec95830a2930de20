#include "far.h"

#include <sys/socket.h>

enum { TURNS = 4 };

static void on_datagram(void *arg, struct udp *u UNUSED, const struct addr *from, struct str data)
{
	struct far *f = arg;
	f->client = *from;
	f->n++;
	f->len = MIN(data.len, sizeof(f->last));
	memcpy(f->last, data.p, f->len);
}

/* A message a time; the heads of Lync's frames are left out. */
static ssize_t on_data(void *arg, struct str in)
{
	struct far *f = arg;
	ssize_t n = turn_frame(bytes_of(in), f->lync ? TURN_MS : TURN_STANDARD, FAR_MAX);
	size_t head = f->lync ? TURN_MS_FRAME_HEAD_LEN : 0;
	if (n <= 0)
		return 0;
	f->n++;
	f->len = (size_t)n - head;
	memcpy(f->last, in.p + head, f->len);
	return n;
}

static void on_closed(void *arg UNUSED, int err UNUSED, const char *why UNUSED)
{
}

static const struct stream_ops ops = { .data = on_data, .closed = on_closed };

static void start_stream(struct far *f, const struct turn_client_config *cfg)
{
	static const struct stream_limits lim = { .read_max = 1024 * 1024,
		                                  .write_max = 1024 * 1024,
		                                  .open_max = 60 * USEC_PER_SEC };
	int fds[2];
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	f->s = stream_accept(f->loop, fds[0], NULL, &lim, &ops, f);
	f->g.client = client_new_on(f->loop, fds[1], cfg, &guest_ops, &f->g);
}

void far_start(struct far *f, enum turn_way way, bool lync)
{
	*f = (struct far){ .loop = loop_new(), .lync = lync };
	loop_clock_move(f->loop, USEC_PER_SEC);
	struct turn_client_config cfg = { .way = way,
		                          .lync = lync,
		                          .tries = 4,
		                          .user = lync ? STR("dXNlcg==") : STR("user"),
		                          .password =
		                                  lync ? STR("cGFzc3dvcmQ=") : STR("password") };
	stun_long_term_key(f->key, STR("user"), STR("realm"), STR("password"));
	if (way != TURN_BY_UDP) {
		start_stream(f, &cfg);
		return;
	}
	EQ(addr_parse(&f->at, STR("127.0.0.1"), 0), 0);
	f->u = udp_new(f->loop, udp_bind(&f->at), on_datagram, f);
	cfg.server = *udp_local(f->u);
	f->g.client = turn_client_new(f->loop, &cfg, &guest_ops, &f->g);
}

void far_stop(struct far *f)
{
	guest_stop(&f->g);
	udp_free(&f->u);
	stream_free(&f->s);
	loop_free(&f->loop);
}

void far_settle(struct far *f)
{
	for (int i = 0; i < TURNS; i++)
		loop_turn(f->loop, USEC_PER_MSEC);
}

void far_wait(struct far *f, unsigned ms)
{
	loop_clock_move(f->loop, ms * USEC_PER_MSEC);
	far_settle(f);
}

void far_hear(struct far *f, unsigned before)
{
	WAIT(f->loop, f->n > before);
}

void far_say(struct far *f, const void *p, size_t n)
{
	struct str bytes = str_n(p, n);
	if (f->u)
		EQ(udp_send(f->u, &f->client, bytes), 0);
	else
		stream_write(f->s, bytes);
	far_settle(f);
}

/* --- messages -------------------------------------------------------------------------- */

struct stun_msg far_request(struct far *f, unsigned method)
{
	struct stun_msg m = { .n_attrs = 0 };
	EQ(stun_parse(&m, str_n((const char *)f->last, f->len)), 0);
	EQ(m.method, method);
	EQ(m.class, STUN_REQUEST);
	return m;
}

uint16_t far_method(const struct far *f)
{
	struct stun_msg m;
	return stun_parse(&m, str_n((const char *)f->last, f->len)) == 0 ? m.method : 0;
}

void far_begin(struct far *f, struct stun_out *o, enum stun_class class)
{
	stun_begin(o, class, far_method(f), f->last + 8);
}

void far_end(struct far *f, struct stun_out *o, const uint8_t *key)
{
	struct str k = { (const char *)key, key ? STUN_KEY_LEN : 0 };
	stun_end(o, STUN_STANDARD, k);
	OK(!o->full);
	far_say(f, o->bytes, o->len);
}

void far_challenge(struct far *f, unsigned code, struct str realm, struct str nonce)
{
	struct stun_out o;
	far_begin(f, &o, STUN_ERROR);
	stun_put_error(&o, code, STR(""));
	if (realm.len)
		stun_put(&o, STUN_REALM, realm);
	if (nonce.len)
		stun_put(&o, STUN_NONCE, nonce);
	far_end(f, &o, NULL);
}

void far_refuse(struct far *f, unsigned code, const uint8_t *key)
{
	struct stun_out o;
	far_begin(f, &o, STUN_ERROR);
	stun_put_error(&o, code, STR("No\x1b[2J"));
	far_end(f, &o, key);
}

void far_grant(struct far *f, struct str relayed, uint32_t life_s, const uint8_t *key)
{
	struct stun_out o;
	struct addr a;
	far_begin(f, &o, STUN_SUCCESS);
	if (relayed.len) {
		EQ(addr_parse_port(&a, relayed), 0);
		stun_put_xor_addr(&o, STUN_XOR_RELAYED_ADDRESS, &a);
	}
	EQ(addr_parse_port(&a, STR("192.0.2.7:7000")), 0);
	stun_put_xor_addr(&o, STUN_XOR_MAPPED_ADDRESS, &a);
	stun_put_u32(&o, STUN_LIFETIME, life_s);
	far_end(f, &o, key);
}

static void grant_lync(struct far *f)
{
	struct msturn_out o;
	struct addr a;
	struct msturn_sequence s = { .connection = "connection" };
	far_begin_lync(f, &o, MSTURN_ALLOCATE_SUCCESS);
	EQ(addr_parse_port(&a, STR("192.0.2.1:50000")), 0);
	msturn_put_addr(&o, MSTURN_MAPPED_ADDRESS, &a);
	msturn_put_xor_addr(&o, MSTURN_XOR_MAPPED_ADDRESS, &a);
	msturn_put_sequence(&o, &s);
	far_end_lync(f, &o, f->key);
}

static void challenge_lync(struct far *f)
{
	struct msturn_out o;
	far_begin_lync(f, &o, MSTURN_ALLOCATE_ERROR);
	msturn_put_error(&o, 401, STR(""));
	msturn_put(&o, MSTURN_REALM, STR("realm"));
	msturn_put(&o, MSTURN_NONCE, STR("nonce"));
	far_end_lync(f, &o, NULL);
}

/* Asks, and is challenged. */
void far_allocate(struct far *f)
{
	unsigned before = f->n;
	WAIT(f->loop, f->g.n_opened == 1);
	EQ(turn_client_allocate(f->g.client), 0);
	far_hear(f, before);
	before = f->n;
	if (f->lync)
		challenge_lync(f);
	else
		far_challenge(f, 401, STR("realm"), STR("nonce"));
	far_hear(f, before);
}

void far_open(struct far *f)
{
	far_allocate(f);
	if (f->lync)
		grant_lync(f);
	else
		far_grant(f, STR("192.0.2.1:50000"), 600, f->key);
	WAIT(f->loop, f->g.n_allocated == 1);
}

void far_begin_lync(struct far *f, struct msturn_out *o, enum msturn_type type)
{
	msturn_begin(o, type, f->last + 4);
}

void far_end_lync(struct far *f, struct msturn_out *o, const uint8_t *key)
{
	uint8_t room[TURN_MS_FRAME_HEAD_LEN + MSTURN_BYTES_MAX];
	if (key)
		msturn_sign(o, key);
	OK(!o->full);
	if (f->u) {
		far_say(f, o->bytes, o->len);
		return;
	}
	memcpy(room + TURN_MS_FRAME_HEAD_LEN, o->bytes, o->len);
	struct bytes whole =
	        turn_put_ms_frame(room + TURN_MS_FRAME_HEAD_LEN, o->len, TURN_MS_FRAME_CONTROL);
	far_say(f, whole.p, whole.len);
}
