#include "rfc6062.h"

#include <sys/socket.h>

/* --- the control connection ------------------------------------------------------------ */

unsigned rfc_ask(struct rfc *w, struct stun_out *o)
{
	return edge_ask_stream(w->control, &w->e.stream, o, &w->alice, &w->m);
}

void rfc_start_with(struct rfc *w, uint32_t port_kbps, uint32_t user_kbps)
{
	static const struct addr from = { .in4 = { .sin_family = AF_INET } };
	struct stun_out o;
	edge_start(&w->e);
	w->e.cfg.port_kbps = port_kbps;
	w->e.cfg.user_kbps = user_kbps;
	relay_configure(w->e.relay, &w->e.cfg);
	w->binding = NULL;
	party_own(&w->data);
	account_get(&w->alice, &w->e, "alice@example.test", 3600);
	account_get(&w->bob, &w->e, "bob@example.test", 3600);
	w->control = relay_stream_new(w->e.relay, &w->e.face, &from, TURN_STANDARD, &w->e.stream);
	edge_begin(&o, STUN_ALLOCATE);
	EQ(edge_ask_stream(w->control, &w->e.stream, &o, NULL, &w->m), 401);
	edge_learn(&w->alice, &w->m);
	edge_learn(&w->bob, &w->m);
}

void rfc_begin_allocate(struct stun_out *o)
{
	edge_begin(o, STUN_ALLOCATE);
	stun_put_u32(o, STUN_REQUESTED_TRANSPORT, 6u << 24);
}

void rfc_allocate(struct rfc *w)
{
	struct stun_out o;
	rfc_begin_allocate(&o);
	EQ(rfc_ask(w, &o), 200);
	OK(stun_attr_addr(&w->m, STUN_XOR_RELAYED_ADDRESS, &w->relayed));
}

void rfc_start(struct rfc *w)
{
	rfc_start_with(w, 0, 0);
	rfc_allocate(w);
}

void rfc_stop(struct rfc *w)
{
	relay_stream_free(&w->binding);
	relay_stream_free(&w->control);
	party_stop(&w->data);
	edge_stop(&w->e);
}

unsigned rfc_ask_of(struct rfc *w, struct stun_out *o, unsigned method, const struct addr *peer)
{
	edge_begin(o, method);
	stun_put_xor_addr(o, STUN_XOR_PEER_ADDRESS, peer);
	return rfc_ask(w, o);
}

unsigned rfc_permit(struct rfc *w, const struct addr *peer)
{
	struct stun_out o;
	return rfc_ask_of(w, &o, STUN_CREATE_PERMISSION, peer);
}

unsigned rfc_connect_to(struct rfc *w, const struct addr *peer, uint32_t *ret_id)
{
	struct stun_out o;
	unsigned before = w->e.stream.n, code = rfc_ask_of(w, &o, STUN_CONNECT, peer);
	if (code == 0) {
		UNTIL(&w->e, w->e.stream.n > before);
		code = edge_read_answer(&w->e.stream, &o, &w->m);
	}
	if (code == 200)
		OK(stun_attr_u32(&w->m, STUN_CONNECTION_ID, ret_id));
	return code;
}

/* --- data connections ------------------------------------------------------------------ */

static ssize_t on_data(void *arg UNUSED, struct str in UNUSED)
{
	return 0;
}

static void on_closed(void *arg UNUSED, int err UNUSED, const char *why UNUSED)
{
}

struct stream *rfc_connection(struct rfc *w, struct far *ret)
{
	static const struct stream_limits limits = { .read_max = MUCH, .write_max = MUCH };
	static const struct stream_ops ops = { .data = on_data, .closed = on_closed };
	int fds[2];
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	far_of(ret, &w->e, fds[0]);
	return stream_accept(w->e.loop, fds[1], NULL, &limits, &ops, w);
}

unsigned rfc_ask_bind(struct rfc *w, uint32_t id, const struct account *a)
{
	static const struct addr from = { .in4 = { .sin_family = AF_INET } };
	struct stun_out o;
	relay_stream_free(&w->binding);
	w->binding = relay_stream_new(w->e.relay, &w->e.face, &from, TURN_STANDARD, &w->data);
	edge_begin(&o, STUN_CONNECTION_BIND);
	stun_put_u32(&o, STUN_CONNECTION_ID, id);
	return edge_ask_stream(w->binding, &w->data, &o, a, &w->m);
}

void rfc_bind_to(struct rfc *w, uint32_t id, struct far *ret)
{
	EQ(rfc_ask_bind(w, id, &w->alice), 200);
	EQ(relay_stream_joining(w->binding), RELAY_JOINING);
	relay_stream_join(&w->binding, rfc_connection(w, ret));
	OK(w->binding == NULL);
}

void rfc_start_joined(struct rfc *w, struct far *peer, struct far *client)
{
	struct addr from;
	uint32_t id = 0;
	rfc_start(w);
	far_listen(peer, &w->e, NULL);
	EQ(rfc_connect_to(w, &peer->at, &id), 200);
	OK(far_accept(peer, &from));
	rfc_bind_to(w, id, client);
}

void rfc_stop_joined(struct rfc *w, struct far *peer, struct far *client)
{
	far_stop(peer);
	far_stop(client);
	rfc_stop(w);
}
