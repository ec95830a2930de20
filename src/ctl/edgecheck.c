#include "ctl/edgecheck.h"

#include <errno.h>

#include "ctl/dnscheck.h"
#include "ctl/file.h"
#include "ctl/finding.h"
#include "svc/bridge/settings.h"
#include "svc/relay/settings.h"

#define KERNEL "/proc/sys/net/ipv4/"
#define RESERVED "net.ipv4.ip_local_reserved_ports"

enum { TEXT_MAX = 4096, RESERVED_MAX = 512 * 1024 };

/* The edge of this host, and what is set for it. */
struct edge {
	cJSON *findings;
	const struct topo *t;
	const struct topo_role *r;
	struct relay_setup s;
	uint32_t first, last; /* relayed ports, of all its processes */
};

/* False: there is none here, or its settings are wrong: `why`. */
static bool find(struct edge *ret, cJSON *findings, const struct topo *t, struct buf *why)
{
	*ret = (struct edge){ .findings = findings, .t = t };
	ret->r = topo_role_here(t, STR("edge-av"));
	if (!ret->r || relay_setup_read(&ret->s, t, ret->r, 0, ret->r->processes, why) < 0)
		return false;
	ret->first = ret->s.s.port_min + t->port_offset;
	ret->last = ret->s.s.port_max + t->port_offset;
	return true;
}

/* --- addresses ------------------------------------------------------------------------------- */

static bool is_name_inside(const struct topo *t, struct str name)
{
	struct addr a;
	if (addr_parse(&a, name, 0) == 0)
		return addr_is_private(&a);
	for (size_t i = 0; i < t->n_roles; i++)
		if (str_eq(t->roles[i].role, STR("frontend")) && str_ieq(t->roles[i].fqdn, name))
			return true;
	return false;
}

/* "UDP 3478, TCP 443, UDP 50000 to 59999": what a NAT must forward. */
static void put_ports(struct buf *b, const struct edge *e)
{
	static const enum topo_proto protos[] = { TOPO_UDP, TOPO_TCP };
	for (size_t p = 0; p < ARRAY_SIZE(protos); p++) {
		for (size_t i = 0; i < e->r->n_listens; i++) {
			const struct topo_listen *l = &e->r->listens[i];
			if (l->proto != protos[p])
				continue;
			buf_printf(b, "%s%s %u", b->len ? ", " : "", p ? "TCP" : "UDP",
			           addr_port(&l->addr));
			break;
		}
	}
	buf_printf(b, "%s%s %u to %u", b->len ? ", " : "", e->s.s.ocs2007 ? "UDP and TCP" : "UDP",
	           e->first, e->last);
}

/* Of all addresses that peers see. */
static bool is_each(const struct relay_setup *s, bool (*is)(const struct addr *a))
{
	for (int i = 0; i < 2; i++) {
		const struct addr *a = &s->engine.own[i].external;
		if (a->sa.sa_family != AF_UNSPEC && !is(a))
			return false;
	}
	return true;
}

/* True: it is an error, and what it leads to need not be said. */
static bool check_there(const struct edge *e)
{
	char text[TEXT_MAX];
	struct buf why = BUF_ON(text);
	struct str what, remedy;
	if (relay_setup_try(&e->s, &why) == 0)
		return false;
	(void)str_cut(buf_view(&why), '\n', &what, &remedy);
	auto_(xfreep) char *way = str_dup(str_trim(remedy));
	finding_add(e->findings, FINDING_ERROR, "relay", way, "%" STR_FMT, STR_ARG(what));
	return true;
}

static void tell_private(const struct edge *e)
{
	char ports[TEXT_MAX], remedy[2 * TEXT_MAX];
	struct buf pb = BUF_ON(ports), rb = BUF_ON(remedy);
	put_ports(&pb, e);
	buf_printf(&rb,
	           "If there are some: set external-addresses in [role edge-av] to the public "
	           "address of the NAT, which must forward %" STR_FMT " to this host, unchanged.",
	           STR_ARG(buf_view(&pb)));
	remedy[rb.len] = '\0';
	finding_add(e->findings, FINDING_NOTE, "relay", remedy,
	            "has private addresses alone: clients on the Internet cannot use it");
}

static void check_addresses(const struct edge *e)
{
	if (is_each(&e->s, addr_is_loopback))
		finding_add(e->findings, FINDING_WARNING, "relay",
		            "Set relay-addresses in [role edge-av], or `addresses` of the host, to "
		            "an address that other machines reach.",
		            "has loopback addresses alone: it is of use to this machine alone");
	else if (is_each(&e->s, addr_is_private))
		tell_private(e);
}

