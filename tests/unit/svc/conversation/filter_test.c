#include "svc/conversation/filter.h"

#include "tap.h"

static char text[300 * 1024];
static struct sip_msg msg;
static char body_text[256 * 1024];
static struct buf changed;

static enum filter_verdict look_at(enum filter_links links, const char *method, const char *type,
                                   const char *body)
{
	struct filter f = { links, STR(FILTER_PREFIXES), STR(FILTER_EXTENSIONS) };
	changed = BUF_ON(body_text);
	(void)snprintf(text, sizeof(text),
	               "%s sip:bob@example.test SIP/2.0\r\n"
	               "Via: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@example.test>;tag=1\r\n"
	               "To: <sip:bob@example.test>\r\nCall-ID: 1\r\nCSeq: 1 %s\r\n"
	               "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
	               method, method, type, strlen(body), body);
	OK(sip_parse(&msg, str_of(text)) == 0);
	return filter_look(&f, &msg, &changed);
}

static enum filter_verdict warn(const char *type, const char *body)
{
	return look_at(FILTER_LINKS_WARN, "MESSAGE", type, body);
}

static void a_link_is_marked(void)
{
	EQ(warn("text/plain", "see http://x.test, WWW.x.test and mailto:a@x.test"), FILTER_CHANGED);
	EQ_STR(buf_view(&changed), "see _http://x.test, _WWW.x.test and _mailto:a@x.test");
	EQ(warn("text/plain", "see _http://x.test, xwww.test; http: or www. alone"), FILTER_PASS);
	EQ(warn("text/html", "<a href=\"http://x.test\">x</a>"), FILTER_CHANGED);
	EQ_STR(buf_view(&changed), "<a href=\"_http://x.test\">x</a>");
}

static void a_link_in_an_envelope_or_a_multipart_is_found(void)
{
	EQ(warn("message/cpim", "From: <sip:a@x.test>\r\nTo: <sip:b@x.test>\r\n\r\n"
	                        "Content-Type: text/plain\r\nContent-Length: 9\r\n\r\nftp://x.t"),
	   FILTER_CHANGED);
	EQ_STR(buf_view(&changed),
	       "From: <sip:a@x.test>\r\nTo: <sip:b@x.test>\r\n\r\n"
	       "Content-Type: text/plain\r\nContent-Length: 10\r\n\r\n_ftp://x.t");
	EQ(warn("multipart/alternative;boundary=b",
	        "--b\r\nContent-Type: text/plain\r\n\r\nhttp://x.test\r\n--b--\r\n"),
	   FILTER_CHANGED);
	EQ_STR(buf_view(&changed),
	       "--b\r\nContent-Type: text/plain\r\n\r\n_http://x.test\r\n--b--\r\n");
}

static void a_hidden_link_is_no_link_less(void)
{
	EQ(warn("text/html", "<a href=\"&#104;ttp://x.test\">x</a>"), FILTER_LINK);
	EQ(warn("text/html", "ht<b></b>tp://x.test"), FILTER_LINK);
}

static void links_can_be_blocked_and_too_many_always_are(void)
{
	static char many[64 * 1024];
	struct buf b = BUF_ON(many);
	EQ(look_at(FILTER_LINKS_BLOCK, "MESSAGE", "text/plain", "http://x.test"), FILTER_LINK);
	EQ(look_at(FILTER_LINKS_BLOCK, "MESSAGE", "text/plain", "no link"), FILTER_PASS);
	EQ(look_at(FILTER_LINKS_ALLOW, "MESSAGE", "text/plain", "http://x.test"), FILTER_PASS);
	for (int i = 0; i <= FILTER_LINKS_MAX; i++)
		buf_lit(&b, "http://x.test ");
	buf_char(&b, 0);
	EQ(warn("text/plain", many), FILTER_LINK);
	many[b.len - 1 - 14] = 0;
	EQ(warn("text/plain", many), FILTER_CHANGED);
}

static enum filter_verdict invite_file(const char *name)
{
	char body[512];
	(void)snprintf(body, sizeof(body),
	               "Application-Name: File Transfer\r\nInvitation-Command: INVITE\r\n"
	               "Application-File: %s\r\nApplication-FileSize: 3\r\n",
	               name);
	return look_at(FILTER_LINKS_ALLOW, "MESSAGE", "text/x-msmsgsinvite; charset=UTF-8", body);
}

static void files_are_blocked_by_the_end_of_their_names(void)
{
	EQ(invite_file("letter.txt"), FILTER_PASS);
	EQ(invite_file("game.exe"), FILTER_FILE);
	EQ(invite_file("letter.txt.EXE"), FILTER_FILE);
	EQ(invite_file("game.exe. ."), FILTER_FILE);
	EQ(invite_file("exe"), FILTER_PASS);
	EQ(invite_file("x.ex"), FILTER_PASS);
	EQ(look_at(FILTER_LINKS_ALLOW, "INFO", "application/ms-filetransfer+xml",
	           "<request><publishFile><fileInfo><name>a.bat</name></fileInfo></publishFile></"
	           "request>"),
	   FILTER_FILE);
	EQ(look_at(FILTER_LINKS_ALLOW, "INVITE", "multipart/mixed;boundary=b",
	           "--b\r\nContent-Type: "
	           "application/ms-filetransfer+xml\r\n\r\n<request><publishFile>"
	           "<fileInfo><name>a.txt</name></fileInfo><fileInfo><name>b.vbs</name></fileInfo>"
	           "</publishFile></request>\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
	           "--b--\r\n"),
	   FILTER_FILE);
}

int main(void)
{
	RUN(a_link_is_marked);
	RUN(a_link_in_an_envelope_or_a_multipart_is_found);
	RUN(a_hidden_link_is_no_link_less);
	RUN(links_can_be_blocked_and_too_many_always_are);
	RUN(files_are_blocked_by_the_end_of_their_names);
	return tap_done();
}
