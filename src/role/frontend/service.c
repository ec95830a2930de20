#include <errno.h>
#include <stdlib.h>

#include "role/frontend/fe.h"
#include "svc/directory/soap.h"
#include "wire/mime/mime.h"
#include "wire/soap/soap.h"

/* SERVICE at the home of the user who asks: what Lync clients change of her presence, of who may
 * see it, and of her list of contacts ([MS-PRES] section 3.3.5, [MS-SIP] section 3.1.5). */

/* A change that is being written: its request is answered when it is on disk. */
struct kept_change {
	struct task *t;
	struct str type; /* static */
	struct buf answer, delta;
};

static void on_saved(void *arg, struct person *p, int err)
{
	struct kept_change *k = arg;
	if (err < 0 && k->t)
		task_refuse(k->t, REFUSE_STORE, STR(""));
	if (err == 0) {
		person_changed(p);
		if (k->delta.len > 0) {
			fe_tell_rosters(p, buf_view(&k->delta));
			fe_people_privacy(p->owner, p);
		}
		if (k->t)
			task_answer(k->t, STR(""), k->type, buf_view(&k->answer));
	}
	buf_free(&k->answer);
	buf_free(&k->delta);
	free(k);
}

static void save_and_answer(struct task *t, struct person *p, struct str type, struct buf *answer,
                            struct buf *delta)
{
	struct kept_change *k = xnew(struct kept_change);
	k->t = task_keep(t);
	k->t->holder = &k->t;
	k->type = type;
	k->answer = *answer;
	k->delta = *delta;
	*answer = *delta = buf_of(0);
	fe_home_save(p, on_saved, k);
}

static void answer_ok(struct task *t)
{
	task_answer(t, STR(""), STR(""), STR(""));
}

static enum refusal refusal_of(int err)
{
	switch (err) {
	case -EEXIST:
		return REFUSE_CONFLICT;
	case -ENOSPC:
		return REFUSE_TOO_MANY_ITEMS;
	case -E2BIG:
		return REFUSE_TOO_LARGE;
	case -EPERM:
		return REFUSE_NOT_TO_PUBLISH;
	case -ENOENT:
		return REFUSE_NO_SUCH_ITEM;
	default:
		return REFUSE_BAD_BODY;
	}
}

static void refuse(struct task *t, int err)
{
	task_refuse(t, refusal_of(err), STR(""));
}

/* --- presence ------------------------------------------------------------------------------ */

static void refuse_conflict(struct task *t, const struct publish_result *res)
{
	auto_(buf_free) struct buf b = buf_of(64 * 1024);
	char text[512];
	struct buf lines = BUF_ON(text);
	doc_put_conflicts(&b, res->conflicts, res->n_conflicts);
	refusal_put(&lines, REFUSE_CONFLICT, t->fe->env->self->fqdn);
	task_answer_code(t, 409, buf_view(&lines), STR("application/msrtc-fault+xml"),
	                 buf_view(&b));
}

/* Where she takes her own card off, the directory's comes back. */
static void restore_card(struct task *t, const struct publish *rq)
{
	for (size_t i = 0; i < rq->n; i++) {
		if (rq->items[i].remove && rq->items[i].key.category == CATEGORY_CONTACT_CARD) {
			fe_people_account(t->fe, t->who.account);
			return;
		}
	}
}

static void publish(struct task *t, struct person *p)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct conflict *conflicts = arena_alloc(a, CONFLICTS_MAX * sizeof(*conflicts));
	struct publish_result res = { .conflicts = conflicts };
	struct publish rq;
	struct token end;
	int r = publish_read(&rq, a, t->msg->body);
	if (r < 0) {
		refuse(t, r);
		return;
	}
	if (rq.uri.len > 0 && !str_ieq(rq.uri, t->who.uri)) {
		task_refuse(t, REFUSE_NOT_OWN_DATA, STR(""));
		return;
	}
	fe_sender_end(t, &end);
	struct publish_ask ask = { &rq, end.endpoint, people_wall(t->fe->people) };
	r = presentity_publish(&p->p, &ask, &res);
	if (r == 0)
		restore_card(t, &rq);
	if (r == -EEXIST) {
		refuse_conflict(t, &res);
	} else if (r < 0) {
		refuse(t, r);
	} else if (res.durable) {
		struct buf none[2] = { buf_of(0), buf_of(0) };
		save_and_answer(t, p, STR(""), &none[0], &none[1]);
	} else {
		person_changed(p);
		answer_ok(t);
	}
}

