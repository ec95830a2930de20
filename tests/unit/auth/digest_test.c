#include "auth/digest.h"

#include <errno.h>

#include "base/rand.h"
#include "tap.h"

static const uint8_t key[32] = "a key of the pool";
static const usec_t start = 1800000000 * USEC_PER_SEC;

static struct digest_creds parsed(const char *text)
{
	struct digest_creds c = { 0 };
	EQ(digest_parse(&c, str_of(text)), 0);
	return c;
}

static bool good(const char *text, const char *method, const char *password, const char *body)
{
	struct digest_creds c = parsed(text);
	uint8_t ha1[DIGEST_HA1_MAX];
	digest_ha1(ha1, c.alg, c.username, c.realm, str_of(password));
	return digest_proves(&c, str_of(method), str_of(body), ha1);
}

/* --- checking ------------------------------------------------------------------------ */

#define RFC2617                                                                   \
	"Digest username=\"Mufasa\", realm=\"testrealm@host.com\","               \
	" nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\"," \
	" qop=auth, nc=00000001, cnonce=\"0a4f113b\","                            \
	" response=\"6629fae49393a05397450978507c4ef1\","                         \
	" opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""
#define RFC7616                                                                  \
	"Digest username=\"Mufasa\", realm=\"http-auth@example.org\","           \
	" uri=\"/dir/index.html\","                                              \
	" nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\","               \
	" nc=00000001, cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\"," \
	" qop=auth, opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\","

static void examples_of_rfc_2617_and_7616(void)
{
	OK(good(RFC2617, "GET", "Circle Of Life", ""));
	OK(good(RFC7616 " algorithm=MD5, response=\"8ca523f5e9506fed4657c9700eebdbec\"", "GET",
	        "Circle of Life", ""));
	OK(good(RFC7616 " algorithm=SHA-256, response=\"753927fa0e85d155564e2e272a28d1802ca10daf449"
	                "6794697cf8db5856cb6c1\"",
	        "GET", "Circle of Life", ""));
}

#define BOB                                              \
	"Digest username=\"bob\", realm=\"biloxi.com\"," \
	" nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"sip:bob@biloxi.com\","
#define SDP                                                                     \
	"v=0\r\no=bob 2890844526 2890844526 IN IP4 media.biloxi.com\r\ns=-\r\n" \
	"c=IN IP4 media.biloxi.com\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n"     \
	"a=rtpmap:0 PCMU/8000\r\nm=video 51372 RTP/AVP 31\r\n"                  \
	"a=rtpmap:31 H261/90000\r\nm=video 53000 RTP/AVP 32\r\n"                \
	"a=rtpmap:32 MPV/90000\r\n"

/* The INVITE of the IETF's SIP examples of Digest (draft-smith-sipping-auth-examples). */
static void sip_examples_without_qop_and_with_each(void)
{
	OK(good(BOB " response=\"bf57e4e0d0bffc0fbaedce64d59add5e\"", "INVITE", "zanzibar", ""));
	OK(good(BOB " qop=auth, nc=00000001, cnonce=\"0a4f113b\","
	            " response=\"89eb0059246c02b2f6ee02c7961d5ea3\"",
	        "INVITE", "zanzibar", SDP));
	OK(good(BOB " qop=auth-int, nc=00000001, cnonce=\"0a4f113b\","
	            " response=\"bdbeebb2da6adb6bca02599c2239e192\"",
	        "INVITE", "zanzibar", SDP));
}

static void anything_else_proves_nothing(void)
{
	OK(!good(RFC2617, "GET", "Circle of Life", ""));
	OK(!good(RFC2617, "PUT", "Circle Of Life", ""));
	OK(!good(BOB " qop=auth-int, nc=00000001, cnonce=\"0a4f113b\","
	             " response=\"bdbeebb2da6adb6bca02599c2239e192\"",
	         "INVITE", "zanzibar", SDP "a=inactive\r\n"));
}

