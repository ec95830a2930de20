#include "auth/accounts.h"

#include <errno.h>
#include <stdlib.h>

#include "auth/fake_accounts.h"
#include "await.h"

enum { NEWS_MAX = 16 };

struct client {
	struct loop *l;
	struct fake_accounts far;
	struct accounts *a;
	enum accounts_event news[NEWS_MAX];
	uint64_t news_of[NEWS_MAX];
	size_t n_news;
};

struct answer {
	int calls, err;
	uint64_t id;
	char uri[64];
	struct accounts_auth verdict;
};

static void on_event(void *arg, enum accounts_event ev, uint64_t account, uint64_t cred UNUSED)
{
	struct client *c = arg;
	c->news[c->n_news] = ev;
	c->news_of[c->n_news++] = account;
}

static void on_lookup(void *arg, int err, const struct account *acc)
{
	struct answer *a = arg;
	a->calls++;
	a->err = err;
	a->id = acc ? acc->id : 0;
	(void)snprintf(a->uri, sizeof(a->uri), "%.*s", acc ? (int)acc->uri.len : 0,
	               acc ? acc->uri.p : "");
}

static void on_verdict(void *arg, const struct accounts_auth *v)
{
	struct answer *a = arg;
	a->calls++;
	a->verdict = *v;
}

static struct client *start(void)
{
	struct client *c = xnew(struct client);
	int fd;
	c->l = loop_new();
	fake_accounts_start(&c->far, c->l, &fd);
	c->a = accounts_new(c->l, fd, on_event, c);
	AWAIT(c->l, c->far.n_feeds == 1);
	OK(c->far.asked[0].feed.since == ACCT_SINCE_NOW);
	fake_accounts_feed(&c->far, 10, false);
	loop_turn(c->l, 0);
	c->far.n_asked = 0;
	return c;
}

static void end(struct client *c)
{
	accounts_free(&c->a);
	fake_accounts_end(&c->far);
	loop_free(&c->l);
	free(c);
}

static void answer_record(struct client *c, uint32_t id, uint64_t account, const char *uri)
{
	fake_accounts_send(
	        &c->far, &(struct acct_msg){ .type = ACCT_RECORD,
	                                     .id = id,
	                                     .record = { account ? ACCT_FOUND : ACCT_NONE,
	                                                 { .id = account, .uri = str_of(uri) } } });
}

static void change(struct client *c, enum accounts_event ev, uint64_t number, uint64_t account)
{
	fake_accounts_send(&c->far, &(struct acct_msg){ .type = ACCT_CHANGE,
	                                                .change = { ev, number, account, 0 } });
}

/* Asks, lets the far end answer, waits. */
static struct answer look_up(struct client *c, const char *key, uint64_t account, const char *uri)
{
	struct answer a = { 0 };
	size_t n = c->far.n_asked;
	OK(accounts_lookup(c->a, str_of(key), on_lookup, &a) != NULL);
	AWAIT(c->l, c->far.n_asked == n + 1);
	answer_record(c, c->far.asked[n].id, account, uri);
	AWAIT(c->l, a.calls == 1);
	return a;
}

static bool is_cached(struct client *c, const char *key)
{
	bool absent;
	return accounts_cached(c->a, str_of(key), &absent) || absent;
}

static void answers_find_their_requests_in_any_order(void)
{
	struct client *c = start();
	struct answer a[3] = { { 0 } };
	static const char *const keys[] = { "a@x", "b@x", "c@x" };
	for (int i = 0; i < 3; i++)
		OK(accounts_lookup(c->a, str_of(keys[i]), on_lookup, &a[i]) != NULL);
	unsigned reads = c->far.reads;
	AWAIT(c->l, c->far.n_asked == 3);
	EQ(c->far.reads, reads + 1);
	for (int i = 2; i >= 0; i--)
		answer_record(c, c->far.asked[i].id, (uint64_t)i + 1, keys[i]);
	answer_record(c, 12345, 9, "nobody asked");
	AWAIT(c->l, a[0].calls + a[1].calls + a[2].calls == 3);
	for (int i = 0; i < 3; i++) {
		EQ(a[i].err, 0);
		EQ(a[i].id, i + 1);
		OK(strcmp(a[i].uri, keys[i]) == 0);
	}
	end(c);
}

