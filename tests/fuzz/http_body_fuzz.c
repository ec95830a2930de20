#include <assert.h>

#include "base/buf.h"
#include "wire/http/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads chunks that come in steps; what is consumed, or the error.  Lines may not be consumed in
 * part, so all the bytes that are not are offered again. */
static int read_in_steps(struct str in, size_t by, struct buf *got, size_t *ret_used)
{
	struct http_msg m = { .framing = HTTP_BODY_CHUNKED };
	struct http_body b = http_body_of(&m);
	size_t used = 0;
	for (size_t end = MIN(by, in.len);; end = MIN(end + by, in.len)) {
		int r = 1;
		while (r > 0) {
			struct str piece = STR("");
			size_t n = 0;
			r = http_body_next(&b, str_sub(in, used, end - used), &n, &piece);
			if (r < 0)
				return r;
			assert(used + n <= end);
			used += n;
			buf_str(got, piece);
		}
		assert(b.total == got->len && b.total <= in.len);
		if (http_body_is_done(&b) || end == in.len) {
			*ret_used = used;
			return http_body_is_done(&b);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_(buf_free) struct buf whole = buf_of(1 << 20), parts = buf_of(1 << 20);
	struct str in = str_n((const char *)data, MIN(size, (size_t)1 << 20));
	size_t used = 0, again = 0;
	int r = read_in_steps(in, in.len + 1, &whole, &used);
	int slow = read_in_steps(in, 3, &parts, &again);
	assert(r == slow);
	if (r >= 0)
		assert(used == again && str_eq(buf_view(&whole), buf_view(&parts)));
	return 0;
}
