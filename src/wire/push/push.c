#include "wire/push/push.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <nettle/hkdf.h>
#include <nettle/hmac.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/code.h"

#define CURVE "prime256v1"

enum { IKM_LEN = 32, CEK_LEN = 16, NONCE_LEN = 12, TAG_LEN = 16, LAST = 2, HALF_LEN = 32 };

struct push_key {
	EVP_PKEY *pair;
	uint8_t point[PUSH_POINT_LEN];
};

/* OpenSSL fails here for want of memory alone. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

/* --- keys ---------------------------------------------------------------------------------- */

static EVP_PKEY *import(int selection, const uint8_t point[PUSH_POINT_LEN], const BIGNUM *secret)
{
	EVP_PKEY *ret = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	must(ctx && bld && EVP_PKEY_fromdata_init(ctx) == 1);
	must(OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, CURVE, 0) == 1);
	must(OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point,
	                                      PUSH_POINT_LEN) == 1);
	must(!secret || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, secret) == 1);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	must(params != NULL);
	if (EVP_PKEY_fromdata(ctx, &ret, selection, params) != 1)
		ret = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return ret;
}

/* Takes the number, which is of the group. */
static struct push_key *make(BIGNUM *secret, const EC_GROUP *group)
{
	struct push_key *k = xnew(struct push_key);
	EC_POINT *p = EC_POINT_new(group);
	must(p && EC_POINT_mul(group, p, secret, NULL, NULL, NULL) == 1);
	must(EC_POINT_point2oct(group, p, POINT_CONVERSION_UNCOMPRESSED, k->point, sizeof(k->point),
	                        NULL) == sizeof(k->point));
	k->pair = import(EVP_PKEY_KEYPAIR, k->point, secret);
	must(k->pair != NULL);
	EC_POINT_free(p);
	BN_clear_free(secret);
	return k;
}

static EC_GROUP *open_group(void)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	must(group != NULL);
	return group;
}

struct push_key *push_key_new(const uint8_t secret[PUSH_SECRET_LEN])
{
	EC_GROUP *group = open_group();
	BIGNUM *n = BN_secure_new();
	struct push_key *k = NULL;
	must(n && BN_bin2bn(secret, PUSH_SECRET_LEN, n));
	if (!BN_is_zero(n) && BN_cmp(n, EC_GROUP_get0_order(group)) < 0)
		k = make(n, group);
	else
		BN_clear_free(n);
	EC_GROUP_free(group);
	return k;
}

static void extract(uint8_t ret[SHA256_DIGEST_SIZE], struct bytes salt, struct bytes secret)
{
	struct hmac_sha256_ctx ctx;
	hmac_sha256_set_key(&ctx, salt.len, salt.p);
	hkdf_extract(&ctx, (nettle_hash_update_func *)hmac_sha256_update,
	             (nettle_hash_digest_func *)hmac_sha256_digest, SHA256_DIGEST_SIZE, secret.len,
	             secret.p, ret);
	wipe(&ctx, sizeof(ctx));
}

static void expand(uint8_t *ret, size_t len, const uint8_t prk[SHA256_DIGEST_SIZE],
                   struct bytes info)
{
	struct hmac_sha256_ctx ctx;
	hmac_sha256_set_key(&ctx, SHA256_DIGEST_SIZE, prk);
	hkdf_expand(&ctx, (nettle_hash_update_func *)hmac_sha256_update,
	            (nettle_hash_digest_func *)hmac_sha256_digest, SHA256_DIGEST_SIZE, info.len,
	            info.p, len, ret);
	wipe(&ctx, sizeof(ctx));
}

/* With 64 bits more than the group's number has, so that all numbers are as likely (FIPS 186-5
 * appendix A.2.1). */
