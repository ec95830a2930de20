#include "stack/ws/ws.h"

#include "loop/ends.h"

/* A server that answers each message with itself, raw clients and our own. */

struct talk {
	struct ws *ws;
	unsigned n_opened, n_closed, n_room, n_messages, code;
	bool text, echo, shut, hold;
	char why[128];
	struct buf last;
};

struct world {
	struct loop *loop;
	struct http_server *server;
	struct ws_host *host;
	struct addr at;
	struct end client;
	struct talk there, here; /* the server's end, and that of our own client */
};

static void on_opened(void *arg)
{
	struct talk *t = arg;
	t->n_opened++;
}

static void on_message(void *arg, bool text, struct str message)
{
	struct talk *t = arg;
	t->n_messages++;
	t->text = text;
	t->last.len = 0;
	buf_str(&t->last, message);
	if (t->echo)
		(void)ws_send(t->ws, text, message);
	if (t->shut)
		ws_close(t->ws, 4000, STR("enough"));
	if (t->hold)
		ws_pause(t->ws, true);
}

static void on_closed(void *arg, unsigned code, struct str why)
{
	struct talk *t = arg;
	t->n_closed++;
	t->code = code;
	(void)snprintf(t->why, sizeof(t->why), "%" STR_FMT, STR_ARG(why));
	ws_free(&t->ws);
}

static void on_room(void *arg)
{
	struct talk *t = arg;
	t->n_room++;
}

static const struct ws_ops talk_ops = {
	.opened = on_opened, .message = on_message, .closed = on_closed, .room = on_room
};

static void on_request(void *arg, struct http_exchange *x)
{
	struct world *w = arg;
	struct ws *ws = ws_accept(w->host, x, &talk_ops, &w->there);
	w->there.ws = ws ? ws : w->there.ws;
}

static void start(struct world *w, const struct ws_config *cfg)
{
	static const struct http_server_ops ops = { .request = on_request };
	const struct http_server_config plain = { 0 };
	*w = (struct world){ .loop = loop_new() };
	w->there.last = w->here.last = buf_of(END_MAX);
	w->there.echo = true;
	w->host = ws_host_new(w->loop, cfg);
	w->server = http_server_new(w->loop, &plain, &ops, w);
	http_server_listen(w->server, door_socket(SOCK_STREAM, "127.0.0.1", &w->at), false, NULL);
}

static void finish(struct world *w)
{
	end_done(&w->client);
	ws_free(&w->there.ws);
	ws_free(&w->here.ws);
	buf_free(&w->there.last);
	buf_free(&w->here.last);
	http_server_free(&w->server);
	ws_host_free(&w->host);
	loop_free(&w->loop);
}

static void connect_raw(struct world *w)
{
	static const struct stream_limits lim = { .read_max = 1000,
		                                  .write_max = END_MAX,
		                                  .open_max = 30 * USEC_PER_SEC };
	end_done(&w->client);
	w->client = (struct end){ .got = buf_of(END_MAX) };
	w->client.s = stream_connect(w->loop, &w->at, NULL, STR(""), &lim, &end_ops, &w->client);
	AWAIT(w->loop, w->client.n_opened == 1);
}

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define HELLO "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"

/* Sends a request with these fields; true if the answer begins with `want`. */
static bool answers(struct world *w, const char *fields, const char *want)
{
	connect_raw(w);
	stream_write(w->client.s, STR("GET /ws HTTP/1.1\r\nHost: a\r\n"));
	stream_write(w->client.s, str_of(fields));
	stream_write(w->client.s, STR("\r\n"));
	AWAIT(w->loop, str_find(buf_view(&w->client.got), STR("\r\n\r\n")) >= 0);
	return str_starts(buf_view(&w->client.got), str_of(want));
}

static bool has(struct world *w, const char *line)
{
	return str_find(buf_view(&w->client.got), str_of(line)) >= 0;
}

/* A raw connection whose handshake is done. */
static void open_raw(struct world *w, const struct ws_config *cfg)
{
	start(w, cfg);
	OK(answers(w, HELLO V13 KEY, "HTTP/1.1 101 "));
	w->client.got.len = 0;
}

