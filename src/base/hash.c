#include "base/hash.h"

#include <endian.h>

struct sip_state {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline void rounds(struct sip_state *s, unsigned n)
{
	while (n-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotl(s->v1, 13) ^ s->v0;
		s->v3 = rotl(s->v3, 16) ^ s->v2;
		s->v0 = rotl(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotl(s->v1, 17) ^ s->v2;
		s->v3 = rotl(s->v3, 21) ^ s->v0;
		s->v2 = rotl(s->v2, 32);
	}
}

static inline uint64_t load(const char *p, size_t n, bool fold)
{
	uint64_t w = 0;
	memcpy(&w, p, n);
	w = le64toh(w);
	return fold ? str_fold8(w) : w;
}

static inline void absorb(struct sip_state *s, uint64_t w)
{
	s->v3 ^= w;
	rounds(s, 2);
	s->v0 ^= w;
}

static inline uint64_t siphash(const struct hash_key *key, const char *p, size_t n, bool fold)
{
	struct sip_state s = {
		key->k0 ^ 0x736f6d6570736575,
		key->k1 ^ 0x646f72616e646f6d,
		key->k0 ^ 0x6c7967656e657261,
		key->k1 ^ 0x7465646279746573,
	};
	uint64_t last = (uint64_t)n << 56;
	for (; n >= 8; p += 8, n -= 8)
		absorb(&s, load(p, 8, fold));
	if (n > 0)
		last |= load(p, n, fold);
	absorb(&s, last);
	s.v2 ^= 0xff;
	rounds(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_bytes(const struct hash_key *key, const void *p, size_t n)
{
	return siphash(key, p, n, false);
}

uint64_t hash_lower(const struct hash_key *key, struct str s)
{
	return siphash(key, s.p, s.len, true);
}
