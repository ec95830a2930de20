#include <errno.h>
#include <time.h>

#include "auth/ca.h"
#include "rig.h"
#include "stack/http/client.h"

/* Client and server over mutual TLS: who is who, and who is not served. */

struct identity {
	struct buf chain, key;
	struct tls_cert cert;
};

struct world {
	struct site site;
	struct ca *ca;
	struct buf root;
	struct identity web, friend, foe;
	struct tls_server *tls;
	unsigned n_done, status;
	int err;
	struct buf got;
};

static void issue(struct identity *id, struct ca *ca, struct str name)
{
	struct ca_names names = { .common_name = name, .dns = &name, .n_dns = 1 };
	id->chain = buf_of(CA_PEM_MAX);
	id->key = buf_of(CA_PEM_MAX);
	EQ(ca_issue(ca, CA_P256, &names, time(NULL), &id->chain, &id->key), 0);
	id->cert = (struct tls_cert){ buf_view(&id->chain), buf_view(&id->key) };
}

static void identity_done(struct identity *id)
{
	buf_free(&id->chain);
	buf_free(&id->key);
}

static void world_start(struct world *w, enum tls_verify verify)
{
	const char *why = NULL;
	*w = (struct world){ .root = buf_of(CA_PEM_MAX), .got = buf_of(10000) };
	EQ(ca_new(&w->ca, STR("Test CA"), time(NULL)), 0);
	EQ(ca_put_cert(w->ca, &w->root), 0);
	issue(&w->web, w->ca, STR("web.test"));
	issue(&w->friend, w->ca, STR("friend.test"));
	issue(&w->foe, w->ca, STR("foe.test"));
	struct tls_server_config c = {
		.certs = &w->web.cert, .n_certs = 1, .ca_pem = buf_view(&w->root), .verify = verify
	};
	w->tls = tls_server_new(&c, &why);
	OK(w->tls != NULL);
	struct http_server_config cfg = { .tls = w->tls };
	site_start(&w->site, &cfg);
}

static void world_end(struct world *w)
{
	site_end(&w->site);
	tls_server_unref(&w->tls);
	ca_free(&w->ca);
	buf_free(&w->root);
	buf_free(&w->got);
	identity_done(&w->web);
	identity_done(&w->friend);
	identity_done(&w->foe);
}

static void on_done(void *arg, const struct http_result *r)
{
	struct world *w = arg;
	w->n_done++;
	w->err = r->err;
	w->status = r->msg ? r->msg->status : 0;
	buf_str(&w->got, r->body);
}

/* One GET with this certificate to what should be `name`. */
static void get_as(struct world *w, const struct tls_cert *cert, struct str ca_pem, struct str name)
{
	static const struct http_call_ops ops = { .done = on_done };
	const char *why = NULL;
	struct tls_client_config tc = { .ca_pem = ca_pem, .cert = cert };
	struct tls_client *tls = tls_client_new(&tc, &why);
	struct http_client_config cfg = { .authority = name,
		                          .addrs = &w->site.at,
		                          .n_addrs = 1,
		                          .tls = tls,
		                          .server_name = name };
	struct http_client *c = http_client_new(w->site.loop, &cfg);
	struct http_call_config call = { .method = STR("GET"), .target = STR("/who") };
	w->n_done = 0;
	w->got.len = 0;
	OK(http_call_new(c, &call, &ops, w) != NULL);
	AWAIT(w->site.loop, w->n_done == 1);
	http_client_free(&c);
	tls_client_unref(&tls);
}

static void the_handler_sees_the_certificate(void)
{
	struct world w;
	world_start(&w, TLS_VERIFY_REQUIRED);
	get_as(&w, &w.friend.cert, buf_view(&w.root), STR("web.test"));
	EQ(w.err, 0);
	EQ(w.status, 200);
	EQ_STR(buf_view(&w.got), "friend.test");
	world_end(&w);
}

static void a_name_that_is_not_wanted_is_told_so(void)
{
	struct world w;
	world_start(&w, TLS_VERIFY_REQUIRED);
	get_as(&w, &w.foe.cert, buf_view(&w.root), STR("web.test"));
	EQ(w.err, 0);
	EQ(w.status, 403);
	OK(str_find(buf_view(&w.got), STR("certificate")) > 0);
	EQ(w.site.last_status, 403);
	world_end(&w);
}

static void without_a_certificate_there_is_no_connection(void)
{
	struct world w;
	world_start(&w, TLS_VERIFY_REQUIRED);
	get_as(&w, NULL, buf_view(&w.root), STR("web.test"));
	EQ(w.err, -EPROTO);
	EQ(http_server_stats(w.site.server)->requests, 0);
	AWAIT(w.site.loop, http_server_stats(w.site.server)->conns == 0);
	world_end(&w);
}

