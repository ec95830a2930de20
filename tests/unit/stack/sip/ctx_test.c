#include <stdlib.h>

#include "rig.h"

/* Client transactions: RFC 3261 section 17.1, RFC 6026. */

struct world {
	struct rig rig;
	struct peer *p;
	struct sip_ctx *ctx; /* NULL once it has ended */
	char branch[SIP_BRANCH_LEN + 1];
	unsigned n_responses, n_failed, n_ended;
	int last_code;
	enum sip_fail why;
};

static void on_response(void *arg, struct sip_ctx *t UNUSED, struct sip_msg *m)
{
	struct world *w = arg;
	w->n_responses++;
	w->last_code = m->status;
}

static void on_failed(void *arg, struct sip_ctx *t UNUSED, enum sip_fail why)
{
	struct world *w = arg;
	w->n_failed++;
	w->why = why;
}

static void on_ended(void *arg, struct sip_ctx *t UNUSED)
{
	struct world *w = arg;
	w->n_ended++;
	w->ctx = NULL;
}

static const struct sip_ctx_ops ops = { on_response, on_failed, on_ended };

static void handle(struct rig *r UNUSED, struct sip_req *rq)
{
	sip_ignore(rq);
}

static struct world *world_start(enum sip_kind kind)
{
	struct world *w = xnew(struct world);
	rig_start(&w->rig, handle, w);
	w->p = peer_open(&w->rig, kind);
	return w;
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	peer_close(&w->p);
	rig_stop(&w->rig);
	free(w);
}

/* Sends a request of the stack's own to the peer. */
static void start_on(struct world *w, struct sip_flow *f, enum sip_method method)
{
	char text[2048], via[256];
	struct buf b = BUF_ON(text), vb = BUF_ON(via);
	struct str name = sip_method_name(method);
	sip_branch_make(w->rig.stack, 7, w->branch);
	sip_via_put(&vb, f, w->branch);
	buf_str(&b, name);
	buf_lit(&b, " sip:bob@127.0.0.1 SIP/2.0\r\n");
	sip_put_hdr(&b, STR("Via"), buf_view(&vb));
	buf_lit(&b, "Route: <sip:r1.example.test;lr>\r\nMax-Forwards: 70\r\n"
	            "From: <sip:alice@example.test>;tag=a1\r\nTo: <sip:bob@example.test>\r\n"
	            "Call-ID: call-9\r\nCSeq: 5 ");
	buf_str(&b, name);
	buf_lit(&b, "\r\nContent-Length: 0\r\n\r\n");
	w->ctx = sip_ctx_new(w->rig.stack, f, buf_view(&b), method, w->branch, &ops, w);
	EQ(w->n_failed + w->n_ended, 0); /* nothing is told from inside the call */
	rig_turn(&w->rig);
}

static void start(struct world *w, enum sip_method method)
{
	struct sip_flow *f = peer_flow(w->p);
	start_on(w, f, method);
	sip_flow_unref(&f);
}

static void timer_a_doubles_and_timer_b_gives_up_after_32_seconds(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	start(w, SIP_INVITE);
	EQ(peer_count(w->p, "INVITE "), 1);
	static const unsigned until[] = { 500, 1000, 2000, 4000, 8000, 16000 };
	for (size_t i = 0; i < ARRAY_SIZE(until); i++) {
		rig_pass(&w->rig, until[i] - 50);
		EQ(peer_count(w->p, ""), 0);
		rig_pass(&w->rig, 50);
		EQ(peer_count(w->p, "INVITE "), 1);
	}
	EQ(w->n_failed, 0);
	rig_pass(&w->rig, 500);
	EQ(w->n_failed, 1);
	EQ(w->why, SIP_FAIL_TIMEOUT);
	EQ(w->n_ended, 1);
	EQ(sip_stack_stats(w->rig.stack)->ctx, 0);
}

static void timer_e_doubles_up_to_t2_and_timer_f_gives_up(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	start(w, SIP_MESSAGE);
	EQ(peer_count(w->p, "MESSAGE "), 1);
	static const unsigned until[] = { 500, 1000, 2000, 4000, 4000, 4000 };
	for (size_t i = 0; i < ARRAY_SIZE(until); i++) {
		rig_pass(&w->rig, until[i] - 50);
		EQ(peer_count(w->p, ""), 0);
		rig_pass(&w->rig, 50);
		EQ(peer_count(w->p, "MESSAGE "), 1);
	}
	rig_pass(&w->rig, 16400);
	EQ(w->n_failed, 0);
	rig_pass(&w->rig, 100);
	EQ(w->n_failed, 1);
	EQ(w->why, SIP_FAIL_TIMEOUT);
}

static void on_a_stream_nothing_is_repeated(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP);
	start(w, SIP_INVITE);
	rig_pass(&w->rig, 31900);
	EQ(peer_count(w->p, "INVITE "), 1);
	EQ(w->n_failed, 0);
	rig_pass(&w->rig, 200);
	EQ(w->n_failed, 1);
	EQ(w->why, SIP_FAIL_TIMEOUT);
}

