#include <assert.h>

#include "wire/http/cond.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input is the head of a request; behind its first byte, which is a length of content. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http_msg m;
	uint64_t from = 0, n = 0, len = size > 0 ? data[0] : 0;
	struct str head = size > 0 ? str_n((const char *)data + 1, size - 1) : STR("");
	if (http_parse_request(&m, head).status)
		return 0;
	assert(http_coding_weight(&m, STR("br")) <= HTTP_WEIGHT_MAX);
	assert(http_coding_weight(&m, STR("identity")) <= HTTP_WEIGHT_MAX);
	if (http_etag_in(&m, HTTP_H_IF_NONE_MATCH, STR("\"x\""), true))
		assert(http_etag_in(&m, HTTP_H_IF_NONE_MATCH, STR("\"x\""), false));
	if (http_range_of(&m, len, &from, &n) == HTTP_RANGE_PART)
		assert(n > 0 && from + n <= len);
	return 0;
}
