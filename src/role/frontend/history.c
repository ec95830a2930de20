#include <stdlib.h>

#include "role/frontend/fe.h"

/* What the users of this home said, and what was said to them: a row for each side, on disk before
 * the sender hears that it was delivered (design section 5).  Rows go when they are old enough. */

enum {
	SWEEP_ACCOUNTS = 50, /* looked at in one step */
	SWEEP_STEP_MS = 1000,
	SWEEP_EVERY_S = 3600,
	LOST_LINES_PER_S = 1,
};

/* clang-format off */
#define COLUMNS "seq, account, conversation, message, author, peer, state, type, text"
#define ROW(a, b, c, d, e, f, g, h, i) \
	"($" #a ", $" #b ", $" #c ", $" #d ", $" #e ", $" #f ", $" #g ", $" #h ", $" #i ")"
/* clang-format on */
enum { N_COLUMNS = 9 };

static const char sql_one[] =
        "insert into said (" COLUMNS ") values " ROW(1, 2, 3, 4, 5, 6, 7, 8, 9);
/* Both sides live here: what they have in common is handed over once. */
static const char sql_both[] =
        "insert into said (" COLUMNS
        ") values " ROW(1, 2, 3, 4, 5, 6, 7, 8, 9) ", " ROW(10, 11, 3, 4, 5, 6, 7, 8, 9);
static const char sql_last[] = "select max(seq) from said";
static const char sql_last_of[] = "select max(seq) from said where account = $1";
static const char sql_since[] = "select seq, conversation, message, author, peer, state, type, text"
                                " from said where account = $1 and seq > $2 order by seq limit $3";
static const char sql_next_account[] = "select min(account) from said where account > $1";
static const char sql_sweep[] = "delete from said where account = $1 and seq < $2";

static void take_number(void *arg, const struct store_val *c, int n UNUSED)
{
	*(uint64_t *)arg = c[0].type == STORE_INT ? (uint64_t)c[0].i : 0;
}

int fe_history_add(struct frontend *fe, const uint64_t accounts[2], struct said *s,
                   store_done_fn *done, void *arg)
{
	struct fe_history *h = &fe->history;
	bool both = accounts[1] != 0;
	s->sequence = h->last = said_next(h->last, loop_wall(fe->loop), fe->env->slot);
	if (both)
		h->last = said_next(h->last, 0, fe->env->slot);
	struct store_val v[N_COLUMNS + 2] = {
		STORE_I(s->sequence), STORE_I(accounts[0]), STORE_I(s->conversation),
		STORE_I(s->message),  STORE_S(s->author),   STORE_S(s->peer),
		STORE_I(s->state),    STORE_S(s->type),     STORE_S(s->text),
		STORE_I(h->last),     STORE_I(accounts[1]),
	};
	struct store_stmt st = { .sql = both ? sql_both : sql_one,
		                 .params = v,
		                 .n_params = both ? N_COLUMNS + 2 : N_COLUMNS };
	return store_write(fe->store, STORE_MUST, &st, 1, done, arg);
}

void fe_history_lost(struct frontend *fe, int err)
{
	struct fe_history *h = &fe->history;
	h->n_lost++;
	if (log_allow(&h->limit, loop_now(fe->loop), LOST_LINES_PER_S))
		log_warning(NULL, "history-not-stored", "n=%llu why=\"%s\"",
		            (unsigned long long)h->n_lost, strerror(-err));
}

uint64_t fe_history_last(struct frontend *fe, uint64_t account)
{
	struct store_val v = STORE_I(account);
	uint64_t last = 0;
	return store_read(fe->store, sql_last_of, &v, 1, take_number, &last) < 0 ? 0 : last;
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

static void sweep_account(struct frontend *fe, uint64_t account, uint64_t before)
{
	struct store_val v[] = { STORE_I(account), STORE_I(before) };
	struct store_stmt st = { .sql = sql_sweep, .params = v, .n_params = ARRAY_SIZE(v) };
	(void)!store_write(fe->store, STORE_SHOULD, &st, 1, NULL, NULL); /* the next round */
}

/* Some of the users; false behind the last one. */
static bool sweep_some(struct frontend *fe)
{
	struct fe_history *h = &fe->history;
	usec_t keep = fe->cfg.history_s * USEC_PER_SEC, now = loop_wall(fe->loop);
	for (int i = 0; i < SWEEP_ACCOUNTS; i++) {
		struct store_val after = STORE_I(h->swept);
		uint64_t account = 0;
		if (store_read(fe->store, sql_next_account, &after, 1, take_number, &account) < 0 ||
		    account == 0)
			return false;
		sweep_account(fe, account, said_at(now > keep ? now - keep : 0));
		h->swept = account;
	}
	return true;
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

void fe_history_start(struct frontend *fe)
{
	struct fe_history *h = &fe->history;
	if (store_read(fe->store, sql_last, NULL, 0, take_number, &h->last) < 0)
		h->last = 0;
	timer_set(&h->sweep, loop_now(fe->loop) + SWEEP_STEP_MS * USEC_PER_MSEC);
}

void fe_history_init(struct frontend *fe)
{
	timer_init(&fe->history.sweep, fe->loop, on_sweep, fe);
}
