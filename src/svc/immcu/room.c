#include <stdlib.h>

#include "svc/immcu/inside.h"

/* --- rooms ---------------------------------------------------------------------------- */

struct immcu *immcu_new(const struct immcu_ops *ops, void *arg, uint64_t before)
{
	struct immcu *m = xnew(struct immcu);
	m->ops = ops;
	m->arg = arg;
	m->before = before;
	map_init(&m->rooms);
	return m;
}

static struct immcu_room *of_node(struct map_node *n)
{
	return n ? container_of(n, struct immcu_room, node) : NULL;
}

struct immcu_room *immcu_walk(const struct immcu *m, size_t *slot, struct map_node **after)
{
	return of_node(map_walk(&m->rooms, slot, after));
}

struct immcu_room *immcu_find(const struct immcu *m, struct str focus)
{
	struct map_node *n = map_first(&m->rooms, hash_lower(&m->rooms.key, focus));
	while (n && !str_ieq(str_of(of_node(n)->focus), focus))
		n = map_next(n);
	return of_node(n);
}

static struct immcu_room *room_new(struct immcu *m, struct str focus)
{
	struct immcu_room *r = xnew(struct immcu_room);
	r->mcu = m;
	r->focus = str_dup(focus);
	list_init(&r->people);
	map_add(&m->rooms, &r->node, hash_lower(&m->rooms.key, focus));
	m->stats.rooms++;
	return r;
}

static void drop_legs(struct conf_person *p)
{
	list_for(n, &p->endpoints)
	{
		struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->owner)
			immcu_leg_free(e->owner);
	}
}

static void room_free(struct immcu_room *r)
{
	list_for(n, &r->people)
	{
		struct conf_person *p = list_entry(n, struct conf_person, node);
		drop_legs(p);
		conf_free_person(p);
	}
	map_del(&r->mcu->rooms, &r->node);
	r->mcu->stats.rooms--;
	free(r->focus);
	free(r->subject);
	free(r);
}

void immcu_free(struct immcu **mp)
{
	struct immcu *m = take(mp);
	struct immcu_room *r;
	size_t slot = 0;
	struct map_node *after = NULL;
	if (!m)
		return;
	while ((r = immcu_walk(m, &slot, &after)) != NULL) {
		r->changed = true; /* nobody is told */
		room_free(r);
	}
	map_done(&m->rooms);
	free(m);
}

const struct immcu_stats *immcu_stats(const struct immcu *m)
{
	return &m->stats;
}

void immcu_room_mark(struct immcu_room *r, struct conf_person *p)
{
	if (p)
		p->changed = true;
	if (r->changed)
		return;
	r->changed = true;
	r->mcu->ops->changed(r->mcu->arg, r);
}

/* --- members -------------------------------------------------------------------------- */

/* What the focus knows of other sessions takes the place of what it said before. */
static void drop_kept(struct conf_person *p)
{
	list_for(n, &p->endpoints)
	{
		struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->session != CONFINFO_CHAT)
			conf_free_endpoint(p, e);
	}
}

static bool keep(struct conf_person *p, const struct confinfo_endpoint *from)
{
	struct conf_endpoint *e = conf_new_endpoint(p, from->entity, from->session);
	conf_set_epid(e, from->epid);
	e->status = from->status;
	return conf_set_leg(e, from->leg);
}

/* Takes a leg over that another process had: it may have sent more than the focus knows of. */
static bool take_over(struct immcu_room *r, struct conf_person *p,
                      const struct confinfo_endpoint *from)
{
	if (!from->leg || from->status != CONFINFO_CONNECTED)
		return true;
	if (!keep(p, from))
		return false;
	struct conf_endpoint *e = list_entry(p->endpoints.prev, struct conf_endpoint, node);
	e->leg->local_cseq += IMMCU_CSEQ_JUMP;
	(void)immcu_leg_new(r, p, e);
	immcu_room_mark(r, p);
	return true;
}

/* The focus alone knows which phones are there. */
static bool is_news(const struct conf_person *p, const struct confinfo_endpoint *e)
{
	return e->leg && e->leg->pager && !conf_pager(p);
}

static void end_pager(struct conf_person *p, const struct confinfo_endpoint *e)
{
	struct conf_endpoint *have = conf_pager(p);
	if (e->leg && e->leg->pager && e->status == CONFINFO_DISCONNECTED && have && have->owner)
		immcu_leg_end(have->owner, IMMCU_REMOVED);
}

