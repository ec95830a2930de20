#include "svc/relay/settings.h"

#include <errno.h>

#include "svc/relay/relay.h"
#include "tap.h"

/* What [role edge-av] says, as a process of it gets it. */

#define HEAD                                                                           \
	"[deployment]\ndomains = example.test\n[host a]\nname = a.example.test\n"      \
	"addresses = 127.0.0.1, 10.1.0.5, 203.0.113.5, 2001:db8::5\n[host b]\nname = " \
	"b.example.test\n"                                                             \
	"addresses = 198.51.100.9\n[role edge-av]\nhost = a\n"
#define LOCAL "[local]\nhost = a\n"

static struct topo *topo;
static struct relay_setup setup;
static char said[4096];

static int read_as(const char *lines, const char *local, uint32_t slot, uint32_t n_slots)
{
	auto_(buf_free) struct buf text = buf_of(16000), errors = buf_of(4096);
	struct buf why = BUF_ON(said);
	topo_free(&topo);
	buf_printf(&text, HEAD "%s", lines);
	topo = topo_parse(buf_view(&text), str_of(local), "/nowhere", &errors);
	if (!OK(topo != NULL))
		return -1;
	int r = relay_setup_read(&setup, topo, &topo->roles[0], slot, n_slots, &why);
	said[MIN(why.len, sizeof(said) - 1)] = '\0';
	return r;
}

static int read_lines(const char *lines)
{
	return read_as(lines, LOCAL, 0, 1);
}

static bool is_host(const struct addr *a, const char *text)
{
	struct addr want;
	return addr_parse(&want, str_of(text), 0) == 0 && addr_eq_host(a, &want);
}

static void public_addresses_of_the_host_are_taken_if_nothing_is_said(void)
{
	EQ(read_lines(""), 0);
	OK(is_host(&setup.engine.own[0].local, "203.0.113.5"));
	OK(is_host(&setup.engine.own[0].external, "203.0.113.5"));
	OK(is_host(&setup.engine.own[1].local, "2001:db8::5"));
	EQ(setup.ports.first, 50000);
	EQ(setup.ports.last, 59999);
	EQ(setup.engine.port_kbps, 3000);
	EQ(setup.engine.user_kbps, 10000);
	EQ(setup.s.credential_life_s, 8 * 3600);
	OK(setup.engine.closed_tcp);
	EQ_STR(relay_setup_name(&setup, &topo->roles[0], true), "a.example.test");
}

static void behind_a_nat_peers_see_another_address(void)
{
	EQ(read_lines("relay-addresses = 10.1.0.5\nexternal-addresses = 203.0.113.77\n"
	              "external-name = av.example.test\n"),
	   0);
	OK(is_host(&setup.engine.own[0].local, "10.1.0.5"));
	OK(is_host(&setup.engine.own[0].external, "203.0.113.77"));
	EQ(setup.engine.own[1].local.sa.sa_family, AF_UNSPEC);
	EQ_STR(relay_setup_name(&setup, &topo->roles[0], true), "av.example.test");
	EQ_STR(relay_setup_name(&setup, &topo->roles[0], false), "a.example.test");
}

static void own_and_other_hosts_are_no_peers(void)
{
	static const char *const rows[] = { "127.0.0.1", "10.1.0.5", "203.0.113.5", "2001:db8::5",
		                            "198.51.100.9" };
	EQ(read_lines(""), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool found = false;
		for (size_t k = 0; k < setup.engine.n_hosts; k++)
			found |= is_host(&setup.hosts[k].net, rows[i]);
		OK(found);
	}
}

static void relayed_addresses_of_other_edges_are_peers(void)
{
	EQ(read_lines("[role edge-av]\nhost = b\nrelay-port-min = 52000\nrelay-port-max = 53000\n"),
	   0);
	EQ(setup.engine.n_edges, 1);
	OK(is_host(&setup.edges[0].host, "198.51.100.9"));
	EQ(setup.edges[0].first, 52000);
	EQ(setup.edges[0].last, 53000);
	EQ(read_lines("[role edge-av]\nhost = b\nrelay-addresses = 10.7.0.1\n"
	              "external-addresses = 203.0.113.200\n"),
	   0);
	EQ(setup.engine.n_edges, 1);
	OK(is_host(&setup.edges[0].host, "203.0.113.200"));
}

