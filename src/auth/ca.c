#include "auth/ca.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

enum { SERIAL_BITS = 127, COMMON_NAME_MAX = 64, DNS_NAME_MAX = 253, SECONDS_PER_DAY = 86400 };
enum { CLOCK_SLACK_S = 3600 }; /* a client's clock may be behind ours */

struct ca {
	X509 *cert;
	EVP_PKEY *key;
};

static void x509_freep(X509 **xp)
{
	X509_free(*xp);
}

static void pkey_freep(EVP_PKEY **kp)
{
	EVP_PKEY_free(*kp);
}

/* --- pieces of a certificate ---------------------------------------------------------------- */

static EVP_PKEY *new_key(enum ca_key_type type)
{
	return type == CA_P256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
}

/* Random, positive, not zero (RFC 5280, section 4.1.2.2). */
static bool set_serial(X509 *x)
{
	BIGNUM *n = BN_new();
	bool ok = n && BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
	          BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
	BN_free(n);
	return ok;
}

static bool set_life(X509 *x, time_t now, long days)
{
	return ASN1_TIME_adj(X509_getm_notBefore(x), now, 0, -CLOCK_SLACK_S) &&
	       ASN1_TIME_adj(X509_getm_notAfter(x), now, (int)days, 0);
}

static bool set_subject(X509 *x, struct str name)
{
	if (name.len == 0 || name.len > COMMON_NAME_MAX)
		return true;
	return X509_NAME_add_entry_by_NID(X509_get_subject_name(x), NID_commonName, MBSTRING_UTF8,
	                                  (const unsigned char *)name.p, (int)name.len, -1, 0);
}

static bool add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	bool ok = e && X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	return ok;
}

/* --- alternative names ---------------------------------------------------------------------- */

/* Letters, digits, hyphens and dots, labels of 1 to 63 (RFC 1123, section 2.1). */
static bool is_host_name(struct str s)
{
	size_t label = 0;
	if (s.len == 0 || s.len > DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.p[i];
		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		            (c >= '0' && c <= '9') || c == '_';
		if ((!word && (c != '-' || label == 0)) || ++label > 63)
			return false;
	}
	return label > 0;
}

/* Takes value, also on failure. */
static bool push_name(GENERAL_NAMES *list, int type, ASN1_STRING *value, struct bytes data)
{
	GENERAL_NAME *n = GENERAL_NAME_new();
	if (!n || !value || !ASN1_STRING_set(value, data.p, (int)data.len)) {
		GENERAL_NAME_free(n);
		ASN1_STRING_free(value);
		return false;
	}
	GENERAL_NAME_set0_value(n, type, value);
	if (sk_GENERAL_NAME_push(list, n))
		return true;
	GENERAL_NAME_free(n);
	return false;
}

static bool push_ip(GENERAL_NAMES *list, const struct addr *a)
{
	uint8_t packed[18];
	size_t n = addr_pack(a, packed) - 2;
	return push_name(list, GEN_IPADD, ASN1_OCTET_STRING_new(), (struct bytes){ packed, n });
}

static bool push_ip_as_name(GENERAL_NAMES *list, const struct addr *a)
{
	auto_(buf_free) struct buf text = buf_of(64);
	if (a->sa.sa_family != AF_INET)
		return true;
	addr_put_host(&text, a);
	return push_name(list, GEN_DNS, ASN1_IA5STRING_new(), bytes_of(buf_view(&text)));
}

static bool add_alt_names(X509 *x, const struct ca_names *names)
{
	GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
	bool ok = list != NULL;
	for (size_t i = 0; ok && i < names->n_dns; i++)
		ok = push_name(list, GEN_DNS, ASN1_IA5STRING_new(), bytes_of(names->dns[i]));
	for (size_t i = 0; ok && i < names->n_ips; i++)
		ok = push_ip(list, &names->ips[i]) &&
		     (!names->ips_as_names || push_ip_as_name(list, &names->ips[i]));
	if (ok && names->uri.len > 0)
		ok = push_name(list, GEN_URI, ASN1_IA5STRING_new(), bytes_of(names->uri));
	/* Critical when the subject is empty: RFC 5280, section 4.2.1.6. */
	int critical = X509_NAME_entry_count(X509_get_subject_name(x)) == 0;
	ok = ok && X509_add1_ext_i2d(x, NID_subject_alt_name, list, critical, 0) == 1;
	GENERAL_NAMES_free(list);
	return ok;
}

static bool names_fit(const struct ca_names *names)
{
	if (names->n_dns + names->n_ips == 0 || names->n_dns > CA_NAMES_MAX ||
	    names->n_ips > CA_NAMES_MAX)
		return false;
	for (size_t i = 0; i < names->n_dns; i++) {
		if (!is_host_name(names->dns[i]))
			return false;
	}
	return true;
}

/* --- PEM ------------------------------------------------------------------------------------ */

static int take_bio(BIO *bio, bool written, struct buf *pem)
{
	char *p = NULL;
	long n = BIO_get_mem_data(bio, &p);
	if (written && n > 0)
		buf_put(pem, p, (size_t)n);
	if (n > 0)
		wipe(p, (size_t)n);
	BIO_free(bio);
	return written && n > 0 && !pem->full ? 0 : -EIO;
}

