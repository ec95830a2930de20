#include "svc/conference/conference.h"

#include <errno.h>

#include "svc/conference/stored.h"
#include "svc/conference/world.h"

static enum c3p_reason command(struct world *w, const char *from, struct c3p_msg m)
{
	return conference_command(w->c, NOW, str_of(from), &m);
}

static struct c3p_msg lock(bool locked)
{
	return (struct c3p_msg){ .command = C3P_MODIFY_LOCK,
		                 .locked = locked ? CONFINFO_YES : CONFINFO_NO };
}

static struct c3p_msg eject(const char *user)
{
	return (struct c3p_msg){ .command = C3P_DELETE_USER, .user = str_of(user) };
}

static struct c3p_msg role(const char *user, enum confinfo_role r)
{
	return (struct c3p_msg){ .command = C3P_MODIFY_USER_ROLES,
		                 .user = str_of(user),
		                 .role = r };
}

static struct c3p_msg access_of(const char *user, enum confinfo_flag granted)
{
	return (struct c3p_msg){ .command = C3P_SET_LOBBY_ACCESS,
		                 .user = str_of(user),
		                 .granted = granted };
}

/* --- the factory ---------------------------------------------------------------------- */

static void a_conference_is_made_found_and_deleted(void)
{
	struct world w;
	start(&w);
	EQ(w.saved, 1);
	OK(conferences_find(w.set, STR("sip:ALICE@e.test"), STR("sched123")) == w.c);
	OK(conferences_find(w.set, STR(BOB), STR("SCHED123")) == NULL);
	EQ(w.c->admission, CONFINFO_OPEN_AUTHENTICATED);
	EQ_STR(str_of(w.c->subject), "Weekly");
	struct conf_who bob = who(BOB), alice = who(ALICE);
	EQ(conference_delete(&w.c, &bob), C3P_NOT_AUTHORIZED);
	join(&w, BOB, "{B}");
	(void)did(&w);
	EQ(conference_delete(&w.c, &alice), C3P_NO_REASON);
	OK(w.c == NULL);
	EQ_STR(did(&w), "removed bob 3 1; emptied; ");
	EQ(w.forgotten, 1);
	EQ(conferences_count(w.set), 0);
	stop(&w);
}

static void what_cannot_be_made_is_refused_with_its_reason(void)
{
	static char long_subject[CONF_SUBJECT_MAX + 2];
	struct world w;
	struct conference *c = NULL;
	struct conf_who alice = who(ALICE), dave = who(DAVE);
	memset(long_subject, 'x', sizeof(long_subject) - 1);
	struct confinfo_user nobody = { .entity = STR("no uri") };
	const struct {
		struct conf_who *by;
		struct confinfo wanted;
		enum c3p_reason want;
	} rows[] = {
		{ &alice, { .id = STR("SCHED123") }, C3P_CONFERENCE_EXISTS },
		{ &alice, { .id = STR("sched123") }, C3P_CONFERENCE_EXISTS },
		{ &alice, { .id = STR("SHORT") }, C3P_INVALID_ID },
		{ &alice, { .expires_s = NOW }, C3P_INVALID_EXPIRY },
		{ &alice, { .expires_s = NOW + CONF_EXPIRES_MAX_S + 1ull }, C3P_INVALID_EXPIRY },
		{ &alice, { .subject = str_of(long_subject) }, C3P_REQUEST_TOO_LARGE },
		{ &alice, { .users = &nobody, .with_users = true }, C3P_REQUEST_MALFORMED },
		{ &dave, { .id = STR("OTHER123") }, C3P_NOT_AUTHORIZED },
	};
	start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EQ(conferences_add(w.set, NOW, rows[i].by, &rows[i].wanted, &c), rows[i].want);
	OK(c == NULL);
	EQ(conferences_count(w.set), 1);
	EQ(add(&w, BOB, "SCHED123", &c), C3P_NO_REASON); /* another organizer's */
	EQ(add(&w, ALICE, "", &c), C3P_NO_REASON);
	EQ(strlen(c->id), CONF_ID_MAX);
	OK(conf_uri_id_ok(str_of(c->id)));
	stop(&w);
}

static void an_organizer_has_so_many_conferences_and_no_more(void)
{
	struct world w;
	struct conference *c;
	unsigned n = 0;
	start(&w);
	w.settings.per_organizer_max = 3;
	EQ(add(&w, ALICE, "", &c), C3P_NO_REASON);
	EQ(add(&w, ALICE, "", &c), C3P_NO_REASON);
	EQ(add(&w, ALICE, "", &c), C3P_MAX_CONFERENCES);
	EQ(add(&w, BOB, "", &c), C3P_NO_REASON);
	EQ(conferences_of(w.set, STR(ALICE)), 3);
	for (c = NULL; (c = conferences_next_of(w.set, STR(ALICE), c)) != NULL;)
		n++;
	EQ(n, 3);
	stop(&w);
}

