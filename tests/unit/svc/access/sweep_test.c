#include <unistd.h>

#include "place.h"

enum { SWEEP_S = 5 }; /* how often the access half looks */

static const struct access_identity alice = { 1, 10, 100, STR_INIT("alice@example.test") };

static void a_connection_on_which_nobody_signs_in_is_closed(void)
{
	struct place p;
	int fd;
	place_start(&p);
	(void)place_connect(&p, &fd);
	place_pass(&p, 55);
	EQ(p.n_closed, 0);
	place_pass(&p, SWEEP_S + 5);
	EQ(p.n_closed, 1);
	EQ(access_stats(p.access)->closed_unknown, 1);
	place_stop(&p);
	(void)close(fd);
}

static void a_connection_that_vouches_for_somebody_is_not_closed(void)
{
	struct place p;
	int fd[2];
	place_start(&p);
	struct sip_flow *known = place_connect(&p, &fd[0]);
	access_vouch(p.access, known, &alice);
	(void)place_connect(&p, &fd[1]);
	place_pass(&p, 300);
	EQ(p.n_closed, 1);
	OK(!known->closed);
	access_unvouch(p.access, known, alice.uri); /* signed off: a stranger again */
	place_pass(&p, SWEEP_S + 1);
	EQ(p.n_closed, 2);
	place_stop(&p);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void a_young_connection_is_left_alone_beside_an_old_one(void)
{
	struct place p;
	int fd[2];
	place_start(&p);
	(void)place_connect(&p, &fd[0]);
	place_pass(&p, 50);
	struct sip_flow *young = place_connect(&p, &fd[1]);
	place_pass(&p, 20);
	EQ(p.n_closed, 1);
	OK(!young->closed);
	place_stop(&p);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void another_limit_counts_at_once(void)
{
	struct place p;
	struct access_config cfg = { .unknown_max_s = 10, .keepalive_s = 25 };
	int fd;
	place_start(&p);
	(void)place_connect(&p, &fd);
	access_configure(p.access, &cfg);
	place_pass(&p, 10 + SWEEP_S);
	EQ(p.n_closed, 1);
	place_stop(&p);
	(void)close(fd);
}

/* How many pings have come; each must be the double line end of RFC 5626 section 3.5.1. */
static unsigned pings(int fd)
{
	char text[16];
	unsigned n = 0;
	ssize_t len;
	while ((len = recv(fd, text, sizeof(text), MSG_DONTWAIT)) > 0) {
		EQ_STR(str_n(text, (size_t)len), "\r\n\r\n");
		n++;
	}
	return n;
}

static void a_phone_behind_nat_is_pinged_until_its_time_is_over(void)
{
	struct place p;
	struct addr at;
	place_start(&p);
	int fd = place_phone(&p, &at);
	struct sip_flow *f = sip_flow_udp(p.tp, 0, &at);
	access_keep_alive(p.access, f, loop_now(p.loop) + 300 * USEC_PER_SEC);
	EQ(access_stats(p.access)->nat_peers, 1);
	place_pass(&p, 20);
	EQ(pings(fd), 0);
	place_pass(&p, 10);
	EQ(pings(fd), 1);
	place_pass(&p, 250);
	unsigned n = pings(fd);
	OK(n >= 8 && n <= 10); /* every 25 to 30 s */
	EQ(access_stats(p.access)->pings, n + 1);
	place_pass(&p, 30);
	(void)pings(fd);
	EQ(access_stats(p.access)->nat_peers, 0);
	place_pass(&p, 100);
	EQ(pings(fd), 0);
	sip_flow_unref(&f);
	place_stop(&p);
	(void)close(fd);
}

static void a_phone_that_registers_again_is_pinged_longer_not_oftener(void)
{
	struct place p;
	struct addr at;
	place_start(&p);
	int fd = place_phone(&p, &at);
	struct sip_flow *f = sip_flow_udp(p.tp, 0, &at);
	for (int i = 0; i < 4; i++) {
		access_keep_alive(p.access, f, loop_now(p.loop) + 100 * USEC_PER_SEC);
		place_pass(&p, 10);
	}
	EQ(access_stats(p.access)->nat_peers, 1);
	EQ(pings(fd), 1);
	place_pass(&p, 80); /* 120 s after the first: the last one's time is what counts */
	OK(pings(fd) >= 2);
	EQ(access_stats(p.access)->nat_peers, 1);
	sip_flow_unref(&f);
	place_stop(&p);
	(void)close(fd);
}

int main(void)
{
	RUN(a_connection_on_which_nobody_signs_in_is_closed);
	RUN(a_connection_that_vouches_for_somebody_is_not_closed);
	RUN(a_young_connection_is_left_alone_beside_an_old_one);
	RUN(another_limit_counts_at_once);
	RUN(a_phone_behind_nat_is_pinged_until_its_time_is_over);
	RUN(a_phone_that_registers_again_is_pinged_longer_not_oftener);
	return tap_done();
}