static void response_digits_may_be_capitals(void)
{
	OK(good(BOB " response=\"BF57E4E0D0BFFC0FBAEDCE64D59ADD5E\"", "INVITE", "zanzibar", ""));
	OK(!good(BOB " response=\"ZZ57E4E0D0BFFC0FBAEDCE64D59ADD5E\"", "INVITE", "zanzibar", ""));
}

static void own_responses_prove(void)
{
	static const char *const forms[] = { "", ", qop=auth, nc=00000007, cnonce=x",
		                             ", qop=auth-int, nc=00000007, cnonce=x" };
	for (size_t i = 0; i < 2 * ARRAY_SIZE(forms); i++) {
		struct buf b = buf_of(4096);
		struct digest_creds c = { .alg = i & 1 ? DIGEST_SHA256 : DIGEST_MD5 };
		char hex[DIGEST_HEX_MAX];
		uint8_t ha1[DIGEST_HA1_MAX];
		size_t n;
		buf_printf(&b,
		           "Digest "
		           "username=\"a\",realm=\"r\",nonce=\"n\",uri=\"sip:r\",response=\"%0*d\""
		           ",algorithm=%s%s",
		           i & 1 ? 64 : 32, 0, i & 1 ? "SHA-256" : "md5", forms[i / 2]);
		EQ(digest_parse(&c, buf_view(&b)), 0);
		digest_ha1(ha1, c.alg, c.username, c.realm, STR("secret"));
		digest_response(hex, &n, &c, STR("REGISTER"), ha1, STR("body"));
		c.response = str_n(hex, n);
		OK(digest_proves(&c, STR("REGISTER"), STR("body"), ha1));
		hex[n - 1] ^= 1;
		OK(!digest_proves(&c, STR("REGISTER"), STR("body"), ha1));
		buf_free(&b);
	}
}

/* --- reading ------------------------------------------------------------------------- */

static int parse(const char *text)
{
	struct digest_creds c;
	return digest_parse(&c, str_of(text));
}

#define HEX32 "00112233445566778899aabbccddeeff"
#define LEAST "username=\"a\",realm=\"r\",nonce=\"n\",uri=\"sip:r\",response=\"" HEX32 "\""

static void parameters_come_in_any_order_case_and_spacing(void)
{
	struct digest_creds c = parsed("dIGEST  URI = \"sip:r\" ,\r\n Response=" HEX32
	                               ",NONCE=\"n\\\"m\",realm=\"a, b\",x=y,username=\"a\","
	                               "qop=\"auth\",nc=0000000a,cnonce=\"c\",algorithm=\"MD5\"");
	EQ_STR(c.uri, "sip:r");
	EQ_STR(c.nonce, "n\\\"m");
	EQ_STR(c.realm, "a, b");
	EQ_STR(c.username, "a");
	EQ(c.nc_value, 10);
}

static void quotes_end_where_no_backslash_stands_before(void)
{
	struct digest_creds c = parsed("Digest username=\"\\\\\",realm=\"a\\\"b\\c\",nonce=\"\","
	                               "uri=\"\\\"\",response=\"" HEX32 "\",opaque=a;b/c=d");
	EQ_STR(c.username, "\\\\");
	EQ_STR(c.realm, "a\\\"b\\c");
	EQ_STR(c.nonce, "");
	EQ_STR(c.uri, "\\\"");
	EQ_STR(c.opaque, "a;b/c=d");
}

