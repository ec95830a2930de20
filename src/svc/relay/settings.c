#include "svc/relay/settings.h"

#include <errno.h>

#include "auth/relay_grant.h"

enum { NAME_LEN_MAX = 253, LIST_LEN_MAX = 2000 };

/* clang-format off */
const struct setting relay_settings[] = {
	SETTING_U32("relay-port-min", SET_UINT, struct relay_settings, port_min,
		    .min = 1024, .max = 65535, .def = "50000", .restart = true,
		    .help = "first port of relayed addresses (port-offset is added); the processes of the role share the range"),
	SETTING_U32("relay-port-max", SET_UINT, struct relay_settings, port_max,
		    .min = 1024, .max = 65535, .def = "59999", .restart = true,
		    .help = "last port of relayed addresses (port-offset is added)"),
	SETTING_STR("relay-addresses", struct relay_settings, relay_addresses, .max = LIST_LEN_MAX,
		    .def = "", .absent = "the host's first public address of each family, or its first private one", .restart = true,
		    .help = "Where relayed sockets are bound: at most one IPv4 and one IPv6 address, separated by a comma"),
	SETTING_STR("external-addresses", struct relay_settings, external_addresses, .max = LIST_LEN_MAX,
		    .def = "", .absent = "relay-addresses", .restart = true,
		    .help = "The same addresses as the Internet sees them, if a NAT is in between: it must forward the relay ports one to one"),
	SETTING_STR("open-peers", struct relay_settings, open_peers, .max = LIST_LEN_MAX, .def = "",
		    .absent = "none",
		    .help = "Private networks whose hosts clients may reach through the relay, as 10.1.0.0/16, separated by commas: all of them, this deployment's own too"),
	SETTING_STR("closed-peers", struct relay_settings, closed_peers, .max = LIST_LEN_MAX, .def = "",
		    .absent = "none",
		    .help = "Public networks whose hosts nobody may reach through the relay: internal ones with public addresses; private addresses and this deployment's hosts are closed by themselves"),
	SETTING_FLAG("ocs2007-compatibility", struct relay_settings, ocs2007, .def = "no",
		     .help = "let peers outside open TCP connections to relayed addresses, as partners with Office Communications Server 2007 need: the firewall must let TCP and UDP 50000-59999 in; otherwise outward suffices for TCP"),
	SETTING_STR("internal-name", struct relay_settings, internal_name, .max = NAME_LEN_MAX, .def = "",
		    .absent = "the role's name",
		    .help = "Host name or address of the relay for clients on the own network"),
	SETTING_STR("external-name", struct relay_settings, external_name, .max = NAME_LEN_MAX, .def = "",
		    .absent = "the role's name",
		    .help = "The same for clients on the Internet"),
	SETTING_U32("allocations-max", SET_UINT, struct relay_settings, allocations_max,
		    .min = 1, .max = RELAY_ALLOCATIONS_MAX, .def = "10000",
		    .help = "allocations of one process"),
	SETTING_U32("user-allocations-max", SET_UINT, struct relay_settings, user_allocations_max,
		    .min = 1, .max = RELAY_ALLOCATIONS_MAX, .def = "60",
		    .help = "of them, allocations of one user"),
	SETTING_U32("connections-max", SET_UINT, struct relay_settings, connections_max,
		    .min = 1, .max = RELAY_ALLOCATIONS_MAX, .def = "8000",
		    .help = "TCP and TLS connections that one process holds, clients' and those of TCP allocations with peers: of the latter, with the clients' that are bound to them, half of them at most"),
	SETTING_U32("port-bandwidth", SET_UINT, struct relay_settings, port_kbps,
		    .min = 0, .max = 10000000, .def = "3000",
		    .help = "kilobits a second through one allocation; 0: no limit"),
	SETTING_U32("user-bandwidth", SET_UINT, struct relay_settings, user_kbps,
		    .min = 0, .max = 10000000, .def = "10000",
		    .help = "kilobits a second through all allocations of one user in a process; 0: no limit"),
	SETTING_U32("credential-life", SET_SECONDS, struct relay_settings, credential_life_s,
		    .min = 60, .max = RELAY_LIFE_MAX_S, .def = "8 h",
		    .help = "how long credentials are good; clients ask for new ones at sign-in only"),
	SETTING_END
};
/* clang-format on */

void relay_settings_default(struct relay_settings *ret)
{
	auto_(buf_free) struct buf why = buf_of(1000);
	struct setting_value v;
	*ret = (struct relay_settings){ .port_min = 0 };
	for (const struct setting *s = relay_settings; s->name; s++)
		if (setting_parse(s, str_of(s->def), &v, &why) == 0)
			setting_store(s, &v, ret);
}

static int say(struct buf *why, const char *key, struct str value, const char *what)
{
	buf_printf(why, "%s: \"%" STR_FMT "\" %s\n", key, STR_ARG(value), what);
	return -EINVAL;
}

