/* What a reply of the DNS says.  Pure; for dns.c and its fuzz target. */
#pragma once

#include "loop/dns.h"

enum { DNS_TTL_MAX_S = 86400, DNS_TTL_NONE_S = 30 /* of an answer that there is nothing */ };

/* Fills ret from the bytes of a reply for a query of that kind (not DNS_ADDRS), sorted, and how
 * long it may be kept. */
void dns_parse(struct dns_answer *ret, uint32_t *ret_ttl_s, enum dns_kind kind, struct bytes reply);
/* The code of a c-ares status. */
int dns_error(int ares_status);
/* Puts services of one priority in an order drawn by their weights (RFC 2782). */
void dns_draw_srv(struct dns_answer *a);
