#include "svc/conference/inside.h"

void conf_mark(struct conference *c, struct conf_person *p)
{
	if (p)
		p->changed = true;
	if (c->changed)
		return;
	c->changed = true;
	c->set->ops->changed(c->set->arg, c);
}

/* --- parts ---------------------------------------------------------------------------- */

static struct str uri_of(struct arena *a, const struct conference *c, enum confinfo_session s)
{
	auto_(buf_free) struct buf b = buf_of(CONF_URI_MAX + CONF_ID_MAX + 64);
	conf_uri_put(&b, str_of(c->organizer), s, str_of(c->id));
	return arena_str(a, buf_view(&b));
}

static void add_mcus(struct confinfo *ci, struct arena *a, const struct conference *c)
{
	for (unsigned s = CONFINFO_CHAT; s < CONFINFO_N_SESSIONS; s++)
		if (c->mcus >> s & 1)
			ci->mcus[s] =
			        (struct confinfo_mcu){ uri_of(a, c, s),
				                       c->locked ? CONFINFO_YES : CONFINFO_NO };
}

static void add_description(struct confinfo *ci, const struct conference *c)
{
	ci->subject = str_of(c->subject);
	ci->id = str_of(c->id);
	ci->organizer = str_of(c->organizer);
	ci->organizer_name = str_of(c->organizer_name);
	ci->admission = c->admission;
	ci->promote = c->promote;
	ci->lobby = c->lobby ? CONFINFO_YES : CONFINFO_NO;
	ci->lasting = c->lasting ? CONFINFO_YES : CONFINFO_UNSET;
}

/* --- views ---------------------------------------------------------------------------- */

enum conf_view conference_view(const struct conference *c, struct str uri)
{
	const struct conf_person *p = conference_person(c, uri);
	if (!p || p->waits)
		return CONF_VIEW_LOBBY;
	return p->role == CONFINFO_PRESENTER ? CONF_VIEW_PRESENTER : CONF_VIEW_ATTENDEE;
}

/* Who was let in is new to those who did not see them wait, and no news otherwise. */
static bool is_seen(const struct conf_person *p, enum conf_view v)
{
	if (v == CONF_VIEW_LOBBY)
		return false;
	return !p->waits || v == CONF_VIEW_PRESENTER;
}

static void add_people(struct confinfo *ci, struct arena *a, const struct conference *c,
                       enum conf_view v, bool all)
{
	struct confinfo_user **end = &ci->users;
	list_for(n, &c->people)
	{
		const struct conf_person *p = list_entry(n, struct conf_person, node);
		if (!is_seen(p, v) || (all ? p->gone : !p->changed))
			continue;
		conf_add_person(ci, &end, a, p, CONF_ALL_SESSIONS);
	}
}

void conference_put_full(struct buf *b, const struct conference *c, enum conf_view v)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct confinfo ci = {
		.entity = uri_of(a, c, CONFINFO_FOCUS),
		.state = CONFINFO_FULL,
		.version = MAX(c->version, 1),
		.with_uris = true,
		.with_views = true,
		.with_users = true,
	};
	add_description(&ci, c);
	add_mcus(&ci, a, c);
	add_people(&ci, a, c, v, true);
	confinfo_put(b, &ci);
}

void conference_put_changes(struct buf *b, const struct conference *c, enum conf_view v)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct confinfo ci = {
		.entity = uri_of(a, c, CONFINFO_FOCUS),
		.state = CONFINFO_PARTIAL,
		.version = MAX(c->version, 1) + 1,
		.with_views = c->state_changed || c->description_changed,
		.with_uris = c->description_changed,
		.with_users = true,
	};
	if (c->description_changed)
		add_description(&ci, c);
	if (ci.with_views)
		add_mcus(&ci, a, c);
	add_people(&ci, a, c, v, false);
	confinfo_put(b, &ci);
}

void conference_changes_done(struct conference *c)
{
	if (!c->changed)
		return;
	c->version = MAX(c->version, 1) + 1;
	c->changed = c->state_changed = c->description_changed = false;
	list_for(n, &c->people)
	{
		struct conf_person *p = list_entry(n, struct conf_person, node);
		p->changed = false;
		if (p->gone)
			conf_free_person(p);
	}
}

/* --- other documents ------------------------------------------------------------------ */

void conference_describe(struct confinfo *ret, struct arena *a, const struct conference *c)
{
	struct confinfo ci = {
		.entity = uri_of(a, c, CONFINFO_FOCUS),
		.state = CONFINFO_FULL,
		.version = c->revision,
		.with_uris = true,
		.with_users = c->n_invited > 0,
	};
	struct confinfo_user **end = &ci.users;
	add_description(&ci, c);
	ci.expires_s = c->expires_s == CONF_NEVER ? 0 : c->expires_s;
	add_mcus(&ci, a, c);
	list_for(n, &c->invited)
	{
		const struct conf_invited *i = list_entry(n, struct conf_invited, node);
		struct confinfo_user *u = conf_add_user(&ci, &end, a, str_of(i->uri), i->role);
		if (*i->name)
			u->name = str_of(i->name);
	}
	*ret = ci;
}

void conference_mcu_info(struct confinfo *ret, struct arena *a, const struct conference *c,
                         enum confinfo_session s)
{
	struct confinfo ci = {
		.entity = uri_of(a, c, CONFINFO_FOCUS),
		.state = CONFINFO_FULL,
		.subject = str_of(c->subject),
		.with_views = true,
		.with_users = true,
	};
	ci.mcus[s] =
	        (struct confinfo_mcu){ uri_of(a, c, s), c->locked ? CONFINFO_YES : CONFINFO_NO };
	add_people(&ci, a, c, CONF_VIEW_ATTENDEE, true);
	*ret = ci;
}
