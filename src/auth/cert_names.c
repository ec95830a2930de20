#include "auth/cert_names.h"

#include "base/str.h"
#include "topo/conf.h"

/* Host labels below every SIP domain, by role; `domain`: the bare domain too. */
/* clang-format off */
static const struct {
	const char *role;
	bool domain;
	const char *labels[8];
} below_domain[] = {
	{ "frontend", true, { "fe", "sip", "sipinternal", "meet", "dialin" } },
	{ "web", false, { "lyncdiscover", "lyncdiscoverinternal" } },
};
/* clang-format on */

struct names {
	struct str dns[CA_NAMES_MAX];
	struct addr ips[CA_NAMES_MAX];
	size_t n_dns, n_ips;
};

static void add_ip(struct names *n, const struct addr *a)
{
	for (size_t i = 0; i < n->n_ips; i++) {
		if (addr_eq_host(&n->ips[i], a))
			return;
	}
	if (!addr_is_any(a) && n->n_ips < CA_NAMES_MAX)
		n->ips[n->n_ips++] = *a;
}

/* A host whose name is an address has it once, among the addresses. */
static void add_name(struct names *n, struct str name)
{
	struct addr ip;
	for (size_t i = 0; i < n->n_dns; i++) {
		if (str_ieq(n->dns[i], name))
			return;
	}
	if (name.len > 0 && addr_parse(&ip, name, 0) == 0)
		add_ip(n, &ip);
	else if (name.len > 0 && n->n_dns < CA_NAMES_MAX)
		n->dns[n->n_dns++] = name;
}

static bool is_met_by_clients(struct str role)
{
	for (size_t i = 0; i < ARRAY_SIZE(below_domain); i++) {
		if (below_domain[i].domain && str_eq(role, str_of(below_domain[i].role)))
			return true;
	}
	return false;
}

static void add_domain_names(struct names *n, struct arena *a, const struct topo *t,
                             struct str role)
{
	for (size_t i = 0; i < ARRAY_SIZE(below_domain); i++) {
		if (!str_eq(role, str_of(below_domain[i].role)))
			continue;
		for (size_t d = 0; d < t->n_domains; d++) {
			if (below_domain[i].domain)
				add_name(n, t->domains[d]);
			for (const char *const *l = below_domain[i].labels; *l; l++)
				add_name(n, arena_printf(a, "%s.%" STR_FMT, *l,
				                         STR_ARG(t->domains[d])));
		}
	}
}

/* Where it listens, and the host's: default ports are taken there, and so is "all addresses". */
static void add_addresses(struct names *n, const struct topo_role *r)
{
	for (size_t i = 0; i < r->n_listens; i++)
		add_ip(n, &r->listens[i].addr);
	for (size_t i = 0; r->host && i < r->host->n_addrs; i++)
		add_ip(n, &r->host->addrs[i]);
}

/* An A/V edge is known to its clients by names of its own. */
static void add_client_names(struct names *n, const struct topo_role *r)
{
	static const char *const keys[] = { "external-name", "internal-name" };
	struct addr a;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct conf_entry *e = conf_get(r->section, str_of(keys[i]));
		if (e && addr_parse(&a, e->value, 0) == 0)
			add_ip(n, &a);
		else if (e)
			add_name(n, e->value);
	}
}

bool cert_is_for(struct str role)
{
	return !str_eq(role, STR("door"));
}

struct ca_names cert_names_of(struct arena *a, const struct topo *t, const struct topo_role *r)
{
	struct names *n = arena_alloc(a, sizeof(*n));
	add_name(n, r->fqdn);
	if (r->host)
		add_name(n, r->host->name);
	add_domain_names(n, a, t, r->role);
	add_client_names(n, r);
	add_addresses(n, r);
	return (struct ca_names){
		.uri = arena_printf(a, CERT_ROLE_URI "%" STR_FMT, STR_ARG(r->role)),
		.common_name = r->fqdn,
		.dns = n->dns,
		.n_dns = n->n_dns,
		.ips = n->ips,
		.n_ips = n->n_ips,
		.ips_as_names = is_met_by_clients(r->role),
	};
}

struct str cert_file_name(struct arena *a, struct str role, enum ca_key_type type)
{
	return arena_printf(a, "%" STR_FMT "-%s", STR_ARG(role),
	                    type == CA_P256 ? "p256" : "rsa2048");
}
