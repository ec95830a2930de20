#include <errno.h>
#include <stdlib.h>

#include "stack/http/pool.h"

/* Calls: from the request's bytes to done(). */

enum { BODY_DEFAULT = 1024 * 1024, TIMEOUT_DEFAULT_S = 60 };

static void call_destroy(struct http_call *c)
{
	timer_stop(&c->timer);
	if (!list_empty(&c->node)) {
		list_del(&c->node);
		c->client->stats.waiting--;
	}
	wipe(c->request.p, c->request.len); /* passwords and codes may stand in both */
	wipe(c->got.p, c->got.len);
	buf_free(&c->request);
	buf_free(&c->got);
	free(c->msg);
	free(c);
}

/* Takes it off its connection, if it has one. */
static void leave_link(struct http_call *c)
{
	struct http_link *l = take(&c->link);
	if (!l)
		return;
	l->call = NULL;
	c->client->stats.busy--;
	http_link_drop(l);
}

void http_call_end(struct http_call *c, int err, const char *why)
{
	struct http_result r = {
		.err = err, .why = err ? why : NULL, .msg = c->msg, .body = buf_view(&c->got)
	};
	leave_link(c);
	if (err)
		c->client->stats.failed++;
	else
		c->client->stats.answers++;
	c->ops.done(c->arg, &r);
	call_destroy(c);
}

static void start_timer(struct http_call *c)
{
	timer_set(&c->timer, loop_now(c->client->loop) + c->timeout);
}

void http_call_touch(struct http_call *c)
{
	if (c->ops.data && !c->paused)
		start_timer(c);
}

static void on_timeout(void *arg)
{
	http_call_end(arg, -ETIMEDOUT, "no answer in time");
}

static void compose(struct http_call *c, const struct http_call_config *cfg)
{
	struct buf *b = &c->request;
	http_put_request(b, cfg->method, cfg->target);
	http_put_field(b, STR("Host"), str_of(c->client->authority));
	for (size_t i = 0; i < cfg->n_fields; i++)
		http_put_field(b, cfg->fields[i].name, cfg->fields[i].value);
	if (cfg->type.len)
		http_put_field(b, STR("Content-Type"), cfg->type);
	if (cfg->body.p || c->method == HTTP_POST || c->method == HTTP_PUT ||
	    c->method == HTTP_PATCH)
		http_put_number(b, STR("Content-Length"), cfg->body.len);
	http_put_end(b);
	if (cfg->body.p)
		buf_str(b, cfg->body);
}

struct http_call *http_call_new(struct http_client *client, const struct http_call_config *cfg,
                                const struct http_call_ops *ops, void *arg)
{
	if (client->stats.waiting >= client->cfg.max_waiting)
		return NULL;
	struct http_call *c = xnew(struct http_call);
	c->client = client;
	c->ops = *ops;
	c->arg = arg;
	c->method = http_method_of(cfg->method);
	c->request = buf_of(HTTP_REQUEST_MAX);
	c->body_max = cfg->body_max ? cfg->body_max : BODY_DEFAULT;
	c->got = buf_of(c->body_max);
	c->timeout = cfg->timeout ? cfg->timeout : TIMEOUT_DEFAULT_S * USEC_PER_SEC;
	timer_init(&c->timer, client->loop, on_timeout, c);
	list_init(&c->node);
	compose(c, cfg);
	if (c->request.full) {
		call_destroy(c);
		return NULL;
	}
	list_add(&client->waiting, &c->node);
	client->stats.waiting++;
	client->stats.calls++;
	start_timer(c);
	http_client_work(client);
	return c;
}

void http_call_free(struct http_call **cp)
{
	struct http_call *c = take(cp);
	if (!c)
		return;
	leave_link(c);
	call_destroy(c);
}

void http_call_pause(struct http_call *c, bool paused)
{
	c->paused = paused;
	if (paused)
		timer_stop(&c->timer);
	else
		start_timer(c);
	if (!c->link)
		return;
	stream_pause(c->link->stream, paused);
	if (!paused)
		stream_more(c->link->stream);
}
