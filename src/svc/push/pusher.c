#include "svc/push/pusher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/map.h"
#include "base/rand.h"
#include "loop/dns.h"
#include "stack/http/client.h"

enum {
	TOKEN_S = 12 * 3600, /* the life of a token of VAPID, of at most a day */
	TOKEN_LEFT_S = 3600, /* one with less is replaced */
	ADDRS_S = 60,        /* a name is looked up again after that */
	CONNS_MAX = 4,       /* to one service */
	CONTACT_MAX = 300,
	OWN_MAX = 2000,
	AUTHORIZATION_MAX = 2048, /* of RFC 8292 */
};

/* Whose messages they are: what each has here, so that others get their share. */
struct owner {
	struct map_node node;
	uint64_t account;
	uint32_t n_posts, n_services; /* that it has brought here */
};

/* A push service: an origin. */
struct service {
	struct list node; /* of pusher->services, the last used at the end */
	struct pusher *pusher;
	struct owner *owner; /* who was the first to write there; NULL: it has nothing to do */
	char host[PUSH_HOST_MAX + 1];
	uint16_t port;
	uint32_t n_posts;
	struct list asking; /* posts that wait for its addresses */
	struct dns_query *query;
	struct http_client *http; /* NULL: its addresses are not known */
	usec_t looked_up;
	usec_t not_before; /* it has enough to do until then */
	struct buf authorization;
	uint64_t token_until_s;
};

/* A message: its timer runs, it waits for its service's addresses, or it is being sent. */
struct post {
	struct list node;  /* of pusher->posts */
	struct list asker; /* of service->asking */
	struct pusher *pusher;
	struct owner *owner;
	struct service *service; /* NULL: it has made way for another, and is told so */
	unsigned tries;
	struct timer timer;
	struct http_call *call;
	char *target;
	struct buf body; /* encrypted */
	char topic[PUSHER_TOPIC_MAX + 1];
	uint32_t life_s;
	pusher_done_fn *done;
	void *arg;
};

struct pusher {
	struct loop *loop;
	struct dns *dns;
	struct push_key *key;
	struct tls_client *tls;
	char contact[CONTACT_MAX + 1], own[OWN_MAX + 1];
	struct list posts, services;
	struct map owners;
	uint32_t n_services;
	struct pusher_stats stats;
};

/* --- owners ---------------------------------------------------------------------------------- */

static uint64_t owner_hash(const struct pusher *p, uint64_t account)
{
	return hash_bytes(&p->owners.key, &account, sizeof(account));
}

static struct owner *owner_of(struct pusher *p, uint64_t account)
{
	struct map_node *n = map_first(&p->owners, owner_hash(p, account));
	while (n && container_of(n, struct owner, node)->account != account)
		n = map_next(n);
	if (n)
		return container_of(n, struct owner, node);
	struct owner *o = xnew(struct owner);
	o->account = account;
	map_add(&p->owners, &o->node, owner_hash(p, account));
	return o;
}

static void owner_drop(struct pusher *p, struct owner *o)
{
	if (o->n_posts + o->n_services > 0)
		return;
	map_del(&p->owners, &o->node);
	free(o);
}

static void count(struct post *post, struct owner *o, struct service *s)
{
	post->owner = o;
	post->service = s;
	o->n_posts++;
	post->pusher->stats.waiting++;
	if (s->n_posts++ > 0)
		return;
	s->owner = o;
	o->n_services++;
}

static void uncount(struct post *post)
{
	struct service *s = take(&post->service);
	struct owner *o = take(&post->owner), *first = s->owner;
	o->n_posts--;
	post->pusher->stats.waiting--;
	if (--s->n_posts == 0) {
		s->owner = NULL;
		first->n_services--;
		if (first != o)
			owner_drop(post->pusher, first);
	}
	owner_drop(post->pusher, o);
}

