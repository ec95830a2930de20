#include "stack/sip/large.h"

#include <unistd.h>

#include "rig.h"

/* A UDP peer and its TCP port of the same number. */
struct world {
	struct rig rig;
	struct sip_flow *udp;
	int door; /* listening; -1: nobody does */
	struct addr at;
};

static void handle(struct rig *r UNUSED, struct sip_req *rq)
{
	sip_ignore(rq);
}

static void open_door(struct world *w)
{
	int one = 1;
	w->door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OK(setsockopt(w->door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0);
	OK(bind(w->door, &w->at.sa, addr_len(&w->at)) == 0);
	OK(listen(w->door, 8) == 0);
}

static void world_start(struct world *w, bool listens)
{
	socklen_t len = sizeof(w->at);
	rig_start(&w->rig, handle, w);
	OK(addr_parse(&w->at, STR("127.0.0.1"), 0) == 0);
	open_door(w);
	OK(getsockname(w->door, &w->at.sa, &len) == 0);
	if (!listens)
		(void)close(w->door);
	w->udp = sip_flow_udp(w->rig.tp, 0, &w->at);
}

static void world_end(struct world *w)
{
	sip_flow_unref(&w->udp);
	rig_stop(&w->rig);
	(void)close(w->door);
}

static const struct sip_transport_stats *stats(struct world *w)
{
	return sip_transport_stats(w->rig.tp);
}

static void a_peer_gets_one_connection_for_all_its_requests(void)
{
	struct world w;
	world_start(&w, true);
	struct sip_flow *f = sip_large_connect(w.rig.tp, w.udp);
	OK(f && f->kind == SIP_TCP && f->client && !f->inbound);
	OK(addr_eq(&f->peer, &w.at) && addr_eq(&f->local, &w.udp->local));
	OK(sip_large_open(w.rig.tp, w.udp) == NULL);
	AWAIT(w.rig.loop, sip_large_open(w.rig.tp, w.udp) == f);
	struct sip_flow *again = sip_large_connect(w.rig.tp, w.udp);
	OK(again == f);
	EQ(stats(&w)->flows[SIP_TCP], 1);
	EQ(stats(&w)->large_tcp, 2);
	sip_flow_unref(&f);
	sip_flow_unref(&again);
	world_end(&w);
}

static void a_peer_that_refused_is_not_asked_again_for_ten_minutes(void)
{
	struct world w;
	world_start(&w, false);
	struct sip_flow *f = sip_large_connect(w.rig.tp, w.udp);
	AWAIT(w.rig.loop, f->closed);
	sip_flow_unref(&f);
	OK(sip_large_connect(w.rig.tp, w.udp) == NULL);
	EQ(stats(&w)->large_udp, 1);
	open_door(&w);
	rig_pass(&w.rig, (SIP_LARGE_REFUSED_S - 1) * 1000);
	OK(sip_large_connect(w.rig.tp, w.udp) == NULL);
	rig_pass(&w.rig, 2000);
	f = sip_large_connect(w.rig.tp, w.udp);
	OK(f != NULL);
	AWAIT(w.rig.loop, sip_large_open(w.rig.tp, w.udp) == f);
	sip_flow_unref(&f);
	world_end(&w);
}

static void a_peer_that_answers_nothing_counts_as_one_that_refused(void)
{
	struct world w;
	world_start(&w, true);
	struct sip_flow *f = sip_large_connect(w.rig.tp, w.udp);
	AWAIT(w.rig.loop, sip_large_open(w.rig.tp, w.udp) == f);
	sip_large_give_up(f);
	AWAIT(w.rig.loop, f->closed);
	sip_flow_unref(&f);
	OK(sip_large_connect(w.rig.tp, w.udp) == NULL);
	world_end(&w);
}

static void a_connection_that_ended_is_made_anew(void)
{
	struct world w;
	world_start(&w, true);
	struct sip_flow *f = sip_large_connect(w.rig.tp, w.udp);
	AWAIT(w.rig.loop, sip_large_open(w.rig.tp, w.udp) == f);
	(void)close(accept(w.door, NULL, NULL));
	AWAIT(w.rig.loop, f->closed);
	struct sip_flow *next = sip_large_connect(w.rig.tp, w.udp);
	OK(next && next != f);
	sip_flow_unref(&f);
	sip_flow_unref(&next);
	world_end(&w);
}

static void on_lost(void *arg)
{
	(*(int *)arg)++;
}

static void an_idle_connection_is_closed_and_one_in_use_is_not(void)
{
	struct world w;
	struct sip_watch watch;
	int n_lost = 0;
	world_start(&w, true);
	struct sip_flow *f = sip_large_connect(w.rig.tp, w.udp);
	AWAIT(w.rig.loop, sip_large_open(w.rig.tp, w.udp) == f);
	int there = accept(w.door, NULL, NULL);
	sip_flow_watch(f, &watch, on_lost, &n_lost);
	rig_pass(&w.rig, 3 * SIP_LARGE_IDLE_S * 1000);
	OK(!f->closed);
	sip_flow_unwatch(&watch);
	rig_pass(&w.rig, (SIP_LARGE_IDLE_S + 1) * 1000);
	OK(f->closed);
	EQ(n_lost, 0);
	sip_flow_unref(&f);
	(void)close(there);
	world_end(&w);
}

static void what_comes_over_it_is_held_to_the_limit_of_clients(void)
{
	struct world w;
	char c;
	world_start(&w, true);
	struct sip_flow *f = sip_large_connect(w.rig.tp, w.udp);
	AWAIT(w.rig.loop, sip_large_open(w.rig.tp, w.udp) == f);
	int there = accept(w.door, NULL, NULL);
	struct str head = STR("MESSAGE sip:x@y SIP/2.0\r\nContent-Length: 200000\r\n\r\n");
	OK(send(there, head.p, head.len, 0) == (ssize_t)head.len);
	AWAIT(w.rig.loop, f->closed);
	OK(recv(there, &c, 1, MSG_DONTWAIT) == 1 && c == 'S'); /* the 513 */
	sip_flow_unref(&f);
	(void)close(there);
	world_end(&w);
}

int main(void)
{
	RUN(a_peer_gets_one_connection_for_all_its_requests);
	RUN(a_peer_that_refused_is_not_asked_again_for_ten_minutes);
	RUN(a_peer_that_answers_nothing_counts_as_one_that_refused);
	RUN(a_connection_that_ended_is_made_anew);
	RUN(an_idle_connection_is_closed_and_one_in_use_is_not);
	RUN(what_comes_over_it_is_held_to_the_limit_of_clients);
	return tap_done();
}
