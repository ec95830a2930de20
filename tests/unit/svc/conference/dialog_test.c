#include "svc/conference/dialog.h"

#include <errno.h>

#include "tap.h"

static const char invite[] =
        "INVITE sip:a@example.test;gruu;opaque=app:conf:chat:id:ABCDEFGH SIP/2.0\r\n"
        "Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1\r\n"
        "Record-Route: <sip:d.one@192.0.2.9;lr>, <sip:d.two@192.0.2.8;lr>\r\n"
        "Record-Route: <sip:d.three@192.0.2.7;lr>\r\n"
        "From: \"Bob\" <sip:bob@example.test>;tag=77;epid=6fe9\r\n"
        "To: <sip:a@example.test>\r\nCall-ID: abc\r\nCSeq: 7 INVITE\r\n"
        "Contact: <sip:bob@192.0.2.1:5061;transport=tls>\r\n"
        "Content-Length: 0\r\n\r\n";

static void an_invite_makes_a_dialog_of_the_called_end(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct sip_msg m;
	struct confinfo_leg leg;
	EQ(sip_parse(&m, STR(invite)), 0);
	EQ(conf_dialog_of(&leg, a, &m, STR("ours")), 0);
	EQ_STR(leg.call_id, "abc");
	EQ_STR(leg.local_tag, "ours");
	EQ_STR(leg.remote_tag, "77");
	EQ_STR(leg.remote, "<sip:bob@example.test>;epid=6fe9");
	EQ_STR(leg.contact, "sip:bob@192.0.2.1:5061;transport=tls");
	EQ_STR(leg.route, "<sip:d.one@192.0.2.9;lr>, <sip:d.two@192.0.2.8;lr>, "
	                  "<sip:d.three@192.0.2.7;lr>");
	EQ(leg.remote_cseq, 7);
}

static void an_invite_without_a_contact_makes_none(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct sip_msg m;
	struct confinfo_leg leg;
	EQ(sip_parse(&m, STR("INVITE sip:a@example.test SIP/2.0\r\n"
	                     "Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1\r\n"
	                     "From: <sip:bob@example.test>;tag=77\r\nTo: <sip:a@example.test>\r\n"
	                     "Call-ID: abc\r\nCSeq: 7 INVITE\r\nContent-Length: 0\r\n\r\n")),
	   0);
	EQ(conf_dialog_of(&leg, a, &m, STR("ours")), -EBADMSG);
}

static void a_request_is_of_the_dialog_by_call_id_and_both_tags(void)
{
	static const char bye[] = "BYE sip:x SIP/2.0\r\nFrom: <sip:bob@example.test>;tag=77\r\n"
	                          "To: <sip:a@example.test>;tag=ours\r\nCall-ID: abc\r\n"
	                          "CSeq: 8 BYE\r\nContent-Length: 0\r\n\r\n";
	struct confinfo_leg leg = { .call_id = STR("abc"),
		                    .local_tag = STR("ours"),
		                    .remote_tag = STR("77") };
	struct sip_msg m;
	EQ(sip_parse(&m, STR(bye)), 0);
	OK(conf_dialog_has(&leg, &m));
	leg.remote_tag = STR("78");
	OK(!conf_dialog_has(&leg, &m));
	leg.remote_tag = STR("77");
	leg.local_tag = STR("theirs");
	OK(!conf_dialog_has(&leg, &m));
	leg.local_tag = STR("ours");
	leg.call_id = STR("abd");
	OK(!conf_dialog_has(&leg, &m));
}

static void our_requests_go_to_the_contact_by_the_route(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	struct sip_flow flow = { .kind = SIP_TCP };
	struct sip_msg m;
	const struct confinfo_leg leg = { .call_id = STR("abc"),
		                          .local_tag = STR("ours"),
		                          .remote_tag = STR("77"),
		                          .remote = STR("<sip:bob@example.test>;epid=6fe9"),
		                          .contact = STR("sip:bob@192.0.2.1"),
		                          .route = STR("<sip:d.one@192.0.2.9;lr>") };
	const struct conf_request rq = { .method = SIP_MESSAGE,
		                         .local = STR("sip:a@example.test;gruu"),
		                         .route = STR("<sip:o.1@home;lr>"),
		                         .cseq = 12,
		                         .flow = &flow,
		                         .branch = "z9hG4bK012345678901234567890123" };
	conf_dialog_put(&b, &leg, &rq);
	sip_put_body(&b, STR("text/plain"), STR("hi"));
	EQ(sip_parse(&m, buf_view(&b)), 0);
	EQ(sip_check(&m).code, 0);
	EQ_STR(m.uri, "sip:bob@192.0.2.1");
	EQ_STR(sip_value(&m, SIP_H_ROUTE), "<sip:o.1@home;lr>");
	OK(str_find(buf_view(&b), STR("\r\nRoute: <sip:d.one@192.0.2.9;lr>\r\n")) > 0);
	EQ_STR(sip_value(&m, SIP_H_FROM), "<sip:a@example.test;gruu>;tag=ours");
	EQ_STR(sip_value(&m, SIP_H_TO), "<sip:bob@example.test>;epid=6fe9;tag=77");
	EQ(m.cseq, 12);
}

int main(void)
{
	RUN(an_invite_makes_a_dialog_of_the_called_end);
	RUN(an_invite_without_a_contact_makes_none);
	RUN(a_request_is_of_the_dialog_by_call_id_and_both_tags);
	RUN(our_requests_go_to_the_contact_by_the_route);
	return tap_done();
}