/* What clients outside are told. */
static void check_outside(const struct edge *e)
{
	struct str outside = relay_setup_name(&e->s, e->r, true);
	bool inside = is_name_inside(e->t, outside);
	if (inside && e->s.s.external_name.len > 0 && !str_ieq(e->r->fqdn, e->r->host->name))
		finding_add(e->findings, FINDING_WARNING, "relay",
		            "Take external-name away in [role edge-av], or set it to a name that "
		            "leads to the relay from outside.",
		            "clients on the Internet are told external-name, %" STR_FMT
		            ", instead of name, %" STR_FMT,
		            STR_ARG(outside), STR_ARG(e->r->fqdn));
	else if (inside && e->s.s.external_addresses.len > 0)
		finding_add(e->findings, FINDING_WARNING, "relay",
		            "Set external-name in [role edge-av] to a name that leads to "
		            "external-addresses; `dialtone dns` then prints its record.",
		            "clients on the Internet are told %" STR_FMT
		            ", which leads to the address inside",
		            STR_ARG(outside));
}

/* --- peers ----------------------------------------------------------------------------------- */

/* What was opened by it, for people; NULL: nothing that one should know. */
static const char *opened_by(const struct addr_range *g)
{
	static const char *const homes[] = { "127.0.0.1", "::1" };
	struct addr a;
	if (g->bits == 0)
		return "every address, this machine's services on loopback among them";
	if (addr_is_loopback(&g->net))
		return "this machine's services on loopback";
	for (size_t i = 0; i < ARRAY_SIZE(homes); i++)
		if (addr_parse(&a, str_of(homes[i]), 0) == 0 && addr_range_has(g, &a))
			return "this machine's services on loopback";
	return NULL;
}

static void check_open(const struct edge *e)
{
	for (size_t i = 0; i < e->s.engine.n_open; i++) {
		const struct addr_range *g = &e->s.engine.open[i];
		const char *what = opened_by(g);
		char text[128];
		struct buf net = BUF_ON(text);
		if (!what)
			continue;
		addr_put_bare(&net, &g->net);
		finding_add(e->findings, FINDING_WARNING, "relay peers",
		            "Name in open-peers in [role edge-av] the networks alone that clients "
		            "have business with.",
		            "open-peers has %" STR_FMT "/%u: whoever has credentials reaches %s",
		            STR_ARG(buf_view(&net)), g->bits, what);
	}
}

/* --- ports ----------------------------------------------------------------------------------- */

static bool overlap(const struct edge *e, uint32_t first, uint32_t last)
{
	return first <= e->last && e->first <= last;
}

static void check_bridge(const struct edge *e)
{
	char text[TEXT_MAX];
	struct buf why = BUF_ON(text);
	struct bridge_settings b;
	const struct topo_role *r = topo_role_here(e->t, STR("media-bridge"));
	if (!r || bridge_settings_read(&b, e->t, r, r->processes, &why) < 0 ||
	    !overlap(e, b.port_min, b.port_max))
		return;
	finding_add(
	        e->findings, FINDING_WARNING, "relay ports",
	        "Set relay-port-min and relay-port-max in [role edge-av], or media-port-min and "
	        "media-port-max in [role media-bridge].",
	        "%u to %u are in part those of the media bridge, %u to %u", e->first, e->last,
	        b.port_min, b.port_max);
}

/* A relayed socket that has the port keeps the role from listening when it is started again. */
static void check_listens(const struct edge *e, const struct topo_role *r)
{
	for (size_t i = 0; i < r->n_listens; i++) {
		const struct topo_listen *l = &r->listens[i];
		char text[128];
		struct buf at = BUF_ON(text);
		if (!overlap(e, addr_port(&l->addr), addr_port(&l->addr)))
			continue;
		addr_put(&at, &l->addr);
		finding_add(e->findings, FINDING_WARNING, "relay ports",
		            "Set relay-port-min and relay-port-max in [role edge-av], or give the "
		            "role another port.",
		            "%u to %u include %s %" STR_FMT " of [role %" STR_FMT "]", e->first,
		            e->last, topo_proto_name(l->proto), STR_ARG(buf_view(&at)),
		            STR_ARG(r->role));
	}
}

static bool read_range(struct str s, uint32_t *first, uint32_t *last)
{
	struct str low, high;
	bool two = str_cut(s, '-', &low, &high);
	return str_to_u32(low, UINT16_MAX, first) == 0 &&
	       str_to_u32(two ? high : low, UINT16_MAX, last) == 0;
}

