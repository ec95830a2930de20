#include "auth/mech_ntlm.h"

#include <errno.h>

#include "auth/ntlm_bench.h"

static void three_legs_lead_to_an_identity(void)
{
	struct bench *b = bench_start();
	struct phone p;
	auto_(buf_free) struct buf offer = buf_of(256);
	unsigned n;
	phone_begin(&p, b);
	mech_ntlm.offer(b->mech, p.a, &offer, false, 0);
	EQ_STR(buf_view(&offer), OFFER);
	EQ(phone_sign_in(&p), AUTH_ACCEPT);
	OK(p.account == 77 && p.credential == 78 && strcmp(p.uri, "alice@example.test") == 0);
	struct acct_msg asked = bench_last_asked(b, &n);
	EQ(n, 1);
	EQ_STR(asked.auth.user, "alice@example.test");
	OK(asked.auth.peer.sa.sa_family == AF_INET);
	EQ(phone_verify_next(&p), 0);
	phone_hang_up(&p);
	bench_end(b);
}

static void version_3_signs_after_the_handshake_alone(void)
{
	struct bench *b = bench_start();
	struct phone p;
	auto_(buf_free) struct buf text = buf_of(4096), line = buf_of(1000);
	phone_begin(&p, b);
	p.version = 3;
	EQ(phone_sign_in(&p), AUTH_ACCEPT);
	EQ(p.c.num, 0);
	EQ(phone_verify_next(&p), 0);
	struct sip_msg m = phone_request(&text, STR(""));
	EQ(mech_ntlm.sign(b->mech, p.a, &m, &line), 0);
	OK(str_ends(buf_view(&line), STR(", version=3\r\n")));
	phone_hang_up(&p);
	bench_end(b);
}

static void wrong_password_is_refused_with_a_new_offer(void)
{
	struct bench *b = bench_start();
	struct phone p;
	phone_begin(&p, b);
	p.c.password = "wrong horse";
	EQ(phone_sign_in(&p), AUTH_REFUSE);
	OK(strcmp(p.challenge, OFFER) == 0);
	EQ(phone_verify_next(&p), -EACCES);
	phone_hang_up(&p);
	bench_end(b);
}

static void association_takes_one_authenticate(void)
{
	struct bench *b = bench_start();
	struct phone p;
	auto_(buf_free) struct buf creds = buf_of(8192);
	uint8_t challenge[NTLM_CHALLENGE_LEN];
	phone_begin(&p, b);
	phone_ask(&p, challenge);
	p.c.password = "wrong horse";
	phone_put_answer(&p, &creds, challenge);
	EQ(phone_step(&p, buf_view(&creds)), -EINPROGRESS);
	/* While the first is decided, and afterwards. */
	p.c.password = "correct horse";
	creds.len = 0;
	phone_put_answer(&p, &creds, challenge);
	EQ(phone_step(&p, buf_view(&creds)), 0);
	EQ(p.kind, AUTH_REFUSE);
	EQ(p.calls, 2);
	AWAIT(b->l, p.calls == 3);
	EQ(phone_step(&p, buf_view(&creds)), 0);
	EQ(p.kind, AUTH_REFUSE);
	EQ(bench_n_asked(b), 1);
	phone_hang_up(&p);
	/* Nor one that is up. */
	phone_begin(&p, b);
	EQ(phone_sign_in(&p), AUTH_ACCEPT);
	EQ(phone_step(&p, buf_view(&creds)), 0);
	EQ(p.kind, AUTH_REFUSE);
	EQ(phone_verify_next(&p), 0);
	phone_hang_up(&p);
	bench_end(b);
}

static void association_has_three_legs_at_most(void)
{
	struct bench *b = bench_start();
	struct phone p;
	uint8_t first[NTLM_CHALLENGE_LEN], again[NTLM_CHALLENGE_LEN];
	phone_begin(&p, b);
	phone_ask(&p, first);
	for (int i = 1; i < MECH_NTLM_LEGS_MAX; i++) {
		phone_ask(&p, again);
		OK(memcmp(first, again, sizeof(first)) == 0);
	}
	EQ(phone_step(&p, STR("NTLM realm=\"" REALM "\", targetname=\"" TARGET
	                      "\", gssapi-data=\"\", version=4")),
	   0);
	EQ(p.kind, AUTH_REFUSE);
	phone_hang_up(&p);
	bench_end(b);
}

