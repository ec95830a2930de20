#include "svc/conference/c3p_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stack/http/client.h"
#include "stack/http/server.h"

enum {
	IDLE_S = 365 * 86400, /* a connection stays */
	PATH_MAX_LEN = 32,
	TARGET_MAX_LEN = PATH_MAX_LEN + 8 + C3P_LINK_RUN_MAX,
	WHY_MAX = 200,
};

struct peer {
	struct c3p_link *all;
	uint32_t number;
	/* what it is sent */
	struct http_client *client; /* NULL: there is no connection */
	bool open;                  /* documents go */
	bool far;                   /* on another host: any failure ends the connection */
	char path[PATH_MAX_LEN];
	char why[WHY_MAX];   /* what ended it; empty: nothing yet */
	struct defer gone;   /* frees the client of a connection that has ended */
	struct list passing; /* what is on its way to it for others, struct passing */
};

/* Who sends by a connection that comes in. */
struct source {
	struct c3p_link *all;
	uint32_t peer;
	bool far; /* a number must stand in the path */
};

struct c3p_link {
	struct loop *loop;
	const struct c3p_link_ops *ops;
	void *arg;
	struct c3p_link *others; /* to the other processes of ours; NULL: there are none */
	struct http_server *server;
	struct peer peers[C3P_LINK_PEERS_MAX];
	struct source near[C3P_LINK_PEERS_MAX], far[C3P_LINK_PEERS_MAX];
};

/* A request that another process is to answer. */
struct passing {
	struct list node; /* of its peer */
	struct http_exchange *x;
	struct http_call *call;
};

/* --- what is passed on ---------------------------------------------------------------------- */

static void passing_free(struct passing *g)
{
	list_del(&g->node);
	free(g);
}

static void put_path(char ret[PATH_MAX_LEN], uint32_t number)
{
	if (number == 0)
		(void)snprintf(ret, PATH_MAX_LEN, C3P_LINK_PATH);
	else
		(void)snprintf(ret, PATH_MAX_LEN, C3P_LINK_PATH "/%u", number);
}

static void refuse_passing(struct http_exchange *x)
{
	http_refuse(x, 503, "The process that this is for is not there now.");
}

/* It is acknowledged by the process that it is for, or not at all. */
static void on_passed(void *arg, const struct http_result *r)
{
	struct passing *g = arg;
	if (r->err == 0 && r->msg->status == 200)
		http_answer(g->x, 200, STR(C3P_LINK_TYPE), r->body);
	else if (r->err == 0 && r->msg->status == 204)
		http_answer(g->x, 204, STR(""), STR(""));
	else
		refuse_passing(g->x);
	passing_free(g);
}

static const struct http_call_ops pass_ops = { .done = on_passed };

/* Who asked is gone. */
static void on_asker_gone(void *user)
{
	struct passing *g = user;
	http_call_free(&g->call);
	passing_free(g);
}

/* To process `to`; it hears of which peer of ours it is by the number in the path. */
static void pass(struct http_exchange *x, const struct source *from, uint32_t to, struct str body)
{
	struct c3p_link *others = from->all->others;
	char path[PATH_MAX_LEN];
	bool is_document = http_request(x)->method == HTTP_POST;
	struct http_call_config cfg = { .method = is_document ? STR("POST") : STR("GET"),
		                        .type = is_document ? STR(C3P_LINK_TYPE) : STR(""),
		                        .body = body,
		                        .body_max = C3P_LINK_DOC_MAX };
	if (!others || !c3p_link_is_open(others, to - 1)) {
		refuse_passing(x);
		return;
	}
	put_path(path, from->peer + 1);
	cfg.target = str_of(path);
	struct peer *p = &others->peers[to - 1];
	struct passing *g = xnew(struct passing);
	g->x = x;
	list_add(&p->passing, &g->node);
	g->call = http_call_new(p->client, &cfg, &pass_ops, g);
	if (g->call) {
		http_set_user(x, g, on_asker_gone);
	} else {
		refuse_passing(x);
		passing_free(g);
	}
}

/* --- what peers send ------------------------------------------------------------------------ */

/* "/c3p" or "/c3p/N"; -EINVAL: something else. */
static int read_path(struct str path, uint32_t *ret)
{
	if (!str_starts(path, STR(C3P_LINK_PATH)))
		return -EINVAL;
	path = str_sub(path, sizeof(C3P_LINK_PATH) - 1, SIZE_MAX);
	*ret = 0;
	if (path.len == 0)
		return 0;
	if (path.p[0] != '/' || str_to_u32(str_sub(path, 1, SIZE_MAX), UINT32_MAX, ret) < 0 ||
	    *ret == 0)
		return -EINVAL;
	return 0;
}

