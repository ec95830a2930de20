#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/code.h"
#include "svc/relay/relay.h"
#include "wire/turn/msturn.h"

/* A client of a connection, with credentials, in the dialect that the first byte says.  Each step
 * is a byte that says what, a byte for the length, and so many bytes: a frame as it stands, a
 * request whose attributes these are, properly signed, what a peer says, or time that passes; and
 * for TCP allocations that a peer connects or hangs up, that another connection of the client's is
 * bound, and that the client's takes no more, or again.
 *
 * Relayed sockets of UDP are pairs of Unix sockets, so that nothing leaves this process.  Those of
 * TCP are at an address of loopback that is this process's alone; peers see it as 192.0.2.1, which
 * is all that may be reached: port 50000 is the relayed one, at 50001 a peer listens, at 50002
 * nobody. */

enum { STEPS_MAX = 64, FRAME_MAX = 300, HOUR_S = 3600, PEERS_MAX = 4, BOUND_MAX = 4 };
enum { RELAYED_PORT = 50000, PEER_PORT, NOBODYS_PORT };
enum { FRAME, REQUEST, PEER, TIME, CALL, HANG_UP, BIND, ROOM, N_KINDS };

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
	/* TCP: where it is, the peer's sockets, the client's ends of connections that were bound */
	struct addr local;
	int door, peers[PEERS_MAX], bound[BOUND_MAX];
	uint32_t connection; /* the last one that the client was told of */
	bool tcp;            /* there was one */
	bool full, hung_up, passes;
};

static const uint8_t pool_key[32] = { 1 };

static int open_pair(struct world *w)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	if (w->far >= 0)
		(void)close(w->far);
	w->far = fds[1];
	return fds[0];
}

static int open_tcp(const struct world *w, uint16_t port)
{
	struct addr a = w->local;
	addr_set_port(&a, port);
	return tcp_bind(&a);
}

static int on_open(void *arg, const struct relay_want *want, struct relay_opened *ret)
{
	struct world *w = arg;
	int fd = want->tcp ? open_tcp(w, RELAYED_PORT) : open_pair(w);
	if (fd < 0)
		return fd;
	w->open++;
	w->tcp |= want->tcp;
	*ret = (struct relay_opened){ .fd = fd };
	return addr_parse(&ret->external, STR("192.0.2.1"), RELAYED_PORT);
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
	(void)stun_attr_u32(&m, STUN_CONNECTION_ID, &w->connection);
	if (stun_attr_text(&m, STUN_NONCE, &nonce) && nonce.len < sizeof(w->nonce))
		memcpy(w->nonce, nonce.p, nonce.len);
}

static void on_unkeep(void *arg UNUSED, const struct addr *external UNUSED)
{
}

static bool is_live(void *arg UNUSED, const struct addr *external, bool tcp)
{
	uint16_t port = addr_port(external);
	return tcp ? port >= RELAYED_PORT && port <= NOBODYS_PORT : port % 2 == 0;
}

static bool has_room(void *arg, void *owner UNUSED)
{
	const struct world *w = arg;
	return !w->full;
}

static void on_pause(void *arg UNUSED, void *owner UNUSED, bool paused UNUSED)
{
}

static void on_hang_up(void *arg, void *owner UNUSED)
{
	struct world *w = arg;
	w->hung_up = true;
}

static bool on_pass(void *arg, void *owner UNUSED, uint32_t slot,
                    const struct relay_pass *what UNUSED)
{
	const struct world *w = arg;
	assert(slot > 0);
	return w->passes;
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

/* Another one each time: what the kernel remembers of the last run is not met again. */
static void choose_address(struct world *w)
{
	static uint8_t last;
	uint32_t pid = (uint32_t)getpid(), v = 127u << 24;
	last = (uint8_t)(last % 254 + 1);
	v |= (1 + (pid >> 8 & 0x7f)) << 16 | (pid & 0xff) << 8 | last;
	w->local.in4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = { htonl(v) } };
}

static void open_door(struct world *w)
{
	for (int i = 0; i < PEERS_MAX; i++)
		w->peers[i] = w->bound[i] = -1;
	choose_address(w);
	w->door = open_tcp(w, PEER_PORT);
	if (w->door >= 0 && tcp_listen(w->door, PEERS_MAX) < 0)
		abort();
}

