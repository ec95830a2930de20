#include <errno.h>
#include <string.h>

#include "svc/user/commands_priv.h"

enum { RESULT_MAX = 1024 * 1024 };

/* --- groups --------------------------------------------------------------------------- */

/* The group a command names; answers the call itself if there is none. */
static bool find_group(struct user_admin *admin, struct ctl_call *call, struct account *ret)
{
	struct str name = ctl_text(call->args, "group");
	auto_(buf_free) struct buf uri = buf_of(USER_TEXT_MAX), why = buf_of(2048);
	int r = userdb_uri(admin->db, &uri, name, &why);
	if (r == 0)
		r = userdb_lookup(admin->db, buf_view(&uri), ret);
	if (r == 0 && ret->group)
		return true;
	if (r == -EIO)
		call->fail(call, "The user store cannot be read. Look at the disk and at the log "
		                 "of the accounts role.");
	else
		call->fail(call,
		           "There is no group \"%" STR_FMT "\". `dialtone group list` shows all.",
		           STR_ARG(str_sub(name, 0, USER_TEXT_MAX)));
	return false;
}

/* The display name given, without blanks around; false if it is unfit, and the call answered. */
static bool read_name(struct ctl_call *call, struct str *ret)
{
	auto_(buf_free) struct buf why = buf_of(2048);
	*ret = str_trim(ctl_text(call->args, "name"));
	if (user_field_check(USER_NAME, *ret, &why) == 0)
		return true;
	call->fail(call, "%" STR_FMT, STR_ARG(buf_view(&why)));
	return false;
}

void command_group_add(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct str name;
	auto_(buf_free) struct buf uri = buf_of(USER_TEXT_MAX), why = buf_of(2048);
	if (!read_name(call, &name))
		return;
	if (!command_new_name(admin, ctl_text(call->args, "group"), &uri, &why)) {
		call->fail(call, "%" STR_FMT, STR_ARG(buf_view(&why)));
		return;
	}
	struct change *ch = command_change(call, buf_view(&uri));
	command_text(ch,
	             "The group @ is made. `dialtone group member add @ USER` gives it members.",
	             ch->what);
	userdb_add_group(admin->db, buf_view(&uri), name, command_changed, ch);
}

void command_group_set(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	struct userdb_set set = USERDB_SET_NOTHING;
	if (!read_name(call, &set.field[USER_NAME]) || !find_group(admin, call, &acc))
		return;
	if (!cJSON_GetObjectItemCaseSensitive(call->args, "name")) {
		call->fail(call, "Nothing to change was given: --name sets the display name.");
		return;
	}
	struct change *ch = command_change(call, acc.uri);
	command_text(ch, "@ is changed.", ch->what);
	userdb_set(admin->db, acc.id, &set, command_changed, ch);
}

void command_group_remove(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	if (!find_group(admin, call, &acc))
		return;
	struct change *ch = command_change(call, acc.uri);
	command_text(ch, "The group @ is removed; its members stay.", ch->what);
	userdb_remove(admin->db, acc.id, command_changed, ch);
}

/* --- lists ---------------------------------------------------------------------------- */

static void put_open(struct buf *b)
{
	buf_str(b, b->len > 0 && b->p[b->len - 1] == '}' ? STR(",{") : STR("{"));
}

struct group_row {
	uint64_t id;
	size_t at; /* where its text ends */
};
struct group_rows {
	struct buf text, rows;
};

static void take_group(void *arg, const struct account *acc)
{
	struct group_rows *g = arg;
	buf_lit(&g->text, "{");
	command_put(&g->text, "group", acc->uri);
	command_put(&g->text, "name", acc->display_name);
	struct group_row row = { acc->id, g->text.len };
	buf_put(&g->rows, &row, sizeof(row));
}

/* The members are counted when the groups have been read: a row's function must not read. */
void command_group_list(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct group_rows g = { buf_of(RESULT_MAX), buf_of(RESULT_MAX) };
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	int n = userdb_groups(admin->db, take_group, &g);
	size_t from = 0;
	buf_lit(&b, "[");
	for (int i = 0; i < n && !g.rows.full; i++) {
		struct group_row row;
		memcpy(&row, g.rows.p + (size_t)i * sizeof(row), sizeof(row));
		buf_str(&b, i > 0 ? STR(",") : STR(""));
		buf_str(&b, str_n(g.text.p + from, row.at - from));
		command_put_number(&b, "members", userdb_count_members(admin->db, row.id));
		buf_lit(&b, "}");
		from = row.at;
	}
	buf_lit(&b, "]");
	b.full |= g.text.full || g.rows.full;
	if (n < 0)
		call->fail(call, "The user store cannot be read (%s). Look at the disk.",
		           strerror(-n));
	else
		command_answer(call, &b);
	buf_free(&g.text);
	buf_free(&g.rows);
}

static void put_member(void *arg, const struct userdb_member *m)
{
	struct buf *b = arg;
	put_open(b);
	command_put(b, "member", m->uri);
	command_put(b, "name", m->display_name);
	command_put(b, "kind",
	            m->account == 0 ? STR("address")
	            : m->disabled   ? STR("disabled user")
	                            : STR("user"));
	buf_lit(b, "}");
}

