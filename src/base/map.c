#include "base/map.h"

#include <assert.h>
#include <stdlib.h>

#include "base/rand.h"

enum { SLOTS_MIN = 16, SHRINK_BELOW = 8 };

void map_init(struct map *m)
{
	m->n_slots = SLOTS_MIN;
	m->n = 0;
	m->slots = xcalloc(m->n_slots, sizeof(*m->slots));
	rand_bytes(&m->key, sizeof(m->key));
}

void map_done(struct map *m)
{
	free(m->slots);
	m->slots = NULL;
	m->n_slots = m->n = 0;
}

static struct map_node **slot_of(const struct map *m, uint64_t hash)
{
	return &m->slots[hash & (m->n_slots - 1)];
}

static void link_node(struct map *m, struct map_node *node)
{
	struct map_node **slot = slot_of(m, node->hash);
	node->next = *slot;
	*slot = node;
}

static void resize(struct map *m, size_t n_slots)
{
	struct map old = *m;
	m->n_slots = n_slots;
	m->slots = xcalloc(n_slots, sizeof(*m->slots));
	for (size_t i = 0; i < old.n_slots; i++) {
		struct map_node *next;
		for (struct map_node *node = old.slots[i]; node; node = next) {
			next = node->next;
			link_node(m, node);
		}
	}
	free(old.slots);
}

/* Only here does the table change its size, so that a walk may delete. */
void map_add(struct map *m, struct map_node *node, uint64_t hash)
{
	if (m->n >= m->n_slots)
		resize(m, m->n_slots * 2);
	else if (m->n_slots > SLOTS_MIN && m->n < m->n_slots / SHRINK_BELOW)
		resize(m, m->n_slots / 2);
	node->hash = hash;
	link_node(m, node);
	m->n++;
}

void map_del(struct map *m, struct map_node *node)
{
	struct map_node **at = slot_of(m, node->hash);
	while (*at != node) {
		assert(*at);
		at = &(*at)->next;
	}
	*at = node->next;
	node->next = NULL;
	m->n--;
}

static struct map_node *find(struct map_node *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct map_node *map_first(const struct map *m, uint64_t hash)
{
	return find(*slot_of(m, hash), hash);
}

struct map_node *map_next(const struct map_node *node)
{
	return find(node->next, node->hash);
}

struct map_node *map_walk(const struct map *m, size_t *slot, struct map_node **after)
{
	struct map_node *node = *after;
	while (!node && *slot < m->n_slots)
		node = m->slots[(*slot)++];
	*after = node ? node->next : NULL;
	return node;
}
