#include "loop/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ends.h"

/* A loop with a door and one connection through it. */
struct world {
	struct loop *loop;
	struct door door;
	struct end client;
	struct end *server;
};

static void world_start(struct world *w)
{
	*w = (struct world){ .loop = loop_new() };
	door_open(&w->door, w->loop, NULL);
	door_connect(&w->door, &w->client, NULL, STR(""));
	AWAIT(w->loop, w->client.n_opened == 1 && w->door.n == 1);
	w->server = &w->door.accepted[0];
}

static void world_end(struct world *w)
{
	end_done(&w->client);
	door_close(&w->door);
	loop_free(&w->loop);
}

static void what_is_written_arrives_in_order(void)
{
	struct world w;
	world_start(&w);
	stream_write(w.client.s, STR("one "));
	stream_write(w.client.s, STR("two"));
	stream_write(w.server->s, STR("back"));
	EQ(w.server->got.len, 0); /* not from inside the call */
	AWAIT(w.loop, w.server->got.len == 7 && w.client.got.len == 4);
	EQ_STR(buf_view(&w.server->got), "one two");
	EQ_STR(buf_view(&w.client.got), "back");
	OK(!stream_is_tls(w.client.s));
	OK(addr_eq(stream_peer(w.client.s), &w.door.at));
	OK(addr_eq(stream_local(w.client.s), stream_peer(w.server->s)));
	EQ(w.server->n_opened, 0); /* ready at once */
	world_end(&w);
}

/* What a socket takes without waiting, and with what is left nobody else is kept waiting. */
static void much_is_sent_at_once_and_the_rest_in_its_turn(void)
{
	static char block[STREAM_MUCH];
	struct world w;
	world_start(&w);
	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = (char)(i % 251);
	stream_write(w.client.s, STR("head"));
	EQ(stream_unsent(w.client.s), 4); /* waits for more */
	stream_write(w.client.s, str_n(block, sizeof(block)));
	EQ(stream_unsent(w.client.s), 0);
	stream_write(w.client.s, str_n(block, sizeof(block)));
	EQ(stream_unsent(w.client.s), sizeof(block)); /* once a turn */
	stream_write(w.client.s, STR("tail"));
	AWAIT(w.loop, w.server->got.len == 2 * sizeof(block) + 8);
	EQ_STR(str_sub(buf_view(&w.server->got), 0, 4), "head");
	OK(memcmp(w.server->got.p + 4, block, sizeof(block)) == 0);
	OK(memcmp(w.server->got.p + 4 + sizeof(block), block, sizeof(block)) == 0);
	EQ_STR(str_sub(buf_view(&w.server->got), w.server->got.len - 4, 4), "tail");
	stream_write(w.client.s, str_n(block, sizeof(block)));
	EQ(stream_unsent(w.client.s), 0); /* in the next turn again */
	world_end(&w);
}

static void what_is_not_used_comes_again_with_more(void)
{
	struct world w;
	world_start(&w);
	w.server->leave = 3;
	stream_write(w.client.s, STR("abcdef"));
	AWAIT(w.loop, w.server->got.len == 3);
	stream_write(w.client.s, STR("ghi"));
	AWAIT(w.loop, w.server->got.len == 6);
	EQ_STR(buf_view(&w.server->got), "abcdef");
	world_end(&w);
}

static void what_is_not_used_can_be_asked_for(void)
{
	struct world w;
	world_start(&w);
	w.server->leave = 3;
	stream_write(w.client.s, STR("abcdef"));
	AWAIT(w.loop, w.server->got.len == 3);
	w.server->leave = 0;
	stream_pause(w.server->s, true);
	stream_more(w.server->s);
	EQ(w.server->got.len, 3); /* not from inside the call */
	AWAIT(w.loop, w.server->got.len == 6);
	EQ_STR(buf_view(&w.server->got), "abcdef");
	world_end(&w);
}

static void room_is_told_once_and_when_there_is_some(void)
{
	static char block[900000];
	struct world w;
	world_start(&w);
	stream_pause(w.server->s, true);
	memset(block, 'r', sizeof(block));
	do { /* until the kernel takes no more */
		stream_write(w.client.s, str_n(block, sizeof(block) / 3));
		for (int i = 0; i < 5; i++)
			loop_turn(w.loop, USEC_PER_MSEC);
	} while (stream_unsent(w.client.s) < 1000);
	stream_want_room(w.client.s, 1000);
	for (int i = 0; i < 5; i++)
		loop_turn(w.loop, USEC_PER_MSEC);
	EQ(w.client.n_room, 0);
	stream_pause(w.server->s, false);
	AWAIT(w.loop, w.client.n_room == 1);
	OK(stream_unsent(w.client.s) < 1000);
	AWAIT(w.loop, stream_unsent(w.client.s) == 0);
	EQ(w.client.n_room, 1);
	stream_want_room(w.client.s, 1);
	AWAIT(w.loop, w.client.n_room == 2);
	world_end(&w);
}

