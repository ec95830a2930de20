#include "svc/conference/c3p_link.h"

#include <stdlib.h>
#include <unistd.h>

#include "stack/http/client.h"
#include "stack/http/server.h"

enum { IDLE_S = 365 * 86400 }; /* a link stays */

struct peer {
	struct c3p_link *all;
	uint32_t number;
	struct http_client *client; /* NULL: not open */
	struct defer gone;          /* frees the client of a connection that has ended */
};

struct c3p_link {
	struct loop *loop;
	const struct c3p_link_ops *ops;
	void *arg;
	struct http_server *server;
	struct peer peers[C3P_LINK_PEERS_MAX];
};

/* --- what peers send ------------------------------------------------------------------------ */

static void on_whole(void *user, struct http_exchange *x, struct str body)
{
	const struct peer *p = user;
	auto_(buf_free) struct buf answer = buf_of(C3P_LINK_DOC_MAX);
	p->all->ops->document(p->all->arg, p->number, body, &answer);
	if (answer.len > 0)
		http_answer(x, 200, STR(C3P_LINK_TYPE), buf_view(&answer));
	else
		http_answer(x, 204, STR(""), STR(""));
}

static void on_request(void *arg UNUSED, struct http_exchange *x)
{
	const struct http_msg *m = http_request(x);
	if (!str_eq(m->path, STR(C3P_LINK_PATH))) {
		http_refuse(x, 404, "There is nothing but " C3P_LINK_PATH " here.");
	} else if (m->method != HTTP_POST) {
		http_refuse(x, 405, "Documents are sent by POST.");
	} else {
		http_set_user(x, http_via(x), NULL);
		http_read_all(x, C3P_LINK_DOC_MAX, on_whole);
	}
}

static const struct http_server_ops server_ops = { .request = on_request };

struct c3p_link *c3p_link_new(struct loop *loop, const struct c3p_link_ops *ops, void *arg)
{
	struct c3p_link *l = xnew(struct c3p_link);
	struct http_server_config cfg = { .idle_s = IDLE_S };
	l->loop = loop;
	l->ops = ops;
	l->arg = arg;
	l->server = http_server_new(loop, &cfg, &server_ops, l);
	return l;
}

void c3p_link_serve(struct c3p_link *l, uint32_t peer, int fd)
{
	if (peer >= C3P_LINK_PEERS_MAX) {
		(void)close(fd);
		return;
	}
	l->peers[peer].all = l;
	l->peers[peer].number = peer;
	http_server_take(l->server, fd, false, &l->peers[peer]);
}

/* --- what they are sent --------------------------------------------------------------------- */

static void on_gone(void *arg)
{
	struct peer *p = arg;
	http_client_free(&p->client);
	p->all->ops->lost(p->all->arg, p->number);
}

static void on_lost(void *arg, const char *why UNUSED)
{
	struct peer *p = arg;
	loop_defer(p->all->loop, &p->gone);
}

void c3p_link_open(struct c3p_link *l, uint32_t peer, int fd)
{
	struct http_client_config cfg = { .authority = STR("c3p"),
		                          .max_conns = 1,
		                          .max_waiting = C3P_LINK_WAITING_MAX };
	if (peer >= C3P_LINK_PEERS_MAX) {
		(void)close(fd);
		return;
	}
	struct peer *p = &l->peers[peer];
	if (p->all)
		defer_cancel(&p->gone);
	p->all = l;
	p->number = peer;
	defer_init(&p->gone, on_gone, p);
	http_client_free(&p->client);
	p->client = http_client_new(l->loop, &cfg);
	http_client_link(p->client, fd, on_lost, p);
}

bool c3p_link_is_open(const struct c3p_link *l, uint32_t peer)
{
	return peer < C3P_LINK_PEERS_MAX && l->peers[peer].client;
}

static void on_done(void *arg, const struct http_result *r)
{
	const struct peer *p = arg;
	const struct c3p_link *l = p->all;
	if (r->err == 0 && r->msg->status == 200 && l->ops->answer)
		l->ops->answer(l->arg, p->number, r->body);
}

static const struct http_call_ops call_ops = { .done = on_done };

void c3p_link_send(struct c3p_link *l, uint32_t peer, struct str document)
{
	struct http_call_config cfg = { .method = STR("POST"),
		                        .target = STR(C3P_LINK_PATH),
		                        .type = STR(C3P_LINK_TYPE),
		                        .body = document,
		                        .body_max = C3P_LINK_DOC_MAX };
	if (c3p_link_is_open(l, peer))
		(void)!http_call_new(l->peers[peer].client, &cfg, &call_ops, &l->peers[peer]);
}

void c3p_link_free(struct c3p_link **lp)
{
	struct c3p_link *l = take(lp);
	if (!l)
		return;
	for (uint32_t i = 0; i < C3P_LINK_PEERS_MAX; i++) {
		if (l->peers[i].client)
			defer_cancel(&l->peers[i].gone);
		http_client_free(&l->peers[i].client);
	}
	http_server_free(&l->server);
	free(l);
}
