#include "svc/directory/index.h"

#include <stdlib.h>

#include "base/map.h"

enum {
	KEY_LEN = 8,
	FRESH_MAX = 2048, /* words that wait to be merged */
	DEAD_MAX = 1024,  /* people whose words wait to be taken out */
	ORDER_MAX = 255,
	PLACES_STEP = 64, /* of room for people: what compilers make whole vectors of */
};

/* A word of a person.  Its first bytes stand here, so that most comparisons need no other memory.
 */
struct entry {
	uint64_t key; /* big-endian, filled up with zeros, which no word has */
	uint32_t place : 23;
	uint32_t in : 9;
	uint16_t from; /* in the person's text */
	uint8_t len;
};

struct person {
	struct map_node by_id;
	uint64_t id;
	uint32_t place;
	uint16_t order_len;
	char text[]; /* what it is ordered by, then its words */
};

struct entries {
	struct entry *e;
	size_t n, cap;
};

/* What is looked at for each person found stands in arrays by place, so that a search reads no
 * other memory of most.  A byte a person, 0 or 1, and not a bit: marking one waits for no other. */
struct index {
	struct map by_id;
	struct person **people; /* NULL: free */
	uint64_t *order;        /* the first bytes of the text, as a key */
	uint8_t *alive;         /* 0: free, or dropped and its words not taken out yet */
	uint8_t *hits;          /* of a search: who has all words so far */
	uint8_t *now;           /* who has this word */
	size_t n_places, cap_places;
	uint32_t *freed; /* places */
	size_t n_freed, n_dead;
	struct entries main, fresh; /* main is sorted */
	bool unsorted;              /* fresh is not */
};

struct index *index_new(void)
{
	struct index *ix = xnew(struct index);
	map_init(&ix->by_id);
	return ix;
}

void index_free(struct index **ip)
{
	struct index *ix = take(ip);
	if (!ix)
		return;
	for (size_t i = 0; i < ix->n_places; i++)
		free(ix->people[i]);
	map_done(&ix->by_id);
	free(ix->people);
	free(ix->freed);
	free(ix->main.e);
	free(ix->fresh.e);
	free(ix->order);
	free(ix->alive);
	free(ix->hits);
	free(ix->now);
	free(ix);
}

size_t index_count(const struct index *ix)
{
	return ix->by_id.n;
}

/* --- order ---------------------------------------------------------------------------- */

static uint64_t key_of(struct str s)
{
	uint64_t key = 0;
	if (s.len > 0)
		memcpy(&key, s.p, MIN(s.len, (size_t)KEY_LEN));
	return be64toh(key);
}

static const char *text_of(const struct index *ix, const struct entry *e)
{
	return ix->people[e->place]->text + e->from;
}

/* The bytes behind the key; a longer text is greater than its beginning. */
static int compare_rest(struct str a, struct str b)
{
	return str_cmp(str_sub(a, KEY_LEN, a.len), str_sub(b, KEY_LEN, b.len));
}

static int compare(const void *va, const void *vb, void *arg)
{
	const struct entry *a = va, *b = vb;
	const struct index *ix = arg;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	if (a->len <= KEY_LEN && b->len <= KEY_LEN)
		return 0;
	return compare_rest(str_n(text_of(ix, a), a->len), str_n(text_of(ix, b), b->len));
}

/* Below, within or above the words that begin with s. */
static int compare_start(const struct index *ix, const struct entry *e, struct str s)
{
	uint64_t mask = s.len < KEY_LEN ? ~(UINT64_MAX >> (8 * s.len)) : UINT64_MAX;
	uint64_t a = e->key & mask, b = key_of(s);
	if (a != b || s.len <= KEY_LEN)
		return a < b ? -1 : a > b;
	return compare_rest(str_n(text_of(ix, e), MIN((size_t)e->len, s.len)), s);
}

