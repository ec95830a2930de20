#include <errno.h>
#include <inttypes.h>

#include "base/rand.h"
#include "role/frontend/fe.h"

/* The home half: from the caller's home to the callee's, and out to the endpoints.  Where both live
 * in one process, and the connections too, a request is looked at once and sent on. */

/* Rendezvous hash over the configured processes: a change of their number moves as few users as can
 * be. */
uint32_t fe_owner(const struct frontend *fe, uint64_t account)
{
	uint64_t best = 0;
	uint32_t owner = 0;
	if (fe->env->n_slots == 1)
		return 0;
	for (uint32_t i = 0; i < fe->env->n_slots; i++) {
		uint64_t part[2] = { account, i };
		uint64_t h = hash_bytes(&fe->key.mac, part, sizeof(part));
		if (i == 0 || h > best) {
			best = h;
			owner = i;
		}
	}
	return owner;
}

/* The callee is known. */
static void to_callee(struct task *t)
{
	char route[96];
	struct buf rb = BUF_ON(route);
	uint32_t slot = fe_owner(t->fe, t->callee);
	fe_call_starts(t);
	if (slot == t->fe->env->slot) {
		fe_terminate(t);
		return;
	}
	buf_printf(&rb, "<sip:t.%" PRIx64 ".%" PRIx64 "@" FE_LINK_DOMAIN ";lr>", t->callee,
	           t->callee_endpoint);
	fe_to_slot(t, slot, buf_view(&rb), to_callee);
}

static void not_found(struct task *t)
{
	task_refuse(t, REFUSE_USER, STR(""));
}

static void look_up(struct task *t);

static void found(struct task *t, const struct account *acc)
{
	if (!acc || acc->disabled) {
		t->key_now++;
		look_up(t);
		return;
	}
	if (acc->group) {
		task_refuse(t, REFUSE_GROUP, STR(""));
		return;
	}
	t->callee = acc->id;
	t->callee_endpoint = t->target.endpoint;
	to_callee(t);
}

static void on_lookup(void *arg, int err, const struct account *acc)
{
	struct task *t = arg;
	t->lookup = NULL; /* it ends with this call */
	if (err == 0 || err == -ENOENT)
		found(t, err ? NULL : acc);
	else
		task_refuse(t, REFUSE_ACCOUNTS_DOWN, STR("Retry-After: 5\r\n"));
}

/* Tries the target's keys in turn: the address, then the number. */
static void look_up(struct task *t)
{
	bool absent = false;
	if (t->key_now >= t->target.n_keys) {
		not_found(t);
		return;
	}
	struct str key = t->target.keys[t->key_now];
	const struct account *acc = accounts_cached(t->fe->accounts, key, &absent);
	if (acc || absent) {
		found(t, acc);
		return;
	}
	t = task_keep(t);
	t->lookup = accounts_lookup(t->fe->accounts, t->target.keys[t->key_now], on_lookup, t);
}

void fe_route_target(struct task *t)
{
	switch (t->target.kind) {
	case TARGET_USER:
		look_up(t);
		break;
	case TARGET_GRUU:
		t->callee = t->target.account;
		t->callee_endpoint = t->target.endpoint;
		to_callee(t);
		break;
	case TARGET_SELF:
		not_found(t);
		break;
	case TARGET_FOREIGN:
		task_refuse(t, REFUSE_DOMAIN, STR(""));
		break;
	case TARGET_BAD:
		task_refuse(t, REFUSE_SCHEME, STR(""));
		break;
	}
}

/* What the home half answers itself.  A SUBSCRIBE to one endpoint (its dialog, its own packages) is
 * passed on. */
static bool is_for_home(const struct task *t)
{
	struct token own;
	if (t->msg->method == SIP_SERVICE || t->msg->method == SIP_PUBLISH)
		return true;
	if (t->msg->method != SIP_SUBSCRIBE)
		return false;
	return fe_names_dialog(t, &own) || (t->target.kind != TARGET_GRUU && !t->target.endpoint);
}

/* To the home of the conference's organizer, or its MCU.  The sender's home has no part in it but
 * that it remembers what is said. */
static bool to_conference(struct task *t)
{
	if (!fe_is_conference(t))
		return false;
	if (t->msg->method == SIP_MESSAGE && t->fe->cfg.history) {
		if (fe_owner(t->fe, t->who.account) != t->fe->env->slot)
			return false; /* there first */
		t->tap_from = t->who.account;
	}
	if (!(t = fe_filter(t)) || !fe_may_change(t))
		return true;
	if (fe_to_mcu(t))
		return true;
	char text[CONF_URI_MAX];
	struct buf organizer = BUF_ON(text);
	struct conf_uri cu;
	if (conf_uri_read(&cu, &organizer, t->msg->uri) < 0) {
		task_refuse(t, REFUSE_NO_CONFERENCE, STR(""));
		return true;
	}
	target_read(&t->target, &t->fe->self, &t->fe->key, buf_view(&organizer));
	fe_route_target(t);
	return true;
}

static void serve_at_home(struct task *t)
{
	if (t->msg->method == SIP_SERVICE)
		fe_service_home(t);
	else if (t->msg->method == SIP_PUBLISH)
		fe_publish_home(t);
	else
		fe_subscribe_home(t);
}

void fe_originate(struct task *t)
{
	struct frontend *fe = t->fe;
	char route[64];
	struct buf rb = BUF_ON(route);
	uint32_t slot = fe_owner(fe, t->who.account);
	if (to_conference(t))
		return;
	if (slot != fe->env->slot) {
		buf_printf(&rb, "<sip:o.%" PRIx64 "@" FE_LINK_DOMAIN ";lr>", t->who.account);
		fe_to_slot(t, slot, buf_view(&rb), fe_originate);
		return;
	}
	t->tap_from = t->receipt ? 0 : t->who.account;
	if (!(t = fe_filter(t)) || !fe_may_change(t))
		return;
	target_read(&t->target, &fe->self, &fe->key, t->msg->uri);
	if (is_for_home(t))
		serve_at_home(t);
	else
		fe_route_target(t);
}