static enum c3p_reason set_user(struct immcu_room *r, const struct confinfo_user *u, bool with_legs)
{
	struct conf_person *p = conf_find_person(&r->people, u->entity);
	if (u->entity.len > CONF_URI_MAX)
		return C3P_REQUEST_TOO_LARGE;
	if (!p && r->n_people >= IMMCU_PEOPLE_MAX)
		return C3P_MAX_SIZE;
	r->n_people += p == NULL;
	p = conf_new_person(&r->people, u->entity, u->name);
	p->role = u->role;
	drop_kept(p);
	for (const struct confinfo_endpoint *e = u->endpoints; e; e = e->next) {
		bool is_chat = e->session == CONFINFO_CHAT;
		if (is_chat)
			end_pager(p, e);
		if (is_chat && !with_legs && !is_news(p, e))
			continue; /* of its own legs it knows more */
		if (!conf_has_room(p, e->session))
			return C3P_MAX_SIZE;
		if (!(is_chat ? take_over(r, p, e) : keep(p, e)))
			return C3P_REQUEST_TOO_LARGE;
	}
	return C3P_NO_REASON;
}

enum c3p_reason immcu_add_user(struct immcu_room *r, const struct confinfo_user *u)
{
	return set_user(r, u, false);
}

static void end_legs(struct conf_person *p, enum immcu_end why)
{
	list_for(n, &p->endpoints)
	{
		struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		if (e->owner)
			immcu_leg_end(e->owner, why);
	}
}

enum c3p_reason immcu_delete_user(struct immcu_room *r, struct str uri)
{
	struct conf_person *p = conf_find_person(&r->people, uri);
	if (!p)
		return C3P_USER_DOESNT_EXIST;
	end_legs(p, IMMCU_REMOVED);
	conf_free_person(p);
	r->n_people--;
	return C3P_NO_REASON;
}

void immcu_lock(struct immcu_room *r, bool locked)
{
	r->locked = locked;
}

enum c3p_reason immcu_open(struct immcu *m, const struct confinfo *ci, struct immcu_room **ret)
{
	struct immcu_room *r = immcu_find(m, ci->entity);
	enum c3p_reason why = C3P_NO_REASON;
	bool is_new = r == NULL;
	if (ci->entity.len == 0)
		return C3P_REQUEST_MALFORMED;
	if (is_new && m->stats.rooms >= IMMCU_ROOMS_MAX)
		return C3P_SERVER_BUSY;
	if (is_new)
		r = room_new(m, ci->entity);
	if (ci->subject.len > 0)
		conf_set_text(&r->subject, ci->subject);
	if (ci->mcus[CONFINFO_CHAT].locked != CONFINFO_UNSET)
		r->locked = ci->mcus[CONFINFO_CHAT].locked == CONFINFO_YES;
	for (const struct confinfo_user *u = ci->users; u && why == C3P_NO_REASON; u = u->next)
		why = set_user(r, u, is_new);
	if (why == C3P_NO_REASON)
		*ret = r;
	else if (is_new)
		immcu_close(&r);
	return why;
}

void immcu_close(struct immcu_room **rp)
{
	struct immcu_room *r = take(rp);
	r->changed = true; /* it is not there any more when it would be asked */
	list_for(n, &r->people)
	{
		end_legs(list_entry(n, struct conf_person, node), IMMCU_REMOVED);
	}
	room_free(r);
}

/* --- for the focus -------------------------------------------------------------------- */

static struct confinfo info_of(const struct immcu_room *r, enum confinfo_state state)
{
	struct confinfo ci = {
		.entity = str_of(r->focus),
		.state = state,
		.with_users = true,
		.with_views = true,
	};
	ci.mcus[CONFINFO_CHAT] = (struct confinfo_mcu){ confinfo_session_name(CONFINFO_CHAT),
		                                        r->locked ? CONFINFO_YES : CONFINFO_NO };
	return ci;
}

void immcu_roster(struct confinfo *ret, struct arena *a, const struct immcu_room *r)
{
	struct confinfo ci = info_of(r, CONFINFO_FULL);
	struct confinfo_user **end = &ci.users;
	list_for(n, &r->people)
	{
		conf_add_person(&ci, &end, a, list_entry(n, struct conf_person, node),
		                CONF_ALL_SESSIONS);
	}
	*ret = ci;
}

void immcu_changes(struct confinfo *ret, struct arena *a, const struct immcu_room *r)
{
	struct confinfo ci = info_of(r, CONFINFO_PARTIAL);
	struct confinfo_user **end = &ci.users;
	list_for(n, &r->people)
	{
		const struct conf_person *p = list_entry(n, struct conf_person, node);
		if (p->changed)
			conf_add_person(&ci, &end, a, p, 1u << CONFINFO_CHAT);
	}
	*ret = ci;
}

static void drop_disconnected(struct conf_person *p)
{
	list_for(n, &p->endpoints)
	{
		struct conf_endpoint *e = list_entry(n, struct conf_endpoint, node);
		struct immcu_leg *leg = e->owner;
		if (leg)
			leg->reported_cseq = e->leg->local_cseq;
		else if (e->session == CONFINFO_CHAT)
			conf_free_endpoint(p, e);
	}
}

void immcu_changes_done(struct immcu_room *r)
{
	r->changed = false;
	list_for(n, &r->people)
	{
		struct conf_person *p = list_entry(n, struct conf_person, node);
		if (!p->changed)
			continue;
		p->changed = false;
		drop_disconnected(p);
	}
}
