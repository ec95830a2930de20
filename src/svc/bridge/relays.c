#include "svc/bridge/relays.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "stack/turn/client.h"

enum { CREDENTIAL_MAX = 1024 };

/* One allocation. */
struct end {
	struct relay_pair *pair;
	struct turn_client *client;
	struct map_node node; /* by its address, while it is there */
	struct turn_allocation at;
	bool there, over; /* allocated; over: nothing will be */
};

enum pair_state {
	PAIR_MAKING,
	PAIR_READY,
	PAIR_TAKEN,
	PAIR_LOST,    /* taken still, and of no use */
	PAIR_LEAVING, /* is being released */
	PAIR_OVER,    /* is freed in a moment */
	PAIR_N_STATES
};
enum pair_event {
	PAIR_MADE,
	PAIR_TAKE,
	PAIR_RELEASE, /* by whom it is taken; or it is not needed any more */
	PAIR_LOSE,    /* an end is over */
	PAIR_ENDED,   /* both ends are */
	PAIR_N_EVENTS
};

struct relay_pair {
	struct relays *all;
	struct list node;
	struct end ends[ICE_COMPONENTS];
	enum pair_state state;
	uint32_t generation; /* of the credentials */
	const struct relay_pair_ops *ops;
	void *arg;
};

struct relays {
	struct loop *loop;
	const struct relays_ops *ops;
	void *arg;
	bool on;
	struct addr server;
	struct buf user, password;
	uint32_t generation;
	struct list pairs;
	unsigned n[PAIR_N_STATES], n_fresh; /* fresh: making or ready with these credentials */
	unsigned n_all;
	struct map by_addr;
	uint32_t recent[2]; /* taken in this and the last RELAYS_RATE_S */
	uint32_t pause_s;   /* 0: the relay has room */
	bool rests;         /* that long, from when it had none */
	struct timer look, again;
	struct defer reap;
	struct relays_counts counts;
};

/* --- pairs ----------------------------------------------------------------------------- */

static bool is_fresh(const struct relay_pair *p)
{
	return p->generation == p->all->generation &&
	       (p->state == PAIR_MAKING || p->state == PAIR_READY);
}

static void end_gone(struct end *e)
{
	if (e->there)
		map_del(&e->pair->all->by_addr, &e->node);
	e->there = false;
}

static void pair_free(struct relay_pair *p)
{
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		end_gone(&p->ends[c]);
		/* Nobody waits for the answer. */
		(void)!turn_client_release(p->ends[c].client);
		turn_client_free(&p->ends[c].client);
	}
	list_del(&p->node);
	p->all->n[p->state]--;
	p->all->n_all--;
	free(p);
}

static void on_reap(void *arg)
{
	struct relays *r = arg;
	list_for(it, &r->pairs)
	{
		struct relay_pair *p = list_entry(it, struct relay_pair, node);
		if (p->state == PAIR_OVER)
			pair_free(p);
	}
}

static void feed(struct relay_pair *p, enum pair_event ev);
static bool all_are(const struct relay_pair *p, bool over)
{
	for (unsigned c = 0; c < ICE_COMPONENTS; c++)
		if (over ? !p->ends[c].over : !p->ends[c].there)
			return false;
	return true;
}

static void leave(struct relay_pair *p)
{
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		struct end *e = &p->ends[c];
		/* What is not allocated yet is released when it is. */
		if (e->there && turn_client_release(e->client) < 0)
			e->over = true;
		end_gone(e);
	}
	if (all_are(p, true))
		feed(p, PAIR_ENDED);
}

static void is_over(struct relay_pair *p)
{
	loop_defer(p->all->loop, &p->all->reap);
}

static void tell_lost(struct relay_pair *p)
{
	p->all->counts.lost++;
	p->ops->lost(p->arg);
}

static void count_lost(struct relay_pair *p)
{
	p->all->counts.lost++;
	is_over(p);
}

typedef void action_fn(struct relay_pair *p);

