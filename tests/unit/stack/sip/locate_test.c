#include "stack/sip/locate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "await.h"

enum { A = 1, AAAA = 28, SRV = 33, NAPTR = 35 };

/* A record of the fake DNS.  SRV: priority a, weight b; NAPTR: order a, preference b. */
struct record {
	const char *name;
	uint16_t type;
	uint16_t a, b, port;
	const char *data; /* address; target; service and replacement: "SIP+D2T x.test" */
};

/* Answers on a loopback port, on the loop of the test. */
struct world {
	struct loop *loop;
	struct udp *server;
	struct dns *dns;
	const struct record *records;
	size_t n_records;
	unsigned n_asked, n_found;
	struct sip_targets found;
};

static void put_name(struct buf *b, struct str rest)
{
	struct str label;
	while (rest.len > 0) {
		(void)str_cut(rest, '.', &label, &rest);
		buf_u8(b, (uint8_t)label.len);
		buf_str(b, label);
	}
	buf_u8(b, 0);
}

static void put_text(struct buf *b, struct str s)
{
	buf_u8(b, (uint8_t)s.len);
	buf_str(b, s);
}

static void put_data(struct buf *b, const struct record *r)
{
	uint8_t address[16];
	struct str service, replacement;
	switch (r->type) {
	case A:
		OK(inet_pton(AF_INET, r->data, address) == 1);
		buf_put(b, address, 4);
		break;
	case AAAA:
		OK(inet_pton(AF_INET6, r->data, address) == 1);
		buf_put(b, address, 16);
		break;
	case SRV:
		buf_u16(b, r->a);
		buf_u16(b, r->b);
		buf_u16(b, r->port);
		put_name(b, str_of(r->data));
		break;
	default:
		buf_u16(b, r->a);
		buf_u16(b, r->b);
		(void)str_cut(str_of(r->data), ' ', &service, &replacement);
		put_text(b, STR("s"));
		put_text(b, service);
		put_text(b, STR(""));
		put_name(b, replacement);
	}
}

/* Appends the records of a name and type; how many, or -1 if there is no such name. */
static int put_answers(struct buf *b, const struct world *w, struct str name, uint16_t type)
{
	int n = -1;
	for (size_t i = 0; i < w->n_records; i++) {
		const struct record *r = &w->records[i];
		if (!str_ieq(str_of(r->name), name))
			continue;
		n = MAX(n, 0);
		if (r->type != type)
			continue;
		auto_(buf_free) struct buf d = buf_of(512);
		put_data(&d, r);
		buf_u16(b, 0xc00c);
		buf_u16(b, r->type);
		buf_u16(b, 1);
		buf_u32(b, 60);
		buf_u16(b, (uint16_t)d.len);
		buf_str(b, buf_view(&d));
		n++;
	}
	return n;
}

static void on_query(void *arg, struct udp *u, const struct addr *peer, struct str q)
{
	struct world *w = arg;
	auto_(buf_free) struct buf out = buf_of(4096), records = buf_of(4096), name = buf_of(300);
	const uint8_t *p = (const uint8_t *)q.p;
	size_t at = 12;
	w->n_asked++;
	while (at < q.len && p[at]) {
		if (name.len)
			buf_char(&name, '.');
		buf_put(&name, p + at + 1, p[at]);
		at += p[at] + 1U;
	}
	if (at + 5 > q.len)
		return;
	int n = put_answers(&records, w, buf_view(&name), (uint16_t)(p[at + 1] << 8 | p[at + 2]));
	buf_put(&out, p, 2);
	buf_u16(&out, (uint16_t)(0x8580 | (n < 0 ? 3 : 0)));
	buf_u16(&out, 1);
	buf_u16(&out, (uint16_t)MAX(n, 0));
	buf_u32(&out, 0);
	buf_put(&out, p + 12, at + 5 - 12);
	buf_str(&out, buf_view(&records));
	OK(udp_send(u, peer, buf_view(&out)) == 0);
}

