#include "stack/http/client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "stack/http/pool.h"

/* Connections: opening them, giving them calls, reading answers. */

enum {
	READ_MAX = HTTP_HEAD_MAX + 2 * STREAM_READ_TURN_MAX,
	WRITE_MAX = HTTP_REQUEST_MAX + HTTP_HEAD_MAX,
	CONNECT_AGAIN_S = 1,
};

/* The end of a connection. */

static void link_free(struct http_link *l, const char *why)
{
	struct http_client *c = l->client;
	timer_stop(&l->timer);
	list_del(&l->node);
	list_del(&l->idle);
	stream_free(&l->stream);
	c->stats.conns--;
	c->n_opening -= l->opening;
	http_client_work(c);
	http_lost_fn *lost = l->lost;
	void *arg = l->lost_arg;
	free(l);
	if (lost)
		lost(arg, why);
}

void http_link_drop(struct http_link *l)
{
	l->is_over = true;
	if (!l->inside)
		stream_more(l->stream); /* data() ends it */
}

/* Nothing can be reached: nobody has to wait for his time to run out. */
static void fail_waiting(struct http_client *c, int err, const char *why)
{
	struct list all;
	list_init(&all);
	while (!list_empty(&c->waiting)) { /* those that come meanwhile are not among them */
		struct list *n = c->waiting.next;
		list_del(n);
		list_add(&all, n);
	}
	while (!list_empty(&all))
		http_call_end(list_entry(all.next, struct http_call, node), err, why);
}

static void connect_failed(struct http_client *c, int err, const char *why)
{
	size_t n = c->cfg.dial ? 1 : c->cfg.n_addrs;
	c->at = n > 0 ? (c->at + 1) % n : 0;
	if (++c->failures < n)
		return;
	c->failures = 0;
	if (c->stats.conns > 0) { /* those that wait have a chance; not again and again, though */
		timer_set(&c->again, loop_now(c->loop) + CONNECT_AGAIN_S * USEC_PER_SEC);
		return;
	}
	fail_waiting(c, err ? err : -EPIPE, why);
}

/* A kept connection may have been closed by the server just when the request was sent. */
static bool can_retry(const struct http_link *l)
{
	const struct http_call *call = l->call;
	return l->used && !l->heard && !call->retried && http_is_idempotent(call->method);
}

static void retry(struct http_link *l)
{
	struct http_client *c = l->client;
	struct http_call *call = take(&l->call);
	call->link = NULL;
	call->retried = true;
	c->stats.busy--;
	c->stats.retried++;
	c->stats.waiting++;
	list_push(&c->waiting, &call->node);
}

static void on_closed(void *arg, int err, const char *why)
{
	struct http_link *l = arg;
	struct http_client *c = l->client;
	struct http_call *call = NULL;
	bool opening = l->opening;
	if (l->call && can_retry(l))
		retry(l);
	call = take(&l->call);
	link_free(l, why);
	if (opening)
		connect_failed(c, err, why);
	if (!call)
		return;
	call->link = NULL;
	c->stats.busy--;
	if (err == 0 && call->msg && http_body_eof(&call->body) == 0)
		http_call_end(call, 0, NULL);
	else
		http_call_end(call, err && err != -ECONNRESET ? err : -EPIPE,
		              err ? why : "the connection ended before the answer");
}

/* Reading. */

/* The answer is whole. */
static void finish(struct http_link *l, bool more_came)
{
	struct http_client *c = l->client;
	struct http_call *call = take(&l->call);
	bool keep = call->msg->keep_alive && !more_came && stream_unsent(l->stream) == 0;
	call->link = NULL;
	c->stats.busy--;
	l->used = true;
	if (keep) {
		list_push(&c->idle, &l->idle);
		if (!l->given)
			timer_set(&l->timer, loop_now(c->loop) + c->cfg.idle_s * USEC_PER_SEC);
		http_client_work(c);
	} else {
		l->is_over = true;
	}
	http_call_end(call, 0, NULL);
}

/* What is wrong with the answer ends both. */
static void refuse(struct http_link *l, int err, const char *why)
{
	http_call_end(l->call, err, why);
}

static void begin_answer(struct http_link *l, const struct http_msg *m)
{
	struct http_call *call = l->call;
	call->msg = http_msg_copy(xmalloc(http_msg_size(m)), m);
	call->body = http_body_of(m);
	http_call_touch(call);
	if (call->ops.head)
		call->ops.head(call->arg, call->msg);
}

