/* Tables of users: rows end, their values lie in what was read, and a refusal has a sentence. */
#include <stdlib.h>

#include "ctl/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str in = str_from_bytes((struct bytes){ p, n });
	struct buf why = buf_of(4096);
	struct csv c;
	unsigned line = 0;
	int r;
	csv_init(&c, in);
	while ((r = csv_next(&c, &why)) == 1) {
		size_t bytes = 0;
		check(c.line > line && c.n > 0 && c.n <= CSV_COLUMNS_MAX && why.len == 0);
		line = c.line;
		for (size_t i = 0; i < c.n; i++)
			bytes += c.values[i].len;
		check(bytes > 0 && bytes <= n);
	}
	check((r == 0) == (why.len == 0) && r <= 0);
	csv_done(&c);
	buf_free(&why);
	return 0;
}
