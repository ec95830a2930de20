/* A growing buffer to append to.  Its hard maximum is given at the start; passing it sets `full`
 * and further appends do nothing, so a composer appends everything and tests once. */
#pragma once

#include <endian.h>

#include "base/str.h"

struct buf {
	char *p;
	size_t len, cap, max;
	bool full;
};

/* A buffer without memory that may grow to max bytes. */
static inline struct buf buf_of(size_t max)
{
	return (struct buf){ .max = max };
}

/* A buffer in an array of the caller's: never grows, needs no buf_free(). */
#define BUF_ON(array) \
	((struct buf){ .p = (array), .cap = sizeof(array) - 1, .max = sizeof(array) - 1 })

/* Frees the memory; the buffer can be used again.  Serves as auto_(buf_free). */
void buf_free(struct buf *b);
/* Room for n more bytes, or NULL (full).  The caller adds to len what it wrote. */
char *buf_room(struct buf *b, size_t n);
/* buf_put() where the buffer has to grow or is full. */
void buf_put_slowly(struct buf *b, const void *p, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_dec(struct buf *b, uint64_t v);
/* A length of 16 bits, then the bytes; sets full if s is longer than 65535. */
void buf_str16(struct buf *b, struct str s);
/* Drops the first n bytes. */
void buf_drop(struct buf *b, size_t n);

static inline void buf_put(struct buf *b, const void *p, size_t n)
{
	if (b->full || n > b->cap - b->len) {
		buf_put_slowly(b, p, n);
	} else if (n > 0) {
		memcpy(b->p + b->len, p, n);
		b->len += n;
	}
}

static inline void buf_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, sizeof(v));
}

/* Network byte order. */
static inline void buf_u16(struct buf *b, uint16_t v)
{
	v = htobe16(v);
	buf_put(b, &v, sizeof(v));
}

static inline void buf_u32(struct buf *b, uint32_t v)
{
	v = htobe32(v);
	buf_put(b, &v, sizeof(v));
}

static inline void buf_u64(struct buf *b, uint64_t v)
{
	v = htobe64(v);
	buf_put(b, &v, sizeof(v));
}

static inline void buf_str(struct buf *b, struct str s)
{
	buf_put(b, s.p, s.len);
}

static inline void buf_char(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

static inline struct str buf_view(const struct buf *b)
{
	return (struct str){ b->p, b->len };
}
/* Appends a literal. */
#define buf_lit(b, literal) buf_put((b), (literal), sizeof(literal) - 1)
