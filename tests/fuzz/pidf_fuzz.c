#include <assert.h>
#include <errno.h>

#include "wire/pidf/pidf.h"

/* A document that was read is written so that it says the same when it is read again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pidf p, q;
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf once = buf_of(32 * PIDF_BYTES_MAX), twice = once;
	if (pidf_parse(&p, a, str_n((const char *)data, size)) < 0)
		return 0;
	pidf_put(&once, &p);
	assert(!once.full);
	int r = pidf_parse(&q, a, buf_view(&once));
	if (r == 0) {
		pidf_put(&twice, &q);
		assert(str_eq(buf_view(&once), buf_view(&twice)));
	} else {
		assert(r == -E2BIG); /* written, it may have grown beyond the limits */
	}
	return 0;
}
