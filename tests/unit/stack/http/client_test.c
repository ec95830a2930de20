#include "stack/http/client.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "rig.h"

/* One call and what became of it. */
struct asked {
	struct http_call *call;
	unsigned n_done, n_pieces, status;
	int err;
	char why[128];
	struct buf got;
	bool free_in_data, pause_first;
};

static void on_head(void *arg, const struct http_msg *m)
{
	struct asked *a = arg;
	a->status = m->status;
}

static void on_piece(void *arg, struct str piece)
{
	struct asked *a = arg;
	a->n_pieces++;
	buf_str(&a->got, piece);
	if (a->free_in_data)
		http_call_free(&a->call);
	else if (a->pause_first && a->n_pieces == 1)
		http_call_pause(a->call, true);
}

static void on_done(void *arg, const struct http_result *r)
{
	struct asked *a = arg;
	a->call = NULL;
	a->n_done++;
	a->err = r->err;
	a->status = r->msg ? r->msg->status : 0;
	(void)snprintf(a->why, sizeof(a->why), "%s", r->why ? r->why : "");
	buf_str(&a->got, r->body);
}

static const struct http_call_ops collecting = { .head = on_head, .done = on_done };
static const struct http_call_ops streaming = { .head = on_head,
	                                        .data = on_piece,
	                                        .done = on_done };

static void ask_as(struct http_client *c, struct asked *a, const struct http_call_config *cfg,
                   const struct http_call_ops *ops)
{
	*a = (struct asked){ .got = buf_of(64 * 1024 * 1024) };
	a->call = http_call_new(c, cfg, ops, a);
	OK(a->call != NULL);
	EQ(a->n_done, 0);
}

static void ask(struct http_client *c, struct asked *a, const char *method, const char *target,
                struct str body)
{
	struct http_call_config cfg = { .method = str_of(method),
		                        .target = str_of(target),
		                        .body = body };
	ask_as(c, a, &cfg, &collecting);
}

static const struct str none = { NULL, 0 };

static struct http_client *client_of(struct site *s, uint32_t max_conns)
{
	struct http_client_config cfg = { .authority = STR("site.test"),
		                          .addrs = &s->at,
		                          .n_addrs = 1,
		                          .max_conns = max_conns,
		                          .max_waiting = 10 };
	return http_client_new(s->loop, &cfg);
}

static void answered(struct site *s, struct asked *a, unsigned status, const char *body)
{
	AWAIT(s->loop, a->n_done == 1);
	EQ(a->err, 0);
	EQ(a->status, status);
	EQ_STR(buf_view(&a->got), body);
	buf_free(&a->got);
}

static void failed(struct loop *l, struct asked *a, int err)
{
	AWAIT(l, a->n_done == 1);
	EQ(a->err, err);
	OK(a->why[0] != '\0');
	buf_free(&a->got);
}

static const struct http_server_config plain;

static void a_connection_is_kept_for_the_next_call(void)
{
	struct site s;
	struct asked a;
	site_start(&s, &plain);
	struct http_client *c = client_of(&s, 2);
	ask(c, &a, "GET", "/hello", none);
	answered(&s, &a, 200, "hello");
	ask(c, &a, "POST", "/echo", STR("to and fro"));
	answered(&s, &a, 200, "to and fro");
	ask(c, &a, "POST", "/echo", none);
	answered(&s, &a, 200, "");
	ask(c, &a, "HEAD", "/hello", none);
	answered(&s, &a, 200, "");
	ask(c, &a, "GET", "/none", none);
	answered(&s, &a, 204, "");
	s.amount = 5;
	ask(c, &a, "GET", "/nowhere", none);
	answered(&s, &a, 404, "404 Not Found\n\nThere is no such thing.\n");
	const struct http_client_stats *st = http_client_stats(c);
	EQ(st->opened, 1);
	EQ(st->reused, 5);
	EQ(st->answers, 6);
	EQ(st->conns, 1);
	EQ(st->busy, 0);
	http_client_free(&c);
	site_end(&s);
}

