#include "edge.h"

#include <errno.h>
#include <unistd.h>

#include "base/code.h"
#include "base/rand.h"

static const uint8_t pool_key[32] = { 9, 8, 7 };
#define REALM "example.test"

/* --- the edge -------------------------------------------------------------------------- */

static int bound(int family, struct addr *ret)
{
	struct addr any;
	if (addr_parse(&any, family == AF_INET6 ? STR("::1") : STR("127.0.0.1"), 0) < 0)
		return -EINVAL;
	int fd = udp_bind(&any);
	socklen_t n = sizeof(ret->in6);
	if (fd >= 0 && getsockname(fd, &ret->sa, &n) < 0)
		fd = -errno;
	return fd;
}

static int bound_at(unsigned port, struct addr *ret)
{
	if (addr_parse(ret, STR("127.0.0.1"), (uint16_t)port) < 0)
		return -EINVAL;
	return udp_bind(ret);
}

static int bound_tcp(int family, struct addr *ret)
{
	struct addr any;
	socklen_t n = sizeof(ret->in6);
	if (addr_parse(&any, family == AF_INET6 ? STR("::1") : STR("127.0.0.1"), 0) < 0)
		return -EINVAL;
	int fd = tcp_bind(&any);
	if (fd >= 0 && getsockname(fd, &ret->sa, &n) < 0)
		fd = -errno;
	return fd;
}

/* An even port whose next one is free. */
static int bound_even(struct addr *ret)
{
	for (int i = 0; i < 1000; i++) {
		struct addr next;
		int fd = bound(AF_INET, ret), fd2 = -1;
		if (fd >= 0 && addr_port(ret) % 2 == 0)
			fd2 = bound_at(addr_port(ret) + 1u, &next);
		if (fd2 >= 0) {
			(void)close(fd2);
			return fd;
		}
		if (fd >= 0)
			(void)close(fd);
	}
	return -EADDRINUSE;
}

static int on_open(void *arg, const struct relay_want *want, struct relay_opened *ret)
{
	struct edge *e = arg;
	if (e->no_ports || (want->exactly && want->exactly != e->kept))
		return -EADDRINUSE;
	if (e->no_v6 && want->family == AF_INET6)
		return -EAFNOSUPPORT;
	ret->fd = want->tcp                  ? bound_tcp(want->family, &ret->external)
	          : want->even && e->even_at ? bound_at(e->even_at, &ret->external)
	          : want->exactly            ? bound_at(want->exactly, &ret->external)
	          : want->even               ? bound_even(&ret->external)
	                                     : bound(want->family, &ret->external);
	e->open_ports += ret->fd >= 0;
	if (ret->fd >= 0 && want->pair) {
		e->kept = addr_port(&ret->external) + 1u;
		e->kept_ports++;
	}
	return ret->fd < 0 ? ret->fd : 0;
}

static void on_closed(void *arg, const struct addr *external UNUSED)
{
	struct edge *e = arg;
	e->open_ports--;
}

static void on_unkeep(void *arg, const struct addr *external UNUSED)
{
	struct edge *e = arg;
	e->kept_ports--;
	e->kept = 0;
}

static void on_began(void *arg, const struct relay_info *info UNUSED)
{
	struct edge *e = arg;
	e->n_began++;
}

static void on_ended(void *arg, const struct relay_info *info, enum relay_end why)
{
	struct edge *e = arg;
	e->n_ended[why]++;
	e->info = *info;
	e->info.user = STR("");
}

static void on_denied(void *arg, const struct addr *client UNUSED, struct str user,
                      enum relay_denial why)
{
	struct edge *e = arg;
	struct buf b = BUF_ON(e->denied_user);
	e->n_denied++;
	e->denied = why;
	buf_str(&b, user);
	e->denied_user[b.len] = '\0';
}

static void note(struct party *p, const void *bytes, size_t n)
{
	p->n++;
	p->len = MIN(n, sizeof(p->last));
	memcpy(p->last, bytes, p->len);
}

static void on_stream(void *arg UNUSED, void *owner, struct bytes frame, bool droppable UNUSED)
{
	struct party *p = owner;
	note(p, frame.p, frame.len);
	buf_put(&p->all, frame.p, frame.len);
	OK(!p->all.full);
}

static bool is_live(void *arg, const struct addr *external, bool tcp UNUSED)
{
	const struct edge *e = arg;
	return addr_eq(&e->live, external);
}

static bool has_room(void *arg UNUSED, void *owner)
{
	const struct party *p = owner;
	return !p->full;
}

static void on_pause(void *arg UNUSED, void *owner, bool paused)
{
	struct party *p = owner;
	p->paused = paused;
}

static void on_hang_up(void *arg UNUSED, void *owner)
{
	struct party *p = owner;
	p->n_hung_up++;
}

