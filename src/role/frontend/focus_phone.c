#include <inttypes.h>

#include "base/rand.h"
#include "role/frontend/focus.h"
#include "svc/conversation/content.h"
#include "wire/sdp/sdp.h"

/* Phones in conferences: what has no part in [MS-CONFBAS] joins by a pager message to the
 * conference (RFC 3428), or by an INVITE (RFC 4579) for a dialog with the focus, and gets what is
 * said by pager messages.  One who is invited is asked by a message of the conference, which is
 * answered by joining.  "/leave" leaves. */

#define LEAVE STR("/leave")

/* --- joining -------------------------------------------------------------------------------- */

/* What all pager messages to that person have in common. */
static void make_pager(struct confinfo_leg *ret, struct arena *a, struct str who)
{
	char text[CONF_URI_MAX + 64];
	struct buf b = BUF_ON(text);
	*ret = (struct confinfo_leg){ .pager = true, .contact = arena_str(a, who) };
	buf_printf(&b, "<%" STR_FMT ">", STR_ARG(who));
	ret->remote = arena_str(a, buf_view(&b));
	b.len = 0;
	buf_printf(&b, "%016" PRIx64, rand_u64());
	ret->local_tag = arena_str(a, buf_view(&b));
	b.len = 0;
	buf_printf(&b, "%016" PRIx64 "%016" PRIx64 "@conference", rand_u64(), rand_u64());
	ret->call_id = arena_str(a, buf_view(&b));
}

/* Not a GUID that a client gave itself; clients take it for the name of an endpoint. */
static struct str make_entity(struct arena *a)
{
	char text[CONF_ENTITY_MAX];
	struct buf b = BUF_ON(text);
	buf_printf(&b, "{%016" PRIX64 "%016" PRIX64 "}", rand_u64(), rand_u64());
	return arena_str(a, buf_view(&b));
}

enum c3p_reason focus_join_phone(struct conference *c, struct arena *a, struct conf_join *j)
{
	struct focus *fo = room_of(c)->focus;
	const struct conf_person *p = NULL;
	enum c3p_reason why = C3P_NO_REASON;
	struct confinfo_leg pager;
	make_pager(&pager, a, j->who.uri);
	j->entity = make_entity(a);
	j->pager = &pager;
	if (!j->leg) {
		j->leg = &pager;
		j->epid = CONF_PHONE;
	}
	if (conference_join(c, focus_now_s(fo), j, &p, &why) == CONF_REFUSED)
		return why;
	log_info(NULL, "conference-joined", "conference=%s user=%s with=phone",
	         log_esc(str_of(c->id)), log_esc(j->who.uri));
	return C3P_NO_REASON;
}

/* --- MESSAGE to the conference -------------------------------------------------------------- */

static void leave(struct task *t, struct conference *c, struct str who)
{
	focus_gather(c, STR(""));
	if (conference_leave_phone(c, focus_now_s(t->fe->focus), who) < 0)
		task_refuse(t, REFUSE_NOT_INSIDE, STR(""));
	else
		task_reply(t, 200, STR(""), STR(""));
}

static void say(struct task *t, struct conference *c, struct conf_who who)
{
	auto_(arena_free) struct arena *a = arena_new();
	if (conference_is_member(c, who.uri))
		focus_gather(c, who.uri);
	const struct conf_person *p = conference_person(c, who.uri);
	struct conf_join j = { .who = who };
	enum c3p_reason why = p && conf_pager(p) ? C3P_NO_REASON : focus_join_phone(c, a, &j);
	if (why)
		task_refuse(t, focus_refusal(why), STR(""));
	else
		fe_mcu_pass(t);
}

static void on_message(struct task *t, struct str name)
{
	struct conference *c = fe_conference_of(t);
	char text[ACCESS_URI_MAX + 8];
	struct buf who = BUF_ON(text);
	focus_put_who(&who, t);
	struct content said;
	content_read(&said, t->msg);
	if (!c) /* deleted meanwhile */
		task_refuse(t, REFUSE_NO_CONFERENCE, STR(""));
	else if (said.kind != CONTENT_TEXT && said.kind != CONTENT_CHANGE)
		task_refuse(t, REFUSE_CONTENT, STR(""));
	else if (said.kind == CONTENT_TEXT && str_ieq(str_trim(said.body), LEAVE))
		leave(t, c, buf_view(&who));
	else
		say(t, c, (struct conf_who){ buf_view(&who), name, CONF_COMPANY });
}

