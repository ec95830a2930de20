#include "svc/conversation/im.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/rand.h"
#include "svc/conversation/inside.h"
#include "wire/mime/mime.h"
#include "wire/sdp/sdp.h"
#include "wire/sip/uri.h"

struct im *im_new(const struct im_config *cfg)
{
	struct im *im = xnew(struct im);
	im->cfg = *cfg;
	im->last_id = rand_u64() >> 16; /* dialogs of an earlier process are not met again */
	map_init(&im->by_id);
	map_init(&im->by_pair);
	im_senders_init(&im->senders);
	return im;
}

const struct im_stats *im_stats(const struct im *im)
{
	return &im->stats;
}

bool im_is_invite(const struct sip_msg *m)
{
	struct mime_type type;
	RAW_MEMORY struct sdp sdp;
	if (m->method != SIP_INVITE ||
	    mime_type_parse(&type, sip_value(m, SIP_H_CONTENT_TYPE)) < 0 ||
	    !mime_type_is(&type, STR("application/sdp")) || sdp_parse(&sdp, m->body) < 0)
		return false;
	return sdp_media_next(&sdp, NULL, STR("message")) ||
	       sdp_media_next(&sdp, NULL, STR("x-ms-message"));
}

/* --- the table ----------------------------------------------------------------------- */

static uint64_t id_hash(const struct im *im, uint64_t id)
{
	return hash_bytes(&im->by_id.key, &id, sizeof(id));
}

static uint64_t pair_hash(const struct im *im, uint64_t account, struct str peer)
{
	uint64_t part[2] = { account, hash_lower(&im->by_pair.key, peer) };
	return hash_bytes(&im->by_pair.key, part, sizeof(part));
}

static struct im_session *find_id(const struct im *im, uint64_t id)
{
	for (struct map_node *n = map_first(&im->by_id, id_hash(im, id)); n; n = map_next(n)) {
		struct im_session *s = container_of(n, struct im_session, by_id);
		if (s->id == id)
			return s;
	}
	return NULL;
}

/* The session by which messages of the peer reach a client of the user. */
static struct im_session *find_pair(const struct im *im, const struct im_who *who)
{
	uint64_t h = pair_hash(im, who->account, who->peer);
	for (struct map_node *n = map_first(&im->by_pair, h); n; n = map_next(n)) {
		struct im_session *s = container_of(n, struct im_session, by_pair);
		if (s->account == who->account && !s->called && s->state != IM_ENDED &&
		    str_ieq(str_of(s->peer), who->peer))
			return s;
	}
	return NULL;
}

static void session_free(void *arg)
{
	struct im_session *s = arg;
	struct im *im = s->im;
	map_del(&im->by_id, &s->by_id);
	map_del(&im->by_pair, &s->by_pair);
	im_sender_give(&im->senders, &s->sender);
	im->stats.sessions--;
	timer_stop(&s->timer);
	typing_stop(s);
	if (s->invite)
		sip_ctx_forget(s->invite);
	free(s->user);
	free(s->peer);
	free(s->call_id);
	free(s->local);
	free(s->remote);
	free(s->target);
	free(s);
}

/* Freed when nobody waits for an answer any more. */
static void maybe_reap(struct im_session *s)
{
	if (s->state == IM_ENDED && list_empty(&s->waiting))
		loop_defer(s->im->cfg.loop, &s->reap);
}

static void end(struct im_session *s)
{
	s->state = IM_ENDED;
	timer_stop(&s->timer);
	typing_stop(s);
	maybe_reap(s);
}

static void stay(struct im_session *s, uint32_t seconds)
{
	timer_set(&s->timer, loop_now(s->im->cfg.loop) + seconds * USEC_PER_SEC);
}

static bool is_full(const struct im *im, const struct im_who *who)
{
	return im->stats.sessions >= IM_SESSIONS_MAX ||
	       im_sender_sessions(&im->senders, who->peer) >= IM_SENDER_MAX;
}

static void on_timer(void *arg);

