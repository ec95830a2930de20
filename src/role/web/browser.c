#include <stdlib.h>

#include "base/code.h"
#include "role/web/wb.h"
#include "wire/ctl/ctl.h"

/* A browser's connection: messages in and out, and their rate.  Its first request is `hello`, which
 * gives it a session. */

enum { NUMBER_MAX = 1 << 30, HELLO_S = 20 };

static const double SEQ_MAX = 1LL << 53; /* the numbers below are whole in any JSON */

struct browser {
	struct list node;
	struct web *web;
	struct ws *ws;
	struct web_login *who;   /* before hello; then the session has it */
	struct buf user;         /* for the welcome */
	struct session *session; /* NULL: before hello, or it was taken from it */
	struct timer hello;
	usec_t full; /* when the allowance would be whole again */
};

static void forget_login(struct browser *b)
{
	if (!b->who)
		return;
	wipe(b->who->ticket, sizeof(b->who->ticket));
	free(take(&b->who));
}

static void browser_free(struct browser *b)
{
	if (b->session)
		session_left(b->session);
	list_del(&b->node);
	timer_stop(&b->hello);
	ws_free(&b->ws);
	buf_free(&b->user);
	forget_login(b);
	free(b);
}

void browsers_free(struct web *w)
{
	list_for(it, &w->browsers)
	{
		struct browser *b = list_entry(it, struct browser, node);
		b->session = NULL;
		browser_free(b);
	}
}

void browser_send(struct browser *b, struct str json)
{
	(void)ws_send(b->ws, true, json);
}

void browser_end(struct browser *b, unsigned code, const char *why)
{
	if (b->session)
		session_left(take(&b->session));
	ws_close(b->ws, code, str_of(why));
}

void browsers_end(struct web *w, const struct web_login *of, const char *why)
{
	list_for(it, &w->browsers)
	{
		struct browser *b = list_entry(it, struct browser, node);
		if (b->who && web_is_of(b->who, of))
			browser_end(b, WEB_SIGNED_OUT, why);
	}
}

void browsers_each(struct web *w, const struct web_login *of, web_login_fn *fn, void *arg)
{
	list_for(it, &w->browsers)
	{
		struct browser *b = list_entry(it, struct browser, node);
		if (b->who && web_is_of(b->who, of))
			fn(arg, b->who);
	}
}

/* --- hello ----------------------------------------------------------------------------------- */

static bool is_tab(struct str tab)
{
	for (size_t i = 0; i < tab.len; i++) {
		char c = tab.p[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '-' || c == '_'))
			return false;
	}
	return tab.len > 0 && tab.len <= WEB_TAB_MAX;
}

static void put_welcome(struct buf *b, const struct session *s, struct str user, bool resumed)
{
	buf_printf(b, "\"session\":\"%s\",\"resumed\":%s,\"seq\":%llu,", s->id,
	           resumed ? "true" : "false", (unsigned long long)s->seq);
	buf_str(b, user);
	buf_printf(b, ",\"limits\":{\"message_bytes\":%d,\"watch\":%d,\"file_bytes\":%u}",
	           WEB_TEXT_MAX, WEB_PEOPLE_MAX, s->web->set.file_max);
}

static struct session *to_resume(struct browser *b, const cJSON *resume, uint64_t *ret_seq)
{
	const cJSON *seq = cJSON_GetObjectItemCaseSensitive(resume, "seq");
	struct str id = web_text(resume, "session");
	if (!id.len || !cJSON_IsNumber(seq) || seq->valuedouble < 0 || seq->valuedouble > SEQ_MAX)
		return NULL;
	struct session *s = session_find(b->web, id, b->who);
	*ret_seq = (uint64_t)seq->valuedouble;
	return s && session_has(s, *ret_seq) ? s : NULL;
}

static void welcome(struct browser *b, uint64_t number, struct session *s, const cJSON *hello)
{
	auto_(buf_free) struct buf body = buf_of(WEB_DOC_MAX);
	session_take(s, b);
	b->session = s;
	forget_login(b);
	timer_stop(&b->hello);
	put_welcome(&body, s, buf_view(&b->user), hello == NULL);
	if (hello)
		wb_calls_take_back(s, hello, &body);
	buf_free(&b->user);
	web_ok(s, number, buf_view(&body));
	if (hello)
		wb_calls_keep(s);
}

