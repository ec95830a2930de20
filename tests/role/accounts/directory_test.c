/* The directory and distribution groups: commands, and what other roles are answered. */
#include <errno.h>

#include "accounts/harness.h"

static bool says(const char *answer, const char *what)
{
	bool ok = strstr(answer, what) != NULL;
	if (!ok)
		printf("# \"%s\" is not in: %s\n", what, answer);
	return ok;
}

struct found {
	int calls, err;
	size_t n;
	bool more;
	char uris[4096];
	char first[512]; /* some of the first one's texts */
};

static void on_found(void *arg, const struct accounts_found *f)
{
	struct found *ret = arg;
	struct buf b = BUF_ON(ret->uris), first = BUF_ON(ret->first);
	ret->calls++;
	ret->err = f->err;
	ret->n = f->n;
	ret->more = f->more;
	for (size_t i = 0; i < f->n; i++)
		buf_printf(&b, "%s%" STR_FMT, i ? " " : "", STR_ARG(f->people[i].uri));
	if (f->n > 0)
		buf_printf(&first, "%" STR_FMT "/%" STR_FMT "/%" STR_FMT,
		           STR_ARG(f->people[0].display_name), STR_ARG(f->people[0].office),
		           STR_ARG(f->people[0].country));
	ret->uris[b.len] = ret->first[first.len] = 0;
}

static struct found search(struct harness *h, enum acct_field field, const char *text, uint32_t max)
{
	struct found f = { 0 };
	struct acct_query q = { .max = max, .n = 1, .rows = { { field, str_of(text) } } };
	OK(accounts_search(h->accounts, &q, on_found, &f) != NULL);
	EQ(f.calls, 0);
	AWAIT(h->l, f.calls == 1);
	return f;
}

static struct found members(struct harness *h, const char *group, uint32_t max)
{
	struct found f = { 0 };
	OK(accounts_members(h->accounts, str_of(group), max, on_found, &f) != NULL);
	AWAIT(h->l, f.calls == 1);
	return f;
}

static void done(struct harness *h, const char *cmd, const char *args)
{
	const char *r = run(h, cmd, args);
	if (!OK(r[0] == '"'))
		printf("# %s %s: %s\n", cmd, args, r);
}

/* --- people --------------------------------------------------------------------------- */

static void phonebook_are_found_over_the_link(void)
{
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	add_user(h, "bob", "correct horse");
	done(h, "user set",
	     "{\"user\":\"alice\",\"name\":\"Alice M\u00fcller\",\"office\":\"Building 7\","
	     "\"company\":\"Contoso\",\"city\":\"Berlin\",\"state\":\"BE\","
	     "\"country\":\"DE\"}");
	struct found f = search(h, ACCT_ANY, "mull build", 10);
	EQ(f.err, 0);
	EQ_STR(str_of(f.uris), "alice@example.test");
	EQ_STR(str_of(f.first), "Alice M\u00fcller/Building 7/DE");
	EQ_STR(str_of(search(h, ACCT_COUNTRY, "d", 10).uris), "alice@example.test");
	EQ_STR(str_of(search(h, ACCT_URI, "sip:bob@", 10).uris), "bob@example.test");
	f = search(h, ACCT_GIVEN, "nobody", 10);
	EQ(f.err, 0);
	EQ(f.n, 0);
	OK(!f.more);
	harness_end(h);
}

static void a_search_ends_at_its_limit_and_tells(void)
{
	struct harness *h = harness_start();
	add_user(h, "anna", "correct horse");
	add_user(h, "anton", "correct horse");
	struct found f = search(h, ACCT_ANY, "an", 1);
	EQ_STR(str_of(f.uris), "anna@example.test");
	OK(f.more);
	f = search(h, ACCT_ANY, "an", 2);
	EQ_STR(str_of(f.uris), "anna@example.test anton@example.test");
	OK(!f.more);
	EQ(search(h, ACCT_ANY, "an", 0).err, -EMSGSIZE);
	EQ(search(h, ACCT_ANY, "an", ACCT_FOUND_MAX + 1).err, -EMSGSIZE);
	harness_end(h);
}

