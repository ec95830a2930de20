#include <inttypes.h>

#include "role/frontend/fe.h"

/* Requests inside a dialog: their Route holds the tokens of both ends, which say where to go
 * without any memory of the dialog.  They pass the homes of both users, as the first request did.
 */

/* What the home itself says in a conversation it translates, it has remembered already. */
static bool is_own_request(const struct task *t)
{
	return t->from_link && t->flow->sock == t->fe->env->slot;
}

/* A home that is just being started is passed by: it has nothing to add to a dialog, but to what
 * is said in it. */
static bool passes_by(const struct task *t, uint32_t slot)
{
	if (slot == t->fe->env->slot)
		return true;
	return !fe_link_to(t->fe, slot) && t->msg->method != SIP_MESSAGE;
}

/* Routes for the next process: a stage, then the other end's token. */
static void put_stage(struct buf *b, const struct task *t, char letter, uint64_t account)
{
	const char *unsure = t->unsure ? ".1" : "";
	buf_printf(b, "<sip:%c.%" PRIx64 "%s@" FE_LINK_DOMAIN ";lr>, <%s:", letter, account, unsure,
	           fe_scheme(t));
	token_put(b, &t->fe->key, &t->peer_end);
	buf_lit(b, "@" FE_LINK_DOMAIN ";lr>");
}

/* Both ends know the tokens of both.  The sender's end is hers by the place that its token names,
 * or by a connection on which she has signed in since. */
static bool is_at_its_end(const struct task *t)
{
	const struct token_hint *h = &t->self_end.hint;
	const struct sip_flow *f = t->flow;
	struct access_identity id;
	char text[ACCESS_URI_MAX + 8];
	struct buf b = BUF_ON(text);
	bool here = h->slot == t->fe->env->slot;
	if (f->kind == SIP_UDP)
		return here && h->reach == TOKEN_UDP && h->sock == f->sock &&
		       addr_eq(&h->peer, &f->peer);
	if (here && h->reach == TOKEN_STREAM && h->flow == f->id)
		return true;
	return access_vouched(t->fe->access, f, sip_bare_aor(sip_from_uri(t->msg), &b), &id) &&
	       id.account == t->self_end.account;
}

/* What the sender's home looks at would pass it by on a route without its token. */
static bool evades_home(const struct task *t)
{
	enum sip_method m = t->msg->method;
	return !t->has_self && (m == SIP_MESSAGE || m == SIP_INFO || m == SIP_INVITE);
}

void fe_in_dialog(struct task *t)
{
	struct frontend *fe = t->fe;
	char route[256];
	struct buf rb = BUF_ON(route);
	if (evades_home(t)) {
		task_refuse(t, REFUSE_BAD_ROUTE, STR(""));
		return;
	}
	uint64_t account = t->has_self ? t->self_end.account : 0;
	t->unsure = t->msg->method == SIP_MESSAGE && !(account && is_at_its_end(t));
	uint32_t slot = account ? fe_owner(fe, account) : fe->env->slot;
	if (passes_by(t, slot)) {
		if (slot == fe->env->slot)
			t->who.account = account;
		fe_in_dialog_home(t);
		return;
	}
	put_stage(&rb, t, 'o', account);
	fe_to_slot(t, slot, buf_view(&rb), fe_in_dialog);
}

/* Inside a dialog nobody looks at From: what homes remember of it must bear the name of whose end
 * it is. */
static bool bears_her_name(const struct task *t)
{
	char text[ACCESS_URI_MAX + 8];
	struct buf b = BUF_ON(text);
	const struct home_user *u = registrar_user(t->fe->registrar, t->who.account);
	return u && str_ieq(home_user_aor(u), sip_bare_aor(sip_from_uri(t->msg), &b));
}

static void observe(struct task *t)
{
	if (t->msg->method != SIP_BYE)
		return;
	calls_ended(t->fe->calls, t->msg->call_id, 0);
	(void)fe_end_ringing(t->fe, t->msg);
}

void fe_in_dialog_home(struct task *t)
{
	struct frontend *fe = t->fe;
	char route[256];
	struct buf rb = BUF_ON(route);
	uint64_t account = t->peer_end.account;
	uint32_t slot = account ? fe_owner(fe, account) : fe->env->slot;
	observe(t);
	if (fe_is_change(t->msg)) { /* nobody would look who may */
		task_refuse(t, REFUSE_CONTENT, STR(""));
		return;
	}
	bool hers = !is_own_request(t) && t->who.account &&
	            fe_owner(fe, t->who.account) == fe->env->slot;
	if (hers && t->msg->method == SIP_MESSAGE && !bears_her_name(t))
		t->unsure = true;
	if (hers && !t->unsure)
		t->tap_from = t->who.account;
	if (hers && !(t = fe_filter(t)))
		return;
	if (passes_by(t, slot)) {
		fe_in_dialog_end(t);
		return;
	}
	put_stage(&rb, t, 't', account);
	fe_to_slot(t, slot, buf_view(&rb), fe_in_dialog_home);
}

