#include <errno.h>
#include <stdlib.h>

#include "role/frontend/fe.h"
#include "svc/access/dialect.h"
#include "wire/xml/xml.h"

/* SUBSCRIBE at the subscriber's home: her own data, the presence of others, and what else the home
 * tells.  Packages stand in one table; each has a file or a section of its own. */

/* --- how notifications leave --------------------------------------------------------------- */

/* A phone is where its newest binding says; a Lync client on the connection it came by. */
static struct sip_flow *sub_flow(void *arg, const struct sub *s, struct token_hint *ret_hint)
{
	struct frontend *fe = arg;
	struct home_user *u = s->lync ? NULL : registrar_user(fe->registrar, s->account);
	struct binding *b = u && s->endpoint ? registrar_endpoint(u, s->endpoint) : NULL;
	if (b)
		*ret_hint = binding_hint(b);
	if (ret_hint->slot != fe->env->slot) {
		struct sip_flow *link = fe_link_to(fe, ret_hint->slot);
		return link ? sip_flow_ref(link) : NULL;
	}
	return token_flow(ret_hint, fe->tp, fe->env->slot);
}

static void sub_route(void *arg, struct buf *b, const struct token *end)
{
	struct frontend *fe = arg;
	buf_lit(b, "<sip:");
	token_put(b, &fe->key, end);
	buf_lit(b, "@" FE_LINK_DOMAIN ";lr>");
}

static void sub_contact(void *arg, struct buf *b, uint64_t account, uint64_t id)
{
	struct frontend *fe = arg;
	struct token own = {
		.account = account,
		.hint = { .reach = TOKEN_DIALOG, .slot = (uint8_t)fe->env->slot, .flow = id }
	};
	buf_lit(b, "sip:");
	token_put(b, &fe->key, &own);
	buf_char(b, '@');
	buf_str(b, fe->env->self->fqdn);
	buf_lit(b, ";transport=tls");
}

static const struct sub_ops sub_ops = { .flow = sub_flow,
	                                .put_route = sub_route,
	                                .put_contact = sub_contact };

struct subs *fe_subs_new(struct frontend *fe)
{
	struct subs_config cfg = {
		.loop = fe->loop, .stack = fe->stack, .ops = &sub_ops, .arg = fe
	};
	return subs_new(&cfg);
}

/* --- the own data: vnd-microsoft-roaming-self ----------------------------------------------- */

struct self_sub {
	struct sub sub;
	struct self_watch watch;
	struct person *person;
	unsigned parts;
};

static bool compose_self(struct sub *s, bool all, struct buf *b, struct str *ret_type)
{
	struct self_sub *me = container_of(s, struct self_sub, sub);
	struct presence_dirty *d = &me->watch.dirty;
	struct self_parts parts = { .removed = d };
	for (int i = 0; i < N_CONTAINERS; i++)
		parts.categories |= all ? CATEGORY_ALL : d->category[i];
	parts.containers = all ? SELF_CONTAINERS : d->containers;
	parts.subscribers = (all || d->subscribers) && (me->parts & ROAMING_SUBSCRIBERS);
	if (!(me->parts & ROAMING_CATEGORIES))
		parts.categories = 0;
	parts.has_containers = parts.containers && (me->parts & ROAMING_CONTAINERS);
	if (all)
		parts.removed = NULL;
	if (parts.categories || parts.has_containers || parts.subscribers || all)
		doc_put_self(b, &me->person->p, &parts);
	*d = (struct presence_dirty){ 0 };
	*ret_type = STR("application/vnd-microsoft-roaming-self+xml");
	return b->len > 0;
}

static void free_self(struct sub *s)
{
	struct self_sub *me = container_of(s, struct self_sub, sub);
	list_del(&me->watch.of_person);
	person_maybe_reap(me->person);
	free(me);
}

static const struct sub_package self_package = { .event = STR_INIT("vnd-microsoft-roaming-self"),
	                                         .compose = compose_self,
	                                         .free = free_self };

