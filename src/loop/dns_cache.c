#include "loop/dns_cache.h"

#include <stdlib.h>

#include "base/map.h"

struct entry {
	struct map_node node;
	struct list used; /* the least recently used stands first */
	enum dns_kind kind;
	usec_t until;
	int err;
	size_t n;
	struct str name;
	void *records;
};

struct dns_cache {
	struct map map;
	struct list used;
};

static size_t record_size(enum dns_kind kind)
{
	return kind == DNS_SRV     ? sizeof(struct dns_srv)
	       : kind == DNS_NAPTR ? sizeof(struct dns_naptr)
	                           : sizeof(struct addr);
}

struct dns_cache *dns_cache_new(void)
{
	struct dns_cache *c = xnew(struct dns_cache);
	map_init(&c->map);
	list_init(&c->used);
	return c;
}

static uint64_t hash_of(const struct dns_cache *c, enum dns_kind kind, struct str name)
{
	return hash_lower(&c->map.key, name) + (uint64_t)kind;
}

static void drop(struct dns_cache *c, struct entry *e)
{
	map_del(&c->map, &e->node);
	list_del(&e->used);
	free(e->records);
	free((void *)(uintptr_t)e->name.p);
	free(e);
}

void dns_cache_free(struct dns_cache **cp)
{
	struct dns_cache *c = *cp;
	*cp = NULL;
	if (!c)
		return;
	list_for(it, &c->used) drop(c, list_entry(it, struct entry, used));
	map_done(&c->map);
	free(c);
}

static struct entry *find(const struct dns_cache *c, enum dns_kind kind, struct str name)
{
	struct map_node *n = map_first(&c->map, hash_of(c, kind, name));
	for (; n; n = map_next(n)) {
		struct entry *e = container_of(n, struct entry, node);
		if (e->kind == kind && str_ieq(e->name, name))
			return e;
	}
	return NULL;
}

void dns_cache_put(struct dns_cache *c, enum dns_kind kind, struct str name,
                   const struct dns_answer *a, usec_t until)
{
	struct entry *old = find(c, kind, name);
	if (old)
		drop(c, old);
	while (c->map.n >= DNS_CACHE_MAX)
		drop(c, list_entry(c->used.next, struct entry, used));
	struct entry *e = xnew(struct entry);
	size_t size = a->n * record_size(kind);
	e->kind = kind;
	e->until = until;
	e->err = a->err;
	e->n = a->n;
	e->name = (struct str){ str_dup(name), name.len };
	e->records = xmalloc(MAX(size, (size_t)1));
	memcpy(e->records, a->addrs, size);
	map_add(&c->map, &e->node, hash_of(c, kind, name));
	list_add(&c->used, &e->used);
}

bool dns_cache_get(struct dns_cache *c, enum dns_kind kind, struct str name, usec_t now,
                   struct dns_answer *ret)
{
	struct entry *e = find(c, kind, name);
	if (!e)
		return false;
	if (e->until <= now) {
		drop(c, e);
		return false;
	}
	list_del(&e->used);
	list_add(&c->used, &e->used);
	ret->err = e->err;
	ret->n = e->n;
	memcpy(ret->addrs, e->records, e->n * record_size(e->kind));
	return true;
}

size_t dns_cache_count(const struct dns_cache *c)
{
	return c->map.n;
}
