#include <stdio.h>
#include <stdlib.h>

#include "webload.h"
#include "wire/ctl/ctl.h"

/* Browsers that talk in pairs (0 to 1, 2 to 3 ...), and one whom all others watch. */

/* The server takes 50 requests a second of a browser. */
#define PUBLISH_EACH (25 * USEC_PER_MSEC)

static const char *const states[] = { "busy", "do_not_disturb" };

void web_send_json(struct browser *b, const struct buf *t)
{
	(void)ws_send(b->ws, true, buf_view(t));
}

/* --- messages -------------------------------------------------------------------------------- */

static void next_chat(struct load *l);

/* What A says in its turn: so long as people's messages are in the mean. */
void web_put_words(const struct load *l, const struct browser *a, struct buf *b)
{
	buf_printf(b, "%08x %u %06u Shall we meet at the usual place, some minutes after noon?",
	           l->run, a->number, a->turn);
}

bool web_says(const struct load *l, const struct browser *a, struct str text)
{
	char words[TEXT_MAX];
	struct buf b = BUF_ON(words);
	web_put_words(l, a, &b);
	return str_eq(buf_view(&b), text);
}

/* Something that A has said before. */
static bool said(const struct load *l, const struct browser *a, struct str text)
{
	struct browser was = *a;
	unsigned run, number, turn;
	char words[TEXT_MAX];
	struct buf b = BUF_ON(words);
	buf_str(&b, text);
	words[b.len] = '\0';
	if (sscanf(words, "%8x %u %u", &run, &number, &turn) != 3 || turn > a->turn)
		return false;
	was.turn = turn;
	return web_says(l, &was, text);
}

static void say(struct load *l, struct browser *a)
{
	char to[URI_MAX], words[TEXT_MAX], text[2 * TEXT_MAX + URI_MAX];
	struct buf tb = BUF_ON(to), wb = BUF_ON(words), b = BUF_ON(text);
	a->turn++;
	a->busy = true;
	a->answered = a->heard = false;
	a->sent = loop_now(l->loop);
	web_address(l, a->number + 1, &tb);
	web_put_words(l, a, &wb);
	buf_printf(&b,
	           "{\"id\":%u,\"op\":\"chat.send\",\"to\":\"%" STR_FMT "\",\"text\":\"%" STR_FMT
	           "\",\"ref\":\"c-%08x-%u\"}",
	           ++a->request, STR_ARG(buf_view(&tb)), STR_ARG(buf_view(&wb)), l->run, a->turn);
	web_send_json(a, &b);
}

/* The one that was under way is over. */
static void rest(struct load *l, struct browser *a)
{
	a->busy = false;
	l->ended++;
	next_chat(l);
	l->over = l->ended == l->step->count;
}

/* The next pair that has nothing under way; NULL: there is none. */
struct browser *web_next_pair(struct load *l)
{
	for (uint32_t n = l->n_open / 2; n > 0; n--) {
		struct browser *a = &l->browsers[2 * (l->cursor++ % (l->n_open / 2))];
		if (!a->busy && a->stage == S_READY && a[1].stage == S_READY)
			return a;
	}
	return NULL;
}

/* Pairs take turns, for the server bounds what one browser may ask for in a second. */
static void next_chat(struct load *l)
{
	if (l->begun == l->step->count)
		return;
	struct browser *a = web_next_pair(l);
	if (!a) {
		if (--l->under_way == 0)
			load_die("there is no pair to chat");
		return;
	}
	l->begun++;
	say(l, a);
}

static void take_part(struct load *l, struct browser *a)
{
	if (!a->busy || !a->answered || !a->heard)
		return;
	load_count(l, a->sent);
	rest(l, a);
}

static void chat_answer(struct browser *a, const cJSON *v)
{
	struct load *l = a->load;
	const cJSON *ok = cJSON_GetObjectItemCaseSensitive(v, "ok");
	const cJSON *re = cJSON_GetObjectItemCaseSensitive(v, "re");
	if (!a->busy || re->valuedouble != a->request) {
		l->found.stray++;
	} else if (!ok) {
		load_refused(l, load_text(cJSON_GetObjectItemCaseSensitive(v, "error"), "code"));
		rest(l, a);
	} else {
		const cJSON *m = cJSON_GetObjectItemCaseSensitive(ok, "message");
		if (!web_says(l, a, load_text(m, "text")) ||
		    !str_eq(load_text(m, "state"), STR("delivered")))
			l->found.wrong++;
		web_keep(a, m);
		a->answered = true;
		take_part(l, a);
	}
}

static bool is_from(const struct load *l, const cJSON *m, uint32_t browser)
{
	char own[URI_MAX];
	struct buf b = BUF_ON(own);
	web_address(l, browser, &b);
	return str_ieq(load_text(m, "from"), buf_view(&b));
}

