#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "role/mcu_im/mi.h"

/* What the engine wants: messages and ends of dialogs to the clients, through any front end that is
 * there (the token in the dialog's route says who holds the connection), and news to the focus. */

/* A message that waits for its answer: a leg has one at most. */
struct send {
	struct list node;
	struct mcu_im *mi;
	struct immcu_leg *leg;
	struct sip_ctx *ctx; /* NULL: there is no way; answered at the end of the turn */
};

/* The name of a room of which the focus is to be told at the end of the turn. */
struct mark {
	struct list node;
	char focus[];
};

/* --- to the clients ------------------------------------------------------------------------- */

/* A front end that is there: that of the room's focus, or the next one. */
static struct sip_flow *way(const struct mcu_im *mi, uint32_t home)
{
	for (uint32_t i = 0; i < MI_SLOTS_MAX; i++) {
		uint32_t slot = (home + i) % MI_SLOTS_MAX;
		struct sip_flow *f = mi->fes[slot];
		if (f && !f->closed && mi_is_same_host(mi, slot, home))
			return f;
	}
	return NULL;
}

/* The URI of our end: the room's chat. */
static void put_own_uri(struct buf *b, struct str focus)
{
	struct str mark = STR(":focus:");
	ssize_t at = str_find(focus, mark);
	buf_str(b, str_sub(focus, 0, (size_t)at));
	buf_lit(b, ":chat:");
	buf_str(b, str_sub(focus, (size_t)at + mark.len, focus.len));
}

static bool is_pager(const struct immcu_leg *leg)
{
	return immcu_leg_dialog(leg)->pager;
}

struct mi_outgoing mi_outgoing_of(const struct immcu_leg *leg, enum sip_method method,
                                  uint32_t cseq)
{
	const struct immcu_room *r = immcu_leg_room(leg);
	return (struct mi_outgoing){ .dialog = immcu_leg_dialog(leg),
		                     .focus = str_of(r->focus),
		                     .subject = r->subject ? str_of(r->subject) : STR(""),
		                     .home = r->home,
		                     .method = method,
		                     .cseq = cseq };
}

struct sip_flow *mi_begin(struct mcu_im *mi, const struct mi_outgoing *o, struct buf **ret,
                          char branch[SIP_BRANCH_LEN + 1])
{
	char text[SIP_URI_MAX];
	struct buf own = BUF_ON(text);
	bool pager = o->dialog->pager;
	struct sip_flow *f = way(mi, o->home);
	if (!f)
		return NULL;
	(pager ? mi_put_room : put_own_uri)(&own, o->focus);
	sip_branch_make(mi->stack, 0, branch);
	*ret = sip_transport_out(f->tp);
	struct conf_request rq = { .method = o->method,
		                   .local = buf_view(&own),
		                   .display = pager ? o->subject : STR(""),
		                   .cseq = o->cseq,
		                   .flow = f,
		                   .branch = branch };
	conf_dialog_put(*ret, o->dialog, &rq);
	if (o->method == SIP_MESSAGE) {
		buf_lit(*ret, "P-Asserted-Identity: <");
		mi_put_room(*ret, o->focus);
		buf_lit(*ret, ">\r\n");
	}
	return f;
}

static void send_free(struct send *s)
{
	*immcu_leg_user(s->leg) = NULL;
	list_del(&s->node);
	free(s);
}

static void answered(struct send *s, int code)
{
	struct immcu_leg *leg = s->leg;
	if (s->ctx)
		sip_ctx_forget(s->ctx);
	send_free(s);
	immcu_answered(leg, code);
}

static void on_answer(void *arg, struct sip_ctx *t UNUSED, struct sip_msg *m)
{
	if (m->status >= 200)
		answered(arg, m->status);
}

static void on_failed(void *arg, struct sip_ctx *t UNUSED, enum sip_fail why)
{
	answered(arg, why == SIP_FAIL_TIMEOUT ? 408 : 503);
}

static void on_ended(void *arg UNUSED, struct sip_ctx *t UNUSED)
{
}

static const struct sip_ctx_ops send_ops = { .response = on_answer,
	                                     .failed = on_failed,
	                                     .ended = on_ended };

static void op_send(void *arg, struct immcu_leg *leg, const struct immcu_message *m)
{
	struct mcu_im *mi = arg;
	char branch[SIP_BRANCH_LEN + 1];
	struct buf *b;
	struct send *s = xnew(struct send);
	struct mi_outgoing o = mi_outgoing_of(leg, SIP_MESSAGE, immcu_leg_dialog(leg)->local_cseq);
	struct sip_flow *f = mi_begin(mi, &o, &b, branch);
	s->mi = mi;
	s->leg = leg;
	*immcu_leg_user(leg) = s;
	list_add(&mi->sends, &s->node);
	if (!f) {
		loop_defer(mi->env->loop, &mi->tell);
		return;
	}
	sip_put_hdr(b, STR("Ms-Sender"), m->sender);
	buf_printf(b, "Message-Id: %" PRIu64 "\r\n", m->number);
	if (is_pager(leg))
		mi_put_page(b, leg, m);
	else
		sip_put_body(b, m->type, m->body);
	s->ctx = sip_ctx_new(mi->stack, f, buf_view(b), SIP_MESSAGE, branch, &send_ops, s);
}

