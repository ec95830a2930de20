#include "svc/oidc/flow.h"

#include <errno.h>

#include "tap.h"

enum { NOW = 1800000000 };

static const uint8_t key[SEAL_KEY_LEN] = { 1 }, other_key[SEAL_KEY_LEN] = { 2 };

static void a_flow_comes_back_from_the_browser(void)
{
	struct seal *seal = seal_new(key);
	auto_(buf_free) struct buf cookie = buf_of(FLOW_COOKIE_MAX);
	struct flow f, back;
	flow_make(&f, STR("https://sip.test/x"), NOW);
	f.account = 7;
	f.login = 9;
	flow_put(&cookie, seal, &f);
	EQ(flow_get(&back, seal, buf_view(&cookie), NOW + FLOW_LIFE_S - 1), 0);
	OK(memcmp(&f, &back, sizeof(f)) == 0);
	struct oidc_flow v = flow_view(&back, STR("us"));
	EQ_STR(v.redirect, "https://sip.test/x");
	EQ_STR(v.client, "us");
	EQ(v.state.len, FLOW_MARK_LEN);
	EQ(v.nonce.len, FLOW_MARK_LEN);
	EQ(v.verifier.len, OIDC_VERIFIER_LEN);
	OK(v.fresh && !str_eq(v.state, v.nonce));
	EQ(flow_get(&back, seal, buf_view(&cookie), NOW + FLOW_LIFE_S), -ETIME);
	EQ(flow_get(&back, seal, buf_view(&cookie), NOW - 1), -ETIME);
	seal_free(&seal);
}

static void the_longest_one_fits_its_cookie(void)
{
	static char redirect[FLOW_REDIRECT_MAX + 1];
	struct seal *seal = seal_new(key);
	auto_(buf_free) struct buf cookie = buf_of(FLOW_COOKIE_MAX);
	struct flow f, back;
	memset(redirect, 'a', FLOW_REDIRECT_MAX);
	flow_make(&f, str_of(redirect), NOW);
	flow_put(&cookie, seal, &f);
	OK(!cookie.full);
	EQ(flow_get(&back, seal, buf_view(&cookie), NOW), 0);
	EQ_STR(str_of(back.redirect), redirect);
	seal_free(&seal);
}

static void what_is_none_of_ours_is_refused(void)
{
	struct seal *seal = seal_new(key), *other = seal_new(other_key);
	auto_(buf_free) struct buf cookie = buf_of(FLOW_COOKIE_MAX);
	struct flow f, back;
	flow_make(&f, STR("https://sip.test/x"), NOW);
	flow_put(&cookie, seal, &f);
	EQ(flow_get(&back, other, buf_view(&cookie), NOW), -EBADMSG);
	for (size_t i = 0; i < cookie.len; i++) {
		char old = cookie.p[i];
		EQ(flow_get(&back, seal, str_n(cookie.p, i), NOW), -EBADMSG);
		cookie.p[i] = old == 'A' ? 'B' : 'A';
		/* The last letter has bits that say nothing. */
		OK(i + 1 == cookie.len || flow_get(&back, seal, buf_view(&cookie), NOW) < 0);
		cookie.p[i] = old;
	}
	EQ(flow_get(&back, seal, STR(""), NOW), -EBADMSG);
	EQ(flow_get(&back, seal, STR("%%%"), NOW), -EBADMSG);
	seal_free(&seal);
	seal_free(&other);
}

static void a_flow_is_good_once(void)
{
	struct flows_used *u = flows_used_new();
	struct flow f, other;
	flow_make(&f, STR("x"), NOW);
	OK(flows_use(u, &f));
	OK(!flows_use(u, &f));
	for (int i = 0; i < FLOWS_USED_MAX - 1; i++) {
		flow_make(&other, STR("x"), NOW);
		OK(flows_use(u, &other));
	}
	OK(!flows_use(u, &f));
	flow_make(&other, STR("x"), NOW);
	OK(flows_use(u, &other));
	OK(flows_use(u, &f)); /* the oldest is forgotten */
	flows_used_free(&u);
}

int main(void)
{
	RUN(a_flow_comes_back_from_the_browser);
	RUN(the_longest_one_fits_its_cookie);
	RUN(what_is_none_of_ours_is_refused);
	RUN(a_flow_is_good_once);
	return tap_done();
}
