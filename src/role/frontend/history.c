#include <stdlib.h>

#include "role/frontend/fe.h"

/* What the users of this home said, and what was said to them, on disk before the sender hears that
 * it was delivered (design section 5).
 *
 * A message is one record of the store's log, also where both users live here.  It goes into the
 * tables, and into the index by user there, with thousands of others: a reader looks into both. */

enum {
	SWEEP_ACCOUNTS = 50, /* looked at in one step */
	SWEEP_STEP_MS = 1000,
	SWEEP_EVERY_S = 3600,
	LOST_LINES_PER_S = 1,
};

/* Its number is there already if it was taken over from another process for one of the two. */
static const char sql_put[] =
        "insert into said (seq, one, other, conversation, message, author, peer, state, type, text)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " on conflict (seq) do update set one = excluded.one, other = excluded.other";
static const char sql_index[] =
        "insert or ignore into said_of (account, seq) select account, seq from ("
        " select one as account, seq from said where seq between $1 and $2 union all"
        " select other, seq from said where seq between $1 and $2 and other <> 0)"
        " order by account, seq";
static const char sql_last[] = "select max(seq) from said";
static const char sql_since[] = "select s.seq, s.one, s.other, s.conversation, s.message, "
                                "s.author, s.peer, s.state, s.type,"
                                " s.text from said_of o join said s on s.seq = o.seq"
                                " where o.account = $1 and o.seq > $2 order by o.seq limit $3";
/* The newest ones that are older than $2, of two conversations or all ($3 0).  They come with the
 * newest first, so that reading can end with those that are enough; so does sql_scan. */
static const char sql_before[] =
        "select s.seq, s.one, s.other, s.conversation, s.message, s.author, s.peer, s.state, "
        "s.type,"
        " s.text from said_of o join said s on s.seq = o.seq"
        " where o.account = $1 and o.seq < $2 and ($3 = 0 or s.conversation in ($3, $4))"
        " and s.state < 16 order by o.seq desc limit $5";
/* The same of calls alone, which have indexes of their own. */
static const char sql_calls[] =
        "select s.seq, s.one, s.other, s.conversation, s.message, s.author, s.peer, s.state, "
        "s.type, s.text from (select * from (select seq from said where one = $1 and state = 2"
        " and seq < $2 order by seq desc limit $3) union select * from (select seq from said"
        " where other = $1 and other <> 0 and state = 2 and seq < $2 order by seq desc limit $3))"
        " c join said s on s.seq = c.seq order by c.seq desc limit $3";
/* Of all conversations: who has few messages in one would have all the others read besides. */
static const char sql_scan[] =
        "select s.seq, s.one, s.other, s.conversation, s.message, s.author, s.peer, s.state, "
        "s.type, s.text from said_of o join said s on s.seq = o.seq"
        " where o.account = $1 and o.seq < $2 order by o.seq desc limit $3";
static const char sql_next_account[] = "select min(account) from said_of where account > $1";
static const char sql_sweep_index[] = "delete from said_of where account = $1 and seq < $2";
static const char sql_first[] = "select min(seq) from said";
static const char sql_sweep[] = "delete from said where seq in"
                                " (select seq from said where seq < $1 order by seq limit 5000)";

static void take_number(void *arg, const struct store_val *c, int n UNUSED)
{
	*(uint64_t *)arg = c[0].type == STORE_INT ? (uint64_t)c[0].i : 0;
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
	return store_log_add(fe->history.log, v, ARRAY_SIZE(v), done, arg);
}

uint64_t fe_sequence(struct frontend *fe)
{
	struct fe_history *h = &fe->history;
	return h->last = said_next(h->last, loop_wall(fe->loop), fe->env->slot);
}

static uint64_t *place_of(struct frontend *fe, uint64_t account, uint64_t message, uint64_t *ret_h)
{
	uint64_t part[] = { account, message };
	*ret_h = hash_bytes(&fe->key.mac, part, sizeof(part));
	return fe->history.in_rooms[*ret_h % FE_ROOM_PLACES];
}

