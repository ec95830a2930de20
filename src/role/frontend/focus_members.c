#include "role/frontend/focus.h"

/* Lasting conferences, the groups of browsers.  Who is a member is stored; each is inside by pager
 * messages, which are kept for who is away, whenever somebody says something.  So a group needs no
 * dialog of anybody: commands come by SERVICE. */

void focus_gather(struct conference *c, struct str but)
{
	auto_(arena_free) struct arena *a = arena_new();
	bool all = true;
	if (!c->lasting || c->whole)
		return;
	list_for(it, &c->invited)
	{
		const struct conf_invited *i = list_entry(it, struct conf_invited, node);
		struct conf_join j = { .who = { str_of(i->uri), str_of(i->name), CONF_COMPANY } };
		if (!str_ieq(j.who.uri, but) && conference_misses(c, i))
			all = focus_join_phone(c, a, &j) == C3P_NO_REASON && all;
	}
	if (all)
		conference_gathered(c);
}

/* --- addUser -------------------------------------------------------------------------------- */

static struct str without_scheme(struct str uri)
{
	return str_istarts(uri, STR("sip:")) ? str_sub(uri, 4, uri.len) : uri;
}

/* Oneself joins, as far as the conference lets her in; another is made a member. */
static enum c3p_reason add(struct task *t, struct conference *c, struct arena *a,
                           const struct conf_who *who)
{
	char text[ACCESS_URI_MAX + 8];
	struct buf by = BUF_ON(text);
	struct conf_join j = { .who = *who };
	const struct conf_person *p = conference_person(c, who->uri);
	focus_put_who(&by, t);
	if (!str_ieq(buf_view(&by), who->uri)) {
		enum c3p_reason why =
		        conference_add_member(c, focus_now_s(t->fe->focus), buf_view(&by), who);
		focus_gather(c, STR(""));
		return why;
	}
	return p && conf_pager(p) ? C3P_NO_REASON : focus_join_phone(c, a, &j);
}

/* Who has blocked the sender is none for him, as whose account is shut is none for anybody: of the
 * choice itself he is told nothing, as where he watches (presence.md). */
static bool is_user_for(const struct task *t, const struct account *acc, struct str uri)
{
	if (acc && (acc->disabled || acc->group))
		return false;
	return str_ieq(uri, t->who.uri) || !fe_blocks(t->fe, uri, t->who.uri);
}

static void add_again(struct task *t);

static void on_looked_up(struct task *t, struct str name)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct conference *c = fe_conference_of(t);
	struct c3p_msg m;
	char text[ACCESS_URI_MAX + 8];
	struct buf uri = BUF_ON(text);
	bool absent;
	if (!c) { /* deleted meanwhile */
		task_refuse(t, REFUSE_NO_CONFERENCE, STR(""));
		return;
	}
	if (c3p_parse(&m, a, t->msg->body) < 0) {
		task_refuse(t, REFUSE_BAD_BODY, STR(""));
		return;
	}
	struct focus_command cmd = { &m, a, c->revision };
	struct str bare = without_scheme(m.who->entity);
	const struct account *acc = accounts_cached(t->fe->accounts, bare, &absent);
	buf_lit(&uri, "sip:");
	buf_str(&uri, acc ? acc->uri : bare);
	struct conf_who who = { buf_view(&uri), name, CONF_COMPANY };
	bool is_user = name.len > 0 && !uri.full;
	if (is_user && fe_waits_for(t, without_scheme(who.uri))) {
		task_retry(t, add_again);
		return;
	}
	is_user = is_user && is_user_for(t, acc, without_scheme(who.uri));
	focus_answer_command(t, c, &cmd, is_user ? add(t, c, a, &who) : C3P_USER_DOESNT_EXIST);
}

/* Whether she has blocked the sender is known now, perhaps. */
static void add_again(struct task *t)
{
	struct conference *c = fe_conference_of(t);
	if (c)
		focus_service(t, c);
	else
		task_refuse(t, REFUSE_NO_CONFERENCE, STR(""));
}

void focus_service(struct task *t, struct conference *c)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct c3p_msg m;
	if (c3p_parse(&m, a, t->msg->body) < 0 || m.kind != C3P_REQUEST)
		task_refuse(t, REFUSE_BAD_BODY, STR(""));
	else if (m.command == C3P_ADD_USER)
		focus_look_up(t, without_scheme(m.who->entity), on_looked_up);
	else
		focus_command(t, c, &(struct focus_command){ &m, a, c->revision });
}