static void calls_share_a_bounded_number_of_connections(void)
{
	struct site s;
	struct asked a[10];
	site_start(&s, &plain);
	struct http_client *c = client_of(&s, 3);
	for (int i = 0; i < 10; i++)
		ask(c, &a[i], "GET", "/hello", none);
	struct http_call_config cfg = { .method = STR("GET"), .target = STR("/") };
	OK(http_call_new(c, &cfg, &collecting, NULL) == NULL); /* too many wait */
	for (int i = 0; i < 10; i++)
		answered(&s, &a[i], 200, "hello");
	EQ(http_client_stats(c)->opened, 3);
	EQ(http_server_stats(s.server)->opened, 3);
	http_client_free(&c);
	site_end(&s);
}

static void fields_and_type_are_sent(void)
{
	struct http_field fields[] = { { STR("X-A"), STR("1\r\nX-B: 2") } };
	struct http_call_config cfg = { .method = STR("POST"),
		                        .target = STR("/later"),
		                        .fields = fields,
		                        .n_fields = 1,
		                        .body = STR("x"),
		                        .type = STR("text/plain") };
	struct site s;
	struct asked a;
	site_start(&s, &plain);
	struct http_client *c = client_of(&s, 1);
	ask_as(c, &a, &cfg, &collecting);
	AWAIT(s.loop, s.later != NULL);
	const struct http_msg *m = http_request(s.later);
	EQ_STR(http_value_named(m, STR("X-A")), "1X-B: 2");
	EQ_STR(http_value(m, HTTP_H_CONTENT_TYPE), "text/plain");
	EQ_STR(m->host, "site.test");
	EQ(m->body_len, 1);
	http_answer(s.later, 201, STR(""), STR(""));
	answered(&s, &a, 201, "");
	http_client_free(&c);
	site_end(&s);
}

static void a_request_has_a_limit(void)
{
	static char block[HTTP_REQUEST_MAX];
	struct http_call_config cfg = { .method = STR("PUT"),
		                        .target = STR("/count"),
		                        .body = { block, sizeof(block) } };
	struct site s;
	struct asked a;
	site_start(&s, &plain);
	struct http_client *c = client_of(&s, 1);
	OK(http_call_new(c, &cfg, &collecting, &a) == NULL);
	cfg.body.len = 9000000;
	ask_as(c, &a, &cfg, &collecting);
	answered(&s, &a, 200, "9000000");
	EQ(http_client_stats(c)->calls, 1);
	http_client_free(&c);
	site_end(&s);
}

static void a_cancelled_call_is_not_heard_of_again(void)
{
	struct site s;
	struct asked a, b;
	site_start(&s, &plain);
	struct http_client *c = client_of(&s, 1);
	ask(c, &a, "GET", "/later", none);
	ask(c, &b, "GET", "/hello", none);
	AWAIT(s.loop, s.later != NULL);
	http_call_free(&a.call);
	AWAIT(s.loop, s.n_gone == 1);
	answered(&s, &b, 200, "hello"); /* over a new connection */
	EQ(a.n_done, 0);
	ask(c, &a, "GET", "/hello", none);
	http_call_free(&a.call); /* before it was sent */
	ask(c, &b, "GET", "/hello", none);
	answered(&s, &b, 200, "hello");
	EQ(http_client_stats(c)->busy, 0);
	EQ(http_client_stats(c)->waiting, 0);
	http_client_free(&c);
	site_end(&s);
}

static void an_answer_can_be_taken_in_pieces_and_held(void)
{
	enum { LONG = 20000000 };
	struct http_call_config cfg = { .method = STR("GET"), .target = STR("/chunks") };
	struct site s;
	struct asked a;
	site_start(&s, &plain);
	struct http_client *c = client_of(&s, 1);
	s.amount = LONG;
	ask_as(c, &a, &cfg, &streaming);
	a.pause_first = true;
	AWAIT(s.loop, a.n_pieces == 1);
	for (int i = 0; i < 20; i++)
		loop_turn(s.loop, USEC_PER_MSEC);
	EQ(a.n_pieces, 1);
	OK(s.amount > 0); /* the server feels it */
	http_call_pause(a.call, false);
	AWAIT(s.loop, a.n_done == 1);
	EQ(a.err, 0);
	EQ(a.got.len, LONG);
	buf_free(&a.got);
	s.amount = LONG;
	ask_as(c, &a, &cfg, &streaming);
	a.free_in_data = true;
	AWAIT(s.loop, s.n_gone == 1);
	EQ(a.n_done, 0);
	EQ(a.n_pieces, 1);
	buf_free(&a.got);
	http_client_free(&c);
	site_end(&s);
}

