#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "base/code.h"
#include "role/frontend/fe.h"
#include "svc/conversation/html.h"
#include "svc/directory/fold.h"

/* The event package `dialtone-conversation`: a user's endpoints learn what she said on the others,
 * and what was said to her (docs/protocols/conversation.md). */

enum {
	MESSAGES_MAX = 50,     /* of one notification */
	TEXT_MAX = 128 * 1024, /* bytes, after which it takes no further one; nor does a page */
	PAGE_MAX = 100,        /* messages of a page */
	FIND_MAX = 100,        /* bytes that are searched for, */
	FIND_WORDS_MAX = 8,    /* and words of them */
	TYPING_MAX = 8,        /* people who type at the same time: of more nobody is told */
	PAGE_BYTES_MAX = 4 * 1024 * 1024, /* with one of the longest */
};

/* Somebody types, or does not any more; it is told once and not kept. */
struct typing {
	char room[CONF_URI_MAX + CONF_ID_MAX], author[ACCESS_URI_MAX + 1];
	bool on;
};

struct conversation_sub {
	struct sub sub;
	struct frontend *fe;
	bool alone;            /* it wants no MESSAGE besides */
	bool current;          /* it has been told all, but what came from `next` on */
	uint64_t told, next;   /* sequences; next 0: nothing came */
	struct typing *typing; /* TYPING_MAX, or NULL */
	unsigned n_typing;
};

struct composing {
	struct buf *b;
	uint64_t told;
	unsigned n;
	bool more;
};

static void put_message(void *arg, const struct said *s)
{
	struct composing *c = arg;
	if (c->n == MESSAGES_MAX || (c->n > 0 && c->b->len > TEXT_MAX)) {
		c->more = true;
		return;
	}
	if (c->more)
		return;
	if (c->n++ > 0)
		buf_char(c->b, ',');
	said_put_json(c->b, s, NULL);
	c->told = s->sequence;
}

static void put_typing(struct buf *b, struct conversation_sub *me)
{
	for (unsigned i = 0; i < me->n_typing; i++) {
		const struct typing *x = &me->typing[i];
		buf_str(b, i ? STR(",{\"peer\":") : STR(",\"typing\":[{\"peer\":"));
		json_put_str(b, str_of(x->room));
		json_put_member(b, "author", str_of(x->author));
		buf_printf(b, ",\"on\":%s}", x->on ? "true" : "false");
	}
	if (me->n_typing > 0)
		buf_char(b, ']');
	me->n_typing = 0;
	free(take(&me->typing));
}

static bool compose(struct sub *s, bool all, struct buf *b, struct str *ret_type)
{
	struct conversation_sub *me = container_of(s, struct conversation_sub, sub);
	struct composing c = { .b = b, .told = me->told };
	size_t before = b->len;
	buf_lit(b, "{\"messages\":[");
	int r = fe_history_read(me->fe, s->account, me->told, me->current ? me->next : 0,
	                        MESSAGES_MAX + 1, put_message, &c);
	me->current = r >= 0 && !c.more;
	me->next = 0;
	if (r < 0 || (c.n == 0 && me->n_typing == 0 && !all)) {
		b->len = before;
		return false;
	}
	buf_printf(b, "],\"next\":\"%" PRIu64 "\",\"more\":%s", c.told, c.more ? "true" : "false");
	put_typing(b, me);
	buf_lit(b, "}\n");
	me->told = c.told;
	*ret_type = STR("application/dialtone+json");
	if (c.more)
		sub_touch(s);
	return true;
}

static void free_sub(struct sub *s)
{
	struct conversation_sub *me = container_of(s, struct conversation_sub, sub);
	me->fe->n_conversation_subs--;
	free(me->typing);
	free(me);
}

static const struct sub_package package = { .event = STR_INIT("dialtone-conversation"),
	                                    .compose = compose,
	                                    .free = free_sub };

/* {"since":"108800000000000001","alone":true}; without `since` nothing older than now is asked for.
 */
static enum refusal read_ask(const struct sip_msg *m, uint64_t *since, bool *alone)
{
	*alone = false;
	if (m->body.len == 0)
		return REFUSE_NOTHING;
	cJSON *json = cJSON_ParseWithLength(m->body.p, m->body.len);
	struct str text =
	        str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "since")));
	int r = text.len > 0 ? str_to_u64(text, INT64_MAX, since) : 0;
	bool bad = !cJSON_IsObject(json) || r < 0;
	*alone = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "alone"));
	cJSON_Delete(json);
	return bad ? REFUSE_BAD_BODY : REFUSE_NOTHING;
}

