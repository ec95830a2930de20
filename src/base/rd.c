#include "base/rd.h"

struct bytes rd_take(struct rd *r, size_t n)
{
	if (r->bad || n > rd_left(r)) {
		r->bad = true;
		return (struct bytes){ r->p, 0 };
	}
	struct bytes b = { r->p, n };
	if (n > 0)
		r->p += n;
	return b;
}

static uint64_t take_be(struct rd *r, size_t n)
{
	struct bytes b = rd_take(r, n);
	uint64_t v = 0;
	for (size_t i = 0; i < b.len; i++)
		v = v << 8 | b.p[i];
	return v;
}

uint8_t rd_u8(struct rd *r)
{
	return (uint8_t)take_be(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
	return (uint16_t)take_be(r, 2);
}

uint32_t rd_u32(struct rd *r)
{
	return (uint32_t)take_be(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
	return take_be(r, 8);
}

struct str rd_str16(struct rd *r)
{
	size_t n = rd_u16(r);
	return str_from_bytes(rd_take(r, n));
}
