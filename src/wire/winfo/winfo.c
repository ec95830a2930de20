#include "wire/winfo/winfo.h"

#include "wire/xml/xml.h"

static struct str status_name(enum winfo_status status)
{
	static const struct str names[] = {
		[WINFO_PENDING] = STR_INIT("pending"),
		[WINFO_ACTIVE] = STR_INIT("active"),
		[WINFO_WAITING] = STR_INIT("waiting"),
		[WINFO_TERMINATED] = STR_INIT("terminated"),
	};
	return names[status];
}

static struct str event_name(enum winfo_event event)
{
	static const struct str names[] = {
		[WINFO_SUBSCRIBE] = STR_INIT("subscribe"),
		[WINFO_APPROVED] = STR_INIT("approved"),
		[WINFO_DEACTIVATED] = STR_INIT("deactivated"),
		[WINFO_PROBATION] = STR_INIT("probation"),
		[WINFO_REJECTED] = STR_INIT("rejected"),
		[WINFO_TIMEOUT] = STR_INIT("timeout"),
		[WINFO_GIVEUP] = STR_INIT("giveup"),
		[WINFO_NORESOURCE] = STR_INIT("noresource"),
	};
	return names[event];
}

static void put_watcher(struct buf *b, const struct winfo_watcher *w)
{
	buf_lit(b, "<watcher");
	xml_put_attr(b, "id", w->id);
	xml_put_attr(b, "status", status_name(w->status));
	xml_put_attr(b, "event", event_name(w->event));
	xml_put_attr_if(b, "display-name", w->display_name);
	if (w->has_duration)
		buf_printf(b, " duration-subscribed=\"%u\"", (unsigned)w->duration_s);
	if (w->has_expiration)
		buf_printf(b, " expiration=\"%u\"", (unsigned)w->expiration_s);
	buf_char(b, '>');
	xml_put_text(b, w->uri);
	buf_lit(b, "</watcher>\r\n");
}

void winfo_put(struct buf *b, const struct winfo *w)
{
	buf_lit(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	           "<watcherinfo xmlns=\"urn:ietf:params:xml:ns:watcherinfo\"");
	buf_printf(b, " version=\"%u\" state=\"%s\">\r\n<watcher-list", (unsigned)w->version,
	           w->full ? "full" : "partial");
	xml_put_attr(b, "resource", w->resource);
	xml_put_attr(b, "package", w->package);
	buf_lit(b, ">\r\n");
	for (unsigned i = 0; i < w->n_watchers; i++)
		put_watcher(b, &w->watchers[i]);
	buf_lit(b, "</watcher-list>\r\n</watcherinfo>\r\n");
}
