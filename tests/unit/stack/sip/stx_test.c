#include <stdlib.h>
#include <sys/socket.h>

#include "rig.h"

/* Server transactions: RFC 3261 section 17.2, RFC 6026, RFC 4320. */

/* What the handler does with a request, and what it saw. */
struct world {
	struct rig rig;
	struct peer *p;
	int code;   /* answered with at once */
	bool keeps; /* accepts instead */
	struct sip_stx *stx;
	unsigned n_cancel, n_ended, n_lost;
};

static void on_cancel(void *arg, struct str reason UNUSED)
{
	struct world *w = arg;
	w->n_cancel++;
}

static void on_ended(void *arg, bool lost)
{
	struct world *w = arg;
	w->n_ended++;
	w->n_lost += lost;
	w->stx = NULL;
}

static const struct sip_stx_ops ops = { .cancel = on_cancel, .ended = on_ended };

static void handle(struct rig *r, struct sip_req *rq)
{
	struct world *w = r->user;
	if (rq->msg->method == SIP_ACK)
		sip_ignore(rq);
	else if (w->keeps)
		w->stx = sip_accept(rq, &ops, w);
	else
		sip_reply(rq, w->code, STR(""), STR(""), STR(""), STR(""));
}

static struct world *world_start(enum sip_kind kind)
{
	struct world *w = xnew(struct world);
	rig_start(&w->rig, handle, w);
	w->p = peer_open(&w->rig, kind);
	w->code = 200;
	return w;
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	peer_close(&w->p);
	rig_stop(&w->rig);
	free(w);
}

static uint32_t n_kept(const struct world *w)
{
	return sip_stack_stats(w->rig.stack)->stx;
}

static void answer(struct world *w, int code)
{
	sip_stx_reply(w->stx, code, STR(""), STR(""), STR(""), STR(""));
	rig_turn(&w->rig);
}

static const struct ask invite = { .method = "INVITE" }, ack = { .method = "ACK" };
static const struct ask cancel = { .method = "CANCEL" }, options = { .method = "OPTIONS" };

static void an_invite_is_answered_with_100_at_once_and_its_copies_too(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	w->keeps = true;
	peer_ask(w->p, &invite);
	OK(peer_hears_start(w->p, "SIP/2.0 100 Trying"));
	peer_ask(w->p, &invite);
	OK(peer_hears_start(w->p, "SIP/2.0 100 Trying"));
	answer(w, 180);
	OK(peer_hears_start(w->p, "SIP/2.0 180"));
	peer_ask(w->p, &invite);
	OK(peer_hears_start(w->p, "SIP/2.0 180"));
	EQ(w->rig.n_requests, 1);
	EQ(sip_stack_stats(w->rig.stack)->retransmits_in, 2);
}

static void timer_g_repeats_a_negative_answer_and_timer_h_gives_up(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	w->code = 486;
	peer_ask(w->p, &invite);
	OK(peer_hears_start(w->p, "SIP/2.0 486"));
	rig_pass(&w->rig, 450);
	EQ(peer_count(w->p, ""), 0);
	rig_pass(&w->rig, 100);
	EQ(peer_count(w->p, "SIP/2.0 486"), 1); /* at T1 */
	rig_pass(&w->rig, 1000);
	EQ(peer_count(w->p, "SIP/2.0 486"), 1); /* doubled ... */
	rig_pass(&w->rig, 2000);
	EQ(peer_count(w->p, "SIP/2.0 486"), 1);
	rig_pass(&w->rig, 20000);
	EQ(peer_count(w->p, "SIP/2.0 486"), 5); /* ... up to T2 */
	EQ(n_kept(w), 1);
	rig_pass(&w->rig, 10000);
	EQ(n_kept(w), 0);
	EQ(sip_stack_stats(w->rig.stack)->timeouts, 1);
	peer_count(w->p, "");
	rig_pass(&w->rig, 10000);
	EQ(peer_count(w->p, ""), 0);
}

