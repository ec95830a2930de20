#include "wire/oidc/oidc.h"

#include <errno.h>

#include "tap.h"

#define ISSUER "https://login.test/realm"
#define URLS                                                                         \
	"\"authorization_endpoint\":\"https://login.test/auth\",\"token_endpoint\":" \
	"\"https://login.test/token\",\"jwks_uri\":\"https://keys.test/\""

static struct oidc_meta *read(const char *json)
{
	const char *why = NULL;
	struct oidc_meta *m = oidc_meta_parse(str_of(json), STR(ISSUER), &why);
	OK(m || why);
	return m;
}

static void metadata_says_where_things_are(void)
{
	struct oidc_meta *m = read("{\"issuer\":\"" ISSUER "\"," URLS "}");
	OK(m != NULL);
	EQ_STR(str_of(m->authorize), "https://login.test/auth");
	EQ_STR(str_of(m->token), "https://login.test/token");
	EQ_STR(str_of(m->keys), "https://keys.test/");
	OK(!m->post);
	oidc_meta_free(&m);
	m = read("{\"issuer\":\"" ISSUER "\"," URLS
	         ",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\"]}");
	OK(m && m->post);
	oidc_meta_free(&m);
	m = read("{\"issuer\":\"" ISSUER "\"," URLS ",\"token_endpoint_auth_methods_supported\":"
	         "[\"client_secret_post\",\"client_secret_basic\"]}");
	OK(m && !m->post);
	oidc_meta_free(&m);
}

