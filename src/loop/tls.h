/* TLS 1.2 and newer, on OpenSSL: certificate sets chosen by SNI, mutual TLS, resumption with
 * limited tickets, renegotiation off, buffers released while idle; the protocol on top by ALPN. */
#pragma once

#include "base/str.h"

struct tls_server; /* a server's context; reference counted, so a reload leaves old connections
                      alone */
struct tls_client;

enum { TLS_ALPN_MAX = 64 }; /* bytes of all protocols of a list, and one more for each */

/* One certificate with its chain and key; several per server (P-256 and RSA, or one per name). */
struct tls_cert {
	struct str chain_pem; /* leaf first */
	struct str key_pem;
};

enum tls_verify {
	TLS_VERIFY_NONE,     /* no client certificate is asked for */
	TLS_VERIFY_OPTIONAL, /* asked for; checked if given */
	/* Mutual TLS.  No session is resumed: each connection's certificate is looked at anew. */
	TLS_VERIFY_REQUIRED,
};

struct tls_server_config {
	const struct tls_cert
	        *certs; /* the first is the default; others by SNI name and key type */
	size_t n_certs;
	struct str ca_pem; /* roots for client certificates; empty with VERIFY_NONE */
	enum tls_verify verify;
	struct bytes
	        ticket_key; /* 48 bytes shared by processes behind one port; empty: own random */
	/* Protocols, the best first ("h2", "http/1.1"; RFC 7301): a client that names others alone
	 * is refused, one that names none is served (stream_alpn()).  None: not negotiated. */
	const struct str *alpn;
	size_t n_alpn;
};
/* NULL and *ret_why (a static text, or from OpenSSL) if a certificate or key is unusable. */
struct tls_server *tls_server_new(const struct tls_server_config *c, const char **ret_why);
struct tls_server *tls_server_ref(struct tls_server *t);
void tls_server_unref(struct tls_server **tp);

struct tls_client_config {
	struct str ca_pem;           /* trusted roots; empty: the system's */
	const struct tls_cert *cert; /* ours to show, or NULL */
	const struct str *alpn;      /* protocols to offer */
	size_t n_alpn;
	/* "*.example.test" in a certificate is good for one label (RFC 9110 section 4.3.4): of
	 * HTTPS with strangers.  SIP has none (RFC 5922 section 7.2). */
	bool wildcards;
};
struct tls_client *tls_client_new(const struct tls_client_config *c, const char **ret_why);
struct tls_client *tls_client_ref(struct tls_client *t);
void tls_client_unref(struct tls_client **tp);

/* A verified peer certificate's names. */
struct tls_peer {
	struct str subject_cn;
	const struct str *dns_names; /* subjectAltName dNSName */
	size_t n_dns_names;
	const struct str *uris; /* subjectAltName uniformResourceIdentifier */
	size_t n_uris;
	uint8_t sha256[32];
};
/* True if the certificate is good for the name (RFC 5922 section 7.2: SAN first, CN only if there
 * is no SAN; no wildcards for SIP domains). */
bool tls_peer_is(const struct tls_peer *p, struct str name);
