#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/code.h"
#include "svc/relay/relay.h"
#include "wire/turn/msturn.h"

/* A client of a connection, with credentials, in the dialect that the first byte says.  Each step
 * is a byte that says what, a byte for the length, and so many bytes: a frame as it stands, a
 * request whose attributes these are, properly signed, a packet of a peer, or time that passes.
 * Relayed sockets are pairs of Unix sockets, so that nothing leaves this process. */

enum { STEPS_MAX = 64, FRAME_MAX = 300, HOUR_S = 3600 };
enum { FRAME, REQUEST, PEER, TIME, N_KINDS };

struct world {
	struct loop *loop;
	struct packets *packets;
	struct relay *relay;
	struct relay_stream *stream;
	int far; /* the other end of the last relayed socket; -1: none */
	unsigned open;
	bool lync;
	size_t name_len;
	struct msturn_sequence sequence;
	char name[512], nonce[64];
	uint8_t key[STUN_KEY_LEN];
};

static const uint8_t pool_key[32] = { 1 };

static int on_open(void *arg, const struct relay_want *want UNUSED, struct relay_opened *ret)
{
	struct world *w = arg;
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	if (w->far >= 0)
		(void)close(w->far);
	w->far = fds[1];
	w->open++;
	*ret = (struct relay_opened){ .fd = fds[0] };
	return addr_parse(&ret->external, STR("192.0.2.1"), 50000);
}

static void on_closed(void *arg, const struct addr *external UNUSED)
{
	struct world *w = arg;
	assert(w->open-- > 0);
}

static void on_began(void *arg UNUSED, const struct relay_info *info)
{
	assert(info->user.len > 0);
}

static void on_ended(void *arg UNUSED, const struct relay_info *info, enum relay_end why UNUSED)
{
	assert(info->user.len > 0);
}

static void to_lync(struct world *w, struct bytes frame)
{
	struct msturn_msg m;
	struct str nonce;
	assert(turn_frame(frame, TURN_MS, 65535 + TURN_MS_FRAME_HEAD_LEN) == (ssize_t)frame.len);
	if (frame.p[0] != TURN_MS_FRAME_CONTROL)
		return;
	struct str text = str_sub(str_from_bytes(frame), TURN_MS_FRAME_HEAD_LEN, frame.len);
	assert(msturn_parse(&m, text) == 0);
	if (msturn_attr(&m, MSTURN_NONCE, &nonce) && nonce.len < sizeof(w->nonce))
		memcpy(w->nonce, nonce.p, nonce.len);
	(void)msturn_attr_sequence(&m, &w->sequence);
}

/* What is answered can be read; a nonce is learnt. */
static void to_client(void *arg, void *owner UNUSED, struct bytes frame, bool droppable UNUSED)
{
	struct world *w = arg;
	struct stun_msg m;
	struct str nonce;
	if (w->lync) {
		to_lync(w, frame);
		return;
	}
	if (frame.len > 0 && frame.p[0] >= 0x40)
		return;
	assert(stun_parse(&m, str_from_bytes(frame)) == 0);
	if (stun_attr_text(&m, STUN_NONCE, &nonce) && nonce.len < sizeof(w->nonce))
		memcpy(w->nonce, nonce.p, nonce.len);
}

static void on_unkeep(void *arg UNUSED, const struct addr *external UNUSED)
{
}

static bool is_live(void *arg UNUSED, const struct addr *external, bool tcp UNUSED)
{
	return addr_port(external) % 2 == 0;
}

static bool has_room(void *arg UNUSED, void *owner UNUSED)
{
	return true;
}

static void on_pause(void *arg UNUSED, void *owner UNUSED, bool paused UNUSED)
{
}

static void on_hang_up(void *arg UNUSED, void *owner UNUSED)
{
}

static bool on_pass(void *arg UNUSED, void *owner UNUSED, uint32_t slot UNUSED,
                    const struct relay_pass *what UNUSED)
{
	return false;
}

static const struct relay_ops ops = { .open = on_open,
	                              .unkeep = on_unkeep,
	                              .is_live = is_live,
	                              .has_room = has_room,
	                              .pause = on_pause,
	                              .hang_up = on_hang_up,
	                              .pass = on_pass,
	                              .closed = on_closed,
	                              .began = on_began,
	                              .ended = on_ended,
	                              .to_stream = to_client };

static void make_account(struct world *w)
{
	char space[RELAY_NAME_MAX + 1], secret[64];
	struct buf name = BUF_ON(space), text = BUF_ON(w->name), sb = BUF_ON(secret);
	uint8_t password[RELAY_PASSWORD_LEN];
	struct relay_keys *k = relay_keys_new(pool_key);
	uint64_t now_s = loop_wall(w->loop) / USEC_PER_SEC;
	struct relay_grant g = { .user = STR("a@b"), .expires_s = now_s + HOUR_S };
	if (relay_grant_put(k, now_s, &g, &name, password) < 0)
		abort();
	if (w->lync) {
		buf_str(&text, buf_view(&name));
		buf_put(&sb, password, sizeof(password));
	} else {
		base64_put(&text, name.p, name.len);
		base64_put(&sb, password, sizeof(password));
	}
	stun_long_term_key(w->key, buf_view(&text), STR("r"), buf_view(&sb));
	w->name_len = text.len;
	relay_keys_free(&k);
}