static enum refusal start_self(struct task *t, struct person *p, const struct sub_ask *ask,
                               struct sub **ret)
{
	auto_(arena_free) struct arena *a = arena_new();
	unsigned parts = ROAMING_CATEGORIES | ROAMING_CONTAINERS | ROAMING_SUBSCRIBERS;
	if (t->msg->body.len > 0 && roaming_read(&parts, a, t->msg->body) < 0)
		return REFUSE_BAD_BODY;
	struct self_sub *me = xnew(struct self_sub);
	int r = sub_start(t->fe->subs, &me->sub, &self_package, ask);
	if (r < 0) {
		free(me);
		return fe_sub_refusal(r);
	}
	me->person = p;
	me->parts = parts;
	me->watch.sub = &me->sub;
	list_add(&p->selves, &me->watch.of_person);
	*ret = &me->sub;
	return REFUSE_NOTHING;
}

/* --- the list of contacts: vnd-microsoft-roaming-contacts ------------------------------------ */

/* Changes that wait to be told, each a document of its own: merged they would lose their order. */
struct roster_sub {
	struct sub sub;
	struct roster_watch watch;
	struct person *person;
	struct buf deltas;
	bool anew;        /* more changes than are kept: the whole list instead */
	bool keeps_group; /* does not survive to hear that a group is gone which it has */
};

enum { ROSTER_DELTAS_MAX = 256 * 1024 };

/* The other elements of the delta stand, and its number counts on. */
static void put_delta(struct buf *b, struct str delta, bool keeps_group)
{
	struct str gone = STR("<deletedGroup ");
	ssize_t at = keeps_group ? str_find(delta, gone) : -1;
	buf_str(b, at < 0 ? delta : str_sub(delta, 0, (size_t)at));
	if (at < 0)
		return;
	struct str rest = str_sub(delta, (size_t)at, delta.len);
	buf_str(b, str_sub(rest, (size_t)str_chr(rest, '>') + 1, rest.len));
}

static bool compose_roster(struct sub *s, bool all, struct buf *b, struct str *ret_type)
{
	struct roster_sub *me = container_of(s, struct roster_sub, sub);
	struct str waiting = buf_view(&me->deltas), end = STR("</contactDelta>\r\n");
	*ret_type = STR("application/vnd-microsoft-roaming-contacts+xml");
	if (all || me->anew) {
		contacts_put(b, &me->person->contacts, STR(" ucsmode=\"none\""));
		buf_free(&me->deltas);
		me->deltas = buf_of(ROSTER_DELTAS_MAX);
		me->anew = false;
		return true;
	}
	ssize_t at = str_find(waiting, end);
	if (at < 0)
		return false;
	put_delta(b, str_sub(waiting, 0, (size_t)at + end.len), me->keeps_group);
	buf_drop(&me->deltas, (size_t)at + end.len);
	if (me->deltas.len > 0)
		sub_touch(s);
	return true;
}

static void free_roster(struct sub *s)
{
	struct roster_sub *me = container_of(s, struct roster_sub, sub);
	list_del(&me->watch.of_person);
	person_maybe_reap(me->person);
	buf_free(&me->deltas);
	free(me);
}

static const struct sub_package roster_package = { .event = STR_INIT(
	                                                   "vnd-microsoft-roaming-contacts"),
	                                           .compose = compose_roster,
	                                           .free = free_roster };

bool fe_is_sipe(const struct sip_msg *m)
{
	return str_find(sip_value(m, SIP_H_USER_AGENT), STR("Sipe/")) >= 0;
}

static enum refusal start_roster(struct task *t, struct person *p, const struct sub_ask *ask,
                                 struct sub **ret)
{
	struct roster_sub *me = xnew(struct roster_sub);
	int r = sub_start(t->fe->subs, &me->sub, &roster_package, ask);
	if (r < 0) {
		free(me);
		return fe_sub_refusal(r);
	}
	me->person = p;
	/* pidgin-sipe 1.25 ends with a fault then; it drops the empty group at its next sign-in. */
	me->keeps_group = fe_is_sipe(t->msg);
	me->deltas = buf_of(ROSTER_DELTAS_MAX);
	me->watch.sub = &me->sub;
	list_add(&p->rosters, &me->watch.of_person);
	*ret = &me->sub;
	return REFUSE_NOTHING;
}

