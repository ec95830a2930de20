#include "svc/conference/admission.h"

/* Let in by the conference's policy alone ([MS-CONFPRO] admission-policy). */
static bool is_welcome(const struct conf_door *d, const struct conf_guest *g)
{
	bool invited = g->invited != CONFINFO_NO_ROLE && g->kind != CONF_ANONYMOUS;
	if (d->admission == CONFINFO_ANONYMOUS)
		return true;
	if (d->admission == CONFINFO_OPEN_AUTHENTICATED)
		return g->kind == CONF_COMPANY || invited;
	return invited;
}

enum conf_entry conf_admit(const struct conf_door *d, const struct conf_guest *g,
                           enum c3p_reason *ret_reason)
{
	if (g->is_inside)
		return CONF_ENTERS;
	*ret_reason = C3P_MAX_SIZE;
	if (d->is_full)
		return CONF_REFUSED;
	if (g->is_organizer)
		return CONF_ENTERS;
	*ret_reason = C3P_ANONYMOUS_NOT_ALLOWED;
	if (g->kind == CONF_ANONYMOUS && !d->anonymous)
		return CONF_REFUSED;
	if (!d->locked && is_welcome(d, g))
		return CONF_ENTERS;
	*ret_reason = d->locked ? C3P_CONFERENCE_LOCKED : C3P_NOT_AUTHORIZED;
	if (!d->lobby || !g->can_wait)
		return CONF_REFUSED;
	*ret_reason = C3P_MAX_SIZE;
	return d->lobby_is_full && !g->is_waiting ? CONF_REFUSED : CONF_WAITS;
}

enum confinfo_role conf_role(const struct conf_door *d, const struct conf_guest *g)
{
	bool promoted = d->promote == CONFINFO_PROMOTE_EVERYONE ||
	                (d->promote == CONFINFO_PROMOTE_COMPANY && g->kind == CONF_COMPANY);
	if (g->is_organizer || g->invited == CONFINFO_PRESENTER)
		return CONFINFO_PRESENTER;
	/* Who was invited as an attendee is one. */
	return promoted && g->invited == CONFINFO_NO_ROLE ? CONFINFO_PRESENTER : CONFINFO_ATTENDEE;
}
