#include "auth/ntlm_bench.h"

#include <errno.h>
#include <stdlib.h>

#include "auth/password.h"
#include "base/code.h"

/* --- accounts ------------------------------------------------------------------------- */

static struct acct_msg verdict_of(const struct acct_msg *m)
{
	struct acct_msg v = { .type = ACCT_VERDICT, .id = m->id };
	v.verdict.verdict = ACCOUNTS_REFUSE;
	return v;
}

/* Knows alice, and her password. */
static void serve(struct fake_accounts *f, const struct acct_msg *m)
{
	struct ntlm_auth a;
	uint8_t nt[16], key[NTLM_KEY_LEN];
	if (m->type != ACCT_AUTH)
		return;
	struct acct_msg v = verdict_of(m);
	struct bytes msg = { m->auth.blob.p + NTLM_CHALLENGE_LEN,
		             m->auth.blob.len - NTLM_CHALLENGE_LEN };
	EQ(m->auth.mech, ACCOUNTS_NTLM);
	EQ(ntlm_get_auth(&a, msg), 0);
	EQ(password_nt_hash(nt, STR("correct horse")), 0);
	if (ntlm_proves(key, &a, m->auth.blob.p, nt)) {
		v.verdict.verdict = ACCOUNTS_ACCEPT;
		v.verdict.account = 77;
		v.verdict.credential = 78;
		v.verdict.uri = STR("alice@example.test");
		v.verdict.key = (struct bytes){ key, sizeof(key) };
	}
	fake_accounts_send(f, &v);
}

void bench_serve_slow(struct fake_accounts *f, const struct acct_msg *m)
{
	struct acct_msg v = verdict_of(m);
	v.verdict.verdict = ACCOUNTS_SLOW;
	v.verdict.retry_s = 9;
	if (m->type == ACCT_AUTH)
		fake_accounts_send(f, &v);
}

void bench_serve_without_key(struct fake_accounts *f, const struct acct_msg *m)
{
	struct acct_msg v = verdict_of(m);
	v.verdict.verdict = ACCOUNTS_ACCEPT;
	if (m->type == ACCT_AUTH)
		fake_accounts_send(f, &v);
}

struct bench *bench_start(void)
{
	struct bench *b = xnew(struct bench);
	int fd;
	b->l = loop_new();
	fake_accounts_start(&b->far, b->l, &fd);
	b->far.serve = serve;
	b->accounts = accounts_new(b->l, fd, NULL, NULL);
	b->mech = mech_ntlm_new(&(struct mech_ntlm_config){ .accounts = b->accounts,
	                                                    .realm = STR(REALM),
	                                                    .target = STR(TARGET),
	                                                    .domain = STR("example.test") });
	return b;
}

void bench_end(struct bench *b)
{
	accounts_free(&b->accounts);
	mech_ntlm_free(&b->mech);
	fake_accounts_end(&b->far);
	loop_free(&b->l);
	free(b);
}

struct acct_msg bench_last_asked(const struct bench *b, unsigned *ret_n)
{
	struct acct_msg last = { .type = ACCT_AUTH };
	*ret_n = 0;
	for (size_t i = 0; i < b->far.n_asked; i++) {
		if (b->far.asked[i].type != ACCT_AUTH)
			continue;
		last = b->far.asked[i];
		++*ret_n;
	}
	return last;
}

unsigned bench_n_asked(const struct bench *b)
{
	unsigned n;
	(void)bench_last_asked(b, &n);
	return n;
}

/* --- phones --------------------------------------------------------------------------- */

void phone_begin(struct phone *p, struct bench *b)
{
	struct addr peer;
	EQ(addr_parse(&peer, STR("192.0.2.1"), 5061), 0);
	*p = (struct phone){ .b = b, .version = 4 };
	p->c = (struct ntlm_client){ .user = "alice", .domain = "", .password = "correct horse" };
	p->a = mech_ntlm.begin(b->mech, &peer);
}

void phone_hang_up(struct phone *p)
{
	mech_ntlm.free(p->b->mech, &p->a);
	OK(p->a == NULL);
}

static void on_done(void *arg, const struct auth_result *r)
{
	struct phone *p = arg;
	p->calls++;
	p->kind = r->kind;
	p->account = r->account;
	p->credential = r->credential;
	p->retry_s = r->retry_s;
	OK(r->why && r->why[0]);
	(void)snprintf(p->challenge, sizeof(p->challenge), "%.*s", (int)r->challenge.len,
	               r->challenge.p ? r->challenge.p : "");
	(void)snprintf(p->uri, sizeof(p->uri), "%.*s", (int)r->uri.len, r->uri.p ? r->uri.p : "");
}