static void records_are_cached_until_they_change(void)
{
	struct client *c = start();
	struct answer a = look_up(c, "alice@x", 7, "alice@x");
	EQ(a.err, 0);
	a = look_up(c, "12", 7, "alice@x");
	/* From the cache, but not from inside. */
	struct answer again = { 0 };
	OK(accounts_lookup(c->a, STR("ALICE@x"), on_lookup, &again) != NULL);
	EQ(again.calls, 0);
	AWAIT(c->l, again.calls == 1);
	EQ(again.id, 7);
	EQ(c->far.n_asked, 2);
	change(c, ACCOUNTS_CHANGED, 11, 7);
	AWAIT(c->l, c->n_news == 1);
	OK(!is_cached(c, "alice@x") && !is_cached(c, "12"));
	end(c);
}

struct chain {
	struct client *c;
	struct answer *a;
};

static void ask_for_alice(void *arg, int err UNUSED, const struct account *acc UNUSED)
{
	struct chain *ch = arg;
	OK(is_cached(ch->c, "alice@x"));
	OK(accounts_lookup(ch->c->a, STR("alice@x"), on_lookup, ch->a) != NULL);
}

/* The change comes in the turn in which the cache was going to answer. */
static void change_overtakes_the_cached_answer(void)
{
	struct client *c = start();
	struct answer a = { 0 };
	struct chain ch = { c, &a };
	(void)look_up(c, "alice@x", 7, "alice@x");
	OK(accounts_lookup(c->a, STR("bob@x"), ask_for_alice, &ch) != NULL);
	AWAIT(c->l, c->far.n_asked == 2);
	answer_record(c, c->far.asked[1].id, 8, "bob@x");
	change(c, ACCOUNTS_CHANGED, 11, 7);
	AWAIT(c->l, c->far.n_asked == 3);
	EQ(a.calls, 0);
	answer_record(c, c->far.asked[2].id, 7, "alice@y");
	AWAIT(c->l, a.calls == 1);
	OK(strcmp(a.uri, "alice@y") == 0);
	end(c);
}

static void absence_is_cached_until_anything_changes(void)
{
	struct client *c = start();
	EQ(look_up(c, "new@x", 0, "").err, -ENOENT);
	struct answer a = { 0 };
	OK(accounts_lookup(c->a, STR("new@x"), on_lookup, &a) != NULL);
	AWAIT(c->l, a.calls == 1);
	EQ(a.err, -ENOENT);
	EQ(c->far.n_asked, 1);
	change(c, ACCOUNTS_CHANGED, 11, 8);
	AWAIT(c->l, c->n_news == 1);
	EQ(look_up(c, "new@x", 8, "new@x").err, 0);
	end(c);
}

static void broken_store_is_not_cached(void)
{
	struct client *c = start();
	struct answer a = { 0 };
	OK(accounts_lookup(c->a, STR("alice@x"), on_lookup, &a) != NULL);
	AWAIT(c->l, c->far.n_asked == 1);
	fake_accounts_send(&c->far, &(struct acct_msg){ .type = ACCT_RECORD,
	                                                .id = c->far.asked[0].id,
	                                                .record = { .status = ACCT_BROKEN } });
	AWAIT(c->l, a.calls == 1);
	EQ(a.err, -EIO);
	OK(!is_cached(c, "alice@x"));
	end(c);
}