static void a_certificate_of_another_authority_is_none(void)
{
	struct world w, other;
	world_start(&w, TLS_VERIFY_REQUIRED);
	world_start(&other, TLS_VERIFY_NONE);
	get_as(&w, &other.friend.cert, buf_view(&w.root), STR("web.test"));
	EQ(w.err, -EPROTO);
	EQ(http_server_stats(w.site.server)->requests, 0);
	world_end(&w);
	world_end(&other);
}

static void the_client_checks_name_and_authority(void)
{
	struct world w, other;
	world_start(&w, TLS_VERIFY_NONE);
	world_start(&other, TLS_VERIFY_NONE);
	get_as(&w, NULL, buf_view(&w.root), STR("elsewhere.test"));
	EQ(w.err, -EPROTO);
	get_as(&w, NULL, buf_view(&other.root), STR("web.test"));
	EQ(w.err, -EPROTO);
	EQ(http_server_stats(w.site.server)->requests, 0);
	get_as(&w, NULL, buf_view(&w.root), STR("web.test"));
	EQ(w.status, 200);
	EQ_STR(buf_view(&w.got), "listener");
	world_end(&w);
	world_end(&other);
}

static void where_it_is_optional_the_handler_decides(void)
{
	struct world w;
	world_start(&w, TLS_VERIFY_OPTIONAL);
	get_as(&w, NULL, buf_view(&w.root), STR("web.test"));
	EQ_STR(buf_view(&w.got), "listener");
	get_as(&w, &w.friend.cert, buf_view(&w.root), STR("web.test"));
	EQ_STR(buf_view(&w.got), "friend.test");
	world_end(&w);
}

/* Not even where the handler decides who is served, and never by the handler of requests. */
static void who_forgets_tls_is_told_so_and_nothing_else(void)
{
	static const char *const texts[] = { REQ("GET", "/hello", ""),
		                             "GET /hello HTTP/1.0\r\n\r\n",
		                             REQ("POST", "/echo", "Content-Length: 3\r\n") "abc" };
	struct world w;
	world_start(&w, TLS_VERIFY_REQUIRED);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		site_connect(&w.site);
		site_say(&w.site, texts[i]);
		site_await(&w.site, "TLS is wanted");
		OK(str_starts(buf_view(&w.site.client.got), STR("HTTP/1.1 400 ")));
		AWAIT(w.site.loop, w.site.client.n_closed == 1);
		end_done(&w.site.client);
		w.site.client = (struct end){ .s = NULL };
	}
	/* What is no request of HTTP, and what begins as one, ends with the connection. */
	site_connect(&w.site);
	site_say(&w.site, "GARBAGE\r\n\r\n");
	AWAIT(w.site.loop, w.site.client.n_closed == 1);
	EQ(http_server_stats(w.site.server)->requests, ARRAY_SIZE(texts));
	get_as(&w, &w.friend.cert, buf_view(&w.root), STR("web.test"));
	EQ(w.status, 200);
	world_end(&w);
}

static void a_long_answer_passes_through_tls(void)
{
	static const struct http_call_ops ops = { .done = on_done };
	const char *why = NULL;
	struct world w;
	world_start(&w, TLS_VERIFY_NONE);
	struct tls_client_config tc = { .ca_pem = buf_view(&w.root) };
	struct tls_client *tls = tls_client_new(&tc, &why);
	struct http_client_config cfg = { .authority = STR("web.test"),
		                          .addrs = &w.site.at,
		                          .n_addrs = 1,
		                          .tls = tls,
		                          .server_name = STR("web.test") };
	struct http_client *c = http_client_new(w.site.loop, &cfg);
	struct http_call_config call = { .method = STR("GET"),
		                         .target = STR("/chunks"),
		                         .body_max = 8000000 };
	buf_free(&w.got);
	w.got = buf_of(8000000);
	w.site.amount = 7654321;
	OK(http_call_new(c, &call, &ops, &w) != NULL);
	AWAIT(w.site.loop, w.n_done == 1);
	EQ(w.err, 0);
	EQ(w.got.len, 7654321);
	http_client_free(&c);
	tls_client_unref(&tls);
	world_end(&w);
}

int main(void)
{
	RUN(the_handler_sees_the_certificate);
	RUN(a_name_that_is_not_wanted_is_told_so);
	RUN(without_a_certificate_there_is_no_connection);
	RUN(a_certificate_of_another_authority_is_none);
	RUN(the_client_checks_name_and_authority);
	RUN(where_it_is_optional_the_handler_decides);
	RUN(who_forgets_tls_is_told_so_and_nothing_else);
	RUN(a_long_answer_passes_through_tls);
	return tap_done();
}
