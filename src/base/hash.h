/* SipHash-2-4 (Aumasson and Bernstein): a keyed hash for tables that peers can fill and, at 64
 * bits, a short authenticator for tokens that we hand out and get back. */
#pragma once

#include "base/str.h"

struct hash_key {
	uint64_t k0, k1;
};

uint64_t hash_bytes(const struct hash_key *key, const void *p, size_t n);
/* The same with ASCII letters taken as lower case. */
uint64_t hash_lower(const struct hash_key *key, struct str s);