static void only_what_is_said_is_modified(void)
{
	struct world w;
	struct conf_who alice = who(ALICE), bob = who(BOB);
	struct confinfo_user carol = { .entity = STR(CAROL), .role = CONFINFO_PRESENTER };
	struct confinfo change = {
		.admission = CONFINFO_CLOSED, .users = &carol, .n_users = 1, .with_users = true
	};
	start(&w);
	uint32_t revision = w.c->revision;
	EQ(conference_modify(w.c, NOW, &bob, &change), C3P_NOT_AUTHORIZED);
	EQ(conference_modify(w.c, NOW, &alice, &change), C3P_NO_REASON);
	EQ(w.c->revision, revision + 1);
	EQ_STR(str_of(w.c->subject), "Weekly");
	EQ(w.c->n_invited, 1);
	EQ(join(&w, BOB, "{B}"), CONF_WAITS);
	EQ(join(&w, CAROL, "{C}"), CONF_ENTERS);
	EQ(conference_person(w.c, STR(CAROL))->role, CONFINFO_PRESENTER);
	change = (struct confinfo){ .with_users = true };
	EQ(conference_modify(w.c, NOW, &alice, &change), C3P_NO_REASON);
	EQ(w.c->n_invited, 0);
	stop(&w);
}

/* --- people --------------------------------------------------------------------------- */

static void people_come_with_their_roles_and_go(void)
{
	struct world w;
	start(&w);
	EQ(join(&w, ALICE, "{A}"), CONF_ENTERS);
	EQ_STR(did(&w), "changed; tell ali presenter; ");
	EQ(join(&w, BOB, "{B}"), CONF_ENTERS);
	EQ_STR(did(&w), "tell bob attendee; ");
	OK(conference_is_inside(w.c, STR("sip:BOB@e.test")));
	EQ(w.c->n_inside, 2);
	EQ(conference_leave(w.c, NOW, STR(BOB), STR("{X}")), -ENOENT);
	EQ(conference_leave(w.c, NOW, STR(BOB), STR("{A}")), -ENOENT); /* another's */
	EQ(conference_leave(w.c, NOW, STR(BOB), STR("{B}")), 0);
	EQ_STR(did(&w), "removed bob 0 0; ");
	OK(!conference_is_inside(w.c, STR(BOB)) && !conference_person(w.c, STR(BOB)));
	EQ(conference_leave(w.c, NOW, STR(ALICE), STR("{A}")), 0);
	EQ_STR(did(&w), "removed ali 0 0; emptied; ");
	EQ(w.c->n_inside, 0);
	stop(&w);
}

static void a_second_endpoint_is_the_same_person(void)
{
	struct world w;
	start(&w);
	join(&w, BOB, "{B1}");
	join(&w, BOB, "{B2}");
	join(&w, BOB, "{b1}"); /* comes again */
	EQ(w.c->n_inside, 1);
	EQ(conference_person(w.c, STR(BOB))->n_endpoints, 2);
	EQ(conference_leave(w.c, NOW, STR(BOB), STR("{B1}")),
	   -ENOENT); /* that dialog was replaced */
	EQ(conference_leave(w.c, NOW, STR(BOB), STR("{b1}")), 0);
	OK(conference_is_inside(w.c, STR(BOB)));
	EQ(conference_leave(w.c, NOW, STR(BOB), STR("{B2}")), 0);
	OK(!conference_is_inside(w.c, STR(BOB)));
	stop(&w);
}

static void places_and_endpoints_are_bounded(void)
{
	struct world w;
	enum c3p_reason why;
	char guid[16], uri[64];
	start(&w);
	w.settings.people_max = 2;
	join(&w, ALICE, "{A}");
	for (int i = 1; i <= CONF_CLIENTS_MAX; i++) {
		(void)snprintf(guid, sizeof(guid), "{%d}", i);
		EQ(join(&w, BOB, guid), CONF_ENTERS);
	}
	EQ(join_at(&w, NOW, BOB, "{more}", true, &why), CONF_REFUSED);
	EQ(why, C3P_MAX_SIZE);
	EQ(join_at(&w, NOW, CAROL, "{C}", true, &why), CONF_REFUSED);
	EQ(why, C3P_MAX_SIZE);
	EQ(join_at(&w, NOW, CAROL, "", true, &why), CONF_REFUSED);
	EQ(why, C3P_REQUEST_MALFORMED);
	w.settings.people_max = CONF_PEOPLE_DEFAULT;
	for (int i = 2; i < CONF_PEOPLE_DEFAULT; i++) {
		(void)snprintf(uri, sizeof(uri), "sip:u%d@e.test", i);
		EQ(join(&w, uri, "{U}"), CONF_ENTERS);
	}
	EQ(w.c->n_inside, 250);
	EQ(join(&w, CAROL, "{C}"), CONF_REFUSED);
	stop(&w);
}

static void nobody_comes_in_under_the_name_of_another(void)
{
	struct world w;
	const struct conf_person *p;
	enum c3p_reason why;
	struct conf_join j = { .who = { .uri = STR(BOB), .kind = CONF_ANONYMOUS },
		               .entity = STR("{X}") };
	start(&w);
	w.c->admission = CONFINFO_ANONYMOUS;
	join(&w, BOB, "{B}");
	EQ(conference_join(w.c, NOW, &j, &p, &why), CONF_REFUSED);
	EQ(why, C3P_NOT_AUTHORIZED);
	j.who.uri = STR(ALICE); /* not inside: but no organizer either */
	EQ(conference_join(w.c, NOW, &j, &p, &why), CONF_ENTERS);
	EQ(p->role, CONFINFO_ATTENDEE);
	stop(&w);
}

