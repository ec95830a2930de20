#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "stack/http/client.h"
#include "stack/http/server.h"

/* Both engines over socket pairs: the input is what a peer sends, in steps whose lengths are in it
 * too, while the handler does something else each time.  What is looked for is what becomes of the
 * memory; the codecs have targets of their own. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS_MAX = 200, ANSWER = 3000 };

struct world {
	struct loop *loop;
	struct http_server *server;
	struct http_exchange *x; /* that waits for us */
	struct stream *taken;
	unsigned habits, n;
	bool paused, done;
	unsigned n_asked, n_over; /* exchanges: each ends in one way */
};

/* The clock stands and is moved, so that no turn waits and what has a time limit meets it. */
static void turn(struct world *w)
{
	loop_clock_move(w->loop, (w->habits & 8 ? 7000 : 1) * USEC_PER_MSEC);
	loop_turn(w->loop, 0);
}

static void on_gone(void *user)
{
	struct world *w = user;
	w->x = NULL;
	w->n_over++;
}

static void finish(struct world *w, struct http_exchange *x, struct str body)
{
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
	if (p.len == 0 || (w->habits & 1 && p.len > 100)) { /* early, or at the end */
		finish(w, x, STR("enough"));
	} else if (w->habits & 2) {
		w->x = x;
		w->paused = true;
		http_pause(x, true);
	}
}

static void stream(struct world *w, struct http_exchange *x)
{
	static const char block[ANSWER];
	(void)http_begin(x, 200);
	http_stream(x, w->habits & 4 ? HTTP_LEN_UNKNOWN : ANSWER, NULL);
	(void)http_send(x, str_n(block, sizeof(block)));
	w->n_over++;
	if (w->habits & 8)
		http_abort(x);
	else
		http_send_end(x);
}

static ssize_t taken_data(void *arg UNUSED, struct str in)
{
	return (ssize_t)in.len;
}

static void taken_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	struct world *w = arg;
	stream_free(&w->taken);
}

static void hand_over(struct world *w, struct http_exchange *x)
{
	static const struct stream_ops ops = { .data = taken_data, .closed = taken_closed };
	if (!http_request(x)->upgrade || http_request(x)->framing != HTTP_BODY_NONE || w->taken) {
		finish(w, x, STR("no"));
		return;
	}
	w->n_over++;
	http_put_field(http_begin(x, 101), STR("Upgrade"), STR("x"));
	w->taken = http_hand_over(x, &ops, w);
}

static void on_request(void *arg, struct http_exchange *x)
{
	struct world *w = arg;
	w->n_asked++;
	http_set_user(x, w, on_gone);
	switch ((w->habits >> 4) + w->n++ * (w->habits & 1)) {
	case 0:
		http_read_all(x, 500, whole);
		break;
	case 1:
		http_read(x, 1000, piece);
		break;
	case 2:
		w->x = x;
		w->paused = false;
		break;
	case 3:
		stream(w, x);
		break;
	case 4:
		hand_over(w, x);
		break;
	case 5:
		http_refuse(x, 503, "Not today.");
		w->n_over++;
		break;
	default:
		finish(w, x, STR("hello"));
		break;
	}
}

/* What was left for later. */
static void go_on(struct world *w)
{
	struct http_exchange *x = w->x;
	if (!x)
		return;
	w->x = NULL;
	if (w->paused)
		http_pause(x, false);
	else
		finish(w, x, STR("late"));
	w->paused = false;
}

/* Sends the input in steps, with turns of the loop between; the first byte of each is its length.
 */
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

static void serve(struct world *w, struct str in)
{
	static const struct http_server_ops ops = { .request = on_request };
	const struct http_server_config cfg = { 0 };
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return;
	w->server = http_server_new(w->loop, &cfg, &ops, w);
	http_server_take(w->server, fds[0], false, NULL);
	send_steps(w, fds[1], in);
	(void)close(fds[1]);
	turn(w);
	http_server_free(&w->server);
	stream_free(&w->taken);
	assert(w->n_asked == w->n_over);
}

static void on_done(void *arg, const struct http_result *r)
{
	struct world *w = arg;
	assert(r->err <= 0 && (r->err < 0 || r->msg) && !w->done);
	w->done = true;
}

static void on_piece(void *arg UNUSED, struct str p)
{
	assert(p.len > 0);
}

static void call(struct world *w, struct str in)
{
	const struct http_client_config cfg = { .authority = STR("a") };
	const struct http_call_ops ops = { .done = on_done,
		                           .data = w->habits & 1 ? on_piece : NULL };
	struct http_call_config c = { .method = w->habits & 2 ? STR("HEAD") : STR("GET"),
		                      .target = STR("/"),
		                      .body_max = 500 };
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
		return;
	struct http_client *client = http_client_new(w->loop, &cfg);
	http_client_link(client, fds[0], NULL, NULL);
	struct http_call *one = http_call_new(client, &c, &ops, w);
	assert(one);
	turn(w);
	send_steps(w, fds[1], in);
	(void)close(fds[1]);
	for (int i = 0; i < 3; i++)
		turn(w);
	if (!w->done && w->habits & 4)
		http_call_free(&one);
	http_client_free(&client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct world w = { .loop = loop_new(), .habits = data[0] & 0x7f };
	struct str in = str_n((const char *)data + 1, size - 1);
	loop_clock_move(w.loop, USEC_PER_MSEC - loop_now(w.loop) % USEC_PER_MSEC);
	if (data[0] & 0x80)
		call(&w, in);
	else
		serve(&w, in);
	turn(&w);
	loop_free(&w.loop);
	return 0;
}
