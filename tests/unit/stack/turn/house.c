#include "house.h"

#include <errno.h>
#include <unistd.h>

#include "base/code.h"

#define REALM "example.test"
static const uint8_t pool_key[32] = { 9, 8, 7 };

enum { CREDENTIAL_LIFE_S = 6 * 3600 };

/* --- sockets --------------------------------------------------------------------------- */

static int bound(int type, int family, struct addr *ret)
{
	EQ(addr_parse(ret, family == AF_INET6 ? STR("::1") : STR("127.0.0.1"), 0), 0);
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	socklen_t n = addr_len(ret);
	if (fd < 0)
		return -errno;
	if (bind(fd, &ret->sa, n) == 0 && (type == SOCK_DGRAM || listen(fd, 16) == 0) &&
	    getsockname(fd, &ret->sa, &n) == 0)
		return fd;
	int r = -errno;
	(void)close(fd);
	return r;
}

/* Every other port is even. */
static int bound_even(int family, struct addr *ret)
{
	int fds[64], n = 0, fd;
	do {
		fd = bound(SOCK_DGRAM, family, ret);
		fds[n++] = fd;
	} while (fd >= 0 && addr_port(ret) % 2 != 0 && n < 64);
	while (--n > 0)
		(void)close(fds[n - 1]);
	return fd;
}

static int bound_tcp(int family, struct addr *ret)
{
	EQ(addr_parse(ret, family == AF_INET6 ? STR("::1") : STR("127.0.0.1"), 0), 0);
	int fd = tcp_bind(ret);
	socklen_t n = addr_len(ret);
	OK(fd >= 0 && getsockname(fd, &ret->sa, &n) == 0);
	return fd;
}

static int on_open(void *arg, const struct relay_want *want, struct relay_opened *ret)
{
	struct house *h = arg;
	if (want->tcp)
		ret->fd = bound_tcp(want->family, &ret->external);
	else if (want->even)
		ret->fd = bound_even(want->family, &ret->external);
	else
		ret->fd = bound(SOCK_DGRAM, want->family, &ret->external);
	h->open_ports += ret->fd >= 0;
	return ret->fd < 0 ? ret->fd : 0;
}

static void on_closed(void *arg, const struct addr *external UNUSED)
{
	struct house *h = arg;
	h->open_ports--;
}

/* Nobody asks for a pair. */
static void on_unkeep(void *arg UNUSED, const struct addr *external)
{
	EQ(addr_port(external), 0);
}

static bool is_live(void *arg UNUSED, const struct addr *external UNUSED, bool tcp UNUSED)
{
	return false; /* loopback is open to all */
}

static void on_began(void *arg, const struct relay_info *info UNUSED)
{
	struct house *h = arg;
	h->n_began++;
}

static void on_ended(void *arg, const struct relay_info *info UNUSED, enum relay_end why)
{
	struct house *h = arg;
	h->n_ended[why]++;
}

static void to_stream(void *arg UNUSED, void *owner, struct bytes frame, bool droppable UNUSED)
{
	struct house_conn *conn = owner;
	stream_write(conn->stream, str_from_bytes(frame));
}

static bool has_room(void *arg UNUSED, void *owner UNUSED)
{
	return true;
}

static void on_pause(void *arg UNUSED, void *owner, bool paused)
{
	struct house_conn *conn = owner;
	stream_pause(conn->stream, paused);
}

static void on_hang_up(void *arg UNUSED, void *owner)
{
	struct house_conn *conn = owner;
	stream_close(conn->stream);
}

static const struct relay_ops relay_ops = { .open = on_open,
	                                    .closed = on_closed,
	                                    .unkeep = on_unkeep,
	                                    .is_live = is_live,
	                                    .began = on_began,
	                                    .ended = on_ended,
	                                    .to_stream = to_stream,
	                                    .has_room = has_room,
	                                    .pause = on_pause,
	                                    .hang_up = on_hang_up };

static void on_packet(void *arg, struct packet_port *port UNUSED, const struct addr *from,
                      struct packet data)
{
	struct house *h = arg;
	relay_datagram(h->relay, &h->face, from, data);
}

/* --- connections ----------------------------------------------------------------------- */

static void began(struct house_conn *conn, enum turn_framing framing)
{
	struct house *h = conn->house;
	conn->framing = framing;
	conn->relayed =
	        relay_stream_new(h->relay, &h->face, stream_peer(conn->stream), framing, conn);
}