/* The first entry that is at or above (past: above) the words that begin with s. */
static size_t bound(const struct index *ix, const struct entries *es, struct str s, bool past)
{
	size_t low = 0, high = es->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = compare_start(ix, &es->e[mid], s);
		if (c < 0 || (past && c == 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* --- putting and dropping ------------------------------------------------------------- */

static void *grown(void *p, size_t *cap, size_t size)
{
	*cap = MAX(2 * *cap, (size_t)PLACES_STEP);
	return xrealloc(p, *cap * size);
}

static uint32_t take_place(struct index *ix)
{
	if (ix->n_freed > 0)
		return ix->freed[--ix->n_freed];
	if (ix->n_places == ix->cap_places) {
		ix->people = grown(ix->people, &ix->cap_places, sizeof(*ix->people));
		ix->order = xrealloc(ix->order, ix->cap_places * sizeof(*ix->order));
		ix->freed = xrealloc(ix->freed, ix->cap_places * sizeof(*ix->freed));
		ix->alive = xrealloc(ix->alive, ix->cap_places);
		memset(ix->alive + ix->n_places, 0, ix->cap_places - ix->n_places);
		ix->hits = xrealloc(ix->hits, ix->cap_places);
		ix->now = xrealloc(ix->now, ix->cap_places);
	}
	return (uint32_t)ix->n_places++;
}

static uint64_t hash_id(const struct index *ix, uint64_t id)
{
	return hash_bytes(&ix->by_id.key, &id, sizeof(id));
}

void index_drop(struct index *ix, uint64_t id)
{
	struct map_node *n = map_first(&ix->by_id, hash_id(ix, id));
	while (n && container_of(n, struct person, by_id)->id != id)
		n = map_next(n);
	if (!n)
		return;
	map_del(&ix->by_id, n);
	ix->alive[container_of(n, struct person, by_id)->place] = 0;
	ix->n_dead++;
}

static void add_entry(struct index *ix, const struct entry *e)
{
	struct entries *f = &ix->fresh;
	if (f->n == f->cap)
		f->e = grown(f->e, &f->cap, sizeof(*f->e));
	f->e[f->n++] = *e;
	ix->unsorted = true;
}

void index_put(struct index *ix, uint64_t id, const struct words *w, struct str order)
{
	size_t len = 0;
	index_drop(ix, id);
	if (ix->n_places == INDEX_PEOPLE_MAX && ix->n_freed == 0)
		return;
	order = str_sub(order, 0, ORDER_MAX);
	for (unsigned i = 0; i < w->n; i++)
		len += w->word[i].text.len;
	struct person *p = xcalloc(1, sizeof(*p) + order.len + len);
	p->id = id;
	p->place = take_place(ix);
	p->order_len = (uint16_t)order.len;
	ix->people[p->place] = p;
	ix->order[p->place] = key_of(order);
	ix->alive[p->place] = 1;
	map_add(&ix->by_id, &p->by_id, hash_id(ix, id));
	struct buf text = { .p = p->text, .cap = order.len + len, .max = order.len + len };
	buf_str(&text, order);
	for (unsigned i = 0; i < w->n; i++) {
		add_entry(ix, &(struct entry){ .key = key_of(w->word[i].text),
		                               .place = p->place & 0x7fffff,
		                               .in = (uint32_t)w->word[i].in & 511,
		                               .from = (uint16_t)text.len,
		                               .len = (uint8_t)w->word[i].text.len });
		buf_str(&text, w->word[i].text);
	}
}

/* --- settling ------------------------------------------------------------------------- */

/* Both arrays into a new one, without the words of the dead. */
static void merge(struct index *ix)
{
	struct entries *a = &ix->main, *b = &ix->fresh, to = { .cap = a->n + b->n };
	to.e = xcalloc(MAX(to.cap, (size_t)1), sizeof(*to.e));
	for (size_t i = 0, j = 0; i < a->n || j < b->n;) {
		bool first = j == b->n || (i < a->n && compare(&a->e[i], &b->e[j], ix) <= 0);
		const struct entry *e = first ? &a->e[i++] : &b->e[j++];
		if (ix->alive[e->place])
			to.e[to.n++] = *e;
	}
	free(a->e);
	*a = to;
	free(b->e);
	*b = (struct entries){ .n = 0 };
}

static void bury(struct index *ix)
{
	for (size_t i = 0; i < ix->n_places && ix->n_dead > 0; i++) {
		struct person *p = ix->people[i];
		if (!p || ix->alive[i])
			continue;
		ix->freed[ix->n_freed++] = p->place;
		ix->people[i] = NULL;
		ix->n_dead--;
		free(p);
	}
}

static void sort_fresh(struct index *ix)
{
	if (ix->unsorted)
		qsort_r(ix->fresh.e, ix->fresh.n, sizeof(*ix->fresh.e), compare, ix);
	ix->unsorted = false;
}

void index_settle(struct index *ix)
{
	if (ix->fresh.n <= FRESH_MAX && ix->n_dead <= DEAD_MAX)
		return;
	sort_fresh(ix);
	merge(ix);
	bury(ix);
}

/* --- searching ------------------------------------------------------------------------ */

static void mark_range(struct index *ix, const struct entries *es, struct str start, uint16_t in)
{
	size_t to = bound(ix, es, start, true);
	for (size_t i = bound(ix, es, start, false); i < to; i++)
		if (es->e[i].in & in)
			ix->now[es->e[i].place] = 1;
}

/* n is a multiple of PLACES_STEP. */
static void cut(uint8_t *restrict hits, const uint8_t *restrict now, size_t n)
{
	for (size_t i = 0; i < n; i += PLACES_STEP)
		for (size_t k = 0; k < PLACES_STEP; k++)
			hits[i + k] &= now[i + k];
}

/* Leaves those who have that word too. */
static void mark_word(struct index *ix, const struct word *w)
{
	memset(ix->now, 0, ix->cap_places);
	mark_range(ix, &ix->main, w->text, w->in);
	mark_range(ix, &ix->fresh, w->text, w->in);
	if (w->end.len > 0) {
		mark_range(ix, &ix->main, w->end, IN_NUMBER_END);
		mark_range(ix, &ix->fresh, w->end, IN_NUMBER_END);
	}
	cut(ix->hits, ix->now, ix->cap_places);
}

static bool comes_before(const struct index *ix, uint32_t a, uint32_t b)
{
	if (ix->order[a] != ix->order[b])
		return ix->order[a] < ix->order[b];
	const struct person *p = ix->people[a], *q = ix->people[b];
	int c = str_cmp(str_n(p->text, p->order_len), str_n(q->text, q->order_len));
	return c ? c < 0 : p->id < q->id;
}

/* The first ones in order, by place. */
struct best {
	uint32_t place[ACCT_FOUND_MAX];
	size_t n, max;
	bool more;
};

static void offer(const struct index *ix, struct best *best, uint32_t place)
{
	best->more |= best->n == best->max;
	if (best->n == best->max && !comes_before(ix, place, best->place[best->n - 1]))
		return;
	size_t low = 0, high = best->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (comes_before(ix, best->place[mid], place))
			low = mid + 1;
		else
			high = mid;
	}
	best->n = MIN(best->n + 1, best->max);
	memmove(&best->place[low + 1], &best->place[low],
	        (best->n - low - 1) * sizeof(best->place[0]));
	best->place[low] = place;
}

size_t index_search(struct index *ix, const struct words *asked, uint64_t *ret_ids, size_t max,
                    bool *ret_more)
{
	struct best best = { .max = CLAMP(max, (size_t)1, (size_t)ACCT_FOUND_MAX) };
	*ret_more = false;
	if (asked->n == 0 || ix->n_places == 0)
		return 0;
	sort_fresh(ix);
	memcpy(ix->hits, ix->alive, ix->cap_places);
	for (unsigned i = 0; i < asked->n; i++)
		mark_word(ix, &asked->word[i]);
	const uint8_t *hit = ix->hits, *end = ix->hits + ix->n_places;
	for (; hit < end; hit++) {
		if (!*hit && !(hit = memchr(hit, 1, (size_t)(end - hit))))
			break;
		offer(ix, &best, (uint32_t)(hit - ix->hits));
	}
	for (size_t i = 0; i < best.n; i++)
		ret_ids[i] = ix->people[best.place[i]]->id;
	*ret_more = best.more;
	return best.n;
}