static void broken_fields_are_refused(void)
{
	EQ(parse("Digest " LEAST), 0);
	EQ(parse("Digest " LEAST ","), 0);
	EQ(parse(""), -EBADMSG);
	EQ(parse("Digest"), -EBADMSG);
	EQ(parse("Digest "), -EBADMSG);
	EQ(parse("NTLM " LEAST), -EBADMSG);
	EQ(parse("Digest " LEAST ",nonce=\"again\""), -EBADMSG);
	EQ(parse("Digest " LEAST ",opaque=\"no end"), -EBADMSG);
	EQ(parse("Digest " LEAST ",opaque=\"\\"), -EBADMSG);
	EQ(parse("Digest " LEAST " opaque=\"no comma\""), -EBADMSG);
	EQ(parse("Digest " LEAST ",opaque"), -EBADMSG);
	EQ(parse("Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"sip:r\""), -EBADMSG);
	EQ(parse("Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"sip:r\",response=\"00\""),
	   -EBADMSG);
	EQ(parse("Digest " LEAST ",algorithm=SHA-256"), -EBADMSG);
	EQ(parse("Digest " LEAST ",qop=auth"), -EBADMSG);
	EQ(parse("Digest " LEAST ",qop=auth,nc=1,cnonce=\"c\""), -EBADMSG);
	EQ(parse("Digest " LEAST ",qop=auth,nc=00000000,cnonce=\"c\""), -EBADMSG);
	EQ(parse("Digest " LEAST ",qop=auth,nc=0000000g,cnonce=\"c\""), -EBADMSG);
	EQ(parse("Digest " LEAST ",qop=auth,nc=00000001"), -EBADMSG);
	EQ(parse("Digest " LEAST ",qop=auth-conf,nc=00000001,cnonce=\"c\""), -ENOTSUP);
	EQ(parse("Digest " LEAST ",algorithm=MD5-sess"), -ENOTSUP);
}

static void sizes_are_limited(void)
{
	struct buf b = buf_of(100000);
	buf_lit(&b, "Digest " LEAST ",cnonce=\"");
	for (int i = 0; i < DIGEST_VALUE_MAX; i++)
		buf_char(&b, 'c');
	size_t full = b.len;
	buf_char(&b, '"');
	struct digest_creds c;
	EQ(digest_parse(&c, buf_view(&b)), 0);
	b.len = full;
	buf_lit(&b, "c\"");
	EQ(digest_parse(&c, buf_view(&b)), -EBADMSG);
	b.len = 0;
	buf_lit(&b, "Digest " LEAST);
	for (int i = 0; i < DIGEST_PARAMS_MAX; i++)
		buf_lit(&b, ",x=y");
	EQ(digest_parse(&c, buf_view(&b)), -EBADMSG);
	buf_free(&b);
}

static void blob_brings_back_what_a_check_needs(void)
{
	struct digest_creds c = parsed(RFC2617), back;
	struct buf b = buf_of(DIGEST_BLOB_MAX);
	char ha2[DIGEST_HEX_MAX];
	const char *ret_ha2 = NULL;
	uint8_t ha1[DIGEST_HA1_MAX];
	digest_ha2(ha2, &c, STR("GET"), STR(""));
	digest_put_blob(&b, &c, ha2);
	EQ(digest_get_blob(&back, &ret_ha2, bytes_of(buf_view(&b))), 0);
	digest_ha1(ha1, back.alg, back.username, c.realm, STR("Circle Of Life"));
	OK(digest_proves_ha2(&back, ret_ha2, ha1));
	for (size_t n = 0; n < b.len; n++)
		EQ(digest_get_blob(&back, &ret_ha2, bytes_of(str_n(b.p, n))), -EBADMSG);
	buf_char(&b, 0);
	EQ(digest_get_blob(&back, &ret_ha2, bytes_of(buf_view(&b))), -EBADMSG);
	buf_free(&b);
}

/* --- nonces -------------------------------------------------------------------------- */

/* A client: keeps the nonce of the last challenge. */
struct phone {
	struct buf challenge;
	struct digest_creds c;
	char nc[9];
};

static void challenge(struct digest *d, struct phone *p, usec_t now)
{
	struct str nonce, end;
	buf_free(&p->challenge);
	p->challenge = buf_of(1000);
	digest_challenge(d, &p->challenge, DIGEST_MD5, false, now);

	ssize_t at = str_find(buf_view(&p->challenge), STR("nonce=\""));
	OK(at > 0);
	nonce = str_sub(buf_view(&p->challenge), (size_t)at + 7, 1000);
	OK(str_cut(nonce, '"', &p->c.nonce, &end));
	p->c.realm = digest_realm(d);
}