/* Of whom it is (*peer), or to which process it is to be passed; as ops.find(). */
static int find(const struct source *s, const struct http_exchange *x, uint32_t *peer)
{
	const struct c3p_link *l = s->all;
	uint32_t number;
	*peer = s->peer;
	if (read_path(http_request(x)->path, &number) < 0)
		return -ENOENT;
	if (number == 0)
		return s->far ? -ENOENT : 0;
	int to = l->ops->find ? l->ops->find(l->arg, peer, number) : -ENOENT;
	return to == 0 && *peer >= C3P_LINK_PEERS_MAX ? -ENOENT : to;
}

static void take_document(const struct c3p_link *l, struct http_exchange *x, uint32_t peer,
                          struct str body)
{
	auto_(buf_free) struct buf answer = buf_of(C3P_LINK_DOC_MAX);
	l->ops->document(l->arg, peer, body, &answer);
	if (answer.len > 0)
		http_answer(x, 200, STR(C3P_LINK_TYPE), buf_view(&answer));
	else
		http_answer(x, 204, STR(""), STR(""));
}

static void take_hello(const struct c3p_link *l, struct http_exchange *x, uint32_t peer)
{
	struct str run = http_request(x)->query;
	run = str_starts(run, STR("run=")) ? str_sub(run, 4, C3P_LINK_RUN_MAX) : STR("");
	if (l->ops->hello)
		l->ops->hello(l->arg, peer, run);
	http_answer(x, 204, STR(""), STR(""));
}

static void on_whole(void *user, struct http_exchange *x, struct str body)
{
	const struct source *s = user;
	uint32_t peer;
	int to = find(s, x, &peer);
	if (to < 0)
		http_refuse(x, 404, "There is no such process in the topology here.");
	else if (to > 0)
		pass(x, s, (uint32_t)to, body);
	else if (http_request(x)->method == HTTP_POST)
		take_document(s->all, x, peer, body);
	else
		take_hello(s->all, x, peer);
}

static void on_request(void *arg UNUSED, struct http_exchange *x)
{
	const struct http_msg *m = http_request(x);
	uint32_t number;
	if (read_path(m->path, &number) < 0) {
		http_refuse(x, 404, "There is nothing but " C3P_LINK_PATH " here.");
	} else if (m->method != HTTP_POST && (m->method != HTTP_GET || number == 0)) {
		http_refuse(x, 405, "Documents are sent by POST.");
	} else {
		http_set_user(x, http_via(x), NULL);
		http_read_all(x, C3P_LINK_DOC_MAX, on_whole);
	}
}

static const struct http_server_ops server_ops = { .request = on_request };

void c3p_link_serve(struct c3p_link *l, uint32_t peer, int fd)
{
	if (peer >= C3P_LINK_PEERS_MAX)
		(void)close(fd);
	else
		http_server_take(l->server, fd, false, &l->near[peer]);
}

bool c3p_link_admit(struct c3p_link *l, uint32_t peer, struct stream *s)
{
	if (peer >= C3P_LINK_PEERS_MAX || http_server_stats(l->server)->conns >= C3P_LINK_CONNS_MAX)
		return false;
	http_server_adopt(l->server, s, &l->far[peer]);
	return true;
}

/* --- what they are sent --------------------------------------------------------------------- */

/* Nobody answers what was passed to it any more. */
static void drop_client(struct peer *p)
{
	p->open = false;
	http_client_free(&p->client);
	list_for(it, &p->passing)
	{
		struct passing *g = list_entry(it, struct passing, node);
		struct http_exchange *x = g->x;
		passing_free(g);
		refuse_passing(x);
	}
}

static void on_gone(void *arg)
{
	struct peer *p = arg;
	char why[WHY_MAX];
	memcpy(why, p->why, sizeof(why));
	drop_client(p);
	p->all->ops->lost(p->all->arg, p->number, why);
}

/* The connection is of no use any more: its end is told at the end of the turn. */
static void fail(struct peer *p, struct str why)
{
	struct buf b = BUF_ON(p->why);
	if (p->why[0] == '\0') {
		buf_str(&b, str_sub(why, 0, WHY_MAX - 1));
		p->why[b.len] = '\0';
	}
	p->open = false;
	loop_defer(p->all->loop, &p->gone);
}

static void on_lost(void *arg, const char *why)
{
	fail(arg, str_of(why && why[0] ? why : "the connection ended"));
}

static struct peer *prepare(struct c3p_link *l, uint32_t peer, struct str authority)
{
	struct http_client_config cfg = { .authority = authority,
		                          .max_conns = 1,
		                          .max_waiting = C3P_LINK_WAITING_MAX };
	struct peer *p = &l->peers[peer];
	defer_cancel(&p->gone);
	drop_client(p);
	p->why[0] = '\0';
	p->client = http_client_new(l->loop, &cfg);
	return p;
}

void c3p_link_open(struct c3p_link *l, uint32_t peer, int fd)
{
	if (peer >= C3P_LINK_PEERS_MAX) {
		(void)close(fd);
		return;
	}
	struct peer *p = prepare(l, peer, STR("c3p"));
	p->far = false;
	p->open = true;
	put_path(p->path, 0);
	http_client_link(p->client, fd, on_lost, p);
}

