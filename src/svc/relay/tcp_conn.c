#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rand.h"
#include "svc/relay/tcp.h"

/* The relayed address of a TCP allocation, which listens and is where connections come from; and
 * what both dialects have of a connection with a peer. */

const struct stream_limits tcp_peer_limits = {
	.read_max = PIPE_BROUGHT_MAX,
	.write_max = PIPE_BROUGHT_MAX,
	.open_max = RELAY_TCP_WAIT_S * USEC_PER_SEC,
	.probe_after = 60 * USEC_PER_SEC,
};

struct tcp_conn *tcp_conn_of(const struct relay *r, uint32_t id)
{
	struct map_node *n = map_first(&r->tcp_conns, id);
	for (; n; n = map_next(n)) {
		struct tcp_conn *c = container_of(n, struct tcp_conn, by_id);
		if (c->id == id)
			return c;
	}
	return NULL;
}

struct tcp_conn *tcp_conn_with(const struct relay_alloc *a, const struct addr *peer)
{
	list_for(it, &a->tcp->conns)
	{
		struct tcp_conn *c = list_entry(it, struct tcp_conn, node);
		if (addr_eq(&c->peer, peer))
			return c;
	}
	return NULL;
}

static void on_late(void *arg)
{
	struct tcp_conn *c = arg;
	(c->alloc->lync ? tcp_lync_late : tcp_rfc_late)(c);
}

bool tcp_is_full(const struct relay_alloc *a)
{
	const struct relay *r = a->relay;
	return a->tcp->n >= RELAY_TCP_CONNS_MAX || a->user->n_tcp >= RELAY_USER_TCP_CONNS_MAX ||
	       (r->cfg.tcp_conns_max && r->stats.tcp_conns >= r->cfg.tcp_conns_max);
}

struct tcp_conn *tcp_conn_new(struct relay_alloc *a, const struct addr *peer)
{
	struct relay *r = a->relay;
	struct tcp_conn *c = xnew(struct tcp_conn);
	c->alloc = a;
	c->peer = *peer;
	c->early = buf_of(RELAY_TCP_EARLY_MAX);
	do {
		c->id = r->cfg.slot << RELAY_ID_BITS |
		        (uint32_t)rand_below(UINT32_C(1) << RELAY_ID_BITS);
	} while (tcp_conn_of(r, c->id));
	timer_init(&c->late, r->loop, on_late, c);
	list_add(&a->tcp->conns, &c->node);
	map_add(&r->tcp_conns, &c->by_id, c->id);
	a->tcp->n++;
	a->user->n_tcp++;
	r->stats.tcp_conns++;
	return c;
}

void tcp_conn_free(struct tcp_conn *c)
{
	if (c->alloc->lync)
		tcp_lync_gone(c);
	list_del(&c->node);
	map_del(&c->alloc->relay->tcp_conns, &c->by_id);
	c->alloc->tcp->n--;
	c->alloc->user->n_tcp--;
	c->alloc->relay->stats.tcp_conns--;
	timer_stop(&c->late);
	pipe_free(&c->pipe);
	stream_free(&c->stream);
	buf_free(&c->early);
	free(c);
}

void tcp_wait(struct tcp_conn *c, enum tcp_state state)
{
	c->state = state;
	timer_set(&c->late, loop_now(c->alloc->relay->loop) + RELAY_TCP_WAIT_S * USEC_PER_SEC);
}

int tcp_dial(struct tcp_conn *c, const struct addr *to, const struct stream_ops *ops)
{
	int fd = tcp_bind(listener_local(c->alloc->tcp->listener));
	if (fd < 0)
		return fd;
	tcp_wait(c, TCP_DIALING);
	c->stream = stream_dial(c->alloc->relay->loop, fd, to, &tcp_peer_limits, ops, c);
	return 0;
}

void tcp_count(struct relay_alloc *a, bool in, size_t bytes)
{
	*(in ? &a->packets_in : &a->packets_out) += 1;
	*(in ? &a->bytes_in : &a->bytes_out) += bytes;
	a->relay->stats.relayed_packets++;
	a->relay->stats.relayed_bytes += bytes;
}

usec_t tcp_owe(struct relay_alloc *a, size_t bytes)
{
	usec_t now = loop_now(a->relay->loop);
	usec_t port = bucket_owe(&a->bucket, bytes, now);
	usec_t user = bucket_owe(&a->user->bucket, bytes, now);
	return MAX(port, user);
}

/* --- the allocation -------------------------------------------------------------------------- */

static bool may_come(const struct relay *r, const struct addr *peer)
{
	if (r->cfg.closed_tcp)
		return peer_is_ours(r, peer, true);
	return !peer_is_refused(r, peer);
}

static void on_peer(void *arg, struct listener *ls UNUSED, int fd, const struct addr *from)
{
	struct relay_alloc *a = arg;
	struct addr space;
	const struct addr *peer = peer_seen(a->relay, from, &space);
	if (tcp_is_full(a) || !may_come(a->relay, peer)) {
		a->relay->stats.refused++;
		(void)close(fd);
		return;
	}
	(a->lync ? tcp_lync_came : tcp_rfc_came)(a, fd, peer);
}

static void on_rested(void *arg)
{
	tcp_lync_rested(arg);
}

int tcp_open(struct relay_alloc *a, const struct relay_opened *o)
{
	int r = tcp_listen(o->fd, RELAY_TCP_CONNS_MAX);
	if (r < 0) {
		(void)close(o->fd);
		return r;
	}
	a->tcp = xnew(struct relay_tcp);
	list_init(&a->tcp->conns);
	timer_init(&a->tcp->rest, a->relay->loop, on_rested, a);
	a->tcp->listener = listener_new(a->relay->loop, o->fd, RELAY_TCP_CONNS_MAX, on_peer, a);
	return 0;
}

void tcp_close(struct relay_alloc *a, bool cut)
{
	if (!a->tcp)
		return;
	list_for(it, &a->tcp->conns)(cut ? tcp_conn_free
	                                 : tcp_part)(list_entry(it, struct tcp_conn, node));
	if (a->lync)
		tcp_lync_closed(a);
	timer_stop(&a->tcp->rest);
	listener_free(&a->tcp->listener);
	free(a->tcp);
	a->tcp = NULL;
}
