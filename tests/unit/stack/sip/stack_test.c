#include "stack/sip/txn.h"

#include <sys/socket.h>
#include <unistd.h>

#include "await.h"
#include "tap.h"

/* A stack on a UDP socket of the loopback address, and a phone that sends to it. */
struct rig {
	struct loop *loop;
	struct sip_stack *stack;
	struct udp *phone;
	struct addr server;
	unsigned n_requests, n_answers;
	bool later; /* the answer is given by answer_late() */
	struct sip_stx *stx;
	char last[4096]; /* the last answer */
};

static void on_request(void *arg, struct sip_req *rq)
{
	struct rig *r = arg;
	r->n_requests++;
	if (r->later)
		r->stx = sip_accept(rq, NULL, NULL);
	else
		sip_reply(rq, 200, STR(""), STR("Contact: <sip:a@b>;expires=60\r\n"), STR(""),
		          STR(""));
}

static bool on_opened(void *arg UNUSED, struct sip_flow *f UNUSED)
{
	return true;
}

static void on_closed(void *arg UNUSED, struct sip_flow *f UNUSED, const char *why UNUSED)
{
}

static void on_answer(void *arg, struct udp *u UNUSED, const struct addr *peer UNUSED,
                      struct str data)
{
	struct rig *r = arg;
	r->n_answers++;
	(void)snprintf(r->last, sizeof(r->last), "%" STR_FMT, STR_ARG(data));
}

static int bound_socket(struct addr *ret)
{
	socklen_t len = sizeof(*ret);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	OK(addr_parse(ret, STR("127.0.0.1"), 0) == 0);
	OK(bind(fd, &ret->sa, addr_len(ret)) == 0);
	OK(getsockname(fd, &ret->sa, &len) == 0);
	return fd;
}

static void rig_start(struct rig *r)
{
	static const struct sip_stack_ops ops = { .request = on_request,
		                                  .opened = on_opened,
		                                  .closed = on_closed };
	struct sip_transport_config cfg = { .client_max = 128 * 1024, .max_flows = 10 };
	struct addr mine;
	*r = (struct rig){ .loop = loop_new() };
	r->stack = sip_stack_new(r->loop, &cfg, &ops, r);
	sip_transport_listen(sip_stack_transport(r->stack), SIP_UDP, bound_socket(&r->server));
	r->phone = udp_new(r->loop, bound_socket(&mine), on_answer, r);
}

static void rig_stop(struct rig *r)
{
	sip_stack_free(&r->stack);
	udp_free(&r->phone);
	loop_free(&r->loop);
}

static void send_request(struct rig *r, const char *method, const char *branch)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
	                 "%s sip:example.test SIP/2.0\r\n"
	                 "Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK%s\r\n"
	                 "From: <sip:a@example.test>;tag=1\r\nTo: <sip:a@example.test>\r\n"
	                 "Call-ID: c1\r\nCSeq: 7 %s\r\nContent-Length: 0\r\n\r\n",
	                 method, branch, method);
	OK(udp_send(r->phone, &r->server, str_n(text, (size_t)n)) == 0);
}

static void retransmission_gets_the_same_answer_and_no_new_request(void)
{
	struct rig r;
	char first[sizeof(r.last)];
	rig_start(&r);
	send_request(&r, "REGISTER", "one");
	AWAIT(r.loop, r.n_answers == 1);
	(void)snprintf(first, sizeof(first), "%s", r.last);
	OK(strstr(first, "SIP/2.0 200 OK\r\n") == first);
	OK(strstr(first, "\r\nContact: <sip:a@b>;expires=60\r\n") != NULL);
	send_request(&r, "REGISTER", "one");
	AWAIT(r.loop, r.n_answers == 2);
	OK(strcmp(first, r.last) == 0);
	EQ(r.n_requests, 1);
	EQ(sip_stack_stats(r.stack)->retransmits_in, 1);
	send_request(&r, "REGISTER", "two");
	AWAIT(r.loop, r.n_answers == 3);
	EQ(r.n_requests, 2);
	EQ(sip_stack_stats(r.stack)->stx, 2);
	rig_stop(&r);
}

static void answer_later(struct str lines, struct str type, struct str body)
{
	struct rig r;
	char first[sizeof(r.last)];
	rig_start(&r);
	r.later = true;
	send_request(&r, "MESSAGE", "one");
	send_request(&r, "MESSAGE", "one");
	AWAIT(r.loop, sip_stack_stats(r.stack)->retransmits_in == 1);
	EQ(r.n_answers, 0);
	sip_stx_reply(r.stx, 202, STR(""), lines, type, body);
	AWAIT(r.loop, r.n_answers == 1);
	(void)snprintf(first, sizeof(first), "%s", r.last);
	OK(strstr(first, "SIP/2.0 202 Accepted\r\n") == first);
	send_request(&r, "MESSAGE", "one");
	AWAIT(r.loop, r.n_answers == 2);
	OK(strcmp(first, r.last) == 0);
	EQ(r.n_requests, 1);
	EQ(sip_stack_stats(r.stack)->stx, 1);
	rig_stop(&r);
}

static void retransmission_before_the_answer_waits_for_it(void)
{
	answer_later(STR(""), STR("text/plain"), STR("later"));
	answer_later(STR("Contact: <sip:a@b>\r\n"), STR(""), STR(""));
}

static void refused_invite_is_answered_until_it_is_acknowledged(void)
{
	struct rig r;
	rig_start(&r);
	r.later = true;
	send_request(&r, "INVITE", "one");
	AWAIT(r.loop, r.n_answers == 1); /* 100 */
	sip_stx_reply(r.stx, 486, STR(""), STR(""), STR(""), STR(""));
	AWAIT(r.loop, r.n_answers >= 3); /* by itself (timer G) */
	OK(strstr(r.last, "SIP/2.0 486 ") == r.last);
	send_request(&r, "ACK", "one");
	send_request(&r, "OPTIONS", "two"); /* served behind the ACK */
	AWAIT(r.loop, r.n_requests == 2);
	EQ(sip_stack_stats(r.stack)->requests_in[SIP_ACK], 1);
	sip_stx_reply(r.stx, 200, STR(""), STR(""), STR(""), STR(""));
	rig_stop(&r);
}

int main(void)
{
	RUN(retransmission_gets_the_same_answer_and_no_new_request);
	RUN(retransmission_before_the_answer_waits_for_it);
	RUN(refused_invite_is_answered_until_it_is_acknowledged);
	return tap_done();
}