bool fe_history_is_new(struct frontend *fe, uint64_t account, uint64_t message)
{
	uint64_t h, *have = place_of(fe, account, message, &h);
	for (size_t i = 0; i < FE_ROOM_WAYS; i++)
		if (have[i] == h)
			return false;
	memmove(have + 1, have, (FE_ROOM_WAYS - 1) * sizeof(*have));
	have[0] = h;
	return true;
}

void fe_history_take_back(struct frontend *fe, uint64_t account, uint64_t message)
{
	uint64_t h, *have = place_of(fe, account, message, &h);
	for (size_t i = 0; i < FE_ROOM_WAYS; i++)
		if (have[i] == h)
			have[i] = 0;
}

void fe_history_lost(struct frontend *fe, int err)
{
	struct fe_history *h = &fe->history;
	h->n_lost++;
	if (log_allow(&h->limit, loop_now(fe->loop), LOST_LINES_PER_S))
		log_warning(NULL, "history-not-stored", "n=%llu why=%s",
		            (unsigned long long)h->n_lost, log_text(str_of(strerror(-err))));
}

static void on_not_folded(void *arg, int err)
{
	struct frontend *fe = arg;
	if (log_allow(&fe->history.limit, loop_now(fe->loop), LOST_LINES_PER_S))
		log_warning(NULL, "history-not-in-tables", "why=%s",
		            log_text(str_of(strerror(-err))));
}

/* What the process before left in the log. */
static void say_left(const struct store_log *log, const char *path)
{
	struct store_log_left left = store_log_left(log);
	if (left.n_rows > 0)
		log_info(NULL, "history-recovered", "n=%zu", left.n_rows);
	if (left.n_damaged > 0)
		log_warning(NULL, "history-log-damaged",
		            "files=%u of=%s why=\"no log begins there; if messages of the last "
		            "seconds were in it, they are lost\"",
		            left.n_damaged, log_esc(str_of(path)));
}

int fe_history_open(struct frontend *fe, const char *path, struct buf *why)
{
	static const struct store_log_def template = { .put = sql_put,
		                                       .then = sql_index,
		                                       .failed = on_not_folded };
	struct fe_history *h = &fe->history;
	h->def = template;
	h->def.arg = fe;
	h->log = store_log_open(fe->store, path, &h->def, why);
	if (!h->log)
		return -1;
	say_left(h->log, path);
	int r = store_read(fe->store, sql_last, NULL, 0, take_number, &h->last);
	h->last = MAX(h->last, (uint64_t)store_log_last(h->log));
	return MIN(r, 0);
}

struct reading {
	uint64_t account, since;
	unsigned left;
	fe_said_fn *fn;
	void *arg;
	struct store *store; /* NULL: it is read to the end */
	size_t bytes;
	bool enough;
};

struct said fe_said_of_row(const struct store_val *c)
{
	return (struct said){
		.sequence = (uint64_t)c[0].i,
		.conversation = (uint64_t)c[3].i,
		.message = (uint64_t)c[4].i,
		.author = c[5].s,
		.peer = c[6].s,
		.state = (enum said_state)c[FE_SAID_STATE].i,
		.type = c[8].s,
		.text = c[9].s,
	};
}

static void on_row(void *arg, const struct store_val *c, int n UNUSED)
{
	struct reading *r = arg;
	struct said s = fe_said_of_row(c);
	r->since = s.sequence;
	r->left--;
	r->fn(r->arg, &s);
	/* Whoever has enough sees by one more that there is more. */
	r->enough = r->store && r->bytes > FE_READ_BYTES;
	if (r->enough)
		store_enough(r->store);
	r->bytes += s.text.len;
}

static void on_record(void *arg, const struct store_val *c, int n)
{
	struct reading *r = arg;
	if (r->left > 0)
		on_row(r, c, n);
}

