#include "svc/user/commands_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/code.h"
#include "svc/user/factor.h"

enum { RESULT_MAX = 32 * 1024 * 1024, ENDPOINTS_MAX = 100 };

/* --- user list, user show ------------------------------------------------------------ */

static void put_row(void *arg, const struct account *acc)
{
	struct buf *b = arg;
	buf_lit(b, "{");
	command_put(b, "user", acc->uri);
	command_put(b, "name", acc->display_name);
	command_put(b, "phone", acc->phone);
	command_put(b, "extension", acc->extension);
	command_put(b, "email", acc->email);
	command_put(b, "department", acc->department);
	command_put_raw(b, "disabled", acc->disabled ? "true" : "false");
	command_put_raw(b, "admin", acc->admin ? "true" : "false");
	buf_lit(b, "},");
}

static void user_list(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	double max = ctl_number(call->args, "max", USERDB_LIST_MAX);
	struct userdb_find q = { .text = str_trim(ctl_text(call->args, "text")),
		                 .after = ctl_text(call->args, "after") };
	if (!(max >= 1 && max <= USERDB_LIST_MAX)) {
		call->fail(call, "--max takes 1 to %d.", USERDB_LIST_MAX);
		return;
	}
	q.max = (uint32_t)max;
	buf_lit(&b, "[");
	int n = userdb_find(admin->db, &q, put_row, &b);
	if (n < 0) {
		call->fail(call, "The user store cannot be read (%s). Look at the disk.",
		           strerror(-n));
		return;
	}
	if (n > 0 && !b.full)
		b.len--;
	buf_lit(&b, "]");
	command_answer(call, &b);
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
	                v->has_nt   ? "; NTLM"
	                : acc->ntlm ? "; NTLM allowed, its hash comes with the next password"
	                            : "; no NTLM, by this user's policy");
	command_put(b, "schemes", str_of(text));
}

/* Also of one that does not open: an administrator removes it. */
static void put_factor(struct buf *b, struct userdb *db, uint64_t account)
{
	struct factor f = { .state = FACTOR_NONE };
	char text[128];
	int r = factor_read(db, account, &f);
	(void)!snprintf(text, sizeof(text), "%s%s",
	                r < 0                  ? "cannot be read"
	                : f.state == FACTOR_ON ? "on"
	                                       : "off",
	                f.required ? ", required for the web" : "");
	command_put(b, "second_factor", str_of(text));
	command_put_number(b, "recovery_codes", f.recovery);
	wipe(&f, sizeof(f));
}

static void put_account(struct buf *b, const struct account *acc, const struct cred_view *v)
{
	command_put(b, "user", acc->uri);
	command_put(b, "name", acc->display_name);
	command_put(b, "email", acc->email);
	command_put(b, "phone", acc->phone);
	command_put(b, "extension", acc->extension);
	command_put(b, "department", acc->department);
	command_put(b, "title", acc->title);
	command_put(b, "manager", acc->manager);
	command_put_raw(b, "disabled", acc->disabled ? "true" : "false");
	command_put_raw(b, "admin", acc->admin ? "true" : "false");
	put_schemes(b, acc, v);
	command_put_number(b, "devices", v->n_devices);
	put_factor(b, v->db, acc->id);
}

/* What counts, and why. */
static void put_limit(struct buf *b, const struct account *acc, uint32_t of_all)
{
	bool own = acc->max_endpoints > 0;
	command_put_number(b, "max_endpoints", own ? acc->max_endpoints : of_all);
	command_put(b, "max_endpoints_is",
	            own ? STR("this user's own (user set --max-endpoints)")
	                : STR("the default (max-endpoints of the front end)"));
}

static void put_person(struct buf *b, const struct userdb_person *p)
{
	command_put(b, "office", p->person.office);
	command_put(b, "company", p->person.company);
	command_put(b, "city", p->person.city);
	command_put(b, "state", p->person.state);
	command_put(b, "country", p->person.country);
	command_put_raw(b, "hidden", p->hidden ? "true" : "false");
}

static void user_show(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	auto_(buf_free) struct buf b = buf_of(64 * 1024), photo = buf_of(USER_PHOTO_MAX);
	if (!command_user(admin, call, &acc))
		return;
	uint64_t id = acc.id;
	struct cred_view v = { .db = admin->db, .account = id };
	struct userdb_person person;
	if (userdb_creds(admin->db, id, view_cred, &v) < 0 || v.broken) {
		call->fail(call,
		           "The passwords of %" STR_FMT " cannot be read: the store is damaged. "
		           "Set a new password, or put back a backup.",
		           STR_ARG(acc.uri));
		return;
	}
	buf_lit(&b, "{");
	put_account(&b, &acc, &v);
	put_limit(&b, &acc, admin->max_endpoints);
	if (userdb_person(admin->db, id, &person) == 0) /* acc's texts end here */
		put_person(&b, &person);
	command_put_number(&b, "photo_bytes",
	                   userdb_photo(admin->db, id, &photo) == 0 ? (int64_t)photo.len : 0);
	buf_lit(&b, "}");
	command_answer(call, &b);
}

