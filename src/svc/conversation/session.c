#include <errno.h>
#include <stdlib.h>

#include "base/rand.h"
#include "svc/conversation/inside.h"
#include "wire/imdn/imdn.h"
#include "wire/sip/uri.h"

/* The requests of a session on the wire, and the dialog read off the answers. */

/* One request through the process's own link. */
struct out {
	enum sip_method method;
	struct str uri, from, to, call_id;
	uint32_t cseq;
	enum im_route way;
	const struct token *end; /* of IM_IN_DIALOG */
	uint64_t account;        /* whose way it is */
	struct str asserted;     /* who sends: "alice@example.test" */
	bool contact;
	struct str type, body;
};

struct str session_sdp(void)
{
	return STR("v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=session\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
	           "m=message 5060 sip null\r\na=accept-types:text/plain text/html "
	           "application/im-iscomposing+xml\r\n");
}

static void put_contact(const struct im_session *s, struct buf *b)
{
	const struct im_config *c = &s->im->cfg;
	buf_lit(b, "Contact: <");
	c->ops->put_contact(c->arg, b, s->account, s->id);
	buf_lit(b, ">\r\n");
}

static void put_head(const struct im_session *s, struct buf *b, const struct out *o,
                     struct sip_flow *link, const char *branch)
{
	const struct im_config *c = &s->im->cfg;
	struct str method = sip_method_name(o->method);
	buf_str(b, method);
	buf_char(b, ' ');
	buf_str(b, o->uri);
	buf_lit(b, " SIP/2.0\r\nVia: ");
	sip_via_put(b, link, branch);
	buf_lit(b, "\r\nMax-Forwards: 70\r\nRoute: ");
	c->ops->put_route(c->arg, b, o->way, o->account, o->end);
	buf_lit(b, "\r\n");
	sip_put_hdr(b, STR("From"), o->from);
	sip_put_hdr(b, STR("To"), o->to);
	sip_put_hdr(b, STR("Call-ID"), o->call_id);
	buf_lit(b, "CSeq: ");
	buf_dec(b, o->cseq);
	buf_char(b, ' ');
	buf_str(b, method);
	buf_lit(b, "\r\nP-Asserted-Identity: <sip:");
	buf_str(b, o->asserted);
	buf_lit(b, ">\r\n");
}

/* The composed request in the transport's buffer; empty if the link is down. */
static struct str compose(const struct im_session *s, const struct out *o,
                          struct sip_flow **ret_link, char ret_branch[SIP_BRANCH_LEN + 1])
{
	const struct im_config *c = &s->im->cfg;
	struct sip_flow *link = c->ops->link(c->arg, o->way, o->account);
	if (!link)
		return STR("");
	sip_branch_make(c->stack, 0, ret_branch);
	struct buf *b = sip_transport_out(link->tp);
	put_head(s, b, o, link, ret_branch);
	if (o->contact)
		put_contact(s, b);
	sip_put_body(b, o->type, o->body);
	*ret_link = link;
	return b->full ? STR("") : buf_view(b);
}

static struct sip_ctx *send_request(const struct im_session *s, const struct out *o,
                                    const struct sip_ctx_ops *ops, void *arg)
{
	char branch[SIP_BRANCH_LEN + 1];
	struct sip_flow *link = NULL;
	struct str text = compose(s, o, &link, branch);
	if (text.len == 0)
		return NULL;
	return sip_ctx_new(s->im->cfg.stack, link, text, o->method, branch, ops, arg);
}

/* Our end is the peer: the phone's user. */
static struct out in_dialog(const struct im_session *s, enum sip_method method, uint32_t cseq)
{
	return (struct out){
		.method = method,
		.uri = str_of(s->target),
		.from = str_of(s->local),
		.to = str_of(s->remote),
		.call_id = str_of(s->call_id),
		.cseq = cseq,
		.way = IM_IN_DIALOG,
		.end = &s->end,
		.account = s->account,
		.asserted = str_of(s->called ? s->user : s->peer),
	};
}