/* How many bytes belong to the beginning itself. */
static ssize_t begin(struct house_conn *conn, struct bytes in)
{
	switch (turn_opening(in)) {
	case TURN_OPENS_STANDARD:
		began(conn, TURN_STANDARD);
		return 0;
	case TURN_OPENS_MS:
		began(conn, TURN_MS);
		return 0;
	case TURN_OPENS_MS_HELLO:
		began(conn, TURN_MS);
		stream_write(conn->stream,
		             str_n((const char *)turn_ms_hello_answer, TURN_MS_HELLO_ANSWER_LEN));
		return TURN_MS_HELLO_LEN;
	case TURN_OPENS_MORE:
		return 0;
	case TURN_OPENS_TLS:
	case TURN_OPENS_OTHER:
		break;
	}
	return -EBADMSG;
}

static ssize_t on_data(void *arg, struct str in)
{
	struct house_conn *conn = arg;
	struct bytes all = bytes_of(in);
	ssize_t n, used = conn->relayed ? 0 : begin(conn, all);
	if (used < 0 || !conn->relayed)
		return used;
	do {
		struct bytes rest = { all.p + used, all.len - (size_t)used };
		n = turn_frame(rest, conn->framing, STUN_READ_MAX);
		if (n > 0 && !relay_frame(conn->relayed, (struct bytes){ rest.p, (size_t)n }))
			n = -EBADMSG;
		used += n > 0 ? n : 0;
	} while (n > 0);
	return n < 0 ? n : used;
}

static void on_stream_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	struct house_conn *conn = arg;
	conn->ended = true;
	relay_stream_free(&conn->relayed);
}

static void on_stream_opened(void *arg UNUSED)
{
}

static const struct stream_ops stream_ops = {
	.opened = on_stream_opened,
	.data = on_data,
	.closed = on_stream_closed,
};

static void on_accept(void *arg, struct listener *ls, int fd, const struct addr *peer UNUSED)
{
	static const struct stream_limits lim = { .read_max = 256 * 1024,
		                                  .write_max = 1024 * 1024,
		                                  .open_max = 60 * USEC_PER_SEC };
	struct house *h = arg;
	if (!OK(h->n_conns < HOUSE_CONNS_MAX)) {
		(void)close(fd);
		return;
	}
	struct house_conn *conn = &h->conns[h->n_conns++];
	*conn = (struct house_conn){ .house = h };
	conn->stream = stream_accept(h->loop, fd, ls == h->tls ? h->tls_server : NULL, &lim,
	                             &stream_ops, conn);
}

/* --- its life -------------------------------------------------------------------------- */

static void make_credentials(struct house *h)
{
	char space[RELAY_NAME_MAX + 1];
	struct buf name = BUF_ON(space), user = BUF_ON(h->user), secret = BUF_ON(h->password);
	uint8_t password[RELAY_PASSWORD_LEN];
	uint64_t now_s = loop_wall(h->loop) / USEC_PER_SEC;
	struct relay_grant g = { .user = STR("alice@example.test"),
		                 .expires_s = now_s + CREDENTIAL_LIFE_S };
	EQ(relay_grant_put(h->issuer, now_s, &g, &name, password), 0);
	base64_put(&user, name.p, name.len);
	base64_put(&secret, password, sizeof(password));
	h->user[user.len] = h->password[secret.len] = '\0';
}

static void make_tls(struct house *h)
{
	struct ca *ca = NULL;
	const char *why = "";
	struct buf root = buf_of(CA_PEM_MAX), chain = buf_of(CA_PEM_MAX), key = buf_of(CA_PEM_MAX);
	struct str name = STR("edge.test");
	struct ca_names names = { .common_name = name, .dns = &name, .n_dns = 1 };
	EQ(ca_new(&ca, STR("Test CA"), time(NULL)), 0);
	EQ(ca_put_cert(ca, &root), 0);
	EQ(ca_issue(ca, CA_P256, &names, time(NULL), &chain, &key), 0);
	struct tls_cert cert = { buf_view(&chain), buf_view(&key) };
	struct tls_server_config sc = { .certs = &cert, .n_certs = 1 };
	struct tls_client_config cc = { .ca_pem = buf_view(&root) };
	OK((h->tls_server = tls_server_new(&sc, &why)) != NULL);
	OK((h->tls_client = tls_client_new(&cc, &why)) != NULL);
	ca_free(&ca);
	buf_free(&root);
	buf_free(&chain);
	buf_free(&key);
}

