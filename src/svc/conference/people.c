#include "svc/conference/inside.h"

#include <errno.h>

/* --- people --------------------------------------------------------------------------- */

const struct conf_person *conference_person(const struct conference *c, struct str uri)
{
	const struct conf_person *p = conf_find_person(&c->people, uri);
	return p && !p->gone ? p : NULL;
}

bool conference_is_inside(const struct conference *c, struct str uri)
{
	const struct conf_person *p = conference_person(c, uri);
	return p && !p->waits;
}

void conf_remove_person(struct conference *c, struct conf_person *p, enum conf_end why)
{
	const struct conferences *s = c->set;
	if (p->waits)
		c->n_waiting--;
	else
		c->n_inside--;
	p->gone = true;
	c->whole = false;
	if (p->kind != CONF_ANONYMOUS)
		c->known_s = c->last_active_s; /* which is now, where somebody did it */
	s->ops->removed(s->arg, c, p, why);
	list_for(n, &p->endpoints)
	{
		conf_free_endpoint(p, list_entry(n, struct conf_endpoint, node));
	}
	conf_mark(c, p);
	if (conf_is_empty(c)) {
		c->locked = false;
		s->ops->emptied(s->arg, c);
	}
}

bool conf_is_empty(const struct conference *c)
{
	return c->n_inside + c->n_waiting == 0;
}

void conf_empty(struct conference *c, enum conf_end why)
{
	list_for(n, &c->people)
	{
		struct conf_person *p = list_entry(n, struct conf_person, node);
		if (!p->gone)
			conf_remove_person(c, p, why);
	}
}

void conf_let_in(struct conference *c, struct conf_person *p)
{
	p->waits = false;
	c->n_waiting--;
	c->n_inside++;
	list_for(n, &p->endpoints)
	{
		list_entry(n, struct conf_endpoint, node)->status = CONFINFO_CONNECTED;
	}
	conf_mark(c, p);
	c->set->ops->tell_mcus(c->set->arg, c, p);
}

/* --- joining -------------------------------------------------------------------------- */

static struct conf_door door_of(const struct conference *c)
{
	return (struct conf_door){
		.admission = c->admission,
		.promote = c->promote,
		.locked = c->locked,
		.lobby = c->lobby,
		.anonymous = c->set->settings->anonymous,
		.is_full = c->n_inside >= c->set->settings->people_max,
		.lobby_is_full = c->n_waiting >= CONF_LOBBY_MAX,
	};
}

static struct conf_guest guest_of(const struct conference *c, const struct conf_who *w,
                                  bool can_wait)
{
	const struct conf_invited *i = conf_find_invited(c, w->uri);
	const struct conf_person *p = conference_person(c, w->uri);
	return (struct conf_guest){
		.kind = w->kind,
		.invited = i && w->kind != CONF_ANONYMOUS ? i->role : CONFINFO_NO_ROLE,
		.is_organizer = w->kind == CONF_COMPANY && conf_leads(c, w->uri),
		.is_inside = p && !p->waits,
		.is_waiting = p && p->waits,
		.can_wait = can_wait,
	};
}

static struct conf_person *enter(struct conference *c, uint64_t now_s, const struct conf_join *j,
                                 enum conf_entry how, enum confinfo_role role)
{
	struct conf_person *p = conf_new_person(&c->people, j->who.uri, j->who.name);
	if (conf_is_empty(c))
		c->known_s = now_s;
	p->kind = j->who.kind;
	p->role = role;
	p->waits = how == CONF_WAITS;
	if (p->waits)
		c->n_waiting++;
	else
		c->n_inside++;
	return p;
}

static bool is_well_formed(const struct conf_join *j)
{
	return j->who.uri.len > 0 && j->who.uri.len <= CONF_URI_MAX && j->entity.len > 0 &&
	       j->entity.len <= CONF_ENTITY_MAX && (!j->leg || conf_leg_fits(j->leg)) &&
	       (!j->pager || conf_leg_fits(j->pager));
}

/* Nobody comes in under the name of another. */
static bool is_same_kind(struct conf_person *p, const struct conf_join *j)
{
	if (p->kind == CONF_UNKNOWN)
		p->kind = j->who.kind;
	return p->gone || p->kind == j->who.kind;
}

static bool is_same_client(const struct conf_endpoint *e, const struct conf_join *j)
{
	return str_ieq(str_of(e->entity), j->entity) ||
	       (e->epid && j->epid.len > 0 && str_ieq(str_of(e->epid), j->epid)) ||
	       (e->leg && j->leg && str_eq(e->leg->call_id, j->leg->call_id));
}

/* A client that comes again takes its own place, one alone whatever it says of itself: the dialogs
 * it had are dead to it.  NULL: no room. */