static void hidden_and_disabled_people_are_found_by_nobody(void)
{
	struct harness *h = harness_start();
	add_user(h, "anna", "correct horse");
	add_user(h, "anton", "correct horse");
	done(h, "user set", "{\"user\":\"anna\",\"hidden\":\"yes\"}");
	done(h, "user disable", "{\"user\":\"anton\"}");
	EQ(search(h, ACCT_ANY, "an", 10).n, 0);
	EQ(search(h, ACCT_URI, "anna@example.test", 10).n, 0);
	OK(says(run(h, "directory search", "{\"text\":\"an\"}"), "{\"people\":[]"));
	OK(says(run(h, "user show", "{\"user\":\"anna\"}"), "\"hidden\":true"));
	done(h, "user set", "{\"user\":\"anna\",\"hidden\":\"no\"}");
	done(h, "user enable", "{\"user\":\"anton\"}");
	EQ(search(h, ACCT_ANY, "an", 10).n, 2);
	OK(says(run(h, "user set", "{\"user\":\"anna\",\"hidden\":\"perhaps\"}"), "yes or no"));
	harness_end(h);
}

static void the_tool_finds_what_clients_find(void)
{
	struct harness *h = harness_start();
	add_user(h, "anna", "correct horse");
	add_user(h, "anton", "correct horse");
	const char *r = run(h, "directory search", "{\"text\":\"an\",\"max\":1}");
	OK(says(r, "\"user\":\"anna@example.test\"") && says(r, "\"more\":true"));
	OK(!strstr(r, "anton"));
	r = run(h, "directory search", "{\"text\":\"an\"}");
	OK(says(r, "},{\"user\":\"anton@example.test\"") && says(r, "\"more\":false"));
	OK(says(run(h, "directory search", "{\"text\":\"an\",\"max\":101}"), "from 1 to 100"));
	harness_end(h);
}

static void a_restarted_role_finds_the_same(void)
{
	struct harness *h = harness_start();
	add_user(h, "anna", "correct horse");
	harness_stop_role(h);
	harness_start_role(h);
	harness_link(h);
	EQ_STR(str_of(search(h, ACCT_ANY, "anna", 1).uris), "anna@example.test");
	harness_end(h);
}

/* --- groups --------------------------------------------------------------------------- */

static struct harness *with_group(void)
{
	struct harness *h = harness_start();
	add_user(h, "anna", "correct horse");
	add_user(h, "bob", "correct horse");
	done(h, "group add", "{\"group\":\"Staff\",\"name\":\"All of us\"}");
	done(h, "group member", "{\"action\":\"add\",\"group\":\"staff\",\"member\":\"Bob\"}");
	done(h, "group member",
	     "{\"action\":\"add\",\"group\":\"staff\",\"member\":\"sip:X@Other.test\"}");
	done(h, "group member",
	     "{\"action\":\"add\",\"group\":\"staff@example.test\",\"member\":\"anna\"}");
	return h;
}

static void members_of_a_group_are_listed(void)
{
	struct harness *h = with_group();
	OK(says(run(h, "group list", "{}"),
	        "[{\"group\":\"staff@example.test\",\"name\":\"All of us\",\"members\":3}]"));
	const char *r = run(h, "group show", "{\"group\":\"staff\"}");
	OK(says(r, "\"members\":[{\"member\":\"anna@example.test\""));
	OK(says(r, "{\"member\":\"x@other.test\",\"name\":\"\",\"kind\":\"address\"}]}"));
	struct found f = members(h, "staff@example.test", 10);
	EQ(f.err, 0);
	EQ_STR(str_of(f.uris), "anna@example.test bob@example.test x@other.test");
	OK(!f.more);
	f = members(h, "staff@example.test", 2);
	EQ_STR(str_of(f.uris), "anna@example.test bob@example.test");
	OK(f.more);
	EQ(members(h, "anna@example.test", 10).err, -ENOENT);
	EQ(members(h, "nobody@example.test", 10).err, -ENOENT);
	harness_end(h);
}

static void members_follow_their_accounts(void)
{
	struct harness *h = with_group();
	done(h, "user disable", "{\"user\":\"anna\"}");
	EQ_STR(str_of(members(h, "staff@example.test", 2).uris), "bob@example.test x@other.test");
	OK(says(run(h, "group show", "{\"group\":\"staff\"}"), "\"kind\":\"disabled user\""));
	done(h, "user remove", "{\"user\":\"bob\"}");
	EQ_STR(str_of(members(h, "staff@example.test", 2).uris), "x@other.test");
	done(h, "group member",
	     "{\"action\":\"remove\",\"group\":\"staff\",\"member\":\"x@other.test\"}");
	EQ(members(h, "staff@example.test", 2).n, 0);
	harness_end(h);
}

static void on_lookup(void *arg, int err, const struct account *acc)
{
	*(int *)arg = err ? err : acc->group ? 1 : 2;
}

