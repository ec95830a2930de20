#include "svc/presence/publication.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* clang-format off */
static const struct str names[N_CATEGORIES] = {
	[CATEGORY_STATE]           = STR_INIT("state"),
	[CATEGORY_NOTE]            = STR_INIT("note"),
	[CATEGORY_CONTACT_CARD]    = STR_INIT("contactCard"),
	[CATEGORY_CALENDAR_DATA]   = STR_INIT("calendarData"),
	[CATEGORY_SERVICES]        = STR_INIT("services"),
	[CATEGORY_ROUTING]         = STR_INIT("routing"),
	[CATEGORY_DEVICE]          = STR_INIT("device"),
	[CATEGORY_USER_PROPERTIES] = STR_INIT("userProperties"),
	[CATEGORY_ALERTS]          = STR_INIT("alerts"),
	[CATEGORY_DIALOGS]         = STR_INIT("dialtone-dialogs"),
};
static const char *const expire_names[PUB_N_EXPIRES] = { "endpoint", "user", "time", "static" };
static const struct { struct str type; enum state_kind kind; } kinds[] = {
	{ STR_INIT("machineState"),   STATE_MACHINE },
	{ STR_INIT("userState"),      STATE_USER },
	{ STR_INIT("calendarState"),  STATE_CALENDAR },
	{ STR_INIT("phoneState"),     STATE_PHONE },
	{ STR_INIT("aggregateState"), STATE_AGGREGATE },
};
/* clang-format on */

enum category category_of(struct str name)
{
	for (int c = 0; c < CATEGORY_OTHER; c++)
		if (str_eq(name, names[c]))
			return (enum category)c;
	return CATEGORY_OTHER;
}

struct str category_name(enum category c)
{
	return c < CATEGORY_OTHER ? names[c] : STR("");
}

int pub_expire_of(struct str name, enum pub_expire *ret)
{
	for (int e = 0; e < PUB_N_EXPIRES; e++) {
		if (str_eq(name, str_of(expire_names[e]))) {
			*ret = (enum pub_expire)e;
			return 0;
		}
	}
	return -EINVAL;
}

const char *pub_expire_name(enum pub_expire e)
{
	return expire_names[e];
}

/* --- bodies ------------------------------------------------------------------------------ */

/* The type's local name: "machineState" of "ms:machineState". */
static enum state_kind kind_of(const struct xml *e)
{
	struct str type = xml_attr(e, "type"), prefix, local;
	if (!str_cut(type, ':', &prefix, &local))
		local = type;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(local, kinds[i].type))
			return kinds[i].kind;
	return STATE_NONE;
}

/* The element with its namespace written into its start tag. */
static void put_with_space(struct buf *b, const struct xml *e)
{
	size_t name_end = 1;
	while (name_end < e->source.len && !str_is_space(e->source.p[name_end]) &&
	       e->source.p[name_end] != '>' && e->source.p[name_end] != '/')
		name_end++;
	buf_str(b, str_sub(e->source, 0, name_end));
	xml_put_attr(b, "xmlns", e->space);
	buf_str(b, str_sub(e->source, name_end, e->source.len));
}

/* Appends the element so that it means the same anywhere: with the namespace that it has from
 * around it, which may be none.  Where it says so itself, saying it twice is no XML. */
static int put_alone(struct buf *b, const struct xml *e)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct xml *alone;
	if (xml_parse(&alone, a, e->source) < 0)
		return -EBADMSG;
	bool same = str_eq(alone->space, e->space);
	if (!same || e->space.len == 0)
		put_with_space(b, e);
	if (same && (e->space.len > 0 || xml_parse(&alone, a, buf_view(b)) < 0)) {
		b->len = 0;
		b->full = false;
		buf_str(b, e->source);
	}
	return 0;
}

static uint32_t count_elements(const struct xml *root)
{
	uint32_t n = 1;
	for (const struct xml *e = root; e;) {
		const struct xml *next = e->child;
		while (!next && e != root) {
			next = e->next;
			e = next ? e : e->parent;
		}
		n += next != NULL;
		e = next;
	}
	return n;
}

/* The next declaration of a namespace: its value, as it is written.  Text that only looks like one
 * counts too. */
