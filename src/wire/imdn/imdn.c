#include "wire/imdn/imdn.h"

#include <assert.h>
#include <errno.h>

#include "base/isotime.h"
#include "wire/xml/xml.h"

#define BIT(status) (1U << (status))
#define OF_ALL (BIT(IMDN_FORBIDDEN) | BIT(IMDN_ERROR))

/* clang-format off */
static const struct {
	const char *name;
	unsigned can_have;
} kinds[] = {
	[IMDN_DELIVERY]   = { "delivery-notification",   BIT(IMDN_DELIVERED) | BIT(IMDN_FAILED) | OF_ALL },
	[IMDN_PROCESSING] = { "processing-notification", BIT(IMDN_PROCESSED) | BIT(IMDN_STORED) | OF_ALL },
	[IMDN_DISPLAY]    = { "display-notification",    BIT(IMDN_DISPLAYED) | OF_ALL },
};

static const char *const statuses[] = {
	[IMDN_DELIVERED] = "delivered",
	[IMDN_FAILED]    = "failed",
	[IMDN_PROCESSED] = "processed",
	[IMDN_STORED]    = "stored",
	[IMDN_DISPLAYED] = "displayed",
	[IMDN_FORBIDDEN] = "forbidden",
	[IMDN_ERROR]     = "error",
};
/* clang-format on */

static int open_document(struct xml **ret, struct arena *a, struct str in)
{
	if (in.len > IMDN_BYTES_MAX)
		return -E2BIG;
	struct xml *root;
	int r = xml_parse(&root, a, in);
	if (r < 0)
		return r;
	if (!xml_is(root, "imdn") || xml_child_text(root, "message-id").len == 0)
		return -EBADMSG;
	if (xml_child_text(root, "message-id").len > IMDN_TEXT_MAX)
		return -E2BIG;
	*ret = root;
	return 0;
}

/* The status of this kind: 1, or 0 if there is none. */
static int read_status(struct imdn *i, const struct xml *root, unsigned kind)
{
	const struct xml *status = xml_child(xml_child(root, kinds[kind].name), "status");
	for (unsigned s = 0; s < ARRAY_SIZE(statuses); s++) {
		if (!(kinds[kind].can_have & BIT(s)) || !xml_child(status, statuses[s]))
			continue;
		i->kind = kind;
		i->status = s;
		return 1;
	}
	return 0;
}

int imdn_parse(struct imdn *ret, struct arena *a, struct str in)
{
	struct xml *root;
	struct imdn i = { 0 };
	int found = 0, r = open_document(&root, a, in);
	if (r < 0)
		return r;
	for (unsigned kind = 0; kind < ARRAY_SIZE(kinds) && !found; kind++)
		found = read_status(&i, root, kind);
	if (!found)
		return -EBADMSG;
	i.message_id = xml_child_text(root, "message-id");
	i.recipient = xml_child_text(root, "recipient-uri");
	i.original_recipient = xml_child_text(root, "original-recipient-uri");
	i.subject = xml_child_text(root, "subject");
	if (isotime_parse(&i.date, xml_child_text(root, "datetime")) < 0)
		i.date = 0;
	if (MAX(i.recipient.len, MAX(i.original_recipient.len, i.subject.len)) > IMDN_TEXT_MAX)
		return -E2BIG;
	*ret = i;
	return 0;
}

void imdn_put(struct buf *b, const struct imdn *i)
{
	assert(i->kind < ARRAY_SIZE(kinds) && i->status < ARRAY_SIZE(statuses));
	assert(kinds[i->kind].can_have & BIT(i->status));
	buf_lit(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	           "<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\">");
	xml_put_element(b, "message-id", i->message_id);
	if (i->date > 0) {
		buf_lit(b, "<datetime>");
		isotime_put(b, i->date);
		buf_lit(b, "</datetime>");
	}
	xml_put_element_if(b, "recipient-uri", i->recipient);
	xml_put_element_if(b, "original-recipient-uri", i->original_recipient);
	xml_put_element_if(b, "subject", i->subject);
	buf_printf(b, "<%s><status><%s/></status></%s></imdn>\r\n", kinds[i->kind].name,
	           statuses[i->status], kinds[i->kind].name);
}

/* --- the form of Lync ----------------------------------------------------------------- */

static int read_recipient(struct imdn_ms_recipient *ret, const struct xml *e)
{
	struct str uri = str_trim(xml_attr(e, "uri"));
	uint32_t status;
	if (str_starts(uri, STR("<")) && str_ends(uri, STR(">")))
		uri = str_trim(str_sub(uri, 1, uri.len - 2));
	if (uri.len == 0 || str_to_u32(xml_child_text(e, "status"), 699, &status) < 0)
		return -EBADMSG;
	*ret = (struct imdn_ms_recipient){ uri, (uint16_t)status };
	return uri.len > IMDN_TEXT_MAX ? -E2BIG : 0;
}

int imdn_ms_parse(struct imdn_ms *ret, struct arena *a, struct str in)
{
	struct xml *root;
	unsigned n = 0;
	int r = open_document(&root, a, in);
	if (r < 0)
		return r;
	const struct xml *first = xml_child(root, "recipient");
	for (const struct xml *e = first; e; e = xml_again(e))
		n++;
	if (n > IMDN_RECIPIENTS_MAX)
		return -E2BIG;
	struct imdn_ms_recipient *v = arena_alloc(a, MAX(n, 1U) * sizeof(*v));
	n = 0;
	for (const struct xml *e = first; e && r == 0; e = xml_again(e))
		r = read_recipient(&v[n++], e);
	if (r == 0)
		*ret = (struct imdn_ms){ xml_child_text(root, "message-id"), v, n };
	return r;
}

void imdn_ms_put(struct buf *b, const struct imdn_ms *i)
{
	buf_lit(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"
	           "<imdn xmlns=\"http://schemas.microsoft.com/rtc/2005/08/imdn\">");
	xml_put_element(b, "message-id", i->message_id);
	for (unsigned k = 0; k < i->n_recipients; k++) {
		buf_lit(b, "<recipient");
		xml_put_attr(b, "uri", i->recipients[k].uri);
		buf_printf(b, "><status>%u</status></recipient>", i->recipients[k].status);
	}
	buf_lit(b, "</imdn>\r\n");
}