static void sign_in_leg_goes_there_and_back(void)
{
	struct client *c = start();
	struct answer a = { 0 };
	struct addr peer;
	EQ(addr_parse(&peer, STR("192.0.2.1"), 5060), 0);
	struct accounts_leg leg = { .mech = ACCOUNTS_FAKE_FOURLEG,
		                    .session = 5,
		                    .user = STR("alice"),
		                    .blob = bytes_of(STR("blob")),
		                    .peer = &peer };
	OK(accounts_auth(c->a, &leg, on_verdict, &a) != NULL);
	AWAIT(c->l, c->far.n_asked == 1);
	const struct acct_msg *m = &c->far.asked[0];
	EQ(m->auth.mech, ACCOUNTS_FAKE_FOURLEG);
	EQ(m->auth.session, 5);
	EQ_STR(m->auth.user, "alice");
	OK(addr_eq_host(&m->auth.peer, &peer));
	struct acct_msg v = { .type = ACCT_VERDICT, .id = m->id };
	v.verdict.verdict = ACCOUNTS_SLOW;
	v.verdict.retry_s = 10;
	fake_accounts_send(&c->far, &v);
	AWAIT(c->l, a.calls == 1);
	EQ(a.verdict.verdict, ACCOUNTS_SLOW);
	EQ(a.verdict.retry_s, 10);
	accounts_known(c->a, 3, 4, &peer);
	AWAIT(c->l, c->far.n_asked == 2);
	EQ(c->far.asked[1].type, ACCT_KNOWN);
	EQ(c->far.asked[1].known.credential, 4);
	end(c);
}

static void freed_request_is_not_answered(void)
{
	struct client *c = start();
	struct answer a = { 0 }, b = { 0 };
	struct accounts_req *r = accounts_lookup(c->a, STR("alice@x"), on_lookup, &a);
	OK(accounts_lookup(c->a, STR("bob@x"), on_lookup, &b) != NULL);
	AWAIT(c->l, c->far.n_asked == 2);
	accounts_req_free(&r);
	OK(r == NULL);
	answer_record(c, c->far.asked[0].id, 1, "alice@x");
	answer_record(c, c->far.asked[1].id, 2, "bob@x");
	AWAIT(c->l, b.calls == 1);
	EQ(a.calls, 0);
	/* Also one that would be answered from the cache. */
	r = accounts_lookup(c->a, STR("bob@x"), on_lookup, &a);
	accounts_req_free(&r);
	loop_turn(c->l, 0);
	EQ(a.calls, 0);
	end(c);
}

static void lost_link_is_told_and_open_questions_are_asked_again(void)
{
	struct client *c = start();
	struct answer a = { 0 };
	int fd;
	(void)look_up(c, "bob@x", 2, "bob@x");
	change(c, ACCOUNTS_CHANGED, 15, 99);
	AWAIT(c->l, c->n_news == 1);
	OK(accounts_lookup(c->a, STR("alice@x"), on_lookup, &a) != NULL);
	AWAIT(c->l, c->far.n_asked == 2);
	fake_accounts_die(&c->far);
	AWAIT(c->l, c->n_news == 2);
	EQ(c->news[1], ACCOUNTS_LOST);
	OK(!accounts_is_up(c->a) && !is_cached(c, "bob@x"));
	c->far.n_asked = 0;
	fake_accounts_again(&c->far, &fd);
	accounts_link_up(c->a, fd);
	AWAIT(c->l, c->far.n_asked == 2);
	EQ(c->far.asked[0].type, ACCT_FEED);
	EQ(c->far.asked[0].feed.since, 15);
	EQ_STR(c->far.asked[1].lookup.key, "alice@x");
	change(c, ACCOUNTS_DISABLED, 16, 2);
	fake_accounts_feed(&c->far, 16, false);
	answer_record(c, c->far.asked[1].id, 1, "alice@x");
	AWAIT(c->l, a.calls == 1);
	EQ(c->n_news, 4);
	EQ(c->news[2], ACCOUNTS_DISABLED);
	EQ(c->news_of[2], 2);
	EQ(c->news[3], ACCOUNTS_BACK);
	OK(is_cached(c, "alice@x"));
	end(c);
}

