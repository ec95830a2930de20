#include "role/by_door.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "loop/stream.h"

struct by_door {
	struct role_env *env;
	by_door_fn *fn;
	void *arg;
	unsigned per_turn;
	struct log_limit limit;
	struct by_door_link {
		struct by_door *of;
		uint32_t slot;
		struct hand *hand; /* NULL: down */
	} links[BY_DOOR_SLOTS_MAX];
};

void by_door_put(uint8_t text[HAND_LEN], size_t i)
{
	memset(text, 0, HAND_LEN);
	text[0] = (uint8_t)i;
}

/* Who has gone meanwhile has no address any more. */
static void on_got(void *arg, int fd, const uint8_t text[HAND_LEN])
{
	const struct by_door_link *l = arg;
	struct by_door *b = l->of;
	const struct topo_role *self = b->env->self;
	struct addr peer = tcp_peer(fd);
	if (peer.sa.sa_family == AF_UNSPEC || text[0] >= self->n_listens ||
	    !self->listens[text[0]].is_behind)
		(void)close(fd);
	else
		b->fn(b->arg, &self->listens[text[0]], fd, &peer);
}

static void on_full(void *arg)
{
	const struct by_door_link *l = arg;
	struct by_door *b = l->of;
	if (log_allow(&b->limit, loop_now(b->env->loop), BY_DOOR_LINES_PER_S))
		log_warning(NULL, "connection-refused",
		            "peer=door/%u why=\"this process has no descriptor left\"",
		            l->slot + 1);
}

static void on_lost(void *arg)
{
	struct by_door_link *l = arg;
	const struct role_env *env = l->of->env;
	l->hand = NULL; /* it is freed behind this */
	log_warning(NULL, "link-down", "peer=door/%u", l->slot + 1);
	role_link_lost(env, role_link_index(env, STR("door"), l->slot, STR("")));
}

static const struct hand_ops ops = { .got = on_got, .full = on_full, .lost = on_lost };

bool by_door_link_up(struct by_door *b, size_t i)
{
	const struct role_link *from = &b->env->links[i];
	if (!str_eq(from->role, STR("door")))
		return false;
	if (from->slot >= BY_DOOR_SLOTS_MAX) {
		(void)close(from->fd);
		return true;
	}
	struct by_door_link *l = &b->links[from->slot];
	hand_free(&l->hand);
	l->of = b;
	l->slot = from->slot;
	l->hand = hand_new(b->env->loop, from->fd, &ops, l);
	hand_set_per_turn(l->hand, b->per_turn);
	return true;
}

void by_door_set_per_turn(struct by_door *b, unsigned per_turn)
{
	b->per_turn = per_turn;
	for (size_t i = 0; i < BY_DOOR_SLOTS_MAX; i++)
		if (b->links[i].hand)
			hand_set_per_turn(b->links[i].hand, per_turn);
}

struct by_door *by_door_new(struct role_env *env, by_door_fn *fn, void *arg)
{
	struct by_door *b = xnew(struct by_door);
	b->env = env;
	b->fn = fn;
	b->arg = arg;
	b->per_turn = HAND_PER_TURN;
	return b;
}

void by_door_free(struct by_door **bp)
{
	struct by_door *b = take(bp);
	if (!b)
		return;
	for (size_t i = 0; i < BY_DOOR_SLOTS_MAX; i++)
		hand_free(&b->links[i].hand);
	free(b);
}