static void world_start(struct world *w, bool lync)
{
	static const struct addr client = { .in4 = { .sin_family = AF_INET } };
	struct relay_config cfg = {
		.realm = STR("r"), .pool_key = pool_key, .user_allocations = 2, .allocations_max = 4
	};
	static const struct relay_face face;
	static struct loop *loop; /* large, and the same for every input */
	static struct packets *packets;
	if (!loop) {
		loop = loop_new();
		packets = packets_new(loop);
	}
	*w = (struct world){ .loop = loop, .packets = packets, .far = -1, .lync = lync };
	loop_clock_move(w->loop, USEC_PER_SEC);
	w->relay = relay_new(w->loop, w->packets, &cfg, &ops, w);
	w->stream = relay_stream_new(w->relay, &face, &client, lync ? TURN_MS : TURN_STANDARD, w);
	make_account(w);
}

static void world_end(struct world *w)
{
	relay_stream_free(&w->stream);
	relay_free(&w->relay);
	assert(w->open == 0);
	if (w->far >= 0)
		(void)close(w->far);
	loop_turn(w->loop, 0); /* closes what was left */
}

static void frame(struct world *w, const void *p, size_t n)
{
	static uint8_t space[PACKET_HEADROOM + STUN_BYTES_MAX + 4];
	memcpy(space + PACKET_HEADROOM, p, n);
	if (!w->lync ||
	    turn_frame((struct bytes){ space + PACKET_HEADROOM, n }, TURN_MS, 65535) == (ssize_t)n)
		(void)relay_frame(w->stream, (struct bytes){ space + PACKET_HEADROOM, n });
}

/* The same in the other dialect. */
static void ask_lync(struct world *w, const uint8_t *p, size_t n)
{
	static const uint8_t id[MSTURN_ID_LEN] = { 3 };
	static uint8_t space[TURN_MS_FRAME_HEAD_LEN + MSTURN_BYTES_MAX];
	struct msturn_out o;
	msturn_begin(&o, (enum msturn_type)(p[0] & 7), id);
	for (size_t at = 1; at + 3 <= n;) {
		size_t len = MIN((size_t)p[at + 2], n - at - 3);
		msturn_put(&o, (uint16_t)(p[at] << 8 | p[at + 1]),
		           str_n((const char *)p + at + 3, len));
		at += 3 + len;
	}
	msturn_put(&o, MSTURN_USERNAME, str_n(w->name, w->name_len));
	msturn_put(&o, MSTURN_REALM, STR("r"));
	msturn_put(&o, MSTURN_NONCE, str_of(w->nonce));
	w->sequence.number++;
	msturn_put_sequence(&o, &w->sequence);
	msturn_sign(&o, w->key);
	if (o.full)
		return;
	memcpy(space + TURN_MS_FRAME_HEAD_LEN, o.bytes, o.len);
	struct bytes whole =
	        turn_put_ms_frame(space + TURN_MS_FRAME_HEAD_LEN, o.len, TURN_MS_FRAME_CONTROL);
	frame(w, whole.p, whole.len);
}

/* The method, then attributes: type (two bytes), length, value. */
static void ask(struct world *w, const uint8_t *p, size_t n)
{
	static const uint8_t id[STUN_ID_LEN] = { 3 };
	struct stun_out o;
	uint8_t fresh[STUN_ID_LEN];
	memcpy(fresh, id, sizeof(id));
	fresh[0] = p[0];
	stun_begin(&o, STUN_REQUEST, p[0] & 15, fresh);
	for (size_t at = 1; at + 3 <= n;) {
		size_t len = MIN((size_t)p[at + 2], n - at - 3);
		stun_put(&o, (uint16_t)(p[at] << 8 | p[at + 1]),
		         str_n((const char *)p + at + 3, len));
		at += 3 + len;
	}
	stun_put(&o, STUN_USERNAME, str_n(w->name, w->name_len));
	stun_put(&o, STUN_REALM, STR("r"));
	stun_put(&o, STUN_NONCE, str_of(w->nonce));
	stun_end(&o, STUN_STANDARD, str_n((const char *)w->key, sizeof(w->key)));
	if (!o.full)
		frame(w, o.bytes, o.len);
}

static void step(struct world *w, unsigned kind, const uint8_t *p, size_t n)
{
	switch (kind) {
	case FRAME:
		frame(w, p, n);
		break;
	case REQUEST:
		if (n > 0)
			(w->lync ? ask_lync : ask)(w, p, n);
		break;
	case PEER:
		if (w->far >= 0)
			(void)!send(w->far, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		loop_turn(w->loop, 0);
		break;
	case TIME:
		loop_clock_move(w->loop, n * n * USEC_PER_SEC);
		loop_turn(w->loop, 0);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;
	if (size == 0)
		return 0;
	world_start(&w, data[0] & 1);
	data++;
	size--;
	for (unsigned i = 0; i < STEPS_MAX && size >= 2; i++) {
		size_t n = MIN((size_t)data[1], size - 2);
		step(&w, data[0] % N_KINDS, data + 2, n);
		data += 2 + n;
		size -= 2 + n;
	}
	const struct relay_stats *s = relay_stats(w.relay);
	assert(s->allocations <= 4 && s->allocations <= s->allocated);
	world_end(&w);
	return 0;
}
