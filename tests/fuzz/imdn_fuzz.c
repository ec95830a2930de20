#include <assert.h>
#include <errno.h>

#include "wire/imdn/imdn.h"

/* What was read is written so that it is read as the same: both forms of one document. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { GROWN_MAX = 16 * IMDN_BYTES_MAX };

static void standard(struct arena *a, struct str in)
{
	struct imdn i, again;
	auto_(buf_free) struct buf b = buf_of(GROWN_MAX);
	if (imdn_parse(&i, a, in) < 0)
		return;
	imdn_put(&b, &i);
	int r = imdn_parse(&again, a, buf_view(&b));
	assert(!b.full && (r == 0 || r == -E2BIG));
	if (r == 0)
		assert(again.kind == i.kind && again.status == i.status && again.date == i.date);
}

static void lync(struct arena *a, struct str in)
{
	struct imdn_ms i, again;
	auto_(buf_free) struct buf b = buf_of(GROWN_MAX);
	if (imdn_ms_parse(&i, a, in) < 0)
		return;
	imdn_ms_put(&b, &i);
	int r = imdn_ms_parse(&again, a, buf_view(&b));
	assert(!b.full && (r <= 0 && (r != 0 || again.n_recipients == i.n_recipients)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = { (const char *)data, size };
	auto_(arena_free) struct arena *a = arena_new();
	standard(a, in);
	lync(a, in);
	return 0;
}
