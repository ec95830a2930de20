#include "role/web/wb.h"

/* HTTP without TLS, at a port of its own or by mistake at that of HTTPS: nothing is served here;
 * all are sent to HTTPS, at the name that they asked by. The server has looked whether that is one
 * of ours, so nobody is led elsewhere. */

enum {
	CONNS_MAX = 1000, /* who floods it takes nothing from those who are served */
	IDLE_S = 15,
	HEAD_S = 5,
	SEND_S = 10,
	HTTPS_PORT = 443,
	ORIGIN_MAX = HTTP_HOST_MAX + 32,
};

/* "https://HOST" of the request, with the port where it is another one. */
static void put_origin(struct buf *b, const struct web *w, const struct http_exchange *x)
{
	const struct http_msg *m = http_request(x);
	unsigned port = (unsigned)(uintptr_t)http_via(x);
	buf_lit(b, "https://");
	buf_str(b, m->host.len > 0 ? m->host : w->env->self->fqdn);
	/* A proxy in front has HTTPS where it has HTTP. */
	if (port != HTTPS_PORT && !web_is_forwarded(w, x))
		buf_printf(b, ":%u", port);
}

static void redirect(struct http_exchange *x, struct str origin)
{
	auto_(buf_free) struct buf to = buf_of(ORIGIN_MAX + HTTP_URL_MAX + 2);
	const struct http_msg *m = http_request(x);
	buf_str(&to, origin);
	buf_str(&to, m->path);
	if (m->query.p) {
		buf_char(&to, '?');
		buf_str(&to, m->query);
	}
	struct buf *head = http_begin(x, 308);
	http_put_field(head, STR("Location"), buf_view(&to));
	http_put_field(head, STR("Cache-Control"), STR("no-store"));
	http_finish(x, STR(""));
}

static void on_request(void *arg, struct http_exchange *x)
{
	const struct web *w = arg;
	const struct http_msg *m = http_request(x);
	char text[ORIGIN_MAX];
	struct buf origin = BUF_ON(text);
	put_origin(&origin, w, x);
	if (m->method != HTTP_GET && m->method != HTTP_HEAD)
		http_refuse(x, 405, "This server is reached by HTTPS alone.");
	else if (web_is_discovery(m))
		web_discover_elsewhere(x, buf_view(&origin));
	else
		redirect(x, buf_view(&origin));
}

/* The address that was asked for, by HTTPS.  The port stays, which need not be ours: somebody may
 * pass it on. */
static void put_same(struct buf *b, const struct web *w, const struct http_exchange *x)
{
	struct http_msg m = *http_request(x);
	char text[8];
	struct buf port = BUF_ON(text);
	if (m.host.len == 0)
		m.host = w->env->self->fqdn;
	if (m.port.len == 0) {
		buf_printf(&port, "%u", addr_port(http_local(x)));
		m.port = buf_view(&port);
	}
	web_put_origin(b, &m);
}

void web_plain_at_tls(void *arg, struct http_exchange *x)
{
	const struct web *w = arg;
	const struct http_msg *m = http_request(x);
	char text[ORIGIN_MAX];
	struct buf origin = BUF_ON(text);
	put_same(&origin, w, x);
	/* A proxy of ours would be led round and round. */
	if ((m->method != HTTP_GET && m->method != HTTP_HEAD) || web_is_forwarded(w, x))
		http_refuse(x, 400, "This port is reached by HTTPS alone, and this came without.");
	else
		redirect(x, buf_view(&origin));
}

/* Where HTTPS is for who came to that address: there too, or at the first there is; 0: nowhere. */
static uint16_t https_port(const struct web *w, const struct addr *at)
{
	uint16_t port = 0;
	for (size_t i = w->env->n_sockets; i-- > 0;) {
		const struct role_socket *s = &w->env->sockets[i];
		if (s->proto != TOPO_HTTPS)
			continue;
		port = addr_port(&s->addr);
		if (addr_eq_host(&s->addr, at))
			break;
	}
	return port;
}

struct http_server *web_plain_new(struct web *w, bool (*is_host)(void *arg, struct str host))
{
	const struct http_server_config cfg = {
		.max_conns = CONNS_MAX, .idle_s = IDLE_S, .head_s = HEAD_S, .send_s = SEND_S
	};
	const struct http_server_ops ops = { .request = on_request, .host = is_host };
	struct http_server *s = http_server_new(w->env->loop, &cfg, &ops, w);
	for (size_t i = 0; i < w->env->n_sockets; i++) {
		const struct role_socket *at = &w->env->sockets[i];
		uint16_t port = at->proto == TOPO_HTTP ? https_port(w, &at->addr) : 0;
		if (port != 0)
			http_server_listen(s, at->fd, false, (void *)(uintptr_t)port);
	}
	return s;
}