/* --- addresses ------------------------------------------------------------------------- */

static struct str next_item(struct str *rest)
{
	struct str item;
	(void)str_cut(*rest, ',', &item, rest);
	return str_trim(item);
}

static int read_pair(struct addr ret[2], const char *key, struct str list, struct buf *why)
{
	while (list.len > 0) {
		struct str item = next_item(&list);
		struct addr a;
		if (addr_parse(&a, item, 0) < 0 || addr_is_any(&a) || addr_is_multicast(&a))
			return say(why, key, item, "is no IP address of a host");
		struct addr *to = &ret[a.sa.sa_family == AF_INET6];
		if (to->sa.sa_family != AF_UNSPEC)
			return say(why, key, item, "is a second address of its family");
		*to = a;
	}
	return 0;
}

/* Public before private before loopback. */
static int rank(const struct addr *a)
{
	if (a->sa.sa_family == AF_UNSPEC)
		return 0;
	return addr_is_loopback(a) ? 1 : addr_is_private(a) ? 2 : 3;
}

static void take_hosts(struct addr ret[2], const struct topo_host *h)
{
	for (size_t i = 0; i < h->n_addrs; i++) {
		const struct addr *a = &h->addrs[i];
		struct addr *to = &ret[a->sa.sa_family == AF_INET6];
		if (rank(a) > rank(to))
			*to = *a;
	}
}

static int read_own(struct relay_setup *ret, const struct topo_role *r, struct buf *why)
{
	struct addr local[2] = { 0 }, external[2] = { 0 };
	if (read_pair(local, "relay-addresses", ret->s.relay_addresses, why) < 0 ||
	    read_pair(external, "external-addresses", ret->s.external_addresses, why) < 0)
		return -EINVAL;
	if (ret->s.relay_addresses.len == 0)
		take_hosts(local, r->host);
	for (int i = 0; i < 2; i++) {
		if (external[i].sa.sa_family == AF_UNSPEC)
			external[i] = local[i];
		if (local[i].sa.sa_family == AF_UNSPEC && external[i].sa.sa_family != AF_UNSPEC)
			return say(why, "external-addresses", ret->s.external_addresses,
			           "has an address of a family that relay-addresses has not");
		ret->engine.own[i] = (struct relay_address){ local[i], external[i] };
	}
	if (rank(&local[0]) || rank(&local[1]))
		return 0;
	buf_lit(why, "relay-addresses: there is none; set it, or the \"addresses\" of the host\n");
	return -EINVAL;
}

/* --- networks -------------------------------------------------------------------------- */

static int read_nets(struct addr_range ret[RELAY_RANGES_MAX], size_t *ret_n, const char *key,
                     struct str list, struct buf *why)
{
	*ret_n = 0;
	while (list.len > 0) {
		struct str item = next_item(&list);
		if (*ret_n == RELAY_RANGES_MAX)
			return say(why, key, item, "is one network too many");
		if (addr_range_parse(&ret[*ret_n], item) < 0)
			return say(why, key, item, "is no network; write 10.1.0.0/16");
		(*ret_n)++;
	}
	return 0;
}

/* There is room for all that a topology may have. */
_Static_assert(TOPO_HOSTS_MAX *TOPO_ADDRS_MAX + 4 <= RELAY_HOSTS_MAX, "every host is closed");
_Static_assert(TOPO_ROLES_MAX * 2 <= RELAY_EDGES_MAX, "every edge is known");

static void add_host(struct relay_setup *s, const struct addr *a)
{
	if (s->engine.n_hosts < RELAY_HOSTS_MAX && a->sa.sa_family != AF_UNSPEC)
		s->hosts[s->engine.n_hosts++] = addr_range_of(a);
}

static void read_hosts(struct relay_setup *s, const struct topo *t, const struct topo_role *r)
{
	for (size_t k = 0; k < r->host->n_addrs; k++)
		add_host(s, &r->host->addrs[k]);
	for (int i = 0; i < 2; i++) {
		add_host(s, &s->engine.own[i].local);
		add_host(s, &s->engine.own[i].external);
	}
	for (size_t i = 0; i < t->n_hosts; i++)
		for (size_t k = 0; &t->hosts[i] != r->host && k < t->hosts[i].n_addrs; k++)
			add_host(s, &t->hosts[i].addrs[k]);
}

/* --- other edges ----------------------------------------------------------------------- */

static void add_edge(struct relay_setup *ret, const struct topo *t, const struct relay_settings *s,
                     const struct addr *a)
{
	if (ret->engine.n_edges == RELAY_EDGES_MAX || a->sa.sa_family == AF_UNSPEC)
		return;
	ret->edges[ret->engine.n_edges++] =
	        (struct relay_edge){ *a, (uint16_t)(s->port_min + t->port_offset),
		                     (uint16_t)(s->port_max + t->port_offset) };
}