static bool on_pass(void *arg, void *owner UNUSED, uint32_t slot, const struct relay_pass *what)
{
	struct edge *e = arg;
	e->pass_to = slot;
	e->passed = *what;
	return e->passes;
}

static const struct relay_ops ops = { .open = on_open,
	                              .closed = on_closed,
	                              .unkeep = on_unkeep,
	                              .is_live = is_live,
	                              .began = on_began,
	                              .ended = on_ended,
	                              .denied = on_denied,
	                              .to_stream = on_stream,
	                              .has_room = has_room,
	                              .pause = on_pause,
	                              .hang_up = on_hang_up,
	                              .pass = on_pass };

static void on_packet(void *arg, struct packet_port *port UNUSED, const struct addr *from,
                      struct packet data)
{
	struct edge *e = arg;
	relay_datagram(e->relay, &e->face, from, data);
}

void edge_start(struct edge *e)
{
	*e = (struct edge){ .loop = loop_new() };
	loop_clock_move(e->loop, USEC_PER_SEC);
	party_own(&e->stream);
	e->packets = packets_new(e->loop);
	e->issuer = relay_keys_new(pool_key);
	EQ(addr_parse(&e->open[0].net, STR("127.0.0.0"), 0), 0);
	e->open[0].bits = 8;
	EQ(addr_parse(&e->open[1].net, STR("::1"), 0), 0);
	e->open[1].bits = 128;
	e->cfg = (struct relay_config){ .realm = STR(REALM),
		                        .pool_key = pool_key,
		                        .user_allocations = 4,
		                        .allocations_max = 10,
		                        .open = e->open,
		                        .n_open = 2 };
	e->relay = relay_new(e->loop, e->packets, &e->cfg, &ops, e);
	int fd = bound(AF_INET, &e->face.local);
	e->face.udp = packet_port_new(e->packets, fd, on_packet, e);
}

void edge_stop(struct edge *e)
{
	relay_free(&e->relay);
	EQ(e->open_ports, 0);
	EQ(e->kept_ports, 0);
	party_stop(&e->stream);
	packet_port_free(&e->face.udp);
	relay_keys_free(&e->issuer);
	loop_free(&e->loop);
	packets_free(&e->packets);
}

void edge_wait(struct edge *e, unsigned seconds)
{
	loop_clock_move(e->loop, seconds * USEC_PER_SEC);
	for (int i = 0; i < 3; i++)
		loop_turn(e->loop, EDGE_STEP_MS * USEC_PER_MSEC);
}

/* --- parties --------------------------------------------------------------------------- */

static void on_datagram(void *arg, struct udp *u UNUSED, const struct addr *from, struct str data)
{
	struct party *p = arg;
	p->from = *from;
	note(p, data.p, data.len);
}

void party_start(struct party *p, struct loop *l)
{
	*p = (struct party){ .n = 0 };
	p->u = udp_new(l, bound(AF_INET, &p->at), on_datagram, p);
}

void party_own(struct party *p)
{
	*p = (struct party){ .all = buf_of(EDGE_SAID_MAX) };
}

void party_stop(struct party *p)
{
	udp_free(&p->u);
	buf_free(&p->all);
}

/* --- requests -------------------------------------------------------------------------- */

static void issue(struct account *a, struct edge *e, const struct relay_grant *g, uint64_t now_s)
{
	char space[RELAY_NAME_MAX + 1];
	struct buf name = BUF_ON(space), text = BUF_ON(a->name), secret = BUF_ON(a->password);
	uint8_t password[RELAY_PASSWORD_LEN];
	*a = (struct account){ .realm = REALM };
	EQ(relay_grant_put(e->issuer, now_s, g, &name, password), 0);
	base64_put(&text, name.p, name.len);
	base64_put(&secret, password, sizeof(password));
	a->name[text.len] = a->password[secret.len] = '\0';
	stun_long_term_key(a->key, buf_view(&text), STR(REALM), buf_view(&secret));
}

void account_get(struct account *a, struct edge *e, const char *user, unsigned life_s)
{
	uint64_t now_s = loop_wall(e->loop) / USEC_PER_SEC;
	issue(a, e, &(struct relay_grant){ .user = str_of(user), .expires_s = now_s + life_s },
	      now_s);
}

void account_get_server(struct account *a, struct edge *e, const char *name)
{
	uint64_t now_s = loop_wall(e->loop) / USEC_PER_SEC;
	issue(a, e,
	      &(struct relay_grant){ .user = str_of(name),
	                             .expires_s = now_s + 3600,
	                             .user_kbps = RELAY_OF_SERVER },
	      now_s);
}