static void chat_event(struct browser *b, const cJSON *v)
{
	struct load *l = b->load;
	const cJSON *m = cJSON_GetObjectItemCaseSensitive(v, "message");
	struct str text = load_text(m, "text");
	struct browser *a = b->number % 2 ? b - 1 : b;
	if (!is_from(l, m, a->number) || !said(l, a, text))
		l->found.wrong++;
	else if (a == b)
		l->found.own++;
	else if (!a->busy || a->heard || !web_says(l, a, text))
		l->found.stray++;
	else
		a->heard = true;
	take_part(l, a);
}

static void chats_lost(struct load *l)
{
	usec_t now = loop_now(l->loop);
	for (uint32_t i = 0; i + 1 < l->n_open; i += 2) {
		struct browser *a = &l->browsers[i];
		if (!a->busy ||
		    (now - a->sent <= l->patience && a->stage == S_READY && a[1].stage == S_READY))
			continue;
		l->found.lost++;
		rest(l, a);
	}
}

void web_chat(struct load *l)
{
	if (l->tabs != 1 || l->users % 2)
		load_die("chat wants an even number of users with one tab each");
	if (l->n_open < 2)
		load_die("there is nobody to chat");
	uint32_t n = MIN(MIN(l->outstanding, l->n_open / 2), l->step->count);
	for (l->under_way = n; n > 0; n--)
		next_chat(l);
	load_run(l, chats_lost);
}

/* --- presence -------------------------------------------------------------------------------- */

static uint32_t ready_watchers(const struct load *l)
{
	uint32_t n = 0;
	for (uint32_t i = 1; i < l->n_open; i++)
		n += l->browsers[i].stage == S_READY;
	return n;
}

/* One request of each session at the same time: its answer. */
static void each_answer(struct browser *b, const cJSON *v)
{
	struct load *l = b->load;
	if (!b->busy)
		return;
	b->busy = false;
	l->ended++;
	if (cJSON_GetObjectItemCaseSensitive(v, "ok"))
		load_count(l, b->sent);
	else
		load_refused(l, load_text(cJSON_GetObjectItemCaseSensitive(v, "error"), "code"));
	l->over = l->ended == l->begun;
}

static void each_lost(struct load *l)
{
	usec_t now = loop_now(l->loop);
	for (uint32_t i = 0; i < l->n_open; i++) {
		struct browser *b = &l->browsers[i];
		if (!b->busy || now - b->sent <= l->patience)
			continue;
		b->busy = false;
		l->found.lost++;
		l->ended++;
	}
	l->over = l->ended == l->begun;
}

static void ask_each(struct load *l, uint32_t first,
                     void (*put)(const struct browser *b, struct buf *t))
{
	char text[TEXT_MAX + URI_MAX];
	for (uint32_t i = first; i < l->n_open; i++) {
		struct browser *b = &l->browsers[i];
		struct buf t = BUF_ON(text);
		if (b->stage != S_READY)
			continue;
		b->busy = true;
		b->sent = loop_now(l->loop);
		l->begun++;
		buf_printf(&t, "{\"id\":%u,", ++b->request);
		put(b, &t);
		web_send_json(b, &t);
	}
	if (l->begun == 0)
		load_die("there is nobody who asks");
	load_run(l, each_lost);
}

static void put_watch(const struct browser *b, struct buf *t)
{
	char who[URI_MAX];
	struct buf wb = BUF_ON(who);
	web_address(b->load, 0, &wb);
	buf_printf(t, "\"op\":\"people.watch\",\"uris\":[\"%" STR_FMT "\"]}",
	           STR_ARG(buf_view(&wb)));
}

/* All but the first one watch it. */
void web_watch(struct load *l)
{
	ask_each(l, 1, put_watch);
}

static void put_seen(const struct browser *b, struct buf *t)
{
	buf_printf(t, "\"op\":\"seen\",\"seq\":%llu}", (unsigned long long)b->seq);
}

void web_seen(struct load *l)
{
	ask_each(l, 0, put_seen);
}

static void publish(void *arg)
{
	struct load *l = arg;
	struct browser *b = &l->browsers[0];
	char text[TEXT_MAX];
	struct buf t = BUF_ON(text);
	if (b->stage != S_READY)
		load_die("the publisher has gone");
	l->begun++;
	l->state ^= 1;
	l->told = 0;
	b->busy = true;
	b->answered = false;
	b->sent = loop_now(l->loop);
	for (uint32_t i = 1; i < l->n_open; i++)
		l->browsers[i].heard = false;
	buf_printf(&t, "{\"id\":%u,\"op\":\"presence.set\",\"state\":\"%s\"}", ++b->request,
	           states[l->state]);
	web_send_json(b, &t);
}

static void published(struct load *l, struct browser *b)
{
	b->busy = false;
	l->ended++;
	if (l->ended == l->step->count)
		l->over = true;
	else
		timer_set(&l->pause, b->sent + PUBLISH_EACH);
}

static void all_told(struct load *l)
{
	struct browser *b = &l->browsers[0];
	if (b->busy && b->answered && l->told >= ready_watchers(l))
		published(l, b);
}

