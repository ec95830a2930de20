#include "daemon/config.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/roles.h"
#include "topo/conf.h"

static int add_ports(struct topo *t, const struct topo_role *tr, const struct role *role,
                     struct buf *errors)
{
	int bad = 0;
	for (const struct role_port *p = role->ports; p && p->name; p++)
		bad |= topo_add_default_port(t, tr, p->proto, p->port, errors);
	return bad | topo_add_metrics_port(t, tr, role->metrics_port, errors);
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
	return bad | add_ports(t, tr, role, errors);
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
	bad |= topo_check_ports(t, errors);
	return bad ? NULL : take(&t);
}

struct config *config_load(const char *dir, const struct role *const *roles, struct buf *errors)
{
	auto_(config_free) struct config *c = xnew(struct config);
	c->topology = buf_of(CONF_TEXT_MAX);
	c->local = buf_of(CONF_TEXT_MAX);
	c->dir = realpath(dir, NULL);
	if (!c->dir) {
		buf_printf(errors, "%s: %s\n", dir, strerror(errno));
		return NULL;
	}
	int a = topo_load_text(c->dir, TOPO_FILE, &c->topology, errors);
	int b = topo_load_text(c->dir, TOPO_LOCAL_FILE, &c->local, errors);
	if (a < 0 || b < 0)
		return NULL;
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

int config_restart_reasons(const struct config *now, const struct config *next,
                           const struct role *const *roles, struct buf *why)
{
	const struct topo *a = now->topo, *b = next->topo;
	int n = changed_local(a, b, why);
	n += missing_roles(a, b, "removed", why) + missing_roles(b, a, "added", why);
	for (size_t i = 0; i < a->n_roles; i++) {
		const struct topo_role *r = &a->roles[i];
		const struct topo_role *s = topo_role_here(b, r->role);
		if (r->host == a->self && s)
			n += changed_role(r, s, roles_find(roles, r->role), why);
	}
	return n;
}
