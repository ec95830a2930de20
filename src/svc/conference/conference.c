#include "svc/conference/inside.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/rand.h"

enum { SWEEP_MIN_S = 60, SWEEP_MAX_S = 600 };

const struct conf_settings conf_settings_default = {
	.people_max = CONF_PEOPLE_DEFAULT,
	.per_organizer_max = CONF_PER_ORGANIZER_DEFAULT,
	.grace_s = CONF_GRACE_DEFAULT_S,
	.idle_s = CONF_IDLE_DEFAULT_S,
	.promote = CONFINFO_PROMOTE_COMPANY,
	.lobby = true,
	.anonymous = true,
};

/* --- the set -------------------------------------------------------------------------- */

struct conferences *conferences_new(const struct conf_settings *settings,
                                    const struct conf_ops *ops, void *arg)
{
	struct conferences *s = xnew(struct conferences);
	s->settings = settings;
	s->ops = ops;
	s->arg = arg;
	map_init(&s->map);
	return s;
}

void conferences_free(struct conferences **sp)
{
	struct conferences *s = take(sp);
	struct conference *c;
	size_t slot = 0;
	struct map_node *after = NULL;
	if (!s)
		return;
	while ((c = conferences_walk(s, &slot, &after)) != NULL)
		conf_destroy(c);
	map_done(&s->map);
	free(s);
}

size_t conferences_count(const struct conferences *s)
{
	return s->map.n;
}

/* By the organizer alone, so that a walk over one organizer's conferences is short. */
static uint64_t hash_of(const struct conferences *s, struct str organizer)
{
	return hash_lower(&s->map.key, organizer);
}

static struct conference *of_node(struct map_node *n)
{
	return n ? container_of(n, struct conference, node) : NULL;
}

struct conference *conferences_walk(const struct conferences *s, size_t *slot,
                                    struct map_node **after)
{
	return of_node(map_walk(&s->map, slot, after));
}

struct conference *conferences_next_of(const struct conferences *s, struct str organizer,
                                       const struct conference *prev)
{
	struct map_node *n =
	        prev ? map_next(&prev->node) : map_first(&s->map, hash_of(s, organizer));
	while (n && !str_ieq(str_of(of_node(n)->organizer), organizer))
		n = map_next(n);
	return of_node(n);
}

struct conference *conferences_find(const struct conferences *s, struct str organizer,
                                    struct str id)
{
	struct conference *c = conferences_next_of(s, organizer, NULL);
	while (c && !str_ieq(str_of(c->id), id))
		c = conferences_next_of(s, organizer, c);
	return c;
}

uint32_t conferences_of(const struct conferences *s, struct str organizer)
{
	uint32_t n = 0;
	for (const struct conference *c = NULL; (c = conferences_next_of(s, organizer, c)) != NULL;)
		n++;
	return n;
}

/* --- one conference ------------------------------------------------------------------- */

struct conference *conf_new(struct conferences *s, struct str organizer, struct str id)
{
	struct conference *c = xnew(struct conference);
	c->set = s;
	c->organizer = str_dup(organizer);
	c->organizer_name = str_dup(STR(""));
	c->id = str_dup(id);
	c->subject = str_dup(STR(""));
	c->mcus = 1u << CONFINFO_CHAT;
	list_init(&c->invited);
	list_init(&c->people);
	map_add(&s->map, &c->node, hash_of(s, organizer));
	return c;
}

void conf_destroy(struct conference *c)
{
	list_for(n, &c->people)
	{
		conf_free_person(list_entry(n, struct conf_person, node));
	}
	conf_drop_invited(c);
	map_del(&c->set->map, &c->node);
	free(c->organizer);
	free(c->organizer_name);
	free(c->id);
	free(c->subject);
	free(c);
}

bool conf_is_organizer(const struct conference *c, struct str uri)
{
	return str_ieq(str_of(c->organizer), uri);
}

void conf_save(struct conference *c, enum conf_save how)
{
	if (how == CONF_SAVE)
		c->revision++;
	c->set->ops->save(c->set->arg, c, how);
}

struct conf_invited *conf_find_invited(const struct conference *c, struct str uri)
{
	list_for(n, &c->invited)
	{
		struct conf_invited *i = list_entry(n, struct conf_invited, node);
		if (str_ieq(str_of(i->uri), uri))
			return i;
	}
	return NULL;
}

static bool is_person_uri(struct str uri)
{
	for (size_t i = 0; i < uri.len; i++)
		if (str_is_space(uri.p[i]))
			return false;
	return uri.len > 0 && uri.len <= CONF_URI_MAX;
}

