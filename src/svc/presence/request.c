#include "svc/presence/request.h"

#include <errno.h>

struct str presence_address(struct str uri)
{
	uri = str_trim(uri);
	if (str_istarts(uri, STR("sip:")))
		return str_sub(uri, 4, uri.len);
	if (str_istarts(uri, STR("sips:")))
		return str_sub(uri, 5, uri.len);
	return uri;
}

static int number(const struct xml *e, const char *name, uint32_t def, uint32_t *ret)
{
	struct str v = xml_attr(e, name);
	*ret = def;
	return v.p ? str_to_u32(str_trim(v), UINT32_MAX, ret) : 0;
}

/* How many of that name there are below parent. */
static size_t count(const struct xml *parent, const char *name)
{
	size_t n = 0;
	for (const struct xml *e = xml_child(parent, name); e; e = xml_again(e))
		n++;
	return n;
}

static int read_root(const struct xml **ret, struct arena *a, struct str body, const char *name)
{
	struct xml *root;
	int r = xml_parse(&root, a, body);
	if (r < 0)
		return r;
	if (!xml_is(root, name))
		return -EBADMSG;
	*ret = root;
	return 0;
}

/* --- publish ------------------------------------------------------------------------------ */

static int read_publication(struct publish_item *ret, const struct xml *e)
{
	struct str name = xml_attr(e, "categoryName");
	uint32_t expires;
	if (name.len == 0 || name.len > CATEGORY_NAME_MAX ||
	    number(e, "instance", 0, &ret->key.instance) < 0 ||
	    number(e, "container", 0, &ret->key.container) < 0 ||
	    number(e, "version", 0, &ret->version) < 0 || number(e, "expires", 1, &expires) < 0 ||
	    pub_expire_of(xml_attr(e, "expireType"), &ret->expire) < 0)
		return -EBADMSG;
	ret->key.name = name;
	ret->key.category = category_of(name);
	ret->body = e->child;
	ret->remove = (xml_attr(e, "expires").p && expires == 0) || !e->child;
	if (ret->expire == PUB_TIME && !xml_attr(e, "expires").p)
		return -EBADMSG;
	ret->expires_s = MIN(expires, PUB_EXPIRES_MAX);
	return 0;
}

int publish_read(struct publish *ret, struct arena *a, struct str body)
{
	const struct xml *root;
	int r = read_root(&root, a, body, "publish");
	if (r < 0)
		return r;
	const struct xml *list = xml_child(root, "publications");
	size_t n = count(list, "publication");
	if (n == 0 || n > PUBLISH_MAX)
		return n == 0 ? -EBADMSG : -E2BIG;
	struct publish p = { .uri = presence_address(xml_attr(list, "uri")) };
	p.items = arena_alloc(a, n * sizeof(*p.items));
	for (const struct xml *e = xml_child(list, "publication"); e; e = xml_again(e))
		if ((r = read_publication(&p.items[p.n++], e)) < 0)
			return r;
	*ret = p;
	return 0;
}

/* --- containers and subscribers ----------------------------------------------------------- */

static int read_member(struct member_change *ret, const struct xml *e, unsigned at,
                       uint32_t version)
{
	struct str action = xml_attr(e, "action");
	ret->at = at;
	ret->version = version;
	ret->remove = str_eq(action, STR("remove"));
	ret->value = presence_address(xml_attr(e, "value"));
	if ((!ret->remove && !str_eq(action, STR("add"))) ||
	    member_type_of(xml_attr(e, "type"), &ret->type) < 0 ||
	    ret->value.len > CONTAINER_VALUE_MAX)
		return -EBADMSG;
	bool named = ret->type == MEMBER_USER || ret->type == MEMBER_DOMAIN;
	if (!named)
		ret->value = STR("");
	return named && ret->value.len == 0 ? -EBADMSG : 0;
}

static int read_container(struct set_members *s, const struct xml *e)
{
	uint32_t id, version;
	int r;
	if (number(e, "id", UINT32_MAX, &id) < 0 || number(e, "version", 0, &version) < 0)
		return -EBADMSG;
	int at = container_index(id);
	if (at < 0)
		return at;
	for (const struct xml *m = xml_child(e, "member"); m; m = xml_again(m))
		if ((r = read_member(&s->items[s->n++], m, (unsigned)at, version)) < 0)
			return r;
	return 0;
}