/* What is wrong with its section that host says. */
static void read_edge(struct relay_setup *ret, const struct topo *t, const struct topo_role *r)
{
	auto_(buf_free) struct buf ignored = buf_of(4096);
	struct relay_settings s;
	struct addr at[2] = { 0 };
	if (topo_settings(t, r, relay_settings, &s, &ignored) < 0 ||
	    s.port_max + t->port_offset > UINT16_MAX)
		return;
	struct str list = s.external_addresses.len ? s.external_addresses : s.relay_addresses;
	if (read_pair(at, "", list, &ignored) < 0)
		return;
	if (list.len == 0)
		take_hosts(at, r->host);
	for (int i = 0; i < 2; i++)
		add_edge(ret, t, &s, &at[i]);
}

static void read_edges(struct relay_setup *ret, const struct topo *t, const struct topo_role *self)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (&t->roles[i] != self && str_eq(t->roles[i].role, self->role))
			read_edge(ret, t, &t->roles[i]);
}

/* --- ports ----------------------------------------------------------------------------- */

static int read_ports(struct relay_setup *ret, const struct topo *t, uint32_t slot,
                      uint32_t n_slots, struct buf *why)
{
	uint32_t first = ret->s.port_min + t->port_offset, last = ret->s.port_max + t->port_offset;
	if (last > UINT16_MAX || last < first || last - first + 1 < 2 * n_slots) {
		buf_printf(why,
		           "relay-port-min to relay-port-max: %u to %u, with the port-offset, are "
		           "not two ports for each of the %u processes\n",
		           first, last, n_slots);
		return -EINVAL;
	}
	/* An even number each, so that pairs of ports stay together. */
	uint32_t each = (last - first + 1) / n_slots & ~1u, mine = first + slot * each;
	ret->ports = (struct relay_port_range){
		.first = (uint16_t)mine,
		.last = (uint16_t)(slot + 1 == n_slots ? last : mine + each - 1),
		.slot = slot,
		.n_slots = n_slots,
	};
	return 0;
}

/* --- names ----------------------------------------------------------------------------- */

/* What clients are told: a name of DNS, or an address. */
static int check_host(const char *key, struct str host, struct buf *why)
{
	struct addr a;
	if (host.len == 0 || topo_is_dns_name(host) || addr_parse(&a, host, 0) == 0)
		return 0;
	return say(why, key, host, "is neither a DNS name nor an IP address");
}

int relay_setup_read(struct relay_setup *ret, const struct topo *t, const struct topo_role *r,
                     uint32_t slot, uint32_t n_slots, struct buf *why)
{
	*ret = (struct relay_setup){ .ports = { 0 } };
	struct relay_config *e = &ret->engine;
	if (topo_settings(t, r, relay_settings, &ret->s, why) < 0 ||
	    read_ports(ret, t, slot, n_slots, why) < 0 || read_own(ret, r, why) < 0 ||
	    check_host("internal-name", ret->s.internal_name, why) < 0 ||
	    check_host("external-name", ret->s.external_name, why) < 0 ||
	    read_nets(ret->open, &e->n_open, "open-peers", ret->s.open_peers, why) < 0 ||
	    read_nets(ret->closed, &e->n_closed, "closed-peers", ret->s.closed_peers, why) < 0)
		return -EINVAL;
	read_hosts(ret, t, r);
	read_edges(ret, t, r);
	e->edges = ret->edges;
	e->open = ret->open;
	e->closed = ret->closed;
	e->hosts = ret->hosts;
	e->port_kbps = ret->s.port_kbps;
	e->user_kbps = ret->s.user_kbps;
	e->user_allocations = ret->s.user_allocations_max;
	e->allocations_max = ret->s.allocations_max;
	e->slot = slot;
	/* Each takes two: half of them at most, so that clients with new allocations come in. */
	e->tcp_conns_max = MAX(ret->s.connections_max / 4, 1u);
	e->closed_tcp = !ret->s.ocs2007;
	return 0;
}

struct str relay_setup_name(const struct relay_setup *s, const struct topo_role *r, bool internet)
{
	struct str name = internet ? s->s.external_name : s->s.internal_name;
	return name.len ? name : r->fqdn;
}

int relay_setup_try(const struct relay_setup *s, struct buf *why)
{
	struct addr at;
	int r = relay_ports_try(s->engine.own, &at);
	if (r == 0)
		return 0;
	buf_printf(why,
	           "%s: ", s->s.relay_addresses.len ? "relay-addresses" : "the host's addresses");
	addr_put_bare(why, &at);
	buf_printf(why, "%s%s\n", r == -EADDRNOTAVAIL ? " is no address of this host" : ": ",
	           r == -EADDRNOTAVAIL ? "" : strerror(-r));
	buf_lit(why,
	        "Set relay-addresses in [role edge-av] to addresses that `ip address` shows; one "
	        "that a NAT has belongs into external-addresses.\n");
	return r;
}
