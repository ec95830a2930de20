#include "svc/presence/presentity.h"

#include <errno.h>
#include <stdlib.h>

#include "base/isotime.h"
#include "svc/presence/document.h"

/* Publications that the server makes have this instance. */
enum { SERVER_INSTANCE = 1, CARD_INSTANCE = 0 };

void presentity_init(struct presentity *p, uint64_t account, struct str aor)
{
	*p = (struct presentity){ .account = account };
	p->aor = str_n(str_dup(aor), aor.len);
	containers_init(&p->containers);
}

static void clear_subscribers(struct presentity *p)
{
	while (p->subscribers) {
		struct subscriber *s = p->subscribers;
		p->subscribers = s->next;
		free(s);
	}
	p->n_subscribers = 0;
}

static void clear_friends(struct presentity *p)
{
	while (p->friends) {
		struct friend *f = p->friends;
		p->friends = f->next;
		free(f);
	}
}

void presentity_done(struct presentity *p)
{
	clear_friends(p);
	pub_clear(&p->pubs);
	gone_done(&p->gone);
	containers_done(&p->containers);
	clear_subscribers(p);
	free((char *)(uintptr_t)p->aor.p);
}

bool presentity_is_dirty(const struct presentity *p)
{
	uint32_t any = p->dirty.containers | (uint32_t)p->dirty.subscribers;
	for (int i = 0; i < N_CONTAINERS; i++)
		any |= p->dirty.category[i];
	return any != 0;
}

static void touch(struct presentity *p, const struct pub_key *k)
{
	int at = container_index(k->container);
	if (at >= 0)
		p->dirty.category[at] |= CATEGORY_BIT(k->category);
}

void presentity_touch_gone(struct presentity *p, const struct pub_key *k)
{
	int at = container_index(k->container);
	touch(p, k);
	if (at >= 0 && k->category == CATEGORY_OTHER)
		gone_add(&p->gone, k->name, 1u << at);
}

static void drop(struct presentity *p, struct publication *q)
{
	presentity_touch_gone(p, &q->key);
	pub_remove(&p->pubs, q);
}

/* --- what the server publishes ------------------------------------------------------------- */

static bool same_body(const struct publication *p, const struct pub_body *b)
{
	return p->body && b && str_eq(p->body->text, b->text);
}

static void put(struct presentity *p, const struct server_publication *what, usec_t wall,
                bool server)
{
	struct pub_body *body = what->body;
	struct publication *pub = pub_find(&p->pubs, &what->key);
	if (!body) {
		if (pub)
			drop(p, pub);
		return;
	}
	if (pub && same_body(pub, body) && pub->server == server) {
		pub->ends = what->ends;
		pub_body_unref(&body);
		return;
	}
	pub_share(&p->pubs, &body);
	pub = pub_get(&p->pubs, &what->key);
	pub->server = server;
	pub->expire = what->expire;
	pub->endpoint = what->endpoint;
	pub->ends = what->ends;
	pub->published = wall;
	pub->version++;
	pub_set_body(pub, body);
	touch(p, &pub->key);
}

static struct pub_key key_of(enum category c, uint32_t container, uint32_t instance)
{
	return (struct pub_key){ c, category_name(c), container, instance };
}

static void put_card(struct presentity *p, const struct card *card, uint32_t container, usec_t wall)
{
	auto_(buf_free) struct buf b = buf_of(PRESENCE_MAX);
	struct server_publication what = {
		.key = key_of(CATEGORY_CONTACT_CARD, container, CARD_INSTANCE), .expire = PUB_STATIC
	};
	const struct publication *own = pub_find(&p->pubs, &what.key);
	if (own && !own->server)
		return;
	doc_put_card(&b, card);
	what.body = pub_body_of(buf_view(&b));
	put(p, &what, wall, true);
}

static void put_lines(struct presentity *p, struct str phone, usec_t wall)
{
	auto_(buf_free) struct buf b = buf_of(PRESENCE_MAX);
	struct server_publication what = { .key = key_of(CATEGORY_USER_PROPERTIES, CONTAINER_SELF,
		                                         CARD_INSTANCE),
		                           .expire = PUB_STATIC };
	doc_put_lines(&b, phone);
	what.body = pub_body_of(buf_view(&b));
	put(p, &what, wall, true);
}

