#include <stdlib.h>

#include "role/frontend/focus.h"
#include "svc/access/dialect.h"

/* Focus dialogs ([MS-CONFBAS] section 3.4): INVITE with addUser joins, INFO carries commands, BYE
 * leaves.  The end of the client's connection leaves too. */

/* --- who that is ---------------------------------------------------------------------------- */

static struct str name_of(const struct account *acc)
{
	return acc->display_name.len > 0 ? acc->display_name : acc->uri;
}

static void on_named(void *arg, int err, const struct account *acc)
{
	struct task *t = arg;
	void (*next)(struct task *, struct str) = t->named;
	t->lookup = NULL; /* it ends with this call */
	next(t, err == 0 ? name_of(acc) : STR(""));
}

void focus_look_up(struct task *t, struct str uri, void (*next)(struct task *t, struct str name))
{
	struct frontend *fe = t->fe;
	bool absent = false;
	const struct account *acc = accounts_cached(fe->accounts, uri, &absent);
	if (acc || absent) {
		next(t, acc ? name_of(acc) : STR(""));
		return;
	}
	t = task_keep(t);
	t->named = next;
	t->lookup = accounts_lookup(fe->accounts, uri, on_named, t);
}

void focus_named(struct task *t, void (*next)(struct task *t, struct str name))
{
	focus_look_up(t, t->who.uri, next);
}

/* --- legs ----------------------------------------------------------------------------------- */

static uint64_t flow_hash(const struct focus *fo, uint32_t slot, uint64_t flow)
{
	uint64_t part[2] = { slot, flow };
	return hash_bytes(&fo->legs.key, part, sizeof(part));
}

static struct focus_leg *leg_new(struct room *r, const struct token *end, struct str uri,
                                 struct str epid, struct str call_id)
{
	struct focus *fo = r->focus;
	struct focus_leg *leg = xnew(struct focus_leg);
	leg->room = r;
	leg->end = *end;
	leg->uri = str_dup(uri);
	leg->epid = str_dup(epid);
	leg->call_id = str_dup(call_id);
	list_add(&r->legs, &leg->of_room);
	map_add(&fo->legs, &leg->by_flow,
	        flow_hash(fo, end->hint.slot,
	                  end->hint.reach == TOKEN_STREAM ? end->hint.flow : 0));
	return leg;
}

void focus_leg_free(struct focus_leg *leg)
{
	map_del(&leg->room->focus->legs, &leg->by_flow);
	list_del(&leg->of_room);
	focus_return_free(&leg->coming);
	free(leg->uri);
	free(leg->epid);
	free(leg->call_id);
	free(leg);
}

/* The dialog of a leg, as the model keeps it. */
static const struct confinfo_leg *dialog_of(const struct conf_person *p, struct str call_id)
{
	list_for(it, &p->endpoints)
	{
		const struct conf_endpoint *e = list_entry(it, struct conf_endpoint, node);
		if (e->session == CONFINFO_FOCUS && e->leg && str_eq(e->leg->call_id, call_id))
			return e->leg;
	}
	return NULL;
}

static bool is_older(const struct focus_leg *leg, const struct focus_leg *now,
                     const struct conf_person *p)
{
	bool same_client = *now->epid != '\0' && str_ieq(str_of(leg->epid), str_of(now->epid));
	if (leg == now || !str_ieq(str_of(leg->uri), str_of(now->uri)))
		return false;
	return same_client || str_eq(str_of(leg->call_id), str_of(now->call_id)) ||
	       (p && !dialog_of(p, str_of(leg->call_id)));
}

/* Its client has another dialog now: the old one, and what it watched, is dead to it. */
static void drop_older(struct room *r, const struct focus_leg *now)
{
	const struct conf_person *p = conference_person(r->c, str_of(now->uri));
	list_for(it, &r->legs)
	{
		struct focus_leg *leg = list_entry(it, struct focus_leg, of_room);
		if (!is_older(leg, now, p))
			continue;
		if (*leg->epid != '\0')
			focus_end_watchers(r, str_of(leg->uri), str_of(leg->epid), NULL);
		focus_leg_free(leg);
	}
}

