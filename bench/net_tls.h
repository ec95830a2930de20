/* OpenSSL as the generator's connections and the echo server use it: on a non-blocking descriptor,
 * buffers given back while a connection is idle. */
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include "text.h"

/* A client's context; ca_file NULL: certificates are not verified.  Ends the program on failure. */
SSL_CTX *net_tls_client(const char *ca_file, bool tls12);
/* A server's context with the certificate chain and key of two PEM files. */
SSL_CTX *net_tls_server(const char *cert_file, const char *key_file);
/* A client's connection; host NULL: no name is sent or checked. */
SSL *net_tls_new(SSL_CTX *ctx, int fd, const char *host);
/* Goes on with the handshake of either side: 0; -EAGAIN; -EPROTO; another -errno. */
int net_tls_handshake(SSL *s);
/* Bytes; 0 at the end of the stream (read only); -EAGAIN; -EPROTO; another -errno. */
ssize_t net_tls_read(SSL *s, char *p, size_t n);
ssize_t net_tls_write(SSL *s, const char *p, size_t n);
