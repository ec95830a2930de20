#include <stdio.h>
#include <stdlib.h>

#include "webload.h"

/* Chats of many: sessions in a row, the first of whom makes the chat and adds the others. */

static uint32_t number_of(const struct load *l, const struct group *g)
{
	return (uint32_t)(g - l->groups);
}

/* The browser of that place in the group. */
static struct browser *member(const struct load *l, const struct group *g, uint32_t i)
{
	return &l->browsers[number_of(l, g) * l->group_size + i];
}

/* NULL: the last sessions, who are too few. */
static struct group *group_of(const struct browser *b)
{
	const struct load *l = b->load;
	uint32_t n = b->number / l->group_size;
	return n < l->n_groups ? &l->groups[n] : NULL;
}

/* --- making them ----------------------------------------------------------------------------- */

static void ask_next(struct load *l, struct group *g)
{
	struct browser *maker = member(l, g, 0);
	char text[2 * URI_MAX + TEXT_MAX], who[URI_MAX];
	struct buf t = BUF_ON(text), wb = BUF_ON(who);
	g->sent = loop_now(l->loop);
	buf_printf(&t, "{\"id\":%u,", ++maker->request);
	if (!g->chat[0]) {
		buf_printf(&t, "\"op\":\"conference.create\",\"name\":\"Group %u\"}",
		           number_of(l, g));
	} else {
		web_address(l, member(l, g, g->added)->number, &wb);
		buf_printf(&t,
		           "\"op\":\"conference.add\",\"chat\":\"%s\",\"uri\":\"%" STR_FMT "\"}",
		           g->chat, STR_ARG(buf_view(&wb)));
	}
	web_send_json(maker, &t);
}

static void met(struct load *l, struct group *g)
{
	g->busy = false;
	l->ended++;
	l->over = l->ended == l->n_groups;
}

static void took_part(struct load *l, struct group *g, const cJSON *ok)
{
	struct buf b = BUF_ON(g->chat);
	if (!g->chat[0]) {
		buf_str(&b, load_text(ok, "chat"));
		g->chat[b.full ? 0 : b.len] = '\0';
	}
	if (++g->added < l->group_size) {
		ask_next(l, g);
		return;
	}
	load_count(l, g->sent);
	met(l, g);
}

void web_meet_heard(struct browser *b, const cJSON *v)
{
	struct load *l = b->load;
	struct group *g = group_of(b);
	if (!cJSON_GetObjectItemCaseSensitive(v, "re"))
		return;
	if (!g || !g->busy || !load_answers(b, v))
		l->found.stray++;
	else if (load_is_ok(l, v))
		took_part(l, g, cJSON_GetObjectItemCaseSensitive(v, "ok"));
	else
		met(l, g);
}

static void meetings_lost(struct load *l)
{
	for (uint32_t i = 0; i < l->n_groups; i++) {
		struct group *g = &l->groups[i];
		if (!g->busy || loop_now(l->loop) - g->sent <= l->patience)
			continue;
		l->found.lost++;
		met(l, g);
	}
}

void web_meet(struct load *l)
{
	l->group_size = l->step->count;
	l->n_groups = l->n_open / l->group_size;
	if (l->group_size < 2 || l->n_groups == 0 || l->tabs != 1)
		load_die("meet wants groups of two or more, of users with one tab each");
	free(l->groups);
	l->groups = xcalloc(l->n_groups, sizeof(l->groups[0]));
	for (uint32_t i = 0; i < l->n_groups; i++) {
		l->groups[i].busy = true;
		ask_next(l, &l->groups[i]);
	}
	load_run(l, meetings_lost);
}

/* --- messages -------------------------------------------------------------------------------- */

/* They speak in turn. */
static struct browser *speaker(const struct load *l, const struct group *g)
{
	return member(l, g, g->turn % l->group_size);
}

static void put_words(const struct load *l, const struct group *g, struct buf *b)
{
	buf_printf(b, "%08x g%u %06u Shall we all meet at the usual place, after noon?", l->run,
	           number_of(l, g), g->turn);
}