struct push_key *push_key_derive(const uint8_t from[32])
{
	static const char salt[] = "dialtone web push";
	uint8_t prk[SHA256_DIGEST_SIZE], wide[PUSH_SECRET_LEN + 8];
	EC_GROUP *group = open_group();
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *n = BN_secure_new(), *below = BN_dup(EC_GROUP_get0_order(group));
	extract(prk, bytes_of(STR(salt)), (struct bytes){ from, 32 });
	expand(wide, sizeof(wide), prk, bytes_of(STR("vapid")));
	must(n && ctx && below && BN_sub_word(below, 1) == 1 && BN_bin2bn(wide, sizeof(wide), n) &&
	     BN_mod(n, n, below, ctx) == 1 && BN_add_word(n, 1) == 1);
	struct push_key *k = make(n, group);
	wipe(prk, sizeof(prk));
	wipe(wide, sizeof(wide));
	BN_free(below);
	BN_CTX_free(ctx);
	EC_GROUP_free(group);
	return k;
}

void push_key_free(struct push_key **kp)
{
	struct push_key *k = take(kp);
	if (!k)
		return;
	EVP_PKEY_free(k->pair);
	free(k);
}

const uint8_t *push_key_point(const struct push_key *k)
{
	return k->point;
}

bool push_is_point(const uint8_t point[PUSH_POINT_LEN])
{
	EC_GROUP *group = open_group();
	EC_POINT *p = EC_POINT_new(group);
	must(p != NULL);
	bool good = point[0] == POINT_CONVERSION_UNCOMPRESSED &&
	            EC_POINT_oct2point(group, p, point, PUSH_POINT_LEN, NULL) == 1;
	EC_POINT_free(p);
	EC_GROUP_free(group);
	return good;
}

/* --- aes128gcm ----------------------------------------------------------------------------- */

static void seal(uint8_t *to, const uint8_t key[CEK_LEN], const uint8_t nonce[NONCE_LEN],
                 struct str text)
{
	static const uint8_t last = LAST;
	int n = 0, end = 0;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	must(ctx && EVP_EncryptInit_ex2(ctx, EVP_aes_128_gcm(), key, nonce, NULL) == 1);
	must(EVP_EncryptUpdate(ctx, to, &n, (const uint8_t *)text.p, (int)text.len) == 1);
	must(EVP_EncryptUpdate(ctx, to + text.len, &n, &last, 1) == 1);
	must(EVP_EncryptFinal_ex(ctx, to + text.len + 1, &end) == 1);
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, to + text.len + 1) == 1);
	EVP_CIPHER_CTX_free(ctx);
}

/* The names end with a zero (RFC 8188 sections 2.2 and 2.3). */
static const char of_key[] = "Content-Encoding: aes128gcm";
static const char of_nonce[] = "Content-Encoding: nonce";

void push_code(struct buf *b, struct bytes key, const uint8_t salt[PUSH_SALT_LEN], struct bytes id,
               struct str text)
{
	uint8_t prk[SHA256_DIGEST_SIZE], cek[CEK_LEN], nonce[NONCE_LEN];
	size_t head = PUSH_SALT_LEN + 4 + 1 + id.len, tail = text.len + 1 + TAG_LEN;
	if (id.len > PUSH_ID_MAX || head + tail > PUSH_RECORD_LEN || !buf_room(b, head + tail)) {
		b->full = true;
		return;
	}
	extract(prk, (struct bytes){ salt, PUSH_SALT_LEN }, key);
	expand(cek, sizeof(cek), prk, (struct bytes){ (const uint8_t *)of_key, sizeof(of_key) });
	expand(nonce, sizeof(nonce), prk,
	       (struct bytes){ (const uint8_t *)of_nonce, sizeof(of_nonce) });
	buf_put(b, salt, PUSH_SALT_LEN);
	buf_u32(b, PUSH_RECORD_LEN);
	buf_u8(b, (uint8_t)id.len);
	buf_put(b, id.p, id.len);
	seal((uint8_t *)buf_room(b, tail), cek, nonce, text);
	b->len += tail;
	wipe(prk, sizeof(prk));
	wipe(cek, sizeof(cek));
}

/* --- for one browser (RFC 8291 section 3) -------------------------------------------------- */

