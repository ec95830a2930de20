#include "svc/presence/simple.h"

#include "base/isotime.h"
#include "tap.h"

/* Both directions as tables; and what comes through both. */

#define NS "http://schemas.microsoft.com/2006/09/sip/"

static usec_t now = 1800000000 * USEC_PER_SEC;

struct user {
	struct presentity p;
	struct arena *arena;
	struct pidf seen; /* by a colleague */
};

static void start(struct user *u)
{
	*u = (struct user){ .arena = arena_new() };
	presentity_init(&u->p, 7, STR("alice@example.test"));
	presentity_signed_in(&u->p, true, false, now);
}

static void finish(struct user *u)
{
	presentity_done(&u->p);
	arena_free(&u->arena);
}

static void look(struct user *u, uint32_t container)
{
	auto_(buf_free) struct buf b = buf_of(PIDF_BYTES_MAX);
	simple_put_pidf(&b, &u->p, container);
	EQ(pidf_parse(&u->seen, u->arena, buf_view(&b)), 0);
	OK(u->seen.n_tuples == 1 && u->seen.n_persons == 1);
}

static void put_state(struct user *u, const char *kind, uint32_t instance, unsigned availability,
                      const char *activity)
{
	struct str text =
	        arena_printf(u->arena,
	                     "<state xmlns=\"" NS
	                     "state\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
	                     " xsi:type=\"%s\"><availability>%u</availability>%s</state>",
	                     kind, availability, activity);
	struct server_publication v[2];
	for (unsigned i = 0; i < 2; i++)
		v[i] = (struct server_publication){
			.key = { CATEGORY_STATE, STR("state"),
			         i ? CONTAINER_REDUCED : CONTAINER_RICH, instance },
			.expire = PUB_STATIC,
			.body = pub_body_of(text),
		};
	presentity_put(&u->p, v, 2, now++);
}

static void publish(struct user *u, const char *xml)
{
	struct server_publication v[SIMPLE_PUBLICATIONS];
	struct pidf doc;
	struct str text = arena_printf(u->arena,
	                               "<presence entity=\"sip:alice@example.test\" "
	                               "xmlns=\"urn:ietf:params:xml:ns:pidf\">%s</presence>",
	                               xml);
	EQ(pidf_parse(&doc, u->arena, text), 0);
	simple_publications(v, &doc, 5, 9);
	presentity_put(&u->p, v, SIMPLE_PUBLICATIONS, now++);
}

static const struct publication *aggregate(const struct user *u)
{
	struct pub_key k = { CATEGORY_STATE, STR("state"), CONTAINER_COMPANY, 1 };
	return pub_find(&u->p.pubs, &k);
}

