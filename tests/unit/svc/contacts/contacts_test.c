#include "svc/contacts/contacts.h"

#include <errno.h>
#include <stdlib.h>

#include "sample.h"
#include "tap.h"

/* A list, and what the last change told of it. */
struct world {
	struct contact_list c;
	struct buf told;
};

static struct world *world_start(void)
{
	struct world *w = xnew(struct world);
	contacts_init(&w->c);
	w->told = buf_of(CONTACTS_DOC_MAX);
	return w;
}

static void world_free(struct world **wp)
{
	struct world *w = take(wp);
	contacts_done(&w->c);
	buf_free(&w->told);
	free(w);
}

static int set(struct world *w, const char *uri, const char *name, const char *groups)
{
	struct contact_set s = { .uri = str_of(uri),
		                 .name = str_of(name),
		                 .groups = str_of(groups),
		                 .external = STR(""),
		                 .subscribed = true };
	w->told.len = 0;
	return contacts_set(&w->c, &s, CONTACTS_MAX, &w->told);
}

static int removes(struct world *w, const char *uri)
{
	w->told.len = 0;
	return contacts_remove(&w->c, str_of(uri), &w->told);
}

/* The id, or -errno. */
static int64_t add_group(struct world *w, const char *name)
{
	uint32_t id = 0;
	w->told.len = 0;
	int r = contacts_add_group(&w->c, str_of(name), STR(""), &id, &w->told);
	return r < 0 ? (int64_t)r : (int64_t)id;
}

static int rename_group(struct world *w, uint32_t id, const char *name)
{
	w->told.len = 0;
	return contacts_modify_group(&w->c, id, str_of(name), STR("ext"), &w->told);
}

static int remove_group(struct world *w, uint32_t id)
{
	w->told.len = 0;
	return contacts_remove_group(&w->c, id, &w->told);
}

static bool told(const struct world *w, const char *text)
{
	return str_eq(buf_view(&w->told), str_of(text)) ||
	       (fprintf(stderr, "# told %.*s\n", STR_ARG(buf_view(&w->told))), false);
}

static struct buf document(const struct contact_list *c)
{
	struct buf b = buf_of(CONTACTS_DOC_MAX);
	contacts_put(&b, c, STR(""));
	OK(!b.full);
	return b;
}

/* --- commands ------------------------------------------------------------------------------ */

static void each_command_counts_as_one_change_and_is_told(void)
{
	struct world *w = world_start();
	EQ(w->c.delta, 1);
	EQ(add_group(w, "Friends"), 2);
	OK(told(w, "<addedGroup id=\"2\" name=\"Friends\" externalURI=\"\"/>"));
	EQ(set(w, "sip:dave@example.test", "Dave", "2"), 0);
	OK(told(w, "<addedContact uri=\"sip:dave@example.test\" name=\"Dave\" groups=\"2\""
	           " subscribed=\"true\" externalURI=\"\"/>"));
	EQ(set(w, "DAVE@example.test", "Dave & Co", "2 1"), 0);
	OK(told(w, "<modifiedContact uri=\"sip:dave@example.test\" name=\"Dave &amp; Co\""
	           " groups=\"1 2\" subscribed=\"true\" externalURI=\"\"/>"));
	EQ(rename_group(w, 2, "Team"), 0);
	OK(told(w, "<modifiedGroup id=\"2\" name=\"Team\" externalURI=\"ext\"/>"));
	EQ(removes(w, "sip:dave@example.test"), 0);
	OK(told(w, "<deletedContact uri=\"sip:dave@example.test\"/>"));
	EQ(remove_group(w, 2), 0);
	OK(told(w, "<deletedGroup id=\"2\"/>"));
	EQ(w->c.delta, 7);
	EQ(w->c.n, 0);
	EQ(w->c.n_groups, 1);
	EQ(w->c.written, 0);
	world_free(&w);
}

