#include "wire/push/push.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/code.h"
#include "tap.h"

/* RFC 8291 section 5 and appendix A. */
#define TEXT "When I grow up, I want to be a watermelon"
#define AS_PRIVATE "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
#define AS_PUBLIC                                            \
	"BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3" \
	"vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
#define UA_PUBLIC                                            \
	"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-" \
	"AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
#define AUTH "BTBZMqHH6r4Tts7J_aSIgg"
#define SALT "DGv6ra1nlYgDCS1FRnbzlw"
#define MESSAGE                                                            \
	"DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml" \
	"mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT" \
	"pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"

/* Exactly n bytes of base64url. */
static void decode(void *ret, size_t n, struct str text)
{
	auto_(buf_free) struct buf b = buf_of(8192);
	OK(base64url_get(text, &b) == 0);
	if (EQ(b.len, n))
		memcpy(ret, b.p, n);
}

static struct push_key *key_of(const char *text)
{
	uint8_t secret[PUSH_SECRET_LEN];
	decode(secret, sizeof(secret), str_of(text));
	return push_key_new(secret);
}

static struct push_to browser(void)
{
	struct push_to to;
	decode(to.point, sizeof(to.point), STR(UA_PUBLIC));
	decode(to.auth, sizeof(to.auth), STR(AUTH));
	return to;
}

static void eq_base64(const struct buf *got, const char *want)
{
	auto_(buf_free) struct buf b = buf_of(8192);
	base64url_put(&b, got->p, got->len);
	EQ_STR(buf_view(&b), want);
}

static void the_message_of_rfc_8291_is_made(void)
{
	uint8_t salt[PUSH_SALT_LEN], point[PUSH_POINT_LEN];
	struct push_key *own = key_of(AS_PRIVATE);
	struct push_to to = browser();
	auto_(buf_free) struct buf b = buf_of(PUSH_RECORD_LEN);
	decode(salt, sizeof(salt), STR(SALT));
	decode(point, sizeof(point), STR(AS_PUBLIC));
	OK(memcmp(push_key_point(own), point, sizeof(point)) == 0);
	EQ(push_encrypt(&b, &to, own, salt, STR(TEXT)), 0);
	eq_base64(&b, MESSAGE);
	push_key_free(&own);
}

/* RFC 8188 section 3.1. */
static void the_walrus_of_rfc_8188_is_coded(void)
{
	uint8_t salt[PUSH_SALT_LEN], key[16];
	auto_(buf_free) struct buf b = buf_of(PUSH_RECORD_LEN);
	decode(salt, sizeof(salt), STR("I1BsxtFttlv3u_Oo94xnmw"));
	decode(key, sizeof(key), STR("yqdlZ-tYemfogSmv7Ws5PQ"));
	push_code(&b, (struct bytes){ key, sizeof(key) }, salt, (struct bytes){ NULL, 0 },
	          STR("I am the walrus"));
	OK(!b.full);
	eq_base64(&b, "I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg");
}

static void a_message_is_one_record_or_none(void)
{
	static char text[PUSH_TEXT_MAX + 1];
	uint8_t salt[PUSH_SALT_LEN] = { 1 };
	struct push_key *own = key_of(AS_PRIVATE);
	struct push_to to = browser();
	auto_(buf_free) struct buf b = buf_of(2 * PUSH_RECORD_LEN);
	memset(text, 'x', sizeof(text));
	EQ(push_encrypt(&b, &to, own, salt, str_n(text, PUSH_TEXT_MAX)), 0);
	EQ(b.len, PUSH_RECORD_LEN);
	b.len = 0;
	EQ(push_encrypt(&b, &to, own, salt, str_n(text, PUSH_TEXT_MAX + 1)), -E2BIG);
	EQ(b.len, 0);
	EQ(push_encrypt(&b, &to, own, salt, STR("")), 0);
	EQ(b.len, PUSH_HEAD_LEN + 1 + 16);
	push_key_free(&own);
}

static void what_is_no_point_of_the_curve_is_refused(void)
{
	uint8_t salt[PUSH_SALT_LEN] = { 1 };
	struct push_key *own = key_of(AS_PRIVATE);
	struct push_to to = browser();
	auto_(buf_free) struct buf b = buf_of(PUSH_RECORD_LEN);
	OK(push_is_point(to.point));
	to.point[40] ^= 1;
	OK(!push_is_point(to.point));
	EQ(push_encrypt(&b, &to, own, salt, STR(TEXT)), -EINVAL);
	to = browser();
	to.point[0] = 2; /* a compressed one, with rubbish behind */
	OK(!push_is_point(to.point));
	memset(&to.point, 0, sizeof(to.point)); /* the point at infinity */
	OK(!push_is_point(to.point));
	EQ(b.len, 0);
	push_key_free(&own);
}

