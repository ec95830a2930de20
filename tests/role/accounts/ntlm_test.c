/* NTLM sign-ins as a front end asks for them: over the link, decided by the role with its store. */
#include "accounts/harness.h"
#include "auth/ntlm_client.h"
#include "base/rand.h"
#include "svc/user/userdb.h"

/* One question to accounts. */
struct question {
	const char *name;          /* as the front end gives it */
	const char *user, *domain; /* as the client's message says */
	const char *password, *at;
	void (*spoil)(struct buf *blob); /* changes what is sent; may be NULL */
	unsigned calls;
	enum accounts_verdict verdict;
	uint64_t account, credential;
	uint32_t retry_s;
	bool key_is_right;
	char uri[128];
	struct ntlm_client c;
};

static void on_verdict(void *arg, const struct accounts_auth *v)
{
	struct question *q = arg;
	q->calls++;
	q->verdict = v->verdict;
	q->account = v->account;
	q->credential = v->credential;
	q->retry_s = v->retry_s;
	q->key_is_right = v->key.len == NTLM_KEY_LEN && memcmp(v->key.p, q->c.key, v->key.len) == 0;
	OK(v->verdict == ACCOUNTS_ACCEPT || v->key.len == 0);
	(void)snprintf(q->uri, sizeof(q->uri), "%.*s", (int)v->uri.len, v->uri.p ? v->uri.p : "");
}

static enum accounts_verdict ask(struct harness *h, struct question *q)
{
	auto_(buf_free) struct buf blob = buf_of(4096);
	uint8_t challenge[NTLM_CHALLENGE_LEN];
	struct addr peer;
	EQ(addr_parse(&peer, str_of(q->at ? q->at : "192.0.2.1"), 5061), 0);
	q->c = (struct ntlm_client){ .user = q->user,
		                     .domain = q->domain,
		                     .password = q->password };
	rand_bytes(challenge, sizeof(challenge));
	buf_put(&blob, challenge, sizeof(challenge));
	ntlm_client_answer(&q->c, &blob, challenge);
	if (q->spoil)
		q->spoil(&blob);
	struct accounts_leg leg = { .mech = ACCOUNTS_NTLM,
		                    .user = str_of(q->name),
		                    .blob = bytes_of(buf_view(&blob)),
		                    .peer = &peer };
	q->calls = 0;
	(void)accounts_auth(h->accounts, &leg, on_verdict, q);
	AWAIT(h->l, q->calls == 1);
	return q->verdict;
}

static enum accounts_verdict try_as(struct harness *h, const char *name, const char *password)
{
	struct question q = { .name = name, .user = "alice", .domain = "", .password = password };
	return ask(h, &q);
}

static void right_password_gives_the_session_key(void)
{
	static const char *const names[][3] = {
		{ "alice@example.test", "alice", "" },
		{ "alice@example.test", "ALICE", "EXAMPLE" },
		{ "Alice@Example.Test", "alice@example.test", "" },
		{ "alice", "alice", "" },
		{ "EXAMPLE\\alice", "alice", "EXAMPLE" },
		{ "example.test\\Alice", "Alice", "example.test" },
	};
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct question q = { .name = names[i][0],
			              .user = names[i][1],
			              .domain = names[i][2],
			              .password = "correct horse" };
		EQ(ask(h, &q), ACCOUNTS_ACCEPT);
		OK(q.key_is_right && q.account != 0 && q.credential != 0);
		OK(strcmp(q.uri, "alice@example.test") == 0);
	}
	harness_end(h);
}

static void domain_tells_users_apart(void)
{
	struct harness *h = harness_start();
	struct question q = { .name = "alice@example.org",
		              .user = "alice",
		              .domain = "",
		              .password = "another horse" };
	add_user(h, "alice", "correct horse");
	add_user(h, "alice@example.org", "another horse");
	EQ(ask(h, &q), ACCOUNTS_ACCEPT);
	OK(strcmp(q.uri, "alice@example.org") == 0);
	q.name = "example.org\\alice";
	EQ(ask(h, &q), ACCOUNTS_ACCEPT);
	/* Both domains have the same NetBIOS name: it means the main one. */
	q.name = "EXAMPLE\\alice";
	EQ(ask(h, &q), ACCOUNTS_REFUSE);
	harness_end(h);
}

static void change_domain(struct buf *blob)
{
	ssize_t at = str_find(buf_view(blob), STR("E\0X\0A\0M\0"));
	OK(at > 0);
	blob->p[at] = 'e';
}

static void change_challenge(struct buf *blob)
{
	blob->p[0] ^= 1;
}

static void everything_else_is_refused(void)
{
	struct harness *h = harness_start();
	struct question q = { .name = "alice@example.test",
		              .user = "alice",
		              .domain = "EXAMPLE",
		              .password = "correct horse" };
	add_user(h, "alice", "correct horse");
	EQ(try_as(h, "alice", "wrong horse"), ACCOUNTS_REFUSE);
	EQ(try_as(h, "nobody", "correct horse"), ACCOUNTS_REFUSE);
	EQ(try_as(h, "", "correct horse"), ACCOUNTS_REFUSE);
	EQ(try_as(h, "OTHER\\alice", "correct horse"), ACCOUNTS_REFUSE);
	EQ(try_as(h, "\\alice", "correct horse"), ACCOUNTS_REFUSE);
	q.user = "bob"; /* the message names another one */
	EQ(ask(h, &q), ACCOUNTS_REFUSE);
	q.user = "alice";
	q.spoil = change_domain;
	EQ(ask(h, &q), ACCOUNTS_REFUSE);
	q.spoil = change_challenge;
	EQ(ask(h, &q), ACCOUNTS_REFUSE);
	q.spoil = NULL;
	EQ(ask(h, &q), ACCOUNTS_ACCEPT);
	OK(run(h, "user disable", "{\"user\":\"alice\"}")[0] == '"');
	EQ(ask(h, &q), ACCOUNTS_REFUSE);
	harness_end(h);
}