static void world_start(struct world *w, const struct record *records, size_t n)
{
	char at[32];
	struct addr a;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	*w = (struct world){ .loop = loop_new(), .records = records, .n_records = n };
	EQ(addr_parse(&a, STR("127.0.0.1"), 0), 0);
	EQ(bind(fd, &a.sa, addr_len(&a)), 0);
	w->server = udp_new(w->loop, fd, on_query, w);
	(void)snprintf(at, sizeof(at), "127.0.0.1:%u", addr_port(udp_local(w->server)));
	w->dns = dns_new(w->loop, at);
}

static void world_end(struct world *w)
{
	dns_free(&w->dns);
	udp_free(&w->server);
	loop_free(&w->loop);
}

static void on_found(void *arg, const struct sip_targets *t)
{
	struct world *w = arg;
	w->found = *t;
	w->n_found++;
}

static const struct sip_targets *located(struct world *w, const char *uri)
{
	struct sip_locate_query q;
	unsigned before = w->n_found;
	EQ(sip_locate_query_of(&q, str_of(uri)), 0);
	OK(sip_locate_new(w->loop, w->dns, &q, on_found, w) != NULL);
	EQ(w->n_found, before);
	AWAIT(w->loop, w->n_found == before + 1);
	return &w->found;
}

/* "TLS 192.0.2.1:5061" */
static bool is(const struct sip_targets *t, size_t i, const char *want)
{
	char text[128];
	struct buf b = BUF_ON(text);
	if (i >= t->n)
		return false;
	buf_printf(&b, "%s ", sip_kind_name(t->list[i].kind));
	addr_put(&b, &t->list[i].addr);
	bool same = str_eq(buf_view(&b), str_of(want));
	if (!same)
		(void)fprintf(stderr, "# got %.*s, want %s\n", (int)b.len, b.p, want);
	return same;
}

/* clang-format off */
static const struct record zone[] = {
	{ "full.test", NAPTR, 20, 50, 0, "SIP+D2T _sip._tcp.full.test" },
	{ "full.test", NAPTR, 10, 50, 0, "SIPS+D2T _sips._tcp.full.test" },
	{ "full.test", NAPTR, 30, 50, 0, "SIP+D2U _sip._udp.full.test" },
	{ "full.test", NAPTR, 5, 50, 0, "SIP+D2S _sip._sctp.full.test" },
	{ "full.test", A, 0, 0, 0, "192.0.2.99" },
	{ "_sips._tcp.full.test", SRV, 20, 0, 5061, "second.full.test" },
	{ "_sips._tcp.full.test", SRV, 10, 0, 15061, "first.full.test" },
	{ "_sip._tcp.full.test", SRV, 10, 0, 5060, "first.full.test" },
	{ "_sip._udp.full.test", SRV, 10, 0, 5060, "second.full.test" },
	{ "first.full.test", A, 0, 0, 0, "192.0.2.1" },
	{ "second.full.test", A, 0, 0, 0, "192.0.2.2" },
	{ "srv.test", A, 0, 0, 0, "192.0.2.99" },
	{ "_sips._tcp.srv.test", SRV, 10, 0, 5071, "host.test" },
	{ "_sip._tcp.srv.test", SRV, 10, 0, 5072, "host.test" },
	{ "_sip._udp.srv.test", SRV, 10, 0, 5073, "host.test" },
	{ "host.test", A, 0, 0, 0, "192.0.2.3" },
	{ "six.test", AAAA, 0, 0, 0, "2001:db8::1" },
	{ "closed.test", A, 0, 0, 0, "192.0.2.4" },
	{ "_sip._tcp.closed.test", SRV, 0, 0, 0, "" },
	{ "_sip._udp.closed.test", SRV, 0, 0, 0, "" },
};
/* clang-format on */