/* Everybody, who is blocked included, sees name and address; external contacts what she is; the
 * others how to reach her (F-024). */
void presentity_set_card(struct presentity *p, const struct card *card, usec_t wall)
{
	struct card outside = *card,
	            blocked = { .display_name = card->display_name, .email = card->email };
	outside.phone = outside.department = STR("");
	put_card(p, &blocked, CONTAINER_ALL, wall);
	put_card(p, &outside, CONTAINER_PUBLIC, wall);
	put_card(p, card, CONTAINER_COMPANY, wall);
	put_card(p, card, CONTAINER_TEAM, wall);
	put_card(p, card, CONTAINER_PERSONAL, wall);
	put_lines(p, card->phone, wall);
}

/* --- the aggregate ------------------------------------------------------------------------- */

/* Where the aggregate of each kind of input is seen. */
static const struct {
	uint32_t input, output;
} aggregates[] = {
	{ CONTAINER_RICH, CONTAINER_RICH },     { CONTAINER_RICH, CONTAINER_PUBLIC },
	{ CONTAINER_RICH, CONTAINER_COMPANY },  { CONTAINER_REDUCED, CONTAINER_TEAM },
	{ CONTAINER_RICH, CONTAINER_PERSONAL },
};

/* Who appears offline does so since she said it: nothing may tell her from who is gone. */
static usec_t offline_since(const struct presentity *p, const struct aggregate *a)
{
	if (a->availability < AVAIL_OFFLINE)
		return 0;
	if (a->from)
		return a->from->published;
	return p->signed_in ? 0 : p->last_active;
}

/* Most changes of a user leave most aggregates as they are. */
static bool says(const struct presentity *p, const struct pub_key *k, struct str text)
{
	const struct publication *pub = pub_find(&p->pubs, k);
	return pub && pub->server && pub->body && str_eq(pub->body->text, text);
}

static void put_aggregate(struct presentity *p, const struct aggregate *a, uint32_t container,
                          usec_t wall)
{
	auto_(buf_free) struct buf b = buf_of(PRESENCE_MAX);
	struct server_publication what = {
		.key = key_of(CATEGORY_STATE, container, SERVER_INSTANCE),
		.expire = PUB_USER,
	};
	doc_put_state(&b, a, container, container == CONTAINER_BLOCKED ? 0 : offline_since(p, a));
	if (says(p, &what.key, buf_view(&b)))
		return;
	what.body = pub_body_of(buf_view(&b));
	put(p, &what, wall, true);
}

static struct aggregate aggregate_in(const struct presentity *p, uint32_t container)
{
	struct aggregate_input in = { .pubs = &p->pubs,
		                      .container = container,
		                      .phone_online = p->phone_online,
		                      .signed_in = p->signed_in };
	return aggregate_of(&in);
}

static void aggregate(struct presentity *p, usec_t wall)
{
	struct aggregate blocked = { .availability = STATE_OFFLINE };
	if (p->replica)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(aggregates); i++) {
		struct aggregate a = aggregate_in(p, aggregates[i].input);
		put_aggregate(p, &a, aggregates[i].output, wall);
	}
	put_aggregate(p, &blocked, CONTAINER_BLOCKED, wall);
}

bool presentity_is_dnd(const struct presentity *p)
{
	struct pub_key k = key_of(CATEGORY_STATE, CONTAINER_RICH, SERVER_INSTANCE);
	const struct publication *q = pub_find(&p->pubs, &k);
	return q && q->body->availability >= AVAIL_DND && q->body->availability < AVAIL_BRB;
}

static void put_bounded(struct presentity *p, const struct server_publication *what, usec_t wall)
{
	struct pub_body *body = what->body;
	if (body && p->pubs.n >= PUBLICATIONS_DOC_MAX && !pub_find(&p->pubs, &what->key))
		pub_body_unref(&body);
	else
		put(p, what, wall, false);
}

void presentity_put(struct presentity *p, const struct server_publication *what, size_t n,
                    usec_t wall)
{
	for (size_t i = 0; i < n; i++)
		put_bounded(p, &what[i], wall);
	aggregate(p, wall);
}

