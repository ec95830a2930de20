#include "svc/presence/presentity.h"

#include <errno.h>
#include <stdlib.h>

#include "say.h"

enum { DESK = 11, LAPTOP = 22 };
static const usec_t now = 1767323045 * USEC_PER_SEC;

struct world {
	struct presentity p;
	struct said said;
};

static struct world *world_start(void)
{
	struct world *w = xnew(struct world);
	struct card card = { .display_name = STR("Alice Adams"), .phone = STR("+4930123") };
	presentity_init(&w->p, 1, STR("alice@example.test"));
	presentity_set_card(&w->p, &card, now);
	presentity_signed_in(&w->p, true, false, now);
	w->p.dirty = (struct presence_dirty){ 0 };
	return w;
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	presentity_done(&w->p);
	free(w);
}

/* One publication: "note 300 0 1 static" is category, container, instance, version, type. */
static const char *item(struct buf *b, const char *what, const char *more, const char *body)
{
	char category[65], type[16];
	unsigned container, instance, version;
	OK(sscanf(what, "%64s %u %u %u %15s", category, &container, &instance, &version, type) ==
	   5);
	buf_printf(
	        b,
	        "<publication categoryName=\"%s\" container=\"%u\" instance=\"%u\" version=\"%u\""
	        " expireType=\"%s\" %s>%s</publication>",
	        category, container, instance, version, type, more, body);
	return b->p;
}

static int say_one(struct world *w, uint64_t endpoint, const char *what, const char *more,
                   const char *body)
{
	auto_(buf_free) struct buf b = buf_of(SAY_MAX);
	(void)item(&b, what, more, body);
	buf_char(&b, 0);
	return say(&w->p, &w->said, endpoint, now, b.p);
}

static const char *state(char text[512], const char *type, uint32_t availability)
{
	struct buf b = { .p = text, .cap = 511, .max = 511 };
	say_put_state(&b, type, availability, "");
	buf_char(&b, 0);
	return text;
}

static uint32_t availability(const struct world *w, uint32_t container)
{
	const struct publication *p = said(&w->p, "state", container, 1);
	return p ? p->body->availability : 0;
}

static bool is_dirty(const struct world *w, uint32_t container, enum category c)
{
	return w->p.dirty.category[container_index(container)] >> c & 1;
}

/* --- publishing ---------------------------------------------------------------------------- */

static void what_is_published_has_versions_that_count_up(void)
{
	struct world *w = world_start();
	EQ(say_one(w, DESK, "note 300 7 0 static", "", "<note>one</note>"), 0);
	const struct publication *p = said(&w->p, "note", 300, 7);
	OK(p && p->version == 1 && p->expire == PUB_STATIC && !p->server && p->published == now);
	OK(w->said.res.durable && is_dirty(w, 300, CATEGORY_NOTE));
	OK(!is_dirty(w, 200, CATEGORY_NOTE) && !is_dirty(w, 300, CATEGORY_STATE));
	EQ(say_one(w, DESK, "note 300 7 1 static", "", "<note>one</note>"), 0);
	EQ(said(&w->p, "note", 300, 7)->version, 2); /* the same content counts too */
	EQ(say_one(w, DESK, "note 300 7 2 static", "expires=\"0\"", ""), 0);
	OK(said(&w->p, "note", 300, 7) == NULL);
	OK(w->said.res.durable);
	EQ(say_one(w, DESK, "note 300 7 0 static", "expires=\"0\"", ""), 0);
	OK(!w->said.res.durable); /* it was not there */
	world_free(&w);
}

static void every_wrong_version_is_named_and_nothing_changes(void)
{
	struct world *w = world_start();
	auto_(buf_free) struct buf b = buf_of(SAY_MAX);
	EQ(say_one(w, DESK, "note 300 0 0 static", "", "<note>kept</note>"), 0);
	w->p.dirty = (struct presence_dirty){ 0 };
	(void)item(&b, "note 200 0 0 static", "", "<note>new</note>"); /* right */
	(void)item(&b, "note 300 0 0 static", "", "<note>new</note>"); /* is 1 */
	(void)item(&b, "note 400 0 5 static", "", "<note>new</note>"); /* there is none */
	(void)item(&b, "note 300 0 1 static", "", "<note>new</note>"); /* right */
	(void)item(&b, "alerts 2 0 9 static", "expires=\"0\"", "");    /* there is none */
	buf_char(&b, 0);
	EQ(say(&w->p, &w->said, DESK, now, b.p), -EEXIST);
	const struct conflict *c = w->said.conflicts;
	EQ(w->said.res.n_conflicts, 3);
	OK(c[0].index == 2 && c[0].version == 0 && c[0].current == 1);
	OK(c[1].index == 3 && c[1].version == 5 && c[1].current == 0);
	OK(c[2].index == 5 && c[2].version == 9 && c[2].current == 0);
	OK(said(&w->p, "note", 200, 0) == NULL && said(&w->p, "note", 400, 0) == NULL);
	EQ_STR(said(&w->p, "note", 300, 0)->body->text, "<note xmlns=\"urn:p\">kept</note>");
	OK(!presentity_is_dirty(&w->p));
	world_free(&w);
}

