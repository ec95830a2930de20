#include "wire/webticket/webticket.h"

#include <errno.h>

#include "tap.h"

#define ENVELOPE "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\">"
#define TRUST "http://docs.oasis-open.org/ws-sx/ws-trust/200512"

static void a_request_says_for_what_and_for_whom(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct webticket_ask ask;
	struct soap s;
	EQ(soap_read(&s, a,
	             STR(ENVELOPE
	                 " <soap:Body><wst:RequestSecurityToken xmlns:wst=\"" TRUST
	                 "\"> <wsp:AppliesTo xmlns:wsp=\"p\">  <wsa:EndpointReference "
	                 "xmlns:wsa=\"a\"><wsa:Address>https://x/y?a=1&amp;b=2</wsa:Address>"
	                 "</wsa:EndpointReference> </wsp:AppliesTo><wst:Claims><auth:ClaimType "
	                 "xmlns:auth=\"c\" Uri=\"u\"><auth:Value>sip:alice@example.test"
	                 "</auth:Value></auth:ClaimType></wst:Claims></wst:RequestSecurityToken>"
	                 "</soap:Body></soap:Envelope>")),
	   0);
	EQ(webticket_read_ask(&ask, &s), 0);
	EQ_STR(ask.service, "https://x/y?a=1&b=2");
	EQ_STR(ask.user, "sip:alice@example.test");
	EQ(soap_read(
	           &s, a,
	           STR(ENVELOPE "<soap:Body><RequestSecurityToken/></soap:Body></soap:Envelope>")),
	   0);
	EQ(webticket_read_ask(&ask, &s), -EBADMSG);
	EQ(soap_read(&s, a,
	             STR(ENVELOPE "<soap:Body><Other><AppliesTo><EndpointReference><Address>x"
	                          "</Address></EndpointReference></AppliesTo></Other></soap:Body>"
	                          "</soap:Envelope>")),
	   0);
	EQ(webticket_read_ask(&ask, &s), -EBADMSG);
}

static void a_ticket_is_shown_as_it_was_issued(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(16384), shown = buf_of(16384);
	struct webticket t = { .issuer = STR("https://x/t"),
		               .service = STR("https://x/s?\"<&"),
		               .user = STR("sip:alice@example.test"),
		               .proof = STR("c2VhbGVk-_"),
		               .id = "0123456789abcdef0123456789abcdef",
		               .from = 1767225600 * USEC_PER_SEC + 1,
		               .until = 1767229200 * USEC_PER_SEC };
	struct soap s;
	webticket_put_issued(&b, &t);
	EQ(soap_read(&s, a, buf_view(&b)), 0);
	/* What pidgin-sipe looks for in the text. */
	OK(str_find(buf_view(&b), STR("<Lifetime><wsu:Created xmlns:wsu=")) > 0);
	OK(str_find(buf_view(&b), STR(">2026-01-01T00:00:00Z</wsu:Created>")) > 0);
	OK(str_find(buf_view(&b), STR(">2026-01-01T01:00:00Z</wsu:Expires></Lifetime>")) > 0);
	const struct xml *token = xml_child(s.call->child, "RequestedSecurityToken");
	struct str assertion = token->child->source;
	OK(str_starts(assertion, STR("<Assertion xmlns=")));
	EQ_STR(webticket_of_text(a, assertion), "c2VhbGVk-_");
	buf_lit(&shown, ENVELOPE "<soap:Header><wsse:Security xmlns:wsse=\"w\">");
	buf_str(&shown, assertion);
	buf_lit(&shown, "</wsse:Security></soap:Header><soap:Body><x/></soap:Body>"
	                "</soap:Envelope>");
	EQ(soap_read(&s, a, buf_view(&shown)), 0);
	EQ_STR(webticket_of_request(&s), "c2VhbGVk-_");
}

static void what_is_no_ticket_proves_nothing(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	static char big[WEBTICKET_PROOF_MAX + 128];
	struct buf b = BUF_ON(big);
	struct soap s;
	EQ(webticket_of_text(a, STR("")).len, 0);
	EQ(webticket_of_text(a, STR("<Other><Advice><Proof>x</Proof></Advice></Other>")).len, 0);
	EQ(webticket_of_text(a, STR("<Assertion><Proof>x</Proof></Assertion>")).len, 0);
	buf_lit(&b, "<Assertion><Advice><Proof>");
	memset(buf_room(&b, WEBTICKET_PROOF_MAX + 1), 'x', WEBTICKET_PROOF_MAX + 1);
	b.len += WEBTICKET_PROOF_MAX + 1;
	buf_lit(&b, "</Proof></Advice></Assertion>");
	OK(!b.full);
	EQ(webticket_of_text(a, buf_view(&b)).len, 0);
	EQ(soap_read(&s, a, STR(ENVELOPE "<soap:Body><x/></soap:Body></soap:Envelope>")), 0);
	EQ(webticket_of_request(&s).len, 0);
}

static void services_say_where_they_are(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(16384);
	struct webticket_service me = { "Port", STR("https://x/t"), STR("https://x/s") };
	struct xml *root;
	webticket_put_service(&b, &me);
	EQ(xml_parse(&root, a, buf_view(&b)), 0);
	const struct xml *e = xml_child(root, "Policy");
	EQ_STR(xml_attr(e, "Id"), "Port_policy");
	e = xml_child(xml_child(xml_child(e, "ExactlyOne"), "All"), "SignedSupportingTokens");
	e = xml_child(xml_child(xml_child(e, "Policy"), "IssuedToken"), "Issuer");
	EQ_STR(xml_child_text(e, "Address"), "https://x/t");
	e = xml_child(xml_child(root, "service"), "port");
	EQ_STR(xml_attr(e, "name"), "Port");
	EQ_STR(xml_attr(xml_child(e, "address"), "location"), "https://x/s");
	b.len = 0;
	webticket_put_issuer(&b, STR("https://x/t/Auth"));
	EQ(xml_parse(&root, a, buf_view(&b)), 0);
	e = xml_child(xml_child(root, "service"), "port");
	EQ_STR(xml_attr(e, "name"), "WebTicketServiceWinNegotiate");
	EQ_STR(xml_attr(xml_child(e, "address"), "location"), "https://x/t/Auth");
}

int main(void)
{
	RUN(a_request_says_for_what_and_for_whom);
	RUN(a_ticket_is_shown_as_it_was_issued);
	RUN(what_is_no_ticket_proves_nothing);
	RUN(services_say_where_they_are);
	return tap_done();
}
