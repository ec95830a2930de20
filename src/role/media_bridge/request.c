#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "role/media_bridge/mb.h"
#include "svc/access/refusal.h"
#include "svc/bridge/route.h"
#include "svc/routing/media.h"

/* The bridge's part in the signalling: a proxy between two front-end processes, which writes the
 * descriptions of both directions anew. */

enum { REFUSAL_LINES_PER_S = 20 };

/* What an INVITE or UPDATE waits for. */
struct watch {
	struct media_bridge *mb;
	struct sip_proxy *proxy;
	struct sip_flow *to; /* a reference */
	int max_forwards;
	struct bridge_call *call; /* a reference */
	enum bridge_side from;    /* who asked */
	bool first;               /* the INVITE that began the call */
	bool offered;             /* it had a description, which the answers answer */
	struct buf body;          /* of the answer at hand */
	struct str body_text;
	char lines[1024];
};

/* For people, of what bridge_translate() says. */
static const char *reason_of(int err)
{
	switch (-err) {
	case EBADMSG:
		return "the description of the media cannot be read";
	case EPROTONOSUPPORT:
		return "the device's media need what the media bridge does not speak: it takes "
		       "RTP, SRTP with keys in the SDP, and a Lync client's ICE";
	case ENODATA:
		return "the media bridge carries sound alone, and there is none";
	case EADDRINUSE:
		return "the media bridge has no free port";
	case EMFILE:
	case ENFILE:
		return "the media bridge has no free descriptor";
	default:
		return strerror(-err);
	}
}

static void log_refusal(struct media_bridge *mb, const struct sip_msg *m, const char *why)
{
	if (log_allow(&mb->refusal_limit, loop_now(mb->env->loop), REFUSAL_LINES_PER_S))
		log_info(NULL, "call-refused", "from=%s to=%s call=%s reason=%s",
		         log_esc(sip_value(m, SIP_H_FROM)), log_esc(sip_value(m, SIP_H_TO)),
		         log_esc(m->call_id), log_text(str_of(why)));
}

static void put_reason(struct media_bridge *mb, struct buf *b, int err, bool to_lync)
{
	refusal_put_more(b, REFUSE_MEDIA, str_of(reason_of(err)), mb->env->self->fqdn);
	if (to_lync)
		refusal_put_client(b);
}

static void refuse(struct media_bridge *mb, struct sip_req *rq, enum refusal why, struct str lines)
{
	const struct refusal_row *row = refusal_row(why);
	char text[1024];
	struct buf b = BUF_ON(text);
	buf_str(&b, lines);
	if (lines.len == 0)
		refusal_put(&b, why, mb->env->self->fqdn);
	if (rq->msg->method == SIP_ACK)
		sip_ignore(rq);
	else
		sip_reply(rq, row->code, str_of(row->phrase), buf_view(&b), STR(""), STR(""));
}

/* The answers. */

static int translate_answer(struct watch *w, const struct sip_msg *resp)
{
	enum bridge_side by = w->from == BRIDGE_CALLER ? BRIDGE_CALLED : BRIDGE_CALLER;
	if (w->first)
		bridge_called_tag(w->call, sip_tag(sip_to(resp)));
	w->body.len = 0;
	return bridge_translate(w->call, by, resp, w->offered, &w->body);
}

/* A 2xx without usable sound ends the call before anybody hears the silence. */
static int judge(void *arg, uint64_t tag UNUSED, const struct sip_msg *resp, struct str *ret_lines)
{
	struct watch *w = arg;
	struct buf b = BUF_ON(w->lines);
	int r = translate_answer(w, resp);
	if (r == 0 || r == -ENOENT) {
		if (w->first)
			bridge_answered(w->call);
		return 0;
	}
	log_refusal(w->mb, resp, reason_of(r));
	put_reason(w->mb, &b, r, bridge_is_lync(w->call, w->from));
	*ret_lines = buf_view(&b);
	return refusal_row(REFUSE_MEDIA)->code;
}