static void a_request_with_one_bad_body_changes_nothing(void)
{
	static const struct {
		const char *what, *body;
		int r;
	} bad[] = {
		{ "note 3000 0 0 static", "<note/>", -EPERM },
		{ "dialtone-dialogs 2 0 0 static", "<dialogs/>", -EPERM },
		{ "state 2 5 0 static", "<state xmlns:i='urn:i' i:type='aggregateState'/>",
		  -EPERM },
		{ "note 2 5 0 static", "<state type='aggregateState'/>", -EPERM },
		{ "state 200 1 1 static", "<state type='userState'/>", -EPERM },
		{ "state 2 1 1 static", "<state type='userState'/>", -EPERM },
		{ "userProperties 1 0 1 static", "<userProperties/>", -EPERM },
	};
	struct world *w = world_start();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_(buf_free) struct buf b = buf_of(SAY_MAX);
		(void)item(&b, "note 200 0 0 static", "", "<note>new</note>");
		(void)item(&b, bad[i].what, "", bad[i].body);
		buf_char(&b, 0);
		EQ(say(&w->p, &w->said, DESK, now, b.p), bad[i].r);
		OK(said(&w->p, "note", 200, 0) == NULL && !w->said.res.durable);
	}
	OK(!presentity_is_dirty(&w->p));
	world_free(&w);
}

static void the_card_of_the_directory_may_be_replaced_but_not_removed(void)
{
	struct world *w = world_start();
	struct card card = { .display_name = STR("Alice Brown") };
	EQ(say_one(w, DESK, "contactCard 0 0 1 static", "expires=\"0\"", ""), -EPERM);
	EQ(say_one(w, DESK, "contactCard 0 0 1 static", "", "<contactCard/>"), 0);
	presentity_set_card(&w->p, &card, now);
	const struct publication *p = said(&w->p, "contactCard", 0, 0);
	OK(p && !p->server && str_starts(p->body->text, STR("<contactCard xmlns=\"urn:p\"/>")));
	EQ(say_one(w, DESK, "contactCard 0 0 2 static", "expires=\"0\"", ""), 0);
	presentity_set_card(&w->p, &card, now);
	p = said(&w->p, "contactCard", 0, 0);
	OK(p && p->server && str_find(p->body->text, STR("Alice Brown")) > 0);
	world_free(&w);
}

static void one_body_said_in_several_containers_is_one(void)
{
	struct world *w = world_start();
	auto_(buf_free) struct buf b = buf_of(SAY_MAX);
	(void)item(&b, "note 200 0 0 static", "", "<note>same</note>");
	(void)item(&b, "note 300 0 0 static", "", "<note>same</note>");
	(void)item(&b, "note 400 0 0 static", "", "<note>other</note>");
	buf_char(&b, 0);
	EQ(say(&w->p, &w->said, DESK, now, b.p), 0);
	const struct pub_body *body = said(&w->p, "note", 200, 0)->body;
	OK(body == said(&w->p, "note", 300, 0)->body && body != said(&w->p, "note", 400, 0)->body);
	EQ(body->refs, 2);
	/* In a later request too. */
	EQ(say_one(w, LAPTOP, "note 400 0 1 static", "", "<note>same</note>"), 0);
	OK(body == said(&w->p, "note", 400, 0)->body);
	world_free(&w);
}

/* --- limits -------------------------------------------------------------------------------- */

