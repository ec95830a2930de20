#include "base/code.h"
#include "base/isotime.h"
#include "svc/presence/simple.h"

/* What phones publish, as publications. */

#define NS "http://schemas.microsoft.com/2006/09/sip/"

/* What the document says of its user, over all its persons, devices and tuples. */
struct said {
	bool open, closed, active, idle;
	uint32_t activities;
	struct str other; /* an activity in words: `other`, else a note of the activities */
	struct str note;
	struct pidf_timed timed[PIDF_TIMED_MAX];
	unsigned n_timed;
};

static void add_note(struct said *s, const struct pidf_notes *notes)
{
	for (unsigned i = 0; i < notes->n && s->note.len == 0; i++)
		s->note = str_trim(notes->v[i].text);
}

static void add_rich(struct said *s, const struct pidf_rich *r, const struct pidf_notes *notes)
{
	s->activities |= r->activities;
	if (s->other.len == 0)
		s->other = str_trim(r->other);
	for (unsigned i = 0; i < r->activity_notes.n && s->other.len == 0; i++)
		s->other = str_trim(r->activity_notes.v[i].text);
	s->active |= r->input == PIDF_ACTIVE;
	s->idle |= r->input == PIDF_IDLE;
	if (notes)
		add_note(s, notes);
}

static void add_timed(struct said *s, const struct pidf_timed *v, unsigned n)
{
	for (unsigned i = 0; i < n && s->n_timed < PIDF_TIMED_MAX; i++)
		s->timed[s->n_timed++] = v[i];
}

static void collect(struct said *s, const struct pidf *doc)
{
	for (unsigned i = 0; i < doc->n_persons; i++) {
		add_rich(s, &doc->persons[i].rich, &doc->persons[i].notes);
		add_timed(s, doc->persons[i].timed, doc->persons[i].n_timed);
	}
	for (unsigned i = 0; i < doc->n_tuples; i++) {
		s->open |= doc->tuples[i].basic == PIDF_OPEN;
		s->closed |= doc->tuples[i].basic == PIDF_CLOSED;
		add_rich(s, &doc->tuples[i].rich, &doc->tuples[i].notes);
		add_timed(s, doc->tuples[i].timed, doc->tuples[i].n_timed);
	}
	for (unsigned i = 0; i < doc->n_devices; i++)
		add_rich(s, &doc->devices[i].rich, NULL);
	add_note(s, &doc->notes);
}

/* --- what the user does -------------------------------------------------------------------- */

/* Texts of `other` that have a band of their own; without regard to case, blanks and '-'. */
static const struct {
	struct str text, token;
	uint32_t availability;
} others[] = {
	{ STR_INIT("donotdisturb"), STR_INIT(""), STATE_DND },
	{ STR_INIT("dnd"), STR_INIT(""), STATE_DND },
	{ STR_INIT("urgentinterruptionsonly"), STR_INIT(""), STATE_DND },
	{ STR_INIT("berightback"), STR_INIT(""), STATE_BRB },
	{ STR_INIT("brb"), STR_INIT(""), STATE_BRB },
	{ STR_INIT("outofoffice"), STR_INIT("out-of-office"), STATE_AWAY },
};

/* Activities that the user has chosen, what says most first. */
static const struct {
	enum pidf_activity activity;
	uint32_t availability;
} chosen[] = {
	{ PIDF_PRESENTATION, STATE_BUSY },
	{ PIDF_MEETING, STATE_BUSY },
	{ PIDF_APPOINTMENT, STATE_BUSY },
	{ PIDF_PERFORMANCE, STATE_BUSY },
	{ PIDF_STEERING, STATE_BUSY },
	{ PIDF_WORSHIP, STATE_BUSY },
	{ PIDF_LUNCH, STATE_AWAY },
	{ PIDF_BREAKFAST, STATE_AWAY },
	{ PIDF_DINNER, STATE_AWAY },
	{ PIDF_MEAL, STATE_AWAY },
	{ PIDF_HOLIDAY, STATE_AWAY },
	{ PIDF_VACATION, STATE_AWAY },
	{ PIDF_TRAVEL, STATE_AWAY },
	{ PIDF_IN_TRANSIT, STATE_AWAY },
	{ PIDF_PERMANENT_ABSENCE, STATE_AWAY },
	{ PIDF_SHOPPING, STATE_AWAY },
	{ PIDF_SLEEPING, STATE_AWAY },
	{ PIDF_SPECTATOR, STATE_AWAY },
	{ PIDF_TV, STATE_AWAY },
	{ PIDF_PLAYING, STATE_AWAY },
	{ PIDF_WORKING, STATE_BUSY },
	{ PIDF_BUSY, STATE_BUSY },
	{ PIDF_AWAY, STATE_AWAY },
};