static void an_ack_stops_timer_g_and_timer_i_absorbs_more_of_them(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	w->code = 486;
	peer_ask(w->p, &invite);
	EQ(peer_count(w->p, "SIP/2.0 486"), 1);
	peer_ask(w->p, &ack);
	rig_pass(&w->rig, 4900);
	peer_ask(w->p, &ack);
	peer_ask(w->p, &invite); /* late copy: nothing is sent in Confirmed */
	EQ(peer_count(w->p, ""), 0);
	EQ(w->rig.n_requests, 1);
	EQ(n_kept(w), 1);
	rig_pass(&w->rig, 200);
	EQ(n_kept(w), 0);
	EQ(sip_stack_stats(w->rig.stack)->timeouts, 0);
}

static void on_a_stream_a_negative_answer_is_sent_once_and_its_ack_ends_all(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP);
	w->keeps = true;
	peer_ask(w->p, &invite);
	answer(w, 486);
	rig_pass(&w->rig, 20000);
	EQ(peer_count(w->p, "SIP/2.0 486"), 1);
	EQ(n_kept(w), 1);
	peer_ask(w->p, &ack);
	EQ(n_kept(w), 0);
	EQ(w->rig.n_requests, 1);
}

static void on_a_stream_timer_h_ends_the_wait_for_an_ack(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP);
	w->keeps = true;
	peer_ask(w->p, &invite);
	answer(w, 603);
	rig_pass(&w->rig, 31900);
	EQ(n_kept(w), 1);
	rig_pass(&w->rig, 200);
	EQ(n_kept(w), 0);
	EQ(sip_stack_stats(w->rig.stack)->timeouts, 1);
}

static void one_client_has_its_share_of_the_transactions_and_others_theirs(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP);
	w->keeps = true;
	peer_ask(w->p, &invite);
	OK(peer_hears_start(w->p, "SIP/2.0 100"));
	struct sip_flow *flow = w->rig.opened;
	EQ(flow->n_stx, 1);
	flow->n_stx += SIP_CLIENT_TXN_MAX - 1; /* as if there were so many */
	peer_ask(w->p, &(struct ask){ .method = "INVITE", .branch = "z9hG4bKtoomany" });
	OK(peer_hears_start(w->p, "SIP/2.0 503"));
	OK(peer_field(w->p, SIP_H_RETRY_AFTER).len > 0);
	EQ(w->rig.n_requests, 1);
	struct peer *other = peer_open(&w->rig, SIP_TCP);
	peer_ask(other, &invite);
	OK(peer_hears_start(other, "SIP/2.0 100"));
	peer_close(&other);
	flow->n_stx -= SIP_CLIENT_TXN_MAX - 1;
}

/* RFC 6026 section 7.1: the Accepted state and timer L. */
static void copies_of_an_accepted_invite_are_absorbed_until_timer_l(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	w->keeps = true;
	peer_ask(w->p, &invite);
	answer(w, 200);
	EQ(peer_count(w->p, "SIP/2.0 200"), 1);
	peer_ask(w->p, &invite);
	rig_pass(&w->rig, 31000);
	EQ(peer_count(w->p, ""), 0); /* the 2xx is repeated by who gave it */
	EQ(w->rig.n_requests, 1);
	peer_ask(w->p, &ack); /* of the 2xx: for the one above */
	EQ(w->rig.n_requests, 2);
	EQ(w->n_ended, 0);
	rig_pass(&w->rig, 1100);
	EQ(w->n_ended, 1);
	EQ(w->n_lost, 0);
	EQ(n_kept(w), 0);
}