void house_start(struct house *h)
{
	struct addr at;
	*h = (struct house){ .loop = loop_new() };
	h->packets = packets_new(h->loop);
	h->issuer = relay_keys_new(pool_key);
	EQ(addr_parse(&h->open[0].net, STR("127.0.0.0"), 0), 0);
	h->open[0].bits = 8;
	EQ(addr_parse(&h->open[1].net, STR("::1"), 0), 0);
	h->open[1].bits = 128;
	h->cfg = (struct relay_config){ .realm = STR(REALM),
		                        .pool_key = pool_key,
		                        .user_allocations = 4,
		                        .allocations_max = 10,
		                        .open = h->open,
		                        .n_open = 2 };
	h->relay = relay_new(h->loop, h->packets, &h->cfg, &relay_ops, h);
	int fd = bound(SOCK_DGRAM, AF_INET, &h->face.local);
	h->face.udp = packet_port_new(h->packets, fd, on_packet, h);
	h->tcp = listener_new(h->loop, bound(SOCK_STREAM, AF_INET, &at), 8, on_accept, h);
	h->tls = listener_new(h->loop, bound(SOCK_STREAM, AF_INET, &at), 8, on_accept, h);
	make_tls(h);
	make_credentials(h);
}

void house_stop(struct house *h)
{
	for (unsigned i = 0; i < h->n_conns; i++) {
		relay_stream_free(&h->conns[i].relayed);
		stream_free(&h->conns[i].stream);
	}
	relay_free(&h->relay);
	EQ(h->open_ports, 0);
	packet_port_free(&h->face.udp);
	listener_free(&h->tcp);
	listener_free(&h->tls);
	tls_server_unref(&h->tls_server);
	tls_client_unref(&h->tls_client);
	relay_keys_free(&h->issuer);
	loop_free(&h->loop);
	packets_free(&h->packets);
}

void house_wait(struct house *h, unsigned seconds)
{
	loop_clock_move(h->loop, seconds * USEC_PER_SEC);
	for (int i = 0; i < 5; i++) /* what is due is sent, answered and read */
		loop_turn(h->loop, USEC_PER_MSEC);
}

struct addr house_at(const struct house *h, enum turn_way way)
{
	if (way == TURN_BY_UDP)
		return h->face.local;
	return *listener_local(way == TURN_BY_TLS ? h->tls : h->tcp);
}

/* --- guests ---------------------------------------------------------------------------- */

static void on_opened(void *arg)
{
	struct guest *g = arg;
	g->n_opened++;
}

static void on_mapped(void *arg, const struct addr *mapped)
{
	struct guest *g = arg;
	g->n_mapped++;
	g->mapped = *mapped;
}

static void on_allocated(void *arg, const struct turn_allocation *a)
{
	struct guest *g = arg;
	g->n_allocated++;
	g->allocation = *a;
}

static void on_permitted(void *arg, const struct addr *peer)
{
	struct guest *g = arg;
	g->n_permitted++;
	g->peer = *peer;
}

static void on_bound(void *arg, const struct addr *peer)
{
	struct guest *g = arg;
	g->n_bound++;
	g->peer = *peer;
}

static void on_guest_data(void *arg, const struct addr *peer, struct str data)
{
	struct guest *g = arg;
	g->n_data++;
	g->from = *peer;
	g->len = MIN(data.len, sizeof(g->last));
	if (g->len > 0)
		memcpy(g->last, data.p, g->len);
}

static void on_released(void *arg)
{
	struct guest *g = arg;
	g->n_released++;
}

static void on_failed(void *arg, const struct turn_failure *f)
{
	struct guest *g = arg;
	g->n_failed++;
	g->failure = *f;
	if (f->peer)
		g->peer = *f->peer;
	(void)snprintf(g->why, sizeof(g->why), "%s", f->why);
}

const struct turn_client_ops guest_ops = { .opened = on_opened,
	                                   .mapped = on_mapped,
	                                   .allocated = on_allocated,
	                                   .permitted = on_permitted,
	                                   .bound = on_bound,
	                                   .data = on_guest_data,
	                                   .released = on_released,
	                                   .failed = on_failed };

struct turn_client_config guest_config(const struct house *h, enum turn_way way, bool lync)
{
	return (struct turn_client_config){ .server = house_at(h, way),
		                            .way = way,
		                            .lync = lync,
		                            .tls = h->tls_client,
		                            .server_name = STR("edge.test"),
		                            .user = str_of(h->user),
		                            .password = str_of(h->password) };
}

void guest_start(struct guest *g, struct house *h, enum turn_way way, bool lync)
{
	struct turn_client_config cfg = guest_config(h, way, lync);
	*g = (struct guest){ .client = NULL };
	g->client = turn_client_new(h->loop, &cfg, &guest_ops, g);
	EQ(g->n_opened, 0); /* not from inside the call */
	WAIT(h->loop, g->n_opened == 1);
}

void guest_start_allocated(struct guest *g, struct house *h, enum turn_way way, bool lync)
{
	guest_start(g, h, way, lync);
	EQ(turn_client_allocate(g->client), 0);
	WAIT(h->loop, g->n_allocated == 1);
}

void guest_stop(struct guest *g)
{
	turn_client_free(&g->client);
}