static void a_user_has_so_many_publications(void)
{
	struct world *w = world_start();
	auto_(buf_free) struct buf b = buf_of(SAY_MAX);
	char what[64];
	for (unsigned i = 0; i < PUBLICATIONS_MAX; i++) {
		(void)snprintf(what, sizeof(what), "note 300 %u 0 static", i);
		(void)item(&b, what, "", "<note/>");
	}
	buf_char(&b, 0);
	EQ(say(&w->p, &w->said, DESK, now, b.p), 0);
	EQ(say_one(w, DESK, "note 300 900 0 static", "", "<note/>"), -ENOSPC);
	EQ(say_one(w, DESK, "note 300 9 1 static", "", "<note/>"), 0);
	EQ(say_one(w, DESK, "note 300 9 2 static", "expires=\"0\"", ""), 0);
	EQ(say_one(w, DESK, "note 300 900 0 static", "", "<note/>"), 0);
	EQ(say_one(w, DESK, "note 300 9 0 static", "", "<note/>"), -ENOSPC);
	world_free(&w);
}

static const char *long_note(struct buf *b, size_t len)
{
	*b = buf_of(SAY_MAX);
	buf_lit(b, "<note xmlns=\"urn:n\">");
	while (b->len < len - sizeof("</note>") + 1)
		buf_char(b, 'x');
	buf_lit(b, "</note>");
	buf_char(b, 0);
	return b->p;
}

static void a_users_presence_is_so_large(void)
{
	struct world *w = world_start();
	struct buf most, little;
	(void)long_note(&most, PRESENCE_MAX - 100);
	(void)long_note(&little, 101);
	EQ(say_one(w, DESK, "note 300 0 0 static", "", most.p), 0);
	EQ(say_one(w, DESK, "note 400 0 0 static", "", most.p), 0); /* the same counts once */
	EQ(say_one(w, DESK, "note 200 0 0 static", "", little.p), -E2BIG);
	OK(said(&w->p, "note", 200, 0) == NULL);
	/* What is replaced is gone. */
	EQ(say_one(w, DESK, "note 300 0 1 static", "", little.p), -E2BIG);
	EQ(say_one(w, DESK, "note 400 0 1 static", "expires=\"0\"", ""), 0);
	EQ(say_one(w, DESK, "note 300 0 1 static", "", little.p), 0);
	EQ(say_one(w, DESK, "note 200 0 0 static", "", most.p), -E2BIG);
	EQ(pub_weight(&w->p.pubs), 101);
	buf_free(&most);
	buf_free(&little);
	world_free(&w);
}

/* --- how long it lives --------------------------------------------------------------------- */

static void what_an_endpoint_says_goes_with_it(void)
{
	struct world *w = world_start();
	char text[512];
	EQ(say_one(w, DESK, "state 2 7 0 endpoint", "", state(text, "machineState", 3500)), 0);
	OK(!w->said.res.durable);
	EQ(say_one(w, LAPTOP, "state 2 8 0 endpoint", "", state(text, "machineState", 15500)), 0);
	EQ(say_one(w, DESK, "note 300 0 0 user", "", "<note>u</note>"), 0);
	EQ(say_one(w, DESK, "note 400 0 0 static", "", "<note>s</note>"), 0);
	EQ(availability(w, 200), 3500);
	w->p.dirty = (struct presence_dirty){ 0 };
	presentity_endpoint_gone(&w->p, DESK, now);
	EQ(availability(w, 200), 15500);
	OK(said(&w->p, "state", 2, 7) == NULL && said(&w->p, "state", 2, 8) != NULL);
	OK(is_dirty(w, 200, CATEGORY_STATE) && is_dirty(w, 2, CATEGORY_STATE));
	OK(!is_dirty(w, 300, CATEGORY_STATE)); /* follows from container 3, which is as it was */
	OK(said(&w->p, "note", 300, 0) != NULL);
	presentity_signed_in(&w->p, false, false, now + 5);
	OK(said(&w->p, "note", 300, 0) == NULL && is_dirty(w, 300, CATEGORY_NOTE));
	OK(said(&w->p, "state", 2, 8) == NULL);
	OK(said(&w->p, "note", 400, 0) != NULL);
	EQ(w->p.last_active, now + 5);
	EQ(availability(w, 200), 18500);
	EQ(availability(w, CONTAINER_BLOCKED), 18500);
	world_free(&w);
}

