#include "daemon/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/doors.h"
#include "daemon/roles.h"
#include "topo/conf.h"

static bool is_bound(const struct topo *t, const struct topo_role *tr, const struct role_port *p)
{
	return !p->across || topo_meets_any(t, tr, str_of(p->across));
}

static bool listens(const struct topo_role *tr, enum topo_proto proto)
{
	for (size_t i = 0; i < tr->n_listens; i++)
		if (tr->listens[i].proto == proto)
			return true;
	return false;
}

/* What a role listens for and what its section says must fit: nothing is bound in vain, and what
 * other hosts need is there.  Of ports for roles of other hosts; `bound`: some port is. */
static int check_across(const struct topo_role *tr, const struct role_port *p, bool bound,
                        struct buf *errors)
{
	const char *key = topo_proto_name(p->proto);
	if (bound == listens(tr, p->proto))
		return 0;
	if (bound)
		conf_error(errors, tr->section, tr->section->line,
		           "[role %" STR_FMT "] must listen over %s for the role %s of another "
		           "host; give it an address in \"%s\", or take the line away",
		           STR_ARG(tr->role), key, p->across, key);
	else
		conf_error(errors, tr->section, tr->section->line,
		           "\"%s\" of [role %" STR_FMT "] is for the role %s of another host, and "
		           "there is none that it would speak with; take the line away",
		           key, STR_ARG(tr->role), p->across);
	return -EINVAL;
}

/* What a role does not speak is not bound in vain either. */
static int check_spoken(const struct topo_role *tr, const struct role *role, struct buf *errors)
{
	bool spoken[TOPO_N_PROTOS] = { false };
	int bad = 0;
	for (const struct role_port *p = role->ports; p && p->name; p++)
		spoken[p->proto] = true;
	for (int proto = 0; proto < TOPO_N_PROTOS; proto++) {
		const char *key = topo_proto_name((enum topo_proto)proto);
		if (spoken[proto] || !listens(tr, (enum topo_proto)proto))
			continue;
		conf_error(errors, tr->section, tr->section->line,
		           "[role %s] has no use for \"%s\"; take the line away", role->name, key);
		bad = -EINVAL;
	}
	return bad;
}

static int add_ports(struct topo *t, const struct topo_role *tr, const struct role *role,
                     struct buf *errors)
{
	bool bound[TOPO_N_PROTOS] = { false };
	int bad = 0;
	for (const struct role_port *p = role->ports; p && p->name; p++) {
		if (!is_bound(t, tr, p))
			continue;
		bound[p->proto] = true;
		bad |= p->beside ? topo_add_port_beside(t, tr, p->proto, p->port, p->beside, errors)
		                 : topo_add_default_port(t, tr, p->proto, p->port, p->open, errors);
	}
	for (const struct role_port *p = role->ports; p && p->name; p++)
		if (p->across)
			bad |= check_across(tr, p, bound[p->proto], errors);
	bad |= check_spoken(tr, role, errors);
	return bad | topo_add_metrics_port(t, tr, role->metrics_port, errors);
}

/* Certificates tell the roles of other hosts apart by their names. */
static int check_peer(const struct topo_role *tr, const struct topo_role *other, struct buf *errors)
{
	if (!str_eq(tr->fqdn, other->fqdn) && !str_eq(tr->fqdn, other->host->name))
		return 0;
	conf_error(errors, tr->section, tr->section->line,
	           "[role %" STR_FMT "] and [role %" STR_FMT
	           "] of another host have the same name, "
	           "%" STR_FMT ", by which their certificates tell them apart; give them different "
	           "ones",
	           STR_ARG(tr->role), STR_ARG(other->role), STR_ARG(tr->fqdn));
	return -EINVAL;
}

