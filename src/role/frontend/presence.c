#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"
#include "role/frontend/fe.h"
#include "wire/rlmi/rlmi.h"

/* Watching: the presence of a list of people in one dialog ([MS-PRES] section 3.4.5: batched
 * subscriptions), or of one. */

enum { BOUNDARY_LEN = 16 };

struct presence_sub {
	struct sub sub;
	struct watch_set set;
	bool list; /* of several, told with RLMI */
	uint32_t version;
	char *who;
	/* Nobody who publishes can know it, and so end a part of somebody else's. */
	char boundary[BOUNDARY_LEN + 1];
	char type[128];
};

/* --- what is told -------------------------------------------------------------------------- */

static bool is_shown(const struct person *p)
{
	return p->where == PERSON_HERE || p->where == PERSON_THERE;
}

/* The list's document: who has news, and where it stands. */
static void put_list(struct buf *b, struct presence_sub *me, struct arena *a, bool all)
{
	struct rlmi_list l = { .uri = arena_printf(a, "sip:%s", me->who),
		               .version = me->version++,
		               .full = all };
	struct rlmi_resource *r = arena_alloc(a, (me->set.n + 1) * sizeof(*r));
	struct rlmi_instance *in = arena_alloc(a, (me->set.n + 1) * sizeof(*in));
	list_for(it, &me->set.watches)
	{
		const struct watch *w = list_entry(it, struct watch, of_set);
		unsigned n = l.n_resources;
		if (!w->dirty)
			break;
		bool shown = is_shown(w->person);
		in[n].id = STR("0");
		in[n].state = shown ? RLMI_ACTIVE : RLMI_TERMINATED;
		in[n].reason = shown ? STR("") : STR("noresource");
		in[n].cid = shown ? arena_printf(a, "p%u", n) : STR("");
		r[n] = (struct rlmi_resource){ .uri = arena_printf(a, "sip:%s", w->person->aor),
			                       .instances = &in[n],
			                       .n_instances = 1 };
		l.n_resources++;
	}
	l.resources = r;
	rlmi_put(b, &l);
}

static struct str view_of(const struct watch *w)
{
	return person_render(w->person, w->container, w->dirty, w->was, false);
}

static void put_views(struct buf *b, struct presence_sub *me, const struct rlmi_frame *f)
{
	char id[16];
	unsigned n = 0;
	for (struct watch *w; (w = watch_next_dirty(&me->set)) != NULL; n++) {
		(void)snprintf(id, sizeof(id), "p%u", n);
		if (is_shown(w->person))
			rlmi_put_part(b, f, str_of(id),
			              STR("application/msrtc-event-categories+xml"), view_of(w));
		watch_clean(w);
	}
}

static bool compose_list(struct presence_sub *me, bool all, struct buf *b, struct str *ret_type)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf list = buf_of(SUB_BODY_MAX);
	struct buf type = BUF_ON(me->type);
	struct rlmi_frame f = { .boundary = str_of(me->boundary),
		                .start = STR("resourceList"),
		                .bare = true };
	put_list(&list, me, a, all);
	rlmi_put_first(b, &f, buf_view(&list));
	put_views(b, me, &f);
	rlmi_put_end(b, &f);
	rlmi_put_type(&type, &f);
	*ret_type = buf_view(&type);
	return true;
}

static bool compose_one(struct presence_sub *me, struct buf *b, struct str *ret_type)
{
	struct watch *w = watch_next_dirty(&me->set);
	*ret_type = STR("application/msrtc-event-categories+xml");
	if (!w)
		return false;
	buf_str(b, view_of(w));
	watch_clean(w);
	return true;
}

static bool is_dirty(const struct watch_set *set, struct list *it)
{
	return it != &set->watches && list_entry(it, struct watch, of_set)->dirty;
}

/* Those to be told come first. */
static bool has_one_dirty(const struct watch_set *set)
{
	struct list *first = set->watches.next;
	return is_dirty(set, first) && !is_dirty(set, first->next) &&
	       is_shown(list_entry(first, struct watch, of_set)->person);
}

static bool compose(struct sub *s, bool all, struct buf *b, struct str *ret_type)
{
	struct presence_sub *me = container_of(s, struct presence_sub, sub);
	if (!watch_next_dirty(&me->set) && !all)
		return false;
	if (!me->list || (!all && has_one_dirty(&me->set)))
		return compose_one(me, b, ret_type);
	return compose_list(me, all, b, ret_type);
}

