#include <stdlib.h>

#include "role/mcu_im/mi.h"
#include "svc/access/dialect.h"
#include "svc/conversation/change.h"

/* Requests of members, as a front end passes them: their sender is in P-Asserted-Identity.
 *
 * A client may be quicker than the focus: then its room, or its place in the room, is not known
 * here yet.  So what is refused for that waits for MI_HELD_S first; and what the focus passes waits
 * until all that it had told before is known here, so that nobody misses what is said after he came
 * in. */

enum { REFUSAL_LINES_PER_S = 20 };

/* A request; on the stack of the call that delivered it, or on the heap while it waits. */
struct ask {
	struct list node; /* in mi->held */
	struct mcu_im *mi;
	struct sip_req *rq;  /* until it is kept or answered */
	struct sip_stx *stx; /* once it is kept */
	const struct sip_msg *msg;
	struct timer timer;
	bool over; /* it has waited long enough */
	char room_text[SIP_URI_MAX], who_text[CONF_URI_MAX + 1];
	struct str room, who; /* URIs of the focus, and of who sends */
	uint64_t told;        /* what the focus had told when it passed this; 0: it did not say */
};

/* --- answers ------------------------------------------------------------------------------- */

static void answer(struct ask *a, int code, struct str lines, struct str type, struct str body)
{
	if (a->rq)
		sip_reply(a->rq, code, STR(""), lines, type, body);
	else
		sip_stx_reply(a->stx, code, STR(""), lines, type, body);
}

static void answer_ok(struct ask *a)
{
	answer(a, 200, STR(""), STR(""), STR(""));
}

static void refuse(struct ask *a, enum refusal why)
{
	struct mcu_im *mi = a->mi;
	const struct refusal_row *row = refusal_row(why);
	char text[512];
	struct buf b = BUF_ON(text);
	bool usual = a->msg->method == SIP_BYE; /* who leaves ends both dialogs at a time */
	mi->n_refused++;
	if (!usual && log_allow(&mi->refusal_limit, loop_now(mi->env->loop), REFUSAL_LINES_PER_S))
		log_info(NULL, "request-refused",
		         "method=%" STR_FMT " from=%s to=%s code=%u reason=%s",
		         STR_ARG(a->msg->method_name), log_esc(a->who), log_esc(a->msg->uri),
		         row->code, log_text(str_of(row->reason)));
	refusal_put(&b, why, mi->env->self->fqdn);
	answer(a, row->code, buf_view(&b), STR(""), STR(""));
}

/* --- what members do ------------------------------------------------------------------------ */

/* Each answers, or returns why not. */
typedef enum refusal ask_fn(struct ask *a, struct immcu_room *r);

static enum refusal refusal_of(int code)
{
	switch (code) {
	case 403:
		return REFUSE_NOT_INSIDE;
	case 413:
		return REFUSE_MESSAGE_TOO_LARGE;
	case 415:
		return REFUSE_CONTENT;
	case 486:
		return REFUSE_TOO_MANY_LEGS;
	case 503:
		return REFUSE_IM_BUSY;
	default:
		return REFUSE_TOO_LARGE;
	}
}

static void own_tag(const struct ask *a, char ret[SIP_TAG_LEN + 1])
{
	if (a->rq)
		sip_req_tag(a->rq, ret);
	else
		sip_stx_tag(a->stx, ret);
}

/* The session that is offered, taken as it is: the text goes in MESSAGE. */
static void answer_invite(struct ask *a)
{
	static const char old[] = "x-ms-message", now[] = "message";
	bool is_old = str_find(a->msg->body, STR("m=x-ms-message")) >= 0;
	char text[SIP_URI_MAX + 256], sdp[256];
	struct buf lines = BUF_ON(text), body = BUF_ON(sdp);
	buf_printf(&lines, "Contact: <%" STR_FMT ">;isfocus\r\n", STR_ARG(a->msg->uri));
	buf_lit(&lines, "Allow: INVITE, ACK, CANCEL, BYE, MESSAGE, INFO, UPDATE, OPTIONS\r\n");
	buf_printf(&body,
	           "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\n"
	           "t=0 0\r\nm=%s 5060 sip null\r\na=accept-types:text/plain text/html text/rtf "
	           "multipart/alternative application/im-iscomposing+xml\r\n",
	           is_old ? old : now);
	answer(a, 200, buf_view(&lines), STR("application/sdp"), buf_view(&body));
}

static enum refusal join(struct ask *a, struct immcu_room *r)
{
	auto_(arena_free) struct arena *arena = arena_new();
	struct confinfo_leg leg;
	struct immcu_leg *made;
	char tag[SIP_TAG_LEN + 1];
	own_tag(a, tag);
	if (conf_dialog_of(&leg, arena, a->msg, str_of(tag)) < 0)
		return REFUSE_BAD_ROUTE;
	int code = immcu_join(r, a->who, dialect_epid(sip_from(a->msg)), &leg, &made);
	if (code)
		return refusal_of(code);
	answer_invite(a);
	return REFUSE_NOTHING;
}