int fe_history_read(struct frontend *fe, uint64_t account, uint64_t since, uint64_t next,
                    unsigned max, fe_said_fn *fn, void *arg)
{
	struct reading r = { account, since, max, fn, arg, fe->store, 0, false };
	struct store_val v[] = { STORE_I(account), STORE_I(since), STORE_I(max) };
	bool in_log = next && (int64_t)next >= store_log_first(fe->history.log);
	int n = in_log ? 0 : store_read(fe->store, sql_since, v, ARRAY_SIZE(v), on_row, &r);
	if (n < 0)
		return n;
	r.store = NULL;
	if (!r.enough)
		store_log_since(fe->history.log, (int64_t)r.since, (int64_t)account, on_record, &r);
	return (int)(max - r.left);
}

/* --- backwards ----------------------------------------------------------------------------- */

struct looking_back {
	const struct fe_said_page *page;
	unsigned n, skip;
	struct reading rows;
};

static bool is_asked(const struct fe_said_page *p, const struct store_val *c)
{
	uint64_t conversation = (uint64_t)c[3].i;
	int64_t state = c[FE_SAID_STATE].i;
	return (uint64_t)c[0].i < p->before && state < SAID_EDIT &&
	       (!p->calls || state == SAID_CALL) &&
	       (p->conversations[0] == 0 || conversation == p->conversations[0] ||
	        conversation == p->conversations[1]);
}

static void count_record(void *arg, const struct store_val *c, int n UNUSED)
{
	struct looking_back *b = arg;
	b->n += is_asked(b->page, c);
}

static void take_record(void *arg, const struct store_val *c, int n)
{
	struct looking_back *b = arg;
	if (!is_asked(b->page, c))
		return;
	if (b->skip > 0)
		b->skip--;
	else
		on_row(&b->rows, c, n);
}

/* What comes with the newest first, to be told in its order. */
struct collecting {
	struct store *store;
	const struct fe_said_page *page;
	struct arena *memory;
	struct said said[FE_SCAN_ROWS];
	unsigned n, n_rows, n_messages;
	size_t bytes;
	uint64_t reached; /* the oldest */
	bool cut;         /* there may be older ones */
};

static struct collecting *collecting_new(struct frontend *fe, const struct fe_said_page *p)
{
	struct collecting *x = xnew(struct collecting);
	x->store = fe->store;
	x->page = p;
	x->memory = arena_new();
	return x;
}

static void collecting_free(struct collecting **xp)
{
	struct collecting *x = take(xp);
	arena_free(&x->memory);
	free(x);
}

static void keep(struct collecting *x, const struct said *s)
{
	struct said *kept = &x->said[x->n++];
	*kept = *s;
	kept->author = arena_str(x->memory, s->author);
	kept->peer = arena_str(x->memory, s->peer);
	kept->type = arena_str(x->memory, s->type);
	kept->text = arena_str(x->memory, s->text);
}

static void collect(void *arg, const struct store_val *c, int n UNUSED)
{
	struct collecting *x = arg;
	struct said s = fe_said_of_row(c);
	x->n_rows++;
	x->n_messages += !said_is_change(&s);
	x->bytes += s.text.len;
	x->reached = s.sequence;
	if (is_asked(x->page, c))
		keep(x, &s);
	x->cut = x->bytes > FE_READ_BYTES || x->n_messages == x->page->max ||
	         x->n_rows == FE_SCAN_ROWS;
	if (x->cut)
		store_enough(x->store);
}

static void tell_collected(const struct collecting *x, fe_said_fn *fn, void *arg)
{
	for (unsigned i = x->n; i-- > 0;)
		fn(arg, &x->said[i]);
}

/* The tables' part. */
static int read_before(struct frontend *fe, const struct fe_said_page *p, uint64_t folded,
                       unsigned left, struct collecting *x)
{
	uint64_t before = MIN(p->before, folded + 1);
	struct store_val v[] = { STORE_I(p->account), STORE_I(before), STORE_I(p->conversations[0]),
		                 STORE_I(p->conversations[1]), STORE_I(left) };
	struct store_val of_calls[] = { STORE_I(p->account), STORE_I(before), STORE_I(left) };
	if (left == 0)
		return 0;
	return p->calls ? store_read(fe->store, sql_calls, of_calls, ARRAY_SIZE(of_calls), collect,
	                             x)
	                : store_read(fe->store, sql_before, v, ARRAY_SIZE(v), collect, x);
}

