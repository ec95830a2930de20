#include "daemon/doors.h"

#include <errno.h>

#include "daemon/roles.h"
#include "topo/conf.h"

static bool is_door(const struct topo_role *r)
{
	return str_eq(r->role, STR("door"));
}

static const struct topo_role *door_of(const struct topo *t, const struct topo_host *host)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (is_door(&t->roles[i]) && t->roles[i].host == host)
			return &t->roles[i];
	return NULL;
}

/* Has r a listener there that comes by the door? */
static bool has(const struct topo_role *r, const struct addr *at, bool is_behind)
{
	for (size_t i = 0; i < r->n_listens; i++) {
		const struct topo_listen *l = &r->listens[i];
		if (l->proto != TOPO_UDP && l->is_behind == is_behind && addr_eq(&l->addr, at))
			return true;
	}
	return false;
}

static bool can_be_behind(const struct role *role, enum topo_proto proto)
{
	for (const struct role_port *p = role ? role->ports : NULL; p && p->name; p++)
		if (p->can_be_behind && p->proto == proto)
			return true;
	return false;
}

static void mark(struct topo *t, const struct topo_role *r, const struct role *role)
{
	const struct topo_role *door = door_of(t, r->host);
	for (size_t i = 0; i < r->n_listens; i++)
		if (can_be_behind(role, r->listens[i].proto))
			topo_set_behind(t, r, i, door && has(door, &r->listens[i].addr, false));
}

static bool leads_anywhere(const struct topo *t, const struct topo_role *door,
                           const struct addr *at)
{
	for (size_t i = 0; i < t->n_roles; i++)
		if (t->roles[i].host == door->host && has(&t->roles[i], at, true))
			return true;
	return false;
}

static int check(const struct topo *t, const struct topo_role *door, struct buf *errors)
{
	int bad = 0;
	for (size_t i = 0; i < door->n_listens; i++) {
		char text[64];
		struct buf at = BUF_ON(text);
		if (leads_anywhere(t, door, &door->listens[i].addr))
			continue;
		addr_put(&at, &door->listens[i].addr);
		conf_error(errors, door->section, door->section->line,
		           "nobody is behind %" STR_FMT
		           " of [role door]: no role of this host listens there with \"https\" "
		           "(web), \"tcp\" (edge-av) or \"tls\" (frontend); say so in its section, "
		           "or take the address "
		           "out of the door's \"tcp\"%s",
		           STR_ARG(buf_view(&at)),
		           t->port_offset > 0 ? " (ports here with the port-offset added)" : "");
		bad = -EINVAL;
	}
	return bad;
}

int doors_mark(struct topo *t, const struct role *const *roles, struct buf *errors)
{
	int bad = 0;
	for (size_t i = 0; i < t->n_roles; i++)
		mark(t, &t->roles[i], roles_find(roles, t->roles[i].role));
	for (size_t i = 0; i < t->n_roles; i++)
		if (is_door(&t->roles[i]))
			bad |= check(t, &t->roles[i], errors);
	return bad;
}
