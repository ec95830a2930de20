#include "wire/pidf/pidf.h"

#include <errno.h>

#include "base/isotime.h"
#include "wire/pidf/names.h"
#include "wire/xml/xml.h"

/* While a document is read: the first error sticks. */
struct reader {
	struct arena *arena;
	int err;
};

static struct str checked(struct reader *r, struct str s)
{
	s = str_trim(s);
	if (s.len > PIDF_TEXT_MAX && r->err == 0)
		r->err = -E2BIG;
	return s;
}

static struct str text_of(struct reader *r, const struct xml *parent, const char *name)
{
	return checked(r, xml_child_text(parent, name));
}

static struct str attr_of(struct reader *r, const struct xml *e, const char *name)
{
	return checked(r, xml_attr(e, name));
}

static usec_t moment_of(struct str s)
{
	usec_t t = 0;
	return isotime_parse(&t, str_trim(s)) == 0 ? t : 0;
}

/* An array for the children of that name; *ret_n is how many there are. */
static void *array_of(struct reader *r, const struct xml *parent, const char *name, size_t size,
                      unsigned max)
{
	unsigned n = 0;
	for (const struct xml *e = xml_child(parent, name); e; e = xml_again(e))
		n++;
	if (n > max) {
		r->err = -E2BIG;
		n = 0;
	}
	return n > 0 ? arena_alloc(r->arena, n * size) : NULL;
}

static struct pidf_notes read_notes(struct reader *r, const struct xml *parent)
{
	struct pidf_note *v = array_of(r, parent, "note", sizeof(*v), PIDF_NOTES_MAX);
	unsigned n = 0;
	for (const struct xml *e = v ? xml_child(parent, "note") : NULL; e; e = xml_again(e)) {
		struct pidf_note note = { checked(r, e->text), attr_of(r, e, "lang") };
		if (note.text.len > 0)
			v[n++] = note;
	}
	return (struct pidf_notes){ n > 0 ? v : NULL, n };
}

static enum pidf_basic read_basic(const struct xml *status)
{
	struct str s = xml_child_text(status, "basic");
	return str_ieq(s, STR("open"))     ? PIDF_OPEN
	       : str_ieq(s, STR("closed")) ? PIDF_CLOSED
	                                   : PIDF_NO_BASIC;
}

/* --- rich presence -------------------------------------------------------------------- */

/* An element each, or in the drafts a token in <activity>, which may be a text of one's own. */
static void read_activities(struct reader *r, struct pidf_rich *rich, const struct xml *e)
{
	for (const struct xml *c = e->child; c; c = c->next) {
		bool draft = xml_is(c, "activity");
		struct str text = checked(r, c->text);
		uint32_t bit = pidf_activity_bit(draft ? text : c->name);
		if (draft && bit == 0 && text.len > 0)
			bit = PIDF_BIT(PIDF_OTHER);
		else if (draft)
			text.len = 0;
		rich->activities |= bit;
		if (bit == PIDF_BIT(PIDF_OTHER) && text.len > 0)
			rich->other = text;
	}
	if (rich->activity_notes.n == 0)
		rich->activity_notes = read_notes(r, e);
}

static void read_input(struct reader *r, struct pidf_rich *rich, const struct xml *e)
{
	struct str s = checked(r, e->text);
	struct str last = xml_attr(e, "last-input");
	rich->input = str_ieq(s, STR("idle"))     ? PIDF_IDLE
	              : str_ieq(s, STR("active")) ? PIDF_ACTIVE
	                                          : PIDF_NO_INPUT;
	rich->last_input = moment_of(last.p ? last : xml_attr(e, "since"));
	if (str_to_u32(xml_attr(e, "idle-threshold"), UINT32_MAX, &rich->idle_threshold_s) < 0)
		rich->idle_threshold_s = 0;
}

/* The drafts' <idle since=".."/> says what user-input says now. */
static void read_idle(struct pidf_rich *rich, const struct xml *e)
{
	if (rich->input != PIDF_NO_INPUT)
		return;
	rich->input = PIDF_IDLE;
	rich->last_input = moment_of(xml_attr(e, "since"));
}

static void keep_text(struct str *to, struct str text)
{
	if (to->len == 0)
		*to = text;
}

/* Adds what the children of e say; called twice for a tuple, whose status may say it too. */
static void read_rich(struct reader *r, struct pidf_rich *rich, const struct xml *e)
{
	for (const struct xml *c = e ? e->child : NULL; c; c = c->next) {
		if (xml_is(c, "activities"))
			read_activities(r, rich, c);
		else if (xml_is(c, "user-input"))
			read_input(r, rich, c);
		else if (xml_is(c, "idle"))
			read_idle(rich, c);
		else if (xml_is(c, "im") && str_eq(c->space, STR(PIDF_NS_IM)))
			rich->activities |= pidf_activity_bit(checked(r, c->text));
	}
	keep_text(&rich->display_name, text_of(r, e, "display-name"));
	keep_text(&rich->homepage, text_of(r, e, "homepage"));
	keep_text(&rich->icon, text_of(r, e, "icon"));
	keep_text(&rich->card, text_of(r, e, "card"));
}

