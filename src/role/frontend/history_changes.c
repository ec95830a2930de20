#include <errno.h>
#include <stdlib.h>

#include "role/frontend/fe.h"

/* What became of messages that were said.  A change is a row of its own; the index of these rows
 * says which message each is of, and costs those that are no changes nothing. */

enum { ERASE_AGAIN_MS = 3 * STORE_LOG_FOLD_MS /* by then it is in the tables */ };

/* Of the messages of a page; of edits the last, for the others' texts would all be read for
 * nothing. */
static const char sql_changes[] =
        "with n as (select x.message as message from said_of o join said x"
        " on x.seq = o.seq where o.account = $1 and o.seq < $2"
        " and ($3 = 0 or x.conversation in ($3, $4)) and x.state < 16"
        " order by o.seq desc limit $5),"
        " m as (select c.seq as seq from n join said c"
        " on c.message = n.message and c.one = $1 and c.state >= 16"
        " union select c.seq from n join said c"
        " on c.message = n.message and c.other = $1 and c.other <> 0 and c.state >= 16)"
        " select c.seq, c.one, c.other, c.conversation, c.message, c.author, c.peer, c.state, "
        "c.type, c.text from m join said c on c.seq = m.seq where c.state <> 16 or not exists"
        " (select 1 from said e where e.message = c.message and e.one = $1"
        " and e.state >= 16 and e.state = 16 and e.seq > c.seq) and not exists"
        " (select 1 from said e where e.message = c.message and e.other = $1 and e.other <> 0"
        " and e.state >= 16 and e.state = 16 and e.seq > c.seq) order by c.seq";
static const char sql_find[] = "select s.seq, s.conversation, s.author from said_of o join said s"
                               " on s.seq = o.seq where o.account = $1 and o.seq between $2 and $3"
                               " and s.message = $4 and s.state < 2 limit 1";
static const char sql_count[] =
        "select (select count(*) from said where message = $1 and one = $2 and state >= 16) +"
        " (select count(*) from said where message = $1 and other = $2 and other <> 0"
        " and state >= 16)";
static const char sql_erase[] = "update said set text = '' where seq = $1";
/* Of edits: all but the last, and that too once the message was deleted. */
static const char sql_erase_edits[] =
        "update said set text = '' where message = $1 and one = $2 and state >= 16 and state = 16"
        " and (seq < (select max(seq) from said where message = $1 and one = $2"
        " and state >= 16 and state = 16) or exists (select 1 from said where message = $1"
        " and one = $2 and state >= 16 and state = 17))";
static const char sql_erase_other_edits[] =
        "update said set text = '' where message = $1 and other = $2 and other <> 0"
        " and state >= 16 and state = 16 and (seq < (select max(seq) from said"
        " where message = $1 and other = $2 and other <> 0 and state >= 16 and state = 16)"
        " or exists (select 1 from said where message = $1 and other = $2 and other <> 0"
        " and state >= 16 and state = 17))";

/* --- of a page ------------------------------------------------------------------------------- */

struct telling {
	fe_said_fn *fn;
	void *arg;
	struct store *store;
	size_t bytes, max;
};

static void tell(void *arg, const struct store_val *c, int n UNUSED)
{
	struct telling *x = arg;
	struct said s = fe_said_of_row(c);
	x->bytes += FE_ROW_BYTES + s.text.len;
	if (x->bytes > x->max)
		store_enough(x->store);
	x->fn(x->arg, &s);
}

static void tell_record(void *arg, const struct store_val *c, int n)
{
	if (c[FE_SAID_STATE].i >= SAID_EDIT)
		tell(arg, c, n);
}

int fe_history_changes(struct frontend *fe, const struct fe_said_page *p, fe_said_fn *fn, void *arg)
{
	struct telling x = { fn, arg, fe->store, 0, p->max > 1 ? FE_READ_BYTES : SIZE_MAX };
	struct store_val v[] = { STORE_I(p->account), STORE_I(p->before),
		                 STORE_I(p->conversations[0]), STORE_I(p->conversations[1]),
		                 STORE_I(p->max) };
	int r = store_read(fe->store, sql_changes, v, ARRAY_SIZE(v), tell, &x);
	if (r < 0 || x.bytes > x.max)
		return r < 0 ? r : -E2BIG;
	x.max = SIZE_MAX;
	/* Of these some may be in the tables since, and told already; each is what it was. */
	store_log_since(fe->history.log, 0, (int64_t)p->account, tell_record, &x);
	return 0;
}