/* --- user add ------------------------------------------------------------------------ */

/* The canonical name of a person that a field names must exist. */
static bool check_manager(struct user_admin *admin, struct str *value, struct account *acc,
                          struct buf *why)
{
	int r = value->len == 0 ? 0 : userdb_lookup(admin->db, *value, acc);
	if (r == 0 && value->len > 0 && acc->group)
		r = -ENOENT;
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
	if (!command_new_name(admin, ctl_text(call->args, "user"), &uri, &why) ||
	    !read_fields(admin, call, 0, n.field, &manager, &why)) {
		call->fail(call, "%" STR_FMT, STR_ARG(buf_view(&why)));
		return;
	}
	n.uri = buf_view(&uri);
	if (password_check(n.password, local_part(n.uri), &weak) < 0) {
		call->fail(call, "%s", weak);
		return;
	}
	struct change *ch = command_change(call, n.uri);
	auto_(buf_free) struct buf b = buf_of(4096);
	buf_lit(&b, "{");
	command_put(&b, "user", n.uri);
	buf_lit(&b, "}");
	ch->result = str_dup(buf_view(&b));
	userdb_add(admin->db, &n, command_changed, ch);
}

static const char *const factor_policies[] = { [USERDB_FACTOR_DEFAULT] = "default",
	                                       [USERDB_FACTOR_REQUIRED] = "required",
	                                       [USERDB_FACTOR_OPTIONAL] = "optional" };

/* --- user set ------------------------------------------------------------------------ */

/* -1: not given; 2: neither yes nor no. */
static int yes_no(const cJSON *args, const char *name)
{
	struct str v = ctl_text(args, name);
	if (!cJSON_GetObjectItemCaseSensitive(args, name))
		return -1;
	return str_ieq(v, STR("yes")) ? 1 : str_ieq(v, STR("no")) ? 0 : 2;
}

/* -1: not given; behind the last one: none of them. */
static int read_factor(const cJSON *args)
{
	struct str v = ctl_text(args, "second-factor");
	int i = 0;
	if (!cJSON_GetObjectItemCaseSensitive(args, "second-factor"))
		return -1;
	while (i <= USERDB_FACTOR_OPTIONAL && !str_ieq(v, str_of(factor_policies[i])))
		i++;
	return i;
}

static bool read_policy(struct ctl_call *call, struct userdb_set *set, struct buf *why)
{
	double max = ENDPOINTS_MAX, endpoints = ctl_number(call->args, "max-endpoints", -1);
	bool given = cJSON_GetObjectItemCaseSensitive(call->args, "max-endpoints");
	set->ntlm = yes_no(call->args, "ntlm");
	set->sha256_only = yes_no(call->args, "sha256-only");
	set->hidden = yes_no(call->args, "hidden");
	set->second_factor = read_factor(call->args);
	set->admin = yes_no(call->args, "admin");
	set->max_endpoints = (int64_t)CLAMP(endpoints, -1.0, max + 1.0);
	if (set->ntlm == 2 || set->sha256_only == 2 || set->hidden == 2 || set->admin == 2)
		buf_lit(why, "--ntlm, --sha256-only, --hidden and --admin take yes or no.");
	else if (set->second_factor > USERDB_FACTOR_OPTIONAL)
		buf_lit(why, "--second-factor takes required, optional or default.");
	else if (given && (endpoints < 0 || endpoints > max))
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
	bool any = set->ntlm >= 0 || set->sha256_only >= 0 || set->hidden >= 0 ||
	           set->max_endpoints >= 0 || set->second_factor >= 0 || set->admin >= 0 ||
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
	if (!command_user(admin, call, &acc))
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
	struct change *ch = command_change(call, buf_view(&uri));
	command_text(ch, "@ is changed.", ch->what);
	userdb_set(admin->db, id, &set, command_changed, ch);
}