static void agree(uint8_t ret[HALF_LEN], const struct push_key *own, EVP_PKEY *other)
{
	size_t len = HALF_LEN;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own->pair, NULL);
	must(ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, other) == 1 &&
	     EVP_PKEY_derive(ctx, ret, &len) == 1 && len == HALF_LEN);
	EVP_PKEY_CTX_free(ctx);
}

int push_encrypt(struct buf *b, const struct push_to *to, const struct push_key *own,
                 const uint8_t salt[PUSH_SALT_LEN], struct str text)
{
	static const char name[] = "WebPush: info";
	uint8_t shared[HALF_LEN], prk[SHA256_DIGEST_SIZE], ikm[IKM_LEN];
	char space[sizeof(name) + 2 * PUSH_POINT_LEN + 1];
	struct buf info = BUF_ON(space);
	EVP_PKEY *other;
	if (text.len > PUSH_TEXT_MAX)
		return -E2BIG;
	if (!push_is_point(to->point) ||
	    (other = import(EVP_PKEY_PUBLIC_KEY, to->point, NULL)) == NULL)
		return -EINVAL;
	agree(shared, own, other);
	EVP_PKEY_free(other);
	buf_put(&info, name, sizeof(name));
	buf_put(&info, to->point, PUSH_POINT_LEN);
	buf_put(&info, own->point, PUSH_POINT_LEN);
	assert(!info.full);
	extract(prk, (struct bytes){ to->auth, PUSH_AUTH_LEN },
	        (struct bytes){ shared, sizeof(shared) });
	expand(ikm, sizeof(ikm), prk, bytes_of(buf_view(&info)));
	push_code(b, (struct bytes){ ikm, sizeof(ikm) }, salt,
	          (struct bytes){ own->point, PUSH_POINT_LEN }, text);
	wipe(shared, sizeof(shared));
	wipe(prk, sizeof(prk));
	wipe(ikm, sizeof(ikm));
	return 0;
}

/* --- VAPID --------------------------------------------------------------------------------- */

/* r and s, as JWS wants them (RFC 7518 section 3.4). */
static void read_signature(uint8_t ret[2 * HALF_LEN], const uint8_t *der, size_t len)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	must(sig != NULL);
	must(BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, HALF_LEN) == HALF_LEN);
	must(BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + HALF_LEN, HALF_LEN) == HALF_LEN);
	ECDSA_SIG_free(sig);
}

static void sign(uint8_t ret[2 * HALF_LEN], const struct push_key *k, struct str what)
{
	uint8_t der[128];
	size_t len = sizeof(der);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	must(ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->pair) == 1);
	must(EVP_DigestSign(ctx, der, &len, (const uint8_t *)what.p, what.len) == 1);
	EVP_MD_CTX_free(ctx);
	read_signature(ret, der, len);
}

void push_vapid(struct buf *b, const struct push_key *k, struct str origin, struct str contact,
                uint64_t until_s)
{
	static const char head[] = "{\"typ\":\"JWT\",\"alg\":\"ES256\"}";
	uint8_t signature[2 * HALF_LEN];
	auto_(buf_free) struct buf claims = buf_of(4096);
	buf_lit(b, "vapid t=");
	size_t start = b->len;
	buf_printf(&claims, "{\"aud\":\"%" STR_FMT "\",\"exp\":%llu,\"sub\":\"%" STR_FMT "\"}",
	           STR_ARG(origin), (unsigned long long)until_s, STR_ARG(contact));
	base64url_put(b, head, sizeof(head) - 1);
	buf_char(b, '.');
	base64url_put(b, claims.p, claims.len);
	if (b->full || claims.full) {
		b->full = true;
		return;
	}
	sign(signature, k, str_sub(buf_view(b), start, b->len));
	buf_char(b, '.');
	base64url_put(b, signature, sizeof(signature));
	buf_lit(b, ", k=");
	base64url_put(b, k->point, PUSH_POINT_LEN);
}
