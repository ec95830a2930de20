#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"
#include "role/frontend/fe.h"
#include "svc/access/dialect.h"
#include "wire/mime/deflate.h"
#include "wire/mime/mime.h"
#include "wire/reslist/reslist.h"
#include "wire/rlmi/rlmi.h"

/* Event `presence` for phones: PIDF (RFC 3856) of one user, of a list in the request (RFC 5367), or
 * of the people on the own list of contacts (RFC 4662), which a phone gets that subscribes to its
 * user's own address and understands lists. */

enum {
	BOUNDARY_LEN = 16,
	/* Bytes of one notification of a list: more comes in the next one.  A datagram carries it.
	 */
	LIST_BODY_MAX = 16 * 1024,
};

/* All that PIDF shows. */
#define PIDF_CATEGORIES                                               \
	(CATEGORY_BIT(CATEGORY_STATE) | CATEGORY_BIT(CATEGORY_NOTE) | \
	 CATEGORY_BIT(CATEGORY_CONTACT_CARD) | CATEGORY_BIT(CATEGORY_CALENDAR_DATA))

/* Members of a group whose presence is told (F-027). */
enum { GROUP_MEMBERS_MAX = 100 };

enum phone_kind {
	WATCH_ONE = 'o',
	WATCH_LIST = 'l',
	WATCH_CONTACTS = 'c',
	WATCH_GROUP = 'g',
};

struct phone_sub {
	struct sub sub;
	struct watch_set set;
	enum phone_kind kind;
	struct person *own;
	struct list_watch contacts; /* of WATCH_CONTACTS */
	struct accounts_req *asked; /* for the members of a group */
	bool anew;                  /* somebody has left the list: a full one is told */
	char *who;
	char boundary[BOUNDARY_LEN + 1];
	char type[128];
};

static struct phone_sub *phone_of(const struct sub *s)
{
	return container_of((struct sub *)(uintptr_t)s, struct phone_sub, sub);
}

/* --- what is told -------------------------------------------------------------------------- */

static bool is_shown(const struct person *p)
{
	return p->where == PERSON_HERE || p->where == PERSON_THERE;
}

/* One who is not there any more is offline. */
static void put_nobody(struct buf *b, const struct person *p)
{
	struct presentity nobody = { .aor = str_of(p->aor) };
	simple_put_pidf(b, &nobody, CONTAINER_ALL);
}

static bool compose_one(struct phone_sub *me, bool all, struct buf *b, struct str *ret_type)
{
	struct watch *w = watch_next_dirty(&me->set);
	if (!w)
		return all; /* RFC 6665 section 4.2.1.2: a notification comes at once */
	if (is_shown(w->person))
		buf_str(b, person_render(w->person, w->container, PIDF_CATEGORIES, 0, true));
	else
		put_nobody(b, w->person);
	*ret_type = STR("application/pidf+xml");
	watch_clean(w);
	return true;
}

struct list_out {
	struct arena *a;
	struct buf parts;
	struct rlmi_frame frame;
	struct rlmi_resource *resources;
	unsigned n;
};

static struct rlmi_resource *add_resource(struct list_out *o, struct phone_sub *me,
                                          const struct watch *w)
{
	struct rlmi_resource *r = &o->resources[o->n++];
	const struct contact *c = me->kind == WATCH_CONTACTS ? contacts_find(&me->own->contacts,
	                                                                     str_of(w->person->aor))
	                                                     : NULL;
	r->uri = arena_printf(o->a, "sip:%s", w->person->aor);
	r->name = c ? str_of(c->name) : STR("");
	return r;
}

static void add_state(struct list_out *o, const struct watch *w, struct rlmi_resource *r)
{
	struct rlmi_instance *in = arena_alloc(o->a, sizeof(*in));
	bool shown = is_shown(w->person);
	in->id = STR("1");
	in->state = shown ? RLMI_ACTIVE : RLMI_TERMINATED;
	in->reason = shown ? STR("") : STR("noresource");
	in->cid = shown ? arena_printf(o->a, "p%u@dialtone", o->n) : STR("");
	r->instances = in;
	r->n_instances = 1;
	if (shown)
		rlmi_put_part(&o->parts, &o->frame, in->cid, STR("application/pidf+xml"),
		              person_render(w->person, w->container, PIDF_CATEGORIES, 0, true));
}

