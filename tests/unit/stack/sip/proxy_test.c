#include "stack/sip/proxy.h"

#include <stdlib.h>

#include "rig.h"

/* The forking proxy: RFC 3261 section 16, with a caller and some callees. */

enum { CALLEES_MAX = 3 };

struct world {
	struct rig rig;
	struct peer *caller, *callees[CALLEES_MAX];
	unsigned n_callees;
	struct str bodies[CALLEES_MAX]; /* p set: the branch has its own */
	struct str answer;              /* p set: the body of all answers */
	unsigned n_done, n_failed;
	int done_code;
	enum sip_fail why;
	bool hold;
	unsigned n_held;
	struct sip_proxy *proxy; /* of the last request */
};

static void on_failed(void *arg, uint64_t tag UNUSED, enum sip_fail why)
{
	struct world *w = arg;
	w->n_failed++;
	w->why = why;
}

static void on_done(void *arg, int code)
{
	struct world *w = arg;
	w->n_done++;
	w->done_code = code;
}

static void on_forwarding(void *arg, uint64_t tag UNUSED, const struct sip_msg *resp UNUSED,
                          struct sip_edit *e)
{
	struct world *w = arg;
	if (!w->answer.p)
		return;
	e->body = &w->answer;
	e->body_type = STR("text/plain");
}

static bool on_hold(void *arg, uint64_t tag UNUSED, const struct sip_msg *resp UNUSED)
{
	struct world *w = arg;
	w->n_held += w->hold;
	return w->hold;
}

static const struct sip_proxy_ops ops = {
	.forwarding = on_forwarding, .hold = on_hold, .branch_failed = on_failed, .done = on_done
};

static void fork_to(struct world *w, struct sip_proxy *p, unsigned i, int left)
{
	struct sip_branch_spec b = {
		.flow = peer_flow(w->callees[i]),
		.edit = { .max_forwards = left,
		          .record_route = STR("<sip:proxy.example.test;lr>") },
		.tag = i,
	};
	if (w->bodies[i].p) {
		b.edit.body = &w->bodies[i];
		b.edit.body_type = STR("text/plain");
	}
	OK(b.flow != NULL);
	sip_proxy_fork(p, &b);
	sip_flow_unref(&b.flow);
}

/* ACK of a 2xx: to the first callee, without state. */
static void pass_ack(struct world *w, struct sip_req *rq, int left)
{
	struct sip_flow *f = peer_flow(w->callees[0]);
	struct sip_edit e = { .max_forwards = left };
	sip_proxy_pass(rq, f, &e);
	sip_flow_unref(&f);
}

static void handle(struct rig *r, struct sip_req *rq)
{
	struct world *w = r->user;
	int left = 0, code = sip_proxy_check(rq, &left);
	if (rq->msg->method == SIP_ACK) {
		pass_ack(w, rq, left);
		return;
	}
	if (code) {
		sip_reply(rq, code, STR(""), STR(""), STR(""), STR(""));
		return;
	}
	struct sip_proxy *p = sip_proxy_new(r->stack, sip_accept(rq, NULL, NULL), &ops, w);
	w->proxy = p;
	for (unsigned i = 0; i < w->n_callees; i++)
		fork_to(w, p, i, left);
	sip_proxy_start(p, 480, STR("Nobody There"), STR("X-Why: none\r\n"));
}

static struct world *world_start(enum sip_kind kind, unsigned n_callees)
{
	struct world *w = xnew(struct world);
	rig_start(&w->rig, handle, w);
	w->caller = peer_open(&w->rig, kind);
	w->n_callees = n_callees;
	for (unsigned i = 0; i < n_callees; i++)
		w->callees[i] = peer_open(&w->rig, kind);
	return w;
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	rig_drain(&w->rig);
	if (w->caller)
		peer_close(&w->caller);
	for (unsigned i = 0; i < CALLEES_MAX; i++)
		if (w->callees[i])
			peer_close(&w->callees[i]);
	rig_stop(&w->rig);
	free(w);
}