static void open_stream(struct world *w)
{
	static const struct addr client = { .in4 = { .sin_family = AF_INET } };
	static const struct relay_face face;
	w->stream =
	        relay_stream_new(w->relay, &face, &client, w->lync ? TURN_MS : TURN_STANDARD, w);
}

/* Large, and the same for every input. */
static struct {
	struct loop *loop;
	struct packets *packets;
} common;

static void world_start(struct world *w, bool lync)
{
	static const struct addr_range all[] = { { .net.in4.sin_family = AF_INET },
		                                 { .net.in6.sin6_family = AF_INET6 } };
	struct relay_config cfg = { .realm = STR("r"),
		                    .pool_key = pool_key,
		                    .port_kbps = 8,
		                    .user_allocations = 2,
		                    .allocations_max = 4,
		                    .hosts = all,
		                    .n_hosts = ARRAY_SIZE(all) };
	*w = (struct world){
		.loop = common.loop, .packets = common.packets, .far = -1, .lync = lync
	};
	loop_clock_move(w->loop, USEC_PER_SEC);
	open_door(w);
	cfg.own[0].local = w->local;
	if (addr_parse(&cfg.own[0].external, STR("192.0.2.1"), 0) < 0)
		abort();
	w->relay = relay_new(w->loop, w->packets, &cfg, &ops, w);
	open_stream(w);
	make_account(w);
}