static void a_late_close_waits_for_the_other_side(void)
{
	static char block[200000];
	struct world w;
	world_start(&w);
	memset(block, 'u', sizeof(block));
	stream_write(w.client.s, str_n(block, sizeof(block)));
	stream_write(w.server->s, STR("last words"));
	stream_close_late(w.server->s, AWAIT_S * USEC_PER_SEC);
	AWAIT(w.loop, w.client.n_closed == 1);
	EQ_STR(buf_view(&w.client.got), "last words");
	EQ(w.client.err, 0);
	EQ(w.server->n_closed, 0);
	end_done(&w.client);
	AWAIT(w.loop, w.server->n_closed == 1);
	world_end(&w);
}

static void a_late_close_has_an_end(void)
{
	struct world w;
	world_start(&w);
	stream_close_late(w.server->s, 20 * USEC_PER_MSEC);
	w.client.leave = 0;
	AWAIT(w.loop, w.server->n_closed == 1);
	EQ(w.server->err, 0);
	world_end(&w);
}

static void too_much_unused_data_ends_the_stream(void)
{
	char block[600];
	struct world w;
	world_start(&w);
	memset(block, 'x', sizeof(block));
	w.server->leave = SIZE_MAX;
	for (int i = 0; i < 2; i++) {
		stream_write(w.client.s, str_n(block, sizeof(block)));
		loop_turn(w.loop, USEC_PER_MSEC);
	}
	AWAIT(w.loop, w.server->n_closed == 1);
	EQ(w.server->err, -EMSGSIZE);
	world_end(&w);
}

/* What is left of one read and what the next one brings may together be more than what may stay. */
static void data_that_is_used_at_once_has_no_limit(void)
{
	static char block[100000];
	struct world w;
	world_start(&w);
	memset(block, 'x', sizeof(block));
	w.server->leave = 3;
	stream_write(w.client.s, STR("abcdef"));
	AWAIT(w.loop, w.server->got.len == 3);
	stream_write(w.client.s, str_n(block, sizeof(block)));
	AWAIT(w.loop, w.server->got.len == 3 + sizeof(block));
	EQ(w.server->n_closed, 0);
	world_end(&w);
}

static void an_owner_that_refuses_data_ends_the_stream(void)
{
	struct world w;
	world_start(&w);
	w.server->refuse = -EBADMSG;
	stream_write(w.client.s, STR("?"));
	AWAIT(w.loop, w.server->n_closed == 1);
	EQ(w.server->err, -EBADMSG);
	world_end(&w);
}

static void a_close_comes_after_what_was_written(void)
{
	struct world w;
	world_start(&w);
	stream_write(w.client.s, STR("last words"));
	stream_close(w.client.s);
	stream_write(w.client.s, STR(" unheard"));
	EQ(w.client.n_closed, 0);
	AWAIT(w.loop, w.client.n_closed == 1 && w.server->n_closed == 1);
	EQ_STR(buf_view(&w.server->got), "last words");
	EQ(w.client.err, 0);
	EQ(w.server->err, 0);
	EQ_STR(str_of(w.server->why), "closed by the other side");
	stream_close(w.server->s); /* of no effect */
	loop_turn(w.loop, 0);
	EQ(w.server->n_closed, 1);
	world_end(&w);
}

static void a_reader_that_does_not_read_is_given_up(void)
{
	struct world w;
	world_start(&w);
	auto_(buf_free) struct buf block = buf_of(256 * 1024);
	char some[1024];
	memset(some, 'y', sizeof(some));
	for (int i = 0; i < 256; i++)
		buf_put(&block, some, sizeof(some));
	stream_pause(w.server->s, true);
	for (int i = 0; i < 100 && w.client.n_closed == 0; i++) {
		stream_write(w.client.s, buf_view(&block));
		loop_turn(w.loop, USEC_PER_MSEC);
	}
	EQ(w.client.n_closed, 1);
	EQ(w.client.err, -EPIPE);
	world_end(&w);
}

