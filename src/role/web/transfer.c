#include <stdlib.h>

#include "role/web/call.h"
#include "role/web/people.h"

/* Transfers (RFC 3515, RFC 5589 section 6).  Who is to be transferred is told by REFER whom to
 * call, and tells by NOTIFY what comes of it; when that call is answered, the first one ends.  The
 * browser makes the new call, with media of its own. */

enum {
	REFER_S = 30,   /* the browser has to make the call */
	TOLD_S = 180,   /* the longest wait for the next NOTIFY */
	LATE_S = 10,    /* and how late it may be */
	REFERS_MAX = 8, /* that a call may bring: each makes the user call somebody */
};

/* Of the answer to a REFER of ours. */
struct referring {
	uint64_t number; /* of the browser's request */
	char id[WEB_CALL_ID_LEN + 1];
};

/* --- asking the other side ------------------------------------------------------------------- */

static void fail(struct session *s, uint64_t number, int code)
{
	if (code == 403 || code == 405 || code == 420 || code == 489 || code == 501 || code == 603)
		web_fail(s, number, "not_possible",
		         "The other side's device does not let itself be transferred.", "");
	else
		web_fail_sip(s, number, code);
}

static void on_dropped(void *arg)
{
	free(arg);
}

/* The other side says for how long it tells of it (RFC 6665 section 4.1.2). */
static void wait_for_news(struct call *c, struct str state)
{
	struct loop *l = c->s->web->env->loop;
	ssize_t params = str_chr(state, ';');
	struct str expires;
	uint32_t s;
	if (params < 0 ||
	    !sip_param(str_sub(state, (size_t)params, state.len), STR("expires"), &expires) ||
	    str_to_u32(expires, TOLD_S, &s) < 0)
		s = TOLD_S;
	timer_set(&c->refer.patience, loop_now(l) + (s + LATE_S) * USEC_PER_SEC);
}

/* Nothing more is told of it. */
static void no_news(struct call *c)
{
	c->refer.ours = false;
	timer_stop(&c->refer.patience);
}

static void on_referred(struct session *s, void *arg, int code, const struct sip_msg *m UNUSED)
{
	struct referring *r = arg;
	struct call *c = wb_call_find(s, str_of(r->id));
	if (code / 100 == 2)
		web_ok(s, r->number, STR(""));
	else
		fail(s, r->number, code);
	if (c && code / 100 != 2)
		no_news(c);
	free(r);
}

void wb_call_transfer(struct session *s, uint64_t number, const cJSON *args)
{
	char space[WEB_SIP_URI_MAX + 1], uri[WEB_SIP_URI_MAX + 1];
	auto_(buf_free) struct buf lines = buf_of(SIP_HEAD_MAX);
	struct str to = wb_people_bare(web_text(args, "to"), space);
	struct call *c = wb_call_of(s, number, args);
	if (!c)
		return;
	if (to.len == 0 || c->phase != CALL_UP) {
		web_bad(s, number, "to is no address, or the call is not answered yet");
		return;
	}
	if (c->refer.ours || c->refer.theirs) {
		web_fail_sip(s, number, 491);
		return;
	}
	buf_str(&lines, str_of(c->routes));
	buf_printf(&lines, "Refer-To: <%" STR_FMT ">\r\nReferred-By: <sip:%s>\r\n",
	           STR_ARG(web_sip_uri(to, uri)), s->who.uri);
	struct referring *r = xnew(struct referring);
	r->number = number;
	memcpy(r->id, c->id, sizeof(r->id));
	c->refer.ours = true;
	wait_for_news(c, STR(""));
	struct web_out o = wb_in_dialog(c, SIP_REFER, ++c->cseq);
	o.lines = buf_view(&lines);
	o.dropped = on_dropped;
	web_send(s, &o, on_referred, r);
}

/* "SIP/2.0 180 Ringing": the code, 0 if it is none. */
static int code_in(struct str sipfrag)
{
	struct str version, rest, code;
	uint32_t n;
	(void)str_cut(sipfrag, ' ', &version, &rest);
	code = str_sub(rest, 0, MIN(rest.len, (size_t)3));
	return str_eq(version, STR("SIP/2.0")) && str_to_u32(code, 699, &n) == 0 && n >= 100
	               ? (int)n
	               : 0;
}

/* What has come of it; true if the call is over. */
static bool learn(struct call *c, const struct sip_msg *m)
{
	bool over = str_istarts(sip_value(m, SIP_H_SUBSCRIPTION_STATE), STR("terminated"));
	int code = code_in(m->body);
	if (code / 100 == 2) {
		no_news(c);
		return true;
	}
	wait_for_news(c, sip_value(m, SIP_H_SUBSCRIPTION_STATE));
	if (code >= 300 || over) {
		no_news(c);
		wb_call_tell_not_transferred(c, code >= 300 ? code : 500);
	}
	return false;
}

