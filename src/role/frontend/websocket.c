#include <errno.h>
#include <stdlib.h>

#include "base/code.h"
#include "role/frontend/fe.h"
#include "stack/ws/ws.h"

/* SIP over WebSocket (RFC 7118): phones that are pages of a browser, of whatever make.  stack/http
 * takes the connection, stack/ws frames it, and the transport sees a flow that it carries; from
 * there on such a phone is a client like those of TLS. */

struct fe_sockets {
	struct frontend *fe;
	struct http_server *http;
	struct ws_host *ws;
	struct list clients;
};

struct client {
	struct list node;
	struct ws *ws;
	struct sip_flow *flow; /* our reference; NULL: it was not taken */
};

static void client_free(struct client *c)
{
	list_del(&c->node);
	sip_flow_unref(&c->flow);
	ws_free(&c->ws);
	free(c);
}

/* --- what the flow asks of us ---------------------------------------------------------------- */

static bool is_utf8(struct str s)
{
	while (s.len > 0) {
		size_t n = utf8_seq_len(s);
		if (n == 0)
			return false;
		s = str_sub(s, n, s.len);
	}
	return true;
}

/* A body may be anything: then the message is binary (RFC 7118 section 5.2). */
static void carry(void *arg, struct str message)
{
	struct client *c = arg;
	(void)ws_send(c->ws, is_utf8(message), message);
}

static void carry_end(void *arg)
{
	struct client *c = arg;
	ws_close(c->ws, WS_NORMAL, STR(""));
}

static const struct sip_carrier carrier = { .send = carry, .close = carry_end };

/* --- what comes ------------------------------------------------------------------------------ */

static void on_message(void *arg, bool text UNUSED, struct str message)
{
	struct client *c = arg;
	if (c->flow)
		sip_flow_take(c->flow, message);
}

static void on_closed(void *arg, unsigned code UNUSED, struct str why)
{
	struct client *c = arg;
	char text[WS_WHY_MAX + 1];
	struct buf b = BUF_ON(text);
	buf_str(&b, str_sub(why, 0, WS_WHY_MAX));
	buf_char(&b, '\0');
	if (c->flow)
		sip_flow_lost(c->flow, text);
	client_free(c);
}

static const struct ws_ops ws_ops = { .message = on_message, .closed = on_closed };

/* A name or an address by which the deployment is reached. */
static bool is_ours(const struct frontend *fe, struct str host)
{
	const struct topo *t = fe->env->topo;
	struct addr a;
	if (topo_is_our_domain(t, host))
		return true;
	for (size_t i = 0; i < t->n_roles; i++)
		if (str_ieq(t->roles[i].fqdn, host) || str_ieq(t->roles[i].host->name, host))
			return true;
	if (addr_parse(&a, host, 0) < 0)
		return false;
	for (size_t i = 0; i < t->n_roles; i++)
		for (size_t k = 0; k < t->roles[i].host->n_addrs; k++)
			if (addr_eq_host(&t->roles[i].host->addrs[k], &a))
				return true;
	return false;
}

static bool is_listed(struct str list, struct str origin)
{
	struct str one;
	while (list.len > 0) {
		(void)str_cut(list, ',', &one, &list);
		if (str_ieq(str_trim(one), origin))
			return true;
	}
	return false;
}

/* The host of "https://host" or "https://host:port", an IPv6 one in brackets. */
static struct str host_of(struct str origin)
{
	struct str host, port;
	if (!str_istarts(origin, STR("https://")))
		return STR("");
	origin = str_sub(origin, 8, origin.len);
	if (origin.len > 0 && origin.p[0] == '[')
		return str_cut(origin, ']', &host, &port) ? str_sub(origin, 0, host.len + 1)
		                                          : STR("");
	(void)str_cut(origin, ':', &host, &port);
	return host;
}

/* Who is no browser sends none; a page of somebody else's must not use the browser's network. */
static bool origin_is_good(const struct frontend *fe, const struct http_msg *m)
{
	for (unsigned i = 0; i < m->n_hdrs; i++) {
		if (!str_ieq(http_hdr_name(m, &m->hdrs[i]), STR("Origin")))
			continue;
		struct str origin = http_hdr_value(m, &m->hdrs[i]), host = host_of(origin);
		if (!(host.len > 0 && is_ours(fe, host)) && !is_listed(fe->cfg.ws_origins, origin))
			return false;
	}
	return true;
}

