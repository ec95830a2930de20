#include "svc/conversation/change.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/code.h"
#include "base/isotime.h"
#include "wire/ctl/ctl.h"

/* Somebody and what he reacted with. */
struct reaction {
	struct list node;
	struct str emoji, author; /* in text */
	bool on;
	char text[];
};

/* --- the message ----------------------------------------------------------------------------- */

static struct str text_of(const cJSON *json, const char *name)
{
	return str_of(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name)));
}

bool change_read_id(uint64_t *ret, struct str s)
{
	uint8_t v[8];
	if (s.len != 2 * sizeof(v) || hex_get(s, v, sizeof(v)) < 0)
		return false;
	*ret = 0;
	for (size_t i = 0; i < sizeof(v); i++)
		*ret = *ret << 8 | v[i];
	return true;
}

/* Is it one that can be shown: not empty, and without control characters? */
static bool is_emoji(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((uint8_t)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return s.len > 0 && s.len <= CHANGE_EMOJI_MAX;
}

static bool is_true(const cJSON *json, const char *name)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, name));
}

/* One of them, and no other. */
static bool read_kind(struct change *ret, const cJSON *json)
{
	const cJSON *on = cJSON_GetObjectItemCaseSensitive(json, "on");
	struct str edit = text_of(json, "edit"), react = text_of(json, "react");
	bool gone = is_true(json, "delete"), there = is_true(json, "deliver");
	if ((edit.p != NULL) + (react.p != NULL) + gone + there != 1)
		return false;
	if (edit.p) {
		ret->kind = SAID_EDIT;
		ret->text = edit;
		return edit.len > 0 && edit.len <= CHANGE_TEXT_MAX;
	}
	if (react.p) {
		ret->kind = cJSON_IsTrue(on) ? SAID_REACT : SAID_UNREACT;
		ret->text = react;
		return cJSON_IsBool(on) && is_emoji(react);
	}
	ret->kind = gone ? SAID_DELETE : SAID_DELIVER;
	ret->text = STR("");
	return true;
}

int change_read(struct change *ret, struct arena *a, struct str body)
{
	const char *why;
	cJSON *json = ctl_parse_json(body, &why);
	struct str at = text_of(json, "at");
	bool good = cJSON_IsObject(json) &&
	            change_read_id(&ret->message, text_of(json, "message")) && at.len > 0 &&
	            isotime_parse(&ret->at, at) == 0 && read_kind(ret, json);
	if (good)
		ret->text = arena_str(a, ret->text);
	cJSON_Delete(json);
	return good ? 0 : -EINVAL;
}

void change_put(struct buf *b, const struct change *c)
{
	buf_printf(b, "{\"message\":\"%016" PRIx64 "\",\"at\":\"", c->message);
	isotime_put(b, c->at);
	buf_char(b, '"');
	if (c->kind == SAID_DELETE)
		buf_lit(b, ",\"delete\":true");
	else if (c->kind == SAID_DELIVER)
		buf_lit(b, ",\"deliver\":true");
	else
		json_put_member(b, c->kind == SAID_EDIT ? "edit" : "react", c->text);
	if (c->kind == SAID_REACT || c->kind == SAID_UNREACT)
		buf_printf(b, ",\"on\":%s", c->kind == SAID_REACT ? "true" : "false");
	buf_char(b, '}');
}

/* --- together -------------------------------------------------------------------------------- */

void changes_init(struct changes *c)
{
	map_init(&c->by_message);
}

static void changed_free(struct changed *x)
{
	list_for(it, &x->reactions) free(list_entry(it, struct reaction, node));
	free(x->text);
	free(x);
}

void changes_free(struct changes *c)
{
	size_t slot = 0;
	struct map_node *after = NULL;
	for (struct map_node *n; (n = map_walk(&c->by_message, &slot, &after)) != NULL;) {
		struct changed *x = container_of(n, struct changed, by_message);
		map_del(&c->by_message, n);
		changed_free(x);
	}
	map_done(&c->by_message);
}