/* A photo alone: one is set, or it is removed; that is no matter of what is left out. */
static void user_photo(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	struct userdb_set set = USERDB_SET_NOTHING;
	auto_(buf_free) struct buf why = buf_of(2048), photo = buf_of(USER_PHOTO_MAX + 1024);
	bool removes = ctl_flag(call->args, "remove");
	if (!command_user(admin, call, &acc))
		return;
	if (!read_photo(call, &photo, &set.has_photo, &why)) {
		call->fail(call, "%" STR_FMT, STR_ARG(buf_view(&why)));
		return;
	}
	if (removes == (photo.len > 0)) {
		call->fail(call, "Name either the file of a picture or --remove.");
		return;
	}
	set.has_photo = true;
	set.photo = bytes_of(buf_view(&photo));
	struct change *ch = command_change(call, acc.uri);
	command_text(ch, removes ? "@ has no photo any more." : "@ has that photo.", ch->what);
	userdb_set(admin->db, acc.id, &set, command_changed, ch);
}

/* --- user passwd, disable, enable, remove -------------------------------------------- */

static void user_passwd(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	const char *weak;
	struct str password = ctl_text(call->args, "password");
	if (!command_user(admin, call, &acc))
		return;
	if (password_check(password, local_part(acc.uri), &weak) < 0) {
		call->fail(call, "%s", weak);
		return;
	}
	struct change *ch = command_change(call, acc.uri);
	command_text(ch,
	             "The password of @ is changed. Whoever signed in with the old one is signed "
	             "out; device passwords and app tokens stay.",
	             ch->what);
	userdb_set_password(admin->db, &acc, password, command_changed, ch);
}

static void user_reset_factor(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	struct factor f = { .state = FACTOR_NONE };
	if (!command_user(admin, call, &acc))
		return;
	int r = factor_read(admin->db, acc.id, &f);
	bool none = r == 0 && f.state == FACTOR_NONE;
	wipe(&f, sizeof(f));
	if (none) {
		call->fail(call, "%" STR_FMT " has no second factor.", STR_ARG(acc.uri));
		return;
	}
	struct change *ch = command_change(call, acc.uri);
	command_text(
	        ch,
	        "The second factor of @ is removed, with its recovery codes: the password alone "
	        "signs in. Log-ins that there are stay.",
	        ch->what);
	factor_end(admin->db, acc.id, command_changed, ch);
}

static void set_disabled(struct user_admin *admin, struct ctl_call *call, bool disabled)
{
	struct account acc;
	if (!command_user(admin, call, &acc))
		return;
	struct change *ch = command_change(call, acc.uri);
	command_text(ch,
	             disabled ? "@ is disabled and signed out everywhere." : "@ may sign in again.",
	             ch->what);
	userdb_set_disabled(admin->db, acc.id, disabled, command_changed, ch);
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
	if (!command_user(admin, call, &acc))
		return;
	struct change *ch = command_change(call, acc.uri);
	command_text(ch, "@ is removed, with all device passwords and app tokens.", ch->what);
	userdb_remove(admin->db, acc.id, command_changed, ch);
}

/* --- the table ----------------------------------------------------------------------- */

/* clang-format off */
#define ARG_USER { "user", CTL_TEXT, true, true, "user name, address or number" }
#define ARG_GROUP { "group", CTL_TEXT, true, true, "group's name or address" }
#define ARG_GROUP_NAME { "name", CTL_TEXT, false, false, "display name" }
#define ARG_PASSWORD { "password", CTL_TEXT, false, true, "asked for, or made, by the tool" }
#define ARGS_DATA                                                                        \
	{ "name", CTL_TEXT, false, false, "display name" },                              \
	{ "email", CTL_TEXT, false, false, "e-mail address" },                           \
	{ "phone", CTL_TEXT, false, false, "telephone number, E.164: +4930123456" },     \
	{ "extension", CTL_TEXT, false, false, "two to ten digits" },                    \
	{ "department", CTL_TEXT, false, false, "department" },                          \
	{ "title", CTL_TEXT, false, false, "title" },                                    \
	{ "manager", CTL_TEXT, false, false, "another user" },                           \
	{ "office", CTL_TEXT, false, false, "office: building, room" },                  \
	{ "company", CTL_TEXT, false, false, "company" },                                \
	{ "city", CTL_TEXT, false, false, "city" },                                      \
	{ "state", CTL_TEXT, false, false, "state or province" },                        \
	{ "country", CTL_TEXT, false, false, "country" }

