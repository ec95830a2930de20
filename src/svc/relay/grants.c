#include <errno.h>
#include <stdlib.h>

#include "svc/relay/inside.h"

/* Credentials that are shown to us: whose are refused, and why some are not taken. */

/* A user whose credentials are refused. */
struct bar {
	struct map_node node;
	struct list order; /* in relay->bar_order, the oldest one first */
	usec_t until;
	size_t len;
	char name[];
};

/* --- who is barred --------------------------------------------------------------------- */

static struct bar *bar_of(const struct relay *r, struct str user)
{
	struct map_node *n = map_first(&r->bars, hash_lower(&r->bars.key, user));
	for (; n; n = map_next(n)) {
		struct bar *b = container_of(n, struct bar, node);
		if (str_ieq(str_n(b->name, b->len), user))
			return b;
	}
	return NULL;
}

static void bar_free(struct relay *r, struct bar *b)
{
	map_del(&r->bars, &b->node);
	list_del(&b->order);
	r->stats.barred--;
	free(b);
}

/* All last equally long: those that are over stand in front. */
static void forget_old(struct relay *r)
{
	list_for(it, &r->bar_order)
	{
		struct bar *b = list_entry(it, struct bar, order);
		if (b->until > loop_now(r->loop))
			return;
		bar_free(r, b);
	}
}

static void bar_new(struct relay *r, struct str user)
{
	struct bar *b = xcalloc(1, sizeof(*b) + user.len);
	b->until = loop_now(r->loop) + (RELAY_LIFE_MAX_S + RELAY_SKEW_S) * USEC_PER_SEC;
	b->len = user.len;
	memcpy(b->name, user.p, user.len);
	map_add(&r->bars, &b->node, hash_lower(&r->bars.key, user));
	list_add(&r->bar_order, &b->order);
	r->stats.barred++;
}

int relay_bar(struct relay *r, struct str user)
{
	forget_old(r);
	if (user.len == 0 || user.len > RELAY_USER_MAX)
		return -EINVAL;
	relay_admit(r, user);
	if (r->stats.barred >= RELAY_BARS_MAX)
		return -ENOSPC;
	bar_new(r, user);
	return (int)relay_revoke(r, user, 0);
}

bool relay_admit(struct relay *r, struct str user)
{
	struct bar *b = bar_of(r, user);
	if (b)
		bar_free(r, b);
	return b != NULL;
}

bool relay_is_barred(const struct relay *r, struct str user)
{
	const struct bar *b = bar_of(r, user);
	return b && b->until > loop_now(r->loop);
}

struct str relay_next_barred(const struct relay *r, struct str after, usec_t *ret_until)
{
	const struct bar *b = after.len ? bar_of(r, after) : NULL;
	struct list *it = b ? b->order.next : r->bar_order.next;
	if (it == &r->bar_order)
		return STR("");
	const struct bar *next = list_entry(it, struct bar, order);
	*ret_until = next->until;
	return str_n(next->name, next->len);
}

void bars_end(struct relay *r)
{
	list_for(it, &r->bar_order) bar_free(r, list_entry(it, struct bar, order));
	map_done(&r->bars);
}

/* --- why not --------------------------------------------------------------------------- */

static void deny(const struct from *f, struct str user, enum relay_denial why)
{
	struct relay *r = f->relay;
	r->stats.denied[why]++;
	if (r->ops->denied)
		r->ops->denied(r->arg, f->peer, str_sub(user, 0, RELAY_USER_MAX), why);
}

void grant_unread(const struct from *f, struct str name, int err)
{
	struct str user = relay_grant_user(bytes_of(name));
	deny(f, user.len ? user : name, err == -ESTALE ? RELAY_DENIED_EXPIRED : RELAY_DENIED_KEY);
}

bool grant_is_good(const struct from *f, const struct relay_grant *g, bool is_signed)
{
	if (!is_signed)
		deny(f, g->user, RELAY_DENIED_PASSWORD);
	else if (relay_is_barred(f->relay, g->user))
		deny(f, g->user, RELAY_DENIED_REVOKED);
	else
		return true;
	return false;
}
