#include <stdlib.h>

#include "svc/relay/tcp.h"

/* Connections with peers whose allocation has ended: what the client had sent them still goes out,
 * so that a file whose sender hangs up behind its last byte arrives whole.  Nothing more is read,
 * and they end in their own time. */

struct parting {
	struct list node; /* in relay->partings, the oldest first */
	struct relay *relay;
	struct stream *stream; /* of Lync; or: */
	struct pipe *pipe;     /* of RFC 6062 */
};

static void parting_free(struct parting *p)
{
	list_del(&p->node);
	p->relay->n_partings--;
	stream_free(&p->stream);
	pipe_free(&p->pipe);
	free(p);
}

static void on_over(void *arg, enum pipe_end by UNUSED)
{
	struct parting *p = arg;
	p->pipe = NULL;
	parting_free(p);
}

static const struct pipe_ops pipe_ops = { .ended = on_over };

static void on_opened(void *arg UNUSED)
{
}

static ssize_t on_data(void *arg UNUSED, struct str in)
{
	return (ssize_t)in.len;
}

static void on_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	parting_free(arg);
}

static void on_room(void *arg UNUSED)
{
}

static const struct stream_ops stream_ops = {
	.opened = on_opened, .data = on_data, .closed = on_closed, .room = on_room
};

static struct parting *parting_new(struct relay *r)
{
	if (r->n_partings == RELAY_PARTINGS_MAX)
		parting_free(list_entry(r->partings.next, struct parting, node));
	struct parting *p = xnew(struct parting);
	p->relay = r;
	list_add(&r->partings, &p->node);
	r->n_partings++;
	return p;
}

void tcp_part(struct tcp_conn *c)
{
	struct relay *r = c->alloc->relay;
	if (c->state == TCP_JOINED && c->pipe) {
		struct parting *p = parting_new(r);
		p->pipe = take(&c->pipe);
		pipe_leave(p->pipe, &pipe_ops, p);
	} else if (c->state == TCP_OPEN && stream_unsent(c->stream) > 0) {
		struct parting *p = parting_new(r);
		p->stream = take(&c->stream);
		stream_set_ops(p->stream, &stream_ops, p);
		stream_close_late(p->stream, PIPE_LINGER_S * USEC_PER_SEC);
	}
	tcp_conn_free(c);
}

void tcp_partings_end(struct relay *r)
{
	list_for(it, &r->partings) parting_free(list_entry(it, struct parting, node));
}
