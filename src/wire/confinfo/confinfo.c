#include "wire/confinfo/confinfo.h"

#include <errno.h>

struct reader {
	struct arena *arena;
	int err; /* the first that was met */
};

/* --- texts ---------------------------------------------------------------------------- */

static struct str bounded(struct reader *r, struct str s, size_t max)
{
	if (s.len > max)
		r->err = -E2BIG;
	return s.len > max ? STR("") : s;
}

static struct str attr(struct reader *r, const struct xml *e, const char *name)
{
	return bounded(r, xml_attr(e, name), CONFINFO_TEXT_MAX);
}

/* With p NULL if there is no such child. */
static struct str child_text(struct reader *r, const struct xml *e, const char *name)
{
	const struct xml *c = xml_child(e, name);
	return c ? bounded(r, str_trim(c->text), CONFINFO_TEXT_MAX) : (struct str){ NULL, 0 };
}

static enum confinfo_flag flag_of(struct str s)
{
	if (str_eq(s, STR("true")) || str_eq(s, STR("1")))
		return CONFINFO_YES;
	return str_eq(s, STR("false")) || str_eq(s, STR("0")) ? CONFINFO_NO : CONFINFO_UNSET;
}

static enum confinfo_state state_of(const struct xml *e)
{
	enum confinfo_state s = confinfo_state_of(xml_attr(e, "state"));
	return s == CONFINFO_N_STATES ? CONFINFO_FULL : s; /* RFC 4575 section 5.2: the default */
}

/* --- users ---------------------------------------------------------------------------- */

static uint32_t number_attr(struct reader *r, const struct xml *e, const char *name)
{
	struct str s = xml_attr(e, name);
	uint32_t v = 0;
	if (s.p && str_to_u32(s, UINT32_MAX, &v) < 0)
		r->err = -EBADMSG;
	return v;
}

static const struct confinfo_leg *read_leg(struct reader *r, const struct xml *e)
{
	if (!e)
		return NULL;
	struct confinfo_leg *leg = arena_alloc(r->arena, sizeof(*leg));
	leg->pager = str_eq(xml_attr(e, "pager"), STR("true"));
	leg->call_id = attr(r, e, "call-id");
	leg->local_tag = attr(r, e, "local-tag");
	leg->remote_tag = attr(r, e, "remote-tag");
	leg->local_cseq = number_attr(r, e, "local-cseq");
	leg->remote_cseq = number_attr(r, e, "remote-cseq");
	leg->remote = child_text(r, e, "remote");
	leg->contact = child_text(r, e, "contact");
	leg->route = bounded(r, xml_child_text(e, "route"), CONFINFO_ROUTE_MAX);
	return leg;
}

/* Where clients put it differs: in the endpoint or beside it. */
static bool can_wait(const struct xml *e)
{
	const struct xml *info = xml_child(e, "clientInfo");
	return flag_of(xml_child_text(info ? info : e, "lobby-capable")) == CONFINFO_YES;
}

static struct confinfo_endpoint *read_endpoint(struct reader *r, const struct xml *e)
{
	struct confinfo_endpoint *ep = arena_alloc(r->arena, sizeof(*ep));
	ep->entity = attr(r, e, "entity");
	ep->epid = attr(r, e, "epid");
	ep->session = confinfo_session_of(xml_attr(e, "session-type"));
	ep->status = confinfo_status_of(xml_child_text(e, "status"));
	ep->failed = ep->status == CONFINFO_DISCONNECTED &&
	             str_eq(xml_child_text(e, "disconnection-method"), STR("failed"));
	ep->lobby_capable = can_wait(e) || can_wait(e->parent);
	ep->leg = read_leg(r, xml_child(e, "leg"));
	return ep;
}

enum confinfo_role confinfo_read_role(const struct xml *e)
{
	enum confinfo_role role = CONFINFO_NO_ROLE;
	for (const struct xml *c = xml_child(e, "entry"); c; c = xml_again(c))
		role = MAX(role, confinfo_role_of(str_trim(c->text)));
	return role;
}

static void read_user(struct reader *r, struct confinfo_user *u, const struct xml *e)
{
	struct confinfo_endpoint **end = &u->endpoints;
	unsigned n = 0;
	u->entity = attr(r, e, "entity");
	u->name = child_text(r, e, "display-text");
	u->state = state_of(e);
	u->role = confinfo_read_role(xml_child(e, "roles"));
	for (const struct xml *c = xml_child(e, "endpoint"); c && !r->err; c = xml_again(c)) {
		if (n++ == CONFINFO_ENDPOINTS_MAX)
			r->err = -E2BIG;
		*end = read_endpoint(r, c);
		end = &(*end)->next;
	}
	if (u->entity.len == 0 && !r->err)
		r->err = -EBADMSG;
}

