#include "svc/watch/people.h"

#include <errno.h>
#include <stdlib.h>

struct people {
	struct loop *loop;
	struct subs *subs;
	struct people_ops ops;
	void *arg;
	struct map by_aor, by_account;
	struct list changed, rendered;
	struct defer flush, forget_renders;
};

/* --- the table ----------------------------------------------------------------------------- */

static void flush(void *arg);
static void on_expiry(void *arg);
static void reap(void *arg);
static void drop_renders(void *arg);

struct people *people_new(struct loop *l, struct subs *subs, const struct people_ops *ops,
                          void *arg)
{
	struct people *all = xnew(struct people);
	all->loop = l;
	all->subs = subs;
	all->ops = *ops;
	all->arg = arg;
	map_init(&all->by_aor);
	map_init(&all->by_account);
	list_init(&all->changed);
	list_init(&all->rendered);
	defer_init(&all->flush, flush, all);
	defer_init(&all->forget_renders, drop_renders, all);
	subs_before_flush(subs, flush, all);
	return all;
}

usec_t people_wall(const struct people *all)
{
	return loop_wall(all->loop);
}

static uint64_t account_hash(const struct people *all, uint64_t account)
{
	return hash_bytes(&all->by_account.key, &account, sizeof(account));
}

struct person *people_find(struct people *all, struct str aor)
{
	struct map_node *n = map_first(&all->by_aor, hash_lower(&all->by_aor.key, aor));
	for (; n; n = map_next(n)) {
		struct person *p = container_of(n, struct person, by_aor);
		if (str_ieq(str_of(p->aor), aor))
			return p;
	}
	return NULL;
}

struct person *people_by_account(struct people *all, uint64_t account)
{
	struct map_node *n = map_first(&all->by_account, account_hash(all, account));
	for (; n; n = map_next(n)) {
		struct person *p = container_of(n, struct person, by_account);
		if (p->p.account == account)
			return p;
	}
	return NULL;
}

struct person *people_get(struct people *all, struct str aor)
{
	struct person *p = people_find(all, aor);
	if (p || aor.len == 0 || aor.len > PERSON_AOR_MAX || memchr(aor.p, 0, aor.len))
		return p;
	p = xcalloc(1, sizeof(*p) + aor.len + 1);
	p->all = all;
	memcpy(p->aor, aor.p, aor.len);
	presentity_init(&p->p, 0, aor);
	list_init(&p->watches);
	list_init(&p->selves);
	list_init(&p->rosters);
	list_init(&p->lists);
	list_init(&p->winfos);
	list_init(&p->followers);
	list_init(&p->added);
	list_init(&p->published);
	list_init(&p->changed);
	list_init(&p->rendered);
	timer_init(&p->expiry, all->loop, on_expiry, p);
	defer_init(&p->reap, reap, p);
	map_add(&all->by_aor, &p->by_aor, hash_lower(&all->by_aor.key, aor));
	all->ops.find(all->arg, p);
	person_maybe_reap(p);
	return p;
}

struct person *people_walk(struct people *all, size_t *slot, struct map_node **after)
{
	struct map_node *n = map_walk(&all->by_aor, slot, after);
	return n ? container_of(n, struct person, by_aor) : NULL;
}

size_t people_count(const struct people *all)
{
	return all->by_aor.n;
}

static void clear_renders(struct person *p)
{
	for (int i = 0; i < PERSON_RENDERS; i++)
		buf_free(&p->renders[i].text);
	list_del(&p->rendered);
}

static void person_free(struct person *p)
{
	struct people *all = p->all;
	all->ops.forget(all->arg, p);
	map_del(&all->by_aor, &p->by_aor);
	if (p->p.account)
		map_del(&all->by_account, &p->by_account);
	clear_renders(p);
	list_del(&p->changed);
	timer_stop(&p->expiry);
	defer_cancel(&p->reap);
	presentity_done(&p->p);
	contacts_done(&p->contacts);
	free(p);
}

void people_free(struct people **pp)
{
	struct people *all = take(pp);
	size_t slot = 0;
	struct map_node *after = NULL;
	if (!all)
		return;
	for (struct person *p; (p = people_walk(all, &slot, &after)) != NULL;)
		person_free(p);
	defer_cancel(&all->flush);
	defer_cancel(&all->forget_renders);
	map_done(&all->by_aor);
	map_done(&all->by_account);
	free(all);
}

