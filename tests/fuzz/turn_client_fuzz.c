#include <assert.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stack/turn/inside.h"

/* A client and its relay, which is the input: the first byte says the dialect and the way.  Each
 * step is a byte that says what, a byte for the length, and so many bytes: bytes as they stand, an
 * answer to the last request whose attributes these are, something that the client's owner wants,
 * or time that passes.  The relay's end is a socket of this process. */

enum { STEPS_MAX = 64, LYNC = 1, DATAGRAMS = 2, SIGNED = 1, FAILURE = 2 };
enum { BYTES, ANSWER, WISH, TIME, N_KINDS };

struct world {
	struct loop *loop;
	struct turn_client *c;
	bool lync, datagrams, over;
	int far; /* the relay's end */
	struct addr client;
	uint8_t request[STUN_HEADER_LEN]; /* of the last one */
	unsigned n_allocated, n_released;
};

/* --- what the client tells ------------------------------------------------------------- */

static void on_opened(void *arg)
{
	const struct world *w = arg;
	assert(!w->over);
}

static void on_addr(void *arg, const struct addr *a)
{
	const struct world *w = arg;
	assert(!w->over && (a->sa.sa_family == AF_INET || a->sa.sa_family == AF_INET6));
}

static void on_allocated(void *arg, const struct turn_allocation *a)
{
	struct world *w = arg;
	assert(!w->over && a->life_s > 0 && addr_port(&a->relayed) > 0);
	assert(w->n_allocated++ == w->n_released);
}

static void on_data(void *arg, const struct addr *peer UNUSED, struct str data)
{
	const struct world *w = arg;
	assert(!w->over && data.len <= STUN_READ_MAX);
}

static void on_released(void *arg)
{
	struct world *w = arg;
	assert(!w->over && w->n_allocated == ++w->n_released);
}

static void on_failed(void *arg, const struct turn_failure *f)
{
	struct world *w = arg;
	assert(!w->over && strlen(f->why) < TURN_CLIENT_WHY_MAX);
	assert(f->code ? f->code >= 300 && f->code <= 699 && !f->err : f->err < 0);
	w->over = f->over;
}

static const struct turn_client_ops ops = { .opened = on_opened,
	                                    .mapped = on_addr,
	                                    .allocated = on_allocated,
	                                    .permitted = on_addr,
	                                    .bound = on_addr,
	                                    .data = on_data,
	                                    .released = on_released,
	                                    .failed = on_failed };

/* --- the relay's end ------------------------------------------------------------------- */

/* The client's bytes, of which the last request is kept. */
static void hear(struct world *w)
{
	uint8_t in[4096];
	socklen_t len = sizeof(w->client);
	for (int i = 0; i < 4; i++) {
		loop_turn(w->loop, 0);
		ssize_t n = recvfrom(w->far, in, sizeof(in), MSG_DONTWAIT, &w->client.sa, &len);
		size_t head = w->lync && !w->datagrams ? TURN_MS_FRAME_HEAD_LEN : 0;
		if (n >= (ssize_t)(head + STUN_HEADER_LEN) && in[head] < 4 && in[head + 1] < 0x10)
			memcpy(w->request, in + head, sizeof(w->request));
	}
}