static bool take_head(struct http_link *l, struct str in, size_t *used)
{
	RAW_MEMORY struct http_msg m;
	uint32_t len = 0;
	int r = http_frame(&l->framer, in, &len);
	if (r == 0)
		return false;
	l->framer = (struct http_framer){ 0 };
	if (r < 0) {
		refuse(l, r == -EBADMSG ? -EBADMSG : -E2BIG, http_frame_fault(r).why);
		return true;
	}
	struct http_fault f = http_parse_response(&m, str_sub(in, 0, len), l->call->method);
	*used = len;
	if (f.status)
		refuse(l, -EBADMSG, f.why);
	else if (m.status >= 200)
		begin_answer(l, &m);
	else if (m.status == 101 || ++l->n_interim > HTTP_INTERIM_MAX)
		refuse(l, -EBADMSG, "an interim answer that was not asked for");
	return true;
}

static void give_piece(struct http_link *l, struct str piece)
{
	struct http_call *call = l->call;
	http_call_touch(call);
	if (call->ops.data) {
		call->ops.data(call->arg, piece);
		return;
	}
	buf_str(&call->got, piece);
	if (call->got.full)
		refuse(l, -E2BIG, "the answer is too large");
}

static bool take_body(struct http_link *l, struct str in, size_t *used)
{
	struct http_call *call = l->call;
	struct str piece;
	if (call->paused)
		return false;
	if (http_body_is_done(&call->body)) {
		finish(l, in.len > 0);
		return true;
	}
	int r = http_body_next(&call->body, in, used, &piece);
	if (r < 0)
		refuse(l, r, "the content of the answer is broken");
	else if (r > 0)
		give_piece(l, piece);
	return r != 0 || *used > 0;
}

static ssize_t on_data(void *arg, struct str in)
{
	struct http_link *l = arg;
	size_t used = 0, n = 0;
	bool more = true;
	l->heard |= in.len > 0;
	l->inside = true;
	while (more && l->call && !l->is_over) {
		struct str rest = str_sub(in, used, in.len);
		n = 0;
		more = l->call->msg ? take_body(l, rest, &n) : take_head(l, rest, &n);
		used += n;
	}
	l->inside = false;
	/* Nobody asked for what comes now: a server says 408 before it closes. */
	if (l->is_over || (!l->call && used < in.len))
		return -ECANCELED;
	return (ssize_t)used;
}

/* Opening, and giving out. */

static void on_opened(void *arg)
{
	struct http_link *l = arg;
	struct http_client *c = l->client;
	l->opening = false;
	c->n_opening--;
	c->failures = 0;
	list_push(&c->idle, &l->idle);
	timer_set(&l->timer, loop_now(c->loop) + c->cfg.idle_s * USEC_PER_SEC);
	http_client_work(c);
}

static void on_idle(void *arg)
{
	link_free(arg, "idle for too long");
}

static void on_room(void *arg UNUSED)
{
}

static const struct stream_ops ops = {
	.opened = on_opened,
	.data = on_data,
	.closed = on_closed,
	.room = on_room,
};

static struct http_link *link_new(struct http_client *c)
{
	struct http_link *l = xnew(struct http_link);
	l->client = c;
	list_add(&c->conns, &l->node);
	list_init(&l->idle);
	timer_init(&l->timer, c->loop, on_idle, l);
	c->stats.conns++;
	c->stats.opened++;
	return l;
}

static struct stream_limits limits_of(const struct http_client *c)
{
	return (struct stream_limits){ .read_max = READ_MAX,
		                       .write_max = WRITE_MAX,
		                       .open_max = c->cfg.connect_s * USEC_PER_SEC };
}

/* A Unix socket, which is ready at once. */
static struct http_link *take_fd(struct http_client *c, int fd)
{
	struct stream_limits lim = limits_of(c);
	struct http_link *l = link_new(c);
	l->stream = stream_accept(c->loop, fd, NULL, &lim, &ops, l);
	list_push(&c->idle, &l->idle);
	return l;
}

static void give_to_pool(struct http_link *l, http_lost_fn *lost, void *arg)
{
	l->given = true;
	l->lost = lost;
	l->lost_arg = arg;
	http_client_work(l->client);
}