static bool is_needed(const struct person *p)
{
	return p->clients || p->stays_until > loop_wall(p->all->loop) || p->busy || p->held ||
	       !list_empty(&p->watches) || !list_empty(&p->selves) || !list_empty(&p->rosters) ||
	       !list_empty(&p->lists) || !list_empty(&p->winfos) || !list_empty(&p->followers) ||
	       !list_empty(&p->changed) || !list_empty(&p->published) || p->where == PERSON_UNKNOWN;
}

static void reap(void *arg)
{
	struct person *p = arg;
	if (!is_needed(p))
		person_free(p);
}

void person_maybe_reap(struct person *p)
{
	if (!is_needed(p))
		loop_defer(p->all->loop, &p->reap);
}

/* --- who it is ----------------------------------------------------------------------------- */

static void watch_dirty(struct watch *w, uint32_t mask);

static void tell_all_anew(struct person *p)
{
	list_for(it, &p->watches)
	{
		struct watch *w = list_entry(it, struct watch, of_person);
		w->container = presentity_view(&p->p, &w->set->who);
		watch_dirty(w, w->set->categories);
	}
}

/* When something of hers ends next. */
static void set_expiry(struct person *p)
{
	usec_t wall = loop_wall(p->all->loop);
	bool durable;
	usec_t next = presentity_expire(&p->p, wall, &durable);
	if (durable && p->where == PERSON_HERE)
		p->all->ops.save(p->all->arg, p);
	if (p->stays_until > wall)
		next = MIN(next, p->stays_until);
	if (next == USEC_INFINITY)
		timer_stop(&p->expiry);
	else
		timer_set(&p->expiry, loop_now(p->all->loop) + (next - wall));
}

void person_stay(struct person *p)
{
	p->stays_until = loop_wall(p->all->loop) + STAY_S * USEC_PER_SEC;
	if (p->where != PERSON_UNKNOWN)
		set_expiry(p);
}

bool person_is_known(const struct person *p)
{
	return p->where == PERSON_NOBODY || p->where == PERSON_HERE ||
	       (p->where == PERSON_THERE && p->p.pubs.n > 0);
}

void person_find_again(struct person *p)
{
	timer_set(&p->expiry, loop_now(p->all->loop) + FIND_AGAIN_S * USEC_PER_SEC);
}

static void on_expiry(void *arg)
{
	struct person *p = arg;
	if (p->where == PERSON_UNKNOWN) {
		p->all->ops.find(p->all->arg, p);
		return;
	}
	set_expiry(p);
	person_changed(p);
	person_maybe_reap(p);
}

void person_found(struct person *p, uint64_t account, const struct card *card,
                  enum person_where where, uint32_t slot)
{
	struct people *all = p->all;
	if (p->p.account != account) {
		if (p->p.account)
			map_del(&all->by_account, &p->by_account);
		p->p.account = account;
		map_add(&all->by_account, &p->by_account, account_hash(all, account));
	}
	bool was_here = p->where == PERSON_HERE;
	p->where = where;
	p->slot = slot;
	p->p.replica = where == PERSON_THERE;
	clear_renders(p);
	if (where == PERSON_HERE && !was_here)
		pub_clear(&p->p.pubs);
	if (where == PERSON_HERE) {
		contacts_done(&p->contacts);
		contacts_init(&p->contacts);
		all->ops.load(all->arg, p);
		presentity_set_card(&p->p, card, people_wall(all));
		presentity_signed_in(&p->p, p->p.signed_in, p->p.phone_online, people_wall(all));
		set_expiry(p);
		p->p.dirty = (struct presence_dirty){ 0 };
		tell_all_anew(p);
	} else if (p->stays_until) {
		set_expiry(p);
	}
	person_maybe_reap(p);
}

void person_absent(struct person *p)
{
	p->where = PERSON_NOBODY;
	pub_clear(&p->p.pubs);
	clear_renders(p);
	tell_all_anew(p);
	person_maybe_reap(p);
}

void person_card(struct person *p, const struct card *card)
{
	presentity_set_card(&p->p, card, people_wall(p->all));
	person_changed(p);
}

int person_replace(struct person *p, struct str document)
{
	bool first = p->p.pubs.n == 0;
	int r = presentity_read(&p->p, document);
	if (r < 0)
		return r;
	if (first)
		tell_all_anew(p);
	person_changed(p);
	return 0;
}