/* Records that are not in the tables yet are the newest; what a fold brings there meanwhile is not
 * read twice, for the tables are asked for what is older. */
int fe_history_before(struct frontend *fe, const struct fe_said_page *p, fe_said_fn *fn, void *arg,
                      bool *ret_more)
{
	struct looking_back b = {
		.page = p, .rows = { .account = p->account, .left = p->max, .fn = fn, .arg = arg }
	};
	const struct store_log *log = fe->history.log;
	uint64_t folded = 0;
	int r = store_read(fe->store, sql_last, NULL, 0, take_number, &folded);
	if (r < 0)
		return r;
	store_log_since(log, (int64_t)folded, (int64_t)p->account, count_record, &b);
	b.skip = b.n > p->max ? b.n - p->max : 0;
	unsigned left = b.n > p->max ? 0 : p->max - b.n;
	auto_(collecting_free) struct collecting *x = collecting_new(fe, p);
	if ((r = read_before(fe, p, folded, left, x)) < 0)
		return r;
	tell_collected(x, fn, arg);
	store_log_since(log, (int64_t)folded, (int64_t)p->account, take_record, &b);
	*ret_more = x->cut || b.n + x->n >= p->max;
	return 0;
}

/* Of what is not in the tables yet. */
struct scanning {
	const struct fe_said_page *page;
	struct reading rows;
	size_t left;    /* bytes of the texts that come */
	uint64_t first; /* that was told; 0: none yet */
	bool cut;
};

static void weigh_record(void *arg, const struct store_val *c, int n UNUSED)
{
	struct scanning *x = arg;
	if (is_asked(x->page, c))
		x->left += fe_said_of_row(c).text.len;
}

static void scan_record(void *arg, const struct store_val *c, int n)
{
	struct scanning *x = arg;
	if (!is_asked(x->page, c))
		return;
	if (x->left > FE_READ_BYTES) {
		x->left -= fe_said_of_row(c).text.len;
		x->cut = true;
		return;
	}
	x->first = x->first ? x->first : (uint64_t)c[0].i;
	on_row(&x->rows, c, n);
}

/* The tables' part. */
static int scan_tables(struct frontend *fe, const struct fe_said_page *p, uint64_t folded,
                       fe_said_fn *fn, void *arg, uint64_t *ret_reached)
{
	auto_(collecting_free) struct collecting *x = collecting_new(fe, p);
	struct store_val v[] = { STORE_I(p->account), STORE_I(MIN(p->before, folded + 1)),
		                 STORE_I(FE_SCAN_ROWS) };
	int r = store_read(fe->store, sql_scan, v, ARRAY_SIZE(v), collect, x);
	if (r < 0)
		return r;
	tell_collected(x, fn, arg);
	*ret_reached = x->cut ? x->reached : 0;
	return 0;
}

int fe_history_scan(struct frontend *fe, const struct fe_said_page *p, fe_said_fn *fn, void *arg,
                    uint64_t *ret_reached)
{
	struct scanning log = { .page = p,
		                .rows = { .account = p->account, .fn = fn, .arg = arg } };
	uint64_t folded = 0;
	int r = store_read(fe->store, sql_last, NULL, 0, take_number, &folded);
	if (r < 0)
		return r;
	store_log_since(fe->history.log, (int64_t)folded, (int64_t)p->account, weigh_record, &log);
	if (log.left <= FE_READ_BYTES)
		r = scan_tables(fe, p, folded, fn, arg, ret_reached);
	if (r < 0)
		return r;
	store_log_since(fe->history.log, (int64_t)folded, (int64_t)p->account, scan_record, &log);
	if (log.cut)
		*ret_reached = log.first;
	return 0;
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
	list_init(&fe->history.erasures);
}

void fe_history_stop(struct frontend *fe)
{
	timer_stop(&fe->history.sweep);
	fe_history_erase_stop(fe);
}
