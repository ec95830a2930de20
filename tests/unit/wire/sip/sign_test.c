#include "wire/sip/sign.h"

#include <errno.h>

#include "data.h"

/* The text that a client signed, of a file of tests/data/lync/ntlm. */
static void text_of(struct buf *b, const char *name)
{
	auto_(buf_free) struct buf file = buf_of(DATA_FILE_MAX);
	char path[128];
	struct sip_msg m;
	struct sip_sign s;
	(void)snprintf(path, sizeof(path), "lync/ntlm/%s.sip", name);
	data_read(&file, path);
	EQ(sip_parse(&m, buf_view(&file)), 0);
	EQ(sip_sign_parse(&s, sip_value(&m, SIP_H_AUTHORIZATION)), 0);
	b->len = 0;
	sip_put_sign_text(b, &m, &s);
}

static void client_signed_these_texts(void)
{
	auto_(buf_free) struct buf b = buf_of(SIP_SIGN_TEXT_MAX);
	text_of(&b, "register-authenticate");
	EQ_STR(buf_view(&b), "<NTLM><9cd7de2f><1><SIP Communications Service><pool.contoso.com>"
	                     "<486DgD28Aa56FEiA8D3mBE61t1BB9b461Ex9D74x><3><REGISTER>"
	                     "<sip:alice@contoso.com><6352713249><sip:alice@contoso.com><><><><>");
	text_of(&b, "subscribe-provisioning");
	EQ_STR(buf_view(&b), "<NTLM><c7ac8a00><3><SIP Communications Service><pool.contoso.com>"
	                     "<210Cg3889aF173i8C6CmD392tC7A6b1B90xDEE4x><1><SUBSCRIBE>"
	                     "<sip:alice@contoso.com><5324612490><sip:alice@contoso.com><><><><0>");
	text_of(&b, "register-off");
	EQ_STR(buf_view(&b), "<NTLM><a9e270fe><5><SIP Communications Service><pool.contoso.com>"
	                     "<486DgD28Aa56FEiA8D3mBE61t1BB9b461Ex9D74x><4><REGISTER>"
	                     "<sip:alice@contoso.com><1714114045><sip:alice@contoso.com><><><><0>");
}

/* The text of a response with these lines added. */
static void text_with(struct buf *b, const char *lines)
{
	auto_(buf_free) struct buf text = buf_of(4096);
	const struct sip_sign s = { .scheme = STR("NTLM"),
		                    .rand = STR("5F3A10BC"),
		                    .num = STR("1"),
		                    .realm = STR("r"),
		                    .target = STR("t") };
	struct sip_msg m;
	buf_printf(&text, "SIP/2.0 200 OK\r\nCall-ID: c\r\nCSeq: 07 INVITE\r\n%s\r\n", lines);
	EQ(sip_parse(&m, buf_view(&text)), 0);
	b->len = 0;
	sip_put_sign_text(b, &m, &s);
}

static void response_ends_with_its_status(void)
{
	auto_(buf_free) struct buf b = buf_of(SIP_SIGN_TEXT_MAX);
	text_with(&b, "From: <sip:a@x>;tag=1;epid=e\r\nTo: <sip:b@x;user=phone>;epid=2;tag=3\r\n"
	              "Expires: 7200\r\n");
	EQ_STR(buf_view(&b), "<NTLM><5F3A10BC><1><r><t><c><07><INVITE><sip:a@x><1>"
	                     "<sip:b@x;user=phone><3><><><7200><200>");
}

static void absent_fields_are_empty(void)
{
	auto_(buf_free) struct buf b = buf_of(SIP_SIGN_TEXT_MAX);
	text_with(&b, "");
	EQ_STR(buf_view(&b), "<NTLM><5F3A10BC><1><r><t><c><07><INVITE><><><><><><><><200>");
}

static void uri_without_brackets_ends_at_its_parameters(void)
{
	auto_(buf_free) struct buf b = buf_of(SIP_SIGN_TEXT_MAX);
	text_with(&b, "From: sip:a@x;tag=1\r\nTo: Bob <sip:b@x\r\n");
	EQ_STR(buf_view(&b),
	       "<NTLM><5F3A10BC><1><r><t><c><07><INVITE><sip:a@x><1><sip:b@x><><><><><200>");
}

