/* Sign-ins through the whole chain: mechanism, client, link, role, store. */
#include <errno.h>

#include "accounts/harness.h"
#include "svc/user/userdb.h"

static enum auth_result_kind try_once(struct harness *h, const char *user, const char *password,
                                      const char *at)
{
	struct phone p;
	phone_start(&p, h, user, password, at);
	enum auth_result_kind kind = phone_try(&p);
	phone_end(&p);
	return kind;
}

static void right_password_signs_in(void)
{
	struct harness *h = harness_start();
	struct phone p;
	add_user(h, "alice", "correct horse");
	phone_start(&p, h, "alice", "correct horse", "192.0.2.1");
	EQ(phone_try(&p), AUTH_ACCEPT);
	OK(strcmp(p.identity, "alice@example.test") == 0);
	OK(p.account != 0 && p.credential != 0);
	phone_end(&p);
	EQ(try_once(h, "alice@example.test", "correct horse", "192.0.2.1"), AUTH_ACCEPT);
	harness_end(h);
}

static void everything_else_is_refused(void)
{
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	EQ(try_once(h, "alice", "wrong horse", "192.0.2.1"), AUTH_REFUSE);
	EQ(try_once(h, "nobody", "correct horse", "192.0.2.1"), AUTH_REFUSE);
	EQ(try_once(h, "Alice", "correct horse", "192.0.2.1"), AUTH_REFUSE);
	EQ(try_once(h, "alice@example.org", "correct horse", "192.0.2.1"), AUTH_REFUSE);
	EQ(try_once(h, "", "correct horse", "192.0.2.1"), AUTH_REFUSE);
	OK(run(h, "user disable", "{\"user\":\"alice\"}")[0] == '"');
	EQ(try_once(h, "alice", "correct horse", "192.0.2.2"), AUTH_REFUSE);
	OK(run(h, "user enable", "{\"user\":\"alice\"}")[0] == '"');
	EQ(try_once(h, "alice", "correct horse", "192.0.2.2"), AUTH_ACCEPT);
	harness_end(h);
}

/* The same name in two domains: From says which one is meant. */
static void domain_of_the_request_tells_users_apart(void)
{
	struct harness *h = harness_start();
	struct phone p;
	add_user(h, "alice", "correct horse");
	add_user(h, "alice@example.org", "another horse");
	phone_start(&p, h, "alice", "another horse", "192.0.2.1");
	p.uri = "example.org";
	EQ(phone_try(&p), AUTH_ACCEPT);
	OK(strcmp(p.identity, "alice@example.org") == 0);
	p.password = "correct horse";
	EQ(phone_try(&p), AUTH_REFUSE);
	/* A phone that knows the server by its address means the main domain. */
	p.uri = "127.0.0.1";
	EQ(phone_try(&p), AUTH_ACCEPT);
	OK(strcmp(p.identity, "alice@example.test") == 0);
	phone_end(&p);
	harness_end(h);
}

static void known_keys_need_no_question(void)
{
	struct harness *h = harness_start();
	struct phone p;
	add_user(h, "alice", "correct horse");
	phone_start(&p, h, "alice", "correct horse", "192.0.2.1");
	EQ(phone_try(&p), AUTH_ACCEPT);
	uint64_t asked = mech_digest_counts(h->mech).asked;
	for (int i = 0; i < 5; i++)
		EQ(phone_send(&p), 0);
	EQ(p.kind, AUTH_ACCEPT);
	phone_end(&p);
	phone_start(&p, h, "alice", "correct horse", "192.0.2.2");
	/* From an address that is new accounts is asked, once. */
	EQ(phone_try(&p), AUTH_ACCEPT);
	EQ(mech_digest_counts(h->mech).asked, ++asked);
	EQ(phone_send(&p), 0);
	EQ(p.kind, AUTH_ACCEPT);
	OK(strcmp(p.identity, "alice@example.test") == 0);
	EQ(mech_digest_counts(h->mech).asked, asked);
	EQ(mech_digest_counts(h->mech).by_key, 6);
	/* A mismatch is always asked: accounts alone counts. */
	p.password = "wrong horse";
	EQ(phone_try(&p), AUTH_REFUSE);
	EQ(mech_digest_counts(h->mech).asked, asked + 1);
	phone_end(&p);
	harness_end(h);
}

static void a_known_key_does_not_help_who_guesses_from_elsewhere(void)
{
	struct harness *h = harness_start();
	struct phone home, guesser;
	add_user(h, "alice", "correct horse");
	phone_start(&home, h, "alice", "correct horse", "192.0.2.1");
	EQ(phone_try(&home), AUTH_ACCEPT);
	phone_start(&guesser, h, "alice", "wrong horse", "192.0.2.2");
	for (int i = 0; i < 10; i++)
		(void)phone_try(&guesser);
	guesser.password = "correct horse";
	EQ(phone_try(&guesser), AUTH_SLOW);
	EQ(phone_send(&home), 0);
	EQ(home.kind, AUTH_ACCEPT);
	phone_end(&guesser);
	phone_end(&home);
	harness_end(h);
}