static void what_is_refused_changes_nothing(void)
{
	char text[CONTACT_TEXT_MAX + 2];
	struct world *w = world_start();
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	EQ(set(w, "sip:bob@example.test", "Bob", "1"), 0);
	EQ(set(w, "", "Bob", "1"), -EINVAL);
	EQ(set(w, "sip: ", "Bob", "1"), -EINVAL);
	EQ(set(w, text, "Bob", "1"), -EINVAL);
	EQ(set(w, "sip:bob@example.test", text, "1"), -EINVAL);
	EQ(set(w, "sip:bob@example.test", "B", "one"), -EINVAL);
	EQ(set(w, "sip:bob@example.test", "B", "1 -2"), -EINVAL);
	EQ(set(w, "sip:bob@example.test", "B", "4294967296"), -EINVAL);
	EQ(removes(w, "sip:eve@example.test"), -ENOENT);
	EQ(removes(w, ""), -ENOENT);
	EQ(add_group(w, ""), -EINVAL);
	EQ(add_group(w, text), -EINVAL);
	EQ(rename_group(w, 9, "x"), -ENOENT);
	EQ(rename_group(w, 1, ""), -EINVAL);
	EQ(remove_group(w, 9), -ENOENT);
	EQ(remove_group(w, CONTACT_GROUP_OTHER), -EPERM);
	EQ(w->told.len, 0);
	EQ(w->c.delta, 2);
	EQ(w->c.n, 1);
	EQ_STR(str_of(contacts_find(&w->c, STR("bob@example.test"))->name), "Bob");
	world_free(&w);
}

static void groups_of_a_contact_are_in_order_and_exist(void)
{
	struct world *w = world_start();
	EQ(add_group(w, "a"), 2);
	EQ(add_group(w, "b"), 3);
	EQ(set(w, "bob@example.test", "", "  3 2  3 99 2 "), 0);
	struct contact *k = contacts_find(&w->c, STR("sip:Bob@Example.Test"));
	OK(k && k->n_groups == 2 && k->groups[0] == 2 && k->groups[1] == 3);
	EQ(set(w, "bob@example.test", "", "77"), 0);
	OK(k->n_groups == 1 && k->groups[0] == CONTACT_GROUP_OTHER);
	EQ(set(w, "bob@example.test", "", ""), 0);
	OK(k->n_groups == 1 && k->groups[0] == CONTACT_GROUP_OTHER);
	world_free(&w);
}

static void contacts_of_a_group_that_goes_move_to_the_one_that_stays(void)
{
	struct world *w = world_start();
	EQ(add_group(w, "a"), 2);
	EQ(add_group(w, "b"), 3);
	EQ(set(w, "alone@x", "", "2"), 0);
	EQ(set(w, "both@x", "", "2 3"), 0);
	EQ(set(w, "other@x", "", "3"), 0);
	uint32_t delta = w->c.delta;
	EQ(remove_group(w, 2), 0);
	OK(told(w, "<modifiedContact uri=\"sip:alone@x\" name=\"\" groups=\"1\" subscribed=\"true\""
	           " externalURI=\"\"/>"
	           "<modifiedContact uri=\"sip:both@x\" name=\"\" groups=\"3\" subscribed=\"true\""
	           " externalURI=\"\"/><deletedGroup id=\"2\"/>"));
	EQ(w->c.delta, delta + 1);
	OK(contacts_group(&w->c, 2) == NULL && contacts_group(&w->c, 3) != NULL);
	world_free(&w);
}

static void ids_of_groups_are_not_used_again(void)
{
	struct world *w = world_start();
	EQ(add_group(w, "a"), 2);
	EQ(add_group(w, "b"), 3);
	EQ(remove_group(w, 3), 0);
	EQ(remove_group(w, 2), 0);
	EQ(add_group(w, "c"), 4);
	OK(contacts_read(&w->c, STR("<contactList deltaNum='5'><group id='1' name='~'/>"
	                            "<group id='4294967294' name='last'/></contactList>")) == 0);
	EQ(add_group(w, "none is left"), -ENOSPC);
	EQ(w->c.n_groups, 2);
	world_free(&w);
}

static void other_uris_keep_their_scheme(void)
{
	struct world *w = world_start();
	EQ(set(w, "tel:+493012", "", ""), 0);
	OK(told(w, "<addedContact uri=\"tel:+493012\" name=\"\" groups=\"1\" subscribed=\"true\""
	           " externalURI=\"\"/>"));
	EQ(set(w, "SIP:a:b@example.test", "", ""), 0);
	OK(contacts_find(&w->c, STR("a:b@example.test")) != NULL);
	EQ(removes(w, "tel:+493012"), 0);
	OK(told(w, "<deletedContact uri=\"tel:+493012\"/>"));
	world_free(&w);
}