enum refusal fe_start_conversation(struct task *t, struct person *p UNUSED,
                                   const struct sub_ask *ask, struct sub **ret)
{
	struct frontend *fe = t->fe;
	uint64_t since = fe->history.last;
	bool alone;
	enum refusal why = fe->cfg.history ? read_ask(t->msg, &since, &alone) : REFUSE_EVENT;
	if (why)
		return why;
	struct conversation_sub *me = xnew(struct conversation_sub);
	int r = sub_start(fe->subs, &me->sub, &package, ask);
	if (r < 0) {
		free(me);
		return fe_sub_refusal(r);
	}
	me->fe = fe;
	me->alone = alone;
	me->told = since;
	fe->n_conversation_subs++;
	*ret = &me->sub;
	return REFUSE_NOTHING;
}

/* --- pages ----------------------------------------------------------------------------------- */

/* What is searched for: all of these words, anywhere in a text. */
struct words {
	char text[FIND_MAX];
	struct str v[FIND_WORDS_MAX];
	unsigned n;
};

/* False: there is no word in it, or too much. */
static bool read_words(struct str find, struct words *ret)
{
	struct buf b = BUF_ON(ret->text);
	struct str word;
	if (find.len > FIND_MAX)
		return false;
	fold_put(&b, find);
	for (struct str rest = buf_view(&b); fold_word(&rest, &word);) {
		if (ret->n == FIND_WORDS_MAX)
			return false;
		ret->v[ret->n++] = word;
	}
	return ret->n > 0;
}

/* {"limit": 50, "before": "108800000000000001", "peer": "bob@example.test", "find": "lunch"}, each
 * may be left out; or "calls": true, which goes with none of the last two. */
static bool read_page(const struct task *t, struct fe_said_page *ret, struct words *ret_words)
{
	const struct hash_key *k = &t->fe->key.mac;
	cJSON *json = cJSON_ParseWithLength(t->msg->body.p, t->msg->body.len);
	const cJSON *find = cJSON_GetObjectItemCaseSensitive(json, "find");
	const cJSON *limit = cJSON_GetObjectItemCaseSensitive(json, "limit");
	bool calls = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "calls"));
	struct str before =
	        str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "before")));
	struct str peer =
	        str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "peer")));
	double n = cJSON_IsNumber(limit) ? limit->valuedouble : MESSAGES_MAX;
	*ret = (struct fe_said_page){ .account = t->who.account,
		                      .before = INT64_MAX,
		                      .calls = calls };
	bool good = cJSON_IsObject(json) && !(calls && (find || peer.len > 0)) && n >= 1 &&
	            n <= PAGE_MAX && peer.len <= ACCESS_URI_MAX &&
	            (before.len == 0 || str_to_u64(before, INT64_MAX, &ret->before) == 0) &&
	            (!find || read_words(str_of(cJSON_GetStringValue(find)), ret_words));
	if (good)
		ret->max = (unsigned)n;
	if (good && peer.len > 0) {
		ret->conversations[0] = said_conversation(k, t->who.uri, peer);
		ret->conversations[1] = said_conversation(k, peer, STR(""));
	}
	cJSON_Delete(json);
	return good;
}

/* They come with the oldest first, and it is the newest that are told. */
struct paging {
	struct buf b; /* one behind the other, with commas between */
	unsigned n, max;
	bool more;         /* older ones that were left out */
	struct words find; /* none: all */
	struct changes changes;
	struct {
		size_t at; /* where it begins */
		uint64_t sequence;
	} rows[PAGE_MAX + 1];
};

/* What is left is as many as were asked for, and makes at most TEXT_MAX bytes, or is one message.
 */
static void forget_oldest(struct paging *c)
{
	unsigned first = 0;
	while (first + 1 < c->n &&
	       (c->n - first > c->max || c->b.len - c->rows[first].at > TEXT_MAX))
		first++;
	if (first == 0)
		return;
	size_t bytes = c->rows[first].at;
	buf_drop(&c->b, bytes);
	c->n -= first;
	c->more = true;
	memmove(c->rows, c->rows + first, c->n * sizeof(c->rows[0]));
	for (unsigned i = 0; i < c->n; i++)
		c->rows[i].at -= bytes;
}