int conf_add_invited(struct conference *c, struct str uri, struct str name, enum confinfo_role role)
{
	struct conf_invited *i = conf_find_invited(c, uri);
	if (!is_person_uri(uri))
		return -EINVAL;
	if (!i && c->n_invited == CONF_INVITED_MAX)
		return -E2BIG;
	if (!i) {
		i = xnew(struct conf_invited);
		i->uri = str_dup(uri);
		i->name = str_dup(STR(""));
		list_add(&c->invited, &i->node);
		c->n_invited++;
	}
	conf_set_text(&i->name, str_sub(name, 0, CONF_NAME_MAX));
	i->role = role == CONFINFO_NO_ROLE ? CONFINFO_ATTENDEE : role;
	return 0;
}

void conf_free_invited(struct conference *c, struct conf_invited *i)
{
	list_del(&i->node);
	c->n_invited--;
	free(i->uri);
	free(i->name);
	free(i);
}

void conf_drop_invited(struct conference *c)
{
	list_for(n, &c->invited)
	{
		struct conf_invited *i = list_entry(n, struct conf_invited, node);
		conf_free_invited(c, i);
	}
}

/* --- the factory ---------------------------------------------------------------------- */

/* What is wanted, before anything is done. */
static enum c3p_reason check_wanted(uint64_t now_s, const struct confinfo *w)
{
	if (w->subject.len > CONF_SUBJECT_MAX || w->n_users > CONF_INVITED_MAX)
		return C3P_REQUEST_TOO_LARGE;
	if (w->expires_s > 0 &&
	    (w->expires_s <= now_s || w->expires_s > now_s + CONF_EXPIRES_MAX_S))
		return C3P_INVALID_EXPIRY;
	for (const struct confinfo_user *u = w->users; u; u = u->next)
		if (!is_person_uri(u->entity))
			return C3P_REQUEST_MALFORMED;
	return C3P_NO_REASON;
}

static void set_mcus(struct conference *c, const struct confinfo *w)
{
	uint32_t mcus = 0;
	for (unsigned s = CONFINFO_CHAT; s < CONFINFO_N_SESSIONS; s++)
		if (w->mcus[s].uri.p)
			mcus |= 1u << s;
	if (mcus)
		c->mcus = mcus;
}

static void set_invited(struct conference *c, const struct confinfo *w)
{
	if (!w->with_users)
		return;
	conf_drop_invited(c);
	for (const struct confinfo_user *u = w->users; u; u = u->next) {
		int r = conf_add_invited(c, u->entity, u->name, u->role);
		assert(r == 0); /* checked before */
	}
}

static void set_wanted(struct conference *c, const struct confinfo *w)
{
	if (w->subject.p)
		conf_set_text(&c->subject, w->subject);
	if (w->admission != CONFINFO_NO_ADMISSION)
		c->admission = w->admission;
	if (w->promote != CONFINFO_PROMOTE_UNSET)
		c->promote = w->promote;
	if (w->lobby != CONFINFO_UNSET)
		c->lobby = w->lobby == CONFINFO_YES;
	if (w->expires_s > 0)
		c->expires_s = w->expires_s;
	set_mcus(c, w);
	set_invited(c, w);
}

/* The members are who is invited, and nobody else comes in.  The organizer is one of them while
 * they stay. */
static void set_lasting(struct conference *c, const struct conf_who *organizer)
{
	c->lasting = true;
	c->admission = CONFINFO_CLOSED;
	c->lobby = false;
	(void)conf_add_invited(c, organizer->uri, organizer->name, CONFINFO_PRESENTER);
}

static void put_new_id(struct buf *b)
{
	uint8_t raw[CONF_ID_MAX / 2];
	rand_bytes(raw, sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++)
		buf_printf(b, "%02X", raw[i]);
}

