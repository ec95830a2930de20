#include "role/frontend/focus.h"

/* The conference factory ([MS-CONFBAS] section 3.3): what organizers do with their conferences. */

struct order {
	struct task *t;
	struct focus *focus;
	const struct c3p_msg *m;
	struct c3p_msg *resp;
	struct conf_who who;
	struct arena *arena;
	bool saves; /* answered when it is on disk */
};
typedef enum c3p_reason order_fn(struct order *o);

/* The conference that the request names, by its id or by the URI of its focus. */
static struct conference *named(const struct order *o)
{
	struct str id = o->m->conf_id;
	struct sip_uri u;
	struct conf_uri cu;
	if (id.len == 0 && o->m->confs)
		id = o->m->confs->info.id;
	if (id.len == 0 && sip_uri_parse(&u, o->m->conf) == 0 && conf_uri_parse(&cu, &u) == 0)
		id = cu.id;
	return conferences_find(o->focus->set, o->who.uri, id);
}

/* What exists here of what a client asks for. */
static void leave_out_mcus(struct confinfo *ci)
{
	for (unsigned s = CONFINFO_CHAT + 1; s < CONFINFO_N_SESSIONS; s++)
		ci->mcus[s] = (struct confinfo_mcu){ .uri = { NULL, 0 } };
}

static struct c3p_conf *add_info(struct order *o)
{
	struct c3p_conf **end = &o->resp->confs;
	while (*end)
		end = &(*end)->next;
	*end = arena_alloc(o->arena, sizeof(**end));
	return *end;
}

/* The short form: where it is. */
static void tell_entity(struct order *o, struct conference *c)
{
	auto_(buf_free) struct buf b = buf_of(CONF_URI_MAX + CONF_ID_MAX + 64);
	room_put_uri(&b, room_of(c), CONFINFO_FOCUS);
	add_info(o)->info = (struct confinfo){ .entity = arena_str(o->arena, buf_view(&b)),
		                               .state = CONFINFO_PARTIAL,
		                               .version = c->revision,
		                               .id = str_of(c->id) };
}

static enum c3p_reason capabilities(struct order *o)
{
	o->resp->caps = arena_alloc(o->arena, sizeof(*o->resp->caps));
	o->resp->caps->mcus = fe_has_mcu(o->focus->fe) ? 1u << CONFINFO_CHAT : 0;
	return C3P_NO_REASON;
}

static enum c3p_reason add(struct order *o)
{
	struct conference *c;
	o->focus->adding = o->t->callee;
	leave_out_mcus(&o->m->confs->info);
	enum c3p_reason why = conferences_add(o->focus->set, focus_now_s(o->focus), &o->who,
	                                      &o->m->confs->info, &c);
	if (why)
		return why;
	log_info(NULL, "conference-added", "organizer=%s id=%s", log_esc(o->who.uri),
	         log_esc(str_of(c->id)));
	tell_entity(o, c);
	o->saves = true;
	return C3P_NO_REASON;
}

static enum c3p_reason modify(struct order *o)
{
	struct conference *c = named(o);
	if (!c)
		return C3P_CONFERENCE_DOESNT_EXIST;
	leave_out_mcus(&o->m->confs->info);
	enum c3p_reason why =
	        conference_modify(c, focus_now_s(o->focus), &o->who, &o->m->confs->info);
	if (why)
		return why;
	tell_entity(o, c);
	o->saves = true;
	return C3P_NO_REASON;
}

static enum c3p_reason drop(struct order *o)
{
	struct conference *c = named(o);
	if (!c)
		return C3P_CONFERENCE_DOESNT_EXIST;
	enum c3p_reason why = conference_delete(&c, &o->who);
	o->saves = !why;
	return why;
}

static enum c3p_reason get(struct order *o)
{
	struct conference *c = named(o);
	if (!c)
		return C3P_CONFERENCE_DOESNT_EXIST;
	if (!conference_may_organize(c, o->who.uri))
		return C3P_NOT_AUTHORIZED;
	conference_describe(&add_info(o)->info, o->arena, c);
	return C3P_NO_REASON;
}

static enum c3p_reason get_all(struct order *o)
{
	struct conference *c = NULL;
	for (unsigned n = 0; n < C3P_CONFS_MAX; n++) {
		c = conferences_next_of(o->focus->set, o->who.uri, c);
		if (!c)
			break;
		tell_entity(o, c);
	}
	return C3P_NO_REASON;
}

/* clang-format off */
static order_fn *const orders[C3P_N_COMMANDS] = {
	[C3P_GET_CAPABILITIES]  = capabilities,
	[C3P_ADD_CONFERENCE]    = add,
	[C3P_MODIFY_CONFERENCE] = modify,
	[C3P_DELETE_CONFERENCE] = drop,
	[C3P_GET_CONFERENCE]    = get,
	[C3P_GET_CONFERENCES]   = get_all,
};
/* clang-format on */

static void finish(struct order *o)
{
	auto_(buf_free) struct buf body = buf_of(FOCUS_C3P_MAX);
	if (o->resp->reason)
		o->resp->code = C3P_FAILURE;
	c3p_put(&body, o->resp, false);
	if (o->saves)
		focus_answer_saved(o->focus, o->t, &body);
	else /* a failure is the command's, not the request's ([MS-CONFBAS] section 3.1.5.3) */
		task_answer(o->t, STR(""), STR("application/cccp+xml"), buf_view(&body));
}

static void take_order(struct task *t, struct str name)
{
	auto_(arena_free) struct arena *a = arena_new();
	char text[ACCESS_URI_MAX + 8];
	struct buf who = BUF_ON(text);
	struct c3p_msg m;
	focus_put_who(&who, t);
	if (c3p_parse(&m, a, t->msg->body) < 0 || m.kind != C3P_REQUEST) {
		task_refuse(t, REFUSE_BAD_BODY, STR(""));
		return;
	}
	struct c3p_msg resp = c3p_response(&m, C3P_SUCCESS, C3P_NO_REASON);
	struct order o = { .t = t,
		           .focus = t->fe->focus,
		           .m = &m,
		           .resp = &resp,
		           .who = { buf_view(&who), name, CONF_COMPANY },
		           .arena = a };
	resp.reason = orders[m.command] ? orders[m.command](&o) : C3P_NOT_SUPPORTED;
	finish(&o);
}

void focus_factory(struct task *t)
{
	struct sip_uri u;
	char text[ACCESS_URI_MAX + 8];
	struct buf b = BUF_ON(text);
	struct conf_uri cu;
	if (sip_uri_parse(&u, t->msg->uri) < 0 || conf_uri_parse(&cu, &u) < 0)
		task_refuse(t, REFUSE_SERVICE, STR(""));
	else if (!cu.factory)
		task_refuse(t, REFUSE_NO_CONFERENCE, STR(""));
	else if (!str_ieq(sip_bare_aor(&u, &b), t->who.uri))
		task_refuse(t, REFUSE_NOT_OWN_DATA, STR(""));
	else
		focus_named(t, take_order);
}
