#include <string.h>

#include "svc/user/commands_priv.h"

enum { RESULT_MAX = 1024 * 1024, SHOWN = 20 };

static void put_found(void *arg, const struct acct_person *p)
{
	struct buf *b = arg;
	buf_str(b, b->p[b->len - 1] == '}' ? STR(",{") : STR("{"));
	command_put(b, "user", p->uri);
	command_put(b, "name", p->display_name);
	command_put(b, "phone", p->phone);
	command_put(b, "extension", p->extension);
	command_put(b, "department", p->department);
	command_put(b, "title", p->title);
	command_put(b, "office", p->office);
	buf_lit(b, "}");
}

void command_directory_search(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct str text = ctl_text(call->args, "text");
	double max = ctl_number(call->args, "max", SHOWN);
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	bool more = false;
	if (max < 1 || max > ACCT_FOUND_MAX) {
		call->fail(call, "--max takes a number from 1 to %d.", ACCT_FOUND_MAX);
		return;
	}
	struct acct_query q = { .max = (uint32_t)max,
		                .n = 1,
		                .rows = { { ACCT_ANY, str_sub(text, 0, ACCT_TEXT_MAX) } } };
	buf_lit(&b, "{\"people\":[");
	int n = phonebook_search(admin->people, &q, &more, put_found, &b);
	buf_lit(&b, "]");
	command_put_raw(&b, "more", more ? "true" : "false");
	buf_lit(&b, "}");
	if (n < 0)
		call->fail(call, "The user store cannot be read (%s). Look at the disk.",
		           strerror(-n));
	else
		command_answer(call, &b);
}
