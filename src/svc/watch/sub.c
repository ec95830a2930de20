#include "svc/watch/sub.h"

#include <errno.h>
#include <stdlib.h>

#include "base/rand.h"
#include "loop/ticks.h"

struct subs {
	struct subs_config cfg;
	struct map by_id, by_user;
	struct ticks *expiry;
	struct list touched;
	struct defer flush;
	void (*before)(void *arg); /* a flush */
	void *before_arg;
	uint64_t last_id;
	struct subs_stats stats;
};

struct str sub_text(const struct sub *s, enum sub_text which)
{
	size_t at = 0;
	for (int i = 0; i < (int)which; i++)
		at += s->len[i];
	return str_n(s->texts + at, s->len[which]);
}

/* --- the table ----------------------------------------------------------------------------- */

static void on_expiry(void *arg, struct tick *t);
static void flush(void *arg);

struct subs *subs_new(const struct subs_config *cfg)
{
	struct subs *all = xnew(struct subs);
	all->cfg = *cfg;
	map_init(&all->by_id);
	map_init(&all->by_user);
	list_init(&all->touched);
	defer_init(&all->flush, flush, all);
	all->expiry = ticks_new(cfg->loop, on_expiry, all);
	all->last_id = rand_u64() >> 16; /* those of an earlier process are not met again */
	return all;
}

void subs_before_flush(struct subs *all, void (*fn)(void *arg), void *arg)
{
	all->before = fn;
	all->before_arg = arg;
}

const struct subs_stats *subs_stats(const struct subs *all)
{
	return &all->stats;
}

static uint64_t hash(const struct map *m, uint64_t key)
{
	return hash_bytes(&m->key, &key, sizeof(key));
}

static struct sub *of_user(struct map_node *n, uint64_t account)
{
	for (; n; n = map_next(n)) {
		struct sub *s = container_of(n, struct sub, by_user);
		if (s->account == account)
			return s;
	}
	return NULL;
}

struct sub *subs_next(struct subs *all, uint64_t account, struct sub *after)
{
	struct map_node *n = after ? map_next(&after->by_user)
	                           : map_first(&all->by_user, hash(&all->by_user, account));
	return of_user(n, account);
}

static unsigned count(struct subs *all, uint64_t account)
{
	unsigned n = 0;
	for (struct sub *s = NULL; (s = subs_next(all, account, s)) != NULL;)
		n++;
	return n;
}

/* Nothing would say of what is not answered that it is of no use any more: it ends with its
 * endpoint, and its client begins another one. */
static bool lives_with_endpoint(const struct sub *s)
{
	return s->lync || s->benotify;
}

static void keep(struct sub *s)
{
	const struct subs_config *c = &s->all->cfg;
	if (c->ops->keep && s->package->put_kept && !lives_with_endpoint(s))
		c->ops->keep(c->arg, s);
}

/* Takes it out of everything; the package frees it. */
static void drop(struct sub *s)
{
	struct subs *all = s->all;
	s->ended = true;
	map_del(&all->by_id, &s->by_id);
	map_del(&all->by_user, &s->by_user);
	list_del(&s->touched);
	tick_stop(&s->expiry);
	all->stats.n--;
	keep(s);
	if (s->notify)
		sip_ctx_forget(take(&s->notify));
	char *texts = take(&s->texts);
	s->package->free(s);
	free(texts);
}

void subs_free(struct subs **sp)
{
	struct subs *all = take(sp);
	size_t slot = 0;
	struct map_node *after = NULL;
	if (!all)
		return;
	for (struct map_node *n; (n = map_walk(&all->by_id, &slot, &after)) != NULL;) {
		struct sub *s = container_of(n, struct sub, by_id);
		s->notify = NULL; /* gone with the stack */
		drop(s);
	}
	defer_cancel(&all->flush);
	ticks_free(&all->expiry);
	map_done(&all->by_id);
	map_done(&all->by_user);
	free(all);
}

/* --- beginning ----------------------------------------------------------------------------- */

