#include "stack/http/h2.h"

#include <errno.h>
#include <stdlib.h>

/* A connection of HTTP/2: what nghttp2 reports, floods, the end. */

/* Floods. */

/* Takes one of the bucket, which fills by itself.  False: it is empty. */
static bool spend(struct h2_bucket *b, usec_t now, unsigned burst, unsigned per_s)
{
	uint64_t back = (now - b->at) * per_s;
	b->spent -= MIN(back, b->spent);
	b->at = now;
	b->spent += USEC_PER_SEC;
	return b->spent <= burst * USEC_PER_SEC;
}

static bool is_welcome(struct h2 *h2, const nghttp2_frame_hd *hd)
{
	usec_t now = loop_now(h2->c->srv->loop);
	switch (hd->type) {
	case NGHTTP2_HEADERS:
		return true; /* max_streams, and what ends them early is counted */
	case NGHTTP2_DATA:
		return hd->length > 0 || hd->flags & NGHTTP2_FLAG_END_STREAM ||
		       spend(&h2->control, now, H2_CONTROL_BURST, H2_CONTROL_PER_S);
	case NGHTTP2_RST_STREAM:
		return spend(&h2->resets, now, H2_RESETS_BURST, H2_RESETS_PER_S);
	case NGHTTP2_WINDOW_UPDATE:
		return spend(&h2->windows, now, H2_WINDOWS_BURST, H2_WINDOWS_PER_S);
	default:
		return spend(&h2->control, now, H2_CONTROL_BURST, H2_CONTROL_PER_S);
	}
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
	struct h2 *h2 = user;
	if (is_welcome(h2, hd))
		return 0;
	h2->calmed = h2->goodbye = true;
	h2->c->srv->stats.h2_calmed++;
	(void)nghttp2_session_terminate_session(session, NGHTTP2_ENHANCE_YOUR_CALM);
	return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* Heads. */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h2 = user;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0; /* trailer fields, which are dropped */
	h2->opening = h2_stream_new(h2, frame->hd.stream_id);
	h2_head_reset(&h2->head, h2->c->srv->cfg.head_max);
	(void)nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, h2->opening);
	return 0;
}

