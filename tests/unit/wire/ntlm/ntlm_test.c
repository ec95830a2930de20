#include "wire/ntlm/ntlm.h"

#include <errno.h>

#include "base/code.h"
#include "data.h"
#include "wire/sip/sign.h"

/* A server's whole message, put together by hand after [MS-NLMP] section 2.2.1.2. */
static const char challenge_hex[] =
        "4e544c4d53535000020000000e000e0038000000558298e20123456789abcdef000000000000000070007000"
        "460000000601b11d0000000f4500580041004d0050004c00450002000e004500580041004d0050004c004500"
        "010008004600450030003100040018006500780061006d0070006c0065002e00740065007300740003002200"
        "66006500300031002e006500780061006d0070006c0065002e00740065007300740007000800804dae38837a"
        "dd0100000000";

static struct ntlm_challenge challenge(void)
{
	return (struct ntlm_challenge){
		.server = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef },
		.label = STR("EXAMPLE"),
		.computer = STR("FE01"),
		.domain = STR("example.test"),
		.computer_fqdn = STR("fe01.example.test"),
		.now = UINT64_C(1795353190123456),
	};
}

static void challenge_is_written_as_specified(void)
{
	auto_(buf_free) struct buf b = buf_of(1000), hex = buf_of(2000);
	struct ntlm_challenge c = challenge();
	ntlm_put_challenge(&b, &c);
	OK(!b.full);
	hex_put(&hex, b.p, b.len);
	EQ_STR(buf_view(&hex), challenge_hex);
	EQ(NTLM_OFFERED, 0xe2988255);
	EQ(NTLM_OFFERED_PLAIN, 0xa2888205);
}

static void challenge_with_an_unfit_name_is_not_written(void)
{
	static const struct str unfit[] = { STR_INIT("SIXTEEN-LETTERS-"), STR_INIT("\xff") };
	for (size_t i = 0; i < ARRAY_SIZE(unfit); i++) {
		auto_(buf_free) struct buf b = buf_of(1000);
		struct ntlm_challenge c = challenge();
		c.label = unfit[i];
		ntlm_put_challenge(&b, &c);
		OK(b.full && b.len == 0);
	}
}

/* The AUTHENTICATE that a client sent. */
static void captured(struct buf *b)
{
	auto_(buf_free) struct buf file = buf_of(DATA_FILE_MAX);
	struct sip_msg m;
	struct sip_sign s;
	data_read(&file, "lync/ntlm/register-authenticate.sip");
	EQ(sip_parse(&m, buf_view(&file)), 0);
	EQ(sip_sign_parse(&s, sip_value(&m, SIP_H_AUTHORIZATION)), 0);
	EQ(base64_get(s.gssapi_data, b), 0);
}

static bool is(struct bytes utf16, const char *want)
{
	auto_(buf_free) struct buf b = buf_of(100);
	return ntlm_put_utf8(&b, utf16) == 0 && str_eq(buf_view(&b), str_of(want));
}

static void authenticate_of_a_client_is_read(void)
{
	auto_(buf_free) struct buf b = buf_of(1000);
	struct ntlm_auth a;
	captured(&b);
	EQ(ntlm_get_auth(&a, bytes_of(buf_view(&b))), 0);
	OK(is(a.domain, "CONTOSO") && is(a.user, "alice") && is(a.workstation, "VM"));
	EQ(a.flags, 0x62988255);
	EQ(a.lm.len, 24);
	EQ(a.nt.len, 182);
	EQ(a.session_key.len, 16);
	OK(a.session_key.p + 16 == (const uint8_t *)b.p + b.len);
}

enum { NT_AT = 20, DOMAIN_AT = 28, USER_AT = 36, KEY_AT = 52, FLAGS_AT = 60 };

/* The captured message with bytes changed from `at` on; what reading it says. */
static int read_changed(size_t at, const char *p, size_t n)
{
	auto_(buf_free) struct buf b = buf_of(1000);
	struct ntlm_auth a;
	captured(&b);
	OK(at + n <= b.len);
	memcpy(b.p + at, p, n);
	return ntlm_get_auth(&a, bytes_of(buf_view(&b)));
}

