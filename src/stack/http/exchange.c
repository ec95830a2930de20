#include <stdlib.h>

#include "stack/http/h2.h"

/* An exchange from its head to its end, whatever the version of HTTP that carries it. */

static void exchange_free(struct http_exchange *x)
{
	x->c->srv->stats.exchanges--;
	buf_free(&x->got);
	buf_free(&x->head);
	free(x);
}

static void log_done(const struct http_exchange *x)
{
	struct http_server *s = x->c->srv;
	s->stats.body_in += x->body.total;
	s->stats.body_out += x->out_total;
	s->stats.aborted += x->out != HTTP_OUT_DONE && !x->fault.status;
	if (!s->ops.done)
		return;
	struct http_done d = { .msg = x->msg,
		               .peer = stream_peer(x->c->stream),
		               .status = x->status,
		               .why = x->fault.why,
		               .whole = x->out == HTTP_OUT_DONE || x->fault.status,
		               .h2 = x->st != NULL,
		               .in = x->body.total,
		               .out = x->out_total,
		               .took = loop_now(s->loop) - x->began };
	s->ops.done(s->arg, &d);
}

void http_exchange_end(struct http_exchange *x)
{
	bool gone = x->told && x->out != HTTP_OUT_DONE && x->gone;
	void (*fn)(void *user) = x->gone;
	void *user = x->user;
	if (x->st)
		x->st->x = NULL;
	else
		x->c->x = NULL;
	log_done(x);
	exchange_free(x);
	if (gone)
		fn(user);
}

static struct http_exchange *exchange_new(struct http_conn *c, const struct http_msg *m,
                                          struct h2_stream *st)
{
	struct http_server *s = c->srv;
	char *block = xmalloc(sizeof(struct http_exchange) + http_msg_size(m));
	struct http_exchange *x = (struct http_exchange *)(void *)block;
	*x = (struct http_exchange){ .c = c, .st = st, .keep = m->keep_alive && !c->plain };
	x->msg = http_msg_copy(block + sizeof(*x), m);
	x->body = st ? h2_body_of(st) : http_body_of(m);
	x->in = http_body_is_done(&x->body) ? HTTP_IN_DONE : HTTP_IN_HELD;
	x->began = loop_now(s->loop);
	x->got = buf_of(UINT32_MAX);
	if (st)
		st->x = x;
	else
		c->x = x;
	c->phase = HTTP_WAIT_NOTHING;
	list_del(&c->idle);
	s->stats.exchanges++;
	s->stats.requests++;
	return x;
}

/* What is good HTTP but not for us. */
static struct http_fault check_policy(struct http_conn *c, const struct http_msg *m)
{
	struct http_server *s = c->srv;
	if (c->stranger)
		return (struct http_fault){ 403, "This certificate is not one of those that may "
			                         "use this service." };
	if (m->method == HTTP_CONNECT || m->method == HTTP_TRACE || m->method == HTTP_OTHER_METHOD)
		return (struct http_fault){ 501, "This method is not known here." };
	if (m->host.len && s->ops.host && !s->ops.host(s->arg, m->host))
		return (struct http_fault){ 421, "This host is not served here." };
	return (struct http_fault){ 0, NULL };
}

void http_exchange_begin(struct http_conn *c, const struct http_msg *m, struct h2_stream *st)
{
	struct http_server *s = c->srv;
	struct http_exchange *x = exchange_new(c, m, st);
	struct http_fault f = check_policy(c, m);
	if (f.status) {
		s->stats.broken++;
		http_refuse(x, f.status, f.why);
		x->fault = f;
		return;
	}
	x->told = true;
	(c->plain ? s->ops.plain : s->ops.request)(s->arg, x);
}

/* Bodies. */

bool http_exchange_wants_body(const struct http_exchange *x)
{
	return x->in == HTTP_IN_WHOLE || x->in == HTTP_IN_DROP ||
	       (x->in == HTTP_IN_PIECES && !x->paused);
}

void http_exchange_give(struct http_exchange *x, struct str piece)
{
	if (x->in == HTTP_IN_DROP)
		return;
	if (x->body.total > x->in_max) {
		x->fault = (struct http_fault){ 413, "The content is too large." };
		return;
	}
	if (x->in == HTTP_IN_PIECES) {
		x->piece(x->user, x, piece);
	} else if (x->got.len == 0 && http_body_is_done(&x->body)) {
		x->in = HTTP_IN_DONE;
		x->whole(x->user, x, piece);
	} else {
		buf_str(&x->got, piece);
	}
}

/* The handler hears of the end once; it may answer in the call, and then x is still there. */
void http_exchange_give_end(struct http_exchange *x)
{
	uint8_t how = x->in;
	x->in = HTTP_IN_DONE;
	if (how == HTTP_IN_WHOLE)
		x->whole(x->user, x, buf_view(&x->got));
	else if (how == HTTP_IN_PIECES)
		x->piece(x->user, x, STR(""));
}