static void associations_differ(void)
{
	struct bench *b = bench_start();
	struct phone p, q;
	uint8_t mine[NTLM_CHALLENGE_LEN], other[NTLM_CHALLENGE_LEN];
	phone_begin(&p, b);
	phone_begin(&q, b);
	phone_ask(&p, mine);
	phone_ask(&q, other);
	OK(memcmp(mine, other, sizeof(mine)) != 0);
	OK(!str_eq(mech_ntlm.id(b->mech, p.a), mech_ntlm.id(b->mech, q.a)));
	phone_hang_up(&p);
	phone_hang_up(&q);
	bench_end(b);
}

/* What is refused without a question to accounts: credentials put together from `creds` for a
 * challenged association. */
static void unfit_credentials_are_refused_at_once(void)
{
	static const char *const tries[] = {
		"",
		"NTLM opaque",
		"Kerberos realm=\"" REALM "\", targetname=\"" TARGET
		"\", gssapi-data=\"\", version=4",
		"NTLM realm=\"other\", targetname=\"" TARGET "\", gssapi-data=\"\", version=4",
		"NTLM realm=\"" REALM "\", targetname=\"other\", gssapi-data=\"\", version=4",
		"NTLM realm=\"" REALM "\", targetname=\"" TARGET "\", gssapi-data=\"\"",
		"NTLM realm=\"" REALM "\", targetname=\"" TARGET "\", gssapi-data=\"\", version=2",
		"NTLM realm=\"" REALM "\", targetname=\"" TARGET
		"\", gssapi-data=\"TlRMTVNTUAADAAAA\", version=4",
	};
	struct bench *b = bench_start();
	struct phone p;
	uint8_t challenge[NTLM_CHALLENGE_LEN];
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		phone_begin(&p, b);
		phone_ask(&p, challenge);
		EQ(phone_step(&p, str_of(tries[i])), 0);
		EQ(p.kind, AUTH_REFUSE);
		OK(strcmp(p.challenge, OFFER) == 0);
		phone_hang_up(&p);
	}
	EQ(bench_n_asked(b), 0);
	bench_end(b);
}

/* The AUTHENTICATE leg with one text in it replaced; it must be there. */
static enum auth_result_kind answer_changed(struct bench *b, const char *from, const char *to)
{
	auto_(buf_free) struct buf creds = buf_of(8192), changed = buf_of(8192);
	uint8_t challenge[NTLM_CHALLENGE_LEN];
	struct phone p;
	phone_begin(&p, b);
	phone_ask(&p, challenge);
	phone_put_answer(&p, &creds, challenge);
	ssize_t at = str_find(buf_view(&creds), str_of(from));
	if (!OK(at >= 0))
		return AUTH_ACCEPT;
	buf_put(&changed, creds.p, (size_t)at);
	buf_str(&changed, str_of(to));
	buf_str(&changed, str_sub(buf_view(&creds), (size_t)at + strlen(from), creds.len));
	unsigned calls = p.calls;
	(void)phone_step(&p, buf_view(&changed));
	AWAIT(b->l, p.calls == calls + 1);
	phone_hang_up(&p);
	return p.kind;
}

static void last_leg_of_version_4_must_be_rightly_signed(void)
{
	static const char *const changes[][2] = {
		{ "response=\"01", "response=\"02" },
		{ "response=\"", "response=\"00" },
		{ "response=", "rsp=" },
		{ "crand=\"", "crand=\"0" },
		{ "cnum=\"1", "cnum=\"2" },
		{ "cnum=\"1", "cnum=\"x" },
		{ "cnum=", "n=" },
		{ "opaque=\"", "opaque=\"0" },
		{ "gssapi-data=\"T", "gssapi-data=\"*" },
	};
	struct bench *b = bench_start();
	EQ(answer_changed(b, ", version=4", ", version=4"), AUTH_ACCEPT);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		EQ(answer_changed(b, changes[i][0], changes[i][1]), AUTH_REFUSE);
	bench_end(b);
}

