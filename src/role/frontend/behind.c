#include <stdlib.h>
#include <string.h>

#include "role/frontend/fe.h"

/* What is written behind, and what becomes of it while the disk is full or broken: service goes on,
 * the rows that are not as they should be are remembered, and written once that is possible. */

enum {
	RETRY_S = 5,
	RETRY_AT_ONCE = 1000, /* rows of one try */
	OPEN_MAX = 1000,      /* rows whose statements, 800 bytes each, lie in the store */
	ROWS_MAX = 200000,    /* remembered; beyond, a row is forgotten until its binding changes */
	SAY_EVERY_S = 60,
};

/* A row of the table, by its key: on its way to the disk, or (in fe_behind's lists) not there. */
struct row {
	struct list node;
	struct frontend *fe;
	struct row_key key;
};

static void say_failed(struct fe_behind *b, int err, usec_t now)
{
	if (b->said && now - b->said < SAY_EVERY_S * USEC_PER_SEC)
		return;
	b->said = now;
	log_warning(NULL, "bindings-not-stored", "n=%u why=%s", b->n_failed,
	            log_text(str_of(strerror(-err))));
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

/* Writes the first rows of a list, at most so many; one that fails comes back to `failed`. */
static void write_rows(struct frontend *fe, struct list *from, uint32_t *n_from, unsigned max)
{
	struct list now;
	list_init(&now);
	for (unsigned i = 0; i < max && !list_empty(from); i++) {
		struct list *n = from->next;
		list_del(n);
		list_add(&now, n);
		(*n_from)--;
	}
	while (!list_empty(&now)) {
		struct row *r = list_entry(now.next, struct row, node);
		list_del(&r->node);
		fe_store_row(fe, &r->key);
		free(r);
	}
}

static void retry(struct frontend *fe)
{
	write_rows(fe, &fe->behind.failed, &fe->behind.n_failed, RETRY_AT_ONCE);
}

static void all_written(struct frontend *fe)
{
	struct fe_behind *b = &fe->behind;
	if (b->n_waiting > 0) {
		if (!b->closing)
			write_rows(fe, &b->waiting, &b->n_waiting, OPEN_MAX);
	} else if (b->err < 0 && b->n_failed > 0) {
		if (!b->closing) /* there is room again */
			timer_set(&b->retry, loop_now(fe->loop));
	} else if (b->err < 0) {
		b->err = 0;
		b->said = 0;
		log_info(NULL, "bindings-stored-again", "");
	}
}

static void on_written(void *arg, int err, int64_t id UNUSED)
{
	struct row *r = arg;
	struct frontend *fe = r->fe;
	fe->behind.n_open--;
	if (err < 0)
		remember(r, err);
	else
		free(r);
	if (fe->behind.n_open == 0 && (err == 0 || fe->behind.n_waiting > 0))
		all_written(fe);
}

static void wait_for_store(struct row *r)
{
	struct fe_behind *b = &r->fe->behind;
	list_add(&b->waiting, &r->node);
	b->n_waiting++;
}

void fe_behind_write(struct frontend *fe, const struct row_key *key, const struct store_stmt *s)
{
	struct fe_behind *b = &fe->behind;
	struct row *r = xnew(struct row);
	r->fe = fe;
	list_init(&r->node);
	r->key = *key;
	if (b->n_open >= OPEN_MAX && b->n_waiting < ROWS_MAX && !b->closing) {
		wait_for_store(r);
		return;
	}
	/* So many need not wait for more. */
	enum store_durability d = b->n_open + 1 < OPEN_MAX ? STORE_SHOULD : STORE_MUST;
	int err = store_write(fe->store, d, s, 1, on_written, r);
	if (err < 0)
		remember(r, err);
	else
		b->n_open++;
}

static void on_retry(void *arg)
{
	retry(arg);
}

void fe_behind_init(struct frontend *fe)
{
	list_init(&fe->behind.waiting);
	list_init(&fe->behind.failed);
	timer_init(&fe->behind.retry, fe->loop, on_retry, fe);
}

static void free_rows(struct list *rows)
{
	while (!list_empty(rows)) {
		struct row *r = list_entry(rows->next, struct row, node);
		list_del(&r->node);
		free(r);
	}
}

void fe_behind_close(struct frontend *fe)
{
	struct fe_behind *b = &fe->behind;
	b->closing = true;
	timer_stop(&b->retry);
	if (fe->store)
		write_rows(fe, &b->waiting, &b->n_waiting, STORE_QUEUE_MAX - b->n_open);
	if (b->n_failed > 0)
		retry(fe);
	if (fe->store)
		store_close(&fe->store);
	free_rows(&b->waiting);
	free_rows(&b->failed);
}

uint32_t fe_behind_unsaved(const struct frontend *fe)
{
	const struct fe_behind *b = &fe->behind;
	return b->err < 0 ? b->n_failed + b->n_waiting + b->n_open : 0;
}