static void gap_in_the_feed_means_anything_may_have_changed(void)
{
	struct client *c = start();
	int fd;
	fake_accounts_die(&c->far);
	AWAIT(c->l, c->n_news == 1);
	fake_accounts_again(&c->far, &fd);
	accounts_link_up(c->a, fd);
	AWAIT(c->l, c->far.n_feeds == 2);
	fake_accounts_feed(&c->far, 500, true);
	AWAIT(c->l, c->n_news == 3);
	EQ(c->news[1], ACCOUNTS_PASSWORD);
	EQ(c->news_of[1], 0);
	EQ(c->news[2], ACCOUNTS_BACK);
	end(c);
}

static void nothing_is_cached_before_the_feed_runs(void)
{
	struct client *c = start();
	int fd;
	fake_accounts_again(&c->far, &fd);
	accounts_link_up(c->a, fd);
	AWAIT(c->l, c->far.n_feeds == 2);
	c->far.n_asked = 0;
	(void)look_up(c, "alice@x", 1, "alice@x");
	OK(!is_cached(c, "alice@x"));
	end(c);
}

static void nonsense_closes_the_link(void)
{
	struct client *c = start();
	fake_accounts_send(&c->far, &(struct acct_msg){ .type = ACCT_LOOKUP });
	AWAIT(c->l, c->n_news == 1);
	EQ(c->news[0], ACCOUNTS_LOST);
	AWAIT(c->l, c->far.link == NULL);
	end(c);
}

static void without_an_answer_requests_end(void)
{
	struct client *c = start();
	struct answer a = { 0 }, b = { 0 };
	struct addr peer = { .sa = { .sa_family = AF_UNSPEC } };
	fake_accounts_die(&c->far);
	OK(accounts_lookup(c->a, STR("alice@x"), on_lookup, &a) != NULL);
	OK(accounts_auth(c->a, &(struct accounts_leg){ .peer = &peer }, on_verdict, &b) != NULL);
	AWAIT(c->l, a.calls == 1 && b.calls == 1);
	EQ(a.err, -ETIMEDOUT);
	EQ(b.verdict.verdict, ACCOUNTS_FAILED);
	end(c);
}

static void who_waits_for_the_provider_holds_up_nobody(void)
{
	struct client *c = start();
	struct answer a = { 0 }, b = { 0 }, d = { 0 };
	struct addr peer = { .sa = { .sa_family = AF_UNSPEC } };
	struct accounts_leg leg = { .mech = ACCOUNTS_OIDC_BACK, .peer = &peer };
	fake_accounts_die(&c->far);
	OK(accounts_lookup(c->a, STR("alice@x"), on_lookup, &a) != NULL);
	OK(accounts_auth(c->a, &leg, on_verdict, &b) != NULL);
	OK(accounts_lookup(c->a, STR("bob@x"), on_lookup, &d) != NULL);
	loop_clock_move(c->l, (ACCOUNTS_WAIT_S + 1) * USEC_PER_SEC);
	AWAIT(c->l, a.calls == 1 && d.calls == 1);
	EQ(b.calls, 0);
	loop_clock_move(c->l, (ACCOUNTS_OIDC_WAIT_S - ACCOUNTS_WAIT_S) * USEC_PER_SEC);
	loop_turn(c->l, 0);
	EQ(b.calls, 1);
	EQ(b.verdict.verdict, ACCOUNTS_FAILED);
	end(c);
}

static void requests_outlive_the_client(void)
{
	struct client *c = start();
	struct answer a = { 0 };
	(void)look_up(c, "bob@x", 2, "bob@x");
	struct accounts_req *open = accounts_lookup(c->a, STR("alice@x"), on_lookup, &a);
	struct accounts_req *ready = accounts_lookup(c->a, STR("bob@x"), on_lookup, &a);
	accounts_free(&c->a);
	loop_turn(c->l, 0);
	accounts_req_free(&open);
	accounts_req_free(&ready);
	EQ(a.calls, 0);
	end(c);
}

