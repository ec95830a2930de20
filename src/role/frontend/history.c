#include <stdlib.h>

#include "role/frontend/fe.h"

/* What the users of this home said, and what was said to them, on disk before the sender hears that
 * it was delivered (design section 5).
 *
 * A message is one row at the end of the table, also where both users live here, so that a commit
 * touches few pages.  The index by user is written behind, many rows at a time in the order of the
 * users: a reader looks into it, and through the rows that are not in it yet. */

enum {
	INDEX_ROWS = 1000, /* that are not in the index, or ... */
	INDEX_EVERY_MS = 2000,
	SWEEP_ACCOUNTS = 50, /* looked at in one step */
	SWEEP_STEP_MS = 1000,
	SWEEP_EVERY_S = 3600,
	LOST_LINES_PER_S = 1,
};

static const char sql_add[] =
        "insert into said (seq, one, other, conversation, message, author, peer, state, type, text)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
static const char sql_last[] = "select max(seq) from said";
#define NOT_INDEXED "seq > (select seq from said_mark)"
static const char sql_index[] =
        "insert or ignore into said_of (account, seq) select account, seq from ("
        " select one as account, seq from said where " NOT_INDEXED " union all"
        " select other, seq from said where other <> 0 and " NOT_INDEXED ") order by account, seq";
static const char sql_mark[] =
        "update said_mark set seq = max(seq, coalesce((select max(seq) from said), 0))";
static const char sql_since[] =
        "select s.seq, s.conversation, s.message, s.author, s.peer, s.state, s.type, s.text from ("
        " select * from (select seq from said_of where account = $1 and seq > $2"
        " order by seq limit $3) union"
        " select * from (select seq from said where seq > $2 and " NOT_INDEXED
        " and (one = $1 or other = $1) order by seq limit $3)"
        ") o join said s on s.seq = o.seq order by s.seq limit $3";
static const char sql_next_account[] = "select min(account) from said_of where account > $1";
static const char sql_sweep_index[] = "delete from said_of where account = $1 and seq < $2";
static const char sql_first[] = "select min(seq) from said";
static const char sql_sweep[] = "delete from said where seq in"
                                " (select seq from said where seq < $1 order by seq limit 5000)";

static void take_number(void *arg, const struct store_val *c, int n UNUSED)
{
	*(uint64_t *)arg = c[0].type == STORE_INT ? (uint64_t)c[0].i : 0;
}

static void write_index(struct frontend *fe)
{
	struct fe_history *h = &fe->history;
	const struct store_stmt st[] = { { .sql = sql_index }, { .sql = sql_mark } };
	if (store_write(fe->store, STORE_SHOULD, st, ARRAY_SIZE(st), NULL, NULL) == 0)
		h->n_not_indexed = 0;
}

static void on_index(void *arg)
{
	write_index(arg);
}

static void index_soon(struct frontend *fe)
{
	struct fe_history *h = &fe->history;
	if (++h->n_not_indexed == INDEX_ROWS)
		write_index(fe);
	else if (h->n_not_indexed == 1)
		timer_set(&h->index, loop_now(fe->loop) + INDEX_EVERY_MS * USEC_PER_MSEC);
}

int fe_history_add(struct frontend *fe, const uint64_t accounts[2], struct said *s,
                   store_done_fn *done, void *arg)
{
	s->sequence = fe_sequence(fe);
	struct store_val v[] = {
		STORE_I(s->sequence),     STORE_I(accounts[0]), STORE_I(accounts[1]),
		STORE_I(s->conversation), STORE_I(s->message),  STORE_S(s->author),
		STORE_S(s->peer),         STORE_I(s->state),    STORE_S(s->type),
		STORE_S(s->text),
	};
	struct store_stmt st = { .sql = sql_add, .params = v, .n_params = ARRAY_SIZE(v) };
	int r = store_write(fe->store, STORE_MUST, &st, 1, done, arg);
	if (r == 0)
		index_soon(fe);
	return r;
}

uint64_t fe_sequence(struct frontend *fe)
{
	struct fe_history *h = &fe->history;
	return h->last = said_next(h->last, loop_wall(fe->loop), fe->env->slot);
}

