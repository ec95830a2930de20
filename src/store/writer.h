/* A thread that writes: the loop hands over what has come together, the thread does it as one
 * batch, and the loop hears of each.  Inside store/ alone. */
#pragma once

#include "loop/loop.h"

struct writer; /* opaque */

struct writer_ops {
	/* On the thread: a batch of nodes that were added, in their order. */
	void (*run)(void *arg, struct list *batch);
	/* On the loop: one of them, out of any list, after it was run. */
	void (*done)(void *arg, struct list *node);
	size_t batch_max; /* nodes */
};

struct writer *writer_new(struct loop *l, const struct writer_ops *ops, void *arg);
/* Hands over what was added, waits until all is done, ends the thread. */
void writer_free(struct writer **wp);
/* Takes the node until done().  It is handed over at `due` together with all that were added before
 * it, or with one that is due earlier; with 0 at the end of this turn. */
void writer_add(struct writer *w, struct list *node, usec_t due);
/* Nodes that are not done yet. */
size_t writer_open(const struct writer *w);
