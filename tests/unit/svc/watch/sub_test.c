#include "svc/watch/sub.h"

#include <errno.h>
#include <stdlib.h>

#include "svc/watch/dialogs.h"

#define BENOTIFY "Supported: ms-benotify\r\nProxy-Require: ms-benotify\r\n"

struct world;
/* A subscription to a thing that has a number. */
struct thing {
	struct sub sub;
	struct world *w;
	unsigned n_composed, n_all;
};
struct world {
	struct dialogs d;
	unsigned number, n_freed;
	size_t size; /* of the body; 0: the number alone */
	bool silent;
};

static bool compose(struct sub *s, bool all, struct buf *body, struct str *ret_type)
{
	struct thing *t = container_of(s, struct thing, sub);
	t->n_composed++;
	t->n_all += all;
	*ret_type = STR("text/plain");
	buf_printf(body, "%s %u", all ? "all" : "new", t->w->number);
	for (size_t i = 0; i < t->w->size; i++)
		buf_char(body, 'x');
	return !t->w->silent;
}

static void free_thing(struct sub *s)
{
	struct thing *t = container_of(s, struct thing, sub);
	t->w->n_freed++;
	free(t);
}

static const struct sub_package package = { .event = STR_INIT("thing"),
	                                    .compose = compose,
	                                    .free = free_thing };

static struct world *world_start(enum sip_kind kind)
{
	struct world *w = xnew(struct world);
	dialogs_start(&w->d, kind);
	return w;
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	dialogs_stop(&w->d);
	free(w);
}

static struct thing *subscribe(struct world *w, const char *call_id, const char *lines)
{
	struct thing *t = xnew(struct thing);
	t->w = w;
	OK(dialogs_subscribe(&w->d, &t->sub, &package, call_id, lines) == 0);
	sub_extend(&t->sub, 3600);
	return t;
}

/* Its first state has been told. */
static struct thing *told(struct world *w, const char *call_id, const char *lines)
{
	struct thing *t = subscribe(w, call_id, lines);
	sub_touch(&t->sub);
	rig_turn(&w->d.rig);
	if (t->sub.benotify)
		OK(peer_hears_start(w->d.peer, "BENOTIFY "));
	else
		OK(dialogs_answer(&w->d, 200));
	return t;
}

static bool hears(struct world *w, const char *body)
{
	return peer_hears(w->d.peer) && str_eq(w->d.peer->last.msg.body, str_of(body));
}

static void changes(struct world *w, struct thing *t)
{
	w->number++;
	sub_touch(&t->sub);
	rig_turn(&w->d.rig);
}

/* --- telling ------------------------------------------------------------------------------- */

static void changes_of_one_turn_are_one_notification(void)
{
	struct world *w = world_start(SIP_TCP);
	struct thing *t = subscribe(w, "c1", "");
	w->number = 1;
	sub_touch(&t->sub);
	w->number = 2;
	sub_touch(&t->sub);
	sub_touch(&t->sub);
	EQ(t->n_composed, 0); /* not from inside */
	rig_turn(&w->d.rig);
	OK(peer_hears_start(w->d.peer, "NOTIFY sip:alice@192.0.2.7 SIP/2.0"));
	EQ_STR(w->d.peer->last.msg.body, "all 2");
	EQ_STR(peer_field(w->d.peer, SIP_H_FROM), "<sip:bob@example.test>;tag=server-1");
	EQ_STR(peer_field(w->d.peer, SIP_H_TO), "\"Alice\" <sip:alice@example.test>;tag=a1");
	EQ_STR(peer_field(w->d.peer, SIP_H_CSEQ), "1 NOTIFY");
	EQ_STR(peer_field(w->d.peer, SIP_H_EVENT), "thing");
	EQ_STR(peer_field(w->d.peer, SIP_H_CONTACT), "<sip:42@home.example.test>");
	EQ_STR(peer_field(w->d.peer, SIP_H_CONTENT_TYPE), "text/plain");
	OK(str_starts(peer_field(w->d.peer, SIP_H_SUBSCRIPTION_STATE), STR("active;expires=3")));
	OK(!peer_hears(w->d.peer));
	EQ(t->n_composed, 1);
	world_free(&w);
}

