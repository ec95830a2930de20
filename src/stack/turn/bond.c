#include <errno.h>
#include <stdlib.h>

#include "stack/turn/inside.h"

/* Permissions and channels: asked for, and renewed until somebody forgets them or the relay does
 * not want any more. */

struct bond *bond_to(struct turn_client *c, const struct addr *peer, bool channel)
{
	list_for(it, &c->bonds)
	{
		struct bond *b = list_entry(it, struct bond, node);
		bool same = channel ? addr_eq(&b->peer, peer) : addr_eq_host(&b->peer, peer);
		if (same && channel == (b->number != 0))
			return b;
	}
	return NULL;
}

struct bond *bond_numbered(struct turn_client *c, uint16_t number)
{
	list_for(it, &c->bonds)
	{
		struct bond *b = list_entry(it, struct bond, node);
		if (b->number == number)
			return b;
	}
	return NULL;
}

bool bond_permits(struct turn_client *c, const struct addr *peer)
{
	list_for(it, &c->bonds)
	{
		const struct bond *b = list_entry(it, struct bond, node);
		if (bond_is_good(b) && addr_eq_host(&b->peer, peer))
			return true;
	}
	return false;
}

static void bond_free(struct bond *b)
{
	struct turn_client *c = b->client;
	ask_stop(&b->ask);
	timer_stop(&b->due);
	list_del(&b->node);
	c->n_bonds--;
	if (c->active == b)
		c->active = NULL;
	free(b);
}

void bonds_end(struct turn_client *c)
{
	list_for(it, &c->bonds) bond_free(list_entry(it, struct bond, node));
}

/* --- the edges ------------------------------------------------------------------------- */

static int ask(struct bond *b, const struct outcome *o UNUSED)
{
	return ask_start(&b->ask, b->number ? ASK_CHANNEL : ASK_PERMISSION);
}

static int hold(struct bond *b, const struct outcome *o UNUSED)
{
	timer_set(&b->due, loop_now(b->client->loop) + TURN_CLIENT_RENEW_S * USEC_PER_SEC);
	return 0;
}

/* There is one active destination: the one before is forgotten. */
static void activate(struct bond *b)
{
	struct turn_client *c = b->client;
	if (!c->cfg.lync)
		return;
	if (c->active)
		bond_free(c->active);
	c->active = b;
}

static int hold_and_tell(struct bond *b, const struct outcome *o)
{
	struct turn_client *c = b->client;
	struct addr peer = b->peer;
	void (*tell)(void *arg, const struct addr *peer) =
	        b->number ? c->ops->bound : c->ops->permitted;
	activate(b);
	(void)hold(b, o);
	if (tell)
		tell(c->arg, &peer);
	return 0;
}

static int drop(struct bond *b, const struct outcome *o UNUSED)
{
	bond_free(b);
	return 0;
}

static int drop_and_tell(struct bond *b, const struct outcome *o)
{
	struct turn_client *c = b->client;
	struct addr peer = b->peer;
	struct turn_failure f = { .where = b->number ? TURN_AT_CHANNEL : TURN_AT_PERMISSION,
		                  .peer = &peer };
	bond_free(b);
	client_failed(c, f, o);
	return 0;
}

typedef int action_fn(struct bond *b, const struct outcome *o);

/* clang-format off */
static const struct {
	action_fn *act;
	enum bond_state next;
} edges[BOND_N_STATES][BOND_N_EVENTS] = {
	[BOND_NEW][BOND_WANT]       = { ask,           BOND_ASKED },
	[BOND_ASKED][BOND_GRANT]    = { hold_and_tell, BOND_HELD },
	[BOND_ASKED][BOND_REFUSE]   = { drop_and_tell, BOND_GONE },
	[BOND_ASKED][BOND_FORGET]   = { drop,          BOND_GONE },
	[BOND_HELD][BOND_DUE]       = { ask,           BOND_RENEWED },
	[BOND_HELD][BOND_REFUSE]    = { drop_and_tell, BOND_GONE }, /* it could not be asked */
	[BOND_HELD][BOND_FORGET]    = { drop,          BOND_GONE },
	[BOND_RENEWED][BOND_GRANT]  = { hold,          BOND_HELD },
	[BOND_RENEWED][BOND_REFUSE] = { drop_and_tell, BOND_GONE },
	[BOND_RENEWED][BOND_FORGET] = { drop,          BOND_GONE },
};
/* clang-format on */

int bond_feed(struct bond *b, enum bond_event ev, const struct outcome *o)
{
	enum bond_state before = b->state;
	action_fn *act = edges[before][ev].act;
	if (!act)
		return -EINVAL;
	b->state = edges[before][ev].next;
	int r = act(b, o);
	if (r < 0) /* none that frees it fails */
		b->state = before;
	return r;
}

/* --- what feeds them ------------------------------------------------------------------- */

static void on_done(struct ask *a, const struct outcome *o)
{
	struct bond *b = container_of(a, struct bond, ask);
	(void)bond_feed(b, o->answer ? BOND_GRANT : BOND_REFUSE, o);
}

static void on_due(void *arg)
{
	struct bond *b = arg;
	struct outcome o = { .why = "the request is too long" };
	if (b->client->cfg.lync && b->client->n_bonds > 1) { /* another will be active */
		(void)hold(b, NULL);
		return;
	}
	o.err = bond_feed(b, BOND_DUE, NULL);
	if (o.err < 0)
		(void)bond_feed(b, BOND_REFUSE, &o);
}

/* The relay keeps the number of a channel that has ended for a while (RFC 8656 section 12): they
 * are used in turn. */
static uint16_t next_number(struct turn_client *c)
{
	do {
		c->last_number =
		        c->last_number < TURN_CHANNEL_MIN || c->last_number >= TURN_CHANNEL_MAX
		                ? TURN_CHANNEL_MIN
		                : c->last_number + 1;
	} while (bond_numbered(c, c->last_number));
	return c->last_number;
}

/* Two destinations that are asked for at once would come in any order: the new one waits for none,
 * and the old one is not renewed meanwhile. */
static int make_way(struct turn_client *c)
{
	list_for(it, &c->bonds)
	{
		if (list_entry(it, struct bond, node)->state == BOND_ASKED)
			return -EBUSY;
	}
	if (c->active && c->active->state == BOND_RENEWED) {
		ask_stop(&c->active->ask);
		(void)bond_feed(c->active, BOND_GRANT, NULL);
	}
	return 0;
}

int bond_new(struct turn_client *c, const struct addr *peer, bool channel)
{
	int r = c->cfg.lync ? make_way(c) : 0;
	if (r < 0)
		return r;
	if (bond_to(c, peer, channel))
		return -EALREADY;
	if (c->n_bonds == TURN_CLIENT_BONDS_MAX)
		return -ENOSPC;
	struct bond *b = xnew(struct bond);
	b->client = c;
	b->peer = *peer;
	b->number = channel ? next_number(c) : 0;
	ask_init(&b->ask, c, on_done);
	b->ask.bond = b;
	timer_init(&b->due, c->loop, on_due, b);
	list_add(&c->bonds, &b->node);
	c->n_bonds++;
	r = bond_feed(b, BOND_WANT, NULL);
	if (r < 0)
		bond_free(b);
	return r;
}