/* --- publishing ---------------------------------------------------------------------------- */

static bool is_kept(enum pub_expire e)
{
	return e != PUB_ENDPOINT;
}

static int check_item(const struct presentity *p, const struct publish_item *it)
{
	const struct publication *pub = pub_find(&p->pubs, &it->key);
	bool own_card = it->key.category == CATEGORY_CONTACT_CARD && !it->remove;
	if (container_index(it->key.container) < 0 || it->key.category == CATEGORY_DIALOGS)
		return -EPERM;
	return pub && pub->server && !own_card ? -EPERM : 0;
}

static uint32_t current_version(const struct presentity *p, const struct publish_item *it)
{
	const struct publication *pub = pub_find(&p->pubs, &it->key);
	return pub ? pub->version : 0;
}

static int check_versions(const struct presentity *p, const struct publish *rq,
                          struct publish_result *ret)
{
	for (size_t i = 0; i < rq->n; i++) {
		int r = check_item(p, &rq->items[i]);
		uint32_t now = current_version(p, &rq->items[i]);
		if (r < 0)
			return r;
		if (now != rq->items[i].version)
			ret->conflicts[ret->n_conflicts++] =
			        (struct conflict){ (uint32_t)i + 1, rq->items[i].version, now };
	}
	return ret->n_conflicts ? -EEXIST : 0;
}

/* Bodies that say the same are one. */
static int make_bodies(const struct presentity *p, const struct publish *rq,
                       struct pub_body **bodies)
{
	for (size_t i = 0; i < rq->n; i++) {
		const struct xml *e = rq->items[i].body;
		if (rq->items[i].remove)
			continue;
		for (size_t k = 0; k < i && !bodies[i]; k++)
			if (bodies[k] && str_eq(rq->items[k].body->source, e->source) &&
			    str_eq(rq->items[k].body->space, e->space))
				bodies[i] = pub_body_ref(bodies[k]);
		int r = bodies[i] ? 0 : pub_body_new(&bodies[i], e);
		if (r < 0)
			return r;
		pub_share(&p->pubs, &bodies[i]);
		if (bodies[i]->kind == STATE_AGGREGATE)
			return -EPERM;
	}
	return 0;
}

static void apply(struct pub_table *t, const struct publish_ask *ask, size_t i,
                  struct pub_body **body, struct publish_result *ret)
{
	const struct publish_item *it = &ask->rq->items[i];
	struct publication *pub = pub_find(t, &it->key);
	ret->durable |= (!it->remove && is_kept(it->expire)) || (pub && is_kept(pub->expire));
	if (it->remove) {
		if (pub)
			pub_remove(t, pub);
		return;
	}
	pub = pub_get(t, &it->key);
	pub->server = false;
	pub->expire = it->expire;
	pub->endpoint = ask->endpoint;
	pub->published = ask->wall;
	pub->ends = it->expire == PUB_TIME ? ask->wall + it->expires_s * USEC_PER_SEC : 0;
	pub->version++;
	pub_set_body(pub, take(body));
}

static void touch_item(struct presentity *p, const struct publish_item *it)
{
	if (it->remove)
		presentity_touch_gone(p, &it->key);
	else
		touch(p, &it->key);
}

/* Makes the table that it would be, and takes it over if it is within the limits. */
static int replace(struct presentity *p, const struct publish_ask *ask, struct pub_body **bodies,
                   struct publish_result *ret)
{
	struct pub_table next = pub_copy(&p->pubs);
	for (size_t i = 0; i < ask->rq->n; i++)
		apply(&next, ask, i, &bodies[i], ret);
	int r = pub_check(&next);
	if (r < 0) {
		ret->durable = false;
		pub_clear(&next);
		return r;
	}
	pub_clear(&p->pubs);
	p->pubs = next;
	for (size_t i = 0; i < ask->rq->n; i++)
		touch_item(p, &ask->rq->items[i]);
	aggregate(p, ask->wall);
	return 0;
}

