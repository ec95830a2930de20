#include "svc/directory/entries.h"

#include <errno.h>

#include "tap.h"

#define BEGIN                                                                        \
	"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>" \
	"<SearchAbEntry xmlns=\"DistributionListExpander\"> <AbEntryRequest>"
#define END                                                                                   \
	"<Metadata><FromDialPad>false</FromDialPad><MaxResultNum>7</MaxResultNum></Metadata>" \
	"</AbEntryRequest></SearchAbEntry></s:Body></s:Envelope>"
#define ROW(on, value)                                                                 \
	"<AbEntryRequest.ChangeSearchQuery> <SearchOn>" on "</SearchOn> <Value>" value \
	"</Value></AbEntryRequest.ChangeSearchQuery>"

static int read(struct acct_query *q, struct arena *a, struct str text, const char **why)
{
	struct soap s;
	EQ(soap_read(&s, a, text), 0);
	OK(entries_is_search(&s));
	*why = NULL;
	return entries_read(q, &s, why);
}

static void a_search_by_attributes_is_read(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct acct_query q;
	const char *why;
	EQ(read(&q, a,
	        STR(BEGIN "<ChangeSearch>" ROW("givenName", "Bob") ROW("SN", "M&amp;M")
	                    ROW("msRTCSIP-PrimaryUserAddress", "sip:bob@x") "</ChangeSearch>" END),
	        &why),
	   0);
	EQ(q.max, 7);
	EQ(q.n, 3);
	OK(q.rows[0].field == ACCT_GIVEN && q.rows[1].field == ACCT_SURNAME &&
	   q.rows[2].field == ACCT_URI);
	EQ_STR(q.rows[1].value, "M&M");
	EQ_STR(q.rows[2].value, "bob@x");
}

static void a_simple_search_looks_anywhere(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct acct_query q;
	const char *why;
	EQ(read(&q, a,
	        STR(BEGIN "<BasicSearch><SearchList>c,company</SearchList><Value>bo</Value>"
	                  "<Verb>BeginsWith</Verb></BasicSearch>" END),
	        &why),
	   0);
	EQ(q.n, 1);
	OK(q.rows[0].field == ACCT_ANY);
	EQ_STR(q.rows[0].value, "bo");
}

static void what_cannot_be_searched_is_told(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	struct acct_query q;
	const char *why;
	EQ(read(&q, a, STR(BEGIN END), &why), -EBADMSG);
	OK(why && strstr(why, "does not say what for"));
	EQ(read(&q, a, STR(BEGIN "<ChangeSearch>" ROW("photo", "x") "</ChangeSearch>" END), &why),
	   -EBADMSG);
	OK(why && strstr(why, "not searched"));
#define FOUR ROW("sn", "x") ROW("sn", "x") ROW("sn", "x") ROW("sn", "x")
	EQ(read(&q, a,
	        STR(BEGIN
	            "<ChangeSearch>" FOUR FOUR FOUR FOUR ROW("sn", "x") "</ChangeSearch>" END),
	        &why),
	   -EBADMSG);
	OK(why && strstr(why, "too many"));
	static char text[2048], value[ACCT_TEXT_MAX + 2];
	memset(value, 'a', ACCT_TEXT_MAX + 1);
	(void)snprintf(text, sizeof(text), "%s<ChangeSearch>" ROW("sn", "%s") "</ChangeSearch>%s",
	               BEGIN, value, END);
	EQ(read(&q, a, str_of(text), &why), -EBADMSG);
	OK(why && strstr(why, "too long"));
}

static void the_answer_has_what_is_known(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(8192);
	struct acct_person p[2] = {
		{ .uri = STR("bob@x"), .display_name = STR("B<&>"), .phone = STR("+491") },
		{ .uri = STR("eve@x") }
	};
	struct soap s;
	entries_put_answer(&b, p, 2, 4096);
	EQ(soap_read(&s, a, buf_view(&b)), 0);
	EQ_STR(s.method, "SearchAbEntryResponse");
	EQ_STR(s.space, ENTRIES_SPACE);
	const struct xml *e = xml_child(xml_child(s.call, "SearchAbEntryResult"), "Items")->child;
	const struct xml *at = xml_child(xml_child(e, "Attributes"), "Attribute");
	EQ_STR(xml_child_text(at, "Name"), "msRTCSIP-PrimaryUserAddress");
	EQ_STR(xml_child_text(at, "Value"), "sip:bob@x");
	at = xml_again(at);
	EQ_STR(xml_child_text(at, "Value"), "B<&>");
	at = xml_again(at);
	EQ_STR(xml_child_text(at, "Name"), "telephoneNumber");
	EQ_STR(xml_child_text(xml_child(at, "Values"), "string"), "+491");
	OK(!xml_again(at));
	e = xml_again(e);
	at = xml_again(xml_child(xml_child(e, "Attributes"), "Attribute"));
	EQ_STR(xml_child_text(at, "Value"), "eve@x");
	OK(!xml_again(e));
}

static void who_does_not_fit_is_left_out(void)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(8192);
	struct acct_person p[20];
	struct soap s;
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = (struct acct_person){ .uri = STR("<<<<<<<<<<<<<<<<<<<<@x") };
	entries_put_answer(&b, p, ARRAY_SIZE(p), 1500);
	OK(!b.full);
	EQ(soap_read(&s, a, buf_view(&b)), 0);
	size_t n = 0;
	const struct xml *e = xml_child(xml_child(s.call, "SearchAbEntryResult"), "Items")->child;
	for (; e; e = e->next)
		n++;
	OK(n >= 1 && n < ARRAY_SIZE(p));
}

int main(void)
{
	RUN(a_search_by_attributes_is_read);
	RUN(a_simple_search_looks_anywhere);
	RUN(what_cannot_be_searched_is_told);
	RUN(the_answer_has_what_is_known);
	RUN(who_does_not_fit_is_left_out);
	return tap_done();
}
