#include "svc/conference/stored.h"
#include "svc/conference/world.h"

static void start_lasting(struct world *w)
{
	struct conf_who alice = who(ALICE);
	struct confinfo wanted = { .id = STR("LASTING1"), .lasting = CONFINFO_YES };
	start(w);
	wanted.mcus[CONFINFO_CHAT].uri = STR("chat");
	EQ(conferences_add(w->set, NOW, &alice, &wanted, &w->c), C3P_NO_REASON);
}

static enum c3p_reason add_member(struct world *w, const char *by, const char *uri)
{
	struct conf_who other = who(uri);
	return conference_add_member(w->c, NOW, str_of(by), &other);
}

static void members_bring_others_and_stay(void)
{
	struct world w;
	enum c3p_reason why;
	start_lasting(&w);
	OK(conference_is_member(w.c, STR(ALICE)));
	EQ(add_member(&w, BOB, BOB), C3P_NOT_AUTHORIZED);
	EQ(add_member(&w, ALICE, BOB), C3P_NO_REASON);
	EQ(add_member(&w, BOB, CAROL), C3P_NO_REASON);
	EQ(w.saved, 4); /* with the other conference's */
	EQ(add_member(&w, BOB, CAROL), C3P_NO_REASON);
	EQ(w.saved, 4);
	EQ(join_at(&w, NOW, DAVE, "{D}", true, &why), CONF_REFUSED);
	EQ(join_at(&w, NOW, CAROL, "{C}", false, &why), CONF_ENTERS);
	(void)conferences_expire(w.set, NOW + 5000ull * DAY);
	EQ(w.c->n_inside, 1);
	EQ(w.c->n_invited, 3);
	stop(&w);
}

static void too_many_members_are_refused(void)
{
	struct world w;
	start_lasting(&w);
	w.settings.people_max = 2;
	EQ(add_member(&w, ALICE, BOB), C3P_NO_REASON);
	EQ(add_member(&w, ALICE, CAROL), C3P_MAX_SIZE);
	EQ(w.c->n_invited, 2);
	stop(&w);
}

static void what_does_not_last_takes_no_members(void)
{
	struct world w;
	start(&w);
	EQ(add_member(&w, ALICE, BOB), C3P_NOT_SUPPORTED);
	OK(!conference_is_member(w.c, STR(ALICE)));
	stop(&w);
}

static void who_is_ejected_is_no_member_any_more(void)
{
	struct world w;
	struct c3p_msg m = { .command = C3P_DELETE_USER, .user = STR(BOB) };
	start_lasting(&w);
	EQ(add_member(&w, ALICE, BOB), C3P_NO_REASON);
	join(&w, ALICE, "{A}");
	join(&w, BOB, "{B}");
	EQ(conference_command(w.c, NOW, STR(ALICE), &m), C3P_NO_REASON);
	OK(!conference_is_member(w.c, STR(BOB)));
	m.user = STR(ALICE); /* who goes by herself */
	EQ(conference_command(w.c, NOW, STR(ALICE), &m), C3P_NO_REASON);
	EQ(w.c->n_invited, 0);
	(void)conferences_expire(w.set, NOW + 2 * DAY); /* nobody's */
	EQ(conferences_find(w.set, STR(ALICE), STR("LASTING1")) == NULL, true);
	stop(&w);
}

static void members_are_stored_with_their_names(void)
{
	auto_(buf_free) struct buf b = buf_of(CONF_INVITED_TEXT_MAX);
	struct world w, after;
	struct conf_row row;
	struct conf_who bob = { .uri = STR(BOB), .name = STR("Bob\nExample") };
	start_lasting(&w);
	EQ(conference_add_member(w.c, NOW, STR(ALICE), &bob), C3P_NO_REASON);
	conf_row_of(&row, &b, w.c);
	EQ_STR(row.invited, "presenter " ALICE " Name\nattendee " BOB " Bob Example\n");
	start(&after);
	EQ(conferences_load(after.set, NOW, &row), 0);
	after.c = conferences_find(after.set, STR(ALICE), STR("LASTING1"));
	OK(after.c->lasting && conference_is_member(after.c, STR(BOB)));
	EQ_STR(str_of(list_entry(after.c->invited.prev, struct conf_invited, node)->name),
	       "Bob Example");
	stop(&w);
	stop(&after);
}

