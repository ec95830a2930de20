#include "ctl/zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tap.h"
#include "topo/conf.h"

#define LOCAL "[local]\nhost = main\n"

static struct topo *read_topo(const char *text)
{
	auto_(buf_free) struct buf errors = buf_of(CONF_ERRORS_MAX);
	struct topo *t = topo_parse(str_of(text), STR(LOCAL), "/etc/dt", &errors);
	EQ_STR(buf_view(&errors), "");
	return t;
}

static void expect_zone(const char *topology, const char *want)
{
	auto_(topo_free) struct topo *t = read_topo(topology);
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(10000);
	struct zone z = zone_of(a, t);
	for (size_t i = 0; i < z.n; i++) {
		zone_put(&b, &z.records[i]);
		buf_char(&b, '\n');
	}
	EQ_STR(buf_view(&b), want);
}

static void one_domain_one_host(void)
{
	expect_zone("[deployment]\ndomains = example.test\n"
	            "[host main]\nname = pc.example.test\naddresses = 192.0.2.1, 2001:db8::1, ::1\n"
	            "[role frontend]\nname = pool.example.test\ntls = 192.0.2.1:5061\n"
	            "tcp = 192.0.2.1:5060\nudp = 127.0.0.1:5070, 192.0.2.1:5060\n",
	            "_sipinternaltls._tcp.example.test. 3600 IN SRV 0 0 5061 pool.example.test.\n"
	            "_sips._tcp.example.test. 3600 IN SRV 0 0 5061 pool.example.test.\n"
	            "_sip._tcp.example.test. 3600 IN SRV 0 0 5060 pool.example.test.\n"
	            "_sip._udp.example.test. 3600 IN SRV 0 0 5060 pool.example.test.\n"
	            "example.test. 3600 IN NAPTR 10 50 \"s\" \"SIPS+D2T\" \"\" "
	            "_sips._tcp.example.test.\n"
	            "example.test. 3600 IN NAPTR 20 50 \"s\" \"SIP+D2T\" \"\" "
	            "_sip._tcp.example.test.\n"
	            "example.test. 3600 IN NAPTR 30 50 \"s\" \"SIP+D2U\" \"\" "
	            "_sip._udp.example.test.\n"
	            "sip.example.test. 3600 IN A 192.0.2.1\n"
	            "sip.example.test. 3600 IN AAAA 2001:db8::1\n"
	            "sipinternal.example.test. 3600 IN A 192.0.2.1\n"
	            "sipinternal.example.test. 3600 IN AAAA 2001:db8::1\n"
	            "pool.example.test. 3600 IN A 192.0.2.1\n"
	            "pool.example.test. 3600 IN AAAA 2001:db8::1\n");
}

static void who_looks_by_https_finds_the_web_role_on_its_own_port(void)
{
	const char topology[] = "[deployment]\ndomains = example.test\n"
	                        "[host main]\nname = pc.example.test\naddresses = 192.0.2.1\n"
	                        "[role web]\nhttps = 192.0.2.1:%d\n";
	char text[512];
	(void)snprintf(text, sizeof(text), topology, 443);
	expect_zone(text, "lyncdiscoverinternal.example.test. 3600 IN A 192.0.2.1\n"
	                  "lyncdiscover.example.test. 3600 IN A 192.0.2.1\n");
	(void)snprintf(text, sizeof(text), topology, 4443);
	expect_zone(text, "");
}

static void what_people_type_has_a_record_if_it_is_a_name_of_its_own(void)
{
	const char topology[] = "[deployment]\ndomains = example.test\n"
	                        "[host main]\nname = pc.example.test\n"
	                        "addresses = 192.0.2.1, 192.0.2.2, 127.0.0.1\n"
	                        "[role web]\nname = %s\nhttps = 192.0.2.2:4443, 127.0.0.1:4443\n"
	                        "[role edge-av]\nname = av.example.test\nudp = 192.0.2.1:3478\n"
	                        "tcp = none\nexternal-addresses = 198.51.100.7\n";
	const char relay[] = "av.example.test. 3600 IN A 198.51.100.7\n";
	char text[512], want[200];
	(void)snprintf(text, sizeof(text), topology, "chat.example.test");
	(void)snprintf(want, sizeof(want), "%schat.example.test. 3600 IN A 192.0.2.2\n", relay);
	expect_zone(text, want);
	(void)snprintf(text, sizeof(text), topology, "pc.example.test");
	expect_zone(text, relay);
	(void)snprintf(text, sizeof(text), topology, "av.example.test");
	expect_zone(text, relay);
}

static void who_looks_by_http_is_sent_to_any_port(void)
{
	expect_zone("[deployment]\ndomains = example.test\n"
	            "[host main]\nname = pc.example.test\naddresses = 192.0.2.1\n"
	            "[role web]\nhttps = 192.0.2.1:4443\nhttp = 192.0.2.1:80\n",
	            "lyncdiscoverinternal.example.test. 3600 IN A 192.0.2.1\n"
	            "lyncdiscover.example.test. 3600 IN A 192.0.2.1\n");
}