/* clang-format off */
static const struct {
	unsigned availability;
	const char *activity;
	enum pidf_basic basic;
	uint32_t activities;
	const char *word; /* in `other`, or in a note of the activities */
	enum pidf_input input;
} shown[] = {
	{ 3500, "", PIDF_OPEN, 0, "", PIDF_ACTIVE },
	{ 4500, "", PIDF_OPEN, 0, "", PIDF_IDLE },
	{ 6500, "", PIDF_OPEN, PIDF_BIT(PIDF_BUSY), "", PIDF_ACTIVE },
	{ 7500, "", PIDF_OPEN, PIDF_BIT(PIDF_BUSY), "", PIDF_IDLE },
	{ 6500, "<activity token=\"on-the-phone\"/>", PIDF_OPEN, PIDF_BIT(PIDF_BUSY) | PIDF_BIT(PIDF_ON_THE_PHONE), "", PIDF_ACTIVE },
	{ 7000, "<activity token=\"in-a-conference\"/>", PIDF_OPEN, PIDF_BIT(PIDF_BUSY) | PIDF_BIT(PIDF_ON_THE_PHONE) | PIDF_BIT(PIDF_MEETING), "", PIDF_ACTIVE },
	{ 6500, "<activity token=\"in-a-meeting\"/>", PIDF_OPEN, PIDF_BIT(PIDF_BUSY) | PIDF_BIT(PIDF_MEETING), "", PIDF_ACTIVE },
	{ 9500, "", PIDF_OPEN, PIDF_BIT(PIDF_BUSY), "do-not-disturb", PIDF_ACTIVE },
	{ 9500, "<activity token=\"in-presentation\"/>", PIDF_OPEN, PIDF_BIT(PIDF_BUSY) | PIDF_BIT(PIDF_PRESENTATION), "do-not-disturb", PIDF_ACTIVE },
	{ 12500, "", PIDF_OPEN, PIDF_BIT(PIDF_AWAY), "be-right-back", PIDF_NO_INPUT },
	{ 15500, "", PIDF_OPEN, PIDF_BIT(PIDF_AWAY), "", PIDF_IDLE },
	{ 15500, "<activity token=\"out-to-lunch\"/>", PIDF_OPEN, PIDF_BIT(PIDF_AWAY) | PIDF_BIT(PIDF_LUNCH), "", PIDF_IDLE },
	{ 15500, "<activity token=\"out-of-office\"/>", PIDF_OPEN, PIDF_BIT(PIDF_AWAY) | PIDF_BIT(PIDF_PERMANENT_ABSENCE), "", PIDF_IDLE },
	{ 6500, "<activity token=\"unheard-of\"/>", PIDF_OPEN, PIDF_BIT(PIDF_BUSY), "unheard-of", PIDF_ACTIVE },
	{ 3500, "<activity><custom>painting</custom></activity>", PIDF_OPEN, PIDF_BIT(PIDF_OTHER), "painting", PIDF_ACTIVE },
	{ 18500, "", PIDF_CLOSED, 0, "", PIDF_NO_INPUT },
};

static const struct {
	const char *xml;
	unsigned availability;
	const char *token, *custom;
} said[] = {
	{ "<tuple id='a'><status><basic>open</basic></status></tuple>", 3500, "", "" },
	{ "<tuple id='a'><status><basic>closed</basic></status></tuple>", 18500, "", "" },
	{ "<tuple id='a'><status><basic>closed</basic></status></tuple><tuple id='b'><status><basic>open</basic></status></tuple>", 3500, "", "" },
	{ "<tuple id='a'><status><basic>open</basic></status></tuple><person id='p'><user-input>idle</user-input></person>", 4500, "", "" },
	{ "<person id='p'><activities><busy/></activities></person>", 6500, "", "" },
	{ "<person id='p'><activities><on-the-phone/></activities></person>", 6500, "on-the-phone", "" },
	{ "<person id='p'><activities><on-the-phone/><busy/></activities></person>", 6500, "on-the-phone", "" },
	{ "<person id='p'><activities><on-the-phone/><meeting/></activities></person>", 7000, "in-a-conference", "" },
	{ "<person id='p'><activities><meeting/></activities></person>", 6500, "in-a-meeting", "" },
	{ "<person id='p'><activities><away/></activities></person>", 15500, "", "" },
	{ "<person id='p'><activities><away/><vacation/></activities></person>", 15500, "vacation", "vacation" },
	{ "<person id='p'><activities><lunch/></activities></person>", 15500, "out-to-lunch", "" },
	{ "<person id='p'><activities><permanent-absence/></activities></person>", 15500, "out-of-office", "" },
	{ "<person id='p'><activities><other>Do Not Disturb</other></activities></person>", 9500, "", "" },
	{ "<person id='p'><activities><busy/><other>dnd</other></activities></person>", 9500, "", "" },
	{ "<person id='p'><activities><away/><other>be-right-back</other></activities></person>", 12500, "", "" },
	{ "<person id='p'><activities><other>painting</other></activities></person>", 3500, "", "painting" },
	{ "<person id='p'><activities><note>be-right-back</note><away/></activities></person>", 12500, "", "" },
	{ "<person id='p'><activities><note>at a fair</note><busy/></activities></person>", 6500, "", "at a fair" },
	{ "<person id='p'><activities><unknown/></activities></person>", 3500, "", "" },
	{ "<tuple id='a'><status><basic>open</basic><activities><activity>away</activity></activities></status></tuple>", 15500, "", "" },
};
/* clang-format on */