void command_group_show(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct account acc;
	auto_(buf_free) struct buf b = buf_of(RESULT_MAX);
	if (!find_group(admin, call, &acc))
		return;
	buf_lit(&b, "{");
	command_put(&b, "group", acc.uri);
	command_put(&b, "name", acc.display_name);
	buf_lit(&b, ",\"members\":[");
	int n = userdb_members(admin->db, acc.id, ACCT_MEMBERS_MAX, put_member, &b);
	buf_lit(&b, "]}");
	if (n < 0)
		call->fail(call, "The user store cannot be read (%s). Look at the disk.",
		           strerror(-n));
	else
		command_answer(call, &b);
}

/* --- members -------------------------------------------------------------------------- */

/* Who becomes a member. */
struct joining {
	struct buf uri;
	uint64_t account; /* 0: no user of this server */
};

static void put_lower(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		buf_char(b, (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 'a' - 'A' : s.p[i]));
}

/* An address somewhere else: it can be no user of ours, who would be in the store. */
static bool read_foreign(struct user_admin *admin, struct joining *ret, struct str name,
                         struct buf *why)
{
	auto_(buf_free) struct buf own = buf_of(USER_TEXT_MAX);
	if (userdb_uri(admin->db, &own, name, NULL) < 0 && name.len > 0 &&
	    user_field_check(USER_EMAIL, name, why) == 0) {
		put_lower(&ret->uri, name);
		return true;
	}
	why->len = 0;
	buf_printf(why,
	           "\"%" STR_FMT "\" is neither a user of this server nor an address of another "
	           "one.",
	           STR_ARG(str_sub(name, 0, USER_TEXT_MAX)));
	return false;
}

static bool read_member(struct user_admin *admin, struct ctl_call *call, struct joining *ret,
                        struct buf *why)
{
	struct str name = str_trim(ctl_text(call->args, "member"));
	struct account acc;
	if (str_istarts(name, STR("sip:")))
		name = str_sub(name, 4, name.len);
	int r = userdb_lookup(admin->db, name, &acc);
	if (r == -ENOENT)
		return read_foreign(admin, ret, name, why);
	if (r < 0)
		buf_printf(why, "The user store cannot be read (%s).", strerror(-r));
	else if (acc.group)
		buf_printf(why, "%" STR_FMT " is a group; a group has no groups as members.",
		           STR_ARG(acc.uri));
	if (r < 0 || acc.group)
		return false;
	buf_str(&ret->uri, acc.uri);
	ret->account = acc.id;
	return true;
}

struct member_search {
	struct str uri;
	bool found;
};

static void look_for(void *arg, const struct userdb_member *m)
{
	struct member_search *s = arg;
	s->found |= str_eq(m->uri, s->uri);
}

/* Whether the change would change anything; false with a sentence. */
static bool check_member(struct user_admin *admin, const struct account *group, struct str uri,
                         bool adds, struct buf *why)
{
	struct member_search s = { .uri = uri };
	int n = userdb_members(admin->db, group->id, ACCT_MEMBERS_MAX, look_for, &s);
	if (n < 0)
		buf_printf(why, "The user store cannot be read (%s).", strerror(-n));
	else if (s.found == adds)
		buf_printf(why, "%" STR_FMT " is %s of the group%s.", STR_ARG(uri),
		           adds ? "a member" : "no member", adds ? " already" : "");
	else if (adds && n >= ACCT_MEMBERS_MAX)
		buf_printf(why, "The group has %d members, the most that are possible.", n);
	return why->len == 0;
}

static void change_member(struct user_admin *admin, struct ctl_call *call, uint64_t group,
                          const struct joining *j, bool adds)
{
	struct str uri = buf_view(&j->uri);
	struct change *ch = command_change(call, uri);
	command_text(ch, adds ? "@ is a member now." : "@ is no member any more.", ch->what);
	if (adds)
		userdb_add_member(admin->db, group, uri, j->account, command_changed, ch);
	else
		userdb_remove_member(admin->db, group, uri, command_changed, ch);
}

void command_group_member(void *role_state, struct ctl_call *call)
{
	struct user_admin *admin = role_state;
	struct str action = ctl_text(call->args, "action");
	struct joining j = { .uri = buf_of(USER_TEXT_MAX) };
	auto_(buf_free) struct buf why = buf_of(2048);
	struct account group;
	bool adds = str_eq(action, STR("add"));
	if (!adds && !str_eq(action, STR("remove")))
		buf_lit(&why, "`dialtone group member` is followed by add or remove, then by the "
		              "group and "
		              "the member.");
	if (why.len > 0 || !read_member(admin, call, &j, &why))
		call->fail(call, "%" STR_FMT, STR_ARG(buf_view(&why)));
	else if (find_group(admin, call, &group)) {
		if (check_member(admin, &group, buf_view(&j.uri), adds, &why))
			change_member(admin, call, group.id, &j, adds);
		else
			call->fail(call, "%" STR_FMT, STR_ARG(buf_view(&why)));
	}
	buf_free(&j.uri);
}