/* Those with news first; a full list names the others too. */
static void add_news(struct list_out *o, struct phone_sub *me)
{
	struct watch *w;
	while ((w = watch_next_dirty(&me->set)) && o->parts.len < LIST_BODY_MAX) {
		add_state(o, w, add_resource(o, me, w));
		watch_clean(w);
	}
}

static void add_others(struct list_out *o, struct phone_sub *me, unsigned told)
{
	unsigned others = me->set.n - told;
	list_for(it, &me->set.watches)
	{
		if (others-- == 0)
			break;
		(void)add_resource(o, me, list_entry(it, struct watch, of_set));
	}
}

static bool compose_list(struct phone_sub *me, bool full, struct buf *b, struct str *ret_type)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf list = buf_of(SUB_BODY_MAX);
	struct buf type = BUF_ON(me->type);
	struct list_out o = { .a = a, .parts = buf_of(SUB_BODY_MAX) };
	o.frame = (struct rlmi_frame){ .boundary = str_of(me->boundary),
		                       .start = STR("list@dialtone") };
	o.resources = arena_alloc(a, (me->set.n + 1) * sizeof(*o.resources));
	add_news(&o, me);
	if (full)
		add_others(&o, me, o.n);
	struct rlmi_list l = { .uri = arena_printf(a, "sip:%s", me->who),
		               .version = me->sub.cseq, /* counts with the notifications */
		               .full = full,
		               .resources = o.resources,
		               .n_resources = o.n };
	rlmi_put(&list, &l);
	rlmi_put_first(b, &o.frame, buf_view(&list));
	buf_str(b, buf_view(&o.parts));
	rlmi_put_end(b, &o.frame);
	rlmi_put_type(&type, &o.frame);
	*ret_type = buf_view(&type);
	buf_free(&o.parts);
	if (watch_next_dirty(&me->set))
		sub_touch(&me->sub);
	return true;
}

static bool compose(struct sub *s, bool all, struct buf *b, struct str *ret_type)
{
	struct phone_sub *me = phone_of(s);
	bool full = all || me->anew;
	if (full)
		watch_all_again(&me->set);
	me->anew = false;
	if (me->kind == WATCH_ONE)
		return compose_one(me, all, b, ret_type);
	return full || watch_next_dirty(&me->set) ? compose_list(me, full, b, ret_type) : false;
}

static void phone_drop(struct phone_sub *me)
{
	accounts_req_free(&me->asked);
	list_del(&me->contacts.of_person);
	me->own->held--;
	person_maybe_reap(me->own);
	free(me->who);
	free(me);
}

static void free_phone(struct sub *s)
{
	struct phone_sub *me = phone_of(s);
	watch_set_done(&me->set);
	phone_drop(me);
}

/* The letter of its kind, then whom it watches. */
static void put_kept(const struct sub *s, struct buf *b)
{
	const struct phone_sub *me = phone_of(s);
	buf_char(b, (char)me->kind);
	if (me->kind == WATCH_CONTACTS)
		return;
	list_for(it, &me->set.watches)
	{
		buf_char(b, '\n');
		buf_str(b, str_of(list_entry(it, struct watch, of_set)->person->aor));
	}
}

const struct sub_package phone_presence = {
	.event = STR_INIT("presence"), .compose = compose, .free = free_phone, .put_kept = put_kept
};

/* --- whom it watches ----------------------------------------------------------------------- */

static struct phone_sub *phone_new(struct person *own, enum phone_kind kind)
{
	struct phone_sub *me = xnew(struct phone_sub);
	struct buf b = BUF_ON(me->boundary);
	rand_token(&b, BOUNDARY_LEN);
	me->own = own;
	own->held++;
	me->kind = kind;
	me->who = str_dup(str_of(own->aor));
	me->sub.eventlist = kind != WATCH_ONE;
	list_init(&me->contacts.of_person);
	return me;
}

static void begin(struct phone_sub *me)
{
	watch_set_init(&me->set, &me->sub, str_of(me->who), true, PIDF_CATEGORIES);
	me->contacts.sub = &me->sub;
	if (me->kind != WATCH_CONTACTS)
		return;
	list_add(&me->own->lists, &me->contacts.of_person);
	fe_lists_changed(me->own);
}

static bool is_on_list(const struct contact_list *c, const struct watch *w)
{
	return contacts_find(c, str_of(w->person->aor));
}