static void one_that_is_not_answered_holds_the_next_back(void)
{
	static const enum sip_kind kinds[] = { SIP_TCP, SIP_UDP };
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct world *w = world_start(kinds[i]);
		struct thing *t = subscribe(w, "c1", "");
		changes(w, t);
		OK(hears(w, "all 1"));
		changes(w, t);
		changes(w, t);
		OK(!peer_hears(w->d.peer));
		EQ(t->n_composed, 1);
		/* The answer lets it go at once, by UDP too; and it says how it is now. */
		peer_answer(w->d.peer, &w->d.peer->last, 200, NULL);
		rig_turn(&w->d.rig);
		OK(hears(w, "new 3"));
		peer_answer(w->d.peer, &w->d.peer->last, 200, NULL);
		rig_turn(&w->d.rig);
		OK(!peer_hears(w->d.peer));
		rig_drain(&w->d.rig);
		changes(w, t);
		OK(hears(w, "new 4"));
		world_free(&w);
	}
}

static void a_provisional_answer_is_none(void)
{
	struct world *w = world_start(SIP_TCP);
	struct thing *t = subscribe(w, "c1", "");
	changes(w, t);
	OK(hears(w, "all 1"));
	peer_answer(w->d.peer, &w->d.peer->last, 100, NULL);
	changes(w, t);
	OK(!peer_hears(w->d.peer));
	peer_answer(w->d.peer, &w->d.peer->last, 200, NULL);
	rig_turn(&w->d.rig);
	OK(hears(w, "new 2"));
	world_free(&w);
}

static void a_benotify_is_not_waited_for_and_counted(void)
{
	struct world *w = world_start(SIP_TCP);
	char text[1024];
	struct buf b = BUF_ON(text);
	w->d.lync = true;
	struct thing *t = told(w, "c1", BENOTIFY);
	EQ_STR(peer_field(w->d.peer, SIP_H_CSEQ), "1 BENOTIFY");
	OK(sip_first(&w->d.peer->last.msg, SIP_H_CONTACT) == NULL);
	changes(w, t);
	changes(w, t);
	OK(hears(w, "new 1"));
	EQ_STR(peer_field(w->d.peer, SIP_H_CSEQ), "2 BENOTIFY");
	OK(hears(w, "new 2"));
	EQ_STR(peer_field(w->d.peer, SIP_H_CSEQ), "3 BENOTIFY");
	EQ(sip_stack_stats(w->d.rig.stack)->ctx, 0);
	EQ(subs_stats(w->d.subs)->benotified, 3);
	/* A body in the answer stands for the notification of that number. */
	sub_put_answer(&t->sub, &b, 28800, true);
	EQ_STR(buf_view(&b), "Contact: <sip:42@home.example.test>\r\nExpires: 28800\r\n"
	                     "Event: thing\r\nsubscription-state: active;expires=28800\r\n"
	                     "ms-piggyback-cseq: 3\r\nSupported: ms-benotify\r\n"
	                     "Supported: ms-piggyback-first-notify\r\n"
	                     "Supported: com.microsoft.autoextend\r\n");
	world_free(&w);
}

static void who_has_nothing_to_tell_tells_nothing(void)
{
	struct world *w = world_start(SIP_TCP);
	struct thing *t = told(w, "c1", "");
	w->silent = true;
	changes(w, t);
	EQ(t->n_composed, 2);
	OK(!peer_hears(w->d.peer));
	/* What is too large is not sent cut. */
	w->silent = false;
	w->size = SUB_BODY_MAX;
	changes(w, t);
	EQ(t->n_composed, 3);
	OK(!peer_hears(w->d.peer));
	w->size = 0;
	changes(w, t);
	OK(hears(w, "new 3"));
	world_free(&w);
}

static void who_cannot_be_reached_is_told_later(void)
{
	struct world *w = world_start(SIP_TCP);
	struct thing *t = subscribe(w, "c1", BENOTIFY);
	w->d.unreachable = true;
	changes(w, t);
	EQ(t->n_composed, 0);
	EQ(subs_stats(w->d.subs)->failed, 1);
	w->d.unreachable = false;
	changes(w, t);
	OK(hears(w, "all 2"));
	world_free(&w);
}

