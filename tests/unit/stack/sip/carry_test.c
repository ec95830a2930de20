#include <errno.h>

#include "rig.h"

/* Flows that somebody else carries: one message at a time, either way. */

struct world {
	struct rig rig;
	struct sip_flow *flow;
	char text[4096];
	struct buf sent; /* the last message */
	unsigned n_sent, n_ends;
};

static void send_one(void *arg, struct str message)
{
	struct world *w = arg;
	w->sent = BUF_ON(w->text);
	buf_str(&w->sent, message);
	w->n_sent++;
}

static void end_it(void *arg)
{
	struct world *w = arg;
	w->n_ends++;
}

static const struct sip_carrier carrier = { .send = send_one, .close = end_it };

static void handle(struct rig *r UNUSED, struct sip_req *rq)
{
	sip_reply_forget(rq, 200, STR(""), STR(""));
}

static void world_start(struct world *w)
{
	struct addr peer, local;
	*w = (struct world){ .n_sent = 0 };
	rig_start(&w->rig, handle, w);
	OK(addr_parse(&peer, STR("192.0.2.1"), 4000) == 0);
	OK(addr_parse(&local, STR("192.0.2.2"), 7443) == 0);
	w->flow = sip_transport_carry(w->rig.tp, SIP_WSS, &peer, &local, &carrier, w);
	OK(w->flow && w->flow->client && w->flow->inbound && sip_flow_reliable(w->flow));
	OK(w->rig.opened == w->flow);
}

static void world_end(struct world *w)
{
	rig_stop(&w->rig);
}

static bool got(const struct world *w, const char *start)
{
	return str_starts(buf_view(&w->sent), str_of(start));
}

/* A request with so many bytes of body, and no Content-Length: the carrier knows where it ends. */
static void take_request(struct world *w, size_t body)
{
	auto_(buf_free) struct buf b = buf_of(body + 1024);
	buf_lit(&b, "OPTIONS sip:example.test SIP/2.0\r\n"
	            "Via: SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks\r\n"
	            "Max-Forwards: 70\r\nFrom: <sip:a@example.test>;tag=1\r\n"
	            "To: <sip:example.test>\r\nCall-ID: carried\r\nCSeq: 1 OPTIONS\r\n\r\n");
	for (size_t i = 0; i < body; i++)
		buf_char(&b, 'x');
	sip_flow_take(w->flow, buf_view(&b));
	rig_turn(&w->rig);
}

static void a_request_is_answered_on_its_flow(void)
{
	struct world w;
	world_start(&w);
	take_request(&w, 0);
	EQ(w.rig.n_requests, 1);
	EQ(w.n_sent, 1);
	OK(got(&w, "SIP/2.0 200 "));
	EQ(sip_transport_stats(w.rig.tp)->msgs_in[SIP_WSS], 1);
	EQ(sip_transport_stats(w.rig.tp)->msgs_out[SIP_WSS], 1);
	world_end(&w);
}

static void its_via_says_wss(void)
{
	struct world w;
	char text[256];
	struct buf b = BUF_ON(text);
	char branch[SIP_BRANCH_LEN + 1];
	world_start(&w);
	sip_branch_make(w.rig.stack, 0, branch);
	sip_via_put(&b, w.flow, branch);
	OK(str_starts(buf_view(&b), STR("SIP/2.0/WSS 192.0.2.2:7443;branch=z9hG4bK")));
	world_end(&w);
}

static void a_large_message_is_answered_and_the_flow_goes_on(void)
{
	struct world w;
	world_start(&w);
	take_request(&w, 128 * 1024);
	EQ(w.rig.n_requests, 0);
	OK(got(&w, "SIP/2.0 513 "));
	EQ(w.n_ends, 0);
	take_request(&w, 10);
	EQ(w.rig.n_requests, 1);
	OK(got(&w, "SIP/2.0 200 "));
	world_end(&w);
}

static void what_is_no_sip_is_counted_and_harms_nobody(void)
{
	struct world w;
	world_start(&w);
	sip_flow_take(w.flow, STR("GET / HTTP/1.1\r\n\r\n"));
	sip_flow_take(w.flow, STR("\xff\xfe"));
	sip_flow_take(w.flow, STR(""));
	EQ(sip_transport_stats(w.rig.tp)->broken + sip_stack_stats(w.rig.stack)->bad, 2);
	EQ(w.rig.n_requests, 0);
	take_request(&w, 0);
	EQ(w.rig.n_requests, 1);
	world_end(&w);
}

static void a_ping_of_line_ends_has_a_pong(void)
{
	struct world w;
	world_start(&w);
	sip_flow_take(w.flow, STR("\r\n\r\n"));
	EQ(w.n_sent, 1);
	OK(str_eq(buf_view(&w.sent), STR("\r\n")));
	sip_flow_take(w.flow, STR("\r\n"));
	EQ(w.n_sent, 1);
	world_end(&w);
}

static void lost(void *arg)
{
	unsigned *n = arg;
	++*n;
}

static void the_end_is_told_once_and_nothing_is_sent_any_more(void)
{
	struct world w;
	struct sip_watch watch;
	unsigned n = 0;
	world_start(&w);
	struct sip_flow *f = sip_flow_ref(w.flow);
	sip_flow_watch(f, &watch, lost, &n);
	sip_flow_close(f);
	EQ(w.n_ends, 1);
	OK(!f->closed);
	sip_flow_lost(f, "gone");
	EQ(n, 1);
	EQ(w.rig.n_closed, 1);
	OK(sip_flow_send(f, STR("x")) == -EPIPE);
	sip_flow_close(f);
	EQ(w.n_ends, 1);
	sip_flow_take(f, STR("\r\n\r\n"));
	EQ(w.n_sent, 0);
	EQ(sip_transport_stats(w.rig.tp)->flows[SIP_WSS], 0);
	sip_flow_unref(&f);
	world_end(&w);
}

static void a_carrier_is_left_alone_once_the_transport_is_gone(void)
{
	struct world w;
	world_start(&w);
	struct sip_flow *f = sip_flow_ref(w.flow);
	world_end(&w);
	OK(f->closed);
	OK(sip_flow_send(f, STR("x")) == -EPIPE);
	EQ(w.n_sent, 0);
	EQ(w.n_ends, 0);
	sip_flow_unref(&f);
}

int main(void)
{
	RUN(a_request_is_answered_on_its_flow);
	RUN(its_via_says_wss);
	RUN(a_large_message_is_answered_and_the_flow_goes_on);
	RUN(what_is_no_sip_is_counted_and_harms_nobody);
	RUN(a_ping_of_line_ends_has_a_pong);
	RUN(the_end_is_told_once_and_nothing_is_sent_any_more);
	RUN(a_carrier_is_left_alone_once_the_transport_is_gone);
	return tap_done();
}