static void timer_j_keeps_the_answer_of_other_requests_for_32_seconds(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	peer_ask(w->p, &options);
	OK(peer_hears_start(w->p, "SIP/2.0 200"));
	rig_pass(&w->rig, 31900);
	peer_ask(w->p, &options);
	OK(peer_hears_start(w->p, "SIP/2.0 200"));
	EQ(w->rig.n_requests, 1);
	rig_pass(&w->rig, 1200);
	EQ(n_kept(w), 0);
	peer_ask(w->p, &options);
	EQ(w->rig.n_requests, 2);
}

static void an_answer_that_shall_be_forgotten_is_not_kept(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	w->keeps = true;
	peer_ask(w->p, &options);
	sip_stx_forget(w->stx);
	answer(w, 200);
	EQ(peer_count(w->p, "SIP/2.0 200"), 1);
	EQ(n_kept(w), 0);
	peer_ask(w->p, &options); /* whoever has it forgotten hears of it again */
	EQ(w->rig.n_requests, 2);
	answer(w, 200);
}

static void on_a_stream_nothing_is_kept_of_an_answered_request(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP);
	peer_ask(w->p, &options);
	OK(peer_hears_start(w->p, "SIP/2.0 200"));
	EQ(n_kept(w), 0);
	w->keeps = true;
	peer_ask(w->p, &options);
	EQ(n_kept(w), 1);
	answer(w, 404);
	OK(peer_hears_start(w->p, "SIP/2.0 404"));
	EQ(n_kept(w), 0);
}

/* RFC 4320 section 4.1, whatever the transport. */
static void a_slow_request_hears_100_when_timer_e_has_grown_to_t2(void)
{
	static const enum sip_kind kinds[] = { SIP_UDP, SIP_TCP };
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		auto_(world_free) struct world *w = world_start(kinds[i]);
		w->keeps = true;
		peer_ask(w->p, &options);
		rig_pass(&w->rig, 3400);
		EQ(peer_count(w->p, ""), 0);
		rig_pass(&w->rig, 200);
		OK(peer_hears_start(w->p, "SIP/2.0 100 Trying"));
		rig_pass(&w->rig, 20000);
		EQ(peer_count(w->p, ""), 0); /* once */
		answer(w, 200);
		EQ(peer_count(w->p, "SIP/2.0 200"), 1);
	}
}

static void a_copy_of_a_slow_request_hears_the_100_again(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	w->keeps = true;
	peer_ask(w->p, &options);
	peer_ask(w->p, &options);
	EQ(peer_count(w->p, ""), 0); /* nothing was said yet */
	rig_pass(&w->rig, 3600);
	EQ(peer_count(w->p, "SIP/2.0 100"), 1);
	peer_ask(w->p, &options);
	EQ(peer_count(w->p, "SIP/2.0 100"), 1);
	answer(w, 200);
	peer_ask(w->p, &options);
	EQ(peer_count(w->p, "SIP/2.0 200"), 2);
}

static void an_answer_in_time_leaves_no_100_behind(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	w->keeps = true;
	peer_ask(w->p, &options);
	rig_pass(&w->rig, 3000);
	answer(w, 200);
	EQ(peer_count(w->p, "SIP/2.0 200"), 1);
	rig_pass(&w->rig, 10000);
	EQ(peer_count(w->p, ""), 0);
}

static void what_is_dropped_says_nothing_more(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	w->keeps = true;
	peer_ask(w->p, &options);
	sip_stx_drop(w->stx);
	EQ(n_kept(w), 0);
	rig_pass(&w->rig, 5000);
	EQ(peer_count(w->p, ""), 0);
}

static void a_cancel_is_answered_and_so_is_its_invite(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	w->keeps = true;
	peer_ask(w->p, &invite);
	OK(peer_hears_start(w->p, "SIP/2.0 100"));
	peer_ask(w->p, &cancel);
	OK(peer_hears_start(w->p, "SIP/2.0 200"));
	EQ_STR(peer_field(w->p, SIP_H_CSEQ), "1 CANCEL");
	EQ(w->n_cancel, 1);
	peer_ask(w->p, &cancel);
	OK(peer_hears_start(w->p, "SIP/2.0 200"));
	EQ(w->n_cancel, 1);
	answer(w, 487);
	OK(peer_hears_start(w->p, "SIP/2.0 487 Request Terminated"));
	EQ_STR(peer_field(w->p, SIP_H_CSEQ), "1 INVITE");
}

