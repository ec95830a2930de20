#include <nettle/sha1.h>

#include "base/code.h"
#include "stack/ws/inside.h"

/* The opening handshake on a server (RFC 6455 section 4.2). */

void ws_accept_key(struct buf *b, struct str key)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	struct sha1_ctx ctx;
	uint8_t sum[SHA1_DIGEST_SIZE];
	sha1_init(&ctx);
	sha1_update(&ctx, key.len, (const uint8_t *)key.p);
	sha1_update(&ctx, sizeof(guid) - 1, (const uint8_t *)guid);
	sha1_digest(&ctx, sizeof(sum), sum);
	base64_put(b, sum, sizeof(sum));
}

/* The value of a field that may stand there once: 1 with it, 0 without the field, -1 if there are
 * two. */
static int only_value(const struct http_msg *m, struct str name, struct str *ret)
{
	int n = 0;
	for (unsigned i = 0; i < m->n_hdrs; i++) {
		if (!str_ieq(http_hdr_name(m, &m->hdrs[i]), name))
			continue;
		*ret = http_hdr_value(m, &m->hdrs[i]);
		n++;
	}
	return n > 1 ? -1 : n;
}

static bool is_key(struct str key)
{
	char raw[20];
	struct buf b = BUF_ON(raw);
	return key.len == WS_KEY_LEN && base64_get(key, &b) == 0 && b.len == 16;
}

static bool origin_is_ours(const struct ws_config *cfg, const struct http_msg *m)
{
	struct str origin;
	int n = only_value(m, STR("Origin"), &origin);
	if (n == 0)
		return !cfg->origin_required;
	bool ours = n == 1 && cfg->n_origins == 0;
	for (size_t i = 0; n == 1 && i < cfg->n_origins; i++)
		ours |= str_ieq(origin, cfg->origins[i]);
	return ours;
}

/* The best of ours that stands in one of the fields of the client; empty: none.  False: broken. */
static bool choose_protocol(const struct ws_config *cfg, const struct http_msg *m, struct str *ret)
{
	size_t best = cfg->n_protocols, n = 0;
	for (unsigned i = 0; i < m->n_hdrs; i++) {
		if (!str_ieq(http_hdr_name(m, &m->hdrs[i]), STR("Sec-WebSocket-Protocol")))
			continue;
		struct str rest = http_hdr_value(m, &m->hdrs[i]), one;
		do {
			(void)str_cut(rest, ',', &one, &rest);
			one = str_trim(one);
			if (!http_is_token(one) || ++n > WS_OFFERS_MAX)
				return false;
			for (size_t k = 0; k < best; k++)
				if (str_eq(one, cfg->protocols[k]))
					best = k;
		} while (rest.len > 0);
	}
	*ret = best < cfg->n_protocols ? cfg->protocols[best] : STR("");
	return true;
}

/* What is wrong with the request; status 0: nothing. */
static struct http_fault check(const struct ws_config *cfg, const struct http_msg *m,
                               struct str *ret_key, struct str *ret_protocol)
{
	struct str version;
	if (!m->upgrade || !http_has_token(m, HTTP_H_UPGRADE, STR("websocket")))
		return (struct http_fault){ 426, "This is for WebSocket." };
	if (m->method != HTTP_GET || m->framing != HTTP_BODY_NONE)
		return (struct http_fault){ 400, "WebSocket begins with a GET without content." };
	if (only_value(m, STR("Sec-WebSocket-Version"), &version) != 1 ||
	    !str_eq(version, STR("13")))
		return (struct http_fault){ 426, "Version 13 of WebSocket is spoken here." };
	if (only_value(m, STR("Sec-WebSocket-Key"), ret_key) != 1 || !is_key(*ret_key))
		return (struct http_fault){ 400, "Sec-WebSocket-Key is not 16 bytes in base64." };
	if (!origin_is_ours(cfg, m))
		return (struct http_fault){ 403, "Pages of this origin may not connect." };
	if (!choose_protocol(cfg, m, ret_protocol))
		return (struct http_fault){ 400, "Sec-WebSocket-Protocol is broken." };
	if (cfg->n_protocols && ret_protocol->len == 0)
		return (struct http_fault){ 400, "None of the subprotocols is spoken here." };
	return (struct http_fault){ 0, NULL };
}

static void refuse(struct http_exchange *x, struct http_fault f)
{
	if (f.status != 426) {
		http_refuse(x, f.status, f.why);
		return;
	}
	struct buf *b = http_begin(x, f.status);
	http_put_field(b, STR("Upgrade"), STR("websocket"));
	http_put_field(b, STR("Sec-WebSocket-Version"), STR("13"));
	http_put_field(b, STR("Content-Type"), STR("text/plain; charset=utf-8"));
	http_finish(x, str_of(f.why));
}

static void put_answer(struct http_exchange *x, struct str key, struct str protocol)
{
	char text[WS_ACCEPT_LEN + 1];
	struct buf sum = BUF_ON(text), *b = http_begin(x, 101);
	ws_accept_key(&sum, key);
	http_put_field(b, STR("Upgrade"), STR("websocket"));
	http_put_field(b, STR("Sec-WebSocket-Accept"), buf_view(&sum));
	if (protocol.len)
		http_put_field(b, STR("Sec-WebSocket-Protocol"), protocol);
}

struct ws *ws_accept(struct ws_host *h, struct http_exchange *x, const struct ws_ops *ops,
                     void *arg)
{
	struct stream_limits lim = ws_stream_limits(h);
	struct str key, protocol;
	struct http_fault f = check(&h->cfg, http_request(x), &key, &protocol);
	if (f.status) {
		h->stats.refused++;
		refuse(x, f);
		return NULL;
	}
	struct ws *w = ws_new(h, WS_SERVER, ops, arg);
	w->protocol = protocol.len ? str_dup(protocol) : NULL;
	put_answer(x, key, protocol);
	w->stream = http_hand_over(x, &ws_stream_ops, w);
	stream_set_limits(w->stream, &lim);
	ws_begin(w);
	return w;
}
