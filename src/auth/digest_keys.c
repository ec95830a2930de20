#include "auth/digest_keys.h"

#include <stdlib.h>

/* One block: the struct, HA1, the name, and the URI where it is not the name. */
struct entry {
	struct map_node node;
	uint64_t account, credential;
	uint32_t from, told;
	uint16_t name_len, uri_len; /* uri_len 0: the name is the URI */
	uint8_t alg;
	bool full;
	uint8_t data[];
};

void digest_name_set(struct digest_name *ret, struct str username, struct str domain)
{
	username = str_sub(username, 0, DIGEST_VALUE_MAX);
	domain = str_sub(domain, 0, DIGEST_VALUE_MAX);
	ret->full = str_chr(username, '@') >= 0;
	ret->len = username.len;
	memcpy(ret->p, username.p, username.len);
	if (ret->full)
		return;
	ret->p[ret->len++] = '@';
	if (domain.len > 0)
		memcpy(ret->p + ret->len, domain.p, domain.len);
	ret->len += domain.len;
}

static size_t ha1_len(const struct entry *e)
{
	return digest_ha1_len((enum digest_alg)e->alg);
}

static struct str name_of(const struct entry *e)
{
	return str_n((const char *)e->data + ha1_len(e), e->name_len);
}

static struct str uri_of(const struct entry *e)
{
	struct str name = name_of(e);
	return e->uri_len ? str_n(name.p + name.len, e->uri_len) : name;
}

static bool is_named(const struct entry *e, const struct digest_name *name)
{
	return e->full == name->full && str_eq(name_of(e), digest_name_text(name));
}

static uint64_t hash_name(const struct digest_keys *k, const struct digest_name *name)
{
	return hash_bytes(&k->map.key, name->p, name->len);
}

static void drop(struct digest_keys *k, struct entry *e)
{
	map_del(&k->map, &e->node);
	wipe(e->data, ha1_len(e));
	free(e);
}

void digest_keys_init(struct digest_keys *k)
{
	*k = (struct digest_keys){ .cursor = 0 };
	map_init(&k->map);
}

void digest_keys_done(struct digest_keys *k)
{
	digest_keys_forget(k, 0, 0);
	map_done(&k->map);
}

/* The slots are in the order of a keyed hash: going round them is as good as drawing lots. */
static void push_one_out(struct digest_keys *k)
{
	struct map_node *after = NULL, *n = map_walk(&k->map, &k->cursor, &after);
	if (!n) {
		k->cursor = 0;
		after = NULL;
		n = map_walk(&k->map, &k->cursor, &after);
	}
	if (n)
		drop(k, container_of(n, struct entry, node));
}

static void drop_same(struct digest_keys *k, const struct digest_name *name,
                      const struct digest_key *key, uint64_t hash)
{
	for (struct map_node *n = map_first(&k->map, hash), *next; n; n = next) {
		struct entry *e = container_of(n, struct entry, node);
		next = map_next(n);
		if (e->credential == key->credential && e->alg == key->alg && is_named(e, name))
			drop(k, e);
	}
}

void digest_keys_put(struct digest_keys *k, const struct digest_name *name,
                     const struct digest_key *key)
{
	size_t n_ha1 = digest_ha1_len(key->alg);
	uint64_t hash = hash_name(k, name);
	struct str uri = str_eq(key->uri, digest_name_text(name)) ? STR("") : key->uri;
	drop_same(k, name, key, hash);
	if (k->map.n >= DIGEST_KEYS_MAX)
		push_one_out(k);
	struct entry *e = xmalloc(sizeof(*e) + n_ha1 + name->len + uri.len);
	*e = (struct entry){ .account = key->account,
		             .credential = key->credential,
		             .from = key->from,
		             .told = key->told ? *key->told : 0,
		             .name_len = (uint16_t)name->len,
		             .uri_len = (uint16_t)uri.len,
		             .alg = (uint8_t)key->alg,
		             .full = name->full };
	memcpy(e->data, key->ha1, n_ha1);
	memcpy(e->data + n_ha1, name->p, name->len);
	if (uri.len > 0)
		memcpy(e->data + n_ha1 + name->len, uri.p, uri.len);
	map_add(&k->map, &e->node, hash);
}

bool digest_keys_find(const struct digest_keys *k, const struct digest_name *name,
                      const struct digest_creds *c, const char *ha2_hex, struct digest_key *ret)
{
	uint64_t hash = hash_name(k, name);
	for (struct map_node *n = map_first(&k->map, hash); n; n = map_next(n)) {
		struct entry *e = container_of(n, struct entry, node);
		if (e->alg != c->alg || !is_named(e, name) ||
		    !digest_proves_ha2(c, ha2_hex, e->data))
			continue;
		*ret = (struct digest_key){ .account = e->account,
			                    .credential = e->credential,
			                    .alg = c->alg,
			                    .ha1 = e->data,
			                    .uri = uri_of(e),
			                    .from = e->from,
			                    .told = &e->told };
		return true;
	}
	return false;
}

void digest_keys_forget(struct digest_keys *k, uint64_t account, uint64_t credential)
{
	size_t slot = 0;
	struct map_node *after = NULL, *n;
	while ((n = map_walk(&k->map, &slot, &after))) {
		struct entry *e = container_of(n, struct entry, node);
		if ((account == 0 || e->account == account) &&
		    (credential == 0 || e->credential == credential))
			drop(k, e);
	}
}