static void an_invite_that_nobody_waits_for_is_terminated_by_a_cancel(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP);
	w->keeps = true;
	peer_ask(w->p, &invite);
	sip_stx_set_ops(w->stx, NULL, NULL);
	peer_ask(w->p, &cancel);
	OK(peer_hears_start(w->p, "SIP/2.0 100"));
	OK(peer_hears_start(w->p, "SIP/2.0 200"));
	OK(peer_hears_start(w->p, "SIP/2.0 487"));
}

static void a_cancel_of_nothing_or_of_a_strangers_call_is_481(void)
{
	auto_(world_free) struct world *w = world_start(SIP_TCP);
	w->keeps = true;
	peer_ask(w->p, &cancel);
	OK(peer_hears_start(w->p, "SIP/2.0 481"));
	peer_ask(w->p, &invite);
	struct peer *stranger = peer_open(&w->rig, SIP_TCP);
	char via[128];
	struct buf b = BUF_ON(via);
	buf_lit(&b, "SIP/2.0/TCP ");
	addr_put(&b, &w->p->at);
	buf_printf(&b, ";branch=z9hG4bKone%c", '\0');
	struct ask stolen = { .method = "CANCEL", .via = via };
	peer_ask(stranger, &stolen);
	OK(peer_hears_start(stranger, "SIP/2.0 481"));
	EQ(w->n_cancel, 0);
	peer_close(&stranger);
}

static void a_cancel_after_the_answer_changes_nothing(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	w->keeps = true;
	peer_ask(w->p, &invite);
	answer(w, 200);
	EQ(peer_count(w->p, "SIP/2.0 200"), 1);
	peer_ask(w->p, &cancel);
	EQ(peer_count(w->p, "SIP/2.0 200"), 1);
	EQ(w->n_cancel, 0);
}

static void the_end_of_its_connection_ends_a_transaction(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	struct peer *p = peer_open(&w->rig, SIP_TCP);
	w->keeps = true;
	peer_ask(p, &invite);
	EQ(n_kept(w), 1);
	peer_close(&p);
	AWAIT(w->rig.loop, w->n_lost == 1);
	EQ(w->n_ended, 1);
	EQ(n_kept(w), 0);
}

/* The other end of a new trunk of that process. */
static struct peer *trunk_open(struct world *w, uint16_t slot)
{
	struct peer *p = xnew(struct peer);
	int fds[2];
	OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	p->rig = &w->rig;
	p->kind = SIP_TCP;
	p->fd = fds[0];
	p->at = w->p->at;
	OK(sip_transport_trunk(w->rig.tp, slot, fds[1]) != NULL);
	return p;
}

/* An INVITE by a trunk, which has gone since. */
static struct world *world_without_trunk(void)
{
	struct world *w = world_start(SIP_UDP);
	struct peer *p = trunk_open(w, 3);
	w->keeps = true;
	peer_ask(p, &invite);
	OK(peer_hears_start(p, "SIP/2.0 100"));
	EQ(w->rig.n_requests, 1);
	peer_close(&p);
	AWAIT(w->rig.loop, w->rig.n_closed == 1);
	EQ(w->n_ended, 0);
	return w;
}

static void an_invite_is_taken_up_by_the_next_trunk(void)
{
	auto_(world_free) struct world *w = world_without_trunk();
	rig_pass(&w->rig, SIP_TRUNK_BACK_MS - 1000);
	answer(w, 180);
	struct peer *p = trunk_open(w, 3);
	peer_ask(p, &invite);
	OK(peer_hears_start(p, "SIP/2.0 180")); /* what was said meanwhile */
	EQ(w->rig.n_requests, 1);
	rig_pass(&w->rig, 2 * SIP_TRUNK_BACK_MS);
	EQ(w->n_ended, 0);
	answer(w, 200);
	OK(peer_hears_start(p, "SIP/2.0 200"));
	rig_pass(&w->rig, 32000);
	EQ(n_kept(w), 0);
	EQ(w->n_lost, 0);
	peer_close(&p);
}

