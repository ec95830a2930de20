#include "stack/http/h2.h"

#include <errno.h>
#include <stdlib.h>

/* One connection of the server: heads and bodies come in, time runs out.
 *
 * Everything happens in data(), which goes step by step as long as there is one to do; whatever
 * changes outside of it kicks the stream so that data() comes again. */

enum {
	/* Of unconsumed bytes: a head, or what was read ahead, and one read more. */
	READ_MAX = HTTP_HEAD_MAX + HTTP_AHEAD_MAX + 2 * STREAM_READ_TURN_MAX,
	WRITE_MAX = HTTP_ANSWER_MAX + HTTP_SEND_HIGH + 2 * HTTP_HEAD_MAX,
};

void http_conn_kick(struct http_conn *c)
{
	if (!c->inside)
		stream_more(c->stream);
}

void http_conn_log_broken(struct http_conn *c, struct http_fault f)
{
	struct http_server *s = c->srv;
	struct http_done d = { .peer = stream_peer(c->stream),
		               .status = f.status,
		               .why = f.why,
		               .whole = true,
		               .h2 = c->h2 != NULL };
	if (s->ops.done)
		s->ops.done(s->arg, &d);
}

void http_conn_fail(struct http_conn *c, struct http_fault f)
{
	struct http_exchange *x = c->x;
	c->srv->stats.broken++;
	if (x && x->out != HTTP_OUT_NONE) {
		c->state = HTTP_CONN_BROKEN;
		return;
	}
	http_answer_fault(c, f);
	if (x) {
		x->status = f.status;
		x->fault = f;
		http_exchange_end(x);
	} else {
		http_conn_log_broken(c, f);
	}
	http_conn_end(c);
}

static void begin_request(struct http_conn *c, struct str head)
{
	RAW_MEMORY struct http_msg m;
	struct http_fault f = http_parse_request(&m, head);
	if (f.status)
		http_conn_fail(c, f);
	else
		http_exchange_begin(c, &m, NULL);
}

/* Heads.  True: there was something to do. */
static bool take_head(struct http_conn *c, struct str in, size_t *used)
{
	uint32_t len = 0;
	if (c->framer.scanned == 0 && (*used = http_skip_line(in)) > 0)
		return true;
	if (in.len <= 1)
		return false;
	if (stream_unsent(c->stream) > HTTP_SEND_HIGH) {
		c->held = true;
		stream_want_room(c->stream, HTTP_SEND_LOW);
		return false;
	}
	int r = http_frame(&c->framer, in, &len);
	if (r >= 0 && MAX(len, c->framer.scanned) > c->srv->cfg.head_max)
		r = -E2BIG;
	if (r == 0)
		return false;
	c->framer = (struct http_framer){ 0 };
	if (r < 0) {
		http_conn_fail(c, http_frame_fault(r));
		return true;
	}
	*used = len;
	begin_request(c, str_sub(in, 0, len));
	return true;
}

/* Bodies. */

static bool take_body(struct http_conn *c, struct str in, size_t *used)
{
	struct http_exchange *x = c->x;
	struct str piece;
	if (!http_exchange_wants_body(x))
		return false;
	if (http_body_is_done(&x->body)) {
		http_exchange_give_end(x);
		return true;
	}
	int r = http_body_next(&x->body, in, used, &piece);
	if (r < 0) {
		x->fault = r == -E2BIG ? (struct http_fault){ 413, "The chunks are too wordy." }
		                       : (struct http_fault){ 400, "The content is broken." };
		x->keep = false;
		return true;
	}
	if (r > 0)
		http_exchange_give(x, piece);
	return *used > 0 || http_body_is_done(&x->body);
}

/* Answered, and the body read or given up. */
static void next_exchange(struct http_conn *c)
{
	bool keep = c->x->keep && !c->srv->stopping;
	http_exchange_end(c->x);
	if (!keep)
		http_conn_end(c);
}

static bool step(struct http_conn *c, struct str in, size_t *used)
{
	struct http_exchange *x = c->x;
	*used = 0;
	if (!x)
		return take_head(c, in, used);
	if (x->fault.status && x->out != HTTP_OUT_DONE) {
		http_conn_fail(c, x->fault);
		return true;
	}
	if (x->out == HTTP_OUT_DONE && (x->in == HTTP_IN_DONE || !x->keep)) {
		next_exchange(c);
		return true;
	}
	return take_body(c, in, used);
}

/* The stream. */

void http_conn_pause(struct http_conn *c, bool paused)
{
	if (c->paused == paused)
		return;
	c->paused = paused;
	stream_pause(c->stream, paused);
}

