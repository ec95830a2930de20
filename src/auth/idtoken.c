#include "auth/idtoken.h"

#include <errno.h>
#include <stdlib.h>

#include <cjose/cjose.h>

#include "base/code.h"
#include "wire/ctl/ctl.h"

enum { SET_MAX = 256 * 1024 /* bytes */, EXPONENT_MAX = 8, P256_LEN = 32 };

static const double time_max = 253402300800.0; /* the year 10000 */

/* --- the head ------------------------------------------------------------------------------ */

enum alg { RS256, ES256, N_ALGS };

/* clang-format off */
static const struct {
	const char *name, *kty;
} algs[] = {
	[RS256] = { "RS256", "RSA" },
	[ES256] = { "ES256", "EC" },
};
/* clang-format on */

/* The JSON object in a part of the token; NULL.  A zero byte would end a text for cJSON. */
static cJSON *part_of(struct str b64)
{
	const char *why;
	auto_(buf_free) struct buf text = buf_of(IDTOKEN_MAX);
	if (base64url_get(b64, &text) < 0 || text.full ||
	    str_find(buf_view(&text), STR("\\u0000")) >= 0)
		return NULL;
	cJSON *v = ctl_parse_json(buf_view(&text), &why);
	if (cJSON_IsObject(v))
		return v;
	cJSON_Delete(v);
	return NULL;
}

static enum alg alg_of(struct str name)
{
	for (unsigned i = 0; i < N_ALGS; i++)
		if (str_eq(name, str_of(algs[i].name)))
			return (enum alg)i;
	return N_ALGS;
}

/* --- keys ---------------------------------------------------------------------------------- */

/* Bytes of a number of the key, without zeros in front; 0: it is none.  The library ends the
 * process for what is no base64url, so nothing of that kind reaches it. */
static size_t size_of(const cJSON *key, const char *name)
{
	auto_(buf_free) struct buf n = buf_of(IDTOKEN_RSA_MAX + 1);
	struct str text = ctl_text(key, name);
	if (str_chr(text, '=') >= 0 || base64url_get(text, &n) < 0 || n.full)
		return 0;
	size_t zeros = 0;
	while (zeros < n.len && n.p[zeros] == 0)
		zeros++;
	return n.len - zeros;
}

static bool is_rsa(const cJSON *key)
{
	size_t n = size_of(key, "n"), e = size_of(key, "e");
	return n >= IDTOKEN_RSA_MIN && n <= IDTOKEN_RSA_MAX && e > 0 && e <= EXPONENT_MAX;
}

static bool is_ec(const cJSON *key)
{
	size_t x = size_of(key, "x"), y = size_of(key, "y");
	return str_eq(ctl_text(key, "crv"), STR("P-256")) && x > 0 && x <= P256_LEN && y > 0 &&
	       y <= P256_LEN;
}

/* Is it one to check such signatures with? */
static bool fits(const cJSON *key, enum alg alg, struct str kid)
{
	struct str use = ctl_text(key, "use"), own = ctl_text(key, "alg");
	return cJSON_IsObject(key) && str_eq(ctl_text(key, "kty"), str_of(algs[alg].kty)) &&
	       (use.len == 0 || str_eq(use, STR("sig"))) &&
	       (own.len == 0 || str_eq(own, str_of(algs[alg].name))) &&
	       (kid.len == 0 || str_eq(ctl_text(key, "kid"), kid)) &&
	       (alg == RS256 ? is_rsa(key) : is_ec(key));
}

/* The public part alone, so that nothing else of what stands there reaches the library. */
static cjose_jwk_t *import(const cJSON *key, enum alg alg)
{
	static const char *const members[N_ALGS][4] = {
		[RS256] = { "kty", "n", "e" }, [ES256] = { "kty", "crv", "x", "y" }
	};
	auto_(buf_free) struct buf b = buf_of(SET_MAX);
	cjose_err err;
	buf_lit(&b, "{\"v\":0");
	for (unsigned i = 0; i < 4 && members[alg][i]; i++)
		json_put_member(&b, members[alg][i], ctl_text(key, members[alg][i]));
	buf_char(&b, '}');
	return b.full ? NULL : cjose_jwk_import(b.p, b.len, &err);
}

/* Of a head that says it twice the library reads the last one. */
static bool is_signed_with(cjose_jws_t *jws, enum alg alg)
{
	cjose_err err;
	const char *name = cjose_header_get(cjose_jws_get_protected(jws), CJOSE_HDR_ALG, &err);
	return name && strcmp(name, algs[alg].name) == 0;
}

static bool signs(const cJSON *key, enum alg alg, struct str token)
{
	cjose_err err;
	cjose_jwk_t *jwk = import(key, alg);
	cjose_jws_t *jws = jwk ? cjose_jws_import(token.p, token.len, &err) : NULL;
	bool good = jws && is_signed_with(jws, alg) && cjose_jws_verify(jws, jwk, &err);
	if (jws)
		cjose_jws_release(jws);
	if (jwk)
		(void)cjose_jwk_release(jwk);
	return good;
}

static int check_keys(const cJSON *set, enum alg alg, struct str kid, struct str token,
                      const char **why)
{
	const cJSON *key;
	unsigned seen = 0, tried = 0;
	cJSON_ArrayForEach(key, set)
	{
		if (++seen > IDTOKEN_KEYS_MAX || tried == IDTOKEN_CHECKS_MAX)
			break;
		if (!fits(key, alg, kid))
			continue;
		tried++;
		if (signs(key, alg, token))
			return 0;
	}
	*why = tried ? "its signature is wrong" : "its key is none of the provider's";
	return tried && kid.len > 0 ? -EBADMSG : -ENOKEY;
}

