#include "stack/http/server.h"

#include <unistd.h>

#include "rig.h"

static const struct http_server_config plain;

#define HELLO "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"

static void requests_are_answered_in_order_on_one_connection(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	site_say(&s, REQ("GET", "/hello", ""));
	site_heard(&s, HELLO);
	site_say(&s, REQ("POST", "/echo", "Content-Length: 3\r\n") "abc" REQ(
	                     "GET", "/hello", "") "\r\n" REQ("GET", "/nothing", ""));
	site_heard(&s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\n"
	               "abc" HELLO
	               "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n"
	               "Content-Length: 39\r\n\r\n404 Not Found\n\nThere is no such thing.\n");
	const struct http_server_stats *st = http_server_stats(s.server);
	EQ(st->requests, 4);
	EQ(st->answers[2], 3);
	EQ(st->answers[4], 1);
	EQ(st->conns, 1);
	EQ(st->exchanges, 0);
	EQ(st->body_in, 3);
	EQ(st->body_out, 5 + 3 + 5 + 39);
	EQ(s.n_done, 4);
	site_end(&s);
}

static void a_request_may_come_byte_by_byte(void)
{
	static const char text[] =
	        REQ("POST", "/echo",
	            "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: "
	                                              "x\r\n\r\n" REQ("GET", "/hello", "");
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		stream_write(s.client.s, str_n(text + i, 1));
		loop_turn(s.loop, 0);
	}
	site_heard(&s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
	               "abcde" HELLO);
	site_end(&s);
}

