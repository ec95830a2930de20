/* Intrusive hash table.  The user embeds a map_node, computes the hash (hash.h, with the map's own
 * random key) and compares keys itself.  Grows by itself; never shrinks below its start size. */
#pragma once

#include "base/hash.h"

struct map_node {
	struct map_node *next;
	uint64_t hash;
};

struct map {
	struct map_node **slots;
	size_t n_slots, n;
	struct hash_key key; /* random, set by map_init */
};

void map_init(struct map *m);
/* Frees the slots; the nodes belong to the user. */
void map_done(struct map *m);
/* Adds node under node's hash; does not look for an equal one. */
void map_add(struct map *m, struct map_node *node, uint64_t hash);
/* Takes out node, which must be in the map. */
void map_del(struct map *m, struct map_node *node);
/* The first node of this hash, or NULL; go on with map_next. */
struct map_node *map_first(const struct map *m, uint64_t hash);
struct map_node *map_next(const struct map_node *node);
/* All nodes: *slot starts at 0 and *after at NULL; NULL at the end.  The returned node may be
 * deleted meanwhile, no other node may be added or deleted. */
struct map_node *map_walk(const struct map *m, size_t *slot, struct map_node **after);