/* clang-format off */
static const struct {
	action_fn *act; /* NULL: nothing to do */
	enum pair_state next;
	bool allowed;
} edges[PAIR_N_STATES][PAIR_N_EVENTS] = {
	[PAIR_MAKING][PAIR_MADE]     = { NULL,       PAIR_READY,   true },
	[PAIR_MAKING][PAIR_LOSE]     = { is_over,    PAIR_OVER,    true },
	[PAIR_MAKING][PAIR_RELEASE]  = { leave,      PAIR_LEAVING, true },
	[PAIR_READY][PAIR_TAKE]      = { NULL,       PAIR_TAKEN,   true },
	[PAIR_READY][PAIR_LOSE]      = { count_lost, PAIR_OVER,    true },
	[PAIR_READY][PAIR_RELEASE]   = { leave,      PAIR_LEAVING, true },
	[PAIR_TAKEN][PAIR_LOSE]      = { tell_lost,  PAIR_LOST,    true },
	[PAIR_TAKEN][PAIR_RELEASE]   = { leave,      PAIR_LEAVING, true },
	[PAIR_LOST][PAIR_RELEASE]    = { is_over,    PAIR_OVER,    true },
	[PAIR_LEAVING][PAIR_ENDED]   = { is_over,    PAIR_OVER,    true },
};
/* clang-format on */

static void feed(struct relay_pair *p, enum pair_event ev)
{
	struct relays *r = p->all;
	enum pair_state before = p->state;
	if (!edges[before][ev].allowed)
		return;
	r->n_fresh -= is_fresh(p);
	r->n[before]--;
	p->state = edges[before][ev].next;
	r->n[p->state]++;
	r->n_fresh += is_fresh(p);
	if (edges[before][ev].act)
		edges[before][ev].act(p);
}

static void end_is_over(struct end *e)
{
	e->over = true;
	end_gone(e);
	feed(e->pair, PAIR_LOSE);
	if (all_are(e->pair, true))
		feed(e->pair, PAIR_ENDED);
}

/* --- how many -------------------------------------------------------------------------- */

static unsigned wanted(const struct relays *r)
{
	unsigned n = RELAYS_READY_MIN + MAX(r->recent[0], r->recent[1]);
	return MIN(n, (unsigned)RELAYS_READY_MAX);
}

/* The first of that state which is, or is not, of the credentials that hold. */
static struct relay_pair *find(struct relays *r, enum pair_state state, bool fresh)
{
	list_for(it, &r->pairs)
	{
		struct relay_pair *p = list_entry(it, struct relay_pair, node);
		if (p->state == state && (p->generation == r->generation) == fresh)
			return p;
	}
	return NULL;
}

static const struct turn_client_ops client_ops;

static void pair_new(struct relays *r)
{
	struct relay_pair *p = xnew(struct relay_pair), *like = find(r, PAIR_READY, true);
	struct turn_client_config cfg = { .server = r->server,
		                          .way = TURN_BY_UDP,
		                          .user = buf_view(&r->user),
		                          .password = buf_view(&r->password),
		                          .tries = RELAYS_TRIES };
	like = like ? like : find(r, PAIR_TAKEN, true);
	p->all = r;
	p->generation = r->generation;
	for (unsigned c = 0; c < ICE_COMPONENTS; c++) {
		p->ends[c].pair = p;
		p->ends[c].client = turn_client_new(r->loop, &cfg, &client_ops, &p->ends[c]);
		if (like)
			turn_client_learn(p->ends[c].client, like->ends[c].client);
	}
	list_add(&r->pairs, &p->node);
	r->n_all++;
	r->n[PAIR_MAKING]++;
	r->n_fresh++;
}

static void fill(struct relays *r)
{
	while (r->on && !r->rests && r->n_fresh < wanted(r) && r->n_all < RELAYS_PAIRS_MAX)
		pair_new(r);
}

static void on_again(void *arg)
{
	struct relays *r = arg;
	r->rests = false;
	fill(r);
}

/* Several may be refused at a time. */
static void rest(struct relays *r)
{
	if (r->rests)
		return;
	r->rests = true;
	r->pause_s = CLAMP(2 * r->pause_s, 1u, (uint32_t)RELAYS_PAUSE_MAX_S);
	timer_set(&r->again, loop_now(r->loop) + r->pause_s * USEC_PER_SEC);
}

static void release_all(struct relays *r, enum pair_state state)
{
	list_for(it, &r->pairs)
	{
		struct relay_pair *p = list_entry(it, struct relay_pair, node);
		if (p->state == state)
			feed(p, PAIR_RELEASE);
	}
}

