#include <errno.h>

#include "svc/relay/tcp.h"

/* TCP allocations of Lync clients: who comes by a connection gets a relayed address of TCP
 * ([MS-TURN] section 3.1), and one stream of frames carries the bytes of all peers.
 *
 *     DIALING --connected--> OPEN         a peer comes: OPEN, or WAITING without a permission
 *        \--it connects to us--> AWAITED --it comes--> OPEN
 *
 * They are streams: nothing may be dropped.  Whoever is full stops the other side from being read,
 * and so does a limit that is reached.
 *
 *     the client's connection is full: the peers are not read; a peer's: the client is not */

enum { CHUNK = 16 * 1024 /* bytes of a frame to the client */ };

static void read_peers(const struct relay_alloc *a)
{
	bool paused = a->tcp->client_full || a->tcp->resting;
	list_for(it, &a->tcp->conns)
	{
		struct tcp_conn *c = list_entry(it, struct tcp_conn, node);
		if (c->state == TCP_OPEN)
			stream_pause(c->stream, paused);
	}
}

static void read_client(const struct relay_alloc *a)
{
	a->relay->ops->pause(a->relay->arg, a->stream->owner,
	                     a->tcp->n_full > 0 || a->tcp->resting);
}

/* Nothing is read until the limit is kept again. */
static void rest(struct relay_alloc *a, usec_t how_long)
{
	usec_t until = loop_now(a->relay->loop) + how_long;
	if (how_long == 0 || (a->tcp->resting && a->tcp->rest.tick.deadline >= until))
		return;
	a->tcp->resting = true;
	timer_set(&a->tcp->rest, until);
	read_peers(a);
	read_client(a);
}

void tcp_lync_rested(struct relay_alloc *a)
{
	a->tcp->resting = false;
	read_peers(a);
	read_client(a);
}

static void set_full(struct tcp_conn *c, bool full)
{
	struct relay_tcp *t = c->alloc->tcp;
	if (c->full == full)
		return;
	c->full = full;
	t->n_full = full ? t->n_full + 1 : t->n_full - 1;
	read_client(c->alloc);
}

/* --- to the client --------------------------------------------------------------------------- */

static void to_client(struct relay_alloc *a, struct bytes frame)
{
	a->relay->ops->to_stream(a->relay->arg, a->stream->owner, frame, false);
}

static void put_chunk(struct tcp_conn *c, struct str in)
{
	uint8_t space[TURN_HEADROOM + CHUNK + TURN_TAILROOM], *p = space + TURN_HEADROOM;
	struct relay_alloc *a = c->alloc;
	bool raw = is_active(a, &c->peer);
	uint8_t id[MSTURN_ID_LEN] = { 0 };
	struct bytes whole = { p, in.len };
	memcpy(p, in.p, in.len);
	make_id(id, a);
	if (!raw)
		whole = msturn_put_data(p, in.len, &c->peer, id);
	to_client(a, turn_put_ms_frame((uint8_t *)(uintptr_t)whole.p, whole.len,
	                               raw ? TURN_MS_FRAME_DATA : TURN_MS_FRAME_CONTROL));
	tcp_count(a, true, in.len);
}

static ssize_t on_data(void *arg, struct str in)
{
	struct tcp_conn *c = arg;
	struct relay_alloc *a = c->alloc;
	if (c->state != TCP_OPEN || in.len == 0)
		return 0;
	for (struct str rest_of = in; rest_of.len > 0;) {
		struct str chunk = str_sub(rest_of, 0, CHUNK);
		put_chunk(c, chunk);
		rest_of = str_sub(rest_of, chunk.len, rest_of.len);
	}
	rest(a, tcp_owe(a, in.len));
	if (!a->tcp->client_full && !a->relay->ops->has_room(a->relay->arg, a->stream->owner)) {
		a->tcp->client_full = true;
		read_peers(a);
	}
	return (ssize_t)in.len;
}

void relay_stream_room(struct relay_stream *s)
{
	struct relay_alloc *a = s->alloc;
	if (!a || !a->tcp || !a->tcp->client_full)
		return;
	a->tcp->client_full = false;
	read_peers(a);
}

/* --- connections with peers ------------------------------------------------------------------ */

/* Whose bytes the client had for it before go first. */
static void open_conn(struct tcp_conn *c)
{
	timer_stop(&c->late);
	c->state = TCP_OPEN;
	stream_write(c->stream, buf_view(&c->early));
	buf_free(&c->early);
	stream_pause(c->stream, c->alloc->tcp->client_full || c->alloc->tcp->resting);
	stream_more(c->stream);
}

static void on_connected(void *arg)
{
	open_conn(arg);
}