static void what_a_role_has_no_right_to_is_not_answered(void)
{
	static const char *const lookups[] = { "lookup", NULL };
	struct harness *h = harness_start();
	struct phone p;
	add_user(h, "alice", "correct horse");
	phone_start(&p, h, "alice", "correct horse", "192.0.2.1");
	h->right.requests = lookups;
	EQ(phone_send(&p), -EINPROGRESS);
	/* The link ends; a role that does not keep to its rights is not talked to. */
	AWAIT(h->l, harness_told(h, ACCOUNTS_LOST, 0));
	EQ(p.calls, 0);
	phone_end(&p);
	harness_end(h);
}

static void replayed_answer_is_stale(void)
{
	struct harness *h = harness_start();
	struct phone p;
	add_user(h, "alice", "correct horse");
	phone_start(&p, h, "alice", "correct horse", "192.0.2.1");
	EQ(phone_try(&p), AUTH_ACCEPT);
	p.nc = 0;
	EQ(phone_send(&p), 0);
	EQ(p.kind, AUTH_CHALLENGE);
	OK(strstr(p.challenge, "stale=true") != NULL);
	/* Also one that came twice while accounts was asked. */
	phone_end(&p);
	add_user(h, "bob", "correct horse");
	phone_start(&p, h, "bob", "correct horse", "192.0.2.1");
	EQ(phone_send(&p), -EINPROGRESS);
	p.nc = 0;
	EQ(phone_send(&p), -EINPROGRESS);
	AWAIT(h->l, p.calls == 2);
	EQ(p.kind, AUTH_CHALLENGE);
	OK(strstr(p.challenge, "stale=true") != NULL);
	phone_end(&p);
	harness_end(h);
}

static void new_password_ends_the_old_one_at_once(void)
{
	struct harness *h = harness_start();
	struct phone p;
	add_user(h, "alice", "correct horse");
	phone_start(&p, h, "alice", "correct horse", "192.0.2.1");
	EQ(phone_try(&p), AUTH_ACCEPT);
	uint64_t account = p.account, credential = p.credential;
	OK(run(h, "user passwd", "{\"user\":\"alice\",\"password\":\"another horse\"}")[0] == '"');
	AWAIT(h->l, harness_told(h, ACCOUNTS_PASSWORD, account));
	EQ(h->news[h->n_news - 1].credential, credential);
	EQ(phone_try(&p), AUTH_REFUSE);
	p.password = "another horse";
	EQ(phone_try(&p), AUTH_ACCEPT);
	phone_end(&p);
	harness_end(h);
}

static void devices_have_passwords_of_their_own(void)
{
	struct harness *h = harness_start();
	struct phone desk, soft;
	char password[64] = "";
	add_user(h, "alice", "correct horse");
	const char *made = run(h, "device add", "{\"user\":\"alice\",\"name\":\"desk\"}");
	const char *at = strstr(made, "\"password\":\"");
	OK(at && strlen(at) > 12 + PASSWORD_DEVICE_LEN);
	(void)snprintf(password, sizeof(password), "%.*s", PASSWORD_DEVICE_LEN, at + 12);
	phone_start(&desk, h, "alice", password, "192.0.2.1");
	phone_start(&soft, h, "alice", "correct horse", "192.0.2.2");
	EQ(phone_try(&desk), AUTH_ACCEPT);
	EQ(phone_try(&soft), AUTH_ACCEPT);
	OK(desk.account == soft.account && desk.credential != soft.credential);
	const char *list = run(h, "device list", "{\"user\":\"alice\"}");
	OK(strstr(list, "\"device\":\"desk\"") && !strstr(list, password));
	OK(run(h, "device remove", "{\"user\":\"alice\",\"name\":\"desk\"}")[0] == '"');
	AWAIT(h->l, harness_told(h, ACCOUNTS_PASSWORD, desk.account));
	EQ(h->news[h->n_news - 1].credential, desk.credential);
	EQ(phone_try(&desk), AUTH_REFUSE);
	EQ(phone_try(&soft), AUTH_ACCEPT);
	phone_end(&desk);
	phone_end(&soft);
	harness_end(h);
}