/* Its place is another's from now on; who sent it is told from the loop. */
static void displace(struct post *post)
{
	struct pusher *p = post->pusher;
	http_call_free(&post->call);
	list_del(&post->asker);
	uncount(post);
	p->stats.displaced++;
	timer_set(&post->timer, loop_now(p->loop));
}

/* Of these of one service, or of all, the oldest of who has the most, if that is more than `o` has
 * with the one that it wants.  False: nobody has. */
static bool displace_one(struct pusher *p, const struct owner *o, const struct service *s)
{
	struct post *most = NULL;
	list_for(it, &p->posts)
	{
		struct post *post = list_entry(it, struct post, node);
		if (post->service && (!s || post->service == s) &&
		    post->owner->n_posts > (most ? most->owner->n_posts : o->n_posts))
			most = post;
	}
	if (most)
		displace(most);
	return most != NULL;
}

/* --- services -------------------------------------------------------------------------------- */

static void service_free(struct service *s)
{
	list_del(&s->node);
	dns_query_free(&s->query);
	http_client_free(&s->http);
	buf_free(&s->authorization);
	s->pusher->n_services--;
	free(s);
}

static struct service *find(struct pusher *p, const struct push_sub *sub)
{
	list_for(it, &p->services)
	{
		struct service *s = list_entry(it, struct service, node);
		if (s->port == sub->port && str_ieq(str_of(s->host), sub->host))
			return s;
	}
	return NULL;
}

static void displace_service(struct service *s)
{
	struct pusher *p = s->pusher;
	list_for(it, &p->posts)
	{
		struct post *post = list_entry(it, struct post, node);
		if (post->service == s)
			displace(post);
	}
	service_free(s);
}

/* Of who has brought the most of them, the one that the fewest wait for, if `o` will have fewer. */
static bool displace_some(struct pusher *p, const struct owner *o)
{
	struct service *most = NULL;
	list_for(it, &p->services)
	{
		struct service *s = list_entry(it, struct service, node);
		uint32_t n = s->owner->n_services, of_most = most ? most->owner->n_services : 0;
		if (n > o->n_services + 1 &&
		    (n > of_most || (n == of_most && s->n_posts < most->n_posts)))
			most = s;
	}
	if (most)
		displace_service(most);
	return most != NULL;
}

/* The longest unused one with nothing to do makes room. */
static bool make_room(struct pusher *p, const struct owner *o)
{
	if (p->n_services < PUSHER_SERVICES_MAX)
		return true;
	list_for(it, &p->services)
	{
		struct service *s = list_entry(it, struct service, node);
		if (s->n_posts > 0)
			continue;
		service_free(s);
		return true;
	}
	return displace_some(p, o);
}

/* NULL: there are too many. */
static struct service *service_of(struct pusher *p, const struct push_sub *sub,
                                  const struct owner *o)
{
	struct service *s = find(p, sub);
	if (!s && !make_room(p, o))
		return NULL;
	if (!s) {
		s = xnew(struct service);
		s->pusher = p;
		s->port = sub->port;
		s->authorization = buf_of(AUTHORIZATION_MAX);
		memcpy(s->host, sub->host.p, sub->host.len);
		list_init(&s->asking);
		list_init(&s->node);
		p->n_services++;
	}
	list_del(&s->node);
	list_add(&p->services, &s->node);
	return s;
}

static bool is_own(const struct service *s)
{
	struct str item, rest = str_of(s->pusher->own);
	while (rest.len > 0) {
		(void)str_cut(rest, ',', &item, &rest);
		if (str_ieq(str_trim(item), str_of(s->host)))
			return true;
	}
	return false;
}