static void a_contact_may_be_named_after_itself(void)
{
	struct world *w = world_start();
	EQ(set(w, "bob@example.test", "Bob", ""), 0);
	const struct contact *k = contacts_find(&w->c, STR("bob@example.test"));
	EQ(set(w, k->uri, k->name, ""), 0);
	EQ_STR(str_of(k->name), "Bob");
	EQ(removes(w, k->uri), 0);
	OK(told(w, "<deletedContact uri=\"sip:bob@example.test\"/>"));
	world_free(&w);
}

static void a_name_that_a_group_got_lately_is_an_echo(void)
{
	struct world *w = world_start();
	usec_t now = 1000 * USEC_PER_SEC, later = now + CONTACT_ECHO_S * USEC_PER_SEC;
	char name[16];
	EQ(add_group(w, "a"), 2);
	OK(!contacts_is_echo(&w->c, 2, STR("a"), now));
	for (int i = 0; i <= CONTACT_ECHOES; i++) {
		(void)snprintf(name, sizeof(name), "name %d", i);
		EQ(rename_group(w, 2, name), 0);
		contacts_renamed(&w->c, 2, now);
	}
	OK(contacts_is_echo(&w->c, 2, STR("name 1"), later - 1));
	OK(!contacts_is_echo(&w->c, 2, STR("name 1"), later));
	OK(!contacts_is_echo(&w->c, 2, STR("name 0"), now)); /* so many are remembered */
	OK(!contacts_is_echo(&w->c, 1, STR("name 1"), now));
	OK(!contacts_is_echo(&w->c, 9, STR("name 1"), now));
	contacts_renamed(&w->c, 9, now);
	EQ(remove_group(w, 2), 0);
	world_free(&w);
}

/* --- limits -------------------------------------------------------------------------------- */

static void a_list_has_so_many_contacts(void)
{
	struct world *w = world_start();
	char uri[64];
	for (unsigned i = 0; i < CONTACTS_MAX; i++) {
		(void)snprintf(uri, sizeof(uri), "sip:user%u@example.test", i);
		EQ(set(w, uri, "", ""), 0);
	}
	EQ(set(w, "sip:more@example.test", "", ""), -ENOSPC);
	EQ(set(w, "sip:user7@example.test", "Seven", ""), 0);
	EQ(removes(w, "sip:user8@example.test"), 0);
	struct contact_set s = { .uri = STR("more@example.test") };
	EQ(contacts_set(&w->c, &s, CONTACTS_MAX - 1, &w->told), -ENOSPC); /* a policy */
	EQ(contacts_set(&w->c, &s, UINT32_MAX, &w->told), 0);
	struct buf b = document(&w->c);
	EQ(contacts_read(&w->c, buf_view(&b)), 0);
	EQ(w->c.n, CONTACTS_MAX);
	buf_free(&b);
	world_free(&w);
}

static void a_list_has_so_many_groups(void)
{
	struct world *w = world_start();
	char name[32], ids[256];
	struct buf b = BUF_ON(ids);
	for (unsigned i = 2; i <= CONTACT_GROUPS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "group %u", i);
		EQ(add_group(w, name), i);
		if (i <= CONTACT_IN_GROUPS_MAX + 1)
			buf_printf(&b, "%u ", i);
	}
	EQ(add_group(w, "more"), -ENOSPC);
	buf_char(&b, 0);
	EQ(set(w, "bob@example.test", "", ids), 0);
	EQ(contacts_find(&w->c, STR("bob@example.test"))->n_groups, CONTACT_IN_GROUPS_MAX);
	ids[b.len - 1] = '1';
	EQ(set(w, "bob@example.test", "", ids), -ENOSPC);
	world_free(&w);
}

