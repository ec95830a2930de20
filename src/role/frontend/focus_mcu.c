#include <inttypes.h>

#include "role/frontend/focus.h"

/* The IM MCUs: which of their processes has a conference, what the focus tells it, and what it
 * says. */

bool fe_is_mcu(const struct sip_flow *f)
{
	return f->server && f->sock >= FE_MCU_SOCK && f->sock < FE_EDGE_SOCK;
}

void fe_mcu_put_name(const struct frontend *fe, struct buf *b, uint32_t slot)
{
	if (fe->hosts)
		fe_hosts_put_name(fe, b, slot);
	else
		buf_printf(b, "mcu-im/%u", slot + 1);
}

bool fe_has_mcu(const struct frontend *fe)
{
	return fe->n_mcus > 0;
}

/* The same process for all that belongs to a conference, whichever front end it comes by. */
static uint32_t slot_of(const struct frontend *fe, struct str focus)
{
	return (uint32_t)(hash_lower(&fe->key.mask, focus) % fe->n_mcus);
}

static struct sip_flow *link_of(const struct frontend *fe, struct str focus)
{
	struct sip_flow *f = fe->n_mcus ? fe->mcus[slot_of(fe, focus)] : NULL;
	return f && !f->closed ? f : NULL;
}

/* --- requests of clients -------------------------------------------------------------------- */

static bool is_for_mcu(int method)
{
	return method == SIP_INVITE || method == SIP_MESSAGE || method == SIP_BYE ||
	       method == SIP_INFO || method == SIP_UPDATE || method == SIP_OPTIONS;
}

/* The conference's URI, of the focus or of the chat; the second is where the MCU is addressed. */
static int read_uris(const struct task *t, struct buf *focus, struct buf *chat)
{
	struct conf_uri cu;
	char text[CONF_URI_MAX];
	struct buf organizer = BUF_ON(text);
	int r = conf_uri_read(&cu, &organizer, t->msg->uri);
	if (r < 0)
		return r;
	conf_uri_put(focus, buf_view(&organizer), CONFINFO_FOCUS, cu.id);
	if (cu.session != CONFINFO_CHAT)
		conf_uri_put(chat, buf_view(&organizer), CONFINFO_CHAT, cu.id);
	return 0;
}

/* What is said after somebody came in is not to be quicker than the news of it. */
static void put_told(const struct task *t, struct buf *uri)
{
	const struct conference *c = fe_conference_of(t);
	if (c && room_of(c)->told > 0)
		buf_printf(uri, ";" CONF_TOLD "=%" PRIu64, room_of(c)->told);
}

void fe_mcu_pass(struct task *t)
{
	char rr[256], lines[ACCESS_URI_MAX + 64], text[2][CONF_WHOLE_URI_MAX + 32];
	struct buf rb = BUF_ON(rr), lb = BUF_ON(lines);
	struct buf focus = BUF_ON(text[0]), chat = BUF_ON(text[1]);
	struct sip_branch_spec b = { .lost_code = 503 };
	if (read_uris(t, &focus, &chat) < 0) {
		task_refuse(t, REFUSE_NO_CONFERENCE, STR(""));
		return;
	}
	b.flow = link_of(t->fe, buf_view(&focus));
	if (!is_for_mcu(t->msg->method) || !fe_has_mcu(t->fe)) {
		task_refuse(t, t->fe->n_mcus ? REFUSE_METHOD : REFUSE_NO_CONFERENCE, STR(""));
		return;
	}
	if (!b.flow) {
		task_retry(t, fe_mcu_pass);
		return;
	}
	fe_edit(t, &b.edit, false);
	if (chat.len > 0) {
		put_told(t, &chat);
		b.edit.uri = buf_view(&chat);
	}
	fe_put_sender(t, &rb, &lb);
	b.edit.record_route = buf_view(&rb);
	b.edit.add = buf_view(&lb);
	fe_send(t, &b);
}

/* --- what the focus tells ------------------------------------------------------------------- */

/* Grows also over the focus that comes after this one: by the clock. */
static uint64_t next_told(const struct room *r)
{
	return MAX(r->told + 1, loop_wall(r->focus->fe->loop));
}

