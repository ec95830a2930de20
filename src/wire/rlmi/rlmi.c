#include "wire/rlmi/rlmi.h"

#include <assert.h>

#include "wire/mime/mime.h"
#include "wire/xml/xml.h"

static struct str state_name(enum rlmi_state state)
{
	static const struct str names[] = {
		[RLMI_ACTIVE] = STR_INIT("active"),
		[RLMI_PENDING] = STR_INIT("pending"),
		[RLMI_TERMINATED] = STR_INIT("terminated"),
		[RLMI_RESUBSCRIBE] = STR_INIT("resubscribe"),
	};
	assert(state > RLMI_NO_STATE && state < ARRAY_SIZE(names));
	return names[state];
}

static void put_instance(struct buf *b, const struct rlmi_instance *i)
{
	buf_lit(b, "<instance");
	xml_put_attr(b, "id", i->id);
	xml_put_attr(b, "state", state_name(i->state));
	xml_put_attr_if(b, "reason", i->reason);
	xml_put_attr_if(b, "cid", i->cid);
	xml_put_attr_if(b, "poolFqdn", i->pool_fqdn);
	buf_lit(b, "/>");
}

static void put_resource(struct buf *b, const struct rlmi_resource *r)
{
	buf_lit(b, "<resource");
	xml_put_attr(b, "uri", r->uri);
	buf_char(b, '>');
	xml_put_element_if(b, "name", r->name);
	for (unsigned i = 0; i < r->n_instances; i++)
		put_instance(b, &r->instances[i]);
	buf_lit(b, "</resource>\r\n");
}

void rlmi_put(struct buf *b, const struct rlmi_list *l)
{
	buf_lit(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	           "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\"");
	xml_put_attr(b, "uri", l->uri);
	buf_printf(b, " version=\"%u\" fullState=\"%s\">\r\n", (unsigned)l->version,
	           l->full ? "true" : "false");
	for (unsigned i = 0; i < l->n_resources; i++)
		put_resource(b, &l->resources[i]);
	buf_lit(b, "</list>\r\n");
}

/* libpurple takes what stands behind the last '=' for the boundary, with quotes if there are any.
 */
void rlmi_put_type(struct buf *b, const struct rlmi_frame *f)
{
	buf_lit(b, "multipart/related;type=\"application/rlmi+xml\";start=");
	buf_str(b, f->bare ? STR("") : STR("\"<"));
	buf_str(b, f->start);
	buf_str(b, f->bare ? STR("") : STR(">\""));
	buf_lit(b, ";boundary=");
	buf_str(b, f->boundary);
}

static void put_cid(struct buf *b, const struct rlmi_frame *f, struct str cid)
{
	buf_lit(b, "Content-ID: ");
	buf_str(b, f->bare ? STR("") : STR("<"));
	buf_str(b, cid);
	buf_str(b, f->bare ? STR("\r\n") : STR(">\r\n"));
}

void rlmi_put_part(struct buf *b, const struct rlmi_frame *f, struct str cid, struct str type,
                   struct str content)
{
	mime_put_part(b, f->boundary);
	mime_put_field(b, STR("Content-Transfer-Encoding"), STR("binary"));
	put_cid(b, f, cid);
	mime_put_field(b, STR("Content-Type"), type);
	mime_put_content(b, content);
}

void rlmi_put_first(struct buf *b, const struct rlmi_frame *f, struct str content)
{
	rlmi_put_part(b, f, f->start, STR("application/rlmi+xml"), content);
}

void rlmi_put_end(struct buf *b, const struct rlmi_frame *f)
{
	mime_put_end(b, f->boundary);
}
