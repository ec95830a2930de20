#include <stdlib.h>

#include "role/frontend/fe.h"
#include "svc/access/dialect.h"
#include "svc/access/trust.h"
#include "svc/routing/media.h"
#include "wire/mime/mime.h"
#include "wire/sdp/security.h"

/* What the front end wants to know of the answers: calls that are taken up, registrations that were
 * accepted elsewhere.  Everything else passes without a second look. */

struct watch {
	struct frontend *fe;
	struct fork *fork;     /* where an endpoint has several flows; owned */
	struct sip_flow *flow; /* REGISTER: of the client */
	struct access_identity who;
	struct sip_msg *req; /* REGISTER: its Contacts are looked at after the 200 */
	void *req_block;
	char line[512];          /* that is added to the answer */
	struct sip_proxy *proxy; /* INVITE */
	char uri[ACCESS_URI_MAX];
	size_t id_len;
	char id[]; /* INVITE: Call-ID */
};

static struct watch *watch_new(struct task *t, struct str id)
{
	struct watch *w = xcalloc(1, sizeof(*w) + id.len);
	w->fe = t->fe;
	w->id_len = id.len;
	memcpy(w->id, id.p, id.len);
	return w;
}

static void watch_free(struct watch *w)
{
	sip_flow_unref(&w->flow);
	fe_fork_free(&w->fork);
	free(w->req_block);
	free(w);
}

/* INVITE. */

static uint32_t session_seconds(const struct sip_msg *m)
{
	struct str v = sip_value(m, SIP_H_SESSION_EXPIRES), s, params;
	uint32_t n = 0;
	(void)str_cut(v, ';', &s, &params);
	return str_to_u32(str_trim(s), 7 * 24 * 3600, &n) == 0 ? n : 0;
}

/* How the caller would protect the audio. */
static unsigned offered_by(const struct sip_msg *m)
{
	struct mime_part part;
	RAW_MEMORY struct sdp sdp;
	if (mime_pick(sip_value(m, SIP_H_CONTENT_TYPE), m->body, STR("application/sdp"), 1, &part) <
	            0 ||
	    sdp_parse(&sdp, part.body) < 0)
		return 0;
	const struct sdp_media *audio = sdp_media_next(&sdp, NULL, STR("audio"));
	return audio ? sdp_security(&sdp, audio) : 0;
}

static struct str offer_text(unsigned offered)
{
	if (offered & SDP_SEC_DTLS)
		return STR("offered: SRTP with keys from DTLS");
	if (offered & SDP_SEC_SDES)
		return STR("offered: SRTP alone");
	if (offered & SDP_SEC_BESIDE)
		return STR("offered: RTP, or SRTP with a key beside it");
	return offered ? STR("offered: RTP without encryption") : STR("");
}

/* A refusal of the media says to nobody what was wrong with it; ours does. */
static void explain_media(struct watch *w, const struct sip_msg *resp, struct sip_edit *e)
{
	struct buf b = BUF_ON(w->line);
	const struct sip_msg *m = sip_proxy_request(w->proxy);
	if (resp->status != 488 || sip_first(resp, SIP_H_MS_DIAGNOSTICS))
		return;
	refusal_put_more(&b, REFUSE_MEDIA, offer_text(m ? offered_by(m) : 0),
	                 w->fe->env->self->fqdn);
	e->add = buf_view(&b);
}

static void on_call_answer(void *arg, uint64_t tag, const struct sip_msg *resp, struct sip_edit *e)
{
	struct watch *w = arg;
	explain_media(w, resp, e);
	struct call *k = calls_find(w->fe->calls, str_n(w->id, w->id_len));
	bool ours = k && k->callee && fe_owner(w->fe, k->callee) == w->fe->env->slot;
	if (resp->status / 100 == 2)
		calls_answered(w->fe->calls, str_n(w->id, w->id_len), ours ? tag : 0,
		               session_seconds(resp));
}

static void on_call_done(void *arg, int code)
{
	struct watch *w = arg;
	if (code / 100 != 2)
		calls_ended(w->fe->calls, str_n(w->id, w->id_len));
	watch_free(w);
}

static void on_branch_failed(void *arg, uint64_t endpoint, enum sip_fail why)
{
	struct watch *w = arg;
	if (w->fork)
		fe_fork_again(w->fork, endpoint, why);
}

/* A Lync client would hear nothing of what this answer describes. */
static int judge(void *arg, uint64_t tag UNUSED, const struct sip_msg *resp, struct str *ret_lines)
{
	struct watch *w = arg;
	struct buf b = BUF_ON(w->line);
	const struct sip_msg *m = sip_proxy_request(w->proxy);
	const char *why = m && dialect_of(m) == DIALECT_LYNC ? media_no_lync(resp) : NULL;
	if (!why)
		return 0;
	refusal_put_more(&b, REFUSE_MEDIA, str_of(why), w->fe->env->self->fqdn);
	/* Otherwise the client rings the phone once more, with an older form of ICE. */
	buf_lit(&b, "ms-client-diagnostics: 52017;reason=\"Encryption levels do not match\"\r\n");
	*ret_lines = buf_view(&b);
	return refusal_row(REFUSE_MEDIA)->code;
}

static const struct sip_proxy_ops call_ops = { .judge = judge,
	                                       .forwarding = on_call_answer,
	                                       .branch_failed = on_branch_failed,
	                                       .done = on_call_done };

/* INVITE inside a dialog: a session refresh; a refusal does not end the call. */
static void on_refresh_done(void *arg, int code UNUSED)
{
	watch_free(arg);
}

static const struct sip_proxy_ops refresh_ops = { .forwarding = on_call_answer,
	                                          .done = on_refresh_done };

/* Other requests, to endpoints that have several flows. */

static const struct sip_proxy_ops fork_ops = { .branch_failed = on_branch_failed,
	                                       .done = on_refresh_done };

/* REGISTER that another process answers. */

static void on_register_answer(void *arg, uint64_t tag UNUSED, const struct sip_msg *resp,
                               struct sip_edit *e)
{
	struct watch *w = arg;
	struct buf b = BUF_ON(w->line);
	if (resp->status != 200)
		return;
	fe_put_service_route(&b, w->flow);
	e->add = buf_view(&b);
	fe_registered(w->fe, w->flow, w->req, &w->who);
}

static const struct sip_proxy_ops register_ops = { .forwarding = on_register_answer,
	                                           .done = on_refresh_done };

static struct watch *watch_register(struct task *t)
{
	struct watch *w = watch_new(t, STR(""));
	w->flow = sip_flow_ref(t->flow);
	w->who = t->who;
	memcpy(w->uri, t->who.uri.p, t->who.uri.len);
	w->who.uri.p = w->uri;
	w->req = sip_msg_copy(t->msg, 0, &w->req_block);
	return w;
}

struct sip_proxy *fe_proxy(struct task *t, struct fork *f)
{
	const struct sip_proxy_ops *ops = NULL;
	struct watch *w = NULL;
	if (t->msg->method == SIP_INVITE) {
		ops = fe_has_to_tag(t->msg) ? &refresh_ops : &call_ops;
		w = watch_new(t, t->msg->call_id);
	} else if (t->msg->method == SIP_REGISTER && t->who.account && !t->from_link) {
		ops = &register_ops;
		w = watch_register(t);
	} else if (f) {
		ops = &fork_ops;
		w = watch_new(t, STR(""));
	}
	struct sip_proxy *p = sip_proxy_new(t->fe->stack, task_stx(t), ops, w);
	if (w) {
		w->proxy = p;
		w->fork = f;
	}
	sip_proxy_strip(p, trust_strip_response());
	return p;
}
