#include "ctl/zone.h"

#include <errno.h>
#include <stdio.h>

#include "svc/relay/settings.h"

enum { NAPTR_PREFERENCE = 50, HTTPS_PORT = 443, HTTP_PORT = 80 };

/* --- what is needed ------------------------------------------------------------------------- */

static struct zone_record *add(struct zone *z, enum dns_kind kind, struct str name, const char *why)
{
	if (z->n == ZONE_RECORDS_MAX)
		return NULL;
	struct zone_record *r = &z->records[z->n++];
	*r = (struct zone_record){ .kind = kind, .name = name, .why = why };
	return r;
}

static bool has_addr(const struct zone *z, struct str name, const struct addr *a)
{
	for (size_t i = 0; i < z->n; i++) {
		const struct zone_record *r = &z->records[i];
		if ((r->kind == DNS_A || r->kind == DNS_AAAA) && str_eq(r->name, name) &&
		    addr_eq_host(&r->addr, a))
			return true;
	}
	return false;
}

static void add_addr(struct zone *z, struct str name, const struct addr *a, const char *why)
{
	enum dns_kind kind = a->sa.sa_family == AF_INET ? DNS_A : DNS_AAAA;
	if (name.len == 0 || has_addr(z, name, a))
		return;
	struct zone_record *r = add(z, kind, name, why);
	if (r)
		r->addr = *a;
}

/* The host's addresses; loopback ones alone if it has no other. */
static void add_host(struct zone *z, struct str name, const struct topo_host *h, const char *why)
{
	size_t n_public = 0;
	for (size_t i = 0; i < h->n_addrs; i++)
		n_public += !addr_is_loopback(&h->addrs[i]);
	for (size_t i = 0; i < h->n_addrs; i++) {
		if (n_public == 0 || !addr_is_loopback(&h->addrs[i]))
			add_addr(z, name, &h->addrs[i], why);
	}
}

static bool is_below(struct str name, struct str domain)
{
	return name.len > domain.len + 1 && str_ends(name, domain) &&
	       name.p[name.len - domain.len - 1] == '.';
}

/* The pool's name; sip.<domain> for a domain that the pool's name is not of, because clients
 * refuse or question a server of a foreign domain. */
static struct str target_for(struct arena *a, const struct topo_role *r, struct str domain)
{
	if (is_below(r->fqdn, domain))
		return r->fqdn;
	return arena_printf(a, "sip.%" STR_FMT, STR_ARG(domain));
}

/* The port of the first listener of that protocol that is not on loopback, else of any; 0: none. */
static uint16_t port_of(const struct topo_role *r, enum topo_proto proto)
{
	uint16_t port = 0;
	for (size_t i = 0; i < r->n_listens; i++) {
		const struct topo_listen *l = &r->listens[i];
		if (l->proto != proto)
			continue;
		if (!addr_is_loopback(&l->addr))
			return addr_port(&l->addr);
		port = port ? port : addr_port(&l->addr);
	}
	return port;
}

static bool has_srv(const struct zone *z, struct str name, struct str target, uint16_t port)
{
	for (size_t i = 0; i < z->n; i++) {
		const struct zone_record *r = &z->records[i];
		if (r->kind == DNS_SRV && str_eq(r->name, name) && r->srv.port == port &&
		    str_eq(str_of(r->srv.target), target))
			return true;
	}
	return false;
}

/* clang-format off */
static const struct service {
	const char *srv;    /* label of the SRV record */
	enum topo_proto proto;
	const char *naptr;  /* RFC 3263, section 4.1; NULL: clients ask for the SRV alone */
	uint16_t order;
	const char *why;
} services[] = {
	{ "_sipinternaltls._tcp", TOPO_TLS, NULL, 0, "sign-in of Lync clients inside (DNS-12)" },
	{ "_sips._tcp", TOPO_TLS, "SIPS+D2T", 10, "SIP phones over TLS" },
	{ "_sip._tcp", TOPO_TCP, "SIP+D2T", 20, "SIP phones over TCP" },
	{ "_sip._udp", TOPO_UDP, "SIP+D2U", 30, "SIP phones over UDP" },
};
/* clang-format on */