static int set_texts(struct sub *s, const struct str texts[SUB_N_TEXTS])
{
	size_t n = 0;
	if (texts[SUB_TARGET].len == 0)
		return -EINVAL;
	for (size_t i = 0; i < SUB_N_TEXTS; i++) {
		if (texts[i].len > SUB_PART_MAX)
			return -EINVAL;
		n += texts[i].len;
	}
	char *p = xmalloc(n + 1);
	free(s->texts);
	s->texts = p;
	for (size_t i = 0; i < SUB_N_TEXTS; i++) {
		s->len[i] = (uint16_t)texts[i].len;
		if (texts[i].len > 0)
			memcpy(p, texts[i].p, texts[i].len);
		p += texts[i].len;
	}
	return 0;
}

static int keep_texts(struct sub *s, const struct sub_ask *ask)
{
	const struct sip_msg *m = ask->msg;
	const struct sip_addr *contact = sip_contact(m);
	auto_(buf_free) struct buf local = buf_of(SUB_PART_MAX);
	buf_str(&local, sip_value(m, SIP_H_TO));
	if (!sip_tag(sip_to(m)).len) {
		buf_lit(&local, ";tag=");
		buf_str(&local, ask->to_tag);
	}
	const struct str texts[SUB_N_TEXTS] = {
		[SUB_CALL_ID] = m->call_id,
		[SUB_LOCAL] = buf_view(&local),
		[SUB_REMOTE] = sip_value(m, SIP_H_FROM),
		[SUB_TARGET] = contact && !contact->star ? contact->uri : STR(""),
		[SUB_EVENT] = sip_value(m, SIP_H_EVENT),
		[SUB_HERE] = ask->here,
	};
	return local.full ? -EINVAL : set_texts(s, texts);
}

static bool wants_benotify(const struct sip_msg *m)
{
	return sip_has_token(m, SIP_H_PROXY_REQUIRE, STR("ms-benotify")) ||
	       sip_has_token(m, SIP_H_SUPPORTED, STR("ms-benotify"));
}

static int has_room(struct subs *all, uint64_t account)
{
	if (all->stats.n >= SUBS_MAX)
		return -ENOSPC;
	return count(all, account) >= SUBS_OF_USER_MAX ? -EUSERS : 0;
}

static void begin(struct subs *all, struct sub *s, const struct sub_package *p)
{
	s->all = all;
	s->package = p;
	s->fresh = true;
	tick_init(&s->expiry);
	list_init(&s->touched);
	map_add(&all->by_id, &s->by_id, hash(&all->by_id, s->id));
	map_add(&all->by_user, &s->by_user, hash(&all->by_user, s->account));
	all->stats.n++;
}

int sub_start(struct subs *all, struct sub *s, const struct sub_package *p,
              const struct sub_ask *ask)
{
	int r = has_room(all, ask->account);
	if (r == 0)
		r = keep_texts(s, ask);
	if (r < 0)
		return r;
	s->id = ++all->last_id;
	s->account = ask->account;
	s->endpoint = ask->endpoint;
	s->hint = ask->hint;
	s->lync = ask->lync;
	s->benotify = wants_benotify(ask->msg);
	s->cseq_kept = SUB_CSEQ_STEP;
	begin(all, s, p);
	return 0;
}

/* The number of its last notification is not known, but how high it may have been. */
int sub_restore(struct subs *all, struct sub *s, const struct sub_package *p,
                const struct sub_row *row)
{
	int r = has_room(all, row->account);
	if (r == 0)
		r = set_texts(s, row->texts);
	if (r < 0)
		return r;
	s->id = row->id;
	s->account = row->account;
	s->endpoint = row->endpoint;
	s->hint = row->hint;
	s->eventlist = row->eventlist;
	s->cseq = row->cseq + SUB_CSEQ_STEP;
	s->cseq_kept = s->cseq + SUB_CSEQ_STEP;
	s->stored = true;
	s->life_s = row->life_s;
	begin(all, s, p);
	tick_set(all->expiry, &s->expiry, loop_now(all->cfg.loop) + s->life_s * USEC_PER_SEC);
	return 0;
}