enum c3p_reason conferences_add(struct conferences *s, uint64_t now_s, const struct conf_who *who,
                                const struct confinfo *w, struct conference **ret)
{
	char text[CONF_ID_MAX + 1];
	struct buf id = BUF_ON(text);
	enum c3p_reason why = check_wanted(now_s, w);
	if (why != C3P_NO_REASON)
		return why;
	if (who->kind != CONF_COMPANY || who->uri.len > CONF_URI_MAX)
		return C3P_NOT_AUTHORIZED;
	if (w->id.len > 0 && !conf_uri_id_ok(w->id))
		return C3P_INVALID_ID;
	if (w->lasting == CONFINFO_YES && w->n_users > 0)
		return C3P_NOT_SUPPORTED;
	if (conferences_find(s, who->uri, w->id))
		return C3P_CONFERENCE_EXISTS;
	if (conferences_of(s, who->uri) >= s->settings->per_organizer_max)
		return C3P_MAX_CONFERENCES;
	if (s->map.n >= CONF_ALL_MAX)
		return C3P_SERVER_BUSY;
	if (w->id.len > 0)
		buf_str(&id, w->id);
	else
		put_new_id(&id);
	struct conference *c = conf_new(s, who->uri, buf_view(&id));
	conf_set_text(&c->organizer_name, str_sub(who->name, 0, CONF_NAME_MAX));
	c->admission = CONFINFO_OPEN_AUTHENTICATED;
	c->promote = s->settings->promote;
	c->lobby = s->settings->lobby;
	c->created_s = c->last_active_s = now_s;
	set_wanted(c, w);
	if (w->lasting == CONFINFO_YES)
		set_lasting(c, who);
	*ret = c;
	conf_save(c, CONF_SAVE);
	return C3P_NO_REASON;
}

bool conference_may_organize(const struct conference *c, struct str uri)
{
	return conf_is_organizer(c, uri) && conf_leads(c, uri);
}

void conf_rename(struct conference *c, struct str subject)
{
	conf_set_text(&c->subject, subject);
	c->description_changed = true;
	conf_mark(c, NULL);
	conf_save(c, CONF_SAVE);
}

enum c3p_reason conference_modify(struct conference *c, uint64_t now_s, const struct conf_who *who,
                                  const struct confinfo *w)
{
	enum c3p_reason why = check_wanted(now_s, w);
	if (!conference_may_organize(c, who->uri))
		return C3P_NOT_AUTHORIZED;
	if (why != C3P_NO_REASON)
		return why;
	if (c->lasting && w->with_users)
		return C3P_NOT_SUPPORTED;
	set_wanted(c, w);
	c->description_changed = true;
	conf_mark(c, NULL);
	conf_save(c, CONF_SAVE);
	return C3P_NO_REASON;
}

enum c3p_reason conference_delete(struct conference **cp, const struct conf_who *who)
{
	if (!conference_may_organize(*cp, who->uri))
		return C3P_NOT_AUTHORIZED;
	conference_forget(cp);
	return C3P_NO_REASON;
}

void conference_forget(struct conference **cp)
{
	struct conference *c = take(cp);
	conf_empty(c, CONF_ENDED);
	conf_save(c, CONF_FORGET);
	conf_destroy(c);
}

void conference_end(struct conference *c)
{
	conf_empty(c, CONF_ENDED);
}

/* --- time ----------------------------------------------------------------------------- */

void conference_touch(struct conference *c, uint64_t now_s)
{
	c->last_active_s = MAX(c->last_active_s, now_s);
}

/* People, but anonymous ones alone. */
static bool is_unattended(const struct conference *c)
{
	list_for(n, &c->people)
	{
		const struct conf_person *p = list_entry(n, struct conf_person, node);
		if (!p->gone && p->kind != CONF_ANONYMOUS)
			return false;
	}
	return !conf_is_empty(c);
}

/* When it is over: with people in it, when nothing happened for long or nobody attends to them;
 * empty, when its time has come. */
static uint64_t over_at(const struct conference *c)
{
	uint64_t idle = c->last_active_s + c->set->settings->idle_s;
	if (c->lasting && c->n_invited > 0)
		return CONF_NEVER;
	if (is_unattended(c))
		return MIN(idle, c->known_s + c->set->settings->grace_s);
	return conf_is_empty(c) && c->expires_s > 0 ? c->expires_s : idle;
}

/* True if it is there no more. */
static bool end_it(struct conference *c, uint64_t now_s)
{
	if (!conf_is_empty(c)) {
		conf_empty(c, is_unattended(c) ? CONF_ALONE : CONF_IDLE);
		if (c->expires_s > now_s)
			return false;
	}
	conf_save(c, CONF_FORGET);
	conf_destroy(c);
	return true;
}

uint64_t conferences_expire(struct conferences *s, uint64_t now_s)
{
	struct conference *c;
	size_t slot = 0;
	struct map_node *after = NULL;
	uint64_t next = now_s + SWEEP_MAX_S;
	while ((c = conferences_walk(s, &slot, &after)) != NULL)
		if (over_at(c) > now_s || !end_it(c, now_s))
			next = MIN(next, MAX(over_at(c), now_s + SWEEP_MIN_S));
	return next;
}
