#include <assert.h>
#include <stdlib.h>

#include "role/frontend/fe.h"
#include "svc/access/dialect.h"

/* The connection broke while the request waited. */
static void on_ended(void *arg, bool lost UNUSED)
{
	struct task *t = arg;
	fe_call_refused(t, 487);
	t->stx = NULL;
	task_done(t);
}

static void on_cancel(void *arg, struct str reason UNUSED)
{
	struct task *t = arg;
	task_reply(t, 487, STR(""), STR(""));
}

static const struct sip_stx_ops waiting_ops = { .cancel = on_cancel, .ended = on_ended };

static void on_retry(void *arg)
{
	struct task *t = arg;
	t->next(t);
}

struct str task_body(const struct task *t)
{
	return t->new_text.p ? t->new_text : t->msg->body;
}

void task_set_who(struct task *t, const struct access_identity *id)
{
	size_t n = MIN(id->uri.len, sizeof(t->who_uri));
	t->who = *id;
	memmove(t->who_uri, id->uri.p, n);
	t->who.uri = str_n(t->who_uri, n);
}

struct task *task_keep(struct task *t)
{
	if (t->kept)
		return t;
	struct task *k = xmalloc(sizeof(*k));
	*k = *t;
	k->kept = true;
	k->who.uri.p = k->who_uri;
	for (unsigned i = 0; i < t->target.n_keys; i++)
		k->target.keys[i].p = k->target.text + (t->target.keys[i].p - t->target.text);
	k->stx = sip_accept(t->rq, &waiting_ops, k);
	k->rq = NULL;
	k->msg = sip_stx_request(k->stx);
	k->flow = sip_stx_flow(k->stx);
	timer_init(&k->retry, k->fe->loop, on_retry, k);
	return k;
}

void task_done(struct task *t)
{
	if (!t->kept)
		return;
	access_wait_free(&t->wait);
	accounts_req_free(&t->lookup);
	if (t->holder)
		*t->holder = NULL;
	timer_stop(&t->retry);
	free(t->new_body);
	free(t);
}

/* A transaction outlives the 2xx to an INVITE (RFC 6026), the task does not. */
static void reply_late(struct task *t, int code, struct str reason, struct str lines)
{
	sip_stx_set_ops(t->stx, NULL, NULL);
	if (t->forget)
		sip_stx_forget(t->stx);
	sip_stx_reply(t->stx, code, reason, lines, STR(""), STR(""));
}

void task_reply(struct task *t, int code, struct str reason, struct str lines)
{
	if (code >= 300)
		fe_call_refused(t, code);
	if (t->msg->method == SIP_ACK)
		sip_ignore(t->rq);
	else if (t->rq && (t->stranger || t->forget || code == 401 || code == 407))
		sip_reply_forget(t->rq, code, reason, lines);
	else if (t->rq)
		sip_reply(t->rq, code, reason, lines, STR(""), STR(""));
	else
		reply_late(t, code, reason, lines);
	task_done(t);
}

void task_answer_code(struct task *t, int code, struct str lines, struct str type, struct str body)
{
	if (t->rq) {
		sip_reply(t->rq, code, STR(""), lines, type, body);
	} else if (t->stx) {
		sip_stx_set_ops(t->stx, NULL, NULL);
		sip_stx_reply(t->stx, code, STR(""), lines, type, body);
	}
	task_done(t);
}

void task_answer(struct task *t, struct str lines, struct str type, struct str body)
{
	task_answer_code(t, 200, lines, type, body);
}

enum { USER_LINES_PER_S = 20, REFUSAL_LINES_PER_S = 20 };

bool fe_may_log(struct frontend *fe, uint64_t account)
{
	struct log_limit *l = &fe->user_limits[account % FE_USER_LIMITS];
	if (!log_allow(l, loop_now(fe->loop), USER_LINES_PER_S))
		return false;
	if (l->suppressed > 0)
		log_info(NULL, "lines-left-out", "n=%u why=\"one user's clients caused too many\"",
		         l->suppressed);
	l->suppressed = 0;
	return true;
}

/* Lync clients ask for web services and group chat at each sign-in, and take no for an answer. */
static bool is_usual(const struct task *t, enum refusal why)
{
	struct sip_uri u;
	if (dialect_of(t->msg) != DIALECT_LYNC)
		return false;
	/* Who leaves a conference ends what he watched after the dialog on which it hung. */
	if (why == REFUSE_NO_DIALOG && t->msg->method == SIP_SUBSCRIBE)
		return str_eq(sip_value(t->msg, SIP_H_EXPIRES), STR("0"));
	return why == REFUSE_SERVICE ||
	       (why == REFUSE_USER && t->msg->method == SIP_INVITE &&
	        sip_uri_parse(&u, t->msg->uri) == 0 && str_ieq(u.user, STR("ocschat")));
}

/* One line for an administrator; strangers can cause many, so the rate is limited. */
void task_log_refusal(struct task *t, enum refusal why)
{
	const struct refusal_row *row = refusal_row(why);
	struct frontend *fe = t->fe;
	char peer[64], detail[128];
	struct buf pb = BUF_ON(peer), db = BUF_ON(detail);
	if (is_usual(t, why)) {
		log_debug(NULL, "request-refused", "method=%s from=%s code=%u",
		          log_esc(t->msg->method_name), log_esc(sip_value(t->msg, SIP_H_FROM)),
		          row->code);
		return;
	}
	if (t->msg->method == SIP_ACK ||
	    !log_allow(&fe->refusal_limit, loop_now(fe->loop), REFUSAL_LINES_PER_S))
		return;
	addr_put(&pb, &t->flow->peer);
	if (t->detail)
		buf_printf(&db, " detail=%s", log_text(str_of(t->detail)));
	log_info(NULL, "request-refused",
	         "method=%s from=%s to=%s peer=%" STR_FMT " code=%u id=%u reason=%s%" STR_FMT,
	         log_esc(t->msg->method_name), log_esc(sip_value(t->msg, SIP_H_FROM)),
	         log_esc(t->msg->uri), STR_ARG(buf_view(&pb)), row->code, row->id,
	         log_text(str_of(row->reason)), STR_ARG(buf_view(&db)));
}

void task_refuse(struct task *t, enum refusal why, struct str lines)
{
	const struct refusal_row *row = refusal_row(why);
	char text[1024];
	struct buf b = BUF_ON(text);
	task_log_refusal(t, why);
	buf_str(&b, lines);
	refusal_put(&b, why, t->fe->env->self->fqdn);
	task_reply(t, row->code, str_of(row->phrase), b.full ? lines : buf_view(&b));
}

void fe_make_tag(const struct task *t, char ret[SIP_TAG_LEN + 1])
{
	if (t->rq)
		sip_req_tag(t->rq, ret);
	else
		sip_stx_tag(t->stx, ret);
}

struct sip_stx *task_stx(struct task *t)
{
	return t->kept ? t->stx : sip_accept(t->rq, NULL, NULL);
}

void task_retry(struct task *t, void (*next)(struct task *t))
{
	if (t->msg->method == SIP_ACK) {
		sip_ignore(t->rq);
		return;
	}
	t = task_keep(t);
	if (t->tries++ == FE_RETRIES_MAX) {
		task_refuse(t, REFUSE_HOME_DOWN, STR("Retry-After: 5\r\n"));
		return;
	}
	t->next = next;
	usec_t pause = t->tries == 1 ? FE_RETRY_FIRST_MS : FE_RETRY_MS;
	timer_set(&t->retry, loop_now(t->fe->loop) + pause * USEC_PER_MSEC);
}