static void naptr_records_say_transports_and_their_order(void)
{
	struct world w;
	world_start(&w, zone, ARRAY_SIZE(zone));
	const struct sip_targets *t = located(&w, "sip:bob@full.test");
	EQ(t->err, 0);
	EQ(t->n, 4);
	OK(is(t, 0, "TLS 192.0.2.1:15061"));
	OK(is(t, 1, "TLS 192.0.2.2:5061"));
	OK(is(t, 2, "TCP 192.0.2.1:5060"));
	OK(is(t, 3, "UDP 192.0.2.2:5060"));
	EQ_STR(str_of(t->list[0].host), "first.full.test");
	world_end(&w);
}

static void sips_takes_tls_alone(void)
{
	struct world w;
	world_start(&w, zone, ARRAY_SIZE(zone));
	const struct sip_targets *t = located(&w, "sips:bob@full.test");
	EQ(t->n, 2);
	OK(is(t, 0, "TLS 192.0.2.1:15061") && is(t, 1, "TLS 192.0.2.2:5061"));
	t = located(&w, "sips:bob@srv.test");
	EQ(t->n, 1);
	OK(is(t, 0, "TLS 192.0.2.3:5071"));
	t = located(&w, "sips:bob@srv.test;transport=tcp");
	OK(t->n == 1 && is(t, 0, "TLS 192.0.2.3:5071"));
	t = located(&w, "sips:bob@host.test");
	OK(t->n == 1 && is(t, 0, "TLS 192.0.2.3:5061"));
	EQ(located(&w, "sips:bob@srv.test;transport=udp")->err, -EPROTONOSUPPORT);
	world_end(&w);
}

static void without_naptr_the_services_are_asked_for(void)
{
	struct world w;
	world_start(&w, zone, ARRAY_SIZE(zone));
	const struct sip_targets *t = located(&w, "sip:bob@srv.test");
	EQ(t->n, 2);
	OK(is(t, 0, "TCP 192.0.2.3:5072") && is(t, 1, "UDP 192.0.2.3:5073"));
	world_end(&w);
}

static void a_given_transport_asks_for_its_service_alone(void)
{
	struct world w;
	world_start(&w, zone, ARRAY_SIZE(zone));
	const struct sip_targets *t = located(&w, "sip:bob@full.test;transport=udp");
	OK(t->n == 1 && is(t, 0, "UDP 192.0.2.2:5060"));
	t = located(&w, "sip:bob@host.test;transport=tls");
	OK(t->n == 1 && is(t, 0, "TLS 192.0.2.3:5061"));
	EQ(located(&w, "sip:bob@full.test;transport=sctp")->err, -EPROTONOSUPPORT);
	world_end(&w);
}

static void a_given_port_means_the_host_itself(void)
{
	struct world w;
	world_start(&w, zone, ARRAY_SIZE(zone));
	const struct sip_targets *t = located(&w, "sip:bob@full.test:5099");
	OK(t->n == 1 && is(t, 0, "UDP 192.0.2.99:5099"));
	t = located(&w, "sip:bob@full.test:5099;transport=tcp");
	OK(t->n == 1 && is(t, 0, "TCP 192.0.2.99:5099"));
	world_end(&w);
}

static void an_address_needs_no_dns(void)
{
	struct world w;
	world_start(&w, zone, ARRAY_SIZE(zone));
	OK(is(located(&w, "sip:192.0.2.7"), 0, "UDP 192.0.2.7:5060"));
	OK(is(located(&w, "sips:192.0.2.7"), 0, "TLS 192.0.2.7:5061"));
	OK(is(located(&w, "sip:x@[2001:db8::9]:5070;transport=tcp"), 0, "TCP [2001:db8::9]:5070"));
	OK(is(located(&w, "sip:x@full.test;maddr=192.0.2.8"), 0, "UDP 192.0.2.8:5060"));
	EQ(w.n_asked, 0);
	world_end(&w);
}

