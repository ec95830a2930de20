#include <assert.h>
#include <errno.h>

#include "wire/confinfo/confinfo.h"

/* What was read can be written, and is then read the same, unless escapes made it too long. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again_confinfo(const struct confinfo *ci, struct buf *b)
{
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf c = buf_of(b->max);
	struct confinfo back;
	confinfo_put_legs(b, ci);
	if (b->full || b->len > XML_TEXT_MAX)
		return;
	int r = confinfo_parse(&back, a, buf_view(b));
	assert(r == 0 || r == -E2BIG);
	if (r < 0)
		return;
	assert(back.n_users == ci->n_users && back.version == ci->version);
	confinfo_put_legs(&c, &back);
	assert(str_eq(buf_view(b), buf_view(&c)));
}

static void again_time(uint64_t t)
{
	char space[32];
	struct buf b = BUF_ON(space);
	uint64_t back;
	confinfo_time_put(&b, t);
	assert(!b.full && confinfo_time_parse(buf_view(&b), &back) == 0 && back == t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(16 * XML_TEXT_MAX);
	struct confinfo ci;
	uint64_t t;
	if (confinfo_parse(&ci, a, in) == 0)
		again_confinfo(&ci, &b);
	else if (confinfo_time_parse(in, &t) == 0)
		again_time(t);
	return 0;
}