static void oversized_key_is_nobody(void)
{
	struct client *c = start();
	struct answer a = { 0 };
	char key[ACCT_TEXT_MAX + 1];
	memset(key, 'a', sizeof(key));
	OK(accounts_lookup(c->a, str_n(key, sizeof(key)), on_lookup, &a) != NULL);
	EQ(a.calls, 0);
	AWAIT(c->l, a.calls == 1);
	EQ(a.err, -ENOENT);
	EQ(c->far.n_asked, 0);
	end(c);
}

/* --- searches ------------------------------------------------------------------------- */

struct found {
	int calls, err;
	size_t n;
	bool more;
	char last[64];
};

static void on_found(void *arg, const struct accounts_found *f)
{
	struct found *ret = arg;
	*ret = (struct found){ ret->calls + 1, f->err, f->n, f->more, "" };
	if (f->n > 0)
		(void)snprintf(ret->last, sizeof(ret->last), "%.*s",
		               (int)f->people[f->n - 1].uri.len, f->people[f->n - 1].uri.p);
}

static struct accounts_req *search(struct client *c, struct found *f)
{
	struct acct_query q = { .max = 10, .n = 1, .rows = { { ACCT_ANY, STR("a") } } };
	return accounts_search(c->a, &q, on_found, f);
}

static void answer_person(struct client *c, uint32_t id, const char *uri)
{
	fake_accounts_send(&c->far,
	                   &(struct acct_msg){ .type = ACCT_PERSON,
	                                       .id = id,
	                                       .person = { .id = 1, .uri = str_of(uri) } });
}

static void answer_end(struct client *c, uint32_t id, enum acct_status status, bool more)
{
	fake_accounts_send(
	        &c->far, &(struct acct_msg){ .type = ACCT_END, .id = id, .end = { status, more } });
}

static void people_are_collected_until_the_end(void)
{
	struct client *c = start();
	struct found f[2] = { { 0 } };
	OK(search(c, &f[0]) && search(c, &f[1]));
	AWAIT(c->l, c->far.n_asked == 2);
	uint32_t first = c->far.asked[0].id, second = c->far.asked[1].id;
	answer_person(c, first, "a@x");
	answer_person(c, second, "b@x");
	answer_person(c, 12345, "nobody asked");
	answer_person(c, first, "c@x");
	answer_end(c, second, ACCT_FOUND, false);
	answer_end(c, first, ACCT_FOUND, true);
	answer_end(c, first, ACCT_FOUND, true);
	AWAIT(c->l, f[0].calls + f[1].calls == 2);
	EQ(f[0].err, 0);
	EQ(f[0].n, 2);
	OK(f[0].more && !f[1].more);
	OK(strcmp(f[0].last, "c@x") == 0 && strcmp(f[1].last, "b@x") == 0);
	end(c);
}

static void members_of_no_group_are_told_from_a_broken_store(void)
{
	struct client *c = start();
	struct found f[2] = { { 0 } };
	for (int i = 0; i < 2; i++)
		OK(accounts_members(c->a, STR("g@x"), 100, on_found, &f[i]) != NULL);
	AWAIT(c->l, c->far.n_asked == 2);
	EQ(c->far.asked[0].members.max, 100);
	answer_end(c, c->far.asked[0].id, ACCT_NONE, false);
	answer_end(c, c->far.asked[1].id, ACCT_BROKEN, false);
	AWAIT(c->l, f[0].calls + f[1].calls == 2);
	EQ(f[0].err, -ENOENT);
	EQ(f[1].err, -EIO);
	end(c);
}

struct shown {
	int calls, err;
	char bytes[64];
};

static void on_photo(void *arg, int err, struct bytes bytes)
{
	struct shown *s = arg;
	s->calls++;
	s->err = err;
	(void)snprintf(s->bytes, sizeof(s->bytes), "%.*s", (int)bytes.len, (const char *)bytes.p);
}