int sub_expires(const struct sip_msg *m, bool lync, uint32_t *ret_s)
{
	uint32_t asked = lync ? SUB_LYNC_EXPIRES_S : SUB_EXPIRES_DEF_S;
	struct str v = sip_value(m, SIP_H_EXPIRES);
	if (v.len > 0 && str_to_u32(v, UINT32_MAX, &asked) < 0)
		return -EINVAL;
	if (asked > 0 && asked < SUB_EXPIRES_MIN_S)
		return -ERANGE;
	*ret_s = MIN(asked, SUB_EXPIRES_MAX_S);
	return 0;
}

void sub_extend(struct sub *s, uint32_t seconds)
{
	tick_set(s->all->expiry, &s->expiry, loop_now(s->all->cfg.loop) + seconds * USEC_PER_SEC);
	s->life_s = seconds;
	keep(s);
}

/* --- inside the dialog --------------------------------------------------------------------- */

static bool same_tag(const struct sip_addr *a, struct str kept)
{
	struct sip_addr ours;
	return a && sip_addr_parse(&ours, kept) == 0 && str_eq(sip_tag(&ours), sip_tag(a));
}

struct sub *sub_by_id(struct subs *all, uint64_t account, uint64_t id)
{
	for (struct map_node *n = map_first(&all->by_id, hash(&all->by_id, id)); n;
	     n = map_next(n)) {
		struct sub *s = container_of(n, struct sub, by_id);
		if (s->id == id && s->account == account)
			return s;
	}
	return NULL;
}

struct sub *sub_of_endpoint(struct subs *all, uint64_t id, uint64_t account, uint64_t endpoint)
{
	for (struct map_node *n = map_first(&all->by_id, hash(&all->by_id, id)); n;
	     n = map_next(n)) {
		struct sub *s = container_of(n, struct sub, by_id);
		if (s->id == id && s->lync && s->account == account && s->endpoint == endpoint)
			return s;
	}
	return NULL;
}

struct sub *sub_find(struct subs *all, uint64_t id, const struct sip_msg *m)
{
	for (struct map_node *n = map_first(&all->by_id, hash(&all->by_id, id)); n;
	     n = map_next(n)) {
		struct sub *s = container_of(n, struct sub, by_id);
		if (s->id == id && str_eq(sub_text(s, SUB_CALL_ID), m->call_id) &&
		    same_tag(sip_from(m), sub_text(s, SUB_REMOTE)) &&
		    same_tag(sip_to(m), sub_text(s, SUB_LOCAL)))
			return s;
	}
	return NULL;
}

void sub_moved(struct sub *s, const struct sub_ask *ask)
{
	if (ask->hint.reach != TOKEN_NOWHERE)
		s->hint = ask->hint;
	if (sip_first(ask->msg, SIP_H_CONTACT))
		(void)keep_texts(s, ask);
}

static void put_state(struct buf *b, const struct sub *s, uint32_t expires_s)
{
	if (expires_s > 0)
		buf_printf(b, "%s: active;expires=%u\r\n",
		           s->lync ? "subscription-state" : "Subscription-State", expires_s);
	else
		buf_lit(b, "Subscription-State: terminated;reason=timeout\r\n");
}

void sub_put_answer(const struct sub *s, struct buf *b, uint32_t expires_s, bool body)
{
	const struct subs_config *c = &s->all->cfg;
	buf_lit(b, "Contact: <");
	c->ops->put_contact(c->arg, b, s);
	buf_printf(b, ">\r\nExpires: %u\r\n", expires_s);
	sip_put_hdr(b, STR("Event"), sub_text(s, SUB_EVENT));
	if (s->eventlist)
		buf_lit(b, "Require: eventlist\r\n"); /* RFC 4662 section 4.3 */
	if (!s->lync)
		return;
	put_state(b, s, expires_s);
	if (body)
		buf_printf(b, "ms-piggyback-cseq: %u\r\n", s->cseq);
	buf_lit(b, "Supported: ms-benotify\r\nSupported: ms-piggyback-first-notify\r\n"
	           "Supported: com.microsoft.autoextend\r\n");
}