/* --- commands ------------------------------------------------------------------------- */

static void commands_are_for_those_who_may(void)
{
	enum { NO = C3P_NOT_AUTHORIZED, GOOD = C3P_NO_REASON, NONE = C3P_USER_DOESNT_EXIST };
	const struct c3p_msg end = { .command = C3P_DELETE_CONFERENCE };
	const struct c3p_msg get = { .command = C3P_GET_CONFERENCE };
	const struct c3p_msg other = { .command = C3P_GET_CAPABILITIES };
	/* alice organizes, carol presents, bob attends, dave waits, eve is not there */
	const struct {
		const char *from;
		struct c3p_msg m;
		int want;
	} rows[] = {
		{ ALICE, lock(true), GOOD },
		{ CAROL, lock(true), GOOD },
		{ BOB, lock(true), NO },
		{ DAVE, lock(true), NO },
		{ "sip:eve@e.test", lock(true), NO },
		{ CAROL, eject(BOB), GOOD },
		{ BOB, eject(CAROL), NO },
		{ BOB, eject(BOB), GOOD },
		{ CAROL, eject(ALICE), NO },
		{ ALICE, eject(ALICE), GOOD },
		{ ALICE, eject("sip:eve@e.test"), NONE },
		{ CAROL, role(BOB, CONFINFO_PRESENTER), GOOD },
		{ CAROL, role(ALICE, CONFINFO_ATTENDEE), NO },
		{ CAROL, role(CAROL, CONFINFO_ATTENDEE), GOOD },
		{ BOB, role(BOB, CONFINFO_PRESENTER), NO },
		{ CAROL, role("sip:eve@e.test", CONFINFO_PRESENTER), NONE },
		{ CAROL, access_of(DAVE, CONFINFO_YES), GOOD },
		{ CAROL, access_of(DAVE, CONFINFO_NO), GOOD },
		{ BOB, access_of(DAVE, CONFINFO_YES), NO },
		{ DAVE, access_of(DAVE, CONFINFO_YES), NO },
		{ CAROL, access_of(BOB, CONFINFO_NO), NONE },
		{ CAROL, end, GOOD },
		{ BOB, end, NO },
		{ BOB, get, GOOD },
		{ DAVE, get, NO },
		{ ALICE, other, C3P_NOT_SUPPORTED },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;
		start(&w);
		join(&w, ALICE, "{A}");
		join(&w, BOB, "{B}");
		join(&w, CAROL, "{C}");
		EQ(join(&w, DAVE, "{D}"), CONF_WAITS);
		EQ(command(&w, ALICE, role(CAROL, CONFINFO_PRESENTER)), C3P_NO_REASON);
		EQ(command(&w, rows[i].from, rows[i].m), rows[i].want);
		stop(&w);
	}
}

static void a_lock_is_told_and_keeps_people_out(void)
{
	struct world w;
	enum c3p_reason why;
	start(&w);
	join(&w, ALICE, "{A}");
	(void)did(&w);
	EQ(command(&w, ALICE, lock(true)), C3P_NO_REASON);
	EQ(command(&w, ALICE, lock(true)), C3P_NO_REASON);
	EQ_STR(did(&w), "tell lock 1; ");
	EQ(join_at(&w, NOW, BOB, "{B}", false, &why), CONF_REFUSED);
	EQ(why, C3P_CONFERENCE_LOCKED);
	EQ(join_at(&w, NOW, BOB, "{B}", true, &why), CONF_WAITS);
	EQ(command(&w, ALICE, lock(false)), C3P_NO_REASON);
	EQ(join_at(&w, NOW, BOB, "{B}", true, &why), CONF_ENTERS); /* asks again */
	EQ(w.c->n_waiting, 0);
	EQ(command(&w, ALICE, lock(true)), C3P_NO_REASON);
	EQ(conference_leave(w.c, NOW, STR(ALICE), STR("{A}")), 0);
	EQ(conference_leave(w.c, NOW, STR(BOB), STR("{B}")), 0);
	OK(!w.c->locked); /* the next ones find it open */
	stop(&w);
}

static void the_lobby_is_left_by_a_presenter_only(void)
{
	struct world w;
	start(&w);
	join(&w, ALICE, "{A}");
	EQ(join(&w, DAVE, "{D}"), CONF_WAITS);
	(void)did(&w);
	OK(!conference_is_inside(w.c, STR(DAVE)));
	EQ(conference_view(w.c, STR(DAVE)), CONF_VIEW_LOBBY);
	EQ(command(&w, ALICE, access_of(DAVE, CONFINFO_YES)), C3P_NO_REASON);
	EQ_STR(did(&w), "tell dav attendee; ");
	OK(conference_is_inside(w.c, STR(DAVE)));
	EQ(conference_view(w.c, STR(DAVE)), CONF_VIEW_ATTENDEE);
	EQ(join(&w, "sip:erin@other.test", "{E}"), CONF_WAITS);
	EQ(command(&w, ALICE, access_of("sip:erin@other.test", CONFINFO_NO)), C3P_NO_REASON);
	EQ_STR(did(&w), "removed eri 2 1; ");
	EQ(w.c->n_inside, 2);
	EQ(w.c->n_waiting, 0);
	stop(&w);
}