static void tell(struct room *r, struct c3p_msg *m)
{
	char number[24];
	struct buf id = BUF_ON(number);
	auto_(buf_free) struct buf uri = buf_of(CONF_URI_MAX + CONF_ID_MAX + 64);
	auto_(buf_free) struct buf body = buf_of(C3P_LINK_DOC_MAX);
	struct focus *fo = r->focus;
	room_put_uri(&uri, r, CONFINFO_FOCUS);
	if (!fe_has_mcu(fo->fe))
		return;
	m->kind = C3P_REQUEST;
	m->name = c3p_command_name(m->command);
	m->from = m->conf = buf_view(&uri);
	r->told = next_told(r);
	buf_printf(&id, "%" PRIu64, r->told);
	m->id = buf_view(&id);
	/* If the MCU is not there now, it is told all when it is. */
	c3p_put(&body, m, true);
	c3p_link_send(fo->c3p, slot_of(fo->fe, buf_view(&uri)), buf_view(&body));
}

/* All that the focus knows: the room is made, or goes on, with it. */
static void open_room(struct room *r)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct c3p_conf conf = { .next = NULL };
	struct c3p_msg m = { .command = C3P_ADD_CONFERENCE, .confs = &conf };
	conference_mcu_info(&conf.info, a, r->c, CONFINFO_CHAT);
	r->is_open = true;
	tell(r, &m);
}

void focus_tell_mcu(struct room *r, const struct conf_person *p)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct confinfo ci = { .n_users = 0 };
	struct confinfo_user **end = &ci.users;
	struct c3p_msg m = { .command = p ? C3P_ADD_USER : C3P_MODIFY_LOCK,
		             .locked = r->c->locked ? CONFINFO_YES : CONFINFO_NO };
	if (!r->is_open) {
		open_room(r);
		return;
	}
	if (p) {
		conf_add_person(&ci, &end, a, p, CONF_ALL_SESSIONS);
		m.who = ci.users;
	}
	tell(r, &m);
}

void focus_mcu_deleted(struct room *r, const struct conf_person *p)
{
	struct c3p_msg m = { .command = C3P_DELETE_USER, .user = str_of(p->uri) };
	if (r->is_open && !p->waits)
		tell(r, &m);
}

void focus_mcu_close(struct room *r)
{
	struct c3p_msg m = { .command = C3P_DELETE_CONFERENCE };
	if (r->is_open)
		tell(r, &m);
	r->is_open = false;
}

/* --- what it says --------------------------------------------------------------------------- */

static struct conference *conference_named(struct focus *fo, struct str focus)
{
	struct conf_uri cu;
	char text[CONF_URI_MAX + 1];
	struct buf organizer = BUF_ON(text);
	if (conf_uri_read(&cu, &organizer, focus) < 0)
		return NULL;
	return conferences_find(fo->set, buf_view(&organizer), cu.id);
}

/* What became of a conference, or of the one person in it whom `uri` names, while the MCU could not
 * hear it: the room that would tell it may be gone. */
static void tell_late(struct focus *fo, uint32_t slot, enum c3p_command command, struct str focus,
                      struct str uri)
{
	auto_(buf_free) struct buf body = buf_of(C3P_LINK_DOC_MAX);
	struct c3p_msg m = { .kind = C3P_REQUEST,
		             .command = command,
		             .name = c3p_command_name(command),
		             .id = STR("1"),
		             .from = focus,
		             .conf = focus,
		             .user = uri };
	c3p_put(&body, &m, true);
	c3p_link_send(fo->c3p, slot, buf_view(&body));
}

/* A whole roster has people whom a focus that has just begun does not know: it takes them in.  One
 * that goes on knows better: they are those who left, or were sent away, while the MCU could not be
 * told.  False: nobody is left. */
static bool without_those_who_left(struct focus *fo, uint32_t slot, struct conference *c,
                                   struct confinfo *ci)
{
	struct confinfo_user **end = &ci->users;
	if (ci->state != CONFINFO_FULL || !fo->heard[slot])
		return true;
	if (c->n_inside == 0)
		return false;
	for (struct confinfo_user *u = ci->users; u; u = u->next) {
		*end = u;
		if (conference_person(c, u->entity))
			end = &u->next;
		else
			tell_late(fo, slot, C3P_DELETE_USER, ci->entity, u->entity);
	}
	*end = NULL;
	return true;
}