/* Names of quotation marks are six times as long in a document: what is taken fits into it. */
static void what_is_taken_can_be_written_and_read_again(void)
{
	struct world *w = world_start();
	char name[CONTACT_TEXT_MAX + 1], uri[CONTACT_TEXT_MAX + 1];
	unsigned n = 0;
	int r = 0;
	memset(name, '"', CONTACT_TEXT_MAX);
	memset(uri, '"', CONTACT_TEXT_MAX);
	name[CONTACT_TEXT_MAX] = uri[CONTACT_TEXT_MAX] = 0;
	for (unsigned i = 2; i <= CONTACT_GROUPS_MAX; i++)
		OK(add_group(w, name) > 0);
	for (; r == 0; n++) {
		(void)snprintf(uri, 9, "%08u", n);
		uri[8] = '"';
		r = set(w, uri, name, "2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17");
	}
	EQ(r, -ENOSPC);
	OK(n > 100 && n < CONTACTS_MAX);
	uint32_t delta = w->c.delta;
	struct buf b = document(&w->c);
	struct contact_list again;
	contacts_init(&again);
	EQ(contacts_read(&again, buf_view(&b)), 0);
	EQ(again.n, w->c.n);
	EQ(again.written, w->c.written);
	EQ(again.delta, delta);
	/* Who is there may be changed, not lengthened. */
	EQ(set(w, uri, name, ""), -ENOSPC);
	(void)snprintf(uri, 9, "%08u", 0);
	uri[8] = '"';
	EQ(set(w, uri, "", ""), 0);
	contacts_done(&again);
	buf_free(&b);
	world_free(&w);
}

/* --- documents ----------------------------------------------------------------------------- */

static void a_list_is_written_and_read_again(void)
{
	struct world *w = world_start();
	EQ(add_group(w, "Fr<nds"), 2);
	EQ(set(w, "sip:bob@example.test", "Bob \"B\"", "1 2"), 0);
	EQ(set(w, "tel:+49", "", ""), 0);
	struct contact_set s = { .uri = STR("eve@x"), .external = STR("https://x/?a&b") };
	EQ(contacts_set(&w->c, &s, CONTACTS_MAX, &w->told), 0);
	struct buf b = buf_of(4096);
	contacts_put(&b, &w->c, STR(" ucsmode=\"none\""));
	EQ_STR(buf_view(&b),
	       "<contactList deltaNum=\"5\" ucsmode=\"none\"><group id=\"1\" name=\"~\""
	       " externalURI=\"\"/><group id=\"2\" name=\"Fr&lt;nds\" externalURI=\"\"/>"
	       "<contact uri=\"bob@example.test\" name=\"Bob &quot;B&quot;\" groups=\"1 2\""
	       " subscribed=\"true\" externalURI=\"\"/>"
	       "<contact uri=\"tel:+49\" name=\"\" groups=\"1\" subscribed=\"true\""
	       " externalURI=\"\"/>"
	       "<contact uri=\"eve@x\" name=\"\" groups=\"1\" subscribed=\"false\""
	       " externalURI=\"https://x/?a&amp;b\"/></contactList>\r\n");
	struct contact_list again;
	contacts_init(&again);
	EQ(contacts_read(&again, buf_view(&b)), 0);
	struct buf one = document(&w->c), two = document(&again);
	OK(str_eq(buf_view(&one), buf_view(&two)));
	EQ(again.next_group, 3);
	contacts_done(&again);
	buf_free(&one);
	buf_free(&two);
	buf_free(&b);
	world_free(&w);
}

static void a_delta_names_the_one_before(void)
{
	struct world *w = world_start();
	EQ(add_group(w, "a"), 2);
	struct buf b = buf_of(4096);
	contacts_put_delta(&b, &w->c, buf_view(&w->told));
	EQ_STR(buf_view(&b), "<contactDelta deltaNum=\"2\" prevDeltaNum=\"1\"><addedGroup id=\"2\""
	                     " name=\"a\" externalURI=\"\"/></contactDelta>\r\n");
	w->c.delta = UINT32_MAX;
	EQ(rename_group(w, 2, "b"), 0);
	EQ(w->c.delta, 1); /* never 0 */
	buf_free(&b);
	world_free(&w);
}

static void a_captured_list_is_read(void)
{
	struct world *w = world_start();
	struct buf b;
	EQ(contacts_read(&w->c, sample(&b, "contacts/sign-in-subscribe-vnd-microsoft-roaming-"
	                                   "contacts")),
	   0);
	OK(w->c.n > 0 && contacts_find(&w->c, STR("sip:bob@contoso.com")) != NULL);
	buf_free(&b);
	world_free(&w);
}

