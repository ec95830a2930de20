#include "svc/presence/document.h"

#include <errno.h>
#include <stdlib.h>

#include "data.h"
#include "say.h"

/* Documents as we write them are in tests/data/presence, byte for byte. */

static const usec_t now = 1767323045 * USEC_PER_SEC; /* 2026-01-02T03:04:05Z */

static struct presentity *presentity_new(const char *aor)
{
	struct presentity *p = xnew(struct presentity);
	presentity_init(p, 1, str_of(aor));
	return p;
}

static void presentity_free(struct presentity **pp)
{
	struct presentity *p = take(pp);
	presentity_done(p);
	free(p);
}

/* A user who is busy and says why. */
static struct presentity *alice(void)
{
	auto_(buf_free) struct buf b = buf_of(SAY_MAX);
	struct presentity *p = presentity_new("alice@example.test");
	struct card card = { .display_name = STR("Alice Adams"),
		             .email = STR("alice@example.test"),
		             .phone = STR("+4930123"),
		             .title = STR("Head of R&D"),
		             .department = STR("<Lab>"),
		             .photo_url = STR("https://example.test/p?u=1&s=2") };
	struct said *s = xnew(struct said);
	struct subscriber_change eve = { STR("eve@other.test"), false },
	                         bob = { STR("bob@example.test"), true };
	presentity_set_card(p, &card, now);
	presentity_signed_in(p, true, false, now);
	data_read(&b, "presence/published.xml");
	buf_char(&b, 0);
	OK(say(p, s, 7, now, b.p) == 0);
	OK(presentity_set_subscriber(p, &eve, STR("Eve \"E\"")));
	OK(presentity_set_subscriber(p, &bob, STR("")));
	struct member_change m = { 6, 0, false, MEMBER_USER, STR("bob@example.test") };
	OK(presentity_set_members(p, &(struct set_members){ &m, 1 }) == 0);
	free(s);
	return p;
}

static bool same_as(const struct buf *b, const char *name)
{
	auto_(buf_free) struct buf want = buf_of(DATA_FILE_MAX);
	data_read(&want, name);
	if (str_eq(buf_view(b), buf_view(&want)))
		return true;
	(void)fprintf(stderr, "# %s, got:\n%.*s\n", name, STR_ARG(buf_view(b)));
	return false;
}

static struct buf self(const struct presentity *p, const struct self_parts *parts)
{
	struct buf b = buf_of(SUBSCRIBERS_MAX * 4096);
	doc_put_self(&b, p, parts);
	OK(!b.full);
	return b;
}

static void the_own_data_are_written_whole(void)
{
	struct presentity *p = alice();
	struct buf b = self(p, &SELF_REPLICA);
	OK(same_as(&b, "presence/self.xml"));
	buf_free(&b);
	presentity_free(&p);
}

static void a_restart_keeps_what_does_not_go_with_an_endpoint(void)
{
	struct presentity *p = alice();
	presentity_signed_in(p, false, false, now + USEC_PER_SEC);
	presentity_signed_in(p, true, false, now + 2 * USEC_PER_SEC);
	struct buf b = self(p, &SELF_KEPT);
	OK(same_as(&b, "presence/kept.xml"));
	buf_free(&b);
	presentity_free(&p);
}

static void a_part_of_the_own_data_has_that_alone(void)
{
	struct presentity *p = alice();
	struct self_parts parts = { .has_containers = true, .containers = 1u << 6 };
	struct buf b = self(p, &parts);
	OK(same_as(&b, "presence/containers.xml"));
	buf_free(&b);
	/* The note has left 300, the services all containers; of the note all that is left is told.
	 */
	struct said *s = xnew(struct said);
	p->dirty = (struct presence_dirty){ 0 };
	OK(say(p, s, 7, now,
	       "<publication categoryName='note' container='300' version='1' expireType='static'"
	       " expires='0'/>"
	       "<publication categoryName='services' container='400' version='1'"
	       " expireType='static' expires='0'/>") == 0);
	parts = (struct self_parts){ .categories = CATEGORY_BIT(CATEGORY_NOTE) |
		                                   CATEGORY_BIT(CATEGORY_SERVICES),
		                     .removed = &p->dirty };
	b = self(p, &parts);
	OK(same_as(&b, "presence/changed.xml"));
	buf_free(&b);
	free(s);
	presentity_free(&p);
}