void edge_begin(struct stun_out *o, unsigned method)
{
	uint8_t id[STUN_ID_LEN];
	rand_bytes(id, sizeof(id));
	stun_begin(o, STUN_REQUEST, (uint16_t)method, id);
}

static void end_request(struct stun_out *o, const struct account *a)
{
	if (!a) {
		stun_end(o, STUN_STANDARD, (struct str){ NULL, 0 });
		return;
	}
	stun_put(o, STUN_USERNAME, str_of(a->name));
	stun_put(o, STUN_REALM, str_of(a->realm));
	stun_put(o, STUN_NONCE, str_of(a->nonce));
	stun_end(o, STUN_STANDARD, str_n((const char *)a->key, sizeof(a->key)));
}

unsigned edge_read_answer(const struct party *p, const struct stun_out *o, struct stun_msg *ret)
{
	unsigned code = 0;
	struct str reason;
	if (!OK(stun_parse(ret, str_n(p->last, p->len)) == 0) ||
	    !OK(memcmp(ret->id, o->bytes + 8, STUN_ID_LEN) == 0))
		return 0;
	if (ret->class == STUN_SUCCESS)
		return 200;
	OK(stun_attr_error(ret, &code, &reason) && reason.len > 0);
	return code;
}

unsigned edge_ask(struct edge *e, struct party *p, struct stun_out *o, const struct account *a,
                  struct stun_msg *ret)
{
	unsigned before = p->n;
	end_request(o, a);
	EQ(udp_send(p->u, &e->face.local, stun_text(o)), 0);
	for (int i = 0; i < 20 && p->n == before; i++)
		loop_turn(e->loop, EDGE_STEP_MS * USEC_PER_MSEC);
	return p->n == before ? 0 : edge_read_answer(p, o, ret);
}

unsigned edge_ask_stream(struct relay_stream *s, struct party *owner, struct stun_out *o,
                         const struct account *a, struct stun_msg *ret)
{
	static uint8_t space[PACKET_HEADROOM + STUN_BYTES_MAX + 4];
	unsigned before = owner->n;
	end_request(o, a);
	memcpy(space + PACKET_HEADROOM, o->bytes, o->len);
	OK(relay_frame(s, (struct bytes){ space + PACKET_HEADROOM, o->len }));
	return owner->n == before ? 0 : edge_read_answer(owner, o, ret);
}

void edge_learn(struct account *a, const struct stun_msg *m)
{
	struct str nonce;
	if (!OK(stun_attr_text(m, STUN_NONCE, &nonce) && nonce.len < sizeof(a->nonce)))
		return;
	memcpy(a->nonce, nonce.p, nonce.len);
	a->nonce[nonce.len] = '\0';
}

unsigned edge_allocate(struct edge *e, struct party *p, struct account *a, struct addr *ret_relayed)
{
	struct stun_out o;
	struct stun_msg m;
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	unsigned code = edge_ask(e, p, &o, NULL, &m);
	if (code != 401)
		return code;
	edge_learn(a, &m);
	edge_begin(&o, STUN_ALLOCATE);
	stun_put_u32(&o, STUN_REQUESTED_TRANSPORT, 17u << 24);
	code = edge_ask(e, p, &o, a, &m);
	if (code == 200) {
		struct addr mapped;
		OK(stun_is_signed(&m, STUN_STANDARD, str_n((const char *)a->key, sizeof(a->key))));
		OK(stun_attr_addr(&m, STUN_XOR_RELAYED_ADDRESS, ret_relayed));
		OK(stun_attr_addr(&m, STUN_XOR_MAPPED_ADDRESS, &mapped) &&
		   addr_eq(&mapped, &p->at));
	}
	return code;
}

unsigned edge_permit(struct edge *e, struct party *p, const struct account *a,
                     const struct addr *peer)
{
	struct stun_out o;
	struct stun_msg m;
	edge_begin(&o, STUN_CREATE_PERMISSION);
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, peer);
	return edge_ask(e, p, &o, a, &m);
}

unsigned edge_bind(struct edge *e, struct party *p, const struct account *a, unsigned number,
                   const struct addr *peer)
{
	struct stun_out o;
	struct stun_msg m;
	edge_begin(&o, STUN_CHANNEL_BIND);
	stun_put_u32(&o, STUN_CHANNEL_NUMBER, number << 16);
	stun_put_xor_addr(&o, STUN_XOR_PEER_ADDRESS, peer);
	return edge_ask(e, p, &o, a, &m);
}

unsigned edge_refresh(struct edge *e, struct party *p, const struct account *a, uint32_t life_s)
{
	struct stun_out o;
	struct stun_msg m;
	edge_begin(&o, STUN_REFRESH);
	stun_put_u32(&o, STUN_LIFETIME, life_s);
	return edge_ask(e, p, &o, a, &m);
}
