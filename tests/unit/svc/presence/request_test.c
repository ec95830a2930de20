#include "svc/presence/request.h"

#include <errno.h>

#include "sample.h"
#include "tap.h"

/* What a client really sends is in tests/fuzz/corpus/presence. */

struct world {
	struct arena *a;
	struct buf b;
};

static struct str captured(struct world *w, const char *name)
{
	char path[128];
	*w = (struct world){ .a = arena_new() };
	(void)snprintf(path, sizeof(path), "presence/%s", name);
	struct str body = sample(&w->b, path);
	OK(body.len > 0);
	return body;
}

static void done(struct world *w)
{
	arena_free(&w->a);
	buf_free(&w->b);
}

static void a_client_publishes_when_it_signs_in(void)
{
	struct world w;
	struct str body;
	struct publish p = { 0 };
	body = captured(&w, "sign-in-service-publish");
	EQ(publish_read(&p, w.a, body), 0);
	EQ_STR(p.uri, "alice@contoso.com");
	EQ(p.n, 5);
	const struct publish_item *device = &p.items[0], *machine = &p.items[2],
	                          *user = &p.items[3];
	OK(device->key.category == CATEGORY_DEVICE && device->key.instance == 3379901121);
	OK(device->expire == PUB_ENDPOINT && device->key.container == 2 && !device->remove);
	OK(xml_is(device->body, "device"));
	OK(machine->key.category == CATEGORY_STATE && machine->key.container == 3);
	OK(user->expire == PUB_STATIC && user->key.instance == 536870912 && user->version == 0);
	EQ_STR(xml_child_text(user->body, "availability"), "3500");
	done(&w);
}

