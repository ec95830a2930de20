#include "role/role.h"

#include "tap.h"

#define HOSTS                                                      \
	"[deployment]\ndomains = example.test\n"                   \
	"[host a]\nname = a.example.test\naddresses = 127.0.0.1\n" \
	"[host b]\nname = b.example.test\naddresses = 127.0.0.2\n"
#define ROLES                                                                       \
	"[role frontend]\nhost = a\n[role media-bridge]\nhost = a\nprocesses = 3\n" \
	"[role frontend]\nhost = b\n"

static struct topo *topology(void)
{
	auto_(buf_free) struct buf errors = buf_of(4096);
	struct topo *t =
	        topo_parse(STR(HOSTS ROLES), STR("[local]\nhost = a\n"), "/etc/dt", &errors);
	if (!OK(t != NULL))
		printf("# %.*s\n", (int)errors.len, errors.p);
	return t;
}

static void a_process_of_a_role_has_an_address_that_is_no_users(void)
{
	auto_(topo_free) struct topo *t = topology();
	const struct topo_role *at = topo_role_here(t, STR("media-bridge"));
	char text[ROLE_ADDRESS_MAX];
	struct buf b = BUF_ON(text);
	if (!OK(at != NULL))
		return;
	role_put_address(&b, at, 2);
	OK(str_starts(buf_view(&b), STR("media-bridge/3@")));
	OK(str_eq(str_sub(buf_view(&b), 15, b.len), at->fqdn));
	OK(role_at_address(t, STR("media-bridge"), buf_view(&b)) == at);
	OK(!role_at_address(t, STR("frontend"), buf_view(&b)));
}

static void an_address_of_nobody_in_the_topology_is_none(void)
{
	auto_(topo_free) struct topo *t = topology();
	static const char *const wrong[] = {
		"media-bridge/0@", "media-bridge/4@", "media-bridge/@",    "media-bridge@",
		"media-bridge/x@", "frontend/1@",     "media-bridge/1/1@", "/1@",
	};
	const struct topo_role *at = topo_role_here(t, STR("media-bridge"));
	if (!OK(at != NULL))
		return;
	for (size_t i = 0; i <= ARRAY_SIZE(wrong); i++) {
		char text[ROLE_ADDRESS_MAX];
		struct buf b = BUF_ON(text);
		buf_str(&b, str_of(i < ARRAY_SIZE(wrong) ? wrong[i] : "media-bridge/1@"));
		buf_str(&b, at->fqdn);
		OK(!role_at_address(t, STR("media-bridge"), buf_view(&b)) ==
		   (i < ARRAY_SIZE(wrong)));
	}
	OK(!role_at_address(t, STR("media-bridge"), STR("media-bridge/1@elsewhere.test")));
	OK(!role_at_address(t, STR("media-bridge"), STR("")));
}

static void rights_are_told_in_words(void)
{
	static const char *const requests[] = { "SERVICE", NULL };
	static const char *const fields[] = { "P-Asserted-Identity", NULL };
	static const struct {
		enum role_identity who;
		const char *want;
	} rows[] = {
		{ ROLE_AS_NOBODY, "SERVICE" },
		{ ROLE_AS_OUR_USERS, "for our users: SERVICE" },
		{ ROLE_AS_CONFERENCES, "for conferences: SERVICE" },
		{ ROLE_AS_USERS_AND_BRIDGES, "for our users and the media bridges: SERVICE" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_(buf_free) struct buf b = buf_of(256);
		struct role_right r = { .of = "x", .who = rows[i].who, .requests = requests };
		role_put_right(&b, &r);
		EQ_STR(buf_view(&b), rows[i].want);
		b.len = 0;
		r.fields = fields;
		role_put_right(&b, &r);
		OK(str_find(buf_view(&b), STR("; with P-Asserted-Identity")) > 0);
	}
}

int main(void)
{
	RUN(a_process_of_a_role_has_an_address_that_is_no_users);
	RUN(an_address_of_nobody_in_the_topology_is_none);
	RUN(rights_are_told_in_words);
	return tap_done();
}
