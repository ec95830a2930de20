#include "svc/user/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/code.h"

enum { RESULT_MAX = 32 * 1024 * 1024, ENDPOINTS_MAX = 100, DEVICE_NAME_MAX = 64 };

/* --- common -------------------------------------------------------------------------------------
 */

/* A change on its way, to be answered when it is on disk. */
struct change {
	struct ctl_call *call;
	char *what;   /* "alice@example.test" */
	char *result; /* JSON of the answer */
};

static struct change *change_new(struct ctl_call *call, struct str what)
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

static void on_changed(void *arg, int err, uint64_t id UNUSED)
{
	struct change *ch = arg;
	if (err < 0)
		fail_changed(ch->call, ch->what, err);
	else
		ch->call->ok(ch->call, ch->result ? str_of(ch->result) : STR("null"));
	change_free(ch);
}

/* A sentence as the result; @ stands for arg. */
static void set_text(struct change *ch, const char *form, const char *arg)
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

/* The user a command names; answers the call itself if there is none. */
static bool find_user(struct user_admin *admin, struct ctl_call *call, struct account *ret)
{
	struct str name = ctl_text(call->args, "user");
	int r;
	if (str_istarts(name, STR("sip:")))
		name = str_sub(name, 4, name.len);
	r = userdb_lookup(admin->db, name, ret);
	if (r == -ENOENT)
		call->fail(call,
		           "There is no user \"%" STR_FMT "\". `dialtone user list` shows all.",
		           STR_ARG(name));
	else if (r < 0)
		call->fail(call,
		           "The user store cannot be read (%s). Look at the disk and at the log "
		           "of the accounts role.",
		           strerror(-r));
	return r == 0;
}

static void put_member(struct buf *b, const char *name, struct str value)
{
	if (b->p && b->len > 0 && b->p[b->len - 1] != '{')
		buf_char(b, ',');
	json_put_str(b, str_of(name));
	buf_char(b, ':');
	json_put_str(b, value);
}

static void put_raw(struct buf *b, const char *name, const char *value)
{
	buf_char(b, ',');
	json_put_str(b, str_of(name));
	buf_printf(b, ":%s", value);
}

static void put_number(struct buf *b, const char *name, int64_t value)
{
	char text[24];
	(void)!snprintf(text, sizeof(text), "%lld", (long long)value);
	put_raw(b, name, text);
}

static void answer(struct ctl_call *call, struct buf *b)
{
	if (b->full)
		call->fail(call, "The answer is too long to show.");
	else
		call->ok(call, buf_view(b));
}

/* --- user list, user show -----------------------------------------------------------------------
 */

static void put_row(void *arg, const struct account *acc)
{
	struct buf *b = arg;
	buf_lit(b, "{");
	put_member(b, "user", acc->uri);
	put_member(b, "name", acc->display_name);
	put_member(b, "phone", acc->phone);
	put_member(b, "extension", acc->extension);
	put_member(b, "email", acc->email);
	put_raw(b, "disabled", acc->disabled ? "true" : "false");
	buf_lit(b, "},");
}

static void user_list(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	buf_lit(&b, "[");
	int n = userdb_list(admin->db, put_row, &b);
	if (n < 0) {
		call->fail(call, "The user store cannot be read (%s). Look at the disk.",
		           strerror(-n));
		return;
	}
	if (n > 0 && !b.full)
		b.len--;
	buf_lit(&b, "]");
	answer(call, &b);
}

struct cred_view {
	struct userdb *db;
	uint64_t account;
	unsigned n_devices;
	bool has_password, has_nt, broken;
};

static void view_cred(void *arg, const struct userdb_cred *c)
{
	struct cred_view *v = arg;
	struct secrets s;
	if (userdb_unseal(v->db, &s, v->account, c) < 0) {
		v->broken = true;
		return;
	}
	v->has_password |= c->device.len == 0;
	v->n_devices += c->device.len > 0;
	v->has_nt |= s.has_nt;
	secrets_wipe(&s);
}