/* Its token, made anew when it is old: services want to see the same one for a while. */
static struct str authorization(struct service *s)
{
	char origin[PUSH_HOST_MAX + 32];
	struct buf b = BUF_ON(origin);
	struct push_sub sub = { .host = str_of(s->host), .port = s->port };
	uint64_t now = loop_wall(s->pusher->loop) / USEC_PER_SEC;
	if (s->authorization.len == 0 || now + TOKEN_LEFT_S > s->token_until_s ||
	    now + TOKEN_S < s->token_until_s) {
		s->token_until_s = now + TOKEN_S;
		s->authorization.len = 0;
		push_origin_put(&b, &sub);
		push_vapid(&s->authorization, s->pusher->key, buf_view(&b),
		           str_of(s->pusher->contact), s->token_until_s);
	}
	return buf_view(&s->authorization);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void post_free(struct post *post)
{
	list_del(&post->node);
	list_del(&post->asker);
	timer_stop(&post->timer);
	http_call_free(&post->call);
	if (post->service)
		uncount(post);
	buf_free(&post->body);
	wipe(post->target, strlen(post->target));
	free(post->target);
	free(post);
}

static void end(struct post *post, enum pusher_end how, const char *why)
{
	post->pusher->stats.ended[how]++;
	pusher_done_fn *done = post->done;
	void *arg = post->arg;
	post_free(post);
	done(arg, how, why);
}

static void begin(struct post *post);

static void on_time(void *arg)
{
	struct post *post = arg;
	if (post->service)
		begin(post);
	else
		end(post, PUSHER_FAILED, "messages of others had no place");
}

static void later(struct post *post, usec_t at)
{
	timer_set(&post->timer, at);
}

/* 5 s, then 30 s, or what the service wants; it is spared by all. */
static void fail(struct post *post, uint32_t wanted_s, const char *why)
{
	struct pusher *p = post->pusher;
	uint32_t wait_s = PUSHER_AGAIN_S * (post->tries > 1 ? 6 : 1);
	if (post->tries >= PUSHER_TRIES) {
		end(post, PUSHER_FAILED, why);
		return;
	}
	usec_t at = loop_now(p->loop) + MAX(wait_s, wanted_s) * USEC_PER_SEC;
	if (wanted_s > 0)
		post->service->not_before = MAX(post->service->not_before, at);
	p->stats.retried++;
	later(post, at);
}

/* --- answers --------------------------------------------------------------------------------- */

/* In seconds; a date is none that is read: then as if nothing were said. */
static uint32_t retry_after(const struct http_msg *m)
{
	uint32_t s = 0;
	if (str_to_u32(http_value_named(m, STR("Retry-After")), UINT32_MAX, &s) < 0)
		return 0;
	return MIN(s, (uint32_t)PUSHER_LATER_MAX_S);
}

static void on_done(void *arg, const struct http_result *r)
{
	struct post *post = arg;
	char why[32];
	unsigned status = r->msg ? r->msg->status : 0;
	post->call = NULL; /* it ends with this call */
	if (r->err || !r->msg) {
		fail(post, 0, r->why ? r->why : "no answer");
		return;
	}
	(void)snprintf(why, sizeof(why), "status %u", status);
	if (status / 100 == 2)
		end(post, PUSHER_TAKEN, why);
	else if (status == 404 || status == 410)
		end(post, PUSHER_GONE, why);
	else if (status == 429 || status / 100 == 5)
		fail(post, retry_after(r->msg), why);
	else
		end(post, PUSHER_REFUSED, why);
}

static const struct http_call_ops call_ops = { .done = on_done };

static void post_it(struct post *post)
{
	struct service *s = post->service;
	char life[16];
	(void)snprintf(life, sizeof(life), "%u", post->life_s);
	const struct http_field fields[] = {
		{ STR("Authorization"), authorization(s) },
		{ STR("Content-Encoding"), STR("aes128gcm") },
		{ STR("TTL"), str_of(life) },
		{ STR("Urgency"), STR("high") }, /* a telephone that sleeps is to say so now */
		{ STR("Topic"), str_of(post->topic) },
	};
	struct http_call_config cfg = { .method = STR("POST"),
		                        .target = str_of(post->target),
		                        .fields = fields,
		                        .n_fields = ARRAY_SIZE(fields) - !post->topic[0],
		                        .body = buf_view(&post->body),
		                        .type = STR("application/octet-stream"),
		                        .body_max = PUSHER_ANSWER_MAX,
		                        .timeout = PUSHER_TIMEOUT_S * USEC_PER_SEC };
	post->call = http_call_new(s->http, &cfg, &call_ops, post);
	if (!post->call)
		fail(post, 0, "too much waits for this service");
}

/* --- addresses ------------------------------------------------------------------------------- */

static void open_client(struct service *s, const struct dns_answer *a)
{
	struct addr addrs[HTTP_CLIENT_ADDRS_MAX];
	char space[PUSH_HOST_MAX + 16];
	struct buf authority = BUF_ON(space);
	struct pusher *p = s->pusher;
	size_t n = 0;
	bool own = is_own(s);
	for (size_t i = 0; i < a->n && n < ARRAY_SIZE(addrs); i++) {
		if (!own && !addr_is_public(&a->addrs[i]))
			continue;
		addrs[n] = a->addrs[i];
		addr_set_port(&addrs[n++], s->port);
	}
	buf_str(&authority, str_of(s->host));
	if (s->port != 443)
		buf_printf(&authority, ":%u", s->port);
	struct http_client_config cfg = { .authority = buf_view(&authority),
		                          .addrs = addrs,
		                          .n_addrs = n,
		                          .tls = p->tls,
		                          .server_name = str_of(s->host),
		                          .max_conns = CONNS_MAX,
		                          .max_waiting = PUSHER_SERVICE_MAX,
		                          .connect_s = PUSHER_TIMEOUT_S };
	s->looked_up = loop_now(p->loop);
	if (n > 0)
		s->http = http_client_new(p->loop, &cfg);
}

static const char *why_not(const struct dns_answer *a)
{
	return a->err == -ENOENT || (a->err == 0 && a->n == 0) ? "there is no such host"
	       : a->err                                        ? "its name cannot be looked up"
	                                                       : "its address is private";
}

/* What is no host of the Internet's will not be one in a minute. */
static void on_addrs(void *arg, const struct dns_answer *a)
{
	struct service *s = arg;
	s->query = NULL; /* it ends with this call */
	bool lasts = a->err == 0 && a->n > 0;
	if (lasts)
		open_client(s, a);
	while (!list_empty(&s->asking)) {
		struct post *post = list_entry(s->asking.next, struct post, asker);
		list_del(&post->asker);
		if (s->http)
			post_it(post);
		else if (lasts)
			end(post, PUSHER_REFUSED, why_not(a));
		else
			fail(post, 0, why_not(a));
	}
}

static bool is_stale(const struct service *s)
{
	const struct http_client_stats *st = http_client_stats(s->http);
	return st->busy + st->waiting == 0 &&
	       loop_now(s->pusher->loop) > s->looked_up + ADDRS_S * USEC_PER_SEC;
}

/* --- sending --------------------------------------------------------------------------------- */

static void begin(struct post *post)
{
	struct service *s = post->service;
	struct pusher *p = post->pusher;
	if (loop_now(p->loop) < s->not_before) {
		later(post, s->not_before);
		return;
	}
	post->tries++;
	if (s->http && is_stale(s))
		http_client_free(&s->http);
	if (s->http) {
		post_it(post);
		return;
	}
	list_add(&s->asking, &post->asker);
	if (!s->query)
		s->query = dns_ask(p->dns, DNS_ADDRS, str_of(s->host), on_addrs, s);
}

static int encrypt(struct buf *b, const struct push_sub *sub, struct str text)
{
	uint8_t secret[PUSH_SECRET_LEN], salt[PUSH_SALT_LEN];
	struct push_key *own;
	do
		rand_bytes(secret, sizeof(secret));
	while ((own = push_key_new(secret)) == NULL);
	rand_bytes(salt, sizeof(salt));
	int r = push_encrypt(b, &sub->to, own, salt, text);
	push_key_free(&own);
	wipe(secret, sizeof(secret));
	return r;
}

/* A place for one more of that owner's, which others may lose; NULL: there is none. */
static struct service *place_of(struct pusher *p, const struct push_sub *sub, const struct owner *o)
{
	struct service *s = service_of(p, sub, o);
	if (!s)
		return NULL;
	if (s->n_posts >= PUSHER_SERVICE_MAX && !displace_one(p, o, s))
		return NULL;
	if (p->stats.waiting >= PUSHER_WAITING_MAX && !displace_one(p, o, NULL))
		return NULL;
	return s;
}

bool pusher_send(struct pusher *p, const struct pusher_order *o, pusher_done_fn *done, void *arg)
{
	struct buf body = buf_of(PUSH_RECORD_LEN);
	if (o->topic.len > PUSHER_TOPIC_MAX || encrypt(&body, o->sub, o->text) < 0) {
		buf_free(&body);
		return false;
	}
	struct owner *owner = owner_of(p, o->account);
	owner->n_posts++; /* the one that it wants: who makes way may have kept it alive */
	struct service *s = place_of(p, o->sub, owner);
	owner->n_posts--;
	if (!s) {
		owner_drop(p, owner);
		buf_free(&body);
		return false;
	}
	struct post *post = xnew(struct post);
	post->pusher = p;
	post->body = body;
	post->target = str_dup(o->sub->target);
	post->life_s = o->life_s;
	post->done = done;
	post->arg = arg;
	if (o->topic.len > 0)
		memcpy(post->topic, o->topic.p, o->topic.len);
	list_init(&post->asker);
	list_add(&p->posts, &post->node);
	timer_init(&post->timer, p->loop, on_time, post);
	count(post, owner, s);
	later(post, loop_now(p->loop)); /* nobody is called from inside */
	return true;
}

/* --- life ------------------------------------------------------------------------------------ */

static void copy(char *to, size_t size, struct str from)
{
	size_t n = MIN(from.len, size - 1);
	if (n > 0)
		memcpy(to, from.p, n);
	to[n] = '\0';
}

/* Tokens and connections are made anew. */
void pusher_configure(struct pusher *p, const struct pusher_config *cfg)
{
	copy(p->contact, sizeof(p->contact), cfg->contact);
	copy(p->own, sizeof(p->own), cfg->own_services);
	tls_client_unref(&p->tls);
	p->tls = tls_client_ref(cfg->tls);
	list_for(it, &p->services)
	{
		struct service *s = list_entry(it, struct service, node);
		s->authorization.len = 0;
		s->looked_up = 0;
		if (s->n_posts == 0)
			service_free(s);
	}
}

struct pusher *pusher_new(struct loop *l, const struct pusher_config *cfg)
{
	struct pusher *p = xnew(struct pusher);
	p->loop = l;
	p->dns = dns_new(l, cfg->resolvers);
	p->key = push_key_derive(cfg->key);
	list_init(&p->posts);
	list_init(&p->services);
	map_init(&p->owners);
	pusher_configure(p, cfg);
	return p;
}

void pusher_free(struct pusher **pp)
{
	struct pusher *p = take(pp);
	if (!p)
		return;
	list_for(it, &p->posts) post_free(list_entry(it, struct post, node));
	list_for(it, &p->services) service_free(list_entry(it, struct service, node));
	map_done(&p->owners);
	dns_free(&p->dns);
	push_key_free(&p->key);
	tls_client_unref(&p->tls);
	free(p);
}

const uint8_t *pusher_key(const struct pusher *p)
{
	return push_key_point(p->key);
}

const struct pusher_stats *pusher_stats(const struct pusher *p)
{
	return &p->stats;
}