/* --- notifications ------------------------------------------------------------------------- */

static uint32_t left_s(const struct sub *s)
{
	usec_t now = loop_now(s->all->cfg.loop), at = s->expiry.deadline;
	return at == USEC_INFINITY || at <= now
	               ? 1
	               : (uint32_t)((at - now + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

struct notification {
	const char *method;
	const char *reason; /* of the end; NULL: it goes on */
	struct str type, body;
};

static void put_request(struct buf *b, struct sub *s, const struct notification *n,
                        struct sip_flow *f, const struct token *end, const char *branch)
{
	const struct subs_config *c = &s->all->cfg;
	buf_str(b, str_of(n->method));
	buf_char(b, ' ');
	buf_str(b, sub_text(s, SUB_TARGET));
	buf_lit(b, " SIP/2.0\r\nVia: ");
	sip_via_put(b, f, branch);
	buf_lit(b, "\r\nMax-Forwards: 70\r\n");
	if (f->kind == SIP_LINK && f->server) {
		buf_lit(b, "Route: ");
		c->ops->put_route(c->arg, b, end);
		buf_lit(b, "\r\n");
	}
	sip_put_hdr(b, STR("From"), sub_text(s, SUB_LOCAL));
	sip_put_hdr(b, STR("To"), sub_text(s, SUB_REMOTE));
	sip_put_hdr(b, STR("Call-ID"), sub_text(s, SUB_CALL_ID));
	buf_lit(b, "CSeq: ");
	buf_dec(b, ++s->cseq);
	buf_char(b, ' ');
	buf_str(b, str_of(n->method));
	buf_lit(b, "\r\n");
	sip_put_hdr(b, STR("Event"), sub_text(s, SUB_EVENT));
	if (n->reason)
		buf_printf(b, "Subscription-State: terminated;reason=%s\r\n", n->reason);
	else
		put_state(b, s, left_s(s));
	if (s->eventlist)
		buf_lit(b, "Require: eventlist\r\n");
	if (!s->benotify) {
		buf_lit(b, "Contact: <");
		c->ops->put_contact(c->arg, b, s);
		buf_lit(b, ">\r\n");
	}
	sip_put_body(b, n->type, n->body);
}

static void go_on(struct sub *s)
{
	if (s->again) {
		s->again = false;
		sub_touch(s);
	}
}

/* The next one need not wait until the transaction has gone, which over UDP takes some seconds. */
static void on_response(void *arg, struct sip_ctx *t, struct sip_msg *r)
{
	struct sub *s = arg;
	if (r->status < 200)
		return;
	s->notify = NULL;
	sip_ctx_forget(t);
	if (r->status < 300) {
		go_on(s);
		return;
	}
	s->all->stats.failed++;
	/* From another hop of ours: the connection is not there any more. */
	if ((r->status == 430 || r->status == 503) && !s->lync)
		s->stale = true;
	else
		drop(s); /* RFC 6665 section 4.2.2 */
}

/* A phone whose connection ended, or the link on the way to it, may be there again in a moment. */
static void on_failed(void *arg, struct sip_ctx *t, enum sip_fail why)
{
	struct sub *s = arg;
	s->all->stats.failed++;
	s->notify = NULL;
	sip_ctx_forget(t);
	if (why == SIP_FAIL_TRANSPORT && !s->lync)
		s->stale = true;
	else
		drop(s);
}

static void on_ended(void *arg, struct sip_ctx *t UNUSED)
{
	struct sub *s = arg;
	s->notify = NULL;
	go_on(s);
}

static const struct sip_ctx_ops notify_ops = { .response = on_response,
	                                       .failed = on_failed,
	                                       .ended = on_ended };

static void send_notification(struct sub *s, struct sip_flow *f, const struct token *end,
                              struct notification *n)
{
	struct subs *all = s->all;
	char branch[SIP_BRANCH_LEN + 1];
	n->method = s->benotify ? "BENOTIFY" : "NOTIFY";
	sip_branch_make(all->cfg.stack, 0, branch);
	struct buf *b = sip_transport_out(f->tp);
	put_request(b, s, n, f, end, branch);
	if (s->benotify) {
		all->stats.benotified++;
		sip_send_once(all->cfg.stack, f, buf_view(b));
	} else {
		all->stats.notified++;
		struct sip_ctx *ctx =
		        sip_ctx_new(all->cfg.stack, f, buf_view(b), SIP_NOTIFY, branch,
		                    n->reason ? NULL : &notify_ops, n->reason ? NULL : s);
		s->notify = n->reason ? NULL : ctx;
	}
}

/* What is told, or that it is over (reason).  Who cannot be reached is not asked what is new, which
 * therefore is not lost. */
static void notify(struct sub *s, const char *reason)
{
	struct notification n = { .reason = reason, .type = STR("") };
	auto_(buf_free) struct buf body = buf_of(SUB_BODY_MAX);
	struct token end = { s->account, s->endpoint, s->hint };
	struct sip_flow *f = s->all->cfg.ops->flow(s->all->cfg.arg, s, &end.hint);
	if (!f) {
		s->all->stats.failed++;
		s->stale = true;
		return;
	}
	bool all = s->fresh, any = false;
	s->fresh = false;
	if (all || !reason)
		any = s->package->compose(s, all, &body, &n.type);
	any = any && !body.full;
	if (any)
		n.body = buf_view(&body);
	if (any || reason)
		send_notification(s, f, &end, &n);
	sip_flow_unref(&f);
	if (s->cseq < s->cseq_kept)
		return;
	s->cseq_kept = s->cseq + SUB_CSEQ_STEP;
	keep(s);
}

static void tell(struct sub *s)
{
	if (s->notify)
		s->again = true;
	else
		notify(s, NULL);
}

void sub_touch(struct sub *s)
{
	if (s->ended || !list_empty(&s->touched))
		return;
	list_add(&s->all->touched, &s->touched);
	loop_defer(s->all->cfg.loop, &s->all->flush);
}

void subs_keep_all(struct subs *all)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&all->by_id, &slot, &after)) != NULL;)
		keep(container_of(n, struct sub, by_id));
}

