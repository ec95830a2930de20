#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "loop/inside.h"
#include "loop/stream.h"
#include "loop/ticks.h"

struct uv_loop_s *loop_uv(struct loop *l)
{
	return &l->uv;
}

static usec_t clock_now(const struct loop *l)
{
	return l->held ? l->now : uv_hrtime() / 1000;
}

usec_t loop_now(const struct loop *l)
{
	struct loop *m = (struct loop *)(uintptr_t)l;
	if (!m->now_valid) {
		m->now = clock_now(l);
		m->now_valid = true;
	}
	return m->now;
}

void loop_clock_move(struct loop *l, usec_t by)
{
	l->now = loop_now(l) + by;
	l->held = true;
	l->armed = 0; /* the wait for the next timer is another one now */
}

void loop_wall_move(struct loop *l, int64_t by)
{
	l->wall_off += by;
}

usec_t loop_wall(const struct loop *l)
{
	struct timespec ts;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000 + (usec_t)l->wall_off;
}

/* Timers. */

void timer_init(struct timer *t, struct loop *l, void (*fn)(void *arg), void *arg)
{
	*t = (struct timer){ .loop = l, .fn = fn, .arg = arg };
	tick_init(&t->tick);
}

void timer_stop(struct timer *t)
{
	if (t->tick.node.next)
		tick_stop(&t->tick);
}

void timer_set(struct timer *t, usec_t deadline)
{
	tick_stop(&t->tick);
	t->tick.deadline = deadline;
	if (deadline != USEC_INFINITY)
		wheel_add(&t->loop->wheel, &t->tick);
}

static void fire_timer(struct wheel *w UNUSED, struct tick *k)
{
	struct timer *t = container_of(k, struct timer, tick);
	t->fn(t->arg);
}

static void on_timer(uv_timer_t *h)
{
	struct loop *l = h->data;
	l->armed = USEC_INFINITY;
	wheel_advance(&l->wheel, loop_now(l) / USEC_PER_MSEC);
}

/* Sets the one libuv timer to the next slot. */
static void arm(struct loop *l)
{
	uint64_t next = wheel_next(&l->wheel), now = loop_now(l) / USEC_PER_MSEC;
	if (next == l->armed)
		return;
	l->armed = next;
	if (next == UINT64_MAX) {
		(void)uv_timer_stop(&l->timer);
		return;
	}
	uv_update_time(&l->uv);
	(void)uv_timer_start(&l->timer, on_timer, next > now ? next - now : 0, 0);
}

/* Deferred work. */

void defer_init(struct defer *d, void (*fn)(void *arg), void *arg)
{
	d->fn = fn;
	d->arg = arg;
	list_init(&d->node);
}

void loop_defer(struct loop *l, struct defer *d)
{
	if (list_empty(&d->node))
		list_add(&l->defers, &d->node);
}

void defer_cancel(struct defer *d)
{
	if (d->node.next)
		list_del(&d->node);
}

static void run_list(struct list *head)
{
	while (!list_empty(head)) {
		struct defer *d = list_entry(head->next, struct defer, node);
		list_del(&d->node);
		d->fn(d->arg);
	}
}

static void on_idle(uv_idle_t *h)
{
	struct loop *l = h->data;
	(void)uv_idle_stop(h);
	/* What is put on the list from now on is for the turn after. */
	struct list now;
	list_init(&now);
	while (!list_empty(&l->again)) {
		struct list *n = l->again.next;
		list_del(n);
		list_add(&now, n);
	}
	run_list(&now);
}

void loop_again(struct loop *l, struct defer *d)
{
	if (!list_empty(&d->node))
		return;
	list_add(&l->again, &d->node);
	(void)uv_idle_start(&l->idle, on_idle);
}

/* Before the loop blocks. */
static void on_prepare(uv_prepare_t *h)
{
	struct loop *l = h->data;
	run_list(&l->defers);
	usec_t end = clock_now(l);
	for (int i = 0; l->turn_start && i < LOOP_N_TURNS; i++)
		l->longest[i] = MAX(l->longest[i], end - l->turn_start);
	l->turn_start = 0;
	arm(l);
	l->now_valid = false;
}

usec_t loop_take_longest_turn(struct loop *l, enum loop_turns reader)
{
	usec_t t = l->longest[reader];
	l->longest[reader] = 0;
	return t;
}

void loop_note_wake(struct loop *l)
{
	if (l->turn_start == 0)
		l->turn_start = loop_now(l);
}

/* The object. */

struct loop *loop_new(void)
{
	struct loop *l = xnew(struct loop);
	int r = uv_loop_init(&l->uv);
	assert(r == 0);
	(void)signal(SIGPIPE, SIG_IGN);
	wheel_init(&l->wheel, uv_hrtime() / 1000 / USEC_PER_MSEC, fire_timer);
	list_init(&l->defers);
	list_init(&l->again);
	list_init(&l->handshakes);
	l->handshakes_per_turn = TLS_HANDSHAKES_PER_TURN;
	l->armed = UINT64_MAX;
	(void)uv_prepare_init(&l->uv, &l->prepare);
	(void)uv_timer_init(&l->uv, &l->timer);
	(void)uv_idle_init(&l->uv, &l->idle);
	l->prepare.data = l->timer.data = l->idle.data = l;
	(void)uv_prepare_start(&l->prepare, on_prepare);
	/* The helpers do not keep the loop alive by themselves: loop_run() runs until stopped. */
	l->read_buf = xmalloc(LOOP_READ_SIZE);
	return l;
}

