/* The commands as `dialtone` sends them, and the links: restarts, feeds, nonsense. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accounts/harness.h"
#include "base/code.h"
#include "svc/user/commands.h"
#include "svc/user/open.h"

#define GOOD "\"password\":\"correct horse\""

static bool says(const char *answer, const char *what)
{
	bool ok = strstr(answer, what) != NULL;
	if (!ok)
		printf("# \"%s\" is not in: %s\n", what, answer);
	return ok;
}

/* --- commands ----------------------------------------------------------------- */

static void user_is_made_shown_and_listed(void)
{
	struct harness *h = harness_start();
	const char *r =
	        run(h, "user add",
	            "{\"user\":\"Alice\"," GOOD ",\"name\":\"Alice \\\"A\\\" \xc3\x84nders\","
	            "\"email\":\"alice@mail.test\",\"phone\":\"+4930123456\","
	            "\"extension\":\"456\",\"department\":\"D\",\"title\":\"T\"}");
	OK(says(r, "{\"user\":\"alice@example.test\"}"));
	OK(run(h, "user add", "{\"user\":\"bob\"," GOOD ",\"manager\":\"ALICE\"}")[0] == '{');
	r = run(h, "user show", "{\"user\":\"+4930123456\"}");
	OK(says(r, "\"user\":\"alice@example.test\""));
	OK(says(r, "\"name\":\"Alice \\\"A\\\" \xc3\x84nders\""));
	OK(says(r, "\"extension\":\"456\"") && says(r, "\"department\":\"D\""));
	OK(says(r, "\"schemes\":\"Digest (MD5, or SHA-256 where a listener says so); NTLM\""));
	OK(says(run(h, "user show", "{\"user\":\"sip:bob@example.test\"}"),
	        "\"manager\":\"alice@example.test\""));
	r = run(h, "user list", "{}");
	const char *why = NULL;
	cJSON *json = ctl_parse_json(str_of(r), &why);
	EQ(cJSON_GetArraySize(json), 2);
	cJSON_Delete(json);
	OK(says(r, "\"disabled\":false") && !strstr(r, "correct horse"));
	harness_end(h);
}

static void mistakes_are_explained(void)
{
	struct harness *h = harness_start();
	OK(run(h, "user list", "{}")[0] == '[');
	OK(says(run(h, "user add", "{\"user\":\"al ice\"," GOOD "}"),
	        "!\"al ice\" is no user name"));
	OK(says(run(h, "user add", "{\"user\":\"a@b.test\"," GOOD "}"), "none of this server's"));
	OK(says(run(h, "user add", "{\"user\":\"alice\",\"password\":\"abc\"}"), "less than 8"));
	OK(says(run(h, "user add", "{\"user\":\"alice\",\"password\":\"alice2345\"}"),
	        "contains the user's name"));
	OK(says(run(h, "user add", "{\"user\":\"alice\"," GOOD ",\"phone\":\"030 1\"}"), "E.164"));
	OK(says(run(h, "user add", "{\"user\":\"alice\"," GOOD ",\"manager\":\"nobody\"}"),
	        "manager \"nobody\" is no user"));
	add_user(h, "alice", "correct horse");
	OK(says(run(h, "user add", "{\"user\":\"ALICE\"," GOOD "}"), "There is a user alice@"));
	OK(says(run(h, "user show", "{\"user\":\"bob\"}"),
	        "There is no user \"bob\". `dialtone user list`"));
	OK(says(run(h, "user show", "{\"user\":\"Alcie@example.test\"}"),
	        "\"Alcie@example.test\". Did you mean alice? `dialtone"));
	OK(says(run(h, "user show", "{\"user\":\"a\\nb\"}"), "There is no user"));
	OK(says(run(h, "user set", "{\"user\":\"alice\"}"), "Nothing to change was given"));
	OK(says(run(h, "user set", "{\"user\":\"alice\",\"ntlm\":\"maybe\"}"), "yes or no"));
	OK(says(run(h, "user set", "{\"user\":\"alice\",\"max-endpoints\":101}"), "from 1 to 100"));
	OK(says(run(h, "user set", "{\"user\":\"alice\",\"max-endpoints\":-1}"), "from 1 to 100"));
	OK(says(run(h, "user set", "{\"user\":\"alice\",\"photo\":\"YWJj\"}"), "no JPEG"));
	OK(says(run(h, "user set", "{\"user\":\"alice\",\"photo\":\"!\"}"), "must be a JPEG"));
	OK(says(run(h, "user passwd", "{\"user\":\"alice\",\"password\":\"12345678\"}"), "first"));
	OK(says(run(h, "device add", "{\"user\":\"alice\",\"name\":\" \"}"), "needs a name"));
	OK(says(run(h, "device remove", "{\"user\":\"alice\",\"name\":\"x\"}"), "has no device"));
	harness_end(h);
}

