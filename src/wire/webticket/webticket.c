#include "wire/webticket/webticket.h"

#include <errno.h>

#include "base/isotime.h"

#define WSDL "http://schemas.xmlsoap.org/wsdl/"
#define WSDL_SOAP "http://schemas.xmlsoap.org/wsdl/soap/"
#define POLICY "http://schemas.xmlsoap.org/ws/2004/09/policy"
#define SECURITY_POLICY "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702"
#define ADDRESSING "http://www.w3.org/2005/08/addressing"
#define TRUST "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
#define UTILITY                                                              \
	"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity" \
	"-utility-1.0.xsd"
#define SAML "urn:oasis:names:tc:SAML:1.0:"
#define CLAIM "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/uri"
#define PROOF "urn:dialtone:web-ticket"

/* --- what services say of themselves --------------------------------------------------------- */

static void put_head(struct buf *b)
{
	buf_lit(b, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n"
	           "<wsdl:definitions xmlns:wsdl=\"" WSDL "\" xmlns:soap=\"" WSDL_SOAP
	           "\" xmlns:wsp=\"" POLICY "\" xmlns:wsu=\"" UTILITY
	           "\" xmlns:sp=\"" SECURITY_POLICY "\" xmlns:wsa=\"" ADDRESSING "\">");
}

static void put_port(struct buf *b, const char *name, struct str address)
{
	buf_lit(b, "<wsdl:service><wsdl:port");
	xml_put_attr(b, "name", str_of(name));
	buf_lit(b, "><soap:address");
	xml_put_attr(b, "location", address);
	buf_lit(b, "/></wsdl:port></wsdl:service></wsdl:definitions>");
}

void webticket_put_service(struct buf *b, const struct webticket_service *s)
{
	put_head(b);
	buf_printf(b,
	           "<wsp:Policy wsu:Id=\"%s_policy\"><wsp:ExactlyOne><wsp:All>"
	           "<sp:SignedSupportingTokens><wsp:Policy><sp:IssuedToken><sp:Issuer>",
	           s->name);
	xml_put_element(b, "wsa:Address", s->issuer);
	buf_lit(b, "</sp:Issuer></sp:IssuedToken></wsp:Policy></sp:SignedSupportingTokens>"
	           "</wsp:All></wsp:ExactlyOne></wsp:Policy>");
	put_port(b, s->name, s->address);
}

void webticket_put_issuer(struct buf *b, struct str address)
{
	put_head(b);
	put_port(b, "WebTicketServiceWinNegotiate", address);
}

/* --- asking ---------------------------------------------------------------------------------- */

int webticket_read_ask(struct webticket_ask *ret, const struct soap *s)
{
	const struct xml *to = xml_child(xml_child(s->call, "AppliesTo"), "EndpointReference");
	const struct xml *claim = xml_child(xml_child(s->call, "Claims"), "ClaimType");
	struct webticket_ask a = { .service = xml_child_text(to, "Address"),
		                   .user = xml_child_text(claim, "Value") };
	if (!str_eq(s->method, STR("RequestSecurityToken")) || a.service.len == 0)
		return -EBADMSG;
	*ret = a;
	return 0;
}

/* --- the ticket ------------------------------------------------------------------------------ */

static void put_time(struct buf *b, usec_t t)
{
	isotime_put(b, t - t % USEC_PER_SEC);
}

static void put_time_attr(struct buf *b, const char *name, usec_t t)
{
	buf_printf(b, " %s=\"", name);
	put_time(b, t);
	buf_char(b, '"');
}

static void put_subject(struct buf *b, struct str user)
{
	buf_lit(b, "<Subject><NameIdentifier Format=\"" CLAIM "\">");
	xml_put_text(b, user);
	buf_lit(b, "</NameIdentifier><SubjectConfirmation><ConfirmationMethod>" SAML "cm:bearer"
	           "</ConfirmationMethod></SubjectConfirmation></Subject>");
}

static void put_assertion(struct buf *b, const struct webticket *t)
{
	buf_printf(b,
	           "<Assertion xmlns=\"" SAML
	           "assertion\" MajorVersion=\"1\" MinorVersion=\"1\" AssertionID=\"Ticket-%s\"",
	           t->id);
	xml_put_attr(b, "Issuer", t->issuer);
	put_time_attr(b, "IssueInstant", t->from);
	buf_lit(b, "><Conditions");
	put_time_attr(b, "NotBefore", t->from);
	put_time_attr(b, "NotOnOrAfter", t->until);
	buf_lit(b, "><AudienceRestrictionCondition>");
	xml_put_element(b, "Audience", t->service);
	buf_lit(b,
	        "</AudienceRestrictionCondition></Conditions><Advice><Proof xmlns=\"" PROOF "\">");
	xml_put_text(b, t->proof);
	buf_lit(b, "</Proof></Advice><AuthenticationStatement AuthenticationMethod=\"" SAML
	           "am:password\"");
	put_time_attr(b, "AuthenticationInstant", t->from);
	buf_char(b, '>');
	put_subject(b, t->user);
	buf_lit(b, "</AuthenticationStatement></Assertion>");
}

/* pidgin-sipe copies what stands in Lifetime and computes with it: no blanks, no fractions. */
void webticket_put_issued(struct buf *b, const struct webticket *t)
{
	soap_put_begin(b, NULL);
	buf_lit(b, "<RequestSecurityTokenResponseCollection xmlns=\"" TRUST
	           "\"><RequestSecurityTokenResponse><TokenType>http://docs.oasis-open.org/wss/"
	           "oasis-wss-saml-token-profile-1.1#SAMLV1.1</TokenType><Lifetime><wsu:Created "
	           "xmlns:wsu=\"" UTILITY "\">");
	put_time(b, t->from);
	buf_lit(b, "</wsu:Created><wsu:Expires xmlns:wsu=\"" UTILITY "\">");
	put_time(b, t->until);
	buf_lit(b, "</wsu:Expires></Lifetime><KeyType>" TRUST
	           "/Bearer</KeyType><RequestedSecurityToken>");
	put_assertion(b, t);
	buf_lit(b, "</RequestedSecurityToken></RequestSecurityTokenResponse>"
	           "</RequestSecurityTokenResponseCollection>");
	soap_put_end(b);
}

static struct str proof_of(const struct xml *assertion)
{
	struct str proof = xml_child_text(xml_child(assertion, "Advice"), "Proof");
	return proof.len <= WEBTICKET_PROOF_MAX ? proof : STR("");
}

struct str webticket_of_request(const struct soap *s)
{
	const struct xml *header = xml_child(s->body->parent, "Header");
	return proof_of(xml_child(xml_child(header, "Security"), "Assertion"));
}

struct str webticket_of_text(struct arena *a, struct str assertion)
{
	struct xml *root;
	if (xml_parse(&root, a, assertion) < 0 || !xml_is(root, "Assertion"))
		return STR("");
	return proof_of(root);
}
