#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "loop/tls_inside.h"

enum { CERTS_MAX = 16, NAMES_MAX = 64 };

/* The certificates of one set of names: one SSL_CTX with a key of each kind. */
struct identity {
	SSL_CTX *ctx;
	X509 *leaf; /* of the first certificate: its names */
};

/* Names of protocols as TLS writes them: each behind its length. */
struct protocols {
	uint8_t list[TLS_ALPN_MAX];
	unsigned len;
};

struct tls_server {
	unsigned refs;
	size_t n;
	struct identity ids[CERTS_MAX];
	struct protocols alpn;
};

struct tls_client {
	unsigned refs;
	SSL_CTX *ctx;
	bool wildcards;
};

const char *tls_error_text(void)
{
	unsigned long e = ERR_get_error();
	const char *text = e ? ERR_reason_error_string(e) : NULL;
	ERR_clear_error();
	return text ? text : "TLS failed";
}

/* What was wrong with the peer's certificate says more than that something was. */
const char *tls_failure_text(const SSL *ssl)
{
	long verdict = SSL_get_verify_result(ssl);
	const char *text = tls_error_text();
	return verdict == X509_V_OK ? text : X509_verify_cert_error_string(verdict);
}

/* Reading PEM. */

static BIO *bio_of(struct str pem)
{
	return BIO_new_mem_buf(pem.p, (int)pem.len);
}

static X509 *read_leaf(struct str pem)
{
	BIO *b = bio_of(pem);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL);
	BIO_free(b);
	return x;
}

static EVP_PKEY *read_key(struct str pem)
{
	BIO *b = bio_of(pem);
	EVP_PKEY *k = PEM_read_bio_PrivateKey(b, NULL, NULL, NULL);
	BIO_free(b);
	return k;
}

static bool add_rest_of_chain(SSL_CTX *ctx, struct str pem)
{
	BIO *b = bio_of(pem);
	X509 *x = PEM_read_bio_X509(b, NULL, NULL, NULL); /* the leaf, which is set already */
	bool ok = x != NULL;
	X509_free(x);
	while (ok && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL)
		ok = SSL_CTX_add0_chain_cert(ctx, x) == 1;
	ERR_clear_error(); /* the end of the file */
	BIO_free(b);
	return ok;
}

static bool use_cert(SSL_CTX *ctx, const struct tls_cert *c)
{
	X509 *leaf = read_leaf(c->chain_pem);
	EVP_PKEY *key = read_key(c->key_pem);
	bool ok = leaf && key && SSL_CTX_use_certificate(ctx, leaf) == 1 &&
	          SSL_CTX_use_PrivateKey(ctx, key) == 1 && SSL_CTX_check_private_key(ctx) == 1 &&
	          add_rest_of_chain(ctx, c->chain_pem);
	X509_free(leaf);
	EVP_PKEY_free(key);
	return ok;
}

static bool trust(SSL_CTX *ctx, struct str ca_pem)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *b = bio_of(ca_pem);
	unsigned n = 0;
	X509 *x;
	while ((x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(store, x) == 1;
		(void)SSL_CTX_add_client_CA(ctx, x);
		X509_free(x);
	}
	ERR_clear_error();
	BIO_free(b);
	return n > 0;
}

/* Contexts. */

static SSL_CTX *context(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	if (!ctx)
		return NULL;
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	                                       SSL_OP_CIPHER_SERVER_PREFERENCE |
	                                       SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1); /* one system call a record */
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return ctx;
}

/* Tickets: the same keys in every process behind the port, one ticket a connection. */
static void set_tickets(SSL_CTX *ctx, struct bytes key)
{
	uint8_t keys[80], sum[64];
	static const uint8_t id[] = "dialtone";
	(void)SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1);
	(void)SSL_CTX_set_num_tickets(ctx, 1);
	if (key.len == 0)
		return;
	(void)EVP_Digest(key.p, key.len, sum, NULL, EVP_sha512(), NULL);
	memcpy(keys, sum, 64);
	(void)EVP_Digest(sum, 64, sum, NULL, EVP_sha256(), NULL);
	memcpy(keys + 64, sum, 16);
	(void)SSL_CTX_set_tlsext_ticket_keys(ctx, keys, sizeof(keys));
	wipe(keys, sizeof(keys));
	wipe(sum, sizeof(sum));
}

/* A session that was begun elsewhere would be taken up without a look at the certificate. */
static void refuse_tickets(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
}

static int choose_by_name(SSL *ssl, int *alert UNUSED, void *arg)
{
	struct tls_server *t = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	for (size_t i = 0; name && i < t->n; i++) {
		if (X509_check_host(t->ids[i].leaf, name, 0, 0, NULL) == 1) {
			(void)SSL_set_SSL_CTX(ssl, t->ids[i].ctx);
			break;
		}
	}
	return SSL_TLSEXT_ERR_OK; /* an unknown name gets the first certificate */
}