static void free_presence(struct sub *s)
{
	struct presence_sub *me = container_of(s, struct presence_sub, sub);
	watch_set_done(&me->set);
	free(me->who);
	free(me);
}

static const struct sub_package presence_package = { .event = STR_INIT("presence"),
	                                             .compose = compose,
	                                             .free = free_presence };

/* --- what is asked ------------------------------------------------------------------------- */

static void add_item(struct task *t, struct presence_sub *me, const struct batch_item *it, int *ret)
{
	struct str aor = presence_address(it->uri);
	int r = watch_add(t->fe->people, &me->set, aor);
	if (r == -ENOSPC)
		*ret = r;
	if (r == 0 && it->context)
		fe_person_added(t->fe, aor, t->who.uri, fe_display_name(t));
}

static enum refusal take_batch(struct task *t, struct presence_sub *me, const struct batch *batch)
{
	int r = 0;
	if (batch->n > WATCHES_OF_SUB_MAX)
		return REFUSE_TOO_MANY_SUBSCRIPTIONS;
	me->set.categories = batch->categories & ~CATEGORY_BIT(CATEGORY_DIALOGS);
	for (size_t i = 0; i < batch->n && r == 0; i++) {
		if (batch->remove)
			watch_remove(t->fe->people, &me->set,
			             presence_address(batch->items[i].uri));
		else
			add_item(t, me, &batch->items[i], &r);
	}
	return r < 0 ? REFUSE_TOO_MANY_SUBSCRIPTIONS : REFUSE_NOTHING;
}

static enum refusal read_batch(struct task *t, struct arena *a, struct batch *ret)
{
	int r = batch_read(ret, a, t->msg->body);
	return r == 0        ? REFUSE_NOTHING
	       : r == -E2BIG ? REFUSE_TOO_MANY_SUBSCRIPTIONS
	                     : REFUSE_BAD_BODY;
}

static void make_boundary(struct presence_sub *me)
{
	struct buf b = BUF_ON(me->boundary);
	rand_token(&b, BOUNDARY_LEN);
}

bool fe_waits_for(struct task *t, struct str aor)
{
	struct person *p = people_get(t->fe->people, aor);
	if (!p || person_is_known(p))
		return false;
	person_stay(p);
	return true;
}

bool fe_poll_waits(struct task *t)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct batch batch;
	bool waits = false;
	if (t->msg->body.len == 0)
		return fe_waits_for(t, fe_target_aor(t));
	if (batch_read(&batch, a, t->msg->body) < 0)
		return false;
	for (size_t i = 0; i < batch.n; i++)
		waits |= fe_waits_for(t, presence_address(batch.items[i].uri));
	return waits;
}

enum refusal fe_start_presence(struct task *t, struct person *p, const struct sub_ask *ask,
                               struct sub **ret)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct batch batch = { 0 };
	bool list = t->msg->body.len > 0;
	if (fe_wants_pidf(t->msg))
		return fe_start_phone_presence(t, p, ask, ret);
	enum refusal why = list ? read_batch(t, a, &batch) : REFUSE_NOTHING;
	if (why)
		return why;
	struct batch_item one = { .uri = fe_target_aor(t) };
	if (!list)
		batch = (struct batch){ .items = &one, .n = 1, .categories = CATEGORY_ALL };
	struct presence_sub *me = xnew(struct presence_sub);
	int r = sub_start(t->fe->subs, &me->sub, &presence_package, ask);
	if (r < 0) {
		free(me);
		return fe_sub_refusal(r);
	}
	me->list = list;
	make_boundary(me);
	me->who = str_dup(t->who.uri);
	watch_set_init(&me->set, &me->sub, str_of(me->who), true, batch.categories);
	why = take_batch(t, me, &batch);
	if (why)
		sub_end(&me->sub, NULL);
	else
		*ret = &me->sub;
	return why;
}

enum refusal fe_again_presence(struct task *t, struct sub *s)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct batch batch;
	if (s->package == &phone_presence)
		return fe_again_phone_presence(t, s);
	if (s->package != &presence_package || t->msg->body.len == 0)
		return REFUSE_NOTHING;
	enum refusal why = read_batch(t, a, &batch);
	return why ? why : take_batch(t, container_of(s, struct presence_sub, sub), &batch);
}