static void what_cannot_be_read_changes_nothing(void)
{
	static const struct {
		const char *text;
		int r;
	} rows[] = {
		{ "", -EBADMSG },
		{ "<contactList", -EBADMSG },
		{ "<list deltaNum='1'/>", -EBADMSG },
		{ "<contactList/>", -EBADMSG },
		{ "<contactList deltaNum='x'/>", -EBADMSG },
		{ "<contactList deltaNum='4294967296'/>", -EBADMSG },
		{ "<contactList deltaNum='1'><group name='x'/></contactList>", -EBADMSG },
		{ "<contactList deltaNum='1'><group id='0' name='x'/></contactList>", -EBADMSG },
		{ "<contactList deltaNum='1'><group id='4294967295' name='x'/></contactList>",
		  -EBADMSG },
		{ "<contactList deltaNum='1'><group id='2' name='x'/><group id='2' name='y'/>"
		  "</contactList>",
		  -EBADMSG },
		{ "<contactList deltaNum='1'><contact uri=''/></contactList>", -EBADMSG },
		{ "<contactList deltaNum='1'><contact name='x'/></contactList>", -EBADMSG },
		{ "<contactList deltaNum='1'><contact uri='a@x' groups='x'/></contactList>",
		  -EBADMSG },
		{ "<!DOCTYPE x [<!ENTITY a 'b'>]><contactList deltaNum='1'/>", -EBADMSG },
	};
	struct world *w = world_start();
	EQ(set(w, "bob@example.test", "", ""), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EQ(contacts_read(&w->c, str_of(rows[i].text)), rows[i].r);
	EQ(w->c.n, 1);
	EQ(w->c.delta, 2);
	world_free(&w);
}

static int reads_many(const char *before, const char *format, unsigned n)
{
	struct world *w = world_start();
	auto_(buf_free) struct buf b = buf_of(CONTACTS_DOC_MAX);
	buf_printf(&b, "<contactList deltaNum='0'>%s", before);
	for (unsigned i = 0; i < n; i++) {
		char number[16];
		struct str head, tail;
		(void)snprintf(number, sizeof(number), "%u", i + 2);
		(void)str_cut(str_of(format), '#', &head, &tail);
		buf_str(&b, head);
		buf_str(&b, str_of(number));
		buf_str(&b, tail);
	}
	buf_lit(&b, "</contactList>");
	int r = contacts_read(&w->c, buf_view(&b));
	OK(w->c.delta == 1 && contacts_group(&w->c, CONTACT_GROUP_OTHER) != NULL);
	world_free(&w);
	return r;
}

static void a_document_has_the_limits_of_a_list(void)
{
	EQ(reads_many("", "<contact uri='u#@x'/>", CONTACTS_MAX), 0);
	EQ(reads_many("", "<contact uri='u#@x'/>", CONTACTS_MAX + 1), -E2BIG);
	EQ(reads_many("", "<contact uri='U@x' name='#'/>", CONTACTS_MAX + 1), 0); /* the same */
	EQ(reads_many("<group id='1' name='~'/>", "<group id='#' name='x'/>",
	              CONTACT_GROUPS_MAX - 1),
	   0);
	EQ(reads_many("<group id='1' name='~'/>", "<group id='#' name='x'/>", CONTACT_GROUPS_MAX),
	   -E2BIG);
	/* The group that every list has needs room too. */
	EQ(reads_many("", "<group id='#' name='x'/>", CONTACT_GROUPS_MAX - 1), 0);
	EQ(reads_many("", "<group id='#' name='x'/>", CONTACT_GROUPS_MAX), -E2BIG);
}

int main(void)
{
	RUN(each_command_counts_as_one_change_and_is_told);
	RUN(what_is_refused_changes_nothing);
	RUN(groups_of_a_contact_are_in_order_and_exist);
	RUN(contacts_of_a_group_that_goes_move_to_the_one_that_stays);
	RUN(ids_of_groups_are_not_used_again);
	RUN(other_uris_keep_their_scheme);
	RUN(a_contact_may_be_named_after_itself);
	RUN(a_name_that_a_group_got_lately_is_an_echo);
	RUN(a_list_has_so_many_contacts);
	RUN(a_list_has_so_many_groups);
	RUN(what_is_taken_can_be_written_and_read_again);
	RUN(a_list_is_written_and_read_again);
	RUN(a_delta_names_the_one_before);
	RUN(a_captured_list_is_read);
	RUN(what_cannot_be_read_changes_nothing);
	RUN(a_document_has_the_limits_of_a_list);
	return tap_done();
}