static void forwarding(void *arg, uint64_t tag UNUSED, const struct sip_msg *resp,
                       struct sip_edit *e)
{
	struct watch *w = arg;
	int r = resp->status >= 300 ? -ENOENT : translate_answer(w, resp);
	if (r == -ENOENT)
		return;
	/* What cannot be translated is of no use to the other side either. */
	w->body_text = r == 0 ? buf_view(&w->body) : STR("");
	e->body = &w->body_text;
	e->body_type = r == 0 ? STR("application/sdp") : STR("");
}

/* On the way to a front end: our own Route value goes. */
static void fork_to(struct sip_proxy *px, struct sip_flow *to, int max_forwards,
                    const struct str *body)
{
	struct sip_branch_spec b = { .flow = to,
		                     .lost_code = 430,
		                     .edit = { .max_forwards = max_forwards,
		                               .pop_routes = 1,
		                               .body = body,
		                               .body_type = STR("application/sdp") } };
	sip_proxy_fork(px, &b);
}

/* A phone that takes no RTP without encryption is asked once more. */
static bool refused(void *arg, uint64_t tag UNUSED, const struct sip_msg *resp)
{
	struct watch *w = arg;
	const struct sip_msg *m = sip_proxy_request(w->proxy);
	auto_(buf_free) struct buf body = buf_of(SOUND_BYTES_MAX);
	if (!w->first || !w->offered || !m || (resp->status != 488 && resp->status != 606) ||
	    w->to->closed || !bridge_try_again(w->call) ||
	    bridge_translate(w->call, w->from, m, false, &body) < 0)
		return false;
	struct str text = buf_view(&body);
	fork_to(w->proxy, w->to, w->max_forwards, &text);
	return true;
}

static void done(void *arg, int code)
{
	struct watch *w = arg;
	if (w->first && code / 100 != 2)
		bridge_close(w->call);
	else if (w->offered && code / 100 != 2)
		bridge_refused(w->call, w->from);
	bridge_unref(&w->call);
	sip_flow_unref(&w->to);
	buf_free(&w->body);
	free(w);
}

static const struct sip_proxy_ops ops = {
	.judge = judge, .forwarding = forwarding, .refused = refused, .done = done
};

/* The requests. */

struct passage {
	struct media_bridge *mb;
	struct sip_req *rq;
	struct bridge_route way;
	int max_forwards;
	struct sip_flow *to;
	struct bridge_call *call; /* NULL: not of a call that we know */
	enum bridge_side from;
	bool first;
};

static int first_route(const struct sip_msg *m, struct bridge_route *ret)
{
	struct sip_addr a;
	struct sip_uri u;
	struct str rest = sip_value(m, SIP_H_ROUTE);
	if (sip_addr_next(&rest, &a) <= 0 || sip_uri_parse(&u, a.uri) < 0)
		return -EINVAL;
	return bridge_route_parse(ret, u.user);
}

/* In which direction the device of a Contact is; "any" if that does not say (a name). */
static struct addr address_of(struct str uri)
{
	struct sip_uri u;
	struct addr a;
	if (sip_uri_parse(&u, uri) < 0 || addr_parse(&a, u.host, u.port) < 0)
		(void)!addr_parse(&a, STR("0.0.0.0"), 0);
	return a;
}

static struct str first_uri(const struct sip_msg *m, enum sip_hdr_id id)
{
	struct sip_addr a;
	struct str rest = sip_value(m, id);
	return sip_addr_next(&rest, &a) > 0 ? a.uri : STR("");
}

static enum refusal open_call(struct passage *p)
{
	const struct sip_msg *m = p->rq->msg;
	struct bridge_start s = { .id = m->call_id,
		                  .caller_tag = sip_tag(sip_from(m)),
		                  .who = first_uri(m, SIP_H_P_ASSERTED_IDENTITY),
		                  .caller_lync = p->way.sender_lync };
	s.towards[BRIDGE_CALLER] = address_of(first_uri(m, SIP_H_CONTACT));
	s.towards[BRIDGE_CALLED] = address_of(m->uri);
	if (s.who.len == 0)
		s.who = first_uri(m, SIP_H_FROM);
	p->from = BRIDGE_CALLER;
	p->call = bridge_open(p->mb->bridge, &s);
	return p->call ? REFUSE_NOTHING : REFUSE_BRIDGE_FULL;
}

