#include "svc/call/call.h"

#include "tap.h"

enum { ALICE = 1, BOB = 2 };

struct world {
	struct loop *loop;
	struct calls *calls;
	uint64_t gone[4]; /* endpoints that are not there any more */
	size_t n_gone;
};

static void world_start(struct world *w)
{
	*w = (struct world){ .loop = loop_new() };
	/* Whole milliseconds: timers are due to the point. */
	loop_clock_move(w->loop, USEC_PER_MSEC - loop_now(w->loop) % USEC_PER_MSEC);
	w->calls = calls_new(w->loop);
}

static void world_end(struct world *w)
{
	calls_free(&w->calls);
	loop_free(&w->loop);
}

static void pass(struct world *w, uint64_t s)
{
	loop_clock_move(w->loop, s * USEC_PER_SEC);
	loop_turn(w->loop, 0);
}

static struct call *starts(struct world *w, const char *id)
{
	struct call what = { .caller = ALICE,
		             .callee = BOB,
		             .caller_endpoint = 11,
		             .from = STR("alice@example.test"),
		             .to = STR("bob@example.test") };
	return calls_started(w->calls, str_of(id), &what);
}

static bool is_alive(void *arg, uint64_t account, uint64_t endpoint)
{
	struct world *w = arg;
	OK(account == (endpoint == 11 ? ALICE : BOB));
	for (size_t i = 0; i < w->n_gone; i++)
		if (w->gone[i] == endpoint)
			return false;
	return true;
}

static void a_call_keeps_texts_of_its_own(void)
{
	char id[] = "call-1";
	struct world w;
	world_start(&w);
	struct call *k = starts(&w, id);
	id[0] = 'X';
	EQ_STR(k->id, "call-1");
	EQ_STR(k->from, "alice@example.test");
	EQ_STR(k->to, "bob@example.test");
	EQ(k->state, CALL_TRYING);
	OK(k->started > 0 && k->answered == 0);
	OK(calls_find(w.calls, STR("call-1")) == k);
	OK(calls_find(w.calls, STR("call-2")) == NULL);
	world_end(&w);
}

static void the_same_call_id_is_the_same_call(void)
{
	struct world w;
	world_start(&w);
	struct call *k = starts(&w, "x");
	OK(starts(&w, "x") == k);
	EQ(calls_count(w.calls), 1);
	OK(starts(&w, "y") != k);
	EQ(calls_count(w.calls), 2);
	world_end(&w);
}

static void a_call_that_only_rings_is_forgotten(void)
{
	struct world w;
	world_start(&w);
	starts(&w, "x");
	pass(&w, CALL_RING_MAX_S - 1);
	EQ(calls_count(w.calls), 1);
	pass(&w, 1);
	EQ(calls_count(w.calls), 0);
	world_end(&w);
}

static void an_answered_call_lives_as_long_as_its_session_is_refreshed(void)
{
	struct world w;
	world_start(&w);
	struct call *k = starts(&w, "x");
	calls_answered(w.calls, STR("x"), 22, 1800);
	EQ(k->state, CALL_CONNECTED);
	EQ(k->callee_endpoint, 22);
	usec_t answered = k->answered;
	OK(answered > 0);
	pass(&w, 1700);
	calls_answered(w.calls, STR("x"), 0, 1800); /* a refresh does not tell the endpoint */
	OK(k->answered == answered && k->callee_endpoint == 22);
	pass(&w, 1800 + 31);
	EQ(calls_count(w.calls), 1);
	pass(&w, 2);
	EQ(calls_count(w.calls), 0);
	world_end(&w);
}

static void without_a_session_timer_a_silent_call_ends_after_a_day(void)
{
	struct world w;
	world_start(&w);
	starts(&w, "x");
	calls_answered(w.calls, STR("x"), 22, 0);
	pass(&w, CALL_SILENT_MAX_S);
	EQ(calls_count(w.calls), 1);
	pass(&w, 60);
	EQ(calls_count(w.calls), 0);
	world_end(&w);
}

static void a_bye_ends_a_call_and_an_unknown_one_changes_nothing(void)
{
	struct world w;
	world_start(&w);
	starts(&w, "x");
	calls_ended(w.calls, STR("y"), 0);
	calls_answered(w.calls, STR("y"), 5, 0);
	EQ(calls_count(w.calls), 1);
	calls_ended(w.calls, STR("x"), 486);
	EQ(calls_count(w.calls), 0);
	OK(calls_find(w.calls, STR("x")) == NULL);
	world_end(&w);
}

