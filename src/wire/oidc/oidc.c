#include "wire/oidc/oidc.h"

#include <errno.h>
#include <stdlib.h>

#include <nettle/sha2.h>

#include "base/code.h"
#include "wire/ctl/ctl.h"
#include "wire/http/target.h"
#include "wire/http/url.h"

static const struct str scope = STR_INIT("openid email profile");

/* --- the provider -------------------------------------------------------------------------- */

void oidc_put_meta_url(struct buf *b, struct str issuer)
{
	if (str_ends(issuer, STR("/")))
		issuer.len--;
	buf_str(b, issuer);
	buf_lit(b, "/.well-known/openid-configuration");
}

static char *url_of(const cJSON *doc, const char *name)
{
	struct http_url u;
	struct str s = ctl_text(doc, name);
	return s.len <= OIDC_URL_MAX && http_url_parse(&u, s) == 0 ? str_dup(s) : NULL;
}

/* Does the list name it?  A list that is not there is `absent`. */
static bool names(const cJSON *doc, const char *list, const char *value, bool absent)
{
	const cJSON *v, *a = cJSON_GetObjectItemCaseSensitive(doc, list);
	if (!cJSON_IsArray(a))
		return absent;
	cJSON_ArrayForEach(v, a)
	{
		if (cJSON_IsString(v) && strcmp(v->valuestring, value) == 0)
			return true;
	}
	return false;
}

static const char *check_meta(const struct oidc_meta *m, const cJSON *doc)
{
	if (!m->authorize || !m->token || !m->keys)
		return "authorization_endpoint, token_endpoint and jwks_uri must be https URLs";
	if (!names(doc, "response_types_supported", "code", true))
		return "the provider does not have the authorization code flow";
	if (!names(doc, "code_challenge_methods_supported", "S256", true))
		return "the provider does not have PKCE with S256";
	return NULL;
}

/* client_secret_basic is what counts if nothing is said (Discovery, section 3). */
static struct oidc_meta *read_meta(const cJSON *doc)
{
	static const char methods[] = "token_endpoint_auth_methods_supported";
	struct oidc_meta *m = xnew(struct oidc_meta);
	m->issuer = str_dup(ctl_text(doc, "issuer"));
	m->authorize = url_of(doc, "authorization_endpoint");
	m->token = url_of(doc, "token_endpoint");
	m->keys = url_of(doc, "jwks_uri");
	m->post = !names(doc, methods, "client_secret_basic", true) &&
	          names(doc, methods, "client_secret_post", false);
	return m;
}

struct oidc_meta *oidc_meta_parse(struct str json, struct str issuer, const char **why)
{
	struct oidc_meta *m = NULL;
	cJSON *doc = ctl_parse_json(json, why);
	if (!cJSON_IsObject(doc)) {
		*why = doc ? "it is no JSON object" : *why;
	} else if (!str_eq(ctl_text(doc, "issuer"), issuer)) {
		*why = "it is of another issuer";
	} else {
		m = read_meta(doc);
		const char *bad = check_meta(m, doc);
		if (bad) {
			*why = bad;
			oidc_meta_free(&m);
		}
	}
	cJSON_Delete(doc);
	return m;
}

void oidc_meta_free(struct oidc_meta **mp)
{
	struct oidc_meta *m = take(mp);
	if (!m)
		return;
	free(m->issuer);
	free(m->authorize);
	free(m->token);
	free(m->keys);
	free(m);
}

/* --- the browser --------------------------------------------------------------------------- */

static void put_param(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "&%s=", name);
	http_escape(b, value);
}

/* RFC 7636 section 4.2. */
static void put_challenge(struct buf *b, struct str verifier)
{
	struct sha256_ctx ctx;
	uint8_t hash[SHA256_DIGEST_SIZE];
	sha256_init(&ctx);
	sha256_update(&ctx, verifier.len, (const uint8_t *)verifier.p);
	sha256_digest(&ctx, sizeof(hash), hash);
	buf_lit(b, "&code_challenge=");
	base64url_put(b, hash, sizeof(hash));
	buf_lit(b, "&code_challenge_method=S256");
}

