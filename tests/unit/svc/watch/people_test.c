#include "svc/watch/people.h"

#include <errno.h>
#include <stdlib.h>

#include "svc/watch/dialogs.h"

#define BENOTIFY "Supported: ms-benotify\r\nProxy-Require: ms-benotify\r\n"

/* People of whom the test is the directory, the store and the other homes. */
struct world {
	struct dialogs d;
	struct people *people;
	bool answers;     /* the directory, at once */
	const char *kept; /* what the store has of everybody */
	unsigned n_found, n_forgotten, n_loaded, n_saved, n_followed, n_subs_freed;
	uint64_t last_account;
};

/* --- what people need ---------------------------------------------------------------------- */

static const struct card card = { .display_name = STR_INIT("Somebody") };

static void find(void *arg, struct person *p)
{
	struct world *w = arg;
	w->n_found++;
	if (w->answers)
		person_found(p, ++w->last_account, &card, PERSON_HERE, 0);
}

static void forget(void *arg, struct person *p UNUSED)
{
	((struct world *)arg)->n_forgotten++;
}

static void load(void *arg, struct person *p)
{
	struct world *w = arg;
	w->n_loaded++;
	if (w->kept)
		OK(presentity_read(&p->p, str_of(w->kept)) == 0);
}

static void save(void *arg, struct person *p UNUSED)
{
	((struct world *)arg)->n_saved++;
}

static void tell_follower(void *arg, struct person *p UNUSED)
{
	((struct world *)arg)->n_followed++;
}

static const struct people_ops ops = {
	.find = find, .forget = forget, .load = load, .save = save, .tell_follower = tell_follower
};

/* --- a subscription that watches ----------------------------------------------------------- */

struct watching {
	struct sub sub;
	struct watch_set set;
	struct world *w;
	char who[64];
};

/* "[address state] where nobody is: [address -]". */
static bool compose(struct sub *s, bool all UNUSED, struct buf *body, struct str *ret_type)
{
	struct watching *me = container_of(s, struct watching, sub);
	*ret_type = STR("text/plain");
	for (struct watch *w; (w = watch_next_dirty(&me->set)) != NULL; watch_clean(w)) {
		struct str text = person_render(w->person, w->container, w->dirty, 0, false);
		ssize_t at = str_find(text, STR("<availability>"));
		buf_printf(body, "[%s %u:", w->person->aor, w->container);
		if (at >= 0)
			buf_str(body, str_sub(text, (size_t)at + 14, 4));
		buf_char(body, ']');
	}
	return body->len > 0;
}

static void free_watching(struct sub *s)
{
	struct watching *me = container_of(s, struct watching, sub);
	me->w->n_subs_freed++;
	watch_set_done(&me->set);
	free(me);
}

static const struct sub_package package = { .event = STR_INIT("thing"),
	                                    .compose = compose,
	                                    .free = free_watching };

static struct world *world_start(bool answers)
{
	struct world *w = xnew(struct world);
	dialogs_start(&w->d, SIP_TCP);
	w->answers = answers;
	w->people = people_new(w->d.rig.loop, w->d.subs, &ops, w);
	return w;
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	peer_close(&w->d.peer);
	sip_stack_free(&w->d.rig.stack);
	subs_free(&w->d.subs);
	people_free(&w->people);
	rig_stop(&w->d.rig);
	free(w);
}

static struct watching *watcher(struct world *w, const char *who)
{
	static unsigned n;
	char call_id[32];
	struct watching *me = xnew(struct watching);
	me->w = w;
	(void)snprintf(me->who, sizeof(me->who), "%s", who);
	(void)snprintf(call_id, sizeof(call_id), "watch-%u", ++n);
	w->d.lync = true;
	OK(dialogs_subscribe(&w->d, &me->sub, &package, call_id, BENOTIFY) == 0);
	watch_set_init(&me->set, &me->sub, str_of(me->who), true,
	               CATEGORY_BIT(CATEGORY_STATE) | CATEGORY_BIT(CATEGORY_NOTE));
	return me;
}