/* The window moves on; what is ready is looked after, or let go of if it is too much. */
static void on_look(void *arg)
{
	struct relays *r = arg;
	r->recent[1] = r->recent[0];
	r->recent[0] = 0;
	list_for(it, &r->pairs)
	{
		struct relay_pair *p = list_entry(it, struct relay_pair, node);
		if (p->state != PAIR_READY)
			continue;
		if (is_fresh(p) ? r->n_fresh > wanted(r) : find(r, PAIR_READY, true) != NULL) {
			feed(p, PAIR_RELEASE);
			continue;
		}
		for (unsigned c = 0; c < ICE_COMPONENTS; c++)
			(void)!turn_client_refresh(p->ends[c].client);
	}
	fill(r);
	timer_set(&r->look, loop_now(r->loop) + RELAYS_RATE_S * USEC_PER_SEC);
}

/* --- what the relay says --------------------------------------------------------------- */

static void on_opened(void *arg)
{
	struct end *e = arg;
	if (e->pair->state == PAIR_MAKING && turn_client_allocate(e->client) == 0)
		return;
	end_is_over(e);
}

static void became_ready(struct relay_pair *p)
{
	struct relays *r = p->all;
	struct relay_pair *old = find(r, PAIR_READY, false);
	feed(p, PAIR_MADE);
	if (is_fresh(p))
		r->pause_s = 0;
	if (is_fresh(p) ? old != NULL : r->n[PAIR_READY] > wanted(r))
		feed(is_fresh(p) ? old : p, PAIR_RELEASE);
	fill(r);
}

static void on_allocated(void *arg, const struct turn_allocation *at)
{
	struct end *e = arg;
	struct relays *r = e->pair->all;
	uint8_t bytes[18];
	if (e->pair->state != PAIR_MAKING) {
		if (turn_client_release(e->client) < 0)
			end_is_over(e);
		return;
	}
	e->at = *at;
	e->there = true;
	map_add(&r->by_addr, &e->node,
	        hash_bytes(&r->by_addr.key, bytes, addr_pack(&at->relayed, bytes)));
	if (all_are(e->pair, false))
		became_ready(e->pair);
}

static void on_released(void *arg)
{
	end_is_over(arg);
}

static void on_data(void *arg, const struct addr *peer, struct str data)
{
	struct end *e = arg;
	struct relay_pair *p = e->pair;
	if (p->state == PAIR_TAKEN)
		p->ops->data(p->arg, (unsigned)(e - p->ends), peer, data);
}

/* An allocation that is not known was that of a process which has ended; another has its place. */
static bool was_restarted(const struct turn_failure *f)
{
	return f->code == 437;
}

static bool is_full(const struct turn_failure *f)
{
	return f->code == 486 || f->code == 508;
}

static void lose(struct relays *r, const char *why)
{
	if (!r->on)
		return;
	relays_stop(r);
	if (r->ops)
		r->ops->lost(r->arg, why);
}

static void on_over(struct end *e, const struct turn_failure *f)
{
	struct relay_pair *p = e->pair;
	struct relays *r = p->all;
	bool made = p->state != PAIR_MAKING, counts = p->state < PAIR_LOST;
	bool of_now = p->generation == r->generation;
	end_is_over(e);
	if (!counts || !of_now)
		return;
	if (is_full(f) && r->ops && r->on)
		r->ops->full(r->arg, f->why);
	if (is_full(f) || (was_restarted(f) && !made))
		rest(r);
	else if (was_restarted(f))
		fill(r);
	else
		lose(r, f->why);
}

static void on_failed(void *arg, const struct turn_failure *f)
{
	struct end *e = arg;
	struct relay_pair *p = e->pair;
	if (f->over)
		on_over(e, f);
	else if (f->where == TURN_AT_PERMISSION && p->state == PAIR_TAKEN)
		p->ops->refused(p->arg, (unsigned)(e - p->ends), f->peer);
}

static const struct turn_client_ops client_ops = { .opened = on_opened,
	                                           .allocated = on_allocated,
	                                           .released = on_released,
	                                           .data = on_data,
	                                           .failed = on_failed };

/* --- the whole ------------------------------------------------------------------------- */