static int on_header(nghttp2_session *session UNUSED, const nghttp2_frame *frame,
                     const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len,
                     uint8_t flags UNUSED, void *user)
{
	struct h2 *h2 = user;
	if (frame->headers.cat != NGHTTP2_HCAT_REQUEST || !h2->opening)
		return 0;
	return h2_head_add(&h2->head, str_n((const char *)name, name_len),
	                   str_n((const char *)value, value_len))
	               ? 0
	               : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

/* nghttp2 would pass over it. */
static int on_invalid_header(nghttp2_session *session UNUSED, const nghttp2_frame *frame UNUSED,
                             const uint8_t *name UNUSED, size_t name_len UNUSED,
                             const uint8_t *value UNUSED, size_t value_len UNUSED,
                             uint8_t flags UNUSED, void *user)
{
	struct h2 *h2 = user;
	h2->head.fault = (struct http_fault){ 400, "A header field has a bad character." };
	return 0;
}

/* Frames. */

static void end_of_body(struct h2_stream *st)
{
	if (!st)
		return;
	st->in_end = true;
	h2_stream_touch(st);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
	struct h2 *h2 = user;
	struct h2_stream *st = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (frame->hd.type == NGHTTP2_HEADERS && st && st == h2->opening) {
		h2->opening = NULL;
		h2_stream_begin(st, end);
	} else if ((frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) && end) {
		end_of_body(st);
	}
	return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags UNUSED, int32_t id,
                         const uint8_t *data, size_t len, void *user UNUSED)
{
	struct h2_stream *st = nghttp2_session_get_stream_user_data(session, id);
	if (st)
		h2_stream_take(st, str_n((const char *)data, len));
	else
		(void)nghttp2_session_consume(session, id, len);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code UNUSED, void *user)
{
	struct h2 *h2 = user;
	struct h2_stream *st = nghttp2_session_get_stream_user_data(session, id);
	if (!st)
		return 0;
	if (h2->opening == st)
		h2->opening = NULL;
	(void)nghttp2_session_consume_connection(session, st->in.len);
	(void)nghttp2_session_set_stream_user_data(session, id, NULL);
	h2_stream_free(st);
	return 0;
}

/* Writing. */

static ssize_t on_send(nghttp2_session *session UNUSED, const uint8_t *data, size_t len,
                       int flags UNUSED, void *user)
{
	struct h2 *h2 = user;
	struct stream *s = h2->c->stream;
	if (stream_unsent(s) >= HTTP_SEND_HIGH)
		return NGHTTP2_ERR_WOULDBLOCK;
	stream_write(s, str_n((const char *)data, len));
	return (ssize_t)len;
}

static int on_send_data(nghttp2_session *session UNUSED, nghttp2_frame *frame UNUSED,
                        const uint8_t *frame_head, size_t len, nghttp2_data_source *source,
                        void *user)
{
	struct h2 *h2 = user;
	uint64_t credit = len / H2_WINDOW_BYTES * USEC_PER_SEC;
	int r = h2_stream_send(source->ptr, frame_head, len);
	if (r == 0)
		h2->windows.spent -= MIN(credit, h2->windows.spent);
	return r;
}

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user UNUSED)
{
	struct h2_stream *st = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	bool ends = (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
	            frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (ends && st)
		h2_stream_answered(st);
	return 0;
}

void h2_flush(struct h2 *h2)
{
	struct http_conn *c = h2->c;
	if (c->state != HTTP_CONN_OPEN)
		return;
	if (nghttp2_session_send(h2->session) != 0)
		c->state = HTTP_CONN_BROKEN;
	if (stream_unsent(c->stream) >= HTTP_SEND_HIGH) {
		c->held = true;
		stream_want_room(c->stream, HTTP_SEND_LOW);
	}
}

/* The connection. */

void h2_kick(struct h2_stream *st)
{
	h2_stream_touch(st);
	if (!st->h2->inside)
		stream_more(st->h2->c->stream);
}

static void work(struct h2 *h2)
{
	do {
		while (!list_empty(&h2->todo)) {
			struct h2_stream *st = list_entry(h2->todo.next, struct h2_stream, todo);
			list_del(&st->todo);
			h2_stream_work(st);
		}
		h2_flush(h2);
	} while (!list_empty(&h2->todo) && h2->c->state == HTTP_CONN_OPEN);
}

static void read_frames(struct h2 *h2, struct str in)
{
	if (in.len == 0)
		return;
	ssize_t n = nghttp2_session_mem_recv(h2->session, (const uint8_t *)in.p, in.len);
	if (n < 0 && !h2->calmed)
		h2->c->state = HTTP_CONN_BROKEN;
}

static bool is_over(const struct h2 *h2)
{
	return h2->calmed || (h2->goodbye && list_empty(&h2->streams)) ||
	       (!nghttp2_session_want_read(h2->session) &&
	        !nghttp2_session_want_write(h2->session));
}

ssize_t h2_data(struct h2 *h2, struct str in)
{
	struct http_conn *c = h2->c;
	if (c->state == HTTP_CONN_ENDING)
		return (ssize_t)in.len;
	h2->inside = true;
	read_frames(h2, in);
	work(h2);
	h2->inside = false;
	if (c->state == HTTP_CONN_BROKEN)
		return -ECANCELED;
	if (list_empty(&h2->streams))
		h2_head_free(&h2->head);
	if (is_over(h2))
		http_conn_end(c);
	http_conn_pause(c, c->held && c->state == HTTP_CONN_OPEN);
	http_conn_watch(c);
	return (ssize_t)in.len;
}

enum http_phase h2_phase(const struct h2 *h2)
{
	if (h2->opening)
		return HTTP_WAIT_HEAD;
	return list_empty(&h2->streams) ? HTTP_WAIT_IDLE : HTTP_WAIT_NOTHING;
}

void h2_say_goodbye(struct h2 *h2)
{
	if (h2->goodbye)
		return;
	h2->goodbye = true;
	(void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
	                            nghttp2_session_get_last_proc_stream_id(h2->session),
	                            NGHTTP2_NO_ERROR, NULL, 0);
	if (!h2->inside)
		stream_more(h2->c->stream);
}

/* The object. */

static nghttp2_session_callbacks *callbacks_new(void)
{
	nghttp2_session_callbacks *cb;
	if (nghttp2_session_callbacks_new(&cb) != 0)
		abort(); /* no memory: as xnew() */
	nghttp2_session_callbacks_set_on_begin_frame_callback(cb, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(cb, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data_chunk);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_stream_close);
	nghttp2_session_callbacks_set_send_callback(cb, on_send);
	nghttp2_session_callbacks_set_send_data_callback(cb, on_send_data);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_frame_sent);
	return cb;
}

static nghttp2_session *session_new(struct h2 *h2)
{
	nghttp2_session *session;
	nghttp2_option *opt;
	nghttp2_session_callbacks *cb = callbacks_new();
	if (nghttp2_option_new(&opt) != 0)
		abort();
	nghttp2_option_set_no_auto_window_update(opt, 1);
	nghttp2_option_set_no_closed_streams(opt, 1);
	if (nghttp2_session_server_new2(&session, cb, h2, opt) != 0)
		abort();
	nghttp2_option_del(opt);
	nghttp2_session_callbacks_del(cb);
	return session;
}

/* Without ENABLE_CONNECT_PROTOCOL (RFC 8441): browsers open WebSockets by HTTP/1.1. */
static void say_hello(struct h2 *h2)
{
	const struct http_server_config *cfg = &h2->c->srv->cfg;
	const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, cfg->max_streams },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, H2_STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, cfg->head_max },
		{ NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1 },
	};
	(void)nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
	                              ARRAY_SIZE(settings));
	(void)nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
	                                            H2_CONN_WINDOW);
}

struct h2 *h2_new(struct http_conn *c)
{
	struct h2 *h2 = xnew(struct h2);
	h2->c = c;
	list_init(&h2->streams);
	list_init(&h2->todo);
	h2->session = session_new(h2);
	say_hello(h2);
	c->srv->stats.h2_conns++;
	stream_more(c->stream);
	return h2;
}

void h2_free(struct h2 **hp)
{
	struct h2 *h2 = take(hp);
	if (!h2)
		return;
	while (!list_empty(&h2->streams))
		h2_stream_free(list_entry(h2->streams.next, struct h2_stream, node));
	nghttp2_session_del(h2->session);
	h2_head_free(&h2->head);
	free(h2);
}