static bool hears(struct world *w, const char *body)
{
	rig_turn(&w->d.rig);
	if (peer_hears(w->d.peer) && str_eq(w->d.peer->last.msg.body, str_of(body)))
		return true;
	(void)fprintf(stderr, "# heard %.*s\n", STR_ARG(w->d.peer->last.msg.body));
	return false;
}

static bool hears_nothing(struct world *w)
{
	rig_turn(&w->d.rig);
	return !peer_hears(w->d.peer);
}

static void signs_in(struct world *w, struct person *p, bool in)
{
	p->clients = in;
	presentity_signed_in(&p->p, in, in, people_wall(w->people));
	person_changed(p);
}

/* --- who it is ----------------------------------------------------------------------------- */

static void a_person_is_known_by_address_and_account(void)
{
	struct world *w = world_start(true);
	struct person *p = people_get(w->people, STR("bob@example.test"));
	OK(p && p->where == PERSON_HERE && w->n_found == 1 && w->n_loaded == 1);
	OK(people_get(w->people, STR("BOB@example.test")) == p);
	OK(people_find(w->people, STR("Bob@example.test")) == p);
	OK(people_by_account(w->people, p->p.account) == p);
	OK(people_by_account(w->people, 99) == NULL);
	OK(people_find(w->people, STR("eve@example.test")) == NULL);
	OK(people_get(w->people, STR("")) == NULL);
	OK(people_get(w->people, STR("a\0b")) == NULL);
	char text[PERSON_AOR_MAX + 1];
	memset(text, 'x', sizeof(text));
	OK(people_get(w->people, str_n(text, sizeof(text))) == NULL);
	OK(people_get(w->people, str_n(text, PERSON_AOR_MAX)) != NULL);
	EQ(people_count(w->people), 2);
	world_free(&w);
}

static void who_is_not_needed_is_forgotten_at_the_end_of_the_turn(void)
{
	struct world *w = world_start(true);
	struct person *p = people_get(w->people, STR("bob@example.test"));
	rig_turn(&w->d.rig);
	EQ(people_count(w->people), 0);
	EQ(w->n_forgotten, 1);
	p = people_get(w->people, STR("bob@example.test"));
	signs_in(w, p, true);
	rig_turn(&w->d.rig);
	EQ(people_count(w->people), 1);
	signs_in(w, p, false);
	person_maybe_reap(p);
	rig_turn(&w->d.rig);
	EQ(people_count(w->people), 0);
	/* While she is looked for, she stays. */
	w->answers = false;
	p = people_get(w->people, STR("eve@example.test"));
	rig_turn(&w->d.rig);
	EQ(people_count(w->people), 1);
	person_absent(p);
	rig_turn(&w->d.rig);
	EQ(people_count(w->people), 0);
	world_free(&w);
}

static void watches_wait_until_it_is_known_who_that_is(void)
{
	struct world *w = world_start(false);
	struct watching *me = watcher(w, "alice@example.test");
	EQ(watch_add(w->people, &me->set, STR("bob@example.test")), 0);
	EQ(watch_add(w->people, &me->set, STR("eve@example.test")), 0);
	OK(hears_nothing(w));
	struct person *bob = people_find(w->people, STR("bob@example.test"));
	/* An endpoint that comes before the directory has answered says nothing yet. */
	signs_in(w, bob, true);
	OK(hears_nothing(w));
	person_found(bob, 5, &card, PERSON_HERE, 0);
	OK(hears(w, "[bob@example.test 200:3500]"));
	person_absent(people_find(w->people, STR("eve@example.test")));
	OK(hears(w, "[eve@example.test 200:]"));
	OK(hears_nothing(w));
	world_free(&w);
}

