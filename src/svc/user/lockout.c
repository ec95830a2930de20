#include "svc/user/lockout.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "svc/user/known.h"

enum { V6_NET_LEN = 8 /* a subscriber has a /64 */, USER_MAX = 255 };
enum table { PAIRS, ADDRS, N_TABLES };

struct entry {
	struct map_node node;
	struct list age; /* last touched first */
	usec_t first;    /* failure of the window */
	usec_t last;     /* failure */
	usec_t next_try; /* while slow */
	uint32_t failures;
	uint16_t key_len;
	char key[];
};

struct lockout {
	struct map map[N_TABLES];
	struct list age[N_TABLES];
	struct known *known; /* pairs that signed in */
};

/* Length, address, user: the part in front serves alone as the key of an address. */
struct key {
	size_t addr_len, len;
	char p[32 + USER_MAX];
};

static const uint32_t limits[] = {
	[PAIRS] = LOCKOUT_PAIR_FAILURES, [ADDRS] = LOCKOUT_ADDR_FAILURES
};

/* Users in lower case, so that no spelling starts anew. */
static void make_key(struct key *k, struct str user, const struct addr *peer)
{
	uint8_t packed[18] = { 0 };
	size_t n = peer->sa.sa_family == AF_UNSPEC ? 0 : addr_pack(peer, packed) - 2;
	if (n > 4)
		n = V6_NET_LEN;
	k->p[0] = (char)n;
	memcpy(k->p + 1, packed, n);
	k->len = k->addr_len = n + 1;
	for (size_t i = 0; i < MIN(user.len, (size_t)USER_MAX); i++) {
		char c = user.p[i];
		k->p[k->len++] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
	}
}

static struct str key_of(const struct key *k, enum table t)
{
	return str_n(k->p, t == ADDRS ? k->addr_len : k->len);
}

static struct entry *find(const struct lockout *l, enum table t, const struct key *k)
{
	struct str key = key_of(k, t);
	uint64_t h = hash_bytes(&l->map[t].key, key.p, key.len);
	for (struct map_node *n = map_first(&l->map[t], h); n; n = map_next(n)) {
		struct entry *e = container_of(n, struct entry, node);
		if (str_eq(str_n(e->key, e->key_len), key))
			return e;
	}
	return NULL;
}

static void drop(struct lockout *l, enum table t, struct entry *e)
{
	map_del(&l->map[t], &e->node);
	list_del(&e->age);
	free(e);
}

static struct entry *find_or_add(struct lockout *l, enum table t, const struct key *k)
{
	struct str key = key_of(k, t);
	struct entry *e = find(l, t, k);
	if (e) {
		list_del(&e->age);
	} else {
		if (l->map[t].n >= LOCKOUT_ENTRIES_MAX)
			drop(l, t, list_entry(l->age[t].next, struct entry, age));
		e = xcalloc(1, sizeof(*e) + key.len);
		e->key_len = (uint16_t)key.len;
		memcpy(e->key, key.p, key.len);
		map_add(&l->map[t], &e->node, hash_bytes(&l->map[t].key, key.p, key.len));
	}
	list_add(&l->age[t], &e->age);
	return e;
}

static const usec_t window = LOCKOUT_WINDOW_S * USEC_PER_SEC;

static bool is_slow(const struct entry *e, enum table t, usec_t now)
{
	return e && e->failures >= limits[t] && now < e->last + window;
}

/* Seconds until the next try, at least 1; 0 if one is due. */
static uint32_t wait_s(const struct entry *e, enum table t, usec_t now)
{
	if (!is_slow(e, t, now) || now >= e->next_try)
		return 0;
	return (uint32_t)((e->next_try - now + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

enum lockout_verdict lockout_before(struct lockout *l, struct str user, const struct addr *peer,
                                    usec_t now, uint32_t *ret_retry_s)
{
	struct key k;
	uint32_t wait = 0;
	bool slow = false;
	make_key(&k, user, peer);
	for (enum table t = PAIRS; t <= ADDRS; t++) {
		struct entry *e = find(l, t, &k);
		slow |= is_slow(e, t, now);
		wait = MAX(wait, wait_s(e, t, now));
	}
	if (slow && known_has(l->known, key_of(&k, PAIRS)))
		return LOCKOUT_KNOWN;
	if (wait == 0)
		return LOCKOUT_CHECK;
	*ret_retry_s = wait;
	return LOCKOUT_WAIT;
}

static void count(struct entry *e, enum table t, usec_t now)
{
	bool over = e->failures >= limits[t] ? now >= e->last + window : now >= e->first + window;
	if (e->failures == 0 || over) {
		e->failures = 0;
		e->first = now;
	}
	e->failures++;
	e->last = now;
	if (e->failures >= limits[t])
		e->next_try = now + LOCKOUT_TRY_EVERY_S * USEC_PER_SEC;
}

uint32_t lockout_failure(struct lockout *l, struct str user, const struct addr *peer, usec_t now)
{
	struct key k;
	uint32_t wait = 0;
	make_key(&k, user, peer);
	for (enum table t = PAIRS; t <= ADDRS; t++) {
		struct entry *e = find_or_add(l, t, &k);
		count(e, t, now);
		wait = MAX(wait, wait_s(e, t, now));
	}
	return wait;
}

void lockout_success(struct lockout *l, struct str user, const struct addr *peer)
{
	struct key k;
	make_key(&k, user, peer);
	struct entry *pair = find(l, PAIRS, &k);
	if (pair)
		drop(l, PAIRS, pair);
	known_add(l->known, key_of(&k, PAIRS));
}

bool lockout_same_addr(const struct addr *a, const struct addr *b)
{
	struct key ka, kb;
	make_key(&ka, STR(""), a);
	make_key(&kb, STR(""), b);
	return str_eq(key_of(&ka, ADDRS), key_of(&kb, ADDRS));
}

size_t lockout_n_slow(const struct lockout *l, usec_t now)
{
	size_t n = 0;
	for (enum table t = PAIRS; t <= ADDRS; t++)
		list_for(it, &l->age[t]) n += is_slow(list_entry(it, struct entry, age), t, now);
	return n;
}

struct lockout *lockout_new(void)
{
	struct lockout *l = xnew(struct lockout);
	l->known = known_new();
	for (unsigned t = 0; t < N_TABLES; t++) {
		map_init(&l->map[t]);
		list_init(&l->age[t]);
	}
	return l;
}

void lockout_free(struct lockout **lp)
{
	struct lockout *l = take(lp);
	if (!l)
		return;
	for (unsigned t = 0; t < N_TABLES; t++) {
		while (!list_empty(&l->age[t]))
			drop(l, (enum table)t, list_entry(l->age[t].next, struct entry, age));
		map_done(&l->map[t]);
	}
	known_free(&l->known);
	free(l);
}
