#include "far.h"

#include <errno.h>

/* Each edge of the two state machines, and that there are no others. */

/* --- the client ------------------------------------------------------------------------ */

static void bring(struct far *f, enum client_state to)
{
	unsigned before;
	far_start(f, TURN_BY_UDP, false);
	if (to == CLIENT_OPENING)
		return;
	if (to == CLIENT_READY || to == CLIENT_OVER) {
		WAIT(f->loop, f->g.n_opened == 1);
	} else if (to == CLIENT_ASKING) {
		far_allocate(f);
	} else {
		far_open(f);
	}
	if (to == CLIENT_RELEASING) {
		before = f->n;
		EQ(turn_client_release(f->g.client), 0);
		far_hear(f, before);
	}
	if (to == CLIENT_OVER) {
		const struct outcome o = { .err = -EPIPE, .why = "over" };
		EQ(client_feed(f->g.client, CLIENT_LOST, &o), 0);
	}
}

enum told { NOTHING, OPENED, ALLOCATED, RELEASED, FAILED };

/* How often of each. */
static unsigned count(const struct guest *g, enum told what)
{
	switch (what) {
	case OPENED:
		return g->n_opened;
	case ALLOCATED:
		return g->n_allocated;
	case RELEASED:
		return g->n_released;
	case FAILED:
		return g->n_failed;
	case NOTHING:
		break;
	}
	return g->n_opened + g->n_allocated + g->n_released + g->n_failed;
}

/* clang-format off */
static const struct edge {
	bool there;
	enum client_state next;
	enum told told;
	enum turn_where where; /* of FAILED */
} edges[CLIENT_N_STATES][CLIENT_N_EVENTS] = {
	[CLIENT_OPENING] = {
		[CLIENT_OPENED]   = { true, CLIENT_READY, OPENED, 0 },
		[CLIENT_DUE]      = { true, CLIENT_OVER, FAILED, TURN_AT_OPENING },
		[CLIENT_LOST]     = { true, CLIENT_OVER, FAILED, TURN_AT_OPENING },
	},
	[CLIENT_READY] = {
		[CLIENT_ALLOCATE] = { true, CLIENT_ASKING, NOTHING, 0 },
		[CLIENT_LOST]     = { true, CLIENT_OVER, FAILED, TURN_AT_CONNECTION },
	},
	[CLIENT_ASKING] = {
		[CLIENT_GRANTED]  = { true, CLIENT_OPEN, ALLOCATED, 0 },
		[CLIENT_REFUSED]  = { true, CLIENT_OVER, FAILED, TURN_AT_ALLOCATE },
		[CLIENT_LOST]     = { true, CLIENT_OVER, FAILED, TURN_AT_CONNECTION },
	},
	[CLIENT_OPEN] = {
		[CLIENT_DUE]      = { true, CLIENT_OPEN, NOTHING, 0 },
		[CLIENT_GRANTED]  = { true, CLIENT_OPEN, NOTHING, 0 },
		[CLIENT_REFUSED]  = { true, CLIENT_OVER, FAILED, TURN_AT_REFRESH },
		[CLIENT_RELEASE]  = { true, CLIENT_RELEASING, NOTHING, 0 },
		[CLIENT_LOST]     = { true, CLIENT_OVER, FAILED, TURN_AT_CONNECTION },
	},
	[CLIENT_RELEASING] = {
		[CLIENT_GRANTED]  = { true, CLIENT_READY, RELEASED, 0 },
		[CLIENT_REFUSED]  = { true, CLIENT_READY, RELEASED, 0 },
		[CLIENT_LOST]     = { true, CLIENT_OVER, FAILED, TURN_AT_CONNECTION },
	},
};
/* clang-format on */

static void follow(enum client_state from, enum client_event ev)
{
	struct far f;
	const struct edge *e = &edges[from][ev];
	struct answer answer = { .success = true, .life_s = 600 };
	struct outcome o = { .err = -EPIPE, .why = "the reason" };
	if (ev == CLIENT_GRANTED)
		o = (struct outcome){ .answer = &answer };
	bring(&f, from);
	EQ(f.g.client->state, from);
	unsigned before = count(&f.g, e->told), all = count(&f.g, NOTHING);
	EQ(client_feed(f.g.client, ev, &o), e->there ? 0 : -EINVAL);
	EQ(f.g.client->state, e->there ? e->next : from);
	EQ(count(&f.g, NOTHING), all + (e->told != NOTHING));
	EQ(count(&f.g, e->told), before + (e->told != NOTHING));
	if (e->told == FAILED)
		OK(f.g.failure.where == e->where && f.g.failure.over);
	far_stop(&f);
}

