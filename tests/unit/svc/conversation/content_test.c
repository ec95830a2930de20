#include "svc/conversation/content.h"
#include "tap.h"
#include "wire/imdn/cpim.h"

static struct sip_msg msg;

/* A MESSAGE or INFO with this body. */
static struct content read_of(const char *method, const char *type, const char *body)
{
	static char text[4096];
	struct content c = { 0 };
	(void)snprintf(
	        text, sizeof(text),
	        "%s sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
	        "From: <sip:a@example.test>;tag=1\r\nTo: <sip:bob@example.test>\r\n"
	        "Call-ID: 1\r\nCSeq: 1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
	        method, method, type, strlen(body), body);
	if (OK(sip_parse(&msg, str_of(text)) == 0))
		content_read(&c, &msg);
	return c;
}

static void text_of_a_lync_client_reaches_a_phone_as_plain_text(void)
{
	struct content c = read_of("MESSAGE", "text/plain; charset=UTF-8;msgr=WAAtAE0A", "hello");
	char out[256];
	struct buf b = BUF_ON(out);
	struct str type;
	EQ(c.kind, CONTENT_TEXT);
	content_put_pager(&b, &c, &type);
	EQ_STR(type, "text/plain;charset=UTF-8");
	EQ_STR(buf_view(&b), "hello");
}

static void html_loses_its_tags_on_the_way_to_a_phone(void)
{
	struct content c =
	        read_of("MESSAGE", "text/html; charset=UTF-8",
	                "<html><b>1 &lt; 2</b><br/>a &amp;&#228;&#x20AC;<p>x</p>y</html>");
	char out[256];
	struct buf b = BUF_ON(out);
	struct str type;
	OK(c.html);
	content_put_pager(&b, &c, &type);
	EQ_STR(buf_view(&b), "1 < 2\na &\xc3\xa4\xe2\x82\xac\nx\ny");
}

/* What liblinphone sends: zlib of a notice about "m1"; and of a text. */
static const uint8_t packed_notice[] = {
	0x78, 0x9c, 0x75, 0x8e, 0xc1, 0x0a, 0xc2, 0x30, 0x10, 0x44, 0x7f, 0x45, 0x7a, 0x0f, 0x69,
	0x02, 0x56, 0x5c, 0xd6, 0x7c, 0x85, 0x27, 0x6f, 0xc1, 0x6c, 0x65, 0xa1, 0x9b, 0x4a, 0x76,
	0x2b, 0xfa, 0xf7, 0xda, 0x83, 0xc5, 0x8b, 0xc7, 0x79, 0x6f, 0x06, 0x06, 0x59, 0x4a, 0xdd,
	0x3d, 0x65, 0xaa, 0x7a, 0xea, 0x96, 0x56, 0x81, 0xc9, 0x46, 0xb8, 0xe7, 0x96, 0x45, 0xe1,
	0x83, 0xa1, 0x2a, 0xac, 0x95, 0x2e, 0xa1, 0x90, 0x6a, 0xbe, 0x91, 0xe3, 0x92, 0x24, 0xa0,
	0xff, 0x89, 0x58, 0xb2, 0x91, 0xb1, 0x50, 0x8a, 0x7d, 0x1c, 0x5c, 0x08, 0x2e, 0x0e, 0xe7,
	0x18, 0xa0, 0x3f, 0xc2, 0xfe, 0x70, 0x41, 0xbf, 0x69, 0x2c, 0x34, 0xf1, 0x83, 0xda, 0xcb,
	0xd5, 0xd9, 0x78, 0xe4, 0x6b, 0x36, 0x9e, 0x6b, 0x42, 0xb5, 0x6c, 0x8b, 0x6e, 0x9a, 0x8a,
	0x4f, 0xe8, 0xbf, 0xd0, 0xff, 0x19, 0xf9, 0xf5, 0x57, 0x7a, 0x03, 0xa6, 0x2b, 0x44, 0x63
};
static const uint8_t packed_text[] = { 0x78, 0x9c, 0x4b, 0x54, 0x28, 0x49, 0xad, 0x28, 0x51, 0x28,
	                               0xc9, 0x48, 0x2c, 0x51, 0xc8, 0x2c, 0x56, 0x28, 0x48, 0x4c,
	                               0xce, 0x4e, 0x4d, 0x01, 0x00, 0x52, 0x69, 0x07, 0x9c };

static struct content read_packed_of(const char *type, const uint8_t *body, size_t n,
                                     const char *encoding)
{
	static char text[4096];
	struct buf b = BUF_ON(text);
	struct content c = { 0 };
	buf_printf(&b,
	           "MESSAGE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
	           "From: <sip:a@example.test>;tag=1\r\nTo: <sip:bob@example.test>\r\n"
	           "Call-ID: 1\r\nCSeq: 1 MESSAGE\r\nContent-Type: %s\r\nContent-Encoding: %s\r\n"
	           "Content-Length: %zu\r\n\r\n",
	           type, encoding, n);
	buf_str(&b, str_n((const char *)body, n));
	if (OK(sip_parse(&msg, buf_view(&b)) == 0))
		content_read(&c, &msg);
	return c;
}

