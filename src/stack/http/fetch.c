#include "stack/http/fetch.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/http/url.h"

enum { CONNECT_S = 4 /* to each address: one that leads nowhere leaves time for the next */ };

struct http_fetch {
	struct loop *loop;
	struct tls_client *tls;
	char *url;
	struct http_url at; /* slices of url */
	struct http_call_config call;
	struct http_field *fields;
	struct buf texts; /* what call borrows; its memory is there from the start */
	struct dns_query *query;
	struct http_client *client;
	struct http_call *asked;
	struct addr literal;
	struct defer next; /* a step that must not be done inside the one before */
	bool over;
	http_fetch_fn *fn;
	void *arg;
};

static void destroy(struct http_fetch *f)
{
	dns_query_free(&f->query);
	defer_cancel(&f->next);
	http_call_free(&f->asked);
	http_client_free(&f->client);
	tls_client_unref(&f->tls);
	wipe(f->texts.p, f->texts.len);
	buf_free(&f->texts);
	free(f->fields);
	free(f->url);
	free(f);
}

void http_fetch_free(struct http_fetch **fp)
{
	struct http_fetch *f = take(fp);
	if (f)
		destroy(f);
}

/* The pool may not be freed inside its callback: it goes at the end of the turn. */
static void finish(struct http_fetch *f, const struct http_result *r)
{
	f->over = true;
	f->asked = NULL;
	f->fn(f->arg, r);
	loop_defer(f->loop, &f->next);
}

static void fail(struct http_fetch *f, int err, const char *why)
{
	finish(f, &(struct http_result){ .err = err, .why = why, .body = STR("") });
}

static void on_answer(void *arg, const struct http_result *r)
{
	finish(arg, r);
}

static void ask(struct http_fetch *f, const struct addr *addrs, size_t n)
{
	static const struct http_call_ops ops = { .done = on_answer };
	struct addr at[HTTP_CLIENT_ADDRS_MAX];
	n = MIN(n, (size_t)HTTP_CLIENT_ADDRS_MAX);
	for (size_t i = 0; i < n; i++) {
		at[i] = addrs[i];
		addr_set_port(&at[i], f->at.port);
	}
	struct http_client_config cfg = { .authority = f->at.authority,
		                          .addrs = at,
		                          .n_addrs = n,
		                          .tls = f->tls,
		                          .server_name = f->at.host,
		                          .max_conns = 1,
		                          .connect_s = CONNECT_S };
	f->client = http_client_new(f->loop, &cfg);
	f->asked = http_call_new(f->client, &f->call, &ops, f);
	if (!f->asked)
		fail(f, -E2BIG, "the request is too large");
}

static void on_addrs(void *arg, const struct dns_answer *a)
{
	struct http_fetch *f = arg;
	f->query = NULL;
	if (a->err < 0 || a->n == 0)
		fail(f, -EHOSTUNREACH, "its name has no address");
	else
		ask(f, a->addrs, a->n);
}

static void on_next(void *arg)
{
	struct http_fetch *f = arg;
	if (f->over)
		destroy(f);
	else
		ask(f, &f->literal, 1);
}

/* Room for all is made before, so that what was kept does not move. */
static struct str keep(struct http_fetch *f, struct str s)
{
	size_t at = f->texts.len;
	buf_str(&f->texts, s);
	return s.p ? str_n(f->texts.p + at, s.len) : s;
}

static size_t size_of(const struct http_call_config *c)
{
	size_t n = c->method.len + c->body.len + c->type.len;
	for (size_t i = 0; i < c->n_fields; i++)
		n += c->fields[i].name.len + c->fields[i].value.len;
	return n;
}

static void copy_call(struct http_fetch *f, const struct http_call_config *c)
{
	size_t n = size_of(c) + f->at.path.len + f->at.query.len + 2;
	f->texts = buf_of(n);
	(void)buf_room(&f->texts, n);
	f->call = *c;
	f->call.method = keep(f, c->method);
	f->call.body = keep(f, c->body);
	f->call.type = keep(f, c->type);
	f->fields = xcalloc(MAX(c->n_fields, (size_t)1), sizeof(*f->fields));
	for (size_t i = 0; i < c->n_fields; i++)
		f->fields[i] = (struct http_field){ keep(f, c->fields[i].name),
			                            keep(f, c->fields[i].value) };
	f->call.fields = f->fields;
	size_t at = f->texts.len;
	buf_str(&f->texts, f->at.path);
	if (f->at.query.p) {
		buf_char(&f->texts, '?');
		buf_str(&f->texts, f->at.query);
	}
	f->call.target = str_sub(buf_view(&f->texts), at, f->texts.len);
}

struct http_fetch *http_fetch_new(struct loop *l, const struct http_fetch_config *cfg,
                                  http_fetch_fn *fn, void *arg)
{
	struct http_url at;
	if (http_url_parse(&at, cfg->url) < 0)
		return NULL;
	struct http_fetch *f = xnew(struct http_fetch);
	f->loop = l;
	f->tls = tls_client_ref(cfg->tls);
	f->url = str_dup(cfg->url);
	if (http_url_parse(&f->at, str_of(f->url)) < 0)
		abort(); /* it was one above */
	f->fn = fn;
	f->arg = arg;
	copy_call(f, &cfg->call);
	defer_init(&f->next, on_next, f);
	if (addr_parse(&f->literal, f->at.host, f->at.port) == 0)
		loop_defer(l, &f->next);
	else
		f->query = dns_ask(cfg->dns, DNS_ADDRS, f->at.host, on_addrs, f);
	return f;
}
