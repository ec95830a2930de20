#include "auth/idtoken.h"

#include <errno.h>

#include "auth/jws.h"
#include "base/code.h"
#include "tap.h"

enum { NOW = 1800000000 };

static cjose_jwk_t *rsa, *ec, *other, *small;
static struct buf keys;

static const struct idtoken_want want = {
	.issuer = STR_INIT("https://login.test"),
	.client = STR_INIT("us"),
	.nonce = STR_INIT("n0nce"),
	.now_s = NOW,
};

#define HEAD "{\"iss\":\"https://login.test\",\"sub\":\"7\","
#define FOR_US "\"aud\":\"us\","
#define TIMES "\"iat\":1800000000,\"exp\":1800000300,"
#define NONCE "\"nonce\":\"n0nce\""
#define GOOD HEAD FOR_US TIMES NONCE

static void make_keys(void)
{
	rsa = jws_key(true, 2048, "a");
	ec = jws_key(false, 0, "b");
	other = jws_key(true, 2048, "a");
	small = jws_key(true, 1024, "s");
	keys = buf_of(64 * 1024);
	buf_lit(&keys, "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"AAAA\"},7,");
	jws_put_key(&keys, rsa);
	buf_char(&keys, ',');
	jws_put_key(&keys, ec);
	buf_char(&keys, ',');
	jws_put_key(&keys, small);
	buf_lit(&keys, "]}");
}

static void free_keys(void)
{
	cjose_jwk_release(rsa);
	cjose_jwk_release(ec);
	cjose_jwk_release(other);
	cjose_jwk_release(small);
	buf_free(&keys);
}

static int verify(struct str token, struct idtoken *ret)
{
	const char *why = NULL;
	int r = idtoken_verify(ret, token, buf_view(&keys), &want, &why);
	OK((r == 0) || why[0]);
	return r;
}

static int signed_by(cjose_jwk_t *key, const char *alg, const char *kid, const char *claims)
{
	auto_(buf_free) struct buf token = buf_of(64 * 1024);
	struct idtoken t;
	jws_put(&token, key, alg, kid, str_of(claims));
	return verify(buf_view(&token), &t);
}

static int says(const char *claims)
{
	return signed_by(ec, "ES256", "b", claims);
}

static void good_ones_say_who_it_is(void)
{
	auto_(buf_free) struct buf token = buf_of(64 * 1024);
	struct idtoken t;
	jws_put(&token, rsa, "RS256", "a",
	        STR(GOOD ",\"email\":\"alice@example.test\",\"email_verified\":true,"
	                 "\"preferred_username\":\"alice\",\"auth_time\":1799999990}"));
	EQ(verify(buf_view(&token), &t), 0);
	EQ_STR(str_of(t.sub), "7");
	EQ_STR(str_of(t.email), "alice@example.test");
	EQ_STR(str_of(t.preferred_username), "alice");
	OK(t.email_verified);
	EQ(t.auth_time, 1799999990);
	token.len = 0;
	jws_put(&token, ec, "ES256", "b", STR(GOOD ",\"email\":7,\"email_verified\":\"true\"}"));
	EQ(verify(buf_view(&token), &t), 0);
	EQ_STR(str_of(t.email), "");
	OK(t.email_verified);
	EQ(t.auth_time, 0);
}

static void the_key_is_found_without_its_name(void)
{
	EQ(signed_by(rsa, "RS256", NULL, GOOD "}"), 0);
	EQ(signed_by(ec, "ES256", NULL, GOOD "}"), 0);
	EQ(signed_by(other, "RS256", NULL, GOOD "}"), -ENOKEY);
}

static void other_keys_sign_nothing(void)
{
	EQ(signed_by(other, "RS256", "a", GOOD "}"), -EBADMSG);
	EQ(signed_by(other, "RS256", "new", GOOD "}"), -ENOKEY);
	EQ(signed_by(rsa, "RS256", "b", GOOD "}"), -ENOKEY); /* of a curve */
	EQ(signed_by(small, "RS256", "s", GOOD "}"), -ENOKEY);
}