static void a_packed_notice_is_unpacked_and_a_packed_text_is_none(void)
{
	struct content c =
	        read_packed_of("message/imdn+xml", packed_notice, sizeof(packed_notice), "deflate");
	EQ(c.kind, CONTENT_NOTICE);
	EQ_STR(str_of(c.notice_id), "m1");
	EQ(c.body.len, sizeof(packed_notice)); /* as it came */
	c = read_packed_of("text/plain", packed_text, sizeof(packed_text), "deflate");
	EQ(c.kind, CONTENT_OTHER);
	c = read_packed_of("message/imdn+xml", packed_text, sizeof(packed_text), "deflate");
	EQ(c.kind, CONTENT_OTHER);
	c = read_packed_of("message/imdn+xml", packed_notice, sizeof(packed_notice) / 2, "deflate");
	EQ(c.kind, CONTENT_OTHER);
	c = read_packed_of("text/plain", packed_text, sizeof(packed_text), "gzip");
	EQ(c.kind, CONTENT_OTHER);
	c = read_packed_of("text/plain", (const uint8_t *)"hello", 5, "identity");
	EQ(c.kind, CONTENT_TEXT);
}

static void typing_is_translated_both_ways(void)
{
	struct content c = read_of("INFO", "application/xml",
	                           "<?xml version=\"1.0\"?><KeyboardActivity> <status "
	                           "status=\"type\" /></KeyboardActivity>");
	char out[512] = { 0 };
	struct buf b = BUF_ON(out);
	struct str type;
	EQ(c.kind, CONTENT_TYPING);
	OK(c.active);
	content_put_pager(&b, &c, &type);
	EQ_STR(type, "application/im-iscomposing+xml");
	struct content back = read_of("MESSAGE", "application/im-iscomposing+xml", out);
	EQ(back.kind, CONTENT_TYPING);
	OK(back.active);
	b.len = 0;
	back.active = false;
	content_put_session(&b, &back, &type);
	EQ_STR(type, "application/xml");
	OK(str_find(buf_view(&b), STR("status=\"idle\"")) > 0);
}

static void other_bodies_are_not_translated(void)
{
	EQ(read_of("MESSAGE", "application/octet-stream", "x").kind, CONTENT_OTHER);
	EQ(read_of("MESSAGE", "text/x-msmsgsinvite", "x").kind, CONTENT_OTHER);
	EQ(read_of("INFO", "application/xml", "<conversationinfo/>").kind, CONTENT_OTHER);
}

static void of_a_multipart_the_plain_text_counts(void)
{
	struct content c =
	        read_of("MESSAGE", "multipart/alternative;boundary=b",
	                "--b\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nplain\r\n"
	                "--b\r\nContent-Type: text/html\r\n\r\n<b>bold</b>\r\n--b--\r\n");
	EQ(c.kind, CONTENT_TEXT);
	OK(!c.html);
	EQ_STR(c.body, "plain");
	c = read_of("MESSAGE", "multipart/related;boundary=b",
	            "--b\r\nContent-Type: text/html\r\n\r\n<b>bold</b>\r\n"
	            "--b\r\nContent-Type: image/png\r\n\r\nxx\r\n--b--\r\n");
	OK(c.kind == CONTENT_TEXT && c.html);
	EQ_STR(c.body, "<b>bold</b>");
	c = read_of("MESSAGE", "multipart/mixed;boundary=b",
	            "--b\r\nContent-Type: image/png\r\n\r\nxx\r\n--b--\r\n");
	EQ(c.kind, CONTENT_OTHER);
}

#define ENVELOPE                                                     \
	"From: <sip:a@example.test>\r\nTo: <sip:b@example.test>\r\n" \
	"NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 34\r\n" \
	"imdn.Disposition-Notification: positive-delivery, display\r\n\r\n"

static void an_envelope_is_opened(void)
{
	struct content c = read_of("MESSAGE", "message/cpim",
	                           ENVELOPE "Content-Type: text/plain\r\n\r\nhello");
	OK(c.kind == CONTENT_TEXT && c.cpim);
	EQ_STR(c.body, "hello");
	EQ_STR(c.type, "text/plain");
	EQ_STR(c.message_id, "34");
	EQ(c.wants, CPIM_WANTS_DELIVERY | CPIM_WANTS_DISPLAY);
	c = read_of("MESSAGE", "message/cpim", "no envelope");
	EQ(c.kind, CONTENT_OTHER);
}

static void a_notice_is_known(void)
{
	struct content c = read_of(
	        "MESSAGE", "message/cpim",
	        ENVELOPE "Content-Type: message/imdn+xml\r\n\r\n"
	                 "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>34</message-id>"
	                 "<delivery-notification><status><failed/></status></delivery-notification>"
	                 "</imdn>");
	EQ(c.kind, CONTENT_NOTICE);
	OK(c.failed);
	EQ_STR(str_of(c.notice_id), "34");
}

static void typing_has_an_end(void)
{
	struct content c = read_of("MESSAGE", "application/im-iscomposing+xml",
	                           "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\">"
	                           "<state>active</state><refresh>90</refresh></isComposing>");
	OK(c.kind == CONTENT_TYPING && c.active);
	EQ(c.refresh_s, 90);
	c = read_of("MESSAGE", "application/im-iscomposing+xml",
	            "<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\">"
	            "<state>active</state><refresh>99999999</refresh></isComposing>");
	EQ(c.refresh_s, CONTENT_REFRESH_S);
}

int main(void)
{
	RUN(text_of_a_lync_client_reaches_a_phone_as_plain_text);
	RUN(html_loses_its_tags_on_the_way_to_a_phone);
	RUN(a_packed_notice_is_unpacked_and_a_packed_text_is_none);
	RUN(typing_is_translated_both_ways);
	RUN(other_bodies_are_not_translated);
	RUN(of_a_multipart_the_plain_text_counts);
	RUN(an_envelope_is_opened);
	RUN(a_notice_is_known);
	RUN(typing_has_an_end);
	return tap_done();
}
