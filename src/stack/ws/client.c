#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "base/rand.h"
#include "stack/ws/inside.h"

/* The opening handshake on a client (RFC 6455 section 4.1). */

enum { REQUEST_MAX = 8 * 1024 };

struct ws_hello {
	struct http_framer framer;
	struct buf request;
	char accept[WS_ACCEPT_LEN + 1]; /* what the server has to answer */
};

void ws_hello_free(struct ws_hello **hp)
{
	struct ws_hello *h = take(hp);
	if (!h)
		return;
	buf_free(&h->request);
	free(h);
}

static void compose(struct ws_hello *h, const struct ws_connect_config *cfg)
{
	uint8_t raw[16];
	char text[WS_KEY_LEN + 1];
	struct buf key = BUF_ON(text), sum = BUF_ON(h->accept), *b = &h->request;
	rand_bytes(raw, sizeof(raw));
	base64_put(&key, raw, sizeof(raw));
	ws_accept_key(&sum, buf_view(&key));
	http_put_request(b, STR("GET"), cfg->target);
	http_put_field(b, STR("Host"), cfg->authority);
	http_put_field(b, STR("Connection"), STR("Upgrade"));
	http_put_field(b, STR("Upgrade"), STR("websocket"));
	http_put_field(b, STR("Sec-WebSocket-Version"), STR("13"));
	http_put_field(b, STR("Sec-WebSocket-Key"), buf_view(&key));
	if (cfg->origin.len)
		http_put_field(b, STR("Origin"), cfg->origin);
	if (cfg->protocol.len)
		http_put_field(b, STR("Sec-WebSocket-Protocol"), cfg->protocol);
	for (size_t i = 0; i < cfg->n_fields; i++)
		http_put_field(b, cfg->fields[i].name, cfg->fields[i].value);
	http_put_end(b);
}

static void on_opened(void *arg)
{
	struct ws *w = arg;
	stream_write(w->stream, buf_view(&w->hello->request));
}

static const char *check(const struct ws *w, const struct http_msg *m)
{
	if (m->status != 101)
		return "the server does not want to";
	if (!m->upgrade || !http_has_token(m, HTTP_H_UPGRADE, STR("websocket")) ||
	    !str_eq(http_value_named(m, STR("Sec-WebSocket-Accept")),
	            str_n(w->hello->accept, WS_ACCEPT_LEN)))
		return "the server's answer is not one to this request";
	if (http_value_named(m, STR("Sec-WebSocket-Extensions")).p ||
	    !str_eq(http_value_named(m, STR("Sec-WebSocket-Protocol")), ws_protocol(w)))
		return "the server agrees to what was not offered";
	return NULL;
}

/* The head of the answer: bytes used, or 0 for more. */
static ssize_t take_answer(struct ws *w, struct str in)
{
	RAW_MEMORY struct http_msg m;
	uint32_t len = 0;
	int r = http_frame(&w->hello->framer, in, &len);
	if (r == 0)
		return 0;
	struct http_fault f = { 400, NULL };
	if (r > 0)
		f = http_parse_response(&m, str_sub(in, 0, len), HTTP_GET);
	const char *why = f.status ? "the server does not answer in HTTP" : check(w, &m);
	if (why) {
		ws_fail(w, WS_ABNORMAL, why);
		return (ssize_t)in.len;
	}
	ws_hello_free(&w->hello);
	stream_set_ops(w->stream, &ws_stream_ops, w);
	ws_begin(w);
	if (w->ops->opened)
		w->ops->opened(w->arg);
	return (ssize_t)len + ws_stream_ops.data(w, str_sub(in, len, in.len));
}

static ssize_t on_data(void *arg, struct str in)
{
	struct ws *w = arg;
	if (w->state >= WS_ENDING)
		return (ssize_t)in.len;
	return in.len > 0 ? take_answer(w, in) : 0;
}

static void on_closed(void *arg, int err, const char *why)
{
	ws_stream_ops.closed(arg, err, why);
}

struct ws *ws_connect(struct ws_host *h, const struct ws_connect_config *cfg,
                      const struct ws_ops *ops, void *arg)
{
	static const struct stream_ops opening = { .opened = on_opened,
		                                   .data = on_data,
		                                   .closed = on_closed };
	struct stream_limits lim = ws_stream_limits(h);
	struct ws *w = ws_new(h, WS_CLIENT, ops, arg);
	w->hello = xnew(struct ws_hello);
	w->hello->request = buf_of(REQUEST_MAX);
	w->protocol = cfg->protocol.len ? str_dup(cfg->protocol) : NULL;
	compose(w->hello, cfg);
	assert(!w->hello->request.full);
	w->stream =
	        stream_connect(h->loop, &cfg->to, cfg->tls, cfg->server_name, &lim, &opening, w);
	timer_set(&w->timer, loop_now(h->loop) + 2 * lim.open_max);
	return w;
}