static void read_users(struct reader *r, struct confinfo *ci, const struct xml *e)
{
	struct confinfo_user **end = &ci->users;
	ci->with_users = e != NULL;
	for (const struct xml *c = xml_child(e, "user"); c && !r->err; c = xml_again(c)) {
		if (ci->n_users++ == CONFINFO_USERS_MAX)
			r->err = -E2BIG;
		*end = arena_alloc(r->arena, sizeof(**end));
		read_user(r, *end, c);
		end = &(*end)->next;
	}
}

/* --- conference ----------------------------------------------------------------------- */

/* The MCU's name stands alone in a request to the factory, else inside its URI:
 * "sip:...;opaque=app:conf:chat:id:...". */
static enum confinfo_session session_of_uri(struct str uri)
{
	struct str mark = STR("app:conf:"), name;
	ssize_t at = str_find(uri, mark);
	if (at < 0)
		return confinfo_session_of(uri);
	(void)str_cut(str_sub(uri, (size_t)at + mark.len, uri.len), ':', &name, &uri);
	return confinfo_session_of(name);
}

static void read_uris(struct reader *r, struct confinfo *ci, const struct xml *e)
{
	ci->with_uris = e != NULL;
	for (const struct xml *c = xml_child(e, "entry"); c; c = xml_again(c)) {
		enum confinfo_session s = confinfo_session_of(xml_child_text(c, "purpose"));
		if (s != CONFINFO_NO_SESSION)
			ci->mcus[s].uri = child_text(r, c, "uri");
	}
}

static void read_views(struct reader *r, struct confinfo *ci, const struct xml *e)
{
	ci->with_views = e != NULL;
	for (const struct xml *c = xml_child(e, "entity-view"); c; c = xml_again(c)) {
		struct str uri = attr(r, c, "entity");
		enum confinfo_session s = session_of_uri(uri);
		if (s == CONFINFO_NO_SESSION)
			continue;
		ci->mcus[s].uri = uri;
		ci->mcus[s].locked =
		        flag_of(xml_child_text(xml_child(c, "entity-state"), "locked"));
	}
}

static void read_description(struct reader *r, struct confinfo *ci, const struct xml *e)
{
	const struct xml *organizer = xml_child(e, "organizer");
	struct str expiry = xml_child_text(e, "expiry-time");
	ci->subject = child_text(r, e, "subject");
	ci->id = child_text(r, e, "conference-id");
	ci->join_url = child_text(r, e, "join-url");
	ci->organizer = child_text(r, organizer, "uri");
	ci->organizer_name = child_text(r, organizer, "display-name");
	ci->admission = confinfo_admission_of(xml_child_text(e, "admission-policy"));
	ci->promote = confinfo_promote_of(xml_child_text(e, "autopromote"));
	ci->lobby = flag_of(xml_child_text(e, "lobby-capable"));
	ci->lasting = flag_of(xml_child_text(e, "lasting"));
	if (expiry.len > 0 && confinfo_time_parse(expiry, &ci->expires_s) < 0)
		r->err = -EBADMSG;
	read_uris(r, ci, xml_child(e, "conf-uris"));
}

int confinfo_read(struct confinfo *ret, struct arena *a, const struct xml *e)
{
	struct reader r = { .arena = a };
	struct confinfo ci = { .entity = { NULL, 0 } };
	if (!xml_is(e, "conference-info"))
		return -EBADMSG;
	ci.entity = attr(&r, e, "entity");
	ci.state = state_of(e);
	ci.version = number_attr(&r, e, "version");
	read_description(&r, &ci, xml_child(e, "conference-description"));
	read_views(&r, &ci, xml_child(e, "conference-view"));
	read_users(&r, &ci, xml_child(e, "users"));
	if (r.err == 0)
		*ret = ci;
	return r.err;
}

int confinfo_read_user(struct confinfo_user *ret, struct arena *a, const struct xml *e)
{
	struct reader r = { .arena = a };
	struct confinfo_user u = { .next = NULL };
	if (!xml_is(e, "user"))
		return -EBADMSG;
	read_user(&r, &u, e);
	if (r.err == 0)
		*ret = u;
	return r.err;
}

int confinfo_parse(struct confinfo *ret, struct arena *a, struct str in)
{
	struct xml *root;
	int r = xml_parse(&root, a, in);
	return r < 0 ? r : confinfo_read(ret, a, root);
}
