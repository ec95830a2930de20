#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/isotime.h"
#include "role/frontend/fe.h"
#include "wire/dialoginfo/dialoginfo.h"

/* Lamps: the calls of a user, for phones of colleagues (event `dialog`, RFC 4235), and "on the
 * phone" for everybody.
 *
 * A call that passes is a publication of each of its users who lives here, so that it reaches
 * watchers and other homes as all presence does, and goes with the endpoint that is in the call. */

#define NS_DIALOGS "urn:dialtone:dialogs"

enum {
	LAMPS_MAX = 32,        /* calls of one user that are shown */
	LAMP_STATE = 9u << 28, /* instances of the phone states of calls begin with this */
	LAMP_NUMBER = 1 << 28,
	LAMP_BODY_MAX = 4096,
};

/* --- calls as publications ----------------------------------------------------------------- */

/* One user's side of a call. */
struct side {
	struct frontend *fe;
	const struct call *call;
	bool is_caller;
	uint64_t account, endpoint; /* endpoint 0: not known yet */
	struct str remote;
	uint32_t number;
};

/* Nothing of its Call-ID can be seen in it. */
static uint32_t number_of(const struct frontend *fe, const struct call *k, bool is_caller)
{
	uint64_t h = hash_bytes(&fe->key.mac, k->id.p, k->id.len);
	return (uint32_t)(h % LAMP_NUMBER & ~UINT64_C(1)) | is_caller;
}

static struct str state_of(const struct call *k)
{
	switch (k->state) {
	case CALL_TRYING:
		return STR("trying");
	case CALL_RINGING:
		return STR("early");
	case CALL_CONNECTED:
		break;
	}
	return STR("confirmed");
}

static struct pub_body *dialog_body(const struct side *s, bool with_remote)
{
	char text[LAMP_BODY_MAX];
	struct buf b = BUF_ON(text);
	const struct call *k = s->call;
	buf_printf(&b, "<dialog xmlns=\"" NS_DIALOGS "\" id=\"%08x\" direction=\"%s\"", s->number,
	           s->is_caller ? "initiator" : "recipient");
	xml_put_attr(&b, "state", state_of(k));
	buf_lit(&b, " since=\"");
	isotime_put(&b, k->answered ? k->answered : k->started);
	buf_char(&b, '"');
	if (with_remote && s->remote.len > 0)
		xml_put_attr(&b, "remote", s->remote);
	buf_lit(&b, "/>");
	return b.full ? NULL : pub_body_of(buf_view(&b));
}

static struct server_publication publication(const struct side *s, enum category c,
                                             uint32_t container, struct pub_body *body)
{
	uint32_t instance = c == CATEGORY_STATE ? LAMP_STATE + s->number : s->number;
	return (struct server_publication){ .key = { c, category_name(c), container, instance },
		                            .expire = PUB_ENDPOINT,
		                            .endpoint = s->endpoint,
		                            .body = body };
}

static const struct binding *binding_of(const struct side *s)
{
	struct home_user *u = registrar_user(s->fe->registrar, s->account);
	return u && s->endpoint ? registrar_endpoint(u, s->endpoint) : NULL;
}

/* A Lync client says by itself that its user is in a call. */
static struct pub_body *phone_body(const struct side *s)
{
	const struct binding *b = binding_of(s);
	if (s->call->state != CALL_CONNECTED || !b || b->lync)
		return NULL;
	return pub_body_of(STR("<state xmlns=\"http://schemas.microsoft.com/2006/09/sip/state\""
	                       " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
	                       " manual=\"false\" xsi:type=\"phoneState\">"
	                       "<availability>6500</availability>"
	                       "<activity token=\"on-the-phone\"/></state>"));
}

static bool has_room(const struct presentity *p, uint32_t number)
{
	unsigned n = 0;
	for (const struct publication *q = p->pubs.first; q; q = q->next) {
		if (q->key.category != CATEGORY_DIALOGS || q->key.container != CONTAINER_COMPANY)
			continue;
		if (q->key.instance == number)
			return true;
		n++;
	}
	return n < LAMPS_MAX;
}

