#include "loop/tls.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "auth/ca.h"
#include "ends.h"

/* A private CA, and a certificate below it for some names. */
struct identity {
	struct buf chain, key;
	struct tls_cert cert;
};

struct world {
	struct loop *loop;
	struct ca *ca;
	struct buf root;
	struct identity sip, other, rsa, phone; /* of sip.test and sip.test by RSA, b.test, phone */
	struct door door;
	struct end client;
	const struct str *speaks, *offers; /* protocols of the server, of the client */
	size_t n_speaks, n_offers;
};

static void issue(struct identity *id, struct ca *ca, enum ca_key_type type, struct str name)
{
	struct ca_names names = { .common_name = name, .dns = &name, .n_dns = 1 };
	id->chain = buf_of(CA_PEM_MAX);
	id->key = buf_of(CA_PEM_MAX);
	EQ(ca_issue(ca, type, &names, time(NULL), &id->chain, &id->key), 0);
	id->cert = (struct tls_cert){ buf_view(&id->chain), buf_view(&id->key) };
}

static void identity_done(struct identity *id)
{
	buf_free(&id->chain);
	buf_free(&id->key);
}

static void world_start(struct world *w)
{
	*w = (struct world){ .loop = loop_new(), .root = buf_of(CA_PEM_MAX) };
	EQ(ca_new(&w->ca, STR("Test CA"), time(NULL)), 0);
	EQ(ca_put_cert(w->ca, &w->root), 0);
	issue(&w->sip, w->ca, CA_P256, STR("sip.test"));
	issue(&w->rsa, w->ca, CA_RSA2048, STR("sip.test"));
	issue(&w->other, w->ca, CA_P256, STR("b.test"));
	issue(&w->phone, w->ca, CA_P256, STR("phone.test"));
}

static void world_end(struct world *w)
{
	end_done(&w->client);
	door_close(&w->door);
	ca_free(&w->ca);
	buf_free(&w->root);
	identity_done(&w->sip);
	identity_done(&w->rsa);
	identity_done(&w->other);
	identity_done(&w->phone);
	loop_free(&w->loop);
}

/* Opens the door with the certificates of sip.test, of both kinds, and b.test. */
static void serve(struct world *w, enum tls_verify verify, struct str ticket_key)
{
	const char *why = NULL;
	struct tls_cert certs[] = { w->sip.cert, w->rsa.cert, w->other.cert };
	struct tls_server_config c = { .certs = certs,
		                       .n_certs = ARRAY_SIZE(certs),
		                       .ca_pem = buf_view(&w->root),
		                       .verify = verify,
		                       .ticket_key = bytes_of(ticket_key),
		                       .alpn = w->speaks,
		                       .n_alpn = w->n_speaks };
	struct tls_server *t = tls_server_new(&c, &why);
	OK(t != NULL);
	door_open(&w->door, w->loop, t);
}

static void stop_serving(struct world *w)
{
	struct tls_server *t = w->door.tls;
	door_close(&w->door);
	tls_server_unref(&t);
	w->door = (struct door){ 0 };
}

static struct tls_client *client_of(struct world *w, const struct tls_cert *cert)
{
	const char *why = NULL;
	struct tls_client_config c = {
		.ca_pem = buf_view(&w->root), .cert = cert, .alpn = w->offers, .n_alpn = w->n_offers
	};
	struct tls_client *t = tls_client_new(&c, &why);
	OK(t != NULL);
	return t;
}

/* Connects through the stream layer; true if both sides are open. */
static bool connects(struct world *w, const struct tls_cert *cert, struct str name)
{
	struct tls_client *t = client_of(w, cert);
	end_done(&w->client);
	door_connect(&w->door, &w->client, t, name);
	tls_client_unref(&t);
	unsigned before = w->door.n;
	AWAIT(w->loop, w->door.n > before || w->client.n_closed);
	struct end *s = w->door.n > before ? &w->door.accepted[before] : &w->client;
	AWAIT(w->loop, (s->n_opened && w->client.n_opened) || s->n_closed || w->client.n_closed);
	return s->n_opened && w->client.n_opened && !s->n_closed;
}

static struct end *last(struct world *w)
{
	return &w->door.accepted[w->door.n - 1];
}

