#include <stdlib.h>

#include "base/arena.h"
#include "base/code.h"
#include "base/isotime.h"
#include "role/web/people.h"
#include "svc/presence/aggregate.h"
#include "wire/mime/mime.h"
#include "wire/xml/xml.h"

/* Documents that the front end sends ([MS-PRES], [MS-SIP]): the list of contacts, the own data, and
 * what others publish; and what the browser is told of them. */

enum {
	TOLD_MAX = 256 * 1024, /* bytes of people, with which an event ends */
	PHONES_MAX = 8,        /* of a person, that are told */
};

const char *wb_state_name(unsigned a)
{
	static const struct {
		unsigned from;
		const char *name;
	} bands[] = {
		{ AVAIL_OFFLINE, "offline" },     { AVAIL_AWAY, "away" },
		{ AVAIL_BRB, "be_right_back" },   { AVAIL_DND, "do_not_disturb" },
		{ AVAIL_BUSY_IDLE, "busy_idle" }, { AVAIL_BUSY, "busy" },
		{ AVAIL_IDLE, "idle" },           { AVAIL_ONLINE, "available" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bands); i++)
		if (a >= bands[i].from)
			return bands[i].name;
	return "unknown";
}

/* --- the list of contacts -------------------------------------------------------------------- */

static void set_text(char **to, struct str s)
{
	free(*to);
	*to = str_dup(s);
}

static void take_contact(struct people *p, const struct xml *e)
{
	char space[WEB_SIP_URI_MAX + 1];
	struct str uri = wb_people_bare(xml_attr(e, "uri"), space);
	struct person *x = uri.len ? wb_person_get(p, uri) : NULL;
	if (!x)
		return;
	(void)wb_person_set(x, true, xml_attr(e, "name"), xml_attr(e, "groups"));
}

static void take_group(struct people *p, const struct xml *e)
{
	uint32_t id;
	struct str name = xml_attr(e, "name");
	if (str_to_u32(xml_attr(e, "id"), UINT32_MAX, &id) < 0)
		return;
	struct group *old = wb_group_find(p, id), *g = xmalloc(sizeof(*g) + name.len + 1);
	g->id = id;
	if (name.len > 0)
		memcpy(g->name, name.p, name.len);
	g->name[name.len] = '\0';
	if (old) {
		list_del(&old->node);
		free(old);
	}
	list_add(&p->groups, &g->node);
}

static void no_contact(struct people *p, struct person *x)
{
	x = wb_person_set(x, false, STR(""), STR(""));
	if (!x->shown && !x->asked)
		wb_person_free(p, x);
}

static void forget_list(struct people *p)
{
	list_for(it, &p->all)
	{
		struct person *x = list_entry(it, struct person, node);
		if (x->contact)
			no_contact(p, x);
	}
	list_for(it, &p->groups)
	{
		list_del(it);
		free(list_entry(it, struct group, node));
	}
}

static void change(struct people *p, const struct xml *e)
{
	char space[WEB_SIP_URI_MAX + 1];
	uint32_t id;
	if (xml_is(e, "addedContact") || xml_is(e, "modifiedContact")) {
		take_contact(p, e);
	} else if (xml_is(e, "addedGroup") || xml_is(e, "modifiedGroup")) {
		take_group(p, e);
	} else if (xml_is(e, "deletedContact")) {
		struct person *x = wb_person_find(p, wb_people_bare(xml_attr(e, "uri"), space));
		if (x)
			no_contact(p, x);
	} else if (xml_is(e, "deletedGroup") &&
	           str_to_u32(xml_attr(e, "id"), UINT32_MAX, &id) == 0) {
		struct group *g = wb_group_find(p, id);
		if (g) {
			list_del(&g->node);
			free(g);
		}
	}
}