/* A frame with a mask that changes something; `first` is FIN, RSV and opcode. */
static void say(struct world *w, uint8_t first, struct str payload)
{
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	struct buf b = buf_of(END_MAX);
	buf_u8(&b, first);
	if (payload.len < 126) {
		buf_u8(&b, (uint8_t)(0x80 | payload.len));
	} else if (payload.len <= UINT16_MAX) {
		buf_u8(&b, 0x80 | 126);
		buf_u16(&b, (uint16_t)payload.len);
	} else {
		buf_u8(&b, 0x80 | 127);
		buf_u64(&b, payload.len);
	}
	buf_put(&b, mask, sizeof(mask));
	for (size_t i = 0; i < payload.len; i++)
		buf_u8(&b, (uint8_t)(payload.p[i] ^ mask[i & 3]));
	stream_write(w->client.s, buf_view(&b));
	buf_free(&b);
}

/* Waits for exactly these bytes. */
static void heard(struct world *w, struct str want)
{
	AWAIT(w->loop, w->client.got.len >= want.len);
	OK(str_eq(buf_view(&w->client.got), want));
	w->client.got.len = 0;
}

static void is_closed_with(struct world *w, unsigned code)
{
	AWAIT(w->loop, w->there.n_closed == 1 && w->client.n_closed == 1);
	EQ(w->there.code, code);
	EQ(ws_host_stats(w->host)->conns, 0);
}

/* The server has sent a Close with this code, and whatever reason. */
static void was_told(struct world *w, unsigned code)
{
	AWAIT(w->loop, w->client.got.len >= 4);
	const uint8_t *p = (const uint8_t *)w->client.got.p;
	EQ(p[0], 0x88);
	EQ(p[2] << 8 | p[3], code);
}

/* The handshake. */

static const struct ws_config none;

