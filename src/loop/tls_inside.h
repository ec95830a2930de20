/* TLS on a descriptor, for stream.c. */
#pragma once

#include <openssl/ssl.h>

#include "loop/tls.h"

/* A connection's TLS; NULL if OpenSSL has no memory. */
SSL *tls_server_ssl(struct tls_server *t, int fd);
SSL *tls_client_ssl(struct tls_client *t, int fd, struct str server_name);
/* The peer's verified certificate, or NULL; the caller frees it with tls_peer_free(). */
struct tls_peer *tls_peer_of(SSL *ssl);
void tls_peer_free(struct tls_peer **pp);
/* The protocol that was negotiated, empty if none was; lives as long as ssl. */
struct str tls_alpn_of(const SSL *ssl);
/* The oldest error of OpenSSL's queue as text (static), emptying the queue. */
const char *tls_error_text(void);
/* The same of a connection that failed: what is wrong with the peer's certificate, if that is it.
 */
const char *tls_failure_text(const SSL *ssl);
