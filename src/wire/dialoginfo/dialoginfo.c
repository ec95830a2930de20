#include "wire/dialoginfo/dialoginfo.h"

#include "wire/xml/xml.h"

static struct str state_name(enum dialoginfo_state state)
{
	static const struct str names[] = {
		[DIALOGINFO_TRYING] = STR_INIT("trying"),
		[DIALOGINFO_PROCEEDING] = STR_INIT("proceeding"),
		[DIALOGINFO_EARLY] = STR_INIT("early"),
		[DIALOGINFO_CONFIRMED] = STR_INIT("confirmed"),
		[DIALOGINFO_TERMINATED] = STR_INIT("terminated"),
	};
	return names[state];
}

static struct str event_name(enum dialoginfo_event event)
{
	static const struct str names[] = {
		[DIALOGINFO_NO_EVENT] = STR_INIT(""),
		[DIALOGINFO_CANCELLED] = STR_INIT("cancelled"),
		[DIALOGINFO_REJECTED] = STR_INIT("rejected"),
		[DIALOGINFO_REPLACED] = STR_INIT("replaced"),
		[DIALOGINFO_LOCAL_BYE] = STR_INIT("local-bye"),
		[DIALOGINFO_REMOTE_BYE] = STR_INIT("remote-bye"),
		[DIALOGINFO_ERROR] = STR_INIT("error"),
		[DIALOGINFO_TIMEOUT] = STR_INIT("timeout"),
	};
	return names[event];
}

static struct str direction_name(enum dialoginfo_direction direction)
{
	return direction == DIALOGINFO_INITIATOR   ? STR("initiator")
	       : direction == DIALOGINFO_RECIPIENT ? STR("recipient")
	                                           : STR("");
}

static void put_state(struct buf *b, const struct dialoginfo_dialog *d)
{
	buf_lit(b, "<state");
	if (d->state == DIALOGINFO_TERMINATED) {
		xml_put_attr_if(b, "event", event_name(d->event));
		if (d->code > 0)
			buf_printf(b, " code=\"%u\"", d->code);
	}
	buf_char(b, '>');
	buf_str(b, state_name(d->state));
	buf_lit(b, "</state>");
}

static void put_party(struct buf *b, const char *name, const struct dialoginfo_party *p)
{
	if (p->identity.len == 0 && p->target.len == 0)
		return;
	buf_printf(b, "<%s>", name);
	if (p->identity.len > 0) {
		buf_lit(b, "<identity");
		xml_put_attr_if(b, "display", p->display);
		buf_char(b, '>');
		xml_put_text(b, p->identity);
		buf_lit(b, "</identity>");
	}
	if (p->target.len > 0) {
		buf_lit(b, "<target");
		xml_put_attr(b, "uri", p->target);
		buf_lit(b, "/>");
	}
	buf_printf(b, "</%s>", name);
}

static void put_dialog(struct buf *b, const struct dialoginfo_dialog *d)
{
	buf_lit(b, "<dialog");
	xml_put_attr(b, "id", d->id);
	xml_put_attr_if(b, "call-id", d->call_id);
	xml_put_attr_if(b, "local-tag", d->local_tag);
	xml_put_attr_if(b, "remote-tag", d->remote_tag);
	xml_put_attr_if(b, "direction", direction_name(d->direction));
	buf_char(b, '>');
	put_state(b, d);
	if (d->has_duration)
		buf_printf(b, "<duration>%u</duration>", (unsigned)d->duration_s);
	put_party(b, "local", &d->local);
	put_party(b, "remote", &d->remote);
	buf_lit(b, "</dialog>\r\n");
}

void dialoginfo_put(struct buf *b, const struct dialoginfo *d)
{
	buf_lit(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	           "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\"");
	buf_printf(b, " version=\"%u\" state=\"%s\"", (unsigned)d->version,
	           d->full ? "full" : "partial");
	xml_put_attr(b, "entity", d->entity);
	buf_lit(b, ">\r\n");
	for (unsigned i = 0; i < d->n_dialogs; i++)
		put_dialog(b, &d->dialogs[i]);
	buf_lit(b, "</dialog-info>\r\n");
}
