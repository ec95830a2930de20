#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_FIRST = 2048, CHUNK_MAX = 65536 };

struct chunk {
	struct chunk *next; /* older */
	max_align_t data[];
};

/* The arena itself stands at the start of its first chunk. */
struct arena {
	struct chunk *newest;
	char *p, *end; /* what is free in the newest chunk */
	size_t used, next_size;
};

static size_t aligned(size_t n)
{
	return (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
}

static struct chunk *chunk_new(size_t size)
{
	return xmalloc(sizeof(struct chunk) + size);
}

struct arena *arena_new(void)
{
	struct chunk *c = chunk_new(CHUNK_FIRST);
	struct arena *a = (void *)c->data;
	c->next = NULL;
	*a = (struct arena){
		.newest = c,
		.p = (char *)c->data + aligned(sizeof(*a)),
		.end = (char *)c->data + CHUNK_FIRST,
		.next_size = (size_t)2 * CHUNK_FIRST,
	};
	return a;
}

void arena_free(struct arena **ap)
{
	struct chunk *c = *ap ? (*ap)->newest : NULL;
	*ap = NULL;
	while (c) {
		struct chunk *older = c->next;
		free(c);
		c = older;
	}
}

static void add_chunk(struct arena *a, size_t need)
{
	size_t size = MAX(need, a->next_size);
	struct chunk *c = chunk_new(size);
	c->next = a->newest;
	a->newest = c;
	a->p = (char *)c->data;
	a->end = a->p + size;
	a->next_size = MIN(a->next_size * 2, (size_t)CHUNK_MAX);
}

void *arena_alloc(struct arena *a, size_t size)
{
	assert(size < SIZE_MAX / 2);
	size_t n = aligned(MAX(size, (size_t)1));
	if (n > (size_t)(a->end - a->p))
		add_chunk(a, n);
	void *p = a->p;
	a->p += n;
	a->used += n;
	return memset(p, 0, n);
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.len + 1);
	if (s.len > 0)
		memcpy(p, s.p, s.len);
	return str_n(p, s.len);
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	char *p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return str_n(p, (size_t)n);
}

size_t arena_used(const struct arena *a)
{
	return a->used;
}
