#include "role/door/route.h"

#include "auth/cert_names.h"
#include "topo/conf.h"

enum { NAMES_MAX = CA_NAMES_MAX + 64 };

const char *const door_roles[DOOR_N_TO] = { "edge-av", "web", "frontend" };

enum topo_proto door_proto(enum door_to to)
{
	static const enum topo_proto protos[DOOR_N_TO] = { TOPO_TCP, TOPO_HTTPS, TOPO_TLS };
	return protos[to];
}

/* --- names ----------------------------------------------------------------------------------- */

static struct str lower(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.len + 1);
	for (size_t i = 0; i < s.len; i++)
		p[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] + 32) : s.p[i];
	return str_n(p, s.len);
}

static void read_names(struct door_names *ret, struct arena *a, const struct topo *t,
                       const struct topo_role *r)
{
	struct ca_names of_cert = cert_names_of(a, t, r);
	/* Further ones of the web role, as that of a reverse proxy that passes TLS through. */
	const struct conf_entry *more = conf_get(r->section, STR("names"));
	struct str *list = arena_alloc(a, NAMES_MAX * sizeof(*list));
	struct str rest = more ? more->value : STR(""), item;
	size_t n = 0;
	for (size_t i = 0; i < of_cert.n_dns && n < NAMES_MAX; i++)
		if (str_ieq(of_cert.dns[i], r->fqdn) || !str_ieq(of_cert.dns[i], r->host->name))
			list[n++] = lower(a, of_cert.dns[i]);
	while (n < NAMES_MAX && conf_next_item(&rest, &item))
		list[n++] = lower(a, item);
	*ret = (struct door_names){ list, n };
}

void door_rules_read(struct door_rules *ret, struct arena *a, const struct topo *t,
                     enum door_to by_default)
{
	*ret = (struct door_rules){ .by_default = by_default };
	for (int to = 0; to < DOOR_N_TO; to++) {
		const struct topo_role *r = topo_role_here(t, str_of(door_roles[to]));
		if (r)
			read_names(&ret->names[to], a, t, r);
	}
}

/* --- deciding -------------------------------------------------------------------------------- */

static bool has(unsigned set, enum door_to to)
{
	return (set & 1U << to) != 0;
}

/* The only one of the set, or DOOR_NOBODY. */
static enum door_to only(unsigned set)
{
	for (enum door_to to = 0; to < DOOR_N_TO; to++)
		if (set == 1U << to)
			return to;
	return DOOR_NOBODY;
}

static unsigned by_protocols(unsigned protocols)
{
	return ((protocols & OPENING_TURN) ? 1U << DOOR_RELAY : 0) |
	       ((protocols & OPENING_HTTP) ? 1U << DOOR_WEB : 0) |
	       ((protocols & OPENING_SIP) ? 1U << DOOR_SIP : 0);
}

static unsigned by_name(const struct door_rules *rules, struct str name)
{
	unsigned set = 0;
	for (int to = 0; to < DOOR_N_TO; to++)
		for (size_t i = 0; i < rules->names[to].n; i++)
			if (str_eq(rules->names[to].list[i], name))
				set |= 1U << to;
	return set;
}

static enum door_to by_default(const struct door_rules *rules, unsigned there)
{
	if (has(there, rules->by_default))
		return rules->by_default;
	for (enum door_to to = 0; to < DOOR_N_TO; to++)
		if (has(there, to))
			return to;
	return DOOR_NOBODY;
}

enum door_to door_route(const struct door_rules *rules, unsigned there, enum opening_kind kind,
                        const struct opening *o)
{
	if (kind == OPENING_RELAY)
		return has(there, DOOR_RELAY) ? DOOR_RELAY : DOOR_NOBODY;
	if (kind == OPENING_PLAIN) /* who says what the browser should have done */
		return has(there, DOOR_WEB) ? DOOR_WEB : DOOR_NOBODY;
	if (kind != OPENING_TLS)
		return DOOR_NOBODY;
	enum door_to to = only(by_protocols(o->protocols) & there);
	if (to == DOOR_NOBODY && o->name_len > 0)
		to = only(by_name(rules, opening_name(o)) & there);
	return to != DOOR_NOBODY ? to : by_default(rules, there);
}
