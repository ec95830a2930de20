#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"
#include "role/frontend/focus.h"
#include "wire/c3p/invite.h"

/* A client that the MCU lost while its focus dialog stands: BYE in that, and a fresh invitation
 * ([MS-CONFBAS] section 3.5) to this client alone.  It stays in the roster, as pending, until it
 * has joined again, which takes the leg's place, or has not. */

enum { RETURN_MAX_S = 60 };

struct focus_return {
	struct focus_leg *leg;
	struct sip_ctx *ctx; /* the INVITE; NULL: it has its answer */
	struct timer timer;
	char call_id[48], tag[24];
};

void focus_return_free(struct focus_return **rp)
{
	struct focus_return *r = take(rp);
	if (!r)
		return;
	if (r->ctx) {
		sip_ctx_cancel(r->ctx, STR("")); /* else it rings on for a place that is gone */
		sip_ctx_forget(r->ctx);
	}
	timer_stop(&r->timer);
	free(r);
}

static void on_timer(void *arg)
{
	const struct focus_return *r = arg;
	focus_leg_leave(r->leg);
}

/* Not at once: the model may be in the middle of what the MCU says. */
static void give_up(struct focus_return *r)
{
	timer_set(&r->timer, loop_now(r->leg->room->focus->fe->loop));
}

/* --- the invitation ------------------------------------------------------------------------- */

static void put_conference(struct buf *b, const struct focus_return *r)
{
	const struct conference *c = r->leg->room->c;
	conf_uri_put_for_phones(b, str_of(c->organizer), str_of(c->id));
}

static void put_ack(struct buf *b, const struct focus_return *r, const struct sip_msg *answer,
                    const struct sip_flow *link, const char *branch)
{
	struct focus_leg *leg = r->leg;
	const struct sip_addr *contact = sip_contact(answer), *to = sip_to(answer);
	char home[64], route[TOKEN_TEXT_MAX + 64], own[CONF_WHOLE_URI_MAX],
	        remote[CONF_URI_MAX + 2];
	struct buf hb = BUF_ON(home), tb = BUF_ON(route), ob = BUF_ON(own), rb = BUF_ON(remote);
	focus_put_home(&hb, leg);
	buf_lit(&tb, "<sip:");
	token_put(&tb, &leg->room->focus->fe->key, &leg->end);
	buf_lit(&tb, "@" FE_LINK_DOMAIN ";lr>");
	put_conference(&ob, r);
	buf_printf(&rb, "<%s>", leg->uri);
	struct confinfo_leg dialog = { .call_id = str_of(r->call_id),
		                       .local_tag = str_of(r->tag),
		                       .remote_tag = to ? sip_tag(to) : STR(""),
		                       .remote = buf_view(&rb),
		                       .contact = contact && !contact->star ? contact->uri
		                                                            : str_of(leg->uri),
		                       .route = buf_view(&tb) };
	struct conf_request rq = { .method = SIP_ACK,
		                   .local = buf_view(&ob),
		                   .route = buf_view(&hb),
		                   .cseq = 1,
		                   .flow = link,
		                   .branch = branch };
	conf_dialog_put(b, &dialog, &rq);
	sip_put_body(b, STR(""), STR(""));
}

static void ack(const struct focus_return *r, const struct sip_msg *answer)
{
	struct frontend *fe = r->leg->room->focus->fe;
	struct sip_flow *link = fe_own_link(fe);
	char branch[SIP_BRANCH_LEN + 1];
	if (!link)
		return;
	sip_branch_make(fe->stack, 0, branch);
	struct buf *b = sip_transport_out(link->tp);
	put_ack(b, r, answer, link, branch);
	sip_send_once(fe->stack, link, buf_view(b));
}

static void on_response(void *arg, struct sip_ctx *t, struct sip_msg *m)
{
	struct focus_return *r = arg;
	if (m->status < 200)
		return;
	sip_ctx_forget(t);
	r->ctx = NULL;
	if (m->status < 300)
		ack(r, m);
	else
		give_up(r);
}