static void a_pause_holds_what_comes_back_and_loses_nothing(void)
{
	struct world w;
	world_start(&w);
	stream_pause(w.server->s, true);
	stream_write(w.client.s, STR("held"));
	for (int i = 0; i < 5; i++)
		loop_turn(w.loop, USEC_PER_MSEC);
	EQ(w.server->got.len, 0);
	stream_pause(w.server->s, false);
	AWAIT(w.loop, w.server->got.len == 4);
	world_end(&w);
}

/* Who closes with something unread resets the connection. */
static void what_came_before_a_reset_is_read(void)
{
	static char block[100000];
	struct loop *l = loop_new();
	struct end near = { .got = buf_of(END_MAX) };
	int fds[2];
	ends_pair(fds);
	near.s = stream_accept(l, fds[1], NULL, &end_limits, &end_ops, &near);
	stream_write(near.s, STR("nobody reads this"));
	stream_pause(near.s, true);
	AWAIT(l, stream_unsent(near.s) == 0);
	memset(block, 'b', sizeof(block));
	ssize_t sent = send(fds[0], block, sizeof(block), MSG_NOSIGNAL);
	OK(sent > 64 * 1024); /* more than is read at once */
	(void)close(fds[0]);
	stream_pause(near.s, false);
	AWAIT(l, near.n_closed == 1);
	EQ(near.got.len, sent);
	EQ(near.err, -ECONNRESET);
	end_done(&near);
	loop_free(&l);
}

static void a_freed_stream_calls_nobody(void)
{
	struct world w;
	world_start(&w);
	stream_write(w.server->s, STR("too late"));
	stream_free(&w.client.s);
	OK(w.client.s == NULL);
	AWAIT(w.loop, w.server->n_closed == 1);
	EQ(w.client.n_closed, 0);
	EQ(w.client.got.len, 0);
	world_end(&w);
}

static void where_nobody_listens_a_connect_fails_from_the_loop(void)
{
	struct loop *l = loop_new();
	struct door d = { .loop = l };
	struct end e;
	(void)close(door_socket(SOCK_STREAM, "127.0.0.1", &d.at));
	door_connect(&d, &e, NULL, STR(""));
	EQ(e.n_closed, 0);
	AWAIT(l, e.n_closed == 1);
	EQ(e.err, -ECONNREFUSED);
	EQ_STR(str_of(e.why), "connect failed");
	EQ(e.n_opened, 0);
	end_done(&e);
	loop_free(&l);
}

static void a_socket_pair_is_a_stream_without_addresses(void)
{
	int fd[2];
	struct loop *l = loop_new();
	struct end e[2] = { { .got = buf_of(END_MAX) }, { .got = buf_of(END_MAX) } };
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
	for (int i = 0; i < 2; i++)
		e[i].s = stream_accept(l, fd[i], NULL, &end_limits, &end_ops, &e[i]);
	stream_write(e[0].s, STR("over the link"));
	AWAIT(l, e[1].got.len == 13);
	EQ(stream_peer(e[1].s)->sa.sa_family, AF_UNSPEC);
	OK(stream_tls_peer(e[1].s) == NULL);
	end_done(&e[0]);
	AWAIT(l, e[1].n_closed == 1);
	end_done(&e[1]);
	loop_free(&l);
}

int main(void)
{
	RUN(what_is_written_arrives_in_order);
	RUN(much_is_sent_at_once_and_the_rest_in_its_turn);
	RUN(what_is_not_used_comes_again_with_more);
	RUN(what_is_not_used_can_be_asked_for);
	RUN(room_is_told_once_and_when_there_is_some);
	RUN(a_late_close_waits_for_the_other_side);
	RUN(a_late_close_has_an_end);
	RUN(too_much_unused_data_ends_the_stream);
	RUN(data_that_is_used_at_once_has_no_limit);
	RUN(an_owner_that_refuses_data_ends_the_stream);
	RUN(a_close_comes_after_what_was_written);
	RUN(a_reader_that_does_not_read_is_given_up);
	RUN(a_pause_holds_what_comes_back_and_loses_nothing);
	RUN(what_came_before_a_reset_is_read);
	RUN(a_freed_stream_calls_nobody);
	RUN(where_nobody_listens_a_connect_fails_from_the_loop);
	RUN(a_socket_pair_is_a_stream_without_addresses);
	return tap_done();
}
