#include <stdio.h>
#include <stdlib.h>

#include "webload.h"
#include "wire/ctl/ctl.h"

/* What is done with messages that were sent: they are found, edited, and reacted to.  Pairs take
 * turns, each with one thing under way. */

/* The message of a pair that is searched for; those before it may have been edited. */
enum { SEARCHED = 33 };

static const char *const emoji[] = { "\xf0\x9f\x91\x8d", "\xf0\x9f\x8e\x89" };

static void copy(char ret[ID_MAX], struct str text)
{
	struct str s = str_sub(text, 0, ID_MAX - 1);
	if (s.len > 0)
		memcpy(ret, s.p, s.len);
	ret[s.len] = '\0';
}

void web_keep(struct browser *a, const cJSON *message)
{
	if (!a->past)
		a->past = xcalloc(PAST_MAX, sizeof(a->past[0]));
	struct past *p = &a->past[a->n_past++ % PAST_MAX];
	copy(p->id, load_text(message, "id"));
	copy(p->at, load_text(message, "at"));
}

/* --- whose turn it is ------------------------------------------------------------------------ */

/* A pair of which A asks; of a search and a reaction the other one does. */
static struct browser *asks(struct browser *a)
{
	return a->load->step->kind == K_EDIT ? a : a + 1;
}

static struct browser *pair_of(struct browser *b)
{
	return b->number % 2 ? b - 1 : b;
}

static void put_address(const struct browser *b, struct buf *t)
{
	char who[URI_MAX];
	struct buf wb = BUF_ON(who);
	web_address(b->load, b->number, &wb);
	buf_str(t, buf_view(&wb));
}

static void put_search(struct browser *a, struct buf *t)
{
	buf_printf(t, "\"op\":\"chat.search\",\"text\":\"%06u\",\"with\":\"", SEARCHED);
	put_address(a, t);
	buf_lit(t, "\"}");
}

/* The text or the emoji that it has now, and had not before. */
static void put_now(const struct browser *a, struct buf *b)
{
	const struct load *l = a->load;
	if (l->step->kind == K_EDIT)
		buf_printf(b, "%08x %u changed %u: shall we meet an hour later?", l->run, a->number,
		           a->at);
	else
		buf_str(b, str_of(emoji[a->at / MIN(a->n_past, (uint32_t)PAST_MAX) % 2]));
}

static struct past *now_changed(const struct browser *a)
{
	return &a->past[a->at % MIN(a->n_past, (uint32_t)PAST_MAX)];
}

static void put_change(struct browser *a, struct buf *t)
{
	bool edit = a->load->step->kind == K_EDIT;
	const struct past *p = now_changed(a);
	char text[TEXT_MAX];
	struct buf now = BUF_ON(text);
	put_now(a, &now);
	buf_printf(t, "\"op\":\"chat.%s\",\"chat\":\"", edit ? "edit" : "react");
	put_address(edit ? a + 1 : a, t);
	buf_printf(t, "\",\"message\":\"%s\",\"at\":\"%s\",\"%s\":\"%" STR_FMT "\"%s}", p->id,
	           p->at, edit ? "text" : "emoji", STR_ARG(buf_view(&now)),
	           edit ? "" : ",\"on\":true");
}

static void next(struct load *l)
{
	char text[URI_MAX + 2 * TEXT_MAX + 2 * ID_MAX];
	struct buf t = BUF_ON(text);
	if (l->begun == l->step->count)
		return;
	struct browser *a = web_next_pair(l);
	if (!a || !a->past) {
		if (a)
			load_die("a pair has not chatted");
		if (--l->under_way == 0)
			load_die("there is no pair");
		return;
	}
	l->begun++;
	a->busy = true;
	a->answered = a->heard = false;
	a->sent = loop_now(l->loop);
	buf_printf(&t, "{\"id\":%u,", ++asks(a)->request);
	if (l->step->kind == K_SEARCH) {
		put_search(a, &t);
	} else {
		a->at++;
		put_change(a, &t);
	}
	web_send_json(asks(a), &t);
}

