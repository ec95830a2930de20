#include "svc/conference/roster.h"

#include <stdlib.h>

void conf_set_text(char **text, struct str value)
{
	free(*text);
	*text = str_dup(value);
}

/* --- endpoints ------------------------------------------------------------------------ */

static void copy_text(char **at, struct str *ret, struct str s)
{
	*ret = str_n(*at, s.len);
	if (s.len > 0)
		memcpy(*at, s.p, s.len);
	*at += s.len;
}

static size_t leg_size(const struct confinfo_leg *leg)
{
	return leg->call_id.len + leg->local_tag.len + leg->remote_tag.len + leg->remote.len +
	       leg->contact.len + leg->route.len;
}

bool conf_leg_fits(const struct confinfo_leg *leg)
{
	return leg_size(leg) <= CONF_LEG_MAX;
}

bool conf_set_leg(struct conf_endpoint *e, const struct confinfo_leg *leg)
{
	size_t n = leg ? leg_size(leg) : 0;
	if (n > CONF_LEG_MAX)
		return false;
	if (!leg || leg == e->leg)
		return true;
	struct confinfo_leg *l = xcalloc(1, sizeof(*l) + n);
	char *at = (char *)(l + 1);
	*l = *leg;
	copy_text(&at, &l->call_id, leg->call_id);
	copy_text(&at, &l->local_tag, leg->local_tag);
	copy_text(&at, &l->remote_tag, leg->remote_tag);
	copy_text(&at, &l->remote, leg->remote);
	copy_text(&at, &l->contact, leg->contact);
	copy_text(&at, &l->route, leg->route);
	free(e->leg);
	e->leg = l;
	return true;
}

struct conf_endpoint *conf_new_endpoint(struct conf_person *p, struct str entity,
                                        enum confinfo_session s)
{
	struct conf_endpoint *e = xnew(struct conf_endpoint);
	e->entity = str_dup(str_sub(entity, 0, CONF_ENTITY_MAX));
	e->session = s;
	list_add(&p->endpoints, &e->node);
	p->n_endpoints++;
	return e;
}

void conf_set_epid(struct conf_endpoint *e, struct str epid)
{
	if (epid.len > 0)
		conf_set_text(&e->epid, str_sub(epid, 0, CONF_ENTITY_MAX));
}

void conf_free_endpoint(struct conf_person *p, struct conf_endpoint *e)
{
	list_del(&e->node);
	p->n_endpoints--;
	free(e->entity);
	free(e->epid);
	free(e->leg);
	free(e);
}

/* --- people --------------------------------------------------------------------------- */

struct conf_person *conf_find_person(const struct list *people, struct str uri)
{
	list_for(n, people)
	{
		struct conf_person *p = list_entry(n, struct conf_person, node);
		if (str_ieq(str_of(p->uri), uri))
			return p;
	}
	return NULL;
}

struct conf_person *conf_new_person(struct list *people, struct str uri, struct str name)
{
	struct conf_person *p = conf_find_person(people, uri);
	if (!p) {
		p = xnew(struct conf_person);
		p->uri = str_dup(uri);
		list_init(&p->endpoints);
		list_add(people, &p->node);
	}
	p->gone = p->waits = false;
	conf_set_text(&p->name, str_sub(name, 0, CONF_NAME_MAX));
	return p;
}

void conf_free_person(struct conf_person *p)
{
	list_for(n, &p->endpoints)
	{
		conf_free_endpoint(p, list_entry(n, struct conf_endpoint, node));
	}
	list_del(&p->node);
	free(p->uri);
	free(p->name);
	free(p);
}

/* --- looking and telling ---------------------------------------------------------------- */

static bool is_epid(const struct conf_endpoint *e, struct str epid)
{
	return e->epid && epid.len > 0 && str_ieq(str_of(e->epid), epid);
}

struct conf_endpoint *conf_of_epid(const struct conf_person *p, enum confinfo_session s,
                                   struct str epid)
{
	list_for(n, &p->endpoints)
	{
		struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->session == s && is_epid(e, epid))
			return e;
	}
	return NULL;
}

bool conf_is_phone(const struct conf_endpoint *e)
{
	return e->epid && str_istarts(str_of(e->epid), CONF_PHONE);
}

struct conf_endpoint *conf_pager(const struct conf_person *p)
{
	list_for(n, &p->endpoints)
	{
		struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->session == CONFINFO_CHAT && e->leg && e->leg->pager)
			return e;
	}
	return NULL;
}

/* A client has one dialog in a session; the end of one says nothing of another. */
static bool is_same(const struct conf_endpoint *have, const struct confinfo_endpoint *e)
{
	if (have->session != e->session)
		return false;
	if (have->leg && e->leg)
		return str_eq(have->leg->call_id, e->leg->call_id) ||
		       (e->status != CONFINFO_DISCONNECTED && is_epid(have, e->epid));
	return is_epid(have, e->epid) ||
	       (e->entity.len > 0 && str_ieq(str_of(have->entity), e->entity));
}

struct conf_endpoint *conf_same_endpoint(const struct conf_person *p,
                                         const struct confinfo_endpoint *e)
{
	list_for(n, &p->endpoints)
	{
		struct conf_endpoint *have = list_entry(n, struct conf_endpoint, node);
		if (is_same(have, e))
			return have;
	}
	return NULL;
}

bool conf_has_room(const struct conf_person *p, enum confinfo_session s)
{
	unsigned n_same = 0;
	list_for(n, &p->endpoints)
	{
		n_same += list_entry(n, struct conf_endpoint, node)->session == s;
	}
	return n_same < CONF_CLIENTS_MAX;
}

static void add_endpoints(struct confinfo_user *u, struct arena *a, const struct conf_person *p,
                          uint32_t sessions)
{
	struct confinfo_endpoint **end = &u->endpoints;
	list_for(n, &p->endpoints)
	{
		const struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (!(sessions >> e->session & 1))
			continue;
		*end = arena_alloc(a, sizeof(**end));
		(*end)->entity = str_of(e->entity);
		(*end)->epid = str_of(e->epid);
		(*end)->session = e->session;
		(*end)->status = e->status;
		(*end)->failed = e->failed;
		(*end)->leg = e->leg;
		end = &(*end)->next;
	}
}

struct confinfo_user *conf_add_user(struct confinfo *ci, struct confinfo_user ***end,
                                    struct arena *a, struct str uri, enum confinfo_role role)
{
	struct confinfo_user *u = arena_alloc(a, sizeof(*u));
	u->entity = uri;
	u->role = role;
	**end = u;
	*end = &u->next;
	ci->n_users++;
	return u;
}

void conf_add_person(struct confinfo *ci, struct confinfo_user ***end, struct arena *a,
                     const struct conf_person *p, uint32_t sessions)
{
	struct confinfo_user *u = conf_add_user(ci, end, a, str_of(p->uri), p->role);
	u->name = str_of(p->name);
	u->state = p->gone ? CONFINFO_DELETED : CONFINFO_FULL;
	add_endpoints(u, a, p, sessions);
}
