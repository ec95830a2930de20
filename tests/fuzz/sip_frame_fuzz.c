#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "wire/sip/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX = 2000, FRAMES_MAX = 4000 };

struct log {
	size_t n;
	uint32_t kind_len[FRAMES_MAX];
};

/* Feeds the stream in pieces of `step` bytes; notes what comes out. */
static void feed(struct log *log, struct str in, size_t step)
{
	struct sip_framer f = { 0 };
	size_t from = 0, have = 0;
	log->n = 0;
	while (log->n < FRAMES_MAX) {
		uint32_t len = 0;
		int r = sip_frame(&f, str_sub(in, from, have - from), MAX, &len);
		assert(len <= have - from || r < 0);
		if (r == SIP_FRAME_MORE) {
			assert(len == 0);
			if (have == in.len)
				return;
			have = MIN(in.len, have + step);
			continue;
		}
		log->kind_len[log->n++] = (uint32_t)(r < 0 ? 0xffff0000u : (uint32_t)r << 24 | len);
		if (r < 0)
			return;
		assert(len > 0);
		from += len;
	}
}

/* However the bytes are cut, the frames are the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct log whole, cut;
	struct str in = str_n((const char *)data, size);
	if (size > 4 * MAX)
		return 0;
	feed(&whole, in, size ? size : 1);
	for (size_t step = 1; step < 8; step += 3) {
		feed(&cut, in, step);
		assert(whole.n == cut.n);
		assert(memcmp(whole.kind_len, cut.kind_len, whole.n * sizeof(uint32_t)) == 0);
	}
	return 0;
}
