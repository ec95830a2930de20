/* Answers of the DNS, kept for as long as they live. */
#pragma once

#include "loop/dns.h"

struct dns_cache; /* opaque */

struct dns_cache *dns_cache_new(void);
void dns_cache_free(struct dns_cache **cp);
/* Keeps a copy until `until`; the one that was used longest ago makes room (DNS_CACHE_MAX). */
void dns_cache_put(struct dns_cache *c, enum dns_kind kind, struct str name,
                   const struct dns_answer *a, usec_t until);
/* False if there is none that is still good. */
bool dns_cache_get(struct dns_cache *c, enum dns_kind kind, struct str name, usec_t now,
                   struct dns_answer *ret);
size_t dns_cache_count(const struct dns_cache *c);
