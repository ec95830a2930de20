#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "role/media_bridge/mb.h"
#include "role/media_bridge/media_bridge.h"
#include "tap.h"
#include "wire/sip/compose.h"

/* The role behind a link, at whose other end the test is the front end: a phone calls a Lync
 * client, and everything comes back over the same link. */

enum { TURNS = 30, TEXT_MAX = 64 * 1024 };

#define TOPOLOGY                                                                      \
	"[deployment]\ndomains = example.test\n[host main]\nname = pc.example.test\n" \
	"addresses = 127.0.0.1\n[role media-bridge]\nuser-calls-max = 2\n"
#define HEAD "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
#define PHONE HEAD "m=audio 9 RTP/AVP 0\r\na=x-phone:1\r\n"
#define LYNC                                                                                \
	HEAD "m=audio 9 RTP/SAVP 0\r\na=candidate:1 1 UDP 1 127.0.0.1 9 typ host\r\n"       \
	     "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "                                          \
	     "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^31\r\na=ice-ufrag:abcd\r\n" \
	     "a=ice-pwd:0123456789abcdef0123456789\r\na=x-lync:1\r\n"
#define VIDEO HEAD "m=video 9 RTP/AVP 31\r\n"
#define MESSAGES HEAD "m=message 9 TCP/MSRP *\r\na=x-untouched:1\r\n"

struct heard {
	char text[TEXT_MAX];
	struct sip_msg msg;
};

struct world {
	struct loop *loop;
	struct topo *topo;
	struct role_env env;
	struct role_link link;
	struct media_bridge *mb;
	int fd;
	char in[TEXT_MAX];
	size_t n_in;
	struct heard last, invite; /* invite: as the called end has it */
	unsigned cseq;
	bool stopped;
};

static int one_link(int *ret_theirs)
{
	int fds[2] = { -1, -1 };
	OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	*ret_theirs = fds[1];
	return fds[0];
}

static struct world *world_start(void)
{
	struct world *w = xnew(struct world);
	auto_(buf_free) struct buf errors = buf_of(4096);
	void *state = NULL;
	w->loop = loop_new();
	w->topo = topo_parse(STR(TOPOLOGY), STR("[local]\nhost = main\n"), "/etc/dt", &errors);
	OK(w->topo != NULL);
	w->link = (struct role_link){ .role = STR("frontend") };
	w->fd = one_link(&w->link.fd);
	w->env = (struct role_env){ .loop = w->loop,
		                    .role = &role_media_bridge,
		                    .n_slots = 1,
		                    .topo = w->topo,
		                    .self = topo_role_here(w->topo, STR("media-bridge")),
		                    .links = &w->link,
		                    .n_links = 1 };
	OK(w->env.self != NULL);
	log_set_level(LOG_ERROR);
	EQ(role_media_bridge.start(&w->env, &state), 0);
	w->mb = state;
	return w;
}

static void on_stopped(void *arg)
{
	*(bool *)arg = true;
}

static void turn(struct world *w)
{
	for (int i = 0; i < TURNS; i++)
		loop_turn(w->loop, 0);
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	role_media_bridge.stop(w->mb, on_stopped, &w->stopped);
	turn(w);
	OK(w->stopped);
	if (w->fd >= 0)
		(void)close(w->fd);
	loop_free(&w->loop);
	topo_free(&w->topo);
	free(w);
}

/* Sending. */

static void sends(struct world *w, const struct buf *b)
{
	OK(!b->full);
	EQ(write(w->fd, b->p, b->len), (ssize_t)b->len);
	turn(w);
}

struct ask {
	const char *method, *body, *call_id, *to_tag, *from_tag;
	bool by_lync;
};

static void asks(struct world *w, const struct ask *a)
{
	auto_(buf_free) struct buf b = buf_of(TEXT_MAX);
	const char *body = a->body ? a->body : "";
	w->cseq++;
	buf_printf(&b,
	           "%s sip:b@127.0.0.1:5070 SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bK%u\r\n"
	           "Max-Forwards: 60\r\nRoute: <sip:m.%c.0@dialtone.invalid;lr>, <sip:on@x;lr>\r\n"
	           "From: <sip:a@example.test>;tag=%s\r\nTo: <sip:b@example.test>%s%s\r\n"
	           "Call-ID: %s\r\nCSeq: %u %s\r\nContact: <sip:a@127.0.0.1:5060>\r\n"
	           "P-Asserted-Identity: <sip:a@example.test>\r\n",
	           a->method, w->cseq, a->by_lync ? 'l' : 'o', a->from_tag ? a->from_tag : "a",
	           a->to_tag ? ";tag=" : "", a->to_tag ? a->to_tag : "",
	           a->call_id ? a->call_id : "call", w->cseq, a->method);
	sip_put_body(&b, *body ? STR("application/sdp") : STR(""), str_of(body));
	sends(w, &b);
}