static int check_name(const struct topo_role *tr, struct buf *errors)
{
	struct addr a;
	if (addr_parse(&a, tr->fqdn, 0) < 0)
		return 0;
	conf_error(errors, tr->section, tr->section->line,
	           "[role %" STR_FMT
	           "] speaks with roles of other hosts and needs a DNS name for its "
	           "certificate, not the address %" STR_FMT "; set \"name\" here or in [host]",
	           STR_ARG(tr->role), STR_ARG(tr->fqdn));
	return -EINVAL;
}

static int check_peers(const struct topo *t, const struct topo_role *tr, const struct role *role,
                       struct buf *errors)
{
	int bad = 0;
	for (size_t i = 0; i < t->n_roles; i++) {
		const struct topo_role *other = &t->roles[i];
		if (!role_speaks_with(role, t, tr, other))
			continue;
		bad |= check_peer(tr, other, errors);
		for (size_t k = 0; k < t->n_roles; k++)
			if (k != i && role_speaks_with(role, t, tr, &t->roles[k]))
				bad |= check_peer(other, &t->roles[k], errors);
	}
	if (!role_speaks_across(role, t, tr))
		return bad;
	bad |= check_name(tr, errors);
	if (!role->alone_across || tr->processes == 1)
		return bad;
	conf_error(errors, tr->section, tr->section->line,
	           "[role %s] serves other hosts and can have one process; set \"processes = 1\", "
	           "or give further hosts a [role %s]",
	           role->name, role->name);
	return -EINVAL;
}

static const struct topo_role *role_on(const struct topo *t, struct str role,
                                       const struct topo_host *host)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (str_eq(t->roles[i].role, role) && (!host || t->roles[i].host == host))
			return &t->roles[i];
	return NULL;
}

static bool can_cross(const struct role *role, const char *other)
{
	for (const struct role_port *p = role->ports; p && p->name; p++)
		if (p->across && strcmp(p->across, other) == 0)
			return true;
	for (const char *const *name = role->reaches; name && *name; name++)
		if (strcmp(*name, other) == 0)
			return true;
	return false;
}

/* Whom it asks over a local link alone must be on its own host, if there is one. */
static int check_company(const struct topo *t, const struct topo_role *tr, const struct role *role,
                         struct buf *errors)
{
	int bad = 0;
	for (const struct role_right *r = role->rights; r && r->of; r++) {
		const struct topo_role *other = role_on(t, str_of(r->of), NULL);
		if (!other || can_cross(role, r->of) || role_on(t, other->role, tr->host))
			continue;
		conf_error(errors, tr->section, tr->section->line,
		           "[role %s] is on host %" STR_FMT
		           ", but [role %s], which it speaks with, "
		           "is on host %" STR_FMT "; give both the same host",
		           role->name, STR_ARG(tr->host->id), r->of, STR_ARG(other->host->id));
		bad = -EINVAL;
	}
	return bad;
}

