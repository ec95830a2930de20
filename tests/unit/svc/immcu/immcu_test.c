#include "svc/immcu/immcu.h"

#include "svc/conference/conference.h"
#include "tap.h"

#define FOCUS "sip:alice@e.test;gruu;opaque=app:conf:focus:id:SCHED123"
#define ALICE "sip:alice@e.test"
#define BOB "sip:bob@e.test"
#define CAROL "sip:carol@e.test"

/* What was sent: "bob<alice:hello; "; what was ended: "end bob 2; ". */
struct world {
	struct immcu *mcu;
	struct immcu_room *room;
	struct immcu_leg *alice, *bob, *carol;
	char log[64 * 1024];
	struct buf did;
	int changed;
};

static void put_name(struct buf *b, const struct immcu_leg *leg)
{
	buf_printf(b, "%.3s", immcu_leg_person(leg)->uri + strlen("sip:"));
}

static void on_send(void *arg, struct immcu_leg *leg, const struct immcu_message *m)
{
	struct world *w = arg;
	put_name(&w->did, leg);
	buf_char(&w->did, '<');
	buf_str(&w->did, str_sub(m->sender, strlen("<sip:"), 3));
	buf_char(&w->did, ':');
	buf_str(&w->did, m->body);
	buf_lit(&w->did, "; ");
}

static void on_end(void *arg, struct immcu_leg *leg, enum immcu_end why)
{
	struct world *w = arg;
	buf_lit(&w->did, "end ");
	put_name(&w->did, leg);
	buf_printf(&w->did, " %d; ", why);
}

static void on_changed(void *arg, struct immcu_room *r UNUSED)
{
	struct world *w = arg;
	w->changed++;
}

static const struct immcu_ops ops = { .send = on_send, .end = on_end, .changed = on_changed };

static struct str did(struct world *w)
{
	struct str s = buf_view(&w->did);
	w->did.len = 0;
	return s;
}

static enum c3p_reason add(struct world *w, const char *uri)
{
	struct confinfo_leg leg = { .call_id = STR("focus-dialog") };
	struct confinfo_endpoint e = { .entity = STR("{G}"),
		                       .session = CONFINFO_FOCUS,
		                       .status = CONFINFO_CONNECTED,
		                       .leg = &leg };
	struct confinfo_user u = { .entity = str_of(uri),
		                   .role = CONFINFO_ATTENDEE,
		                   .endpoints = &e };
	return immcu_add_user(w->room, &u);
}

static int join(struct world *w, const char *uri, const char *epid, const char *call_id,
                struct immcu_leg **ret)
{
	struct confinfo_leg leg = { .call_id = str_of(call_id), .local_cseq = 1 };
	return immcu_join(w->room, str_of(uri), str_of(epid), &leg, ret);
}

static void start_empty(struct world *w)
{
	struct confinfo ci = { .entity = STR(FOCUS) };
	*w = (struct world){ .changed = 0 };
	w->did = BUF_ON(w->log);
	w->mcu = immcu_new(&ops, w, 0);
	EQ(immcu_open(w->mcu, &ci, &w->room), C3P_NO_REASON);
}

/* With three members and a leg each. */
static void start(struct world *w)
{
	start_empty(w);
	EQ(add(w, ALICE), C3P_NO_REASON);
	EQ(add(w, BOB), C3P_NO_REASON);
	EQ(add(w, CAROL), C3P_NO_REASON);
	EQ(join(w, ALICE, "ea", "a", &w->alice), 0);
	EQ(join(w, BOB, "eb", "b", &w->bob), 0);
	EQ(join(w, CAROL, "ec", "c", &w->carol), 0);
}

static void stop(struct world *w)
{
	immcu_free(&w->mcu);
}

static int say(struct world *w, const char *uri, const struct immcu_leg *from, const char *text)
{
	struct immcu_said s = {
		.sender = str_of(uri), .from = from, .type = STR("text/plain"), .body = str_of(text)
	};
	return immcu_say(w->room, &s);
}

