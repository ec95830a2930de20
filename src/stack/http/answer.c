#include <assert.h>

#include "stack/http/h2.h"

/* The handler's side of an exchange: reading the body, giving the answer. */

const struct http_msg *http_request(const struct http_exchange *x)
{
	return x->msg;
}

void *http_via(const struct http_exchange *x)
{
	return x->c->via;
}

const struct addr *http_peer(const struct http_exchange *x)
{
	return stream_peer(x->c->stream);
}

const struct addr *http_local(const struct http_exchange *x)
{
	return stream_local(x->c->stream);
}

bool http_is_tls(const struct http_exchange *x)
{
	return stream_is_tls(x->c->stream);
}

const struct tls_peer *http_tls_peer(const struct http_exchange *x)
{
	return stream_tls_peer(x->c->stream);
}

void http_set_user(struct http_exchange *x, void *user, void (*gone)(void *user))
{
	x->user = user;
	x->gone = gone;
}

/* Something changed: who carries it looks at it in this turn. */
static void kick(struct http_exchange *x)
{
	if (x->st)
		h2_kick(x->st);
	else
		http_conn_kick(x->c);
}

/* Reading. */

static void say_continue(struct http_exchange *x)
{
	if (x->st)
		h2_say_continue(x->st);
	else
		stream_write(x->c->stream, STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

static void read_body(struct http_exchange *x, enum http_in_state how, uint64_t max)
{
	assert(x->out == HTTP_OUT_NONE && (x->in == HTTP_IN_HELD || x->in == HTTP_IN_DONE));
	x->in = (uint8_t)how;
	x->in_max = max;
	if (x->msg->framing == HTTP_BODY_LENGTH && x->msg->body_len > max)
		x->fault = (struct http_fault){ 413, "The content is too large." };
	else if (x->msg->expects_continue)
		say_continue(x);
	kick(x);
}

void http_read_all(struct http_exchange *x, uint32_t max, http_whole_fn *fn)
{
	x->whole = fn;
	read_body(x, HTTP_IN_WHOLE, max);
}

void http_read(struct http_exchange *x, uint64_t max, http_piece_fn *fn)
{
	x->piece = fn;
	read_body(x, HTTP_IN_PIECES, max);
}

void http_pause(struct http_exchange *x, bool paused)
{
	assert(x->in != HTTP_IN_WHOLE);
	x->paused = paused;
	kick(x);
}

/* The head of the answer. */

struct str http_server_date(struct http_server *s)
{
	uint64_t now_s = loop_wall(s->loop) / USEC_PER_SEC;
	if (now_s != s->date_s) {
		struct buf b = BUF_ON(s->date);
		http_put_date(&b, now_s);
		s->date_s = now_s;
	}
	return str_n(s->date, HTTP_DATE_LEN);
}

/* Can what is left of the request's body be read and forgotten?  A client that waits for 100 may
 * send it or not: nobody can know. */
static bool can_drop_body(const struct http_exchange *x)
{
	if (x->in == HTTP_IN_DONE || http_body_is_done(&x->body))
		return true;
	if (x->msg->expects_continue && x->in == HTTP_IN_HELD)
		return false;
	return x->msg->framing == HTTP_BODY_LENGTH && x->body.left <= HTTP_DROP_MAX;
}

struct buf *http_begin(struct http_exchange *x, unsigned status)
{
	struct http_server *s = x->c->srv;
	assert(x->out == HTTP_OUT_NONE && (status == 101 || (status >= 200 && status <= 599)));
	x->out = HTTP_OUT_HEAD;
	x->status = status;
	x->bodyless = x->msg->method == HTTP_HEAD || status == 204 || status == 304;
	x->keep = x->keep && !s->stopping && can_drop_body(x);
	x->head = s->spare; /* its memory, if nobody else has it now */
	s->spare = buf_of(HTTP_HEAD_MAX);
	http_put_status(&x->head, status);
	return &x->head;
}

static void put_length(struct http_exchange *x, uint64_t len)
{
	if (x->status == 204 || x->status == 304)
		return; /* RFC 9110 section 8.6 */
	if (len != HTTP_LEN_UNKNOWN) {
		http_put_number(&x->head, STR("Content-Length"), len);
	} else if (x->st) {
		return; /* the stream tells its end */
	} else if (x->msg->minor == 0) {
		x->keep =
		        false; /* HTTP/1.0 knows no chunks: the end is the end of the connection */
	} else {
		x->chunked = true;
		http_put_field(&x->head, STR("Transfer-Encoding"), STR("chunked"));
	}
}

/* Writes the head; its memory goes back. */
static void write_head(struct http_exchange *x)
{
	struct http_server *s = x->c->srv;
	assert(!x->head.full);
	if (!x->st)
		stream_write(x->c->stream, buf_view(&x->head));
	s->stats.answers[x->status / 100]++;
	if (x->head.cap > HTTP_SPARE_MAX || s->spare.p) {
		buf_free(&x->head);
	} else {
		s->spare = x->head;
		s->spare.len = 0;
		x->head = buf_of(0);
	}
}

static void send_head(struct http_exchange *x, uint64_t len)
{
	assert(x->out == HTTP_OUT_HEAD && x->status != 101);
	put_length(x, len);
	http_put_field(&x->head, STR("Date"), http_server_date(x->c->srv));
	if (x->st)
		h2_answer(x->st, &x->head, x->status, !x->bodyless && len > 0);
	else if (!x->keep)
		http_put_field(&x->head, STR("Connection"), STR("close"));
	else if (x->msg->minor == 0)
		http_put_field(&x->head, STR("Connection"), STR("keep-alive"));
	http_put_end(&x->head);
	x->out = HTTP_OUT_BODY;
	x->out_left = len;
	write_head(x);
}

struct stream *http_hand_over(struct http_exchange *x, const struct stream_ops *ops, void *arg)
{
	assert(x->out == HTTP_OUT_HEAD && x->status == 101 && x->in == HTTP_IN_DONE && !x->st);
	http_put_field(&x->head, STR("Connection"), STR("Upgrade"));
	http_put_end(&x->head);
	write_head(x);
	x->out = HTTP_OUT_DONE;
	return http_conn_release(x->c, ops, arg);
}

/* The answer is whole: what is left of the request is dropped. */
static void answered(struct http_exchange *x)
{
	x->out = HTTP_OUT_DONE;
	x->waiting = false;
	x->paused = false;
	if (x->in != HTTP_IN_DONE)
		x->in = http_body_is_done(&x->body) ? HTTP_IN_DONE : HTTP_IN_DROP;
	if (x->st)
		h2_write_end(x->st);
	kick(x);
}

/* A part of the body, not empty if it is a chunk. */
static void write_piece(struct http_exchange *x, struct str piece)
{
	struct stream *s = x->c->stream;
	char line[24];
	struct buf b = BUF_ON(line);
	x->out_total += piece.len;
	if (x->st) {
		h2_write(x->st, piece);
		return;
	}
	if (x->chunked) {
		http_put_chunk(&b, piece.len);
		stream_write(s, buf_view(&b));
	}
	stream_write(s, piece);
	if (x->chunked)
		stream_write(s, STR("\r\n"));
}

void http_finish(struct http_exchange *x, struct str body)
{
	assert(body.len <= HTTP_ANSWER_MAX);
	send_head(x, body.len);
	if (!x->bodyless)
		write_piece(x, body);
	answered(x);
}

void http_stream(struct http_exchange *x, uint64_t len, void (*room)(void *user))
{
	x->room = room;
	send_head(x, len);
}

bool http_send(struct http_exchange *x, struct str piece)
{
	struct http_conn *c = x->c;
	assert(x->out == HTTP_OUT_BODY && piece.len <= HTTP_ANSWER_MAX);
	if (x->out_left != HTTP_LEN_UNKNOWN) {
		assert(piece.len <= x->out_left);
		x->out_left -= piece.len;
	}
	if (!x->bodyless && piece.len > 0)
		write_piece(x, piece);
	if ((x->st ? h2_unsent(x->st) : stream_unsent(c->stream)) < HTTP_SEND_HIGH)
		return true;
	x->waiting = true;
	if (x->st)
		return false;
	stream_want_room(c->stream, HTTP_SEND_LOW);
	http_conn_watch(c);
	return false;
}

void http_send_end(struct http_exchange *x)
{
	char line[8];
	struct buf b = BUF_ON(line);
	assert(x->out == HTTP_OUT_BODY);
	if (!x->bodyless && x->out_left != HTTP_LEN_UNKNOWN && x->out_left > 0) {
		http_abort(x); /* the client would wait for what does not come */
		return;
	}
	if (x->chunked && !x->bodyless) {
		http_put_last_chunk(&b);
		stream_write(x->c->stream, buf_view(&b));
	}
	answered(x);
}

void http_answer(struct http_exchange *x, unsigned status, struct str type, struct str body)
{
	struct buf *b = http_begin(x, status);
	if (type.len)
		http_put_field(b, STR("Content-Type"), type);
	http_finish(x, body);
}

static void put_text(struct buf *b, unsigned status, const char *why)
{
	buf_dec(b, status);
	buf_char(b, ' ');
	buf_str(b, http_reason(status));
	buf_lit(b, "\n\n");
	buf_str(b, str_of(why));
	buf_char(b, '\n');
}

void http_refuse(struct http_exchange *x, unsigned status, const char *why)
{
	char text[512];
	struct buf b = BUF_ON(text);
	put_text(&b, status, why);
	http_answer(x, status, STR("text/plain; charset=utf-8"), buf_view(&b));
}

void http_abort(struct http_exchange *x)
{
	x->gone = NULL; /* the handler has ended it */
	if (x->st)
		h2_abort(x->st);
	else
		x->c->state = HTTP_CONN_BROKEN;
	kick(x);
}

void http_put_fault(struct buf *b, struct http_fault f)
{
	put_text(b, f.status, f.why);
}

void http_answer_fault(struct http_conn *c, struct http_fault f)
{
	struct http_server *s = c->srv;
	char head[512], text[512];
	struct buf b = BUF_ON(head), t = BUF_ON(text);
	put_text(&t, f.status, f.why);
	http_put_status(&b, f.status);
	http_put_field(&b, STR("Content-Type"), STR("text/plain; charset=utf-8"));
	http_put_number(&b, STR("Content-Length"), t.len);
	http_put_field(&b, STR("Date"), http_server_date(s));
	http_put_field(&b, STR("Connection"), STR("close"));
	http_put_end(&b);
	assert(!b.full && !t.full);
	stream_write(c->stream, buf_view(&b));
	if (!c->x || c->x->msg->method != HTTP_HEAD)
		stream_write(c->stream, buf_view(&t));
	s->stats.answers[f.status / 100]++;
}