static struct im_session *session_new(struct im *im, const struct im_who *who)
{
	struct im_session *s = xnew(struct im_session);
	s->im = im;
	s->id = ++im->last_id;
	s->account = who->account;
	s->user = str_dup(who->user);
	s->peer = str_dup(who->peer);
	s->sender = im_sender_take(&im->senders, who->peer);
	s->cseq = 1;
	list_init(&s->waiting);
	timer_init(&s->timer, im->cfg.loop, on_timer, s);
	typing_init(s);
	defer_init(&s->reap, session_free, s);
	map_add(&im->by_id, &s->by_id, id_hash(im, s->id));
	map_add(&im->by_pair, &s->by_pair, pair_hash(im, s->account, who->peer));
	im->stats.sessions++;
	im->stats.opened++;
	return s;
}

/* --- messages ------------------------------------------------------------------------- */

static void answer(struct im_message *m, int code)
{
	char lines[512];
	struct buf b = BUF_ON(lines);
	const struct im_config *c = &m->session->im->cfg;
	struct sip_stx *stx = take(&m->stx);
	if (!stx)
		return;
	if (code >= 300)
		c->ops->put_reason(c->arg, &b, code);
	else if (m->id[0])
		buf_printf(&b, "Message-Id: %s\r\n", m->id);
	sip_stx_reply(stx, code, STR(""), buf_view(&b), STR(""), STR(""));
}

static void message_free(struct im_message *m)
{
	struct im_session *s = m->session;
	list_del(&m->node);
	s->n_waiting--;
	free(m);
	maybe_reap(s);
}

/* The sender has gone: what is on its way still goes, unheard. */
static void on_sender_gone(void *arg, bool lost UNUSED)
{
	struct im_message *m = arg;
	m->stx = NULL;
	if (!m->ctx)
		message_free(m);
}

static const struct sip_stx_ops sender_ops = { .ended = on_sender_gone };

static struct im_message *message_new(struct im_session *s, struct sip_req *rq)
{
	struct im_message *m = xnew(struct im_message);
	m->session = s;
	m->stx = sip_accept(rq, &sender_ops, m);
	list_add(&s->waiting, &m->node);
	s->n_waiting++;
	return m;
}

static void message_end(struct im_message *m, int code)
{
	answer(m, code);
	message_free(m);
}

static void refuse(struct im *im, struct sip_req *rq, int code)
{
	char lines[512];
	struct buf b = BUF_ON(lines);
	im->cfg.ops->put_reason(im->cfg.arg, &b, code);
	sip_reply(rq, code, STR(""), buf_view(&b), STR(""), STR(""));
}

static void on_message_answer(void *arg, struct sip_ctx *t UNUSED, struct sip_msg *r);

static void on_message_failed(void *arg, struct sip_ctx *t UNUSED, enum sip_fail why UNUSED)
{
	struct im_message *m = arg;
	answer(m, 480);
}

static void on_message_ended(void *arg, struct sip_ctx *t UNUSED)
{
	struct im_message *m = arg;
	m->ctx = NULL;
	answer(m, 480);
	message_free(m);
}

static const struct sip_ctx_ops message_ops = {
	.response = on_message_answer,
	.failed = on_message_failed,
	.ended = on_message_ended,
};

/* To the client: text as MESSAGE, typing as INFO. */
static void send_to_client(struct im_session *s, struct im_message *m)
{
	struct content c;
	if (!m->stx) {
		message_free(m);
		return;
	}
	content_read(&c, sip_stx_request(m->stx));
	s->cpim |= c.cpim;
	typing_phone(s, &c);
	m->ctx = session_send(s, c.kind == CONTENT_TYPING ? SIP_INFO : SIP_MESSAGE, &c,
	                      &message_ops, m);
	s->im->stats.messages_in++;
	if (!m->ctx)
		message_end(m, 503);
}

/* --- a phone writes to a client -------------------------------------------------------- */