static struct digest_creds *with_nc(struct phone *p, uint32_t nc)
{
	(void)snprintf(p->nc, sizeof(p->nc), "%08x", nc);
	p->c.nc = str_of(p->nc);
	p->c.nc_value = nc;
	p->c.qop = nc ? STR("auth") : STR("");
	return &p->c;
}

static bool use(struct digest *d, struct digest_creds *c)
{
	(void)digest_check_nonce(d, c, start);
	return digest_use_nonce(d, c);
}

static void challenge_says_one_algorithm_and_auth(void)
{
	struct digest *d = digest_new(STR("example.test"), key);
	struct buf b = buf_of(1000);
	digest_challenge(d, &b, DIGEST_SHA256, true, start);
	struct str s = buf_view(&b);
	OK(str_starts(s, STR("Digest realm=\"example.test\", nonce=\"")));
	OK(str_ends(s, STR("\", algorithm=SHA-256, qop=\"auth\", stale=true")));
	OK(str_find(s, STR("MD5")) < 0);
	b.len = 0;
	digest_challenge(d, &b, DIGEST_MD5, false, start);
	OK(str_ends(buf_view(&b), STR("\", algorithm=MD5, qop=\"auth\"")));
	buf_free(&b);
	digest_free(&d);
}

static void each_nc_is_good_once(void)
{
	struct digest *d = digest_new(STR("example.test"), key);
	struct phone p = { 0 };
	challenge(d, &p, start);
	EQ(digest_check_nonce(d, with_nc(&p, 1), start), DIGEST_FRESH);
	EQ(digest_check_nonce(d, with_nc(&p, 1), start), DIGEST_FRESH);
	OK(digest_use_nonce(d, &p.c));
	OK(!digest_use_nonce(d, &p.c));
	EQ(digest_check_nonce(d, &p.c, start), DIGEST_USED);
	/* Requests over UDP overtake one another. */
	OK(use(d, with_nc(&p, 40)));
	OK(use(d, with_nc(&p, 39)));
	OK(!use(d, with_nc(&p, 39)));
	OK(!use(d, with_nc(&p, 40)));
	OK(use(d, with_nc(&p, 40 + DIGEST_NC_WINDOW)));
	OK(!use(d, with_nc(&p, 40)));
	OK(!use(d, with_nc(&p, 38)));
	OK(use(d, with_nc(&p, 41)));
	buf_free(&p.challenge);
	digest_free(&d);
}

static void nonce_without_nc_is_good_once(void)
{
	struct digest *d = digest_new(STR("example.test"), key);
	struct phone p = { 0 };
	challenge(d, &p, start);
	OK(use(d, with_nc(&p, 0)));
	EQ(digest_check_nonce(d, with_nc(&p, 0), start), DIGEST_USED);
	buf_free(&p.challenge);
	digest_free(&d);
}

static void old_nonces_are_stale(void)
{
	struct digest *d = digest_new(STR("example.test"), key);
	struct phone p = { 0 };
	challenge(d, &p, start);
	usec_t life = DIGEST_NONCE_LIFE_S * USEC_PER_SEC;
	EQ(digest_check_nonce(d, with_nc(&p, 1), start + life), DIGEST_FRESH);
	EQ(digest_check_nonce(d, with_nc(&p, 1), start + life + USEC_PER_SEC), DIGEST_STALE);
	EQ(digest_check_nonce(d, with_nc(&p, 1), start - 100 * USEC_PER_SEC), DIGEST_STALE);
	buf_free(&p.challenge);
	digest_free(&d);
}