static void taken_number_names_its_holder(void)
{
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	add_user(h, "bob", "correct horse");
	OK(run(h, "user set", "{\"user\":\"alice\",\"extension\":\"12\"}")[0] == '"');
	OK(says(run(h, "user set", "{\"user\":\"bob\",\"extension\":\"12\"}"),
	        "belongs to alice@example.test. Take it from there first"));
	/* One's own number again is no clash. */
	OK(run(h, "user set", "{\"user\":\"alice\",\"extension\":\"12\"}")[0] == '"');
	OK(run(h, "user set", "{\"user\":\"alice\",\"extension\":\"\"}")[0] == '"');
	OK(run(h, "user set", "{\"user\":\"bob\",\"extension\":\"12\"}")[0] == '"');
	harness_end(h);
}

static void data_are_set_and_shown(void)
{
	struct harness *h = harness_start();
	auto_(buf_free) struct buf args = buf_of(64 * 1024), photo = buf_of(USER_PHOTO_MAX);
	add_user(h, "alice", "correct horse");
	buf_lit(&photo, "\xff\xd8\xff\xc0\x00\x0b\x08\x00\x60\x00\x60");
	memset(buf_room(&photo, USER_PHOTO_MAX - 11), 'x', USER_PHOTO_MAX - 11);
	photo.len = USER_PHOTO_MAX;
	buf_lit(&args, "{\"user\":\"alice\",\"title\":\"Chief\",\"sha256-only\":\"yes\",\"ntlm\":"
	               "\"no\",\"max-endpoints\":3,\"photo\":\"");
	base64_put(&args, photo.p, photo.len);
	buf_lit(&args, "\"}");
	buf_char(&args, 0);
	OK(says(run(h, "user set", args.p), "\"alice@example.test is changed.\""));
	const char *r = run(h, "user show", "{\"user\":\"alice\"}");
	OK(says(r, "\"title\":\"Chief\"") && says(r, "\"max_endpoints\":3"));
	OK(says(r, "\"max_endpoints_is\":\"this user's own"));
	OK(says(run(h, "user set", "{\"user\":\"alice\",\"max-endpoints\":0}"), "is changed"));
	r = run(h, "user show", "{\"user\":\"alice\"}");
	OK(says(r, "\"max_endpoints\":8,\"max_endpoints_is\":\"the default"));
	OK(says(r, "\"photo_bytes\":30720"));
	OK(says(r,
	        "Digest (SHA-256 alone, by this user's policy); no NTLM, by this user's policy"));
	OK(run(h, "user set", "{\"user\":\"alice\",\"photo\":\"\",\"ntlm\":\"yes\"}")[0] == '"');
	r = run(h, "user show", "{\"user\":\"alice\"}");
	OK(says(r, "\"photo_bytes\":0") && says(r, "its hash comes with the next password"));
	OK(run(h, "user passwd", "{\"user\":\"alice\",\"password\":\"another horse\"}")[0] == '"');
	OK(says(run(h, "user show", "{\"user\":\"alice\"}"), "; NTLM\""));
	harness_end(h);
}

static void devices_are_at_most_sixteen(void)
{
	struct harness *h = harness_start();
	char args[64];
	add_user(h, "alice", "correct horse");
	for (int i = 0; i < USERDB_DEVICES_MAX; i++) {
		(void)snprintf(args, sizeof(args), "{\"user\":\"alice\",\"name\":\"d%d\"}", i);
		OK(run(h, "device add", args)[0] == '{');
	}
	OK(says(run(h, "device add", "{\"user\":\"alice\",\"name\":\"more\"}"), "has 16 devices"));
	OK(says(run(h, "device add", "{\"user\":\"alice\",\"name\":\"D3\"}"), "already"));
	OK(run(h, "device remove", "{\"user\":\"alice\",\"name\":\"d3\"}")[0] == '"');
	OK(run(h, "device add", "{\"user\":\"alice\",\"name\":\"D3\"}")[0] == '{');
	OK(says(run(h, "user show", "{\"user\":\"alice\"}"), "\"devices\":16"));
	harness_end(h);
}

static void device_shows_when_it_was_used(void)
{
	struct harness *h = harness_start();
	struct phone p;
	char password[PASSWORD_DEVICE_LEN + 1];
	add_user(h, "alice", "correct horse");
	const char *made = run(h, "device add", "{\"user\":\"alice\",\"name\":\"desk\"}");
	const char *at = strstr(made, "\"password\":\"");
	OK(at != NULL);
	(void)snprintf(password, sizeof(password), "%s", at ? at + 12 : "");
	OK(says(run(h, "device list", "{\"user\":\"alice\"}"), "\"used_at\":null"));
	phone_start(&p, h, "alice", password, "192.0.2.1");
	EQ(phone_try(&p), AUTH_ACCEPT);
	phone_end(&p);
	/* Written behind. */
	AWAIT(h->l, !strstr(run(h, "device list", "{\"user\":\"alice\"}"), "\"used_at\":null"));
	harness_end(h);
}

