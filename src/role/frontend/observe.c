#include <stdlib.h>

#include "role/frontend/fe.h"
#include "svc/access/trust.h"

/* What the front end wants to know of the answers: calls that are taken up, registrations that were
 * accepted elsewhere.  Everything else passes without a second look. */

struct observed {
	struct frontend *fe;
	struct fork *fork;     /* where an endpoint has several flows; owned */
	struct sip_flow *flow; /* REGISTER: of the client */
	struct access_identity who;
	struct sip_msg *req; /* REGISTER: its Contacts are looked at after the 200 */
	void *req_block;
	char line[1024];         /* REGISTER: that is added to the answer */
	struct buf lines;        /* INVITE: the same */
	struct sip_proxy *proxy; /* INVITE */
	struct map_node ringing; /* INVITE that begins a call: in fe->ringing, by Call-ID */
	bool is_ringing;
	bool is_call; /* INVITE: what is answered is answered for the call in fe->calls */
	char uri[ACCESS_URI_MAX];
	size_t id_len;
	char id[]; /* INVITE: Call-ID */
};

static struct observed *watch_new(struct task *t, struct str id)
{
	struct observed *w = xcalloc(1, sizeof(*w) + id.len);
	w->fe = t->fe;
	w->lines = buf_of(SIP_HEAD_MAX);
	w->id_len = id.len;
	memcpy(w->id, id.p, id.len);
	return w;
}

static void watch_free(struct observed *w)
{
	if (w->is_ringing)
		map_del(&w->fe->ringing, &w->ringing);
	sip_flow_unref(&w->flow);
	fe_fork_free(&w->fork);
	free(w->req_block);
	buf_free(&w->lines);
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

static void on_call_answer(void *arg, uint64_t tag, const struct sip_msg *resp, struct sip_edit *e)
{
	struct observed *w = arg;
	w->lines.len = 0;
	w->lines.full = false;
	fe_explain_media(w->fe, &w->lines, sip_proxy_request(w->proxy), resp);
	const uint8_t *strip = trust_strip_text_taken(&w->lines, resp);
	if (strip)
		e->strip = strip;
	if (w->lines.len > 0)
		e->add = buf_view(&w->lines);
	if (!w->is_call)
		return;
	struct call *k = calls_find(w->fe->calls, str_n(w->id, w->id_len));
	bool ours = k && k->callee && fe_owner(w->fe, k->callee) == w->fe->env->slot;
	if (resp->status > 100 && resp->status < 200)
		calls_rings(w->fe->calls, str_n(w->id, w->id_len));
	if (resp->status / 100 != 2)
		return;
	bool first = k && k->state != CALL_CONNECTED;
	calls_answered(w->fe->calls, str_n(w->id, w->id_len), ours ? tag : 0,
	               session_seconds(resp));
	if (first)
		fe_call_keep(w->fe, k);
}

static void on_call_done(void *arg, int code)
{
	struct observed *w = arg;
	if (w->is_call && code / 100 != 2)
		calls_ended(w->fe->calls, str_n(w->id, w->id_len), code);
	watch_free(w);
}

static uint64_t ringing_hash(const struct frontend *fe, struct str id)
{
	return hash_bytes(&fe->ringing.key, id.p, id.len);
}

static void watch_ringing(struct observed *w)
{
	w->is_ringing = true;
	map_add(&w->fe->ringing, &w->ringing, ringing_hash(w->fe, str_n(w->id, w->id_len)));
}

static struct observed *ringing_of(struct frontend *fe, const struct sip_msg *bye)
{
	struct str tag = sip_tag(sip_from(bye));
	struct map_node *n = map_first(&fe->ringing, ringing_hash(fe, bye->call_id));
	for (; n; n = map_next(n)) {
		struct observed *w = list_entry(n, struct observed, ringing);
		const struct sip_msg *m = sip_proxy_request(w->proxy);
		if (str_eq(str_n(w->id, w->id_len), bye->call_id) && m &&
		    str_eq(sip_tag(sip_from(m)), tag))
			return w;
	}
	return NULL;
}

bool fe_end_ringing(struct frontend *fe, const struct sip_msg *bye)
{
	bool any = false;
	for (struct observed *w; (w = ringing_of(fe, bye)) != NULL; any = true) {
		w->is_ringing = false;
		map_del(&fe->ringing, &w->ringing);
		sip_proxy_cancel(w->proxy);
	}
	return any;
}

static void on_branch_failed(void *arg, uint64_t endpoint, enum sip_fail why)
{
	struct observed *w = arg;
	if (w->fork)
		fe_fork_again(w->fork, endpoint, why);
}

static const struct sip_proxy_ops call_ops = { .forwarding = on_call_answer,
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
	struct observed *w = arg;
	struct buf b = BUF_ON(w->line);
	if (resp->status != 200)
		return;
	fe_put_service_route(&b, w->flow);
	e->add = buf_view(&b);
	fe_registered(w->fe, w->flow, w->req, &w->who,
	              sip_first(w->req, SIP_H_CONTACT) && fe_signs_off(w->req));
}

static const struct sip_proxy_ops register_ops = { .forwarding = on_register_answer,
	                                           .done = on_refresh_done };

static struct observed *watch_register(struct task *t)
{
	struct observed *w = watch_new(t, STR(""));
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
	struct observed *w = NULL;
	if (fe_is_tapped(t)) {
		struct sip_proxy *p = fe_tap_proxy(t, f);
		sip_proxy_strip(p, trust_strip_response_remembered());
		return p;
	}
	if (t->msg->method == SIP_INVITE) {
		ops = fe_has_to_tag(t->msg) ? &refresh_ops : &call_ops;
		w = watch_new(t, t->msg->call_id);
		/* One that a home sends out here, to one of several, is no call of its own. */
		w->is_call = t->begins_call || fe_has_to_tag(t->msg);
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
		if (ops == &call_ops)
			watch_ringing(w);
	}
	sip_proxy_strip(p, trust_strip_response());
	return p;
}
