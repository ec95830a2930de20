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

static void sub_contact(void *arg, struct buf *b, const struct sub *s)
{
	struct frontend *fe = arg;
	struct str here = sub_text(s, SUB_HERE);
	struct token own = {
		.account = s->account,
		.hint = { .reach = TOKEN_DIALOG, .slot = (uint8_t)fe->env->slot, .flow = s->id }
	};
	buf_lit(b, "sip:");
	token_put(b, &fe->key, &own);
	buf_char(b, '@');
	if (here.len > 0) {
		buf_str(b, here);
		return;
	}
	buf_str(b, fe->env->self->fqdn);
	buf_lit(b, ";transport=tls");
}

static void sub_keep(void *arg, struct sub *s)
{
	struct frontend *fe = arg;
	const struct row_key key = { ROW_SUB, s->account, s->id, 0 };
	bool keep = !s->ended && !s->lync && fe_must_survive(fe, &s->hint);
	bool was = s->stored;
	s->stored = keep;
	if ((keep || was) && !fe->store_closing)
		fe_store_row(fe, &key);
}

static const struct sub_ops sub_ops = {
	.flow = sub_flow, .put_route = sub_route, .put_contact = sub_contact, .keep = sub_keep
};

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
	parts.categories &= ~CATEGORY_BIT(CATEGORY_DIALOGS);
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
	fe_lists_changed(p);
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

/* Where the directory is searched by HTTPS.  No address book files are named
 * (absInternalServerUrl): there are none, and photos come with the contact card. */
static void put_web_urls(const struct frontend *fe, struct buf *b)
{
	static const char *const names[] = { "dlxInternalUrl", "dlxExternalUrl" };
	char text[FE_WEB_URL_MAX];
	struct buf url = BUF_ON(text);
	if (!fe_put_web_origin(fe, &url))
		return;
	buf_lit(&url, "/groupexpansion/service.svc");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		xml_put_element(b, names[i], buf_view(&url));
}

/* Asked for once; calls may be encrypted or not, as the two ends agree. */
static void answer_provisioning(struct task *t)
{
	char text[512], settings[1024 + 2 * FE_WEB_URL_MAX];
	struct buf lines = BUF_ON(text), b = BUF_ON(settings);
	buf_lit(&lines, "Expires: 0\r\nsubscription-state: terminated;expires=0\r\n"
	                "ms-piggyback-cseq: 1\r\nEvent: vnd-microsoft-provisioning-v2\r\n");
	buf_lit(&b, "<provisionGroupList xmlns=\"http://schemas.microsoft.com/2006/09/sip/"
	            "provisiongrouplist-notification\"><provisionGroup "
	            "name=\"ServerConfiguration\">"
	            "<ucPC2PCAVEncryption>SupportEncryption</ucPC2PCAVEncryption>");
	if (fe_has_mcu(t->fe)) {
		buf_lit(&b, "<focusFactoryUri>sip:");
		xml_put_text(&b, t->who.uri);
		buf_lit(&b, ";gruu;opaque=app:conf:focusfactory</focusFactoryUri>");
	}
	put_web_urls(t->fe, &b);
	fe_put_mras_uri(t->fe, &b);
	buf_lit(&b, "</provisionGroup></provisionGroupList>\r\n");
	task_answer(t, buf_view(&lines),
	            STR("application/vnd-microsoft-roaming-provisioning-v2+xml"), buf_view(&b));
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
	int (*restore)(struct frontend *fe, struct person *own, const struct sub_row *row,
	               struct str kept);
} restored[] = {
	{ STR_INIT("presence"), fe_restore_phone_presence },
	{ STR_INIT("presence.winfo"), fe_restore_winfo },
	{ STR_INIT("dialog"), fe_restore_lamp },
	{ STR_INIT("message-summary"), fe_restore_summary },
};

void fe_restore_sub(struct frontend *fe, struct str aor, struct str event,
                    const struct sub_row *row, struct str kept)
{
	struct person *own = people_get(fe->people, aor);
	for (size_t i = 0; own && i < ARRAY_SIZE(restored); i++)
		if (str_eq(event, restored[i].event) && restored[i].restore(fe, own, row, kept) < 0)
			log_warning(NULL, "subscription-not-restored", "user=%s", log_esc(aor));
}

enum whom { ONE_SELF, ANYBODY };