static void who_is_gone_shows_nothing_any_more(void)
{
	struct world *w = world_start(true);
	struct watching *me = watcher(w, "alice@example.test");
	EQ(watch_add(w->people, &me->set, STR("bob@example.test")), 0);
	OK(hears(w, "[bob@example.test 200:1850]"));
	struct person *bob = people_find(w->people, STR("bob@example.test"));
	person_absent(bob);
	OK(hears(w, "[bob@example.test 200:]"));
	/* And comes back, with lists that are new. */
	person_found(bob, 6, &card, PERSON_HERE, 0);
	OK(people_by_account(w->people, 1) == NULL && people_by_account(w->people, 6) == bob);
	OK(hears(w, "[bob@example.test 200:1850]"));
	person_found(bob, 6, &card, PERSON_HERE, 0);
	EQ(bob->contacts.n_groups, 1);
	world_free(&w);
}

/* --- telling ------------------------------------------------------------------------------- */

static void changes_of_a_turn_are_told_once_to_who_may_see_them(void)
{
	struct world *w = world_start(true);
	struct watching *a = watcher(w, "alice@example.test"),
	                *b = watcher(w, "carol@example.test");
	EQ(watch_add(w->people, &a->set, STR("bob@example.test")), 0);
	EQ(watch_add(w->people, &a->set, STR("eve@example.test")), 0);
	EQ(watch_add(w->people, &b->set, STR("bob@example.test")), 0);
	rig_turn(&w->d.rig);
	EQ(peer_count(w->d.peer, "BENOTIFY "), 2);
	struct person *bob = people_find(w->people, STR("bob@example.test")),
	              *eve = people_find(w->people, STR("eve@example.test"));
	signs_in(w, bob, true);
	signs_in(w, bob, false);
	signs_in(w, bob, true);
	signs_in(w, eve, true);
	rig_turn(&w->d.rig);
	OK(peer_hears(w->d.peer)); /* alice: both in one */
	OK(str_find(w->d.peer->last.msg.body, STR("[bob@example.test 200:3500]")) >= 0);
	OK(str_find(w->d.peer->last.msg.body, STR("[eve@example.test 200:3500]")) >= 0);
	OK(hears(w, "[bob@example.test 200:3500]"));
	OK(hears_nothing(w));
	person_changed(bob); /* nothing is new */
	OK(hears_nothing(w));
	watch_remove(w->people, &b->set, STR("BOB@example.test"));
	watch_remove(w->people, &b->set, STR("nobody@example.test"));
	EQ(b->set.n, 0);
	signs_in(w, bob, false);
	OK(hears(w, "[bob@example.test 200:1850]"));
	OK(hears_nothing(w));
	world_free(&w);
}

static void asking_again_is_told_anew(void)
{
	struct world *w = world_start(true);
	struct watching *me = watcher(w, "alice@example.test");
	EQ(watch_add(w->people, &me->set, STR("bob@example.test")), 0);
	OK(hears(w, "[bob@example.test 200:1850]"));
	EQ(watch_add(w->people, &me->set, STR("BOB@example.test")), 0);
	OK(hears(w, "[bob@example.test 200:1850]"));
	EQ(me->set.n, 1);
	world_free(&w);
}

static void moves(struct person *p, uint32_t from, uint32_t to)
{
	struct member_change m[] = {
		{ (unsigned)container_index(to), p->p.containers.version[container_index(to)],
		  false, MEMBER_USER, STR("alice@example.test") },
		{ (unsigned)container_index(from), p->p.containers.version[container_index(from)],
		  true, MEMBER_USER, STR("alice@example.test") },
	};
	OK(presentity_set_members(&p->p, &(struct set_members){ m, 2 }) == 0);
	person_changed(p);
}

