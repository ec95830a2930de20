#include <errno.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "base/code.h"
#include "role/frontend/fe.h"

/* Whom this home knows: its own users, looked up and loaded when they are first needed, and
 * replicas of the users of other homes.  Between homes go notices of the event package
 * `dialtone-person`:
 *
 *   {"follow":["bob@example.test",..]}    tell me of these users of yours, now and at each change
 *   {"unfollow":[..]}                     no longer
 *   {"person":"bob@example.test","document":"<roamingData..>"}   what is true of one of mine
 *   {"added":"bob@example.test","by":"alice@example.test","display":"Alice"}   she has put one of
 *                                         yours on her list, who is to hear of it
 *   {"watchers-of":"bob@example.test"}    bob wants to know who watches him: tell me, also of
 * changes
 *   {"watched":"bob@example.test","watchers":"alice@example.test\n.."}   these do here
 */

#define EVENT_PERSON "dialtone-person"

enum { NOTICE_MAX = 2 * 1024 * 1024 };

/* An endpoint whose connection was lost: it may come back. */
struct leaving {
	struct map_node node;
	struct frontend *fe;
	struct timer timer;
	uint64_t account, endpoint;
};

/* --- who it is ----------------------------------------------------------------------------- */

/* Somebody who has put a person on the list before it is known where she lives. */
struct added {
	struct list node;
	struct buf by, display;
};

static void added_free(struct added *a)
{
	list_del(&a->node);
	buf_free(&a->by);
	buf_free(&a->display);
	free(a);
}

/* photo has the address of her picture. */
static struct card card_of(const struct frontend *fe, const struct account *acc, struct buf *photo)
{
	if (acc->photo.len > 0)
		fe_put_photo_url(fe, photo, acc->photo);
	return (struct card){ .display_name = acc->display_name.len ? acc->display_name : acc->uri,
		              .email = acc->email.len ? acc->email : acc->uri,
		              .phone = acc->phone,
		              .title = acc->title,
		              .department = acc->department,
		              .photo_url = buf_view(photo),
		              .photo_hash = acc->photo };
}

static void follow(struct frontend *fe, struct person *p, const char *what);
static void look_at_endpoints(struct frontend *fe, struct person *p, uint64_t without);
static void tell_follower(void *arg, struct person *p);

static void found(struct frontend *fe, struct person *p, const struct account *acc)
{
	if (!acc || acc->disabled || acc->group || !str_ieq(acc->uri, str_of(p->aor))) {
		person_absent(p);
		return;
	}
	char text[FE_WEB_URL_MAX];
	struct buf photo = BUF_ON(text);
	struct card card = card_of(fe, acc, &photo);
	uint32_t slot = fe_owner(fe, acc->id);
	bool here = slot == fe->env->slot;
	person_found(p, acc->id, &card, here ? PERSON_HERE : PERSON_THERE, slot);
	if (here) {
		look_at_endpoints(fe, p, 0);
		tell_follower(fe, p); /* who asked before it was known who she is */
	} else {
		follow(fe, p, "follow");
	}
	list_for(it, &p->added)
	{
		struct added *a = list_entry(it, struct added, node);
		fe_person_added(fe, str_of(p->aor), buf_view(&a->by), buf_view(&a->display));
		added_free(a);
	}
}

static void on_lookup(void *arg, int err, const struct account *acc)
{
	struct person *p = arg;
	p->lookup = NULL;
	if (err == 0 || err == -ENOENT)
		found(p->owner, p, err ? NULL : acc);
	else
		person_find_again(p);
}

static void find(void *arg, struct person *p)
{
	struct frontend *fe = arg;
	bool absent = false;
	struct sip_uri u;
	char text[PERSON_AOR_MAX + 8];
	struct buf b = BUF_ON(text);
	p->owner = fe;
	buf_printf(&b, "sip:%s", p->aor);
	if (sip_uri_parse(&u, buf_view(&b)) < 0 || u.user.len == 0 ||
	    !topo_is_our_domain(fe->env->topo, u.host)) {
		person_absent(p);
		return;
	}
	const struct account *acc = accounts_cached(fe->accounts, str_of(p->aor), &absent);
	if (acc || absent)
		found(fe, p, acc);
	else
		p->lookup = accounts_lookup(fe->accounts, str_of(p->aor), on_lookup, p);
}