static struct buf view(const struct presentity *p, uint32_t container, uint32_t mask)
{
	struct buf b = buf_of(256 * 1024);
	doc_put_view(&b, p, container, mask, 0);
	OK(!b.full);
	return b;
}

static void each_relationship_has_its_view(void)
{
	static const struct {
		uint32_t container;
		const char *name;
	} views[] = {
		{ CONTAINER_ALL, "presence/view-0.xml" },
		{ CONTAINER_PUBLIC, "presence/view-100.xml" },
		{ CONTAINER_COMPANY, "presence/view-200.xml" },
		{ CONTAINER_TEAM, "presence/view-300.xml" },
		{ CONTAINER_PERSONAL, "presence/view-400.xml" },
		{ CONTAINER_BLOCKED, "presence/view-32000.xml" },
	};
	struct presentity *p = alice();
	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		struct buf b = view(p, views[i].container, CATEGORY_ALL);
		OK(same_as(&b, views[i].name));
		buf_free(&b);
	}
	presentity_free(&p);
}

static bool view_has(const struct presentity *p, uint32_t container, const char *text)
{
	struct buf b = view(p, container, CATEGORY_ALL);
	bool has = str_find(buf_view(&b), str_of(text)) >= 0;
	buf_free(&b);
	return has;
}

static void inputs_of_the_aggregate_are_not_for_watchers(void)
{
	struct presentity *p = alice();
	for (unsigned i = 0; i < N_CONTAINERS; i++) {
		OK(!view_has(p, container_id(i), "userState"));
		OK(!view_has(p, container_id(i), "machineState"));
	}
	OK(view_has(p, CONTAINER_TEAM, "Budget") && !view_has(p, CONTAINER_COMPANY, "Budget"));
	presentity_free(&p);
}

static void who_is_blocked_sees_name_and_address(void)
{
	struct presentity *p = alice();
	OK(view_has(p, CONTAINER_BLOCKED, "Alice Adams"));
	OK(view_has(p, CONTAINER_BLOCKED, "alice@example.test"));
	OK(!view_has(p, CONTAINER_BLOCKED, "Head") && view_has(p, CONTAINER_PUBLIC, "Head"));
	OK(!view_has(p, CONTAINER_PUBLIC, "4930123") && view_has(p, CONTAINER_COMPANY, "4930123"));
	OK(!view_has(p, CONTAINER_PUBLIC, "Lab") && view_has(p, CONTAINER_PERSONAL, "Lab"));
	presentity_free(&p);
}

static void a_category_that_is_gone_is_named_in_the_view(void)
{
	struct presentity *p = alice();
	struct said *s = xnew(struct said);
	OK(say(p, s, 7, now,
	       "<publication categoryName='note' container='300' version='1' expireType='static'"
	       " expires='0'/>") == 0);
	struct buf b = view(p, CONTAINER_TEAM, CATEGORY_BIT(CATEGORY_NOTE));
	EQ_STR(buf_view(&b), "<categories xmlns=\"http://schemas.microsoft.com/2006/09/sip/"
	                     "categories\" uri=\"sip:alice@example.test\"><category name=\"note\"/>"
	                     "</categories>\r\n");
	buf_free(&b);
	free(s);
	presentity_free(&p);
}

/* Of categories that the server does not know: what a view says to who was told from `was`. */
static const char *unknown(const struct presentity *p, uint32_t container, uint32_t was)
{
	static char text[4096];
	struct buf b = BUF_ON(text), whole = buf_of(256 * 1024);
	doc_put_view(&whole, p, container, CATEGORY_BIT(CATEGORY_OTHER), was);
	struct str rest = buf_view(&whole), one;
	while (str_cut(rest, '<', &one, &rest)) {
		struct xml *e;
		auto_(arena_free) struct arena *a = arena_new();
		ssize_t end = str_find(rest, STR("</category>"));
		bool empty = str_find(rest, STR("/>")) < str_chr(rest, '>');
		if (!str_starts(rest, STR("category ")))
			continue;
		one = (struct str){ rest.p - 1,
			            empty ? (size_t)str_chr(rest, '>') + 2 : (size_t)end + 12 };
		OK(xml_parse(&e, a, one) == 0);
		buf_printf(&b, "%s%" STR_FMT "=%" STR_FMT, b.len > 0 ? " " : "",
		           STR_ARG(xml_attr(e, "name")),
		           STR_ARG(e->child ? e->child->name : STR("-")));
	}
	buf_free(&whole);
	buf_char(&b, '\0');
	return text;
}