/* Those that have not been sent; what is on its way is still answered by the client. */
static void fail_waiting(struct im_session *s, int code)
{
	list_for(it, &s->waiting)
	{
		struct im_message *m = list_entry(it, struct im_message, node);
		if (!m->ctx)
			message_end(m, code);
	}
}

static void on_invite_answer(void *arg, struct sip_ctx *t UNUSED, struct sip_msg *r)
{
	struct im_session *s = arg;
	if (r->status < 200)
		return;
	if (r->status >= 300) {
		fail_waiting(s, r->status);
		return;
	}
	if (s->state == IM_ENDED)
		return; /* the proxy that forked it ends late ones */
	if (s->state == IM_INVITING) {
		session_take_answer(s, r);
		s->state = IM_OPEN;
		stay(s, IM_IDLE_MAX_S);
	}
	session_ack(s, r->cseq);
	list_for(it, &s->waiting)
	{
		struct im_message *m = list_entry(it, struct im_message, node);
		if (!m->ctx)
			send_to_client(s, m);
	}
}

static void on_invite_failed(void *arg, struct sip_ctx *t UNUSED, enum sip_fail why UNUSED)
{
	fail_waiting(arg, 480);
}

static void on_invite_ended(void *arg, struct sip_ctx *t UNUSED)
{
	struct im_session *s = arg;
	s->invite = NULL;
	if (s->state != IM_OPEN) {
		fail_waiting(s, 480);
		end(s);
	}
}

static const struct sip_ctx_ops invite_ops = {
	.response = on_invite_answer,
	.failed = on_invite_failed,
	.ended = on_invite_ended,
};

/* A name that means itself between quotes. */
static bool is_clean(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (strchr("\"\\<>", name.p[i]) || (uint8_t)name.p[i] < ' ')
			return false;
	return name.len > 0;
}

/* From and To of our INVITE: the phone's user calls the client's. */
static int open_session(struct im_session *s, struct str from)
{
	auto_(buf_free) struct buf local = buf_of(SIP_HEAD_MAX), remote = buf_of(SIP_HEAD_MAX),
	                           id = buf_of(64);
	struct sip_addr a;
	if (sip_addr_parse(&a, from) == 0 && a.display.len <= IM_AOR_MAX && is_clean(a.display)) {
		buf_char(&local, '"');
		buf_str(&local, a.display);
		buf_lit(&local, "\" ");
	}
	buf_printf(&local, "<sip:%s>;tag=", s->peer);
	rand_token(&local, 12);
	buf_printf(&remote, "<sip:%s>", s->user);
	rand_token(&id, 24);
	s->local = str_dup(buf_view(&local));
	s->remote = str_dup(buf_view(&remote));
	s->call_id = str_dup(buf_view(&id));
	stay(s, IM_INVITE_MAX_S);
	return session_invite(s, &invite_ops);
}

/* The client knows the session no more: a new one, once. */
static bool try_anew(struct im_message *m)
{
	struct im_session *old = m->session;
	if (m->tried || !m->stx || old->called)
		return false;
	struct im_who who = { old->account, str_of(old->user), str_of(old->peer) };
	end(old);
	struct im_session *s = find_pair(old->im, &who);
	if (!s) {
		s = session_new(old->im, &who);
		if (open_session(s, sip_value(sip_stx_request(m->stx), SIP_H_FROM)) < 0) {
			end(s);
			return false;
		}
	}
	list_del(&m->node);
	old->n_waiting--;
	maybe_reap(old);
	m->session = s;
	m->tried = true;
	list_add(&s->waiting, &m->node);
	s->n_waiting++;
	return true;
}

/* What the sender wants to hear besides the answer. */
static void report(struct im_message *m, int code)
{
	struct content c;
	if (!m->stx || code / 100 != 2)
		return;
	content_read(&c, sip_stx_request(m->stx));
	if (c.wants & CPIM_WANTS_DELIVERY)
		session_report(m->session, c.message_id);
}