static const struct {
	struct str event;
	enum whom whom;
	enum refusal (*start)(struct task *t, struct person *p, const struct sub_ask *ask,
	                      struct sub **ret);
} packages[] = {
	{ STR_INIT("presence"), ANYBODY, fe_start_presence },
	{ STR_INIT("presence.winfo"), ONE_SELF, fe_start_winfo },
	{ STR_INIT("dialog"), ANYBODY, fe_start_lamp },
	{ STR_INIT("message-summary"), ONE_SELF, fe_start_summary },
	{ STR_INIT("vnd-microsoft-roaming-self"), ONE_SELF, start_self },
	{ STR_INIT("vnd-microsoft-roaming-contacts"), ONE_SELF, start_roster },
	{ STR_INIT("dialtone-conversation"), ONE_SELF, fe_start_conversation },
};

struct str fe_event_of(const struct sip_msg *m)
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

/* "192.0.2.1:5060;transport=tcp" of a Record-Route of ours: by this a phone reaches us. */
static struct str here_in(struct str uri)
{
	struct str name, host;
	if (!str_cut(uri, '@', &name, &host))
		return STR("");
	return str_ends(host, STR(";lr")) ? str_sub(host, 0, host.len - 3) : host;
}

static struct str here_of(const struct task *t, struct buf *b)
{
	struct sip_addr a;
	struct token end = { .hint = { .reach = TOKEN_NOWHERE } };
	struct str rest = sip_value(t->msg, SIP_H_RECORD_ROUTE);
	if (!t->from_link) {
		fe_put_record_route(t, b, t->flow, &end);
		rest = buf_view(b);
	}
	return sip_addr_next(&rest, &a) > 0 ? here_in(a.uri) : STR("");
}

void fe_sub_answer(struct task *t, struct sub *s, uint32_t expires_s)
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
	if (!s->lync)
		s->fresh = true; /* RFC 6665 section 4.2.1.2: all of it, also after a refresh */
	if (!lync && expires_s > 0)
		sub_touch(s);
	task_answer(t, buf_view(&lines), body.len ? type : STR(""), buf_view(&body));
	if (expires_s == 0)
		sub_end(s, lync ? NULL : "timeout");
}

struct sub_ask fe_sub_ask(const struct task *t, const char *tag, struct buf *b)
{
	struct token end;
	bool lync = dialect_of(t->msg) == DIALECT_LYNC;
	fe_sender_end(t, &end);
	return (struct sub_ask){ .account = end.account,
		                 .endpoint = end.endpoint,
		                 .hint = end.hint,
		                 .msg = t->msg,
		                 .to_tag = str_of(tag),
		                 .here = lync ? STR("") : here_of(t, b),
		                 .lync = lync };
}

static void refuse(struct task *t, enum refusal why)
{
	struct str lines = why == REFUSE_BODY_TYPE
	                           ? STR("Accept: application/resource-lists+xml\r\n"
	                                 "Accept-Encoding: deflate\r\n")
	                   : why == REFUSE_NO_EVENTLIST ? STR("Require: eventlist\r\n")
	                                                : STR("");
	task_refuse(t, why, lines);
}

static void refresh(struct task *t, uint64_t id)
{
	struct sub *s = sub_find(t->fe->subs, id, t->msg);
	char here[256];
	struct buf hb = BUF_ON(here);
	struct sub_ask ask = fe_sub_ask(t, "", &hb);
	uint32_t expires_s;
	int r = sub_expires(t->msg, ask.lync, &expires_s);
	if (!s && ask.lync)
		s = sub_of_endpoint(t->fe->subs, id, ask.account, ask.endpoint);
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
		refuse(t, why);
	else
		fe_sub_answer(t, s, expires_s);
}

/* Who asks once is answered without those whose home says nothing for so long: 4.5 s. */
enum { POLL_TRIES = FE_RETRIES_MAX - 1 };

static void begin(struct task *t, size_t i)
{
	struct frontend *fe = t->fe;
	char tag[SIP_TAG_LEN + 1];
	char here[256];
	struct buf hb = BUF_ON(here);
	fe_make_tag(t, tag);
	struct sub_ask ask = fe_sub_ask(t, tag, &hb);
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
	if (expires_s == 0 && t->tries < POLL_TRIES && packages[i].start == fe_start_presence &&
	    fe_poll_waits(t)) {
		task_retry(t, fe_subscribe_home);
		return;
	}
	enum refusal why = packages[i].start(t, p, &ask, &s);
	if (why)
		refuse(t, why);
	else
		fe_sub_answer(t, s, expires_s);
}

bool fe_is_own(const struct task *t)
{
	return t->target.kind == TARGET_USER && t->target.n_keys > 0 &&
	       str_ieq(t->target.keys[0], t->who.uri);
}