#define IN(i) (1u << (i)) /* by index: 5 is the company, 6 the team, 7 friends */
#define PUB(name, container, version, more)                                                \
	"<publication categoryName='" name "' container='" container "' version='" version \
	"' expireType='static'" more

static void an_unknown_category_that_is_gone_is_named_to_who_may_have_it(void)
{
	struct presentity *p = presentity_new("alice@example.test");
	struct said *s = xnew(struct said);
	OK(say(p, s, 7, now,
	       PUB("x", "0", "0", "><x0/></publication>")
	               PUB("x", "200", "0", "><x2/></publication>")
	                       PUB("y", "200", "0", "><y2/></publication>")
	                               PUB("y", "400", "0", "><y4/></publication>")
	                                       PUB("z", "400", "0", "><z4/></publication>")) == 0);
	/* Each name is looked up alone. */
	OK(strcmp(unknown(p, CONTAINER_COMPANY, 0), "x=x2 y=y2") == 0);
	OK(strcmp(unknown(p, CONTAINER_TEAM, 0), "x=x0") == 0);
	/* Who comes from elsewhere has what is there. */
	OK(strcmp(unknown(p, CONTAINER_TEAM, IN(5)), "x=x0 y=-") == 0);
	OK(strcmp(unknown(p, CONTAINER_TEAM, IN(5) | IN(7)), "x=x0 y=- z=-") == 0);
	OK(strcmp(unknown(p, CONTAINER_COMPANY, IN(5)), "x=x2 y=y2") == 0);
	OK(say(p, s, 7, now,
	       PUB("x", "200", "1", " expires='0'/>") PUB("y", "200", "1", " expires='0'/>")
	               PUB("z", "400", "1", " expires='0'/>")) == 0);
	/* It is not told of what it could not have; nobody at the start is. */
	OK(strcmp(unknown(p, CONTAINER_COMPANY, IN(5)), "x=x0 y=-") == 0);
	OK(strcmp(unknown(p, CONTAINER_PERSONAL, IN(7)), "x=x0 y=y4 z=-") == 0);
	OK(strcmp(unknown(p, CONTAINER_COMPANY, 0), "x=x0") == 0);
	OK(strcmp(unknown(p, CONTAINER_TEAM, IN(6)), "x=x0") == 0);
	/* The own endpoints: what is left of a name is all, or where it went from. */
	struct self_parts parts = { .categories = CATEGORY_BIT(CATEGORY_OTHER),
		                    .removed = &p->dirty };
	struct buf b = self(p, &parts);
	OK(str_find(buf_view(&b), STR("<category name=\"z\" container=\"400\"/>")) > 0);
	OK(str_find(buf_view(&b), STR("<category name=\"y\" container=\"200\"/>")) < 0);
	buf_free(&b);
	gone_mark_told(&p->gone);
	gone_forget_told(&p->gone);
	OK(strcmp(unknown(p, CONTAINER_COMPANY, IN(5)), "x=x0") == 0);
	free(s);
	presentity_free(&p);
}

static void a_replica_finds_out_what_is_gone(void)
{
	struct presentity *p = presentity_new("alice@example.test");
	struct presentity *replica = presentity_new("alice@example.test");
	struct said *s = xnew(struct said);
	replica->replica = true;
	OK(say(p, s, 7, now, PUB("y", "200", "0", "><y2/></publication>")) == 0);
	struct buf b = self(p, &SELF_REPLICA);
	EQ(presentity_read(replica, buf_view(&b)), 0);
	OK(strcmp(unknown(replica, CONTAINER_COMPANY, IN(5)), "y=y2") == 0);
	buf_free(&b);
	OK(say(p, s, 7, now, PUB("y", "200", "1", " expires='0'/>")) == 0);
	b = self(p, &SELF_REPLICA);
	EQ(presentity_read(replica, buf_view(&b)), 0);
	OK(strcmp(unknown(replica, CONTAINER_COMPANY, IN(5)), "y=-") == 0);
	buf_free(&b);
	free(s);
	presentity_free(&p);
	presentity_free(&replica);
}