static void add_srv(struct zone *z, struct arena *a, const struct topo_role *r, struct str domain,
                    const struct service *s)
{
	struct str name = arena_printf(a, "%s.%" STR_FMT, s->srv, STR_ARG(domain));
	struct str target = target_for(a, r, domain);
	uint16_t port = port_of(r, s->proto);
	if (port == 0 || has_srv(z, name, target, port))
		return;
	struct zone_record *rec = add(z, DNS_SRV, name, s->why);
	if (!rec)
		return;
	rec->srv.port = port;
	(void)snprintf(rec->srv.target, sizeof(rec->srv.target), "%" STR_FMT, STR_ARG(target));
}

static void add_naptr(struct zone *z, struct str domain, const struct service *s)
{
	struct zone_record *rec = add(z, DNS_NAPTR, domain, s->why);
	if (!rec)
		return;
	struct dns_naptr *n = &rec->naptr;
	n->order = s->order;
	n->preference = NAPTR_PREFERENCE;
	(void)snprintf(n->flags, sizeof(n->flags), "s");
	(void)snprintf(n->service, sizeof(n->service), "%s", s->naptr);
	(void)snprintf(n->replacement, sizeof(n->replacement), "%s.%" STR_FMT, s->srv,
	               STR_ARG(domain));
}

static bool is_frontend(const struct topo_role *r)
{
	return str_eq(r->role, STR("frontend")) && r->host;
}

static bool is_served(const struct topo *t, enum topo_proto proto)
{
	for (size_t i = 0; i < t->n_roles; i++) {
		if (is_frontend(&t->roles[i]) && port_of(&t->roles[i], proto) != 0)
			return true;
	}
	return false;
}

static void add_services(struct zone *z, struct arena *a, const struct topo *t, struct str domain)
{
	for (size_t s = 0; s < ARRAY_SIZE(services); s++) {
		for (size_t i = 0; i < t->n_roles; i++) {
			if (is_frontend(&t->roles[i]))
				add_srv(z, a, &t->roles[i], domain, &services[s]);
		}
	}
	for (size_t s = 0; s < ARRAY_SIZE(services); s++) {
		if (services[s].naptr && is_served(t, services[s].proto))
			add_naptr(z, domain, &services[s]);
	}
}

static void add_names(struct zone *z, struct arena *a, const struct topo_role *r, struct str domain)
{
	struct str sip = arena_printf(a, "sip.%" STR_FMT, STR_ARG(domain));
	struct str inside = arena_printf(a, "sipinternal.%" STR_FMT, STR_ARG(domain));
	add_host(z, sip, r->host, "clients that do not ask for SRV");
	add_host(z, inside, r->host, "Lync clients inside that do not ask for SRV");
}

/* Clients that look for their server by HTTP and HTTPS ask on their own ports alone; that of HTTP
 * leads to any of HTTPS. */
static void add_discovery(struct zone *z, struct arena *a, const struct topo *t, struct str domain)
{
	for (size_t i = 0; i < t->n_roles; i++) {
		const struct topo_role *r = &t->roles[i];
		if (!str_eq(r->role, STR("web")) || !r->host ||
		    (port_of(r, TOPO_HTTPS) != HTTPS_PORT && port_of(r, TOPO_HTTP) != HTTP_PORT))
			continue;
		add_host(z, arena_printf(a, "lyncdiscoverinternal.%" STR_FMT, STR_ARG(domain)),
		         r->host,
		         "Lync clients inside that look for their server by HTTPS (DNS-04)");
		add_host(z, arena_printf(a, "lyncdiscover.%" STR_FMT, STR_ARG(domain)), r->host,
		         "the same from the Internet (DNS-05)");
	}
}