struct ends {
	int n, code;
};

static void on_change(void *arg, const struct call *k, bool ended)
{
	struct ends *e = arg;
	e->n += ended;
	if (ended)
		e->code = k->code;
}

static void a_call_says_why_it_ends(void)
{
	struct world w;
	struct ends e = { 0 };
	world_start(&w);
	calls_on_change(w.calls, on_change, &e);
	starts(&w, "x");
	calls_ended(w.calls, STR("x"), 486);
	EQ(e.n, 1);
	EQ(e.code, 486);
	starts(&w, "y");
	pass(&w, CALL_RING_MAX_S + 1);
	EQ(e.n, 2);
	EQ(e.code, 0);
	world_end(&w);
}

static void a_restored_call_that_nobody_ends_is_forgotten(void)
{
	struct world w;
	struct ends e = { 0 };
	struct call what = { .caller = ALICE,
		             .callee = BOB,
		             .answered = 5,
		             .from = STR("a@x"),
		             .to = STR("b@x"),
		             .callee_uri = STR("b@x") };
	world_start(&w);
	calls_on_change(w.calls, on_change, &e);
	for (const char *const *id = (const char *const[]){ "x", "y", "z", NULL }; *id; id++)
		calls_restore(w.calls, str_of(*id), &what);
	struct call *k = calls_find(w.calls, STR("x"));
	OK(k && k->state == CALL_CONNECTED && k->answered == 5);
	calls_ended(w.calls, STR("x"), 0);
	EQ(e.n, 1);
	calls_answered(w.calls, STR("y"), 0, 0); /* refreshed: it goes on */
	pass(&w, CALL_SILENT_MAX_S + 60);
	EQ(calls_count(w.calls), 0);
	EQ(e.n, 2);
	world_end(&w);
}

static void an_answered_call_ends_with_its_last_endpoint(void)
{
	struct world w;
	world_start(&w);
	starts(&w, "x");
	calls_answered(w.calls, STR("x"), 22, 0);
	w.gone[w.n_gone++] = 11;
	calls_prune(w.calls, is_alive, &w);
	EQ(calls_count(w.calls), 1); /* the callee is still there */
	w.gone[w.n_gone++] = 22;
	calls_prune(w.calls, is_alive, &w);
	EQ(calls_count(w.calls), 0);
	world_end(&w);
}

static void a_ringing_call_and_one_of_strangers_are_not_pruned(void)
{
	struct world w;
	struct call strangers = { .caller = 0 };
	world_start(&w);
	w.gone[w.n_gone++] = 11;
	starts(&w, "rings");
	(void)calls_started(w.calls, STR("strangers"), &strangers);
	calls_answered(w.calls, STR("strangers"), 0, 0);
	calls_prune(w.calls, is_alive, &w);
	EQ(calls_count(w.calls), 2);
	world_end(&w);
}

static void every_call_is_walked_once(void)
{
	struct world w;
	size_t slot = 0, n = 0;
	struct map_node *after = NULL;
	world_start(&w);
	for (int i = 0; i < 100; i++) {
		char id[16];
		(void)snprintf(id, sizeof(id), "call-%d", i);
		starts(&w, id);
	}
	while (calls_walk(w.calls, &slot, &after))
		n++;
	EQ(n, 100);
	EQ(calls_count(w.calls), 100);
	world_end(&w);
}

int main(void)
{
	RUN(a_call_keeps_texts_of_its_own);
	RUN(the_same_call_id_is_the_same_call);
	RUN(a_call_that_only_rings_is_forgotten);
	RUN(an_answered_call_lives_as_long_as_its_session_is_refreshed);
	RUN(without_a_session_timer_a_silent_call_ends_after_a_day);
	RUN(a_bye_ends_a_call_and_an_unknown_one_changes_nothing);
	RUN(a_call_says_why_it_ends);
	RUN(a_restored_call_that_nobody_ends_is_forgotten);
	RUN(an_answered_call_ends_with_its_last_endpoint);
	RUN(a_ringing_call_and_one_of_strangers_are_not_pruned);
	RUN(every_call_is_walked_once);
	return tap_done();
}