static void user_without_an_nt_hash_is_refused(void)
{
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	OK(run(h, "user set", "{\"user\":\"alice\",\"ntlm\":\"no\"}")[0] == '"');
	EQ(try_as(h, "alice", "correct horse"), ACCOUNTS_REFUSE);
	OK(run(h, "user set", "{\"user\":\"alice\",\"ntlm\":\"yes\"}")[0] == '"');
	EQ(try_as(h, "alice", "correct horse"), ACCOUNTS_REFUSE);
	harness_end(h);
}

static void device_password_is_refused(void)
{
	struct harness *h = harness_start();
	char password[PASSWORD_DEVICE_LEN + 1];
	add_user(h, "alice", "correct horse");
	const char *answer = run(h, "device add", "{\"user\":\"alice\",\"name\":\"desk\"}");
	const char *at = strstr(answer, "\"password\":\"");
	OK(at != NULL);
	(void)snprintf(password, sizeof(password), "%.*s", PASSWORD_DEVICE_LEN, at ? at + 12 : "");
	EQ(try_as(h, "alice", password), ACCOUNTS_REFUSE);
	EQ(try_as(h, "alice", "correct horse"), ACCOUNTS_ACCEPT);
	harness_end(h);
}

static void cut_off(struct buf *blob)
{
	blob->len = 20;
}

static void broken_message_is_no_try(void)
{
	struct harness *h = harness_start();
	struct question q = { .name = "alice",
		              .user = "alice",
		              .domain = "",
		              .password = "correct horse",
		              .spoil = cut_off };
	add_user(h, "alice", "correct horse");
	uint64_t before = harness_checks(h);
	EQ(ask(h, &q), ACCOUNTS_FAILED);
	EQ(harness_checks(h), before);
	harness_end(h);
}

/* Counted, not timed. */
static void failures_cost_the_same_for_everyone(void)
{
	static const char *const names[] = { "nobody", "alice", "bob", "carol", "OTHER\\alice" };
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	add_user(h, "bob", "correct horse");
	add_user(h, "carol", "correct horse");
	OK(run(h, "user set", "{\"user\":\"bob\",\"ntlm\":\"no\"}")[0] == '"');
	OK(run(h, "device add", "{\"user\":\"bob\",\"name\":\"desk\"}")[0] == '{');
	OK(run(h, "user disable", "{\"user\":\"carol\"}")[0] == '"');
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uint64_t before = harness_checks(h);
		EQ(try_as(h, names[i], "wrong horse"), ACCOUNTS_REFUSE);
		EQ(harness_checks(h) - before, USERDB_CREDS_MAX);
	}
	harness_end(h);
}

static void guessing_is_slowed_together_with_digest(void)
{
	static const char *const names[] = { "alice", "nobody" };
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct question q = {
			.name = names[i], .user = names[i], .domain = "", .password = "wrong horse"
		};
		struct phone p;
		phone_start(&p, h, names[i], "wrong horse", "192.0.2.1");
		for (int n = 1; n < 10; n++)
			OK(n % 2 ? ask(h, &q) == ACCOUNTS_REFUSE : phone_try(&p) == AUTH_REFUSE);
		EQ(ask(h, &q), ACCOUNTS_SLOW);
		OK(q.retry_s > 0 && q.retry_s <= 10);
		q.password = "correct horse";
		EQ(ask(h, &q), ACCOUNTS_SLOW);
		q.name = "EXAMPLE\\alice"; /* is the same user */
		EQ(ask(h, &q), ACCOUNTS_SLOW);
		phone_end(&p);
	}
	struct question q = { .name = "alice",
		              .user = "alice",
		              .domain = "",
		              .password = "correct horse",
		              .at = "192.0.2.2" };
	EQ(ask(h, &q), ACCOUNTS_ACCEPT);
	harness_end(h);
}

static void new_password_ends_the_old_one(void)
{
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	EQ(try_as(h, "alice", "correct horse"), ACCOUNTS_ACCEPT);
	OK(run(h, "user passwd", "{\"user\":\"alice\",\"password\":\"another horse\"}")[0] != '!');
	EQ(try_as(h, "alice", "correct horse"), ACCOUNTS_REFUSE);
	EQ(try_as(h, "alice", "another horse"), ACCOUNTS_ACCEPT);
	harness_end(h);
}

int main(void)
{
	RUN(right_password_gives_the_session_key);
	RUN(domain_tells_users_apart);
	RUN(everything_else_is_refused);
	RUN(user_without_an_nt_hash_is_refused);
	RUN(device_password_is_refused);
	RUN(broken_message_is_no_try);
	RUN(failures_cost_the_same_for_everyone);
	RUN(guessing_is_slowed_together_with_digest);
	RUN(new_password_ends_the_old_one);
	return tap_done();
}