/* --- telling ------------------------------------------------------------------------------- */

void person_changed(struct person *p)
{
	if (!presentity_is_dirty(&p->p))
		return;
	clear_renders(p);
	if (list_empty(&p->changed))
		list_add(&p->all->changed, &p->changed);
	loop_defer(p->all->loop, &p->all->flush);
}

static void watch_dirty(struct watch *w, uint32_t mask)
{
	if (mask == 0)
		return;
	if (w->dirty == 0) {
		list_del(&w->of_set);
		list_push(&w->set->watches, &w->of_set);
	}
	w->dirty |= mask;
	sub_touch(w->set->sub);
}

/* Which container she sees may have changed, and then everything has. */
static void tell_watch(struct person *p, struct watch *w)
{
	uint32_t mask = presentity_dirty_for(&p->p, w->container);
	if (p->p.dirty.containers) {
		uint32_t now = presentity_view(&p->p, &w->set->who);
		if (now != w->container)
			mask = w->set->categories;
		w->container = now;
	}
	watch_dirty(w, mask & w->set->categories);
}

static void merge_dirty(struct presence_dirty *to, const struct presence_dirty *from)
{
	for (int i = 0; i < N_CONTAINERS; i++)
		to->category[i] |= from->category[i];
	to->containers |= from->containers;
	to->subscribers |= from->subscribers;
}

static void tell_selves(struct person *p)
{
	list_for(it, &p->selves)
	{
		struct self_watch *s = list_entry(it, struct self_watch, of_person);
		merge_dirty(&s->dirty, &p->p.dirty);
		sub_touch(s->sub);
	}
}

void person_watchers_changed(struct person *p)
{
	list_for(it, &p->winfos) sub_touch(list_entry(it, struct list_watch, of_person)->sub);
	if (p->asked)
		p->all->ops.watchers_changed(p->all->arg, p);
}

static bool has_other(const struct presence_dirty *d)
{
	uint32_t any = 0;
	for (int i = 0; i < N_CONTAINERS; i++)
		any |= d->category[i];
	return any & CATEGORY_BIT(CATEGORY_OTHER);
}

/* Names that went with the last change are kept until everybody has been told. */
static bool all_are_told(const struct person *p)
{
	list_for(it, &p->watches) if (list_entry(it, struct watch, of_person)->dirty &
	                              CATEGORY_BIT(CATEGORY_OTHER)) return false;
	list_for(it, &p->selves) if (has_other(&list_entry(it, struct self_watch, of_person)
	                                                ->dirty)) return false;
	return true;
}

/* Of whom nothing is known yet, everything is told when it is. */
static void tell_all(struct person *p)
{
	if (p->where != PERSON_UNKNOWN) {
		if (p->p.gone.first && all_are_told(p))
			gone_forget_told(&p->p.gone);
		gone_mark_told(&p->p.gone);
		set_expiry(p);
		tell_selves(p);
		if (p->p.dirty.subscribers)
			person_watchers_changed(p);
		list_for(it, &p->watches) tell_watch(p, list_entry(it, struct watch, of_person));
	}
	if (p->where == PERSON_HERE && !list_empty(&p->followers))
		p->all->ops.tell_follower(p->all->arg, p);
	p->p.dirty = (struct presence_dirty){ 0 };
}

static void flush(void *arg)
{
	struct people *all = arg;
	while (!list_empty(&all->changed)) {
		struct person *p = list_entry(all->changed.next, struct person, changed);
		list_del(&p->changed);
		tell_all(p);
		person_maybe_reap(p);
	}
}

static struct render *find_render(struct person *p, uint32_t container, uint32_t mask, uint32_t was,
                                  bool pidf)
{
	for (int i = 0; i < PERSON_RENDERS; i++) {
		struct render *r = &p->renders[i];
		if (r->text.len > 0 && r->container == container && r->mask == mask &&
		    r->was == was && r->pidf == pidf)
			return r;
	}
	return NULL;
}

static struct render *free_render(struct person *p)
{
	for (int i = 0; i < PERSON_RENDERS; i++)
		if (p->renders[i].text.len == 0)
			return &p->renders[i];
	buf_free(&p->renders[0].text);
	return &p->renders[0];
}

