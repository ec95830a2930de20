#include "svc/directory/soap.h"

#include <errno.h>

#include "tap.h"

#define OPEN                                                                \
	"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"" \
	" xmlns:m=\"http://schemas.microsoft.com/winrtc/2002/11/sip\"><s:Body>"
#define CLOSE "</s:Body></s:Envelope>"
#define FILTER(rest) \
	"<m:directorySearch><m:filter m:href=\"#searchArray\"/>" rest "</m:directorySearch>"

static struct arena *arena;
static const char *why;

static int read_text(struct acct_query *ret, struct str text)
{
	struct soap s;
	arena_free(&arena);
	arena = arena_new();
	why = "";
	EQ(soap_read(&s, arena, text), 0);
	OK(directory_is_search(&s));
	return directory_read(ret, &s, &why);
}

/* As pidgin-sipe 1.25 writes it. */
static void a_clients_search_is_read(void)
{
	struct acct_query q;
	EQ(read_text(&q, STR(OPEN FILTER(
	                         "<m:maxResults>25</m:maxResults>") "<m:Array m:id=\"searchArray\">"
	                                                            "<m:row m:attrib=\"givenName\" "
	                                                            "m:value=\"Carol\"/>"
	                                                            "<m:row m:attrib=\"sn\" "
	                                                            "m:value=\"O&apos;Clark\"/>"
	                                                            "<m:row "
	                                                            "m:attrib=\"msRTCSIP-"
	                                                            "PrimaryUserAddress\" "
	                                                            "m:value=\"sip:c@x\"/>"
	                                                            "</m:Array>" CLOSE)),
	   0);
	EQ(q.max, 25);
	EQ(q.n, 3);
	EQ(q.rows[0].field, ACCT_GIVEN);
	EQ_STR(q.rows[0].value, "Carol");
	EQ(q.rows[1].field, ACCT_SURNAME);
	EQ_STR(q.rows[1].value, "O'Clark");
	EQ(q.rows[2].field, ACCT_URI);
}

static void the_limit_is_ours_if_none_or_a_greater_one_is_asked_for(void)
{
	struct acct_query q;
	EQ(read_text(&q, STR(OPEN FILTER("") "<m:Array m:id=\"searchArray\"/>" CLOSE)), 0);
	EQ(q.max, ACCT_FOUND_MAX);
	EQ(q.n, 0);
	EQ(read_text(&q,
	             STR(OPEN FILTER(
	                     "<m:maxResults>5000</m:maxResults>") "<m:Array "
	                                                          "m:id=\"searchArray\"/>" CLOSE)),
	   0);
	EQ(q.max, ACCT_FOUND_MAX);
}

static void what_is_no_search_is_explained(void)
{
	struct acct_query q;
	EQ(read_text(&q, STR(OPEN "<m:directorySearch/>" CLOSE)), -EBADMSG);
	OK(strstr(why, "what for") != NULL);
	EQ(read_text(&q, STR(OPEN FILTER("") CLOSE)), -EBADMSG);
	EQ(read_text(&q,
	             STR(OPEN FILTER("") "<m:Array m:id=\"searchArray\"><m:row m:attrib=\"photo\""
	                                 " m:value=\"x\"/></m:Array>" CLOSE)),
	   -EBADMSG);
	OK(strstr(why, "attribute") != NULL);
}

static void rows_and_their_length_are_bounded(void)
{
	struct acct_query q;
	auto_(buf_free) struct buf b = buf_of(64 * 1024);
	for (unsigned n = ACCT_ROWS_MAX; n <= ACCT_ROWS_MAX + 1; n++) {
		b.len = 0;
		buf_lit(&b, OPEN FILTER("") "<m:Array m:id=\"searchArray\">");
		for (unsigned i = 0; i < n; i++)
			buf_lit(&b, "<m:row m:attrib=\"sn\" m:value=\"x\"/>");
		buf_lit(&b, "</m:Array>" CLOSE);
		EQ(read_text(&q, buf_view(&b)), n > ACCT_ROWS_MAX ? -EBADMSG : 0);
	}
	for (unsigned n = ACCT_TEXT_MAX; n <= ACCT_TEXT_MAX + 1; n++) {
		b.len = 0;
		buf_lit(&b, OPEN FILTER("") "<m:Array m:id=\"searchArray\"><m:row m:attrib=\"c\" "
		                            "m:value=\"");
		for (unsigned i = 0; i < n; i++)
			buf_char(&b, 'x');
		buf_lit(&b, "\"/></m:Array>" CLOSE);
		EQ(read_text(&q, buf_view(&b)), n > ACCT_TEXT_MAX ? -EBADMSG : 0);
	}
}

