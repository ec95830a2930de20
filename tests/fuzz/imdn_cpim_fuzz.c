#include <assert.h>

#include "wire/imdn/cpim.h"

/* What was read is written so that it is read as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct str all, struct str s)
{
	assert(s.len == 0 || (s.p >= all.p && s.p + s.len <= all.p + all.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	struct cpim c, again;
	auto_(buf_free) struct buf b = buf_of(2 * size + 1024);
	if (cpim_parse(&c, in) < 0)
		return 0;
	inside(in, c.from);
	inside(in, c.message_id);
	inside(in, c.content);
	inside(in, cpim_uri(c.to));
	if (c.from.len == 0)
		c.from = STR("<sip:a@example.test>");
	cpim_put(&b, &c);
	assert(!b.full && cpim_parse(&again, buf_view(&b)) == 0);
	assert(str_eq(again.content, c.content) && again.wants == c.wants);
	assert(again.date == c.date);
	return 0;
}
