#include "svc/presence/document.h"

#include <errno.h>
#include <stdlib.h>

#include "base/isotime.h"

#define NS "http://schemas.microsoft.com/2006/09/sip/"

/* --- parts --------------------------------------------------------------------------------- */

static void open_attr(struct buf *b, const char *name)
{
	buf_char(b, ' ');
	buf_str(b, str_of(name));
	buf_lit(b, "=\"");
}

static void put_number(struct buf *b, const char *name, uint64_t v)
{
	open_attr(b, name);
	buf_dec(b, v);
	buf_char(b, '"');
}

static void put_time(struct buf *b, const char *name, usec_t wall)
{
	open_attr(b, name);
	isotime_put(b, wall);
	buf_char(b, '"');
}

static void open_category(struct buf *b, const struct publication *q)
{
	buf_lit(b, "<category");
	xml_put_attr(b, "name", q->key.name);
	put_number(b, "instance", q->key.instance);
	put_time(b, "publishTime", q->published);
}

static void close_category(struct buf *b, const struct publication *q)
{
	buf_char(b, '>');
	buf_str(b, q->body->text);
	buf_lit(b, "</category>");
}

static void open_categories(struct buf *b, const struct presentity *p)
{
	buf_lit(b, "<categories xmlns=\"" NS "categories\" uri=\"sip:");
	xml_put_text(b, p->aor);
	buf_lit(b, "\">");
}

/* --- the own data -------------------------------------------------------------------------- */

static void put_own(struct buf *b, const struct publication *q)
{
	open_category(b, q);
	put_number(b, "container", q->key.container);
	put_number(b, "version", q->version);
	xml_put_attr(b, "expireType", str_of(pub_expire_name(q->expire)));
	if (q->ends)
		put_time(b, "expireTime", q->ends);
	close_category(b, q);
}

static bool is_kept(const struct publication *q)
{
	return !q->server && q->expire != PUB_ENDPOINT;
}

/* What is told of a category that has no publication any more: which containers it left. */
static void put_removed(struct buf *b, struct str name, uint32_t containers)
{
	for (unsigned i = 0; i < N_CONTAINERS; i++) {
		if (!(containers >> i & 1))
			continue;
		buf_lit(b, "<category");
		xml_put_attr(b, "name", name);
		put_number(b, "container", container_id(i));
		buf_lit(b, "/>");
	}
}

static uint32_t containers_with(const struct presence_dirty *d, enum category c)
{
	uint32_t bits = 0;
	for (unsigned i = 0; i < N_CONTAINERS; i++)
		bits |= d->category[i] & CATEGORY_BIT(c) ? 1u << i : 0;
	return bits;
}

/* Bits of the containers that have something of a category that the server does not know. */
static uint32_t where_is(const struct presentity *p, struct str name)
{
	uint32_t bits = 0;
	for (const struct publication *q = p->pubs.first; q; q = q->next)
		if (q->key.category == CATEGORY_OTHER && str_eq(q->key.name, name))
			bits |= 1u << container_index(q->key.container);
	return bits;
}

static void put_all_removed(struct buf *b, const struct presentity *p,
                            const struct self_parts *parts, uint32_t seen)
{
	for (int c = 0; c < CATEGORY_OTHER; c++)
		if (parts->categories & ~seen & CATEGORY_BIT(c))
			put_removed(b, category_name((enum category)c),
			            containers_with(parts->removed, (enum category)c));
	if (!(parts->categories & CATEGORY_BIT(CATEGORY_OTHER)))
		return;
	for (const struct gone_name *g = p->gone.first; g; g = g->next)
		if (where_is(p, gone_text(g)) == 0)
			put_removed(b, gone_text(g), g->containers);
}

static void put_categories(struct buf *b, const struct presentity *p,
                           const struct self_parts *parts)
{
	uint32_t seen = 0;
	open_categories(b, p);
	for (const struct publication *q = p->pubs.first; q; q = q->next) {
		if (!(parts->categories & CATEGORY_BIT(q->key.category)) ||
		    (parts->kept && !is_kept(q)))
			continue;
		seen |= CATEGORY_BIT(q->key.category);
		put_own(b, q);
	}
	if (parts->removed)
		put_all_removed(b, p, parts, seen);
	buf_lit(b, "</categories>");
}

