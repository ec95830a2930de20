/* Bytes of a test vector. */
#pragma once

#include "base/str.h"

static inline uint8_t hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* The number of bytes that the digits stand for; blanks are skipped. */
static inline size_t hex_read(uint8_t *ret, const char *digits)
{
	size_t n = 0;
	for (; *digits; digits++) {
		if (*digits == ' ')
			continue;
		ret[n / 2] = (uint8_t)(n % 2 ? ret[n / 2] << 4 : 0) | hex_digit(*digits);
		n++;
	}
	return n / 2;
}

/* The bytes at p are those of the digits. */
static inline bool hex_same(const uint8_t *p, const char *digits)
{
	uint8_t want[512];
	size_t n = hex_read(want, digits);
	return memcmp(p, want, n) == 0;
}
