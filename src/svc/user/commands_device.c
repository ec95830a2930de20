#include "svc/user/commands_priv.h"

#include <string.h>

/* --- devices ------------------------------------------------------------------------- */

struct device_search {
	struct str name;
	uint64_t id; /* 0: not found */
	unsigned n;
};

static void look_for(void *arg, const struct userdb_cred *c)
{
	struct device_search *s = arg;
	s->n += c->device.len > 0;
	if (c->device.len > 0 && str_ieq(c->device, s->name))
		s->id = c->id;
}

static bool check_new_device(struct user_admin *admin, const struct account *acc, struct str name,
                             struct buf *why)
{
	struct device_search s = { .name = name };
	if (user_device_check(name, why) < 0)
		return false;
	int r = userdb_creds(admin->db, acc->id, look_for, &s);
	if (r < 0)
		buf_printf(why, "The user store cannot be read (%s).", strerror(-r));
	else if (s.id != 0)
		buf_printf(why,
		           "%" STR_FMT " has a device \"%" STR_FMT "\" already. Choose another "
		           "name, or remove that one first.",
		           STR_ARG(acc->uri), STR_ARG(name));
	else if (s.n >= USERDB_DEVICES_MAX)
		buf_printf(why,
		           "%" STR_FMT " has %d devices, the most that are possible. Remove one "
		           "that is not used any more: `dialtone device list %" STR_FMT "`.",
		           STR_ARG(acc->uri), USERDB_DEVICES_MAX, STR_ARG(acc->uri));
	return why->len == 0;
}

void command_device_add(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	struct str name = str_trim(ctl_text(call->args, "name"));
	char password[PASSWORD_DEVICE_LEN + 1];
	auto_(buf_free) struct buf why = buf_of(2048), b = buf_of(8192);
	if (!command_user(admin, call, &acc))
		return;
	if (!check_new_device(admin, &acc, name, &why)) {
		call->fail(call, "%" STR_FMT, STR_ARG(buf_view(&why)));
		return;
	}
	password_make(password);
	struct change *ch = command_change(call, acc.uri);
	buf_lit(&b, "{");
	command_put(&b, "user", acc.uri);
	command_put(&b, "device", name);
	command_put(&b, "password", str_of(password));
	buf_lit(&b, "}");
	ch->result = str_dup(buf_view(&b));
	userdb_add_device(admin->db, &acc, name, str_of(password), command_changed, ch);
	wipe(password, sizeof(password));
	wipe(b.p, b.len);
}

static void put_device(void *arg, const struct userdb_cred *c)
{
	struct buf *b = arg;
	if (c->device.len == 0)
		return;
	if (b->len > 1)
		buf_char(b, ',');
	buf_lit(b, "{");
	command_put(b, "device", c->device);
	command_put_number(b, "created_at", c->created_at);
	if (c->used_at > 0)
		command_put_number(b, "used_at", c->used_at);
	else
		command_put_raw(b, "used_at", "null");
	buf_lit(b, "}");
}

void command_device_list(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	auto_(buf_free) struct buf b = buf_of(64 * 1024);
	if (!command_user(admin, call, &acc))
		return;
	buf_lit(&b, "[");
	int r = userdb_creds(admin->db, acc.id, put_device, &b);
	buf_lit(&b, "]");
	if (r < 0)
		call->fail(call, "The user store cannot be read (%s).", strerror(-r));
	else
		command_answer(call, &b);
}

void command_device_remove(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	struct device_search s = { .name = str_trim(ctl_text(call->args, "name")) };
	if (!command_user(admin, call, &acc))
		return;
	int r = userdb_creds(admin->db, acc.id, look_for, &s);
	if (r < 0 || s.id == 0) {
		call->fail(call,
		           "%" STR_FMT " has no device \"%" STR_FMT "\". `dialtone device list "
		           "%" STR_FMT "` shows those there are.",
		           STR_ARG(acc.uri), STR_ARG(s.name), STR_ARG(acc.uri));
		return;
	}
	struct change *ch = command_change(call, acc.uri);
	command_text(ch,
	             "The device's password is revoked; whoever signed in with it is signed out.",
	             ch->what);
	userdb_remove_device(admin->db, acc.id, s.id, command_changed, ch);
}
