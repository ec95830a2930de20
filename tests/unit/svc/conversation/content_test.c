#include "svc/conversation/content.h"
#include "tap.h"

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
	EQ_STR(buf_view(&b), "1 < 2\na &\xc3\xa4\xe2\x82\xacx\ny");
}

static void broken_html_is_still_text(void)
{
	char out[256];
	struct buf b = BUF_ON(out);
	content_put_plain(&b, STR("a & b &bogus; &#xFFFFFFFF; &#xD800; <unclosed"));
	EQ_STR(buf_view(&b), "a & b &bogus; &#xFFFFFFFF; \xef\xbf\xbd ");
}

static void a_link_is_no_line_break(void)
{
	char out[64];
	struct buf b = BUF_ON(out);
	content_put_plain(&b, STR("<break>one</divide>two<br>three"));
	EQ_STR(buf_view(&b), "onetwo\nthree");
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

int main(void)
{
	RUN(text_of_a_lync_client_reaches_a_phone_as_plain_text);
	RUN(html_loses_its_tags_on_the_way_to_a_phone);
	RUN(broken_html_is_still_text);
	RUN(a_link_is_no_line_break);
	RUN(typing_is_translated_both_ways);
	RUN(other_bodies_are_not_translated);
	return tap_done();
}
