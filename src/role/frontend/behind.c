#include <stdlib.h>
#include <string.h>

#include "role/frontend/fe.h"

/* What is written behind, and what becomes of it while the disk is full or broken: service goes on,
 * the rows that are not as they should be are remembered, and written once that is possible. */

enum {
	RETRY_S = 5,
	RETRY_AT_ONCE = 1000, /* rows of one try */
	ROWS_MAX = 200000,    /* remembered; beyond, a row is forgotten until its binding changes */
	SAY_EVERY_S = 60,
};

/* A row of the table, by its key: on its way to the disk, or (in fe_behind.failed) not there. */
struct row {
	struct list node;
	struct frontend *fe;
	uint64_t account, endpoint;
	uint32_t reg_id;
};

static void say_failed(struct fe_behind *b, int err, usec_t now)
{
	if (b->said && now - b->said < SAY_EVERY_S * USEC_PER_SEC)
		return;
	b->said = now;
	log_warning(NULL, "bindings-not-stored", "n=%u why=\"%s\"", b->n_failed, strerror(-err));
}

static void remember(struct row *r, int err)
{
	struct fe_behind *b = &r->fe->behind;
	usec_t now = loop_now(r->fe->loop);
	b->errors++;
	b->err = err;
	if (b->n_failed < ROWS_MAX) {
		list_add(&b->failed, &r->node);
		b->n_failed++;
	} else {
		free(r);
	}
	if (!b->closing)
		timer_set(&b->retry, now + RETRY_S * USEC_PER_SEC);
	say_failed(b, err, now);
}

static void on_written(void *arg, int err, int64_t id UNUSED)
{
	struct row *r = arg;
	struct fe_behind *b = &r->fe->behind;
	b->n_open--;
	if (err < 0) {
		remember(r, err);
		return;
	}
	if (b->err < 0 && b->n_open == 0 && b->n_failed > 0) {
		if (!b->closing) /* there is room again */
			timer_set(&b->retry, loop_now(r->fe->loop));
	} else if (b->err < 0 && b->n_open == 0) {
		b->err = 0;
		b->said = 0;
		log_info(NULL, "bindings-stored-again", "");
	}
	free(r);
}

void fe_behind_write(struct frontend *fe, const struct store_stmt *s)
{
	struct row *r = xnew(struct row);
	r->fe = fe;
	list_init(&r->node);
	r->account = (uint64_t)s->params[0].i;
	r->endpoint = (uint64_t)s->params[1].i;
	r->reg_id = (uint32_t)s->params[2].i;
	int err = store_write(fe->store, STORE_SHOULD, s, 1, on_written, r);
	if (err < 0)
		remember(r, err);
	else
		fe->behind.n_open++;
}

/* As many as one try takes; each leaves the list and comes back to it if it fails again. */
static void retry(struct frontend *fe)
{
	struct fe_behind *b = &fe->behind;
	struct list now;
	list_init(&now);
	for (unsigned i = 0; i < RETRY_AT_ONCE && !list_empty(&b->failed); i++) {
		struct list *n = b->failed.next;
		list_del(n);
		list_add(&now, n);
		b->n_failed--;
	}
	while (!list_empty(&now)) {
		struct row *r = list_entry(now.next, struct row, node);
		list_del(&r->node);
		fe_store_row(fe, r->account, r->endpoint, r->reg_id);
		free(r);
	}
}

static void on_retry(void *arg)
{
	retry(arg);
}

void fe_behind_init(struct frontend *fe)
{
	list_init(&fe->behind.failed);
	timer_init(&fe->behind.retry, fe->loop, on_retry, fe);
}

void fe_behind_close(struct frontend *fe)
{
	struct fe_behind *b = &fe->behind;
	b->closing = true;
	timer_stop(&b->retry);
	if (b->n_failed > 0)
		retry(fe);
	if (fe->store)
		store_close(&fe->store);
	while (!list_empty(&b->failed)) {
		struct row *r = list_entry(b->failed.next, struct row, node);
		list_del(&r->node);
		free(r);
	}
}

uint32_t fe_behind_unsaved(const struct frontend *fe)
{
	return fe->behind.err < 0 ? fe->behind.n_failed + fe->behind.n_open : 0;
}
