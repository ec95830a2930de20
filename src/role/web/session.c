#include <stdio.h>
#include <stdlib.h>

#include "base/rand.h"
#include "role/web/wb.h"

/* Sessions: an endpoint each, its events, and whose connection shows it. */

struct event {
	struct list node;
	uint64_t seq;
	size_t len;
	char text[];
};

/* --- events ---------------------------------------------------------------------------------- */

static void drop_event(struct session *s, struct event *e)
{
	list_del(&e->node);
	s->n_events--;
	s->event_bytes -= e->len;
	free(e);
}

static void drop_events(struct session *s, uint64_t up_to)
{
	list_for(it, &s->events)
	{
		struct event *e = list_entry(it, struct event, node);
		if (e->seq > up_to)
			break;
		drop_event(s, e);
	}
}

static void make_room(struct session *s, size_t len)
{
	while (s->n_events > 0 &&
	       (s->n_events >= WEB_EVENTS_MAX || s->event_bytes + len > WEB_EVENTS_BYTES))
		drop_event(s, list_entry(s->events.next, struct event, node));
}

static void too_large(struct session *s, const char *ev)
{
	if (log_allow(&s->web->limit, loop_now(s->web->env->loop), WEB_LINES_PER_S))
		log_warning(NULL, "event-too-large", "user=%s event=%s",
		            log_esc(str_of(s->who.uri)), ev);
}

void session_event(struct session *s, const char *ev, struct str body)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	buf_printf(&b, "{\"seq\":%llu,\"ev\":\"%s\"%s", (unsigned long long)s->seq + 1, ev,
	           body.len ? "," : "");
	buf_str(&b, body);
	buf_char(&b, '}');
	if (b.full) {
		too_large(s, ev);
		return;
	}
	s->seq++;
	s->web->stats.events++;
	make_room(s, b.len);
	struct event *e = xmalloc(sizeof(*e) + b.len);
	*e = (struct event){ .seq = s->seq, .len = b.len };
	memcpy(e->text, b.p, b.len);
	list_add(&s->events, &e->node);
	s->n_events++;
	s->event_bytes += b.len;
	if (s->browser)
		browser_send(s->browser, buf_view(&b));
}

void session_seen(struct session *s, uint64_t number, const cJSON *args)
{
	const cJSON *seq = cJSON_GetObjectItemCaseSensitive(args, "seq");
	if (!cJSON_IsNumber(seq) || seq->valuedouble < 0 || seq->valuedouble > (double)s->seq) {
		web_bad(s, number, "seq is the number of an event that was told");
		return;
	}
	drop_events(s, (uint64_t)seq->valuedouble);
	web_ok(s, number, STR(""));
}

struct str session_text(const struct session *s, uint64_t seq)
{
	list_for(it, &s->events)
	{
		const struct event *e = list_entry(it, struct event, node);
		if (e->seq == seq)
			return str_n(e->text, e->len);
	}
	return STR("");
}

bool session_has(const struct session *s, uint64_t seq)
{
	return seq <= s->seq && seq + s->n_events >= s->seq;
}

void session_replay(struct session *s, uint64_t seq)
{
	drop_events(s, seq);
	list_for(it, &s->events)
	{
		struct event *e = list_entry(it, struct event, node);
		browser_send(s->browser, str_n(e->text, e->len));
	}
}

/* --- the table ------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct web *w, struct str id)
{
	return hash_bytes(&w->by_id.key, id.p, id.len);
}

struct session *session_find(struct web *w, struct str id, const struct web_login *who)
{
	for (struct map_node *n = map_first(&w->by_id, hash_of(w, id)); n; n = map_next(n)) {
		struct session *s = container_of(n, struct session, by_id);
		if (str_eq(str_of(s->id), id) && !s->ending &&
		    (!who || (s->who.account == who->account && s->who.number == who->number)))
			return s;
	}
	return NULL;
}

static void session_free(struct session *s)
{
	struct web *w = s->web;
	list_del(&s->node);
	map_del(&w->by_id, &s->by_id);
	w->n_sessions--;
	timer_stop(&s->away);
	timer_stop(&s->refresh);
	wb_calls_free(s);
	web_asks_drop(s);
	web_subs_drop(s);
	wb_conferences_free(s);
	drop_events(s, UINT64_MAX);
	wb_people_free(s);
	chat_free(s);
	wipe(s->who.ticket, sizeof(s->who.ticket));
	free(s);
}

/* Once the endpoint has been signed off, or nobody could be told. */
static void on_gone(struct session *s, void *arg UNUSED, int code UNUSED,
                    const struct sip_msg *m UNUSED)
{
	session_free(s);
}

void session_end(struct session *s, unsigned code, const char *why)
{
	if (s->ending)
		return;
	s->ending = true;
	if (s->browser)
		browser_end(take(&s->browser), code, why);
	timer_stop(&s->away);
	timer_stop(&s->refresh);
	web_subs_drop(s);
	web_asks_drop(s);
	wb_calls_end(s);
	web_unregister(s, on_gone);
}