static void what_has_a_time_ends_then(void)
{
	struct world *w = world_start();
	char text[512];
	bool durable = true;
	EQ(say_one(w, DESK, "state 2 7 0 endpoint", "", state(text, "machineState", 3500)), 0);
	EQ(say_one(w, DESK, "state 2 9 0 time", "expires=\"60\"", state(text, "userState", 6500)),
	   0);
	EQ(say_one(w, DESK, "note 300 0 0 time", "expires=\"90\"", "<note/>"), 0);
	EQ(availability(w, 200), 6500);
	w->p.dirty = (struct presence_dirty){ 0 };
	EQ(presentity_expire(&w->p, now + 60 * USEC_PER_SEC - 1, &durable),
	   now + 60 * USEC_PER_SEC);
	OK(!durable && !presentity_is_dirty(&w->p));
	EQ(presentity_expire(&w->p, now + 60 * USEC_PER_SEC, &durable), now + 90 * USEC_PER_SEC);
	OK(durable && is_dirty(w, 2, CATEGORY_STATE) && is_dirty(w, 200, CATEGORY_STATE));
	EQ(availability(w, 200), 3500);
	OK(presentity_expire(&w->p, now + 1000 * USEC_PER_SEC, &durable) == USEC_INFINITY);
	OK(said(&w->p, "note", 300, 0) == NULL);
	EQ(say_one(w, DESK, "note 300 0 0 time", "expires=\"4000000000\"", "<note/>"), 0);
	EQ(said(&w->p, "note", 300, 0)->ends, now + PUB_EXPIRES_MAX * USEC_PER_SEC);
	world_free(&w);
}

/* --- the aggregate ------------------------------------------------------------------------- */

static void the_aggregate_is_published_where_each_relationship_sees_it(void)
{
	static const uint32_t rich[] = { 2, 100, 200, 400 };
	struct world *w = world_start();
	auto_(buf_free) struct buf b = buf_of(SAY_MAX);
	char text[512];
	(void)item(&b, "state 2 7 0 endpoint", "", state(text, "machineState", 3500));
	(void)item(&b, "state 2 9 0 static", "", state(text, "userState", 9500));
	(void)item(&b, "state 3 7 0 endpoint", "", state(text, "machineState", 15500));
	buf_char(&b, 0);
	EQ(say(&w->p, &w->said, DESK, now, b.p), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rich); i++) {
		EQ(availability(w, rich[i]), 9500);
		OK(said(&w->p, "state", rich[i], 1)->server);
		OK(is_dirty(w, rich[i], CATEGORY_STATE));
	}
	EQ(availability(w, 300), 15500);
	EQ(availability(w, CONTAINER_BLOCKED), 18500);
	OK(!is_dirty(w, CONTAINER_BLOCKED, CATEGORY_STATE)); /* never changes */
	/* A machine that says the same again changes nothing of it. */
	w->p.dirty = (struct presence_dirty){ 0 };
	uint32_t version = said(&w->p, "state", 200, 1)->version;
	EQ(say_one(w, DESK, "state 2 7 1 endpoint", "", state(text, "machineState", 3500)), 0);
	EQ(said(&w->p, "state", 200, 1)->version, version);
	OK(is_dirty(w, 2, CATEGORY_STATE) && !is_dirty(w, 200, CATEGORY_STATE));
	world_free(&w);
}

static bool blocked_says(const struct world *w, const char *text)
{
	return str_find(said(&w->p, "state", CONTAINER_BLOCKED, 1)->body->text, str_of(text)) >= 0;
}

static void who_is_blocked_does_not_hear_of_coming_and_going(void)
{
	struct world *w = world_start();
	char text[512];
	EQ(say_one(w, DESK, "state 2 7 0 endpoint", "", state(text, "machineState", 3500)), 0);
	presentity_signed_in(&w->p, false, false, now);
	presentity_signed_in(&w->p, true, true, now);
	OK(is_dirty(w, 200, CATEGORY_STATE));
	EQ(w->p.dirty.category[container_index(CONTAINER_BLOCKED)], 0);
	OK(blocked_says(w, ">18500<") && !blocked_says(w, "lastActive"));
	world_free(&w);
}

static void who_appears_offline_cannot_be_told_from_who_is(void)
{
	struct world *w = world_start();
	char text[512];
	EQ(say_one(w, DESK, "state 2 7 0 endpoint", "", state(text, "machineState", 3500)), 0);
	EQ(say_one(w, DESK, "state 2 9 0 static", "", state(text, "userState", 18500)), 0);
	OK(str_find(said(&w->p, "state", 200, 1)->body->text,
	            STR("lastActive=\"2026-01-02T03:04:05Z\"")) > 0);
	w->p.dirty = (struct presence_dirty){ 0 };
	presentity_signed_in(&w->p, false, false, now + 9 * USEC_PER_SEC);
	presentity_signed_in(&w->p, true, false, now + 99 * USEC_PER_SEC);
	OK(!is_dirty(w, 200, CATEGORY_STATE) && !is_dirty(w, 400, CATEGORY_STATE));
	world_free(&w);
}