/* "403: This certificate ..." */
static void fail_with(struct peer *p, const struct http_result *r)
{
	char text[WHY_MAX];
	struct buf b = BUF_ON(text);
	struct str line;
	if (r->err) {
		fail(p, str_of(r->why));
		return;
	}
	/* The sentence for people is the last line. */
	line = str_trim(r->body);
	line = str_sub(line, (size_t)(str_rchr(line, '\n') + 1), WHY_MAX / 2);
	buf_printf(&b, "it answers %u: ", r->msg->status);
	buf_str(&b, line);
	fail(p, buf_view(&b));
}

static bool is_good(const struct http_result *r)
{
	return r->err == 0 && r->msg->status / 100 == 2;
}

static void on_hello_done(void *arg, const struct http_result *r)
{
	struct peer *p = arg;
	if (!is_good(r)) {
		fail_with(p, r);
		return;
	}
	p->open = true;
	if (p->all->ops->opened)
		p->all->ops->opened(p->all->arg, p->number);
}

static const struct http_call_ops hello_ops = { .done = on_hello_done };

void c3p_link_reach(struct c3p_link *l, uint32_t peer, struct stream *s, const struct c3p_far *far)
{
	struct peer *p = prepare(l, peer, far->authority);
	char text[TARGET_MAX_LEN];
	struct buf target = BUF_ON(text);
	p->far = true;
	put_path(p->path, far->number);
	buf_str(&target, str_of(p->path));
	if (far->run.len > 0)
		buf_printf(&target, "?run=%" STR_FMT,
		           STR_ARG(str_sub(far->run, 0, C3P_LINK_RUN_MAX)));
	struct http_call_config cfg = { .method = STR("GET"),
		                        .target = buf_view(&target),
		                        .timeout = C3P_LINK_HELLO_S * USEC_PER_SEC };
	http_client_adopt(p->client, s, on_lost, p);
	if (!http_call_new(p->client, &cfg, &hello_ops, p))
		fail(p, STR("no room for a request"));
}

bool c3p_link_is_open(const struct c3p_link *l, uint32_t peer)
{
	return peer < C3P_LINK_PEERS_MAX && l->peers[peer].open;
}

/* What another host did not take is told anew, with all the rest, by the next connection: nothing
 * may follow on this one. */
static void on_done(void *arg, const struct http_result *r)
{
	struct peer *p = arg;
	const struct c3p_link *l = p->all;
	if (p->far && !is_good(r))
		fail_with(p, r);
	else if (r->err == 0 && r->msg->status == 200 && l->ops->answer)
		l->ops->answer(l->arg, p->number, r->body);
}

static const struct http_call_ops call_ops = { .done = on_done };

/* Has it a connection that has not failed? */
static bool is_there(const struct peer *p)
{
	return p->client && p->why[0] == '\0';
}

void c3p_link_send(struct c3p_link *l, uint32_t peer, struct str document)
{
	if (peer >= C3P_LINK_PEERS_MAX || !is_there(&l->peers[peer]))
		return;
	struct peer *p = &l->peers[peer];
	struct http_call_config cfg = { .method = STR("POST"),
		                        .target = str_of(p->path),
		                        .type = STR(C3P_LINK_TYPE),
		                        .body = document,
		                        .body_max = C3P_LINK_DOC_MAX };
	if (!http_call_new(p->client, &cfg, &call_ops, p))
		fail(p, STR("too many documents wait for it"));
}

/* --- the whole ------------------------------------------------------------------------------ */

struct c3p_link *c3p_link_new(struct loop *loop, const struct c3p_link_ops *ops, void *arg)
{
	struct c3p_link *l = xnew(struct c3p_link);
	struct http_server_config cfg = { .idle_s = IDLE_S };
	l->loop = loop;
	l->ops = ops;
	l->arg = arg;
	l->server = http_server_new(loop, &cfg, &server_ops, l);
	for (uint32_t i = 0; i < C3P_LINK_PEERS_MAX; i++) {
		struct peer *p = &l->peers[i];
		p->all = l;
		p->number = i;
		defer_init(&p->gone, on_gone, p);
		list_init(&p->passing);
		l->near[i] = (struct source){ .all = l, .peer = i };
		l->far[i] = (struct source){ .all = l, .peer = i, .far = true };
	}
	return l;
}

void c3p_link_free(struct c3p_link **lp)
{
	struct c3p_link *l = take(lp);
	if (!l)
		return;
	http_server_free(&l->server);
	for (uint32_t i = 0; i < C3P_LINK_PEERS_MAX; i++) {
		defer_cancel(&l->peers[i].gone);
		drop_client(&l->peers[i]);
	}
	free(l);
}

void c3p_link_pass_by(struct c3p_link *l, struct c3p_link *others)
{
	l->others = others;
}