static void an_answer_may_come_later_and_the_next_waits(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	site_say(&s, REQ("GET", "/later", "") REQ("GET", "/hello", ""));
	AWAIT(s.loop, s.later != NULL);
	for (int i = 0; i < 5; i++)
		loop_turn(s.loop, USEC_PER_MSEC);
	EQ(s.client.got.len, 0);
	EQ_STR(http_request(s.later)->path, "/later"); /* kept as long as the exchange */
	EQ(http_server_stats(s.server)->exchanges, 1);
	http_answer(s.later, 200, STR(""), STR("now"));
	site_heard(&s, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnow" HELLO);
	EQ(s.n_gone, 0);
	site_end(&s);
}

static void a_handler_hears_that_its_client_has_gone(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	site_say(&s, REQ("GET", "/later", ""));
	AWAIT(s.loop, s.later != NULL);
	end_done(&s.client);
	AWAIT(s.loop, s.n_gone == 1);
	EQ(http_server_stats(s.server)->aborted, 1);
	EQ(http_server_stats(s.server)->conns, 0);
	OK(!s.last_whole);
	EQ(s.last_status, 0);
	site_connect(&s);
	site_say(&s, REQ("GET", "/later", ""));
	AWAIT(s.loop, s.later != NULL);
	http_server_free(&s.server);
	EQ(s.n_gone, 2);
	site_end(&s);
}

static void head_and_204_have_no_body(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	s.amount = 10;
	site_say(&s, REQ("HEAD", "/hello", "") REQ("GET", "/none", "") REQ("HEAD", "/chunks", "")
	                     REQ("GET", "/hello", ""));
	site_heard(&s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n"
	               "HTTP/1.1 204 No Content\r\n\r\n"
	               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" HELLO);
	site_end(&s);
}

static void http_1_0_is_answered_in_its_way(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	s.amount = 3;
	site_say(&s, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	site_heard(&s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
	               "Connection: keep-alive\r\n\r\nhello");
	site_say(&s, "GET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	AWAIT(s.loop, s.client.n_closed == 1); /* the end is the end of the connection */
	OK(str_ends(buf_view(&s.client.got), str_n("\r\nConnection: close\r\n\r\n\0\0\0", 26)));
	site_end(&s);
}

static void a_connection_ends_when_the_client_wants_it(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	site_say(&s, REQ("GET", "/hello", "Connection: close\r\n") REQ("GET", "/hello", ""));
	site_heard(&s, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
	               "Connection: close\r\n\r\nhello");
	AWAIT(s.loop, s.client.n_closed == 1);
	EQ(s.client.err, 0);
	EQ(http_server_stats(s.server)->requests, 1);
	end_done(&s.client);
	AWAIT(s.loop, http_server_stats(s.server)->conns == 0);
	site_end(&s);
}

/* Sends it on a new connection and expects this status and the end. */
static void refused(struct site *s, const char *text, unsigned status)
{
	char line[32];
	site_connect(s);
	site_say(s, text);
	(void)snprintf(line, sizeof(line), "HTTP/1.1 %u ", status);
	AWAIT(s->loop, s->client.n_closed == 1);
	if (!OK(str_starts(buf_view(&s->client.got), str_of(line))))
		(void)fprintf(stderr, "# %s -> %" STR_FMT "\n", text,
		              STR_ARG(buf_view(&s->client.got)));
	OK(str_find(buf_view(&s->client.got), STR("Connection: close\r\n")) > 0);
	EQ(s->client.err, 0);
	EQ(s->last_status, status);
	OK(s->last_why && s->last_whole);
}

static void broken_requests_are_answered_and_the_connection_ends(void)
{
	/* clang-format off */
	static const struct { const char *text; unsigned status; } t[] = {
		{ "GET /\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\nHost: a\n\n", 400 },
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505 },
		{ REQ("POST", "/echo", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400 },
		{ REQ("POST", "/echo", "Transfer-Encoding: gzip, chunked\r\n"), 501 },
		{ REQ("POST", "/echo", "Content-Length: 1001\r\n"), 413 },
		{ REQ("POST", "/echo", "Content-Length: 99999999999999999\r\n"), 413 },
		{ REQ("POST", "/echo", "Transfer-Encoding: chunked\r\n") "x\r\n", 400 },
		{ REQ("POST", "/echo", "Expect: nothing\r\n"), 417 },
		{ "\x16\x03\x01\x02", 400 },
	};
	/* clang-format on */
	struct site s;
	site_start(&s, &plain);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		refused(&s, t[i].text, t[i].status);
	EQ(http_server_stats(s.server)->broken, ARRAY_SIZE(t));
	EQ(s.n_gone, 3); /* the handler had asked for the body */
	site_end(&s);
}

static void what_is_not_served_is_said_and_the_connection_goes_on(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	site_say(&s, "GET / HTTP/1.1\r\nHost: elsewhere\r\n\r\n");
	site_await(&s, "HTTP/1.1 421 ");
	site_say(&s, "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n");
	site_await(&s, "HTTP/1.1 501 ");
	s.client.got.len = 0;
	site_say(&s, REQ("BREW", "/", "Content-Length: 3\r\n") "abc" REQ("TRACE", "/", ""));
	site_await(&s, "HTTP/1.1 501 ");
	s.client.got.len = 0;
	site_say(&s, REQ("GET", "/hello", ""));
	site_await(&s, "hello");
	EQ(s.client.n_closed, 0);
	EQ(http_server_stats(s.server)->broken, 4);
	site_end(&s);
}

static void limits_of_the_head_are_told(void)
{
	struct http_server_config cfg = { .head_max = 2000 };
	auto_(buf_free) struct buf b = buf_of(100000);
	struct site s;
	site_start(&s, &cfg);
	buf_lit(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (int i = 0; i < 400; i++)
		buf_lit(&b, "A: b\r\n");
	buf_char(&b, '\0');
	refused(&s, b.p, 431);
	b.len = 0;
	buf_lit(&b, "GET /");
	while (b.len < HTTP_URL_MAX + 200)
		buf_char(&b, 'x');
	buf_char(&b, '\0');
	http_server_free(&s.server);
	site_end(&s);
	site_start(&s, &plain);
	refused(&s, b.p, 414);
	site_end(&s);
}

static void a_client_that_waits_is_told_to_go_on(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	site_say(&s, REQ("POST", "/echo", "Content-Length: 2\r\nExpect: 100-continue\r\n"));
	site_heard(&s, "HTTP/1.1 100 Continue\r\n\r\n");
	site_say(&s, "ok");
	site_await(&s, "\r\n\r\nok");
	/* Who does not want the body says so at once, and cannot know whether it comes. */
	s.client.got.len = 0;
	site_say(&s, REQ("POST", "/ignore", "Content-Length: 2\r\nExpect: 100-continue\r\n"));
	AWAIT(s.loop, s.client.n_closed == 1);
	OK(str_starts(buf_view(&s.client.got), STR("HTTP/1.1 200 OK\r\n")));
	OK(str_find(buf_view(&s.client.got), STR("100 Continue")) < 0);
	OK(str_find(buf_view(&s.client.got), STR("Connection: close")) > 0);
	site_end(&s);
}

static void an_unwanted_body_is_dropped_or_ends_the_connection(void)
{
	static char block[HTTP_DROP_MAX];
	char head[200];
	struct site s;
	memset(block, 'd', sizeof(block));
	site_start(&s, &plain);
	site_connect(&s);
	(void)snprintf(head, sizeof(head),
	               "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: "
	               "%zu\r\n\r\n",
	               sizeof(block));
	site_say(&s, head);
	site_heard(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
	stream_write(s.client.s, str_n(block, sizeof(block)));
	site_say(&s, REQ("GET", "/hello", ""));
	site_heard(&s, HELLO);
	/* More than that is not read to its end, and the answer still arrives. */
	site_say(&s, REQ("POST", "/ignore", "Content-Length: 10000000\r\n"));
	for (int i = 0; i < 8; i++)
		stream_write(s.client.s, str_n(block, sizeof(block)));
	AWAIT(s.loop, s.client.n_closed == 1);
	OK(str_find(buf_view(&s.client.got), STR("Connection: close\r\n\r\nno")) > 0);
	EQ(s.client.err, 0);
	site_end(&s);
}

static void pieces_of_a_body_are_held_while_the_handler_pauses(void)
{
	static char block[900000];
	struct site s;
	memset(block, 'p', sizeof(block));
	site_start(&s, &plain);
	site_connect(&s);
	s.pause_first = true;
	site_say(&s, REQ("POST", "/count", "Content-Length: 9000000\r\n"));
	for (int sent = 0; sent < 10;) {
		if (stream_unsent(s.client.s) == 0 || s.n_pieces == 0) {
			stream_write(s.client.s, str_n(block, sizeof(block)));
			sent++;
		}
		loop_turn(s.loop, USEC_PER_MSEC);
		if (s.n_pieces == 1 && stream_unsent(s.client.s) > 0) {
			for (int i = 0; i < 5; i++)
				loop_turn(s.loop, USEC_PER_MSEC);
			EQ(s.n_pieces, 1);
			OK(stream_unsent(s.client.s) > 0); /* the peer feels it */
			http_pause(s.counting, false);
		}
	}
	site_await(&s, "\r\n\r\n9000000");
	OK(s.n_pieces > 10);
	EQ(http_server_stats(s.server)->body_in, 9000000);
	site_end(&s);
}

static void a_long_answer_waits_for_its_reader(void)
{
	enum { LONG = 30000000 };
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	s.client.got = buf_of(LONG + 1000);
	stream_pause(s.client.s, true);
	s.amount = LONG;
	site_say(&s, REQ("GET", "/long", ""));
	AWAIT(s.loop, s.sending != NULL);
	for (int i = 0; i < 20; i++)
		loop_turn(s.loop, USEC_PER_MSEC);
	OK(s.amount > LONG / 4); /* not all of it has been made */
	stream_pause(s.client.s, false);
	AWAIT(s.loop, s.client.got.len > LONG);
	OK(str_find(str_sub(buf_view(&s.client.got), 0, 200), STR("Content-Length: 30000000\r\n")) >
	   0);
	EQ(s.amount, 0);
	s.client.got.len = 0;
	s.amount = 20000;
	site_say(&s, REQ("GET", "/chunks", "") REQ("GET", "/hello", ""));
	site_await(&s, "\r\n0\r\n\r\nHTTP/1.1 200 OK");
	OK(str_find(buf_view(&s.client.got), STR("\r\n\r\n2000\r\n")) > 0);
	site_end(&s);
}

static void an_answer_that_stays_short_breaks_the_connection(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	site_say(&s, REQ("GET", "/broken", "") REQ("GET", "/hello", ""));
	AWAIT(s.loop, s.client.n_closed == 1);
	EQ(s.n_gone, 0); /* the handler knows */
	EQ(http_server_stats(s.server)->aborted, 1);
	EQ(http_server_stats(s.server)->requests, 1);
	site_end(&s);
}

/* Moves the clock and lets what is due happen. */
static void pass(struct site *s, unsigned seconds)
{
	loop_clock_move(s->loop, seconds * USEC_PER_SEC);
	for (int i = 0; i < 3; i++)
		loop_turn(s->loop, USEC_PER_MSEC);
}

static void let_arrive(struct site *s)
{
	for (int i = 0; i < 5; i++)
		loop_turn(s->loop, USEC_PER_MSEC);
}

/* The clock stands still in these tests, so states are waited for by turns. */
static void until_closed(struct site *s)
{
	for (int i = 0; i < 1000 && !s->client.n_closed; i++)
		loop_turn(s->loop, 5 * USEC_PER_MSEC);
	EQ(s->client.n_closed, 1);
}

static void slow_clients_are_given_up(void)
{
	struct site s;
	site_start(&s, &plain);
	const struct http_server_stats *st = http_server_stats(s.server);
	site_connect(&s);
	site_say(&s, REQ("GET", "/hello", ""));
	site_heard(&s, HELLO);
	pass(&s, 59);
	EQ(s.client.n_closed, 0);
	pass(&s, 2);
	until_closed(&s);
	EQ(s.client.got.len, 0); /* nobody asked for anything */
	EQ(st->timeouts_idle, 1);

	end_done(&s.client);
	s.client = (struct end){ .got = buf_of(END_MAX) };
	s.client.s = stream_connect(s.loop, &s.at, NULL, STR(""), &end_limits, &end_ops, &s.client);
	let_arrive(&s);
	site_say(&s, "GET /hello HT");
	let_arrive(&s);
	pass(&s, 9);
	site_say(&s, "TP/1.1\r\n"); /* a little now and then is of no use */
	let_arrive(&s);
	EQ(s.client.n_closed, 0);
	pass(&s, 2);
	until_closed(&s);
	OK(str_starts(buf_view(&s.client.got), STR("HTTP/1.1 408 ")));
	EQ(st->timeouts_head, 1);
	site_end(&s);
}

static void a_body_must_come_at_a_rate(void)
{
	static char block[5000];
	struct site s;
	site_start(&s, &plain);
	memset(block, 'b', sizeof(block));
	site_connect(&s);
	site_say(&s, REQ("POST", "/count", "Content-Length: 1000000\r\n"));
	let_arrive(&s);
	loop_clock_move(s.loop, 0);
	for (int i = 0; i < 10; i++) { /* 500 bytes a second are enough */
		stream_write(s.client.s, str_n(block, sizeof(block)));
		let_arrive(&s);
		pass(&s, 10);
	}
	EQ(s.client.n_closed, 0);
	EQ(s.counted, 50000);
	pass(&s, 31);
	until_closed(&s);
	OK(str_starts(buf_view(&s.client.got), STR("HTTP/1.1 408 ")));
	EQ(http_server_stats(s.server)->timeouts_body, 1);
	EQ(s.n_gone, 1);
	site_end(&s);
}

static void a_reader_that_takes_nothing_is_given_up(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	stream_pause(s.client.s, true);
	s.amount = 60000000;
	site_say(&s, REQ("GET", "/long", ""));
	AWAIT(s.loop, s.sending != NULL);
	for (int i = 0; i < 50; i++)
		loop_turn(s.loop, USEC_PER_MSEC);
	for (int i = 0; i < 4 && s.n_gone == 0; i++)
		pass(&s, 31);
	EQ(s.n_gone, 1);
	EQ(http_server_stats(s.server)->timeouts_send, 1);
	EQ(http_server_stats(s.server)->conns, 0);
	site_end(&s);
}

static void too_many_connections_push_out_idle_ones_alone(void)
{
	struct http_server_config cfg = { .max_conns = 2 };
	struct site s;
	struct end a, b, c;
	site_start(&s, &cfg);
	const struct http_server_stats *st = http_server_stats(s.server);
	site_connect_as(&s, &a);
	site_connect(&s);
	site_say(&s, REQ("GET", "/later", ""));
	AWAIT(s.loop, s.later != NULL);
	site_connect_as(&s, &b);
	AWAIT(s.loop, a.n_closed == 1);
	EQ(st->evicted, 1);
	stream_write(b.s, STR(REQ("GET", "/later", "")));
	AWAIT(s.loop, s.n_later == 2);
	site_connect_as(&s, &c);
	AWAIT(s.loop, c.n_closed == 1);
	EQ(st->refused_conns, 1);
	EQ(st->conns, 2);
	end_done(&a);
	end_done(&b);
	end_done(&c);
	site_end(&s);
}

/* They wait in the kernel's queue meanwhile. */
static void fewer_connections_are_taken_in_a_turn_if_that_is_said(void)
{
	struct site s;
	int fd[5];
	site_start(&s, &plain);
	const struct http_server_stats *st = http_server_stats(s.server);
	http_server_set_accepts(s.server, 1);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		fd[i] = socket(s.at.sa.sa_family, SOCK_STREAM, 0);
		EQ(connect(fd[i], &s.at.sa, addr_len(&s.at)), 0);
	}
	for (uint32_t before = 0; st->conns < ARRAY_SIZE(fd) && before <= st->conns;) {
		before = st->conns;
		loop_turn(s.loop, 20 * USEC_PER_MSEC);
		OK(st->conns <= before + 1);
	}
	EQ(st->conns, ARRAY_SIZE(fd));
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		(void)close(fd[i]);
	site_end(&s);
}

static void on_stopped(void *arg)
{
	*(bool *)arg = true;
}

static void a_stop_waits_for_the_answers(void)
{
	struct site s;
	struct end idle;
	bool stopped = false;
	site_start(&s, &plain);
	site_connect_as(&s, &idle);
	site_connect(&s);
	site_say(&s, REQ("GET", "/later", "") REQ("GET", "/hello", ""));
	AWAIT(s.loop, s.later != NULL);
	http_server_stop(s.server, on_stopped, &stopped);
	OK(!stopped);
	AWAIT(s.loop, idle.n_closed == 1);
	OK(!stopped);
	http_answer(s.later, 200, STR(""), STR("bye"));
	AWAIT(s.loop, s.client.n_closed == 1);
	OK(str_ends(buf_view(&s.client.got), STR("Connection: close\r\n\r\nbye")));
	end_done(&s.client);
	end_done(&idle);
	AWAIT(s.loop, stopped);
	site_end(&s);
}

static void a_local_link_is_served_too(void)
{
	static const char name[] = "frontend";
	struct site s;
	int fds[2];
	site_start(&s, &plain);
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	http_server_take(s.server, fds[0], false, (void *)(uintptr_t)name);
	s.client = (struct end){ .got = buf_of(END_MAX) };
	s.client.s = stream_accept(s.loop, fds[1], NULL, &end_limits, &end_ops, &s.client);
	site_say(&s, REQ("GET", "/who", ""));
	site_heard(&s, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfrontend");
	site_end(&s);
}

static void what_is_read_ahead_has_a_limit(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	site_say(&s, REQ("GET", "/later", ""));
	AWAIT(s.loop, s.later != NULL);
	size_t n = 0;
	while (stream_unsent(s.client.s) < 10000) { /* until neither side takes more */
		for (int i = 0; i < 2000; i++, n++)
			site_say(&s, REQ("GET", "/hello", ""));
		let_arrive(&s);
	}
	EQ(http_server_stats(s.server)->requests, 1);
	http_answer(s.later, 204, STR(""), STR(""));
	s.later = NULL;
	AWAIT(s.loop, (s.client.got.len = 0, http_server_stats(s.server)->requests == n + 1));
	EQ(s.client.n_closed, 0);
	site_end(&s);
}

#define TALK REQ("GET", "/talk", "Connection: Upgrade\r\nUpgrade: talk\r\n")
#define SWITCHED "HTTP/1.1 101 Switching Protocols\r\nUpgrade: talk\r\nConnection: Upgrade\r\n\r\n"

static void a_connection_can_be_handed_over(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	site_say(&s, REQ("GET", "/talk", "")); /* did not ask for it */
	site_await(&s, "HTTP/1.1 426 ");
	site_await(&s, "can talk.\n");
	s.client.got.len = 0;
	site_say(&s, TALK "first words");
	AWAIT(s.loop, s.talk.got.len == 11);
	EQ_STR(buf_view(&s.talk.got), "first words");
	site_heard(&s, SWITCHED);
	EQ(http_server_stats(s.server)->conns, 0);
	EQ(http_server_stats(s.server)->answers[1], 1);
	EQ(s.last_status, 101);
	http_server_free(&s.server); /* it is not the server's any more */
	stream_write(s.talk.s, STR("and back"));
	site_heard(&s, "and back");
	end_done(&s.client);
	AWAIT(s.loop, s.talk.n_closed == 1);
	site_end(&s);
}

static void it_can_be_handed_over_later(void)
{
	struct site s;
	site_start(&s, &plain);
	site_connect(&s);
	site_say(&s, REQ("GET", "/later", "Connection: Upgrade\r\nUpgrade: talk\r\n") "early");
	AWAIT(s.loop, s.later != NULL);
	http_put_field(http_begin(s.later, 101), STR("Upgrade"), STR("talk"));
	s.talk = (struct end){ .got = buf_of(END_MAX) };
	s.talk.s = http_hand_over(s.later, &end_ops, &s.talk);
	AWAIT(s.loop, s.talk.got.len == 5);
	site_heard(&s, SWITCHED);
	site_end(&s);
}

int main(void)
{
	RUN(requests_are_answered_in_order_on_one_connection);
	RUN(a_request_may_come_byte_by_byte);
	RUN(an_answer_may_come_later_and_the_next_waits);
	RUN(a_handler_hears_that_its_client_has_gone);
	RUN(head_and_204_have_no_body);
	RUN(http_1_0_is_answered_in_its_way);
	RUN(a_connection_ends_when_the_client_wants_it);
	RUN(broken_requests_are_answered_and_the_connection_ends);
	RUN(what_is_not_served_is_said_and_the_connection_goes_on);
	RUN(limits_of_the_head_are_told);
	RUN(a_client_that_waits_is_told_to_go_on);
	RUN(an_unwanted_body_is_dropped_or_ends_the_connection);
	RUN(pieces_of_a_body_are_held_while_the_handler_pauses);
	RUN(a_long_answer_waits_for_its_reader);
	RUN(an_answer_that_stays_short_breaks_the_connection);
	RUN(slow_clients_are_given_up);
	RUN(a_body_must_come_at_a_rate);
	RUN(a_reader_that_takes_nothing_is_given_up);
	RUN(too_many_connections_push_out_idle_ones_alone);
	RUN(fewer_connections_are_taken_in_a_turn_if_that_is_said);
	RUN(a_stop_waits_for_the_answers);
	RUN(a_local_link_is_served_too);
	RUN(what_is_read_ahead_has_a_limit);
	RUN(a_connection_can_be_handed_over);
	RUN(it_can_be_handed_over_later);
	return tap_done();
}