/* --- one message ----------------------------------------------------------------------------- */

struct looking {
	uint64_t message, to;
	struct fe_said_found *ret;
	bool found;
	unsigned n_changes;
};

static void found(struct looking *x, uint64_t sequence, uint64_t conversation, struct str author)
{
	struct buf b = BUF_ON(x->ret->author);
	x->found = true;
	x->ret->sequence = sequence;
	x->ret->conversation = conversation;
	buf_str(&b, author);
	x->ret->author[b.len] = '\0';
}

static void on_row(void *arg, const struct store_val *c, int n UNUSED)
{
	found(arg, (uint64_t)c[0].i, (uint64_t)c[1].i, c[2].s);
}

static void on_record(void *arg, const struct store_val *c, int n UNUSED)
{
	struct looking *x = arg;
	if ((uint64_t)c[4].i != x->message)
		return;
	if (c[FE_SAID_STATE].i >= SAID_EDIT)
		x->n_changes++;
	else if (!x->found && c[FE_SAID_STATE].i < SAID_CALL && (uint64_t)c[0].i <= x->to)
		found(x, (uint64_t)c[0].i, (uint64_t)c[3].i, c[5].s);
}

static void on_count(void *arg, const struct store_val *c, int n UNUSED)
{
	((struct looking *)arg)->n_changes = (unsigned)c[0].i;
}

int fe_history_find(struct frontend *fe, uint64_t account, const struct change *c,
                    struct fe_said_found *ret)
{
	const usec_t apart = CHANGE_APART_S * USEC_PER_SEC;
	uint64_t from = said_at(c->at - MIN(c->at, apart)), to = said_at(c->at + apart);
	from = MIN(from, (uint64_t)INT64_MAX);
	to = MIN(to, (uint64_t)INT64_MAX);
	struct looking x = { .message = c->message, .to = to, .ret = ret };
	struct store_val v[] = { STORE_I(account), STORE_I(from), STORE_I(to),
		                 STORE_I(c->message) };
	struct store_val of[] = { STORE_I(c->message), STORE_I(account) };
	int r = store_read(fe->store, sql_count, of, ARRAY_SIZE(of), on_count, &x);
	if (r >= 0)
		r = store_read(fe->store, sql_find, v, ARRAY_SIZE(v), on_row, &x);
	if (r < 0)
		return r;
	store_log_since(fe->history.log, (int64_t)from, (int64_t)account, on_record, &x);
	if (!x.found)
		return -ENOENT;
	return x.n_changes >= CHANGES_MAX ? -EUSERS : 0;
}

/* --- from the disk --------------------------------------------------------------------------- */

struct erasure {
	struct list node;
	struct frontend *fe;
	uint64_t account, sequence, message;
	struct timer again;
};

static void erase(const struct erasure *e)
{
	struct store_val v[] = { STORE_I(e->sequence) };
	struct store_val of[] = { STORE_I(e->message), STORE_I(e->account) };
	struct store_stmt st[] = {
		{ .sql = sql_erase, .params = v, .n_params = ARRAY_SIZE(v) },
		{ .sql = sql_erase_edits, .params = of, .n_params = ARRAY_SIZE(of) },
		{ .sql = sql_erase_other_edits, .params = of, .n_params = ARRAY_SIZE(of) },
	};
	int r = store_write(e->fe->store, STORE_SHOULD, st, ARRAY_SIZE(st), NULL, NULL);
	if (r < 0)
		log_warning(NULL, "history-not-erased", "why=%s", log_text(str_of(strerror(-r))));
}

static void erasure_free(struct erasure *e)
{
	list_del(&e->node);
	timer_stop(&e->again);
	free(e);
}

static void on_again(void *arg)
{
	struct erasure *e = arg;
	erase(e);
	erasure_free(e);
}

void fe_history_erase(struct frontend *fe, uint64_t account, uint64_t sequence,
                      const struct change *c)
{
	struct erasure *e = xnew(struct erasure);
	e->fe = fe;
	e->account = account;
	e->sequence = sequence;
	e->message = c->message;
	timer_init(&e->again, fe->loop, on_again, e);
	timer_set(&e->again, loop_now(fe->loop) + ERASE_AGAIN_MS * USEC_PER_MSEC);
	list_add(&fe->history.erasures, &e->node);
	erase(e);
}

void fe_history_erase_stop(struct frontend *fe)
{
	list_for(it, &fe->history.erasures) erasure_free(list_entry(it, struct erasure, node));
}