static void bytes_pass_both_ways_in_secret(void)
{
	struct world w;
	world_start(&w);
	serve(&w, TLS_VERIFY_NONE, STR(""));
	OK(connects(&w, NULL, STR("sip.test")));
	OK(stream_is_tls(w.client.s));
	stream_write(w.client.s, STR("ping"));
	AWAIT(w.loop, last(&w)->got.len == 4);
	stream_write(last(&w)->s, STR("pong!"));
	AWAIT(w.loop, w.client.got.len == 5);
	OK(stream_tls_peer(last(&w)->s) == NULL);
	const struct tls_peer *p = stream_tls_peer(w.client.s);
	OK(p && tls_peer_is(p, STR("SIP.test")) && !tls_peer_is(p, STR("b.test")));
	stream_close(w.client.s);
	AWAIT(w.loop, last(&w)->n_closed == 1);
	EQ(last(&w)->err, 0);
	stop_serving(&w);
	world_end(&w);
}

static void a_client_does_not_talk_to_another_name(void)
{
	struct world w;
	world_start(&w);
	serve(&w, TLS_VERIFY_NONE, STR(""));
	OK(!connects(&w, NULL, STR("evil.test")));
	EQ(w.client.n_opened, 0);
	EQ(w.client.err, -EPROTO);
	stop_serving(&w);
	world_end(&w);
}

static void a_client_does_not_trust_another_authority(void)
{
	struct world w, other;
	world_start(&w);
	world_start(&other);
	serve(&w, TLS_VERIFY_NONE, STR(""));
	buf_free(&w.root);
	w.root = buf_of(CA_PEM_MAX);
	EQ(ca_put_cert(other.ca, &w.root), 0);
	OK(!connects(&w, NULL, STR("sip.test")));
	EQ(w.client.n_opened, 0);
	stop_serving(&w);
	world_end(&w);
	world_end(&other);
}

static void mutual_tls_asks_for_a_certificate_of_the_authority(void)
{
	struct world w, other;
	world_start(&w);
	world_start(&other);
	serve(&w, TLS_VERIFY_REQUIRED, STR(""));
	OK(connects(&w, &w.phone.cert, STR("sip.test")));
	const struct tls_peer *p = stream_tls_peer(last(&w)->s);
	if (OK(p != NULL)) {
		OK(tls_peer_is(p, STR("phone.test")) && !tls_peer_is(p, STR("sip.test")));
		EQ_STR(p->subject_cn, "phone.test");
	}
	/* None, and one that somebody else signed. */
	(void)connects(&w, NULL, STR("sip.test"));
	AWAIT(w.loop, last(&w)->n_closed == 1);
	EQ(last(&w)->n_opened, 0);
	(void)connects(&w, &other.phone.cert, STR("sip.test"));
	AWAIT(w.loop, last(&w)->n_closed == 1);
	EQ(last(&w)->n_opened, 0);
	stop_serving(&w);
	world_end(&w);
	world_end(&other);
}

static void where_it_is_optional_a_certificate_is_still_checked(void)
{
	struct world w, other;
	world_start(&w);
	world_start(&other);
	serve(&w, TLS_VERIFY_OPTIONAL, STR(""));
	OK(connects(&w, NULL, STR("sip.test")));
	OK(stream_tls_peer(last(&w)->s) == NULL);
	OK(connects(&w, &w.phone.cert, STR("sip.test")));
	OK(stream_tls_peer(last(&w)->s) != NULL);
	(void)connects(&w, &other.phone.cert, STR("sip.test"));
	AWAIT(w.loop, last(&w)->n_closed == 1);
	EQ(last(&w)->n_opened, 0);
	stop_serving(&w);
	world_end(&w);
	world_end(&other);
}

static void a_client_that_never_speaks_is_given_up(void)
{
	struct world w;
	world_start(&w);
	serve(&w, TLS_VERIFY_NONE, STR(""));
	door_connect(&w.door, &w.client, NULL, STR("")); /* TCP alone */
	AWAIT(w.loop, w.door.n == 1);
	loop_clock_move(w.loop, end_limits.open_max + USEC_PER_MSEC);
	loop_turn(w.loop, 0);
	loop_turn(w.loop, 0);
	EQ(last(&w)->n_closed, 1);
	EQ(last(&w)->err, -ETIMEDOUT);
	stop_serving(&w);
	world_end(&w);
}

static void a_key_that_is_not_the_certificates_is_refused(void)
{
	struct world w;
	const char *why = NULL;
	world_start(&w);
	struct tls_cert mixed = { w.sip.cert.chain_pem, w.other.cert.key_pem };
	struct tls_server_config c = { .certs = &mixed, .n_certs = 1 };
	OK(tls_server_new(&c, &why) == NULL);
	OK(why && *why);
	c.n_certs = 0;
	OK(tls_server_new(&c, &why) == NULL);
	EQ_STR(str_of(why), "no certificate is given");
	world_end(&w);
}