static void a_client_says_its_states(void)
{
	static const struct {
		const char *name, *availability;
		size_t n;
		uint32_t version;
	} rows[] = {
		{ "status-busy-with-note", "6500", 7, 1 },
		{ "status-do-not-disturb", "9500", 7, 2 },
		{ "status-be-right-back", "12500", 4, 3 },
		{ "status-away", "15500", 4, 4 },
		{ "status-appear-offline", "18500", 4, 5 },
		{ "status-available", "3500", 4, 6 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;
		struct str body;
		struct publish p = { 0 };
		unsigned n = 0;
		body = captured(&w, rows[i].name);
		EQ(publish_read(&p, w.a, body), 0);
		EQ(p.n, rows[i].n);
		for (size_t k = 0; k < p.n; k++) {
			const struct publish_item *it = &p.items[k];
			if (it->key.category != CATEGORY_STATE)
				continue;
			n++;
			EQ(it->version, rows[i].version);
			OK(str_eq(xml_child_text(it->body, "availability"),
			          str_of(rows[i].availability)));
		}
		EQ(n, 4);
		done(&w);
	}
}

static void a_note_is_published_and_taken_away(void)
{
	struct world w;
	struct str body;
	struct publish p = { 0 };
	unsigned n = 0;
	body = captured(&w, "status-busy-with-note");
	EQ(publish_read(&p, w.a, body), 0);
	for (size_t k = 0; k < p.n; k++)
		n += p.items[k].key.category == CATEGORY_NOTE && !p.items[k].remove;
	EQ(n, 3);
	done(&w);
	n = 0;
	body = captured(&w, "status-do-not-disturb");
	EQ(publish_read(&p, w.a, body), 0);
	for (size_t k = 0; k < p.n; k++)
		n += p.items[k].key.category == CATEGORY_NOTE && p.items[k].remove;
	EQ(n, 3);
	done(&w);
	body = captured(&w, "reset-status");
	EQ(publish_read(&p, w.a, body), 0);
	EQ(p.n, 2);
	OK(p.items[0].remove && p.items[1].remove && p.items[0].version == 7);
	OK(p.items[0].key.container == 3 && p.items[1].key.container == 2);
	done(&w);
}

static void a_client_changes_access_levels(void)
{
	static const struct {
		const char *name, *value;
		uint32_t container;
		enum member_type type;
	} rows[] = {
		{ "access-level-team", "bob@contoso.com", CONTAINER_TEAM, MEMBER_USER },
		{ "access-level-domain", "fabrikam.com", CONTAINER_TEAM, MEMBER_DOMAIN },
		{ "block-contact", "bob@contoso.com", CONTAINER_BLOCKED, MEMBER_USER },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;
		struct str body;
		struct set_members s = { 0 };
		body = captured(&w, rows[i].name);
		EQ(set_members_read(&s, w.a, body), 0);
		EQ(s.n, 1);
		EQ(container_id(s.items[0].at), rows[i].container);
		EQ(s.items[0].type, rows[i].type);
		OK(!s.items[0].remove && s.items[0].version == 0);
		OK(str_eq(s.items[0].value, str_of(rows[i].value)));
		done(&w);
	}
}

static void a_client_acknowledges_who_has_added_it(void)
{
	struct world w;
	struct str body;
	struct set_subscribers s = { 0 };
	body = captured(&w, "sign-in-service-setsubscriber");
	EQ(set_subscribers_read(&s, w.a, body), 0);
	EQ(s.n, 1);
	EQ_STR(s.items[0].user, "carol@contoso.com");
	OK(s.items[0].acknowledged);
	done(&w);
}

static void a_client_watches_its_contacts(void)
{
	struct world w;
	struct str body;
	struct batch b = { 0 };
	body = captured(&w, "sign-in-subscribe-presence");
	EQ(batch_read(&b, w.a, body), 0);
	EQ(b.n, 1);
	EQ_STR(b.items[0].uri, "sip:bob@contoso.com");
	OK(!b.remove && !b.items[0].context);
	EQ(b.categories, CATEGORY_BIT(CATEGORY_CALENDAR_DATA) |
	                         CATEGORY_BIT(CATEGORY_CONTACT_CARD) | CATEGORY_BIT(CATEGORY_NOTE) |
	                         CATEGORY_BIT(CATEGORY_STATE));
	done(&w);
	body = captured(&w, "contact-add-new-group");
	EQ(batch_read(&b, w.a, body), 0);
	EQ_STR(b.items[0].uri, "sip:dave@contoso.com");
	OK(b.n == 1 && b.items[0].context);
	done(&w);
	/* Office Communicator 2005. */
	body = captured(&w, "ocs2005-sign-in-all");
	EQ(batch_read(&b, w.a, body), 0);
	EQ(b.n, 2);
	EQ_STR(b.items[0].uri, "sip:alice@contoso.com");
	EQ(b.categories, CATEGORY_ALL);
	done(&w);
}

static void a_client_asks_for_its_own_data(void)
{
	struct world w;
	struct str body;
	unsigned parts = 0;
	body = captured(&w, "sign-in-subscribe-vnd-microsoft-roaming-self");
	EQ(roaming_read(&parts, w.a, body), 0);
	EQ(parts, ROAMING_CATEGORIES | ROAMING_CONTAINERS | ROAMING_SUBSCRIBERS);
	EQ(roaming_read(&parts, w.a,
	                STR("<roamingList><roaming type='containers'/><roaming type='x'/>"
	                    "</roamingList>")),
	   0);
	EQ(parts, ROAMING_CONTAINERS);
	EQ(roaming_read(&parts, w.a, STR("<list/>")), -EBADMSG);
	done(&w);
}

/* --- what nobody should send ---------------------------------------------------------------- */

#define PUBLISH(items) "<publish><publications uri='sip:a@x'>" items "</publications></publish>"
#define ITEM(attrs) "<publication " attrs "><note/></publication>"

static int reads_publish(const char *text)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct publish p = { .n = 77 };
	int r = publish_read(&p, a, str_of(text));
	OK(r == 0 || p.n == 77);
	return r;
}