static bool is_found(const struct words *w, const struct said *s, const struct changed *changed)
{
	auto_(buf_free) struct buf plain = buf_of(CONTENT_MAX), folded = buf_of(CONTENT_MAX);
	struct str text = changed_text(changed, s->text);
	fold_put(&folded, text.p == s->text.p ? html_read(&plain, s->type, text) : text);
	for (unsigned i = 0; i < w->n; i++)
		if (str_find(buf_view(&folded), w->v[i]) < 0)
			return false;
	return true;
}

static void put_paged(void *arg, const struct said *s)
{
	struct paging *c = arg;
	const struct changed *changed = changes_of(&c->changes, s->message);
	if (c->find.n > 0 && (!said_is_text(s) || !is_found(&c->find, s, changed)))
		return;
	if (c->n > 0)
		buf_char(&c->b, ',');
	c->rows[c->n].at = c->b.len;
	c->rows[c->n++].sequence = s->sequence;
	said_put_json(&c->b, s, changed);
	forget_oldest(c);
}

static void put_page(struct buf *b, const struct paging *c, uint64_t before, bool more)
{
	buf_lit(b, "{\"messages\":[");
	buf_str(b, buf_view(&c->b));
	buf_printf(b, "],\"before\":\"%" PRIu64 "\",\"more\":%s}\n", before,
	           more ? "true" : "false");
}

static void take_change(void *arg, const struct said *s)
{
	changes_add(arg, s);
}

/* Also of more messages than will be shown.  page->max becomes how many are to be read: fewer where
 * the changes of all were too much. */
static int read_changes(struct frontend *fe, struct paging *c, struct fe_said_page *page)
{
	struct fe_said_page wide = *page;
	int r;
	if (page->calls)
		return 0; /* nobody changes them */
	if (c->find.n > 0) {
		wide.conversations[0] = 0; /* as it is scanned */
		wide.max = FE_SCAN_ROWS;
	}
	while ((r = fe_history_changes(fe, &wide, take_change, &c->changes)) == -E2BIG) {
		changes_free(&c->changes);
		changes_init(&c->changes);
		wide.max /= 2;
	}
	page->max = wide.max;
	return r;
}

static int put_newest(struct frontend *fe, struct buf *b, struct paging *c,
                      const struct fe_said_page *page)
{
	bool more = false;
	int r = fe_history_before(fe, page, put_paged, c, &more);
	put_page(b, c, c->n > 0 ? c->rows[0].sequence : page->before, c->more || more);
	return r;
}

/* Where a part of the history was searched and something of it left out, the search goes on there;
 * else before that part. */
static int put_found(struct frontend *fe, struct buf *b, struct paging *c,
                     const struct fe_said_page *page)
{
	uint64_t reached = 0;
	int r = fe_history_scan(fe, page, put_paged, c, &reached);
	put_page(b, c, c->more ? c->rows[0].sequence : reached, c->more || reached > 0);
	return r;
}

static void answer_page(struct task *t, struct paging *c, struct fe_said_page *page)
{
	auto_(buf_free) struct buf b = buf_of(PAGE_BYTES_MAX);
	int r = read_changes(t->fe, c, page);
	if (r >= 0)
		r = c->find.n > 0 ? put_found(t->fe, &b, c, page) : put_newest(t->fe, &b, c, page);
	if (r < 0 || c->b.full || b.full)
		task_refuse(t, REFUSE_HOME_DOWN, STR("Retry-After: 5\r\n"));
	else
		task_answer(t, STR(""), STR("application/dialtone+json"), buf_view(&b));
}

void fe_conversation_page(struct task *t, struct person *p UNUSED)
{
	struct paging c = { .b = buf_of(PAGE_BYTES_MAX) };
	struct fe_said_page page;
	if (!t->fe->cfg.history) {
		task_refuse(t, REFUSE_EVENT, STR(""));
		return;
	}
	if (!read_page(t, &page, &c.find)) {
		task_refuse(t, REFUSE_BAD_BODY, STR(""));
		return;
	}
	bool searches = c.find.n > 0;
	if (!fe_may_ask(t->fe, searches ? FE_SEARCHES : FE_PAGES, t->who.account)) {
		task_refuse(t, searches ? REFUSE_SEARCH_RATE : REFUSE_PAGE_RATE,
		            STR("Retry-After: 1\r\n"));
		return;
	}
	c.max = page.max;
	changes_init(&c.changes);
	answer_page(t, &c, &page);
	changes_free(&c.changes);
	buf_free(&c.b);
}