/* Colleagues see that there is a call; with whom, only the workgroup and friends. */
static void publish(const struct side *s, bool ended)
{
	struct person *p = people_by_account(s->fe->people, s->account);
	if (!p || p->where != PERSON_HERE || (!ended && !has_room(&p->p, s->number)))
		return;
	/* Its device has gone, and the call with it, as far as others can tell. */
	ended |= s->endpoint && !binding_of(s);
	struct pub_body *brief = ended ? NULL : dialog_body(s, false);
	struct pub_body *whole = ended ? NULL : dialog_body(s, true);
	struct pub_body *phone = ended ? NULL : phone_body(s);
	const struct server_publication v[] = {
		publication(s, CATEGORY_DIALOGS, CONTAINER_COMPANY, brief),
		publication(s, CATEGORY_DIALOGS, CONTAINER_TEAM,
		            whole ? pub_body_ref(whole) : NULL),
		publication(s, CATEGORY_DIALOGS, CONTAINER_PERSONAL, whole),
		publication(s, CATEGORY_STATE, CONTAINER_RICH, phone ? pub_body_ref(phone) : NULL),
		publication(s, CATEGORY_STATE, CONTAINER_REDUCED, phone),
	};
	presentity_put(&p->p, v, ARRAY_SIZE(v), people_wall(s->fe->people));
	person_changed(p);
}

void fe_call_changed(void *arg, const struct call *k, bool ended)
{
	struct frontend *fe = arg;
	const struct side sides[] = {
		{ fe, k, true, k->caller, k->caller_endpoint, k->to, number_of(fe, k, true) },
		{ fe, k, false, k->callee, k->callee_endpoint, k->hidden ? STR("") : k->from,
		  number_of(fe, k, false) },
	};
	if (fe->store_closing)
		return;
	if (ended)
		fe_call_over(fe, k);
	for (size_t i = 0; i < ARRAY_SIZE(sides); i++)
		if (sides[i].account && fe_owner(fe, sides[i].account) == fe->env->slot)
			publish(&sides[i], ended);
}

/* --- event dialog -------------------------------------------------------------------------- */

struct lamp_sub {
	struct sub sub;
	struct watch_set set;
	char *who;
	uint32_t told[LAMPS_MAX]; /* calls that its subscriber knows of */
	unsigned n_told;
};

static struct lamp_sub *lamp_of(const struct sub *s)
{
	return container_of((struct sub *)(uintptr_t)s, struct lamp_sub, sub);
}

struct lamps {
	struct arena *a;
	struct dialoginfo_dialog v[2 * LAMPS_MAX];
	uint32_t numbers[LAMPS_MAX];
	unsigned n, n_live;
	usec_t wall;
	struct str local;
};

static enum dialoginfo_state read_state(struct str s)
{
	return str_eq(s, STR("confirmed")) ? DIALOGINFO_CONFIRMED
	       : str_eq(s, STR("early"))   ? DIALOGINFO_EARLY
	                                   : DIALOGINFO_TRYING;
}

static struct str uri_of(struct lamps *l, struct str remote)
{
	struct sip_uri u;
	if (remote.len == 0 || (sip_uri_parse(&u, remote) == 0 && u.scheme != SIP_SCHEME_OTHER))
		return remote;
	return arena_printf(l->a, "sip:%" STR_FMT, STR_ARG(remote));
}

static void add_live(struct lamps *l, const struct publication *q)
{
	struct xml *e;
	usec_t since = l->wall;
	if (l->n == LAMPS_MAX || !q->body || xml_parse(&e, l->a, q->body->text) < 0)
		return;
	(void)!isotime_parse(&since, xml_attr(e, "since"));
	l->numbers[l->n_live++] = q->key.instance;
	l->v[l->n++] = (struct dialoginfo_dialog){
		.id = arena_printf(l->a, "%08x", q->key.instance),
		.direction = str_eq(xml_attr(e, "direction"), STR("initiator"))
		                     ? DIALOGINFO_INITIATOR
		                     : DIALOGINFO_RECIPIENT,
		.state = read_state(xml_attr(e, "state")),
		.has_duration = true,
		.duration_s = l->wall > since ? (uint32_t)((l->wall - since) / USEC_PER_SEC) : 0,
		.local = { .identity = l->local },
		.remote = { .identity = uri_of(l, xml_attr(e, "remote")) },
	};
}

