/* A growing buffer to append to.  Its hard maximum is given at the start; passing it sets `full`
 * and further appends do nothing, so a composer appends everything and tests once. */
#pragma once

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
void buf_put(struct buf *b, const void *p, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_dec(struct buf *b, uint64_t v);
void buf_u8(struct buf *b, uint8_t v);
/* Network byte order. */
void buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
/* A length of 16 bits, then the bytes; sets full if s is longer than 65535. */
void buf_str16(struct buf *b, struct str s);
/* Drops the first n bytes. */
void buf_drop(struct buf *b, size_t n);

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