static void save_presence(struct task *t, struct person *p)
{
	struct buf none[2] = { buf_of(0), buf_of(0) };
	save_and_answer(t, p, STR(""), &none[0], &none[1]);
}

static void set_members(struct task *t, struct person *p)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct set_members s;
	int r = set_members_read(&s, a, t->msg->body);
	if (r == -ENOENT)
		r = -EPERM;
	if (r == 0)
		r = presentity_set_members(&p->p, &s);
	if (r < 0)
		refuse(t, r);
	else
		save_presence(t, p);
}

static void set_subscribers(struct task *t, struct person *p)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct set_subscribers s;
	bool changed = false;
	int r = set_subscribers_read(&s, a, t->msg->body);
	if (r < 0) {
		refuse(t, r);
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		changed |= presentity_set_subscriber(&p->p, &s.items[i], STR(""));
	if (changed)
		save_presence(t, p);
	else
		answer_ok(t);
}

/* --- contacts ------------------------------------------------------------------------------ */

static uint32_t number_of(const struct soap *s, const char *name)
{
	uint32_t v = 0;
	return str_to_u32(soap_arg(s, name), UINT32_MAX, &v) < 0 ? 0 : v;
}

/* Each: 0 or -errno; appends elements of the delta, and of the answer. */

static int set_contact(struct contact_list *c, uint32_t max, const struct soap *s,
                       struct buf *delta, struct buf *more UNUSED)
{
	struct contact_set set = {
		.uri = soap_arg(s, "URI"),
		.name = soap_arg(s, "displayName"),
		.groups = soap_arg(s, "groups"),
		.external = soap_arg(s, "externalURI"),
		.subscribed = !str_ieq(soap_arg(s, "subscribed"), STR("false")),
	};
	return contacts_set(c, &set, max, delta);
}

static int delete_contact(struct contact_list *c, uint32_t max UNUSED, const struct soap *s,
                          struct buf *delta, struct buf *more UNUSED)
{
	return contacts_remove(c, soap_arg(s, "URI"), delta);
}

static int add_group(struct contact_list *c, uint32_t max UNUSED, const struct soap *s,
                     struct buf *delta, struct buf *more)
{
	uint32_t id;
	int r = contacts_add_group(c, soap_arg(s, "name"), soap_arg(s, "externalURI"), &id, delta);
	if (r == 0)
		buf_printf(more, "<m:groupID>%u</m:groupID>", id);
	return r;
}

static int modify_group(struct contact_list *c, uint32_t max UNUSED, const struct soap *s,
                        struct buf *delta, struct buf *more UNUSED)
{
	return contacts_modify_group(c, number_of(s, "groupID"), soap_arg(s, "name"),
	                             soap_arg(s, "externalURI"), delta);
}

static int delete_group(struct contact_list *c, uint32_t max UNUSED, const struct soap *s,
                        struct buf *delta, struct buf *more UNUSED)
{
	return contacts_remove_group(c, number_of(s, "groupID"), delta);
}

static const struct {
	struct str method;
	int (*change)(struct contact_list *c, uint32_t max, const struct soap *s, struct buf *delta,
	              struct buf *more);
} methods[] = {
	{ STR_INIT("setContact"), set_contact },   { STR_INIT("deleteContact"), delete_contact },
	{ STR_INIT("addGroup"), add_group },       { STR_INIT("modifyGroup"), modify_group },
	{ STR_INIT("deleteGroup"), delete_group },
};

