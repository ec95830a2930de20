#include "base/hash.h"

#include "tap.h"

static const struct hash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

/* Key 00..0f, input 00 01 02 ...; the value for 15 bytes stands in appendix A of the SipHash
 * paper, the others come from the reference implementation's vectors. */
static void matches_the_published_vectors(void)
{
	static const struct {
		size_t n;
		uint64_t want;
	} vector[] = {
		{ 0, 0x726fdb47dd0e0e31 },
		{ 1, 0x74f839c593dc67fd },
		{ 8, 0x93f5f5799a932462 },
		{ 15, 0xa129ca6149be45e5 },
	};
	uint8_t in[64];
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	for (size_t i = 0; i < ARRAY_SIZE(vector); i++)
		OK(hash_bytes(&key, in, vector[i].n) == vector[i].want);
}

static void lower_hash_is_the_hash_of_lower_case(void)
{
	char in[256], low[256];
	for (size_t i = 0; i < sizeof(in); i++) {
		in[i] = (char)i;
		low[i] = i >= 'A' && i <= 'Z' ? (char)(i | 0x20) : (char)i;
	}
	for (size_t from = 0; from < sizeof(in); from += 5)
		for (size_t n = 0; from + n <= sizeof(in); n += 3)
			OK(hash_lower(&key, str_n(in + from, n)) ==
			   hash_bytes(&key, low + from, n));
}

static void key_matters(void)
{
	struct hash_key other = { key.k0, key.k1 ^ 1 };
	OK(hash_bytes(&key, "abc", 3) != hash_bytes(&other, "abc", 3));
}

static void empty_text_may_be_null(void)
{
	OK(hash_lower(&key, str_n(NULL, 0)) == hash_bytes(&key, "", 0));
}

int main(void)
{
	RUN(matches_the_published_vectors);
	RUN(lower_hash_is_the_hash_of_lower_case);
	RUN(key_matters);
	RUN(empty_text_may_be_null);
	return tap_done();
}