static void the_key_of_the_rfc_gets_its_answer(void)
{
	struct world w;
	start(&w, &none);
	OK(answers(&w, HELLO V13 KEY, "HTTP/1.1 101 Switching Protocols\r\n"));
	OK(has(&w, "\r\nUpgrade: websocket\r\n"));
	OK(has(&w, "\r\nConnection: Upgrade\r\n"));
	OK(has(&w, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
	OK(!has(&w, "Sec-WebSocket-Protocol") && !has(&w, "Extensions"));
	finish(&w);
}

static void what_is_no_websocket_is_refused(void)
{
	static const struct {
		const char *fields, *want;
	} table[] = {
		{ "", "HTTP/1.1 426 " },
		{ "Upgrade: websocket\r\n" V13 KEY, "HTTP/1.1 426 " },
		{ "Connection: Upgrade\r\nUpgrade: talk\r\n" V13 KEY, "HTTP/1.1 426 " },
		{ HELLO KEY, "HTTP/1.1 426 " },
		{ HELLO "Sec-WebSocket-Version: 8\r\n" KEY, "HTTP/1.1 426 " },
		{ HELLO V13 V13 KEY, "HTTP/1.1 426 " },
		{ HELLO V13, "HTTP/1.1 400 " },
		{ HELLO V13 KEY KEY, "HTTP/1.1 400 " },
		{ HELLO V13 "Sec-WebSocket-Key: c2hvcnQ=\r\n", "HTTP/1.1 400 " },
		{ HELLO V13 "Sec-WebSocket-Key: ????????????????????????\r\n", "HTTP/1.1 400 " },
		{ HELLO V13 KEY "Sec-WebSocket-Protocol: a,,b\r\n", "HTTP/1.1 400 " },
		{ HELLO V13 KEY "Content-Length: 1\r\n", "HTTP/1.1 400 " },
	};
	struct world w;
	start(&w, &none);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (!OK(answers(&w, table[i].fields, table[i].want)))
			(void)fprintf(stderr, "# line %zu\n", i);
	OK(answers(&w, HELLO KEY, "HTTP/1.1 426 ") && has(&w, "\r\nSec-WebSocket-Version: 13\r\n"));
	EQ(ws_host_stats(w.host)->refused, ARRAY_SIZE(table) + 1);
	EQ(ws_host_stats(w.host)->opened, 0);
	finish(&w);
}

static void pages_of_other_origins_are_refused(void)
{
	static const struct str ours[] = { STR_INIT("https://a.test"), STR_INIT("https://b.test") };
	struct ws_config cfg = { .origins = ours, .n_origins = 2 };
	struct world w;
	start(&w, &cfg);
	OK(answers(&w, HELLO V13 KEY "Origin: https://b.test\r\n", "HTTP/1.1 101 "));
	ws_free(&w.there.ws);
	OK(answers(&w, HELLO V13 KEY "Origin: https://evil.test\r\n", "HTTP/1.1 403 "));
	OK(answers(&w, HELLO V13 KEY "Origin: null\r\n", "HTTP/1.1 403 "));
	OK(answers(&w, HELLO V13 KEY "Origin: https://a.test\r\nOrigin: https://a.test\r\n",
	           "HTTP/1.1 403 "));
	OK(answers(&w, HELLO V13 KEY, "HTTP/1.1 101 "));
	finish(&w);
	cfg.origin_required = true;
	start(&w, &cfg);
	OK(answers(&w, HELLO V13 KEY, "HTTP/1.1 403 "));
	finish(&w);
}

static void the_best_subprotocol_that_both_speak_is_chosen(void)
{
	static const struct str ours[] = { STR_INIT("im.2"), STR_INIT("im.1") };
	struct ws_config cfg = { .protocols = ours, .n_protocols = 2 };
	struct world w;
	start(&w, &cfg);
	OK(answers(&w,
	           HELLO V13 KEY "Sec-WebSocket-Protocol: im.1, chat\r\n"
	                         "Sec-WebSocket-Protocol: im.2\r\n",
	           "HTTP/1.1 101 "));
	OK(has(&w, "\r\nSec-WebSocket-Protocol: im.2\r\n"));
	EQ_STR(ws_protocol(w.there.ws), "im.2");
	ws_free(&w.there.ws);
	OK(answers(&w, HELLO V13 KEY "Sec-WebSocket-Protocol: chat\r\n", "HTTP/1.1 400 "));
	OK(answers(&w, HELLO V13 KEY, "HTTP/1.1 400 "));
	finish(&w);
}

/* Frames. */

static void messages_come_and_go_in_all_lengths(void)
{
	static const size_t lens[] = { 0, 1, 125, 126, 65535, 65536, 100000 };
	static const char text[100000];
	struct ws_config cfg = { .message_max = 100000 };
	struct world w;
	open_raw(&w, &cfg);
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		size_t head = lens[i] < 126 ? 2 : lens[i] <= UINT16_MAX ? 4 : 10;
		say(&w, 0x82, str_n(text, lens[i]));
		AWAIT(w.loop, w.client.got.len == head + lens[i]);
		EQ(w.there.last.len, lens[i]);
		OK(!w.there.text && (uint8_t)w.client.got.p[0] == 0x82);
		w.client.got.len = 0;
	}
	say(&w, 0x81, STR("gr\xc3\xbc\xc3\x9f"));
	heard(&w, STR("\x81\x06gr\xc3\xbc\xc3\x9f"));
	OK(w.there.text);
	EQ(ws_host_stats(w.host)->messages_in, ARRAY_SIZE(lens) + 1);
	finish(&w);
}

static void a_frame_may_come_byte_by_byte(void)
{
	static const char frame[] = "\x81\x85\x00\x00\x00\x00hello";
	struct world w;
	open_raw(&w, &none);
	for (size_t i = 0; i < sizeof(frame) - 1; i++) {
		stream_write(w.client.s, str_n(frame + i, 1));
		loop_turn(w.loop, USEC_PER_MSEC);
		loop_turn(w.loop, USEC_PER_MSEC);
	}
	heard(&w, STR("\x81\x05hello"));
	finish(&w);
}

static void pings_between_the_parts_of_a_message_are_answered(void)
{
	struct world w;
	open_raw(&w, &none);
	say(&w, 0x01, STR("a\xc3"));
	say(&w, 0x89, STR("are you there"));
	heard(&w, STR("\x8a\x0d"
	              "are you there"));
	EQ(w.there.n_messages, 0);
	say(&w, 0x80,
	    STR("\xbc"
	        "b"));
	heard(&w, STR("\x81\x04"
	              "a\xc3\xbc"
	              "b"));
	finish(&w);
}

static void broken_frames_end_the_connection(void)
{
	static const struct {
		struct str bytes;
		unsigned code;
	} table[] = {
		{ STR_INIT("\x81\x05hello"), 1002 },                    /* no mask */
		{ STR_INIT("\xc1\x80\x00\x00\x00\x00"), 1002 },         /* RSV1 */
		{ STR_INIT("\x83\x80\x00\x00\x00\x00"), 1002 },         /* unknown opcode */
		{ STR_INIT("\x80\x80\x00\x00\x00\x00"), 1002 },         /* nothing to continue */
		{ STR_INIT("\x09\x80\x00\x00\x00\x00"), 1002 },         /* a ping in parts */
		{ STR_INIT("\x89\xfe\x00\x7e\x00\x00\x00\x00"), 1002 }, /* a long ping */
		{ STR_INIT("\x81\xfe\x00\x05\x00\x00\x00\x00hello"), 1002 }, /* a long form */
		{ STR_INIT("\x01\x80\x00\x00\x00\x00\x81\x80\x00\x00\x00\x00"), 1002 },
		{ STR_INIT("\x81\x81\x00\x00\x00\x00\xff"), 1007 },
		{ STR_INIT("\x81\x83\x00\x00\x00\x00\xed\xa0\x80"), 1007 }, /* a surrogate */
		{ STR_INIT("\x81\x82\x00\x00\x00\x00\xe2\x82"), 1007 },     /* cut off */
		{ STR_INIT("\x88\x82\x00\x00\x00\x00\x03\xed"), 1002 },     /* 1005 */
		{ STR_INIT("\x88\x83\x00\x00\x00\x00\x03\xe8\xff"), 1007 },
		{ STR_INIT("\x82\xff\x00\x00\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00x"), 1009 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct world w;
		open_raw(&w, &none);
		stream_write(w.client.s, table[i].bytes);
		was_told(&w, table[i].code);
		stream_close(w.client.s);
		is_closed_with(&w, table[i].code);
		if (!EQ(w.there.n_messages, 0))
			(void)fprintf(stderr, "# line %zu\n", i);
		finish(&w);
	}
}

static void limits_end_the_connection(void)
{
	static const char text[WS_CONTROL_LEN_MAX];
	struct ws_config cfg = { .message_max = WS_CONTROL_LEN_MAX,
		                 .frames_max = 3,
		                 .control_max = 5 };
	struct world w;
	open_raw(&w, &cfg);
	say(&w, 0x82, str_n(text, WS_CONTROL_LEN_MAX));
	say(&w, 0x02, str_n(text, WS_CONTROL_LEN_MAX));
	say(&w, 0x80, STR("7"));
	AWAIT(w.loop, w.client.got.len >= WS_CONTROL_LEN_MAX + 6);
	buf_drop(&w.client.got, WS_CONTROL_LEN_MAX + 2);
	was_told(&w, 1009);
	finish(&w);
	open_raw(&w, &cfg);
	for (int i = 0; i < 4; i++)
		say(&w, i ? 0x00 : 0x02, STR("x"));
	was_told(&w, 1008);
	stream_close(w.client.s);
	is_closed_with(&w, 1008);
	finish(&w);
	open_raw(&w, &cfg);
	for (int i = 0; i < 6; i++)
		say(&w, 0x8a, STR("so what"));
	was_told(&w, 1008);
	finish(&w);
}

/* The end. */

static void a_close_is_answered(void)
{
	struct world w;
	open_raw(&w, &none);
	say(&w, 0x88,
	    STR("\x03\xe9"
	        "bye"));
	heard(&w, STR("\x88\x05\x03\xe9"
	              "bye"));
	stream_close(w.client.s);
	is_closed_with(&w, 1001);
	EQ_STR(str_of(w.there.why), "bye");
	finish(&w);
	open_raw(&w, &none);
	say(&w, 0x88, STR(""));
	AWAIT(w.loop, w.client.got.len >= 2);
	stream_close(w.client.s);
	is_closed_with(&w, WS_NO_CODE);
	finish(&w);
}

static void a_connection_that_breaks_is_told_as_such(void)
{
	struct world w;
	open_raw(&w, &none);
	stream_free(&w.client.s);
	AWAIT(w.loop, w.there.n_closed == 1);
	EQ(w.there.code, WS_ABNORMAL);
	finish(&w);
}

static void a_handler_may_close_while_it_is_told(void)
{
	struct world w;
	open_raw(&w, &none);
	w.there.shut = true;
	say(&w, 0x81, STR("one"));
	say(&w, 0x81, STR("two"));
	heard(&w, STR("\x81\x03one\x88\x08\x0f\xa0"
	              "enough"));
	EQ(w.there.n_messages, 1);
	EQ(w.there.n_closed, 0);
	say(&w, 0x88, STR("\x0f\xa1"));
	stream_close(w.client.s);
	is_closed_with(&w, 4001);
	finish(&w);
}

static void who_does_not_close_is_not_waited_for(void)
{
	struct world w;
	open_raw(&w, &none);
	ws_host_close_all(w.host, WS_GOING_AWAY, STR("a new version"));
	was_told(&w, 1001);
	OK(ws_send(w.there.ws, true, STR("dropped")));
	loop_clock_move(w.loop, 6 * USEC_PER_SEC); /* close_s, and then stream_close_late() */
	for (int i = 0; i < 9 && !w.there.n_closed; i++) {
		loop_clock_move(w.loop, USEC_PER_SEC);
		loop_turn(w.loop, USEC_PER_MSEC);
	}
	EQ(w.there.n_closed, 1);
	EQ(w.there.code, 1001);
	finish(&w);
}

static void silence_is_asked_and_then_ended(void)
{
	struct ws_config cfg = { .ping_s = 10, .answer_s = 5 };
	struct world w;
	open_raw(&w, &cfg);
	loop_clock_move(w.loop, 9 * USEC_PER_SEC);
	loop_turn(w.loop, USEC_PER_MSEC);
	EQ(w.client.got.len, 0);
	loop_clock_move(w.loop, 2 * USEC_PER_SEC);
	AWAIT(w.loop, w.client.got.len == 2);
	heard(&w, STR("\x89\x00"));
	say(&w, 0x8a, STR(""));
	for (int i = 0; i < 10; i++)
		loop_turn(w.loop, USEC_PER_MSEC);
	loop_clock_move(w.loop, 6 * USEC_PER_SEC);
	loop_turn(w.loop, USEC_PER_MSEC);
	EQ(w.there.n_closed, 0);
	for (int i = 0; i < 30 && !w.there.n_closed; i++) {
		loop_clock_move(w.loop, USEC_PER_SEC);
		loop_turn(w.loop, USEC_PER_MSEC);
	}
	EQ(w.there.n_closed, 1);
	EQ(w.there.code, WS_ABNORMAL);
	EQ(ws_host_stats(w.host)->silent, 1);
	finish(&w);
}

static void a_slow_reader_is_waited_for_and_then_given_up(void)
{
	static const char block[60000];
	struct ws_config cfg = { .unsent_max = 400000 };
	struct world w;
	open_raw(&w, &cfg);
	stream_pause(w.client.s, true);
	bool go = true;
	/* The kernel takes some of it first. */
	for (int i = 0; i < 1000 && go; i++) {
		go = ws_send(w.there.ws, false, str_n(block, sizeof(block)));
		loop_turn(w.loop, 0);
	}
	OK(!go && ws_unsent(w.there.ws) >= WS_SEND_HIGH && w.there.n_room == 0);
	stream_pause(w.client.s, false);
	AWAIT(w.loop, (w.client.got.len = 0, w.there.n_room == 1));
	stream_pause(w.client.s, true);
	for (int i = 0; i < 1000 && !ws_host_stats(w.host)->slow; i++) {
		(void)ws_send(w.there.ws, false, str_n(block, sizeof(block)));
		loop_turn(w.loop, 0);
	}
	EQ(ws_host_stats(w.host)->slow, 1);
	stream_pause(w.client.s, false);
	AWAIT(w.loop, (w.client.got.len = 0, w.there.n_closed == 1));
	EQ(w.there.code, WS_TRY_AGAIN);
	finish(&w);
}

static void a_paused_connection_is_not_read(void)
{
	struct world w;
	open_raw(&w, &none);
	w.there.hold = true;
	say(&w, 0x81, STR("one"));
	heard(&w, STR("\x81\x03one"));
	say(&w, 0x81, STR("two"));
	for (int i = 0; i < 10; i++)
		loop_turn(w.loop, USEC_PER_MSEC);
	EQ(w.there.n_messages, 1);
	w.there.hold = false;
	ws_pause(w.there.ws, false);
	heard(&w, STR("\x81\x03two"));
	finish(&w);
}

/* Our own client. */

static void dial_with(struct world *w, const char *origin, const char *protocol,
                      const struct http_field *fields, size_t n_fields)
{
	struct ws_connect_config c = { .to = w->at,
		                       .authority = STR("a"),
		                       .target = STR("/ws"),
		                       .origin = str_of(origin),
		                       .protocol = str_of(protocol),
		                       .fields = fields,
		                       .n_fields = n_fields };
	w->here.n_opened = w->here.n_closed = 0;
	w->here.ws = ws_connect(w->host, &c, &talk_ops, &w->here);
	AWAIT(w->loop, w->here.n_opened || w->here.n_closed);
}

static void dial(struct world *w, const char *origin, const char *protocol)
{
	dial_with(w, origin, protocol, NULL, 0);
}

static void our_client_talks_to_our_server(void)
{
	static const struct str ours[] = { STR_INIT("im.1") };
	struct ws_config cfg = { .protocols = ours, .n_protocols = 1 };
	struct world w;
	start(&w, &cfg);
	dial(&w, "https://a.test", "im.1");
	EQ(w.here.n_opened, 1);
	EQ_STR(ws_protocol(w.here.ws), "im.1");
	for (unsigned i = 1; i <= 100; i++) {
		OK(ws_send(w.here.ws, true, STR("over and over")));
		AWAIT(w.loop, w.here.n_messages == i);
	}
	EQ_STR(buf_view(&w.here.last), "over and over");
	ws_close(w.here.ws, WS_NORMAL, STR("done"));
	AWAIT(w.loop, w.here.n_closed == 1 && w.there.n_closed == 1);
	EQ(w.here.code, WS_NORMAL);
	EQ(w.there.code, WS_NORMAL);
	EQ_STR(str_of(w.there.why), "done");
	finish(&w);
}

static void our_client_hears_that_it_is_refused(void)
{
	static const struct str ours[] = { STR_INIT("https://a.test") };
	struct ws_config cfg = { .origins = ours, .n_origins = 1 };
	struct world w;
	start(&w, &cfg);
	dial(&w, "https://b.test", "");
	EQ(w.here.n_opened, 0);
	EQ(w.here.code, WS_ABNORMAL);
	EQ_STR(str_of(w.here.why), "the server does not want to");
	dial(&w, "https://a.test", "not.spoken");
	EQ(w.here.n_opened, 0);
	EQ_STR(str_of(w.here.why), "the server agrees to what was not offered");
	finish(&w);
}

static void our_client_sends_the_fields_that_it_is_given(void)
{
	static const struct http_field fields[] = {
		{ STR_INIT("Cookie"), STR_INIT("a=b") },
		{ STR_INIT("Origin"), STR_INIT("https://a.test") },
	};
	struct ws_config cfg = { .origin_required = true };
	struct world w;
	start(&w, &cfg);
	dial_with(&w, "", "", fields, 1);
	EQ(w.here.n_opened, 0);
	dial_with(&w, "", "", fields, ARRAY_SIZE(fields));
	EQ(w.here.n_opened, 1);
	finish(&w);
}

int main(void)
{
	RUN(the_key_of_the_rfc_gets_its_answer);
	RUN(what_is_no_websocket_is_refused);
	RUN(pages_of_other_origins_are_refused);
	RUN(the_best_subprotocol_that_both_speak_is_chosen);
	RUN(messages_come_and_go_in_all_lengths);
	RUN(a_frame_may_come_byte_by_byte);
	RUN(pings_between_the_parts_of_a_message_are_answered);
	RUN(broken_frames_end_the_connection);
	RUN(limits_end_the_connection);
	RUN(a_close_is_answered);
	RUN(a_connection_that_breaks_is_told_as_such);
	RUN(a_handler_may_close_while_it_is_told);
	RUN(who_does_not_close_is_not_waited_for);
	RUN(silence_is_asked_and_then_ended);
	RUN(a_slow_reader_is_waited_for_and_then_given_up);
	RUN(a_paused_connection_is_not_read);
	RUN(our_client_talks_to_our_server);
	RUN(our_client_hears_that_it_is_refused);
	RUN(our_client_sends_the_fields_that_it_is_given);
	return tap_done();
}