static const struct ask invite = { .method = "INVITE" }, message = { .method = "MESSAGE" };
static const struct ask cancel = { .method = "CANCEL" };

/* The INVITE goes out; every callee has it. */
static void call(struct world *w)
{
	peer_ask(w->caller, &invite);
	OK(peer_hears_start(w->caller, "SIP/2.0 100"));
	for (unsigned i = 0; i < w->n_callees; i++)
		OK(peer_hears_start(w->callees[i], "INVITE "));
}

static void answers(struct world *w, unsigned i, int code)
{
	peer_answer(w->callees[i], &w->callees[i]->invite, code,
	            "Contact: <sip:bob@192.0.2.7>\r\n"
	            "Record-Route: <sip:far.example.test;lr>, <sip:proxy.example.test;lr>\r\n");
}

static void a_2xx_of_one_branch_cancels_the_others(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 2);
	call(w);
	answers(w, 0, 180);
	answers(w, 1, 180);
	EQ(peer_count(w->caller, "SIP/2.0 180"), 2);
	answers(w, 1, 200);
	OK(peer_hears_start(w->caller, "SIP/2.0 200"));
	OK(peer_hears_start(w->callees[0], "CANCEL "));
	EQ(peer_count(w->callees[1], "CANCEL "), 0);
	EQ(w->n_done, 1);
	EQ(w->done_code, 200);
	peer_answer(w->callees[0], &w->callees[0]->last, 200, NULL);
	answers(w, 0, 487);
	OK(peer_hears_start(w->callees[0], "ACK "));
	EQ(peer_count(w->caller, ""), 0);
	rig_pass(&w->rig, 64000);
	EQ(sip_stack_stats(w->rig.stack)->ctx + sip_stack_stats(w->rig.stack)->stx, 0);
}

static void both_2xx_of_a_race_reach_the_caller(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 2);
	call(w);
	answers(w, 0, 200);
	answers(w, 1, 200);
	EQ(peer_count(w->caller, "SIP/2.0 200"), 2);
	EQ(w->n_done, 1);
}

/* RFC 3261 section 16.7 step 6: what the caller hears when two callees refuse. */
static void the_best_of_the_negative_answers_is_chosen(void)
{
	static const struct {
		int a, b, best;
	} rows[] = {
		{ 404, 486, 404 },                    /* of one class the first */
		{ 486, 603, 603 },                    /* 6xx before all */
		{ 603, 302, 603 }, { 486, 302, 302 }, /* then the lowest class */
		{ 500, 486, 486 }, { 486, 407, 407 }, /* what helps to try again */
		{ 302, 401, 401 }, { 404, 420, 420 }, { 500, 484, 484 },
		{ 480, 486, 486 }, /* who said something is better than who was not there */
		{ 408, 404, 404 }, { 503, 404, 404 }, { 503, 503, 500 }, /* 503 is not passed on */
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char want[32];
		auto_(world_free) struct world *w = world_start(SIP_UDP, 2);
		(void)snprintf(want, sizeof(want), "SIP/2.0 %d ", rows[i].best);
		call(w);
		answers(w, 0, rows[i].a);
		EQ(w->n_done, 0);
		answers(w, 1, rows[i].b);
		EQ(w->n_done, 1);
		OK(peer_hears_start(w->caller, want));
	}
}

static void a_6xx_cancels_the_others_and_waits_for_them(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 3);
	call(w);
	answers(w, 1, 180);
	answers(w, 2, 180);
	EQ(peer_count(w->caller, "SIP/2.0 180"), 2);
	answers(w, 0, 603);
	OK(peer_hears_start(w->callees[1], "CANCEL "));
	OK(peer_hears_start(w->callees[2], "CANCEL "));
	EQ(peer_count(w->caller, ""), 0);
	answers(w, 1, 487);
	EQ(peer_count(w->caller, ""), 0);
	answers(w, 2, 487);
	OK(peer_hears_start(w->caller, "SIP/2.0 603"));
	EQ(w->done_code, 603);
}