static bool next_space(struct str *rest, struct str *ret)
{
	ssize_t at = str_find(*rest, STR("xmlns"));
	if (at < 0)
		return false;
	struct str s = str_sub(*rest, (size_t)at + 5, rest->len), head, tail;
	while (s.len > 0 && *s.p != '"' && *s.p != '\'')
		s = str_sub(s, 1, s.len);
	*ret = *rest = STR("");
	if (s.len > 0 && str_cut(str_sub(s, 1, s.len), *s.p, &head, &tail)) {
		*ret = head;
		*rest = tail;
	}
	return true;
}

static uint32_t count_spaces(struct str text)
{
	uint32_t n = 0;
	for (struct str one; next_space(&text, &one);)
		n++;
	return n;
}

/* Copies s behind the others; *p moves on. */
static struct str copy(char **p, struct str s)
{
	struct str r = { *p, s.len };
	if (s.len > 0)
		memcpy(*p, s.p, s.len);
	*p += s.len;
	return r;
}

struct state_texts {
	struct str token, custom, subject, location;
};

static struct state_texts read_state(const struct xml *e)
{
	const struct xml *activity = xml_child(e, "activity");
	struct state_texts t = {
		.token = str_sub(xml_attr(activity, "token"), 0, PUB_TOKEN_MAX),
		.custom = str_sub(xml_child_text(activity, "custom"), 0, PUB_TEXT_MAX),
		.subject = str_sub(xml_child_text(e, "meetingSubject"), 0, PUB_TEXT_MAX),
		.location = str_sub(xml_child_text(e, "meetingLocation"), 0, PUB_TEXT_MAX),
	};
	return t;
}

int pub_body_new(struct pub_body **ret, const struct xml *e)
{
	auto_(buf_free) struct buf text = buf_of(PRESENCE_MAX);
	struct state_texts t = { 0 };
	int r = put_alone(&text, e);
	if (r < 0 || text.full)
		return r < 0 ? r : -E2BIG;
	bool is_state = xml_is(e, "state");
	if (is_state)
		t = read_state(e);
	size_t more = t.token.len + t.custom.len + t.subject.len + t.location.len;
	struct pub_body *b = xcalloc(1, sizeof(*b) + text.len + more);
	char *p = (char *)(b + 1);
	b->refs = 1;
	b->n_elements = count_elements(e);
	b->n_spaces = count_spaces(buf_view(&text));
	b->kind = is_state ? kind_of(e) : STATE_NONE;
	b->text = copy(&p, buf_view(&text));
	b->token = copy(&p, t.token);
	b->custom = copy(&p, t.custom);
	b->subject = copy(&p, t.subject);
	b->location = copy(&p, t.location);
	if (is_state)
		(void)!str_to_u32(xml_child_text(e, "availability"), UINT32_MAX, &b->availability);
	*ret = b;
	return 0;
}

struct pub_body *pub_body_of(struct str text)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct pub_body *b = NULL;
	struct xml *e;
	if (xml_parse(&e, a, text) < 0 || pub_body_new(&b, e) < 0)
		return NULL;
	return b;
}

struct pub_body *pub_body_ref(struct pub_body *b)
{
	b->refs++;
	return b;
}

void pub_body_unref(struct pub_body **bp)
{
	struct pub_body *b = take(bp);
	if (b && --b->refs == 0)
		free(b);
}

/* --- the table --------------------------------------------------------------------------- */

static int compare(const struct pub_key *a, const struct pub_key *b)
{
	if (a->category != b->category)
		return a->category < b->category ? -1 : 1;
	int r = a->category == CATEGORY_OTHER ? str_cmp(a->name, b->name) : 0;
	if (r != 0)
		return r;
	if (a->container != b->container)
		return a->container < b->container ? -1 : 1;
	return a->instance < b->instance ? -1 : a->instance > b->instance;
}

/* Where it is, or would be. */
static struct publication **seek(const struct pub_table *t, const struct pub_key *k)
{
	struct publication **at = (struct publication **)(uintptr_t)&t->first;
	while (*at && compare(&(*at)->key, k) < 0)
		at = &(*at)->next;
	return at;
}

struct publication *pub_find(const struct pub_table *t, const struct pub_key *k)
{
	struct publication *p = *seek(t, k);
	return p && compare(&p->key, k) == 0 ? p : NULL;
}

