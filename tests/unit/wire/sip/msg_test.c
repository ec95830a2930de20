#include <errno.h>
#include <stdlib.h>

#include "tap.h"
#include "wire/sip/compose.h"

static const char reg[] =
        "REGISTER sip:example.test SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.4:5062;branch=z9hG4bKa;rport, SIP/2.0/TCP h;branch=z9hG4bKb\r\n"
        "Max-Forwards: 70\r\n"
        "f: \"B, \\\"x\\\"\" <sip:bob@example.test;x=1>;tag=99\r\n"
        "t: <sip:bob@example.test>\r\n"
        "i: abc@192.0.2.4\r\n"
        "CSeq: 17 REGISTER\r\n"
        "Subject: folded\r\n\tline\r\n"
        "m: <sip:bob@192.0.2.4>;expires=60,\r\n <sip:b2@[2001:db8::1]:99>\r\n"
        "X-Own : Kept  \r\n"
        "l: 0\r\n\r\n";

static void typed_headers_are_found_by_long_and_compact_names(void)
{
	struct sip_msg m;
	struct sip_addr a;
	EQ(sip_parse(&m, STR(reg)), 0);
	EQ(sip_check(&m).code, 0);
	OK(m.is_request);
	EQ(m.method, SIP_REGISTER);
	EQ(m.cseq, 17);
	EQ_STR(m.uri, "sip:example.test");
	EQ_STR(m.call_id, "abc@192.0.2.4");
	EQ_STR(sip_value_named(&m, STR("x-own")), "Kept");
	EQ(sip_addr_parse(&a, sip_value(&m, SIP_H_FROM)), 0);
	EQ_STR(a.display, "B, \\\"x\\\"");
	EQ_STR(a.uri, "sip:bob@example.test;x=1");
	struct str tag;
	OK(sip_param(a.params, STR("TAG"), &tag));
	EQ_STR(tag, "99");
}

static void a_folded_contact_list_is_one_list(void)
{
	struct sip_msg m;
	struct sip_addr a;
	struct sip_uri u;
	EQ(sip_parse(&m, STR(reg)), 0);
	struct str rest = sip_value(&m, SIP_H_CONTACT);
	EQ(sip_addr_next(&rest, &a), 1);
	EQ_STR(a.uri, "sip:bob@192.0.2.4");
	EQ(sip_addr_next(&rest, &a), 1);
	EQ(sip_uri_parse(&u, a.uri), 0);
	EQ_STR(u.host, "2001:db8::1");
	OK(u.host_is_v6);
	EQ(u.port, 99);
	EQ(sip_addr_next(&rest, &a), 0);
}

static void vias_are_taken_one_by_one(void)
{
	struct sip_msg m;
	struct sip_via v;
	EQ(sip_parse(&m, STR(reg)), 0);
	struct str rest = sip_value(&m, SIP_H_VIA);
	EQ(sip_via_next(&rest, &v), 1);
	EQ_STR(v.transport, "UDP");
	EQ_STR(v.branch, "z9hG4bKa");
	OK(v.rport);
	EQ(v.port, 5062);
	EQ(sip_via_next(&rest, &v), 1);
	EQ_STR(v.host, "h");
	OK(!v.rport);
	EQ(sip_via_next(&rest, &v), 0);
}

static void a_forwarded_request_keeps_what_it_does_not_change(void)
{
	struct sip_msg m;
	struct addr peer;
	auto_(buf_free) struct buf b = buf_of(10000);
	EQ(sip_parse(&m, STR(reg)), 0);
	EQ(addr_parse(&peer, STR("198.51.100.7"), 4000), 0);
	struct sip_edit e = { .push_via = STR("SIP/2.0/TLS me;branch=z9hG4bKn"),
		              .received = &peer,
		              .max_forwards = 69,
		              .record_route = STR("<sip:me;lr>") };
	sip_put_edited(&b, &m, &e);
	EQ_STR(buf_view(&b),
	       "REGISTER sip:example.test SIP/2.0\r\n"
	       "Via: SIP/2.0/TLS me;branch=z9hG4bKn\r\n"
	       "Record-Route: <sip:me;lr>\r\n"
	       "Via: SIP/2.0/UDP 192.0.2.4:5062;branch=z9hG4bKa;received=198.51.100.7;rport=4000, "
	       "SIP/2.0/TCP h;branch=z9hG4bKb\r\n"
	       "Max-Forwards: 69\r\n"
	       "f: \"B, \\\"x\\\"\" <sip:bob@example.test;x=1>;tag=99\r\n"
	       "t: <sip:bob@example.test>\r\n"
	       "i: abc@192.0.2.4\r\n"
	       "CSeq: 17 REGISTER\r\n"
	       "Subject: folded\r\n\tline\r\n"
	       "m: <sip:bob@192.0.2.4>;expires=60,\r\n <sip:b2@[2001:db8::1]:99>\r\n"
	       "X-Own : Kept\r\n"
	       "l: 0\r\n\r\n");
}

