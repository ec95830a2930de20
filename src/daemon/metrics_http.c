#include "daemon/metrics_http.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "loop/stream.h"

enum { ACCEPTS_PER_TURN = 4 };

struct metrics_http {
	struct loop *loop;
	struct listener *listener;
	metrics_fn *fn;
	void *arg;
	struct list conns;
	size_t n_conns;
};

/* One request, one answer, closed. */
struct conn {
	struct metrics_http *server;
	struct list node;
	struct stream *stream;
	struct timer timer;
	struct defer defer;
	bool answered;
};

static void conn_free(void *arg)
{
	struct conn *c = arg;
	timer_stop(&c->timer);
	defer_cancel(&c->defer);
	list_del(&c->node);
	c->server->n_conns--;
	stream_free(&c->stream);
	free(c);
}

static void put_head(struct buf *b, const char *status, const char *type, size_t len)
{
	buf_printf(b,
	           "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
	           "Connection: close\r\n\r\n",
	           status, type, len);
}

static void answer(struct conn *c, const char *status, const char *type, struct str body, bool head)
{
	auto_(buf_free) struct buf b = buf_of(METRICS_TEXT_MAX + 1024);
	put_head(&b, status, type, body.len);
	if (!head)
		buf_str(&b, body);
	c->answered = true;
	stream_write(c->stream, buf_view(&b));
	stream_close(c->stream);
}

static void refuse(struct conn *c, const char *status)
{
	answer(c, status, "text/plain", STR("There is GET /metrics here.\n"), false);
}

static void handle(struct conn *c, struct str request_line)
{
	struct str method, target, version;
	(void)str_cut(request_line, ' ', &method, &target);
	(void)str_cut(target, ' ', &target, &version);
	bool head = str_eq(method, STR("HEAD"));
	if (!str_starts(version, STR("HTTP/1."))) {
		refuse(c, "400 Bad Request");
	} else if (!head && !str_eq(method, STR("GET"))) {
		refuse(c, "405 Method Not Allowed");
	} else if (!str_eq(target, STR("/metrics"))) {
		refuse(c, "404 Not Found");
	} else {
		auto_(buf_free) struct buf b = buf_of(METRICS_TEXT_MAX);
		c->server->fn(c->server->arg, &b);
		answer(c, "200 OK", "text/plain; version=0.0.4; charset=utf-8", buf_view(&b), head);
	}
}

static ssize_t on_data(void *arg, struct str in)
{
	struct conn *c = arg;
	if (c->answered)
		return (ssize_t)in.len;
	if (str_find(in, STR("\r\n\r\n")) < 0)
		return in.len < METRICS_REQUEST_MAX ? 0 : -EMSGSIZE;
	handle(c, str_sub(in, 0, (size_t)str_chr(in, '\r')));
	return (ssize_t)in.len;
}

static void on_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	struct conn *c = arg;
	loop_defer(c->server->loop, &c->defer);
}

static void on_opened(void *arg UNUSED)
{
}

static void on_accept(void *arg, struct listener *ls UNUSED, int fd, const struct addr *peer UNUSED)
{
	static const struct stream_ops ops = { .opened = on_opened,
		                               .data = on_data,
		                               .closed = on_closed };
	static const struct stream_limits limits = { .read_max = METRICS_REQUEST_MAX + 1,
		                                     .write_max = METRICS_TEXT_MAX + 4096,
		                                     .open_max = 5 * USEC_PER_SEC };
	struct metrics_http *m = arg;
	if (m->n_conns >= METRICS_CONNS_MAX) {
		(void)close(fd);
		return;
	}
	struct conn *c = xnew(struct conn);
	c->server = m;
	defer_init(&c->defer, conn_free, c);
	timer_init(&c->timer, m->loop, conn_free, c);
	timer_set(&c->timer, loop_now(m->loop) + METRICS_OPEN_S * USEC_PER_SEC);
	list_add(&m->conns, &c->node);
	m->n_conns++;
	c->stream = stream_accept(m->loop, fd, NULL, &limits, &ops, c);
}

struct metrics_http *metrics_http_new(struct loop *l, int fd, metrics_fn *fn, void *arg)
{
	struct metrics_http *m = xnew(struct metrics_http);
	m->loop = l;
	m->fn = fn;
	m->arg = arg;
	list_init(&m->conns);
	m->listener = listener_new(l, fd, ACCEPTS_PER_TURN, on_accept, m);
	return m;
}

void metrics_http_free(struct metrics_http **mp)
{
	struct metrics_http *m = *mp;
	*mp = NULL;
	if (!m)
		return;
	list_for(it, &m->conns) conn_free(list_entry(it, struct conn, node));
	listener_free(&m->listener);
	free(m);
}