/* Whom the request is for must be known before there is a dialog: 404 (RFC 3856 section 6.6.2). */
static bool is_of_one(const struct task *t, size_t i)
{
	return packages[i].whom == ANYBODY && t->msg->body.len == 0;
}

static void on_target(void *arg, int err, const struct account *acc)
{
	struct task *t = arg;
	t->lookup = NULL;
	if (err < 0 && err != -ENOENT) {
		task_refuse(t, REFUSE_ACCOUNTS_DOWN, STR("Retry-After: 5\r\n"));
		return;
	}
	if (err == -ENOENT || acc->disabled)
		t->key_now++;
	fe_subscribe_home(t);
}

static const struct account *target_of(const struct task *t, bool *ret_absent)
{
	*ret_absent = t->key_now >= t->target.n_keys;
	return *ret_absent
	               ? NULL
	               : accounts_cached(t->fe->accounts, t->target.keys[t->key_now], ret_absent);
}

struct str fe_target_aor(const struct task *t)
{
	bool absent;
	const struct account *acc = target_of(t, &absent);
	return acc ? acc->uri : STR("");
}

bool fe_target_is_group(const struct task *t)
{
	bool absent;
	const struct account *acc = target_of(t, &absent);
	return acc && acc->group;
}

static bool refuses_target(struct task *t)
{
	if (t->target.kind == TARGET_FOREIGN)
		task_refuse(t, REFUSE_DOMAIN, STR(""));
	else if (t->target.kind == TARGET_BAD)
		task_refuse(t, REFUSE_SCHEME, STR(""));
	else if (t->target.kind != TARGET_USER || t->key_now >= t->target.n_keys)
		task_refuse(t, REFUSE_USER, STR(""));
	else
		return false;
	return true;
}

/* True if it is in the cache; else the task has been answered, or waits. */
static bool is_found(struct task *t)
{
	bool absent = true;
	const struct account *acc = NULL;
	for (; !acc && t->key_now < t->target.n_keys && absent; t->key_now += !acc && absent) {
		acc = target_of(t, &absent);
		absent |= acc && acc->disabled;
		acc = absent ? NULL : acc;
	}
	if (acc)
		return true;
	if (refuses_target(t))
		return false;
	if (t->tries++ == FE_RETRIES_MAX) {
		task_refuse(t, REFUSE_ACCOUNTS_DOWN, STR("Retry-After: 5\r\n"));
		return false;
	}
	t = task_keep(t);
	t->lookup = accounts_lookup(t->fe->accounts, t->target.keys[t->key_now], on_target, t);
	return false;
}

/* RFC 3261 section 8.2.2.3. */
static bool refused_extension(struct task *t)
{
	static const struct str known[] = { STR_INIT("eventlist"),
		                            STR_INIT("recipient-list-subscribe"),
		                            STR_INIT("adhoclist"), STR_INIT("categoryList") };
	char text[256];
	struct buf lines = BUF_ON(text);
	for (const struct sip_hdr *h = sip_first(t->msg, SIP_H_REQUIRE); h;
	     h = sip_next(t->msg, h)) {
		struct str rest = sip_hdr_value(t->msg, h), tag;
		while (sip_list_next(&rest, &tag)) {
			bool ok = false;
			for (size_t i = 0; i < ARRAY_SIZE(known); i++)
				ok |= str_ieq(tag, known[i]);
			if (!ok)
				sip_put_hdr(&lines, STR("Unsupported"), tag);
		}
	}
	if (lines.len > 0)
		task_refuse(t, REFUSE_EXTENSION, lines.full ? STR("") : buf_view(&lines));
	return lines.len > 0;
}

void fe_subscribe_home(struct task *t)
{
	struct str event = fe_event_of(t->msg);
	struct token own;
	if (fe_has_to_tag(t->msg)) {
		refresh(t, fe_names_dialog(t, &own) ? own.hint.flow : 0);
		return;
	}
	if (str_ieq(event, STR("vnd-microsoft-provisioning-v2")) && fe_is_own(t)) {
		answer_provisioning(t);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(packages); i++) {
		if (!str_ieq(event, packages[i].event))
			continue;
		if (packages[i].whom == ONE_SELF && !fe_is_own(t))
			task_refuse(t, REFUSE_NOT_OWN_DATA, STR(""));
		else if (!refused_extension(t) && (!is_of_one(t, i) || is_found(t)))
			begin(t, i);
		return;
	}
	task_refuse(t, REFUSE_EVENT, STR("Allow-Events: " FE_EVENTS "\r\n"));
}
