#include "svc/presence/container.h"

#include <errno.h>

#include "tap.h"

static unsigned at(uint32_t id)
{
	int i = container_index(id);
	OK(i >= 0);
	return (unsigned)i;
}

struct entry {
	uint32_t container;
	enum member_type type;
	const char *value;
};
struct decision {
	struct entry members[4];
	const char *who;
	bool foreign;
	uint32_t sees;
};

/* clang-format off */
static const struct decision decisions[] = {
	/* What a new user has: the first two rows. */
	{ { { 0 } }, "bob@example.test", false, 200 },
	{ { { 0 } }, "bob@other.test", true, 100 },
	/* Herself before her domain before the enterprise before everybody. */
	{ { { 400, MEMBER_USER, "bob@example.test" } }, "bob@example.test", false, 400 },
	{ { { 400, MEMBER_USER, "bob@example.test" } }, "BOB@Example.TEST", false, 400 },
	{ { { 400, MEMBER_USER, "bob@example.test" } }, "bobby@example.test", false, 200 },
	{ { { 100, MEMBER_USER, "bob@example.test" }, { 300, MEMBER_DOMAIN, "example.test" } }, "bob@example.test", false, 100 },
	{ { { 100, MEMBER_USER, "bob@example.test" }, { 300, MEMBER_DOMAIN, "example.test" } }, "eve@example.test", false, 300 },
	{ { { 300, MEMBER_DOMAIN, "OTHER.test" } }, "bob@other.test", true, 300 },
	{ { { 300, MEMBER_DOMAIN, "other.test" } }, "bob@sub.other.test", true, 100 },
	{ { { 300, MEMBER_DOMAIN, "other.test" } }, "other.test", true, 100 },
	{ { { 400, MEMBER_EVERYONE, "" } }, "bob@example.test", false, 200 },
	{ { { 400, MEMBER_PUBLIC_CLOUD, "" } }, "bob@other.test", true, 100 },
	/* Blocked. */
	{ { { 32000, MEMBER_USER, "bob@example.test" } }, "bob@example.test", false, 32000 },
	{ { { 32000, MEMBER_DOMAIN, "other.test" } }, "bob@other.test", true, 32000 },
	{ { { 32000, MEMBER_DOMAIN, "other.test" }, { 400, MEMBER_USER, "bob@other.test" } }, "bob@other.test", true, 400 },
	{ { { 32000, MEMBER_FEDERATED, "" } }, "bob@other.test", true, 32000 },
	/* Twice in the same way: the higher container. */
	{ { { 400, MEMBER_USER, "bob@example.test" }, { 300, MEMBER_USER, "bob@example.test" } }, "bob@example.test", false, 400 },
	{ { { 300, MEMBER_USER, "bob@example.test" }, { 32000, MEMBER_USER, "bob@example.test" }, { 400, MEMBER_USER, "bob@example.test" } }, "bob@example.test", false, 32000 },
	/* Nobody. */
	{ { { 0 } }, "", true, 100 },
};
/* clang-format on */

static uint32_t sees(const struct containers *c, const struct container_watcher *w)
{
	enum member_type by;
	return containers_of(c, w, &by);
}

static void a_watcher_sees_the_container_that_names_her_most_specifically(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++) {
		const struct decision *d = &decisions[i];
		struct containers c;
		containers_init(&c);
		for (size_t k = 0; k < ARRAY_SIZE(d->members) && d->members[k].container; k++) {
			const struct entry *e = &d->members[k];
			OK(containers_add(&c, at(e->container), e->type, str_of(e->value)));
		}
		struct container_watcher w = { str_of(d->who), !d->foreign };
		EQ(sees(&c, &w), d->sees);
		containers_done(&c);
	}
}

static void who_is_in_no_container_sees_what_everybody_sees(void)
{
	struct containers c = { 0 };
	struct container_watcher w = { STR("bob@example.test"), true };
	EQ(sees(&c, &w), CONTAINER_ALL);
	OK(containers_add(&c, at(CONTAINER_PERSONAL), MEMBER_EVERYONE, STR("")));
	EQ(sees(&c, &w), CONTAINER_PERSONAL);
	containers_done(&c);
}

static void adding_twice_and_removing_what_is_not_there_changes_nothing(void)
{
	struct containers c;
	unsigned team = at(CONTAINER_TEAM);
	containers_init(&c);
	EQ(c.n_members, 2);
	OK(containers_add(&c, team, MEMBER_USER, STR("bob@example.test")));
	OK(!containers_add(&c, team, MEMBER_USER, STR("Bob@example.test")));
	OK(containers_find(&c, team, MEMBER_USER, STR("bob@EXAMPLE.test")) != NULL);
	OK(containers_find(&c, team, MEMBER_DOMAIN, STR("bob@example.test")) == NULL);
	EQ(c.n_members, 3);
	EQ(c.n_bytes, 16);
	OK(!containers_remove(&c, team, MEMBER_USER, STR("eve@example.test")));
	OK(!containers_remove(&c, at(CONTAINER_PUBLIC), MEMBER_USER, STR("bob@example.test")));
	OK(containers_remove(&c, team, MEMBER_USER, STR("BOB@example.test")));
	EQ(c.n_members, 2);
	EQ(c.n_bytes, 0);
	containers_done(&c);
	EQ(c.n_members, 0);
	OK(c.first == NULL);
}

static void a_value_that_is_too_long_is_cut(void)
{
	char text[CONTAINER_VALUE_MAX + 50];
	struct containers c = { 0 };
	memset(text, 'a', sizeof(text));
	OK(containers_add(&c, 0, MEMBER_USER, str_n(text, sizeof(text))));
	EQ(c.first->len, CONTAINER_VALUE_MAX);
	containers_done(&c);
}

static void containers_and_types_have_names(void)
{
	enum member_type t = N_MEMBER_TYPES;
	for (unsigned i = 0; i < N_CONTAINERS; i++)
		EQ(container_index(container_id(i)), i);
	EQ(container_index(4), -ENOENT);
	EQ(container_index(UINT32_MAX), -ENOENT);
	for (int i = 0; i < N_MEMBER_TYPES; i++) {
		EQ(member_type_of(str_of(member_type_name((enum member_type)i)), &t), 0);
		EQ(t, i);
	}
	EQ(member_type_of(STR("sameenterprise"), &t), 0);
	EQ(member_type_of(STR("nobody"), &t), -EINVAL);
	EQ(member_type_of(STR(""), &t), -EINVAL);
}

int main(void)
{
	RUN(a_watcher_sees_the_container_that_names_her_most_specifically);
	RUN(who_is_in_no_container_sees_what_everybody_sees);
	RUN(adding_twice_and_removing_what_is_not_there_changes_nothing);
	RUN(a_value_that_is_too_long_is_cut);
	RUN(containers_and_types_have_names);
	return tap_done();
}
