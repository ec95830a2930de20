/* The DNS records that a topology needs (poster rows DNS-09 and DNS-12, and what standard SIP
 * clients ask for, RFC 3263), and what an answer of the DNS says about them.  Pure. */
#pragma once

#include "base/arena.h"
#include "loop/dns.h"
#include "topo/topo.h"

enum { ZONE_RECORDS_MAX = 4096, ZONE_TTL_S = 3600 };

struct zone_record {
	enum dns_kind kind; /* DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR */
	struct str name;    /* without the dot at the end */
	const char *why;    /* who asks for it */
	union {
		struct addr addr;
		struct dns_srv srv;
		struct dns_naptr naptr;
	};
};

struct zone {
	struct zone_record *records;
	size_t n;
};

/* All records, by domain; they live in the arena.  `t` must have its default ports filled in. */
struct zone zone_of(struct arena *a, const struct topo *t);
/* Appends the line of a zone file, without a newline. */
void zone_put(struct buf *b, const struct zone_record *r);

enum zone_state { ZONE_FOUND, ZONE_MISSING, ZONE_WRONG, ZONE_UNKNOWN };
/* Compares a record with what the DNS answered for its name and kind.  WRONG: records are there but
 * not this one; `found` gets them as text.  UNKNOWN: no answer. */
enum zone_state zone_compare(const struct zone_record *r, const struct dns_answer *answer,
                             struct buf *found);