int set_members_read(struct set_members *ret, struct arena *a, struct str body)
{
	const struct xml *root;
	size_t n = 0;
	int r = read_root(&root, a, body, "setContainerMembers");
	if (r < 0)
		return r;
	for (const struct xml *e = xml_child(root, "container"); e; e = xml_again(e))
		n += count(e, "member");
	if (n == 0 || n > MEMBERS_MAX)
		return n == 0 ? -EBADMSG : -E2BIG;
	struct set_members s = { .items = arena_alloc(a, n * sizeof(*s.items)) };
	for (const struct xml *e = xml_child(root, "container"); e; e = xml_again(e))
		if ((r = read_container(&s, e)) < 0)
			return r;
	*ret = s;
	return 0;
}

int set_subscribers_read(struct set_subscribers *ret, struct arena *a, struct str body)
{
	const struct xml *root;
	int r = read_root(&root, a, body, "setSubscribers");
	if (r < 0)
		return r;
	size_t n = count(root, "subscriber");
	if (n == 0 || n > SUBSCRIBERS_CHANGED_MAX)
		return n == 0 ? -EBADMSG : -E2BIG;
	struct set_subscribers s = { .items = arena_alloc(a, n * sizeof(*s.items)) };
	for (const struct xml *e = xml_child(root, "subscriber"); e; e = xml_again(e)) {
		struct subscriber_change *c = &s.items[s.n++];
		c->user = presence_address(xml_attr(e, "user"));
		c->acknowledged = str_ieq(xml_attr(e, "acknowledged"), STR("true"));
		if (c->user.len == 0 || c->user.len > CONTAINER_VALUE_MAX)
			return -EBADMSG;
	}
	*ret = s;
	return 0;
}

/* --- subscriptions ------------------------------------------------------------------------ */

static int read_categories(uint32_t *ret, const struct xml *list)
{
	size_t n = count(list, "category");
	if (n > BATCH_CATEGORIES_MAX)
		return -E2BIG;
	*ret = n == 0 ? CATEGORY_ALL : 0;
	for (const struct xml *e = xml_child(list, "category"); e; e = xml_again(e))
		*ret |= CATEGORY_BIT(category_of(xml_attr(e, "name")));
	return 0;
}

int batch_read(struct batch *ret, struct arena *a, struct str body)
{
	struct xml *root;
	int r = xml_parse(&root, a, body);
	if (r < 0)
		return r;
	bool batched = xml_is(root, "batchSub");
	if (!batched && !xml_is(root, "adhoclist"))
		return -EBADMSG;
	const struct xml *action = xml_child(root, batched ? "action" : "create");
	const struct xml *list = batched ? xml_child(action, "adhocList") : action;
	size_t n = count(list, "resource");
	if (!list || n > BATCH_MAX)
		return !list ? -EBADMSG : -E2BIG;
	struct batch b = { .items = arena_alloc(a, (n + 1) * sizeof(*b.items)) };
	b.remove = str_eq(xml_attr(action, "name"), STR("unsubscribe"));
	if ((r = read_categories(&b.categories, xml_child(action, "categoryList"))) < 0)
		return r;
	for (const struct xml *e = xml_child(list, "resource"); e; e = xml_again(e))
		b.items[b.n++] = (struct batch_item){ .uri = xml_attr(e, "uri"),
			                              .context = xml_child(e, "context") };
	*ret = b;
	return 0;
}

int roaming_read(unsigned *ret, struct arena *a, struct str body)
{
	const struct xml *root;
	int r = read_root(&root, a, body, "roamingList");
	if (r < 0)
		return r;
	*ret = 0;
	for (const struct xml *e = xml_child(root, "roaming"); e; e = xml_again(e)) {
		struct str type = xml_attr(e, "type");
		*ret |= str_eq(type, STR("categories"))    ? ROAMING_CATEGORIES
		        : str_eq(type, STR("containers"))  ? ROAMING_CONTAINERS
		        : str_eq(type, STR("subscribers")) ? ROAMING_SUBSCRIBERS
		                                           : 0u;
	}
	return 0;
}