static void who_is_moved_to_another_level_sees_that_one(void)
{
	struct world *w = world_start(true);
	struct watching *a = watcher(w, "alice@example.test"),
	                *b = watcher(w, "carol@example.test");
	EQ(watch_add(w->people, &a->set, STR("bob@example.test")), 0);
	EQ(watch_add(w->people, &b->set, STR("bob@example.test")), 0);
	struct person *bob = people_find(w->people, STR("bob@example.test"));
	signs_in(w, bob, true);
	rig_turn(&w->d.rig);
	EQ(peer_count(w->d.peer, "BENOTIFY "), 2);
	moves(bob, CONTAINER_TEAM, CONTAINER_BLOCKED);
	OK(hears(w, "[bob@example.test 32000:1850]"));
	OK(hears_nothing(w)); /* carol's view is as it was */
	/* Of what is said meanwhile she hears nothing. */
	signs_in(w, bob, false);
	OK(hears(w, "[bob@example.test 200:1850]"));
	OK(hears_nothing(w));
	signs_in(w, bob, true);
	moves(bob, CONTAINER_BLOCKED, CONTAINER_PERSONAL);
	rig_turn(&w->d.rig);
	EQ(peer_count(w->d.peer, "BENOTIFY "), 2);
	EQ(list_entry(a->set.watches.next, struct watch, of_set)->container, CONTAINER_PERSONAL);
	world_free(&w);
}

static void the_own_endpoints_hear_what_has_changed(void)
{
	struct world *w = world_start(true);
	struct watching *me = watcher(w, "bob@example.test");
	struct person *bob = people_get(w->people, STR("bob@example.test"));
	struct self_watch self = { .sub = &me->sub };
	list_add(&bob->selves, &self.of_person);
	signs_in(w, bob, true);
	moves(bob, CONTAINER_TEAM, CONTAINER_PERSONAL);
	rig_turn(&w->d.rig);
	EQ(self.dirty.category[container_index(2)], CATEGORY_BIT(CATEGORY_STATE));
	EQ(self.dirty.containers, 1u << container_index(400));
	OK(!self.dirty.subscribers && !presentity_is_dirty(&bob->p));
	struct subscriber_change c = { STR("eve@example.test"), false };
	OK(presentity_set_subscriber(&bob->p, &c, STR("Eve")));
	person_changed(bob);
	rig_turn(&w->d.rig);
	OK(self.dirty.subscribers && self.dirty.containers);
	list_del(&self.of_person);
	world_free(&w);
}

/* --- rendering ----------------------------------------------------------------------------- */

static void a_view_is_composed_once_for_all_who_see_it(void)
{
	struct world *w = world_start(true);
	uint32_t mask = CATEGORY_BIT(CATEGORY_STATE);
	struct person *p = people_get(w->people, STR("bob@example.test"));
	signs_in(w, p, true);
	struct str one = person_render(p, CONTAINER_COMPANY, mask, 0, false),
	           same = person_render(p, CONTAINER_COMPANY, mask, 0, false),
	           other = person_render(p, CONTAINER_TEAM, mask, 0, false);
	OK(one.p == same.p && one.len == same.len && one.p != other.p);
	OK(person_render(p, CONTAINER_COMPANY, CATEGORY_ALL, 0, false).p != one.p);
	/* More views than are kept: each is right all the same. */
	for (unsigned i = 0; i < 3 * N_CONTAINERS; i++) {
		uint32_t id = container_id(i % N_CONTAINERS);
		struct buf b = buf_of(SUB_BODY_MAX);
		doc_put_view(&b, &p->p, id, CATEGORY_ALL, 0);
		OK(str_eq(person_render(p, id, CATEGORY_ALL, 0, false), buf_view(&b)));
		buf_free(&b);
	}
	world_free(&w);
}

static bool shows(struct person *p, const char *availability)
{
	struct str text = person_render(p, CONTAINER_COMPANY, CATEGORY_ALL, 0, false);
	return str_find(text, str_of(availability)) >= 0;
}

static void what_was_composed_is_not_shown_after_a_change(void)
{
	struct world *w = world_start(true);
	struct person *p = people_get(w->people, STR("bob@example.test"));
	signs_in(w, p, true);
	OK(shows(p, ">3500<"));
	signs_in(w, p, false);
	OK(shows(p, ">18500<")); /* in the same turn, and though nobody watches */
	signs_in(w, p, true);
	rig_turn(&w->d.rig);
	OK(shows(p, ">3500<"));
	rig_turn(&w->d.rig);
	OK(list_empty(&p->rendered)); /* it is not kept beyond the turn */
	world_free(&w);
}