/* A state, as one kind of Lync publication; availability 0: none. */
struct state {
	const char *type;
	uint32_t availability;
	struct str token, custom;
};

static bool same_letters(struct str s, struct str letters)
{
	size_t n = 0;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == ' ' || s.p[i] == '-' || s.p[i] == '_')
			continue;
		if (n == letters.len || !str_ieq(str_n(s.p + i, 1), str_n(letters.p + n, 1)))
			return false;
		n++;
	}
	return n == letters.len;
}

static bool take_other(struct state *ret, struct str text)
{
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!same_letters(text, others[i].text))
			continue;
		ret->availability = others[i].availability;
		ret->token = others[i].token;
		return true;
	}
	return false;
}

/* Words that Lync has none for are shown as text. */
static void take_activity(struct state *ret, enum pidf_activity a, uint32_t availability)
{
	struct str name = pidf_activity_name(a), token = simple_token(a);
	ret->availability = availability;
	if (a == PIDF_BUSY || a == PIDF_AWAY)
		return;
	ret->token = token;
	if (str_eq(name, token))
		ret->custom = name;
}

static struct state user_state(const struct said *s)
{
	struct state st = { .type = "userState" };
	bool other = s->other.len > 0;
	uint32_t bits = s->activities;
	/* In a call one is busy by that, not by choice. */
	if (bits & PIDF_BIT(PIDF_ON_THE_PHONE))
		bits &= ~(PIDF_BIT(PIDF_BUSY) | PIDF_BIT(PIDF_MEETING));
	if (other && take_other(&st, s->other))
		return st;
	for (size_t i = 0; i < ARRAY_SIZE(chosen) && st.availability == 0; i++)
		if (bits & PIDF_BIT(chosen[i].activity))
			take_activity(&st, chosen[i].activity, chosen[i].availability);
	if (other) {
		st.custom = str_sub(s->other, 0, PUB_TEXT_MAX);
		if (st.availability == 0)
			st.availability = STATE_ONLINE;
	}
	return st;
}

static struct state phone_state(const struct said *s)
{
	struct state st = { .type = "phoneState" };
	if (!(s->activities & PIDF_BIT(PIDF_ON_THE_PHONE)))
		return st;
	bool meeting = s->activities & PIDF_BIT(PIDF_MEETING);
	st.availability = meeting ? STATE_BUSY + 500 : STATE_BUSY;
	st.token = meeting ? STR("in-a-conference") : STR("on-the-phone");
	return st;
}

static struct state machine_state(const struct said *s)
{
	struct state st = { .type = "machineState" };
	if (s->open)
		st.availability = s->idle && !s->active ? STATE_IDLE : STATE_ONLINE;
	else if (s->closed)
		st.availability = STATE_OFFLINE;
	return st;
}

/* --- bodies -------------------------------------------------------------------------------- */

static struct pub_body *state_body(const struct state *st)
{
	auto_(buf_free) struct buf b = buf_of(PRESENCE_MAX);
	if (st->availability == 0)
		return NULL;
	buf_printf(&b,
	           "<state xmlns=\"" NS "state\""
	           " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" manual=\"%s\""
	           " xsi:type=\"%s\"><availability>%u</availability>",
	           st->type[0] == 'u' ? "true" : "false", st->type, st->availability);
	if (st->token.len > 0 || st->custom.len > 0) {
		buf_lit(&b, "<activity");
		xml_put_attr_if(&b, "token", st->token);
		buf_char(&b, '>');
		xml_put_element_if(&b, "custom", st->custom);
		buf_lit(&b, "</activity>");
	}
	buf_lit(&b, "</state>");
	return pub_body_of(buf_view(&b));
}

/* Cut between characters. */
static struct str cut_note(struct str s)
{
	size_t n = MIN(s.len, (size_t)SIMPLE_NOTE_MAX);
	while (n < s.len && n > 0 && ((unsigned char)s.p[n] & 0xc0) == 0x80)
		n--;
	return str_sub(s, 0, n);
}

static struct pub_body *note_body(const struct said *s)
{
	auto_(buf_free) struct buf b = buf_of(PRESENCE_MAX);
	if (s->note.len == 0)
		return NULL;
	buf_lit(&b, "<note xmlns=\"" NS "note\"><body type=\"personal\" uri=\"\">");
	xml_put_text(&b, cut_note(s->note));
	buf_lit(&b, "</body></note>");
	return pub_body_of(buf_view(&b));
}