static void the_servers_best_protocol_that_the_client_offers_is_spoken(void)
{
	static const struct str ours[] = { STR_INIT("h2"), STR_INIT("http/1.1") };
	static const struct str both[] = { STR_INIT("http/1.1"), STR_INIT("h2") };
	static const struct str sip[] = { STR_INIT("sip/2") };
	static const struct {
		const struct str *offers;
		size_t n;
		bool ok;
		const char *spoken;
	} rows[] = { { both, 2, true, "h2" },
		     { both, 1, true, "http/1.1" },
		     { NULL, 0, true, "" },
		     { sip, 1, false, "" } };
	struct world w;
	world_start(&w);
	w.speaks = ours;
	w.n_speaks = 2;
	serve(&w, TLS_VERIFY_NONE, STR(""));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w.offers = rows[i].offers;
		w.n_offers = rows[i].n;
		EQ(connects(&w, NULL, i & 1 ? STR("b.test") : STR("sip.test")), rows[i].ok);
		if (!rows[i].ok)
			continue;
		EQ_STR(stream_alpn(last(&w)->s), rows[i].spoken);
		EQ_STR(stream_alpn(w.client.s), rows[i].spoken);
	}
	stop_serving(&w);
	world_end(&w);
}

static void a_server_without_protocols_leaves_it_open(void)
{
	static const struct str h2[] = { STR_INIT("h2") };
	struct world w;
	world_start(&w);
	w.offers = h2;
	w.n_offers = 1;
	serve(&w, TLS_VERIFY_NONE, STR(""));
	OK(connects(&w, NULL, STR("sip.test")));
	EQ(stream_alpn(last(&w)->s).len, 0);
	EQ(stream_alpn(w.client.s).len, 0);
	stop_serving(&w);
	world_end(&w);
}

/* OpenSSL itself as the client: it can say and see more than our own. */

struct probe {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	bool ok;
};

static void probe_done(struct probe *p)
{
	SSL_free(p->ssl);
	(void)close(p->fd);
	ERR_clear_error();
}

static int steps(struct world *w, struct probe *p, int r)
{
	int e = SSL_get_error(p->ssl, r);
	loop_turn(w->loop, USEC_PER_MSEC);
	return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE;
}

static void probe_connect(struct world *w, struct probe *p, const char *name, SSL_SESSION *session)
{
	char host[32];
	int r;
	unsigned before = w->door.n;
	(void)snprintf(host, sizeof(host), "%s", name ? name : "");
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OK(connect(p->fd, &w->door.at.sa, addr_len(&w->door.at)) == 0);
	AWAIT(w->loop, w->door.n > before);
	p->ssl = SSL_new(p->ctx);
	OK(SSL_set_fd(p->ssl, p->fd) == 1);
	struct timeval wait = { .tv_usec = 1000 };
	OK(setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) == 0);
	if (name)
		OK(SSL_set_tlsext_host_name(p->ssl, host) == 1);
	if (session)
		OK(SSL_set_session(p->ssl, session) == 1);
	while ((r = SSL_connect(p->ssl)) != 1 && steps(w, p, r))
		;
	p->ok = r == 1;
}

/* Shakes hands, and reads a byte that the server sends: the ticket comes before it. */
static void probe_run(struct world *w, struct probe *p, const char *name, SSL_SESSION *session)
{
	char c;
	int r;
	probe_connect(w, p, name, session);
	if (!p->ok)
		return;
	AWAIT(w->loop, last(w)->n_opened == 1);
	stream_write(last(w)->s, STR("!"));
	while ((r = SSL_read(p->ssl, &c, 1)) != 1 && steps(w, p, r))
		;
	EQ(r, 1);
}

static bool shows(const struct probe *p, const char *name, int key_type)
{
	X509 *x = SSL_get1_peer_certificate(p->ssl);
	bool is = x && X509_check_host(x, name, 0, 0, NULL) == 1 &&
	          EVP_PKEY_get_base_id(X509_get0_pubkey(x)) == key_type;
	X509_free(x);
	return is;
}

