#include <errno.h>
#include <stdlib.h>

#include "base/isotime.h"
#include "svc/presence/document.h"

/* The documents of document.c read again: what the store kept, and what another home tells of a
 * user of its own. */

static int read_publication(struct presentity *p, const struct xml *e, struct pub_table *ret)
{
	struct str name = xml_attr(e, "name");
	struct pub_key k = { category_of(name), name, 0, 0 };
	enum pub_expire expire;
	uint32_t version;
	struct pub_body *body;
	if (!e->child || name.len == 0 || name.len > CATEGORY_NAME_MAX)
		return 0;
	if (str_to_u32(xml_attr(e, "container"), UINT32_MAX, &k.container) < 0 ||
	    str_to_u32(xml_attr(e, "instance"), UINT32_MAX, &k.instance) < 0 ||
	    str_to_u32(xml_attr(e, "version"), UINT32_MAX, &version) < 0 ||
	    pub_expire_of(xml_attr(e, "expireType"), &expire) < 0 ||
	    container_index(k.container) < 0 || ret->n >= PUBLICATIONS_DOC_MAX)
		return -EBADMSG;
	int r = pub_body_new(&body, e->child);
	if (r < 0)
		return r;
	struct publication *q = pub_get(ret, &k);
	q->expire = expire;
	q->version = version;
	q->server = p->replica;
	if (isotime_parse(&q->published, xml_attr(e, "publishTime")) < 0)
		q->published = 0;
	if (isotime_parse(&q->ends, xml_attr(e, "expireTime")) < 0)
		q->ends = 0;
	pub_share(ret, &body);
	pub_set_body(q, body);
	return 0;
}

static int read_publications(struct presentity *p, const struct xml *list, struct pub_table *ret)
{
	for (const struct xml *e = xml_child(list, "category"); e; e = xml_again(e)) {
		int r = read_publication(p, e, ret);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool fits(const struct containers *c, struct str value)
{
	return c->n_members < CONTAINER_MEMBERS_MAX && value.len <= CONTAINER_VALUE_MAX &&
	       c->n_bytes + value.len <= CONTAINER_BYTES_MAX;
}

static void read_members(struct containers *ret, const struct xml *e, unsigned at)
{
	enum member_type type;
	for (const struct xml *m = xml_child(e, "member"); m; m = xml_again(m))
		if (member_type_of(xml_attr(m, "type"), &type) == 0 &&
		    fits(ret, xml_attr(m, "value")))
			(void)containers_add(ret, at, type, xml_attr(m, "value"));
}

static int read_containers(struct containers *ret, const struct xml *list)
{
	*ret = (struct containers){ 0 };
	for (const struct xml *e = xml_child(list, "container"); e; e = xml_again(e)) {
		uint32_t id;
		int at = str_to_u32(xml_attr(e, "id"), UINT32_MAX, &id) < 0 ? -ENOENT
		                                                            : container_index(id);
		if (at < 0 || str_to_u32(xml_attr(e, "version"), UINT32_MAX, &ret->version[at]) < 0)
			return -EBADMSG;
		read_members(ret, e, (unsigned)at);
	}
	return 0;
}

static void read_subscriber(struct presentity *p, const struct xml *e)
{
	struct subscriber_change c = { xml_attr(e, "user"),
		                       str_eq(xml_attr(e, "acknowledged"), STR("true")) };
	(void)presentity_set_subscriber(p, &c, xml_attr(e, "displayName"));
}

/* The list is written with the newest first. */
static void read_subscribers(struct presentity *p, const struct xml *list)
{
	const struct xml *found[SUBSCRIBERS_MAX];
	size_t n = 0;
	for (const struct xml *e = xml_child(list, "subscriber"); e && n < SUBSCRIBERS_MAX;
	     e = xml_again(e))
		found[n++] = e;
	while (n > 0)
		read_subscriber(p, found[--n]);
}

static void mark(struct presentity *p, const struct publication *q)
{
	int at = container_index(q->key.container);
	if (at >= 0)
		p->dirty.category[at] |= CATEGORY_BIT(q->key.category);
}

/* Marks what is new, or is not so any more. */
static void mark_new(struct presentity *p, const struct pub_table *fresh)
{
	for (const struct publication *q = fresh->first; q; q = q->next) {
		const struct publication *o = pub_find(&p->pubs, &q->key);
		if (!o || !str_eq(o->body->text, q->body->text))
			mark(p, q);
	}
}

static void mark_gone(struct presentity *p, const struct pub_table *fresh)
{
	for (const struct publication *q = p->pubs.first; q; q = q->next)
		if (!pub_find(fresh, &q->key))
			presentity_touch_gone(p, &q->key);
}

/* What no document keeps stays as it is. */
static void carry_over(struct presentity *p, struct pub_table *fresh)
{
	for (const struct publication *q = p->pubs.first; q && !p->replica; q = q->next) {
		if ((!q->server && q->expire != PUB_ENDPOINT) || pub_find(fresh, &q->key))
			continue;
		struct publication *n = pub_get(fresh, &q->key);
		n->expire = q->expire;
		n->server = q->server;
		n->version = q->version;
		n->endpoint = q->endpoint;
		n->published = q->published;
		n->ends = q->ends;
		pub_set_body(n, pub_body_ref(q->body));
	}
}

static void take_publications(struct presentity *p, struct pub_table *fresh)
{
	carry_over(p, fresh);
	mark_new(p, fresh);
	mark_gone(p, fresh);
	pub_clear(&p->pubs);
	p->pubs = *fresh;
}

static bool same_members(const struct containers *a, const struct containers *b)
{
	if (a->n_members != b->n_members)
		return false;
	for (const struct member *m = a->first; m; m = m->next)
		if (!containers_find(b, m->at, m->type, member_value(m)))
			return false;
	return true;
}

static void take_containers(struct presentity *p, struct containers *fresh)
{
	if (!same_members(&p->containers, fresh))
		p->dirty.containers = (1u << N_CONTAINERS) - 1;
	containers_done(&p->containers);
	p->containers = *fresh;
}

static void read_privacy(struct presentity *p, const struct xml *e)
{
	presentity_private(p, e != NULL);
	for (const struct xml *c = xml_child(e, "contact"); c; c = xml_again(c))
		presentity_add_friend(p, xml_attr(c, "uri"));
	presentity_friends_done(p);
}

int presentity_read(struct presentity *p, struct str document)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct pub_table pubs = { 0 };
	struct containers containers = { 0 };
	struct xml *root;
	if (xml_parse(&root, a, document) < 0 || !xml_is(root, "roamingData"))
		return -EBADMSG;
	const struct xml *list = xml_child(root, "containers");
	if (read_publications(p, xml_child(root, "categories"), &pubs) < 0 ||
	    (list && read_containers(&containers, list) < 0)) {
		pub_clear(&pubs);
		containers_done(&containers);
		return -EBADMSG;
	}
	take_publications(p, &pubs);
	if (list)
		take_containers(p, &containers);
	const struct xml *privacy = xml_child(root, "privacy");
	if (p->replica && (privacy || p->private))
		read_privacy(p, privacy);
	read_subscribers(p, xml_child(root, "subscribers"));
	(void)!isotime_parse(&p->last_active, xml_attr(root, "lastActive"));
	return 0;
}
