#include <stdlib.h>

#include "role/frontend/fe.h"
#include "wire/winfo/winfo.h"

/* Small event packages of phones: who watches the own user (`presence.winfo`, RFC 3857), and
 * waiting messages (`message-summary`, RFC 3842). */

enum { WATCHERS_SHOWN_MAX = 1000 };

struct own_sub {
	struct sub sub;
	struct list_watch watchers; /* of winfo: in person->winfos */
	struct person *own;
};

static struct own_sub *own_of(const struct sub *s)
{
	return container_of((struct sub *)(uintptr_t)s, struct own_sub, sub);
}

static void own_drop(struct own_sub *me)
{
	list_del(&me->watchers.of_person);
	me->own->held--;
	person_maybe_reap(me->own);
	free(me);
}

static void free_own(struct sub *s)
{
	own_drop(own_of(s));
}

static void put_nothing(const struct sub *s UNUSED, struct buf *b UNUSED)
{
}

static struct own_sub *own_new(struct person *own)
{
	struct own_sub *me = xnew(struct own_sub);
	me->own = own;
	own->held++;
	me->watchers.sub = &me->sub;
	list_init(&me->watchers.of_person);
	return me;
}

static enum refusal start(struct task *t, struct person *p, const struct sub_ask *ask,
                          const struct sub_package *package, struct own_sub **ret)
{
	struct own_sub *me = own_new(p);
	int r = sub_start(t->fe->subs, &me->sub, package, ask);
	if (r < 0) {
		own_drop(me);
		return fe_sub_refusal(r);
	}
	*ret = me;
	return REFUSE_NOTHING;
}

static int restore(struct frontend *fe, struct person *own, const struct sub_row *row,
                   const struct sub_package *package, struct own_sub **ret)
{
	struct own_sub *me = own_new(own);
	int r = sub_restore(fe->subs, &me->sub, package, row);
	if (r < 0)
		own_drop(me);
	else
		*ret = me;
	return r;
}

/* --- who watches --------------------------------------------------------------------------- */

struct watchers {
	struct arena *a;
	struct winfo_watcher v[WATCHERS_SHOWN_MAX];
	unsigned n;
};

static void add(struct watchers *w, enum winfo_status status, const char *kind, uint64_t id,
                struct str aor, struct str display)
{
	if (w->n == WATCHERS_SHOWN_MAX)
		return;
	w->v[w->n++] = (struct winfo_watcher){
		.id = arena_printf(w->a, "%s%llx", kind, (unsigned long long)id),
		.uri = arena_printf(w->a, "sip:%" STR_FMT, STR_ARG(aor)),
		.display_name = display,
		.status = status,
		.event = WINFO_SUBSCRIBE,
	};
}

static uint64_t hash_of(const struct frontend *fe, struct str s)
{
	return hash_lower(&fe->key.mac, s) >> 32;
}

/* Those behind other homes have told their addresses alone. */
static void add_remote(struct watchers *w, const struct frontend *fe, const struct follower *f)
{
	struct str rest = buf_view(&f->watchers), one;
	while (rest.len > 0) {
		(void)str_cut(rest, '\n', &one, &rest);
		add(w, WINFO_ACTIVE, "r", hash_of(fe, one), one, STR(""));
	}
}

static void add_all(struct watchers *w, const struct frontend *fe, struct person *p)
{
	list_for(it, &p->watches)
	{
		const struct watch *x = list_entry(it, struct watch, of_person);
		add(w, WINFO_ACTIVE, "s", x->set->sub->id, x->set->who.uri, STR(""));
	}
	list_for(it, &p->followers)
	{
		add_remote(w, fe, list_entry(it, struct follower, of_person));
	}
	for (const struct subscriber *s = p->p.subscribers; s; s = s->next)
		if (!s->acknowledged)
			add(w, WINFO_PENDING, "p", hash_of(fe, subscriber_user(s)),
			    subscriber_user(s), subscriber_display(s));
}

static bool compose_winfo(struct sub *s, bool all UNUSED, struct buf *b, struct str *ret_type)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct own_sub *me = own_of(s);
	struct watchers *w = arena_alloc(a, sizeof(*w));
	w->a = a;
	if (me->own->owner)
		add_all(w, me->own->owner, me->own);
	struct winfo doc = { .version = s->cseq,
		             .full = true,
		             .resource = arena_printf(a, "sip:%s", me->own->aor),
		             .package = STR("presence"),
		             .watchers = w->v,
		             .n_watchers = w->n };
	winfo_put(b, &doc);
	*ret_type = STR("application/watcherinfo+xml");
	return true;
}

static const struct sub_package winfo_package = { .event = STR_INIT("presence.winfo"),
	                                          .compose = compose_winfo,
	                                          .free = free_own,
	                                          .put_kept = put_nothing };

static void begin_winfo(struct frontend *fe, struct own_sub *me)
{
	list_add(&me->own->winfos, &me->watchers.of_person);
	fe_ask_watchers(fe, me->own);
}

enum refusal fe_start_winfo(struct task *t, struct person *p, const struct sub_ask *ask,
                            struct sub **ret)
{
	struct own_sub *me;
	if (!fe_accepts(t->msg, STR("application/watcherinfo+xml")))
		return REFUSE_ACCEPT;
	enum refusal why = start(t, p, ask, &winfo_package, &me);
	if (why)
		return why;
	begin_winfo(t->fe, me);
	*ret = &me->sub;
	return REFUSE_NOTHING;
}

int fe_restore_winfo(struct frontend *fe, struct person *own, const struct sub_row *row,
                     struct str kept UNUSED)
{
	struct own_sub *me;
	int r = restore(fe, own, row, &winfo_package, &me);
	if (r == 0)
		begin_winfo(fe, me);
	return r;
}

/* --- waiting messages ---------------------------------------------------------------------- */

static bool compose_summary(struct sub *s, bool all, struct buf *b, struct str *ret_type)
{
	buf_printf(b, "Messages-Waiting: no\r\nMessage-Account: sip:%s\r\n", own_of(s)->own->aor);
	*ret_type = STR("application/simple-message-summary");
	return all;
}

static const struct sub_package summary_package = { .event = STR_INIT("message-summary"),
	                                            .compose = compose_summary,
	                                            .free = free_own,
	                                            .put_kept = put_nothing };

enum refusal fe_start_summary(struct task *t, struct person *p, const struct sub_ask *ask,
                              struct sub **ret)
{
	struct own_sub *me;
	if (!fe_accepts(t->msg, STR("application/simple-message-summary")))
		return REFUSE_ACCEPT;
	enum refusal why = start(t, p, ask, &summary_package, &me);
	if (!why)
		*ret = &me->sub;
	return why;
}

int fe_restore_summary(struct frontend *fe, struct person *own, const struct sub_row *row,
                       struct str kept UNUSED)
{
	struct own_sub *me;
	return restore(fe, own, row, &summary_package, &me);
}