/* Whom the MCU has lost is missed, and joined anew; the roster keeps them. */
static void who_is_lost_is_missed(void)
{
	struct world w;
	const struct conf_person *p;
	enum c3p_reason why;
	struct confinfo_leg pager = { .pager = true, .call_id = STR("c"), .contact = STR(BOB) };
	struct conf_join j = { .who = who(BOB),
		               .entity = STR("{P}"),
		               .epid = CONF_PHONE,
		               .leg = &pager,
		               .pager = &pager };
	struct confinfo_endpoint e = { .entity = STR("{P}"),
		                       .epid = CONF_PHONE,
		                       .session = CONFINFO_CHAT,
		                       .status = CONFINFO_DISCONNECTED,
		                       .failed = true,
		                       .leg = &pager };
	struct confinfo_user u = { .entity = STR(BOB), .endpoints = &e };
	struct confinfo ci = { .state = CONFINFO_PARTIAL, .users = &u, .n_users = 1 };
	start_lasting(&w);
	EQ(add_member(&w, ALICE, BOB), C3P_NO_REASON);
	const struct conf_invited *i = list_entry(w.c->invited.prev, struct conf_invited, node);
	OK(conference_misses(w.c, i));
	EQ(conference_join(w.c, NOW, &j, &p, &why), CONF_ENTERS);
	OK(!conference_misses(w.c, i));
	conference_gathered(w.c);
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	OK(!w.c->whole && conference_misses(w.c, i));
	OK(conference_person(w.c, STR(BOB)) != NULL);
	stop(&w);
}

static enum c3p_reason give_role(struct world *w, const char *by, const char *uri,
                                 enum confinfo_role role)
{
	struct c3p_msg m = { .command = C3P_MODIFY_USER_ROLES, .user = str_of(uri), .role = role };
	return conference_command(w->c, NOW, str_of(by), &m);
}

static enum c3p_reason send_away(struct world *w, const char *by, const char *uri)
{
	struct c3p_msg m = { .command = C3P_DELETE_USER, .user = str_of(uri) };
	return conference_command(w->c, NOW, str_of(by), &m);
}

static enum c3p_reason name_it(struct world *w, const char *by, const char *name)
{
	struct c3p_conf conf = { .info = { .subject = str_of(name) } };
	struct c3p_msg m = { .command = C3P_MODIFY_CONFERENCE, .confs = &conf };
	return conference_command(w->c, NOW, str_of(by), &m);
}

static void start_with_three(struct world *w)
{
	start_lasting(w);
	EQ(add_member(w, ALICE, BOB), C3P_NO_REASON);
	EQ(add_member(w, ALICE, CAROL), C3P_NO_REASON);
	join(w, ALICE, "{A}");
	join(w, BOB, "{B}");
	join(w, CAROL, "{C}");
	conference_changes_done(w->c);
	(void)did(w);
}

static void the_longest_member_leads_when_the_leader_leaves(void)
{
	struct world w;
	start_with_three(&w);
	EQ(name_it(&w, BOB, "Mine"), C3P_NOT_AUTHORIZED);
	EQ(send_away(&w, ALICE, ALICE), C3P_NO_REASON);
	EQ_STR(did(&w), "removed ali 1 1; changed; tell bob presenter; ");
	OK(conference_is_led_by(w.c, STR(BOB)) && !conference_is_led_by(w.c, STR(CAROL)));
	EQ(name_it(&w, CAROL, "Mine"), C3P_NOT_AUTHORIZED);
	EQ(name_it(&w, BOB, "Mine"), C3P_NO_REASON);
	EQ_STR(str_of(w.c->subject), "Mine");
	EQ(send_away(&w, CAROL, BOB), C3P_NOT_AUTHORIZED);
	EQ(send_away(&w, BOB, CAROL), C3P_NO_REASON);
	EQ(w.c->n_invited, 1);
	stop(&w);
}

/* She may have been the one who made it. */
static void who_has_left_organizes_no_more(void)
{
	struct world w;
	struct conf_who alice = who(ALICE);
	struct confinfo wanted = { .subject = STR("Still mine") };
	enum c3p_reason why;
	start_with_three(&w);
	OK(conference_may_organize(w.c, STR(ALICE)));
	EQ(send_away(&w, ALICE, ALICE), C3P_NO_REASON);
	OK(!conference_may_organize(w.c, STR(ALICE)));
	EQ(conference_modify(w.c, NOW, &alice, &wanted), C3P_NOT_AUTHORIZED);
	struct conference *c = w.c;
	EQ(conference_delete(&c, &alice), C3P_NOT_AUTHORIZED);
	EQ(join_at(&w, NOW, ALICE, "{A}", true, &why), CONF_REFUSED);
	EQ(add_member(&w, BOB, ALICE), C3P_NO_REASON);
	join(&w, ALICE, "{A}");
	EQ(conference_person(w.c, STR(ALICE))->role, CONFINFO_ATTENDEE);
	EQ(send_away(&w, BOB, ALICE), C3P_NO_REASON);
	stop(&w);
}

