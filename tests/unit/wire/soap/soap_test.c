#include "wire/soap/soap.h"

#include <errno.h>

#include "tap.h"

#define OPEN                                                                \
	"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"" \
	" xmlns:m=\"http://schemas.microsoft.com/winrtc/2002/11/sip\">"
#define BODY(text) OPEN "<s:Body>" text "</s:Body></s:Envelope>"

static struct arena *arena;

static int read_text(struct soap *ret, struct str text)
{
	arena_free(&arena);
	arena = arena_new();
	return soap_read(ret, arena, text);
}

static void a_call_has_its_method_and_arguments(void)
{
	struct soap s;
	EQ(read_text(&s, STR(BODY("<m:setContact><m:displayName> Bob &amp; Brown </m:displayName>"
	                          "<m:groups>2 3</m:groups><m:externalURI /></m:setContact>"))),
	   0);
	EQ_STR(s.method, "setContact");
	EQ_STR(s.space, SOAP_SPACE_SIP);
	EQ_STR(soap_arg(&s, "displayName"), "Bob & Brown");
	EQ_STR(soap_arg(&s, "groups"), "2 3");
	OK(soap_arg(&s, "externalURI").p != NULL && soap_arg(&s, "externalURI").len == 0);
	OK(soap_arg(&s, "URI").p == NULL);
}

static void a_reference_leads_to_what_is_beside_the_call(void)
{
	struct soap s;
	EQ(read_text(&s, STR(BODY("<m:directorySearch><m:filter m:href=\"#x\"/><m:own/>"
	                          "<m:lost m:href=\"#y\"/><m:far m:href=\"http://h/#x\"/>"
	                          "</m:directorySearch><m:Array m:id=\"\"/><m:Array m:id=\"x\">"
	                          "<m:row/></m:Array>"))),
	   0);
	const struct xml *array = soap_ref(&s, xml_child(s.call, "filter"));
	OK(array && xml_child(array, "row"));
	OK(soap_ref(&s, xml_child(s.call, "own")) == xml_child(s.call, "own"));
	OK(soap_ref(&s, xml_child(s.call, "lost")) == NULL);
	OK(soap_ref(&s, xml_child(s.call, "far")) == NULL);
	OK(soap_ref(&s, NULL) == NULL);
}

static void what_is_no_soap_is_refused(void)
{
	struct soap s;
	EQ(read_text(&s, STR("")), -EBADMSG);
	EQ(read_text(&s, STR("<a/>")), -EBADMSG);
	EQ(read_text(&s, STR(OPEN "</s:Envelope>")), -EBADMSG);
	EQ(read_text(&s, STR(OPEN "<m:Body><m:x/></m:Body></s:Envelope>")), -EBADMSG);
	EQ(read_text(&s, STR(BODY(""))), -EBADMSG);
	EQ(read_text(&s, STR("<!DOCTYPE a>" BODY("<m:x/>"))), -EBADMSG);
	EQ_STR(soap_fault_code(-EBADMSG), "Client");
}

static void another_version_of_soap_is_named(void)
{
	struct soap s;
	EQ(read_text(&s,
	             STR("<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body><x/>"
	                 "</Body></Envelope>")),
	   -EPROTONOSUPPORT);
	EQ(read_text(&s, STR("<Envelope><Body><x/></Body></Envelope>")), -EPROTONOSUPPORT);
	EQ_STR(soap_fault_code(-EPROTONOSUPPORT), "VersionMismatch");
}

static void a_header_that_must_be_understood_is_refused_and_others_are_passed_over(void)
{
	struct soap s;
	EQ(read_text(&s, STR(OPEN "<s:Header><m:t s:mustUnderstand=\"1\"/></s:Header><s:Body><m:x/>"
	                          "</s:Body></s:Envelope>")),
	   -ENOTSUP);
	EQ_STR(soap_fault_code(-ENOTSUP), "MustUnderstand");
	EQ(read_text(&s, STR(OPEN "<s:Header><m:t s:mustUnderstand=\"0\"/><m:u/></s:Header><s:Body>"
	                          "<m:x/></s:Body></s:Envelope>")),
	   0);
}

static void a_methods_name_is_bounded(void)
{
	struct soap s;
	auto_(buf_free) struct buf name = buf_of(1000), b = buf_of(4000);
	for (unsigned i = 0; i <= SOAP_METHOD_MAX; i++)
		buf_char(&name, 'a');
	for (unsigned cut = 0; cut < 2; cut++) {
		b.len = 0;
		buf_lit(&b, OPEN "<s:Body><m:");
		buf_put(&b, name.p, name.len - cut);
		buf_lit(&b, "/></s:Body></s:Envelope>");
		EQ(read_text(&s, buf_view(&b)), cut ? 0 : -EBADMSG);
	}
}

static void an_answer_is_read_as_it_was_written(void)
{
	struct soap s;
	auto_(buf_free) struct buf b = buf_of(4000);
	soap_put_method_begin(&b, "addGroup", SOAP_SPACE_SIP);
	xml_put_element(&b, "m:groupID", STR("3"));
	soap_put_method_end(&b, "addGroup");
	EQ_STR(buf_view(&b), BODY("<m:addGroup><m:groupID>3</m:groupID></m:addGroup>"));
	EQ(read_text(&s, buf_view(&b)), 0);
	EQ_STR(s.method, "addGroup");
	EQ_STR(s.space, SOAP_SPACE_SIP);
	EQ_STR(soap_arg(&s, "groupID"), "3");
}

static void a_fault_is_read_as_it_was_written(void)
{
	struct soap s;
	auto_(buf_free) struct buf b = buf_of(4000);
	struct soap_fault f = { STR("Client.BadCall.WrongDelta"), STR("a < b"), STR("7") };
	soap_put_fault(&b, &f);
	EQ(read_text(&s, buf_view(&b)), 0);
	EQ_STR(s.method, "Fault");
	EQ_STR(soap_arg(&s, "faultcode"), "s:Client.BadCall.WrongDelta");
	EQ_STR(soap_arg(&s, "faultstring"), "a < b");
	EQ_STR(soap_arg(&s, "detail"), "7");
}

int main(void)
{
	RUN(a_call_has_its_method_and_arguments);
	RUN(a_reference_leads_to_what_is_beside_the_call);
	RUN(what_is_no_soap_is_refused);
	RUN(another_version_of_soap_is_named);
	RUN(a_header_that_must_be_understood_is_refused_and_others_are_passed_over);
	RUN(a_methods_name_is_bounded);
	RUN(an_answer_is_read_as_it_was_written);
	RUN(a_fault_is_read_as_it_was_written);
	arena_free(&arena);
	return tap_done();
}
