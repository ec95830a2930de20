/* Messages of an association that is up: what is verified, and what is signed. */
#include <errno.h>
#include <time.h>

#include "auth/ntlm_bench.h"
#include "base/code.h"

static void message_is_good_once(void)
{
	struct bench *b = bench_start();
	struct phone p;
	auto_(buf_free) struct buf line = buf_of(2048);
	phone_begin(&p, b);
	phone_put_signed_line(&p, &line);
	EQ(phone_verify(&p, buf_view(&line)), -EACCES);
	EQ(phone_sign_in(&p), AUTH_ACCEPT);
	line.len = 0;
	phone_put_signed_line(&p, &line);
	EQ(phone_verify(&p, buf_view(&line)), 0);
	EQ(phone_verify(&p, buf_view(&line)), -EACCES);
	/* The number of the last leg was used there. */
	p.c.num = 1;
	EQ(phone_verify_next(&p), -EACCES);
	phone_hang_up(&p);
	bench_end(b);
}

static void numbers_are_good_within_a_window(void)
{
	struct bench *b = bench_start();
	struct phone p;
	phone_begin(&p, b);
	p.version = 3;
	p.c.num = 1000;
	EQ(phone_sign_in(&p), AUTH_ACCEPT);
	p.c.num = 4999;
	EQ(phone_verify_next(&p), 0);
	p.c.num = 5000 - 256;
	EQ(phone_verify_next(&p), 0);
	EQ(phone_verify_next(&p), 0);
	p.c.num = 5000 - 257;
	EQ(phone_verify_next(&p), -EACCES);
	EQ(phone_verify_next(&p), -EACCES);
	phone_hang_up(&p);
	bench_end(b);
}

static void every_signed_field_is_guarded(void)
{
	static const char *const changes[][2] = {
		{ "<sip:alice@example.test>;tag=f1", "<sip:alicf@example.test>;tag=f1" },
		{ "tag=f1", "tag=f2" },
		{ "<sip:alice@example.test>;tag=t1", "<sip:alice@example.tesu>;tag=t1" },
		{ "tag=t1", "tag=t2" },
		{ "Call-ID: c1", "Call-ID: c2" },
		{ "CSeq: 7 REGISTER", "CSeq: 8 REGISTER" },
		{ "CSeq: 7 REGISTER", "CSeq: 7 REGISTES" },
		{ "<sip:alice@example.test>, ", "<sip:alicf@example.test>, " },
		{ "<tel:+4930>", "<tel:+4931>" },
		{ "Expires: 600", "Expires: 601" },
		{ "crand=\"", "crand=\"0" },
		{ "cnum=\"2", "cnum=\"3" },
		{ "response=\"01", "response=\"00" },
		{ "64000000\"", "65000000\"" },
		{ "opaque=\"", "opaque=\"0" },
		{ "realm=\"S", "realm=\"s" },
		{ "targetname=\"p", "targetname=\"q" },
		{ "Authorization: NTLM", "Authorization: Kerberos" },
		{ "Authorization: ", "X: " },
	};
	struct bench *b = bench_start();
	struct phone p;
	auto_(buf_free) struct buf line = buf_of(2048), text = buf_of(8192);
	phone_begin(&p, b);
	EQ(phone_sign_in(&p), AUTH_ACCEPT);
	phone_put_signed_line(&p, &line);
	(void)phone_request(&text, buf_view(&line));
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		auto_(buf_free) struct buf changed = buf_of(8192);
		struct str from = str_of(changes[i][0]);
		struct sip_msg m;
		ssize_t at = str_find(buf_view(&text), from);
		OK(at > 0);
		buf_put(&changed, text.p, (size_t)at);
		buf_str(&changed, str_of(changes[i][1]));
		buf_str(&changed, str_sub(buf_view(&text), (size_t)at + from.len, text.len));
		EQ(sip_parse(&m, buf_view(&changed)), 0);
		EQ(mech_ntlm.verify(b->mech, p.a, &m), -EACCES);
	}
	/* None of them has used the number up. */
	EQ(phone_verify(&p, buf_view(&line)), 0);
	phone_hang_up(&p);
	bench_end(b);
}

static void field_is_found_among_others(void)
{
	struct bench *b = bench_start();
	struct phone p;
	auto_(buf_free) struct buf line = buf_of(4096);
	phone_begin(&p, b);
	EQ(phone_sign_in(&p), AUTH_ACCEPT);
	buf_lit(&line, "Authorization: Digest username=\"a\"\r\nAuthorization: NTLM realm=\"" REALM
	               "\", targetname=\"" TARGET "\", opaque=\"00000000\"\r\n");
	phone_put_signed_line(&p, &line);
	EQ(phone_verify(&p, buf_view(&line)), 0);
	phone_hang_up(&p);
	bench_end(b);
}