static void other_algorithms_are_refused(void)
{
	EQ(signed_by(rsa, "RS384", "a", GOOD "}"), -EBADMSG);
	EQ(signed_by(rsa, "PS256", "a", GOOD "}"), -EBADMSG);
}

static void put_part(struct buf *b, struct str s)
{
	base64url_put(b, s.p, s.len);
}

/* The public key as a secret that everybody knows, no signature at all, and other tricks of the
 * head. */
static void heads_that_lie_are_refused(void)
{
	static const char *const heads[] = {
		"{\"alg\":\"none\"}",
		"{\"alg\":\"None\",\"kid\":\"a\"}",
		"{\"alg\":\"HS256\",\"kid\":\"a\"}",
		"{\"alg\":7,\"kid\":\"a\"}",
		"{\"kid\":\"a\"}",
		"{\"alg\":\"RS256\",\"kid\":\"a\",\"crit\":[\"b64\"]}",
		"{\"alg\":\"RS256\",\"alg\":\"HS256\",\"kid\":\"a\"}",
		"{\"alg\":\"RS256\\u0000\",\"kid\":\"a\"}",
		"[]",
		"",
	};
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		auto_(buf_free) struct buf token = buf_of(64 * 1024);
		struct idtoken t;
		put_part(&token, str_of(heads[i]));
		buf_char(&token, '.');
		put_part(&token, STR(GOOD "}"));
		buf_char(&token, '.');
		EQ(verify(buf_view(&token), &t), -EBADMSG);
		put_part(&token, STR("0123456789abcdef0123456789abcdef"));
		EQ(verify(buf_view(&token), &t), -EBADMSG);
	}
}

static void every_changed_byte_is_seen(void)
{
	auto_(buf_free) struct buf token = buf_of(64 * 1024);
	struct idtoken t;
	jws_put(&token, ec, "ES256", "b", STR(GOOD "}"));
	size_t n = token.len;
	for (size_t i = 0; i < n; i++) {
		char old = token.p[i];
		EQ(verify(str_n(token.p, i), &t) < 0, true);
		/* The last letter of a part has bits that say nothing. */
		bool last = i + 1 == n || token.p[i + 1] == '.';
		token.p[i] = old == 'A' ? 'Q' : 'A';
		OK(last || verify(buf_view(&token), &t) < 0);
		token.p[i] = old;
	}
	EQ(verify(buf_view(&token), &t), 0);
	buf_lit(&token, ".x");
	EQ(verify(buf_view(&token), &t), -EBADMSG);
}

static void what_is_said_to_others_is_refused(void)
{
	EQ(says("{\"iss\":\"https://login.test/\",\"sub\":\"7\"," FOR_US TIMES NONCE "}"),
	   -EBADMSG);
	EQ(says("{\"sub\":\"7\"," FOR_US TIMES NONCE "}"), -EBADMSG);
	EQ(says(HEAD "\"aud\":\"them\"," TIMES NONCE "}"), -EBADMSG);
	EQ(says(HEAD "\"aud\":[]," TIMES NONCE "}"), -EBADMSG);
	EQ(says(HEAD "\"aud\":[7]," TIMES NONCE "}"), -EBADMSG);
	EQ(says(HEAD TIMES NONCE "}"), -EBADMSG);
	EQ(says(HEAD "\"aud\":[\"us\"]," TIMES NONCE "}"), 0);
	EQ(says(HEAD "\"aud\":[\"us\",\"them\"]," TIMES NONCE "}"), -EBADMSG);
	EQ(says(HEAD "\"aud\":[\"us\",\"them\"],\"azp\":\"us\"," TIMES NONCE "}"), 0);
	EQ(says(HEAD "\"aud\":[\"us\",\"them\"],\"azp\":\"them\"," TIMES NONCE "}"), -EBADMSG);
	EQ(says(HEAD FOR_US "\"azp\":7," TIMES NONCE "}"), -EBADMSG);
	EQ(says(HEAD FOR_US TIMES "\"nonce\":\"another\"}"), -EBADMSG);
	EQ(says(HEAD FOR_US "\"iat\":1800000000,\"exp\":1800000300}"), -EBADMSG);
	EQ(says("{\"iss\":\"https://login.test\"," FOR_US TIMES NONCE "}"), -EBADMSG);
	EQ(says(GOOD ",\"email\":\"a@b\\u0000c\"}"), -EBADMSG);
}