static void on_message_answer(void *arg, struct sip_ctx *t, struct sip_msg *r)
{
	struct im_message *m = arg;
	if (r->status < 200)
		return;
	if ((r->status == 481 || r->status == 408) && try_anew(m)) {
		sip_ctx_forget(t);
		m->ctx = NULL;
		if (m->session->state == IM_OPEN)
			send_to_client(m->session, m);
		return;
	}
	report(m, r->status);
	answer(m, r->status);
}

/* A phone tells what became of a message: the client knows of failure alone. */
static void take_notice(struct im_session *s, struct sip_req *rq, const struct content *c)
{
	if (s && s->state == IM_OPEN && c->failed)
		session_report_failure(s, str_of(c->notice_id));
	sip_reply(rq, 200, STR(""), STR(""), STR(""), STR(""));
}

void im_deliver(struct im *im, struct sip_req *rq, const struct im_who *who)
{
	struct content c;
	content_read(&c, rq->msg);
	struct im_session *s = find_pair(im, who);
	if (c.kind == CONTENT_OTHER || c.kind == CONTENT_CHANGE) {
		refuse(im, rq, 415);
	} else if (c.kind == CONTENT_NOTICE) {
		take_notice(s, rq, &c);
	} else if (!s && c.kind == CONTENT_TYPING) {
		/* A hint (RFC 3994): no session is opened for it alone. */
		sip_reply(rq, 200, STR(""), STR(""), STR(""), STR(""));
	} else if (s ? s->n_waiting >= IM_WAITING_MAX : is_full(im, who)) {
		refuse(im, rq, 503);
	} else if (s) {
		struct im_message *m = message_new(s, rq);
		if (s->state == IM_OPEN) {
			stay(s, IM_IDLE_MAX_S);
			send_to_client(s, m);
		}
	} else {
		s = session_new(im, who);
		(void)message_new(s, rq);
		if (open_session(s, sip_value(rq->msg, SIP_H_FROM)) < 0) {
			fail_waiting(s, 503);
			end(s);
		}
	}
}

/* --- a client writes to phones ---------------------------------------------------------- */

/* What a session remembers of a message is bounded. */
static bool has_modest_parts(const struct sip_msg *m)
{
	return m->call_id.len <= IM_PART_MAX && sip_value(m, SIP_H_FROM).len <= IM_PART_MAX &&
	       sip_value(m, SIP_H_TO).len <= IM_PART_MAX &&
	       sip_value(m, SIP_H_CONTACT).len <= IM_PART_MAX;
}

void im_invite(struct im *im, struct sip_req *rq, const struct im_who *who)
{
	auto_(buf_free) struct buf lines = buf_of(4096);
	if (is_full(im, who) || !has_modest_parts(rq->msg)) {
		refuse(im, rq, 503);
		return;
	}
	struct im_session *s = session_new(im, who);
	s->called = true;
	s->state = IM_OPEN;
	session_take_invite(s, rq, &lines);
	stay(s, IM_IDLE_MAX_S);
	struct sip_stx *stx = sip_accept(rq, NULL, NULL);
	sip_stx_reply(stx, 200, STR(""), buf_view(&lines), STR("application/sdp"), session_sdp());
}

/* --- inside the dialog ------------------------------------------------------------------- */

static void ok(struct sip_req *rq)
{
	sip_reply(rq, 200, STR(""), STR(""), STR(""), STR(""));
}

static void on_message(struct im_session *s, struct sip_req *rq)
{
	struct content c;
	content_read(&c, rq->msg);
	if (c.kind == CONTENT_OTHER || c.kind == CONTENT_NOTICE || c.kind == CONTENT_CHANGE) {
		/* Notes of the client about the conversation, which phones have no use for. */
		if (rq->msg->method == SIP_INFO)
			ok(rq);
		else
			refuse(s->im, rq, 415);
		return;
	}
	if (s->n_waiting >= IM_WAITING_MAX) {
		refuse(s->im, rq, 503);
		return;
	}
	stay(s, IM_IDLE_MAX_S);
	s->im->stats.messages_out++;
	bool news = typing_client(s, &c);
	if (c.kind == CONTENT_TYPING) {
		if (news)
			(void)session_page(s, &c, "", NULL, NULL);
		ok(rq);
		return;
	}
	struct im_message *m = message_new(s, rq);
	content_read(&c, sip_stx_request(m->stx));
	if (s->cpim) {
		struct buf id = BUF_ON(m->id);
		rand_token(&id, IM_ID_LEN);
	}
	m->ctx = session_page(s, &c, m->id, &message_ops, m);
	if (!m->ctx)
		message_end(m, 503);
}