static void change_contacts(struct task *t, struct person *p, const struct soap *s, size_t i)
{
	auto_(buf_free) struct buf elements = buf_of(CONTACTS_DOC_MAX);
	auto_(buf_free) struct buf delta = buf_of(CONTACTS_DOC_MAX + 256);
	auto_(buf_free) struct buf answer = buf_of(4096);
	char name[SOAP_METHOD_MAX + 1];
	char text[64];
	struct buf more = BUF_ON(text), nb = BUF_ON(name);
	uint32_t group = number_of(s, "groupID");
	bool renames = methods[i].change == modify_group;
	if (renames && fe_is_sipe(t->msg) &&
	    contacts_is_echo(&p->contacts, group, soap_arg(s, "name"), loop_now(t->fe->loop))) {
		answer_ok(t);
		return;
	}
	int r = methods[i].change(&p->contacts, t->fe->cfg.contacts_max, s, &elements, &more);
	if (r < 0) {
		refuse(t, r);
		return;
	}
	if (renames)
		contacts_renamed(&p->contacts, group, loop_now(t->fe->loop));
	buf_str(&nb, methods[i].method);
	buf_char(&nb, 0);
	contacts_put_delta(&delta, &p->contacts, buf_view(&elements));
	soap_put_method_begin(&answer, name, SOAP_SPACE_SIP);
	buf_str(&answer, buf_view(&more));
	soap_put_method_end(&answer, name);
	save_and_answer(t, p, STR(SOAP_TYPE), &answer, &delta);
}

/* Of the own list of contacts; asked of the domain (p NULL): a search of its directory. */
static void soap(struct task *t, struct person *p)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct soap s;
	if (soap_read(&s, a, t->msg->body) < 0) {
		refuse(t, -EBADMSG);
		return;
	}
	if (!p) {
		if (directory_is_search(&s))
			fe_directory_search(t, &s);
		else
			task_refuse(t, REFUSE_SERVICE, STR(""));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (str_eq(s.method, methods[i].method)) {
			change_contacts(t, p, &s, i);
			return;
		}
	}
	task_refuse(t, REFUSE_SERVICE, STR(""));
}

/* --- all services -------------------------------------------------------------------------- */

/* What may be asked of the own home, by the type of the body. */
static const struct {
	struct str type;
	void (*serve)(struct task *t, struct person *p);
} services[] = {
	{ STR_INIT("application/msrtc-category-publish+xml"), publish },
	{ STR_INIT("application/msrtc-setcontainermembers+xml"), set_members },
	{ STR_INIT("application/msrtc-presence-setsubscriber+xml"), set_subscribers },
	{ STR_INIT(SOAP_TYPE), soap },
	{ STR_INIT("application/dialtone+json"), fe_conversation_page },
};

static void serve(struct task *t, size_t i)
{
	struct person *p = people_get(t->fe->people, t->who.uri);
	bool domain = t->target.kind == TARGET_SELF && services[i].serve == soap;
	bool own = t->target.kind == TARGET_USER && t->target.n_keys > 0 &&
	           str_ieq(t->target.keys[0], t->who.uri);
	if (domain)
		soap(t, NULL);
	else if (!own)
		task_refuse(t, REFUSE_NOT_OWN_DATA, STR(""));
	else if (!p || p->where != PERSON_HERE)
		task_retry(t, fe_service_home);
	else
		services[i].serve(t, p);
}

void fe_service_home(struct task *t)
{
	struct mime_type type;
	if (mime_type_parse(&type, sip_value(t->msg, SIP_H_CONTENT_TYPE)) < 0) {
		task_refuse(t, REFUSE_SERVICE, STR(""));
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(services); i++) {
		if (mime_type_is(&type, services[i].type)) {
			serve(t, i);
			return;
		}
	}
	task_refuse(t, REFUSE_SERVICE, STR(""));
}
