/* DNS look-ups through c-ares, bounded and cached for their TTL (at most DNS_CACHE_MAX names,
 * F-010). The resolver is rebuilt when resolv.conf changes. */
#pragma once

#include "base/addr.h"
#include "loop/loop.h"

enum { DNS_CACHE_MAX = 3000, DNS_RECORDS_MAX = 32 };

struct dns;       /* opaque */
struct dns_query; /* opaque */

struct dns_srv {
	uint16_t priority, weight, port;
	char target[256];
};
struct dns_naptr {
	uint16_t order, preference;
	char flags[8], service[32], replacement[256];
};
struct dns_answer {
	int err; /* 0; -ENOENT no such name or record; -ETIMEDOUT; -EIO */
	size_t n;
	union {
		struct addr addrs[DNS_RECORDS_MAX]; /* port 0 */
		/* Sorted by priority, then in an order drawn by weight (RFC 2782). */
		struct dns_srv srvs[DNS_RECORDS_MAX];
		struct dns_naptr naptrs[DNS_RECORDS_MAX]; /* sorted by order, preference */
	};
};
enum dns_kind { DNS_ADDRS, DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR };
typedef void dns_fn(void *arg, const struct dns_answer *a);

/* servers: "127.0.0.1:5353" comma separated for tests; NULL: the system's. */
struct dns *dns_new(struct loop *l, const char *servers);
void dns_free(struct dns **dp);
/* Exactly one call of fn, never from inside this call, unless the query is freed before.  Once fn
 * is called the query is gone: freeing it is for cancelling.  DNS_ADDRS also looks into the hosts
 * file. A name that is empty or too long has no records. */
struct dns_query *dns_ask(struct dns *d, enum dns_kind kind, struct str name, dns_fn *fn,
                          void *arg);
void dns_query_free(struct dns_query **qp);