/* Which schemes of sign-in this user can use, and why not the others. */
static void put_schemes(struct buf *b, const struct account *acc, const struct cred_view *v)
{
	const char *digest = acc->sha256_only ? "Digest (SHA-256 alone, by this user's policy)"
	                                      : "Digest (MD5, or SHA-256 where a listener says so)";
	char text[256];
	(void)!snprintf(text, sizeof(text), "%s%s%s",
	                acc->disabled ? "none while disabled; else " : "", digest,
	                v->has_nt   ? "; NT hash kept for NTLM"
	                : acc->ntlm ? "; NTLM allowed, its hash comes with the next password"
	                            : "; no NTLM, by this user's policy");
	put_member(b, "schemes", str_of(text));
}

static void put_account(struct buf *b, const struct account *acc, const struct cred_view *v)
{
	put_member(b, "user", acc->uri);
	put_member(b, "name", acc->display_name);
	put_member(b, "email", acc->email);
	put_member(b, "phone", acc->phone);
	put_member(b, "extension", acc->extension);
	put_member(b, "department", acc->department);
	put_member(b, "title", acc->title);
	put_member(b, "manager", acc->manager);
	put_raw(b, "disabled", acc->disabled ? "true" : "false");
	put_schemes(b, acc, v);
	put_number(b, "devices", v->n_devices);
	put_number(b, "max_endpoints", acc->max_endpoints);
}

static void user_show(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	auto_(buf_free) struct buf b = buf_of(64 * 1024), photo = buf_of(USER_PHOTO_MAX);
	if (!find_user(admin, call, &acc))
		return;
	struct cred_view v = { .db = admin->db, .account = acc.id };
	if (userdb_creds(admin->db, acc.id, view_cred, &v) < 0 || v.broken) {
		call->fail(call,
		           "The passwords of %" STR_FMT " cannot be read: the store is damaged. "
		           "Set a new password, or put back a backup.",
		           STR_ARG(acc.uri));
		return;
	}
	buf_lit(&b, "{");
	put_account(&b, &acc, &v);
	put_number(&b, "photo_bytes",
	           userdb_photo(admin->db, acc.id, &photo) == 0 ? (int64_t)photo.len : 0);
	buf_lit(&b, "}");
	answer(call, &b);
}

/* --- user add -----------------------------------------------------------------------------------
 */

/* The canonical name of a person that a field names must exist. */
static bool check_manager(struct user_admin *admin, struct str *value, struct account *acc,
                          struct buf *why)
{
	int r = value->len == 0 ? 0 : userdb_lookup(admin->db, *value, acc);
	if (r < 0)
		buf_printf(why, "The manager \"%" STR_FMT "\" is no user of this server.",
		           STR_ARG(*value));
	else if (value->len > 0)
		*value = acc->uri;
	return r == 0;
}

/* Says who has a number that somebody else is to get. */
static bool check_free(struct user_admin *admin, enum user_field f, struct str value,
                       uint64_t except, struct buf *why)
{
	struct account holder;
	if (value.len == 0 || (f != USER_PHONE && f != USER_EXTENSION) ||
	    userdb_lookup(admin->db, value, &holder) < 0 || holder.id == except)
		return true;
	buf_printf(why,
	           "The %s %" STR_FMT " belongs to %" STR_FMT ". Take it from there first: "
	           "`dialtone user set %" STR_FMT " --%s \"\"`.",
	           user_field_name(f), STR_ARG(value), STR_ARG(holder.uri), STR_ARG(holder.uri),
	           user_field_name(f));
	return false;
}

/* Reads and checks the fields given; absent ones have p NULL. */
static bool read_fields(struct user_admin *admin, struct ctl_call *call, uint64_t except,
                        struct str field[USER_N_FIELDS], struct buf *manager, struct buf *why)
{
	struct account acc;
	for (unsigned i = 0; i < USER_N_FIELDS; i++) {
		enum user_field f = (enum user_field)i;
		const char *name = user_field_name(f);
		field[i] = (struct str){ NULL, 0 };
		if (!cJSON_GetObjectItemCaseSensitive(call->args, name))
			continue;
		field[i] = str_trim(ctl_text(call->args, name));
		if (user_field_check(f, field[i], why) < 0 ||
		    !check_free(admin, f, field[i], except, why))
			return false;
		if (f != USER_MANAGER)
			continue;
		if (!check_manager(admin, &field[i], &acc, why))
			return false;
		buf_str(manager, field[i]);
		field[i] = field[i].len > 0 ? buf_view(manager) : STR("");
	}
	return true;
}