void sub_tell_anew(struct sub *s)
{
	s->fresh = true;
	sub_touch(s);
}

static void reach(struct sub *s)
{
	if (!s->stale)
		return;
	s->stale = false;
	sub_tell_anew(s);
}

void subs_reach(struct subs *all, uint64_t account)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	if (account) {
		for (struct sub *s = NULL; (s = subs_next(all, account, s)) != NULL;)
			reach(s);
		return;
	}
	for (struct map_node *n; (n = map_walk(&all->by_id, &slot, &after)) != NULL;)
		reach(container_of(n, struct sub, by_id));
}

static void flush(void *arg)
{
	struct subs *all = arg;
	if (all->before)
		all->before(all->before_arg);
	while (!list_empty(&all->touched)) {
		struct sub *s = list_entry(all->touched.next, struct sub, touched);
		list_del(&s->touched);
		tell(s);
	}
}

/* --- the end ------------------------------------------------------------------------------- */

void sub_end(struct sub *s, const char *reason)
{
	if (reason)
		notify(s, reason);
	drop(s);
}

static void on_expiry(void *arg UNUSED, struct tick *t)
{
	struct sub *s = container_of(t, struct sub, expiry);
	sub_end(s, "timeout");
}

void subs_endpoint_gone(struct subs *all, uint64_t account, uint64_t endpoint)
{
	for (struct sub *s = subs_next(all, account, NULL), *next; s; s = next) {
		next = subs_next(all, account, s);
		if (lives_with_endpoint(s) && s->endpoint == endpoint)
			drop(s);
	}
}
