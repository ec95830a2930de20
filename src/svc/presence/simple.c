#include "svc/presence/simple.h"

#include "base/code.h"
#include "base/isotime.h"

/* Presence as phones see it. */

/* What each band of an availability looks like.  RPID has no word for two of them: a note of the
 * activities has the token, beside the nearest word that it has. */
/* clang-format off */
static const struct band {
	uint32_t from;
	enum pidf_basic basic;
	enum pidf_input input;
	uint32_t activities;
	struct str note;
} bands[] = {
	{ 0,               PIDF_CLOSED, PIDF_NO_INPUT, 0, STR_INIT("") },
	{ AVAIL_ONLINE,    PIDF_OPEN,   PIDF_ACTIVE,   0, STR_INIT("") },
	{ AVAIL_IDLE,      PIDF_OPEN,   PIDF_IDLE,     0, STR_INIT("") },
	{ AVAIL_BUSY,      PIDF_OPEN,   PIDF_ACTIVE,   PIDF_BIT(PIDF_BUSY), STR_INIT("") },
	{ AVAIL_BUSY_IDLE, PIDF_OPEN,   PIDF_IDLE,     PIDF_BIT(PIDF_BUSY), STR_INIT("") },
	{ AVAIL_DND,       PIDF_OPEN,   PIDF_ACTIVE,   PIDF_BIT(PIDF_BUSY), STR_INIT("do-not-disturb") },
	{ AVAIL_BRB,       PIDF_OPEN,   PIDF_NO_INPUT, PIDF_BIT(PIDF_AWAY), STR_INIT("be-right-back") },
	{ AVAIL_AWAY,      PIDF_OPEN,   PIDF_IDLE,     PIDF_BIT(PIDF_AWAY), STR_INIT("") },
	{ AVAIL_OFFLINE,   PIDF_CLOSED, PIDF_NO_INPUT, 0, STR_INIT("") },
};
/* Lync's words for activities of RPID. */
static const struct { enum pidf_activity activity; struct str token; } tokens[] = {
	{ PIDF_ON_THE_PHONE,      STR_INIT("on-the-phone") },
	{ PIDF_MEETING,           STR_INIT("in-a-meeting") },
	{ PIDF_PRESENTATION,      STR_INIT("in-presentation") },
	{ PIDF_LUNCH,             STR_INIT("out-to-lunch") },
	{ PIDF_PERMANENT_ABSENCE, STR_INIT("out-of-office") },
};
/* Tokens that say nothing beside their band. */
static const struct str plain[] = {
	STR_INIT("available"), STR_INIT("online"), STR_INIT("idle"), STR_INIT("busy"),
	STR_INIT("busyidle"), STR_INIT("do-not-disturb"), STR_INIT("be-right-back"),
	STR_INIT("away"), STR_INIT("invisible"), STR_INIT("offline"),
	STR_INIT("urgent-interruptions-only"),
};
/* clang-format on */

struct str simple_token(enum pidf_activity activity)
{
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
		if (tokens[i].activity == activity)
			return tokens[i].token;
	return pidf_activity_name(activity);
}

static const struct band *band_of(uint32_t availability)
{
	size_t i = ARRAY_SIZE(bands) - 1;
	while (bands[i].from > availability)
		i--;
	return &bands[i];
}

static uint32_t bits_of_token(struct str token)
{
	if (str_eq(token, STR("in-a-conference")))
		return PIDF_BIT(PIDF_ON_THE_PHONE) | PIDF_BIT(PIDF_MEETING);
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
		if (str_eq(token, tokens[i].token))
			return PIDF_BIT(tokens[i].activity);
	return pidf_activity_bit(token);
}

static bool is_plain(struct str token)
{
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (str_eq(token, plain[i]))
			return true;
	return token.len == 0;
}

/* --- the parts of the document ------------------------------------------------------------- */

struct view {
	const struct presentity *p;
	uint32_t container;
	struct arena *arena;
	struct pidf_tuple tuple;
	struct pidf_person person;
	struct pidf_note notes[PIDF_NOTES_MAX], activity_notes[3];
	struct pidf_timed timed[PIDF_TIMED_MAX];
};

static void add_note(struct view *v, struct str text)
{
	struct pidf_notes *n = &v->person.rich.activity_notes;
	if (n->n < ARRAY_SIZE(v->activity_notes))
		v->activity_notes[n->n++].text = text;
	n->v = v->activity_notes;
}

/* linphonec shows such a word in place of all others. */
static void add_other(struct view *v, struct str text)
{
	struct pidf_rich *rich = &v->person.rich;
	if (rich->activities != 0) {
		add_note(v, text);
		return;
	}
	rich->activities = PIDF_BIT(PIDF_OTHER);
	rich->other = text;
}

static void add_state(struct view *v, const struct publication *q)
{
	const struct band *band = band_of(q->body->availability);
	struct pidf_rich *rich = &v->person.rich;
	struct str token = q->body->token, custom = q->body->custom;
	v->tuple.basic = band->basic;
	v->tuple.timestamp = v->person.timestamp = q->published;
	rich->activities = band->activities;
	if (band->note.len > 0)
		add_note(v, band->note);
	rich->input = band->input;
	if (band->basic != PIDF_OPEN)
		return;
	if (!is_plain(token) && bits_of_token(token) == 0)
		add_other(v, token);
	else if (!is_plain(token))
		rich->activities |= bits_of_token(token) & ~PIDF_BIT(PIDF_OTHER);
	if (custom.len > 0 && !str_eq(custom, token))
		add_other(v, custom);
}