static struct conf_endpoint *focus_endpoint(struct conf_person *p, const struct conf_join *j)
{
	struct conf_endpoint *own = NULL;
	list_for(n, &p->endpoints)
	{
		struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->session != CONFINFO_FOCUS || !is_same_client(e, j))
			continue;
		if (own)
			conf_free_endpoint(p, e);
		else
			own = e;
	}
	if (!own && conf_has_room(p, CONFINFO_FOCUS))
		own = conf_new_endpoint(p, j->entity, CONFINFO_FOCUS);
	return own;
}

/* False: no room. */
static bool set_pager(struct conf_person *p, const struct conf_join *j)
{
	if (!j->pager || conf_pager(p))
		return true;
	if (!conf_has_room(p, CONFINFO_CHAT))
		return false;
	struct conf_endpoint *e = conf_new_endpoint(p, j->entity, CONFINFO_CHAT);
	conf_set_epid(e, CONF_PHONE);
	(void)conf_set_leg(e, j->pager);
	e->status = CONFINFO_CONNECTED;
	return true;
}

enum conf_entry conference_join(struct conference *c, uint64_t now_s, const struct conf_join *j,
                                const struct conf_person **ret, enum c3p_reason *ret_reason)
{
	struct conf_door d = door_of(c);
	struct conf_guest g = guest_of(c, &j->who, j->can_wait);
	struct conf_person *p = conf_find_person(&c->people, j->who.uri);
	*ret_reason = C3P_REQUEST_MALFORMED;
	if (!is_well_formed(j))
		return CONF_REFUSED;
	*ret_reason = C3P_NOT_AUTHORIZED;
	if (p && !is_same_kind(p, j))
		return CONF_REFUSED;
	enum conf_entry how = conf_admit(&d, &g, ret_reason);
	if (how == CONF_REFUSED)
		return how;
	if (!g.is_inside && !g.is_waiting)
		p = enter(c, now_s, j, how, conf_role(&d, &g));
	*ret_reason = C3P_MAX_SIZE;
	struct conf_endpoint *e = set_pager(p, j) ? focus_endpoint(p, j) : NULL;
	if (!e)
		return CONF_REFUSED;
	conf_set_text(&e->entity, j->entity);
	conf_set_epid(e, j->epid);
	(void)conf_set_leg(e, j->leg); /* its size was checked */
	e->status = p->waits ? CONFINFO_ON_HOLD : CONFINFO_CONNECTED;
	conference_touch(c, now_s);
	conf_mark(c, p);
	if (p->waits && how == CONF_ENTERS)
		conf_let_in(c, p);
	else if (!p->waits)
		c->set->ops->tell_mcus(c->set->arg, c, p);
	conf_save(c, CONF_SAVE_LATER);
	*ret = p;
	return how;
}

/* --- leaving -------------------------------------------------------------------------- */

static bool has_focus(const struct conf_person *p)
{
	list_for(n, &p->endpoints)
	{
		if (list_entry(n, struct conf_endpoint, node)->session == CONFINFO_FOCUS)
			return true;
	}
	return false;
}

static struct conf_endpoint *of_call(const struct conf_person *p, struct str call_id)
{
	list_for(n, &p->endpoints)
	{
		struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->session == CONFINFO_FOCUS && e->leg && str_eq(e->leg->call_id, call_id))
			return e;
	}
	return NULL;
}

static bool has_focus_phone(const struct conf_person *p)
{
	list_for(n, &p->endpoints)
	{
		const struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->session == CONFINFO_FOCUS && conf_is_phone(e))
			return true;
	}
	return false;
}

/* The MCU is told before it is forgotten. */
static void end_pager(struct conference *c, struct conf_person *p)
{
	struct conf_endpoint *e = conf_pager(p);
	if (!e || has_focus_phone(p))
		return;
	e->status = CONFINFO_DISCONNECTED;
	c->set->ops->tell_mcus(c->set->arg, c, p);
	conf_free_endpoint(p, e);
}

static void left(struct conference *c, uint64_t now_s, struct conf_person *p)
{
	conference_touch(c, now_s);
	end_pager(c, p);
	if (has_focus(p))
		conf_mark(c, p);
	else
		conf_remove_person(c, p, CONF_LEFT);
	conf_save(c, CONF_SAVE_LATER);
}

int conference_leave(struct conference *c, uint64_t now_s, struct str uri, struct str call_id)
{
	struct conf_person *p = conf_find_person(&c->people, uri);
	struct conf_endpoint *e = p ? of_call(p, call_id) : NULL;
	if (!e)
		return -ENOENT;
	conf_free_endpoint(p, e);
	left(c, now_s, p);
	return 0;
}

int conference_leave_phone(struct conference *c, uint64_t now_s, struct str uri)
{
	struct conf_person *p = conf_find_person(&c->people, uri);
	if (!p || p->gone || !conf_pager(p))
		return -ENOENT;
	list_for(n, &p->endpoints)
	{
		struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->session == CONFINFO_FOCUS && conf_is_phone(e) && e->leg && e->leg->pager)
			conf_free_endpoint(p, e);
	}
	conf_drop_member(c, uri);
	left(c, now_s, p);
	return 0;
}
