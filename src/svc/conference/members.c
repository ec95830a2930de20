#include "svc/conference/inside.h"

/* Lasting conferences: groups of people who go on writing to each other over months.  Who is in is
 * stored (the invited), and what is said reaches all of them by pager messages, also those who hear
 * it in a dialog now: the focus gathers who is missing before something is said. */

bool conference_is_member(const struct conference *c, struct str uri)
{
	return c->lasting && conf_find_invited(c, uri);
}

enum c3p_reason conference_add_member(struct conference *c, uint64_t now_s, struct str from,
                                      const struct conf_who *who)
{
	if (!c->lasting)
		return C3P_NOT_SUPPORTED;
	if (!conf_find_invited(c, from))
		return C3P_NOT_AUTHORIZED;
	if (conf_find_invited(c, who->uri))
		return C3P_NO_REASON;
	if (c->n_invited >= c->set->settings->people_max)
		return C3P_MAX_SIZE;
	if (conf_add_invited(c, who->uri, who->name, CONFINFO_ATTENDEE) < 0)
		return C3P_REQUEST_MALFORMED;
	c->whole = false;
	conference_touch(c, now_s);
	conf_save(c, CONF_SAVE);
	return C3P_NO_REASON;
}

void conf_drop_member(struct conference *c, struct str uri)
{
	struct conf_invited *i = c->lasting ? conf_find_invited(c, uri) : NULL;
	if (!i)
		return;
	conf_free_invited(c, i);
	conf_keep_led(c);
	conf_save(c, CONF_SAVE);
}

/* --- who leads ------------------------------------------------------------------------ */

bool conf_leads(const struct conference *c, struct str uri)
{
	const struct conf_invited *i = conf_find_invited(c, uri);
	if (!c->lasting)
		return conf_is_organizer(c, uri);
	return i && i->role == CONFINFO_PRESENTER;
}

bool conference_is_led_by(const struct conference *c, struct str uri)
{
	return conf_leads(c, uri);
}

/* In the roster, if they are there now. */
static void show_role(struct conference *c, const struct conf_invited *i)
{
	struct conf_person *p = conf_find_person(&c->people, str_of(i->uri));
	if (!p || p->gone || p->role == i->role)
		return;
	p->role = i->role;
	conf_mark(c, p);
	c->set->ops->tell_mcus(c->set->arg, c, p);
}

void conf_lead(struct conference *c, struct conf_invited *leader)
{
	list_for(n, &c->invited)
	{
		struct conf_invited *i = list_entry(n, struct conf_invited, node);
		i->role = i == leader ? CONFINFO_PRESENTER : CONFINFO_ATTENDEE;
		show_role(c, i);
	}
}

void conf_keep_led(struct conference *c)
{
	if (!c->lasting || list_empty(&c->invited))
		return;
	struct conf_invited *leader = list_entry(c->invited.next, struct conf_invited, node);
	list_for(n, &c->invited)
	{
		struct conf_invited *i = list_entry(n, struct conf_invited, node);
		if (leader->role != CONFINFO_PRESENTER && i->role == CONFINFO_PRESENTER)
			leader = i;
	}
	conf_lead(c, leader);
}

bool conference_misses(const struct conference *c, const struct conf_invited *i)
{
	const struct conf_person *p = conference_person(c, str_of(i->uri));
	return !p || !conf_pager(p);
}

void conference_gathered(struct conference *c)
{
	c->whole = true;
}