static void foreign_domain_is_pointed_at_a_name_of_its_own(void)
{
	expect_zone(
	        "[deployment]\ndomains = other.test\n"
	        "[host main]\nname = pc.example.test\naddresses = 127.0.0.1\n"
	        "[role frontend]\ntls = 127.0.0.1:5061\ntcp = none\nudp = none\n",
	        "_sipinternaltls._tcp.other.test. 3600 IN SRV 0 0 5061 sip.other.test.\n"
	        "_sips._tcp.other.test. 3600 IN SRV 0 0 5061 sip.other.test.\n"
	        "other.test. 3600 IN NAPTR 10 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.other.test.\n"
	        "sip.other.test. 3600 IN A 127.0.0.1\n"
	        "sipinternal.other.test. 3600 IN A 127.0.0.1\n"
	        "pc.example.test. 3600 IN A 127.0.0.1\n");
}

static void without_a_front_end_nothing_is_needed(void)
{
	expect_zone("[deployment]\ndomains = other.test\n"
	            "[host main]\nname = pc.example.test\naddresses = 127.0.0.1\n[role accounts]\n",
	            "");
}

static void pool_of_two_hosts_has_one_service_and_all_addresses(void)
{
	expect_zone("[deployment]\ndomains = example.test\n"
	            "[host main]\nname = main.example.test\naddresses = 192.0.2.1\n"
	            "[host two]\nname = two.example.test\naddresses = 192.0.2.2\n"
	            "[role frontend]\nhost = main\nname = pool.example.test\ntls = 192.0.2.1:5061\n"
	            "tcp = none\nudp = none\n"
	            "[role frontend]\nhost = two\nname = pool.example.test\ntls = 192.0.2.2:5061\n"
	            "tcp = none\nudp = none\n",
	            "_sipinternaltls._tcp.example.test. 3600 IN SRV 0 0 5061 pool.example.test.\n"
	            "_sips._tcp.example.test. 3600 IN SRV 0 0 5061 pool.example.test.\n"
	            "example.test. 3600 IN NAPTR 10 50 \"s\" \"SIPS+D2T\" \"\" "
	            "_sips._tcp.example.test.\n"
	            "sip.example.test. 3600 IN A 192.0.2.1\n"
	            "sipinternal.example.test. 3600 IN A 192.0.2.1\n"
	            "sip.example.test. 3600 IN A 192.0.2.2\n"
	            "sipinternal.example.test. 3600 IN A 192.0.2.2\n"
	            "pool.example.test. 3600 IN A 192.0.2.1\n"
	            "pool.example.test. 3600 IN A 192.0.2.2\n");
}

/* The lines of the edge alone, behind those of a front end on loopback. */
static void expect_relay(const char *hosts_and_edge, const char *want)
{
	static const char front[] = "[deployment]\ndomains = example.test\n[host main]\n"
	                            "name = pc.example.test\naddresses = 127.0.0.1\n"
	                            "[role frontend]\nhost = main\nname = pool.example.test\n"
	                            "tls = 127.0.0.1:5061\ntcp = none\nudp = none\n";
	auto_(buf_free) struct buf text = buf_of(10000), b = buf_of(10000);
	buf_printf(&text, "%s%s", front, hosts_and_edge);
	buf_char(&text, '\0');
	auto_(topo_free) struct topo *t = read_topo(text.p);
	auto_(arena_free) struct arena *a = arena_new();
	struct zone z = zone_of(a, t);
	for (size_t i = 0; i < z.n; i++) {
		if (strncmp(z.records[i].why, "the relay", 9) != 0)
			continue;
		zone_put(&b, &z.records[i]);
		buf_char(&b, '\n');
	}
	EQ_STR(buf_view(&b), want);
}

#define FAR "[host far]\nname = b.example.test\naddresses = "

static void name_of_a_relay_leads_to_its_public_addresses(void)
{
	expect_relay(FAR "192.0.2.8, 10.0.0.8, 2001:db8::8\n"
	                 "[role edge-av]\nhost = far\nname = av.example.test\n"
	                 "udp = 192.0.2.8:3478, 10.0.0.8:3478, [2001:db8::8]:3478\n",
	             "av.example.test. 3600 IN A 192.0.2.8\n"
	             "av.example.test. 3600 IN AAAA 2001:db8::8\n");
	/* its host's, without a name of its own, and with TCP alone on all addresses */
	expect_relay(FAR "192.0.2.8\n[role edge-av]\nhost = far\nudp = none\n"
	                 "tcp = 0.0.0.0:443\n",
	             "b.example.test. 3600 IN A 192.0.2.8\n");
}