static void what_refused_it_meanwhile_is_said_by_the_next_trunk(void)
{
	auto_(world_free) struct world *w = world_without_trunk();
	answer(w, 486);
	struct peer *p = trunk_open(w, 3);
	peer_ask(p, &invite);
	OK(peer_hears_start(p, "SIP/2.0 486"));
	peer_ask(p, &ack);
	EQ(n_kept(w), 0);
	peer_close(&p);
}

static void an_invite_that_no_trunk_takes_up_is_lost(void)
{
	auto_(world_free) struct world *w = world_without_trunk();
	struct peer *p = trunk_open(w, 4);
	peer_ask(p, &options); /* something else */
	EQ(w->rig.n_requests, 2);
	sip_stx_drop(w->stx);
	peer_ask(p, &invite); /* another process's */
	EQ(w->rig.n_requests, 3);
	EQ(n_kept(w), 2);
	rig_pass(&w->rig, SIP_TRUNK_BACK_MS);
	EQ(w->n_lost, 1);
	EQ(n_kept(w), 1);
	peer_close(&p);
}

/* The rules of RFC 2543, which RFC 3261 section 17.2.3 keeps for a Via without the cookie. */
static void requests_without_a_branch_are_told_apart_by_their_fields(void)
{
	static const enum sip_kind kinds[] = { SIP_UDP, SIP_TCP };
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		auto_(world_free) struct world *w = world_start(kinds[i]);
		struct ask a = { .method = "INVITE", .via = "SIP/2.0/TCP 192.0.2.5:5060" };
		w->code = 486;
		w->keeps = true;
		peer_ask(w->p, &a);
		struct sip_stx *first = w->stx;
		peer_ask(w->p, &a); /* a copy */
		EQ(w->rig.n_requests, 1);
		OK(w->stx == first);
		a.cseq = 2;
		peer_ask(w->p, &a);
		EQ(w->rig.n_requests, 2);
		a.call_id = "call-2";
		peer_ask(w->p, &a);
		EQ(w->rig.n_requests, 3);
		a.via = "SIP/2.0/TCP 192.0.2.5:5060;branch=1";
		peer_ask(w->p, &a);
		EQ(w->rig.n_requests, 4);
		a.via = "SIP/2.0/TCP 192.0.2.5:5060;branch=z9hG4bK"; /* RFC 4475 badbranch */
		peer_ask(w->p, &a);
		peer_ask(w->p, &a);
		EQ(w->rig.n_requests, 5);
		a.cseq = 3;
		peer_ask(w->p, &a);
		EQ(w->rig.n_requests, 6);
	}
}

static void ack_and_cancel_without_a_branch_find_their_invite(void)
{
	static const enum sip_kind kinds[] = { SIP_UDP, SIP_TCP };
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		auto_(world_free) struct world *w = world_start(kinds[i]);
		struct ask a = { .method = "INVITE", .via = "SIP/2.0/UDP 192.0.2.5:5060" };
		w->keeps = true;
		peer_ask(w->p, &a);
		EQ(peer_count(w->p, "SIP/2.0 100"), 1);
		a.method = "CANCEL";
		peer_ask(w->p, &a);
		EQ(peer_count(w->p, "SIP/2.0 200"), 1);
		EQ(w->n_cancel, 1);
		answer(w, 487);
		OK(peer_hears_start(w->p, "SIP/2.0 487"));
		a.method = "ACK";
		a.to_tag =
		        "any"; /* the INVITE had none: an ACK that has one is of it all the same */
		peer_ask(w->p, &a);
		rig_pass(&w->rig, 5100);
		EQ(peer_count(w->p, "SIP/2.0 487"), 0);
		EQ(w->rig.n_requests, 1);
	}
}