static ssize_t on_data(void *arg, struct str in)
{
	struct http_conn *c = arg;
	size_t used = 0, n;
	if (c->h2)
		return h2_data(c->h2, in);
	c->inside = true;
	while (c->state == HTTP_CONN_OPEN && step(c, str_sub(in, used, in.len), &n))
		used += n;
	c->inside = false;
	if (c->state == HTTP_CONN_GONE) {
		free(c);
		return (ssize_t)used;
	}
	if (c->state == HTTP_CONN_BROKEN)
		return -ECANCELED;
	if (c->state == HTTP_CONN_ENDING)
		used = in.len;
	/* Whoever is not read cannot be seen to go away: what is sent ahead is held up to a limit.
	 */
	http_conn_pause(c, (c->x && c->x->in == HTTP_IN_PIECES && c->x->paused) ||
	                           in.len - used > HTTP_AHEAD_MAX);
	http_conn_watch(c);
	return (ssize_t)used;
}

static void on_opened(void *arg)
{
	struct http_conn *c = arg;
	struct http_server *s = c->srv;
	c->state = HTTP_CONN_OPEN;
	c->stranger = s->ops.peer && !s->ops.peer(s->arg, stream_tls_peer(c->stream), c->via);
	if (str_eq(stream_alpn(c->stream), STR("h2")))
		c->h2 = h2_new(c);
	http_conn_watch(c);
}

static void on_plain(void *arg)
{
	struct http_conn *c = arg;
	c->state = HTTP_CONN_OPEN;
	c->plain = true;
	http_conn_watch(c);
}

static void on_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	http_conn_kill(arg);
}

static void on_room(void *arg)
{
	struct http_conn *c = arg;
	if (c->state == HTTP_CONN_ENDING) {
		timer_stop(&c->timer);
		stream_close_late(c->stream, HTTP_LINGER_S * USEC_PER_SEC);
		return;
	}
	if (c->held) {
		c->held = false;
		http_conn_kick(c);
	}
	if (c->x && c->x->waiting) {
		c->x->waiting = false;
		if (c->x->room)
			c->x->room(c->x->user);
	}
	c->since = loop_now(c->srv->loop); /* of WAIT_SEND: the peer does take what is sent */
	c->unsent_then = stream_unsent(c->stream);
	http_conn_watch(c);
}

/* Time. */

static enum http_phase phase_of(const struct http_conn *c)
{
	const struct http_exchange *x = c->x;
	if (c->state == HTTP_CONN_ENDING || c->held || (x && x->waiting))
		return HTTP_WAIT_SEND;
	if (c->state != HTTP_CONN_OPEN)
		return HTTP_WAIT_NOTHING;
	if (c->h2)
		return h2_phase(c->h2);
	if (!x)
		return c->framer.scanned ? HTTP_WAIT_HEAD : HTTP_WAIT_IDLE;
	return http_exchange_wants_body(x) ? HTTP_WAIT_BODY : HTTP_WAIT_NOTHING;
}

static usec_t deadline_of(const struct http_conn *c)
{
	const struct http_server_config *cfg = &c->srv->cfg;
	usec_t body_s = c->x ? cfg->body_s + c->x->body.total / HTTP_BODY_RATE_MIN : 0;
	switch ((enum http_phase)c->phase) {
	case HTTP_WAIT_IDLE:
		return c->since + cfg->idle_s * USEC_PER_SEC;
	case HTTP_WAIT_HEAD:
		return c->since + cfg->head_s * USEC_PER_SEC;
	case HTTP_WAIT_BODY:
		return c->since + body_s * USEC_PER_SEC;
	case HTTP_WAIT_SEND:
		return c->since + cfg->send_s * USEC_PER_SEC;
	case HTTP_WAIT_NOTHING:
		break;
	}
	return USEC_INFINITY;
}

void http_conn_watch(struct http_conn *c)
{
	enum http_phase p = phase_of(c);
	if (p == c->phase)
		return;
	c->phase = (uint8_t)p;
	c->since = loop_now(c->srv->loop);
	c->unsent_then = stream_unsent(c->stream);
	timer_set(&c->timer, deadline_of(c));
	list_del(&c->idle);
	if (p == HTTP_WAIT_IDLE)
		list_add(&c->srv->idle, &c->idle);
}