static void enter(struct fe_sockets *s, struct http_exchange *x)
{
	struct client *c = xnew(struct client);
	c->ws = ws_accept(s->ws, x, &ws_ops, c);
	if (!c->ws) {
		free(c);
		return;
	}
	list_add(&s->clients, &c->node);
	struct sip_flow *f = sip_transport_carry(s->fe->tp, SIP_WSS, ws_peer(c->ws),
	                                         ws_local(c->ws), &carrier, c);
	if (f)
		c->flow = sip_flow_ref(f);
	else
		ws_close(c->ws, WS_TRY_AGAIN, STR("There are too many connections."));
}

static void on_request(void *arg, struct http_exchange *x)
{
	struct fe_sockets *s = arg;
	if (s->fe->stopping)
		http_refuse(x, 503, "The server is being stopped.");
	else if (!origin_is_good(s->fe, http_request(x)))
		http_refuse(x, 403, "Pages of this origin may not connect.");
	else
		enter(s, x);
}

static bool is_host(void *arg, struct str host)
{
	const struct fe_sockets *s = arg;
	struct addr a;
	return addr_parse(&a, host, 0) == 0 || str_ieq(host, STR("localhost")) ||
	       is_ours(s->fe, host);
}

static const struct http_server_ops http_ops = { .request = on_request, .host = is_host };

/* --- life ------------------------------------------------------------------------------------ */

void fe_sockets_start(struct frontend *fe)
{
	static const struct str protocols[] = { STR_INIT("sip") };
	struct role_env *env = fe->env;
	struct fe_sockets *s = xnew(struct fe_sockets);
	struct ws_config ws = { .protocols = protocols,
		                .n_protocols = ARRAY_SIZE(protocols),
		                .message_max = FE_WS_OVER * fe->cfg.message_max,
		                .unsent_max = SIP_WRITE_MAX + fe->cfg.message_max };
	struct http_server_config http = { .tls = fe->tls, .max_conns = FE_WS_OPENING_MAX };
	s->fe = fe;
	list_init(&s->clients);
	s->ws = ws_host_new(fe->loop, &ws);
	s->http = http_server_new(fe->loop, &http, &http_ops, s);
	fe->sockets = s;
	for (size_t i = 0; i < env->n_sockets; i++)
		if (env->sockets[i].proto == TOPO_WSS)
			http_server_listen(s->http, env->sockets[i].fd, true, NULL);
}

void fe_sockets_set_tls(struct frontend *fe, struct tls_server *tls)
{
	http_server_set_tls(fe->sockets->http, tls);
}

void fe_sockets_set_accepts(struct frontend *fe, unsigned per_turn)
{
	http_server_set_accepts(fe->sockets->http, per_turn);
}

void fe_sockets_free(struct frontend *fe)
{
	struct fe_sockets *s = take(&fe->sockets);
	if (!s)
		return;
	http_server_free(&s->http);
	list_for(it, &s->clients) client_free(list_entry(it, struct client, node));
	ws_host_free(&s->ws);
	free(s);
}

void fe_sockets_metrics(const struct frontend *fe, struct buf *b)
{
	const struct ws_stats *w = ws_host_stats(fe->sockets->ws);
	buf_printf(b,
	           "# HELP dialtone_websockets_ended_total connections of SIP over WebSocket that "
	           "this side ended or refused\n# TYPE dialtone_websockets_ended_total counter\n"
	           "dialtone_websockets_ended_total{why=\"refused\"} %llu\n"
	           "dialtone_websockets_ended_total{why=\"slow\"} %llu\n"
	           "dialtone_websockets_ended_total{why=\"silent\"} %llu\n"
	           "dialtone_websockets_ended_total{why=\"broken\"} %llu\n",
	           (unsigned long long)w->refused, (unsigned long long)w->slow,
	           (unsigned long long)w->silent, (unsigned long long)w->broken);
}
