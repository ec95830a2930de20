#include "h2_rig.h"

#include <stdlib.h>

#include "stack/http/h2.h"

/* HTTP/2 under the handlers of the site, which do not know of it. */

struct world {
	struct site site;
	struct h2_client c;
};

static const struct http_server_config plain;

static struct world *start(const struct http_server_config *cfg)
{
	struct world *w = xnew(struct world);
	site_start(&w->site, cfg);
	h2_connect(&w->c, &w->site);
	return w;
}

static void finish(struct world *w)
{
	h2_done(&w->c);
	site_end(&w->site);
	free(w);
}

static const struct http_server_stats *stats(const struct world *w)
{
	return http_server_stats(w->site.server);
}

static void turns(struct world *w, int n)
{
	for (int i = 0; i < n; i++) {
		h2_push(&w->c);
		loop_turn(w->site.loop, USEC_PER_MSEC);
	}
}

static void many_requests_share_a_connection(void)
{
	struct world *w = start(&plain);
	struct h2_reply *later = h2_ask(&w->c, "GET", "/later", "", NULL);
	for (int i = 0; i < 50; i++) {
		struct h2_reply *r = h2_get(&w->c, "/hello");
		EQ(r->status, 200);
		EQ_STR(buf_view(&r->body), "hello");
		EQ_STR(str_of(r->fields), "content-type: text/plain\ncontent-length: 5\n");
	}
	OK(!later->closed);
	http_answer(take(&w->site.later), 200, STR(""), STR("at last"));
	AWAIT(w->site.loop, later->closed);
	EQ_STR(buf_view(&later->body), "at last");
	EQ(stats(w)->requests, 51);
	EQ(stats(w)->opened, 1);
	EQ(stats(w)->h2_conns, 1);
	EQ(stats(w)->exchanges, 0);
	EQ(w->site.n_done, 51);
	finish(w);
}

static void head_and_204_have_no_body(void)
{
	struct world *w = start(&plain);
	struct h2_reply *r = h2_ask(&w->c, "HEAD", "/hello", "", NULL);
	AWAIT(w->site.loop, r->closed);
	EQ(r->status, 200);
	EQ(r->body.len, 0);
	OK(strstr(r->fields, "content-length: 5\n") != NULL);
	r = h2_get(&w->c, "/none");
	EQ(r->status, 204);
	EQ(r->body.len, 0);
	OK(!strstr(r->fields, "content-length"));
	finish(w);
}

static void bodies_come_whole_and_in_pieces(void)
{
	struct world *w = start(&plain);
	struct h2_reply *r = h2_ask(&w->c, "POST", "/echo", "content-length: 5\n", "abcde");
	AWAIT(w->site.loop, r->closed);
	EQ_STR(buf_view(&r->body), "abcde");
	r = h2_ask(&w->c, "POST", "/echo", "", "of no told length");
	AWAIT(w->site.loop, r->closed);
	EQ_STR(buf_view(&r->body), "of no told length");
	r = h2_ask(&w->c, "POST", "/echo", "", NULL);
	AWAIT(w->site.loop, r->closed);
	EQ(r->status, 200);
	EQ(r->body.len, 0);
	char *big = xcalloc(1, 1000001);
	memset(big, 'x', 1000000);
	r = h2_ask(&w->c, "PUT", "/count", "", big);
	AWAIT(w->site.loop, (h2_push(&w->c), r->closed));
	EQ_STR(buf_view(&r->body), "1000000");
	free(big);
	finish(w);
}

static void a_body_that_is_too_large_is_refused(void)
{
	struct world *w = start(&plain);
	char big[1200];
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	struct h2_reply *r = h2_ask(&w->c, "POST", "/echo", "content-length: 1199\n", big);
	AWAIT(w->site.loop, r->closed);
	EQ(r->status, 413);
	r = h2_ask(&w->c, "POST", "/echo", "", big);
	AWAIT(w->site.loop, r->closed);
	EQ(r->status, 413);
	EQ(w->site.n_gone, 2);
	EQ(h2_get(&w->c, "/hello")->status, 200);
	finish(w);
}