static void other_calls_are_no_search(void)
{
	struct soap s;
	auto_(arena_free) struct arena *a = arena_new();
	EQ(soap_read(&s, a, STR(OPEN "<m:setContact/>" CLOSE)), 0);
	OK(!directory_is_search(&s));
	EQ(soap_read(&s, a, STR(OPEN "<directorySearch/>" CLOSE)), 0);
	OK(!directory_is_search(&s));
}

static const struct acct_person carol = { .uri = STR_INIT("carol@contoso.com"),
	                                  .display_name = STR_INIT("Carol <C> Clark"),
	                                  .title = STR_INIT("Engineer"),
	                                  .office = STR_INIT("1"),
	                                  .phone = STR_INIT("+15550001"),
	                                  .extension = STR_INIT("77"),
	                                  .company = STR_INIT("Contoso"),
	                                  .city = STR_INIT("Town"),
	                                  .country = STR_INIT("US"),
	                                  .email = STR_INIT("carol@contoso.com") };
#define ROW                                                                                \
	"<m:row m:uri=\"sip:carol@contoso.com\" m:displayName=\"Carol &lt;C&gt; Clark\""   \
	" m:title=\"Engineer\" m:office=\"1\" m:phone=\"+15550001\" m:company=\"Contoso\"" \
	" m:city=\"Town\" m:state=\"\" m:country=\"US\" m:email=\"carol@contoso.com\"/>"
#define ANSWER(more, rows)                               \
	OPEN "<m:directorySearch><m:moreAvailable>" more \
	     "</m:moreAvailable></m:directorySearch><m:Array>" rows "</m:Array>" CLOSE

static void people_are_written_as_clients_read_them(void)
{
	auto_(buf_free) struct buf b = buf_of(64 * 1024);
	directory_put_answer(&b, NULL, 0, false, 1000);
	EQ_STR(buf_view(&b), ANSWER("false", ""));
	b.len = 0;
	directory_put_answer(&b, &carol, 1, true, 1000);
	EQ_STR(buf_view(&b), ANSWER("true", ROW));
}

static void who_has_no_number_shows_the_extension(void)
{
	auto_(buf_free) struct buf b = buf_of(64 * 1024);
	struct acct_person p = { .uri = STR("a@b"), .extension = STR("77") };
	directory_put_answer(&b, &p, 1, false, 1000);
	OK(str_find(buf_view(&b), STR("m:phone=\"77\"")) > 0);
}

static void who_does_not_fit_is_more(void)
{
	auto_(buf_free) struct buf b = buf_of(64 * 1024);
	const struct acct_person people[] = { carol, carol, carol };
	directory_put_answer(&b, people, 3, false, 2 * sizeof(ROW) + 20);
	EQ_STR(buf_view(&b), ANSWER("true", ROW ROW));
	b.len = 0;
	directory_put_answer(&b, people, 3, false, 10);
	EQ_STR(buf_view(&b), ANSWER("true", ""));
}

int main(void)
{
	RUN(a_clients_search_is_read);
	RUN(the_limit_is_ours_if_none_or_a_greater_one_is_asked_for);
	RUN(what_is_no_search_is_explained);
	RUN(rows_and_their_length_are_bounded);
	RUN(other_calls_are_no_search);
	RUN(people_are_written_as_clients_read_them);
	RUN(who_has_no_number_shows_the_extension);
	RUN(who_does_not_fit_is_more);
	arena_free(&arena);
	return tap_done();
}