static void nonces_of_others_are_told_apart(void)
{
	struct digest *d = digest_new(STR("example.test"), key);
	struct digest *sibling = digest_new(STR("example.test"), key);
	struct digest *other_realm = digest_new(STR("example.org"), key);
	struct digest *other_pool = digest_new(STR("example.test"), (const uint8_t[32]){ 1 });
	struct phone p = { 0 };
	challenge(sibling, &p, start);
	EQ(digest_check_nonce(d, with_nc(&p, 1), start), DIGEST_STALE);
	OK(!use(d, &p.c));
	challenge(other_realm, &p, start);
	EQ(digest_check_nonce(d, with_nc(&p, 1), start), DIGEST_FOREIGN);
	p.c.realm = STR("example.test");
	EQ(digest_check_nonce(d, with_nc(&p, 1), start), DIGEST_FOREIGN);
	challenge(other_pool, &p, start);
	EQ(digest_check_nonce(d, with_nc(&p, 1), start), DIGEST_FOREIGN);
	buf_free(&p.challenge);
	digest_free(&d);
	digest_free(&sibling);
	digest_free(&other_realm);
	digest_free(&other_pool);
}

static void every_changed_digit_of_a_nonce_is_seen(void)
{
	struct digest *d = digest_new(STR("example.test"), key);
	struct phone p = { 0 };
	challenge(d, &p, start);
	for (size_t i = 0; i < p.c.nonce.len; i++) {
		char text[64];
		memcpy(text, p.c.nonce.p, p.c.nonce.len);
		text[i] = text[i] == 'A' ? 'B' : 'A';
		struct digest_creds c = *with_nc(&p, 1);
		c.nonce = str_n(text, p.c.nonce.len);
		EQ(digest_check_nonce(d, &c, start), DIGEST_FOREIGN);
		OK(!digest_use_nonce(d, &c));
	}
	p.c.nonce = STR("");
	EQ(digest_check_nonce(d, &p.c, start), DIGEST_FOREIGN);
	buf_free(&p.challenge);
	digest_free(&d);
}

static void forgotten_nonces_are_stale_and_unused_ones_cost_nothing(void)
{
	struct digest *d = digest_new(STR("example.test"), key);
	struct phone first = { 0 }, p = { 0 };
	challenge(d, &first, start);
	OK(use(d, with_nc(&first, 1)));
	/* Nobody proves anything with these. */
	for (int i = 0; i < DIGEST_NC_TABLE_MAX; i++)
		challenge(d, &p, start);
	EQ(digest_check_nonce(d, with_nc(&first, 2), start), DIGEST_FRESH);
	EQ(digest_check_nonce(d, with_nc(&first, 1), start), DIGEST_USED);
	/* The last one falls on the first one's place. */
	OK(use(d, with_nc(&p, 1)));
	EQ(digest_check_nonce(d, with_nc(&first, 2), start), DIGEST_USED);
	OK(!use(d, &first.c));
	buf_free(&p.challenge);
	buf_free(&first.challenge);
	digest_free(&d);
}

int main(void)
{
	RUN(examples_of_rfc_2617_and_7616);
	RUN(sip_examples_without_qop_and_with_each);
	RUN(anything_else_proves_nothing);
	RUN(response_digits_may_be_capitals);
	RUN(own_responses_prove);
	RUN(parameters_come_in_any_order_case_and_spacing);
	RUN(quotes_end_where_no_backslash_stands_before);
	RUN(broken_fields_are_refused);
	RUN(sizes_are_limited);
	RUN(blob_brings_back_what_a_check_needs);
	RUN(challenge_says_one_algorithm_and_auth);
	RUN(each_nc_is_good_once);
	RUN(nonce_without_nc_is_good_once);
	RUN(old_nonces_are_stale);
	RUN(nonces_of_others_are_told_apart);
	RUN(every_changed_digit_of_a_nonce_is_seen);
	RUN(forgotten_nonces_are_stale_and_unused_ones_cost_nothing);
	return tap_done();
}