/* --- the end ------------------------------------------------------------------------------- */

static void a_refusal_of_a_notification_ends_it(void)
{
	static const int codes[] = { 481, 404, 500 };
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		struct world *w = world_start(SIP_UDP);
		struct thing *t = subscribe(w, "c1", "");
		changes(w, t);
		OK(dialogs_answer(&w->d, codes[i]));
		rig_turn(&w->d.rig);
		EQ(w->n_freed, 1);
		EQ(subs_stats(w->d.subs)->n, 0);
		rig_drain(&w->d.rig);
		world_free(&w);
	}
}

static void no_answer_ends_it(void)
{
	struct world *w = world_start(SIP_UDP);
	struct thing *t = subscribe(w, "c1", "");
	changes(w, t);
	rig_pass(&w->d.rig, 31000);
	EQ(w->n_freed, 0);
	rig_pass(&w->d.rig, 2000);
	EQ(w->n_freed, 1);
	EQ(subs_stats(w->d.subs)->failed, 1);
	world_free(&w);
}

static void break_while_it_waits(struct world *w, struct thing *t)
{
	changes(w, t);
	sub_touch(&t->sub); /* and is to be told more */
	OK(peer_hears(w->d.peer));
	struct sip_flow *f = peer_flow(w->d.peer);
	sip_flow_close(f);
	sip_flow_unref(&f);
	rig_turn(&w->d.rig);
}

static void a_connection_that_breaks_ends_what_a_lync_client_waits_for(void)
{
	struct world *w = world_start(SIP_TCP);
	struct thing *t = subscribe(w, "c1", "");
	t->sub.lync = true;
	break_while_it_waits(w, t);
	EQ(w->n_freed, 1);
	world_free(&w);
}

static void a_phone_whose_connection_broke_may_come_back_until_its_time_is_over(void)
{
	struct world *w = world_start(SIP_TCP);
	struct thing *t = subscribe(w, "c1", "");
	break_while_it_waits(w, t);
	EQ(w->n_freed, 0);
	OK(t->sub.stale);
	subs_reach(w->d.subs, 43); /* another */
	OK(t->sub.stale);
	subs_reach(w->d.subs, 42);
	OK(!t->sub.stale && t->sub.fresh);
	world_free(&w);
}

static void its_time_runs_out(void)
{
	struct world *w = world_start(SIP_TCP);
	struct thing *t = told(w, "c1", "");
	sub_extend(&t->sub, 60);
	rig_pass(&w->d.rig, 59000);
	OK(!peer_hears(w->d.peer));
	sub_extend(&t->sub, 60);
	rig_pass(&w->d.rig, 59000);
	OK(!peer_hears(w->d.peer));
	rig_pass(&w->d.rig, 2000);
	OK(peer_hears_start(w->d.peer, "NOTIFY "));
	EQ_STR(peer_field(w->d.peer, SIP_H_SUBSCRIPTION_STATE), "terminated;reason=timeout");
	EQ(w->d.peer->last.msg.body.len, 0);
	EQ(w->n_freed, 1);
	peer_answer(w->d.peer, &w->d.peer->last, 200, NULL);
	rig_drain(&w->d.rig);
	world_free(&w);
}

static void an_end_with_a_reason_is_told_and_brings_what_was_not_told(void)
{
	struct world *w = world_start(SIP_TCP);
	struct thing *t = subscribe(w, "c1", "");
	w->number = 5;
	sub_touch(&t->sub);
	sub_end(&t->sub, "noresource");
	EQ(w->n_freed, 1);
	rig_turn(&w->d.rig);
	OK(peer_hears_start(w->d.peer, "NOTIFY "));
	EQ_STR(w->d.peer->last.msg.body, "all 5");
	EQ_STR(peer_field(w->d.peer, SIP_H_SUBSCRIPTION_STATE), "terminated;reason=noresource");
	OK(!peer_hears(w->d.peer));
	/* Too large to be told: the end is told all the same, and not cut. */
	t = subscribe(w, "c2", "");
	w->size = SUB_BODY_MAX;
	sub_end(&t->sub, "noresource");
	rig_turn(&w->d.rig);
	OK(peer_hears_start(w->d.peer, "NOTIFY "));
	EQ(w->d.peer->last.msg.body.len, 0);
	/* Without a word. */
	t = subscribe(w, "c3", "");
	sub_end(&t->sub, NULL);
	rig_turn(&w->d.rig);
	OK(!peer_hears(w->d.peer));
	EQ(w->n_freed, 3);
	world_free(&w);
}