static void a_phone_alone_is_online(void)
{
	struct world *w = world_start();
	EQ(availability(w, 200), 18500);
	presentity_signed_in(&w->p, true, true, now);
	EQ(availability(w, 200), 3500);
	EQ(availability(w, 300), 3500);
	presentity_signed_in(&w->p, false, false, now);
	EQ(availability(w, 200), 18500);
	world_free(&w);
}

static void what_other_sources_say_is_put_and_taken_away(void)
{
	struct world *w = world_start();
	struct server_publication what = {
		.key = { CATEGORY_STATE, STR("state"), CONTAINER_RICH, 77 }, .expire = PUB_TIME
	};
	presentity_signed_in(&w->p, true, true, now);
	w->p.dirty = (struct presence_dirty){ 0 };
	what.body = say_state("phoneState", 6500, "");
	presentity_put(&w->p, &what, 1, now);
	EQ(availability(w, 200), 6500);
	OK(is_dirty(w, 2, CATEGORY_STATE) && is_dirty(w, 200, CATEGORY_STATE));
	w->p.dirty = (struct presence_dirty){ 0 };
	what.body = say_state("phoneState", 6500, "");
	what.ends = now + 9;
	presentity_put(&w->p, &what, 1, now); /* the same, for longer */
	OK(!presentity_is_dirty(&w->p));
	EQ(said(&w->p, "state", 2, 77)->ends, now + 9);
	what.body = NULL;
	presentity_put(&w->p, &what, 1, now);
	EQ(availability(w, 200), 3500);
	presentity_put(&w->p, &what, 1, now); /* it is gone already */
	for (uint32_t i = 0; i < 2 * PUBLICATIONS_DOC_MAX; i++) {
		what.key.instance = 100 + i;
		what.body = say_state("phoneState", 6500, "");
		presentity_put(&w->p, &what, 1, now);
	}
	EQ(w->p.pubs.n, PUBLICATIONS_DOC_MAX);
	world_free(&w);
}

/* --- members ------------------------------------------------------------------------------- */

static struct member_change change(bool remove, uint32_t container, uint32_t version,
                                   const char *user)
{
	return (struct member_change){ (unsigned)container_index(container), version, remove,
		                       MEMBER_USER, str_of(user) };
}

static void members_change_all_or_none_and_count_versions(void)
{
	struct world *w = world_start();
	struct container_watcher bob = { STR("bob@example.test"), true };
	struct containers *c = &w->p.containers;
	struct member_change m[] = { change(false, 400, 0, "bob@example.test"),
		                     change(false, 300, 1, "eve@example.test") };
	struct set_members s = { m, 2 };
	EQ(presentity_view(&w->p, &bob), CONTAINER_COMPANY);
	EQ(presentity_set_members(&w->p, &s), -EEXIST);
	EQ(c->n_members, 2);
	m[1].version = 0;
	EQ(presentity_set_members(&w->p, &s), 0);
	EQ(presentity_view(&w->p, &bob), CONTAINER_PERSONAL);
	EQ(c->version[container_index(400)], 1);
	EQ(c->version[container_index(300)], 1);
	EQ(c->version[container_index(200)], 0);
	EQ(w->p.dirty.containers, 1u << container_index(400) | 1u << container_index(300));
	w->p.dirty = (struct presence_dirty){ 0 };
	m[0].version = m[1].version = 1;
	EQ(presentity_set_members(&w->p, &s), 0); /* they are there */
	EQ(c->version[container_index(400)], 1);
	OK(!presentity_is_dirty(&w->p));
	/* From level to level in one request. */
	m[0] = change(true, 400, 1, "bob@example.test");
	m[1] = change(false, 32000, 0, "bob@example.test");
	EQ(presentity_set_members(&w->p, &s), 0);
	EQ(presentity_view(&w->p, &bob), CONTAINER_BLOCKED);
	world_free(&w);
}