static void free_data(uv_handle_t *h)
{
	free(h->data);
}

static void close_handle(uv_handle_t *h, void *arg UNUSED)
{
	if (!uv_is_closing(h))
		uv_close(h, h->type == UV_SIGNAL ? free_data : NULL);
}

void loop_free(struct loop **lp)
{
	struct loop *l = take(lp);
	if (!l)
		return;
	run_list(&l->defers);
	/* The loop's own handles and signals, which would keep it running. */
	uv_walk(&l->uv, close_handle, NULL);
	(void)uv_run(&l->uv, UV_RUN_DEFAULT);
	(void)uv_loop_close(&l->uv);
	free(l->udp);
	free(l->read_buf);
	buf_free(&l->spare);
	free(l);
}

void loop_run(struct loop *l)
{
	(void)uv_run(&l->uv, UV_RUN_DEFAULT);
	run_list(&l->defers);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

/* It may be due before the turn has come to wait, and then nothing else would end the wait. */
static void on_turn_limit(void *arg)
{
	uv_stop(arg);
}

void loop_turn(struct loop *l, usec_t max)
{
	struct timer limit;
	timer_init(&limit, l, on_turn_limit, &l->uv);
	timer_set(&limit, loop_now(l) + max);
	(void)uv_run(&l->uv, UV_RUN_ONCE);
	timer_stop(&limit);
	run_list(&l->defers);
	l->now_valid = false;
}

/* Jobs. */

static void work(uv_work_t *w)
{
	struct job *j = w->data;
	j->work(j);
}

static void done(uv_work_t *w, int status UNUSED)
{
	struct job *j = w->data;
	struct loop *l = container_of(w->loop, struct loop, uv);
	l->n_jobs--;
	loop_note_wake(l);
	j->priv = NULL;
	free(w);
	j->done(j);
}

int loop_job(struct loop *l, struct job *j)
{
	if (l->n_jobs >= JOBS_MAX)
		return -EAGAIN;
	uv_work_t *w = xnew(uv_work_t);
	w->data = j;
	j->priv = w;
	l->n_jobs++;
	return uv_queue_work(&l->uv, w, work, done);
}

static void no_work(struct job *j UNUSED)
{
}

static void free_job(struct job *j)
{
	free(j);
}

void loop_job_start(struct loop *l, unsigned n_threads)
{
	char text[16];
	(void)snprintf(text, sizeof(text), "%u", n_threads);
	/* libuv reads this when the pool is first used, which is now. */
	(void)setenv("UV_THREADPOOL_SIZE", text, 1);
	struct job *j = xnew(struct job);
	j->work = no_work;
	j->done = free_job;
	if (loop_job(l, j) < 0)
		free(j);
}

/* Descriptors of other libraries. */

struct io {
	uv_poll_t poll;
	struct loop *loop;
	void (*fn)(void *arg, int events);
	void *arg;
};

static void on_io(uv_poll_t *h, int status, int events)
{
	struct io *io = h->data;
	int e = (events & UV_READABLE ? IO_READ : 0) | (events & UV_WRITABLE ? IO_WRITE : 0);
	loop_note_wake(io->loop);
	io->fn(io->arg, status < 0 ? IO_READ | IO_WRITE : e);
}

struct io *io_new(struct loop *l, int fd, void (*fn)(void *arg, int events), void *arg)
{
	struct io *io = xnew(struct io);
	io->loop = l;
	io->fn = fn;
	io->arg = arg;
	io->poll.data = io;
	int r = uv_poll_init(&l->uv, &io->poll, fd);
	assert(r == 0);
	return io;
}

void io_want(struct io *io, int events)
{
	int e = (events & IO_READ ? UV_READABLE | UV_DISCONNECT : 0) |
	        (events & IO_WRITE ? UV_WRITABLE : 0);
	if (e)
		(void)uv_poll_start(&io->poll, e, on_io);
	else
		(void)uv_poll_stop(&io->poll);
}

void io_free(struct io **iop)
{
	struct io *io = take(iop);
	if (!io)
		return;
	(void)uv_poll_stop(&io->poll);
	uv_close((uv_handle_t *)&io->poll, free_data);
}

/* Signals. */

struct sig {
	uv_signal_t h;
	void (*fn)(void *arg, int signo);
	void *arg;
};

static void on_signal(uv_signal_t *h, int signo)
{
	struct sig *s = h->data;
	s->fn(s->arg, signo);
}

void loop_on_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo), void *arg)
{
	struct sig *s = xnew(struct sig);
	s->fn = fn;
	s->arg = arg;
	s->h.data = s;
	(void)uv_signal_init(&l->uv, &s->h);
	(void)uv_signal_start(&s->h, on_signal, signo);
}