static void put_member(struct buf *b, const struct member *m)
{
	buf_lit(b, "<member");
	xml_put_attr(b, "type", str_of(member_type_name(m->type)));
	if (m->len > 0)
		xml_put_attr(b, "value", member_value(m));
	buf_lit(b, "/>");
}

static void put_containers(struct buf *b, const struct presentity *p, uint32_t which)
{
	buf_lit(b, "<containers xmlns=\"" NS "container-management\">");
	for (unsigned i = 0; i < N_CONTAINERS; i++) {
		if (!(which >> i & 1))
			continue;
		buf_lit(b, "<container");
		put_number(b, "id", container_id(i));
		put_number(b, "version", p->containers.version[i]);
		buf_char(b, '>');
		for (const struct member *m = p->containers.first; m; m = m->next)
			if (m->at == i)
				put_member(b, m);
		buf_lit(b, "</container>");
	}
	buf_lit(b, "</containers>");
}

static void put_subscriber(struct buf *b, const struct presentity *p, const struct subscriber *s)
{
	struct str user = subscriber_user(s);
	struct str name, domain, own_name, own_domain;
	(void)str_cut(user, '@', &name, &domain);
	(void)str_cut(p->aor, '@', &own_name, &own_domain);
	buf_lit(b, "<subscriber");
	xml_put_attr(b, "user", user);
	xml_put_attr(b, "displayName", subscriber_display(s));
	xml_put_attr(b, "acknowledged", s->acknowledged ? STR("true") : STR("false"));
	xml_put_attr(b, "type",
	             str_ieq(domain, own_domain) ? STR("sameEnterprise") : STR("federated"));
	buf_lit(b, "/>");
}

static void put_subscribers(struct buf *b, const struct presentity *p)
{
	buf_lit(b, "<subscribers xmlns=\"" NS "presence-subscribers\">");
	for (const struct subscriber *s = p->subscribers; s; s = s->next)
		put_subscriber(b, p, s);
	buf_lit(b, "</subscribers>");
}

static void put_privacy(struct buf *b, const struct presentity *p)
{
	buf_lit(b, "<privacy xmlns=\"urn:dialtone:presence\">");
	for (const struct friend *f = p->friends; f; f = f->next) {
		buf_lit(b, "<contact");
		xml_put_attr(b, "uri", str_n(f->uri, f->len));
		buf_lit(b, "/>");
	}
	buf_lit(b, "</privacy>");
}

void doc_put_self(struct buf *b, const struct presentity *p, const struct self_parts *parts)
{
	buf_lit(b, "<roamingData xmlns=\"" NS "roaming-self\"");
	if (p->last_active && parts->kept)
		put_time(b, "lastActive", p->last_active);
	buf_char(b, '>');
	if (parts->categories)
		put_categories(b, p, parts);
	if (parts->has_containers)
		put_containers(b, p, parts->containers);
	if (parts->subscribers)
		put_subscribers(b, p);
	if (parts->replica && p->private)
		put_privacy(b, p);
	buf_lit(b, "</roamingData>\r\n");
}

/* --- what a watcher sees ------------------------------------------------------------------- */

static void put_seen(struct buf *b, const struct publication *q)
{
	open_category(b, q);
	close_category(b, q);
}

static void put_empty(struct buf *b, struct str name)
{
	buf_lit(b, "<category");
	xml_put_attr(b, "name", name);
	buf_lit(b, "/>");
}

static void put_view_of(struct buf *b, const struct presentity *p, uint32_t container,
                        enum category c)
{
	uint32_t from = presentity_source(p, container, c);
	bool any = false;
	for (const struct publication *q = p->pubs.first; q; q = q->next) {
		if (q->key.category != c || q->key.container != from || !pub_is_shown(q))
			continue;
		any = true;
		put_seen(b, q);
	}
	if (!any)
		put_empty(b, category_name(c));
}

/* Of each name what she sees, or that she sees it no more. */
static void put_unknown(struct buf *b, const struct presentity *p, uint32_t container, uint32_t was)
{
	uint32_t sees = 1u << container_index(container) | 1;
	struct str last = STR("");
	for (const struct publication *q = p->pubs.first; q; q = q->next) {
		if (q->key.category != CATEGORY_OTHER)
			continue;
		uint32_t is = str_eq(q->key.name, last) ? 0 : where_is(p, q->key.name);
		last = q->key.name;
		if ((is & was) && !(is & sees))
			put_empty(b, q->key.name);
		if (q->key.container == presentity_source_of(p, container, &q->key))
			put_seen(b, q);
	}
	for (const struct gone_name *g = p->gone.first; g && was; g = g->next) {
		uint32_t is = where_is(p, gone_text(g));
		if ((g->containers & (was | 1)) && !(is & (sees | was)))
			put_empty(b, gone_text(g));
	}
}

