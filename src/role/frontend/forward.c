#include "role/frontend/fe.h"
#include "svc/access/trust.h"

struct str fe_transport_param(const struct sip_flow *f)
{
	switch ((enum sip_kind)f->kind) {
	case SIP_TCP:
		return STR(";transport=tcp");
	case SIP_TLS:
		return STR(";transport=tls");
	case SIP_WSS:
		return STR(";transport=ws"); /* RFC 7118 section 5.4 */
	case SIP_UDP:
	case SIP_LINK:
	case SIP_N_KINDS:
		break;
	}
	return STR("");
}

/* RFC 3261 section 16.6 step 4; a sips: URI says TLS by itself (section 26.2.2). */
void fe_put_record_route(const struct task *t, struct buf *b, const struct sip_flow *f,
                         const struct token *end)
{
	buf_printf(b, "<%s:", fe_scheme(t));
	token_put(b, &t->fe->key, end);
	buf_char(b, '@');
	sip_flow_put_sent_by(b, f);
	if (!t->secure)
		buf_str(b, fe_transport_param(f));
	buf_lit(b, ";lr>");
}

const char *fe_scheme(const struct task *t)
{
	return t->secure ? "sips" : "sip";
}

bool fe_is_safe(const struct task *t, const struct sip_flow *f)
{
	return !t->secure || f->kind == SIP_TLS || f->kind == SIP_WSS || f->kind == SIP_LINK;
}

bool fe_takes_tcp(struct frontend *fe, const struct sip_flow *f, struct str contact)
{
	struct sip_uri u;
	struct addr a;
	return f->kind == SIP_UDP && sip_uri_parse(&u, contact) == 0 &&
	       addr_parse(&a, u.host, u.port ? u.port : 5060) == 0 && addr_eq(&a, &f->peer) &&
	       !access_is_behind_nat(fe->access, f);
}

bool fe_makes_dialog(const struct sip_msg *m)
{
	return m->method == SIP_INVITE || m->method == SIP_SUBSCRIBE || m->method == SIP_REFER;
}

void fe_edit(const struct task *t, struct sip_edit *e, bool to_client)
{
	*e = (struct sip_edit){
		.max_forwards = t->max_forwards,
		.pop_routes = t->pop_routes,
		.strip = trust_strip_from(t->from_link  ? TRUST_ROLE
		                          : t->stranger ? TRUST_ANONYMOUS
		                                        : TRUST_CLIENT),
	};
	if (t->new_text.p) {
		e->body = &t->new_text;
		e->body_type = sip_value(t->msg, SIP_H_CONTENT_TYPE);
	}
	if (to_client && trust_hides_sender(t->msg))
		e->strip = trust_strip_private();
	else if (to_client && t->from_link)
		e->strip = trust_strip_to(TRUST_CLIENT);
}

struct str fe_display_name(const struct task *t)
{
	const struct sip_addr *from = sip_from(t->msg);
	return from ? from->display : STR("");
}

void fe_put_sender(struct task *t, struct buf *rr, struct buf *lines)
{
	if (t->from_link || t->has_peer || t->msg->method == SIP_REGISTER)
		return;
	buf_lit(lines, "P-Asserted-Identity: <sip:");
	buf_str(lines, t->who.uri);
	buf_lit(lines, ">\r\n");
	/* What a client changes of its user's presence belongs to its endpoint. */
	if (!fe_makes_dialog(t->msg) && t->msg->method != SIP_SERVICE &&
	    t->msg->method != SIP_PUBLISH)
		return;
	struct token end = { t->who.account, t->who.endpoint,
		             token_hint_of(t->flow, t->fe->env->slot) };
	if (rr->len)
		buf_lit(rr, ", ");
	fe_put_record_route(t, rr, t->flow, &end);
}

void fe_send(struct task *t, struct sip_branch_spec *b)
{
	/* Nobody answers those ([MS-SIP] section 2.2.1.2). */
	if (t->msg->method == SIP_ACK || t->msg->method == SIP_BENOTIFY) {
		if (t->kept)
			sip_proxy_pass_kept(t->fe->stack, t->stx, b->flow, &b->edit);
		else
			sip_proxy_pass(t->rq, b->flow, &b->edit);
		task_done(t);
		return;
	}
	struct sip_proxy *p = fe_proxy(t, NULL);
	sip_proxy_fork(p, b);
	sip_proxy_start(p, 480, STR(""), STR(""));
	task_done(t);
}

void fe_to_slot(struct task *t, uint32_t slot, struct str routes, void (*again)(struct task *t))
{
	struct sip_flow *link = fe_link_to(t->fe, slot);
	char rr[256], lines[ACCESS_URI_MAX + 64];
	struct buf rb = BUF_ON(rr), lb = BUF_ON(lines);
	struct sip_branch_spec b = { .flow = link, .lost_code = 503 };
	if (!link) {
		task_retry(t, again);
		return;
	}
	fe_edit(t, &b.edit, false);
	fe_put_sender(t, &rb, &lb);
	b.edit.push_routes = routes;
	b.edit.record_route = buf_view(&rb);
	b.edit.add = buf_view(&lb);
	fe_send(t, &b);
}
