#include "h2_rig.h"

#include <assert.h>

#include "stack/http/h2.h"

enum { FIELDS_MAX = 200, SENT_MAX = 256 * 1024 };

/* Ids are given in order: 1, 3, 5. */
static struct h2_reply *reply_of(struct h2_client *c, int32_t id)
{
	unsigned i = (unsigned)id / 2;
	assert(i < c->n);
	return &c->replies[i];
}

static int on_header(nghttp2_session *session UNUSED, const nghttp2_frame *frame,
                     const uint8_t *name, size_t name_len, const uint8_t *value, size_t value_len,
                     uint8_t flags UNUSED, void *user)
{
	struct h2_reply *r = reply_of(user, frame->hd.stream_id);
	struct str n = str_n((const char *)name, name_len);
	size_t used = strlen(r->fields);
	uint32_t status = 0;
	if (str_eq(n, STR(":status"))) {
		EQ(str_to_u32(str_n((const char *)value, value_len), 599, &status), 0);
		r->n_info += status < 200;
		r->status = status < 200 ? 0 : status;
	} else if (!str_eq(n, STR("date"))) {
		(void)snprintf(r->fields + used, sizeof(r->fields) - used, "%.*s: %.*s\n",
		               (int)name_len, name, (int)value_len, value);
	}
	return 0;
}

static int on_data(nghttp2_session *session UNUSED, uint8_t flags UNUSED, int32_t id,
                   const uint8_t *data, size_t len, void *user)
{
	buf_put(&reply_of(user, id)->body, data, len);
	return 0;
}

static int on_close(nghttp2_session *session UNUSED, int32_t id, uint32_t code, void *user)
{
	struct h2_reply *r = reply_of(user, id);
	r->closed = true;
	r->code = code;
	return 0;
}

static int on_frame(nghttp2_session *session UNUSED, const nghttp2_frame *frame, void *user)
{
	struct h2_client *c = user;
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		c->n_goaway++;
		c->goaway = frame->goaway.error_code;
		c->last_id = frame->goaway.last_stream_id;
	}
	if (frame->hd.type != NGHTTP2_SETTINGS || frame->hd.flags & NGHTTP2_FLAG_ACK)
		return 0;
	for (size_t i = 0; i < frame->settings.niv; i++) {
		const nghttp2_settings_entry *e = &frame->settings.iv[i];
		if (e->settings_id == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
			c->max_streams = e->value;
		if (e->settings_id == NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE)
			c->window = e->value;
		c->connect_protocol |= e->settings_id == NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL;
	}
	return 0;
}

void h2_push(struct h2_client *c)
{
	const uint8_t *p;
	ssize_t n;
	while (c->stream && stream_unsent(c->stream) < SENT_MAX &&
	       (n = nghttp2_session_mem_send(c->session, &p)) > 0)
		stream_write(c->stream, str_n((const char *)p, (size_t)n));
}

static ssize_t stream_data(void *arg, struct str in)
{
	struct h2_client *c = arg;
	if (in.len > 0)
		OK(nghttp2_session_mem_recv(c->session, (const uint8_t *)in.p, in.len) ==
		   (ssize_t)in.len);
	h2_push(c);
	return (ssize_t)in.len;
}

static void stream_opened(void *arg UNUSED)
{
}

static void stream_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	struct h2_client *c = arg;
	c->n_closed++;
	stream_free(&c->stream);
}

static void session_start(struct h2_client *c)
{
	nghttp2_session_callbacks *cb = NULL;
	nghttp2_option *opt = NULL;
	EQ(nghttp2_session_callbacks_new(&cb), 0);
	EQ(nghttp2_option_new(&opt), 0);
	nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	nghttp2_option_set_no_auto_window_update(opt, c->stuck);
	nghttp2_option_set_no_http_messaging(opt, 1); /* it is to send broken ones too */
	EQ(nghttp2_session_client_new2(&c->session, cb, c, opt), 0);
	EQ(nghttp2_submit_settings(c->session, 0, NULL, 0), 0);
	nghttp2_option_del(opt);
	nghttp2_session_callbacks_del(cb);
}

