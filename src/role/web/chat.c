#include <inttypes.h>
#include <stdlib.h>

#include "base/code.h"
#include "base/isotime.h"
#include "role/web/people.h"
#include "svc/conference/conf_uri.h"
#include "svc/conversation/content.h"
#include "svc/conversation/html.h"
#include "svc/conversation/said.h"
#include "wire/ctl/ctl.h"

/* What is said.  A text goes out as a MESSAGE; what the user's home remembers of it, and of what
 * others say, comes by the event package dialtone-conversation, with the ids that both sides have.
 * Where nothing is remembered, what comes by MESSAGE is shown as it is. */

#define TALK_TYPE "application/dialtone+json"

enum {
	SENDS_MAX = 200 /* remembered: what comes again with its mark is not sent again */,
	SETTLE_MS = 3000,    /* so long the home may take to tell of what it has answered */
	CLOCKS_DIFFER_S = 2, /* of the hosts of the processes */
	HISTORY_DEFAULT = 50,
	HISTORY_MAX = 100,
	FIND_MAX = 100, /* bytes that are searched for; the home takes no more */
};

/* A text of this browser. */
struct send {
	struct list node;       /* in chat->sends, the oldest first */
	struct list unknown;    /* in chat->unknown, until it has an id */
	struct map_node by_ref; /* in web->by_ref, if it has one */
	struct session *s;
	uint64_t number;     /* of the request that waits; 0: it is answered */
	int code;            /* 0: not answered yet */
	char id[32], at[40]; /* as the home tells; empty: not yet */
	struct timer settle;
	char *to, *text, ref[WEB_REF_MAX + 1];
};

struct chat {
	struct list sends, unknown;
	unsigned n_sends;
	bool remembers;       /* the home tells what is said */
	char since[24];       /* the sequence that it told last */
	uint64_t own_numbers; /* of messages that nobody else numbers */
};

static void set(char *to, size_t size, struct str s)
{
	size_t n = MIN(s.len, size - 1);
	memcpy(to, s.p, n);
	to[n] = '\0';
}

/* --- messages to the browser ----------------------------------------------------------------- */

/* What is kept for somebody who is not signed in: of a group the 202 is the MCU's. */
static struct str state_of(struct str chat, bool accepted)
{
	return accepted && !web_is_conference(chat) ? STR("kept") : STR("delivered");
}

/* What has become of it. */
static void put_changes(struct buf *b, const struct shown *m)
{
	char *reactions = m->reactions ? cJSON_PrintUnformatted(m->reactions) : NULL;
	if (m->edited_at.len > 0)
		json_put_member(b, "edited_at", m->edited_at);
	if (m->deleted)
		buf_lit(b, ",\"deleted\":true");
	if (reactions) {
		buf_lit(b, ",\"reactions\":");
		buf_str(b, str_of(reactions));
	}
	cJSON_free(reactions);
}

/* It was no text but a call: what became of it. */
static void put_call(struct buf *b, const struct shown *m)
{
	char *call = m->call ? cJSON_PrintUnformatted(m->call) : NULL;
	if (!call)
		return;
	buf_lit(b, ",\"call\":");
	buf_str(b, str_of(call));
	cJSON_free(call);
}

static void put_shown(struct buf *b, const struct session *s, const struct shown *m)
{
	auto_(buf_free) struct buf plain = buf_of(CONTENT_MAX);
	struct attached file;
	struct str text = html_read(&plain, m->type, m->text);
	bool has_file = wb_attach_find(s->web, text, &file);
	buf_lit(b, "{\"id\":");
	json_put_str(b, m->id);
	json_put_member(b, "chat", m->chat);
	json_put_member(b, "from", m->from);
	json_put_member(b, "at", m->at);
	json_put_member(b, "text", has_file ? file.caption : text);
	if (has_file)
		wb_attach_put_json(b, &file, m->from, m->chat);
	json_put_member(b, "state", m->state);
	put_changes(b, m);
	put_call(b, m);
	if (m->ref.len > 0)
		json_put_member(b, "ref", m->ref);
	buf_char(b, '}');
}

static void tell(struct session *s, const struct shown *m)
{
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	buf_lit(&b, "\"message\":");
	put_shown(&b, s, m);
	session_event(s, "message", buf_view(&b));
}

static void put_now(struct buf *b, const struct session *s)
{
	isotime_put(b, loop_wall(s->web->env->loop) / USEC_PER_MSEC * USEC_PER_MSEC);
}