static void read_contacts(struct session *s, const struct xml *root)
{
	struct people *p = s->people;
	if (xml_is(root, "contactList")) {
		forget_list(p);
		for (const struct xml *e = xml_child(root, "group"); e; e = xml_again(e))
			take_group(p, e);
		for (const struct xml *e = xml_child(root, "contact"); e; e = xml_again(e))
			take_contact(p, e);
	} else {
		for (const struct xml *e = root->child; e; e = e->next)
			change(p, e);
	}
	wb_people_tell_contacts(s);
	wb_people_ask(s);
}

static void put_ids(struct buf *b, struct str ids)
{
	struct str one, rest = str_trim(ids);
	uint32_t id;
	buf_char(b, '[');
	for (bool first = true; rest.len > 0;) {
		(void)str_cut(rest, ' ', &one, &rest);
		if (str_to_u32(str_trim(one), UINT32_MAX, &id) < 0)
			continue;
		buf_printf(b, "%s%u", first ? "" : ",", id);
		first = false;
	}
	buf_char(b, ']');
}

void wb_people_tell_contacts(struct session *s)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	bool first = true;
	buf_lit(&b, "\"groups\":[");
	list_for(it, &s->people->groups)
	{
		const struct group *g = list_entry(it, struct group, node);
		buf_printf(&b, "%s{\"id\":%u,\"name\":", first ? "" : ",", g->id);
		json_put_str(&b, str_of(g->name));
		buf_char(&b, '}');
		first = false;
	}
	buf_lit(&b, "],\"people\":[");
	first = true;
	list_for(it, &s->people->all)
	{
		const struct person *x = list_entry(it, struct person, node);
		if (!x->contact)
			continue;
		buf_str(&b, first ? STR("{\"uri\":") : STR(",{\"uri\":"));
		json_put_str(&b, str_of(x->uri));
		json_put_member(&b, "name", wb_person_name(x));
		buf_lit(&b, ",\"groups\":");
		put_ids(&b, wb_person_groups(x));
		buf_char(&b, '}');
		first = false;
	}
	buf_char(&b, ']');
	session_event(s, "contacts", buf_view(&b));
}

/* --- what others publish --------------------------------------------------------------------- */

/* "2026-11-27T09:12:44.123456Z" or none. */
static void put_since(struct buf *b, struct str time)
{
	usec_t t;
	if (isotime_parse(&t, time) < 0)
		return;
	buf_lit(b, ",\"since\":\"");
	isotime_put(b, t);
	buf_char(b, '"');
}

/* What others wrote is cut, at the begin of a character: all contacts together fit into what a
 * connection holds. */