static void a_body_that_was_put_into_a_2xx_is_in_its_repetitions(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 1);
	w->answer = STR("ours");
	call(w);
	answers(w, 0, 180);
	OK(peer_hears_start(w->caller, "SIP/2.0 180"));
	EQ_STR(w->caller->last.msg.body, "ours");
	for (int i = 0; i < 3; i++) {
		answers(w, 0, 200);
		if (!OK(peer_hears_start(w->caller, "SIP/2.0 200")))
			return;
		EQ_STR(w->caller->last.msg.body, "ours");
		EQ_STR(peer_field(w->caller, SIP_H_CONTENT_TYPE), "text/plain");
		EQ_STR(peer_field(w->caller, SIP_H_CONTENT_LENGTH), "4");
		w->answer = (struct str){ NULL, 0 };
	}
	EQ(w->n_done, 1);
}

static void a_2xx_that_crosses_a_6xx_still_wins(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 2);
	call(w);
	answers(w, 1, 180);
	answers(w, 0, 600);
	answers(w, 1, 200);
	EQ(peer_count(w->caller, "SIP/2.0 200"), 1);
	EQ(w->done_code, 200);
}

static void the_callers_cancel_reaches_every_branch_and_ends_in_487(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 2);
	call(w);
	answers(w, 0, 180);
	OK(peer_hears_start(w->caller, "SIP/2.0 180"));
	peer_ask(w->caller, &cancel);
	OK(peer_hears_start(w->caller, "SIP/2.0 200"));
	OK(peer_hears_start(w->callees[0], "CANCEL "));
	answers(w, 0, 487);
	EQ(peer_count(w->callees[1], "CANCEL "), 0); /* it has said nothing yet */
	answers(w, 1, 100);
	OK(peer_hears_start(w->callees[1], "CANCEL "));
	answers(w, 1, 487);
	OK(peer_hears_start(w->caller, "SIP/2.0 487"));
	EQ(w->done_code, 487);
}

/* The dialog that nobody wants is made (ACK) and ended (BYE). */
static void a_2xx_after_the_caller_has_gone_is_cleaned_up(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP, 1);
	call(w);
	answers(w, 0, 180);
	peer_close(&w->caller);
	AWAIT(w->rig.loop, w->n_done == 1);
	EQ(w->done_code, 0);
	OK(peer_hears_start(w->callees[0], "CANCEL "));
	answers(w, 0, 200);
	OK(peer_hears_start(w->callees[0], "ACK sip:bob@192.0.2.7 SIP/2.0"));
	EQ_STR(peer_field(w->callees[0], SIP_H_CSEQ), "1 ACK");
	EQ_STR(peer_field(w->callees[0], SIP_H_ROUTE), "<sip:far.example.test;lr>");
	OK(peer_hears_start(w->callees[0], "BYE sip:bob@192.0.2.7 SIP/2.0"));
	EQ_STR(peer_field(w->callees[0], SIP_H_CSEQ), "2 BYE");
	EQ_STR(peer_field(w->callees[0], SIP_H_TO), "<sip:bob@example.test>;tag=b2");
	EQ_STR(peer_field(w->callees[0], SIP_H_ROUTE), "<sip:far.example.test;lr>");
	OK(str_starts(peer_field(w->callees[0], SIP_H_REASON), STR("SIP;cause=487")));
	peer_answer(w->callees[0], &w->callees[0]->last, 200, NULL);
	rig_pass(&w->rig, 33000);
	EQ(sip_stack_stats(w->rig.stack)->ctx, 0);
}