static void lync_states_are_shown_as_rpid(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		struct user u;
		start(&u);
		bool idle = shown[i].availability == 4500 || shown[i].availability == 7500;
		put_state(&u, "machineState", 11, idle ? 4500 : 3500, "");
		put_state(&u, "userState", 12, shown[i].availability - (idle ? 1000 : 0),
		          shown[i].activity);
		look(&u, CONTAINER_COMPANY);
		const struct pidf_rich *r = &u.seen.persons[0].rich;
		EQ(u.seen.tuples[0].basic, shown[i].basic);
		EQ(r->activities, shown[i].activities);
		EQ_STR(r->activity_notes.n ? r->activity_notes.v[0].text : r->other, shown[i].word);
		EQ(r->input, shown[i].input);
		finish(&u);
	}
}

static void rpid_becomes_lync_states(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(said); i++) {
		struct user u;
		start(&u);
		presentity_signed_in(&u.p, true, str_find(str_of(said[i].xml), STR("<tuple")) < 0,
		                     now);
		publish(&u, said[i].xml);
		const struct publication *a = aggregate(&u);
		EQ(a->body->availability, said[i].availability);
		EQ_STR(a->body->token, said[i].token);
		EQ_STR(a->body->custom, said[i].custom);
		finish(&u);
	}
}

static void what_one_says_the_other_hears_in_the_same_words(void)
{
	static const char *const words[] = { "busy",     "away",     "on-the-phone", "meeting",
		                             "vacation", "lunch",    "holiday",      "travel",
		                             "sleeping", "steering", "presentation", "dinner" };
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct user u;
		start(&u);
		publish(&u,
		        arena_printf(u.arena,
		                     "<tuple id='a'><status><basic>open</basic></status></tuple>"
		                     "<person id='p'><activities><%s/></activities></person>",
		                     words[i])
		                .p);
		look(&u, CONTAINER_PERSONAL);
		OK(u.seen.persons[0].rich.activities & pidf_activity_bit(str_of(words[i])));
		EQ(u.seen.persons[0].rich.activity_notes.n, 0);
		finish(&u);
	}
}

static void what_is_published_anew_takes_the_place_of_the_old(void)
{
	struct user u;
	start(&u);
	publish(&u, "<tuple id='a'><status><basic>open</basic></status><note>here</note></tuple>"
	            "<person id='p'><activities><on-the-phone/></activities></person>");
	look(&u, CONTAINER_TEAM);
	if (EQ(u.seen.persons[0].notes.n, 1))
		EQ_STR(u.seen.persons[0].notes.v[0].text, "here");
	publish(&u, "<tuple id='a'><status><basic>open</basic></status></tuple>");
	look(&u, CONTAINER_TEAM);
	EQ(u.seen.persons[0].notes.n, 0);
	EQ(u.seen.persons[0].rich.activities, 0);
	size_t before = u.p.pubs.n;
	struct server_publication v[SIMPLE_PUBLICATIONS];
	simple_publications(v, NULL, 5, 9);
	presentity_put(&u.p, v, SIMPLE_PUBLICATIONS, now);
	EQ(u.p.pubs.n, before - 2);
	finish(&u);
}

static void publication_goes_with_its_endpoint(void)
{
	struct user u;
	start(&u);
	publish(&u, "<person id='p'><activities><busy/></activities></person>");
	size_t with = u.p.pubs.n;
	presentity_endpoint_gone(&u.p, 8, now);
	EQ(u.p.pubs.n, with);
	presentity_endpoint_gone(&u.p, 9, now);
	EQ(u.p.pubs.n, with - 2);
	finish(&u);
}