static void each_answer_to_a_request_has_the_same_tag(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	char first[64] = "";
	w->keeps = true;
	peer_ask(w->p, &invite);
	OK(peer_hears_start(w->p, "SIP/2.0 100"));
	EQ_STR(peer_field(w->p, SIP_H_TO), "<sip:bob@example.test>");
	answer(w, 180);
	OK(peer_hears_start(w->p, "SIP/2.0 180"));
	struct str to = peer_field(w->p, SIP_H_TO);
	OK(str_starts(to, STR("<sip:bob@example.test>;tag=")) && to.len < sizeof(first));
	memcpy(first, to.p, MIN(to.len, sizeof(first) - 1));
	answer(w, 486);
	OK(peer_hears_start(w->p, "SIP/2.0 486"));
	EQ_STR(peer_field(w->p, SIP_H_TO), first);
}

static void an_answer_goes_to_the_port_that_asked_and_says_where_it_saw_it(void)
{
	auto_(world_free) struct world *w = world_start(SIP_UDP);
	char want[160];
	struct ask a = { .via = "SIP/2.0/UDP 192.0.2.5:9;rport;branch=z9hG4bKnat" };
	peer_ask(w->p, &a);
	OK(peer_hears_start(w->p, "SIP/2.0 200"));
	(void)snprintf(want, sizeof(want),
	               "SIP/2.0/UDP 192.0.2.5:9;branch=z9hG4bKnat;received=127.0.0.1;rport=%u",
	               addr_port(&w->p->at));
	EQ_STR(peer_field(w->p, SIP_H_VIA), want);
}

int main(void)
{
	RUN(an_invite_is_answered_with_100_at_once_and_its_copies_too);
	RUN(timer_g_repeats_a_negative_answer_and_timer_h_gives_up);
	RUN(an_ack_stops_timer_g_and_timer_i_absorbs_more_of_them);
	RUN(on_a_stream_a_negative_answer_is_sent_once_and_its_ack_ends_all);
	RUN(on_a_stream_timer_h_ends_the_wait_for_an_ack);
	RUN(one_client_has_its_share_of_the_transactions_and_others_theirs);
	RUN(copies_of_an_accepted_invite_are_absorbed_until_timer_l);
	RUN(timer_j_keeps_the_answer_of_other_requests_for_32_seconds);
	RUN(an_answer_that_shall_be_forgotten_is_not_kept);
	RUN(on_a_stream_nothing_is_kept_of_an_answered_request);
	RUN(a_slow_request_hears_100_when_timer_e_has_grown_to_t2);
	RUN(a_copy_of_a_slow_request_hears_the_100_again);
	RUN(an_answer_in_time_leaves_no_100_behind);
	RUN(what_is_dropped_says_nothing_more);
	RUN(a_cancel_is_answered_and_so_is_its_invite);
	RUN(an_invite_that_nobody_waits_for_is_terminated_by_a_cancel);
	RUN(a_cancel_of_nothing_or_of_a_strangers_call_is_481);
	RUN(a_cancel_after_the_answer_changes_nothing);
	RUN(the_end_of_its_connection_ends_a_transaction);
	RUN(an_invite_is_taken_up_by_the_next_trunk);
	RUN(what_refused_it_meanwhile_is_said_by_the_next_trunk);
	RUN(an_invite_that_no_trunk_takes_up_is_lost);
	RUN(requests_without_a_branch_are_told_apart_by_their_fields);
	RUN(ack_and_cancel_without_a_branch_find_their_invite);
	RUN(each_answer_to_a_request_has_the_same_tag);
	RUN(an_answer_goes_to_the_port_that_asked_and_says_where_it_saw_it);
	return tap_done();
}