void fe_tell_rosters(struct person *p, struct str delta)
{
	list_for(it, &p->rosters)
	{
		struct roster_watch *w = list_entry(it, struct roster_watch, of_person);
		struct roster_sub *me = container_of(w, struct roster_sub, watch);
		buf_str(&me->deltas, delta);
		me->anew |= me->deltas.full;
		sub_touch(w->sub);
	}
}

void fe_tell_rosters_anew(struct person *p)
{
	list_for(it, &p->rosters)
	{
		struct roster_watch *w = list_entry(it, struct roster_watch, of_person);
		container_of(w, struct roster_sub, watch)->anew = true;
		sub_touch(w->sub);
	}
}

/* --- settings: vnd-microsoft-provisioning-v2 ------------------------------------------------- */

/* Asked for once; calls may be encrypted or not, as the two ends agree. */
static void answer_provisioning(struct task *t)
{
	char text[512];
	struct buf lines = BUF_ON(text);
	buf_lit(&lines, "Expires: 0\r\nsubscription-state: terminated;expires=0\r\n"
	                "ms-piggyback-cseq: 1\r\nEvent: vnd-microsoft-provisioning-v2\r\n");
	task_answer(t, buf_view(&lines),
	            STR("application/vnd-microsoft-roaming-provisioning-v2+xml"),
	            STR("<provisionGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/"
	                "provisiongrouplist-notification\"><provisionGroup "
	                "name=\"ServerConfiguration\">"
	                "<ucPC2PCAVEncryption>SupportEncryption</ucPC2PCAVEncryption>"
	                "</provisionGroup></provisionGroupList>\r\n"));
}

/* --- all packages -------------------------------------------------------------------------- */

enum refusal fe_sub_refusal(int err)
{
	switch (err) {
	case -EUSERS:
	case -ENOSPC:
		return REFUSE_TOO_MANY_SUBSCRIPTIONS;
	case -E2BIG:
		return REFUSE_TOO_LARGE;
	case -ERANGE:
		return REFUSE_INTERVAL;
	default:
		return REFUSE_BAD_BODY;
	}
}

static const struct {
	struct str event;
	bool own; /* of the subscriber herself alone */
	enum refusal (*start)(struct task *t, struct person *p, const struct sub_ask *ask,
	                      struct sub **ret);
} packages[] = {
	{ STR_INIT("presence"), false, fe_start_presence },
	{ STR_INIT("vnd-microsoft-roaming-self"), true, start_self },
	{ STR_INIT("vnd-microsoft-roaming-contacts"), true, start_roster },
	{ STR_INIT("dialtone-conversation"), true, fe_start_conversation },
};

static struct str event_of(const struct sip_msg *m)
{
	struct str event, params;
	(void)str_cut(sip_value(m, SIP_H_EVENT), ';', &event, &params);
	return str_trim(event);
}

/* Where the subscriber is: on the flow that it came by, or, from another process, as the first hop
 * put it into Record-Route. */
void fe_sender_end(const struct task *t, struct token *ret)
{
	struct sip_addr a;
	struct sip_uri u;
	struct str rest = sip_value(t->msg, SIP_H_RECORD_ROUTE);
	*ret = (struct token){ t->who.account, t->who.endpoint, { .reach = TOKEN_NOWHERE } };
	if (!t->from_link)
		ret->hint = token_hint_of(t->flow, t->fe->env->slot);
	else if (sip_addr_next(&rest, &a) <= 0 || sip_uri_parse(&u, a.uri) < 0 ||
	         token_get(ret, &t->fe->key, u.user) < 0)
		*ret = (struct token){ .account = t->who.account };
}

static void make_tag(const struct task *t, char ret[SIP_TAG_LEN + 1])
{
	if (t->rq)
		sip_req_tag(t->rq, ret);
	else
		sip_stx_tag(t->stx, ret);
}