static SSL_CTX *probe_ctx(int min, int max)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	OK(SSL_CTX_set_min_proto_version(ctx, min) == 1);
	OK(SSL_CTX_set_max_proto_version(ctx, max) == 1);
	SSL_CTX_set_security_level(ctx, 0); /* so that it may try old versions at all */
	return ctx;
}

static void the_certificate_is_chosen_by_the_name_that_is_asked_for(void)
{
	static const struct {
		const char *asked, *shown;
	} rows[] = { { "sip.test", "sip.test" },
		     { "b.test", "b.test" },
		     { "B.TEST", "b.test" },
		     { "unknown.test", "sip.test" },
		     { NULL, "sip.test" } };
	struct world w;
	world_start(&w);
	serve(&w, TLS_VERIFY_NONE, STR(""));
	struct probe p = { .ctx = probe_ctx(TLS1_2_VERSION, TLS1_3_VERSION) };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		probe_run(&w, &p, rows[i].asked, NULL);
		OK(p.ok && shows(&p, rows[i].shown, EVP_PKEY_EC));
		probe_done(&p);
	}
	SSL_CTX_free(p.ctx);
	stop_serving(&w);
	world_end(&w);
}

static void who_knows_rsa_alone_gets_the_rsa_certificate(void)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	char rsa[] = "RSA-PSS+SHA256:RSA+SHA256";
	struct world w;
	world_start(&w);
	serve(&w, TLS_VERIFY_NONE, STR(""));
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct probe p = { .ctx = probe_ctx(versions[i], versions[i]) };
		OK(SSL_CTX_set1_sigalgs_list(p.ctx, rsa) == 1);
		probe_run(&w, &p, "sip.test", NULL);
		OK(p.ok && shows(&p, "sip.test", EVP_PKEY_RSA));
		probe_done(&p);
		SSL_CTX_free(p.ctx);
	}
	stop_serving(&w);
	world_end(&w);
}

static void nothing_older_than_tls_1_2_is_spoken(void)
{
	static const struct {
		int version;
		bool spoken;
	} rows[] = { { TLS1_VERSION, false },
		     { TLS1_1_VERSION, false },
		     { TLS1_2_VERSION, true },
		     { TLS1_3_VERSION, true } };
	struct world w;
	world_start(&w);
	serve(&w, TLS_VERIFY_NONE, STR(""));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct probe p = { .ctx = probe_ctx(rows[i].version, rows[i].version) };
		probe_run(&w, &p, "sip.test", NULL);
		EQ(p.ok, rows[i].spoken);
		if (!p.ok) {
			AWAIT(w.loop, last(&w)->n_closed == 1);
			EQ(last(&w)->err, -EPROTO);
		}
		probe_done(&p);
		SSL_CTX_free(p.ctx);
	}
	stop_serving(&w);
	world_end(&w);
}

/* Processes behind one port share the key of the tickets, so a client may land on any of them. */
static void a_session_is_resumed_by_another_process_with_the_same_key(void)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef";
	static const char other[] = "another key, as another pool has it............";
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct world w;
		struct probe p = { .ctx = probe_ctx(versions[i], versions[i]) };
		world_start(&w);
		serve(&w, TLS_VERIFY_NONE, str_of(key));
		probe_run(&w, &p, "sip.test", NULL);
		OK(p.ok && !SSL_session_reused(p.ssl));
		SSL_SESSION *session = SSL_get1_session(p.ssl);
		(void)SSL_shutdown(p.ssl);
		probe_done(&p);
		stop_serving(&w);
		serve(&w, TLS_VERIFY_NONE, str_of(key));
		probe_run(&w, &p, "sip.test", session);
		OK(p.ok && SSL_session_reused(p.ssl));
		(void)SSL_shutdown(p.ssl);
		probe_done(&p);
		stop_serving(&w);
		serve(&w, TLS_VERIFY_NONE, str_of(other));
		probe_run(&w, &p, "sip.test", session);
		OK(p.ok && !SSL_session_reused(p.ssl));
		probe_done(&p);
		SSL_SESSION_free(session);
		SSL_CTX_free(p.ctx);
		stop_serving(&w);
		world_end(&w);
	}
}

