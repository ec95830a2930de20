#include "svc/user/commands_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/code.h"
#include "base/word.h"

enum { NEAR_NAMES_MAX = 3 };

struct change *command_change(struct ctl_call *call, struct str what)
{
	struct change *ch = xnew(struct change);
	ch->call = call;
	ch->what = str_dup(what);
	return ch;
}

static void change_free(struct change *ch)
{
	if (ch->result)
		wipe(ch->result, strlen(ch->result));
	free(ch->result);
	free(ch->what);
	free(ch);
}

static void fail_changed(struct ctl_call *call, const char *what, int err)
{
	switch (err) {
	case -EEXIST:
		call->fail(call,
		           "Nothing was changed: a name or number given for %s is already in "
		           "use. `dialtone user list` shows who has it.",
		           what);
		break;
	case -ENOENT:
		call->fail(call, "%s was removed meanwhile; nothing was changed.", what);
		break;
	case -ENOSPC:
		call->fail(call, "Nothing was changed: the disk is full. Make room where the user "
		                 "store lies and try again.");
		break;
	case -EAGAIN:
		call->fail(call,
		           "Nothing was changed: too many changes are waiting. Try again in a "
		           "moment.");
		break;
	case -ECANCELED:
		call->fail(call,
		           "Nothing was changed: the accounts process is stopping. Try again.");
		break;
	default:
		call->fail(call,
		           "Nothing was changed: the user store could not be written (%s). "
		           "Look at the disk and at the log of the accounts role.",
		           strerror(-err));
	}
}

void command_changed(void *arg, int err, uint64_t id UNUSED)
{
	struct change *ch = arg;
	if (err < 0)
		fail_changed(ch->call, ch->what, err);
	else
		ch->call->ok(ch->call, ch->result ? str_of(ch->result) : STR("null"));
	change_free(ch);
}

/* A sentence as the result; @ stands for arg. */
void command_text(struct change *ch, const char *form, const char *arg)
{
	struct buf text = buf_of(1024), json = buf_of(4096);
	for (const char *p = form; *p; p++) {
		if (*p == '@')
			buf_str(&text, str_of(arg));
		else
			buf_char(&text, *p);
	}
	json_put_str(&json, buf_view(&text));
	ch->result = str_dup(buf_view(&json));
	buf_free(&text);
	buf_free(&json);
}

/* Users whose names are nearly the one that was asked for. */
struct near_names {
	struct str name;
	struct buf found; /* "alice, alina" */
	unsigned n;
};

static void look_at_name(void *arg, const struct account *acc)
{
	struct near_names *near = arg;
	struct str local, domain;
	(void)str_cut(acc->uri, '@', &local, &domain);
	if (near->n == NEAR_NAMES_MAX || !word_is_near(near->name, local))
		return;
	buf_printf(&near->found, "%s%" STR_FMT, near->n++ ? ", " : "", STR_ARG(local));
}

static void fail_unknown(struct user_admin *admin, struct ctl_call *call, struct str name)
{
	struct near_names near = { .found = buf_of(NEAR_NAMES_MAX * USER_TEXT_MAX) };
	auto_(buf_free) struct buf uri = buf_of(USER_TEXT_MAX);
	struct str domain;
	if (userdb_uri(admin->db, &uri, name, NULL) == 0) {
		(void)str_cut(buf_view(&uri), '@', &near.name, &domain);
		(void)!userdb_list(admin->db, look_at_name, &near);
	}
	buf_str(&near.found, near.n ? STR("?") : STR(""));
	call->fail(call,
	           "There is no user \"%" STR_FMT "\".%s%" STR_FMT
	           " `dialtone user list` shows all.",
	           STR_ARG(str_sub(name, 0, USER_TEXT_MAX)), near.n ? " Did you mean " : "",
	           STR_ARG(buf_view(&near.found)));
	buf_free(&near.found);
}

/* The user a command names; answers the call itself if there is none. */
bool command_user(struct user_admin *admin, struct ctl_call *call, struct account *ret)
{
	struct str name = ctl_text(call->args, "user");
	int r;
	if (str_istarts(name, STR("sip:")))
		name = str_sub(name, 4, name.len);
	r = userdb_lookup(admin->db, name, ret);
	if (r == -ENOENT)
		fail_unknown(admin, call, name);
	else if (r < 0)
		call->fail(call,
		           "The user store cannot be read (%s). Look at the disk and at the log "
		           "of the accounts role.",
		           strerror(-r));
	else if (ret->group)
		call->fail(call,
		           "%" STR_FMT " is a distribution group and no user. `dialtone group show "
		           "%" STR_FMT "` shows it.",
		           STR_ARG(ret->uri), STR_ARG(ret->uri));
	return r == 0 && !ret->group;
}

bool command_new_name(struct user_admin *admin, struct str name, struct buf *ret_uri,
                      struct buf *why)
{
	struct account acc;
	if (userdb_uri(admin->db, ret_uri, name, why) < 0)
		return false;
	if (userdb_lookup(admin->db, buf_view(ret_uri), &acc) == -ENOENT)
		return true;
	buf_printf(why,
	           "There is a %s %" STR_FMT " already. `dialtone %s show %" STR_FMT "` shows %s.",
	           acc.group ? "group" : "user", STR_ARG(buf_view(ret_uri)),
	           acc.group ? "group" : "user", STR_ARG(buf_view(ret_uri)),
	           acc.group ? "its members" : "who that is");
	return false;
}

void command_put(struct buf *b, const char *name, struct str value)
{
	if (b->p && b->len > 0 && b->p[b->len - 1] != '{')
		buf_char(b, ',');
	json_put_str(b, str_of(name));
	buf_char(b, ':');
	json_put_str(b, value);
}

void command_put_raw(struct buf *b, const char *name, const char *value)
{
	buf_char(b, ',');
	json_put_str(b, str_of(name));
	buf_printf(b, ":%s", value);
}

void command_put_number(struct buf *b, const char *name, int64_t value)
{
	char text[24];
	(void)!snprintf(text, sizeof(text), "%lld", (long long)value);
	command_put_raw(b, name, text);
}

void command_answer(struct ctl_call *call, struct buf *b)
{
	if (b->full)
		call->fail(call, "The answer is too long to show.");
	else
		call->ok(call, buf_view(b));
}