struct str person_render(struct person *p, uint32_t container, uint32_t mask, uint32_t was,
                         bool pidf)
{
	if (!(mask & CATEGORY_BIT(CATEGORY_OTHER)))
		was = 0; /* makes no difference */
	struct render *r = find_render(p, container, mask, was, pidf);
	if (r)
		return buf_view(&r->text);
	r = free_render(p);
	*r = (struct render){ container, mask, was, pidf, buf_of(SUB_BODY_MAX) };
	if (pidf)
		simple_put_pidf(&r->text, &p->p, container);
	else
		doc_put_view(&r->text, &p->p, container, mask, was);
	if (list_empty(&p->rendered))
		list_add(&p->all->rendered, &p->rendered);
	loop_defer(p->all->loop, &p->all->forget_renders);
	return buf_view(&r->text);
}

static void drop_renders(void *arg)
{
	struct people *all = arg;
	while (!list_empty(&all->rendered))
		clear_renders(list_entry(all->rendered.next, struct person, rendered));
}

/* --- watching ------------------------------------------------------------------------------ */

void watch_set_init(struct watch_set *set, struct sub *sub, struct str who, bool ours,
                    uint32_t categories)
{
	*set = (struct watch_set){ .sub = sub, .who = { who, ours }, .categories = categories };
	list_init(&set->watches);
}

static void watch_free(struct watch *w)
{
	list_del(&w->of_person);
	list_del(&w->of_set);
	w->set->n--;
	w->set->sub->n_watched--;
	person_watchers_changed(w->person);
	person_maybe_reap(w->person);
	free(w);
}

void watch_set_done(struct watch_set *set)
{
	list_for(it, &set->watches) watch_free(list_entry(it, struct watch, of_set));
}

struct watch *watch_find(struct people *all, struct watch_set *set, struct str aor)
{
	const struct person *p = people_find(all, aor);
	list_for(it, &set->watches)
	{
		struct watch *w = list_entry(it, struct watch, of_set);
		if (w->person == p)
			return w;
	}
	return NULL;
}

bool watch_is_unknown(const struct watch *w)
{
	const struct person *p = w->person;
	return p->where == PERSON_UNKNOWN || (p->where == PERSON_THERE && p->p.pubs.n == 0);
}

void watch_all_again(struct watch_set *set)
{
	list_for(it, &set->watches)
	{
		struct watch *w = list_entry(it, struct watch, of_set);
		if (watch_is_unknown(w))
			continue;
		w->dirty |= set->categories;
		list_del(&w->of_set);
		list_push(&set->watches, &w->of_set);
	}
}

/* How many more addresses this subscription may have. */
static bool has_room(struct people *all, const struct watch_set *set)
{
	uint32_t n = 0;
	for (struct sub *s = NULL; (s = subs_next(all->subs, set->sub->account, s)) != NULL;)
		n += s->n_watched;
	return set->n < WATCHES_OF_SUB_MAX && n < WATCHES_OF_USER_MAX;
}

static int watch_new(struct people *all, struct watch_set *set, struct str aor, struct watch **ret)
{
	if (!has_room(all, set))
		return -ENOSPC;
	struct person *p = people_get(all, aor);
	if (!p)
		return -EINVAL;
	struct watch *w = xnew(struct watch);
	w->person = p;
	w->set = set;
	list_add(&p->watches, &w->of_person);
	list_add(&set->watches, &w->of_set);
	set->n++;
	set->sub->n_watched++;
	person_watchers_changed(p);
	*ret = w;
	return 0;
}

int watch_add(struct people *all, struct watch_set *set, struct str aor)
{
	struct watch *w = watch_find(all, set, aor);
	int r = w ? 0 : watch_new(all, set, aor, &w);
	if (r < 0)
		return r;
	if (watch_is_unknown(w))
		return 0; /* told when it is known */
	w->container = presentity_view(&w->person->p, &set->who);
	watch_dirty(w, set->categories);
	return 0;
}

void watch_remove(struct people *all, struct watch_set *set, struct str aor)
{
	struct watch *w = watch_find(all, set, aor);
	if (w)
		watch_free(w);
}

struct watch *watch_next_dirty(struct watch_set *set)
{
	struct watch *w = list_empty(&set->watches)
	                          ? NULL
	                          : list_entry(set->watches.next, struct watch, of_set);
	return w && w->dirty ? w : NULL;
}

void watch_clean(struct watch *w)
{
	w->dirty = 0;
	w->was = 1u << container_index(w->container);
	w->told = true;
	list_del(&w->of_set);
	list_add(&w->set->watches, &w->of_set);
}