/* pidgin-sipe, which gives up while it rings, sends BYE without the dialog's tag, which its own
 * kind understands, instead of CANCEL. */
static bool ends_ringing(struct task *t)
{
	if (t->msg->method != SIP_BYE || !fe_end_ringing(t->fe, t->msg))
		return false;
	task_reply(t, 200, STR(""), STR(""));
	return true;
}

void fe_terminate(struct task *t)
{
	struct frontend *fe = t->fe;
	t->target.secure = t->secure;
	if (fe_focus(t) || ends_ringing(t))
		return;
	t->tap_to = t->callee;
	if (t->from_link)
		fe_call_starts(t);
	if (fe_room_typing(t) || fe_keeps_order(t) || fe_change(t))
		return;
	struct home_user *callee = registrar_user(fe->registrar, t->callee);
	if (callee && fe_invite_phones(t, callee))
		return;
	if (callee && fe_hears_elsewhere(t, callee)) {
		task_reply(t, 200, STR(""), STR(""));
		return;
	}
	char stage = callee ? fe_im_stage(t, callee) : 0;
	t->quiet = callee && t->msg->method == SIP_INVITE && !im_is_invite(t->msg) &&
	           fe_is_quiet(fe, home_user_aor(callee), t->who.uri);
	if (callee && fe_refuses_media(t, callee))
		return;
	fe_tell_call(t);
	if (callee && !stage && fe_told_by_history(t, callee))
		return;
	if (callee && (fe_has_endpoint(t, callee) || stage)) {
		fe_fork(t, callee, stage);
		return;
	}
	/* What is said in a conference is kept for who is away, not for who has no phone there. */
	if (!(callee && fe_is_of_conference(t->msg)) && fe_keep(t))
		return;
	task_refuse(t,
	            t->quiet              ? REFUSE_DND
	            : t->secure && callee ? REFUSE_NO_SECURE_ENDPOINT
	                                  : REFUSE_NO_ENDPOINT,
	            STR(""));
}

/* --- who is called, from another home -------------------------------------------------------- */

static void name_callee(struct task *t);

static void on_named(void *arg, int err, const struct account *acc)
{
	struct task *t = arg;
	t->lookup = NULL; /* it ends with this call */
	if (err == -ENOENT || (err == 0 && acc->id != t->callee)) {
		t->key_now++;
		name_callee(t);
		return;
	}
	if (err < 0)
		t->key_now = t->target.n_keys; /* it goes on without */
	fe_terminate(t);
}

/* The key that is hers, if she was called by one. */
static void name_callee(struct task *t)
{
	for (; t->key_now < t->target.n_keys; t->key_now++) {
		bool absent = false;
		struct str key = t->target.keys[t->key_now];
		const struct account *acc = accounts_cached(t->fe->accounts, key, &absent);
		if (!acc && !absent) {
			t = task_keep(t);
			t->lookup = accounts_lookup(t->fe->accounts, t->target.keys[t->key_now],
			                            on_named, t);
			return;
		}
		if (acc && acc->id == t->callee)
			break;
	}
	fe_terminate(t);
}

void fe_terminate_from_home(struct task *t)
{
	struct frontend *fe = t->fe;
	bool remembers = t->msg->method == SIP_MESSAGE || t->msg->method == SIP_INVITE;
	if (!remembers || registrar_user(fe->registrar, t->callee)) {
		fe_terminate(t);
		return;
	}
	target_read(&t->target, &fe->self, &fe->key, t->msg->uri);
	name_callee(t);
}

/* From another process that knows the endpoint: its connection is here. */
void fe_way_out(struct task *t)
{
	struct frontend *fe = t->fe;
	struct sip_flow *f = token_flow(&t->peer_end.hint, fe->tp, fe->env->slot);
	char rr[256];
	struct buf rb = BUF_ON(rr);
	/* The home tries the endpoint's next flow then (RFC 5626 section 5.3). */
	struct sip_branch_spec b = { .flow = f, .tag = t->peer_end.endpoint, .lost_code = 430 };
	if (fe_is_mcu(t->flow)) {
		fe_in_dialog_home(t); /* it knows no more than where the client was once */
		return;
	}
	if (t->peer_end.hint.reach == TOKEN_DIALOG) {
		fe_own_dialog(t, &t->peer_end);
		return;
	}
	if (!f && t->peer_end.hint.slot != fe->env->slot) {
		/* The end of a dialog that nobody owns (stack/sip/orphan.h): its first hop was
		 * ours. */
		fe_send_there(t, &t->peer_end, (struct str){ NULL, 0 });
		return;
	}
	if (!f) {
		task_refuse(t, REFUSE_FLOW, STR(""));
		return;
	}
	if (!fe_is_safe(t, f)) {
		task_refuse(t, REFUSE_NO_SECURE_ENDPOINT, STR(""));
		sip_flow_unref(&f);
		return;
	}
	b.tcp_too = fe_takes_tcp(fe, f, t->msg->uri);
	fe_edit(t, &b.edit, true);
	if (fe_makes_dialog(t->msg) && !fe_has_to_tag(t->msg)) {
		fe_put_record_route(t, &rb, f, &t->peer_end);
		b.edit.record_route = buf_view(&rb);
	}
	fe_send(t, &b);
	sip_flow_unref(&f);
}