static int put_cert(X509 *x, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	return bio ? take_bio(bio, PEM_write_bio_X509(bio, x), pem) : -EIO;
}

static int put_key(EVP_PKEY *key, struct buf *pem)
{
	BIO *bio = BIO_new(BIO_s_mem());
	return bio ? take_bio(bio,
	                      PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL),
	                      pem)
	           : -EIO;
}

/* Never asks on the terminal for the pass phrase of an encrypted key. */
static int no_phrase(char *p UNUSED, int size UNUSED, int rw UNUSED, void *arg UNUSED)
{
	return 0;
}

/* --- the authority -------------------------------------------------------------------------- */

static bool make_root(X509 *x, EVP_PKEY *key, struct str name, time_t now)
{
	return X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
	       set_life(x, now, CA_YEARS * 365L + CA_YEARS / 4) && set_subject(x, name) &&
	       X509_set_issuer_name(x, X509_get_subject_name(x)) && X509_set_pubkey(x, key) &&
	       add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       add_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(x, x, NID_subject_key_identifier, "hash") &&
	       X509_sign(x, key, EVP_sha256()) > 0;
}

int ca_new(struct ca **ret, struct str name, time_t now)
{
	if (name.len == 0 || name.len > COMMON_NAME_MAX)
		return -EINVAL;
	struct ca *ca = xnew(struct ca);
	ca->key = new_key(CA_P256);
	ca->cert = X509_new();
	if (!ca->key || !ca->cert || !make_root(ca->cert, ca->key, name, now)) {
		ca_free(&ca);
		return -EIO;
	}
	*ret = ca;
	return 0;
}

int ca_load(struct ca **ret, struct str cert_pem, struct str key_pem, time_t now)
{
	if (cert_pem.len > CA_PEM_MAX || key_pem.len > CA_PEM_MAX)
		return -EBADMSG;
	struct ca *ca = xnew(struct ca);
	BIO *cert = BIO_new_mem_buf(cert_pem.p, (int)cert_pem.len);
	BIO *key = BIO_new_mem_buf(key_pem.p, (int)key_pem.len);
	ca->cert = cert ? PEM_read_bio_X509(cert, NULL, no_phrase, NULL) : NULL;
	ca->key = key ? PEM_read_bio_PrivateKey(key, NULL, no_phrase, NULL) : NULL;
	BIO_free(cert);
	BIO_free(key);
	int r = 0;
	if (!ca->cert || !ca->key || X509_check_private_key(ca->cert, ca->key) != 1 ||
	    X509_check_ca(ca->cert) == 0)
		r = -EBADMSG;
	else if (X509_cmp_time(X509_get0_notAfter(ca->cert), &now) < 0)
		r = -EKEYEXPIRED;
	if (r < 0)
		ca_free(&ca);
	else
		*ret = ca;
	return r;
}

void ca_free(struct ca **cap)
{
	if (*cap) {
		X509_free((*cap)->cert);
		EVP_PKEY_free((*cap)->key);
	}
	free(*cap);
	*cap = NULL;
}

int ca_put_cert(const struct ca *ca, struct buf *pem)
{
	return put_cert(ca->cert, pem);
}

int ca_put_key(const struct ca *ca, struct buf *pem)
{
	return put_key(ca->key, pem);
}

/* A certificate must not outlive its issuer. */
static bool cap_life(X509 *x, const X509 *root)
{
	const ASN1_TIME *end = X509_get0_notAfter(root);
	return ASN1_TIME_compare(X509_get0_notAfter(x), end) <= 0 || X509_set1_notAfter(x, end);
}

static bool make_leaf(const struct ca *ca, X509 *x, EVP_PKEY *key, enum ca_key_type type,
                      const struct ca_names *names, time_t now)
{
	const char *usage = type == CA_P256 ? "critical,digitalSignature"
	                                    : "critical,digitalSignature,keyEncipherment";
	return X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
	       set_life(x, now, CA_LEAF_DAYS) && cap_life(x, ca->cert) &&
	       set_subject(x, names->common_name) &&
	       X509_set_issuer_name(x, X509_get_subject_name(ca->cert)) &&
	       X509_set_pubkey(x, key) &&
	       add_extension(x, ca->cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(x, ca->cert, NID_key_usage, usage) &&
	       add_extension(x, ca->cert, NID_ext_key_usage, "serverAuth,clientAuth") &&
	       add_extension(x, ca->cert, NID_subject_key_identifier, "hash") &&
	       add_extension(x, ca->cert, NID_authority_key_identifier, "keyid:always") &&
	       add_alt_names(x, names) && X509_sign(x, ca->key, EVP_sha256()) > 0;
}

int ca_issue(const struct ca *ca, enum ca_key_type type, const struct ca_names *names, time_t now,
             struct buf *cert_pem, struct buf *key_pem)
{
	if (!names_fit(names))
		return -EINVAL;
	auto_(pkey_freep) EVP_PKEY *key = new_key(type);
	auto_(x509_freep) X509 *x = X509_new();
	if (!key || !x || !make_leaf(ca, x, key, type, names, now))
		return -EIO;
	int r = put_cert(x, cert_pem);
	return r < 0 ? r : put_key(key, key_pem);
}