static void text_beyond_its_limit_is_not_signed(void)
{
	struct bench *b = bench_start();
	struct phone p;
	auto_(buf_free) struct buf text = buf_of(20000), line = buf_of(1000);
	struct sip_msg m;
	phone_begin(&p, b);
	EQ(phone_sign_in(&p), AUTH_ACCEPT);
	buf_printf(&text, "SIP/2.0 200 OK\r\nCall-ID: %0*d\r\n\r\n", SIP_SIGN_TEXT_MAX, 1);
	EQ(sip_parse(&m, buf_view(&text)), 0);
	EQ(mech_ntlm.sign(b->mech, p.a, &m, &line), -E2BIG);
	EQ(mech_ntlm.verify(b->mech, p.a, &m), -EACCES);
	EQ(line.len, 0);
	phone_hang_up(&p);
	bench_end(b);
}

/* What the client does with the server's line. */
static void check_our_signature(struct phone *p, const struct sip_msg *m, struct str line,
                                unsigned num)
{
	auto_(buf_free) struct buf text = buf_of(SIP_SIGN_TEXT_MAX), want = buf_of(1000);
	uint8_t mic[NTLM_MIC_LEN], got[NTLM_MIC_LEN];
	struct str name, value, id = mech_ntlm.id(p->b->mech, p->a);
	struct sip_sign s;
	OK(str_cut(line, ':', &name, &value));
	EQ(sip_sign_parse(&s, value), 0);
	buf_printf(&want,
	           "Authentication-Info: NTLM qop=\"auth\", opaque=\"%.*s\", srand=\"%.*s\", "
	           "snum=\"%u\", rspauth=\"%.*s\", targetname=\"" TARGET "\", realm=\"" REALM
	           "\", version=4\r\n",
	           (int)id.len, id.p, (int)s.rand.len, s.rand.p, num, (int)s.mic.len, s.mic.p);
	OK(str_eq(line, buf_view(&want)));
	OK(s.rand.len == 8 && s.mic.len == 32);
	for (size_t i = 0; i < s.mic.len; i++)
		OK(s.mic.p[i] < 'a');
	sip_put_sign_text(&text, m, &s);
	ntlm_mic(&p->c.receives, mic, buf_view(&text));
	EQ(hex_get(s.mic, got, sizeof(got)), 0);
	OK(memcmp(mic, got, sizeof(mic)) == 0);
}

static void client_finds_our_signatures_right(void)
{
	struct bench *b = bench_start();
	struct phone p;
	auto_(buf_free) struct buf line = buf_of(1000);
	static const char text[] = "SIP/2.0 200 OK\r\nFrom: <sip:alice@example.test>;tag=1\r\n"
	                           "To: <sip:alice@example.test>;tag=2\r\nCall-ID: c\r\n"
	                           "CSeq: 3 REGISTER\r\nExpires: 600\r\n\r\n";
	struct sip_msg m;
	EQ(sip_parse(&m, STR(text)), 0);
	phone_begin(&p, b);
	EQ(mech_ntlm.sign(b->mech, p.a, &m, &line), -EACCES);
	EQ(phone_sign_in(&p), AUTH_ACCEPT);
	for (unsigned num = 1; num <= 3; num++) {
		line.len = 0;
		EQ(mech_ntlm.sign(b->mech, p.a, &m, &line), 0);
		check_our_signature(&p, &m, buf_view(&line), num);
	}
	OK(mech_ntlm.signs && strcmp(mech_ntlm.scheme, "NTLM") == 0);
	EQ(mech_ntlm.export(b->mech, p.a, &line), -ENOTSUP);
	phone_hang_up(&p);
	bench_end(b);
}

static double now_us(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Says what a message costs; no bound, for machines differ. */
static void cost_of_a_message_is_told(void)
{
	enum { N = 20000 };
	struct bench *b = bench_start();
	struct phone p;
	double us = 0;
	unsigned bad = 0;
	phone_begin(&p, b);
	EQ(phone_sign_in(&p), AUTH_ACCEPT);
	for (unsigned i = 0; i < N; i++) {
		char space[1024];
		auto_(buf_free) struct buf line = buf_of(2048), text = buf_of(4096);
		struct buf out = BUF_ON(space);
		phone_put_signed_line(&p, &line);
		struct sip_msg m = phone_request(&text, buf_view(&line));
		double start_us = now_us();
		bad += mech_ntlm.verify(b->mech, p.a, &m) != 0;
		bad += mech_ntlm.sign(b->mech, p.a, &m, &out) != 0;
		us += now_us() - start_us;
	}
	EQ(bad, 0);
	printf("# %.2f us to verify a message and sign one\n", us / (double)N);
	phone_hang_up(&p);
	bench_end(b);
}

int main(void)
{
	RUN(message_is_good_once);
	RUN(numbers_are_good_within_a_window);
	RUN(every_signed_field_is_guarded);
	RUN(field_is_found_among_others);
	RUN(text_beyond_its_limit_is_not_signed);
	RUN(client_finds_our_signatures_right);
	RUN(cost_of_a_message_is_told);
	return tap_done();
}