static int unknown_role(const struct topo_role *tr, const struct role *const *roles,
                        struct buf *errors)
{
	const char *names[TOPO_ROLES_MAX + 1];
	size_t n = 0;
	for (; roles[n] && n < TOPO_ROLES_MAX; n++)
		names[n] = roles[n]->name;
	names[n] = NULL;
	const char *near = conf_nearest(tr->role, names);
	conf_error(errors, tr->section, tr->section->line,
	           "there is no role \"%" STR_FMT "\"%s%s%s", STR_ARG(tr->role),
	           near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	return -EINVAL;
}

/* What belongs together: said here as it would be when the role starts. */
static int check_whole(const struct topo *t, const struct topo_role *tr, const struct role *role,
                       struct buf *errors)
{
	auto_(buf_free) struct buf why = buf_of(CONF_ERRORS_MAX);
	struct str line, rest;
	if (!role->check || role->check(t, tr, &why) == 0)
		return 0;
	for (rest = buf_view(&why); rest.len > 0;) {
		(void)str_cut(rest, '\n', &line, &rest);
		if (line.len > 0)
			conf_error(errors, tr->section, tr->section->line, "[role %s] %" STR_FMT,
			           role->name, STR_ARG(line));
	}
	return -EINVAL;
}

static int check_role(struct topo *t, const struct topo_role *tr, const struct role *const *roles,
                      struct buf *errors)
{
	static const struct setting *const none[] = { NULL };
	const struct role *role = roles_find(roles, tr->role);
	if (!role)
		return unknown_role(tr, roles, errors);
	int bad = topo_check_keys(t, tr, role->settings ? role->settings : none, errors);
	if (tr->processes > role->max_processes) {
		conf_error(errors, tr->section, tr->section->line,
		           "[role %s] can have at most %u processes", role->name,
		           role->max_processes);
		bad = -EINVAL;
	}
	bad |= add_ports(t, tr, role, errors) | check_peers(t, tr, role, errors) |
	       check_company(t, tr, role, errors);
	return bad ? bad : check_whole(t, tr, role, errors);
}

struct topo *config_topo(struct str topology, struct str local, const char *dir,
                         const struct role *const *roles, struct buf *errors)
{
	auto_(topo_free) struct topo *t = topo_parse(topology, local, dir, errors);
	int bad = 0;
	if (!t)
		return NULL;
	for (size_t i = 0; i < t->n_roles; i++)
		bad |= check_role(t, &t->roles[i], roles, errors);
	bad |= doors_mark(t, roles, errors);
	bad |= topo_check_ports(t, errors);
	return bad ? NULL : take(&t);
}

/* Who has just begun, or named the wrong directory. */
static void tell_where(struct buf *errors)
{
	buf_lit(errors,
	        "Both files must be in the directory that --config names (/etc/dialtone if it "
	        "names none); dialtone.conf(5) says what stands in them, and `./run` in "
	        "the source tree makes them.\n");
}

struct config *config_load(const char *dir, const struct role *const *roles, struct buf *errors)
{
	auto_(config_free) struct config *c = xnew(struct config);
	c->topology = buf_of(CONF_TEXT_MAX);
	c->local = buf_of(CONF_TEXT_MAX);
	c->dir = realpath(dir, NULL);
	if (!c->dir) {
		buf_printf(errors, "%s: %s\n", dir, strerror(errno));
		tell_where(errors);
		return NULL;
	}
	int a = topo_load_text(c->dir, TOPO_FILE, &c->topology, errors);
	int b = topo_load_text(c->dir, TOPO_LOCAL_FILE, &c->local, errors);
	if (a < 0 || b < 0) {
		tell_where(errors);
		return NULL;
	}
	c->topo = config_topo(buf_view(&c->topology), buf_view(&c->local), c->dir, roles, errors);
	return c->topo ? take(&c) : NULL;
}

void config_free(struct config **cp)
{
	struct config *c = *cp;
	*cp = NULL;
	if (!c)
		return;
	topo_free(&c->topo);
	buf_free(&c->topology);
	buf_free(&c->local);
	free(c->dir);
	free(c);
}

static bool same_listens(const struct topo_role *a, const struct topo_role *b)
{
	if (a->n_listens != b->n_listens)
		return false;
	for (size_t i = 0; i < a->n_listens; i++)
		if (a->listens[i].proto != b->listens[i].proto ||
		    !addr_eq(&a->listens[i].addr, &b->listens[i].addr))
			return false;
	return true;
}

static struct str raw_value(const struct topo_role *r, const struct setting *row)
{
	const struct conf_entry *e = conf_get(r->section, str_of(row->name));
	return e ? e->value : str_of(row->def);
}

static int changed_settings(const struct topo_role *a, const struct topo_role *b,
                            const struct setting *const *tables, struct buf *why)
{
	int n = 0;
	for (; tables && *tables; tables++)
		for (const struct setting *row = *tables; row->name; row++)
			if (row->restart && !str_eq(raw_value(a, row), raw_value(b, row))) {
				buf_printf(why, "[role %" STR_FMT "] %s\n", STR_ARG(a->role),
				           row->name);
				n++;
			}
	return n;
}

static int changed_role(const struct topo_role *a, const struct topo_role *b,
                        const struct role *role, struct buf *why)
{
	struct {
		bool changed;
		const char *what;
	} const checks[] = {
		{ !same_listens(a, b), "listening addresses" },
		{ a->processes != b->processes, "processes" },
		{ a->metrics_port != b->metrics_port, "metrics-port" },
		{ !str_eq(a->fqdn, b->fqdn), "name" },
	};
	int n = changed_settings(a, b, role->settings, why);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (checks[i].changed) {
			buf_printf(why, "[role %" STR_FMT "] %s\n", STR_ARG(a->role),
			           checks[i].what);
			n++;
		}
	return n;
}

static int changed_local(const struct topo *a, const struct topo *b, struct buf *why)
{
	struct {
		struct str a, b;
		const char *what;
	} const checks[] = {
		{ a->self->id, b->self->id, "[local] host" },
		{ a->data_dir, b->data_dir, "[local] data" },
		{ a->cert_dir, b->cert_dir, "[local] certificates" },
		{ a->run_dir, b->run_dir, "[local] run" },
		{ a->user, b->user, "[local] user" },
		{ a->realm, b->realm, "[deployment] realm" },
		{ a->self->name, b->self->name, "[host] name" },
	};
	int n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (!str_eq(checks[i].a, checks[i].b)) {
			buf_printf(why, "%s\n", checks[i].what);
			n++;
		}
	return n;
}

static int missing_roles(const struct topo *a, const struct topo *b, const char *what,
                         struct buf *why)
{
	int n = 0;
	for (size_t i = 0; i < a->n_roles; i++) {
		const struct topo_role *r = &a->roles[i];
		if (r->host != a->self || topo_role_here(b, r->role))
			continue;
		buf_printf(why, "[role %" STR_FMT "] %s\n", STR_ARG(r->role), what);
		n++;
	}
	return n;
}

static bool same_peer(const struct topo_role *a, const struct topo_role *b)
{
	return str_eq(a->role, b->role) && str_eq(a->host->id, b->host->id) &&
	       str_eq(a->fqdn, b->fqdn) && a->processes == b->processes && same_listens(a, b);
}

/* The next role of another host that this one speaks with, from *at on; NULL. */
static const struct topo_role *next_peer(const struct topo *t, const struct topo_role *tr,
                                         const struct role *role, size_t *at)
{
	while (*at < t->n_roles) {
		const struct topo_role *other = &t->roles[(*at)++];
		if (role_speaks_with(role, t, tr, other))
			return other;
	}
	return NULL;
}

static bool same_peers(const struct topo *a, const struct topo_role *ra, const struct topo *b,
                       const struct topo_role *rb, const struct role *role)
{
	size_t i = 0, k = 0;
	for (;;) {
		const struct topo_role *x = next_peer(a, ra, role, &i);
		const struct topo_role *y = next_peer(b, rb, role, &k);
		if (!x || !y)
			return x == y;
		if (!same_peer(x, y))
			return false;
	}
}

static int changed_peers(const struct topo *a, const struct topo_role *ra, const struct topo *b,
                         const struct topo_role *rb, const struct role *role, struct buf *why)
{
	if (same_peers(a, ra, b, rb, role))
		return 0;
	buf_printf(why, "[role %s] roles of other hosts that it speaks with\n", role->name);
	return 1;
}

int config_restart_reasons(const struct config *now, const struct config *next,
                           const struct role *const *roles, struct buf *why)
{
	const struct topo *a = now->topo, *b = next->topo;
	int n = changed_local(a, b, why);
	n += missing_roles(a, b, "removed", why) + missing_roles(b, a, "added", why);
	for (size_t i = 0; i < a->n_roles; i++) {
		const struct topo_role *r = &a->roles[i];
		const struct topo_role *s = topo_role_here(b, r->role);
		if (r->host != a->self || !s)
			continue;
		const struct role *role = roles_find(roles, r->role);
		n += changed_role(r, s, role, why) + changed_peers(a, r, b, s, role, why);
	}
	return n;
}