static void the_leader_names_another_one(void)
{
	auto_(buf_free) struct buf b = buf_of(CONF_INVITED_TEXT_MAX);
	struct world w;
	struct conf_row row;
	start_with_three(&w);
	EQ(give_role(&w, BOB, BOB, CONFINFO_PRESENTER), C3P_NOT_AUTHORIZED);
	EQ(give_role(&w, ALICE, ALICE, CONFINFO_ATTENDEE), C3P_NOT_AUTHORIZED);
	EQ(give_role(&w, ALICE, DAVE, CONFINFO_PRESENTER), C3P_USER_DOESNT_EXIST);
	EQ(give_role(&w, ALICE, BOB, CONFINFO_ATTENDEE), C3P_NO_REASON); /* as he is */
	int saved = w.saved;
	EQ(give_role(&w, ALICE, CAROL, CONFINFO_PRESENTER), C3P_NO_REASON);
	EQ(w.saved, saved + 1);
	EQ_STR(did(&w), "changed; tell ali attendee; tell car presenter; ");
	conf_row_of(&row, &b, w.c);
	EQ_STR(row.invited,
	       "attendee " ALICE " Name\nattendee " BOB " Name\npresenter " CAROL " Name\n");
	EQ(give_role(&w, ALICE, ALICE, CONFINFO_PRESENTER), C3P_NOT_AUTHORIZED);
	EQ(send_away(&w, CAROL, ALICE), C3P_NO_REASON);
	OK(conference_is_led_by(w.c, STR(CAROL)));
	stop(&w);
}

/* The factory asks nobody whether they want to be in it. */
static void members_come_by_add_user_alone(void)
{
	struct world w;
	struct conf_who alice = who(ALICE);
	struct confinfo_user bob = { .entity = STR(BOB), .role = CONFINFO_PRESENTER };
	struct confinfo wanted = {
		.lasting = CONFINFO_YES, .users = &bob, .n_users = 1, .with_users = true
	};
	struct conference *c;
	start_lasting(&w);
	EQ(conferences_add(w.set, NOW, &alice, &wanted, &c), C3P_NOT_SUPPORTED);
	EQ(conference_modify(w.c, NOW, &alice, &wanted), C3P_NOT_SUPPORTED);
	EQ(w.c->n_invited, 1);
	stop(&w);
}

/* Its leader left before there was another one. */
static void one_that_nobody_led_is_led_after_a_restart(void)
{
	struct world w;
	struct conf_row row = { .organizer = STR(ALICE),
		                .id = STR("LASTING1"),
		                .admission = STR("closedAuthenticated"),
		                .lasting = true,
		                .mcus = 1u << CONFINFO_CHAT,
		                .invited = STR("attendee " BOB "\nattendee " CAROL "\n") };
	start(&w);
	EQ(conferences_load(w.set, NOW, &row), 0);
	w.c = conferences_find(w.set, STR(ALICE), STR("LASTING1"));
	join(&w, BOB, "{B}");
	EQ(conference_person(w.c, STR(BOB))->role, CONFINFO_PRESENTER);
	OK(!conference_is_led_by(w.c, STR(CAROL)));
	stop(&w);
}

/* The MCU has not heard of it. */
static void who_is_stored_leads_after_a_restart(void)
{
	struct world w;
	struct conf_row row = { .organizer = STR(ALICE),
		                .id = STR("LASTING1"),
		                .admission = STR("closedAuthenticated"),
		                .lasting = true,
		                .mcus = 1u << CONFINFO_CHAT,
		                .invited = STR("attendee " ALICE "\npresenter " BOB "\n") };
	struct confinfo_leg leg = { .call_id = STR("c") };
	struct confinfo_endpoint e = { .entity = STR("{P}"),
		                       .session = CONFINFO_CHAT,
		                       .status = CONFINFO_CONNECTED,
		                       .leg = &leg };
	struct confinfo_user bob = { .entity = STR(BOB),
		                     .role = CONFINFO_ATTENDEE,
		                     .endpoints = &e };
	struct confinfo_user alice = {
		.next = &bob, .entity = STR(ALICE), .role = CONFINFO_PRESENTER, .endpoints = &e
	};
	struct confinfo ci = { .state = CONFINFO_FULL, .users = &alice, .n_users = 2 };
	start(&w);
	EQ(conferences_load(w.set, NOW, &row), 0);
	w.c = conferences_find(w.set, STR(ALICE), STR("LASTING1"));
	EQ(conference_mcu_roster(w.c, NOW, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	EQ(conference_person(w.c, STR(ALICE))->role, CONFINFO_ATTENDEE);
	EQ(conference_person(w.c, STR(BOB))->role, CONFINFO_PRESENTER);
	EQ(name_it(&w, ALICE, "Mine"), C3P_NOT_AUTHORIZED);
	EQ(name_it(&w, BOB, "Mine"), C3P_NO_REASON);
	stop(&w);
}

int main(void)
{
	RUN(who_is_stored_leads_after_a_restart);
	RUN(the_longest_member_leads_when_the_leader_leaves);
	RUN(who_has_left_organizes_no_more);
	RUN(the_leader_names_another_one);
	RUN(members_come_by_add_user_alone);
	RUN(one_that_nobody_led_is_led_after_a_restart);
	RUN(members_bring_others_and_stay);
	RUN(too_many_members_are_refused);
	RUN(what_does_not_last_takes_no_members);
	RUN(who_is_ejected_is_no_member_any_more);
	RUN(members_are_stored_with_their_names);
	RUN(who_is_lost_is_missed);
	return tap_done();
}
