#include "loop/dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "loop/dns_cache.h"
#include "tap.h"

enum { TURNS_MAX = 600, TTL = 60 };

/* A name server on a loopback port: it answers by the first label of what is asked. */
struct fake {
	int fd;
	char at[32];
	pthread_t thread;
	atomic_int n_asked;
};

static void put_name(struct buf *b, const char *name)
{
	struct str rest = str_of(name), label;
	while (rest.len > 0) {
		(void)str_cut(rest, '.', &label, &rest);
		buf_u8(b, (uint8_t)label.len);
		buf_str(b, label);
	}
	buf_u8(b, 0);
}

/* A record of the name that was asked for. */
static void put_record(struct buf *b, uint16_t type, uint32_t ttl, const struct buf *data)
{
	buf_u16(b, 0xc00c);
	buf_u16(b, type);
	buf_u16(b, 1);
	buf_u32(b, ttl);
	buf_str16(b, buf_view(data));
}

static void put_a(struct buf *b, const char *ip, uint32_t ttl)
{
	auto_(buf_free) struct buf d = buf_of(64);
	struct in_addr a;
	OK(inet_pton(AF_INET, ip, &a) == 1);
	buf_put(&d, &a, sizeof(a));
	put_record(b, 1, ttl, &d);
}

static void put_aaaa(struct buf *b, const char *ip)
{
	auto_(buf_free) struct buf d = buf_of(64);
	struct in6_addr a;
	OK(inet_pton(AF_INET6, ip, &a) == 1);
	buf_put(&d, &a, sizeof(a));
	put_record(b, 28, TTL, &d);
}

static void put_srv(struct buf *b, uint16_t priority, uint16_t weight, const char *target)
{
	auto_(buf_free) struct buf d = buf_of(512);
	buf_u16(&d, priority);
	buf_u16(&d, weight);
	buf_u16(&d, 5061);
	put_name(&d, target);
	put_record(b, 33, TTL, &d);
}

static void put_naptr(struct buf *b, uint16_t order, const char *service)
{
	auto_(buf_free) struct buf d = buf_of(512);
	buf_u16(&d, order);
	buf_u16(&d, 50);
	buf_u8(&d, 1);
	buf_char(&d, 's');
	buf_u8(&d, (uint8_t)strlen(service));
	buf_str(&d, str_of(service));
	buf_u8(&d, 0);
	put_name(&d, "_sip._tcp.example.test");
	put_record(b, 35, TTL, &d);
}

/* How many records were put; -1: there is no such name. */
static int put_answers(struct buf *b, struct str label, uint16_t type)
{
	if (str_eq(label, STR("gone")))
		return -1;
	if (type == 1 && str_eq(label, STR("fleeting")))
		return put_a(b, "192.0.2.9", 0), 1;
	if (type == 1)
		return put_a(b, "192.0.2.1", TTL), put_a(b, "192.0.2.2", TTL), 2;
	if (type == 28 && str_eq(label, STR("six")))
		return put_aaaa(b, "2001:db8::1"), 1;
	if (type == 33)
		return put_srv(b, 20, 0, "late.test"), put_srv(b, 10, 1, "a.test"),
		       put_srv(b, 10, 9, "b.test"), 3;
	if (type == 35)
		return put_naptr(b, 20, "SIP+D2T"), put_naptr(b, 10, "SIPS+D2T"), 2;
	return 0;
}

static void answer(struct fake *f, const uint8_t *q, size_t len, const struct sockaddr_in *from)
{
	auto_(buf_free) struct buf b = buf_of(4096), records = buf_of(4096);
	size_t end = 12;
	while (end < len && q[end] != 0)
		end += q[end] + 1U;
	if (end + 5 > len)
		return;
	uint16_t type = (uint16_t)(q[end + 1] << 8 | q[end + 2]);
	int n = put_answers(&records, str_n((const char *)q + 13, q[12]), type);
	buf_put(&b, q, 2);
	buf_u16(&b, (uint16_t)(0x8580 | (n < 0 ? 3 : 0)));
	buf_u16(&b, 1);
	buf_u16(&b, (uint16_t)MAX(n, 0));
	buf_u32(&b, 0);
	buf_put(&b, q + 12, end + 5 - 12);
	buf_str(&b, buf_view(&records));
	(void)sendto(f->fd, b.p, b.len, 0, (const struct sockaddr *)from, sizeof(*from));
}