static void an_end_sends_all_away_and_keeps_what_is_stored(void)
{
	struct world w;
	start(&w);
	join(&w, ALICE, "{A}");
	join(&w, BOB, "{B}");
	(void)did(&w);
	EQ(command(&w, ALICE, (struct c3p_msg){ .command = C3P_DELETE_CONFERENCE }), C3P_NO_REASON);
	EQ_STR(did(&w), "removed ali 3 1; removed bob 3 1; emptied; ");
	EQ(w.forgotten, 0);
	EQ(join(&w, ALICE, "{A}"), CONF_ENTERS);
	stop(&w);
}

/* --- documents ------------------------------------------------------------------------ */

static struct confinfo parsed(struct arena *a, const struct buf *b)
{
	struct confinfo ci = { .version = 0 };
	EQ(confinfo_parse(&ci, a, buf_view(b)), 0);
	return ci;
}

static struct confinfo changes(struct world *w, struct arena *a, enum conf_view v)
{
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	conference_put_changes(&b, w->c, v);
	return parsed(a, &b);
}

static struct confinfo full(struct world *w, struct arena *a, enum conf_view v)
{
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	conference_put_full(&b, w->c, v);
	return parsed(a, &b);
}

static void documents_are_numbered_and_say_what_changed(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct world w;
	start(&w);
	join(&w, ALICE, "{A}");
	struct confinfo ci = full(&w, a, CONF_VIEW_PRESENTER);
	EQ(ci.version, 1);
	EQ_STR(ci.entity, ALICE ";gruu;opaque=app:conf:focus:id:SCHED123");
	EQ_STR(ci.subject, "Weekly");
	EQ_STR(ci.mcus[CONFINFO_CHAT].uri, ALICE ";gruu;opaque=app:conf:chat:id:SCHED123");
	EQ(ci.mcus[CONFINFO_CHAT].locked, CONFINFO_NO);
	EQ(ci.n_users, 1);
	EQ(ci.users->endpoints->session, CONFINFO_FOCUS);
	EQ(changes(&w, a, CONF_VIEW_PRESENTER).version, 2);
	conference_changes_done(w.c);
	EQ(full(&w, a, CONF_VIEW_PRESENTER).version, 2);
	join(&w, BOB, "{B}");
	ci = changes(&w, a, CONF_VIEW_PRESENTER);
	EQ(ci.version, 3);
	EQ(ci.n_users, 1);
	EQ_STR(ci.users->entity, BOB);
	OK(!ci.with_views);
	conference_changes_done(w.c);
	EQ(command(&w, ALICE, lock(true)), C3P_NO_REASON);
	EQ(command(&w, ALICE, eject(BOB)), C3P_NO_REASON);
	ci = changes(&w, a, CONF_VIEW_ATTENDEE);
	EQ(ci.version, 4);
	EQ(ci.mcus[CONFINFO_CHAT].locked, CONFINFO_YES);
	EQ(ci.users->state, CONFINFO_DELETED);
	EQ(full(&w, a, CONF_VIEW_ATTENDEE).n_users, 1);
	conference_changes_done(w.c);
	OK(list_empty(&w.c->people) == false && w.c->people.next->next == &w.c->people);
	stop(&w);
}

static void who_left_and_came_back_is_there(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct world w;
	start(&w);
	join(&w, ALICE, "{A}");
	join(&w, BOB, "{B}");
	conference_changes_done(w.c);
	EQ(conference_leave(w.c, NOW, STR(BOB), STR("{B}")), 0);
	join(&w, BOB, "{B2}");
	struct confinfo ci = changes(&w, a, CONF_VIEW_PRESENTER);
	EQ(ci.n_users, 1);
	EQ(ci.users->state, CONFINFO_FULL);
	EQ_STR(ci.users->endpoints->entity, "{B2}");
	EQ(w.c->n_inside, 2);
	stop(&w);
}

static void each_sees_what_they_may(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct world w;
	start(&w);
	join(&w, ALICE, "{A}");
	join(&w, DAVE, "{D}");
	EQ(full(&w, a, CONF_VIEW_PRESENTER).n_users, 2);
	EQ(full(&w, a, CONF_VIEW_PRESENTER).users->next->endpoints->status, CONFINFO_ON_HOLD);
	EQ(full(&w, a, CONF_VIEW_ATTENDEE).n_users, 1);
	EQ(full(&w, a, CONF_VIEW_LOBBY).n_users, 0);
	conference_changes_done(w.c);
	EQ(command(&w, ALICE, access_of(DAVE, CONFINFO_YES)), C3P_NO_REASON);
	EQ(changes(&w, a, CONF_VIEW_ATTENDEE).n_users, 1);
	stop(&w);
}