static void long_notes_are_cut_between_characters(void)
{
	struct user u;
	start(&u);
	char text[2 * SIMPLE_NOTE_MAX + 2] = "x";
	for (size_t i = 1; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa4", 3);
	publish(&u, arena_printf(u.arena, "<note>%s</note>", text).p);
	look(&u, CONTAINER_COMPANY);
	if (EQ(u.seen.persons[0].notes.n, 1))
		EQ(u.seen.persons[0].notes.v[0].text.len, SIMPLE_NOTE_MAX - 1);
	finish(&u);
}

static void blocked_and_external_people_see_no_notes(void)
{
	struct user u;
	start(&u);
	publish(&u, "<tuple id='a'><status><basic>open</basic></status><note>here</note></tuple>");
	look(&u, CONTAINER_BLOCKED);
	EQ(u.seen.tuples[0].basic, PIDF_CLOSED);
	EQ(u.seen.persons[0].notes.n, 0);
	look(&u, CONTAINER_PUBLIC);
	EQ(u.seen.tuples[0].basic, PIDF_OPEN);
	EQ(u.seen.persons[0].notes.n, 0);
	finish(&u);
}

static void timed_statuses_come_through_in_quarters_of_an_hour(void)
{
	struct user u;
	usec_t from;
	start(&u);
	publish(&u, "<person id='p'>"
	            "<timed-status from='2027-01-04T09:07:00Z' until='2027-01-04T10:20:00Z'>"
	            "<activities><meeting/></activities></timed-status>"
	            "<timed-status from='2027-01-05T00:00:00Z' until='2027-01-06T00:00:00Z'>"
	            "<activities><vacation/></activities></timed-status></person>");
	look(&u, CONTAINER_COMPANY);
	const struct pidf_person *p = &u.seen.persons[0];
	if (EQ(p->n_timed, 2)) {
		EQ(isotime_parse(&from, STR("2027-01-04T09:00:00Z")), 0);
		EQ(p->timed[0].from, from);
		EQ(p->timed[0].until - from, 90 * 60 * USEC_PER_SEC);
		EQ(p->timed[0].rich.activities, PIDF_BIT(PIDF_BUSY));
		EQ(p->timed[1].rich.activities, PIDF_BIT(PIDF_AWAY));
		EQ(p->timed[1].until - p->timed[1].from, 24 * 3600 * USEC_PER_SEC);
	}
	finish(&u);
}

static void times_beyond_the_week_and_broken_ones_are_left_out(void)
{
	struct user u;
	start(&u);
	publish(&u, "<person id='p'>"
	            "<timed-status from='2027-01-04T09:00:00Z'><activities><busy/></activities>"
	            "</timed-status><timed-status from='2028-01-04T09:00:00Z'>"
	            "<activities><busy/></activities></timed-status></person>");
	look(&u, CONTAINER_COMPANY);
	EQ(u.seen.persons[0].n_timed, 1);
	static const char *const broken[] = {
		"<calendarData/>",
		"<calendarData><freeBusy startTime='x' "
		"granularity='PT15M'>AAA=</freeBusy></calendarData>",
		"<calendarData><freeBusy startTime='2027-01-04T09:00:00Z' "
		"granularity='PT0M'>qqo=</freeBusy></calendarData>",
		"<calendarData><freeBusy startTime='2027-01-04T09:00:00Z' "
		"granularity='PT15M'>?</freeBusy></calendarData>",
		"<calendarData><freeBusy startTime='2027-01-04T09:00:00Z' "
		"granularity='PTM'/></calendarData>",
	};
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		struct pidf_timed t[4];
		struct xml *e;
		EQ(xml_parse(&e, u.arena, str_of(broken[i])), 0);
		EQ(simple_read_times(t, 4, e), 0);
	}
	finish(&u);
}

int main(void)
{
	RUN(lync_states_are_shown_as_rpid);
	RUN(rpid_becomes_lync_states);
	RUN(what_one_says_the_other_hears_in_the_same_words);
	RUN(what_is_published_anew_takes_the_place_of_the_old);
	RUN(publication_goes_with_its_endpoint);
	RUN(long_notes_are_cut_between_characters);
	RUN(blocked_and_external_people_see_no_notes);
	RUN(timed_statuses_come_through_in_quarters_of_an_hour);
	RUN(times_beyond_the_week_and_broken_ones_are_left_out);
	return tap_done();
}