/* A phone that has seen a call wants to see its end, not only that it is gone. */
static void add_ended(struct lamps *l, struct lamp_sub *me)
{
	for (unsigned i = 0; i < me->n_told; i++) {
		bool live = false;
		for (unsigned k = 0; k < l->n_live; k++)
			live |= l->numbers[k] == me->told[i];
		if (live)
			continue;
		l->v[l->n++] = (struct dialoginfo_dialog){
			.id = arena_printf(l->a, "%08x", me->told[i]),
			.direction = me->told[i] & 1 ? DIALOGINFO_INITIATOR : DIALOGINFO_RECIPIENT,
			.state = DIALOGINFO_TERMINATED,
			.local = { .identity = l->local },
		};
	}
	me->n_told = l->n_live;
	memcpy(me->told, l->numbers, l->n_live * sizeof(*me->told));
}

static void add_calls(struct lamps *l, const struct watch *w)
{
	const struct presentity *p = &w->person->p;
	if (w->person->where != PERSON_HERE && w->person->where != PERSON_THERE)
		return;
	for (const struct publication *q = p->pubs.first; q; q = q->next)
		if (q->key.category == CATEGORY_DIALOGS && q->key.container == w->container)
			add_live(l, q);
}

static bool compose(struct sub *s, bool all, struct buf *b, struct str *ret_type)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct lamp_sub *me = lamp_of(s);
	struct lamps *l = arena_alloc(a, sizeof(*l));
	if (all)
		watch_all_again(&me->set);
	struct watch *w = watch_next_dirty(&me->set);
	const struct person *p = list_entry(me->set.watches.next, struct watch, of_set)->person;
	if (!w && !all)
		return false;
	l->a = a;
	l->wall = people_wall(p->all);
	l->local = arena_printf(a, "sip:%s", p->aor);
	if (w) {
		add_calls(l, w);
		watch_clean(w);
	}
	add_ended(l, me);
	struct dialoginfo doc = { .entity = l->local,
		                  .version = s->cseq,
		                  .full = true,
		                  .dialogs = l->v,
		                  .n_dialogs = l->n };
	dialoginfo_put(b, &doc);
	*ret_type = STR("application/dialog-info+xml");
	return true;
}

static void free_lamp(struct sub *s)
{
	struct lamp_sub *me = lamp_of(s);
	watch_set_done(&me->set);
	free(me->who);
	free(me);
}

static void put_kept(const struct sub *s, struct buf *b)
{
	const struct lamp_sub *me = lamp_of(s);
	buf_str(b, str_of(list_entry(me->set.watches.next, struct watch, of_set)->person->aor));
}

static const struct sub_package lamp_package = {
	.event = STR_INIT("dialog"), .compose = compose, .free = free_lamp, .put_kept = put_kept
};

static struct lamp_sub *lamp_new(const struct person *own)
{
	struct lamp_sub *me = xnew(struct lamp_sub);
	me->who = str_dup(str_of(own->aor));
	return me;
}

static int begin(struct lamp_sub *me, struct people *all, struct str aor)
{
	watch_set_init(&me->set, &me->sub, str_of(me->who), true, CATEGORY_BIT(CATEGORY_DIALOGS));
	int r = watch_add(all, &me->set, aor);
	if (r < 0)
		sub_end(&me->sub, NULL);
	return r;
}

enum refusal fe_start_lamp(struct task *t, struct person *p, const struct sub_ask *ask,
                           struct sub **ret)
{
	if (t->msg->body.len > 0)
		return REFUSE_BAD_BODY;
	if (!fe_accepts(t->msg, STR("application/dialog-info+xml")))
		return REFUSE_ACCEPT;
	struct lamp_sub *me = lamp_new(p);
	int r = sub_start(t->fe->subs, &me->sub, &lamp_package, ask);
	if (r < 0) {
		free(me->who);
		free(me);
		return fe_sub_refusal(r);
	}
	if (begin(me, t->fe->people, fe_target_aor(t)) < 0)
		return REFUSE_USER;
	*ret = &me->sub;
	return REFUSE_NOTHING;
}

int fe_restore_lamp(struct frontend *fe, struct person *own, const struct sub_row *row,
                    struct str kept)
{
	struct lamp_sub *me = lamp_new(own);
	int r = sub_restore(fe->subs, &me->sub, &lamp_package, row);
	if (r < 0) {
		free(me->who);
		free(me);
		return r;
	}
	return begin(me, fe->people, kept);
}