static bool check_new_name(struct user_admin *admin, struct str name, struct buf *uri,
                           struct buf *why)
{
	struct account acc;
	if (userdb_uri(admin->db, uri, name, why) < 0)
		return false;
	if (userdb_lookup(admin->db, buf_view(uri), &acc) == -ENOENT)
		return true;
	buf_printf(why,
	           "There is a user %" STR_FMT " already. `dialtone user show %" STR_FMT
	           "` shows who that is.",
	           STR_ARG(buf_view(uri)), STR_ARG(buf_view(uri)));
	return false;
}

static struct str local_part(struct str uri)
{
	struct str local, host;
	(void)str_cut(uri, '@', &local, &host);
	return local;
}

static void user_add(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	auto_(buf_free) struct buf uri = buf_of(USER_TEXT_MAX), why = buf_of(2048);
	auto_(buf_free) struct buf manager = buf_of(USER_TEXT_MAX);
	struct userdb_new n = { .password = ctl_text(call->args, "password") };
	const char *weak;
	if (!check_new_name(admin, ctl_text(call->args, "user"), &uri, &why) ||
	    !read_fields(admin, call, 0, n.field, &manager, &why)) {
		call->fail(call, "%" STR_FMT, STR_ARG(buf_view(&why)));
		return;
	}
	n.uri = buf_view(&uri);
	if (password_check(n.password, local_part(n.uri), &weak) < 0) {
		call->fail(call, "%s", weak);
		return;
	}
	struct change *ch = change_new(call, n.uri);
	auto_(buf_free) struct buf b = buf_of(4096);
	buf_lit(&b, "{");
	put_member(&b, "user", n.uri);
	buf_lit(&b, "}");
	ch->result = str_dup(buf_view(&b));
	userdb_add(admin->db, &n, on_changed, ch);
}

/* --- user set -----------------------------------------------------------------------------------
 */

/* -1: not given; 2: neither yes nor no. */
static int yes_no(const cJSON *args, const char *name)
{
	struct str v = ctl_text(args, name);
	if (!cJSON_GetObjectItemCaseSensitive(args, name))
		return -1;
	return str_ieq(v, STR("yes")) ? 1 : str_ieq(v, STR("no")) ? 0 : 2;
}

static bool read_policy(struct ctl_call *call, struct userdb_set *set, struct buf *why)
{
	double endpoints = ctl_number(call->args, "max-endpoints", -1);
	bool given = cJSON_GetObjectItemCaseSensitive(call->args, "max-endpoints");
	set->ntlm = yes_no(call->args, "ntlm");
	set->sha256_only = yes_no(call->args, "sha256-only");
	set->max_endpoints = (int64_t)CLAMP(endpoints, -1.0, ENDPOINTS_MAX + 1.0);
	if (set->ntlm == 2 || set->sha256_only == 2)
		buf_lit(why, "--ntlm and --sha256-only take yes or no.");
	else if (given && (endpoints < 0 || endpoints > ENDPOINTS_MAX))
		buf_printf(why,
		           "--max-endpoints takes a number from 1 to %d, or 0 for the server's "
		           "own limit.",
		           ENDPOINTS_MAX);
	return why->len == 0;
}

static bool read_photo(struct ctl_call *call, struct buf *ret, bool *ret_given, struct buf *why)
{
	struct str text = ctl_text(call->args, "photo");
	*ret_given = cJSON_GetObjectItemCaseSensitive(call->args, "photo");
	if (text.len == 0)
		return true;
	if (base64_get(text, ret) < 0) {
		buf_printf(why,
		           "The photo must be a JPEG, PNG or GIF of at most %d bytes (as base64 "
		           "on the control socket).",
		           USER_PHOTO_MAX);
		return false;
	}
	return user_photo_check(bytes_of(buf_view(ret)), why) == 0;
}

static bool is_nothing(const struct userdb_set *set)
{
	bool any = set->ntlm >= 0 || set->sha256_only >= 0 || set->max_endpoints >= 0 ||
	           set->has_photo;
	for (unsigned i = 0; i < USER_N_FIELDS; i++)
		any |= set->field[i].p != NULL;
	return !any;
}