/* --- what was sent --------------------------------------------------------------------------- */

static void send_free(struct send *x)
{
	list_del(&x->node);
	list_del(&x->unknown);
	if (x->ref[0])
		map_del(&x->s->web->by_ref, &x->by_ref);
	x->s->chat->n_sends--;
	timer_stop(&x->settle);
	free(x->to);
	free(x->text);
	free(x);
}

static struct shown shown_of(const struct send *x)
{
	return (struct shown){ .id = str_of(x->id),
		               .chat = str_of(x->to),
		               .from = str_of(x->s->who.uri),
		               .at = str_of(x->at),
		               .state = state_of(str_of(x->to), x->code == 202),
		               .text = str_of(x->text),
		               .ref = str_of(x->ref) };
}

static void answer(struct send *x)
{
	struct session *s = x->s;
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	struct shown m = shown_of(x);
	uint64_t number = x->number;
	x->number = 0;
	timer_stop(&x->settle);
	if (number == 0)
		return;
	buf_lit(&b, "\"message\":");
	put_shown(&b, s, &m);
	web_ok(s, number, buf_view(&b));
}

/* Nobody numbers it: it is told as it was sent. */
static void on_settled(void *arg)
{
	struct send *x = arg;
	struct buf id = BUF_ON(x->id), at = BUF_ON(x->at);
	if (x->id[0] == '\0') {
		buf_printf(&id, "own-%llu", (unsigned long long)++x->s->chat->own_numbers);
		put_now(&at, x->s);
		x->id[id.len] = x->at[at.len] = '\0';
		list_del(&x->unknown);
	}
	answer(x);
}

/* The answer says what the home remembers it as: so no notification will. */
static void read_said(struct send *x, const struct sip_msg *m)
{
	struct buf at = BUF_ON(x->at);
	struct str id, number;
	uint64_t sequence;
	/* Where nothing is remembered, no home has looked at what the other side says. */
	if (!m || x->id[0] || !x->s->chat->remembers ||
	    !str_cut(sip_value(m, SIP_H_SAID), ';', &id, &number) || id.len >= sizeof(x->id) ||
	    !str_istarts(number, STR("sequence=")))
		return;
	number = str_sub(number, strlen("sequence="), number.len);
	if (str_to_u64(number, INT64_MAX, &sequence) < 0)
		return;
	set(x->id, sizeof(x->id), id);
	set(x->s->chat->since, sizeof(x->s->chat->since), number);
	isotime_put(&at, said_time(sequence));
	x->at[at.len] = '\0';
	list_del(&x->unknown);
	struct shown shown = shown_of(x);
	tell(x->s, &shown);
}

static void on_sent(struct session *s, void *arg, int code, const struct sip_msg *m)
{
	struct send *x = arg;
	uint64_t number = x->number;
	x->code = code;
	if (code / 100 == 2)
		read_said(x, m);
	if (code / 100 != 2) {
		send_free(x); /* it may be tried again */
		web_fail_sip(s, number, code);
	} else if (x->id[0]) {
		answer(x);
	} else if (s->chat->remembers) {
		timer_set(&x->settle, loop_now(s->web->env->loop) + SETTLE_MS * USEC_PER_MSEC);
	} else {
		on_settled(x);
	}
}

static uint64_t hash_of_ref(const struct web *w, struct str ref)
{
	return hash_bytes(&w->by_ref.key, ref.p, ref.len);
}

static struct send *find_ref(const struct session *s, struct str ref)
{
	if (ref.len == 0)
		return NULL;
	for (struct map_node *n = map_first(&s->web->by_ref, hash_of_ref(s->web, ref)); n;
	     n = map_next(n)) {
		struct send *x = container_of(n, struct send, by_ref);
		if (x->s == s && str_eq(str_of(x->ref), ref))
			return x;
	}
	return NULL;
}

/* One that is under way is not forgotten. */
static bool make_room(struct chat *c)
{
	if (c->n_sends < SENDS_MAX)
		return true;
	struct send *oldest = list_entry(c->sends.next, struct send, node);
	if (oldest->code == 0)
		return false;
	send_free(oldest);
	return true;
}