/* --- time ---------------------------------------------------------------------------------- */

static void puts_note(struct world *w, struct person *p, usec_t lives)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct xml *e;
	struct server_publication what = {
		.key = { CATEGORY_NOTE, STR("note"), CONTAINER_COMPANY, 9 },
		.expire = PUB_TIME,
		.ends = people_wall(w->people) + lives,
	};
	OK(xml_parse(&e, a, STR("<note>x</note>")) == 0 && pub_body_new(&what.body, e) == 0);
	presentity_put(&p->p, &what, 1, people_wall(w->people));
	person_changed(p);
}

static void what_has_run_out_is_told_and_saved(void)
{
	struct world *w = world_start(true);
	struct watching *me = watcher(w, "alice@example.test");
	EQ(watch_add(w->people, &me->set, STR("bob@example.test")), 0);
	rig_turn(&w->d.rig);
	EQ(peer_count(w->d.peer, "BENOTIFY "), 1);
	struct person *bob = people_find(w->people, STR("bob@example.test"));
	puts_note(w, bob, 20 * USEC_PER_MSEC);
	rig_turn(&w->d.rig);
	EQ(peer_count(w->d.peer, "BENOTIFY "), 1);
	OK(bob->expiry.tick.deadline != USEC_INFINITY);
	usec_t end = people_wall(w->people) + 20 * USEC_PER_MSEC;
	while (people_wall(w->people) < end)
		rig_turn(&w->d.rig);
	rig_pass(&w->d.rig, 100);
	EQ(bob->p.pubs.n, 12);
	EQ(w->n_saved, 1);
	EQ(peer_count(w->d.peer, "BENOTIFY "), 1);
	/* It runs out in the very turn in which something else is told. */
	puts_note(w, bob, 0);
	OK(!hears_nothing(w));
	EQ(w->n_saved, 2);
	OK(!presentity_is_dirty(&bob->p) && hears_nothing(w));
	world_free(&w);
}

/* --- other homes --------------------------------------------------------------------------- */

static void a_replica_is_told_of_when_its_document_comes(void)
{
	static const char format[] =
	        "<roamingData><categories><category name='state' instance='1' container='200'"
	        " version='1' expireType='user'><state type='aggregateState'><availability>%u"
	        "</availability></state></category></categories></roamingData>";
	char text[512];
	struct world *w = world_start(false);
	struct watching *me = watcher(w, "alice@example.test");
	EQ(watch_add(w->people, &me->set, STR("bob@example.test")), 0);
	struct person *bob = people_find(w->people, STR("bob@example.test"));
	person_found(bob, 5, &card, PERSON_THERE, 3);
	OK(bob->slot == 3 && hears_nothing(w));
	(void)snprintf(text, sizeof(text), format, 3500);
	EQ(person_replace(bob, str_of(text)), 0);
	OK(hears(w, "[bob@example.test 200:3500]"));
	EQ(person_replace(bob, str_of(text)), 0);
	OK(hears_nothing(w)); /* it says the same */
	EQ(person_replace(bob, STR("<x>")), -EBADMSG);
	(void)snprintf(text, sizeof(text), format, 6500);
	EQ(person_replace(bob, str_of(text)), 0);
	OK(hears(w, "[bob@example.test 200:6500]"));
	EQ(w->n_saved + w->n_followed, 0);
	/* She moves here. */
	w->kept = NULL;
	person_found(bob, 5, &card, PERSON_HERE, 0);
	OK(hears(w, "[bob@example.test 200:1850]"));
	world_free(&w);
}

static void followers_are_told_once_a_turn(void)
{
	struct world *w = world_start(true);
	struct follower f = { .slot = 2 };
	struct person *p = people_get(w->people, STR("bob@example.test"));
	list_add(&p->followers, &f.of_person);
	signs_in(w, p, true);
	signs_in(w, p, false);
	signs_in(w, p, true);
	rig_turn(&w->d.rig);
	EQ(w->n_followed, 1);
	list_del(&f.of_person);
	world_free(&w);
}