static void on_late(struct http_conn *c)
{
	struct http_server_stats *st = &c->srv->stats;
	switch ((enum http_phase)c->phase) {
	case HTTP_WAIT_IDLE:
		st->timeouts_idle++;
		http_conn_end(c);
		break;
	case HTTP_WAIT_HEAD:
		st->timeouts_head++;
		if (c->h2)
			http_conn_end(c);
		else
			http_conn_fail(
			        c, (struct http_fault){ 408, "The request did not come whole." });
		break;
	case HTTP_WAIT_BODY:
		st->timeouts_body++;
		http_conn_fail(c, (struct http_fault){ 408, "The content did not come whole." });
		break;
	case HTTP_WAIT_SEND:
		st->timeouts_send++;
		c->state = HTTP_CONN_BROKEN;
		break;
	case HTTP_WAIT_NOTHING:
		break;
	}
	if (c->state == HTTP_CONN_BROKEN)
		http_conn_kill(c);
}

static void on_timer(void *arg)
{
	struct http_conn *c = arg;
	if (c->phase == HTTP_WAIT_SEND && stream_unsent(c->stream) < c->unsent_then) {
		c->unsent_then = stream_unsent(c->stream);
		c->since = loop_now(c->srv->loop);
	}
	usec_t deadline = deadline_of(c);
	if (loop_now(c->srv->loop) < deadline)
		timer_set(&c->timer, deadline);
	else
		on_late(c);
}

/* The object. */

void http_conn_end(struct http_conn *c)
{
	if (c->state >= HTTP_CONN_ENDING)
		return;
	if (c->h2) {
		h2_say_goodbye(c->h2);
		h2_flush(c->h2);
	}
	c->state = HTTP_CONN_ENDING;
	http_conn_pause(c, false);
	stream_want_room(c->stream, 1);
	http_conn_watch(c);
}

/* Nobody finds it any more. */
static void forget(struct http_conn *c)
{
	struct http_server *s = c->srv;
	if (c->x)
		http_exchange_end(c->x);
	h2_free(&c->h2);
	timer_stop(&c->timer);
	list_del(&c->node);
	list_del(&c->idle);
	s->stats.conns--;
	if (s->stopping)
		loop_defer(s->loop, &s->stop);
}

void http_conn_kill(struct http_conn *c)
{
	forget(c);
	stream_free(&c->stream);
	free(c);
}

struct stream *http_conn_release(struct http_conn *c, const struct stream_ops *ops, void *arg)
{
	forget(c);
	struct stream *s = take(&c->stream);
	stream_set_ops(s, ops, arg);
	stream_pause(s, false);
	stream_more(s);
	c->state = HTTP_CONN_GONE;
	if (!c->inside)
		free(c);
	return s;
}

static const struct stream_ops conn_ops = {
	.opened = on_opened, .data = on_data, .closed = on_closed, .room = on_room
};

static const struct stream_ops conn_ops_or_plain = { .opened = on_opened,
	                                             .plain = on_plain,
	                                             .data = on_data,
	                                             .closed = on_closed,
	                                             .room = on_room };

static struct stream_limits limits_of(const struct http_server *s)
{
	return (struct stream_limits){ .read_max = READ_MAX,
		                       .write_max = WRITE_MAX,
		                       .open_max = s->cfg.open_s * USEC_PER_SEC };
}

static struct http_conn *conn_new(struct http_server *s, enum http_conn_state state, void *via)
{
	struct http_conn *c = xnew(struct http_conn);
	c->srv = s;
	c->via = via;
	c->state = (uint8_t)state;
	list_add(&s->conns, &c->node);
	list_init(&c->idle);
	timer_init(&c->timer, s->loop, on_timer, c);
	s->stats.conns++;
	s->stats.opened++;
	return c;
}

void http_conn_new(struct http_server *s, int fd, bool tls, void *via)
{
	struct stream_limits lim = limits_of(s);
	struct http_conn *c = conn_new(s, tls ? HTTP_CONN_OPENING : HTTP_CONN_OPEN, via);
	c->stream = stream_accept(s->loop, fd, tls ? s->cfg.tls : NULL, &lim,
	                          s->ops.plain ? &conn_ops_or_plain : &conn_ops, c);
	http_conn_watch(c);
}

void http_conn_adopt(struct http_server *s, struct stream *stream, void *via)
{
	struct stream_limits lim = limits_of(s);
	struct http_conn *c = conn_new(s, HTTP_CONN_OPEN, via);
	c->stream = stream;
	stream_set_ops(stream, &conn_ops, c);
	stream_set_limits(stream, &lim);
	if (str_eq(stream_alpn(stream), STR("h2")))
		c->h2 = h2_new(c);
	http_conn_watch(c);
}