struct relays *relays_new(struct loop *l, const struct relays_ops *ops, void *arg)
{
	struct relays *r = xnew(struct relays);
	r->loop = l;
	r->ops = ops;
	r->arg = arg;
	r->user = buf_of(CREDENTIAL_MAX);
	r->password = buf_of(CREDENTIAL_MAX);
	list_init(&r->pairs);
	map_init(&r->by_addr);
	timer_init(&r->look, l, on_look, r);
	timer_init(&r->again, l, on_again, r);
	defer_init(&r->reap, on_reap, r);
	return r;
}

static void forget(struct buf *b)
{
	if (b->p)
		wipe(b->p, b->len);
	b->len = 0;
}

void relays_free(struct relays **rp)
{
	struct relays *r = take(rp);
	if (!r)
		return;
	list_for(it, &r->pairs) pair_free(list_entry(it, struct relay_pair, node));
	timer_stop(&r->look);
	timer_stop(&r->again);
	defer_cancel(&r->reap);
	forget(&r->user);
	forget(&r->password);
	buf_free(&r->user);
	buf_free(&r->password);
	map_done(&r->by_addr);
	free(r);
}

int relays_use(struct relays *r, const struct relays_config *cfg)
{
	if (cfg->user.len > CREDENTIAL_MAX || cfg->password.len > CREDENTIAL_MAX)
		return -EINVAL;
	forget(&r->user);
	forget(&r->password);
	buf_str(&r->user, cfg->user);
	buf_str(&r->password, cfg->password);
	r->server = cfg->server;
	r->generation++;
	r->n_fresh = 0;
	r->pause_s = 0;
	r->rests = false;
	timer_stop(&r->again);
	r->on = true;
	fill(r);
	timer_set(&r->look, loop_now(r->loop) + RELAYS_RATE_S * USEC_PER_SEC);
	return 0;
}

void relays_stop(struct relays *r)
{
	r->on = r->rests = false;
	timer_stop(&r->look);
	timer_stop(&r->again);
	release_all(r, PAIR_MAKING);
	release_all(r, PAIR_READY);
}

bool relays_is_on(const struct relays *r)
{
	return r->on;
}

bool relays_has(const struct relays *r, const struct addr *a)
{
	uint8_t bytes[18];
	struct map_node *n =
	        map_first(&r->by_addr, hash_bytes(&r->by_addr.key, bytes, addr_pack(a, bytes)));
	for (; n; n = map_next(n))
		if (addr_eq(&container_of(n, struct end, node)->at.relayed, a))
			return true;
	return false;
}

struct relays_counts relays_counts(const struct relays *r)
{
	struct relays_counts c = r->counts;
	c.ready = r->n[PAIR_READY];
	c.taken = r->n[PAIR_TAKEN];
	return c;
}

/* --- a pair that is taken -------------------------------------------------------------- */

struct relay_pair *relays_take(struct relays *r, const struct relay_pair_ops *ops, void *arg)
{
	struct relay_pair *p = find(r, PAIR_READY, true);
	if (!p)
		p = find(r, PAIR_READY, false);
	if (!p)
		return NULL;
	p->ops = ops;
	p->arg = arg;
	r->recent[0]++;
	r->counts.used++;
	feed(p, PAIR_TAKE);
	fill(r);
	return p;
}

void relay_pair_release(struct relay_pair **pp)
{
	struct relay_pair *p = take(pp);
	if (p)
		feed(p, PAIR_RELEASE);
}

const struct addr *relay_pair_at(const struct relay_pair *p, unsigned component)
{
	return &p->ends[component].at.relayed;
}

const struct addr *relay_pair_mapped(const struct relay_pair *p, unsigned component)
{
	return &p->ends[component].at.mapped;
}

void relay_pair_send(struct relay_pair *p, unsigned component, const struct addr *to,
                     struct str data)
{
	struct turn_client *c = p->ends[component].client;
	if (p->state == PAIR_TAKEN && turn_client_send(c, to, data) == -EACCES)
		(void)!turn_client_permit(c, to);
}

void relay_pair_bind(struct relay_pair *p, unsigned component, const struct addr *to)
{
	if (p->state == PAIR_TAKEN)
		(void)!turn_client_bind(p->ends[component].client, to);
}