static void on_failed(void *arg, struct sip_ctx *t, enum sip_fail why UNUSED)
{
	struct focus_return *r = arg;
	sip_ctx_forget(t);
	r->ctx = NULL;
	give_up(r);
}

static void on_ended(void *arg, struct sip_ctx *t UNUSED)
{
	struct focus_return *r = arg;
	r->ctx = NULL;
}

static const struct sip_ctx_ops invite_ops = { .response = on_response,
	                                       .failed = on_failed,
	                                       .ended = on_ended };

static void put_body(struct buf *b, const struct room *room)
{
	char text[CONF_WHOLE_URI_MAX];
	struct buf focus = BUF_ON(text);
	room_put_uri(&focus, room, CONFINFO_FOCUS);
	struct conf_invite v = { .focus = buf_view(&focus),
		                 .subject = str_of(room->c->subject),
		                 .im = true,
		                 .first_im = STR("") };
	auto_(buf_free) struct buf body = buf_of(2 * (CONF_WHOLE_URI_MAX + CONF_INVITE_TEXT_MAX));
	conf_invite_put(&body, &v);
	sip_put_body(b, STR("application/ms-conf-invite+xml"), buf_view(&body));
}

static void put_invite(struct buf *b, const struct focus_return *r, const struct sip_flow *link,
                       const char *branch)
{
	const struct focus_leg *leg = r->leg;
	char text[CONF_WHOLE_URI_MAX];
	struct buf own = BUF_ON(text);
	put_conference(&own, r);
	buf_printf(b, "INVITE %s SIP/2.0\r\nVia: ", leg->uri);
	sip_via_put(b, link, branch);
	buf_printf(b,
	           "\r\nMax-Forwards: 70\r\nRoute: <sip:t.%" PRIx64 ".%" PRIx64 "@" FE_LINK_DOMAIN
	           ";lr>\r\nFrom: ",
	           leg->end.account, leg->end.endpoint);
	sip_put_quoted(b, str_of(leg->room->c->subject));
	buf_printf(b, " <%" STR_FMT ">;tag=%s\r\nTo: <%s>\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\n",
	           STR_ARG(buf_view(&own)), r->tag, leg->uri, r->call_id);
	buf_printf(b, "P-Asserted-Identity: <%" STR_FMT ">\r\n", STR_ARG(buf_view(&own)));
	focus_put_invitation(b, leg->room->focus->fe, buf_view(&own), str_of(r->call_id));
	put_body(b, leg->room);
}

static struct sip_ctx *send_invite(struct focus_return *r)
{
	struct frontend *fe = r->leg->room->focus->fe;
	struct sip_flow *link = fe_link_home(fe, r->leg->end.account);
	char branch[SIP_BRANCH_LEN + 1];
	if (!link)
		return NULL;
	sip_branch_make(fe->stack, 0, branch);
	struct buf *b = sip_transport_out(link->tp);
	put_invite(b, r, link, branch);
	return sip_ctx_new(fe->stack, link, buf_view(b), SIP_INVITE, branch, &invite_ops, r);
}

void focus_invite_anew(struct room *room, const struct conf_person *p,
                       const struct confinfo_leg *dialog)
{
	struct frontend *fe = room->focus->fe;
	struct focus_leg *leg = focus_find_leg(room, str_of(p->uri), dialog->call_id);
	if (!leg || leg->coming)
		return;
	struct focus_return *r = xnew(struct focus_return);
	leg->coming = r;
	r->leg = leg;
	(void)snprintf(r->call_id, sizeof(r->call_id), "%016" PRIx64 "%016" PRIx64 "@conference",
	               rand_u64(), rand_u64());
	(void)snprintf(r->tag, sizeof(r->tag), "%016" PRIx64, rand_u64());
	timer_init(&r->timer, fe->loop, on_timer, r);
	timer_set(&r->timer, loop_now(fe->loop) + RETURN_MAX_S * USEC_PER_SEC);
	focus_end_watchers(room, str_of(leg->uri), str_of(leg->epid), "noresource");
	focus_send_bye(room, leg, dialog, REFUSE_NOT_REACHED);
	r->ctx = send_invite(r);
	if (!r->ctx)
		give_up(r);
}
