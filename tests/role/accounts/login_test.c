/* Log-ins of the web through the whole chain: client, link, role, store; and the commands. */
#include <stdio.h>
#include <stdlib.h>

#include "accounts/harness.h"

struct question {
	unsigned calls;
	enum accounts_verdict verdict;
	uint64_t account, credential, session;
	uint32_t retry_s;
	char uri[128], ticket[ACCT_TICKET_MAX + 1];
};

static void on_verdict(void *arg, const struct accounts_auth *v)
{
	struct question *q = arg;
	q->calls++;
	q->verdict = v->verdict;
	q->account = v->account;
	q->credential = v->credential;
	q->session = v->session;
	q->retry_s = v->retry_s;
	(void)snprintf(q->uri, sizeof(q->uri), "%" STR_FMT, STR_ARG(v->uri));
	if (v->blob.len > 0)
		(void)snprintf(q->ticket, sizeof(q->ticket), "%" STR_FMT,
		               STR_ARG(str_from_bytes(v->blob)));
}

static void start(struct harness *h, struct question *q, enum accounts_mech mech, const char *user,
                  const char *blob)
{
	struct addr peer;
	EQ(addr_parse(&peer, STR("192.0.2.1"), 443), 0);
	struct accounts_leg leg = { .mech = mech,
		                    .user = str_of(user),
		                    .blob = bytes_of(str_of(blob)),
		                    .peer = &peer,
		                    .agent = STR("Firefox \"128\"") };
	q->calls = 0;
	(void)accounts_auth(h->accounts, &leg, on_verdict, q);
}

static enum accounts_verdict ask(struct harness *h, struct question *q, enum accounts_mech mech,
                                 const char *user, const char *blob)
{
	start(h, q, mech, user, blob);
	AWAIT(h->l, q->calls == 1);
	return q->verdict;
}

static struct question log_in(struct harness *h, const char *user)
{
	struct question q = { .calls = 0 };
	EQ(ask(h, &q, ACCOUNTS_LOGIN, user, "correct horse"), ACCOUNTS_ACCEPT);
	OK(q.ticket[0] && q.session != 0);
	return q;
}

static enum accounts_verdict show(struct harness *h, const struct question *login)
{
	struct question q = { .calls = 0 };
	return ask(h, &q, ACCOUNTS_TICKET, "", login->ticket);
}

static bool told_end(const struct harness *h, uint64_t account, uint64_t number)
{
	for (size_t i = 0; i < h->n_news; i++)
		if (h->news[i].event == ACCOUNTS_LOGIN_ENDED && h->news[i].account == account &&
		    h->news[i].credential == number)
			return true;
	return false;
}

static bool says(const char *answer, const char *what)
{
	return strstr(answer, what);
}

static void login_lasts_over_a_restart(void)
{
	struct harness *h = harness_start();
	struct question q;
	add_user(h, "alice", "correct horse");
	struct question login = log_in(h, "alice");
	OK(strcmp(login.uri, "alice@example.test") == 0 && login.account != 0);
	EQ(ask(h, &q, ACCOUNTS_LOGIN, "alice", "wrong horse"), ACCOUNTS_REFUSE);
	EQ(ask(h, &q, ACCOUNTS_LOGIN, "nobody", "wrong horse"), ACCOUNTS_REFUSE);
	harness_stop_role(h);
	harness_start_role(h);
	harness_link(h);
	EQ(ask(h, &q, ACCOUNTS_TICKET, "", login.ticket), ACCOUNTS_ACCEPT);
	EQ(q.account, login.account);
	EQ(q.session, login.session);
	harness_end(h);
}

static void log_out_is_told_to_all(void)
{
	struct harness *h = harness_start();
	struct question q;
	add_user(h, "alice", "correct horse");
	struct question a = log_in(h, "alice"), b = log_in(h, "alice");
	EQ(ask(h, &q, ACCOUNTS_TICKET_END, "", a.ticket), ACCOUNTS_ACCEPT);
	AWAIT(h->l, told_end(h, a.account, a.session));
	EQ(show(h, &a), ACCOUNTS_REFUSE);
	EQ(show(h, &b), ACCOUNTS_ACCEPT);
	EQ(ask(h, &q, ACCOUNTS_TICKET_END, "", a.ticket), ACCOUNTS_ACCEPT);
	harness_end(h);
}

static void what_happens_to_the_account_ends_its_logins(void)
{
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	struct question login = log_in(h, "alice");
	OK(run(h, "user disable", "{\"user\":\"alice\"}")[0] == '"');
	AWAIT(h->l, harness_told(h, ACCOUNTS_DISABLED, login.account));
	EQ(show(h, &login), ACCOUNTS_REFUSE);
	OK(run(h, "user enable", "{\"user\":\"alice\"}")[0] == '"');
	EQ(show(h, &login), ACCOUNTS_REFUSE);
	login = log_in(h, "alice");
	OK(run(h, "user passwd", "{\"user\":\"alice\",\"password\":\"correct horse\"}")[0] == '"');
	AWAIT(h->l, harness_told(h, ACCOUNTS_PASSWORD, login.account));
	EQ(show(h, &login), ACCOUNTS_REFUSE);
	login = log_in(h, "alice");
	OK(run(h, "user remove", "{\"user\":\"alice\"}")[0] == '"');
	EQ(show(h, &login), ACCOUNTS_REFUSE);
	harness_end(h);
}