static void a_provisional_answer_stops_timers_a_and_b(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	start(w, SIP_INVITE);
	OK(peer_hears_start(w->p, "INVITE "));
	peer_answer(w->p, &w->p->invite, 180, NULL);
	EQ(w->n_responses, 1);
	OK(sip_ctx_provisional(w->ctx));
	rig_pass(&w->rig, 100000);
	EQ(peer_count(w->p, ""), 0);
	EQ(w->n_failed, 0);
}

static void after_a_provisional_answer_timer_e_is_t2_and_timer_f_goes_on(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	start(w, SIP_MESSAGE);
	OK(peer_hears_start(w->p, "MESSAGE "));
	peer_answer(w->p, &w->p->last, 100, NULL);
	rig_pass(&w->rig, 500); /* the timer that ran already */
	EQ(peer_count(w->p, "MESSAGE "), 1);
	rig_pass(&w->rig, 3900);
	EQ(peer_count(w->p, ""), 0);
	rig_pass(&w->rig, 100);
	EQ(peer_count(w->p, "MESSAGE "), 1);
	rig_pass(&w->rig, 27400);
	EQ(w->n_failed, 0);
	rig_pass(&w->rig, 100);
	EQ(w->n_failed, 1);
}

static void a_negative_answer_is_acknowledged_and_timer_d_absorbs_its_copies(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	start(w, SIP_INVITE);
	OK(peer_hears_start(w->p, "INVITE "));
	peer_answer(w->p, &w->p->invite, 486, NULL);
	OK(peer_hears_start(w->p, "ACK sip:bob@127.0.0.1 SIP/2.0"));
	EQ(w->last_code, 486);
	struct str vias = peer_field(w->p, SIP_H_VIA);
	struct sip_via via;
	EQ(sip_via_next(&vias, &via), 1);
	EQ_STR(via.branch, w->branch); /* section 17.1.1.3 */
	EQ_STR(peer_field(w->p, SIP_H_TO), "<sip:bob@example.test>;tag=b2");
	EQ_STR(peer_field(w->p, SIP_H_CSEQ), "5 ACK");
	EQ_STR(peer_field(w->p, SIP_H_ROUTE), "<sip:r1.example.test;lr>");
	rig_pass(&w->rig, 31000);
	peer_answer(w->p, &w->p->invite, 486, NULL);
	OK(peer_hears_start(w->p, "ACK "));
	EQ(w->n_responses, 1);
	EQ(w->n_ended, 0);
	rig_pass(&w->rig, 1100);
	EQ(w->n_ended, 1);
	EQ(w->n_failed, 0);
}

static void on_a_stream_a_negative_answer_ends_it(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP);
	start(w, SIP_INVITE);
	OK(peer_hears_start(w->p, "INVITE "));
	peer_answer(w->p, &w->p->invite, 600, NULL);
	OK(peer_hears_start(w->p, "ACK "));
	EQ(w->n_ended, 1);
	EQ(sip_stack_stats(w->rig.stack)->ctx, 0);
}

static void timer_k_absorbs_copies_of_an_answer_for_5_seconds(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	start(w, SIP_MESSAGE);
	OK(peer_hears_start(w->p, "MESSAGE "));
	peer_answer(w->p, &w->p->last, 200, NULL);
	EQ(w->n_responses, 1);
	rig_pass(&w->rig, 4900);
	peer_answer(w->p, &w->p->last, 200, NULL);
	EQ(w->n_responses, 1);
	EQ(sip_stack_stats(w->rig.stack)->strays, 0);
	rig_pass(&w->rig, 200);
	EQ(w->n_ended, 1);
	EQ(peer_count(w->p, ""), 0);
	peer_answer(w->p, &w->p->last, 200, NULL);
	EQ(sip_stack_stats(w->rig.stack)->strays, 1);
}

/* RFC 6026 section 7.2: timer M, and no ACK from the transaction. */
static void each_2xx_of_an_invite_is_handed_up_until_timer_m(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	start(w, SIP_INVITE);
	OK(peer_hears_start(w->p, "INVITE "));
	peer_answer(w->p, &w->p->invite, 200, NULL);
	rig_pass(&w->rig, 31000);
	peer_answer(w->p, &w->p->invite, 200, NULL);
	EQ(w->n_responses, 2);
	EQ(peer_count(w->p, ""), 0);
	rig_pass(&w->rig, 1100);
	EQ(w->n_ended, 1);
	EQ(w->n_failed, 0);
	peer_answer(w->p, &w->p->invite, 200, NULL);
	EQ(w->n_responses, 2);
	EQ(sip_stack_stats(w->rig.stack)->strays, 1);
}

