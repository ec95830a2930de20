#include "torture.h"

#include "rig.h"
#include "stack/sip/proxy.h"

/* The messages of RFC 4475 and RFC 5118 over UDP to a stack that serves all it is handed. */

struct world {
	struct rig rig;
	struct peer *p;
	struct heard *handed; /* the last request */
	bool passes;          /* on to the peer, instead of an answer */
};

static void keep(struct heard *h, const struct sip_msg *m)
{
	OK(m->len <= PEER_MAX);
	memcpy(h->text, m->base, m->len);
	h->len = m->len;
	EQ(sip_parse(&h->msg, str_n(h->text, h->len)), 0);
}

static void pass_on(struct world *w, struct sip_req *rq, int left)
{
	struct sip_branch_spec b = { .flow = peer_flow(w->p), .edit = { .max_forwards = left } };
	struct sip_proxy *p = sip_proxy_new(rq->stack, sip_accept(rq, NULL, NULL), NULL, NULL);
	sip_proxy_fork(p, &b);
	sip_proxy_start(p, 480, STR(""), STR(""));
	sip_flow_unref(&b.flow);
}

static void handle(struct rig *r, struct sip_req *rq)
{
	struct world *w = r->user;
	int left = 0, code = sip_proxy_check(rq, &left);
	keep(w->handed, rq->msg);
	if (code == 0 && w->passes)
		pass_on(w, rq, left);
	else
		sip_reply(rq, code ? code : 200, STR(""), STR(""), STR(""), STR(""));
}

static struct world *world_start(void)
{
	struct world *w = xnew(struct world);
	w->handed = xnew(struct heard);
	rig_start(&w->rig, handle, w);
	w->p = peer_open(&w->rig, SIP_UDP);
	return w;
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	rig_drain(&w->rig);
	peer_close(&w->p);
	rig_stop(&w->rig);
	free(w->handed);
	free(w);
}

static void say(struct world *w, const char *name)
{
	auto_(buf_free) struct buf b = torture_message(name);
	peer_send(w->p, buf_view(&b));
}

static void each_message_gets_the_answer_that_it_deserves(void)
{
	auto_(torture_free) struct torture *t = torture_new();
	for (size_t i = 0; i < t->n; i++) {
		auto_(world_free) struct world *w = world_start();
		const struct torture_row *r = &t->rows[i];
		say(w, r->name);
		torture_eq(r, peer_hears(w->p) ? w->p->last.msg.status : 0, r->stack);
		torture_eq(r, peer_hears(w->p), false); /* one answer */
		torture_eq(r, (int)w->rig.n_requests, r->check == 0 && r->stack != 0);
	}
}

/* Whatever it was, what comes next is served. */
static void no_message_harms_the_one_after_it(void)
{
	auto_(torture_free) struct torture *t = torture_new();
	auto_(world_free) struct world *w = world_start();
	for (size_t i = 0; i < t->n; i++) {
		char branch[80];
		(void)snprintf(branch, sizeof(branch), "z9hG4bKafter-%zu", i);
		struct ask a = { .branch = branch };
		say(w, t->rows[i].name);
		(void)peer_count(w->p, "");
		peer_ask(w->p, &a);
		torture_eq(&t->rows[i], (int)peer_count(w->p, "SIP/2.0 200"), 1);
	}
}

/* 3.1.1.8: the INVITE behind the REGISTER is not served. */
static void dblreq_is_served_once(void)
{
	auto_(world_free) struct world *w = world_start();
	say(w, "dblreq");
	EQ(w->rig.n_requests, 1);
	EQ(w->handed->msg.method, SIP_REGISTER);
	EQ(peer_count(w->p, "SIP/2.0 200"), 1);
}

/* 3.3.10 and 3.1.1.12: no transaction of ours, no Via that is followed. */
static void responses_that_nobody_asked_for_go_nowhere(void)
{
	auto_(world_free) struct world *w = world_start();
	say(w, "bcast");
	say(w, "unreason");
	say(w, "noreason");
	say(w, "bigcode");
	EQ(sip_stack_stats(w->rig.stack)->strays, 3);
	EQ(sip_transport_stats(w->rig.tp)->broken, 1);
	EQ(peer_count(w->p, ""), 0);
	EQ(w->rig.n_requests, 0);
}

/* 3.2.1: without a branch the fields tell whether it is a copy. */
static void copies_of_badbranch_are_absorbed(void)
{
	auto_(world_free) struct world *w = world_start();
	say(w, "badbranch");
	say(w, "badbranch");
	EQ(w->rig.n_requests, 1);
	EQ(peer_count(w->p, "SIP/2.0 200"), 2);
	say(w, "inv2543");
	say(w, "inv2543");
	EQ(w->rig.n_requests, 2);
}

/* What a user agent would refuse (406, 415) is not for a proxy to judge: 3.3.6 and 3.3.15. */
static void a_proxy_passes_on_what_only_the_callee_can_judge(void)
{
	static const char *const names[] = { "invut",   "sdp01",       "baddate",        "mpart01",
		                             "intmeth", "ipv6-in-sdp", "mult-ip-in-sdp", "wsinv",
		                             "longreq", "transports" };
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_(world_free) struct world *w = world_start();
		w->passes = true;
		say(w, names[i]);
		bool came = peer_hears(w->p);
		while (came && !w->p->last.msg.is_request) /* 100 */
			came = peer_hears(w->p);
		OK(came);
		OK(str_eq(w->p->last.msg.body, w->handed->msg.body));
		OK(str_eq(w->p->last.msg.uri, w->handed->msg.uri));
		peer_answer(w->p, &w->p->last, 415, NULL);
		EQ(peer_count(w->p, "SIP/2.0 415"), 1);
	}
}

/* RFC 5118 section 4.5: what we write has no brackets. */
static void received_is_written_without_brackets(void)
{
	char text[512];
	struct buf b = BUF_ON(text);
	struct addr peer;
	struct sip_msg m;
	auto_(buf_free) struct buf request = torture_message("ipv6-good");
	EQ(addr_parse(&peer, STR("2001:db8::9:255"), 5060), 0);
	EQ(sip_parse(&m, buf_view(&request)), 0);
	sip_put_response(&b, &m, 200, STR("OK"), STR(""), &peer);
	OK(str_find(buf_view(&b), STR(";received=2001:db8::9:255\r\n")) > 0);
}

int main(void)
{
	RUN(each_message_gets_the_answer_that_it_deserves);
	RUN(no_message_harms_the_one_after_it);
	RUN(dblreq_is_served_once);
	RUN(responses_that_nobody_asked_for_go_nowhere);
	RUN(copies_of_badbranch_are_absorbed);
	RUN(a_proxy_passes_on_what_only_the_callee_can_judge);
	RUN(received_is_written_without_brackets);
	return tap_done();
}