static void *serve(void *arg)
{
	struct fake *f = arg;
	uint8_t q[512];
	for (;;) {
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(f->fd, q, sizeof(q), 0, (struct sockaddr *)&from, &from_len);
		if (n <= 0)
			return NULL;
		f->n_asked++;
		answer(f, q, (size_t)n, &from);
	}
}

static void fake_start(struct fake *f)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);
	f->n_asked = 0;
	f->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	EQ(bind(f->fd, (const struct sockaddr *)&sin, sizeof(sin)), 0);
	EQ(getsockname(f->fd, (struct sockaddr *)&sin, &len), 0);
	(void)snprintf(f->at, sizeof(f->at), "127.0.0.1:%u", ntohs(sin.sin_port));
	EQ(pthread_create(&f->thread, NULL, serve, f), 0);
}

static void fake_stop(struct fake *f)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	EQ(getsockname(f->fd, (struct sockaddr *)&sin, &len), 0);
	(void)sendto(f->fd, "", 0, 0, (const struct sockaddr *)&sin, len);
	(void)pthread_join(f->thread, NULL);
	(void)close(f->fd);
}

/* --- a resolver that asks it ---------------------------------------------------------------- */

struct site {
	struct fake fake;
	struct loop *loop;
	struct dns *dns;
	struct dns_answer got;
	int n_got;
};

static void site_start(struct site *s)
{
	fake_start(&s->fake);
	s->loop = loop_new();
	s->dns = dns_new(s->loop, s->fake.at);
	s->n_got = 0;
}

static void site_stop(struct site *s)
{
	dns_free(&s->dns);
	loop_free(&s->loop);
	fake_stop(&s->fake);
}

static void on_answer(void *arg, const struct dns_answer *a)
{
	struct site *s = arg;
	s->got = *a;
	s->n_got++;
}

static void turn_until(struct site *s, int n_got)
{
	for (int i = 0; i < TURNS_MAX && s->n_got < n_got; i++)
		loop_turn(s->loop, USEC_PER_SEC / 10);
	EQ(s->n_got, n_got);
}

static const struct dns_answer *asked(struct site *s, enum dns_kind kind, const char *name)
{
	int before = s->n_got;
	struct dns_query *q = dns_ask(s->dns, kind, str_of(name), on_answer, s);
	OK(q != NULL && s->n_got == before);
	turn_until(s, before + 1);
	return &s->got;
}

static void addresses_are_found(void)
{
	struct site s;
	struct addr want;
	site_start(&s);
	const struct dns_answer *a = asked(&s, DNS_A, "host.test");
	EQ(a->err, 0);
	EQ(a->n, 2);
	EQ(addr_parse(&want, STR("192.0.2.1"), 0), 0);
	OK(addr_eq(&a->addrs[0], &want) || addr_eq(&a->addrs[1], &want));
	a = asked(&s, DNS_AAAA, "six.test");
	EQ(a->n, 1);
	EQ(addr_parse(&want, STR("2001:db8::1"), 0), 0);
	OK(addr_eq(&a->addrs[0], &want));
	EQ(asked(&s, DNS_ADDRS, "six.test")->n, 3);
	site_stop(&s);
}

static void services_come_by_priority(void)
{
	struct site s;
	int a_first = 0, rounds = 200;
	site_start(&s);
	for (int i = 0; i < rounds; i++) {
		const struct dns_answer *a = asked(&s, DNS_SRV, "_sips._tcp.test");
		EQ(a->n, 3);
		EQ_STR(str_of(a->srvs[2].target), "late.test");
		EQ(a->srvs[0].priority + a->srvs[1].priority, 20);
		a_first += strcmp(a->srvs[0].target, "a.test") == 0;
	}
	/* Weights 1 and 9: about 20 of 200; 0 and 100 are beyond any doubt. */
	OK(a_first > 0 && a_first < 100);
	EQ(s.fake.n_asked, 1);
	site_stop(&s);
}

static void pointers_come_in_order(void)
{
	struct site s;
	site_start(&s);
	const struct dns_answer *a = asked(&s, DNS_NAPTR, "example.test");
	EQ(a->n, 2);
	EQ_STR(str_of(a->naptrs[0].service), "SIPS+D2T");
	EQ_STR(str_of(a->naptrs[1].service), "SIP+D2T");
	EQ_STR(str_of(a->naptrs[0].flags), "s");
	EQ_STR(str_of(a->naptrs[0].replacement), "_sip._tcp.example.test");
	EQ(a->naptrs[0].preference, 50);
	site_stop(&s);
}