static void timer_c_cancels_who_rings_too_long(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 1);
	call(w);
	answers(w, 0, 180);
	rig_pass(&w->rig, 100000);
	answers(w, 0, 183); /* sets it anew */
	EQ(peer_count(w->caller, "SIP/2.0 18"), 2);
	rig_pass(&w->rig, (SIP_TIMER_C_S - 1) * 1000);
	EQ(peer_count(w->callees[0], "CANCEL "), 0);
	rig_pass(&w->rig, 1000);
	EQ(peer_count(w->callees[0], "CANCEL "), 1);
	peer_answer(w->callees[0], &w->callees[0]->last, 200, NULL);
	answers(w, 0, 487);
	EQ(peer_count(w->caller, "SIP/2.0 487"), 1);
}

static void who_does_not_even_answer_a_cancel_counts_as_408(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 1);
	call(w);
	answers(w, 0, 180);
	OK(peer_hears_start(w->caller, "SIP/2.0 180"));
	rig_pass(&w->rig, SIP_TIMER_C_S * 1000);
	rig_pass(&w->rig, 32100);
	OK(peer_hears_start(w->caller, "SIP/2.0 408"));
	EQ(w->why, SIP_FAIL_TIMEOUT);
}

static void an_invite_that_nobody_answers_is_408(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP, 2);
	call(w);
	rig_pass(&w->rig, 31900);
	EQ(peer_count(w->caller, ""), 0);
	rig_pass(&w->rig, 200);
	OK(peer_hears_start(w->caller, "SIP/2.0 408"));
	EQ(w->n_failed, 2);
}

/* RFC 4320 section 4.2: the 408 would come when the client has given up. */
static void another_request_that_nobody_answers_hears_no_408(void)
{
	static const enum sip_kind kinds[] = { SIP_UDP, SIP_TCP };
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		auto_(world_free) struct world *w = world_start(kinds[i], 1);
		peer_ask(w->caller, &message);
		rig_pass(&w->rig, 40000);
		EQ(w->n_done, 1);
		EQ(w->done_code, 408);
		OK(peer_hears_start(w->caller, "SIP/2.0 100"));
		EQ(peer_count(w->caller, ""), 0);
		EQ(sip_stack_stats(w->rig.stack)->stx, 0);
	}
}

static void a_408_from_a_callee_is_not_passed_on_but_for_an_invite(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 1);
	peer_ask(w->caller, &message);
	OK(peer_hears_start(w->callees[0], "MESSAGE "));
	peer_answer(w->callees[0], &w->callees[0]->last, 408, NULL);
	EQ(peer_count(w->caller, ""), 0);
	EQ(w->done_code, 408);
	call(w);
	answers(w, 0, 408);
	EQ(peer_count(w->caller, "SIP/2.0 408"), 1);
}

/* RFC 4320 section 4.1: 100 alone, and not before its time. */
static void provisional_answers_to_other_requests_stay_here(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 1);
	peer_ask(w->caller, &message);
	OK(peer_hears_start(w->callees[0], "MESSAGE "));
	peer_answer(w->callees[0], &w->callees[0]->last, 100, NULL);
	peer_answer(w->callees[0], &w->callees[0]->last, 183, NULL);
	EQ(peer_count(w->caller, ""), 0);
	peer_answer(w->callees[0], &w->callees[0]->last, 202, NULL);
	EQ(peer_count(w->caller, "SIP/2.0 202"), 1);
}

static void the_connection_of_a_callee_that_breaks_counts_as_480(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP, 2);
	call(w);
	peer_close(&w->callees[0]);
	AWAIT(w->rig.loop, w->n_failed == 1);
	EQ(w->why, SIP_FAIL_TRANSPORT);
	EQ(peer_count(w->caller, ""), 0); /* the other rings on */
	answers(w, 1, 486);
	OK(peer_hears_start(w->caller, "SIP/2.0 486"));
}

/* The only callee's connection has broken, and it may come back. */
static struct world *world_expecting(void)
{
	struct world *w = world_start(SIP_TCP, 1);
	call(w);
	sip_proxy_expect(w->proxy, true);
	peer_close(&w->callees[0]);
	AWAIT(w->rig.loop, w->n_failed == 1);
	EQ(peer_count(w->caller, ""), 0);
	return w;
}