/* Finds the call, or begins one.  0, or why not. */
static enum refusal find_call(struct passage *p)
{
	const struct sip_msg *m = p->rq->msg;
	struct str to = sip_tag(sip_to(m));
	p->first = m->method == SIP_INVITE && to.len == 0;
	if (p->first)
		return open_call(p);
	p->call = bridge_find(p->mb->bridge, m->call_id, sip_tag(sip_from(m)), to, &p->from);
	/* Its sound is gone with the process that had it. */
	return !p->call && media_negotiates(m) ? REFUSE_NO_DIALOG : REFUSE_NOTHING;
}

static struct watch *watch_new(const struct passage *p, bool offered)
{
	struct watch *w = xnew(struct watch);
	w->mb = p->mb;
	w->call = bridge_ref(p->call);
	w->to = sip_flow_ref(p->to);
	w->max_forwards = p->max_forwards;
	w->from = p->from;
	w->first = p->first;
	w->offered = offered;
	w->body = buf_of(SOUND_BYTES_MAX);
	return w;
}

static void pass(struct passage *p, const struct str *body, bool answers)
{
	const struct sip_msg *m = p->rq->msg;
	bool waits = p->call && media_method(m) && m->method != SIP_ACK;
	if (m->method == SIP_ACK) {
		struct sip_edit e = { .max_forwards = p->max_forwards,
			              .pop_routes = 1,
			              .body = body,
			              .body_type = STR("application/sdp") };
		sip_proxy_pass(p->rq, p->to, &e);
		return;
	}
	struct watch *w = waits ? watch_new(p, body && !answers) : NULL;
	struct sip_proxy *px =
	        sip_proxy_new(p->mb->stack, sip_accept(p->rq, NULL, NULL), w ? &ops : NULL, w);
	if (w)
		w->proxy = px;
	fork_to(px, p->to, p->max_forwards, body);
	sip_proxy_start(px, 480, STR(""), STR(""));
}

static void translate_and_pass(struct passage *p)
{
	const struct sip_msg *m = p->rq->msg;
	auto_(buf_free) struct buf body = buf_of(SOUND_BYTES_MAX);
	char lines[1024];
	struct buf lb = BUF_ON(lines);
	struct str text;
	int r = -ENOENT;
	/* An ACK or PRACK answers what a response offered (RFC 3261 section 13.2.1, 3262 section
	 * 5). */
	bool answers = m->method == SIP_ACK ||
	               (m->method == SIP_PRACK && p->call && bridge_awaits(p->call, p->from));
	if (p->call && media_method(m))
		r = bridge_translate(p->call, p->from, m, answers, &body);
	if (r < 0 && r != -ENOENT) {
		log_refusal(p->mb, m, reason_of(r));
		put_reason(p->mb, &lb, r, p->way.sender_lync);
		refuse(p->mb, p->rq, REFUSE_MEDIA, buf_view(&lb));
		if (p->first)
			bridge_close(p->call);
		return;
	}
	text = buf_view(&body);
	pass(p, r == 0 ? &text : NULL, answers);
	if (p->call && m->method == SIP_BYE)
		bridge_close(p->call);
}

void mb_request(struct media_bridge *mb, struct sip_req *rq)
{
	struct passage p = { .mb = mb, .rq = rq };
	int code = sip_proxy_check(rq, &p.max_forwards);
	if (code) {
		refuse(mb, rq, code == 483 ? REFUSE_TOO_MANY_HOPS : REFUSE_LOOP, STR(""));
		return;
	}
	if (first_route(rq->msg, &p.way) < 0 || p.way.slot >= MB_SLOTS_MAX) {
		refuse(mb, rq, REFUSE_UNKNOWN_STAGE, STR(""));
		return;
	}
	p.to = mb->fes[p.way.slot];
	if (!p.to || p.to->closed) {
		refuse(mb, rq, REFUSE_FLOW, STR(""));
		return;
	}
	enum refusal why = find_call(&p);
	if (!why) {
		translate_and_pass(&p);
		return;
	}
	log_refusal(mb, rq->msg, refusal_row(why)->reason);
	refuse(mb, rq, why, STR(""));
}
