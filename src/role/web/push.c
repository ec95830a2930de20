#include <errno.h>
#include <stdlib.h>

#include <nettle/hmac.h>

#include "base/code.h"
#include "role/web/visit.h"
#include "svc/push/pusher.h"
#include "topo/setting_file.h"
#include "wire/ctl/ctl.h"

/* What comes for a user is told by push to those browsers of hers that show no page: the home says
 * that something came (event `dialtone-news`, docs/protocols/push.md), accounts which browsers want
 * to know, and their push services bring it. */

enum {
	TEXT_MAX = 200,       /* characters of a message that are told */
	NEWS_TEXT_MAX = 4096, /* bytes of each text of a home */
	MESSAGE_S = 86400,    /* so long a service keeps it for a browser that is away */
	CALL_S = 60,
	CELLS = 1024,     /* of the pace; two accounts that share one begin anew in turn */
	EVERY_S = 3,      /* a user is told so often ... */
	BURST = 20,       /* ... after as many at once */
	TOPIC_BYTES = 24, /* 32 characters */
	EVENT_HEAD = 64,
	NEWS_MAX = 1000,      /* that are under way */
	CA_MAX = 1024 * 1024, /* bytes of certificates */
};

/* Up to here JSON's numbers are exact. */
static const double number_max = 9007199254740991.0;

struct pace {
	uint64_t account;
	usec_t full;
};

struct web_push {
	struct web *web;
	bool on;               /* push = yes */
	struct pusher *pusher; /* NULL: it was never on */
	struct list news, told;
	uint32_t n_news;
	struct pace pace[CELLS];
	uint64_t n_slowed;
};

/* Something that came, on its way to the browsers. */
struct news {
	struct list node;
	struct web_push *push;
	struct accounts_req *asking;
	uint64_t account;
	bool call;
	char *user, *chat, *from, *text;
	char *name; /* what the directory says of who it is from; NULL: nothing */
};

/* One browser that is told. */
struct told {
	struct list node;
	struct web_push *push;
	uint64_t account, number;
	char *user;
};

/* --- what is told ---------------------------------------------------------------------------- */

static void news_free(struct news *n)
{
	accounts_req_free(&n->asking);
	list_del(&n->node);
	n->push->n_news--;
	free(n->user);
	free(n->chat);
	free(n->from);
	free(n->text);
	free(n->name);
	free(n);
}

/* The first characters of a text, whole ones. */
static struct str head_of(struct str s)
{
	size_t at = 0, len;
	for (unsigned n = 0; n < TEXT_MAX && at < s.len; n++) {
		len = utf8_seq_len(str_sub(s, at, s.len));
		at += MAX(len, (size_t)1);
	}
	return str_sub(s, 0, MIN(at, s.len));
}

static void put_text(struct buf *b, const struct news *n)
{
	struct str text = str_of(n->text), head = head_of(text);
	char space[4 * TEXT_MAX + 8];
	struct buf cut = BUF_ON(space);
	buf_str(&cut, head);
	if (head.len < text.len)
		buf_lit(&cut, "\xe2\x80\xa6");
	json_put_member(b, "text", buf_view(&cut));
}

static void compose(struct buf *b, const struct news *n)
{
	buf_printf(b, "{\"kind\":\"%s\"", n->call ? "call" : "message");
	json_put_member(b, "user", str_of(n->user));
	json_put_member(b, "chat", str_of(n->chat));
	json_put_member(b, "from", str_of(n->from));
	if (n->name)
		json_put_member(b, "name", str_of(n->name));
	if (!n->call && n->push->web->set.push_text)
		put_text(b, n);
	buf_char(b, '}');
}

/* A chat's messages, and its calls, take one another's place where they have not arrived.  The push
 * service learns nothing by it. */
static void put_topic(struct buf *b, const struct news *n)
{
	struct hmac_sha256_ctx ctx;
	uint8_t sum[TOPIC_BYTES];
	hmac_sha256_set_key(&ctx, ROLE_KEY_LEN, n->push->web->env->pool_key);
	hmac_sha256_update(&ctx, sizeof(n->account), (const uint8_t *)&n->account);
	hmac_sha256_update(&ctx, 1, (const uint8_t *)(n->call ? "c" : "m"));
	hmac_sha256_update(&ctx, strlen(n->chat), (const uint8_t *)n->chat);
	hmac_sha256_digest(&ctx, sizeof(sum), sum);
	base64url_put(b, sum, sizeof(sum));
}

/* --- to whom --------------------------------------------------------------------------------- */

static void told_free(struct told *t)
{
	list_del(&t->node);
	free(t->user);
	free(t);
}