static void say(struct world *w, const void *p, size_t n)
{
	if (w->datagrams)
		(void)!sendto(w->far, p, n, MSG_DONTWAIT, &w->client.sa, sizeof(w->client.in4));
	else
		(void)!send(w->far, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	hear(w);
}

/* Attributes: type (two bytes), length, value. */
static void answer_lync(struct world *w, unsigned how, const uint8_t *p, size_t n)
{
	uint8_t room[TURN_MS_FRAME_HEAD_LEN + MSTURN_BYTES_MAX];
	struct msturn_out o;
	unsigned type = w->request[1] | (how & FAILURE ? 0x110 : 0x100);
	msturn_begin(&o, (enum msturn_type)type, w->request + 4);
	for (size_t at = 0, len; at + 3 <= n; at += 3 + len) {
		len = MIN((size_t)p[at + 2], n - at - 3);
		msturn_put(&o, (uint16_t)(p[at] << 8 | p[at + 1]),
		           str_n((const char *)p + at + 3, len));
	}
	if (how & SIGNED)
		msturn_sign(&o, w->c->key);
	memcpy(room + TURN_MS_FRAME_HEAD_LEN, o.bytes, o.len);
	struct bytes whole =
	        turn_put_ms_frame(room + TURN_MS_FRAME_HEAD_LEN, o.len, TURN_MS_FRAME_CONTROL);
	if (w->datagrams)
		say(w, o.bytes, o.len);
	else
		say(w, whole.p, whole.len);
}

static void answer(struct world *w, unsigned how, const uint8_t *p, size_t n)
{
	struct stun_out o;
	struct str key = { (const char *)w->c->key, how & SIGNED ? STUN_KEY_LEN : 0 };
	stun_begin(&o, how & FAILURE ? STUN_ERROR : STUN_SUCCESS, w->request[1], w->request + 8);
	for (size_t at = 0, len; at + 3 <= n; at += 3 + len) {
		len = MIN((size_t)p[at + 2], n - at - 3);
		stun_put(&o, (uint16_t)(p[at] << 8 | p[at + 1]),
		         str_n((const char *)p + at + 3, len));
	}
	stun_end(&o, STUN_STANDARD, key.len ? key : (struct str){ NULL, 0 });
	say(w, o.bytes, o.len);
}

/* --- what the owner wants -------------------------------------------------------------- */

static void wish(struct world *w, unsigned what, unsigned whom)
{
	struct addr peer;
	assert(addr_parse(&peer, whom & 64 ? STR("2001:db8::1") : STR("192.0.2.9"),
	                  (uint16_t)(1 + (whom & 63))) == 0);
	switch (what % 7) {
	case 0:
		(void)!turn_client_allocate(w->c);
		break;
	case 1:
		(void)!turn_client_binding(w->c);
		break;
	case 2:
		(void)!turn_client_permit(w->c, &peer);
		break;
	case 3:
		(void)!turn_client_bind(w->c, &peer);
		break;
	case 4:
		(void)!turn_client_send(w->c, &peer, STR("payload"));
		break;
	case 5:
		turn_client_forget(w->c, &peer);
		break;
	default:
		(void)!turn_client_release(w->c);
		break;
	}
	hear(w);
}

static void step(struct world *w, unsigned kind, const uint8_t *p, size_t n)
{
	if (kind == BYTES)
		say(w, p, n);
	else if (kind == TIME)
		loop_clock_move(w->loop, n * n * 250 * USEC_PER_MSEC);
	else if (kind == ANSWER && n > 0)
		(w->lync ? answer_lync : answer)(w, p[0], p + 1, n - 1);
	else if (kind == WISH && n > 1)
		wish(w, p[0], p[1]);
	hear(w);
	assert(w->c->n_bonds <= TURN_CLIENT_BONDS_MAX && w->c->state < CLIENT_N_STATES);
	assert(w->over == (w->c->state == CLIENT_OVER));
}

/* --- the whole ------------------------------------------------------------------------- */

static void on_ready(void *arg UNUSED, int events UNUSED)
{
}

/* With something to read that nobody takes, so that no turn waits. */
static struct loop *restless_loop(void)
{
	int fds[2];
	struct loop *l = loop_new();
	assert(pipe(fds) == 0 && write(fds[1], "x", 1) == 1);
	io_want(io_new(l, fds[0], on_ready, NULL), IO_READ);
	return l;
}

static void world_start(struct world *w, unsigned how)
{
	static struct loop *loop; /* large, and the same for every input */
	int fds[2] = { -1, -1 };
	loop = loop ? loop : restless_loop();
	*w = (struct world){ .loop = loop, .lync = how & LYNC, .datagrams = how & DATAGRAMS };
	loop_clock_move(w->loop, USEC_PER_SEC);
	struct turn_client_config cfg = { .way = w->datagrams ? TURN_BY_UDP : TURN_BY_TCP,
		                          .lync = w->lync,
		                          .user = STR("dXNlcg=="),
		                          .password = STR("cGFzc3dvcmQ=") };
	socklen_t len = sizeof(cfg.server.in4);
	if (w->datagrams) {
		assert(addr_parse(&cfg.server, STR("127.0.0.1"), 0) == 0);
		w->far = udp_bind(&cfg.server);
		assert(w->far >= 0 && getsockname(w->far, &cfg.server.sa, &len) == 0);
		w->c = turn_client_new(loop, &cfg, &ops, w);
	} else {
		assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
		w->far = fds[0];
		w->c = client_new_on(loop, fds[1], &cfg, &ops, w);
	}
	hear(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;
	if (size == 0)
		return 0;
	world_start(&w, data[0]);
	wish(&w, 0, 0);
	data++;
	size--;
	for (unsigned i = 0; i < STEPS_MAX && size >= 2; i++) {
		size_t n = MIN((size_t)data[1], size - 2);
		step(&w, data[0] % N_KINDS, data + 2, n);
		data += 2 + n;
		size -= 2 + n;
	}
	turn_client_free(&w.c);
	(void)close(w.far);
	loop_turn(w.loop, 0); /* closes what was left */
	return 0;
}