static int look_up(struct harness *h, const char *key)
{
	int r = 0;
	OK(accounts_lookup(h->accounts, str_of(key), on_lookup, &r) != NULL);
	AWAIT(h->l, r != 0);
	return r;
}

static void a_look_up_tells_groups_from_users(void)
{
	struct harness *h = with_group();
	EQ(look_up(h, "staff@example.test"), 1);
	EQ(look_up(h, "anna@example.test"), 2);
	done(h, "group remove", "{\"group\":\"staff\"}");
	AWAIT(h->l, look_up(h, "staff@example.test") == -ENOENT);
	OK(says(run(h, "group list", "{}"), "[]"));
	harness_end(h);
}

static void changes_of_a_group_are_told(void)
{
	struct harness *h = with_group();
	h->n_news = 0;
	done(h, "group set", "{\"group\":\"staff\",\"name\":\"Everybody\"}");
	AWAIT(h->l, h->n_news == 1);
	EQ(h->news[0].event, ACCOUNTS_CHANGED);
	uint64_t group = h->news[0].account;
	done(h, "group member", "{\"action\":\"remove\",\"group\":\"staff\",\"member\":\"anna\"}");
	AWAIT(h->l, h->n_news == 2);
	EQ(h->news[1].account, group);
	OK(says(run(h, "group list", "{}"), "\"name\":\"Everybody\",\"members\":2"));
	harness_end(h);
}

static void users_and_groups_share_their_names(void)
{
	struct harness *h = with_group();
	OK(says(run(h, "group add", "{\"group\":\"anna\"}"), "There is a user anna@"));
	OK(says(run(h, "group add", "{\"group\":\"staff\"}"), "There is a group staff@"));
	OK(says(run(h, "user add", "{\"user\":\"staff\",\"password\":\"correct horse\"}"),
	        "There is a group staff@"));
	OK(says(run(h, "user show", "{\"user\":\"staff\"}"), "is a distribution group"));
	OK(says(run(h, "user remove", "{\"user\":\"staff\"}"), "is a distribution group"));
	OK(says(run(h, "group remove", "{\"group\":\"anna\"}"), "There is no group"));
	OK(says(run(h, "user set", "{\"user\":\"anna\",\"manager\":\"staff\"}"), "is no user"));
	OK(!strstr(run(h, "user list", "{}"), "staff"));
	struct phone p;
	phone_start(&p, h, "staff", "correct horse", "192.0.2.1");
	EQ(phone_try(&p), AUTH_REFUSE);
	phone_end(&p);
	harness_end(h);
}

static const char *member(struct harness *h, const char *action, const char *who)
{
	char args[256];
	(void)snprintf(args, sizeof(args),
	               "{\"action\":\"%s\",\"group\":\"staff\",\"member\":\"%s\"}", action, who);
	return run(h, "group member", args);
}

static void mistakes_with_members_are_explained(void)
{
	struct harness *h = with_group();
	OK(says(member(h, "add", "anna"), "anna@example.test is a member of the group already"));
	OK(says(member(h, "remove", "y@other.test"), "is no member of the group"));
	OK(says(member(h, "add", "nobody"), "neither a user"));
	OK(says(member(h, "add", "nobody@example.test"), "neither a user"));
	OK(says(member(h, "add", "@"), "neither a user"));
	OK(says(member(h, "add", ""), "neither a user"));
	OK(says(member(h, "add", "staff"), "no groups as members"));
	OK(says(member(h, "drop", "anna"), "add or remove"));
	OK(says(run(h, "group show", "{\"group\":\"none\"}"), "There is no group"));
	OK(says(run(h, "group add", "{\"group\":\"a b\"}"), "is no user name"));
	OK(says(run(h, "group set", "{\"group\":\"staff\"}"), "Nothing to change"));
	harness_end(h);
}

int main(void)
{
	RUN(phonebook_are_found_over_the_link);
	RUN(a_search_ends_at_its_limit_and_tells);
	RUN(hidden_and_disabled_people_are_found_by_nobody);
	RUN(the_tool_finds_what_clients_find);
	RUN(a_restarted_role_finds_the_same);
	RUN(members_of_a_group_are_listed);
	RUN(members_follow_their_accounts);
	RUN(a_look_up_tells_groups_from_users);
	RUN(changes_of_a_group_are_told);
	RUN(users_and_groups_share_their_names);
	RUN(mistakes_with_members_are_explained);
	return tap_done();
}