static void answers(struct world *w, const struct heard *req, int code, const char *body)
{
	auto_(buf_free) struct buf b = buf_of(TEXT_MAX);
	sip_put_response(&b, &req->msg, code, STR("Answer"), STR("b"), NULL);
	buf_lit(&b, "Contact: <sip:b@127.0.0.1:5070>\r\n");
	sip_put_body(&b, *body ? STR("application/sdp") : STR(""), str_of(body));
	sends(w, &b);
}

/* Hearing. */

static bool hears(struct world *w)
{
	struct sip_framer f = { 0 };
	uint32_t len = 0;
	ssize_t n = recv(w->fd, w->in + w->n_in, sizeof(w->in) - w->n_in, 0);
	w->n_in += n > 0 ? (size_t)n : 0;
	if (sip_frame(&f, str_n(w->in, w->n_in), TEXT_MAX, &len) != SIP_FRAME_MSG)
		return false;
	memcpy(w->last.text, w->in, len);
	memmove(w->in, w->in + len, w->n_in - len);
	w->n_in -= len;
	return OK(sip_parse(&w->last.msg, str_n(w->last.text, len)) == 0);
}

/* The next message but 100 begins so. */
static bool hears_start(struct world *w, const char *start)
{
	bool any = hears(w);
	while (any && w->last.msg.status == 100)
		any = hears(w);
	if (any && str_starts(w->last.msg.start, str_of(start)))
		return true;
	(void)fprintf(stderr, "# got \"%.*s\", wanted \"%s\"\n",
	              any ? (int)w->last.msg.start.len : 0, w->last.msg.start.p, start);
	return OK(false);
}

static bool has(const struct world *w, const char *text)
{
	return str_find(w->last.msg.body, str_of(text)) >= 0;
}

static uint32_t n_calls(const struct world *w)
{
	return bridge_counts(w->mb->bridge).now;
}

/* The INVITE of the phone is with the Lync client. */
static void invites(struct world *w, const char *body)
{
	asks(w, &(struct ask){ .method = "INVITE", .body = body });
	if (!hears_start(w, "INVITE "))
		return;
	w->invite = w->last;
	OK(sip_parse(&w->invite.msg,
	             str_n(w->invite.text,
	                   w->last.msg.body.p + w->last.msg.body.len - w->last.text)) == 0);
	EQ(n_calls(w), 1);
}

static void talk(struct world *w)
{
	invites(w, PHONE);
	answers(w, &w->invite, 200, LYNC);
	OK(hears_start(w, "SIP/2.0 200"));
}

/* The tests. */

static void descriptions_of_offer_and_answer_are_written_anew(void)
{
	auto_(world_free) struct world *w = world_start();
	invites(w, PHONE);
	EQ_STR(sip_value(&w->last.msg, SIP_H_ROUTE), "<sip:on@x;lr>");
	EQ_STR(sip_value(&w->last.msg, SIP_H_MAX_FORWARDS), "59");
	OK(has(w, "a=x-phone:1") && has(w, "a=ice-ufrag:") && has(w, "RTP/SAVP") &&
	   !has(w, "m=audio 9 "));
	answers(w, &w->invite, 180, "");
	OK(hears_start(w, "SIP/2.0 180"));
	answers(w, &w->invite, 183, LYNC);
	OK(hears_start(w, "SIP/2.0 183") && has(w, "a=x-lync:1") && !has(w, "ice-ufrag"));
	/* The last 200 is a repetition. */
	for (int i = 0; i < 2; i++) {
		answers(w, &w->invite, 200, LYNC);
		OK(hears_start(w, "SIP/2.0 200") && has(w, "a=x-lync:1"));
		OK(!has(w, "ice-ufrag") && !has(w, "m=audio 9 ") && has(w, "RTP/AVP"));
		EQ_STR(sip_value(&w->last.msg, SIP_H_CONTENT_TYPE), "application/sdp");
	}
	asks(w, &(struct ask){ .method = "ACK", .to_tag = "b" });
	OK(hears_start(w, "ACK "));
	EQ(n_calls(w), 1);
}

static void either_side_may_offer_anew_and_end_the_call(void)
{
	auto_(world_free) struct world *w = world_start();
	talk(w);
	asks(w, &(struct ask){ .method = "INVITE", .body = LYNC, .from_tag = "b", .to_tag = "a" });
	OK(hears_start(w, "INVITE ") && has(w, "a=x-lync:1") && !has(w, "ice-ufrag"));
	answers(w, &w->last, 200, PHONE);
	OK(hears_start(w, "SIP/2.0 200") && has(w, "a=x-phone:1") && has(w, "ice-ufrag"));
	asks(w, &(struct ask){ .method = "UPDATE", .body = PHONE, .to_tag = "b" });
	OK(hears_start(w, "UPDATE ") && has(w, "ice-ufrag"));
	answers(w, &w->last, 200, LYNC);
	OK(hears_start(w, "SIP/2.0 200") && has(w, "a=x-lync:1") && !has(w, "ice-ufrag"));
	asks(w, &(struct ask){ .method = "BYE", .from_tag = "b", .to_tag = "a" });
	OK(hears_start(w, "BYE "));
	EQ(n_calls(w), 0);
	answers(w, &w->last, 200, "");
	OK(hears_start(w, "SIP/2.0 200"));
}

