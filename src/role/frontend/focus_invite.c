#include <inttypes.h>
#include <stdlib.h>

#include "base/rand.h"
#include "role/frontend/focus.h"
#include "svc/access/dialect.h"
#include "wire/c3p/invite.h"

/* Invitations into a conference (application/ms-conf-invite+xml) for a user who is there with
 * phones alone: they get a message of the conference instead, and who answers it joins.  The INVITE
 * is answered when the message was. */

struct inviting {
	struct task *t; /* NULL: who invites has gone */
	char contact[CONF_WHOLE_URI_MAX + 64];
};

/* Its client ends the dialog by BYE, which goes to the home of the conference: the Contact says
 * that there is one. */
static void put_proof(struct buf *b, const struct frontend *fe, struct str call_id)
{
	buf_printf(b, "%016" PRIx64, hash_bytes(&fe->key.mac, call_id.p, call_id.len));
}

void focus_put_invitation(struct buf *b, const struct frontend *fe, struct str conference,
                          struct str call_id)
{
	buf_printf(b, "Contact: <%" STR_FMT ";invitation=", STR_ARG(conference));
	put_proof(b, fe, call_id);
	buf_lit(b, ">\r\n");
}

bool focus_ends_invitation(const struct task *t)
{
	struct sip_uri u;
	struct str proof;
	char text[32];
	struct buf b = BUF_ON(text);
	put_proof(&b, t->fe, t->msg->call_id);
	return sip_uri_parse(&u, t->msg->uri) == 0 &&
	       sip_param(u.params, STR("invitation"), &proof) && str_eq(proof, buf_view(&b));
}

/* --- the answer ----------------------------------------------------------------------------- */

static void done(struct inviting *v, bool reached)
{
	struct task *t = v->t;
	if (t) {
		t->holder = NULL;
		if (reached)
			task_reply(t, 200, STR(""), str_of(v->contact));
		else
			task_refuse(t, REFUSE_NOT_REACHED, STR(""));
	}
	free(v);
}

static void on_response(void *arg, struct sip_ctx *t, struct sip_msg *r)
{
	if (r->status < 200)
		return;
	sip_ctx_forget(t);
	done(arg, r->status < 300);
}

static void on_failed(void *arg, struct sip_ctx *t, enum sip_fail why UNUSED)
{
	sip_ctx_forget(t);
	done(arg, false);
}

/* With the stack, which ends the INVITE too. */
static void on_ended(void *arg, struct sip_ctx *t UNUSED)
{
	struct inviting *v = arg;
	if (v->t)
		v->t->holder = NULL;
	free(v);
}

static const struct sip_ctx_ops message_ops = { .response = on_response,
	                                        .failed = on_failed,
	                                        .ended = on_ended };

/* --- the message ---------------------------------------------------------------------------- */

static void put_text(struct buf *b, const struct conf_invite *v, struct str name)
{
	buf_str(b, name);
	buf_lit(b, " invites you to a conversation of several people");
	if (v->subject.len > 0)
		buf_printf(b, ", \"%" STR_FMT "\"", STR_ARG(v->subject));
	buf_lit(b, ". Answer here to take part; \"/leave\" leaves it.");
}

static void put_message(struct buf *b, const struct task *t, const struct conf_invite *v,
                        struct str conference, struct str name)
{
	struct sip_addr none = { .uri = STR("") };
	const struct sip_addr *to = sip_to(t->msg);
	auto_(buf_free) struct buf text = buf_of(2 * CONF_INVITE_TEXT_MAX);
	buf_printf(b, "Max-Forwards: 70\r\nRoute: <sip:t.%" PRIx64 ".0@" FE_LINK_DOMAIN ";lr>\r\n",
	           t->callee);
	buf_lit(b, "From: ");
	sip_put_quoted(b, v->subject);
	buf_printf(b, " <%" STR_FMT ">;tag=%016" PRIx64 "\r\nTo: <%" STR_FMT ">\r\n",
	           STR_ARG(conference), rand_u64(), STR_ARG((to ? to : &none)->uri));
	buf_printf(b, "Call-ID: %016" PRIx64 "%016" PRIx64 "@conference\r\nCSeq: 1 MESSAGE\r\n",
	           rand_u64(), rand_u64());
	buf_printf(b, "P-Asserted-Identity: <%" STR_FMT ">\r\n", STR_ARG(conference));
	put_text(&text, v, name);
	sip_put_body(b, STR("text/plain;charset=UTF-8"), buf_view(&text));
}

static void send_message(struct task *t, const struct conf_invite *v, struct str conference,
                         struct str name)
{
	struct frontend *fe = t->fe;
	struct sip_flow *link = fe_own_link(fe);
	char branch[SIP_BRANCH_LEN + 1];
	if (!link) {
		task_refuse(t, REFUSE_HOME_DOWN, STR(""));
		return;
	}
	struct inviting *in = xnew(struct inviting);
	struct buf cb = BUF_ON(in->contact);
	focus_put_invitation(&cb, fe, conference, t->msg->call_id);
	buf_char(&cb, '\0');
	t = task_keep(t);
	in->t = t;
	t->holder = &in->t;
	sip_branch_make(fe->stack, 0, branch);
	struct buf *b = sip_transport_out(link->tp);
	buf_printf(b, "MESSAGE %" STR_FMT " SIP/2.0\r\nVia: ", STR_ARG(t->msg->uri));
	sip_via_put(b, link, branch);
	buf_lit(b, "\r\n");
	put_message(b, t, v, conference, name);
	(void)sip_ctx_new(fe->stack, link, buf_view(b), SIP_MESSAGE, branch, &message_ops, in);
}

static void on_named(struct task *t, struct str name)
{
	auto_(arena_free) struct arena *a = arena_new();
	char organizer[CONF_URI_MAX], text[CONF_WHOLE_URI_MAX];
	struct buf ob = BUF_ON(organizer), cb = BUF_ON(text);
	struct conf_invite v;
	struct conf_uri cu;
	struct sip_uri u;
	if (conf_invite_parse(&v, a, t->msg->body) < 0 || conf_uri_read(&cu, &ob, v.focus) < 0 ||
	    cu.session != CONFINFO_FOCUS || sip_uri_parse(&u, buf_view(&ob)) < 0) {
		task_refuse(t, REFUSE_BAD_BODY, STR(""));
		return;
	}
	if (!topo_is_our_domain(t->fe->env->topo, u.host)) {
		task_refuse(t, REFUSE_DOMAIN, STR(""));
		return;
	}
	conf_uri_put_for_phones(&cb, buf_view(&ob), cu.id);
	send_message(t, &v, buf_view(&cb), name.len > 0 ? name : t->who.uri);
}

bool fe_invite_phones(struct task *t, struct home_user *callee)
{
	unsigned phones = 0;
	if (!fe_is_conf_invite(t->msg))
		return false;
	binding_for(b, callee)
	{
		if (b->lync)
			return false;
		phones++;
	}
	if (phones == 0)
		return false;
	focus_named(t, on_named);
	return true;
}
