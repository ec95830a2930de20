#include "auth/accounts_cache.h"

#include <stdlib.h>

struct entry {
	struct map_node by_key, by_id;
	struct list used;
	struct account acc; /* id 0: none; texts behind the struct */
	struct str key;
	char text[];
};

static unsigned kind_of(const struct entry *e)
{
	return e->acc.id == 0;
}

void accounts_cache_init(struct accounts_cache *c, size_t max_records, size_t max_absent)
{
	*c = (struct accounts_cache){ .max = { max_records, max_absent } };
	map_init(&c->by_key);
	map_init(&c->by_id);
	list_init(&c->used[0]);
	list_init(&c->used[1]);
}

static void drop(struct accounts_cache *c, struct entry *e)
{
	map_del(&c->by_key, &e->by_key);
	if (e->acc.id != 0)
		map_del(&c->by_id, &e->by_id);
	list_del(&e->used);
	c->n[kind_of(e)]--;
	free(e);
}

static void drop_all(struct accounts_cache *c, unsigned kind)
{
	while (!list_empty(&c->used[kind]))
		drop(c, list_entry(c->used[kind].next, struct entry, used));
}

void accounts_cache_clear(struct accounts_cache *c)
{
	drop_all(c, 0);
	drop_all(c, 1);
}

void accounts_cache_done(struct accounts_cache *c)
{
	accounts_cache_clear(c);
	map_done(&c->by_key);
	map_done(&c->by_id);
}

static struct entry *find(const struct accounts_cache *c, struct str key)
{
	uint64_t h = hash_lower(&c->by_key.key, key);
	for (struct map_node *n = map_first(&c->by_key, h); n; n = map_next(n)) {
		struct entry *e = container_of(n, struct entry, by_key);
		if (str_ieq(e->key, key))
			return e;
	}
	return NULL;
}

static struct str copy(char **to, struct str s)
{
	struct str r = { *to, s.len };
	if (s.len > 0)
		memcpy(*to, s.p, s.len);
	*to += s.len;
	return r;
}

static struct entry *entry_new(struct str key, const struct account *acc)
{
	static const struct account none;
	const struct account *a = acc ? acc : &none;
	size_t len = key.len + a->uri.len + a->display_name.len + a->email.len + a->phone.len +
	             a->extension.len + a->department.len + a->title.len + a->manager.len +
	             a->photo.len;
	struct entry *e = xcalloc(1, sizeof(*e) + len);
	char *to = e->text;
	e->acc = *a;
	e->key = copy(&to, key);
	e->acc.uri = copy(&to, a->uri);
	e->acc.display_name = copy(&to, a->display_name);
	e->acc.email = copy(&to, a->email);
	e->acc.phone = copy(&to, a->phone);
	e->acc.extension = copy(&to, a->extension);
	e->acc.department = copy(&to, a->department);
	e->acc.title = copy(&to, a->title);
	e->acc.manager = copy(&to, a->manager);
	e->acc.photo = copy(&to, a->photo);
	return e;
}

void accounts_cache_put(struct accounts_cache *c, struct str key, const struct account *acc)
{
	struct entry *old = find(c, key);
	if (old)
		drop(c, old);
	struct entry *e = entry_new(key, acc);
	unsigned kind = kind_of(e);
	if (c->n[kind] >= c->max[kind])
		drop(c, list_entry(c->used[kind].next, struct entry, used));
	map_add(&c->by_key, &e->by_key, hash_lower(&c->by_key.key, key));
	if (e->acc.id != 0)
		map_add(&c->by_id, &e->by_id,
		        hash_bytes(&c->by_id.key, &e->acc.id, sizeof(e->acc.id)));
	list_add(&c->used[kind], &e->used);
	c->n[kind]++;
}

const struct account *accounts_cache_get(struct accounts_cache *c, struct str key, bool *ret_absent)
{
	struct entry *e = find(c, key);
	*ret_absent = e && e->acc.id == 0;
	if (!e)
		return NULL;
	list_del(&e->used);
	list_add(&c->used[kind_of(e)], &e->used);
	return e->acc.id ? &e->acc : NULL;
}

void accounts_cache_forget(struct accounts_cache *c, uint64_t id)
{
	uint64_t h = hash_bytes(&c->by_id.key, &id, sizeof(id));
	for (struct map_node *n = map_first(&c->by_id, h), *next; n; n = next) {
		struct entry *e = container_of(n, struct entry, by_id);
		next = map_next(n);
		if (e->acc.id == id)
			drop(c, e);
	}
	drop_all(c, 1);
}