static void user_set(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	struct userdb_set set = USERDB_SET_NOTHING;
	auto_(buf_free) struct buf why = buf_of(2048), manager = buf_of(USER_TEXT_MAX);
	auto_(buf_free) struct buf photo = buf_of(USER_PHOTO_MAX + 1024), uri = buf_of(1024);
	if (!find_user(admin, call, &acc))
		return;
	uint64_t id = acc.id;
	buf_str(&uri, acc.uri);
	if (!read_fields(admin, call, id, set.field, &manager, &why) ||
	    !read_policy(call, &set, &why) || !read_photo(call, &photo, &set.has_photo, &why)) {
		call->fail(call, "%" STR_FMT, STR_ARG(buf_view(&why)));
		return;
	}
	if (is_nothing(&set)) {
		call->fail(call, "Nothing to change was given. `dialtone help user set` shows what "
		                 "can be set.");
		return;
	}
	set.photo = bytes_of(buf_view(&photo));
	struct change *ch = change_new(call, buf_view(&uri));
	set_text(ch, "@ is changed.", ch->what);
	userdb_set(admin->db, id, &set, on_changed, ch);
}

/* --- user passwd, disable, enable, remove -------------------------------------------------------
 */

static void user_passwd(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	const char *weak;
	struct str password = ctl_text(call->args, "password");
	if (!find_user(admin, call, &acc))
		return;
	if (password_check(password, local_part(acc.uri), &weak) < 0) {
		call->fail(call, "%s", weak);
		return;
	}
	struct change *ch = change_new(call, acc.uri);
	set_text(ch,
	         "The password of @ is changed. Whoever signed in with the old one is signed "
	         "out; device passwords stay.",
	         ch->what);
	userdb_set_password(admin->db, &acc, password, on_changed, ch);
}

static void set_disabled(struct user_admin *admin, struct ctl_call *call, bool disabled)
{
	struct account acc;
	if (!find_user(admin, call, &acc))
		return;
	struct change *ch = change_new(call, acc.uri);
	set_text(ch, disabled ? "@ is disabled and signed out everywhere." : "@ may sign in again.",
	         ch->what);
	userdb_set_disabled(admin->db, acc.id, disabled, on_changed, ch);
}

static void user_disable(void *role_state, struct ctl_call *call)
{
	set_disabled(role_state, call, true);
}

static void user_enable(void *role_state, struct ctl_call *call)
{
	set_disabled(role_state, call, false);
}

static void user_remove(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	if (!find_user(admin, call, &acc))
		return;
	struct change *ch = change_new(call, acc.uri);
	set_text(ch, "@ is removed, with all device passwords.", ch->what);
	userdb_remove(admin->db, acc.id, on_changed, ch);
}

/* --- devices ------------------------------------------------------------------------------------
 */

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

/* One line, as a person writes it on a label. */
static bool check_device_name(struct str name, struct buf *why)
{
	if (name.len > 0 && name.len <= DEVICE_NAME_MAX &&
	    user_field_check(USER_NAME, name, why) == 0)
		return true;
	why->len = 0;
	buf_printf(why,
	           "A device needs a name of 1 to %d bytes on one line, such as \"desk phone\".",
	           DEVICE_NAME_MAX);
	return false;
}