int session_invite(struct im_session *s, const struct sip_ctx_ops *ops)
{
	char uri[IM_AOR_MAX + 8];
	struct buf ub = BUF_ON(uri);
	buf_lit(&ub, "sip:");
	buf_str(&ub, str_of(s->user));
	struct out o = in_dialog(s, SIP_INVITE, s->cseq);
	o.uri = buf_view(&ub);
	o.way = IM_TO_USER;
	o.end = NULL;
	o.contact = true;
	o.type = STR("application/sdp");
	o.body = session_sdp();
	s->invite = send_request(s, &o, ops, s);
	return s->invite ? 0 : -EPIPE;
}

static void set_text(char **p, struct str s)
{
	free(*p);
	*p = str_dup(s);
}

/* The end of the dialog that the token in Record-Route names: the client's. */
static void take_route(struct im_session *s, const struct sip_msg *m)
{
	for (const struct sip_hdr *h = sip_first(m, SIP_H_RECORD_ROUTE); h; h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h);
		struct sip_addr a;
		struct sip_uri u;
		while (sip_addr_next(&rest, &a) > 0)
			if (sip_uri_parse(&u, a.uri) == 0 &&
			    token_get(&s->end, s->im->cfg.key, u.user) == 0)
				return;
	}
}

static void take_target(struct im_session *s, const struct sip_msg *m)
{
	const struct sip_addr *a = sip_contact(m);
	if (a && !a->star)
		set_text(&s->target, a->uri);
}

void session_take_answer(struct im_session *s, const struct sip_msg *ok)
{
	set_text(&s->remote, sip_value(ok, SIP_H_TO));
	take_target(s, ok);
	take_route(s, ok);
}

void session_take_invite(struct im_session *s, const struct sip_req *rq, struct buf *b)
{
	char tag[SIP_TAG_LEN + 1];
	auto_(buf_free) struct buf local = buf_of(SIP_HEAD_MAX);
	sip_req_tag(rq, tag);
	buf_str(&local, sip_value(rq->msg, SIP_H_TO));
	buf_lit(&local, ";tag=");
	buf_str(&local, str_of(tag));
	set_text(&s->call_id, rq->msg->call_id);
	set_text(&s->local, buf_view(&local));
	set_text(&s->remote, sip_value(rq->msg, SIP_H_FROM));
	take_target(s, rq->msg);
	take_route(s, rq->msg);
	put_contact(s, b);
}

void session_ack(struct im_session *s, uint32_t cseq)
{
	char branch[SIP_BRANCH_LEN + 1];
	struct sip_flow *link = NULL;
	struct out o = in_dialog(s, SIP_ACK, cseq);
	struct str text = compose(s, &o, &link, branch);
	if (text.len)
		sip_send_once(s->im->cfg.stack, link, text);
}

struct sip_ctx *session_send(struct im_session *s, enum sip_method method, const struct content *c,
                             const struct sip_ctx_ops *ops, void *arg)
{
	auto_(buf_free) struct buf body = buf_of(2 * CONTENT_MAX);
	struct out o = in_dialog(s, method, ++s->cseq);
	o.contact = method == SIP_MESSAGE || method == SIP_INFO;
	if (c)
		content_put_session(&body, c, &o.type);
	o.body = buf_view(&body);
	return send_request(s, &o, ops, arg);
}

/* Both homes, the sender's first, see what is said, as with every other message. */
static void set_way(const struct im_session *s, struct out *o)
{
	o->way = IM_FROM_USER;
	o->account = s->called ? s->end.account : s->account;
	if (o->account > 0)
		return;
	o->way = IM_TO_USER; /* the client did not come by way of a home */
	o->account = s->account;
}

static struct str client_of(const struct im_session *s)
{
	return str_of(s->called ? s->peer : s->user);
}

static struct str phone_of(const struct im_session *s)
{
	return str_of(s->called ? s->user : s->peer);
}

