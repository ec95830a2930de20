#include <assert.h>

#include "svc/access/gruu.h"
#include "svc/conversation/html.h"

/* HTML of peers, and the GRUUs they send: plain text is never longer than its source. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	auto_(buf_free) struct buf out = buf_of(2 * size + 16);
	char text[GRUU_INSTANCE_MAX + 1];
	struct buf instance = BUF_ON(text);
	struct sip_uri u;
	html_put_plain(&out, in);
	assert(!out.full && out.len <= size);
	if (sip_uri_parse(&u, in) == 0 && gruu_get(&u, &instance) == 0)
		assert(!instance.full && instance.len == 47);
	return 0;
}