void sessions_end(struct web *w, const struct web_login *of, const char *why)
{
	list_for(it, &w->sessions)
	{
		struct session *s = list_entry(it, struct session, node);
		if (web_is_of(&s->who, of))
			session_end(s, WEB_SIGNED_OUT, why);
	}
}

void sessions_each(struct web *w, const struct web_login *of, web_login_fn *fn, void *arg)
{
	list_for(it, &w->sessions)
	{
		struct session *s = list_entry(it, struct session, node);
		if (!s->ending && web_is_of(&s->who, of))
			fn(arg, &s->who);
	}
}

void sessions_free(struct web *w)
{
	list_for(it, &w->sessions) session_free(list_entry(it, struct session, node));
}

/* --- coming and going ------------------------------------------------------------------------ */

/* What went into a connection that was dead already, perhaps: a telephone that sleeps says nothing.
 * What came afterwards was told at once. */
static void tell_unseen(const struct session *s)
{
	list_for(it, &s->events)
	{
		const struct event *e = list_entry(it, struct event, node);
		if (e->seq <= s->left)
			web_push_unseen(s, str_n(e->text, e->len));
	}
}

static void on_away(void *arg)
{
	struct session *s = arg;
	tell_unseen(s);
	session_end(s, WS_GOING_AWAY, "away");
}

void session_left(struct session *s)
{
	s->browser = NULL;
	s->left = s->seq;
	timer_set(&s->away, loop_now(s->web->env->loop) + WEB_AWAY_S * USEC_PER_SEC);
}

void session_take(struct session *s, struct browser *b)
{
	if (s->browser)
		browser_end(s->browser, WEB_REPLACED, "Another connection shows this session.");
	s->browser = b;
	timer_stop(&s->away);
}

static void on_refresh(void *arg)
{
	web_register(arg);
}

/* The same for the same user and tab group: a browser that comes back is the same endpoint. */
static void make_instance(struct session *s, struct str tab)
{
	const struct hash_key key = { 0x6469616c746f6e65, 0x7765622d7461622d };
	uint64_t a = hash_lower(&key, str_of(s->who.uri)) ^ hash_bytes(&key, tab.p, tab.len);
	uint64_t b = hash_bytes(&key, &a, sizeof(a));
	(void)snprintf(s->instance, sizeof(s->instance), "%08x-%04x-8%03x-8%03x-%012llx",
	               (unsigned)(a >> 32), (unsigned)(a >> 16) & 0xffff, (unsigned)a & 0xfff,
	               (unsigned)(b >> 52) & 0xfff, (unsigned long long)(b & 0xffffffffffff));
}

/* A tab group that comes without its session (the page was closed, or the process restarted): the
 * endpoint is taken over by the new session.  Of too many of one user the oldest goes. */
static void make_place(struct web *w, const struct session *next)
{
	struct session *oldest = NULL;
	unsigned n = 0;
	list_for(it, &w->sessions)
	{
		struct session *s = list_entry(it, struct session, node);
		if (s->who.account != next->who.account || s->ending)
			continue;
		if (strcmp(s->instance, next->instance) == 0) {
			s->registered = s->registering = false; /* it is the new one's now */
			session_end(s, WEB_REPLACED, "Another connection shows this session.");
			continue;
		}
		n++;
		oldest = oldest ? oldest : s;
	}
	if (n >= WEB_USER_SESSIONS_MAX)
		session_end(oldest, WEB_REPLACED, "There are too many sessions of this user.");
}

struct session *session_new(struct web *w, const struct web_login *who, struct str tab,
                            struct str own)
{
	if (w->n_sessions >= w->set.sessions_max)
		return NULL;
	struct session *s = xnew(struct session);
	struct buf id = BUF_ON(s->id), call = BUF_ON(s->reg_call);
	s->web = w;
	s->who = *who;
	if (own.len > 0)
		buf_str(&id, own);
	else
		rand_token(&id, 24);
	rand_token(&call, 24);
	make_instance(s, tab);
	make_place(w, s);
	list_init(&s->events);
	list_init(&s->asks);
	list_init(&s->calls);
	list_init(&s->conferences);
	list_init(&s->questions);
	timer_init(&s->away, w->env->loop, on_away, s);
	timer_init(&s->refresh, w->env->loop, on_refresh, s);
	web_subs_init(s);
	s->slot = (uint32_t)(who->account % MAX(w->n_fes, 1u));
	wb_people_new(s);
	chat_new(s);
	list_add(&w->sessions, &s->node);
	map_add(&w->by_id, &s->by_id, hash_of(w, str_of(s->id)));
	w->n_sessions++;
	web_register(s);
	return s;
}

/* What a front end knew of its endpoints went with the link.  It was the home of others too, which
 * are reached by another one: their subscriptions have gone with it, and which they are, nobody
 * says. */
void sessions_link(struct web *w, uint32_t slot, bool up)
{
	list_for(it, &w->sessions)
	{
		struct session *s = list_entry(it, struct session, node);
		if (s->ending || (s->slot != slot && !up))
			continue;
		s->registered = false;
		web_subs_drop(s);
		if (up)
			web_register(s);
	}
}
