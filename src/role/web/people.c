#include <stdlib.h>

#include "base/code.h"
#include "role/web/people.h"
#include "svc/presence/aggregate.h"
#include "wire/xml/xml.h"

/* Contacts and presence of a session: what it asks the front end for, and what the browser changes.
 */

#define NS "http://schemas.microsoft.com/2006/09/sip/"
#define CATEGORIES "application/msrtc-event-categories+xml"
#define BATCH "application/msrtc-adrl-categorylist+xml"
#define LYNC_LINES "Supported: msrtc-event-categories, eventlist\r\n"

enum { MACHINE_INSTANCE = 0x30000000, CONFLICTS_MAX = 3 };

/* What the front end cannot read it does not answer: the parser that it uses decides. */
struct str wb_people_bare(struct str uri, char space[WEB_SIP_URI_MAX + 1])
{
	char text[WEB_SIP_URI_MAX + 1];
	struct buf b = { .p = space, .cap = WEB_SIP_URI_MAX, .max = WEB_SIP_URI_MAX };
	struct str head, rest;
	struct sip_uri u;
	if (str_istarts(uri, STR("sip:")))
		uri = str_sub(uri, 4, uri.len);
	(void)str_cut(uri, ';', &head, &rest);
	if (sip_uri_parse(&u, web_sip_uri(head, text)) < 0 || u.password.len || u.headers.len)
		return STR("");
	return sip_bare_aor(&u, &b);
}

/* --- the list -------------------------------------------------------------------------------- */

struct person *wb_person_find(const struct people *p, struct str uri)
{
	list_for(it, &p->all)
	{
		struct person *x = list_entry(it, struct person, node);
		if (str_eq(str_of(x->uri), uri))
			return x;
	}
	return NULL;
}

static char *put_text(char *to, struct str s)
{
	if (s.len > 0)
		memcpy(to, s.p, s.len);
	to[s.len] = '\0';
	return to + s.len + 1;
}

static struct person *person_new(struct str uri, struct str name, struct str groups)
{
	struct person *x = xmalloc(sizeof(*x) + uri.len + name.len + groups.len + 3);
	*x = (struct person){ .contact = false };
	(void)put_text(put_text(put_text(x->uri, uri), name), groups);
	return x;
}

struct str wb_person_name(const struct person *x)
{
	return str_of(x->uri + strlen(x->uri) + 1);
}

struct str wb_person_groups(const struct person *x)
{
	struct str name = wb_person_name(x);
	return str_of(name.p + name.len + 1);
}

struct person *wb_person_get(struct people *p, struct str uri)
{
	struct person *x = wb_person_find(p, uri);
	if (x || p->n >= WEB_WATCHED_MAX)
		return x;
	x = person_new(uri, STR(""), STR(""));
	list_add(&p->all, &x->node);
	p->n++;
	return x;
}

struct person *wb_person_set(struct person *x, bool contact, struct str name, struct str groups)
{
	struct person *y = person_new(str_of(x->uri), name, groups);
	y->contact = contact;
	y->shown = x->shown;
	y->asked = x->asked;
	list_add(&x->node, &y->node); /* in its place */
	list_del(&x->node);
	free(x);
	return y;
}

void wb_person_free(struct people *p, struct person *x)
{
	list_del(&x->node);
	p->n--;
	p->n_asked -= x->asked;
	free(x);
}

struct group *wb_group_find(const struct people *p, uint32_t id)
{
	list_for(it, &p->groups)
	{
		struct group *g = list_entry(it, struct group, node);
		if (g->id == id)
			return g;
	}
	return NULL;
}

void wb_people_new(struct session *s)
{
	struct people *p = xnew(struct people);
	uint32_t h = (uint32_t)hash_bytes(&s->web->by_id.key, s->instance, sizeof(s->instance));
	list_init(&p->all);
	list_init(&p->groups);
	list_init(&p->searches);
	p->machine = MACHINE_INSTANCE | (h >> 4);
	s->people = p;
}

void wb_people_free(struct session *s)
{
	struct people *p = take(&s->people);
	list_for(it, &p->searches) wb_search_free(list_entry(it, struct search, node));
	list_for(it, &p->all) wb_person_free(p, list_entry(it, struct person, node));
	list_for(it, &p->groups)
	{
		list_del(it);
		free(list_entry(it, struct group, node));
	}
	free(p->note);
	free(p);
}

/* --- subscriptions --------------------------------------------------------------------------- */

/* Is the front end to be told that they are watched, or are not any more? */
static bool is_news(const struct people *p, const struct person *x, bool add)
{
	bool wanted = x->contact || x->shown;
	return wanted == add && x->asked != add && (!add || p->n_asked < WEB_ASKED_MAX);
}

static void set_asked(struct people *p, struct person *x, bool asked)
{
	p->n_asked += (unsigned)asked - (unsigned)x->asked;
	x->asked = asked;
}