static struct str cut(struct str s, size_t max)
{
	size_t n = MIN(s.len, max);
	while (n > 0 && n < s.len && ((uint8_t)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_sub(s, 0, n);
}

static void put_if(struct buf *b, const char *name, struct str value)
{
	if (value.len > 0)
		json_put_member(b, name, cut(value, WEB_NAME_MAX));
}

static unsigned availability_of(const struct xml *state)
{
	uint32_t a;
	return str_to_u32(xml_child_text(state, "availability"), 100000, &a) < 0 ? 0 : a;
}

static void put_state(struct buf *b, const struct xml *category)
{
	const struct xml *state = xml_child(category, "state");
	const struct xml *activity = xml_child(state, "activity");
	struct str token = xml_attr(activity, "token");
	buf_printf(b, ",\"state\":\"%s\"",
	           state ? wb_state_name(availability_of(state)) : "offline");
	put_if(b, "activity", token.len ? token : xml_child_text(activity, "custom"));
	put_since(b, xml_attr(state, "startTime"));
	const struct xml *device = xml_child(state, "device");
	put_if(b, "device", device ? str_trim(device->text) : STR(""));
}

static void put_phones(struct buf *b, const struct xml *identity)
{
	bool first = true;
	unsigned n = 0;
	for (const struct xml *e = xml_child(identity, "phone"); e; e = xml_again(e)) {
		struct str uri = xml_child_text(e, "uri");
		uri = str_istarts(uri, STR("tel:")) ? str_sub(uri, 4, uri.len) : uri;
		if (uri.len == 0 || n++ >= PHONES_MAX)
			continue;
		buf_str(b, first ? STR(",\"phones\":[") : STR(","));
		json_put_str(b, cut(uri, WEB_NAME_MAX));
		first = false;
	}
	if (!first)
		buf_char(b, ']');
}

/* What others publish of themselves may name any address: only a picture of ours has a name. */
static struct str photo_of(const struct xml *card)
{
	struct str uri = xml_child_text(xml_child(card, "photo"), "uri");
	ssize_t at = str_find(uri, STR(WEB_PHOTOS));
	struct str name = at < 0 ? STR("") : str_sub(uri, (size_t)at + strlen(WEB_PHOTOS), uri.len);
	return wb_is_photo_name(name) ? name : STR("");
}

static void put_card(struct buf *b, const struct xml *category)
{
	const struct xml *card = xml_child(category, "contactCard");
	const struct xml *identity = xml_child(card, "identity");
	put_if(b, "name", xml_child_text(xml_child(identity, "name"), "displayName"));
	put_if(b, "email", xml_child_text(identity, "email"));
	put_if(b, "title", xml_child_text(card, "title"));
	put_if(b, "department", xml_child_text(card, "department"));
	json_put_member(b, "photo", photo_of(card));
	put_phones(b, card);
}

static void put_note(struct buf *b, const struct xml *category)
{
	const struct xml *note = xml_child(category, "note");
	json_put_member(b, "note",
	                note ? cut(xml_child_text(note, "body"), 4 * WEB_NOTE_MAX) : STR(""));
}

/* One of each category at most: an element that comes again is left out. */
static void put_person(struct buf *b, struct str uri, const struct xml *categories)
{
	bool state = false, note = false, card = false;
	buf_lit(b, "{\"uri\":");
	json_put_str(b, uri);
	for (const struct xml *e = xml_child(categories, "category"); e; e = xml_again(e)) {
		struct str name = xml_attr(e, "name");
		if (str_eq(name, STR("state")) && !state) {
			put_state(b, e);
			state = true;
		} else if (str_eq(name, STR("note")) && !note) {
			put_note(b, e);
			note = true;
		} else if (str_eq(name, STR("contactCard")) && !card) {
			put_card(b, e);
			card = true;
		}
	}
	buf_char(b, '}');
}

static void add_person(struct buf *b, const struct xml *categories)
{
	char space[WEB_SIP_URI_MAX + 1];
	struct str uri = wb_people_bare(xml_attr(categories, "uri"), space);
	if (uri.len == 0)
		return;
	buf_str(b, b->len ? STR(",") : STR(""));
	put_person(b, uri, categories);
}

/* Who is no user here, or cannot be seen. */
static void add_absent(struct buf *b, const struct xml *list)
{
	char space[WEB_SIP_URI_MAX + 1];
	for (const struct xml *e = xml_child(list, "resource"); e; e = xml_again(e)) {
		struct str state = xml_attr(xml_child(e, "instance"), "state");
		struct str uri = wb_people_bare(xml_attr(e, "uri"), space);
		if (!str_eq(state, STR("terminated")) || uri.len == 0)
			continue;
		buf_str(b, b->len ? STR(",{\"uri\":") : STR("{\"uri\":"));
		json_put_str(b, uri);
		buf_lit(b, ",\"state\":\"unknown\"}");
	}
}

/* And begins the next list. */
static void tell_people(struct session *s, struct buf *list)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	if (list->len == 0)
		return;
	buf_lit(&b, "\"people\":[");
	buf_str(&b, buf_view(list));
	buf_char(&b, ']');
	list->len = 0;
	session_event(s, "presence", buf_view(&b));
}

/* --- the own data ---------------------------------------------------------------------------- */

static int own_of(const struct people *p, struct str category, uint32_t instance,
                  uint32_t container)
{
	bool state = str_eq(category, STR("state")), note = str_eq(category, STR("note"));
	if (state && instance == p->machine)
		return container == 2 ? OWN_MACHINE_2 : container == 3 ? OWN_MACHINE_3 : -1;
	if (state && instance == USER_INSTANCE)
		return container == 2 ? OWN_USER_2 : container == 3 ? OWN_USER_3 : -1;
	if (note && instance == 0)
		return container == 200   ? OWN_NOTE_200
		       : container == 300 ? OWN_NOTE_300
		       : container == 400 ? OWN_NOTE_400
		                          : -1;
	return -1;
}

static void take_own(struct people *p, const struct xml *e)
{
	uint32_t instance = 0, container = 0, version = 0;
	const struct xml *state = xml_child(e, "state");
	struct str type = xml_attr(state, "type");
	if (str_to_u32(xml_attr(e, "instance"), UINT32_MAX, &instance) < 0 ||
	    str_to_u32(xml_attr(e, "container"), UINT32_MAX, &container) < 0 ||
	    str_to_u32(xml_attr(e, "version"), UINT32_MAX, &version) < 0)
		return;
	int own = own_of(p, xml_attr(e, "name"), instance, container);
	if (own >= 0)
		p->version[own] = version;
	if (container == 2 && str_ends(type, STR("aggregateState")))
		p->state = availability_of(state);
	if (own == OWN_USER_2)
		p->chosen = availability_of(state);
	if (own == OWN_NOTE_400)
		set_text(&p->note, xml_child_text(xml_child(e, "note"), "body"));
}

/* A category that is told is told whole: what is not in it is not there any more. */
static void forget_category(struct people *p, struct str name)
{
	if (str_eq(name, STR("state"))) {
		memset(p->version, 0, (OWN_USER_3 + 1) * sizeof(p->version[0]));
		p->chosen = 0;
	} else if (str_eq(name, STR("note"))) {
		memset(&p->version[OWN_NOTE_200], 0, 3 * sizeof(p->version[0]));
		set_text(&p->note, STR(""));
	}
}

static void read_self(struct session *s, const struct xml *root)
{
	struct people *p = s->people;
	const struct xml *all = xml_child(root, "categories");
	for (const struct xml *e = xml_child(all, "category"); e; e = xml_again(e))
		forget_category(p, xml_attr(e, "name"));
	for (const struct xml *e = xml_child(all, "category"); e; e = xml_again(e))
		take_own(p, e);
	if (all)
		wb_people_tell_self(s);
}

void wb_people_tell_self(struct session *s)
{
	const struct people *p = s->people;
	auto_(buf_free) struct buf b = buf_of(8192);
	buf_printf(&b, "\"state\":\"%s\",\"chosen\":", wb_state_name(p->state));
	if (p->chosen)
		buf_printf(&b, "\"%s\"", wb_state_name(p->chosen));
	else
		buf_lit(&b, "null");
	json_put_member(&b, "note", str_of(p->note ? p->note : ""));
	session_event(s, "self", buf_view(&b));
}

/* --- all of them ----------------------------------------------------------------------------- */

static void read_one(struct session *s, struct arena *a, struct str text, struct buf *people)
{
	struct xml *root;
	if (xml_parse(&root, a, text) < 0)
		return;
	if (xml_is(root, "contactList") || xml_is(root, "contactDelta"))
		read_contacts(s, root);
	else if (xml_is(root, "roamingData"))
		read_self(s, root);
	else if (xml_is(root, "categories"))
		add_person(people, root);
	else if (xml_is(root, "list"))
		add_absent(people, root);
	if (people->len > TOLD_MAX)
		tell_people(s, people);
}

void wb_people_read(struct session *s, struct str type, struct str body)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf people = buf_of(WEB_DOC_MAX);
	struct mime all;
	struct mime_part part;
	if (mime_open(&all, type, body) == 0)
		while (mime_next(&all, &part) > 0)
			read_one(s, a, part.body, &people);
	else
		read_one(s, a, body, &people);
	tell_people(s, &people);
}