/* Calls that the browser kept go on in the session that they were made in, if that is no more. */
static struct session *new_session(struct browser *b, struct str tab, const cJSON *hello)
{
	char id[WEB_SESSION_ID_MAX + 1];
	bool kept = wb_kept_session(b->web, b->who, hello, id) &&
	            !session_find(b->web, str_of(id), NULL);
	return session_new(b->web, b->who, tab, kept ? str_of(id) : STR(""));
}

static void hello(struct browser *b, uint64_t number, const cJSON *args)
{
	struct str tab = web_text(args, "tab");
	uint64_t seq = 0;
	if (!is_tab(tab)) {
		browser_end(b, WEB_PROTOCOL, "hello needs a tab of 1 to 64 letters and digits");
		return;
	}
	struct session *s = to_resume(b, cJSON_GetObjectItemCaseSensitive(args, "resume"), &seq);
	if (s) {
		b->web->stats.resumed++;
		welcome(b, number, s, NULL);
		session_replay(s, seq);
		return;
	}
	s = new_session(b, tab, args);
	if (s)
		welcome(b, number, s, args);
	else
		browser_end(b, WS_TRY_AGAIN, "There are too many sessions; try again later.");
}

/* --- messages -------------------------------------------------------------------------------- */

/* WEB_RATE a second, WEB_BURST at once. */
static bool is_too_fast(struct browser *b)
{
	usec_t now = loop_now(b->web->env->loop), each = USEC_PER_SEC / WEB_RATE;
	b->full = MAX(b->full, now);
	if (b->full - now > WEB_BURST * each)
		return true;
	b->full += each;
	return false;
}

static void too_many(struct browser *b, uint64_t number)
{
	auto_(buf_free) struct buf a = buf_of(1024);
	web_put_error(&a, number, "too_many", "There are too many requests a second.",
	              "Wait a moment.");
	browser_send(b, buf_view(&a));
}

static void request(struct browser *b, const cJSON *v)
{
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(v, "id");
	struct str op = web_text(v, "op");
	if (!cJSON_IsNumber(id) || id->valuedouble < 1 || id->valuedouble > NUMBER_MAX || !op.len) {
		browser_end(b, WEB_PROTOCOL, "a request has an id and an op");
		return;
	}
	uint64_t number = (uint64_t)id->valuedouble;
	if (is_too_fast(b))
		too_many(b, number);
	else if (b->session)
		web_dispatch(b->session, number, op, v);
	else if (str_eq(op, STR("hello")))
		hello(b, number, v);
	else
		browser_end(b, WEB_PROTOCOL, "the first request is hello");
}

static void on_message(void *arg, bool text, struct str message)
{
	struct browser *b = arg;
	const char *why;
	cJSON *v = text ? ctl_parse_json(message, &why) : NULL;
	if (cJSON_IsObject(v))
		request(b, v);
	else
		browser_end(b, WEB_PROTOCOL, "a message is one JSON object");
	cJSON_Delete(v);
}

static void on_closed(void *arg, unsigned code UNUSED, struct str why UNUSED)
{
	browser_free(arg);
}

static const struct ws_ops ops = { .message = on_message, .closed = on_closed };

static void on_silent(void *arg)
{
	browser_end(arg, WEB_PROTOCOL, "no hello came");
}

void browser_new(struct web *w, struct http_exchange *x, const struct web_login *who,
                 struct buf *user)
{
	struct browser *b = xnew(struct browser);
	b->ws = ws_accept(w->ws, x, &ops, b);
	if (!b->ws) {
		free(b);
		return;
	}
	b->web = w;
	b->who = xnew(struct web_login);
	*b->who = *who;
	b->user = *user;
	*user = buf_of(0);
	timer_init(&b->hello, w->env->loop, on_silent, b);
	timer_set(&b->hello, loop_now(w->env->loop) + HELLO_S * USEC_PER_SEC);
	list_add(&w->browsers, &b->node);
}