/* False if it cannot be tried at all. */
static bool open_one(struct http_client *c)
{
	struct stream_limits lim = limits_of(c);
	if (c->cfg.dial) {
		int fd = c->cfg.dial(c->cfg.dial_arg);
		if (fd < 0) {
			connect_failed(c, fd, "the local service cannot be reached");
			return false;
		}
		(void)take_fd(c, fd);
		return true;
	}
	if (c->cfg.n_addrs == 0)
		return false;
	struct http_link *l = link_new(c);
	l->opening = true;
	c->n_opening++;
	l->stream = stream_connect(c->loop, &c->addrs[c->at], c->cfg.tls, str_of(c->server_name),
	                           &lim, &ops, l);
	return true;
}

static void give(struct http_link *l, struct http_call *call)
{
	struct http_client *c = l->client;
	list_del(&l->idle);
	list_del(&call->node);
	timer_stop(&l->timer);
	c->stats.waiting--;
	c->stats.busy++;
	c->stats.reused += l->used;
	call->link = l;
	l->call = call;
	l->heard = false;
	l->n_interim = 0;
	stream_pause(l->stream, call->paused);
	stream_write(l->stream, buf_view(&call->request));
}

static void on_work(void *arg)
{
	struct http_client *c = arg;
	while (!list_empty(&c->waiting)) {
		if (!list_empty(&c->idle)) {
			give(list_entry(c->idle.next, struct http_link, idle),
			     list_entry(c->waiting.next, struct http_call, node));
			continue;
		}
		if (c->stats.conns >= c->cfg.max_conns || c->n_opening >= c->stats.waiting ||
		    c->again.tick.deadline != USEC_INFINITY || !open_one(c))
			break;
	}
}

static void on_again(void *arg)
{
	http_client_work(arg);
}

void http_client_work(struct http_client *c)
{
	loop_defer(c->loop, &c->work);
}

/* The pool. */

static void set_default(uint32_t *v, uint32_t def)
{
	*v = *v ? *v : def;
}

struct http_client *http_client_new(struct loop *l, const struct http_client_config *cfg)
{
	struct http_client *c = xnew(struct http_client);
	assert(cfg->n_addrs <= HTTP_CLIENT_ADDRS_MAX && (!cfg->tls || cfg->server_name.len));
	c->loop = l;
	c->cfg = *cfg;
	if (cfg->n_addrs)
		memcpy(c->addrs, cfg->addrs, cfg->n_addrs * sizeof(c->addrs[0]));
	c->authority = str_dup(cfg->authority);
	c->server_name = str_dup(cfg->server_name);
	c->cfg.tls = cfg->tls ? tls_client_ref(cfg->tls) : NULL;
	set_default(&c->cfg.max_conns, 8);
	set_default(&c->cfg.max_waiting, 256);
	set_default(&c->cfg.connect_s, 10);
	set_default(&c->cfg.idle_s, 30);
	list_init(&c->conns);
	list_init(&c->idle);
	list_init(&c->waiting);
	defer_init(&c->work, on_work, c);
	timer_init(&c->again, l, on_again, c);
	return c;
}

void http_client_free(struct http_client **cp)
{
	struct http_client *c = take(cp);
	if (!c)
		return;
	list_for(it, &c->waiting)
	{
		struct http_call *call = list_entry(it, struct http_call, node);
		http_call_free(&call);
	}
	list_for(it, &c->conns)
	{
		struct http_link *l = list_entry(it, struct http_link, node);
		struct http_call *call = l->call;
		http_call_free(&call);
		l->lost = NULL;
		link_free(l, "");
	}
	defer_cancel(&c->work);
	timer_stop(&c->again);
	tls_client_unref(&c->cfg.tls);
	free(c->authority);
	free(c->server_name);
	free(c);
}

void http_client_link(struct http_client *c, int fd, http_lost_fn *lost, void *arg)
{
	give_to_pool(take_fd(c, fd), lost, arg);
}

void http_client_adopt(struct http_client *c, struct stream *s, http_lost_fn *lost, void *arg)
{
	struct stream_limits lim = limits_of(c);
	struct http_link *l = link_new(c);
	l->stream = s;
	stream_set_ops(s, &ops, l);
	stream_set_limits(s, &lim);
	list_push(&c->idle, &l->idle);
	give_to_pool(l, lost, arg);
}

const struct http_client_stats *http_client_stats(const struct http_client *c)
{
	return &c->stats;
}
