/* A reader of binary data with a sticky error: read the whole record, test `bad` once. */
#pragma once

#include "base/str.h"

struct rd {
	const uint8_t *p, *end;
	bool bad;
};

static inline struct rd rd_of(struct bytes b)
{
	return (struct rd){ b.p, b.len > 0 ? b.p + b.len : b.p, false };
}

static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

/* n bytes as a slice of the input; sets bad and returns an empty slice if there are fewer. */
struct bytes rd_take(struct rd *r, size_t n);
uint8_t rd_u8(struct rd *r);
/* Network byte order. */
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
/* A length of 16 bits followed by that many bytes. */
struct str rd_str16(struct rd *r);