static void follower_free(struct follower *f)
{
	list_del(&f->of_person);
	buf_free(&f->watchers);
	free(f);
}

static void forget(void *arg, struct person *p)
{
	struct frontend *fe = arg;
	struct accounts_req *rq = p->lookup;
	accounts_req_free(&rq);
	p->lookup = NULL;
	if (p->where == PERSON_THERE && !fe->store_closing) /* the links have gone before */
		follow(fe, p, "unfollow");
	list_for(it, &p->followers)
	{
		follower_free(list_entry(it, struct follower, of_person));
	}
	list_for(it, &p->added) added_free(list_entry(it, struct added, node));
	fe_published_forget(p);
}

/* --- between homes ------------------------------------------------------------------------- */

static void follow(struct frontend *fe, struct person *p, const char *what)
{
	auto_(buf_free) struct buf b = buf_of(NOTICE_MAX);
	buf_printf(&b, "{\"%s\":[", what);
	json_put_str(&b, str_of(p->aor));
	buf_lit(&b, "]}");
	fe_notice(fe, fe_link_to(fe, p->slot), EVENT_PERSON, buf_view(&b));
}

static void send_document(struct frontend *fe, struct person *p, struct sip_flow *link)
{
	auto_(buf_free) struct buf doc = buf_of(NOTICE_MAX), b = buf_of(NOTICE_MAX);
	struct self_parts parts = SELF_REPLICA;
	doc_put_self(&doc, &p->p, &parts);
	buf_lit(&b, "{\"person\":");
	json_put_str(&b, str_of(p->aor));
	json_put_member(&b, "document", buf_view(&doc));
	buf_char(&b, '}');
	fe_notice(fe, link, EVENT_PERSON, buf_view(&b));
}

static void tell_follower(void *arg, struct person *p)
{
	struct frontend *fe = arg;
	list_for(it, &p->followers)
	{
		struct follower *f = list_entry(it, struct follower, of_person);
		send_document(fe, p, fe_link_to(fe, f->slot));
	}
}

static struct follower *find_follower(struct person *p, uint32_t slot)
{
	list_for(it, &p->followers)
	{
		struct follower *f = list_entry(it, struct follower, of_person);
		if (f->slot == slot)
			return f;
	}
	return NULL;
}

static void drop_follower(struct person *p, uint32_t slot)
{
	struct follower *f = find_follower(p, slot);
	if (!f)
		return;
	follower_free(f);
	person_watchers_changed(p);
	person_maybe_reap(p);
}

/* --- who watches --------------------------------------------------------------------------- */

static void ask_watchers(struct frontend *fe, struct person *p, struct sip_flow *link)
{
	auto_(buf_free) struct buf b = buf_of(NOTICE_MAX);
	buf_lit(&b, "{\"watchers-of\":");
	json_put_str(&b, str_of(p->aor));
	buf_char(&b, '}');
	fe_notice(fe, link, EVENT_PERSON, buf_view(&b));
}

void fe_ask_watchers(struct frontend *fe, struct person *p)
{
	list_for(it, &p->followers)
	{
		const struct follower *f = list_entry(it, struct follower, of_person);
		ask_watchers(fe, p, fe_link_to(fe, f->slot));
	}
}

static void tell_watchers(void *arg, struct person *p)
{
	struct frontend *fe = arg;
	auto_(buf_free) struct buf b = buf_of(NOTICE_MAX), names = buf_of(NOTICE_MAX / 4);
	if (fe->store_closing)
		return;
	list_for(it, &p->watches)
	{
		buf_str(&names, list_entry(it, struct watch, of_person)->set->who.uri);
		buf_char(&names, '\n');
	}
	buf_lit(&b, "{\"watched\":");
	json_put_str(&b, str_of(p->aor));
	json_put_member(&b, "watchers", buf_view(&names));
	buf_char(&b, '}');
	fe_notice(fe, fe_link_to(fe, p->slot), EVENT_PERSON, buf_view(&b));
}

