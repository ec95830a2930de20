#include "base/isotime.h"
#include "wire/pidf/names.h"
#include "wire/pidf/pidf.h"
#include "wire/xml/xml.h"

static void put_attr_moment(struct buf *b, const char *name, usec_t t)
{
	buf_printf(b, " %s=\"", name);
	isotime_put(b, t);
	buf_char(b, '"');
}

/* `name` has the prefix that a note has in its place; so in all of these. */
static void put_notes(struct buf *b, const char *name, const struct pidf_notes *notes)
{
	for (unsigned i = 0; i < notes->n; i++) {
		buf_printf(b, "<%s", name);
		xml_put_attr_if(b, "xml:lang", notes->v[i].lang);
		buf_char(b, '>');
		xml_put_text(b, notes->v[i].text);
		buf_printf(b, "</%s>", name);
	}
}

static void put_timestamp(struct buf *b, const char *name, usec_t t)
{
	if (t == 0)
		return;
	buf_printf(b, "<%s>", name);
	isotime_put(b, t);
	buf_printf(b, "</%s>", name);
}

static void put_basic(struct buf *b, const char *name, enum pidf_basic basic)
{
	if (basic != PIDF_NO_BASIC)
		xml_put_element(b, name, basic == PIDF_OPEN ? STR("open") : STR("closed"));
}

static void put_activities(struct buf *b, const struct pidf_rich *r)
{
	if (r->activities == 0 && r->activity_notes.n == 0)
		return;
	buf_lit(b, "<rpid:activities>");
	put_notes(b, "rpid:note", &r->activity_notes);
	for (unsigned i = 0; i < PIDF_OTHER; i++)
		if (r->activities & PIDF_BIT(i))
			buf_printf(b, "<rpid:%" STR_FMT "/>", STR_ARG(pidf_activity_name(i)));
	if (r->activities & PIDF_BIT(PIDF_OTHER))
		xml_put_element(b, "rpid:other", r->other);
	buf_lit(b, "</rpid:activities>");
}

static void put_input(struct buf *b, const struct pidf_rich *r)
{
	if (r->input == PIDF_NO_INPUT)
		return;
	buf_lit(b, "<rpid:user-input");
	if (r->idle_threshold_s > 0)
		buf_printf(b, " idle-threshold=\"%u\"", (unsigned)r->idle_threshold_s);
	if (r->last_input > 0)
		put_attr_moment(b, "last-input", r->last_input);
	buf_printf(b, ">%s</rpid:user-input>", r->input == PIDF_IDLE ? "idle" : "active");
}

static void put_rich(struct buf *b, const struct pidf_rich *r)
{
	put_activities(b, r);
	put_input(b, r);
	xml_put_element_if(b, "ci:card", r->card);
	xml_put_element_if(b, "ci:display-name", r->display_name);
	xml_put_element_if(b, "ci:homepage", r->homepage);
	xml_put_element_if(b, "ci:icon", r->icon);
}

static void put_timed(struct buf *b, const struct pidf_timed *t)
{
	buf_lit(b, "<ts:timed-status");
	put_attr_moment(b, "from", t->from);
	if (t->until > 0)
		put_attr_moment(b, "until", t->until);
	buf_char(b, '>');
	put_basic(b, "ts:basic", t->basic);
	put_rich(b, &t->rich);
	put_notes(b, "ts:note", &t->notes);
	buf_lit(b, "</ts:timed-status>");
}

/* Starts an element; those without an id of their own are numbered, for it is mandatory. */
static void put_start(struct buf *b, const char *name, struct str id, unsigned i)
{
	const char *colon = strchr(name, ':');
	buf_printf(b, "<%s", name);
	if (id.len > 0)
		xml_put_attr(b, "id", id);
	else
		buf_printf(b, " id=\"%s%u\"", colon ? colon + 1 : name, i + 1);
	buf_char(b, '>');
}

static void put_contact(struct buf *b, const struct pidf_tuple *t)
{
	if (t->contact.len == 0)
		return;
	buf_lit(b, "<contact");
	if (t->has_priority)
		buf_printf(b, " priority=\"%u.%03u\"", t->priority / 1000U, t->priority % 1000U);
	buf_char(b, '>');
	xml_put_text(b, t->contact);
	buf_lit(b, "</contact>");
}

/* The order of the schemas, here and below. */
static void put_tuple(struct buf *b, const struct pidf_tuple *t, unsigned i)
{
	put_start(b, "tuple", t->id, i);
	buf_lit(b, "<status>");
	put_basic(b, "basic", t->basic);
	buf_lit(b, "</status>");
	put_rich(b, &t->rich);
	for (unsigned k = 0; k < t->n_timed; k++)
		put_timed(b, &t->timed[k]);
	xml_put_element_if(b, "dm:deviceID", t->device);
	put_contact(b, t);
	put_notes(b, "note", &t->notes);
	put_timestamp(b, "timestamp", t->timestamp);
	buf_lit(b, "</tuple>\r\n");
}

static void put_person(struct buf *b, const struct pidf_person *p, unsigned i)
{
	put_start(b, "dm:person", p->id, i);
	put_rich(b, &p->rich);
	for (unsigned k = 0; k < p->n_timed; k++)
		put_timed(b, &p->timed[k]);
	put_notes(b, "dm:note", &p->notes);
	put_timestamp(b, "dm:timestamp", p->timestamp);
	buf_lit(b, "</dm:person>\r\n");
}

static void put_device(struct buf *b, const struct pidf_device *d, unsigned i)
{
	put_start(b, "dm:device", d->id, i);
	put_rich(b, &d->rich);
	xml_put_element_if(b, "dm:deviceID", d->device);
	put_notes(b, "dm:note", &d->notes);
	put_timestamp(b, "dm:timestamp", d->timestamp);
	buf_lit(b, "</dm:device>\r\n");
}

void pidf_put(struct buf *b, const struct pidf *p)
{
	buf_lit(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	           "<presence xmlns=\"" PIDF_NS "\" xmlns:dm=\"" PIDF_NS_MODEL
	           "\" xmlns:rpid=\"" PIDF_NS_RPID "\" xmlns:ts=\"" PIDF_NS_TIMED
	           "\" xmlns:ci=\"" PIDF_NS_CIPID "\"");
	xml_put_attr(b, "entity", p->entity);
	buf_lit(b, ">\r\n");
	for (unsigned i = 0; i < p->n_tuples; i++)
		put_tuple(b, &p->tuples[i], i);
	put_notes(b, "note", &p->notes);
	put_rich(b, &p->rich);
	for (unsigned i = 0; i < p->n_persons; i++)
		put_person(b, &p->persons[i], i);
	for (unsigned i = 0; i < p->n_devices; i++)
		put_device(b, &p->devices[i], i);
	buf_lit(b, "</presence>\r\n");
}
