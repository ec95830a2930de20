#include <assert.h>
#include <unistd.h>

#include "stack/http/h2.h"

/* HTTP/2 over a socket pair: the preface, then the input in steps whose lengths are in it too,
 * while the handler does something else each time.  Frames are written as they come, so the fuzzer
 * has their heads in its hands. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS_MAX = 200, ANSWER = 3000 };

enum habit { EARLY = 1, PAUSE = 2, UNKNOWN_LEN = 4, LONG_TURNS = 8 }; /* and a kind of answer */

struct world {
	struct loop *loop;
	struct http_server *server;
	struct http_exchange *x; /* that waits for us */
	unsigned habits, n, n_asked, n_over;
	bool paused;
};

static void turn(struct world *w)
{
	loop_clock_move(w->loop, (w->habits & LONG_TURNS ? 7000 : 1) * USEC_PER_MSEC);
	loop_turn(w->loop, 0);
}

/* The one that waits; several may be under way. */
static void on_waiting_gone(void *user)
{
	struct world *w = user;
	w->x = NULL;
	w->n_over++;
}

static void on_gone(void *user)
{
	struct world *w = user;
	w->n_over++;
}

static void wait_for_us(struct world *w, struct http_exchange *x, bool paused)
{
	w->x = x;
	w->paused = paused;
	http_set_user(x, w, on_waiting_gone);
}

static void finish(struct world *w, struct http_exchange *x, struct str body)
{
	if (w->x == x)
		w->x = NULL;
	w->n_over++;
	http_answer(x, 200, STR("text/plain"), body);
}

static void whole(void *user, struct http_exchange *x, struct str body)
{
	finish(user, x, body);
}

static void piece(void *user, struct http_exchange *x, struct str p)
{
	struct world *w = user;
	if (p.len == 0 || (w->habits & EARLY && p.len > 100)) {
		finish(w, x, STR("enough"));
	} else if (w->habits & PAUSE && !w->x) {
		wait_for_us(w, x, true);
		http_pause(x, true);
	}
}

static void stream(struct world *w, struct http_exchange *x)
{
	static const char block[ANSWER];
	http_put_field(http_begin(x, 200), STR("X-Mixed"), STR("Case"));
	http_stream(x, w->habits & UNKNOWN_LEN ? HTTP_LEN_UNKNOWN : ANSWER, NULL);
	(void)http_send(x, str_n(block, sizeof(block)));
	w->n_over++;
	if (w->habits & EARLY)
		http_abort(x);
	else
		http_send_end(x);
}

static void check(const struct http_msg *m)
{
	assert(m->is_request && m->minor == 1 && !m->upgrade && m->host.len > 0);
	for (unsigned i = 0; i < m->n_hdrs; i++) {
		struct str v = http_hdr_value(m, &m->hdrs[i]);
		assert(http_is_token(http_hdr_name(m, &m->hdrs[i])));
		assert(str_chr(v, '\n') < 0 && str_chr(v, '\r') < 0 && str_chr(v, '\0') < 0);
	}
	assert(!http_first(m, HTTP_H_TRANSFER_ENCODING) && !http_first(m, HTTP_H_CONNECTION));
}

static void on_request(void *arg, struct http_exchange *x)
{
	struct world *w = arg;
	check(http_request(x));
	w->n_asked++;
	http_set_user(x, w, on_gone);
	switch ((w->habits >> 4) + w->n++ * (w->habits & EARLY)) {
	case 0:
		http_read_all(x, 500, whole);
		break;
	case 1:
		http_read(x, 1000, piece);
		break;
	case 2:
		stream(w, x);
		break;
	case 3:
		if (!w->x) {
			wait_for_us(w, x, false);
			break;
		}
		http_refuse(x, 503, "Not today.");
		w->n_over++;
		break;
	default:
		finish(w, x, STR("hello"));
		break;
	}
}

static void go_on(struct world *w)
{
	struct http_exchange *x = w->x;
	if (!x)
		return;
	w->x = NULL;
	http_set_user(x, w, on_gone);
	if (w->paused)
		http_pause(x, false);
	else
		finish(w, x, STR("late"));
	w->paused = false;
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
		if (i & 1)
			go_on(w);
	}
	for (int i = 0; i < 6; i++) {
		go_on(w);
		turn(w);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct http_server_ops ops = { .request = on_request };
	const struct http_server_config cfg = { .head_max = 4096, .max_streams = 5 };
	const struct str preface = STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	int fds[2];
	if (size < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return 0;
	struct world w = { .loop = loop_new(), .habits = data[0] & 0x7f };
	loop_clock_move(w.loop, USEC_PER_MSEC - loop_now(w.loop) % USEC_PER_MSEC);
	w.server = http_server_new(w.loop, &cfg, &ops, &w);
	http_server_take(w.server, fds[0], false, NULL);
	struct http_conn *c = list_entry(w.server->conns.next, struct http_conn, node);
	c->h2 = h2_new(c);
	if (!(data[0] & 0x80))
		assert(send(fds[1], preface.p, preface.len, MSG_NOSIGNAL) == (ssize_t)preface.len);
	send_steps(&w, fds[1], str_n((const char *)data + 1, size - 1));
	(void)close(fds[1]);
	turn(&w);
	http_server_free(&w.server);
	assert(w.n_asked == w.n_over);
	turn(&w);
	loop_free(&w.loop);
	return 0;
}
