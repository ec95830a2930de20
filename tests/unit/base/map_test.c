#include "base/map.h"

#include <stdlib.h>

#include "tap.h"

enum { MANY = 5000 };

struct item {
	struct map_node node;
	unsigned v;
	bool seen;
};

static uint64_t hash_of(const struct map *m, unsigned v)
{
	return hash_bytes(&m->key, &v, sizeof(v));
}

static struct item *get(const struct map *m, unsigned v)
{
	for (struct map_node *n = map_first(m, hash_of(m, v)); n; n = map_next(n))
		if (container_of(n, struct item, node)->v == v)
			return container_of(n, struct item, node);
	return NULL;
}

static struct item *fill(struct map *m)
{
	struct item *item = xcalloc(MANY, sizeof(*item));
	map_init(m);
	for (unsigned i = 0; i < MANY; i++) {
		item[i].v = i;
		map_add(m, &item[i].node, hash_of(m, i));
	}
	return item;
}

static void finds_what_was_added_and_nothing_else(void)
{
	struct map m;
	auto_(xfreep) struct item *item = fill(&m);
	EQ(m.n, MANY);
	for (unsigned i = 0; i < MANY; i++)
		OK(get(&m, i) == &item[i]);
	for (unsigned i = MANY; i < MANY + 1000; i++)
		OK(get(&m, i) == NULL);
	map_done(&m);
}

static void deleted_nodes_are_gone(void)
{
	struct map m;
	auto_(xfreep) struct item *item = fill(&m);
	for (unsigned i = 0; i < MANY; i += 2)
		map_del(&m, &item[i].node);
	EQ(m.n, MANY / 2);
	for (unsigned i = 0; i < MANY; i++)
		OK(get(&m, i) == (i % 2 ? &item[i] : NULL));
	map_done(&m);
}

static void equal_hashes_live_side_by_side(void)
{
	struct map m;
	struct item item[3] = { { .v = 1 }, { .v = 2 }, { .v = 3 } };
	map_init(&m);
	for (size_t i = 0; i < ARRAY_SIZE(item); i++)
		map_add(&m, &item[i].node, 7);
	map_del(&m, &item[1].node);
	unsigned sum = 0;
	for (struct map_node *n = map_first(&m, 7); n; n = map_next(n))
		sum += container_of(n, struct item, node)->v;
	EQ(sum, 4);
	OK(map_first(&m, 8) == NULL);
	map_done(&m);
}

static void walk_sees_each_once_and_may_delete(void)
{
	struct map m;
	auto_(xfreep) struct item *item UNUSED = fill(&m);
	struct map_node *node, *after = NULL;
	size_t slot = 0, n = 0;
	while ((node = map_walk(&m, &slot, &after))) {
		struct item *it = container_of(node, struct item, node);
		OK(!it->seen);
		it->seen = true;
		n++;
		map_del(&m, node);
	}
	EQ(n, MANY);
	EQ(m.n, 0);
	map_done(&m);
}

static void shrinks_again_but_not_below_its_start(void)
{
	struct map m;
	auto_(xfreep) struct item *item = fill(&m);
	size_t big = m.n_slots;
	OK(big >= MANY / 2);
	for (unsigned i = 0; i < MANY; i++)
		map_del(&m, &item[i].node);
	for (unsigned i = 0; i < MANY; i++) {
		map_add(&m, &item[0].node, hash_of(&m, 0));
		OK(get(&m, 0) == &item[0]);
		map_del(&m, &item[0].node);
	}
	OK(m.n_slots < big && m.n_slots > 0);
	map_done(&m);
}

static void two_maps_have_different_keys(void)
{
	struct map a, b;
	map_init(&a);
	map_init(&b);
	OK(a.key.k0 != b.key.k0 || a.key.k1 != b.key.k1);
	map_done(&a);
	map_done(&b);
}

int main(void)
{
	RUN(finds_what_was_added_and_nothing_else);
	RUN(deleted_nodes_are_gone);
	RUN(equal_hashes_live_side_by_side);
	RUN(walk_sees_each_once_and_may_delete);
	RUN(shrinks_again_but_not_below_its_start);
	RUN(two_maps_have_different_keys);
	return tap_done();
}
