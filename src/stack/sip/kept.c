#include "stack/sip/kept.h"

#include <assert.h>
#include <stdlib.h>

#include "base/map.h"

/* Reason and text stand behind it; the next one begins at a multiple of ALIGN. */
struct entry {
	struct map_node node;
	uint32_t until_s;
	uint32_t text_len;
	uint16_t code, reason_len;
	char data[];
};

enum { ALIGN = _Alignof(struct entry), HEAD = offsetof(struct entry, data) };

struct block {
	struct block *next;
	size_t size, begin, end; /* of the entries that are still there */
	char data[];
};

struct kept {
	struct map map;
	struct block *oldest, *newest; /* NULL: none */
	uint32_t last_s;               /* until_s of the last one */
};

struct kept *kept_new(void)
{
	struct kept *k = xnew(struct kept);
	map_init(&k->map);
	return k;
}

void kept_free(struct kept **kp)
{
	struct kept *k = take(kp);
	if (!k)
		return;
	for (struct block *b = k->oldest, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	map_done(&k->map);
	free(k);
}

static size_t entry_size(size_t reason_len, size_t text_len)
{
	return (HEAD + reason_len + text_len + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static struct entry *entry_at(struct block *b, size_t at)
{
	return (struct entry *)(void *)(b->data + at);
}

/* The block that has room for so much. */
static struct block *block_for(struct kept *k, size_t need)
{
	struct block *b = k->newest;
	if (b && need <= b->size - b->end)
		return b;
	size_t size = MAX(need, KEPT_BLOCK_SIZE - sizeof(*b));
	b = xmalloc(sizeof(*b) + size); /* its pages come into being when used */
	*b = (struct block){ .size = size };
	if (k->newest)
		k->newest->next = b;
	else
		k->oldest = b;
	k->newest = b;
	return b;
}

void kept_put(struct kept *k, uint64_t hash, const struct kept_answer *a, usec_t until)
{
	size_t need = entry_size(a->reason.len, a->text.len);
	uint32_t until_s = (uint32_t)((until + USEC_PER_SEC - 1) / USEC_PER_SEC);
	assert(a->reason.len <= UINT16_MAX && a->text.len <= UINT32_MAX / 2);
	k->last_s = MAX(k->last_s, until_s);
	struct block *b = block_for(k, need);
	struct entry *e = entry_at(b, b->end);
	*e = (struct entry){ .until_s = k->last_s,
		             .text_len = (uint32_t)a->text.len,
		             .code = a->code,
		             .reason_len = (uint16_t)a->reason.len };
	if (a->reason.len > 0)
		memcpy(e->data, a->reason.p, a->reason.len);
	if (a->text.len > 0)
		memcpy(e->data + a->reason.len, a->text.p, a->text.len);
	b->end += need;
	map_add(&k->map, &e->node, hash);
}

bool kept_find(const struct kept *k, uint64_t hash, struct kept_answer *ret)
{
	struct map_node *n = map_first(&k->map, hash);
	if (!n)
		return false;
	const struct entry *e = container_of(n, struct entry, node);
	*ret = (struct kept_answer){
		.code = e->code,
		.reason = str_n(e->data, e->reason_len),
		.text = str_n(e->data + e->reason_len, e->text_len),
	};
	return true;
}

/* The one that ends first, or NULL.  A block without entries is the newest, if any. */
static struct entry *first(const struct kept *k)
{
	struct block *b = k->oldest;
	return b && b->begin < b->end ? entry_at(b, b->begin) : NULL;
}

usec_t kept_next(const struct kept *k)
{
	const struct entry *e = first(k);
	return e ? e->until_s * USEC_PER_SEC : USEC_INFINITY;
}

static void drop_first(struct kept *k, struct entry *e)
{
	struct block *b = k->oldest;
	map_del(&k->map, &e->node);
	b->begin += entry_size(e->reason_len, e->text_len);
	if (b->begin < b->end)
		return;
	k->oldest = b->next;
	if (!k->oldest)
		k->newest = NULL;
	free(b);
}

size_t kept_expire(struct kept *k, usec_t now)
{
	size_t n = 0;
	for (struct entry *e; (e = first(k)) != NULL && e->until_s * USEC_PER_SEC <= now; n++)
		drop_first(k, e);
	return n;
}

size_t kept_count(const struct kept *k)
{
	return k->map.n;
}