static void an_unwanted_body_is_dropped_or_reset(void)
{
	struct world *w = start(&plain);
	char *big = xcalloc(1, HTTP_DROP_MAX + 2);
	memset(big, 'x', HTTP_DROP_MAX);
	struct h2_reply *r = h2_ask(&w->c, "POST", "/ignore", "", big);
	AWAIT(w->site.loop, (h2_push(&w->c), r->closed));
	EQ(r->status, 200);
	EQ(r->to_send.len, 0);
	big[HTTP_DROP_MAX] = 'y';
	w->c.replies[1].hold = true;
	r = h2_ask(&w->c, "POST", "/ignore", "", big);
	AWAIT(w->site.loop, (h2_push(&w->c), r->closed));
	EQ(r->status, 200);
	EQ(r->code, NGHTTP2_NO_ERROR);
	w->c.replies[2].hold = true;
	r = h2_ask(&w->c, "POST", "/ignore", "", "a part");
	turns(w, 20);
	OK(r->status == 200 && !r->closed);
	loop_clock_move(w->site.loop, 31 * USEC_PER_SEC);
	turns(w, 5);
	OK(r->closed && r->code == NGHTTP2_NO_ERROR);
	EQ(stats(w)->exchanges, 0);
	free(big);
	finish(w);
}

static void a_client_that_waits_is_told_to_go_on(void)
{
	struct world *w = start(&plain);
	struct h2_reply *r = h2_ask(&w->c, "POST", "/echo", "expect: 100-continue\n", "now");
	AWAIT(w->site.loop, r->closed);
	EQ(r->n_info, 1);
	EQ(r->status, 200);
	EQ_STR(buf_view(&r->body), "now");
	finish(w);
}

static void a_pause_closes_the_window(void)
{
	struct world *w = start(&plain);
	enum { LEN = 400000 };
	char *big = xcalloc(1, LEN + 1);
	memset(big, 'x', LEN);
	w->site.pause_first = true;
	struct h2_reply *r = h2_ask(&w->c, "PUT", "/count", "", big);
	AWAIT(w->site.loop, (h2_push(&w->c), w->site.n_pieces == 1));
	turns(w, 50);
	EQ(w->site.n_pieces, 1);
	OK(r->to_send.len > LEN / 2); /* what the window lets through is less than that */
	EQ(h2_get(&w->c, "/hello")->status, 200);
	http_pause(w->site.counting, false);
	AWAIT(w->site.loop, (h2_push(&w->c), r->closed));
	EQ_STR(buf_view(&r->body), "400000");
	free(big);
	finish(w);
}

static void a_long_answer_waits_for_the_window(void)
{
	struct world *w = start(&plain);
	w->site.amount = 3000000;
	struct h2_reply *r = h2_get(&w->c, "/long");
	EQ(r->body.len, 3000000);
	OK(strstr(r->fields, "content-length: 3000000\n") != NULL);
	w->site.amount = 2000000;
	r = h2_get(&w->c, "/chunks");
	EQ(r->body.len, 2000000);
	OK(!strstr(r->fields, "content-length") && !strstr(r->fields, "transfer-encoding"));
	h2_done(&w->c);
	w->c = (struct h2_client){ .stuck = true };
	h2_connect(&w->c, &w->site);
	w->site.amount = 3000000;
	r = h2_ask(&w->c, "GET", "/long", "", NULL);
	AWAIT(w->site.loop, r->body.len == 65535);
	turns(w, 50);
	OK(w->site.amount > 2000000); /* the handler waits */
	EQ(r->body.len, 65535);
	finish(w);
}

static void what_breaks_off_is_seen_as_broken(void)
{
	struct world *w = start(&plain);
	struct h2_reply *r = h2_get(&w->c, "/broken");
	EQ(r->code, NGHTTP2_INTERNAL_ERROR);
	EQ(h2_get(&w->c, "/hello")->status, 200);
	EQ(stats(w)->aborted, 1);
	EQ(stats(w)->exchanges, 0);
	finish(w);
}

static void a_handler_hears_of_a_reset_and_of_a_lost_connection(void)
{
	struct world *w = start(&plain);
	struct h2_reply *r = h2_ask(&w->c, "GET", "/later", "", NULL);
	AWAIT(w->site.loop, w->site.later != NULL);
	EQ(nghttp2_submit_rst_stream(w->c.session, 0, r->id, NGHTTP2_CANCEL), 0);
	h2_push(&w->c);
	AWAIT(w->site.loop, w->site.n_gone == 1);
	(void)h2_ask(&w->c, "GET", "/later", "", NULL);
	AWAIT(w->site.loop, w->site.later != NULL);
	stream_free(&w->c.stream);
	AWAIT(w->site.loop, w->site.n_gone == 2);
	EQ(stats(w)->conns, 0);
	finish(w);
}