static void a_domain_without_service_records_is_a_host(void)
{
	struct world w;
	world_start(&w, zone, ARRAY_SIZE(zone));
	const struct sip_targets *t = located(&w, "sip:bob@host.test");
	OK(t->n == 1 && is(t, 0, "UDP 192.0.2.3:5060"));
	t = located(&w, "sip:bob@six.test");
	OK(t->n == 1 && is(t, 0, "UDP [2001:db8::1]:5060"));
	world_end(&w);
}

static void what_is_not_there_is_not_found(void)
{
	struct world w;
	world_start(&w, zone, ARRAY_SIZE(zone));
	EQ(located(&w, "sip:bob@nowhere.test")->err, -ENOENT);
	EQ(located(&w, "sip:bob@nowhere.test")->n, 0);
	/* An SRV record of the root says that the service is not offered (RFC 2782). */
	EQ(located(&w, "sip:bob@closed.test")->err, -ENOENT);
	struct sip_locate_query q;
	EQ(sip_locate_query_of(&q, STR("tel:+4930123")), -EINVAL);
	EQ(sip_locate_query_of(&q, STR("nonsense")), -EINVAL);
	world_end(&w);
}

static void a_dns_that_does_not_answer_is_an_error(void)
{
	struct world w;
	world_start(&w, zone, ARRAY_SIZE(zone));
	dns_free(&w.dns);
	w.dns = dns_new(w.loop, "127.0.0.1:1");
	int err = located(&w, "sip:bob@full.test")->err;
	OK(err == -EIO || err == -ETIMEDOUT);
	world_end(&w);
}

static void a_search_that_is_freed_finds_nothing(void)
{
	struct world w;
	struct sip_locate_query q;
	world_start(&w, zone, ARRAY_SIZE(zone));
	EQ(sip_locate_query_of(&q, STR("sip:bob@full.test")), 0);
	struct sip_locate *l = sip_locate_new(w.loop, w.dns, &q, on_found, &w);
	sip_locate_free(&l);
	OK(l == NULL);
	EQ(sip_locate_query_of(&q, STR("sip:192.0.2.1")), 0);
	l = sip_locate_new(w.loop, w.dns, &q, on_found, &w);
	sip_locate_free(&l);
	(void)located(&w, "sip:bob@host.test");
	EQ(w.n_found, 1);
	world_end(&w);
}

static void the_next_target_is_tried_after_a_failure_alone(void)
{
	struct world w;
	world_start(&w, zone, ARRAY_SIZE(zone));
	struct sip_targets t = *located(&w, "sip:bob@full.test");
	OK(sip_targets_now(&t) == &t.list[0]);
	OK(sip_targets_next(&t, 486) == NULL);
	OK(sip_targets_next(&t, 200) == NULL);
	OK(sip_targets_now(&t) == &t.list[0]);
	OK(sip_targets_next(&t, 0) == &t.list[1]);
	OK(sip_targets_next(&t, 503) == &t.list[2]);
	OK(sip_targets_now(&t) == &t.list[2]);
	OK(sip_targets_next(&t, 0) == &t.list[3]);
	OK(sip_targets_next(&t, 0) == NULL);
	OK(sip_targets_now(&t) == NULL);
	OK(sip_targets_next(&t, 0) == NULL);
	world_end(&w);
}

int main(void)
{
	RUN(naptr_records_say_transports_and_their_order);
	RUN(sips_takes_tls_alone);
	RUN(without_naptr_the_services_are_asked_for);
	RUN(a_given_transport_asks_for_its_service_alone);
	RUN(a_given_port_means_the_host_itself);
	RUN(an_address_needs_no_dns);
	RUN(a_domain_without_service_records_is_a_host);
	RUN(what_is_not_there_is_not_found);
	RUN(a_dns_that_does_not_answer_is_an_error);
	RUN(a_search_that_is_freed_finds_nothing);
	RUN(the_next_target_is_tried_after_a_failure_alone);
	return tap_done();
}