/* That somebody types, or has got the last message of a conference that he left. */
static bool is_remark(const struct sip_msg *m)
{
	struct content said;
	content_read(&said, m);
	return said.kind == CONTENT_TYPING || said.kind == CONTENT_NOTICE;
}

/* That a member types the others are told; whoever else writes here joins by a text alone. */
static void on_remark(struct task *t, struct conference *c)
{
	char text[ACCESS_URI_MAX + 8];
	struct buf who = BUF_ON(text);
	struct content said;
	content_read(&said, t->msg);
	focus_put_who(&who, t);
	if (said.kind == CONTENT_TYPING && !fe_has_to_tag(t->msg) &&
	    conference_is_member(c, buf_view(&who)))
		fe_mcu_pass(t);
	else
		task_reply(t, 200, STR(""), STR(""));
}

void focus_message(struct task *t, struct conference *c)
{
	if (is_remark(t->msg))
		on_remark(t, c);
	else if (fe_has_to_tag(t->msg) && !focus_leg_of(t, c))
		task_refuse(t, REFUSE_NO_DIALOG, STR(""));
	else
		focus_named(t, on_message);
}

/* --- what is said there --------------------------------------------------------------------- */

void fe_from_conference(struct task *t)
{
	if (t->msg->method != SIP_MESSAGE || !fe_is_of_conference(t->msg) || t->who.uri.len == 0) {
		task_refuse(t, REFUSE_NO_RIGHT, STR(""));
		return;
	}
	target_read(&t->target, &t->fe->self, &t->fe->key, t->msg->uri);
	fe_route_target(t);
}

/* --- INVITE (RFC 4579) ---------------------------------------------------------------------- */

/* Is there something in the offer that a conference of text alone cannot have? */
static bool offers_media(const struct sdp *s)
{
	for (unsigned i = 0; i < s->n_media; i++)
		if (!str_eq(s->media[i].media, STR("message")))
			return true;
	return false;
}

/* Takes no part in what is offered (RFC 3264 section 6): text goes by pager messages. */
static void put_answer(struct buf *b, const struct sdp *s)
{
	buf_lit(b, "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n");
	for (unsigned i = 0; s && i < s->n_media; i++)
		buf_printf(b, "m=%" STR_FMT " 0 %" STR_FMT " %" STR_FMT "\r\n",
		           STR_ARG(s->media[i].media), STR_ARG(s->media[i].proto),
		           STR_ARG(s->media[i].formats));
}

static void answer_phone(struct task *t, struct conference *c, const struct sdp *offer)
{
	char text[1024];
	struct buf lines = BUF_ON(text);
	auto_(buf_free) struct buf body = buf_of(SDP_BYTES_MAX);
	focus_put_contact(&lines, room_of(c));
	buf_lit(&lines, "Allow-Events: conference\r\n");
	put_answer(&body, offer);
	task_answer(t, buf_view(&lines), STR("application/sdp"), buf_view(&body));
}

/* The dialogs of several phones are told apart. */
static struct str make_epid(struct arena *a)
{
	char text[64];
	struct buf b = BUF_ON(text);
	buf_str(&b, CONF_PHONE);
	buf_printf(&b, "-%016" PRIx64, rand_u64());
	return arena_str(a, buf_view(&b));
}

void focus_invite_of_phone(struct task *t, struct conference *c, struct conf_who who)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct sdp offer;
	bool has_offer = t->msg->body.len > 0;
	struct confinfo_leg dialog;
	struct token end;
	struct conf_join j = { .who = who, .leg = &dialog };
	if (has_offer && sdp_parse(&offer, t->msg->body) < 0) {
		task_refuse(t, REFUSE_BAD_BODY, STR(""));
		return;
	}
	if (has_offer && offers_media(&offer)) {
		task_refuse(t, REFUSE_TEXT_ONLY, STR(""));
		return;
	}
	fe_sender_end(t, &end);
	enum c3p_reason why = focus_dialog_of(&dialog, a, t, &end);
	j.epid = make_epid(a);
	if (!why)
		why = focus_join_phone(c, a, &j);
	if (why) {
		task_refuse(t, focus_refusal(why), STR(""));
		return;
	}
	focus_leg_add(room_of(c), &end, who.uri, j.epid, dialog.call_id);
	answer_phone(t, c, has_offer ? &offer : NULL);
}