static void a_secret_must_be_of_the_group(void)
{
	uint8_t zero[PUSH_SECRET_LEN] = { 0 }, one[PUSH_SECRET_LEN] = { [31] = 1 };
	uint8_t large[PUSH_SECRET_LEN];
	memset(large, 0xff, sizeof(large));
	struct push_key *k = push_key_new(one);
	OK(k != NULL && push_is_point(push_key_point(k)));
	push_key_free(&k);
	OK(push_key_new(zero) == NULL);
	OK(push_key_new(large) == NULL);
}

static void the_same_secret_gives_the_same_key(void)
{
	const uint8_t secret[32] = { 1, 2, 3 }, other[32] = { 1, 2, 4 };
	struct push_key *a = push_key_derive(secret), *b = push_key_derive(secret),
	                *c = push_key_derive(other);
	OK(push_is_point(push_key_point(a)));
	OK(memcmp(push_key_point(a), push_key_point(b), PUSH_POINT_LEN) == 0);
	OK(memcmp(push_key_point(a), push_key_point(c), PUSH_POINT_LEN) != 0);
	push_key_free(&a);
	push_key_free(&b);
	push_key_free(&c);
}

/* --- VAPID --------------------------------------------------------------------------------- */

static EVP_PKEY *public_of(const uint8_t *point)
{
	EVP_PKEY *ret = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char[]){ "P-256" },
		                                 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point,
		                                  PUSH_POINT_LEN),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OK(EVP_PKEY_fromdata_init(ctx) == 1);
	OK(EVP_PKEY_fromdata(ctx, &ret, EVP_PKEY_PUBLIC_KEY, params) == 1);
	EVP_PKEY_CTX_free(ctx);
	return ret;
}

/* r and s of 32 bytes each, to ASN.1 again. */
static bool is_signed(struct str what, const uint8_t sig[64], const uint8_t *point)
{
	ECDSA_SIG *s = ECDSA_SIG_new();
	uint8_t *der = NULL;
	OK(ECDSA_SIG_set0(s, BN_bin2bn(sig, 32, NULL), BN_bin2bn(sig + 32, 32, NULL)) == 1);
	int len = i2d_ECDSA_SIG(s, &der);
	EVP_PKEY *key = public_of(point);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	            EVP_DigestVerify(ctx, der, (size_t)len, (const uint8_t *)what.p, what.len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	OPENSSL_free(der);
	ECDSA_SIG_free(s);
	return good;
}

static void eq_part(struct str part, const char *want)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	OK(base64url_get(part, &b) == 0);
	EQ_STR(buf_view(&b), want);
}

/* Whether a number of the signature is short does not matter: each time it is another one. */
static void a_token_says_who_and_to_whom_and_is_signed(void)
{
	const uint8_t secret[32] = { 7 };
	struct push_key *k = push_key_derive(secret);
	for (unsigned i = 0; i < 300; i++) {
		auto_(buf_free) struct buf b = buf_of(4096);
		struct str token, key, head, claims, sig, rest;
		uint8_t point[PUSH_POINT_LEN], raw[64];
		push_vapid(&b, k, STR("https://push.example.net"), STR("mailto:it@example.test"),
		           1453523768);
		OK(str_starts(buf_view(&b), STR("vapid t=")));
		OK(str_cut(str_sub(buf_view(&b), 8, b.len), ',', &token, &key));
		OK(str_starts(key, STR(" k=")));
		decode(point, sizeof(point), str_sub(key, 3, key.len));
		OK(memcmp(point, push_key_point(k), sizeof(point)) == 0);
		OK(str_cut(token, '.', &head, &rest));
		OK(str_cut(rest, '.', &claims, &sig));
		eq_part(head, "{\"typ\":\"JWT\",\"alg\":\"ES256\"}");
		eq_part(claims, "{\"aud\":\"https://push.example.net\",\"exp\":1453523768,"
		                "\"sub\":\"mailto:it@example.test\"}");
		decode(raw, sizeof(raw), sig);
		OK(is_signed(str_n(token.p, token.len - sig.len - 1), raw, point));
		raw[5] ^= 1;
		OK(!is_signed(str_n(token.p, token.len - sig.len - 1), raw, point));
	}
	push_key_free(&k);
}

int main(void)
{
	RUN(the_message_of_rfc_8291_is_made);
	RUN(the_walrus_of_rfc_8188_is_coded);
	RUN(a_message_is_one_record_or_none);
	RUN(what_is_no_point_of_the_curve_is_refused);
	RUN(a_secret_must_be_of_the_group);
	RUN(the_same_secret_gives_the_same_key);
	RUN(a_token_says_who_and_to_whom_and_is_signed);
	return tap_done();
}