static void on_bye(struct im_session *s, struct sip_req *rq)
{
	ok(rq);
	fail_waiting(s, 480);
	end(s);
}

static void on_reinvite(struct im_session *s UNUSED, struct sip_req *rq)
{
	sip_reply(rq, 200, STR(""), STR(""), STR("application/sdp"), session_sdp());
}

static void on_alive(struct im_session *s, struct sip_req *rq)
{
	stay(s, IM_IDLE_MAX_S);
	ok(rq);
}

static void on_ack(struct im_session *s UNUSED, struct sip_req *rq)
{
	sip_ignore(rq);
}

/* clang-format off */
static void (*const served[SIP_N_METHODS])(struct im_session *s, struct sip_req *rq) = {
	[SIP_ACK]     = on_ack,
	[SIP_MESSAGE] = on_message,
	[SIP_INFO]    = on_message,
	[SIP_BYE]     = on_bye,
	[SIP_INVITE]  = on_reinvite,
	[SIP_UPDATE]  = on_alive,
	[SIP_OPTIONS] = on_alive,
};
/* clang-format on */

/* The dialog's own ends are kept as text. */
static bool has_tag_of(const struct sip_addr *a, const char *end)
{
	struct sip_addr ours;
	return sip_addr_parse(&ours, str_of(end)) == 0 && str_eq(sip_tag(&ours), sip_tag(a));
}

/* Call-ID and both tags (RFC 3261 section 12.2.2). */
static bool is_of_dialog(const struct im_session *s, const struct sip_msg *m)
{
	return str_eq(str_of(s->call_id), m->call_id) && has_tag_of(sip_from(m), s->remote) &&
	       has_tag_of(sip_to(m), s->local);
}

void im_request(struct im *im, struct sip_req *rq, uint64_t id)
{
	struct im_session *s = find_id(im, id);
	bool known = s && s->state == IM_OPEN && is_of_dialog(s, rq->msg);
	if (!known && rq->msg->method == SIP_ACK)
		sip_ignore(rq);
	else if (!known)
		refuse(im, rq, 481);
	else if (!served[rq->msg->method])
		refuse(im, rq, 405);
	else
		served[rq->msg->method](s, rq);
}

/* --- time -------------------------------------------------------------------------------- */

/* Nobody took the session up, or nobody has said anything for long. */
static void on_timer(void *arg)
{
	struct im_session *s = arg;
	if (s->state == IM_INVITING) {
		if (s->invite)
			sip_ctx_cancel(s->invite, STR(""));
		fail_waiting(s, 480);
		if (!s->invite)
			end(s);
		return;
	}
	(void)session_send(s, SIP_BYE, NULL, NULL, NULL);
	fail_waiting(s, 480);
	end(s);
}

static void drop_messages(struct list *head)
{
	list_for(it, head)
	{
		list_del(it);
		free(list_entry(it, struct im_message, node));
	}
}

void im_free(struct im **ip)
{
	struct im *im = take(ip);
	size_t slot = 0;
	struct map_node *after = NULL;
	if (!im)
		return;
	for (struct map_node *n; (n = map_walk(&im->by_id, &slot, &after)) != NULL;) {
		struct im_session *s = container_of(n, struct im_session, by_id);
		drop_messages(&s->waiting);
		defer_cancel(&s->reap);
		session_free(s);
	}
	map_done(&im->by_id);
	map_done(&im->by_pair);
	im_senders_done(&im->senders);
	free(im);
}