static void no_session_gets_past_mutual_tls(void)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	static const char key[] = "0123456789abcdef0123456789abcdef0123456789abcdef";
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct world w;
		struct probe p = { .ctx = probe_ctx(versions[i], versions[i]) };
		world_start(&w);
		serve(&w, TLS_VERIFY_NONE, str_of(key));
		probe_run(&w, &p, "sip.test", NULL);
		SSL_SESSION *session = SSL_get1_session(p.ssl);
		(void)SSL_shutdown(p.ssl);
		probe_done(&p);
		stop_serving(&w);
		serve(&w, TLS_VERIFY_REQUIRED, str_of(key));
		probe_connect(&w, &p, "sip.test", session);
		AWAIT(w.loop, last(&w)->n_closed == 1);
		EQ(last(&w)->n_opened, 0);
		probe_done(&p);
		SSL_SESSION_free(session);
		SSL_CTX_free(p.ctx);
		stop_serving(&w);
		world_end(&w);
	}
}

/* What the client hears of why it is not connected. */
static void expect_reason(struct world *w, struct str name, const char *want)
{
	OK(!connects(w, NULL, name));
	AWAIT(w->loop, w->client.n_closed == 1);
	EQ(w->client.err, -EPROTO);
	OK(str_find(str_of(w->client.why), str_of(want)) >= 0);
}

static void what_is_wrong_with_a_certificate_is_said(void)
{
	struct world w, elsewhere;
	world_start(&w);
	world_start(&elsewhere);
	serve(&w, TLS_VERIFY_NONE, STR(""));
	expect_reason(&w, STR("c.test"), "ostname mismatch");
	struct buf own = w.root;
	w.root = elsewhere.root;
	expect_reason(&w, STR("sip.test"), "certificate");
	w.root = own;
	stop_serving(&w);
	world_end(&elsewhere);
	world_end(&w);
}

static void a_certificate_says_for_what_it_was_issued(void)
{
	struct world w;
	struct str name = STR("phone.test");
	struct ca_names names = { .dns = &name, .n_dns = 1, .uri = STR("urn:x:y") };
	struct identity id = { .chain = buf_of(CA_PEM_MAX), .key = buf_of(CA_PEM_MAX) };
	world_start(&w);
	EQ(ca_issue(w.ca, CA_P256, &names, time(NULL), &id.chain, &id.key), 0);
	id.cert = (struct tls_cert){ buf_view(&id.chain), buf_view(&id.key) };
	serve(&w, TLS_VERIFY_REQUIRED, STR(""));
	OK(connects(&w, &id.cert, STR("sip.test")));
	const struct tls_peer *p = stream_tls_peer(last(&w)->s);
	OK(p && p->n_uris == 1 && str_eq(p->uris[0], STR("urn:x:y")));
	OK(p && tls_peer_is(p, name));
	stop_serving(&w);
	world_end(&w);
	identity_done(&id);
}

static void the_limits_of_a_stream_can_be_set_anew(void)
{
	struct world w;
	char text[2 * 1000] = { 0 };
	struct stream_limits wide = { .read_max = 5000, .write_max = 5000 };
	world_start(&w);
	serve(&w, TLS_VERIFY_NONE, STR(""));
	OK(connects(&w, NULL, STR("sip.test")));
	stream_set_limits(last(&w)->s, &wide);
	last(&w)->leave = sizeof(text);
	stream_write(w.client.s, str_n(text, sizeof(text)));
	stream_write(w.client.s, STR("x"));
	AWAIT(w.loop, last(&w)->got.len == 1); /* 1,000 bytes are the limit at first */
	EQ(last(&w)->n_closed, 0);
	stop_serving(&w);
	world_end(&w);
}

int main(void)
{
	RUN(bytes_pass_both_ways_in_secret);
	RUN(a_client_does_not_talk_to_another_name);
	RUN(a_client_does_not_trust_another_authority);
	RUN(mutual_tls_asks_for_a_certificate_of_the_authority);
	RUN(where_it_is_optional_a_certificate_is_still_checked);
	RUN(a_client_that_never_speaks_is_given_up);
	RUN(a_key_that_is_not_the_certificates_is_refused);
	RUN(the_servers_best_protocol_that_the_client_offers_is_spoken);
	RUN(a_server_without_protocols_leaves_it_open);
	RUN(the_certificate_is_chosen_by_the_name_that_is_asked_for);
	RUN(who_knows_rsa_alone_gets_the_rsa_certificate);
	RUN(nothing_older_than_tls_1_2_is_spoken);
	RUN(a_session_is_resumed_by_another_process_with_the_same_key);
	RUN(no_session_gets_past_mutual_tls);
	RUN(what_is_wrong_with_a_certificate_is_said);
	RUN(a_certificate_says_for_what_it_was_issued);
	RUN(the_limits_of_a_stream_can_be_set_anew);
	return tap_done();
}
