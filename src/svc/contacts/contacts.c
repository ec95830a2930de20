#include "svc/contacts/contacts.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/xml/xml.h"

/* --- the list ------------------------------------------------------------------------------ */

static bool is_text(struct str s)
{
	return s.len <= CONTACT_TEXT_MAX && !memchr(s.len ? s.p : "", 0, s.len);
}

/* An address without its scheme; other URIs stay. */
static struct str bare(struct str uri)
{
	uri = str_trim(uri);
	return str_istarts(uri, STR("sip:")) ? str_sub(uri, 4, uri.len) : uri;
}

static void set_text(char **at, struct str s)
{
	char *old = *at; /* s may be in it */
	*at = str_dup(s);
	free(old);
}

static struct contact_group *make_group(struct contact_list *c, uint32_t id, struct str name,
                                        struct str external)
{
	struct contact_group **at = &c->first_group, *g = xnew(struct contact_group);
	while (*at && (*at)->id < id)
		at = &(*at)->next;
	g->id = id;
	set_text(&g->name, name);
	set_text(&g->external, external);
	g->next = *at;
	*at = g;
	c->n_groups++;
	c->next_group = MAX(c->next_group, id + 1);
	return g;
}

static void free_group(struct contact_list *c, struct contact_group **at)
{
	struct contact_group *g = *at;
	*at = g->next;
	c->n_groups--;
	for (int i = 0; i < CONTACT_ECHOES; i++)
		free(g->lately[i].name);
	free(g->name);
	free(g->external);
	free(g);
}

static void free_contact(struct contact_list *c, struct contact **at)
{
	struct contact *k = *at;
	*at = k->next;
	c->n--;
	c->written -= k->written;
	free(k->uri);
	free(k);
}

void contacts_init(struct contact_list *c)
{
	*c = (struct contact_list){ .delta = 1 };
	(void)make_group(c, CONTACT_GROUP_OTHER, STR("~"), STR(""));
}

void contacts_done(struct contact_list *c)
{
	while (c->first)
		free_contact(c, &c->first);
	while (c->first_group)
		free_group(c, &c->first_group);
}

static struct contact **seek(const struct contact_list *c, struct str uri)
{
	struct contact **at = (struct contact **)(uintptr_t)&c->first;
	uri = bare(uri);
	while (*at && !str_ieq(str_n((*at)->uri, (*at)->uri_len), uri))
		at = &(*at)->next;
	return at;
}

struct contact *contacts_find(const struct contact_list *c, struct str uri)
{
	return *seek(c, uri);
}

