#include "svc/user/known.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/rand.h"

enum { SETS_MIN = 8, CROWDED = KNOWN_WAYS / 2 };

struct set {
	uint64_t hash[KNOWN_WAYS]; /* the youngest first; 0: free */
};

struct known {
	struct hash_key key;
	struct set *sets;
	size_t n_sets, n;
};

struct known *known_new(void)
{
	struct known *k = xnew(struct known);
	rand_bytes(&k->key, sizeof(k->key));
	k->n_sets = SETS_MIN;
	k->sets = xcalloc(k->n_sets, sizeof(*k->sets));
	return k;
}

void known_free(struct known **kp)
{
	struct known *k = take(kp);
	if (!k)
		return;
	free(k->sets);
	free(k);
}

static uint64_t hash_of(const struct known *k, struct str key)
{
	uint64_t h = hash_bytes(&k->key, key.p, key.len);
	return h ? h : 1;
}

static struct set *set_of(const struct known *k, uint64_t hash)
{
	return &k->sets[hash & (k->n_sets - 1)];
}

/* Where it stands, or KNOWN_WAYS. */
static size_t find(const struct set *s, uint64_t hash)
{
	size_t i = 0;
	while (i < KNOWN_WAYS && s->hash[i] != hash)
		i++;
	return i;
}

/* Puts it in front; true if nothing was forgotten for it. */
static bool push(struct set *s, uint64_t hash)
{
	uint64_t last = s->hash[KNOWN_WAYS - 1];
	size_t i = MIN(find(s, hash), (size_t)KNOWN_WAYS - 1);
	bool found = s->hash[i] == hash;
	memmove(&s->hash[1], &s->hash[0], i * sizeof(s->hash[0]));
	s->hash[0] = hash;
	return !found && last == 0;
}

static void grow(struct known *k)
{
	struct known old = *k;
	k->n_sets *= 2;
	k->sets = xcalloc(k->n_sets, sizeof(*k->sets));
	for (size_t i = 0; i < old.n_sets; i++)
		for (size_t j = KNOWN_WAYS; j-- > 0;) {
			uint64_t h = old.sets[i].hash[j];
			if (h)
				(void)push(set_of(k, h), h);
		}
	free(old.sets);
}

void known_add(struct known *k, struct str key)
{
	uint64_t hash = hash_of(k, key);
	if (k->n >= k->n_sets * CROWDED && k->n_sets < KNOWN_SETS_MAX)
		grow(k);
	k->n += push(set_of(k, hash), hash);
}

bool known_has(const struct known *k, struct str key)
{
	uint64_t hash = hash_of(k, key);
	return find(set_of(k, hash), hash) < KNOWN_WAYS;
}
