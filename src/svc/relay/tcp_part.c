#include <stdlib.h>

#include "svc/relay/tcp.h"

/* Connections with peers whose allocation has ended: what the client had sent them still goes out,
 * so that a file whose sender hangs up behind its last byte arrives whole.  Peers are not heard any
 * more.  They count for the user, and his limits hold, until they end, in their own time. */

struct parting {
	struct list node; /* in relay->partings, the oldest first */
	struct relay *relay;
	struct relay_user *user;
	struct bucket bucket;  /* of the allocation */
	struct stream *stream; /* of Lync; or: */
	struct pipe *pipe;     /* of RFC 6062 */
	struct buf early;      /* of Lync: it is not connected yet */
	struct timer late;     /* of Lync: the peer takes it too slowly */
};

static void parting_free(struct parting *p)
{
	struct relay *r = p->relay;
	list_del(&p->node);
	r->n_partings--;
	r->stats.tcp_conns--;
	p->user->n_partings--;
	p->user->n_tcp--;
	user_put(r, p->user);
	timer_stop(&p->late);
	stream_free(&p->stream);
	pipe_free(&p->pipe);
	buf_free(&p->early);
	free(p);
}

/* --- of RFC 6062 ------------------------------------------------------------------------------ */

static usec_t on_passed(void *arg, enum pipe_end from UNUSED, size_t bytes)
{
	struct parting *p = arg;
	struct relay *r = p->relay;
	usec_t now = loop_now(r->loop);
	r->stats.relayed_packets++;
	r->stats.relayed_bytes += bytes;
	usec_t port = bucket_owe(&p->bucket, bytes, now);
	usec_t user = bucket_owe(&p->user->bucket, bytes, now);
	return MAX(port, user);
}

static void on_over(void *arg, enum pipe_end by UNUSED)
{
	struct parting *p = arg;
	p->pipe = NULL;
	parting_free(p);
}

static const struct pipe_ops pipe_ops = { .passed = on_passed, .ended = on_over };

/* --- of Lync ---------------------------------------------------------------------------------- */

/* What the peer still says is read and dropped: with unread bytes the connection would be reset,
 * and take with it what it has not got yet. */
static void close_late(void *arg)
{
	struct parting *p = arg;
	timer_stop(&p->late);
	stream_close_late(p->stream, PIPE_LINGER_S * USEC_PER_SEC);
}

static void send_rest(struct parting *p)
{
	stream_pause(p->stream, true);
	stream_want_room(p->stream, 1);
	timer_set(&p->late, loop_now(p->relay->loop) + PIPE_LEFT_S * USEC_PER_SEC);
}

static void on_opened(void *arg)
{
	struct parting *p = arg;
	stream_write(p->stream, buf_view(&p->early));
	buf_free(&p->early);
	send_rest(p);
}

static ssize_t on_data(void *arg UNUSED, struct str in)
{
	return (ssize_t)in.len;
}

static void on_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	parting_free(arg);
}

static const struct stream_ops stream_ops = {
	.opened = on_opened, .data = on_data, .closed = on_closed, .room = close_late
};

/* --- both ------------------------------------------------------------------------------------- */

/* The oldest of the user who has most: whoever leaves many behind pushes his own out. */
static struct parting *surplus(const struct relay *r)
{
	unsigned most = 0;
	list_for(it, &r->partings)
	{
		most = MAX(most, list_entry(it, struct parting, node)->user->n_partings);
	}
	list_for(it, &r->partings)
	{
		struct parting *p = list_entry(it, struct parting, node);
		if (p->user->n_partings == most)
			return p;
	}
	return NULL;
}

static struct parting *parting_new(struct tcp_conn *c)
{
	struct relay *r = c->alloc->relay;
	if (r->n_partings == RELAY_PARTINGS_MAX)
		parting_free(surplus(r));
	struct parting *p = xnew(struct parting);
	p->relay = r;
	p->user = c->alloc->user;
	p->bucket = c->alloc->bucket;
	p->early = buf_of(RELAY_TCP_EARLY_MAX);
	timer_init(&p->late, r->loop, close_late, p);
	list_add(&r->partings, &p->node);
	r->n_partings++;
	r->stats.tcp_conns++;
	p->user->n_partings++;
	p->user->n_tcp++;
	return p;
}

static void part_stream(struct tcp_conn *c)
{
	struct parting *p = parting_new(c);
	p->stream = take(&c->stream);
	stream_set_ops(p->stream, &stream_ops, p);
	if (c->state == TCP_OPEN) {
		send_rest(p);
		return;
	}
	p->early = c->early;
	c->early = buf_of(RELAY_TCP_EARLY_MAX);
}

void tcp_part(struct tcp_conn *c)
{
	if (c->state == TCP_JOINED && c->pipe) {
		struct parting *p = parting_new(c);
		p->pipe = take(&c->pipe);
		pipe_leave(p->pipe, PIPE_B, &pipe_ops, p);
	} else if (c->state == TCP_OPEN && !stream_is_idle(c->stream)) {
		part_stream(c);
	} else if (c->state == TCP_DIALING && c->early.len > 0) {
		part_stream(c);
	}
	tcp_conn_free(c);
}

void tcp_partings_end(struct relay *r, const struct relay_user *u)
{
	list_for(it, &r->partings)
	{
		struct parting *p = list_entry(it, struct parting, node);
		if (!u || p->user == u)
			parting_free(p);
	}
}