static void a_publication_that_is_wrong_is_refused(void)
{
	static const char *const wrong[] = {
		"",
		"<publish>",
		"<publish/>",
		"<publications/>",
		PUBLISH(""),
		PUBLISH(ITEM("expireType='static'")),
		PUBLISH(ITEM("categoryName='' expireType='static'")),
		PUBLISH(ITEM("categoryName='note'")),
		PUBLISH(ITEM("categoryName='note' expireType='ever'")),
		PUBLISH(ITEM("categoryName='note' expireType='time'")),
		PUBLISH(ITEM("categoryName='note' expireType='static' instance='-1'")),
		PUBLISH(ITEM("categoryName='note' expireType='static' instance='4294967296'")),
		PUBLISH(ITEM("categoryName='note' expireType='static' container='x'")),
		PUBLISH(ITEM("categoryName='note' expireType='static' container=''")),
		PUBLISH(ITEM("categoryName='note' expireType='static' version='1.0'")),
		PUBLISH(ITEM("categoryName='note' expireType='time' expires='soon'")),
		PUBLISH(ITEM("categoryName='note' expireType='static'")
		                ITEM("categoryName='note' expireType=''")),
		PUBLISH(ITEM("categoryName='"
		             "12345678901234567890123456789012345678901234567890123456789012345'"
		             " expireType='static'")),
		"<!DOCTYPE p [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>" PUBLISH(
		        "<publication categoryName='note' expireType='static'><note>&b;</note>"
		        "</publication>"),
		PUBLISH("<publication categoryName='note' expireType='static'><note>&b;</note>"
		        "</publication>"),
		"\xff\xfe<\0p\0",
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		EQ(reads_publish(wrong[i]), -EBADMSG);
	EQ(reads_publish(PUBLISH(ITEM("categoryName='note' expireType='static' instance=' 7 '"))),
	   0);
	EQ(reads_publish(PUBLISH(ITEM("categoryName='note' expireType='time' expires='1'"))), 0);
}

static void what_is_said_twice_is_there_twice(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct publish p;
	EQ(publish_read(&p, a,
	                STR(PUBLISH(ITEM("categoryName='note' expireType='static'")
	                                    ITEM("categoryName='note' expireType='static'")))),
	   0);
	EQ(p.n, 2);
	/* The first of two lists counts. */
	EQ(publish_read(&p, a,
	                STR("<publish><publications><publication categoryName='a'"
	                    " expireType='static'/></publications><publications/></publish>")),
	   0);
	OK(p.n == 1 && p.uri.len == 0 && p.items[0].remove);
}

/* `n` times `one` between two texts. */
static struct str many(struct buf *b, const char *before, const char *one, size_t n,
                       const char *after)
{
	*b = buf_of(XML_TEXT_MAX);
	buf_str(b, str_of(before));
	for (size_t i = 0; i < n; i++)
		buf_str(b, str_of(one));
	buf_str(b, str_of(after));
	OK(!b->full);
	return buf_view(b);
}

typedef int read_fn(void *ret, struct arena *a, struct str body);

static int publishes(void *ret, struct arena *a, struct str body)
{
	return publish_read(ret, a, body);
}
static int sets_members(void *ret, struct arena *a, struct str body)
{
	return set_members_read(ret, a, body);
}
static int sets_subscribers(void *ret, struct arena *a, struct str body)
{
	return set_subscribers_read(ret, a, body);
}
static int batches(void *ret, struct arena *a, struct str body)
{
	return batch_read(ret, a, body);
}

static void each_count_has_a_limit(void)
{
	static const struct {
		read_fn *read;
		const char *before, *one, *after;
		size_t max;
	} rows[] = {
		{ publishes, "<publish><publications>",
		  ITEM("categoryName='note' expireType='static'"), "</publications></publish>",
		  PUBLISH_MAX },
		{ sets_members, "<setContainerMembers><container id='300'>",
		  "<member action='add' type='everyone'/>", "</container></setContainerMembers>",
		  MEMBERS_MAX },
		{ sets_members, "<setContainerMembers>",
		  "<container id='300'><member action='add' type='everyone'/></container>",
		  "</setContainerMembers>", MEMBERS_MAX },
		{ sets_subscribers, "<setSubscribers>", "<subscriber user='a@x'/>",
		  "</setSubscribers>", SUBSCRIBERS_CHANGED_MAX },
		{ batches, "<batchSub><action><adhocList>", "<resource uri='sip:a@x'/>",
		  "</adhocList></action></batchSub>", BATCH_MAX },
		{ batches, "<batchSub><action><adhocList/><categoryList>",
		  "<category name='note'/>", "</categoryList></action></batchSub>",
		  BATCH_CATEGORIES_MAX },
		{ batches, "<adhoclist><create>", "<resource uri='sip:a@x'/>",
		  "</create></adhoclist>", BATCH_MAX },
	};
	union {
		struct publish publish;
		struct set_members members;
		struct set_subscribers subscribers;
		struct batch batch;
	} ret;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_(arena_free) struct arena *a = arena_new();
		auto_(buf_free) struct buf most = { 0 }, more = { 0 }, far = { 0 };
		EQ(rows[i].read(
		           &ret, a,
		           many(&most, rows[i].before, rows[i].one, rows[i].max, rows[i].after)),
		   0);
		EQ(rows[i].read(&ret, a,
		                many(&more, rows[i].before, rows[i].one, rows[i].max + 1,
		                     rows[i].after)),
		   -E2BIG);
		EQ(rows[i].read(&ret, a,
		                many(&far, rows[i].before, rows[i].one, 9000, rows[i].after)),
		   -E2BIG);
	}
}

static void depth_has_a_limit(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = { 0 };
	struct publish p;
	EQ(publish_read(&p, a, many(&b, "<publish>", "<a>", 100000, "")), -E2BIG);
}

static int reads_members(const char *text)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct set_members s;
	return set_members_read(&s, a, str_of(text));
}

#define MEMBERS(id, attrs)                                      \
	"<setContainerMembers><container " id "><member " attrs \
	"/></container></setContainerMembers>"