struct publication *pub_get(struct pub_table *t, const struct pub_key *k)
{
	struct publication **at = seek(t, k), *p = *at;
	if (p && compare(&p->key, k) == 0)
		return p;
	size_t extra = k->category == CATEGORY_OTHER ? k->name.len : 0;
	p = xcalloc(1, sizeof(*p) + extra);
	p->key = *k;
	p->key.name = category_name(k->category);
	if (extra > 0) {
		memcpy(p->other, k->name.p, extra);
		p->key.name = str_n(p->other, extra);
	}
	p->next = *at;
	*at = p;
	t->n++;
	return p;
}

void pub_set_body(struct publication *p, struct pub_body *body)
{
	pub_body_unref(&p->body);
	p->body = body;
}

void pub_share(const struct pub_table *t, struct pub_body **bp)
{
	const struct publication *p = t->first;
	while (p && !(p->body && str_eq(p->body->text, (*bp)->text)))
		p = p->next;
	if (!p || p->body == *bp)
		return;
	pub_body_unref(bp);
	*bp = pub_body_ref(p->body);
}

void pub_remove(struct pub_table *t, struct publication *p)
{
	struct publication **at = seek(t, &p->key);
	assert(*at == p);
	*at = p->next;
	t->n--;
	pub_body_unref(&p->body);
	free(p);
}

void pub_clear(struct pub_table *t)
{
	while (t->first)
		pub_remove(t, t->first);
}

struct pub_table pub_copy(const struct pub_table *t)
{
	struct pub_table ret = { .n = t->n };
	struct publication **end = &ret.first;
	for (const struct publication *p = t->first; p; p = p->next) {
		size_t extra = p->key.category == CATEGORY_OTHER ? p->key.name.len : 0;
		struct publication *q = xmalloc(sizeof(*q) + extra);
		memcpy(q, p, sizeof(*q) + extra);
		if (extra > 0)
			q->key.name.p = q->other;
		if (q->body)
			(void)pub_body_ref(q->body);
		q->next = NULL;
		*end = q;
		end = &q->next;
	}
	return ret;
}

/* --- limits ------------------------------------------------------------------------------ */

static bool is_own(const struct publication *p)
{
	return p->body && !p->server && p->key.category != CATEGORY_DIALOGS;
}

static bool counted_before(const struct pub_table *t, const struct publication *p)
{
	for (const struct publication *q = t->first; q != p; q = q->next)
		if (q->body == p->body)
			return true;
	return false;
}

size_t pub_weight(const struct pub_table *t)
{
	size_t n = 0;
	for (const struct publication *p = t->first; p; p = p->next)
		if (is_own(p) && !counted_before(t, p))
			n += p->body->text.len;
	return n;
}

/* Bytes around a body in a document, the category's name left out. */
enum { WRAPPING = 260, ESCAPED = 6 };

/* A namespace that is declared in two ways counts twice. */
static bool has_few_spaces(const struct pub_table *t)
{
	struct str seen[PUB_SPACES_MAX], one;
	size_t n = 0;
	for (const struct publication *p = t->first; p; p = p->next) {
		struct str rest = is_own(p) ? p->body->text : STR("");
		while (next_space(&rest, &one)) {
			size_t i = 0;
			while (i < n && !str_eq(seen[i], one))
				i++;
			if (i == PUB_SPACES_MAX)
				return false;
			seen[i] = one;
			n = MAX(n, i + 1);
		}
	}
	return true;
}

int pub_check(const struct pub_table *t)
{
	size_t n = 0, written = 0, elements = 0, spaces = 0;
	for (const struct publication *p = t->first; p; p = p->next) {
		if (!is_own(p))
			continue;
		n++;
		written += p->body->text.len + WRAPPING + ESCAPED * p->key.name.len;
		elements += p->body->n_elements;
		spaces += p->body->n_spaces;
	}
	if (n > PUBLICATIONS_MAX)
		return -ENOSPC;
	bool fits = written <= PUB_WRITTEN_MAX && elements <= PUB_ELEMENTS_MAX &&
	            pub_weight(t) <= PRESENCE_MAX;
	return fits && (spaces <= PUB_SPACES_MAX || has_few_spaces(t)) ? 0 : -E2BIG;
}