/* The answer; the first state comes with it where the client wants that, else right behind. */
static void answer(struct task *t, struct sub *s, uint32_t expires_s)
{
	auto_(buf_free) struct buf body = buf_of(SUB_BODY_MAX);
	char text[2048];
	struct buf lines = BUF_ON(text);
	struct str type = STR("");
	bool lync =
	        s->lync && sip_has_token(t->msg, SIP_H_SUPPORTED, STR("ms-piggyback-first-notify"));
	if (lync) {
		(void)s->package->compose(s, s->fresh, &body, &type);
		s->fresh = false;
		s->cseq++;
	}
	sub_put_answer(s, &lines, expires_s, body.len > 0);
	if (expires_s > 0)
		sub_extend(s, expires_s);
	if (!lync && expires_s > 0)
		sub_touch(s);
	task_answer(t, buf_view(&lines), body.len ? type : STR(""), buf_view(&body));
	if (expires_s == 0)
		sub_end(s, lync ? NULL : "timeout");
}

static struct sub_ask ask_of(const struct task *t, const char *tag)
{
	struct token end;
	fe_sender_end(t, &end);
	return (struct sub_ask){ .account = t->who.account,
		                 .endpoint = end.endpoint,
		                 .hint = end.hint,
		                 .msg = t->msg,
		                 .to_tag = str_of(tag),
		                 .lync = dialect_of(t->msg) == DIALECT_LYNC };
}

static void refresh(struct task *t, uint64_t id)
{
	struct sub *s = sub_find(t->fe->subs, id, t->msg);
	struct sub_ask ask = ask_of(t, "");
	uint32_t expires_s;
	int r = sub_expires(t->msg, ask.lync, &expires_s);
	if (!s || s->account != t->who.account) {
		task_refuse(t, REFUSE_NO_DIALOG, STR(""));
		return;
	}
	if (r < 0) {
		task_refuse(t, fe_sub_refusal(r), STR("Min-Expires: 60\r\n"));
		return;
	}
	sub_moved(s, &ask);
	enum refusal why = expires_s > 0 ? fe_again_presence(t, s) : REFUSE_NOTHING;
	if (why)
		task_refuse(t, why, STR(""));
	else
		answer(t, s, expires_s);
}

static void begin(struct task *t, size_t i)
{
	struct frontend *fe = t->fe;
	char tag[SIP_TAG_LEN + 1];
	make_tag(t, tag);
	struct sub_ask ask = ask_of(t, tag);
	struct person *p = people_get(fe->people, t->who.uri);
	struct sub *s = NULL;
	uint32_t expires_s;
	int r = sub_expires(t->msg, ask.lync, &expires_s);
	if (r < 0) {
		task_refuse(t, fe_sub_refusal(r), STR("Min-Expires: 60\r\n"));
		return;
	}
	if (!p || p->where != PERSON_HERE) {
		task_retry(t, fe_subscribe_home); /* being looked up */
		return;
	}
	enum refusal why = packages[i].start(t, p, &ask, &s);
	if (why)
		task_refuse(t, why, STR(""));
	else
		answer(t, s, expires_s);
}

static bool is_own(const struct task *t)
{
	return t->target.kind == TARGET_USER && t->target.n_keys > 0 &&
	       str_ieq(t->target.keys[0], t->who.uri);
}

void fe_subscribe_home(struct task *t)
{
	struct str event = event_of(t->msg);
	struct token own;
	if (fe_has_to_tag(t->msg)) {
		refresh(t, fe_names_dialog(t, &own) ? own.hint.flow : 0);
		return;
	}
	if (str_ieq(event, STR("vnd-microsoft-provisioning-v2")) && is_own(t)) {
		answer_provisioning(t);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(packages); i++) {
		if (!str_ieq(event, packages[i].event))
			continue;
		if (packages[i].own && !is_own(t))
			task_refuse(t, REFUSE_NOT_OWN_DATA, STR(""));
		else
			begin(t, i);
		return;
	}
	task_refuse(t, REFUSE_EVENT, STR("Allow-Events: presence\r\n"));
}