static void a_call_that_is_refused_is_closed(void)
{
	auto_(world_free) struct world *w = world_start();
	invites(w, PHONE);
	answers(w, &w->invite, 486, "");
	OK(hears_start(w, "ACK ") && hears_start(w, "SIP/2.0 486"));
	EQ(n_calls(w), 0);
}

/* All lines of the refusal are whole. */
static bool is_explained_488(struct world *w)
{
	struct str d;
	if (!hears_start(w, "SIP/2.0 488"))
		return false;
	d = sip_value(&w->last.msg, SIP_H_MS_DIAGNOSTICS);
	return str_starts(d, STR("60040;reason=\"")) && str_find(d, STR(";source=\"")) > 0 &&
	       str_ends(d, STR("\""));
}

static void an_offer_without_usable_sound_is_refused(void)
{
	static const char *const bad[] = { VIDEO, "hello", HEAD "m=audio 9 RTP/SAVP 0\r\n" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_(world_free) struct world *w = world_start();
		asks(w, &(struct ask){ .method = "INVITE", .body = bad[i] });
		OK(is_explained_488(w));
		OK(!hears(w));
		EQ(n_calls(w), 0);
	}
}

static void an_answer_without_usable_sound_ends_the_call(void)
{
	auto_(world_free) struct world *w = world_start();
	invites(w, PHONE);
	answers(w, &w->invite, 200, VIDEO);
	OK(hears_start(w, "ACK ") && hears_start(w, "BYE "));
	OK(is_explained_488(w));
	EQ(n_calls(w), 0);
}

/* The call may go on; the description is of no use to the other end. */
static void an_early_answer_that_cannot_be_translated_passes_without_it(void)
{
	auto_(world_free) struct world *w = world_start();
	invites(w, PHONE);
	answers(w, &w->invite, 183, VIDEO);
	OK(hears_start(w, "SIP/2.0 183"));
	EQ(w->last.msg.body.len, 0);
	OK(!sip_first(&w->last.msg, SIP_H_CONTENT_TYPE));
	answers(w, &w->invite, 200, LYNC);
	OK(hears_start(w, "SIP/2.0 200") && has(w, "a=x-lync:1"));
	asks(w, &(struct ask){ .method = "UPDATE", .body = PHONE, .to_tag = "b" });
	OK(hears_start(w, "UPDATE "));
	answers(w, &w->last, 200, VIDEO);
	OK(hears_start(w, "SIP/2.0 200"));
	EQ(w->last.msg.body.len, 0);
}

/* RFC 3262 section 5: the INVITE has none, a reliable answer offers, PRACK answers. */
static void prack_may_be_the_answer(void)
{
	auto_(world_free) struct world *w = world_start();
	invites(w, "");
	answers(w, &w->invite, 183, LYNC);
	OK(hears_start(w, "SIP/2.0 183") && has(w, "a=x-lync:1") && !has(w, "ice-ufrag"));
	asks(w, &(struct ask){ .method = "PRACK", .body = PHONE, .to_tag = "b" });
	OK(hears_start(w, "PRACK ") && has(w, "a=x-phone:1"));
	/* The answer to a Lync client's offer has its tag and profile. */
	OK(has(w, "a=crypto:1 ") && has(w, "RTP/SAVP "));
	OK(w->mb->bridge && !bridge_next(w->mb->bridge, NULL)->offered_by);
}

static void prack_may_offer(void)
{
	auto_(world_free) struct world *w = world_start();
	invites(w, PHONE);
	answers(w, &w->invite, 183, LYNC);
	OK(hears_start(w, "SIP/2.0 183"));
	asks(w, &(struct ask){ .method = "PRACK", .body = PHONE, .to_tag = "b" });
	OK(hears_start(w, "PRACK ") && has(w, "ice-ufrag"));
	answers(w, &w->last, 200, LYNC);
	OK(hears_start(w, "SIP/2.0 200") && has(w, "a=x-lync:1") && !has(w, "ice-ufrag"));
}