/* --- timed statuses ------------------------------------------------------------------------ */

#define QUARTER (15 * 60 * USEC_PER_SEC)

/* 0 free, 2 busy, 3 out of office. */
static unsigned kind_of(const struct pidf_timed *t)
{
	const uint32_t out = PIDF_BIT(PIDF_AWAY) | PIDF_BIT(PIDF_VACATION) |
	                     PIDF_BIT(PIDF_HOLIDAY) | PIDF_BIT(PIDF_TRAVEL);
	if (t->rich.activities & out)
		return 3;
	return t->rich.activities || t->basic == PIDF_CLOSED ? 2 : 0;
}

static usec_t first_time(const struct said *s)
{
	usec_t first = USEC_INFINITY;
	for (unsigned i = 0; i < s->n_timed; i++)
		first = MIN(first, s->timed[i].from);
	return first - first % QUARTER;
}

static void mark(uint8_t *bits, usec_t start, const struct pidf_timed *t)
{
	usec_t until = t->until > t->from ? t->until : t->from + 96 * QUARTER;
	usec_t last = MIN((until - start + QUARTER - 1) / QUARTER, (usec_t)SIMPLE_SLOTS_MAX);
	for (usec_t i = (t->from - start) / QUARTER; i < last; i++)
		bits[i / 4] |= (uint8_t)(kind_of(t) << (i % 4 * 2));
}

static struct pub_body *calendar_body(const struct said *s)
{
	auto_(buf_free) struct buf b = buf_of(PRESENCE_MAX);
	uint8_t bits[SIMPLE_SLOTS_MAX / 4] = { 0 };
	size_t n = sizeof(bits);
	if (s->n_timed == 0)
		return NULL;
	usec_t start = first_time(s);
	for (unsigned i = 0; i < s->n_timed; i++)
		mark(bits, start, &s->timed[i]);
	while (n > 1 && bits[n - 1] == 0)
		n--;
	buf_lit(&b, "<calendarData xmlns=\"" NS "calendarData\"><freeBusy startTime=\"");
	isotime_put(&b, start);
	buf_lit(&b, "\" granularity=\"PT15M\" encodingVersion=\"1\">");
	base64_put(&b, bits, n);
	buf_lit(&b, "</freeBusy></calendarData>");
	return pub_body_of(buf_view(&b));
}

/* --- all publications ---------------------------------------------------------------------- */

static const uint32_t inputs[] = { CONTAINER_RICH, CONTAINER_REDUCED };
static const uint32_t shown[] = { CONTAINER_COMPANY, CONTAINER_TEAM, CONTAINER_PERSONAL };

struct target {
	struct server_publication *next;
	uint64_t endpoint;
};

static void add(struct target *t, const struct pub_key *key, const uint32_t *containers, size_t n,
                struct pub_body *body)
{
	for (size_t i = 0; i < n; i++) {
		*t->next = (struct server_publication){ .key = *key,
			                                .expire = PUB_ENDPOINT,
			                                .endpoint = t->endpoint,
			                                .body = body ? pub_body_ref(body) : NULL };
		t->next->key.container = containers[i];
		t->next++;
	}
	pub_body_unref(&body);
}

void simple_publications(struct server_publication ret[SIMPLE_PUBLICATIONS], const struct pidf *doc,
                         uint32_t number, uint64_t endpoint)
{
	struct said s = { 0 };
	struct target t = { ret, endpoint };
	struct pub_key key = { CATEGORY_STATE, category_name(CATEGORY_STATE), 0, 0 };
	if (doc)
		collect(&s, doc);
	struct state states[] = { machine_state(&s), user_state(&s), phone_state(&s) };
	for (uint32_t i = 0; i < ARRAY_SIZE(states); i++) {
		/* The states of one publication differ in the number's first four bits. */
		key.instance = SIMPLE_INSTANCE + (i << 28) + number % SIMPLE_NUMBER_MAX;
		add(&t, &key, inputs, ARRAY_SIZE(inputs), state_body(&states[i]));
	}
	key.instance = SIMPLE_INSTANCE + number % SIMPLE_NUMBER_MAX;
	key.category = CATEGORY_NOTE;
	key.name = category_name(key.category);
	add(&t, &key, shown, ARRAY_SIZE(shown), note_body(&s));
	key.category = CATEGORY_CALENDAR_DATA;
	key.name = category_name(key.category);
	add(&t, &key, shown, ARRAY_SIZE(shown), calendar_body(&s));
}