static void an_endpoint_that_goes_takes_its_lync_subscriptions_along(void)
{
	struct world *w = world_start(SIP_TCP);
	w->d.lync = true;
	(void)told(w, "c1", BENOTIFY);
	(void)told(w, "c2", BENOTIFY);
	w->d.endpoint = 8;
	struct thing *other = told(w, "c3", BENOTIFY);
	w->d.endpoint = 7;
	w->d.lync = false;
	struct thing *plain = told(w, "c4", "");
	subs_endpoint_gone(w->d.subs, 42, 7);
	EQ(w->n_freed, 2);
	EQ(subs_stats(w->d.subs)->n, 2);
	struct sub *a = subs_next(w->d.subs, 42, NULL), *b = subs_next(w->d.subs, 42, a);
	OK((a == &other->sub && b == &plain->sub) || (b == &other->sub && a == &plain->sub));
	OK(subs_next(w->d.subs, 42, b) == NULL && subs_next(w->d.subs, 43, NULL) == NULL);
	rig_turn(&w->d.rig);
	OK(!peer_hears(w->d.peer));
	world_free(&w);
}

static void all_end_with_the_process(void)
{
	struct world *w = world_start(SIP_TCP);
	struct thing *t = subscribe(w, "c1", "");
	changes(w, t);
	OK(peer_hears(w->d.peer)); /* and does not answer */
	(void)subscribe(w, "c2", "");
	sub_touch(&subscribe(w, "c3", "")->sub);
	dialogs_stop(&w->d);
	EQ(w->n_freed, 3);
	free(w);
}

/* --- dialogs ------------------------------------------------------------------------------- */

static void a_dialog_is_known_by_number_call_id_and_tags(void)
{
	struct world *w = world_start(SIP_TCP);
	struct thing *t = told(w, "c1", ""), *other = told(w, "c2", "");
	struct ask right = { .call_id = "c1", .to_tag = "server-1" };
	OK(dialogs_refresh(&w->d, &t->sub, &right) == &t->sub);
	OK(dialogs_refresh(&w->d, &other->sub, &right) == NULL);
	OK(dialogs_refresh(&w->d, &t->sub, &(struct ask){ .call_id = "c1" }) == NULL);
	OK(dialogs_refresh(&w->d, &t->sub, &(struct ask){ .call_id = "c1", .to_tag = "x" }) ==
	   NULL);
	OK(dialogs_refresh(&w->d, &t->sub, &(struct ask){ .call_id = "c", .to_tag = "server-1" }) ==
	   NULL);
	world_free(&w);
}

static void a_refresh_may_move_the_subscriber(void)
{
	struct world *w = world_start(SIP_TCP);
	struct thing *t = told(w, "c1", "");
	OK(dialogs_refresh(&w->d, &t->sub,
	                   &(struct ask){ .call_id = "c1",
	                                  .to_tag = "server-1",
	                                  .lines = "Contact: <sip:alice@192.0.2.8>\r\n"
	                                           "Event: thing\r\n" }) == &t->sub);
	changes(w, t);
	OK(peer_hears_start(w->d.peer, "NOTIFY sip:alice@192.0.2.8 SIP/2.0"));
	EQ_STR(peer_field(w->d.peer, SIP_H_FROM), "<sip:bob@example.test>;tag=server-1");
	peer_answer(w->d.peer, &w->d.peer->last, 200, NULL);
	/* Without a Contact it stays. */
	OK(dialogs_refresh(&w->d, &t->sub,
	                   &(struct ask){ .call_id = "c1", .to_tag = "server-1" }) != NULL);
	changes(w, t);
	OK(peer_hears_start(w->d.peer, "NOTIFY sip:alice@192.0.2.8 SIP/2.0"));
	EQ_STR(peer_field(w->d.peer, SIP_H_EVENT), "thing");
	world_free(&w);
}