/* The leg of the request's dialog, if it is the sender's; NULL. */
static struct immcu_leg *leg_of(const struct ask *a, const struct immcu_room *r)
{
	struct immcu_leg *leg = immcu_leg_of(r, a->who, a->msg->call_id);
	return leg && conf_dialog_has(immcu_leg_dialog(leg), a->msg) ? leg : NULL;
}

/* RFC 3261 section 12.2.2.  What is repeated, its transaction has answered. */
static enum refusal check_order(const struct ask *a, const struct immcu_room *r)
{
	const struct immcu_leg *leg = leg_of(a, r);
	if (!leg)
		return REFUSE_NOTHING;
	struct confinfo_leg *dialog = immcu_leg_dialog(leg);
	if (a->msg->cseq < dialog->remote_cseq)
		return REFUSE_OUT_OF_ORDER;
	dialog->remote_cseq = a->msg->cseq;
	return REFUSE_NOTHING;
}

static bool is_inside_dialog(const struct ask *a)
{
	return sip_tag(sip_to(a->msg)).len > 0;
}

static enum refusal invite(struct ask *a, struct immcu_room *r)
{
	if (!is_inside_dialog(a))
		return join(a, r);
	if (!leg_of(a, r))
		return REFUSE_NO_DIALOG;
	answer_invite(a);
	return REFUSE_NOTHING;
}

static bool is_typing(struct str type)
{
	return str_istarts(type, STR("application/im-iscomposing+xml"));
}

/* [MS-CONFIM] section 3.1.5: taken, not delivered: 202 with an id for what may be said of it later.
 */
static enum refusal pass_on(struct ask *a, struct immcu_room *r, const struct immcu_said *s)
{
	char text[128];
	struct buf lines = BUF_ON(text);
	int code = immcu_say(r, s);
	if (code)
		return refusal_of(code);
	if (s->typing && s->pagers_only) {
		answer_ok(a);
		return REFUSE_NOTHING;
	}
	buf_lit(&lines, "Message-Id: ");
	buf_dec(&lines, immcu_number(r));
	buf_lit(&lines, "\r\n");
	if (s->pagers_only && immcu_has_dialogs(r))
		buf_lit(&lines, CHANGE_NOT_SHOWN);
	answer(a, 202, buf_view(&lines), STR(""), STR(""));
	return REFUSE_NOTHING;
}

/* A pager message, of a member with a phone. */
static enum refusal say_by_pager(struct ask *a, struct immcu_room *r)
{
	struct immcu_said s = { .sender = a->who, .from = immcu_pager_of(r, a->who) };
	enum refusal why = mi_read_page(&s, a->msg);
	if (why)
		return why;
	if (s.body.len > 0)
		return pass_on(a, r, &s);
	answer_ok(a);
	return REFUSE_NOTHING;
}

static enum refusal say(struct ask *a, struct immcu_room *r)
{
	const struct immcu_leg *leg = is_inside_dialog(a) ? leg_of(a, r) : NULL;
	struct str type = sip_value(a->msg, SIP_H_CONTENT_TYPE);
	struct immcu_said s = { .sender = a->who,
		                .from = leg,
		                .type = type,
		                .body = a->msg->body,
		                .typing = is_typing(type) };
	if (!is_inside_dialog(a))
		return say_by_pager(a, r);
	return leg ? pass_on(a, r, &s) : REFUSE_NO_DIALOG;
}

static enum refusal leave(struct ask *a, struct immcu_room *r)
{
	struct immcu_leg *leg = leg_of(a, r);
	if (!leg)
		return REFUSE_NO_DIALOG;
	mi_leg_gone(leg);
	immcu_leave(&leg);
	answer_ok(a);
	return REFUSE_NOTHING;
}

/* INFO tells of keys that are pressed, which Lync clients do not show in a room. */
static enum refusal nod(struct ask *a, struct immcu_room *r)
{
	if ((is_inside_dialog(a) || a->msg->method != SIP_OPTIONS) && !leg_of(a, r))
		return REFUSE_NO_DIALOG;
	answer_ok(a);
	return REFUSE_NOTHING;
}

/* clang-format off */
static ask_fn *const served[SIP_N_METHODS] = {
	[SIP_INVITE]  = invite,
	[SIP_MESSAGE] = say,
	[SIP_BYE]     = leave,
	[SIP_INFO]    = nod,
	[SIP_UPDATE]  = nod,
	[SIP_OPTIONS] = nod,
};
/* clang-format on */

static enum refusal look(struct ask *a)
{
	struct immcu_room *r = immcu_find(a->mi->engine, a->room);
	if (r && r->as_of < a->told)
		return REFUSE_CONF_BEHIND;
	enum refusal why = r ? check_order(a, r) : REFUSE_NO_CONFERENCE;
	return why ? why : served[a->msg->method](a, r);
}