static void removed_user_is_gone_for_all(void)
{
	struct harness *h = harness_start();
	struct phone p;
	add_user(h, "alice", "correct horse");
	phone_start(&p, h, "alice", "correct horse", "192.0.2.1");
	EQ(phone_try(&p), AUTH_ACCEPT);
	uint64_t account = p.account;
	OK(run(h, "user remove", "{\"user\":\"alice\"}")[0] == '"');
	AWAIT(h->l, harness_told(h, ACCOUNTS_DISABLED, account));
	EQ(phone_try(&p), AUTH_REFUSE);
	OK(says(run(h, "user show", "{\"user\":\"alice\"}"), "There is no user"));
	add_user(h, "alice", "another horse");
	p.password = "another horse";
	EQ(phone_try(&p), AUTH_ACCEPT);
	OK(p.account != account);
	phone_end(&p);
	harness_end(h);
}

/* --- links -------------------------------------------------------------------- */

static void restarted_role_feeds_what_was_missed(void)
{
	struct harness *h = harness_start();
	struct phone p;
	auto_(buf_free) struct buf why = buf_of(4096);
	add_user(h, "alice", "correct horse");
	phone_start(&p, h, "alice", "correct horse", "192.0.2.1");
	EQ(phone_try(&p), AUTH_ACCEPT);
	harness_stop_role(h);
	AWAIT(h->l, harness_told(h, ACCOUNTS_LOST, 0));
	/* What is known goes on while accounts is away. */
	EQ(phone_send(&p), 0);
	EQ(p.kind, AUTH_ACCEPT);
	/* As the tool does while the server is stopped. */
	struct user_admin offline = { .db = userdb_open_configured(h->l, h->topo, h->env.self,
		                                                   h->dir.path, h->env.seal_key,
		                                                   &why) };
	OK(offline.db != NULL);
	h->role = &offline;
	OK(run(h, "user disable", "{\"user\":\"alice\"}")[0] == '"');
	userdb_close(&offline.db);
	h->n_news = 0;
	harness_start_role(h);
	harness_link(h);
	AWAIT(h->l, harness_told(h, ACCOUNTS_BACK, 0));
	EQ(h->n_news, 2);
	EQ(h->news[0].event, ACCOUNTS_DISABLED);
	EQ(h->news[0].account, p.account);
	EQ(phone_try(&p), AUTH_REFUSE);
	phone_end(&p);
	harness_end(h);
}

static void second_link_replaces_the_first(void)
{
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	for (int i = 0; i < 3; i++) {
		struct phone p;
		phone_start(&p, h, "alice", i % 2 ? "wrong horse" : "correct horse", "192.0.2.1");
		EQ(phone_send(&p), i == 2 ? 0 : -EINPROGRESS);
		harness_link(h);
		AWAIT(h->l, p.calls == 1);
		EQ(p.kind, i % 2 ? AUTH_REFUSE : AUTH_ACCEPT);
		phone_end(&p);
	}
	harness_end(h);
}

static void nonsense_on_a_link_closes_that_link(void)
{
	struct harness *h = harness_start();
	int fds[2];
	char c;
	EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	h->link.fd = fds[0];
	role_accounts.link_up(h->role, 0);
	EQ(write(fds[1], "GET / HTTP/1.1\r\n", 16), 16);
	AWAIT(h->l, read(fds[1], &c, 1) == 0);
	(void)close(fds[1]);
	AWAIT(h->l, !accounts_is_up(h->accounts));
	harness_link(h);
	add_user(h, "alice", "correct horse");
	harness_end(h);
}

static void status_and_metrics_count(void)
{
	struct harness *h = harness_start();
	struct phone p;
	auto_(buf_free) struct buf m = buf_of(64 * 1024), s = buf_of(4096);
	add_user(h, "alice", "correct horse");
	phone_start(&p, h, "alice", "wrong horse", "192.0.2.1");
	for (int i = 0; i < 10; i++)
		(void)phone_try(&p);
	phone_end(&p);
	role_accounts.metrics(h->role, &m);
	buf_char(&m, 0);
	OK(says(m.p, "\ndialtone_accounts_users 1\n"));
	OK(says(m.p, "\ndialtone_accounts_signins_refused_total 10\n"));
	OK(says(m.p, "\ndialtone_accounts_slow 1\n"));
	role_accounts.status(h->role, &s);
	EQ_STR(buf_view(&s),
	       "\"users\":1,\"signins\":0,\"refused\":10,\"slowed\":1,\"slow_now\":1");
	harness_end(h);
}

int main(void)
{
	RUN(user_is_made_shown_and_listed);
	RUN(mistakes_are_explained);
	RUN(taken_number_names_its_holder);
	RUN(data_are_set_and_shown);
	RUN(devices_are_at_most_sixteen);
	RUN(device_shows_when_it_was_used);
	RUN(removed_user_is_gone_for_all);
	RUN(restarted_role_feeds_what_was_missed);
	RUN(second_link_replaces_the_first);
	RUN(nonsense_on_a_link_closes_that_link);
	RUN(status_and_metrics_count);
	return tap_done();
}