static void a_branch_that_is_expected_takes_the_place_of_one_that_broke(void)
{
	auto_(world_free) struct world *w = world_expecting();
	w->callees[0] = peer_open(&w->rig, SIP_TCP);
	fork_to(w, w->proxy, 0, 69);
	OK(peer_hears_start(w->callees[0], "INVITE "));
	sip_proxy_expect(w->proxy, false);
	EQ(peer_count(w->caller, ""), 0);
	answers(w, 0, 200);
	OK(peer_hears_start(w->caller, "SIP/2.0 200"));
	EQ(w->done_code, 200);
}

static void a_branch_that_is_expected_in_vain_ends_the_call(void)
{
	auto_(world_free) struct world *w = world_expecting();
	sip_proxy_expect(w->proxy, false);
	OK(peer_hears_start(w->caller, "SIP/2.0 480"));
	EQ(w->done_code, 480);
}

static void nobody_is_expected_for_a_caller_who_gives_up(void)
{
	auto_(world_free) struct world *w = world_expecting();
	peer_ask(w->caller, &cancel);
	OK(peer_hears_start(w->caller, "SIP/2.0 200"));
	OK(peer_hears_start(w->caller, "SIP/2.0 487"));
	EQ(w->done_code, 487);
}

static void without_a_branch_the_given_answer_is_sent(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 0);
	peer_ask(w->caller, &message);
	OK(peer_hears_start(w->caller, "SIP/2.0 480 Nobody There"));
	EQ_STR(sip_value_named(&w->caller->last.msg, STR("X-Why")), "none");
	EQ(w->done_code, 480);
}

/* Two callees have the message, one has taken it. */
static struct world *world_held(enum sip_kind kind)
{
	struct world *w = world_start(kind, 2);
	w->hold = true;
	peer_ask(w->caller, &message);
	for (unsigned i = 0; i < 2; i++)
		OK(peer_hears_start(w->callees[i], "MESSAGE "));
	peer_answer(w->callees[0], &w->callees[0]->last, 202, "X-Kept: yes\r\n");
	EQ(peer_count(w->caller, ""), 0);
	EQ(w->n_held, 1);
	return w;
}

static void a_good_answer_can_be_kept_back(void)
{
	auto_(world_free) struct world *w = world_held(SIP_UDP);
	peer_answer(w->callees[1], &w->callees[1]->last, 486, NULL);
	EQ(w->n_done, 0);
	sip_proxy_release(w->proxy);
	OK(peer_hears_start(w->caller, "SIP/2.0 202"));
	EQ_STR(sip_value_named(&w->caller->last.msg, STR("X-Kept")), "yes");
	EQ(w->done_code, 202);
	rig_pass(&w->rig, 64000);
	EQ(sip_stack_stats(w->rig.stack)->ctx + sip_stack_stats(w->rig.stack)->stx, 0);
}

static void of_two_good_answers_the_second_goes_nowhere(void)
{
	auto_(world_free) struct world *w = world_held(SIP_UDP);
	peer_answer(w->callees[1], &w->callees[1]->last, 200, NULL);
	EQ(peer_count(w->caller, ""), 0);
	EQ(w->n_held, 1);
	sip_proxy_release(w->proxy);
	EQ(peer_count(w->caller, "SIP/2.0 202"), 1);
	EQ(w->n_done, 1);
}

static void a_caller_who_goes_meanwhile_ends_the_wait(void)
{
	auto_(world_free) struct world *w = world_held(SIP_TCP);
	peer_close(&w->caller);
	AWAIT(w->rig.loop, w->n_done == 1);
	EQ(w->done_code, 0);
	peer_answer(w->callees[1], &w->callees[1]->last, 200, NULL);
	AWAIT(w->rig.loop, sip_stack_stats(w->rig.stack)->ctx == 0);
	EQ(w->n_done, 1);
}

