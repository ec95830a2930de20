#include "net_tls.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdlib.h>

static SSL_CTX *context(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	if (!ctx)
		die("OpenSSL has no context");
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	return ctx;
}

SSL_CTX *net_tls_client(const char *ca_file, bool tls12)
{
	SSL_CTX *ctx = context(TLS_client_method());
	if (tls12)
		(void)SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
	if (ca_file) {
		if (!SSL_CTX_load_verify_locations(ctx, ca_file, NULL))
			die("%s: no certificates can be read from it", ca_file);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	}
	return ctx;
}

SSL_CTX *net_tls_server(const char *cert_file, const char *key_file)
{
	SSL_CTX *ctx = context(TLS_server_method());
	(void)SSL_CTX_set_num_tickets(ctx, 1);
	if (SSL_CTX_use_certificate_chain_file(ctx, cert_file) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key_file, SSL_FILETYPE_PEM) != 1)
		die("%s, %s: no certificate with its key", cert_file, key_file);
	return ctx;
}

SSL *net_tls_new(SSL_CTX *ctx, int fd, const char *host)
{
	SSL *s = SSL_new(ctx);
	if (!s || SSL_set_fd(s, fd) != 1)
		die("out of memory");
	SSL_set_connect_state(s);
	if (host) {
		char *name = str_dup(str_of(host));
		(void)SSL_set_tlsext_host_name(s, name); /* copies */
		(void)SSL_set1_host(s, host);
		free(name);
	}
	return s;
}

/* -EPROTO unless it is only a matter of waiting, or the socket said why. */
static int error_of(SSL *s, int r, int saved_errno)
{
	switch (SSL_get_error(s, r)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_SYSCALL:
		return saved_errno ? -saved_errno : -ECONNRESET;
	default:
		return -EPROTO;
	}
}

int net_tls_handshake(SSL *s)
{
	ERR_clear_error();
	errno = 0;
	int r = SSL_do_handshake(s);
	return r == 1 ? 0 : error_of(s, r, errno);
}

static int capped(size_t n)
{
	return n > INT_MAX ? INT_MAX : (int)n;
}

ssize_t net_tls_read(SSL *s, char *p, size_t n)
{
	ERR_clear_error();
	errno = 0;
	int r = SSL_read(s, p, capped(n));
	if (r > 0)
		return r;
	int saved = errno;
	return SSL_get_error(s, r) == SSL_ERROR_ZERO_RETURN ? 0 : error_of(s, r, saved);
}

ssize_t net_tls_write(SSL *s, const char *p, size_t n)
{
	ERR_clear_error();
	errno = 0;
	int r = SSL_write(s, p, capped(n));
	return r > 0 ? r : error_of(s, r, errno);
}