void focus_leg_add(struct room *r, const struct token *end, struct str uri, struct str epid,
                   struct str call_id)
{
	drop_older(r, leg_new(r, end, uri, epid, call_id));
}

/* Of that user: another's client may choose the same Call-ID. */
struct focus_leg *focus_find_leg(const struct room *r, struct str uri, struct str call_id)
{
	list_for(it, &r->legs)
	{
		struct focus_leg *leg = list_entry(it, struct focus_leg, of_room);
		if (str_eq(str_of(leg->call_id), call_id) && str_ieq(str_of(leg->uri), uri))
			return leg;
	}
	return NULL;
}

/* --- the end of legs ------------------------------------------------------------------------ */

/* clang-format off */
static const enum refusal reasons[] = {
	[CONF_LEFT]    = REFUSE_CONF_LEFT,
	[CONF_EJECTED] = REFUSE_CONF_EJECTED,
	[CONF_DENIED]  = REFUSE_CONF_DENIED,
	[CONF_ENDED]   = REFUSE_CONF_ENDED,
	[CONF_IDLE]    = REFUSE_CONF_IDLE,
	[CONF_ALONE]   = REFUSE_CONF_IDLE,
};
/* clang-format on */

void focus_put_home(struct buf *b, const struct focus_leg *leg)
{
	buf_printf(b, "<sip:o.%llx@" FE_LINK_DOMAIN ";lr>", (unsigned long long)leg->end.account);
}

/* Through the home of the leg's user, which knows where its client is now. */
void focus_send_bye(struct room *r, const struct focus_leg *leg, const struct confinfo_leg *dialog,
                    enum refusal why)
{
	struct frontend *fe = r->focus->fe;
	struct sip_flow *f = fe_own_link(fe);
	char uri[CONF_URI_MAX + CONF_ID_MAX + 64], route[64], branch[SIP_BRANCH_LEN + 1];
	struct buf ub = BUF_ON(uri), rb = BUF_ON(route);
	if (!f)
		return;
	room_put_uri(&ub, r, CONFINFO_FOCUS);
	focus_put_home(&rb, leg);
	sip_branch_make(fe->stack, 0, branch);
	struct buf *b = sip_transport_out(fe->tp);
	struct conf_request rq = { .method = SIP_BYE,
		                   .local = buf_view(&ub),
		                   .route = buf_view(&rb),
		                   .cseq = dialog->local_cseq + 1,
		                   .flow = f,
		                   .branch = branch };
	conf_dialog_put(b, dialog, &rq);
	refusal_put(b, why, fe->env->self->fqdn);
	sip_put_body(b, STR(""), STR(""));
	(void)sip_ctx_new(fe->stack, f, buf_view(b), SIP_BYE, branch, NULL, NULL);
}

void focus_end_legs(struct room *r, const struct conf_person *p, enum conf_end why)
{
	list_for(it, &r->legs)
	{
		struct focus_leg *leg = list_entry(it, struct focus_leg, of_room);
		if (!str_ieq(str_of(leg->uri), str_of(p->uri)))
			continue;
		const struct confinfo_leg *dialog = dialog_of(p, str_of(leg->call_id));
		if (dialog)
			focus_send_bye(r, leg, dialog, reasons[why]);
		focus_leg_free(leg);
	}
}

void focus_leg_leave(struct focus_leg *leg)
{
	struct room *r = leg->room;
	struct focus *fo = r->focus;
	char *uri = take(&leg->uri), *call_id = take(&leg->call_id);
	focus_end_watchers(r, str_of(uri), str_of(leg->epid), NULL);
	focus_leg_free(leg);
	(void)conference_leave(r->c, focus_now_s(fo), str_of(uri), str_of(call_id));
	free(uri);
	free(call_id);
}

/* Any leg whose client is connected to that process. */
static struct focus_leg *leg_at(struct focus *fo, uint32_t slot)
{
	size_t at = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&fo->legs, &at, &after)) != NULL;) {
		struct focus_leg *leg = container_of(n, struct focus_leg, by_flow);
		if (leg->end.hint.reach == TOKEN_STREAM && leg->end.hint.slot == slot)
			return leg;
	}
	return NULL;
}

