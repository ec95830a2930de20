#include "wire/reslist/reslist.h"

#include <errno.h>

#include "base/buf.h"
#include "sample.h"
#include "tap.h"
#include "wire/sip/uri.h"

static struct arena *arena;

static struct reslist read(struct str text)
{
	struct reslist l = { 0 };
	arena_free(&arena);
	arena = arena_new();
	EQ(reslist_parse(&l, arena, text), 0);
	return l;
}

static struct reslist read_sample(const char *name)
{
	auto_(buf_free) struct buf b;
	return read(sample(&b, name));
}

static void list_of_a_subscribe_is_read(void)
{
	struct reslist l = read_sample("reslist/flat");
	if (!EQ(l.n, 3))
		return;
	EQ_STR(l.v[0].uri, "sip:bob@example.test");
	EQ_STR(l.v[0].name, "Bob & Co");
	EQ_STR(l.v[1].uri, "sip:carol@example.test");
	EQ_STR(l.v[1].name, "");
	EQ_STR(l.v[2].uri, "pres:dora@example.test");
	EQ(l.n_refs, 0);
}

static void lists_in_lists_are_made_flat(void)
{
	struct reslist l = read_sample("reslist/nested");
	if (!EQ(l.n, 4))
		return;
	EQ_STR(l.v[0].uri, "sip:a@example.test");
	EQ_STR(l.v[1].uri, "sip:b@example.test");
	EQ_STR(l.v[2].uri, "sip:c@example.test");
	EQ_STR(l.v[3].uri, "sip:d@example.test");
	EQ(l.n_refs, 2);
}

static void equal_entries_are_taken_once(void)
{
	struct reslist l = read(STR(
	        "<resource-lists><list>"
	        "<entry "
	        "uri='sip:Bob@EXAMPLE.test;transport=tcp'><display-name>1</display-name></entry>"
	        "<entry uri='mailto:bob@example.test'/>"
	        "<entry uri='sip:%62ob@example.test'><display-name>2</display-name></entry>"
	        "<entry uri='no uri'/>"
	        "<entry uri='sips:bob@example.test:5061'/>"
	        "<entry uri=' mailto:bob@example.test '/>"
	        "<entry uri='no uri'/>"
	        "</list></resource-lists>"));
	if (!EQ(l.n, 3))
		return;
	EQ_STR(l.v[0].uri, "sip:Bob@EXAMPLE.test;transport=tcp");
	EQ_STR(l.v[0].name, "1");
	EQ_STR(l.v[1].uri, "mailto:bob@example.test");
	EQ_STR(l.v[2].uri, "no uri");
}

static int refused(struct str text)
{
	struct reslist l;
	auto_(arena_free) struct arena *a = arena_new();
	return reslist_parse(&l, a, text);
}

static void other_documents_are_refused(void)
{
	EQ(refused(STR("")), -EBADMSG);
	EQ(refused(STR("<list/>")), -EBADMSG);
	EQ(refused(STR("<resource-lists><list><entry/></list></resource-lists>")), -EBADMSG);
	EQ(refused(STR("<resource-lists><list><entry uri=' '/></list></resource-lists>")),
	   -EBADMSG);
	EQ(refused(STR("<resource-lists/>")), 0);
}

static int many(const char *start, const char *more, unsigned n, const char *end)
{
	auto_(buf_free) struct buf b = buf_of(2 * RESLIST_BYTES_MAX);
	buf_str(&b, str_of(start));
	for (unsigned i = 0; i < n; i++)
		buf_str(&b, str_of(more));
	buf_str(&b, str_of(end));
	return refused(buf_view(&b));
}

static void limits_hold(void)
{
	static const struct {
		const char *start, *more, *end;
		unsigned max;
	} t[] = {
		{ "<resource-lists><list>", "<entry uri='sip:a@b'/>", "</list></resource-lists>",
		  RESLIST_ENTRIES_MAX },
		{ "<resource-lists><entry uri='", "x", "'/></resource-lists>", SIP_URI_MAX },
		{ "<resource-lists><entry uri='x'><display-name>", "x",
		  "</display-name></entry></resource-lists>", RESLIST_NAME_MAX },
		{ "<resource-lists/>", " ", "", RESLIST_BYTES_MAX - 17 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		EQ(many(t[i].start, t[i].more, t[i].max, t[i].end), 0);
		EQ(many(t[i].start, t[i].more, t[i].max + 1, t[i].end), -E2BIG);
	}
}

int main(void)
{
	RUN(list_of_a_subscribe_is_read);
	RUN(lists_in_lists_are_made_flat);
	RUN(equal_entries_are_taken_once);
	RUN(other_documents_are_refused);
	RUN(limits_hold);
	arena_free(&arena);
	return tap_done();
}
