#include "loop/pipe.h"

#include <stdlib.h>

#include "loop/loop.h"

/* RUNNING --one ends--> LEAVING: who is still there is sent what is left, and closed.
 *     \--the owner has enough--> LAST --that end has said all--> LEAVING */
enum state { RUNNING, LAST, LEAVING };

struct end {
	struct pipe *pipe;
	struct stream *stream; /* NULL: it has ended */
	bool full;             /* waits for the other one */
	bool closing;
};

struct pipe {
	struct end ends[2];
	const struct pipe_ops *ops;
	void *arg;
	struct loop *loop;
	bool resting;      /* a limit is reached */
	struct timer rest; /* until it is kept */
	struct timer late; /* LAST: has that end said all?  LEAVING: it takes too long */
	usec_t until;      /* not RUNNING: however slow they are */
	/* LAST: who is still read, how much came of it, and did any since `late` was set? */
	const struct end *from;
	size_t last;
	bool heard;
	struct defer over; /* it has ended; told from the loop */
	enum pipe_end by;
	enum state state;
};

static struct end *other(struct end *e)
{
	return &e->pipe->ends[e == &e->pipe->ends[PIPE_A]];
}

static void read_on(struct end *e)
{
	const struct pipe *p = e->pipe;
	stream_pause(e->stream, e->full || p->resting || (p->state == LAST && e != p->from));
}

static void rest_for(struct pipe *p, usec_t how_long)
{
	p->resting = true;
	timer_set(&p->rest, loop_now(p->loop) + how_long);
	read_on(&p->ends[PIPE_A]);
	read_on(&p->ends[PIPE_B]);
}

/* What it still says is read and dropped: with unread bytes its connection would be reset, and take
 * with it what the kernel has not sent yet. */
static void close_end(struct end *e)
{
	if (!e->stream || e->closing)
		return;
	e->closing = true;
	stream_close_late(e->stream, PIPE_LINGER_S * USEC_PER_SEC);
}

/* What was written to it goes out, in its own time. */
static void empty_end(struct end *e)
{
	if (!e->stream)
		return;
	stream_pause(e->stream, true);
	stream_want_room(e->stream, 1);
}

static void leave(struct pipe *p)
{
	if (p->state == RUNNING)
		p->until = loop_now(p->loop) + PIPE_LEFT_S * USEC_PER_SEC;
	p->state = LEAVING;
	timer_stop(&p->rest);
	timer_set(&p->late, p->until);
	empty_end(&p->ends[PIPE_A]);
	empty_end(&p->ends[PIPE_B]);
}

static void on_rested(void *arg)
{
	struct pipe *p = arg;
	p->resting = false;
	p->heard = true; /* it could not say anything */
	read_on(&p->ends[PIPE_A]);
	read_on(&p->ends[PIPE_B]);
}

/* It could say something in all that time, and did not. */
static bool is_quiet(const struct pipe *p)
{
	return !p->heard && !p->resting && !p->from->full;
}

static void wait_for_more(struct pipe *p)
{
	p->heard = false;
	timer_set(&p->late, MIN(loop_now(p->loop) + PIPE_QUIET_S * USEC_PER_SEC, p->until));
}

static void on_late(void *arg)
{
	struct pipe *p = arg;
	if (p->state == LEAVING) {
		close_end(&p->ends[PIPE_A]);
		close_end(&p->ends[PIPE_B]);
	} else if (is_quiet(p) || loop_now(p->loop) >= p->until) {
		leave(p);
	} else {
		wait_for_more(p);
	}
}

static void note_last(struct pipe *p, size_t bytes)
{
	p->heard = true;
	p->last += bytes;
	if (p->last >= PIPE_LAST_MAX)
		leave(p);
}

static ssize_t on_data(void *arg, struct str in)
{
	struct end *e = arg;
	struct pipe *p = e->pipe;
	if (p->state == LEAVING || in.len == 0)
		return (ssize_t)in.len;
	if (p->state == LAST && e != p->from)
		return (ssize_t)in.len;
	stream_write(other(e)->stream, in);
	if (stream_unsent(other(e)->stream) > PIPE_UNSENT_MAX) {
		e->full = true;
		read_on(e);
		stream_want_room(other(e)->stream, PIPE_UNSENT_LOW);
	}
	usec_t rest = p->ops->passed(p->arg, e == &p->ends[PIPE_A] ? PIPE_A : PIPE_B, in.len);
	if (rest > 0)
		rest_for(p, rest);
	if (p->state == LAST)
		note_last(p, in.len);
	return (ssize_t)in.len;
}

static void on_room(void *arg)
{
	struct end *e = other(arg);
	if (e->pipe->state == LEAVING) {
		close_end(arg);
		return;
	}
	e->full = false;
	read_on(e);
}

static void on_opened(void *arg UNUSED)
{
}

/* The first end is followed by the other one's, and that is the pipe's. */
static void on_closed(void *arg, int err UNUSED, const char *why UNUSED)
{
	struct end *e = arg;
	struct pipe *p = e->pipe;
	stream_free(&e->stream);
	if (p->state != LEAVING) {
		p->by = e == &p->ends[PIPE_A] ? PIPE_A : PIPE_B;
		leave(p);
	} else if (!other(e)->stream) {
		timer_stop(&p->late);
		loop_defer(p->loop, &p->over);
	}
}

static const struct stream_ops ops = {
	.opened = on_opened, .data = on_data, .closed = on_closed, .room = on_room
};

static void on_over(void *arg)
{
	struct pipe *p = arg;
	p->ops->ended(p->arg, p->by);
	pipe_free(&p);
}

static void join(struct pipe *p, enum pipe_end which, struct stream *s)
{
	static const struct stream_limits limits = { .read_max = PIPE_BROUGHT_MAX,
		                                     .write_max = PIPE_BROUGHT_MAX };
	struct end *e = &p->ends[which];
	e->pipe = p;
	e->stream = s;
	stream_set_ops(s, &ops, e);
	stream_set_limits(s, &limits);
	stream_pause(s, false);
	stream_more(s);
}

struct pipe *pipe_new(struct loop *l, struct stream *a, struct stream *b, const struct pipe_ops *o,
                      void *arg)
{
	struct pipe *p = xnew(struct pipe);
	p->loop = l;
	p->ops = o;
	p->arg = arg;
	timer_init(&p->rest, l, on_rested, p);
	timer_init(&p->late, l, on_late, p);
	defer_init(&p->over, on_over, p);
	join(p, PIPE_A, a);
	join(p, PIPE_B, b);
	return p;
}

void pipe_leave(struct pipe *p, enum pipe_end from, const struct pipe_ops *o, void *arg)
{
	p->ops = o;
	p->arg = arg;
	if (p->state != RUNNING)
		return;
	p->state = LAST;
	p->by = from;
	p->from = &p->ends[from];
	p->until = loop_now(p->loop) + PIPE_LEFT_S * USEC_PER_SEC;
	wait_for_more(p);
	stream_pause(other(&p->ends[from])->stream, true);
}

void pipe_free(struct pipe **pp)
{
	struct pipe *p = take(pp);
	if (!p)
		return;
	timer_stop(&p->rest);
	timer_stop(&p->late);
	defer_cancel(&p->over);
	stream_free(&p->ends[PIPE_A].stream);
	stream_free(&p->ends[PIPE_B].stream);
	free(p);
}