static void conflicts_are_listed(void)
{
	struct conflict c[] = { { 1, 0, 5 }, { 4, 4294967295, 0 } };
	auto_(buf_free) struct buf b = buf_of(4096);
	doc_put_conflicts(&b, c, 2);
	OK(same_as(&b, "presence/conflicts.xml"));
}

/* --- read again ---------------------------------------------------------------------------- */

static void kept_data_are_read_again_as_they_were(void)
{
	struct presentity *p = alice(), *again = presentity_new("alice@example.test");
	struct self_parts parts = SELF_KEPT;
	p->last_active = now;
	struct buf b = self(p, &parts);
	EQ(presentity_read(again, buf_view(&b)), 0);
	struct buf second = self(again, &parts);
	OK(str_eq(buf_view(&b), buf_view(&second)));
	EQ(again->last_active, now);
	EQ(again->n_subscribers, 2);
	EQ(again->containers.n_members, 3);
	OK(said(again, "state", 2, 7) == NULL); /* of an endpoint */
	OK(said(again, "state", 2, 1) == NULL); /* the server's */
	/* Notes that say the same are one body again. */
	OK(said(again, "note", 200, 0)->body == said(again, "note", 400, 0)->body);
	OK(presentity_is_dirty(again) && again->dirty.containers);
	/* Once more changes nothing. */
	again->dirty = (struct presence_dirty){ 0 };
	EQ(presentity_read(again, buf_view(&b)), 0);
	OK(!presentity_is_dirty(again));
	buf_free(&b);
	buf_free(&second);
	presentity_free(&p);
	presentity_free(&again);
}

static void a_replica_shows_what_its_home_shows(void)
{
	struct presentity *p = alice(), *replica = presentity_new("alice@example.test");
	replica->replica = true;
	struct buf b = self(p, &SELF_REPLICA);
	EQ(presentity_read(replica, buf_view(&b)), 0);
	for (unsigned i = 0; i < N_CONTAINERS; i++) {
		struct buf one = view(p, container_id(i), CATEGORY_ALL),
		           two = view(replica, container_id(i), CATEGORY_ALL);
		OK(str_eq(buf_view(&one), buf_view(&two)));
		buf_free(&one);
		buf_free(&two);
	}
	buf_free(&b);
	/* It signs off: that alone is new. */
	replica->dirty = (struct presence_dirty){ 0 };
	presentity_signed_in(p, false, false, now + USEC_PER_SEC);
	b = self(p, &SELF_REPLICA);
	EQ(presentity_read(replica, buf_view(&b)), 0);
	EQ(presentity_dirty_for(replica, CONTAINER_COMPANY), CATEGORY_BIT(CATEGORY_STATE));
	EQ(replica->dirty.containers, 0);
	OK(view_has(replica, CONTAINER_COMPANY, "<availability>18500<"));
	buf_free(&b);
	/* Its own time and endpoints change nothing of a replica. */
	replica->dirty = (struct presence_dirty){ 0 };
	presentity_signed_in(replica, true, true, now);
	OK(!presentity_is_dirty(replica));
	presentity_free(&p);
	presentity_free(&replica);
}

static void a_replica_knows_who_may_see_a_private_user(void)
{
	struct presentity *p = alice(), *replica = presentity_new("alice@example.test");
	struct container_watcher carol = { STR("carol@example.test"), true };
	replica->replica = true;
	for (int round = 0; round < 2; round++) {
		presentity_private(p, round == 0);
		if (round == 0)
			presentity_add_friend(p, STR("bob@example.test"));
		struct buf b = self(p, &SELF_REPLICA);
		EQ(presentity_read(replica, buf_view(&b)), 0);
		EQ(replica->private, p->private);
		EQ(presentity_view(replica, &carol), presentity_view(p, &carol));
		buf_free(&b);
	}
	struct buf kept = self(p, &SELF_KEPT);
	OK(str_find(buf_view(&kept), STR("privacy")) < 0);
	buf_free(&kept);
	presentity_free(&p);
	presentity_free(&replica);
}

#define CATEGORY(attrs, body)                                \
	"<roamingData><categories><category " attrs ">" body \
	"</category></categories></roamingData>"