static int check_signature(struct str head, struct str token, struct str keys, const char **why)
{
	cJSON *h = part_of(head), *set = NULL;
	enum alg alg = h ? alg_of(ctl_text(h, "alg")) : N_ALGS;
	int r = -EBADMSG;
	if (!h)
		*why = "it is no token";
	else if (alg == N_ALGS)
		*why = "it is not signed with RS256 or ES256";
	else if (cJSON_GetObjectItemCaseSensitive(h, "crit"))
		*why = "it has an extension that is not known"; /* RFC 7515 section 4.1.11 */
	else if (keys.len > SET_MAX || !(set = ctl_parse_json(keys, why)))
		*why = "the provider's keys cannot be read";
	else
		r = check_keys(cJSON_GetObjectItemCaseSensitive(set, "keys"), alg,
		               ctl_text(h, "kid"), token, why);
	cJSON_Delete(set);
	cJSON_Delete(h);
	return r;
}

/* --- claims -------------------------------------------------------------------------------- */

/* 0: it is not there, or no time. */
static int64_t time_of(const cJSON *c, const char *name)
{
	double v = ctl_number(c, name, 0);
	return v > 0 && v < time_max ? (int64_t)v : 0;
}

/* For us; with others besides only if it says that it was issued to us (azp). */
static bool is_for(const cJSON *c, struct str client)
{
	const cJSON *v, *aud = cJSON_GetObjectItemCaseSensitive(c, "aud");
	const cJSON *azp = cJSON_GetObjectItemCaseSensitive(c, "azp");
	unsigned n = 0;
	bool found = cJSON_IsString(aud) && str_eq(str_of(aud->valuestring), client);
	if (cJSON_IsArray(aud))
		cJSON_ArrayForEach(v, aud)
		{
			n++;
			found |= cJSON_IsString(v) && str_eq(str_of(v->valuestring), client);
		}
	if (azp)
		return found && cJSON_IsString(azp) && str_eq(str_of(azp->valuestring), client);
	return found && n <= 1;
}

static const char *check_claims(const cJSON *c, const struct idtoken_want *want)
{
	int64_t exp = time_of(c, "exp"), iat = time_of(c, "iat"), nbf = time_of(c, "nbf");
	struct str nonce = ctl_text(c, "nonce"), sub = ctl_text(c, "sub");
	if (!str_eq(ctl_text(c, "iss"), want->issuer))
		return "it is of another issuer";
	if (!is_for(c, want->client))
		return "it is for another client";
	if (exp == 0 || exp + IDTOKEN_LEEWAY_S <= want->now_s)
		return "it has expired";
	if (iat == 0 || iat > want->now_s + IDTOKEN_LEEWAY_S ||
	    nbf > want->now_s + IDTOKEN_LEEWAY_S)
		return "it was issued in the future; check the clocks";
	if (iat + IDTOKEN_AGE_MAX_S + IDTOKEN_LEEWAY_S < want->now_s)
		return "it was issued too long ago; check the clocks";
	if (want->nonce.len == 0 || nonce.len != want->nonce.len ||
	    !same_secret(nonce.p, want->nonce.p, nonce.len))
		return "it is of another sign-in";
	if (sub.len == 0 || sub.len > IDTOKEN_TEXT_MAX)
		return "it names nobody";
	return NULL;
}

/* What is too long names nobody here. */
static void copy(char ret[IDTOKEN_TEXT_MAX + 1], struct str s)
{
	if (s.len > IDTOKEN_TEXT_MAX)
		s.len = 0;
	if (s.len > 0)
		memcpy(ret, s.p, s.len);
	ret[s.len] = '\0';
}

/* Some providers write the flag as a text. */
static bool is_true(const cJSON *c, const char *name)
{
	return ctl_flag(c, name) || str_eq(ctl_text(c, name), STR("true"));
}

static int read_claims(struct idtoken *ret, struct str payload, const struct idtoken_want *want,
                       const char **why)
{
	cJSON *c = part_of(payload);
	const char *bad = c ? check_claims(c, want) : "it is no token";
	if (bad) {
		*why = bad;
	} else {
		copy(ret->sub, ctl_text(c, "sub"));
		copy(ret->email, ctl_text(c, "email"));
		copy(ret->preferred_username, ctl_text(c, "preferred_username"));
		ret->email_verified = is_true(c, "email_verified");
		ret->auth_time = time_of(c, "auth_time");
	}
	cJSON_Delete(c);
	return bad ? -EBADMSG : 0;
}

static bool is_base64url(struct str s)
{
	auto_(buf_free) struct buf b = buf_of(IDTOKEN_MAX);
	return s.len > 0 && str_chr(s, '=') < 0 && base64url_get(s, &b) == 0 && !b.full;
}

int idtoken_verify(struct idtoken *ret, struct str token, struct str keys,
                   const struct idtoken_want *want, const char **why)
{
	struct str head, payload, signature;
	*why = "it is no token";
	if (token.len > IDTOKEN_MAX || !str_cut(token, '.', &head, &payload) ||
	    !str_cut(payload, '.', &payload, &signature) || !is_base64url(head) ||
	    !is_base64url(payload) || !is_base64url(signature))
		return -EBADMSG;
	int r = check_signature(head, token, keys, why);
	return r < 0 ? r : read_claims(ret, payload, want, why);
}