static void broken_requests_are_answered_or_reset(void)
{
	static const struct {
		const char *method, *path, *extra;
		unsigned status; /* 0: the stream is reset */
	} rows[] = {
		{ "GET", "/hello", ":authority: \n", 0 },
		{ "GET", "/hello", ":authority: \nhost: a\n", 200 },
		{ "GET", "/hello", "host: a\n", 200 },
		{ "GET", "/hello", "host: b\n", 400 },
		{ "GET", "/hello", "host: a\nhost: a\n", 0 },
		{ "GET", "/hello", ":authority: u@a\n", 400 },
		{ "GET", "/hello", ":authority: elsewhere\n", 421 },
		{ "GET", "/hello", ":scheme: https\n", 400 },
		{ "GET", "hello", "", 0 },
		{ "GET", "http://a/hello", "", 0 },
		{ "GET", "/hel lo", "", 0 },
		{ "GET", "/hello HTTP/1.1", "", 0 },
		{ "GET", "*", "", 0 },
		{ "G T", "/hello", "", 0 },
		{ "BREW", "/hello", "", 501 },
		{ "TRACE", "/hello", "", 501 },
		{ "CONNECT", "", ":scheme: \n:path: \n:authority: a:1\n", 501 },
		{ "GET", "/hello", "connection: close\n", 0 },
		{ "GET", "/hello", "upgrade: websocket\n", 0 },
		{ "GET", "/hello", "transfer-encoding: chunked\n", 0 },
		{ "GET", "/hello", "te: trailers\n", 200 },
		{ "GET", "/hello", "bad: \x01\n", 400 },
		{ "GET", "/hello", "bad: a\rb\n", 400 },
		{ "GET", "/hello", "b d: x\n", 400 },
		{ "GET", "/hello", "content-length: 5\n", 0 },
		{ "GET", "/hello", "content-length: 0\ncontent-length: 0\n", 0 },
		{ "GET", "/hello", "expect: tea\n", 417 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world *w = start(&plain);
		struct h2_reply *r =
		        h2_ask(&w->c, rows[i].method, rows[i].path, rows[i].extra, NULL);
		AWAIT(w->site.loop, r->closed || w->c.n_closed);
		if (!EQ(r->status, rows[i].status) || !EQ(w->site.n_later + stats(w)->exchanges, 0))
			(void)fprintf(stderr, "# line %zu\n", i);
		EQ(h2_get(&w->c, "/hello")->status, 200); /* the connection goes on */
		finish(w);
	}
}

/* What nghttp2 would not let through, the translation does not either. */
static void the_translation_of_a_head_lets_nothing_through(void)
{
	static const struct {
		const char *name, *value;
	} rows[] = {
		{ "x\r\ny", "z" },
		{ "x", "a\r\nb: c" },
		{ "X", "capital" },
		{ "x y", "z" },
		{ ":other", "z" },
		{ "", "z" },
		{ "connection", "x" },
		{ "upgrade", "x" },
		{ "transfer-encoding", "chunked" },
		{ "content-length", "+1" },
		{ ":path", "/two" },
	};
	struct h2_head h = { .max = 0 };
	for (size_t i = 0; i <= ARRAY_SIZE(rows); i++) {
		RAW_MEMORY struct http_msg m;
		struct buf b = buf_of(HTTP_HEAD_MAX);
		h2_head_reset(&h, 1000);
		OK(h2_head_add(&h, STR(":method"), STR("GET")));
		OK(h2_head_add(&h, STR(":scheme"), STR("https")));
		OK(h2_head_add(&h, STR(":authority"), STR("a")));
		OK(h2_head_add(&h, STR(":path"), STR("/")));
		if (i < ARRAY_SIZE(rows))
			OK(h2_head_add(&h, str_of(rows[i].name), str_of(rows[i].value)));
		struct http_fault f = h2_head_parse(&h, true, true, &b, &m);
		if (!EQ(f.status, i < ARRAY_SIZE(rows) ? 400 : 0))
			(void)fprintf(stderr, "# line %zu\n", i);
		buf_free(&b);
	}
	h2_head_free(&h);
}

static void cookies_come_as_one_field(void)
{
	struct world *w = start(&plain);
	(void)h2_ask(&w->c, "GET", "/later", "cookie: a=1\nx: y\ncookie: b=2\n", NULL);
	AWAIT(w->site.loop, w->site.later != NULL);
	const struct http_msg *m = http_request(w->site.later);
	EQ_STR(http_value(m, HTTP_H_COOKIE), "a=1; b=2");
	EQ_STR(http_value_named(m, STR("X")), "y");
	EQ_STR(m->host, "a");
	EQ_STR(m->path, "/later");
	OK(!m->upgrade);
	finish(w);
}

static void limits_of_the_head_are_told(void)
{
	struct http_server_config cfg = { .head_max = 2000 };
	struct world *w = start(&cfg);
	char field[5000];
	(void)snprintf(field, sizeof(field), "big: %02500d\n", 1);
	struct h2_reply *r = h2_ask(&w->c, "GET", "/hello", field, NULL);
	AWAIT(w->site.loop, r->closed);
	EQ(r->status, 431);
	(void)snprintf(field, sizeof(field), "big: %04800d\n", 1);
	r = h2_ask(&w->c, "GET", "/hello", field, NULL);
	AWAIT(w->site.loop, r->closed);
	EQ(r->status, 0);
	struct buf many = buf_of(5000);
	for (int i = 0; i < HTTP_HEADERS_MAX; i++)
		buf_lit(&many, "a: b\n");
	buf_char(&many, '\0');
	EQ(h2_get(&w->c, "/hello")->status, 200);
	r = h2_ask(&w->c, "GET", "/hello", many.p, NULL);
	AWAIT(w->site.loop, r->closed);
	EQ(r->status, 431);
	buf_free(&many);
	finish(w);
}

static void streams_have_a_limit(void)
{
	struct http_server_config cfg = { .max_streams = 3 };
	struct world *w = start(&cfg);
	EQ(w->c.max_streams, 3);
	OK(!w->c.connect_protocol);
	for (int i = 0; i < 5; i++)
		(void)h2_ask(&w->c, "GET", "/later", "", NULL);
	turns(w, 20);
	EQ(w->site.n_later, 3); /* the client keeps to it and waits with the others */
	finish(w);
}

/* Raw frames behind what nghttp2 has said. */
static void say_frame(struct world *w, uint8_t type, uint8_t flags, uint32_t id, struct str payload)
{
	char raw[64];
	struct buf b = BUF_ON(raw);
	buf_u8(&b, 0);
	buf_u16(&b, (uint16_t)payload.len);
	buf_u8(&b, type);
	buf_u8(&b, flags);
	buf_u32(&b, id);
	buf_str(&b, payload);
	stream_write(w->c.stream, buf_view(&b));
}

static void floods_end_the_connection(void)
{
	static const struct {
		uint8_t type;
		struct str payload;
		bool on_stream;
	} rows[] = {
		{ NGHTTP2_PING, STR_INIT("12345678"), false },
		{ NGHTTP2_SETTINGS, STR_INIT(""), false },
		{ NGHTTP2_PRIORITY, STR_INIT("\0\0\0\0\1"), true },
		{ NGHTTP2_DATA, STR_INIT(""), true },
		{ NGHTTP2_WINDOW_UPDATE, STR_INIT("\0\0\0\1"), false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world *w = start(&plain);
		w->c.replies[0].hold = true;
		struct h2_reply *r = h2_ask(&w->c, "POST", "/later", "", "x");
		for (int n = 0; n < 4000 && w->c.stream; n++) {
			say_frame(w, rows[i].type, 0, rows[i].on_stream ? (uint32_t)r->id : 0,
			          rows[i].payload);
			if (n % 100 == 0)
				loop_turn(w->site.loop, 0);
		}
		AWAIT(w->site.loop, w->c.n_closed == 1);
		/* Too many answers to its settings are more than the client can bear. */
		if (rows[i].type != NGHTTP2_SETTINGS)
			EQ(w->c.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
		if (!EQ(stats(w)->h2_calmed, 1))
			(void)fprintf(stderr, "# line %zu\n", i);
		AWAIT(w->site.loop, w->site.n_gone == 1);
		finish(w);
	}
}

static void requests_that_are_taken_back_at_once_end_the_connection(void)
{
	struct world *w = start(&plain);
	for (int i = 0; i < 400 && w->c.stream; i++) {
		struct h2_reply *r = h2_ask(&w->c, "GET", "/later", "", NULL);
		EQ(nghttp2_submit_rst_stream(w->c.session, 0, r->id, NGHTTP2_CANCEL), 0);
		h2_push(&w->c);
		if (i % 20 == 0)
			loop_turn(w->site.loop, 0);
	}
	AWAIT(w->site.loop, w->c.n_closed == 1);
	EQ(w->c.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
	OK(w->site.n_later <= 250);
	AWAIT(w->site.loop, w->site.n_gone == w->site.n_later);
	finish(w);
}

static void what_is_no_http_2_is_ended(void)
{
	struct world *w = start(&plain);
	say_frame(w, NGHTTP2_DATA, 0, 7, STR("of no stream"));
	AWAIT(w->site.loop, w->c.n_closed == 1);
	EQ(w->c.goaway, NGHTTP2_PROTOCOL_ERROR);
	finish(w);
}

static void move(struct world *w, unsigned s)
{
	loop_clock_move(w->site.loop, s * USEC_PER_SEC);
	turns(w, 3);
}

static void slow_clients_are_given_up(void)
{
	struct world *w = start(&plain);
	loop_clock_move(w->site.loop, 0);
	w->c.replies[0].hold = true;
	struct h2_reply *r = h2_ask(&w->c, "POST", "/echo", "", "part");
	turns(w, 10);
	move(w, 29);
	OK(!r->closed);
	move(w, 2);
	turns(w, 20);
	EQ(r->status, 408);
	EQ(w->site.n_gone, 1);
	EQ(stats(w)->timeouts_body, 1);
	move(w, 31); /* for the end of what nobody wants any more */
	turns(w, 20);
	OK(r->closed && r->code == NGHTTP2_NO_ERROR);
	say_frame(w, NGHTTP2_HEADERS, 0, 3, STR("\x82"));
	turns(w, 10);
	move(w, 11);
	turns(w, 20);
	EQ(w->c.n_closed, 1);
	EQ(stats(w)->timeouts_head, 1);
	finish(w);
}

static void a_reader_that_opens_no_window_is_given_up(void)
{
	struct world *w = xnew(struct world);
	site_start(&w->site, &plain);
	w->c.stuck = true;
	h2_connect(&w->c, &w->site);
	loop_clock_move(w->site.loop, 0);
	w->site.amount = 3000000;
	struct h2_reply *r = h2_ask(&w->c, "GET", "/long", "", NULL);
	for (int i = 0; i < 1000 && r->body.len < 65535; i++)
		turns(w, 1);
	EQ(r->body.len, 65535);
	move(w, 31);
	turns(w, 20);
	OK(r->closed && r->code == NGHTTP2_CANCEL);
	EQ(w->site.n_gone, 1);
	EQ(stats(w)->timeouts_send, 1);
	finish(w);
}

static void an_idle_connection_is_ended_whatever_it_pings(void)
{
	struct world *w = start(&plain);
	loop_clock_move(w->site.loop, 0);
	for (int i = 0; i < 7 && !w->c.n_goaway; i++) {
		EQ(nghttp2_submit_ping(w->c.session, 0, NULL), 0);
		move(w, 9);
	}
	EQ(w->c.n_goaway, 1);
	EQ(w->c.goaway, NGHTTP2_NO_ERROR);
	turns(w, 20);
	EQ(w->c.n_closed, 1);
	finish(w);
}

static void on_stopped(void *arg)
{
	*(bool *)arg = true;
}

static void a_stop_waits_for_the_answers(void)
{
	struct world *w = start(&plain);
	bool stopped = false;
	struct h2_reply *r = h2_ask(&w->c, "GET", "/later", "", NULL);
	AWAIT(w->site.loop, w->site.later != NULL);
	http_server_stop(w->site.server, on_stopped, &stopped);
	AWAIT(w->site.loop, w->c.n_goaway == 1);
	EQ(w->c.goaway, NGHTTP2_NO_ERROR);
	EQ(w->c.last_id, r->id);
	OK(!stopped && !w->c.n_closed);
	http_answer(take(&w->site.later), 200, STR(""), STR("the last"));
	AWAIT(w->site.loop, stopped && w->c.n_closed == 1);
	EQ_STR(buf_view(&r->body), "the last");
	finish(w);
}

int main(void)
{
	RUN(many_requests_share_a_connection);
	RUN(head_and_204_have_no_body);
	RUN(bodies_come_whole_and_in_pieces);
	RUN(a_body_that_is_too_large_is_refused);
	RUN(an_unwanted_body_is_dropped_or_reset);
	RUN(a_client_that_waits_is_told_to_go_on);
	RUN(a_pause_closes_the_window);
	RUN(a_long_answer_waits_for_the_window);
	RUN(what_breaks_off_is_seen_as_broken);
	RUN(a_handler_hears_of_a_reset_and_of_a_lost_connection);
	RUN(broken_requests_are_answered_or_reset);
	RUN(the_translation_of_a_head_lets_nothing_through);
	RUN(cookies_come_as_one_field);
	RUN(limits_of_the_head_are_told);
	RUN(streams_have_a_limit);
	RUN(floods_end_the_connection);
	RUN(requests_that_are_taken_back_at_once_end_the_connection);
	RUN(what_is_no_http_2_is_ended);
	RUN(slow_clients_are_given_up);
	RUN(a_reader_that_opens_no_window_is_given_up);
	RUN(an_idle_connection_is_ended_whatever_it_pings);
	RUN(a_stop_waits_for_the_answers);
	return tap_done();
}
