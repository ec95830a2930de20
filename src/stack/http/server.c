#include "stack/http/server.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "stack/http/h2.h"

static void set_default(uint32_t *v, uint32_t def)
{
	*v = *v ? *v : def;
}

static void on_stopped(void *arg)
{
	struct http_server *s = arg;
	if (s->stats.conns == 0 && s->stopped)
		take (&s->stopped)(s->stopped_arg);
}

struct http_server *http_server_new(struct loop *l, const struct http_server_config *cfg,
                                    const struct http_server_ops *ops, void *arg)
{
	struct http_server *s = xnew(struct http_server);
	s->loop = l;
	s->cfg = *cfg;
	s->ops = *ops;
	s->arg = arg;
	set_default(&s->cfg.max_conns, 1000);
	set_default(&s->cfg.head_max, HTTP_HEAD_MAX);
	set_default(&s->cfg.open_s, 10);
	set_default(&s->cfg.idle_s, 60);
	set_default(&s->cfg.head_s, 10);
	set_default(&s->cfg.body_s, 30);
	set_default(&s->cfg.send_s, 30);
	set_default(&s->cfg.max_streams, 100);
	if (cfg->tls)
		s->cfg.tls = tls_server_ref(cfg->tls);
	list_init(&s->conns);
	list_init(&s->idle);
	s->spare = buf_of(HTTP_HEAD_MAX);
	defer_init(&s->stop, on_stopped, s);
	return s;
}

static void close_listeners(struct http_server *s)
{
	for (unsigned i = 0; i < s->n_listens; i++)
		listener_free(&s->listens[i].ls);
	s->n_listens = 0;
}

void http_server_free(struct http_server **sp)
{
	struct http_server *s = *sp;
	if (!s)
		return;
	close_listeners(s);
	while (!list_empty(&s->conns))
		http_conn_kill(list_entry(s->conns.next, struct http_conn, node));
	*sp = NULL;
	defer_cancel(&s->stop);
	tls_server_unref(&s->cfg.tls);
	buf_free(&s->spare);
	free(s);
}

/* True if there is room for one more; whoever has been idle for the longest time makes it. */
static bool make_room(struct http_server *s)
{
	if (s->stats.conns < s->cfg.max_conns)
		return true;
	list_for(it, &s->idle)
	{
		struct http_conn *c = list_entry(it, struct http_conn, idle);
		if (stream_unsent(c->stream) > 0)
			continue; /* its last answer is on the way */
		s->stats.evicted++;
		http_conn_kill(c);
		return true;
	}
	return false;
}

void http_server_accept(struct http_server *s, int fd, bool tls, void *via)
{
	if (make_room(s)) {
		http_conn_new(s, fd, tls, via);
		return;
	}
	(void)close(fd);
	s->stats.refused_conns++;
}

static void on_accept(void *arg, struct listener *ls UNUSED, int fd, const struct addr *peer UNUSED)
{
	struct http_listen *hl = arg;
	http_server_accept(hl->srv, fd, hl->tls, hl->via);
}

static void on_refused(void *arg, struct listener *ls UNUSED, int err UNUSED)
{
	struct http_listen *hl = arg;
	hl->srv->stats.refused_conns++;
}

void http_server_listen(struct http_server *s, int fd, bool tls, void *via)
{
	assert(s->n_listens < HTTP_LISTENERS_MAX && (!tls || s->cfg.tls));
	struct http_listen *hl = &s->listens[s->n_listens++];
	*hl = (struct http_listen){ .srv = s, .tls = tls, .via = via };
	hl->ls = listener_new(s->loop, fd, HTTP_ACCEPTS_PER_TURN, on_accept, hl);
	listener_tell_refused(hl->ls, on_refused);
}

void http_server_set_accepts(struct http_server *s, unsigned per_turn)
{
	for (unsigned i = 0; i < s->n_listens; i++)
		listener_set_per_turn(s->listens[i].ls, per_turn);
}

void http_server_take(struct http_server *s, int fd, bool tls, void *via)
{
	http_conn_new(s, fd, tls, via);
}

void http_server_adopt(struct http_server *s, struct stream *stream, void *via)
{
	http_conn_adopt(s, stream, via);
}

void http_server_set_tls(struct http_server *s, struct tls_server *tls)
{
	struct tls_server *old = s->cfg.tls;
	s->cfg.tls = tls_server_ref(tls);
	tls_server_unref(&old);
}

void http_server_stop(struct http_server *s, void (*done)(void *arg), void *arg)
{
	s->stopping = true;
	s->stopped = done;
	s->stopped_arg = arg;
	close_listeners(s);
	list_for(it, &s->conns)
	{
		struct http_conn *c = list_entry(it, struct http_conn, node);
		if (!c->x && c->state == HTTP_CONN_OPEN && c->phase == HTTP_WAIT_IDLE)
			http_conn_end(c);
		else if (c->h2)
			h2_say_goodbye(c->h2);
	}
	loop_defer(s->loop, &s->stop);
}

const struct http_server_stats *http_server_stats(const struct http_server *s)
{
	return &s->stats;
}