static void take_watchers(struct frontend *fe, struct sip_flow *link, struct str aor,
                          struct str names)
{
	struct person *p = people_find(fe->people, aor);
	struct follower *f = p ? find_follower(p, link->sock) : NULL;
	if (!f)
		return;
	f->watchers.len = 0;
	buf_str(&f->watchers, names);
	person_watchers_changed(p);
}

static void take_question(struct frontend *fe, struct str aor)
{
	struct person *p = people_find(fe->people, aor);
	if (!p || p->where != PERSON_THERE)
		return;
	p->asked = true;
	tell_watchers(fe, p);
}

static void take_follow(struct frontend *fe, struct sip_flow *link, struct str aor)
{
	struct person *p = people_get(fe->people, aor);
	if (!p)
		return;
	if (!find_follower(p, link->sock)) {
		struct follower *f = xnew(struct follower);
		f->slot = link->sock;
		f->watchers = buf_of(NOTICE_MAX);
		list_add(&p->followers, &f->of_person);
	}
	if (p->where == PERSON_HERE)
		send_document(fe, p, link);
	if (!list_empty(&p->winfos))
		ask_watchers(fe, p, link);
}

static struct str text_of(const cJSON *json, const char *name)
{
	return str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name)));
}

static void take_document(struct frontend *fe, const cJSON *json)
{
	struct person *p = people_find(fe->people, text_of(json, "person"));
	if (p && p->where == PERSON_THERE && person_replace(p, text_of(json, "document")) < 0)
		log_warning(NULL, "replica-not-read", "user=%s", log_esc(str_of(p->aor)));
}

void fe_person_notice(struct frontend *fe, struct sip_flow *link, const cJSON *json)
{
	const cJSON *it;
	cJSON_ArrayForEach(it, cJSON_GetObjectItemCaseSensitive(json, "follow"))
	        take_follow(fe, link, str_of(cJSON_GetStringValue(it)));
	cJSON_ArrayForEach(it, cJSON_GetObjectItemCaseSensitive(json, "unfollow"))
	{
		struct person *p = people_find(fe->people, str_of(cJSON_GetStringValue(it)));
		if (p)
			drop_follower(p, link->sock);
	}
	if (cJSON_GetObjectItemCaseSensitive(json, "document"))
		take_document(fe, json);
	if (text_of(json, "watchers-of").len > 0)
		take_question(fe, text_of(json, "watchers-of"));
	if (text_of(json, "watched").len > 0)
		take_watchers(fe, link, text_of(json, "watched"), text_of(json, "watchers"));
	if (text_of(json, "added").len > 0)
		fe_person_added(fe, text_of(json, "added"), text_of(json, "by"),
		                text_of(json, "display"));
}

void fe_people_peer_up(struct frontend *fe, uint32_t slot)
{
	size_t at = 0;
	struct map_node *after = NULL;
	for (struct person *p; (p = people_walk(fe->people, &at, &after)) != NULL;) {
		drop_follower(p, slot);
		if (p->where == PERSON_THERE && p->slot == slot)
			follow(fe, p, "follow");
	}
	subs_reach(fe->subs, 0);
}

static void added_here(struct person *p, struct str by, struct str display)
{
	struct subscriber_change c = { by, false };
	if (!presentity_set_subscriber(&p->p, &c, display))
		return;
	person_changed(p);
	fe_home_save(p, NULL, NULL);
}

static void added_there(struct frontend *fe, struct person *p, struct str by, struct str display)
{
	auto_(buf_free) struct buf b = buf_of(NOTICE_MAX);
	buf_lit(&b, "{\"added\":");
	json_put_str(&b, str_of(p->aor));
	json_put_member(&b, "by", by);
	json_put_member(&b, "display", display);
	buf_char(&b, '}');
	fe_notice(fe, fe_link_to(fe, p->slot), EVENT_PERSON, buf_view(&b));
}

static void added_somewhere(struct person *p, struct str by, struct str display)
{
	struct added *a = xnew(struct added);
	a->by = a->display = buf_of(CONTAINER_VALUE_MAX);
	buf_str(&a->by, by);
	buf_str(&a->display, str_sub(display, 0, CONTAINER_VALUE_MAX));
	list_add(&p->added, &a->node);
}

