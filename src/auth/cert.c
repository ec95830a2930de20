#include "auth/cert.h"

#include <errno.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/arena.h"

enum { NAMES_MAX = 1000 };

struct cert_chain {
	struct arena *arena;
	X509 *x[CERT_CHAIN_MAX];
	struct cert_info info[CERT_CHAIN_MAX];
	size_t n;
};

/* --- decoding ------------------------------------------------------------------------------- */

static int no_phrase(char *p UNUSED, int size UNUSED, int rw UNUSED, void *arg UNUSED)
{
	return 0;
}

static struct str name_text(struct arena *a, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	if (!bio)
		return STR("");
	X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
	long n = BIO_get_mem_data(bio, &p);
	struct str s = arena_str(a, str_n(p, n > 0 ? (size_t)n : 0));
	BIO_free(bio);
	return s;
}

static time_t time_of(const ASN1_TIME *t)
{
	struct tm tm = { 0 };
	return ASN1_TIME_to_tm(t, &tm) ? timegm(&tm) : 0;
}

static struct str ip_text(struct arena *a, struct bytes ip)
{
	uint8_t packed[18] = { 0 };
	struct addr addr;
	if (ip.len != 4 && ip.len != 16)
		return STR("(broken address)");
	memcpy(packed, ip.p, ip.len);
	if (addr_unpack(&addr, (struct bytes){ packed, ip.len + 2 }) < 0)
		return STR("(broken address)");
	auto_(buf_free) struct buf b = buf_of(64);
	addr_put_host(&b, &addr);
	return arena_str(a, buf_view(&b));
}

static struct bytes string_of(const ASN1_STRING *s)
{
	return (struct bytes){ ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s) };
}

/* Host names and addresses; other kinds (mail, directory names) do not concern us. */
static void read_names(struct arena *a, const X509 *x, struct cert_info *ret)
{
	GENERAL_NAMES *list = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int n = MIN(sk_GENERAL_NAME_num(list), NAMES_MAX);
	if (n <= 0) {
		GENERAL_NAMES_free(list);
		return;
	}
	struct str *names = arena_alloc(a, (size_t)n * sizeof(*names));
	for (int i = 0; i < n; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(list, i);
		if (g->type == GEN_DNS)
			names[ret->n_names++] =
			        arena_str(a, str_from_bytes(string_of(g->d.dNSName)));
		else if (g->type == GEN_IPADD)
			names[ret->n_names++] = ip_text(a, string_of(g->d.iPAddress));
	}
	ret->names = names;
	GENERAL_NAMES_free(list);
}

static void read_info(struct arena *a, const X509 *x, struct cert_info *ret)
{
	const EVP_PKEY *key = X509_get0_pubkey(x);
	int id = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
	ret->subject = name_text(a, X509_get_subject_name(x));
	ret->issuer = name_text(a, X509_get_issuer_name(x));
	ret->not_before = time_of(X509_get0_notBefore(x));
	ret->not_after = time_of(X509_get0_notAfter(x));
	ret->key = id == EVP_PKEY_EC ? CERT_EC : id == EVP_PKEY_RSA ? CERT_RSA : CERT_OTHER;
	ret->key_bits = key ? (unsigned)EVP_PKEY_get_bits(key) : 0;
	read_names(a, x, ret);
}

/* Reads until the text ends: true if it ended well. */
static bool read_all(struct cert_chain *c, BIO *bio)
{
	ERR_clear_error();
	for (;;) {
		X509 *x = PEM_read_bio_X509(bio, NULL, no_phrase, NULL);
		if (!x)
			break;
		if (c->n == CERT_CHAIN_MAX) {
			X509_free(x);
			return false;
		}
		c->x[c->n] = x;
		read_info(c->arena, x, &c->info[c->n++]);
	}
	bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	return at_end && c->n > 0;
}

int cert_chain_read(struct cert_chain **ret, struct str pem)
{
	BIO *bio = pem.len <= CERT_PEM_MAX ? BIO_new_mem_buf(pem.p, (int)pem.len) : NULL;
	if (!bio)
		return -EBADMSG;
	struct cert_chain *c = xnew(struct cert_chain);
	c->arena = arena_new();
	bool ok = read_all(c, bio);
	BIO_free(bio);
	if (!ok) {
		cert_chain_free(&c);
		return -EBADMSG;
	}
	*ret = c;
	return 0;
}

void cert_chain_free(struct cert_chain **cp)
{
	struct cert_chain *c = *cp;
	for (size_t i = 0; c && i < c->n; i++)
		X509_free(c->x[i]);
	if (c)
		arena_free(&c->arena);
	free(c);
	*cp = NULL;
}

size_t cert_chain_len(const struct cert_chain *c)
{
	return c->n;
}

const struct cert_info *cert_chain_info(const struct cert_chain *c, size_t i)
{
	return &c->info[i];
}

/* --- checks --------------------------------------------------------------------------------- */

bool cert_covers_name(const struct cert_chain *c, struct str name)
{
	return X509_check_host(c->x[0], name.p, name.len, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
	                       NULL) == 1;
}

bool cert_covers_addr(const struct cert_chain *c, const struct addr *a)
{
	uint8_t packed[18];
	size_t n = addr_pack(a, packed) - 2;
	return X509_check_ip(c->x[0], packed, n, 0) == 1;
}

int cert_check_key(const struct cert_chain *c, struct str key_pem)
{
	BIO *bio =
	        key_pem.len <= CERT_PEM_MAX ? BIO_new_mem_buf(key_pem.p, (int)key_pem.len) : NULL;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL) : NULL;
	int r = !key ? -EBADMSG : X509_check_private_key(c->x[0], key) == 1 ? 0 : -EKEYREJECTED;
	EVP_PKEY_free(key);
	BIO_free(bio);
	ERR_clear_error();
	return r;
}

static bool signed_by(X509 *x, X509 *issuer)
{
	EVP_PKEY *key = X509_get0_pubkey(issuer);
	bool ok = key &&
	          X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(issuer)) == 0 &&
	          X509_verify(x, key) == 1;
	ERR_clear_error();
	return ok;
}

int cert_check_order(const struct cert_chain *c, size_t *ret_bad)
{
	for (size_t i = 0; i + 1 < c->n; i++) {
		if (!signed_by(c->x[i], c->x[i + 1])) {
			*ret_bad = i;
			return -EINVAL;
		}
	}
	return 0;
}

bool cert_is_below(const struct cert_chain *c, const struct cert_chain *root)
{
	X509 *last = c->x[c->n - 1];
	return X509_cmp(last, root->x[0]) == 0 || signed_by(last, root->x[0]);
}
