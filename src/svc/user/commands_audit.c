#include "svc/user/commands_priv.h"

#include <errno.h>
#include <string.h>

#include "svc/user/audit.h"

enum { LIST_MAX = 900 * 1024, ROWS_IF_NOT_SAID = 100 };

/* Up to here JSON's numbers are exact. */
static const double number_max = 9007199254740991.0;

static void put_row(void *arg, const struct audit_row *row)
{
	struct buf *b = arg;
	buf_printf(b, "%s{\"number\":%llu", b->len > 1 ? "," : "", (unsigned long long)row->number);
	command_put_number(b, "at", row->at);
	command_put(b, "user", row->user);
	command_put(b, "from", row->peer);
	command_put(b, "command", row->command);
	command_put(b, "args", row->args);
	command_put(b, "result", row->result);
	buf_char(b, '}');
}

static bool read_query(struct ctl_call *call, struct audit_query *q)
{
	double before = ctl_number(call->args, "before", 0);
	double max = ctl_number(call->args, "max", ROWS_IF_NOT_SAID);
	if (!(before >= 0 && before <= number_max) || !(max >= 1 && max <= AUDIT_LIST_MAX)) {
		call->fail(call, "--before takes the number of a row, --max 1 to %d.",
		           AUDIT_LIST_MAX);
		return false;
	}
	q->before = (uint64_t)before;
	q->max = (uint32_t)max;
	return true;
}

/* Who is no user any more is found by the whole address. */
void command_audit_list(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	auto_(buf_free) struct buf b = buf_of(LIST_MAX), uri = buf_of(USER_TEXT_MAX);
	struct audit_query q = { .user = ctl_text(call->args, "user") };
	if (!read_query(call, &q))
		return;
	if (q.user.len > 0 && userdb_uri(admin->db, &uri, q.user, NULL) == 0)
		q.user = buf_view(&uri);
	buf_char(&b, '[');
	int r = audit_list(admin->db, &q, put_row, &b);
	buf_char(&b, ']');
	if (r < 0)
		call->fail(call, "The user store cannot be read (%s).", strerror(-r));
	else
		command_answer(call, &b);
}