static void send_text(struct session *s, uint64_t number, struct str to, struct str text,
                      struct str ref)
{
	struct chat *c = s->chat;
	struct send *x = xnew(struct send);
	char uri[WEB_SIP_URI_MAX + 1];
	struct buf rb = BUF_ON(x->ref);
	x->s = s;
	x->number = number;
	x->to = str_dup(to);
	x->text = str_dup(text);
	buf_str(&rb, ref);
	timer_init(&x->settle, s->web->env->loop, on_settled, x);
	list_add(&c->sends, &x->node);
	list_add(&c->unknown, &x->unknown);
	if (ref.len > 0)
		map_add(&s->web->by_ref, &x->by_ref, hash_of_ref(s->web, ref));
	c->n_sends++;
	struct web_out o = { .method = SIP_MESSAGE,
		             .uri = web_sip_uri(to, uri),
		             .type = STR("text/plain;charset=UTF-8"),
		             .body = text };
	web_send(s, &o, on_sent, x);
}

void chat_send(struct session *s, uint64_t number, const cJSON *args)
{
	char space[WEB_SIP_URI_MAX + 1];
	struct str to = wb_people_bare(web_text(args, "to"), space);
	struct str text = web_text(args, "text"), ref = web_text(args, "ref");
	struct str file = web_text(args, "file");
	auto_(buf_free) struct buf whole = buf_of(WEB_DOC_MAX);
	if (to.len == 0 || (text.len == 0 && file.len == 0) || ref.len > WEB_REF_MAX) {
		web_bad(s, number, "to is no address, or text is missing, or ref too long");
		return;
	}
	if (file.len > 0 && !wb_attach_put(s, &whole, to, text, file)) {
		web_fail(s, number, "not_found", "There is no such file of yours for this chat.",
		         "Send it again.");
		return;
	}
	text = file.len > 0 ? buf_view(&whole) : text;
	if (text.len > WEB_TEXT_MAX) {
		web_fail(s, number, "too_large", "The message is too long.", "Send it in parts.");
		return;
	}
	struct send *x = find_ref(s, ref);
	if (x) { /* its answer was lost, or is still to come */
		x->number = number;
		if (x->code)
			answer(x);
	} else if (make_room(s->chat)) {
		send_text(s, number, to, text, ref);
	} else {
		web_fail(s, number, "too_many", "Too many messages are under way.",
		         "Wait a moment.");
	}
}

/* --- typing ---------------------------------------------------------------------------------- */

static void on_told(struct session *s, void *arg, int code UNUSED, const struct sip_msg *m UNUSED)
{
	web_ok(s, (uint64_t)(uintptr_t)arg, STR(""));
}

void chat_typing(struct session *s, uint64_t number, const cJSON *args)
{
	char space[WEB_SIP_URI_MAX + 1], uri[WEB_SIP_URI_MAX + 1], text[512];
	struct buf b = BUF_ON(text);
	struct str to = wb_people_bare(web_text(args, "to"), space), type;
	const cJSON *on = cJSON_GetObjectItemCaseSensitive(args, "on");
	if (to.len == 0 || !cJSON_IsBool(on)) {
		web_bad(s, number, "to is no address, or on is neither true nor false");
		return;
	}
	struct content c = { .kind = CONTENT_TYPING, .active = cJSON_IsTrue(on), .refresh_s = 15 };
	content_put_pager(&b, &c, &type);
	struct web_out o = { .method = SIP_MESSAGE,
		             .uri = web_sip_uri(to, uri),
		             .type = type,
		             .body = buf_view(&b) };
	web_send(s, &o, on_told, (void *)(uintptr_t)number);
}

static void tell_typing(struct session *s, struct str chat, struct str from, bool on)
{
	auto_(buf_free) struct buf b = buf_of(2 * (WEB_SIP_URI_MAX + CONF_WHOLE_URI_MAX));
	buf_lit(&b, "\"chat\":");
	json_put_str(&b, chat);
	json_put_member(&b, "from", from);
	buf_printf(&b, ",\"on\":%s", on ? "true" : "false");
	session_event(s, "typing", buf_view(&b));
}

/* --- what comes ------------------------------------------------------------------------------ */

static void tell_text(struct session *s, struct str from, const struct content *c)
{
	char id[32], at[40];
	struct buf ib = BUF_ON(id), ab = BUF_ON(at);
	buf_printf(&ib, "own-%llu", (unsigned long long)++s->chat->own_numbers);
	put_now(&ab, s);
	struct shown m = { .id = buf_view(&ib),
		           .chat = from,
		           .from = from,
		           .at = buf_view(&ab),
		           .state = STR("delivered"),
		           .type = c->type,
		           .text = c->body };
	tell(s, &m);
}