/* --- MCUs ----------------------------------------------------------------------------- */

static struct confinfo mcu_says(struct arena *a, enum confinfo_state state, const char *user,
                                const char *epid, enum confinfo_status status)
{
	struct confinfo_endpoint *e = arena_alloc(a, sizeof(*e));
	struct confinfo_leg *leg = arena_alloc(a, sizeof(*leg));
	struct confinfo_user *u = arena_alloc(a, sizeof(*u));
	*leg = (struct confinfo_leg){ .call_id = arena_printf(a, "chat-%s", epid),
		                      .contact = STR("<sip:c>"),
		                      .local_cseq = 7 };
	*e = (struct confinfo_endpoint){
		.epid = str_of(epid), .session = CONFINFO_CHAT, .status = status, .leg = leg
	};
	*u = (struct confinfo_user){ .entity = str_of(user), .endpoints = e };
	return (struct confinfo){ .state = state, .users = u, .n_users = 1, .with_users = true };
}

static void an_mcu_reports_the_endpoints_it_has(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct world w;
	start(&w);
	join(&w, ALICE, "{A}");
	struct confinfo ci = mcu_says(a, CONFINFO_PARTIAL, ALICE, "e1", CONFINFO_CONNECTED), out;
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	out = changes(&w, a, CONF_VIEW_ATTENDEE);
	const struct confinfo_endpoint *chat = out.users->endpoints->next;
	EQ(chat->session, CONFINFO_CHAT);
	EQ(chat->status, CONFINFO_CONNECTED);
	EQ_STR(chat->entity, "{A}"); /* the client's, which the MCU did not know */
	OK(chat->leg == NULL);
	/* What the MCU gets if it starts anew. */
	conference_mcu_info(&out, a, w.c, CONFINFO_CHAT);
	EQ_STR(out.users->endpoints->next->leg->call_id, "chat-e1");
	EQ(out.users->endpoints->next->leg->local_cseq, 7);
	EQ_STR(out.users->endpoints->leg->call_id, "{A}");
	EQ(out.mcus[CONFINFO_CHAT].locked, CONFINFO_NO);
	ci = mcu_says(a, CONFINFO_PARTIAL, ALICE, "e1", CONFINFO_DISCONNECTED);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	EQ(conference_person(w.c, STR(ALICE))->n_endpoints, 1);
	ci = mcu_says(a, CONFINFO_PARTIAL, BOB, "e2", CONFINFO_DISCONNECTED);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	OK(conference_person(w.c, STR(BOB)) == NULL);
	stop(&w);
}

static void join_as(struct world *w, const char *uri, const char *guid, const char *epid)
{
	struct confinfo_leg leg = { .call_id = str_of(guid) };
	struct conf_join j = {
		.who = who(uri), .entity = str_of(guid), .epid = str_of(epid), .leg = &leg
	};
	const struct conf_person *p;
	enum c3p_reason why;
	EQ(conference_join(w->c, NOW, &j, &p, &why), CONF_ENTERS);
}

/* By its GUID, its epid or the Call-ID of its dialog. */
static void a_client_has_one_place_whatever_it_says_of_itself(void)
{
	struct world w;
	start(&w);
	join_as(&w, ALICE, "{A}", "e1");
	join_as(&w, BOB, "{B1}", "e1");
	join_as(&w, BOB, "{B2}", "e2");
	EQ(conference_person(w.c, STR(BOB))->n_endpoints, 2);
	join_as(&w, BOB, "{B1}", "e2"); /* of both */
	EQ(conference_person(w.c, STR(BOB))->n_endpoints, 1);
	struct confinfo_leg leg = { .call_id = STR("{B1}") };
	struct conf_join j = {
		.who = who(BOB), .entity = STR("{B3}"), .epid = STR("e3"), .leg = &leg
	};
	const struct conf_person *p;
	enum c3p_reason why;
	EQ(conference_join(w.c, NOW, &j, &p, &why), CONF_ENTERS);
	EQ(p->n_endpoints, 1);
	EQ(conference_leave(w.c, NOW, STR(BOB), STR("{B1}")), 0);
	OK(!conference_is_inside(w.c, STR(BOB)));
	stop(&w);
}