static void an_answer_that_is_too_large_is_an_error(void)
{
	struct http_call_config cfg = { .method = STR("GET"),
		                        .target = STR("/chunks"),
		                        .body_max = 10000 };
	struct site s;
	struct asked a;
	site_start(&s, &plain);
	struct http_client *c = client_of(&s, 1);
	s.amount = 20000;
	ask_as(c, &a, &cfg, &collecting);
	failed(s.loop, &a, -E2BIG);
	ask(c, &a, "GET", "/hello", none);
	answered(&s, &a, 200, "hello");
	http_client_free(&c);
	site_end(&s);
}

static void an_answer_that_does_not_come_is_an_error(void)
{
	struct http_call_config cfg = { .method = STR("GET"),
		                        .target = STR("/later"),
		                        .timeout = 50 * USEC_PER_MSEC };
	struct site s;
	struct asked a, b;
	site_start(&s, &plain);
	struct http_client *c = client_of(&s, 1);
	ask_as(c, &a, &cfg, &collecting);
	ask_as(c, &b, &cfg, &collecting); /* waits for the connection meanwhile */
	failed(s.loop, &a, -ETIMEDOUT);
	failed(s.loop, &b, -ETIMEDOUT);
	ask(c, &a, "GET", "/broken", none);
	failed(s.loop, &a, -EPIPE);
	EQ(http_client_stats(c)->failed, 3);
	http_client_free(&c);
	site_end(&s);
}

static void nobody_listens(void)
{
	struct loop *l = loop_new();
	struct addr at[2];
	struct asked a;
	for (int i = 0; i < 2; i++)
		(void)close(door_socket(SOCK_STREAM, "127.0.0.1", &at[i]));
	struct http_client_config cfg = { .authority = STR("x"), .addrs = at, .n_addrs = 2 };
	struct http_client *c = http_client_new(l, &cfg);
	ask(c, &a, "GET", "/", none);
	failed(l, &a, -ECONNREFUSED);
	EQ(http_client_stats(c)->opened, 2);
	http_client_free(&c);
	loop_free(&l);
}

static void the_next_address_is_tried(void)
{
	struct site s;
	struct asked a;
	struct addr at[2];
	site_start(&s, &plain);
	(void)close(door_socket(SOCK_STREAM, "127.0.0.1", &at[0]));
	at[1] = s.at;
	struct http_client_config cfg = { .authority = STR("x"), .addrs = at, .n_addrs = 2 };
	struct http_client *c = http_client_new(s.loop, &cfg);
	ask(c, &a, "POST", "/echo", STR("x"));
	answered(&s, &a, 200, "x");
	EQ(http_client_stats(c)->opened, 2);
	http_client_free(&c);
	site_end(&s);
}

/* Servers that misbehave: the test plays them by hand. */

struct played {
	struct loop *loop;
	struct door door;
	struct http_client *client;
};

static void play(struct played *p)
{
	*p = (struct played){ .loop = loop_new() };
	door_open(&p->door, p->loop, NULL);
	p->door.lim.read_max = 100000;
	struct http_client_config cfg = {
		.authority = STR("x"), .addrs = &p->door.at, .n_addrs = 1, .max_conns = 1
	};
	p->client = http_client_new(p->loop, &cfg);
}

static void play_end(struct played *p)
{
	http_client_free(&p->client);
	door_close(&p->door);
	loop_free(&p->loop);
}

/* The i-th connection has sent a whole request without body; it gets this answer. */
static struct end *reply(struct played *p, unsigned i, const char *text)
{
	AWAIT(p->loop,
	      p->door.n > i && str_ends(buf_view(&p->door.accepted[i].got), STR("\r\n\r\n")));
	struct end *e = &p->door.accepted[i];
	e->got.len = 0;
	stream_write(e->s, str_of(text));
	return e;
}

static void broken_answers_are_errors(void)
{
	/* clang-format off */
	static const struct { const char *text; int err; } t[] = {
		{ "HTTP/2 200 OK\r\n\r\n", -EBADMSG },
		{ "hello\n", -EBADMSG },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", -EBADMSG },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", -EBADMSG },
		{ "HTTP/1.1 101 Switching Protocols\r\n\r\n", -EBADMSG },
	};
	/* clang-format on */
	struct played p;
	struct asked a;
	play(&p);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		ask(p.client, &a, "GET", "/", none);
		(void)reply(&p, i, t[i].text);
		failed(p.loop, &a, t[i].err);
	}
	play_end(&p);
}