static void put_resources(struct buf *b, struct people *p, bool add)
{
	char space[WEB_SIP_URI_MAX + 1];
	list_for(it, &p->all)
	{
		struct person *x = list_entry(it, struct person, node);
		if (b->len > WEB_BATCH_MAX)
			break;
		if (!is_news(p, x, add))
			continue;
		buf_lit(b, "<resource");
		xml_put_attr(b, "uri", web_sip_uri(str_of(x->uri), space));
		buf_lit(b, "/>");
		set_asked(p, x, add);
	}
}

static bool is_any(const struct people *p, bool add)
{
	list_for(it, &p->all)
	{
		if (is_news(p, list_entry(it, struct person, node), add))
			return true;
	}
	return false;
}

/* Who is not watched any more is forgotten once the front end knows. */
static void reap(struct people *p)
{
	list_for(it, &p->all)
	{
		struct person *x = list_entry(it, struct person, node);
		if (!x->contact && !x->shown && !x->asked)
			wb_person_free(p, x);
	}
}

static void put_batch(struct session *s, struct buf *b)
{
	char space[WEB_SIP_URI_MAX + 1];
	struct people *p = s->people;
	bool add = !is_any(p, false); /* first they make room */
	buf_lit(b, "<batchSub xmlns=\"http://schemas.microsoft.com/2006/01/sip/batch-subscribe\"");
	xml_put_attr(b, "uri", web_sip_uri(str_of(s->who.uri), space));
	buf_printf(b, " name=\"\"><action name=\"%s\" id=\"1\"><adhocList>",
	           add ? "subscribe" : "unsubscribe");
	put_resources(b, p, add);
	buf_lit(b,
	        "</adhocList><categoryList xmlns=\"" NS "categorylist\"><category name=\"state\"/>"
	        "<category name=\"note\"/><category name=\"contactCard\"/></categoryList>"
	        "</action></batchSub>");
	reap(p);
}

void wb_people_put_sub(struct session *s, enum web_sub_kind kind, struct buf *lines,
                       struct buf *body, struct str *ret_type)
{
	buf_lit(lines, LYNC_LINES);
	if (kind == WEB_SUB_SELF) {
		buf_lit(body,
		        "<roamingList xmlns=\"" NS "roaming-self\"><roaming type=\"categories\"/>"
		        "</roamingList>");
		*ret_type = STR("application/vnd-microsoft-roaming-self+xml");
	} else if (kind == WEB_SUB_PRESENCE) {
		buf_lit(lines,
		        "Require: adhoclist, categoryList\r\n"
		        "Accept: " CATEGORIES ", application/rlmi+xml, multipart/related\r\n");
		put_batch(s, body);
		*ret_type = STR(BATCH);
	}
}

/* Those who were asked for on a subscription that is no more. */
static void ask_anew(struct people *p)
{
	list_for(it, &p->all) set_asked(p, list_entry(it, struct person, node), false);
	reap(p);
}

void wb_people_ask(struct session *s)
{
	struct people *p = s->people;
	if (!s->subs[WEB_SUB_PRESENCE].call_id)
		ask_anew(p);
	if (is_any(p, true) || is_any(p, false))
		web_subscribe(s, WEB_SUB_PRESENCE);
}

void wb_people_notified(struct session *s, const struct sip_msg *m)
{
	wb_people_read(s, sip_value(m, SIP_H_CONTENT_TYPE), m->body);
}

/* --- publishing ------------------------------------------------------------------------------ */

/* A change of the own presence, until the front end has taken it. */
struct publish {
	uint64_t number;   /* of the browser's request; 0: our own */
	unsigned first, n; /* of enum own_pub */
	unsigned tries;
	bool remove;
	unsigned availability;
	struct str note; /* in `text` */
	char text[];
};

static const struct {
	const char *category;
	uint16_t container;
} pubs[OWN_N] = {
	[OWN_MACHINE_2] = { "state", 2 }, [OWN_MACHINE_3] = { "state", 3 },
	[OWN_USER_2] = { "state", 2 },    [OWN_USER_3] = { "state", 3 },
	[OWN_NOTE_200] = { "note", 200 }, [OWN_NOTE_300] = { "note", 300 },
	[OWN_NOTE_400] = { "note", 400 },
};

static void put_body(struct buf *b, const struct publish *x, unsigned k)
{
	if (k >= OWN_NOTE_200) {
		buf_lit(b, "<note xmlns=\"" NS "note\"><body type=\"personal\" uri=\"\">");
		xml_put_text(b, x->note);
		buf_lit(b, "</body></note>");
		return;
	}
	bool machine = k < OWN_USER_2;
	buf_printf(b,
	           "<state xmlns=\"" NS "state\" manual=\"%s\" "
	           "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"%s\">"
	           "<availability>%u</availability>%s</state>",
	           machine ? "false" : "true", machine ? "machineState" : "userState",
	           x->availability, machine ? "<device>web</device>" : "");
}