static uint64_t hash_of(const struct changes *c, uint64_t message)
{
	return hash_bytes(&c->by_message.key, &message, sizeof(message));
}

static struct changed *find(const struct changes *c, uint64_t message)
{
	for (struct map_node *n = map_first(&c->by_message, hash_of(c, message)); n;
	     n = map_next(n)) {
		struct changed *x = container_of(n, struct changed, by_message);
		if (x->message == message)
			return x;
	}
	return NULL;
}

const struct changed *changes_of(const struct changes *c, uint64_t message)
{
	return find(c, message);
}

static struct changed *get(struct changes *c, uint64_t message)
{
	struct changed *x = find(c, message);
	if (x)
		return x;
	x = xnew(struct changed);
	x->message = message;
	list_init(&x->reactions);
	map_add(&c->by_message, &x->by_message, hash_of(c, message));
	return x;
}

static struct reaction *reaction_of(struct changed *x, const struct said *s)
{
	list_for(it, &x->reactions)
	{
		struct reaction *r = list_entry(it, struct reaction, node);
		if (str_eq(r->emoji, s->text) && str_ieq(r->author, s->author))
			return r;
	}
	struct reaction *r = xcalloc(1, sizeof(*r) + s->text.len + s->author.len);
	memcpy(r->text, s->text.p, s->text.len);
	memcpy(r->text + s->text.len, s->author.p, s->author.len);
	r->emoji = str_n(r->text, s->text.len);
	r->author = str_n(r->text + s->text.len, s->author.len);
	list_add(&x->reactions, &r->node);
	return r;
}

void changes_add(struct changes *c, const struct said *s)
{
	if (!said_is_change(s))
		return;
	struct changed *x = get(c, s->message);
	if (s->state == SAID_DELETE) {
		x->deleted = true;
	} else if (s->state == SAID_DELIVER) {
		x->delivered = true;
	} else if (s->state == SAID_EDIT) {
		free(x->text);
		x->text = str_dup(s->text);
		x->edited_at = said_time(s->sequence);
	} else {
		reaction_of(x, s)->on = s->state == SAID_REACT;
	}
}

struct str changed_text(const struct changed *c, struct str said)
{
	if (c && c->deleted)
		return STR("");
	return c && c->text ? str_of(c->text) : said;
}

static bool is_first(const struct changed *c, const struct reaction *r)
{
	list_for(it, &c->reactions)
	{
		const struct reaction *x = list_entry(it, struct reaction, node);
		if (x->on && str_eq(x->emoji, r->emoji))
			return x == r;
	}
	return false;
}

/* All who have reacted with the same as this one, which is the first. */
static void put_reaction(struct buf *b, const struct changed *c, const struct reaction *r)
{
	bool more = false;
	buf_lit(b, "{\"emoji\":");
	json_put_str(b, r->emoji);
	buf_lit(b, ",\"people\":[");
	list_for(it, &c->reactions)
	{
		const struct reaction *x = list_entry(it, struct reaction, node);
		if (!x->on || !str_eq(x->emoji, r->emoji))
			continue;
		buf_str(b, more ? STR(",") : STR(""));
		json_put_str(b, x->author);
		more = true;
	}
	buf_lit(b, "]}");
}

static void put_reactions(struct buf *b, const struct changed *c)
{
	bool more = false;
	list_for(it, &c->reactions)
	{
		const struct reaction *r = list_entry(it, struct reaction, node);
		if (!r->on || !is_first(c, r))
			continue;
		buf_str(b, more ? STR(",") : STR(",\"reactions\":["));
		put_reaction(b, c, r);
		more = true;
	}
	if (more)
		buf_char(b, ']');
}

void changed_put_json(struct buf *b, const struct changed *c)
{
	if (c->deleted) {
		buf_lit(b, ",\"deleted\":true");
		return;
	}
	if (c->edited_at) {
		buf_lit(b, ",\"edited\":\"");
		isotime_put(b, c->edited_at);
		buf_char(b, '"');
	}
	put_reactions(b, c);
}
