#include "stack/http/fetch.h"

#include <errno.h>
#include <time.h>

#include "auth/ca.h"
#include "rig.h"

/* One request, and what becomes of it. */

struct world {
	struct site site;
	struct ca *ca;
	struct buf root, chain, key;
	struct tls_server *tls;
	struct tls_client *client;
	struct dns *dns;
	unsigned n_done, status;
	int err;
	struct buf got;
	char url[128];
};

static void world_start(struct world *w, struct str name, bool wildcards)
{
	const char *why = NULL;
	struct ca_names names = { .common_name = name, .dns = &name, .n_dns = 1 };
	*w = (struct world){ .root = buf_of(CA_PEM_MAX),
		             .chain = buf_of(CA_PEM_MAX),
		             .key = buf_of(CA_PEM_MAX),
		             .got = buf_of(10000) };
	EQ(ca_new(&w->ca, STR("Test CA"), time(NULL)), 0);
	EQ(ca_put_cert(w->ca, &w->root), 0);
	EQ(ca_issue(w->ca, CA_P256, &names, time(NULL), &w->chain, &w->key), 0);
	struct tls_cert cert = { buf_view(&w->chain), buf_view(&w->key) };
	w->tls = tls_server_new(&(struct tls_server_config){ .certs = &cert, .n_certs = 1 }, &why);
	OK(w->tls != NULL);
	struct tls_client_config c = { .ca_pem = buf_view(&w->root), .wildcards = wildcards };
	w->client = tls_client_new(&c, &why);
	OK(w->client != NULL);
	site_start(&w->site, &(struct http_server_config){ .tls = w->tls });
	w->dns = dns_new(w->site.loop, "127.0.0.1:9");
}

static void world_end(struct world *w)
{
	dns_free(&w->dns);
	site_end(&w->site);
	tls_client_unref(&w->client);
	tls_server_unref(&w->tls);
	ca_free(&w->ca);
	buf_free(&w->root);
	buf_free(&w->chain);
	buf_free(&w->key);
	buf_free(&w->got);
}

static void on_done(void *arg, const struct http_result *r)
{
	struct world *w = arg;
	w->n_done++;
	w->err = r->err;
	w->status = r->msg ? r->msg->status : 0;
	buf_str(&w->got, r->body);
}

static struct http_fetch *fetch(struct world *w, const char *host, const char *target)
{
	(void)snprintf(w->url, sizeof(w->url), "https://%s:%u%s", host, addr_port(&w->site.at),
	               target);
	struct http_fetch_config cfg = { .dns = w->dns,
		                         .tls = w->client,
		                         .url = str_of(w->url),
		                         .call = { .method = STR("POST"),
		                                   .body = STR("hello"),
		                                   .type = STR("text/plain"),
		                                   .body_max = 1000 } };
	unsigned before = w->n_done;
	struct http_fetch *f = http_fetch_new(w->site.loop, &cfg, on_done, w);
	OK(f != NULL);
	memset(w->url, 'x', sizeof(w->url)); /* it has its own copy */
	EQ(w->n_done, before);
	return f;
}

static void one_request_has_one_answer(void)
{
	struct world w;
	world_start(&w, STR("localhost"), false);
	(void)fetch(&w, "localhost", "/echo?x=y");
	AWAIT(w.site.loop, w.n_done == 1);
	EQ(w.err, 0);
	EQ(w.status, 200);
	EQ_STR(buf_view(&w.got), "hello");
	world_end(&w);
}

static void a_stranger_is_not_believed(void)
{
	struct world w;
	world_start(&w, STR("other.test"), true);
	(void)fetch(&w, "127.0.0.1", "/echo");
	AWAIT(w.site.loop, w.n_done == 1);
	OK(w.err < 0);
	EQ(w.status, 0);
	(void)fetch(&w, "localhost", "/echo");
	AWAIT(w.site.loop, w.n_done == 2);
	OK(w.err < 0);
	world_end(&w);
}

static void a_name_without_address_fails(void)
{
	struct world w;
	world_start(&w, STR("localhost"), true);
	(void)fetch(&w, "nowhere.invalid", "/echo");
	AWAIT(w.site.loop, w.n_done == 1);
	EQ(w.err, -EHOSTUNREACH);
	world_end(&w);
}

static void what_is_cancelled_is_not_told(void)
{
	struct world w;
	world_start(&w, STR("localhost"), true);
	struct http_fetch *by_name = fetch(&w, "localhost", "/later");
	struct http_fetch *by_address = fetch(&w, "127.0.0.1", "/later");
	http_fetch_free(&by_address);
	AWAIT(w.site.loop, w.site.n_later == 1);
	http_fetch_free(&by_name);
	AWAIT(w.site.loop, w.site.n_gone == 1);
	EQ(w.n_done, 0);
	world_end(&w);
}

static void what_is_no_url_is_not_fetched(void)
{
	struct world w;
	world_start(&w, STR("localhost"), true);
	struct http_fetch_config cfg = { .dns = w.dns,
		                         .tls = w.client,
		                         .url = STR("http://localhost/") };
	OK(http_fetch_new(w.site.loop, &cfg, on_done, &w) == NULL);
	world_end(&w);
}

int main(void)
{
	RUN(one_request_has_one_answer);
	RUN(a_stranger_is_not_believed);
	RUN(a_name_without_address_fails);
	RUN(what_is_cancelled_is_not_told);
	RUN(what_is_no_url_is_not_fetched);
	return tap_done();
}
