#include "wire/soap/soap.h"

#include <errno.h>

#define SPACE_ENVELOPE "http://schemas.xmlsoap.org/soap/envelope/"

static bool in_envelope(const struct xml *e)
{
	return str_eq(e->space, STR(SPACE_ENVELOPE));
}

/* Is there an entry that only a reader who knows it may pass over?  Those for another actor are
 * none of ours, but a client speaks to one server. */
static bool has_duties(const struct xml *header)
{
	for (const struct xml *e = header ? header->child : NULL; e; e = e->next)
		if (str_eq(xml_attr(e, "mustUnderstand"), STR("1")))
			return true;
	return false;
}

int soap_read(struct soap *ret, struct arena *a, struct str body)
{
	struct xml *root = NULL;
	int r = xml_parse(&root, a, body);
	if (r < 0)
		return r;
	if (!xml_is(root, "Envelope"))
		return -EBADMSG;
	if (!in_envelope(root))
		return -EPROTONOSUPPORT;
	if (has_duties(xml_child(root, "Header")))
		return -ENOTSUP;
	const struct xml *b = xml_child(root, "Body");
	if (!b || !in_envelope(b) || !b->child || b->child->name.len > SOAP_METHOD_MAX)
		return -EBADMSG;
	*ret = (struct soap){
		.method = b->child->name,
		.space = b->child->space,
		.call = b->child,
		.body = b,
	};
	return 0;
}

struct str soap_arg(const struct soap *s, const char *name)
{
	const struct xml *e = xml_child(s->call, name);
	return e ? str_trim(e->text) : (struct str){ NULL, 0 };
}

const struct xml *soap_ref(const struct soap *s, const struct xml *e)
{
	struct str href = xml_attr(e, "href");
	if (!href.p)
		return e;
	if (!str_starts(href, STR("#")))
		return NULL;
	const struct xml *to = s->body->child;
	while (to &&
	       !(xml_attr(to, "id").p && str_eq(xml_attr(to, "id"), str_sub(href, 1, href.len))))
		to = to->next;
	return to;
}

/* --- writing -------------------------------------------------------------------------- */

void soap_put_begin(struct buf *b, const char *space)
{
	buf_lit(b, "<s:Envelope xmlns:s=\"" SPACE_ENVELOPE "\"");
	if (space)
		xml_put_attr(b, "xmlns:m", str_of(space));
	buf_lit(b, "><s:Body>");
}

void soap_put_end(struct buf *b)
{
	buf_lit(b, "</s:Body></s:Envelope>");
}

void soap_put_method_begin(struct buf *b, const char *method, const char *space)
{
	soap_put_begin(b, space);
	buf_lit(b, "<m:");
	buf_str(b, str_of(method));
	buf_char(b, '>');
}

void soap_put_method_end(struct buf *b, const char *method)
{
	buf_lit(b, "</m:");
	buf_str(b, str_of(method));
	buf_char(b, '>');
	soap_put_end(b);
}

/* The children of a fault have no namespace (section 4.4). */
void soap_put_fault(struct buf *b, const struct soap_fault *f)
{
	soap_put_begin(b, NULL);
	buf_lit(b, "<s:Fault><faultcode>s:");
	xml_put_text(b, f->code);
	buf_lit(b, "</faultcode>");
	xml_put_element(b, "faultstring", f->text);
	if (f->detail.len > 0)
		xml_put_element(b, "detail", f->detail);
	buf_lit(b, "</s:Fault>");
	soap_put_end(b);
}

struct str soap_fault_code(int err)
{
	switch (err) {
	case -EPROTONOSUPPORT:
		return STR("VersionMismatch");
	case -ENOTSUP:
		return STR("MustUnderstand");
	default:
		return STR("Client");
	}
}
