#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { START_SIZE = 128 };

void buf_free(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->len = b->cap = 0;
	b->full = false;
}

/* One byte more than cap is always allocated: buf_printf() needs a place for its NUL. */
static void grow(struct buf *b, size_t need)
{
	size_t cap = MAX(b->cap, (size_t)START_SIZE);
	while (cap < need)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	b->cap = MIN(cap, b->max);
	b->p = xrealloc(b->p, b->cap + 1);
}

char *buf_room(struct buf *b, size_t n)
{
	if (b->full || n > b->max - b->len) {
		b->full = true;
		return NULL;
	}
	if (!b->p || n > b->cap - b->len)
		grow(b, b->len + n);
	return b->p + b->len;
}

void buf_put_slowly(struct buf *b, const void *p, size_t n)
{
	char *to = buf_room(b, n);
	if (to && n > 0) {
		memcpy(to, p, n);
		b->len += n;
	}
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	size_t room = b->p ? b->cap - b->len : 0;
	if (b->full)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(b->p ? b->p + b->len : NULL, b->p ? room + 1 : 0, fmt, ap);
	va_end(ap);
	assert(n >= 0);
	if (!b->p || (size_t)n > room) {
		char *to = buf_room(b, (size_t)n);
		if (!to)
			return;
		va_start(ap, fmt);
		n = vsnprintf(to, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}

void buf_dec(struct buf *b, uint64_t v)
{
	char digits[20], *p = digits + sizeof(digits);
	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	buf_put(b, p, (size_t)(digits + sizeof(digits) - p));
}

void buf_str16(struct buf *b, struct str s)
{
	if (s.len > UINT16_MAX || !buf_room(b, s.len + 2)) {
		b->full = true;
		return;
	}
	buf_u16(b, (uint16_t)s.len);
	buf_str(b, s);
}

void buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	if (n > 0 && b->len > 0)
		memmove(b->p, b->p + n, b->len);
}
