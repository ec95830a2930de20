#include "svc/conference/inside.h"

/* --- what an MCU says ----------------------------------------------------------------- */

/* An MCU does not know a client's GUID: it is that of the focus dialog of the same epid, or of the
 * person's first one. */
static struct str entity_of(const struct conf_person *p, const struct confinfo_endpoint *e)
{
	const struct conf_endpoint *f = conf_of_epid(p, CONFINFO_FOCUS, e->epid);
	if (e->entity.len > 0)
		return e->entity;
	if (!f && !list_empty(&p->endpoints))
		f = list_entry(p->endpoints.next, struct conf_endpoint, node);
	return f ? str_of(f->entity) : STR("{}");
}

static bool is_over(enum confinfo_status s)
{
	return s == CONFINFO_DISCONNECTED;
}

/* A client without its dialog with the MCU hears nothing more, and most do not notice. */
static void lost(struct conference *c, struct conf_person *p, const struct confinfo_endpoint *e)
{
	struct conf_endpoint *f = conf_of_epid(p, CONFINFO_FOCUS, e->epid);
	if (!f || !f->leg || conf_is_phone(f) || f->status != CONFINFO_CONNECTED ||
	    conf_of_epid(p, e->session, e->epid))
		return;
	f->status = CONFINFO_PENDING;
	c->set->ops->tell_mcus(c->set->arg, c, p);
	c->set->ops->lost(c->set->arg, c, p, f);
}

/* False: no room. */
static bool take_endpoint(struct conference *c, struct conf_person *p,
                          const struct confinfo_endpoint *e)
{
	struct conf_endpoint *have = conf_same_endpoint(p, e);
	if (e->session == CONFINFO_FOCUS && e->status == CONFINFO_PENDING)
		return true; /* its dialog was ended before the restart: it comes, or it does not */
	if (is_over(e->status)) {
		if (have)
			conf_free_endpoint(p, have);
		c->whole = false;
		if (have && e->failed)
			lost(c, p, e);
		conf_mark(c, p);
		return true;
	}
	if (!have && !conf_has_room(p, e->session))
		return false;
	if (!have)
		have = conf_new_endpoint(p, entity_of(p, e), e->session);
	conf_set_epid(have, e->epid);
	have->status = e->status;
	conf_mark(c, p);
	return conf_set_leg(have, e->leg);
}

/* Who leads a lasting conference is stored; what the MCU knew may be older. */
static enum confinfo_role role_of(const struct conference *c, const struct confinfo_user *u)
{
	const struct conf_invited *i = c->lasting ? conf_find_invited(c, u->entity) : NULL;
	if (i)
		return i->role;
	if (u->role != CONFINFO_NO_ROLE)
		return u->role;
	return conf_leads(c, u->entity) ? CONFINFO_PRESENTER : CONFINFO_ATTENDEE;
}

/* After a restart of the focus: the MCU has only people that the focus had let in. */
static struct conf_person *take_in(struct conference *c, const struct confinfo_user *u)
{
	struct conf_person *p;
	if (c->n_inside >= c->set->settings->people_max || u->entity.len > CONF_URI_MAX)
		return NULL;
	p = conf_new_person(&c->people, u->entity, u->name);
	p->kind = CONF_UNKNOWN;
	p->role = role_of(c, u);
	c->n_inside++;
	return p;
}

static void drop_session(struct conference *c, struct conf_person *p, enum confinfo_session s)
{
	list_for(n, &p->endpoints)
	{
		struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->session != s)
			continue;
		conf_free_endpoint(p, e);
		c->whole = false;
		conf_mark(c, p);
	}
}

static bool has_live_endpoint(const struct confinfo_user *u)
{
	for (const struct confinfo_endpoint *e = u->endpoints; e; e = e->next)
		if (!is_over(e->status))
			return true;
	return false;
}

/* False: no room.  News of somebody who is not known were on their way when they left; it is the
 * whole roster that brings them back after a restart. */
static bool take_user(struct conference *c, enum confinfo_session s, const struct confinfo_user *u,
                      bool whole)
{
	struct conf_person *p = conf_find_person(&c->people, u->entity);
	bool is_new = !p || p->gone;
	if (is_new) {
		if (!whole || u->state == CONFINFO_DELETED || !has_live_endpoint(u))
			return true;
		p = take_in(c, u);
	} else if (p->waits) {
		return true; /* the focus did not let them in */
	} else if (u->state == CONFINFO_DELETED) {
		drop_session(c, p, s);
	}
	/* What it holds of other sessions is news for one alone who has forgotten it. */
	for (const struct confinfo_endpoint *e = u->endpoints; p && e; e = e->next)
		if ((is_new || e->session == s) && !take_endpoint(c, p, e))
			return false;
	return p != NULL;
}

/* A phone that takes no message any more is out. */
static bool is_lost_phone(const struct conf_person *p)
{
	list_for(n, &p->endpoints)
	{
		const struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->session != CONFINFO_FOCUS || !conf_is_phone(e))
			return false;
	}
	return true;
}

/* Of whom nothing is left: the focus dialog was lost with the focus, and now the MCU's ended. */
static void remove_the_lost(struct conference *c)
{
	list_for(n, &c->people)
	{
		struct conf_person *p = list_entry(n, struct conf_person, node);
		/* Who stays a member is called again with the next thing that is said. */
		if (!p->gone && is_lost_phone(p) && !conference_is_member(c, str_of(p->uri)))
			conf_remove_person(c, p, CONF_LEFT);
	}
}

static void take_lock(struct conference *c, enum confinfo_flag locked)
{
	if (locked != CONFINFO_YES || c->locked || conf_is_empty(c))
		return;
	c->locked = c->state_changed = true;
	conf_mark(c, NULL);
}

enum c3p_reason conference_mcu_roster(struct conference *c, uint64_t now_s, enum confinfo_session s,
                                      const struct confinfo *ci)
{
	enum c3p_reason why = C3P_NO_REASON;
	bool was_empty = conf_is_empty(c);
	conference_touch(c, now_s);
	if (ci->state == CONFINFO_FULL) {
		list_for(n, &c->people)
		{
			drop_session(c, list_entry(n, struct conf_person, node), s);
		}
	}
	for (const struct confinfo_user *u = ci->users; u; u = u->next)
		if (!take_user(c, s, u, ci->state == CONFINFO_FULL))
			why = C3P_MAX_SIZE;
	remove_the_lost(c);
	if (was_empty)
		take_lock(c, ci->mcus[s].locked); /* after a restart the MCU alone knows it */
	return why;
}