static struct contact_group **seek_group(const struct contact_list *c, uint32_t id)
{
	struct contact_group **at = (struct contact_group **)(uintptr_t)&c->first_group;
	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

struct contact_group *contacts_group(const struct contact_list *c, uint32_t id)
{
	return *seek_group(c, id);
}

static char *put_text(char **at, struct str s)
{
	char *text = *at;
	if (s.len > 0)
		memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	*at += s.len + 1;
	return text;
}

/* One piece of memory, for there are many contacts; `uri` may be the one that it has. */
static void set_texts(struct contact *k, struct str uri, const struct contact_set *s)
{
	char *at = xmalloc(uri.len + s->name.len + s->external.len + 3), *old = k->uri;
	k->uri_len = (uint16_t)uri.len;
	k->uri = put_text(&at, uri);
	k->name = put_text(&at, s->name);
	k->external = put_text(&at, s->external);
	free(old);
}

/* --- what is told of a change -------------------------------------------------------------- */

static void put_groups(struct buf *b, const struct contact *k)
{
	buf_lit(b, " groups=\"");
	for (unsigned i = 0; i < k->n_groups; i++) {
		if (i > 0)
			buf_char(b, ' ');
		buf_dec(b, k->groups[i]);
	}
	buf_char(b, '"');
}

/* In the whole list addresses have no scheme, in a delta they have one. */
static void put_contact(struct buf *b, const char *name, const struct contact *k, bool scheme)
{
	char uri[CONTACT_TEXT_MAX + 8];
	struct buf ub = BUF_ON(uri);
	if (scheme && str_chr(str_of(k->uri), ':') < 0)
		buf_lit(&ub, "sip:");
	buf_str(&ub, str_of(k->uri));
	buf_char(b, '<');
	buf_str(b, str_of(name));
	xml_put_attr(b, "uri", buf_view(&ub));
	xml_put_attr(b, "name", str_of(k->name));
	put_groups(b, k);
	xml_put_attr(b, "subscribed", k->subscribed ? STR("true") : STR("false"));
	xml_put_attr(b, "externalURI", str_of(k->external));
	buf_lit(b, "/>");
}

static void put_group(struct buf *b, const char *name, const struct contact_group *g)
{
	buf_printf(b, "<%s id=\"%u\"", name, g->id);
	xml_put_attr(b, "name", str_of(g->name));
	xml_put_attr(b, "externalURI", str_of(g->external));
	buf_lit(b, "/>");
}

static void count_change(struct contact_list *c)
{
	if (++c->delta == 0)
		c->delta = 1;
}

/* --- changes ------------------------------------------------------------------------------- */

/* Adds an id in order; what is there twice counts once. */
static int add_to_group(struct contact *k, uint32_t id)
{
	unsigned i = 0;
	while (i < k->n_groups && k->groups[i] < id)
		i++;
	if (i < k->n_groups && k->groups[i] == id)
		return 0;
	if (k->n_groups == CONTACT_IN_GROUPS_MAX)
		return -ENOSPC;
	memmove(&k->groups[i + 1], &k->groups[i], (k->n_groups - i) * sizeof(k->groups[0]));
	k->groups[i] = id;
	k->n_groups++;
	return 0;
}

/* Groups that there are not are left out; who would be in none is in the one of all. */
static int read_groups(const struct contact_list *c, struct contact *k, struct str ids)
{
	struct str rest = str_trim(ids), one;
	uint32_t id;
	k->n_groups = 0;
	while (rest.len > 0) {
		(void)str_cut(rest, ' ', &one, &rest);
		rest = str_trim(rest);
		if (str_to_u32(str_trim(one), UINT32_MAX, &id) < 0)
			return -EINVAL;
		int r = contacts_group(c, id) ? add_to_group(k, id) : 0;
		if (r < 0)
			return r;
	}
	return k->n_groups > 0 ? 0 : add_to_group(k, CONTACT_GROUP_OTHER);
}

/* Bytes of a contact in a document, in as many groups as it can be in. */
static uint32_t written_len(struct str uri, const struct contact_set *s)
{
	enum { ESCAPED = 6, REST = 96 + 11 * CONTACT_IN_GROUPS_MAX };
	auto_(buf_free) struct buf b = buf_of(3 * ESCAPED * CONTACT_TEXT_MAX);
	xml_put_text(&b, uri);
	xml_put_text(&b, s->name);
	xml_put_text(&b, s->external);
	return (uint32_t)b.len + REST;
}

int contacts_set(struct contact_list *c, const struct contact_set *s, uint32_t max,
                 struct buf *delta)
{
	struct str uri = bare(s->uri);
	if (uri.len == 0 || !is_text(uri) || !is_text(s->name) || !is_text(s->external))
		return -EINVAL;
	struct contact **at = seek(c, uri), *k = *at, like = { 0 };
	int r = read_groups(c, &like, s->groups);
	if (r < 0)
		return r;
	uint32_t written = written_len(uri, s);
	size_t others = c->written - (k ? k->written : 0);
	if ((!k && c->n >= MIN(max, CONTACTS_MAX)) || others + written > CONTACTS_WRITTEN_MAX)
		return -ENOSPC;
	bool added = !k;
	if (added) {
		k = *at = xnew(struct contact);
		c->n++;
	}
	set_texts(k, added ? uri : str_of(k->uri), s);
	k->subscribed = s->subscribed;
	k->n_groups = like.n_groups;
	memcpy(k->groups, like.groups, sizeof(k->groups));
	k->written = written;
	c->written = others + written;
	count_change(c);
	put_contact(delta, added ? "addedContact" : "modifiedContact", k, true);
	return 0;
}

int contacts_remove(struct contact_list *c, struct str uri, struct buf *delta)
{
	struct contact **at = seek(c, uri);
	if (!*at)
		return -ENOENT;
	buf_lit(delta, "<deletedContact uri=\"");
	if (str_chr(str_of((*at)->uri), ':') < 0)
		buf_lit(delta, "sip:");
	xml_put_text(delta, str_of((*at)->uri));
	buf_lit(delta, "\"/>");
	free_contact(c, at);
	count_change(c);
	return 0;
}

int contacts_add_group(struct contact_list *c, struct str name, struct str external,
                       uint32_t *ret_id, struct buf *delta)
{
	if (name.len == 0 || !is_text(name) || !is_text(external))
		return -EINVAL;
	if (c->n_groups >= CONTACT_GROUPS_MAX || c->next_group == UINT32_MAX)
		return -ENOSPC;
	struct contact_group *g = make_group(c, c->next_group, name, external);
	*ret_id = g->id;
	count_change(c);
	put_group(delta, "addedGroup", g);
	return 0;
}

int contacts_modify_group(struct contact_list *c, uint32_t id, struct str name, struct str external,
                          struct buf *delta)
{
	struct contact_group *g = contacts_group(c, id);
	if (name.len == 0 || !is_text(name) || !is_text(external))
		return -EINVAL;
	if (!g)
		return -ENOENT;
	set_text(&g->name, name);
	set_text(&g->external, external);
	count_change(c);
	put_group(delta, "modifiedGroup", g);
	return 0;
}

bool contacts_is_echo(const struct contact_list *c, uint32_t id, struct str name, usec_t now)
{
	const struct contact_group *g = contacts_group(c, id);
	for (int i = 0; g && i < CONTACT_ECHOES; i++)
		if (g->lately[i].name && str_eq(str_of(g->lately[i].name), name) &&
		    now - g->lately[i].at < CONTACT_ECHO_S * USEC_PER_SEC)
			return true;
	return false;
}

void contacts_renamed(struct contact_list *c, uint32_t id, usec_t now)
{
	struct contact_group *g = contacts_group(c, id);
	if (!g)
		return;
	free(g->lately[CONTACT_ECHOES - 1].name);
	memmove(&g->lately[1], &g->lately[0], sizeof(g->lately) - sizeof(g->lately[0]));
	g->lately[0] = (struct contact_renaming){ str_dup(str_of(g->name)), now };
}

static bool leave_group(struct contact *k, uint32_t id)
{
	for (unsigned i = 0; i < k->n_groups; i++) {
		if (k->groups[i] != id)
			continue;
		k->n_groups--;
		memmove(&k->groups[i], &k->groups[i + 1], (k->n_groups - i) * sizeof(k->groups[0]));
		if (k->n_groups == 0)
			(void)add_to_group(k, CONTACT_GROUP_OTHER);
		return true;
	}
	return false;
}

int contacts_remove_group(struct contact_list *c, uint32_t id, struct buf *delta)
{
	struct contact_group **at = seek_group(c, id);
	if (!*at)
		return -ENOENT;
	if (id == CONTACT_GROUP_OTHER)
		return -EPERM;
	for (struct contact *k = c->first; k; k = k->next)
		if (leave_group(k, id))
			put_contact(delta, "modifiedContact", k, true);
	buf_printf(delta, "<deletedGroup id=\"%u\"/>", id);
	free_group(c, at);
	count_change(c);
	return 0;
}

/* --- documents ----------------------------------------------------------------------------- */

void contacts_put(struct buf *b, const struct contact_list *c, struct str more)
{
	buf_printf(b, "<contactList deltaNum=\"%u\"", c->delta);
	buf_str(b, more);
	buf_char(b, '>');
	for (const struct contact_group *g = c->first_group; g; g = g->next)
		put_group(b, "group", g);
	for (const struct contact *k = c->first; k; k = k->next)
		put_contact(b, "contact", k, false);
	buf_lit(b, "</contactList>\r\n");
}

void contacts_put_delta(struct buf *b, const struct contact_list *c, struct str elements)
{
	buf_printf(b, "<contactDelta deltaNum=\"%u\" prevDeltaNum=\"%u\">", c->delta, c->delta - 1);
	buf_str(b, elements);
	buf_lit(b, "</contactDelta>\r\n");
}

static int read_group_elements(struct contact_list *ret, const struct xml *root)
{
	for (const struct xml *e = xml_child(root, "group"); e; e = xml_again(e)) {
		uint32_t id;
		struct str name = xml_attr(e, "name"), external = xml_attr(e, "externalURI");
		if (str_to_u32(xml_attr(e, "id"), UINT32_MAX - 1, &id) < 0 || id == 0 ||
		    contacts_group(ret, id) || !is_text(name) || !is_text(external))
			return -EBADMSG;
		if (ret->n_groups >= CONTACT_GROUPS_MAX)
			return -E2BIG;
		(void)make_group(ret, id, name, external);
	}
	if (contacts_group(ret, CONTACT_GROUP_OTHER))
		return 0;
	if (ret->n_groups >= CONTACT_GROUPS_MAX)
		return -E2BIG;
	(void)make_group(ret, CONTACT_GROUP_OTHER, STR("~"), STR(""));
	return 0;
}

static int read_contact_elements(struct contact_list *ret, const struct xml *root)
{
	auto_(buf_free) struct buf ignored = buf_of(CONTACTS_DOC_MAX);
	for (const struct xml *e = xml_child(root, "contact"); e; e = xml_again(e)) {
		struct contact_set s = {
			.uri = xml_attr(e, "uri"),
			.name = xml_attr(e, "name"),
			.groups = xml_attr(e, "groups"),
			.external = xml_attr(e, "externalURI"),
			.subscribed = !str_eq(xml_attr(e, "subscribed"), STR("false")),
		};
		int r = contacts_set(ret, &s, CONTACTS_MAX, &ignored);
		if (r < 0)
			return r == -ENOSPC ? -E2BIG : -EBADMSG;
		ignored.len = 0;
	}
	return 0;
}

int contacts_read(struct contact_list *c, struct str document)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct contact_list fresh = { 0 };
	struct xml *root;
	int r = xml_parse(&root, a, document);
	if (r < 0)
		return r;
	uint32_t delta = 1;
	if (!xml_is(root, "contactList") ||
	    str_to_u32(xml_attr(root, "deltaNum"), UINT32_MAX, &delta) < 0)
		return -EBADMSG;
	r = read_group_elements(&fresh, root);
	if (r == 0)
		r = read_contact_elements(&fresh, root);
	if (r < 0) {
		contacts_done(&fresh);
		return r;
	}
	fresh.delta = MAX(delta, 1);
	contacts_done(c);
	*c = fresh;
	return 0;
}