void oidc_put_authorize(struct buf *b, const struct oidc_meta *m, const struct oidc_flow *f)
{
	struct str at = str_of(m->authorize);
	buf_str(b, at);
	buf_char(b, str_chr(at, '?') < 0 ? '?' : '&');
	buf_lit(b, "response_type=code");
	put_param(b, "scope", scope);
	put_param(b, "client_id", f->client);
	put_param(b, "redirect_uri", f->redirect);
	put_param(b, "state", f->state);
	put_param(b, "nonce", f->nonce);
	put_challenge(b, f->verifier);
	if (f->fresh)
		buf_lit(b, "&prompt=login&max_age=0");
}

static struct str *field_of(struct oidc_back *back, struct str name)
{
	static const struct {
		struct str name;
		size_t offset;
	} fields[] = {
		{ STR_INIT("code"), offsetof(struct oidc_back, code) },
		{ STR_INIT("state"), offsetof(struct oidc_back, state) },
		{ STR_INIT("iss"), offsetof(struct oidc_back, iss) },
		{ STR_INIT("error"), offsetof(struct oidc_back, error) },
	};
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (str_eq(name, fields[i].name))
			return (void *)((char *)back + fields[i].offset);
	return NULL;
}

/* Twice would be read in two ways (RFC 6749 section 3.1). */
static int take_param(struct oidc_back *back, struct buf *texts, struct str name, struct str value)
{
	size_t at = texts->len;
	struct str *to = field_of(back, name);
	if (!to)
		return 0;
	if (to->p || http_query_decode(texts, value) < 0 || texts->full)
		return -EBADMSG;
	*to = str_n(texts->p + at, texts->len - at);
	return 0;
}

int oidc_back_parse(struct oidc_back *ret, struct str query)
{
	struct buf texts = { .p = ret->space,
		             .cap = sizeof(ret->space),
		             .max = sizeof(ret->space) };
	struct str name, value;
	ret->code = ret->state = ret->iss = ret->error = (struct str){ NULL, 0 };
	if (query.len > OIDC_QUERY_MAX)
		return -EBADMSG;
	while (http_query_next(&query, &name, &value))
		if (take_param(ret, &texts, name, value) < 0)
			return -EBADMSG;
	return ret->code.len > OIDC_CODE_MAX ? -EBADMSG : 0;
}

/* --- the exchange of the code -------------------------------------------------------------- */

void oidc_put_exchange(struct buf *b, const struct oidc_flow *f, struct str code, struct str secret)
{
	buf_lit(b, "grant_type=authorization_code");
	put_param(b, "code", code);
	put_param(b, "redirect_uri", f->redirect);
	put_param(b, "client_id", f->client);
	put_param(b, "code_verifier", f->verifier);
	if (secret.len > 0)
		put_param(b, "client_secret", secret);
}

void oidc_put_basic(struct buf *b, struct str client, struct str secret)
{
	auto_(buf_free) struct buf pair = buf_of(OIDC_URL_MAX);
	http_escape(&pair, client);
	buf_char(&pair, ':');
	http_escape(&pair, secret);
	b->full |= pair.full;
	buf_lit(b, "Basic ");
	base64_put(b, pair.p, pair.len);
	wipe(pair.p, pair.len);
}

int oidc_token_parse(struct buf *ret, struct str json, const char **why)
{
	cJSON *doc = ctl_parse_json(json, why);
	struct str token = ctl_text(doc, "id_token");
	int r = -EBADMSG;
	if (!cJSON_IsObject(doc))
		*why = doc ? "it is no JSON object" : *why;
	else if (token.len == 0 || token.len > OIDC_TOKEN_MAX)
		*why = "there is no id_token in it, or it is too large";
	else
		r = 0;
	if (r == 0)
		buf_str(ret, token);
	cJSON_Delete(doc);
	return r;
}

/* RFC 6749 section 5.2 allows more; these are all that there are. */
static bool is_error(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '_'))
			return false;
	return s.len > 0 && s.len <= OIDC_ERROR_MAX;
}

void oidc_error_parse(struct buf *ret, struct str json)
{
	const char *why;
	cJSON *doc = ctl_parse_json(json, &why);
	struct str error = cJSON_IsObject(doc) ? ctl_text(doc, "error") : STR("");
	if (is_error(error))
		buf_str(ret, error);
	cJSON_Delete(doc);
}