static void who_lost_the_mcu_alone_is_waited_for(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct world w;
	start(&w);
	join_as(&w, ALICE, "{A}", "e1");
	join_as(&w, BOB, "{B}", "e2");
	struct confinfo up = mcu_says(a, CONFINFO_PARTIAL, BOB, "e2", CONFINFO_CONNECTED);
	struct confinfo down = mcu_says(a, CONFINFO_PARTIAL, BOB, "e2", CONFINFO_DISCONNECTED);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &up), C3P_NO_REASON);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &down), C3P_NO_REASON);
	OK(strstr(arena_str(a, did(&w)).p, "lost") == NULL); /* its client ended that itself */
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &up), C3P_NO_REASON);
	(void)did(&w);
	down.users->endpoints->failed = true;
	conference_changes_done(w.c);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &down), C3P_NO_REASON);
	EQ_STR(did(&w), "tell bob attendee; lost bob e2; changed; ");
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &down), C3P_NO_REASON);
	EQ_STR(did(&w), ""); /* once */
	/* It comes in although the room was locked meanwhile, and takes its place. */
	EQ(command(&w, ALICE, lock(true)), C3P_NO_REASON);
	struct confinfo kept;
	conference_mcu_info(&kept, a, w.c, CONFINFO_CHAT);
	EQ(kept.users->next->endpoints->status, CONFINFO_PENDING);
	join_as(&w, BOB, "{B}", "e2");
	EQ(conference_person(w.c, STR(BOB))->n_endpoints, 1);
	conference_mcu_info(&up, a, w.c, CONFINFO_CHAT);
	EQ(up.users->next->endpoints->status, CONFINFO_CONNECTED);
	/* A focus that starts anew meanwhile does not wait: that dialog is over. */
	struct world anew;
	start(&anew);
	kept.state = CONFINFO_FULL;
	EQ(conference_mcu_roster(anew.c, NOW, CONFINFO_CHAT, &kept), C3P_NO_REASON);
	OK(conference_is_inside(anew.c, STR(ALICE)) && !conference_is_inside(anew.c, STR(BOB)));
	stop(&anew);
	stop(&w);
}

static void a_focus_that_starts_anew_learns_the_roster_from_an_mcu(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct world before, w;
	start(&before);
	join(&before, ALICE, "{A}");
	struct confinfo kept, ci = mcu_says(a, CONFINFO_PARTIAL, BOB, "e2", CONFINFO_CONNECTED);
	join(&before, BOB, "{B}");
	EQ(conference_mcu_roster(before.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	EQ(command(&before, ALICE, lock(true)), C3P_NO_REASON);
	conference_mcu_info(&kept, a, before.c, CONFINFO_CHAT);
	start(&w);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &kept), C3P_NO_REASON);
	EQ(w.c->n_inside, 2);
	OK(w.c->locked);
	EQ(conference_person(w.c, STR(ALICE))->role, CONFINFO_PRESENTER);
	EQ(conference_person(w.c, STR(BOB))->n_endpoints, 2);
	EQ(conference_leave(w.c, NOW, STR(ALICE), STR("{A}")), 0); /* the focus dialogs go on */
	(void)did(&w);
	/* Another full roster without bob's chat. */
	ci = (struct confinfo){ .state = CONFINFO_FULL };
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	EQ(conference_person(w.c, STR(BOB))->n_endpoints, 1);
	stop(&before);
	stop(&w);
}

static void who_had_the_mcu_alone_leaves_with_it(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct world w;
	start(&w);
	struct confinfo ci = mcu_says(a, CONFINFO_FULL, BOB, "e2", CONFINFO_CONNECTED);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	OK(conference_is_inside(w.c, STR(BOB)));
	EQ(join(&w, BOB, "{B}"), CONF_ENTERS); /* and is not counted twice */
	EQ(w.c->n_inside, 1);
	EQ(conference_leave(w.c, NOW, STR(BOB), STR("{B}")), 0);
	OK(!conference_is_inside(w.c, STR(BOB)));
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	ci = mcu_says(a, CONFINFO_PARTIAL, BOB, "e2", CONFINFO_DISCONNECTED);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	OK(!conference_is_inside(w.c, STR(BOB)));
	stop(&w);
}

/* --- phones --------------------------------------------------------------------------- */

static enum conf_entry join_phone(struct world *w, const char *uri)
{
	struct confinfo_leg pager = { .pager = true, .call_id = STR("pages") };
	struct conf_join j = { .who = who(uri),
		               .entity = STR("{P}"),
		               .epid = CONF_PHONE,
		               .leg = &pager,
		               .pager = &pager };
	const struct conf_person *p = NULL;
	enum c3p_reason why;
	return conference_join(w->c, NOW, &j, &p, &why);
}

/* What the MCU says of the pages to one. */
static struct confinfo pages_are(struct arena *a, const char *uri, enum confinfo_status status)
{
	struct confinfo ci = mcu_says(a, CONFINFO_PARTIAL, uri, "phone", status);
	struct confinfo_leg *leg = arena_alloc(a, sizeof(*leg));
	*leg = (struct confinfo_leg){ .pager = true, .call_id = STR("pages") };
	ci.users->endpoints->leg = leg;
	return ci;
}

static void a_phone_is_there_until_it_takes_no_page(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct world w;
	struct confinfo ci;
	start(&w);
	EQ(join_phone(&w, BOB), CONF_ENTERS);
	const struct conf_person *p = conference_person(w.c, STR(BOB));
	OK(p && conf_pager(p) && p->n_endpoints == 2);
	EQ(join_phone(&w, BOB), CONF_ENTERS); /* it has its place already */
	EQ(p->n_endpoints, 2);
	ci = pages_are(a, BOB, CONFINFO_CONNECTED);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	EQ(p->n_endpoints, 2);
	ci = pages_are(a, BOB, CONFINFO_DISCONNECTED);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	OK(conference_person(w.c, STR(BOB)) == NULL);
	stop(&w);
}