static int at(int64_t iat, int64_t exp)
{
	char text[512];
	(void)snprintf(text, sizeof(text), HEAD FOR_US NONCE ",\"iat\":%lld,\"exp\":%lld}",
	               (long long)iat, (long long)exp);
	return says(text);
}

static void clocks_may_differ_by_a_minute(void)
{
	EQ(at(NOW, NOW + 1), 0);
	EQ(at(NOW, NOW - IDTOKEN_LEEWAY_S + 1), 0);
	EQ(at(NOW, NOW - IDTOKEN_LEEWAY_S), -EBADMSG);
	EQ(at(NOW + IDTOKEN_LEEWAY_S, NOW + 300), 0);
	EQ(at(NOW + IDTOKEN_LEEWAY_S + 1, NOW + 300), -EBADMSG);
	EQ(at(NOW - IDTOKEN_AGE_MAX_S - IDTOKEN_LEEWAY_S, NOW + 300), 0);
	EQ(at(NOW - IDTOKEN_AGE_MAX_S - IDTOKEN_LEEWAY_S - 1, NOW + 300), -EBADMSG);
	EQ(says(HEAD FOR_US NONCE ",\"iat\":1800000000}"), -EBADMSG);
	EQ(says(HEAD FOR_US NONCE ",\"exp\":1800000300}"), -EBADMSG);
	EQ(says(HEAD FOR_US NONCE ",\"iat\":\"1800000000\",\"exp\":1800000300}"), -EBADMSG);
	EQ(says(GOOD ",\"exp\":1e300}"), 0); /* the first one counts */
	EQ(says(HEAD FOR_US NONCE ",\"iat\":1800000000,\"exp\":1e300}"), -EBADMSG);
	EQ(says(GOOD ",\"nbf\":1800000061}"), -EBADMSG);
}

static void keys_that_are_none_are_refused(void)
{
	static const char curve[] = "{\"keys\":[{\"kty\":\"EC\",\"kid\":\"b\",\"crv\":\"P-256\","
	                            "\"x\":\"AA\",\"y\":\"AA\"}]}";
	static const char *const sets[] = {
		curve,
		"",
		"{}",
		"[]",
		"{\"keys\":{}}",
		"{\"keys\":[]}",
		"{\"keys\":\"x\"}",
		"{\"keys\":[{\"kty\":\"EC\",\"kid\":\"b\",\"crv\":\"P-256\"}]}",
		"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"b\",\"n\":\"AA\",\"e\":\"AQAB\"}]}",
	};
	auto_(buf_free) struct buf token = buf_of(64 * 1024);
	struct idtoken t;
	const char *why;
	jws_put(&token, ec, "ES256", "b", STR(GOOD "}"));
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		OK(idtoken_verify(&t, buf_view(&token), str_of(sets[i]), &want, &why) < 0);
}

int main(void)
{
	make_keys();
	RUN(good_ones_say_who_it_is);
	RUN(the_key_is_found_without_its_name);
	RUN(other_keys_sign_nothing);
	RUN(other_algorithms_are_refused);
	RUN(heads_that_lie_are_refused);
	RUN(every_changed_byte_is_seen);
	RUN(what_is_said_to_others_is_refused);
	RUN(clocks_may_differ_by_a_minute);
	RUN(keys_that_are_none_are_refused);
	free_keys();
	return tap_done();
}