int presentity_publish(struct presentity *p, const struct publish_ask *ask,
                       struct publish_result *ret)
{
	const struct publish *rq = ask->rq;
	struct pub_body **bodies = xcalloc(rq->n, sizeof(struct pub_body *));
	ret->n_conflicts = 0;
	ret->durable = false;
	int r = check_versions(p, rq, ret);
	if (r == 0)
		r = make_bodies(p, rq, bodies);
	if (r == 0)
		r = replace(p, ask, bodies, ret);
	for (size_t i = 0; i < rq->n; i++)
		pub_body_unref(&bodies[i]);
	free(bodies);
	return r;
}

/* --- containers and subscribers ------------------------------------------------------------ */

/* Whether the member is there when the first i changes have been made. */
static bool is_there(const struct containers *c, const struct set_members *s, size_t i)
{
	const struct member_change *m = &s->items[i];
	while (i-- > 0) {
		const struct member_change *o = &s->items[i];
		if (o->at == m->at && o->type == m->type && str_ieq(o->value, m->value))
			return !o->remove;
	}
	return containers_find(c, m->at, m->type, m->value) != NULL;
}

/* To make room and to move somebody from one level to another is possible at the limit too. */
static bool have_room(const struct containers *c, const struct set_members *s)
{
	int64_t more = 0, bytes = 0;
	for (size_t i = 0; i < s->n; i++) {
		const struct member_change *m = &s->items[i];
		if (is_there(c, s, i) != m->remove)
			continue;
		more += m->remove ? -1 : 1;
		bytes += m->remove ? -(int64_t)m->value.len : (int64_t)m->value.len;
	}
	return (more <= 0 || c->n_members + more <= CONTAINER_MEMBERS_MAX) &&
	       (bytes <= 0 || c->n_bytes + bytes <= CONTAINER_BYTES_MAX);
}

int presentity_set_members(struct presentity *p, const struct set_members *s)
{
	struct containers *c = &p->containers;
	uint32_t changed = 0;
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].version != c->version[s->items[i].at])
			return -EEXIST;
	if (!have_room(c, s))
		return -ENOSPC;
	for (size_t i = 0; i < s->n; i++) {
		const struct member_change *m = &s->items[i];
		bool did = m->remove ? containers_remove(c, m->at, m->type, m->value)
		                     : containers_add(c, m->at, m->type, m->value);
		changed |= did ? 1u << m->at : 0;
	}
	for (int i = 0; i < N_CONTAINERS; i++)
		c->version[i] += changed >> i & 1;
	p->dirty.containers |= changed;
	return 0;
}

static struct subscriber *find_subscriber(struct presentity *p, struct str user)
{
	struct subscriber *s = p->subscribers;
	while (s && !str_ieq(subscriber_user(s), user))
		s = s->next;
	return s;
}

/* The oldest ones stand at the end. */
static void drop_oldest(struct presentity *p)
{
	struct subscriber **at = &p->subscribers;
	while ((*at)->next)
		at = &(*at)->next;
	free(*at);
	*at = NULL;
	p->n_subscribers--;
}

/* Not in the middle of a character. */
static struct str cut_text(struct str s, size_t max)
{
	if (s.len <= max)
		return s;
	while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return str_sub(s, 0, max);
}

bool presentity_set_subscriber(struct presentity *p, const struct subscriber_change *c,
                               struct str display)
{
	struct subscriber *s = find_subscriber(p, c->user);
	struct str name = cut_text(display, SUBSCRIBER_DISPLAY_MAX);
	if (c->user.len == 0 || c->user.len > CONTAINER_VALUE_MAX)
		return false;
	if (s) {
		if (s->acknowledged || !c->acknowledged)
			return false;
		s->acknowledged = true;
	} else {
		if (p->n_subscribers >= SUBSCRIBERS_MAX)
			drop_oldest(p);
		s = xcalloc(1, sizeof(*s) + c->user.len + name.len);
		s->acknowledged = c->acknowledged;
		s->len = (uint16_t)c->user.len;
		s->display_len = (uint16_t)name.len;
		memcpy(s->text, c->user.p, c->user.len);
		if (name.len > 0)
			memcpy(s->text + s->len, name.p, name.len);
		s->next = p->subscribers;
		p->subscribers = s;
		p->n_subscribers++;
	}
	p->dirty.subscribers = true;
	return true;
}