static void what_lies_outside_the_message_is_refused(void)
{
	EQ(read_changed(NT_AT + 4, "\xff\xff\xff\xff", 4), -EBADMSG);
	EQ(read_changed(NT_AT + 4, "\x8d\0\0\0", 4), -EBADMSG); /* one byte beyond */
	EQ(read_changed(NT_AT, "\xff\xff", 2), -EBADMSG);
	EQ(read_changed(USER_AT + 4, "\x3f\0\0\0", 4), -EBADMSG); /* inside the fixed part */
	/* An empty payload may say any offset; two may be one. */
	EQ(read_changed(USER_AT, "\0\0\0\0\xff\xff\xff\xff", 8), 0);
	EQ(read_changed(USER_AT + 4, "\x48\0\0\0", 4), 0);
}

static void limits_are_kept(void)
{
	char big[NTLM_AUTH_MAX + 1] = { 0 };
	auto_(buf_free) struct buf b = buf_of(1000);
	struct ntlm_auth a;
	captured(&b);
	memcpy(big, b.p, b.len);
	EQ(ntlm_get_auth(&a, bytes_of(str_n(big, NTLM_AUTH_MAX))), 0);
	EQ(ntlm_get_auth(&a, bytes_of(str_n(big, sizeof(big)))), -EBADMSG);
	memcpy(big + USER_AT, "\x02\x02", 2); /* 257 units */
	EQ(ntlm_get_auth(&a, bytes_of(str_n(big, NTLM_AUTH_MAX))), -EBADMSG);
	memcpy(big + USER_AT, "\x00\x02", 2);
	EQ(ntlm_get_auth(&a, bytes_of(str_n(big, NTLM_AUTH_MAX))), 0);
	memcpy(big + KEY_AT, "\x11\x00", 2);
	EQ(ntlm_get_auth(&a, bytes_of(str_n(big, NTLM_AUTH_MAX))), -EBADMSG);
}

static void other_messages_are_refused(void)
{
	auto_(buf_free) struct buf b = buf_of(1000);
	struct ntlm_auth a = { .flags = 7 };
	captured(&b);
	for (size_t n = 0; n < 64; n++)
		EQ(ntlm_get_auth(&a, bytes_of(str_n(b.p, n))), -EBADMSG);
	EQ(a.flags, 7);
	EQ(read_changed(8, "\2", 1), -EBADMSG);
	EQ(read_changed(0, "M", 1), -EBADMSG);
	EQ(read_changed(USER_AT, "\x09", 1), -EBADMSG);
	EQ(read_changed(FLAGS_AT, "\x54", 1), -ENOTSUP); /* without UNICODE */
}

static void text_goes_both_ways(void)
{
	static const char text[] = "aZ \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
	auto_(buf_free) struct buf b = buf_of(100), hex = buf_of(100), back = buf_of(100);
	EQ(ntlm_put_utf16(&b, str_of(text)), 0);
	hex_put(&hex, b.p, b.len);
	EQ_STR(buf_view(&hex), "61005a002000e400ac203dd800de");
	EQ(ntlm_put_utf8(&back, bytes_of(buf_view(&b))), 0);
	EQ_STR(buf_view(&back), text);
}

static void broken_text_is_refused(void)
{
	static const struct str utf16[] = { STR_INIT("a"), STR_INIT("a\0b"), STR_INIT("\0\xd8"),
		                            STR_INIT("\0\xd8z\0"), STR_INIT("\0\xdcz\0") };
	auto_(buf_free) struct buf b = buf_of(100);
	buf_lit(&b, "x");
	for (size_t i = 0; i < ARRAY_SIZE(utf16); i++)
		EQ(ntlm_put_utf8(&b, bytes_of(utf16[i])), -EINVAL);
	EQ(ntlm_put_utf16(&b, STR("a\xff")), -EINVAL);
	EQ_STR(buf_view(&b), "x");
}

static void domain_has_two_names(void)
{
	EQ_STR(ntlm_label(STR("example.test")), "example");
	EQ_STR(ntlm_label(STR("a-very-long-label.test")), "a-very-long-lab");
	OK(ntlm_means_domain(STR("EXAMPLE"), STR("example.test")));
	OK(ntlm_means_domain(STR("Example.TEST"), STR("example.test")));
	OK(!ntlm_means_domain(STR("EXAMPL"), STR("example.test")));
	OK(!ntlm_means_domain(STR(""), STR("")));
}

int main(void)
{
	RUN(challenge_is_written_as_specified);
	RUN(challenge_with_an_unfit_name_is_not_written);
	RUN(authenticate_of_a_client_is_read);
	RUN(what_lies_outside_the_message_is_refused);
	RUN(limits_are_kept);
	RUN(other_messages_are_refused);
	RUN(text_goes_both_ways);
	RUN(broken_text_is_refused);
	RUN(domain_has_two_names);
	return tap_done();
}