static void client_that_cannot_sign_is_refused(void)
{
	static const uint32_t missing[] = { NTLM_SIGN, NTLM_DATAGRAM, NTLM_EXTENDED_SECURITY };
	struct bench *b = bench_start();
	for (size_t i = 0; i < ARRAY_SIZE(missing); i++) {
		auto_(buf_free) struct buf creds = buf_of(8192);
		uint8_t challenge[NTLM_CHALLENGE_LEN];
		struct phone p;
		phone_begin(&p, b);
		phone_ask(&p, challenge);
		p.c.flags = NTLM_OFFERED & ~missing[i];
		phone_put_answer(&p, &creds, challenge);
		EQ(phone_step(&p, buf_view(&creds)), 0);
		EQ(p.kind, AUTH_REFUSE);
		phone_hang_up(&p);
	}
	EQ(bench_n_asked(b), 0);
	bench_end(b);
}

static void accounts_is_told_who_is_meant(void)
{
	static const char *const cases[][3] = {
		{ "alice", "", "alice@example.test" },
		{ "alice", "EXAMPLE", "alice@example.test" },
		{ "Alice", "Example.Test", "Alice@example.test" },
		{ "alice", "OTHER", "OTHER\\alice" },
		{ "alice@example.org", "", "alice@example.org" },
		{ "alice@example.org", "OTHER", "alice@example.org" },
	};
	struct bench *b = bench_start();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct phone p;
		unsigned n;
		phone_begin(&p, b);
		p.c.user = cases[i][0];
		p.c.domain = cases[i][1];
		EQ(phone_sign_in(&p), AUTH_ACCEPT);
		struct acct_msg asked = bench_last_asked(b, &n);
		EQ(n, i + 1);
		EQ_STR(asked.auth.user, cases[i][2]);
		phone_hang_up(&p);
	}
	bench_end(b);
}

static void other_verdicts_are_passed_on(void)
{
	struct bench *b = bench_start();
	struct phone p;
	b->far.serve = bench_serve_slow;
	phone_begin(&p, b);
	EQ(phone_sign_in(&p), AUTH_SLOW);
	EQ(p.retry_s, 9);
	phone_hang_up(&p);
	b->far.serve = bench_serve_without_key;
	phone_begin(&p, b);
	EQ(phone_sign_in(&p), AUTH_FAILED);
	EQ(phone_verify_next(&p), -EACCES);
	phone_hang_up(&p);
	fake_accounts_die(&b->far);
	phone_begin(&p, b);
	EQ(phone_sign_in(&p), AUTH_FAILED);
	phone_hang_up(&p);
	bench_end(b);
}

static void freeing_cancels_the_leg_under_way(void)
{
	struct bench *b = bench_start();
	struct phone p, q;
	auto_(buf_free) struct buf creds = buf_of(8192);
	uint8_t challenge[NTLM_CHALLENGE_LEN];
	phone_begin(&p, b);
	phone_begin(&q, b);
	phone_ask(&p, challenge);
	phone_put_answer(&p, &creds, challenge);
	EQ(phone_step(&p, buf_view(&creds)), -EINPROGRESS);
	phone_hang_up(&p);
	EQ(phone_sign_in(&q), AUTH_ACCEPT);
	EQ(p.calls, 1);
	phone_hang_up(&q);
	bench_end(b);
}

int main(void)
{
	RUN(three_legs_lead_to_an_identity);
	RUN(version_3_signs_after_the_handshake_alone);
	RUN(wrong_password_is_refused_with_a_new_offer);
	RUN(association_takes_one_authenticate);
	RUN(association_has_three_legs_at_most);
	RUN(associations_differ);
	RUN(unfit_credentials_are_refused_at_once);
	RUN(last_leg_of_version_4_must_be_rightly_signed);
	RUN(client_that_cannot_sign_is_refused);
	RUN(accounts_is_told_who_is_meant);
	RUN(other_verdicts_are_passed_on);
	RUN(freeing_cancels_the_leg_under_way);
	return tap_done();
}