static void interim_answers_are_passed_over(void)
{
	struct played p;
	struct asked a;
	play(&p);
	ask(p.client, &a, "GET", "/", none);
	(void)reply(&p, 0,
	            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
	            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
	AWAIT(p.loop, a.n_done == 1);
	EQ(a.status, 200);
	EQ_STR(buf_view(&a.got), "ok");
	buf_free(&a.got);
	ask(p.client, &a, "GET", "/", none);
	auto_(buf_free) struct buf b = buf_of(1000);
	for (int i = 0; i <= HTTP_INTERIM_MAX; i++)
		buf_lit(&b, "HTTP/1.1 102 x\r\n\r\n");
	buf_char(&b, '\0');
	(void)reply(&p, 0, b.p);
	failed(p.loop, &a, -EBADMSG);
	play_end(&p);
}

static void the_end_may_end_an_answer(void)
{
	struct played p;
	struct asked a;
	play(&p);
	ask(p.client, &a, "GET", "/", none);
	stream_close(reply(&p, 0, "HTTP/1.0 200 OK\r\n\r\nall of it")->s);
	AWAIT(p.loop, a.n_done == 1);
	EQ(a.err, 0);
	EQ_STR(buf_view(&a.got), "all of it");
	buf_free(&a.got);
	ask(p.client, &a, "GET", "/", none);
	stream_close(reply(&p, 1, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart")->s);
	failed(p.loop, &a, -EPIPE);
	play_end(&p);
}

static const char ok_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/* A call over a kept connection that the server ends instead of answering. */
static void lose_kept(struct played *p, struct asked *a, const char *method)
{
	ask(p->client, a, "GET", "/", none);
	(void)reply(p, 0, ok_answer);
	AWAIT(p->loop, a->n_done == 1);
	buf_free(&a->got);
	ask(p->client, a, method, "/", none);
	AWAIT(p->loop, p->door.accepted[0].got.len > 0);
	stream_close(p->door.accepted[0].s);
}

static void what_may_be_repeated_is_sent_once_more(void)
{
	struct played p;
	struct asked a;
	play(&p);
	lose_kept(&p, &a, "GET");
	(void)reply(&p, 1, ok_answer);
	AWAIT(p.loop, a.n_done == 1);
	EQ(a.err, 0);
	EQ(http_client_stats(p.client)->retried, 1);
	buf_free(&a.got);
	play_end(&p);
}

static void once_more_is_all(void)
{
	struct played p;
	struct asked a;
	play(&p);
	lose_kept(&p, &a, "PUT");
	stream_close(reply(&p, 1, "")->s);
	failed(p.loop, &a, -EPIPE);
	EQ(p.door.n, 2);
	play_end(&p);
}

static void what_may_not_be_repeated_is_not(void)
{
	struct played p;
	struct asked a;
	play(&p);
	lose_kept(&p, &a, "POST");
	failed(p.loop, &a, -EPIPE);
	EQ(p.door.n, 1);
	/* Nor on a connection that is new. */
	ask(p.client, &a, "GET", "/", none);
	stream_close(reply(&p, 1, "")->s);
	failed(p.loop, &a, -EPIPE);
	EQ(http_client_stats(p.client)->retried, 0);
	play_end(&p);
}

static void an_answer_that_nobody_asked_for_ends_the_connection(void)
{
	struct played p;
	struct asked a;
	play(&p);
	ask(p.client, &a, "GET", "/", none);
	struct end *e = reply(&p, 0, ok_answer);
	AWAIT(p.loop, a.n_done == 1);
	buf_free(&a.got);
	stream_write(e->s, STR("HTTP/1.1 408 Request Timeout\r\n\r\n"));
	AWAIT(p.loop, http_client_stats(p.client)->conns == 0);
	ask(p.client, &a, "GET", "/", none);
	(void)reply(&p, 1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n");
	AWAIT(p.loop, a.n_done == 1 && http_client_stats(p.client)->conns == 0);
	EQ(a.err, 0);
	buf_free(&a.got);
	play_end(&p);
}

static void on_lost(void *arg, const char *why UNUSED)
{
	(*(unsigned *)arg)++;
}

static void a_local_link_serves_as_connection(void)
{
	static const char name[] = "mobility";
	struct site s;
	struct asked a;
	int fds[2];
	unsigned n_lost = 0;
	site_start(&s, &plain);
	struct http_client_config cfg = { .authority = STR("web") };
	struct http_client *c = http_client_new(s.loop, &cfg);
	ask(c, &a, "GET", "/who", none);
	for (int i = 0; i < 3; i++)
		loop_turn(s.loop, USEC_PER_MSEC);
	EQ(a.n_done, 0); /* waits for a link */
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	http_client_link(c, fds[0], on_lost, &n_lost);
	http_server_take(s.server, fds[1], false, (void *)(uintptr_t)name);
	answered(&s, &a, 200, "mobility");
	ask(c, &a, "GET", "/hello", none);
	answered(&s, &a, 200, "hello");
	http_server_free(&s.server);
	AWAIT(s.loop, n_lost == 1);
	EQ(http_client_stats(c)->conns, 0);
	http_client_free(&c);
	site_end(&s);
}

/* dial() of a server in the same loop. */
static int dial(void *arg)
{
	struct site *s = arg;
	int fds[2];
	if (s->stranger)
		return -ECONNREFUSED;
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	http_server_take(s->server, fds[1], false, NULL);
	return fds[0];
}

static void local_connections_are_dialled(void)
{
	struct site s;
	struct asked a[3];
	site_start(&s, &plain);
	struct http_client_config cfg = {
		.authority = STR("x"), .dial = dial, .dial_arg = &s, .max_conns = 2
	};
	struct http_client *c = http_client_new(s.loop, &cfg);
	for (int i = 0; i < 3; i++)
		ask(c, &a[i], "GET", "/hello", none);
	for (int i = 0; i < 3; i++)
		answered(&s, &a[i], 200, "hello");
	EQ(http_client_stats(c)->opened, 2);
	http_client_free(&c);
	c = http_client_new(s.loop, &cfg);
	s.stranger = true;
	ask(c, &a[0], "GET", "/hello", none);
	failed(s.loop, &a[0], -ECONNREFUSED);
	http_client_free(&c);
	site_end(&s);
}

static void idle_connections_are_closed(void)
{
	struct site s;
	struct asked a;
	site_start(&s, &plain);
	struct http_client *c = client_of(&s, 1);
	ask(c, &a, "GET", "/hello", none);
	answered(&s, &a, 200, "hello");
	loop_clock_move(s.loop, 31 * USEC_PER_SEC);
	for (int i = 0; i < 1000 && http_server_stats(s.server)->conns > 0; i++)
		loop_turn(s.loop, USEC_PER_MSEC);
	EQ(http_client_stats(c)->conns, 0);
	EQ(http_server_stats(s.server)->conns, 0);
	http_client_free(&c);
	site_end(&s);
}

static void a_pool_can_go_with_calls_under_way(void)
{
	struct site s;
	struct asked a, b;
	site_start(&s, &plain);
	struct http_client *c = client_of(&s, 1);
	ask(c, &a, "GET", "/later", none);
	ask(c, &b, "GET", "/later", none);
	AWAIT(s.loop, s.later != NULL);
	http_client_free(&c);
	AWAIT(s.loop, s.n_gone == 1);
	EQ(a.n_done + b.n_done, 0);
	site_end(&s);
}

int main(void)
{
	RUN(a_connection_is_kept_for_the_next_call);
	RUN(calls_share_a_bounded_number_of_connections);
	RUN(fields_and_type_are_sent);
	RUN(a_request_has_a_limit);
	RUN(a_cancelled_call_is_not_heard_of_again);
	RUN(an_answer_can_be_taken_in_pieces_and_held);
	RUN(an_answer_that_is_too_large_is_an_error);
	RUN(an_answer_that_does_not_come_is_an_error);
	RUN(nobody_listens);
	RUN(the_next_address_is_tried);
	RUN(broken_answers_are_errors);
	RUN(interim_answers_are_passed_over);
	RUN(the_end_may_end_an_answer);
	RUN(what_may_be_repeated_is_sent_once_more);
	RUN(once_more_is_all);
	RUN(what_may_not_be_repeated_is_not);
	RUN(an_answer_that_nobody_asked_for_ends_the_connection);
	RUN(a_local_link_serves_as_connection);
	RUN(local_connections_are_dialled);
	RUN(idle_connections_are_closed);
	RUN(a_pool_can_go_with_calls_under_way);
	return tap_done();
}