/* By a reset: the kernel keeps nothing of it. */
static void drop(int *fd)
{
	static const struct linger at_once = { .l_onoff = 1 };
	if (*fd >= 0) {
		(void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		(void)close(*fd);
	}
	*fd = -1;
}

static void world_end(struct world *w)
{
	for (int i = 0; i < PEERS_MAX; i++) {
		drop(&w->peers[i]);
		drop(&w->bound[i]);
	}
	drop(&w->door);
	relay_stream_free(&w->stream);
	relay_free(&w->relay);
	assert(w->open == 0);
	if (w->far >= 0)
		(void)close(w->far);
	loop_turn(w->loop, 0); /* closes what was left */
}

/* --- connections of the client's that are bound ---------------------------------------- */

static ssize_t on_data(void *arg UNUSED, struct str in UNUSED)
{
	return 0;
}

static void on_end(void *arg UNUSED, int err UNUSED, const char *why UNUSED)
{
}

/* A free place; the first one is made free if there is none. */
static int *place(int places[PEERS_MAX])
{
	for (int i = 0; i < PEERS_MAX; i++)
		if (places[i] < 0)
			return &places[i];
	drop(&places[0]);
	return &places[0];
}

static struct stream *connection(struct world *w)
{
	static const struct stream_limits limits = { .read_max = 1 << 16, .write_max = 1 << 16 };
	static const struct stream_ops stream_ops = { .data = on_data, .closed = on_end };
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		abort();
	*place(w->bound) = fds[1];
	return stream_accept(w->loop, fds[0], NULL, &limits, &stream_ops, NULL);
}

/* As its owner does after each frame. */
static void follow(struct world *w, struct relay_stream **sp)
{
	if (relay_stream_joining(*sp) == RELAY_JOINING)
		relay_stream_join(sp, connection(w));
	else if (relay_stream_joining(*sp) == RELAY_PASSING)
		relay_stream_passed(*sp, w->connection % 2);
	if (w->hung_up)
		relay_stream_free(&w->stream);
	w->hung_up = false;
	if (!w->stream)
		open_stream(w);
}

static void frame_by(struct world *w, struct relay_stream **sp, const void *p, size_t n)
{
	static uint8_t space[PACKET_HEADROOM + STUN_BYTES_MAX + 4];
	memcpy(space + PACKET_HEADROOM, p, n);
	if (!w->lync ||
	    turn_frame((struct bytes){ space + PACKET_HEADROOM, n }, TURN_MS, 65535) == (ssize_t)n)
		(void)relay_frame(*sp, (struct bytes){ space + PACKET_HEADROOM, n });
	follow(w, sp);
}

static void frame(struct world *w, const void *p, size_t n)
{
	frame_by(w, &w->stream, p, n);
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

static void sign(const struct world *w, struct stun_out *o)
{
	stun_put(o, STUN_USERNAME, str_n(w->name, w->name_len));
	stun_put(o, STUN_REALM, STR("r"));
	stun_put(o, STUN_NONCE, str_of(w->nonce));
	stun_end(o, STUN_STANDARD, str_n((const char *)w->key, sizeof(w->key)));
}

/* The method, then attributes: type (two bytes), length, value. */
static void ask(struct world *w, const uint8_t *p, size_t n)
{
	struct stun_out o;
	uint8_t id[STUN_ID_LEN] = { p[0] };
	stun_begin(&o, STUN_REQUEST, p[0] & 15, id);
	for (size_t at = 1; at + 3 <= n;) {
		size_t len = MIN((size_t)p[at + 2], n - at - 3);
		stun_put(&o, (uint16_t)(p[at] << 8 | p[at + 1]),
		         str_n((const char *)p + at + 3, len));
		at += 3 + len;
	}
	sign(w, &o);
	if (!o.full)
		frame(w, o.bytes, o.len);
}

/* ConnectionBind by another connection, for the last one that was told of, or for one of the
 * process that the first byte names; the client says the others there. */
static void bind_one(struct world *w, const uint8_t *p, size_t n)
{
	static const struct addr from = { .in4 = { .sin_family = AF_INET } };
	static const struct relay_face face;
	static const uint8_t id[STUN_ID_LEN] = { 5 };
	struct stun_out o;
	uint32_t other = n > 0 ? (uint32_t)(p[0] & 63) << RELAY_ID_BITS : 0;
	struct relay_stream *s = relay_stream_new(w->relay, &face, &from, TURN_STANDARD, w);
	w->passes = n > 0 && p[0] >> 7;
	stun_begin(&o, STUN_REQUEST, STUN_CONNECTION_BIND, id);
	stun_put_u32(&o, STUN_CONNECTION_ID, w->connection ^ other);
	sign(w, &o);
	frame_by(w, &s, o.bytes, o.len);
	relay_stream_free(&s);
	for (int i = 0; i < BOUND_MAX && n > 1; i++)
		if (w->bound[i] >= 0)
			(void)!send(w->bound[i], p + 1, n - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* --- peers ----------------------------------------------------------------------------- */

static void read_all(int fd)
{
	char bytes[4096];
	while (fd >= 0 && recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
}

/* Whoever is connected, by UDP or TCP, says it, and hears what there is. */
static void peers_say(struct world *w, const uint8_t *p, size_t n)
{
	int fd = w->door < 0 ? -1 : accept4(w->door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		*place(w->peers) = fd;
	if (w->far >= 0)
		(void)!send(w->far, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	for (int i = 0; i < PEERS_MAX; i++) {
		if (w->peers[i] >= 0)
			(void)!send(w->peers[i], p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		read_all(w->peers[i]);
		read_all(w->bound[i]);
	}
}

/* From the port where it listens, or from any. */
static void peer_calls(struct world *w, bool from_door, const uint8_t *p, size_t n)
{
	struct addr to = w->local;
	int fd = open_tcp(w, from_door ? PEER_PORT : 0);
	addr_set_port(&to, RELAYED_PORT);
	if (fd < 0)
		return;
	*place(w->peers) = fd;
	(void)connect(fd, &to.sa, addr_len(&to));
	(void)!send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void peers_hang_up(struct world *w, bool by_reset)
{
	for (int i = 0; i < PEERS_MAX; i++) {
		if (by_reset)
			drop(&w->peers[i]);
		else if (w->peers[i] >= 0)
			(void)shutdown(w->peers[i], SHUT_WR);
	}
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
		peers_say(w, p, n);
		break;
	case TIME:
		loop_clock_move(w->loop, n * n * USEC_PER_SEC);
		break;
	case CALL:
		peer_calls(w, n % 2, p, n);
		break;
	case HANG_UP:
		peers_hang_up(w, n % 2);
		break;
	case BIND:
		if (!w->lync)
			bind_one(w, p, n);
		break;
	case ROOM:
		w->full = n > 0;
		if (!w->full)
			relay_stream_room(w->stream);
		break;
	default:
		break;
	}
	/* A turn costs a millisecond. */
	if (w->tcp || kind == PEER || kind == TIME)
		loop_turn(w->loop, 0);
	follow(w, &w->stream);
}

/* The lowest one that is free. */
static int next_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	(void)close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;
	if (size == 0)
		return 0;
	if (!common.loop) {
		common.loop = loop_new();
		common.packets = packets_new(common.loop);
	}
	int next = next_descriptor();
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
	assert(next_descriptor() == next);
	return 0;
}
