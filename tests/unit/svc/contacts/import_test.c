#include "svc/contacts/import.h"

#include <errno.h>

#include "tap.h"

struct world {
	struct contact_list c;
	struct contacts_imported n;
	struct buf why;
};

static struct world world_start(void)
{
	struct world w = { .why = buf_of(4096) };
	auto_(buf_free) struct buf ignored = buf_of(4096);
	struct contact_set s = { .uri = STR("bob@example.test"), .name = STR("Bob") };
	uint32_t id = 0;
	contacts_init(&w.c);
	EQ(contacts_set(&w.c, &s, CONTACTS_MAX, &ignored), 0);
	EQ(contacts_add_group(&w.c, STR("Team"), STR(""), &id, &ignored), 0);
	return w;
}

static int import(struct world *w, const char *document)
{
	w->why.len = 0;
	return contacts_import(&w->c, str_of(document), 3, &w->n, &w->why);
}

static void world_end(struct world *w)
{
	contacts_done(&w->c);
	buf_free(&w->why);
}

static void contacts_and_groups_are_merged(void)
{
	struct world w = world_start();
	EQ(import(&w, "<contactList>\n<contact uri='sip:BOB@example.test' name='Robert'"
	              " groups='7 8'/>"
	              "<contact uri='tel:+49'/>"
	              "<group id='7' name='Team'/><group id='8' name='New'/></contactList>"),
	   0);
	EQ(w.n.added, 1);
	EQ(w.n.updated, 1);
	EQ(w.c.n_groups, 3);
	const struct contact *bob = contacts_find(&w.c, STR("bob@example.test"));
	EQ_STR(str_of(bob->name), "Robert");
	EQ(bob->n_groups, 2);
	EQ_STR(str_of(contacts_group(&w.c, bob->groups[0])->name), "Team");
	EQ_STR(str_of(contacts_group(&w.c, bob->groups[1])->name), "New");
	world_end(&w);
}

static void a_mistake_is_told_by_line_and_element_and_nothing_is_imported(void)
{
#define GOOD "<contactList>\n<group id='9' name='G'/><contact uri='a@x'/>\n"
	static const struct {
		const char *text, *why;
		int r;
	} rows[] = {
		{ "<contactList>\n<x", "line 2: this is no XML: unclosed token", -EBADMSG },
		{ "\n<html/>",
		  "line 2, <html>: this is no list of contacts: expected is "
		  "<contactList>, as `dialtone contact export` writes it",
		  -EBADMSG },
		{ GOOD "<contcat/></contactList>",
		  "line 3, <contcat>: expected is <group> or <contact>", -EBADMSG },
		{ GOOD "\n<contact\nuri='no address'/></contactList>",
		  "line 4, <contact uri=\"no address\">: expected is an address as its uri, such "
		  "as "
		  "bob@example.test",
		  -EBADMSG },
		{ GOOD "<contact uri='x@'/></contactList>",
		  "line 3, <contact uri=\"x@\">: expected is an address as its uri, such as "
		  "bob@example.test",
		  -EBADMSG },
		{ GOOD "<contact uri='b@x' groups='9 x'/></contactList>",
		  "line 3, <contact uri=\"b@x\">: groups has \"x\"; expected are ids of groups, "
		  "with "
		  "blanks between",
		  -EBADMSG },
		{ GOOD "<contact uri='b@x' groups='4'/></contactList>",
		  "line 3, <contact uri=\"b@x\">: there is no <group id=\"4\"> in the document",
		  -EBADMSG },
		{ GOOD "<group id='0' name='x'/></contactList>",
		  "line 3, <group id=\"0\">: expected is a number from 1 as its id", -EBADMSG },
		{ GOOD "<group id='9' name='x'/></contactList>",
		  "line 3, <group id=\"9\">: another group has that id already", -EBADMSG },
		{ GOOD "<contact uri='b@x'/>\n<contact uri='c@x'/></contactList>",
		  "line 4, <contact uri=\"c@x\">: there is no room for it on the list", -ENOSPC },
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w = world_start();
		EQ(import(&w, rows[i].text), rows[i].r);
		EQ_STR(buf_view(&w.why), rows[i].why);
		EQ(w.c.n, 1);
		EQ(w.c.n_groups, 2);
		EQ(w.c.delta, 3);
		world_end(&w);
	}
}

static void a_text_that_is_too_long_is_told_with_its_length(void)
{
	struct world w = world_start();
	auto_(buf_free) struct buf b = buf_of(4096);
	buf_lit(&b, "<contactList><contact uri='a@x' name='");
	for (int i = 0; i <= CONTACT_TEXT_MAX; i++)
		buf_char(&b, 'n');
	buf_lit(&b, "'/></contactList>");
	buf_char(&b, '\0');
	EQ(import(&w, b.p), -EBADMSG);
	EQ_STR(buf_view(&w.why),
	       "line 1, <contact uri=\"a@x\">: name has 256 bytes; expected are at most 255");
	world_end(&w);
}

static void what_no_document_has_stays(void)
{
	struct world w = world_start();
	auto_(buf_free) struct buf ignored = buf_of(4096);
	uint32_t id = 0;
	EQ(contacts_add_group(&w.c, STR("Gone"), STR(""), &id, &ignored), 0);
	EQ(contacts_remove_group(&w.c, id, &ignored), 0);
	contacts_renamed(&w.c, 2, USEC_PER_SEC);
	EQ(import(&w, "<contactList><group id='2' name='New'/></contactList>"), 0);
	OK(contacts_is_echo(&w.c, 2, STR("Team"), USEC_PER_SEC));
	OK(!contacts_group(&w.c, id) && contacts_group(&w.c, id + 1));
	world_end(&w);
}

int main(void)
{
	RUN(contacts_and_groups_are_merged);
	RUN(a_mistake_is_told_by_line_and_element_and_nothing_is_imported);
	RUN(what_no_document_has_stays);
	RUN(a_text_that_is_too_long_is_told_with_its_length);
	return tap_done();
}