static void commands_list_and_end_logins(void)
{
	struct harness *h = harness_start();
	char args[128], member[64];
	add_user(h, "alice", "correct horse");
	add_user(h, "bob", "correct horse");
	struct question a = log_in(h, "alice"), b = log_in(h, "alice"), c = log_in(h, "bob");
	const char *list = run(h, "login list", "{\"user\":\"alice\"}");
	(void)snprintf(member, sizeof(member), "{\"number\":%llu,", (unsigned long long)a.session);
	OK(strstr(list, member) && strstr(list, "\"from\":\"192.0.2.1\""));
	OK(strstr(list, "\"agent\":\"Firefox \\\"128\\\"\"") && strstr(list, "\"made_at\":"));
	OK(!strstr(list, a.ticket));
	(void)snprintf(args, sizeof(args), "{\"user\":\"alice\",\"number\":%llu}",
	               (unsigned long long)a.session);
	OK(run(h, "login end", args)[0] == '"');
	AWAIT(h->l, told_end(h, a.account, a.session));
	EQ(show(h, &a), ACCOUNTS_REFUSE);
	EQ(show(h, &b), ACCOUNTS_ACCEPT);
	OK(says(run(h, "login end", args), "no log-in of that number"));
	OK(run(h, "login end", "{\"user\":\"alice\"}")[0] == '"');
	AWAIT(h->l, told_end(h, b.account, b.session));
	EQ(show(h, &b), ACCOUNTS_REFUSE);
	EQ(show(h, &c), ACCOUNTS_ACCEPT);
	OK(says(run(h, "login end", "{\"user\":\"alice\"}"), "!alice@example.test has no log-ins"));
	OK(strcmp(run(h, "login list", "{\"user\":\"alice\"}"), "[]") == 0);
	OK(says(run(h, "login list", "{\"user\":\"carol\"}"), "!There is no user"));
	harness_end(h);
}

/* All are meant by no number alone. */
static void a_number_of_no_login_ends_none(void)
{
	static const char *const numbers[] = { "0", "-1", "1.5", "1e300", "99" };
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	add_user(h, "bob", "correct horse");
	struct question a = log_in(h, "alice"), b = log_in(h, "bob");
	char args[128];
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		(void)snprintf(args, sizeof(args), "{\"user\":\"alice\",\"number\":%s}",
		               numbers[i]);
		OK(run(h, "login end", args)[0] == '!');
	}
	(void)snprintf(args, sizeof(args), "{\"user\":\"alice\",\"number\":%llu}",
	               (unsigned long long)b.session);
	OK(run(h, "login end", args)[0] == '!');
	EQ(show(h, &a), ACCOUNTS_ACCEPT);
	EQ(show(h, &b), ACCOUNTS_ACCEPT);
	harness_end(h);
}

static void who_may_check_tickets_may_not_make_logins(void)
{
	static const char *const checks[] = { "auth", "changes", NULL };
	static const enum accounts_mech mechs[] = { ACCOUNTS_LOGIN, ACCOUNTS_TICKET_END };
	struct harness *h = harness_start();
	add_user(h, "alice", "correct horse");
	struct question login = log_in(h, "alice"), q = { .calls = 0 };
	h->right.requests = checks;
	EQ(show(h, &login), ACCOUNTS_ACCEPT);
	for (size_t i = 0; i < ARRAY_SIZE(mechs); i++) {
		h->n_news = 0;
		start(h, &q, mechs[i], "alice", "correct horse");
		AWAIT(h->l, harness_told(h, ACCOUNTS_LOST, 0));
		EQ(q.calls, 0);
		h->right.requests = (const char *const[]){ "auth", "log-in", "changes", NULL };
		harness_link(h); /* what is open is asked again */
		AWAIT(h->l, q.calls == 1);
		h->right.requests = checks;
	}
	harness_end(h);
}

/* It is asked again over the next link; the first answer goes nowhere, and so makes no log-in. */
static void a_link_that_breaks_under_a_password_leaves_one_login(void)
{
	struct harness *h = harness_start();
	struct question q;
	add_user(h, "alice", "correct horse");
	uint64_t checked = harness_checks(h);
	start(h, &q, ACCOUNTS_LOGIN, "alice", "correct horse");
	AWAIT(h->l, harness_checks(h) == checked + 1);
	harness_link(h);
	AWAIT(h->l, q.calls == 1);
	EQ(q.verdict, ACCOUNTS_ACCEPT);
	const char *list = run(h, "login list", "{\"user\":\"alice\"}");
	const char *first = strstr(list, "\"number\"");
	OK(first && !strstr(first + 1, "\"number\""));
	harness_end(h);
}

static void stop_under_a_password_is_clean(void)
{
	struct harness *h = harness_start();
	struct question q;
	add_user(h, "alice", "correct horse");
	uint64_t checked = harness_checks(h);
	start(h, &q, ACCOUNTS_LOGIN, "alice", "correct horse");
	AWAIT(h->l, harness_checks(h) == checked + 1);
	harness_stop_role(h);
	harness_start_role(h);
	harness_link(h);
	AWAIT(h->l, q.calls == 1);
	EQ(q.verdict, ACCOUNTS_ACCEPT);
	harness_end(h);
}

int main(void)
{
	RUN(login_lasts_over_a_restart);
	RUN(log_out_is_told_to_all);
	RUN(what_happens_to_the_account_ends_its_logins);
	RUN(commands_list_and_end_logins);
	RUN(a_number_of_no_login_ends_none);
	RUN(who_may_check_tickets_may_not_make_logins);
	RUN(a_link_that_breaks_under_a_password_leaves_one_login);
	RUN(stop_under_a_password_is_clean);
	return tap_done();
}