static void the_own_endpoints_see_themselves_as_friends_do(void)
{
	struct world *w = world_start();
	struct container_watcher me = { STR("Alice@Example.test"), true };
	EQ(presentity_view(&w->p, &me), CONTAINER_PERSONAL);
	world_free(&w);
}

static void in_privacy_mode_contacts_and_who_is_named_see_more(void)
{
	struct world *w = world_start();
	struct container_watcher bob = { STR("bob@example.test"), true },
	                         eve = { STR("eve@example.test"), true };
	struct member_change m = change(false, 300, 0, "eve@example.test");
	presentity_private(&w->p, true);
	presentity_friends_done(&w->p);
	OK(w->p.dirty.containers != 0);
	EQ(presentity_view(&w->p, &bob), CONTAINER_ALL);
	presentity_add_friend(&w->p, STR("BOB@example.test"));
	EQ(presentity_view(&w->p, &bob), CONTAINER_COMPANY);
	EQ(presentity_view(&w->p, &eve), CONTAINER_ALL);
	EQ(presentity_set_members(&w->p, &(struct set_members){ &m, 1 }), 0);
	EQ(presentity_view(&w->p, &eve), CONTAINER_TEAM);
	presentity_private(&w->p, false);
	EQ(presentity_view(&w->p, &bob), CONTAINER_COMPANY);
	world_free(&w);
}

static void do_not_disturb_is_known(void)
{
	struct world *w = world_start();
	char text[512];
	OK(!presentity_is_dnd(&w->p));
	presentity_signed_in(&w->p, true, true, now);
	EQ(say_one(w, DESK, "state 2 9 0 static", "", state(text, "userState", 9500)), 0);
	OK(presentity_is_dnd(&w->p));
	EQ(say_one(w, DESK, "state 2 9 1 static", "", state(text, "userState", 12500)), 0);
	OK(!presentity_is_dnd(&w->p));
	world_free(&w);
}

static void fill_members(struct containers *c)
{
	char user[64];
	for (unsigned i = 0; c->n_members < CONTAINER_MEMBERS_MAX; i++) {
		(void)snprintf(user, sizeof(user), "u%u@example.test", i);
		OK(containers_add(c, 6, MEMBER_USER, str_of(user)));
	}
}

static void at_the_limit_members_can_still_be_moved_and_removed(void)
{
	struct world *w = world_start();
	struct containers *c = &w->p.containers;
	struct member_change m[] = { change(false, 400, 0, "new@example.test"),
		                     change(true, 300, 0, "u7@example.test"),
		                     change(true, 300, 0, "u7@example.test"),
		                     change(false, 400, 0, "more@example.test") };
	fill_members(c);
	EQ(presentity_set_members(&w->p, &(struct set_members){ m, 1 }), -ENOSPC);
	/* What is removed twice makes room once. */
	EQ(presentity_set_members(&w->p, &(struct set_members){ m, 4 }), -ENOSPC);
	EQ(c->n_members, CONTAINER_MEMBERS_MAX);
	EQ(presentity_set_members(&w->p, &(struct set_members){ m, 3 }), 0);
	EQ(c->n_members, CONTAINER_MEMBERS_MAX);
	m[0] = change(true, 300, 1, "u8@example.test");
	EQ(presentity_set_members(&w->p, &(struct set_members){ m, 1 }), 0);
	EQ(c->n_members, CONTAINER_MEMBERS_MAX - 1);
	world_free(&w);
}

static void members_have_so_many_bytes(void)
{
	struct world *w = world_start();
	char user[CONTAINER_VALUE_MAX + 1];
	uint32_t n = 0;
	int r = 0;
	memset(user, '&', sizeof(user));
	for (; r == 0; n++) {
		struct member_change m = change(false, 400, n, "");
		(void)snprintf(user, sizeof(user), "%06u", n);
		user[6] = '&';
		m.value = str_n(user, CONTAINER_VALUE_MAX);
		r = presentity_set_members(&w->p, &(struct set_members){ &m, 1 });
	}
	EQ(r, -ENOSPC);
	OK(w->p.containers.n_bytes <= CONTAINER_BYTES_MAX);
	OK(w->p.containers.n_bytes > CONTAINER_BYTES_MAX - CONTAINER_VALUE_MAX);
	world_free(&w);
}

/* --- subscribers --------------------------------------------------------------------------- */

static bool adds(struct world *w, const char *user, bool acknowledged, const char *display)
{
	struct subscriber_change c = { str_of(user), acknowledged };
	w->p.dirty.subscribers = false;
	bool did = presentity_set_subscriber(&w->p, &c, str_of(display));
	OK(did == w->p.dirty.subscribers);
	return did;
}

