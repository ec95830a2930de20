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
	conf_save(c, CONF_SAVE);
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
