#include "role/gate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { EARLY_MAX = 16 * 1024, NAMES_SHOWN = 3 };

struct gate {
	struct gate_config cfg;
	struct loop *loop;
	struct tls_server *tls;
	struct listener *listeners[GATE_LISTENERS_MAX];
	unsigned n_listeners;
	struct list visitors;
	unsigned n_waiting, n_strangers;
	struct log_limit limit;
	struct gate_stats stats;
};

/* A connection until it is handed over. */
struct visitor {
	struct list node;
	struct gate *gate;
	struct stream *stream;
	struct timer timer; /* a stranger who says nothing */
	bool known_address;
	bool refused; /* its certificate is nobody's who may come */
};

#define REFUSAL_TEXT "This certificate is not one of those that may use this service.\n"
const struct str gate_http_refusal =
        STR_INIT("HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                 "Content-Length: 64\r\n\r\n" REFUSAL_TEXT);
_Static_assert(sizeof(REFUSAL_TEXT) - 1 == 64, "Content-Length");

static void say(struct gate *g, const struct stream *s, const char *names, const char *why)
{
	char text[80];
	struct buf at = BUF_ON(text);
	if (!log_allow(&g->limit, loop_now(g->loop), GATE_LINES_PER_S))
		return;
	addr_put(&at, stream_peer(s));
	log_info(NULL, "stranger-refused", "link=%s peer=%" STR_FMT " certificate=%s reason=%s",
	         g->cfg.what, STR_ARG(buf_view(&at)), names, log_text(str_of(why)));
}

/* No more waiting for it; the stream is not touched. */
static void visitor_free(struct visitor *v)
{
	struct gate *g = v->gate;
	timer_stop(&v->timer);
	list_del(&v->node);
	g->n_waiting--;
	g->n_strangers -= !v->known_address;
	free(v);
}

static void on_closed(void *arg, int err UNUSED, const char *why)
{
	struct visitor *v = arg;
	if (!v->refused) {
		v->gate->stats.failed++;
		say(v->gate, v->stream, "none", why ? why : "");
	}
	stream_free(&v->stream);
	visitor_free(v);
}

static void put_names(struct buf *b, const struct tls_peer *cert)
{
	if (!cert) {
		buf_lit(b, "none");
		return;
	}
	for (size_t i = 0; i < cert->n_dns_names && i < NAMES_SHOWN; i++) {
		buf_str(b, i > 0 ? STR(",") : STR(""));
		buf_str(b, cert->dns_names[i]);
	}
	for (size_t i = 0; i < cert->n_uris && i < NAMES_SHOWN; i++) {
		buf_char(b, ',');
		buf_str(b, cert->uris[i]);
	}
}

static void refuse(struct visitor *v)
{
	struct gate *g = v->gate;
	auto_(buf_free) struct buf names = buf_of(2048);
	v->refused = true;
	g->stats.strangers++;
	put_names(&names, stream_tls_peer(v->stream));
	say(g, v->stream, log_esc(buf_view(&names)), "not a role that may come here");
	if (g->cfg.refusal.len > 0)
		timer_set(&v->timer, loop_now(g->loop) + GATE_STRANGER_S * USEC_PER_SEC);
	else
		stream_close(v->stream);
}

static void on_opened(void *arg)
{
	struct visitor *v = arg;
	struct gate *g = v->gate;
	int peer = peer_find(g->cfg.env, stream_tls_peer(v->stream));
	if (peer < 0) {
		refuse(v);
		return;
	}
	if (!g->cfg.enter(g->cfg.arg, (size_t)peer, v->stream)) {
		g->stats.refused++;
		v->refused = true;
		stream_close(v->stream);
		return;
	}
	g->stats.entered++;
	visitor_free(v);
}

/* A stranger asks: it is told why not. */
static ssize_t on_data(void *arg, struct str in)
{
	struct visitor *v = arg;
	if (in.len > 0) {
		stream_write(v->stream, v->gate->cfg.refusal);
		stream_close_late(v->stream, USEC_PER_SEC);
	}
	return (ssize_t)in.len;
}

static void on_silent(void *arg)
{
	struct visitor *v = arg;
	stream_close(v->stream);
}

static const struct stream_ops ops = { .opened = on_opened, .data = on_data, .closed = on_closed };

static bool is_known(const struct gate *g, const struct addr *a)
{
	const struct role_env *env = g->cfg.env;
	for (size_t i = 0; i < env->n_peers; i++) {
		const struct topo_host *h = env->peers[i].at->host;
		for (size_t k = 0; k < h->n_addrs; k++)
			if (addr_eq_host(&h->addrs[k], a))
				return true;
	}
	return false;
}

static void on_accept(void *arg, struct listener *ls UNUSED, int fd, const struct addr *peer)
{
	struct gate *g = arg;
	bool known = is_known(g, peer);
	struct stream_limits lim = { .read_max = EARLY_MAX,
		                     .write_max = EARLY_MAX,
		                     .open_max = PEER_OPEN_MAX_S * USEC_PER_SEC,
		                     .probe_after = PEER_PROBE_S * USEC_PER_SEC };
	if (g->n_waiting >= GATE_WAITING_MAX || (!known && g->n_strangers >= GATE_STRANGERS_MAX)) {
		(void)close(fd);
		g->stats.refused++;
		return;
	}
	struct visitor *v = xnew(struct visitor);
	v->gate = g;
	v->known_address = known;
	g->n_waiting++;
	g->n_strangers += !known;
	list_add(&g->visitors, &v->node);
	timer_init(&v->timer, g->loop, on_silent, v);
	v->stream = stream_accept(g->loop, fd, g->tls, &lim, &ops, v);
}

static void on_refused(void *arg, struct listener *ls UNUSED, int err UNUSED)
{
	struct gate *g = arg;
	g->stats.refused++;
}

static void listen_on(struct gate *g, int fd)
{
	struct listener *ls = listener_new(g->loop, fd, GATE_ACCEPTS_PER_TURN, on_accept, g);
	listener_tell_refused(ls, on_refused);
	g->listeners[g->n_listeners++] = ls;
}

struct gate *gate_new(const struct gate_config *cfg)
{
	const struct role_env *env = cfg->env;
	struct gate *g = xnew(struct gate);
	g->cfg = *cfg;
	g->loop = env->loop;
	g->tls = tls_server_ref(cfg->tls);
	list_init(&g->visitors);
	for (size_t i = 0; i < env->n_sockets && g->n_listeners < GATE_LISTENERS_MAX; i++)
		if (env->sockets[i].proto == cfg->proto)
			listen_on(g, env->sockets[i].fd);
	return g;
}

void gate_free(struct gate **gp)
{
	struct gate *g = take(gp);
	if (!g)
		return;
	for (unsigned i = 0; i < g->n_listeners; i++)
		listener_free(&g->listeners[i]);
	list_for(it, &g->visitors)
	{
		struct visitor *v = list_entry(it, struct visitor, node);
		stream_free(&v->stream);
		visitor_free(v);
	}
	tls_server_unref(&g->tls);
	free(g);
}

void gate_set_tls(struct gate *g, struct tls_server *tls)
{
	tls_server_unref(&g->tls);
	g->tls = tls_server_ref(tls);
}

const struct gate_stats *gate_stats(const struct gate *g)
{
	return &g->stats;
}

void gate_put_metric_head(struct buf *b)
{
	buf_lit(b, "# HELP dialtone_peer_connections_total connections to the ports for roles of "
	           "other hosts\n"
	           "# TYPE dialtone_peer_connections_total counter\n");
}

void gate_put_metric(struct buf *b, const struct gate *g)
{
	const struct {
		const char *name;
		uint64_t n;
	} rows[] = { { "entered", g->stats.entered },
		     { "stranger", g->stats.strangers },
		     { "failed", g->stats.failed },
		     { "refused", g->stats.refused } };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		buf_printf(b,
		           "dialtone_peer_connections_total{link=\"%s\",outcome=\"%s\"} %" PRIu64
		           "\n",
		           g->cfg.what, rows[i].name, rows[i].n);
}