void fe_focus_flow_lost(struct frontend *fe, uint32_t slot, uint64_t flow)
{
	struct focus *fo = fe->focus;
	struct focus_leg *leg;
	struct map_node *n;
	if (!fo)
		return;
	while (flow == 0 && (leg = leg_at(fo, slot)) != NULL)
		focus_leg_leave(leg);
	while (flow != 0 && (n = map_first(&fo->legs, flow_hash(fo, slot, flow))) != NULL)
		focus_leg_leave(container_of(n, struct focus_leg, by_flow));
}

uint64_t fe_focus_next_flow(struct frontend *fe, uint32_t slot, size_t *at, struct map_node **after)
{
	for (struct map_node *n; (n = map_walk(&fe->focus->legs, at, after)) != NULL;) {
		struct focus_leg *leg = container_of(n, struct focus_leg, by_flow);
		if (leg->end.hint.reach == TOKEN_STREAM && leg->end.hint.slot == slot)
			return leg->end.hint.flow;
	}
	return 0;
}

/* --- after a restart ------------------------------------------------------------------------ */

/* The end that the dialog's route names. */
static bool read_end(const struct focus *fo, struct str route, struct token *ret)
{
	struct sip_addr a;
	struct sip_uri u;
	return sip_addr_next(&route, &a) > 0 && sip_uri_parse(&u, a.uri) == 0 &&
	       token_get(ret, &fo->fe->key, u.user) == 0;
}

static bool is_gone(const struct frontend *fe, const struct token *end)
{
	return end->hint.reach == TOKEN_STREAM && end->hint.slot == fe->env->slot &&
	       !sip_flow_find(fe->tp, end->hint.flow);
}

static struct focus_leg *adopt(struct room *r, const struct conf_person *p,
                               const struct conf_endpoint *e)
{
	struct token end;
	if (e->session != CONFINFO_FOCUS || !e->leg ||
	    focus_find_leg(r, str_of(p->uri), e->leg->call_id) ||
	    !read_end(r->focus, e->leg->route, &end))
		return NULL;
	return leg_new(r, &end, str_of(p->uri), str_of(e->epid), e->leg->call_id);
}

/* One at a time: whose client is gone leaves, and the list changes. */
static struct focus_leg *adopt_next(struct room *r)
{
	list_for(it, &r->c->people)
	{
		const struct conf_person *p = list_entry(it, struct conf_person, node);
		list_for(at, &p->endpoints)
		{
			struct focus_leg *leg =
			        adopt(r, p, list_entry(at, struct conf_endpoint, node));
			if (leg)
				return leg;
		}
	}
	return NULL;
}

void focus_adopt_legs(struct room *r)
{
	struct frontend *fe = r->focus->fe;
	bool any = false;
	for (struct focus_leg *leg; (leg = adopt_next(r)) != NULL; any = true)
		if (is_gone(fe, &leg->end))
			focus_leg_leave(leg);
	for (uint32_t i = 0; any && i < fe->env->n_slots; i++)
		if (i != fe->env->slot)
			fe_check_flows(fe, i);
}

/* --- joining -------------------------------------------------------------------------------- */

struct joining {
	struct task *t;
	struct conference *c;
	struct arena *arena;
	struct c3p_msg m;
	struct conf_join join;
	struct confinfo_leg dialog;
	struct token end;
};

enum c3p_reason focus_dialog_of(struct confinfo_leg *ret, struct arena *a, const struct task *t,
                                const struct token *end)
{
	char tag[SIP_TAG_LEN + 1];
	auto_(buf_free) struct buf route = buf_of(TOKEN_TEXT_MAX + 64);
	fe_make_tag(t, tag);
	if (conf_dialog_of(ret, a, t->msg, str_of(tag)) < 0)
		return C3P_REQUEST_MALFORMED;
	/* The way to the client, as for any request to it: the token of its end. */
	buf_lit(&route, "<sip:");
	token_put(&route, &t->fe->key, end);
	buf_lit(&route, "@" FE_LINK_DOMAIN ";lr>");
	ret->route = arena_str(a, buf_view(&route));
	return C3P_NO_REASON;
}

