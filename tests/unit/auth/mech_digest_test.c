#include "auth/mech_digest.h"

#include <errno.h>
#include <stdlib.h>

#include "auth/fake_accounts.h"
#include "await.h"
#include "tap.h"

/* A phone whose password accounts knows. */
struct bench {
	struct loop *l;
	struct fake_accounts far;
	struct accounts *accounts;
	struct digest *digest;
	struct mech_digest *mech;
	uint8_t ha1[DIGEST_HA1_MAX];
	char nonce[64];
};

struct result {
	unsigned calls;
	enum auth_result_kind kind;
	bool repeated, stale;
	uint64_t account, credential;
	char uri[64];
};

static void serve(struct fake_accounts *f, const struct acct_msg *m)
{
	struct bench *b = f->arg;
	struct acct_msg v = { .type = ACCT_VERDICT, .id = m->id };
	if (m->type != ACCT_AUTH)
		return;
	v.verdict.verdict = ACCOUNTS_ACCEPT;
	v.verdict.account = 77;
	v.verdict.credential = 5;
	v.verdict.uri = STR("alice@example.test");
	v.verdict.key = (struct bytes){ b->ha1, digest_ha1_len(DIGEST_MD5) };
	fake_accounts_send(f, &v);
}

static void new_nonce(struct bench *b)
{
	auto_(buf_free) struct buf c = buf_of(1000);
	digest_challenge(b->digest, &c, DIGEST_MD5, false, loop_wall(b->l));
	ssize_t at = str_find(buf_view(&c), STR("nonce=\""));
	struct str nonce, rest;
	OK(at > 0 && str_cut(str_sub(buf_view(&c), (size_t)at + 7, 1000), '"', &nonce, &rest));
	(void)snprintf(b->nonce, sizeof(b->nonce), "%" STR_FMT, STR_ARG(nonce));
}

static struct bench *start(void)
{
	static const uint8_t pool_key[32] = { 7 };
	struct bench *b = xnew(struct bench);
	int fd;
	b->l = loop_new();
	fake_accounts_start(&b->far, b->l, &fd);
	b->far.serve = serve;
	b->far.arg = b;
	b->accounts = accounts_new(b->l, fd, NULL, NULL);
	b->digest = digest_new(STR("example.test"), pool_key);
	b->mech = mech_digest_new(b->digest, b->accounts, DIGEST_MD5);
	digest_ha1(b->ha1, DIGEST_MD5, STR("alice"), STR("example.test"), STR("secret"));
	new_nonce(b);
	return b;
}

static void end(struct bench **bp)
{
	struct bench *b = take(bp);
	accounts_free(&b->accounts);
	mech_digest_free(&b->mech);
	digest_free(&b->digest);
	fake_accounts_end(&b->far);
	loop_free(&b->l);
	free(b);
}

static void on_done(void *arg, const struct auth_result *r)
{
	struct result *res = arg;
	res->calls++;
	res->kind = r->kind;
	res->repeated = r->repeated;
	res->stale = str_ends(r->challenge, STR("stale=true"));
	res->account = r->account;
	res->credential = r->credential;
	(void)snprintf(res->uri, sizeof(res->uri), "%" STR_FMT, STR_ARG(r->uri));
}

/* One answer to the nonce, from an address, proved with an HA1. */
static struct result answer(struct bench *b, const char *host, const uint8_t *ha1)
{
	struct digest_creds c = { .alg = DIGEST_MD5,
		                  .username = STR("alice"),
		                  .realm = STR("example.test"),
		                  .nonce = str_of(b->nonce),
		                  .uri = STR("sip:example.test"),
		                  .cnonce = STR("x"),
		                  .nc = STR("00000001"),
		                  .qop = STR("auth") };
	struct sip_msg m = { .is_request = true, .method_name = STR("REGISTER") };
	struct result r = { 0 };
	struct addr peer;
	char proof[DIGEST_HEX_MAX], text[512];
	size_t len;
	digest_response(proof, &len, &c, m.method_name, ha1, STR(""));
	(void)snprintf(text, sizeof(text),
	               "Digest username=\"alice\", realm=\"example.test\", nonce=\"%s\", "
	               "uri=\"sip:example.test\", response=\"%.*s\", cnonce=\"x\", nc=00000001, "
	               "qop=auth",
	               b->nonce, (int)len, proof);
	EQ(addr_parse(&peer, str_of(host), 5060), 0);
	struct auth_assoc *a = mech_digest.begin(b->mech, &peer);
	(void)mech_digest.step(b->mech, a, &m, str_of(text), loop_wall(b->l), on_done, &r);
	AWAIT(b->l, r.calls == 1);
	mech_digest.free(b->mech, &a);
	return r;
}

static void answer_that_comes_again_is_known_and_lets_nobody_in(void)
{
	auto_(end) struct bench *b = start();
	EQ(answer(b, "192.0.2.1", b->ha1).kind, AUTH_ACCEPT);
	struct result r = answer(b, "192.0.2.1", b->ha1);
	EQ(r.kind, AUTH_CHALLENGE);
	OK(r.repeated && r.stale);
	EQ(r.account, 77);
	EQ(r.credential, 5);
	EQ_STR(str_of(r.uri), "alice@example.test");
	EQ(mech_digest_counts(b->mech).asked, 1);
	new_nonce(b);
	r = answer(b, "192.0.2.1", b->ha1);
	EQ(r.kind, AUTH_ACCEPT);
	OK(!r.repeated);
}

static void used_nonce_says_nothing_to_others(void)
{
	static const uint8_t wrong[DIGEST_HA1_MAX] = { 1 };
	auto_(end) struct bench *b = start();
	EQ(answer(b, "192.0.2.1", b->ha1).kind, AUTH_ACCEPT);
	/* Without the password, and with a copy of the answer from elsewhere; accounts is not
	 * asked. */
	const struct result r[] = { answer(b, "192.0.2.1", wrong), answer(b, "192.0.2.2", b->ha1) };
	for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
		EQ(r[i].kind, AUTH_CHALLENGE);
		OK(r[i].stale && !r[i].repeated);
		EQ(r[i].account, 0);
		EQ_STR(str_of(r[i].uri), "");
	}
	EQ(mech_digest_counts(b->mech).asked, 1);
}

int main(void)
{
	RUN(answer_that_comes_again_is_known_and_lets_nobody_in);
	RUN(used_nonce_says_nothing_to_others);
	return tap_done();
}