static void the_client_goes_along_its_edges(void)
{
	for (int s = 0; s < CLIENT_N_STATES; s++)
		for (int ev = 0; ev < CLIENT_N_EVENTS; ev++)
			follow((enum client_state)s, (enum client_event)ev);
}

/* --- permissions and channels ---------------------------------------------------------- */

static struct bond *bring_bond(struct far *f, enum bond_state to, bool channel)
{
	struct addr peer;
	struct stun_out o;
	unsigned before;
	far_start(f, TURN_BY_UDP, false);
	far_open(f);
	EQ(addr_parse_port(&peer, STR("192.0.2.9:9")), 0);
	before = f->n;
	EQ(bond_new(f->g.client, &peer, channel), 0);
	far_hear(f, before);
	if (to != BOND_ASKED) {
		far_begin(f, &o, STUN_SUCCESS);
		far_end(f, &o, f->key);
		WAIT(f->loop, f->g.n_bound + f->g.n_permitted == 1);
	}
	struct bond *b = bond_to(f->g.client, &peer, channel);
	if (to == BOND_RENEWED)
		EQ(bond_feed(b, BOND_DUE, NULL), 0);
	EQ(b->state, to);
	return b;
}

/* clang-format off */
static const struct bond_edge {
	bool there;
	enum bond_state next;
	bool granted, failed; /* that is told */
} bond_edges[BOND_N_STATES][BOND_N_EVENTS] = {
	[BOND_ASKED] = {
		[BOND_GRANT]  = { true, BOND_HELD, true, false },
		[BOND_REFUSE] = { true, BOND_GONE, false, true },
		[BOND_FORGET] = { true, BOND_GONE, false, false },
	},
	[BOND_HELD] = {
		[BOND_DUE]    = { true, BOND_RENEWED, false, false },
		[BOND_REFUSE] = { true, BOND_GONE, false, true },
		[BOND_FORGET] = { true, BOND_GONE, false, false },
	},
	[BOND_RENEWED] = {
		[BOND_GRANT]  = { true, BOND_HELD, false, false },
		[BOND_REFUSE] = { true, BOND_GONE, false, true },
		[BOND_FORGET] = { true, BOND_GONE, false, false },
	},
};
/* clang-format on */

static void follow_bond(enum bond_state from, enum bond_event ev, bool channel)
{
	struct far f;
	const struct bond_edge *e = &bond_edges[from][ev];
	const struct outcome o = { .code = 403 };
	struct bond *b = bring_bond(&f, from, channel);
	struct addr peer = b->peer;
	unsigned *told = channel ? &f.g.n_bound : &f.g.n_permitted, before = *told;
	EQ(bond_feed(b, ev, &o), e->there ? 0 : -EINVAL);
	b = bond_to(f.g.client, &peer, channel);
	enum bond_state next = e->there ? e->next : from;
	OK(b ? b->state == next : next == BOND_GONE);
	EQ(f.g.client->n_bonds, next == BOND_GONE ? 0 : 1);
	EQ(*told, before + e->granted);
	EQ(f.g.n_failed, e->failed);
	if (e->failed)
		OK(!f.g.failure.over && f.g.failure.code == 403 && addr_eq(&f.g.peer, &peer));
	far_stop(&f);
}

static void permissions_and_channels_go_along_their_edges(void)
{
	static const enum bond_state states[] = { BOND_ASKED, BOND_HELD, BOND_RENEWED };
	for (size_t s = 0; s < ARRAY_SIZE(states); s++)
		for (int ev = 0; ev < BOND_N_EVENTS; ev++)
			for (int channel = 0; channel < 2; channel++)
				follow_bond(states[s], (enum bond_event)ev, channel);
}

int main(void)
{
	RUN(the_client_goes_along_its_edges);
	RUN(permissions_and_channels_go_along_their_edges);
	return tap_done();
}
