#include <assert.h>

#include "svc/contacts/import.h"
#include "wire/xml/xml.h"

/* Lists of contacts: what is read, and every change of it, is written so that it reads the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct str write_all(struct buf *b, const struct contact_list *c)
{
	*b = buf_of(CONTACTS_DOC_MAX);
	contacts_put(b, c, STR(""));
	assert(!b->full);
	return buf_view(b);
}

static void check(const struct contact_list *c)
{
	struct contact_list again;
	struct buf one, two;
	contacts_init(&again);
	int r = contacts_read(&again, write_all(&one, c));
	assert(r == 0);
	assert(str_eq(write_all(&two, &again), buf_view(&one)));
	buf_free(&one);
	buf_free(&two);
	contacts_done(&again);
}

/* Each line of the input is the argument of a change; its first letter says which. */
static void change(struct contact_list *c, struct str line, struct buf *delta)
{
	struct str rest = str_sub(line, 1, line.len), a, b;
	uint32_t id = line.len > 1 ? (uint8_t)line.p[1] % 8 : 0;
	(void)str_cut(rest, '|', &a, &b);
	struct contact_set s = { .uri = a, .name = a, .groups = b, .external = a };
	switch (line.len > 0 ? line.p[0] : 0) {
	case 's':
		(void)!contacts_set(c, &s, CONTACTS_MAX, delta);
		break;
	case 'r':
		(void)!contacts_remove(c, rest, delta);
		break;
	case 'g':
		(void)!contacts_add_group(c, a, b, &id, delta);
		break;
	case 'm':
		(void)!contacts_modify_group(c, id, a, b, delta);
		break;
	case 'd':
		(void)!contacts_remove_group(c, id, delta);
		break;
	default:
		break;
	}
}

static void check_delta(const struct contact_list *c, const struct buf *elements)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(CONTACTS_DOC_MAX);
	struct xml *x;
	contacts_put_delta(&b, c, buf_view(elements));
	assert(!b.full && xml_parse(&x, a, buf_view(&b)) == 0);
	(void)x;
}

/* All or nothing, and the error is told. */
static void import(struct contact_list *c, struct str in)
{
	auto_(buf_free) struct buf why = buf_of(4096);
	struct contacts_imported n;
	uint32_t before = c->delta;
	int r = contacts_import(c, in, CONTACTS_MAX, &n, &why);
	assert((r < 0) == (why.len > 0) && (r == 0 || c->delta == before));
	check(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size }, line;
	struct contact_list c;
	contacts_init(&c);
	import(&c, in);
	if (contacts_read(&c, in) == 0)
		check(&c);
	for (int n = 0; n < 200 && in.len > 0; n++) {
		auto_(buf_free) struct buf delta = buf_of(CONTACTS_DOC_MAX);
		uint32_t before = c.delta;
		(void)str_cut(in, '\n', &line, &in);
		change(&c, line, &delta);
		assert((delta.len > 0) == (c.delta != before));
		if (delta.len > 0)
			check_delta(&c, &delta);
	}
	contacts_done(&c);
	return 0;
}