static void rest(struct load *l, struct browser *a)
{
	a->busy = false;
	l->ended++;
	next(l);
	l->over = l->ended == l->step->count;
}

static void take_part(struct load *l, struct browser *a)
{
	if (!a->answered || !a->heard)
		return;
	load_count(l, a->sent);
	rest(l, a);
}

static void lost(struct load *l)
{
	for (uint32_t i = 0; i + 1 < l->n_open; i += 2) {
		struct browser *a = &l->browsers[i];
		if (!a->busy || loop_now(l->loop) - a->sent <= l->patience)
			continue;
		l->found.lost++;
		rest(l, a);
	}
}

static void begin(struct load *l)
{
	if (l->tabs != 1 || l->n_open < 2)
		load_die("this is for pairs of users with one tab each");
	for (uint32_t i = 0; i < l->n_open; i += 2)
		l->browsers[i].at = 0;
	uint32_t n = MIN(MIN(l->outstanding, l->n_open / 2), l->step->count);
	for (l->under_way = n; n > 0; n--)
		next(l);
	load_run(l, lost);
}

/* --- searches -------------------------------------------------------------------------------- */

void web_search(struct load *l)
{
	begin(l);
}

static bool found_it(const struct load *l, const struct browser *a, const cJSON *v)
{
	const cJSON *all = cJSON_GetObjectItemCaseSensitive(
	        cJSON_GetObjectItemCaseSensitive(v, "ok"), "messages");
	struct browser was = *a;
	was.turn = SEARCHED;
	return cJSON_GetArraySize(all) == 1 &&
	       web_says(l, &was, load_text(cJSON_GetArrayItem(all, 0), "text"));
}

void web_search_heard(struct browser *b, const cJSON *v)
{
	struct load *l = b->load;
	struct browser *a = pair_of(b);
	if (!cJSON_GetObjectItemCaseSensitive(v, "re"))
		return;
	if (!a->busy || b != asks(a) || !load_answers(b, v)) {
		l->found.stray++;
	} else if (!load_is_ok(l, v)) {
		rest(l, a);
	} else {
		l->found.wrong += !found_it(l, a, v);
		a->answered = a->heard = true;
		take_part(l, a);
	}
}

/* --- changes --------------------------------------------------------------------------------- */

void web_edit(struct load *l)
{
	begin(l);
}

static void change_answer(struct browser *b, const cJSON *v)
{
	struct load *l = b->load;
	struct browser *a = pair_of(b);
	if (!a->busy || b != asks(a) || !load_answers(b, v)) {
		l->found.stray++;
	} else if (!load_is_ok(l, v)) {
		rest(l, a);
	} else {
		a->answered = true;
		take_part(l, a);
	}
}

static void change_event(struct browser *b, const cJSON *v)
{
	struct load *l = b->load;
	struct browser *a = pair_of(b);
	bool edit = l->step->kind == K_EDIT;
	char text[TEXT_MAX];
	struct buf now = BUF_ON(text);
	if (!a->past)
		return;
	put_now(a, &now);
	if (!str_eq(load_text(v, "kind"), edit ? STR("edit") : STR("react"))) {
		l->found.wrong++;
	} else if (b == asks(a)) {
		l->found.own++; /* it may come when the next one is under way */
	} else if (!str_eq(load_text(v, "id"), str_of(now_changed(a)->id)) ||
	           !str_eq(load_text(v, edit ? "text" : "emoji"), buf_view(&now))) {
		l->found.wrong++;
	} else if (!a->busy || a->heard) {
		l->found.stray++;
	} else {
		a->heard = true;
		take_part(l, a);
	}
}

void web_change_heard(struct browser *b, const cJSON *v)
{
	if (cJSON_GetObjectItemCaseSensitive(v, "re"))
		change_answer(b, v);
	else if (str_eq(load_text(v, "ev"), STR("change")))
		change_event(b, v);
}