static int starts(struct world *w, const char *call_id, const char *lines)
{
	struct thing *t = xnew(struct thing);
	t->w = w;
	int r = dialogs_subscribe(&w->d, &t->sub, &package, call_id, lines);
	if (r < 0)
		free(t);
	return r;
}

static void what_is_too_much_is_refused(void)
{
	struct world *w = world_start(SIP_TCP);
	char id[SUB_PART_MAX + 32];
	for (int i = 0; i < SUBS_OF_USER_MAX; i++) {
		(void)snprintf(id, sizeof(id), "c%d", i);
		EQ(starts(w, id, ""), 0);
	}
	EQ(starts(w, "more", ""), -EUSERS);
	w->d.account = 43;
	EQ(starts(w, "more", ""), 0);
	memset(id, 'i', sizeof(id) - 1);
	id[SUB_PART_MAX] = 0;
	EQ(starts(w, id, ""), 0);
	id[SUB_PART_MAX] = 'i';
	id[SUB_PART_MAX + 1] = 0;
	EQ(starts(w, id, ""), -EINVAL);
	EQ(subs_stats(w->d.subs)->n, SUBS_OF_USER_MAX + 2);
	world_free(&w);
}

static uint32_t expires(const char *line, bool lync)
{
	char text[512];
	struct sip_msg m;
	uint32_t s = 0;
	(void)snprintf(text, sizeof(text),
	               "SUBSCRIBE sip:bob@example.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;"
	               "branch=z9hG4bKx\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\n"
	               "CSeq: 1 SUBSCRIBE\r\n%sContent-Length: 0\r\n\r\n",
	               line);
	OK(sip_parse(&m, str_of(text)) == 0);
	int r = sub_expires(&m, lync, &s);
	return r < 0 ? (uint32_t)r : s;
}

static void a_subscription_lives_as_long_as_is_asked_within_bounds(void)
{
	EQ(expires("", false), SUB_EXPIRES_DEF_S);
	EQ(expires("", true), SUB_LYNC_EXPIRES_S);
	EQ(expires("Expires: 0\r\n", true), 0);
	EQ(expires("Expires: 600\r\n", false), 600);
	EQ(expires("Expires: 60\r\n", false), 60);
	EQ(expires("Expires: 59\r\n", false), (uint32_t)-ERANGE);
	EQ(expires("Expires: 4294967295\r\n", false), SUB_EXPIRES_MAX_S);
	EQ(expires("Expires: soon\r\n", false), (uint32_t)-EINVAL);
	EQ(expires("Expires: -1\r\n", false), (uint32_t)-EINVAL);
}

int main(void)
{
	RUN(changes_of_one_turn_are_one_notification);
	RUN(one_that_is_not_answered_holds_the_next_back);
	RUN(a_provisional_answer_is_none);
	RUN(a_benotify_is_not_waited_for_and_counted);
	RUN(who_has_nothing_to_tell_tells_nothing);
	RUN(who_cannot_be_reached_is_told_later);
	RUN(a_refusal_of_a_notification_ends_it);
	RUN(no_answer_ends_it);
	RUN(a_connection_that_breaks_ends_what_a_lync_client_waits_for);
	RUN(a_phone_whose_connection_broke_may_come_back_until_its_time_is_over);
	RUN(its_time_runs_out);
	RUN(an_end_with_a_reason_is_told_and_brings_what_was_not_told);
	RUN(an_endpoint_that_goes_takes_its_lync_subscriptions_along);
	RUN(all_end_with_the_process);
	RUN(a_dialog_is_known_by_number_call_id_and_tags);
	RUN(a_refresh_may_move_the_subscriber);
	RUN(what_is_too_much_is_refused);
	RUN(a_subscription_lives_as_long_as_is_asked_within_bounds);
	return tap_done();
}