void fe_history_lost(struct frontend *fe, int err)
{
	struct fe_history *h = &fe->history;
	h->n_lost++;
	if (log_allow(&h->limit, loop_now(fe->loop), LOST_LINES_PER_S))
		log_warning(NULL, "history-not-stored", "n=%llu why=%s",
		            (unsigned long long)h->n_lost, log_text(str_of(strerror(-err))));
}

struct reading {
	fe_said_fn *fn;
	void *arg;
};

static void on_row(void *arg, const struct store_val *c, int n UNUSED)
{
	struct reading *r = arg;
	struct said s = {
		.sequence = (uint64_t)c[0].i,
		.conversation = (uint64_t)c[1].i,
		.message = (uint64_t)c[2].i,
		.author = c[3].s,
		.peer = c[4].s,
		.state = (enum said_state)c[5].i,
		.type = c[6].s,
		.text = c[7].s,
	};
	r->fn(r->arg, &s);
}

int fe_history_read(struct frontend *fe, uint64_t account, uint64_t since, unsigned max,
                    fe_said_fn *fn, void *arg)
{
	struct reading r = { fn, arg };
	struct store_val v[] = { STORE_I(account), STORE_I(since), STORE_I(max) };
	return store_read(fe->store, sql_since, v, ARRAY_SIZE(v), on_row, &r);
}

/* --- the end of rows ----------------------------------------------------------------------- */

static void sweep_rows(struct frontend *fe, const char *sql, const struct store_val *v, size_t n)
{
	struct store_stmt st = { .sql = sql, .params = v, .n_params = n };
	(void)!store_write(fe->store, STORE_SHOULD, &st, 1, NULL, NULL); /* the next round */
}

/* Some of the users; false behind the last one. */
static bool sweep_index(struct frontend *fe, uint64_t before)
{
	struct fe_history *h = &fe->history;
	for (int i = 0; i < SWEEP_ACCOUNTS; i++) {
		struct store_val v[] = { STORE_I(h->swept), STORE_I(before) };
		uint64_t account = 0;
		if (store_read(fe->store, sql_next_account, v, 1, take_number, &account) < 0 ||
		    account == 0)
			return false;
		v[0] = STORE_I(account);
		sweep_rows(fe, sql_sweep_index, v, ARRAY_SIZE(v));
		h->swept = account;
	}
	return true;
}

/* The oldest rows; false if none is old enough. */
static bool sweep_said(struct frontend *fe, uint64_t before)
{
	struct store_val v = STORE_I(before);
	uint64_t first = 0;
	if (store_read(fe->store, sql_first, NULL, 0, take_number, &first) < 0 || first == 0 ||
	    first >= before)
		return false;
	sweep_rows(fe, sql_sweep, &v, 1);
	return true;
}

static bool sweep_some(struct frontend *fe)
{
	usec_t keep = fe->cfg.history_s * USEC_PER_SEC, now = loop_wall(fe->loop);
	uint64_t before = said_at(now > keep ? now - keep : 0);
	bool more = sweep_index(fe, before);
	return sweep_said(fe, before) || more;
}

static void on_sweep(void *arg)
{
	struct frontend *fe = arg;
	struct fe_history *h = &fe->history;
	usec_t in = SWEEP_STEP_MS * USEC_PER_MSEC;
	if (!sweep_some(fe)) {
		h->swept = 0;
		in = MIN(SWEEP_EVERY_S, fe->cfg.history_s) * USEC_PER_SEC;
	}
	timer_set(&h->sweep, loop_now(fe->loop) + in);
}

static void sweep_soon(struct frontend *fe)
{
	timer_set(&fe->history.sweep, loop_now(fe->loop) + SWEEP_STEP_MS * USEC_PER_MSEC);
}

void fe_history_start(struct frontend *fe)
{
	struct fe_history *h = &fe->history;
	if (store_read(fe->store, sql_last, NULL, 0, take_number, &h->last) < 0)
		h->last = 0;
	write_index(fe); /* what the last process left */
	sweep_soon(fe);
}

/* What is too old by the new settings need not wait for the next round. */
void fe_history_configure(struct frontend *fe)
{
	sweep_soon(fe);
}

void fe_history_init(struct frontend *fe)
{
	timer_init(&fe->history.sweep, fe->loop, on_sweep, fe);
	timer_init(&fe->history.index, fe->loop, on_index, fe);
}

void fe_history_stop(struct frontend *fe)
{
	timer_stop(&fe->history.sweep);
	timer_stop(&fe->history.index);
}