static void put_publication(struct buf *b, const struct people *p, const struct publish *x,
                            unsigned k)
{
	unsigned instance = k < OWN_USER_2     ? p->machine
	                    : k < OWN_NOTE_200 ? (unsigned)USER_INSTANCE
	                                       : 0;
	buf_printf(
	        b,
	        "<publication categoryName=\"%s\" instance=\"%u\" container=\"%u\" version=\"%u\" "
	        "expireType=\"%s\"%s>",
	        pubs[k].category, instance, pubs[k].container, p->version[k],
	        k < OWN_USER_2 ? "endpoint" : "static", x->remove ? " expires=\"0\"" : "");
	put_body(b, x, k);
	buf_lit(b, "</publication>");
}

static void on_published(struct session *s, void *arg, int code, const struct sip_msg *m);

static void publish(struct session *s, struct publish *x)
{
	char space[WEB_SIP_URI_MAX + 1];
	auto_(buf_free) struct buf b = buf_of(16 * 1024);
	buf_lit(&b, "<publish xmlns=\"" NS "rich-presence\"><publications");
	xml_put_attr(&b, "uri", web_sip_uri(str_of(s->who.uri), space));
	buf_char(&b, '>');
	for (unsigned k = x->first; k < x->first + x->n; k++)
		put_publication(&b, s->people, x, k);
	buf_lit(&b, "</publications></publish>");
	struct web_out o = { .method = SIP_SERVICE,
		             .lines = STR(LYNC_LINES),
		             .type = STR("application/msrtc-category-publish+xml"),
		             .body = buf_view(&b),
		             .dropped = free };
	web_send(s, &o, on_published, x);
}

/* <fault><operation index="1" version="0" curVersion="3"/>: what others have published meanwhile.
 */
static bool learn_versions(struct people *p, const struct publish *x, const struct sip_msg *m)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct xml *root;
	bool learnt = false;
	if (xml_parse(&root, a, m->body) < 0)
		return false;
	for (const struct xml *e = xml_child(root, "operation"); e; e = xml_again(e)) {
		uint32_t i, v;
		if (str_to_u32(xml_attr(e, "index"), UINT32_MAX, &i) < 0 || i == 0 || i > x->n ||
		    str_to_u32(xml_attr(e, "curVersion"), UINT32_MAX, &v) < 0)
			continue;
		p->version[x->first + i - 1] = v;
		learnt = true;
	}
	return learnt;
}

static void on_published(struct session *s, void *arg, int code, const struct sip_msg *m)
{
	struct publish *x = arg;
	if (code == 409 && ++x->tries < CONFLICTS_MAX && learn_versions(s->people, x, m)) {
		publish(s, x);
		return;
	}
	if (x->number && code / 100 == 2)
		web_ok(s, x->number, STR(""));
	else if (x->number)
		web_fail_sip(s, x->number, code);
	free(x);
}

static struct publish *publish_new(uint64_t number, unsigned first, unsigned n, struct str note)
{
	struct publish *x = xmalloc(sizeof(*x) + note.len);
	*x = (struct publish){ .number = number, .first = first, .n = n };
	memcpy(x->text, note.p, note.len);
	x->note = str_n(x->text, note.len);
	return x;
}

static void publish_machine(struct session *s, uint64_t number)
{
	struct publish *x = publish_new(number, OWN_MACHINE_2, 2, STR(""));
	x->availability = s->people->idle ? STATE_IDLE : STATE_ONLINE;
	publish(s, x);
}

void wb_people_start(struct session *s)
{
	publish_machine(s, 0);
}

bool wb_people_is_active(const struct session *s)
{
	return !s->people->idle;
}

void wb_people_presence_active(struct session *s, uint64_t number, const cJSON *args)
{
	const cJSON *active = cJSON_GetObjectItemCaseSensitive(args, "active");
	if (!cJSON_IsBool(active)) {
		web_bad(s, number, "active is true or false");
		return;
	}
	s->people->idle = cJSON_IsFalse(active);
	publish_machine(s, number);
}

void wb_people_presence_set(struct session *s, uint64_t number, const cJSON *args)
{
	static const struct {
		const char *name;
		unsigned availability;
	} states[] = { { "auto", 0 },
		       { "available", STATE_ONLINE },
		       { "busy", STATE_BUSY },
		       { "do_not_disturb", STATE_DND },
		       { "be_right_back", STATE_BRB },
		       { "away", STATE_AWAY },
		       { "offline", STATE_OFFLINE } };
	struct str state = web_text(args, "state");
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (!str_eq(state, str_of(states[i].name)))
			continue;
		struct publish *x = publish_new(number, OWN_USER_2, 2, STR(""));
		x->remove = states[i].availability == 0;
		x->availability = x->remove ? STATE_ONLINE : states[i].availability;
		publish(s, x);
		return;
	}
	web_bad(s, number, "state is none that can be set");
}

void wb_people_presence_note(struct session *s, uint64_t number, const cJSON *args)
{
	struct str text = web_text(args, "text");
	if (!text.p || text.len > 4 * WEB_NOTE_MAX) {
		web_bad(s, number, "text is missing or too long");
		return;
	}
	struct publish *x = publish_new(number, OWN_NOTE_200, 3, text);
	x->remove = text.len == 0;
	publish(s, x);
}