void h2_connect(struct h2_client *c, struct site *s)
{
	static const struct stream_ops ops = { .opened = stream_opened,
		                               .data = stream_data,
		                               .closed = stream_closed };
	static const struct stream_limits lim = { .read_max = 1,
		                                  .write_max = END_MAX,
		                                  .open_max = 30 * USEC_PER_SEC };
	uint32_t before = http_server_stats(s->server)->conns;
	c->site = s;
	session_start(c);
	c->stream = stream_connect(s->loop, &s->at, NULL, STR(""), &lim, &ops, c);
	AWAIT(s->loop, http_server_stats(s->server)->conns == before + 1);
	struct http_conn *conn = list_entry(s->server->conns.prev, struct http_conn, node);
	conn->h2 = h2_new(conn);
	h2_push(c);
	AWAIT(s->loop, c->max_streams > 0);
}

void h2_done(struct h2_client *c)
{
	stream_free(&c->stream);
	nghttp2_session_del(c->session);
	for (unsigned i = 0; i < c->n; i++)
		buf_free(&c->replies[i].body);
}

static nghttp2_nv nv(struct str name, struct str value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name.p, (uint8_t *)(uintptr_t)value.p, name.len,
		             value.len, NGHTTP2_NV_FLAG_NONE };
}

/* Pseudo-fields that `extra` does not name, then `extra`. */
static size_t fields_of(nghttp2_nv *ret, const char *method, const char *path, const char *extra)
{
	size_t n = 0;
	struct str rest = str_of(extra), line, name, value;
	if (!strstr(extra, ":method: "))
		ret[n++] = nv(STR(":method"), str_of(method));
	if (!strstr(extra, ":scheme: "))
		ret[n++] = nv(STR(":scheme"), STR("http"));
	if (!strstr(extra, ":path: "))
		ret[n++] = nv(STR(":path"), str_of(path));
	if (!strstr(extra, ":authority: "))
		ret[n++] = nv(STR(":authority"), STR("a"));
	while (rest.len > 0 && n < FIELDS_MAX) {
		(void)str_cut(rest, '\n', &line, &rest);
		ssize_t at = str_find(line, STR(": "));
		name = str_sub(line, 0, (size_t)at);
		value = str_sub(line, (size_t)at + 2, line.len);
		if (value.len > 0 || name.p[0] != ':') /* empty: it is left out */
			ret[n++] = nv(name, value);
	}
	return n;
}

static ssize_t on_read(nghttp2_session *session UNUSED, int32_t id UNUSED, uint8_t *buf, size_t max,
                       uint32_t *flags, nghttp2_data_source *source, void *user UNUSED)
{
	struct h2_reply *r = source->ptr;
	size_t n = MIN(r->to_send.len, max);
	if (n == 0 && r->hold)
		return NGHTTP2_ERR_DEFERRED;
	memcpy(buf, r->to_send.p, n);
	r->to_send = str_sub(r->to_send, n, r->to_send.len);
	if (r->to_send.len == 0 && !r->hold)
		*flags = NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

struct h2_reply *h2_ask(struct h2_client *c, const char *method, const char *path,
                        const char *extra, const char *body)
{
	nghttp2_nv fields[FIELDS_MAX];
	struct h2_reply *r = &c->replies[c->n++];
	bool hold = r->hold;
	*r = (struct h2_reply){ .body = buf_of(END_MAX), .to_send = str_of(body), .hold = hold };
	nghttp2_data_provider from = { .source.ptr = r, .read_callback = on_read };
	r->id = nghttp2_submit_request(c->session, NULL, fields,
	                               fields_of(fields, method, path, extra), body ? &from : NULL,
	                               NULL);
	OK(r->id > 0);
	h2_push(c);
	return r;
}

struct h2_reply *h2_get(struct h2_client *c, const char *path)
{
	struct h2_reply *r = h2_ask(c, "GET", path, "", NULL);
	AWAIT(c->site->loop, r->closed);
	return r;
}