static bool check_new_device(struct user_admin *admin, const struct account *acc, struct str name,
                             struct buf *why)
{
	struct device_search s = { .name = name };
	if (!check_device_name(name, why))
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

static void device_add(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	struct str name = str_trim(ctl_text(call->args, "name"));
	char password[PASSWORD_DEVICE_LEN + 1];
	auto_(buf_free) struct buf why = buf_of(2048), b = buf_of(8192);
	if (!find_user(admin, call, &acc))
		return;
	if (!check_new_device(admin, &acc, name, &why)) {
		call->fail(call, "%" STR_FMT, STR_ARG(buf_view(&why)));
		return;
	}
	password_make(password);
	struct change *ch = change_new(call, acc.uri);
	buf_lit(&b, "{");
	put_member(&b, "user", acc.uri);
	put_member(&b, "device", name);
	put_member(&b, "password", str_of(password));
	buf_lit(&b, "}");
	ch->result = str_dup(buf_view(&b));
	userdb_add_device(admin->db, &acc, name, str_of(password), on_changed, ch);
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
	put_member(b, "device", c->device);
	put_number(b, "created_at", c->created_at);
	if (c->used_at > 0)
		put_number(b, "used_at", c->used_at);
	else
		put_raw(b, "used_at", "null");
	buf_lit(b, "}");
}

static void device_list(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	auto_(buf_free) struct buf b = buf_of(64 * 1024);
	if (!find_user(admin, call, &acc))
		return;
	buf_lit(&b, "[");
	int r = userdb_creds(admin->db, acc.id, put_device, &b);
	buf_lit(&b, "]");
	if (r < 0)
		call->fail(call, "The user store cannot be read (%s).", strerror(-r));
	else
		answer(call, &b);
}

static void device_remove(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	struct device_search s = { .name = str_trim(ctl_text(call->args, "name")) };
	if (!find_user(admin, call, &acc))
		return;
	int r = userdb_creds(admin->db, acc.id, look_for, &s);
	if (r < 0 || s.id == 0) {
		call->fail(call,
		           "%" STR_FMT " has no device \"%" STR_FMT "\". `dialtone device list "
		           "%" STR_FMT "` shows those there are.",
		           STR_ARG(acc.uri), STR_ARG(s.name), STR_ARG(acc.uri));
		return;
	}
	struct change *ch = change_new(call, acc.uri);
	set_text(ch, "The device's password is revoked; whoever signed in with it is signed out.",
	         ch->what);
	userdb_remove_device(admin->db, acc.id, s.id, on_changed, ch);
}

/* --- the table ----------------------------------------------------------------------------------
 */

/* clang-format off */
#define ARG_USER { "user", CTL_TEXT, true, true, "user name, address or number" }
#define ARG_PASSWORD { "password", CTL_TEXT, false, true, "asked for, or made, by the tool" }
#define ARGS_DATA                                                                        \
	{ "name", CTL_TEXT, false, false, "display name" },                              \
	{ "email", CTL_TEXT, false, false, "e-mail address" },                           \
	{ "phone", CTL_TEXT, false, false, "telephone number, E.164: +4930123456" },     \
	{ "extension", CTL_TEXT, false, false, "two to ten digits" },                    \
	{ "department", CTL_TEXT, false, false, "department" },                          \
	{ "title", CTL_TEXT, false, false, "title" },                                    \
	{ "manager", CTL_TEXT, false, false, "another user" }

const struct ctl_command user_commands[] = {
	{ "user", "add", { ARG_USER, ARG_PASSWORD, ARGS_DATA },
	  "Make a user", false, user_add },
	{ "user", "list", { { .name = NULL } },
	  "Show all users", false, user_list },
	{ "user", "show", { ARG_USER },
	  "Show a user and how that user can sign in", false, user_show },
	{ "user", "set", { ARG_USER, ARGS_DATA,
	                   { "photo", CTL_TEXT, false, false, "picture, at most 30 kB; empty: none" },
	                   { "ntlm", CTL_TEXT, false, false, "yes or no: NTLM sign-in allowed" },
	                   { "sha256-only", CTL_TEXT, false, false, "yes or no: no MD5 Digest" },
	                   { "max-endpoints", CTL_NUMBER, false, false, "clients at once; 0: as all" } },
	  "Change a user's data; an empty value clears", false, user_set },
	{ "user", "passwd", { ARG_USER, ARG_PASSWORD },
	  "Set a new password", false, user_passwd },
	{ "user", "disable", { ARG_USER },
	  "Refuse sign-ins and sign the user out at once", false, user_disable },
	{ "user", "enable", { ARG_USER },
	  "Let a disabled user sign in again", false, user_enable },
	{ "user", "remove", { ARG_USER },
	  "Remove a user for good", false, user_remove },
	{ "device", "add", { ARG_USER,
	                     { "name", CTL_TEXT, true, true, "a name for the device" } },
	  "Make a password for one device; shown once", false, device_add },
	{ "device", "list", { ARG_USER },
	  "Show a user's devices", false, device_list },
	{ "device", "remove", { ARG_USER,
	                        { "name", CTL_TEXT, true, true, "the device's name" } },
	  "Revoke a device's password", false, device_remove },
	{ .noun = NULL },
};
/* clang-format on */
