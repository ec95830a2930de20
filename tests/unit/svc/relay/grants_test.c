#include <errno.h>
#include <stdio.h>

#include "lync_client.h"

/* Credentials that are not taken, and users whose credentials are refused. */

struct world {
	struct edge e;
	struct party client;
	struct account alice;
	struct addr relayed;
};

static void start(struct world *w)
{
	edge_start(&w->e);
	party_start(&w->client, w->e.loop);
	account_get(&w->alice, &w->e, "alice@example.test", 60);
}

static void stop(struct world *w)
{
	party_stop(&w->client);
	edge_stop(&w->e);
}

static unsigned allocate(struct world *w)
{
	return edge_allocate(&w->e, &w->client, &w->alice, &w->relayed);
}

/* One more was refused, for that reason, and told with that user. */
static void check_denied(const struct world *w, enum relay_denial why, const char *user)
{
	const struct relay_stats *s = relay_stats(w->e.relay);
	for (int i = 0; i < RELAY_N_DENIALS; i++)
		EQ(s->denied[i], i == (int)why);
	EQ(w->e.n_denied, 1);
	EQ(w->e.denied, why);
	EQ_STR(str_of(w->e.denied_user), user);
}

/* --- why not --------------------------------------------------------------------------- */

static void good_credentials_are_not_told(void)
{
	struct world w;
	start(&w);
	EQ(allocate(&w), 200);
	EQ(w.e.n_denied, 0);
	stop(&w);
}

static void expired_credentials_are_told_with_their_user(void)
{
	struct world w;
	start(&w);
	loop_wall_move(w.e.loop, 61 * (int64_t)USEC_PER_SEC);
	EQ(allocate(&w), 401);
	check_denied(&w, RELAY_DENIED_EXPIRED, "alice@example.test");
	stop(&w);
}

static void a_wrong_password_is_told(void)
{
	struct world w;
	start(&w);
	w.alice.key[0] ^= 1;
	EQ(allocate(&w), 401);
	check_denied(&w, RELAY_DENIED_PASSWORD, "alice@example.test");
	stop(&w);
}

static void credentials_of_another_key_are_told(void)
{
	static const uint8_t other[32] = { 7 };
	struct world w;
	start(&w);
	relay_keys_free(&w.e.issuer);
	w.e.issuer = relay_keys_new(other);
	account_get(&w.alice, &w.e, "alice@example.test", 60);
	EQ(allocate(&w), 401);
	check_denied(&w, RELAY_DENIED_KEY, "alice@example.test");
	stop(&w);
}

static void a_name_that_is_no_credential_is_told_as_it_is(void)
{
	struct world w;
	start(&w);
	(void)snprintf(w.alice.name, sizeof(w.alice.name), "%s", "alice!");
	EQ(allocate(&w), 401);
	check_denied(&w, RELAY_DENIED_KEY, "alice!");
	stop(&w);
}

static void the_same_is_told_of_the_dialect_of_lync(void)
{
	struct world w;
	struct lync_client c;
	start(&w);
	lync_start(&c, &w.e, "bob@example.test", false);
	c.key[0] ^= 1;
	EQ(lync_allocate(&c), 401);
	check_denied(&w, RELAY_DENIED_PASSWORD, "bob@example.test");
	lync_stop(&c);
	stop(&w);
}

/* --- who is barred --------------------------------------------------------------------- */

static void who_is_barred_loses_allocations_and_gets_no_new_ones(void)
{
	struct world w;
	struct account bob;
	start(&w);
	EQ(allocate(&w), 200);
	EQ(relay_bar(w.e.relay, STR("Alice@Example.test")), 1);
	EQ(w.e.n_ended[RELAY_REVOKED], 1);
	EQ(relay_stats(w.e.relay)->barred, 1);
	EQ(allocate(&w), 401);
	check_denied(&w, RELAY_DENIED_REVOKED, "alice@example.test");
	account_get(&bob, &w.e, "bob@example.test", 60);
	EQ(edge_allocate(&w.e, &w.client, &bob, &w.relayed), 200);
	stop(&w);
}

static void who_is_admitted_again_uses_what_is_good(void)
{
	struct world w;
	start(&w);
	EQ(relay_bar(w.e.relay, STR("alice@example.test")), 0);
	OK(relay_is_barred(w.e.relay, STR("alice@example.test")));
	OK(relay_admit(w.e.relay, STR("ALICE@example.test")));
	OK(!relay_admit(w.e.relay, STR("alice@example.test")));
	EQ(relay_stats(w.e.relay)->barred, 0);
	EQ(allocate(&w), 200);
	stop(&w);
}

static void a_bar_ends_when_what_was_issued_before_is_over(void)
{
	struct world w;
	usec_t until = 0;
	start(&w);
	EQ(relay_bar(w.e.relay, STR("alice@example.test")), 0);
	edge_wait(&w.e, RELAY_LIFE_MAX_S);
	OK(relay_is_barred(w.e.relay, STR("alice@example.test")));
	edge_wait(&w.e, RELAY_SKEW_S + 1);
	OK(!relay_is_barred(w.e.relay, STR("alice@example.test")));
	EQ(relay_bar(w.e.relay, STR("bob@example.test")), 0);
	EQ(relay_stats(w.e.relay)->barred, 1); /* the old one is forgotten */
	EQ_STR(relay_next_barred(w.e.relay, STR(""), &until), "bob@example.test");
	EQ_STR(relay_next_barred(w.e.relay, STR("bob@example.test"), &until), "");
	stop(&w);
}

static void bars_are_bounded_and_have_names(void)
{
	struct world w;
	char name[RELAY_USER_MAX + 2];
	start(&w);
	for (int i = 0; i < RELAY_BARS_MAX; i++) {
		int n = snprintf(name, sizeof(name), "user%d@example.test", i);
		EQ(relay_bar(w.e.relay, str_n(name, (size_t)n)), 0);
	}
	EQ(relay_bar(w.e.relay, STR("alice@example.test")), -ENOSPC);
	OK(!relay_is_barred(w.e.relay, STR("alice@example.test")));
	EQ(relay_bar(w.e.relay, STR("user7@example.test")), 0); /* she is there already */
	memset(name, 'x', sizeof(name));
	EQ(relay_bar(w.e.relay, str_n(name, RELAY_USER_MAX + 1)), -EINVAL);
	EQ(relay_bar(w.e.relay, STR("")), -EINVAL);
	stop(&w);
}

int main(void)
{
	RUN(good_credentials_are_not_told);
	RUN(expired_credentials_are_told_with_their_user);
	RUN(a_wrong_password_is_told);
	RUN(credentials_of_another_key_are_told);
	RUN(a_name_that_is_no_credential_is_told_as_it_is);
	RUN(the_same_is_told_of_the_dialect_of_lync);
	RUN(who_is_barred_loses_allocations_and_gets_no_new_ones);
	RUN(who_is_admitted_again_uses_what_is_good);
	RUN(a_bar_ends_when_what_was_issued_before_is_over);
	RUN(bars_are_bounded_and_have_names);
	return tap_done();
}