void doc_put_view(struct buf *b, const struct presentity *p, uint32_t container, uint32_t mask,
                  uint32_t was)
{
	open_categories(b, p);
	for (int c = 0; c < CATEGORY_OTHER; c++)
		if (mask & CATEGORY_BIT(c))
			put_view_of(b, p, container, (enum category)c);
	if (mask & CATEGORY_BIT(CATEGORY_OTHER))
		put_unknown(b, p, container, was);
	buf_lit(b, "</categories>\r\n");
}

/* --- conflicts ----------------------------------------------------------------------------- */

void doc_put_conflicts(struct buf *b, const struct conflict *c, size_t n)
{
	buf_lit(b, "<Fault xmlns=\"" NS "fault\">"
	           "<Faultcode>Client.BadCall.WrongDelta</Faultcode><details>");
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "<operation index=\"%u\" version=\"%u\" curVersion=\"%u\"/>",
		           c[i].index, c[i].version, c[i].current);
	buf_lit(b, "</details></Fault>\r\n");
}

/* --- bodies that the server makes ---------------------------------------------------------- */

/* The workgroup alone may break through do-not-disturb, and sees subject and place of meetings. */
static struct str token_for(const struct aggregate *a, uint32_t container)
{
	bool dnd = a->availability >= AVAIL_DND && a->availability < AVAIL_BRB;
	if (container == CONTAINER_TEAM && dnd && a->token.len == 0)
		return STR("urgent-interruptions-only");
	return a->token;
}

void doc_put_state(struct buf *b, const struct aggregate *a, uint32_t container, usec_t last_active)
{
	struct str token = token_for(a, container);
	buf_lit(b, "<state xmlns=\"" NS "state\""
	           " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
	           " xsi:type=\"aggregateState\"");
	if (last_active)
		put_time(b, "lastActive", last_active);
	buf_printf(b, "><availability>%u</availability>", a->availability);
	if (token.len > 0 || a->custom.len > 0) {
		buf_lit(b, "<activity");
		if (token.len > 0)
			xml_put_attr(b, "token", token);
		buf_char(b, '>');
		if (a->custom.len > 0)
			xml_put_element(b, "custom", a->custom);
		buf_lit(b, "</activity>");
	}
	if (container == CONTAINER_TEAM && a->subject.len > 0)
		xml_put_element(b, "meetingSubject", a->subject);
	if (container == CONTAINER_TEAM && a->location.len > 0)
		xml_put_element(b, "meetingLocation", a->location);
	buf_lit(b, "</state>");
}

static void put_if(struct buf *b, const char *name, struct str v)
{
	if (v.len > 0)
		xml_put_element(b, name, v);
}

void doc_put_card(struct buf *b, const struct card *c)
{
	buf_lit(b, "<contactCard xmlns=\"" NS "contactcard\"><identity><name>");
	xml_put_element(b, "displayName", c->display_name);
	buf_lit(b, "</name>");
	put_if(b, "email", c->email);
	buf_lit(b, "</identity>");
	put_if(b, "department", c->department);
	put_if(b, "title", c->title);
	if (c->phone.len > 0) {
		buf_lit(b, "<phone type=\"work\"><uri>tel:");
		xml_put_text(b, c->phone);
		buf_lit(b, "</uri>");
		xml_put_element(b, "displayString", c->phone);
		buf_lit(b, "</phone>");
	}
	if (c->photo_url.len > 0) {
		buf_lit(b, "<photo type=\"enterprise\">");
		xml_put_element(b, "uri", c->photo_url);
		put_if(b, "hash", c->photo_hash);
		buf_lit(b, "</photo>");
	}
	buf_lit(b, "</contactCard>");
}

void doc_put_lines(struct buf *b, struct str phone)
{
	buf_lit(b, "<userProperties xmlns=\"" NS "user-properties\">");
	if (phone.len > 0) {
		buf_lit(b, "<lines><line lineType=\"Uc\">tel:");
		xml_put_text(b, phone);
		buf_lit(b, "</line></lines>");
	}
	buf_lit(b, "</userProperties>");
}
