#include <assert.h>
#include <stdlib.h>

#include "stack/http/h2.h"

/* The streams of HTTP/2: bodies to the handler, answers to the peer, and what each waits for. */

enum { FIELDS_MAX = HTTP_HEADERS_MAX + 4 };

void h2_stream_touch(struct h2_stream *st)
{
	list_del(&st->todo);
	list_add(&st->h2->todo, &st->todo);
}

/* Writing. */

size_t h2_unsent(const struct h2_stream *st)
{
	return st->out.len - st->sent;
}

static ssize_t on_read(nghttp2_session *session UNUSED, int32_t id UNUSED, uint8_t *buf UNUSED,
                       size_t max, uint32_t *flags, nghttp2_data_source *source, void *user UNUSED)
{
	struct h2_stream *st = source->ptr;
	size_t n = MIN(h2_unsent(st), max);
	st->waits = n == 0 && !st->out_end;
	if (st->waits)
		return NGHTTP2_ERR_DEFERRED;
	*flags = NGHTTP2_DATA_FLAG_NO_COPY; /* h2_stream_send() follows */
	if (st->out_end && n == h2_unsent(st))
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

int h2_stream_send(struct h2_stream *st, const uint8_t *frame_head, size_t len)
{
	struct stream *s = st->h2->c->stream;
	if (stream_unsent(s) >= HTTP_SEND_HIGH)
		return NGHTTP2_ERR_WOULDBLOCK;
	stream_write(s, str_n((const char *)frame_head, 9));
	stream_write(s, str_sub(buf_view(&st->out), st->sent, len));
	st->sent += len;
	st->since = loop_now(st->h2->c->srv->loop);
	if (st->sent == st->out.len) {
		buf_free(&st->out);
		st->sent = 0;
	}
	if (st->x && st->x->waiting && h2_unsent(st) < HTTP_SEND_LOW)
		h2_stream_touch(st);
	h2_stream_watch(st);
	return 0;
}

void h2_answer(struct h2_stream *st, struct buf *head, unsigned status, bool has_body)
{
	nghttp2_nv fields[FIELDS_MAX];
	nghttp2_data_provider from = { .source.ptr = st, .read_callback = on_read };
	char text[12];
	struct buf digits = BUF_ON(text);
	buf_dec(&digits, status);
	size_t n = h2_head_fields(head, buf_view(&digits), fields, ARRAY_SIZE(fields));
	st->out_end = !has_body;
	if (!st->dead)
		(void)nghttp2_submit_response(st->h2->session, st->id, fields, n,
		                              has_body ? &from : NULL);
	h2_kick(st);
}

void h2_say_continue(struct h2_stream *st)
{
	nghttp2_nv field = { (uint8_t *)(uintptr_t) ":status", (uint8_t *)(uintptr_t) "100", 7, 3,
		             NGHTTP2_NV_FLAG_NONE };
	if (!st->dead)
		(void)nghttp2_submit_headers(st->h2->session, NGHTTP2_FLAG_NONE, st->id, NULL,
		                             &field, 1, NULL);
}

static void resume(struct h2_stream *st)
{
	if (!st->waits || st->dead)
		return;
	st->waits = false;
	(void)nghttp2_session_resume_data(st->h2->session, st->id);
}

void h2_write(struct h2_stream *st, struct str piece)
{
	if (st->dead || st->out_end)
		return;
	if (st->sent > st->out.len / 2) {
		buf_drop(&st->out, st->sent);
		st->sent = 0;
	}
	buf_str(&st->out, piece);
	if (st->out.full)
		h2_abort(st); /* nobody waited for room */
	resume(st);
	h2_kick(st);
}

void h2_write_end(struct h2_stream *st)
{
	st->out_end = true;
	resume(st);
}

void h2_stream_reset(struct h2_stream *st, uint32_t code)
{
	if (st->dead)
		return;
	st->dead = true;
	(void)nghttp2_submit_rst_stream(st->h2->session, NGHTTP2_FLAG_NONE, st->id, code);
	h2_kick(st);
}

void h2_abort(struct h2_stream *st)
{
	h2_stream_reset(st, NGHTTP2_INTERNAL_ERROR);
}

/* Answers of the engine itself. */

static void refuse(struct h2_stream *st, struct http_fault f)
{
	struct http_server *s = st->h2->c->srv;
	char head[512], text[512];
	struct buf b = BUF_ON(head), t = BUF_ON(text);
	http_put_fault(&t, f);
	http_put_status(&b, f.status);
	http_put_field(&b, STR("content-type"), STR("text/plain; charset=utf-8"));
	http_put_number(&b, STR("content-length"), t.len);
	http_put_field(&b, STR("date"), http_server_date(s));
	http_put_end(&b);
	assert(!b.full && !t.full);
	s->stats.broken++;
	s->stats.answers[f.status / 100]++;
	bool has_body = !st->x || st->x->msg->method != HTTP_HEAD;
	h2_answer(st, &b, f.status, has_body);
	if (has_body)
		h2_write(st, buf_view(&t));
	h2_write_end(st);
}

/* For the handler, whose exchange ends. */
static void fail(struct h2_stream *st, struct http_fault f)
{
	struct http_exchange *x = st->x;
	if (x->out != HTTP_OUT_NONE) {
		st->h2->c->srv->stats.broken++;
		h2_abort(st);
		return;
	}
	refuse(st, f);
	x->status = f.status;
	x->fault = f;
	http_exchange_end(x);
}

/* Reading. */

struct http_body h2_body_of(const struct h2_stream *st)
{
	return (struct http_body){ .state = st->in_end ? HTTP_BODY_DONE : HTTP_BODY_ALL };
}

void h2_stream_begin(struct h2_stream *st, bool in_end)
{
	RAW_MEMORY struct http_msg m;
	struct http_conn *c = st->h2->c;
	auto_(buf_free) struct buf b = buf_of(HTTP_HEAD_MAX);
	st->in_end = in_end;
	struct http_fault f =
	        h2_head_parse(&st->h2->head, stream_is_tls(c->stream), in_end, &b, &m);
	if (f.status) {
		refuse(st, f);
		http_conn_log_broken(c, f);
	} else {
		http_exchange_begin(c, &m, st);
	}
	h2_kick(st);
}

/* The peer may send as many bytes more. */
static void consumed(struct h2_stream *st, size_t n)
{
	(void)nghttp2_session_consume(st->h2->session, st->id, n);
}

/* Of a body that nobody wants so much is read; then its window stays closed, and once the answer is
 * sent the stream is reset (RFC 9113 section 8.1). */
static void drop(struct h2_stream *st, size_t n)
{
	st->dropped += n;
	if (st->dropped <= HTTP_DROP_MAX)
		consumed(st, n);
	else
		(void)nghttp2_session_consume_connection(st->h2->session, n);
	if (st->dropping && st->dropped > HTTP_DROP_MAX)
		h2_stream_reset(st, NGHTTP2_NO_ERROR);
}

static void drop_body(struct h2_stream *st)
{
	size_t n = st->in.len;
	buf_free(&st->in);
	if (n > 0)
		drop(st, n);
}

void h2_stream_take(struct h2_stream *st, struct str data)
{
	if (st->dead || !st->x) {
		drop(st, data.len);
		return;
	}
	buf_str(&st->in, data); /* the window keeps it below its maximum */
	h2_stream_touch(st);
}

/* Some clients take a reset for a failure, so they may end by themselves. */
void h2_stream_answered(struct h2_stream *st)
{
	st->dropping = !st->in_end;
	if (st->dropping)
		drop(st, 0);
	h2_stream_watch(st);
}

/* True: there was something to do. */
static bool give_body(struct h2_stream *st)
{
	struct http_exchange *x = st->x;
	if (!http_exchange_wants_body(x) || (st->in.len == 0 && !st->in_end))
		return false;
	struct buf piece = st->in;
	st->in = buf_of(piece.max);
	x->body.total += piece.len;
	if (st->in_end)
		x->body.state = HTTP_BODY_DONE;
	consumed(st, piece.len);
	if (piece.len > 0)
		http_exchange_give(x, buf_view(&piece));
	else
		http_exchange_give_end(x);
	buf_free(&piece);
	return true;
}

static bool step(struct h2_stream *st)
{
	struct http_exchange *x = st->x;
	if (st->dead || !x)
		return false;
	if (x->fault.status && x->out != HTTP_OUT_DONE) {
		fail(st, x->fault);
		return true;
	}
	if (x->out == HTTP_OUT_DONE) {
		http_exchange_end(x);
		return true;
	}
	if (x->waiting && h2_unsent(st) < HTTP_SEND_LOW) {
		x->waiting = false;
		if (x->room)
			x->room(x->user);
		return true;
	}
	return give_body(st);
}

void h2_stream_work(struct h2_stream *st)
{
	while (step(st))
		;
	if (!st->x)
		drop_body(st);
	h2_stream_watch(st);
}

/* Time. */

static enum http_phase phase_of(const struct h2_stream *st)
{
	if (st->dead)
		return HTTP_WAIT_NOTHING;
	if (h2_unsent(st) > 0)
		return HTTP_WAIT_SEND;
	if (st->dropping && !st->in_end)
		return HTTP_WAIT_BODY;
	return st->x && !st->in_end && http_exchange_wants_body(st->x) ? HTTP_WAIT_BODY
	                                                               : HTTP_WAIT_NOTHING;
}

static usec_t deadline_of(const struct h2_stream *st)
{
	const struct http_server_config *cfg = &st->h2->c->srv->cfg;
	if (st->phase == HTTP_WAIT_SEND)
		return st->since + cfg->send_s * USEC_PER_SEC;
	uint64_t total = st->x ? st->x->body.total : 0;
	if (st->phase == HTTP_WAIT_BODY)
		return st->since + (cfg->body_s + total / HTTP_BODY_RATE_MIN) * USEC_PER_SEC;
	return USEC_INFINITY;
}

void h2_stream_watch(struct h2_stream *st)
{
	enum http_phase p = phase_of(st);
	if (p == st->phase)
		return;
	st->phase = (uint8_t)p;
	st->since = loop_now(st->h2->c->srv->loop);
	timer_set(&st->timer, deadline_of(st));
}

static void on_timer(void *arg)
{
	struct h2_stream *st = arg;
	struct http_server *s = st->h2->c->srv;
	h2_stream_watch(st);
	usec_t deadline = deadline_of(st);
	if (loop_now(s->loop) < deadline) {
		timer_set(&st->timer, deadline);
	} else if (st->phase == HTTP_WAIT_SEND) {
		s->stats.timeouts_send++;
		h2_stream_reset(st, NGHTTP2_CANCEL);
	} else if (!st->x) {
		h2_stream_reset(st, NGHTTP2_NO_ERROR);
	} else {
		s->stats.timeouts_body++;
		fail(st, (struct http_fault){ 408, "The content did not come whole." });
		h2_stream_watch(st);
	}
}

/* The object. */

struct h2_stream *h2_stream_new(struct h2 *h2, int32_t id)
{
	struct h2_stream *st = xnew(struct h2_stream);
	st->h2 = h2;
	st->id = id;
	st->in = buf_of(H2_STREAM_WINDOW);
	st->out = buf_of(HTTP_ANSWER_MAX + HTTP_SEND_HIGH);
	timer_init(&st->timer, h2->c->srv->loop, on_timer, st);
	list_add(&h2->streams, &st->node);
	list_init(&st->todo);
	return st;
}

void h2_stream_free(struct h2_stream *st)
{
	if (st->x)
		http_exchange_end(st->x);
	timer_stop(&st->timer);
	list_del(&st->node);
	list_del(&st->todo);
	buf_free(&st->in);
	buf_free(&st->out);
	free(st);
}