/* --- the relay ------------------------------------------------------------------------------ */

static bool has_name(const struct zone *z, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq(z->records[i].name, name))
			return true;
	return false;
}

/* Where clients come to: its public addresses for those on the Internet, its private ones for the
 * others; all if it has none of the kind. */
static void add_faces(struct zone *z, struct str name, const struct topo_role *r, bool internet,
                      const char *why)
{
	struct addr at[TOPO_LISTENS_MAX];
	size_t n = topo_reach(r, TOPO_UDP, at, ARRAY_SIZE(at)), n_fit = 0;
	if (n == 0)
		n = topo_reach(r, TOPO_TCP, at, ARRAY_SIZE(at));
	for (size_t i = 0; i < n; i++)
		n_fit += addr_is_private(&at[i]) != internet;
	for (size_t i = 0; i < n; i++)
		if (n_fit == 0 || addr_is_private(&at[i]) != internet)
			add_addr(z, name, &at[i], why);
}

/* What a NAT shows, if there is one. */
static void add_outside(struct zone *z, struct str name, const struct relay_setup *s,
                        const struct topo_role *r)
{
	static const char why[] = "the relay, for clients on the Internet (DNS-09)";
	if (s->s.external_addresses.len == 0) {
		add_faces(z, name, r, true, why);
		return;
	}
	for (int i = 0; i < 2; i++) {
		const struct addr *a = &s->engine.own[i].external;
		if (a->sa.sa_family != AF_UNSPEC && !addr_is_private(a))
			add_addr(z, name, a, why);
	}
}

/* Names that clients are told.  An address needs no record, and of the front ends' names, which are
 * the first n records, there are others. */
static void add_edge(struct zone *z, size_t n, const struct topo *t, const struct topo_role *r)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct relay_setup s;
	struct addr a;
	if (relay_setup_read(&s, t, r, 0, r->processes, &why) < 0)
		return;
	struct str outside = relay_setup_name(&s, r, true), inside = relay_setup_name(&s, r, false);
	if (addr_parse(&a, outside, 0) < 0 && !has_name(z, n, outside))
		add_outside(z, outside, &s, r);
	if (addr_parse(&a, inside, 0) < 0 && !str_ieq(inside, outside) && !has_name(z, n, inside))
		add_faces(z, inside, r, false, "the relay, for clients inside");
}

static void add_edges(struct zone *z, const struct topo *t)
{
	size_t n = z->n;
	for (size_t i = 0; i < t->n_roles; i++)
		if (str_eq(t->roles[i].role, STR("edge-av")) && t->roles[i].host)
			add_edge(z, n, t, &t->roles[i]);
}

/* --- browsers ------------------------------------------------------------------------------- */

/* A name of the web role's own is what people type.  That of its host is nobody's but the host's,
 * and what a relay or a front end is called has its records. */
static void add_web(struct zone *z, const struct topo_role *r)
{
	struct addr at[TOPO_LISTENS_MAX];
	size_t n = topo_reach(r, TOPO_HTTPS, at, ARRAY_SIZE(at));
	if (str_ieq(r->fqdn, r->host->name) || has_name(z, z->n, r->fqdn))
		return;
	for (size_t i = 0; i < n; i++)
		add_addr(z, r->fqdn, &at[i], "the pages for browsers");
}

static void add_webs(struct zone *z, const struct topo *t)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (str_eq(t->roles[i].role, STR("web")) && t->roles[i].host)
			add_web(z, &t->roles[i]);
}

/* --- the whole ------------------------------------------------------------------------------ */

