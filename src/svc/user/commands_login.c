#include "svc/user/commands_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "svc/user/logins.h"

enum { LIST_MAX = 512 * 1024 };

/* Up to here JSON's numbers are exact. */
static const double number_max = 9007199254740991.0;

static void put_login(void *arg, const struct login *l)
{
	struct buf *b = arg;
	char number[24];
	if (b->len > 1)
		buf_char(b, ',');
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)l->number);
	buf_printf(b, "{\"number\":%s", number);
	command_put_number(b, "made_at", l->made_at);
	command_put_number(b, "used_at", l->used_at);
	command_put(b, "from", l->peer);
	command_put(b, "agent", l->agent);
	buf_lit(b, "}");
}

void command_login_list(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	auto_(buf_free) struct buf b = buf_of(LIST_MAX);
	if (!command_user(admin, call, &acc))
		return;
	buf_lit(&b, "[");
	int r = logins_list(admin->db, acc.id, put_login, &b);
	buf_lit(&b, "]");
	if (r < 0)
		call->fail(call, "The user store cannot be read (%s).", strerror(-r));
	else
		command_answer(call, &b);
}

struct login_search {
	uint64_t number;
	bool all, found;
};

static void look_for(void *arg, const struct login *l)
{
	struct login_search *s = arg;
	s->found |= s->all || l->number == s->number;
}

/* Without a number all are meant; so what is given and no number of a log-in must not pass for
 * none. */
static bool read_number(const cJSON *args, struct login_search *ret)
{
	double v = ctl_number(args, "number", -1);
	ret->all = !cJSON_HasObjectItem(args, "number");
	if (ret->all)
		return true;
	if (!(v >= 1 && v <= number_max))
		return false;
	ret->number = (uint64_t)v;
	return (double)ret->number == v;
}

void command_login_end(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	struct login_search s = { .number = 0 };
	if (!command_user(admin, call, &acc))
		return;
	int r = read_number(call->args, &s) ? logins_list(admin->db, acc.id, look_for, &s) : 0;
	if (r < 0) {
		call->fail(call, "The user store cannot be read (%s).", strerror(-r));
		return;
	}
	if (!s.found) {
		call->fail(call,
		           "%" STR_FMT " has no %s. `dialtone login list %" STR_FMT
		           "` shows those there are.",
		           STR_ARG(acc.uri), s.all ? "log-ins" : "log-in of that number",
		           STR_ARG(acc.uri));
		return;
	}
	struct change *ch = command_change(call, acc.uri);
	command_text(ch,
	             s.all ? "All log-ins of @ have ended; their browsers are signed out."
	                   : "The log-in has ended; its browser is signed out.",
	             ch->what);
	if (!s.all) {
		logins_end(admin->db, acc.id, s.number, command_changed, ch);
		return;
	}
	r = logins_end_others(admin->db, acc.id, 0, command_changed, ch);
	if (r <= 0)
		command_changed(ch, r < 0 ? r : -ENOENT, 0);
}