static void what_is_not_there_is_not_found(void)
{
	struct site s;
	site_start(&s);
	EQ(asked(&s, DNS_A, "gone.test")->err, -ENOENT);
	EQ(asked(&s, DNS_AAAA, "host.test")->err, -ENOENT);
	EQ(asked(&s, DNS_A, "")->err, -ENOENT);
	EQ(asked(&s, DNS_A, "a..b")->err, -ENOENT);
	char name[300];
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	EQ(asked(&s, DNS_A, name)->err, -ENOENT);
	site_stop(&s);
}

static void answers_are_kept_for_their_life(void)
{
	struct site s;
	site_start(&s);
	(void)asked(&s, DNS_A, "host.test");
	EQ(asked(&s, DNS_A, "HOST.test")->n, 2);
	EQ(s.fake.n_asked, 1);
	(void)asked(&s, DNS_A, "gone.test");
	EQ(asked(&s, DNS_A, "gone.test")->err, -ENOENT);
	EQ(s.fake.n_asked, 2);
	(void)asked(&s, DNS_A, "fleeting.test");
	EQ(asked(&s, DNS_A, "fleeting.test")->n, 1);
	EQ(s.fake.n_asked, 4);
	site_stop(&s);
}

static void cancelled_query_is_never_answered(void)
{
	struct site s;
	site_start(&s);
	struct dns_query *q = dns_ask(s.dns, DNS_A, STR("host.test"), on_answer, &s);
	dns_query_free(&q);
	OK(q == NULL);
	q = dns_ask(s.dns, DNS_A, STR(""), on_answer, &s); /* its answer is there already */
	dns_query_free(&q);
	EQ(asked(&s, DNS_A, "other.test")->n, 2);
	EQ(s.n_got, 1);
	site_stop(&s);
}

static void resolver_may_go_with_queries_under_way(void)
{
	struct site s;
	site_start(&s);
	for (int i = 0; i < 10; i++)
		(void)dns_ask(s.dns, i % 2 ? DNS_A : DNS_ADDRS, STR("host.test"), on_answer, &s);
	site_stop(&s);
	EQ(s.n_got, 0);
}

static void free_resolver(void *arg, const struct dns_answer *a UNUSED)
{
	struct site *s = arg;
	s->n_got++;
	dns_free(&s->dns);
}

static void resolver_may_go_in_an_answer(void)
{
	struct site s;
	site_start(&s);
	for (int i = 0; i < 5; i++)
		(void)dns_ask(s.dns, DNS_A, STR(""), free_resolver, &s);
	turn_until(&s, 1);
	OK(s.dns == NULL);
	site_stop(&s);
	EQ(s.n_got, 1);
}

static void dead_server_is_an_error(void)
{
	struct site s;
	site_start(&s);
	dns_free(&s.dns);
	s.dns = dns_new(s.loop, "127.0.0.1:1");
	int err = asked(&s, DNS_A, "host.test")->err;
	OK(err == -EIO || err == -ETIMEDOUT);
	site_stop(&s);
}

static void cache_is_bounded_and_the_oldest_goes(void)
{
	auto_(dns_cache_free) struct dns_cache *c = dns_cache_new();
	struct dns_answer *a = xnew(struct dns_answer), *got = xnew(struct dns_answer);
	char name[32];
	a->n = 1;
	for (int i = 0; i <= DNS_CACHE_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%d.test", i);
		dns_cache_put(c, DNS_A, str_of(name), a, 1000);
		OK(dns_cache_get(c, DNS_A, STR("n0.test"), 1, got));
	}
	EQ(dns_cache_count(c), DNS_CACHE_MAX);
	OK(!dns_cache_get(c, DNS_A, STR("n1.test"), 1, got));
	OK(dns_cache_get(c, DNS_A, STR("n2.test"), 999, got));
	OK(!dns_cache_get(c, DNS_A, STR("n2.test"), 1000, got));
	OK(!dns_cache_get(c, DNS_AAAA, STR("n3.test"), 1, got));
	free(a);
	free(got);
}

int main(void)
{
	RUN(addresses_are_found);
	RUN(services_come_by_priority);
	RUN(pointers_come_in_order);
	RUN(what_is_not_there_is_not_found);
	RUN(answers_are_kept_for_their_life);
	RUN(cancelled_query_is_never_answered);
	RUN(resolver_may_go_with_queries_under_way);
	RUN(resolver_may_go_in_an_answer);
	RUN(dead_server_is_an_error);
	RUN(cache_is_bounded_and_the_oldest_goes);
	return tap_done();
}
