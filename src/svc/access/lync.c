#include <errno.h>

#include "base/rand.h"
#include "svc/access/inside.h"

/* The Lync dialect's sign-in ([MS-SIPAE] section 3.3.5): the legs of a REGISTER make a security
 * association of the connection, a signed REGISTER is proof by itself.
 *
 * These clients hang for ever on most refusals of a REGISTER; 401, 403 and 504 they understand, and
 * a 407 they do not. */

enum { CODE_AGAIN_LATER = 504 };

static struct sa_list *associations(const struct access_wait *w)
{
	struct access_conn *c = w->flow->user;
	return &c->sas;
}

/* Fatal for the client, which shows the sentence. */
static bool refuse_shown(struct access_wait *w, enum refusal why)
{
	buf_printf(&w->lines, "Warning: 310 lcs.microsoft.com \"%s\"\r\n",
	           refusal_row(why)->reason);
	access_refuse(w, why, 403);
	access_decided(w);
	return true;
}

static bool refuse_for_now(struct access_wait *w, enum refusal why)
{
	access_refuse(w, why, CODE_AGAIN_LATER);
	access_decided(w);
	return true;
}

static void put_offer(struct access_wait *w, struct str challenge)
{
	struct access *a = w->a;
	a->stats.challenges++;
	buf_lit(&w->lines, "WWW-Authenticate: ");
	if (challenge.len)
		buf_str(&w->lines, challenge);
	else
		a->ntlm->offer(a->ntlm_state, NULL, &w->lines, false, loop_wall(a->loop));
	buf_lit(&w->lines, "\r\n");
	w->result.verdict = ACCESS_REFUSED;
	w->result.code = 401;
	if (++associations(w)->challenges >= SA_CHALLENGES_MAX)
		sip_flow_close(w->flow); /* without an answer */
}

static bool offer(struct access_wait *w)
{
	put_offer(w, STR(""));
	access_decided(w);
	return true;
}

static void accept_leg(struct access_wait *w, struct sa *s, const struct auth_result *r)
{
	sa_up(associations(w), s, w->flow, r);
	access_accept(w, &(struct access_identity){ .account = r->account,
	                                            .credential = r->credential,
	                                            .uri = r->uri });
}

static void on_leg(void *arg, const struct auth_result *r)
{
	struct access_wait *w = arg;
	struct sa *s = take(&w->sa);
	s->holder = NULL;
	switch (r->kind) {
	case AUTH_ACCEPT:
		accept_leg(w, s, r);
		break;
	case AUTH_CHALLENGE:
		put_offer(w, r->challenge);
		break;
	case AUTH_REFUSE:
		w->a->stats.refused++;
		put_offer(w, r->challenge);
		w->result.why = REFUSE_PASSWORD;
		w->result.detail = r->why;
		refusal_put(&w->lines, REFUSE_PASSWORD, str_of(w->a->fqdn));
		break;
	case AUTH_SLOW:
		w->a->stats.slowed++;
		(void)refuse_shown(w, REFUSE_GUESSING);
		return;
	case AUTH_FAILED:
		w->a->stats.failed++;
		(void)refuse_for_now(w, REFUSE_SIGN_IN_DOWN);
		return;
	}
	access_decided(w);
}

/* A REGISTER of a connection that has signed in: the signature is the proof. */
static bool by_signature(struct access_wait *w, struct sa *s, const struct sip_msg *m)
{
	if (sa_signer(associations(w), m) != s || sa_is_old(s, loop_now(w->a->loop)))
		return offer(w);
	access_accept(w, &(struct access_identity){ .account = s->account,
	                                            .credential = s->credential,
	                                            .uri = str_of(s->uri) });
	access_decided(w);
	return true;
}

static bool leg(struct access_wait *w, struct sa *s, const struct sip_msg *m, struct str creds)
{
	if (!s || s->holder)
		return refuse_for_now(w, REFUSE_BUSY);
	w->sa = s;
	s->holder = &w->sa;
	return s->mech->step(s->mech_state, s->assoc, m, creds, loop_wall(w->a->loop), on_leg, w) !=
	       -EINPROGRESS;
}

static enum refusal not_allowed(const struct access *a, const struct sip_flow *f)
{
	if (a->cfg.ntlm == ACCESS_NTLM_OFF)
		return REFUSE_NTLM_OFF;
	if (f->kind == SIP_UDP || !f->user)
		return REFUSE_NTLM_PLAIN;
	if (f->kind == SIP_TLS || a->cfg.ntlm == ACCESS_NTLM_ANY || addr_is_loopback(&f->peer))
		return REFUSE_NOTHING;
	return REFUSE_NTLM_PLAIN;
}

bool access_step_lync(struct access_wait *w, const struct sip_msg *m)
{
	struct access *a = w->a;
	struct str id, creds = sa_credentials(m, a->ntlm->scheme, &id);
	enum refusal no = not_allowed(a, w->flow);
	if (no)
		return refuse_shown(w, no);
	if (m->method != SIP_REGISTER)
		return refuse_shown(w, REFUSE_NOT_SIGNED_IN);
	if (creds.len == 0)
		return offer(w);
	struct sa *s = id.len ? sa_find(associations(w), a->ntlm, id) : NULL;
	if (s && s->up)
		return by_signature(w, s, m);
	if (!s && id.len)
		return offer(w); /* of another connection, or forgotten */
	if (!s)
		s = sa_begin(associations(w), a->ntlm, a->ntlm_state, &w->flow->peer);
	return leg(w, s, m, creds);
}

/* Signing off by the server. */

static const char *event_of(enum refusal why)
{
	return why == REFUSE_REPLACED || why == REFUSE_KICKED ? "unregistered" : "rejected";
}

static void put_farewell(struct access *a, struct buf *b, const struct sip_flow *f,
                         const struct sa *s, enum refusal why)
{
	char body[64];
	struct buf bb = BUF_ON(body);
	buf_printf(b, "BENOTIFY sip:%s SIP/2.0\r\nVia: SIP/2.0/%s ", s->uri,
	           sip_kind_name((enum sip_kind)f->kind));
	sip_flow_put_sent_by(b, f);
	buf_lit(b, ";branch=z9hG4bK");
	rand_token(b, 16);
	buf_printf(b, "\r\nFrom: <sip:%s>;tag=", s->uri);
	rand_token(b, 10);
	buf_printf(b, "\r\nTo: <sip:%s>\r\nCall-ID: ", s->uri);
	rand_token(b, 20);
	buf_lit(b, "\r\nCSeq: 1 BENOTIFY\r\nMax-Forwards: 1\r\nEvent: registration-notify\r\n"
	           "Subscription-State: terminated\r\n");
	refusal_put(b, why, str_of(a->fqdn));
	buf_printf(&bb, "deregistered;event=%s", event_of(why));
	sip_put_body(b, STR("text/registration-event"), buf_view(&bb));
}

void access_deregister(struct access *a, struct sip_flow *f, enum refusal why)
{
	struct access_conn *c = f->user;
	if (!c || f->closed)
		return;
	list_for(it, &c->sas.list)
	{
		struct sa *s = list_entry(it, struct sa, node);
		struct buf *b = sip_transport_out(a->tp);
		if (!s->up || why == REFUSE_NOTHING)
			continue;
		put_farewell(a, b, f, s, why);
		(void)sip_flow_send(f, buf_view(b));
	}
	sip_flow_close(f);
}