static void a_cancel_waits_for_a_provisional_answer(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	start(w, SIP_INVITE);
	OK(peer_hears_start(w->p, "INVITE "));
	sip_ctx_cancel(w->ctx, STR("SIP;cause=200"));
	rig_turn(&w->rig);
	EQ(peer_count(w->p, "CANCEL"), 0);
	peer_answer(w->p, &w->p->invite, 100, NULL);
	OK(peer_hears_start(w->p, "CANCEL sip:bob@127.0.0.1 SIP/2.0"));
	EQ_STR(peer_field(w->p, SIP_H_CSEQ), "5 CANCEL");
	EQ_STR(peer_field(w->p, SIP_H_REASON), "SIP;cause=200"); /* RFC 3326 */
	struct str vias = peer_field(w->p, SIP_H_VIA);
	struct sip_via via;
	EQ(sip_via_next(&vias, &via), 1);
	EQ_STR(via.branch, w->branch); /* section 9.1 */
}

static void a_cancelled_invite_is_not_waited_for_longer_than_32_seconds(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP);
	start(w, SIP_INVITE);
	OK(peer_hears_start(w->p, "INVITE "));
	peer_answer(w->p, &w->p->invite, 180, NULL);
	sip_ctx_cancel(w->ctx, STR(""));
	sip_ctx_cancel(w->ctx, STR(""));
	rig_turn(&w->rig);
	EQ(peer_count(w->p, "CANCEL"), 1);
	rig_pass(&w->rig, 31900);
	EQ(w->n_failed, 0);
	rig_pass(&w->rig, 200);
	EQ(w->n_failed, 1);
}

static void an_answer_from_another_connection_is_a_stray(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP);
	start(w, SIP_MESSAGE);
	OK(peer_hears_start(w->p, "MESSAGE "));
	struct peer *other = peer_open(&w->rig, SIP_TCP);
	peer_answer(other, &w->p->last, 200, NULL);
	EQ(w->n_responses, 0);
	EQ(sip_stack_stats(w->rig.stack)->strays, 1);
	peer_close(&other);
	peer_answer(w->p, &w->p->last, 200, NULL);
	EQ(w->n_responses, 1);
}

static void an_answer_to_another_method_is_a_stray(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	auto_(buf_free) struct buf b = buf_of(4096);
	start(w, SIP_MESSAGE);
	OK(peer_hears_start(w->p, "MESSAGE "));
	buf_printf(&b,
	           "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=%s\r\nFrom: <sip:a@b>\r\n"
	           "To: <sip:c@d>\r\nCall-ID: call-9\r\nCSeq: 5 OPTIONS\r\n\r\n",
	           w->branch);
	peer_send(w->p, buf_view(&b));
	EQ(w->n_responses, 0);
	EQ(sip_stack_stats(w->rig.stack)->strays, 1);
}

static void a_broken_connection_fails_what_waits_on_it(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	struct peer *p = peer_open(&w->rig, SIP_TCP);
	struct sip_flow *f = peer_flow(p);
	start_on(w, f, SIP_INVITE);
	peer_close(&p);
	AWAIT(w->rig.loop, w->n_failed == 1);
	EQ(w->why, SIP_FAIL_TRANSPORT);
	EQ(w->n_ended, 1);
	/* And so does what is sent on it from now on, but from the loop. */
	w->n_failed = w->n_ended = 0;
	start_on(w, f, SIP_MESSAGE);
	EQ(w->n_failed, 0);
	rig_pass(&w->rig, 50);
	EQ(w->n_failed, 1);
	EQ(w->why, SIP_FAIL_TRANSPORT);
	EQ(w->n_ended, 1);
	sip_flow_unref(&f);
}

static void what_is_forgotten_still_acknowledges(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	start(w, SIP_INVITE);
	OK(peer_hears_start(w->p, "INVITE "));
	sip_ctx_forget(w->ctx);
	peer_answer(w->p, &w->p->invite, 404, NULL);
	OK(peer_hears_start(w->p, "ACK "));
	EQ(w->n_responses + w->n_ended, 0);
	rig_pass(&w->rig, 32100);
	EQ(sip_stack_stats(w->rig.stack)->ctx, 0);
}

int main(void)
{
	RUN(timer_a_doubles_and_timer_b_gives_up_after_32_seconds);
	RUN(timer_e_doubles_up_to_t2_and_timer_f_gives_up);
	RUN(on_a_stream_nothing_is_repeated);
	RUN(a_provisional_answer_stops_timers_a_and_b);
	RUN(after_a_provisional_answer_timer_e_is_t2_and_timer_f_goes_on);
	RUN(a_negative_answer_is_acknowledged_and_timer_d_absorbs_its_copies);
	RUN(on_a_stream_a_negative_answer_ends_it);
	RUN(timer_k_absorbs_copies_of_an_answer_for_5_seconds);
	RUN(each_2xx_of_an_invite_is_handed_up_until_timer_m);
	RUN(a_cancel_waits_for_a_provisional_answer);
	RUN(a_cancelled_invite_is_not_waited_for_longer_than_32_seconds);
	RUN(an_answer_from_another_connection_is_a_stray);
	RUN(an_answer_to_another_method_is_a_stray);
	RUN(a_broken_connection_fails_what_waits_on_it);
	RUN(what_is_forgotten_still_acknowledges);
	return tap_done();
}