static void presence_answer(struct browser *b, const cJSON *v)
{
	struct load *l = b->load;
	if (b->number != 0 || !b->busy)
		return;
	if (!cJSON_GetObjectItemCaseSensitive(v, "ok"))
		load_refused(l, load_text(cJSON_GetObjectItemCaseSensitive(v, "error"), "code"));
	b->answered = true;
	all_told(l);
}

/* Others than the publisher are no matter; and so is a state of hers that is over. */
static void presence_event(struct browser *b, const cJSON *v)
{
	struct load *l = b->load;
	const cJSON *p;
	char who[URI_MAX];
	struct buf wb = BUF_ON(who);
	web_address(l, 0, &wb);
	cJSON_ArrayForEach(p, cJSON_GetObjectItemCaseSensitive(v, "people"))
	{
		if (!str_ieq(load_text(p, "uri"), buf_view(&wb)) || b->number == 0 ||
		    !str_eq(load_text(p, "state"), str_of(states[l->state])))
			continue;
		if (b->heard) {
			l->found.stray++;
			continue;
		}
		b->heard = true;
		l->told++;
		load_count(l, l->browsers[0].sent);
	}
	all_told(l);
}

static void presence_lost(struct load *l)
{
	struct browser *b = &l->browsers[0];
	all_told(l);
	if (!b->busy || loop_now(l->loop) - b->sent <= l->patience)
		return;
	l->found.lost += ready_watchers(l) - l->told;
	published(l, b);
}

void web_presence(struct load *l)
{
	if (l->n_open < 2)
		load_die("there is nobody to be told");
	timer_init(&l->pause, l->loop, publish, l);
	publish(l);
	load_run(l, presence_lost);
}

/* --- echoes ---------------------------------------------------------------------------------- */

static void next_echo(struct load *l, struct browser *b)
{
	char words[TEXT_MAX];
	struct buf wb = BUF_ON(words);
	if (l->begun == l->step->count || b->stage != S_READY)
		return;
	l->begun++;
	b->turn++;
	b->busy = true;
	b->sent = loop_now(l->loop);
	web_put_words(l, b, &wb);
	web_send_json(b, &wb);
}

void web_echoed(struct browser *b, struct str text)
{
	struct load *l = b->load;
	if (!b->busy || !web_says(l, b, text)) {
		l->found.wrong++;
		return;
	}
	b->busy = false;
	load_count(l, b->sent);
	l->ended++;
	next_echo(l, b);
	l->over = l->ended == l->step->count;
}

static void echoes_lost(struct load *l)
{
	usec_t now = loop_now(l->loop);
	for (uint32_t i = 0; i < l->n_open; i++) {
		struct browser *b = &l->browsers[i];
		if (!b->busy || now - b->sent <= l->patience)
			continue;
		b->busy = false;
		l->found.lost++;
		l->ended++;
		next_echo(l, b);
	}
	l->over = l->ended == l->step->count;
}

void web_echo(struct load *l)
{
	for (uint32_t i = 0; i < l->n_open && i < l->outstanding; i++)
		next_echo(l, &l->browsers[i]);
	load_run(l, echoes_lost);
}

/* --- what comes ------------------------------------------------------------------------------ */

static void chat_heard(struct browser *b, const cJSON *v)
{
	if (cJSON_GetObjectItemCaseSensitive(v, "re"))
		chat_answer(b, v);
	else if (str_eq(load_text(v, "ev"), STR("message")))
		chat_event(b, v);
}

static void presence_heard(struct browser *b, const cJSON *v)
{
	if (cJSON_GetObjectItemCaseSensitive(v, "re"))
		presence_answer(b, v);
	else if (str_eq(load_text(v, "ev"), STR("presence")))
		presence_event(b, v);
}

static void each_heard(struct browser *b, const cJSON *v)
{
	if (cJSON_GetObjectItemCaseSensitive(v, "re"))
		each_answer(b, v);
}

void web_heard(struct browser *b, const cJSON *v)
{
	static void (*const heard[])(struct browser * b, const cJSON *v) = {
		[K_SEEN] = each_heard,         [K_WATCH] = each_heard,
		[K_CHAT] = chat_heard,         [K_PRESENCE] = presence_heard,
		[K_MEET] = web_meet_heard,     [K_GROUP] = web_group_heard,
		[K_SEARCH] = web_search_heard, [K_EDIT] = web_change_heard,
		[K_REACT] = web_change_heard,
	};
	enum kind kind = b->load->step->kind;
	if (kind < ARRAY_SIZE(heard) && heard[kind])
		heard[kind](b, v);
	else if (cJSON_GetObjectItemCaseSensitive(v, "re"))
		b->load->found.stray++;
}

void web_left(struct browser *b)
{
	if (b->load->step->kind == K_ECHO && b->busy)
		b->sent = 0; /* lost at the next look */
}