static void a_response_copies_what_it_must(void)
{
	struct sip_msg m;
	auto_(buf_free) struct buf b = buf_of(10000);
	EQ(sip_parse(&m, STR(reg)), 0);
	sip_put_response(&b, &m, 404, STR("Not Found"), STR("tt"), NULL);
	sip_put_body(&b, STR(""), STR(""));
	EQ_STR(buf_view(&b), "SIP/2.0 404 Not Found\r\n"
	                     "Via: SIP/2.0/UDP 192.0.2.4:5062;branch=z9hG4bKa;rport, "
	                     "SIP/2.0/TCP h;branch=z9hG4bKb\r\n"
	                     "From: \"B, \\\"x\\\"\" <sip:bob@example.test;x=1>;tag=99\r\n"
	                     "To: <sip:bob@example.test>;tag=tt\r\n"
	                     "Call-ID: abc@192.0.2.4\r\n"
	                     "CSeq: 17 REGISTER\r\n"
	                     "Content-Length: 0\r\n\r\n");
}

static void routes_are_taken_off_across_fields(void)
{
	static const char text[] = "BYE sip:a@b SIP/2.0\r\n"
	                           "Route: <sip:1;lr>\r\nRoute: <sip:2;lr>, <sip:3;lr>\r\n\r\n";
	struct sip_msg m;
	auto_(buf_free) struct buf b = buf_of(10000);
	EQ(sip_parse(&m, STR(text)), 0);
	struct sip_edit e = { .pop_routes = 2,
		              .max_forwards = -1,
		              .push_routes = STR("<sip:n;lr>") };
	sip_put_edited(&b, &m, &e);
	EQ_STR(buf_view(&b), "BYE sip:a@b SIP/2.0\r\nRoute: <sip:n;lr>\r\nRoute: <sip:3;lr>\r\n"
	                     "Content-Length: 0\r\n\r\n");
}

static void a_popped_via_leaves_the_others(void)
{
	static const char text[] =
	        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b\r\n"
	        "Via: SIP/2.0/UDP c\r\nl: 3\r\n\r\nxyz";
	struct sip_msg m;
	auto_(buf_free) struct buf b = buf_of(10000);
	EQ(sip_parse(&m, STR(text)), 0);
	struct sip_edit e = { .pop_via = true, .max_forwards = -1 };
	sip_put_edited(&b, &m, &e);
	EQ_STR(buf_view(&b), "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP b\r\nVia: SIP/2.0/UDP c\r\n"
	                     "l: 3\r\n\r\nxyz");
}

static int code_of(const char *text)
{
	struct sip_msg m;
	return sip_parse(&m, str_of(text)) < 0 ? -1 : sip_check(&m).code;
}

#define REST                                                                               \
	"Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n" \
	"Call-ID: 1\r\n"

static void faults_get_their_own_codes(void)
{
	EQ(code_of("OPTIONS sip:a@b SIP/2.0\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n"), 0);
	EQ(code_of("OPTIONS sip:a@b SIP/7.0\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n"), 505);
	EQ(code_of("OPTIONS nobody:a@b SIP/2.0\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n"), 416);
	EQ(code_of("OPTIONS sip:a@b SIP/2.0\r\n" REST "CSeq: 1 INVITE\r\n\r\n"), 400);
	EQ(code_of("OPTIONS sip:a@b SIP/2.0\r\n" REST "CSeq: 36893488147419103232 OPTIONS\r\n\r\n"),
	   400);
	EQ(code_of("OPTIONS sip:a@b SIP/2.0\r\n" REST "Call-ID: 2\r\nCSeq: 1 OPTIONS\r\n\r\n"),
	   400);
	EQ(code_of("OPTIONS sip:a@b SIP/2.0\r\n" REST "CSeq: 1 OPTIONS\r\nl: 5\r\n\r\nabc"), 400);
	EQ(code_of("OPTIONS sip:a@b SIP/2.0\r\n" REST "CSeq: 1 OPTIONS\r\nl: -5\r\n\r\nabc"), 400);
	EQ(code_of("OPTIONS sip:a@b SIP/2.0\r\n" REST "CSeq: 1 OPTIONS\r\nno colon\r\n\r\n"), 400);
	EQ(code_of("nonsense\r\n\r\n"), -1);
	EQ(code_of(""), -1);
}

static void parts_are_read_once_and_anew_in_a_copy(void)
{
	static const char text[] = "OPTIONS sip:a@b SIP/2.0\r\n" REST "Contact: <sip:x@y>\r\n\r\n";
	struct sip_msg m;
	void *block;
	OK(sip_parse(&m, str_of(text)) == 0);
	const struct sip_uri *from = sip_from_uri(&m);
	EQ_STR(from->user, "a");
	OK(sip_from_uri(&m) == from);
	EQ_STR(sip_to_uri(&m)->user, "c");
	EQ_STR(sip_top_via(&m)->branch, "z9hG4bK1");
	EQ_STR(sip_contact(&m)->uri, "sip:x@y");
	struct sip_msg *copy = sip_msg_copy(&m, 0, &block);
	OK(sip_to(copy)->uri.p >= copy->base && sip_to(copy)->uri.p < copy->base + copy->len);
	EQ_STR(sip_to(copy)->uri, "sip:c@d");
	free(block);
}

