#include <assert.h>

#include "wire/xml/xml.h"

static size_t check(const struct xml *e, struct str in, int depth)
{
	size_t n = 1;
	assert(depth < XML_DEPTH_MAX);
	assert(e->source.p >= in.p && e->source.p + e->source.len <= in.p + in.len);
	assert(e->source.len >= 4 && e->source.p[0] == '<' &&
	       e->source.p[e->source.len - 1] == '>');
	for (const struct xml *c = e->child; c; c = c->next) {
		assert(c->parent == e);
		n += check(c, in, depth + 1);
	}
	return n;
}

/* Trees are within the limits, and any bytes can be written so that they are read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	struct xml *x = NULL;
	auto_(arena_free) struct arena *a = arena_new();
	if (xml_parse(&x, a, in) == 0)
		assert(check(x, in, 0) <= XML_NODES_MAX);
	auto_(buf_free) struct buf b = buf_of(6 * size + 64);
	buf_lit(&b, "<r");
	xml_put_attr(&b, "k", in);
	buf_lit(&b, "/>");
	assert(!b.full);
	assert(b.len > XML_TEXT_MAX || xml_parse(&x, a, buf_view(&b)) == 0);
	return 0;
}