/* What a conference says itself, that somebody invites or is out, has no number: nobody remembers
 * it. */
static bool is_notice(const struct sip_msg *m, struct str from)
{
	return web_is_conference(from) && sip_value_named(m, STR("Message-Id")).len == 0;
}

void chat_message(struct session *s, struct sip_req *rq)
{
	struct content c;
	char space[WEB_SIP_URI_MAX + 1];
	const struct sip_addr *a = sip_from(rq->msg);
	struct str from = a ? wb_people_bare(a->uri, space) : STR("");
	content_read(&c, rq->msg);
	if (from.len == 0 || c.kind == CONTENT_OTHER) {
		sip_reply(rq, 415, STR(""),
		          STR("Accept: text/plain, text/html, application/im-iscomposing+xml, "
		              "message/cpim, message/imdn+xml\r\n"),
		          STR(""), STR(""));
		return;
	}
	sip_reply(rq, 200, STR(""), STR(""), STR(""), STR(""));
	if (c.kind == CONTENT_TYPING)
		tell_typing(s, from, from, c.active);
	else if (c.kind == CONTENT_TEXT && (!s->chat->remembers || is_notice(rq->msg, from)))
		tell_text(s, from, &c);
}

/* --- what the home remembers ----------------------------------------------------------------- */

void chat_put_sub(struct session *s, struct buf *lines, struct buf *body, struct str *ret_type)
{
	buf_lit(lines, "Accept: " TALK_TYPE "\r\n");
	s->chat->remembers = true;
	buf_printf(body, "{\"since\":\"%s\",\"alone\":true}", s->chat->since);
	*ret_type = STR(TALK_TYPE);
}

void chat_forgets(struct session *s)
{
	s->chat->remembers = false;
}

static struct send *find_unknown(const struct chat *c, struct str to, struct str text)
{
	list_for(it, &c->unknown)
	{
		struct send *x = list_entry(it, struct send, unknown);
		if (str_ieq(str_of(x->to), to) && str_eq(str_of(x->text), text))
			return x;
	}
	return NULL;
}

static void read_row(const struct session *s, const cJSON *row, struct shown *ret)
{
	struct str author = web_text(row, "author"), peer = web_text(row, "peer");
	*ret = (struct shown){ .id = web_text(row, "message"),
		               .from = author,
		               .at = web_text(row, "time"),
		               .type = web_text(row, "type"),
		               .text = web_text(row, "text") };
	ret->chat = str_ieq(peer, str_of(s->who.uri)) ? author : peer;
	ret->edited_at = web_text(row, "edited");
	ret->deleted = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "deleted"));
	ret->reactions = cJSON_GetObjectItemCaseSensitive(row, "reactions");
	ret->call = cJSON_GetObjectItemCaseSensitive(row, "call");
	ret->state = state_of(ret->chat, str_eq(web_text(row, "state"), STR("accepted")));
}

static void take_row(struct session *s, const cJSON *row)
{
	struct shown m;
	struct send *x = NULL;
	struct str change = web_text(row, "change");
	read_row(s, row, &m);
	if (m.id.len == 0 || (m.text.p == NULL && !m.call))
		return;
	if (change.len > 0) {
		wb_change_tell(s, change, &m);
		return;
	}
	if (!m.call && str_ieq(m.from, str_of(s->who.uri)))
		x = find_unknown(s->chat, m.chat, m.text);
	if (x) {
		m.ref = str_of(x->ref);
		set(x->id, sizeof(x->id), m.id);
		set(x->at, sizeof(x->at), m.at);
		list_del(&x->unknown);
	}
	tell(s, &m);
	if (x && x->code / 100 == 2)
		answer(x);
}

void chat_notified(struct session *s, const struct sip_msg *m)
{
	const char *why;
	cJSON *doc = ctl_parse_json(m->body, &why);
	const cJSON *row;
	struct str next = web_text(doc, "next");
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(doc, "messages")) take_row(s, row);
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(doc, "typing"))
	        tell_typing(s, web_text(row, "peer"), web_text(row, "author"),
	                    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(row, "on")));
	if (next.len > 0)
		set(s->chat->since, sizeof(s->chat->since), next);
	cJSON_Delete(doc);
}

/* --- history --------------------------------------------------------------------------------- */

