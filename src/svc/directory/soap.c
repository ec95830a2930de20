#include "svc/directory/soap.h"

#include <errno.h>

/* By their LDAP names. */
static const struct {
	struct str name;
	enum acct_field field;
} attributes[] = {
	{ STR_INIT("givenName"), ACCT_GIVEN },
	{ STR_INIT("sn"), ACCT_SURNAME },
	{ STR_INIT("displayName"), ACCT_NAME },
	{ STR_INIT("mail"), ACCT_MAIL },
	{ STR_INIT("msRTCSIP-PrimaryUserAddress"), ACCT_URI },
	{ STR_INIT("company"), ACCT_COMPANY },
	{ STR_INIT("c"), ACCT_COUNTRY },
	{ STR_INIT("telephoneNumber"), ACCT_ANY },
	{ STR_INIT("department"), ACCT_ANY },
	{ STR_INIT("title"), ACCT_ANY },
};

bool directory_is_search(const struct soap *s)
{
	return str_eq(s->method, STR(DIRECTORY_METHOD)) && str_eq(s->space, STR(SOAP_SPACE_SIP));
}

bool directory_field(enum acct_field *ret, struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (str_ieq(name, attributes[i].name)) {
			*ret = attributes[i].field;
			return true;
		}
	}
	return false;
}

/* NULL, or what is wrong. */
static const char *read_row(struct acct_query *q, const struct xml *row)
{
	struct acct_row r = { .value = xml_attr(row, "value") };
	if (q->n == ACCT_ROWS_MAX)
		return "The search has too many attributes";
	if (r.value.len > ACCT_TEXT_MAX)
		return "What is searched for is too long";
	if (!directory_field(&r.field, xml_attr(row, "attrib")))
		return "The search asks for an attribute that is not searched";
	q->rows[q->n++] = r;
	return NULL;
}

static uint32_t read_max(const struct soap *s)
{
	uint32_t max = 0;
	if (str_to_u32(soap_arg(s, "maxResults"), ACCT_FOUND_MAX, &max) < 0 || max == 0)
		return ACCT_FOUND_MAX;
	return max;
}

int directory_read(struct acct_query *ret, const struct soap *s, const char **why)
{
	struct acct_query q = { .max = read_max(s) };
	const struct xml *list = soap_ref(s, xml_child(s->call, "filter"));
	const char *wrong = list ? NULL : "The search does not say what for";
	for (const struct xml *row = xml_child(list, "row"); row && !wrong; row = xml_again(row))
		wrong = read_row(&q, row);
	if (wrong) {
		*why = wrong;
		return -EBADMSG;
	}
	*ret = q;
	return 0;
}

/* --- the answer ----------------------------------------------------------------------- */

static void put_row(struct buf *b, const struct acct_person *p)
{
	char text[ACCT_TEXT_MAX + 8];
	struct buf uri = BUF_ON(text);
	buf_lit(&uri, "sip:");
	buf_str(&uri, p->uri);
	buf_lit(b, "<m:row");
	xml_put_attr(b, "m:uri", buf_view(&uri));
	xml_put_attr(b, "m:displayName", p->display_name);
	xml_put_attr(b, "m:title", p->title);
	xml_put_attr(b, "m:office", p->office);
	xml_put_attr(b, "m:phone", p->phone.len > 0 ? p->phone : p->extension);
	xml_put_attr(b, "m:company", p->company);
	xml_put_attr(b, "m:city", p->city);
	xml_put_attr(b, "m:state", p->state);
	xml_put_attr(b, "m:country", p->country);
	xml_put_attr(b, "m:email", p->email);
	buf_lit(b, "/>");
}

/* moreAvailable stands in front of the people, so they are composed first. */
void directory_put_answer(struct buf *b, const struct acct_person *people, size_t n, bool more,
                          size_t max)
{
	auto_(buf_free) struct buf rows = buf_of(max);
	size_t fit = 0;
	for (size_t i = 0; i < n && !rows.full; i++) {
		put_row(&rows, &people[i]);
		fit = rows.full ? fit : rows.len;
	}
	more |= rows.full;
	soap_put_begin(b, SOAP_SPACE_SIP);
	buf_lit(b, "<m:" DIRECTORY_METHOD ">");
	xml_put_element(b, "m:moreAvailable", more ? STR("true") : STR("false"));
	buf_lit(b, "</m:" DIRECTORY_METHOD "><m:Array>");
	buf_str(b, str_n(rows.p, fit));
	buf_lit(b, "</m:Array>");
	soap_put_end(b);
}