static void broken_and_missing_parts_are_none(void)
{
	struct sip_msg m;
	OK(sip_parse(&m, STR("OPTIONS sip:a@b SIP/2.0\r\nFrom: <sip:a@b\r\nTo: <nothing>\r\n"
	                     "Via: SIP/2.0/UDP\r\n\r\n")) == 0);
	OK(sip_from(&m) == NULL && sip_from_uri(&m) == NULL);
	OK(sip_from(&m) == NULL); /* the second time too */
	OK(sip_to(&m) != NULL && sip_to_uri(&m) == NULL);
	OK(sip_top_via(&m) == NULL);
	OK(sip_contact(&m) == NULL);
}

static void contacts_are_taken_one_by_one_across_fields(void)
{
	struct sip_contacts it = { 0 };
	struct sip_msg m;
	struct sip_addr a;
	OK(sip_parse(&m,
	             STR("OPTIONS sip:a@b SIP/2.0\r\nContact: <sip:1@h>;q=1 , \"a, b\" <sip:2@h>"
	                 "\r\nm:\r\nContact: *\r\nm: <sip:3@h>,<sip:4\r\n\r\n")) == 0);
	EQ(sip_contact_next(&m, &it, &a), 1);
	EQ_STR(a.uri, "sip:1@h");
	EQ(sip_contact_next(&m, &it, &a), 1);
	EQ_STR(a.uri, "sip:2@h");
	EQ(sip_contact_next(&m, &it, &a), 1);
	OK(a.star);
	EQ(sip_contact_next(&m, &it, &a), 1);
	EQ_STR(a.uri, "sip:3@h");
	EQ(sip_contact_next(&m, &it, &a), -EBADMSG);
	OK(sip_parse(&m, STR("OPTIONS sip:a@b SIP/2.0\r\nContact:\r\n\r\n")) == 0);
	it = (struct sip_contacts){ 0 };
	EQ(sip_contact_next(&m, &it, &a), 0);
	EQ(sip_contact_next(&m, &it, &a), 0);
}

static void parameters_end_outside_quotes(void)
{
	struct str rest = STR("; a = \"1;2\\\";3\" ;b;c=d=e;f\"=\"g;=h;i=\"="), name, value;
	static const char *const want[][2] = { { "a", "1;2\\\";3" },
		                               { "b", NULL },
		                               { "c", "d=e" },
		                               { "f\"=\"g", NULL },
		                               { "", "h" } };
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		OK(sip_param_next(&rest, &name, &value));
		EQ_STR(name, want[i][0]);
		OK((value.p == NULL) == (want[i][1] == NULL));
		OK(!want[i][1] || str_eq(value, str_of(want[i][1])));
	}
	OK(!sip_param_next(&rest, &name, &value)); /* the quote does not end */
	OK(rest.len > 0);
}

static int frame(const char *text, uint32_t *ret_len)
{
	struct sip_framer f = { 0 };
	return sip_frame(&f, str_of(text), 4096, ret_len);
}

static void length_is_read_from_its_own_line_alone(void)
{
	uint32_t len;
	EQ(frame("CANCEL sip:l:1 SIP/2.0\r\nCall-ID: 1\r\nL : 3\r\n\r\nabc", &len), SIP_FRAME_MSG);
	EQ(len, strlen("CANCEL sip:l:1 SIP/2.0\r\nCall-ID: 1\r\nL : 3\r\n\r\nabc"));
	EQ(frame("SIP/2.0 200 OK\nlonger: 9\ncontent-LENGTH: 0\n\n", &len), SIP_FRAME_MSG);
	EQ(len, strlen("SIP/2.0 200 OK\nlonger: 9\ncontent-LENGTH: 0\n\n"));
	/* A folded line is part of another field. */
	EQ(frame("SIP/2.0 200 OK\r\nSubject: x\r\n l: 3\r\nl: 0\r\n\r\n", &len), SIP_FRAME_MSG);
	EQ(len, strlen("SIP/2.0 200 OK\r\nSubject: x\r\n l: 3\r\nl: 0\r\n\r\n"));
	EQ(frame("SIP/2.0 200 OK\r\nSubject: x\r\n l: 0\r\n\r\n", &len), -EBADMSG);
}

int main(void)
{
	RUN(typed_headers_are_found_by_long_and_compact_names);
	RUN(a_folded_contact_list_is_one_list);
	RUN(vias_are_taken_one_by_one);
	RUN(a_forwarded_request_keeps_what_it_does_not_change);
	RUN(a_response_copies_what_it_must);
	RUN(routes_are_taken_off_across_fields);
	RUN(a_popped_via_leaves_the_others);
	RUN(faults_get_their_own_codes);
	RUN(parts_are_read_once_and_anew_in_a_copy);
	RUN(broken_and_missing_parts_are_none);
	RUN(contacts_are_taken_one_by_one_across_fields);
	RUN(parameters_end_outside_quotes);
	RUN(length_is_read_from_its_own_line_alone);
	return tap_done();
}
