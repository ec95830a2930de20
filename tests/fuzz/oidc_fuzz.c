/* What an OpenID provider and a browser bring: the first byte says which part.  Claims are signed
 * here, so that they are read. */
#include <stdlib.h>

#include "../unit/auth/jws.h"
#include "auth/idtoken.h"
#include "svc/oidc/flow.h"
#include "wire/http/url.h"
#include "wire/oidc/oidc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define ISSUER STR("https://login.test")

enum { META, TOKEN, BACK, URL, RAW_TOKEN, CLAIMS, KEYS, COOKIE, N_KINDS };

static void check(bool ok)
{
	if (!ok)
		abort();
}

static const struct idtoken_want want = { .issuer = STR_INIT("https://login.test"),
	                                  .client = STR_INIT("us"),
	                                  .nonce = STR_INIT("n0nce"),
	                                  .now_s = 1800000000 };

/* What may be believed of a token. */
static void verify(struct str token, struct str keys)
{
	struct idtoken t;
	const char *why = NULL;
	int r = idtoken_verify(&t, token, keys, &want, &why);
	check(r == 0 || why);
	if (r == 0)
		check(t.sub[0] && strlen(t.email) <= IDTOKEN_TEXT_MAX && t.auth_time >= 0);
}

static void read_meta(struct str in)
{
	const char *why = NULL;
	struct http_url u;
	struct oidc_meta *m = oidc_meta_parse(in, ISSUER, &why);
	check(m || why);
	if (m)
		check(http_url_parse(&u, str_of(m->authorize)) == 0 &&
		      http_url_parse(&u, str_of(m->token)) == 0 &&
		      http_url_parse(&u, str_of(m->keys)) == 0);
	oidc_meta_free(&m);
}

static void read_token(struct str in)
{
	struct buf b = buf_of(OIDC_TOKEN_MAX);
	const char *why = NULL;
	check(oidc_token_parse(&b, in, &why) == 0 ? !b.full && b.len > 0 : why != NULL);
	b.len = 0;
	oidc_error_parse(&b, in);
	check(b.len <= OIDC_ERROR_MAX);
	buf_free(&b);
}

static void read_back(struct str in)
{
	static struct oidc_back back;
	if (oidc_back_parse(&back, in) == 0)
		check(back.code.len + back.state.len + back.error.len + back.iss.len <= in.len);
}

static void read_url(struct str in)
{
	struct http_url u;
	if (http_url_parse(&u, in) == 0)
		check(u.host.len > 0 && u.port > 0 && u.path.len > 0 && u.path.p[0] == '/');
}

static void read_claims(struct str in, cjose_jwk_t *key, struct str keys)
{
	struct buf token = buf_of(4 * IDTOKEN_MAX);
	jws_put(&token, key, "ES256", "b", in);
	verify(buf_view(&token), keys);
	buf_free(&token);
}

static void read_cookie(struct str in, struct seal *seal)
{
	struct flow f;
	check(flow_get(&f, seal, in, 0) < 0); /* nobody has the key */
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t seal_key[SEAL_KEY_LEN] = { 1 };
	static cjose_jwk_t *key;
	static struct seal *seal;
	static struct buf keys, token;
	if (!key) {
		key = jws_key(false, 0, "b");
		seal = seal_new(seal_key);
		keys = buf_of(4096);
		token = buf_of(4096);
		buf_lit(&keys, "{\"keys\":[");
		jws_put_key(&keys, key);
		buf_lit(&keys, "]}");
		jws_put(&token, key, "ES256", "b", STR("{}"));
	}
	if (n == 0 || n > IDTOKEN_MAX)
		return 0;
	struct str in = str_sub(str_from_bytes((struct bytes){ p, n }), 1, n);
	switch (p[0] % N_KINDS) {
	case META:
		read_meta(in);
		break;
	case TOKEN:
		read_token(in);
		break;
	case BACK:
		read_back(in);
		break;
	case URL:
		read_url(in);
		break;
	case RAW_TOKEN:
		verify(in, buf_view(&keys));
		break;
	case CLAIMS:
		read_claims(in, key, buf_view(&keys));
		break;
	case KEYS:
		verify(buf_view(&token), in);
		break;
	case COOKIE:
		read_cookie(in, seal);
		break;
	}
	return 0;
}
