#include <assert.h>

#include "wire/reslist/reslist.h"
#include "wire/sip/uri.h"

/* Every entry has a URI, and none stands there twice. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reslist l;
	auto_(arena_free) struct arena *a = arena_new();
	if (reslist_parse(&l, a, str_n((const char *)data, size)) < 0)
		return 0;
	assert(l.n <= RESLIST_ENTRIES_MAX);
	for (unsigned i = 0; i < l.n; i++) {
		assert(l.v[i].uri.len > 0 && l.v[i].uri.len <= SIP_URI_MAX);
		for (unsigned k = 0; k < i; k++)
			assert(!str_eq(l.v[i].uri, l.v[k].uri));
	}
	return 0;
}