/* From and To of a pager MESSAGE: the client's user writes to the phone's. */
static struct sip_ctx *page(struct im_session *s, struct str type, struct str body,
                            const struct sip_ctx_ops *ops, void *arg)
{
	char uri[IM_AOR_MAX + 8], call_id[32], from[IM_AOR_MAX + 64], to[IM_AOR_MAX + 16];
	struct buf ub = BUF_ON(uri), cb = BUF_ON(call_id), fb = BUF_ON(from), tb = BUF_ON(to);
	struct str client = client_of(s), phone = phone_of(s);
	buf_printf(&ub, "sip:%" STR_FMT, STR_ARG(phone));
	buf_printf(&fb, "<sip:%" STR_FMT ">;tag=", STR_ARG(client));
	rand_token(&fb, 12);
	buf_printf(&tb, "<sip:%" STR_FMT ">", STR_ARG(phone));
	rand_token(&cb, 24);
	struct out o = { .method = SIP_MESSAGE,
		         .uri = buf_view(&ub),
		         .from = buf_view(&fb),
		         .to = buf_view(&tb),
		         .call_id = buf_view(&cb),
		         .cseq = 1,
		         .asserted = client,
		         .type = type,
		         .body = body };
	set_way(s, &o);
	return send_request(s, &o, ops, arg);
}

/* RFC 3862: from the client's user to the phone's, now. */
static void put_envelope(const struct im_session *s, struct buf *b, struct cpim *c)
{
	char from[IM_AOR_MAX + 16], to[IM_AOR_MAX + 16];
	struct buf fb = BUF_ON(from), tb = BUF_ON(to);
	buf_printf(&fb, "<sip:%" STR_FMT ">", STR_ARG(client_of(s)));
	buf_printf(&tb, "<sip:%" STR_FMT ">", STR_ARG(phone_of(s)));
	c->from = buf_view(&fb);
	c->to = buf_view(&tb);
	c->date = loop_wall(s->im->cfg.loop);
	cpim_put(b, c);
}

struct sip_ctx *session_page(struct im_session *s, const struct content *c, const char *id,
                             const struct sip_ctx_ops *ops, void *arg)
{
	auto_(buf_free) struct buf body = buf_of(2 * CONTENT_MAX), outer = buf_of(2 * CONTENT_MAX);
	struct cpim e = { .message_id = str_of(id), .wants = CPIM_WANTS_FAILURE };
	struct str type = STR("");
	content_put_pager(&body, c, &type);
	if (!id[0])
		return page(s, type, buf_view(&body), ops, arg);
	e.type = type;
	e.content = buf_view(&body);
	put_envelope(s, &outer, &e);
	return page(s, STR("message/cpim"), buf_view(&outer), ops, arg);
}

void session_report(struct im_session *s, struct str message_id)
{
	char uri[IM_AOR_MAX + 8];
	struct buf ub = BUF_ON(uri);
	auto_(buf_free) struct buf body = buf_of(8 * 1024), outer = buf_of(16 * 1024);
	buf_printf(&ub, "sip:%" STR_FMT, STR_ARG(client_of(s)));
	struct imdn i = { .message_id = message_id,
		          .date = loop_wall(s->im->cfg.loop),
		          .recipient = buf_view(&ub),
		          .kind = IMDN_DELIVERY,
		          .status = IMDN_DELIVERED };
	imdn_put(&body, &i);
	struct cpim e = { .type = STR("message/imdn+xml"),
		          .disposition = STR("notification"),
		          .content = buf_view(&body) };
	put_envelope(s, &outer, &e);
	(void)page(s, STR("message/cpim"), buf_view(&outer), NULL, NULL);
}

void session_report_failure(struct im_session *s, struct str message_id)
{
	char uri[IM_AOR_MAX + 8];
	struct buf ub = BUF_ON(uri);
	auto_(buf_free) struct buf body = buf_of(8 * 1024);
	buf_printf(&ub, "sip:%" STR_FMT, STR_ARG(phone_of(s)));
	struct imdn_ms_recipient who = { buf_view(&ub), 500 };
	struct imdn_ms i = { message_id, &who, 1 };
	struct out o = in_dialog(s, SIP_NOTIFY, ++s->cseq);
	imdn_ms_put(&body, &i);
	o.contact = true;
	o.type = STR("application/ms-imdn+xml");
	o.body = buf_view(&body);
	(void)send_request(s, &o, NULL, NULL);
}