static void next_message(struct load *l);

static void rest(struct load *l, struct group *g)
{
	g->busy = false;
	l->ended++;
	next_message(l);
	l->over = l->ended == l->step->count;
}

static void take_part(struct load *l, struct group *g)
{
	if (!g->busy || !g->answered || g->heard < l->group_size - 1)
		return;
	load_count(l, g->sent);
	rest(l, g);
}

static void say(struct load *l, struct group *g)
{
	char text[URI_MAX + 2 * TEXT_MAX], words[TEXT_MAX];
	struct buf t = BUF_ON(text), wb = BUF_ON(words);
	g->turn++;
	g->busy = true;
	g->answered = false;
	g->heard = 0;
	g->sent = loop_now(l->loop);
	for (uint32_t i = 0; i < l->group_size; i++)
		member(l, g, i)->heard = false;
	struct browser *a = speaker(l, g);
	put_words(l, g, &wb);
	buf_printf(&t,
	           "{\"id\":%u,\"op\":\"chat.send\",\"to\":\"%s\",\"text\":\"%" STR_FMT
	           "\",\"ref\":\"g-%08x-%u\"}",
	           ++a->request, g->chat, STR_ARG(buf_view(&wb)), l->run, g->turn);
	web_send_json(a, &t);
}

static void next_message(struct load *l)
{
	if (l->begun == l->step->count)
		return;
	for (uint32_t n = l->n_groups; n > 0; n--) {
		struct group *g = &l->groups[l->cursor++ % l->n_groups];
		if (g->busy || g->added < l->group_size)
			continue;
		l->begun++;
		say(l, g);
		return;
	}
	if (--l->under_way == 0)
		load_die("there is no group to talk in");
}

static void answered(struct load *l, struct group *g, const cJSON *v)
{
	g->answered = true;
	if (load_is_ok(l, v))
		take_part(l, g);
	else
		rest(l, g);
}

static bool is_from(const cJSON *m, const struct browser *b)
{
	char own[URI_MAX];
	struct buf ob = BUF_ON(own);
	web_address(b->load, b->number, &ob);
	return str_ieq(load_text(m, "from"), buf_view(&ob));
}

/* What one said oneself may come when the next one speaks. */
static void told(struct browser *b, struct group *g, const cJSON *m)
{
	struct load *l = b->load;
	char words[TEXT_MAX];
	struct buf wb = BUF_ON(words);
	put_words(l, g, &wb);
	if (!str_eq(load_text(m, "chat"), str_of(g->chat))) {
		l->found.wrong++;
	} else if (is_from(m, b)) {
		l->found.own++;
	} else if (!str_eq(load_text(m, "text"), buf_view(&wb)) || !is_from(m, speaker(l, g))) {
		l->found.wrong++;
	} else if (!g->busy || b->heard) {
		l->found.stray++;
	} else {
		b->heard = true;
		g->heard++;
		take_part(l, g);
	}
}

void web_group_heard(struct browser *b, const cJSON *v)
{
	struct load *l = b->load;
	struct group *g = group_of(b);
	bool answer = cJSON_GetObjectItemCaseSensitive(v, "re") != NULL;
	if (answer && g && g->busy && b == speaker(l, g) && load_answers(b, v))
		answered(l, g, v);
	else if (answer)
		l->found.stray++;
	else if (g && str_eq(load_text(v, "ev"), STR("message")))
		told(b, g, cJSON_GetObjectItemCaseSensitive(v, "message"));
}

static void messages_lost(struct load *l)
{
	for (uint32_t i = 0; i < l->n_groups; i++) {
		struct group *g = &l->groups[i];
		if (!g->busy || loop_now(l->loop) - g->sent <= l->patience)
			continue;
		l->found.lost++;
		rest(l, g);
	}
}

void web_group(struct load *l)
{
	if (l->n_groups == 0)
		load_die("group wants groups: meet first");
	uint32_t n = MIN(MIN(l->outstanding, l->n_groups), l->step->count);
	for (l->under_way = n; n > 0; n--)
		next_message(l);
	load_run(l, messages_lost);
}