/* What clients say of themselves in addUser. */
static enum c3p_reason read_join(struct joining *j)
{
	const struct sip_msg *msg = j->t->msg;
	const struct confinfo_endpoint *e;
	if (c3p_parse(&j->m, j->arena, msg->body) < 0 || j->m.kind != C3P_REQUEST ||
	    j->m.command != C3P_ADD_USER)
		return C3P_REQUEST_MALFORMED;
	e = j->m.who->endpoints;
	if (!e || !str_ieq(j->m.who->entity, j->join.who.uri))
		return C3P_NOT_AUTHORIZED;
	if (focus_dialog_of(&j->dialog, j->arena, j->t, &j->end))
		return C3P_REQUEST_MALFORMED;
	j->join.entity = e->entity;
	j->join.epid = dialect_epid(sip_from(msg));
	j->join.can_wait = e->lobby_capable;
	j->join.leg = &j->dialog;
	return C3P_NO_REASON;
}

void focus_put_contact(struct buf *b, const struct room *r)
{
	buf_lit(b, "Contact: <");
	room_put_uri(b, r, CONFINFO_FOCUS);
	buf_lit(b, ">;isfocus\r\nAllow: INVITE, BYE, ACK, CANCEL, INFO, UPDATE, OPTIONS\r\n");
}

static void answer_joined(struct joining *j, const struct conf_person *p)
{
	char text[1024];
	struct buf lines = BUF_ON(text);
	struct confinfo_user who = { .entity = str_of(p->uri), .role = p->role };
	struct c3p_msg resp = c3p_response(&j->m, C3P_SUCCESS, C3P_NO_REASON);
	resp.conf = j->m.conf;
	resp.who = &who;
	focus_put_contact(&lines, room_of(j->c));
	focus_answer(j->t, 200, buf_view(&lines), &resp);
}

static void refuse_joining(struct joining *j, enum c3p_reason why)
{
	struct c3p_msg resp = c3p_response(&j->m, C3P_FAILURE, why);
	focus_answer(j->t, refusal_row(focus_refusal(why))->code, STR(""), &resp);
}

static void join(struct joining *j)
{
	struct room *r = room_of(j->c);
	const struct conf_person *p = NULL;
	enum c3p_reason why = read_join(j);
	if (!why &&
	    conference_join(j->c, focus_now_s(r->focus), &j->join, &p, &why) != CONF_REFUSED) {
		focus_leg_add(r, &j->end, j->join.who.uri, j->join.epid, j->dialog.call_id);
		log_info(NULL, "conference-joined", "conference=%s user=%s",
		         log_esc(str_of(j->c->id)), log_esc(j->join.who.uri));
		answer_joined(j, p);
	} else {
		refuse_joining(j, why);
	}
}

static bool is_c3p(const struct sip_msg *m)
{
	return str_istarts(sip_value(m, SIP_H_CONTENT_TYPE), STR("application/cccp+xml"));
}

static void on_join(struct task *t, struct str name)
{
	struct joining j = { .t = t, .arena = NULL };
	auto_(arena_free) struct arena *a = arena_new();
	char text[ACCESS_URI_MAX + 8];
	struct buf who = BUF_ON(text);
	j.c = fe_conference_of(t);
	if (!j.c) { /* deleted meanwhile */
		task_refuse(t, REFUSE_NO_CONFERENCE, STR(""));
		return;
	}
	j.arena = a;
	fe_sender_end(t, &j.end);
	focus_put_who(&who, t);
	j.join.who = (struct conf_who){ buf_view(&who), name, CONF_COMPANY };
	if (is_c3p(t->msg))
		join(&j);
	else
		focus_invite_of_phone(t, j.c, j.join.who);
}

/* --- inside the dialog ---------------------------------------------------------------------- */