bool wb_transfer_notified(struct call *c, struct sip_req *rq)
{
	const struct sip_msg *m = rq->msg;
	bool refer = str_istarts(sip_value(m, SIP_H_EVENT), STR("refer"));
	sip_reply(rq, c->refer.ours && refer ? 200 : 481, STR(""), STR(""), STR(""), STR(""));
	return c->refer.ours && refer && learn(c, m);
}

/* --- asked by the other side ----------------------------------------------------------------- */

/* Of a REFER that the call has had: what has come of it.  code 2xx and above: that was all. */
static void notify(struct call *c, int code)
{
	auto_(buf_free) struct buf lines = buf_of(SIP_HEAD_MAX);
	char text[96];
	struct buf body = BUF_ON(text);
	bool over = code >= 200;
	if (c->phase != CALL_UP)
		return;
	buf_str(&lines, str_of(c->routes));
	buf_printf(&lines, "Event: refer;id=%u\r\nSubscription-State: %s\r\n", c->refer.id,
	           over ? "terminated;reason=noresource" : "active;expires=180");
	buf_printf(&body, "SIP/2.0 %d ", code);
	buf_str(&body, str_of(sip_reason(code)));
	buf_lit(&body, "\r\n");
	struct web_out o = wb_in_dialog(c, SIP_NOTIFY, ++c->cseq);
	o.lines = buf_view(&lines);
	o.type = STR("message/sipfrag;version=2.0");
	o.body = buf_view(&body);
	web_send(c->s, &o, NULL, NULL);
	if (!over)
		return;
	c->refer.theirs = false;
	free(take(&c->refer.to));
	timer_stop(&c->refer.patience);
}

/* The browser has not made the call; or who was asked to tells no more. */
static void on_patience(void *arg)
{
	struct call *c = arg;
	if (!c->refer.ours) {
		notify(c, 408);
		return;
	}
	c->refer.ours = false;
	wb_call_tell_not_transferred(c, 408);
}

void wb_transfer_init(struct call *c)
{
	timer_init(&c->refer.patience, c->s->web->env->loop, on_patience, c);
}

void wb_transfer_asked(struct call *c, struct sip_req *rq)
{
	char space[WEB_SIP_URI_MAX + 1];
	auto_(buf_free) struct buf lines = buf_of(SIP_HEAD_MAX);
	struct sip_addr a;
	struct sip_uri u;
	struct str rest = sip_value(rq->msg, SIP_H_REFER_TO), to = STR("");
	/* One with headers replaces another call, or is no INVITE: there is no such thing here. */
	if (sip_addr_next(&rest, &a) > 0 && sip_uri_parse(&u, a.uri) == 0 &&
	    memchr(a.uri.p, '?', a.uri.len) == NULL)
		to = wb_people_bare(a.uri, space);
	if (to.len == 0 || c->phase != CALL_UP || c->refer.theirs || c->refer.ours) {
		sip_reply(rq, to.len == 0 ? 400 : 491, STR(""), STR(""), STR(""), STR(""));
		return;
	}
	if (c->refer.n_theirs >= REFERS_MAX) {
		sip_reply(rq, 403, STR(""), STR(""), STR(""), STR(""));
		return;
	}
	web_put_contact(&lines, c->s);
	buf_lit(&lines, "\r\n");
	sip_reply(rq, 202, STR(""), buf_view(&lines), STR(""), STR(""));
	c->refer.theirs = true;
	c->refer.n_theirs++;
	c->refer.id = rq->msg->cseq;
	c->refer.to = str_dup(to);
	timer_set(&c->refer.patience, loop_now(c->s->web->env->loop) + REFER_S * USEC_PER_SEC);
	notify(c, 100);
	wb_call_tell_refer(c);
}

struct call *wb_transfer_of(struct session *s, struct str id, struct str to)
{
	struct call *c = wb_call_find(s, id);
	return c && c->phase == CALL_UP && c->refer.theirs && c->refer.to &&
	                       str_eq(str_of(c->refer.to), to)
	               ? c
	               : NULL;
}

void wb_transfer_begins(struct call *c, struct call *first)
{
	memcpy(c->referrer, first->id, sizeof(c->referrer));
	c->referred_by = str_dup(str_of(first->peer));
	timer_stop(&first->refer.patience);
	free(take(&first->refer.to)); /* once */
}

void wb_transfer_progress(struct call *c, int code)
{
	struct call *first = c->referrer[0] ? wb_call_find(c->s, str_of(c->referrer)) : NULL;
	if (code >= 200)
		c->referrer[0] = '\0';
	if (first && first->refer.theirs)
		notify(first, code);
}

void wb_transfer_free(struct call *c)
{
	timer_stop(&c->refer.patience);
	free(c->refer.to);
}
