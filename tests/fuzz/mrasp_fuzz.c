#include <assert.h>

#include "wire/mrasp/mrasp.h"

/* What was read can be answered, and the answer is XML. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mrasp_request m;
	struct mrasp_granted granted[MRASP_WANTED_MAX];
	struct xml *root;
	auto_(arena_free) struct arena *a = arena_new();
	auto_(buf_free) struct buf b = buf_of(XML_TEXT_MAX);
	if (mrasp_parse(&m, a, str_n((const char *)data, size)) < 0)
		return 0;
	assert(m.n_wanted > 0 && m.n_wanted <= MRASP_WANTED_MAX);
	for (size_t i = 0; i < m.n_wanted; i++) {
		assert(m.wanted[i].duration >= MRASP_DURATION_MIN);
		assert(m.wanted[i].duration <= MRASP_DURATION_MAX);
		granted[i] =
		        (struct mrasp_granted){ STR("dQ=="), STR("cA=="), m.wanted[i].duration };
	}
	mrasp_put(&b, &(struct mrasp_response){ .to = &m, .granted = granted });
	assert(!b.full && xml_parse(&root, a, buf_view(&b)) == 0);
	return 0;
}
