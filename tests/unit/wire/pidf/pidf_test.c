#include "wire/pidf/pidf.h"

#include <errno.h>

#include "base/isotime.h"
#include "data.h"
#include "sample.h"
#include "tap.h"

static struct arena *arena;

static struct pidf read(struct str text)
{
	struct pidf p = { 0 };
	arena_free(&arena);
	arena = arena_new();
	EQ(pidf_parse(&p, arena, text), 0);
	return p;
}

static struct pidf read_sample(const char *name)
{
	auto_(buf_free) struct buf b;
	return read(sample(&b, name));
}

static usec_t moment(const char *text)
{
	usec_t t = 0;
	EQ(isotime_parse(&t, str_of(text)), 0);
	return t;
}

static void phone_that_knows_persons_is_read(void)
{
	struct pidf p = read_sample("pidf/linphone");
	EQ_STR(p.entity, "sip:alice@example.test");
	if (!EQ(p.n_tuples, 1) || !EQ(p.n_persons, 1))
		return;
	const struct pidf_tuple *t = &p.tuples[0];
	EQ_STR(t->id, "q0w9xe");
	EQ(t->basic, PIDF_OPEN);
	EQ_STR(t->contact, "sip:alice@192.0.2.1:5060");
	OK(t->has_priority);
	EQ(t->priority, 800);
	EQ(t->timestamp, moment("2026-01-02T03:04:05Z"));
	EQ(t->rich.activities, 0);
	EQ(p.persons[0].rich.activities, PIDF_BIT(PIDF_ON_THE_PHONE));
	if (EQ(p.persons[0].notes.n, 1)) {
		EQ_STR(p.persons[0].notes.v[0].text, "back at four");
		EQ_STR(p.persons[0].notes.v[0].lang, "en");
	}
}

static void phone_that_says_open_or_closed_is_read(void)
{
	struct pidf p = read_sample("pidf/baresip");
	if (!EQ(p.n_tuples, 1))
		return;
	EQ(p.tuples[0].basic, PIDF_CLOSED);
	OK(!p.tuples[0].has_priority);
	EQ_STR(p.tuples[0].contact, "sip:bob@example.test");
	EQ(p.tuples[0].timestamp, 0);
	EQ(p.n_persons, 0);
	EQ(p.notes.n, 0);
}

static void what_drafts_put_elsewhere_is_found(void)
{
	struct pidf p = read_sample("pidf/old");
	if (!EQ(p.n_tuples, 3))
		return;
	const struct pidf_tuple *t = p.tuples;
	EQ(t[0].rich.activities, PIDF_BIT(PIDF_BUSY) | PIDF_BIT(PIDF_MEETING));
	if (EQ(t[0].notes.n, 1))
		EQ_STR(t[0].notes.v[0].text, "with guests");
	EQ(t[1].rich.activities, PIDF_BIT(PIDF_AWAY));
	EQ(t[1].rich.input, PIDF_IDLE);
	EQ(t[1].rich.last_input, moment("2026-01-02T02:00:00Z"));
	EQ(t[2].basic, PIDF_NO_BASIC);
	EQ(t[2].rich.activities, PIDF_BIT(PIDF_OTHER));
	EQ_STR(t[2].rich.other, "painting the fence");
	EQ_STR(p.rich.display_name, "Carol");
	auto_(buf_free) struct buf b = buf_of(PIDF_BYTES_MAX);
	pidf_put(&b, &p);
	OK(str_find(buf_view(&b), STR("\r\n<ci:display-name>Carol</ci:display-name>")) > 0);
}

static void tuple_with_everything_is_read(void)
{
	struct pidf p = read_sample("pidf/rich");
	if (!EQ(p.n_tuples, 2))
		return;
	const struct pidf_tuple *t = &p.tuples[0];
	EQ(t->rich.input, PIDF_IDLE);
	EQ(t->rich.idle_threshold_s, 600);
	EQ(t->rich.last_input, moment("2026-01-02T03:50:00.25Z"));
	EQ_STR(t->device, "urn:x-mac:02005e100001");
	EQ(t->priority, 1000);
	if (EQ(t->notes.n, 2))
		EQ_STR(t->notes.v[0].lang, "de");
	if (EQ(t->n_timed, 1)) {
		EQ(t->timed[0].from, moment("2026-03-01T07:00:00Z"));
		EQ(t->timed[0].until, moment("2026-03-08T17:00:00Z"));
		EQ(t->timed[0].basic, PIDF_CLOSED);
		EQ(t->timed[0].rich.activities, PIDF_BIT(PIDF_VACATION));
		EQ(t->timed[0].notes.n, 1);
	}
	OK(!p.tuples[1].has_priority);
	if (EQ(p.notes.n, 1))
		EQ_STR(p.notes.v[0].text, "tomorrow <again> & again");
}

static void person_and_device_are_read(void)
{
	struct pidf p = read_sample("pidf/rich");
	if (!EQ(p.n_persons, 1) || !EQ(p.n_devices, 1))
		return;
	const struct pidf_rich *r = &p.persons[0].rich;
	EQ(r->activities,
	   PIDF_BIT(PIDF_MEETING) | PIDF_BIT(PIDF_PRESENTATION) | PIDF_BIT(PIDF_OTHER));
	EQ_STR(r->other, "chairing");
	if (EQ(r->activity_notes.n, 1))
		EQ_STR(r->activity_notes.v[0].text, "budget");
	EQ_STR(r->card, "http://example.test/dora.vcf");
	EQ_STR(r->display_name, "Dora D.");
	EQ_STR(r->homepage, "http://example.test/~dora");
	EQ_STR(r->icon, "http://example.test/dora.png");
	if (EQ(p.persons[0].n_timed, 1))
		EQ(p.persons[0].timed[0].until, 0);
	EQ(p.devices[0].rich.input, PIDF_ACTIVE);
	EQ_STR(p.devices[0].device, "urn:x-mac:02005e100001");
	EQ(p.devices[0].timestamp, moment("2026-01-02T03:04:06Z"));
}

