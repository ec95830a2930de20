#include "wire/imdn/cpim.h"

#include <errno.h>

#include "base/isotime.h"
#include "data.h"
#include "sample.h"
#include "tap.h"

static void message_that_asks_is_read(void)
{
	auto_(buf_free) struct buf b;
	struct cpim c = { 0 };
	usec_t date = 0;
	EQ(cpim_parse(&c, sample(&b, "imdn_cpim/asks")), 0);
	EQ_STR(c.from, "Bob <im:bob@example.test>");
	EQ_STR(cpim_uri(c.from), "im:bob@example.test");
	EQ_STR(c.to, "<im:alice@example.test>");
	EQ_STR(c.subject, "Guten Tag");
	EQ(isotime_parse(&date, STR("2026-01-02T03:04:05Z")), 0);
	EQ(c.date, date);
	EQ_STR(c.message_id, "34jk324j");
	EQ(c.wants, CPIM_WANTS_DELIVERY | CPIM_WANTS_FAILURE | CPIM_WANTS_DISPLAY);
	EQ_STR(c.type, "text/plain; charset=utf-8");
	EQ_STR(c.disposition, "");
	EQ_STR(c.content, "hello");
}

static void notification_with_short_line_ends_is_read(void)
{
	auto_(buf_free) struct buf b;
	struct cpim c = { 0 };
	EQ(cpim_parse(&c, sample(&b, "imdn_cpim/tells")), 0);
	EQ_STR(c.message_id, "9x");
	EQ(c.wants, 0);
	EQ_STR(c.disposition, "notification");
	EQ_STR(c.content, "<imdn/>");
}

static void fields_of_another_namespace_are_left_out(void)
{
	struct cpim c = { 0 };
	EQ(cpim_parse(&c, STR("From: a\r\nNS: n <urn:ietf:params:imdn>\r\nNS: imdn <urn:x>\r\n"
	                      "imdn.Message-ID: 1\r\nX.From: b\r\n\r\n\r\n")),
	   0);
	EQ_STR(c.message_id, "");
	EQ_STR(c.from, "a");
	EQ_STR(c.type, "");
	EQ_STR(c.content, "");
}

static void broken_envelopes_are_refused(void)
{
	struct cpim c;
	EQ(cpim_parse(&c, STR("")), -EBADMSG);
	EQ(cpim_parse(&c, STR("\r\nContent-Type: x/y\r\n\r\n")), -EBADMSG);
	EQ(cpim_parse(&c, STR("From: a\r\n")), -EBADMSG);
	EQ(cpim_parse(&c, STR("From: a\r\n\r\nContent-Type: x/y")), -EBADMSG);
	EQ(cpim_parse(&c, STR("From\r\n\r\n\r\n")), -EBADMSG);
}

static void message_is_written(void)
{
	struct cpim c = { .from = STR("Bob\r\nX: y <sip:bob@example.test>"),
		          .to = STR("<sip:alice@example.test>"),
		          .subject = STR("Lunch"),
		          .message_id = STR("34jk324j"),
		          .wants = CPIM_WANTS_DELIVERY | CPIM_WANTS_DISPLAY,
		          .type = STR("text/plain;charset=UTF-8"),
		          .content = STR("hello\r\n") };
	auto_(buf_free) struct buf b = buf_of(4096), want = buf_of(4096);
	EQ(isotime_parse(&c.date, STR("2026-01-02T03:04:05Z")), 0);
	cpim_put(&b, &c);
	data_read(&want, "simple/message.cpim");
	buf_char(&want, '\0');
	EQ_STR(buf_view(&b), want.p);
	struct cpim again = { 0 };
	EQ(cpim_parse(&again, buf_view(&b)), 0);
	EQ_STR(again.content, "hello\r\n");
	EQ(again.wants, c.wants);
	EQ(again.date, c.date);
}

static void nothing_absent_is_written(void)
{
	struct cpim c = { .from = STR("<sip:a@b>"), .content = STR("x") };
	auto_(buf_free) struct buf b = buf_of(4096);
	cpim_put(&b, &c);
	EQ_STR(buf_view(&b), "From: <sip:a@b>\r\n\r\nContent-Length: 1\r\n\r\nx");
}

static void uri_stands_between_brackets_or_alone(void)
{
	EQ_STR(cpim_uri(STR("\"Bob\" <sip:bob@example.test>")), "sip:bob@example.test");
	EQ_STR(cpim_uri(STR(" sip:bob@example.test ")), "sip:bob@example.test");
	EQ_STR(cpim_uri(STR("<sip:bob")), "<sip:bob");
}

int main(void)
{
	RUN(message_that_asks_is_read);
	RUN(notification_with_short_line_ends_is_read);
	RUN(fields_of_another_namespace_are_left_out);
	RUN(broken_envelopes_are_refused);
	RUN(message_is_written);
	RUN(nothing_absent_is_written);
	RUN(uri_stands_between_brackets_or_alone);
	return tap_done();
}