struct focus_leg *focus_leg_of(const struct task *t, const struct conference *c)
{
	char text[ACCESS_URI_MAX + 8];
	struct buf who = BUF_ON(text);
	focus_put_who(&who, t);
	const struct conf_person *p = conference_person(c, buf_view(&who));
	const struct confinfo_leg *dialog = p ? dialog_of(p, t->msg->call_id) : NULL;
	if (!dialog || !conf_dialog_has(dialog, t->msg))
		return NULL;
	return focus_find_leg(room_of(c), buf_view(&who), t->msg->call_id);
}

void focus_invite(struct task *t, struct conference *c)
{
	char text[1024];
	struct buf lines = BUF_ON(text);
	if (!fe_has_to_tag(t->msg)) {
		focus_named(t, on_join);
	} else if (!focus_leg_of(t, c)) {
		task_refuse(t, REFUSE_NO_DIALOG, STR(""));
	} else {
		focus_put_contact(&lines, room_of(c));
		task_reply(t, 200, STR(""), buf_view(&lines));
	}
}

void focus_options(struct task *t, struct conference *c)
{
	char text[1024];
	struct buf lines = BUF_ON(text);
	focus_put_contact(&lines, room_of(c));
	buf_lit(&lines, "Allow-Events: conference\r\n");
	task_reply(t, 200, STR(""), buf_view(&lines));
}

void focus_update(struct task *t, struct conference *c)
{
	if (focus_leg_of(t, c))
		focus_options(t, c);
	else
		task_refuse(t, REFUSE_NO_DIALOG, STR(""));
}

void focus_bye(struct task *t, struct conference *c)
{
	struct focus_leg *leg = focus_leg_of(t, c);
	if (!leg && !focus_ends_invitation(t)) {
		task_refuse(t, REFUSE_NO_DIALOG, STR(""));
		return;
	}
	if (leg)
		focus_leg_leave(leg);
	task_reply(t, 200, STR(""), STR(""));
}

/* What is to be stored is answered when it is on disk. */
void focus_answer_command(struct task *t, struct conference *c, const struct focus_command *cmd,
                          enum c3p_reason why)
{
	auto_(buf_free) struct buf body = buf_of(FOCUS_C3P_MAX);
	const struct c3p_msg *m = cmd->m;
	struct c3p_msg resp = c3p_response(m, why ? C3P_FAILURE : C3P_SUCCESS, why);
	resp.conf = m->conf;
	resp.user = m->user;
	if (!why && m->command == C3P_GET_CONFERENCE) {
		resp.confs = arena_alloc(cmd->arena, sizeof(*resp.confs));
		conference_describe(&resp.confs->info, cmd->arena, c);
	}
	log_info(NULL, "conference-command", "conference=%s user=%s command=%s reason=%s",
	         log_esc(str_of(c->id)), log_esc(t->who.uri), log_esc(m->name),
	         log_esc(c3p_reason_name(resp.reason)));
	/* A failure is the command's: the request was served. */
	c3p_put(&body, &resp, false);
	if (c->revision != cmd->revision)
		focus_answer_saved(t->fe->focus, t, &body);
	else
		task_answer(t, STR(""), STR("application/cccp+xml"), buf_view(&body));
}

void focus_command(struct task *t, struct conference *c, const struct focus_command *cmd)
{
	char text[ACCESS_URI_MAX + 8];
	struct buf who = BUF_ON(text);
	focus_put_who(&who, t);
	focus_answer_command(
	        t, c, cmd,
	        conference_command(c, focus_now_s(t->fe->focus), buf_view(&who), cmd->m));
}

void focus_info(struct task *t, struct conference *c)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct c3p_msg m;
	if (!focus_leg_of(t, c))
		task_refuse(t, REFUSE_NO_DIALOG, STR(""));
	else if (c3p_parse(&m, a, t->msg->body) < 0 || m.kind != C3P_REQUEST)
		task_refuse(t, REFUSE_BAD_BODY, STR(""));
	else
		focus_command(t, c, &(struct focus_command){ &m, a, c->revision });
}
