/* The certificates of a role, as they lie in the certificate directory:
 *
 *     ca.pem                    the private CA's root
 *     frontend-p256.crt, .key   chain (leaf first) and key of the role, PEM
 *     frontend-rsa2048.crt, .key */
#pragma once

#include "base/buf.h"
#include "loop/tls.h"

enum { CERTS_MAX = 2 };

struct certs {
	struct tls_cert certs[CERTS_MAX]; /* P-256 first */
	size_t n_certs;
	struct str ca_pem;
};

/* Reads what is there and tries it.  0, or -EINVAL with the errors: a file that cannot be read, a
 * certificate without its key, a pair that does not fit, none at all if `needed`. */
int certs_load(struct certs *ret, const char *dir, const char *role, bool needed,
               struct buf *errors) MUST_CHECK;
/* Frees and wipes. */
void certs_done(struct certs *c);
