#include <assert.h>
#include <unistd.h>

#include "base/code.h"
#include "stack/ws/inside.h"

/* A connection over a socket pair, as a server from its handshake on or as a client: the input is
 * what the peer sends, in steps whose lengths are in it too, while the owner does something else
 * each time. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS_MAX = 200, ANSWER = 3000, MESSAGE_MAX = 2000 };

enum habit { ECHO = 1, CLOSE = 2, PAUSE = 4, LONG_TURNS = 8, RAW_HANDSHAKE = 16, CLIENT = 32 };

struct world {
	struct loop *loop;
	struct http_server *server;
	struct ws_host *host;
	struct ws *ws;
	unsigned habits, n_messages, n_begun, n_closed;
	bool paused;
};

/* The clock stands and is moved, so that no turn waits and what has a time limit meets it. */
static void turn(struct world *w)
{
	loop_clock_move(w->loop, (w->habits & LONG_TURNS ? 7000 : 1) * USEC_PER_MSEC);
	loop_turn(w->loop, 0);
}

static void on_message(void *arg, bool text, struct str message)
{
	struct world *w = arg;
	static const char block[ANSWER];
	assert(message.len <= MESSAGE_MAX && !w->n_closed);
	for (struct str s = message; text && s.len > 0;) {
		size_t n = utf8_seq_len(s);
		assert(n > 0);
		s = str_sub(s, n, s.len);
	}
	w->n_messages++;
	if (w->habits & ECHO)
		(void)ws_send(w->ws, text, w->n_messages & 1 ? message : str_n(block, ANSWER));
	if (w->habits & PAUSE) {
		w->paused = true;
		ws_pause(w->ws, true);
	}
	if (w->habits & CLOSE && w->n_messages == 3)
		ws_close(w->ws, WS_NORMAL, message);
}

static void on_closed(void *arg, unsigned code, struct str why UNUSED)
{
	struct world *w = arg;
	assert(code >= WS_NORMAL);
	w->n_closed++;
	ws_free(&w->ws);
}

static const struct ws_ops ops = { .message = on_message, .closed = on_closed };

static void on_request(void *arg, struct http_exchange *x)
{
	struct world *w = arg;
	if (w->ws) {
		http_refuse(x, 503, "Once is enough.");
		return;
	}
	w->ws = ws_accept(w->host, x, &ops, w);
	w->n_begun += w->ws != NULL;
}

static void send_steps(struct world *w, int fd, struct str in)
{
	char sink[4096];
	for (int i = 0; i < TURNS_MAX && in.len > 0; i++) {
		size_t n = MIN((size_t)(uint8_t)in.p[0] + 1, in.len - 1);
		if (n > 0 && send(fd, in.p + 1, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		in = str_sub(in, n + 1, in.len);
		turn(w);
		while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
		if (w->paused && i & 1 && w->ws) {
			w->paused = false;
			ws_pause(w->ws, false);
		}
	}
	for (int i = 0; i < 6; i++)
		turn(w);
}

static void serve(struct world *w, int fd)
{
	static const struct http_server_ops http_ops = { .request = on_request };
	static const struct http_server_config plain = { 0 };
	w->server = http_server_new(w->loop, &plain, &http_ops, w);
	http_server_take(w->server, fd, false, NULL);
}

static void say_hello(struct world *w, int fd)
{
	static const char hello[] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
	                            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
	                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	ssize_t n = send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL);
	assert(n == (ssize_t)sizeof(hello) - 1);
	for (int i = 0; i < 4 && !w->ws; i++)
		turn(w);
	assert(w->ws);
}

/* A client whose handshake is done. */
static void attend(struct world *w, int fd)
{
	struct stream_limits lim = ws_stream_limits(w->host);
	w->ws = ws_new(w->host, WS_CLIENT, &ops, w);
	w->ws->stream = stream_accept(w->loop, fd, NULL, &lim, &ws_stream_ops, w->ws);
	ws_begin(w->ws);
	w->n_begun++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ws_config cfg = { .message_max = MESSAGE_MAX, .unsent_max = 5000 };
	int fds[2];
	if (size < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return 0;
	struct world w = { .loop = loop_new(), .habits = data[0] };
	loop_clock_move(w.loop, USEC_PER_MSEC - loop_now(w.loop) % USEC_PER_MSEC);
	w.host = ws_host_new(w.loop, &cfg);
	if (w.habits & CLIENT)
		attend(&w, fds[0]);
	else
		serve(&w, fds[0]);
	if (!(w.habits & (CLIENT | RAW_HANDSHAKE)))
		say_hello(&w, fds[1]);
	send_steps(&w, fds[1], str_n((const char *)data + 1, size - 1));
	(void)close(fds[1]);
	for (int i = 0; i < 3; i++)
		turn(&w);
	assert(w.n_closed <= w.n_begun);
	ws_free(&w.ws);
	assert(ws_host_stats(w.host)->conns == 0);
	http_server_free(&w.server);
	ws_host_free(&w.host);
	turn(&w);
	loop_free(&w.loop);
	return 0;
}