/* One more of a list; counts who finds no room.  What is no address here is not watched. */
static void watch_one(struct phone_sub *me, struct str aor, unsigned *left_out)
{
	*left_out += watch_add(me->own->all, &me->set, aor) == -ENOSPC;
}

static void log_left_out(const struct phone_sub *me, unsigned n)
{
	if (n > 0)
		log_warning(NULL, "list-cut", "user=%s watched=%u left-out=%u reason=%s",
		            log_esc(str_of(me->own->aor)), me->set.n, n,
		            log_text(STR("Too many people are watched")));
}

static void follow_contacts(struct phone_sub *me)
{
	struct person *own = me->own;
	unsigned left_out = 0;
	list_for(it, &me->set.watches)
	{
		struct watch *w = list_entry(it, struct watch, of_set);
		if (is_on_list(&own->contacts, w))
			continue;
		watch_remove(own->all, &me->set, str_of(w->person->aor));
		me->anew = true;
	}
	for (const struct contact *c = own->contacts.first; c; c = c->next)
		if (!watch_find(own->all, &me->set, str_of(c->uri)))
			watch_one(me, str_of(c->uri), &left_out);
	log_left_out(me, left_out);
	sub_touch(&me->sub);
}

void fe_lists_changed(struct person *p)
{
	list_for(it, &p->lists)
	{
		struct list_watch *w = list_entry(it, struct list_watch, of_person);
		follow_contacts(container_of(w, struct phone_sub, contacts));
	}
}

static struct str address_of(struct str uri, struct buf *b)
{
	struct sip_uri u;
	b->len = 0;
	if (sip_uri_parse(&u, uri) < 0)
		return STR("");
	return sip_bare_aor(&u, b);
}

/* The list takes the place of the one before. */
static void take_list(struct phone_sub *me, const struct reslist *list)
{
	char text[PERSON_AOR_MAX + 16];
	struct buf b = BUF_ON(text);
	unsigned left_out = 0;
	watch_set_done(&me->set);
	for (unsigned i = 0; i < list->n; i++)
		watch_one(me, address_of(list->v[i].uri, &b), &left_out);
	log_left_out(me, left_out);
	me->anew = true;
}

static void on_members(void *arg, const struct accounts_found *f)
{
	struct phone_sub *me = arg;
	me->asked = NULL;
	if (f->err < 0)
		return; /* those of before stay */
	unsigned left_out = 0;
	watch_set_done(&me->set);
	for (size_t i = 0; i < f->n; i++)
		watch_one(me, f->people[i].uri, &left_out);
	log_left_out(me, left_out);
	me->anew = true;
	sub_touch(&me->sub);
}

static void ask_members(struct task *t, struct phone_sub *me)
{
	accounts_req_free(&me->asked);
	me->asked = accounts_members(t->fe->accounts, fe_target_aor(t), GROUP_MEMBERS_MAX,
	                             on_members, me);
}

/* --- what is asked ------------------------------------------------------------------------- */

enum refusal fe_read_body(const struct sip_msg *m, struct str type, struct buf *b, struct str *ret)
{
	struct str encoding = sip_value(m, SIP_H_CONTENT_ENCODING);
	struct mime_type t;
	*ret = m->body;
	if (mime_type_parse(&t, sip_value(m, SIP_H_CONTENT_TYPE)) < 0 || !mime_type_is(&t, type))
		return REFUSE_BODY_TYPE;
	if (encoding.len == 0 || str_ieq(encoding, STR("identity")))
		return REFUSE_NOTHING;
	if (!str_ieq(encoding, STR("deflate")))
		return REFUSE_BODY_TYPE;
	int r = deflate_get(b, m->body);
	*ret = buf_view(b);
	return r == -E2BIG ? REFUSE_TOO_LARGE : r < 0 ? REFUSE_BAD_BODY : REFUSE_NOTHING;
}

/* RFC 3261 section 20.1: is this type among those that the client takes?  Without Accept: only what
 * the package has by default. */
static bool accepts(const struct sip_msg *m, struct str type, bool by_default)
{
	bool any = false;
	for (const struct sip_hdr *h = sip_first(m, SIP_H_ACCEPT); h; h = sip_next(m, h)) {
		struct str rest = sip_hdr_value(m, h), one, params;
		for (any = true; sip_list_next(&rest, &one);) {
			(void)str_cut(one, ';', &one, &params);
			one = str_trim(one);
			if (str_ieq(one, type) || str_eq(one, STR("*/*")) ||
			    str_ieq(one, STR("application/*")))
				return true;
		}
	}
	return !any && by_default;
}

