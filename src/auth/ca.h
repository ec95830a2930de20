/* The private certificate authority: a P-256 root of ten years and certificates of two years below
 * it (poster rows CT-05 and CT-12).
 *
 * Memory alone: PEM texts go in and out, the caller owns the files and the clock. */
#pragma once

#include <time.h>

#include "base/addr.h"

enum { CA_YEARS = 10, CA_LEAF_DAYS = 730, CA_NAMES_MAX = 200, CA_PEM_MAX = 64 * 1024 };
enum ca_key_type { CA_P256, CA_RSA2048, CA_N_KEY_TYPES };

/* What a certificate is for.  Names and addresses become the alternative names; common_name stands
 * in the subject too if it fits (64 bytes, RFC 5280 appendix A.1). */
struct ca_names {
	struct str common_name;
	const struct str *dns;
	size_t n_dns;
	const struct addr *ips; /* ports are ignored */
	size_t n_ips;
	struct str uri; /* one more alternative name; empty: none */
	/* IPv4 addresses stand in the certificate as host names too: clients on Mbed TLS 2,
	 * Linphone among them, look for an address there alone. */
	bool ips_as_names;
};

struct ca; /* opaque */

/* A new root called `name`, valid from an hour before now.  0 or -EIO (OpenSSL refused). */
int ca_new(struct ca **ret, struct str name, time_t now) MUST_CHECK;
/* From what ca_put wrote.  -EBADMSG: not a certificate and key, or not of one another;
 * -EKEYEXPIRED: the root's life is over. */
int ca_load(struct ca **ret, struct str cert_pem, struct str key_pem, time_t now) MUST_CHECK;
/* Wipes the key. */
void ca_free(struct ca **cap);
/* Appends the root as PEM, and its key as unencrypted PKCS#8: wipe that buffer. */
int ca_put_cert(const struct ca *ca, struct buf *pem) MUST_CHECK;
int ca_put_key(const struct ca *ca, struct buf *pem) MUST_CHECK;
/* A fresh key and a certificate for TLS server and client, valid from an hour before now for
 * CA_LEAF_DAYS or as long as the root.  Appends both as PEM; wipe the key's buffer.  -EINVAL: no
 * name, too many or a name that is not a host name; -EIO. */
int ca_issue(const struct ca *ca, enum ca_key_type type, const struct ca_names *names, time_t now,
             struct buf *cert_pem, struct buf *key_pem) MUST_CHECK;