static void who_leaves_with_the_phone_stays_with_another_client(void)
{
	struct world w;
	start(&w);
	EQ(conference_leave_phone(w.c, NOW, STR(BOB)), -ENOENT);
	EQ(join(&w, BOB, "{B}"), CONF_ENTERS);
	EQ(conference_leave_phone(w.c, NOW, STR(BOB)), -ENOENT);
	EQ(join_phone(&w, BOB), CONF_ENTERS);
	const struct conf_person *p = conference_person(w.c, STR(BOB));
	EQ(p->n_endpoints, 3);
	(void)did(&w);
	EQ(conference_leave_phone(w.c, NOW, STR(BOB)), 0);
	EQ_STR(did(&w), "tell bob attendee; "); /* the MCU: no pages any more */
	EQ(p->n_endpoints, 1);
	OK(!conf_pager(p));
	EQ(join_phone(&w, BOB), CONF_ENTERS);
	EQ(conference_leave(w.c, NOW, STR(BOB), STR("{B}")), 0);
	OK(conference_is_inside(w.c, STR(BOB)));
	EQ(conference_leave_phone(w.c, NOW, STR(BOB)), 0);
	OK(!conference_is_inside(w.c, STR(BOB)));
	stop(&w);
}

static void a_focus_that_starts_anew_finds_the_phones(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct world before, w;
	struct confinfo kept;
	start(&before);
	EQ(join_phone(&before, BOB), CONF_ENTERS);
	conference_mcu_info(&kept, a, before.c, CONFINFO_CHAT);
	start(&w);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &kept), C3P_NO_REASON);
	const struct conf_person *p = conference_person(w.c, STR(BOB));
	OK(p && conf_pager(p));
	EQ(conference_leave_phone(w.c, NOW, STR(BOB)), 0);
	OK(!conference_is_inside(w.c, STR(BOB)));
	stop(&before);
	stop(&w);
}

/* --- time ----------------------------------------------------------------------------- */

static void an_idle_conference_ends_and_an_old_one_is_forgotten(void)
{
	struct world w;
	start(&w);
	enum c3p_reason why;
	EQ(join_at(&w, NOW + 3600, BOB, "{B}", true, &why), CONF_ENTERS);
	(void)did(&w);
	EQ(conferences_expire(w.set, NOW + 2 * 3600), NOW + 2 * 3600 + 600);
	EQ(conferences_expire(w.set, NOW + DAY + 3500), NOW + DAY + 3600);
	conference_touch(w.c, NOW + DAY);
	EQ(conferences_expire(w.set, NOW + DAY + 3600), NOW + DAY + 3600 + 600);
	EQ_STR(did(&w), "");
	(void)conferences_expire(w.set, NOW + 2 * DAY);
	EQ_STR(did(&w), "removed bob 4 1; emptied; ");
	EQ(w.forgotten, 1);
	EQ(conferences_count(w.set), 0);
	stop(&w);
}

static void anonymous_people_alone_are_sent_away_after_a_while(void)
{
	enum { GRACE = CONF_GRACE_DEFAULT_S };
	struct world w;
	const struct conf_person *p;
	enum c3p_reason why;
	struct conf_join j = { .who = { .uri = STR("sip:guest1@e.test"), .kind = CONF_ANONYMOUS },
		               .entity = STR("{X}") };
	start(&w);
	w.c->expires_s = CONF_NEVER;
	w.c->admission = CONFINFO_ANONYMOUS;
	EQ(conference_join(w.c, NOW + 100, &j, &p, &why), CONF_ENTERS);
	EQ(join_at(&w, NOW + 200, BOB, "{B}", true, &why), CONF_ENTERS);
	(void)conferences_expire(w.set, NOW + 200 + GRACE);
	EQ(w.c->n_inside, 2); /* bob is there */
	EQ(conference_leave(w.c, NOW + 300 + GRACE, STR(BOB), STR("{B}")), 0);
	(void)did(&w);
	(void)conferences_expire(w.set, NOW + 299 + 2 * GRACE);
	EQ(w.c->n_inside, 1);
	(void)conferences_expire(w.set, NOW + 300 + 2 * GRACE);
	EQ_STR(did(&w), "removed gue 5 1; emptied; ");
	EQ(conference_join(w.c, NOW + DAY, &j, &p, &why), CONF_ENTERS);
	(void)conferences_expire(w.set, NOW + DAY + GRACE - 1);
	EQ(w.c->n_inside, 1); /* counted from when it filled */
	stop(&w);
}

static void a_conference_with_an_end_is_kept_until_then(void)
{
	struct world w;
	struct conf_who alice = who(ALICE);
	struct confinfo change = { .expires_s = NOW + 10 * DAY };
	start(&w);
	EQ(conference_modify(w.c, NOW, &alice, &change), C3P_NO_REASON);
	join(&w, BOB, "{B}");
	(void)conferences_expire(w.set, NOW + 2 * DAY); /* ends, but is kept */
	EQ(w.c->n_inside, 0);
	EQ(conferences_count(w.set), 1);
	(void)conferences_expire(w.set, NOW + 10 * DAY - 1);
	EQ(conferences_count(w.set), 1);
	(void)conferences_expire(w.set, NOW + 10 * DAY);
	EQ(conferences_count(w.set), 0);
	stop(&w);
}

