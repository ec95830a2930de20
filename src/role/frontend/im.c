#include <inttypes.h>

#include "role/frontend/fe.h"

/* Where conversations of the home half enter and leave the box's routing (svc/conversation). */

static struct sip_flow *link_of(void *arg, enum im_route way, uint64_t account)
{
	struct frontend *fe = arg;
	return way == IM_FROM_USER ? fe_link_home(fe, account) : fe_own_link(fe);
}

static void put_route(void *arg, struct buf *b, enum im_route way, uint64_t account,
                      const struct token *end)
{
	struct frontend *fe = arg;
	switch (way) {
	case IM_TO_USER:
		buf_printf(b, "<sip:t.%" PRIx64 ".0@" FE_LINK_DOMAIN ";lr>", account);
		break;
	case IM_FROM_USER:
		buf_printf(b, "<sip:o.%" PRIx64 "@" FE_LINK_DOMAIN ";lr>", account);
		break;
	case IM_IN_DIALOG:
		buf_printf(b, "<sip:o.%" PRIx64 "@" FE_LINK_DOMAIN ";lr>, <sip:", account);
		token_put(b, &fe->key, end);
		buf_lit(b, "@" FE_LINK_DOMAIN ";lr>");
		break;
	}
}

static void put_contact(void *arg, struct buf *b, uint64_t account, uint64_t id)
{
	struct frontend *fe = arg;
	struct token t = {
		.account = account,
		.hint = { .reach = TOKEN_DIALOG, .slot = (uint8_t)fe->env->slot, .flow = id }
	};
	buf_lit(b, "sip:");
	token_put(b, &fe->key, &t);
	buf_char(b, '@');
	buf_str(b, fe->env->self->fqdn);
	buf_lit(b, ";transport=tls");
}

static enum refusal reason_of(int code)
{
	switch (code) {
	case 405:
		return REFUSE_METHOD;
	case 415:
		return REFUSE_CONTENT;
	case 481:
		return REFUSE_NO_DIALOG;
	case 503:
		return REFUSE_IM_BUSY;
	case 606:
		return REFUSE_LINK;
	default:
		return REFUSE_NOT_REACHED;
	}
}

static void put_reason(void *arg, struct buf *b, int code)
{
	struct frontend *fe = arg;
	if (code == 606)
		fe_put_filtered(b, REFUSE_LINK);
	refusal_put(b, reason_of(code), fe->env->self->fqdn);
}

static const struct im_ops im_ops = {
	.link = link_of,
	.put_route = put_route,
	.put_contact = put_contact,
	.put_reason = put_reason,
};

int fe_im_start(struct frontend *fe)
{
	int r = fe_own_link_open(fe);
	if (r < 0)
		return r;
	fe->im = im_new(&(struct im_config){
	        .loop = fe->loop, .stack = fe->stack, .key = &fe->key, .ops = &im_ops, .arg = fe });
	return 0;
}

bool fe_names_dialog(const struct task *t, struct token *ret)
{
	struct sip_uri u;
	return sip_uri_parse(&u, t->msg->uri) == 0 && token_get(ret, &t->fe->key, u.user) == 0 &&
	       ret->hint.reach == TOKEN_DIALOG;
}

void fe_own_dialog(struct task *t, const struct token *end)
{
	if (end->hint.slot == t->fe->env->slot) {
		im_request(t->fe->im, t->rq, end->hint.flow);
		return;
	}
	if (end->hint.slot >= t->fe->env->n_slots) {
		task_refuse(t, REFUSE_NO_DIALOG, STR(""));
		return;
	}
	t->has_peer = true; /* nobody is asserted inside a dialog */
	fe_send_there(t, end, (struct str){ NULL, 0 });
}

char fe_im_stage(const struct task *t, struct home_user *callee)
{
	unsigned lync = 0, phones = 0;
	bool message = t->msg->method == SIP_MESSAGE;
	if ((!message && !im_is_invite(t->msg)) || t->target.secure)
		return 0;
	binding_for(b, callee)
	{
		if (b->user->account == t->who.account && b->endpoint == t->who.endpoint)
			continue;
		lync += b->lync;
		phones += !b->lync;
	}
	bool own = t->from_link && t->flow->sock == t->fe->env->slot && !t->redelivered;
	/* What a client of the user says to the own address is not said to it again, and what comes
	 * from a conversation is not translated back. */
	if (message && fe_is_of_conference(t->msg) && !t->redelivered)
		return lync && !phones && sip_value_named(t->msg, STR(CONF_NAMED)).len > 0 ? 's'
		                                                                           : 0;
	if (message)
		return lync && !(own && str_ieq(t->who.uri, home_user_aor(callee))) ? 's' : 0;
	return lync == 0 && phones && !own ? 'p' : 0;
}

bool fe_hears_elsewhere(const struct task *t, struct home_user *callee)
{
	struct str named = sip_value_named(t->msg, STR(CONF_NAMED));
	if (!fe_is_of_conference(t->msg) || t->redelivered || !str_ends(named, STR(CONF_ELSEWHERE)))
		return false;
	binding_for(b, callee)
	{
		if (!b->lync)
			return false;
	}
	return true;
}

void fe_im_enter(struct task *t, char stage, uint64_t account)
{
	struct frontend *fe = t->fe;
	struct home_user *u = registrar_user(fe->registrar, account);
	if (!u || t->who.uri.len == 0 || t->flow->sock != fe->env->slot) {
		task_refuse(t, REFUSE_NO_ENDPOINT, STR(""));
		return;
	}
	struct im_who who = { .account = account, .user = home_user_aor(u), .peer = t->who.uri };
	if (stage == 's' && t->msg->method == SIP_MESSAGE)
		im_deliver(fe->im, t->rq, &who);
	else if (stage == 'p' && t->msg->method == SIP_INVITE)
		im_invite(fe->im, t->rq, &who);
	else
		task_refuse(t, REFUSE_UNKNOWN_STAGE, STR(""));
}