/* --- endpoints and time -------------------------------------------------------------------- */

static void remove_if(struct presentity *p, uint64_t endpoint, bool all_gone)
{
	for (struct publication *q = p->pubs.first, *next; q; q = next) {
		next = q->next;
		bool over = (q->expire == PUB_ENDPOINT && (q->endpoint == endpoint || all_gone)) ||
		            (q->expire == PUB_USER && all_gone);
		if (!over || q->server)
			continue;
		drop(p, q);
	}
}

void presentity_endpoint_gone(struct presentity *p, uint64_t endpoint, usec_t wall)
{
	remove_if(p, endpoint, false);
	aggregate(p, wall);
}

void presentity_signed_in(struct presentity *p, bool signed_in, bool phone_online, usec_t wall)
{
	bool left = p->signed_in && !signed_in;
	if (left) {
		struct aggregate a = aggregate_in(p, CONTAINER_RICH);
		usec_t since = offline_since(p, &a);
		p->last_active = since ? since : wall;
		remove_if(p, 0, true);
	}
	p->signed_in = signed_in;
	p->phone_online = phone_online;
	aggregate(p, wall);
}

usec_t presentity_expire(struct presentity *p, usec_t wall, bool *ret_durable)
{
	usec_t first = USEC_INFINITY;
	bool any = false;
	*ret_durable = false;
	for (struct publication *q = p->pubs.first, *next; q; q = next) {
		next = q->next;
		if (q->ends > wall)
			first = MIN(first, q->ends);
		if (q->ends == 0 || q->ends > wall)
			continue;
		any = true;
		*ret_durable |= is_kept(q->expire);
		drop(p, q);
	}
	if (any)
		aggregate(p, wall);
	return first;
}

/* --- views --------------------------------------------------------------------------------- */

void presentity_private(struct presentity *p, bool on)
{
	clear_friends(p);
	p->private = on;
}

void presentity_add_friend(struct presentity *p, struct str uri)
{
	uri = str_sub(uri, 0, CONTAINER_VALUE_MAX);
	struct friend *f = xcalloc(1, sizeof(*f) + uri.len);
	f->len = (uint16_t)uri.len;
	if (uri.len > 0)
		memcpy(f->uri, uri.p, uri.len);
	f->next = p->friends;
	p->friends = f;
}

void presentity_friends_done(struct presentity *p)
{
	p->dirty.containers |= 1; /* views are looked at anew */
}

static bool is_friend(const struct presentity *p, struct str uri)
{
	const struct friend *f = p->friends;
	while (f && !str_ieq(str_n(f->uri, f->len), uri))
		f = f->next;
	return f != NULL;
}

uint32_t presentity_view(const struct presentity *p, const struct container_watcher *w)
{
	enum member_type by;
	if (str_ieq(w->uri, p->aor))
		return CONTAINER_PERSONAL;
	uint32_t c = containers_of(&p->containers, w, &by);
	bool named = by == MEMBER_USER || by == MEMBER_DOMAIN;
	return p->private && !named && !is_friend(p, w->uri) ? CONTAINER_ALL : c;
}

static bool is_same_category(const struct pub_key *a, const struct pub_key *b)
{
	return a->category == b->category &&
	       (a->category != CATEGORY_OTHER || str_eq(a->name, b->name));
}

uint32_t presentity_source_of(const struct presentity *p, uint32_t container,
                              const struct pub_key *k)
{
	for (const struct publication *q = p->pubs.first; q; q = q->next)
		if (q->key.container == container && is_same_category(&q->key, k) && q->body)
			return container;
	/* Who may see no state is told that she is offline, or goes on with the last one. */
	return k->category == CATEGORY_STATE ? CONTAINER_BLOCKED : CONTAINER_ALL;
}

uint32_t presentity_source(const struct presentity *p, uint32_t container, enum category c)
{
	struct pub_key k = { .category = c, .name = category_name(c) };
	return presentity_source_of(p, container, &k);
}

uint32_t presentity_dirty_for(const struct presentity *p, uint32_t container)
{
	int at = container_index(container);
	return p->dirty.category[0] | (at > 0 ? p->dirty.category[at] : 0);
}
