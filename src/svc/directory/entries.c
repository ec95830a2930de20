#include "svc/directory/entries.h"

#include <errno.h>

#include "svc/directory/soap.h"

#define ROW "AbEntryRequest.ChangeSearchQuery"

bool entries_is_search(const struct soap *s)
{
	return str_eq(s->method, STR(ENTRIES_METHOD)) && str_eq(s->space, STR(ENTRIES_SPACE));
}

static struct str bare(struct str uri)
{
	return str_istarts(uri, STR("sip:")) ? str_sub(uri, 4, uri.len) : uri;
}

/* NULL, or what is wrong. */
static const char *add_row(struct acct_query *q, enum acct_field field, struct str value)
{
	if (q->n == ACCT_ROWS_MAX)
		return "The search has too many attributes";
	if (value.len > ACCT_TEXT_MAX)
		return "What is searched for is too long";
	q->rows[q->n++] = (struct acct_row){ field, field == ACCT_URI ? bare(value) : value };
	return NULL;
}

static const char *read_row(struct acct_query *q, const struct xml *row)
{
	enum acct_field field;
	if (!directory_field(&field, xml_child_text(row, "SearchOn")))
		return "The search asks for an attribute that is not searched";
	return add_row(q, field, xml_child_text(row, "Value"));
}

static uint32_t read_max(const struct xml *request)
{
	uint32_t max = 0;
	struct str text = xml_child_text(xml_child(request, "Metadata"), "MaxResultNum");
	if (str_to_u32(text, ACCT_FOUND_MAX, &max) < 0 || max == 0)
		return ACCT_FOUND_MAX;
	return max;
}

int entries_read(struct acct_query *ret, const struct soap *s, const char **why)
{
	const struct xml *request = xml_child(s->call, "AbEntryRequest");
	const struct xml *simple = xml_child(request, "BasicSearch");
	const struct xml *list = xml_child(request, "ChangeSearch");
	struct acct_query q = { .max = read_max(request) };
	const char *wrong = NULL;
	if (simple)
		wrong = add_row(&q, ACCT_ANY, xml_child_text(simple, "Value"));
	for (const struct xml *row = xml_child(list, ROW); row && !wrong; row = xml_again(row))
		wrong = read_row(&q, row);
	if (!wrong && q.n == 0)
		wrong = "The search does not say what for";
	if (wrong) {
		*why = wrong;
		return -EBADMSG;
	}
	*ret = q;
	return 0;
}

/* --- the answer ----------------------------------------------------------------------- */

static void put_attribute(struct buf *b, const char *name, struct str value)
{
	if (value.len == 0)
		return;
	buf_lit(b, "<Attribute>");
	xml_put_element(b, "Name", str_of(name));
	xml_put_element(b, "Value", value);
	buf_lit(b, "</Attribute>");
}

/* Of an attribute that may have several; pidgin-sipe reads numbers in this form alone. */
static void put_values(struct buf *b, const char *name, struct str value)
{
	if (value.len == 0)
		return;
	buf_lit(b, "<Attribute>");
	xml_put_element(b, "Name", str_of(name));
	buf_lit(b, "<Values>");
	xml_put_element(b, "string", value);
	buf_lit(b, "</Values></Attribute>");
}

static void put_entry(struct buf *b, const struct acct_person *p)
{
	char text[ACCT_TEXT_MAX + 8];
	struct buf uri = BUF_ON(text);
	buf_lit(&uri, "sip:");
	buf_str(&uri, p->uri);
	buf_lit(b, "<AbEntry><Attributes>");
	put_attribute(b, "msRTCSIP-PrimaryUserAddress", buf_view(&uri));
	put_attribute(b, "displayName", p->display_name.len ? p->display_name : p->uri);
	put_attribute(b, "title", p->title);
	put_attribute(b, "department", p->department);
	put_attribute(b, "physicalDeliveryOfficeName", p->office);
	put_values(b, "telephoneNumber", p->phone);
	put_attribute(b, "mail", p->email);
	put_attribute(b, "company", p->company);
	put_attribute(b, "country", p->country);
	buf_lit(b, "</Attributes></AbEntry>");
}

void entries_put_answer(struct buf *b, const struct acct_person *people, size_t n, size_t max)
{
	auto_(buf_free) struct buf items = buf_of(max);
	size_t fit = 0;
	for (size_t i = 0; i < n && !items.full; i++) {
		put_entry(&items, &people[i]);
		fit = items.full ? fit : items.len;
	}
	soap_put_begin(b, NULL);
	buf_lit(b, "<" ENTRIES_METHOD "Response xmlns=\"" ENTRIES_SPACE "\"><" ENTRIES_METHOD
	           "Result><Items>");
	buf_str(b, str_n(items.p, fit));
	buf_lit(b, "</Items></" ENTRIES_METHOD "Result></" ENTRIES_METHOD "Response>");
	soap_put_end(b);
}