const struct ctl_command user_commands[] = {
	{ "user", "add", { ARG_USER, ARG_PASSWORD, ARGS_DATA },
	  "Make a user", false, user_add },
	{ "user", "list", { { "text", CTL_TEXT, true, false, "part of a name, address, number, department" },
	                    { "after", CTL_TEXT, false, false, "those behind this address" },
	                    { "max", CTL_NUMBER, false, false, "users to show" } },
	  "Show all users", false, user_list },
	{ "user", "show", { ARG_USER },
	  "Show a user and how that user can sign in", false, user_show },
	{ "user", "set", { ARG_USER, ARGS_DATA,
	                   { "photo", CTL_TEXT, false, false, "picture, at most 30 kB; empty: none" },
	                   { "ntlm", CTL_TEXT, false, false, "yes or no: NTLM sign-in allowed" },
	                   { "sha256-only", CTL_TEXT, false, false, "yes or no: no MD5 Digest" },
	                   { "max-endpoints", CTL_NUMBER, false, false, "clients at once; 0: the default" },
	                   { "hidden", CTL_TEXT, false, false, "yes or no: not found by searches" },
	                   { "second-factor", CTL_TEXT, false, false,
	                     "required, optional or default, for the web" },
	                   { "admin", CTL_TEXT, false, false, "yes or no: the administration pages" } },
	  "Change a user's data; an empty value clears", false, user_set },
	{ "user", "photo", { ARG_USER,
	                     { "photo", CTL_TEXT, true, false, "picture, at most 30 kB" },
	                     { "remove", CTL_FLAG, false, false, "the user has none any more" } },
	  "Set a user's photo, or remove it", false, user_photo },
	{ "user", "passwd", { ARG_USER, ARG_PASSWORD },
	  "Set a new password", false, user_passwd },
	{ "user", "reset-factor", { ARG_USER },
	  "Remove the second factor of who has lost it", false, user_reset_factor },
	{ "user", "disable", { ARG_USER },
	  "Refuse sign-ins and sign the user out at once", false, user_disable },
	{ "user", "enable", { ARG_USER },
	  "Let a disabled user sign in again", false, user_enable },
	{ "user", "remove", { ARG_USER },
	  "Remove a user for good", false, user_remove },
	{ "device", "add", { ARG_USER,
	                     { "name", CTL_TEXT, true, true, "a name for the device" } },
	  "Make a password for one device; shown once", false, command_device_add },
	{ "device", "list", { ARG_USER },
	  "Show a user's devices", false, command_device_list },
	{ "device", "remove", { ARG_USER,
	                        { "name", CTL_TEXT, true, true, "the device's name" } },
	  "Revoke a device's password", false, command_device_remove },
	{ "login", "list", { ARG_USER },
	  "Show where a user is signed in to the web", false, command_login_list },
	{ "login", "end", { ARG_USER,
	                    { "number", CTL_NUMBER, true, false, "one of the list; absent: all" } },
	  "Sign a user out of the web", false, command_login_end },
	{ "token", "create", { ARG_USER,
	                       { "name", CTL_TEXT, false, true, "a name for the program" },
	                       { "life", CTL_TEXT, false, false, "such as 365d; absent: for ever" } },
	  "Make an app token for a program; shown once", false, command_token_create },
	{ "token", "list", { { "user", CTL_TEXT, true, false, "absent: of all users" } },
	  "Show app tokens", false, command_token_list },
	{ "token", "remove", { { "number", CTL_NUMBER, true, true, "one of the list" } },
	  "Revoke an app token", false, command_token_remove },
	{ "audit", "list", { { "user", CTL_TEXT, false, false, "of this administrator alone" },
	                     { "before", CTL_NUMBER, false, false, "older than the row of this number" },
	                     { "max", CTL_NUMBER, false, false, "rows to show, 1 to 500; 100 if absent" } },
	  "Show what was done by the administration pages, the last first", false, command_audit_list },
	{ "directory", "search", { { "text", CTL_TEXT, true, true, "beginnings of words" },
	                           { "max", CTL_NUMBER, false, false, "people to show, 1 to 100" } },
	  "Find people as clients do", false, command_directory_search },
	{ "group", "add", { ARG_GROUP, ARG_GROUP_NAME },
	  "Make a distribution group", false, command_group_add },
	{ "group", "list", { { .name = NULL } },
	  "Show all distribution groups", false, command_group_list },
	{ "group", "show", { ARG_GROUP },
	  "Show a group's members", false, command_group_show },
	{ "group", "set", { ARG_GROUP, ARG_GROUP_NAME },
	  "Change a group's name", false, command_group_set },
	{ "group", "remove", { ARG_GROUP },
	  "Remove a group", false, command_group_remove },
	{ "group", "member", { { "action", CTL_TEXT, true, true, "add or remove" }, ARG_GROUP,
	                       { "member", CTL_TEXT, true, true, "a user, or any address" } },
	  "Change a group's members", false, command_group_member },
	{ .noun = NULL },
};
/* clang-format on */