static void what_is_read_is_written(void)
{
	auto_(buf_free) struct buf b = buf_of(PIDF_BYTES_MAX), want = buf_of(PIDF_BYTES_MAX);
	struct pidf p = read_sample("pidf/rich");
	pidf_put(&b, &p);
	data_read(&want, "simple/pidf.xml");
	buf_char(&want, '\0');
	EQ_STR(buf_view(&b), want.p);
	auto_(buf_free) struct buf again = buf_of(PIDF_BYTES_MAX);
	p = read(buf_view(&b));
	pidf_put(&again, &p);
	OK(str_eq(buf_view(&b), buf_view(&again)));
}

static void every_activity_is_read_and_written(void)
{
	struct pidf_person person = { .rich = { .activities = PIDF_BIT(PIDF_N_ACTIVITIES) - 1,
		                                .other = STR("x<y") } };
	struct pidf p = { .persons = &person, .n_persons = 1 };
	auto_(buf_free) struct buf b = buf_of(PIDF_BYTES_MAX);
	pidf_put(&b, &p);
	OK(str_find(buf_view(&b), STR("<rpid:permanent-absence/>")) > 0);
	p = read(buf_view(&b));
	if (!EQ(p.n_persons, 1))
		return;
	EQ_STR(p.persons[0].id, "person1");
	EQ(p.persons[0].rich.activities, PIDF_BIT(PIDF_N_ACTIVITIES) - 1);
	EQ_STR(p.persons[0].rich.other, "x<y");
	EQ(pidf_activity_bit(STR("none")), 0);
}

static void priorities_have_three_digits_at_most(void)
{
	static const struct {
		const char *text;
		int want;
	} t[] = { { "0", 0 },       { "1", 1000 },   { "1.000", 1000 }, { "0.5", 500 },
		  { "0.05", 50 },   { ".125", 125 }, { "0.", 0 },       { "1.001", -1 },
		  { "0.1234", -1 }, { "2", -1 },     { "", -1 },        { ".", -1 },
		  { "-0", -1 },     { "x", -1 } };
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char text[128];
		struct buf b = BUF_ON(text);
		buf_printf(&b, "<presence><tuple><contact priority='%s'/></tuple></presence>",
		           t[i].text);
		struct pidf p = read(buf_view(&b));
		EQ(p.tuples[0].has_priority ? p.tuples[0].priority : -1, t[i].want);
	}
}

static int refused(struct str text)
{
	struct pidf p;
	auto_(arena_free) struct arena *a = arena_new();
	return pidf_parse(&p, a, text);
}

static void other_documents_are_refused(void)
{
	EQ(refused(STR("")), -EBADMSG);
	EQ(refused(STR("<presence>")), -EBADMSG);
	EQ(refused(STR("<list/>")), -EBADMSG);
	EQ(refused(STR("<presence/>")), 0);
}

static int many(const char *start, const char *more, unsigned n, const char *end)
{
	auto_(buf_free) struct buf b = buf_of(2 * PIDF_BYTES_MAX);
	buf_str(&b, str_of(start));
	for (unsigned i = 0; i < n; i++)
		buf_str(&b, str_of(more));
	buf_str(&b, str_of(end));
	return refused(buf_view(&b));
}

static void limits_hold(void)
{
	static const struct {
		const char *start, *more, *end;
		unsigned max;
	} t[] = {
		{ "<presence>", "<tuple/>", "</presence>", PIDF_TUPLES_MAX },
		{ "<presence>", "<person/>", "</presence>", PIDF_PERSONS_MAX },
		{ "<presence>", "<device/>", "</presence>", PIDF_DEVICES_MAX },
		{ "<presence>", "<note>x</note>", "</presence>", PIDF_NOTES_MAX },
		{ "<presence><person><activities>", "<note/>", "</activities></person></presence>",
		  PIDF_NOTES_MAX },
		{ "<presence><tuple>", "<timed-status/>", "</tuple></presence>", PIDF_TIMED_MAX },
		{ "<presence><note>", "x", "</note></presence>", PIDF_TEXT_MAX },
		{ "<presence entity='", "x", "'/>", PIDF_TEXT_MAX },
		{ "<presence/>", " ", "", PIDF_BYTES_MAX - 11 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		EQ(many(t[i].start, t[i].more, t[i].max, t[i].end), 0);
		EQ(many(t[i].start, t[i].more, t[i].max + 1, t[i].end), -E2BIG);
	}
}

int main(void)
{
	RUN(phone_that_knows_persons_is_read);
	RUN(phone_that_says_open_or_closed_is_read);
	RUN(what_drafts_put_elsewhere_is_found);
	RUN(tuple_with_everything_is_read);
	RUN(person_and_device_are_read);
	RUN(what_is_read_is_written);
	RUN(every_activity_is_read_and_written);
	RUN(priorities_have_three_digits_at_most);
	RUN(other_documents_are_refused);
	RUN(limits_hold);
	arena_free(&arena);
	return tap_done();
}