static void take_news(struct focus *fo, uint32_t slot, struct confinfo *ci)
{
	struct conference *c = conference_named(fo, ci->entity);
	if (!c || slot_of(fo->fe, ci->entity) != slot || !without_those_who_left(fo, slot, c, ci)) {
		tell_late(fo, slot, C3P_DELETE_CONFERENCE, ci->entity, (struct str){ 0 });
		return;
	}
	enum c3p_reason why = conference_mcu_roster(c, focus_now_s(fo), CONFINFO_CHAT, ci);
	if (why)
		log_warning(NULL, "conference-roster", "conference=%s reason=%s",
		            log_esc(str_of(c->id)), log_esc(c3p_reason_name(why)));
	room_of(c)->is_open = c->n_inside > 0;
	focus_adopt_legs(room_of(c));
}

static void on_document(void *arg, uint32_t slot, struct str document, struct buf *answer UNUSED)
{
	struct focus *fo = arg;
	auto_(arena_free) struct arena *a = arena_new();
	struct c3p_msg m;
	if (!role_may_ask(fe_right_of(fo->fe, STR("mcu-im")), STR("notify")) ||
	    c3p_parse(&m, a, document) < 0 || m.kind != C3P_NOTIFY) {
		char text[128];
		struct buf of = BUF_ON(text);
		fe_mcu_put_name(fo->fe, &of, slot);
		log_warning(NULL, "document-refused", "of=%s", log_esc(buf_view(&of)));
		return;
	}
	for (struct c3p_conf *i = m.confs; i; i = i->next)
		take_news(fo, slot, &i->info);
	if (!m.confs && fe_hosts_is_our_run(fo->fe, m.id))
		fo->heard[slot] = true;
}

/* What it does not know any more it is told anew. */
static void on_answer(void *arg, uint32_t slot UNUSED, struct str document)
{
	struct focus *fo = arg;
	auto_(arena_free) struct arena *a = arena_new();
	struct c3p_msg m;
	if (c3p_parse(&m, a, document) < 0 || m.kind != C3P_RESPONSE ||
	    m.reason != C3P_CONFERENCE_DOESNT_EXIST)
		return;
	struct conference *c = conference_named(fo, m.to);
	if (c && c->n_inside > 0)
		open_room(room_of(c));
}

static void on_lost(void *arg, uint32_t slot, const char *why)
{
	struct frontend *fe = ((struct focus *)arg)->fe;
	if (fe->hosts)
		fe_hosts_c3p_lost(fe, slot, why);
	else
		role_link_lost(fe->env, role_link_index(fe->env, STR("mcu-im"), slot, STR("c3p")));
}

static void on_opened(void *arg, uint32_t slot)
{
	fe_hosts_c3p_opened(((struct focus *)arg)->fe, slot);
}

/* A connection of an MCU on another host, whose path says for which of our processes it is. */
static int find(void *arg, uint32_t *peer UNUSED, uint32_t number)
{
	return fe_hosts_find(((struct focus *)arg)->fe, number);
}

const struct c3p_link_ops focus_c3p_ops = {
	.document = on_document,
	.answer = on_answer,
	.lost = on_lost,
	.opened = on_opened,
	.find = find,
};

/* --- links ---------------------------------------------------------------------------------- */

/* Whoever is at the other end now learns of all conferences with people in it: a process that
 * starts goes on with the dialogs of the one before. */
void focus_tell_all(struct focus *fo, uint32_t slot)
{
	size_t at = 0;
	struct map_node *after = NULL;
	for (struct conference *c; (c = conferences_walk(fo->set, &at, &after)) != NULL;) {
		auto_(buf_free) struct buf uri = buf_of(CONF_URI_MAX + CONF_ID_MAX + 64);
		room_put_uri(&uri, room_of(c), CONFINFO_FOCUS);
		if (c->n_inside > 0 && slot_of(fo->fe, buf_view(&uri)) == slot)
			open_room(room_of(c));
	}
}

void fe_mcu_up(struct frontend *fe, const struct role_link *l)
{
	struct focus *fo = fe->focus;
	if (str_eq(l->label, STR("news"))) {
		c3p_link_serve(fo->c3p, l->slot, l->fd);
	} else if (str_eq(l->label, STR("c3p"))) {
		c3p_link_open(fo->c3p, l->slot, l->fd);
		focus_tell_all(fo, l->slot);
	} else {
		fe->mcus[l->slot] =
		        sip_transport_link(fe->tp, (uint16_t)(FE_MCU_SOCK + l->slot), l->fd);
	}
}