struct zone zone_of(struct arena *a, const struct topo *t)
{
	struct zone z = { .records = arena_alloc(a, ZONE_RECORDS_MAX * sizeof(*z.records)) };
	for (size_t d = 0; d < t->n_domains; d++) {
		add_services(&z, a, t, t->domains[d]);
		for (size_t i = 0; i < t->n_roles; i++) {
			if (is_frontend(&t->roles[i]))
				add_names(&z, a, &t->roles[i], t->domains[d]);
		}
		add_discovery(&z, a, t, t->domains[d]);
	}
	for (size_t i = 0; i < t->n_roles; i++) {
		if (is_frontend(&t->roles[i]))
			add_host(&z, t->roles[i].fqdn, t->roles[i].host, "the pool's own name");
	}
	add_edges(&z, t);
	add_webs(&z, t);
	return z;
}

/* --- lines ---------------------------------------------------------------------------------- */

static void put_addr(struct buf *b, const struct addr *a)
{
	auto_(buf_free) struct buf text = buf_of(64);
	addr_put_host(&text, a);
	struct str s = buf_view(&text);
	if (str_starts(s, STR("[")))
		s = str_sub(s, 1, s.len - 2);
	buf_str(b, s);
}

static void put_srv(struct buf *b, const struct dns_srv *s)
{
	buf_printf(b, "%u %u %u %s.", s->priority, s->weight, s->port, s->target);
}

static void put_naptr(struct buf *b, const struct dns_naptr *n)
{
	buf_printf(b, "%u %u \"%s\" \"%s\" \"\" %s.", n->order, n->preference, n->flags, n->service,
	           n->replacement);
}

void zone_put(struct buf *b, const struct zone_record *r)
{
	static const char *const type[] = {
		[DNS_A] = "A", [DNS_AAAA] = "AAAA", [DNS_SRV] = "SRV", [DNS_NAPTR] = "NAPTR"
	};
	buf_printf(b, "%" STR_FMT ". %d IN %s ", STR_ARG(r->name), ZONE_TTL_S, type[r->kind]);
	if (r->kind == DNS_SRV)
		put_srv(b, &r->srv);
	else if (r->kind == DNS_NAPTR)
		put_naptr(b, &r->naptr);
	else
		put_addr(b, &r->addr);
}

/* --- comparing ------------------------------------------------------------------------------ */

static struct str without_dot(const char *name)
{
	struct str s = str_of(name);
	if (str_ends(s, STR(".")))
		s.len--;
	return s;
}

static bool same_name(const char *a, const char *b)
{
	return str_ieq(without_dot(a), without_dot(b));
}

static bool matches(const struct zone_record *r, const struct dns_answer *answer, size_t i)
{
	if (r->kind == DNS_SRV)
		return answer->srvs[i].port == r->srv.port &&
		       same_name(answer->srvs[i].target, r->srv.target);
	if (r->kind == DNS_NAPTR)
		return str_ieq(str_of(answer->naptrs[i].service), str_of(r->naptr.service)) &&
		       str_ieq(str_of(answer->naptrs[i].flags), str_of(r->naptr.flags)) &&
		       same_name(answer->naptrs[i].replacement, r->naptr.replacement);
	return addr_eq_host(&answer->addrs[i], &r->addr);
}

static void put_found(struct buf *b, const struct zone_record *r, const struct dns_answer *answer,
                      size_t i)
{
	if (i > 0)
		buf_lit(b, ", ");
	if (r->kind == DNS_SRV)
		put_srv(b, &answer->srvs[i]);
	else if (r->kind == DNS_NAPTR)
		put_naptr(b, &answer->naptrs[i]);
	else
		put_addr(b, &answer->addrs[i]);
}

enum zone_state zone_compare(const struct zone_record *r, const struct dns_answer *answer,
                             struct buf *found)
{
	if (answer->err == -ENOENT || (answer->err == 0 && answer->n == 0))
		return ZONE_MISSING;
	if (answer->err < 0)
		return ZONE_UNKNOWN;
	for (size_t i = 0; i < answer->n; i++) {
		if (matches(r, answer, i))
			return ZONE_FOUND;
	}
	for (size_t i = 0; i < answer->n; i++)
		put_found(found, r, answer, i);
	return ZONE_WRONG;
}