static void on_pushed(void *arg, enum pusher_end end, const char *why)
{
	struct told *t = arg;
	struct web *w = t->push->web;
	if (end == PUSHER_GONE)
		accounts_push_gone(w->accounts, t->account, t->number);
	if (end != PUSHER_TAKEN && log_allow(&w->limit, loop_now(w->env->loop), WEB_LINES_PER_S))
		log_info(NULL, "push-not-taken", "user=%s subscription=%llu end=%s why=%s",
		         log_esc(str_of(t->user)), (unsigned long long)t->number,
		         end == PUSHER_GONE      ? "gone"
		         : end == PUSHER_REFUSED ? "refused"
		                                 : "failed",
		         log_text(str_of(why)));
	told_free(t);
}

/* While the user is at a browser, whose page tells what comes, all others are quiet. */
static bool is_seen(const struct web *w, uint64_t account)
{
	list_for(it, &w->sessions)
	{
		const struct session *s = list_entry(it, struct session, node);
		if (s->who.account == account && s->browser && !s->ending && wb_people_is_active(s))
			return true;
	}
	return false;
}

static void push_to(const struct news *n, const struct acct_push *p, struct str text,
                    struct str topic)
{
	struct push_sub sub;
	struct pusher_order o = { .account = n->account,
		                  .sub = &sub,
		                  .text = text,
		                  .topic = topic,
		                  .life_s = n->call ? CALL_S : MESSAGE_S };
	if (push_sub_read(&sub, p->text) < 0)
		return;
	struct told *t = xnew(struct told);
	*t = (struct told){ .push = n->push,
		            .account = n->account,
		            .number = p->number,
		            .user = str_dup(str_of(n->user)) };
	list_add(&n->push->told, &t->node);
	if (!pusher_send(n->push->pusher, &o, on_pushed, t))
		on_pushed(t, PUSHER_FAILED, "there is too much to do");
}

static void on_pushes(void *arg, const struct accounts_pushed *p)
{
	struct news *n = arg;
	char topic_space[2 * TOPIC_BYTES];
	struct buf topic = BUF_ON(topic_space);
	auto_(buf_free) struct buf text = buf_of(PUSH_TEXT_MAX);
	n->asking = NULL;
	compose(&text, n);
	put_topic(&topic, n);
	for (size_t i = 0; i < p->n && !text.full; i++)
		push_to(n, &p->rows[i], buf_view(&text), buf_view(&topic));
	news_free(n);
}

static void on_from(void *arg, int err, const struct account *acc)
{
	struct news *n = arg;
	n->asking = NULL;
	if (err == 0 && acc->display_name.len > 0)
		n->name = str_dup(acc->display_name);
	n->asking = accounts_pushes(n->push->web->accounts, n->account, on_pushes, n);
}

/* --- what comes ------------------------------------------------------------------------------ */

static bool is_too_fast(struct web_push *p, uint64_t account)
{
	struct pace *cell = &p->pace[account % CELLS];
	usec_t now = loop_now(p->web->env->loop), every = EVERY_S * USEC_PER_SEC;
	if (cell->account != account)
		*cell = (struct pace){ .account = account };
	usec_t full = MAX(cell->full, now) + every;
	if (full > now + BURST * every)
		return true;
	cell->full = full;
	return false;
}

static char *text_of(const cJSON *json, const char *name)
{
	struct str s = web_text(json, name);
	return str_dup(str_sub(s, 0, MIN(s.len, (size_t)NEWS_TEXT_MAX)));
}

static void take_news(struct web_push *p, uint64_t account, bool call, const cJSON *json)
{
	if (is_seen(p->web, account))
		return;
	if (p->n_news >= NEWS_MAX || is_too_fast(p, account)) {
		p->n_slowed++;
		return;
	}
	struct news *n = xnew(struct news);
	n->push = p;
	n->account = account;
	n->call = call;
	n->user = text_of(json, "user");
	n->chat = text_of(json, "chat");
	n->from = text_of(json, "from");
	n->text = text_of(json, "text");
	list_add(&p->news, &n->node);
	p->n_news++;
	n->asking = accounts_lookup(p->web->accounts, str_of(n->from), on_from, n);
}

void web_push_news(struct web *w, const struct sip_msg *m)
{
	const char *why;
	cJSON *json = w->push->on ? ctl_parse_json(m->body, &why) : NULL;
	double account = ctl_number(json, "account", 0);
	if (cJSON_IsObject(json) && account >= 1 && account <= number_max)
		take_news(w->push, (uint64_t)account, str_eq(web_text(json, "kind"), STR("call")),
		          json);
	cJSON_Delete(json);
}

void web_push_unseen(const struct session *s, struct str event)
{
	const char *why;
	struct web_push *p = s->web->push;
	/* What an event is stands at its begin; most are none of these. */
	if (!p->on || str_find(str_sub(event, 0, MIN(event.len, (size_t)EVENT_HEAD)),
	                       STR("\"ev\":\"message\",")) < 0)
		return;
	cJSON *json = ctl_parse_json(event, &why);
	cJSON *m = cJSON_GetObjectItemCaseSensitive(json, "message");
	struct str from = web_text(m, "from");
	if (cJSON_IsObject(m) && from.len > 0 && !str_ieq(from, str_of(s->who.uri))) {
		(void)cJSON_AddStringToObject(m, "user", s->who.uri);
		take_news(p, s->who.account, false, m);
	}
	cJSON_Delete(json);
}

