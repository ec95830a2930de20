#include "wire/sip/compose.h"

#include "tap.h"

static const char invite[] = "INVITE sip:bob@example.test SIP/2.0\r\n"
                             "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKa\r\n"
                             "From: <sip:alice@example.test>;tag=1\r\n"
                             "To: <sip:bob@example.test>\r\n"
                             "c : application/sdp\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
                             "X-Own:  as   it is\r\nl: 5\r\nMax-Forwards: 70\r\n\r\nv=0\r\n";

static struct str edited(struct buf *b, const struct sip_edit *e, struct sip_msg *again)
{
	struct sip_msg m;
	EQ(sip_parse(&m, str_of(invite)), 0);
	sip_put_edited(b, &m, e);
	EQ(sip_parse(again, buf_view(b)), 0);
	EQ(sip_check(again).code, 0);
	return buf_view(b);
}

static unsigned count(const struct sip_msg *m, enum sip_hdr_id id)
{
	unsigned n = 0;
	for (const struct sip_hdr *h = sip_first(m, id); h; h = sip_next(m, h))
		n++;
	return n;
}

static void another_body_has_its_own_type_and_length(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	struct sip_msg m;
	struct str body = STR("{\"not\": \"sdp\"}\n");
	struct sip_edit e = { .max_forwards = -1,
		              .body = &body,
		              .body_type = STR("application/json") };
	struct str text = edited(&b, &e, &m);
	EQ_STR(m.body, "{\"not\": \"sdp\"}\n");
	EQ_STR(sip_value(&m, SIP_H_CONTENT_TYPE), "application/json");
	EQ_STR(sip_value(&m, SIP_H_CONTENT_LENGTH), "15");
	EQ(count(&m, SIP_H_CONTENT_TYPE) + count(&m, SIP_H_CONTENT_LENGTH), 2);
	OK(str_find(text, STR("\r\nX-Own:  as   it is\r\n")) > 0);
	EQ(m.len, m.head_len + body.len);
}

static void a_body_can_be_taken_off(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	struct sip_msg m;
	struct str none = STR("");
	struct sip_edit e = { .max_forwards = -1, .body = &none };
	edited(&b, &e, &m);
	EQ(m.body.len, 0);
	EQ_STR(sip_value(&m, SIP_H_CONTENT_LENGTH), "0");
	OK(sip_first(&m, SIP_H_CONTENT_TYPE) == NULL);
}

static void without_another_body_not_a_byte_of_it_changes(void)
{
	auto_(buf_free) struct buf b = buf_of(4096);
	struct sip_msg m;
	struct sip_edit e = { .max_forwards = -1 };
	EQ_STR(edited(&b, &e, &m), invite);
}

static void a_field_that_is_stripped_is_gone_and_a_line_that_is_added_is_there(void)
{
	static const uint8_t strip[SIP_H_N_IDS] = { [SIP_H_CONTENT_TYPE] = 1 };
	auto_(buf_free) struct buf b = buf_of(4096);
	struct sip_msg m;
	struct sip_edit e = { .max_forwards = 5,
		              .strip = strip,
		              .add = STR("X-New: 1\r\n"),
		              .uri = STR("sip:bob@192.0.2.9"),
		              .record_route = STR("<sip:p;lr>"),
		              .push_routes = STR("<sip:q;lr>, <sip:r;lr>") };
	edited(&b, &e, &m);
	EQ_STR(m.uri, "sip:bob@192.0.2.9");
	OK(sip_first(&m, SIP_H_CONTENT_TYPE) == NULL);
	EQ_STR(sip_value_named(&m, STR("x-new")), "1");
	EQ_STR(sip_value(&m, SIP_H_MAX_FORWARDS), "5");
	EQ_STR(sip_value(&m, SIP_H_RECORD_ROUTE), "<sip:p;lr>");
	EQ_STR(sip_value(&m, SIP_H_ROUTE), "<sip:q;lr>, <sip:r;lr>");
	EQ_STR(m.body, "v=0\r\n");
}

int main(void)
{
	RUN(another_body_has_its_own_type_and_length);
	RUN(a_body_can_be_taken_off);
	RUN(without_another_body_not_a_byte_of_it_changes);
	RUN(a_field_that_is_stripped_is_gone_and_a_line_that_is_added_is_there);
	return tap_done();
}