static void metadata_that_does_not_fit_is_refused(void)
{
	static const char *const rows[] = {
		"",
		"[]",
		"{}",
		"{\"issuer\":\"https://login.test\"," URLS "}",
		"{\"issuer\":\"" ISSUER "/\"," URLS "}",
		"{\"issuer\":\"" ISSUER "\"}",
		"{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"http://login.test/auth\","
		"\"token_endpoint\":\"https://login.test/token\",\"jwks_uri\":\"https://k.test\"}",
		"{\"issuer\":\"" ISSUER "\",\"authorization_endpoint\":\"javascript:alert(1)\","
		"\"token_endpoint\":\"https://login.test/token\",\"jwks_uri\":\"https://k.test\"}",
		"{\"issuer\":\"" ISSUER "\"," URLS ",\"response_types_supported\":[\"token\"]}",
		"{\"issuer\":\"" ISSUER "\"," URLS
		",\"code_challenge_methods_supported\":[\"plain\"]}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		OK(read(rows[i]) == NULL);
}

static void where_the_metadata_is(void)
{
	char space[128];
	struct buf b = BUF_ON(space);
	oidc_put_meta_url(&b, STR("https://login.test"));
	EQ_STR(buf_view(&b), "https://login.test/.well-known/openid-configuration");
	b.len = 0;
	oidc_put_meta_url(&b, STR("https://login.test/realm/"));
	EQ_STR(buf_view(&b), "https://login.test/realm/.well-known/openid-configuration");
}

/* The verifier and its challenge are those of RFC 7636, appendix B. */
static const struct oidc_flow flow = {
	.client = STR_INIT("we & us"),
	.redirect = STR_INIT("https://sip.test:4443/api/v1/oidc/callback"),
	.state = STR_INIT("st"),
	.nonce = STR_INIT("no"),
	.verifier = STR_INIT("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
};
#define PARAMS                                                                                \
	"response_type=code&scope=openid%20email%20profile&client_id=we%20%26%20us&"          \
	"redirect_uri=https%3A%2F%2Fsip.test%3A4443%2Fapi%2Fv1%2Foidc%2Fcallback&state=st&"   \
	"nonce=no&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_" \
	"method=S256"

static void the_browser_goes_there_with_a_challenge(void)
{
	static char at[] = "https://login.test/auth", with[] = "https://login.test/auth?x=y";
	auto_(buf_free) struct buf b = buf_of(4096);
	oidc_put_authorize(&b, &(struct oidc_meta){ .authorize = at }, &flow);
	EQ_STR(buf_view(&b), "https://login.test/auth?" PARAMS);
	b.len = 0;
	struct oidc_flow fresh = flow;
	fresh.fresh = true;
	oidc_put_authorize(&b, &(struct oidc_meta){ .authorize = with }, &fresh);
	EQ_STR(buf_view(&b), "https://login.test/auth?x=y&" PARAMS "&prompt=login&max_age=0");
}

static void what_comes_back_is_read(void)
{
	static struct oidc_back back;
	EQ(oidc_back_parse(&back, STR("state=a%2Bb&code=c+d&session_state=x&iss=https%3A%2F%2Fl")),
	   0);
	EQ_STR(back.state, "a+b");
	EQ_STR(back.code, "c d");
	EQ_STR(back.iss, "https://l");
	OK(!back.error.p);
	EQ(oidc_back_parse(&back, STR("error=access_denied&state=")), 0);
	EQ_STR(back.error, "access_denied");
	OK(back.state.p && back.state.len == 0);
	EQ(oidc_back_parse(&back, STR("")), 0);
	OK(!back.code.p && !back.state.p);
}

static void what_can_be_read_in_two_ways_is_refused(void)
{
	static struct oidc_back back;
	static char long_query[OIDC_QUERY_MAX + 2];
	EQ(oidc_back_parse(&back, STR("state=a&state=a")), -EBADMSG);
	EQ(oidc_back_parse(&back, STR("code=a&code=")), -EBADMSG);
	EQ(oidc_back_parse(&back, STR("code=%zz")), -EBADMSG);
	EQ(oidc_back_parse(&back, STR("code=%00")), -EBADMSG);
	EQ(oidc_back_parse(&back, STR("error=%ff")), -EBADMSG);
	memset(long_query, 'a', sizeof(long_query) - 1);
	EQ(oidc_back_parse(&back, str_of(long_query)), -EBADMSG);
	memcpy(long_query, "code=", 5);
	EQ(oidc_back_parse(&back, str_n(long_query, OIDC_CODE_MAX + 5)), 0);
	EQ(oidc_back_parse(&back, str_n(long_query, OIDC_CODE_MAX + 6)), -EBADMSG);
}

static void the_code_is_exchanged_with_the_verifier(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	oidc_put_exchange(&b, &flow, STR("c/d"), STR("s&s"));
	EQ_STR(buf_view(&b),
	       "grant_type=authorization_code&code=c%2Fd&redirect_uri="
	       "https%3A%2F%2Fsip.test%3A4443%2Fapi%2Fv1%2Foidc%2Fcallback&client_id=we%20%26%20us&"
	       "code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&client_secret=s%26s");
	b.len = 0;
	oidc_put_basic(&b, STR("a:b"), STR("c d"));
	EQ_STR(buf_view(&b), "Basic YSUzQWI6YyUyMGQ=");
}

static void answers_to_the_code_are_read(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	const char *why = NULL;
	EQ(oidc_token_parse(&b, STR("{\"access_token\":\"x\",\"id_token\":\"a.b.c\"}"), &why), 0);
	EQ_STR(buf_view(&b), "a.b.c");
	b.len = 0;
	EQ(oidc_token_parse(&b, STR("{\"id_token\":7}"), &why), -EBADMSG);
	EQ(oidc_token_parse(&b, STR("[\"id_token\"]"), &why), -EBADMSG);
	EQ(oidc_token_parse(&b, STR("<html>"), &why), -EBADMSG);
	oidc_error_parse(&b, STR("{\"error\":\"invalid_grant\",\"error_description\":\"x\"}"));
	EQ_STR(buf_view(&b), "invalid_grant");
	b.len = 0;
	oidc_error_parse(&b, STR("{\"error\":\"<script>\"}"));
	oidc_error_parse(&b, STR("{\"error\":[]}"));
	oidc_error_parse(&b, STR("no"));
	EQ_STR(buf_view(&b), "");
}

int main(void)
{
	RUN(metadata_says_where_things_are);
	RUN(metadata_that_does_not_fit_is_refused);
	RUN(where_the_metadata_is);
	RUN(the_browser_goes_there_with_a_challenge);
	RUN(what_comes_back_is_read);
	RUN(what_can_be_read_in_two_ways_is_refused);
	RUN(the_code_is_exchanged_with_the_verifier);
	RUN(answers_to_the_code_are_read);
	return tap_done();
}
