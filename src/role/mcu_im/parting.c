#include <stdlib.h>

#include "role/mcu_im/mi.h"

/* What a leg is told at its end: BYE, or a phone a message that it is out.
 *
 * The leg is gone by then, so all that is needed is copied.  A parting waits while no front end of
 * the room's host is there, and is said again if its connection breaks before the answer: a client
 * that has heard it twice answers 481, and a phone knows the Call-ID. */

enum {
	PARTINGS_MAX = 10000, /* above, the oldest is not waited for any more */
	PARTING_S = 600,      /* so long it may wait */
	RETRY_S = 60,         /* by then, whatever else broke with a connection is known */
	UNTOLD_LINES_PER_S = 20,
};

struct parting {
	struct list node; /* of mi->partings */
	struct mcu_im *mi;
	struct arena *arena; /* in which this lies */
	struct mi_outgoing out;
	struct str user;
	enum refusal why;
	struct sip_ctx *ctx; /* NULL: it waits */
	usec_t until;
};

static void parting_free(struct parting *p)
{
	struct arena *a = p->arena;
	if (p->ctx)
		sip_ctx_forget(p->ctx);
	list_del(&p->node);
	p->mi->n_partings--;
	arena_free(&a);
}

static void give_up(struct parting *p)
{
	struct mcu_im *mi = p->mi;
	mi->n_untold++;
	if (log_allow(&mi->untold_limit, loop_now(mi->env->loop), UNTOLD_LINES_PER_S))
		log_info(NULL, "end-untold", "conference=%s user=%s", log_esc(p->out.focus),
		         log_esc(p->user));
	parting_free(p);
}

/* What has been said and not answered is not lost yet. */
static void drop_oldest(struct mcu_im *mi)
{
	struct parting *p = list_entry(mi->partings.next, struct parting, node);
	(p->ctx ? parting_free : give_up)(p);
}

/* --- saying it ------------------------------------------------------------------------------ */

static void on_answer(void *arg, struct sip_ctx *t UNUSED, struct sip_msg *m)
{
	if (m->status >= 200)
		parting_free(arg);
}

static void wake(struct mcu_im *mi, unsigned in_s)
{
	usec_t when = loop_now(mi->env->loop) + in_s * USEC_PER_SEC;
	if (when < mi->parting.tick.deadline)
		timer_set(&mi->parting, when);
}

/* After one connection to another host broke, the others may be as dead, and what is sent by them
 * would only delay that this is found out (the time without an acknowledgement starts anew).  One
 * that has come in its place is good. */
static bool may_try_at_once(const struct mcu_im *mi, const struct sip_flow *broken)
{
	const struct sip_flow *now = mi->fes[broken->sock];
	return !mi->hosts || (now && now != broken);
}

static void on_failed(void *arg, struct sip_ctx *t, enum sip_fail why)
{
	struct parting *p = arg;
	if (why != SIP_FAIL_TRANSPORT) {
		parting_free(p); /* the client does not answer */
		return;
	}
	p->ctx = NULL;
	wake(p->mi, may_try_at_once(p->mi, sip_ctx_flow(t)) ? 0 : RETRY_S);
	sip_ctx_forget(t);
}

static void on_ended(void *arg UNUSED, struct sip_ctx *t UNUSED)
{
}

static const struct sip_ctx_ops parting_ops = { .response = on_answer,
	                                        .failed = on_failed,
	                                        .ended = on_ended };

/* If there is a way. */
static void say(struct parting *p)
{
	struct mcu_im *mi = p->mi;
	char branch[SIP_BRANCH_LEN + 1];
	struct buf *b;
	struct sip_flow *f = mi_begin(mi, &p->out, &b, branch);
	if (!f)
		return;
	if (p->out.method == SIP_MESSAGE) {
		mi_put_page_end(b);
	} else {
		refusal_put(b, p->why, mi->env->self->fqdn);
		sip_put_body(b, STR(""), STR(""));
	}
	p->ctx = sip_ctx_new(mi->stack, f, buf_view(b), p->out.method, branch, &parting_ops, p);
}

/* --- waiting -------------------------------------------------------------------------------- */

/* A phone that has joined again meanwhile would be told that it is out. */
static bool is_back(const struct parting *p)
{
	const struct immcu_room *r = immcu_find(p->mi->engine, p->out.focus);
	return p->out.dialog->pager && r && immcu_pager_of(r, p->user);
}

static void on_timer(void *arg)
{
	struct mcu_im *mi = arg;
	usec_t now = loop_now(mi->env->loop);
	bool any = false;
	list_for(it, &mi->partings)
	{
		struct parting *p = list_entry(it, struct parting, node);
		if (p->ctx)
			continue;
		if (now >= p->until) {
			give_up(p);
		} else if (is_back(p)) {
			parting_free(p);
		} else {
			say(p);
			any = any || !p->ctx;
		}
	}
	if (any)
		wake(mi, RETRY_S);
}

void mi_part_again(struct mcu_im *mi)
{
	wake(mi, 0);
}

/* --- life ----------------------------------------------------------------------------------- */

static const struct confinfo_leg *copy_dialog(struct arena *a, const struct confinfo_leg *leg)
{
	struct confinfo_leg *l = arena_alloc(a, sizeof(*l));
	*l = *leg;
	l->call_id = arena_str(a, leg->call_id);
	l->local_tag = arena_str(a, leg->local_tag);
	l->remote_tag = arena_str(a, leg->remote_tag);
	l->remote = arena_str(a, leg->remote);
	l->contact = arena_str(a, leg->contact);
	l->route = arena_str(a, leg->route);
	return l;
}

static struct parting *parting_new(struct mcu_im *mi, const struct immcu_leg *leg)
{
	const struct confinfo_leg *dialog = immcu_leg_dialog(leg);
	struct arena *a = arena_new();
	struct parting *p = arena_alloc(a, sizeof(*p));
	p->mi = mi;
	p->arena = a;
	p->out = mi_outgoing_of(leg, dialog->pager ? SIP_MESSAGE : SIP_BYE, dialog->local_cseq + 1);
	p->out.dialog = copy_dialog(a, dialog);
	p->out.focus = arena_str(a, p->out.focus);
	p->out.subject = arena_str(a, p->out.subject);
	p->user = arena_str(a, str_of(immcu_leg_person(leg)->uri));
	p->until = loop_now(mi->env->loop) + PARTING_S * USEC_PER_SEC;
	list_add(&mi->partings, &p->node);
	mi->n_partings++;
	return p;
}

void mi_part(struct mcu_im *mi, const struct immcu_leg *leg, enum refusal why)
{
	if (mi->n_partings == PARTINGS_MAX)
		drop_oldest(mi);
	struct parting *p = parting_new(mi, leg);
	p->why = why;
	say(p);
	if (!p->ctx)
		mi_part_again(mi);
}

void mi_partings_init(struct mcu_im *mi)
{
	list_init(&mi->partings);
	timer_init(&mi->parting, mi->env->loop, on_timer, mi);
}

void mi_partings_free(struct mcu_im *mi)
{
	timer_stop(&mi->parting);
	list_for(it, &mi->partings)
	{
		struct parting *p = list_entry(it, struct parting, node);
		p->ctx = NULL; /* it went with the stack */
		parting_free(p);
	}
}
