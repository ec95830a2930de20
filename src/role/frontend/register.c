#include <inttypes.h>

#include "role/frontend/fe.h"

/* REGISTER: the access half authenticates and knows the flow, the home half binds. */

enum { LINES_MAX = 64 * 1024, NAT_KEEP_S = 900 };

bool fe_signs_off(const struct sip_msg *m)
{
	uint32_t all = 1, one;
	struct str v = sip_value(m, SIP_H_EXPIRES);
	if (v.len && str_to_u32(v, UINT32_MAX, &all) < 0)
		all = 1;
	struct sip_contacts it = { 0 };
	struct sip_addr a;
	while (sip_contact_next(m, &it, &a) > 0) {
		if (a.star)
			return true;
		if (!sip_param(a.params, STR("expires"), &v) || str_to_u32(v, UINT32_MAX, &one) < 0)
			one = all;
		if (one > 0)
			return false;
	}
	return true;
}

/* A phone whose Via does not tell the address that we see is behind NAT (RFC 3581). */
static bool behind_nat(const struct sip_flow *f, const struct sip_msg *m)
{
	const struct sip_via *via = sip_top_via(m);
	struct addr a;
	if (f->kind != SIP_UDP || !via)
		return false;
	return addr_parse(&a, via->host, via->port ? via->port : 5060) < 0 ||
	       !addr_eq(&a, &f->peer);
}

void fe_registered(struct frontend *fe, struct sip_flow *f, const struct sip_msg *req,
                   const struct access_identity *id, bool signs_off)
{
	struct access_identity me = *id;
	const struct sip_addr *contact = sip_contact(req);
	if (fe_is_web(f))
		return; /* each of its requests says who sends */
	if (signs_off) {
		access_unvouch(fe->access, f, me.uri);
		return;
	}
	if (f->kind == SIP_UDP) {
		if (behind_nat(f, req))
			access_keep_alive(fe->access, f,
			                  loop_now(fe->loop) + NAT_KEEP_S * USEC_PER_SEC);
		return;
	}
	if (contact && !contact->star)
		me.endpoint = token_endpoint(&fe->key, contact);
	access_vouch(fe->access, f, &me);
}

void fe_put_service_route(struct buf *b, const struct sip_flow *f)
{
	buf_lit(b, "Service-Route: <sip:");
	sip_flow_put_sent_by(b, f);
	buf_str(b, fe_transport_param(f));
	buf_lit(b, ";lr>\r\n");
}

/* What is known of who registers without asking; or NULL. */
static const struct account *account_of(const struct task *t)
{
	bool absent;
	return accounts_cached(t->fe->accounts, t->who.uri, &absent);
}

static void put_associated(struct buf *b, const struct task *t, const struct account *acc)
{
	buf_lit(b, "P-Associated-URI: <sip:");
	buf_str(b, t->who.uri);
	buf_char(b, '>');
	if (acc && acc->phone.len) {
		buf_lit(b, ", <tel:");
		buf_str(b, acc->phone);
		buf_char(b, '>');
	}
	buf_lit(b, "\r\n");
}

static struct registrar_request request_of(const struct task *t, const struct account *acc,
                                           struct token_hint hint)
{
	return (struct registrar_request){
		.account = t->who.account,
		.credential = t->who.credential,
		.aor = t->who.uri,
		.max_endpoints = acc ? acc->max_endpoints : 0,
		.msg = t->msg,
		.hint = hint,
	};
}

static void put_more_lines(struct buf *b, const struct task *t, const struct account *acc)
{
	put_associated(b, t, acc);
	if (!t->from_link)
		fe_put_service_route(b, t->flow);
}

static void refuse_binding(struct task *t, int code, const char *reason)
{
	if (fe_may_log(t->fe, t->who.account))
		log_info(NULL, "register-rejected", "user=%s code=%d reason=%s",
		         log_esc(t->who.uri), code, log_esc(str_of(reason)));
	task_reply(t, code, str_of(reason), STR(""));
}

void fe_register_home(struct task *t, struct token_hint hint)
{
	auto_(buf_free) struct buf lines = buf_of(LINES_MAX);
	const struct account *acc = account_of(t);
	struct registrar_request rq = request_of(t, acc, hint);
	struct registrar_answer a = { .lines = &lines };
	int code = registrar_register(t->fe->registrar, &rq, &a);
	if (code != 200) {
		refuse_binding(t, code, a.reason);
		return;
	}
	put_more_lines(&lines, t, acc);
	if (!t->from_link)
		fe_registered(t->fe, t->flow, t->msg, &t->who, a.signs_off);
	t->forget = a.bound;
	task_reply(t, code, STR(""), buf_view(&lines));
}

bool fe_register_again(struct task *t)
{
	struct frontend *fe = t->fe;
	auto_(buf_free) struct buf lines = buf_of(LINES_MAX);
	if (t->msg->method != SIP_REGISTER || sip_flow_reliable(t->flow) ||
	    fe_owner(fe, t->who.account) != fe->env->slot)
		return false;
	const struct account *acc = account_of(t);
	struct registrar_request rq = request_of(t, acc, token_hint_of(t->flow, fe->env->slot));
	if (!registrar_again(fe->registrar, &rq, &lines))
		return false;
	put_more_lines(&lines, t, acc);
	t->forget = true;
	task_reply(t, 200, STR(""), buf_view(&lines));
	return true;
}

/* The registration of a user who lives in another process: Path tells it where the client is. */
static void register_elsewhere(struct task *t)
{
	struct frontend *fe = t->fe;
	uint32_t slot = fe_owner(fe, t->who.account);
	struct sip_flow *link = fe_link_to(fe, slot);
	char lines[TOKEN_TEXT_MAX + 64], route[128];
	struct buf lb = BUF_ON(lines), rb = BUF_ON(route);
	struct token way = { t->who.account, 0, token_hint_of(t->flow, fe->env->slot) };
	struct sip_branch_spec b = { .flow = link, .lost_code = 503 };
	if (!link) {
		task_retry(t, register_elsewhere);
		return;
	}
	buf_lit(&lb, "Path: <sip:");
	token_put(&lb, &fe->key, &way);
	buf_lit(&lb, "@" FE_LINK_DOMAIN ";lr;ob>\r\n");
	buf_printf(&rb, "<sip:r.%" PRIx64 ".%" PRIx64 "@" FE_LINK_DOMAIN ";lr>", t->who.account,
	           t->who.credential);
	fe_edit(t, &b.edit, false);
	b.edit.push_routes = buf_view(&rb);
	b.edit.add = buf_view(&lb);
	fe_send(t, &b);
}

void fe_register(struct task *t)
{
	struct frontend *fe = t->fe;
	t->target.kind = TARGET_BAD;
	target_read(&t->target, &fe->self, &fe->key, t->msg->uri);
	if (t->target.kind == TARGET_FOREIGN || t->target.kind == TARGET_BAD)
		task_refuse(t, REFUSE_DOMAIN, STR(""));
	else if (fe_owner(fe, t->who.account) == fe->env->slot)
		fe_register_home(t, token_hint_of(t->flow, fe->env->slot));
	else
		register_elsewhere(t);
}
