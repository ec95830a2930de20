#include "svc/user/commands_priv.h"

#include <errno.h>
#include <string.h>

#include "svc/user/tokens.h"
#include "topo/setting.h"

enum { LIST_MAX = 2 * 1024 * 1024, LIFE_MIN_S = 60 };

static const struct setting life = {
	.name = "life", .type = SET_SECONDS, .min = LIFE_MIN_S, .max = TOKENS_LIFE_MAX_S
};

/* 0: for ever. */
static bool read_life(struct ctl_call *call, uint32_t *ret)
{
	auto_(buf_free) struct buf why = buf_of(1024);
	struct setting_value v = { 0 };
	struct str text = ctl_text(call->args, "life");
	if (text.len > 0 && setting_parse(&life, text, &v, &why) < 0) {
		call->fail(call, "--life: %" STR_FMT, STR_ARG(str_trim(buf_view(&why))));
		return false;
	}
	*ret = v.u;
	return true;
}

static bool check_new(struct user_admin *admin, struct ctl_call *call, const struct account *acc,
                      struct str name)
{
	int r = tokens_check(admin->db, acc->id, name);
	if (r == -EINVAL)
		call->fail(call,
		           "An app token needs a name of 1 to %d bytes on one line, such as "
		           "\"build bot\": --name NAME.",
		           USER_DEVICE_MAX);
	else if (r == -EEXIST)
		call->fail(call,
		           "%" STR_FMT " has an app token \"%" STR_FMT "\" already. Choose another "
		           "name, or remove that one first.",
		           STR_ARG(acc->uri), STR_ARG(name));
	else if (r == -EMFILE)
		call->fail(call,
		           "%" STR_FMT " has %d app tokens, the most that are possible. Remove one "
		           "that is not used any more: `dialtone token list %" STR_FMT "`.",
		           STR_ARG(acc->uri), TOKENS_MAX, STR_ARG(acc->uri));
	else if (acc->disabled)
		call->fail(call, "%" STR_FMT " is disabled. `dialtone user enable` ends that.",
		           STR_ARG(acc->uri));
	else if (r < 0)
		call->fail(call, "The user store cannot be read (%s).", strerror(-r));
	return r == 0 && !acc->disabled;
}

void command_token_create(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	struct str name = str_trim(ctl_text(call->args, "name"));
	uint32_t life_s = 0;
	char token[TOKENS_LEN];
	auto_(buf_free) struct buf b = buf_of(8192);
	if (!command_user(admin, call, &acc) || !check_new(admin, call, &acc, name) ||
	    !read_life(call, &life_s))
		return;
	struct change *ch = command_change(call, acc.uri);
	tokens_add(admin->db, acc.id, name, life_s, token, command_changed, ch);
	buf_lit(&b, "{");
	command_put(&b, "user", acc.uri);
	command_put(&b, "name", name);
	if (life_s > 0)
		command_put_number(&b, "ends_at", userdb_now_s(admin->db) + life_s);
	command_put(&b, "token", str_n(token, sizeof(token)));
	buf_lit(&b, "}");
	ch->result = str_dup(buf_view(&b));
	wipe(token, sizeof(token));
	wipe(b.p, b.len);
}

static void put_time(struct buf *b, const char *name, int64_t at)
{
	if (at > 0)
		command_put_number(b, name, at);
	else
		command_put_raw(b, name, "null");
}

static void put_token(void *arg, const struct token *t)
{
	struct buf *b = arg;
	if (b->len > 1)
		buf_char(b, ',');
	buf_lit(b, "{\"number\":");
	buf_dec(b, t->number);
	command_put(b, "user", t->user);
	command_put(b, "name", t->name);
	command_put_number(b, "created_at", t->made_at);
	put_time(b, "used_at", t->used_at);
	put_time(b, "ends_at", t->ends_at);
	buf_lit(b, "}");
}

void command_token_list(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc = { .id = 0 };
	auto_(buf_free) struct buf b = buf_of(LIST_MAX);
	if (cJSON_HasObjectItem(call->args, "user") && !command_user(admin, call, &acc))
		return;
	buf_lit(&b, "[");
	int r = tokens_list(admin->db, acc.id, put_token, &b);
	buf_lit(&b, "]");
	if (r < 0)
		call->fail(call, "The user store cannot be read (%s).", strerror(-r));
	else
		command_answer(call, &b);
}

struct token_search {
	double number;
	uint64_t account, found; /* 0: not found */
	struct buf what;         /* "build bot" of bob@example.test */
};

static void look_for(void *arg, const struct token *t)
{
	struct token_search *s = arg;
	if ((double)t->number != s->number)
		return;
	s->found = t->number;
	s->account = t->account;
	buf_printf(&s->what, "\"%" STR_FMT "\" of %" STR_FMT, STR_ARG(t->name), STR_ARG(t->user));
}

void command_token_remove(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct token_search s = { .number = ctl_number(call->args, "number", -1),
		                  .what = buf_of(1024) };
	int r = tokens_list(admin->db, 0, look_for, &s);
	buf_char(&s.what, '\0');
	if (r < 0 || s.what.full || s.found == 0) {
		call->fail(call,
		           "There is no app token of that number. `dialtone token list` shows "
		           "those there are.");
	} else {
		struct change *ch = command_change(call, str_of(s.what.p));
		command_text(ch,
		             "The app token @ is removed; what signed in with it is signed out.",
		             ch->what);
		tokens_remove(admin->db, s.account, s.found, command_changed, ch);
	}
	buf_free(&s.what);
}
