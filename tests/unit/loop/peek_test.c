#include "loop/peek.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "await.h"
#include "ends.h"

/* What a decider sees of a connection, and when it decides. */
struct seen {
	struct peek *peek;
	size_t wanted, len; /* bytes */
	bool says_so;       /* by peek_want() */
	unsigned calls;
	int err, fd;
};

static void on_first(void *arg, struct peek *p, struct bytes first, int err)
{
	struct seen *s = arg;
	s->calls++;
	s->err = err;
	if (err < 0) {
		s->peek = NULL;
		return;
	}
	s->len = first.len;
	if (first.len >= s->wanted)
		s->fd = peek_take(&s->peek);
	else if (s->says_so)
		peek_want(p, s->wanted);
}

struct world {
	struct loop *loop;
	int here, there;
	struct seen seen;
};

static void start(struct world *w, size_t wanted)
{
	int ends[2];
	*w = (struct world){ .loop = loop_new(), .seen = { .wanted = wanted, .fd = -1 } };
	loop_clock_move(w->loop, USEC_PER_SEC);
	ends_pair(ends);
	w->there = ends[0];
	w->here = ends[1];
	w->seen.peek = peek_new(w->loop, w->here, 10 * USEC_PER_SEC, on_first, &w->seen);
}

static void stop(struct world *w)
{
	peek_free(&w->seen.peek);
	if (w->seen.fd >= 0)
		(void)close(w->seen.fd);
	if (w->there >= 0)
		(void)close(w->there);
	loop_free(&w->loop);
}

static void put(struct world *w, const char *text)
{
	EQ(send(w->there, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void what_was_seen_is_still_to_be_read(void)
{
	struct world w;
	char text[8] = "";
	start(&w, 4);
	put(&w, "ab");
	AWAIT(w.loop, w.seen.len == 2);
	put(&w, "cd");
	AWAIT(w.loop, w.seen.fd >= 0);
	EQ(recv(w.seen.fd, text, sizeof(text), 0), 4);
	EQ_STR(str_of(text), "abcd");
	put(&w, "e"); /* a single byte wakes its owner again */
	int low = 0;
	socklen_t n = sizeof(low);
	EQ(getsockopt(w.seen.fd, SOL_SOCKET, SO_RCVLOWAT, &low, &n), 0);
	EQ(low, 1);
	stop(&w);
}

static void bytes_that_do_not_suffice_wake_nobody_again(void)
{
	struct world w;
	start(&w, 4);
	put(&w, "ab");
	AWAIT(w.loop, w.seen.calls == 1);
	for (int i = 0; i < 20; i++)
		loop_turn(w.loop, 1000);
	EQ(w.seen.calls, 1);
	stop(&w);
}

static void who_wants_more_is_woken_once_that_is_there(void)
{
	struct world w;
	start(&w, 4);
	w.seen.says_so = true;
	put(&w, "a");
	AWAIT(w.loop, w.seen.calls == 1);
	put(&w, "b");
	put(&w, "c");
	for (int i = 0; i < 20; i++)
		loop_turn(w.loop, 1000);
	EQ(w.seen.calls, 1);
	put(&w, "d");
	AWAIT(w.loop, w.seen.fd >= 0);
	EQ(w.seen.calls, 2);
	stop(&w);
}

static void who_wants_more_is_told_of_the_end(void)
{
	struct world w;
	start(&w, 400);
	w.seen.says_so = true;
	put(&w, "ab");
	AWAIT(w.loop, w.seen.calls == 1);
	put(&w, "cd");
	(void)close(w.there);
	w.there = -1;
	AWAIT(w.loop, w.seen.err == -EPIPE);
	stop(&w);
}

static void the_end_is_told_with_and_without_bytes(void)
{
	for (int bytes = 0; bytes < 2; bytes++) {
		struct world w;
		start(&w, 4);
		if (bytes)
			put(&w, "ab");
		(void)close(w.there);
		w.there = -1;
		AWAIT(w.loop, w.seen.err == -EPIPE);
		stop(&w);
	}
}

static void who_says_nothing_is_late(void)
{
	struct world w;
	start(&w, 4);
	loop_clock_move(w.loop, 11 * USEC_PER_SEC);
	AWAIT(w.loop, w.seen.err == -ETIMEDOUT);
	stop(&w);
}

int main(void)
{
	RUN(what_was_seen_is_still_to_be_read);
	RUN(bytes_that_do_not_suffice_wake_nobody_again);
	RUN(who_wants_more_is_woken_once_that_is_there);
	RUN(who_wants_more_is_told_of_the_end);
	RUN(the_end_is_told_with_and_without_bytes);
	RUN(who_says_nothing_is_late);
	return tap_done();
}