static void on_room(void *arg)
{
	set_full(arg, false);
}

/* With the peer that it has chosen the client's connection ends too (draft 08 section 7.6): what it
 * sends next would be a stream that begins somewhere. */
static void lose(struct tcp_conn *c)
{
	struct relay_alloc *a = c->alloc;
	bool active = is_active(a, &c->peer);
	tcp_conn_free(c);
	if (!active)
		return;
	a->stream->leaving = true;
	a->relay->ops->hang_up(a->relay->arg, a->stream->owner);
}

static void on_ended(void *arg, int err, const char *why UNUSED)
{
	struct tcp_conn *c = arg;
	if (c->state == TCP_DIALING && (err == -EADDRNOTAVAIL || err == -EADDRINUSE)) {
		stream_free(&c->stream);
		tcp_wait(c, TCP_AWAITED);
		return;
	}
	lose(c);
}

static const struct stream_ops peer_ops = {
	.opened = on_connected, .data = on_data, .closed = on_ended, .room = on_room
};

void tcp_lync_late(struct tcp_conn *c)
{
	lose(c);
}

void tcp_lync_gone(struct tcp_conn *c)
{
	set_full(c, false);
}

void tcp_lync_closed(struct relay_alloc *a)
{
	a->tcp->resting = false;
	read_client(a);
}

/* Room for one more that nobody knows: they take none from peers. */
static void hold_few(const struct relay_alloc *a)
{
	struct tcp_conn *oldest = NULL;
	unsigned n = 0;
	list_for(it, &a->tcp->conns)
	{
		struct tcp_conn *c = list_entry(it, struct tcp_conn, node);
		if (c->state != TCP_WAITING)
			continue;
		oldest = oldest ? oldest : c;
		n++;
	}
	if (n >= RELAY_TCP_HELD_MAX)
		tcp_conn_free(oldest);
}

/* A peer that comes before the client knows it waits, unread, for the permission. */
void tcp_lync_came(struct relay_alloc *a, int fd, const struct addr *peer)
{
	bool known = alloc_permits(a, peer, loop_now(a->relay->loop));
	struct tcp_conn *c = tcp_conn_with(a, peer);
	if (c && c->state == TCP_OPEN) { /* that connection has ended, unseen while it is paused */
		lose(c);
		c = NULL;
	}
	if (!c && !known)
		hold_few(a);
	if (c)
		stream_free(&c->stream); /* we were connecting to it at the same moment */
	else
		c = tcp_conn_new(a, peer);
	c->stream = stream_accept(a->relay->loop, fd, NULL, &tcp_peer_limits, &peer_ops, c);
	if (known) {
		open_conn(c);
	} else {
		tcp_wait(c, TCP_WAITING);
		stream_pause(c->stream, true);
	}
}

void tcp_lync_permitted(struct relay_alloc *a, const struct addr *peer)
{
	list_for(it, &a->tcp->conns)
	{
		struct tcp_conn *c = list_entry(it, struct tcp_conn, node);
		if (c->state == TCP_WAITING && addr_eq_host(&c->peer, peer))
			open_conn(c);
	}
}

/* The peer's connection, or one that is being made; NULL: there can be none. */
static struct tcp_conn *conn_to(struct relay_alloc *a, const struct addr *peer)
{
	struct tcp_conn *c = tcp_conn_with(a, peer);
	struct addr space;
	const struct addr *to = peer_way(a->relay, peer, true, &space);
	if (c || !to || tcp_is_full(a) || addr_port(peer) < RELAY_TCP_PORT_MIN)
		return c;
	c = tcp_conn_new(a, peer);
	rest(a, asks_owe(a->relay, user_of(a), RELAY_CONNECT_COST));
	if (tcp_dial(c, to, &peer_ops) == 0)
		return c;
	tcp_conn_free(c);
	return NULL;
}

void tcp_lync_send(struct relay_alloc *a, const struct addr *peer, struct str data)
{
	struct tcp_conn *c = conn_to(a, peer);
	if (c && c->state != TCP_OPEN)
		buf_str(&c->early, data);
	if (!c || c->early.full) {
		a->dropped++;
		a->relay->stats.dropped++;
		if (c)
			lose(c); /* a stream with a hole is none */
		return;
	}
	tcp_count(a, false, data.len);
	rest(a, tcp_owe(a, data.len));
	if (c->state != TCP_OPEN)
		return;
	stream_write(c->stream, data);
	if (stream_unsent(c->stream) > PIPE_UNSENT_MAX) {
		set_full(c, true);
		stream_want_room(c->stream, PIPE_UNSENT_LOW);
	}
}