static void name_inside_leads_to_private_addresses(void)
{
	expect_relay(FAR "192.0.2.8, 10.0.0.8\n"
	                 "[role edge-av]\nhost = far\nname = av.example.test\n"
	                 "internal-name = relay.example.test\n"
	                 "udp = 192.0.2.8:3478, 10.0.0.8:3478\n",
	             "av.example.test. 3600 IN A 192.0.2.8\n"
	             "relay.example.test. 3600 IN A 10.0.0.8\n");
}

static void behind_a_nat_the_name_leads_to_what_that_shows(void)
{
	expect_relay(FAR "10.0.0.8, fd00::8\n"
	                 "[role edge-av]\nhost = far\nexternal-name = av.example.test\n"
	                 "external-addresses = 198.51.100.3\nudp = 10.0.0.8:3478\n",
	             "av.example.test. 3600 IN A 198.51.100.3\n"
	             "b.example.test. 3600 IN A 10.0.0.8\n");
}

static void addresses_and_front_ends_names_need_no_record(void)
{
	expect_relay(FAR "10.0.0.8\n[role edge-av]\nhost = far\ninternal-name = 10.0.0.8\n"
	                 "external-name = 2001:db8::1\nudp = 10.0.0.8:3478\n",
	             "");
	expect_relay("[role edge-av]\nhost = main\nname = Pool.example.test\n"
	             "internal-name = sip.example.test\nexternal-addresses = 198.51.100.3\n"
	             "udp = 127.0.0.1:3478\n",
	             "");
}

static void two_edges_share_a_name(void)
{
	expect_relay(FAR "192.0.2.8\n[host two]\nname = c.example.test\naddresses = 192.0.2.9\n"
	                 "[role edge-av]\nhost = far\nname = av.example.test\n"
	                 "udp = 192.0.2.8:3478\n"
	                 "[role edge-av]\nhost = two\nname = av.example.test\n"
	                 "udp = 192.0.2.9:3478\n",
	             "av.example.test. 3600 IN A 192.0.2.8\n"
	             "av.example.test. 3600 IN A 192.0.2.9\n");
}

static const struct zone_record srv = {
	.kind = DNS_SRV,
	.name = STR_INIT("_sips._tcp.example.test"),
	.srv = { .port = 5061, .target = "pool.example.test" },
};

static enum zone_state compare(const struct zone_record *r, const struct dns_answer *a,
                               struct buf *found)
{
	found->len = 0;
	return zone_compare(r, a, found);
}

static void answers_are_compared(void)
{
	auto_(buf_free) struct buf found = buf_of(1000);
	struct dns_answer *a = xnew(struct dns_answer);
	EQ(compare(&srv, a, &found), ZONE_MISSING);
	a->err = -ENOENT;
	EQ(compare(&srv, a, &found), ZONE_MISSING);
	a->err = -ETIMEDOUT;
	EQ(compare(&srv, a, &found), ZONE_UNKNOWN);
	*a = (struct dns_answer){ .n = 2 };
	a->srvs[0] = (struct dns_srv){ 5, 1, 5060, "old.example.test" };
	a->srvs[1] = (struct dns_srv){ 0, 0, 5061, "Pool.example.test." };
	EQ(compare(&srv, a, &found), ZONE_FOUND);
	a->n = 1;
	EQ(compare(&srv, a, &found), ZONE_WRONG);
	EQ_STR(buf_view(&found), "5 1 5060 old.example.test.");
	free(a);
}

static void addresses_are_compared_without_port(void)
{
	auto_(buf_free) struct buf found = buf_of(1000);
	struct zone_record r = { .kind = DNS_A, .name = STR("sip.example.test") };
	struct dns_answer *a = xnew(struct dns_answer);
	a->n = 1;
	EQ(addr_parse(&r.addr, STR("192.0.2.1"), 5061), 0);
	EQ(addr_parse(&a->addrs[0], STR("192.0.2.1"), 0), 0);
	EQ(compare(&r, a, &found), ZONE_FOUND);
	EQ(addr_parse(&a->addrs[0], STR("192.0.2.9"), 0), 0);
	EQ(compare(&r, a, &found), ZONE_WRONG);
	EQ_STR(buf_view(&found), "192.0.2.9");
	free(a);
}

int main(void)
{
	RUN(one_domain_one_host);
	RUN(what_people_type_has_a_record_if_it_is_a_name_of_its_own);
	RUN(who_looks_by_https_finds_the_web_role_on_its_own_port);
	RUN(who_looks_by_http_is_sent_to_any_port);
	RUN(foreign_domain_is_pointed_at_a_name_of_its_own);
	RUN(without_a_front_end_nothing_is_needed);
	RUN(pool_of_two_hosts_has_one_service_and_all_addresses);
	RUN(name_of_a_relay_leads_to_its_public_addresses);
	RUN(name_inside_leads_to_private_addresses);
	RUN(behind_a_nat_the_name_leads_to_what_that_shows);
	RUN(addresses_and_front_ends_names_need_no_record);
	RUN(two_edges_share_a_name);
	RUN(answers_are_compared);
	RUN(addresses_are_compared_without_port);
	return tap_done();
}