static void one_that_never_expires_stays(void)
{
	struct world w;
	start(&w);
	w.c->expires_s = CONF_NEVER;
	(void)conferences_expire(w.set, NOW + 5000ull * DAY);
	EQ(conferences_count(w.set), 1);
	stop(&w);
}

/* --- stored --------------------------------------------------------------------------- */

static void a_row_holds_what_is_stored(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(CONF_INVITED_TEXT_MAX);
	struct world w, after;
	struct conf_who alice = who(ALICE);
	struct confinfo_user carol = { .entity = STR(CAROL), .role = CONFINFO_PRESENTER };
	struct confinfo_user bob = { .entity = STR(BOB), .next = &carol };
	struct confinfo change = { .admission = CONFINFO_CLOSED,
		                   .promote = CONFINFO_PROMOTE_EVERYONE,
		                   .lobby = CONFINFO_NO,
		                   .expires_s = NOW + DAY,
		                   .users = &bob,
		                   .n_users = 2,
		                   .with_users = true };
	struct conf_row row;
	start(&w);
	change.mcus[CONFINFO_SHARING].uri = STR("applicationsharing");
	EQ(conference_modify(w.c, NOW, &alice, &change), C3P_NO_REASON);
	conf_row_of(&row, &b, w.c);
	EQ_STR(row.invited, "attendee " BOB "\npresenter " CAROL "\n");
	EQ_STR(row.admission, "closedAuthenticated");
	start(&after);
	EQ(conferences_load(after.set, NOW, &row), -EEXIST);
	EQ(conference_delete(&after.c, &alice), C3P_NO_REASON);
	EQ(conferences_load(after.set, NOW + 60, &row), 0);
	struct conference *c = conferences_find(after.set, STR(ALICE), STR("SCHED123"));
	EQ(c->n_invited, 2);
	EQ(c->promote, CONFINFO_PROMOTE_EVERYONE);
	EQ(c->expires_s, NOW + DAY);
	EQ(c->created_s, NOW);
	EQ(c->revision, 2);
	OK(!c->lobby && c->mcus == 1u << CONFINFO_SHARING);
	after.c = c;
	EQ(full(&after, a, CONF_VIEW_PRESENTER).version, NOW + 60);
	struct confinfo described;
	conference_describe(&described, a, c);
	EQ(described.n_users, 2);
	EQ(described.expires_s, NOW + DAY);
	stop(&w);
	stop(&after);
}

static void a_damaged_row_is_refused(void)
{
	const struct conf_row good = { .organizer = STR(ALICE),
		                       .id = STR("OTHER123"),
		                       .admission = STR("anonymous") };
	struct world w;
	struct conf_row rows[6];
	start(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		rows[i] = good;
	rows[0].organizer = STR("");
	rows[1].id = STR("x");
	rows[2].admission = STR("perhaps");
	rows[3].invited = STR("king sip:bob@e.test\n");
	rows[4].invited = STR("presenter\n");
	rows[5].mcus = 1u << 31;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EQ(conferences_load(w.set, NOW, &rows[i]), -EINVAL);
	EQ(conferences_count(w.set), 1);
	EQ(conferences_load(w.set, NOW, &good), 0);
	stop(&w);
}

int main(void)
{
	RUN(a_conference_is_made_found_and_deleted);
	RUN(what_cannot_be_made_is_refused_with_its_reason);
	RUN(an_organizer_has_so_many_conferences_and_no_more);
	RUN(only_what_is_said_is_modified);
	RUN(people_come_with_their_roles_and_go);
	RUN(a_second_endpoint_is_the_same_person);
	RUN(places_and_endpoints_are_bounded);
	RUN(nobody_comes_in_under_the_name_of_another);
	RUN(commands_are_for_those_who_may);
	RUN(a_lock_is_told_and_keeps_people_out);
	RUN(the_lobby_is_left_by_a_presenter_only);
	RUN(an_end_sends_all_away_and_keeps_what_is_stored);
	RUN(documents_are_numbered_and_say_what_changed);
	RUN(who_left_and_came_back_is_there);
	RUN(each_sees_what_they_may);
	RUN(an_mcu_reports_the_endpoints_it_has);
	RUN(a_client_has_one_place_whatever_it_says_of_itself);
	RUN(who_lost_the_mcu_alone_is_waited_for);
	RUN(a_focus_that_starts_anew_learns_the_roster_from_an_mcu);
	RUN(who_had_the_mcu_alone_leaves_with_it);
	RUN(a_phone_is_there_until_it_takes_no_page);
	RUN(who_leaves_with_the_phone_stays_with_another_client);
	RUN(a_focus_that_starts_anew_finds_the_phones);
	RUN(an_idle_conference_ends_and_an_old_one_is_forgotten);
	RUN(anonymous_people_alone_are_sent_away_after_a_while);
	RUN(a_conference_with_an_end_is_kept_until_then);
	RUN(one_that_never_expires_stays);
	RUN(a_row_holds_what_is_stored);
	RUN(a_damaged_row_is_refused);
	return tap_done();
}