bool edgecheck_is_reserved(struct str list, uint32_t first, uint32_t last)
{
	uint32_t low, high;
	struct str item;
	list = str_trim(list);
	while (list.len > 0) {
		(void)str_cut(list, ',', &item, &list);
		if (!read_range(item, &low, &high) || low > first)
			return false;
		if (high >= last)
			return true;
		first = MAX(first, high + 1);
	}
	return false;
}

static bool read_kernel(struct buf *b, const char *path)
{
	b->len = 0;
	return file_read(path, b) == 0;
}

/* "32768\t60999" */
static bool read_ephemeral(uint32_t *first, uint32_t *last)
{
	auto_(buf_free) struct buf b = buf_of(TEXT_MAX);
	struct str low, high;
	return read_kernel(&b, KERNEL "ip_local_port_range") &&
	       str_cut(str_trim(buf_view(&b)), '\t', &low, &high) &&
	       str_to_u32(low, UINT16_MAX, first) == 0 && str_to_u32(high, UINT16_MAX, last) == 0;
}

/* A port that the kernel gives away is not there for the relay; and what the firewall lets through
 * to the relay then reaches somebody else. */
static void check_kernel(const struct edge *e)
{
	auto_(buf_free) struct buf b = buf_of(RESERVED_MAX), remedy = buf_of(RESERVED_MAX);
	uint32_t first, last;
	if (!read_ephemeral(&first, &last) || !overlap(e, first, last) ||
	    !read_kernel(&b, KERNEL "ip_local_reserved_ports"))
		return;
	struct str reserved = str_trim(buf_view(&b));
	if (edgecheck_is_reserved(reserved, MAX(first, e->first), MIN(last, e->last)))
		return;
	buf_printf(&remedy,
	           "`sysctl -w " RESERVED "=%" STR_FMT "%s%u-%u` as root, and the same without "
	           "`sysctl -w` in /etc/sysctl.d/dialtone.conf.",
	           STR_ARG(reserved), reserved.len ? "," : "", e->first, e->last);
	buf_char(&remedy, '\0');
	finding_add(e->findings, FINDING_NOTE, "relay ports", remedy.p,
	            "the kernel gives ports of %u to %u to any program (%u to %u): the firewall is "
	            "open for those too",
	            e->first, e->last, first, last);
}

/* --- the whole ------------------------------------------------------------------------------- */

void edgecheck(cJSON *findings, const struct topo *t)
{
	char text[TEXT_MAX];
	struct buf why = BUF_ON(text);
	struct edge e;
	if (!find(&e, findings, t, &why)) {
		if (e.r)
			finding_add(findings, FINDING_ERROR, "relay",
			            "Correct [role edge-av] in topology.conf.", "%" STR_FMT,
			            STR_ARG(str_trim(buf_view(&why))));
		return;
	}
	if (!check_there(&e))
		check_addresses(&e);
	check_outside(&e);
	check_open(&e);
	check_bridge(&e);
	for (size_t i = 0; i < t->n_roles; i++)
		if (t->roles[i].host == t->self)
			check_listens(&e, &t->roles[i]);
	check_kernel(&e);
}

/* A DNS server that does not answer is told with the records. */
static void check_name(const struct edge *e, struct str name, const char *whom, const char *server)
{
	struct addr a;
	if (addr_parse(&a, name, 0) == 0)
		return;
	int r = dnscheck_resolve(name, server);
	auto_(xfreep) char *about = str_dup(name);
	if (r == 0)
		finding_add(e->findings, FINDING_OK, about, NULL, "the relay's name resolves");
	else if (r == -ENOENT)
		finding_add(e->findings, FINDING_WARNING, about,
		            "`dialtone dns` prints its record; or set internal-name or "
		            "external-name in [role edge-av] to a name or an address that leads "
		            "here.",
		            "%s are told this name of the relay, and it does not resolve", whom);
}

void edgecheck_names(cJSON *findings, const struct topo *t, const char *server)
{
	char text[TEXT_MAX];
	struct buf why = BUF_ON(text);
	struct edge e;
	if (!find(&e, findings, t, &why))
		return;
	struct str inside = relay_setup_name(&e.s, e.r, false);
	struct str outside = relay_setup_name(&e.s, e.r, true);
	check_name(&e, inside, str_ieq(inside, outside) ? "clients" : "clients inside", server);
	if (!str_ieq(inside, outside))
		check_name(&e, outside, "clients on the Internet", server);
}