static void a_change_of_members_that_is_wrong_is_refused(void)
{
	static const struct {
		const char *text;
		int r;
	} rows[] = {
		{ MEMBERS("id='300' version='1'", "action='add' type='user' value='a@x'"), 0 },
		{ MEMBERS("id='300'", "action='remove' type='SameEnterprise'"), 0 },
		{ MEMBERS("id='7'", "action='add' type='user' value='a@x'"), -ENOENT },
		{ MEMBERS("", "action='add' type='user' value='a@x'"), -ENOENT },
		{ MEMBERS("id='-1'", "action='add' type='user' value='a@x'"), -EBADMSG },
		{ MEMBERS("id='300' version='x'", "action='add' type='user' value='a'"), -EBADMSG },
		{ MEMBERS("id='300'", "type='user' value='a@x'"), -EBADMSG },
		{ MEMBERS("id='300'", "action='block' type='user' value='a@x'"), -EBADMSG },
		{ MEMBERS("id='300'", "action='add' type='friend' value='a@x'"), -EBADMSG },
		{ MEMBERS("id='300'", "action='add' type='user'"), -EBADMSG },
		{ MEMBERS("id='300'", "action='add' type='domain' value=''"), -EBADMSG },
		{ MEMBERS("id='300'", "action='add' type='user' value='sip: '"), -EBADMSG },
		{ "<setContainerMembers><container id='300'/></setContainerMembers>", -EBADMSG },
		{ "<setContainerMembers/>", -EBADMSG },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EQ(reads_members(rows[i].text), rows[i].r);
}

static void an_address_of_a_member_has_a_length(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf fits = { 0 }, long_one = { 0 };
	struct set_members s;
	const char *before = "<setContainerMembers><container id='300'>"
	                     "<member action='add' type='user' value='sip:";
	EQ(set_members_read(&s, a,
	                    many(&fits, before, "x", CONTAINER_VALUE_MAX,
	                         "'/></container></setContainerMembers>")),
	   0);
	EQ(s.items[0].value.len, CONTAINER_VALUE_MAX);
	EQ(set_members_read(&s, a,
	                    many(&long_one, before, "x", CONTAINER_VALUE_MAX + 1,
	                         "'/></container></setContainerMembers>")),
	   -EBADMSG);
}

static void a_subscriber_or_a_batch_that_is_wrong_is_refused(void)
{
	static const char *const subscribers[] = {
		"<setSubscribers/>", "<setSubscribers><subscriber/></setSubscribers>",
		"<setSubscribers><subscriber user='  '/></setSubscribers>", "<x/>"
	};
	static const char *const lists[] = { "<batchSub/>", "<batchSub><action/></batchSub>",
		                             "<adhoclist/>", "<x/>", "text" };
	auto_(arena_free) struct arena *a = arena_new();
	struct set_subscribers s;
	struct batch b;
	for (size_t i = 0; i < ARRAY_SIZE(subscribers); i++)
		EQ(set_subscribers_read(&s, a, str_of(subscribers[i])), -EBADMSG);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		EQ(batch_read(&b, a, str_of(lists[i])), -EBADMSG);
	EQ(batch_read(&b, a,
	              STR("<batchSub><action name='unsubscribe'><adhocList><resource/>"
	                  "</adhocList></action></batchSub>")),
	   0);
	OK(b.remove && b.n == 1 && b.items[0].uri.len == 0);
}

static void an_address_has_no_scheme(void)
{
	EQ_STR(presence_address(STR(" SIP:a@x ")), "a@x");
	EQ_STR(presence_address(STR("sips:a@x")), "a@x");
	EQ_STR(presence_address(STR("a@x")), "a@x");
	EQ_STR(presence_address(STR("tel:+49")), "tel:+49");
	EQ_STR(presence_address(STR("")), "");
}

int main(void)
{
	RUN(a_client_publishes_when_it_signs_in);
	RUN(a_client_says_its_states);
	RUN(a_note_is_published_and_taken_away);
	RUN(a_client_changes_access_levels);
	RUN(a_client_acknowledges_who_has_added_it);
	RUN(a_client_watches_its_contacts);
	RUN(a_client_asks_for_its_own_data);
	RUN(a_publication_that_is_wrong_is_refused);
	RUN(what_is_said_twice_is_there_twice);
	RUN(each_count_has_a_limit);
	RUN(depth_has_a_limit);
	RUN(a_change_of_members_that_is_wrong_is_refused);
	RUN(an_address_of_a_member_has_a_length);
	RUN(a_subscriber_or_a_batch_that_is_wrong_is_refused);
	RUN(an_address_has_no_scheme);
	return tap_done();
}