static void networks_are_read(void)
{
	EQ(read_lines("open-peers = 10.1.0.0/16, 192.168.7.7, fd00::/8\nclosed-peers = "
	              "203.0.113.0/24\n"),
	   0);
	EQ(setup.engine.n_open, 3);
	EQ(setup.open[0].bits, 16);
	EQ(setup.open[1].bits, 32);
	EQ(setup.open[2].bits, 8);
	EQ(setup.engine.n_closed, 1);
}

static void processes_share_the_ports_in_even_parts(void)
{
	uint32_t next = 50001 + 7;
	for (uint32_t slot = 0; slot < 3; slot++) {
		EQ(read_as("relay-port-min = 50001\nrelay-port-max = 50100\n",
		           LOCAL "port-offset = 7\n", slot, 3),
		   0);
		EQ(setup.ports.first, next);
		EQ(setup.ports.slot, slot);
		next = setup.ports.last + 1u;
	}
	EQ(next, 50100 + 7 + 1);
}

static void what_is_wrong_is_said(void)
{
	static const struct {
		const char *lines, *text;
	} rows[] = {
		{ "relay-addresses = nonsense\n", "no IP address" },
		{ "relay-addresses = 0.0.0.0\n", "no IP address" },
		{ "relay-addresses = 10.1.0.5, 203.0.113.5\n", "second address" },
		{ "relay-addresses = 10.1.0.5\nexternal-addresses = 2001:db8::9\n",
		  "relay-addresses has not" },
		{ "open-peers = 10.0.0.0/33\n", "no network" },
		{ "open-peers = everybody\n", "no network" },
		{ "relay-port-min = 60000\nrelay-port-max = 50000\n", "not two ports" },
		{ "relay-port-min = 50000\nrelay-port-max = 50000\n", "not two ports" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		EQ(read_lines(rows[i].lines), -EINVAL);
		OK(str_find(str_of(said), str_of(rows[i].text)) >= 0);
	}
}

static void addresses_that_the_host_does_not_have_are_told(void)
{
	struct buf why = BUF_ON(said);
	EQ(read_lines("relay-addresses = 127.0.0.1\n"), 0);
	EQ(relay_setup_try(&setup, &why), 0);
	EQ(read_lines("relay-addresses = 192.0.2.9\n"), 0);
	EQ(relay_setup_try(&setup, &why), -EADDRNOTAVAIL);
	said[why.len] = '\0';
	OK(str_starts(str_of(said),
	              STR("relay-addresses: 192.0.2.9 is no address of this host\n")));
	OK(str_find(str_of(said), STR("external-addresses")) > 0);
	why.len = 0;
	EQ(read_lines("relay-addresses = 127.0.0.1\nexternal-addresses = 192.0.2.9\n"), 0);
	EQ(relay_setup_try(&setup, &why), 0); /* a NAT has it */
}

static void a_section_without_lines_has_the_defaults(void)
{
	struct relay_settings s;
	relay_settings_default(&s);
	EQ(read_lines(""), 0);
	EQ(s.port_min, setup.s.port_min);
	EQ(s.port_max, setup.s.port_max);
	EQ(s.credential_life_s, setup.s.credential_life_s);
	EQ(s.external_name.len, 0);
}

static void every_host_of_a_deployment_is_closed(void)
{
	auto_(buf_free) struct buf b = buf_of(16000);
	char last[32];
	bool closed = false;
	for (int i = 0; i < TOPO_HOSTS_MAX - 2; i++)
		buf_printf(&b, "[host c%d]\nname = c%d.example.test\naddresses = 198.51.100.%d\n",
		           i, i, 100 + i);
	(void)snprintf(last, sizeof(last), "198.51.100.%d", 100 + TOPO_HOSTS_MAX - 3);
	buf_char(&b, '\0');
	if (!OK(read_lines(b.p) == 0))
		return;
	for (size_t i = 0; i < setup.engine.n_hosts; i++)
		closed |= is_host(&setup.hosts[i].net, last);
	OK(closed);
}

int main(void)
{
	RUN(every_host_of_a_deployment_is_closed);
	RUN(public_addresses_of_the_host_are_taken_if_nothing_is_said);
	RUN(behind_a_nat_peers_see_another_address);
	RUN(own_and_other_hosts_are_no_peers);
	RUN(relayed_addresses_of_other_edges_are_peers);
	RUN(networks_are_read);
	RUN(processes_share_the_ports_in_even_parts);
	RUN(what_is_wrong_is_said);
	RUN(addresses_that_the_host_does_not_have_are_told);
	RUN(a_section_without_lines_has_the_defaults);
	topo_free(&topo);
	return tap_done();
}