/* --- waiting -------------------------------------------------------------------------------- */

static void held_free(struct ask *a)
{
	list_del(&a->node);
	timer_stop(&a->timer);
	a->mi->n_held--;
	free(a);
}

static void on_ended(void *arg, bool lost UNUSED)
{
	held_free(arg);
}

static void on_cancel(void *arg, struct str reason UNUSED)
{
	struct ask *a = arg;
	answer(a, 487, STR(""), STR(""), STR(""));
	held_free(a);
}

static const struct sip_stx_ops held_ops = { .cancel = on_cancel, .ended = on_ended };

static bool may_wait(const struct ask *a, enum refusal why)
{
	return !a->over && a->mi->n_held < MI_HELD_MAX &&
	       (why == REFUSE_NO_CONFERENCE || why == REFUSE_NOT_INSIDE ||
	        why == REFUSE_CONF_BEHIND);
}

/* An answer takes the transaction: nobody is told of its end any more. */
static void look_again(struct ask *a)
{
	sip_stx_set_ops(a->stx, NULL, NULL);
	enum refusal why = look(a);
	if (why && may_wait(a, why)) {
		sip_stx_set_ops(a->stx, &held_ops, a);
		return;
	}
	if (why)
		refuse(a, why);
	held_free(a);
}

static void on_timer(void *arg)
{
	struct ask *a = arg;
	a->over = true;
	look_again(a);
}

static void hold(const struct ask *from)
{
	struct mcu_im *mi = from->mi;
	struct ask *a = xmalloc(sizeof(*a));
	*a = *from;
	a->room.p = a->room_text;
	a->who.p = a->who_text;
	a->stx = sip_accept(a->rq, &held_ops, a);
	a->rq = NULL;
	a->msg = sip_stx_request(a->stx);
	timer_init(&a->timer, mi->env->loop, on_timer, a);
	timer_set(&a->timer,
	          loop_now(mi->env->loop) + (a->told ? MI_BEHIND_S : MI_HELD_S) * USEC_PER_SEC);
	list_add(&mi->held, &a->node);
	mi->n_held++;
}

void mi_retry_held(struct mcu_im *mi, struct str focus)
{
	list_for(it, &mi->held)
	{
		struct ask *a = list_entry(it, struct ask, node);
		if (str_ieq(a->room, focus))
			look_again(a);
	}
}

void mi_free_held(struct mcu_im *mi)
{
	list_for(it, &mi->held) held_free(list_entry(it, struct ask, node));
}

/* --- coming in ------------------------------------------------------------------------------ */

/* From which room the address is: the URI of its focus. */
static int read_room(struct ask *a)
{
	struct sip_uri u;
	struct conf_uri cu;
	struct str told;
	char text[CONF_URI_MAX + 1];
	struct buf aor = BUF_ON(text), b = BUF_ON(a->room_text);
	if (sip_uri_parse(&u, a->msg->uri) < 0 || conf_uri_parse(&cu, &u) < 0 ||
	    cu.session != CONFINFO_CHAT || sip_uri_aor(&u, &aor) < 0 || aor.full)
		return -1;
	conf_uri_put(&b, buf_view(&aor), CONFINFO_FOCUS, cu.id);
	a->room = buf_view(&b);
	if (!sip_param(u.params, STR(CONF_TOLD), &told) ||
	    str_to_u64(told, UINT64_MAX, &a->told) < 0)
		a->told = 0;
	return b.full ? -1 : 0;
}

static int read_who(struct ask *a)
{
	struct sip_addr addr;
	struct sip_uri u;
	struct str rest = sip_value(a->msg, SIP_H_P_ASSERTED_IDENTITY);
	struct buf b = BUF_ON(a->who_text);
	if (sip_addr_next(&rest, &addr) <= 0 || sip_uri_parse(&u, addr.uri) < 0 ||
	    sip_uri_aor(&u, &b) < 0 || b.full)
		return -1;
	a->who = buf_view(&b);
	return 0;
}

static enum refusal check(struct ask *a)
{
	if (!served[a->msg->method])
		return REFUSE_METHOD;
	if (read_room(a) < 0)
		return REFUSE_NO_CONFERENCE;
	return read_who(a) < 0 ? REFUSE_NOT_INSIDE : REFUSE_NOTHING;
}

void mi_request(struct mcu_im *mi, struct sip_req *rq)
{
	RAW_MEMORY struct ask a;
	a.mi = mi;
	a.rq = rq;
	a.stx = NULL;
	a.msg = rq->msg;
	a.over = false;
	a.told = 0;
	a.who = a.room = STR("");
	if (rq->msg->method == SIP_ACK) {
		sip_ignore(rq);
		return;
	}
	enum refusal why = check(&a);
	bool known = !why;
	if (known)
		why = look(&a);
	if (why && known && may_wait(&a, why))
		hold(&a);
	else if (why)
		refuse(&a, why);
}
