#include "svc/call/call.h"

#include <stdlib.h>

struct calls {
	struct loop *loop;
	struct map map;
	calls_changed_fn *changed;
	void *arg;
};

/* A call with the table it is in and its texts. */
struct call_cell {
	struct call call;
	struct calls *calls;
	char text[];
};

struct calls *calls_new(struct loop *l)
{
	struct calls *c = xnew(struct calls);
	c->loop = l;
	map_init(&c->map);
	return c;
}

void calls_on_change(struct calls *c, calls_changed_fn *fn, void *arg)
{
	c->changed = fn;
	c->arg = arg;
}

static void tell(const struct call *k, bool ended)
{
	const struct calls *c =
	        container_of((struct call *)(uintptr_t)k, struct call_cell, call)->calls;
	if (c->changed)
		c->changed(c->arg, k, ended);
}

static void call_drop(struct call *k)
{
	struct call_cell *cell = container_of(k, struct call_cell, call);
	timer_stop(&k->end);
	map_del(&cell->calls->map, &k->node);
	free(cell);
}

static void call_free(struct call *k)
{
	tell(k, true);
	call_drop(k);
}

void calls_free(struct calls **cp)
{
	struct calls *c = take(cp);
	size_t slot = 0;
	struct map_node *after = NULL;
	if (!c)
		return;
	for (struct call *k; (k = calls_walk(c, &slot, &after)) != NULL;)
		call_free(k);
	map_done(&c->map);
	free(c);
}

struct call *calls_walk(struct calls *c, size_t *slot, struct map_node **after)
{
	struct map_node *n = map_walk(&c->map, slot, after);
	return n ? container_of(n, struct call, node) : NULL;
}

size_t calls_count(const struct calls *c)
{
	return c->map.n;
}

struct call *calls_find(struct calls *c, struct str id)
{
	uint64_t h = hash_bytes(&c->map.key, id.p, id.len);
	for (struct map_node *n = map_first(&c->map, h); n; n = map_next(n)) {
		struct call *k = container_of(n, struct call, node);
		if (str_eq(k->id, id))
			return k;
	}
	return NULL;
}

static void on_end(void *arg)
{
	struct call *k = arg;
	if (k->restored)
		call_drop(k);
	else
		call_free(k);
}

static struct str copy(char **at, struct str s)
{
	struct str r = { *at, s.len };
	if (s.len)
		memcpy(*at, s.p, s.len);
	*at += s.len;
	return r;
}

static struct call *add(struct calls *c, struct str id, const struct call *what, usec_t life_s)
{
	struct call_cell *cell = xcalloc(1, sizeof(*cell) + id.len + what->from.len + what->to.len +
	                                            what->callee_uri.len);
	char *at = cell->text;
	struct call *k = &cell->call;
	cell->calls = c;
	*k = *what;
	k->id = copy(&at, id);
	k->from = copy(&at, what->from);
	k->to = copy(&at, what->to);
	k->callee_uri = copy(&at, what->callee_uri);
	timer_init(&k->end, c->loop, on_end, k);
	timer_set(&k->end, loop_now(c->loop) + life_s * USEC_PER_SEC);
	map_add(&c->map, &k->node, hash_bytes(&c->map.key, id.p, id.len));
	return k;
}

struct call *calls_started(struct calls *c, struct str id, const struct call *what)
{
	struct call *k = calls_find(c, id);
	if (k || c->map.n >= CALLS_MAX)
		return k;
	k = add(c, id, what, CALL_RING_MAX_S);
	k->started = loop_wall(c->loop);
	tell(k, false);
	return k;
}

void calls_restore(struct calls *c, struct str id, const struct call *what)
{
	if (calls_find(c, id) || c->map.n >= CALLS_MAX)
		return;
	struct call *k = add(c, id, what, CALL_SILENT_MAX_S);
	k->state = CALL_CONNECTED;
	k->restored = true;
}

void calls_rings(struct calls *c, struct str id)
{
	struct call *k = calls_find(c, id);
	if (!k || k->state != CALL_TRYING)
		return;
	k->state = CALL_RINGING;
	tell(k, false);
}

void calls_answered(struct calls *c, struct str id, uint64_t callee_endpoint, uint32_t session_s)
{
	struct call *k = calls_find(c, id);
	usec_t life = session_s ? session_s : (usec_t)CALL_SILENT_MAX_S;
	if (!k)
		return;
	if (k->state != CALL_CONNECTED)
		k->answered = loop_wall(c->loop);
	k->state = CALL_CONNECTED;
	k->restored = false;
	if (callee_endpoint)
		k->callee_endpoint = callee_endpoint;
	/* RFC 4028 section 10: a session may be taken for dead a little after its time. */
	timer_set(&k->end, loop_now(c->loop) + (life + 32) * USEC_PER_SEC);
	tell(k, false);
}

void calls_ended(struct calls *c, struct str id, int code)
{
	struct call *k = calls_find(c, id);
	if (!k)
		return;
	k->code = code;
	call_free(k);
}

/* True if the call had endpoints of ours and all of them are gone. */
static bool is_dead(const struct call *k, calls_alive_fn *alive, void *arg)
{
	if (k->state != CALL_CONNECTED || (!k->caller_endpoint && !k->callee_endpoint))
		return false;
	if (k->caller_endpoint && alive(arg, k->caller, k->caller_endpoint))
		return false;
	return !k->callee_endpoint || !alive(arg, k->callee, k->callee_endpoint);
}

void calls_prune(struct calls *c, calls_alive_fn *alive, void *arg)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct call *k; (k = calls_walk(c, &slot, &after)) != NULL;)
		if (is_dead(k, alive, arg))
			call_free(k);
}
