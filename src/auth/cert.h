/* Reading certificates for people and checks: names, life, keys, the order of a chain.  Memory
 * alone; OpenSSL's types stay inside. */
#pragma once

#include <time.h>

#include "base/addr.h"

enum { CERT_CHAIN_MAX = 10, CERT_PEM_MAX = 256 * 1024 };
enum cert_key_type { CERT_EC, CERT_RSA, CERT_OTHER };

struct cert_info {
	struct str subject, issuer; /* "CN=pool.example.test" */
	time_t not_before, not_after;
	enum cert_key_type key;
	unsigned key_bits;
	const struct str *names; /* alternative names, addresses in text */
	size_t n_names;
};

struct cert_chain; /* opaque; the server's own certificate first */

/* All certificates of a PEM text.  -EBADMSG: none, a broken one or more than CERT_CHAIN_MAX. */
int cert_chain_read(struct cert_chain **ret, struct str pem) MUST_CHECK;
void cert_chain_free(struct cert_chain **cp);
size_t cert_chain_len(const struct cert_chain *c);
/* The i-th one; lives as long as the chain. */
const struct cert_info *cert_chain_info(const struct cert_chain *c, size_t i);
/* May the first certificate be shown for this host name (RFC 6125) or address? */
bool cert_covers_name(const struct cert_chain *c, struct str name);
bool cert_covers_addr(const struct cert_chain *c, const struct addr *a);
/* Is this the first one's private key?  0; -EBADMSG: not an unencrypted PEM key; -EKEYREJECTED. */
int cert_check_key(const struct cert_chain *c, struct str key_pem) MUST_CHECK;
/* 0 if each is signed by the next one; else -EINVAL and the number of the first that is not. */
int cert_check_order(const struct cert_chain *c, size_t *ret_bad) MUST_CHECK;
/* Do the two chains' ends meet: is c's last one `root`'s first one, or signed by it? */
bool cert_is_below(const struct cert_chain *c, const struct cert_chain *root);