static void policy_of_the_account_asks_for_sha256(void)
{
	struct harness *h = harness_start();
	struct phone p;
	add_user(h, "alice", "correct horse");
	OK(run(h, "user set", "{\"user\":\"alice\",\"sha256-only\":\"yes\"}")[0] == '"');
	phone_start(&p, h, "alice", "correct horse", "192.0.2.1");
	EQ(phone_send(&p), -EINPROGRESS);
	AWAIT(h->l, p.calls == 1);
	EQ(p.kind, AUTH_CHALLENGE);
	OK(strstr(p.challenge, "algorithm=SHA-256") && !strstr(p.challenge, "MD5"));
	EQ(phone_try(&p), AUTH_ACCEPT);
	EQ(phone_send(&p), 0);
	EQ(p.kind, AUTH_ACCEPT);
	phone_end(&p);
	/* Who does not know the password does not learn of the policy. */
	EQ(try_once(h, "alice", "wrong horse", "192.0.2.2"), AUTH_REFUSE);
	harness_end(h);
}

static void guessing_is_slowed_for_unknown_users_alike(void)
{
	static const char *const users[] = { "alice", "nobody" };
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	for (size_t u = 0; u < ARRAY_SIZE(users); u++) {
		struct phone p;
		phone_start(&p, h, users[u], "wrong horse", "192.0.2.1");
		for (int i = 1; i < 10; i++)
			EQ(phone_try(&p), AUTH_REFUSE);
		for (int i = 0; i < 3; i++) {
			EQ(phone_try(&p), AUTH_SLOW);
			OK(p.retry_s > 0 && p.retry_s <= 10);
		}
		/* Even the right one has to wait there now, but not elsewhere. */
		p.password = "correct horse";
		EQ(phone_try(&p), AUTH_SLOW);
		phone_end(&p);
	}
	EQ(try_once(h, "alice", "correct horse", "192.0.2.2"), AUTH_ACCEPT);
	harness_end(h);
}

static void address_that_signed_in_before_is_never_locked_out(void)
{
	struct harness *h = harness_start();
	struct phone good, bad;
	add_user(h, "alice", "correct horse");
	add_user(h, "bob", "correct horse");
	phone_start(&good, h, "alice", "correct horse", "192.0.2.1");
	phone_start(&bad, h, "alice", "wrong horse", "192.0.2.1");
	EQ(phone_try(&good), AUTH_ACCEPT);
	for (int i = 0; i < 12; i++)
		(void)phone_try(&bad);
	EQ(bad.kind, AUTH_SLOW);
	/* Forgotten here, so that accounts is asked. */
	OK(run(h, "user set", "{\"user\":\"alice\",\"title\":\"x\"}")[0] == '"');
	AWAIT(h->l, mech_digest_counts(h->mech).keys == 0);
	EQ(phone_try(&good), AUTH_ACCEPT);
	phone_end(&good);
	phone_end(&bad);
	harness_end(h);
}

/* Counted, not timed: a failure opens and hashes the same number of secrets for everyone. */
static void failures_cost_the_same_for_everyone(void)
{
	static const char *const tries[] = { "nobody", "alice", "bob", "Alice", "12", "carol" };
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	add_user(h, "bob", "correct horse");
	add_user(h, "carol", "correct horse");
	for (int i = 0; i < 5; i++) {
		char args[64];
		(void)snprintf(args, sizeof(args), "{\"user\":\"bob\",\"name\":\"d%d\"}", i);
		OK(run(h, "device add", args)[0] == '{');
	}
	OK(run(h, "user disable", "{\"user\":\"carol\"}")[0] == '"');
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		struct phone p;
		uint64_t before = harness_checks(h);
		phone_start(&p, h, tries[i], "wrong horse", "192.0.2.1");
		EQ(phone_try(&p), AUTH_REFUSE);
		EQ(harness_checks(h) - before, USERDB_CREDS_MAX);
		phone_end(&p);
	}
	harness_end(h);
}

static void freed_association_forgets_its_question(void)
{
	struct harness *h = harness_start();
	struct phone p, q;
	add_user(h, "alice", "correct horse");
	phone_start(&p, h, "alice", "correct horse", "192.0.2.1");
	phone_start(&q, h, "alice", "wrong horse", "192.0.2.1");
	EQ(phone_send(&p), -EINPROGRESS);
	phone_end(&p);
	EQ(phone_try(&q), AUTH_REFUSE);
	EQ(p.calls, 0);
	phone_end(&q);
	harness_end(h);
}

int main(void)
{
	RUN(right_password_signs_in);
	RUN(everything_else_is_refused);
	RUN(domain_of_the_request_tells_users_apart);
	RUN(known_keys_need_no_question);
	RUN(a_known_key_does_not_help_who_guesses_from_elsewhere);
	RUN(what_a_role_has_no_right_to_is_not_answered);
	RUN(replayed_answer_is_stale);
	RUN(new_password_ends_the_old_one_at_once);
	RUN(devices_have_passwords_of_their_own);
	RUN(policy_of_the_account_asks_for_sha256);
	RUN(guessing_is_slowed_for_unknown_users_alike);
	RUN(address_that_signed_in_before_is_never_locked_out);
	RUN(failures_cost_the_same_for_everyone);
	RUN(freed_association_forgets_its_question);
	return tap_done();
}