static void what_one_says_reaches_all_others(void)
{
	struct world w;
	start(&w);
	EQ(say(&w, ALICE, w.alice, "hello"), 0);
	EQ_STR(did(&w), "bob<ali:hello; car<ali:hello; ");
	EQ(say(&w, BOB, NULL, "pager"), 0); /* outside a dialog: his own clients get it too */
	immcu_answered(w.bob, 200);
	immcu_answered(w.carol, 200);
	EQ_STR(did(&w), "ali<bob:pager; bob<bob:pager; car<bob:pager; ");
	EQ(w.room->n_said, 2);
	stop(&w);
}

static enum c3p_reason add_phone(struct world *w, const char *uri, enum confinfo_status status)
{
	struct confinfo_leg leg = { .pager = true, .call_id = STR("pages") };
	struct confinfo_endpoint e = { .entity = STR("{P}"),
		                       .epid = CONF_PHONE,
		                       .session = CONFINFO_CHAT,
		                       .status = status,
		                       .leg = &leg };
	struct confinfo_user u = { .entity = str_of(uri),
		                   .role = CONFINFO_ATTENDEE,
		                   .endpoints = &e };
	return immcu_add_user(w->room, &u);
}

static void phones_are_legs_that_the_focus_begins_and_ends(void)
{
	struct world w;
	start(&w);
	EQ(add_phone(&w, "sip:dave@e.test", CONFINFO_CONNECTED), C3P_NO_REASON);
	EQ(add_phone(&w, "sip:dave@e.test", CONFINFO_CONNECTED), C3P_NO_REASON); /* once */
	EQ(w.room->n_legs, 4);
	struct immcu_leg *dave = immcu_pager_of(w.room, STR("sip:dave@e.test"));
	OK(dave && immcu_leg_dialog(dave)->pager);
	EQ(say(&w, ALICE, w.alice, "1"), 0);
	EQ_STR(did(&w), "bob<ali:1; car<ali:1; dav<ali:1; ");
	struct immcu_said typing = { .sender = STR(BOB),
		                     .from = w.bob,
		                     .type = STR("application/im-iscomposing+xml"),
		                     .body = STR("t"),
		                     .typing = true };
	immcu_answered(w.bob, 200);
	immcu_answered(w.carol, 200);
	immcu_answered(dave, 202);
	EQ(immcu_say(w.room, &typing), 0);
	EQ_STR(did(&w), "ali<bob:t; car<bob:t; "); /* a phone could not say who types */
	EQ(add_phone(&w, "sip:dave@e.test", CONFINFO_DISCONNECTED), C3P_NO_REASON);
	EQ_STR(did(&w), "end dav 0; ");
	OK(immcu_pager_of(w.room, STR("sip:dave@e.test")) == NULL);
	stop(&w);
}

static void a_leg_gets_one_at_a_time_and_all_get_the_same_order(void)
{
	struct world w;
	start(&w);
	EQ(say(&w, ALICE, w.alice, "1"), 0);
	EQ(say(&w, BOB, w.bob, "2"), 0);
	EQ(say(&w, ALICE, w.alice, "3"), 0);
	EQ_STR(did(&w), "bob<ali:1; car<ali:1; ali<bob:2; ");
	immcu_answered(w.carol, 200);
	EQ_STR(did(&w), "car<bob:2; ");
	immcu_answered(w.carol, 200);
	immcu_answered(w.bob, 200);
	EQ_STR(did(&w), "car<ali:3; bob<ali:3; ");
	immcu_answered(w.bob, 200);
	immcu_answered(w.alice, 200);
	immcu_answered(w.carol, 488); /* did not take it: the next may do */
	EQ_STR(did(&w), "");
	EQ(immcu_stats(w.mcu)->held, 0);
	EQ(immcu_stats(w.mcu)->failed, 1);
	EQ(immcu_stats(w.mcu)->sent, 6);
	EQ(immcu_leg_dialog(w.carol)->local_cseq, 4);
	stop(&w);
}