/* --- requests of browsers -------------------------------------------------------------------- */

bool web_push_is_on(const struct web *w)
{
	return w->push->on;
}

void web_push_put(const struct web *w, struct buf *b)
{
	buf_lit(b, "\"key\":");
	if (!w->push->on) {
		buf_lit(b, "null");
		return;
	}
	buf_char(b, '"');
	base64url_put(b, pusher_key(w->push->pusher), PUSH_POINT_LEN);
	buf_char(b, '"');
}

/* --- life ------------------------------------------------------------------------------------ */

/* "mailto:..." or "https://...", without what JSON escapes. */
static bool is_contact(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
			return false;
	return s.len == 0 || str_starts(s, STR("mailto:")) || str_starts(s, STR("https://"));
}

int web_push_check(const struct web_settings *set, struct buf *why)
{
	if (is_contact(set->push_contact))
		return 0;
	buf_printf(why, "push-contact: \"%" STR_FMT "\" is no mailto: or https: address\n",
	           STR_ARG(set->push_contact));
	return -EINVAL;
}

static struct str contact_of(const struct web *w, struct buf *b)
{
	if (w->set.push_contact.len > 0)
		return w->set.push_contact;
	buf_lit(b, "https://");
	buf_str(b, w->env->self->fqdn);
	return buf_view(b);
}

/* Whom push services must show to be: those that the system trusts, or an own authority. */
static struct tls_client *make_tls(const struct web_settings *set, struct buf *why)
{
	auto_(buf_free) struct buf pem = buf_of(CA_MAX + 1);
	const char *text = NULL;
	if (set->push_ca.len > 0 &&
	    (setting_read_file(set->push_ca, CA_MAX, 0, &pem) < 0 || pem.len == 0)) {
		buf_printf(why, "push-ca %" STR_FMT ": cannot be read\n", STR_ARG(set->push_ca));
		return NULL;
	}
	struct tls_client_config cfg = { .ca_pem = buf_view(&pem), .wildcards = true };
	struct tls_client *tls = tls_client_new(&cfg, &text);
	if (!tls)
		buf_printf(why, "push-ca: %s\n", text ? text : "unusable");
	return tls;
}

static void take_settings(struct web_push *p, const struct web_settings *set,
                          struct tls_client *tls)
{
	char space[WEB_URI_MAX + 16];
	struct buf b = BUF_ON(space);
	struct pusher_config cfg = { .key = p->web->env->pool_key,
		                     .contact = contact_of(p->web, &b),
		                     .tls = tls,
		                     .own_services = set->push_services };
	if (p->pusher)
		pusher_configure(p->pusher, &cfg);
	else
		p->pusher = pusher_new(p->web->env->loop, &cfg);
}

int web_push_configure(struct web *w, const struct web_settings *set, struct buf *why)
{
	struct tls_client *tls = NULL;
	if (set->push && (tls = make_tls(set, why)) == NULL)
		return -EINVAL;
	if (set->push)
		take_settings(w->push, set, tls);
	w->push->on = set->push;
	tls_client_unref(&tls);
	return 0;
}

void web_push_new(struct web *w)
{
	w->push = xnew(struct web_push);
	w->push->web = w;
	list_init(&w->push->news);
	list_init(&w->push->told);
}

void web_push_free(struct web *w)
{
	struct web_push *p = take(&w->push);
	if (!p)
		return;
	pusher_free(&p->pusher);
	list_for(it, &p->news) news_free(list_entry(it, struct news, node));
	list_for(it, &p->told) told_free(list_entry(it, struct told, node));
	free(p);
}

void web_push_metrics(const struct web *w, struct buf *b)
{
	static const char *const ends[] = { [PUSHER_TAKEN] = "taken",
		                            [PUSHER_GONE] = "gone",
		                            [PUSHER_REFUSED] = "refused",
		                            [PUSHER_FAILED] = "failed" };
	static const struct pusher_stats none;
	const struct pusher_stats *s = w->push->pusher ? pusher_stats(w->push->pusher) : &none;
	buf_lit(b, "# HELP dialtone_web_pushes_total Messages for push services that ended so.\n"
	           "# TYPE dialtone_web_pushes_total counter\n");
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		buf_printf(b, "dialtone_web_pushes_total{end=\"%s\"} %llu\n", ends[i],
		           (unsigned long long)s->ended[i]);
	buf_printf(b,
	           "# HELP dialtone_web_pushes_slowed_total News of users who had too many.\n"
	           "# TYPE dialtone_web_pushes_slowed_total counter\n"
	           "dialtone_web_pushes_slowed_total %llu\n",
	           (unsigned long long)w->push->n_slowed);
}