static void who_added_the_user_waits_until_it_is_acknowledged(void)
{
	struct world *w = world_start();
	OK(adds(w, "bob@example.test", false, "Bob"));
	OK(!adds(w, "Bob@Example.test", false, "Bobby"));
	EQ(w->p.n_subscribers, 1);
	EQ_STR(subscriber_display(w->p.subscribers), "Bob");
	OK(adds(w, "bob@example.test", true, ""));
	OK(w->p.subscribers->acknowledged);
	OK(!adds(w, "bob@example.test", false, ""));
	OK(w->p.subscribers->acknowledged);
	OK(adds(w, "eve@example.test", true, ""));
	EQ_STR(subscriber_user(w->p.subscribers), "eve@example.test");
	OK(!adds(w, "", false, "Nobody"));
	world_free(&w);
}

static void the_oldest_who_wait_make_room(void)
{
	struct world *w = world_start();
	char user[64], longest[300];
	for (unsigned i = 0; i <= SUBSCRIBERS_MAX; i++) {
		(void)snprintf(user, sizeof(user), "u%u@example.test", i);
		OK(adds(w, user, false, "U"));
	}
	EQ(w->p.n_subscribers, SUBSCRIBERS_MAX);
	OK(!adds(w, "u1@example.test", false, "U"));
	OK(adds(w, "u0@example.test", false, "U")); /* had been dropped */
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	OK(!adds(w, longest, false, "U"));
	OK(adds(w, "last@example.test", false, longest));
	EQ(w->p.subscribers->display_len, SUBSCRIBER_DISPLAY_MAX);
	EQ(w->p.n_subscribers, SUBSCRIBERS_MAX);
	world_free(&w);
}

/* --- views --------------------------------------------------------------------------------- */

static void a_watcher_hears_of_her_container_and_of_everybodys(void)
{
	struct world *w = world_start();
	EQ(say_one(w, DESK, "note 0 0 0 static", "", "<note/>"), 0);
	EQ(say_one(w, DESK, "services 300 0 0 static", "", "<services/>"), 0);
	EQ(say_one(w, DESK, "zoo 400 0 0 static", "", "<zoo/>"), 0);
	EQ(presentity_dirty_for(&w->p, 0), CATEGORY_BIT(CATEGORY_NOTE));
	EQ(presentity_dirty_for(&w->p, 200), CATEGORY_BIT(CATEGORY_NOTE));
	EQ(presentity_dirty_for(&w->p, 300),
	   CATEGORY_BIT(CATEGORY_NOTE) | CATEGORY_BIT(CATEGORY_SERVICES));
	EQ(presentity_dirty_for(&w->p, 400),
	   CATEGORY_BIT(CATEGORY_NOTE) | CATEGORY_BIT(CATEGORY_OTHER));
	world_free(&w);
}

int main(void)
{
	RUN(what_is_published_has_versions_that_count_up);
	RUN(every_wrong_version_is_named_and_nothing_changes);
	RUN(a_request_with_one_bad_body_changes_nothing);
	RUN(the_card_of_the_directory_may_be_replaced_but_not_removed);
	RUN(one_body_said_in_several_containers_is_one);
	RUN(a_user_has_so_many_publications);
	RUN(a_users_presence_is_so_large);
	RUN(what_an_endpoint_says_goes_with_it);
	RUN(what_has_a_time_ends_then);
	RUN(the_aggregate_is_published_where_each_relationship_sees_it);
	RUN(who_is_blocked_does_not_hear_of_coming_and_going);
	RUN(who_appears_offline_cannot_be_told_from_who_is);
	RUN(a_phone_alone_is_online);
	RUN(what_other_sources_say_is_put_and_taken_away);
	RUN(members_change_all_or_none_and_count_versions);
	RUN(the_own_endpoints_see_themselves_as_friends_do);
	RUN(in_privacy_mode_contacts_and_who_is_named_see_more);
	RUN(do_not_disturb_is_known);
	RUN(at_the_limit_members_can_still_be_moved_and_removed);
	RUN(members_have_so_many_bytes);
	RUN(who_added_the_user_waits_until_it_is_acknowledged);
	RUN(the_oldest_who_wait_make_room);
	RUN(a_watcher_hears_of_her_container_and_of_everybodys);
	return tap_done();
}