static void branches_may_have_different_bodies(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 3);
	struct ask a = { .method = "INVITE",
		         .lines = "Content-Type: application/sdp\r\nX-Kept: yes\r\n",
		         .body = "v=0\r\n" };
	w->bodies[0] = STR("for the first, and longer than it was");
	w->bodies[1] = STR("");
	peer_ask(w->caller, &a);
	static const char *const want[] = { "for the first, and longer than it was", "",
		                            "v=0\r\n" };
	static const char *const types[] = { "text/plain", "text/plain", "application/sdp" };
	for (unsigned i = 0; i < 3; i++) {
		struct peer *p = w->callees[i];
		OK(peer_hears_start(p, "INVITE "));
		EQ_STR(p->last.msg.body, want[i]);
		EQ_STR(peer_field(p, SIP_H_CONTENT_TYPE), types[i]);
		EQ_STR(sip_value_named(&p->last.msg, STR("X-Kept")), "yes");
		EQ(p->last.msg.head_len + strlen(want[i]), p->last.len);
	}
}

static void prack_update_and_info_pass_as_they_are(void)
{
	static const char *const methods[] = { "PRACK", "UPDATE", "INFO", "NOTIFY",
		                               "REFER", "BYE",    "XTEND" };
	auto_(world_free) struct world *w = world_start(SIP_TCP, 1);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		char branch[32];
		(void)snprintf(branch, sizeof(branch), "z9hG4bK%zu", i);
		struct ask a = { .method = methods[i],
			         .branch = branch,
			         .to_tag = "b2",
			         .lines = "RAck: 776656 1 INVITE\r\nrequire :  100rel\r\n"
			                  "Session-Expires: 1800;refresher=uac\r\n"
			                  "Content-Type: application/dtmf-relay\r\n",
			         .body = "Signal=5\r\n" };
		peer_ask(w->caller, &a);
		struct peer *p = w->callees[0];
		OK(peer_hears_start(p, methods[i]));
		EQ_STR(p->last.msg.body, "Signal=5\r\n");
		EQ_STR(peer_field(p, SIP_H_RACK), "776656 1 INVITE");
		EQ_STR(peer_field(p, SIP_H_SESSION_EXPIRES), "1800;refresher=uac");
		OK(strstr(p->last.text, "\r\nrequire :  100rel\r\n") != NULL);
		OK(strstr(p->last.text, "\r\nMax-Forwards: 69\r\n") != NULL);
		peer_answer(p, &p->last, 200, "X-Answer:  kept as it is\r\n");
		OK(peer_hears_start(w->caller, "SIP/2.0 200"));
		OK(strstr(w->caller->last.text, "\r\nX-Answer:  kept as it is\r\n") != NULL);
	}
}

static void a_reliable_provisional_answer_keeps_its_number(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 1);
	call(w);
	peer_answer(w->callees[0], &w->callees[0]->invite, 183,
	            "Require: 100rel\r\nRSeq: 776656\r\n");
	OK(peer_hears_start(w->caller, "SIP/2.0 183"));
	EQ_STR(peer_field(w->caller, SIP_H_RSEQ), "776656");
	EQ_STR(peer_field(w->caller, SIP_H_REQUIRE), "100rel");
}

static void the_ack_of_a_2xx_passes_without_state(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 1);
	struct ask ack = { .method = "ACK", .branch = "z9hG4bKtwo", .to_tag = "b2" };
	call(w);
	answers(w, 0, 200);
	uint32_t before = sip_stack_stats(w->rig.stack)->ctx;
	peer_ask(w->caller, &ack);
	OK(peer_hears_start(w->callees[0], "ACK "));
	EQ(sip_stack_stats(w->rig.stack)->ctx, before);
	EQ(peer_count(w->caller, "SIP/2.0 200"), 1);
}