bool fe_accepts(const struct sip_msg *m, struct str type)
{
	return accepts(m, type, true);
}

bool fe_wants_pidf(const struct sip_msg *m)
{
	return dialect_of(m) != DIALECT_LYNC &&
	       !accepts(m, STR("application/msrtc-event-categories+xml"), false);
}

static bool wants_list(const struct task *t)
{
	const struct sip_msg *m = t->msg;
	return sip_has_token(m, SIP_H_SUPPORTED, STR("eventlist")) ||
	       sip_has_token(m, SIP_H_REQUIRE, STR("eventlist"));
}

static enum refusal read_list(const struct task *t, struct arena *a, struct reslist *ret)
{
	auto_(buf_free) struct buf b = buf_of(RESLIST_BYTES_MAX);
	struct str body;
	enum refusal why = fe_read_body(t->msg, STR("application/resource-lists+xml"), &b, &body);
	if (why)
		return why;
	/* What is parsed is copied. */
	int r = reslist_parse(ret, a, arena_str(a, body));
	return r == -E2BIG ? REFUSE_TOO_LARGE : r < 0 ? REFUSE_BAD_BODY : REFUSE_NOTHING;
}

static enum refusal kind_of(const struct task *t, enum phone_kind *ret)
{
	const struct sip_msg *m = t->msg;
	bool list = wants_list(t) && accepts(m, STR("application/rlmi+xml"), true);
	if (!accepts(m, STR("application/pidf+xml"), true))
		return REFUSE_ACCEPT;
	*ret = WATCH_ONE;
	if (m->body.len > 0) {
		if (!wants_list(t))
			return REFUSE_NO_EVENTLIST;
		*ret = WATCH_LIST;
		return fe_is_own(t) || t->target.kind == TARGET_SELF ? REFUSE_NOTHING : REFUSE_USER;
	}
	if (list && fe_is_own(t))
		*ret = WATCH_CONTACTS;
	if (!fe_target_is_group(t))
		return REFUSE_NOTHING;
	*ret = WATCH_GROUP;
	return list ? REFUSE_NOTHING : REFUSE_GROUP;
}

enum refusal fe_start_phone_presence(struct task *t, struct person *p, const struct sub_ask *ask,
                                     struct sub **ret)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct reslist list = { 0 };
	enum phone_kind kind;
	enum refusal why = kind_of(t, &kind);
	if (!why && kind == WATCH_LIST)
		why = read_list(t, a, &list);
	if (why)
		return why;
	struct phone_sub *me = phone_new(p, kind);
	int r = sub_start(t->fe->subs, &me->sub, &phone_presence, ask);
	if (r < 0) {
		phone_drop(me);
		return fe_sub_refusal(r);
	}
	begin(me);
	if (kind == WATCH_LIST)
		take_list(me, &list);
	if (kind == WATCH_ONE)
		(void)!watch_add(t->fe->people, &me->set, fe_target_aor(t));
	if (kind == WATCH_GROUP)
		ask_members(t, me);
	*ret = &me->sub;
	return REFUSE_NOTHING;
}

enum refusal fe_again_phone_presence(struct task *t, struct sub *s)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct phone_sub *me = phone_of(s);
	struct reslist list;
	if (t->msg->body.len == 0 || me->kind != WATCH_LIST)
		return REFUSE_NOTHING;
	enum refusal why = read_list(t, a, &list);
	if (!why)
		take_list(me, &list);
	return why;
}

/* --- what was kept ------------------------------------------------------------------------- */

int fe_restore_phone_presence(struct frontend *fe, struct person *own, const struct sub_row *row,
                              struct str kept)
{
	struct str line, rest;
	(void)str_cut(kept, '\n', &line, &rest);
	if (line.len != 1 || !memchr("olcg", line.p[0], 4))
		return -EBADMSG;
	struct phone_sub *me = phone_new(own, (enum phone_kind)line.p[0]);
	int r = sub_restore(fe->subs, &me->sub, &phone_presence, row);
	if (r < 0) {
		phone_drop(me);
		return r;
	}
	begin(me);
	while (rest.len > 0) {
		(void)str_cut(rest, '\n', &line, &rest);
		(void)!watch_add(fe->people, &me->set, line);
	}
	return 0;
}