static void a_photo_comes_by_its_name(void)
{
	struct client *c = start();
	struct shown s[2] = { { 0 } };
	for (int i = 0; i < 2; i++)
		OK(accounts_photo(c->a, STR("0af7"), on_photo, &s[i]) != NULL);
	AWAIT(c->l, c->far.n_asked == 2);
	EQ(c->far.asked[0].type, ACCT_PHOTO);
	struct acct_msg m = { .type = ACCT_PICTURE, .id = c->far.asked[1].id };
	m.picture.status = ACCT_NONE;
	fake_accounts_send(&c->far, &m);
	m = (struct acct_msg){ .type = ACCT_PICTURE, .id = c->far.asked[0].id };
	m.picture.bytes = bytes_of(STR("picture"));
	fake_accounts_send(&c->far, &m);
	AWAIT(c->l, s[0].calls + s[1].calls == 2);
	EQ(s[0].err, 0);
	OK(strcmp(s[0].bytes, "picture") == 0);
	EQ(s[1].err, -ENOENT);
	end(c);
}

static void a_search_starts_anew_on_a_new_link(void)
{
	struct client *c = start();
	struct found f = { 0 };
	int fd;
	OK(search(c, &f) != NULL);
	AWAIT(c->l, c->far.n_asked == 1);
	answer_person(c, c->far.asked[0].id, "a@x");
	loop_turn(c->l, 0);
	fake_accounts_again(&c->far, &fd);
	accounts_link_up(c->a, fd);
	AWAIT(c->l, c->far.n_asked == 3);
	answer_person(c, c->far.asked[0].id, "a@x");
	answer_end(c, c->far.asked[0].id, ACCT_FOUND, false);
	AWAIT(c->l, f.calls == 1);
	EQ(f.n, 1);
	end(c);
}

static void a_cancelled_search_is_not_called(void)
{
	struct client *c = start();
	struct found f = { 0 };
	struct accounts_req *r = search(c, &f);
	AWAIT(c->l, c->far.n_asked == 1);
	accounts_req_free(&r);
	answer_person(c, c->far.asked[0].id, "a@x");
	answer_end(c, c->far.asked[0].id, ACCT_FOUND, false);
	struct answer a = look_up(c, "a@x", 1, "a@x");
	EQ(a.calls, 1);
	EQ(f.calls, 0);
	end(c);
}

static void a_query_outside_the_limits_is_not_sent(void)
{
	struct client *c = start();
	struct found f = { 0 };
	OK(accounts_members(c->a, STR("g@x"), 0, on_found, &f) != NULL);
	EQ(f.calls, 0);
	AWAIT(c->l, f.calls == 1);
	EQ(f.err, -EMSGSIZE);
	EQ(c->far.n_asked, 0);
	end(c);
}

int main(void)
{
	RUN(people_are_collected_until_the_end);
	RUN(members_of_no_group_are_told_from_a_broken_store);
	RUN(a_photo_comes_by_its_name);
	RUN(a_search_starts_anew_on_a_new_link);
	RUN(a_cancelled_search_is_not_called);
	RUN(a_query_outside_the_limits_is_not_sent);
	RUN(answers_find_their_requests_in_any_order);
	RUN(records_are_cached_until_they_change);
	RUN(change_overtakes_the_cached_answer);
	RUN(absence_is_cached_until_anything_changes);
	RUN(broken_store_is_not_cached);
	RUN(sign_in_leg_goes_there_and_back);
	RUN(freed_request_is_not_answered);
	RUN(lost_link_is_told_and_open_questions_are_asked_again);
	RUN(gap_in_the_feed_means_anything_may_have_changed);
	RUN(nothing_is_cached_before_the_feed_runs);
	RUN(nonsense_closes_the_link);
	RUN(without_an_answer_requests_end);
	RUN(who_waits_for_the_provider_holds_up_nobody);
	RUN(requests_outlive_the_client);
	RUN(oversized_key_is_nobody);
	return tap_done();
}