static void identities_are_told_apart_by_scheme(void)
{
	static const struct {
		const char *lines, *want;
	} cases[] = {
		{ "P-Asserted-Identity: \"A, B\" <sip:a@x>,<tel:+49301;ext=1>\r\n",
		  "<sip:a@x><tel:+49301;ext=1>" },
		{ "P-Asserted-Identity: <TEL:+1>, <sip:a@x>, <sip:b@x>\r\n", "<sip:a@x><TEL:+1>" },
		{ "P-Asserted-Identity: tel:+14085264000\r\n", "<><tel:+14085264000>" },
		{ "P-Asserted-Identity: sip:a@x\r\n", "<><>" },
		{ "P-Preferred-Identity: <sip:p@x>\r\n", "<sip:p@x><>" },
		{ "P-Preferred-Identity: <sip:p@x>\r\nP-Asserted-Identity: <tel:+1>\r\n",
		  "<><tel:+1>" },
		{ "P-Asserted-Identity: <sip:a@x>\r\nP-Asserted-Identity: <tel:+1>\r\n",
		  "<sip:a@x><>" },
	};
	auto_(buf_free) struct buf b = buf_of(SIP_SIGN_TEXT_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char want[256];
		(void)snprintf(want, sizeof(want),
		               "<NTLM><5F3A10BC><1><r><t><c><07><INVITE><><><><>%s<><200>",
		               cases[i].want);
		text_with(&b, cases[i].lines);
		EQ_STR(buf_view(&b), want);
	}
}

static void both_directions_name_their_parameters_differently(void)
{
	struct sip_sign s;
	EQ(sip_sign_parse(&s, STR("NTLM qop=\"auth\", opaque=\"5A6C0D3B\", srand=\"5F3A10BC\", "
	                          "snum=\"7\", rspauth=\"0100\", targetname=\"fe01.example.net\", "
	                          "realm=\"SIP Communications Service\", version=4")),
	   0);
	EQ_STR(s.scheme, "NTLM");
	EQ_STR(s.qop, "auth");
	EQ_STR(s.opaque, "5A6C0D3B");
	EQ_STR(s.rand, "5F3A10BC");
	EQ_STR(s.num, "7");
	EQ_STR(s.mic, "0100");
	EQ_STR(s.target, "fe01.example.net");
	EQ_STR(s.realm, "SIP Communications Service");
	EQ(s.version, 4);
	OK(!s.gssapi_data.p);
	EQ(sip_sign_parse(&s, STR("NTLM crand=\"a\", cnum=\"2\",response=\"b\", x=\"y\", "
	                          "gssapi-data=\"\"")),
	   0);
	EQ_STR(s.rand, "a");
	EQ_STR(s.num, "2");
	EQ_STR(s.mic, "b");
	OK(s.gssapi_data.p && s.gssapi_data.len == 0 && s.version == 0);
}

static void broken_field_is_refused(void)
{
	struct sip_sign s = { .version = 9 };
	EQ(sip_sign_parse(&s, STR("")), -EBADMSG);
	EQ(sip_sign_parse(&s, STR("NTLM opaque")), -EBADMSG);
	EQ(sip_sign_parse(&s, STR("NTLM crand=\"a\", srand=\"b\"")), -EBADMSG);
	EQ(sip_sign_parse(&s, STR("NTLM realm=\"a\", realm=\"a\"")), -EBADMSG);
	EQ(sip_sign_parse(&s, STR("NTLM version=4, version=3")), -EBADMSG);
	EQ(sip_sign_parse(&s, STR("NTLM version=four")), -EBADMSG);
	EQ(s.version, 9);
}

int main(void)
{
	RUN(client_signed_these_texts);
	RUN(response_ends_with_its_status);
	RUN(absent_fields_are_empty);
	RUN(uri_without_brackets_ends_at_its_parameters);
	RUN(identities_are_told_apart_by_scheme);
	RUN(both_directions_name_their_parameters_differently);
	RUN(broken_field_is_refused);
	return tap_done();
}