/* Application-layer protocols (RFC 7301). */

static struct protocols protocols_of(const struct str *names, size_t n)
{
	struct protocols p = { .len = 0 };
	for (size_t i = 0; i < n; i++) {
		assert(names[i].len > 0 && names[i].len < TLS_ALPN_MAX - p.len);
		p.list[p.len] = (uint8_t)names[i].len;
		memcpy(p.list + p.len + 1, names[i].p, names[i].len);
		p.len += 1 + (unsigned)names[i].len;
	}
	return p;
}

static int choose_protocol(SSL *ssl UNUSED, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned in_len, void *arg)
{
	const struct protocols *ours = arg;
	unsigned char *chosen = NULL;
	if (SSL_select_next_proto(&chosen, out_len, ours->list, ours->len, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

struct str tls_alpn_of(const SSL *ssl)
{
	const unsigned char *p = NULL;
	unsigned len = 0;
	SSL_get0_alpn_selected(ssl, &p, &len);
	return str_n((const char *)p, len);
}

static int verify_mode(enum tls_verify v)
{
	static const int modes[] = {
		[TLS_VERIFY_NONE] = SSL_VERIFY_NONE,
		[TLS_VERIFY_OPTIONAL] = SSL_VERIFY_PEER,
		[TLS_VERIFY_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
	};
	return modes[v];
}

/* True if both speak for the same names: then they differ in their kind of key. */
static bool same_names(X509 *a, X509 *b)
{
	GENERAL_NAMES *na = X509_get_ext_d2i(a, NID_subject_alt_name, NULL, NULL);
	bool same = na != NULL;
	for (int i = 0; same && i < sk_GENERAL_NAME_num(na); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(na, i);
		if (g->type == GEN_DNS)
			same = X509_check_host(b, (const char *)ASN1_STRING_get0_data(g->d.dNSName),
			                       (size_t)ASN1_STRING_length(g->d.dNSName), 0,
			                       NULL) == 1;
	}
	GENERAL_NAMES_free(na);
	return same;
}

static struct identity *identity_for(struct tls_server *t, X509 *leaf,
                                     const struct tls_server_config *c)
{
	for (size_t i = 0; i < t->n; i++)
		if (same_names(t->ids[i].leaf, leaf))
			return &t->ids[i];
	struct identity *id = &t->ids[t->n];
	id->ctx = context(TLS_server_method());
	if (!id->ctx)
		return NULL;
	id->leaf = leaf;
	(void)X509_up_ref(leaf);
	t->n++;
	SSL_CTX_set_verify(id->ctx, verify_mode(c->verify), NULL);
	if (c->verify == TLS_VERIFY_REQUIRED)
		refuse_tickets(id->ctx);
	else
		set_tickets(id->ctx, c->ticket_key);
	(void)SSL_CTX_set_tlsext_servername_callback(id->ctx, choose_by_name);
	(void)SSL_CTX_set_tlsext_servername_arg(id->ctx, t);
	if (t->alpn.len)
		SSL_CTX_set_alpn_select_cb(id->ctx, choose_protocol, &t->alpn);
	if (c->verify != TLS_VERIFY_NONE && !trust(id->ctx, c->ca_pem))
		return NULL;
	return id;
}

static bool add_cert(struct tls_server *t, const struct tls_cert *cert,
                     const struct tls_server_config *c)
{
	X509 *leaf = read_leaf(cert->chain_pem);
	struct identity *id = leaf ? identity_for(t, leaf, c) : NULL;
	bool ok = id && use_cert(id->ctx, cert);
	X509_free(leaf);
	return ok;
}

struct tls_server *tls_server_new(const struct tls_server_config *c, const char **ret_why)
{
	struct tls_server *t = xnew(struct tls_server);
	t->refs = 1;
	t->alpn = protocols_of(c->alpn, c->n_alpn);
	*ret_why = "no certificate is given";
	bool ok = c->n_certs > 0 && c->n_certs <= CERTS_MAX;
	for (size_t i = 0; ok && i < c->n_certs; i++) {
		ok = add_cert(t, &c->certs[i], c);
		if (!ok)
			*ret_why = tls_error_text();
	}
	if (!ok)
		tls_server_unref(&t);
	return t;
}

struct tls_server *tls_server_ref(struct tls_server *t)
{
	t->refs++;
	return t;
}

void tls_server_unref(struct tls_server **tp)
{
	struct tls_server *t = take(tp);
	if (!t || --t->refs > 0)
		return;
	for (size_t i = 0; i < t->n; i++) {
		SSL_CTX_free(t->ids[i].ctx);
		X509_free(t->ids[i].leaf);
	}
	free(t);
}

struct tls_client *tls_client_new(const struct tls_client_config *c, const char **ret_why)
{
	struct tls_client *t = xnew(struct tls_client);
	t->refs = 1;
	t->ctx = context(TLS_client_method());
	bool ok = t->ctx && (c->ca_pem.len ? trust(t->ctx, c->ca_pem)
	                                   : SSL_CTX_set_default_verify_paths(t->ctx) == 1);
	struct protocols alpn = protocols_of(c->alpn, c->n_alpn);
	if (ok && alpn.len) /* 0 is success here */
		ok = SSL_CTX_set_alpn_protos(t->ctx, alpn.list, alpn.len) == 0;
	if (ok && c->cert)
		ok = use_cert(t->ctx, c->cert);
	if (!ok) {
		*ret_why = tls_error_text();
		tls_client_unref(&t);
		return NULL;
	}
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	t->wildcards = c->wildcards;
	return t;
}

struct tls_client *tls_client_ref(struct tls_client *t)
{
	t->refs++;
	return t;
}

void tls_client_unref(struct tls_client **tp)
{
	struct tls_client *t = take(tp);
	if (!t || --t->refs > 0)
		return;
	SSL_CTX_free(t->ctx);
	free(t);
}

/* Connections. */

SSL *tls_server_ssl(struct tls_server *t, int fd)
{
	SSL *ssl = SSL_new(t->ids[0].ctx);
	if (ssl && SSL_set_fd(ssl, fd) == 1) {
		SSL_set_accept_state(ssl);
		return ssl;
	}
	SSL_free(ssl);
	return NULL;
}

static bool set_name(SSL *ssl, struct str server_name, bool wildcards)
{
	char name[256];
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	if (server_name.len == 0)
		return true;
	if (server_name.len >= sizeof(name))
		return false;
	memcpy(name, server_name.p, server_name.len);
	name[server_name.len] = '\0';
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true;
	X509_VERIFY_PARAM_set_hostflags(param, wildcards ? X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS
	                                                 : X509_CHECK_FLAG_NO_WILDCARDS);
	return SSL_set_tlsext_host_name(ssl, name) == 1 && SSL_set1_host(ssl, name) == 1;
}

SSL *tls_client_ssl(struct tls_client *t, int fd, struct str server_name)
{
	SSL *ssl = SSL_new(t->ctx);
	if (ssl && SSL_set_fd(ssl, fd) == 1 && set_name(ssl, server_name, t->wildcards)) {
		SSL_set_connect_state(ssl);
		return ssl;
	}
	SSL_free(ssl);
	return NULL;
}

/* Peers. */

struct peer {
	struct tls_peer peer;
	struct str names[NAMES_MAX], uris[NAMES_MAX];
	X509 *cert;
	GENERAL_NAMES *san;
};

static struct str asn1_str(const ASN1_STRING *s)
{
	return str_n((const char *)ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
}

static void read_names(struct peer *p)
{
	X509_NAME *subject = X509_get_subject_name(p->cert);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at >= 0)
		p->peer.subject_cn =
		        asn1_str(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	p->san = X509_get_ext_d2i(p->cert, NID_subject_alt_name, NULL, NULL);
	p->peer.dns_names = p->names;
	p->peer.uris = p->uris;
	for (int i = 0; p->san && i < sk_GENERAL_NAME_num(p->san); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(p->san, i);
		if (g->type == GEN_DNS && p->peer.n_dns_names < NAMES_MAX)
			p->names[p->peer.n_dns_names++] = asn1_str(g->d.dNSName);
		if (g->type == GEN_URI && p->peer.n_uris < NAMES_MAX)
			p->uris[p->peer.n_uris++] = asn1_str(g->d.uniformResourceIdentifier);
	}
}

struct tls_peer *tls_peer_of(SSL *ssl)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);
	if (!cert)
		return NULL;
	struct peer *p = xnew(struct peer);
	unsigned n = 0;
	p->cert = cert;
	read_names(p);
	(void)X509_digest(cert, EVP_sha256(), p->peer.sha256, &n);
	return &p->peer;
}

void tls_peer_free(struct tls_peer **pp)
{
	struct tls_peer *t = take(pp);
	if (!t)
		return;
	struct peer *p = container_of(t, struct peer, peer);
	GENERAL_NAMES_free(p->san);
	X509_free(p->cert);
	free(p);
}

bool tls_peer_is(const struct tls_peer *p, struct str name)
{
	for (size_t i = 0; i < p->n_dns_names; i++)
		if (str_ieq(p->dns_names[i], name))
			return true;
	return p->n_dns_names == 0 && str_ieq(p->subject_cn, name);
}
