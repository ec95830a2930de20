#include <stdlib.h>

#include "role/frontend/fe.h"
#include "svc/access/trust.h"
#include "svc/bridge/sound.h"
#include "svc/conversation/called.h"

/* Calls of users who live here: seen as they begin, and remembered when they are over, by each home
 * for its own user, beside what was said.  Who was called by somebody who wants to stay unknown
 * (RFC 3323) remembers nothing. */

static bool is_here(const struct frontend *fe, uint64_t account)
{
	return account && fe_owner(fe, account) == fe->env->slot;
}

static bool offers_video(const struct sip_msg *m)
{
	RAW_MEMORY struct sdp sdp;
	if (sound_find(&sdp, m) < 0)
		return false;
	const struct sdp_media *v = sdp_media_next(&sdp, NULL, STR("video"));
	return v && v->port != 0;
}

void fe_call_starts(struct task *t)
{
	struct call k = { .caller = t->who.account, .callee = t->callee, .from = t->who.uri };
	struct token end;
	if (!fe_is_call(t))
		return;
	if (is_here(t->fe, t->who.account)) {
		fe_sender_end(t, &end);
		k.caller_endpoint = end.endpoint;
	}
	k.to = t->target.n_keys ? t->target.keys[0] : t->msg->uri;
	k.callee_uri = fe_known_callee(t);
	k.cseq = t->msg->cseq;
	k.video = offers_video(t->msg);
	k.hidden = trust_hides_sender(t->msg);
	bool known = calls_find(t->fe->calls, t->msg->call_id) != NULL;
	t->begins_call |= !known && calls_started(t->fe->calls, t->msg->call_id, &k);
}

void fe_call_refused(const struct task *t, int code)
{
	if (t->begins_call)
		calls_ended(t->fe->calls, t->msg->call_id, code);
}

bool fe_is_call(const struct task *t)
{
	return t->msg->method == SIP_INVITE && !im_is_invite(t->msg) && !fe_is_conference(t) &&
	       !fe_is_conf_invite(t->msg) && !fe_is_of_conference(t->msg);
}

/* --- over the end of this process ------------------------------------------------------------ */

/* Of answered calls: what rings ends with the process, for its devices too. */
static const char sql_put[] =
        "insert or replace into call (id, caller, callee, caller_endpoint, callee_endpoint,"
        " started, answered, video, hidden, author, dialed, peer, cseq)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
static const char sql_drop[] = "delete from call where id = $1";
static const char sql_forget[] = "delete from call where answered < $1";
static const char sql_all[] =
        "select id, caller, callee, caller_endpoint, callee_endpoint, started, answered, video,"
        " hidden, author, dialed, peer, cseq from call where answered >= $1";

static void write_call(struct frontend *fe, const char *sql, const struct store_val *v, size_t n)
{
	struct store_stmt st = { .sql = sql, .params = v, .n_params = n };
	(void)!store_write(fe->store, STORE_SHOULD, &st, 1, NULL, NULL); /* then it is not kept */
}

void fe_call_keep(struct frontend *fe, const struct call *k)
{
	struct store_val v[] = {
		STORE_S(k->id),
		STORE_I(k->caller),
		STORE_I(k->callee),
		STORE_I(k->caller_endpoint),
		STORE_I(k->callee_endpoint),
		STORE_I(k->started),
		STORE_I(k->answered),
		STORE_I(k->video),
		STORE_I(k->hidden),
		STORE_S(k->from),
		STORE_S(k->to),
		STORE_S(k->callee_uri),
		STORE_I(k->cseq),
	};
	if (is_here(fe, k->caller) || is_here(fe, k->callee))
		write_call(fe, sql_put, v, ARRAY_SIZE(v));
}

static void on_call(void *arg, const struct store_val *c, int n UNUSED)
{
	struct frontend *fe = arg;
	struct call k = {
		.caller = (uint64_t)c[1].i,
		.callee = (uint64_t)c[2].i,
		.caller_endpoint = (uint64_t)c[3].i,
		.callee_endpoint = (uint64_t)c[4].i,
		.started = (usec_t)c[5].i,
		.answered = (usec_t)c[6].i,
		.video = c[7].i != 0,
		.hidden = c[8].i != 0,
		.from = c[9].s,
		.to = c[10].s,
		.callee_uri = c[11].s,
		.cseq = (uint32_t)c[12].i,
	};
	calls_restore(fe->calls, c[0].s, &k);
}

void fe_calls_load(struct frontend *fe)
{
	usec_t silent = CALL_SILENT_MAX_S * USEC_PER_SEC, now = loop_wall(fe->loop);
	struct store_val v = STORE_I(now > silent ? now - silent : 0);
	if (store_read(fe->store, sql_all, &v, 1, on_call, fe) < 0)
		log_warning(NULL, "calls-not-read", "");
	write_call(fe, sql_forget, &v, 1);
}

/* --- it is over ------------------------------------------------------------------------------ */

struct recording {
	struct frontend *fe;
	uint64_t accounts[2], sequence;
};

static void on_written(void *arg, int err, int64_t id UNUSED)
{
	struct recording *r = arg;
	if (err < 0)
		fe_history_lost(r->fe, err);
	else if (!r->fe->store_closing)
		fe_conversation_news_of(r->fe, r->accounts, r->sequence);
	free(r);
}

static void write_row(struct frontend *fe, const uint64_t accounts[2], struct said *s)
{
	struct recording *r = xnew(struct recording);
	r->fe = fe;
	r->accounts[0] = accounts[0];
	r->accounts[1] = accounts[1];
	int err = fe_history_add(fe, accounts, s, on_written, r);
	r->sequence = s->sequence;
	if (err < 0)
		on_written(r, err, 0);
}

/* Whose history it is in: the first is 0 if there is none. */
static void read_homes(const struct frontend *fe, const struct call *k, uint64_t ret[2])
{
	uint64_t caller = is_here(fe, k->caller) ? k->caller : 0;
	uint64_t callee = is_here(fe, k->callee) && !k->hidden ? k->callee : 0;
	ret[0] = caller ? caller : callee;
	ret[1] = caller && callee != caller ? callee : 0;
}

void fe_call_over(struct frontend *fe, const struct call *k)
{
	const struct hash_key *key = &fe->key.mac;
	char text[256];
	struct buf b = BUF_ON(text);
	uint64_t accounts[2];
	bool answered = k->state == CALL_CONNECTED;
	struct called c = { .outcome = answered ? CALLED_ANSWERED : called_outcome_of(k->code),
		            .began = k->started,
		            .answered = k->answered,
		            .ended = loop_wall(fe->loop),
		            .video = k->video };
	read_homes(fe, k, accounts);
	if (answered) {
		struct store_val v = STORE_S(k->id);
		write_call(fe, sql_drop, &v, 1);
	}
	if (!fe->cfg.history || accounts[0] == 0 || k->from.len == 0 || k->callee_uri.len == 0)
		return;
	called_put(&b, &c);
	struct said s = { .conversation = said_conversation(key, k->from, k->callee_uri),
		          .message = called_message(key, k->id, k->cseq, k->from),
		          .author = k->from,
		          .peer = k->callee_uri,
		          .state = SAID_CALL,
		          .type = STR(CALLED_TYPE),
		          .text = buf_view(&b) };
	write_row(fe, accounts, &s);
}