/* The last word of somebody in a room takes the place of the one before. */
static void add_typing(struct conversation_sub *me, const struct fe_ends *e, bool on)
{
	unsigned i = 0;
	while (i < me->n_typing && !(str_eq(str_of(me->typing[i].room), e->peer) &&
	                             str_eq(str_of(me->typing[i].author), e->author)))
		i++;
	if (i == TYPING_MAX)
		return;
	if (!me->typing)
		me->typing = xcalloc(TYPING_MAX, sizeof(*me->typing));
	struct typing *x = &me->typing[i];
	struct buf room = BUF_ON(x->room), author = BUF_ON(x->author);
	buf_str(&room, e->peer);
	buf_str(&author, e->author);
	x->room[room.len] = x->author[author.len] = '\0';
	x->on = on;
	me->n_typing = MAX(me->n_typing, i + 1);
	sub_touch(&me->sub);
}

bool fe_room_typing(struct task *t)
{
	struct content c;
	struct fe_ends e;
	/* As its MCU writes it: texts need not be read for this. */
	if (t->msg->method != SIP_MESSAGE || !t->from_link || !fe_is_of_conference(t->msg) ||
	    !str_istarts(sip_value(t->msg, SIP_H_CONTENT_TYPE),
	                 STR("application/im-iscomposing+xml")))
		return false;
	content_read(&c, t->msg);
	if (c.kind != CONTENT_TYPING)
		return false;
	fe_read_ends(&e, t);
	for (struct sub *s = subs_next(t->fe->subs, t->callee, NULL); s && e.author.len > 0;
	     s = subs_next(t->fe->subs, t->callee, s))
		if (s->package == &package)
			add_typing(container_of(s, struct conversation_sub, sub), &e, c.active);
	task_reply(t, 200, STR(""), STR(""));
	return true;
}

static struct conversation_sub *find_alone(const struct frontend *fe, uint64_t account,
                                           uint64_t endpoint)
{
	for (struct sub *s = subs_next(fe->subs, account, NULL); s;
	     s = subs_next(fe->subs, account, s)) {
		struct conversation_sub *me = container_of(s, struct conversation_sub, sub);
		if (s->package == &package && s->endpoint == endpoint && !s->stale && me->alone)
			return me;
	}
	return NULL;
}

bool fe_reads_alone(const struct frontend *fe, uint64_t account, uint64_t endpoint)
{
	return find_alone(fe, account, endpoint) != NULL;
}

unsigned fe_conversation_readers(const struct frontend *fe, uint64_t account)
{
	unsigned n = 0;
	for (struct sub *s = subs_next(fe->subs, account, NULL); s;
	     s = subs_next(fe->subs, account, s))
		n += s->package == &package;
	return n;
}

static void take_news(struct conversation_sub *me, uint64_t sequence)
{
	if (sequence <= me->told)
		return;
	me->next = me->next ? MIN(me->next, sequence) : sequence;
	sub_touch(&me->sub);
}

void fe_conversation_news(struct frontend *fe, uint64_t account, uint64_t sequence)
{
	if (fe->n_conversation_subs == 0 || account == 0)
		return;
	for (struct sub *s = subs_next(fe->subs, account, NULL); s;
	     s = subs_next(fe->subs, account, s))
		if (s->package == &package)
			take_news(container_of(s, struct conversation_sub, sub), sequence);
}

void fe_conversation_news_of(struct frontend *fe, const uint64_t accounts[2], uint64_t sequence)
{
	fe_conversation_news(fe, accounts[0], sequence);
	fe_conversation_news(fe, accounts[1], sequence);
}

bool fe_conversation_takes(struct frontend *fe, uint64_t account, uint64_t endpoint,
                           uint64_t sequence)
{
	struct conversation_sub *me = find_alone(fe, account, endpoint);
	if (!me || !me->current || me->next || me->sub.notify || !list_empty(&me->sub.touched))
		return false;
	me->told = sequence;
	return true;
}
