#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ends.h"

enum { CLIENTS = 6 };

/* Counts what comes in a turn, and keeps the descriptors. */
struct world {
	struct loop *loop;
	struct listener *ls;
	struct addr at, peer;
	int fds[CLIENTS], clients[CLIENTS];
	unsigned n, n_told;
	int last_err;
};

static void on_accept(void *arg, struct listener *ls, int fd, const struct addr *peer)
{
	struct world *w = arg;
	OK(ls == w->ls && w->n < CLIENTS);
	w->peer = *peer;
	w->fds[w->n++] = fd;
}

static void on_refused(void *arg, struct listener *ls UNUSED, int err)
{
	struct world *w = arg;
	w->n_told++;
	w->last_err = err;
}

static void world_start(struct world *w, unsigned per_turn, const char *host)
{
	*w = (struct world){ .loop = loop_new() };
	w->ls = listener_new(w->loop, door_socket(SOCK_STREAM, host, &w->at), per_turn, on_accept,
	                     w);
	listener_tell_refused(w->ls, on_refused);
	OK(addr_eq(listener_local(w->ls), &w->at));
}

static void call(struct world *w, unsigned i)
{
	w->clients[i] = socket(w->at.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	OK(connect(w->clients[i], &w->at.sa, addr_len(&w->at)) == 0);
}

static void world_end(struct world *w, unsigned n_clients)
{
	for (unsigned i = 0; i < w->n; i++)
		(void)close(w->fds[i]);
	for (unsigned i = 0; i < n_clients; i++)
		(void)close(w->clients[i]);
	listener_free(&w->ls);
	loop_free(&w->loop);
}

static void a_turn_takes_no_more_than_it_may(void)
{
	struct world w;
	world_start(&w, 2, "127.0.0.1");
	for (unsigned i = 0; i < CLIENTS; i++)
		call(&w, i);
	for (unsigned turns = 1; turns <= 3; turns++) {
		loop_turn(w.loop, USEC_PER_SEC);
		OK(w.n <= 2 * turns);
	}
	AWAIT(w.loop, w.n == CLIENTS);
	EQ(listener_refused(w.ls), 0);
	world_end(&w, CLIENTS);
}

static void a_paused_listener_leaves_clients_in_the_queue(void)
{
	struct world w;
	world_start(&w, 64, "127.0.0.1");
	listener_pause(w.ls, true);
	call(&w, 0);
	for (int i = 0; i < 5; i++)
		loop_turn(w.loop, USEC_PER_MSEC);
	EQ(w.n, 0);
	listener_pause(w.ls, false);
	AWAIT(w.loop, w.n == 1);
	world_end(&w, 1);
}

static void a_client_over_ipv6_has_its_address(void)
{
	struct world w;
	struct addr loopback;
	world_start(&w, 64, "::1");
	call(&w, 0);
	AWAIT(w.loop, w.n == 1);
	EQ(addr_parse(&loopback, STR("::1"), 0), 0);
	OK(addr_eq_host(&w.peer, &loopback));
	world_end(&w, 1);
}

static void the_bound_of_a_turn_can_be_changed(void)
{
	struct world w;
	world_start(&w, 64, "127.0.0.1");
	listener_set_per_turn(w.ls, 1);
	for (unsigned i = 0; i < CLIENTS; i++)
		call(&w, i);
	loop_turn(w.loop, USEC_PER_SEC);
	EQ(w.n, 1);
	world_end(&w, CLIENTS);
}

/* From now on the process can open `more` descriptors; returns what it could before. */
static struct rlimit allow(int more)
{
	struct rlimit before, l;
	int next = fcntl(0, F_DUPFD_CLOEXEC, 0);
	EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	l = (struct rlimit){ (rlim_t)(next + more), before.rlim_max };
	(void)close(next);
	EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
	return before;
}

static unsigned count_ended(const struct world *w)
{
	unsigned n = 0;
	for (unsigned i = 0; i < CLIENTS; i++) {
		char c;
		ssize_t r = recv(w->clients[i], &c, 1, MSG_DONTWAIT);
		n += r == 0 || (r < 0 && errno == ECONNRESET);
	}
	return n;
}

static void above_the_descriptor_limit_connections_are_ended_not_left_to_wait(void)
{
	struct world w;
	world_start(&w, 64, "127.0.0.1");
	for (unsigned i = 0; i < CLIENTS; i++)
		call(&w, i);
	struct rlimit before = allow(2);
	AWAIT(w.loop, w.n + listener_refused(w.ls) == CLIENTS);
	EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	EQ(w.n, 2);
	EQ(w.n_told, CLIENTS - 2);
	EQ(w.last_err, -EMFILE);
	EQ(count_ended(&w), CLIENTS - 2);
	world_end(&w, CLIENTS);
}

/* Not even the descriptor in reserve is of use: 100 ms of rest instead of a loop that spins; then
 * the client is served. */
static void where_nothing_can_be_opened_at_all_it_rests_and_comes_back(void)
{
	struct rlimit was, none;
	struct world w;
	world_start(&w, 64, "127.0.0.1");
	call(&w, 0);
	loop_clock_move(w.loop, 0);
	EQ(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int i = 0; i < 10; i++)
		loop_turn(w.loop, 0);
	EQ(setrlimit(RLIMIT_NOFILE, &was), 0);
	EQ(w.n, 0);
	EQ(w.n_told, 1);
	EQ(listener_refused(w.ls), 0);
	loop_turn(w.loop, 0);
	EQ(w.n, 0); /* still at rest */
	loop_clock_move(w.loop, 101 * USEC_PER_MSEC);
	loop_turn(w.loop, 0);
	loop_turn(w.loop, 0);
	EQ(w.n, 1);
	EQ(w.n_told, 1);
	world_end(&w, 1);
}

int main(void)
{
	RUN(a_turn_takes_no_more_than_it_may);
	RUN(a_paused_listener_leaves_clients_in_the_queue);
	RUN(a_client_over_ipv6_has_its_address);
	RUN(the_bound_of_a_turn_can_be_changed);
	RUN(above_the_descriptor_limit_connections_are_ended_not_left_to_wait);
	RUN(where_nothing_can_be_opened_at_all_it_rests_and_comes_back);
	return tap_done();
}
