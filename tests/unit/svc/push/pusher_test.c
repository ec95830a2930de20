#include "svc/push/pusher.h"

#include <stdio.h>

#include "await.h"
#include "tap.h"

#define KEYS                                                                                       \
	" BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4" \
	" BTBZMqHH6r4Tts7J_aSIgg"

enum { MALLORY = 1, BOB = 100, CAROL = 101 };

/* No name can be looked up: what is sent waits, to be tried again.  Who sent it hears by the number
 * of the account. */
struct world {
	struct loop *loop;
	struct pusher *pusher;
	unsigned ended[200], n_ended;
	enum pusher_end how;
	char why[100];
};

/* What a done is called with. */
struct mark {
	struct world *w;
	unsigned account;
};

static struct mark marks[200];

static void start(struct world *w)
{
	static const uint8_t key[32] = { 1 };
	const char *why = NULL;
	struct tls_client *tls = tls_client_new(&(struct tls_client_config){ 0 }, &why);
	*w = (struct world){ .loop = loop_new() };
	OK(tls != NULL);
	w->pusher = pusher_new(w->loop, &(struct pusher_config){ .key = key,
	                                                         .contact = STR("mailto:a@b.test"),
	                                                         .tls = tls,
	                                                         .resolvers = "127.0.0.1:9" });
	tls_client_unref(&tls);
}

static void stop(struct world *w)
{
	pusher_free(&w->pusher);
	loop_free(&w->loop);
}

static void on_done(void *arg, enum pusher_end end, const char *why)
{
	struct mark *m = arg;
	m->w->ended[m->account]++;
	m->w->n_ended++;
	m->w->how = end;
	(void)snprintf(m->w->why, sizeof(m->w->why), "%s", why);
}

static bool send_to(struct world *w, unsigned account, const char *host)
{
	char text[PUSH_SUB_MAX];
	struct buf b = BUF_ON(text);
	struct push_sub sub;
	struct pusher_order o = {
		.account = account, .sub = &sub, .text = STR("{}"), .life_s = 60
	};
	buf_printf(&b, "https://%s/x" KEYS, host);
	EQ(push_sub_read(&sub, buf_view(&b)), 0);
	marks[account] = (struct mark){ w, account };
	return pusher_send(w->pusher, &o, on_done, &marks[account]);
}

/* A service of that number. */
static bool send_nth(struct world *w, unsigned account, unsigned n)
{
	char host[64];
	(void)snprintf(host, sizeof(host), "s%u.push.invalid", n);
	return send_to(w, account, host);
}

static uint32_t waiting(const struct world *w)
{
	return pusher_stats(w->pusher)->waiting;
}

static void a_few_accounts_do_not_hold_all_services(void)
{
	struct world w;
	unsigned n = 0;
	start(&w);
	for (unsigned a = 0; a < 8; a++)
		for (unsigned i = 0; i < PUSHER_SERVICES_MAX / 8; i++)
			OK(send_nth(&w, MALLORY + a, n++));
	OK(!send_nth(&w, MALLORY, n)); /* has his share */
	OK(send_nth(&w, BOB, n + 1));
	EQ(waiting(&w), PUSHER_SERVICES_MAX);
	EQ(w.n_ended, 0); /* not from inside */
	AWAIT(w.loop, w.n_ended > 0);
	EQ(w.n_ended, 1);
	EQ(w.how, PUSHER_FAILED);
	EQ_STR(str_of(w.why), "messages of others had no place");
	EQ(w.ended[BOB], 0);
	for (unsigned i = 2; i < 8; i++)
		OK(send_nth(&w, BOB, n + i));
	OK(!send_nth(&w, BOB, n + 20)); /* as many as the others have now */
	EQ(pusher_stats(w.pusher)->displaced, 7);
	stop(&w);
}

/* One for each is all that there is. */
static void every_account_has_at_most_its_share(void)
{
	struct world w;
	start(&w);
	for (unsigned i = 0; i < PUSHER_SERVICES_MAX; i++)
		OK(send_nth(&w, MALLORY + i, i));
	OK(!send_nth(&w, BOB, 500));
	EQ(pusher_stats(w.pusher)->displaced, 0);
	OK(send_nth(&w, BOB, 3)); /* one that is there */
	stop(&w);
}

static void who_sends_most_to_a_service_makes_way_for_others(void)
{
	struct world w;
	start(&w);
	for (unsigned i = 0; i < PUSHER_SERVICE_MAX; i++)
		OK(send_nth(&w, MALLORY, 0));
	OK(!send_nth(&w, MALLORY, 0));
	OK(send_nth(&w, MALLORY, 1)); /* another one has room */
	for (unsigned i = 0; i < 10; i++)
		OK(send_nth(&w, BOB, 0));
	EQ(waiting(&w), PUSHER_SERVICE_MAX + 1);
	AWAIT(w.loop, w.n_ended == 10);
	EQ(w.ended[MALLORY], 10);
	stop(&w);
}

static void who_sends_most_of_all_makes_way_for_others(void)
{
	struct world w;
	start(&w);
	for (unsigned i = 0; i < PUSHER_WAITING_MAX; i++)
		OK(send_nth(&w, i % 10 ? MALLORY : CAROL, i % 8));
	OK(!send_nth(&w, MALLORY, 9));
	OK(send_nth(&w, CAROL, 9));
	OK(send_nth(&w, BOB, 10));
	EQ(waiting(&w), PUSHER_WAITING_MAX);
	AWAIT(w.loop, w.n_ended == 2);
	EQ(w.ended[MALLORY], 2);
	stop(&w);
}

static void what_is_under_way_ends_without_a_word(void)
{
	struct world w;
	start(&w);
	for (unsigned i = 0; i < 5; i++)
		OK(send_nth(&w, BOB, i));
	AWAIT(w.loop, pusher_stats(w.pusher)->retried == 5);
	EQ(waiting(&w), 5);
	stop(&w);
	EQ(w.n_ended, 0);
}

int main(void)
{
	RUN(a_few_accounts_do_not_hold_all_services);
	RUN(every_account_has_at_most_its_share);
	RUN(who_sends_most_to_a_service_makes_way_for_others);
	RUN(who_sends_most_of_all_makes_way_for_others);
	RUN(what_is_under_way_ends_without_a_word);
	return tap_done();
}