static void send_back(struct world *w, const struct sip_msg *m, struct str uri)
{
	char via[128];
	struct buf vb = BUF_ON(via);
	auto_(buf_free) struct buf b = buf_of(PEER_MAX);
	buf_lit(&vb, "SIP/2.0/UDP 192.0.2.3;branch=z9hG4bK-");
	buf_dec(&vb, w->rig.n_requests);
	struct sip_edit e = { .uri = uri, .push_via = buf_view(&vb), .max_forwards = 60 };
	sip_put_edited(&b, m, &e);
	peer_send(w->callees[0], buf_view(&b));
}

static void a_request_that_comes_back_as_it_was_is_a_loop(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 1);
	peer_ask(w->caller, &message);
	OK(peer_hears_start(w->callees[0], "MESSAGE "));
	struct heard first = w->callees[0]->last;
	EQ(sip_parse(&first.msg, str_n(first.text, first.len)), 0);
	/* Some proxy sends it straight back to us ... */
	send_back(w, &first.msg, STR("sip:bob@example.test"));
	OK(peer_hears_start(w->callees[0], "SIP/2.0 482 Loop Detected"));
	/* ... or to another address of ours: a spiral, which is fine (section 16.3 step 4). */
	send_back(w, &first.msg, STR("sip:carol@example.test"));
	OK(peer_hears_start(w->callees[0], "MESSAGE sip:carol@example.test "));
}

static void a_request_without_hops_left_is_refused(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP, 1);
	struct ask a = { .method = "MESSAGE", .lines = "Max-Forwards: 0\r\n" };
	peer_ask(w->caller, &a);
	OK(peer_hears_start(w->caller, "SIP/2.0 483 Too Many Hops"));
	EQ(peer_count(w->callees[0], ""), 0);
	a.lines = "Max-Forwards: 1\r\n";
	a.branch = "z9hG4bKtwo";
	peer_ask(w->caller, &a);
	OK(peer_hears_start(w->callees[0], "MESSAGE "));
	EQ_STR(peer_field(w->callees[0], SIP_H_MAX_FORWARDS), "0");
}

int main(void)
{
	RUN(a_2xx_of_one_branch_cancels_the_others);
	RUN(both_2xx_of_a_race_reach_the_caller);
	RUN(a_body_that_was_put_into_a_2xx_is_in_its_repetitions);
	RUN(the_best_of_the_negative_answers_is_chosen);
	RUN(a_6xx_cancels_the_others_and_waits_for_them);
	RUN(a_2xx_that_crosses_a_6xx_still_wins);
	RUN(the_callers_cancel_reaches_every_branch_and_ends_in_487);
	RUN(a_2xx_after_the_caller_has_gone_is_cleaned_up);
	RUN(timer_c_cancels_who_rings_too_long);
	RUN(who_does_not_even_answer_a_cancel_counts_as_408);
	RUN(an_invite_that_nobody_answers_is_408);
	RUN(another_request_that_nobody_answers_hears_no_408);
	RUN(a_408_from_a_callee_is_not_passed_on_but_for_an_invite);
	RUN(provisional_answers_to_other_requests_stay_here);
	RUN(the_connection_of_a_callee_that_breaks_counts_as_480);
	RUN(a_branch_that_is_expected_takes_the_place_of_one_that_broke);
	RUN(a_branch_that_is_expected_in_vain_ends_the_call);
	RUN(nobody_is_expected_for_a_caller_who_gives_up);
	RUN(without_a_branch_the_given_answer_is_sent);
	RUN(a_good_answer_can_be_kept_back);
	RUN(of_two_good_answers_the_second_goes_nowhere);
	RUN(a_caller_who_goes_meanwhile_ends_the_wait);
	RUN(branches_may_have_different_bodies);
	RUN(prack_update_and_info_pass_as_they_are);
	RUN(a_reliable_provisional_answer_keeps_its_number);
	RUN(the_ack_of_a_2xx_passes_without_state);
	RUN(a_request_that_comes_back_as_it_was_is_a_loop);
	RUN(a_request_without_hops_left_is_refused);
	return tap_done();
}