/* Where the other end is now; the token's own flow is the hint to fall back on. */
static struct binding *current_binding(struct task *t)
{
	struct home_user *u = registrar_user(t->fe->registrar, t->peer_end.account);
	struct binding *b = NULL;
	if (!u)
		return NULL;
	if (t->peer_end.endpoint)
		b = registrar_endpoint(u, t->peer_end.endpoint);
	return b ? b : registrar_contact(u, t->msg->uri);
}

/* A Request-URI that names us (a GRUU in the peer's Contact) becomes the contact itself. */
static struct str new_uri(const struct task *t, const struct binding *b)
{
	struct sip_uri u;
	if (b && sip_uri_parse(&u, t->msg->uri) == 0 &&
	    (u.scheme == SIP_SCHEME_SIP || u.scheme == SIP_SCHEME_SIPS) &&
	    topo_is_our_domain(t->fe->self.topo, u.host))
		return binding_text(b, BINDING_CONTACT);
	return (struct str){ NULL, 0 };
}

void fe_send_there(struct task *t, const struct token *end, struct str uri)
{
	struct frontend *fe = t->fe;
	char route[TOKEN_TEXT_MAX + 64];
	struct buf rb = BUF_ON(route);
	struct sip_branch_spec b = { .tag = end->endpoint };
	if (end->hint.slot >= fe->env->n_slots || !fe_link_to(fe, end->hint.slot)) {
		task_refuse(t, REFUSE_LOST, STR(""));
		return;
	}
	b.flow = fe_link_to(fe, end->hint.slot);
	buf_printf(&rb, "<%s:", fe_scheme(t));
	token_put(&rb, &fe->key, end);
	buf_lit(&rb, "@" FE_LINK_DOMAIN ";lr>");
	fe_edit(t, &b.edit, false);
	b.edit.uri = uri;
	b.edit.push_routes = buf_view(&rb);
	fe_send(t, &b);
}

static void try_again(struct task *t)
{
	fe_in_dialog_end(t);
}

/* Does another process hold the end's connection? */
static bool is_there(const struct frontend *fe, const struct token *end)
{
	return end->hint.reach != TOKEN_NOWHERE && end->hint.slot != fe->env->slot &&
	       end->hint.slot < fe->env->n_slots && fe_link_to(fe, end->hint.slot);
}

/* A browser has no dialog for texts: it shows the name that stands there. */
static bool would_mislead(const struct task *t, const struct binding *b)
{
	return t->unsure && (!b || fe_is_browser(b));
}

void fe_in_dialog_end(struct task *t)
{
	struct frontend *fe = t->fe;
	struct binding *bd = current_binding(t);
	struct token end = t->peer_end;
	observe(t);
	if (would_mislead(t, bd)) {
		task_refuse(t, REFUSE_NOT_OWN_FROM, STR(""));
		return;
	}
	if (!is_own_request(t) && !t->unsure && end.account &&
	    fe_owner(fe, end.account) == fe->env->slot)
		t->tap_to = end.account;
	if (bd)
		end.hint = binding_hint(bd);
	struct sip_flow *f = token_flow(&end.hint, fe->tp, fe->env->slot);
	struct sip_branch_spec b = { .flow = f, .tag = end.endpoint };
	if (f && !fe_is_safe(t, f)) {
		task_refuse(t, REFUSE_NO_SECURE_ENDPOINT, STR(""));
		sip_flow_unref(&f);
	} else if ((f || is_there(fe, &end)) && fe_by_bridge(t, bd, &end, new_uri(t, bd))) {
		sip_flow_unref(&f);
	} else if (f) {
		fe_edit(t, &b.edit, true);
		b.edit.uri = new_uri(t, bd);
		b.tcp_too = fe_takes_tcp(fe, f, b.edit.uri.p ? b.edit.uri : t->msg->uri);
		fe_send(t, &b);
		sip_flow_unref(&f);
	} else if (is_there(fe, &end)) {
		fe_send_there(t, &end, new_uri(t, bd));
	} else if (t->tries < FE_RETRIES_MAX) {
		task_retry(t, try_again); /* its client may be on its way back */
	} else if (!fe_tell_bridge(t, &end)) {
		task_refuse(t, REFUSE_NOT_CONNECTED, STR(""));
	}
}
