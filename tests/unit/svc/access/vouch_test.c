#include <unistd.h>

#include "place.h"

enum { CLIENTS = 2 };

/* Two connections. */
struct world {
	struct place place;
	struct sip_flow *flow[CLIENTS];
	int fd[CLIENTS];
};

static void world_start(struct world *w)
{
	place_start(&w->place);
	for (int i = 0; i < CLIENTS; i++)
		w->flow[i] = place_connect(&w->place, &w->fd[i]);
}

static void world_end(struct world *w)
{
	place_stop(&w->place);
	for (int i = 0; i < CLIENTS; i++)
		(void)close(w->fd[i]);
}

static const struct access_identity alice = { 1, 10, 100, STR_INIT("alice@example.test") };
static const struct access_identity bob = { 2, 20, 200, STR_INIT("bob@example.test") };

static bool vouched(struct world *w, int i, const char *uri)
{
	struct access_identity id;
	return access_vouched(w->place.access, w->flow[i], str_of(uri), &id);
}

static uint32_t n_vouches(const struct world *w)
{
	return access_stats(w->place.access)->vouches;
}

static void settle(struct world *w)
{
	for (int i = 0; i < 4; i++)
		loop_turn(w->place.loop, 0);
}

static void a_connection_vouches_for_whoever_signed_in_on_it(void)
{
	struct world w;
	struct access_identity id = { 0 };
	world_start(&w);
	OK(!vouched(&w, 0, "alice@example.test"));
	access_vouch(w.place.access, w.flow[0], &alice);
	OK(access_vouched(w.place.access, w.flow[0], STR("ALICE@example.test"), &id));
	EQ(id.account, 1);
	EQ(id.credential, 10);
	EQ(id.endpoint, 100);
	EQ_STR(id.uri, "alice@example.test");
	OK(!vouched(&w, 0, "bob@example.test"));
	OK(!vouched(&w, 1, "alice@example.test")); /* another connection */
	OK(!vouched(&w, 0, ""));
	world_end(&w);
}

static void several_users_may_share_a_connection(void)
{
	struct world w;
	world_start(&w);
	access_vouch(w.place.access, w.flow[0], &alice);
	access_vouch(w.place.access, w.flow[0], &bob);
	OK(vouched(&w, 0, "alice@example.test") && vouched(&w, 0, "bob@example.test"));
	EQ(n_vouches(&w), 2);
	access_unvouch(w.place.access, w.flow[0], alice.uri);
	access_unvouch(w.place.access, w.flow[0], alice.uri);
	OK(!vouched(&w, 0, "alice@example.test") && vouched(&w, 0, "bob@example.test"));
	EQ(n_vouches(&w), 1);
	world_end(&w);
}

static void signing_in_again_changes_what_is_known(void)
{
	struct world w;
	struct access_identity again = alice, id = { 0 };
	world_start(&w);
	access_vouch(w.place.access, w.flow[0], &alice);
	again.endpoint = 101;
	again.credential = 11;
	access_vouch(w.place.access, w.flow[0], &again);
	EQ(n_vouches(&w), 1);
	OK(access_vouched(w.place.access, w.flow[0], alice.uri, &id));
	EQ(id.endpoint, 101);
	EQ(id.credential, 11);
	world_end(&w);
}

static void with_its_connection_a_vouch_is_gone(void)
{
	struct world w;
	world_start(&w);
	access_vouch(w.place.access, w.flow[0], &alice);
	access_vouch(w.place.access, w.flow[0], &bob);
	access_vouch(w.place.access, w.flow[1], &alice);
	OK(shutdown(w.fd[0], SHUT_RDWR) == 0);
	settle(&w);
	EQ(w.place.n_closed, 1);
	EQ(n_vouches(&w), 1);
	OK(vouched(&w, 1, "alice@example.test"));
	world_end(&w);
}

static void a_revoked_account_loses_every_connection_of_its_own(void)
{
	struct world w;
	world_start(&w);
	access_vouch(w.place.access, w.flow[0], &alice);
	access_vouch(w.place.access, w.flow[1], &alice);
	access_vouch(w.place.access, w.flow[1], &bob);
	access_revoke(w.place.access, 1, 0, REFUSE_NOTHING);
	EQ(n_vouches(&w), 1);
	settle(&w);
	EQ(w.place.n_closed, 1); /* bob still needs the other one */
	OK(vouched(&w, 1, "bob@example.test") && !vouched(&w, 1, "alice@example.test"));
	world_end(&w);
}

static void a_revoked_password_spares_who_used_another(void)
{
	struct world w;
	struct access_identity device = alice;
	world_start(&w);
	device.credential = 11;
	access_vouch(w.place.access, w.flow[0], &alice);
	access_vouch(w.place.access, w.flow[1], &device);
	access_revoke(w.place.access, 1, 11, REFUSE_NOTHING);
	settle(&w);
	EQ(w.place.n_closed, 1);
	OK(vouched(&w, 0, "alice@example.test"));
	world_end(&w);
}

static void when_anything_may_have_changed_nobody_is_vouched_for(void)
{
	struct world w;
	world_start(&w);
	access_vouch(w.place.access, w.flow[0], &alice);
	access_vouch(w.place.access, w.flow[1], &bob);
	access_revoke(w.place.access, 0, 0, REFUSE_NOTHING);
	EQ(n_vouches(&w), 0);
	settle(&w);
	EQ(w.place.n_closed, 2);
	world_end(&w);
}

static void what_is_no_connection_vouches_for_nobody(void)
{
	struct world w;
	struct addr peer;
	world_start(&w);
	EQ(addr_parse(&peer, STR("127.0.0.1"), 9), 0);
	struct sip_flow *udp = sip_flow_udp(w.place.tp, 0, &peer);
	struct access_identity id;
	access_vouch(w.place.access, udp, &alice);
	OK(!access_vouched(w.place.access, udp, alice.uri, &id));
	EQ(n_vouches(&w), 0);
	sip_flow_unref(&udp);
	world_end(&w);
}

static void a_name_that_is_too_long_is_not_vouched_for(void)
{
	char text[ACCESS_URI_MAX + 1];
	struct world w;
	struct access_identity id = { .account = 3, .uri = str_n(text, sizeof(text)) };
	world_start(&w);
	memset(text, 'x', sizeof(text));
	access_vouch(w.place.access, w.flow[0], &id);
	EQ(n_vouches(&w), 0);
	id.uri.len--;
	access_vouch(w.place.access, w.flow[0], &id);
	EQ(n_vouches(&w), 1);
	world_end(&w);
}

int main(void)
{
	RUN(a_connection_vouches_for_whoever_signed_in_on_it);
	RUN(several_users_may_share_a_connection);
	RUN(signing_in_again_changes_what_is_known);
	RUN(with_its_connection_a_vouch_is_gone);
	RUN(a_revoked_account_loses_every_connection_of_its_own);
	RUN(a_revoked_password_spares_who_used_another);
	RUN(when_anything_may_have_changed_nobody_is_vouched_for);
	RUN(what_is_no_connection_vouches_for_nobody);
	RUN(a_name_that_is_too_long_is_not_vouched_for);
	return tap_done();
}