/* Who has been put on a list hears of it, wherever she lives. */
void fe_person_added(struct frontend *fe, struct str aor, struct str by, struct str display)
{
	struct person *p = people_get(fe->people, aor);
	if (!p || by.len == 0 || by.len > CONTAINER_VALUE_MAX)
		return;
	if (p->where == PERSON_HERE)
		added_here(p, by, display);
	else if (p->where == PERSON_THERE)
		added_there(fe, p, by, display);
	else if (p->where == PERSON_UNKNOWN)
		added_somewhere(p, by, display);
}

/* The container of hers that the other one sees. */
static uint32_t seen_by(const struct frontend *fe, struct person *p, struct str other)
{
	struct str name, domain;
	(void)str_cut(other, '@', &name, &domain);
	struct container_watcher w = { other, topo_is_our_domain(fe->env->topo, domain) };
	return presentity_view(&p->p, &w);
}

bool fe_is_quiet(struct frontend *fe, struct str aor, struct str caller)
{
	struct person *p = people_find(fe->people, aor);
	return p && p->where == PERSON_HERE && presentity_is_dnd(&p->p) &&
	       seen_by(fe, p, caller) != CONTAINER_TEAM && !str_ieq(caller, aor);
}

bool fe_blocks(struct frontend *fe, struct str aor, struct str other)
{
	struct person *p = people_find(fe->people, aor);
	return p && (p->where == PERSON_HERE || p->where == PERSON_THERE) &&
	       seen_by(fe, p, other) == CONTAINER_BLOCKED;
}

/* --- endpoints ----------------------------------------------------------------------------- */

static uint64_t leaving_hash(const struct frontend *fe, uint64_t account)
{
	return hash_bytes(&fe->leaving.key, &account, sizeof(account));
}

/* Those of one user: NULL to start. */
static struct leaving *next_leaving(struct frontend *fe, uint64_t account, struct leaving *after)
{
	struct map_node *n =
	        after ? map_next(&after->node) : map_first(&fe->leaving, leaving_hash(fe, account));
	for (; n; n = map_next(n)) {
		struct leaving *l = container_of(n, struct leaving, node);
		if (l->account == account)
			return l;
	}
	return NULL;
}

/* What the registrar says; `without` is an endpoint that is just going. */
static void look_at_endpoints(struct frontend *fe, struct person *p, uint64_t without)
{
	struct home_user *u = registrar_user(fe->registrar, p->p.account);
	bool leaving = next_leaving(fe, p->p.account, NULL) != NULL, any = leaving, phone = false;
	p->clients = leaving;
	for (const struct binding *b = u ? u->first : NULL; b; b = b->next) {
		if (b->endpoint == without)
			continue;
		any = true;
		p->clients |= b->lync;
		phone |= !b->lync && !fe_publishes(p, b->endpoint);
	}
	if (p->p.signed_in && !any)
		fe_published_gone(p, 0, true);
	presentity_signed_in(&p->p, any, phone, people_wall(fe->people));
	person_changed(p);
	person_maybe_reap(p);
}

void fe_look_at_endpoints(struct frontend *fe, struct person *p)
{
	look_at_endpoints(fe, p, 0);
}

static struct leaving *find_leaving(struct frontend *fe, uint64_t account, uint64_t endpoint)
{
	struct leaving *l = next_leaving(fe, account, NULL);
	while (l && l->endpoint != endpoint)
		l = next_leaving(fe, account, l);
	return l;
}

static void leaving_free(struct leaving *l)
{
	map_del(&l->fe->leaving, &l->node);
	timer_stop(&l->timer);
	free(l);
}

static void gone(struct frontend *fe, struct person *p, uint64_t endpoint, uint64_t without)
{
	fe_published_gone(p, endpoint, false);
	presentity_endpoint_gone(&p->p, endpoint, people_wall(fe->people));
	look_at_endpoints(fe, p, without);
}

static void on_left(void *arg)
{
	struct leaving *l = arg;
	struct frontend *fe = l->fe;
	uint64_t account = l->account, endpoint = l->endpoint;
	leaving_free(l);
	struct person *p = people_by_account(fe->people, account);
	if (p)
		gone(fe, p, endpoint, 0);
}

