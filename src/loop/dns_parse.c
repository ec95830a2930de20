#define CARES_NO_DEPRECATED

#include "loop/dns_inside.h"

#include <ares.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/rand.h"
#include "base/rd.h"

enum { HEADER_LEN = 12, LABEL_MAX = 63, SECTION_MAX = 1000 };

int dns_error(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return 0;
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
	case ARES_EBADNAME:
		return -ENOENT;
	case ARES_ETIMEOUT:
		return -ETIMEDOUT;
	default:
		return -EIO;
	}
}

/* --- life of a reply ------------------------------------------------------------------------ */

/* Moves past a name (RFC 1035, section 4.1.4); a pointer ends it. */
static void skip_name(struct rd *r)
{
	for (;;) {
		uint8_t len = rd_u8(r);
		if (r->bad || len == 0)
			return;
		if (len > LABEL_MAX) {
			(void)rd_u8(r);
			return;
		}
		(void)rd_take(r, len);
	}
}

/* The shortest life among the answers. */
static uint32_t shortest_ttl(struct bytes reply)
{
	struct rd r = rd_of(reply);
	uint32_t ttl = DNS_TTL_MAX_S;
	(void)rd_u32(&r);
	unsigned n_questions = rd_u16(&r), n_answers = rd_u16(&r);
	(void)rd_u32(&r);
	for (unsigned i = 0; i < MIN(n_questions, SECTION_MAX) && !r.bad; i++) {
		skip_name(&r);
		(void)rd_u32(&r);
	}
	for (unsigned i = 0; i < MIN(n_answers, SECTION_MAX) && !r.bad; i++) {
		skip_name(&r);
		(void)rd_u32(&r);
		uint32_t t = rd_u32(&r);
		(void)rd_take(&r, rd_u16(&r));
		if (!r.bad)
			ttl = MIN(ttl, t);
	}
	return ttl;
}

/* --- records -------------------------------------------------------------------------------- */

/* False if a name is too long for its field. */
static bool copy_name(char *ret, size_t size, const char *s)
{
	int n = snprintf(ret, size, "%s", s);
	return n >= 0 && (size_t)n < size;
}

static int parse_a(struct dns_answer *ret, struct bytes reply)
{
	struct ares_addrttl records[DNS_RECORDS_MAX];
	int n = DNS_RECORDS_MAX;
	int r = ares_parse_a_reply(reply.p, (int)reply.len, NULL, records, &n);
	for (int i = 0; r == ARES_SUCCESS && i < n; i++) {
		struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr = records[i].ipaddr };
		if (addr_from_sockaddr(&ret->addrs[ret->n], (const struct sockaddr *)&sin,
		                       sizeof(sin)) == 0)
			ret->n++;
	}
	return r;
}

static int parse_aaaa(struct dns_answer *ret, struct bytes reply)
{
	struct ares_addr6ttl records[DNS_RECORDS_MAX];
	int n = DNS_RECORDS_MAX;
	int r = ares_parse_aaaa_reply(reply.p, (int)reply.len, NULL, records, &n);
	for (int i = 0; r == ARES_SUCCESS && i < n; i++) {
		struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
		memcpy(&sin6.sin6_addr, &records[i].ip6addr, sizeof(sin6.sin6_addr));
		if (addr_from_sockaddr(&ret->addrs[ret->n], (const struct sockaddr *)&sin6,
		                       sizeof(sin6)) == 0)
			ret->n++;
	}
	return r;
}

static int parse_srv(struct dns_answer *ret, struct bytes reply)
{
	struct ares_srv_reply *list = NULL;
	int r = ares_parse_srv_reply(reply.p, (int)reply.len, &list);
	for (struct ares_srv_reply *s = list; s && ret->n < DNS_RECORDS_MAX; s = s->next) {
		struct dns_srv *out = &ret->srvs[ret->n];
		*out = (struct dns_srv){ s->priority, s->weight, s->port, "" };
		ret->n += copy_name(out->target, sizeof(out->target), s->host);
	}
	if (list)
		ares_free_data(list);
	return r;
}

static int parse_naptr(struct dns_answer *ret, struct bytes reply)
{
	struct ares_naptr_reply *list = NULL;
	int r = ares_parse_naptr_reply(reply.p, (int)reply.len, &list);
	for (struct ares_naptr_reply *s = list; s && ret->n < DNS_RECORDS_MAX; s = s->next) {
		struct dns_naptr *out = &ret->naptrs[ret->n];
		*out = (struct dns_naptr){ .order = s->order, .preference = s->preference };
		ret->n += copy_name(out->flags, sizeof(out->flags), (const char *)s->flags) &&
		          copy_name(out->service, sizeof(out->service), (const char *)s->service) &&
		          copy_name(out->replacement, sizeof(out->replacement), s->replacement);
	}
	if (list)
		ares_free_data(list);
	return r;
}

/* --- order ---------------------------------------------------------------------------------- */

static int by_priority(const void *a, const void *b)
{
	const struct dns_srv *x = a, *y = b;
	return (x->priority > y->priority) - (x->priority < y->priority);
}

static int by_order(const void *a, const void *b)
{
	const struct dns_naptr *x = a, *y = b;
	uint32_t p = (uint32_t)x->order << 16 | x->preference;
	uint32_t q = (uint32_t)y->order << 16 | y->preference;
	return (p > q) - (p < q);
}

/* One of n, with a chance by its weight; a weight of 0 has a small one. */
static size_t draw(const struct dns_srv *s, size_t n)
{
	uint32_t sum = 0, at;
	for (size_t i = 0; i < n; i++)
		sum += s[i].weight * 100U + 1;
	at = rand_below(sum);
	for (size_t i = 0; i < n; i++) {
		uint32_t share = s[i].weight * 100U + 1;
		if (at < share)
			return i;
		at -= share;
	}
	return 0;
}

void dns_draw_srv(struct dns_answer *a)
{
	for (size_t i = 0; i < a->n; i++) {
		size_t same = 1;
		while (i + same < a->n && a->srvs[i + same].priority == a->srvs[i].priority)
			same++;
		size_t pick = i + draw(&a->srvs[i], same);
		struct dns_srv s = a->srvs[i];
		a->srvs[i] = a->srvs[pick];
		a->srvs[pick] = s;
	}
}

void dns_parse(struct dns_answer *ret, uint32_t *ret_ttl_s, enum dns_kind kind, struct bytes reply)
{
	int r = ARES_EBADRESP;
	ret->n = 0;
	if (reply.len >= HEADER_LEN && reply.len <= UINT16_MAX)
		r = kind == DNS_A      ? parse_a(ret, reply)
		    : kind == DNS_AAAA ? parse_aaaa(ret, reply)
		    : kind == DNS_SRV  ? parse_srv(ret, reply)
		                       : parse_naptr(ret, reply);
	if (kind == DNS_SRV)
		qsort(ret->srvs, ret->n, sizeof(ret->srvs[0]), by_priority);
	else if (kind == DNS_NAPTR)
		qsort(ret->naptrs, ret->n, sizeof(ret->naptrs[0]), by_order);
	ret->err = r == ARES_SUCCESS && ret->n == 0 ? -ENOENT : dns_error(r);
	*ret_ttl_s = ret->err < 0 ? DNS_TTL_NONE_S : shortest_ttl(reply);
}