/* --- limits -------------------------------------------------------------------------------- */

static int adds(struct world *w, struct watching *me, unsigned i)
{
	char aor[64];
	(void)snprintf(aor, sizeof(aor), "u%u@example.test", i);
	return watch_add(w->people, &me->set, str_of(aor));
}

static void a_subscription_and_a_user_watch_so_many(void)
{
	struct world *w = world_start(false);
	unsigned n_full = WATCHES_OF_USER_MAX / WATCHES_OF_SUB_MAX;
	struct watching *last = NULL;
	for (unsigned k = 0; k < n_full; k++) {
		last = watcher(w, "alice@example.test");
		for (unsigned i = 0; i < WATCHES_OF_SUB_MAX; i++)
			if (adds(w, last, i) != 0)
				OK(false);
		EQ(adds(w, last, WATCHES_OF_SUB_MAX), -ENOSPC);
		EQ(adds(w, last, 7), 0); /* is there */
	}
	EQ(people_count(w->people), WATCHES_OF_SUB_MAX);
	struct watching *more = watcher(w, "alice@example.test");
	EQ(adds(w, more, 1), -ENOSPC);
	EQ(watch_add(w->people, &last->set, STR("")), -ENOSPC);
	sub_end(&last->sub, NULL);
	EQ(adds(w, more, 1), 0);
	EQ(watch_add(w->people, &more->set, STR("")), -EINVAL);
	w->d.account = 43;
	EQ(adds(w, watcher(w, "carol@example.test"), 1), 0);
	world_free(&w);
}

static void who_could_not_be_looked_up_is_looked_up_again(void)
{
	struct world *w = world_start(false);
	struct person *p = people_get(w->people, STR("bob@example.test"));
	person_find_again(p);
	signs_in(w, p, true); /* what comes meanwhile does not hinder it */
	rig_turn(&w->d.rig);
	EQ(w->n_found, 1);
	w->answers = true;
	rig_pass(&w->d.rig, (FIND_AGAIN_S + 1) * 1000);
	EQ(w->n_found, 2);
	EQ(p->where, PERSON_HERE);
	world_free(&w);
}

static void who_is_found_again_keeps_what_her_endpoints_say(void)
{
	struct world *w = world_start(true);
	struct person *p = people_get(w->people, STR("bob@example.test"));
	signs_in(w, p, true);
	puts_note(w, p, USEC_PER_SEC);
	person_found(p, p->p.account, &card, PERSON_HERE, 0);
	struct pub_key k = { CATEGORY_NOTE, STR("note"), CONTAINER_COMPANY, 9 };
	OK(pub_find(&p->p.pubs, &k) != NULL);
	world_free(&w);
}

int main(void)
{
	RUN(a_person_is_known_by_address_and_account);
	RUN(who_is_not_needed_is_forgotten_at_the_end_of_the_turn);
	RUN(watches_wait_until_it_is_known_who_that_is);
	RUN(who_is_gone_shows_nothing_any_more);
	RUN(changes_of_a_turn_are_told_once_to_who_may_see_them);
	RUN(asking_again_is_told_anew);
	RUN(who_is_moved_to_another_level_sees_that_one);
	RUN(the_own_endpoints_hear_what_has_changed);
	RUN(a_view_is_composed_once_for_all_who_see_it);
	RUN(what_was_composed_is_not_shown_after_a_change);
	RUN(what_has_run_out_is_told_and_saved);
	RUN(a_replica_is_told_of_when_its_document_comes);
	RUN(followers_are_told_once_a_turn);
	RUN(a_subscription_and_a_user_watch_so_many);
	RUN(who_could_not_be_looked_up_is_looked_up_again);
	RUN(who_is_found_again_keeps_what_her_endpoints_say);
	return tap_done();
}
