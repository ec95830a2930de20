#include "auth/md5.h"

#include <string.h>

enum { BLOCK_LEN = 64, LENGTH_AT = 56 };

struct state {
	uint32_t a, b, c, d;
};

static inline uint32_t rotate(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static inline uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void store32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* The four round functions (RFC 1321, section 3.4), in forms with a short way from b. */
#define ROUND_F(b, c, d) ((d) ^ ((b) & ((c) ^ (d))))
#define ROUND_G(b, c, d) (((d) & (b)) + (~(d) & (c)))
#define ROUND_H(b, c, d) ((b) ^ (c) ^ (d))
#define ROUND_I(b, c, d) ((c) ^ ((b) | ~(d)))
#define STEP(round, a, b, c, d, k, shift, t) \
	((a) = rotate((a) + round(b, c, d) + x[k] + (t), shift) + (b))

/* clang-format off */
static void rounds_1_2(struct state *s, const uint32_t x[16])
{
	uint32_t a = s->a, b = s->b, c = s->c, d = s->d;
	STEP(ROUND_F, a, b, c, d,  0,  7, 0xd76aa478); STEP(ROUND_F, d, a, b, c,  1, 12, 0xe8c7b756);
	STEP(ROUND_F, c, d, a, b,  2, 17, 0x242070db); STEP(ROUND_F, b, c, d, a,  3, 22, 0xc1bdceee);
	STEP(ROUND_F, a, b, c, d,  4,  7, 0xf57c0faf); STEP(ROUND_F, d, a, b, c,  5, 12, 0x4787c62a);
	STEP(ROUND_F, c, d, a, b,  6, 17, 0xa8304613); STEP(ROUND_F, b, c, d, a,  7, 22, 0xfd469501);
	STEP(ROUND_F, a, b, c, d,  8,  7, 0x698098d8); STEP(ROUND_F, d, a, b, c,  9, 12, 0x8b44f7af);
	STEP(ROUND_F, c, d, a, b, 10, 17, 0xffff5bb1); STEP(ROUND_F, b, c, d, a, 11, 22, 0x895cd7be);
	STEP(ROUND_F, a, b, c, d, 12,  7, 0x6b901122); STEP(ROUND_F, d, a, b, c, 13, 12, 0xfd987193);
	STEP(ROUND_F, c, d, a, b, 14, 17, 0xa679438e); STEP(ROUND_F, b, c, d, a, 15, 22, 0x49b40821);
	STEP(ROUND_G, a, b, c, d,  1,  5, 0xf61e2562); STEP(ROUND_G, d, a, b, c,  6,  9, 0xc040b340);
	STEP(ROUND_G, c, d, a, b, 11, 14, 0x265e5a51); STEP(ROUND_G, b, c, d, a,  0, 20, 0xe9b6c7aa);
	STEP(ROUND_G, a, b, c, d,  5,  5, 0xd62f105d); STEP(ROUND_G, d, a, b, c, 10,  9, 0x02441453);
	STEP(ROUND_G, c, d, a, b, 15, 14, 0xd8a1e681); STEP(ROUND_G, b, c, d, a,  4, 20, 0xe7d3fbc8);
	STEP(ROUND_G, a, b, c, d,  9,  5, 0x21e1cde6); STEP(ROUND_G, d, a, b, c, 14,  9, 0xc33707d6);
	STEP(ROUND_G, c, d, a, b,  3, 14, 0xf4d50d87); STEP(ROUND_G, b, c, d, a,  8, 20, 0x455a14ed);
	STEP(ROUND_G, a, b, c, d, 13,  5, 0xa9e3e905); STEP(ROUND_G, d, a, b, c,  2,  9, 0xfcefa3f8);
	STEP(ROUND_G, c, d, a, b,  7, 14, 0x676f02d9); STEP(ROUND_G, b, c, d, a, 12, 20, 0x8d2a4c8a);
	*s = (struct state){ a, b, c, d };
}

static void rounds_3_4(struct state *s, const uint32_t x[16])
{
	uint32_t a = s->a, b = s->b, c = s->c, d = s->d;
	STEP(ROUND_H, a, b, c, d,  5,  4, 0xfffa3942); STEP(ROUND_H, d, a, b, c,  8, 11, 0x8771f681);
	STEP(ROUND_H, c, d, a, b, 11, 16, 0x6d9d6122); STEP(ROUND_H, b, c, d, a, 14, 23, 0xfde5380c);
	STEP(ROUND_H, a, b, c, d,  1,  4, 0xa4beea44); STEP(ROUND_H, d, a, b, c,  4, 11, 0x4bdecfa9);
	STEP(ROUND_H, c, d, a, b,  7, 16, 0xf6bb4b60); STEP(ROUND_H, b, c, d, a, 10, 23, 0xbebfbc70);
	STEP(ROUND_H, a, b, c, d, 13,  4, 0x289b7ec6); STEP(ROUND_H, d, a, b, c,  0, 11, 0xeaa127fa);
	STEP(ROUND_H, c, d, a, b,  3, 16, 0xd4ef3085); STEP(ROUND_H, b, c, d, a,  6, 23, 0x04881d05);
	STEP(ROUND_H, a, b, c, d,  9,  4, 0xd9d4d039); STEP(ROUND_H, d, a, b, c, 12, 11, 0xe6db99e5);
	STEP(ROUND_H, c, d, a, b, 15, 16, 0x1fa27cf8); STEP(ROUND_H, b, c, d, a,  2, 23, 0xc4ac5665);
	STEP(ROUND_I, a, b, c, d,  0,  6, 0xf4292244); STEP(ROUND_I, d, a, b, c,  7, 10, 0x432aff97);
	STEP(ROUND_I, c, d, a, b, 14, 15, 0xab9423a7); STEP(ROUND_I, b, c, d, a,  5, 21, 0xfc93a039);
	STEP(ROUND_I, a, b, c, d, 12,  6, 0x655b59c3); STEP(ROUND_I, d, a, b, c,  3, 10, 0x8f0ccc92);
	STEP(ROUND_I, c, d, a, b, 10, 15, 0xffeff47d); STEP(ROUND_I, b, c, d, a,  1, 21, 0x85845dd1);
	STEP(ROUND_I, a, b, c, d,  8,  6, 0x6fa87e4f); STEP(ROUND_I, d, a, b, c, 15, 10, 0xfe2ce6e0);
	STEP(ROUND_I, c, d, a, b,  6, 15, 0xa3014314); STEP(ROUND_I, b, c, d, a, 13, 21, 0x4e0811a1);
	STEP(ROUND_I, a, b, c, d,  4,  6, 0xf7537e82); STEP(ROUND_I, d, a, b, c, 11, 10, 0xbd3af235);
	STEP(ROUND_I, c, d, a, b,  2, 15, 0x2ad7d2bb); STEP(ROUND_I, b, c, d, a,  9, 21, 0xeb86d391);
	*s = (struct state){ a, b, c, d };
}
/* clang-format on */

static void block(struct state *s, const uint8_t *p)
{
	struct state before = *s;
	uint32_t x[16];
	for (unsigned i = 0; i < ARRAY_SIZE(x); i++)
		x[i] = load32(p + 4 * (size_t)i);
	rounds_1_2(s, x);
	rounds_3_4(s, x);
	s->a += before.a;
	s->b += before.b;
	s->c += before.c;
	s->d += before.d;
}

void md5(uint8_t ret[MD5_LEN], const void *p, size_t n)
{
	struct state s = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
	const uint8_t *in = p;
	uint64_t bits = (uint64_t)n * 8;
	for (; n >= BLOCK_LEN; n -= BLOCK_LEN, in += BLOCK_LEN)
		block(&s, in);

	uint8_t last[BLOCK_LEN] = { 0 };
	if (n > 0)
		memcpy(last, in, n);
	last[n] = 0x80;
	if (n >= LENGTH_AT) {
		block(&s, last);
		memset(last, 0, sizeof(last));
	}
	store32(last + LENGTH_AT, (uint32_t)bits);
	store32(last + LENGTH_AT + 4, (uint32_t)(bits >> 32));
	block(&s, last);

	store32(ret, s.a);
	store32(ret + 4, s.b);
	store32(ret + 8, s.c);
	store32(ret + 12, s.d);
}