static void the_answer_to_an_early_update_is_not_that_to_the_call(void)
{
	auto_(world_free) struct world *w = world_start();
	invites(w, PHONE);
	answers(w, &w->invite, 183, LYNC);
	OK(hears_start(w, "SIP/2.0 183"));
	asks(w, &(struct ask){ .method = "UPDATE", .body = PHONE, .to_tag = "b" });
	OK(hears_start(w, "UPDATE "));
	answers(w, &w->last, 200, LYNC);
	OK(hears_start(w, "SIP/2.0 200"));
	OK(!bridge_next(w->mb->bridge, NULL)->answered);
	answers(w, &w->invite, 200, LYNC);
	OK(hears_start(w, "SIP/2.0 200"));
	OK(bridge_next(w->mb->bridge, NULL)->answered);
}

/* After a restart, or inside a dialog that never had sound. */
static void of_a_call_that_is_not_known_only_what_tells_no_media_passes(void)
{
	static const struct {
		const char *method, *body, *want;
	} row[] = {
		{ "INVITE", "", "SIP/2.0 481" },
		{ "INVITE", PHONE, "SIP/2.0 481" },
		{ "UPDATE", PHONE, "SIP/2.0 481" },
		{ "UPDATE", "", "UPDATE " },
		{ "INVITE", MESSAGES, "INVITE " },
		{ "BYE", "", "BYE " },
		{ "ACK", "", "ACK " },
		{ "PRACK", "", "PRACK " },
	};
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		auto_(world_free) struct world *w = world_start();
		asks(w,
		     &(struct ask){ .method = row[i].method, .body = row[i].body, .to_tag = "b" });
		OK(hears_start(w, row[i].want));
		EQ_STR(w->last.msg.body,
		       str_starts(w->last.msg.start, STR("SIP/2.0")) ? "" : row[i].body);
		EQ(n_calls(w), 0);
	}
}

static void one_user_may_have_so_many_calls(void)
{
	auto_(world_free) struct world *w = world_start();
	static const char *const ids[] = { "one", "two", "three" };
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		asks(w, &(struct ask){ .method = "INVITE", .body = PHONE, .call_id = ids[i] });
		OK(hears_start(w, i < 2 ? "INVITE " : "SIP/2.0 500"));
	}
	EQ(n_calls(w), 2);
	EQ(bridge_counts(w->mb->bridge).refused, 1);
}

static void a_route_that_leads_nowhere_is_refused(void)
{
	auto_(world_free) struct world *w = world_start();
	auto_(buf_free) struct buf b = buf_of(4096);
	buf_lit(&b, "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/TLS x;branch=z9hG4bKr\r\n"
	            "Route: <sip:m.o.5@dialtone.invalid;lr>\r\nFrom: <sip:a@x>;tag=a\r\n"
	            "To: <sip:b@x>\r\nCall-ID: r\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
	sends(w, &b);
	OK(hears(w) && w->last.msg.status >= 400);
	EQ(n_calls(w), 0);
}

/* The front end has gone: so have the calls that it had begun and nobody had answered. */
static void a_link_that_breaks_ends_what_was_under_way(void)
{
	auto_(world_free) struct world *w = world_start();
	invites(w, PHONE);
	struct bridge_call *kept = bridge_ref(bridge_next(w->mb->bridge, NULL));
	(void)close(w->fd);
	w->fd = -1;
	turn(w);
	OK(kept->closed);
	EQ(n_calls(w), 0);
	bridge_unref(&kept);
	w->fd = one_link(&w->link.fd);
	role_media_bridge.link_up(w->mb, 0);
	w->n_in = 0;
	talk(w);
	EQ(n_calls(w), 1);
}

static void it_is_told_what_is_carried(void)
{
	auto_(world_free) struct world *w = world_start();
	auto_(buf_free) struct buf b = buf_of(8192);
	talk(w);
	role_media_bridge.status(w->mb, &b);
	OK(str_starts(buf_view(&b), STR("\"calls\":1,\"calls_total\":1,")));
	role_media_bridge.metrics(w->mb, &b);
	OK(str_find(buf_view(&b), STR("\ndialtone_bridge_calls 1\n")) > 0);
}

int main(void)
{
	RUN(descriptions_of_offer_and_answer_are_written_anew);
	RUN(either_side_may_offer_anew_and_end_the_call);
	RUN(a_call_that_is_refused_is_closed);
	RUN(an_offer_without_usable_sound_is_refused);
	RUN(an_answer_without_usable_sound_ends_the_call);
	RUN(an_early_answer_that_cannot_be_translated_passes_without_it);
	RUN(prack_may_be_the_answer);
	RUN(prack_may_offer);
	RUN(the_answer_to_an_early_update_is_not_that_to_the_call);
	RUN(of_a_call_that_is_not_known_only_what_tells_no_media_passes);
	RUN(one_user_may_have_so_many_calls);
	RUN(a_route_that_leads_nowhere_is_refused);
	RUN(a_link_that_breaks_ends_what_was_under_way);
	RUN(it_is_told_what_is_carried);
	return tap_done();
}