/* --- the elements --------------------------------------------------------------------- */

static const struct pidf_timed *read_timed(struct reader *r, const struct xml *parent,
                                           unsigned *ret_n)
{
	struct pidf_timed *v = array_of(r, parent, "timed-status", sizeof(*v), PIDF_TIMED_MAX);
	const struct xml *e = v ? xml_child(parent, "timed-status") : NULL;
	unsigned n = 0;
	for (; e; e = xml_again(e)) {
		struct pidf_timed *t = &v[n];
		t->from = moment_of(xml_attr(e, "from"));
		t->until = moment_of(xml_attr(e, "until"));
		if (t->from == 0)
			continue;
		t->basic = read_basic(e);
		t->notes = read_notes(r, e);
		read_rich(r, &t->rich, e);
		n++;
	}
	*ret_n = n;
	return n > 0 ? v : NULL;
}

/* "0.8", "1", ".5"; a contact's value has at most three digits behind the dot. */
static bool read_priority(struct str s, uint16_t *ret)
{
	struct str whole, part;
	uint32_t w = 0, thousandths = 0;
	(void)str_cut(str_trim(s), '.', &whole, &part);
	if (whole.len + part.len == 0 || part.len > 3)
		return false;
	if ((whole.len > 0 && str_to_u32(whole, 1, &w) < 0) ||
	    (part.len > 0 && str_to_u32(part, 999, &thousandths) < 0))
		return false;
	for (size_t i = part.len; i < 3; i++)
		thousandths *= 10;
	if (w == 1 && thousandths > 0)
		return false;
	*ret = (uint16_t)(w * 1000 + thousandths);
	return true;
}

static void read_tuple(struct reader *r, struct pidf_tuple *t, const struct xml *e)
{
	const struct xml *status = xml_child(e, "status");
	t->id = attr_of(r, e, "id");
	t->basic = read_basic(status);
	t->contact = text_of(r, e, "contact");
	t->has_priority =
	        read_priority(xml_attr(xml_child(e, "contact"), "priority"), &t->priority);
	t->device = text_of(r, e, "deviceID");
	t->notes = read_notes(r, e);
	if (t->notes.n == 0)
		t->notes = read_notes(r, status);
	t->timed = read_timed(r, e, &t->n_timed);
	t->timestamp = moment_of(xml_child_text(e, "timestamp"));
	read_rich(r, &t->rich, e);
	read_rich(r, &t->rich, status);
}

static void read_person(struct reader *r, struct pidf_person *p, const struct xml *e)
{
	p->id = attr_of(r, e, "id");
	p->notes = read_notes(r, e);
	p->timed = read_timed(r, e, &p->n_timed);
	p->timestamp = moment_of(xml_child_text(e, "timestamp"));
	read_rich(r, &p->rich, e);
}

static void read_device(struct reader *r, struct pidf_device *d, const struct xml *e)
{
	d->id = attr_of(r, e, "id");
	d->device = text_of(r, e, "deviceID");
	d->notes = read_notes(r, e);
	d->timestamp = moment_of(xml_child_text(e, "timestamp"));
	read_rich(r, &d->rich, e);
}

static void read_tuples(struct reader *r, struct pidf *p, const struct xml *root)
{
	struct pidf_tuple *v = array_of(r, root, "tuple", sizeof(*v), PIDF_TUPLES_MAX);
	const struct xml *e = v ? xml_child(root, "tuple") : NULL;
	for (; e; e = xml_again(e))
		read_tuple(r, &v[p->n_tuples++], e);
	p->tuples = v;
}

static void read_persons(struct reader *r, struct pidf *p, const struct xml *root)
{
	struct pidf_person *v = array_of(r, root, "person", sizeof(*v), PIDF_PERSONS_MAX);
	const struct xml *e = v ? xml_child(root, "person") : NULL;
	for (; e; e = xml_again(e))
		read_person(r, &v[p->n_persons++], e);
	p->persons = v;
}

static void read_devices(struct reader *r, struct pidf *p, const struct xml *root)
{
	struct pidf_device *v = array_of(r, root, "device", sizeof(*v), PIDF_DEVICES_MAX);
	const struct xml *e = v ? xml_child(root, "device") : NULL;
	for (; e; e = xml_again(e))
		read_device(r, &v[p->n_devices++], e);
	p->devices = v;
}

int pidf_parse(struct pidf *ret, struct arena *a, struct str in)
{
	struct reader r = { .arena = a };
	struct pidf p = { 0 };
	struct xml *root;
	if (in.len > PIDF_BYTES_MAX)
		return -E2BIG;
	int err = xml_parse(&root, a, in);
	if (err < 0)
		return err;
	if (!xml_is(root, "presence"))
		return -EBADMSG;
	p.entity = attr_of(&r, root, "entity");
	p.notes = read_notes(&r, root);
	read_tuples(&r, &p, root);
	read_persons(&r, &p, root);
	read_devices(&r, &p, root);
	read_rich(&r, &p.rich, root);
	if (r.err == 0)
		*ret = p;
	return r.err;
}