unsigned simple_read_notes(struct str *ret, unsigned max, const struct xml *note)
{
	unsigned n = 0;
	for (const struct xml *e = xml_child(note, "body"); e; e = xml_again(e)) {
		struct str text = str_trim(e->text);
		if (text.len > 0 && n < max)
			ret[n++] = text;
	}
	return n;
}

static void add_notes(struct view *v, const struct xml *note)
{
	struct pidf_notes *notes = &v->person.notes;
	struct str texts[PIDF_NOTES_MAX];
	unsigned n = simple_read_notes(texts, PIDF_NOTES_MAX - notes->n, note);
	for (unsigned i = 0; i < n; i++)
		v->notes[notes->n++].text = texts[i];
	notes->v = v->notes;
}

static void add_card(struct view *v, const struct xml *card)
{
	const struct xml *name = xml_child(xml_child(card, "identity"), "name");
	v->person.rich.display_name = xml_child_text(name, "displayName");
	v->person.rich.homepage = xml_child_text(card, "url");
	v->person.rich.icon = xml_child_text(xml_child(card, "photo"), "uri");
}

static void add_calendar(struct view *v, const struct xml *calendar)
{
	struct pidf_person *p = &v->person;
	p->n_timed +=
	        simple_read_times(v->timed + p->n_timed, PIDF_TIMED_MAX - p->n_timed, calendar);
	p->timed = v->timed;
}

static const struct {
	enum category category;
	void (*add)(struct view *v, const struct xml *e);
} parts[] = {
	{ CATEGORY_NOTE, add_notes },
	{ CATEGORY_CONTACT_CARD, add_card },
	{ CATEGORY_CALENDAR_DATA, add_calendar },
};

static void add_part(struct view *v, const struct publication *q)
{
	struct xml *e;
	if (q->key.container != presentity_source(v->p, v->container, q->key.category) || !q->body)
		return;
	if (q->key.category == CATEGORY_STATE && q->body->kind == STATE_AGGREGATE)
		add_state(v, q);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (parts[i].category == q->key.category &&
		    xml_parse(&e, v->arena, q->body->text) == 0)
			parts[i].add(v, e);
}

void simple_put_pidf(struct buf *b, const struct presentity *p, uint32_t container)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct view *v = arena_alloc(a, sizeof(*v));
	struct str uri = arena_printf(a, "sip:%" STR_FMT, STR_ARG(p->aor));
	*v = (struct view){ .p = p, .container = container, .arena = a };
	v->tuple = (struct pidf_tuple){ .id = STR("sip"), .basic = PIDF_CLOSED, .contact = uri };
	v->person.id = STR("user");
	for (const struct publication *q = p->pubs.first; q; q = q->next)
		add_part(v, q);
	struct pidf doc = { .entity = uri,
		            .tuples = &v->tuple,
		            .n_tuples = 1,
		            .persons = &v->person,
		            .n_persons = 1 };
	pidf_put(b, &doc);
}

/* --- free and busy times ------------------------------------------------------------------- */

enum { SLOT_BUSY = 2, SLOT_OUT = 3, GRANULARITY_MAX = 24 * 60 };

struct slots {
	usec_t start, each;
	struct bytes bits;
};

/* "PT15M" */
static int read_minutes(struct str s, uint32_t *ret)
{
	if (!str_starts(s, STR("PT")) || !str_ends(s, STR("M")))
		return -1;
	return str_to_u32(str_sub(s, 2, s.len - 3), GRANULARITY_MAX, ret);
}

static unsigned slot_at(const struct slots *s, size_t i)
{
	return i / 4 < s->bits.len ? s->bits.p[i / 4] >> (i % 4 * 2) & 3 : 0;
}

static struct pidf_timed timed_of(const struct slots *s, size_t from, size_t until)
{
	bool out = slot_at(s, from) == SLOT_OUT;
	return (struct pidf_timed){
		.from = s->start + from * s->each,
		.until = s->start + until * s->each,
		.rich.activities = PIDF_BIT(out ? PIDF_AWAY : PIDF_BUSY),
	};
}

unsigned simple_read_times(struct pidf_timed *ret, unsigned max, const struct xml *calendar)
{
	const struct xml *e = xml_child(calendar, "freeBusy");
	auto_(buf_free) struct buf raw = buf_of(PRESENCE_MAX);
	struct slots s;
	uint32_t minutes;
	unsigned n = 0;
	if (!e || isotime_parse(&s.start, xml_attr(e, "startTime")) < 0 ||
	    read_minutes(xml_attr(e, "granularity"), &minutes) < 0 || minutes == 0 ||
	    base64_get(str_trim(e->text), &raw) < 0)
		return 0;
	s.each = minutes * 60 * USEC_PER_SEC;
	s.bits = bytes_of(buf_view(&raw));
	for (size_t i = 0, k; i < s.bits.len * 4 && n < max; i = k) {
		for (k = i + 1; k < s.bits.len * 4 && slot_at(&s, k) == slot_at(&s, i);)
			k++;
		if (slot_at(&s, i) >= SLOT_BUSY)
			ret[n++] = timed_of(&s, i, k);
	}
	return n;
}