static void what_cannot_be_said_is_refused(void)
{
	static char big[IMMCU_BODY_MAX + 1];
	struct world w;
	start(&w);
	const struct {
		struct immcu_said s;
		int want;
	} rows[] = {
		{ { .sender = STR("sip:eve@e.test"), .type = STR("text/plain") }, 403 },
		{ { .sender = STR(BOB) }, 415 },
		{ { .sender = STR(BOB), .type = STR("t/p"), .body = str_n(big, sizeof(big)) },
		  413 },
		{ { .sender = STR(BOB), .type = str_n(big, IMMCU_TYPE_MAX + 1) }, 413 },
		{ { .sender = STR("sip:BOB@e.test"),
		    .type = STR("t/p"),
		    .body = str_n(big, IMMCU_BODY_MAX) },
		  0 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EQ(immcu_say(w.room, &rows[i].s), rows[i].want);
	stop(&w);
}

static void typing_is_never_kept(void)
{
	struct world w;
	start(&w);
	struct immcu_said s = { .sender = STR(ALICE),
		                .from = w.alice,
		                .type = STR("application/im-iscomposing+xml"),
		                .body = STR("..."),
		                .typing = true };
	EQ(say(&w, CAROL, w.carol, "1"), 0);
	immcu_answered(w.alice, 200);
	(void)did(&w);
	EQ(immcu_say(w.room, &s), 0);
	EQ_STR(did(&w), "car<ali:...; "); /* bob has not answered yet */
	immcu_answered(w.bob, 200);
	EQ_STR(did(&w), "");
	EQ(w.room->n_said, 1);
	stop(&w);
}

static void a_leg_that_is_over_by_an_answer_is_ended(void)
{
	static const struct {
		int code;
		const char *want;
	} rows[] = {
		{ 200, "" },
		{ 202, "" },
		{ 415, "" },
		{ 488, "" },
		{ 500, "" },
		{ 481, "end bob 4; " },
		{ 404, "end bob 4; " },
		{ 410, "end bob 4; " },
		{ 604, "end bob 4; " },
		{ 408, "end bob 2; " },
		{ 480, "end bob 2; " },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;
		auto_(arena_free) struct arena *a = arena_new();
		struct confinfo ci;
		bool is_over = rows[i].want[0] != '\0';
		start(&w);
		EQ(say(&w, ALICE, w.alice, "x"), 0);
		EQ(say(&w, ALICE, w.alice, "y"), 0);
		immcu_changes_done(w.room);
		(void)did(&w);
		immcu_answered(w.bob, rows[i].code);
		EQ_STR(did(&w), is_over ? rows[i].want : "bob<ali:y; ");
		immcu_changes(&ci, a, w.room);
		EQ(ci.n_users, is_over);
		EQ(w.room->n_legs, is_over ? 2 : 3);
		OK(!is_over || (ci.users->endpoints->status == CONFINFO_DISCONNECTED &&
		                ci.users->endpoints->failed));
		immcu_changes_done(w.room);
		immcu_roster(&ci, a, w.room);
		OK(ci.users->next->endpoints->next ? !is_over : is_over);
		stop(&w);
	}
}

static void a_leg_that_is_too_slow_is_ended(void)
{
	struct world w;
	start(&w);
	for (int i = 0; i <= IMMCU_QUEUE_MAX; i++) {
		EQ(say(&w, ALICE, w.alice, "x"), 0);
		immcu_answered(w.carol, 200);
	}
	(void)did(&w);
	EQ(say(&w, ALICE, w.alice, "x"), 0);
	EQ_STR(did(&w), "end bob 3; car<ali:x; ");
	EQ(immcu_stats(w.mcu)->held, 0);
	EQ(immcu_stats(w.mcu)->legs, 2);
	stop(&w);
}

static void more_waits_for_a_phone_and_all_of_it_in_order(void)
{
	struct world w;
	char text[16], want[32];
	start_empty(&w);
	EQ(add(&w, ALICE), C3P_NO_REASON);
	EQ(add_phone(&w, "sip:dave@e.test", CONFINFO_CONNECTED), C3P_NO_REASON);
	struct immcu_leg *dave = immcu_pager_of(w.room, STR("sip:dave@e.test"));
	for (int i = 0; i <= IMMCU_PAGES_MAX; i++) {
		(void)snprintf(text, sizeof(text), "%d", i);
		EQ(say(&w, ALICE, NULL, text), 0);
		/* What waits moves round the ring while that grows. */
		if (i % 3 == 0 && i < IMMCU_PAGES_MAX / 2)
			immcu_answered(dave, 200);
		w.did.len = 0;
	}
	for (int i = IMMCU_PAGES_MAX / 6 + 2; i <= IMMCU_PAGES_MAX; i++) {
		immcu_answered(dave, 200);
		(void)snprintf(want, sizeof(want), "dav<ali:%d; ", i);
		EQ_STR(did(&w), want);
	}
	immcu_answered(dave, 200);
	EQ(immcu_stats(w.mcu)->held, 0);
	stop(&w);
}

static void what_waits_for_a_phone_has_a_limit(void)
{
	struct world w;
	start_empty(&w);
	EQ(add(&w, ALICE), C3P_NO_REASON);
	EQ(add_phone(&w, "sip:dave@e.test", CONFINFO_CONNECTED), C3P_NO_REASON);
	for (int i = 0; i <= IMMCU_PAGES_MAX; i++)
		EQ(say(&w, ALICE, NULL, "x"), 0);
	OK(immcu_pager_of(w.room, STR("sip:dave@e.test")) != NULL);
	EQ(say(&w, ALICE, NULL, "x"), 0);
	OK(immcu_pager_of(w.room, STR("sip:dave@e.test")) == NULL);
	EQ(immcu_stats(w.mcu)->held, 0);
	stop(&w);
}

static void only_members_open_a_dialog_and_a_client_has_one(void)
{
	struct world w;
	struct immcu_leg *leg;
	start(&w);
	EQ(join(&w, "sip:eve@e.test", "ee", "e", &leg), 403);
	EQ(join(&w, BOB, "eb", "b2", &leg), 0);
	EQ_STR(did(&w), "end bob 1; ");
	OK(immcu_leg_of(w.room, STR(BOB), STR("b2")) == leg &&
	   !immcu_leg_of(w.room, STR(BOB), STR("b")));
	EQ(join(&w, BOB, "other", "b3", &w.bob), 0); /* another client of his */
	EQ_STR(did(&w), "");
	EQ(say(&w, BOB, w.bob, "x"), 0);
	EQ_STR(did(&w), "ali<bob:x; bob<bob:x; car<bob:x; ");
	immcu_leave(&w.bob);
	OK(w.bob == NULL && !immcu_leg_of(w.room, STR(BOB), STR("b3")));
	EQ_STR(did(&w), "");
	immcu_changes_done(w.room); /* takes the places of those that ended */
	for (int i = 1; i < CONF_CLIENTS_MAX; i++)
		EQ(join(&w, BOB, "", "bx", &leg), 0);
	EQ(join(&w, BOB, "", "by", &leg), 486);
	stop(&w);
}

static void who_is_removed_hears_nothing_more(void)
{
	struct world w;
	start(&w);
	EQ(immcu_delete_user(w.room, STR(BOB)), C3P_NO_REASON);
	EQ_STR(did(&w), "end bob 0; ");
	EQ(immcu_delete_user(w.room, STR(BOB)), C3P_USER_DOESNT_EXIST);
	EQ(say(&w, ALICE, w.alice, "x"), 0);
	EQ_STR(did(&w), "car<ali:x; ");
	EQ(say(&w, BOB, NULL, "x"), 403);
	immcu_close(&w.room);
	EQ_STR(did(&w), "end ali 0; end car 0; ");
	OK(w.room == NULL && !immcu_find(w.mcu, STR(FOCUS)));
	EQ(immcu_stats(w.mcu)->rooms, 0);
	stop(&w);
}

static void rooms_and_people_are_bounded(void)
{
	struct world w;
	char uri[64];
	start_empty(&w);
	for (int i = 0; i < IMMCU_PEOPLE_MAX; i++) {
		(void)snprintf(uri, sizeof(uri), "sip:u%d@e.test", i);
		EQ(add(&w, uri), C3P_NO_REASON);
	}
	EQ(add(&w, BOB), C3P_MAX_SIZE);
	EQ(add(&w, "sip:u7@e.test"), C3P_NO_REASON); /* again */
	struct confinfo ci = { .entity = STR("") };
	struct immcu_room *r = NULL;
	EQ(immcu_open(w.mcu, &ci, &r), C3P_REQUEST_MALFORMED);
	OK(r == NULL);
	stop(&w);
}

static void the_focus_is_told_of_legs_alone(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct confinfo ci;
	struct world w;
	start(&w);
	EQ(w.changed, 1); /* until it was told */
	immcu_changes(&ci, a, w.room);
	EQ(ci.state, CONFINFO_PARTIAL);
	EQ(ci.n_users, 3);
	EQ_STR(ci.entity, FOCUS);
	EQ(ci.users->endpoints->session, CONFINFO_CHAT);
	EQ_STR(ci.users->endpoints->epid, "ea");
	OK(ci.users->endpoints->leg && !ci.users->endpoints->next);
	immcu_changes_done(w.room);
	immcu_leave(&w.bob);
	EQ(w.changed, 2);
	immcu_changes(&ci, a, w.room);
	EQ(ci.n_users, 1);
	EQ(ci.users->endpoints->status, CONFINFO_DISCONNECTED);
	immcu_roster(&ci, a, w.room);
	EQ(ci.state, CONFINFO_FULL);
	EQ(ci.users->endpoints->session, CONFINFO_FOCUS); /* what it keeps for the focus */
	EQ_STR(ci.users->endpoints->leg->call_id, "focus-dialog");
	stop(&w);
}

static void a_leg_far_ahead_of_what_the_focus_knows_is_told(void)
{
	struct world w;
	start(&w);
	immcu_changes_done(w.room);
	int before = w.changed;
	immcu_leg_dialog(w.bob)->local_cseq += IMMCU_CSEQ_JUMP / 2 - 2;
	EQ(say(&w, ALICE, w.alice, "x"), 0);
	EQ(w.changed, before);
	immcu_answered(w.bob, 200);
	immcu_answered(w.carol, 200);
	EQ(say(&w, ALICE, w.alice, "x"), 0);
	EQ(w.changed, before + 1);
	stop(&w);
}

/* --- with the focus ------------------------------------------------------------------- */

static void nothing(void *arg UNUSED, struct conference *c UNUSED)
{
}

static void nothing_told(void *arg UNUSED, struct conference *c UNUSED,
                         const struct conf_person *p UNUSED)
{
}

static void nothing_removed(void *arg UNUSED, struct conference *c UNUSED,
                            const struct conf_person *p UNUSED, enum conf_end why UNUSED)
{
}

static void nothing_lost(void *arg UNUSED, struct conference *c UNUSED,
                         const struct conf_person *p UNUSED,
                         const struct conf_endpoint *focus UNUSED)
{
}

static void nothing_saved(void *arg UNUSED, struct conference *c UNUSED, enum conf_save how UNUSED)
{
}

static const struct conf_ops focus_ops = {
	.changed = nothing,
	.tell_mcus = nothing_told,
	.removed = nothing_removed,
	.lost = nothing_lost,
	.emptied = nothing,
	.save = nothing_saved,
};

/* A focus with alice and bob, who came by dialogs "fa" and "fb". */
static struct conference *focus_start(struct conferences **set)
{
	static const char *const people[][2] = { { ALICE, "fa" }, { BOB, "fb" } };
	struct conf_who alice = { .uri = STR(ALICE) };
	struct confinfo wanted = { .id = STR("SCHED123") };
	struct conference *c;
	*set = conferences_new(&conf_settings_default, &focus_ops, NULL);
	EQ(conferences_add(*set, 1, &alice, &wanted, &c), C3P_NO_REASON);
	for (size_t i = 0; i < ARRAY_SIZE(people); i++) {
		struct confinfo_leg leg = { .call_id = str_of(people[i][1]) };
		struct conf_join j = { .who = { .uri = str_of(people[i][0]) },
			               .entity = str_of(people[i][1]),
			               .leg = &leg };
		const struct conf_person *p;
		enum c3p_reason why;
		EQ(conference_join(c, 1, &j, &p, &why), CONF_ENTERS);
	}
	return c;
}

/* As it goes over the wire. */
static struct confinfo sent(struct arena *a, const struct confinfo *ci)
{
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	struct confinfo back = { .version = 0 };
	confinfo_put_legs(&b, ci);
	EQ(confinfo_parse(&back, a, buf_view(&b)), 0);
	return back;
}

static void an_mcu_that_starts_anew_goes_on_with_the_legs(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct conferences *set;
	struct conference *c = focus_start(&set);
	struct world w;
	struct confinfo ci;
	start(&w);
	EQ(immcu_delete_user(w.room, STR(CAROL)), C3P_NO_REASON);
	immcu_changes(&ci, a, w.room);
	ci = sent(a, &ci);
	EQ(conference_mcu_roster(c, 2, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	stop(&w); /* killed */

	start_empty(&w);
	immcu_close(&w.room);
	conference_mcu_info(&ci, a, c, CONFINFO_CHAT);
	ci = sent(a, &ci);
	EQ(immcu_open(w.mcu, &ci, &w.room), C3P_NO_REASON);
	EQ(w.room->n_legs, 2);
	struct immcu_leg *bob = immcu_leg_of(w.room, STR(BOB), STR("b"));
	OK(bob && immcu_leg_dialog(bob)->local_cseq == 1 + IMMCU_CSEQ_JUMP);
	EQ(say(&w, BOB, bob, "still here"), 0);
	EQ_STR(did(&w), "ali<bob:still here; ");
	immcu_roster(&ci, a, w.room);
	ci = sent(a, &ci);
	EQ(conference_mcu_roster(c, 3, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	EQ(conference_person(c, STR(BOB))->n_endpoints, 2);
	stop(&w);
	conferences_free(&set);
}

static void a_focus_that_starts_anew_goes_on_with_the_people(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct conferences *set;
	struct conference *c = focus_start(&set);
	struct world w;
	struct confinfo ci;
	start_empty(&w);
	conference_mcu_info(&ci, a, c, CONFINFO_CHAT);
	ci = sent(a, &ci);
	EQ(immcu_open(w.mcu, &ci, &w.room), C3P_NO_REASON);
	EQ(join(&w, ALICE, "ea", "a", &w.alice), 0);
	conferences_free(&set); /* killed */

	struct conf_who alice = { .uri = STR(ALICE) };
	struct confinfo wanted = { .id = STR("SCHED123") };
	set = conferences_new(&conf_settings_default, &focus_ops, NULL);
	EQ(conferences_add(set, 1, &alice, &wanted, &c), C3P_NO_REASON);
	immcu_roster(&ci, a, w.room);
	ci = sent(a, &ci);
	EQ(conference_mcu_roster(c, 2, CONFINFO_CHAT, &ci), C3P_NO_REASON);
	EQ(c->n_inside, 2);
	EQ(conference_person(c, STR(ALICE))->role, CONFINFO_PRESENTER);
	EQ(conference_person(c, STR(ALICE))->n_endpoints, 2);
	EQ(conference_leave(c, 3, STR(BOB), STR("fb")),
	   0); /* bob's dialog with the focus is known */
	OK(!conference_is_inside(c, STR(BOB)));
	stop(&w);
	conferences_free(&set);
}

int main(void)
{
	RUN(what_one_says_reaches_all_others);
	RUN(phones_are_legs_that_the_focus_begins_and_ends);
	RUN(a_leg_gets_one_at_a_time_and_all_get_the_same_order);
	RUN(what_cannot_be_said_is_refused);
	RUN(typing_is_never_kept);
	RUN(a_leg_that_is_over_by_an_answer_is_ended);
	RUN(a_leg_that_is_too_slow_is_ended);
	RUN(more_waits_for_a_phone_and_all_of_it_in_order);
	RUN(what_waits_for_a_phone_has_a_limit);
	RUN(only_members_open_a_dialog_and_a_client_has_one);
	RUN(who_is_removed_hears_nothing_more);
	RUN(rooms_and_people_are_bounded);
	RUN(the_focus_is_told_of_legs_alone);
	RUN(a_leg_far_ahead_of_what_the_focus_knows_is_told);
	RUN(an_mcu_that_starts_anew_goes_on_with_the_legs);
	RUN(a_focus_that_starts_anew_goes_on_with_the_people);
	return tap_done();
}