#define CONTAINER(attrs) \
	"<roamingData><containers><container " attrs "/></containers></roamingData>"

static void what_cannot_be_read_changes_nothing(void)
{
	static const char *const wrong[] = {
		"",
		"<roamingData>",
		"<other/>",
		CATEGORY(
		        "name='note' container='3000' instance='0' version='1' expireType='static'",
		        "<note/>"),
		CATEGORY("name='note' container='300' version='1' expireType='static'", "<note/>"),
		CATEGORY("name='note' container='300' instance='0' expireType='static'", "<note/>"),
		CATEGORY("name='note' container='300' instance='0' version='1' expireType='ever'",
		         "<note/>"),
		CATEGORY(
		        "name='note' container='300' instance='-1' version='1' expireType='static'",
		        "<note/>"),
		CATEGORY("name='note' container='300' instance='0' version='1' expireType='static'"
		         " xmlns:n='urn:n'",
		         "<n:note/>"),
		CONTAINER("id='7' version='0'"),
		CONTAINER("id='300'"),
		CONTAINER("version='1'"),
	};
	struct presentity *p = alice();
	struct buf before = self(p, &SELF_REPLICA);
	p->dirty = (struct presence_dirty){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		EQ(presentity_read(p, str_of(wrong[i])), -EBADMSG);
	struct buf after = self(p, &SELF_REPLICA);
	OK(str_eq(buf_view(&before), buf_view(&after)) && !presentity_is_dirty(p));
	buf_free(&before);
	buf_free(&after);
	presentity_free(&p);
}

static void what_a_document_has_too_much_of_is_refused_or_left_out(void)
{
	auto_(buf_free) struct buf b = buf_of(DATA_FILE_MAX);
	struct presentity *p = presentity_new("alice@example.test");
	buf_lit(&b, "<roamingData><containers><container id='300' version='9'>");
	for (int i = 0; i < 2 * CONTAINER_MEMBERS_MAX; i++)
		buf_printf(&b, "<member type='user' value='u%d@x'/>", i);
	buf_lit(&b, "<member type='nobody' value='x'/></container></containers><subscribers>");
	for (int i = 0; i < 10000; i++)
		buf_printf(&b, "<subscriber user='u%d@x'/>", i);
	buf_lit(&b, "</subscribers></roamingData>");
	EQ(presentity_read(p, buf_view(&b)), 0);
	EQ(p->containers.n_members, CONTAINER_MEMBERS_MAX);
	EQ(p->containers.version[6], 9);
	EQ(p->n_subscribers, SUBSCRIBERS_MAX);
	EQ_STR(subscriber_user(p->subscribers), "u0@x"); /* the newest stands first */
	b.len = 0;
	buf_lit(&b, "<roamingData><categories>");
	for (int i = 0; i <= PUBLICATIONS_DOC_MAX; i++)
		buf_printf(&b,
		           "<category name='note' container='300' instance='%d' version='1'"
		           " expireType='static'><note/></category>",
		           i);
	buf_lit(&b, "</categories></roamingData>");
	EQ(presentity_read(p, buf_view(&b)), -EBADMSG);
	presentity_free(&p);
}

/* --- hostile ------------------------------------------------------------------------------- */

static void names_cannot_break_out_of_a_document(void)
{
	static const char evil[] = "\"><x a='&\r\n]]>";
	auto_(arena_free) struct arena *a = arena_new();
	struct presentity *p = presentity_new("a\"<&@example.test");
	struct card card = { STR(evil), STR(evil), STR(evil), STR(evil),
		             STR(evil), STR(evil), STR(evil) };
	struct member_change m = { 6, 0, false, MEMBER_DOMAIN, STR(evil) };
	struct subscriber_change c = { STR(evil), false };
	struct said *s = xnew(struct said);
	struct xml *x;
	presentity_set_card(p, &card, now);
	presentity_signed_in(p, true, true, now);
	OK(say(p, s, 7, now,
	       "<publication categoryName='&quot;&lt;&amp;' container='300' version='0'"
	       " expireType='static'><x/></publication>"
	       "<publication categoryName='state' container='2' instance='9' version='0'"
	       " expireType='static'><state type='userState'><availability>6500</availability>"
	       "<activity token='&quot;&lt;&amp;'><custom>&lt;/custom></custom></activity></state>"
	       "</publication>") == 0);
	OK(presentity_set_members(p, &(struct set_members){ &m, 1 }) == 0);
	OK(presentity_set_subscriber(p, &c, STR(evil)));
	struct buf b = self(p, &SELF_REPLICA);
	OK(xml_parse(&x, a, buf_view(&b)) == 0);
	EQ_STR(xml_attr(xml_child(x, "categories"), "uri"), "sip:a\"<&@example.test");
	const struct xml *who = xml_child(xml_child(x, "subscribers"), "subscriber");
	EQ_STR(xml_attr(who, "user"), evil);
	struct buf v = view(p, CONTAINER_COMPANY, CATEGORY_ALL);
	OK(xml_parse(&x, a, buf_view(&v)) == 0);
	const struct xml *state = xml_child(xml_child(x, "category"), "state");
	EQ_STR(xml_attr(xml_child(state, "activity"), "token"), "\"<&");
	EQ_STR(xml_child_text(xml_child(state, "activity"), "custom"), "</custom>");
	buf_free(&b);
	buf_free(&v);
	free(s);
	presentity_free(&p);
}

/* Everything at its limit at once: the document can still be kept, sent and read. */
static void the_largest_presence_fits_into_a_document(void)
{
	struct presentity *p = presentity_new("alice@example.test");
	struct presentity *again = presentity_new("alice@example.test");
	char text[CONTAINER_VALUE_MAX + 1];
	int r = 0;
	struct said *s = xnew(struct said);
	for (uint32_t i = 0; r == 0 && i < CONTAINER_MEMBERS_MAX; i++) {
		memset(text, '"', sizeof(text));
		text[snprintf(text, sizeof(text), "%08u", i)] = '"';
		struct member_change m = { 6, i, false, MEMBER_USER, str_n(text, 48) };
		r = presentity_set_members(p, &(struct set_members){ &m, 1 });
	}
	for (unsigned i = 0; i < SUBSCRIBERS_MAX; i++) {
		memset(text, '"', sizeof(text));
		text[snprintf(text, sizeof(text), "%08u", i)] = '"';
		struct subscriber_change c = { str_n(text, CONTAINER_VALUE_MAX), false };
		OK(presentity_set_subscriber(p, &c, str_n(text, CONTAINER_VALUE_MAX)));
	}
	auto_(buf_free) struct buf b = buf_of(SAY_MAX);
	for (r = 0; r == 0; b.len = 0) {
		buf_printf(&b,
		           "<publication categoryName='note' container='300' instance='%u'"
		           " version='0' expireType='static'><n xmlns='urn:n'>%05000d</n>"
		           "</publication>",
		           p->pubs.n, 0);
		buf_char(&b, 0);
		r = say(p, s, 7, now, b.p);
	}
	EQ(r, -E2BIG);
	struct buf doc = buf_of(XML_TEXT_MAX);
	doc_put_self(&doc, p, &SELF_REPLICA);
	OK(!doc.full);
	EQ(presentity_read(again, buf_view(&doc)), 0);
	EQ(again->pubs.n, p->pubs.n);
	EQ(again->containers.n_members, p->containers.n_members);
	buf_free(&doc);
	free(s);
	presentity_free(&p);
	presentity_free(&again);
}

int main(void)
{
	RUN(the_own_data_are_written_whole);
	RUN(a_restart_keeps_what_does_not_go_with_an_endpoint);
	RUN(a_part_of_the_own_data_has_that_alone);
	RUN(each_relationship_has_its_view);
	RUN(inputs_of_the_aggregate_are_not_for_watchers);
	RUN(who_is_blocked_sees_name_and_address);
	RUN(a_category_that_is_gone_is_named_in_the_view);
	RUN(an_unknown_category_that_is_gone_is_named_to_who_may_have_it);
	RUN(a_replica_finds_out_what_is_gone);
	RUN(conflicts_are_listed);
	RUN(kept_data_are_read_again_as_they_were);
	RUN(a_replica_shows_what_its_home_shows);
	RUN(a_replica_knows_who_may_see_a_private_user);
	RUN(what_cannot_be_read_changes_nothing);
	RUN(what_a_document_has_too_much_of_is_refused_or_left_out);
	RUN(names_cannot_break_out_of_a_document);
	RUN(the_largest_presence_fits_into_a_document);
	return tap_done();
}