static void start_leaving(struct frontend *fe, uint64_t account, uint64_t endpoint)
{
	struct leaving *l = xnew(struct leaving);
	l->fe = fe;
	l->account = account;
	l->endpoint = endpoint;
	timer_init(&l->timer, fe->loop, on_left, l);
	timer_set(&l->timer, loop_now(fe->loop) + SIGNED_OFF_AFTER_S * USEC_PER_SEC);
	map_add(&fe->leaving, &l->node, leaving_hash(fe, account));
}

/* The endpoint has another binding: another flow of the same device. */
static bool has_other(const struct binding *b)
{
	for (const struct binding *o = b->user->first; o; o = o->next)
		if (o != b && o->endpoint == b->endpoint)
			return true;
	return false;
}

void fe_people_binding(struct frontend *fe, const struct binding *b, enum registrar_event ev)
{
	uint64_t account = b->user->account;
	struct str aor = home_user_aor(b->user);
	/* Of who has phones alone nothing is kept in memory until somebody asks. */
	struct person *p = b->lync ? people_get(fe->people, aor) : people_find(fe->people, aor);
	struct leaving *l = find_leaving(fe, account, b->endpoint);
	if (registrar_is_end(ev)) {
		if (has_other(b))
			return;
		subs_endpoint_gone(fe->subs, account, b->endpoint);
		if (p && ev == BINDING_LOST && !l)
			start_leaving(fe, account, b->endpoint);
		else if (p && ev != BINDING_LOST)
			gone(fe, p, b->endpoint, b->endpoint);
		return;
	}
	subs_reach(fe->subs, account);
	if (l)
		leaving_free(l);
	if (p)
		look_at_endpoints(fe, p, 0);
}

void fe_people_restored(struct frontend *fe)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct home_user *u; (u = registrar_walk(fe->registrar, &slot, &after)) != NULL;) {
		struct person *p = people_find(fe->people, home_user_aor(u));
		if (p)
			look_at_endpoints(fe, p, 0);
	}
}

/* --- the directory ------------------------------------------------------------------------- */

static void on_again(void *arg, int err, const struct account *acc)
{
	struct person *p = arg;
	char text[FE_WEB_URL_MAX];
	struct buf photo = BUF_ON(text);
	p->lookup = NULL;
	if (err == -ENOENT || (err == 0 && acc->disabled)) {
		person_absent(p);
	} else if (err == 0 && p->where == PERSON_HERE) {
		struct card card = card_of(p->owner, acc, &photo);
		person_card(p, &card);
	}
}

void fe_people_account(struct frontend *fe, uint64_t account)
{
	struct person *p = people_by_account(fe->people, account);
	if (p && !p->lookup)
		p->lookup = accounts_lookup(fe->accounts, str_of(p->aor), on_again, p);
}

/* --- start and end ------------------------------------------------------------------------- */

void fe_people_privacy(struct frontend *fe, struct person *p)
{
	if (!fe->cfg.privacy && !p->p.private)
		return;
	presentity_private(&p->p, fe->cfg.privacy);
	for (const struct contact *k = p->contacts.first; k && fe->cfg.privacy; k = k->next)
		presentity_add_friend(&p->p, str_of(k->uri));
	presentity_friends_done(&p->p);
	person_changed(p);
}

void fe_people_configure(struct frontend *fe)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct person *p; (p = people_walk(fe->people, &slot, &after)) != NULL;)
		if (p->where == PERSON_HERE)
			fe_people_privacy(fe, p);
}

static void load(void *arg, struct person *p)
{
	fe_home_load(p);
	fe_people_privacy(arg, p);
	fe_keep_load_published(p);
	fe_lists_changed(p);
}

static void save(void *arg UNUSED, struct person *p)
{
	fe_home_save(p, NULL, NULL);
}

static const struct people_ops people_ops = {
	.find = find,
	.forget = forget,
	.load = load,
	.save = save,
	.tell_follower = tell_follower,
	.watchers_changed = tell_watchers,
};

void fe_people_start(struct frontend *fe)
{
	fe->subs = fe_subs_new(fe);
	fe->people = people_new(fe->loop, fe->subs, &people_ops, fe);
}

void fe_people_free(struct frontend *fe)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&fe->leaving, &slot, &after)) != NULL;)
		leaving_free(container_of(n, struct leaving, node));
	map_done(&fe->leaving);
	subs_free(&fe->subs);
	people_free(&fe->people);
}