struct sip_msg phone_request(struct buf *b, struct str lines)
{
	struct sip_msg m;
	b->len = 0;
	buf_printf(b,
	           "REGISTER sip:example.test SIP/2.0\r\nFrom: <sip:alice@example.test>;tag=f1\r\n"
	           "To: <sip:alice@example.test>;tag=t1\r\nCall-ID: c1\r\nCSeq: 7 REGISTER\r\n"
	           "P-Preferred-Identity: <sip:alice@example.test>, <tel:+4930>\r\n"
	           "Expires: 600\r\n%" STR_FMT "Content-Length: 0\r\n\r\n",
	           STR_ARG(lines));
	EQ(sip_parse(&m, buf_view(b)), 0);
	return m;
}

int phone_step(struct phone *p, struct str creds)
{
	auto_(buf_free) struct buf text = buf_of(4096);
	struct sip_msg m = phone_request(&text, STR(""));
	return mech_ntlm.step(p->b->mech, p->a, &m, creds, loop_wall(p->b->l), on_done, p);
}

static void put_head(struct phone *p, struct buf *b)
{
	struct str id = mech_ntlm.id(p->b->mech, p->a);
	buf_printf(b,
	           "NTLM qop=\"auth\", opaque=\"%.*s\", realm=\"" REALM "\", targetname=\"" TARGET
	           "\"",
	           (int)id.len, id.p);
}

void phone_ask(struct phone *p, uint8_t ret_challenge[NTLM_CHALLENGE_LEN])
{
	auto_(buf_free) struct buf creds = buf_of(1000), data = buf_of(1000);
	struct sip_sign s;
	buf_printf(&creds,
	           "NTLM qop=\"auth\", realm=\"" REALM "\", targetname=\"" TARGET
	           "\", gssapi-data=\"\", version=%u",
	           p->version);
	EQ(phone_step(p, buf_view(&creds)), 0);
	EQ(p->kind, AUTH_CHALLENGE);
	EQ(sip_sign_parse(&s, str_of(p->challenge)), 0);
	OK(str_eq(s.opaque, mech_ntlm.id(p->b->mech, p->a)) && s.opaque.len == 8);
	EQ_STR(s.realm, REALM);
	EQ_STR(s.target, TARGET);
	EQ(s.version, p->version);
	EQ(base64_get(s.gssapi_data, &data), 0);
	OK(data.len > 56 && memcmp(data.p, "NTLMSSP\0\2\0\0\0", 12) == 0);
	OK(memcmp(data.p + 20, "\x55\x82\x98\xe2", 4) == 0);
	memcpy(ret_challenge, data.p + 24, NTLM_CHALLENGE_LEN);
}

void phone_put_answer(struct phone *p, struct buf *b, const uint8_t challenge[NTLM_CHALLENGE_LEN])
{
	auto_(buf_free) struct buf data = buf_of(4096), text = buf_of(4096);
	const struct sip_sign s = { .realm = STR(REALM), .target = STR(TARGET) };
	struct sip_msg m = phone_request(&text, STR(""));
	ntlm_client_answer(&p->c, &data, challenge);
	put_head(p, b);
	buf_lit(b, ", gssapi-data=\"");
	base64_put(b, data.p, data.len);
	buf_printf(b, "\", version=%u", p->version);
	if (p->version >= 4)
		ntlm_client_sign(&p->c, b, &m, &s);
}

enum auth_result_kind phone_sign_in(struct phone *p)
{
	auto_(buf_free) struct buf creds = buf_of(8192);
	uint8_t challenge[NTLM_CHALLENGE_LEN];
	phone_ask(p, challenge);
	phone_put_answer(p, &creds, challenge);
	unsigned calls = p->calls;
	EQ(phone_step(p, buf_view(&creds)), -EINPROGRESS);
	EQ(p->calls, calls);
	AWAIT(p->b->l, p->calls == calls + 1);
	return p->kind;
}

void phone_put_signed_line(struct phone *p, struct buf *b)
{
	auto_(buf_free) struct buf text = buf_of(4096);
	const struct sip_sign s = { .realm = STR(REALM), .target = STR(TARGET) };
	struct sip_msg m = phone_request(&text, STR(""));
	buf_lit(b, "Authorization: ");
	put_head(p, b);
	ntlm_client_sign(&p->c, b, &m, &s);
	buf_lit(b, "\r\n");
}

int phone_verify(struct phone *p, struct str line)
{
	auto_(buf_free) struct buf text = buf_of(4096);
	struct sip_msg m = phone_request(&text, line);
	return mech_ntlm.verify(p->b->mech, p->a, &m);
}

int phone_verify_next(struct phone *p)
{
	auto_(buf_free) struct buf line = buf_of(2048);
	phone_put_signed_line(p, &line);
	return phone_verify(p, buf_view(&line));
}