void mi_leg_gone(struct immcu_leg *leg)
{
	struct send *s = *immcu_leg_user(leg);
	if (!s)
		return;
	if (s->ctx)
		sip_ctx_forget(s->ctx);
	send_free(s);
}

/* What its client is told by the BYE; to a phone a message is sent. */
/* clang-format off */
static const enum refusal reasons[] = {
	[IMMCU_REMOVED]   = REFUSE_CONF_LEFT,
	[IMMCU_REPLACED]  = REFUSE_CONF_LEFT,
	[IMMCU_SILENT]    = REFUSE_NOT_REACHED,
	[IMMCU_SLOW]      = REFUSE_LEG_SLOW,
	[IMMCU_FORGOTTEN] = REFUSE_NOTHING,
};
/* clang-format on */

static void op_end(void *arg, struct immcu_leg *leg, enum immcu_end why)
{
	struct mcu_im *mi = arg;
	mi_leg_gone(leg);
	if (why != IMMCU_FORGOTTEN && (why == IMMCU_REMOVED || !is_pager(leg)))
		mi_part(mi, leg, reasons[why]);
}

/* --- to the focus --------------------------------------------------------------------------- */

static void op_changed(void *arg, struct immcu_room *r)
{
	struct mcu_im *mi = arg;
	size_t len = strlen(r->focus) + 1;
	struct mark *m = xcalloc(1, sizeof(*m) + len);
	memcpy(m->focus, r->focus, len);
	list_add(&mi->to_tell, &m->node);
	loop_defer(mi->env->loop, &mi->tell);
}

static void tell_changes(struct mcu_im *mi, struct immcu_room *r)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct confinfo ci;
	immcu_changes(&ci, a, r);
	mi_notify(mi, r, &ci);
	immcu_changes_done(r);
	r->n_told = r->n_said;
}

static void on_tell(void *arg)
{
	struct mcu_im *mi = arg;
	while (!list_empty(&mi->to_tell)) {
		struct mark *m = list_entry(mi->to_tell.next, struct mark, node);
		struct immcu_room *r = immcu_find(mi->engine, str_of(m->focus));
		list_del(&m->node);
		free(m);
		if (r && r->changed)
			tell_changes(mi, r);
	}
	list_for(it, &mi->sends)
	{
		struct send *s = list_entry(it, struct send, node);
		if (!s->ctx) {
			answered(s, 503);
			loop_defer(mi->env->loop, &mi->tell); /* others may be without a way too */
			break;
		}
	}
}

void mi_tell_all(struct mcu_im *mi, uint32_t slot)
{
	size_t at = 0;
	struct map_node *after = NULL;
	for (struct immcu_room *r; (r = immcu_walk(mi->engine, &at, &after)) != NULL;) {
		auto_(arena_free) struct arena *a = arena_new();
		struct confinfo ci;
		if (r->home != slot)
			continue;
		immcu_roster(&ci, a, r);
		mi_notify(mi, r, &ci);
	}
	mi_notify_all_told(mi, slot);
}

/* Rooms in which somebody writes are not idle. */
static void on_touch(void *arg)
{
	struct mcu_im *mi = arg;
	size_t at = 0;
	struct map_node *after = NULL;
	for (struct immcu_room *r; (r = immcu_walk(mi->engine, &at, &after)) != NULL;)
		if (r->n_told != r->n_said)
			tell_changes(mi, r);
	timer_set(&mi->touch, loop_now(mi->env->loop) + MI_TOUCH_S * USEC_PER_SEC);
}

const struct immcu_ops mi_ops = { .send = op_send, .end = op_end, .changed = op_changed };

void mi_out_init(struct mcu_im *mi)
{
	list_init(&mi->to_tell);
	list_init(&mi->sends);
	mi_partings_init(mi);
	defer_init(&mi->tell, on_tell, mi);
	timer_init(&mi->touch, mi->env->loop, on_touch, mi);
	on_touch(mi);
}

/* The stack, with the transactions, has been freed before. */
void mi_out_free(struct mcu_im *mi)
{
	defer_cancel(&mi->tell);
	timer_stop(&mi->touch);
	list_for(it, &mi->to_tell) free(list_entry(it, struct mark, node));
	list_for(it, &mi->sends) free(list_entry(it, struct send, node));
	mi_partings_free(mi);
}
