#include "ctl/relaytrial.h"

#include <stdio.h>

#include "base/rand.h"

/* The first side permits the other and sends by itself; the other answers by a channel, so that
 * both ways of a relay to carry data are used.  Lync's dialect has the second alone. */

static void come_to(struct trial *t, enum trial_state state)
{
	t->state = state;
	t->n_ready = 0;
	if (trial_is_over(t))
		timer_stop(&t->again);
}

/* True for the second side. */
static bool both_are_ready(struct trial *t, enum trial_state in)
{
	return t->state == in && ++t->n_ready == ARRAY_SIZE(t->sides);
}

static struct trial_side *other_of(const struct trial_side *s)
{
	return &s->trial->sides[s == &s->trial->sides[0]];
}

/* A step that the client refuses by itself. */
static void check(struct trial *t, int err, enum turn_where where)
{
	if (err == 0 || trial_is_over(t))
		return;
	t->failure = (struct turn_failure){ .where = where, .err = err };
	(void)snprintf(t->why, sizeof(t->why), "%s", strerror(-err));
	come_to(t, TRIAL_FAILED);
}

/* --- data ------------------------------------------------------------------------------ */

static struct str token_of(const struct trial *t)
{
	return str_n(t->token, sizeof(t->token));
}

/* Again and again: a packet may be lost, and the answer too. */
static void send_token(struct trial *t)
{
	struct trial_side *s = &t->sides[0];
	(void)!turn_client_send(s->client, &t->sides[1].allocation.relayed, token_of(t));
	timer_set(&t->again, loop_now(t->loop) + TRIAL_AGAIN_MS * USEC_PER_MSEC);
}

static void on_again(void *arg)
{
	struct trial *t = arg;
	if (loop_now(t->loop) < t->until)
		send_token(t);
	else
		come_to(t, t->state == TRIAL_SENDING ? TRIAL_NOTHING_CAME : TRIAL_NO_ANSWER_CAME);
}

static void begin_data(struct trial *t, enum trial_state state)
{
	come_to(t, state);
	t->until = loop_now(t->loop) + TRIAL_DATA_S * USEC_PER_SEC;
}

static void on_data(void *arg, const struct addr *peer, struct str data)
{
	struct trial_side *s = arg;
	struct trial *t = s->trial;
	/* A relay may carry Lync's data over TCP, where several come as one. */
	if (str_find(data, token_of(t)) < 0 || !addr_eq(peer, &other_of(s)->allocation.relayed))
		return; /* of somebody else */
	if (s == &t->sides[1]) {
		if (t->state == TRIAL_SENDING)
			begin_data(t, TRIAL_ANSWERING);
		(void)!turn_client_send(s->client, peer, token_of(t));
	} else if (t->state == TRIAL_ANSWERING) {
		come_to(t, TRIAL_WORKS);
	}
}

/* --- the steps before ------------------------------------------------------------------ */

static void on_opened(void *arg)
{
	struct trial_side *s = arg;
	if (!both_are_ready(s->trial, TRIAL_OPENING))
		return;
	come_to(s->trial, TRIAL_ALLOCATING);
	for (size_t i = 0; i < ARRAY_SIZE(s->trial->sides); i++)
		check(s->trial, turn_client_allocate(s->trial->sides[i].client), TURN_AT_ALLOCATE);
}

static void permit(struct trial_side *s, bool by_channel)
{
	const struct addr *peer = &other_of(s)->allocation.relayed;
	if (by_channel)
		check(s->trial, turn_client_bind(s->client, peer), TURN_AT_CHANNEL);
	else
		check(s->trial, turn_client_permit(s->client, peer), TURN_AT_PERMISSION);
}

static void on_allocated(void *arg, const struct turn_allocation *a)
{
	struct trial_side *s = arg;
	struct trial *t = s->trial;
	s->allocation = *a;
	s->open = true;
	if (!both_are_ready(t, TRIAL_ALLOCATING))
		return;
	come_to(t, TRIAL_PERMITTING);
	permit(&t->sides[0], t->cfg.lync);
	permit(&t->sides[1], true);
}

static void on_permitted(void *arg, const struct addr *peer UNUSED)
{
	struct trial_side *s = arg;
	if (!both_are_ready(s->trial, TRIAL_PERMITTING))
		return;
	begin_data(s->trial, TRIAL_SENDING);
	send_token(s->trial);
}

static void on_released(void *arg)
{
	struct trial_side *s = arg;
	s->open = false;
}

/* The first one tells; the other side fails for the same reason, most often. */
static void on_failed(void *arg, const struct turn_failure *f)
{
	struct trial_side *s = arg;
	struct trial *t = s->trial;
	s->open &= !f->over;
	if (trial_is_over(t))
		return;
	t->failure = *f;
	t->failure.peer = NULL;
	(void)snprintf(t->why, sizeof(t->why), "%s", f->why);
	come_to(t, TRIAL_FAILED);
}

static const struct turn_client_ops ops = { .opened = on_opened,
	                                    .allocated = on_allocated,
	                                    .permitted = on_permitted,
	                                    .bound = on_permitted,
	                                    .data = on_data,
	                                    .released = on_released,
	                                    .failed = on_failed };

/* --- its life -------------------------------------------------------------------------- */

void trial_start(struct trial *t, struct loop *l, const struct turn_client_config *cfg)
{
	struct buf token = { .p = t->token, .cap = TRIAL_TOKEN_LEN, .max = TRIAL_TOKEN_LEN };
	*t = (struct trial){ .loop = l, .cfg = *cfg };
	t->cfg.tries = TRIAL_TRIES;
	t->cfg.open_s = TRIAL_OPEN_S;
	t->cfg.lync |= cfg->way == TURN_BY_PSEUDO_TLS;
	rand_token(&token, TRIAL_TOKEN_LEN);
	timer_init(&t->again, l, on_again, t);
	for (size_t i = 0; i < ARRAY_SIZE(t->sides); i++) {
		t->sides[i].trial = t;
		t->sides[i].client = turn_client_new(l, &t->cfg, &ops, &t->sides[i]);
	}
}

/* What was allocated by a connection ends with it. */
bool trial_is_clean(struct trial *t)
{
	bool clean = true;
	for (size_t i = 0; i < ARRAY_SIZE(t->sides); i++) {
		if (t->sides[i].open && t->cfg.way == TURN_BY_UDP) {
			(void)!turn_client_release(t->sides[i].client);
			clean = false;
		}
	}
	return clean;
}

void trial_free(struct trial *t)
{
	timer_stop(&t->again);
	for (size_t i = 0; i < ARRAY_SIZE(t->sides); i++)
		turn_client_free(&t->sides[i].client);
}