static void on_history(struct session *s, void *arg, int code, const struct sip_msg *m)
{
	uint64_t number = (uint64_t)(uintptr_t)arg;
	auto_(buf_free) struct buf b = buf_of(WEB_DOC_MAX);
	const char *why;
	const cJSON *row;
	if (code == 500) {
		web_fail(s, number, "too_many", "That was asked for too often.",
		         "Try again in a second.");
		return;
	}
	if (code / 100 != 2) {
		web_fail_sip(s, number, code);
		return;
	}
	cJSON *doc = ctl_parse_json(m->body, &why);
	if (!doc) {
		web_fail(s, number, "too_large", "A message is too long to be shown.", "");
		return;
	}
	buf_lit(&b, "\"messages\":[");
	size_t empty = b.len;
	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(doc, "messages"))
	{
		struct shown x;
		read_row(s, row, &x);
		buf_str(&b, b.len > empty ? STR(",") : STR(""));
		put_shown(&b, s, &x);
	}
	buf_lit(&b, "],\"before\":");
	json_put_str(&b, web_text(doc, "before"));
	buf_printf(&b, ",\"more\":%s",
	           cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(doc, "more")) ? "true" : "false");
	cJSON_Delete(doc);
	web_ok(s, number, buf_view(&b));
}

static void on_found(struct session *s, void *arg, int code, const struct sip_msg *m)
{
	uint64_t number = (uint64_t)(uintptr_t)arg;
	if (code == 400)
		web_bad(s, number, "text has no word, or more than eight");
	else if (code == 500)
		web_fail(s, number, "too_many", "That was searched too often.",
		         "Try again in a second.");
	else
		on_history(s, arg, code, m);
}

/* A page of what was said; find: of that in which these words are. */
static void ask_page(struct session *s, uint64_t number, const cJSON *args, struct str find)
{
	char space[WEB_SIP_URI_MAX + 1];
	auto_(buf_free) struct buf b = buf_of(2048);
	struct str person = web_text(args, "with"), with = wb_people_bare(person, space);
	struct str before = web_text(args, "before");
	const cJSON *limit = cJSON_GetObjectItemCaseSensitive(args, "limit");
	bool calls = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(args, "calls"));
	double n = cJSON_IsNumber(limit) ? limit->valuedouble : HISTORY_DEFAULT;
	if (n < 1 || n > HISTORY_MAX || before.len > 20 || (person.len > 0 && with.len == 0) ||
	    (calls && (person.len > 0 || find.len > 0))) {
		web_bad(s, number,
		        "with is an address and goes not with calls, limit 1 to 100, before what "
		        "the last answer said");
		return;
	}
	buf_printf(&b, "{\"limit\":%u", (unsigned)n);
	if (before.len > 0)
		json_put_member(&b, "before", before);
	if (with.len > 0)
		json_put_member(&b, "peer", with);
	if (find.len > 0)
		json_put_member(&b, "find", find);
	buf_str(&b, calls ? STR(",\"calls\":true") : STR(""));
	buf_char(&b, '}');
	struct web_out o = { .method = SIP_SERVICE, .type = STR(TALK_TYPE), .body = buf_view(&b) };
	web_send(s, &o, find.len > 0 ? on_found : on_history, (void *)(uintptr_t)number);
}

void chat_history(struct session *s, uint64_t number, const cJSON *args)
{
	ask_page(s, number, args, STR(""));
}

void chat_search(struct session *s, uint64_t number, const cJSON *args)
{
	struct str text = web_text(args, "text");
	if (text.len == 0 || text.len > FIND_MAX)
		web_bad(s, number, "text has 1 to 100 bytes");
	else
		ask_page(s, number, args, text);
}

/* --- life ------------------------------------------------------------------------------------ */

/* What is said from now on is shown, though it may be said before the home has been asked for it.
 */
void chat_new(struct session *s)
{
	usec_t now = loop_wall(s->web->env->loop), early = CLOCKS_DIFFER_S * USEC_PER_SEC;
	s->chat = xnew(struct chat);
	struct buf since = BUF_ON(s->chat->since);
	list_init(&s->chat->sends);
	list_init(&s->chat->unknown);
	buf_printf(&since, "%" PRIu64, said_at(now > early ? now - early : 0));
}

void chat_free(struct session *s)
{
	list_for(it, &s->chat->sends) send_free(list_entry(it, struct send, node));
	free(take(&s->chat));
}
