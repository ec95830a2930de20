#include "store/writer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct writer {
	struct loop *loop;
	const struct writer_ops *ops;
	void *arg;
	int event_fd; /* there is something in `finished` */
	struct io *io;
	struct timer due;
	struct defer handover;
	struct list waiting; /* loop thread: nodes that are not queued yet */
	size_t n_open;       /* loop thread: nodes not yet done */

	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct list queued, finished;
	bool stop;
};

static void move(struct list *to, struct list *from, size_t max)
{
	for (size_t i = 0; i < max && !list_empty(from); i++) {
		struct list *n = from->next;
		list_del(n);
		list_add(to, n);
	}
}

/* --- the thread ---------------------------------------------------------------------- */

static void tell_loop(struct writer *w)
{
	uint64_t one = 1;
	ssize_t r = write(w->event_fd, &one, sizeof(one));
	assert(r == sizeof(one));
	(void)r;
}

static void *write_forever(void *arg)
{
	struct writer *w = arg;
	(void)pthread_mutex_lock(&w->lock);
	for (;;) {
		struct list batch;
		list_init(&batch);
		while (list_empty(&w->queued) && !w->stop)
			(void)pthread_cond_wait(&w->wake, &w->lock);
		if (list_empty(&w->queued))
			break;
		move(&batch, &w->queued, w->ops->batch_max);
		(void)pthread_mutex_unlock(&w->lock);
		w->ops->run(w->arg, &batch);
		(void)pthread_mutex_lock(&w->lock);
		move(&w->finished, &batch, SIZE_MAX);
		tell_loop(w);
	}
	(void)pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* --- the loop's side ----------------------------------------------------------------- */

static void complete(struct writer *w)
{
	struct list done;
	list_init(&done);
	(void)pthread_mutex_lock(&w->lock);
	move(&done, &w->finished, SIZE_MAX);
	(void)pthread_mutex_unlock(&w->lock);
	while (!list_empty(&done)) {
		struct list *n = done.next;
		list_del(n);
		w->n_open--;
		w->ops->done(w->arg, n);
	}
}

static void on_event(void *arg, int events UNUSED)
{
	struct writer *w = arg;
	uint64_t n;
	(void)!read(w->event_fd, &n, sizeof(n));
	complete(w);
}

/* Hands over what waits: a turn's nodes at once, for the other thread is woken once. */
static void hand_over(void *arg)
{
	struct writer *w = arg;
	timer_stop(&w->due);
	(void)pthread_mutex_lock(&w->lock);
	move(&w->queued, &w->waiting, SIZE_MAX);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_cond_signal(&w->wake); /* the other thread finds the lock free */
}

void writer_add(struct writer *w, struct list *node, usec_t due)
{
	w->n_open++;
	if (due == 0)
		loop_defer(w->loop, &w->handover);
	else if (due < w->due.tick.deadline)
		timer_set(&w->due, due);
	list_add(&w->waiting, node);
}

size_t writer_open(const struct writer *w)
{
	return w->n_open;
}

/* --- its life ------------------------------------------------------------------------ */

struct writer *writer_new(struct loop *l, const struct writer_ops *ops, void *arg)
{
	struct writer *w = xnew(struct writer);
	w->loop = l;
	w->ops = ops;
	w->arg = arg;
	list_init(&w->waiting);
	list_init(&w->queued);
	list_init(&w->finished);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->wake, NULL);
	timer_init(&w->due, l, hand_over, w);
	defer_init(&w->handover, hand_over, w);
	w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int r = w->event_fd < 0 ? errno : pthread_create(&w->thread, NULL, write_forever, w);
	assert(r == 0);
	(void)r;
	w->io = io_new(l, w->event_fd, on_event, w);
	io_want(w->io, IO_READ);
	return w;
}

void writer_free(struct writer **wp)
{
	struct writer *w = take(wp);
	if (!w)
		return;
	defer_cancel(&w->handover);
	hand_over(w);
	(void)pthread_mutex_lock(&w->lock);
	w->stop = true;
	(void)pthread_cond_signal(&w->wake);
	(void)pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	complete(w);
	assert(w->n_open == 0 && "a done function must not write while the store closes");
	io_free(&w->io);
	(void)close(w->event_fd);
	(void)pthread_cond_destroy(&w->wake);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}
