#include <assert.h>

#include "wire/stun/binding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *id;
	char out[128];
	struct addr peer;
	struct buf b = BUF_ON(out);
	if (stun_binding_parse((struct bytes){ data, size }, &id) < 0)
		return 0;
	assert(id >= data && id + 12 <= data + size);
	assert(addr_parse(&peer, STR("2001:db8::1"), 1234) == 0);
	stun_binding_answer(&b, id, &peer);
	assert(!b.full && b.len == 20 + 24);
	return 0;
}
